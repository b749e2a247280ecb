"""`pytest --gradcheck-report`: each function whose gradient was checked, and how tightly.

`pytest_glassgrad.py` registers this if it is asked for. Each test's records travel with its report,
so under pytest-xdist they come from the workers as the reports do.
"""

import json
import math
import sys
import textwrap
from collections.abc import Callable, Generator
from functools import wraps
from pathlib import Path
from reprlib import Repr
from typing import Any

import pytest

import autograd.check
from autograd.files import write_file

WIDTH = 100
Record = dict[str, Any]  # plain, for it crosses processes and goes into JSON


class GradientChecks:
    """The hooks; and what was checked, a record for each function in each test."""

    def __init__(self) -> None:
        self.pending: list[Record] = []  # of the test that is running
        self.records: dict[tuple[str, str], Record] = {}
        self.original = autograd.check.check_gradients
        self.recording = self._recording(self.original)
        _replace(self.original, self.recording)

    def _recording(self, original: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(original)
        def check_gradients(f: Callable[..., Any], *args: Any, **options: Any) -> Any:
            report = original(f, *args, **{**options, "raise_error": False})
            self.pending.append(_record(f, args, report))
            if not report.ok:
                return original(f, *args, **options)  # its own error, with its own words
            return report

        return check_gradients

    def pytest_runtest_logstart(self) -> None:
        """What was checked while modules were imported belongs to no test."""
        self.pending.clear()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self,
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Send what was checked along with the report of setup, call or teardown."""
        report = yield
        merged: dict[tuple[str, str], Record] = {}
        for record in self.pending:
            _merge(merged, "", record)
        self.pending.clear()
        report.gradient_checks = list(merged.values())  # type: ignore[attr-defined]
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect, from this process or from a worker."""
        for record in getattr(report, "gradient_checks", ()):
            _merge(self.records, report.nodeid, record)

    def pytest_terminal_summary(self, terminalreporter: Any, config: pytest.Config) -> None:
        """List what was checked; write the JSON."""
        found = sorted(self.records.values(), key=lambda r: (-r["share"], r["test"], r["function"]))
        path = config.getoption("gradcheck_json")
        if path:
            text = json.dumps([_plain(record) for record in found], indent=1)
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            write_file(path, text + "\n")
        if not config.getoption("gradcheck_report"):
            return
        wrong = sum(not record["ok"] for record in found)
        terminalreporter.section("gradients checked")
        for record in found:
            for line in _lines(record):
                terminalreporter.write_line(line, red=not record["ok"])
        tests = len({record["test"] for record in found})
        derivatives = sum(record["derivatives"] for record in found)
        terminalreporter.write_line(
            f"{_count(derivatives, 'derivative')} of {_count(len(found), 'function')} in "
            f"{_count(tests, 'test')}; {wrong or 'none'} wrong"
        )

    def pytest_unconfigure(self) -> None:
        """Leave check_gradients as it was."""
        _replace(self.recording, self.original)


def _replace(old: Callable[..., Any], new: Callable[..., Any]) -> None:
    """In every module that has it by name."""
    for module in list(sys.modules.values()):
        if getattr(module, "__dict__", {}).get("check_gradients") is old:
            module.check_gradients = new  # type: ignore[attr-defined]


# --- records --------------------------------------------------------------------------------------


def _record(f: Callable[..., Any], args: tuple[Any, ...], report: Any) -> Record:
    worst = max(report.comparisons, key=_share)
    modes_differ = not report.ok and not report.wrong  # though each is near enough to differences
    return {
        "test": "",
        "function": _name(f),
        "ok": bool(report.ok),
        "calls": 1,
        "derivatives": len(report.comparisons),
        "modes": sorted({c.what.rstrip(",") for c in report.comparisons}),
        "share": math.inf if modes_differ else _share(worst),
        "off": float(worst.off),
        "tolerance": float(worst.tolerance),
        "got": float(worst.got),
        "expected": float(worst.expected),
        "where": worst.where,
        "arguments": _SHORT.repr(args[0] if len(args) == 1 else args),
    }


def _share(comparison: Any) -> float:
    """How far it is off, as a share of how far it may be: beyond 1 is wrong."""
    off, tolerance, right = comparison.off, comparison.tolerance, comparison.right
    share = float(off / tolerance) if tolerance else 0.0
    if right:
        return share if share <= 1.0 else 0.0  # off may be nan, or infinite at a pole
    return share if share > 1.0 else math.inf


def _merge(into: dict[tuple[str, str], Record], test: str, record: Record) -> None:
    """Checks of one function in one test are one record, with the worst point of all."""
    key = test, record["function"]
    one = into.get(key)
    if one is None:
        into[key] = {**record, "test": test}
        return
    into[key] = {
        **max(one, record, key=lambda r: float(r["share"])),
        "test": test,
        "ok": one["ok"] and record["ok"],
        "calls": one["calls"] + record["calls"],
        "derivatives": one["derivatives"] + record["derivatives"],
        "modes": sorted({*one["modes"], *record["modes"]}),
    }


def _name(f: Callable[..., Any]) -> str:
    """As it is written; a lambda, of which there may be several, by its line."""
    f = getattr(f, "func", f)  # of a functools.partial
    name = getattr(f, "__qualname__", type(f).__qualname__).rpartition("<locals>.")[2]
    return f"{name} in line {f.__code__.co_firstlineno}" if name == "<lambda>" else str(name)


class _Short(Repr):
    """Arguments in a line: six digits, six numbers of each list."""

    def repr_float(self, x: float, level: int) -> str:
        return f"{x:.6g}"


_SHORT = _Short()
_SHORT.maxother = 60


# --- words ----------------------------------------------------------------------------------------


def _lines(record: Record) -> list[str]:
    calls = f" in {record['calls']} calls" if record["calls"] > 1 else ""
    about = (
        f"{_count(record['derivatives'], 'derivative')}{calls} ({'; '.join(record['modes'])}), "
        f"at worst off by {record['off']:.1e}, where {record['tolerance']:.1e} is allowed, in "
        f"{record['where']} of {record['arguments']}"
    )
    if not record["ok"]:
        about += f": {record['got']:.10g}, by differences {record['expected']:.10g}"
    head = f"{'right' if record['ok'] else 'WRONG'}  {record['test']}  {record['function']}"
    indent = " " * 7
    return [head, *textwrap.wrap(about, WIDTH, initial_indent=indent, subsequent_indent=indent)]


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def _plain(record: Record) -> Record:
    """JSON has neither nan nor inf: they become text."""
    return {
        key: str(x) if isinstance(x, float) and not math.isfinite(x) else x
        for key, x in record.items()
    }
