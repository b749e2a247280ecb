"""`python -m nn digits`: train a network on a data set, and score it on rows held out."""

import argparse
import time
import warnings
from functools import partial
from pathlib import Path
from typing import Any, final

from autograd import MissingExtraError
from nn.callbacks import Callback, EarlyStopping, Logs
from nn.cli.report import report
from nn.cli.scaling import fold, standardising
from nn.cli.tasks import TASKS
from nn.data import DataSet
from nn.data.split import split_rows
from nn.errors import DataError
from nn.history import History
from nn.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D, Reshape, SequentialLayer
from nn.losses import mse, sparse_categorical_cross_entropy
from nn.models import Sequential
from nn.optim import OPTIMIZERS, Optimizer

HELD_OUT = 0.2  # of the rows, to score on; and with --patience, of the rest, to validate on
FILTERS = 16  # of the convolution
RATES = {  # for some hundred rows, where the optimiser's own default is slow
    "sgd": 0.1, "momentum": 0.03, "nesterov": 0.03, "adagrad": 0.05, "rmsprop": 0.003,
    "adam": 0.01, "amsgrad": 0.01, "adamw": 0.01, "nadam": 0.01,
}  # fmt: skip


class Learner:
    """A data set being learned: its rows in two parts, the network, its answers.

    `model` is trained on standardised rows and, if it classifies, ends in logits, for the loss from
    logits is the stable one. `finished()` gives the same network for those who use it.
    """

    def __init__(self, name: str, data: DataSet, options: argparse.Namespace) -> None:
        self.name, self.data, self.options = name, data, options
        self.class_names = data.class_names  # None: this is a regression
        labels = data.ys if self.class_names else None
        self.train_rows, self.test_rows = split_rows(len(data.xs), HELD_OUT, options.seed, labels)
        train = data.rows(self.train_rows)
        if data.image_shape is None:
            self.scale_x = standardising(train.xs)
        else:  # pixels are alike; and what a convolution pads with, 0, is to be background
            self.scale_x = standardising(train.xs.reshape(-1, 1), centre=not options.cnn)
        self.xs, self.ys = self.scale_x(data.xs), data.ys
        if self.class_names:
            self.loss: Any = partial(sparse_categorical_cross_entropy, from_logits=True)
            self.scale_y, metric = None, "accuracy"
        else:
            self.loss, metric = mse, "mae"
            self.scale_y = standardising(train.ys.reshape(-1, 1))
            self.ys = self.scale_y(self.ys)
        self.model = self._network()
        self.model.compile(self._optimizer(), self.loss, [metric])
        self.best_epoch: int | None = None  # that early stopping went back to

    def __str__(self) -> str:
        """The rows, and the layers with the shapes of their outputs."""
        shapes = [self.model.input_shape, *[layer.output_shape for layer in self.model.layers]]
        names = ["inputs", *[str(layer.name) for layer in self.model.layers]]
        sizes = [" x ".join(map(str, shape)) for shape in shapes]
        layers = " → ".join([f"{s} {name}" for s, name in zip(sizes, names, strict=True)])
        return (
            f"{len(self.train_rows):,} rows to train on, {len(self.test_rows):,} held out\n"
            f"{layers}: {len(self.model.parameters()):,} parameters"
        )

    def row_name(self, row: int) -> str:
        """What to call a row of the data: as `read_csv` does, or as its place in the arrays."""
        if self.options.command == "csv":
            row += 1 if self.options.header is False else 2
        return f"row {row}"

    @property
    def count_from(self) -> str:
        """How the rows are counted."""
        if self.options.command == "csv":
            return f"rows of {self.options.file.name}, from 1"
        return "rows counted from 0"

    def train(self) -> History:
        """Train, and watch rows that are not trained on: those that validate, or are held out."""
        o = self.options
        rows, watched = self.train_rows, self.test_rows
        callbacks: list[Callback] = [] if o.quiet else [_Bar()]
        stopping = EarlyStopping(patience=o.patience or 0, restore_best_weights=True)
        if o.patience:
            kept, validating = split_rows(len(rows), HELD_OUT, o.seed)
            rows, watched = rows[kept], rows[validating]
            callbacks.append(stopping)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # the report says it as well
            history = self.model.fit(
                self.xs[rows],
                self.ys[rows],
                batch_size=o.batch_size,
                epochs=o.epochs,
                validation_data=(self.xs[watched], self.ys[watched]),
                callbacks=callbacks,
                verbose=0,
            )
        if o.patience and history.epoch:
            self.best_epoch = stopping.best_epoch + 1
        return history

    def finished(self) -> Sequential:
        """The network for rows as they are in the data: it gives probabilities, or the targets."""
        model = self._network("softmax" if self.class_names else "linear")
        model.set_weights(self.model.get_weights())
        fold(model, self.scale_x, self.scale_y)
        loss = "sparse_categorical_crossentropy" if self.class_names else "mse"
        model.compile(self._optimizer(), loss)
        return model

    def _network(self, output: str = "linear") -> Sequential:
        o = self.options
        layers: list[SequentialLayer] = []

        def drop() -> None:
            if o.dropout:
                layers.append(Dropout(o.dropout))

        if o.cnn:
            height, width = self.data.image_shape or ()
            layers += [
                Reshape((height, width, 1)),
                Conv2D(FILTERS, 3, padding="same", activation=o.activation),
                MaxPooling2D(2),
                Flatten(),
            ]
            drop()
        for units in o.hidden:
            layers.append(Dense(units, activation=o.activation))
            drop()
        layers.append(Dense(len(self.class_names or [0]), activation=output))
        model = Sequential(layers, name=o.command, seed=o.seed)
        model.build(self.data.xs.shape[1:])
        return model

    def _optimizer(self) -> Optimizer:
        o = self.options
        rate = o.lr or RATES.get(o.optimizer)
        make = OPTIMIZERS[o.optimizer]
        return make() if rate is None else make(lr=rate)


