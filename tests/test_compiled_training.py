"""Training in machine code against the eager loop, and the optimisers' rules."""

import random
import signal
import threading
import time
import warnings

import numpy as np
import pytest

import autograd
from autograd import Packed, TraceError, Value, jit_rule, jit_training, where
from nn import MLP
from nn.errors import TargetError
from nn.losses import binary_cross_entropy, hinge, mse
from nn.module import Module
from nn.optim import SGD, Adam, adam, sgd
from nn.train import train

OPTIMIZERS = {
    "sgd": lambda p: SGD(p, 0.05),
    "momentum": lambda p: SGD(p, 0.02, momentum=0.9),
    "nesterov": lambda p: SGD(p, 0.02, momentum=0.9, nesterov=True, weight_decay=1e-3),
    "adam": lambda p: Adam(p, 0.01),
}


def points(rows, n_in=3, seed=0):
    rng = random.Random(seed)
    xs = [[rng.uniform(-1.0, 1.0) for _ in range(n_in)] for _ in range(rows)]
    return xs, [float(sum(x) > 0.0) for x in xs]


def logits_loss(predictions, targets):
    return binary_cross_entropy(predictions, targets, from_logits=True)


def both(optimizer, loss=mse, rows=20, network=None, **options):
    """The same training, eager and compiled: histories, parameters and optimisers."""
    xs, ys = points(rows)
    results = []
    for compiled in (False, True):
        model = network() if network else MLP(3, [5, 4, 1], seed=3)
        mover = optimizer(model.parameters())
        history = train(
            model, xs, ys, optimizer=mover, loss=loss, progress=False, compiled=compiled, **options
        )
        results.append((history, model.parameters(), mover))
    return results


def assert_alike(results, rel=1e-10):
    (eager, ps, mover), (compiled, qs, other) = results
    assert eager.engine == "eager"
    assert compiled.engine == "compiled"
    assert compiled.losses == pytest.approx(eager.losses, rel=rel)
    assert compiled.gradient_norms == pytest.approx(eager.gradient_norms, rel=rel)
    assert [q.data for q in qs] == pytest.approx([p.data for p in ps], rel=rel, abs=1e-13)
    assert [q.grad for q in qs] == pytest.approx([p.grad for p in ps], rel=1e-8, abs=1e-13)
    assert (compiled.updates, compiled.stopped) == (eager.updates, eager.stopped)
    assert other.steps == mover.steps
    assert np.array(other.state) == pytest.approx(np.array(mover.state), rel=1e-8, abs=1e-14)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("batch_size", [None, 1, 7])
def test_compiled_and_eager_training_agree(name, batch_size):
    """After 100 steps and more from one seed, all numbers agree to 1e-10."""
    epochs = {None: 100, 1: 5, 7: 34}[batch_size]
    assert_alike(both(OPTIMIZERS[name], batch_size=batch_size, epochs=epochs))


@pytest.mark.parametrize("loss", [mse, logits_loss, hinge])
@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "gelu", "leaky_relu"])
def test_losses_and_activations_agree(loss, activation):
    """Whatever the loss and the activation, compiled training does what eager training does."""

    def of_signs(predictions, targets):
        return loss(predictions, [2.0 * y - 1.0 for y in targets] if loss is hinge else targets)

    def network():
        return MLP(3, [4, 1], activation=activation, seed=1)

    assert_alike(both(OPTIMIZERS["adam"], of_signs, network=network, epochs=20, batch_size=8))


@pytest.mark.parametrize("fused", [True, False])
def test_layers_and_bare_sums_train_alike(fused):
    """A network whose every + and * is a node trains like one of fused neurons."""

    def network():
        return MLP(3, [4, 1], seed=2, fused=fused)

    assert_alike(both(OPTIMIZERS["sgd"], network=network, epochs=20))


def test_rows_beyond_one_block():
    """Batches larger than a block of rows, and not a multiple of it, are means over all rows."""
    assert_alike(both(OPTIMIZERS["adam"], rows=333, epochs=10, batch_size=150))


def test_several_outputs_and_targets():
    """A network with several outputs trains on rows of targets."""
    xs, _ = points(12)
    ys = [[x[0], x[1] * x[2]] for x in xs]
    losses = []
    for compiled in (False, True):
        model = MLP(3, [4, 2], seed=1)
        optimizer = Adam(model.parameters(), 0.02)
        history = train(
            model, xs, ys, optimizer=optimizer, epochs=30, progress=False, compiled=compiled
        )
        losses.append(history.losses)
    assert losses[1] == pytest.approx(losses[0], rel=1e-10)


