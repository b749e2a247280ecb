"""Data from files: IDX and CSV are read whole, as written, or refused."""

import csv
import gzip
import io
from struct import pack

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nn import DataError
from nn.data import read_csv, read_idx

# --- IDX ------------------------------------------------------------------------------------------

PIXELS = np.arange(3 * 2 * 4, dtype=np.uint8).reshape(3, 2, 4) * 10
IMAGES = bytes([0, 0, 8, 3]) + pack(">3I", 3, 2, 4) + PIXELS.tobytes()
LABELS = bytes([0, 0, 8, 1]) + pack(">I", 3) + bytes([2, 0, 1])


@pytest.fixture
def idx(tmp_path):
    """Writes a pair of files and reads it."""

    def read(images, labels, **options):
        for name, content in (("images", images), ("labels", labels)):
            (tmp_path / name).write_bytes(content)
        return read_idx(tmp_path / "images", tmp_path / "labels", **options)

    return read


@pytest.mark.parametrize("packed", [bytes, gzip.compress])
def test_idx_is_read_as_written(idx, packed):
    """Pixels, labels and sizes come back, compressed or not."""
    data = idx(packed(IMAGES), packed(LABELS))
    assert np.array_equal(data.images, PIXELS)
    assert data.ys.tolist() == [2, 0, 1]
    assert data.xs.shape == (3, 8)
    assert data.class_names == ("0", "1", "2")
    assert idx(IMAGES, LABELS, class_names=["shirt", "shoe", "bag"]).class_names[1] == "shoe"
    with pytest.raises(DataError, match="class numbers"):
        idx(IMAGES, LABELS, class_names=["shirt", "shoe"])


@pytest.mark.parametrize("packed", [bytes, gzip.compress])
def test_idx_cut_or_extended_is_refused(idx, packed):
    """A file shorter by any number of bytes, or longer, is refused: either of the two."""
    images, labels = packed(IMAGES), packed(LABELS)
    for short in (images[:n] for n in range(len(images))):
        with pytest.raises(DataError, match="images"):
            idx(short, labels)
    for short in (labels[:n] for n in range(len(labels))):
        with pytest.raises(DataError, match="labels"):
            idx(images, short)
    for more in (b"\x01", bytes(8), IMAGES) if packed is bytes else (b"\x01", gzip.compress(b"1")):
        with pytest.raises(DataError, match="images"):
            idx(images + more, labels)
        with pytest.raises(DataError, match="labels"):
            idx(images, labels + more)


def test_idx_with_a_wrong_header_is_refused(idx):
    """No byte of a header can be another without notice."""
    for n in range(16):
        for other in {0, 1, 9, 255} - {IMAGES[n]}:
            with pytest.raises(DataError, match="images"):
                idx(IMAGES[:n] + bytes([other]) + IMAGES[n + 1 :], LABELS)
    for n in range(8):
        for other in {0, 2, 9, 255} - {LABELS[n]}:
            with pytest.raises(DataError, match="labels"):
                idx(IMAGES, LABELS[:n] + bytes([other]) + LABELS[n + 1 :])


def test_idx_damaged_in_its_packing_is_refused(idx):
    """A byte changed anywhere in the compressed numbers is noticed by its checksum."""
    packed = gzip.compress(IMAGES)
    for n in range(10, len(packed)):
        with pytest.raises(DataError):
            idx(packed[:n] + bytes([packed[n] ^ 0x55]) + packed[n + 1 :], LABELS)


def test_idx_files_that_do_not_belong_together(idx):
    """Swapped files, other numbers of rows, and no rows at all are told apart."""
    with pytest.raises(DataError, match="do images come first"):
        idx(LABELS, IMAGES)
    with pytest.raises(DataError, match=r"3 images .* 2 labels"):
        idx(IMAGES, bytes([0, 0, 8, 1]) + pack(">I", 2) + bytes(2))
    with pytest.raises(DataError, match="holds no images"):
        idx(bytes([0, 0, 8, 3]) + pack(">3I", 0, 2, 4), LABELS)
    with pytest.raises(DataError, match="begins with nothing"):
        idx(b"", LABELS)


