"""Losses: their formulas, their gradients, what they refuse. Most tests loop over the table."""

import json
import math
from functools import partial
from pathlib import Path
from random import Random

import pytest

import autograd
from autograd import LengthError, OperandError, Value
from nn import HyperparameterError, TargetError, UnknownNameError
from nn.losses import (
    LOSSES,
    binary_cross_entropy,
    categorical_cross_entropy,
    categorical_hinge,
    cosine_similarity,
    half_mse,
    hinge,
    huber,
    kl_divergence,
    loss_function,
    mse,
    poisson,
    sparse_categorical_cross_entropy,
    squared_hinge,
)

FIGURES = json.loads((Path(__file__).parent / "data" / "losses.json").read_text())["losses"]
N_OUT = 4


def reals(rng):
    return [rng.uniform(-3.0, 3.0) for _ in range(N_OUT)]


def units(rng):
    return [rng.uniform(0.02, 0.98) for _ in range(N_OUT)]


def positives(rng):
    return [rng.uniform(0.1, 5.0) for _ in range(N_OUT)]


def distribution(rng):
    xs = units(rng)
    return [x / sum(xs) for x in xs]


def signs(rng):
    return [rng.choice((-1.0, 1.0)) for _ in range(N_OUT)]


def one_hot(rng):
    return [float(k == i) for i in [rng.randrange(N_OUT)] for k in range(N_OUT)]


def index(rng):
    return float(rng.randrange(N_OUT))


# What predictions and targets a loss is for; one that is not here takes any numbers
TAKES = {
    "poisson": (positives, positives),
    "binary_cross_entropy": (units, units),
    "binary_cross_entropy from logits": (reals, units),
    "hinge": (reals, signs),
    "squared_hinge": (reals, signs),
    "categorical_cross_entropy": (units, distribution),
    "categorical_cross_entropy from logits": (reals, distribution),
    "sparse_categorical_cross_entropy": (units, index),
    "sparse_categorical_cross_entropy from logits": (reals, index),
    "categorical_hinge": (reals, one_hot),
    "kl_divergence": (units, distribution),
}
CASES = {f.__name__: f for f in LOSSES.values()}
for _name in [name.removesuffix(" from logits") for name in TAKES if name.endswith("logits")]:
    CASES[f"{_name} from logits"] = partial(CASES[_name], from_logits=True)
every_loss = pytest.mark.parametrize("name", CASES)


def batch(name, rows=5, seed=0):
    """Random predictions and targets for this loss."""
    rng = Random(seed)
    prediction, target = TAKES.get(name, (reals, reals))
    return [prediction(rng) for _ in range(rows)], [target(rng) for _ in range(rows)]


def extremes(name):
    """The ends of what the loss takes, every prediction with every target."""
    prediction, target = TAKES.get(name, (reals, reals))
    big = [[0.0] * 4, [1000.0, -1000.0, 0.0, 1000.0], [-1000.0] * 4, [1e-200, 0.0, 0.0, 0.0]]
    hot = [[0.0, 1.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]]
    ends = {
        reals: big,
        positives: [[0.0] * 4, [1000.0, 0.0, 1e-200, 1.0]],
        units: [*hot, [1.0] * 4, [1e-200, 1.0, 1e-17, 0.0]],
        signs: [[1.0] * 4, [-1.0] * 4],
        distribution: [*hot, [0.5, 0.0, 0.5, 0.0]],
        one_hot: hot,
        index: [0.0, 1.0, 3.0],
    }
    return [(p, y) for p in ends[prediction] for y in ends[target]]


# --- every loss of the table ----------------------------------------------------------------------


@pytest.mark.parametrize("figure", FIGURES, ids=lambda f: f"{f['loss']} {f['source']}")
def test_figures_of_others(figure):
    """Value and gradient are those of PyTorch or Keras, to 1e-10."""
    loss = partial(LOSSES[figure["loss"]], **figure["options"])
    value, gradient = autograd.value_and_grad(loss)(figure["predictions"], figure["targets"])
    assert value == pytest.approx(figure["value"], rel=1e-10)
    for row, expected in zip(gradient, figure["gradient"], strict=True):
        assert row == pytest.approx(expected, rel=1e-10, abs=1e-14)


