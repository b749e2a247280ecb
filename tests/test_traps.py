"""The traps of training: each is told of in the trap, and never where all is well."""

import copy
import gc
import pickle
import re
import subprocess
import sys
import warnings
import weakref
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import numpy as np
import pytest
from told import told

import autograd
import nn
from autograd import Notice, Value, silence, strict
from autograd.notices import STRICT_ONLY, TRAPS
from nn.layers import Activation, Conv2D, Dense, Dropout, Flatten, Reshape, SequentialLayer
from nn.models import Sequential

RNG = np.random.default_rng(0)
XS = RNG.normal(size=(40, 3))
YS = (XS[:, 0] + 0.5 * XS[:, 1] > 0.0).astype(float)
KINDS = (XS[:, 0] > -0.4).astype(int) + (XS[:, 0] > 0.4)
LINE = XS @ [1.0, -2.0, 0.5]


def fit(
    *layers: SequentialLayer,
    xs: Any = XS,
    ys: Any = YS,
    loss: Any = "binary_crossentropy",
    optimizer: Any = "adam",
    epochs: int = 2,
    compiled: bool | None = False,
    **options: Any,
) -> Sequential:
    """A model of these layers, trained."""
    model = Sequential(layers or [Dense(4, "tanh"), Dense(1, "sigmoid")])
    model.compile(optimizer, loss, compiled=compiled)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of a loss that is not finite
        model.fit(xs, ys, epochs=epochs, verbose=0, **options)
    return model


def train(model: Any, xs: Any = XS, ys: Any = LINE, optimizer: Any = None, **options: Any) -> Any:
    """The model, trained by `nn.train`."""
    options = {"epochs": 2, "progress": False, "compiled": False, **options}
    optimizer = optimizer or nn.SGD(model.parameters(), 0.01)
    return nn.train(model, xs, ys, optimizer=optimizer, **options)


def by_hand(
    step: Callable[[Any, Any, Any], object], optimizer: Any = nn.SGD, steps: int = 12
) -> None:
    """A loop by hand; step: what stands in it, given the model, the optimiser and the loss."""
    model = nn.MLP(3, [3, 1])
    opt = optimizer(model.parameters(), lr=0.01)
    for _ in range(steps):
        step(model, opt, lambda: nn.mse(model(XS[:8].tolist()), LINE[:8].tolist()))


def forgotten(model: Any, opt: Any, loss: Any) -> None:
    loss().backward()
    opt.step()


def zeroed_by_optimizer(model: Any, opt: Any, loss: Any) -> None:
    opt.zero_grad()
    loss().backward()
    opt.step()


def zeroed_by_model(model: Any, opt: Any, loss: Any) -> None:
    loss().backward()
    opt.step()
    model.zero_grad()


def zeroed_by_loss(model: Any, opt: Any, loss: Any) -> None:
    error = loss()
    error.zero_grad()
    error.backward()
    opt.step()


def zeroed_by_hand(model: Any, opt: Any, loss: Any) -> None:
    for p in model.parameters():
        p.grad = 0.0
    loss().backward()
    opt.step()


def accumulated(model: Any, opt: Any, loss: Any) -> None:
    for _ in range(3):
        loss().backward()
    opt.step()
    opt.zero_grad()


def two_steps_on_one_gradient(model: Any, opt: Any, loss: Any) -> None:
    opt.zero_grad()
    loss().backward()
    opt.step()
    opt.step()


def swapped(model: Any, opt: Any, loss: Any) -> None:
    loss().backward()
    opt.zero_grad()
    opt.step()


def never_backward(model: Any, opt: Any, loss: Any) -> None:
    opt.zero_grad()
    loss()
    opt.step()


class Own(SequentialLayer):
    """A layer with a weight, which passes on what `change` makes of its outputs."""

    def __init__(self, change: Callable[[Any], Any] = lambda v: v, used: bool = True) -> None:
        super().__init__()
        self.change, self.used = change, used

    def prepare(self, input_shape: Any, rng: Random) -> Any:
        self.w = [Value(1.0), Value(2.0)]
        return input_shape

    def row(self, x: Any, run: Any) -> Any:
        return [self.change(self.w[0] * z) for z in x] if self.used else x


class TwoParts(nn.Module):
    """Two neurons, of which the second need not be used."""

    def __init__(self, both: bool, extra: bool = False) -> None:
        self.first, self.second = nn.Neuron(3, "linear"), nn.Neuron(3, "linear", seed=1)
        self.both = both
        if extra:
            self.extra = Value(1.0)

    def forward(self, x: Any) -> Any:
        if self.both:
            return [a + b for a, b in zip(self.first(x), self.second(x), strict=True)]
        return self.first(x)


