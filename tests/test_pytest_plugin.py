"""pytest --gradcheck-report, in runs of their own."""

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pages
import pytest

ROOT = Path(__file__).resolve().parent.parent
SUITE = """
import math
from functools import partial

import pytest

import autograd
from autograd import check_gradients

check_gradients(math.exp, 0.0, gradient=math.exp)  # of no test


def loss(x, scale=1.0):
    return autograd.tanh(x[0] * x[1]) * scale


@pytest.fixture
def checked():
    check_gradients(loss, [0.25, 4.0])


def test_two_calls(checked):
    assert check_gradients(loss, [0.5, 2.0], order=2)


def test_by_the_conftest(check):
    check(partial(loss, scale=3.0), [0.5, 2.0], modes=["reverse"])


@pytest.mark.parametrize("n", [1, 3])
def test_sum(n):
    check_gradients(lambda params: autograd.total(params["w"]), {"w": [0.1] * n})


def test_wrong():
    check_gradients(math.sin, 0.5, gradient=lambda x: 2.0 * math.cos(x))


def test_nan():
    assert not check_gradients(math.sin, 0.5, gradient=lambda x: math.nan, raise_error=False)


def squares(x):
    return x[0] ** 2 + x[1] ** 2


@pytest.mark.parametrize("factors", [(1.0, 2.0), (2.0, 1.0)])
def test_once_wrong(factors):
    for factor in factors:
        gradient = lambda x: [2.0 * x[0], factor * 2.0 * x[1]]
        check_gradients(squares, [0.5, 2.0], gradient=gradient, raise_error=False)


def test_nothing():
    pass
"""
CONFTEST = """
import pytest
from autograd import check_gradients as check_under_another_name


@pytest.fixture
def check():
    return check_under_another_name
"""

Run = Callable[..., subprocess.CompletedProcess[str]]


