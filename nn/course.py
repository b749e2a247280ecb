"""The course of one call of `fit`: epoch after epoch, training, validation, callbacks, history."""

import time
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from autograd import is_strict
from nn.callbacks import Callback
from nn.errors import HyperparameterError
from nn.fit import Progress, Rows, Sums
from nn.history import History
from nn.interrupts import set_at_once
from nn.optim import Optimizer
from nn.progress import EpochBar
from nn.rows import order_of_rows, random_numbers
from nn.traps.outcome import look_at_loss, look_at_outcome

if TYPE_CHECKING:
    from nn.distributed.training import Workers
    from nn.models import Sequential


class Course:
    """What `fit` was asked for: the rows, the size of a batch, who is to be told."""

    def __init__(
        self,
        model: "Sequential",
        rows: Rows,
        held_out: Rows | None,
        size: int,
        shuffle: bool,
        seed: int,
        callbacks: Sequence[Callback],
        verbose: int | str,
        workers: "Workers | None" = None,
    ) -> None:
        self.model, self.held_out, self.size = model, held_out, size
        self.workers = workers
        self.seed, self.callbacks, self.verbose = seed, callbacks, verbose
        self.rows, self.draw = random_numbers(rows, model.layers, seed)
        self.shuffle = shuffle and size < len(rows)  # all rows at once keep their order
        self.steps = -(-len(rows) // size)
        self.by_batch = any(callback.wants_batches for callback in callbacks)

    def run(self, epochs: int) -> History:
        """Train. Ctrl-C and a loss that is not finite end it, with what was learned kept."""
        model, verbose = self.model, self.verbose
        self.engine, reason = model.engine_for(self.rows, self.workers)
        history = History(engine=self.engine.name + (f": {reason}" if reason else ""))
        if reason and verbose:
            print(f"not compiled, so every number is a node, and slower: {reason}")
        for callback in self.callbacks:
            callback.set_model(model)
            callback.set_params({"epochs": epochs, "steps": self.steps, "verbose": verbose})
        model.stop_training = False
        optimizer = self._optimizer()
        before = optimizer.steps
        self._tell("on_train_begin")
        try:
            for epoch in range(epochs):
                self._tell("on_epoch_begin", epoch)
                logs = self._epoch(epoch, epochs, history)
                if logs is None:
                    history.stopped = "diverged"
                    break
                history.add(logs, epoch)
                if is_strict():
                    self._look_at_loss(history)
                self._tell("on_epoch_end", epoch, logs)
                if model.stop_training:
                    history.stopped = "callback"
                    break
        except KeyboardInterrupt:
            history.stopped = "interrupted"
        history.updates = optimizer.steps - before
        if history.stopped == "diverged":
            tenth = f"; a tenth of it is lr={self._rate() / 10.0:g}"
            warnings.warn(f"training {history}{tenth}", RuntimeWarning, stacklevel=3)
        self._tell("on_train_end")
        if history.losses and history.stopped != "diverged":  # that has been said
            self._look_at_loss(history)
            look_at_outcome(model, model.loss, self.rows.xs, self.rows.ys, model.epochs_trained)
        return history

    def _epoch(self, epoch: int, epochs: int, history: History) -> dict[str, float] | None:
        """The logs of an epoch; None if it ended at a loss or gradient that is not finite."""
        model = self.model
        self.draw(model.epochs_trained)
        first = self._rows_done()
        order = self._order(model.epochs_trained)[first:]
        with EpochBar(epoch, epochs, self.steps, self.verbose) as bar:
            start = time.perf_counter()
            train = self._batches if self.by_batch else self.engine.epoch
            if len(order):
                sums = train(order, self.size, lambda done: bar.show(first // self.size + done))
            else:  # Ctrl-C came just after the last update
                sums = model.evaluate_rows(self.rows)
            seconds = time.perf_counter() - start
            if sums.diverged:
                model.begun = None
                return None
            set_at_once(
                [model, model], ["epochs_trained", "begun"], [model.epochs_trained + 1, None]
            )
            logs = model.logs_of(sums, self.rows)
            if self.held_out is not None:
                found = model.logs_of(model.evaluate_rows(self.held_out), self.held_out)
                logs |= {f"val_{name}": x for name, x in found.items()}
            bar.finish(seconds, logs)
        return logs

    def _look_at_loss(self, history: History) -> None:
        look_at_loss(self.model, self.model.loss, self.rows.ys, history.losses, self._rate())

    def _rate(self) -> float:
        """The learning rate of the last update."""
        optimizer = self.model.optimizer
        assert optimizer is not None
        return optimizer.rate(max(optimizer.steps, 1))

    def _rows_done(self) -> int:
        """How many rows of this epoch were trained on before Ctrl-C ended it; mostly none.

        The optimiser's count of updates tells it: that and the weights change at one moment.
        """
        steps = self._optimizer().steps
        asked = [len(self.rows), self.size, self.seed]
        begun = self.model.begun
        if begun is None or begun[1:] != asked or begun[0] > steps:
            self.model.begun = begun = [steps, *asked]
        return min((steps - begun[0]) * self.size, len(self.rows))

    def _optimizer(self) -> Optimizer:
        assert self.model.optimizer is not None
        return self.model.optimizer

    def _order(self, epoch: int) -> Any:
        return order_of_rows(len(self.rows), self.seed, epoch, self.shuffle)

    def _batches(self, order: Any, size: int, progress: Progress) -> Sums:
        """An epoch with a word to the callbacks before and after each batch."""
        loss, counts, updates = 0.0, [0.0], 0
        for k, start in enumerate(range(0, len(order), size)):
            batch = order[start : start + size]
            self._tell("on_train_batch_begin", k)
            sums = self.engine.epoch(batch, size, lambda done: None)
            if sums.diverged:
                return Sums(loss, counts, updates, diverged=True)
            part = len(batch) / (start + len(batch))  # of the rows so far
            before = counts if updates else [0.0] * len(sums.counts)
            loss += (sums.loss - loss) * part
            counts = [a + (b - a) * part for a, b in zip(before, sums.counts, strict=True)]
            updates += 1
            self._tell("on_train_batch_end", k, {"loss": sums.loss})
            progress(updates)
            if self.model.stop_training:
                break
        return Sums(loss, counts, updates)

    def _tell(self, name: str, *arguments: Any) -> None:
        for callback in self.callbacks:
            getattr(callback, name)(*arguments)


def whole(name: str, n: Any, least: int) -> int:
    """The number. Raises HyperparameterError unless it is whole and at least that."""
    if not isinstance(n, int) or isinstance(n, bool) or n < least:
        raise HyperparameterError(
            f"expected {name} to be a whole number from {least}, but got {n!r}"
        )
    return n
