"""Metrics: their numbers against scikit-learn, compiled as eager, and where none is defined."""

import math
import pickle
from functools import partial
from random import Random

import numpy as np
import pytest

import autograd
from autograd import LengthError, OperandError, Value, where
from nn import HyperparameterError, TargetError, UnknownNameError
from nn.losses import huber, sparse_categorical_cross_entropy
from nn.metrics import (
    AUC,
    METRICS,
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    F1Score,
    LossMetric,
    MeanAbsoluteError,
    MeanSquaredError,
    Precision,
    R2Score,
    Recall,
    RootMeanSquaredError,
    RowMetric,
    SparseCategoricalAccuracy,
    TopKCategoricalAccuracy,
    WholeFunction,
    WholeMetric,
    class_report,
    confusion_matrix,
    metric_named,
)

ROWS, CLASSES = 211, 4
LIKE_THE_OUTPUT = (  # these need a target of as many numbers as the prediction
    BinaryAccuracy,
    CategoricalAccuracy,
    MeanAbsoluteError,
    MeanSquaredError,
    R2Score,
    RootMeanSquaredError,
)
SEVERAL = (CategoricalAccuracy, SparseCategoricalAccuracy, TopKCategoricalAccuracy)


def coarse(rng):
    """A number between 0 and 1 of which many are equal."""
    return rng.randrange(11) / 10


def binary(seed=0):
    rng = Random(seed)
    return [[coarse(rng)] for _ in range(ROWS)], [[float(rng.random() < 0.3)] for _ in range(ROWS)]


def categorical(seed=0):
    """Outputs with ties, and class numbers."""
    rng = Random(seed)
    outputs = [[coarse(rng) for _ in range(CLASSES)] for _ in range(ROWS)]
    return outputs, [[float(rng.randrange(CLASSES))] for _ in range(ROWS)]


def one_hot(classes):
    return [[float(c == j) for j in range(CLASSES)] for (c,) in classes]


def flat(rows):
    return np.array(rows).ravel()


@pytest.fixture
def sk():
    return pytest.importorskip("sklearn.metrics")


# --- against scikit-learn -------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_binary_metrics(sk, seed):
    """Accuracy, precision, recall, F1 and AUC of one output are scikit-learn's, ties and all."""
    predictions, targets = binary(seed)
    p, y = flat(predictions), flat(targets)
    said = p > 0.5
    for name, expected in {
        "accuracy": sk.accuracy_score(y, said),
        "binary_accuracy": sk.accuracy_score(y, said),
        "precision": sk.precision_score(y, said),
        "recall": sk.recall_score(y, said),
        "f1": sk.f1_score(y, said),
        "auc": sk.roc_auc_score(y, p),
    }.items():
        found = METRICS[name].compute(predictions, targets)
        assert found == pytest.approx(expected, rel=1e-14), name
    for metric, score in ((Precision, sk.precision_score), (F1Score, sk.f1_score)):
        macro = metric(average="macro").compute(predictions, targets)
        assert macro == pytest.approx(score(y, said, average="macro"), rel=1e-14)


@pytest.mark.parametrize("seed", range(5))
def test_metrics_of_several_classes(sk, seed):
    """Accuracy by argmax (the first of equals) and macro averages, one-hot or by class number."""
    predictions, classes = categorical(seed)
    y, said = flat(classes), np.argmax(predictions, axis=1)
    for targets in (classes, one_hot(classes)):
        assert Accuracy().compute(predictions, targets) == pytest.approx(
            sk.accuracy_score(y, said), rel=1e-14
        )
        for metric, score in (
            (Precision, sk.precision_score),
            (Recall, sk.recall_score),
            (F1Score, sk.f1_score),
        ):
            found = metric(average="macro").compute(predictions, targets)
            assert found == pytest.approx(score(y, said, average="macro"), rel=1e-14)
            micro = metric().compute(predictions, targets)
            above = np.array(predictions) > 0.5
            assert micro == pytest.approx(
                score(one_hot(classes), above, average="micro"), rel=1e-14
            )
    accuracy = sk.accuracy_score(y, said)
    found = SparseCategoricalAccuracy().compute(predictions, classes)
    assert found == CategoricalAccuracy().compute(predictions, one_hot(classes))
    assert found == pytest.approx(accuracy, rel=1e-14)


