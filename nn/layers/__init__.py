"""Layers: the perceptron and networks of it (Neuron, Layer, MLP), and those of a Sequential."""

from nn.layers.base import Pass as Pass
from nn.layers.base import SequentialLayer as SequentialLayer
from nn.layers.conv import AveragePooling2D as AveragePooling2D
from nn.layers.conv import Conv2D as Conv2D
from nn.layers.conv import MaxPooling2D as MaxPooling2D
from nn.layers.dense import Dense as Dense
from nn.layers.dropout import DropConnect as DropConnect
from nn.layers.dropout import Dropout as Dropout
from nn.layers.perceptron import MLP as MLP
from nn.layers.perceptron import Layer as Layer
from nn.layers.perceptron import Neuron as Neuron
from nn.layers.reshape import Activation as Activation
from nn.layers.reshape import Flatten as Flatten
from nn.layers.reshape import Reshape as Reshape
