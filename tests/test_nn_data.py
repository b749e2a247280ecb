"""Data sets: generated and bundled; split, one-hot and standardised."""

import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import nn
from autograd import LengthError, MissingExtraError
from nn import DataError, DataSet, HyperparameterError
from nn.data import (
    blobs,
    breast_cancer,
    circles,
    digits,
    gate,
    iris,
    moons,
    moved,
    one_hot,
    shuffle,
    spirals,
    standardise,
    train_test_split,
    wine,
    xor_clouds,
)

GENERATED = [moons, circles, spirals, blobs, xor_clouds]
SEEDS = st.integers(0, 2**32 - 1)

# --- generated ------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", GENERATED)
def test_seeds(make):
    """Equal seeds give equal rows, bit for bit; another seed gives others."""
    one, same, other = make(seed=3), make(seed=3), make(seed=4)
    assert np.array_equal(one.xs, same.xs)
    assert np.array_equal(one.ys, same.ys)
    assert not np.array_equal(one.xs, other.xs)


@pytest.mark.parametrize("rows", [4, 101, 300])
@pytest.mark.parametrize("make", GENERATED)
def test_rows_and_classes(make, rows):
    """As many rows as asked for, two columns, and each class as often as any other, within one."""
    data = make(rows)
    counts = Counter(data.ys.tolist())
    assert data.xs.shape == (rows, 2)
    assert (data.xs.dtype, data.ys.dtype) == (np.float64, np.int64)
    assert sorted(counts) == list(range(len(data.class_names)))
    assert max(counts.values()) - min(counts.values()) <= 1
    assert len(data.feature_names) == 2


def test_moons_and_circles_lie_where_they_should():
    """Without noise the rows are on two half circles, and on two whole ones."""
    xs, ys = moons(100, noise=0.0)
    middle = np.where(ys[:, None] == 0, [0.0, 0.0], [1.0, 0.5])
    assert np.allclose(np.linalg.norm(xs - middle, axis=1), 1.0)
    xs, ys = circles(100, noise=0.0, factor=0.3)
    assert np.allclose(np.linalg.norm(xs, axis=1), np.where(ys == 0, 1.0, 0.3))


@pytest.mark.parametrize("arms", [1, 2, 5])
def test_arms_of_a_spiral(arms):
    """Without noise the angle grows with the radius, and arm k is arm 0 turned by k shares."""
    xs, ys = spirals(250, arms, noise=0.0, turns=1.25)
    radius = np.linalg.norm(xs, axis=1)
    turns = np.arctan2(xs[:, 1], xs[:, 0]) / (2.0 * np.pi) - 1.25 * radius - ys / arms
    assert np.allclose(turns, np.round(turns))
    assert radius.min() == pytest.approx(0.1)
    assert radius.max() == pytest.approx(1.0)


def test_clouds_lie_about_the_rows_of_the_gate():
    """Without noise the rows are those of XOR with its outputs; noise spreads them as it says."""
    inputs, outputs = gate("xor")
    found = {(*x, y) for x, y in zip(*(a.tolist() for a in xor_clouds(8, noise=0.0)), strict=True)}
    assert found == {(*x, y) for x, y in zip(inputs, outputs, strict=True)}
    xs, _ = xor_clouds(4000, noise=0.1)
    assert (xs - np.round(xs)).std() == pytest.approx(0.1, rel=0.05)


def test_blobs_take_sizes():
    """One class a center, as many columns as features; the spread is the noise."""
    data = blobs(2000, centers=4, features=3, noise=0.5)
    assert data.xs.shape == (2000, 3)
    spreads = [data.xs[data.ys == k].std(axis=0) for k in range(4)]
    assert np.allclose(spreads, 0.5, rtol=0.1)


@pytest.mark.parametrize("make", GENERATED)
@pytest.mark.parametrize(
    "wrong", [{"rows": 0}, {"rows": 2.5}, {"noise": -0.1}, {"noise": np.nan}, {"seed": -1}]
)
def test_senseless_sizes(make, wrong):
    """A count, spread or seed that makes no sense is refused by name."""
    with pytest.raises(HyperparameterError, match=next(iter(wrong))):
        make(**wrong)


