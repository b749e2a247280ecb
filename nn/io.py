"""Model files: the architecture, the weights, and what training needs to go on, in one file.

The format is safetensors, which nothing can execute: the weights as float64 arrays "dense.kernel",
"dense.bias" ..., the optimiser's state as "optimizer.0" ..., and the rest as JSON in its metadata.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from itertools import count, takewhile
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograd import MissingExtraError, write_file
from nn import layers
from nn.errors import ModelFileError
from nn.layers import SequentialLayer
from nn.losses import LOSSES
from nn.metrics import METRICS
from nn.optim import OPTIMIZERS, Optimizer

if TYPE_CHECKING:
    from nn.models import Sequential

VERSION = 1
WEIGHTS = ("kernel", "bias")  # of a layer, as get_weights() gives them
PARAMETERS = "parameters"  # of a layer that gives none: its numbers, in a row
LONGEST_HEADER = 100_000_000  # bytes; safetensors reads no longer ones
FOREIGN = {
    b"PK\x03\x04": "a zip archive, such as .keras, .pt or .npz",
    b"\x89HDF": "an HDF5 file, such as Keras's .h5",
    b"\x80": "a pickle, which is never opened here: it may run anything",
}
"""What other model files begin with."""


def save(model: "Sequential", path: str | Path) -> None:
    """Write the model to a file, whole or not at all.

    Kept are the layers, the weights, the number of epochs trained, and from `compile` the optimiser
    with its state, the loss and the metrics, where they have names; what is a function of your own
    must be given to `compile` again after loading, which goes on with that state.
    Raises RuntimeError if the model is not built, HyperparameterError for a layer whose options
    cannot be written down, MissingExtraError without safetensors, and what `autograd.write_file`
    does.
    """
    import numpy as np

    _, to_bytes = _safetensors()
    arrays: dict[str, Any] = {}
    for layer in model.layers:
        for name, weights in zip(WEIGHTS, layer.get_weights(), strict=False):
            arrays[f"{layer.name}.{name}"] = np.array(weights, float)
        if not layer.get_weights() and layer.parameters():  # of a class of one's own
            arrays[f"{layer.name}.{PARAMETERS}"] = np.array([p.data for p in layer.parameters()])
    described: dict[str, Any] = {
        "version": VERSION,
        "name": model.name,
        "seed": model.seed,
        "epochs_trained": model.epochs_trained,
        "begun": model.begun,
        "input_shape": model.input_shape,
        "layers": [{"class": type(x).__name__, "config": x.config()} for x in model.layers],
    }
    columns: Any = ()
    if model.optimizer is not None:
        described["training"] = _describe_training(model)
        columns = zip(*model.optimizer.state, strict=True)
    elif model.saved_training is not None:  # which waits for `compile`, and may wait longer
        described["training"], columns = (model.saved_training[x] for x in ("told", "columns"))
    arrays |= {f"optimizer.{k}": np.array(column, float) for k, column in enumerate(columns)}
    text = json.dumps(described, allow_nan=False)
    # one entry, for safetensors writes several in any order
    write_file(path, to_bytes(arrays, {"glassgrad": f"{_digest(text, arrays)} {text}"}))


def load(path: str | Path, custom_objects: Mapping[str, Any] | None = None) -> "Sequential":
    """The model of a file, which goes on training as if there had been no pause.

    custom_objects: your own classes of layers, and the activations and other functions that layers
        were given, by name. Nothing in the file is executed.
    Raises ModelFileError for a file that is damaged, or no model; OSError if it cannot be read.
    """
    try:
        arrays, described = _parse(contents(path, "a model file as model.save() writes it"))
    except (OSError, MissingExtraError):
        raise
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}") from None
    except Exception as error:  # whatever a hostile or damaged file makes a parser raise
        raise ModelFileError(
            f"{path}: expected a model file as model.save() writes it, but it cannot be read "
            f"({type(error).__name__}: {error})"
        ) from None
    try:
        return _rebuild(arrays, described, {**_own_layers(), **(custom_objects or {})})
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}") from None
    except Exception as error:
        raise ModelFileError(
            f"{path}: the model it describes cannot be made ({type(error).__name__}: {error})"
        ) from None


def _rebuild(arrays: Mapping[str, Any], described: Any, known: Mapping[str, Any]) -> "Sequential":
    from nn.models import Sequential

    needed = {part["class"] for part in described["layers"]} | _names_in(described["layers"])
    missing = sorted(needed - known.keys())
    if missing:
        raise ModelFileError(
            f"expected layers of known classes and functions, but it has {', '.join(missing)}; "
            f"pass custom_objects={{{missing[0]!r}: {missing[0]}}}"
            + (" with all of them" if len(missing) > 1 else "")
        )
    model = Sequential(name=str(described["name"]), seed=int(described["seed"]))
    shape, numbers = described["input_shape"], sum(array.size for array in arrays.values())
    for part in described["layers"]:
        layer = known[part["class"]](**_with_objects(part["config"], known))
        _check_size(layer, shape, numbers)
        model.add(layer)
        model.build(described["input_shape"])
        shape = model.output_shape
    for layer in model.layers:
        names = [f"{layer.name}.{name}" for name in WEIGHTS]
        layer.set_weights([arrays[name] for name in names if name in arrays])
        own = f"{layer.name}.{PARAMETERS}"
        if own in arrays:
            for p, number in zip(layer.parameters(), arrays[own].tolist(), strict=True):
                p.data = number
    model.epochs_trained, begun = int(described["epochs_trained"]), described.get("begun")
    model.begun = None if begun is None else [int(n) for n in begun]
    training = described.get("training")
    if training is not None:
        kept = takewhile(arrays.__contains__, (f"optimizer.{k}" for k in count()))
        model.saved_training = {"told": training, "columns": [arrays[k].tolist() for k in kept]}
        if training["loss"] is not None and training["optimizer"] is not None:
            optimizer = OPTIMIZERS[training["optimizer"]](**training["settings"])
            training.setdefault("class", type(optimizer).__name__)
            model.compile(optimizer, training["loss"], training["metrics"])
    return model


def _names_in(x: Any) -> set[str]:
    """Of the functions of one's own in a description."""
    if isinstance(x, dict):
        if x.keys() == {"custom_object"}:
            return {str(x["custom_object"])}
        x = list(x.values())
    return set().union(*map(_names_in, x)) if isinstance(x, list) else set()


