"""The potentials of the paper, and the sizes of the job."""

from dataclasses import dataclass

from ase_mag import models

#: Weights of the paper (Sec. 2.2): 1, angstrom^2, 1 (of the virial in eV); that of magnetic forces
#: is varied.
WEIGHTS = {"energy": 1.0, "forces": 0.01, "stress": 0.001}
#: Largest moments that the potentials are made for, mu_B.
LARGEST = {"Fe": 3.0, "Al": 0.6}
#: The largest magnetic basis that is used after Table 2, as in the paper.
LARGEST_USED = 4


@dataclass(frozen=True)
class Sizes:
    """How much is computed.

    Attributes
    ----------
    arrangements : int; every so-manieth of the 21 of the paper. frames : int, training frames.
    level : int, of the potentials.
    scan_weights : weights of magnetic forces (mu_B^2); folds, scan_iterations : int.
    bases : magnetic basis sizes; members : int, fits per size and weight; iterations : for each
        of the bases (the larger ones reach the same loss in fewer).
    expansion_basis : int, magnetic basis of the potential that runs at 300 K: one whose moments
        always equilibrate.
    counts : numbers of aluminum atoms in 16 whose expansion is computed; repeats : int, 16-atom
        cells per edge; steps, skip : int, of 2 fs, and how many of them are left out.
    """

    arrangements: int = 1
    frames: int = 105
    level: int = 12
    scan_weights: tuple = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
    folds: int = 3
    scan_iterations: int = 50
    bases: tuple = (2, 3, 4, 5)
    weights: tuple = (0.0, 0.1)
    members: int = 3
    iterations: tuple = (100, 60, 50, 40)
    expansion_basis: int = 2
    counts: tuple = (0, 2, 4, 6, 8)
    repeats: int = 2
    steps: int = 1500
    skip: int = 300


FULL = Sizes()
FAST = Sizes(
    arrangements=10,
    frames=18,
    level=6,
    scan_weights=(1e-3, 1e-1),
    folds=2,
    scan_iterations=6,
    bases=(2, 3),
    members=2,
    iterations=(30, 20),
    expansion_basis=3,
    counts=(0,),
    repeats=1,
    steps=60,
    skip=20,
)


def potential(sizes, magnetic_basis):
    """Return a potential with random parameters: cutoff and radial functions of the paper."""
    return models.MomentTensorPotential(
        ("Fe", "Al"),
        level=sizes.level,
        magnetic_basis=magnetic_basis,
        cutoff=5.0,
        r_min=2.0,
        max_moment=LARGEST,
        extrapolate=True,
    )


def key(magnetic_basis, weight):
    """Return the name of an ensemble, as in 'N2 w0.1'."""
    return f"N{magnetic_basis} w{weight:g}"


def names(sizes, largest):
    """Return the names of all ensembles with magnetic bases up to ``largest``."""
    return [key(n, weight) for n in sizes.bases if n <= largest for weight in sizes.weights]
