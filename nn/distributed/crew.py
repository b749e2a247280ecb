"""A crew: jobs handed to an executor, and each one's result taken in once, whatever happens."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, final

from autograd import AnomalyError
from nn.distributed.worker import Answer, Parcel, work
from nn.errors import HyperparameterError, LostWorkersError, WorkerError, WorkerTimeoutError

MOST_REBUILDS = 3  # pools that break one after another without a single answer


@final
class Crew:
    """The workers of an executor.

    executor: a `concurrent.futures.Executor`, or a function that makes one. What it makes is ours:
        made anew when it breaks, and shut down at the end.
    timeout: the seconds without any answer after which WorkerTimeoutError is raised; None to wait
        for ever.
    """

    def __init__(
        self, executor: Executor | Callable[[], Executor], timeout: float | None = None
    ) -> None:
        if not isinstance(executor, Executor) and not callable(executor):
            raise TypeError(
                "expected executor to be a concurrent.futures.Executor or a function that makes "
                f"one, such as nn.processes(4), but got {executor!r:.80}"
                + "; of a Dask client, client.get_executor(pure=False) is one"
                * hasattr(executor, "get_executor")
            )
        if timeout is not None and not (
            isinstance(timeout, (int, float)) and timeout > 0.0 and not math.isnan(timeout)
        ):
            raise HyperparameterError(f"expected timeout in seconds, above 0, but got {timeout!r}")
        self._make = None if isinstance(executor, Executor) else executor
        self.executor = executor if isinstance(executor, Executor) else executor()
        self.timeout = timeout
        self._seen: set[str] = set()  # workers that have ever answered

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        if self._make is not None:
            self._end(self.executor, kill=kind is not None)

    def workers(self) -> int:
        """How many there are. Raises HyperparameterError where the executor does not tell."""
        client = getattr(self.executor, "_client", None)  # Dask's
        n = len(client.nthreads()) if client else getattr(self.executor, "_max_workers", None)
        if not n:
            raise HyperparameterError(
                f"expected shards=, since a {type(self.executor).__name__} does not tell how many "
                "workers it has"
            )
        return int(n)

    def results(
        self,
        job: Callable[..., Any],
        arguments: Sequence[Any],
        parcels: Sequence[Parcel] = (),
        name: Callable[[int], str] = "job {}".format,
    ) -> Iterator[tuple[int, Answer]]:
        """For each argument its place and the answer, as they come: each place once.

        job: a function at the top of a module, called as job(argument, *what is in the parcels).
        name: what to call a job in errors.
        Raises WorkerError for an error in a job, with that as its cause; WorkerTimeoutError,
        LostWorkersError. What is still to be done then, or on Ctrl-C, is cancelled.
        """
        contents = {parcel.key: parcel.content for parcel in parcels}
        needs = tuple(contents)
        waiting: dict[Future[Answer], int] = {}
        left = set(range(len(arguments)))
        answered: set[str] = set()
        rebuilds = 0

        def hand_in(place: int, sent: Mapping[str, bytes]) -> None:
            waiting[self.executor.submit(work, job, arguments[place], needs, sent)] = place

        try:
            while left:
                try:
                    for place in sorted(left - set(waiting.values())):
                        hand_in(place, {})  # mostly the worker has what it needs
                    for future in self._finished(waiting, answered, name):
                        place = waiting.pop(future)
                        answer = self._answer(future, name(place))
                        answered.add(answer.worker)
                        if not answer.begun:
                            hand_in(place, contents)
                            continue
                        rebuilds = 0
                        left.remove(place)
                        yield place, answer
                except BrokenExecutor as error:
                    rebuilds += 1
                    waiting.clear()  # all these are broken, too
                    self._rebuild(error, rebuilds, [name(place) for place in sorted(left)])
        finally:
            for future in waiting:
                future.cancel()

    def _finished(
        self, waiting: dict[Future[Answer], int], answered: set[str], name: Callable[[int], str]
    ) -> list[Future[Answer]]:
        """Those that are done, at least one."""
        done = wait(waiting, self.timeout, FIRST_COMPLETED).done
        if not done:
            silent = sorted(self._seen - answered)
            raise WorkerTimeoutError(
                f"expected an answer within timeout={self.timeout:g} seconds, but none came for "
                f"{_listed([name(place) for place in sorted(waiting.values())])}; "
                + (f"since then nothing was heard of {_listed(silent)}; " if silent else "")
                + "end what hangs, or give a longer timeout (a worker's first job takes seconds, "
                "for it starts and compiles)"
            )
        return sorted(done, key=waiting.__getitem__)

    def _answer(self, future: Future[Answer], name: str) -> Answer:
        try:
            answer = future.result()
        except BrokenExecutor:
            raise
        except Exception as error:  # the executor's own, such as what cannot be sent
            raise WorkerError(
                f"{name} could not be run by the executor ({type(error).__name__}: {error}); "
                "what is sent must pickle, and glassgrad and what the job needs must be installed "
                "where its workers are"
            ) from error
        self._seen.add(answer.worker)
        if answer.failure is not None:
            cause, traceback = answer.failure
            if isinstance(cause, AnomalyError):  # of a job run here, inside detect_anomaly()
                raise cause
            cause.add_note(f"in {answer.worker}:\n{traceback}")
            raise WorkerError(
                f"{name} failed in {answer.worker}: {type(cause).__name__}: {cause}"
            ) from cause
        return answer

    def _rebuild(self, error: BrokenExecutor, rebuilds: int, lost: list[str]) -> None:
        """Go on with a new executor, where that can be had."""
        if self._make is None or rebuilds > MOST_REBUILDS:
            remedy = (
                "give fit what makes an executor, such as nn.processes(4), and it is made anew"
                if self._make is None
                else f"{MOST_REBUILDS} new pools broke likewise: look at their memory, and for "
                'the main script\'s `if __name__ == "__main__":`'
            )
            raise LostWorkersError(
                f"the executor broke ({error}) before {_listed(lost)} was done; what was learned "
                f"before is kept, and an interrupted epoch goes on at the next call; {remedy}"
            ) from error
        self._end(self.executor, kill=True)
        self.executor = self._make()

    def _end(self, executor: Executor, kill: bool) -> None:
        """Shut it down. kill: do not wait for what hangs."""
        if kill:
            for process in list((getattr(executor, "_processes", None) or {}).values()):
                with suppress(OSError, AttributeError):
                    process.kill()
        executor.shutdown(wait=True, cancel_futures=True)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    return ", ".join(names[:4]) + more
