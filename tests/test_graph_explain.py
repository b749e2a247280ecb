"""Explanations: a gradient as the sum over its paths, and the part of a model it comes to."""

import itertools
import math
import random
from pathlib import Path
from typing import Any

import pages
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from networks import forward, layers, squared_error
from strategies import Program, WildProgram, programs, wild_programs

import autograd
from autograd import LengthError, OperandError, Scope, Value, blame, explain, where
from autograd.graph.paths import path_counts

MOST = 3000  # paths that brute force lists


def gradient(root: Value, wrt: Value) -> float:
    """What backward() gives, from gradients of zero."""
    root.zero_grad()
    wrt.grad = 0.0
    root.backward()
    return wrt.grad


def every_path(root: Value, wrt: Value) -> list[tuple[float, ...]]:
    """The local derivatives along each path, found by walking every one of them.

    Told apart from no gradient at all by asking the node what backward() gives its operands.
    """
    found = []
    stack: list[tuple[Value, tuple[float, ...]]] = [(root, ())]
    while stack:
        v, partials = stack.pop()
        if v is wrt:
            found.append(partials)
            continue
        for k, (p, d) in enumerate(zip(v.parents, v.partials, strict=True)):
            if p.op != "constant" and not untaken(v, k):
                stack.append((p, (*partials, d)))
    return found


def untaken(v: Value, k: int) -> bool:
    """Whether the rule says that no gradient flows to this operand."""
    if v.op == "where":
        return k == 0 or (k == 1) != (v.parents[0].data != 0.0)
    return v.op == "stop_gradient" or (v.op == "polygamma" and k == 0)


def same(x: float, y: float) -> bool:
    return x == y or (math.isnan(x) and math.isnan(y))


# --- paths ----------------------------------------------------------------------------------------


@settings(max_examples=150)
@given(programs(), st.integers(1, 8))
def test_paths_are_those_that_brute_force_finds(program: Program, k: int) -> None:
    """On random graphs: the number is exact, the k best are the k best, all add up to the gradient.

    The engine's own gradients stay as they were.
    """
    leaves = [Value(x) for x in program.leaves]
    root = program(leaves)
    order = autograd.topological_order(root)
    wrt = leaves[0]
    assume(path_counts(order, wrt).get(root, 0) <= MOST)
    expected = every_path(root, wrt)
    true = gradient(root, wrt)
    kept = [v.grad for v in order]
    found = explain(root, wrt, k=k)
    assert [v.grad for v in order] == kept
    assert found.gradient == true
    assert found.n_paths == len(expected)
    sizes = sorted((abs(math.prod(path)) for path in expected), reverse=True)
    assert [abs(path.contribution) for path in found.paths] == sizes[:k]
    scale = sum(sizes)
    shown = sum(path.contribution for path in found.paths)
    assert abs(shown + found.rest - true) <= 1e-12 * scale
    for path in found.paths:
        assert path.nodes[0] is root
        assert path.nodes[-1] is wrt
        assert path.contribution == math.prod(path.partials)
        assert len(path.partials) == len(path.nodes) - 1
        for (a, b), d in zip(itertools.pairwise(path.nodes), path.partials, strict=True):
            assert (b, d) in list(zip(a.parents, a.partials, strict=True))
    if len(expected):
        whole = explain(root, wrt, k=len(expected))
        assert sorted(path.partials for path in whole.paths) == sorted(expected)
        assert whole.rest == 0.0
        assert abs(sum(path.contribution for path in whole.paths) - true) <= 1e-12 * scale
    assert str(found).startswith(f"d{found._names[root]}/d{found._names[wrt]} = ")
    assert found._repr_latex_().count("aligned") == 2


@settings(max_examples=150)
@given(wild_programs())
def test_nan_and_inf_are_named_and_come_first(program: WildProgram) -> None:
    """On graphs of any floats the gradient is backward()'s, and what is not finite has a cause."""
    leaves = [Value(x) for x in program.leaves]
    root = program(leaves)[-1]
    assume(isinstance(root, Value))
    found = explain(root, leaves[0], k=3)
    assert same(found.gradient, gradient(root, leaves[0]))
    wild = [not all(map(math.isfinite, path.partials)) for path in found.paths]
    assert wild == sorted(wild, reverse=True)
    for path in found.paths:
        if not math.isfinite(path.contribution):
            assert "because" in str(found)


