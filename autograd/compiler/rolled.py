"""The passes up to loops: a Python function, traced, shortened, fused and rolled.

What `program.py` makes into machine code, and `autograd.export` into other languages.
"""

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from autograd.compiler.arguments import Arguments
from autograd.compiler.fuse import fuse
from autograd.compiler.optimize import simplify
from autograd.compiler.packed import Packed
from autograd.compiler.roll import roll
from autograd.compiler.tape import Tape, verify
from autograd.compiler.trace import Trace, Traced, recording
from autograd.errors import OperandError, StructureError
from autograd.tree import array_of
from autograd.value import Value

Build = Callable[[list[Any], list[Any]], Any]


class _Inputs:
    """Traced numbers in the structure of the arguments.

    places: for each input of the tape, the buffer and the place in it. Buffer 0 holds the loose
        numbers, then comes one for each array, the last is for captured Values.
    """

    def __init__(self, trace: Trace, batched: set[int]) -> None:
        self.trace = trace
        self.batched = batched
        self.places: list[tuple[int, int]] = []
        self.loose = 0
        self.widths = [0]

    def arguments(self, args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[list[Any], Any]:
        traced = [self._rows(x) if k in self.batched else self._one(x) for k, x in enumerate(args)]
        return traced, {name: self._one(x) for name, x in kwargs.items()}

    def _input(self, buffer: int, place: int, batched: bool = False) -> Traced:
        self.places.append((buffer, place))
        return self.trace.input(batched)

    def _array(self, width: int, batched: bool) -> list[Traced]:
        self.widths.append(width)
        buffer = len(self.widths) - 1
        return [self._input(buffer, i, batched) for i in range(width)]

    def _one(self, x: Any) -> Any:
        if isinstance(x, Packed):
            return x.like(self._array(len(x.flat), batched=False))
        if isinstance(x, dict):
            return {key: self._one(item) for key, item in x.items()}
        if isinstance(x, (list, tuple)):
            items = [self._one(item) for item in x]
            kind: Any = type(x)
            return kind._make(items) if hasattr(kind, "_make") else kind(items)
        shape = getattr(x, "shape", ())
        if shape != ():
            return array_of(self._array(int(np.prod(shape)), batched=False), tuple(shape))
        self.loose += 1
        return self._input(0, self.loose - 1)

    def _rows(self, x: Any) -> Any:
        """The traced numbers of one row."""
        if isinstance(x, dict):
            return {key: self._rows(item) for key, item in x.items()}
        if isinstance(x, tuple):
            items = [self._rows(item) for item in x]
            kind: Any = type(x)
            return kind._make(items) if hasattr(kind, "_make") else kind(items)
        shape = np.shape(x)[1:]
        numbers = self._array(int(np.prod(shape)), batched=True)
        if shape == ():
            return numbers[0]
        row = array_of(numbers, tuple(shape))
        return row.tolist() if isinstance(x, (list, tuple)) else row


class _Outputs:
    """What a function returned, taken apart.

    values: on the tape. places: the buffer and the place in it, or in each of its rows, for each;
        buffer 0 holds the numbers that stand by themselves or in lists.
    """

    def __init__(self, trace: Trace, result: Any, by_row: bool) -> None:
        """by_row: whether there is a result for each row."""
        self.trace, self.by_row = trace, by_row
        self.values: list[int] = []
        self.places: list[tuple[int, int]] = []
        self.widths = [0]
        self.build = self._take(result)

    def _number(self, y: Any, buffer: int) -> int:
        if not (isinstance(y, (int, float, Value, Traced)) or getattr(y, "shape", None) == ()):
            raise StructureError(
                f"expected a function whose result is made of numbers, but it returned {y!r:.80} "
                f"({type(y).__name__})"
            )
        try:
            self.values.append(self.trace.place(y))
        except OperandError as error:
            raise StructureError(f"the function returned something else: {error}") from None
        self.places.append((buffer, self.widths[buffer]))
        self.widths[buffer] += 1
        return self.widths[buffer] - 1

    def _take(self, y: Any) -> Build:
        """A function from the loose numbers and the arrays to the result."""
        if isinstance(y, Packed):
            if self.by_row:
                return self._take(y.tree)
            buffer = self._array(list(y.flat))
            return lambda loose, arrays: y.like(arrays[buffer - 1])
        if isinstance(y, dict):
            parts = {key: self._take(item) for key, item in y.items()}
            return lambda loose, arrays: {k: part(loose, arrays) for k, part in parts.items()}
        if isinstance(y, (list, tuple)):
            return self._sequence(y)
        shape = getattr(y, "shape", ())
        if shape != ():
            buffer = self._array(y.ravel().tolist())
            shape = (-1, *shape) if self.by_row else shape
            return lambda loose, arrays: arrays[buffer - 1].reshape(shape)
        place = self._number(y, 0)
        return lambda loose, arrays: loose[place]

    def _array(self, numbers: list[Any]) -> int:
        self.widths.append(0)
        buffer = len(self.widths) - 1
        for x in numbers:
            self._number(x, buffer)
        return buffer

    def _sequence(self, y: Any) -> Build:
        kind: Any = type(y)
        make = kind._make if hasattr(kind, "_make") else kind
        first = self.widths[0]
        parts = [self._take(item) for item in y]
        if kind is list and not any(_is_structure(item) for item in y):
            return lambda loose, arrays: loose[first : first + len(parts)]
        return lambda loose, arrays: make([part(loose, arrays) for part in parts])


def _is_structure(y: Any) -> bool:
    return isinstance(y, (list, tuple, dict, Packed)) or getattr(y, "shape", ()) != ()


class RolledFunction:
    """A function as loops, for one structure of its arguments.

    tape: what it computes, fused. program: the same as loops.
    places: for each input of the tape the buffer and the place in it; output_places: likewise for
        its outputs, whose buffers come after those of the inputs.
    captured: Values that the function uses and that are no arguments; theirs is the last buffer of
        the inputs. input_widths, output_widths: how many numbers each buffer holds (in a row).
    build: from the loose numbers and the arrays of results to the structure that f returns.
    """

    def __init__(
        self,
        f: Callable[..., Any],
        args: Any,
        kwargs: Any,
        arguments: Arguments,
        exact: bool,
        captured: Sequence[Value] = (),
        mean: bool = True,
        stops: bool = False,
    ) -> None:
        """captured: Values that come first among those that f uses and that are no arguments.

        mean: of batched arguments, give the mean over the rows, not a result for each. stops: keep
        `stop_gradient`, which changes no number, for who will differentiate the loops.
        """
        self.seconds: dict[str, float] = {}
        self.instructions: dict[str, int] = {}
        self.exact = exact
        self.dtype = arguments.dtype
        trace = Trace(exact)
        for v in captured:
            trace.operand(v)
        with self._timed("trace"):
            inputs = _Inputs(trace, arguments.places)
            traced, traced_kwargs = inputs.arguments(args, kwargs)
            with recording(trace):
                result = f(*traced, **traced_kwargs)
            self.by_row = bool(arguments.places) and not mean
            outputs = _Outputs(trace, result, self.by_row)
            self.build = outputs.build
            tape = trace.tape
            tape.outputs = outputs.values
            if arguments.places and mean:
                tape.outputs = _means(tape)
            self._done("trace", tape)
        self.captured = list(trace.captured)
        captured_buffer = len(inputs.widths)
        # captured inputs stand anywhere among the tape's inputs
        places = dict(zip(inputs_of(trace, inputs), inputs.places, strict=True))
        for i, value in enumerate(trace.captured.values()):
            places[tape.args[value][0]] = (captured_buffer, i)
        self.places = [places[k] for k in range(len(tape.batched))]
        with self._timed("simplify"):
            tape = self._done("simplify", simplify(tape, exact, stops))
        with self._timed("fuse"):
            self.tape = self._done("fuse", fuse(tape, exact))
        self.output_places = [(captured_buffer + 1 + b, place) for b, place in outputs.places]
        varies = self.tape.varies()
        # these are computed once, into the first row
        self.same_in_all_rows = [
            place
            for y, place in zip(self.tape.outputs, self.output_places, strict=True)
            if self.by_row and not varies[y]
        ]
        with self._timed("roll"):
            self.program = roll(self.tape, self.places, self.output_places, exact)
        loops = self.program.before + self.program.rows + self.program.after
        self.instructions["roll (loops)"] = len(loops)
        self.input_widths = [*inputs.widths, len(self.captured)]
        self.output_widths = outputs.widths

    def _timed(self, name: str) -> "_Timer":
        return _Timer(self.seconds, name)

    def _done(self, name: str, tape: Tape) -> Tape:
        self.instructions[name] = len(tape)
        return verify(tape)


def with_gradient(loss: Any, parameters: list[Any]) -> tuple[Any, Any]:
    """What a traced function gave, and its derivatives by the parameters as an array.

    Raises StructureError unless it is one number.
    """
    if isinstance(loss, (list, tuple, dict)) or getattr(loss, "shape", ()) != ():
        raise StructureError(f"expected a loss that is one number, but got {loss!r:.80}")
    n = len(parameters)
    # a plain number depends on nothing that is trained
    found = loss.__gradients__(parameters) if isinstance(loss, Traced) else [0.0] * n
    return loss, array_of(found, (n,))


def loss_and_gradient(
    loss: Callable[..., Any], parameters: list[Any]
) -> Callable[..., tuple[list[Any], Any]]:
    """The function of a row that gives [loss, measure, ...] and the gradient by the parameters.

    loss: gives the loss, or (loss, measure, ...).
    """

    def of_row(*row: Any) -> tuple[list[Any], Any]:
        found = loss(*row)
        value, *measures = found if type(found) is tuple else (found,)
        value, gradient = with_gradient(value, parameters)
        return [value, *measures], gradient

    return of_row


@contextmanager
def no_collection() -> Iterator[None]:
    """Python's collector would visit millions of tuples of numbers again and again, for nothing."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class _Timer:
    def __init__(self, seconds: dict[str, float], name: str) -> None:
        self.seconds, self.name = seconds, name

    def __enter__(self) -> None:
        self.start = time.perf_counter()

    def __exit__(self, *error: object) -> None:
        self.seconds[self.name] = time.perf_counter() - self.start


def inputs_of(trace: Trace, inputs: _Inputs) -> list[int]:
    """The numbers of the tape's inputs that are arguments: those that were not captured."""
    captured = {trace.tape.args[value][0] for value in trace.captured.values()}
    return [k for k in range(len(trace.tape.batched)) if k not in captured]


def _means(tape: Tape) -> list[int]:
    """The outputs, with the mean over the rows in place of what varies from row to row."""
    varies = tape.varies()
    return [tape.apply("mean_over_rows", (y, 1.0)) if varies[y] else y for y in tape.outputs]