def test_macro_leaves_out_what_does_not_occur(sk):
    """A class that is neither target nor answer has no part in the mean, as in scikit-learn."""
    predictions = [[0.9, 0.1, 0.0], [0.2, 0.8, 0.0], [0.6, 0.4, 0.0]]
    expected = sk.recall_score([0, 1, 1], [0, 1, 0], average="macro")
    assert Recall(average="macro").compute(predictions, [0, 1, 1]) == expected == 0.75


@pytest.mark.parametrize("k", [1, 2, 3, 4, 9])
def test_top_k(sk, k):
    """The right class among the k largest outputs; without ties as scikit-learn has it."""
    rng = Random(k)
    predictions = [[rng.random() for _ in range(CLASSES)] for _ in range(ROWS)]
    _, classes = categorical(k)
    if k < CLASSES:
        expected = sk.top_k_accuracy_score(flat(classes), predictions, k=k)
    else:
        expected = 1.0
    for targets in (classes, one_hot(classes)):
        found = metric_named(f"top-{k}").compute(predictions, targets)
        assert found == pytest.approx(expected, rel=1e-14)


def test_top_k_with_ties_and_without_numbers():
    """Equal outputs do not count against the right one (as in Keras), and nan is never right."""
    top = TopKCategoricalAccuracy(2)
    assert top.compute([[0.5, 0.5, 0.5]], [2]) == 1.0
    assert top.compute([[0.9, 0.7, 0.5]], [2]) == 0.0
    assert top.compute([[0.9, 0.7, math.nan]], [2]) == 0.0
    assert top.compute([[-1.0, -2.0, -math.inf]], [1]) == 1.0
    assert top.compute([[-1.0, -2.0]], [7]) == 0.0  # no such class


@pytest.mark.parametrize("outputs", [1, 3])
def test_regression(sk, outputs):
    """MSE, RMSE, MAE and R2 are scikit-learn's, of one output and as a mean over several."""
    rng = Random(outputs)
    targets = [[rng.gauss(10.0 * j, 1.0 + j) for j in range(outputs)] for _ in range(ROWS)]
    predictions = [[y + rng.gauss(0.0, 0.5) for y in row] for row in targets]
    for metric, expected in (
        (MeanSquaredError(), sk.mean_squared_error(targets, predictions)),
        (RootMeanSquaredError(), math.sqrt(sk.mean_squared_error(targets, predictions))),
        (MeanAbsoluteError(), sk.mean_absolute_error(targets, predictions)),
        (R2Score(), sk.r2_score(targets, predictions)),
    ):
        assert metric.compute(predictions, targets) == pytest.approx(expected, rel=1e-11)


def test_auc_of_several_classes(sk):
    """Each class against the rest, and the mean: scikit-learn's `ovr`."""
    rng = Random(3)
    _, classes = categorical(3)
    predictions = [autograd.softmax([coarse(rng) for _ in range(CLASSES)]) for _ in range(ROWS)]
    expected = sk.roc_auc_score(flat(classes), predictions, multi_class="ovr")
    for targets in (classes, one_hot(classes)):
        assert AUC().compute(predictions, targets) == pytest.approx(expected, rel=1e-14)


def test_confusion_matrix(sk):
    """Rows are the targets and columns the answers, for outputs, class numbers, probabilities."""
    predictions, classes = categorical()
    y, said = flat(classes), np.argmax(predictions, axis=1)
    expected = sk.confusion_matrix(y, said)
    for p in (predictions, np.array(predictions), said):
        for t in (classes, one_hot(classes), y):
            found = confusion_matrix(p, t)
            assert found.dtype.kind == "i"
            assert (found == expected).all()
    assert confusion_matrix(predictions, classes, classes=6).shape == (6, 6)
    probabilities, targets = binary()
    expected = sk.confusion_matrix(flat(targets), flat(probabilities) > 0.5)
    assert (confusion_matrix(probabilities, targets) == expected).all()


