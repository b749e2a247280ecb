"""The points of a sweep: what is asked for, what each starts from, which are trained together."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import fields
from itertools import product
from typing import Any, NamedTuple

from autograd import LengthError, Value
from nn.errors import HyperparameterError, NotCompiledError
from nn.layers.base import SequentialLayer
from nn.models import Sequential
from nn.module import Module
from nn.optim import Optimizer
from nn.regularizers import L1, L1L2, L2

COLUMNS = frozenset(("loss", "val_loss", "epochs", "diverged", "seconds"))
Point = dict[str, Any]
Build = Callable[..., Sequential]
Place = tuple[Any, ...]  # of a setting that is a number: in the optimiser, or in a layer's penalty


def points_of(grid: Mapping[str, Iterable[Any]] | Iterable[Mapping[str, Any]]) -> list[Point]:
    """All combinations of a dict of lists, the last name's values changing fastest; or the list.

    Raises LengthError if there are none, or if they have not the same names.
    """
    if isinstance(grid, Mapping):
        for name, values in grid.items():
            if isinstance(values, str) or not isinstance(values, Iterable):
                raise TypeError(f"expected values for {name!r} to try, but got {values!r:.80}")
        names, lists = list(grid), [list(values) for values in grid.values()]
        points = [dict(zip(names, values, strict=True)) for values in product(*lists)]
    else:
        points = [dict(point) for point in grid]
    if not points:
        raise LengthError(f"expected at least one point to train, but got {grid!r:.80}")
    for point in points:
        if point.keys() != points[0].keys():
            raise LengthError(
                f"expected points of the same names, but got {sorted(points[0])} and "
                f"{sorted(point)}"
            )
        if taken := COLUMNS & point.keys():
            raise HyperparameterError(
                f"expected a point's names to differ from {sorted(COLUMNS)}, which are columns of "
                f"the table, but got {min(taken)!r}"
            )
    return points


class Start(NamedTuple):
    """What the training of a point starts from.

    like: what it has in common with those it can be trained with. numbers: of all parameters.
    settings: numbers in which points trained together may differ. lr: a rate, or a schedule.
    state: what each parameter's optimiser state starts from.
    """

    like: Any
    numbers: list[float]
    settings: dict[Place, float]
    lr: Any
    state: tuple[float, ...]
    seed: int


def start_of(model: Sequential) -> Start:
    """Of a model that is built. Raises NotCompiledError if it does not know how to train."""
    optimizer = model.optimizer
    if optimizer is None:
        raise NotCompiledError(
            'expected build(...) to give a model that knows how to train; call compile("adam", '
            '"mse") or the like in it'
        )
    settings = dict(_settings(model))
    # a setting of 0 leaves terms out of the formulas
    zeros = tuple([(place, not number) for place, number in settings.items()])
    kept = {("optimizer", name): x for name, x in optimizer.config().items() if name != "lr"}
    rest = tuple([(p, x) for p, x in kept.items() if not isinstance(x, (float, tuple))])
    metrics = [*model.metrics, *model.whole_metrics]
    like = (
        tuple([(type(layer), _plain(vars(layer))) for layer in model.layers]),
        (type(optimizer), rest, zeros),
        model.loss,
        tuple([(type(m), _plain(vars(m))) for m in metrics]),
        (model.input_shape, model.compiled),
    )
    numbers = [p.data for p in model.parameters()]
    return Start(like, numbers, settings, optimizer.lr, optimizer.initial_state, model.seed)


def _settings(model: Sequential) -> Iterator[tuple[Place, float]]:
    """The numbers of the optimiser and of the penalties, each with its place."""
    assert model.optimizer is not None
    for name, x in model.optimizer.config().items():
        if name == "lr":
            continue
        if isinstance(x, float):
            yield ("optimizer", name), x
        elif isinstance(x, tuple):
            yield from ((("optimizer", name, k), number) for k, number in enumerate(x))
    for i, layer in enumerate(model.layers):
        for name, x in vars(layer).items():
            if isinstance(x, (L1, L2, L1L2)):
                yield from (((i, name, f.name), float(getattr(x, f.name))) for f in fields(x))


@contextmanager
def with_settings(model: Sequential, settings: Mapping[Place, Any]) -> Iterator[Optimizer]:
    """Inside, the penalties have these numbers, and so has the optimiser it gives."""
    optimizer = copy(model.optimizer)
    assert optimizer is not None
    before: list[tuple[SequentialLayer, str, Any]] = []
    try:
        for (where, name, *part), number in settings.items():
            if where == "optimizer":
                x = number
                if part:
                    x = list(getattr(optimizer, name))
                    x[part[0]] = number
                setattr(optimizer, name, tuple(x) if part else x)
            else:
                layer = model.layers[where]
                before.append((layer, name, getattr(layer, name)))
                penalty = copy(getattr(layer, name))
                object.__setattr__(penalty, part[0], number)  # which is not to be checked: traced
                setattr(layer, name, penalty)
        yield optimizer
    finally:
        for layer, name, x in reversed(before):
            setattr(layer, name, x)


_DRAWN = frozenset(("kernel_initializer", "bias_initializer"))  # what they drew is in the numbers


def _plain(x: Any) -> Any:
    """What can be compared and hashed, without the numbers that may differ."""
    if type(x) in (str, int, float, bool, type(None)):
        return x
    if isinstance(x, dict):
        return tuple([(name, _plain(y)) for name, y in x.items() if name not in _DRAWN])
    if isinstance(x, (list, tuple)):
        return tuple([_plain(y) for y in x])
    if type(x) in (Value, L1, L2, L1L2):
        return type(x)
    if isinstance(x, Module):
        return (type(x), _plain(vars(x)))
    try:
        hash(x)
    except TypeError:
        return object()  # like no other
    return x


def groups(starts: Sequence[Start], sizes: Sequence[Any]) -> list[list[int]]:
    """The numbers of the points by what they are like, in the order in which each kind came."""
    found: dict[Any, list[int]] = {}
    for k, (start, size) in enumerate(zip(starts, sizes, strict=True)):
        found.setdefault((start.like, start.state, size), []).append(k)
    return list(found.values())