@pytest.mark.parametrize(
    "call", [lambda: circles(factor=1.0), lambda: spirals(arms=0), lambda: blobs(centers=0)]
)
def test_senseless_shapes(call):
    """The sizes one set has alone are checked too."""
    with pytest.raises(HyperparameterError, match="expected"):
        call()


# --- bundled --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("load", "columns", "counts"),
    [
        (iris, 4, [50, 50, 50]),
        (wine, 13, [59, 71, 48]),
        (breast_cancer, 30, [212, 357]),
        (digits, 64, [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]),
    ],
)
def test_bundled(load, columns, counts):
    """The sizes of the published sets: columns with names, rows in each class."""
    data = load()
    assert data.xs.shape == (sum(counts), columns)
    assert np.bincount(data.ys).tolist() == counts
    assert len(set(data.feature_names)) == columns
    assert len(set(data.class_names)) == len(counts)
    assert data.xs.dtype == np.float64


def test_digits_are_pictures():
    """A row of digits is its picture, row by row, from 0 to 16."""
    data = digits()
    assert data.images.shape == (1797, 8, 8)
    assert np.array_equal(data.images[5].ravel(), data.xs[5])
    assert (data.xs.min(), data.xs.max()) == (0.0, 16.0)
    assert "8 x 8" in repr(data)
    with pytest.raises(DataError, match="image_shape"):
        _ = iris().images


@pytest.mark.parametrize(
    ("module", "call"),
    [
        ("sklearn", moons),
        ("sklearn", iris),
        ("scipy.ndimage", lambda: moved(np.zeros((2, 2)))),
    ],
)
def test_without_scikit_learn(monkeypatch, module, call):
    """What needs scikit-learn says which extra brings it; spirals need none."""
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=r"glassgrad\[data\]"):
        call()
    assert len(spirals(10).xs) == 10


def test_importing_nn_is_light():
    """`import nn` loads neither NumPy nor scikit-learn, and `nn.data` is there."""
    code = (
        "import sys, nn; assert nn.data.moons and nn.gate;"
        "print([m for m in ('numpy', 'scipy', 'sklearn') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


# --- data sets and their parts --------------------------------------------------------------------


def numbered(rows, classes):
    """A set whose only feature is the row's number."""
    ys = np.arange(rows) % classes
    return DataSet(np.arange(rows)[:, None], ys, class_names=tuple("abcdefgh"[:classes]))


def test_a_data_set_is_a_pair():
    """It unpacks as xs and ys, and each keeps its type: classes whole, targets real."""
    xs, ys = DataSet([[1, 2], [3, 4]], [0, 1])
    assert (xs.dtype, ys.dtype) == (np.float64, np.float64)
    assert DataSet([[1, 2], [3, 4]], [0.0, 1.0], class_names=("a", "b")).ys.dtype == np.int64


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"ys": [0, 1, 0]}, LengthError),
        ({"xs": np.zeros((0, 2)), "ys": []}, LengthError),
        ({"feature_names": ("x",)}, DataError),
        ({"image_shape": (2, 2)}, DataError),
        ({"class_names": ("a",)}, DataError),
        ({"class_names": ("a", "b"), "ys": [0, 0.5]}, DataError),
        ({"class_names": ("a", "b"), "ys": [0, np.nan]}, DataError),
        ({"class_names": ("a", "b"), "ys": [-1, 0]}, DataError),
        ({"class_names": ("a", "b"), "ys": ["a", "b"]}, DataError),
    ],
)
def test_parts_that_do_not_fit(wrong, error):
    """A data set whose parts contradict one another is not made."""
    good = {"xs": [[1.0, 2.0], [3.0, 4.0]], "ys": [0, 1]}
    DataSet(**good)
    with pytest.raises(error):
        DataSet(**{**good, **wrong})


def test_some_of_the_rows():
    """Rows by slice, by number and by mask keep their targets and names."""
    data = iris()
    for which in (slice(10), range(10), np.arange(150) < 10):
        some = data.rows(which)
        assert np.array_equal(some.xs, data.xs[:10])
        assert np.array_equal(some.ys, data.ys[:10])
        assert some.class_names == data.class_names