class Table(nn.Module):
    """A table of which a row uses one entry, as for words."""

    def __init__(self) -> None:
        self.entries = [nn.Neuron(3, "linear", seed=k) for k in range(2)]

    def forward(self, x: Any) -> Any:
        return [self.entries[row[0] > 0.0](row) for row in x]


def number(v: Any) -> float:
    return v.data if isinstance(v, Value) else v


def loss_of_numbers(predictions: Any, targets: Any) -> Any:
    """A chain cut by .data: a loss that is a node, of plain numbers."""
    return Value(
        nn.mse(
            [number(p[0] if isinstance(p, list) else p) for p in predictions],
            [y[0] if isinstance(y, list) else y for y in targets],
        )
    )


def sometimes_zero(predictions: Any, targets: Any) -> Any:
    """A loss with a branch, which most rows do not cost anything."""
    terms = [nn.mse([p], [y]) for p, y in zip(predictions, targets, strict=True)]
    costly = [t for t in terms if not t.data < 3.0]
    return autograd.mean(costly) if costly else Value(0.0)


def with_weights(
    model: Sequential, weights: list[Any], xs: Any, ys: Any, **options: Any
) -> Sequential:
    """The model, trained from these weights."""
    model.build(np.shape(xs)[1:])
    model.set_weights([np.array(w, float) for w in weights])
    model.compile(
        options.pop("optimizer", nn.SGD(lr=1e-6)),
        options.pop("loss", "mse"),
        compiled=options.pop("compiled", False),
    )
    model.fit(xs, ys, epochs=options.pop("epochs", 1), verbose=0)
    return model


def relus(bias: Any, **options: Any) -> Sequential:
    """A layer of relus of these biases, after training that hardly moves them."""
    n = len(bias)
    model = Sequential([Dense(n, "relu"), Dense(1)])
    return with_weights(
        model, [RNG.normal(size=(3, n)), bias, np.ones((n, 1)), [0.1]], XS, YS, **options
    )


def tanhs(weights: Any, bias: Any, f: str = "tanh", xs: Any = XS) -> Sequential:
    model, n = Sequential([Dense(len(bias), f), Dense(1)]), len(bias)
    ws = [weights * RNG.normal(size=(3, n)), bias, RNG.normal(size=(n, 1)), [0.1]]
    return with_weights(model, ws, xs, YS)


def equal(k: int = 3, after: str = "ones") -> list[SequentialLayer]:
    return [
        Dense(k, "tanh", kernel_initializer="ones"),
        Dense(1, "sigmoid", kernel_initializer=after),
    ]


def column(scale: float, shift: float = 0.0) -> Any:
    xs = XS.copy()
    xs[:, 1] = xs[:, 1] * scale + shift
    return xs


def explode(lr: float, scale: float = 1.0, epochs: int = 6, **options: Any) -> Any:
    return fit(
        Dense(1),
        xs=XS,
        ys=scale * LINE,
        loss="mse",
        optimizer=nn.SGD(lr=lr),
        epochs=epochs,
        batch_size=40,
        **options,
    )


def majority(f: str, ys: Any, loss: Any, bias: float) -> Sequential:
    weights = [0.01 * np.ones((3, 1)), [bias]]
    return with_weights(Sequential([Dense(1, f)]), weights, XS, ys, loss=loss)


Runs = Sequence[Callable[[], object]]


class Case(NamedTuple):
    """What must be told of, where all is well, and what strict() alone tells of."""

    traps: Runs
    well: Runs
    strictly: Runs = ()