def test_confusion_matrix_refuses_what_is_no_class():
    """A logit, a fraction or a class beyond the last is named."""
    with pytest.raises(TargetError, match=r"from 0 to 1, but got -2\.0.*sigmoid"):
        confusion_matrix([[-2.0], [1.0]], [0, 1])
    with pytest.raises(TargetError, match=r"got 3\.0"):
        confusion_matrix([0, 3], [0, 1], classes=3)
    with pytest.raises(TargetError, match="got nan"):
        confusion_matrix([math.nan, 1.0], [0, 1])


def test_class_report(sk):
    """Precision, recall, F1 and support of each class, from the matrix alone."""
    predictions, classes = categorical(1)
    matrix = confusion_matrix(predictions, classes)
    expected = sk.precision_recall_fscore_support(flat(classes), np.argmax(predictions, axis=1))
    for name, column in zip(("precision", "recall", "f1", "support"), expected, strict=True):
        assert [row[name] for row in class_report(matrix)] == pytest.approx(column, rel=1e-14)
    assert class_report([[2, 0], [0, 0]])[1] == dict.fromkeys(
        ("precision", "recall", "f1", "support"), 0.0
    )


# --- compiled -------------------------------------------------------------------------------------


def compiled(metric, predictions, targets):
    statistics = autograd.jit(metric.statistics, batch_argnums=(0, 1))
    return metric.result(statistics(predictions, targets))


@pytest.mark.parametrize(
    "metric",
    [m for m in dict.fromkeys(METRICS.values()) if not isinstance(m, (WholeMetric, LossMetric))],
    ids=repr,
)
def test_compiled_equals_eager(metric):
    """In machine code, as means over the rows, each metric gives what it gives eagerly."""
    outputs, classes = categorical()
    cases = []
    if not isinstance(metric, SEVERAL):
        cases.append(binary())
    if not isinstance(metric, LIKE_THE_OUTPUT):
        cases.append((outputs, classes))
    if not isinstance(metric, SparseCategoricalAccuracy):
        cases.append((outputs, one_hot(classes)))
    for predictions, targets in cases:
        eager = metric.compute(predictions, targets)
        assert compiled(metric, predictions, targets) == pytest.approx(eager, rel=1e-12)
        if not isinstance(metric, (R2Score, TopKCategoricalAccuracy)):
            assert 0.0 < eager < 1.0  # a case that can tell


@pytest.mark.parametrize("metric", [Precision(average="macro"), TopKCategoricalAccuracy(2)])
def test_compiled_with_options(metric):
    """Options are compiled in."""
    outputs, classes = categorical(2)
    eager = metric.compute(outputs, classes)
    assert compiled(metric, outputs, classes) == pytest.approx(eager, rel=1e-12)
    assert 0.0 < eager < 1.0


def test_nan_is_never_right():
    """A network that gives nan has accuracy 0, eager and compiled."""
    for metric, prediction, target in (
        (Accuracy(), [[math.nan]], [[0.0]]),
        (Accuracy(), [[math.nan, 0.0]], [[0.0]]),
        (Accuracy(), [[0.0, math.nan]], [[1.0]]),
        (CategoricalAccuracy(), [[math.nan, 0.0]], [[1.0, 0.0]]),
    ):
        assert metric.compute(prediction, target) == 0.0
        assert compiled(metric, prediction, target) == 0.0


# --- options and shapes ---------------------------------------------------------------------------


def test_threshold_for_logits():
    """Of logits, 0.5 is the wrong place to part them; threshold=0.0 is the right one."""
    logits, targets = [[0.3], [-0.3], [2.0]], [[1.0], [0.0], [1.0]]
    assert metric_named("accuracy").compute(logits, targets) == pytest.approx(2 / 3)
    assert Accuracy(threshold=0.0).compute(logits, targets) == 1.0
    assert Recall(threshold=0.0).compute(logits, targets) == 1.0
    assert Recall().compute(logits, targets) == 0.5


