"""A rolled function as machine code that runs on arrays, or interpreted where there is none."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd.compiler.arguments import Arguments
from autograd.compiler.interpret import interpret
from autograd.compiler.jit import Report
from autograd.compiler.machine import Machine
from autograd.compiler.rolled import RolledFunction, no_collection
from autograd.errors import MissingExtraError
from autograd.value import Value


class CompiledProgram(RolledFunction):
    """A function, compiled for one structure of its arguments."""

    def __init__(
        self,
        f: Callable[..., Any],
        args: Any,
        kwargs: Any,
        arguments: Arguments,
        exact: bool,
        captured: Sequence[Value] = (),
        mean: bool = True,
    ) -> None:
        """captured, mean: as for `RolledFunction`."""
        super().__init__(f, args, kwargs, arguments, exact, captured, mean)
        self._spare: list[Any] = []
        self.machine: Machine | None = None
        widths = [*self.input_widths, *self.output_widths]
        with self._timed("llvm"):
            try:
                bits = self.dtype.itemsize * 8
                n_inputs = len(self.input_widths)
                self.machine = Machine(self.program, widths, bits, exact, arguments.rows, n_inputs)
            except MissingExtraError as error:
                warn_interpreted(error)

    def __call__(self, arguments: Arguments) -> Any:
        buffers = self.buffers(arguments)
        if self.by_row:
            results = [np.empty((arguments.rows, n), self.dtype) for n in self.output_widths]
            self.run([*buffers, *results], arguments.rows)
            return self.build(list(results[0].T.copy()), results[1:])
        try:  # the array of loose numbers, which no one else sees, serves again
            loose = self._spare.pop()
        except IndexError:
            loose = np.empty(self.output_widths[0], self.dtype)
        outputs = [np.empty(width, self.dtype) for width in self.output_widths[1:]]
        self.run([*buffers, loose, *outputs], arguments.rows)
        numbers = loose.tolist()
        self._spare.append(loose)
        return self.build(numbers, outputs)

    def buffers(self, arguments: Arguments) -> list[Any]:
        """The arrays of the inputs."""
        captured = _NONE
        if self.captured:
            captured = np.array([v.data for v in self.captured], self.dtype)
        loose = np.array(arguments.loose, self.dtype) if arguments.loose else _NONE
        return [loose, *arguments.arrays, captured]

    def run(self, buffers: list[Any], rows: int) -> None:
        """From the arrays of inputs to those of outputs."""
        if self.machine is not None:
            self.machine.run(buffers, rows)
        else:
            self._interpret(buffers, rows)
        for b, place in self.same_in_all_rows:
            buffers[b][:, place] = buffers[b][0, place]

    def _interpret(self, buffers: list[Any], rows: int) -> None:
        inputs = [
            buffers[b].reshape(rows, -1)[:, place].tolist()
            if batched
            else float(buffers[b].reshape(-1)[place])
            for (b, place), batched in zip(self.places, self.tape.batched, strict=True)
        ]
        for (b, place), y in zip(
            self.output_places, interpret(self.tape, inputs, rows), strict=True
        ):
            if self.by_row:
                buffers[b][:, place] = y
            else:
                buffers[b][place] = y

    def report(self) -> Report:
        loops = "\n".join(
            f"{phase}:\n" + "\n".join(f"  {loop}" for loop in part)
            for phase, part in zip(
                ("before", "for each row", "after"), self.program[:3], strict=True
            )
            if part
        )
        text = self.machine.text() if self.machine is not None else ""
        return Report(
            str(self.tape), loops, text, self.seconds, self.instructions, self.machine is None
        )


def compile_function(
    f: Callable[..., Any],
    args: Any,
    kwargs: Any,
    arguments: Arguments,
    exact: bool,
    mean: bool = True,
) -> CompiledProgram:
    """The function, compiled for arguments of this structure."""
    with no_collection():
        return CompiledProgram(f, args, kwargs, arguments, exact, mean=mean)


_NONE = np.zeros(0)
_told: list[str] = []


def warn_interpreted(error: MissingExtraError) -> None:
    """One notice in a process that there is no compiler."""
    if not _told:
        _told.append(str(error))  # not the error, which holds the frames it came through
        warnings.warn(f"compiled functions are interpreted: {error}", RuntimeWarning, stacklevel=6)
