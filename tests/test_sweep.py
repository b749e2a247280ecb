"""sweep: each of many models that train side by side becomes what it would have become alone."""

import pickle
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pages
import pytest

import autograd
import nn
import nn.plots
import nn.sweeping
from autograd import LengthError
from nn import Adam, HyperparameterError, Sequential, gate, sweep
from nn.layers import Dense, Dropout
from nn.regularizers import L1L2, L2
from nn.sweeping import training
from nn.sweeping.lanes import Lanes
from nn.sweeping.training import Options, train_group

XS, YS = gate("xor")
RNG = np.random.default_rng(5)
CLOUD = (RNG.normal(size=(10, 3)), RNG.integers(0, 2, 10).astype(float))


def build(
    width: int = 3,
    activation: str = "tanh",
    seed: int = 0,
    optimizer: Any = Adam,
    compiled: bool | None = None,
    l2: float | None = None,
    inputs: int | None = None,
    layers: Any = (),
    constraint: Any = None,
    **settings: Any,
) -> Sequential:
    """A small network, with the settings of its optimiser among the arguments."""
    penalty = None if l2 is None else L2(l2)
    model = Sequential(
        [
            Dense(
                width,
                activation=activation,
                kernel_regularizer=penalty,
                kernel_constraint=constraint,
                input_dim=inputs,
            ),
            *[make() for make in layers],
            Dense(1, activation="sigmoid"),
        ],
        seed=seed,
    )
    model.compile(optimizer(**settings), "binary_crossentropy", ["accuracy"], compiled=compiled)
    return model


def alone(data: Any, point: dict[str, Any], compiled: bool | None, **options: Any) -> Sequential:
    """The model of a point, trained by `fit`."""
    model = build(**point, compiled=compiled)
    x, y = data
    model.fit(x, y, verbose=0, **options)
    return model


def numbers(model: Sequential) -> Any:
    """All its parameters."""
    return np.array([p.data for p in model.parameters()])


CASES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("seeds, rates", {"seed": [0, 1, 2], "lr": [0.01, 0.1]}, {"batch_size": None}),
    ("orders", {"seed": [0, 1, 2], "lr": [0.05]}, {"batch_size": 4}),
    ("one order", {"lr": [0.01, 0.1], "weight_decay": [0.0, 0.01, 0.1]}, {"batch_size": 3}),
    ("no shuffle", {"seed": [0, 1]}, {"batch_size": 4, "shuffle": False}),
    ("betas", {"betas": [(0.9, 0.99), (0.5, 0.9)], "eps": [1e-8, 1e-3]}, {"batch_size": 5}),
    ("amsgrad", {"amsgrad": [True], "lr": [0.01, 0.1]}, {"batch_size": 5}),
    (
        "momentum",
        {"optimizer": [nn.SGD], "momentum": [0.0, 0.5, 0.9], "lr": [0.1, 1.0]},
        {"batch_size": 5},
    ),
    ("nadam", {"optimizer": [nn.Nadam], "momentum_decay": [0.004, 0.1]}, {"batch_size": 5}),
    ("rmsprop", {"optimizer": [nn.RMSprop], "alpha": [0.9, 0.99]}, {"batch_size": 5}),
    ("adadelta", {"optimizer": [nn.Adadelta], "rho": [0.9, 0.5]}, {"batch_size": 5}),
    (
        "adagrad",
        {"optimizer": [nn.Adagrad], "initial_accumulator_value": [0.0, 0.1, 0.1]},
        {"batch_size": 5},
    ),
    ("adamw", {"optimizer": [nn.AdamW], "weight_decay": [0.01, 0.1]}, {"batch_size": 5}),
    ("clipping", {"clipnorm": [0.1, 1.0], "clipvalue": [0.05, 1.0]}, {"batch_size": 5}),
    ("penalties", {"l2": [None, 0.0, 0.01, 0.1], "seed": [0, 1]}, {"batch_size": 5}),
    ("schedules", {"lr": [nn.step_decay(0.1, 2, 0.5), 0.1], "seed": [3]}, {"batch_size": 5}),
    ("dropout", {"layers": [(lambda: Dropout(0.3),)], "seed": [0, 1]}, {"batch_size": 5}),
    ("constraints", {"constraint": ["non_neg"], "seed": [0, 1]}, {"batch_size": 5}),
    ("relu", {"activation": ["relu"], "seed": [0, 1, 2], "width": [1, 2]}, {"batch_size": 10}),
]


