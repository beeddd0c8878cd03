"""Functions that are called while a run goes on."""

from ase_mag.dynamics.base import check_count


class Observers:
    """Functions with their intervals, as in ASE's ``attach``."""

    def __init__(self):
        self._observers = []

    def attach(self, function, interval, arguments, named):
        """Add a function, or an object with the method ``write``.

        Raises
        ------
        TypeError
            If ``function`` is neither.
        ValueError
            If the interval is no integer, or zero.
        """
        if not callable(function):
            if not hasattr(function, "write"):
                raise TypeError(
                    f"attach needs a function or an object with write, got {function!r}"
                )
            function = function.write
        if check_count("interval", abs(interval)) == 0:
            raise ValueError("interval must be an integer other than 0, got 0")
        self._observers.append((function, interval, arguments, named))

    def call(self, step):
        """Call those whose turn it is: every ``interval`` steps, or once at -interval."""
        for function, interval, arguments, named in self._observers:
            if step == -interval or (interval > 0 and step % interval == 0):
                function(*arguments, **named)
