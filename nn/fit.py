"""One epoch of `Sequential.fit`, in machine code or with the eager engine; both do the same.

`Objective` says what a row of data costs, and what the metrics count there. It is written for one
row of numbers of any kind: the eager engine gives it nodes, the compiler traced numbers.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import ref

import autograd
from autograd import Value, detect_anomaly, jit, no_grad, sigmoid, softmax
from nn.checks import call_loss, node
from nn.compiled import CompiledTraining, check_mean
from nn.layers.base import Pass, flat
from nn.losses import (
    LOSSES,
    binary_cross_entropy,
    categorical_cross_entropy,
    sparse_categorical_cross_entropy,
)
from nn.metrics import Metric
from nn.optim import Optimizer

if TYPE_CHECKING:
    from nn.models import Sequential

Progress = Callable[[int], object]

# Losses that can be computed from what an activation is applied to, and that activation
PARTNERS: dict[Any, Any] = {
    binary_cross_entropy: sigmoid,
    categorical_cross_entropy: softmax,
    sparse_categorical_cross_entropy: softmax,
}


class Objective:
    """What training makes small, for one row: its loss and the penalties on the weights."""

    def __init__(
        self, model: "Sequential", loss: Callable[..., Any], metrics: Sequence[Metric]
    ) -> None:
        self._model = ref(model)  # which holds this, and is freed when its last name goes
        self.loss, self.metrics = loss, metrics
        self.partner = PARTNERS.get(loss)
        self._prediction: list[Any] | None = None  # some prediction, to try targets with

    @property
    def model(self) -> "Sequential":
        """The model that is trained."""
        model = self._model()
        assert model is not None
        return model

    def __call__(
        self, x: Any, y: Any, weight: Any = None, random_numbers: Any = (), training: bool = True
    ) -> tuple[Any, ...]:
        """(the loss of a row, what the metrics count).

        weight: of the row in the loss. random_numbers: for dropout, in training.
        """
        run = Pass(training, random_numbers)
        output, sums = self.model.row_and_sums(x, run)
        prediction, target = flat(output), flat(y)
        if sums is not None and self.partner is self.model.last_activation:
            # a probability of nearly 0 or 1 has lost what its sum still tells
            loss = self.loss([flat(sums)], [target], from_logits=True)
        else:
            loss = self.loss([prediction], [target])
        if weight is not None:
            loss = loss * weight
        for term in (*run.penalties, *self.model.penalty()):
            loss = loss + term
        return loss, *[c for metric in self.metrics for c in metric.statistics(prediction, target)]

    def losses(self, rows: "Rows") -> Iterator[Any]:
        """The loss of each row, as nodes."""
        for x, y in zip(rows.xs, rows.ys, strict=True):
            yield self(_nested(x), _nested(y), training=False)[0]

    def results(self, means: Sequence[float]) -> dict[str, float]:
        """The metrics, of the means over the rows of what they count."""
        found, rest = {}, list(means)
        for metric, n in zip(self.metrics, self._sizes, strict=True):
            found[metric.name], rest = metric.result(rest[:n]), rest[n:]
        return found

    def check(self, rows: "Rows") -> None:
        """Let the loss see each kind of target once, and refuse those it does not take.

        Traced numbers are not checked: they have no value yet.
        """
        import numpy as np

        with no_grad(), detect_anomaly(nan=False, inf=False):  # training finds it, with its graph
            if self._prediction is None:
                self._prediction = flat(self.model.checked_row(_nested(rows.xs[0])))
            first, target = [_float(z) for z in self._prediction], flat(_nested(rows.ys[0]))
            self._sizes = [len(metric.statistics(first, target)) for metric in self.metrics]
            if self.loss not in LOSSES.values():
                call_loss(self.loss, [self._prediction], [target])
                return
            for y in np.unique(rows.ys, axis=0).tolist():
                self.loss([first], [flat(y)])


@dataclass(frozen=True)
class Rows:
    """Data to train on: arrays [rows, ...].

    weights: None where all rows weigh 1. random_numbers: [rows, n], drawn anew for each epoch; None
        where the network needs none.
    """

    xs: Any
    ys: Any
    weights: Any = None
    random_numbers: Any = None

    @property
    def names(self) -> list[str]:
        """The objective's arguments that are given."""
        given = {"weight": self.weights, "random_numbers": self.random_numbers}
        return ["x", "y", *[name for name, array in given.items() if array is not None]]

    @property
    def arrays(self) -> list[Any]:
        every = (self.xs, self.ys, self.weights, self.random_numbers)
        return [array for array in every if array is not None]

    def __len__(self) -> int:
        return len(self.xs)


class Sums(NamedTuple):
    """The means over some rows of the loss and of what the metrics count; how many updates."""

    loss: float
    counts: list[float]
    updates: int
    diverged: bool = False


