"""Wrong input, which ends a command with the exit status 2."""

from contextlib import contextmanager

from ase.io.formats import UnknownFileTypeError


class InputError(ValueError):
    """What the user wrote cannot be run; the message says where and what is allowed."""


@contextmanager
def wrong_input(where):
    """Turn what refuses an input into :class:`InputError`; ``where`` begins the message."""
    try:
        yield
    except InputError:
        raise
    except (ValueError, TypeError, OSError, UnknownFileTypeError) as error:
        raise InputError(f"{where}: {error}") from error
