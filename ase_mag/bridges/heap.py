"""Memory that was freed, given back to the operating system."""

import ctypes
from functools import cache


def trim():
    """Give back what the C library keeps of freed memory, where it can (glibc)."""
    function = _malloc_trim()
    if function is not None:
        function(0)


@cache
def _malloc_trim():
    try:
        function = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # another C library: it has no such function
        return None
    function.argtypes, function.restype = [ctypes.c_size_t], ctypes.c_int
    return function
