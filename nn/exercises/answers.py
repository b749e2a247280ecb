"""What a check gives, and how answers are read, compared and kept from running for ever."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import isclose, isnan
from typing import Any

from autograd import Value

MOST_STEPS = 300_000  # of the interpreter for one small case; a right answer takes a thousand


@dataclass(frozen=True, repr=False)
class Verdict:
    """What a check found; Jupyter shows it, with the picture.

    passed: None as long as there is no answer. picture: of the graph where the answer is wrong.
    """

    passed: bool | None
    text: str
    picture: Any = None

    def __repr__(self) -> str:
        return self.text

    def _ipython_display_(self) -> None:
        print(self.text)
        if self.picture is not None:
            from IPython.display import display

            display(self.picture)  # type: ignore[no-untyped-call]


UNANSWERED = Verdict(None, "not answered yet")


def check_number(answer: Any, right: Any, hint: str) -> Verdict:
    """Whether a number (or each of several) is right; the hint is for an answer that is not."""
    if is_blank(answer):
        return UNANSWERED
    given, expected = floats(answer), floats(right)
    if len(given) != len(expected):
        return Verdict(False, f"not yet: {len(expected)} numbers are asked for, not {len(given)}")
    if all(map(same, given, expected)):
        return Verdict(True, "right!")
    return Verdict(False, f"not yet. {hint}")


def items(x: Any) -> list[Any]:
    return list(x) if isinstance(x, (list, tuple)) else [x]


def is_blank(answer: Any) -> bool:
    return any(x is ... or x is None for x in items(answer))


def floats(x: Any) -> list[float]:
    return [float(y.data) if isinstance(y, Value) else float(y) for y in items(x)]


def same(expected: float, given: float) -> bool:
    if isnan(expected):
        return isnan(given)
    return isclose(expected, given, rel_tol=1e-6, abs_tol=1e-9)


def short(x: Any) -> str:
    return f"{x:.6g}" if isinstance(x, float) else str(x).replace("'", "")


class TooLongError(Exception):
    """It took more steps than any right answer needs."""


@contextmanager
def at_most(steps: int) -> Iterator[None]:
    """Stops a loop without end, which would otherwise stop the notebook."""
    left = steps

    def count(frame: Any, event: str, argument: Any) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise TooLongError(f"stopped after {steps:,} steps; is there a loop without end?")
        frame.f_trace_opcodes = True  # a loop may stand on one line
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        yield
    finally:
        sys.settrace(before)
