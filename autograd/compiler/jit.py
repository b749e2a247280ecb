"""jit: a function of scalars, compiled when it is first called.

The function is traced (`trace.py`), once for each structure of its arguments, and what it did
becomes a tape, a shorter tape, loops, and machine code.
"""

import threading
from collections.abc import Callable, Sequence
from operator import index
from typing import TYPE_CHECKING, Any, NamedTuple, final

from autograd import modes
from autograd.compiler.packed import Packed
from autograd.errors import LengthError, OperandError, StructureError
from autograd.operands import as_float
from autograd.tree import flatten
from autograd.value import Value

if TYPE_CHECKING:
    from autograd.compiler.training import TrainingLoop

_DTYPES = ("float64", "float32")


def jit(
    f: Callable[..., Any],
    *,
    batch_argnums: int | Sequence[int] = (),
    dtype: str = "float64",
    exact: bool = False,
) -> "Compiled":
    """The function, compiled to machine code at its first call, and again for each new structure.

    f: a function of numbers in nested lists, tuples, dicts and NumPy arrays, which gives such a
        structure; also what grad, value_and_grad, hessian ... make of one.
    batch_argnums: arguments that have a leading axis of rows: f is written for one row, and each
        number of the result is the mean over the rows.
    dtype: "float64" or "float32".
    exact: keep every bit of the eager engine; otherwise sums may run in another order, products and
        sums may be rounded once instead of twice, and elementary functions differ by the last bit.

    Values that f uses and that are no arguments are read afresh at each call. A branch that depends
    on a number, or a number taken out of the trace, raises TraceError. Without llvmlite the tape is
    interpreted, with one warning.
    """
    if not callable(f):
        raise TypeError(f"expected a function to compile, but got {f!r:.80}")
    if dtype not in _DTYPES:
        raise ValueError(f"expected dtype to be one of {_DTYPES}, but got {dtype!r}")
    several = isinstance(batch_argnums, (tuple, list))
    batched = tuple([index(k) for k in (batch_argnums if several else (batch_argnums,))])  # type: ignore[union-attr, arg-type]
    return Compiled(f, batched, dtype, exact)


def jit_graph(
    root: Value, inputs: Sequence[Value], *, dtype: str = "float64", exact: bool = False
) -> "Compiled":
    """A graph that exists, as a function of the numbers of some of its nodes.

    root: the result. inputs: the nodes whose numbers are given; nodes computed from them are
    computed anew, and other leaves keep being read where they are.
    Gives a compiled function of one list of numbers, as many as inputs.
    Raises LengthError if there are no inputs.
    """
    from autograd.compiler.trace import replay

    if not inputs:
        raise LengthError("expected at least one node as input, but got none")
    for node in (root, *inputs):
        if not isinstance(node, Value):
            raise OperandError(f"expected nodes, but got {node!r:.80} ({type(node).__name__})")

    def replayed(numbers: Any) -> Any:
        if len(numbers) != len(inputs):
            raise LengthError(f"expected {len(inputs)} numbers, but got {len(numbers)}")
        return replay(root, inputs, list(numbers))

    return jit(replayed, dtype=dtype, exact=exact)


def jit_training(
    loss: Callable[[Any, Any], Any],
    rule: Callable[..., Sequence[Any]],
    parameters: Sequence[Value],
    xs: Any,
    ys: Any,
    *,
    states: int = 0,
    dtype: str = "float64",
    exact: bool = False,
) -> "TrainingLoop":
    """Gradient descent whose epochs are one call into machine code each.

    loss: of one row, loss(x, y), a function of the Values `parameters`.
    rule: the optimiser, written for one parameter: (parameter, gradient, state..., step, lr) ->
        (parameter, state...), with as many numbers of state as `states`.
    xs, ys: arrays [rows, ...].
    Raises TraceError if the loss or the rule cannot be compiled, MissingExtraError without
    llvmlite.
    """
    from autograd.compiler.training import TrainingLoop

    return TrainingLoop(loss, rule, states, parameters, xs, ys, dtype=dtype, exact=exact)


def jit_rule(
    rule: Callable[..., Sequence[Any]],
    *,
    states: int = 0,
    dtype: str = "float64",
    exact: bool = False,
) -> "CompiledRule":
    """An optimiser's rule for one parameter, compiled to move all of them in place.

    rule: (parameter, gradient, state..., step, lr) -> (parameter, state...), with as many numbers
        of state as `states`.
    Gives update(parameters, gradient, state..., step=, lr=), of flat arrays or Packed structures of
    `dtype`, which changes parameters and state in place. Without llvmlite it is interpreted.
    """
    return CompiledRule(rule, states, dtype, exact)


