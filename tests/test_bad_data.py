"""Data that is none: an error that names the cell, or the same result as from plain lists."""

import tracemalloc
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autograd
import nn
from autograd import LengthError, OperandError, StructureError, jit
from nn.data import DataSet, one_hot, read_csv, standardise
from nn.errors import DataError
from nn.layers import Dense
from nn.models import Sequential
from nn.rows import prepare_rows

GOOD = np.random.default_rng(0).normal(size=(6, 2)).astype(np.float16).astype(float)
YS = np.array([0.0, 1.0, 0.0, 1.0, 1.0, 0.0])


def with_cell(x: Any) -> Any:
    """The good rows with this in row 2, column 1."""
    rows: list[list[Any]] = GOOD.tolist()
    rows[2][1] = x
    return rows


MASK = np.zeros((6, 2), bool)
MASK[2, 1] = True
SAME: dict[str, Callable[[], Any]] = {
    "array": lambda: GOOD,
    "objects": lambda: GOOD.astype(object),
    "float16": lambda: GOOD.astype(np.float16),
    "longdouble": lambda: GOOD.astype(np.longdouble),
    "big-endian": lambda: GOOD.astype(">f8"),
    "fortran": lambda: np.asfortranarray(GOOD),
    "negative strides": lambda: GOOD[::-1, ::-1].copy()[::-1, ::-1],
    "read-only": lambda: np.frombuffer(GOOD.tobytes()).reshape(6, 2),
    "unmasked": lambda: np.ma.masked_array(GOOD, mask=False),
    "pandas": lambda: pd.DataFrame(GOOD, columns=list("ab")),
    "nullable pandas": lambda: pd.DataFrame(GOOD, columns=list("ab")).astype("Float64"),
}
"""What holds the numbers of GOOD in another form."""
NAMED: dict[str, Callable[[], Any]] = {
    "text": lambda: with_cell("x"),
    "a text that is a number": lambda: with_cell("1.5"),
    "None": lambda: with_cell(None),
    "complex": lambda: with_cell(1j),
    "too large": lambda: with_cell(10**400),
    "object array": lambda: np.array(with_cell("x"), dtype=object),
    "bytes": lambda: np.array(with_cell(b"1"), dtype=object),
    "masked": lambda: np.ma.masked_array(GOOD, mask=MASK),
    "masked nan": lambda: np.ma.masked_array(np.where(MASK, np.nan, GOOD), mask=MASK),
    "pandas NA": lambda: pd.DataFrame(GOOD).astype("Float64").mask(MASK),
    "pandas text": lambda: pd.DataFrame(with_cell("x")),
    "nodes": lambda: with_cell(autograd.Value(1.0)),
}
"""What has something that is no number in row 2, column 1; dates and texts may be all over."""
AS_THEY_ARE = [form for form, make in NAMED.items() if isinstance(make(), list)]
AS_THEY_ARE += ["object array", "bytes"]
"""What `nn.train` gives to the model as it is, which may take anything."""
NOT_FINITE: dict[str, Callable[[], Any]] = {
    "nan": lambda: with_cell(float("nan")),
    "inf": lambda: np.where(MASK, np.inf, GOOD),
    "pandas nan": lambda: pd.DataFrame(np.where(MASK, np.nan, GOOD)),
}
NO_ROWS: dict[str, Callable[[], Any]] = {
    "ragged": lambda: [*GOOD.tolist()[:2], [1.0], *GOOD.tolist()[3:]],
    "empty": list,
    "empty rows": lambda: [[]] * 6,
    "zero columns": lambda: np.zeros((6, 0)),
    "too few rows": lambda: GOOD[:1],
    "a number": lambda: np.float64(3.0),
    "one column": lambda: YS,
    "three axes": lambda: np.zeros((6, 2, 2)),
    "generator": lambda: (row for row in GOOD.tolist()),
    "text": lambda: "abcdef",
    "bytes": lambda: b"abcdef",
    "dict": lambda: {"a": [1.0, 2.0]},
    "set": lambda: {1.0, 2.0},
    "None": lambda: None,
    "complex": lambda: GOOD + 1j,
    "dates": lambda: np.array([["2020-01-01", "2020-01-02"]] * 6, dtype="datetime64[D]"),
    "records": lambda: np.array([(1.0, 2.0)] * 6, dtype=[("a", float), ("b", float)]),
}


