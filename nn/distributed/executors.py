"""Executors, where those of the standard library want something said every time."""

import signal
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from typing import Any, final

from nn.course import whole


@final
class SerialExecutor(Executor):
    """Runs each job here when it is handed in: the reference that other executors are held to."""

    _max_workers = 1

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def processes(n: int) -> Callable[[], Executor]:
    """What makes a pool of n processes, and makes it anew if one of them is killed.

    They begin as fresh ones ("spawn"), so the main script needs its `if __name__ == "__main__":`.
    Ctrl-C goes to the process that trains, and not to these.
    """
    import multiprocessing  # slow to import, as the pool is
    from concurrent.futures import ProcessPoolExecutor

    return partial(
        ProcessPoolExecutor,
        whole("n", n, 1),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=signal.signal,
        initargs=(signal.SIGINT, signal.SIG_IGN),
    )
