"""`python -m nn xor`: teach a network a logic gate, print what it learned, draw how."""

import argparse
import sys
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import autograd
from autograd import (
    GraphTooLargeError,
    RenderError,
    Value,
    linear,
    no_grad,
    sigmoid,
    step,
    write_file,
)
from nn.data import GATES, NOT_LINEARLY_SEPARABLE, gate
from nn.history import History
from nn.layers import MLP
from nn.losses import binary_cross_entropy, mse
from nn.optim import SGD, Adam, Optimizer
from nn.train import perceptron_rule, train

ABOUT = {
    "and": "1 if both inputs are 1",
    "or": "1 if one input is 1, or both",
    "nand": "0 if both inputs are 1",
    "nor": "0 if one input is 1, or both",
    "xor": "1 if the inputs differ: what a single perceptron cannot learn (try --hidden 0)",
    "xnor": "1 if the inputs are alike",
    "all": "each of these in turn",
}
OPTIMIZERS: dict[str, tuple[Callable[..., Optimizer], float]] = {  # with the default learning rate
    "sgd": (SGD, 1.0),
    "momentum": (partial(SGD, momentum=0.9), 0.3),
    "nesterov": (partial(SGD, momentum=0.9, nesterov=True), 0.3),
    "adam": (Adam, 0.1),
}
PICTURES = [f"{stem}.{kind}" for stem in ("graph", "boundary", "loss") for kind in ("svg", "png")]
PICTURES.append("graph.dot")  # where there is no layout engine
GOOD_ENOUGH = 0.005  # the loss to stop at: every row is answered with a probability of about 0.99

WHY_IN_THE_PICTURE = (
    "No straight line will do. If both 1s lay on one side of it, so would all of the dashed line "
    "between them; if both 0s lay on the other, so would all of the dotted line. But the two cross."
)
WHY_NOT = (
    "one perceptron cannot learn {gate}: it answers with one straight line across the inputs,\n"
    "and {gate} is not linearly separable: no single line parts its 0s from its 1s"
)