CASES = {
    "stale-gradient": Case(
        [lambda: by_hand(forgotten), lambda: by_hand(forgotten, nn.Adam, 2)],
        [
            *[
                lambda how=how, kind=kind: by_hand(how, kind)
                for kind in (nn.SGD, nn.Adam)
                for how in (
                    zeroed_by_optimizer,
                    zeroed_by_model,
                    zeroed_by_loss,
                    zeroed_by_hand,
                    accumulated,
                    two_steps_on_one_gradient,
                )
            ],
            lambda: train(nn.MLP(3, [3, 1], output_activation="linear")),
            lambda: fit(),
        ],
    ),
    "constant-loss": Case(
        [
            lambda: by_hand(swapped),
            lambda: by_hand(never_backward),
            lambda: train(nn.MLP(3, [2, 1]), loss=loss_of_numbers),
            lambda: fit(loss=loss_of_numbers),
            lambda: fit(Dense(2, "tanh"), Own(Value.detach), ys=XS[:, :2], loss="mse"),
            lambda: fit(
                Dense(2, "tanh"),
                Own(autograd.stop_gradient),
                ys=XS[:, :2],
                loss="mse",
                compiled=None,
            ),
        ],
        [
            lambda: by_hand(zeroed_by_optimizer),
            lambda: fit(),
            lambda: fit(compiled=None),
            lambda: fit(Own(autograd.stop_gradient), Dense(1), loss="mse"),
            lambda: train(nn.MLP(3, [2, 1], output_activation="linear"), loss=sometimes_zero),
            lambda: train(
                nn.Neuron(3, "linear"), loss=nn.hinge, ys=2.0 * YS - 1.0, batch_size=1, epochs=3
            ),
        ],
    ),
    "unused-parameter": Case(
        [
            lambda: train(TwoParts(both=False)),
            lambda: train(TwoParts(both=False), compiled=None),
            lambda: fit(Dense(2, "tanh"), Own(used=False), Dense(1), loss="mse"),
        ],
        [
            lambda: train(TwoParts(both=True)),
            lambda: train(m := TwoParts(False), optimizer=nn.SGD(m.first.parameters(), 0.01)),
            lambda: train(Table(), batch_size=1),
            lambda: fit(Dropout(0.5), Dense(4, "relu"), Dense(1), loss="mse"),
            lambda: fit(Dense(2, kernel_regularizer="l2"), Dense(1), loss="mse", compiled=None),
        ],
        [lambda: train(TwoParts(True, extra=True)), lambda: fit(Own(), Dense(1), loss="mse")],
    ),
    "symmetric-units": Case(
        [
            lambda: fit(*equal()),
            lambda: fit(*equal(), compiled=None),
            lambda: fit(
                Dense(2, "tanh", kernel_initializer="zeros"),
                Dense(1, "sigmoid", kernel_initializer="zeros"),
            ),
            lambda: train(nn.MLP(3, [3, 1], init="zeros", output_activation="linear")),
        ],
        [
            lambda: fit(Dense(1, "sigmoid", kernel_initializer="zeros")),
            lambda: fit(
                Dense(3, "softmax", kernel_initializer="zeros"),
                ys=KINDS,
                loss="sparse_categorical_crossentropy",
            ),
            lambda: fit(*equal(k=1)),
            lambda: fit(*equal(after="random_normal")),
            lambda: fit(Dense(4, "tanh", bias_initializer="zeros"), Dense(1, "sigmoid")),
            lambda: fit(equal()[0], Dropout(0.5), equal()[1]),
            lambda: train(nn.Neuron(3, "linear", init="zeros")),
        ],
    ),
    "flat-activation": Case(
        [
            lambda: fit(Dense(3, "step"), Dense(1, "sigmoid")),
            lambda: train(nn.Neuron(3, "step"), ys=YS),
            lambda: fit(Dense(3), Activation("step"), Dense(1, "sigmoid")),
        ],
        [
            lambda: nn.perceptron_rule(nn.Neuron(3, "step"), XS, YS, epochs=3, progress=False),
            lambda: nn.Neuron(3, "step")(XS[0].tolist()),
            lambda: fit(Dense(3, "tanh"), Dense(1, "sigmoid")),
            lambda: fit(Dense(3, "relu"), Dense(1, "sigmoid")),
        ],
    ),
    "softmax-of-one": Case(
        [
            lambda: fit(Dense(1, "softmax"), loss="mse"),
            lambda: fit(Dense(1), Activation("softmax"), loss="mse"),
            lambda: train(nn.MLP(3, [2, 1], output_activation="softmax"), ys=YS),
        ],
        [
            lambda: fit(Dense(3, "softmax"), ys=KINDS, loss="sparse_categorical_crossentropy"),
            lambda: fit(
                Dense(2), Activation("softmax"), ys=YS, loss="sparse_categorical_crossentropy"
            ),
            lambda: fit(Dense(1, "sigmoid")),
        ],
    ),
    "dead-relu": Case(
        [
            lambda: relus([-50.0] * 4),
            lambda: relus([-50.0] * 4, compiled=None),
            lambda: with_weights(
                Sequential([Dense(1, "relu")]), [np.ones((3, 1)), [-50.0]], XS, YS
            ),
        ],
        [
            lambda: relus([0.0] * 4),
            lambda: relus([0.5] * 8),
            lambda: with_weights(
                Sequential([Dense(2, "relu"), Dense(1)]),  # one row alone wakes them
                [np.ones((3, 2)), [-4.5, -4.4], np.ones((2, 1)), [0.0]],
                np.eye(40, 3) * 5.0 - np.eye(40, 3, 1),
                YS,
            ),
            lambda: with_weights(
                Sequential([Dense(2, "leaky_relu"), Dense(1)]),
                [np.ones((3, 2)), [-50.0, -51.0], np.ones((2, 1)), [0.0]],
                XS,
                YS,
            ),
            lambda: fit(Dense(8, "relu"), Dense(1, "sigmoid"), epochs=20),
        ],
        [lambda: relus([-50.0, -50.0, 0.0, 0.0])],
    ),
    "saturated": Case(
        [lambda: tanhs(0.1, [6.0, -6.0]), lambda: tanhs(0.1, [9.0, -9.0, 9.0], "sigmoid")],
        [
            lambda: tanhs(0.5, [0.0, 0.0]),
            lambda: fit(Dense(4, "tanh"), Dense(1, "sigmoid"), epochs=30),
            lambda: fit(Dense(1, "sigmoid"), xs=XS, ys=YS, optimizer=nn.SGD(lr=5.0), epochs=30),
        ],
        [
            lambda: tanhs(0.1, [6.0, -6.0, 0.0]),
            lambda: tanhs(50.0, [0.0, 0.0]),  # at both limits, and so slow to learn from the start
            lambda: tanhs(0.1, [6.0, -6.0], xs=np.repeat(XS[:1], 40, axis=0)),  # there is one row
        ],
    ),
    "unreachable-target": Case(
        [
            lambda: fit(Dense(1, "sigmoid"), ys=LINE, loss="mse"),
            lambda: fit(Dense(1, "sigmoid"), ys=2.0 * YS - 1.0, loss="hinge"),
            lambda: fit(Dense(2), Dense(1), Activation("tanh"), ys=LINE, loss="mae"),
            lambda: fit(Dense(1, "relu"), ys=LINE, loss="huber"),
            lambda: train(nn.Neuron(3, "tanh"), ys=5.0 * YS),
        ],
        [
            lambda: fit(Dense(1), ys=LINE, loss="mse"),
            lambda: fit(Dense(1, "sigmoid"), loss="mse"),
            lambda: fit(Dense(1, "tanh"), ys=2.0 * YS - 1.0, loss="hinge"),
            lambda: fit(Dense(1, "tanh"), ys=2.0 * YS - 1.0, loss="mse"),
            lambda: fit(Dense(1, "relu"), ys=np.abs(LINE) - 0.02, loss="mse"),
            lambda: fit(Dense(1, "leaky_relu"), ys=LINE, loss="mse"),
            lambda: fit(Dense(1, lambda z: autograd.tanh(z) * 9.0), ys=LINE, loss="mse"),
        ],
    ),
    "not-probabilities": Case(
        [
            lambda: fit(Dense(1, "relu", bias_initializer=lambda *a: 0.3), xs=0.01 * XS),
            lambda: train(
                nn.Neuron(3, "softplus"), xs=0.01 * XS, ys=YS, loss=nn.binary_cross_entropy
            ),
            lambda: fit(
                Dense(3, "softplus"),
                xs=0.01 * XS,
                ys=KINDS,
                loss="sparse_categorical_crossentropy",
                optimizer=nn.SGD(lr=1e-9),
            ),
        ],
        [
            lambda: fit(Dense(1, "sigmoid")),
            lambda: fit(Dense(1), loss=partial(nn.binary_cross_entropy, from_logits=True)),
            lambda: fit(Dense(3, "sigmoid"), ys=np.eye(3)[KINDS], loss="categorical_crossentropy"),
            lambda: fit(Dense(1, lambda z: autograd.clip(z, 0.0, 1.0)), xs=0.01 * XS),
            lambda: fit(Dense(1, "relu"), loss="mse"),
        ],
    ),
    "double-softmax": Case(
        [
            lambda: fit(
                Dense(1, "sigmoid"), loss=partial(nn.binary_cross_entropy, from_logits=True)
            ),
            lambda: fit(
                Dense(3, "softmax"),
                ys=KINDS,
                compiled=None,
                loss=lambda p, y: nn.sparse_categorical_cross_entropy(p, y, from_logits=True),
            ),
            lambda: nn.binary_cross_entropy(
                nn.Neuron(3, "sigmoid")(XS.tolist()), YS, from_logits=True
            ),
        ],
        [
            lambda: fit(Dense(1), loss=partial(nn.binary_cross_entropy, from_logits=True)),
            lambda: fit(Dense(1, "sigmoid")),
            lambda: fit(Dense(3, "softmax"), ys=KINDS, loss="sparse_categorical_crossentropy"),
            lambda: fit(
                Dense(3),
                ys=KINDS,
                loss=partial(nn.sparse_categorical_cross_entropy, from_logits=True),
            ),
            lambda: nn.binary_cross_entropy([0.3, 0.4], [1.0, 0.0], from_logits=True),
        ],
    ),
    "constant-label": Case(
        [
            lambda: fit(ys=np.ones(40)),
            lambda: fit(
                Dense(3, "softmax"), ys=np.ones(40), loss="sparse_categorical_crossentropy"
            ),
            lambda: fit(
                Dense(2, "softmax"), ys=np.eye(2)[[0] * 40], loss="categorical_crossentropy"
            ),
        ],
        [
            lambda: fit(ys=np.r_[np.zeros(39), 1.0]),
            lambda: fit(xs=XS[:1], ys=YS[:1]),
            lambda: fit(Dense(1), ys=np.r_[np.zeros(39), 1.0], loss="mse"),
        ],
        [lambda: fit(Dense(1), ys=np.zeros(40), loss="mse"), lambda: fit(xs=XS[:5], ys=np.ones(5))],
    ),
    "unseen-class": Case(
        [
            lambda: fit(
                Dense(3, "softmax"),
                ys=np.repeat([0, 1, 2], [20, 13, 7]),
                validation_split=0.2,
                loss="sparse_categorical_crossentropy",
            ),
            lambda: fit(
                Dense(3, "softmax"),
                xs=XS[KINDS < 2],
                ys=np.eye(3)[KINDS[KINDS < 2]],
                validation_data=(XS, np.eye(3)[KINDS]),
                loss="categorical_crossentropy",
            ),
        ],
        [
            lambda: fit(validation_split=0.2),
            lambda: fit(Dense(1), ys=np.sort(LINE), loss="mse", validation_split=0.2),
            lambda: fit(Dense(3, "sigmoid"), ys=np.eye(3)[np.sort(KINDS)], validation_split=0.2),
            lambda: fit(validation_data=(XS[YS > 0.5], YS[YS > 0.5])),
        ],
    ),
    "unscaled-input": Case(
        [
            lambda: fit(Dense(1, "sigmoid"), xs=column(300.0)),
            lambda: fit(Dense(1, "sigmoid"), xs=column(1.0, 2000.0), epochs=1),
            lambda: train(nn.Neuron(3, "linear"), xs=column(500.0), epochs=1),
            lambda: fit(Flatten(), Dense(1, "sigmoid"), xs=column(500.0).reshape(40, 3, 1)),
            lambda: fit(
                Reshape((3, 1, 1)),
                Conv2D(2, 1),
                Flatten(),
                Dense(1, "sigmoid"),
                xs=255.0 * np.abs(XS),
            ),
        ],
        [
            lambda: fit(xs=XS),
            lambda: fit(xs=5.0 * np.abs(XS)),
            lambda: fit(xs=column(0.0)),
            lambda: fit(Own(lambda v: v * 0.001), Dense(1, "sigmoid"), xs=column(300.0)),
            lambda: fit(xs=nn.data.standardise(column(300.0))[0]),
        ],
        [lambda: fit(xs=column(30.0)), lambda: fit(xs=16.0 * np.abs(XS))],
    ),
    "exploding-loss": Case(
        [
            lambda: explode(3.0),
            lambda: explode(3.0, compiled=None),
            lambda: explode(3.0, 1e4),
            lambda: train(
                m := nn.Neuron(3, "linear"), optimizer=nn.SGD(m.parameters(), 3.0), epochs=6
            ),
        ],
        [
            lambda: explode(0.1),
            lambda: explode(0.1, 1e4),
            lambda: explode(1e-4, 1e-4),
            lambda: explode(0.9, epochs=1),
            lambda: fit(
                Dense(3),
                ys=KINDS,
                optimizer=nn.SGD(lr=5.0),
                epochs=20,
                loss=partial(nn.sparse_categorical_cross_entropy, from_logits=True),
            ),
            lambda: fit(Dense(3), ys=np.eye(3)[KINDS], loss="cosine_similarity", epochs=5),
        ],
    ),
    "zero-rate": Case(
        [],
        [
            lambda: fit(optimizer=nn.SGD(lr=0.1)),
            lambda: fit(optimizer=nn.Adam(lr=lambda t: 0.0)),
            lambda: train(nn.Neuron(3, "linear")),
            lambda: fit(
                optimizer=nn.SGD(lr=0.0),
                callbacks=[nn.callbacks.LearningRateScheduler(lambda epoch, lr: 0.1)],
            ),
        ],
        [
            lambda: fit(optimizer=nn.SGD(lr=0.0)),
            lambda: train(m := nn.Neuron(3, "linear"), optimizer=nn.SGD(m.parameters(), 0.0)),
        ],
    ),
    "tanh-labels": Case(
        [],
        [
            lambda: fit(Dense(1, "tanh"), ys=2.0 * YS - 1.0, loss="mse"),
            lambda: fit(Dense(1, "sigmoid"), loss="mse"),
            lambda: fit(Dense(1, "tanh"), ys=np.tanh(LINE), loss="mse"),
        ],
        [lambda: fit(Dense(1, "tanh"), loss="mse"), lambda: train(nn.Neuron(3, "tanh"), ys=YS)],
    ),
    "sorted-rows": Case(
        [],
        [
            lambda: fit(shuffle=False),
            lambda: fit(ys=np.sort(YS)),
            lambda: fit(ys=np.sort(YS), shuffle=False, batch_size=None),
            lambda: fit(Dense(1), ys=np.sort(LINE), loss="mse", shuffle=False),
        ],
        [lambda: fit(ys=np.sort(YS), shuffle=False)],
    ),
    "majority-class": Case(
        [],
        [
            lambda: fit(Dense(1, "sigmoid"), optimizer=nn.Adam(lr=0.1), epochs=40),
            lambda: fit(
                Dense(3, "softmax"),
                ys=KINDS,
                optimizer=nn.Adam(lr=0.1),
                epochs=30,
                loss="sparse_categorical_crossentropy",
            ),
            lambda: fit(
                Dense(1), ys=2.0 * YS - 1.0, loss="hinge", optimizer=nn.Adam(lr=0.1), epochs=30
            ),
            lambda: fit(Dense(1), ys=LINE, loss="mse"),
        ],
        [
            lambda: majority("sigmoid", YS, "binary_crossentropy", 9.0),
            lambda: majority("linear", 2.0 * YS - 1.0, "hinge", -9.0),
            lambda: majority("linear", YS, partial(nn.binary_cross_entropy, from_logits=True), 9.0),
        ],
    ),
}

