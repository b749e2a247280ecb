"""What breaks files: processes killed at every moment of a save, full disks, flipped bits.

    python -m tools.faults              # the long versions, some minutes
    python -m tools.faults kills 40     # one of them, and how often

Each experiment runs in children of this process and gives a count; the tests run short ones. A
fault that the writer does not survive is an AssertionError that tells the moment.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from autograd import SaveError, write_file

CALLS = ("open", "write", "fchmod", "fchown", "fsync", "link", "replace", "unlink", "close")
"""What the writer asks of the system, by the names in `os`."""


def at_call(n: int, act: Callable[[], object], after: bool) -> None:
    """From here on in this process, act before or after the n-th call of the system, from 0."""
    made = 0

    def wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            nonlocal made
            made += 1
            if made == n + 1 and not after:
                act()
            found = function(*args, **options)
            if made == n + 1 and after:
                act()
            return found

        return call

    for name in CALLS:
        setattr(os, name, wrapped(getattr(os, name)))


def kill_this_process() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def in_child(action: Callable[[], object]) -> int:
    """Do it in a child; gives 0, the signal that killed it, or 255 if it raised an error."""
    child = os.fork()
    if child == 0:
        try:
            action()
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            os._exit(255)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def check(path: Path, allowed: tuple[bytes, ...], litter: int) -> tuple[bytes, int]:
    """What the file holds, and how many others are there. Raises AssertionError if it is wrong."""
    found = path.read_bytes() if path.exists() else b""
    assert found in allowed, f"{len(found)} bytes that nobody wrote: {found[:40]!r}"
    others = [p.name for p in path.parent.iterdir() if p != path]
    assert len(others) <= litter, f"left behind: {others}"
    return found, len(others)


def kill_at_every_call(folder: Path, nameless: bool = True) -> Counter[str]:
    """Kill the writer before and after each call of the system, with and without an old file.

    nameless: whether files without a name are used where there are some.
    """
    path, new, counts = folder / "model", b"new" * 10_000, Counter[str]()
    for old in (b"", b"old" * 9_999):
        for after in (False, True):
            for n in range(100):
                path.unlink(missing_ok=True)
                if old:
                    path.write_bytes(old)

                def killed(n: int = n, after: bool = after) -> None:
                    if not nameless and hasattr(os, "O_TMPFILE"):
                        del os.O_TMPFILE
                    at_call(n, kill_this_process, after)
                    write_file(path, new)

                end = in_child(killed)
                assert end in (0, signal.SIGKILL), f"call {n}: the child ended with {end}"
                found, left = check(path, (old, new), litter=1)
                counts["kills"] += end == signal.SIGKILL
                counts["the new one stands"] += end != 0 and found == new
                counts["a temporary file is left until the next save"] += left
                write_file(folder / "another", b"x")  # any save into the folder clears up
                (folder / "another").unlink()
                check(path, (old, new), litter=0)
                if end == 0:
                    assert found == new
                    break
            else:
                raise AssertionError("the writer never ended")
    return counts


def kill_at_random_moments(folder: Path, times: int, seed: int = 0) -> Counter[str]:
    """Kill a process that saves a model in a loop, each time with other weights."""
    import nn

    path, counts, rng = folder / "model.safetensors", Counter[str](), random.Random(seed)
    model = nn.models.Sequential([nn.layers.Dense(64, input_dim=64)])

    def save(number: float) -> None:
        model.set_weights([[[number] * 64] * 64, [number] * 64])
        model.save(path)

    start = time.perf_counter()
    for k in range(20):
        save(float(k))
    duration = (time.perf_counter() - start) / 20
    for k in range(times):

        def saving(k: int = k) -> None:
            for number in range(1_000_000):
                save(float(1000 * k + number))

        child = os.fork()
        if child == 0:
            saving()
        # over several saves, of which each moment is as likely
        time.sleep(rng.uniform(0.0, 4.0 * duration))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        kernel, bias = nn.load(path).get_weights()
        assert {x for row in kernel for x in row} == set(bias), "weights of two saves in one file"
        assert len(set(bias)) == 1
        counts["kills"] += 1
        counts["a save of this child stands"] += bias[0] >= 1000 * k > 0
        others = [p for p in folder.iterdir() if p != path]
        counts["a temporary file is left until the next save"] += len(others)
    save(0.0)
    assert [p.name for p in folder.iterdir()] == [path.name]
    counts["microseconds a save"] = int(duration * 1e6)
    return counts


def fail_at_every_call(folder: Path, nameless: bool = True) -> Counter[str]:
    """Let each call of the system fail in turn, with a full disk: the old file and an error."""
    path, old, new, counts = folder / "model", b"old" * 9_999, b"new" * 10_000, Counter[str]()
    for n in range(100):
        path.write_bytes(old)

        def full() -> None:
            raise OSError(28, "No space left on device")

        def failing(n: int = n) -> None:
            if not nameless and hasattr(os, "O_TMPFILE"):
                del os.O_TMPFILE
            at_call(n, full, after=False)
            try:
                write_file(path, new)
            except SaveError as error:
                said = "make room" if path.read_bytes() == old else "was written"
                os._exit(1 if said in str(error) else 2)

        end = in_child(failing)
        assert end in (0, 1), f"call {n}: the child ended with {end}"
        counts["failures"] += end
        check(path, (old, new), litter=0)
        counts["overcome"] += end == 0
        if end == 0 and n > 20:
            return counts
    return counts


def fill_the_disk(folder: Path, step: int = 1) -> Counter[str]:
    """A limit on the size of files at each number of bytes: the old file, an error, no litter."""
    import resource

    path, old, new, counts = folder / "model", b"old", bytes(range(256)) * 8, Counter[str]()
    path.write_bytes(old)
    for size in range(0, len(new), step):

        def limited(size: int = size) -> None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
            try:
                write_file(path, new)
            except SaveError:
                os._exit(1)

        assert in_child(limited) == 1, f"no SaveError at {size} bytes"
        check(path, (old,), litter=0)
        counts["full disks"] += 1
    return counts


def save_at_once(folder: Path, processes: int, saves: int) -> Counter[str]:
    """Several processes save to one file: each time that it is looked at it is one of theirs."""
    path, size, counts = folder / "model", 200_000, Counter[str]()
    children = []
    for k in range(processes):
        child = os.fork()
        if child == 0:
            try:
                for _ in range(saves):
                    write_file(path, bytes([k]) * size)
            except BaseException as error:
                print(f"{type(error).__name__}: {error}", file=sys.stderr)
                os._exit(1)
            os._exit(0)
        children.append(child)
    while children:
        done, status = os.waitpid(-1, os.WNOHANG)
        if done:
            assert status == 0
            children.remove(done)
        with suppress(FileNotFoundError):
            found = path.read_bytes()
            assert len(found) == size
            assert len(set(found)) == 1
            counts["looks"] += 1
    check(path, tuple(bytes([k]) * size for k in range(processes)), litter=0)
    counts["saves"] = processes * saves
    return counts


def damage(folder: Path, bits: int) -> Counter[str]:
    """Cut a small model file at each length, and flip so many bits of each byte: a named error."""
    import nn
    from nn.errors import ModelFileError

    path, counts = folder / "m.safetensors", Counter[str]()
    model = nn.models.Sequential([nn.layers.Dense(1, input_dim=1)])
    model.compile("adam", "mse")
    model.save(path)
    good = path.read_bytes()
    flipped = [(n, (n + k) % 8) for n in range(len(good)) for k in range(bits)]
    damaged = [good[:n] + bytes([good[n] ^ 1 << bit]) + good[n + 1 :] for n, bit in flipped]
    for contents in (*[good[:n] for n in range(len(good))], *damaged, good + b"x"):
        path.write_bytes(contents)
        try:
            nn.load(path)
        except ModelFileError as error:
            counts["refused"] += path.name in str(error)
        else:
            raise AssertionError(f"damaged, and yet loaded: {contents!r}")
    assert counts["refused"] == len(good) * (1 + bits) + 1
    return counts


EXPERIMENTS: dict[str, tuple[int, Callable[[Path, int], Counter[str]]]] = {
    "kills": (200, kill_at_random_moments),
    "calls": (1, lambda folder, n: kill_at_every_call(folder)),
    "named-calls": (1, lambda folder, n: kill_at_every_call(folder, nameless=False)),
    "failures": (1, lambda folder, n: fail_at_every_call(folder)),
    "named-failures": (1, lambda folder, n: fail_at_every_call(folder, nameless=False)),
    "full": (1, fill_the_disk),
    "damage": (8, damage),
    "at-once": (500, lambda folder, n: save_at_once(folder, 4, n)),
}
"""By name: the number of the long version, and the experiment of a folder and a number."""


def main(arguments: list[str] | None = None) -> None:
    """Run the experiments and print what they counted."""
    parser = argparse.ArgumentParser(prog="python -m tools.faults", description=__doc__)
    parser.add_argument("experiment", nargs="?", choices=EXPERIMENTS)
    parser.add_argument("number", nargs="?", type=int)
    parser.add_argument("--in", dest="place", help="the folder, so the file system, to work in")
    options = parser.parse_args(arguments)
    for name in [options.experiment] if options.experiment else EXPERIMENTS:
        number, experiment = EXPERIMENTS[name]
        with tempfile.TemporaryDirectory(dir=options.place) as folder:
            counts = experiment(Path(folder), options.number or number)
        print(f"{name}: {', '.join(f'{n} {what}' for what, n in counts.items() if n)}", flush=True)


if __name__ == "__main__":
    main()
