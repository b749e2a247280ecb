"""Layers: the perceptron and networks of it (Neuron, Layer, MLP), and those of a Sequential."""

from nn.layers.base import Pass as Pass
from nn.layers.base import SequentialLayer as SequentialLayer
from nn.layers.dense import Dense as Dense
from nn.layers.perceptron import MLP as MLP
from nn.layers.perceptron import Layer as Layer
from nn.layers.perceptron import Neuron as Neuron
