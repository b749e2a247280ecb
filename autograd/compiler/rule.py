"""An optimiser's rule, written for one parameter, in machine code that moves all of them."""

from collections.abc import Callable, Sequence
from typing import Any, final

import numpy as np

from autograd.compiler.fuse import fuse
from autograd.compiler.interpret import interpret
from autograd.compiler.loops import BUFFERS, ONCE, SPACE, Access, Loop, Program
from autograd.compiler.machine import Machine
from autograd.compiler.merge import Merged, merge
from autograd.compiler.newest import Newest
from autograd.compiler.optimize import simplify
from autograd.compiler.packed import Packed
from autograd.compiler.program import warn_interpreted
from autograd.compiler.tape import Tape, verify
from autograd.compiler.trace import Trace, Traced, recording
from autograd.errors import LengthError, MissingExtraError, StructureError


@final
class CompiledRule:
    """An optimiser's rule over flat arrays; see `jit_rule`."""

    def __init__(
        self, rule: Callable[..., Sequence[Any]], states: int, dtype: str, exact: bool
    ) -> None:
        self.__wrapped__ = rule
        self.states, self.dtype, self.exact = states, dtype, exact
        self._compiled = Newest()

    def __call__(self, parameters: Any, gradient: Any, *state: Any, step: int, lr: float) -> None:
        """Move the parameters. step: which update this is, from 1."""
        arrays = [x.flat if isinstance(x, Packed) else x for x in (parameters, gradient, *state)]
        check_flat([arrays[0], *arrays[2:]], self.states, self.dtype)
        n = len(arrays[0])
        check_flat_array(arrays[1], n, self.dtype, written=False)
        if n == 0:
            return
        self.of(n)(arrays, step, lr)

    def of(self, n: int) -> "Rule":
        """The rule for n parameters."""
        found: Rule | None = self._compiled.get(n)
        if found is None:
            found = Rule(self.__wrapped__, self.states, n, self.dtype, self.exact)
            self._compiled[n] = found
        return found


def check_flat(arrays: Sequence[Any], states: int, dtype: str) -> None:
    """Raise unless these are parameters and their state, such that machine code may change them."""
    if len(arrays) - 1 != states:
        raise LengthError(f"expected {states} arrays of state, but got {len(arrays) - 1}")
    n = len(arrays[0]) if hasattr(arrays[0], "__len__") else 1
    for x in arrays:
        check_flat_array(x, n, dtype)


def check_flat_array(x: Any, n: int, dtype: str, written: bool = True) -> None:
    """Raise StructureError unless machine code, which knows bare addresses only, may use it."""
    if getattr(x, "dtype", None) != dtype or x.shape != (n,):
        raise StructureError(
            f"expected flat arrays of {n} numbers of {dtype}, but got {x!r:.80}; "
            "pack nested structures with Packed.of"
        )
    if not x.flags.c_contiguous or not (x.flags.writeable or not written):
        raise StructureError(
            f"expected arrays whose numbers lie side by side and may be written, but got "
            f"strides {x.strides} and writeable={x.flags.writeable}; pass x.copy()"
        )


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
    shared: list[Loop] = []  # what is one for all comes first
    each: list[Loop] = []
    once = 2  # the number of rows and one over it come first; constants stand in the loops
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
    return Program(shared + each, [], [], [], once, 0, [], [], [])


def _for_members(access: Access, members: tuple[int, ...]) -> Access:
    """An operand as a loop over these members reads it."""
    if access.literal is not None or access.strides:
        return access
    return access._replace(strides=(0,) * len(members))
