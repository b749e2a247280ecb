"""Running the tests against a changed file, in a process of its own.

One process forks all others, with what is heavy and not ours (NumPy, SymPy, LLVM) imported already.
Hypothesis draws the same examples each time and shrinks nothing.
"""

import ast
import contextlib
import hashlib
import importlib
import importlib.abc
import importlib.machinery
import json
import math
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence, Set
from pathlib import Path
from typing import Any, NamedTuple

from tools.mutants.changes import Change, changes

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "build" / "mutants"  # surveys and results, from run to run
TOO_SLOW = "not million and not interrupt and not what_they_claim"  # for -k: half a minute
TIMEOUT = 124  # the exit code where a signal ended the process
NO_TESTS = 5  # pytest's
MEMORY = 6 << 30  # bytes of address space: a loop that allocates for ever ends


# --- what tests do where nothing is changed -------------------------------------------------------


class Survey(NamedTuple):
    """How much processor time each test takes, and the lines of the functions that it calls.

    imported: the lines of functions that are called when the library is imported.
    """

    seconds: dict[str, float]
    lines: dict[str, dict[str, list[int]]]  # [test][file]
    imported: dict[str, list[int]]  # [file]

    def covering(self, file: str, change: Change, longest: float) -> list[str]:
        """The tests that may notice a change, the quickest first.

        Those that call the innermost function around it; of what runs at import, any of the file.
        """
        within: Any = change.function
        if within is None or any(x in within for x in self.imported.get(file, ())):
            within = range(1 << 30)
        found = []
        for test, files in self.lines.items():
            if self.seconds[test] <= longest and any(x in within for x in files.get(file, ())):
                found.append(test)
        return sorted(found, key=self.seconds.__getitem__)


class _Surveyor:
    """A plugin of pytest that makes a survey: of functions that are called, not of modules."""

    def __init__(self, files: list[str]) -> None:
        self.names = {str(ROOT / file): file for file in files}
        self.survey = Survey({}, {}, {})
        self.lines: dict[str, set[int]] = {}

    def import_all(self) -> None:
        """Notice what is called when the files are imported."""
        sys.settrace(self._call)
        for file in self.names.values():
            importlib.import_module(_module(file))
        sys.settrace(None)
        self.survey.imported.update({file: sorted(x) for file, x in self.lines.items()})

    def pytest_runtest_logstart(self) -> None:
        self.lines = {}
        self.start = time.process_time()
        sys.settrace(self._call)
        threading.settrace(self._call)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        sys.settrace(None)
        threading.settrace(None)
        self.survey.seconds[nodeid] = time.process_time() - self.start
        self.survey.lines[nodeid] = {file: sorted(x) for file, x in self.lines.items()}

    def _call(self, frame: Any, event: str, arg: Any) -> None:
        code = frame.f_code
        file = self.names.get(code.co_filename)
        if file is not None and code.co_name != "<module>":
            lines = [line for _, _, line in code.co_lines() if line is not None]
            self.lines.setdefault(file, set()).update(lines)


def survey(files: list[str], tests: list[str]) -> Survey:
    """Runs each test file once, unchanged. Kept until it or one of the files changes."""
    total = Survey({}, {}, {})
    sources = [(ROOT / file).read_bytes() for file in files]
    for test in tests:
        digest = hashlib.sha256(b"".join([(ROOT / test).read_bytes(), *sources])).hexdigest()
        kept = KEPT / f"{Path(test).stem}-{digest[:16]}.json"
        if not kept.exists():
            print(f"{test}: which functions it calls ...", flush=True)

            def work(told: Path, test: str = test, kept: Path = kept) -> int:
                surveyor = _Surveyor(files)
                surveyor.import_all()
                code = _run_tests([test], [_Plugin(told), surveyor])
                kept.write_text(json.dumps(surveyor.survey))
                return code

            _, code = _first_to_end([_fork(work, 3600)])
            if code != 0:
                kept.unlink(missing_ok=True)
                raise SystemExit(f"{test} fails without any change ({code=})")
        one = Survey(*json.loads(kept.read_text()))
        total.seconds.update(one.seconds)
        total.lines.update(one.lines)
        total.imported.update(one.imported)
    return total


# --- in the processes that run tests --------------------------------------------------------------


