"""What must not change: rotations, time reversal, permutation, translation, repetition."""

import numpy as np

from ase_mag.testing.comparison import PARTS, assert_close, assert_responses
from ase_mag.testing.structures import Structure, random_rotation


def check_rotation(model, atoms, *, rng=0, rotated=None, rtol=1e-12):
    """Check that a joint rotation of positions, cell and moments rotates the derivatives.

    The other parameters are those of :func:`check_model`.

    Parameters
    ----------
    rotated : function, optional
        Returns, for a rotation matrix, the model with its fixed directions (external field,
        anisotropy axes) rotated. Default: the model has none.
    """
    structure = Structure.of(atoms)
    rotation = random_rotation(np.random.default_rng(rng))
    turned = structure.rotated(rotation).response(rotated(rotation) if rotated else model)
    expected = _turn(structure.response(model), rotation)
    assert_responses(turned, expected, "joint rotation of positions, cell and moments", rtol=rtol)


def check_spin_rotation(model, atoms, *, rng=0, rotated=None, rtol=1e-12):
    """Check that a rotation of all moments alone rotates the magnetic forces and nothing else.

    Models with spin-orbit terms (anisotropy, Dzyaloshinskii-Moriya, dipoles) or an external field
    have no such invariance.

    The other parameters are those of :func:`check_model`.

    Parameters
    ----------
    rotated : function, optional; for collinear models, see :func:`check_rotation`.
    """
    structure = Structure.of(atoms)
    rotation = random_rotation(np.random.default_rng(rng))
    turned = structure.rotated(rotation, lattice=False).response(
        rotated(rotation) if rotated else model
    )
    expected = structure.response(model)
    expected.magforces = expected.magforces @ rotation.T
    what = "rotation of all moments (spin_rotation=False for models with spin-orbit terms)"
    assert_responses(turned, expected, what, rtol=rtol)
    torque = np.cross(structure.moments, expected.magforces @ rotation).sum(axis=0)
    scale = np.abs(structure.moments).max(initial=1) * np.abs(expected.magforces).max(initial=1)
    assert_close(torque, np.zeros(3), "total torque sum M x B", atol=len(structure) * rtol * scale)


def check_time_reversal(model, atoms, *, rtol=1e-12):
    """Check E(-M) = E(M), with magnetic forces of the other sign (an external field breaks it).

    Parameters and errors are those of :func:`check_model`.
    """
    structure = Structure.of(atoms)
    reversed_ = structure.changed(moments=-structure.moments).response(model)
    reversed_.magforces = -reversed_.magforces
    what = "time reversal (time_reversal=False for models with an external field)"
    assert_responses(reversed_, structure.response(model), what, rtol=rtol)


def check_permutation(model, atoms, *, rng=0, rtol=1e-12):
    """Check that the order of the atoms does not matter.

    Parameters and errors are those of :func:`check_model`.
    """
    structure = Structure.of(atoms)
    order = np.random.default_rng(rng).permutation(len(structure))
    permuted = structure.changed(
        **{name: getattr(structure, name)[order] for name in ("numbers", "positions", "moments")}
    )
    expected = structure.response(model)
    for part in PARTS:
        setattr(expected, part, getattr(expected, part)[order])
    assert_responses(permuted.response(model), expected, "permutation of the atoms", rtol=rtol)


def check_translation(model, atoms, *, rng=0, rtol=1e-12):
    """Check that a shift of all atoms, also across the cell's faces, changes nothing.

    Parameters and errors are those of :func:`check_model`.
    """
    structure = Structure.of(atoms)
    rng = np.random.default_rng(rng)
    shift = rng.normal(size=3)
    images = rng.integers(-2, 3, size=(len(structure), 3)) * structure.pbc
    moved = structure.changed(positions=structure.positions + shift + images @ structure.cell)
    # Coordinates of ten angstrom are rounded at 2e-15, which steep repulsion amplifies.
    expected = structure.response(model)
    assert_responses(moved.response(model), expected, "translation of all atoms", rtol=10 * rtol)


def check_newton(model, atoms, *, rtol=1e-12):
    """Check that the forces add up to zero.

    Parameters and errors are those of :func:`check_model`.
    """
    response = Structure.of(atoms).response(model)
    scale = np.abs(response.forces).sum() + 1.0
    assert_close(response.forces.sum(axis=0), np.zeros(3), "sum of forces", atol=rtol * scale)


def check_supercell(model, atoms, *, repeats=(2, 1, 2), rtol=1e-12):
    """Check that a supercell has the same site energies and derivatives in every image.

    For atoms in a cell smaller than the cutoff this proves that periodic images, images of the
    atom itself included, are counted right. Not periodic directions are not repeated.

    The other parameters are those of :func:`check_model`.

    Parameters
    ----------
    repeats : three int, of the supercell.
    """
    structure = Structure.of(atoms)
    repeats = tuple(int(r) if p else 1 for r, p in zip(repeats, structure.pbc, strict=True))
    large = structure.repeated(repeats).response(model)
    expected = structure.response(model)
    n = int(np.prod(repeats))
    for part in PARTS:
        value = getattr(expected, part)
        setattr(expected, part, np.tile(value, (n,) + (1,) * (value.ndim - 1)))
    what = f"supercell {repeats} of a cell of {len(structure)} atoms"
    assert_responses(large, expected, what, rtol=10 * rtol)


def _turn(response, rotation):
    response.magforces = response.magforces @ rotation.T
    response.forces = response.forces @ rotation.T
    response.virials = rotation @ response.virials @ rotation.T
    return response
