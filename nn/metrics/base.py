"""What a metric is, and the arithmetic of one row that the metrics share."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import fsum, nan
from typing import Any, final

from autograd import LengthError, OperandError, Value, maximum, where

Row = Sequence[Any]


class Metric(ABC):
    """A metric made of means over the rows. `name` is its key in the history."""

    name: str

    @abstractmethod
    def statistics(self, prediction: Row, target: Row) -> list[Any]:
        """The numbers of one row, of floats or traced: no branch on a number, but `where`."""

    @abstractmethod
    def result(self, means: Sequence[float]) -> float:
        """The metric, of the means of the statistics over the rows."""

    @final
    def compute(self, predictions: Any, targets: Any) -> float:
        """The metric of predictions and targets, each [rows] or [rows, n].

        Raises LengthError if they differ in length or there are none.
        """
        rows = [self.statistics(p, y) for p, y in pairs(predictions, targets)]
        return self.result([fsum(column) / len(rows) for column in zip(*rows, strict=True)])


class WholeMetric(ABC):
    """A metric that needs all predictions at once, so it is computed after the epoch."""

    name: str

    @abstractmethod
    def compute(self, predictions: Any, targets: Any) -> float:
        """The metric of predictions and targets, each [rows] or [rows, n]."""


class RowMean(Metric):
    """A metric that is the mean over the rows of one number."""

    @abstractmethod
    def row(self, prediction: Row, target: Row) -> Any:
        """The number of one row."""

    @final
    def statistics(self, prediction: Row, target: Row) -> list[Any]:
        return [self.row(prediction, target)]

    @final
    def result(self, means: Sequence[float]) -> float:
        return means[0]


@final
@dataclass(frozen=True)
class RowMetric(RowMean):
    """The mean of your own function(prediction row, target row) -> number; it can be compiled."""

    function: Callable[[Row, Row], Any]
    name: str = "metric"

    def row(self, prediction: Row, target: Row) -> Any:
        return self.function(prediction, target)


# --- one row --------------------------------------------------------------------------------------


def above(xs: Row, threshold: float) -> list[Any]:
    """For each number 1.0 if it is above the threshold, else 0.0."""
    return [where(x > threshold, 1.0, 0.0) for x in xs]


def equal(a: Any, b: Any) -> Any:
    """1.0 if the numbers are equal, else 0.0; by <= and >=, for == of nodes is about identity."""
    return where(a >= b, where(a <= b, 1.0, 0.0), 0.0)


def argmax(xs: Row) -> Any:
    """The place of the largest number, of equal ones the first; -1.0 if one of them is nan."""
    best, place = xs[0], 0.0
    for j, x in enumerate(xs[1:], start=1):
        place = where(x > best, float(j), place)
        best = maximum(best, x)
    return where(best <= best, place, -1.0)


def class_number(target: Row, classes: int) -> Any:
    """The class of a target that is a class number, or one-hot."""
    if len(target) == 1:
        return target[0]
    check_lengths(classes, len(target))
    return argmax(target)


def answer(p: Any, threshold: float) -> Any:
    """1.0 above the threshold, else 0.0; nan stays nan, which is never right."""
    return where(p > threshold, 1.0, where(p <= threshold, 0.0, nan))


def check_lengths(predicted: int, targets: int) -> None:
    if predicted != targets:
        raise LengthError(
            f"expected as many numbers in a target as the metric needs, {predicted}, "
            f"but got {targets}"
        )


def check_several(prediction: Row) -> None:
    if len(prediction) < 2:
        raise LengthError(
            "expected one output for each class, but got a single one; of that, take 'accuracy' "
            "or 'binary_accuracy'"
        )


# --- all rows -------------------------------------------------------------------------------------


def pairs(predictions: Any, targets: Any) -> list[tuple[list[float], list[float]]]:
    """Each prediction with its target, as flat lists of floats."""
    ps, ys = _rows(predictions), _rows(targets)
    if len(ps) != len(ys) or not ps:
        raise LengthError(
            f"expected at least one prediction and a target for each, "
            f"but got {len(ps)} predictions and {len(ys)} targets"
        )
    return list(zip(ps, ys, strict=True))


def _rows(xs: Any) -> list[list[float]]:
    found = xs.tolist() if hasattr(xs, "tolist") else xs
    if not isinstance(found, (list, tuple)):
        raise LengthError(f"expected a list with one element for each row, but got {xs!r:.80}")
    return [_flat(x) for x in found]


def _flat(x: Any) -> list[float]:
    found = x.tolist() if hasattr(x, "tolist") else x
    if isinstance(found, (list, tuple)):
        return [number for part in found for number in _flat(part)]
    if isinstance(found, Value):
        return [found.data]
    try:
        return [float(found)]
    except (TypeError, ValueError):
        raise OperandError(f"expected numbers, but got {x!r:.80}") from None