SPOKEN = [(name, k, trap) for name, case in CASES.items() for k, trap in enumerate(case.traps)]
STRICTLY = [(name, k, trap) for name, case in CASES.items() for k, trap in enumerate(case.strictly)]
WELL = [(name, k, well) for name, case in CASES.items() for k, well in enumerate(case.well)]


def each(cases: list[tuple[str, int, Any]]) -> Any:
    ids = [f"{name}-{k}" for name, k, _ in cases]
    return pytest.mark.parametrize(("name", "run"), [(n, run) for n, _, run in cases], ids=ids)


def test_every_trap_is_tried() -> None:
    """Each of the table has its trap, here or with the files, and three cases where all is well."""
    assert CASES.keys() | {"file-suffix"} == TRAPS.keys()
    for name, case in CASES.items():
        assert len(case.well) >= 3
        assert bool(case.traps) == (name not in STRICT_ONLY)
        assert case.traps or case.strictly


@each(SPOKEN)
def test_the_trap_is_told_of(name: str, run: Callable[[], object]) -> None:
    """Once, by its name and no other, without asking; and not where that name is silenced."""
    with told() as names:
        run_anyway(run)
    assert set(names) == {name}
    with told() as names, silence(name):
        run_anyway(run)
    assert names == []


@each(WELL)
def test_where_all_is_well_nothing_is_said(name: str, run: Callable[[], object]) -> None:
    """No notice of any name; strict() does not speak of this one either."""
    with told() as names:
        run()
    assert names == []
    with told() as names, strict():
        run()
    assert name not in names


