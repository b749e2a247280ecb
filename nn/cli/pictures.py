"""The pictures of a data set that was learned."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nn
from nn import plots
from nn.cli.report import least_sure
from nn.history import History
from nn.metrics import confusion_matrix
from nn.models import Sequential
from nn.plots.figure import BLUE, CLASS_COLORS, new_figure, plain, save_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from nn.cli.learn import Learner

STEMS = ("history", "boundary", "confusion", "answers", "hidden", "network", "gradient")
KINDS = ("png", "svg")
SHOWN = 24  # digits; and more classes than this are not drawn


def draw(
    learner: "Learner", model: Sequential, history: History, predictions: Any, folder: Path
) -> list[str]:
    """Write the pictures that suit the data, as PNG and SVG; what an earlier run left goes.

    model: the finished one; predictions: its, for the rows held out. Gives the pictures' names.
    """
    for name in [f"{stem}.{kind}" for stem in STEMS for kind in KINDS]:
        (folder / name).unlink(missing_ok=True)
    written = []
    for stem, figure in _figures(learner, model, history, predictions):
        for kind in KINDS:
            save_figure(figure, folder / f"{stem}.{kind}")
        written.append(stem)
    return written


def _figures(
    learner: "Learner", model: Sequential, history: History, predictions: Any
) -> Iterator[tuple[str, "Figure"]]:
    import numpy as np

    if history.losses:
        yield "history", plots.history_curves(history, title=_escaped(learner.name))
    if not np.isfinite(predictions).all():
        return
    if learner.class_names is None:
        yield from _of_quantities(learner, predictions)
    else:
        yield from _of_classes(learner, model, predictions)


def _of_classes(
    learner: "Learner", model: Sequential, predictions: Any
) -> Iterator[tuple[str, "Figure"]]:
    import numpy as np

    data = learner.data.rows(learner.test_rows)
    names = [_escaped(name) for name in learner.class_names or ()]
    right = predictions.argmax(axis=1) == data.ys
    score = f"{right.sum()} of {len(right)} rows held out are right"
    if len(names) <= SHOWN:
        matrix = confusion_matrix(predictions, data.ys, len(names))
        yield "confusion", plots.confusion_matrix_plot(matrix, names)
    widths = np.ptp(data.xs, axis=0)
    if len(widths) == 2 and widths.min() > 0.0 and len(names) <= len(CLASS_COLORS):
        margin = 0.1 * float(widths.min())
        regions = plots.decision_regions(
            model.predict, data.xs, data.ys, names=names, margin=margin, title=score
        )
        x1, x2 = map(_escaped, data.feature_names or ("x1", "x2"))
        regions.axes[0].set(xlabel=x1, ylabel=x2)
        yield "boundary", regions
    order = least_sure(predictions)
    if data.image_shape is not None:
        wrong_first = sorted(order, key=lambda i: bool(right[i]))[:SHOWN]
        answers = plots.answers(
            data.images[wrong_first],
            predictions[wrong_first],
            data.ys[wrong_first],
            names=names,
            title=f"the wrong answers, then the least sure; {score}",
        )
        yield "answers", answers
        yield "hidden", _hidden(learner)
    yield from _of_one_row(learner, order[0], "the least sure answer", names)


def _of_quantities(learner: "Learner", predictions: Any) -> Iterator[tuple[str, "Figure"]]:
    said, true = predictions[:, 0], learner.data.ys[learner.test_rows]
    figure = new_figure(5.2, 5.0)
    axes = figure.subplots()
    axes.plot(true, said, "o", color=BLUE, ms=5.0, mec="white", mew=0.5)
    ends = [min(true.min(), said.min()), max(true.max(), said.max())]
    axes.plot(ends, ends, color="black", lw=1.0, ls="--", label="as it should be")
    axes.legend(frameon=False)
    axes.set(title=f"{len(true)} rows held out", xlabel="target", ylabel="prediction")
    plain(axes)
    yield "answers", figure
    furthest = abs(said - true).argmax()
    label = _escaped(learner.options.label)
    yield from _of_one_row(learner, furthest, "the answer furthest off", [label])


def _hidden(learner: "Learner") -> "Figure":
    """The weights of the first layer that has some, as pictures."""
    import numpy as np

    shape: Any
    kernel = next(np.array(w[0]) for layer in learner.model.layers if (w := layer.get_weights()))
    if learner.options.cnn:  # [height, width, 1, filters]
        shape, title = kernel.shape[:2], "what each filter looks for, anywhere in the picture"
    else:
        shape = learner.data.image_shape
        neuron = "hidden neuron" if learner.options.hidden else "output"
        title = f"what each {neuron} looks at"
    return plots.hidden_neurons(kernel.reshape(-1, kernel.shape[-1]).T, shape, title=title)


def _of_one_row(
    learner: "Learner", place: Any, which: str, outputs: Any
) -> Iterator[tuple[str, "Figure"]]:
    """The network and its gradient, for one of the rows held out."""
    row = learner.test_rows[place]
    x, y = learner.xs[row], learner.ys[row]
    title = f"{learner.row_name(row)}, {which}"
    logits = " (logits)" if learner.class_names else ""
    inputs = [_escaped(name) for name in learner.data.feature_names or ()]
    if learner.options.cnn:  # the columns begin after the convolution
        inputs = []
    network = nn.draw(
        learner.model,
        x,
        y,
        loss=learner.loss,
        input_labels=inputs or None,
        output_labels=outputs,
        title=title + logits,
    )
    yield "network", network
    flow = nn.gradient_flow(learner.model, x, y, loss=learner.loss)
    flow.axes[0].set_title(f"the gradient, layer by layer\n{title}")
    yield "gradient", flow


def _escaped(name: str) -> str:
    """A name from a file, for matplotlib, to which what stands between two $ is a formula."""
    return name.replace("$", r"\$")
