"""The exercises: what is right passes, what is wrong is shown where; the course's are solvable."""

import ast
import math
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jupytext
import matplotlib as mpl
import pytest

import autograd
from autograd import Value
from autograd.graph.drawing import Drawing
from nn.exercises import Verdict, check_derivative, check_engine, check_function, check_number
from nn.exercises.engine import programs
from nn.exercises.functions import points
from tools.notebooks import sources


def cube(x: Any) -> Any:
    return x * x * x


# --- numbers, derivatives, functions --------------------------------------------------------------


def test_what_is_right_passes() -> None:
    """A true derivative agrees at every point, whatever kind of number it returns."""
    assert check_number(7, 7.0, "").passed
    assert check_number((1, 2), [1.0, 2.0], "").passed
    assert check_derivative(cube, lambda x: 3 * x**2).passed
    assert check_derivative(lambda a, b: a * b + a, lambda a, b: (b + 1, a)).passed
    assert check_derivative(cube, lambda x: Value(3.0) * x * x).passed
    assert check_function(lambda a, b: (a + b, a * b), lambda a, b: [a + b, a * b]).passed


@pytest.mark.parametrize(
    "verdict",
    [
        check_number(..., 1.0, ""),
        check_number((1.0, ...), (1.0, 2.0), ""),
        check_derivative(cube, ...),
        check_derivative(cube, lambda x: ...),
        check_derivative(cube, lambda x: None),
        check_derivative(lambda a, b: a * b, lambda a, b: (b, ...)),
    ],
)
def test_no_answer_is_not_a_wrong_answer(verdict: Verdict) -> None:
    """`...` anywhere, or a function that returns nothing yet, is told apart from a mistake."""
    assert verdict.passed is None
    assert str(verdict) == "not answered yet"


def test_a_wrong_number_is_given_the_hint() -> None:
    """The hint is shown, and not the answer."""
    verdict = check_number(3.0, 7.0, "Add what they bring.")
    assert verdict.passed is False
    assert verdict.text == "not yet. Add what they bring."
    assert check_number((1, 2, 3), (1, 2), "").text.endswith("2 numbers are asked for, not 3")


def test_a_wrong_derivative_is_answered_with_the_simplest_point() -> None:
    """3x for x**3 is right at 0 and 1, so the point is -1: with expression, numbers, picture."""
    verdict = check_derivative(cube, lambda x: 3 * x)
    assert verdict.passed is False
    assert verdict.text.splitlines() == [
        "not yet. At x = -1.0: the derivative by x is 3, yours is -3.",
        "    v1 = x * x = (-1.0) * (-1.0) = 1.0",
        "    y = v1 * x = 1.0 * (-1.0) = -1.0",
    ]
    assert isinstance(verdict.picture, Drawing)
    assert {node.grad for node in verdict.picture.view.nodes if node.label == "x"} == {3.0}


def test_no_simpler_point_would_do() -> None:
    """The point shown is the first of the list at which the two differ."""

    def wrong(a: float, b: float) -> tuple[float, float]:
        return (b, a if a * b < 4 else 0.0)

    verdict = check_derivative(lambda a, b: a * b, wrong)
    differing = [p for p in points(2) if p[0] * p[1] >= 4]
    assert verdict.text.startswith(f"not yet. At a = {differing[0][0]}, b = {differing[0][1]}:")
    assert differing[0] == (2.0, 2.0)


def test_points_go_from_simple_to_less_simple() -> None:
    """All of zeros and ones come before what has a 10 in it, and there are not too many."""
    assert points(1)[:4] == [(0.0,), (1.0,), (-1.0,), (2.0,)]
    assert points(2)[:3] == [(0.0, 0.0), (0.0, 1.0), (1.0, 0.0)]
    assert all(len(points(n)) <= 2500 for n in range(1, 7))


def test_the_result_has_a_name_of_its_own() -> None:
    """An argument called y is not taken for the result."""
    text = check_derivative(lambda x, y: x * y, lambda x, y: (x, y)).text
    assert "z = x * y" in text


def test_an_error_is_a_counterexample() -> None:
    """math.exp(1000) raises where softplus is 1000: that is where the answer is wrong."""
    numbers = (0.0, 1.0, 1000.0)
    verdict = check_function(
        lambda x: autograd.softplus(x), lambda x: math.log1p(math.exp(x)), numbers
    )
    assert verdict.text.startswith("not yet. At x = 1000.0: the result is 1000; yours is an error")


