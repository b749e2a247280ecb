"""What a sweep found: a table with a line for each point, the models behind it, a picture."""

from collections.abc import Callable, Iterator, Sequence
from math import isnan
from typing import TYPE_CHECKING, Any, final

from autograd import LengthError, MissingExtraError
from nn.errors import HyperparameterError, UnknownNameError
from nn.interrupts import set_at_once
from nn.models import Sequential
from nn.sweeping.points import Build
from nn.sweeping.training import Finished

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Measure = str | Callable[[dict[str, Any]], float]
"""A column of the table, or a function of a line, such as `lambda row: row["loss"] < 0.1`."""


@final
class Table(list[dict[str, Any]]):
    """Lines as dicts with the same names; prints as columns."""

    def __repr__(self) -> str:
        if not self:
            return "an empty table"
        shown: list[dict[str, Any] | None] = list(self)
        if len(self) > _MOST_LINES:
            shown = [*self[: _MOST_LINES - 5], None, *self[-5:]]
        names = list(self[0])
        lines = [names] + [["..."] + [""] * (len(names) - 1) if r is None
                           else [_text(r[name]) for name in names] for r in shown]  # fmt: skip
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        texts = ["  ".join(x.rjust(w) for x, w in zip(line, widths, strict=True)) for line in lines]
        return "\n".join([*texts, f"{len(self):,} points"] if len(self) > _MOST_LINES else texts)

    def to_pandas(self) -> Any:
        """The same as a DataFrame of pandas. Raises MissingExtraError without it."""
        try:
            from pandas import DataFrame  # type: ignore[import-untyped,unused-ignore]  # no stubs
        except ImportError:
            raise MissingExtraError("this table needs pandas: pip install pandas") from None
        return DataFrame(list(self))


_MOST_LINES = 20


def _text(x: Any) -> str:
    return f"{x:.4g}" if isinstance(x, float) else str(x)


@final
class Sweep:
    """Points that were trained; see `nn.sweep`.

    table: a line for each point that is finished: its values, what `evaluate` gives on the rows
        that were trained on and, with val_ before the name, on those held out; its epochs, whether
        it diverged, and its share of the seconds.
    interrupted: whether Ctrl-C came before all were finished.
    """

    def __init__(self, build: Build, finished: Sequence[Finished], interrupted: bool) -> None:
        self._build, self._finished, self.interrupted = build, list(finished), interrupted
        self.table = Table([f.row for f in finished])

    @property
    def best(self) -> dict[str, Any]:
        """The line with the smallest loss on the rows held out, or else on those trained on."""
        return self.table[self._best()]

    def model(self, k: int | None = None) -> Sequential:
        """The trained model of a line of the table, by default the best one, built anew."""
        k = self._best() if k is None else k
        trained = self._finished[k]
        model = self._build(**trained.point)
        if not model.built:
            model.build(trained.input_shape)
        parameters = model.parameters()
        set_at_once(parameters, ["data"] * len(parameters), trained.parameters)
        return model

    @property
    def models(self) -> Iterator[Sequential]:
        """The trained models, in the order of the table, each built when its turn comes."""
        return (self.model(k) for k in range(len(self.table)))

    def _best(self) -> int:
        if not self.table:
            raise LengthError("expected at least one finished point, but there is none")
        name = "val_loss" if "val_loss" in self.table[0] else "loss"
        losses = [row[name] for row in self.table]
        return min(range(len(losses)), key=lambda k: (isnan(losses[k]), losses[k]))

    def means(self, *names: str, value: Measure) -> dict[tuple[Any, ...], float]:
        """The mean of a measure over all points that agree in these names, by their values.

        Raises UnknownNameError for a name that is no column.
        """
        found: dict[tuple[Any, ...], list[float]] = {}
        for row, number in zip(self.table, self._measured(value), strict=True):
            found.setdefault(tuple([self._cell(row, name) for name in names]), []).append(number)
        return {key: sum(numbers) / len(numbers) for key, numbers in found.items()}

    def plot(
        self, x: str, y: str | None = None, value: Measure = "loss", *, title: str = ""
    ) -> "Figure":
        """The mean of a measure by one or two of the names.

        With x and y a heat map, in percent for shares: an accuracy, or a function that is true or
        false; with x alone the medians, and around them where the middle half of the points lies.
        Raises UnknownNameError for a name that is no column, HyperparameterError for a measure in
        the place of y.
        """
        from nn.plots.sweeps import heat_map, line_with_spread

        label = value if isinstance(value, str) else ""
        numbers = self._measured(value)
        if y is not None:
            names = list(self._finished[0].point) if self._finished else [y]
            if y not in (*names, "epochs", "diverged"):
                self._cell(self.table[0], y)
                other = next((name for name in names if name != x), x)
                raise HyperparameterError(
                    f"expected x and y among the names of the grid ({', '.join(names)}), but got "
                    f"{x=} and {y=}, which is a measure: plot({x!r}, value={y!r}) draws it by "
                    f"{x!r}, and plot({x!r}, {other!r}, {y!r}) by both"
                )
            shares = label.endswith("accuracy") or {0.0, 1.0}.issuperset(numbers)
            cells = self.means(x, y, value=value)
            return heat_map(cells, x, y, shares=shares, label=label, title=title)
        points = [self._cell(row, x) for row in self.table]
        return line_with_spread(points, numbers, x, label=label, title=title)

    def _measured(self, value: Measure) -> list[float]:
        if isinstance(value, str):
            return [float(self._cell(row, value)) for row in self.table]
        return [float(value(row)) for row in self.table]

    def _cell(self, row: dict[str, Any], name: str) -> Any:
        if name not in row:
            raise UnknownNameError("column", name, row)
        return row[name]

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        if self.interrupted and not self.table:
            return (
                "an empty table (interrupted before a point was finished: those that train side by "
                "side finish together; with lanes=100, or fewer, and store= more is kept)"
            )
        return repr(self.table) + ("\n(interrupted)" if self.interrupted else "")
