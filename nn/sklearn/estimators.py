"""The classifier and the regressor."""

from functools import partial
from typing import Any, Self, final

import numpy as np
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.metrics import accuracy_score, r2_score
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import unique_labels
from sklearn.utils.validation import validate_data

from nn.errors import TargetError
from nn.losses import binary_cross_entropy, categorical_cross_entropy, half_mse
from nn.sklearn.base import MLP


@final
class MLPClassifier(ClassifierMixin, MLP):  # type: ignore[misc]
    """A classifier: hidden layers, then a sigmoid for two classes, a softmax for several.

    With y [rows, labels] of 0 and 1, a row may have several labels, and each gets a sigmoid.
    The parameters are those of `nn.sklearn.base.MLP`. Raises ValueError for y of a single class.
    """

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Self:
        """Train one epoch on these rows. classes: all there will be, needed in the first call."""
        start = not hasattr(self, "model_")
        if start and classes is None:
            raise TargetError("expected classes in the first call of partial_fit, but got None")
        return self._fit_more(*self._check_data(X, y, start, classes), sample_weight)

    def predict(self, X: Any) -> Any:
        """The likeliest class of each row, [rows]; of several labels, [rows, labels] of 0 and 1."""
        return self._answers(self._outputs(X))

    def predict_proba(self, X: Any) -> Any:
        """The probability of each class, [rows, classes], in the order of `classes_`."""
        return self._probabilities(self._outputs(X), expit, softmax)

    def predict_log_proba(self, X: Any) -> Any:
        """The logarithms of `predict_proba`, exact also where a probability rounds to 0 or 1."""
        return self._probabilities(self._outputs(X), log_expit, log_softmax)

    def _probabilities(self, logits: Any, of_one: Any, of_row: Any) -> Any:
        if self.out_activation_ == "softmax":
            return of_row(logits, axis=1)
        return of_one(np.hstack([-logits, logits]) if self.n_outputs_ == 1 else logits)

    def _answers(self, logits: Any) -> Any:
        if self.out_activation_ == "softmax":
            return self.classes_[np.argmax(logits, axis=1)]
        likely = (logits > 0.0).astype(int)  # a probability above one half
        return self.classes_[likely[:, 0]] if self.n_outputs_ == 1 else likely

    def _check_data(self, X: Any, y: Any, start: bool, classes: Any = None) -> tuple[Any, Any]:
        xs, labels = validate_data(self, X, y, multi_output=True, dtype=float, reset=start)
        if labels.ndim == 2 and labels.shape[1] == 1:
            labels = column_or_1d(labels, warn=True)
        if start:
            self._binarizer = LabelBinarizer().fit(labels if classes is None else classes)
            self.classes_ = self._binarizer.classes_
            if len(self.classes_) < 2:
                raise TargetError(
                    f"expected y of at least 2 classes, but got 1 class: {self.classes_}"
                )
        unknown = np.setdiff1d(unique_labels(labels), self.classes_)
        if len(unknown):
            raise TargetError(
                f"expected y of the classes {self.classes_}, but got {unknown} too; a new network "
                "is made by fit with warm_start=False"
            )
        return xs, self._binarizer.transform(labels).astype(float)

    def _strata(self, ys: Any) -> Any:
        several = self._binarizer.y_type_.startswith("multilabel")
        return None if several else self._binarizer.inverse_transform(ys)

    def _last_layer(self) -> tuple[str, Any]:
        if self._binarizer.y_type_ == "multiclass":
            return "softmax", partial(categorical_cross_entropy, from_logits=True)
        return "logistic", _log_loss

    def _score(self, outputs: Any, ys: Any, weights: Any) -> float:
        truth = self._binarizer.inverse_transform(ys)
        return float(accuracy_score(truth, self._answers(outputs), sample_weight=weights))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def _log_loss(predictions: Any, targets: Any) -> Any:
    """Binary cross-entropy of logits, summed over the labels."""
    return len(predictions[0]) * binary_cross_entropy(predictions, targets, from_logits=True)


@final
class MLPRegressor(RegressorMixin, MLP):  # type: ignore[misc]
    """A regressor: hidden layers, then sums. The loss is half the squared error.

    With y [rows, outputs] it predicts as many numbers for each row.
    The parameters are those of `nn.sklearn.base.MLP`.
    """

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train one epoch on these rows."""
        start = not hasattr(self, "model_")
        return self._fit_more(*self._check_data(X, y, start), sample_weight)

    def predict(self, X: Any) -> Any:
        """The predicted numbers, [rows] or [rows, outputs]."""
        outputs = self._outputs(X)
        return outputs[:, 0] if self.n_outputs_ == 1 else outputs

    def _check_data(self, X: Any, y: Any, start: bool) -> tuple[Any, Any]:
        xs, ys = validate_data(
            self, X, y, multi_output=True, y_numeric=True, dtype=float, reset=start
        )
        if ys.ndim == 2 and ys.shape[1] == 1:
            ys = column_or_1d(ys, warn=True)
        return xs, ys.astype(float).reshape(len(xs), -1)

    def _last_layer(self) -> tuple[str, Any]:
        return "identity", half_mse

    def _score(self, outputs: Any, ys: Any, weights: Any) -> float:
        return float(r2_score(ys, outputs, sample_weight=weights))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
