"""Model files: what is saved comes back, and what is damaged is refused."""

import json
import os
import pickle
import sys
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd
import nn
from nn.errors import ModelFileError
from nn.layers import Conv2D, Dense, DropConnect, Dropout, Flatten, MaxPooling2D, SequentialLayer
from nn.models import Sequential
from nn.optim import OPTIMIZERS, SGD, Adam, Optimizer, RMSprop
from tools.faults import damage


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


def own_loss(p: Any, y: Any) -> Any:
    """A loss of one's own."""
    return nn.mse(p, y)


class OwnRule(Optimizer):
    """An optimiser of one's own, with a sum to keep."""

    def __init__(self) -> None:
        super().__init__(None, 0.1, (0.0,))

    def update(self, param: Any, grad: Any, state: Any, step: Any, lr: Any) -> Any:
        kept = 0.5 * state[0] + grad
        return param - lr * kept, kept


UNNAMED: dict[str, Callable[[], tuple[Any, Any]]] = {
    "a loss": lambda: (Adam(lr=0.1), own_loss),
    "a schedule": lambda: (Adam(lr=lambda step: 0.1 / step), "mse"),
    "both, and no state": lambda: (SGD(lr=lambda step: 0.1 / step), own_loss),
    "an optimiser": lambda: (OwnRule(), "mse"),
}
FLAT = XS.reshape(12, 9)


def small(how: tuple[Any, Any]) -> Sequential:
    """A network of two layers, compiled with this optimiser and loss."""
    model = Sequential([Dense(3, "tanh", input_dim=9), Dense(1)])
    model.compile(*how)
    return model


@pytest.mark.parametrize("resaved", [False, True])
@pytest.mark.parametrize("name", UNNAMED)
def test_what_has_no_name_is_given_again_and_goes_on(
    name: str, resaved: bool, tmp_path: Path
) -> None:
    """What is code is not saved: the model asks for compile, which takes over the state."""
    path = tmp_path / "m.safetensors"
    whole, part = small(UNNAMED[name]()), small(UNNAMED[name]())
    whole.fit(FLAT, YS[:, 0], epochs=4, batch_size=5, verbose=0)
    part.fit(FLAT, YS[:, 0], epochs=2, batch_size=5, verbose=0)
    part.save(path)
    loaded = nn.load(path)
    if resaved:  # by one who only passes it on
        loaded.save(path)
        loaded = nn.load(path)
    assert loaded.optimizer is None
    with pytest.raises(nn.NotCompiledError):
        loaded.fit(FLAT, YS[:, 0])
    loaded.compile(*UNNAMED[name]())
    loaded.fit(FLAT, YS[:, 0], epochs=2, batch_size=5, verbose=0)
    assert loaded.state_dict() == whole.state_dict()
    assert loaded.optimizer is not None
    assert whole.optimizer is not None
    assert loaded.optimizer.state_dict() == whole.optimizer.state_dict()


def test_a_state_is_taken_over_once_by_its_own_kind(tmp_path: Path) -> None:
    """Another optimiser, a second compile, and a network that was changed begin afresh."""
    path = tmp_path / "m.safetensors"
    part = small((Adam(lr=0.1), own_loss))
    part.fit(FLAT, YS[:, 0], epochs=2, batch_size=5, verbose=0)
    part.save(path)

    def steps(model: Sequential, optimizer: Optimizer) -> int:
        model.compile(optimizer, own_loss)
        return optimizer.steps

    model = nn.load(path)
    assert steps(model, Adam(lr=0.2)) == 6
    assert model.optimizer is not None
    assert model.optimizer.lr == 0.2  # settings are those that are given
    assert steps(model, Adam()) == 0
    model = nn.load(path)
    assert steps(model, RMSprop()) == 0
    assert steps(model, Adam()) == 0
    assert steps(nn.load(path), Adam(amsgrad=True)) == 0
    model = nn.load(path)
    model.add(Dense(1))
    assert steps(model, Adam()) == 0
    model = nn.load(path)
    with pytest.raises(nn.UnknownNameError):
        model.compile("adam", own_loss, ["no such metric"])
    assert steps(model, Adam()) == 6


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
    with pytest.raises(ModelFileError, match=r"custom_objects=\{'Twice': Twice\}"):
        nn.load(path)
    loaded = nn.load(path, custom_objects={"Twice": Twice})
    assert loaded.predict([[1.0, 2.0]]).tolist() == model.predict([[1.0, 2.0]]).tolist()


