"""The training loop, the perceptron rule, the gates and the plots."""

import math
import os
import signal
import subprocess
import sys

import pytest

from autograd import LengthError, MissingExtraError, Value
from nn import (
    MLP,
    SGD,
    Adam,
    HyperparameterError,
    Neuron,
    UnknownNameError,
    binary_cross_entropy,
    gate,
    mse,
    perceptron_rule,
    train,
)
from nn.data import GATES, NOT_LINEARLY_SEPARABLE
from nn.plots import decision_boundary, loss_curve

LINE = [[float(x)] for x in range(-3, 4)]
TARGETS = [2.0 * x - 1.0 for (x,) in LINE]


def from_logits(predictions, targets):
    return binary_cross_entropy(predictions, targets, from_logits=True)


def fit(model, xs, ys, lr=0.05, **options):
    if "optimizer" not in options:
        options["optimizer"] = SGD(model.parameters(), lr)
    return train(model, xs, ys, **{"progress": False, "compiled": False, **options})


# --- counting -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "batch_size", "epochs", "updates"),
    [
        (10, None, 5, 5),
        (10, 1, 5, 50),
        (10, 4, 5, 15),
        (10, 5, 5, 10),
        (10, 10, 5, 5),
        (10, 99, 5, 5),
        (10, 3, 0, 0),
        (1, 1, 2, 2),
        (100, 32, 3, 12),
    ],
)
def test_the_number_of_updates(rows, batch_size, epochs, updates):
    """epochs * ceil(rows / batch_size), the last batch of an epoch short."""
    model, sizes = Neuron(1, "linear"), []

    def loss(predictions, targets):
        sizes.append(len(targets))
        return mse(predictions, targets)

    xs, ys = [[0.1 * i] for i in range(rows)], [0.0] * rows
    history = fit(model, xs, ys, batch_size=batch_size, epochs=epochs, loss=loss, lr=1e-3)
    assert history.updates == len(sizes) == updates
    assert sum(sizes) == rows * epochs
    assert len(history.losses) == len(history.gradient_norms) == epochs
    assert history.stopped == "epochs"
    full, last = divmod(rows, min(batch_size or rows, rows))
    assert sizes[: updates // max(epochs, 1)] == (
        [min(batch_size or rows, rows)] * full + [last] * (last > 0) if epochs else []
    )


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("batch_size", [None, 1, 3])
def test_every_row_comes_once_an_epoch(shuffle, batch_size):
    """Each epoch sees each row once with its own target; only shuffled batches change the order."""
    seen = []

    def model(rows):
        seen.extend(row[0] for row in rows)
        return [w * row[0] for row in rows]

    def loss(predictions, targets):
        assert [p.parents[1].data for p in predictions] == [-t for t in targets]
        return mse(predictions, targets)

    w = Value(0.5)
    xs, ys = [[float(i)] for i in range(8)], [-float(i) for i in range(8)]
    fit(model, xs, ys, optimizer=SGD([w], 1e-4), epochs=3, batch_size=batch_size,
        shuffle=shuffle, loss=loss)  # fmt: skip
    orders = [seen[i : i + 8] for i in (0, 8, 16)]
    assert all(sorted(order) == list(range(8)) for order in orders)
    mixed = shuffle and batch_size is not None
    assert (orders[0] != list(range(8))) == mixed
    assert (orders[0] != orders[1]) == mixed


# --- what it does ---------------------------------------------------------------------------------


def test_one_full_batch_epoch_is_one_gradient_step():
    """The loss and the gradient's norm are those before the update; the update is -lr * grad."""
    model, twin = Neuron(1, "linear", seed=3), Neuron(1, "linear", seed=3)
    history = fit(model, LINE, TARGETS, lr=0.1, epochs=1)
    loss = mse(twin(LINE), TARGETS)
    loss.backward()
    assert history.losses == [loss.data]
    assert history.gradient_norms == [
        pytest.approx(math.hypot(*[p.grad for p in twin.parameters()]))
    ]
    for p, q in zip(model.parameters(), twin.parameters(), strict=True):
        assert p.data == q.data - 0.1 * q.grad


