"""What the classifier and the regressor have in common: parameters, the network, training."""

import warnings
from abc import abstractmethod
from collections.abc import Sequence
from math import inf, nan
from operator import index
from typing import Any, Self, final

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from autograd import LengthError, silence
from nn.errors import HyperparameterError, UnknownNameError
from nn.layers import Dense
from nn.models import Sequential
from nn.optim import OPTIMIZERS, SGD, Adam, Optimizer
from nn.regularizers import L2
from nn.sklearn.progress import Progress
from nn.tables import refuse_masked

ACTIVATIONS = {"identity": "linear", "logistic": "sigmoid"}  # scikit-learn's names: ours
RATES = ("constant", "invscaling", "adaptive")


class MLP(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Base class of both estimators.

    hidden_layer_sizes: the units of each hidden layer.
    activation: of these: "identity", "logistic", "tanh", "relu", or another of nn's.
    solver: "adam" (beta_1, beta_2, epsilon), "sgd" (momentum, nesterovs_momentum), or the name of
        another of nn's optimisers.
    alpha: adds alpha / (2 * rows to an update) * the sum of the squared weights to the loss.
    batch_size: the rows to an update; "auto" is min(200, rows).
    learning_rate, for sgd: "constant"; "invscaling": learning_rate_init / (rows seen) ** power_t;
        "adaptive": divided by 5 where training would otherwise stop.
    max_iter: the most epochs. tol, n_iter_no_change: training stops when more than n_iter_no_change
        epochs in a row did not better the best loss by tol.
    early_stopping: go by the score on a validation_fraction of the rows, which are not trained on,
        and keep the best weights.
    random_state: of the weights, the order of the rows and the choice of those held out.
    warm_start: whether `fit` goes on from the weights there are.
    """

    def __init__(
        self,
        hidden_layer_sizes: Sequence[int] | int = (100,),
        activation: str = "relu",
        *,
        solver: str = "adam",
        alpha: float = 1e-4,
        batch_size: Any = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 1e-3,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool | int = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
    ) -> None:
        self.hidden_layer_sizes, self.activation, self.solver = (
            hidden_layer_sizes, activation, solver,
        )  # fmt: skip
        self.alpha, self.batch_size, self.max_iter = alpha, batch_size, max_iter
        self.learning_rate, self.learning_rate_init = learning_rate, learning_rate_init
        self.power_t, self.shuffle, self.random_state = power_t, shuffle, random_state
        self.tol, self.n_iter_no_change, self.verbose = tol, n_iter_no_change, verbose
        self.warm_start, self.early_stopping = warm_start, early_stopping
        self.validation_fraction = validation_fraction
        self.momentum, self.nesterovs_momentum = momentum, nesterovs_momentum
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    # --- what they differ in ----------------------------------------------------------------------

    @abstractmethod
    def _check_data(self, X: Any, y: Any, start: bool) -> tuple[Any, Any]:
        """The data as arrays [rows, features] and [rows, outputs]. start: for a new network."""

    @abstractmethod
    def _last_layer(self) -> tuple[str, Any]:
        """The last activation, and the loss, which is of what comes before it."""

    @abstractmethod
    def _score(self, outputs: Any, ys: Any, weights: Any) -> float:
        """How good these outputs of the network are."""

    def _strata(self, ys: Any) -> Any:
        """What the rows that are held out have in the same shares as the others."""
        return None

    # --- training ---------------------------------------------------------------------------------

    @final
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on rows X [rows, features] and targets y [rows] or [rows, outputs].

        sample_weight: how much each row counts, next to the others.
        Warns with ConvergenceWarning if max_iter epochs were too few. Raises ValueError for data or
        parameters that make no sense.
        """
        refuse_masked("X", X)
        refuse_masked("y", y)
        start = not (self.warm_start and hasattr(self, "model_"))
        xs, ys = self._check_data(X, y, start)
        arrays = [xs, ys, *_weights(sample_weight, len(xs))]
        held_out: list[Any] = []
        if self.early_stopping:
            parts = train_test_split(
                *arrays,
                test_size=self.validation_fraction,
                random_state=check_random_state(self.random_state),
                stratify=self._strata(ys),
            )
            arrays, held_out = parts[::2], parts[1::2]
            if len(held_out[0]) < 2:
                raise HyperparameterError(
                    f"expected at least 2 rows to validate with, but validation_fraction="
                    f"{self.validation_fraction} of {len(xs)} rows leaves {len(held_out[0])}"
                )
        if start:
            self._make_network(xs, ys)
        self._start_training(*arrays)
        self._train(Progress(self, len(arrays[0]), held_out), index(self.max_iter), *arrays)
        if self.n_iter_ == self.max_iter and not self.model_.stop_training:
            warnings.warn(
                f"training has not converged after max_iter={self.max_iter} epochs",
                ConvergenceWarning,
                stacklevel=2,
            )
        return self

    @final
    def _fit_more(self, xs: Any, ys: Any, sample_weight: Any) -> Self:
        """Train one epoch; the optimiser's state is kept from call to call."""
        if self.early_stopping:
            raise HyperparameterError("expected early_stopping=False for partial_fit, but got True")
        arrays = [xs, ys, *_weights(sample_weight, len(xs))]
        if not hasattr(self, "model_"):
            self._make_network(xs, ys)
            self._start_training(*arrays)
        self._train(Progress(self, len(xs)), 1, *arrays)
        return self

    def _make_network(self, xs: Any, ys: Any) -> None:
        sizes = [index(n) for n in np.atleast_1d(self.hidden_layer_sizes).tolist()]
        activation = ACTIVATIONS.get(self.activation, self.activation)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        # The last layer gives logits: their cross-entropy learns even where a probability is 0 or 1
        layers = [*[Dense(n, activation) for n in sizes], Dense(ys.shape[1])]
        self.model_ = Sequential(layers, seed=seed)
        self.model_.build(xs.shape[1:])
        self.n_layers_, self.n_outputs_ = len(layers) + 1, ys.shape[1]
        self.out_activation_, self._loss = self._last_layer()
        self.t_, self.loss_ = 0, nan
        self.loss_curve_: list[float] = []

    def _start_training(self, xs: Any, ys: Any, weights: Any = None) -> None:
        """Say how to train, from a fresh state of the optimiser."""
        if self.learning_rate not in RATES:
            raise UnknownNameError("learning_rate", self.learning_rate, RATES)
        counted = self._batch_size(len(xs)) * (1.0 if weights is None else np.mean(weights))
        for layer in self.model_.layers:
            assert isinstance(layer, Dense)
            layer.kernel_regularizer = L2(float(self.alpha / (2.0 * counted)))
        self.model_.compile(self._optimizer(), self._loss)
        by_score = self.early_stopping
        self.best_loss_: Any = None if by_score else inf
        self.validation_scores_: Any = [] if by_score else None
        self.best_validation_score_: Any = -inf if by_score else None

    def _train(
        self, progress: Progress, epochs: int, xs: Any, ys: Any, weights: Any = None
    ) -> None:
        self.n_iter_ = 0
        # part of the classes, and columns on any scale, are what scikit-learn's estimators take
        with silence("constant-label", "unscaled-input"):
            self._fit_model(progress, epochs, xs, ys, weights)

    def _fit_model(self, progress: Progress, epochs: int, xs: Any, ys: Any, weights: Any) -> None:
        self.model_.fit(
            xs,
            ys,
            self._batch_size(len(xs)),
            epochs,
            verbose=2 if self.verbose else 0,
            callbacks=[progress],
            shuffle=self.shuffle,
            sample_weight=None if weights is None else weights / np.mean(weights),
        )

    def _batch_size(self, rows: int) -> int:
        size = 200 if self.batch_size == "auto" else index(self.batch_size)
        if size < 1:
            raise HyperparameterError(f"expected batch_size from 1, or 'auto', but got {size}")
        return min(size, rows)

    def _optimizer(self) -> Optimizer:
        lr = self.learning_rate_init
        if self.solver == "adam":
            return Adam(lr=lr, betas=(self.beta_1, self.beta_2), eps=self.epsilon)
        if self.solver == "sgd":
            nesterov = bool(self.nesterovs_momentum and self.momentum)
            return SGD(lr=lr, momentum=self.momentum, nesterov=nesterov)
        if self.solver not in OPTIMIZERS:
            raise UnknownNameError("solver", self.solver, OPTIMIZERS)
        return OPTIMIZERS[self.solver](lr=lr)

    # --- what was learned -------------------------------------------------------------------------

    @final
    def _outputs(self, X: Any) -> Any:
        """What the network gives for rows X, before the last activation: [rows, outputs]."""
        check_is_fitted(self)
        refuse_masked("X", X)
        return self.model_.predict(validate_data(self, X, reset=False, dtype=float))

    @final
    def score_of(self, xs: Any, ys: Any, weights: Any = None) -> float:
        """The score of rows that are checked already; nan if the network overflows."""
        outputs = self.model_.predict(xs)
        return self._score(outputs, ys, weights) if np.isfinite(outputs).all() else nan

    @property
    def coefs_(self) -> list[Any]:
        """The weights of each layer, [inputs, units]."""
        return [np.array(layer.get_weights()[0]) for layer in self.model_.layers]

    @property
    def intercepts_(self) -> list[Any]:
        """The biases of each layer, [units]."""
        return [np.array(layer.get_weights()[1]) for layer in self.model_.layers]


def _weights(given: Any, rows: int) -> list[Any]:
    """The weights of the rows as an array, if there are any."""
    if given is None:
        return []
    weights = np.asarray(given, float)
    if weights.shape != (rows,):
        raise LengthError(f"expected a weight for each of {rows} rows, but got {weights.shape}")
    if not (np.isfinite(weights).all() and np.min(weights) >= 0.0 and weights.any()):
        raise HyperparameterError(
            "expected sample_weight of finite weights from 0, not all of them zero, but got "
            f"{given!r:.80}"
        )
    return [weights]
