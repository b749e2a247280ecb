"""Training as one call into machine code: for each batch the gradient, then the rule."""

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd.compiler.epoch import epoch
from autograd.compiler.fuse import fuse
from autograd.compiler.interpret import interpret
from autograd.compiler.jit import Arguments
from autograd.compiler.loops import BUFFERS, ONCE, SPACE, Access, Loop, Program
from autograd.compiler.machine import Machine
from autograd.compiler.merge import Merged, merge
from autograd.compiler.optimize import simplify
from autograd.compiler.program import CompiledProgram, no_collection, warn_interpreted
from autograd.compiler.tape import Tape, verify
from autograd.compiler.trace import Trace, Traced, recording
from autograd.errors import MissingExtraError, StructureError
from autograd.tree import array_of
from autograd.value import Value

ANSWER_AFTER = 0.05  # seconds of machine code before Python may answer an interrupt


class Epoch(NamedTuple):
    """What happened in an epoch.

    losses: of each batch, just before its update. gradient: the mean over the rows, measured
    likewise. diverged: whether it ended before an update with a loss or gradient that was nan or
    infinite.
    """

    losses: Any
    gradient: Any
    diverged: bool


class Rule:
    """An optimiser's rule for one parameter, compiled for n of them.

    rule: (parameter, gradient, state..., step, lr) -> (parameter, state...), numbers all.
    """

    def __init__(
        self, rule: Callable[..., Sequence[Any]], states: int, n: int, dtype: str, exact: bool
    ) -> None:
        trace = Trace(exact)
        tape = trace.tape
        own = [Traced(trace, tape.input(batched=True)) for _ in range(2 + states)]
        step, lr = trace.input(), trace.input()
        with recording(trace):
            results = rule(*own, step, lr)
        if len(results) != 1 + states:
            raise ValueError(
                f"expected the rule to give the parameter and {states} numbers of state, but got "
                f"{len(results)} numbers"
            )
        tape.outputs = [trace.place(y) for y in results]
        if trace.captured:
            raise ValueError("expected a rule without Values of its own; give plain numbers")
        tape = verify(fuse(verify(simplify(verify(tape), exact)), exact))
        self.tape, self.states, self.n = tape, states, n
        self.dtype = np.dtype(dtype)
        self.machine: Machine | None = None
        program = _for_all(tape, n, states)
        merged = [x for x in merge(program).before if isinstance(x, Merged) and x.members]
        # parameters are written where they are read: only a single pass may do so
        if len(merged) > 1:
            raise ValueError(
                f"expected a rule of fewer operations than {len(tape)}; it must fit one loop"
            )
        try:
            bits, every = self.dtype.itemsize * 8, 4 + 2 * states
            self.machine = Machine(program, [], bits, exact, 0, inputs=every)
        except MissingExtraError as error:
            warn_interpreted(error)

    def buffers(self, arrays: Sequence[Any], hyper: Any) -> list[Any]:
        """What the machine is given: the step and the rate, the arrays, and those it writes."""
        parameters, _, *state = arrays
        return [hyper, *arrays, parameters, *state]

    def __call__(self, arrays: Sequence[Any], step: int, lr: float) -> None:
        """Move all parameters. arrays: parameters, gradient, state..."""
        if self.machine is not None:
            hyper = np.array([step, lr], self.dtype)
            self.machine.run(self.buffers(arrays, hyper))
            return
        columns = [x.tolist() for x in arrays]
        parameters, _, *state = arrays
        moved = interpret(self.tape, [*columns, float(step), float(lr)], self.n)
        for array, numbers in zip((parameters, *state), moved, strict=True):
            array[:] = numbers


