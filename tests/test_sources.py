"""Sources: which line made each node, recorded only while asked for."""

import gc
import linecache
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from strategies import OPERATORS, function_of, number_of_operands

import autograd
import nn
from autograd import Value, explain, record_sources
from autograd.primitives import TABLE
from autograd.sources import Source, assignments, source_of
from autograd.value import apply


@pytest.fixture(autouse=True)
def _no_recording_is_left() -> Iterator[None]:
    """Whatever a test does, nothing goes on recording after it."""
    yield
    assert sys.getprofile() is None


def line_of(text: str) -> int:
    """The first line of this file that begins with the text."""
    lines = linecache.getlines(__file__)
    return next(i for i, line in enumerate(lines, 1) if line.strip().startswith(text))


def test_the_line_and_the_variable_of_a_node() -> None:
    """Each node has its file, its line, the line's text, and what it was assigned to there."""
    with record_sources() as sources:
        a, b = Value(2.0), Value(3.0)
        product = a * b
        shifted = (product + 1.0).tanh()
    source = sources.of(product)
    assert source == Source(__file__, line_of("product = a"), "product = a * b", "product")
    assert str(source) == f"product = a * b  (test_sources.py, line {source.line})"
    assert (sources.of(a).variable, sources.of(b).variable) == ("a", "b")
    assert sources.of(shifted).variable == "shifted"
    assert sources.of(shifted.parents[0]).variable is None
    assert sources.of(shifted.parents[0]).line == line_of("shifted = (")


def test_every_kind_of_assignment_is_read() -> None:
    """Attributes, items, walrus, +=, annotations, loops and lines that go on."""

    class Model:
        weight: Any

    model, row = Model(), [None]
    a = Value(2.0)
    with record_sources() as sources:
        model.weight = a * 1.5
        row[0] = -a
        total = Value(0.0)
        for k in range(3):
            total += a * k
        typed: Value = 1.0 - a
        if (walrus := a / 3.0).data > 0.0:
            pass
        long = (
            a
            * a
        )  # fmt: skip
        c, (d, e) = a * 4.0, [a * 5.0, a * 6.0]
        unpacked = [a * 7.0, a * 8.0]
        f, *g = unpacked
        maximum = autograd.maximum(a, 3.0)
    names = {"model.weight": model.weight, "row[0]": row[0], "total": total, "typed": typed}
    names |= {"walrus": walrus, "long": long, "c": c, "d": d, "e": e, "maximum": maximum}
    for name, v in names.items():
        assert sources.of(v).variable == name, name
    assert [sources.of(v).variable for v in (f, *g)] == [None, None]
    assert sources.of(long).text in ("a", "long = (")


def test_lines_inside_the_library_are_skipped() -> None:
    """A node made by nn or by a function of many numbers belongs to the user's line.

    The variable is that of the node which the call gave back, and of no other.
    """
    model = nn.MLP(2, [3, 1])
    with record_sources() as sources:
        answer = model([1.0, 2.0])
        shares = autograd.softmax([answer, 1.0])
        loss = nn.losses.mse([answer], [1.0])
    for v in autograd.topological_order(answer):
        source = sources.of(v)
        if v.op in (None, "constant"):  # made before, or the 1.0 and 2.0 of the input
            assert source is None
        else:
            assert source.line == line_of("answer = model(")
            assert source.variable == ("answer" if v is answer else None)
    assert [sources.of(v).variable for v in shares] == [None, None]
    assert sources.of(shares[0]).line == line_of("shares = autograd")
    assert sources.of(loss).variable == "loss"


@pytest.mark.parametrize("name", sorted(TABLE))
def test_no_way_to_make_a_node_escapes(name: str) -> None:
    """Of every primitive: its function, its operator, its method, `apply`, under no_grad too."""
    p = TABLE[name]
    n = number_of_operands(p)[-1]
    xs = [Value(1.5) for _ in range(n)]
    if name == "polygamma":
        xs[0] = 1.0
    with record_sources() as sources:
        made = [function_of(name)(*xs), apply(p, *xs)]
        if name in OPERATORS and n == 2:
            made += [OPERATORS[name](xs[0], 2.0), OPERATORS[name](2.0, xs[0])]
        if n == 1 and hasattr(Value, name):
            made.append(getattr(xs[0], name)())
        with autograd.no_grad():
            made.append(function_of(name)(*xs))
        leaf = Value(1.0)
    for v in (*made, leaf):
        assert sources.of(v).file == __file__ or "strategies" in sources.of(v).file


def test_layers_and_copies() -> None:
    """The dot nodes of a layer are recorded each; so are detached and converted nodes."""
    x = Value(1.0)
    with record_sources() as sources:
        units = autograd.linear([[1.0, 2.0]], [[x, x], [x, x]], [x, x])[0]
        still = x.detach()
    assert [sources.of(v).line for v in units] == [line_of("units = autograd.linear")] * 2
    assert sources.of(still).variable == "still"


