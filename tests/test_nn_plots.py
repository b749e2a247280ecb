"""Pictures: what they show, that nothing is cut off or told by colour alone, what they refuse."""

import io
import math
from random import Random

import numpy as np
import pytest

import nn
from autograd import LengthError, Value
from nn.plots import (
    answers,
    confusion_matrix_plot,
    decision_regions,
    gradient_flow,
    hidden_neurons,
    histograms,
    history_curves,
    images,
    network,
)

RNG = Random(0)
HISTORY = {
    "loss": [1.0, 0.5, 0.3, 0.2],
    "accuracy": [0.5, 0.7, 0.8, 0.9],
    "val_loss": [1.1, 0.7, 0.6, 0.8],
    "val_accuracy": [0.4, 0.6, 0.7, 0.7],
    "learning_rate": [0.1, 0.1, 0.01, 0.01],
}
PICTURES = [[[RNG.random() for _ in range(8)] for _ in range(8)] for _ in range(5)]
POINTS = [[RNG.uniform(-1, 1), RNG.uniform(-1, 1)] for _ in range(30)]
GRADIENTS = {"hidden 1": [1e-7, -3e-7], "hidden 2": [0.01, 0.02], "output": [0.5]}
NAMES = ["setosa", "versicolor", "virginica"]


def weights(n_in, n_out):
    return [[RNG.gauss(0.0, 1.0) for _ in range(n_out)] for _ in range(n_in)]


def thirds(rows):
    """Three classes by the angle, as scores."""
    return [[a, -a / 2 + b * 0.87, -a / 2 - b * 0.87] for a, b in rows]


def nearest(a, b):
    return max(range(3), key=thirds([[a, b]])[0].__getitem__)


BIG = [weights(64, 40), weights(40, 10)]
FIGURES = {
    "history": lambda: history_curves(HISTORY, title="a network"),
    "one epoch, diverged": lambda: history_curves({"loss": [math.inf], "val_loss": [math.nan]}),
    "regions": lambda: decision_regions(
        thirds, POINTS, [nearest(*p) for p in POINTS], names=["one", "two", "the third"]
    ),
    "confusion": lambda: confusion_matrix_plot([[48, 2, 0], [1, 40, 9], [0, 0, 50]], NAMES),
    "confusion of ten": lambda: confusion_matrix_plot(np.diag(range(0, 50000, 5000))),
    "histograms": lambda: histograms({f"layer {i}": weights(9, 9) for i in range(5)}, title="w"),
    "nothing finite": lambda: histograms({"broken": [math.nan, math.inf], "dead": [0.0]}),
    "images": lambda: images(PICTURES, [f"a {i}\nand more" for i in range(5)], right=[True] * 5),
    "colour": lambda: images([[[[0.1, 0.5, 0.9]] * 4] * 4]),
    "answers": lambda: answers(
        PICTURES, [[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]] * 2 + [[1, 0, 0]], [0, 0, 2, 1, 0], names=NAMES
    ),
    "hidden": lambda: hidden_neurons(weights(10, 64), (8, 8)),
    "no weight": lambda: hidden_neurons([[0.0] * 4], (2, 2), titles=["nothing"]),
    "flow": lambda: gradient_flow(GRADIENTS),
    "flow of many": lambda: gradient_flow({f"a long name {i}": [0.1**i] for i in range(12)}),
    "no flow": lambda: gradient_flow({"dead": [0.0], "blown up": [math.inf]}),
    "network": lambda: network(
        BIG,
        output_labels=[f"class {i}" for i in range(10)],
        activations=[weights(1, 64)[0], None, weights(1, 10)[0]],
        gradients=[None, weights(1, 40)[0], weights(1, 10)[0]],
        title="folded",
    ),
    "network of iris": lambda: network(
        [weights(4, 3)], input_labels=["sepal length (cm)"] * 4, output_labels=NAMES
    ),
    "sizes": lambda: network([2, 3, 1]),
}


def texts(figure):
    """What is written in the picture, but for the numbers at the axes."""
    from matplotlib.text import Text

    ticks = {
        label
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for label in axis.get_ticklabels(which="both")
    }
    found = [t for t in figure.findobj(Text) if t not in ticks and t.get_visible()]
    return [t for t in found if t.get_text()]


def words(figure):
    return [t.get_text() for t in texts(figure)]


@pytest.mark.parametrize("name", FIGURES)
def test_nothing_is_cut_off(name):
    """Each picture is drawn without a warning, and all its words lie inside it."""
    figure = FIGURES[name]()
    figure.savefig(io.BytesIO(), format="png")
    page = figure.bbox
    assert page.width < 4000
    assert page.height < 4000
    for text in texts(figure):
        box = text.get_window_extent()
        inside = page.x0 - 1 <= box.x0 and box.x1 <= page.x1 + 1
        assert inside, text
        assert page.y0 - 1 <= box.y0, text
        assert box.y1 <= page.y1 + 1, text