SHARES = st.floats(0.01, 0.99)


@given(st.integers(2, 60), st.integers(1, 4), SHARES, SEEDS, st.booleans())
def test_a_split_is_disjoint_and_whole(rows, classes, share, seed, stratify):
    """Each row is in one part with its own target; the parts have the sizes asked for."""
    data = numbered(max(rows, 2 * classes), classes)
    train, test = data.split(share, seed, stratify)
    together = np.concatenate([train.xs, test.xs])[:, 0]
    assert np.array_equal(np.sort(together), data.xs[:, 0])
    assert np.array_equal(np.concatenate([train.ys, test.ys]), together % classes)
    assert len(train.ys) > 0
    assert abs(len(test.ys) - share * len(data.ys)) <= (0.5 if 1 < len(test.ys) < rows - 1 else 1)
    again = data.split(share, seed, stratify)
    assert np.array_equal(again[0].xs, train.xs)
    assert np.array_equal(again[1].xs, test.xs)


@given(st.lists(st.integers(2, 40), min_size=1, max_size=6), st.data(), SEEDS)
def test_a_stratified_split_keeps_the_shares(sizes, draw, seed):
    """Each class has its share of the held-out rows, within one row, and the total is exact."""
    ys = np.repeat(np.arange(len(sizes)), sizes)
    held_out = draw.draw(st.integers(1, len(ys) - 1))
    y_train, y_test = train_test_split(ys, test=held_out, seed=seed, stratify=ys)
    assert (len(y_train), len(y_test)) == (len(ys) - held_out, held_out)
    share = np.bincount(y_test, minlength=len(sizes)) - np.array(sizes) * held_out / len(ys)
    assert np.abs(share).max() < 1.0


def test_a_split_is_by_chance():
    """Another seed holds out other rows, and a part is not in the order of the file."""
    train, test = numbered(100, 2).split(seed=0)
    assert not np.array_equal(np.sort(test.xs, axis=0), test.xs)
    assert not np.array_equal(np.sort(train.xs, axis=0), train.xs)
    assert set(test.xs.ravel()) != set(numbered(100, 2).split(seed=1)[1].xs.ravel())
    for part in numbered(100, 2).split(stratify=True):
        assert not np.array_equal(np.sort(part.xs, axis=0), part.xs)
        assert (np.diff(part.ys) < 0).any()  # not class by class


