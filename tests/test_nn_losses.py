"""Losses: their formulas, their gradients, what they refuse."""

import math
from random import Random

import pytest

import autograd
from autograd import LengthError, OperandError, Value
from nn import TargetError, binary_cross_entropy, hinge, mse


def from_logits(predictions, targets):
    return binary_cross_entropy(predictions, targets, from_logits=True)


def plain_mse(p, y):
    return (p - y) ** 2


def plain_cross_entropy(p, y):
    return -(y * math.log(p) + (1 - y) * math.log(1 - p))


def plain_from_logits(z, y):
    return plain_cross_entropy(1 / (1 + math.exp(-z)), y)


def plain_hinge(p, y):
    return max(0.0, 1 - y * p)


CASES = [
    (mse, plain_mse, (-3.0, 3.0), [-1.5, 0.0, 2.0]),
    (binary_cross_entropy, plain_cross_entropy, (0.01, 0.99), [0.0, 1.0, 0.3]),
    (from_logits, plain_from_logits, (-5.0, 5.0), [0.0, 1.0, 0.3]),
    (hinge, plain_hinge, (-3.0, 3.0), [-1.0, 1.0]),
]


@pytest.mark.parametrize(("loss", "plain", "between", "targets"), CASES)
def test_the_formula(loss, plain, between, targets):
    """The loss is the mean of the textbook formula, for Values and for floats alike."""
    rng = Random(0)
    ps = [rng.uniform(*between) for _ in range(12)]
    ys = [rng.choice(targets) for _ in ps]
    expected = math.fsum(plain(p, y) for p, y in zip(ps, ys, strict=True)) / 12
    assert loss([Value(p) for p in ps], ys).data == pytest.approx(expected, rel=1e-12)
    assert loss(ps, ys) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("loss", "plain", "between", "targets"), CASES)
