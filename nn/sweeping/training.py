"""A group of points on their data: a pure function, from what is asked for to what became of it."""

import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from autograd import Value
from nn.fit import Objective, Rows, check_loss_is_mean
from nn.interrupts import set_at_once
from nn.models import Sequential
from nn.sweeping.lanes import Lanes, Trained
from nn.sweeping.points import Build, Point, Start, with_settings

LANES = 1024  # more at once are no faster
MOST_PRODUCTS = 300_000  # in a batch, for one model: beyond that compiling takes minutes


class Options(NamedTuple):
    """How all points train, as for `Sequential.fit`. exact: as for `sweep`."""

    epochs: int
    batch_size: int | None
    shuffle: bool
    exact: bool


class Finished(NamedTuple):
    """A point that is trained. number: which of the points. row: of the table."""

    number: int
    point: Point
    row: dict[str, Any]
    parameters: list[float]
    input_shape: tuple[int, ...]


class Group(NamedTuple):
    """Points to train together: which they are, what they start from, and on which rows.

    rows, held_out: what all train on and are validated with, or those of each.
    """

    points: list[Point]
    numbers: list[int]
    starts: list[Start]
    rows: Rows | list[Rows]
    held_out: Rows | list[Rows] | None


def part(group: Group, places: Sequence[int]) -> Group:
    """Some of its points."""

    def some(rows: Any) -> Any:
        return [rows[k] for k in places] if isinstance(rows, list) else rows

    points, numbers, starts, rows, held_out = map(some, group)
    return Group(points, numbers, starts, rows, held_out)


def train_groups(
    build: Build, groups: Sequence[Group], options: Options, lanes: int = LANES
) -> Iterator[Finished]:
    """Train the points of all groups, and yield them as they are done."""
    for group in groups:
        yield from train_group(build, group, options, lanes)


def train_group(
    build: Build, group: Group, options: Options, most: int = LANES
) -> Iterator[Finished]:
    """Train the points, so many at once where they are several, and yield them as they are done."""
    model = build(**group.points[0])
    rows = group.rows if isinstance(group.rows, Rows) else group.rows[0]
    model.prepare_for(rows)
    size = len(rows) if options.batch_size is None else options.batch_size
    products = min(size, len(rows)) * len(group.starts[0].numbers)
    objective = Objective(model, model.loss, model.metrics)
    if len(group.points) == 1 or products > MOST_PRODUCTS or model.compiled is False:
        yield from _in_turn(build, group, options)
        return
    try:
        check_loss_is_mean(objective, rows)
        lanes = Lanes(model, group.starts, group.rows, size, options.shuffle, options.exact)
        lanes.trace()
    except (TypeError, ValueError):  # whatever it is, `fit` may do without, or will say
        yield from _in_turn(build, group, options)
        return
    # nodes, which compiled code reads afresh, as it does parameters
    factors = {place: Value(0.0) for place in lanes.varying if place[0] != "optimizer"}
    for first in range(0, len(group.points), most):
        some = range(first, min(first + most, len(group.points)))
        began = time.perf_counter()
        trained = lanes.train(some, options.epochs)
        rows_of_table = []
        with with_settings(model, factors):
            for k, result in zip(some, trained, strict=True):
                for place, node in factors.items():
                    node.data = group.starts[k].settings[place]
                rows_of_table.append(_row(model, group, k, result))
        seconds = (time.perf_counter() - began) / len(some)
        for k, row, result in zip(some, rows_of_table, trained, strict=True):
            yield _finished(model, group, k, {**row, "seconds": seconds}, result)


def _in_turn(build: Build, group: Group, options: Options) -> Iterator[Finished]:
    for k, point in enumerate(group.points):
        began = time.perf_counter()
        model = build(**point)
        rows = group.rows if isinstance(group.rows, Rows) else group.rows[k]
        compiled = model.compiled
        if options.exact:
            model.compiled = False
        history = model.fit(
            rows.xs,
            rows.ys,
            sample_weight=rows.weights,
            epochs=options.epochs,
            batch_size=options.batch_size,
            shuffle=options.shuffle,
            verbose=0,
        )
        if history.interrupted:
            raise KeyboardInterrupt
        model.compiled = compiled
        numbers = [p.data for p in model.parameters()]
        result = Trained(numbers, len(history.losses), history.stopped == "diverged")
        row = {**_row(model, group, k, result), "seconds": time.perf_counter() - began}
        yield _finished(model, group, k, row, result)


def _finished(
    model: Sequential, group: Group, k: int, row: dict[str, Any], result: Trained
) -> Finished:
    return Finished(group.numbers[k], group.points[k], row, result.numbers, model.input_shape)


def _row(model: Sequential, group: Group, k: int, result: Trained) -> dict[str, Any]:
    """The point, and what `evaluate` says of the model with these numbers."""
    parameters = model.parameters()
    set_at_once(parameters, ["data"] * len(parameters), result.numbers)
    row: dict[str, Any] = dict(group.points[k])
    for prefix, given in (("", group.rows), ("val_", group.held_out)):
        if given is not None:
            rows = given if isinstance(given, Rows) else given[k]
            logs = model.logs_of(model.evaluate_rows(rows), rows)
            row |= {prefix + name: x for name, x in logs.items()}
    return {**row, "epochs": result.epochs, "diverged": result.diverged}
