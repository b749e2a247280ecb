"""Loops as text: what a report of a compiled function shows."""

import math

import numpy as np
import pytest

from autograd import jit
from autograd.compiler.loops import BUFFERS, ONCE, ROWS, SPACE, Access, Loop

TABLE = np.array([0, 2])
ACCESSES = {
    "once[0]": Access(ONCE * SPACE),
    "rows[7]": Access(ROWS * SPACE + 7, ()),
    "buffer0[3 + 1i]": Access(BUFFERS * SPACE + 3, (1,)),
    "buffer2[0 + 5i + -1k]": Access((BUFFERS + 2) * SPACE, (5, 0, -1)),
    "once[1 + 1i + 2j + 3k + 4u + 5v]": Access(1, (1, 2, 3, 4, 5)),
    "once[4 + table]": Access(4, (0,), TABLE),
    "-0.5": Access(literal=-0.5),
    "nan": Access(literal=math.nan),
}


@pytest.mark.parametrize("text", ACCESSES)
def test_a_place_is_shown(text: str) -> None:
    """Its space, the place in it, and what each loop adds; or the number that stands there."""
    assert str(ACCESSES[text]) == text


A, B, C = Access(0, (1,)), Access(BUFFERS * SPACE, (1,)), Access(literal=2.0)
LOOPS = {
    "1: once[0 + 1i] = exp(buffer0[0 + 1i])": Loop("exp", (), (), A, (B,), None, False),
    "3 x 4: once[0 + 1i] = mul(buffer0[0 + 1i], 2.0)": Loop(
        "mul", (3, 4), (), A, (B, C), None, False
    ),
    "5 sums of 6 x 7: once[0 + 1i] = inner(buffer0[0 + 1i], 2.0)": Loop(
        "inner", (5,), (6, 7), A, (B, C), 0.0, False
    ),
    "5 sums of 1: once[0 + 1i] = inner(buffer0[0 + 1i], 2.0) + its own": Loop(
        "inner", (5,), (), A, (B, C), None, False
    ),
    "1 sums of 2: once[0 + 1i] = mean_over_rows(buffer0[0 + 1i], 2.0)": Loop(
        "mean_over_rows", (), (2,), A, (B, C), 0.0, True
    ),
}


@pytest.mark.parametrize("text", LOOPS)
def test_a_loop_is_shown(text: str) -> None:
    """How often it runs, how long its sums are, and what it computes from what."""
    assert str(LOOPS[text]) == text
    assert LOOPS[text].is_sum == ("sums" in text)


def test_a_report_is_shown_line_by_line() -> None:
    """The instructions and the milliseconds of each pass, the latter one to a line, then loops."""
    f = jit(lambda x: x * 3.0 + 1.0, exact=True)
    f(1.0)
    report = f.explain()._replace(seconds={"trace": 0.25, "llvm": 1.0}, instructions={"fuse": 12})
    assert str(report).split("\n", 6)[:6] == [
        "instructions after",
        "  fuse                 12",
        "time",
        "  trace             250.0 ms",
        "  llvm             1000.0 ms",
        "loops",
    ]
    two = report._replace(instructions={"trace": 3, "roll (loops)": 2})
    assert str(two).startswith("instructions after\n  trace                 3\n  roll (loops)  ")
    assert str(report).endswith(report.loops)
