"""Many workers, on executors of the standard library: the same bits, whatever happens to them."""

import os
import pickle
import re
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import (
    BrokenExecutor,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from math import nan
from multiprocessing import get_context
from typing import Any

import interrupting
import numpy as np
import pages
import pytest
import sabotage
from sabotage import AnyOrder, Deaf, DieOnce, Sabotaged, double, fit, network, numbers

import autograd
import nn
from autograd import Value
from nn.distributed import training, worker
from nn.distributed.crew import MOST_REBUILDS, Crew
from nn.distributed.worker import Parcel
from nn.models import Sequential


@pytest.fixture(scope="module")
def pool() -> Iterator[Executor]:
    """Two processes."""
    with nn.processes(2)() as made:
        yield made


@pytest.fixture(scope="module")
def reference() -> Any:
    """What two shards give in this process."""
    model = network()
    history = fit(model, executor=nn.SerialExecutor())
    assert history.engine == "compiled, 2 shards"
    return numbers(model), history.history


# --- the same numbers -----------------------------------------------------------------------------


@pytest.mark.parametrize("shards", [1, 2, 3, 40])
@pytest.mark.parametrize("compiled", [True, False])
def test_shards_are_the_batch(shards: int, compiled: bool) -> None:
    """Any number of shards trains as `fit` without an executor does, up to rounding."""
    alone, shared = network(compiled), network(compiled)
    expected = fit(alone, epochs=2)
    found = fit(shared, epochs=2, executor=nn.SerialExecutor(), shards=shards)
    assert found.updates == expected.updates == 6
    for name in expected.history:
        assert found.history[name] == pytest.approx(expected.history[name], rel=1e-12)
    assert numbers(shared)[0] == pytest.approx(numbers(alone)[0], rel=1e-10)
    states = [[x for row in numbers(m)[1] for x in row] for m in (shared, alone)]
    assert states[0] == pytest.approx(states[1], rel=1e-9, abs=1e-15)


@pytest.mark.parametrize("compiled", [None, False])
def test_threads_and_any_order_give_the_same_bits(compiled: bool | None) -> None:
    """Who is done first, and how often a job ran, does not show in the numbers."""
    reference = network(compiled)
    fit(reference, executor=nn.SerialExecutor(), shards=5)  # of two the order does not matter
    with ThreadPoolExecutor(3) as threads:
        for executor in (threads, AnyOrder(1), AnyOrder(2)):
            model = network(compiled)
            fit(model, executor=executor, shards=5)
            assert numbers(model) == numbers(reference)


def test_processes_give_the_same_bits(pool: Executor, reference: Any) -> None:
    """In processes begun afresh, compiled; and a model that is not compiled travels itself."""
    model = network()
    history = fit(model, executor=pool)
    assert (numbers(model), history.history) == reference
    eager, here = network(False), network(False)
    assert fit(eager, epochs=1, executor=pool).engine == "eager, 2 shards"
    fit(here, epochs=1, executor=nn.SerialExecutor())
    assert numbers(eager) == numbers(here)


class Told(nn.callbacks.Callback):
    """The loss of each batch."""

    def __init__(self, told: list[float]) -> None:
        super().__init__()
        self.told = told

    def on_train_batch_end(self, batch: int, logs: Any) -> None:
        self.told.append(logs["loss"])


def test_validation_and_callbacks_are_those_of_fit() -> None:
    """Validation, callbacks of batches, and a rate that a callback changes, as without workers."""

    def trained(**options: Any) -> tuple[Any, Any]:
        model = network()
        told: list[float] = []
        log = Told(told)
        rate = nn.callbacks.LearningRateScheduler(lambda epoch, lr: 0.5 * lr)
        history = fit(model, callbacks=[log, rate], validation_split=0.2, **options)
        return history.history, told

    expected, found = trained(), trained(executor=nn.SerialExecutor())
    assert len(found[1]) == len(expected[1]) > 3
    assert found[1] == pytest.approx(expected[1], rel=1e-10)
    assert found[0].keys() == expected[0].keys() >= {"val_loss", "val_accuracy"}
    for name in expected[0]:
        assert found[0][name] == pytest.approx(expected[0][name], rel=1e-10)


def test_settings_changed_between_epochs_hold() -> None:
    """The rule is compiled anew for settings that a callback changes."""

    def trained(**options: Any) -> Any:
        model = network()

        def change(epoch: int, logs: Any) -> None:
            model.optimizer.clipnorm = 0.01
            model.optimizer.eps = 1e-2

        fit(model, callbacks=[nn.callbacks.LambdaCallback(on_epoch_end=change)], **options)
        return numbers(model)[0]

    expected = trained()
    assert trained(executor=nn.SerialExecutor()) == pytest.approx(expected, rel=1e-10)


def test_a_loss_that_is_not_finite_ends_it_before_the_update() -> None:
    """As in `fit`: diverged, with the parameters of the last good update."""
    model = Sequential([nn.layers.Dense(1, input_dim=4)])
    model.compile(nn.SGD(lr=1e200), "mse")
    with (
        pytest.warns(RuntimeWarning, match="no longer a finite number"),
        autograd.silence("exploding-loss"),
    ):
        history = fit(model, epochs=9, executor=nn.SerialExecutor())
    assert history.stopped == "diverged"
    assert np.isfinite([p.data for p in model.parameters()]).all()
    assert model.optimizer.steps == history.updates > 0


# --- what is sent ---------------------------------------------------------------------------------


def test_what_is_large_is_sent_once(pool: Executor) -> None:
    """A parcel goes to each worker once, whoever sends it; so does the program of a network."""
    spy = Sabotaged(pool, -1, double)
    crew, parcel = Crew(spy), Parcel.of(b"something large")
    for _ in range(4):
        found = dict(crew.results(sabotage.wait_and_give, [0.05, 0.05], [parcel]))
        assert [found[k].result for k in range(2)] == [b"something large"] * 2
    assert 2 <= sum(bool(args[3]) for args in spy.sent) <= 4
    assert not any(args[3] for args in spy.sent[-2:])
    fit(network(), epochs=1, executor=spy)
    before = len(spy.sent)
    fit(network(), epochs=4, executor=spy)  # another model, of the same loops
    assert len(spy.sent) - before == 4 * 3 * 2
    assert not any(args[3] for args in spy.sent[before:])


@pytest.mark.parametrize("most", ["kept", "sent"])
def test_little_room_changes_nothing(
    most: str, monkeypatch: pytest.MonkeyPatch, reference: Any
) -> None:
    """Workers that keep only the latest parcel, and data too large to be sent whole."""
    monkeypatch.setattr(worker, "_kept", type(worker._kept)())
    if most == "kept":
        monkeypatch.setattr(worker, "MOST_KEPT", 1)
    else:
        monkeypatch.setattr(training, "MOST_SENT", 10)
    model, spy = network(), Sabotaged(nn.SerialExecutor(), -1, double)
    fit(model, executor=spy)
    assert numbers(model) == reference[0]
    shards = [args[1] for args in spy.sent]
    if most == "kept":
        assert len(worker._kept) == 1
    else:
        assert {len(s.rows) for s in shards} == {4}
        assert {len(s.rows[0]) for s in shards} == {16, 3}


def test_small_shards_are_computed_here(reference: Any) -> None:
    """Unless shards= asks for it; with the same bits, and said once."""
    spy = Sabotaged(ThreadPoolExecutor(2), -1, double)
    model = network()
    with pytest.warns(autograd.Notice, match="small-shards") as said:
        history = fit(model, executor=spy, shards=None)
    assert not spy.sent
    assert history.engine == "compiled, 2 shards"
    assert (numbers(model), history.history) == reference
    assert len(said) == 1


def test_large_shards_are_sent(monkeypatch: pytest.MonkeyPatch, reference: Any) -> None:
    """From so much work on as sending is worth it."""
    monkeypatch.setattr(training, "LEAST_SECONDS", 0.0)
    spy = Sabotaged(ThreadPoolExecutor(2), -1, double)
    model = network()
    fit(model, executor=spy, shards=None)
    assert len(spy.sent) >= 3 * 3 * 2
    assert numbers(model) == reference[0]


# --- workers that die, hang, fail -----------------------------------------------------------------


def test_a_killed_worker_changes_nothing(tmp_path: Any, reference: Any) -> None:
    """SIGKILL in the middle of an epoch: with what makes a pool, it is made anew; the same bits."""
    made: list[Sabotaged] = []

    def make() -> Executor:
        made.append(Sabotaged(nn.processes(2)(), 9, DieOnce(tmp_path / "died")))
        return made[-1]

    model = network()
    history = fit(model, executor=make)
    assert (tmp_path / "died").exists()
    assert len(made) == 2
    assert (numbers(model), history.history) == reference
    with pytest.raises(RuntimeError, match="shutdown"):
        made[-1].inner.submit(double, 1)


def test_a_broken_pool_loses_nothing(reference: Any) -> None:
    """Without what makes a pool it is an error; what was learned stays, and training goes on."""
    model = network()
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as one:
        broken = Sabotaged(one, 7, sabotage.die)
        with pytest.raises(nn.LostWorkersError, match=r"update \d+ was .*processes\(4\)") as error:
            fit(model, executor=broken)
    assert isinstance(error.value.__cause__, BrokenExecutor)
    done = model.optimizer.steps
    assert 0 < done < 9
    while model.epochs_trained < 3:
        fit(model, epochs=1, executor=nn.SerialExecutor())
    assert numbers(model) == reference[0]


class Breaking(Executor):
    """Breaks at once."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_exception(BrokenExecutor("it broke"))
        return future


def test_pools_that_always_break_are_given_up() -> None:
    """After a few, with an error that says so."""
    made: list[Breaking] = []

    def make() -> Executor:
        made.append(Breaking())
        return made[-1]

    with Crew(make) as crew, pytest.raises(nn.LostWorkersError, match="3 new pools broke"):
        dict(crew.results(double, [1, 2]))
    assert len(made) == 1 + MOST_REBUILDS


def test_a_worker_that_hangs(reference: Any) -> None:
    """The error says which shard, and who was not heard of; pending jobs are cancelled."""
    model, deaf = network(), Deaf()
    with pytest.raises(nn.WorkerTimeoutError, match=r"timeout=0\.05 .*shard 1 of 2 of update 1"):
        fit(model, executor=deaf, timeout=0.05)
    assert [future.cancelled() for future in deaf.futures] == [True, True]
    fit(model, executor=nn.SerialExecutor())
    assert numbers(model) == reference[0]


def test_a_process_that_hangs_is_named_and_ended() -> None:
    """The pool was made here: nothing waits for its process, which is named by its number."""
    made: list[Sabotaged] = []

    def make() -> Executor:
        one = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
        made.append(Sabotaged(one, 8, sabotage.sleep))
        return made[-1]

    model = network()
    with pytest.raises(nn.WorkerTimeoutError) as error:
        fit(model, executor=make, timeout=1.0)
    silent = str(error.value)
    assert "nothing was heard of process " in silent
    number = int(silent.split("heard of process ")[1].split()[0])
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)


def test_an_error_in_a_worker_is_raised_here(pool: Executor) -> None:
    """With its own class, message and traceback, whatever it is; the pool stays usable."""
    crew = Crew(pool)
    with pytest.raises(nn.WorkerError, match=r"job 1 failed in process \d+ on .*ZeroDivision") as e:
        dict(crew.results(sabotage.reciprocal, [1.0, 0.0]))
    assert type(e.value.__cause__) is ZeroDivisionError
    assert "return 1.0 / x" in e.value.__cause__.__notes__[0]
    with pytest.raises(nn.WorkerError, match="AwkwardError: this and that") as e:
        dict(crew.results(sabotage.awkward, [1]))
    assert "in awkward" in e.value.__cause__.__notes__[0]
    with pytest.raises(nn.WorkerError, match=r"could not be run by the executor .*pickle"):
        dict(crew.results(double, [lambda: 0]))
    assert {k: a.result for k, a in crew.results(double, [1, 2, 3])} == {0: 2, 1: 4, 2: 6}


# --- Ctrl-C ---------------------------------------------------------------------------------------


def test_interrupt_while_waiting(reference: Any) -> None:
    """It ends the waiting and the pending jobs; what was learned stays, and training goes on."""
    model, deaf = network(), Deaf()
    main = threading.main_thread().ident
    assert main is not None
    threading.Timer(0.2, signal.pthread_kill, [main, signal.SIGINT]).start()
    history = fit(model, executor=deaf)
    assert history.interrupted
    assert all(future.cancelled() for future in deaf.futures)
    fit(model, executor=nn.SerialExecutor())
    assert numbers(model) == reference[0]


def test_interrupt_at_any_moment(reference: Any) -> None:
    """Whole updates are done or not at all: going on gives the same bits."""
    ours = (os.path.dirname(training.__file__),)
    whole = network()
    fit(whole, epochs=1, executor=nn.SerialExecutor())  # what is compiled once is out of the way

    def trained(at: int) -> tuple[Any, int | None]:
        model = network()
        fit(model, epochs=1, executor=nn.SerialExecutor())
        seen = interrupting.run(
            lambda: fit(model, epochs=2, executor=nn.SerialExecutor()), at, ours
        )
        while model.epochs_trained < 3:
            fit(model, epochs=1, executor=nn.SerialExecutor())
        return numbers(model), seen

    found, total = trained(10**9)
    assert found == reference[0]
    assert total is not None
    assert total > 2000
    for at in range(total // 3, total, total // 13):
        assert trained(at)[0] == reference[0]


# --- what is asked for ----------------------------------------------------------------------------


def test_what_makes_no_sense_is_refused() -> None:
    """Before anything is trained."""
    model = network()
    before = numbers(model)
    for options, error, message in [
        ({"executor": 4}, TypeError, r"nn\.processes\(4\)"),
        ({"executor": nn.SerialExecutor(), "shards": 0}, nn.HyperparameterError, "shards"),
        ({"executor": nn.SerialExecutor(), "timeout": 0.0}, nn.HyperparameterError, "timeout"),
        ({"executor": nn.SerialExecutor(), "timeout": nan}, nn.HyperparameterError, "timeout"),
        ({"executor": Deaf(), "shards": None}, nn.HyperparameterError, "expected shards="),
    ]:
        with pytest.raises(error, match=message):
            fit(model, **options)
    with pytest.raises(nn.HyperparameterError, match="with an executor"):
        model.fit(sabotage.XS, sabotage.YS, shards=2)
    with pytest.raises(nn.HyperparameterError, match="n"):
        nn.processes(0)
    with pytest.raises(autograd.OperandError, match="top of a module"):
        Parcel.of(lambda: 0)
    assert numbers(model) == before


def test_a_loss_that_is_neither_compiled_nor_pickled_is_refused() -> None:
    """It cannot be sent, and the error says what to do; compiled, a lambda travels as its loops."""
    model = network(False, loss=lambda p, t: nn.mse(p, t))
    with pytest.raises(autograd.OperandError, match="top of a module"):
        fit(model, executor=nn.SerialExecutor())
    compiled = network(True, loss=lambda p, t: nn.mse(p, t))
    assert fit(compiled, epochs=1, executor=AnyOrder(1)).updates == 3


def test_a_model_that_was_trained_so_is_like_any_other() -> None:
    """It pickles, and trains without workers, too."""
    model = network()
    fit(model, epochs=1, executor=nn.SerialExecutor())
    copy = pickle.loads(pickle.dumps(model))
    assert numbers(copy) == numbers(model)
    assert fit(copy, epochs=1).engine == "compiled"


# --- the gradient that travels --------------------------------------------------------------------


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("rows", [1, 7, 700])
def test_a_portable_gradient_is_the_gradient(rows: int, exact: bool) -> None:
    """Pickled or not it gives the same bits, near the eager engine's; here measures come along."""
    parameters = [Value(0.3), Value(-0.2), Value(0.1)]
    other = Value(1.5)
    rng = np.random.default_rng(rows)
    xs, ys = rng.normal(size=(rows, 2)), rng.normal(size=rows)

    def loss(x: Any, y: Any) -> Any:
        p = autograd.tanh(autograd.dot(parameters[:2], list(x)) + parameters[2]) * other
        return (p - y) ** 2, p

    found = autograd.portable_gradient(loss, parameters, xs, ys, exact=exact)
    assert found.captured == [*parameters, other]
    given = np.array([v.data for v in found.captured])
    values, gradient = found(given, xs, ys)
    travelled = pickle.loads(pickle.dumps(found))(given, xs, ys)
    assert [a.tolist() for a in travelled] == [values.tolist(), gradient.tolist()]
    each = [loss(x, y) for x, y in zip(xs.tolist(), ys.tolist(), strict=True)]
    whole = autograd.mean([row[0] for row in each])
    whole.backward()
    assert values.tolist() == pytest.approx([whole.data, np.mean([p.data for _, p in each])], 1e-12)
    assert gradient.tolist() == pytest.approx([p.grad for p in parameters], rel=1e-11)


def test_a_portable_gradient_checks_what_it_is_given() -> None:
    """Machine code would read beyond what is too small."""
    w = Value(0.5)
    found = autograd.portable_gradient(lambda x: (w * x[0] + x[1]) ** 2, [w], np.ones((3, 2)))
    for given, data in (([0.5], np.ones((3, 3))), ([0.5, 1.0], np.ones((3, 2)))):
        with pytest.raises(autograd.StructureError, match="expected"):
            found(np.array(given), data)
    with pytest.raises(autograd.LengthError):
        found(np.array([0.5]), np.ones((0, 2)))
    with pytest.raises(autograd.StructureError, match="one number"):
        autograd.portable_gradient(lambda x: [w * x[0]], [w], np.ones((3, 2)))


def test_the_page_on_many_workers_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """The example of docs/many.md; and its executors and errors are there."""
    part = pages.page("many", "Many workers")
    blocks = pages.python_blocks(part)
    for block in blocks:
        exec(block, {})
    assert capsys.readouterr().out.splitlines() == ["compiled, 2 shards"] * len(blocks)
    for name in re.findall(r"`nn\.(\w+)", part):
        assert hasattr(nn, name)
    assert f"Data of up to {training.MOST_SENT // 2**20} MB" in part
    assert f"less than {training.LEAST_SECONDS * 1e3:.0f} ms" in part


# --- nan and inf ----------------------------------------------------------------------------------


@pytest.mark.parametrize("shards", [1, 2])
@pytest.mark.parametrize("compiled", [True, False])
def test_detect_anomaly_looks_at_what_workers_met(compiled: bool, shards: int) -> None:
    """What stopped training raises, as without workers, with the same update as the last."""
    xs, ys = np.random.default_rng(0).normal(size=(20, 2)), np.ones(20)

    def trained(executor: Executor | None) -> tuple[autograd.AnomalyError, Any]:
        model = Sequential([nn.layers.Dense(3, "relu", input_dim=2), nn.layers.Dense(1)])
        model.compile(nn.SGD(lr=1e200), "mse", compiled=compiled)
        given: Any = {} if executor is None else {"executor": executor, "shards": shards}
        with pytest.raises(autograd.AnomalyError) as caught, autograd.detect_anomaly():
            model.fit(xs, ys, batch_size=8, epochs=2, verbose=0, **given)
        assert model.optimizer is not None
        return caught.value, (model.state_dict(), model.optimizer.steps)

    error, expected = trained(None)
    assert error.anomaly is not None
    with ThreadPoolExecutor(2) as threads:
        for executor in (nn.SerialExecutor(), threads):
            found, state = trained(executor)
            assert found.anomaly is not None
            assert found.anomaly.node.op == error.anomaly.node.op
            assert state[1] == expected[1] == 1
            assert state[0] == pytest.approx(expected[0], rel=1e-10)


def test_without_detect_anomaly_nothing_is_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Training that diverges ends with a warning; a row's loss is not computed by nodes then."""
    model = Sequential([nn.layers.Dense(1, input_dim=1)])
    model.compile(nn.SGD(lr=1e200), "mse")
    given: Any = {"executor": nn.SerialExecutor(), "shards": 2, "verbose": 0}
    model.fit([[1.0], [2.0]], [1.0, 2.0], epochs=1, **given)  # which compiles
    made: list[Value] = []
    square = autograd.square

    def count(x: Any) -> Any:
        made.extend([x] if isinstance(x, Value) else [])
        return square(x)

    monkeypatch.setattr(nn.losses, "square", count)
    with pytest.warns(RuntimeWarning, match="no longer a finite number"):
        history = model.fit([[1.0], [2.0]], [1.0, 2.0], epochs=2, **given)
    assert history.stopped == "diverged"
    assert not made


def test_a_client_is_told_how_it_gives_an_executor() -> None:
    """Dask's is none itself."""

    class Client:
        def get_executor(self, pure: bool) -> Executor:
            return nn.SerialExecutor()

    with pytest.raises(TypeError, match=r"client\.get_executor\(pure=False\)"):
        Crew(Client())  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"processes\(4\), but got 3$"):
        Crew(3)  # type: ignore[arg-type]
