"""Repeated timings, interleaved so that all programs see the same state of the machine."""

from dataclasses import dataclass
from statistics import median

from benchmarks.program import PeerMissing


@dataclass
class Timing:
    """Times of one program in one case.

    Attributes
    ----------
    case, program, settings : str
    n_atoms, threads, n_steps : int
    seconds : list of float, time of ``n_steps`` steps in every repeat.
    """

    case: str
    program: str
    settings: str
    n_atoms: int
    threads: int
    n_steps: int
    seconds: list

    @property
    def best(self):
        """Shortest time, ns per atom and step."""
        return self._per_atom(min(self.seconds))

    @property
    def typical(self):
        """Median time, ns per atom and step."""
        return self._per_atom(median(self.seconds))

    def _per_atom(self, seconds):
        return 1e9 * seconds / (self.n_steps * self.n_atoms)


def measure(case, threads, repeats, duration, clock="wall", report=print):
    """Time all programs of a case.

    Parameters
    ----------
    case : Case
    threads : int
    repeats : int; the programs take turns, so that a busy moment hits all of them.
    duration : float, seconds that one measurement should take.
    clock : ``"wall"``, or ``"processor"``: what a busy machine does to one thread is left out.
    report : callable (str), told what is missing.

    Returns
    -------
    list of Timing, in the order of the programs.
    """
    programs, steps = [], []
    for factory in case.programs:
        try:
            program = factory(case.cells, threads)
            steps.append(_steps(program, duration))
            programs.append(program)
        except PeerMissing as error:
            report(f"{case.name}, {threads} thread(s): {error}")
    seconds = [[] for _ in programs]
    for _ in range(repeats):
        for program, n_steps, times in zip(programs, steps, seconds, strict=True):
            times.append(program.run(n_steps)[clock == "processor"])
    return [
        Timing(case.name, p.name, p.settings, p.n_atoms, threads, n_steps, times)
        for p, n_steps, times in zip(programs, steps, seconds, strict=True)
    ]


def _steps(program, duration):
    """Return a number of steps that takes about ``duration`` seconds."""
    program.run(1)
    n = 2
    while True:
        seconds = program.run(n)[0]
        if seconds >= 0.2 * duration:
            return max(2, round(n * duration / seconds))
        n = max(2 * n, min(50 * n, int(0.5 * n * duration / max(seconds, 1e-9))))
