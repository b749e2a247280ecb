"""A function made ready to leave Python: flat arrays in and out, its loops, and a check at the end.

Every export starts here, whatever language it writes, and ends with `agreement`: what was written
is run at the example and near it, and held against the eager engine.
"""

import inspect
import math
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any, NamedTuple, final

import numpy as np

from autograd.compiler.arguments import Arguments
from autograd.compiler.rolled import RolledFunction, no_collection
from autograd.errors import ExportError, LengthError
from autograd.operands import as_float
from autograd.transforms import value_and_grad
from autograd.tree import Rebuild, array_of, flatten, skeleton
from autograd.value import Value

POINTS = 4  # how many inputs an export is checked at: the example, and others near it
FAR = 12  # and how many far from it, where formulas are checked on other branches
LEAST_NORMAL = 2.0**-1022  # below it float64 itself has fewer digits

Arrays = Sequence[Any]


class Slot(NamedTuple):
    """An argument or a result: a flat array of float64.

    structure: as in Python, with a dot for each number. rebuild: from the numbers to it.
    """

    name: str
    size: int
    structure: Any
    rebuild: Rebuild


class Agreement(NamedTuple):
    """How near an export is to the eager engine, over all inputs it was checked at.

    ulp: the largest difference in units of the last place, 0.0 if all bits are the same.
    relative: the largest difference relative to the size of its own result array.
    where: the result with the largest ulp.
    """

    ulp: float
    relative: float
    where: str

    def __str__(self) -> str:
        if self.ulp == 0.0:
            return "equal to the eager engine, bit for bit"
        return (
            f"within {self.ulp:.3g} ulp of the eager engine (relative {self.relative:.1e}), "
            f"worst at {self.where}"
        )


@final
class Portable:
    """A function of flat arrays, with the loops that compute it.

    arguments, results: what goes in and comes out; with a gradient the results are the value and
        one gradient for each argument.
    rolled: the function as a tape and as loops (`compiler/rolled.py`). Its buffers are, in order:
        loose numbers (none), one for each argument, `constants`; loose results (none), one for
        each result.
    constants: the numbers of the Values that the function uses and that are no arguments, such as
        a network's weights, as they are now.
    """

    def __init__(
        self,
        f: Callable[..., Any],
        examples: Sequence[Any],
        gradient: bool | None,
        exact: bool = True,
        stops: bool = False,
    ) -> None:
        """examples: an argument each. gradient: whether value and gradient, or the value alone;
            None for a gradient where f gives one number.

        exact: to the eager engine's bits. stops: keep `stop_gradient` among the operations.

        Raises LengthError if there are no numbers in the examples, StructureError if a gradient is
        wanted of more than one number, TypeError for what is no function, TraceError.
        """
        if not callable(f):
            raise TypeError(
                f"expected a function, and an example of each of its arguments, but got {f!r:.80} "
                f"({type(f).__name__}); a graph that exists goes to to_json, or to "
                "autograd.symbolic for its formula"
            )
        self.name = _identifier(getattr(f, "__name__", "f"))
        self.arguments: list[Slot] = []
        self.example: list[Any] = []
        for name, example in zip(names_of_parameters(f, len(examples)), examples, strict=True):
            numbers, rebuild = flatten(example)
            self.arguments.append(Slot(name, len(numbers), skeleton(example), rebuild))
            self.example.append(np.array([as_float(x) for x in numbers]))
        if not any(slot.size for slot in self.arguments):
            raise LengthError("expected an example with at least one number, but got none")
        if gradient is None:
            value = f(*examples)
            gradient = not isinstance(value, (list, tuple, dict)) and len(flatten(value)[0]) == 1
        self.gradient = gradient
        everything = tuple(range(len(examples)))
        self._f = value_and_grad(f, everything) if gradient else f
        self.results: list[Slot] = []
        with no_collection():
            arguments = Arguments(tuple(self.example), {}, (), "float64")
            self.rolled = RolledFunction(self.flat, self.example, {}, arguments, exact, stops=stops)
        self.constants = np.array([v.data for v in self.rolled.captured])

    def flat(self, *arrays: Any) -> list[Any]:
        """The function from flat arrays to flat arrays, of numbers of any kind."""
        pairs = zip(self.arguments, arrays, strict=True)
        args = [slot.rebuild(array.tolist()) for slot, array in pairs]
        found = self._f(*args)
        if self.gradient:
            value, gradients = found
            names = ["value", *[f"d_{slot.name}" for slot in self.arguments]]
            parts = [value, *gradients]
        else:
            names, parts = ["value"], [found]
        self.results, flat = [], []
        for name, part in zip(names, parts, strict=True):
            numbers, rebuild = flatten(part)
            self.results.append(Slot(name, len(numbers), skeleton(part), rebuild))
            flat.append(array_of(numbers, (len(numbers),)))
        return flat

    def structured(self, results: Arrays) -> Any:
        """Flat results in the structure that the function returns."""
        pairs = zip(self.results, results, strict=True)
        parts = [slot.rebuild(np.asarray(array).tolist()) for slot, array in pairs]
        return (parts[0], tuple(parts[1:])) if self.gradient else parts[0]

    def points(self, seed: int = 0) -> Iterator[list[Any]]:
        """Inputs to check at: the example, and others a tenth away from it."""
        random = Random(seed)
        yield self.example
        for _ in range(POINTS - 1):
            yield [np.array([_moved(x, random) for x in array]) for array in self.example]

    def check_far(self, run: Callable[..., Arrays]) -> None:
        """Whether `run` computes the function away from the example as well, on either side of 0.

        There are its other branches. Where one of the two has no finite number, nothing is said:
        a formula may go on where the function's domain ends.
        Raises ExportError if it is another function there.
        """
        random = Random(1)
        for _ in range(FAR):
            point = [
                np.array([random.gauss(0.0, 1.0) * (abs(x) + 1.0) for x in array])
                for array in self.example
            ]
            try:
                wanted = [[number_of(y) for y in array] for array in self.flat(*point)]
            except IndexError:
                continue  # an argument is an index
            for slot, want, got in zip(self.results, wanted, run(*point), strict=True):
                pair = np.array([want, got], np.float64)
                pair = pair[:, np.isfinite(pair).all(axis=0)]
                found = _compare(slot.name, pair[0], pair[1], "float64")
                _refuse_wrong(self.name, found, 1e-9)

    def agreement(self, run: Callable[..., Arrays], dtype: str = "float64") -> Agreement:
        """How near `run`, a function of flat arrays, is to the eager engine.

        dtype: of what it computes in, whose ulp is the unit.
        Raises ExportError if it is not even near: then the export is wrong.
        """
        worst = Agreement(0.0, 0.0, "")
        allowed = 1e-9 if dtype == "float64" else 1e-3
        for k, point in enumerate(self.points()):
            try:
                wanted = [[number_of(y) for y in array] for array in self.flat(*point)]
            except IndexError:
                if k == 0:
                    raise
                continue  # an argument is an index, which cannot be moved a little
            given = [np.asarray(array, np.float64).ravel() for array in run(*point)]
            for slot, want, got in zip(self.results, wanted, given, strict=True):
                found = _compare(slot.name, np.asarray(want, np.float64), got, dtype)
                _refuse_wrong(self.name, found, allowed)
                worst = max(worst, found)
        return worst


