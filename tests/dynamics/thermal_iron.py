"""Iron at its Curie temperature, and landscapes of it."""

from ase.build import bulk

import ase_mag
from ase_mag import lsf, models, reference


def crystal(a=2.877, repeats=2):
    atoms = bulk("Fe", a=a, cubic=True) * repeats
    ase_mag.set_moments(atoms, 2.0)
    return atoms


def landscapes():
    """Landscapes of disordered and of ferromagnetic snapshots at two lattice constants."""
    calc = reference.ConstrainedModel(models.named("FeHL-1"))
    frames = []
    for a in (2.85, 2.93):
        frames += lsf.snapshots(crystal(a), 0.17, directions="random", count=3, rng=1)
        frames += lsf.snapshots(crystal(a), 0.17, directions="ferro", count=1, rng=2)
    return lsf.landscapes(frames, calc, progress=False)
