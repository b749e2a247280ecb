"""The small classic data sets that scikit-learn brings along: real measurements, no download."""

from typing import Any

from nn.data.checks import needs_extra
from nn.data.dataset import DataSet


def iris() -> DataSet:
    """150 flowers of three species, four lengths in cm each. Fisher 1936."""
    return _load("iris")


def wine() -> DataSet:
    """178 wines of three growers, 13 chemical measurements each. Forina et al. 1991, UCI."""
    return _load("wine")


def breast_cancer() -> DataSet:
    """569 tumours, malignant (0) or benign (1), 30 measurements each. Wolberg et al. 1995, UCI."""
    return _load("breast_cancer")


def digits() -> DataSet:
    """1,797 handwritten digits, 8 x 8 pixels from 0 to 16. Alpaydin & Kaynak 1998, UCI."""
    return _load("digits", (8, 8))


def _load(name: str, image_shape: tuple[int, ...] | None = None) -> DataSet:
    try:
        from sklearn import datasets
    except ImportError:
        raise needs_extra(f"the data set {name}") from None
    found: Any = getattr(datasets, f"load_{name}")()
    return DataSet(
        found.data,
        found.target,
        tuple(map(str, found.feature_names)),
        tuple(map(str, found.target_names)),
        image_shape,
    )