def test_training_goes_on_where_it_stopped():
    """Two compiled trainings in a row are one long one: the optimiser's state is handed over."""
    xs, ys = points(16)
    results = []
    for parts in ([20], [12, 8]):
        model = MLP(3, [4, 1], seed=5)
        optimizer = Adam(model.parameters(), 0.02)
        for epochs in parts:
            train(model, xs, ys, optimizer=optimizer, epochs=epochs, progress=False, compiled=True)
        results.append([p.data for p in model.parameters()])
    assert results[0] == results[1]


def test_a_callback_sees_the_model_as_it_is():
    """After each epoch the model's numbers are those that training has reached."""
    xs, ys = points(10)
    model = MLP(3, [4, 1], seed=5)
    seen = []

    def callback(epoch, loss):
        seen.append(mse(model(xs), ys).data)

    optimizer = SGD(model.parameters(), 0.1)
    history = train(
        model,
        xs,
        ys,
        optimizer=optimizer,
        epochs=5,
        progress=False,
        compiled=True,
        callback=callback,
    )
    assert history.losses[1:] == pytest.approx(seen[:-1], rel=1e-12)


def test_the_rate_may_change_between_epochs():
    """A callback that lowers the rate has its way in compiled training too."""
    xs, ys = points(10)
    results = []
    for compiled in (False, True):
        model = MLP(3, [4, 1], seed=5)
        optimizer = SGD(model.parameters(), 0.1)

        def halve(epoch, loss, optimizer=optimizer):
            optimizer.lr *= 0.5

        train(
            model, xs, ys, optimizer=optimizer, epochs=6, progress=False, compiled=compiled,
            callback=halve,
        )  # fmt: skip
        results.append([p.data for p in model.parameters()])
    assert results[1] == pytest.approx(results[0], rel=1e-12)


def test_hyperparameters_may_change_between_epochs():
    """A callback that changes any setting of the optimiser has its way in compiled training."""
    xs, ys = points(10)
    results = []
    for compiled in (False, True):
        model = MLP(3, [4, 1], seed=5)
        optimizer = SGD(model.parameters(), 0.05, momentum=0.9)

        def brake(epoch, loss, optimizer=optimizer):
            optimizer.momentum = 0.9 if epoch < 3 else 0.1

        train(
            model, xs, ys, optimizer=optimizer, epochs=8, progress=False, compiled=compiled,
            callback=brake,
        )  # fmt: skip
        results.append([p.data for p in model.parameters()])
    assert results[1] == pytest.approx(results[0], rel=1e-12)


def test_divergence_leaves_the_last_finite_numbers():
    """Training that explodes stops before the update that is not finite, and warns."""
    results = []
    for compiled in (False, True):
        w = Value(1.0)

        class Square(Module):
            def __init__(self, w=w):
                self.w = w

            def forward(self, rows):
                return [self.w * row[0] for row in rows]

        model = Square()
        optimizer = SGD(model.parameters(), 1e3)
        with pytest.warns(RuntimeWarning, match="no longer a finite number"):
            history = train(
                model, [[1e3]], [0.0], optimizer=optimizer, epochs=200, progress=False,
                compiled=compiled,
            )  # fmt: skip
        assert history.stopped == "diverged"
        results.append((w.data, history.updates))
    assert results[0] == pytest.approx(results[1])


def interrupt_after(seconds):
    """Ctrl-C when so much has been computed, however busy the machine is."""
    start = time.process_time()
    while time.process_time() - start < seconds:
        time.sleep(0.01)
    signal.raise_signal(signal.SIGINT)


def test_an_interrupt_is_answered_within_an_epoch_and_keeps_what_was_learned(monkeypatch):
    """Ctrl-C in one long epoch ends training soon, with the numbers of a moment ago."""
    from autograd.compiler.training import TrainingLoop

    epoch = TrainingLoop.epoch

    def interrupted_epoch(*args):
        # raised in the timer's thread, answered in this one
        timer = threading.Thread(target=interrupt_after, args=(0.8,))
        timer.start()
        try:
            return epoch(*args)
        finally:
            timer.join()

    monkeypatch.setattr(TrainingLoop, "epoch", interrupted_epoch)
    xs, ys = points(1000)
    xs, ys = xs * 2000, ys * 2000  # some seconds of training
    model = MLP(3, [16, 16, 1], seed=0)
    before = [p.data for p in model.parameters()]
    optimizer = SGD(model.parameters(), 0.01)
    history = train(
        model, xs, ys, optimizer=optimizer, epochs=1, batch_size=4, progress=False, compiled=True
    )
    assert history.stopped == "interrupted"
    assert history.losses == []
    assert [p.data for p in model.parameters()] != before
    assert 1 < optimizer.steps < len(xs) // 4


