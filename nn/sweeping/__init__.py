"""sweep: a model for each of many points (seeds, rates, sizes ...), trained side by side."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from nn.course import whole
from nn.fit import Rows
from nn.models import Sequential
from nn.rows import prepare_held_out, prepare_rows
from nn.sweeping.points import Build, Point, Start, groups, points_of, start_of
from nn.sweeping.result import Sweep as Sweep
from nn.sweeping.result import Table as Table
from nn.sweeping.training import Finished, Group, Options, train_group


def sweep(
    build: Build,
    grid: Mapping[str, Iterable[Any]] | Iterable[Mapping[str, Any]],
    data: Any,
    *,
    epochs: int,
    batch_size: int | None = 32,
    validation_data: Any = None,
    shuffle: bool = True,
    exact: bool = False,
) -> Sweep:
    """Train the model of each point, and give a table of what became of them.

    build: a function from a point's values, by name, to a Sequential that was compiled:
        build(width=4, lr=0.1, seed=0).
    grid: a dict of values to try, of which all combinations are points, as in
        {"width": [2, 4, 8], "seed": range(100)}; or a list of points, each a dict.
    data: (x, y), a data set, or a function from a point's values to these; so validation_data.
    epochs, batch_size, shuffle: as for `Sequential.fit`; the order of rows by each model's seed.
    exact: keep the bits of `fit` with the eager engine; otherwise the last digits may differ.

    Models of one structure are trained side by side, as lanes of one compiled program, each with
    its own weights, settings of the optimiser, penalties and order of the rows; others, and those
    that cannot be compiled, in turn. Ctrl-C ends it with what is finished. Raises LengthError for a
    grid without points, NotCompiledError for a model without an optimiser.
    """
    options = Options(whole("epochs", epochs, 0), batch_size, shuffle, exact)
    if batch_size is not None:
        whole("batch_size", batch_size, 1)
    points = points_of(grid)
    finished: list[Finished] = []
    interrupted = False
    try:
        for group in _groups(build, points, data, validation_data):
            for point in train_group(build, group, options):
                finished.append(point)  # noqa: PERF402  Ctrl-C may come between two
    except KeyboardInterrupt:
        interrupted = True
    finished.sort(key=lambda f: f.number)
    return Sweep(build, finished, interrupted)


def _groups(build: Build, points: list[Point], data: Any, validation_data: Any) -> list[Group]:
    """The points that can be trained together, with their rows."""
    rows = _Rows(data, prepare_rows)
    held_out = _Rows(validation_data, prepare_held_out)
    starts: list[Start] = []
    tried: set[Any] = set()
    for point in points:
        model = build(**point)
        if not isinstance(model, Sequential):
            raise TypeError(
                f"expected build(...) to give a Sequential, but got {model!r:.80} for {point}"
            )
        own = rows.of(point)
        if not model.built:
            model.build(own.xs.shape[1:])
        start = start_of(model)
        # models that are alike take the same rows, and to look at all of them takes a while
        if callable(data) or callable(validation_data) or start.like not in tried:
            tried.add(start.like)
            model.prepare_for(own)
            if validation_data is not None:
                model.prepare_for(held_out.of(point), "validation_data's x")
        starts.append(start)
    return [
        Group(
            [points[k] for k in numbers],
            numbers,
            [starts[k] for k in numbers],
            rows.some(numbers),
            held_out.some(numbers) if validation_data is not None else None,
        )
        for numbers in groups(starts, [rows.shapes(k) for k in range(len(points))])
    ]


class _Rows:
    """The rows that all points share, or those of each."""

    def __init__(self, data: Any, prepare: Callable[[Any], Rows]) -> None:
        self._data, self._prepare = data, prepare
        self._each: list[Rows] = []
        self._shared = data if data is None or callable(data) else prepare(data)

    def of(self, point: Point) -> Rows:
        """The rows of the next point."""
        if not callable(self._data):
            assert isinstance(self._shared, Rows)
            return self._shared
        self._each.append(self._prepare(self._data(**point)))
        return self._each[-1]

    def shapes(self, k: int) -> Any:
        """What the rows of points that train together have in common."""
        return tuple([a.shape for a in self._each[k].arrays]) if self._each else None

    def some(self, numbers: list[int]) -> Rows | list[Rows]:
        """The rows of these points."""
        if self._each:
            return [self._each[k] for k in numbers]
        assert self._shared is not None
        return self._shared
