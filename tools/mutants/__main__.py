"""Mutation testing: how many small faults in a file do the tests notice?

    python -m tools.mutants autograd/value.py                  # every change of the file
    python -m tools.mutants autograd/compiler --sample 40      # 40 of each file, at random
    python -m tools.mutants autograd/value.py --again          # those that survived last time
    python -m tools.mutants autograd/compiler --report         # the figures, from build/mutants/

Each change (see changes.py) is made in memory, and the tests that run the line are run, the
quickest first, until one fails. survivors.txt says of changes that no test can notice why that is
so. What does not end within twice the processor time that the tests need counts as noticed too.
"""

import argparse
import ast
import contextlib
import importlib
import json
import math
import os
import random
import sys
from pathlib import Path

from tools.mutants.changes import changes
from tools.mutants.processes import KEPT, ROOT
from tools.mutants.survey import survey
from tools.mutants.trial import Result, trial

HEAVY = "numpy sympy mpmath llvmlite.binding hypothesis.strategies pytest _hypothesis_pytestplugin"
ENGINE = [
    "value",
    "operators",
    "table",
    "stubs",
    "rules",
    "transforms",
    "special_values",
    "random_graphs",
    "accuracy",
    "functions",
    "anomaly",
    "notices",
    "registering",
    "own_primitives",
    "jit",
]
COMPILER = [
    "tape",
    "optimize",
    "arguments",
    "fuse",
    "differentiate",
    "strides",
    "merge",
    "roll",
    "plan",
    "emit",
    "trace",
    "export",
    "compiler",
    "compiler_laws",
    "compiler_review",
    "jit",
    "anomaly",
    "vectormath",
    "moves",
    "compiled_step",
    "compiled_training",
    "rule",
    "rolled",
    "portable",
    "vmap",
    "own_primitives",
    "tiny_gpt",
    "own_primitives",
    "threads",
    "vmap",
    "soak",
    "packed",
    "machine",
    "loops",
    "team",
    "llvm",
    "epoch",
    "lower",
    "kernels",
]


def test_files(file: str) -> list[str]:
    """The test files for a file of the library."""
    names = COMPILER if file.startswith("autograd/compiler") else ENGINE
    found = [f"tests/test_{name}.py" for name in names]
    return [test for test in found if (ROOT / test).exists()]


def surveyed_with(file: str) -> list[str]:
    """The files whose lines are noticed in one survey with this one's."""
    inside = file.startswith("autograd/compiler")
    paths = (ROOT / "autograd/compiler").rglob("*.py") if inside else ROOT.glob("autograd/*.py")
    return sorted(str(path.relative_to(ROOT)) for path in paths)


def explained() -> dict[str, str]:
    """From survivors.txt, the reason by "file key": a line with "# " and those it holds for."""
    reasons: dict[str, str] = {}
    reason = ""
    for line in Path(__file__).with_name("survivors.txt").read_text().splitlines():
        if line.startswith("# "):
            reason = line[2:]
        elif line and reason:
            reasons[line] = reason
    return reasons


def interval(killed: int, n: int) -> tuple[float, float]:
    """Wilson's interval, 95 %, for a share of which a sample is known."""
    z, p = 1.959964, killed / n
    middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)


def report(name: str, results: dict[str, Result], total: int, reasons: dict[str, str]) -> None:
    """One line of figures; keys are "file key"."""
    alive = [key for key, result in results.items() if result.alive]
    known = sum(key in reasons for key in alive)
    timeouts = sum(result.status == "timeout" for result in results.values())
    counted, killed = len(results) - known, len(results) - len(alive)
    if not counted:
        return
    text = f"{name}: {killed} of {counted} noticed, {100 * killed / counted:.1f} %"
    if len(results) < total:
        low, high = interval(killed, counted)
        text += f" (95 % interval {100 * low:.1f} to {100 * high:.1f}; sampled from {total})"
    print(f"{text}; {timeouts} by timeout, {known} more explained")


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("paths", nargs="+", help="files or folders of the library")
    parser.add_argument("--sample", type=int, help="so many of each file, at random")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument("--again", action="store_true", help="only those that survived last time")
    parser.add_argument("--match", default="", help="only those whose description has this in it")
    parser.add_argument("--tests", nargs="+", help="test files to run, in place of all that may do")
    parser.add_argument("--report", action="store_true", help="run nothing")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--longest", type=float, default=4.0, help="seconds; slower tests are out")
    options = parser.parse_args()
    os.environ.update(OPENBLAS_NUM_THREADS="1", CI="1")
    sys.dont_write_bytecode = False  # what does not change is compiled to bytecode once
    os.chdir(ROOT)
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    KEPT.mkdir(parents=True, exist_ok=True)
    for name in HEAVY.split():
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    reasons = explained()
    files = []
    for path in options.paths:
        found = sorted(Path(path).rglob("*.py")) if Path(path).is_dir() else [Path(path)]
        files += [str(x.resolve().relative_to(ROOT)) for x in found]
    all_results: dict[str, Result] = {}
    total = 0
    for file in files:
        kept = KEPT / f"{file.replace('/', '.')}.json"
        every = changes(ast.parse((ROOT / file).read_text()))
        last = json.loads(kept.read_text()) if kept.exists() else {}
        results = {c.key: Result(*last[c.key]) for c in every if c.key in last}
        numbers = list(range(len(every)))
        if options.sample and options.sample < len(numbers):
            numbers = random.Random(options.seed).sample(numbers, options.sample)
        if options.again:
            numbers = [i for i, c in enumerate(every) if c.key in results and results[c.key].alive]
        numbers = [i for i in numbers if options.match in every[i].key]
        if numbers and not options.report:
            tests = options.tests or test_files(file)
            known = survey(surveyed_with(file), tests)
            for key, result in trial(file, numbers, known, options.jobs, options.longest):
                results[key] = result
                kept.write_text(json.dumps(results, indent=1))  # an interrupt loses nothing
        named = {f"{file} {key}": result for key, result in results.items()}
        report(file, named, len(every), reasons)
        for key, result in named.items():
            if result.alive and key not in reasons:
                print(f"    {result.status}, line {result.line}: {key}")
        all_results |= named
        total += len(every)
        stale = [key for key in reasons if key.startswith(f"{file} ")]
        for key in set(stale) - {f"{file} {change.key}" for change in every}:
            print(f"    no longer there, though explained: {key}")
    if len(files) > 1:
        report("in all", all_results, total, reasons)


if __name__ == "__main__":
    main()
