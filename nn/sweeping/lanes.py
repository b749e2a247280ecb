"""Models of equal structure, trained side by side: each is a lane of one compiled program."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

import autograd
from autograd import jit, substitute, value_and_grad, vmap, where
from nn.fit import Objective, Rows, projection
from nn.models import Sequential
from nn.rows import order_of_rows, random_numbers
from nn.sweeping.points import Start, with_settings


class Trained(NamedTuple):
    """What became of a model: the numbers of its parameters, its epochs, whether it diverged."""

    numbers: list[float]
    epochs: int
    diverged: bool


class Lanes:
    """Models like this one, with settings, rates, and perhaps rows of their own.

    starts: of all of them, which are not trained at once if they are many. rows: what all are
    trained on, or those of each. exact: keep the bits of the eager engine's training.
    """

    def __init__(
        self,
        model: Sequential,
        starts: Sequence[Start],
        rows: Rows | Sequence[Rows],
        size: int,
        shuffle: bool,
        exact: bool,
    ) -> None:
        self.model, self.starts, self.rows, self.size = model, starts, rows, size
        self.objective = Objective(model, model.loss, model.metrics)
        first = rows if isinstance(rows, Rows) else rows[0]
        self.n, self.shuffle = len(first), shuffle and size < len(first)
        drawing, _ = random_numbers(first, model.layers, 0)
        self.names = drawing.names
        self.varying = [
            place
            for place, number in starts[0].settings.items()
            if any(start.settings[place] != number for start in starts)
        ]
        # if the order of the rows differs, so does each batch; random numbers always do
        self.own_rows = not isinstance(rows, Rows) or (
            self.shuffle and len({start.seed for start in starts}) > 1
        )
        own = [0 if self.own_rows or name == "random_numbers" else None for name in self.names]
        self.step = jit(vmap(self._step, (0, 0, 0, None, tuple(own))), exact=exact)

    def _step(self, lane: Any, lr: Any, settings: Any, step: Any, batch: Any) -> Any:
        """One model's lane after an update: its parameters, their state, whether it has diverged.

        As in `fit`, a model whose loss or gradient is nan or infinite stays as it was before.
        """
        parameters = self.model.parameters()
        *flat, stopped = lane
        n = len(parameters)
        before = [flat[k : k + n] for k in range(0, len(flat), n)]
        columns = [array.tolist() for array in batch]

        def loss(xs: Any) -> Any:
            with substitute(parameters, xs):
                found = [
                    self.objective(**dict(zip(self.names, row, strict=True)))[0]
                    for row in zip(*columns, strict=True)
                ]
                return autograd.mean(found)

        given = {} if settings is None else dict(zip(self.varying, settings, strict=True))
        with with_settings(self.model, given) as optimizer:
            value, gradient = value_and_grad(loss)(before[0])
            # 0.0 times what is nan or infinite is nan, which is not 0
            stopped = where(autograd.total([0.0 * x for x in (value, *gradient)]), 1.0, stopped)
            grads = optimizer.clip(gradient)
            after = [
                optimizer.update(p, g, kept, step, lr)
                for p, g, *kept in zip(before[0], grads, *before[1:], strict=True)
            ]
        moved = [list(column) for column in zip(*after, strict=True)]
        if self.model.constraints():
            moved[0] = projection(self.objective, moved[0])
        pairs = zip(flat, [y for column in moved for y in column], strict=True)
        return _array([*[where(stopped, x, y) for x, y in pairs], stopped])

    def trace(self) -> None:
        """Compile a step. Raises what `jit` does if it cannot be."""
        self.train([0], 1, batches=1)

    def train(self, some: Sequence[int], epochs: int, batches: int | None = None) -> list[Trained]:
        """Train these of the models, given by their places among the starts.

        batches: only the first of each epoch.
        """
        import numpy as np

        starts = [self.starts[k] for k in some]
        numbers = np.array([start.numbers for start in starts])
        state = [np.full(numbers.shape, x) for x in starts[0].state]
        lanes = np.hstack([numbers, *state, np.zeros((len(starts), 1))])
        settings = np.array([[s.settings[place] for place in self.varying] for s in starts])
        done = np.zeros(len(starts), int)
        rates = _rates([start.lr for start in starts])
        step, batches_of = 0, self._batches(some)
        for epoch in range(epochs):
            for batch in islice(batches_of(epoch), batches):
                step += 1
                lanes = self.step(lanes, rates(step), settings, float(step), batch)
            done += lanes[:, -1] == 0.0
        return [
            Trained(lane[: numbers.shape[1]], n, bool(lane[-1]))
            for lane, n in zip(lanes.tolist(), done.tolist(), strict=True)
        ]

    def _batches(self, some: Sequence[int]) -> Callable[[int], Iterator[tuple[Any, ...]]]:
        """A function from an epoch's number to its batches: arrays, with those of each lane."""
        import numpy as np

        seeds = [self.starts[k].seed for k in some]
        shared = self.rows if isinstance(self.rows, Rows) else None
        each = [shared or self.rows[k] for k in some]  # type: ignore[index]
        draws = [
            random_numbers(rows, self.model.layers, seed)
            for rows, seed in zip(each, seeds, strict=True)
        ]
        drawn = "random_numbers" in self.names
        arrays = shared.arrays if shared is not None else _stacked([r.arrays for r in each])

        def of(epoch: int) -> Iterator[tuple[Any, ...]]:
            if drawn:
                for _, draw in draws:
                    draw(epoch)
                random = np.stack([rows.random_numbers for rows, _ in draws])
            few = seeds if self.own_rows else seeds[:1]
            orders = [order_of_rows(self.n, seed, epoch, self.shuffle) for seed in few]
            order = np.stack(orders)  # [lanes or 1, rows]
            lane = np.arange(len(some))[:, None]
            for start in range(0, self.n, self.size):
                places = order[:, start : start + self.size]
                if not self.own_rows:
                    batch = [array[places[0]] for array in arrays]
                elif shared is not None:
                    batch = [array[places] for array in arrays]
                else:
                    batch = [array[lane, places] for array in arrays]
                if drawn:
                    batch.append(random[lane, places])
                yield tuple(batch)

        if self.size < self.n or drawn:
            return of
        whole = list(of(0))  # the same in each epoch
        return lambda epoch: iter(whole)


def _stacked(rows: list[list[Any]]) -> list[Any]:
    import numpy as np

    return [np.stack(column) for column in zip(*rows, strict=True)]


def _array(xs: list[Any]) -> Any:
    import numpy as np

    array = np.empty(len(xs), dtype=object)
    array[:] = xs
    return array


def _rates(given: list[Any]) -> Callable[[int], Any]:
    """A function from an update's number to the rate of each lane; some may be schedules."""
    import numpy as np

    fixed = np.array([0.0 if callable(lr) else lr for lr in given])
    schedules = [(k, lr) for k, lr in enumerate(given) if callable(lr)]

    def of(step: int) -> Any:
        for k, lr in schedules:
            fixed[k] = lr(step)
        return fixed

    return of