@every_loss
def test_there_is_a_figure(name):
    """No loss, from logits or not, is without a figure of somebody else's."""
    known = {f["loss"] + " from logits" * ("from_logits" in f["options"]) for f in FIGURES}
    assert name in known


@every_loss
@pytest.mark.parametrize("seed", range(3))
def test_the_gradient(name, seed):
    """Reverse mode gives the slope of the value (central differences), and so does forward mode."""
    loss = CASES[name]
    ps, ys = batch(name, rows=3, seed=seed)
    gradient = autograd.grad(loss)(ps, ys)
    h = 1e-6
    for i, row in enumerate(ps):
        for j, p in enumerate(row):
            row[j] = p + h
            above = loss(ps, ys)
            row[j] = p - h
            slope = (above - loss(ps, ys)) / (2 * h)
            row[j] = p
            assert gradient[i][j] == pytest.approx(slope, rel=1e-6, abs=1e-8)
    directions = [reals(Random(seed)) for _ in ps]
    value, forward = autograd.jvp(lambda ps: loss(ps, ys), ps, directions)
    terms = [
        g * d for a, b in zip(gradient, directions, strict=True) for g, d in zip(a, b, strict=True)
    ]
    assert value == loss(ps, ys)
    assert forward == pytest.approx(math.fsum(terms), rel=1e-10)


@every_loss
def test_floats_and_nodes_agree(name):
    """Floats give a float, nodes a node, of the same number."""
    ps, ys = batch(name)
    plain = CASES[name](ps, ys)
    node = CASES[name]([[Value(p) for p in row] for row in ps], ys)
    assert type(plain) is float
    assert type(node) is Value
    assert node.data == plain


@every_loss
def test_compiled_equals_eager(name):
    """As machine code, value and gradient are the eager ones to 1e-12, extreme rows included."""

    def of_one_row(p, y):
        return CASES[name]([p], [y])

    eager = autograd.value_and_grad(of_one_row)
    compiled = autograd.jit(eager)
    for p, y in [*zip(*batch(name), strict=True), *extremes(name)]:
        value, gradient = eager(p, y)
        fast_value, fast_gradient = compiled(p, y)
        assert fast_value == pytest.approx(value, rel=1e-12, abs=1e-15)
        assert fast_gradient == pytest.approx(gradient, rel=1e-12, abs=1e-15)


@every_loss
def test_a_batch_is_the_mean_of_its_rows(name):
    """The loss of several rows is the mean of theirs: the compiler relies on it."""
    ps, ys = batch(name, rows=7)
    alone = [CASES[name]([p], [y]) for p, y in zip(ps, ys, strict=True)]
    assert CASES[name](ps, ys) == pytest.approx(math.fsum(alone) / 7, rel=1e-14)


@every_loss
def test_extremes_are_finite(name):
    """Certain and wrong, logits of +-1000, rows of zeros: neither value nor gradient is nan."""
    for p, y in extremes(name):
        value, gradient = autograd.value_and_grad(CASES[name])([p], [y])
        assert math.isfinite(value), (p, y)
        assert all(map(math.isfinite, gradient[0])), (p, y)


@every_loss
def test_a_nan_prediction_gives_a_nan_loss(name):
    """nan is neither refused nor hidden: the training loop is the one to stop at it."""
    ps, ys = batch(name, rows=1)
    place = int(ys[0]) if isinstance(ys[0], float) else 0
    ps[0][place] = math.nan
    assert math.isnan(CASES[name](ps, ys))


@every_loss
def test_lengths(name):
    """As many targets as predictions, at least one; a bare number is told to go into a list."""
    loss = CASES[name]
    ps, ys = batch(name, rows=2)
    with pytest.raises(LengthError, match="2 predictions and 1 targets"):
        loss(ps, ys[:1])
    with pytest.raises(LengthError, match="at least one prediction"):
        loss([], [])
    with pytest.raises(LengthError, match="put a single one into a list"):
        loss(Value(0.5), 1.0)
    with pytest.raises((LengthError, TargetError), match=r"the target 3|but got a row of 3"):
        loss(ps, [[1.0, 0.0, 0.0]] * 2)
    with pytest.raises(OperandError, match="'yes'"):
        loss([[0.5]], ["yes"])
    with pytest.raises(OperandError, match="predictions come first"):
        loss([[0.5]], [[Value(1.0)]])


