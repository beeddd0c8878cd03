"""One structure with its moments and labels."""

from dataclasses import dataclass, field
from hashlib import sha256

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from ase_mag.core import get_moments, set_moments

#: Positions, cells and moments that differ by less are the same, angstrom and mu_B: text files
#: round. (Next to a border of such intervals they may be taken for different all the same.)
_SAME = 1e-6


@dataclass(frozen=True)
class Frame:
    """A structure, the moments at which it was computed, and what was computed.

    Attributes
    ----------
    atoms : ase.Atoms without calculator; its moments are the state (N, 3), mu_B.
    labels : dict from 'energy' (eV, the energy of the cell), 'forces' (N, 3) eV/angstrom, 'stress'
        (6,) eV/angstrom^3 in ASE's sign and order, 'magforces' (N, 3) -dE/dM in eV/mu_B to float
        arrays. A label that is not there is not fitted, nor are numbers in it that are NaN.
    weight : float, multiplies the terms of this frame in a loss.
    weights : dict from label to float, multiplies the term of this label as well.
    source : str, where the frame is from, and ``index`` its place there.
    group : str, frames of one group stay together in splits and folds.
    """

    atoms: Atoms
    labels: dict
    weight: float = 1.0
    weights: dict = field(default_factory=dict)
    source: str = "memory"
    index: int = 0
    group: str = ""

    def __len__(self):
        return len(self.atoms)

    @property
    def where(self):
        """The words by which messages call this frame."""
        return f"frame {self.index} of {self.source}"

    @property
    def volume(self):
        """Volume of the cell, angstrom^3; None unless periodic in three directions."""
        cell = self.atoms.cell
        return cell.volume if self.atoms.pbc.all() and cell.rank == 3 else None

    @property
    def digest(self):
        """A string that is equal for structures and moments that are equal to 1e-6."""
        return structure_digest(self.atoms)

    def has(self, label):
        """Return whether there is any number to fit in this label."""
        return label in self.labels and not np.isnan(self.labels[label]).all()

    def weight_of(self, label):
        """Return the factor of this frame and label in a loss."""
        return self.weight * self.weights.get(label, 1.0)

    def to_atoms(self):
        """Return ase.Atoms with the labels as results of a calculator."""
        atoms = self.atoms.copy()
        results = {name: np.array(value) for name, value in self.labels.items()}
        if "energy" in results:
            results["energy"] = float(results["energy"])
        magforces = results.pop("magforces", None)
        atoms.calc = SinglePointCalculator(atoms, **results)
        if magforces is not None:
            atoms.calc.results["magforces"] = magforces
        return atoms


def structure_digest(atoms):
    """Return a hexadecimal digest of species, periodicity, and rounded positions and moments."""
    rounded = (
        np.rint(array / _SAME).astype(np.int64)
        for array in (atoms.positions, atoms.cell.array, get_moments(atoms))
    )
    parts = (atoms.numbers.astype(np.int64), atoms.pbc, *rounded)
    return sha256(b"".join(np.ascontiguousarray(p).tobytes() for p in parts)).hexdigest()


def plain(atoms, moments):
    """Return a copy of atoms with nothing but the structure and these moments."""
    new = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
    set_moments(new, moments)
    return new
