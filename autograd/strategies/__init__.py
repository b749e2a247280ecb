"""What hypothesis draws for tests of derivatives: operands, expressions, networks.

All are made from the table, so a new primitive is drawn unasked. What is drawn stays away from
kinks, where there is no derivative to test, and of moderate size; a failure shrinks to the smallest
expression, prints it as Python and draws it.
"""

try:
    import hypothesis as _hypothesis  # noqa: F401
except ModuleNotFoundError:
    from autograd.errors import MissingExtraError

    raise MissingExtraError(
        "autograd.strategies needs hypothesis: pip install glassgrad[check], "
        "or pip install hypothesis"
    ) from None

from autograd.strategies.expressions import Expression as Expression
from autograd.strategies.expressions import expressions as expressions
from autograd.strategies.networks import Network as Network
from autograd.strategies.networks import networks as networks
from autograd.strategies.operands import floats_for as floats_for
from autograd.strategies.operands import operands as operands