def test_what_is_given_back_is_not_made() -> None:
    """A node from before the block has no source, though functions inside it give it back."""
    x = Value(2.0)

    def parameter() -> Value:
        return x

    with record_sources() as sources:
        y = parameter()
        z = autograd.take([x], 0)
    assert y is z is x
    assert sources.of(x) is None
    assert len(sources) == 0


def test_outside_the_block_nothing_is_recorded() -> None:
    """Before and after, also after an exception, Python runs without a profile function."""
    assert sys.getprofile() is None
    sources = record_sources()
    with pytest.raises(ZeroDivisionError), sources:
        inside = Value(1.0 / 0)
    with sources:
        inside = Value(1.0) * 2.0
    assert sys.getprofile() is None
    after = inside * 2.0
    assert sources.of(inside) is not None
    assert sources.of(after) is None


def test_blocks_nest_and_end_in_any_order() -> None:
    """Of two open blocks each records what is made while it is open."""
    outer, inner = record_sources(), record_sources()
    outer.__enter__()
    inner.__enter__()
    both = Value(1.0)
    outer.__exit__(None, None, None)
    one = Value(2.0)
    inner.__exit__(None, None, None)
    none = Value(3.0)
    assert [t.of(both) is None for t in (outer, inner)] == [False, False]
    assert [t.of(one) is None for t in (outer, inner)] == [True, False]
    assert [t.of(none) is None for t in (outer, inner)] == [True, True]
    with outer:
        again = Value(4.0)
    assert outer.of(again) is not None
    assert len(outer) == 2


def test_other_threads_are_left_alone() -> None:
    """A block records its own thread, and no other runs slower for it."""
    made: list[Any] = []

    def work() -> None:
        made.extend([sys.getprofile(), Value(1.0) * 2.0])

    with record_sources() as sources:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert made[0] is None
    assert sources.of(made[1]) is None


def test_nodes_live_no_longer_than_the_table() -> None:
    """When the block is over and nobody keeps it, its nodes go."""

    def count() -> int:
        gc.collect()
        return sum(type(x) is Value for x in gc.get_objects())

    before = count()
    with record_sources():
        x = Value(1.0)
        for _ in range(100):
            x = x * 1.5
    assert source_of(x) is None
    del x
    assert count() == before
    with record_sources() as sources:
        y = Value(1.0) * 2.0
    assert source_of(y) is not None
    del y, sources
    assert count() == before


def test_a_running_profiler_is_not_thrown_out() -> None:
    """Where another profile function is set, the block says so and leaves it."""

    def other(*event: Any) -> None: ...

    sys.setprofile(other)
    try:
        with pytest.raises(RuntimeError, match="stop it first"), record_sources():
            pass
        assert sys.getprofile() is other
    finally:
        sys.setprofile(None)


def test_explain_says_where() -> None:
    """Nodes without a label are called by their variable, with the line that made them."""
    a, b = Value(2.0, "a"), Value(3.0, "b")
    with record_sources() as sources:
        scaled = a * b
        loss = scaled + a
        inside = str(explain(loss, wrt=a))
    assert "dloss/dscaled * dscaled/da" in inside
    line = line_of("scaled = a")
    assert f"scaled = a * b = 6.0     (test_sources.py, line {line})" in inside
    assert f"loss = scaled + a = 8.0  (test_sources.py, line {line + 1})" in inside
    assert str(explain(loss, wrt=a)) == inside  # `sources` is still there
    del sources
    assert "test_sources" not in str(explain(loss, wrt=a))


def test_text_that_cannot_be_read() -> None:
    """Of code with no file the line is known, its text and variable are not."""
    names: dict[str, Any] = {"Value": Value}
    with record_sources() as sources:
        exec("\nx = Value(2.0)\ny = x * x", names)
    assert sources.of(names["y"]) == Source("<string>", 3, "", None)
    assert str(sources.of(names["y"])) == "<string>, line 3"
    assert assignments("no python at all") == {}


def test_a_notebook_cell_is_named_by_its_number() -> None:
    """In IPython the place is "notebook cell 3, line 3", and text and variable are the cell's."""
    pytest.importorskip("IPython")
    script = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
for cell in (
    "import autograd; from autograd import Value",
    "sources = autograd.record_sources()",
    "with sources:\\n    a = Value(2.0)\\n    c = a * a",
    "print(sources.of(c), sources.of(c).variable)",
):
    shell.run_cell(cell, store_history=True).raise_error()
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "c = a * a  (notebook cell 3, line 3) c"
