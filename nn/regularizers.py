"""Penalties on the size of numbers, added to the loss: weights that are not needed shrink.

A regulariser is a function of a list of numbers, of any kind, that gives one number. On a layer's
weights it counts once a batch, on its outputs (`activity_regularizer`) as the mean over the rows.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, final

import autograd
from nn.errors import HyperparameterError, UnknownNameError

Regularizer = Callable[[Sequence[Any]], Any]
RegularizerLike = str | Mapping[str, Any] | Regularizer | None


def _check_factor(name: str, x: Any) -> None:
    if not isinstance(x, (int, float)) or not 0.0 <= x < float("inf"):
        raise HyperparameterError(f"expected {name} to be at least 0 and finite, but got {x!r}")


def _absolute(l1: Any, xs: Sequence[Any]) -> Any:
    return l1 * autograd.total([autograd.abs(x) for x in xs])


def _squares(l2: Any, xs: Sequence[Any]) -> Any:
    return l2 * autograd.dot(xs, xs)


@final
@dataclass(frozen=True)
class L1:
    """l1 times the sum of |x|, which drives many numbers to exactly 0. Tibshirani 1996."""

    l1: float = 0.01

    def __post_init__(self) -> None:
        _check_factor("l1", self.l1)

    def __call__(self, xs: Sequence[Any]) -> Any:
        return _absolute(self.l1, xs)

    def config(self) -> dict[str, Any]:
        return {"name": "l1", **asdict(self)}


@final
@dataclass(frozen=True)
class L2:
    """l2 times the sum of x^2, without a factor of 1/2. Hoerl & Kennard 1970; weight decay."""

    l2: float = 0.01

    def __post_init__(self) -> None:
        _check_factor("l2", self.l2)

    def __call__(self, xs: Sequence[Any]) -> Any:
        return _squares(self.l2, xs)

    def config(self) -> dict[str, Any]:
        return {"name": "l2", **asdict(self)}


@final
@dataclass(frozen=True)
class L1L2:
    """The sum of both, the elastic net. Zou & Hastie 2005."""

    l1: float = 0.0
    l2: float = 0.0

    def __post_init__(self) -> None:
        _check_factor("l1", self.l1)
        _check_factor("l2", self.l2)

    def __call__(self, xs: Sequence[Any]) -> Any:
        return _absolute(self.l1, xs) + _squares(self.l2, xs)

    def config(self) -> dict[str, Any]:
        return {"name": "l1_l2", **asdict(self)}


REGULARIZERS: dict[str, Callable[..., Regularizer]] = {"l1": L1, "l2": L2, "l1_l2": L1L2}
_BY_NAME: dict[str, Regularizer] = {"l1": L1(), "l2": L2(), "l1_l2": L1L2(0.01, 0.01)}


def regularizer(given: RegularizerLike) -> Regularizer | None:
    """The regulariser of this name, with factors of 0.01, or of a dict as `config` of a layer has.

    A function of a list of numbers is returned as it is. Raises UnknownNameError if there is no
    such name.
    """
    if given is None or callable(given):
        return given
    if isinstance(given, Mapping):
        options = dict(given)
        name = options.pop("name", None)
        if name in REGULARIZERS:
            return REGULARIZERS[name](**options)
        raise UnknownNameError("regulariser", name, REGULARIZERS)
    if given not in _BY_NAME:
        raise UnknownNameError("regulariser", given, _BY_NAME)
    return _BY_NAME[given]