# --- CSV ------------------------------------------------------------------------------------------


@pytest.fixture
def table(tmp_path):
    """Writes text and reads it as a table."""

    def read(text, label=-1, **options):
        (tmp_path / "t.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_csv(tmp_path / "t.csv", label=label, **options)

    return read


FLOATS = st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(codec="utf-8"), min_size=1).filter(
    # a byte order mark at the very start is one, whatever was meant
    lambda text: text.strip() and not text.startswith("\ufeff")
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_csv_comes_back_as_written(table, draw):
    """Any finite floats, names and labels, however the csv module has to quote them."""
    columns = draw.draw(st.integers(1, 4))
    names = draw.draw(st.lists(TEXTS, min_size=columns + 1, max_size=columns + 1, unique=True))
    rows = draw.draw(
        st.lists(st.tuples(*[FLOATS] * columns, TEXTS), min_size=1, max_size=8), label="rows"
    )
    # of a line's ends inside a cell, the writer quotes by itself those it ends lines with
    end = draw.draw(st.sampled_from(["\n", "\r\n", "\r"]))
    style = {
        "lineterminator": end,
        "delimiter": draw.draw(st.sampled_from([",", ";", "\t"])),
        "quoting": csv.QUOTE_MINIMAL if end == "\r\n" else csv.QUOTE_ALL,
    }
    text = io.StringIO(newline="")
    csv.writer(text, **style).writerows([names, *rows])
    encoded = text.getvalue().encode(draw.draw(st.sampled_from(["utf-8", "utf-8-sig"])))
    read = {"classes": True, "header": True, "delimiter": style["delimiter"]}
    data = table(encoded + b"\n" * draw.draw(st.integers(0, 2)), names[-1], **read)
    assert data.feature_names == tuple(names[:-1])
    assert data.xs.tolist() == [list(row[:-1]) for row in rows]
    assert [data.class_names[y] for y in data.ys] == [row[-1] for row in rows]
    assert sorted(data.class_names) == sorted({row[-1] for row in rows})


@pytest.mark.parametrize(
    ("label", "left"), [("y", "ab"), (-1, "ab"), (2, "ab"), ("a", "by"), (0, "by")]
)
def test_the_label_by_name_or_number(table, label, left):
    """Any column can be the label, counted as Python counts; the others are features, in order."""
    data = table("a,b,y\n1,2,3\n4,5,6\n", label)
    assert data.feature_names == tuple(left)
    by_name = dict(zip("aby", [[1, 4], [2, 5], [3, 6]], strict=True))
    assert data.xs.T.tolist() == [by_name[name] for name in left]
    assert data.ys.tolist() == by_name["aby"[label] if isinstance(label, int) else label]
    assert data.class_names is None


def test_labels_are_numbers_or_classes(table):
    """Numbers stay numbers; text becomes classes; numbers become classes if asked to, in order."""
    assert table("x,y\n1,0.5\n2,-3\n").ys.tolist() == [0.5, -3.0]
    text = table("x,y\n1,nan\n2,dog\n3,ant\n")
    assert text.ys.tolist() == [2, 1, 0]
    assert text.class_names == ("ant", "dog", "nan")
    numbers = table("x,y\n1,10\n2,9\n3,10\n", classes=True)
    assert numbers.ys.tolist() == [1, 0, 1]
    assert numbers.class_names == ("9", "10")


def test_columns_left_out(table):
    """Dropped columns are neither read nor checked, by name and by position."""
    data = table(",who,x,y\n0,ann,1,2\n1,,3,4\n", drop=[0, "who"])
    assert data.feature_names == ("x",)
    assert data.xs.tolist() == [[1.0], [3.0]]


def test_without_header(table):
    """Row 1 is data then, and columns have a spreadsheet's letters."""
    data = table("1,2,a\n3,4,b", header=False)
    assert data.xs.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert data.feature_names == ("A", "B")
    assert table("1,2,a\n3,4,b", "C", header=False).class_names == ("a", "b")
    wide = table(",".join(map(str, range(703))), header=False)
    assert [wide.feature_names[k] for k in (25, 26, 51, 52, 701)] == ["Z", "AA", "AZ", "BA", "ZZ"]


def test_a_row_of_data_is_not_taken_for_names(table):
    """A header of numbers is refused, for it would be a row lost; header=True takes it."""
    text = "5.1,3.5,setosa\n4.9,3.0,setosa\n"
    with pytest.raises(DataError, match="header=False"):
        table(text)
    assert table(text, header=True).feature_names == ("5.1", "3.5")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b,y\n1,2,0\n1,x,0\n", r"row 3, column B \('b'\), but got 'x'"),
        ("a,b,y\n1,2,0\n1,,0\n", r"row 3, column B \('b'\) is missing: ''"),
        ("a,b,y\n1,2,0\n1,NaN,0\n", r"row 3, column B \('b'\) is missing: 'NaN'"),
        ("a,b,y\n?,2,0\n", r"row 2, column A \('a'\) is missing: '\?'"),
        ("a,b,y\n1,inf,0\n", r"finite number .* row 2, column B"),
        ("a,b,y\n1,1e999,0\n", r"finite number .* row 2, column B"),
        ("a,b,y\n1,1_000,0\n", r"row 2, column B"),
        ('a,b,y\n1,"3,14",0\n', r"decimal point in row 2, column B"),
        ("a,b,y\n1,2,\n", r"row 2, column C \('y'\) is missing"),
        ("a,b,y\n1,2, \n", r"row 2, column C \('y'\) is missing"),
        ('a,b,y\n"1\n",2,0\n1,x,0\n', r"row 3, column B"),  # a spreadsheet's row, not the line
        ("a,b,y\n1,2,0\n1,2,cat\n", r"partly.*'0' in row 2, 'cat' in row 3.*classes=True"),
        ("a,b,y\n1,2,0\n1,2\n", r"expected 3 cells in row 3.* got 2"),
        ("a,b,y\n1,2,0,9\n", r"expected 3 cells in row 2.* got 4"),
        ("a,b,y\n1,2,0\n\n1,2,0\n", r"row 3 .* is empty, but rows follow"),
        ("\na,b,y\n1,2,0\n", r"row 1 .* is empty"),
        ('a,b,y\n1,2,0\n1,2,"0\n1,2,0\n', r"row 3 .* is not CSV"),
        ('a,b,y\n1,2,"0"1\n', r"row 2 .* is not CSV"),
        ("a,,y\n1,2,0\n", r"column B has no name.*drop=\[1\]"),
        ("a,b,y\n", "no rows below its header"),
        ("", "is empty"),
        ("y\n1\n", "at least one feature"),
        ("a;b;y\n1;2;0\n", "delimiter another than ','"),
        (b"a,b,y\n1,2,\xe9t\xe9\n", "0xe9.*encoding"),
        ("a,b,y\n1,2,0\n".encode("utf-16"), "0xff.*encoding"),
    ],
)
def test_a_table_that_cannot_be_read_whole(table, text, message):
    """The message names row and column as a spreadsheet does, or what is wrong with the file."""
    with pytest.raises(DataError, match=f"(?s){message}"):
        table(text)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"label": "z"}, "no column called 'z'; the columns are 'a', 'b', 'b'"),
        ({"label": "b"}, "several columns called 'b'"),
        ({"label": 3}, "expected a column from -3 to 2, but got 3"),
        ({"label": -4}, "expected a column from -3 to 2, but got -4"),
        ({"label": 0, "drop": ["a"]}, "a label and at least one feature"),
        ({"label": 0, "drop": [1, 2]}, "a label and at least one feature"),
        ({"label": 2, "classes": False}, r"row 2, column C \('b'\), but got 'x'"),
    ],
)
def test_columns_that_are_not_there(table, options, message):
    """A label or a column to drop that is not one column is refused, with those there are."""
    with pytest.raises(DataError, match=message):
        table("a,b,b\n1,2,x\n", **options)


def test_another_encoding(table):
    """The encoding can be said, as the message suggests."""
    text = "x,y\n1,été\n2,hiver\n"
    assert table(text.encode("latin-1"), encoding="latin-1").class_names == ("hiver", "été")
    assert table(text.encode("utf-16"), encoding="utf-16").class_names == ("hiver", "été")
