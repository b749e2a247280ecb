"""Several networks asked as one, several looks at a row, and how sure the answer is."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, final

from autograd import LengthError
from nn.errors import HyperparameterError, NotCompiledError, TargetError
from nn.history import History
from nn.metrics import Metric, WholeMetric
from nn.models import Sequential
from nn.optim import Optimizer
from nn.rows import prepare_rows


@final
class Ensemble:
    """Several networks whose predictions are averaged: they err in different places.

    models: Sequentials, whose weights should start from different seeds; or with count=n a function
        build(seed) -> Sequential, called with seed, seed + 1 ...
    Ciresan, Meier & Schmidhuber 2012, arXiv:1202.2745, "multi-column deep neural networks".
    Raises LengthError without models, HyperparameterError if one is there twice.
    """

    def __init__(
        self,
        models: Iterable[Sequential] | Callable[[int], Sequential],
        count: int | None = None,
        *,
        seed: int = 0,
    ) -> None:
        if isinstance(models, Iterable):
            if count is not None:
                raise HyperparameterError(f"expected {count=} with a function, but got a list")
            self.models = list(models)
        else:
            if count is None:
                raise HyperparameterError("expected a count beside build(seed), such as count=5")
            self.models = [models(seed + k) for k in range(count)]
        if not self.models:
            raise LengthError("expected at least one model, but got none")
        for model in self.models:
            if not isinstance(model, Sequential):
                raise TypeError(f"expected Sequentials, but got {model!r:.80}")
        if len(set(self.models)) < len(self.models):
            raise HyperparameterError("expected different models, but one of them is there twice")

    def compile(
        self, optimizer: str | Optimizer = "rmsprop", *arguments: Any, **options: Any
    ) -> None:
        """Say how each member trains; the arguments are those of `Sequential.compile`."""
        for model in self.models:
            own = optimizer
            if isinstance(optimizer, Optimizer):  # its state belongs to one model
                own = type(optimizer)(**optimizer.config())
            model.compile(own, *arguments, **options)

    def fit(
        self, x: Any, y: Any = None, *, seed: int | None = None, **options: Any
    ) -> list[History]:
        """Train the members one after another; gives their histories.

        The options are those of `Sequential.fit`; callbacks serve each member in turn.
        seed: of the first member's order of rows and dropout, by default its own; the next has
            seed + 1 ...
        Ctrl-C ends it all and keeps what was learned.
        """
        first = self.models[0].seed if seed is None else seed
        histories: list[History] = []
        for k, model in enumerate(self.models):
            if options.get("verbose", "auto") != 0 and len(self.models) > 1:
                print(f"Member {k + 1}/{len(self.models)}")
            histories.append(model.fit(x, y, seed=first + k, **options))
            if histories[-1].interrupted:
                break
        return histories

    def predict(self, x: Any) -> Any:
        """The mean of the members' predictions for rows x: an array [rows, ...]."""
        import numpy as np

        found = [model.predict(x) for model in self.models]
        shapes = sorted({predictions.shape[1:] for predictions in found})
        if len(shapes) > 1:
            raise LengthError(f"expected members with outputs of one shape, but got {shapes}")
        return np.mean(found, axis=0)

    def evaluate(self, x: Any, y: Any = None, return_dict: bool = False) -> Any:
        """The loss and the metrics of the mean prediction, as `Sequential.evaluate` gives them.

        Without penalties on weights, which are of the members' training.
        """
        model = self.models[0]
        if model.optimizer is None:
            raise NotCompiledError('call compile(optimizer="adam", loss="mse") first')
        rows = prepare_rows(x, y)
        predictions = self.predict(rows.xs).reshape(len(rows), -1)
        targets = rows.ys.reshape(len(rows), -1)
        logs = {"loss": float(model.loss(predictions.tolist(), targets.tolist()))}
        metrics: list[Metric | WholeMetric] = [*model.metrics, *model.whole_metrics]
        logs |= {metric.name: metric.compute(predictions, targets) for metric in metrics}
        if return_dict:
            return logs
        return list(logs.values()) if len(logs) > 1 else logs["loss"]

    def save(self, folder: str | Path) -> None:
        """Write each member to a model file in this folder, which is made if it is not there.

        Raises FileExistsError if the folder has an ensemble of another number of members.
        """
        place, count = Path(folder), len(self.models)
        paths = [place / _name(k + 1, count) for k in range(count)]
        others = set(place.glob(_name(1, "*"))) - set(paths)
        if others:
            raise FileExistsError(
                f"expected a folder without another ensemble, but there is {others.pop()}"
            )
        place.mkdir(parents=True, exist_ok=True)
        for model, path in zip(self.models, paths, strict=True):
            model.save(path)

    @classmethod
    def load(cls, folder: str | Path, **options: Any) -> "Ensemble":
        """The ensemble of a folder that `save` wrote; options are those of `nn.io.load`.

        Raises OSError if a member is missing, ModelFileError if one is damaged.
        """
        from nn.io import load

        first = list(Path(folder).glob(_name(1, "*")))
        if len(first) != 1:
            raise FileNotFoundError(
                f"{folder}: expected the members of an ensemble as save() writes them, but there "
                f"is no {_name(1, '...')}"
            )
        count = int(first[0].stem.split("-")[-1])
        return cls([load(Path(folder) / _name(k + 1, count), **options) for k in range(count)])

    def __len__(self) -> int:
        return len(self.models)