def model() -> Sequential:
    made = Sequential([Dense(1, input_dim=2)], seed=1)
    made.compile("sgd", "mse")
    return made


def trained(x: Any) -> list[float]:
    network = nn.MLP(2, [1])
    options: Any = {"epochs": 2, "progress": False, "compiled": False}
    return nn.train(
        network, x, YS, optimizer=nn.SGD(network.parameters(), lr=0.01), **options
    ).losses


Entry = Callable[[Any], Any]
NETWORKS: dict[str, Entry] = {
    "fit": lambda x: model().fit(x, YS, epochs=2, verbose=0).losses,
    "validation": lambda x: (
        model().fit(GOOD, YS, validation_data=(x, YS), verbose=0).history["val_loss"]
    ),
    "evaluate": lambda x: model().evaluate(x, YS),
    "nn.train": trained,
}
FORWARD: dict[str, Entry] = {
    "predict": lambda x: model().predict(x).tolist(),
    "DataSet": lambda x: DataSet(x, YS).xs.tolist(),
    "jit": lambda x: jit(autograd.dot, batch_argnums=1)([1.0, 2.0], x),
}
ENTRIES = NETWORKS | FORWARD | {"standardise": lambda x: standardise(x)[0].tolist()}


@pytest.mark.parametrize("entry", ENTRIES)
def test_forms_of_one_table_are_one(entry: str) -> None:
    """Whatever holds the numbers, the result is that of plain lists, to the bit."""
    expected = ENTRIES[entry](GOOD.tolist())
    for form, make in SAME.items():
        if entry == "jit" and form in ("objects", "nullable pandas"):
            with pytest.raises(OperandError):  # which takes arrays of numbers alone
                ENTRIES[entry](make())
            continue
        assert ENTRIES[entry](make()) == expected, form


@pytest.mark.parametrize("entry", [*NETWORKS, "predict", "DataSet", "standardise"])
def test_what_is_no_number_is_named_by_row_and_column(entry: str) -> None:
    """Not taken for one, nor passed over."""
    for form, make in NAMED.items():
        if entry == "nn.train" and form in AS_THEY_ARE:
            continue
        with pytest.raises((OperandError, DataError), match="row 2, column 1") as error:
            ENTRIES[entry](make())
        assert len(str(error.value)) < 500, form


def test_what_is_no_number_in_lists_for_ones_own_model() -> None:
    """`nn.train` gives lists to the model as they are, whose nodes refuse what is no number."""
    for form in AS_THEY_ARE:
        if form != "nodes":
            make = NAMED[form]
            with pytest.raises((OperandError, OverflowError)):
                trained(make())