def test_a_mistake_in_the_code_is_left_to_python() -> None:
    """A misspelt name or a missing argument is no wrong answer: its own message says it best."""
    with pytest.raises(NameError):
        check_derivative(cube, lambda x: xx)  # type: ignore[name-defined]  # noqa: F821
    with pytest.raises(TypeError, match="positional argument"):
        check_derivative(cube, lambda: 3.0)


def test_how_many_numbers_are_asked_for() -> None:
    """Two derivatives asked for, one given: it says which two."""
    text = check_derivative(lambda a, b: a * b, lambda a, b: b).text
    assert text.startswith("not yet: 2 numbers are asked for (the derivative by a, the derivative")


def test_points_without_a_derivative_are_left_out() -> None:
    """1/x at 0 is nobody's mistake; a function that is nowhere finite cannot be asked about."""
    assert check_derivative(lambda x: 1 / x, lambda x: -1 / x**2).passed
    with pytest.raises(autograd.LengthError, match="finite"):
        check_derivative(lambda x: autograd.log(x), lambda x: 1 / x, numbers=(0.0, -1.0))


@pytest.mark.parametrize("f", [lambda: 1.0, lambda *xs: xs[0], autograd.grad(cube)])
def test_a_function_without_named_arguments_is_refused(f: Callable[..., Any]) -> None:
    """Its arguments' names stand in the answer, so it must have some."""
    with pytest.raises(TypeError, match="named numbers"):
        check_derivative(f, lambda x: x)


def test_a_loop_without_end_is_stopped() -> None:
    """Also one that stands on a single line; and whoever traced before goes on tracing."""

    def stuck(x: float) -> float:
        while True: pass  # noqa: E701  # fmt: skip

    before = sys.gettrace()
    with pytest.raises(Exception, match="loop without end"):
        check_derivative(cube, stuck)
    assert sys.gettrace() is before


