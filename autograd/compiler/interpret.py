"""The oracle: runs a tape the slow and obvious way, with the table's own functions on floats.

Every pass of the compiler, and the machine code, is tested against it; and where llvmlite is not
installed, it is what runs.
"""

from collections.abc import Sequence
from typing import Any

from autograd.compiler.tape import FORWARD, Tape
from autograd.ieee import left_sum


def interpret(tape: Tape, inputs: Sequence[Any], rows: int = 1) -> list[Any]:
    """The results of the program: a float for each, or of one that varies a list with each row's.

    inputs: a float for each, or if it is batched a list with the float of each row.
    """
    values: list[Any] = []
    varies = tape.varies()

    def each_row(op: str, args: tuple[int, ...]) -> list[float]:
        columns = [values[x] if varies[x] else [values[x]] * rows for x in args]
        return [FORWARD[op](*row) for row in zip(*columns, strict=True)]

    for i, op, args in tape.instructions():
        if op == "input":
            values.append(inputs[args[0]])
        elif op == "constant":
            values.append(args[0])
        elif op == "mean_over_rows":
            values.append(left_sum(each_row("inner", args)) / rows)
        elif varies[i]:
            values.append(each_row(op, args))
        else:
            values.append(FORWARD[op](*[values[x] for x in args]))
    return [values[x] for x in tape.outputs]
