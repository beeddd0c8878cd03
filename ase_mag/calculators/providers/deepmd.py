"""Spin models of DeePMD-kit (version 3)."""

from pathlib import Path

import numpy as np
from ase.stress import full_3x3_to_voigt_6_stress

from ase_mag.calculators.providers.base import ProvidedCalculator
from ase_mag.core.extras import require


class DeepmdSpin(ProvidedCalculator):
    """A DeePMD-kit model that was trained with spins, such as DeepSPIN.

    The model takes moments in mu_B and gives ``force_mag`` = -dE/dM in eV/mu_B, of the species that
    it was trained with spins for; moments of other species have no effect. Its virial is
    -dE/d(strain).

    Parameters
    ----------
    model : path of a frozen model or checkpoint (``.pth``, ``.pt``, ...), or an object with the
        interface of ``deepmd.infer.DeepPot``.
    head : str, optional; the branch of a multi-task model.

    Raises
    ------
    FileNotFoundError
        If there is no file at ``model``.
    ImportError
        Without deepmd-kit.
    ValueError
        For a model without spins; in a calculation for species that the model lacks, and for cells
        that are periodic in one or two directions.
    """

    def __init__(self, model, *, head=None):
        if hasattr(model, "eval"):
            self.potential, self.title = model, f"DeePMD ({type(model).__name__})"
        else:
            path = Path(model)
            if not path.is_file():
                raise FileNotFoundError(f"there is no DeePMD model {path}")
            self.potential = require("deepmd.infer", "deepmd").DeepPot(
                str(path), **({} if head is None else {"head": head})
            )
            self.title = f"DeePMD ({path.name})"
        if not self.potential.has_spin:
            raise ValueError(
                f"{self.title} has no spins as input, and so no magnetic forces: use the ASE "
                "calculator of DeePMD-kit below a magnetic model, "
                "ase_mag.add(deepmd.calculator.DP(model=...), model)"
            )
        self.symbols = list(self.potential.get_type_map())
        super().__init__()

    def predict(self, atoms, moments):
        unknown = sorted(set(atoms.symbols) - set(self.symbols))
        if unknown:
            raise ValueError(
                f"{self.title} knows {', '.join(self.symbols)}, but the atoms hold "
                f"{', '.join(unknown)}"
            )
        if atoms.pbc.any() and not atoms.pbc.all():
            raise ValueError(
                f"DeePMD-kit has cells that are periodic in all directions or in none, but pbc is "
                f"{atoms.pbc.tolist()}: use a cell with vacuum and pbc=True"
            )
        periodic = bool(atoms.pbc.all())
        types = [self.symbols.index(symbol) for symbol in atoms.symbols]
        energy, forces, virial, magforces, mask = self.potential.eval(
            atoms.positions.reshape(1, -1),
            atoms.cell.array.reshape(1, -1) if periodic else None,
            types,
            spin=moments.reshape(1, -1),
        )[:5]
        results = {
            "energy": np.reshape(energy, ()),
            "forces": np.reshape(forces, (-1, 3)),
            "magforces": np.reshape(magforces, (-1, 3)) * np.reshape(mask, (-1, 1)),
        }
        if periodic:
            full = -np.reshape(virial, (3, 3)) / atoms.get_volume()
            results["stress"] = full_3x3_to_voigt_6_stress(0.5 * (full + full.T))
        return results