# --- what cannot be compiled ----------------------------------------------------------------------


class Branching(Module):
    """A model that looks at its numbers."""

    def __init__(self):
        self.w = Value(0.5)

    def forward(self, rows):
        return [self.w * row[0] if row[0] > 0.0 else self.w for row in rows]


def test_a_model_that_branches_is_trained_eagerly_and_says_so():
    """By default what cannot be compiled is trained by the eager engine, with the reason noted."""
    xs, ys = points(6)
    model = Branching()
    optimizer = SGD(model.parameters(), 0.1)
    history = train(model, xs, ys, optimizer=optimizer, epochs=2, progress=False)
    assert history.engine.startswith("eager: TraceError")
    with pytest.raises(TraceError, match="where"):
        train(model, xs, ys, optimizer=optimizer, epochs=2, progress=False, compiled=True)


def test_a_loss_that_is_no_mean_is_not_compiled():
    """A loss that is not the mean over its rows is told by its number, and trained eagerly."""
    xs, ys = points(6)
    model = MLP(3, [1])
    optimizer = SGD(model.parameters(), 0.01)

    def sum_of_squares(predictions, targets):
        return autograd.total([(p - y) ** 2 for p, y in zip(predictions, targets, strict=True)])

    history = train(
        model, xs, ys, optimizer=optimizer, loss=sum_of_squares, epochs=1, progress=False
    )
    assert "not the mean over its rows" in history.engine


def test_bad_targets_are_refused_before_training():
    """Targets a loss does not take raise its error, compiled or not, and nothing has moved."""
    xs, ys = points(40)
    ys[-1] = 3.0
    model = MLP(3, [1], output_activation="sigmoid")
    before = [p.data for p in model.parameters()]
    with pytest.raises(TargetError, match=r"3\.0"):
        train(
            model, xs, ys, optimizer=SGD(model.parameters(), 0.1), loss=binary_cross_entropy,
            progress=False, batch_size=1, shuffle=False,
        )  # fmt: skip
    assert [p.data for p in model.parameters()] == before


