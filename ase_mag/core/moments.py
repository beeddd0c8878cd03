"""The ASE border for moments: reading and setting non-collinear moments of ``Atoms``."""

import numpy as np


def get_moments(atoms):
    """Return the moments of ``atoms`` as an (N, 3) float array in mu_B (a copy).

    They live in ``atoms.arrays['initial_magmoms']``, the one magnetic array that ASE
    change-detects, copies, repeats and saves. Collinear moments (N,) mean along z; without the
    array all moments are zero.

    Raises
    ------
    ValueError
        If the array has another shape, or NaN or infinite values.
    """
    array = atoms.arrays.get("initial_magmoms")
    return np.zeros((len(atoms), 3)) if array is None else as_moments(array, len(atoms))


def set_moments(atoms, moments):
    """Set the moments of ``atoms``.

    Parameters
    ----------
    atoms : ase.Atoms
    moments : float (all atoms, along z), (N,) array (along z) or (N, 3) array, in mu_B.

    Raises
    ------
    ValueError
        For another shape, or NaN or infinite values.
    """
    atoms.set_initial_magnetic_moments(None)
    atoms.set_initial_magnetic_moments(as_moments(moments, len(atoms)))


def as_moments(moments, n_atoms):
    """Return moments as a new (n_atoms, 3) float array, mu_B.

    Parameters
    ----------
    moments : number or (n_atoms,) array (along z), or (n_atoms, 3) array, mu_B.
    n_atoms : int

    Raises
    ------
    ValueError
        For another shape, or values that are not finite numbers.
    """
    try:
        array = np.array(moments, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"moments must be numbers in mu_B: {error}") from None
    if array.shape not in ((), (n_atoms,), (n_atoms, 3)):
        raise ValueError(
            f"moments have shape {array.shape}; for {n_atoms} atoms allowed are a number and "
            f"({n_atoms},) (both along z) or ({n_atoms}, 3), in mu_B"
        )
    if not np.isfinite(array).all():
        bad = int(np.argwhere(~np.isfinite(np.atleast_1d(array)))[0, 0])
        raise ValueError(
            f"the moment of atom {bad} is not a finite number: {np.atleast_1d(array)[bad]} mu_B"
        )
    result = np.zeros((n_atoms, 3))
    if array.ndim == 2:
        result[:] = array
    else:
        result[:, 2] = array
    return result
