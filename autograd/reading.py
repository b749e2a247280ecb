"""Reads an entry that a user wrote, before anything is computed with it.

An expression over `m` runs on floats, Values, dual numbers, SymPy's symbols and the compiler's
registers. What works on floats alone (`2 * x`, `math.exp(x)`, `if x > 0`) would raise, or worse go
unnoticed, on the others. So it is run here on operands that are no numbers, and what is more than
an expression is refused, with what to write instead.
"""

import inspect
import keyword
import math
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any, NoReturn

from autograd import ieee
from autograd.errors import PrimitiveError
from autograd.operands import as_float
from autograd.primitives import BUILT_IN, TABLE, Interval, Primitive

# Operations that have no entry in the table: the compiler's own, and a constant's
RESERVED = {"constant", "input", "take", "largest", "inner", "mean_over_rows", "sum", "fma"}
RESERVED |= {"gt", "ge", "lt", "le", "eq"}
COUNTS = (1, 2, 3, 4)  # of operands, at which a rule of any number of them is read

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

    def __init__(self, where: str, known: dict[str, int | None]) -> None:
        """known: what m has, with how many operands each takes."""
        self._where, self._known = where, known | dict.fromkeys(CONDITIONS, 2)

    def __getattr__(self, name: str) -> Callable[..., _Operand]:
        if name not in self._known:
            near = get_close_matches(name, self._known)
            hint = f"did you mean m.{near[0]}?" if near else "m has the primitives, gt, lt and eq"
            raise PrimitiveError(f"{self._where} uses m.{name}, which is not there; {hint}")
        arity = self._known[name]

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
        if isinstance(x, (tuple, list)) and any(type(item) is _Operand for item in x):
            raise PrimitiveError(
                f"{self._where} has a {type(x).__name__} of operands {place}; write them one by "
                "one, or with a star, as in m.total(*xs)"
            )
        if type(x) is not _Operand and type(x) is not float:
            number = isinstance(x, (int, float)) or hasattr(x, "__float__")
            hint = f"write {float(x)!r}" if number else "write functions of m, and floats"
            raise PrimitiveError(
                f"{self._where} has {x!r:.60} ({type(x).__name__}) {place}, where a float or what "
                f"m gives is expected; {hint}"
            )


def _read_expression(p: Primitive, n: int) -> None:
    """Raise PrimitiveError unless this is the value of n operands as an expression over m."""
    if p.expression is None:
        return
    known = {name: other.arity for name, other in TABLE.items() if name != p.name}
    m = _Reader(f"the forward of {p.name!r}", known)
    y = _run(m, p.expression, [_Operand(m._where) for _ in range(n)])
    m.check(y, "as its value")


def _read_partials(p: Primitive, n: int) -> tuple[bool, ...]:
    """Of each operand, whether a gradient flows along it.

    Raises PrimitiveError unless there is a tuple of n expressions over m, floats and None.
    """
    name = p.name
    known = {name: other.arity for name, other in (TABLE | {name: p}).items()}
    m = _Reader(f"the rule of {name!r}", known)
    found = _run(m, p.partials, [_Operand(m._where) for _ in range(1 + n)])
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


# --- the other parts of an entry ------------------------------------------------------------------


def check_name(name: str, replace: bool) -> None:
    """Raise PrimitiveError unless an entry may have this name."""
    if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
        raise PrimitiveError(
            f"expected the name of a primitive to be a name in Python, as in m.softsign, but got "
            f"{name!r:.60}; the symbol in pictures may be any text"
        )
    if name in BUILT_IN or name in RESERVED or (name not in TABLE and hasattr(ieee, name)):
        raise PrimitiveError(f"{name!r} is the name of one of autograd's own; choose another")
    if name in TABLE and not replace:
        raise PrimitiveError(
            f"{name!r} is the name of a primitive that you have entered already; choose another, "
            "or write replace=True to put this one in its place"
        )


