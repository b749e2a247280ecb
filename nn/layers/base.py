"""SequentialLayer: what a layer of a Sequential is. Pass: one row's way through such layers."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import InitVar, dataclass
from inspect import signature
from itertools import islice
from random import Random
from typing import Any, final

from autograd import LengthError, Value
from nn.activations import ACTIVATIONS
from nn.errors import HyperparameterError
from nn.init import INITIALIZERS
from nn.module import Module, name_parts

Shape = tuple[int, ...]


class Pass:
    """One row's way through a network.

    training: whether this is training, in which dropout drops, or inference.
    penalties: what activity regularisers add to the row's loss.
    random_numbers: for `uniforms`, in [0, 1): as many as the layers' `random_numbers` together.
    """

    def __init__(self, training: bool = False, random_numbers: Sequence[Any] = ()) -> None:
        self.training = training
        self.penalties: list[Any] = []
        self._unused = iter(random_numbers)

    def uniforms(self, n: int) -> list[Any]:
        """The next n random numbers. Raises LengthError if there are not that many left."""
        numbers = list(islice(self._unused, n))
        if len(numbers) < n:
            raise LengthError(
                f"a layer asked for {n} random numbers, but {len(numbers)} were left; expected as "
                "many as the layers' random_numbers together"
            )
        return numbers


@dataclass(eq=False, repr=False, kw_only=True)
class SequentialLayer(Module):
    """Base class of layers that learn their input's shape when they are built.

    input_dim, input_shape: the shape of one row, for a network's first layer: n, or (n,), (h, w,
        channels) ...; other layers get it from the one before.
    name: by default the class's, in lower case.

    A subclass writes `prepare` and `row`, and keeps each argument of `__init__` in an attribute of
    its name. Raises HyperparameterError if an option makes no sense.
    """

    input_dim: InitVar[int | None] = None
    input_shape: Shape | None = None
    name: str | None = None

    def __post_init__(self, input_dim: int | None) -> None:
        if input_dim is not None:
            if self.input_shape is not None:
                raise HyperparameterError("expected input_dim or input_shape, but got both")
            self.input_shape = (input_dim,)
        if self.input_shape is not None:
            self.input_shape = sizes("input_shape", self.input_shape)
        self.name = self.name or _snake_case(type(self).__name__)
        self._output_shape: Shape | None = None

    # --- what a layer is ----------------------------------------------------------------------

    @abstractmethod
    def prepare(self, input_shape: Shape, rng: Random) -> Shape:
        """Make the weights, if there are any, for rows of this shape; gives the output's shape.

        Raises HyperparameterError if the layer does not take rows of this shape.
        """

    @abstractmethod
    def row(self, x: Any, run: Pass) -> Any:
        """The output for one row, as nested lists, of numbers of any kind."""

    @property
    def random_numbers(self) -> int:
        """How many uniforms a row takes in training."""
        return 0

    def penalty(self) -> list[Any]:
        """The terms that the weights add to the loss of a batch."""
        return []

    def constraints(self) -> list[tuple[Callable[[Sequence[Any]], list[Any]], list[Value]]]:
        """Functions to apply after each update, each with the weights that it takes and gives."""
        return []

    def get_weights(self) -> list[Any]:
        """The numbers of the weights in Keras's arrangement, as nested lists."""
        return []

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Set the numbers of the weights, nested lists or arrays as `get_weights` gives them.

        Raises LengthError if their shapes differ; nothing is changed then.
        """
        if len(weights):
            raise LengthError(
                f"expected no weights for {self.name!r}, which has none, but got {len(weights)}"
            )

    # --- what follows from it -----------------------------------------------------------------

    @final
    def build(self, input_shape: Shape, rng: Random) -> None:
        """Make the layer for rows of this shape; a layer that is built for it stays as it is.

        Raises HyperparameterError if the layer is for rows of another shape.
        """
        shape = sizes("input_shape", input_shape)
        if self.input_shape not in (None, shape):
            raise HyperparameterError(
                f"{self.name!r} is for rows of shape {self.input_shape}, but those that come have "
                f"shape {shape}"
            )
        if self._output_shape is None:
            self._output_shape = self.prepare(shape, rng)
            self.input_shape = shape
            name_parts(self)

    @property
    def built(self) -> bool:
        """Whether the shapes are known and the weights made."""
        return self._output_shape is not None

    @property
    def output_shape(self) -> Shape:
        """The shape of one row's output. Raises RuntimeError before `build`."""
        if self._output_shape is None:
            raise RuntimeError(
                f"{self.name!r} is not built yet: add it to a Sequential whose first layer has an "
                "input_shape, or call build(input_shape, random.Random(0))"
            )
        return self._output_shape

    @final
    def forward(self, x: Any) -> Any:
        """The output for a row or a batch of rows, in inference mode.

        Raises LengthError if x has not the shape of a row or of a list of rows.
        """
        x = nested(x)
        shape, expected, _ = shape_of(x), self.input_shape, self.output_shape
        if shape == expected:
            return self.row(x, Pass())
        if shape[1:] == expected:
            return [self.row(row, Pass()) for row in x]
        raise LengthError(
            f"{self.name!r} expected a row of shape {expected} or a list of such rows, but got "
            f"numbers of shape {shape}"
        )

    def config(self) -> dict[str, Any]:
        """Arguments of `__init__` in JSON's types: type(layer)(**config) makes it again, unbuilt.

        A function of your own is {"custom_object": its name}, which `nn.load` is given again.
        Raises HyperparameterError for a function that has no name.
        """
        arguments = [name for name in signature(type(self)).parameters if name != "input_dim"]
        missing = [name for name in arguments if not hasattr(self, name)]
        if missing:
            raise HyperparameterError(
                f"{type(self).__name__}.__init__ takes {', '.join(missing)}; keep each argument in "
                "an attribute of its name, or write config()"
            )
        return {name: self._json(name, getattr(self, name)) for name in arguments}

    def _json(self, name: str, x: Any) -> Any:
        """An argument in JSON's types."""
        if isinstance(x, (list, tuple)):
            return [self._json(name, item) for item in x]
        if x is None or isinstance(x, (bool, int, float, str, dict)):
            return x
        if hasattr(x, "config"):
            return x.config()
        for table in (ACTIVATIONS, INITIALIZERS):
            for known, function in table.items():
                if function is x:
                    return known
        own = getattr(x, "__name__", "")
        if own.isidentifier():
            return {"custom_object": own}
        raise HyperparameterError(
            f"{name}={x!r:.80} of {self.name!r} has no name that could be written down; def it at "
            "the top of a module, and give it to nn.load(path, custom_objects={its name: it}), or "
            "take a known one, such as 'relu' or 'l2'"
        )

    def describe(self) -> str:
        return f"{self.input_shape} -> {self.output_shape}" if self.built else "not built"


