"""A sweep on workers, and one that goes on after it was killed: each point once, the same bits."""

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sabotage
from sabotage import Deaf, Sabotaged, double

import autograd
import nn
from nn import sweeping
from nn.layers import Dense
from nn.sweeping.store import Store

GRID = {"width": [2, 3], "lr": [0.03, 0.1], "seed": range(6)}
OPTIONS: dict[str, Any] = {"epochs": 5, "exact": True}  # to the bit, whatever stands beside a point


def build(width: int, lr: float, seed: int) -> nn.Sequential:
    """A network for XOR."""
    layers = [Dense(width, input_dim=2, activation="tanh"), Dense(1, activation="sigmoid")]
    model = nn.Sequential(layers, seed=seed)
    model.compile(nn.Adam(lr=lr), loss="binary_crossentropy", metrics=["accuracy"])
    return model


def run(grid: Any = GRID, **options: Any) -> nn.Sweep:
    return nn.sweep(build, grid, nn.gate("xor"), **{**OPTIONS, **options})


def results(found: nn.Sweep) -> Any:
    """All but the time it took."""
    table = [{name: x for name, x in row.items() if name != "seconds"} for row in found.table]
    return table, [[p.data for p in model.parameters()] for model in found.models]


@pytest.fixture(scope="module")
def reference() -> Any:
    """What one process makes of it."""
    return results(run())


def test_workers_train_each_point_once(reference: Any) -> None:
    """In parts of the grid, done in any order: the table and the models of one process."""
    with ThreadPoolExecutor(2) as threads:
        spy = Sabotaged(threads, -1, double)
        assert results(run(executor=spy)) == reference
    trained = [point for args in spy.sent if not args[3] for point in args[1]]
    assert len(trained) == len({json.dumps(p) for p in trained}) == 24


def test_processes_train_points(reference: Any, tmp_path: Path) -> None:
    """Of which one is killed; what is finished is in the store, and nothing is trained again."""
    made: list[Any] = []

    def make() -> Any:
        made.append(Sabotaged(nn.processes(1)(), 5, sabotage.DieOnce(tmp_path / "died")))
        return made[-1]

    store = tmp_path / "store"
    assert results(run(executor=make, store=store)) == reference
    assert (tmp_path / "died").exists()
    assert len(made) == 2
    assert len(store.read_text().splitlines()) == 24
    assert results(run(executor=Deaf(), store=store)) == reference


def test_a_sweep_that_was_interrupted_goes_on(
    reference: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is in the store is taken from there, what is not is trained; then all is there."""
    store, trained = tmp_path / "store", []
    train = sweeping.train_groups

    def some(*args: Any) -> Any:
        for k, finished in enumerate(train(*args)):
            if k == 7:
                raise KeyboardInterrupt
            trained.append(finished.point)
            yield finished

    monkeypatch.setattr(sweeping, "train_groups", some)
    lengths = []
    while len(trained) < 24:
        found = run(store=store)
        assert found.interrupted == (len(trained) < 24)
        lengths.append(len(found))
    assert lengths == [7, 14, 21, 24]
    assert results(found) == reference
    assert len({json.dumps(p) for p in trained}) == 24


def run_and_die(store: str) -> None:
    """What a process does that is killed when it has finished seven points."""
    train = sweeping.train_groups

    def some(*args: Any) -> Any:
        for k, finished in enumerate(train(*args)):
            if k == 7:
                os.kill(os.getpid(), signal.SIGKILL)
            yield finished

    sweeping.train_groups = some
    run(store=store)


def test_a_sweep_that_was_killed_goes_on(reference: Any, tmp_path: Path) -> None:
    """SIGKILL, and a line cut short: that point is trained again, with those that are missing."""
    store, here = tmp_path / "store", Path(__file__).parent
    code = f"import test_sweep_workers as t; t.run_and_die({str(store)!r})"
    path = os.pathsep.join([str(here), str(here.parent)])
    child = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": path}, check=False
    )
    assert child.returncode == -signal.SIGKILL
    assert len(store.read_bytes().splitlines()) == 7
    store.write_bytes(store.read_bytes()[:-9])
    spy = Sabotaged(nn.SerialExecutor(), -1, double)
    assert results(run(store=store, executor=spy)) == reference
    points = [json.dumps(p) for args in spy.sent for p in args[1]]
    assert len(set(points)) == 24 - 6
    again = Sabotaged(nn.SerialExecutor(), -1, double)
    assert results(run(store=store, executor=again)) == reference
    assert not again.sent


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": 6},
        {"shuffle": False},
        {"batch_size": 2},
        {"exact": False},
        {"data": 1},
        {"grid": 1},
    ],
    ids=str,
)
def test_a_store_knows_what_a_point_is(change: dict[str, Any], tmp_path: Path) -> None:
    """Other epochs, data, seeds ... are other points; one of a longer grid is the same."""
    point, longer = (
        {"width": [2], "lr": [0.1], "seed": [1]},
        {"width": [2], "lr": [0.1], "seed": [2, 1]},
    )
    store = tmp_path / "store"
    first = run(point, store=store)
    assert results(run(point, store=store, executor=Deaf())) == results(first)
    assert len(store.read_text().splitlines()) == 1
    if "grid" in change:
        assert results(run(longer, store=store))[0][1] == results(first)[0][0]
    elif "data" in change:
        nn.sweep(build, point, nn.gate("or"), store=store, **OPTIONS)
    else:
        run(point, store=store, **change)
    assert len(store.read_text().splitlines()) == 2


def test_what_cannot_be_sent_is_refused() -> None:
    """Before anything is trained: workers must be able to import it."""
    with pytest.raises(autograd.OperandError, match="top of a module"):
        nn.sweep(
            lambda **point: build(**point),
            {"width": [2], "lr": [0.1], "seed": [1]},
            nn.gate("xor"),
            executor=nn.SerialExecutor(),
            epochs=1,
        )


@pytest.mark.parametrize("text", ["hello\n{}\n", "\n\na,b\n1,2", '{"lr": 0.1}\n', "0.1 0.2"])
def test_a_file_of_something_else_is_no_store(text: str, tmp_path: Path) -> None:
    """It is refused, and left as it is."""
    other = tmp_path / "notes.txt"
    other.write_text(text)
    with pytest.raises(nn.DataError, match=r"notes\.txt: expected .*store"):
        run({"width": [2], "lr": [0.1], "seed": [0]}, store=other)
    assert other.read_text() == text


def test_a_store_cut_anywhere_is_one(tmp_path: Path) -> None:
    """However short a kill cut its first line, the next sweep trains the point, and adds it."""
    point = {"width": [2], "lr": [0.1], "seed": [0]}
    store = tmp_path / "store"
    whole = results(run(point, store=store))
    text = store.read_bytes()
    for cut in (0, 1, 15, 16, 17, 18, 30, len(text) // 2, len(text) - 1):
        store.write_bytes(text[:cut])
        Store(store)
    for damage in (b"\0" * 20, b"hello\n"):  # behind what is whole, it is passed over
        store.write_bytes(text + damage)
        assert results(run(point, store=store, executor=Deaf())) == whole
    for end in (b"", b"\n"):
        store.write_bytes(text[:9] + end)
        assert results(run(point, store=store)) == whole
        assert results(run(point, store=store, executor=Deaf())) == whole
