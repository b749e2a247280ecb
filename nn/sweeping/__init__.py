"""sweep: a model for each of many points (seeds, rates, sizes ...), trained side by side."""

from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any

from nn.course import whole
from nn.distributed.crew import Crew
from nn.distributed.worker import Parcel
from nn.fit import Rows
from nn.models import Sequential
from nn.rows import prepare_held_out, prepare_rows
from nn.sweeping.points import Build, Point, Start, groups, points_of, start_of
from nn.sweeping.result import Sweep as Sweep
from nn.sweeping.result import Table as Table
from nn.sweeping.store import Store
from nn.sweeping.training import LANES, Finished, Group, Options, part, train_groups

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from os import PathLike


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
    executor: "Executor | Callable[[], Executor] | None" = None,
    timeout: float | None = None,
    store: "str | PathLike[str] | None" = None,
    lanes: int = LANES,
) -> Sweep:
    """Train the model of each point, and give a table of what became of them.

    build: a function from a point's values, by name, to a Sequential that was compiled:
        build(width=4, lr=0.1, seed=0).
    grid: a dict of values to try, of which all combinations are points, as in
        {"width": [2, 4, 8], "seed": range(100)}; or a list of points, each a dict.
    data: (x, y), a data set, or a function from a point's values to these; so validation_data.
    epochs, batch_size, shuffle: as for `Sequential.fit`; the order of rows by each model's seed.
    exact: keep the bits of `fit` with the eager engine; otherwise the last digits may differ.
    executor, timeout: as for `Sequential.fit`; its workers train parts of the points. build and
        data go there, and must pickle.
    store: a file to which each point is added when it is finished, and from which those that are
        there already are taken: a sweep that was interrupted, or killed, goes on.
    lanes: how many models at most train side by side. They finish together, so that with fewer an
        interruption loses less; with more, small networks train faster.

    Models of one structure are trained side by side, as lanes of one compiled program, each with
    its own weights, settings of the optimiser, penalties and order of the rows; others, and those
    that cannot be compiled, in turn. Ctrl-C ends it with what is finished.
    Raises LengthError for a grid without points, NotCompiledError for a model without an optimiser,
    DataError for a store that is another kind of file.
    """
    options = Options(whole("epochs", epochs, 0), batch_size, shuffle, exact)
    if batch_size is not None:
        whole("batch_size", batch_size, 1)
    whole("lanes", lanes, 1)
    points = points_of(grid)
    finished: list[Finished] = []
    interrupted = False
    try:
        groups = _groups(build, points, data, validation_data)
        kept = None if store is None else Store(store)
        keys: dict[int, str] = {}
        if kept is not None:
            for group in groups:
                keys |= {n: kept.key(group, k, options) for k, n in enumerate(group.numbers)}
            finished += [
                found
                for group in groups
                for k, n in enumerate(group.numbers)
                if (found := kept.finished(group, k, keys[n])) is not None
            ]
            done = {f.number for f in finished}
            rest = [
                part(group, [k for k, n in enumerate(group.numbers) if n not in done])
                for group in groups
            ]
            groups = [group for group in rest if group.points]
        with ExitStack() as stack:
            if executor is None:
                trained = train_groups(build, groups, options, lanes)
            else:
                crew = stack.enter_context(Crew(executor, timeout))
                what = (build, data, validation_data, options)
                trained = stack.enter_context(closing(_train_there(crew, groups, what, lanes)))
            for point in trained:
                if kept is not None:
                    kept.add(keys[point.number], point)
                finished.append(point)
    except KeyboardInterrupt:
        interrupted = True
    finished.sort(key=lambda f: f.number)
    return Sweep(build, finished, interrupted)


def _train_there(crew: Crew, groups: list[Group], what: Any, lanes: int) -> Generator[Finished]:
    """The points as workers finish them, a few jobs for each worker."""
    jobs: list[Group] = []
    for group in groups:
        n = len(group.points)
        size = min(lanes, -(-n // (4 * crew.workers())))
        jobs += [part(group, range(k, min(k + size, n))) for k in range(0, n, size)]

    def name(place: int) -> str:
        first, n = jobs[place].points[0], len(jobs[place].points)
        return f"the training of {n} points from {first!r:.80}"

    arguments = [job.points for job in jobs]
    for place, answer in crew.results(train_points, arguments, [Parcel.of(what)], name):
        for f in answer.result:
            yield f._replace(number=jobs[place].numbers[f.number])


def train_points(points: list[Point], what: Any) -> list[Finished]:
    """Train these points; a job of a worker. what: build, data, validation_data and options."""
    build, data, validation_data, options = what
    groups = _groups(build, points, data, validation_data)
    return list(train_groups(build, groups, options))


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
