"""Weights from PyTorch and Keras: the same predictions as there, or an error and no change.

tests/data/weights is from PyTorch and Keras themselves (tools/reference_weights.py).
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import nn
from autograd import OperandError, Value
from nn.errors import ModelFileError, StateDictError
from nn.layers import Conv2D, Dense, Flatten, Reshape, SequentialLayer
from nn.models import Sequential
from tests.networks_of_others import cnn, mlp

FOLDER = Path(__file__).resolve().parent / "data" / "weights"
FIGURES = json.loads((FOLDER / "predictions.json").read_text(encoding="utf-8"))
CASES = sorted(FIGURES["predictions"])
NAMED = {"dense": "entry", "dense_1": "body", "dense_2": "answer"}


def file(name: str) -> Path:
    return FOLDER / f"{name}.safetensors"


def load(model: Sequential, name: str, source: Any = None) -> None:
    read = nn.load_keras if name.startswith("keras") else nn.load_torch
    read(model, file(name) if source is None else source)


def network(name: str, seed: int = 5) -> Sequential:
    return cnn(seed) if name.endswith("cnn") else mlp(seed)


@pytest.mark.parametrize("name", CASES)
def test_the_same_predictions(name: str) -> None:
    """With the weights of a network of PyTorch or Keras ours predicts the same, to 1e-12.

    Of float16 and bfloat16 files PyTorch computed with the rounded weights, in float64.
    """
    model = network(name)
    load(model, name)
    rows = FIGURES["images" if name.endswith("cnn") else "rows"]
    expected = np.array(FIGURES["predictions"][name])
    assert np.ptp(expected) > 0.05
    np.testing.assert_allclose(model.predict(rows), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", [name for name in CASES if "bfloat16" not in name])
def test_a_dict_of_arrays_is_as_good_as_a_file(name: str) -> None:
    """A dict in memory gives the same weights, in whatever order it comes."""
    by_file, by_dict = network(name), network(name, seed=6)
    load(by_file, name)
    load(by_dict, name, dict(sorted(load_file(file(name)).items(), reverse=True)))
    assert by_dict.get_weights() == by_file.get_weights()


@pytest.mark.parametrize("make", [mlp, cnn])
def test_what_leaves_comes_back(make: Any, tmp_path: Path) -> None:
    """save_torch writes the file that PyTorch loaded, and load_torch has the same bits again."""
    model, other = make(), make(seed=9)
    path = tmp_path / "out.safetensors"
    nn.save_torch(model, path)
    assert path.read_bytes() == file(f"ours_{make.__name__}").read_bytes()
    nn.load_torch(other, path)
    assert other.get_weights() == model.get_weights()


def test_layers_behind_the_first_that_sees_an_image(tmp_path: Path) -> None:
    """Only the kernel right behind the Flatten has its rows in another order."""

    def make(seed: int) -> Sequential:
        return Sequential(
            [Flatten(input_shape=(2, 3, 2)), Dense(12, "linear"), Dense(12), Dense(1)], seed=seed
        )

    model, other = make(1), make(2)
    nn.save_torch(model, tmp_path / "out")
    nn.load_torch(other, tmp_path / "out")
    assert other.get_weights() == model.get_weights()
    written, ours = load_file(tmp_path / "out"), model.get_weights()
    np.testing.assert_array_equal(written["2.weight"], np.transpose(ours[2]))
    axes = np.reshape(ours[0], (2, 3, 2, 12))
    assert written["1.weight"][5, 7] == axes[0, 1, 1, 5]  # 7 is channel 1, line 0, column 1


def test_names_that_are_given(tmp_path: Path) -> None:
    """With names= modules of any names are told apart, on both ways."""
    model, other = mlp(), mlp(seed=4)
    nn.load_torch(model, file("torch_named"), names=NAMED)
    nn.save_torch(model, tmp_path / "out", names=NAMED)
    assert load_file(tmp_path / "out").keys() == load_file(file("torch_named")).keys()
    nn.load_torch(other, tmp_path / "out", names=NAMED)
    assert other.get_weights() == model.get_weights()


def dense(*widths: int, **options: Any) -> Sequential:
    model = Sequential([Dense(n, **options) for n in widths[1:]])
    model.build((widths[0],))
    return model


def arrays(model: Sequential, *prefixes: str) -> dict[str, Any]:
    """Its weights as a Keras file would have them."""
    weights = iter(model.get_weights())
    found: dict[str, Any] = {}
    for prefix in prefixes:
        found |= {f"{prefix}/kernel": np.array(next(weights)), f"{prefix}/bias": next(weights)}
    return found


ORDERS = {
    "numbers go by their size": ["net.2", "net.9", "net.10"],
    "Keras's own": ["dense", "dense_1", "dense_2"],
    "further on in a session": ["x/dense_9", "x/dense_10", "x/dense_11"],
    "the first has no number": ["a/part", "a/part_1", "a/part_2"],
    "by name": ["m/dense", "m/dense_1", "m/dense_2"],
}


@pytest.mark.parametrize("name", ORDERS)
def test_layers_alike_are_told_by_numbers(name: str) -> None:
    """Three layers of one shape get the weights of the modules in the order of their numbers."""
    model, other = dense(3, 3, 3, 3), dense(3, 3, 3, 3)
    other.set_weights([(np.array(w) + 1.0).tolist() for w in other.get_weights()])
    given = arrays(other, *ORDERS[name])
    nn.load_keras(model, dict(sorted(given.items())))
    assert model.get_weights() == other.get_weights()
    older = dense(3, 3, 3, 3)  # as Keras called its variables before version 3
    nn.load_keras(older, {f"{key}:0": x for key, x in given.items()})
    assert older.get_weights() == other.get_weights()


def test_modules_of_several_names_are_told_by_shapes() -> None:
    """Where only one order fits it is taken; where several do, the error asks which."""
    model, other = dense(3, 4, 5), dense(3, 4, 5)
    other.set_weights([(np.array(w) + 1.0).tolist() for w in other.get_weights()])
    nn.load_keras(model, arrays(other, "zebra", "ape"))
    assert model.get_weights() == other.get_weights()
    with pytest.raises(StateDictError, match=r"several orders.*names={'dense': 'zebra'"):
        nn.load_keras(dense(3, 3, 3), arrays(dense(3, 3, 3), "zebra", "ape"))


def test_what_is_no_weight_is_ignored_with_a_word() -> None:
    """Counters and seeds beside the weights are named in a warning, at the caller's line."""
    given = arrays(dense(2, 1), "dense")
    with pytest.warns(UserWarning, match="ignored.*seed_generator_state") as told:
        nn.load_keras(
            dense(2, 1), given | {"dropout/seed_generator/seed_generator_state": np.array([1, 2])}
        )
    assert told[0].filename == __file__