def test_short_batches_count_by_their_rows():
    """With a learning rate of 0 the mini-batch loss and gradient norm are the full batch's."""
    histories = [
        fit(Neuron(1, "linear"), LINE, TARGETS, lr=0.0, epochs=2, batch_size=size)
        for size in (None, 1, 2, 5)
    ]
    for history in histories[1:]:
        assert history.losses == pytest.approx(histories[0].losses, rel=1e-12)
        assert history.gradient_norms == pytest.approx(histories[0].gradient_norms, rel=1e-12)


def test_a_line_is_found():
    """Least squares on exact data: full batch, mini-batch and stochastic all find 2x - 1."""
    for size in (None, 3, 1):
        model = Neuron(1, "linear")
        fit(model, LINE, TARGETS, epochs=400, batch_size=size)
        assert [p.data for p in model.parameters()] == pytest.approx([2.0, -1.0], abs=1e-6)


@pytest.mark.parametrize("batch_size", [None, 2])
def test_same_seed_same_bits(batch_size):
    """Two runs from one seed end in the same bits; another order of the batches does not."""
    xs, ys = gate("xor")

    def run(seed):
        model = MLP(2, [4, 1], seed=1)
        history = fit(model, xs, ys, loss=from_logits, optimizer=Adam(model.parameters(), 0.1),
                      epochs=30, batch_size=batch_size, seed=seed)  # fmt: skip
        return model.state_dict(), history

    assert run(5) == run(5)
    assert (run(5) == run(6)) == (batch_size is None)


def test_numpy_data():
    """Arrays train like the lists of the same numbers."""
    np = pytest.importorskip("numpy")
    one, other = Neuron(1, "linear"), Neuron(1, "linear")
    fit(one, LINE, TARGETS, epochs=3, batch_size=2)
    fit(other, np.array(LINE), np.array(TARGETS), epochs=3, batch_size=2)
    assert one.state_dict() == other.state_dict()


def test_callback():
    """The callback hears of each epoch, from 1, and its loss."""
    heard = []
    history = fit(
        Neuron(1, "linear"), LINE, TARGETS, epochs=4, callback=lambda *args: heard.append(args)
    )
    assert heard == list(enumerate(history.losses, 1))


def test_the_progress_bar_shows_the_loss(capsys):
    """progress=True writes a bar with the loss to stderr; progress=False writes nothing at all."""
    history = fit(Neuron(1, "linear"), LINE, TARGETS, epochs=4, progress=True)
    assert f"loss {history.losses[-1]:.4g}" in capsys.readouterr().err
    fit(Neuron(1, "linear"), LINE, TARGETS, epochs=4)
    assert capsys.readouterr() == ("", "")


# --- stopping -------------------------------------------------------------------------------------


def test_stop_at_a_loss():
    """Training ends with the first epoch whose loss is at most stop_loss."""
    history = fit(Neuron(1, "linear"), LINE, TARGETS, epochs=1000, stop_loss=0.01)
    assert history.stopped == "loss"
    assert history.losses[-1] <= 0.01 < history.losses[-2]
    assert "loss" in str(history)


def test_repeat_until_the_slope_is_zero():
    """stop_grad_norm ends training where the gradient has vanished: at the minimum."""
    model = Neuron(1, "linear")
    history = fit(model, LINE, [1.0, 0.0, 2.0, 0.0, 1.0, 3.0, 0.0], epochs=10_000,
                  stop_grad_norm=1e-10)  # fmt: skip
    assert history.stopped == "gradient"
    assert history.gradient_norms[-1] <= 1e-10 < history.gradient_norms[-2]
    # the least-squares line of these points, by the normal equations
    assert [p.data for p in model.parameters()] == pytest.approx([2.0 / 28.0, 1.0], abs=1e-9)


@pytest.mark.parametrize("batch_size", [None, 2])
def test_divergence_stops_with_the_last_finite_parameters(batch_size):
    """A learning rate far too large ends in a warning, not in nan parameters."""
    model = Neuron(1, "linear")
    with pytest.warns(RuntimeWarning, match="no longer a finite number; a smaller learning rate"):
        history = fit(model, LINE, TARGETS, lr=1e6, epochs=10_000, batch_size=batch_size)
    assert history.stopped == "diverged"
    assert len(history.losses) < 100
    assert all(math.isfinite(x) for x in history.losses)


