"""Callbacks: when they are told what, and what they do about it."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nn
from nn import HyperparameterError, UnknownNameError
from nn.callbacks import (
    Callback,
    CSVLogger,
    EarlyStopping,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
    TerminateOnNaN,
)
from nn.layers import Dense
from nn.models import Sequential
from nn.optim import SGD


def line(lr: float = 0.1, **options: Any) -> Sequential:
    """A line through points."""
    model = Sequential([Dense(1, input_dim=1)])
    model.compile(SGD(lr=lr), "mse", **options)
    return model


XS = np.linspace(-1.0, 1.0, 8)[:, None]
YS = 2.0 * XS[:, 0] - 0.5


class Ears(Callback):
    """Writes down all it is told."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def on_train_begin(self, logs: Any = None) -> None:
        self.heard.append("begin")

    def on_train_end(self, logs: Any = None) -> None:
        self.heard.append("end")

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.heard.append(epoch)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.heard.append((epoch, sorted(logs)))


class BatchEars(Ears):
    """Batches as well."""

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.heard.append(f"batch {batch}")

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.heard.append(sorted(logs))


def test_what_a_callback_is_told_and_when() -> None:
    """Begin, each epoch before and after with its logs, end; batches to those that listen."""
    model = line(metrics=["mae"])
    ears, more = Ears(), BatchEars()
    model.fit(XS, YS, epochs=2, batch_size=5, verbose=0, callbacks=[ears], validation_data=(XS, YS))
    logs = ["loss", "mae", "val_loss", "val_mae"]
    assert ears.heard == ["begin", 0, (0, logs), 1, (1, logs), "end"]
    assert ears.model is model
    model.fit(XS, YS, batch_size=5, verbose=0, callbacks=[more])
    batches = ["batch 0", ["loss"], "batch 1", ["loss"]]
    assert more.heard == ["begin", 0, *batches, (0, ["loss", "mae"]), "end"]


@pytest.mark.parametrize("compiled", [True, False])
def test_batch_by_batch_is_the_same_training(compiled: bool) -> None:
    """Listening to batches changes neither the parameters nor the history."""
    models = [line(metrics=["mae", "r2"], compiled=compiled) for _ in range(2)]
    histories = [
        model.fit(XS, YS, epochs=3, batch_size=3, verbose=0, callbacks=callbacks)
        for model, callbacks in zip(models, ([], [BatchEars()]), strict=True)
    ]
    assert models[0].state_dict() == models[1].state_dict()
    for name, values in histories[0].history.items():
        assert values == pytest.approx(histories[1].history[name], rel=1e-12)


class Script(Callback):
    """Puts numbers into the logs, an epoch each; must stand before those that watch them."""

    def __init__(self, *numbers: float) -> None:
        self.numbers = numbers

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs["val_loss"] = self.numbers[epoch]
        for p in self.model.parameters():
            p.data = float(epoch)


def test_early_stopping_waits_and_restores() -> None:
    """It ends `patience` epochs after the best one, and gives its weights back."""
    stop = EarlyStopping(patience=2, restore_best_weights=True)
    model = line()
    history = model.fit(
        XS, YS, epochs=9, verbose=0, callbacks=[Script(5, 3, 4, 3, 1, 1, 1, 0, 0), stop]
    )
    assert (len(history.losses), history.stopped) == (4, "callback")
    assert (stop.stopped_epoch, stop.best_epoch) == (3, 1)
    assert {p.data for p in model.parameters()} == {1.0}
    stop = EarlyStopping(patience=4, min_delta=0.5)
    falling = Script(*[5 - 0.2 * k for k in range(9)])
    line().fit(XS, YS, epochs=5, verbose=0, callbacks=[falling, stop])
    assert stop.best_epoch == 3  # 4.8 and 4.6 are not by 0.5 better than 5
    stop, nothing = EarlyStopping(patience=2), float("nan")
    script = Script(nothing, nothing, 1, 2)
    history = line().fit(XS, YS, epochs=4, verbose=0, callbacks=[script, stop])
    assert len(history.losses) == 2


def test_early_stopping_knows_what_should_rise() -> None:
    """mode="auto" goes by the name: accuracy is to rise; one that is not there is refused."""
    model = line(metrics=["mae"])
    seen = [0.1, 0.3, 0.2, 0.1]
    told = LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(val_accuracy=seen[epoch]))  # type: ignore[union-attr]
    stop = EarlyStopping("val_accuracy", patience=1)
    model.fit(XS, YS, epochs=4, verbose=0, callbacks=[told, stop])
    assert (stop.best_epoch, stop.stopped_epoch) == (1, 2)
    with pytest.raises(UnknownNameError, match="loss, mae"):
        model.fit(XS, YS, verbose=0, callbacks=[EarlyStopping("val_loss")])
    with pytest.raises(HyperparameterError, match="mode"):
        model.fit(XS, YS, verbose=0, callbacks=[EarlyStopping("loss", mode="up")])


