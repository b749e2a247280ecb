"""Compiled code gave nan or inf: the same again, eagerly, where every number can be watched.

Of a batch the first row that does so is found by halving it.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from math import isnan
from typing import TYPE_CHECKING, Any

from autograd import modes
from autograd.errors import AnomalyError
from autograd.tree import flatten, paths
from autograd.value import Value

if TYPE_CHECKING:
    from autograd.anomaly.watch import Watch
    from autograd.compiler.jit import Compiled


def after_call(watch: "Watch", f: "Compiled", result: Any, args: Any, kwargs: Any) -> None:
    """Raise AnomalyError if the result of a compiled function has nan or inf that it made."""
    found = _first_bad(watch, result)
    if found is None:
        return
    what = f"the compiled {f.__name__}"
    if f.batched:
        batched = {k % len(args) for k in f.batched}
        row, rows = _failing_row(watch, f, args, kwargs, batched)
        if row is None:
            why = f"though no row by itself does: the sum over {rows:,} rows is too large"
            raise _error(f"{what} gave {found}, {why}", "scale the numbers down")
        args = _row_of(args, batched, row)
        what += f" at row {row} of {rows:,}"
    leaves, rebuild = flatten((args, kwargs))
    names = argument_paths(f.__wrapped__, args, range(len(args)))
    names += [name for key, x in kwargs.items() for name in paths(key, x)]
    where = f"in {what}, run again eagerly"
    if spoilt := [name for name, x in zip(names, leaves, strict=True) if isnan(x)]:
        where += f"; nan among its arguments: {', '.join(spoilt[:3])}"
    with _at(watch, where):
        again = f.__wrapped__(*args, **kwargs)  # derivatives inside make variables of their own
        variables = [Value(x, name) for x, name in zip(leaves, names, strict=True)]
        given, named = rebuild(variables)
        for y in flatten(f.__wrapped__(*given, **named))[0]:
            if type(y) is Value and (anomaly := watch.look.forward(y)) is not None:
                watch.stop(anomaly)
    if _first_bad(watch, again) is None:
        raise _only_compiled(f"{what} gave {found}", f.dtype)
    # what remains was given: an infinity among the arguments, taken as meant


def after_step(
    watch: "Watch",
    loss: Any,
    args: Sequence[Any],
    batched: set[int],
    rows: Iterable[int],
    dtype: str,
) -> None:
    """Raise AnomalyError for the first row whose loss, or its gradient, turns nan or inf.

    batched: the arguments that have rows; the numbers of the others are derived by.
    """
    fixed = [k for k in range(len(args)) if k not in batched]
    leaves, rebuild = flatten([args[k] for k in fixed])
    names = argument_paths(loss, args, fixed)
    variables = rebuild([Value(x, name) for x, name in zip(leaves, names, strict=True)])
    whole = list(args)
    for k, x in zip(fixed, variables, strict=True):
        whole[k] = x
    for row in rows if batched else [0]:
        at = f" at row {row}" if batched else ""
        with _at(watch, f"in a compiled step of training{at}, run again eagerly"):
            found = loss(*_row_of(whole, batched, row))
            y = found[0] if type(found) is tuple else found
            if type(y) is Value:
                watch.backward(y)
    if watch.look.nan and watch.look.inf:
        raise _only_compiled("a compiled step of training met nan or inf", dtype)


def argument_paths(f: Any, args: Sequence[Any], positions: Iterable[int]) -> list[str]:
    """A name for each number of some of f's arguments, such as "x[3]" or "params['w'][0]"."""
    from inspect import Parameter, signature

    by_position = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    try:
        names = [p.name for p in signature(f).parameters.values() if p.kind in by_position]
    except (TypeError, ValueError):  # of some builtins
        names = []
    names += [f"argument {k}" for k in range(len(names), len(args))]
    return [name for k in positions for name in paths(names[k % len(args)], args[k])]


def _first_bad(watch: "Watch", result: Any) -> str | None:
    for name, y in zip(paths("result", result), flatten(result)[0], strict=True):
        number = y.data if type(y) is Value else y
        if watch.look.bad(number):
            return f"{number} ({name})" if name != "result" else f"{number}"
    return None


def _failing_row(
    watch: "Watch", f: "Compiled", args: Any, kwargs: Any, batched: set[int]
) -> tuple[int | None, int]:
    """The first row at which the compiled function itself fails, None if none; how many rows."""

    def fails(low: int, high: int) -> bool:
        with modes.watching(None):
            part = _row_of(args, batched, slice(low, high))
            return _first_bad(watch, f(*part, **kwargs)) is not None

    low, high = 0, _count(args[min(batched)])
    rows = high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fails(low, middle) else (middle, high)
    return (low if fails(low, high) else None), rows


def _count(x: Any) -> int:
    if isinstance(x, (dict, tuple)):
        return _count(next(iter(x.values() if isinstance(x, dict) else x)))
    return len(x)


def _row_of(args: Sequence[Any], batched: set[int], part: int | slice) -> list[Any]:
    """The arguments with one row, or some rows, of those that have rows."""

    def take(x: Any) -> Any:
        if isinstance(x, dict):
            return {key: take(item) for key, item in x.items()}
        if isinstance(x, tuple):  # of arrays, as a compiled function takes them
            kind: Any = type(x)
            items = [take(item) for item in x]
            return kind._make(items) if hasattr(kind, "_make") else kind(items)
        return x[part]

    return [take(x) if k in batched else x for k, x in enumerate(args)]


def _only_compiled(what: str, dtype: str) -> AnomalyError:
    why = "compiled code adds up in another order and rounds differently, which tells at the edge"
    advice = "jit(..., exact=True) computes the eager engine's bits; or scale the numbers down"
    if dtype == "float32":
        why = "the compiled code is float32, which ends at 3.4e38"
        advice = "compile for float64, or scale the numbers down"
    return _error(f"{what}, but run again eagerly at the same numbers it meets none: {why}", advice)


def _error(what: str, advice: str) -> AnomalyError:
    from autograd.anomaly.report import paragraph

    return AnomalyError(f"{paragraph(what)}\n\n{paragraph(f'what to do: {advice}')}")


@contextmanager
def _at(watch: "Watch", where: str) -> Iterator[None]:
    """Reports made inside say where."""
    before, watch.where = watch.where, where
    try:
        yield
    finally:
        watch.where = before
