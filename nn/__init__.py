"""nn: neural networks whose every number is a node of autograd."""

from nn import data as data
from nn.activations import activation_function as activation_function
from nn.data import DataSet as DataSet
from nn.data import gate as gate
from nn.errors import DataError as DataError
from nn.errors import HyperparameterError as HyperparameterError
from nn.errors import StateDictError as StateDictError
from nn.errors import TargetError as TargetError
from nn.errors import UnknownNameError as UnknownNameError
from nn.layers import MLP as MLP
from nn.layers import Layer as Layer
from nn.layers import Neuron as Neuron
from nn.losses import binary_cross_entropy as binary_cross_entropy
from nn.losses import hinge as hinge
from nn.losses import mse as mse
from nn.module import Module as Module
from nn.optim import SGD as SGD
from nn.optim import Adam as Adam
from nn.optim import Optimizer as Optimizer
from nn.train import History as History
from nn.train import perceptron_rule as perceptron_rule
from nn.train import train as train