def test_reduce_lr_on_plateau() -> None:
    """The rate falls by the factor after `patience` epochs without a better loss, to min_lr."""
    rates = []
    model = line(lr=1.0)
    reduce = ReduceLROnPlateau(factor=0.1, patience=2, min_lr=0.005)
    note = LambdaCallback(on_epoch_end=lambda epoch, logs: rates.append(model.optimizer.lr))  # type: ignore[union-attr]
    with np.errstate(all="ignore"):
        model.fit(
            XS, YS, epochs=9, verbose=0, callbacks=[Script(2, 2, 2, 2, 2, 1, 1, 1, 1), reduce, note]
        )
    assert rates == pytest.approx([1.0, 1.0, 0.1, 0.1, 0.01, 0.01, 0.01, 0.005, 0.005])


def test_a_schedule_sets_the_rate_of_each_epoch() -> None:
    """LearningRateScheduler sees epoch and rate; compiled code uses what it gives."""
    compiled, eager = line(compiled=True), line(compiled=False)
    for model in (compiled, eager):
        halve = LearningRateScheduler(lambda epoch, lr: lr if epoch == 0 else lr / 2)
        model.fit(XS, YS, epochs=4, batch_size=3, verbose=0, callbacks=[halve])
        assert model.optimizer is not None
        assert model.optimizer.lr == 0.1 / 8
    assert compiled.state_dict() == pytest.approx(eager.state_dict(), rel=1e-12)


def test_checkpoints_are_the_models_of_their_epochs(tmp_path: Path) -> None:
    """Each epoch's file, or only those that are better, loads to the weights of that epoch."""
    model = line()
    every = ModelCheckpoint(tmp_path / "net-{epoch:02d}-{val_loss:.1f}.safetensors")
    best = ModelCheckpoint(tmp_path / "best.safetensors", save_best_only=True)
    model.fit(XS, YS, epochs=4, verbose=0, callbacks=[Script(3, 1, 2, 4), every, best])
    names = sorted(path.name for path in tmp_path.glob("net-*"))
    assert names == [f"net-0{k + 1}-{x}.0.safetensors" for k, x in enumerate((3, 1, 2, 4))]
    for k, name in enumerate(names):
        assert {p.data for p in nn.load(tmp_path / name).parameters()} == {float(k)}
    assert {p.data for p in nn.load(tmp_path / "best.safetensors").parameters()} == {1.0}


def test_the_log_is_the_history(tmp_path: Path) -> None:
    """CSVLogger writes a row an epoch, and appends to what is there on request."""
    path = tmp_path / "log.csv"
    model = line(metrics=["mae"])
    history = model.fit(XS, YS, epochs=2, verbose=0, callbacks=[CSVLogger(path)])
    more = model.fit(XS, YS, epochs=1, verbose=0, callbacks=[CSVLogger(path, append=True)])
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == [0, 1, 0]
    for name in ("loss", "mae"):
        written = [float(row[name]) for row in rows]
        assert written == history.history[name] + more.history[name]


def test_nan_ends_training() -> None:
    """TerminateOnNaN stops at a validation loss that is not finite."""
    stop = TerminateOnNaN()
    history = line().fit(
        XS, YS, epochs=5, verbose=0, callbacks=[Script(1, float("inf"), 1, 1, 1), stop]
    )
    assert len(history.losses) == 2


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([3], r"but got 3 \(int\)"),
        (3, r"but got 3 \(int\)"),
        ([EarlyStopping], r"made by EarlyStopping\(\)"),
        (EarlyStopping, r"made by EarlyStopping\(\)"),
        ([EarlyStopping(), print], r"LambdaCallback\(on_epoch_end=f\)"),
    ],
)
def test_what_is_no_callback_is_refused(given: Any, said: str) -> None:
    """The error says what came and what to write, before anything is trained."""
    model = Sequential([Dense(1, input_dim=1)])
    model.compile("sgd", "mse")
    before = model.state_dict()
    with pytest.raises(TypeError, match=f"expected callbacks.*{said}"):
        model.fit([[1.0]], [1.0], verbose=0, callbacks=given)
    assert model.state_dict() == before
    assert model.fit([[1.0]], [1.0], verbose=0, callbacks=None).losses