@final
class CompiledRule:
    """An optimiser's rule over flat arrays; see `jit_rule`."""

    def __init__(
        self, rule: Callable[..., Sequence[Any]], states: int, dtype: str, exact: bool
    ) -> None:
        self.__wrapped__ = rule
        self.states, self.dtype, self.exact = states, dtype, exact
        self._compiled: dict[int, Any] = {}

    def __call__(self, parameters: Any, gradient: Any, *state: Any, step: int, lr: float) -> None:
        """Move the parameters. step: which update this is, from 1."""
        from autograd.compiler.training import Rule

        arrays = [x.flat if isinstance(x, Packed) else x for x in (parameters, gradient, *state)]
        if len(state) != self.states:
            raise LengthError(f"expected {self.states} arrays of state, but got {len(state)}")
        n = len(arrays[0]) if hasattr(arrays[0], "__len__") else 1
        for k, x in enumerate(arrays):
            if getattr(x, "dtype", None) != self.dtype or x.shape != (n,):
                raise StructureError(
                    f"expected flat arrays of {n} numbers of {self.dtype}, but got {x!r:.80}; "
                    "pack nested structures with Packed.of"
                )
            # machine code writes to bare addresses: n numbers in a row, whoever owns them
            if not x.flags.c_contiguous or not (x.flags.writeable or k == 1):
                raise StructureError(
                    f"expected arrays whose numbers lie side by side and may be written, but got "
                    f"strides {x.strides} and writeable={x.flags.writeable}; pass x.copy()"
                )
        if n == 0:
            return
        if n not in self._compiled:
            self._compiled[n] = Rule(self.__wrapped__, self.states, n, self.dtype, self.exact)
        self._compiled[n](arrays, step, lr)


class Report(NamedTuple):
    """How a function was compiled.

    tape: the program as instructions on scalars. loops: what they were rolled into. llvm: the text
    of the kernels. seconds: spent in each pass. interpreted: whether there is no machine code.
    """

    tape: str
    loops: str
    llvm: str
    seconds: dict[str, float]
    instructions: dict[str, int]
    interpreted: bool

    def __str__(self) -> str:
        passes = "\n".join(f"  {name:14} {s * 1e3:8.1f} ms" for name, s in self.seconds.items())
        counts = "\n".join(f"  {name:14} {n:8d}" for name, n in self.instructions.items())
        return f"instructions after\n{counts}\ntime\n{passes}\nloops\n{self.loops}"


@final
class Compiled:
    """A compiled function; call it as the one it was made from."""

    def __init__(
        self, f: Callable[..., Any], batched: tuple[int, ...], dtype: str, exact: bool
    ) -> None:
        self.__wrapped__ = f
        self.__name__ = getattr(f, "__name__", "compiled")
        self.__doc__ = f.__doc__
        self.batched, self.dtype, self.exact = batched, dtype, exact
        self._programs: dict[Any, Any] = {}
        self._latest: Any = None
        self._lock = threading.RLock()  # a function may call itself while it is traced

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            arguments = Arguments(args, kwargs, self.batched, self.dtype)
        except OperandError:
            if not any(map(_is_tracked, flatten((args, kwargs))[0])):
                raise
            if self.batched:
                raise OperandError(
                    "a compiled function with batch_argnums takes plain numbers, but got numbers "
                    "that are being traced or differentiated; compile the outermost function"
                ) from None
            return self.__wrapped__(*args, **kwargs)
        program = self._programs.get(arguments.key)
        if program is None:
            program = self._compile(arguments, args, kwargs)
        if program.captured and modes.depth.get():
            # a derivative is being taken around this call, perhaps by a Value the function captured
            if self.batched:
                raise OperandError(
                    "a compiled function with batch_argnums uses Values of its own, by which an "
                    "outer derivative would miss its part; compile the outermost function"
                )
            return self.__wrapped__(*args, **kwargs)
        return program(arguments)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies and pickles of it compile anew: machine code stays in its process."""
        return Compiled, (self.__wrapped__, self.batched, self.dtype, self.exact)

    def pack(self, structure: Any) -> Packed:
        """The structure over one flat array of this function's dtype, which needs no conversion."""
        return Packed.of(structure, self.dtype)

    def explain(self) -> Report:
        """How the structure of arguments that was compiled last came out.

        Raises RuntimeError if the function has not been called.
        """
        if self._latest is None:
            raise RuntimeError("nothing is compiled yet: call the function first")
        report: Report = self._latest.report()
        return report

    def _compile(self, arguments: "Arguments", args: Any, kwargs: Any) -> Any:
        from autograd.compiler.program import compile_function

        with self._lock:
            if arguments.key not in self._programs:
                self._programs[arguments.key] = self._latest = compile_function(
                    self.__wrapped__, args, kwargs, arguments, self.exact
                )
            return self._programs[arguments.key]


