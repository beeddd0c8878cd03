"""The bcc iron that every program simulates."""

import numpy as np
from ase import units
from ase.build import bulk
from ase.md.velocitydistribution import thermalize_momenta

import ase_mag
from ase_mag import models

LATTICE_CONSTANT = 2.8665
MOMENT = 2.2
#: Temperatures of the spin bath and of the first velocities, K.
SPIN_TEMPERATURE, VELOCITY_TEMPERATURE = 300.0, 600.0
DAMPING = 0.1
#: a (eV), b and d (angstrom) of J(r) = 4 a x (1 - b x) exp(-x), x = (r/d)^2: the iron example of
#: LAMMPS, in H = -sum_{i!=j} J(r) e_i.e_j.
EXCHANGE = (0.02726, 0.2171, 1.841)
#: Cutoff in angstrom and number of shells of bcc for every number of neighbors.
SHELLS = {14: (3.4, 2), 50: (4.85, 4), 88: (6.33, 7)}


def exchange(neighbors):
    """Return the exchange model that reaches ``neighbors`` neighbors of perfect bcc."""
    function = models.bethe_slater(*EXCHANGE, cutoff=SHELLS[neighbors][0])
    return models.Heisenberg("Fe", function, convention="LAMMPS", moment=MOMENT)


def shell_values(neighbors):
    """Return J of the first shells in meV, for H = -sum over unique pairs J e_i.e_j."""
    cutoff, n_shells = SHELLS[neighbors]
    crystal = bulk("Fe", a=LATTICE_CONSTANT, cubic=True)
    radii = models.shell_radii(crystal, n_shells)
    function = models.bethe_slater(*EXCHANGE, cutoff=cutoff, step=True)
    return 2000.0 * function(np.asarray(radii))


def iron(cells, rattle=0.0, hot=False):
    """Return 2 cells^3 atoms of bcc iron with tilted moments of 2.2 mu_B.

    Parameters
    ----------
    cells : int, cubic cells in each direction.
    rattle : float, angstrom; width of random displacements (0: a perfect lattice).
    hot : bool, give the atoms velocities.
    """
    atoms = bulk("Fe", a=LATTICE_CONSTANT, cubic=True) * (cells, cells, cells)
    rng = np.random.default_rng(1)
    directions = 0.2 * rng.normal(size=(len(atoms), 3)) + (0.0, 0.0, 1.0)
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    ase_mag.set_moments(atoms, MOMENT * directions)
    if rattle:
        atoms.positions += rattle * rng.normal(size=(len(atoms), 3))
    if hot:
        thermalize_momenta(atoms, VELOCITY_TEMPERATURE, rng=rng)
    return atoms


FEMTOSECOND = units.fs