@each(STRICTLY)
def test_what_strict_adds(name: str, run: Callable[[], object]) -> None:
    """It is told of under strict() alone."""
    with told() as names:
        run()
    assert names == []
    with told() as names, strict():
        run()
    assert name in names


def run_anyway(run: Callable[[], object]) -> None:
    """A loss that depends on nothing is told of, and then the error it ends in comes."""
    try:
        run()
    except AttributeError as error:
        assert "backward" in str(error)  # noqa: PT017


# --- what is said, and where ----------------------------------------------------------------------


def sentence(run: Callable[[], object]) -> str:
    """The first notice of a trap."""
    with pytest.raises(Notice) as caught, strict(errors=True):
        run()
    return str(caught.value)


def test_where_a_loss_was_cut() -> None:
    """The layer after which nothing depends on a parameter is named, or the loss, or the model."""

    def first_layer_cut() -> object:
        return fit(Dense(2), Own(number), Dense(1, use_bias=False), ys=LINE, loss="mse")

    def layer_cut() -> object:
        return fit(Dense(2), Own(Value.detach), ys=XS[:, :2], loss="mse")

    def model_cut() -> object:
        p = Value(1.0)
        return nn.train(lambda rows: [Value(2.0) for _ in rows], XS, LINE, epochs=1, compiled=False,
                        optimizer=nn.SGD([p], 0.1), progress=False)  # fmt: skip

    assert "what layer 'own' gives no longer does" in sentence(layer_cut)
    assert "what the model gives does not" in sentence(model_cut)
    assert "but the loss function drops that" in sentence(lambda: fit(loss=loss_of_numbers))
    assert "unused-parameter" in sentence(first_layer_cut)


