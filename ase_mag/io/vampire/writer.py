"""Unit cell and material files for VAMPIRE."""

from pathlib import Path

import numpy as np

from ase_mag import units
from ase_mag.core import get_moments
from ase_mag.core.durable import replacing
from ase_mag.io.bond_list import BilinearList

_JOULE = units.energy_unit("J")


def write_vampire(path, cell, model, *, damping=1.0):
    """Write a .ucf file and the .mat file of the same name for a crystal.

    The bilinear form of the model, bond by bond in both orders, for moments of the sizes in
    ``cell``; every site is a material of its own. Terms that depend on sizes only (Landau, lattice
    energies) are constants there and left out. Numbers have 16 digits.

    Parameters
    ----------
    path : path of the .ucf file.
    cell : ase.Atoms with moments, a periodic unit cell with its vectors along x, y and z (VAMPIRE
        reads no others); use a supercell of that form.
    model : Model with a bilinear form.
    damping : float, of the Landau-Lifshitz-Gilbert equation.

    Raises
    ------
    ValueError
        For another cell, a model without such a form, anisotropies that are not uniaxial, external
        fields (they belong into VAMPIRE's input file), a moment of zero, and another suffix.
    """
    path = Path(path)
    if path.suffix.lower() != ".ucf":
        raise ValueError(f"the unit cell file must end in .ucf, got {path.name!r}")
    vectors = cell.cell.array
    if np.abs(vectors - np.diag(np.diag(vectors))).max() > 1e-10 * vectors.max():
        raise ValueError(
            "VAMPIRE reads unit cells with vectors along x, y and z only: make a supercell of that "
            "form, e.g. with ase.build.make_supercell"
        )
    if not cell.pbc.all() or (np.diag(vectors) <= 0).any():
        raise ValueError("VAMPIRE's unit cell must be periodic in three directions")
    bonds = BilinearList.of(cell, model, "VAMPIRE")
    if bonds.field.any():
        tesla = np.linalg.norm(bonds.field) / units.tesla
        raise ValueError(
            f"the model has an external field of {tesla:g} T: leave it out, and give it to VAMPIRE "
            "as sim:applied-field-strength"
        )
    texts = {
        path: _unit_cell(cell, bonds),
        path.with_suffix(".mat"): _materials(cell, bonds, damping),
    }
    for name, text in texts.items():
        with replacing(name) as temporary:
            temporary.write_text(text, encoding="utf-8")


def _digits(*numbers):
    return " ".join(f"{x:.15e}" for x in numbers)


def _unit_cell(cell, bonds):
    scaled = cell.get_scaled_positions(wrap=False)
    cells = np.floor(scaled + 1e-12).astype(int)
    shifts = bonds.shifts + cells[bonds.j] - cells[bonds.i]
    lines = ["# Unit cell size (angstrom)", _digits(*cell.cell.lengths())]
    lines += ["# Unit cell lattice vectors", "1 0 0", "0 1 0", "0 0 1"]
    lines += ["# Atoms: number, materials; id cx cy cz material category height"]
    lines += [f"{len(cell)} {len(cell)}"]
    scaled = np.clip(scaled - cells, 0.0, 1.0)
    lines += [f"{k} {_digits(*place)} {k} {k} 0" for k, place in enumerate(scaled)]
    lines += ["# Interactions: number, type; id i j dx dy dz J (joule)"]
    lines += [f"{len(bonds.i)} {'isotropic' if bonds.isotropic else 'tensorial'}"]
    values = bonds.tensors.reshape(-1, 9) / _JOULE
    values = values[:, :1] if bonds.isotropic else values
    rows = zip(bonds.i, bonds.j, shifts, values, strict=True)
    lines += [
        f"{k} {i} {j} {x} {y} {z} {_digits(*row)}" for k, (i, j, (x, y, z), row) in enumerate(rows)
    ]
    return "\n".join(lines) + "\n"


def _materials(cell, bonds, damping):
    constants, axes = bonds.axes("VAMPIRE")
    lines = [f"material:num-materials={len(cell)}"]
    directions = get_moments(cell) / bonds.sizes[:, None]
    for k, symbol in enumerate(cell.symbols):
        name = f"material[{k + 1}]"
        lines += [
            "#" + "-" * 40,
            f"{name}:material-name={symbol}{k + 1}",
            f"{name}:material-element={symbol}",
            f"{name}:damping-constant={damping:.15g}",
            f"{name}:atomic-spin-moment={bonds.sizes[k]:.15e} !muB",
            f"{name}:initial-spin-direction={','.join(_digits(*directions[k]).split())}",
            f"{name}:unit-cell-category={k + 1}",
        ]
        if constants[k]:
            lines += [
                f"{name}:uniaxial-anisotropy-constant={constants[k] / _JOULE:.15e}",
                f"{name}:uniaxial-anisotropy-direction={','.join(_digits(*axes[k]).split())}",
            ]
    return "\n".join(lines) + "\n"
