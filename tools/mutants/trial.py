"""Changes under trial: each is made in memory, in a process of its own that runs the tests."""

import ast
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tools.mutants.changes import Change, changes
from tools.mutants.processes import BROKEN, ROOT, TIMEOUT, Child, alone, first_to_end, fork
from tools.mutants.running import Plugin, module_name, run_tests
from tools.mutants.survey import Survey


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from a changed syntax tree."""

    def __init__(self, file: str, tree: ast.Module) -> None:
        self.path, self.tree = ROOT / file, tree
        self.name = module_name(file)

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


class Result(NamedTuple):
    """What became of a change: killed, timeout, survived, untested, or error of this tool.

    by: the test that failed; empty if already the import did.
    """

    status: str
    by: str
    line: int

    @property
    def alive(self) -> bool:
        """Whether no test noticed."""
        return self.status in ("survived", "untested", "error")


def trial(
    file: str, numbers: list[int], known: Survey, jobs: int, longest: float
) -> Iterator[tuple[str, Result]]:
    """Makes the changes of these numbers, one at a time, and runs the tests; each with its key."""
    source = (ROOT / file).read_text()
    every = changes(ast.parse(source))
    running: dict[Child, Change] = {}
    for number in [*numbers, None]:
        while running and (number is None or len(running) == jobs):
            child, code = first_to_end(list(running))
            change = running.pop(child)
            status = {0: "survived", TIMEOUT: "timeout", BROKEN: "error"}.get(code, "killed")
            by = child.told.read_text() if child.told.exists() else ""
            child.told.unlink(missing_ok=True)
            yield change.key, Result(status, by, change.line)
            if status == "survived":
                print(f"  {file}:{change.line} {change.key}", flush=True)
        if number is None:
            break
        change = every[number]
        tests = known.covering(file, change, longest)
        if not tests:
            yield change.key, Result("untested", "", change.line)
            continue

        def work(told: Path, number: int = number, tests: list[str] = tests) -> int:
            tree = ast.parse(source)
            changes(tree)[number].make()
            sys.meta_path.insert(0, Finder(file, ast.fix_missing_locations(tree)))
            by_file: dict[str, list[str]] = {}
            for test in tests:
                by_file.setdefault(test.split("::")[0], []).append(test)
            left_out = known.seconds.keys() - set(tests)
            # file after file, the quickest first: collecting the tests of one takes time as well
            for x in sorted(by_file, key=lambda x: sum(known.seconds[t] for t in by_file[x])):
                code = alone(run_tests, [x], [Plugin(told, by_file[x], left_out)])
                if code != 0:
                    return code
            return 0

        seconds = 20 + 2 * sum(known.seconds[test] for test in tests)
        running[fork(work, seconds)] = change
