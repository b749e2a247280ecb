"""What training makes small: the mean over the samples of how wrong a prediction is.

Each formula is written for ONE ROW, the numbers of one sample; `@_mean_over_rows` makes it a loss.
A loss takes predictions [rows, n_out], or [rows] of a model with one output, and targets likewise,
as plain numbers. It raises LengthError if they differ in length or there are none, and OperandError
if a target is not a number. Predictions that are floats give a float, nodes a node.
"""

from collections.abc import Callable
from functools import reduce, wraps
from typing import Any, TypeVar, cast

from autograd import abs as absolute
from autograd import (
    clip,
    dot,
    log,
    logsumexp,
    maximum,
    mean,
    minimum,
    relu,
    softplus,
    sqrt,
    square,
    take,
    total,
    where,
)
from nn.checks import check, check_distribution, check_probabilities, pairs_of, rows_of
from nn.errors import HyperparameterError, TargetError, UnknownNameError
from nn.traps.logits import look_at_logits

Loss = Callable[..., Any]
"""(predictions, targets) -> the mean over the rows."""
_L = TypeVar("_L", bound=Loss)

EPSILON = 1e-7
"""A probability below this is taken for it before its logarithm: a certain and wrong one costs
-log(epsilon) = 16.1 and not infinity, but gets no gradient. Keras has the same number."""
_SIGMOID, _SOFTMAX = [
    f"give the last layer a {f}, or pass from_logits=True if these are logits"
    for f in ("sigmoid", "softmax")
]


def _mean_over_rows(row_loss: _L) -> _L:
    """A loss of its formula for one row: the mean over the rows, of equal weight."""

    @wraps(row_loss)
    def loss(predictions: Any, targets: Any, **options: Any) -> Any:
        if options.get("from_logits"):
            look_at_logits(predictions)
        return _mean([row_loss(ps, ys, **options) for ps, ys in rows_of(predictions, targets)])

    return cast(_L, loss)


# --- numbers --------------------------------------------------------------------------------------


@_mean_over_rows
def mse(predictions: Any, targets: Any) -> Any:
    """Mean squared error: the mean of (prediction - target)^2."""
    return _mean([square(p - y) for p, y in pairs_of(predictions, targets)])


@_mean_over_rows
def half_mse(predictions: Any, targets: Any) -> Any:
    """Half the sum over the outputs of (prediction - target)^2: its slope is the error itself."""
    return 0.5 * total([square(p - y) for p, y in pairs_of(predictions, targets)])


@_mean_over_rows
def mae(predictions: Any, targets: Any) -> Any:
    """Mean absolute error: the mean of |prediction - target|."""
    return _mean([absolute(p - y) for p, y in pairs_of(predictions, targets)])


@_mean_over_rows
def huber(predictions: Any, targets: Any, *, delta: float = 1.0) -> Any:
    """The mean of error^2 / 2 up to |error| = delta, and from there on a straight line.

    Huber 1964, doi:10.1214/aoms/1177703732. Raises HyperparameterError unless delta is above 0.
    """
    if not delta > 0.0:
        raise HyperparameterError(f"huber expected a delta above 0, but got {delta!r}")
    losses = []
    for p, y in pairs_of(predictions, targets):
        error = absolute(p - y)
        bent = minimum(error, delta)
        losses.append(bent * (error - 0.5 * bent))  # both pieces in one formula, smooth in between
    return _mean(losses)


@_mean_over_rows
def poisson(predictions: Any, targets: Any, *, epsilon: float = EPSILON) -> Any:
    """The mean of p - y log(p + epsilon): counts y >= 0 that are expected to be p >= 0.

    Minus the Poisson log-likelihood, less what does not depend on p.
    Raises TargetError if a target or a prediction is below 0.
    """
    pairs = pairs_of(predictions, targets)
    check(targets, lambda y: y >= 0.0, "poisson expected targets that are counts from 0")
    message = "poisson expected predictions from 0"
    check(predictions, lambda p: not p < 0.0, message, "give the last layer a softplus")
    return _mean([p - y * log(p + epsilon) for p, y in pairs])


