"""Arrays of numbers by name, out of any safetensors file or from a dict, as float64."""

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from autograd import MissingExtraError, OperandError
from nn.errors import ModelFileError, StateDictError
from nn.io import contents

# How safetensors calls the types of numbers that weights may have, and NumPy; a bfloat16, which
# NumPy does not know, is the upper half of a float32
FLOATS = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}
HOW = (
    "safetensors.torch.save_file(model.state_dict(), path) writes one in PyTorch, and "
    "safetensors.numpy.save_file({v.path: numpy.asarray(v) for v in model.weights}, path) in Keras"
)


def tensors_of(source: "str | Path | Mapping[str, Any]") -> dict[str, Any]:
    """The arrays of a safetensors file, or of a dict, by name; None for what is no weights.

    Raises ModelFileError if the file is damaged or another kind of file, OSError if it cannot be
    read, StateDictError for something else than arrays, OperandError for something else than a
    path or a dict, MissingExtraError without safetensors.
    """
    if isinstance(source, Mapping):
        return {str(name): _array(name, x) for name, x in source.items()}
    if not isinstance(source, (str, PathLike)):
        raise OperandError(
            "expected the path of a safetensors file, or a dict of arrays by name, but got "
            f"{source!r:.80} ({type(source).__name__}); a list of arrays goes into set_weights()"
        )
    return {name: _numbers(part) for name, part in _parts(source)}


def _parts(path: str | Path) -> list[tuple[str, Any]]:
    try:
        from safetensors import deserialize
    except ImportError:
        raise MissingExtraError("such files need safetensors: pip install safetensors") from None
    try:
        return list(deserialize(contents(path, "a safetensors file")))  # type: ignore[no-untyped-call]
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}; {HOW}") from None
    except OSError:
        raise
    except Exception as error:  # its own class, which is no public name
        raise ModelFileError(
            f"{path}: expected a safetensors file, but it is damaged ({error}); {HOW}"
        ) from None


def _numbers(part: Any) -> Any:
    import numpy as np

    if part["dtype"] not in FLOATS:
        return None
    found = np.frombuffer(part["data"], FLOATS[part["dtype"]])
    if part["dtype"] == "BF16":
        found = (found.astype("<u4") << 16).view("<f4")
    return found.astype(np.float64).reshape(part["shape"])


def _array(name: object, x: Any) -> Any:
    import numpy as np

    try:
        found = np.asarray(x.detach().cpu() if hasattr(x, "detach") else x)
        # a jax or ml_dtypes bfloat16 is of no NumPy kind, but becomes a float
        return None if found.dtype.kind in "iub" else found.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise StateDictError(
            f"expected an array of numbers as {name!r}, but got a {type(x).__name__} ({error}); of "
            "a bfloat16 tensor give x.float()"
        ) from None
