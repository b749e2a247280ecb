"""What can be written after `python -m nn`."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn, final

from nn.activations import ACTIVATIONS
from nn.cli import gates, learn
from nn.cli.tasks import TASKS, Task
from nn.optim import OPTIMIZERS


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command and its options; `run` among them is the function to call with them.

    Exits with status 2, and one line, for what is not understood.
    """
    parser = _Parser(
        prog="python -m nn",
        usage="python -m nn COMMAND [options]",
        description=_overview(),
        epilog="python -m nn COMMAND --help lists the options of a command.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND", prog=parser.prog, help=argparse.SUPPRESS
    )
    for name, about in gates.ABOUT.items():
        _gate_options(commands.add_parser(name, description=_sentence(about)))
    for name, task in TASKS.items():
        _data_options(commands.add_parser(name, description=_sentence(task.about)), name, task)
    words = list(sys.argv[1:] if argv is None else argv)
    options = parser.parse_args([*map(str.lower, words[:1]), *words[1:]])
    options.check(commands.choices[options.command], options)
    return options


def _overview() -> str:
    data = {f"{name}{_ARGUMENTS.get(name, '')}": task.about for name, task in TASKS.items()}
    lines = ["Train a network of scalar nodes, print what it learned, draw it into runs/COMMAND."]
    for title, table in (
        ("A logic gate of two inputs", gates.ABOUT),
        ("A data set, of which a fifth is held out to score on", data),
    ):
        width = max(map(len, table)) + 2
        lines += ["", f"{title}:", *[f"  {name:{width}}{about}" for name, about in table.items()]]
    return "\n".join(lines)


_ARGUMENTS = {"csv": " FILE --label COLUMN"}


def _sentence(about: str) -> str:
    return f"{about[0].upper()}{about[1:]}."


# fmt: off
def _gate_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--hidden", type=_whole(0), default=4, metavar="N",
        help="hidden neurons (default 4); 0: a single perceptron")
    add("--activation", choices=ACTIVATIONS, metavar="NAME",
        help="of the hidden neurons (default tanh), or with --hidden 0 of the perceptron, sigmoid "
        "(default) or step: " + ", ".join(ACTIVATIONS))
    add("--optimizer", choices=gates.OPTIMIZERS, default="momentum", metavar="NAME",
        help=f"{', '.join(gates.OPTIMIZERS)} (default momentum); a step learns by the perceptron "
        "rule")
    add("--lr", type=_positive, metavar="RATE", help="learning rate (default by optimizer)")
    add("--epochs", type=_whole(1), default=2000, metavar="N", help="at most (default 2000)")
    add("--seed", type=_whole(0), default=0, metavar="N", help="of the first weights (default 0)")
    _output_options(parser)
    parser.set_defaults(run=gates.run, check=_check_gate)


def _data_options(parser: argparse.ArgumentParser, name: str, task: Task) -> None:
    add = parser.add_argument
    if name == "csv":
        add("file", type=Path, metavar="FILE", help="numbers in columns, and a column of labels")
        add("--label", required=True, metavar="COLUMN",
            help="what to learn, by the name of its column")
        add("--task", choices=("classification", "regression"), metavar="NAME",
            help="classification or regression; by default what the labels look like, which is "
            "told")
        add("--drop", nargs="+", default=[], metavar="COLUMN", help="columns to leave out")
        add("--header", action=argparse.BooleanOptionalAction, default=None,
            help="whether the first row has the columns' names; without one they are A, B, C ...")
        add("--delimiter", default=",", metavar="CHARACTER", help="between cells (default ,)")
    if name == "digits":
        add("--cnn", action="store_true",
            help="a convolution before the other layers: each of its neurons sees 3 x 3 pixels")
    hidden = " ".join(map(str, task.hidden))
    with_slope = [name for name in ACTIVATIONS if name != "step"]
    add("--hidden", type=_whole(0), nargs="+", metavar="N",
        help=f"neurons in each hidden layer (default {hidden}); 0: no such layer")
    add("--activation", choices=ACTIVATIONS, default="relu", metavar="NAME",
        help=f"of the hidden neurons (default relu): {', '.join(with_slope)}")
    add("--optimizer", choices=OPTIMIZERS, default="adam", metavar="NAME",
        help=f"{', '.join(OPTIMIZERS)} (default adam)")
    add("--lr", type=_positive, metavar="RATE", help="learning rate (default by optimizer)")
    add("--epochs", type=_whole(1), default=task.epochs, metavar="N",
        help=f"times through the training rows, at most (default {task.epochs})")
    add("--batch-size", type=_whole(1), default=task.batch_size, metavar="N",
        help=f"rows to an update (default {task.batch_size})")
    add("--dropout", type=_share, default=0.0, metavar="SHARE",
        help="of the hidden neurons, left out by chance in training (default 0)")
    add("--patience", type=_whole(1), metavar="N",
        help="stop early: after N epochs in which a fifth of the training rows, kept back to "
        "validate, got no better; the best weights are kept")
    add("--seed", type=_whole(0), default=0, metavar="N",
        help="of the rows held out, the first weights and the order of the rows (default 0)")
    add("--save", type=Path, metavar="FILE.safetensors",
        help="the model, for nn.load(); it takes the rows as they are in the data")
    _output_options(parser)
    add("--no-pictures", dest="pictures", action="store_false", help="the scores alone")
    parser.set_defaults(run=learn.run, check=_check_data, cnn=False, default_hidden=task.hidden)


def _output_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, metavar="FOLDER",
                        help="for the pictures (default runs/COMMAND)")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
# fmt: on


def _check_gate(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    if options.hidden == 0:
        options.activation = options.activation or "sigmoid"
        if options.activation not in ("sigmoid", "step"):
            parser.error(
                f"a single perceptron (--hidden 0) answers with sigmoid or step, not with "
                f"{options.activation}"
            )
    else:
        options.activation = options.activation or "tanh"
        _check_slope(parser, options.activation, "use --hidden 0")


def _check_data(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    _check_slope(parser, options.activation, "leave it out")
    if options.hidden is None:
        # the convolution is the hidden layer
        options.hidden = () if options.cnn else options.default_hidden
    elif options.hidden == [0]:
        options.hidden = ()
    elif 0 in options.hidden:
        parser.error("argument --hidden: expected 0 alone, or layers of 1 neuron and more")


def _check_slope(parser: argparse.ArgumentParser, activation: str, instead: str) -> None:
    if activation == "step":
        parser.error(
            "hidden neurons cannot learn with a step: it is flat, so no gradient reaches their "
            f"weights; {instead}, or use an activation with a slope such as tanh"
        )


@final
class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line, without the usage before it."""
        self.exit(2, f"{self.prog}: {message}\n")


def _whole(least: int) -> Callable[[str], int]:
    def whole_number(text: str) -> int:
        try:
            n = int(text)
        except ValueError:
            n = least - 1
        if n < least:
            raise argparse.ArgumentTypeError(
                f"expected a whole number from {least}, but got {text!r}"
            )
        return n

    return whole_number


def _positive(text: str) -> float:
    x = _number(text)
    if not 0.0 < x < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number above 0, but got {text!r}")
    return x


def _share(text: str) -> float:
    x = _number(text)
    if not 0.0 <= x < 1.0:
        raise argparse.ArgumentTypeError(
            f"expected a share from 0 to below 1, such as 0.2, but got {text!r}"
        )
    return x


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")