@_mean_over_rows
def cosine_similarity(predictions: Any, targets: Any, *, epsilon: float = EPSILON) -> Any:
    """Minus the cosine of the angle between prediction and target: -1 where they point one way.

    0 where one of them is all zeros: a length below epsilon is taken for epsilon.
    """
    pairs_of(predictions, targets)
    size = _length(predictions, epsilon) * _length(targets, epsilon)
    return -dot(predictions, targets) / size


# --- two classes ----------------------------------------------------------------------------------


@_mean_over_rows
def binary_cross_entropy(
    predictions: Any, targets: Any, *, from_logits: bool = False, epsilon: float = EPSILON
) -> Any:
    """Minus the mean log-likelihood of targets in [0, 1]: -(y log p + (1 - y) log(1 - p)).

    predictions: probabilities, or with from_logits=True the z of p = sigmoid(z), which is exact for
    every z. A probability is first clipped to [epsilon, 1 - epsilon] (see EPSILON).
    Raises TargetError if a target or a probability is outside [0, 1].
    """
    pairs = pairs_of(predictions, targets)
    message = "binary cross-entropy expected targets between 0 and 1"
    check(targets, lambda y: 0.0 <= y <= 1.0, message)
    if from_logits:
        return _mean([softplus(z) - z * y for z, y in pairs])
    check_probabilities("binary cross-entropy", predictions, _SIGMOID)
    losses = []
    for p, y in pairs:
        q = clip(p, epsilon, 1.0 - epsilon)
        losses.append(-(log(q) * y + log(1.0 - q) * (1.0 - y)))
    return _mean(losses)


@_mean_over_rows
def hinge(predictions: Any, targets: Any) -> Any:
    """The mean of max(0, 1 - target * prediction), with targets -1 and +1.

    Zero once each prediction has the target's sign and is at least 1 in size.
    Raises TargetError if a target is neither -1 nor +1.
    """
    return _mean(_margins_missed("hinge", predictions, targets))


@_mean_over_rows
def squared_hinge(predictions: Any, targets: Any) -> Any:
    """The mean of max(0, 1 - target * prediction)^2; as `hinge`, but smooth."""
    return _mean([square(m) for m in _margins_missed("squared hinge", predictions, targets)])


# --- several classes ------------------------------------------------------------------------------


@_mean_over_rows
def categorical_cross_entropy(
    predictions: Any, targets: Any, *, from_logits: bool = False, epsilon: float = EPSILON
) -> Any:
    """Minus the log-likelihood of a class, one output for each: -sum of y log p.

    targets: rows of probabilities, or one-hot: 1 for the class and 0 for the others.
    predictions: the probabilities, which are divided by their sum first (that changes nothing after
    a softmax, and is what makes sigmoids learn), or with from_logits=True the z of softmax(z).
    Raises TargetError if a target is not a row of probabilities that add up to 1, or a prediction
    is outside [0, 1].
    """
    name = "categorical cross-entropy"
    check_distribution(name, predictions, targets)
    if from_logits:
        top = logsumexp(predictions)
        return dot([top - z for z in predictions], targets)
    check_probabilities(name, predictions, _SOFTMAX)
    whole = total(predictions)
    return -dot([log(maximum(p / whole, epsilon)) for p in predictions], targets)


@_mean_over_rows
def sparse_categorical_cross_entropy(
    predictions: Any, targets: Any, *, from_logits: bool = False, epsilon: float = EPSILON
) -> Any:
    """`categorical_cross_entropy` with the index of the class, from 0, as the target [rows].

    Raises TargetError if it is not the index of an output, or a probability is outside [0, 1].
    """
    name = "sparse categorical cross-entropy"
    if len(targets) != 1:
        raise TargetError(
            f"{name} expected the index of one class for each row, but got a row of "
            f"{len(targets)} numbers; one-hot rows go with categorical_cross_entropy"
        )
    n = len(predictions)
    check(
        targets,
        lambda y: 0.0 <= y < n and y == int(y),
        f"{name} expected the index of one of {n} outputs, a whole number from 0 to {n - 1}",
        "count the classes from 0, and give the last layer one unit for each",
    )
    (label,) = targets
    if from_logits:
        return logsumexp(predictions) - take(predictions, label)
    check_probabilities(name, predictions, _SOFTMAX)
    return -log(maximum(take(predictions, label) / total(predictions), epsilon))


