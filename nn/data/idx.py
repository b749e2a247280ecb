"""IDX, the files of MNIST and its kin. Format: Y. LeCun, "The MNIST database", at its end.

Two zero bytes, a byte for the type of the numbers, one for how many dimensions; the size of each
dimension in four bytes, big-endian; then the numbers.
"""

import gzip
import zlib
from collections.abc import Sequence
from math import prod
from os import PathLike
from pathlib import Path
from struct import unpack_from
from typing import TYPE_CHECKING

from nn.data.dataset import DataSet
from nn.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

UNSIGNED_BYTES = 0x08  # the type MNIST, Fashion-MNIST, EMNIST and KMNIST are written in
GZIP = b"\x1f\x8b"


def read_idx(
    images: str | PathLike[str],
    labels: str | PathLike[str],
    class_names: Sequence[str] | None = None,
) -> DataSet:
    """MNIST's pair of files, compressed with gzip or not. xs [rows, height * width] from 0 to 255.

    class_names: if not given, "0", "1" ... as far as the labels go.

    Raises DataError if a file is not what its header says, to the byte, or the two do not belong
    together.
    """
    pixels = _read(Path(images), "images", 3)
    ys = _read(Path(labels), "labels", 1)
    if len(pixels) != len(ys):
        raise DataError(
            f"expected a label for each image, but {images} has {len(pixels)} images and {labels} "
            f"{len(ys)} labels; is one of training and the other of test?"
        )
    names = class_names or [str(k) for k in range(int(ys.max()) + 1)]
    xs = pixels.reshape(len(pixels), -1).astype("float64")
    return DataSet(xs, ys, class_names=tuple(names), image_shape=pixels.shape[1:])


def _read(path: Path, what: str, dimensions: int) -> "NDArray[np.uint8]":
    import numpy as np

    content = path.read_bytes()
    if content.startswith(GZIP):  # whatever its name: browsers unpack a .gz and keep the name
        try:
            content = gzip.decompress(content)
        except (EOFError, OSError, zlib.error) as error:
            raise DataError(
                f"{path} is damaged or not whole ({error}); fetch it once more"
            ) from error
    header = 4 + 4 * dimensions
    wanted = bytes([0, 0, UNSIGNED_BYTES, dimensions])
    if content[:4] != wanted:
        raise DataError(
            f"expected a file of {what} to begin with the bytes {wanted.hex(' ')}, but {path} "
            f"begins with {content[:4].hex(' ') or 'nothing'}; is it an IDX file of unsigned "
            "bytes, and do images come first, then labels?"
        )
    if len(content) < header:
        raise DataError(
            f"{path} ends inside its header, after {len(content)} of {header} bytes; "
            "fetch it once more"
        )
    shape = unpack_from(f">{dimensions}I", content, offset=4)
    if len(content) != header + prod(shape):
        found = "cut short" if len(content) < header + prod(shape) else "too long"
        raise DataError(
            f"expected {path} to hold {header} + {' x '.join(map(str, shape))} bytes, as its "
            f"header says, but it has {len(content)} and so is {found}; fetch it once more"
        )
    if not prod(shape):
        raise DataError(f"{path} holds no {what}: its header says {' x '.join(map(str, shape))}")
    return np.frombuffer(content, dtype=np.uint8, offset=header).reshape(shape)