def test_a_verdict_shows_its_words_and_its_picture(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In Jupyter the text is printed and the picture displayed below it."""
    shown: list[Any] = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    verdict = check_derivative(cube, lambda x: 3 * x)
    verdict._ipython_display_()
    assert capsys.readouterr().out == verdict.text + "\n"
    assert shown == [verdict.picture]
    check_number(1, 1, "")._ipython_display_()
    assert capsys.readouterr().out == "right!\n"
    assert len(shown) == 1


# --- engines --------------------------------------------------------------------------------------


def engine(**methods: Any) -> Any:
    """A learner's class, right but for the methods given."""

    class Number:
        def __init__(self, data: float, parents: Any = (), partials: Any = ()) -> None:
            self.data, self.parents, self.partials, self.grad = data, parents, partials, 0.0

        def __add__(self, other: Any) -> Any:
            return Number(self.data + other.data, (self, other), (1.0, 1.0))

        def __mul__(self, other: Any) -> Any:
            return Number(self.data * other.data, (self, other), (other.data, self.data))

        def tanh(self) -> Any:
            t = math.tanh(self.data)
            return Number(t, (self,), (1 - t * t,))

        def backward(self) -> None:
            self.grad = 1.0
            for node in order(self):
                for parent, partial in zip(node.parents, node.partials, strict=True):
                    parent.grad += node.grad * partial

    for name, method in methods.items():
        setattr(Number, name, method)
    return Number


def order(root: Any) -> list[Any]:
    """Every node before its parents, without recursion."""
    found, seen, to_do = [], set(), [(root, False)]
    while to_do:
        node, done = to_do.pop()
        if done:
            found.append(node)
        elif node not in seen:
            seen.add(node)
            to_do += [(node, True), *[(p, False) for p in node.parents]]
    return found[::-1]


def edges(node: Any) -> Any:
    return zip(node.parents, node.partials, strict=True)


def overwrites(self: Any) -> None:
    self.grad = 1.0
    for node in order(self):
        for parent, partial in edges(node):
            parent.grad = node.grad * partial


def passes_on_at_once(self: Any) -> None:
    self.grad = 1.0
    to_do = [self]
    while to_do:
        node = to_do.pop()
        for parent, partial in edges(node):
            parent.grad += node.grad * partial
            to_do.append(parent)


def does_not_wait(self: Any) -> None:
    self.grad = 1.0
    to_do, seen = [self], set()
    for node in to_do:
        if node not in seen:
            seen.add(node)
            for parent, partial in edges(node):
                parent.grad += node.grad * partial
                to_do.append(parent)


def every_path(self: Any, gradient: float = 1.0) -> None:
    self.grad += gradient
    for parent, partial in edges(self):
        every_path(parent, gradient * partial)


def calls_itself(self: Any) -> None:
    found: list[Any] = []

    def visit(node: Any) -> None:
        if node not in found:
            for parent in node.parents:
                visit(parent)
            found.append(node)

    visit(self)
    self.grad = 1.0
    for node in reversed(found):
        for parent, partial in edges(node):
            parent.grad += node.grad * partial


def never_ends(self: Any) -> None:
    to_do = [self]
    while to_do:
        to_do.append(to_do[0])


def test_a_right_engine_passes() -> None:
    """Ours, written as a learner would, agrees on every small graph, many paths, a long chain."""
    verdict = check_engine(engine(), operations=("add", "mul", "tanh"))
    assert verdict.passed, verdict.text
    assert check_engine(engine(), backward=False).passed


@pytest.mark.parametrize(
    ("backward", "expected"),
    [
        (overwrites, ["y = a + a", "a.grad is 2, yours is 1."]),
        (passes_on_at_once, ["v1 = a + a", "y = v1 + v1", "a.grad is 4, yours is 8."]),
        (does_not_wait, ["v1 = a + a", "v2 = a + v1", "y = v1 + v2", "a.grad is 5, yours is 3."]),
        (every_path, ["goes along every path", "1,099,511,627,776"]),
        (calls_itself, ["too deep for a function"]),
        (never_ends, ["does not come to an end"]),
    ],
)
def test_each_mistake_is_shown_the_smallest_graph(backward: Any, expected: list[str]) -> None:
    """A shared node, the order, the number of paths, the depth: each has its own counterexample."""
    verdict = check_engine(engine(backward=backward))
    assert verdict.passed is False
    assert all(line in verdict.text for line in expected), verdict.text
    assert isinstance(verdict.picture, Drawing)


def test_an_operation_is_checked_before_backward() -> None:
    """Numbers, parents and local derivatives of a product, each with what was expected."""

    def times(partials: Any, data: Any = lambda a, b: a * b, parents: Any = lambda *ab: ab) -> Any:
        def mul(self: Any, other: Any) -> Any:
            product = data(self.data, other.data)
            return type(self)(product, parents(self, other), partials(self.data, other.data))

        return check_engine(engine(__mul__=mul), backward=False)

    def right(a: float, b: float) -> tuple[float, float]:
        return (b, a)

    assert times(right).passed
    assert "y.partials is [-2.0, 3.0], yours is [3.0, -2.0]" in times(lambda a, b: (a, b)).text
    assert "y.partials is [3.0, 3.0], yours is [3.0]" in times(lambda a, b: (b,)).text
    assert "y.data is 9, yours is 6" in times(right, data=lambda a, b: a + b).text
    assert "y.parents is [a, b], yours is [b, a]" in times(right, parents=lambda a, b: (b, a)).text


def test_an_unwritten_method_is_no_answer() -> None:
    """`return ...` in an operation, or a backward that does nothing."""
    nothing = engine(__mul__=lambda self, other: ...)
    assert check_engine(nothing, backward=False).passed is None
    assert check_engine(engine(backward=lambda self: ...)).passed is None


def test_an_error_in_the_engine_says_on_which_graph() -> None:
    """The learner's own error, with the formula that was being tried."""
    with pytest.raises(AttributeError) as info:
        check_engine(engine(backward=lambda self: self.gradient))
    assert "y = a + a" in info.value.__notes__[0]


def test_programs_use_every_result() -> None:
    """All graphs of a size, each once, and none with an operation that does not matter."""
    found = [str(program) for program in programs(2, ("add",))]
    assert len(found) == len(set(found)) == 4 * 5  # first: 4 pairs; second: 5 of 9 use the first
    assert len(list(programs(1, ("add", "tanh")))) == 4 + 2


# --- those of the course --------------------------------------------------------------------------

COURSE = [source for source in sources() if "nn.exercises" in source.read_text(encoding="utf-8")]
SOLUTION = re.compile(r"<summary>A solution</summary>\n\n```python\n(.*?)```", re.DOTALL)

# For each exercise, by its notebook and place there: a mistake that is often made, and what it is
# told. A function is written as its name and what it returns.
MISTAKES = {
    "03": [
        ("slope(x)", "2 * (3 * x + 1)", "At x = 0.0: the derivative by x is 6, yours is 2"),
        ("slopes(a, b)", "(b, a)", "At a = 0.0, b = 0.0: the derivative by a is 1, yours is 0"),
        ("collected", "4 + 5 + 2", "used three times"),
        ("blame(w, b)", "(2 * (w * 2 + b - 1),) * 2", "by w is -4, yours is -2"),
        ("bend(x)", "1 - autograd.tanh(3 * x) ** 2", "At x = 0.0: the derivative by x is 3"),
    ],
    "04": [
        (
            "multiply(self, other)",
            "Number(self.data * other.data, (self, other), (self.data, other.data))",
            "y.partials is [-2.0, 3.0], yours is [3.0, -2.0]",
        ),
        (
            "backward(self)",
            "[setattr(p, 'grad', d) for p, d in zip(self.parents, self.partials)]",
            "grad is 2, yours is 1",
        ),
        ("bend(self)", "Number(math.tanh(self.data), (self,), (1.0,))", "y = a.tanh()"),
        (
            "subtract(self, other)",
            "Number(self.data - other.data, (self, other), (1.0, 1.0))",
            "a.grad is 0, yours is 2",
        ),
    ],
    "05": [
        ("after_one_step", "3 + 0.1 * 6", "downhill"),
        ("step(x, slope, rate)", "x + rate * slope", "rate = 1.0: the result is -1, yours is 1"),
        ("for_ever", "0.1", "10 y"),
        (
            "rolling_step(x, slope, velocity)",
            "x - 0.1 * velocity, 0.9 * velocity + slope",
            "result 1 is -0.09, yours is -0.1",
        ),
        ("first_move", "100.0", "It divides"),
    ],
    "08": [
        ("speed_of_product", "2 * -1", "Each factor"),
        ("divide(u, du, v, dv)", "(u / v, du / dv)", "result 2 is 0, yours is 1"),
        ("passes_forward, passes_reverse", "3, 1000", "one for each input"),
        ("bend(x)", "3 * x**2 + 2", "At x = 0.0: the derivative by x is 0, yours is 2"),
        ("mixed(x, y)", "2 * y", "the result is 0, yours is 2"),
    ],
    "09": [
        ("slope_at_kink", "1", "flattest"),
        ("slope(x)", "1 if x > 2 else -1", "At x = 2.0: the derivative by x is 0, yours is -1"),
        ("sigmoids", "4", "until it is smaller"),
        ("softplus(x)", "autograd.log(1 + autograd.exp(x))", "At x = 1000.0"),
        ("clip(a, b)", "(min(a, 1.0), min(b, 1.0))", "At a = 1.0, b = 1.0: result 1 is 0.707"),
    ],
}


def answered(cell: str, answer: str) -> str:
    """The exercise's cell with an answer in place of the statement that has the `...`."""
    kept = [
        statement
        for statement in ast.parse(cell).body
        if not any(isinstance(n, ast.Constant) and n.value is ... for n in ast.walk(statement))
    ]
    assert len(kept) == len(ast.parse(cell).body) - 1
    return "\n".join([answer, *map(ast.unparse, kept)])


def run(code: str, namespace: dict[str, Any]) -> Any:
    """Execute a cell. Gives what it would show: its last line, if that is an expression."""
    tree = ast.parse(re.sub(r"^%.*$", "", code, flags=re.MULTILINE))
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), namespace)
    if last is None:
        return None
    return eval(compile(ast.Expression(last.value), "cell", "eval"), namespace)