@pytest.mark.parametrize(
    ("columns", "named"), [(None, "column 1 of x"), (["a", "size", "c"], r"column 1 ('size') of x")]
)
def test_the_column_is_named(columns: list[str] | None, named: str) -> None:
    """By its number, and by its name where a table or a data set tells it."""
    pandas = pytest.importorskip("pandas")
    xs: Any = column(500.0)
    tables = [xs] if columns is None else [
        (pandas.DataFrame(xs, columns=columns), YS),
        (nn.DataSet(xs, YS, feature_names=tuple(columns)), None),
    ]  # fmt: skip
    for table, ys in [(xs, YS)] if columns is None else tables:
        model = Sequential([Dense(1, "sigmoid")])
        model.compile("sgd", "mse", compiled=False)
        with pytest.warns(Notice, match="unscaled-input") as caught:
            model.fit(table, ys, verbose=0)
        assert named in str(caught[0].message)


def test_a_tenth_of_the_rate_is_suggested() -> None:
    """Where the loss explodes, and where it is no longer finite, by fit and by train."""
    assert "try lr=0.3, a tenth" in sentence(lambda: explode(3.0))
    for compiled in (False, None):
        model = nn.Neuron(3, "linear")
        with pytest.warns(RuntimeWarning, match=r"a tenth of it is lr=1e\+11$"):
            train(model, optimizer=nn.SGD(model.parameters(), 1e12), epochs=99, compiled=compiled)
        model = Sequential([Dense(1)])
        model.compile(nn.SGD(lr=1e12), "mse", compiled=compiled)
        with pytest.warns(RuntimeWarning, match=r"a tenth of it is lr=1e\+11$"):
            model.fit(XS, LINE, epochs=99, verbose=0)


