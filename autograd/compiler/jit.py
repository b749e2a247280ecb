"""jit: a function of scalars, compiled when it is first called.

The function is traced (`trace.py`), once for each structure of its arguments, and what it did
becomes a tape, a shorter tape, loops, and machine code.
"""

import sys
from collections.abc import Callable, Sequence
from functools import update_wrapper
from operator import index
from typing import TYPE_CHECKING, Any, NamedTuple, final, overload

from autograd import modes
from autograd.compiler.newest import Newest
from autograd.compiler.packed import Packed
from autograd.errors import LengthError, OperandError
from autograd.locks import Lock
from autograd.tree import flatten
from autograd.value import Value
from autograd.vmap import Axes, Mapped

if TYPE_CHECKING:
    from autograd.compiler.arguments import Arguments
    from autograd.compiler.mapped import CompiledMap
    from autograd.compiler.portable import PortableGradient
    from autograd.compiler.rule import CompiledRule
    from autograd.compiler.step import CompiledStep
    from autograd.compiler.training import TrainingLoop

_DTYPES = ("float64", "float32")


@overload
def jit(  # type: ignore[overload-overlap]  # a Mapped can be called, too
    f: Mapped, *, dtype: str = ..., exact: bool = ...
) -> "CompiledMap": ...


@overload
def jit(
    f: Callable[..., Any],
    *,
    batch_argnums: int | Sequence[int] = ...,
    mean: bool = ...,
    dtype: str = ...,
    exact: bool = ...,
) -> "Compiled": ...


def jit(
    f: Callable[..., Any],
    *,
    batch_argnums: int | Sequence[int] = (),
    mean: bool = True,
    dtype: str = "float64",
    exact: bool = False,
) -> "Compiled | CompiledMap":
    """The function, compiled to machine code at its first call, and again for each new structure.

    f: a function of numbers in nested lists, tuples, dicts and NumPy arrays, which gives such a
        structure; also what grad, value_and_grad, hessian, vmap ... make of one.
    batch_argnums: arguments that have a leading axis of rows: f is written for one row, and each
        number of the result is the mean over the rows.
    mean: False to have a result for each row instead: each number of the result is an array [rows],
        each array has a leading axis of rows.
    dtype: "float64" or "float32".
    exact: keep every bit of the eager engine; otherwise sums may run in another order, products and
        sums may be rounded once instead of twice, and elementary functions differ by the last bit.

    Values that f uses and that are no arguments are read afresh at each call. A branch that depends
    on a number, or a number taken out of the trace, raises TraceError. Without llvmlite the tape is
    interpreted, with one warning.
    """
    if not callable(f):
        raise TypeError(f"expected a function to compile, but got {f!r:.80}")
    if isinstance(f, Mapped) and batch_argnums == ():
        from autograd.compiler.mapped import CompiledMap

        return CompiledMap(f, _known(dtype), exact)
    return Compiled(f, _positions(batch_argnums), _known(dtype), exact, mean)


def _known(dtype: str) -> str:
    if dtype not in _DTYPES:
        raise ValueError(f"expected dtype to be one of {_DTYPES}, but got {dtype!r}")
    return dtype


def _positions(batch_argnums: int | Sequence[int]) -> tuple[int, ...]:
    several = isinstance(batch_argnums, (tuple, list))
    return tuple([index(k) for k in (batch_argnums if several else (batch_argnums,))])  # type: ignore[union-attr, arg-type]


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
    loss: Callable[..., Any],
    rule: Callable[..., Sequence[Any]],
    parameters: Sequence[Value],
    *data: Any,
    states: int = 0,
    transform_gradient: Callable[[list[Any]], Sequence[Any]] | None = None,
    project: Callable[[list[Any]], Sequence[Any]] | None = None,
    dtype: str = "float64",
    exact: bool = False,
) -> "TrainingLoop":
    """Gradient descent whose epochs are one call into machine code each.

    loss: of one row, loss(x, y), a function of the Values `parameters`; or (loss, measure, ...),
        where measures are numbers to report beside it.
    rule: the optimiser, written for one parameter: (parameter, gradient, state..., step, lr) ->
        (parameter, state...), with as many numbers of state as `states`.
    data: arrays [rows, ...], one for each argument of the loss.
    transform_gradient: from the list of all gradients to that which the rule gets. project: from
        the list of all parameters after an update to that which takes their place.
    Raises TraceError if the loss or the rule cannot be compiled, MissingExtraError without
    llvmlite.
    """
    from autograd.compiler.training import TrainingLoop

    return TrainingLoop(
        loss,
        rule,
        states,
        parameters,
        data,
        transform_gradient=transform_gradient,
        project=project,
        dtype=dtype,
        exact=exact,
    )


