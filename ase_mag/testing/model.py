"""The contract of a model."""

import numpy as np

from ase_mag.testing import consistency, differences, invariances, smoothness
from ase_mag.testing.structures import along, example


def check_model(
    model,
    atoms=None,
    *,
    rng=0,
    rotated=None,
    spin_rotation=True,
    time_reversal=True,
    smooth=True,
    storable=True,
    rtol=1e-7,
):
    """Check that a model keeps every promise of the interface; AssertionError says what it broke.

    Forces, magnetic forces and virial against two-sided differences of fourth order; joint
    rotation; rotation of the moments alone; time reversal; permutation; translation; Newton's
    third law; supercells of a large and of a tiny cell; continuity at the cutoff; no influence
    from beyond it; zero moments; no hidden state and no change of inputs; ``lattice=False``;
    ``bilinear`` and ``merged``; ghosts; save and load; number of threads.

    Parameters
    ----------
    model : Model
    atoms : ase.Atoms, optional
        Structure with moments, without symmetry, periodic in three directions. Default: 16
        displaced bcc sites with the model's species (:func:`example`). All moments are along
        the axis of a collinear model (``model.moment_axis``), whose magnetic forces must be too.
    rng : int, seed of the random directions, rotations and displacements.
    rotated : function or False, optional
        R -> the model with its fixed directions rotated by R, for models with an external field,
        fixed anisotropy axes or one axis of all moments; False leaves the joint rotation out.
    spin_rotation : bool; False for models with spin-orbit terms or an external field.
    time_reversal : bool; False for models with an external field.
    smooth : bool; False for a cutoff with a step that was asked for.
    storable : bool; False for models that cannot be saved.
    rtol : float, bound of the derivatives, relative to the largest one.
    """
    if atoms is None:
        atoms = example(model.species, rng, axis=model.moment_axis)
    consistency.check_response(model, atoms)
    differences.check_magforces(model, atoms, rtol=rtol)
    differences.check_forces(model, atoms, rtol=rtol)
    differences.check_virial(model, atoms, rtol=rtol)
    if rotated is not False:
        invariances.check_rotation(model, atoms, rng=rng, rotated=rotated)
    if spin_rotation:
        # The moments of a collinear model can only turn together with its axis.
        turned = None if model.moment_axis is None else rotated
        invariances.check_spin_rotation(model, atoms, rng=rng, rotated=turned)
    if time_reversal:
        invariances.check_time_reversal(model, atoms)
    invariances.check_permutation(model, atoms, rng=rng)
    invariances.check_translation(model, atoms, rng=rng)
    invariances.check_newton(model, atoms)
    invariances.check_supercell(model, atoms)
    invariances.check_supercell(model, _tiny(model, atoms, rng), repeats=(3, 2, 3))
    consistency.check_purity(model, atoms, rng=rng)
    consistency.check_lattice_flag(model, atoms)
    consistency.check_zero_moments(model, atoms, time_reversal=time_reversal)
    consistency.check_bilinear(model, atoms, rng=rng)
    consistency.check_ghosts(model, atoms)
    consistency.check_threads(model, atoms)
    smoothness.check_far_atoms(model, atoms)
    if smooth:
        smoothness.check_cutoff(model, rng=rng)
    if storable:
        consistency.check_storage(model, atoms)


def _tiny(model, atoms, rng):
    """Return two atoms of the species in ``atoms`` in a cell smaller than common cutoffs."""
    species = list(dict.fromkeys(atoms.get_chemical_symbols()))[:2]
    axis = model.moment_axis
    tiny = example(species, rng, repeats=(1, 1, 1), displacement=0.05, axis=axis)
    last = np.random.default_rng(rng).normal(size=(1, 3))
    tiny.arrays["initial_magmoms"][-1] = along(last, axis)[0]
    return tiny
