"""Reads what a user wrote over `m`, on operands that are no numbers, before it is used on any.

An expression over `m` runs on floats, Values, dual numbers, SymPy's symbols and the compiler's
registers. What works on floats alone (`2 * x`, `math.exp(x)`, `if x > 0`) would raise, or worse go
unnoticed, on the others. Here it is refused, with what to write instead.
"""

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any, NoReturn

from autograd.errors import PrimitiveError
from autograd.primitives import TABLE

CONDITIONS = ("gt", "lt", "eq")  # what m has beside the primitives; they give a truth for m.where
# Python's own operations -> how they are written, and what to write instead
_INSTEAD = {
    "add": ("+", "m.add"),
    "sub": ("-", "m.sub"),
    "mul": ("*", "m.mul"),
    "truediv": ("/", "m.div"),
    "pow": ("**", "m.pow"),
    "neg": ("-", "m.neg"),
    "abs": ("abs", "m.abs"),
    "lt": ("<", "m.lt"),
    "gt": (">", "m.gt"),
    "le": ("<=", "m.where and m.gt"),
    "ge": (">=", "m.where and m.lt"),
    "eq": ("==", "m.eq"),
    "ne": ("!=", "m.where and m.eq"),
    "bool": ("a branch (if, and, or, max)", "m.where, m.maximum or m.minimum"),
    "float": ("float(), or a function of math", "m.exp for math.exp, and so on"),
    "round": ("round", "m.where"),
    "index": ("an index", "m.where"),
}
_REFLECTED = ("add", "sub", "mul", "truediv", "pow")


class _Operand:
    """What a number looks like to someone who may only pass it on to `m`."""

    __array_ufunc__ = None  # NumPy's numbers ask this side for the operation

    def __init__(self, where: str, is_truth: bool = False) -> None:
        self.where, self.is_truth = where, is_truth

    def __getattr__(self, name: str) -> NoReturn:
        raise PrimitiveError(
            f"{self.where} asks an operand for .{name}: it may only be handed to functions of m, "
            f"as in m.mul(2.0, x)"
        )


def _refusal(sign: str, instead: str) -> Callable[..., NoReturn]:
    def refuse(self: _Operand, *others: Any) -> NoReturn:
        raise PrimitiveError(
            f"{self.where} uses {sign} on an operand, which would work for floats alone, not for "
            f"nodes, dual numbers and compiled code; write {instead}"
        )

    return refuse


for _name, (_sign, _instead) in _INSTEAD.items():
    setattr(_Operand, f"__{_name}__", _refusal(_sign, _instead))
    if _name in _REFLECTED:
        setattr(_Operand, f"__r{_name}__", _refusal(_sign, _instead))


class _Reader:
    """`m` that checks how it is used, and computes nothing."""

    def __init__(self, where: str, known: Iterable[str]) -> None:
        self._where, self._known = where, {*known, *CONDITIONS}

    def __getattr__(self, name: str) -> Callable[..., _Operand]:
        if name not in self._known:
            near = get_close_matches(name, self._known)
            hint = f"did you mean m.{near[0]}?" if near else "m has the primitives, gt, lt and eq"
            raise PrimitiveError(f"{self._where} uses m.{name}, which is not there; {hint}")
        arity = 2 if name in CONDITIONS else TABLE[name].arity

        def use(*operands: Any) -> _Operand:
            if len(operands) != arity and (arity is not None or not operands):
                raise PrimitiveError(
                    f"{self._where} gives m.{name} {len(operands)} operands, but it takes "
                    f"{'at least one' if arity is None else arity}"
                )
            for k, x in enumerate(operands):
                self.check(x, f"as operand {k} of m.{name}", truth=(name, k) == ("where", 0))
            return _Operand(self._where, name in CONDITIONS)

        return use

    def check(self, x: Any, place: str, truth: bool = False) -> None:
        """Raise PrimitiveError unless this is an operand, or a float. truth: whether it may be one.

        An int is none: on a tape it would be the number of a value.
        """
        if type(x) is _Operand and x.is_truth and not truth:
            raise PrimitiveError(
                f"{self._where} has a truth {place}, where a number is expected; write "
                "m.where(truth, 1.0, 0.0)"
            )
        if type(x) is not _Operand and type(x) is not float:
            number = isinstance(x, (int, float)) or hasattr(x, "__float__")
            hint = f"write {float(x)!r}" if number else "write functions of m, and floats"
            raise PrimitiveError(
                f"{self._where} has {x!r:.60} ({type(x).__name__}) {place}, where a float or what "
                f"m gives is expected; {hint}"
            )


def read_expression(name: str, expression: Callable[..., Any], n: int) -> None:
    """Raise PrimitiveError unless this is the value of n operands as an expression over m."""
    m = _Reader(f"the forward of {name!r}", TABLE.keys() - {name})
    y = _run(m, expression, [_Operand(m._where) for _ in range(n)])
    m.check(y, "as its value")


def read_partials(name: str, partials: Callable[..., Any], n: int) -> tuple[bool, ...]:
    """Of each operand, whether a gradient flows along it.

    Raises PrimitiveError unless there is a tuple of n expressions over m, floats and None.
    """
    m = _Reader(f"the rule of {name!r}", {*TABLE, name})
    found = _run(m, partials, [_Operand(m._where) for _ in range(1 + n)])
    if type(found) is not tuple:
        raise PrimitiveError(
            f"expected the rule of {name!r} to give a tuple with one partial for each operand, but "
            f"got {_shown(found)}; of one operand it is (partial,), with a comma"
        )
    if len(found) != n:
        raise PrimitiveError(
            f"expected the rule of {name!r} to give one partial for each of {n} operands, but got "
            f"{len(found)}; None stands for an operand that gets no gradient"
        )
    for k, d in enumerate(found):
        if d is not None:
            m.check(d, f"as partial {k}")
    return tuple([d is not None for d in found])


def _run(m: _Reader, f: Callable[..., Any], operands: list[Any]) -> Any:
    try:
        return f(m, *operands)
    except PrimitiveError:
        raise
    except Exception as error:
        raise PrimitiveError(
            f"{m._where} fails on operands that are no floats: {type(error).__name__}: {error}; "
            "it is an expression made of m's functions, and of nothing else"
        ) from error


def _shown(x: Any) -> str:
    return "one expression" if type(x) is _Operand else f"{x!r:.60} ({type(x).__name__})"
