"""What is timed."""

from dataclasses import dataclass, field


class PeerMissing(Exception):
    """A peer program is not installed, or cannot do what is asked for."""


@dataclass
class Program:
    """One program in one case.

    Attributes
    ----------
    name : str, the program, e.g. ``"LAMMPS"``.
    run : callable (n_steps) -> (wall, processor) seconds that the steps took, without setting up.
    n_atoms : int
    settings : str, what a reader has to know to repeat it.
    """

    name: str
    run: callable
    n_atoms: int
    settings: str = ""


@dataclass
class Case:
    """One comparison: the programs that do the same work.

    Attributes
    ----------
    name : str, e.g. ``"LLG with bath, 50 neighbors"``.
    cells : int, cubic cells in each direction (2 cells^3 atoms).
    programs : list of callables (cells, threads) -> Program; they raise PeerMissing.
    flops, bytes : float, floating-point operations and bytes from memory per atom and step of the
        ase_mag kernels, for the roofline (0: not drawn).
    published : str or None, key of the figures of other machines.
    """

    name: str
    cells: int
    programs: list
    flops: float = 0.0
    bytes: float = 0.0
    published: str | None = None
    notes: list = field(default_factory=list)

    @property
    def n_atoms(self):
        return 2 * self.cells**3