def swish(z: Any) -> Any:
    """An activation of one's own."""
    return z * autograd.sigmoid(1.5 * z)


def halves(rng: Any, fan_in: int, fan_out: int) -> float:
    """An initialiser of one's own."""
    return 0.5


def cubes(xs: Any) -> Any:
    """A regulariser of one's own."""
    return autograd.total([abs(x) ** 3 for x in xs])


def below_one(xs: Any) -> Any:
    """A constraint of one's own."""
    return [autograd.minimum(x, 1.0) for x in xs]


def test_functions_of_ones_own(tmp_path: Path) -> None:
    """They are kept by name and given again; without them the error says what to give."""
    path, given = tmp_path / "m.safetensors", {f.__name__: f for f in (swish, halves, cubes)}
    model = Sequential(
        [
            Dense(3, swish, input_dim=9, kernel_regularizer=cubes, kernel_initializer=halves),
            nn.layers.Activation(swish),
            Dense(1, kernel_constraint=below_one),
        ]
    )
    model.compile("adam", "mse")
    model.fit(FLAT, YS[:, 0], epochs=2, batch_size=5, verbose=0)
    model.save(path)
    with pytest.raises(
        ModelFileError,
        match=r"below_one, cubes, halves, swish; .*\{'below_one': below_one\} with all of them$",
    ):
        nn.load(path)
    with pytest.raises(
        ModelFileError, match=r"has below_one; .*custom_objects=\{'below_one': below_one\}$"
    ):
        nn.load(path, custom_objects=given)
    loaded = nn.load(path, custom_objects={**given, "below_one": below_one, "more": swish})
    for x in (model, loaded):
        x.fit(FLAT, YS[:, 0], epochs=2, batch_size=5, verbose=0)
    assert loaded.state_dict() == model.state_dict()
    with pytest.raises(nn.HyperparameterError, match=r"lambda.* def .*custom_objects"):
        Sequential([Dense(1, lambda z: z, input_dim=2)]).save(path)


class Scale(SequentialLayer):
    """A layer of one's own with weights, of which get_weights() says nothing."""

    def prepare(self, input_shape: Any, rng: Any) -> Any:
        self.weights = [autograd.Value(1.0) for _ in range(input_shape[0])]
        return input_shape

    def row(self, x: Any, run: Any) -> Any:
        return [w * z for w, z in zip(self.weights, x, strict=True)]


def test_weights_of_layers_of_ones_own(tmp_path: Path) -> None:
    """They are saved and come back, also where the layer does not arrange them as arrays."""
    path = tmp_path / "m.safetensors"
    model = Sequential([Scale(input_dim=9), Dense(1)])
    model.compile("adam", "mse")
    model.fit(FLAT, YS[:, 0], epochs=2, batch_size=5, verbose=0)
    model.save(path)
    loaded = nn.load(path, custom_objects={"Scale": Scale})
    assert loaded.state_dict() == model.state_dict()


def saved(path: Path) -> bytes:
    """A small model file."""
    model = Sequential([Dense(1, input_dim=1)])
    model.compile("adam", "mse")
    model.save(path)
    return path.read_bytes()


def test_each_truncation_and_each_damaged_byte_is_one_named_error(tmp_path: Path) -> None:
    """Cut anywhere, or with a bit of any byte flipped, a file is refused by name."""
    counts = damage(tmp_path, bits=1)
    assert counts["refused"] > 2000