def _for_all(tape: Tape, n: int, states: int) -> Program:
    """The program that runs a tape's batched instructions for n numbers, and the others once.

    Buffers: the step and the rate; the 2 + states inputs; the 1 + states outputs.
    """
    varies = tape.varies()
    accesses: dict[int, Access] = {}
    constants: list[float] = []
    shared: list[Loop] = []  # what is one for all comes first
    each: list[Loop] = []
    once = sum(op == "constant" for op in tape.ops) + 2
    many = (n,)
    for i, op, args in tape.instructions():
        if op == "constant":
            accesses[i] = Access(literal=args[0])
        elif op == "input" and tape.batched[args[0]]:
            accesses[i] = Access((BUFFERS + 1 + args[0]) * SPACE, (1,))
        elif op == "input":
            accesses[i] = Access(BUFFERS * SPACE + args[0] - 2 - states, ())
        else:
            members, strides = (many, (1,)) if varies[i] else ((), ())
            loops = each if varies[i] else shared
            accesses[i] = Access(ONCE * SPACE + once, strides)
            once += n if varies[i] else 1
            operands = [_for_members(accesses[x], members) for x in args]
            if op == "inner":
                start: float | None = -0.0
                for a, b in zip(operands[::2], operands[1::2], strict=True):
                    loops.append(Loop(op, members, (), accesses[i], (a, b), start, False))
                    start = None
            else:
                loops.append(Loop(op, members, (), accesses[i], tuple(operands), None, False))
    for k, y in enumerate(tape.outputs):
        result = Access((BUFFERS + 3 + states + k) * SPACE, (1,))
        operand = _for_members(accesses[y], many)
        each.append(Loop("identity", many, (), result, (operand,), None, False))
    return Program(shared + each, [], [], constants, once, 0, [], [], [])


def _for_members(access: Access, members: tuple[int, ...]) -> Access:
    """An operand as a loop over these members reads it."""
    if access.literal is not None or access.strides:
        return access
    return access._replace(strides=(0,) * len(members))


