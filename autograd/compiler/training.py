"""Training, an epoch a call into machine code: for each batch the gradient, then the rule."""

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from autograd.compiler.arguments import Arguments
from autograd.compiler.epoch import FLUSH, EpochCall
from autograd.compiler.program import CompiledProgram, no_collection, with_gradient
from autograd.compiler.rule import Rule
from autograd.errors import MissingExtraError
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

        def loss_and_gradient(x: Any, y: Any) -> Any:
            return with_gradient(loss(x, y), self.parameters)

        with no_collection():
            self.program = CompiledProgram(
                loss_and_gradient, (xs, ys), {}, arguments, exact, self.parameters
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
        run = EpochCall(
            self.program.dtype.itemsize * 8,
            gradient=machine.descriptor,
            gradient_spaces=self._gradient_memory[2],
            update=update.descriptor,
            update_spaces=self._rule_memory[2],
            start=0,
            stop=0,
            batch=batch_size,
            order=rows,
            losses=losses,
            loss=self._loss,
            gradients=self.gradient,
            parameters=len(self.parameters),
            sums=self._sums,
            step=self._hyper,
            updates=0,
            diverged=0,
            flush=0 if self.exact else FLUSH,
        )
        while start < len(rows) and not diverged:
            enough = 8
            if self._seconds_per_row:
                enough = int(ANSWER_AFTER / (self._seconds_per_row * batch_size))
            stop = min(len(rows), start + max(1, enough) * batch_size)
            began = time.perf_counter()
            run.set(start=start, stop=stop)
            updates, diverged = run(updates)
            self._seconds_per_row = (time.perf_counter() - began) / (stop - start)
            start = stop
        done = min(len(rows), updates * batch_size) or 1
        gradient = self._sums[: len(self.parameters)] / done
        return Epoch(losses[:updates], gradient, diverged)
