"""What the tests do where nothing is changed: how long each takes, and what it calls."""

import hashlib
import importlib
import json
import sys
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

from tools.mutants.changes import Change
from tools.mutants.processes import KEPT, ROOT, first_to_end, fork
from tools.mutants.running import Plugin, module_name, run_tests


class Survey(NamedTuple):
    """How much processor time each test takes, and the lines of the functions that it calls.

    imported: the lines of functions that are called when the library is imported.
    """

    seconds: dict[str, float]
    lines: dict[str, dict[str, list[int]]]  # [test][file]
    imported: dict[str, list[int]]  # [file]

    def covering(self, file: str, change: Change, longest: float) -> list[str]:
        """The tests that may notice a change, the quickest first.

        Those that call the innermost function around it; of what runs at import, any of the file,
        and of a file of tables alone, which has no functions to call, all tests.
        """
        within: Any = change.function
        if within is None or any(x in within for x in self.imported.get(file, ())):
            within = range(1 << 30)
        found = []
        for test, files in self.lines.items():
            if self.seconds[test] <= longest and any(x in within for x in files.get(file, ())):
                found.append(test)
        if not found and change.function is None:
            found = [test for test, seconds in self.seconds.items() if seconds <= longest]
        return sorted(found, key=self.seconds.__getitem__)


class Surveyor:
    """A plugin of pytest that makes a survey: of functions that are called, not of modules."""

    def __init__(self, files: list[str]) -> None:
        self.names = {str(ROOT / file): file for file in files}
        self.survey = Survey({}, {}, {})
        self.lines: dict[str, set[int]] = {}

    def import_all(self) -> None:
        """Notice what is called when the files are imported."""
        sys.settrace(self._call)
        for file in self.names.values():
            importlib.import_module(module_name(file))
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
                surveyor = Surveyor(files)
                surveyor.import_all()
                code = run_tests([test], [Plugin(told), surveyor])
                kept.write_text(json.dumps(surveyor.survey))
                return code

            _, code = first_to_end([fork(work, 3600)])
            if code != 0:
                kept.unlink(missing_ok=True)
                raise SystemExit(f"{test} fails without any change ({code=})")
        one = Survey(*json.loads(kept.read_text()))
        total.seconds.update(one.seconds)
        total.lines.update(one.lines)
        total.imported.update(one.imported)
    return total