@pytest.mark.parametrize("name", ["m.h5", "m.keras", "m.PT", "m.pkl", "m.json"])
def test_a_file_named_as_of_another_format(name: str, tmp_path: Path) -> None:
    """It is told of, and written and read all the same."""
    model = fit(epochs=1)
    with told() as names:
        model.save(tmp_path / name)
    assert names == ["file-suffix"]
    assert nn.load(tmp_path / name).state_dict() == model.state_dict()


@pytest.mark.parametrize("name", ["m.safetensors", "m", "m.model", "m.h5.safetensors", "v1.2"])
def test_other_names_of_files_are_well(name: str, tmp_path: Path) -> None:
    """Whatever does not promise another format."""
    with told() as names, strict():
        fit(epochs=1).save(tmp_path / name)
    assert "file-suffix" not in names


def test_once_for_each_model() -> None:
    """A second training of one model says nothing new; the same model made anew is told again."""
    model = Sequential([Dense(1, "softmax")])
    with told() as names:
        for _ in range(2):
            model.compile("sgd", "mse", compiled=False)
            model.fit(XS, YS, epochs=0, verbose=0)
        fit(Dense(1, "softmax"), loss="mse", epochs=1)
    assert names == ["softmax-of-one"] * 2


# --- a used gradient ------------------------------------------------------------------------------


