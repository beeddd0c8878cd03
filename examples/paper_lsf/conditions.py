"""The two systems of the paper, the reference, and the sizes of the job."""

from dataclasses import dataclass

import numpy as np
from ase import units
from ase.build import bulk

import ase_mag
from ase_mag import models, reference

#: Exchange of the spin dynamics, that of the reference FeHL-1 (eV/mu_B^2).
EXCHANGE = models.Heisenberg("Fe", models.cubic(0.191248, cutoff=3.75))


@dataclass(frozen=True)
class System:
    """Conditions of one system: lattice constant (angstrom), temperature (K), cells per edge."""

    name: str
    a: float
    temperature_K: float
    repeats: int = 3

    def crystal(self):
        """Return the ideal lattice."""
        return bulk("Fe", a=self.a, cubic=True) * ((self.repeats,) * 3)

    def start(self, seed, moments):
        """Return ideal sites with momenta of twice the temperature, half of which is lost.

        ``moments`` is 'random' (2 or 1 mu_B), 'ferro' (2.2 mu_B along z) or 'none'.
        """
        rng = np.random.default_rng([seed, 1])
        atoms = self.crystal()
        n = len(atoms)
        widths = np.sqrt(2 * units.kB * self.temperature_K * atoms.get_masses())
        momenta = widths[:, None] * rng.normal(size=(n, 3))
        atoms.set_momenta(momenta - momenta.mean(axis=0))
        directions = rng.normal(size=(n, 3))
        directions /= np.linalg.norm(directions, axis=1)[:, None]
        ase_mag.set_moments(
            atoms, {"random": 2.0 * directions, "ferro": 2.2, "none": 0.0 * directions}[moments]
        )
        atoms.calc = calculator()
        return atoms


#: Iron at its Curie temperature and ambient pressure; iron at 7 angstrom^3/atom and 6000 K.
CURIE = System("Tc", 2.877, 1043.0)
CORE = System("core", 14.0 ** (1 / 3), 6000.0)


@dataclass(frozen=True)
class Sizes:
    """How much is computed.

    Attributes
    ----------
    landscapes : int, rows of the T_c table (the paper has 752); those of the core: one frame.
    folds, repeats : int, of cross-validations and of learning curves.
    widths : kernel widths that are tried; shells : largest number of coordination shells.
    curie_steps, core_steps : int, 1 fs each; replicas, replica_steps, core_replicas : int.
    skip : int, steps left out of averages.
    """

    landscapes: int = 752
    folds: int = 10
    repeats: int = 8
    widths: tuple = (1.0, 10.0, 100.0, 1000.0)
    shells: int = 4
    curie_steps: int = 5000
    core_steps: int = 2500
    replicas: int = 8
    replica_steps: int = 2500
    core_replicas: int = 4
    skip: int = 500


FULL = Sizes()
FAST = Sizes(
    landscapes=108,
    folds=4,
    repeats=2,
    widths=(10.0, 100.0),
    shells=2,
    curie_steps=100,
    core_steps=100,
    replicas=2,
    replica_steps=60,
    core_replicas=2,
    skip=20,
)


def calculator():
    """Return a new reference: FeHL-1, synthetic; a constrained-DFT calculator takes its place."""
    return reference.ConstrainedModel(models.named("FeHL-1"))