@_mean_over_rows
def categorical_hinge(predictions: Any, targets: Any) -> Any:
    """max(0, 1 + the largest of (1 - y) p - the sum of y p), with one-hot targets.

    As Keras has it: the class itself counts among the others with a score of 0.
    Raises TargetError if a target is not one-hot, or a row of probabilities that add up to 1.
    """
    check_distribution("categorical hinge", predictions, targets)
    others = [(1.0 - y) * p for p, y in pairs_of(predictions, targets)]
    return relu(reduce(maximum, others) - dot(predictions, targets) + 1.0)


@_mean_over_rows
def kl_divergence(predictions: Any, targets: Any, *, epsilon: float = EPSILON) -> Any:
    """Kullback-Leibler divergence, the sum of y log(y / p): what is lost by taking p for y.

    Both are rows of probabilities; a y of 0 adds exactly 0. Kullback & Leibler 1951.
    Raises TargetError as `categorical_cross_entropy` does.
    """
    check_distribution("KL divergence", predictions, targets)
    check_probabilities("KL divergence", predictions, "give the last layer a softmax")
    log_targets = [log(where(y > 0.0, y, 1.0)) for y in targets]
    pairs = zip(log_targets, predictions, strict=True)
    return dot([log_y - log(maximum(p, epsilon)) for log_y, p in pairs], targets)


LOSSES: dict[str, Loss] = {
    "mse": mse,
    "MSE": mse,
    "mean_squared_error": mse,
    "half_mse": half_mse,
    "mae": mae,
    "MAE": mae,
    "mean_absolute_error": mae,
    "huber": huber,
    "poisson": poisson,
    "cosine_similarity": cosine_similarity,
    "binary_cross_entropy": binary_cross_entropy,
    "binary_crossentropy": binary_cross_entropy,
    "bce": binary_cross_entropy,
    "hinge": hinge,
    "squared_hinge": squared_hinge,
    "categorical_cross_entropy": categorical_cross_entropy,
    "categorical_crossentropy": categorical_cross_entropy,
    "sparse_categorical_cross_entropy": sparse_categorical_cross_entropy,
    "sparse_categorical_crossentropy": sparse_categorical_cross_entropy,
    "categorical_hinge": categorical_hinge,
    "kl_divergence": kl_divergence,
    "kullback_leibler_divergence": kl_divergence,
    "kld": kl_divergence,
    "KLD": kl_divergence,
}
"""By our names and Keras's."""


def loss_function(loss: str | Loss) -> Loss:
    """The loss of this name; a function of predictions and targets is returned as it is.

    Raises UnknownNameError if there is no such name.
    """
    if callable(loss):
        return loss
    if loss not in LOSSES:
        raise UnknownNameError("loss", loss, LOSSES)
    return LOSSES[loss]


# --- pieces of formulas ---------------------------------------------------------------------------


def _mean(losses: list[Any]) -> Any:
    """The mean, without a node for the mean of one."""
    return losses[0] if len(losses) == 1 else mean(losses)


def _length(xs: list[Any], epsilon: float) -> Any:
    return sqrt(maximum(dot(xs, xs), epsilon**2))


def _margins_missed(name: str, predictions: list[Any], targets: list[Any]) -> list[Any]:
    pairs = pairs_of(predictions, targets)
    remedy = "labels 0 and 1 become them by 2 * y - 1"
    check(targets, lambda y: y in (1.0, -1.0), f"{name} loss expected targets -1 or +1", remedy)
    return [relu(1.0 - p * y) for p, y in pairs]
