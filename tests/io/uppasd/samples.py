"""An UppASD folder of bcc iron, and energies in its unit."""

import numpy as np

import ase_mag
from ase_mag import units
from ase_mag.core import get_moments

MRY = units.energy_unit("mRy")

BCC = {
    "inpsd.dat": """
simid bccFe
ncell 2 2 2   comment
BC P P P
cell 1.0 0.0 0.0
     0.0 1.0 0.0
     0.0 0.0 1.0
Sym 1
posfile ./posfile
momfile ./momfile
exchange ./jfile
Initmag 3
mode S
temp 300.0
damping 0.1
Nstep 100
timestep 1.000d-16   s
alat 2.8665d-10
map_multiple T
""",
    "posfile": "1 1 0.0 0.0 0.0\n2 1 0.5 0.5 0.5\n",
    "momfile": "1 1 2.23 0.0 0.0 1.0\n2 1 2.23 0.0 0.0 1.0\n",
    "jfile": "1 1 0.5 0.5 0.5 1.33767484769984\n1 1 1.0 0.0 0.0 0.7570357654565\n",
}


def folder(path, **changed):
    """Write the bcc folder with other contents of some files (None: without the file)."""
    for name, text in (BCC | {key.replace("_", "."): v for key, v in changed.items()}).items():
        if text is not None:
            (path / name).write_text(text)
    return path


def energy(atoms, model):
    """Return the energy in mRy per atom."""
    copy = atoms.copy()
    copy.calc = ase_mag.MagneticCalculator(model)
    return copy.get_potential_energy() / len(atoms) / MRY


def random_moments(atoms, rng=0):
    """Turn all moments into random directions."""
    rng = np.random.default_rng(rng)
    directions = rng.normal(size=(len(atoms), 3))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    sizes = np.linalg.norm(get_moments(atoms), axis=1)
    ase_mag.set_moments(atoms, sizes[:, None] * directions)
    return atoms, directions
