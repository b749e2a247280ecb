"""Forward mode: dual numbers, from the same table, and jvp.

A dual number carries a number and its derivative along one direction through a computation, with
no graph at all. Rules are the table's own, so forward mode is a second witness for the gradients.
"""

from collections.abc import Callable
from itertools import count
from typing import Any

from autograd import modes
from autograd.elementwise import call, primal
from autograd.errors import OperandError, StructureError
from autograd.functions import NAMESPACE
from autograd.methods import Methods
from autograd.operands import as_float
from autograd.primitives import TABLE, Primitive
from autograd.tree import flatten, same_structure
from autograd.value import Value

_levels = count(1)
STILL = float("0.0")  # the tangent of what does not move, told by identity: 0.0 * inf is nan


class Dual(Methods):
    """primal + tangent * epsilon, with epsilon**2 = 0.

    Both parts may be floats, Values or dual numbers of a lower level. Each `jvp` under way has a
    level of its own, so that one inside another does not take the outer's tangent for its own
    ("perturbation confusion", Siskind & Pearlmutter 2005).
    """

    __slots__ = ("primal", "tangent", "level")

    def __init__(self, primal: Any, tangent: Any, level: int) -> None:
        self.primal = primal
        self.tangent = tangent
        self.level = level

    def __apply_primitive__(self, p: Primitive, operands: tuple[Any, ...]) -> Any:
        for x in operands:  # a tangent of an inner level, on one branch of a traced `where`
            if type(x) not in _ORDINARY and hasattr(x, "__settle__"):
                return x.__apply_primitive__(p, operands)
        level = max(x.level for x in operands if type(x) is Dual)
        mine = [type(x) is Dual and x.level == level for x in operands]
        primals = [x.primal if m else x for x, m in zip(operands, mine, strict=True)]
        y = call(p, *primals)
        if modes.open_blocks and modes.watcher() is not None:
            with modes.watching(None):  # rules compute branches as well that they do not take
                partials = p.partials(NAMESPACE, y, *primals)
        else:
            partials = p.partials(NAMESPACE, y, *primals)
        terms = [
            call(TABLE["mul"], d, x.tangent)
            for x, d, m in zip(operands, partials, mine, strict=True)
            if m and d is not None and x.tangent is not STILL
        ]
        return Dual(y, call(TABLE["total"], *terms) if terms else STILL, level)

    def __pos__(self) -> "Dual":
        return self

    def __bool__(self) -> bool:
        return primal(self) != 0.0

    @property
    def data(self) -> float:
        """The plain number, as `Value.data`: what is done with it is not differentiated."""
        return primal(self)

    def detach(self) -> float:
        return primal(self)

    def __float__(self) -> float:
        raise OperandError(
            "float(x), and so math.exp(x) and the like, would drop the derivative in silence; "
            "write autograd.exp(x) or x.exp()"
        )

    def __repr__(self) -> str:
        return f"Dual({self.primal!r}, tangent={self.tangent!r})"


_ORDINARY = frozenset((float, int, Dual, Value))  # numbers that need no closer look


def jvp(f: Callable[..., Any], primals: Any, tangents: Any) -> tuple[Any, Any]:
    """The value of `f` and its derivative in the direction of the tangents.

    primals, tangents: a tuple with one entry for each argument of `f` (anything but a tuple is the
        one argument), built alike.
    Gives (value, tangent), both in the structure of what `f` returns.
    Raises StructureError if tangents are not built like primals.
    """
    if not isinstance(primals, tuple):
        primals, tangents = (primals,), (tangents,)
    xs, rebuild = flatten(primals)
    ts = same_structure("tangents", primals, tangents)
    level = next(_levels)
    result = f(*rebuild([_dual(x, t, level) for x, t in zip(xs, ts, strict=True)]))
    ys, rebuild_result = flatten(result)
    try:
        ys = [_number(y) for y in ys]
    except OperandError as error:
        raise StructureError(
            f"expected a function whose result is made of numbers: {error}"
        ) from None
    parts = [
        (y.primal, y.tangent) if type(y) is Dual and y.level == level else (y, 0.0) for y in ys
    ]
    tangents_of_result = [t.__settle__() if hasattr(t, "__settle__") else t for _, t in parts]
    return rebuild_result([p for p, _ in parts]), rebuild_result(tangents_of_result)


def _dual(x: Any, tangent: Any, level: int) -> Any:
    x, tangent = _number(x), _number(tangent)
    if type(tangent) is float and tangent == 0.0:
        tangent = STILL
    return Dual(x, tangent, level)


def _number(x: Any) -> Any:
    return x if type(x) is Value or hasattr(x, "__apply_primitive__") else as_float(x)
