"""All that is looked at before training."""

from collections.abc import Sequence
from typing import Any

from autograd import is_strict, notice, watches
from nn.module import Module
from nn.traps.network import look_at_network
from nn.traps.outcome import look_at_start
from nn.traps.rows import columns_of, look_at_order, look_at_rows, look_at_split


def before_fit(
    model: Any, x: Any, xs: Any, ys: Any, held_out: Any, in_order: bool, callbacks: Sequence[Any]
) -> None:
    """x: what the user gave. xs, ys: arrays [rows, ...] to train on. held_out: targets, or None."""
    if not model.epochs_trained:  # what has been trained has shown what it can
        look_at_start_of(model, model.loss, xs, ys, columns_of(x))
    if held_out is not None:
        look_at_split(model, model.loss, ys, held_out)
    if in_order and watches("sorted-rows"):
        look_at_order(model, model.loss, ys)
    if not callbacks:
        look_at_rate(model, model.optimizer)


def look_at_rate(model: Any, optimizer: Any) -> None:
    if not callable(optimizer.lr) and optimizer.lr == 0.0:
        notice(
            "zero-rate",
            "the learning rate is 0, so that training changes nothing: give the optimiser an lr "
            "above 0, such as 0.01",
            about=model if isinstance(model, Module) else None,
        )


def look_at_start_of(model: Any, loss: Any, xs: Any, ys: Any, columns: Sequence[Any] = ()) -> None:
    look_at_network(model)
    look_at_rows(model, loss, xs, ys, columns)
    if is_strict():
        look_at_start(model, xs)
