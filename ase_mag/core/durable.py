"""Files that are whole or absent, whatever stops the program or the machine."""

import errno
import os
import threading
from contextlib import contextmanager
from pathlib import Path

_FULL = {errno.ENOSPC, errno.EDQUOT}


@contextmanager
def replacing(path, folder=None):
    """Give a temporary path; on success its file replaces ``path`` and has reached the disk.

    The temporary file lies in ``folder`` (beside ``path`` if not given; of the same file system)
    and carries the numbers of process and thread, so that these do not meet in it. On an error it
    is removed, and what was at ``path`` stays.
    """
    path = Path(path)
    name = f"{path.name}.{os.getpid()}.{threading.get_ident()}.part"
    temporary = path.with_name(name) if folder is None else Path(folder) / name
    try:
        yield temporary
        _flush(temporary, os.O_RDWR)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _flush(path.parent, os.O_RDONLY)


def _flush(path, mode):
    number = os.open(path, mode)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def is_disk_full(error):
    """Return whether a full disk (or quota) is the cause of an exception."""
    seen = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return False
