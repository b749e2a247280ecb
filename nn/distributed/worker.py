"""What runs in a worker: one job, with the large things it needs kept from job to job."""

import hashlib
import os
import pickle
import socket
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from autograd import OperandError

MOST_KEPT = 2**30  # bytes of what was sent; what was used longest ago goes first


class Parcel(NamedTuple):
    """Something to be sent to a worker once, and told by its content."""

    key: str
    content: bytes

    @staticmethod
    def of(thing: Any) -> "Parcel":
        """Raises OperandError if it does not pickle."""
        try:
            content = pickle.dumps(thing, protocol=pickle.HIGHEST_PROTOCOL)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise OperandError(
                f"expected something that can be sent to workers, but a part of it does not "
                f"pickle ({error}); define functions and classes at the top of a module"
            ) from error
        return Parcel(hashlib.sha256(content).hexdigest(), content)


class Answer(NamedTuple):
    """What comes back of a job.

    worker: where it ran. result: what it gave. seconds: how long that took. begun: False if a
    parcel that it needs was not there. failure: its error and that error's traceback, as text.
    """

    worker: str
    result: Any = None
    seconds: float = 0.0
    begun: bool = True
    failure: tuple[Exception, str] | None = None


def work(
    job: Callable[..., Any], argument: Any, needs: Sequence[str], sent: Mapping[str, bytes]
) -> Answer:
    """Run job(argument, *what it needs), which has no other effect, so that it may run twice.

    needs: keys of parcels. sent: those of them that come along, with their contents. Never
    raises an Exception: what an error of some other library does to a pool when it is sent is not
    foreseeable.
    """
    try:
        here = {key: _keep(key, content) for key, content in sent.items()}
        found = [here[key] if key in here else _find(key) for key in needs]
        if any(thing is None for thing in found):
            return Answer(_name(), begun=False)
        began = time.perf_counter()
        result = job(argument, *found)
        return Answer(_name(), result, time.perf_counter() - began)
    except Exception as error:
        return Answer(_name(), failure=(_sendable(error), traceback.format_exc()))


# Shared by the workers of a thread pool, without a lock: what one misses that another is just
# looking at is sent again
_kept: dict[str, tuple[Any, int]] = {}  # and its size; what was used last stands last


def _keep(key: str, content: bytes) -> Any:
    thing = _find(key)
    if thing is None:
        thing = pickle.loads(content)
        _kept[key] = thing, len(content)
        for oldest in list(_kept)[:-1]:
            if sum([size for _, size in list(_kept.values())]) > MOST_KEPT:
                _kept.pop(oldest, None)
    return thing


def _find(key: str) -> Any:
    found = _kept.pop(key, None)
    if found is None:
        return None
    _kept[key] = found
    return found[0]


def _name() -> str:
    thread = threading.current_thread()
    here = "" if thread is threading.main_thread() else f", thread {thread.name}"
    return f"process {os.getpid()} on {socket.gethostname()}{here}"


def _sendable(error: Exception) -> Exception:
    """The error, or where it would not survive being sent, one that says the same."""
    with suppress(Exception):
        if type(pickle.loads(pickle.dumps(error))) is type(error):
            return error
    return RuntimeError(f"{type(error).__name__}: {error}")
