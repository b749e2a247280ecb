"""nn.sklearn: estimators that scikit-learn's own checks, tools and figures agree with."""

import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from sklearn import neural_network as peers
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from nn import HyperparameterError, TargetError, UnknownNameError
from nn.sklearn import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore::sklearn.exceptions.SkipTestWarning",  # of the two that skip scikit-learn's own, too
)

IRIS = load_iris(return_X_y=True)


def iris(classes: int = 3) -> tuple[Any, Any]:
    """Standardised rows of the first classes."""
    xs, ys = IRIS
    few = ys < classes
    return StandardScaler().fit_transform(xs[few]), ys[few]


@parametrize_with_checks([MLPClassifier(), MLPRegressor()])
def test_scikit_learns_own_checks(estimator: Any, check: Any) -> None:
    """Every check that scikit-learn has for its estimators passes; none is expected to fail."""
    check(estimator)


# --- as scikit-learn's own ------------------------------------------------------------------------


def twins(make: Any, peer: Any, xs: Any, ys: Any, **options: Any) -> tuple[Any, Any]:
    """Ours and scikit-learn's estimator, trained from the same weights."""
    pair = []
    for cls in (make, peer):
        first = cls(max_iter=1, warm_start=True, random_state=0, **options).fit(xs, ys)
        pair.append(first.set_params(max_iter=30))
    ours, theirs = pair
    weights = zip(theirs.coefs_, theirs.intercepts_, strict=True)
    ours.model_.set_weights([part for layer in weights for part in layer])
    for estimator in pair:
        estimator.loss_curve_.clear()
        estimator.t_ = 0
        estimator.fit(xs, ys)
    return ours, theirs


SGD = {"solver": "sgd", "learning_rate_init": 0.05, "alpha": 0.5}


