"""The metrics that are made of means over the rows; each can be compiled with the model."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum, sqrt
from typing import Any, final

from autograd import mean, total, where
from nn.errors import HyperparameterError, UnknownNameError
from nn.losses import Loss, mae, mse
from nn.metrics.base import (
    Metric,
    Row,
    RowMean,
    above,
    answer,
    argmax,
    check_lengths,
    check_several,
    class_number,
    equal,
)


@final
@dataclass(frozen=True)
class Accuracy(RowMean):
    """The share of right answers; what that means follows from the shapes, as in Keras.

    One output: BinaryAccuracy. Several: CategoricalAccuracy if a target has as many numbers,
    SparseCategoricalAccuracy if it is one class number. Of logits, use threshold=0.0.
    """

    threshold: float = 0.5
    name: str = "accuracy"

    def row(self, prediction: Row, target: Row) -> Any:
        if len(prediction) == 1:
            return _share_right(prediction, target, self.threshold)
        return equal(argmax(prediction), class_number(target, len(prediction)))


@final
@dataclass(frozen=True)
class BinaryAccuracy(RowMean):
    """The share of outputs on their target's side of the threshold; targets are 0 and 1."""

    threshold: float = 0.5
    name: str = "binary_accuracy"

    def row(self, prediction: Row, target: Row) -> Any:
        return _share_right(prediction, target, self.threshold)


@final
@dataclass(frozen=True)
class CategoricalAccuracy(RowMean):
    """The share of rows whose largest output is where the one-hot target's 1 is.

    Of equal outputs the first counts as the largest; with a nan among them it is never right.
    """

    name: str = "categorical_accuracy"

    def row(self, prediction: Row, target: Row) -> Any:
        check_several(prediction)
        check_lengths(len(prediction), len(target))
        return equal(argmax(prediction), argmax(target))


@final
@dataclass(frozen=True)
class SparseCategoricalAccuracy(RowMean):
    """The share of rows whose largest output is the target's class, a number from 0.

    Of equal outputs the first counts as the largest; with a nan among them it is never right.
    """

    name: str = "sparse_categorical_accuracy"

    def row(self, prediction: Row, target: Row) -> Any:
        check_several(prediction)
        check_lengths(1, len(target))
        return equal(argmax(prediction), target[0])


@final
@dataclass(frozen=True)
class TopKCategoricalAccuracy(RowMean):
    """The share of rows where fewer than k outputs are larger than that of the right class.

    Outputs equal to it do not count against it, and nan is never right, as in Keras. Targets are
    one-hot or class numbers.
    """

    k: int = 5
    name: str = "top_k_categorical_accuracy"

    def __post_init__(self) -> None:
        if not isinstance(self.k, int) or self.k < 1:
            raise HyperparameterError(f"expected k to be a whole number from 1, but got {self.k!r}")

    def row(self, prediction: Row, target: Row) -> Any:
        check_several(prediction)
        right = class_number(target, len(prediction))
        places = [equal(right, float(j)) for j in range(len(prediction))]
        # where, not a product: what is not asked for may be nan or infinite
        own = total([where(here > 0.5, p, 0.0) for here, p in zip(places, prediction, strict=True)])
        not_larger = total([where(p <= own, 1.0, 0.0) for p in prediction])
        return where(not_larger > max(len(prediction) - self.k, 0.0), total(places), 0.0)


# --- right and wrong, told apart ------------------------------------------------------------------


@dataclass(frozen=True)
class Counts(Metric):
    """What is made of true positives, false positives and false negatives.

    threshold: an output above it says yes. All outputs count alike, as in Keras.
    average="macro": each class on its own, the largest output (of one output, its side of the
        threshold) being the answer, and then the mean over the classes that occur in targets or
        answers, as in scikit-learn. Targets are one-hot or class numbers.
    """

    threshold: float = 0.5
    average: str | None = None
    name: str = "counts"

    def __post_init__(self) -> None:
        if self.average not in (None, "macro"):
            raise UnknownNameError("average", self.average, ("None", "'macro'"))

    @staticmethod
    @abstractmethod
    def formula(tp: float, fp: float, fn: float) -> float:
        """The metric of one class."""

    @final
    def statistics(self, prediction: Row, target: Row) -> list[Any]:
        n = len(prediction)
        if n > 1 and (self.average or len(target) == 1):
            right = class_number(target, n)
            target = [equal(right, float(j)) for j in range(n)]
        check_lengths(n, len(target))
        said, true = above(prediction, self.threshold), above(target, 0.5)
        if not self.average:
            return [total(column) for column in zip(*map(_hits, said, true), strict=True)]
        if n == 1:
            said, true = [1.0 - said[0], said[0]], [1.0 - true[0], true[0]]
        else:
            largest = argmax(prediction)
            said = [equal(largest, float(j)) for j in range(n)]
        return [count for counts in map(_hits, said, true) for count in counts]

    @final
    def result(self, means: Sequence[float]) -> float:
        classes = zip(means[0::3], means[1::3], means[2::3], strict=True)
        each = [self.formula(*counts) for counts in classes if any(counts)]
        return fsum(each) / len(each) if each else 0.0


