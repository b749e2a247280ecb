"""The course's exercises: each knows a common mistake, and its folded solution solves it."""

import ast
import re
from pathlib import Path
from typing import Any

import jupytext
import matplotlib as mpl
import pytest

from autograd.graph.drawing import Drawing
from tools.notebooks import sources

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
    "11": [
        ("on_plateau_c", "0.5", "minus the logarithm"),
        ("on_plateau_a", "math.log(2)", "over all four rows"),
        ("on_plateau_b", "-3 * math.log(2 / 3) / 4", "one is given 1/3"),
        ("starts", "6", "(5/6)**n"),
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