# --- paths and shapes ---------------------------------------------------------------------------


def nested(x: Any) -> Any:
    """The same as nested lists, for an array or a list of arrays."""
    if hasattr(x, "tolist"):
        return x.tolist()
    return [nested(item) for item in x] if isinstance(x, (list, tuple)) else x


def shape_of(x: Any) -> Shape:
    """The lengths of nested lists, outermost first. Raises LengthError if they are ragged."""
    if not isinstance(x, (list, tuple)):
        return ()
    inner = set(map(shape_of, x))
    if len(inner) > 1:
        raise LengthError(f"expected rows of one shape, but got {sorted(inner)!r:.80} in one list")
    return (len(x), *(inner.pop() if inner else ()))


def flat(x: Any) -> list[Any]:
    """The numbers of nested lists, the last axis moving fastest."""
    return [y for item in x for y in flat(item)] if isinstance(x, (list, tuple)) else [x]


def shaped(numbers: Sequence[Any], shape: Shape) -> list[Any]:
    """Nested lists of this shape, at least one long, from as many numbers: `flat` undone."""
    for size in reversed(shape[1:]):
        numbers = [list(numbers[i : i + size]) for i in range(0, len(numbers), size)]
    return list(numbers)


def sizes(name: str, shape: Any, length: int | None = None) -> Shape:
    """A shape as a tuple; a single number, where `length` is given, goes for each axis.

    Raises HyperparameterError unless all are whole numbers from 1.
    """
    found = tuple(shape) if isinstance(shape, (list, tuple)) else ()
    if length is not None and isinstance(shape, int):
        found = (shape,) * length
    whole = all(isinstance(n, int) and not isinstance(n, bool) and n >= 1 for n in found)
    if not found or not whole or length not in (None, len(found)):
        count = {None: "whole numbers", 1: "a whole number"}.get(length, f"{length} whole numbers")
        raise HyperparameterError(f"expected {name} to be {count} from 1, but got {shape!r:.80}")
    return found


def _snake_case(name: str) -> str:
    """As Keras calls its layers: "max_pooling2d" for "MaxPooling2D"."""
    words = "".join("_" + c.lower() if c.isupper() else c for c in name).strip("_")
    return words.replace("2_d", "2d")