def _name(number: int, count: int | str) -> str:
    return f"member-{number}-of-{count}.safetensors"


def predict_averaged(
    model: Any, x: Any, versions: int | Callable[[Any], Any], **options: Any
) -> Any:
    """The mean prediction over several versions of each row of x: an array [rows, ...].

    model: anything with predict(x), such as a Sequential or an Ensemble.
    versions: how many `nn.data.versions` makes of each picture, with its options (image_shape,
        shift, angle, fill, seed); or a function from x to an array [rows, versions, ...].
    Raises LengthError if the function gives another shape.
    """
    import numpy as np

    from nn.data import versions as moved

    looks = np.asarray(versions(x) if callable(versions) else moved(x, versions, **options), float)
    if looks.shape[:1] + looks.shape[2:] != np.shape(x) or not looks.shape[1]:
        raise LengthError(
            f"expected versions of shape [rows, versions, ...] for x of shape {np.shape(x)}, but "
            f"got {looks.shape}"
        )
    found = model.predict(looks.reshape(-1, *looks.shape[2:]))
    return found.reshape(*looks.shape[:2], *found.shape[1:]).mean(axis=1)


class Answer(NamedTuple):
    """A class, by name or number, and its probability."""

    label: Any
    probability: float

    def __str__(self) -> str:
        return f"{self.label} {_percent(self.probability)}"


@final
class Answers(list[list[Answer]]):
    """For each row its answers, the likeliest first; prints as a table."""

    def __repr__(self) -> str:
        shown = self[:_MOST_LINES]
        names = [[str(answer.label) for answer in row] for row in shown]
        widths = [max(map(len, column)) for column in zip(*names, strict=True)]
        number = len(str(len(shown)))
        lines = [
            f"{k:{number}}  "
            + "   ".join(
                f"{name:{width}} {_percent(answer.probability):>7}"
                for name, width, answer in zip(labels, widths, row, strict=True)
            )
            for k, (labels, row) in enumerate(zip(names, shown, strict=True))
        ]
        if len(self) > len(shown):
            lines.append(f"... {len(self) - len(shown):,} more rows")
        return "\n".join(lines)


_MOST_LINES = 30


def _percent(probability: float) -> str:
    return f"{100.0 * probability:.1f} %"


def top(predictions: Any, k: int = 2, class_names: Sequence[Any] | None = None) -> Answers:
    """For each row the k likeliest classes with their probabilities, the likeliest first.

    predictions: probabilities [rows, classes], or of the second of two classes [rows, 1].
    class_names: what to call class 0, 1 ...; by default their numbers. Of equals, the one with the
        lower number comes first.
    Raises TargetError for numbers that are no probabilities, HyperparameterError for a senseless k,
    LengthError if names and classes differ in number.
    """
    import numpy as np

    found = np.asarray(predictions, float)
    if found.ndim != 2:
        raise LengthError(
            f"expected predictions [rows, classes], but got shape {found.shape}; one row goes as "
            "[row]"
        )
    wrong = found[~((found >= 0.0) & (found <= 1.0 + 1e-9))]  # the rest is rounding
    if len(wrong):
        raise TargetError(
            f"expected probabilities between 0 and 1, but got {float(wrong[0])!r}; give the last "
            "layer a softmax or a sigmoid"
        )
    found = np.minimum(found, 1.0)
    if found.shape[1] == 1:
        found = np.hstack([1.0 - found, found])
    classes = found.shape[1]
    names = list(range(classes)) if class_names is None else list(class_names)
    if len(names) != classes:
        raise LengthError(f"expected {classes} class_names, but got {len(names)}")
    if not 1 <= k <= classes:
        raise HyperparameterError(f"expected k from 1 to {classes}, the classes, but got {k!r}")
    order = np.argsort(-found, axis=1, kind="stable")[:, :k]
    return Answers(
        [Answer(names[j], float(row[j])) for j in best]
        for best, row in zip(order.tolist(), found, strict=True)
    )
