"""glassgrad's networks as scikit-learn estimators, for pipelines, searches and cross-validation.

    from nn.sklearn import MLPClassifier

    search = GridSearchCV(make_pipeline(StandardScaler(), MLPClassifier()), {...}).fit(x, y)

Parameters, attributes and what is minimised are those of scikit-learn's own MLPClassifier and
MLPRegressor, and from the same weights training goes the same way. What trains is `model_`, a
`nn.models.Sequential`, in machine code.
"""

from autograd import MissingExtraError

try:
    from sklearn.utils.validation import validate_data as _since_1_6  # noqa: F401
except ImportError:
    raise MissingExtraError(
        "nn.sklearn needs scikit-learn 1.6 or later: pip install glassgrad[data]"
    ) from None

from nn.sklearn.estimators import MLPClassifier as MLPClassifier
from nn.sklearn.estimators import MLPRegressor as MLPRegressor