def _refuse_wrong(name: str, found: Agreement, allowed: float) -> None:
    if not found.relative <= allowed:
        raise ExportError(
            f"what was written of {name} does not compute the same: {found}; this is a fault of "
            "ours, please report it with the function"
        )


def _moved(x: float, random: Random) -> float:
    return x + 0.1 * random.gauss(0.0, 1.0) * (abs(x) or 1.0) if math.isfinite(x) else x


def number_of(y: Any) -> float:
    """A plain number of what an eager function gave: a Value, where it used one."""
    return y.data if isinstance(y, Value) else float(y)


def _compare(name: str, want: Any, got: Any, dtype: str) -> Agreement:
    if want.shape != got.shape:
        return Agreement(math.inf, math.inf, f"{name}, of {got.size} numbers for {want.size}")
    with np.errstate(all="ignore"):
        same = (want == got) | (np.isnan(want) & np.isnan(got))
        if same.all():
            return Agreement(0.0, 0.0, name)
        off = np.where(same, 0.0, np.abs(want - got))
        finite = np.isfinite(want)
        size = float(np.max(np.abs(want[finite]), initial=LEAST_NORMAL))
        unit = np.spacing(np.maximum(np.abs(want), LEAST_NORMAL).astype(dtype)).astype(np.float64)
        ulp = np.where(same, 0.0, off / unit)
    ulp[np.isnan(ulp)] = math.inf
    off[np.isnan(off)] = math.inf
    k = int(np.argmax(ulp))
    return Agreement(float(ulp[k]), float(off.max()) / size, f"{name}[{k}]")


def names_of_parameters(f: Callable[..., Any], count: int) -> list[str]:
    """The names of the parameters, where they can be known."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    names = [_identifier(p.name) for p in parameters if p.kind in plain][:count]
    return names + [f"x{k}" for k in range(len(names), count)]


def _identifier(name: str) -> str:
    """The name, if it is one that every language takes."""
    good = name.isidentifier() and name.isascii() and not name.startswith("__")
    return name.strip("_") or "f" if good else "f"
