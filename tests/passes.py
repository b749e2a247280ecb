"""The compiler's passes one by one, for tests that hold each of them to the eager engine."""

import math
import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from accuracy import path_sizes

import autograd
from autograd import Value
from autograd.compiler.fuse import fuse
from autograd.compiler.interpret import interpret, run_program
from autograd.compiler.machine import Machine
from autograd.compiler.optimize import simplify
from autograd.compiler.roll import roll
from autograd.compiler.tape import LEAVES, Tape, verify
from autograd.compiler.trace import Trace, recording
from autograd.elementwise import call
from autograd.primitives import TABLE
from autograd.tree import flatten


def same(got: float, want: float) -> bool:
    """Equal bit for bit, so that -0.0 is not 0.0; but any nan is nan."""
    return struct.pack("d", got) == struct.pack("d", want) or (got != got and want != want)


def differences(got: Any, want: Any) -> list[tuple[int, float, float]]:
    """Where two structures of numbers differ: (place, got, wanted)."""
    gots, wants = flatten(got)[0], flatten(want)[0]
    assert len(gots) == len(wants)
    pairs = enumerate(zip(gots, wants, strict=True))
    return [(i, float(g), float(w)) for i, (g, w) in pairs if not same(g, w)]


def operations(tape: Tape) -> list[str]:
    """The operations that a result depends on, without inputs and constants."""
    used = set(tape.outputs)
    for i in range(len(tape) - 1, -1, -1):
        if i in used and tape.ops[i] not in LEAVES:
            used.update(tape.args[i])
    return [tape.ops[i] for i in sorted(used) if tape.ops[i] not in LEAVES]


def record(
    f: Callable[..., Any], args: Sequence[Any], batched: Iterable[int] = ()
) -> tuple[Tape, list[float]]:
    """The tape of a function of nested floats; of a batched argument, one row is given.

    With the numbers of the Values that it captured, which are the last inputs.
    """
    trace, batched = Trace(exact=True), set(batched)
    traced = []
    for k, x in enumerate(args):
        leaves, rebuild = flatten(x)
        traced.append(rebuild([trace.input(k in batched) for _ in leaves]))
    with recording(trace):
        result = f(*traced)
    tape = trace.tape
    values = [trace.operand(y) for y in flatten(result)[0]]
    places = [tape.constant(y) if type(y) is float else int(y) for y in values]
    if batched:
        varies = tape.varies()
        places = [tape.apply("mean_over_rows", (y, 1.0)) if varies[y] else y for y in places]
    tape.outputs = places
    return verify(tape), [v.data for v in trace.captured]


class Passes:
    """A function after each pass.

    batched: the arguments that differ from row to row, of which `args` has one row.
    """

    def __init__(
        self,
        f: Callable[..., Any],
        args: Sequence[Any],
        exact: bool = True,
        batched: Iterable[int] = (),
    ) -> None:
        self.batched, self.exact = set(batched), exact
        self.tape, self.captured = record(f, args, self.batched)
        self.simplified = verify(simplify(self.tape, exact))
        self.fused = verify(fuse(self.simplified, exact))
        self.widths = [len(flatten(x)[0]) for x in (*args, self.captured)]
        inputs = [(k, i) for k, width in enumerate(self.widths) for i in range(width)]
        outputs = [(len(self.widths), i) for i in range(len(self.tape.outputs))]
        self.program = roll(self.fused, inputs, outputs, exact)

    def results(self, args: Sequence[Any], rows: int = 1) -> dict[str, list[float]]:
        """What the tapes, interpreted, and the rolled program give."""
        numbers = self._numbers(args)
        inputs: list[Any] = []
        for k, xs in enumerate(numbers):
            width = self.widths[k]
            inputs += [xs[i::width] for i in range(width)] if k in self.batched else xs
        found = {
            "traced": interpret(self.tape, inputs, rows),
            "simplified": interpret(self.simplified, inputs, rows),
            "fused": interpret(self.fused, inputs, rows),
        }
        buffers = self._buffers(numbers, np.dtype(np.float64))
        run_program(self.program, buffers, rows)
        found["rolled"] = buffers[-1].tolist()
        return found

    def machine(self, bits: int = 64, rows: int = 64) -> Callable[..., list[float]]:
        """A function from the arguments, and the number of rows, to what machine code gives."""
        widths = [*self.widths, len(self.tape.outputs)]
        machine = Machine(self.program, widths, bits, self.exact, rows, len(self.widths))

        def run(args: Sequence[Any], rows: int = 1) -> list[float]:
            buffers = self._buffers(self._numbers(args), machine.dtype)
            machine.run(buffers, rows)
            results: list[float] = buffers[-1].tolist()
            return results

        return run

    def _numbers(self, args: Sequence[Any]) -> list[list[float]]:
        return [*[flatten(x)[0] for x in args], self.captured]

    def _buffers(self, numbers: list[list[float]], dtype: Any) -> list[Any]:
        arrays = []
        for k, xs in enumerate(numbers):
            array = np.array(xs, dtype)
            arrays.append(array.reshape(-1, self.widths[k]) if k in self.batched else array)
        return [*arrays, np.zeros(len(self.tape.outputs), dtype)]

    def scales(self, args: Sequence[Any]) -> list[float]:
        """For each result, how far it moves if every number on the tape is off by its own size.

        So a result that is right to some roundings in each step is off by no more than as many
        roundings of this; where a sum cancels, it is the size of the terms, along all paths.
        """
        inputs = [Value(x) for xs in self._numbers(args) for x in xs]
        values: list[Any] = []
        for _, op, operands in self.tape.instructions():
            if op == "input":
                values.append(inputs[operands[0]])
            elif op == "constant":
                values.append(operands[0])
            elif op in TABLE:
                values.append(call(TABLE[op], *[values[x] for x in operands]))
            else:
                compare: Any = getattr(autograd.ieee, op)
                values.append(float(compare(*[_number(values[x]) for x in operands])))
        return [_scale(values[y]) for y in self.tape.outputs]


def _number(x: Any) -> Any:
    return x.data if type(x) is Value else x


def _scale(y: Any) -> float:
    if type(y) is not Value:
        return abs(y)
    nodes = autograd.topological_order(y)
    sizes = zip(nodes, path_sizes(y, nodes), strict=True)
    return math.fsum([size * abs(v.data) for v, size in sizes if size])