def test_nan_data_stops_before_the_first_update():
    """A nan in the inputs leaves the parameters as they were."""
    model = Neuron(1, "linear")
    before = model.state_dict()
    with pytest.warns(RuntimeWarning, match="finite"):
        history = fit(model, [[1.0], [math.nan]], [1.0, 2.0])
    assert (history.stopped, history.updates, history.losses) == ("diverged", 0, [])
    assert model.state_dict() == before


def test_a_finite_loss_with_an_infinite_gradient_stops():
    """sqrt at 0 has value 0 and slope inf: the update is not made."""
    w = Value(0.0)
    with pytest.warns(RuntimeWarning, match="gradient"):
        history = train(lambda rows: [w.sqrt() for _ in rows], [[1.0]], [1.0],
                        optimizer=SGD([w], 0.1), progress=False)  # fmt: skip
    assert history.stopped == "diverged"
    assert w.data == 0.0


@pytest.mark.parametrize("progress", [True, False])
def test_an_interrupt_keeps_what_was_learned(progress):
    """A real SIGINT in the tenth epoch: nine or ten epochs' learning stays, and History says so."""
    model, twin = Neuron(1, "linear"), Neuron(1, "linear")

    def callback(epoch, loss):
        if epoch == 10:
            os.kill(os.getpid(), signal.SIGINT)

    history = fit(model, LINE, TARGETS, epochs=1000, callback=callback, progress=progress)
    assert history.interrupted
    assert history.stopped == "interrupted"
    assert len(history.losses) == 10
    fit(twin, LINE, TARGETS, epochs=10)
    assert model.state_dict() == twin.state_dict()
    assert "interrupted after 10 epochs; what was learned is kept" in str(history)


def test_bad_data_and_counts():
    """Lengths that differ, no rows, and counts that are no counts: errors that say what came."""
    model = Neuron(1, "linear")
    with pytest.raises(LengthError, match="2 rows and 1 targets"):
        fit(model, [[1.0], [2.0]], [1.0])
    with pytest.raises(LengthError, match="0 rows"):
        fit(model, [], [])
    for size in (0, -1, 2.5, "4", True):
        with pytest.raises(HyperparameterError, match="batch_size to be a whole number from 1"):
            fit(model, LINE, TARGETS, batch_size=size)
    for epochs in (-1, 2.5, None):
        with pytest.raises(HyperparameterError, match="epochs to be a whole number from 0"):
            fit(model, LINE, TARGETS, epochs=epochs)


# --- gates and the perceptron ---------------------------------------------------------------------


def test_the_gates():
    """Each truth table, against Python's own operators."""
    meaning = {
        "and": lambda a, b: a & b,
        "or": lambda a, b: a | b,
        "nand": lambda a, b: 1 - (a & b),
        "nor": lambda a, b: 1 - (a | b),
        "xor": lambda a, b: a ^ b,
        "xnor": lambda a, b: 1 - (a ^ b),
    }
    assert meaning.keys() == GATES.keys()
    for name, f in meaning.items():
        xs, ys = gate(name)
        assert [(x, y) for x in (0, 1) for y in (0, 1)] == [tuple(map(int, row)) for row in xs]
        assert ys == [f(int(a), int(b)) for a, b in xs]
        xs[0][0] = 9.0
        assert gate(name)[0][0] == [0.0, 0.0]
    with pytest.raises(UnknownNameError, match=r"unknown gate 'imply'; expected one of: and, or"):
        gate("imply")


@pytest.mark.parametrize("name", GATES)
def test_the_perceptron_rule(name):
    """Rosenblatt's rule learns every gate one line can part, from any start, and no other."""
    xs, ys = gate(name)
    for seed in range(20):
        neuron = Neuron(2, "step", seed=seed)
        history = perceptron_rule(neuron, xs, ys, epochs=200, progress=False)
        right = [v.data for v in neuron(xs)] == ys
        if name in NOT_LINEARLY_SEPARABLE:
            assert not right
            assert (history.stopped, len(history.losses)) == ("epochs", 200)
        else:
            assert right
            assert history.stopped == "loss"
            assert history.losses[-1] == 0.0