def run_in(folder: Path, *options: str, path: str = "") -> subprocess.CompletedProcess[str]:
    """Pytest in that folder; warnings are errors there as well."""
    command = [sys.executable, "-m", "pytest", "-q", "-Werror", "-p", "no:cacheprovider", *options]
    # this run's own options, and what xdist told a worker, are not for that one
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    path = os.pathsep.join(filter(None, [path, os.environ.get("PYTHONPATH")]))
    # where the pictures of failures go; and hypothesis draws the same each time, without a deadline
    environment |= {"PYTHONPATH": path, "TMPDIR": str(folder), "CI": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("suite")
    (folder / "test_suite.py").write_text(SUITE, encoding="utf-8")
    (folder / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def alone(suite: Path) -> tuple[str, list[dict[str, Any]]]:
    """What a run without xdist prints, and its JSON."""
    done = run_in(suite, "--gradcheck-report", "--gradcheck-json", "new/alone.json")
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout, json.loads((suite / "new" / "alone.json").read_text(encoding="utf-8"))


def test_each_function_of_each_test_is_a_record(alone: tuple[str, list[dict[str, Any]]]) -> None:
    """Calls and derivatives are counted, also of fixtures; what is of no test is left out."""
    found = {record["test"].partition("::")[2]: record for record in alone[1]}
    assert len(found) == len(alone[1])
    counted = {test: (r["function"], r["calls"], r["derivatives"]) for test, r in found.items()}
    assert counted == {
        "test_two_calls": ("loss", 2, 4 + 4 + 4),
        "test_by_the_conftest": ("loss", 1, 2),
        "test_sum[1]": ("<lambda> in line 32", 1, 2),
        "test_sum[3]": ("<lambda> in line 32", 1, 6),
        "test_wrong": ("sin", 1, 1),
        "test_nan": ("sin", 1, 1),
        "test_once_wrong[factors0]": ("squares", 2, 4),
        "test_once_wrong[factors1]": ("squares", 2, 4),
    }
    assert found["test_by_the_conftest"]["modes"] == ["reverse"]
    assert {"forward", "reverse"} < set(found["test_two_calls"]["modes"])
    wrong = {test.partition("[")[0] for test, r in found.items() if not r["ok"]}
    assert wrong == {"test_wrong", "test_nan", "test_once_wrong"}


def test_how_tightly_and_where(alone: tuple[str, list[dict[str, Any]]]) -> None:
    """The worst point of all calls: error, tolerance, place and arguments; the worst come first."""
    shares = [float(record["share"]) for record in alone[1]]
    assert shares == sorted(shares, reverse=True)
    nan, *others = alone[1]
    right = [r for r in others if r["ok"]]
    wrong = next(r for r in others if r["test"].endswith("test_wrong"))
    assert (nan["got"], wrong["where"], wrong["arguments"]) == ("nan", "argument", "0.5")
    assert wrong["off"] == pytest.approx(wrong["expected"], rel=1e-9)
    assert all(r["off"] <= r["tolerance"] < 1e-6 for r in right)
    once = [r for r in others if "once" in r["test"]]
    assert [(r["where"], r["got"]) for r in once] == [("argument[1]", 8.0)] * 2
    two = next(r for r in right if r["test"].endswith("two_calls"))
    assert two["where"] in ("argument[0]", "argument[1]")
    assert two["arguments"] in ("[0.25, 4]", "[0.5, 2]")


def test_the_summary_is_readable(alone: tuple[str, list[dict[str, Any]]]) -> None:
    """A block for each record, in its order and within 100 columns, and the sums at the end."""
    _, title, rest = alone[0].partition(" gradients checked ")
    assert title
    lines = rest.partition("=====\n")[2].partition("\n=====")[0].splitlines()
    heads = [line.split(maxsplit=2) for line in lines if line.startswith(("right", "WRONG"))]
    words = {True: "right", False: "WRONG"}
    assert heads == [[words[r["ok"]], r["test"], r["function"]] for r in alone[1]]
    assert max(map(len, lines)) <= 100
    text = " ".join(" ".join(lines).split())
    assert "1 derivative (gradient), at worst off by 8.8e-01, where 1.8e-07 is allowed" in text
    assert "in argument of 0.5: 1.755165124, by differences 0.8775825619" in text
    assert "12 derivatives in 2 calls (forward; reverse; second derivative" in text
    assert "32 derivatives of 8 functions in 8 tests; 4 wrong" in text


def test_a_wrong_gradient_fails_in_its_own_words(alone: tuple[str, list[dict[str, Any]]]) -> None:
    """Recording changes no outcome, and no message."""
    assert "2 times too large" in alone[0]
    assert "1 failed, 8 passed" in alone[0]


def test_workers_send_what_they_checked(
    suite: Path, alone: tuple[str, list[dict[str, Any]]]
) -> None:
    """Under pytest-xdist the report is the same, and told once."""
    done = run_in(suite, "-n", "2", "--gradcheck-report", "--gradcheck-json", "workers.json")
    assert done.returncode == 1, done.stdout + done.stderr
    assert json.loads((suite / "workers.json").read_text(encoding="utf-8")) == alone[1]
    for title in (" gradients checked ", "32 derivatives"):
        assert done.stdout.count(title) == 1


def test_without_the_options_nothing_is_loaded(tmp_path: Path) -> None:
    """A run that does not ask pays for no import of autograd, and is told nothing."""
    test = "import sys\ndef test_it():\n    assert 'pytest_glassgrad' in sys.modules\n"
    test += "    assert not {'autograd', 'hypothesis'} & set(sys.modules)\n"
    (tmp_path / "test_it.py").write_text(test, encoding="utf-8")
    done = run_in(tmp_path, "-p", "no:hypothesispytest")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "gradients" not in done.stdout
    tree = ast.parse((ROOT / "pytest_glassgrad.py").read_text(encoding="utf-8"))
    first = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    assert [ast.unparse(node) for node in first] == ["import pytest"]


def test_another_package_of_the_name_breaks_nothing(tmp_path: Path) -> None:
    """With HIPS autograd in our place pytest runs as ever; who asks is told what is missing."""
    (tmp_path / "other" / "autograd").mkdir(parents=True)
    (tmp_path / "other" / "autograd" / "__init__.py").write_text("def grad(f): ...\n")
    (tmp_path / "test_it.py").write_text(
        "import autograd\ndef test_it():\n    assert not hasattr(autograd, 'Value')\n"
    )
    path = str(tmp_path / "other")
    assert run_in(tmp_path, path=path).returncode == 0
    done = run_in(tmp_path, "--gradcheck-report", path=path)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "ERROR: --gradcheck-report and --gradcheck-json need glassgrad's autograd" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def words(text: str) -> str:
    """A text without its numbers, names of files and line breaks."""
    text = re.sub(r"/\S*/autograd-\w+", "/autograd-", text)
    text = text.replace("Falsifying example", "Failing test case")  # hypothesis, formerly
    return " ".join(re.sub(r"-?\d[\d.]*(e[+-]\d+)?", "0", text).replace("E  ", " ").split())


def test_the_page_on_property_tests_is_true(tmp_path: Path) -> None:
    """The examples on docs/property-tests.md run, and print what stands there."""
    blocks = pages.blocks(pages.page("property-tests"))
    printed = ""
    for kind, text in blocks:
        if kind == "python":
            name = text.split(maxsplit=2)[1]
            (tmp_path / name).write_text(text, encoding="utf-8")
            printed = words(run_in(tmp_path, "--gradcheck-report", name).stdout)
        else:
            title, _, rest = text.partition("\n")
            assert words(title) in printed
            assert words(rest) in printed
    assert [kind for kind, _ in blocks] == ["python", "text"] * 2