def _with_objects(x: Any, known: Mapping[str, Any]) -> Any:
    """The description, with these in the place of their names."""
    if isinstance(x, dict):
        if x.keys() == {"custom_object"}:
            return known[x["custom_object"]]
        return {name: _with_objects(y, known) for name, y in x.items()}
    return [_with_objects(y, known) for y in x] if isinstance(x, list) else x


def _check_size(layer: SequentialLayer, shape: Any, numbers: int) -> None:
    """Refuse a layer that needs more weights than the file has, before memory is taken for them."""
    units = getattr(layer, "units", None) or getattr(layer, "filters", None)
    if units is not None:
        size = getattr(layer, "kernel_size", 1)
        least = units * shape[-1] * (size**2 if isinstance(size, int) else prod(size))
        if least > numbers:
            raise ModelFileError(
                f"layer {layer.name!r} needs at least {least:,} weights, but the file has "
                f"{numbers:,} numbers in all"
            )


def _describe_training(model: "Sequential") -> dict[str, Any]:
    """What `compile` was given, where it can be written down; None for the rest."""
    optimizer = model.optimizer
    assert optimizer is not None
    settings = optimizer.config()
    name = _optimizer_name(optimizer) if not callable(optimizer.lr) else None
    return {
        "optimizer": name,
        "class": type(optimizer).__name__,
        "settings": settings if name is not None else {},
        "steps": optimizer.steps,
        "loss": next((name for name, f in LOSSES.items() if f is model.loss), None),
        "metrics": [
            name
            for metric in (*model.metrics, *model.whole_metrics)
            for name in [next((name for name, m in METRICS.items() if m == metric), None)]
            if name is not None
        ],
    }


def _optimizer_name(optimizer: Optimizer) -> str | None:
    return next((name for name, make in OPTIMIZERS.items() if make is type(optimizer)), None)


def _own_layers() -> dict[str, type[SequentialLayer]]:
    found = [x for x in vars(layers).values() if isinstance(x, type)]
    return {x.__name__: x for x in found if issubclass(x, SequentialLayer)}


def contents(path: str | Path, expected: str) -> bytes:
    """The file's bytes, if it can be one of safetensors: else it may be of any size.

    Raises ModelFileError, which says what was expected, if it cannot.
    """
    with open(path, "rb") as file:
        head = file.read(8)
        length, size = int.from_bytes(head, "little"), os.fstat(file.fileno()).st_size
        if not 2 <= length <= min(size - len(head), LONGEST_HEADER):
            kind = next((what for sign, what in FOREIGN.items() if head.startswith(sign)), None)
            raise ModelFileError(
                f"expected {expected}, but it cannot be read ("
                + (
                    f"it is {kind})"
                    if kind
                    else f"its {size:,} bytes are cut short, or something else)"
                )
            )
        return head + file.read()


def _parse(data: bytes) -> tuple[dict[str, Any], Any]:
    """The arrays and the description, with everything checked against the digest."""
    from_bytes, _ = _safetensors()
    arrays = from_bytes(data)
    length = int.from_bytes(data[:8], "little")
    metadata = _from_json(data[8 : 8 + length]).get("__metadata__", {})
    if "glassgrad" not in metadata:
        raise ModelFileError(
            "expected a model file as model.save() writes it, but this safetensors file has arrays "
            f"alone ({', '.join(list(arrays)[:3])})"
        )
    digest, _, text = metadata["glassgrad"].partition(" ")
    described = _from_json(text)
    version = described.get("version")
    if version != VERSION:  # before the digest, which may be another's in another version
        newer = isinstance(version, int) and version > VERSION
        raise ModelFileError(
            f"expected format version {VERSION}, but got {version!r}; "
            + ("a newer glassgrad wrote it: update" if newer else "no glassgrad wrote that")
            + ", or it is damaged"
        )
    if digest != _digest(text, arrays):
        raise ModelFileError("its contents do not match its checksum: it is damaged")
    return arrays, described


def _from_json(text: str | bytes) -> Any:
    """The object. Raises ValueError for a key that is there twice: of which one is to count?"""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            raise ValueError(f"a name is there twice in {[name for name, _ in pairs]!r:.80}")
        return found

    return json.loads(text, object_pairs_hook=unique)


def _digest(text: str, arrays: Mapping[str, Any]) -> str:
    digest = hashlib.sha256(text.encode())
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _safetensors() -> tuple[Any, Any]:
    try:
        from safetensors.numpy import load, save
    except ImportError:
        raise MissingExtraError("model files need safetensors: pip install safetensors") from None
    return load, save
