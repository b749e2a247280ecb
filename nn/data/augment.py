"""Pictures shifted and turned a little: more samples to learn from, several looks to judge by.

For training, `augment` puts moved versions of each picture into the data set. For prediction,
`versions` gives several looks at each picture, over which the model's answers are averaged.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from nn.data.checks import check_count, check_size, generator, needs_extra
from nn.data.dataset import DataSet
from nn.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray


def moved(
    image: "ArrayLike",
    shift: Sequence[float] = (0.0, 0.0),
    angle: float = 0.0,
    *,
    fill: float = 0.0,
) -> "NDArray[np.float64]":
    """A picture turned about its middle, then shifted; same shape, [h, w] or [h, w, c].

    shift: pixels down and to the right, whole or not: between pixels, values are interpolated.
    angle: degrees, anticlockwise as one looks at it.
    fill: the value of what lies outside of the picture.

    Raises DataError for another shape, MissingExtraError without SciPy.
    """
    import numpy as np

    try:
        from scipy.ndimage import affine_transform
    except ImportError:
        raise needs_extra("moving pictures") from None
    pixels = np.asarray(image, dtype=np.float64)
    if pixels.ndim not in (2, 3):
        raise DataError(
            f"expected a picture [height, width] or [height, width, channels], but got an array of "
            f"shape {pixels.shape}; rows of pixels need their image_shape"
        )
    # from a pixel of the result (row, column) to where it comes from; rows count downwards
    turn = np.deg2rad(angle)
    back = np.eye(pixels.ndim)
    back[:2, :2] = [[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]
    middle, by = np.zeros(pixels.ndim), np.zeros(pixels.ndim)
    middle[:2] = (np.array(pixels.shape[:2]) - 1.0) / 2.0
    by[:2] = shift
    result: NDArray[np.float64] = affine_transform(
        pixels, back, middle - back @ (middle + by), order=1, mode="grid-constant", cval=fill
    )
    return result


def versions(
    xs: "ArrayLike",
    k: int,
    *,
    image_shape: tuple[int, ...] | None = None,
    shift: float = 1.0,
    angle: float = 10.0,
    fill: float = 0.0,
    seed: int = 0,
) -> "NDArray[np.float64]":
    """k versions of each picture: as it is, then k - 1 moved by chance. [rows, k, ...]

    xs: [rows, h, w], [rows, h, w, c], or [rows, pixels] with an image_shape.
    shift, angle: the most, either way: pixels down and to the right, degrees.

    Raises DataError for other shapes, HyperparameterError for a senseless k, shift or angle.
    """
    import numpy as np

    check_count("k", k)
    check_size("shift", shift)
    check_size("angle", angle)
    rows = np.asarray(xs, dtype=np.float64)
    shape = rows.shape[1:] if image_shape is None else image_shape
    if len(shape) not in (2, 3) or np.prod(shape) != np.prod(rows.shape[1:]):
        raise DataError(
            "expected pictures [rows, height, width] or [rows, height, width, channels], or rows "
            f"with an image_shape of as many numbers, but got {rows.shape} and {image_shape=}"
        )
    images = rows.reshape(-1, *shape)
    by = generator(seed).uniform(-1.0, 1.0, (len(rows), k - 1, 3)) * (shift, shift, angle)
    result = np.empty((len(rows), k, *shape))
    for image, places, out in zip(images, by, result, strict=True):
        out[0] = image
        for j, (down, right, degrees) in enumerate(places, start=1):
            out[j] = moved(image, (down, right), degrees, fill=fill)
    return result.reshape(len(rows), k, *rows.shape[1:])


def augment(
    data: DataSet,
    k: int,
    *,
    shift: float = 1.0,
    angle: float = 10.0,
    fill: float = 0.0,
    seed: int = 0,
) -> DataSet:
    """A data set of k times the rows: each picture as it is, followed by k - 1 moved versions.

    shift, angle: as in `versions`. Raises DataError if there is no image_shape and rows are flat.
    """
    import numpy as np

    looks = versions(
        data.xs, k, image_shape=data.image_shape, shift=shift, angle=angle, fill=fill, seed=seed
    )
    return replace(data, xs=looks.reshape(-1, *data.xs.shape[1:]), ys=np.repeat(data.ys, k))