def test_a_used_gradient_is_the_number_it_was() -> None:
    """Marking changes no bit of training, prints alike, and does not outlive copies and pickles."""
    p = Value(1.0)
    opt = nn.SGD([p], 0.5)
    p.grad = 0.3
    opt.step()
    assert (p.data, p.grad, repr(p)) == (0.85, 0.3, "Value(data=0.85, grad=0.3)")
    for twin in (copy.deepcopy(p), pickle.loads(pickle.dumps(p))):
        assert (twin.data, twin.grad) == (0.85, 0.3)
    assert type(pickle.loads(pickle.dumps(p.grad))) is float
    with told() as names:
        for _ in range(2):
            copy.deepcopy(opt).step()
            pickle.loads(pickle.dumps(opt)).step()
    assert names == []


def test_two_optimisers_may_share_gradients() -> None:
    """Only gradients that an optimiser has itself used are stale to it."""
    p = Value(1.0)
    one, two = nn.SGD([p], 0.1), nn.Adam([p], 0.1)
    with told() as names:
        for _ in range(3):
            one.zero_grad()
            (p * p).backward()
            one.step()
            (p * 2.0).backward()
            two.step()
    assert names == []


def test_a_trained_model_is_freed_by_reference_counting() -> None:
    """What watches over a training holds no model, nor makes a cycle."""
    gc.collect()
    gc.disable()
    try:
        model = nn.MLP(3, [2, 1], output_activation="linear")
        opt = nn.SGD(model.parameters(), 0.01)
        for _ in range(2):
            opt.zero_grad()
            nn.mse(model(XS.tolist()), LINE.tolist()).backward()
            opt.step()
        gone = weakref.ref(model)
        del model, opt
        assert gone() is None
    finally:
        gc.enable()


# --- as a script ----------------------------------------------------------------------------------

SCRIPT = """
import nn
from nn.models import Sequential
from nn.layers import Dense
for seed in range(3):
    model = Sequential([Dense(1, "softmax", input_dim=1)])
    model.compile("sgd", "mse")
    model.fit([[0.0], [1.0]], [[1.0], [1.0]], epochs=1, verbose=0)  # HERE
"""


def run(*options: str, code: str = SCRIPT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *options, "-c", code], capture_output=True, text=True, timeout=120
    )


def test_a_script_is_shown_its_own_line_once() -> None:
    """The line is the user's, not one of ours; a loop over it shows the text once."""
    line = 1 + SCRIPT.splitlines().index(next(x for x in SCRIPT.splitlines() if "HERE" in x))
    shown = run().stderr
    assert shown.count(f"<string>:{line}: Notice: ") == 1
    assert shown.count("[softmax-of-one]") == 1
    assert shown.count("Notice") == 1


def test_filters_of_python_hold() -> None:
    """-W ignore and error work as on every UserWarning, filters by class and by text as well."""
    assert run("-W", "ignore::UserWarning").stderr == ""
    failed = run("-W", "error::UserWarning")
    assert failed.returncode == 1
    assert "[softmax-of-one]" in failed.stderr.splitlines()[-1]
    by_class = "import warnings, autograd\nwarnings.simplefilter('ignore', autograd.Notice)\n"
    assert run(code=by_class + SCRIPT).stderr == ""
    by_name = "import warnings\nwarnings.filterwarnings('ignore', r'.*\\[softmax-of-one\\]')\n"
    assert run(code=by_name + SCRIPT).stderr == ""
    assert run(code="import autograd\nautograd.silence('softmax-of-one')\n" + SCRIPT).stderr == ""


def test_the_page_lists_every_trap_and_runs() -> None:
    """docs/traps.md says of each trap by name, and its examples give the notices they show."""
    page = (Path(__file__).resolve().parent.parent / "docs" / "traps.md").read_text("utf-8")
    part = page.split("\n## Traps\n")[1].split("\n## ")[0]
    assert re.findall(r"^\| `([a-z-]+)` \|", part, flags=re.MULTILINE) == list(TRAPS)
    blocks = re.findall(
        r"```python\n(.*?)```\n\n```text\n[\w.]+:(\d+): Notice: (.*?)```", part, re.DOTALL
    )
    assert len(blocks) == 2
    for code, line, shown in blocks:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            exec(compile(code, "page.py", "exec"), {"__name__": "page"})
        assert " ".join(shown.split()) == str(caught[0].message)
        assert (caught[0].filename, caught[0].lineno) == ("page.py", int(line))
