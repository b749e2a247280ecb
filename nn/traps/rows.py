"""What a model is given: inputs on no scale, targets it cannot reach, classes it never sees."""

from collections.abc import Sequence
from functools import partial
from math import inf
from typing import Any

import autograd
from autograd import is_strict, notice, watches
from nn import losses
from nn.activations import ACTIVATIONS
from nn.layers import Dropout, Flatten, Reshape
from nn.traps.network import activation, called, stages, units

ROWS = 1000  # looked at, spread over all
FEW = 10  # rows that may well be of one class
RARE = 0.1  # a class of fewer rows may be missing by chance

# What an activation gives; the others are not limited, or not by much
LIMITS = {
    autograd.sigmoid: (0.0, 1.0),
    autograd.softmax: (0.0, 1.0),
    autograd.tanh: (-1.0, 1.0),
    autograd.relu: (0.0, inf),
    autograd.softplus: (0.0, inf),
    autograd.elu: (-1.0, inf),
}
PROBABILITIES = (autograd.sigmoid, autograd.softmax, autograd.step)
ENTROPIES = (
    losses.binary_cross_entropy,
    losses.categorical_cross_entropy,
    losses.sparse_categorical_cross_entropy,
)
MARGINS = (losses.hinge, losses.squared_hinge)
DISTANCES = (losses.mse, losses.half_mse, losses.mae, losses.huber)
CLASSES = (*ENTROPIES, *MARGINS, losses.categorical_hinge)
SINGLE = (losses.binary_cross_entropy, *MARGINS)  # losses of a number, not of a row of them


def known(loss: Any) -> tuple[Any, bool]:
    """The function that a loss is made of, and whether it takes logits."""
    if isinstance(loss, partial):
        return loss.func, bool(loss.keywords.get("from_logits"))
    return loss, False


def spread(rows: Any, most: int = ROWS) -> Any:
    """At most so many of the rows, evenly apart, the first among them."""
    return rows[:: -(-len(rows) // most)]


def columns_of(x: Any) -> Sequence[Any]:
    """What the columns are called, of a table or a data set that tells; else nothing."""
    names = getattr(x, "feature_names", None)
    return list(getattr(x, "columns", ()) if names is None else names)


def look_at_rows(model: Any, loss: Any, xs: Any, ys: Any, columns: Sequence[Any] = ()) -> None:
    """Before training. xs, ys: arrays [rows, ...]."""
    if watches("unscaled-input"):
        _look_at_inputs(model, spread(xs), columns)
    chain, targets = stages(model), spread(ys)
    function, from_logits = known(loss)
    if chain and (last := activation(chain[-1])) is not None:
        _look_at_outputs(model, called(chain[-1]), last, function, from_logits, targets)
    constant = len(ys) > 1 and bool((ys == ys[0]).all())
    if constant and ((function in CLASSES and len(ys) >= FEW) or is_strict()):
        notice(
            "constant-label",
            f"all {len(ys)} rows have the target {_shown(ys[0])}, so that there is nothing to tell "
            "apart: give rows of every class, and see that y is the column of the labels",
            about=model,
        )


def _look_at_outputs(
    model: Any, layer: str, last: Any, loss: Any, from_logits: bool, targets: Any
) -> None:
    name = getattr(last, "__name__", "")
    if loss in ENTROPIES and not from_logits:
        if last in ACTIVATIONS.values() and last not in PROBABILITIES:
            one = loss is losses.binary_cross_entropy
            notice(
                "not-probabilities",
                f"the loss {loss.__name__} takes probabilities, but {layer} ends with {name}, "
                f"whose numbers are none: give it the activation {'sigmoid' if one else 'softmax'}"
                ", or the loss from_logits=True",
                about=model,
            )
    elif loss in (*DISTANCES, *MARGINS) and last in LIMITS:
        low, high = LIMITS[last]
        least, most = float(targets.min()), float(targets.max())
        slack = 0.1 * (most - least)  # for noise
        if least < low - slack or most > high + slack:
            remedy = "linear" if loss in DISTANCES else "linear or tanh"
            notice(
                "unreachable-target",
                f"targets go from {least:.4g} to {most:.4g}, but {layer} ends with {name}, which "
                f"gives numbers from {low:g} to {high:g} alone: give it the activation {remedy}, "
                "or scale the targets",
                about=model,
            )
        elif last is autograd.tanh and ((targets == 0.0) | (targets == 1.0)).all() and most > least:
            notice(
                "tanh-labels",
                f"labels are 0 and 1, but {layer} ends with tanh, which gives numbers from -1 to "
                "1: take labels 2 * y - 1, or the activation sigmoid",
                about=model,
            )


def _look_at_inputs(model: Any, xs: Any, columns: Sequence[Any]) -> None:
    """Whether a first layer of units sees numbers far from 1."""
    first = next((s for s in stages(model) if not isinstance(s, (Dropout, Flatten, Reshape))), None)
    if first is None or not units(first):
        return
    table = xs.reshape(len(xs), -1)
    sizes = abs(table).mean(axis=0)
    limit = 10.0 if is_strict() else 100.0
    large = int((sizes > limit).sum())
    if not large:
        return
    k = int(sizes.argmax())
    label = f" ({str(columns[k])!r})" if len(columns) == table.shape[1] else ""
    others = f", and {large - 1} more columns are like it" if large > 1 else ""
    notice(
        "unscaled-input",
        f"column {k}{label} of x has mean {table[:, k].mean():.4g} and spread "
        f"{table[:, k].std():.4g}{others}, where a network learns well from numbers near 1: scale "
        "x, as nn.data.standardise does, or divide pixels by 255",
        about=model,
    )


def look_at_split(model: Any, loss: Any, ys: Any, held_out: Any) -> None:
    """Whether what is held out has classes not trained on, as the end of sorted rows has."""
    import numpy as np

    trained, seen = labels(loss, ys), labels(loss, held_out)
    if trained is None or seen is None:
        return
    new = np.setdiff1d(seen, trained)
    share = float(np.isin(seen, new).mean())
    if share >= RARE:
        notice(
            "unseen-class",
            f"{share:.0%} of the rows to validate with are of class "
            f"{', '.join(f'{c:g}' for c in new[:3])}, which no row to train on has: shuffle the "
            "rows before they are split, for validation_split takes the last ones",
            about=model,
        )


def look_at_order(model: Any, loss: Any, ys: Any) -> None:
    """Of rows that are not shuffled between batches."""
    found = labels(loss, ys)
    if found is not None and (found[1:] >= found[:-1]).all() and found[0] != found[-1]:
        notice(
            "sorted-rows",
            "the rows are sorted by class and shuffle=False, so that each batch is of one class "
            "and undoes what the one before taught: leave shuffle=True",
            about=model,
        )


def labels(loss: Any, ys: Any) -> Any:
    """The class of each row, its number or the place of the 1; None if the targets are none."""
    function, _ = known(loss)
    table = ys.reshape(len(ys), -1)
    if function not in CLASSES:
        return None
    if table.shape[1] > 1:  # each of several numbers may be a label of its own
        return None if function in SINGLE else table.argmax(axis=1)
    return table[:, 0] if (table % 1.0 == 0.0).all() else None


def _shown(y: Any) -> str:
    return " ".join(str(y).split())[:40]
