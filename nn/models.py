"""Sequential: layers one after another, with Keras's compile, fit, evaluate and predict."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count
from math import prod
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, final
from weakref import proxy

from autograd import LengthError, jit, no_grad
from nn.activations import activation_function
from nn.callbacks import Callback, callbacks_of
from nn.course import Course, whole
from nn.errors import HyperparameterError, NotCompiledError
from nn.fit import CompiledEngine, EagerEngine, Evaluation, Objective, Rows, Sums, engine
from nn.history import History
from nn.interrupts import set_at_once
from nn.layers import Activation, Dense
from nn.layers.base import Pass, SequentialLayer, flat, nested, shape_of
from nn.losses import loss_function
from nn.metrics import Metric, WholeMetric, metric_named
from nn.module import Module, name_parts
from nn.optim import Optimizer, optimizer_named
from nn.rows import prepare_held_out, prepare_rows, split_off
from nn.tables import numbers_in_rows
from nn.traps.before import before_fit
from nn.traps.files import look_at_suffix
from nn.traps.graph import look_at_graph, place_of_cut

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from nn.distributed.training import SharedEngine, Workers

Loss = Callable[[Any, Any], Any]


@final
class Sequential(Module):
    """Layers one after another, each fed by the one before.

    layers: more can be added until the model is trained. seed: what the weights are drawn from, and
    by default dropout and the order of the rows.
    """

    def __init__(
        self, layers: Iterable[SequentialLayer] = (), *, name: str = "sequential", seed: int = 0
    ) -> None:
        self.layers: list[SequentialLayer] = []
        self.name, self.seed = name, seed
        self._rng = Random(seed)
        self.optimizer: Optimizer | None = None
        self.epochs_trained = 0
        # of an epoch that is not over: the updates before it, and fit's rows, batch_size and seed
        self.begun: list[int] | None = None
        # of a model file that could not name the optimiser or the loss: for the next `compile`
        self.saved_training: dict[str, Any] | None = None
        self.stop_training = False  # a callback sets it to end training after this epoch
        self._forget_programs()
        for layer in layers:
            self.add(layer)

    # --- layers -----------------------------------------------------------------------------------

    def add(self, layer: SequentialLayer) -> None:
        """Put a layer at the end.

        Raises HyperparameterError if it does not take what the one before gives.
        """
        if not isinstance(layer, SequentialLayer):
            raise TypeError(
                f"expected a layer such as Dense(8, activation='relu'), but got {layer!r:.80}"
            )
        if any(layer is other for other in self.layers):
            raise HyperparameterError(f"layer {layer.name!r} is in this model already")
        if self.layers and self.layers[-1].built:
            layer.build(self.layers[-1].output_shape, self._rng)
        elif not self.layers and layer.input_shape is not None:
            layer.build(layer.input_shape, self._rng)
        taken = {other.name for other in self.layers}
        layer.name = next(n for n in _numbered(str(layer.name)) if n not in taken)
        self.layers.append(layer)
        self._changed()

    def pop(self) -> None:
        """Take the last layer away."""
        if not self.layers:
            raise LengthError("expected a layer to take away, but there is none")
        self.layers.pop()
        self._changed()

    def build(self, input_shape: Sequence[int]) -> None:
        """Make the weights, for rows of this shape, where that has not been done."""
        shape = tuple(input_shape)
        for layer in self.layers:
            layer.build(shape, self._rng)
            shape = layer.output_shape
        self._changed()

    @property
    def built(self) -> bool:
        """Whether the weights are there."""
        return bool(self.layers) and self.layers[-1].built

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of one row."""
        self._check_built()
        shape = self.layers[0].input_shape
        assert shape is not None
        return shape

    @property
    def output_shape(self) -> tuple[int, ...]:
        """The shape of one row's prediction."""
        self._check_built()
        return self.layers[-1].output_shape

    def _changed(self) -> None:
        name_parts(self)
        self._forget_programs()
        self.saved_training = None
        if self.optimizer is not None:
            self._objective = Objective(self, self.loss, self.metrics)
            if self.built:
                self.optimizer.bind(self.parameters())

    def _forget_programs(self) -> None:
        self._engines: dict[Any, tuple[Any, str]] = {}
        self._evaluation: Evaluation | None = None
        self._fast_predict: Any = None

    def _check_built(self) -> None:
        if not self.built:
            raise RuntimeError(
                "the model does not know the shape of its input yet: give the first layer an "
                "input_dim or input_shape, call build(input_shape), or fit it to data"
            )

    # --- one row ----------------------------------------------------------------------------------

    def row(self, x: Any, run: Pass) -> Any:
        """The output for one row as nested lists, of numbers of any kind."""
        for layer in self.layers:
            x = layer.row(x, run)
        return x

    def checked_row(self, x: Any) -> Any:
        """The output for one row, in inference mode.

        Raises LengthError for a layer that gives another shape than it said when it was built.
        """
        for layer in self.layers:
            before, x = x, layer.row(x, Pass())
            if shape_of(nested(x)) != layer.output_shape:
                raise LengthError(
                    f"expected {layer.name!r} to give rows of shape {layer.output_shape}, as its "
                    f"prepare() says, but its row() gave shape {shape_of(nested(x))} for one of "
                    f"shape {shape_of(nested(before))}; mend the one or the other"
                )
        return x

    def row_and_sums(self, x: Any, run: Pass) -> tuple[Any, Any]:
        """The output for one row, and what the last activation made it of, if there is one."""
        for layer in self.layers[:-1]:
            x = layer.row(x, run)
        last = self.layers[-1]
        if isinstance(last, Dense):
            sums = last.sums([x])
            return last.outputs(sums, run)[0], sums[0]
        return last.row(x, run), x if isinstance(last, Activation) else None

    @property
    def last_activation(self) -> Any:
        """The function that makes the output of its sums; None if the last layer has none."""
        last = self.layers[-1]
        return activation_function(getattr(last, "activation", None) or "linear")

    def forward(self, x: Any) -> Any:
        """The output, as nodes, for a row or a list of rows, in inference mode."""
        self._check_built()
        for layer in self.layers:
            x = layer(x)
        return x

    @property
    def random_numbers(self) -> int:
        """How many uniform random numbers a row takes in training."""
        return sum(layer.random_numbers for layer in self.layers)

    def penalty(self) -> list[Any]:
        """What the regularisers of the weights add to the loss."""
        return [term for layer in self.layers for term in layer.penalty()]

    def constraints(self) -> list[Any]:
        """Functions to apply after each update, with the weights they take and give."""
        return [pair for layer in self.layers for pair in layer.constraints()]

    # --- training ---------------------------------------------------------------------------------

    def compile(
        self,
        optimizer: str | Optimizer = "rmsprop",
        loss: str | Loss | None = None,
        metrics: Sequence[Any] = (),
        *,
        compiled: bool | None = None,
    ) -> None:
        """Say how to train.

        optimizer: a name such as "adam", or an optimiser such as Adam(lr=0.01).
        loss: a name, or a function loss(predictions, targets) of lists of rows.
        metrics: names, or objects of nn.metrics.
        compiled: whether training and evaluation run as machine code: by default where the layers
            and the loss allow it; True raises an error where they do not.
        The optimiser begins afresh, but for the first one after `nn.load` of a model whose loss,
        schedule or optimiser was code: it goes on from the saved state if it is of the same kind.
        Raises UnknownNameError for a name that is not known.
        """
        if loss is None:
            raise HyperparameterError(
                'expected a loss, such as loss="mse" or loss="binary_crossentropy", but got none'
            )
        self.optimizer, self.loss = optimizer_named(optimizer), loss_function(loss)
        if self.built:
            self.optimizer.bind(self.parameters())
        wanted = [metric_named(m) for m in ([metrics] if isinstance(metrics, str) else metrics)]
        self.metrics = [m for m in wanted if isinstance(m, Metric)]
        self.whole_metrics = [m for m in wanted if isinstance(m, WholeMetric)]
        self.compiled = compiled
        self._objective = Objective(self, self.loss, self.metrics)
        self._forget_programs()
        if self.saved_training is not None:
            told, columns = (self.saved_training[x] for x in ("told", "columns"))
            self.optimizer.go_on_from(told.get("class", ""), told["steps"], columns)
            self.saved_training = None

    def fit(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | None = 32,
        epochs: int = 1,
        verbose: int | str = "auto",
        callbacks: Callback | Sequence[Callback] | None = (),
        validation_split: float = 0.0,
        validation_data: Sequence[Any] | None = None,
        shuffle: bool = True,
        class_weight: dict[int, float] | None = None,
        sample_weight: Any = None,
        seed: int | None = None,
        executor: "Executor | Callable[[], Executor] | None" = None,
        shards: int | None = None,
        timeout: float | None = None,
    ) -> History:
        """Train on inputs x [rows, ...] and targets y [rows] or [rows, n_out].

        batch_size: the samples to an update, 1 for stochastic; None for all rows; the last batch of
            an epoch may be short. So there are epochs * ceil(rows / batch_size) updates.
        verbose: 1 for a bar for each epoch, 2 for a line, 0 for nothing.
        validation_split: the share of the rows, at the end of x, that is not trained on, but
            evaluated after each epoch; validation_data: (x, y) or (x, y, weights) instead.
        class_weight: how much each class counts in the loss, by number; sample_weight: each row.
        seed: of the order of the rows and of dropout; by default the model's. The same seed and
            data give the same numbers, also when training is interrupted and goes on.
        executor: computes the gradient of each batch in `shards` parts, by default as many as it
            has workers (docs/many.md): any `concurrent.futures.Executor`, or what makes one, such
            as nn.processes(4). The numbers depend on shards alone. timeout: the seconds after which
            workers that do not answer are given up, with WorkerTimeoutError.

        Ctrl-C ends it and keeps what was learned, as does a loss that is nan or infinite. An epoch
        that Ctrl-C ended goes on with its other rows at the next call for as many rows. Raises
        LengthError if x and y differ in length or there are none.
        """
        self._check_compiled()
        callbacks = callbacks_of(callbacks)
        seed = self.seed if seed is None else seed
        rows = prepare_rows(x, y, sample_weight, class_weight)
        if validation_data is not None:
            held_out: Rows | None = prepare_held_out(validation_data)
        else:
            rows, held_out = split_off(rows, validation_split)
        self.prepare_for(rows)
        if held_out is not None:
            self.prepare_for(held_out, "validation_data's x")
        size = len(rows) if batch_size is None else whole("batch_size", batch_size, 1)
        targets = None if held_out is None else held_out.ys
        in_order = not shuffle and size < len(rows)
        before_fit(self, x, rows.xs, rows.ys, targets, in_order, callbacks)
        epochs = whole("epochs", epochs, 0)
        given = (self, rows, held_out, size, shuffle, seed, callbacks, verbose)
        if executor is None:
            if (shards, timeout) != (None, None):
                raise HyperparameterError(
                    "expected shards and timeout with an executor, such as nn.processes(4), but "
                    f"got {shards=} and {timeout=} without one"
                )
            return Course(*given).run(epochs)
        from nn.distributed.crew import Crew
        from nn.distributed.training import Workers

        with Crew(executor, timeout) as crew:
            return Course(*given, Workers(crew, shards)).run(epochs)

    def evaluate(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        verbose: int | str = 0,
        return_dict: bool = False,
    ) -> Any:
        """The loss and the metrics on these rows, without training.

        Gives the loss alone if there are no metrics, a list with the loss first, or with
        return_dict=True a dict by name.
        """
        self._check_compiled()
        rows = prepare_rows(x, y, sample_weight)
        self.prepare_for(rows)
        logs = self.logs_of(self.evaluate_rows(rows), rows)
        if verbose not in (0, "auto"):
            print(" - ".join(f"{name}: {value:.4f}" for name, value in logs.items()))
        if return_dict:
            return logs
        return list(logs.values()) if len(logs) > 1 else logs["loss"]

    def predict(self, x: Any) -> Any:
        """The outputs for rows x [rows, ...]: an array [rows, ...]; of a row with nan, mostly nan.

        Raises OperandError for what is no number, LengthError for rows of another shape.
        """
        import numpy as np

        xs = numbers_in_rows("x", x, finite=False)
        if not self.built:
            self.build(xs.shape[1:])
        if xs.shape[1:] != self.input_shape:
            raise LengthError(
                f"expected rows of shape {self.input_shape}, but got x of shape {xs.shape}"
                + ("; one row goes as [row]" if xs.shape == self.input_shape else "")
            )
        shape = (len(xs), *self.output_shape)
        if not len(xs):
            return np.empty(shape)

        model = proxy(self)  # a model that held itself would outlive its last name

        def of_row(row: Any) -> Any:
            return flat(model.row(nested(row), Pass()))

        try:
            if self._fast_predict is None:
                self._fast_predict = jit(of_row, batch_argnums=0, mean=False)
            columns = self._fast_predict(xs)
            return np.stack(columns, axis=1).reshape(shape)
        except TypeError:  # a layer that cannot be traced
            with no_grad():
                found = [[getattr(p, "data", p) for p in of_row(row)] for row in xs.tolist()]
            return np.array(found).reshape(shape)

    def summary(self) -> None:
        """Print each layer with its output's shape and the number of its parameters."""
        rows = [("Layer", "Output shape", "Param #")]
        for layer in self.layers:
            shape = str((None, *layer.output_shape)) if layer.built else "?"
            title = f"{layer.name} ({type(layer).__name__})"
            rows.append((title, shape, f"{len(layer.parameters()):,}"))
        widths = [max(len(row[k]) for row in rows) + 2 for k in range(3)]
        lines = ["".join(x.ljust(w) for x, w in zip(row, widths, strict=True)) for row in rows]
        rule = "─" * sum(widths)
        total = f"Total params: {len(self.parameters()):,}"
        print("\n".join([f'Model: "{self.name}"', rule, lines[0], rule, *lines[1:], rule, total]))

    def get_weights(self) -> list[Any]:
        """The weights of all layers in Keras's order and arrangement."""
        return [weights for layer in self.layers for weights in layer.get_weights()]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Set the weights of all layers.

        Raises LengthError if their number or shapes differ; nothing is changed then.
        """
        rest = list(weights)
        parts = [len(layer.get_weights()) for layer in self.layers]
        if len(rest) != sum(parts):
            raise LengthError(f"expected {sum(parts)} arrays of weights, but got {len(rest)}")
        parameters = self.parameters()
        before = [p.data for p in parameters]
        try:
            for layer, n in zip(self.layers, parts, strict=True):
                layer.set_weights(rest[:n])
                rest = rest[n:]
        except BaseException:
            set_at_once(parameters, ["data"] * len(before), before)
            raise

    def save(self, path: str | Path) -> None:
        """Write the model to a safetensors file, which `nn.load` reads back; see nn/io.py."""
        from nn.io import save

        look_at_suffix(self, path)
        save(self, path)

    def __getstate__(self) -> dict[str, Any]:
        """Copies and pickles compile anew: machine code stays in its process."""
        compiled = dict.fromkeys(("_evaluation", "_fast_predict"))
        # the objective of a copy is its own
        return vars(self) | compiled | {"_engines": {}, "_objective": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        if self.optimizer is not None:
            self._objective = Objective(self, self.loss, self.metrics)

    def describe(self) -> str:
        return f"{self.input_shape} -> {self.output_shape}" if self.built else "not built"

    # --- what these have in common ----------------------------------------------------------------

    def _check_compiled(self) -> Optimizer:
        if self.optimizer is None:
            raise NotCompiledError(
                'expected a model that knows how to train; call compile(optimizer="adam", '
                'loss="mse") first'
            )
        return self.optimizer

    def prepare_for(self, rows: Rows, name: str = "x") -> None:
        """Build the model for these rows, and refuse those that do not fit it or its loss."""
        self._check_compiled()
        self._build_for(rows, name)
        self._objective.check(rows)

    def _build_for(self, rows: Rows, name: str) -> None:
        if not self.layers:
            raise LengthError("expected a model with layers, but there are none; add() some")
        if not self.built:
            self.build(rows.xs.shape[1:])
        if rows.xs.shape[1:] != self.input_shape:
            shape = rows.xs.shape
            hint = ""
            if prod(shape[1:]) == prod(self.input_shape) and len(shape) > 2:
                hint = f"; begin with Flatten(input_shape={shape[1:]}), or Reshape"
            elif len(shape) == 1:
                hint = "; one column goes as x[:, None]"
            raise LengthError(
                f"expected rows of shape {self.input_shape}, but got {name} of shape {shape}{hint}"
            )

    def engine_for(
        self, rows: Rows, workers: "Workers | None" = None
    ) -> tuple["EagerEngine | CompiledEngine | SharedEngine", str]:
        """The engine for these rows; one that was compiled for their like serves again."""
        optimizer = self._check_compiled()
        key: Any = tuple(
            [(name, a.shape[1:]) for name, a in zip(rows.names, rows.arrays, strict=True)]
        )
        if workers is not None:
            key = (key, "workers")
        if key not in self._engines:
            params, first = optimizer.params, nested(rows.xs[0])
            losses = self._objective.losses(rows)
            look_at_graph(self, params, losses, lambda: place_of_cut(self, first, params))
            make: Any = engine
            if workers is not None:
                from nn.distributed.training import shared_engine as make
            self._engines[key] = make(self._objective, optimizer, rows, self.compiled)
        run, reason = self._engines[key]
        run.use(rows)
        if workers is not None:
            run.employ(workers)
        return run, reason

    def evaluate_rows(self, rows: Rows) -> Sums:
        """The means of the loss and of what the metrics count, without training."""
        if self._evaluation is None:
            self._evaluation = Evaluation(self._objective, self.compiled)
        return self._evaluation(rows)

    def logs_of(self, sums: Sums, rows: Rows) -> dict[str, float]:
        """The loss and the metrics by name."""
        logs = {"loss": sums.loss, **self._objective.results(sums.counts)}
        if self.whole_metrics:
            predictions = self.predict(rows.xs)
            logs |= {m.name: m.compute(predictions, rows.ys) for m in self.whole_metrics}
        return logs


def _numbered(name: str) -> Iterator[str]:
    """The name, then name_1, name_2 ..."""
    yield name
    yield from (f"{name}_{k}" for k in count(1))
