"""Ensembles, averaged looks, and the answers with their probabilities."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn
from autograd import LengthError
from nn import Ensemble, HyperparameterError, TargetError, predict_averaged, top
from nn.callbacks import LambdaCallback
from nn.data import digits, versions
from nn.errors import ModelFileError, NotCompiledError
from nn.layers import Dense, Dropout
from nn.models import Sequential
from nn.optim import Adam


def points(rows: int = 30) -> tuple[Any, Any]:
    """Rows [rows, 3] and class numbers 0 to 2."""
    rng = np.random.default_rng(0)
    xs = rng.normal(size=(rows, 3))
    return xs, xs.argmax(axis=1)


def build(seed: int) -> Sequential:
    """A small network with dropout, so that its seed matters in training, too."""
    return Sequential([Dense(6, "tanh", input_dim=3), Dropout(0.2), Dense(3, "softmax")], seed=seed)


HOW = ("adam", "sparse_categorical_crossentropy", ["accuracy", "f1"])


def trained(count: int = 3, seed: int = 4) -> Ensemble:
    """An ensemble after a few epochs."""
    ensemble = Ensemble(build, count, seed=seed)
    ensemble.compile(*HOW)
    ensemble.fit(*points(), epochs=3, batch_size=8, verbose=0)
    return ensemble


# --- Ensemble -------------------------------------------------------------------------------------


def test_an_ensemble_of_one_is_the_model() -> None:
    """Training, prediction and evaluation of one member are those of the model alone."""
    xs, ys = points()
    model, ensemble = build(4), trained(1)
    model.compile(*HOW)
    model.fit(xs, ys, epochs=3, batch_size=8, verbose=0)
    np.testing.assert_array_equal(ensemble.predict(xs), model.predict(xs))
    assert ensemble.evaluate(xs, ys) == pytest.approx(model.evaluate(xs, ys), rel=1e-12)
    assert ensemble.evaluate(xs, ys, return_dict=True) == pytest.approx(
        model.evaluate(xs, ys, return_dict=True), rel=1e-12
    )


def test_members_are_what_they_would_be_alone() -> None:
    """Each member trains as the model of its seed does alone: none sees another's state."""
    xs, ys = points()
    for k, member in enumerate(trained(3).models):
        alone = build(4 + k)
        alone.compile(*HOW)
        alone.fit(xs, ys, epochs=3, batch_size=8, verbose=0)
        assert member.state_dict() == alone.state_dict()


def test_the_prediction_is_the_mean() -> None:
    """It is the mean of the members', who differ; and still a row of probabilities."""
    xs, _ = points()
    ensemble = trained()
    each = [model.predict(xs) for model in ensemble.models]
    assert np.abs(each[0] - each[1]).max() > 0.01
    np.testing.assert_allclose(ensemble.predict(xs), (each[0] + each[1] + each[2]) / 3.0)
    np.testing.assert_allclose(ensemble.predict(xs).sum(axis=1), 1.0)
    assert len(ensemble) == 3


def test_evaluation_is_of_the_mean_prediction() -> None:
    """The loss is that of the averaged prediction, at most the mean of the losses (Jensen)."""
    xs, ys = points()
    ensemble = trained()
    logs = ensemble.evaluate(xs, ys, return_dict=True)
    predictions = ensemble.predict(xs)
    assert logs["loss"] == pytest.approx(-np.mean(np.log(predictions[np.arange(30), ys])))
    assert logs["accuracy"] == np.mean(predictions.argmax(axis=1) == ys)
    assert list(logs) == ["loss", "accuracy", "f1"]
    assert logs["loss"] < np.mean([model.evaluate(xs, ys)[0] for model in ensemble.models])
    ensemble.compile("adam", "sparse_categorical_crossentropy")
    assert ensemble.evaluate(xs, ys) == logs["loss"]


def test_the_order_of_the_rows_is_each_members_own() -> None:
    """Of two members alike in weights, each sees the rows in another order; seed= says which."""
    xs, ys = points()

    def fitted(seed: int | None) -> list[Any]:
        twins = Ensemble([build(1), build(1)])
        twins.compile("sgd", "sparse_categorical_crossentropy")
        twins.fit(xs, ys, seed=seed, batch_size=4, verbose=0)
        return [model.state_dict() for model in twins.models]

    first, second = fitted(None)
    assert first != second
    assert fitted(1) == [first, second]  # the first member's own seed is 1
    assert fitted(2)[0] == second


