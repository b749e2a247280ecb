"""primitive(...): a user's own entry of the table, which then has all that ours have.

What is entered is an ordinary `Primitive`: the functions of the engine, of forward mode, of the
pictures and of the compiler find it in the table. Here it is read (`reading.py`), and held against
differences, before anything can use it.
"""

import keyword
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Protocol, overload

from autograd import ieee
from autograd.elementwise import ELEMENTWISE, call, function_of
from autograd.errors import ForwardError, GradientError, OperandError, PrimitiveError
from autograd.functions import NAMESPACE, _at_least_one
from autograd.operands import as_float
from autograd.primitives import BUILT_IN, REAL, TABLE, Interval, Primitive
from autograd.value import Value

# Operations that have no entry in the table: the compiler's own, and a constant's
RESERVED = {"constant", "input", "take", "largest", "inner", "mean_over_rows", "sum", "fma"}
RESERVED |= {"gt", "ge", "lt", "le", "eq"}
COUNTS = (1, 2, 3, 4)  # of operands, at which a rule of any number of them is read
POINTS, DRAWS = 4, 100  # where a rule is checked; how often such a point is looked for
NEAR = 1e-3  # so near to a kink no point is taken
SECONDS = 0.1  # after which no further point is checked: a forward may be an integral


class Function(Protocol):
    """What `primitive` gives: a function of numbers, or of one list where it has `*xs`."""

    __name__: str

    @overload  # a float fits both of the first two, and the first is meant
    def __call__(  # type: ignore[overload-overlap]
        self, *operands: float, **named: float
    ) -> float: ...
    @overload
    def __call__(self, *operands: Value | float, **named: Value | float) -> Value: ...
    @overload
    def __call__(self, *operands: Any, **named: Any) -> Any: ...
    def __call__(self, *operands: Any, **named: Any) -> Any:
        """A float for floats, a node where one is a Value, structures for structures."""


def _no_kinks(*operands: float) -> tuple[float, ...]:
    return ()


def primitive(
    name: str,
    forward: Callable[..., Any],
    partials: Callable[..., tuple[Any, ...]],
    *,
    symbol: str = "",
    formula: str = "",
    domain: Interval | Sequence[Interval] = REAL,
    kinks: Callable[..., tuple[float, ...]] = _no_kinks,
    check: bool = True,
    replace: bool = False,
) -> Function:
    """Enter a primitive of your own into the table; gives the function to call.

    forward: m, *operands -> the value as an expression over m, which has all primitives; or, if its
        first parameter is not called m, any Python function of floats. Defaults make operands
        optional; `*xs` stands for any number of them, and the function then takes one list.
    partials: m, y, *operands -> a tuple: by each operand the local derivative, as an expression
        over m and the value y; None for an operand that gets no gradient.
    symbol, formula: what the picture and the documentation write.
    domain: the open interval where the function is real, or one for each operand. What `forward`
        raises outside becomes nan.
    kinks: operands as floats -> a tuple of numbers that are zero where it is not differentiable.
    check: whether to hold the partials against differences first. replace: whether an entry of your
        own under this name may be there, as in a notebook cell that runs twice.
    Raises PrimitiveError if the entry is not well formed, GradientError if the partials are wrong.
    """
    _check_name(name, replace)
    operands, is_expression = _operands(name, forward, partials)
    several = operands[0].startswith("*")
    domains = _domains(name, domain, operands)
    entry = Primitive(
        name,
        symbol or name,
        operands,
        formula or f"{name}({', '.join(operands)})",
        partial(forward, ieee) if is_expression else _ieee_forward(name, forward, domains),
        partials,
        domains,
        kinks,
        None if several else len(operands),
        forward if is_expression else None,
    )
    flows = _read(entry)
    before = dict(TABLE)
    function: Function = _enter(entry)
    try:
        if check:
            n = max(flows)
            _check(entry, n, flows[n])
    except BaseException:
        _restore(before)
        raise
    function.__module__ = sys._getframe(1).f_globals.get("__name__", "__main__")
    return function


@contextmanager
def temporary_primitives() -> Iterator[None]:
    """Inside, primitives may be entered and replaced; at the end the table is as it was."""
    before = dict(TABLE)
    try:
        yield
    finally:
        _restore(before)


# --- entering -------------------------------------------------------------------------------------


def _enter(p: Primitive) -> Any:
    """Put it wherever an entry of ours is looked for; gives its function."""
    TABLE[p.name] = p
    setattr(ieee, p.name, p.forward)  # rules may use it as m.name
    vars(NAMESPACE).pop(p.name, None)  # the namespace remembers what it has found
    if p.arity is None:

        def function(xs: Iterable[Any]) -> Any:
            return call(p, *_at_least_one(p.name, xs))

        function.__name__ = function.__qualname__ = p.name
        function.__doc__ = p.formula
        return function
    ELEMENTWISE[p.name] = function_of(p)
    return ELEMENTWISE[p.name]


def _restore(before: dict[str, Primitive]) -> None:
    """Make the user's own entries those that there were."""
    for name in TABLE.keys() - BUILT_IN:
        del TABLE[name]
        delattr(ieee, name)
        ELEMENTWISE.pop(name, None)
        vars(NAMESPACE).pop(name, None)
    for name, p in before.items():
        if name not in BUILT_IN:
            _enter(p)


# --- reading --------------------------------------------------------------------------------------


def _check_name(name: str, replace: bool) -> None:
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


