"""A step of training as one call into machine code: the gradient of a loss, then the rule."""

from collections.abc import Callable, Sequence
from operator import is_
from typing import Any, final

import numpy as np

from autograd import modes
from autograd.compiler.arguments import Arguments
from autograd.compiler.epoch import FLUSH, EpochCall
from autograd.compiler.machine import address
from autograd.compiler.newest import Newest
from autograd.compiler.packed import Packed
from autograd.compiler.program import CompiledProgram, compile_function
from autograd.compiler.rolled import with_gradient
from autograd.compiler.rule import CompiledRule, Rule, check_flat
from autograd.errors import LengthError, StructureError
from autograd.locks import Lock


@final
class CompiledStep:
    """A step of training; see `jit_step`. Calls by several threads wait for each other."""

    def __init__(
        self,
        loss: Callable[..., Any],
        rule: Callable[..., Sequence[Any]],
        states: int,
        batched: tuple[int, ...],
        dtype: str,
        exact: bool,
    ) -> None:
        self.__wrapped__ = loss
        self.states, self.batched, self.dtype, self.exact = states, batched, dtype, exact
        self._rule = CompiledRule(rule, states, dtype, exact)
        self._steps = Newest()  # a _Step for each structure
        self._memories = Newest()  # a _Memory for each number of parameters
        self._lock = Lock()

    def __call__(
        self, parameters: Packed, state: Sequence[Any], *args: Any, step: int, lr: float
    ) -> float:
        """Move the parameters and their state; gives the loss before. step: which this is, from 1.

        Raises FloatingPointError if the loss or the gradient is nan or infinite; parameters and
        state are then as they were.
        """
        if type(parameters) is not Packed:
            raise StructureError(
                f"expected the parameters as Packed.of(structure), which a step can change in "
                f"place, but got {parameters!r:.80}"
            )
        arguments = Arguments((parameters, *args), {}, self.batched, self.dtype)
        with self._lock:
            found = self._steps.get(arguments.key)
            if found is None:
                found = self._steps[arguments.key] = self._compile(parameters, args, arguments)
            loss, diverged = found(parameters.flat, state, arguments, step, lr)
        if diverged:
            if modes.open_blocks and (watch := modes.watcher()) is not None:
                batched = {k % (1 + len(args)) for k in self.batched}
                rows = range(arguments.rows)
                watch.diverged(self.__wrapped__, (parameters, *args), batched, rows, self.dtype)
            raise FloatingPointError(
                f"expected a finite loss and gradient, but the loss is {loss} and the gradient "
                "has nan or infinite entries; the parameters were not moved (is the learning "
                "rate too large? autograd.detect_anomaly() around it names the first such number)"
            )
        return loss

    def _compile(self, parameters: Packed, args: Any, arguments: Arguments) -> "_Step":
        n = len(parameters.flat)
        if n == 0:
            raise LengthError("expected at least one parameter, but the structure is empty")

        def loss_and_gradient(traced: Packed, *rest: Any) -> Any:
            return with_gradient(self.__wrapped__(traced, *rest), list(traced.flat))

        program = compile_function(
            loss_and_gradient, (parameters, *args), {}, arguments, self.exact
        )
        if n not in self._memories:
            self._memories[n] = _Memory(n, program.dtype)
        return _Step(program, self._rule.of(n), n, self._memories[n])