@every_loss
def test_arrays(name):
    """NumPy arrays, of whole numbers too, are what lists are."""
    np = pytest.importorskip("numpy")
    ps, ys = batch(name)
    assert CASES[name](np.array(ps), np.array(ys)) == CASES[name](ps, ys)
    if TAKES.get(name, (reals, reals))[1] in (signs, one_hot, index):
        assert CASES[name](ps, np.array(ys).astype(int)) == CASES[name](ps, ys)


def test_names():
    """Each loss goes by its own name and by Keras's; another function is left as it is."""
    keras = (
        "mse MSE mean_squared_error mae MAE mean_absolute_error huber binary_crossentropy "
        "categorical_crossentropy sparse_categorical_crossentropy hinge squared_hinge "
        "categorical_hinge kl_divergence kullback_leibler_divergence poisson cosine_similarity"
    )
    assert set(keras.split()) <= set(LOSSES)
    for f in LOSSES.values():
        assert loss_function(f.__name__) is f
        assert loss_function(f) is f
    with pytest.raises(UnknownNameError, match=r"unknown loss 'msee'.*half_mse"):
        loss_function("msee")


# --- targets and predictions that are refused -----------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "prediction", "target", "message"),
    [
        (binary_cross_entropy, 0.5, -0.1, "between 0 and 1, but got -0.1"),
        (binary_cross_entropy, 0.5, math.nan, "between 0 and 1, but got nan"),
        (CASES["binary_cross_entropy from logits"], 0.5, 2, r"between 0 and 1, but got 2\.0"),
        (binary_cross_entropy, -0.1, 1.0, "sigmoid, or pass from_logits=True"),
        (binary_cross_entropy, 1.1, 1.0, "sigmoid, or pass from_logits=True"),
        (hinge, 0.5, 0, r"hinge .* -1 or \+1, but got 0.0; .*2 \* y - 1"),
        (squared_hinge, 0.5, math.nan, r"squared hinge .* -1 or \+1, but got nan"),
        (poisson, 0.5, -1, "counts from 0, but got -1"),
        (poisson, 0.5, math.nan, "counts from 0, but got nan"),
        (poisson, -0.5, 1, "from 0, but got -0.5; .*softplus"),
        (categorical_cross_entropy, [0.5, 0.5], [0.5, 0.4], r"add up to 1.*but got \[0.5, 0.4\]"),
        (categorical_cross_entropy, [0.5, 0.5], [1.5, -0.5], "add up to 1"),
        (categorical_cross_entropy, [0.5, 0.5], [math.nan, 1.0], "add up to 1"),
        (categorical_cross_entropy, [0.5, 0.5], 1, "each of 2 outputs.*sparse_categorical"),
        (categorical_cross_entropy, [2.0, -1.0], [0.0, 1.0], "softmax, or pass from_logits=True"),
        (categorical_hinge, [0.5, 0.5], [1.0, 1.0], "add up to 1"),
        (kl_divergence, [0.5, 0.5], [0.5, 0.6], "add up to 1"),
        (kl_divergence, [0.5, 1.5], [0.5, 0.5], "probabilities .*got 1.5; .* softmax"),
        (sparse_categorical_cross_entropy, [0.5, 0.5], 2, "from 0 to 1, but got 2.0; count .* 0"),
        (sparse_categorical_cross_entropy, [0.5, 0.5], -1, "from 0 to 1, but got -1.0"),
        (sparse_categorical_cross_entropy, [0.5, 0.5], 0.5, "whole number.*but got 0.5"),
        (sparse_categorical_cross_entropy, [0.5, 0.5], math.nan, "but got nan"),
        (sparse_categorical_cross_entropy, [0.5, 0.5], [0.0, 1.0], "one-hot rows go with"),
        (sparse_categorical_cross_entropy, [0.5, 1.5], 0, "softmax, or pass from_logits=True"),
    ],
)
def test_what_is_refused(loss, prediction, target, message):
    """A target or prediction the loss is not defined for is an error that says what to do."""
    with pytest.raises(TargetError, match=message):
        loss([prediction], [target])