def test_more_paths_than_anyone_could_list() -> None:
    """Of 40 ** 8 * 2 paths the largest are found without listing them; the number is exact."""
    rng = random.Random(1)
    x = Value(0.3, "x")
    row = [x * rng.gauss(0.0, 1.0) for _ in range(40)]
    for _ in range(8):
        weights = [[rng.gauss(0.0, 0.2) for _ in row] for _ in range(40)]
        row = [
            autograd.tanh(autograd.total(w * v for w, v in zip(ws, row, strict=True)))
            for ws in weights
        ]
    root = autograd.total(row) + autograd.mean(row)
    found = explain(root, x)
    assert found.n_paths == 40**9 * 2 > 10**14
    sizes = [abs(path.contribution) for path in found.paths]
    assert len(sizes) == 5
    assert sizes == sorted(sizes, reverse=True)
    # the greatest by an independent rule: the best way on from each node, from the leaf upwards
    best = {x: 1.0}
    for v in autograd.topological_order(root):
        pairs = zip(v.parents, v.partials, strict=True)
        ways = [abs(d) * best[p] for p, d in pairs if p in best]
        if ways:
            best[v] = max(ways)
    assert math.isclose(sizes[0], best[root], rel_tol=1e-12)
    assert f"the other {40**9 * 2 - 5:,} paths" in str(found)


def test_paths_of_equal_size_are_no_trouble() -> None:
    """2 ** 200 paths of exactly equal size: any five of them, at once."""
    x = y = Value(1.0, "x")
    for _ in range(200):
        y = y * 0.5 + y * 0.5
    found = explain(y, x)
    assert found.n_paths == 2**200
    assert [path.contribution for path in found.paths] == [0.5**200] * 5
    assert found.gradient == 1.0
    assert "about 10^60 paths" in str(found)


def test_long_chains_are_explained_without_recursion() -> None:
    """A path of 50,000 edges is found, and its middle left out of the text."""
    x = y = Value(1.0, "x")
    for _ in range(50_000):
        y = y + 1.0
    found = explain(y, x)
    assert len(found.paths[0].partials) == 50_000
    assert "...(49,988 more)..." in str(found)
    assert len(str(found)) < 3000


def test_what_takes_no_gradient_is_on_no_path() -> None:
    """Constants, the branch not taken and what is behind stop_gradient take no part."""
    x = Value(2.0, "x")
    root = where(x > 0.0, x * 3.0, x * x) + autograd.stop_gradient(x) * 5.0
    found = explain(root, x)
    assert [path.partials for path in found.paths] == [(1.0, 1.0, 3.0)]
    assert "the only path" in str(found)


def test_a_product_of_a_dot_is_one_edge() -> None:
    """Through a fused neuron the path goes from the dot straight to the weight or the input."""
    x, w, b = Value(2.0, "x"), Value(-0.5, "w"), Value(0.25, "b")
    y = autograd.dot([w, x], [x, 3.0], b)
    assert [path.partials for path in explain(y, x).paths] == [(3.0,), (-0.5,)]
    assert [path.partials for path in explain(y, w).paths] == [(2.0,)]
    assert [path.nodes for path in explain(y, b).paths] == [(y, b)]


def test_a_node_between_can_be_derived_by() -> None:
    """`wrt` may be any node: its paths end there, though it was made of others."""
    x = Value(2.0, "x")
    c = x * x
    root = c * 3.0 + x
    assert explain(root, c).gradient == 3.0
    assert explain(root, c).n_paths == 1


def test_the_text_reads_like_a_lesson() -> None:
    """Each path as symbols and as numbers, the sum, and how the nodes were made."""
    a, b = Value(2.0, "a"), Value(-3.0, "b")
    c = a * b
    c.label = "c"
    loss = c * a + b
    loss.label = "loss"
    assert str(explain(loss, wrt=a)) == (
        "dloss/da = -12.0, the sum over 2 paths\n"
        "\n"
        "1. dloss/dv1 * dv1/da\n"
        "   = 1.0 * (-6.0) = -6.0\n"
        "\n"
        "2. dloss/dv1 * dv1/dc * dc/da\n"
        "   = 1.0 * 2.0 * (-3.0) = -6.0\n"
        "\n"
        "-6.0 + (-6.0) = -12.0\n"
        "\n"
        "where\n"
        "   c = a * b = -6.0\n"
        "   v1 = c * a = -12.0\n"
        "   loss = v1 + b = -15.0"
    )
    assert repr(explain(loss, wrt=a)) == ("<Explanation: dloss/da = -12.0, the sum over 2 paths>")
    assert str(explain(loss, wrt=a, k=1)).splitlines()[5:8] == [
        "the other path adds -6.0",
        "",
        "where",
    ]


def test_the_formula_is_the_text() -> None:
    """Jupyter shows the same symbols and numbers; labels that are LaTeX stay text."""
    a, b = Value(2.0, "a"), Value(3.0, r"\href{x}{y}")
    latex = explain(a * b + b, wrt=b)._repr_latex_()
    assert latex.count(r"&&=") == 2
    assert r"1.0 \cdot 2.0 = 2.0" in latex
    assert r"\href" not in latex
    assert "&&=" not in explain(a, wrt=a)._repr_latex_()


def test_no_path_and_the_root_itself() -> None:
    """A node the root does not depend on has gradient 0 and no path; the root has one, of 1."""
    a, b = Value(2.0, "a"), Value(3.0, "b")
    none = explain(a * 2.0, wrt=b)
    assert (none.gradient, none.n_paths, none.paths, none.rest) == (0.0, 0, [], 0.0)
    assert "b has no say in L" in str(none)
    itself = explain(a, wrt=a)
    assert (itself.gradient, itself.n_paths, itself.paths[0].partials) == (1.0, 1, ())
    assert str(itself) == "da/da = 1.0: a change of a is a change of a as large"