def read_operands(name: str, forward: Any, partials: Any) -> tuple[tuple[str, ...], bool]:
    """The operands with their defaults, and whether `forward` is an expression over m."""
    for what, f in (("forward", forward), ("partials", partials)):
        if not callable(f):
            raise PrimitiveError(f"expected {what} of {name!r} to be a function, but got {f!r:.60}")
    rule = _parameters(partials)
    if rule is None or len(rule) < 3 or any(x.startswith("*") for x in rule[:2]):
        raise PrimitiveError(
            f"expected partials of {name!r} to take m, the value y and each operand, as in "
            f"lambda m, y, x: (m.cos(x),), but it takes ({', '.join(rule or ['?'])})"
        )
    own = _parameters(forward)
    is_expression = own is not None and own[:1] == ["m"]
    taken = own[1:] if own is not None and is_expression else own
    n, named = len(rule) - 2, rule[2:]
    if any(x.startswith("*") for x in named):
        if n > 1 or (taken is not None and not _takes_any_number(taken)):
            raise PrimitiveError(
                f"expected {name!r} to have either operands by name or *xs alone, in forward and "
                f"in partials, but they take ({', '.join(own or ['?'])}) and ({', '.join(rule)})"
            )
        return tuple(named), is_expression
    if taken is None or _takes_any_number(taken):
        taken = named  # math.log, math.hypot: they do not say
    required = [x for x in taken if "=" not in x]
    if not len(required) <= n <= len(taken) or (is_expression and len(taken) != n):
        raise PrimitiveError(
            f"expected forward and partials of {name!r} to have the same operands, but forward "
            f"takes ({', '.join(own or ['?'])}) and partials ({', '.join(rule)}), of which the "
            "first two are m and the value; the first parameter of a forward that is an expression "
            "is called m"
        )
    for k, x in enumerate(taken[:n]):
        default = x.partition("=")[2]
        if default and (k == 0 or not _is_finite(default)):
            raise PrimitiveError(
                f"expected defaults that are finite numbers, and none of the first operand, but "
                f"{name!r} has {x}"
            )
    return tuple(taken[:n]), is_expression


def _takes_any_number(parameters: list[str]) -> bool:
    return len(parameters) == 1 and parameters[0].startswith("*")


def _is_finite(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _parameters(f: Callable[..., Any]) -> list[str] | None:
    """The positional parameters as text, "slope=0.01" and "*xs"; None if they are not known."""
    try:
        found = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):  # some builtins
        return None
    texts = []
    for x in found:
        if x.kind is x.VAR_POSITIONAL:
            texts.append(f"*{x.name}")
        elif x.kind in (x.POSITIONAL_ONLY, x.POSITIONAL_OR_KEYWORD):
            texts.append(x.name if x.default is x.empty else f"{x.name}={x.default!r}")
    return texts


def read_domains(name: str, domain: Any, operands: tuple[str, ...]) -> tuple[Interval, ...]:
    """An interval for each operand."""
    try:
        one = isinstance(domain[0], (int, float))
        found = [(as_float(low), as_float(high)) for low, high in ([domain] if one else domain)]
    except (TypeError, ValueError, IndexError, KeyError):
        found = []
    if len(found) == 1:
        found *= len(operands)
    if len(found) != len(operands) or not all(low < high for low, high in found):
        raise PrimitiveError(
            f"expected domain of {name!r} to be an interval (low, high), or one for each of "
            f"{len(operands)} operands, but got {domain!r:.80}"
        )
    return tuple(found)


def read_counts(p: Primitive) -> dict[int, tuple[bool, ...]]:
    """For each number of operands it can take, along which of them a gradient flows."""
    found: dict[int, tuple[bool, ...]] = {}
    errors: list[PrimitiveError] = []
    for n in COUNTS if p.arity is None else (p.arity,):
        try:
            _read_expression(p, n)
            found[n] = _read_partials(p, n)
        except PrimitiveError as error:
            if p.arity is not None or error.__cause__ is None:
                raise
            errors.append(error)  # it may take an even number of operands only
    if not found:
        raise errors[0]
    return found
