"""autograd: every number is a node you can see, trust, and run fast."""

from autograd.elementwise import *  # placeholder until the stubs are generated
from autograd.errors import GraphTooLargeError as GraphTooLargeError
from autograd.errors import LengthError as LengthError
from autograd.errors import MissingExtraError as MissingExtraError
from autograd.errors import OperandError as OperandError
from autograd.errors import RenderError as RenderError
from autograd.errors import StructureError as StructureError
from autograd.functions import dot as dot
from autograd.functions import linear as linear
from autograd.functions import log_softmax as log_softmax
from autograd.functions import logsumexp as logsumexp
from autograd.functions import mean as mean
from autograd.functions import prod as prod
from autograd.functions import softmax as softmax
from autograd.functions import total as total
from autograd.modes import no_grad as no_grad
from autograd.order import topological_order as topological_order
from autograd.scope import Scope as Scope
from autograd.value import Value as Value
