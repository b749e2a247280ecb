"""What a model file is called."""

from pathlib import Path
from typing import Any

from autograd import notice

OTHERS = {
    ".h5", ".hdf5", ".keras", ".pb", ".tflite", ".onnx",
    ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib", ".npy", ".npz", ".json",
}  # fmt: skip


def look_at_suffix(model: Any, path: str | Path) -> None:
    """Before a model is saved."""
    suffix = Path(path).suffix
    if suffix.lower() in OTHERS:
        notice(
            "file-suffix",
            f"a model is saved in the format safetensors, whatever the file is called, and other "
            f"programs will not read it as {suffix}: call it "
            f"{Path(path).with_suffix('.safetensors').name!r}",
            about=model,
        )
