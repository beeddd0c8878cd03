"""Magnetic structures from CIF files."""

import re
import warnings

import numpy as np
from ase import Atoms
from ase.cell import Cell
from ase.data import atomic_numbers

from ase_mag.core import set_moments
from ase_mag.io.mcif.tokens import read_blocks

#: Two images of an atom closer than this (angstrom) are the same atom.
_SAME = 0.02
_TERM = re.compile(r"([+-]?)(?:(\d+(?:\.\d*)?|\.\d+)(?:/(\d+))?\*?)?([xyz]?)")
_OPERATIONS = ("_space_group_symop_magn_operation_xyz", "_space_group_symop_magn_xyz")
_CENTERINGS = ("_space_group_symop_magn_centering_xyz",)


def read_mcif(path, block=None, tolerance=0.05):
    """Read a magnetic CIF file: the magnetic unit cell with all atoms and moments.

    An operation (R, t, theta) of the magnetic space group takes a position x to R x + t and the
    components m of a moment along the cell vectors to theta det(R) R m (a moment is an axial
    vector, and theta = -1 reverses time). The file lists components along the directions of a, b
    and c in mu_B (``_atom_site_moment.crystalaxis_x`` ...).

    Parameters
    ----------
    path : path
    block : str, optional; the data block, by name. Default: the first one with atoms.
    tolerance : float, mu_B; how far the images of a moment under operations that leave its atom
        in place may differ (rounding in the file); they are averaged.

    Returns
    -------
    ase.Atoms, periodic; ``info['magnetic_space_group']`` if the file names it.

    Raises
    ------
    ValueError
        For what cannot be understood, naming file and line, loops that are cut off, moments that
        the operations do not allow, incommensurate structures, files without operations.

    Warns
    -----
    UserWarning
        For partly occupied sites, which become whole atoms.
    """
    blocks = [b for b in read_blocks(path) if b.loop("_atom_site_fract_x")]
    chosen = [b for b in blocks if block in (None, b.name)]
    if not chosen:
        names = ", ".join(b.name for b in blocks) or "none"
        raise ValueError(f"{path} has no data block {block or ''} with atoms; blocks: {names}")
    return _Structure(path, chosen[0], tolerance).atoms()