@pytest.mark.parametrize(
    "options",
    [
        {"nesterovs_momentum": True},
        {"nesterovs_momentum": False},
        {"momentum": 0.0},
        {"activation": "logistic", "hidden_layer_sizes": (7, 5)},
        {"activation": "tanh", "hidden_layer_sizes": 6},
        {"activation": "identity", "hidden_layer_sizes": ()},
        {"batch_size": 25, "shuffle": False},
        {"learning_rate": "invscaling", "power_t": 0.3, "momentum": 0.0},
        {"learning_rate": "adaptive", "tol": 0.02, "n_iter_no_change": 2, "momentum": 0.0},
    ],
    ids=str,
)
def test_sgd_goes_the_way_of_scikit_learns(options: dict[str, Any]) -> None:
    """From the same weights: the same losses, weights, probabilities and number of epochs."""
    options = SGD | {"hidden_layer_sizes": (8,)} | options
    xs, ys = iris()
    ours, theirs = twins(MLPClassifier, peers.MLPClassifier, xs, ys, **options)
    assert ours.loss_curve_ == pytest.approx(theirs.loss_curve_, rel=1e-10)
    for a, b in zip(
        ours.coefs_ + ours.intercepts_, theirs.coefs_ + theirs.intercepts_, strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(ours.predict_proba(xs), theirs.predict_proba(xs), rtol=1e-9)
    for name in ("n_iter_", "t_", "n_layers_", "n_outputs_", "out_activation_", "n_features_in_"):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert ours.best_loss_ == pytest.approx(min(ours.loss_curve_))


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("kind", ["two classes", "several labels", "numbers", "several numbers"])
def test_every_kind_of_target_goes_the_way_of_scikit_learns(kind: str, solver: str) -> None:
    """From the same weights the same after 30 epochs; by Adam, whose epsilon differs, nearly."""
    xs, classes = iris(2 if kind == "two classes" else 3)
    ys = {
        "two classes": classes,
        "several labels": np.stack([classes > 0, classes < 2], axis=1).astype(int),
        "numbers": xs[:, 0] - 2.0 * classes,
        "several numbers": np.stack([xs[:, 0], classes, -xs[:, 1]], axis=1),
    }[kind]
    make, peer = (
        (MLPRegressor, peers.MLPRegressor)
        if "numbers" in kind
        else (MLPClassifier, peers.MLPClassifier)
    )
    options = {"solver": solver, "hidden_layer_sizes": (8,), "learning_rate_init": 0.01}
    ours, theirs = twins(make, peer, xs, ys, **options)
    rel = 1e-9 if solver == "sgd" else 1e-3
    for a, b in zip(ours.coefs_, theirs.coefs_, strict=True):
        np.testing.assert_allclose(a, b, rtol=rel, atol=rel / 10)
    np.testing.assert_allclose(ours.predict(xs), theirs.predict(xs), rtol=rel, atol=rel)
    assert ours.score(xs, ys) == pytest.approx(theirs.score(xs, ys), rel=rel)
    assert ours.out_activation_ == theirs.out_activation_


def test_parameters_are_scikit_learns() -> None:
    """Each parameter is one of scikit-learn's, with its default."""
    for make, peer in ((MLPClassifier, peers.MLPClassifier), (MLPRegressor, peers.MLPRegressor)):
        ours, theirs = make().get_params(), peer().get_params()
        assert ours.items() <= theirs.items()
        assert theirs.keys() - ours.keys() <= {"loss", "max_fun"}  # max_fun is of L-BFGS


def test_weights_count_like_repeated_rows() -> None:
    """A row of weight 2 is two rows, also next to the penalty; the scale of all does not matter."""
    xs, ys = iris()
    weights = np.where(ys == 1, 2.0, 1.0)
    twice = np.repeat(np.arange(len(ys)), weights.astype(int))
    options = {"hidden_layer_sizes": (5,), "batch_size": 500, "max_iter": 20, "random_state": 1}
    options |= SGD
    repeated = MLPClassifier(**options).fit(xs[twice], ys[twice])
    weighted = MLPClassifier(**options).fit(xs, ys, weights)
    np.testing.assert_allclose(weighted.coefs_[0], repeated.coefs_[0], rtol=1e-9, atol=1e-12)
    unpenalised = [
        MLPClassifier(**options | {"alpha": 0.0}).fit(xs, ys, scale * weights)
        for scale in (1.0, 1e-3)
    ]
    np.testing.assert_allclose(unpenalised[0].coefs_[0], unpenalised[1].coefs_[0], rtol=1e-9)


# --- in scikit-learn's tools ----------------------------------------------------------------------


def test_in_a_pipeline() -> None:
    """A classifier behind a StandardScaler is right on most of breast cancer's held-out rows."""
    xs, ys = load_breast_cancer(return_X_y=True)
    mlp = MLPClassifier((16,), max_iter=60, random_state=0, learning_rate_init=0.01)
    scores = cross_val_score(make_pipeline(StandardScaler(), mlp), xs, ys, cv=3)
    assert min(scores) > 0.95


def test_in_a_grid_search() -> None:
    """A search takes NumPy's integers, finds that enough epochs are better than one, and refits."""
    xs, ys = iris()
    grid = {"max_iter": np.array([1, 80]), "hidden_layer_sizes": [(8,), np.array([8, 4])]}
    mlp = MLPClassifier(random_state=0, learning_rate_init=0.02)
    search = GridSearchCV(mlp, grid, cv=3, error_score="raise").fit(xs, ys)
    assert search.best_params_["max_iter"] == 80
    assert search.score(xs, ys) > 0.95


def test_a_regressor_learns_diabetes() -> None:
    """It explains more than a third of the variance of held-out rows, as linear models do."""
    xs, ys = load_diabetes(return_X_y=True)
    ys = (ys - ys.mean()) / ys.std()
    mlp = MLPRegressor((16,), max_iter=60, random_state=0, learning_rate_init=0.01, alpha=1.0)
    assert np.mean(cross_val_score(mlp, xs * 20.0, ys, cv=3)) > 0.35


def test_unscaled_rows_are_learned_all_the_same() -> None:
    """Where the first probabilities round to 0 and 1 there is a gradient: the loss takes logits."""
    xs, ys = load_breast_cancer(return_X_y=True)
    mlp = MLPClassifier((8,), random_state=2, max_iter=100).fit(xs * 100.0, ys)
    assert mlp.loss_curve_[0] > 1000.0
    assert mlp.loss_ < mlp.loss_curve_[0] / 100.0
    assert mlp.score(xs * 100.0, ys) > 0.8


@pytest.mark.parametrize("make", [MLPClassifier, MLPRegressor])
def test_clone_and_pickle(make: Any) -> None:
    """A clone has the parameters alone; a pickled copy predicts the same and goes on the same."""
    xs, ys = iris()
    mlp = make((5,), max_iter=3, random_state=0, warm_start=True).fit(xs, ys)
    assert clone(mlp).get_params() == mlp.get_params()
    with pytest.raises(NotFittedError):
        clone(mlp).predict(xs)
    copy = pickle.loads(pickle.dumps(mlp))
    np.testing.assert_array_equal(copy.predict(xs), mlp.predict(xs))
    for estimator in (mlp, copy):
        estimator.partial_fit(xs, ys)
    np.testing.assert_array_equal(copy.coefs_[0], mlp.coefs_[0])


def test_columns_have_names() -> None:
    """Of a data frame the columns' names are kept, and others refused."""
    frame = load_iris(as_frame=True)
    mlp = MLPClassifier((4,), max_iter=2, random_state=0).fit(frame.data, frame.target)
    assert list(mlp.feature_names_in_) == list(frame.data.columns)
    with pytest.raises(ValueError, match="feature names"):
        mlp.predict(frame.data.rename(columns=str.upper))


def test_classes_keep_their_names() -> None:
    """Classes may be words; the columns of the probabilities follow `classes_`."""
    xs, ys = iris()
    words = np.array(["setosa", "virginica", "versicolor"])[ys]  # not in the alphabet's order
    mlp = MLPClassifier((8,), max_iter=80, random_state=0, learning_rate_init=0.02).fit(xs, words)
    assert list(mlp.classes_) == ["setosa", "versicolor", "virginica"]
    assert mlp.score(xs, words) > 0.95
    best = mlp.classes_[mlp.predict_proba(xs).argmax(axis=1)]
    assert list(best) == list(mlp.predict(xs))


def test_logarithms_are_exact() -> None:
    """Logarithms are those of the probabilities, and finite where a probability rounds to 0."""
    for classes in (2, 3):
        xs, ys = iris(classes)
        mlp = MLPClassifier((8,), max_iter=20, random_state=0).fit(xs, ys)
        logs = mlp.predict_log_proba(xs)
        np.testing.assert_allclose(np.exp(logs), mlp.predict_proba(xs), rtol=1e-12)
        far = xs * 1e5
        assert (mlp.predict_proba(far) == 0.0).any()
        assert np.isfinite(mlp.predict_log_proba(far)).all()


# --- training -------------------------------------------------------------------------------------


def test_early_stopping_keeps_the_best_weights() -> None:
    """The record has a score for each epoch, and the network at the end is that of the best."""
    xs, ys = iris()
    mlp = MLPClassifier((8,), early_stopping=True, random_state=3, learning_rate_init=0.3)
    mlp.set_params(validation_fraction=0.3, n_iter_no_change=5).fit(xs, ys)
    assert len(mlp.validation_scores_) == mlp.n_iter_ < mlp.max_iter
    assert mlp.best_validation_score_ == max(mlp.validation_scores_)
    assert mlp.best_loss_ is None
    # it ended at the sixth epoch in a row that was no better than one before
    best = mlp.validation_scores_.index(mlp.best_validation_score_)
    assert max(mlp.validation_scores_[-6:]) < mlp.best_validation_score_ + mlp.tol
    # the same training, ended at its best epoch, gives the same weights
    ended = clone(mlp).set_params(max_iter=best + 1).fit(xs, ys)
    np.testing.assert_array_equal(ended.coefs_[0], mlp.coefs_[0])


def test_early_stopping_takes_weights() -> None:
    """Rows that are held out keep their weights, and a regressor's score is R2."""
    xs, ys = iris()
    mlp = MLPRegressor((8,), early_stopping=True, random_state=3, max_iter=30)
    mlp.set_params(learning_rate_init=0.05).fit(xs, ys, np.where(ys == 0, 1e-9, 1.0))
    assert mlp.best_validation_score_ > 0.3
    assert mlp.score(xs[ys > 0], ys[ys > 0]) > mlp.score(xs[ys < 1], ys[ys < 1])


def test_partial_fit_is_one_epoch_of_fit() -> None:
    """Calls of partial_fit with all rows move the weights as epochs of fit do, Adam's state too."""
    xs, ys = iris()
    options = {"hidden_layer_sizes": (5,), "random_state": 2}
    whole = MLPClassifier(max_iter=4, **options).fit(xs, ys)
    parts = MLPClassifier(**options).partial_fit(xs, ys, classes=[0, 1, 2])
    for _ in range(3):
        parts.partial_fit(xs, ys)
    np.testing.assert_allclose(parts.coefs_[0], whole.coefs_[0], rtol=1e-12)
    assert parts.loss_curve_ == pytest.approx(whole.loss_curve_)
    assert (parts.n_iter_, parts.t_) == (1, 4 * len(xs))


def test_partial_fit_sees_some_classes_at_a_time() -> None:
    """Rows of one class are enough for a call, if the first said which there will be."""
    xs, ys = iris()
    mlp = MLPClassifier((4,), random_state=0)
    with pytest.raises(TargetError, match="expected classes in the first call"):
        mlp.partial_fit(xs[:10], ys[:10])
    mlp.partial_fit(xs[:10], ys[:10], classes=[0, 1, 2]).partial_fit(xs[-10:], ys[-10:])
    assert mlp.predict_proba(xs).shape == (150, 3)
    with pytest.raises(TargetError, match=r"got \[7\] too"):
        mlp.partial_fit(xs[:2], [0, 7])
    regressor = MLPRegressor((4,), random_state=0).partial_fit(xs, xs[:, 0])
    assert regressor.partial_fit(xs, xs[:, 0]).loss_curve_[1] < regressor.loss_curve_[0]


def test_warm_start_goes_on() -> None:
    """With warm_start, fit goes on from its weights, and its record grows; else it starts again."""
    xs, ys = iris()
    mlp = MLPClassifier((5,), max_iter=10, random_state=0, warm_start=True).fit(xs, ys)
    first = mlp.loss_
    mlp.fit(xs, ys)
    assert mlp.loss_ < first
    assert (len(mlp.loss_curve_), mlp.n_iter_) == (20, 10)
    mlp.set_params(warm_start=False).fit(xs, ys)
    assert mlp.loss_ == first


def test_seeds() -> None:
    """The same random_state gives the same weights, another others; None each time others."""
    xs, ys = iris()

    def weights(seed: Any) -> Any:
        return (
            MLPClassifier((5,), batch_size=20, max_iter=2, random_state=seed).fit(xs, ys).coefs_[0]
        )

    np.testing.assert_array_equal(weights(1), weights(1))
    np.testing.assert_array_equal(weights(1), weights(np.random.RandomState(1)))
    assert not np.array_equal(weights(1), weights(2))
    assert not np.array_equal(weights(None), weights(None))


def test_other_optimisers_and_activations() -> None:
    """Whatever nn has by name can be used."""
    xs, ys = iris()
    mlp = MLPClassifier((8,), "gelu", solver="rmsprop", learning_rate_init=0.01, random_state=0)
    assert mlp.set_params(max_iter=60).fit(xs, ys).score(xs, ys) > 0.95


@pytest.mark.filterwarnings("default::sklearn.exceptions.ConvergenceWarning")
def test_too_few_epochs_are_warned_of() -> None:
    """A ConvergenceWarning says that max_iter came first, and none comes after convergence."""
    xs, ys = iris()
    mlp = MLPClassifier((5,), max_iter=3, random_state=0, tol=1e9, n_iter_no_change=1)
    with pytest.warns(ConvergenceWarning, match="after max_iter=2 epochs"):
        clone(mlp).set_params(max_iter=2).fit(xs, ys)
    mlp.fit(xs, ys)  # the first epoch betters infinity; the second and third do not
    assert mlp.n_iter_ == 3


def test_divergence_is_a_warning_and_the_weights_stay_finite() -> None:
    """At a rate that is far too high training ends, says so, and keeps finite weights."""
    xs, ys = iris()
    mlp = MLPRegressor((5,), solver="sgd", learning_rate_init=1e6, random_state=0)
    with pytest.warns(RuntimeWarning, match="smaller learning rate"):
        mlp.fit(xs, ys)
    assert all(np.isfinite(w).all() for w in mlp.coefs_)
    assert mlp.n_iter_ < mlp.max_iter


def test_verbose_prints_epochs(capsys: Any) -> None:
    """A line for each epoch, or nothing."""
    xs, ys = iris()
    MLPClassifier((3,), max_iter=2, random_state=0, verbose=True).fit(xs, ys)
    assert capsys.readouterr().out.count("loss: ") == 2
    MLPClassifier((3,), max_iter=2, random_state=0).fit(xs, ys)
    assert capsys.readouterr().out == ""


# --- errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"activation": "swoosh"}, UnknownNameError, "unknown activation 'swoosh'"),
        ({"solver": "lbfgs"}, UnknownNameError, "unknown solver 'lbfgs'"),
        ({"learning_rate": "up"}, UnknownNameError, "unknown learning_rate 'up'"),
        ({"learning_rate_init": -1.0}, HyperparameterError, "lr"),
        ({"alpha": -1.0}, HyperparameterError, "l2"),
        ({"batch_size": 0}, HyperparameterError, "batch_size"),
        ({"hidden_layer_sizes": (5, 0)}, HyperparameterError, "units"),
        ({"hidden_layer_sizes": (2.5,)}, TypeError, "float"),
        ({"early_stopping": True, "validation_fraction": 0.005}, HyperparameterError, "2 rows"),
    ],
    ids=str,
)
def test_senseless_parameters(options: Any, error: Any, message: str) -> None:
    """Fit refuses them by name."""
    with pytest.raises(error, match=message):
        MLPRegressor(**options).fit(*iris())


def test_senseless_data() -> None:
    """One class, weights below 0 and early stopping in partial_fit are refused."""
    xs, ys = iris()
    with pytest.raises(TargetError, match=r"1 class: \['a'\]"):
        MLPClassifier().fit(xs, ["a"] * len(xs))
    with pytest.raises(HyperparameterError, match="weights from 0"):
        MLPClassifier().fit(xs, ys, -np.ones(len(xs)))
    with pytest.raises(HyperparameterError, match="early_stopping=False"):
        MLPClassifier(early_stopping=True).partial_fit(xs, ys, classes=[0, 1, 2])


def test_nn_needs_no_scikit_learn() -> None:
    """Importing nn imports no scikit-learn or NumPy; nn.sklearn without it names the extra."""
    code = (
        "import sys, nn\n"
        "assert not {'sklearn', 'numpy', 'scipy'} & sys.modules.keys()\n"
        "sys.modules['sklearn'] = None\n"
        "import autograd\n"
        "try:\n    import nn.sklearn\n"
        "except autograd.MissingExtraError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install glassgrad[data]" in done.stdout