def _module(file: str) -> str:
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from a changed syntax tree."""

    def __init__(self, file: str, tree: ast.Module) -> None:
        self.path, self.tree = ROOT / file, tree
        self.name = _module(file)

    def find_spec(self, name: str, *_: Any) -> importlib.machinery.ModuleSpec | None:
        if name != self.name:
            return None
        package = self.path.name == "__init__.py"
        spec = importlib.machinery.ModuleSpec(name, self, origin=str(self.path), is_package=package)
        if package:
            spec.submodule_search_locations = [str(self.path.parent)]
        spec.has_location = True
        return spec

    def exec_module(self, module: Any) -> None:
        exec(compile(self.tree, str(self.path), "exec"), module.__dict__)


class _Plugin:
    """Runs the tests that are wanted, in this order, and tells the first that fails.

    Of those left out the names are known; a test of another name has it from what was changed.
    """

    def __init__(
        self, told: Path, wanted: Sequence[str] = (), left_out: Set[str] = frozenset()
    ) -> None:
        self.told, self.left_out = told, left_out
        self.place = {test: i for i, test in enumerate(wanted)}

    def pytest_sessionstart(self) -> None:
        from hypothesis import Phase, settings

        phases = [Phase.explicit, Phase.generate]
        settings.register_profile(
            "mutants", derandomize=True, deadline=None, database=None, phases=phases
        )
        settings.load_profile("mutants")

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        items[:] = [x for x in items if x.nodeid not in self.left_out]
        items.sort(key=lambda x: self.place.get(x.nodeid, 0))

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed and not self.told.exists():
            self.told.write_text(report.nodeid)


def _run_tests(files: list[str], plugins: list[Any]) -> int:
    import pytest

    # what pytest does for the reader of a failure, and other plugins, would take most of the time
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    options = [
        "-q",
        "-x",
        "-k",
        TOO_SLOW,
        "--assert=plain",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(ROOT),
    ]
    return int(pytest.main([*options, "-p", "_hypothesis_pytestplugin", *files], plugins=plugins))


def _alone(run: Callable[..., int], *operands: Any) -> int:
    """The exit code of a run in a process of its own, which leaves nothing behind for the next."""
    pid = os.fork()
    if not pid:
        code = 70
        try:
            code = run(*operands)
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return TIMEOUT if code < 0 else 0 if code == NO_TESTS else code


class _Child(NamedTuple):
    pid: int
    told: Path  # where it writes what it has to tell
    end: float  # when it is ended, for it may sleep

    @property
    def log(self) -> Path:
        return self.told.with_suffix(".log")


def _fork(work: Callable[[Path], int], seconds: float) -> _Child:
    """Does the work in a process of its own, with so much processor time. Its code: what it gives.

    Waiting costs none, and other processes may have the processors: ten times as long by the clock.
    """
    told = KEPT / f"child-{os.getpid()}-{time.monotonic_ns()}"
    child = _Child(os.fork(), told, time.monotonic() + 10 * seconds + 60)
    if child.pid:
        return child
    code = 70
    try:
        os.setsid()
        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(seconds), math.ceil(seconds) + 1))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        log = os.open(child.log, os.O_WRONLY | os.O_CREAT)
        os.dup2(log, 1)
        os.dup2(log, 2)
        code = work(told)
    finally:
        os._exit(code)


def _first_to_end(children: list[_Child]) -> tuple[_Child, int]:
    """Waits for one of the children; gives its exit code."""
    while True:
        for child in children:
            pid, status = os.waitpid(child.pid, os.WNOHANG)
            if not pid and time.monotonic() > child.end:
                os.kill(child.pid, signal.SIGKILL)
                pid, status = os.waitpid(child.pid, 0)
            if pid:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)  # what it started and left behind
                child.log.unlink(missing_ok=True)
                code = os.waitstatus_to_exitcode(status)
                return child, TIMEOUT if code < 0 else code
        time.sleep(0.01)


# --- trials ---------------------------------------------------------------------------------------


class Result(NamedTuple):
    """What became of a change: killed, timeout, survived, or untested for no test runs it.

    by: the test that failed; empty if already the import did.
    """

    status: str
    by: str
    line: int

    @property
    def alive(self) -> bool:
        """Whether no test noticed."""
        return self.status in ("survived", "untested")


def trial(
    file: str, numbers: list[int], known: Survey, jobs: int, longest: float
) -> dict[str, Result]:
    """Makes the changes of these numbers, one at a time, and runs the tests. By their keys."""
    source = (ROOT / file).read_text()
    every = changes(ast.parse(source))
    results: dict[str, Result] = {}
    running: dict[_Child, Change] = {}
    for number in [*numbers, None]:
        while running and (number is None or len(running) == jobs):
            child, code = _first_to_end(list(running))
            change = running.pop(child)
            status = {0: "survived", TIMEOUT: "timeout"}.get(code, "killed")
            by = child.told.read_text() if child.told.exists() else ""
            child.told.unlink(missing_ok=True)
            results[change.key] = Result(status, by, change.line)
            if status == "survived":
                print(f"  {file}:{change.line} {change.key}", flush=True)
        if number is None:
            break
        change = every[number]
        tests = known.covering(file, change, longest)
        if not tests:
            results[change.key] = Result("untested", "", change.line)
            continue

        def work(told: Path, number: int = number, tests: list[str] = tests) -> int:
            tree = ast.parse(source)
            changes(tree)[number].make()
            sys.meta_path.insert(0, _Finder(file, ast.fix_missing_locations(tree)))
            by_file: dict[str, list[str]] = {}
            for test in tests:
                by_file.setdefault(test.split("::")[0], []).append(test)
            left_out = known.seconds.keys() - set(tests)
            # file after file, the quickest first: collecting the tests of one takes time as well
            for x in sorted(by_file, key=lambda x: sum(known.seconds[t] for t in by_file[x])):
                code = _alone(_run_tests, [x], [_Plugin(told, by_file[x], left_out)])
                if code != 0:
                    return code
            return 0

        seconds = 20 + 2 * sum(known.seconds[test] for test in tests)
        running[_fork(work, seconds)] = change
    return results