class _Structure:
    """A block, read with messages that name the file."""

    def __init__(self, path, block, tolerance):
        self.path, self.block, self.tolerance = path, block, tolerance
        modulated = [
            name
            for loop in block.loops
            for name in loop
            if name.startswith(("_atom_site_moment_fourier", "_atom_site_fourier"))
        ]
        if modulated:
            raise ValueError(
                f"{path}: the structure is modulated ({modulated[0]}), which has no unit cell"
            )

    def error(self, line, message):
        return ValueError(f"{self.path}, line {line}: {message}")

    def number(self, value, what):
        """Return a number without its standard uncertainty, 1.23(4) -> 1.23."""
        text, line = value
        try:
            number = float(re.sub(r"\(\d+\)$", "", text))
        except ValueError:
            number = np.nan
        if not np.isfinite(number):
            raise self.error(line, f"{what} must be a number, got {text!r}")
        return number

    def cell(self):
        names = [f"_cell_length_{k}" for k in "abc"]
        names += [f"_cell_angle_{k}" for k in ("alpha", "beta", "gamma")]
        for name in names:
            if name not in self.block.values:
                raise ValueError(f"{self.path} has no {name}")
        parameters = [self.number(self.block.values[name], name) for name in names]
        return Cell.fromcellpar(parameters)

    def operations(self):
        """Return a list of (R, t, theta), centerings times operations."""
        found = self.block.loop(*_OPERATIONS)
        if found is None:
            raise ValueError(
                f"{self.path} lists no operations of a magnetic space group "
                "(_space_group_symop_magn_operation.xyz): read files of crystals with ase.io.read"
            )
        operations = [self.operation(value) for value in found[0][found[1]]]
        centered = self.block.loop(*_CENTERINGS)
        if centered is None:
            return operations
        centerings = [self.operation(value) for value in centered[0][centered[1]]]
        return [
            (rc @ r, rc @ t + tc, thetac * theta)
            for rc, tc, thetac in centerings
            for r, t, theta in operations
        ]

    def operation(self, value):
        text, line = value
        parts = text.lower().replace(" ", "").split(",")
        if len(parts) != 4 or parts[3] not in ("+1", "1", "-1"):
            raise self.error(line, f"expected an operation as 'x,-y,z+1/2,-1', got {text!r}")
        matrix, shift = np.zeros((3, 3)), np.zeros(3)
        for row, part in enumerate(parts[:3]):
            place = 0
            while place < len(part):
                match = _TERM.match(part, place)
                sign, number, divisor, axis = match.groups()
                if match.end() == place or not (number or axis):
                    raise self.error(line, f"{part!r} in the operation {text!r} is not understood")
                value = float(number or 1) / float(divisor or 1) * (-1 if sign == "-" else 1)
                if axis:
                    matrix[row, "xyz".index(axis)] += value
                else:
                    shift[row] += value
                place = match.end()
        if not np.isclose(abs(np.linalg.det(matrix)), 1.0):
            raise self.error(line, f"the operation {text!r} changes volumes")
        return matrix, shift, int(parts[3])

    def sites(self):
        """Return labels with lines, symbols and scaled positions of the listed sites."""
        loop, _ = self.block.loop("_atom_site_fract_x")
        for name in ("_atom_site_label", "_atom_site_fract_y", "_atom_site_fract_z"):
            if name not in loop:
                raise self.error(loop["_atom_site_fract_x"][0][1], f"the loop has no {name}")
        labels = loop["_atom_site_label"]
        kinds = loop.get("_atom_site_type_symbol", labels)
        symbols = [self.symbol(value) for value in kinds]
        scaled = np.array(
            [
                [self.number(v, name) for v in loop[name]]
                for name in ("_atom_site_fract_x", "_atom_site_fract_y", "_atom_site_fract_z")
            ]
        ).T
        for value in loop.get("_atom_site_occupancy", []):
            if value[0] not in (".", "?") and abs(self.number(value, "occupancy") - 1) > 1e-6:
                warnings.warn(
                    f"{self.path}, line {value[1]}: the site is partly occupied ({value[0]}) and "
                    "becomes a whole atom",
                    UserWarning,
                    stacklevel=5,
                )
        return labels, symbols, scaled

    def symbol(self, value):
        text, line = value
        match = re.match(r"[A-Z][a-z]?", text)
        for symbol in (match[0], match[0][0]) if match else ():
            if symbol in atomic_numbers:
                return symbol
        raise self.error(line, f"{text!r} does not begin with a chemical symbol")

    def moments(self, labels):
        """Return the listed moments along the directions of a, b, c, (n, 3), mu_B."""
        out = np.zeros((len(labels), 3))
        names = [text for text, _ in labels]
        found = self.block.loop("_atom_site_moment_label")
        if found is None:
            return out
        loop = found[0]
        axes = [f"_atom_site_moment_crystalaxis_{k}" for k in "xyz"]
        missing = [axis for axis in axes if axis not in loop]
        if missing:
            raise self.error(
                loop[found[1]][0][1], f"the moments have no {missing[0]}; other forms are not read"
            )
        for k, (label, line) in enumerate(loop[found[1]]):
            if label not in names:
                raise self.error(line, f"the moment of {label!r} has no site of that label")
            out[names.index(label)] = [self.number(loop[axis][k], axis) for axis in axes]
        return out

    def atoms(self):
        cell = self.cell()
        labels, symbols, scaled = self.sites()
        moments = self.moments(labels) / cell.lengths()  # along the cell vectors
        operations = self.operations()
        found = []
        for label, symbol, position, moment in zip(labels, symbols, scaled, moments, strict=True):
            images, vectors = [], []
            for matrix, shift, theta in operations:
                image = (matrix @ position + shift) % 1.0
                vector = theta * np.linalg.det(matrix) * (matrix @ moment) @ cell.array
                for k, known in enumerate(images):
                    gap = image - known
                    if np.linalg.norm((gap - np.round(gap)) @ cell.array) < _SAME:
                        vectors[k].append(vector)
                        break
                else:
                    images.append(image)
                    vectors.append([vector])
            for image, several in zip(images, vectors, strict=True):
                mean = np.mean(several, axis=0)
                spread = np.abs(np.array(several) - mean).max()
                if spread > self.tolerance:
                    raise self.error(
                        label[1],
                        f"the operations do not allow the moment of {label[0]}: its images at one "
                        f"place differ by {spread:.3f} mu_B from their mean",
                    )
                found.append((symbol, image, mean))
        atoms = Atoms([s for s, _, _ in found], cell=cell, pbc=True)
        atoms.set_scaled_positions([image for _, image, _ in found])
        self._overlap(atoms)
        set_moments(atoms, np.array([moment for _, _, moment in found]))
        name = self.block.values.get("_space_group_magn_name_bns")
        if name is not None:
            atoms.info["magnetic_space_group"] = name[0]
        return atoms

    def _overlap(self, atoms):
        distances = atoms.get_all_distances(mic=True) + 10 * np.eye(len(atoms))
        if distances.min() < _SAME:
            i, j = np.unravel_index(distances.argmin(), distances.shape)
            raise ValueError(
                f"{self.path}: two sites, {atoms.symbols[i]} and {atoms.symbols[j]}, are at one "
                "place"
            )
