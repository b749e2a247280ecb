"""Data sets made by a formula and chance: equal seeds give equal rows. Classes in the plane."""

from typing import TYPE_CHECKING, Any

from nn.data.checks import check_count, check_seed, check_size, generator, needs_extra
from nn.data.dataset import DataSet
from nn.data.gates import gate
from nn.errors import HyperparameterError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def moons(rows: int = 200, noise: float = 0.1, seed: int = 0) -> DataSet:
    """Two half circles, each with an end inside the other (scikit-learn's make_moons)."""
    _check(rows, noise, 2)
    xs, ys = _sklearn().make_moons(rows, noise=noise, random_state=check_seed(seed))
    return _in_the_plane(xs, ys, ("upper", "lower"))


def circles(rows: int = 200, noise: float = 0.05, seed: int = 0, factor: float = 0.5) -> DataSet:
    """A circle of radius 1 about one of radius `factor`, below 1 (scikit-learn's make_circles)."""
    _check(rows, noise, 2)
    if not 0.0 <= factor < 1.0:
        raise HyperparameterError(f"expected factor to be from 0 to below 1, but got {factor!r}")
    xs, ys = _sklearn().make_circles(
        rows, noise=noise, random_state=check_seed(seed), factor=factor
    )
    return _in_the_plane(xs, ys, ("outer", "inner"))


def blobs(
    rows: int = 200, centers: int = 3, features: int = 2, noise: float = 1.0, seed: int = 0
) -> DataSet:
    """Normal clouds about centers drawn from -10 to 10, one a class (scikit-learn's make_blobs)."""
    check_count("centers", centers)
    check_count("features", features)
    _check(rows, noise, centers)
    xs, ys = _sklearn().make_blobs(
        rows, features, centers=centers, cluster_std=noise, random_state=check_seed(seed)
    )
    return _in_the_plane(xs, ys, tuple(f"blob {k + 1}" for k in range(centers)))


def spirals(
    rows: int = 200, arms: int = 2, noise: float = 0.02, seed: int = 0, turns: float = 1.5
) -> DataSet:
    """Arms of a spiral wound into each other, one a class, out to radius 1.

    After the two-spirals problem: Lang & Witbrock 1988, "Learning to tell two spirals apart".
    """
    import numpy as np

    check_count("arms", arms)
    check_size("turns", turns)
    _check(rows, noise, arms)
    rng = generator(seed)
    ys = np.arange(rows) % arms
    # an arm's length up to radius r grows as r squared: the root keeps its points equally close
    radius = np.sqrt(np.linspace(0.01, 1.0, rows))
    angle = 2.0 * np.pi * (turns * radius + ys / arms)
    xs = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return _shuffled(xs, ys, noise, rng, tuple(f"arm {k + 1}" for k in range(arms)))


def xor_clouds(rows: int = 200, noise: float = 0.15, seed: int = 0) -> DataSet:
    """The four rows of the XOR gate, each many times over and blurred by normal noise."""
    import numpy as np

    _check(rows, noise, 4)
    inputs, outputs = gate("xor")
    corner = np.arange(rows) % 4
    xs, ys = np.array(inputs)[corner], np.array(outputs)[corner]
    return _shuffled(xs, ys, noise, generator(seed), ("0", "1"))


def _check(rows: int, noise: float, least: int) -> None:
    check_count("rows", rows, least)  # one for each class or cloud at least
    check_size("noise", noise)


def _shuffled(
    xs: "NDArray[np.float64]",
    ys: "NDArray[Any]",
    noise: float,
    rng: "np.random.Generator",
    class_names: tuple[str, ...],
) -> DataSet:
    order = rng.permutation(len(xs))
    return _in_the_plane((xs + rng.normal(0.0, noise, xs.shape))[order], ys[order], class_names)


def _in_the_plane(
    xs: "NDArray[np.float64]", ys: "NDArray[Any]", class_names: tuple[str, ...]
) -> DataSet:
    return DataSet(xs, ys, tuple(f"x{k + 1}" for k in range(xs.shape[1])), class_names)


def _sklearn() -> Any:
    try:
        from sklearn import datasets
    except ImportError:
        raise needs_extra("this data set") from None
    return datasets
