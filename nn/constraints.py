"""What weights are held to after each update: a function of a list of numbers that gives the list
to put in their place.

For the weights of a layer the list is one neuron's incoming weights (of Conv2D, one filter's); for
biases all of a layer's.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, final

from autograd import div, dot, reciprocal, relu, sqrt, where
from nn.errors import HyperparameterError, UnknownNameError

Constraint = Callable[[Sequence[Any]], list[Any]]
ConstraintLike = str | Mapping[str, Any] | Constraint | None


@final
@dataclass(frozen=True)
class MaxNorm:
    """Scales the numbers down to a Euclidean norm of max_value if theirs is larger.

    Srebro & Shraibman 2005; with dropout, Srivastava et al. 2014. Without the epsilon that Keras
    adds to the norm: numbers within the limit stay what they are.
    """

    max_value: float = 2.0

    def __post_init__(self) -> None:
        if not isinstance(self.max_value, (int, float)) or not self.max_value > 0.0:
            raise HyperparameterError(
                f"expected max_value to be above 0, but got {self.max_value!r}"
            )

    def __call__(self, xs: Sequence[Any]) -> list[Any]:
        norm = sqrt(dot(xs, xs))
        scale = where(norm > self.max_value, div(self.max_value, norm), 1.0)
        return [x * scale for x in xs]

    def config(self) -> dict[str, Any]:
        return {"name": "max_norm", **asdict(self)}


@final
@dataclass(frozen=True)
class UnitNorm:
    """Scales the numbers to a Euclidean norm of 1; all zeros stay zeros."""

    def __call__(self, xs: Sequence[Any]) -> list[Any]:
        norm = sqrt(dot(xs, xs))
        scale = where(norm > 0.0, reciprocal(norm), 1.0)
        return [x * scale for x in xs]

    def config(self) -> dict[str, Any]:
        return {"name": "unit_norm", **asdict(self)}


@final
@dataclass(frozen=True)
class NonNeg:
    """Puts 0 in the place of each number below it."""

    def __call__(self, xs: Sequence[Any]) -> list[Any]:
        return [relu(x) for x in xs]

    def config(self) -> dict[str, Any]:
        return {"name": "non_neg", **asdict(self)}


CONSTRAINTS: dict[str, Callable[..., Constraint]] = {
    "max_norm": MaxNorm,
    "unit_norm": UnitNorm,
    "non_neg": NonNeg,
}


def constraint(given: ConstraintLike) -> Constraint | None:
    """The constraint of this name, with its defaults, or of a dict as `config` of a layer has.

    A function of a list of numbers is returned as it is. Raises UnknownNameError if there is no
    such name.
    """
    if given is None or callable(given):
        return given
    options = dict(given) if isinstance(given, Mapping) else {"name": given}
    name = options.pop("name", None)
    if name not in CONSTRAINTS:
        raise UnknownNameError("constraint", name, CONSTRAINTS)
    return CONSTRAINTS[name](**options)