def portable_gradient(
    loss: Callable[..., Any],
    parameters: Sequence[Value],
    *data: Any,
    dtype: str = "float64",
    exact: bool = False,
) -> "PortableGradient":
    """The gradient of a loss by Values as a function of plain numbers that can be pickled.

    loss, data: as for `jit_training`; the data give the structure of a row.
    Gives gradient(numbers, *data) -> ([loss, measure, ...], gradient), means over the rows, where
    numbers are those of the Values `gradient.captured`. It compiles where it is first called: the
    same bits come on every machine with the same processor, and with exact=True on all.
    Raises TraceError if the loss cannot be compiled, MissingExtraError without llvmlite.
    """
    from autograd.compiler.portable import PortableGradient

    return PortableGradient(loss, parameters, data, _known(dtype), exact)


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
    from autograd.compiler.rule import CompiledRule

    return CompiledRule(rule, states, dtype, exact)


def jit_step(
    loss: Callable[..., Any],
    rule: Callable[..., Sequence[Any]],
    *,
    states: int = 0,
    batch_argnums: int | Sequence[int] = (),
    dtype: str = "float64",
    exact: bool = False,
) -> "CompiledStep":
    """A step of training as one call into machine code: the gradient of a loss, then the rule.

    loss: (parameters, ...) -> a number. rule, states: as for `jit_rule`. batch_argnums, dtype,
        exact: as for `jit`.
    Gives step(parameters, state, ..., step=, lr=): parameters is a Packed structure, state a
    sequence of `states` flat arrays as long, both changed in place; then come the loss's other
    arguments. It gives the loss as it was before the update.
    """
    from autograd.compiler.step import CompiledStep

    return CompiledStep(loss, rule, states, _positions(batch_argnums), _known(dtype), exact)


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
        self,
        f: Callable[..., Any],
        batched: tuple[int, ...],
        dtype: str,
        exact: bool,
        mean: bool,
    ) -> None:
        self.__name__ = "compiled"  # where f has no name
        update_wrapper(self, f)
        self.__wrapped__ = f
        self.batched, self.dtype, self.exact, self.mean = batched, dtype, exact, mean
        self._arguments: Any = None  # its class: it needs NumPy, which loads at the first call
        self._programs = Newest()
        self._latest: Any = None
        self._lock = Lock()  # a function may call itself while it is traced

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._arguments is None:
            from autograd.compiler.arguments import Arguments

            self._arguments = Arguments
        try:
            arguments = self._arguments(args, kwargs, self.batched, self.dtype)
        except OperandError:
            if not any_tracked((args, kwargs)):
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
        if program.captured and modes.inside_derivative.get():
            # a derivative is being taken around this call, perhaps by a Value the function captured
            if self.batched:
                raise OperandError(
                    "a compiled function with batch_argnums uses Values of its own, by which an "
                    "outer derivative would miss its part; compile the outermost function"
                )
            return self.__wrapped__(*args, **kwargs)
        result = program(arguments)
        if modes.open_blocks and (watch := modes.watcher()) is not None:
            watch.compiled(self, result, args, kwargs)
        return result

    def __reduce__(self) -> str | tuple[Any, ...]:
        """Copies and pickles of it compile anew: machine code stays in its process."""
        qualified: str = getattr(self, "__qualname__", "")
        found: Any = sys.modules.get(self.__module__)
        for name in qualified.split("."):
            found = getattr(found, name, None)
        if found is self:  # jit was a decorator: by its name, as any function
            return qualified
        return Compiled, (self.__wrapped__, self.batched, self.dtype, self.exact, self.mean)

    def __vmap__(self, in_axes: Axes, out_axes: Axes) -> "Mapped | CompiledMap":
        """Of a compiled function, the map is compiled."""
        if self.batched:
            return Mapped(self, in_axes, out_axes)
        return jit(Mapped(self.__wrapped__, in_axes, out_axes), dtype=self.dtype, exact=self.exact)

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
                    self.__wrapped__, args, kwargs, arguments, self.exact, self.mean
                )
            return self._programs[arguments.key]


def any_tracked(structure: Any) -> bool:
    """Whether a number remembers what is done with it: a Value, a traced or a dual number."""
    numbers, _ = flatten(structure)
    return any(isinstance(x, Value) or hasattr(x, "__apply_primitive__") for x in numbers)
