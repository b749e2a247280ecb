"""For each trap of training: ways into it, and cases in which all is well."""

import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from random import Random
from typing import Any, NamedTuple

import numpy as np

import autograd
import nn
from autograd import Value
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
                [np.ones((3, 2)), [-50.0, -51.0], np.ones((2, 1)), [0.0]],
                np.r_[XS[:39], [[30.0] * 3], XS, XS],
                np.r_[YS, YS, YS],
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
            lambda: majority("sigmoid", YS, "binary_crossentropy", 9.0),  # of the answer
        ],
        [
            lambda: tanhs(0.1, [6.0, -6.0, 0.0]),
            lambda: tanhs(5e4, [0.0, 0.0]),  # at both limits, and so slow to learn from the start
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
            lambda: nn.binary_cross_entropy([Value(1.0) / Value(2.0)], [1.0], from_logits=True),
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
            lambda: fit(
                Dense(3, "sigmoid"),
                ys=np.eye(3)[np.repeat([0, 1, 2], [20, 13, 7])],
                validation_split=0.2,
            ),
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
    "small-shards": Case(
        [
            lambda: fit(executor=ThreadPoolExecutor(2), compiled=None),
            lambda: fit(executor=lambda: ThreadPoolExecutor(3)),
        ],
        [
            lambda: fit(executor=ThreadPoolExecutor(2), shards=2),
            lambda: fit(executor=ThreadPoolExecutor(1)),
            lambda: fit(executor=nn.SerialExecutor(), compiled=None),
            lambda: fit(executor=nn.processes(2), epochs=0),
        ],
        [],
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
            lambda: fit(xs=XS[:5], ys=np.ones(5), shuffle=False, batch_size=2),
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