def test_a_column_of_targets_fits_a_model_with_one_output():
    """Targets [rows, 1], as PyTorch and Keras have them, are those of [rows]."""
    ps = [Value(0.5), Value(1.0)]
    for loss in (mse, binary_cross_entropy, hinge):
        assert loss(ps, [[1.0], [1.0]]).data == loss(ps, [1.0, 1.0]).data
    with pytest.raises(LengthError, match="1 numbers and the target 2"):
        mse(ps, [[1.0, 0.0], [0.0, 1.0]])
    rows = [[0.5, 0.5], [0.9, 0.1]]
    sparse = sparse_categorical_cross_entropy
    assert sparse(rows, [[1], [0]]) == sparse(rows, [1, 0])


# --- numbers --------------------------------------------------------------------------------------


def test_rows_of_predictions():
    """mse of [rows, n_out] is the mean over all numbers."""
    predictions = [[Value(1.0), Value(2.0)], [Value(3.0), Value(5.0)]]
    assert mse(predictions, [[1.0, 0.0], [0.0, 4.0]]).data == (0 + 4 + 9 + 1) / 4


def test_the_slope_of_half_the_square_is_the_error():
    """half_mse is half the sum over the outputs, so its gradient is p - y."""
    assert half_mse([[3.0, 1.0]], [[1.0, 2.0]]) == (4 + 1) / 2
    assert autograd.grad(half_mse)([[3.0, 1.0]], [[1.0, 2.0]]) == [[2.0, -1.0]]


@pytest.mark.parametrize("delta", [0.5, 1.0, 3.0])
def test_huber_is_a_parabola_and_then_a_line(delta):
    """Up to delta half the square; beyond it slope delta; value and slope go on smoothly."""
    loss = partial(huber, delta=delta)
    for e in (0.0, 0.3 * delta, -0.9 * delta, delta, -delta):
        value, ((slope,),) = autograd.value_and_grad(loss)([[e]], [0.0])
        assert value == pytest.approx(e * e / 2, rel=1e-15)
        assert slope == pytest.approx(e, rel=1e-15)
    value, ((slope,),) = autograd.value_and_grad(loss)([[-10.0]], [0.0])
    assert value == pytest.approx(delta * (10.0 - delta / 2))
    assert slope == -delta


@pytest.mark.parametrize("delta", [0.0, -1.0, math.nan])
def test_hubers_delta(delta):
    """A delta that is not above 0 is refused."""
    with pytest.raises(HyperparameterError, match="above 0"):
        huber([1.0], [2.0], delta=delta)


def test_cosine():
    """-1 along the target, 1 against it, 0 across it and for a row of zeros."""
    ps = [[2.0, 0.0], [-0.1, 0.0], [0.0, 5.0], [0.0, 0.0]]
    assert [cosine_similarity([p], [[3.0, 0.0]]) for p in ps] == [-1.0, 1.0, 0.0, 0.0]
    assert cosine_similarity([[1.0, 2.0]], [[0.0, 0.0]]) == 0.0


# --- probabilities --------------------------------------------------------------------------------


def test_certain_probabilities_are_clipped():
    """p = 0 where 1 was right costs -log(epsilon); p = 1 there costs about nothing; never nan."""
    for p, y in ((0.0, 1.0), (1.0, 0.0)):
        assert binary_cross_entropy([p], [y]) == pytest.approx(-math.log(1e-7), rel=1e-8)
        assert binary_cross_entropy([p], [1.0 - y]) == pytest.approx(1e-7, rel=1e-6)
        tighter = binary_cross_entropy([p], [y], epsilon=1e-12)
        assert tighter == pytest.approx(-math.log(1e-12), rel=1e-4)
    for loss, wrong, right in (
        (categorical_cross_entropy, [1.0, 0.0], [0.0, 1.0]),
        (sparse_categorical_cross_entropy, 0, 1),
        (kl_divergence, [1.0, 0.0], [0.0, 1.0]),
    ):
        assert loss([[0.0, 1.0]], [wrong]) == -math.log(1e-7)
        assert loss([[0.0, 1.0]], [wrong], epsilon=1e-12) == -math.log(1e-12)
        assert loss([[0.0, 1.0]], [right]) == 0.0