class TrainingLoop:
    """Gradient descent on Values, an epoch at a time, in machine code.

    loss: of one row: loss(x, y) -> number, a function of the Values `parameters`.
    rule: (parameter, gradient, state..., step, lr) -> (parameter, state...), for one parameter.
    states: how many numbers of state the rule keeps for each parameter.
    xs, ys: arrays [rows, ...].

    numbers: the parameters' numbers; state: an array for each number of state; both are changed in
    place by `epoch`, the Values only by `write_back`.
    Raises TraceError if the loss cannot be compiled, MissingExtraError without llvmlite.
    """

    def __init__(
        self,
        loss: Callable[[Any, Any], Any],
        rule: Callable[..., Sequence[Any]],
        states: int,
        parameters: Sequence[Value],
        xs: Any,
        ys: Any,
        *,
        dtype: str = "float64",
        exact: bool = False,
    ) -> None:
        self.parameters = list(parameters)
        n = len(self.parameters)
        if len(set(self.parameters)) < n:
            raise ValueError("expected each parameter once, but one of them is there twice")
        arguments = Arguments((xs, ys), {}, (0, 1), dtype)
        self.arrays = arguments.arrays

        def with_gradient(x: Any, y: Any) -> Any:
            value = loss(x, y)
            if isinstance(value, (list, tuple, dict)) or getattr(value, "shape", ()) != ():
                raise StructureError(f"expected a loss that is one number, but got {value!r:.80}")
            if not isinstance(value, Traced):  # it depends on nothing that is trained
                return value, array_of([0.0] * n, (n,))
            return value, array_of(value.__gradients__(self.parameters), (n,))

        with no_collection():
            self.program = CompiledProgram(
                with_gradient, (xs, ys), {}, arguments, exact, self.parameters
            )
        if self.program.machine is None:
            raise MissingExtraError(
                "compiling to machine code needs llvmlite: pip install glassgrad[compile]"
            )
        self.exact = exact
        padded = -(-n // 64) * 64
        self.captured = np.zeros(len(self.program.captured), self.program.dtype)
        self.numbers = self.captured[:n]
        self.state = [np.zeros(n, self.program.dtype) for _ in range(states)]
        self._loss = np.zeros(1, self.program.dtype)
        self.gradient = np.zeros(padded, self.program.dtype)
        self._sums = np.zeros(padded, self.program.dtype)
        self._hyper = np.zeros(2, self.program.dtype)
        loose = np.zeros(0, self.program.dtype)
        self._buffers = [loose, *self.arrays, self.captured, self._loss, self.gradient]
        self._gradient_memory = self.program.machine.working_memory(self._buffers)
        self.change_rule(rule)
        self._seconds_per_row = 0.0
        self.read()

    def read(self) -> None:
        """Take the numbers from the Values."""
        self.captured[:] = [v.data for v in self.program.captured]

    def write_back(self) -> None:
        """Give the numbers, and the last batch's gradient, to the Values."""
        n = len(self.parameters)
        numbers, gradient = self.numbers.tolist(), self.gradient[:n].tolist()
        for v, x, g in zip(self.parameters, numbers, gradient, strict=True):
            v.data, v.grad = x, g

    def change_rule(self, rule: Callable[..., Sequence[Any]]) -> None:
        """Go on with another rule, of as many numbers of state."""
        n, dtype = len(self.parameters), self.program.dtype
        self.rule = Rule(rule, len(self.state), n, str(dtype), self.exact)
        assert self.rule.machine is not None
        buffers = self.rule.buffers([self.numbers, self.gradient, *self.state], self._hyper)
        self._rule_memory = self.rule.machine.working_memory(buffers)

    @property
    def steps(self) -> int:
        """How many updates there were, those before the last call of `epoch` included."""
        return int(self._hyper[0])

    def loss(self, rows: int) -> float:
        """The mean loss of the first rows."""
        machine = self.program.machine
        assert machine is not None
        self._check_rows([0, rows - 1])
        machine.run(self._buffers, rows)
        return float(self._loss[0])

    def _check_rows(self, rows: Any) -> None:
        """Raise IndexError for a row that is not there: machine code would read beyond the data."""
        n = len(self.arrays[0])
        if len(rows) and not 0 <= np.min(rows) <= np.max(rows) < n:
            raise IndexError(
                f"expected rows from 0 to {n - 1}, but got {np.min(rows)} to {np.max(rows)}"
            )

    def epoch(self, order: Sequence[int], batch_size: int, step: int, lr: float) -> Epoch:
        """Train once on the rows in this order. step: how many updates there were before.

        An interrupt (Ctrl-C) is answered between batches.
        """
        machine = self.program.machine
        update = self.rule.machine
        assert machine is not None
        assert update is not None
        if batch_size < 1:
            raise ValueError(f"expected batch_size to be at least 1, but got {batch_size}")
        rows = np.ascontiguousarray(order, np.int64)
        self._check_rows(rows)
        losses = np.zeros(-(-len(rows) // batch_size), self.program.dtype)
        self._sums[:] = 0.0
        self._hyper[:] = step, lr
        start, updates, diverged = 0, 0, False
        while start < len(rows) and not diverged:
            enough = 8
            if self._seconds_per_row:
                enough = int(ANSWER_AFTER / (self._seconds_per_row * batch_size))
            stop = min(len(rows), start + max(1, enough) * batch_size)
            began = time.perf_counter()
            updates, diverged = epoch(
                self.program.dtype.itemsize * 8,
                gradient=machine.descriptor,
                gradient_spaces=self._gradient_memory[2],
                update=update.descriptor,
                update_spaces=self._rule_memory[2],
                start=start,
                stop=stop,
                batch=batch_size,
                order=rows,
                losses=losses,
                loss=self._loss,
                gradients=self.gradient,
                parameters=len(self.parameters),
                sums=self._sums,
                step=self._hyper,
                updates=updates,
                diverged=0,
            )
            self._seconds_per_row = (time.perf_counter() - began) / (stop - start)
            start = stop
        done = min(len(rows), updates * batch_size) or 1
        gradient = self._sums[: len(self.parameters)] / done
        return Epoch(losses[:updates], gradient, diverged)