@pytest.fixture
def by_itself(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Which groups, by their size, `sweep` trains one model after another."""
    found: list[int] = []
    in_turn = training._in_turn

    def spy(build: Any, group: Any, options: Any) -> Iterator[Any]:
        found.append(len(group.points))
        return in_turn(build, group, options)

    monkeypatch.setattr(training, "_in_turn", spy)
    return found


@pytest.mark.parametrize(("_name", "grid", "options"), CASES, ids=[case[0] for case in CASES])
def test_lanes_are_fit_to_the_bit(
    _name: str, grid: Any, options: Any, by_itself: list[int]
) -> None:
    """With exact=True each model's parameters have the bits of `fit` with the eager engine.

    Groups of one model are `fit`'s anyway, and must leave something to test.
    """
    found = sweep(build, grid, CLOUD, epochs=3, exact=True, **options)
    assert sum(by_itself) < len(found)
    assert set(by_itself) <= {1}
    for row, model in zip(found.table, found.models, strict=True):
        point = {name: row[name] for name in grid}
        expected = alone(CLOUD, point, False, epochs=3, **options)
        assert numbers(model).tolist() == numbers(expected).tolist(), point


def test_lanes_are_fit_after_a_hundred_steps() -> None:
    """By default each model equals `fit`'s to 1e-10 after 100 steps; so does its line."""
    grid: dict[str, Any] = {"seed": range(4), "lr": [0.01, 0.05]}
    found = sweep(build, grid, CLOUD, epochs=50, batch_size=5, validation_data=(CLOUD[0], CLOUD[1]))
    for row, model in zip(found.table, found.models, strict=True):
        expected = alone(
            CLOUD, {"seed": row["seed"], "lr": row["lr"]}, None, epochs=50, batch_size=5
        )
        assert np.allclose(numbers(model), numbers(expected), rtol=1e-10, atol=1e-10)
        loss, accuracy = expected.evaluate(*CLOUD)
        assert row["loss"] == pytest.approx(loss, rel=1e-9)
        assert (row["accuracy"], row["val_accuracy"]) == (accuracy, accuracy)
        assert row["loss"] == row["val_loss"] == model.evaluate(*CLOUD)[0]
        assert (row["epochs"], row["diverged"]) == (50, False)


def test_data_of_their_own(by_itself: list[int]) -> None:
    """Data may be a function of the point; rows of one shape train together."""

    def data(seed: int, n: int, **_: Any) -> Any:
        rng = np.random.default_rng(seed)
        return rng.normal(size=(n, 3)), rng.integers(0, 2, n).astype(float)

    def made(seed: int, n: int) -> Sequential:
        return build(seed=seed)

    found = sweep(
        made,
        {"seed": [0, 1, 2], "n": [6, 8]},
        data,
        epochs=3,
        batch_size=4,
        validation_data=data,
        exact=True,
    )
    assert not by_itself
    for row, model in zip(found.table, found.models, strict=True):
        point = {"seed": row["seed"], "n": row["n"]}
        own = data(**point)
        expected = alone(own, {"seed": row["seed"]}, False, epochs=3, batch_size=4)
        assert numbers(model).tolist() == numbers(expected).tolist()
        assert row["loss"] == row["val_loss"] == model.evaluate(*own)[0]


def test_divergence_stops_one_lane_and_no_other() -> None:
    """A model that diverges keeps the parameters before that update; its neighbours train on."""
    with np.errstate(all="ignore"):
        xs = CLOUD[0] * 1e3

        def made(lr: float) -> Sequential:
            model = Sequential([Dense(2, activation="relu"), Dense(1)])
            model.compile(nn.SGD(lr=lr), "mse")
            return model

        rates = [1e-9, 1e3, 1e-8, 1e6]
        found = sweep(made, {"lr": rates}, (xs, CLOUD[1]), epochs=12, batch_size=5, exact=True)
        ended = []
        for row, model in zip(found.table, found.models, strict=True):
            expected = made(row["lr"])
            expected.compile(nn.SGD(lr=row["lr"]), "mse", compiled=False)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("warnings.warn", lambda *args, **kwargs: None)
                history = expected.fit(xs, CLOUD[1], epochs=12, batch_size=5, verbose=0)
            assert numbers(model).tolist() == numbers(expected).tolist()
            assert row["epochs"] == len(history.losses)
            assert row["diverged"] == (history.stopped == "diverged")
            ended.append(row["diverged"])
    assert ended == [False, True, False, True]


def test_structures_are_told_apart(by_itself: list[int]) -> None:
    """Points of one structure form one group; a width, an activation or a zero setting another."""
    grid: dict[str, Any] = {"width": [1, 2], "activation": ["tanh", "relu"], "seed": range(3)}
    found = sweep(build, grid, (XS, YS), epochs=1)
    assert not by_itself
    sizes = [len(model.parameters()) for model in found.models]
    assert sizes == [5] * 6 + [9] * 6
    order = [(row["width"], row["activation"], row["seed"]) for row in found.table]
    assert order == [(w, a, s) for w in (1, 2) for a in ("tanh", "relu") for s in range(3)]


def test_what_cannot_be_compiled_trains_in_turn(by_itself: list[int]) -> None:
    """A loss that branches on a number is trained by `fit`, one model after another."""

    def branching(predictions: Any, targets: Any) -> Any:
        found = [p if p > 0.5 else -p for (p,) in predictions]
        return sum(found, 0.0) / len(found)

    def made(seed: int) -> Sequential:
        model = Sequential([Dense(1, activation="sigmoid", input_dim=2)], seed=seed)
        model.compile(nn.SGD(lr=0.1), branching)
        return model

    found = sweep(made, {"seed": [0, 1]}, (XS, YS), epochs=2)
    assert by_itself == [2]
    expected = made(1)
    expected.fit(XS, YS, epochs=2, verbose=0)
    assert numbers(found.model(1)).tolist() == numbers(expected).tolist()


def test_a_group_is_a_pure_function() -> None:
    """What a group trains on and what comes of it can be pickled, and comes out the same again."""
    groups = nn.sweeping._groups(build, [{"seed": 0}, {"seed": 1}], (XS, YS), None)
    options = Options(2, 2, True, False)
    copies = pickle.loads(pickle.dumps((build, groups, options)))
    first, second = (
        [f for group in gs for f in train_group(b, group, o)]
        for b, gs, o in ((build, groups, options), copies)
    )
    assert [f.parameters for f in first] == [f.parameters for f in second]


def test_interrupted_sweeps_keep_what_is_finished(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C gives the points that are finished, and says that it came."""
    train, calls = Lanes.train, []

    def interrupted(self: Lanes, some: Any, epochs: int, **options: Any) -> Any:
        calls.append(list(some))
        if len(calls) == 4:  # the first only compiles
            raise KeyboardInterrupt
        return train(self, some, epochs, **options)

    monkeypatch.setattr(Lanes, "train", interrupted)
    found = sweep(build, {"seed": range(7)}, (XS, YS), epochs=2, lanes=2)
    assert found.interrupted
    assert [row["seed"] for row in found.table] == [0, 1, 2, 3]
    assert "interrupted" in repr(found)
    expected = alone((XS, YS), {"seed": 3}, None, epochs=2)
    assert np.allclose(numbers(found.model(3)), numbers(expected), rtol=1e-12)


def test_fewer_lanes_lose_less_to_an_interruption(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Models that train side by side finish together: of the last ones nothing is kept. The bits
    are the same however many there are.
    """
    grid, options = {"seed": range(7)}, {"epochs": 3, "exact": True}
    whole = sweep(build, grid, gate("xor"), **options)
    train, done = Lanes.train, []

    def interrupted(self: Lanes, some: Any, epochs: int, **more: Any) -> Any:
        found = train(self, some, epochs, **more)
        done.append(len(some))
        if sum(done) > 5:
            raise KeyboardInterrupt
        return found

    monkeypatch.setattr(Lanes, "train", interrupted)
    found = sweep(build, grid, gate("xor"), lanes=2, store=tmp_path / "some", **options)
    assert done == [1, 2, 2, 2]  # the first to see whether it compiles
    assert found.interrupted
    assert len(found) == len((tmp_path / "some").read_text().splitlines()) == 4
    done.clear()
    found = sweep(build, grid, gate("xor"), store=tmp_path / "none", **options)
    assert not found.table
    assert "lanes=" in repr(found)
    assert "store" in repr(found)
    monkeypatch.undo()
    again = sweep(build, grid, gate("xor"), lanes=2, store=tmp_path / "some", **options)
    assert all(map(np.array_equal, map(numbers, again.models), map(numbers, whole.models)))
    assert len(again) == len(whole) == 7
    with pytest.raises(HyperparameterError, match="lanes"):
        sweep(build, grid, gate("xor"), lanes=0, epochs=1)


def test_lanes_limit_what_a_worker_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of its jobs is so many points at most, for what it has not handed in is lost, too."""
    train, done = Lanes.train, []

    def seen(self: Lanes, some: Any, epochs: int, **more: Any) -> Any:
        if "batches" not in more:
            done.append(len(some))
        return train(self, some, epochs, **more)

    monkeypatch.setattr(Lanes, "train", seen)
    grid: Any = {"seed": range(20)}
    sweep(build, grid, gate("xor"), lanes=2, executor=nn.SerialExecutor(), epochs=1)
    assert done == [2] * 10


def test_a_signal_ends_a_sweep() -> None:
    """A real SIGINT between the steps of the lanes is answered soon, by a Sweep."""
    timer = threading.Timer(0.5, signal.raise_signal, [signal.SIGINT])
    timer.start()
    found = sweep(build, {"seed": range(8)}, (XS, YS), epochs=10**9)
    timer.join()
    assert found.interrupted
    assert len(found) == 0
    assert repr(found).startswith("an empty table")
    with pytest.raises(LengthError, match="at least one finished point"):
        _ = found.best


def test_best_and_means() -> None:
    """The best line has the smallest validation loss; means are over all other names."""
    found = sweep(
        build,
        {"width": [1, 4], "seed": range(4)},
        (XS, YS),
        epochs=200,
        validation_data=(XS[:2], YS[:2]),
    )
    assert found.best["val_loss"] == min(row["val_loss"] for row in found.table)
    k = found.table.index(found.best)
    assert numbers(found.model()).tolist() == numbers(found.model(k)).tolist()
    means = found.means("width", value="loss")
    rows = [row["loss"] for row in found.table if row["width"] == 4]
    assert means[(4,)] == pytest.approx(sum(rows) / 4)
    solved = found.means("width", value=lambda row: row["loss"] < 0.1)
    assert solved[(1,)] == 0.0  # one unit cannot
    with pytest.raises(nn.UnknownNameError, match="'depth'"):
        found.means("depth", value="loss")
    with pytest.raises(nn.UnknownNameError, match="'error'"):
        found.means("width", value="error")


def test_a_model_that_diverged_is_not_the_best() -> None:
    """A loss of nan is worse than any number."""
    found = sweep(build, {"seed": range(3)}, (XS, YS), epochs=1)
    found.table[0]["loss"] = float("nan")
    assert found.best["loss"] == min(row["loss"] for row in found.table[1:])


def test_tables_print() -> None:
    """Columns are aligned, long tables are cut and say so; pandas gets the same."""
    pandas = pytest.importorskip("pandas")
    found = sweep(build, {"seed": range(30)}, (XS, YS), epochs=1)
    lines = repr(found).splitlines()
    assert lines[0].split() == "seed loss accuracy epochs diverged seconds".split()  # noqa: SIM905
    assert lines[-1] == "30 points"
    assert len({len(line) for line in lines[:-1]}) == 1
    assert len(lines) == 23
    frame = found.table.to_pandas()
    assert isinstance(frame, pandas.DataFrame)
    assert frame["loss"].tolist() == [row["loss"] for row in found.table]


def test_pictures() -> None:
    """A heat map has a cell for each pair with its number; a line a median for each value."""
    found = sweep(build, {"width": [1, 2], "seed": range(3)}, (XS, YS), epochs=1)
    axes = found.plot("width", "seed", "accuracy").axes[0]
    texts = sorted(text.get_text() for text in axes.texts)
    assert texts == sorted(f"{100 * row['accuracy']:.0f} %" for row in found.table)
    axes = found.plot("width", "seed", "loss", title="losses").axes[0]
    assert axes.get_title() == "losses"
    at = {(text.get_position()): text.get_text() for text in axes.texts}
    assert at[(1, 2)] == f"{found.table[5]['loss']:.3g}"
    axes = found.plot("width", value="loss").axes[0]
    (line,) = axes.lines
    medians = [sorted(r["loss"] for r in found.table if r["width"] == w)[1] for w in (1, 2)]
    assert list(line.get_ydata()) == medians
    wide = sweep(build, {"lr": [1e-4, 1e-2, 1.0]}, (XS, YS), epochs=1).plot("lr")
    assert wide.axes[0].get_xscale() == "log"
    names = sweep(build, {"activation": ["relu", "tanh"]}, (XS, YS), epochs=1).plot("activation")
    assert [t.get_text() for t in names.axes[0].get_xticklabels()] == ["relu", "tanh"]


def test_a_measure_is_no_axis() -> None:
    """plot("lr", "loss"), meant as x and y, says how that is written; so do too many values."""
    found = sweep(build, {"lr": [0.1, 0.2], "seed": range(2)}, (XS, YS), epochs=1)
    for y in ("loss", "accuracy"):
        with pytest.raises(HyperparameterError, match=rf"plot\('lr', value='{y}'\)"):
            found.plot("lr", y)
        with pytest.raises(HyperparameterError, match=rf"plot\('seed', 'lr', '{y}'\) by both"):
            found.plot("seed", y)
        found.plot("lr", value=y)
        found.plot("lr", "seed", y)
    found.plot("lr", "diverged")
    with pytest.raises(nn.UnknownNameError):
        found.plot("lr", "width")
    nn.plots.heat_map({(0, k): 0.5 for k in range(100)}, "x", "y")
    with pytest.raises(LengthError, match="'y' has 101; try fewer"):
        nn.plots.heat_map({(0, k): 0.5 for k in range(101)}, "x", "y")
    with pytest.raises(LengthError, match="'x' has 101"):
        nn.plots.heat_map({(k, 0): 0.5 for k in range(101)}, "x", "y")


def test_errors() -> None:
    """What makes no sense is refused before anything is trained."""
    with pytest.raises(LengthError, match="at least one point"):
        sweep(build, {"seed": []}, (XS, YS), epochs=1)
    with pytest.raises(LengthError, match="same names"):
        sweep(build, [{"seed": 1}, {"width": 1}], (XS, YS), epochs=1)
    with pytest.raises(nn.HyperparameterError, match="columns of the table, but got 'epochs'"):
        sweep(build, {"epochs": [1]}, (XS, YS), epochs=1)
    with pytest.raises(TypeError, match="values for 'seed'"):
        sweep(build, {"seed": 3}, (XS, YS), epochs=1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="to give a Sequential"):
        sweep(lambda seed: None, {"seed": [3]}, (XS, YS), epochs=1)  # type: ignore[arg-type, return-value]
    with pytest.raises(nn.NotCompiledError):
        sweep(lambda n: Sequential([Dense(n)]), {"n": [3]}, (XS, YS), epochs=1)
    with pytest.raises(nn.HyperparameterError, match="epochs"):
        sweep(build, {"seed": [1]}, (XS, YS), epochs=-1)
    with pytest.raises(nn.HyperparameterError, match="batch_size"):
        sweep(build, {"seed": [1]}, (XS, YS), epochs=1, batch_size=0)
    with pytest.raises(LengthError, match=r"rows of shape \(3,\)"):
        sweep(build, {"inputs": [3], "seed": [1, 2]}, (XS, YS), epochs=1)
    with pytest.raises(nn.TargetError):
        sweep(build, {"seed": [1, 2]}, (XS, [7.0] * 4), epochs=1)


def test_penalties_of_two_kinds_differ_in_lanes(by_itself: list[int]) -> None:
    """Each factor of a penalty is a lane's own, and the model is left with the one it had."""

    def made(l1: float, l2: float) -> Sequential:
        model = Sequential([Dense(2, input_dim=2, kernel_regularizer=L1L2(l1, l2)), Dense(1)])
        model.compile(nn.SGD(lr=0.1), "mse")
        return model

    grid = {"l1": [0.1, 0.2], "l2": [0.3, 0.4]}
    found = sweep(made, grid, (XS, YS), epochs=3, exact=True)
    assert not by_itself
    for row, model in zip(found.table, found.models, strict=True):
        expected = made(row["l1"], row["l2"])
        expected.compile(nn.SGD(lr=0.1), "mse", compiled=False)
        expected.fit(XS, YS, epochs=3, verbose=0)
        assert numbers(model).tolist() == numbers(expected).tolist()
        assert row["loss"] == pytest.approx(model.evaluate(XS, YS), rel=1e-12)


def test_the_page_on_many_models_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """The examples of docs/many.md on models run, one after the other."""
    names: dict[str, object] = {}
    for block in pages.python_blocks(pages.page("many", "Many models")):
        exec(block, names)
    printed = capsys.readouterr().out
    assert "200 points" in printed
    assert "{'w': " in printed


def test_what_has_diverged_stays_where_it_was() -> None:
    """One row that overflows ends the training for good, though the next batches would not."""
    xs = CLOUD[0].copy()
    xs[3] = 1e200

    def made(seed: int, compiled: bool | None = None) -> Sequential:
        model = Sequential([Dense(1)], seed=seed)
        model.compile(nn.SGD(lr=0.01), "mse", compiled=compiled)
        return model

    with np.errstate(over="ignore"):
        found = sweep(made, {"seed": range(4)}, (xs, CLOUD[1]), epochs=3, batch_size=2, exact=True)
    for row, model in zip(found.table, found.models, strict=True):
        expected = made(row["seed"], compiled=False)
        told = pytest.warns(RuntimeWarning, match="after 0 epochs")
        with np.errstate(over="ignore"), autograd.silence("unscaled-input"), told:
            expected.fit(xs, CLOUD[1], epochs=3, batch_size=2, verbose=0)
        assert numbers(model).tolist() == numbers(expected).tolist()
        assert (row["diverged"], row["epochs"]) == (True, 0)


def test_what_trains_together() -> None:
    """A setting of 0 parts models, an initialiser does not; what cannot be compared stays alone."""
    rows = [
        {"weight_decay": 0.0}, {"weight_decay": 0.1}, {"weight_decay": 0.2}, {"weight_decay": 0.0},
    ]  # fmt: skip
    sizes = [len(g.points) for g in nn.sweeping._groups(build, rows, CLOUD, None)]
    assert sizes == [2, 2]

    def made(seed: int, odd: bool) -> Sequential:
        layer = Dense(1, input_dim=3, kernel_initializer=lambda rng, n, m: rng.uniform(-1, 1))
        if odd:
            layer.note = [{1}]  # type: ignore[attr-defined]
        model = Sequential([layer], seed=seed)
        model.compile("sgd", "mse")
        return model

    points = nn.sweeping.points_of({"seed": [0, 1], "odd": [False, True]})
    sizes = [len(g.points) for g in nn.sweeping._groups(made, points, CLOUD, None)]
    assert sizes == [2, 1, 1]


def test_lines_are_in_the_order_of_the_points() -> None:
    """Whatever is trained together."""
    found = sweep(build, {"seed": [0, 1], "width": [1, 2]}, (XS, YS), epochs=1)
    assert [(r["seed"], r["width"]) for r in found.table] == [(0, 1), (0, 2), (1, 1), (1, 2)]


def test_settings_are_put_back() -> None:
    """The model has the penalty it had before."""
    model = build(l2=0.5, inputs=2)
    before = model.layers[0].kernel_regularizer  # type: ignore[attr-defined]
    with nn.sweeping.points.with_settings(model, {(0, "kernel_regularizer", "l2"): 0.25}):
        assert model.layers[0].kernel_regularizer.l2 == 0.25  # type: ignore[attr-defined]
    assert model.layers[0].kernel_regularizer is before  # type: ignore[attr-defined]


def test_shares_and_numbers_that_are_none() -> None:
    """Not quite none and not quite all are said so; nan counts as the largest."""
    axes = nn.plots.heat_map({(0, 0): 0.001, (1, 0): 0.999, (2, 0): 1.0}, "x", "y", shares=True)
    texts = [text.get_text() for text in axes.axes[0].texts]
    assert texts == ["< 1 %", "> 99 %", "100 %"]
    axes = nn.plots.line_with_spread([1, 1, 1], [2.0, float("nan"), 1.0], "x")
    assert list(axes.axes[0].lines[0].get_ydata()) == [2.0]  # type: ignore[arg-type]