@pytest.mark.parametrize("z", [-1000.0, -40.0, 0.0, 40.0, 1000.0])
def test_logits_are_stable(z):
    """From logits there is no overflow: the loss is about |z| on the wrong side, 0 on the right."""
    for y in (0.0, 1.0):
        wrong = (z > 0) != (y > 0)
        expected = math.log(2) if z == 0 else (abs(z) if wrong else 0.0)
        slope = autograd.sigmoid(z) - y
        binary = partial(binary_cross_entropy, from_logits=True)
        value, gradient = autograd.value_and_grad(binary)([z], [y])
        assert value == pytest.approx(expected, rel=1e-14, abs=1e-15)
        assert gradient == pytest.approx([slope], abs=1e-15)
        for loss, target in (
            (sparse_categorical_cross_entropy, 1.0 - y),
            (categorical_cross_entropy, [y, 1.0 - y]),
        ):
            several = partial(loss, from_logits=True)
            value, (gradient,) = autograd.value_and_grad(several)([[z, 0.0]], [target])
            assert value == pytest.approx(expected, rel=1e-14, abs=1e-15)
            assert gradient == pytest.approx([slope, -slope], abs=1e-15)


def test_probabilities_and_logits_agree():
    """sigmoid or softmax and then probabilities, or logits at once: the same loss and gradient."""
    rng = Random(2)
    for loss, squash, make_target in (
        (binary_cross_entropy, lambda zs: [autograd.sigmoid(z) for z in zs], units),
        (categorical_cross_entropy, autograd.softmax, distribution),
        (sparse_categorical_cross_entropy, autograd.softmax, index),
    ):
        zs, ys = [reals(rng) for _ in range(4)], [make_target(rng) for _ in range(4)]

        def of_probabilities(zs, loss=loss, squash=squash, ys=ys):
            return loss([squash(row) for row in zs], ys)

        def of_logits(zs, loss=loss, ys=ys):
            return loss(zs, ys, from_logits=True)

        one, gradient = autograd.value_and_grad(of_probabilities)(zs)
        other, expected = autograd.value_and_grad(of_logits)(zs)
        assert one == pytest.approx(other, rel=1e-13)
        for a, b in zip(gradient, expected, strict=True):
            assert a == pytest.approx(b, rel=1e-11, abs=1e-14)


@pytest.mark.parametrize("from_logits", [False, True])
def test_an_index_is_a_one_hot_row(from_logits):
    """The sparse loss is the other one with the index written out."""
    ps, labels = batch("sparse_categorical_cross_entropy")
    rows = [[float(k == label) for k in range(N_OUT)] for label in labels]
    sparse = sparse_categorical_cross_entropy(ps, labels, from_logits=from_logits)
    dense = categorical_cross_entropy(ps, rows, from_logits=from_logits)
    assert sparse == pytest.approx(dense, rel=1e-15)


def test_predictions_are_divided_by_their_sum():
    """Categorical cross-entropy sees shares: outputs of a sigmoid each, all large, gain nothing."""
    for loss, target in (
        (categorical_cross_entropy, [0.0, 1.0]),
        (sparse_categorical_cross_entropy, 1),
    ):
        assert loss([[0.9, 0.9]], [target]) == pytest.approx(math.log(2), rel=1e-15)


def test_divergence_with_impossible_classes():
    """A class of probability 0 adds nothing to KL, whatever is predicted; KL of equals is 0."""
    assert kl_divergence([[0.5, 0.5, 0.0]], [[1.0, 0.0, 0.0]]) == math.log(2)
    assert autograd.grad(kl_divergence)([[0.5, 0.5, 0.0]], [[1.0, 0.0, 0.0]]) == [[-2.0, 0.0, 0.0]]
    for row in ([0.2, 0.3, 0.5], [1.0, 0.0, 0.0]):
        assert kl_divergence([row], [row]) == 0.0
