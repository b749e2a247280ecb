"""Camera: a callback that keeps, for some epochs, what the page of a film shows of them."""

from base64 import b64encode
from collections.abc import Sequence
from typing import Any, final

from autograd import LengthError
from nn.callbacks import Callback, Logs, callbacks_of
from nn.drawing import Network, edges_of, layers_of, outputs_of
from nn.errors import HyperparameterError
from nn.filming.film import Film
from nn.filming.plane import Plane, predictor, rounded
from nn.layers import Neuron
from nn.layers.base import flat, nested
from nn.losses import loss_function
from nn.models import Sequential
from nn.rows import prepare_rows
from nn.train import train

MOST_NEURONS = 10  # of a column; of more, the first and the last are shown
MOST_POINTS = 500
MOST_SAMPLES = 4


def film(
    model: Network,
    xs: Any,
    ys: Any = None,
    *,
    epochs: int = 200,
    frames: int = 60,
    samples: Sequence[int] | None = None,
    title: str = "",
    **options: Any,
) -> Film:
    """Train the model and film it: answers over the plane, loss, and the network of one sample.

    xs, ys: [rows, ...] and [rows] or [rows, n_out], or a DataSet alone. The plane is shown of two
        inputs. epochs, frames: train so long, and show so many moments of it, evenly spaced.
    samples: the rows whose way through the network can be watched; by default one of each class.
    options: for `fit` of a Sequential, for `nn.train` of another model (optimizer=..., loss=...).

    The film shows itself in Jupyter, and film.save("film.html") writes it.
    Raises LengthError for a sample that is not there, HyperparameterError for a senseless count,
    and what `fit` or `train` does.
    """
    camera = Camera(xs, ys, frames=frames, samples=samples, title=title)
    rows = camera.rows
    if isinstance(model, Sequential):
        callbacks = callbacks_of(options.pop("callbacks", None))
        options.setdefault("verbose", 0)
        model.fit(rows.xs, rows.ys, epochs=epochs, callbacks=[*callbacks, camera], **options)
        return camera.film
    camera.start(model, epochs, options.get("loss", "mse"), options.get("seed", 0))

    def after(epoch: int, loss: float) -> None:
        camera.epoch_begins(epoch)
        camera.epoch_ends({"loss": loss})

    options.setdefault("progress", False)
    train(model, rows.xs, rows.ys, epochs=epochs, callback=after, **options)
    camera.finish()
    return camera.film