def test_one_perceptron_update_by_hand():
    """A 0 where 1 was wanted adds lr * x to the weights and lr to the bias."""
    neuron = Neuron(2, "step", init="zeros")
    history = perceptron_rule(neuron, [[2.0, 3.0]], [1.0], lr=0.5, epochs=1, progress=False)
    assert [p.data for p in neuron.parameters()] == [1.0, 1.5, 0.5]
    assert (history.updates, history.losses) == (1, [1.0])


@pytest.mark.parametrize("name", ["xor", "xnor"])
def test_a_line_cannot_learn_xor(name):
    """The best a single sigmoid can do on XOR is to say 0.5: the loss ends at ln 2."""
    xs, ys = gate(name)
    history = fit(Neuron(2, "linear", seed=3), xs, ys, loss=from_logits, lr=1.0, epochs=2000,
                  stop_grad_norm=1e-9)  # fmt: skip
    assert history.stopped == "gradient"
    assert history.losses[-1] == pytest.approx(math.log(2), rel=1e-9)


# --- plots ----------------------------------------------------------------------------------------


def test_loss_curve():
    """The curve's points are the losses; the axis is logarithmic where they fall far enough."""
    for losses, scale in (
        ([1.0, 0.5, 0.01], "log"),
        ([1.0, 0.5], "linear"),
        ([1.0, 0.0], "linear"),
    ):
        axes = loss_curve(losses, title="t").axes[0]
        assert list(axes.lines[0].get_ydata()) == losses
        assert list(axes.lines[0].get_xdata()) == list(range(1, len(losses) + 1))
        assert (axes.get_yscale(), axes.get_title()) == (scale, "t")
    loss_curve([]).savefig(os.devnull, format="png")


def test_decision_boundary_draws_the_line_and_the_points():
    """The 0.5 line lies where the prediction is 0.5; the points stand in two shapes."""
    xs, ys = gate("and")
    figure = decision_boundary(
        lambda rows: [1 / (1 + math.exp(6 - 4 * (a + b))) for a, b in rows], xs, ys
    )
    axes = figure.axes[0]
    points = {(line.get_marker(), len(line.get_xdata())) for line in axes.lines}
    assert points == {("o", 3), ("s", 1)}
    segments = axes.collections[0].get_paths()
    vertices = [v for path in segments for v in path.vertices]
    assert len(vertices) > 10
    assert all(a + b == pytest.approx(1.5, abs=1e-3) for a, b in vertices)
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["target 0", "target 1", "prediction 0.5", "predicted 1"]


def test_decision_boundary_without_a_boundary():
    """A prediction that is the same everywhere is drawn without a line, and without a warning."""
    xs, ys = gate("xor")
    for p in (0.0, 0.5, 1.0):
        figure = decision_boundary(lambda rows, p=p: [p] * len(rows), xs, ys, note="a sentence")
        figure.savefig(os.devnull, format="png")
        labels = [text.get_text() for text in figure.legends[0].get_texts()]
        assert ("predicted 1" in labels) == (p == 1.0)
        assert "prediction 0.5" not in labels


def test_plots_leave_pyplot_alone():
    """No picture imports pyplot: no global figures, no screen."""
    code = (
        "import sys, nn.plots; nn.plots.loss_curve([1.0]).savefig(sys.argv[1], format='png');"
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, os.devnull], check=False).returncode == 0


@pytest.mark.parametrize(
    ("package", "use"),
    [
        ("tqdm", lambda: fit(Neuron(1, "linear"), LINE, TARGETS, progress=True)),
        ("matplotlib.figure", lambda: loss_curve([1.0])),
    ],
)
def test_a_missing_package_is_named(monkeypatch, package, use):
    """Without tqdm or matplotlib the error says what to install."""
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=f"pip install {package.split('.')[0]}"):
        use()
