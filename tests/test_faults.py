"""Training that is interrupted: whole steps, and no trace of the interruption once it went on."""

import os
import signal
import subprocess
import sys
import threading
import warnings
from pathlib import Path
from random import Random
from typing import Any

import interrupting
import numpy as np
import pytest

import autograd
import nn
from autograd import Value
from nn.callbacks import Callback, EarlyStopping
from nn.history import History
from nn.layers import Dense, Dropout, Neuron
from nn.models import Sequential
from nn.optim import OPTIMIZERS, SGD, Adam
from nn.schedules import step_decay

ROWS = 11
XS = np.random.default_rng(0).normal(size=(ROWS, 3))
YS = (XS[:, 0] > 0.0).astype(float)
EPOCHS, SIZE = 3, 4
MOMENTS = int(os.environ.get("MOMENTS", "12"))  # of each kind; python -m tools.faults has more


def network(optimizer: Any, compiled: bool) -> Sequential:
    """Something of everything: dropout, a constraint, a mean over the rows."""
    model = Sequential(
        [
            Dense(3, input_dim=3, activation="tanh", kernel_constraint="max_norm"),
            Dropout(0.3),
            Dense(1, activation="sigmoid"),
        ],
        seed=5,
    )
    model.compile(optimizer, "binary_crossentropy", ["accuracy"], compiled=compiled)
    return model


State = tuple[dict[str, float], dict[str, Any]]


def state_of(model: Sequential) -> State:
    assert model.optimizer is not None
    return model.state_dict(), model.optimizer.state_dict()


def go_back(model: Sequential, state: State) -> None:
    assert model.optimizer is not None
    model.load_state_dict(state[0])
    model.optimizer.load_state_dict(state[1])
    model.epochs_trained, model.begun = 0, None


def train(model: Sequential, epochs: int, callbacks: Any = ()) -> History:
    return model.fit(XS, YS, SIZE, epochs, verbose=0, callbacks=callbacks)


class Witness(Callback):
    """The state after each update."""

    def __init__(self) -> None:
        self.states: dict[int, State] = {}

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        assert self.model.optimizer is not None
        self.states[self.model.optimizer.steps] = state_of(self.model)


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_ctrl_c_between_any_two_instructions(optimizer: Any, compiled: bool) -> None:
    """The state is that after a whole number of steps; going on gives the bits of no interruption.

    History tells of whole epochs, and counts the updates.
    """
    rule = Adam(lr=step_decay(0.1, 3, 0.5)) if optimizer == "adam" else optimizer
    model, witness = network(rule, compiled), Witness()
    start = state_of(model)
    train(model, EPOCHS, [witness])
    witness.states[0], end = start, state_of(model)
    go_back(model, start)
    total = interrupting.run(lambda: train(model, EPOCHS), 10**9)
    assert total is not None
    rng, interrupted = Random(0), 0
    for at in [rng.randrange(total) for _ in range(MOMENTS)]:
        go_back(model, start)
        histories: list[History] = []
        interrupting.run(lambda h=histories: h.append(train(model, EPOCHS)), at)
        assert model.optimizer is not None
        assert state_of(model) == witness.states[model.optimizer.steps], f"at {at}"
        for history in histories:
            assert {len(x) for x in history.history.values()} <= {len(history.epoch)}
            assert history.updates == model.optimizer.steps
            interrupted += history.interrupted
        train(model, EPOCHS - model.epochs_trained)
        assert state_of(model) == end, f"at {at}"
        assert model.epochs_trained == EPOCHS
    assert interrupted >= MOMENTS // 2