@settings(max_examples=100)
@given(st.data())
def test_any_other_damage_changes_nothing_in_silence(data: st.DataObject) -> None:
    """Bytes replaced, moved or doubled: refused, or the same model."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "m.safetensors"
        good = saved(path)
        before = nn.load(path).state_dict()
        a, b = sorted([data.draw(st.integers(0, len(good))) for _ in range(2)])
        middle = data.draw(st.sampled_from([b"", good[a:b] * 2, good[a:b][::-1]]) | st.binary())
        path.write_bytes(good[:a] + middle + good[b:])
        with suppress(ModelFileError):
            assert nn.load(path).state_dict() == before


class Bomb:
    """What runs if it is unpickled."""

    def __reduce__(self) -> Any:
        return os.mkdir, (os.environ["BOMB"],)


@pytest.mark.parametrize("suffix", [".safetensors", ".pkl", ".npz", ".keras", ".h5", ""])
def test_what_could_run_is_refused_by_content(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pickle, in each protocol and inside of archives, whatever its name: nothing runs."""
    exploded, path = tmp_path / "exploded", tmp_path / f"model{suffix}"
    monkeypatch.setenv("BOMB", str(exploded))
    contents = [pickle.dumps(Bomb(), protocol=p) for p in range(6)]
    archive = BytesIO()
    np.savez(archive, allow_pickle=True, bomb=np.array([Bomb()], dtype=object))
    contents.append(archive.getvalue())
    # one that is long enough to have a header's length before it
    contents += [len(x).to_bytes(8, "little") + x for x in contents]
    for x in (*contents, b"\x89HDF\r\n\x1a\n" + bytes(100)):
        path.write_bytes(x)
        with pytest.raises(ModelFileError):
            nn.load(path)
    pickle.loads(contents[0])  # which would have been seen
    assert exploded.exists()


