"""The metrics that need all predictions at once."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from math import fsum, isnan, nan
from typing import Any, final

from autograd import MissingExtraError
from nn.errors import TargetError
from nn.metrics.base import WholeMetric, above, argmax, class_number, pairs
from nn.metrics.rowwise import F1Score, Precision, Recall


@final
@dataclass(frozen=True)
class AUC(WholeMetric):
    """The area under the ROC curve: how probably a positive is ranked above a negative.

    Exact, by ranks, a tie counting one half (Hanley & McNeil 1982), where Keras approximates by 200
    thresholds. Of several outputs, the mean of each class against the rest, over the classes for
    which it is defined. nan if there are no positives or no negatives, or a prediction is nan.
    """

    name: str = "auc"

    def compute(self, predictions: Any, targets: Any) -> float:
        rows = pairs(predictions, targets)
        n = len(rows[0][0])
        if n == 1:
            return _auc([p[0] for p, _ in rows], [y[0] > 0.5 for _, y in rows])
        if any(isnan(x) for p, _ in rows for x in p):
            return nan
        classes = [class_number(y, n) for _, y in rows]
        each = [_auc([p[j] for p, _ in rows], [c == j for c in classes]) for j in range(n)]
        defined = [area for area in each if not isnan(area)]
        return fsum(defined) / len(defined) if defined else nan


def _auc(scores: list[float], positive: list[bool]) -> float:
    positives = sum(positive)
    negatives = len(positive) - positives
    if not positives or not negatives or any(map(isnan, scores)):
        return nan
    # Twice the pairs won, so that the count is of whole numbers, and exact
    won, below = 0, 0
    ranked = sorted(zip(scores, positive, strict=True))
    for _, tied in groupby(ranked, key=lambda pair: pair[0]):
        group = [is_positive for _, is_positive in tied]
        here = group.count(False)
        won += group.count(True) * (2 * below + here)
        below += here
    return won / (2 * positives * negatives)


@final
@dataclass(frozen=True)
class WholeFunction(WholeMetric):
    """Your own function(y_true, y_pred) of NumPy arrays, in the order of Keras and scikit-learn.

    Each is [rows] if a row has one number, else [rows, n]. A result of several numbers, such as one
    for each row, is averaged.
    """

    function: Callable[[Any, Any], Any]
    name: str = "metric"

    def compute(self, predictions: Any, targets: Any) -> float:
        np = _numpy()
        y_pred, y_true = map(np.array, zip(*pairs(predictions, targets), strict=True))
        y_pred, y_true = (y[:, 0] if y.shape[1] == 1 else y for y in (y_pred, y_true))
        return float(np.mean(self.function(y_true, y_pred)))


def confusion_matrix(predictions: Any, targets: Any, classes: int | None = None) -> Any:
    """How often each class (row) was answered by each (column): whole numbers [classes, classes].

    predictions: [rows, classes], the largest output being the answer; or [rows], class numbers or
    probabilities of class 1. targets: class numbers or one-hot. classes: how many there are, by
    default as many as occur. Gives a NumPy array. Raises TargetError for what is no such class.
    """
    np = _numpy()
    rows = pairs(predictions, targets)
    said = [p[0] if len(p) == 1 else argmax(p) for p, _ in rows]
    if any(0.0 < p < 1.0 for p in said):
        said = above(said, 0.5)
    true = [y[0] if len(y) == 1 else argmax(y) for _, y in rows]
    if classes is None:
        widths = [len(row) for pair in rows for row in pair]
        classes = max(2, *widths, *[int(x) + 1 for x in said + true if 0.0 <= x < 1e6])
    for x in said + true:
        if x not in range(classes):
            raise TargetError(
                f"expected classes numbered from 0 to {classes - 1}, but got {x!r}; logits of one "
                "output become probabilities by sigmoid"
            )
    matrix = np.zeros((classes, classes), dtype=int)
    for y, p in zip(true, said, strict=True):
        matrix[int(y), int(p)] += 1
    return matrix


def class_report(matrix: Any) -> list[dict[str, float]]:
    """For each class of a confusion matrix its precision, recall, f1 and support (its rows)."""
    report = []
    for j in range(len(matrix)):
        tp, said = float(matrix[j][j]), float(sum(row[j] for row in matrix))
        support = float(sum(matrix[j]))
        counts = tp, said - tp, support - tp
        formulas = {"precision": Precision, "recall": Recall, "f1": F1Score}
        report.append(
            {name: metric.formula(*counts) for name, metric in formulas.items()}
            | {"support": support}
        )
    return report


def _numpy() -> Any:
    try:
        import numpy as np
    except ImportError:
        raise MissingExtraError("this metric needs NumPy: pip install numpy") from None
    return np