def _operands(name: str, forward: Any, partials: Any) -> tuple[tuple[str, ...], bool]:
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
        if n > 1 or (
            taken is not None and taken != named and not (taken[0] or " ").startswith("*")
        ):
            raise PrimitiveError(
                f"expected {name!r} to have either operands by name or *xs alone, in forward and "
                f"in partials, but they take ({', '.join(own or ['?'])}) and ({', '.join(rule)})"
            )
        return tuple(named), is_expression
    if not taken or taken[0].startswith("*"):
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


def _is_finite(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _parameters(f: Callable[..., Any]) -> list[str] | None:
    """The positional parameters as text, "slope=0.01" and "*xs"; None if they are not known."""
    import inspect

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


def _domains(name: str, domain: Any, operands: tuple[str, ...]) -> tuple[Interval, ...]:
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


def _read(p: Primitive) -> dict[int, tuple[bool, ...]]:
    """For each number of operands it can take, along which of them a gradient flows."""
    from autograd.reading import read_expression, read_partials

    found: dict[int, tuple[bool, ...]] = {}
    errors: list[PrimitiveError] = []
    for n in COUNTS if p.arity is None else (p.arity,):
        try:
            if p.expression is not None:
                read_expression(p.name, p.expression, n)
            found[n] = read_partials(p.name, p.partials, n)
        except PrimitiveError as error:
            if p.arity is not None or error.__cause__ is None:
                raise
            errors.append(error)  # it may take an even number of operands only
    if not found:
        raise errors[0]
    return found


# --- running --------------------------------------------------------------------------------------


def _each(domain: tuple[Interval, ...], n: int) -> tuple[Interval, ...]:
    """The interval of each of n operands."""
    return domain if len(domain) == n else domain * n


def _inside(domain: tuple[Interval, ...], xs: Sequence[float]) -> bool:
    return all(low < x < high for x, (low, high) in zip(xs, _each(domain, len(xs)), strict=True))


def _ieee_forward(
    name: str, f: Callable[..., Any], domain: tuple[Interval, ...]
) -> Callable[..., float]:
    """A Python function of floats that, like those of `ieee`, gives nan outside its domain.

    What Python raises on the way says neither which infinity it would be nor whether it is one, so
    inside the domain it is an error.
    """

    def forward(*xs: float) -> float:
        try:
            y = f(*xs)
        except (ArithmeticError, ValueError) as error:
            if not _inside(domain, xs):
                return math.nan
            raise ForwardError(
                f"the forward of primitive {name!r} raised {type(error).__name__} ({error}) at "
                f"{_written(xs)}, inside its domain {_written(domain)}; return math.inf or "
                "math.nan there, narrow the domain, or write it over m, where nothing raises"
            ) from error
        except Exception as error:
            error.add_note(f"in the forward of primitive {name!r}, at {_written(xs)}")
            raise
        if type(y) is float:
            return y
        if isinstance(y, complex) and not _inside(domain, xs):
            return math.nan
        try:
            return as_float(y)
        except OperandError as error:
            raise OperandError(
                f"the forward of primitive {name!r} gave no real number at {_written(xs)}: {error}"
            ) from None

    return forward


def _written(xs: Sequence[Any]) -> str:
    return repr(xs[0] if len(xs) == 1 else tuple(xs))


# --- checking -------------------------------------------------------------------------------------


def _check(p: Primitive, n: int, flows: tuple[bool, ...]) -> None:
    """Hold the rule against differences at some points of the domain. Raises GradientError."""
    import time

    from autograd.check import check_gradients

    moving = [k for k in range(n) if flows[k]]
    if not moving:
        return
    start = time.perf_counter()
    for k, xs in enumerate(_points(p, n)):

        def along(*some: Any, xs: list[float] = xs) -> Any:
            operands: list[Any] = list(xs)
            for place, x in zip(moving, some, strict=True):
                operands[place] = x
            return call(p, *operands)

        try:  # the second derivative at one point: of the same rule, it takes longer
            check_gradients(along, *[xs[place] for place in moving], order=1 if k else 2)
        except GradientError as error:
            raise GradientError(
                f"the partials of primitive {p.name!r} are wrong at {_written(xs)}, so it was not "
                f"entered: {error}"
            ) from None
        if time.perf_counter() - start > SECONDS:
            return


def _points(p: Primitive, n: int) -> Iterator[list[float]]:
    """Operands inside the domain, where the function is finite and no kink is near."""
    from random import Random

    random = Random(f"{p.name} {n}")
    found = 0
    for k in range(DRAWS):
        size = (1.0, 10.0)[k % 2]
        xs = [_drawn(random, interval, size) for interval in _each(p.domain, n)]
        kinks = p.kinks(*xs)
        if not isinstance(kinks, tuple) or not all(isinstance(x, (int, float)) for x in kinks):
            raise PrimitiveError(
                f"expected kinks of {p.name!r} to give a tuple of numbers, but got {kinks!r:.60}"
            )
        if all(abs(x) > NEAR for x in kinks) and math.isfinite(p.forward(*xs)):
            yield xs
            found += 1
        if found == POINTS:
            return
    if not found:
        raise PrimitiveError(
            f"{p.name!r} has no finite value at any of {DRAWS} points of its domain {p.domain}; "
            "give the domain where it has, or check=False"
        )


def _drawn(random: Any, interval: Interval, size: float) -> float:
    """A number in the interval, about so far from its end, or from zero."""
    low, high = interval
    if math.isfinite(low) and math.isfinite(high):
        return float(random.uniform(low, high))
    for end, towards in ((low, 1.0), (high, -1.0)):
        if math.isfinite(end):
            away = size * max(1.0, abs(end)) * random.uniform(0.01, 1.0)
            return float(end + towards * away)
    return float(random.uniform(-size, size))
