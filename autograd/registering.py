"""primitive(...): a user's own entry of the table, which then has all that ours have.

What is entered is an ordinary `Primitive`: the functions of the engine, of forward mode, of the
pictures and of the compiler find it in the table. Here it is read (`reading.py`), and held against
differences, before anything can use it.
"""

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
    from autograd import reading

    reading.check_name(name, replace)
    operands, is_expression = reading.read_operands(name, forward, partials)
    several = operands[0].startswith("*")
    domains = reading.read_domains(name, domain, operands)
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
    flows = reading.read_counts(entry)
    before = _own()
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
    before = _own()
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


def _own() -> dict[str, tuple[Primitive, Any]]:
    """The user's own entries, with their functions."""
    return {name: (TABLE[name], ELEMENTWISE.get(name)) for name in TABLE.keys() - BUILT_IN}


def _restore(before: dict[str, tuple[Primitive, Any]]) -> None:
    """Make the user's own entries those that there were."""
    for name in TABLE.keys() - BUILT_IN:
        del TABLE[name]
        delattr(ieee, name)
        ELEMENTWISE.pop(name, None)
        vars(NAMESPACE).pop(name, None)
    for name, (p, function) in before.items():
        _enter(p)
        if function is not None:
            ELEMENTWISE[name] = function  # the very same: others hold it


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
        if all(abs(x) > NEAR for x in kinks) and math.isfinite(y := p.forward(*xs)):
            if p.expression is None and (again := p.forward(*xs)) != y:
                raise PrimitiveError(
                    f"the forward of {p.name!r} gave {y!r}, then {again!r} at {_written(xs)}: it "
                    "must give the same number for the same operands, or differences say nothing "
                    "of its partials; hand chance in as an operand, or give check=False"
                )
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
    """A number in the interval, as near to zero as that lets it be."""
    low, high = interval
    first, last = max(low, -size), min(high, size)
    if low > 0.0 and first >= last:  # all of it is further away
        last = min(high, low + size * low)
    elif first >= last:
        first = max(low, high + size * high)
    return float(random.uniform(first, last))
