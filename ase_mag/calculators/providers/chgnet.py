"""CHGNet: a lattice potential that predicts moment sizes, but has no moments as input."""

import numpy as np

from ase_mag.core.config import configured
from ase_mag.core.extras import require


def chgnet(*, device=None, **options):
    """Return CHGNet's own ASE calculator, for the lattice below a magnetic model.

    CHGNet was trained on the energies of ferromagnetic, spin-polarized calculations and predicts
    the size of every moment from the positions. Moments are no input of it: there is no -dE/dM,
    and a calculator that offered zeros for it would be wrong wherever moments turn. So it takes
    part as a lattice, ``ase_mag.add(chgnet(), model)``, and gives sizes
    (:func:`predicted_sizes`). Its energies contain the magnetic energy of the ferromagnet; a
    model that is added should be zero there, or the energy is counted twice.

    Parameters
    ----------
    device : str; default: ``device`` in the section [ase_mag] of ASE's configuration, else 'cpu'.
    **options : of ``chgnet.model.dynamics.CHGNetCalculator``.

    Raises
    ------
    ImportError
        Without chgnet.
    """
    module = require("chgnet.model.dynamics", "chgnet")
    return module.CHGNetCalculator(use_device=device or configured("device") or "cpu", **options)


def predicted_sizes(atoms, calculator=None):
    """Return the moment sizes that CHGNet predicts for a structure, (N,), mu_B.

    For ``ase_mag.build.set_ferromagnetic(atoms, predicted_sizes(atoms))`` and the like.

    Parameters
    ----------
    atoms : ase.Atoms, not changed.
    calculator : the calculator of :func:`chgnet`; default: a new one.

    Raises
    ------
    ValueError
        If the calculator predicts no moments for the atoms.
    """
    calculator = chgnet() if calculator is None else calculator
    plain = atoms.copy()
    plain.set_initial_magnetic_moments(None)
    sizes = np.array(calculator.get_property("magmoms", plain), dtype=float)
    if sizes.shape != (len(atoms),) or not np.isfinite(sizes).all():
        raise ValueError(
            f"{type(calculator).__name__} predicted moments of shape {sizes.shape} for "
            f"{len(atoms)} atoms: a size for each atom is needed"
        )
    return np.abs(sizes)
