"""detect_anomaly and find_anomaly: the first number, or gradient, that turned nan or infinite.

The engine computes on with nan and inf, as IEEE 754 has it. Inside the block it tells a `Watch`
(watch.py) of every node, and of every backward pass before it begins; outside, it knows nothing of
this. causes.py knows why a primitive gives nan or inf, report.py puts what was found into words,
rerun.py looks into compiled code.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from autograd import modes
from autograd.errors import OperandError
from autograd.value import Value

if TYPE_CHECKING:
    from autograd.anomaly.watch import Anomaly


@contextmanager
def detect_anomaly(*, nan: bool = True, inf: bool = True) -> Iterator[None]:
    """Inside, the first number or gradient that turns nan or infinite raises AnomalyError.

    nan, inf: which of the two to look for; neither switches an outer block off. Every nan is one;
        an infinity is, if it was made of finite numbers: a mask of -inf is taken as meant.
    The error says which operation, at what operands, why, on which line of yours, and what to do.
    Compiled functions and trainings that give nan or inf are run again, eagerly, to find it.
    Holds for this thread (or asyncio task). Decorates plain functions: @detect_anomaly().
    """
    from autograd.anomaly.watch import Watch

    with modes.watching(Watch(nan, inf) if nan or inf else None):
        yield


def stop_at_anomaly(loss: Callable[..., Any], data: Sequence[Any], rows: Iterable[int]) -> None:
    """For training loops of one's own that met nan or inf: inside `detect_anomaly`, say where.

    loss: of one row of each of the data, arrays [rows, ...]. These rows are run again, eagerly.
    Raises AnomalyError for the first whose loss, or a gradient of it, turns nan or infinite;
    outside of such a block nothing is done.
    """
    if modes.open_blocks and (watch := modes.watcher()) is not None:
        watch.diverged(loss, data, set(range(len(data))), rows, "float64")


def find_anomaly(root: Value, *, nan: bool = True, inf: bool = True) -> "Anomaly | None":
    """Where nan or inf first came up: a number behind `root`, else a gradient of root.backward().

    Of a graph that is there, as it was computed; None if all is well. Print it. Inside (or after)
    `record_sources()` it says the line. What `where` did not take is no anomaly.
    nan, inf: as for `detect_anomaly`. Raises OperandError if the root is not a Value.
    """
    from autograd.anomaly.watch import Look

    if not isinstance(root, Value):
        raise OperandError(
            f"find_anomaly expected a Value, such as a loss, but got {root!r:.80} "
            f"({type(root).__name__})"
        )
    look = Look(nan, inf)
    return look.forward(root) or look.backward(root, 1.0)