def test_an_optimisers_state_is_each_members_own() -> None:
    """An optimiser object is made anew for each member, with its settings."""
    optimizer = Adam(lr=0.02, betas=(0.8, 0.9), clipnorm=1.0)
    ensemble = Ensemble(build, 2)
    ensemble.compile(optimizer, "sparse_categorical_crossentropy")
    own = [model.optimizer for model in ensemble.models]
    assert own[0] is not own[1]
    assert [x.config() for x in own if x is not None] == [optimizer.config()] * 2
    histories = ensemble.fit(*points(), verbose=0)
    assert [history.updates for history in histories] == [1, 1]
    assert optimizer.steps == 0


def test_an_interrupt_ends_it_all() -> None:
    """After Ctrl-C in the second of three members, the third is not trained."""
    ensemble = Ensemble(build, 3)
    ensemble.compile(*HOW)
    epochs: list[int] = []

    def interrupt(epoch: int, logs: Any) -> None:
        epochs.append(epoch)
        if len(epochs) == 4:
            raise KeyboardInterrupt

    callback = LambdaCallback(on_epoch_end=interrupt)
    histories = ensemble.fit(*points(), epochs=3, callbacks=[callback], verbose=0)
    assert [history.interrupted for history in histories] == [False, True]
    assert ensemble.models[2].epochs_trained == 0


def test_training_says_whose_turn_it_is(capsys: Any) -> None:
    """Each member is announced, unless verbose=0."""
    ensemble = Ensemble(build, 2)
    ensemble.compile(*HOW)
    ensemble.fit(*points(), verbose=2)
    assert "Member 2/2\nEpoch 1/1\n" in capsys.readouterr().out
    ensemble.fit(*points(), verbose=0)
    assert capsys.readouterr().out == ""


def test_saved_and_loaded(tmp_path: Path) -> None:
    """A loaded ensemble predicts and evaluates the same; saving again overwrites it."""
    xs, ys = points()
    ensemble = trained(11)  # member 10 comes after 9, whatever their names' order
    for _ in range(2):
        ensemble.save(tmp_path / "columns")
    loaded = Ensemble.load(tmp_path / "columns")
    for a, b in zip(ensemble.models, loaded.models, strict=True):
        assert a.state_dict() == b.state_dict()
    assert loaded.evaluate(xs, ys) == ensemble.evaluate(xs, ys)


def test_folders_that_are_no_ensemble(tmp_path: Path) -> None:
    """Two ensembles are not mixed up; a member that is missing or damaged is named."""
    trained(2).save(tmp_path)
    with pytest.raises(FileExistsError, match="member-1-of-2"):
        trained(3).save(tmp_path)
    assert len(list(tmp_path.iterdir())) == 2
    second = tmp_path / "member-2-of-2.safetensors"
    data = second.read_bytes()
    second.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(ModelFileError, match="member-2-of-2"):
        Ensemble.load(tmp_path)
    second.unlink()
    with pytest.raises(FileNotFoundError, match="member-2-of-2"):
        Ensemble.load(tmp_path)
    with pytest.raises(FileNotFoundError, match="there is no member-1-of-"):
        Ensemble.load(tmp_path / "nothing")


def test_what_is_no_ensemble() -> None:
    """No models, one twice, a list with a count, a function without, and other things."""
    model = build(0)
    with pytest.raises(LengthError, match="at least one model"):
        Ensemble([])
    with pytest.raises(HyperparameterError, match="twice"):
        Ensemble([model, model])
    with pytest.raises(HyperparameterError, match="count=2 with a function"):
        Ensemble([model], 2)
    with pytest.raises(HyperparameterError, match="count=5"):
        Ensemble(build)
    with pytest.raises(TypeError, match="expected Sequentials"):
        Ensemble([model, "model"])  # type: ignore[list-item]
    with pytest.raises(NotCompiledError, match="compile"):
        Ensemble([model]).evaluate(*points())
    other = Sequential([Dense(2, input_dim=3)])
    with pytest.raises(LengthError, match=r"\[\(2,\), \(3,\)\]"):
        Ensemble([model, other]).predict(points()[0])


# --- averaged looks -------------------------------------------------------------------------------