def test_masked_cells_do_not_enter_a_compiled_function() -> None:
    """Nor a classifier of scikit-learn's kind."""
    masked = NAMED["masked"]()
    with pytest.raises(OperandError, match="masked"):
        FORWARD["jit"](masked)
    pytest.importorskip("sklearn")
    from nn.sklearn import MLPClassifier

    with pytest.raises(OperandError, match="row 2, column 1"):
        MLPClassifier(max_iter=2).fit(masked, YS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = MLPClassifier(max_iter=2).fit(GOOD, YS)
    with pytest.raises(OperandError, match="row 2, column 1"):
        fitted.predict(masked)


@pytest.mark.parametrize("entry", [*NETWORKS, "standardise"])
def test_nan_and_inf_are_named_by_row_and_column(entry: str) -> None:
    """What is trained on, or measured by, must be finite."""
    for make in NOT_FINITE.values():
        if entry == "nn.train" and isinstance(make(), list):
            continue
        with pytest.raises((OperandError, DataError), match=r"row 2, column 1|finite"):
            ENTRIES[entry](make())


def test_nan_passes_through_a_prediction() -> None:
    """The row that has it gives nan, and no other does: nothing is made up."""
    found = np.isnan(model().predict(NOT_FINITE["nan"]())).ravel()
    assert found.tolist() == [False, False, True, False, False, False]


@pytest.mark.parametrize("entry", NETWORKS)
def test_what_has_not_the_rows(entry: str) -> None:
    """A table of another shape, or none at all, is a named error of one line or two."""
    for form, make in NO_ROWS.items():
        if entry == "nn.train" and form in ("generator", "records"):
            continue  # rows in an order, which a model may take
        with pytest.raises((LengthError, OperandError, StructureError)) as error:
            ENTRIES[entry](make())
        assert "expected" in str(error.value) or form == "three axes", form


REMEDIES: dict[str, tuple[Any, str, str]] = {
    "texts of numbers": (np.array([["1", "3"], ["2", "4"]]), r"x\)\.astype", r"y\)\.astype"),
    "bytes of numbers": ([[b"1"], [b"2"]], r"x\)\.astype", r"y\)\.astype"),
    "other texts": ([["red"], ["blue"]], "leave that column out.*one_hot", r"unique\(y, return"),
    "None": ([[1.0], [None]], "fill .* or drop", "fill .* or drop"),
    "NaT": (pd.DataFrame({"a": [1, pd.NaT]}, dtype=object), "fill .* or drop", "fill .* or drop"),
    "NA": (pd.DataFrame({"a": [1, pd.NA]}, dtype=object), "fill .* or drop", "fill .* or drop"),
    "complex": ([[1j], [2.0]], r"\.real", r"\.real"),
    "too large": ([[1.0], [10**400]], "scale", "scale"),
    "ragged": ([[1.0, 2.0], [1.0]], "row 1 is not as long as row 0", "row 1 is not as long"),
    "times": (np.array([["2020-01-01"], ["2020-01-02"]], "datetime64[D]"), r"x\.min", r"y\.min"),
    "nodes": ([[autograd.Value(1.0)], [2.0]], r"v\.data", r"v\.data"),
    "records": (np.array([(1.0,), (2.0,)], dtype=[("a", float)]), r"\(void\)", r"\(void\)"),
}


@pytest.mark.parametrize("form", REMEDIES)
def test_the_remedy_is_for_what_came(form: str) -> None:
    """For inputs and for targets; no advice about texts where there are none."""
    data, of_x, of_y = REMEDIES[form]
    for said, x, y in ((of_x, data, [0.0, 1.0]), (of_y, [[0.0], [1.0]], data)):
        with pytest.raises(OperandError, match=said) as error:
            prepare_rows(x, y)
        told = str(error.value)
        assert ("numpy.unique" in told) == (form == "other texts")
        assert "item()" not in told


def test_the_remedies_work() -> None:
    """Texts of numbers, class names, categories and times become numbers as the messages say."""
    times = REMEDIES["times"][0]
    assert prepare_rows(REMEDIES["texts of numbers"][0].astype(float), [0, 1]).xs[1, 1] == 4.0
    names = np.unique(["red", "blue", "red"], return_inverse=True)[1]
    assert prepare_rows(np.zeros((3, 1)), names).ys.tolist() == [1.0, 0.0, 1.0]
    assert prepare_rows(one_hot(names), names).xs.tolist() == [[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]
    days = (times - times.min()) / np.timedelta64(1, "D")
    assert prepare_rows(days, [0, 1]).xs.tolist() == [[0.0], [1.0]]


@pytest.mark.parametrize("form", NAMED)
def test_targets_too(form: str) -> None:
    """They are held to the same."""
    two = Sequential([Dense(2, input_dim=2)])
    two.compile("sgd", "mse")
    with pytest.raises(OperandError, match=r"expected y .*row 2, column 1"):
        two.fit(GOOD, NAMED[form](), verbose=0)


# --- CSV ------------------------------------------------------------------------------------------


def read(text: str | bytes, tmp_path: Path, **options: Any) -> DataSet:
    path = tmp_path / "t.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_csv(path, **{"label": -1, **options})


PLAIN = "a,b,y\n1.5,2,0\n-3,4e2,1\n"


@pytest.mark.parametrize(
    ("text", "options"),
    [
        (PLAIN.replace("\n", "\r\n"), {}),
        ("\ufeff" + PLAIN, {}),
        (PLAIN.replace(",", ";"), {"delimiter": ";"}),
        (PLAIN.replace(",", "\t"), {"delimiter": "\t"}),
        (PLAIN.encode("utf-16"), {"encoding": "utf-16"}),
        (PLAIN.rstrip("\n"), {}),
        (PLAIN + "\n\n", {}),
        ('"a","b","y"\n"1.5","2","0"\n"-3","4e2","1"\n', {}),
        (PLAIN.replace("1.5,2", " 1.5 , +2.0"), {}),
    ],
)
def test_one_table_written_in_many_ways(
    text: str | bytes, options: dict[str, Any], tmp_path: Path
) -> None:
    """Line ends, byte-order marks, quotes, separators: the same numbers."""
    data = read(text, tmp_path, **options)
    assert data.xs.tolist() == [[1.5, 2.0], [-3.0, 400.0]]
    assert data.ys.tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("a;b;y\n1,5;2;0\n", {"delimiter": ";"}, r"row 2, column A .*'1,5'"),  # a decimal comma
        ("a,b,y\n1,5,2,0\n", {}, "3 cells in row 2"),
        ("a,b,y\n1e400,2,0\n", {}, r"row 2, column A"),
        ("a,b,y\n1,nan,0\n", {}, r"row 2, column B"),
        ("a,b,y\n1,,0\n", {}, r"row 2, column B .*missing"),
        ("a,b,y\n1,2,0\n1,1_000,0\n", {}, r"row 3, column B"),
        ("a,b,y\n1,2+3j,0\n", {}, r"row 2, column B"),
        ("a,b,y\n1,0x10,0\n", {}, r"row 2, column B"),
        ('a,b,y\n1,"2\n3",0\n', {}, r"row 2, column B"),  # a line end in quotes
        ('a,b,y\n1,"2,0\n1,2,0\n', {}, "not CSV"),  # quotes that are never closed
        ("a,b,y\n1,2,0\n\n1,2,0\n", {}, "row 3 .*empty"),
        ("a,b,y\n1,2\n", {}, "3 cells in row 2"),
        ("a,b,y\n", {}, "no rows"),
        ("", {}, "empty"),
        ("y\n1\n", {}, "at least one feature"),
        ("a,b,y\n1,2,x\n1,2,3\n", {}, "row 2"),
        (b"a,b,y\n\xff,2,0\n", {}, "0xff"),
        (b"a,b,y\n1,2\x00,0\n", {}, r"row 2|NUL"),
        ("a,a,y\n1,2,0\n", {"label": "a"}, "several columns"),
    ],
)
def test_what_cannot_be_read_whole_says_where(
    text: str | bytes, options: dict[str, Any], said: str, tmp_path: Path
) -> None:
    """Nothing is guessed, dropped or cut."""
    with pytest.raises(DataError, match=f"(?s){said}"):
        read(text, tmp_path, **options)


@settings(max_examples=60)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_make_it_raise_anything_else(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    """Read whole, with as many rows as lines, or a DataError."""
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    path.write_bytes(b"a,b,y\n" + data)
    try:
        found = read_csv(path, label="y")
    except DataError:
        return
    lines = data.decode("utf-8-sig").splitlines()
    assert len(found.xs) <= len(lines)


def test_a_large_file_takes_little_more_memory_than_its_numbers(tmp_path: Path) -> None:
    """Not the texts of all cells at once: at most four times the file, labels included."""
    path = tmp_path / "large.csv"
    line = ",".join(["0.123456"] * 10) + ",a\n"
    path.write_text(",".join("abcdefghij") + ",y\n" + line * 20_000, encoding="utf-8")
    tracemalloc.start()
    data = read_csv(path, label="y")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert data.xs.shape == (20_000, 10)
    assert peak < 4 * path.stat().st_size
