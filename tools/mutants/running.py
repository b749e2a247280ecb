"""Running tests with pytest, in the process that asks for it.

Hypothesis draws the same examples each time and shrinks nothing.
"""

import os
from collections.abc import Sequence, Set
from pathlib import Path
from typing import Any

from tools.mutants.processes import ROOT

TOO_SLOW = "not million and not interrupt and not what_they_claim"  # for -k: half a minute


class Plugin:
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


def run_tests(files: list[str], plugins: list[Any]) -> int:
    """pytest's exit code."""
    import pytest

    # what pytest does for the reader of a failure, and other plugins, would take most of the time
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    options = ["-q", "-x", "--assert=plain", "--rootdir", str(ROOT), "-k", TOO_SLOW]
    options += ["-p", "no:cacheprovider", "-p", "_hypothesis_pytestplugin"]
    return int(pytest.main([*options, *files], plugins=plugins))


def module_name(file: str) -> str:
    """The name by which a file is imported."""
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