def test_train_test_split_gives_the_parts_as_scikit_learn_does():
    """x_train, x_test, y_train, y_test, whose rows still belong together; text labels stratify."""
    xs, ys = np.arange(20).reshape(10, 2), ["a", "b"] * 5
    x_train, x_test, y_train, y_test = train_test_split(xs, ys, test=4, stratify=ys)
    assert (x_train.shape, x_test.shape) == ((6, 2), (4, 2))
    assert sorted(y_test) == ["a", "a", "b", "b"]
    for x, y in ((x_train, y_train), (x_test, y_test)):
        assert [ys[row // 2] for row in x[:, 0]] == y.tolist()


@pytest.mark.parametrize("test", [0, 10, 11, -1, 0.0, 1.0, 1.5, -0.2, float("nan"), True])
def test_senseless_shares(test):
    """A share or number of rows that would leave a part empty is refused."""
    with pytest.raises(HyperparameterError, match="expected test to be a share"):
        numbered(10, 2).split(test)


def test_splits_that_cannot_be():
    """One row cannot be split, nor one row of a class stratified; arrays must be of one length."""
    with pytest.raises(DataError, match="at least two rows"):
        numbered(1, 1).split()
    with pytest.raises(DataError, match="two rows of each class"):
        train_test_split([1, 2, 3], stratify=[0, 0, 1])
    for wrong in ((), ([1], [1, 2]), ([],)):
        with pytest.raises(LengthError, match="one row for each sample"):
            shuffle(*wrong)


@given(st.integers(1, 50), SEEDS)
def test_shuffle_moves_arrays_alike(rows, seed):
    """All rows are there still, each beside its own, and the seed decides."""
    a, b = shuffle(np.arange(rows), [str(i) for i in range(rows)], seed=seed)
    assert sorted(a) == list(range(rows))
    assert [str(i) for i in a] == b.tolist()
    assert np.array_equal(shuffle(np.arange(rows), seed=seed)[0], a)


# --- one-hot and scale ----------------------------------------------------------------------------


@given(st.lists(st.integers(0, 9), min_size=1), st.booleans())
def test_one_hot_inverts(ys, exact):
    """Rows of a single 1 each, and argmax gives the classes back."""
    hot = one_hot(ys, 10 if exact else None)
    assert hot.shape == (len(ys), 10 if exact else max(ys) + 1)
    assert np.array_equal(hot.argmax(axis=1), ys)
    assert set(np.unique(hot)) <= {0.0, 1.0}
    assert (hot.sum(axis=1) == 1.0).all()


@pytest.mark.parametrize("ys", [[0, 3], [-1], [0.5], [np.nan], ["a"], [[0, 1]], 1])
def test_one_hot_of_what_is_no_class(ys):
    """What is not a whole number from 0 to below the classes is refused."""
    with pytest.raises(DataError, match="expected"):
        one_hot(ys, 3)


TABLES = arrays(
    np.float64,
    st.tuples(st.integers(1, 20), st.integers(1, 4)),
    elements=st.floats(-1e100, 1e100) | st.sampled_from([0.1, 1e9, 1e9 + 1e-6]),
)


@given(TABLES)
def test_standardised_columns(table):
    """Mean 0 and spread 1 in each column that is not constant; 0 throughout in those that are."""
    (scaled,) = standardise(table)
    constant = np.ptp(table, axis=0) == 0.0
    assert (scaled[:, constant] == 0.0).all()
    assert np.allclose(scaled[:, ~constant].mean(axis=0), 0.0, atol=1e-12)
    assert np.allclose(scaled[:, ~constant].std(axis=0), 1.0, rtol=1e-12)


def test_the_training_rows_give_the_scale():
    """Other rows are moved by training's mean and spread, and leave no trace in training's."""
    rng = np.random.default_rng(0)
    train, test = rng.normal(5.0, 2.0, (50, 3)), rng.normal(-3.0, 9.0, (20, 3))
    a, b = standardise(train, test)
    assert np.allclose(b, (test - train.mean(axis=0)) / train.std(axis=0), rtol=1e-12)
    assert np.array_equal(a, standardise(train)[0])
    constant, other = standardise([[7.0, 1.0], [7.0, 2.0]], [[9.0, 1.5]])
    assert constant[:, 0].tolist() == [0.0, 0.0]
    assert other.tolist() == [[2.0, 0.0]]


def test_data_sets_are_standardised_whole():
    """Data sets come back as data sets with their names and targets, pictures included."""
    train, test = digits().split()
    a, b = standardise(train, test)
    assert np.array_equal(b.xs, standardise(train.xs, test.xs)[1])
    assert np.array_equal(b.ys, test.ys)
    assert a.image_shape == (8, 8)
    assert a.class_names == train.class_names
    assert np.isfinite(b.xs).all()


@pytest.mark.parametrize(
    "wrong",
    [
        ([[1.0, np.nan]],),
        ([[1.0]], [[np.inf]]),
        ([[1.0]], [[1.0, 2.0]]),
        ([1.0],),
        (np.ones((0, 2)),),
    ],
)
def test_what_cannot_be_standardised(wrong):
    """Numbers that are not finite, tables of other columns, and no rows are refused."""
    with pytest.raises(DataError, match="expected"):
        standardise(*wrong)


def test_generated_data_trains():
    """A data set goes into the training loop as it is."""
    data = moons(40, noise=0.05)
    model = nn.MLP(2, [8, 1], seed=0)
    history = nn.train(
        model, *data, optimizer=nn.Adam(model.parameters(), 0.05), epochs=60, progress=False
    )
    assert history.losses[-1] < 0.5 * history.losses[0]