class Own(SequentialLayer):
    """A layer that nobody else knows."""

    def prepare(self, input_shape: Any, rng: Any) -> Any:
        self.scale = Value(2.0)
        return input_shape

    def row(self, x: Any, run: Any) -> Any:
        return [self.scale * a for a in x]


def torch_arrays(**shapes: Any) -> dict[str, Any]:
    return {name.replace("__", "."): np.ones(shape) for name, shape in shapes.items()}


FITS = {"_0__weight": (2, 3), "_0__bias": (2,)}
MISFITS: dict[str, tuple[Any, str]] = {
    "a Keras file": (
        arrays(dense(3, 2), "dense"),
        r"from 'dense': expected a weight of shape \[2, 3\], but there is none; is this a Keras",
    ),
    "turned": (
        torch_arrays(_0__weight=(3, 2), _0__bias=2),
        r"from '_0': expected a weight of shape \[2, 3\], found \[3, 2\], the same turned: is this",
    ),
    "wrong": (torch_arrays(_0__weight=(2, 4), _0__bias=2), r"shape \[2, 3\], found \[2, 4\]$"),
    "of another rank": (torch_arrays(_0__weight=6, _0__bias=2), r"found \[6\]$"),
    "no bias": (
        torch_arrays(_0__weight=(2, 3)),
        r"expected a bias of shape \[2\], but there is no",
    ),
    "more in a module": (torch_arrays(**FITS, _0__gain=2), r"left over is its gain of shape \[2\]"),
    "more modules": (
        torch_arrays(**FITS, _1__weight=(1, 2)),
        r"left over in what was given: '_1' with weight \[1, 2\]",
    ),
    "nothing": ({}, r"layer 'dense': no module is left for its weight \[2, 3\], bias \[2\]"),
    "whole numbers": ({"0.weight": np.ones((2, 3), int)}, "expected floats, but '0.weight' holds"),
    "no arrays": ({"0.weight": [[1.0], [2.0, 3.0]]}, "expected an array of numbers as '0.weight'"),
    "nothing of the kind": ({"0.weight": {"a": 1}}, "expected an array of numbers as '0.weight'"),
}


