"""What came of training: units that are stuck, one answer for every row, a loss that explodes."""

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any
from weakref import WeakKeyDictionary

import autograd
from autograd import is_strict, no_grad, notice, watches
from nn.activations import activate
from nn.layers import Dense, DropConnect, Layer, Neuron
from nn.layers.base import Pass, SequentialLayer, flat
from nn.module import Module
from nn.traps.network import activation, called, stages, units
from nn.traps.rows import CLASSES, DISTANCES, MARGINS, known, labels, spread

FEW, MANY = 64, 1024  # rows to find a suspect, and to be sure of it
NEAR = 0.99  # how far towards its limit an activation is saturated
# The least and the most an activation gives, where it gets no gradient (tanh) or hardly any
SATURATED = {autograd.sigmoid: (1.0 - NEAR, NEAR), autograd.tanh: (-NEAR, NEAR)}
GROWN = 1000.0
FAST = (Dense, DropConnect, Layer, Neuron)  # whose sums NumPy can do
WORK, LEAST = 200_000, 16  # products by hand to find a suspect; rows below which there is none
_looked: WeakKeyDictionary[Any, int] = WeakKeyDictionary()  # epochs of each model when last looked


def look_at_outcome(model: Any, loss: Any, xs: Any, ys: Any, epochs: int) -> None:
    """After training, `epochs` in all. Not at each of many short trainings, but as they double."""
    if not is_strict() and epochs < 2 * _looked.get(model, 0):
        return
    chain, found, outputs = stages(model), [], []
    if not chain or not (watches("dead-relu") or watches("saturated")):
        return
    _looked[model] = max(epochs, 1)
    slow = sum(map(_steps_by_hand, chain)) or 1
    for most in (FEW, MANY):
        rows = spread(xs, most if is_strict() else min(most, WORK * most // FEW // slow) or 1)
        if len(rows) < min(len(xs), LEAST) or (rows == rows[0]).all():
            return
        outputs = list(_outputs(chain, rows))
        found = _stuck(outputs)
        if not found:
            break
    for name, text in found:
        notice(name, text, about=model)
    if watches("majority-class"):
        _look_at_answers(model, loss, outputs[-1][1], spread(ys, most))


def look_at_start(model: Any, xs: Any) -> None:
    """Before training: whether most of what hidden units give is at a limit already."""
    outputs = list(_outputs(stages(model), spread(xs, FEW)))
    last = max((k for k, (stage, _) in enumerate(outputs) if units(stage)), default=0)
    for stage, ys in outputs[:last]:
        if activation(stage) in SATURATED:
            low, high = SATURATED[activation(stage)]
            share = float(((ys <= low) | (ys >= high)).mean())
            if share > 0.5:
                notice(
                    "saturated",
                    f"{called(stage)} starts saturated: {share:.0%} of what it gives is at a limit "
                    f"of {activation(stage).__name__}, where there is hardly any gradient; scale "
                    "the inputs, or start from smaller weights",
                    about=model,
                )


def _steps_by_hand(stage: Any) -> int:
    """How many products and activations a row costs where NumPy does not help."""
    if isinstance(stage, FAST):
        return 0
    seen: list[int] = [len(unit.w) for unit in units(stage)]
    outputs: int = prod(stage.output_shape)
    return outputs * max(seen, default=1)


def _outputs(chain: Sequence[Any], xs: Any) -> Iterator[tuple[Any, Any]]:
    """Each layer with what it gives for these rows, [rows, ...]."""
    import numpy as np

    with no_grad():
        for stage in chain:
            if isinstance(stage, FAST):
                weights = np.array([[w.data for w in unit.w] for unit in units(stage)])
                biases = [getattr(unit.b, "data", unit.b) for unit in units(stage)]
                with np.errstate(all="ignore"):  # of weights that have grown beyond measure
                    sums, f = xs @ weights.T + biases, activation(stage)
                xs = np.array([_floats(activate(f, row)) for row in sums.tolist()])
            else:
                assert isinstance(stage, SequentialLayer)
                rows = [_floats(flat(stage.row(x, Pass()))) for x in xs.tolist()]
                xs = np.array(rows).reshape(len(rows), *stage.output_shape)
            yield stage, xs


def _stuck(outputs: Sequence[tuple[Any, Any]]) -> list[tuple[str, str]]:
    """Names and texts, for each layer of whose units enough are stuck."""
    found = []
    weighted = [k for k, (stage, _) in enumerate(outputs) if units(stage)]
    for k, (stage, ys) in enumerate(outputs):
        f, each = activation(stage), ys.reshape(-1, ys.shape[-1])  # of a convolution, each place
        if f is autograd.relu:
            name, stuck = "dead-relu", (each <= 0.0).all(axis=0)
            what = "relus of {} are dead: they give 0 for every row and get no gradient"
            remedy = "a smaller learning rate, scaled inputs, or leaky_relu keep them alive"
        elif f in SATURATED and k < weighted[-1]:
            low, high = SATURATED[f]
            name, stuck = "saturated", (each <= low).all(axis=0) | (each >= high).all(axis=0)
            what = f"units of {{}} are saturated: {f.__name__} is at one limit for every row"
            remedy = "scaled inputs, smaller weights or a smaller learning rate free them"
        else:
            continue
        share = float(stuck.mean())
        if share >= (0.5 if is_strict() else 1.0):
            found.append((name, f"{share:.0%} of the {what.format(called(stage))}; {remedy}"))
    return found


def _look_at_answers(model: Any, loss: Any, outputs: Any, ys: Any) -> None:
    """Whether a model that was to tell classes apart gives every row the same one."""
    found, (function, from_logits) = labels(loss, ys), known(loss)
    if found is None:
        return
    answers = outputs.reshape(len(outputs), -1)
    if answers.shape[1] > 1:
        classes = answers.argmax(axis=1)
    else:
        low = -1.0 if function in MARGINS else 0.0
        middle = 0.0 if function in MARGINS or from_logits else 0.5
        classes = (answers[:, 0] > middle) * (1.0 - low) + low
    if (classes == classes[0]).all() and (found != found[0]).any():
        notice(
            "majority-class",
            f"the model gives every row class {classes[0]:g}, which "
            f"{float((found == classes[0]).mean()):.0%} of the rows have: its accuracy is that of "
            "guessing; train longer or at another rate, or weigh the classes by class_weight",
            about=model,
        )


def look_at_loss(model: Any, loss: Any, ys: Any, history: Sequence[float], rate: float) -> None:
    """After training, or an epoch, given the losses so far."""
    first, now = history[0], history[-1]
    if now > 10.0 * abs(first) and now > GROWN * _usual(loss, ys, abs(first)):
        about = model if isinstance(model, Module) else None
        notice(
            "exploding-loss",
            f"the loss grew from {first:.3g} to {now:.3g} in {len(history)} epochs: the steps are "
            f"too long; try lr={rate / 10.0:g}, a tenth of the learning rate",
            about,
        )


def _usual(loss: Any, ys: Any, first: float) -> float:
    """What a model loses that has learned nothing: that answers 0, or guesses the class."""
    function, _ = known(loss)
    if function in CLASSES:
        return 1.0
    if function not in DISTANCES:
        return GROWN * first  # of a loss of the user's own, its beginning must tell
    some = spread(ys, FEW)
    targets = some.reshape(len(some), -1).tolist()
    return float(loss([[0.0] * len(row) for row in targets], targets)) or first


def _floats(numbers: Sequence[Any]) -> list[float]:
    return [getattr(number, "data", number) for number in numbers]
