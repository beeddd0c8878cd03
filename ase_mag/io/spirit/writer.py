"""Config files for Spirit."""

import numpy as np

from ase_mag import units
from ase_mag.core.durable import replacing
from ase_mag.io.bond_list import BilinearList

_MEV = units.energy_unit("meV")


def write_spirit(path, cell, model, *, repeat=(1, 1, 1)):
    """Write a config file with lattice, pairs, anisotropies and field for Spirit.

    The bilinear form of the model on the cell, each pair once, for moments of the sizes in
    ``cell``. Terms that depend on sizes only (Landau, lattice energies) are constants there and
    left out. Spins are in files of their own, see :func:`write_ovf`.

    Parameters
    ----------
    path : path
    cell : ase.Atoms with moments, the unit cell; it gives the boundary conditions.
    model : Model with a bilinear form.
    repeat : three int, ``n_basis_cells``.

    Raises
    ------
    ValueError
        If the model has no such form, symmetric anisotropic exchange (Spirit has J and D), an
        anisotropy that is not uniaxial, fields that differ, or a site has no moment.
    """
    if not cell.cell.rank == 3:
        raise ValueError("the cell needs three vectors, along which Spirit repeats it")
    full = cell.copy()
    full.pbc = cell.pbc | (np.array(repeat) > 1)
    bonds = BilinearList.of(full, model, "Spirit")
    constants, axes = bonds.axes("Spirit")
    lines = [
        "hamiltonian heisenberg_pairs",
        f"boundary_conditions {' '.join(str(int(p)) for p in cell.pbc)}",
        "lattice_constant 1.0",
        "bravais_vectors",
        *(_digits(*vector) for vector in cell.cell.array),
        "basis",
        str(len(cell)),
        *(_digits(*place) for place in cell.get_scaled_positions(wrap=False)),
        f"mu_s {_digits(*bonds.sizes)}",
        f"n_basis_cells {' '.join(str(int(n)) for n in repeat)}",
    ]
    strength = np.linalg.norm(bonds.field)
    if strength:
        lines.append(f"external_field_magnitude {_digits(strength / units.tesla)}")
        lines.append(f"external_field_normal {_digits(*bonds.field / strength)}")
    sites = np.flatnonzero(constants)
    if len(sites):
        lines += [f"n_anisotropy {len(sites)}", "i K Kx Ky Kz"]
        lines += [f"{k} {_digits(constants[k] / _MEV, *axes[k])}" for k in sites]
    pairs = _pairs(bonds)
    lines += [f"n_interaction_pairs {len(pairs)}", "i j da db dc Jij Dijx Dijy Dijz", *pairs]
    with replacing(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _digits(*numbers):
    return " ".join(f"{x:.15e}" for x in numbers)


def _pairs(bonds):
    """Return the lines of unique pairs."""
    lines = []
    scale = np.abs(bonds.tensors).max(initial=0.0)
    for i, j, shift, tensor in zip(bonds.i, bonds.j, bonds.shifts, bonds.tensors, strict=True):
        if (i, *shift) > (j, *(-shift)):
            continue
        scalar = np.trace(tensor) / 3
        odd = 0.5 * (tensor - tensor.T)
        if np.abs(tensor - odd - scalar * np.eye(3)).max() > 1e-12 * scale:
            raise ValueError(
                "the exchange has a symmetric anisotropic part, but Spirit's Hamiltonian has J and "
                "D only"
            )
        values = np.array([scalar, odd[1, 2], odd[2, 0], odd[0, 1]]) / _MEV
        lines.append(f"{i} {j} {shift[0]} {shift[1]} {shift[2]} {_digits(*values)}")
    return lines
