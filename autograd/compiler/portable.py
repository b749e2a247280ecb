"""A gradient that travels: traced and rolled here, compiled wherever it is called.

What is sent is the loops, not the tape: a network of 109,000 parameters is 14 kB of them.
"""

from collections.abc import Callable, Sequence
from typing import Any, final

import numpy as np

from autograd.compiler import llvm
from autograd.compiler.arguments import Arguments
from autograd.compiler.machine import Machine
from autograd.compiler.rolled import RolledFunction, loss_and_gradient, no_collection
from autograd.errors import StructureError
from autograd.locks import Lock
from autograd.value import Value

_compiling = Lock()  # of this module, for objects that travel hold none


@final
class PortableGradient:
    """The mean of a loss over rows and its gradient, as a function of plain numbers.

    captured: the Values that the loss uses, the parameters first; known only where it was made.
    """

    def __init__(
        self,
        loss: Callable[..., Any],
        parameters: Sequence[Value],
        data: Sequence[Any],
        dtype: str,
        exact: bool,
    ) -> None:
        llvm.binding()  # raises MissingExtraError now, not far away
        arguments = Arguments(tuple(data), {}, tuple(range(len(data))), dtype)
        found = loss_and_gradient(loss, list(parameters))
        with no_collection():
            rolled = RolledFunction(found, tuple(data), {}, arguments, exact, parameters)
        self.captured: list[Value] | None = rolled.captured
        self._program, self._key = rolled.program, arguments.key
        self._inputs, self._outputs = rolled.input_widths, rolled.output_widths
        self._dtype, self._exact, self._rows = dtype, exact, arguments.rows
        self._machine: Machine | None = None

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"captured": None, "_machine": None}

    def __call__(self, numbers: Any, *data: Any) -> tuple[Any, Any]:
        """([loss, measure, ...], gradient): the means over the rows of the data.

        numbers: of the captured Values. The first call compiles, on one core of the processor: on
        how many there are the last bits of a sum would depend.
        Raises StructureError if the data are not like those it was made with.
        """
        arguments = Arguments(data, {}, tuple(range(len(data))), self._dtype)
        if arguments.key != self._key:
            raise StructureError(
                f"expected data of the structure it was made with, {self._key}, but got "
                f"{arguments.key}"
            )
        given = np.ascontiguousarray(numbers, self._dtype)
        if given.shape != (self._inputs[-1],):
            raise StructureError(
                f"expected {self._inputs[-1]} numbers of the Values that the loss uses, but got "
                f"an array of shape {given.shape}"
            )
        none = np.zeros(0, self._dtype)
        values, gradient = [np.zeros(n, self._dtype) for n in self._outputs]
        buffers = [none, *arguments.arrays, given, values, gradient]
        self._compiled().run(buffers, arguments.rows)
        return values, gradient

    def _compiled(self) -> Machine:
        with _compiling:
            if self._machine is None:
                widths, bits = [*self._inputs, *self._outputs], np.dtype(self._dtype).itemsize * 8
                self._machine = Machine(
                    self._program, widths, bits, self._exact, self._rows, len(self._inputs), False
                )
                llvm.finish()  # code in its first, quick form may round otherwise
            return self._machine
