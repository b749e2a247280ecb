"""Training, an epoch a call into machine code: for each batch the gradient, then the rule."""

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd import modes
from autograd.compiler.arguments import Arguments
from autograd.compiler.epoch import FLUSH, EpochCall
from autograd.compiler.machine import Machine
from autograd.compiler.program import CompiledProgram, compile_function
from autograd.compiler.rolled import loss_and_gradient, no_collection
from autograd.compiler.rule import Rule
from autograd.errors import MissingExtraError, StructureError
from autograd.tree import array_of
from autograd.value import Value

ANSWER_AFTER = 0.05  # seconds of machine code before Python may answer an interrupt


class Epoch(NamedTuple):
    """What happened in an epoch.

    losses: of each batch, just before its update. measures: [batches, measures], likewise.
    gradient: the mean over the rows, likewise. diverged: whether it ended before an update with a
    loss or gradient that was nan or infinite, whose rows are in the gradient alone.
    """

    losses: Any
    measures: Any
    gradient: Any
    diverged: bool


Transform = Callable[[list[Any]], Sequence[Any]]
"""From all parameters, or all their gradients, to as many numbers."""


class TrainingLoop:
    """Gradient descent on Values, an epoch at a time, in machine code; see `jit_training`.

    arrays: the data, which may be overwritten in place between epochs. numbers: the parameters';
    state: an array for each number of state; both are changed in place by `epoch`, the Values only
    by `write_back`.
    Raises TraceError if the loss cannot be compiled, MissingExtraError without llvmlite.
    """

    def __init__(
        self,
        loss: Callable[..., Any],
        rule: Callable[..., Sequence[Any]],
        states: int,
        parameters: Sequence[Value],
        data: Sequence[Any],
        *,
        transform_gradient: Transform | None,
        project: Transform | None,
        dtype: str,
        exact: bool,
    ) -> None:
        self.parameters = list(parameters)
        n = len(self.parameters)
        if len(set(self.parameters)) < n:
            raise ValueError("expected each parameter once, but one of them is there twice")
        arguments = Arguments(tuple(data), {}, tuple(range(len(data))), dtype)
        self._key = arguments.key

        with no_collection():
            self.program = CompiledProgram(
                loss_and_gradient(loss, self.parameters),
                tuple(data),
                {},
                arguments,
                exact,
                self.parameters,
            )
        if self.program.machine is None:
            raise MissingExtraError(
                "compiling to machine code needs llvmlite: pip install glassgrad[compile]"
            )
        self.exact, self.loss_of_row = exact, loss
        padded = -(-n // 64) * 64
        self.captured = self._zeros(len(self.program.captured))
        self.numbers = self.captured[:n]
        self.state = [self._zeros(n) for _ in range(states)]
        self._results = self._zeros(self.program.output_widths[0])
        self.gradient, self._sums = self._zeros(padded), self._zeros(padded)
        self._hyper = self._zeros(2)
        self.use(*data)
        self._after = self._transform(project, self.numbers)
        self.change_rule(rule, transform_gradient)
        self._seconds_per_row = 0.0
        self.read()

    def use(self, *data: Any) -> None:
        """Train on other rows from here on, of the same structure and any number.

        Raises StructureError if the structure is another, LengthError as `jit` does.
        """
        machine = self.program.machine
        assert machine is not None
        arguments = Arguments(data, {}, tuple(range(len(data))), str(self.program.dtype))
        if arguments.key != self._key:
            raise StructureError(
                f"expected data of the structure it was compiled for, {self._key}, but got "
                f"{arguments.key}"
            )
        self.arrays = arguments.arrays
        self._buffers = [self._zeros(0), *self.arrays, self.captured, self._results, self.gradient]
        self._gradient_memory = machine.working_memory(self._buffers)

    def _zeros(self, n: int) -> Any:
        return np.zeros(n, self.program.dtype)

    def _transform(self, f: Transform | None, numbers: Any) -> list["_Call"]:
        """The calls that change these numbers, by way of others: f may mix them."""
        if f is None:
            return []
        beside = np.zeros_like(numbers)
        calls = []
        for g, source, result in ((f, numbers, beside), (list, beside, numbers)):
            calls.append(_Call.of(g, source, result, self.exact))
        return calls

    def read(self) -> None:
        """Take the numbers from the Values."""
        self.captured[:] = [v.data for v in self.program.captured]

    def write_back(self) -> None:
        """Give the numbers, and the last batch's gradient, to the Values."""
        n = len(self.parameters)
        numbers, gradient = self.numbers.tolist(), self.gradient[:n].tolist()
        for v, x, g in zip(self.parameters, numbers, gradient, strict=True):
            v.data, v.grad = x, g

    def change_rule(
        self, rule: Callable[..., Sequence[Any]], transform_gradient: Transform | None = None
    ) -> None:
        """Go on with another rule, of as many numbers of state, and another transform."""
        n, dtype = len(self.parameters), self.program.dtype
        self.rule = Rule(rule, len(self.state), n, str(dtype), self.exact)
        assert self.rule.machine is not None
        buffers = self.rule.buffers([self.numbers, self.gradient, *self.state], self._hyper)
        rule_call = _Call(self.rule.machine, self.rule.machine.working_memory(buffers), buffers)
        before = self._transform(transform_gradient, self.gradient[:n])
        self._updates = [*before, rule_call, *self._after]

    @property
    def steps(self) -> int:
        """How many updates there were, those before the last call of `epoch` included."""
        return int(self._hyper[0])

    @steps.setter
    def steps(self, n: int) -> None:
        self._hyper[0] = n

    def loss(self, rows: int) -> float:
        """The mean loss of the first rows, with the numbers the parameters have here."""
        machine = self.program.machine
        assert machine is not None
        self._check_rows([0, rows - 1])
        machine.run(self._buffers, rows)
        return float(self._results[0])

    def _check_rows(self, rows: Any) -> None:
        """Raise IndexError for a row that is not there: machine code would read beyond the data."""
        n = len(self.arrays[0])
        if len(rows) and not 0 <= np.min(rows) <= np.max(rows) < n:
            raise IndexError(
                f"expected rows from 0 to {n - 1}, but got {np.min(rows)} to {np.max(rows)}"
            )

    def epoch(
        self,
        order: Any,
        batch_size: int,
        step: int,
        lr: float | Sequence[float],
        progress: Callable[[int], object] | None = None,
    ) -> Epoch:
        """Train once on the rows in this order. step: how many updates there were before.

        lr: the learning rate, or that of each batch. progress: told now and then how many batches
        are done; an interrupt (Ctrl-C) is answered then, too.
        """
        machine, dtype = self.program.machine, self.program.dtype
        assert machine is not None
        if batch_size < 1:
            raise ValueError(f"expected batch_size to be at least 1, but got {batch_size}")
        rows = np.ascontiguousarray(order, np.int64)
        self._check_rows(rows)
        batches = -(-len(rows) // batch_size)
        rates = np.ascontiguousarray(np.broadcast_to(np.asarray(lr, dtype), batches))
        losses = np.zeros((batches, len(self._results)), dtype)
        # all that machine code is to run on, held: `progress` may change the rule, or the data
        calls, memory, _buffers = self._updates, self._gradient_memory, self._buffers
        updates = np.array([call.addresses for call in calls], np.int64)
        self._sums[:] = 0.0
        self._hyper[0] = step
        start, done, diverged = 0, 0, False
        run = EpochCall(
            dtype.itemsize * 8,
            gradient=machine.descriptor,
            gradient_spaces=memory[2],
            updates=updates,
            n_updates=len(updates),
            batch=batch_size,
            order=rows,
            results=self._results,
            measures=len(self._results),
            losses=losses,
            gradients=self.gradient,
            parameters=len(self.parameters),
            sums=self._sums,
            step=self._hyper,
            rates=rates,
            flush=0 if self.exact else FLUSH,
        )
        while start < len(rows) and not diverged:
            enough = 8
            if self._seconds_per_row:
                enough = int(ANSWER_AFTER / (self._seconds_per_row * batch_size))
            stop = min(len(rows), start + max(1, enough) * batch_size)
            began = time.perf_counter()
            run.set(start=start, stop=stop)
            done, diverged = run(done)
            self._seconds_per_row = (time.perf_counter() - began) / (stop - start)
            start = stop
            if progress is not None:
                progress(done)
        if diverged and modes.open_blocks and (watch := modes.watcher()) is not None:
            self.write_back()
            batch = rows[done * batch_size : (done + 1) * batch_size].tolist()
            watch.diverged(
                self.loss_of_row, self.arrays, set(range(len(self.arrays))), batch, str(dtype)
            )
        taken = min(len(rows), (done + diverged) * batch_size) or 1
        gradient = self._sums[: len(self.parameters)] / taken
        return Epoch(losses[:done, 0], losses[:done, 1:], gradient, diverged)


class _Call(NamedTuple):
    """A program that runs again and again on the same arrays, which it keeps alive."""

    machine: Machine
    memory: tuple[Any, Any, Any]
    buffers: list[Any]

    @property
    def addresses(self) -> tuple[int, int]:
        """Of the program and of its spaces."""
        return self.machine.descriptor.ctypes.data, self.memory[2].ctypes.data

    @staticmethod
    def of(f: Transform, source: Any, result: Any, exact: bool) -> "_Call":
        """The function from these numbers to those, compiled."""
        n = len(source)

        def checked(numbers: Any) -> Any:
            found = list(f(list(numbers)))
            if len(found) != n:
                raise StructureError(f"expected {n} numbers back, but got {len(found)}")
            return array_of(found, (n,))

        arguments = Arguments((source,), {}, (), str(source.dtype))
        program = compile_function(checked, (source,), {}, arguments, exact)
        if program.captured:
            raise StructureError("expected a function of its arguments alone, without Values")
        assert program.machine is not None
        buffers = [*program.buffers(arguments), np.zeros(0, source.dtype), result]
        return _Call(program.machine, program.machine.working_memory(buffers), buffers)
