"""Callbacks: what `fit` tells while it trains, and the ones that are often wanted.

Each is given to `fit(callbacks=[...])`. Your own is a subclass of Callback with the methods it
needs; it may change `self.model.optimizer.lr`, or set `self.model.stop_training = True`.
"""

import csv
from collections.abc import Callable, Iterable, Mapping
from io import StringIO
from math import inf, isfinite, isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from autograd import append_to_file, write_file
from nn.errors import HyperparameterError, UnknownNameError

if TYPE_CHECKING:
    from nn.models import Sequential

Logs = Mapping[str, float]


class Callback:
    """Base class. logs: the loss and the metrics by name, those of validation as "val_..."."""

    model: "Sequential"
    params: dict[str, Any]

    @final
    def set_model(self, model: "Sequential") -> None:
        """Called by `fit` first."""
        self.model = model

    @final
    def set_params(self, params: dict[str, Any]) -> None:
        """Called by `fit` first: the epochs, the steps of each, verbose."""
        self.params = params

    @property
    def wants_batches(self) -> bool:
        """Whether it listens to single batches, for which an epoch is trained in as many calls."""
        cls = type(self)
        names = ("on_train_batch_begin", "on_train_batch_end")
        return any(getattr(cls, name) is not getattr(Callback, name) for name in names)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        """Before the first epoch."""

    def on_train_end(self, logs: Logs | None = None) -> None:
        """After the last epoch, however it ended."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        """Before an epoch, counted from 0."""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        """After an epoch, with its logs."""

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        """Before a batch, counted from 0."""

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        """After a batch, with its loss."""


def callbacks_of(given: Any) -> list[Callback]:
    """Those that `fit` is given: one, several, or None. Raises TypeError for what is none."""
    found = [given] if isinstance(given, Callback) or not isinstance(given, Iterable) else given
    callbacks = [] if given is None else list(found)
    for x in callbacks:
        if not isinstance(x, Callback):
            hint = "a function goes as LambdaCallback(on_epoch_end=f)"
            if isinstance(x, type):
                hint = f"that is a class, of which one is made by {x.__name__}()"
            raise TypeError(
                f"expected callbacks, such as EarlyStopping(patience=3), or of a subclass of "
                f"Callback, but got {x!r:.80} ({type(x).__name__}); {hint}"
            )
    return callbacks


class _Watch:
    """Whether a number of the logs got better."""

    def __init__(self, monitor: str, mode: str, min_delta: float) -> None:
        if mode not in ("auto", "min", "max"):
            raise HyperparameterError(f"expected mode 'auto', 'min' or 'max', but got {mode!r}")
        rises = ("acc", "auc", "precision", "recall", "f1", "r2", "top")
        if mode == "auto":
            mode = "max" if any(word in monitor.lower() for word in rises) else "min"
        self.monitor, self.sign, self.min_delta = monitor, 1.0 if mode == "max" else -1.0, min_delta
        self.best = -inf

    def better(self, logs: Logs) -> bool:
        """Whether it is the best so far, by more than min_delta; nan never is."""
        score = self.sign * self.value(logs)
        if isnan(score) or not score - self.min_delta > self.best:
            return False
        self.best = score
        return True

    def value(self, logs: Logs) -> float:
        """The number. Raises UnknownNameError if the logs have none of this name."""
        if self.monitor not in logs:
            raise UnknownNameError("number to monitor", self.monitor, logs)
        return logs[self.monitor]


@final
class EarlyStopping(Callback):
    """Ends training once a number has not become better for `patience` epochs.

    monitor: its name in the logs. mode: "min" or "max"; "auto" goes by the name.
    restore_best_weights: gives the model the weights of its best epoch at the end.
    start_from_epoch: the first epoch to look at.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0.0,
        patience: int = 0,
        mode: str = "auto",
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        self.arguments = (monitor, mode, abs(min_delta))
        self.patience, self.restore_best_weights = patience, restore_best_weights
        self.start_from_epoch = start_from_epoch
        self.stopped_epoch: int | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.watch = _Watch(*self.arguments)
        self.wait, self.best_epoch = 0, 0
        self.best_weights: dict[str, float] | None = None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if epoch < self.start_from_epoch:
            return
        if self.watch.better(logs or {}):
            self.wait, self.best_epoch = 0, epoch
            self.best_weights = self.model.state_dict() if self.restore_best_weights else None
            return
        self.wait += 1
        if self.wait >= self.patience:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.best_weights is not None:
            self.model.load_state_dict(self.best_weights)