@pytest.mark.parametrize("source", COURSE, ids=[source.stem for source in COURSE])
def test_the_exercises_of_the_course(source: Path) -> None:
    """Each is unanswered at first, knows a common mistake, and passes with its folded solution."""
    mpl.use("agg")
    mistakes = list(MISTAKES[source.stem[:2]])
    assert len(mistakes) >= 4
    namespace: dict[str, Any] = {}
    exercise = ""
    for cell in jupytext.read(source).cells:
        solution = SOLUTION.search(cell.source) if cell.cell_type == "markdown" else None
        if solution:
            target, wrong, told = mistakes.pop(0)
            function = target.endswith(")")
            mistake = f"def {target}: return {wrong}" if function else f"{target} = {wrong}"
            verdict = run(answered(exercise, mistake), namespace)
            assert verdict.passed is False
            assert told in verdict.text
            assert isinstance(verdict.picture, Drawing) == function
            verdict = run(answered(exercise, solution[1]), namespace)
            assert verdict.passed, verdict.text
        elif cell.cell_type == "code":
            shown = run(cell.source, namespace)
            if re.search(r"(return|=) \.\.\.", cell.source):
                exercise = cell.source
                assert shown.passed is None
    assert not mistakes
    if source.stem.startswith("04"):  # the learner's engine, once finished, runs the neuron
        assert namespace["Engine"].__name__ == "Number"
