"""Loops: a tape rolled, as data. What rolling gives and what is made into machine code."""

from typing import Any, NamedTuple

import numpy as np

Ints = np.ndarray[Any, np.dtype[np.int64]]

SPACE = 1 << 40  # an address is the number of its space times this, plus the place in it
# The spaces: numbers that are one for all rows; numbers of which each row has its own; then the
# buffers of inputs, and those of outputs
ONCE, ROWS, BUFFERS = 0, 1, 2


class Access(NamedTuple):
    """Where an operand lies: at address + the sum of stride times loop index.

    strides: one for each loop, first those over members, then those over terms.
    table: what to add for each member (and term), where strides do not say it: [members] or
        [members, terms].
    literal: the number itself, in place of an address.
    """

    address: int = 0
    strides: tuple[int, ...] = ()
    table: Ints | None = None
    literal: float | None = None

    def __str__(self) -> str:
        if self.literal is not None:
            return repr(self.literal)
        space, place = divmod(self.address, SPACE)
        name = {ONCE: "once", ROWS: "rows"}.get(space, f"buffer{space - BUFFERS}")
        steps = "".join(f" + {s}{x}" for s, x in zip(self.strides, "ijkuv", strict=False) if s)
        return f"{name}[{place}{steps}{' + table' if self.table is not None else ''}]"


class Loop(NamedTuple):
    """One operation, for all members of a (part of a) group.

    members: how often each of the nested loops over members runs, the outermost first.
    terms: likewise the loops of a sum of products; of "inner" and "mean_over_rows" alone.
    start: what the sum begins with; None to go on from what is in the result already.
    rows: whether there is a result for each row of a batch.
    """

    op: str
    members: tuple[int, ...]
    terms: tuple[int, ...]
    result: Access
    operands: tuple[Access, ...]
    start: float | None
    rows: bool

    def __str__(self) -> str:
        times = " x ".join(map(str, self.members)) or "1"
        terms = f" sums of {' x '.join(map(str, self.terms)) or 1}" if self.is_sum else ""
        start = " + its own" if self.is_sum and self.start is None else ""
        operands = ", ".join(map(str, self.operands))
        return f"{times}{terms}: {self.result} = {self.op}({operands}){start}"

    @property
    def is_sum(self) -> bool:
        return self.op in ("inner", "mean_over_rows")


class Program(NamedTuple):
    """A rolled tape.

    before, rows, after: the loops to run once, for each block of rows, and once again.
    constants: the first numbers of the space ONCE; after them come the number of rows and one over
        it.
    once, each_row: how many numbers the two spaces hold.
    row_inputs: the buffer, and the place in its rows, of the first numbers of the space ROWS.
    row_outputs: the place in the space ROWS, the buffer, and the place in its rows.
    means: where sums over rows are: addresses, and how many from there on.
    """

    before: list[Loop]
    rows: list[Loop]
    after: list[Loop]
    constants: list[float]
    once: int
    each_row: int
    row_inputs: list[tuple[int, int]]
    row_outputs: list[tuple[int, int, int]]
    means: list[tuple[int, int]]