def test_exactly_at_the_threshold():
    """An output equal to the threshold says no, as in Keras."""
    assert Accuracy().compute([0.5], [0]) == 1.0


def test_binary_accuracy_of_several_outputs():
    """The share of outputs that are right, row by row."""
    predictions, targets = [[0.9, 0.9, 0.1], [0.1, 0.1, 0.1]], [[1, 0, 0], [0, 0, 0]]
    assert BinaryAccuracy().compute(predictions, targets) == pytest.approx((2 / 3 + 1) / 2)


def test_rows_of_any_kind():
    """Lists, arrays and nodes; one number a row, with or without brackets."""
    for predictions in ([0.9, 0.2], [[0.9], [0.2]], np.array([0.9, 0.2]), [Value(0.9), Value(0.2)]):
        for targets in ([1, 1], np.array([[1], [1]]), [True, True]):
            assert Accuracy().compute(predictions, targets) == 0.5


@pytest.mark.parametrize("metric", [Accuracy(), AUC(), WholeFunction(lambda y, p: 0.0)])
def test_lengths(metric):
    """As many targets as predictions, and at least one."""
    with pytest.raises(LengthError, match="2 predictions and 1 targets"):
        metric.compute([0.1, 0.2], [1.0])
    with pytest.raises(LengthError, match="0 predictions"):
        metric.compute([], [])
    with pytest.raises(LengthError, match="one element for each row"):
        metric.compute(0.5, 1.0)
    with pytest.raises(OperandError, match="'yes'"):
        metric.compute([0.5], ["yes"])


def test_shapes_that_do_not_fit():
    """A metric for another kind of output says so, before training."""
    with pytest.raises(LengthError, match="binary_accuracy"):
        SparseCategoricalAccuracy().statistics([0.5], [1.0])
    with pytest.raises(LengthError, match="1, but got 3"):
        SparseCategoricalAccuracy().statistics([0.5, 0.2, 0.3], [1.0, 0.0, 0.0])
    with pytest.raises(LengthError, match="3, but got 2"):
        Accuracy().statistics([0.5, 0.2, 0.3], [1.0, 0.0])
    with pytest.raises(LengthError, match="2, but got 1"):
        BinaryAccuracy().statistics([0.5, 0.2], [1.0])


# --- where there is nothing to measure ------------------------------------------------------------


def test_undefined(sk):
    """No positives: 0.0, as with zero_division=0. One class only: the AUC is nan."""
    predictions, targets = [[0.9], [0.2]], [[0.0], [0.0]]
    assert Precision().compute(predictions, targets) == 0.0
    assert Recall().compute(predictions, targets) == 0.0
    assert F1Score().compute(predictions, targets) == 0.0
    assert Precision().compute([[0.1]], [[1.0]]) == 0.0  # none said to be positive
    assert F1Score().compute([[0.1]], [[0.0]]) == 0.0
    assert F1Score(average="macro").compute([[math.nan, 1.0]], [[7.0]]) == 0.0
    assert math.isnan(AUC().compute(predictions, targets))
    assert math.isnan(AUC().compute(predictions, [[1.0], [1.0]]))
    assert math.isnan(AUC().compute([[math.nan], [0.2]], [[1.0], [0.0]]))
    assert math.isnan(AUC().compute([[0.1, 0.9]], [1]))


def test_auc_leaves_out_classes_that_do_not_occur():
    """A class without a row has no curve; the others are averaged."""
    predictions = [[0.8, 0.1, 0.1], [0.3, 0.6, 0.1], [0.5, 0.4, 0.1]]
    assert AUC().compute(predictions, [0, 1, 0]) == 1.0


@pytest.mark.parametrize("y", [0.0, 0.5, 0.1, 1e8 / 3])
def test_r2_of_targets_that_are_all_equal(sk, y):
    """1.0 if hit exactly, else 0.0, as in scikit-learn; rounding makes no variance."""
    targets, off = [y] * 7, [y + 0.5] * 7
    assert R2Score().compute(targets, targets) == 1.0
    assert R2Score().compute(off, targets) == 0.0
    if y in (0.0, 0.5):  # of the others scikit-learn's own mean is not exact, and it gives -1e16
        assert sk.r2_score(targets, targets) == 1.0
        assert sk.r2_score(targets, off) == 0.0