class Arguments:
    """The arguments of a call, taken apart.

    key: their structure, without the numbers.
    loose: the numbers that stand by themselves or in lists, in order.
    arrays: NumPy arrays, those of packed structures among them, of the function's dtype.
    rows: how many rows there are; 0 without batched arguments.
    """

    def __init__(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], batched: tuple[int, ...], dtype: str
    ) -> None:
        self.dtype = dtype
        self.loose: list[float] = []
        self.arrays: list[Any] = []
        self.rows = 0
        self.counts: dict[int, int] = {}
        for position in batched:
            if not -len(args) <= position < len(args):
                raise StructureError(
                    f"batch_argnums={position} names an argument that is not there: "
                    f"{len(args)} given"
                )
        self.places = places = {position % len(args) for position in batched}
        parts = []
        for k, x in enumerate(args):
            parts.append(self._rows(x, k) if k in places else self._take(x))
        keyed = tuple([(name, self._take(x)) for name, x in kwargs.items()])
        self.key = (tuple(parts), keyed)
        if len(set(self.counts.values())) > 1:
            raise LengthError(
                f"expected as many rows in each batched argument, but got {self.counts} "
                "(argument: rows)"
            )
        if places and not self.counts:
            raise LengthError("expected at least one array of rows, but the batch has none")
        if places:
            self.rows = next(iter(self.counts.values()))
            if self.rows == 0:
                raise LengthError("expected at least one row, but the batch is empty")

    def _take(self, x: Any) -> Any:
        kind = type(x)
        if kind is float or kind is int:
            self.loose.append(x)
            return "."
        if kind is list or kind is tuple:
            return (kind, tuple([self._take(item) for item in x]))
        if isinstance(x, Packed):
            array = _array(x.flat, self.dtype)
            self.arrays.append(array)
            return (Packed, x.key, array.shape)  # flat may have been replaced
        if isinstance(x, dict):
            return (dict, tuple([(key, self._take(item)) for key, item in x.items()]))
        if isinstance(x, (list, tuple)):
            return (kind, tuple([self._take(item) for item in x]))
        shape = getattr(x, "shape", ())
        if shape != ():
            self.arrays.append(_array(x, self.dtype))
            return ("array", tuple(shape))
        self.loose.append(as_float(x))
        return "."

    def _rows(self, x: Any, argument: int) -> Any:
        if isinstance(x, dict):
            items = tuple([(key, self._rows(item, argument)) for key, item in x.items()])
            return (dict, items)
        if isinstance(x, tuple):  # of arrays; rows stand in a list or an array
            return (type(x), tuple([self._rows(item, argument) for item in x]))
        if isinstance(x, Packed):
            raise StructureError(
                f"expected argument {argument} to be an array of rows, or a dict or tuple of "
                "them, but got a Packed structure"
            )
        array = _array(x, self.dtype)
        if array.ndim == 0:
            raise StructureError(
                f"expected argument {argument} to have a row for each sample, but got {x!r:.80}"
            )
        self.counts[argument] = len(array)
        self.arrays.append(array)
        return ("rows", array.shape[1:], isinstance(x, (list, tuple)))


def _is_tracked(x: Any) -> bool:
    """Whether a number remembers what is done with it: a Value, a traced or a dual number."""
    return isinstance(x, Value) or hasattr(x, "__apply_primitive__")


def _array(x: Any, dtype: str) -> Any:
    import numpy as np

    if type(x) is np.ndarray and x.dtype == dtype and x.flags.c_contiguous:
        return x
    try:
        array = np.ascontiguousarray(x)
    except ValueError as error:
        raise StructureError(f"expected rows of equal length, but got {x!r:.80}: {error}") from None
    if array.dtype.kind not in "fiub":
        raise OperandError(
            f"expected an array of real numbers, but got dtype {array.dtype}: {x!r:.80}"
        )
    return array.astype(dtype).reshape(np.shape(x))