@pytest.mark.parametrize(
    ("expression", "cause"),
    [
        (lambda x: autograd.sqrt(x), "inf because of dL/dx = inf: L = sqrt(x) has this slope"),
        (lambda x: autograd.sqrt(x * 0.0), "nan because of dL/dv1 = inf, times 0.0"),
        (lambda x: autograd.log(x - 1.0), "nan because of dL/dv1 = nan: L = log(v1)"),
        (lambda x: (x + 1e200) * 1e200 * 1e200, "inf because the product is larger"),
    ],
)
def test_the_cause_of_nan_and_inf_is_named(expression: Any, cause: str) -> None:
    """Which local derivative made the product nan or inf, and where it was taken."""
    x = Value(0.0, "x")
    assert cause in str(explain(expression(x), wrt=x))


def test_wrong_arguments_are_named() -> None:
    """What is no Value, and a k that shows nothing, are refused."""
    x = Value(1.0)
    with pytest.raises(OperandError, match="as wrt"):
        explain(x, wrt=1.0)
    with pytest.raises(OperandError, match="as root"):
        explain("loss", wrt=x)
    with pytest.raises(ValueError, match="1 or more"):
        explain(x, wrt=x, k=0)


# --- blame ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["layer", "neuron"])
def test_blame_is_the_norm_of_the_gradients(by: Any) -> None:
    """Each part's norm is that of backward()'s gradients; shares add up to 1, largest first."""
    network = layers(2, 3, 4, 1)
    inputs = [Value(0.5, "x0"), Value(-1.0, "x1")]
    loss = (forward(network, inputs)[0] - 2.0) ** 2
    found = blame(loss, by=by)
    loss.backward()
    expected = {}
    for i, layer in enumerate(network):
        for j, (weights, bias) in enumerate(layer):
            path = f"layers.{i}" + (f".neurons.{j}" if by == "neuron" else "")
            expected.setdefault(path, []).extend(v.grad for v in (*weights, bias))
    assert {part.path: part.parameters for part in found} == {
        k: len(g) for k, g in expected.items()
    }
    for part in found:
        assert math.isclose(part.norm, math.hypot(*expected[part.path]))
        assert abs(part.gradient) == max(map(abs, expected[part.path]))
        assert part.largest.grad == part.gradient
    assert math.isclose(sum(part.share for part in found), 1.0)
    assert math.isclose(found.norm, math.hypot(*itertools.chain(*expected.values())))
    norms = [part.norm for part in found]
    assert norms == sorted(norms, reverse=True)


def test_blame_prints_a_table_with_bars() -> None:
    """A line for each part with its share and a bar, which is longest for the largest."""
    lines = str(blame(squared_error(2, 3, 1))).splitlines()
    assert lines[0].startswith("the gradient of loss = ")
    assert lines[2].split() == ["layer", "parameters", "norm", "share", "largest"]
    assert len(lines) == 5
    bars = [line.count("█") for line in lines[3:]]
    assert bars == sorted(bars, reverse=True)
    assert bars[0] > 0


def test_blame_of_nan_and_of_nothing() -> None:
    """A part whose gradient is nan stands first; where nothing flows all shares are 0."""
    w, v = Value(-1.0, Scope("layers.0.w")), Value(2.0, Scope("layers.1.w"))
    found = blame(autograd.log(w) + v * 1e9)
    assert [part.path for part in found] == ["layers.0", "layers.1"]
    assert math.isnan(found[0].norm)
    assert "nan" in str(found)
    assert [part.share for part in blame(autograd.relu(w) + v * 0.0)] == [0.0, 0.0]
    assert blame(w * 2.0)[0].path == "layers.0"
    assert blame(Value(1.0, Scope("w.0")) * 2.0)[0].path == ""


def test_blame_leaves_gradients_alone_and_names_what_is_wrong() -> None:
    """The graph's gradients stay; no parameters, no Value, an unknown part are refused."""
    loss = squared_error(2, 2, 1)
    kept = [v.grad for v in autograd.topological_order(loss)]
    blame(loss)
    assert [v.grad for v in autograd.topological_order(loss)] == kept
    with pytest.raises(LengthError, match="no parameter"):
        blame(Value(1.0, "w") * 2.0)
    with pytest.raises(OperandError, match="a Value"):
        blame(1.0)
    with pytest.raises(ValueError, match="'layer'"):
        blame(loss, by="weight")


# --- the page -------------------------------------------------------------------------------------


def test_the_page_on_seeing_is_true(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The examples on docs/seeing.md run, each as a file train.py, and print what stands there."""
    monkeypatch.chdir(tmp_path)
    compared = 0
    for printed, shown in pages.printed_and_shown(pages.page("seeing"), capsys):
        assert printed == shown
        compared += 1
    assert compared >= 5
