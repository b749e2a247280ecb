"""Model files: what is saved comes back, and what is damaged is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn
from nn.errors import ModelFileError
from nn.layers import Conv2D, Dense, DropConnect, Dropout, Flatten, MaxPooling2D, SequentialLayer
from nn.models import Sequential
from nn.optim import OPTIMIZERS, SGD


def model_of(optimizer: Any = "adam", **options: Any) -> Sequential:
    """A network with something of everything."""
    model = Sequential(
        [
            Conv2D(2, 2, input_shape=(3, 3, 1), activation="relu", kernel_regularizer="l2"),
            MaxPooling2D(2),
            Flatten(),
            Dropout(0.25),
            DropConnect(4, rate=0.1, activation="tanh"),
            Dense(2, activation="softmax", use_bias=False, kernel_constraint="max_norm"),
        ],
        name="everything",
        seed=3,
    )
    model.compile(optimizer, "categorical_crossentropy", ["accuracy", "auc"], **options)
    return model


XS = np.random.default_rng(0).normal(size=(12, 3, 3, 1))
YS = np.eye(2)[(XS[:, 0, 0, 0] > 0.0).astype(int)]


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_a_pause_leaves_no_trace(name: str, tmp_path: Path) -> None:
    """Saved after two epochs, loaded, trained for two more: the bits of four epochs on end."""
    path = tmp_path / "model.safetensors"
    whole, part = model_of(name), model_of(name)
    whole.fit(XS, YS, epochs=4, batch_size=5, verbose=0)
    part.fit(XS, YS, epochs=2, batch_size=5, verbose=0)
    part.save(path)
    loaded = nn.load(path)
    assert repr(loaded) == repr(part)
    assert loaded.predict(XS).tolist() == part.predict(XS).tolist()
    assert loaded.evaluate(XS, YS, return_dict=True) == part.evaluate(XS, YS, return_dict=True)
    loaded.fit(XS, YS, epochs=2, batch_size=5, verbose=0)
    assert loaded.state_dict() == whole.state_dict()
    assert loaded.optimizer is not None
    assert whole.optimizer is not None
    assert loaded.optimizer.state_dict() == whole.optimizer.state_dict()


def test_a_model_that_was_not_compiled(tmp_path: Path) -> None:
    """Layers and weights alone are kept; saved again, the file is the same."""
    model = Sequential([Dense(2, input_dim=3)])
    model.save(tmp_path / "a.safetensors")
    loaded = nn.load(tmp_path / "a.safetensors")
    assert loaded.optimizer is None
    loaded.save(tmp_path / "b.safetensors")
    first, second = ((tmp_path / f"{x}.safetensors").read_bytes() for x in "ab")
    assert first == second


def test_what_has_no_name_must_be_given_again(tmp_path: Path) -> None:
    """A loss or a schedule of one's own is not saved; the model loads, and asks for compile."""
    path = tmp_path / "m.safetensors"
    model = Sequential([Dense(1, input_dim=2)])
    model.compile(SGD(lr=lambda step: 0.1 / step), "mse")
    model.save(path)
    assert nn.load(path).optimizer is None
    model.compile("sgd", lambda p, y: nn.mse(p, y))
    model.save(path)
    assert nn.load(path).optimizer is None


class Twice(SequentialLayer):
    """A layer of one's own."""

    def prepare(self, input_shape: Any, rng: Any) -> Any:
        return input_shape

    def row(self, x: Any, run: Any) -> Any:
        return [2.0 * z for z in x]


def test_layers_of_ones_own(tmp_path: Path) -> None:
    """They load if their classes are given; otherwise the error says how."""
    path = tmp_path / "m.safetensors"
    model = Sequential([Twice(input_dim=2), Dense(1)])
    model.save(path)
    with pytest.raises(ModelFileError, match=r"custom_layers=\{'Twice': Twice\}"):
        nn.load(path)
    loaded = nn.load(path, custom_layers={"Twice": Twice})
    assert loaded.predict([[1.0, 2.0]]).tolist() == model.predict([[1.0, 2.0]]).tolist()


def test_any_damage_is_one_named_error(tmp_path: Path) -> None:
    """Cut anywhere, or with any byte changed, a file is refused by name."""
    path = tmp_path / "m.safetensors"
    model = Sequential([Dense(1, input_dim=1)])
    model.compile("adam", "mse")
    model.save(path)
    good = path.read_bytes()
    for n in range(len(good)):
        path.write_bytes(good[:n])
        with pytest.raises(ModelFileError, match=r"m\.safetensors"):
            nn.load(path)
        damaged = bytearray(good)
        damaged[n] ^= 1 + n % 255
        path.write_bytes(bytes(damaged))
        try:
            loaded = nn.load(path)
        except ModelFileError:
            continue
        # white space between the header's words means nothing
        assert loaded.state_dict() == model.state_dict()
        assert {good[n], damaged[n]} <= set(b" \t\r\n")
    path.write_bytes(good + b"x")
    with pytest.raises(ModelFileError):
        nn.load(path)


def test_a_failed_save_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk refuses, the old model stays, whole, and no other file beside it."""
    path = tmp_path / "m.safetensors"
    model = Sequential([Dense(1, input_dim=1)])
    model.save(path)
    good = path.read_bytes()
    path.chmod(0o640)

    def full(handle: int) -> None:
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(OSError, match="no space"):
            Sequential([Dense(2, input_dim=1)]).save(path)
    assert path.read_bytes() == good
    assert [p.name for p in tmp_path.iterdir()] == ["m.safetensors"]
    model.save(path)
    assert path.stat().st_mode & 0o777 == 0o640


def test_other_files_are_refused(tmp_path: Path) -> None:
    """A safetensors file that is no model, a text, and a file that is not there."""
    from safetensors.numpy import save_file

    save_file({"w": np.zeros(3)}, tmp_path / "w.safetensors")
    with pytest.raises(ModelFileError, match="arrays alone"):
        nn.load(tmp_path / "w.safetensors")
    (tmp_path / "t.safetensors").write_text("hello")
    with pytest.raises(ModelFileError, match="cannot be read"):
        nn.load(tmp_path / "t.safetensors")
    with pytest.raises(FileNotFoundError):
        nn.load(tmp_path / "none.safetensors")
    with pytest.raises(RuntimeError, match="shape"):
        Sequential([Dense(1)]).save(tmp_path / "x.safetensors")