@pytest.mark.parametrize("name", MISFITS)
def test_what_does_not_fit_changes_nothing(name: str) -> None:
    """Each misfit is an error that names layer, shapes and what is left over; no weight moved."""
    given, message = MISFITS[name]
    model = dense(3, 2)
    before = model.get_weights()
    with pytest.raises(StateDictError, match=f"(?m){message}"):
        nn.load_torch(model, given)
    assert model.get_weights() == before


def test_all_misfits_are_told_at_once() -> None:
    """Of three layers with a fault each, the error has a line for each."""
    with pytest.raises(StateDictError) as error:
        nn.load_keras(
            dense(2, 3, 4), arrays(dense(5, 3, 6), "dense", "dense_1") | {"x/y": np.ones(1)}
        )
    lines = str(error.value).splitlines()
    assert [line.split(":")[0].strip() for line in lines[1:]] == [
        "layer 'dense', from 'dense'",
        "layer 'dense_1', from 'dense_1'",
        "layer 'dense_1', from 'dense_1'",
        "left over in what was given",
    ]


def test_a_convolution_of_the_other_library_is_recognised() -> None:
    """A kernel with its axes in the other order says so, in both directions."""
    model = Sequential([Conv2D(4, (2, 3), input_shape=(5, 5, 3), use_bias=False)])
    with pytest.raises(StateDictError, match=r"\[4, 3, 2, 3\], found \[2, 3, 3, 4\], the same tur"):
        nn.load_torch(model, {"0.weight": np.ones((2, 3, 3, 4))})
    with pytest.raises(StateDictError, match=r"\[2, 3, 3, 4\], found \[4, 3, 2, 3\], the same tur"):
        nn.load_keras(model, {"c/kernel": np.ones((4, 3, 2, 3))})
    with pytest.raises(StateDictError, match=r"left over is its bias.*use_bias=False"):
        nn.load_keras(model, {"c/kernel": np.ones((2, 3, 3, 4)), "c/bias": np.ones(4)})


@pytest.mark.parametrize(
    "names", [{}, {"dense": "0", "other": "1"}, {"dense": "0", "dense_1": "0"}]
)
def test_names_must_be_those_of_the_layers(names: Any, tmp_path: Path) -> None:
    """Each layer has one module of its own, or the names are refused, on both ways."""
    model = dense(2, 2, 2)
    with pytest.raises(StateDictError, match="each of the layers dense, dense_1"):
        nn.load_torch(model, {}, names=names)
    with pytest.raises(StateDictError, match="each of the layers dense, dense_1"):
        nn.save_torch(model, tmp_path / "out", names=names)
    with pytest.raises(
        StateDictError, match=r"layer 'dense': no module 'a' for its weight \[2, 2\]"
    ):
        nn.load_torch(model, {}, names={"dense": "a", "dense_1": "b"})