def test_the_gradient(loss, plain, between, targets):
    """The gradient with respect to each prediction, by central differences."""
    rng = Random(1)
    ps = [Value(rng.uniform(*between)) for _ in range(8)]
    ys = [rng.choice(targets) for _ in ps]
    loss(ps, ys).backward()
    h = 1e-6
    for p, y in zip(ps, ys, strict=True):
        slope = (plain(p.data + h, y) - plain(p.data - h, y)) / (2 * h) / 8
        assert p.grad == pytest.approx(slope, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("loss", [mse, binary_cross_entropy, from_logits, hinge])
def test_lengths(loss):
    """As many targets as predictions, at least one; a bare number is told to go into a list."""
    with pytest.raises(LengthError, match="2 predictions and 1 targets"):
        loss([Value(0.5), Value(0.5)], [1.0])
    with pytest.raises(LengthError, match="at least one prediction"):
        loss([], [])
    with pytest.raises(LengthError, match="put a single one into a list"):
        loss(Value(0.5), 1.0)


def test_targets_that_are_no_numbers():
    """A target of text is an error that says so."""
    with pytest.raises(OperandError, match="'yes'"):
        mse([Value(1.0)], ["yes"])


def test_rows_of_predictions():
    """mse of [rows, n_out] is the mean over all numbers; a row of another length is an error."""
    predictions = [[Value(1.0), Value(2.0)], [Value(3.0), Value(5.0)]]
    assert mse(predictions, [[1.0, 0.0], [0.0, 4.0]]).data == (0 + 4 + 9 + 1) / 4
    with pytest.raises(LengthError, match="2 numbers and the target 1"):
        mse(predictions, [[1.0, 0.0], [0.0]])


def test_arrays_as_targets():
    """Targets may be a NumPy array, of whole numbers too."""
    np = pytest.importorskip("numpy")
    assert mse([Value(1.0), Value(2.0)], np.array([1, 4])).data == 2.0


@pytest.mark.parametrize("target", [-0.1, 1.1, -1.0, 2, math.nan])
def test_targets_outside_cross_entropy(target):
    """Cross-entropy refuses a target outside [0, 1] and says which."""
    for loss in (binary_cross_entropy, from_logits):
        with pytest.raises(TargetError, match=f"between 0 and 1, but got {float(target)}"):
            loss([Value(0.5), Value(0.5)], [1.0, target])


@pytest.mark.parametrize("probability", [-0.1, 1.1, 7.0])
def test_logits_given_as_probabilities(probability):
    """A prediction outside [0, 1] without from_logits is told of both ways out."""
    with pytest.raises(TargetError, match=r"sigmoid, or pass from_logits=True"):
        binary_cross_entropy([Value(probability)], [1.0])


@pytest.mark.parametrize("target", [0, 0.5, 2.0, math.nan])
def test_targets_outside_hinge(target):
    """Hinge refuses a target that is neither -1 nor +1 and says how to make them."""
    with pytest.raises(TargetError, match=r"-1 or \+1, but got .*2 \* y - 1"):
        hinge([Value(0.5)], [target])


def test_certain_probabilities_are_clipped():
    """p = 0 where 1 was right costs -log(epsilon); p = 1 there costs about nothing; never nan."""
    for p, y in ((0.0, 1.0), (1.0, 0.0)):
        v = Value(p)
        loss = binary_cross_entropy([v], [y])
        loss.backward()
        assert loss.data == pytest.approx(-math.log(1e-7), rel=1e-8)
        assert math.isfinite(v.grad)
        assert binary_cross_entropy([Value(p)], [1.0 - y]).data == pytest.approx(1e-7, rel=1e-6)
        tighter = binary_cross_entropy([Value(p)], [y], epsilon=1e-12).data
        assert tighter == pytest.approx(-math.log(1e-12), rel=1e-4)


@pytest.mark.parametrize("z", [-1000.0, -40.0, 0.0, 40.0, 1000.0])
def test_logits_are_stable(z):
    """From logits there is no overflow: the loss is about |z| on the wrong side, 0 on the right."""
    for y in (0.0, 1.0):
        v = Value(z)
        loss = from_logits([v], [y])
        loss.backward()
        wrong = (z > 0) != (y > 0)
        expected = math.log(2) if z == 0 else (abs(z) if wrong else 0.0)
        assert loss.data == pytest.approx(expected, rel=1e-14, abs=1e-15)
        assert v.grad == pytest.approx(autograd.sigmoid(z) - y, abs=1e-15)


def test_both_cross_entropies_agree():
    """sigmoid and then probabilities, or logits at once: the same loss and gradient."""
    for z in (-6.0, -0.5, 0.0, 2.0, 9.0):
        for y in (0.0, 0.25, 1.0):
            a, b = Value(z), Value(z)
            one, other = binary_cross_entropy([a.sigmoid()], [y]), from_logits([b], [y])
            one.backward()
            other.backward()
            assert one.data == pytest.approx(other.data, rel=1e-10)
            assert a.grad == pytest.approx(b.grad, rel=1e-9, abs=1e-14)


def test_a_nan_prediction_gives_a_nan_loss():
    """nan is neither refused nor hidden: the training loop is the one to stop at it."""
    for loss in (mse, binary_cross_entropy, from_logits, hinge):
        assert math.isnan(loss([Value(math.nan)], [1.0]).data)


def test_a_column_of_targets_fits_a_model_with_one_output():
    """Targets [rows, 1], as PyTorch and Keras have them, are those of [rows]."""
    predictions = [Value(1.0), Value(2.0)]
    for loss in (mse, binary_cross_entropy, hinge):
        ps = [p * 0.5 for p in predictions]
        assert loss(ps, [[1.0], [1.0]]).data == loss(ps, [1.0, 1.0]).data
    with pytest.raises(LengthError, match="1 numbers and the target 2"):
        mse(predictions, [[1.0, 0.0], [0.0, 1.0]])
    with pytest.raises(LengthError, match="2 numbers and the target 1"):
        mse([predictions, predictions], [1.0, 0.0])


def test_swapped_arguments_are_told():
    """Nodes as targets: the message says which comes first."""
    with pytest.raises(OperandError, match="predictions come first"):
        mse([1.0], [Value(1.0)])