# --- names and functions --------------------------------------------------------------------------


def test_names():
    """Keras's names in any capitals; the metric bears the name as written."""
    for written, kind in {
        "acc": Accuracy,
        "Accuracy": Accuracy,
        "AUC": AUC,
        "MAE": MeanAbsoluteError,
        "F1Score": F1Score,
        "r2_score": R2Score,
        "TopKCategoricalAccuracy": TopKCategoricalAccuracy,
        "top-2": TopKCategoricalAccuracy,
    }.items():
        found = metric_named(written)
        assert isinstance(found, kind)
        assert found.name == written
    assert metric_named("top_3").k == 3
    assert metric_named(AUC) == AUC()
    assert metric_named(Precision(0.3)) == Precision(threshold=0.3)


def test_names_there_are_not():
    """An unknown name lists those there are; options and kinds are checked."""
    with pytest.raises(UnknownNameError, match=r"unknown metric 'akkuracy'.*accuracy, acc"):
        metric_named("akkuracy")
    with pytest.raises(TypeError, match=r"y_true, y_pred\), but got 3"):
        metric_named(3)
    with pytest.raises(HyperparameterError, match="whole number from 1, but got 0"):
        metric_named("top-0")
    with pytest.raises(UnknownNameError, match="'weighted'"):
        Precision(average="weighted")


def test_a_function_of_arrays(sk):
    """(y_true, y_pred), as in Keras and scikit-learn; results for each row are averaged."""
    metric = metric_named(sk.max_error)
    assert isinstance(metric, WholeMetric)
    assert metric.name == "max_error"
    assert metric.compute([[1.0], [5.0]], [[2.0], [2.0]]) == 3.0

    def error(y_true, y_pred, factor=1.0):
        assert y_true.shape == y_pred.shape == (2, 2)
        return factor * np.mean(y_true - y_pred, axis=1)

    ps, ys = [[1.0, 2.0], [3.0, 4.0]], [[2.0, 3.0], [3.0, 6.0]]
    assert metric_named(error).compute(ps, ys) == 1.0
    assert metric_named(partial(error, factor=2.0)).compute(ps, ys) == 2.0
    assert metric_named(partial(error, factor=2.0)).name == "error"


def test_losses():
    """A loss by name, itself, or with its options is a metric of predictions and targets."""
    predictions, targets = [[0.9, 0.1], [0.4, 0.6]], [[0.0], [0.0]]
    expected = -(math.log(0.9) + math.log(0.4)) / 2
    for written in ("sparse_categorical_crossentropy", sparse_categorical_cross_entropy):
        metric = metric_named(written)
        assert metric.name == getattr(written, "__name__", written)
        assert metric.compute(predictions, targets) == pytest.approx(expected, rel=1e-14)
        assert compiled(metric, predictions, targets) == pytest.approx(expected, rel=1e-12)
    half = metric_named(partial(huber, delta=0.5))
    assert half.compute([[2.0]], [[0.0]]) == pytest.approx(0.875)


def test_a_function_of_a_row():
    """A function of one row is averaged, and can be compiled."""
    within = RowMetric(lambda p, y: where(abs(p[0] - y[0]) < 1.0, 1.0, 0.0), "within_one")
    predictions, targets = [[1.0], [2.0], [3.0]], [[1.5], [4.0], [3.1]]
    assert metric_named(within) is within
    assert within.compute(predictions, targets) == pytest.approx(2 / 3, rel=1e-15)
    assert compiled(within, predictions, targets) == pytest.approx(2 / 3, rel=1e-15)


def test_pickle():
    """A model keeps its metrics when it is pickled."""
    for metric in METRICS.values():
        assert pickle.loads(pickle.dumps(metric)) == metric
