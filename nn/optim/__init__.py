"""Optimisers: how a model's parameters move, given their gradients."""

from nn.optim.base import Optimizer as Optimizer
from nn.optim.base import Schedule as Schedule
from nn.optim.base import UnboundError as UnboundError
from nn.optim.base import clip_by_norm as clip_by_norm
from nn.optim.base import clip_by_value as clip_by_value
from nn.optim.base import in_range as in_range
from nn.optim.optimizers import OPTIMIZERS as OPTIMIZERS
from nn.optim.optimizers import SGD as SGD
from nn.optim.optimizers import Adadelta as Adadelta
from nn.optim.optimizers import Adagrad as Adagrad
from nn.optim.optimizers import Adam as Adam
from nn.optim.optimizers import AdamW as AdamW
from nn.optim.optimizers import Nadam as Nadam
from nn.optim.optimizers import RMSprop as RMSprop
from nn.optim.optimizers import optimizer_named as optimizer_named
from nn.optim.rules import adadelta as adadelta
from nn.optim.rules import adagrad as adagrad
from nn.optim.rules import adam as adam
from nn.optim.rules import adamw as adamw
from nn.optim.rules import amsgrad as amsgrad
from nn.optim.rules import nadam as nadam
from nn.optim.rules import rmsprop as rmsprop
from nn.optim.rules import sgd as sgd