@pytest.mark.parametrize("length", [2**63, 2**64 - 1, 2**40, 10**8 + 1, 0, 1])
def test_a_header_of_any_length_takes_no_memory(length: int, tmp_path: Path) -> None:
    """The length is held against the file's before a byte is read."""
    path = tmp_path / "m.safetensors"
    path.write_bytes(length.to_bytes(8, "little") + b"{}" * 100)
    os.truncate(path, 10**10)  # a hole: it takes no room on the disk
    tracemalloc.start()
    with pytest.raises(ModelFileError):
        nn.load(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10**6


def test_a_device_is_no_model() -> None:
    """What has no end is not read to its end."""
    for device in ("/dev/zero", "/dev/null"):
        if os.path.exists(device):
            with pytest.raises(ModelFileError):
                nn.load(device)


def crafted(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """A file with another description, and the digest that belongs to it."""
    from safetensors.numpy import load, save

    data = saved(path)
    arrays = load(data)
    length = int.from_bytes(data[:8], "little")
    text = json.loads(data[8 : 8 + length])["__metadata__"]["glassgrad"].partition(" ")[2]
    described = json.loads(text)
    change(described)
    text = json.dumps(described)
    digest = nn.io._digest(text, arrays)
    path.write_bytes(save(arrays, {"glassgrad": f"{digest} {text}"}))


HOSTILE: dict[str, Callable[[dict[str, Any]], Any]] = {
    "no layers": lambda d: d.pop("layers"),
    "layers that are a number": lambda d: d.update(layers=3),
    "a layer without a class": lambda d: d["layers"][0].pop("class"),
    "a class that is none of ours": lambda d: d["layers"][0].update({"class": "Sequential"}),
    "a billion units": lambda d: d["layers"][0]["config"].update(units=10**9),
    "a billion inputs": lambda d: (
        d.update(input_shape=[10**9]), d["layers"][0]["config"].update(input_shape=[10**9])
    ),
    "a billion layers' weights": lambda d: d["layers"].extend(
        [{"class": "Dense", "config": {"units": 10**5, "name": f"x{k}"}} for k in range(3)]
    ),
    "an unknown activation": lambda d: d["layers"][0]["config"].update(activation="__import__"),
    "an argument that is not there": lambda d: d["layers"][0]["config"].update(x=1),
    "an optimiser that is none": lambda d: d["training"].update(optimizer="exec"),
    "a rate that is a text": lambda d: d["training"]["settings"].update(lr="fast"),
    "epochs that are a text": lambda d: d.update(epochs_trained="many"),
    "an epoch that was never begun": lambda d: d.update(begun=["x"]),
    "another shape": lambda d: d.update(input_shape=[2]),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_description_that_lies_is_refused(name: str, tmp_path: Path) -> None:
    """With the right digest and a description of nonsense, it is a ModelFileError, at once."""
    path = tmp_path / "m.safetensors"
    crafted(path, HOSTILE[name])
    with pytest.raises(ModelFileError, match=r"m\.safetensors"):
        nn.load(path)


@pytest.mark.parametrize(
    ("version", "said"), [(2, "newer"), (0, "no glassgrad"), ("1", "no glassgrad"), (None, "no")]
)
def test_versions(version: Any, said: str, tmp_path: Path) -> None:
    """The message says whether an update would help."""
    path = tmp_path / "m.safetensors"
    crafted(path, lambda d: d.update(version=version))
    with pytest.raises(ModelFileError, match=f"expected format version 1, but got .*{said}"):
        nn.load(path)


def test_names_that_are_there_twice(tmp_path: Path) -> None:
    """Of two entries of one name, some readers take the first and others the last: refused."""
    from safetensors.numpy import load, save

    path = tmp_path / "m.safetensors"
    data = saved(path)
    length = int.from_bytes(data[:8], "little")
    header = data[8 : 8 + length].rstrip()
    twice = header[:-1] + b',"__metadata__":{"glassgrad":"x"}}'
    path.write_bytes(len(twice).to_bytes(8, "little") + twice + data[8 + length :])
    with pytest.raises(ModelFileError):
        nn.load(path)
    arrays = load(data)
    text = json.loads(header)["__metadata__"]["glassgrad"].partition(" ")[2]
    text = text[:-1] + ', "seed": 5}'
    path.write_bytes(save(arrays, {"glassgrad": f"{nn.io._digest(text, arrays)} {text}"}))
    with pytest.raises(ModelFileError, match="twice"):
        nn.load(path)


def test_brackets_without_end(tmp_path: Path) -> None:
    """A header, or a description, of a million brackets ends in the same error."""
    from safetensors.numpy import load, save

    path = tmp_path / "m.safetensors"
    header = b'{"__metadata__":' + b"[" * 10**6 + b"]" * 10**6 + b"}"
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(ModelFileError):
        nn.load(path)
    arrays, text = load(saved(path)), "[" * 10**6
    path.write_bytes(save(arrays, {"glassgrad": f"{nn.io._digest(text, arrays)} {text}"}))
    with pytest.raises(ModelFileError):
        nn.load(path)


def test_weights_that_are_nan_come_back(tmp_path: Path) -> None:
    """A model that diverged is a model: nan, inf and -0.0 are kept to the bit."""
    model = Sequential([Dense(2, input_dim=2)])
    numbers = np.array([[np.nan, np.inf], [-0.0, 5e-324]])
    model.set_weights([numbers, np.array([-np.inf, 1.0])])
    model.save(tmp_path / "m.safetensors")
    found = np.array(nn.load(tmp_path / "m.safetensors").get_weights()[0])
    assert found.tobytes() == numbers.tobytes()


GOLDEN = Path(__file__).parent / "golden" / "model-1"


def test_files_of_today_load_for_ever() -> None:
    """A file of format 1, in the repository, and what the model said when it was written."""
    path, told = GOLDEN.with_suffix(".safetensors"), GOLDEN.with_suffix(".json")
    if os.environ.get("UPDATE_GOLDEN"):  # only ever with a new format, under a new name
        model = model_of()
        model.fit(XS, YS, epochs=2, batch_size=5, verbose=0)
        model.save(path)
        told.write_text(json.dumps(model.predict(XS).tolist()) + "\n", encoding="utf-8")
    model = nn.load(path)
    expected = json.loads(told.read_text(encoding="utf-8"))
    assert model.predict(XS).ravel() == pytest.approx(np.ravel(expected), rel=1e-9)
    assert model.optimizer is not None
    assert model.optimizer.steps == 6
    assert model.epochs_trained == 2
    model.fit(XS, YS, epochs=1, batch_size=5, verbose=0)


def test_without_safetensors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to install; it is not the file's fault."""
    saved(tmp_path / "m.safetensors")
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(autograd.MissingExtraError, match="pip install safetensors"):
        nn.load(tmp_path / "m.safetensors")


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
