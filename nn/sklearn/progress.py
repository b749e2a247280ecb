"""When to stop: after each epoch, scikit-learn's rule."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, final

from nn.callbacks import Callback, Logs

if TYPE_CHECKING:
    from nn.sklearn.base import MLP

LEAST_RATE = 1e-6  # below it, learning_rate="adaptive" stops after all


@final
class Progress(Callback):
    """Keeps the estimator's record of training, and ends it when it no longer gets better.

    rows: how many are trained on. held_out: (xs, ys) or (xs, ys, weights) to go by, for early
        stopping; None to go by the loss.
    """

    def __init__(self, estimator: "MLP", rows: int, held_out: Sequence[object] = ()) -> None:
        self.estimator, self.rows, self.held_out = estimator, rows, held_out

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.epochs_without_change = 0
        self.best_weights = self.model.state_dict() if self.held_out else None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        mlp, optimizer = self.estimator, self.model.optimizer
        assert logs is not None
        assert optimizer is not None
        mlp.n_iter_ = epoch + 1
        mlp.t_ += self.rows
        mlp.loss_ = logs["loss"]
        mlp.loss_curve_.append(mlp.loss_)
        better = self._better_score() if self.held_out else self._better_loss()
        self.epochs_without_change = 0 if better else self.epochs_without_change + 1
        rates = mlp.learning_rate if mlp.solver == "sgd" else "constant"
        if rates == "invscaling":
            optimizer.lr = mlp.learning_rate_init / (mlp.t_ + 1) ** mlp.power_t
        if self.epochs_without_change > mlp.n_iter_no_change:
            if rates == "adaptive" and optimizer.lr > LEAST_RATE:
                optimizer.lr /= 5.0
                self.epochs_without_change = 0
            else:
                self.model.stop_training = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.best_weights is not None:
            self.model.load_state_dict(self.best_weights)

    def _better_loss(self) -> bool:
        """Whether the loss is the best so far by tol."""
        mlp = self.estimator
        better = bool(mlp.loss_ <= mlp.best_loss_ - mlp.tol)
        mlp.best_loss_ = min(mlp.best_loss_, mlp.loss_)
        return better

    def _better_score(self) -> bool:
        """Whether the score of the rows held out is; the best weights are kept."""
        mlp = self.estimator
        score = mlp.score_of(*self.held_out)
        mlp.validation_scores_.append(score)
        better = bool(score >= mlp.best_validation_score_ + mlp.tol)
        if score > mlp.best_validation_score_:
            mlp.best_validation_score_ = score
            self.best_weights = self.model.state_dict()
        return better