@final
class ModelCheckpoint(Callback):
    """Saves the model after each epoch, or after each that is the best so far.

    filepath: such as "best.safetensors"; {epoch} (from 1) and the logs' names are filled in, as in
        "net-{epoch:02d}-{val_loss:.2f}.safetensors".
    """

    def __init__(
        self,
        filepath: str | Path,
        monitor: str = "val_loss",
        save_best_only: bool = False,
        mode: str = "auto",
    ) -> None:
        self.filepath, self.save_best_only = str(filepath), save_best_only
        self.arguments = (monitor, mode, 0.0)

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.watch = _Watch(*self.arguments)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.save_best_only and not self.watch.better(logs or {}):
            return
        self.model.save(self.filepath.format(epoch=epoch + 1, **(logs or {})))


@final
class LearningRateScheduler(Callback):
    """Sets the learning rate before each epoch: schedule(epoch from 0, rate before) -> rate."""

    def __init__(self, schedule: Callable[[int, float], float]) -> None:
        self.schedule = schedule

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        optimizer = self.model.optimizer
        assert optimizer is not None
        optimizer.lr = float(self.schedule(epoch, optimizer.rate(optimizer.steps + 1)))


@final
class ReduceLROnPlateau(Callback):
    """Lowers the learning rate once a number has not become better for `patience` epochs.

    factor: what the rate is multiplied by. cooldown: epochs to wait after that before looking
    again. min_lr: the least rate.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        if not 0.0 < factor < 1.0:
            raise HyperparameterError(f"expected factor between 0 and 1, but got {factor!r}")
        self.arguments = (monitor, mode, abs(min_delta))
        self.factor, self.patience, self.cooldown, self.min_lr = factor, patience, cooldown, min_lr

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.watch = _Watch(*self.arguments)
        self.wait = self.resting = 0

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.resting:
            self.resting, self.wait = self.resting - 1, 0
        if self.watch.better(logs or {}):
            self.wait = 0
        elif not self.resting:
            self.wait += 1
            if self.wait >= self.patience:
                optimizer = self.model.optimizer
                assert optimizer is not None
                rate = optimizer.rate(optimizer.steps + 1)
                optimizer.lr = max(rate * self.factor, self.min_lr)
                self.wait, self.resting = 0, self.cooldown


@final
class CSVLogger(Callback):
    """Writes the logs of each epoch as a row of a CSV file. append: keep what stands there."""

    def __init__(self, filename: str | Path, separator: str = ",", append: bool = False) -> None:
        self.path, self.separator, self.append = Path(filename), separator, append

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._names: list[str] | None = None
        if self.append and self.path.exists():
            with self.path.open(newline="", encoding="utf-8") as file:
                self._names = next(csv.reader(file, delimiter=self.separator), None)
        else:
            write_file(self.path, "")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        row = {"epoch": epoch, **(logs or {})}
        text, names = StringIO(newline=""), self._names or list(row)
        writer = csv.DictWriter(
            text, names, restval="", extrasaction="ignore", delimiter=self.separator
        )
        if self._names is None:
            writer.writeheader()
        writer.writerow(row)
        append_to_file(self.path, text.getvalue())
        self._names = names


@final
class TerminateOnNaN(Callback):
    """Ends training at a loss that is nan or infinite, also of validation.

    `fit` itself stops before an update whose loss or gradient is not finite.
    """

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        losses = [x for name, x in (logs or {}).items() if name in ("loss", "val_loss")]
        if not all(map(isfinite, losses)):
            self.model.stop_training = True


@final
class LambdaCallback(Callback):
    """A callback of a function or two: on_epoch_begin, on_epoch_end (epoch, logs)."""

    def __init__(
        self,
        on_epoch_begin: Callable[[int, Logs | None], object] | None = None,
        on_epoch_end: Callable[[int, Logs | None], object] | None = None,
    ) -> None:
        self._begin, self._end = on_epoch_begin, on_epoch_end

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        if self._begin is not None:
            self._begin(epoch, logs)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self._end is not None:
            self._end(epoch, logs)