def test_where_the_order_cannot_be_known() -> None:
    """An image made into another image, or a layer of one's own, is refused."""
    model = Sequential([Reshape((4, 3, 2), input_shape=(2, 3, 4)), Flatten(), Dense(1)])
    model.build((2, 3, 4))
    with pytest.raises(
        StateDictError, match=r"'reshape' makes rows of shape \(4, 3, 2\) of images"
    ):
        nn.load_torch(model, {})
    own = Sequential([Own(input_dim=2)])
    with pytest.raises(StateDictError, match="'own' is a Own"):
        nn.load_torch(own, {})
    with pytest.raises(RuntimeError, match="does not know the shape"):
        nn.load_torch(Sequential([Dense(1)]), {})


def test_one_channel_needs_no_other_order() -> None:
    """An image of one channel flattens alike in both; so does a Reshape that flattens."""
    for first in (Flatten(input_shape=(2, 3, 1)), Reshape((6,), input_shape=(2, 3, 1))):
        model = Sequential([first, Dense(1, use_bias=False)])
        nn.load_torch(model, {"1.weight": np.arange(6.0)[None]})
        assert np.ravel(model.get_weights()[0]).tolist() == list(range(6))
    layers = [Reshape((3, 2, 1), input_shape=(2, 3, 1)), Flatten(), Dense(1, use_bias=False)]
    model = Sequential(layers)
    nn.load_torch(model, {"1.weight": np.arange(6.0)[None]})
    assert np.ravel(model.get_weights()[0]).tolist() == list(range(6))
    model = Sequential([Reshape((6,), input_shape=(1, 2, 3)), Dense(1, use_bias=False)])
    nn.load_torch(model, {"1.weight": np.arange(6.0)[None]})
    assert np.ravel(model.get_weights()[0]).tolist() == [0, 2, 4, 1, 3, 5]


def test_other_files_are_refused(tmp_path: Path) -> None:
    """A pickle, a zip, a cut or damaged file: the error says what it is, and how to make one."""
    path, data = tmp_path / "x", file("torch_mlp").read_bytes()
    for contents, message in (
        (b"PK\x03\x04" + bytes(100), "it is a zip archive.*save_file"),
        (b"\x80\x02" + bytes(100), "a pickle, which is never opened"),
        (data[:100], "cut short"),
        (data[:-8], "damaged.*save_file"),
        (b"", "cut short"),
    ):
        path.write_bytes(contents)
        with pytest.raises(ModelFileError, match=message):
            nn.load_torch(mlp(), path)
    with pytest.raises(FileNotFoundError):
        nn.load_torch(mlp(), tmp_path / "missing")
    save_file({"0.weight": np.ones(3, np.int64)}, path)
    with pytest.raises(StateDictError, match="expected floats"):
        nn.load_torch(mlp(), path)


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_weights_that_are_no_numbers_are_refused(number: float) -> None:
    """A nan or infinite weight is named, with its place, and nothing changes."""
    model = dense(2, 3, 1)
    before = model.get_weights()
    given = arrays(dense(2, 3, 1), "a_0", "a_1")
    given["a_1/kernel"][1, 0] = number
    with pytest.raises(
        StateDictError, match=rf"'kernel' of 'a_1' has {number} at \[1, 0\] \(1 of 3"
    ):
        nn.load_keras(model, given)
    given["a_1/kernel"][1, 0], given["a_0/bias"] = 0.0, np.array([0.0, number, number])
    with pytest.raises(StateDictError, match=rf"'bias' of 'a_0' has {number} at \[1\] \(2 of 3"):
        nn.load_keras(model, given)
    assert model.get_weights() == before


def test_what_is_no_model_or_no_weights_is_named(tmp_path: Path) -> None:
    """Another kind of module, and a source that is neither a path nor a dict, say what to do."""
    module: Any = nn.MLP(2, [2, 1])
    for call in (nn.load_torch, nn.load_keras, nn.save_torch):
        with pytest.raises(OperandError, match=r"Sequential.*MLP.*load_state_dict\(\)"):
            call(module, tmp_path / "file")
    source: Any = [1, 2]
    with pytest.raises(OperandError, match=r"dict of arrays.*\[1, 2\] \(list\).*set_weights"):
        nn.load_torch(dense(2, 1), source)
