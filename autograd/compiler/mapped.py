"""jit(vmap(f)): examples become lanes of one program, which computes once what they share."""

from collections.abc import Callable
from typing import Any, final

from autograd import modes
from autograd.compiler.jit import Compiled, Report, any_tracked
from autograd.compiler.newest import Newest
from autograd.errors import OperandError
from autograd.vmap import Axes, Examples, Mapped, moved


@final
class CompiledMap:
    """A compiled function of many examples; call it as the one it was made from."""

    def __init__(self, mapped: Mapped, dtype: str, exact: bool) -> None:
        self.__wrapped__ = mapped
        self.__name__, self.__doc__ = mapped.__name__, mapped.__doc__
        self.dtype, self.exact = dtype, exact
        self._programs = Newest()  # for each structure of the arguments; jit keeps apart the rest
        self._latest: Compiled | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        mapped = self.__wrapped__
        examples = Examples(mapped.in_axes, args, kwargs)
        program = self._programs.get(examples.template)
        if program is None:
            program = self._programs[examples.template] = Compiled(
                _of_one(mapped.__wrapped__, examples), (0,), self.dtype, self.exact, mean=False
            )
        self._latest = program
        try:
            result = program(tuple(examples.mapped), *examples.shared)
        except OperandError:
            if not any_tracked((args, kwargs)) and not modes.inside_derivative.get():
                raise
            return mapped(*args, **kwargs)  # for a derivative is being taken around this call
        return moved(result, mapped.out_axes)

    def explain(self) -> Report:
        """How the structure of arguments that was called last came out.

        Raises RuntimeError if the function has not been called.
        """
        if self._latest is None:
            raise RuntimeError("nothing is compiled yet: call the function first")
        return self._latest.explain()

    def __vmap__(self, in_axes: Axes, out_axes: Axes) -> "CompiledMap":
        return CompiledMap(Mapped(self.__wrapped__, in_axes, out_axes), self.dtype, self.exact)

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies and pickles of it compile anew: machine code stays in its process."""
        return CompiledMap, (self.__wrapped__, self.dtype, self.exact)


def _of_one(f: Callable[..., Any], examples: Examples) -> Callable[..., Any]:
    """f as a function of the mapped parts of one example, and the shared ones."""
    build = examples.build

    def of_one(mapped: tuple[Any, ...], *shared: Any) -> Any:
        args, kwargs = build(mapped, shared)
        return f(*args, **kwargs)

    of_one.__name__ = getattr(f, "__name__", "compiled")  # as messages call it
    return of_one