@final
@dataclass(frozen=True)
class Precision(Counts):
    """Of those said to be positive, the share that is: tp / (tp + fp); 0.0 if none was said to be.

    threshold, average: an output above the threshold says yes, and all outputs count alike, as in
    Keras; average="macro" is scikit-learn's mean over the classes, the largest output the answer.
    """

    name: str = "precision"

    @staticmethod
    def formula(tp: float, fp: float, fn: float) -> float:
        return _ratio(tp, tp + fp)


@final
@dataclass(frozen=True)
class Recall(Counts):
    """Of those that are positive, the share found: tp / (tp + fn); 0.0 if there are none.

    threshold, average: as for Precision.
    """

    name: str = "recall"

    @staticmethod
    def formula(tp: float, fp: float, fn: float) -> float:
        return _ratio(tp, tp + fn)


@final
@dataclass(frozen=True)
class F1Score(Counts):
    """The harmonic mean of precision and recall: 2 tp / (2 tp + fp + fn); 0.0 without positives.

    threshold, average: as for Precision. A single number, where Keras gives one for each class.
    """

    name: str = "f1"

    @staticmethod
    def formula(tp: float, fp: float, fn: float) -> float:
        return _ratio(2.0 * tp, 2.0 * tp + fp + fn)


# --- losses and regression ------------------------------------------------------------------------


@final
@dataclass(frozen=True)
class MeanSquaredError(RowMean):
    """The mean of (prediction - target)^2."""

    name: str = "mse"

    def row(self, prediction: Row, target: Row) -> Any:
        return mse([prediction], [target])


@final
@dataclass(frozen=True)
class RootMeanSquaredError(Metric):
    """The square root of the mean squared error, in the target's own unit."""

    name: str = "rmse"

    def statistics(self, prediction: Row, target: Row) -> list[Any]:
        return [mse([prediction], [target])]

    def result(self, means: Sequence[float]) -> float:
        return sqrt(means[0])


@final
@dataclass(frozen=True)
class MeanAbsoluteError(RowMean):
    """The mean of |prediction - target|."""

    name: str = "mae"

    def row(self, prediction: Row, target: Row) -> Any:
        return mae([prediction], [target])


@final
@dataclass(frozen=True)
class R2Score(Metric):
    """1 - squared error / variance of the targets: 1 is perfect, 0 no better than their mean.

    Of several outputs, the mean over them. Targets that are all equal: 1.0 if hit exactly, else
    0.0, as in scikit-learn. The variance is E[y^2] - E[y]^2, which cannot see a spread of less
    than a ten-millionth of the targets' size: it counts as none.
    """

    name: str = "r2"

    def statistics(self, prediction: Row, target: Row) -> list[Any]:
        check_lengths(len(prediction), len(target))
        both = zip(prediction, target, strict=True)
        return [number for p, y in both for number in (y, y * y, (p - y) * (p - y))]

    def result(self, means: Sequence[float]) -> float:
        each = []
        for y, y_squared, error in zip(means[0::3], means[1::3], means[2::3], strict=True):
            variance = y_squared - y * y
            if variance <= 1e-14 * y_squared:
                each.append(float(error == 0.0))
            else:
                each.append(1.0 - error / variance)
        return fsum(each) / len(each)


@final
@dataclass(frozen=True)
class LossMetric(RowMean):
    """A loss, watched as a metric: its mean over the rows."""

    loss: Loss
    name: str = "loss"

    def row(self, prediction: Row, target: Row) -> Any:
        return self.loss([prediction], [target])


def _share_right(prediction: Row, target: Row, threshold: float) -> Any:
    check_lengths(len(prediction), len(target))
    both = zip(prediction, target, strict=True)
    return mean([equal(answer(p, threshold), y) for p, y in both])


def _hits(said: Any, true: Any) -> tuple[Any, Any, Any]:
    """True positive, false positive, false negative: one of them 1.0, or none."""
    return said * true, said * (1.0 - true), (1.0 - said) * true


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
