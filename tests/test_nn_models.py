"""Sequential: compile, fit, evaluate, predict; compiled and eager are one and the same."""

import copy
import math
import pickle
from typing import Any

import numpy as np
import pytest

import autograd
import nn
from autograd import LengthError, TraceError, Value, where
from nn import HyperparameterError, TargetError, UnknownNameError
from nn.callbacks import Callback
from nn.errors import NotCompiledError
from nn.layers import (
    Activation,
    Conv2D,
    Dense,
    DropConnect,
    Dropout,
    Flatten,
    MaxPooling2D,
    Reshape,
    SequentialLayer,
)
from nn.losses import LOSSES
from nn.models import Sequential
from nn.optim import OPTIMIZERS, SGD, Adam


def points(rows: int = 40, classes: int = 3) -> tuple[Any, Any]:
    """Rows [rows, 4] and class numbers."""
    rng = np.random.default_rng(0)
    xs = rng.normal(size=(rows, 4))
    return xs, (np.abs(xs[:, 0] + xs[:, 1]) * 1.3).astype(int) % classes


def network(*, outputs: int = 3, activation: str = "softmax", **options: Any) -> Sequential:
    """A small one: 4 -> 6 -> outputs."""
    return Sequential(
        [Dense(6, activation="tanh", input_dim=4, **options), Dense(outputs, activation=activation)]
    )


def fitted(model: Sequential, compiled: bool, xs: Any, ys: Any, **options: Any) -> Any:
    """(history, parameters) after training."""
    model.compile(**{"optimizer": "adam", "loss": "mse", **options.pop("how")}, compiled=compiled)
    history = model.fit(xs, ys, verbose=0, **options)
    assert history.engine == ("compiled" if compiled else "eager")
    return history, list(model.state_dict().values())


def assert_engines_agree(make: Any, xs: Any, ys: Any, rel: float = 1e-10, **options: Any) -> None:
    """Both engines give the same parameters and the same history."""
    (compiled, numbers), (eager, expected) = (
        fitted(make(), which, xs, ys, **{**options, "how": dict(options["how"])})
        for which in (True, False)
    )
    assert numbers == pytest.approx(expected, rel=rel, abs=rel)
    assert compiled.history.keys() == eager.history.keys()
    for name, values in compiled.history.items():
        assert values == pytest.approx(eager.history[name], rel=1e-9, abs=1e-12), name