class Gate:
    """One gate being learned: the model, its answers, its loss."""

    def __init__(self, name: str, options: argparse.Namespace) -> None:
        self.name, self.options = name, options
        self.xs, self.ys = gate(name)
        self.classic = options.hidden == 0 and options.activation == "step"
        if options.hidden:
            sizes, output = [options.hidden, 1], "linear"
        else:
            sizes, output = [1], "step" if self.classic else "linear"
        # The last neuron gives the logit: its sigmoid is the probability, and the loss from logits
        # is the stable one
        self.model = MLP(2, sizes, options.activation, output, seed=options.seed)
        self.loss = mse if self.classic else partial(binary_cross_entropy, from_logits=True)
        self.answer: Callable[[float], float] = step if self.classic else sigmoid
        # A network without a bend is one perceptron, whatever its size
        self.straight = not options.hidden or options.activation == "linear"

    def train(self) -> History:
        o = self.options
        if self.classic:
            neuron = self.model.layers[0].neurons[0]
            return perceptron_rule(
                neuron, self.xs, self.ys, lr=o.lr or 1.0, epochs=o.epochs, progress=not o.quiet
            )
        make, lr = OPTIMIZERS[o.optimizer]
        return train(
            self.model,
            self.xs,
            self.ys,
            loss=self.loss,
            optimizer=make(self.model.parameters(), lr=lr if o.lr is None else o.lr),
            epochs=o.epochs,
            stop_loss=GOOD_ENOUGH,
            progress=not o.quiet,
        )

    def score(self, rows: Sequence[Sequence[float]]) -> list[float]:
        """For each row a number that is above 0 if the answer is 1."""
        last = self.model.layers[-1].neurons[0]
        with no_grad():
            for layer in self.model.layers[:-1]:
                rows = layer(rows)
            return [z.data for (z,) in linear(rows, [last.w], [last.b])]

    def predict(self, rows: Sequence[Sequence[float]]) -> list[float]:
        """For each row the probability of a 1, or the step's own 0 or 1."""
        return [self.answer(z) for z in self.score(rows)]

    def right(self) -> int:
        """How many rows of the truth table are answered as they should be."""
        return sum(
            (p > 0.5) == (y > 0.5) for p, y in zip(self.predict(self.xs), self.ys, strict=True)
        )

    def report(self, history: History) -> str:
        """The truth table with the predictions, and in a sentence how it went."""
        lines = ["x1 x2  target  prediction"]
        for (a, b), y, p in zip(self.xs, self.ys, self.predict(self.xs), strict=True):
            answer = float(p > 0.5)
            mark = "" if answer == y else "  wrong"
            lines.append(f" {a:.0f}  {b:.0f}       {y:.0f}  {p:.4f} -> {answer:.0f}{mark}")
        lines.append(f"{self.right()} of 4 rows right; training {history}.")
        if history.engine == "compiled":
            lines.append("the epochs ran as machine code.")
        if self.unlearnable:
            lines.append(self.why_not + ".")
        elif self.right() < 4:
            lines.append(
                "another --seed or --lr, more --hidden neurons or more --epochs may do better."
            )
        return "\n".join(lines)

    @property
    def unlearnable(self) -> bool:
        return self.straight and self.name in NOT_LINEARLY_SEPARABLE

    @property
    def why_not(self) -> str:
        text = WHY_NOT.format(gate=self.name.upper())
        if self.options.hidden:
            return "without a bend in them, all layers together are one perceptron, and\n" + text
        return text

    def draw(self, folder: Path, history: History) -> None:
        """graph.svg, graph.png, boundary and loss likewise; what an earlier run left goes."""
        for picture in PICTURES:
            (folder / picture).unlink(missing_ok=True)
        self.draw_graph(folder)
        from nn.plots import decision_boundary, loss_curve
        from nn.plots.figure import save_figure

        name = self.name.upper()
        boundary = decision_boundary(
            self.score,
            self.xs,
            self.ys,
            from_score=self.answer,
            title=f"{name}: {self.right()} of 4 rows right",
            note=WHY_IN_THE_PICTURE if self.unlearnable else "",
        )
        if self.unlearnable:
            for value, style in ((0.0, ":"), (1.0, "--")):
                ends = [row for row, y in zip(self.xs, self.ys, strict=True) if y == value]
                boundary.axes[0].plot(*zip(*ends, strict=True), color="black", linestyle=style)
        ylabel = "share of mistakes" if self.classic else "binary cross-entropy"
        curve = loss_curve(history.losses, title=f"{name}, epoch by epoch", ylabel=ylabel)
        for figure, stem in ((boundary, "boundary"), (curve, "loss")):
            for kind in ("png", "svg"):
                save_figure(figure, folder / f"{stem}.{kind}")

    def draw_graph(self, folder: Path) -> None:
        """The graph of one sample's loss, after backward: (1, 0), where the inputs differ."""
        x1, x2 = Value(1.0, label="x1"), Value(0.0, label="x2")
        self.model.zero_grad()
        loss = self.loss([self.model([x1, x2])], [self.ys[2]])
        loss.label = "loss"
        loss.backward()
        try:
            picture = autograd.draw(loss)
            for kind in ("svg", "png"):
                picture.save(folder / f"graph.{kind}")
        except GraphTooLargeError as error:
            print(f"nn: no picture of the graph: {error}", file=sys.stderr)
        except RenderError as error:
            write_file(folder / "graph.dot", error.dot)
            print(f"nn: the graph is in graph.dot, but: {error}", file=sys.stderr)


def run(options: argparse.Namespace) -> bool:
    """Learn the gate, or all of them; gives whether Ctrl-C ended it."""
    names = list(GATES) if options.command == "all" else [options.command]
    out = options.out or Path("runs")
    for name in names:
        folder = out if options.out and options.command != "all" else out / name
        folder.mkdir(parents=True, exist_ok=True)  # before the training: it may not be allowed
        learner = Gate(name, options)
        if not options.quiet:
            print(f"{name.upper()}: {learner.model}")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # the report says it as well
            history = learner.train()
        print(learner.report(history))
        learner.draw(folder, history)
        drawn = [picture for picture in PICTURES if (folder / picture).exists()]
        print(f"in {folder}: {', '.join(drawn)}\n")
        if history.interrupted:
            return True
    return False
