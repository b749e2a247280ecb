"""What training makes small: the mean over the samples of how wrong a prediction is."""

from collections.abc import Iterable
from typing import Any

from autograd import (
    LengthError,
    OperandError,
    Traced,
    Value,
    clip,
    log,
    mean,
    relu,
    softplus,
    square,
)
from nn.errors import TargetError


def mse(predictions: Any, targets: Any) -> Any:
    """Mean squared error: the mean of (prediction - target)^2.

    predictions, targets: [rows], or [rows, n_out] with the mean over all numbers.
    Raises LengthError if they differ in length or there are none.
    """
    return _mean([square(p - y) for p, y in _pairs(predictions, targets)])


def binary_cross_entropy(
    predictions: Any, targets: Any, *, from_logits: bool = False, epsilon: float = 1e-7
) -> Any:
    """Minus the mean log-likelihood of targets in [0, 1]: -(y log p + (1 - y) log(1 - p)).

    predictions: [rows] probabilities, or with from_logits=True the z of p = sigmoid(z), which is
    exact for every z. A probability is first clipped to [epsilon, 1 - epsilon], so that a certain
    and wrong one costs -log(epsilon) = 16.1 and not infinity; beyond that it gets no gradient.
    Raises TargetError if a target or a probability is outside [0, 1], LengthError as `mse` does.
    """
    pairs = _pairs(predictions, targets)
    for _, y in pairs:
        if not isinstance(y, Traced) and not 0.0 <= y <= 1.0:
            raise TargetError(
                f"binary cross-entropy expected targets between 0 and 1, but got {y!r}"
            )
    if from_logits:
        return _mean([softplus(z) - z * y for z, y in pairs])
    losses = []
    for p, y in pairs:
        if not isinstance(p, Traced) and (p < 0.0 or p > 1.0):
            raise TargetError(
                f"binary cross-entropy expected probabilities between 0 and 1, but got {p!r}; give "
                "the last layer a sigmoid, or pass from_logits=True if these are logits"
            )
        q = clip(p, epsilon, 1.0 - epsilon)
        losses.append(-(log(q) * y + log(1.0 - q) * (1.0 - y)))
    return _mean(losses)


def hinge(predictions: Any, targets: Any) -> Any:
    """The mean of max(0, 1 - target * prediction), with targets -1 and +1.

    Zero once each prediction has the target's sign and is at least 1 in size.
    Raises TargetError if a target is neither -1 nor +1, LengthError as `mse` does.
    """
    pairs = _pairs(predictions, targets)
    for _, y in pairs:
        if not isinstance(y, Traced) and y not in (1.0, -1.0):
            raise TargetError(
                f"hinge loss expected targets -1 or +1, but got {y!r}; "
                "labels 0 and 1 become them by 2 * y - 1"
            )
    return _mean([relu(1.0 - p * y) for p, y in pairs])


def _pairs(predictions: Any, targets: Any) -> list[tuple[Any, Any]]:
    """Each prediction with its target, a plain float (or traced); rows are laid end to end."""
    ps, ys = _list(predictions), _list(targets)
    if len(ps) != len(ys):
        raise LengthError(
            f"expected one target for each prediction, "
            f"but got {len(ps)} predictions and {len(ys)} targets"
        )
    if not ps:
        raise LengthError("a loss needs at least one prediction, but got none")
    pairs = []
    for p, y in zip(ps, ys, strict=True):
        p_row, y_row = (_as_row(x) for x in (p, y))
        if len(p_row) != len(y_row):
            raise LengthError(
                f"expected a target like its prediction, but the prediction has {len(p_row)} "
                f"numbers and the target {len(y_row)}"
            )
        pairs += [(a, _target(b)) for a, b in zip(p_row, y_row, strict=True)]
    return pairs


def _as_row(x: Any) -> list[Any]:
    """A row as it is; one number, as of a model with one output, as a row of one."""
    found = x.tolist() if hasattr(x, "tolist") else x
    return list(found) if isinstance(found, (list, tuple)) else [found]


def _target(y: Any) -> Any:
    if isinstance(y, Value):
        raise OperandError(
            f"expected targets that are plain numbers, but got {y!r}; "
            "predictions come first, targets second"
        )
    return y if type(y) is float or isinstance(y, Traced) else Value(y).data


def _list(xs: Iterable[Any]) -> list[Any]:
    found = xs.tolist() if hasattr(xs, "tolist") else xs
    if not isinstance(found, (list, tuple)):
        raise LengthError(
            f"a loss takes a list of predictions and one of targets, but got {found!r:.80}; "
            "put a single one into a list, as in mse([model(x)], [y])"
        )
    return list(found)


def _mean(losses: list[Any]) -> Any:
    """The mean, without a node for the mean of one."""
    return losses[0] if len(losses) == 1 else mean(losses)