# --- the two engines ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_engines_agree_for_each_optimiser(name: str) -> None:
    """After 100 steps the parameters agree to 1e-10, with every optimiser and its defaults."""
    xs, ys = points(40)
    assert_engines_agree(
        network,
        xs,
        ys,
        how={"optimizer": name, "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]},
        epochs=20,
        batch_size=8,
    )


@pytest.mark.filterwarnings("ignore::autograd.Notice")  # a softmax suits some of them badly
@pytest.mark.parametrize("name", sorted({f.__name__: n for n, f in LOSSES.items()}.values()))
def test_engines_agree_for_each_loss(name: str) -> None:
    """Any loss of the table is trained alike by both, on targets it is defined for."""
    xs, ys = points(24)
    targets: Any = np.eye(3)[ys]
    if "sparse" in LOSSES[name].__name__:
        targets = ys
    elif LOSSES[name].__name__ in ("hinge", "squared_hinge"):
        targets = 2.0 * targets - 1.0
    how = {"loss": name, "optimizer": SGD(lr=0.1)}
    assert_engines_agree(network, xs, targets, how=how, epochs=3, batch_size=10)


MAKES = {
    "penalties": lambda: network(
        kernel_regularizer="l1_l2", bias_regularizer="l1", activity_regularizer="l2"
    ),
    "max norm": lambda: network(kernel_constraint="max_norm"),
    "non-negative": lambda: network(kernel_constraint="non_neg", bias_constraint="non_neg"),
    "dropout": lambda: Sequential(
        [Dropout(0.2, input_shape=(4,)), Dense(6, activation="relu"), Dropout(0.5), Dense(3)]
    ),
    "dropconnect": lambda: Sequential([DropConnect(6, rate=0.5, input_dim=4), Dense(3)]),
    "images": lambda: Sequential(
        [
            Reshape((2, 2, 1), input_shape=(4,)),
            Conv2D(3, 2, padding="same", activation="relu"),
            MaxPooling2D(2),
            Flatten(),
            Dense(3),
            Activation("softmax"),
        ]
    ),
}


@pytest.mark.parametrize("make", MAKES.values(), ids=list(MAKES))
def test_engines_agree_for_each_kind_of_layer(make: Any) -> None:
    """Penalties, constraints, dropped units: the same numbers from either engine, seeded."""
    xs, ys = points(30)
    how = {"optimizer": Adam(lr=0.05, clipnorm=0.3), "loss": "mse", "metrics": ["mae", "accuracy"]}
    assert_engines_agree(make, xs, np.eye(3)[ys], how=how, epochs=4, batch_size=7)


def test_engines_agree_on_weights_schedules_and_validation() -> None:
    """Class and sample weights, a schedule, clipping by value, validation rows."""
    xs, ys = points(50)
    assert_engines_agree(
        network,
        xs,
        ys,
        how={
            "optimizer": SGD(lr=lambda step: 0.5 / step, momentum=0.9, clipvalue=0.02),
            "loss": "sparse_categorical_crossentropy",
            "metrics": ["accuracy", "top-2"],
        },
        epochs=5,
        batch_size=16,
        validation_split=0.2,
        class_weight={0: 1.0, 1: 2.0, 2: 0.5},
        sample_weight=np.linspace(0.0, 2.0, 50),
    )


def test_what_cannot_be_compiled_is_trained_eagerly_and_says_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A layer that branches on a number: the output names the line; compiled=True raises."""

    class Sign(SequentialLayer):
        def prepare(self, input_shape: Any, rng: Any) -> Any:
            return input_shape

        def row(self, x: Any, run: Any) -> Any:
            return [z if z > 0.0 else z * 0.5 for z in x]

    xs, ys = points(20, 2)
    model = Sequential([Dense(3, input_dim=4), Sign(), Dense(1)])
    model.compile("sgd", "mse")
    history = model.fit(xs, ys, verbose=2)
    assert history.engine.startswith("eager: TraceError")
    assert __file__ in capsys.readouterr().out
    assert model.predict(xs).shape == (20, 1)
    assert model.evaluate(xs, ys) > 0.0
    model.compile("sgd", "mse", compiled=True)
    with pytest.raises(TraceError):
        model.fit(xs, ys, verbose=0)


def test_a_loss_that_is_no_mean_over_rows_is_not_compiled() -> None:
    """The compiler takes the mean over rows: a loss that is the largest error runs eagerly."""

    def worst(predictions: Any, targets: Any) -> Any:
        errors = [(p[0] - y[0]) ** 2 for p, y in zip(predictions, targets, strict=True)]
        found = errors[0]
        for e in errors[1:]:
            found = where(e > found, e, found)
        return found

    xs, ys = points(12, 2)
    model = network(outputs=1, activation="sigmoid")
    model.compile("sgd", worst)
    assert "mean over its rows" in model.fit(xs, ys, verbose=0).engine


MISTAKEN: dict[str, tuple[Any, str]] = {
    "Keras's way": (lambda p, t: ((p - t) ** 2).mean(), r"failed \(TypeError.*lists, .*\[\[.*that"),
    "one argument": (lambda p: 0.0, r"failed \(TypeError: .*two lists"),
    "a method": (lambda p, t: p[0].sum(), r"failed \(AttributeError: .*two lists"),
    "a second row": (lambda p, t: p[1][0] + p[-2][0], r"failed \(IndexError: .*two lists"),
    "nothing": (lambda p, t: None, r"to give one number for a batch, but got None"),
    "a list": (lambda p, t: p[0], r"to give one number for a batch, but got \[Value"),
}


@pytest.mark.parametrize("compiled", [None, True, False])
@pytest.mark.parametrize("name", MISTAKEN)
def test_a_loss_with_a_mistake_is_told_what_it_is_given(name: str, compiled: bool | None) -> None:
    """Of fit and of train: named, with what came and how a loss is written."""
    loss, said = MISTAKEN[name]
    xs, ys = points(4, 2)
    model = network(outputs=1, activation="sigmoid")
    model.compile("sgd", loss, compiled=compiled)
    with pytest.raises(TypeError, match=f"the loss <lambda> {said}"):
        model.fit(xs, ys, batch_size=1, verbose=0)
    if name != "a list":  # there a row of one number is a number
        mlp = nn.MLP(xs.shape[1], [1])
        options: Any = {"loss": loss, "epochs": 1, "batch_size": 1, "progress": False}
        with pytest.raises(TypeError, match=f"the loss <lambda> {said}".replace(r"\[\[", r"\[")):
            nn.train(mlp, xs, ys, optimizer=SGD(mlp.parameters()), compiled=compiled, **options)


def test_the_loss_that_the_message_shows_is_the_mean_squared_error() -> None:
    """It can be copied: for rows of one number in fit, and for numbers in train."""
    xs, ys = points(4, 2)
    model, mlp = network(outputs=1, activation="sigmoid"), nn.MLP(xs.shape[1], [1])
    wrong: Any = lambda p, t: p - t  # noqa: E731  # one line, as those who make it write it
    model.compile("sgd", wrong)
    trainings: list[tuple[Any, list[Any], list[Any]]] = [
        (lambda: model.fit(xs, ys, verbose=0), [[2.0], [3.0]], [[1.0], [1.0]]),
        (lambda: nn.train(mlp, xs, ys, optimizer=SGD(mlp.parameters()), loss=wrong, progress=False),
         [2.0, 3.0], [1.0, 1.0]),
    ]  # fmt: skip
    for train, p, t in trainings:
        with pytest.raises(TypeError, match="that gives one number, as") as caught:
            train()
        shown = str(caught.value).partition("number, as ")[2].removesuffix(" does")
        assert eval(shown, {"autograd": autograd, "predictions": p, "targets": t}) == nn.mse(p, t)


def without_nodes(p: Any, t: Any) -> float:
    """A loss that drops the gradient; it takes rows, and single numbers."""
    first, target = (x[0][0] if isinstance(x[0], list) else x[0] for x in (p, t))
    return float(abs(first.data - target))


@pytest.mark.filterwarnings("ignore::autograd.Notice")
def test_a_loss_without_nodes_changes_nothing() -> None:
    """Made of .data, it trains nothing, in both engines; of that there is a notice, not a crash."""
    xs, ys = points(4, 2)
    model = network(outputs=1, activation="sigmoid")
    before = model.state_dict()
    for compiled in (None, False):
        model.compile("sgd", without_nodes, compiled=compiled)
        assert len(model.fit(xs, ys, epochs=2, verbose=0).losses) == 2
        shared: Any = {"executor": nn.SerialExecutor(), "shards": 1}
        assert len(model.fit(xs, ys, epochs=2, verbose=0, **shared).losses) == 2
    assert model.state_dict() == before
    mlp = nn.MLP(xs.shape[1], [1])
    options: Any = {"loss": without_nodes, "epochs": 2, "progress": False}
    history = nn.train(mlp, xs, ys, optimizer=SGD(mlp.parameters()), **options)
    assert len(history.losses) == 2


def test_a_loss_may_use_the_methods_of_values() -> None:
    """It is tried with nodes, as predictions are."""
    xs, ys = points(8, 2)
    trained = []
    for loss in (
        "mse",
        lambda p, t: autograd.mean([(a[0] - b[0]).square() for a, b in zip(p, t, strict=True)]),
    ):
        model = network(outputs=1, activation="sigmoid")
        model.compile("sgd", loss)
        assert model.fit(xs, ys, verbose=0).engine == "compiled"
        trained.append(list(model.state_dict().values()))
    assert trained[0] == pytest.approx(trained[1], rel=1e-12)


# --- the arithmetic -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "epochs", "batch_size", "updates"),
    [(1000, 50, 1, 50_000), (1000, 50, None, 50), (1000, 1, 32, 32), (5, 2, 2, 6), (3, 1, 32, 1)],
)
def test_the_number_of_updates(
    rows: int, epochs: int, batch_size: int | None, updates: int
) -> None:
    """epochs * ceil(rows / batch_size): stochastic, full batch, batches with a short last one."""
    xs, ys = points(rows, 2)
    model = Sequential([Dense(1, input_dim=4)])
    model.compile("sgd", "mse")
    history = model.fit(xs, ys, epochs=epochs, batch_size=batch_size, verbose=0)
    assert (history.updates, len(history.losses)) == (updates, epochs)
    assert model.optimizer is not None
    assert model.optimizer.steps == updates


def test_the_loss_of_an_epoch_is_the_mean_over_its_rows() -> None:
    """With a rate of 0, training reports what evaluate does, whatever the batches."""
    xs, ys = points(33)
    model = network(kernel_regularizer="l2")
    model.compile(SGD(lr=0.0), "sparse_categorical_crossentropy", ["accuracy"])
    loss, accuracy = model.evaluate(xs, ys)
    for size in (1, 7, 33, None):
        history = model.fit(xs, ys, batch_size=size, verbose=0).history
        assert history["loss"] == [pytest.approx(loss, rel=1e-12)]
        assert history["accuracy"] == [pytest.approx(accuracy, rel=1e-12)]
    right = model.predict(xs).argmax(axis=1) == ys
    assert accuracy == pytest.approx(right.mean())


def test_predict_gives_what_the_nodes_compute() -> None:
    """predict, the call on rows and the call on one row agree."""
    xs, _ = points(9)
    model = network()
    out = model.predict(xs)
    assert out.shape == (9, 3)
    for i, row in enumerate(model(xs)):
        assert out[i] == pytest.approx([p.data for p in row], rel=1e-12)
    assert out[4] == pytest.approx([p.data for p in model(xs[4].tolist())], rel=1e-12)
    assert model.predict(np.zeros((0, 4))).shape == (0, 3)


def test_weights_may_change_between_calls() -> None:
    """Compiled predictions and evaluations read the weights afresh."""
    xs, ys = points(8)
    model = network()
    model.compile("sgd", "sparse_categorical_crossentropy")
    before = model.evaluate(xs, ys), model.predict(xs).copy()
    for p in model.parameters():
        p.data = 0.0
    assert model.predict(xs) == pytest.approx(np.full((8, 3), 1 / 3))
    assert model.evaluate(xs, ys) == pytest.approx(math.log(3.0))
    assert before[0] != pytest.approx(math.log(3.0))


def test_a_seed_is_a_run() -> None:
    """Equal seeds give equal runs, other seeds others; two fits are as one of both lengths."""
    xs, ys = points(30)

    def run(seed: int, *parts: int) -> list[float]:
        model = Sequential(
            [Dense(5, input_dim=4, activation="relu"), Dropout(0.3), Dense(3)], seed=seed
        )
        model.compile("adam", "mse")
        for epochs in parts:
            model.fit(xs, np.eye(3)[ys], epochs=epochs, batch_size=8, verbose=0)
        return list(model.state_dict().values())

    assert run(1, 4) == run(1, 4) == run(1, 1, 3)
    assert run(1, 4) != run(2, 4)


def test_other_rows_need_no_new_program() -> None:
    """A second fit on other rows of the same shape uses the machine code there is."""
    xs, ys = points(30)
    model = network()
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(xs, ys, verbose=0)
    (first,) = model._engines.values()
    model.fit(xs[:7], ys[:7], verbose=0)
    assert list(model._engines.values()) == [first]


def test_xor_is_learned() -> None:
    """Keras's way to XOR."""
    model = Sequential([Dense(8, activation="tanh", input_dim=2), Dense(1, activation="sigmoid")])
    model.compile(Adam(lr=0.05), "binary_crossentropy", ["accuracy"])
    xs, ys = nn.gate("xor")
    history = model.fit(xs, ys, epochs=300, batch_size=None, verbose=0)
    assert history.history["accuracy"][-1] == 1.0
    assert model.predict(xs).round().ravel().tolist() == ys


# --- what is shown, and what is refused -----------------------------------------------------------


def test_what_fit_prints(capsys: pytest.CaptureFixture[str]) -> None:
    """A bar an epoch with the steps, the time a step, the loss, the metrics, and val_ of each."""
    xs, ys = points(20)
    model = network()
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    for verbose in ("auto", 2, 0):
        model.fit(xs, ys, epochs=2, batch_size=8, validation_data=(xs, ys), verbose=verbose)
        out = capsys.readouterr().out
        if verbose == 0:
            assert out == ""
            continue
        assert "Epoch 1/2" in out
        assert "Epoch 2/2" in out
        assert out.count("3/3") >= 2
        for word in ("/step", " - loss: ", " - accuracy: ", " - val_loss: ", " - val_accuracy: "):
            assert out.count(word) == 2
    model.summary()
    out = capsys.readouterr().out
    assert "dense_1 (Dense)" in out
    assert f"Total params: {4 * 6 + 6 + 6 * 3 + 3}" in out


def test_a_diverging_loss_ends_training_and_keeps_the_last_finite_numbers() -> None:
    """Either engine stops before the update that would make them nan, and warns."""
    xs, ys = points(20, 2)
    for compiled in (True, False):
        model = Sequential([Dense(1, input_dim=4)])
        model.compile(SGD(lr=1e200), "mse", compiled=compiled)
        with pytest.warns(RuntimeWarning, match="smaller learning rate"):
            history = model.fit(xs, ys, epochs=5, verbose=0)
        assert history.stopped == "diverged"
        assert all(math.isfinite(p.data) for p in model.parameters())


def test_ctrl_c_keeps_what_was_learned() -> None:
    """An interrupt ends fit without an error; the epochs before it are in the history."""

    class Impatient(Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if epoch == 1:
                raise KeyboardInterrupt

    xs, ys = points(20, 2)
    model = network(outputs=1, activation="linear")
    model.compile("sgd", "mse")
    history = model.fit(xs, ys, epochs=9, verbose=0, callbacks=[Impatient()])
    assert (history.stopped, len(history.losses), model.epochs_trained) == ("interrupted", 2, 2)


def test_errors_say_what_to_do() -> None:
    """Each mistake is refused by name, before anything is trained."""
    xs, ys = points(10)
    model = network()
    with pytest.raises(NotCompiledError, match=r"compile\("):
        model.fit(xs, ys)
    with pytest.raises(UnknownNameError, match="adam"):
        model.compile("adamm", "mse")
    with pytest.raises(UnknownNameError, match="binary"):
        model.compile("adam", "binary")
    with pytest.raises(UnknownNameError, match="accuracy"):
        model.compile("adam", "mse", ["acurracy"])
    with pytest.raises(HyperparameterError, match="loss"):
        model.compile("adam")
    model.compile("adam", "sparse_categorical_crossentropy")
    before = model.state_dict()
    with pytest.raises(TargetError):
        model.fit(xs, ys + 2.0, verbose=0)
    with pytest.raises(TargetError):
        model.fit(xs, ys + 0.5, verbose=0)
    with pytest.raises(LengthError, match="10 rows and 9"):
        model.fit(xs, ys[:9], verbose=0)
    with pytest.raises(LengthError, match="shape"):
        model.fit(xs[:, :3], ys, verbose=0)
    with pytest.raises(LengthError, match="targets"):
        model.fit(xs, verbose=0)
    with pytest.raises(TypeError, match="numbers"):
        model.fit([["a"]], [0], verbose=0)
    with pytest.raises(HyperparameterError, match="batch_size"):
        model.fit(xs, ys, batch_size=0, verbose=0)
    with pytest.raises(HyperparameterError, match="validation_split"):
        model.fit(xs, ys, validation_split=0.999, verbose=0)
    with pytest.raises(TargetError, match="class_weight"):
        model.fit(xs, ys, class_weight={0: 1.0}, verbose=0)
    with pytest.raises(LengthError, match=r"\[row\]"):
        model.predict(xs[0])
    empty = Sequential()
    empty.compile("adam", "mse")
    with pytest.raises(LengthError, match="add"):
        empty.fit(xs, ys)
    with pytest.raises(TypeError, match="Dense"):
        model.add("dense")  # type: ignore[arg-type]
    assert model.state_dict() == before


def test_the_shape_may_come_with_the_data() -> None:
    """Without an input_shape the weights are made by fit, and the same ones as with it."""
    xs, ys = points(10)
    late, early = Sequential([Dense(3)]), Sequential([Dense(3, input_dim=4)])
    assert not late.built
    assert late.parameters() == []
    late.compile("sgd", "mse")
    late.fit(xs, np.eye(3)[ys], epochs=0, verbose=0)
    assert late.state_dict() == early.state_dict()
    late.pop()
    assert late.layers == []


def test_an_input_that_is_a_node_gets_a_gradient() -> None:
    """The network is made of nodes: a loss can be followed back to the input."""
    model = network()
    x = [Value(0.1 * k) for k in range(4)]
    model(x)[0].backward()
    assert any(v.grad != 0.0 for v in x)


@pytest.mark.parametrize(
    ("activation", "loss", "target"),
    [
        ("sigmoid", "binary_crossentropy", 1.0),
        ("softmax", "categorical_crossentropy", [1.0, 0.0]),
        ("softmax", "sparse_categorical_crossentropy", 0.0),
    ],
)
@pytest.mark.parametrize("compiled", [True, False])
def test_a_certain_and_wrong_answer_is_corrected(
    activation: str, loss: str, target: Any, compiled: bool
) -> None:
    """Cross-entropy is computed from the sums: its gradient is there where p has rounded to 0."""
    n = np.size(target) if loss == "categorical_crossentropy" else 1 + (activation == "softmax")
    for separate in (False, True):
        layers: list[Any] = [
            Dense(int(n), input_dim=1, activation=None if separate else activation)
        ]
        model = Sequential([*layers, *([Activation(activation)] if separate else [])])
        wrong = [[-800.0]] if n == 1 else [[-800.0, 0.0]]
        model.set_weights([wrong, [0.0] * int(n)])
        model.compile(SGD(lr=1.0), loss, compiled=compiled)
        assert model.evaluate([[1.0]], [target]) == pytest.approx(800.0)
        history = model.fit([[1.0]], [target], verbose=0)
        assert history.losses == [pytest.approx(800.0)]
        assert model.get_weights()[0][0][0] == pytest.approx(-799.0)


def test_models_are_copied_and_pickled_without_their_machine_code() -> None:
    """A fitted model's copy and its pickle predict and train as it does."""
    xs, ys = points(20)
    model = network()
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    model.fit(xs, ys, verbose=0)
    twins = [copy.deepcopy(model), pickle.loads(pickle.dumps(model))]
    model.fit(xs, ys, verbose=0)
    for twin in twins:
        twin.fit(xs, ys, verbose=0)
        assert twin.state_dict() == model.state_dict()
        assert twin.predict(xs).tolist() == model.predict(xs).tolist()


def test_data_that_is_no_data_is_named() -> None:
    """A nan is found before training, by row and column; validation data is called by its name."""
    xs, ys = points(10)
    model = network()
    model.compile("adam", "sparse_categorical_crossentropy")
    broken = xs.copy()
    broken[3, 2] = math.nan
    for call in (model.fit, model.evaluate):
        with pytest.raises(TypeError, match=r"nan in row 3, column 2 .*1 such"):
            call(broken, ys, verbose=0)
    with pytest.raises(TypeError, match=r"numpy\.unique"):
        model.fit(xs, np.array(["cat", "dog"] * 5), verbose=0)
    with pytest.raises(LengthError, match="validation_data"):
        model.fit(xs, ys, validation_data=(xs[:, :2], ys), verbose=0)
    with pytest.raises(LengthError, match="validation_data"):
        model.fit(xs, ys, validation_data=(xs, ys[:3]), verbose=0)
    with pytest.raises(LengthError, match="validation_data=\\(x, y\\)"):
        model.fit(xs, ys, validation_data=[1, 2, 3, 4], verbose=0)
    with pytest.raises(LengthError, match="Flatten"):
        model.fit(xs.reshape(10, 2, 2), ys, verbose=0)
    with pytest.raises(LengthError, match="None"):
        model.fit(xs[:, 0], ys, verbose=0)
    with pytest.raises(TypeError, match=r"Adam\(\)"):
        model.compile(Adam, "mse")  # type: ignore[arg-type]
    model.compile(Adam(learning_rate=0.25), "mse")
    assert model.optimizer is not None
    assert model.optimizer.lr == 0.25


def test_each_epoch_has_an_order_of_its_own() -> None:
    """Rows and dropped units are drawn anew for each epoch, the same ones for the same epoch."""
    model = Sequential([Dropout(0.5, input_shape=(4,)), Dense(1)])
    model.compile(SGD(lr=0.0), "mse")
    xs, ys = points(64)
    one, two = (model.fit(xs, ys, epochs=1, verbose=0).losses for _ in range(2))
    assert one != two
    still = Sequential([Dense(1, input_dim=4)])
    still.compile(SGD(lr=0.1), "mse")
    orders = []
    for _ in range(2):
        still.fit(xs, ys, epochs=1, batch_size=1, verbose=0)
        orders.append(still.state_dict())
        still.load_state_dict(dict.fromkeys(orders[0], 0.0))
        assert still.optimizer is not None
        still.optimizer.bind(still.parameters())
        if len(orders) == 1:
            still.epochs_trained = 5
    first_again = Sequential([Dense(1, input_dim=4)])
    first_again.compile(SGD(lr=0.1), "mse")
    first_again.load_state_dict(dict.fromkeys(orders[0], 0.0))
    first_again.fit(xs, ys, epochs=1, batch_size=1, verbose=0)
    assert first_again.state_dict() != orders[1]
