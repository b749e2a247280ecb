"""Files written whole or not at all: a crash, a full disk or Ctrl-C leaves the old one or the new.

The new contents go to a file without a name, which the kernel throws away if this process is
killed. Only when they are on the disk does it get the name. A file cannot take the name of another
in one step: where there is an old one, the new one is called ".glassgrad-...tmp" for the moment
between two system calls. It is locked meanwhile, so whoever saves next into this folder can tell
what a killed process left there, and takes it away.
"""

import errno
import os
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from autograd.errors import SaveError

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX, SUFFIX = ".glassgrad-", ".tmp"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def write_file(path: "str | os.PathLike[str]", data: bytes | str) -> None:
    """Write a file so that at every moment there is the old one or the new one, whole.

    data: a str is written as UTF-8. A link is followed, the mode of an old file kept.
    Raises FileNotFoundError without the folder, IsADirectoryError, PermissionError, or SaveError (a
    full disk ...); the old file is as it was then.
    """
    contents = data.encode() if isinstance(data, str) else data
    target = os.path.realpath(path)
    old = _old_file(path, target)
    with _explained(path, len(contents)):
        if old is None or stat.S_ISREG(old.st_mode):
            _replace(target, old, contents, nameless=hasattr(os, "O_TMPFILE"))
        else:  # /dev/stdout, a pipe: not to be replaced
            with open(target, "wb") as device:
                device.write(contents)


def append_to_file(path: "str | os.PathLike[str]", data: bytes | str) -> None:
    """Add to the end of a file, all of it or nothing; it is made if it is not there.

    Raises as `write_file` does.
    """
    contents = data.encode() if isinstance(data, str) else data
    _old_file(path, os.path.realpath(path))
    with _explained(path, len(contents)):
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            size = os.fstat(file).st_size
            try:
                _write(file, contents)
            except BaseException:
                os.ftruncate(file, size)
                raise
        finally:
            os.close(file)


def _old_file(path: "str | os.PathLike[str]", target: str) -> os.stat_result | None:
    """What stands there. Raises the error that says why nothing can be written there."""
    folder = os.path.dirname(target)
    if not os.path.isdir(folder):
        raise FileNotFoundError(
            f"expected a folder to write {os.fspath(path)} into, but there is no {folder}; make it "
            "first, or save elsewhere"
        )
    with _explained(path, 0):
        try:
            old = os.stat(target)
        except FileNotFoundError:
            return None
    if stat.S_ISDIR(old.st_mode):
        raise IsADirectoryError(
            f"expected the name of a file, but {os.fspath(path)} is a folder; write "
            f"{os.path.join(os.fspath(path), 'NAME')}"
        )
    if not os.access(target, os.W_OK):
        raise PermissionError(
            f"{os.fspath(path)} is there and may not be written; make it writable (chmod u+w), or "
            "save under another name"
        )
    return old


def _replace(target: str, old: os.stat_result | None, data: bytes, nameless: bool) -> None:
    folder = os.path.dirname(target)
    _take_away_what_was_left(folder)
    file, temporary = -1, ""
    with _opened_folder(folder) as folder_file:
        try:
            if nameless:
                try:
                    file = os.open(folder, os.O_TMPFILE | os.O_WRONLY, 0o666)
                except OSError:  # a file system that does not have this
                    nameless = False
            if not nameless:
                temporary = _new_name(folder)
                file = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
            _lock(file, wait=True)
            if temporary and not os.path.exists(temporary):  # taken away before it was locked
                _replace(target, old, data, nameless)
                return
            _write(file, data)
            _keep_mode(file, old)
            os.fsync(file)
            if nameless and not (old is None and _give_name(file, target, folder_file)):
                temporary = _new_name(folder)
                if not _give_name(file, temporary, folder_file):
                    _replace(target, old, data, nameless=False)
                    return
            if temporary:
                if os.name == "nt":  # Windows does not rename what is open
                    os.close(file)
                    file = -1
                os.replace(temporary, target)
        except BaseException:
            if temporary:
                with suppress(OSError):
                    os.unlink(temporary)
            raise
        finally:
            if file >= 0:
                with suppress(OSError):  # after fsync there is nothing left that could be lost
                    os.close(file)
        if folder_file is not None:  # the name itself must reach the disk, too
            try:
                os.fsync(folder_file)
            except OSError as error:
                if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # not of folders, here
                    raise SaveError(
                        error.errno,
                        f"{target} was written, but a power failure may undo it: the folder could "
                        f"not be brought to the disk ({error.strerror}); look after the disk",
                    ) from error


def _new_name(folder: str) -> str:
    return os.path.join(folder, f"{PREFIX}{os.urandom(8).hex()}{SUFFIX}")


@contextmanager
def _opened_folder(folder: str) -> "Iterator[int | None]":
    """The folder's file; None where a folder cannot be opened (Windows, or it may not be read)."""
    try:
        file = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    except OSError:
        yield None
        return
    try:
        yield file
    finally:
        with suppress(OSError):
            os.close(file)


def _write(file: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]


def _keep_mode(file: int, old: os.stat_result | None) -> None:
    if old is None or not hasattr(os, "fchmod"):
        return
    new = os.fstat(file)
    if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
        with suppress(OSError):  # only root may; the file is then the one's who saved it
            os.fchown(file, old.st_uid, old.st_gid)
    os.fchmod(file, stat.S_IMODE(old.st_mode))


def _give_name(file: int, name: str, folder: int | None) -> bool:
    """Give a file without a name this one; False if that cannot be done, or the name is taken."""
    if folder is None:
        return False
    try:
        # with a dst_dir_fd, for only then does Python follow the link that /proc shows
        os.link(f"/proc/self/fd/{file}", os.path.basename(name), dst_dir_fd=folder)
    except OSError:
        return False
    return True


def _lock(file: int, wait: bool = False) -> bool:
    """Lock it as long as it is open; False if another process has, or there are no locks."""
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (ImportError, OSError):
        return False
    return True


def _take_away_what_was_left(folder: str) -> None:
    """Delete the temporary files of processes that were killed: those that nobody has locked."""
    with suppress(OSError), os.scandir(folder) as entries:
        names = [e.name for e in entries if e.name.startswith(PREFIX) and e.name.endswith(SUFFIX)]
        for name in names:
            with suppress(OSError):
                left = os.path.join(folder, name)
                file = os.open(left, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
                try:
                    if _lock(file):
                        os.unlink(left)
                finally:
                    os.close(file)


def _reason(error: OSError) -> str:
    return error.strerror or str(error)


@contextmanager
def _explained(path: "str | os.PathLike[str]", size: int) -> "Iterator[None]":
    try:
        yield
    except SaveError:
        raise
    except PermissionError as error:
        raise PermissionError(
            f"{os.fspath(path)} was not written ({_reason(error)}); expected a folder in "
            "which files can be made; save elsewhere, or change who may write there"
        ) from error
    except OSError as error:
        remedy = (
            f"it takes {size:,} bytes: make room, or save to another disk"
            if error.errno in _FULL
            else "save elsewhere"
        )
        raise SaveError(
            error.errno,
            f"{os.fspath(path)} was not written ({_reason(error)}), and what stood there is as it "
            f"was; {remedy}",
        ) from error
