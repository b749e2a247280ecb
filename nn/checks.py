"""What a loss takes: rows of predictions and targets that fit, and targets it is defined for.

A number that is not known yet, as in a function that is being compiled, passes every check.
"""

from collections.abc import Callable, Iterable
from typing import Any

from autograd import LengthError, OperandError, Traced, Value
from nn.errors import TargetError

_ROUNDING = 1e-5  # how far from 1 the probabilities of a row may add up to: float32 rounds


def rows_of(predictions: Any, targets: Any) -> list[tuple[list[Any], list[Any]]]:
    """Each row of predictions with its row of targets, plain floats (or traced)."""
    ps, ys = _list(predictions), _list(targets)
    if len(ps) != len(ys):
        raise LengthError(
            f"expected one target for each prediction, "
            f"but got {len(ps)} predictions and {len(ys)} targets"
        )
    if not ps:
        raise LengthError("a loss needs at least one prediction, but got none")
    rows = zip(ps, ys, strict=True)
    return [(_as_row(p), [_target(b) for b in _as_row(y)]) for p, y in rows]


def pairs_of(predictions: list[Any], targets: list[Any]) -> list[tuple[Any, Any]]:
    """The numbers of one row, each prediction with its target."""
    if len(predictions) != len(targets):
        raise LengthError(
            f"expected a target like its prediction, but the prediction has {len(predictions)} "
            f"numbers and the target {len(targets)}"
        )
    return list(zip(predictions, targets, strict=True))


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


def call_loss(loss: Callable[[Any, Any], Any], predictions: Any, targets: Any) -> Any:
    """What a loss of one's own gives for some rows.

    Raises TypeError, which says how a loss is written, for a mistake of types, or no number.
    """
    name = getattr(loss, "__name__", type(loss).__name__)
    try:
        found = loss(predictions, targets)
    except (TypeError, AttributeError, IndexError) as error:
        in_rows = _in_rows(predictions)
        one = "(a - b) ** 2" if in_rows else "(p - t) ** 2"
        each = "for p, t in zip(predictions, targets)" + " for a, b in zip(p, t)" * in_rows
        raise TypeError(
            f"the loss {name} failed ({type(error).__name__}: {error}); expected a function of two "
            f"lists, the predictions and the targets of some rows, such as {_shown(predictions)} "
            f"and {_shown(targets)}, that gives one number, as autograd.mean([{one} {each}]) does"
        ) from error
    if not isinstance(found, Traced):
        try:
            node(found)
        except OperandError:
            raise TypeError(
                f"expected the loss {name} to give one number for a batch, but got {found!r:.80} "
                f"({type(found).__name__}); give the mean over the rows, as by autograd.mean"
            ) from None
    return found


def node(x: Any) -> Value:
    """A loss, which is a plain number if it depends on no parameter."""
    return x if isinstance(x, Value) else Value(x)


def _in_rows(numbers: Any) -> bool:
    return isinstance(numbers, list) and bool(numbers) and isinstance(numbers[0], list)


def _shown(numbers: Any) -> str:
    """A list of numbers, or of rows of them, shortly; what a compiler is tracing is an x."""
    if _in_rows(numbers):
        return f"[{_shown(numbers[0])}]"
    if not isinstance(numbers, list):
        return f"{numbers!r:.40}"
    known = [x.data if isinstance(x, Value) else x for x in numbers[:3]]
    texts = [
        f"{x:.3g}"
        if isinstance(x, (float, int))
        else "x"
        if isinstance(x, Traced)
        else f"{x!r:.40}"
        for x in known
    ]
    return f"[{', '.join(texts + ['...'] * (len(numbers) > 3))}]"


def check(xs: list[Any], fits: Callable[[Any], bool], expected: str, remedy: str = "") -> None:
    """Raise TargetError for a number that does not fit."""
    for x in xs:
        if isinstance(x, (float, int, Value)) and not fits(x):
            raise TargetError(f"{expected}, but got {x!r}" + (f"; {remedy}" if remedy else ""))


def check_probabilities(name: str, predictions: list[Any], remedy: str) -> None:
    """Raise TargetError for a prediction outside [0, 1]; nan passes: training stops at it."""
    message = f"{name} expected probabilities between 0 and 1"
    check(predictions, lambda p: not (p < 0.0 or p > 1.0), message, remedy)


def check_distribution(name: str, predictions: list[Any], targets: list[Any]) -> None:
    """Raise TargetError unless the target is a row of probabilities, one for each prediction."""
    if len(targets) == 1 < len(predictions):
        raise TargetError(
            f"{name} expected a target for each of {len(predictions)} outputs, 1 for the class and "
            f"0 for the others, but got {targets}; an index of the class goes with "
            "sparse_categorical_cross_entropy"
        )
    pairs_of(predictions, targets)
    if any(isinstance(y, Traced) for y in targets):
        return
    if not (all(y >= 0.0 for y in targets) and abs(sum(targets) - 1.0) <= _ROUNDING):
        raise TargetError(
            f"{name} expected a target of probabilities that add up to 1, such as one-hot rows, "
            f"but got {targets!r:.80}"
        )