@final
class Camera(Callback):
    """Films a `fit`: fit(xs, ys, callbacks=[camera]), and then `camera.film`.

    The arguments are those of `film`; the rows may be others than those trained on.
    Raises LengthError for a sample that is not there, HyperparameterError if frames is below 2.
    """

    def __init__(
        self,
        xs: Any,
        ys: Any = None,
        *,
        frames: int = 60,
        samples: Sequence[int] | None = None,
        title: str = "",
    ) -> None:
        if not isinstance(frames, int) or frames < 2:
            raise HyperparameterError(f"expected frames to be a whole number from 2, got {frames}")
        self.rows = prepare_rows(xs, ys)
        self.frames, self.title = frames, title
        self.class_names = getattr(xs, "class_names", None)
        self.feature_names = getattr(xs, "feature_names", None)
        targets = self.rows.ys.reshape(len(self.rows), -1)
        self._targets = targets
        # A class for each row: its place among the values of a single target, or the one-hot's 1
        values = sorted(set(targets[:, 0].tolist()))
        if targets.shape[1] > 1:
            self._classes = targets.argmax(axis=1).tolist()
        else:
            self._classes = [values.index(y) for y in targets[:, 0].tolist()]
        self._values = values
        self.samples = self._checked(samples)

    def _checked(self, samples: Sequence[int] | None) -> list[int]:
        n = len(self.rows)
        if samples is None:
            if n <= MOST_SAMPLES:
                return list(range(n))
            first = {c: i for i, c in reversed(list(enumerate(self._classes)))}
            return [first[c] for c in sorted(first)[:MOST_SAMPLES]]
        for i in samples:
            if not isinstance(i, int) or not 0 <= i < n:
                raise LengthError(f"expected samples to be rows from 0 to {n - 1}, but got {i!r}")
        if not samples:
            raise LengthError("expected at least one sample to watch, but got none")
        return list(samples)

    # --- what fit tells ---------------------------------------------------------------------------

    def on_train_begin(self, logs: Logs | None = None) -> None:
        model = self.model
        self.start(model, self.params["epochs"], model.loss, model.seed)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self.epoch_begins(epoch + 1)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self.epoch_ends(logs or {}, last=self.model.stop_training)

    def on_train_end(self, logs: Logs | None = None) -> None:
        self.finish()

    # --- what it makes of it ----------------------------------------------------------------------

    def start(self, model: Network, epochs: int, loss: Any, seed: Any) -> None:
        """Look at the model as it is before the first epoch."""
        self._network, self._loss = model, loss_function(loss)
        self._predict = predictor(model)
        columns, _ = edges_of(model)
        layers = dict(layers_of(model))
        made_of = [layers[name] for name in columns[1:]]
        self._neurons = [[x] if isinstance(x, Neuron) else x.neurons for x in made_of]
        sizes = [len(self._neurons[0][0].w), *map(len, self._neurons)]
        self._shown = [_shown(n) for n in sizes]
        self._columns = columns
        xs = self.rows.xs
        self._plane = Plane(xs, self._values) if xs.shape[1:] == (2,) else None
        n_out = len(flat(nested(self._predict(xs[:1])[0])))
        self._kind = "classes" if n_out > 1 else "two" if len(self._values) == 2 else "number"
        last = self.frames - 1
        self._moments = {round(k * epochs / last) for k in range(self.frames)}
        self._begun = 0
        self._data: dict[str, Any] = {
            "title": self.title or "A network learns",
            "seed": seed if isinstance(seed, int) else 0,
            "rows": len(self.rows),
            "kind": self._kind,
            "classes": self._names(n_out),
            "curves": {},
            "plane": None if self._plane is None else self._plane.described(self.feature_names),
            "points": self._points(),
            "columns": [
                {"name": name, "size": n, "shown": shown}
                for name, n, shown in zip(columns, sizes, self._shown, strict=True)
            ],
            "samples": [self._sample(i) for i in self.samples],
            "frames": [],
        }
        self._shoot()

    def epoch_begins(self, epoch: int) -> None:
        """An epoch, counted from 1, comes next."""
        self._begun = epoch

    def epoch_ends(self, logs: Logs, last: bool = False) -> None:
        """Keep the loss, and a frame if it is time for one."""
        for name in ("loss", "val_loss"):
            if name in logs:
                self._data["curves"].setdefault(name, []).append(rounded(logs[name]))
        if last or self._begun in self._moments:
            self._shoot()

    def finish(self) -> None:
        """The last frame, wherever training ended; an epoch that broke off has no loss."""
        if self._data["frames"][-1]["epoch"] != self._begun:
            self._shoot()

    @property
    def film(self) -> Film:
        """The film so far. Raises RuntimeError if nothing was filmed."""
        if not hasattr(self, "_data"):
            raise RuntimeError(
                "nothing has been filmed yet: call fit(xs, ys, callbacks=[camera]) first"
            )
        return Film(self._data)

    def _shoot(self) -> None:
        frame: dict[str, Any] = {"epoch": self._begun}
        if self._plane is not None:
            shades = self._plane.shades(self._predict(self._plane.rows), self._kind)
            frame["shades"] = b64encode(shades).decode()
        if self._kind != "number":
            frame["wrong"] = self._wrong()
        frame["weights"] = self._of_weights("data")
        frame["looks"] = [self._look(i) for i in self.samples]
        self._data["frames"].append(frame)

    def _wrong(self) -> list[int]:
        """The rows that are answered wrong."""
        found = self._predict(self.rows.xs).reshape(len(self.rows), -1)
        if self._kind == "classes":
            said = found.argmax(axis=1).tolist()
            # Class numbers say which output is meant, whichever of them occur
            single = self._targets.shape[1] == 1
            true = [int(y[0]) for y in self._targets] if single else self._classes
        else:
            said = (found[:, 0] > sum(self._values) / 2.0).astype(int).tolist()
            true = self._classes
        return [i for i, (a, b) in enumerate(zip(said, true, strict=True)) if a != b]

    def _look(self, i: int) -> dict[str, Any]:
        """One sample's way through the network and back."""
        x, y = self.rows.xs[i].tolist(), self.rows.ys[i].tolist()
        values = dict(outputs_of(self._network, x))
        last = list(values.values())[-1]
        error = self._loss([last], [flat(nested(y))])
        for p in self._network.parameters():
            p.grad = 0.0
        error.backward()
        chosen = [
            [values[name][j] for j in shown]
            for name, shown in zip(self._columns, self._shown, strict=True)
        ]
        return {
            "data": [[rounded(v.data) for v in column] for column in chosen],
            "grad": [[rounded(v.grad) for v in column] for column in chosen],
            "weights": self._of_weights("grad"),
            "answer": [rounded(v.data) for v in last],
            "loss": rounded(error.data),
        }

    def _of_weights(self, what: str) -> list[list[list[Any]]]:
        """The data or the grad of the weights shown: for each layer [n_in][n_out]."""
        return [
            [[rounded(getattr(neurons[j].w[i], what)) for j in after] for i in before]
            for neurons, before, after in zip(
                self._neurons, self._shown, self._shown[1:], strict=False
            )
        ]

    def _names(self, n_out: int) -> list[str]:
        if self.class_names is not None:
            return list(self.class_names)
        if self._kind == "classes":
            return [str(k) for k in range(n_out)]
        return [f"{y:g}" for y in self._values] if self._kind == "two" else []

    def _points(self) -> list[list[Any]]:
        """[x1, x2, class or target] of the rows, where there is a plane to show them on."""
        if self._plane is None:
            return []
        marks: list[Any] = self._classes
        if self._kind == "number":
            marks = self._targets[:, 0].tolist()
        elif self._kind == "classes" and self._targets.shape[1] == 1:
            marks = [int(y[0]) for y in self._targets]
        xs = self.rows.xs.tolist()
        pairs = list(zip(xs, marks, strict=True))[:MOST_POINTS]
        return [[rounded(x[0]), rounded(x[1]), m] for x, m in pairs]

    def _sample(self, i: int) -> dict[str, Any]:
        """What the page calls a sample."""
        x, y = flat(nested(self.rows.xs[i])), self._targets[i].tolist()
        inputs = f"({', '.join(f'{a:.3g}' for a in x)})" if len(x) <= 4 else f"row {i}"
        target = ", ".join(f"{a:.3g}" for a in y)
        return {"name": f"{inputs}, target {target}", "row": i, "target": y}


def _shown(n: int) -> list[int]:
    """The neurons of a column of n that are shown."""
    if n <= MOST_NEURONS:
        return list(range(n))
    half = MOST_NEURONS // 2
    return [*range(half), *range(n - half, n)]
