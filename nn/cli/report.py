"""The scores, as text."""

from typing import TYPE_CHECKING, Any

from nn.history import History
from nn.metrics import (
    MeanAbsoluteError,
    R2Score,
    RootMeanSquaredError,
    class_report,
    confusion_matrix,
)

if TYPE_CHECKING:
    from nn.cli.learn import Learner

UNSURE = 5  # how many of the least sure answers are printed


def report(learner: "Learner", history: History, predictions: Any) -> str:
    """How training went, and the scores on the rows held out, of which these are predictions."""
    import numpy as np

    lines = [f"training {history}, {_engine(history)}."]
    if learner.best_epoch:
        lines.append(
            f"of these, epoch {learner.best_epoch} was the best on the rows that validate; its "
            "weights are kept."
        )
    if not np.isfinite(predictions).all():
        return "\n".join([*lines, "its answers are not finite numbers: there is nothing to score."])
    scores = _classification if learner.class_names else _regression
    return "\n".join([*lines, *scores(learner, predictions)])


def _engine(history: History) -> str:
    if history.engine == "compiled":
        return "in machine code"
    return f"node by node ({history.engine.removeprefix('eager: ')})"


def _classification(learner: "Learner", predictions: Any) -> list[str]:
    assert learner.class_names is not None
    names, rows = learner.class_names, learner.test_rows
    true = learner.data.ys[rows]
    said = predictions.argmax(axis=1)
    right = int((said == true).sum())
    width = max(len("class"), *map(len, names))
    lines = [
        f"{right} of {len(rows)} rows held out are right: accuracy {100 * right / len(rows):.1f} %",
        f"  {'class':{width}}  precision  recall     F1  rows",
    ]
    matrix = confusion_matrix(predictions, true, len(names))
    for name, of in zip(names, class_report(matrix), strict=True):
        lines.append(
            f"  {name:{width}}  {of['precision']:9.3f}  {of['recall']:6.3f}  {of['f1']:5.3f}"
            f"  {of['support']:4.0f}"
        )
    lines.append(f"the least sure answers ({learner.count_from}):")
    for i in least_sure(predictions)[:UNSURE]:
        second, first = predictions[i].argsort()[-2:]
        wrong = "" if first == true[i] else f": wrong, it is {names[true[i]]}"
        lines.append(
            f"  {learner.row_name(rows[i])}: {names[first]} ({100 * predictions[i][first]:.3g} %), "
            f"then {names[second]} ({100 * predictions[i][second]:.3g} %){wrong}"
        )
    return lines


def least_sure(predictions: Any) -> Any:
    """The rows by how sure the answer is, the least sure first."""
    return predictions.max(axis=1).argsort(kind="stable")


def _regression(learner: "Learner", predictions: Any) -> list[str]:
    true = learner.data.ys[learner.test_rows]
    scores = {
        "mean absolute error": MeanAbsoluteError(),
        "root mean squared error": RootMeanSquaredError(),
        "R2": R2Score(),
    }
    lines = [f"on {len(true)} rows held out:"]
    for name, metric in scores.items():
        note = " (1: all is explained; 0: no better than their mean)" if name == "R2" else ""
        lines.append(f"  {name:24}{metric.compute(predictions, true):.4g}{note}")
    return lines