def test_without_llvmlite_training_is_eager(monkeypatch):
    """Where there is no compiler, nn trains with the eager engine and says what is missing."""
    from autograd.compiler import llvm

    def missing():
        raise autograd.MissingExtraError("pip install glassgrad[compile]")

    monkeypatch.setattr(llvm, "binding", missing)
    xs, ys = points(6)
    model = MLP(3, [2, 1])
    optimizer = SGD(model.parameters(), 0.1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the one notice, which may have been given already
        history = train(model, xs, ys, optimizer=optimizer, epochs=2, progress=False)
    assert "glassgrad[compile]" in history.engine


# --- the rules, and training without nn -----------------------------------------------------------


def adam_rule(param, grad, m, v, step, lr):
    return adam(param, grad, m, v, step, lr=lr, betas=(0.9, 0.999), eps=1e-8)


def nesterov_rule(param, grad, velocity, step, lr):
    return sgd(param, grad, velocity, lr=lr, momentum=0.9, nesterov=True, weight_decay=0.1)


@pytest.mark.parametrize(("rule", "states"), [(adam_rule, 2), (nesterov_rule, 1)])
@pytest.mark.parametrize("n", [1, 3, 8, 100, 1001])
def test_a_compiled_rule_has_the_bits_of_the_formula(rule, states, n):
    """With exact=True each parameter moves as the plain function of floats says, to the bit."""
    rng = np.random.default_rng(n)
    arrays = [rng.normal(size=n) for _ in range(2 + states)]
    arrays[-1] = np.abs(arrays[-1])
    expected = [rule(*xs, 3.0, 0.1) for xs in zip(*[a.tolist() for a in arrays], strict=True)]
    loose = [a.copy() for a in arrays]
    jit_rule(rule, states=states, exact=True)(*arrays, step=3, lr=0.1)
    jit_rule(rule, states=states)(*loose, step=3, lr=0.1)
    parameters, _, *state = arrays
    for got, want in zip((parameters, *state), zip(*expected, strict=True), strict=True):
        assert got.tolist() == list(want)
    assert loose[0] == pytest.approx(parameters, rel=1e-13)


def test_a_rule_moves_packed_structures_and_refuses_others():
    """Packed parameters are moved in place; what is not flat or not of the dtype is refused."""
    update = jit_rule(lambda p, g, step, lr: (p - lr * g,))
    parameters, gradient = Packed.of({"w": [1.0, 2.0]}), Packed.of({"w": [10.0, 20.0]})
    update(parameters, gradient, step=1, lr=0.1)
    assert parameters["w"] == [0.0, 0.0]
    with pytest.raises(TypeError, match="pack nested structures"):
        update([1.0], [2.0], step=1, lr=0.1)
    with pytest.raises(TypeError, match="float64"):
        update(np.zeros(2, np.float32), np.zeros(2, np.float32), step=1, lr=0.1)
    with pytest.raises(ValueError, match="0 arrays of state"):
        update(parameters, gradient, np.zeros(2), step=1, lr=0.1)


def test_training_without_nn():
    """A loss over Values and a rule are enough: a line is fitted to points, in float32 as well."""
    rng = np.random.default_rng(0)
    xs = rng.uniform(-1.0, 1.0, 200)
    ys = 3.0 * xs - 0.5
    for dtype in ("float64", "float32"):
        slope, offset = Value(0.0), Value(0.0)
        loop = jit_training(
            lambda x, y, a=slope, b=offset: (a * x + b - y) ** 2,
            lambda p, g, step, lr: (p - lr * g,),
            [slope, offset],
            xs,
            ys,
            dtype=dtype,
        )
        for _ in range(100):
            epoch = loop.epoch(range(200), 20, loop.steps, 0.1)
        assert not epoch.diverged
        assert slope.data == 0.0
        loop.write_back()
        assert (slope.data, offset.data) == pytest.approx((3.0, -0.5), abs=1e-5)


def test_a_loss_may_choose():
    """where in a loss is differentiated along the branch each row takes."""
    w = Value(2.0)
    xs, ys = np.array([-1.0, 1.0]), np.array([0.0, 0.0])
    loop = jit_training(
        lambda x, y: where(x > 0.0, w * x, w * w), lambda p, g, step, lr: (p - lr * g,), [w], xs, ys
    )
    epoch = loop.epoch([0, 1], 2, 0, 0.0)
    assert epoch.losses.tolist() == [3.0]
    assert epoch.gradient.tolist() == [2.5]


def test_measures_are_reported_beside_the_loss():
    """What a loss gives beside itself is the mean over each batch, before its update."""
    w = Value(2.0)
    xs, ys = np.array([-1.0, 1.0, 4.0]), np.zeros(3)
    loop = jit_training(
        lambda x, y: ((w * x - y) ** 2, x, w * 1.0), lambda p, g, step, lr: (p - lr,), [w], xs, ys
    )
    told = []
    epoch = loop.epoch([0, 1, 2], 2, 0, [0.5, 0.25], told.append)
    assert epoch.losses.tolist() == [4.0, 36.0]
    assert epoch.measures.tolist() == [[0.0, 2.0], [4.0, 1.5]]
    assert loop.numbers.tolist() == [1.25]
    assert told == [2]


def test_gradients_are_transformed_and_parameters_projected():
    """The rule sees the transformed gradient, and the next batch the projected parameters."""
    a, b = Value(1.0), Value(-1.0)
    xs = np.array([[1.0, 3.0], [2.0, -1.0]])
    loop = jit_training(
        lambda x: a * x[0] + b * x[1],
        lambda p, g, step, lr: (p - lr * g,),
        [a, b],
        xs,
        transform_gradient=lambda g: [g[1], 10.0 * g[0]],  # each needs the other
        project=lambda p: [p[1], where(p[0] > 0.0, p[0], 0.0)],
    )
    epoch = loop.epoch([0, 1], 1, 0, 1.0)
    assert epoch.losses.tolist() == [-2.0, -22.0]
    # [1, -1] - [3, 10] = [-2, -11] -> [-11, 0]; [-11, 0] - [-1, 20] = [-10, -20] -> [-20, 0]
    assert loop.numbers.tolist() == [-20.0, 0.0]
    assert epoch.gradient.tolist() == [1.5, 1.0]  # as it was measured


def test_training_goes_on_with_other_rows():
    """Other data of the same structure may take their place; of another it is refused."""
    w = Value(0.0)
    loop = jit_training(
        lambda x, y: (w * x[0] - y) ** 2,
        lambda p, g, step, lr: (p - lr * g,),
        [w],
        np.ones((2, 1)),
        np.ones(2),
    )
    assert loop.epoch([0, 1], 2, 0, 0.25).losses.tolist() == [1.0]
    loop.use(np.full((5, 1), 2.0), np.full(5, 3.0))
    assert loop.epoch(range(5), 5, 1, 0.0).losses.tolist() == [4.0]
    with pytest.raises(IndexError):
        loop.epoch([5], 1, 1, 0.0)
    with pytest.raises(TypeError, match="structure"):
        loop.use(np.ones((2, 2)), np.ones(2))
    with pytest.raises(ValueError, match="rows"):
        loop.use(np.ones((2, 1)), np.ones(3))