def test_an_epoch_is_in_the_history_with_all_its_numbers() -> None:
    """Ctrl-C at each instruction of `History.add`: every column and the count, or none of them."""
    logs = {"loss": 0.5, "accuracy": 1.0, "val_loss": 0.25}
    total = interrupting.run(lambda: History().add(logs, 0), 10**9)
    assert total is not None
    lengths = []
    for at in range(total):
        history = History()
        interrupting.run(lambda h=history: h.add(logs, 0), at)
        assert {len(x) for x in history.history.values()} <= {len(history.epoch)}
        lengths.append(len(history.epoch))
        assert len(history.history) == 3 or not history.epoch
    assert set(lengths) == {0, 1}


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_a_step_is_whole_or_none(name: str) -> None:
    """Ctrl-C at each instruction of `step`: all parameters, their state and the count, or none."""
    parameters = [Value(float(k)) for k in range(3)]
    optimizer = OPTIMIZERS[name](parameters, clipnorm=1.0)
    for k, p in enumerate(parameters):
        p.grad = k - 0.5
    before = [p.data for p in parameters], optimizer.state_dict()
    total = interrupting.run(optimizer.step, 10**9)
    after = [p.data for p in parameters], optimizer.state_dict()
    assert total is not None
    assert before != after
    outcomes = []
    for at in range(0, total, max(1, total // 150)):
        for p, number in zip(parameters, before[0], strict=True):
            p.data = number
        optimizer.load_state_dict(before[1])
        assert interrupting.run(optimizer.step, at) is None
        found = [p.data for p in parameters], optimizer.state_dict()
        assert found in (before, after), f"at {at}"
        outcomes.append(found == after)
    # just before the end it is taken; before, not
    assert not outcomes[0]


def test_a_rule_that_fails_half_way_moves_nothing() -> None:
    """An error inside the rule of an optimiser of one's own leaves all parameters as they were."""

    class Halfway(SGD):
        def update(self, param: Any, grad: Any, state: Any, step: Any, lr: Any) -> Any:
            if param == 2.0:
                raise RuntimeError("half way")
            return super().update(param, grad, state, step, lr)

    parameters = [Value(1.0), Value(2.0)]
    optimizer = Halfway(parameters)
    for p in parameters:
        p.grad = 1.0
    with pytest.raises(RuntimeError, match="half way"):
        optimizer.step()
    assert ([p.data for p in parameters], optimizer.steps) == ([1.0, 2.0], 0)


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_ctrl_c_in_nn_train(compiled: bool) -> None:
    """`nn.train` too ends after a whole step, and its history counts them."""
    model = nn.MLP(3, [2, 1], seed=1)
    start = model.state_dict()
    inputs, targets = XS.tolist(), YS.tolist()
    states = [start]

    def run(epochs: int) -> History:
        return nn.train(
            model, inputs, targets, optimizer=SGD(model.parameters(), lr=0.1), epochs=epochs,
            progress=False, compiled=compiled,
        )  # fmt: skip

    for _ in range(2):
        run(1)
        states.append(model.state_dict())
    model.load_state_dict(start)
    total = interrupting.run(lambda: run(2), 10**9)
    assert total is not None
    rng = Random(1)
    for at in [rng.randrange(total // 2, total) for _ in range(MOMENTS // (1 + 4 * compiled))]:
        model.load_state_dict(start)
        histories: list[History] = []
        interrupting.run(lambda h=histories: h.append(run(2)), at)
        found = model.state_dict()
        assert found in states
        for history in histories:
            assert states[history.updates] == found
            assert len(history.losses) == len(history.gradient_norms)


def test_ctrl_c_in_the_perceptron_rule() -> None:
    """Weights and bias of a mistake move together."""
    xs, ys = [[1.0, 2.0], [-1.0, 0.5], [2.0, -1.0]], [1.0, 0.0, 1.0]
    states, at = set(), 0
    while True:
        neuron = Neuron(2, "step", seed=2, weights=[0.0, 0.0])
        ended = interrupting.run(
            lambda n=neuron: nn.perceptron_rule(n, xs, ys, epochs=2, progress=False), at
        )
        states.add((*[w.data for w in neuron.w], neuron.b.data))
        if ended is not None:
            break
        at += 31
    assert states == {(0.0, 0.0, 0.0), (1.0, 2.0, 1.0), (2.0, 1.5, 0.0)}


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_a_real_ctrl_c(compiled: bool) -> None:
    """The signal itself, at random moments of a long fit: the same promises."""
    model = network(Adam(lr=0.01), compiled)
    train(model, 1)
    for k in range(3):
        start, steps = state_of(model), model.optimizer.steps if model.optimizer else 0
        timer = threading.Timer(0.03 + 0.01 * k, signal.raise_signal, [signal.SIGINT])
        timer.start()
        history = train(model, 1_000_000)
        timer.join()
        assert history.interrupted
        assert model.optimizer is not None
        assert history.updates == model.optimizer.steps - steps > 0
        again = network(Adam(lr=0.01), compiled)
        whole = model.epochs_trained
        found = state_of(model)
        train(model, 1)  # the rest of the epoch that was begun
        go_back(again, state_of(network(Adam(lr=0.01), compiled)))
        train(again, whole + 1)
        assert state_of(again) == state_of(model)
        assert found != start


def test_a_loss_that_is_nan_keeps_the_last_good_parameters() -> None:
    """Both engines stop before the update whose loss or gradient is not finite; fit says so."""
    found = []
    for compiled in (False, True):
        model = Sequential([Dense(1, input_dim=3)], seed=2)
        model.compile(SGD(lr=1e200), "mse", compiled=compiled)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            history = model.fit(XS, YS, SIZE, 5, verbose=0, shuffle=False)
        assert history.stopped == "diverged"
        numbers = list(model.state_dict().values())
        assert np.isfinite(numbers).all()
        found.append((history.updates, np.array(numbers)))
    assert found[0][0] == found[1][0] == 1
    assert found[0][1] == pytest.approx(found[1][1], rel=1e-10)


def test_set_weights_that_fail_half_way_change_nothing() -> None:
    """The second layer's weights have the wrong shape: the first keeps its own as well."""
    model = network("sgd", compiled=False)
    before = model.state_dict()
    wrong = [np.zeros((3, 3)), np.zeros(3), np.zeros((2, 1)), np.zeros(1)]
    with pytest.raises(autograd.LengthError):
        model.set_weights(wrong)
    assert model.state_dict() == before


# --- going on elsewhere ---------------------------------------------------------------------------

GO_ON = """
import sys
import numpy as np
import nn
if sys.argv[3] == "eager":
    sys.modules["llvmlite"] = sys.modules["llvmlite.binding"] = None
from nn.callbacks import EarlyStopping
model = nn.load(sys.argv[1])
xs = np.random.default_rng(0).normal(size=(11, 3))
ys = (xs[:, 0] > 0.0).astype(float)
stop = EarlyStopping(monitor="loss", patience=100)
model.fit(xs, ys, 4, 3 - model.epochs_trained, verbose=0, callbacks=[stop])
model.save(sys.argv[2])
"""


@pytest.mark.parametrize("where", ["same", "eager"])
def test_a_checkpoint_goes_on_in_another_process(where: str, tmp_path: Path) -> None:
    """Interrupted in an epoch, saved, loaded with another hash seed on one core: the same bits.

    Without the compiler, the same numbers to 1e-10.
    """
    whole = network(Adam(lr=0.05), compiled=True)
    train(whole, EPOCHS, [EarlyStopping(monitor="loss", patience=100)])

    class Interrupt(Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if self.model.epochs_trained == 1 and batch == 1:
                raise KeyboardInterrupt

    part = network(Adam(lr=0.05), compiled=True)
    part.compiled = None
    assert train(part, EPOCHS, [Interrupt()]).interrupted
    assert part.begun is not None
    part.save(tmp_path / "part.safetensors")
    command = [sys.executable, "-c", GO_ON, "part.safetensors", "end.safetensors", where]
    if where == "same":
        command = (
            ["taskset", "-c", "0", *command] if os.path.exists("/usr/bin/taskset") else command
        )
    environment = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": os.getcwd()}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    end = nn.load(tmp_path / "end.safetensors")
    assert end.epochs_trained == EPOCHS
    if where == "same":
        assert state_of(end) == state_of(whole)
    else:
        assert list(end.state_dict().values()) == pytest.approx(
            list(whole.state_dict().values()), rel=1e-10
        )
