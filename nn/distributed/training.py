"""`fit`'s engine for many workers: a batch in shards, whose gradients are added up in their order.

What is computed depends on how many shards there are and on nothing else: not on which worker has
which, on who is done first, on who dies, or on whether they are computed here.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, final

from autograd import Value, jit, jit_rule, mean, notice, portable_gradient, stop_at_anomaly
from nn.checks import node
from nn.compiled import settings, state_rows
from nn.course import whole
from nn.distributed.crew import Crew
from nn.distributed.executors import SerialExecutor
from nn.distributed.worker import Answer, Parcel
from nn.fit import Objective, Progress, Rows, Sums, check_loss_is_mean, projection
from nn.layers.base import nested
from nn.optim import Optimizer

LEAST_SECONDS = 0.01  # of work in a shard: sending it costs from one to several milliseconds
MOST_SENT = 2**28  # bytes of data that each worker is sent whole; of more, each shard's rows


class Shard(NamedTuple):
    """A part of a batch.

    numbers: of the Values that the loss uses. order: which rows of the data the worker has. rows:
    the rows of what it has not, [rows, ...] each.
    """

    numbers: Any
    order: Any
    rows: tuple[Any, ...]


def gradient_of(shard: Shard, gradient: Any, data: Sequence[Any] = ()) -> tuple[Any, Any]:
    """([loss, measure, ...], gradient), means over the shard's rows; a job of a worker."""
    found: tuple[Any, Any] = gradient(
        shard.numbers, *[array[shard.order] for array in data], *shard.rows
    )
    return found


@final
class EagerGradient:
    """The same for a loss that is not compiled: the model travels, and every number is a node."""

    def __init__(self, objective: Objective, names: Sequence[str]) -> None:
        self.model, self.names = objective.model, list(names)
        self.loss, self.metrics = objective.loss, list(objective.metrics)
        self.captured: list[Value] | None = self.model.parameters()

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"captured": None}

    def __call__(self, numbers: Any, *data: Any) -> tuple[Any, Any]:
        import numpy as np

        objective = Objective(self.model, self.loss, self.metrics)
        with _one_at_a_time:  # the workers of a thread pool share the model
            parameters = self.model.parameters()
            for p, number in zip(parameters, numbers.tolist(), strict=True):
                p.data, p.grad = number, 0.0
            rows = zip(*[array.tolist() for array in data], strict=True)
            found = [objective(**dict(zip(self.names, row, strict=True))) for row in rows]
            loss = node(mean([row[0] for row in found]))
            loss.backward()
            counts = [[getattr(c, "data", c) for c in row[1:]] for row in found]
            values = [loss.data, *[sum(c) / len(found) for c in zip(*counts, strict=True)]]
            return np.array(values, float), np.array([p.grad for p in parameters])


_one_at_a_time = threading.Lock()


@dataclass
class Workers:
    """What `fit` was told of its workers. shards: None for as many as there are workers."""

    crew: Crew
    shards: int | None = None

    def __post_init__(self) -> None:
        if self.shards is not None:
            whole("shards", self.shards, 1)


