"""How well a model does, in numbers people read: accuracy, precision, F1, AUC, R2 ...

Most are means over the rows: `Metric.statistics` is written for one row, over numbers of any kind,
so that it is compiled with the model, and `Metric.result` makes the metric of their means. What
needs all predictions at once is a `WholeMetric`. Both have `compute(predictions, targets)`.

Where a metric is not defined (no positives, one class only) it is 0.0, as in Keras and
scikit-learn, or nan where no number would be right. None raises because of the numbers it meets.
"""

import re
from dataclasses import replace
from functools import partial
from typing import Any

from nn.errors import UnknownNameError
from nn.losses import LOSSES
from nn.metrics.base import Metric as Metric
from nn.metrics.base import RowMean as RowMean
from nn.metrics.base import RowMetric as RowMetric
from nn.metrics.base import WholeMetric as WholeMetric
from nn.metrics.rowwise import Accuracy as Accuracy
from nn.metrics.rowwise import BinaryAccuracy as BinaryAccuracy
from nn.metrics.rowwise import CategoricalAccuracy as CategoricalAccuracy
from nn.metrics.rowwise import F1Score as F1Score
from nn.metrics.rowwise import LossMetric as LossMetric
from nn.metrics.rowwise import MeanAbsoluteError as MeanAbsoluteError
from nn.metrics.rowwise import MeanSquaredError as MeanSquaredError
from nn.metrics.rowwise import Precision as Precision
from nn.metrics.rowwise import R2Score as R2Score
from nn.metrics.rowwise import Recall as Recall
from nn.metrics.rowwise import RootMeanSquaredError as RootMeanSquaredError
from nn.metrics.rowwise import SparseCategoricalAccuracy as SparseCategoricalAccuracy
from nn.metrics.rowwise import TopKCategoricalAccuracy as TopKCategoricalAccuracy
from nn.metrics.whole import AUC as AUC
from nn.metrics.whole import WholeFunction as WholeFunction
from nn.metrics.whole import class_report as class_report
from nn.metrics.whole import confusion_matrix as confusion_matrix

_TOP_K = TopKCategoricalAccuracy()
METRICS: dict[str, Metric | WholeMetric] = {
    "accuracy": Accuracy(),
    "acc": Accuracy(),
    "binary_accuracy": BinaryAccuracy(),
    "categorical_accuracy": CategoricalAccuracy(),
    "sparse_categorical_accuracy": SparseCategoricalAccuracy(),
    "top_k_categorical_accuracy": _TOP_K,
    "sparse_top_k_categorical_accuracy": _TOP_K,
    "precision": Precision(),
    "recall": Recall(),
    "f1": F1Score(),
    "f1_score": F1Score(),
    "auc": AUC(),
    "mse": MeanSquaredError(),
    "mean_squared_error": MeanSquaredError(),
    "rmse": RootMeanSquaredError(),
    "root_mean_squared_error": RootMeanSquaredError(),
    "mae": MeanAbsoluteError(),
    "mean_absolute_error": MeanAbsoluteError(),
    "r2": R2Score(),
    "r2_score": R2Score(),
}
METRICS |= {name: LossMetric(f, name) for name, f in LOSSES.items() if name.lower() not in METRICS}
_BY_LETTERS = {name.replace("_", ""): metric for name, metric in METRICS.items()}


def metric_named(metric: Any) -> Metric | WholeMetric:
    """The metric, or loss, of this name; a metric is returned as it is.

    Capitals and underscores do not matter ("AUC", "F1Score"); "top-2" or "top_2" is
    TopKCategoricalAccuracy(2). The metric bears the name as it was written, as in Keras. A function
    (y_true, y_pred) of arrays becomes a WholeFunction; for one of a row, see RowMetric.
    Raises UnknownNameError if there is no such name, TypeError for anything else.
    """
    if isinstance(metric, (Metric, WholeMetric)):
        return metric
    if isinstance(metric, type) and issubclass(metric, (Metric, WholeMetric)):
        return metric()
    if isinstance(metric, str):
        letters = re.sub("[-_ ]", "", metric).lower()
        if top := re.fullmatch(r"top(\d+)", letters):
            return TopKCategoricalAccuracy(int(top[1]), metric)
        if letters not in _BY_LETTERS:
            raise UnknownNameError("metric", metric, [*METRICS, "top-2"])
        return replace(_BY_LETTERS[letters], name=metric)  # type: ignore[type-var]
    if _inner(metric) in LOSSES.values():  # which take predictions first
        return LossMetric(metric, _inner(metric).__name__)
    if callable(metric):
        inner = _inner(metric)
        return WholeFunction(metric, getattr(inner, "__name__", type(inner).__name__))
    raise TypeError(
        f"expected a metric, the name of one or a function (y_true, y_pred), but got {metric!r:.80}"
    )


def _inner(function: Any) -> Any:
    return function.func if isinstance(function, partial) else function
