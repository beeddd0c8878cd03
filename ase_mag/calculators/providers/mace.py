"""Magnetic MACE (``MagneticMACECalculator`` of MACE's repository)."""

import numpy as np

from ase_mag.calculators.providers.base import ProvidedCalculator
from ase_mag.core.config import configured
from ase_mag.core.extras import require

#: The array of the atoms from which MACE takes the moments, if the calculator does not say.
MOMENTS = "REF_magmom"


class MagneticMace(ProvidedCalculator):
    """A magnetic MACE model: E(R, M) with M as input, and its gradient as magnetic forces.

    MACE reads the moments from an array of the atoms (``REF_magmom``), not from ASE's moments; here
    they are those of the atoms, as everywhere. Its models give ``magforces`` = -dE/dM (eV/mu_B)
    with every evaluation, which MACE's calculator of July 2026 computes and drops: they are caught
    from the models themselves, and averaged over a committee as the energies are. A calculator
    that has them in its results is taken at its word.

    Parameters
    ----------
    model : path of a model, or a calculator of MACE.
    device : str; default: ``device`` in the section [ase_mag] of ASE's configuration, else 'cpu'.
    dtype : 'float64' or 'float32'. (MACE sets it as the default of torch in the whole process.)

    Raises
    ------
    ImportError
        Without a MACE that has magnetic models.
    ValueError
        In a calculation, for a model that relaxes the moments itself (``MagneticSCFMACE``), whose
        energy is no function of the given ones, or without magnetic forces.
    """

    def __init__(self, model, *, device=None, dtype="float64"):
        if hasattr(model, "get_property"):
            self.calculator = model
        else:
            module = require("mace.calculators", "mace")
            if not hasattr(module, "MagneticMACECalculator"):
                raise ImportError(
                    "the installed MACE has no MagneticMACECalculator: magnetic models are in its "
                    "repository since July 2026, pip install "
                    "git+https://github.com/ACEsuit/mace@develop"
                )
            self.calculator = module.MagneticMACECalculator(
                model_paths=str(model),
                device=device or configured("device") or "cpu",
                default_dtype=dtype,
            )
        self.title = f"MACE ({type(self.calculator).__name__})"
        self.key = getattr(self.calculator, "magmom_key", MOMENTS)
        self._caught = []
        for part in getattr(self.calculator, "models", ()):
            part.register_forward_hook(self._catch)
        super().__init__()

    def _catch(self, module, arguments, output):
        """Keep the magnetic forces of one evaluation of one model (a hook of torch)."""
        found = output.get("magforces") if isinstance(output, dict) else None
        if found is not None:
            self._caught.append(np.array(found.detach().cpu()))

    def predict(self, atoms, moments):
        atoms.set_initial_magnetic_moments(None)
        atoms.set_array(self.key, moments)
        calculator, self._caught = self.calculator, []
        calculator.reset()
        results = {
            "energy": calculator.get_property("energy", atoms),
            "forces": calculator.get_property("forces", atoms),
        }
        if "MACE_magmoms" in calculator.results:
            raise ValueError(
                f"{self.title} relaxes the moments by itself (a self-consistent model), so that "
                "its energy does not belong to those of the atoms: give the model inside of it"
            )
        if "magforces" in calculator.results:
            results["magforces"] = calculator.results["magforces"]
        elif self._caught:
            unit = getattr(calculator, "energy_units_to_eV", 1.0)
            results["magforces"] = unit * np.mean(self._caught, axis=0)
        else:
            raise ValueError(
                f"{self.title} gave no magforces: the model is not a magnetic one, or was made "
                "without them"
            )
        if atoms.pbc.all() and "stress" in calculator.results:
            results["stress"] = calculator.results["stress"]
        return results