@final
class SharedEngine:
    """An epoch, the gradient of each batch from many workers. Raises what `portable_gradient` does.

    compiled: whether the gradient is machine code, or the model travels.
    """

    def __init__(
        self, objective: Objective, optimizer: Optimizer, rows: Rows, compiled: bool
    ) -> None:
        self.objective, self.optimizer = objective, optimizer
        names = rows.names

        def loss(*row: Any) -> Any:
            return objective(**dict(zip(names, map(nested, row), strict=True)))

        gradient: Any = (
            portable_gradient(loss, optimizer.params, *rows.arrays)
            if compiled
            else EagerGradient(objective, names)
        )
        self._loss = loss
        self._captured: list[Value] = gradient.captured
        self._gradient = Parcel.of(gradient)
        self._kind = "compiled" if compiled else "eager"
        self._seconds: dict[tuple[int, int], float] = {}
        self._prepare_update()

    def _prepare_update(self) -> None:
        objective, optimizer = self.objective, self.optimizer
        self._settings = settings(optimizer)
        self._rule = jit_rule(_rule_of(optimizer), states=len(optimizer.initial_state))
        clips = (optimizer.clipvalue, optimizer.clipnorm) != (None, None)
        self._clip = _of_array(optimizer.clip) if clips else None
        projects = objective.model.constraints()
        self._project = _of_array(partial(projection, objective)) if projects else None

    @property
    def name(self) -> str:
        """What the history says."""
        return f"{self._kind}, {self._shards} shards"

    def use(self, rows: Rows) -> None:
        """Train on these rows from here on."""
        self.rows = rows
        kept = [rows.xs, rows.ys, *([] if rows.weights is None else [rows.weights])]
        if sum(array.nbytes for array in kept) > MOST_SENT:
            kept = []
        self._carried = rows.arrays[len(kept) :]
        self._parcels = [self._gradient, *([Parcel.of(kept)] if kept else [])]

    def employ(self, workers: Workers) -> None:
        """Have these compute from here on."""
        self.workers = workers
        self._shards = workers.shards or workers.crew.workers()
        self._here = False

    def epoch(self, order: Sequence[int], batch_size: int, progress: Progress) -> Sums:
        """Train on the rows in this order; what was done is kept, whatever ends it."""
        import numpy as np

        optimizer = self.optimizer
        if settings(optimizer) != self._settings:  # a callback may have changed some
            self._prepare_update()
        n, updates, diverged = len(optimizer.params), 0, False
        numbers = np.array([v.data for v in self._captured])
        state = [np.array(x) for x in zip(*optimizer.state, strict=True)]
        last = np.array([p.grad for p in optimizer.params])
        totals: Any = 0.0
        self._choose_where(numbers, order[:batch_size])
        first = optimizer.steps
        # all that an update changes, at one moment: Ctrl-C comes before or after
        now = (numbers, state, first, last)
        rows = 0
        try:
            for start in range(0, len(order), batch_size):
                batch = order[start : start + batch_size]
                values, gradient = self._gradient_of_batch(now[0], batch, now[2] + 1)
                if not (np.isfinite(values[0]) and np.isfinite(gradient).all()):
                    diverged = True
                    break
                step = now[2] + 1
                now = (*self._updated(now[0], now[1], gradient, step), step, gradient)
                totals, rows, updates = totals + values * len(batch), rows + len(batch), updates + 1
                progress(updates)
        finally:
            numbers, state, step, last = now
            if step > first:
                kept = partial(state_rows, state, n)
                optimizer.move_to(numbers[:n].tolist(), kept, step, last.tolist())
        if diverged:  # which detect_anomaly() does not see: workers are other threads, or processes
            stop_at_anomaly(self._loss, self.rows.arrays, [int(row) for row in batch])
        loss, *counts = (totals / rows).tolist() if updates else [0.0]
        return Sums(loss, counts, updates, diverged)

    def _updated(
        self, numbers: Any, state: list[Any], gradient: Any, step: int
    ) -> tuple[Any, list[Any]]:
        """New arrays of the numbers and of the state."""
        n = len(gradient)
        params, state = numbers[:n].copy(), [x.copy() for x in state]
        if self._clip is not None:
            gradient = self._clip(gradient)
        self._rule(params, gradient, *state, step=step, lr=self.optimizer.rate(step))
        if self._project is not None:
            params = self._project(params)
        after = numbers.copy()
        after[:n] = params
        return after, state

    def _cut(self, batch: Any) -> list[Any]:
        """The rows of each shard of a batch, as equal as they can be, none without rows."""
        import numpy as np

        found: list[Any] = np.array_split(np.asarray(batch), min(self._shards, len(batch)))
        return found

    def _shard(self, numbers: Any, rows: Any) -> Shard:
        has_data = len(self._parcels) > 1
        return Shard(numbers, rows if has_data else None, tuple([a[rows] for a in self._carried]))

    def _gradient_of_batch(self, numbers: Any, batch: Any, update: int) -> tuple[Any, Any]:
        """The means over the batch: the parts in their order, which decides a sum's last bits."""
        parts = self._cut(batch)

        def name(place: int) -> str:
            return f"shard {place + 1} of {len(parts)} of update {update}"

        crew = Crew(SerialExecutor()) if self._here else self.workers.crew
        shards = [self._shard(numbers, part) for part in parts]
        found: dict[int, Answer] = dict(crew.results(gradient_of, shards, self._parcels, name))
        values: Any = 0.0
        gradient: Any = 0.0
        for place, part in enumerate(parts):
            share = len(part) / len(batch)
            of_values, of_gradient = found[place].result
            values, gradient = values + share * of_values, gradient + share * of_gradient
        return values, gradient

    def _choose_where(self, numbers: Any, batch: Any) -> None:
        """Compute here what is not worth sending; unless the number of shards was asked for."""
        key = (len(batch), self._shards)
        if self.workers.shards is not None or self._shards < 2 or not len(batch):
            return
        if key not in self._seconds:
            job = [self._shard(numbers, self._cut(batch)[0])]
            crew = Crew(SerialExecutor())
            runs = [a for _ in range(4) for _, a in crew.results(gradient_of, job, self._parcels)]
            self._seconds[key] = min(answer.seconds for answer in runs[1:])  # the first compiles
        seconds = self._seconds[key]
        self._here = seconds < LEAST_SECONDS
        if self._here:
            notice(
                "small-shards",
                f"a batch of {len(batch)} rows in {self._shards} shards is {seconds * 1e3:.2g} ms "
                f"of work each, and sending one costs as much or more, so all are computed here; "
                f"larger batches, from {int(len(batch) * LEAST_SECONDS / seconds) + 1} rows, or "
                "no executor are faster",
                about=self.objective.model,
            )


def shared_engine(
    objective: Objective, optimizer: Optimizer, rows: Rows, compiled: bool | None
) -> tuple[SharedEngine, str]:
    """The engine, and if it is not compiled against the user's wish, why; as `fit.engine`."""
    if compiled is not False:
        try:
            found = SharedEngine(objective, optimizer, rows, compiled=True)
            check_loss_is_mean(objective, rows)
        except Exception as error:  # whatever it is, the model may travel, or will say
            if compiled:
                raise
            return (
                SharedEngine(objective, optimizer, rows, compiled=False),
                f"{type(error).__name__}: {error}",
            )
        return found, ""
    return SharedEngine(objective, optimizer, rows, compiled=False), ""


def _rule_of(optimizer: Optimizer) -> Callable[..., Any]:
    def rule(param: Any, grad: Any, *rest: Any) -> Any:
        *state, step, lr = rest
        return optimizer.update(param, grad, state, step, lr)

    return rule


def _of_array(f: Callable[[list[Any]], Sequence[Any]]) -> Callable[[Any], Any]:
    """A function of a list of numbers, compiled as one of an array."""
    import numpy as np

    def of_array(numbers: Any) -> Any:
        found = list(f(list(numbers)))
        result = np.empty(len(found), object)
        result[:] = found
        return result

    return jit(of_array)
