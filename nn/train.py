"""The training loop: predict, measure the loss, backward, step; and again.

`perceptron_rule` beside it is the older way, for a neuron with a step output: a step is flat, so
there is no gradient to follow.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from contextlib import contextmanager
from math import hypot, isfinite
from operator import mul
from random import Random
from typing import Any

from autograd import LengthError, MissingExtraError, is_strict
from nn.checks import call_loss, node
from nn.compiled import compile_training
from nn.course import whole
from nn.history import History
from nn.interrupts import set_at_once
from nn.layers import Neuron
from nn.losses import mse
from nn.optim import Optimizer
from nn.tables import numbers_in_rows, refuse_masked
from nn.traps.training import TrainingWatch


class _DivergedError(Exception):
    """Ends training from inside an epoch."""


def train(
    model: Callable[[Any], Any],
    xs: Any,
    ys: Any,
    *,
    optimizer: Optimizer,
    loss: Callable[[Any, Any], Any] = mse,
    epochs: int = 100,
    batch_size: int | None = None,
    shuffle: bool = True,
    seed: int = 0,
    stop_loss: float | None = None,
    stop_grad_norm: float | None = None,
    progress: bool = True,
    callback: Callable[[int, float], object] | None = None,
    compiled: bool | None = None,
) -> History:
    """Fit the model to inputs xs [rows, n_in] and targets ys [rows] or [rows, n_out].

    batch_size: the samples to an update: None for all rows, 1 for stochastic; the last batch of an
        epoch may be short. So there are epochs * ceil(rows / batch_size) updates.
    shuffle: draw a new order each epoch (from `seed`); all rows at once keep theirs.
    stop_loss, stop_grad_norm: end after an epoch whose loss, or gradient norm, is at most this:
        with stop_grad_norm, "repeat until the slope is zero".
    callback: called after each epoch with its number, from 1, and its loss.
    compiled: whether epochs run as machine code: by default where the model, the loss and the
        optimiser allow it and the loss is a mean over the rows; True raises an error where they do
        not. The history's `engine` says what it was.

    Ctrl-C ends it and keeps what was learned. Raises LengthError if xs and ys differ in length or
    there are none, HyperparameterError if a count is out of range.
    """
    for name, function in (("model", model), ("loss", loss)):
        if not callable(function):
            raise TypeError(f"expected a {name} that can be called, but got {function!r:.80}")
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            f"expected an optimizer such as SGD(model.parameters(), lr=0.1), but got "
            f"{optimizer!r:.80}"
        )
    inputs, targets = _data(xs, ys)
    n = len(inputs)
    size = n if batch_size is None else whole("batch_size", batch_size, 1)
    rng = Random(seed)
    order = list(range(n))

    traps = TrainingWatch(model, loss, optimizer, inputs, targets)
    loop, reason = None, ""
    if compiled or compiled is None:
        loop, reason = compile_training(model, loss, optimizer, inputs, targets, bool(compiled))
    if loop is not None:
        traps.look_at_graph()

    def compiled_epoch(history: History) -> None:
        assert loop is not None
        if shuffle and size < n:
            rng.shuffle(order)
        result = loop.epoch(order, size)
        history.updates += len(result.losses)
        if result.diverged:
            raise _DivergedError
        rows = [min(size, n - start) for start in range(0, n, size)]
        loss_sum = sum(map(mul, result.losses.tolist(), rows))
        history.add({"loss": loss_sum / n, "gradient_norm": hypot(*result.gradient.tolist())})

    def epoch(history: History) -> None:
        if shuffle and size < n:
            rng.shuffle(order)
        loss_sum, grad_sums = 0.0, [0.0] * len(optimizer.params)
        for start in range(0, n, size):
            rows = order[start : start + size]
            optimizer.zero_grad()
            predictions = model([inputs[i] for i in rows])
            error = node(call_loss(loss, predictions, [targets[i] for i in rows]))
            if not history.updates:
                traps.look_at_graph(error)
            error.backward()
            grads = [p.grad for p in optimizer.params]
            if not isfinite(error.data) or not all(map(isfinite, grads)):
                raise _DivergedError
            loss_sum += error.data * len(rows)
            grad_sums = [s + g * len(rows) for s, g in zip(grad_sums, grads, strict=True)]
            optimizer.step()
            history.updates += 1
        history.add({"loss": loss_sum / n, "gradient_norm": hypot(*grad_sums) / n})

    run, before = epoch if loop is None else compiled_epoch, optimizer.steps
    history = _repeat(run, epochs, stop_loss, stop_grad_norm, progress, callback, traps)
    history.updates = optimizer.steps - before  # also of an epoch that Ctrl-C ended
    traps.look_at_outcome(history)
    history.engine = "compiled" if loop is not None else "eager" + (f": {reason}" if reason else "")
    return history


def perceptron_rule(
    neuron: Neuron,
    xs: Any,
    ys: Any,
    *,
    lr: float = 1.0,
    epochs: int = 100,
    progress: bool = True,
) -> History:
    """Teach a neuron with a step output by its mistakes: w += lr * (target - output) * x.

    xs: [rows, n_in]; ys: [rows], of 0 and 1. Ends with the first epoch without a mistake, which
    comes if a straight line can part the two classes; the losses are the share of mistakes.
    Rosenblatt 1958; convergence: Novikoff 1962. Raises LengthError as `train` does.
    """
    inputs, targets = _data(xs, ys)

    def epoch(history: History) -> None:
        mistakes = 0
        for x, y in zip(inputs, targets, strict=True):
            error = y - neuron(x).data
            if error:
                moved = [w.data + lr * error * x_i for w, x_i in zip(neuron.w, x, strict=True)]
                moved.append(neuron.b.data + lr * error)
                set_at_once([*neuron.w, neuron.b], ["data"] * len(moved), moved)
                mistakes += 1
                history.updates += 1
        history.add({"loss": mistakes / len(inputs)})

    return _repeat(epoch, epochs, 0.0, None, progress, None)


def _repeat(
    epoch: Callable[[History], None],
    epochs: int,
    stop_loss: float | None,
    stop_grad_norm: float | None,
    progress: bool,
    callback: Callable[[int, float], object] | None,
    traps: TrainingWatch | None = None,
) -> History:
    """Run epochs, each of which writes into the history, until there is a reason to stop."""
    whole("epochs", epochs, 0)
    history = History()
    try:
        with _progress_bar(epochs, progress) as show:
            for number in range(1, epochs + 1):
                epoch(history)
                loss = history.losses[-1]
                show(loss)
                if traps is not None and is_strict():
                    traps.look_at_loss(history)
                if callback is not None:
                    callback(number, loss)
                if stop_loss is not None and loss <= stop_loss:
                    history.stopped = "loss"
                    break
                if stop_grad_norm is not None and history.gradient_norms[-1] <= stop_grad_norm:
                    history.stopped = "gradient"
                    break
    except KeyboardInterrupt:
        history.stopped = "interrupted"
    except _DivergedError:
        history.stopped = "diverged"
        hint = "" if traps is None else f"; a tenth of it is lr={traps.rate / 10.0:g}"
        warnings.warn(f"training {history}{hint}", RuntimeWarning, stacklevel=3)
    return history


@contextmanager
def _progress_bar(epochs: int, wanted: bool) -> Iterator[Callable[[float], None]]:
    """A function to call with the loss after each epoch."""
    if not wanted:
        yield lambda loss: None
        return
    try:
        from tqdm import tqdm
    except ImportError:
        raise MissingExtraError(
            "the progress bar needs tqdm: pip install tqdm, or pass progress=False"
        ) from None
    with tqdm(total=epochs, unit="epoch", leave=True) as bar:

        def show(loss: float) -> None:
            bar.set_postfix_str(f"loss {loss:.4g}", refresh=False)
            bar.update()

        yield show


def _data(xs: Any, ys: Any) -> tuple[list[Any], list[Any]]:
    """Rows and targets as lists, one target for each row."""
    found = []
    for name, z in (("xs", xs), ("ys", ys)):
        is_table = hasattr(z, "to_numpy")
        if is_table or getattr(getattr(z, "dtype", None), "kind", "O") != "O":
            numbers_in_rows(name, z)  # names the cell that is none
        refuse_masked(name, z)
        z = z.to_numpy() if is_table else z
        z = z.tolist() if hasattr(z, "tolist") else z
        if not isinstance(z, Iterable) or isinstance(z, (str, bytes, Mapping, Set)):
            raise LengthError(f"expected {name} to be rows in an order, but got {z!r:.80}")
        found.append(list(z))
    rows, targets = found
    if len(rows) != len(targets) or not rows:
        raise LengthError(
            f"expected at least one row and a target for each, "
            f"but got {len(rows)} rows and {len(targets)} targets"
        )
    return rows, targets
