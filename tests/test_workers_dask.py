"""Many workers on Dask: a cluster of two processes, one of which is killed on the way."""

import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import sabotage
from sabotage import DieOnce, Sabotaged, fit, network, numbers

import nn
from nn.distributed.crew import Crew

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def executor() -> Iterator[Any]:
    """Of a cluster in this machine, without its web page."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own, of ports and of what it imports
        cluster = distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50
        )
        with cluster, distributed.Client(cluster) as client:
            yield client.get_executor(pure=False)


def test_dask_gives_the_same_bits_though_a_worker_is_killed(executor: Any, tmp_path: Any) -> None:
    """SIGKILL in the middle of an epoch: its shard is computed elsewhere, to the same bits."""
    assert Crew(executor).workers() == 2
    here, there = network(), network()
    expected = fit(here, epochs=4, executor=nn.SerialExecutor())
    killing = Sabotaged(executor, 14, DieOnce(tmp_path / "died"))
    found = fit(there, epochs=4, executor=killing, timeout=60.0)
    assert (tmp_path / "died").exists()
    assert found.engine == "compiled, 2 shards"
    assert (numbers(there), found.history) == (numbers(here), expected.history)


def test_an_error_on_dask_is_raised_here(executor: Any) -> None:
    """With its class and the worker's traceback."""
    with pytest.raises(nn.WorkerError, match="job 1 failed in process") as error:
        dict(Crew(executor).results(sabotage.reciprocal, [1.0, 0.0]))
    assert type(error.value.__cause__) is ZeroDivisionError
    assert "return 1.0 / x" in error.value.__cause__.__notes__[0]
