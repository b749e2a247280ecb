"""The oracle: runs a tape the slow and obvious way, with the table's own functions on floats.

Every pass of the compiler, and the machine code, is tested against it; and where llvmlite is not
installed, it is what runs.
"""

from collections.abc import Sequence
from itertools import product
from operator import mul
from typing import Any

import numpy as np

from autograd.compiler.loops import SPACE, Access, Loop, Program
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


def run_program(program: Program, buffers: Sequence[Any], rows: int = 1) -> None:
    """Runs a rolled program one index at a time.

    buffers: NumPy arrays of the inputs, then of the outputs, which it writes; those that are
        batched are [rows, width], the others flat.
    """
    once = np.zeros(program.once)
    once[: len(program.constants)] = program.constants
    once[len(program.constants) :][:2] = rows, 1.0 / rows
    row_numbers = np.zeros(program.each_row)
    spaces = [once, row_numbers, *buffers]

    def find(access: Access, m: int, t: int, indices: tuple[int, ...]) -> tuple[Any, int]:
        address = access.address + sum(map(mul, access.strides, indices))
        if access.table is not None:
            address += int(access.table[m] if access.table.ndim == 1 else access.table[m, t])
        return spaces[address // SPACE], address % SPACE

    def read(access: Access, m: int, t: int, indices: tuple[int, ...]) -> float:
        if access.literal is not None:
            return access.literal
        space, place = find(access, m, t, indices)
        return float(space[place])

    def run(loop: Loop) -> None:
        for m, member in enumerate(product(*map(range, loop.members))):
            space, place = find(loop.result, m, 0, member + (0,) * len(loop.terms))
            if not loop.is_sum:
                operands = [read(x, m, 0, member) for x in loop.operands]
                space[place] = FORWARD[loop.op](*operands)
                continue
            s = float(space[place]) if loop.start is None else loop.start
            for t, term in enumerate(product(*map(range, loop.terms))):
                a, b = (read(x, m, t, member + term) for x in loop.operands)
                s += a * b
            space[place] = s

    for loop in program.before:
        run(loop)
    for row in range(rows):
        for i, (buffer, place) in enumerate(program.row_inputs):
            row_numbers[i] = buffers[buffer][row, place]
        for loop in program.rows:
            run(loop)
        for i, buffer, place in program.row_outputs:
            buffers[buffer][row, place] = row_numbers[i]
    for loop in program.after:
        run(loop)