def test_history_pairs_training_with_held_out_rows():
    """Each quantity has one panel; the held-out rows' line is dashed and has other markers."""
    figure = history_curves(HISTORY)
    assert [axes.get_title() for axes in figure.axes] == ["loss", "accuracy", "learning rate"]
    loss, _, rate = figure.axes
    training, held_out, best = loss.lines
    assert list(training.get_ydata()) == HISTORY["loss"]
    assert list(held_out.get_ydata()) == HISTORY["val_loss"]
    assert training.get_linestyle() != held_out.get_linestyle()
    assert training.get_marker() != held_out.get_marker()
    assert best.get_xdata()[0] == 3  # the lowest held-out loss, counted from 1
    assert rate.get_yscale() == "linear"  # from 0.1 to 0.01 is not more than a factor of ten
    assert len(rate.lines) == 1


def test_history_of_a_training():
    """What has the numbers as `.history` is drawn as well; nothing to draw is an error."""

    class Run:
        history = {"loss": [3.0, 1.0]}  # noqa: RUF012

    assert list(history_curves(Run()).axes[0].lines[0].get_ydata()) == [3.0, 1.0]
    with pytest.raises(LengthError, match="something to draw"):
        history_curves({"loss": []})


@pytest.mark.parametrize("losses", [[1.0], [1.0, math.nan], [math.nan] * 3])
def test_epochs_are_whole_numbers(losses):
    """The axis of a short or a diverged training has no epoch 0.5, and shows every epoch."""
    axes = history_curves({"loss": losses}).axes[0]
    ticks = axes.get_xticks()
    assert all(tick == round(tick) for tick in ticks)
    assert {*range(1, len(losses) + 1)} <= set(ticks)


def test_regions_are_named():
    """Each region bears its name inside itself, and each class has a marker of its own."""
    names = ["one", "two", "three"]
    for ys in (
        [nearest(*p) for p in POINTS],
        np.eye(3)[[nearest(*p) for p in POINTS]],
    ):
        axes = decision_regions(thirds, POINTS, ys, names=names).axes[0]
        placed = {t.get_text(): t.get_position() for t in axes.texts}
        assert {name: nearest(*place) for name, place in placed.items()} == {
            "one": 0,
            "two": 1,
            "three": 2,
        }
        assert len({line.get_marker() for line in axes.lines}) == 3
        assert sum(len(line.get_xdata()) for line in axes.lines) == len(POINTS)


def test_regions_of_a_model_of_nodes():
    """A model that gives nodes is drawn as well; a class answered nowhere has no region."""
    figure = decision_regions(
        lambda rows: [[Value(1.0), Value(0.0)] for _ in rows], POINTS, [0] * len(POINTS), steps=11
    )
    assert [t.get_text() for t in figure.axes[0].texts] == ["0"]
    with pytest.raises(LengthError, match="decision_boundary"):
        decision_regions(lambda rows: [[0.5]] * len(rows), POINTS, [0] * len(POINTS))


def test_confusion_matrix_says_every_number():
    """Each cell has its number, the axes their names, and the share right is written below."""
    figure = confusion_matrix_plot([[48, 2, 0], [1, 40, 9], [0, 0, 50]], NAMES)
    axes = figure.axes[0]
    assert [t.get_text() for t in axes.texts] == ["48", "2", "0", "1", "40", "9", "0", "0", "50"]
    assert [t.get_text() for t in axes.get_yticklabels()] == NAMES
    assert axes.get_xlabel() == "answer\n138 of 150 right (92 %)"
    with pytest.raises(LengthError, match="square"):
        confusion_matrix_plot([[1, 2]])
    with pytest.raises(LengthError, match="name for each of 2"):
        confusion_matrix_plot([[1, 2], [3, 4]], NAMES)


def test_histograms_say_what_is_zero_or_broken():
    """Dead units and numbers that are none are counted, not hidden."""
    figure = histograms({"relu": [0.0, 0.0, 0.0, 1.0], "broken": [[1.0], [math.nan]]})
    relu, broken = (axes.texts[0].get_text() for axes in figure.axes)
    assert relu == "4 numbers\nmean 0.25, sd 0.43\n75 % exactly 0"
    assert broken == "2 numbers\nmean 1, sd 0\n50 % not finite"
    assert sum(bar.get_height() for bar in figure.axes[0].patches) == 4
    with pytest.raises(LengthError, match="'empty'"):
        histograms({"empty": []})


def test_wrong_answers_are_marked():
    """A wrong one has a cross and a dashed frame; answers say how sure, and what was second."""
    figure = answers(PICTURES[:2], [[0.7, 0.25, 0.05], [0.004, 0.9962, 0.0]], [0, 2], names=NAMES)
    right, wrong = figure.axes
    assert right.get_title() == "setosa (70 %)\nthen versicolor (25 %)"
    assert wrong.get_title() == "✗ versicolor (99.6 %)\nthen setosa (0.4 %)\nis virginica"
    assert right.spines["top"].get_linestyle() != wrong.spines["top"].get_linestyle()
    with pytest.raises(LengthError, match="2, 1 and 1"):
        answers(PICTURES[:2], [[1.0, 0.0]], [0])
    with pytest.raises(LengthError, match="one title for each of 5"):
        images(PICTURES, ["one"])