def run(options: argparse.Namespace) -> bool:
    """Learn a data set, print scores, write pictures; gives whether Ctrl-C ended the training."""
    start = time.perf_counter()
    name = options.file.stem if options.command == "csv" else options.command
    learner = Learner(name, TASKS[options.command].load(options), options)
    folder = options.out or Path("runs") / name
    # before the training: it may not be allowed
    if options.pictures:
        folder.mkdir(parents=True, exist_ok=True)
    if options.save:
        _check_writable(options.save)
    if not options.quiet:
        print(f"{name}: {learner}")
    history = learner.train()
    model = learner.finished()
    predictions = model.predict(learner.data.xs[learner.test_rows])
    print(report(learner, history, predictions))
    print(f"{time.perf_counter() - start:.1f} s, pictures aside.")
    if options.save:
        model.save(options.save)
        print(f"saved: {options.save}")
    if options.pictures:
        from nn.cli.pictures import draw

        drawn = draw(learner, model, history, predictions, folder)
        print(f"in {folder}: {', '.join(drawn)} (.png, .svg)" if drawn else "no pictures.")
    return history.interrupted


def _check_writable(path: Path) -> None:
    """Raise DataError unless a file can be written there."""
    existed = path.exists()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("ab").close()
        if not existed:
            path.unlink()
    except OSError as error:
        raise DataError(f"cannot write to --save: {error}") from None


@final
class _Bar(Callback):
    """One bar for all epochs, on stderr. Raises MissingExtraError without tqdm."""

    def on_train_begin(self, logs: Logs | None = None) -> None:
        try:
            from tqdm import tqdm
        except ImportError:
            raise MissingExtraError(
                "the progress bar needs tqdm: pip install tqdm, or pass --quiet"
            ) from None
        self.bar = tqdm(total=self.params["epochs"], unit="epoch")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        numbers = [f"{name} {x:.4g}" for name, x in (logs or {}).items()]
        self.bar.set_postfix_str(", ".join(numbers), refresh=False)
        self.bar.update()

    def on_train_end(self, logs: Logs | None = None) -> None:
        self.bar.close()