class _Memory:
    """What the steps for one number of parameters share, so that it stays in the cache."""

    def __init__(self, n: int, dtype: Any) -> None:
        padded = -(-n // 64) * 64
        self.loss, self.hyper, self.rate = (np.zeros(k, dtype) for k in (1, 2, 1))
        self.gradient, self.sums = np.zeros(padded, dtype), np.zeros(padded, dtype)
        self.working = np.zeros(0, dtype)
        self.latest: Any = None  # the constants, of one of the steps, that stand in it


class _Step:
    """The step for one structure of the arguments."""

    def __init__(self, program: CompiledProgram, rule: Rule, n: int, memory: _Memory) -> None:
        self.program, self.rule, self.memory = program, rule, memory
        self.outputs = [memory.loss, memory.gradient[:n]]
        self._changed: list[Any] = []  # parameters and state, as machine code knows them
        self._working: Any = None  # all that follows is known with the first call
        self._inputs: list[Any] = []
        self._once: Any = None
        self._spaces: Any = None
        self._rule_memory: Any = None
        self._run: Any = None
        self._updates: Any = None
        self._rows = 0
        self._constants: Any = None

    def __call__(
        self, parameters: Any, state: Sequence[Any], arguments: Arguments, step: int, lr: float
    ) -> tuple[float, bool]:
        """The loss before the step, and whether it was not taken for want of finite numbers."""
        memory = self.memory
        changed = [parameters, *state]
        if self.program.machine is None:
            return self._interpreted(changed, arguments, step, lr)
        if (
            self._working is not memory.working
            or len(changed) != len(self._changed)
            or not all(map(is_, changed, self._changed))
        ):
            self._prepare(changed, arguments)
        if memory.latest is not self._constants:
            self._once[: len(self._constants)] = self._constants
            memory.latest = self._constants
        inputs = self.program.buffers(arguments)
        for k, x in enumerate(inputs):
            if x is not self._inputs[k]:
                self._spaces[2 + k] = address(x)
        self._inputs = inputs
        rows = max(arguments.rows, 1)
        if rows != self._rows:
            self._order = np.arange(rows)
            self._run.set(stop=rows, batch=rows, order=self._order)
            self._rows = rows
        memory.hyper[0], memory.rate[0] = step - 1, lr
        _, diverged = self._run()
        return memory.loss.item(), diverged

    def _prepare(self, changed: list[Any], arguments: Arguments) -> None:
        """Tell machine code where everything is."""
        program, rule, memory = self.program.machine, self.rule.machine, self.memory
        assert program is not None
        assert rule is not None
        check_flat(changed, self.rule.states, str(self.program.dtype))
        if len(memory.working) < program.memory_size:
            memory.working, memory.latest = np.zeros(program.memory_size, program.dtype), None
        self._inputs = self.program.buffers(arguments)
        _, self._once, self._spaces = program.working_memory(
            [*self._inputs, *self.outputs], memory.working
        )
        self._constants = np.array(program.program.constants, program.dtype)
        gradient = self.outputs[1]
        buffers = self.rule.buffers([changed[0], gradient, *changed[1:]], memory.hyper)
        self._rule_memory = rule.working_memory(buffers)
        self._rows = 0
        self._updates = np.array(
            [[rule.descriptor.ctypes.data, self._rule_memory[2].ctypes.data]], np.int64
        )
        self._run = EpochCall(
            program.dtype.itemsize * 8,
            gradient=program.descriptor,
            gradient_spaces=self._spaces,
            updates=self._updates,
            n_updates=1,
            results=memory.loss,
            measures=1,
            losses=memory.loss,
            gradients=memory.gradient,
            parameters=len(gradient),
            sums=memory.sums,
            step=memory.hyper,
            rates=memory.rate,
            flush=0 if self.program.exact else FLUSH,
        )
        self._changed, self._working = changed, memory.working

    def _interpreted(
        self, changed: list[Any], arguments: Arguments, step: int, lr: float
    ) -> tuple[float, bool]:
        """The same without machine code."""
        check_flat(changed, self.rule.states, str(self.program.dtype))
        loss, gradient = self.outputs
        self.program.run([*self.program.buffers(arguments), loss, gradient], arguments.rows)
        diverged = not (np.isfinite(gradient).all() and np.isfinite(loss).all())
        if not diverged:
            self.rule([changed[0], gradient, *changed[1:]], step, lr)
        return loss.item(), diverged