def test_hidden_neurons_share_a_scale():
    """One scale, the same on both sides of 0; strong negative weights bear a minus."""
    figure = hidden_neurons([[2.0, -4.0, 0.5, -0.5], [0.1, 0.1, 0.1, 0.1]], (2, 2))
    first, second = figure.axes[:2]
    assert first.images[0].get_clim() == second.images[0].get_clim() == (-4.0, 4.0)
    assert list(zip(*first.lines[0].get_data(), strict=True)) == [(1, 0)]  # column 1, row 0
    assert len(second.lines[0].get_xdata()) == 0
    with pytest.raises(LengthError, match="transpose"):
        hidden_neurons(weights(64, 10), (8, 8))


def test_gradient_flow_marks_where_it_vanishes():
    """Bars are mean sizes on a logarithmic axis; what is a thousandth of the largest is hatched."""
    figure = gradient_flow(GRADIENTS)
    axes = figure.axes[0]
    assert axes.get_yscale() == "log"
    tops = [bar.get_y() + bar.get_height() for bar in axes.patches]
    assert tops == pytest.approx([2e-7, 0.015, 0.5])
    assert [bool(bar.get_hatch()) for bar in axes.patches] == [True, False, False]
    assert [line.get_ydata()[0] for line in axes.lines] == [3e-7, 0.02, 0.5]
    assert any("vanishes" in word for word in words(figure))
    assert not any("vanishes" in word for word in words(gradient_flow({"a": [1.0]})))
    assert {"all 0", "not\nfinite"} <= set(words(FIGURES["no flow"]()))
    with pytest.raises(LengthError, match="gradients for each layer"):
        gradient_flow({"a": []})


def circles(figure):
    from matplotlib.patches import Circle

    return [c for c in figure.findobj(Circle) if c.radius > 0.1]


def test_network_draws_every_weight():
    """A circle for each neuron, a line for each weight: solid above 0, dashed below, by size."""
    figure = network([[[1.0, -2.0], [0.5, 0.0]], [[-1.0], [3.0]]])
    assert len(circles(figure)) == 5
    lines = [c for c in figure.axes[0].collections if len(c.get_segments())]
    solid = [c for c in lines if c.get_linestyle()[0][1] is None]
    dashed = [c for c in lines if c.get_linestyle()[0][1] is not None]
    assert [len(c.get_segments()) for c in solid] == [2, 1]  # a weight of 0 has no line
    assert [len(c.get_segments()) for c in dashed] == [1, 1]
    thin, thick = solid[0].get_linewidths()
    assert thin < thick < dashed[0].get_linewidths()[0]
    assert max(c.get_zorder() for c in lines) < min(c.get_zorder() for c in circles(figure))


def test_network_folds_large_layers():
    """A column of more than `most` shows first and last, and says how many it leaves out."""
    figure = network(BIG, most=12)
    assert len(circles(figure)) == 11 + 11 + 10
    found = words(figure)
    assert "inputs\n64 neurons,\n53 not shown" in found
    assert "hidden\n40 neurons,\n29 not shown" in found
    assert "outputs (10)" in found
    assert sum(len(c.get_segments()) for c in figure.axes[0].collections) == 11 * 11 + 11 * 10


def test_network_writes_activations_and_gradients():
    """The number of each neuron stands in it, its gradient below, labels beside."""
    figure = network(
        [[[1.0], [2.0]]],
        activations=[[0.0, -123.4], [Value(0.5)]],
        gradients=[None, [1e-5]],
        input_labels=["x1", "x2"],
        layer_names=["here", "there"],
    )
    found = words(figure)
    for word in ("0", "-1e2", "0.50", "∂ 1e-5", "x1", "x2", "here (2)", "there (1)"):
        assert word in found


@pytest.mark.parametrize(
    ("layers", "options", "message"),
    [
        ([[[1.0, 2.0]], [[1.0]]], {}, "for the 2 outputs of layer 0, but layer 1 has 1 rows"),
        ([[1.0, 2.0]], {}, r"weights \[n_in, n_out\], but layer 0"),
        ([3], {}, r"sizes \[3\]"),
        ([], {}, r"sizes \[\]"),
        ([2, 0], {}, r"sizes \[2, 0\]"),
        ([2, 1], {"input_labels": ["x"]}, "one label for each input, 2, but got 1"),
        ([2, 1], {"activations": [[1.0], [1.0]]}, "activation for each of 2 neurons of column 0"),
        ([2, 1], {"gradients": [[1.0, 1.0]]}, "column of gradients for each column, 2, but got 1"),
    ],
)
def test_network_refuses_sizes_that_do_not_fit(layers, options, message):
    """What does not fit is named."""
    with pytest.raises(LengthError, match=message):
        network(layers, **options)


def test_a_boundary_of_what_predict_gives() -> None:
    """A column of predictions [rows, 1], as Sequential.predict gives, is one for each row."""
    model = nn.Sequential([nn.layers.Dense(1, input_dim=2, activation="sigmoid")])
    figure = nn.plots.decision_boundary(
        model.predict, [[0.0, 0.0], [1.0, 1.0]], [0.0, 1.0], steps=5
    )
    assert figure.axes[0].images[0].get_array().shape == (5, 5)
