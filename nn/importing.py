"""Weights from PyTorch and Keras into a Sequential, and from it to PyTorch.

The three keep the same numbers in different order. A kernel is [n_in, units] or [height, width,
channels, filters] here and in Keras, [units, n_in] or [filters, channels, height, width] in
PyTorch. And an image that is flattened gives its channels last here and in Keras, first in PyTorch:
the kernel behind a Flatten has its rows in another order.
"""

from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

from autograd import OperandError, write_file
from nn.errors import StateDictError
from nn.io import _safetensors
from nn.layers import Flatten, Reshape
from nn.layers.units import Units
from nn.matching import KERAS, TORCH, Layout, Names, Part, Shape, choose, given_names, grouped
from nn.models import Sequential
from nn.tensors import tensors_of


def load_torch(
    model: Sequential, source: str | Path | Mapping[str, Any], *, names: Names | None = None
) -> None:
    """Set the weights to those of a PyTorch model of the same layers.

    source: a safetensors file of its state_dict(), or the state_dict() itself.
    names: layers of this model to modules of that one, as {"dense": "fc1"}; by default layers are
        told by their numbers (0.weight, 2.weight ...) and shapes.
    Raises StateDictError for every name or shape that does not fit, and for weights that are nan or
    infinite, ModelFileError for a file that is damaged; the model is as it was then.
    """
    _load(model, source, names, TORCH)


def load_keras(
    model: Sequential, source: str | Path | Mapping[str, Any], *, names: Names | None = None
) -> None:
    """Set the weights to those of a Keras model of the same layers.

    source: a safetensors file of {v.path: array}, or this dict. names, errors: as for `load_torch`.
    (What Keras's model.get_weights() gives goes into model.set_weights.)
    """
    _load(model, source, names, KERAS)


def save_torch(model: Sequential, path: str | Path, *, names: Names | None = None) -> None:
    """Write the weights as a safetensors file that PyTorch's load_state_dict takes.

    names: layers of this model to modules of that one; by default those of a torch.nn.Sequential in
        which each layer, and each activation, is a module: 0.weight, 2.weight ...
    Raises StateDictError if the names are not this model's layers, and what `write_file` does.
    """
    import numpy as np

    _, to_bytes = _safetensors()
    parts = _parts(model)
    found = given_names(names, parts) if names is not None else _numbers_of_modules(model)
    arrays: dict[str, Any] = {}
    weights = iter(model.get_weights())
    for part in parts:
        kernel = np.array(next(weights), float)
        arrays[f"{found[part.name]}.weight"] = np.ascontiguousarray(_to_torch(kernel, part.image))
        if part.bias:
            arrays[f"{found[part.name]}.bias"] = np.array(next(weights), float)
    write_file(path, to_bytes(arrays))


# --- order of axes --------------------------------------------------------------------------------


def _to_torch(kernel: Any, image: Shape | None) -> Any:
    if kernel.ndim == 4:
        return kernel.transpose(3, 2, 0, 1)
    if image is None:
        return kernel.T
    return kernel.reshape(*image, -1).transpose(3, 2, 0, 1).reshape(kernel.shape[::-1])


def _from_torch(kernel: Any, image: Shape | None) -> Any:
    if kernel.ndim == 4:
        return kernel.transpose(2, 3, 1, 0)
    if image is None:
        return kernel.T
    height, width, channels = image
    split = kernel.reshape(-1, channels, height, width)
    return split.transpose(2, 3, 1, 0).reshape(kernel.shape[::-1])


def _parts(model: Sequential) -> list[Part]:
    """The layers with weights.

    Raises OperandError for another kind of model, StateDictError if PyTorch's order could not be
    known.
    """
    if not isinstance(model, Sequential):
        raise OperandError(
            "expected a Sequential, whose layers are told by their shapes, but got a "
            f"{type(model).__name__}; any other module has state_dict() and load_state_dict()"
        )
    found: list[Part] = []
    image: Shape | None = None
    assert model.input_shape  # it raises an error if the model is not built
    for layer in model.layers:
        name, before, after = str(layer.name), layer.input_shape or (), layer.output_shape
        if isinstance(layer, Units):
            found.append(Part(name, tuple(layer.kernel_shape), layer.use_bias, image))
            image = None
        elif layer.parameters():
            raise StateDictError(
                f"expected weights in layers such as Dense and Conv2D alone, but {name!r} is a "
                f"{type(layer).__name__}; use its set_weights()"
            )
        elif isinstance(layer, (Flatten, Reshape)) and before != after:
            if len(before) == 3 and before[-1] > 1 and prod(before[:2]) > 1:
                image = before
            if image is not None and len(after) > 1:
                raise StateDictError(
                    f"{name!r} makes rows of shape {after} of images {image}: which number goes "
                    "where depends on the order of the axes; use set_weights()"
                )
    return found


def _numbers_of_modules(model: Sequential) -> dict[str, str]:
    found, k = {}, 0
    for layer in model.layers:
        found[str(layer.name)] = str(k)
        own = isinstance(layer, Units) and layer.activation not in (None, "linear")
        k += 1 + own
    return found


# --- from them ---------------------------------------------------------------------------------


def _load(
    model: Sequential, source: str | Path | Mapping[str, Any], names: Names | None, layout: Layout
) -> None:
    parts = _parts(model)
    groups = grouped(tensors_of(source), layout)
    where = "the dict" if isinstance(source, Mapping) else str(source)
    chosen = choose(parts, groups, names, layout, where)
    weights: list[Any] = []
    for part, prefix in zip(parts, chosen, strict=True):
        kernel = groups[prefix][layout.kernel]
        for kind in (layout.kernel, layout.bias)[: 1 + part.bias]:
            _finite(f"{kind!r} of {prefix!r}" if prefix else repr(kind), groups[prefix][kind])
        weights.append(_from_torch(kernel, part.image) if layout.channels_first else kernel)
        if part.bias:
            weights.append(groups[prefix][layout.bias])
    model.set_weights(weights)


def _finite(what: str, array: Any) -> None:
    """Raises StateDictError for weights that are nan or infinite: they come of a wrong training."""
    import numpy as np

    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        place = tuple(bad[0].tolist())
        raise StateDictError(
            f"expected finite weights, but {what} has {array[place]} at {list(place)} "
            f"({len(bad)} of {array.size} numbers are nan or infinite); take weights from before "
            "the training diverged"
        )