class EagerEngine:
    """Every number a node."""

    name = "eager"

    def __init__(self, objective: Objective, optimizer: Optimizer) -> None:
        self.objective, self.optimizer = objective, optimizer
        self._project: Callable[[list[Any]], list[float]] | None = None
        if objective.model.constraints():
            self._project = lambda numbers: [_float(x) for x in projection(objective, numbers)]

    def use(self, rows: Rows) -> None:
        """Train on these rows from here on."""
        self.rows = rows

    def epoch(self, order: Sequence[int], batch_size: int, progress: Progress) -> Sums:
        """Train on the rows in this order."""
        names, arrays = self.rows.names, self.rows.arrays
        totals: list[float] = []
        updates = 0
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            found = [
                self.objective(**dict(zip(names, [a[i].tolist() for a in arrays], strict=True)))
                for i in batch
            ]
            loss = node(autograd.mean([row[0] for row in found]))
            self.optimizer.zero_grad()
            loss.backward()
            gradients = [p.grad for p in self.optimizer.params]
            if not isfinite(loss.data) or not all(map(isfinite, gradients)):
                return _means(totals, start, updates, diverged=True)
            self.optimizer.step(self._project)
            updates += 1
            counts = [[_float(c) for c in row[1:]] for row in found]
            sums = [loss.data * len(batch), *[sum(c) for c in zip(*counts, strict=True)]]
            totals = [a + b for a, b in zip(totals, sums, strict=True)] if totals else sums
            progress(updates)
        return _means(totals, len(order), updates)


class CompiledEngine:
    """Machine code. Raises what the compiler does if it cannot be."""

    name = "compiled"

    def __init__(self, objective: Objective, optimizer: Optimizer, rows: Rows) -> None:
        names = rows.names

        def loss(*row: Any) -> Any:
            return objective(**dict(zip(names, map(_nested, row), strict=True)))

        project = partial(projection, objective) if objective.model.constraints() else None
        self.training = CompiledTraining(loss, optimizer, *rows.arrays, project=project)

    def use(self, rows: Rows) -> None:
        """Train on these rows from here on, as many numbers to each as those compiled for."""
        self.training.loop.use(*rows.arrays)

    def epoch(self, order: Sequence[int], batch_size: int, progress: Progress) -> Sums:
        """Train on the rows in this order."""
        done = self.training.epoch(order, batch_size, progress)
        updates = len(done.losses)
        rows = min(updates * batch_size, len(order)) or 1
        sizes = [batch_size] * (updates - 1) + [rows - batch_size * (updates - 1)] * (updates > 0)
        loss, counts = float(done.losses @ sizes) / rows, (sizes @ done.measures / rows).tolist()
        return Sums(loss, counts, updates, done.diverged)


def engine(
    objective: Objective, optimizer: Optimizer, rows: Rows, compiled: bool | None
) -> tuple[EagerEngine | CompiledEngine, str]:
    """The engine, and if it is the eager one against the user's wish, why.

    compiled: True raises the error that says why it cannot be; None takes the eager engine then.
    """
    eager = EagerEngine(objective, optimizer)
    if compiled is False:
        return eager, ""
    try:
        found = CompiledEngine(objective, optimizer, rows)
        check_loss_is_mean(objective, rows)
    except Exception as error:  # whatever it is, the eager engine may do without, or will say
        if compiled:
            raise
        return eager, f"{type(error).__name__}: {error}"
    return found, ""


class Evaluation:
    """The loss and the metrics of rows, without training."""

    def __init__(self, objective: Objective, compiled: bool | None) -> None:
        self.objective, self.compiled = objective, compiled
        self._fast: dict[tuple[str, ...], Any] = {}

    def __call__(self, rows: Rows) -> Sums:
        """The means over these rows."""
        names, objective = tuple(rows.names), self.objective

        def of_row(*row: Any) -> list[Any]:
            given = dict(zip(names, map(_nested, row), strict=True))
            return list(objective(**given, training=False))

        if self.compiled is not False:
            if names not in self._fast:
                self._fast[names] = jit(of_row, batch_argnums=tuple(range(len(names))))
            try:
                loss, *counts = self._fast[names](*rows.arrays)
                return Sums(loss, counts, 0)
            except TypeError:  # what cannot be traced
                if self.compiled:
                    raise
                self.compiled = False
        with no_grad():
            found = [[_float(c) for c in of_row(*row)] for row in zip(*rows.arrays, strict=True)]
        return _means([sum(column) for column in zip(*found, strict=True)], len(rows), 0)


def projection(objective: Objective, numbers: list[Any]) -> list[Any]:
    """What the constraints make of the numbers of all parameters."""
    place = {p: k for k, p in enumerate(objective.model.parameters())}
    for function, weights in objective.model.constraints():
        found = function([numbers[place[p]] for p in weights])
        for p, number in zip(weights, found, strict=True):
            numbers[place[p]] = number
    return numbers


def check_loss_is_mean(objective: Objective, rows: Rows) -> None:
    """Let the loss of a batch be compared with those of its rows."""
    if objective.loss in LOSSES.values():  # these are, which their tests show
        return
    few = min(len(rows), 16)
    with no_grad():
        ys = [flat(_nested(y)) for y in rows.ys[:few]]
        predictions = [flat(objective.model.row(_nested(x), Pass())) for x in rows.xs[:few]]
        whole = _float(objective.loss(predictions, ys))
        each = [objective.loss([p], [y]) for p, y in zip(predictions, ys, strict=True)]
        check_mean(whole, sum(map(_float, each)) / few)


def _means(totals: Sequence[float], rows: int, updates: int, diverged: bool = False) -> Sums:
    loss, *counts = [t / rows for t in totals] if totals else [0.0]
    return Sums(loss, counts, updates, diverged)


def _nested(x: Any) -> Any:
    return x.tolist() if hasattr(x, "tolist") else x


def _float(x: Any) -> float:
    return x.data if isinstance(x, Value) else float(x)