def test_the_averaged_prediction_is_the_mean_over_the_versions() -> None:
    """It is the mean of the predictions for each version, of a model or an ensemble alike."""
    xs = digits().xs[:5]
    looks = partial(versions, k=4, image_shape=(8, 8), seed=3)
    model = Sequential([Dense(10, "softmax", input_dim=64)])
    for predictor in (model, Ensemble([model])):
        expected = np.mean([predictor.predict(looks(xs)[:, j]) for j in range(4)], axis=0)
        np.testing.assert_allclose(predict_averaged(predictor, xs, looks), expected)
        found = predict_averaged(predictor, xs, 4, image_shape=(8, 8), seed=3)
        np.testing.assert_allclose(found, expected)


def test_one_version_is_the_prediction() -> None:
    """The first version of a picture is itself."""
    xs = digits().xs[:5]
    model = Sequential([Dense(10, "softmax", input_dim=64)])
    found = predict_averaged(model, xs, 1, image_shape=(8, 8))
    np.testing.assert_array_equal(found, model.predict(xs))


def test_versions_of_another_shape() -> None:
    """A function that gives rows, and not versions of each, is refused."""
    xs = digits().xs[:5]
    model = Sequential([Dense(10, "softmax", input_dim=64)])
    for wrong in (lambda x: x, lambda x: x[:4, None], lambda x: x[:, None][:, :0]):
        with pytest.raises(LengthError, match=r"\[rows, versions, ...\]"):
            predict_averaged(model, xs, wrong)


# --- top ------------------------------------------------------------------------------------------


def test_top_gives_the_likeliest_first() -> None:
    """For each row the k largest, in falling order, each with its own probability."""
    rng = np.random.default_rng(1)
    predictions = rng.dirichlet(np.ones(6), size=20)
    for k in (1, 2, 6):
        answers = top(predictions, k)
        assert [len(row) for row in answers] == [k] * 20
        for row, p in zip(answers, predictions, strict=True):
            assert [a.probability for a in row] == sorted(p.tolist(), reverse=True)[:k]
            assert all(p[a.label] == a.probability for a in row)


def test_ties_go_to_the_lower_number() -> None:
    """Of equal probabilities the class with the lower number comes first, as in argmax."""
    row = [0.2, 0.3, 0.2, 0.3]
    assert [a.label for a in top([row], 4)[0]] == [1, 3, 0, 2]


def test_one_output_is_two_classes() -> None:
    """A sigmoid's output is the second class's probability, and its rest the first's."""
    answers = top([[0.25], [0.5], [1.0]], class_names=["no", "yes"])
    assert answers == [
        [("no", 0.75), ("yes", 0.25)],
        [("no", 0.5), ("yes", 0.5)],
        [("yes", 1.0), ("no", 0.0)],
    ]


def test_answers_print_as_a_table() -> None:
    """A line for each row, the names and the percentages in columns; of many rows, the first."""
    answers = top([[0.934, 0.06, 0.006], [0.0, 0.0, 1.0]], 2, ["setosa", "versicolor", "virginica"])
    assert str(answers[0][0]) == "setosa 93.4 %"
    assert repr(answers).splitlines() == [
        "0  setosa     93.4 %   versicolor   6.0 %",
        "1  virginica 100.0 %   setosa       0.0 %",
    ]
    lines = str(top([[0.5, 0.5]] * 1000)).splitlines()
    assert lines[9] == " 9  0  50.0 %   1  50.0 %"
    assert lines[-1] == "... 970 more rows"
    assert len(lines) == 31
    assert str(top(np.zeros((0, 3)))) == ""


def test_what_top_refuses() -> None:
    """Logits, nan, a single row, a senseless k and names that do not fit are refused."""
    for wrong in (-0.1, 1.1, float("nan")):
        with pytest.raises(TargetError, match="give the last layer a softmax"):
            top([[wrong, 0.5]])
    with pytest.raises(LengthError, match=r"one row goes as \[row\]"):
        top([0.1, 0.9])
    for k in (0, 3):
        with pytest.raises(HyperparameterError, match="k from 1 to 2"):
            top([[0.1, 0.9]], k)
    with pytest.raises(LengthError, match="expected 2 class_names, but got 3"):
        top([[0.1, 0.9]], class_names="abc")


def test_nn_exports_them() -> None:
    """They are found where the other names are."""
    assert nn.Ensemble is Ensemble
    assert nn.top is top
    assert nn.predict_averaged is predict_averaged
