"""What the functions of this package ask of their arguments."""

from collections.abc import Sequence
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

from autograd import LengthError, MissingExtraError
from nn.errors import HyperparameterError

if TYPE_CHECKING:
    from numpy.random import Generator


def check_seed(seed: int) -> int:
    """The seed, if both NumPy and scikit-learn take it."""
    if not isinstance(seed, Integral) or not 0 <= seed < 2**32:
        raise HyperparameterError(
            f"expected seed to be a whole number from 0 to 2**32 - 1, but got {seed!r}"
        )
    return int(seed)


def generator(seed: int) -> "Generator":
    """NumPy's random generator: equal seeds give equal numbers."""
    import numpy as np

    return np.random.default_rng(check_seed(seed))


def check_count(name: str, n: int, least: int = 1) -> None:
    if not isinstance(n, Integral) or n < least:
        raise HyperparameterError(f"expected {name} to be a whole number from {least}, got {n!r}")


def check_size(name: str, size: float) -> None:
    if not isinstance(size, Real) or not 0.0 <= size < float("inf"):
        raise HyperparameterError(f"expected {name} to be a number from 0, but got {size!r}")


def check_lengths(arrays: Sequence[Any]) -> int:
    """How many rows all of these have."""
    lengths = [len(array) for array in arrays]
    if not lengths or 0 in lengths or len(set(lengths)) > 1:
        raise LengthError(
            "expected arrays with one row for each sample, as many in each and at least one, "
            f"but got {' and '.join(map(str, lengths)) or 'no array'}"
        )
    return lengths[0]


def needs_extra(what: str) -> MissingExtraError:
    """The error to raise where scikit-learn, or the SciPy that comes with it, is missing."""
    return MissingExtraError(f"{what} needs scikit-learn: pip install 'glassgrad[data]'")
