"""A lattice calculator plus a magnetic model."""

import numpy as np
from ase.calculators.calculator import PropertyNotImplementedError, all_changes
from ase.stress import full_3x3_to_voigt_6_stress

from ase_mag.calculators.base import changes_between
from ase_mag.calculators.magnetic import MagneticCalculator


def add(lattice, model, **parameters):
    """Return ``AddedCalculator(lattice, model, **parameters)``: E = E_lattice(R) + E_model(R, M).

    Parameters
    ----------
    lattice : ASE calculator of the lattice (EMT, EAM, a machine-learned potential, DFT).
    model : Model of the moments.
    parameters : see :class:`AddedCalculator`.
    """
    return AddedCalculator(lattice, model, **parameters)


class AddedCalculator(MagneticCalculator):
    """The sum of any ASE calculator and a magnetic model: E = E_lattice(R) + E_model(R, M).

    Energies, forces and (where the lattice calculator has them) site energies, stress and
    stresses are added; magnetic forces and moments are those of :class:`MagneticCalculator`.

    The lattice calculator is given a copy of the atoms without moments, so that changes of the
    moments alone neither run it again nor make a DFT code spin-polarized. After changing the
    lattice calculator itself call ``reset()``. (ASE's ``SumCalculator`` would add the moments of
    both parts and lose ``magforces``.)

    Parameters
    ----------
    lattice : ASE calculator.
    model : Model
    moments, skin, fmax, max_steps : as for :class:`MagneticCalculator`.
    lattice_moments : bool; True gives the moments to the lattice calculator, which is then asked
        at every change of the moments, and its own ``magforces``, if any, are added. Its
        ``magmoms`` are ignored.

    Attributes
    ----------
    lattice : the lattice calculator.
    model : Model

    Raises
    ------
    TypeError
        If ``lattice`` is not an ASE calculator, or ``model`` not a Model.
    ValueError
        As :class:`MagneticCalculator`; for ``moments='relaxed'`` with ``lattice_moments=True``.
    """

    def __init__(self, lattice, model, *, lattice_moments=False, **parameters):
        if not (hasattr(lattice, "get_property") and hasattr(lattice, "implemented_properties")):
            raise TypeError(f"the lattice calculator must be an ASE calculator, got {lattice!r}")
        self.lattice = lattice
        self.lattice_moments = bool(lattice_moments)
        super().__init__(model, **parameters)
        known = set(lattice.implemented_properties)
        optional = {"energies", "stress", "stresses"} - known
        self.implemented_properties = [
            name for name in type(self).implemented_properties if name not in optional
        ]
        if lattice_moments:
            self.ignored_changes = set()
        self._has = known

    def set(self, **kwargs):
        """Change parameters (moments, skin, fmax, max_steps); results are discarded."""
        if self.lattice_moments and kwargs.get("moments", "fixed") != "fixed":
            raise ValueError(
                "moments='relaxed' minimizes the energy of the model alone, so it cannot be "
                "combined with lattice_moments=True: use moments='fixed'"
            )
        return super().set(**kwargs)

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        """Fill ``results``; see the class for what they hold."""
        missing = [name for name in properties if name not in self.implemented_properties]
        if missing:
            raise PropertyNotImplementedError(
                f"the lattice calculator {type(self.lattice).__name__} has no {missing[0]}"
            )
        super().calculate(atoms, properties, system_changes)
        unseen = () if self.lattice_moments else ("initial_magmoms",)
        if changes_between(self._lattice_atoms, self.atoms, unseen):
            self._lattice_values = {}
            self._lattice_atoms = self.atoms.copy()
            if not self.lattice_moments:
                self._lattice_atoms.set_initial_magnetic_moments(None)
        # Half a sum must not be left behind if the lattice calculator fails.
        results, self.results = self.results, {}
        results["energy"] += self._lattice_value("energy", True)
        free = self._lattice_value("free_energy", True) if "free_energy" in self._has else None
        results["free_energy"] += self._lattice_values["energy"] if free is None else free
        for name in ("energies", "forces", "stress", "stresses"):
            if name in results:
                value = self._lattice_value(name, name in properties)
                if value is None:
                    del results[name]
                else:
                    results[name] = results[name] + value
        if self.lattice_moments and "magforces" in self._has:
            results["magforces"] = results["magforces"] + self._lattice_value("magforces", True)
        self.results = results

    def check_sizes(self, atoms):
        """As :class:`MagneticCalculator`; lattice moments (``lattice_moments``) hold all sizes."""
        if not self.lattice_moments:
            super().check_sizes(atoms)

    def energy_of_moments(self, atoms):
        """Return the energy as a function of the moments, as :class:`MagneticCalculator` does.

        The energy of the lattice calculator is not included; None with ``lattice_moments=True``,
        where the model alone does not know the energy.
        """
        return None if self.lattice_moments else super().energy_of_moments(atoms)

    def _lattice_value(self, name, required):
        """Ask the lattice calculator; None if it has no value and none is ``required``."""
        if name in self._has and self._lattice_values.get(name) is None:
            value = self.lattice.get_property(name, self._lattice_atoms, allow_calculation=required)
            if name == "stress" and np.shape(value) == (3, 3):  # CHGNet
                value = full_3x3_to_voigt_6_stress(value)
            self._lattice_values[name] = value
        return self._lattice_values.get(name)

    def _forget(self):
        super()._forget()
        self._lattice_values, self._lattice_atoms = {}, None

    def __getstate__(self):
        return super().__getstate__() | {"_lattice_values": {}, "_lattice_atoms": None}

    def _get_name(self):
        return f"{self.lattice.name} + {super()._get_name()}"

    def todict(self, skip_default=False):
        """Return names and parameters of both parts as a JSON-able dict."""
        return {
            "lattice": self.lattice.name,
            "lattice_moments": self.lattice_moments,
            **super().todict(skip_default=skip_default),
        }

    def __repr__(self):
        return f"AddedCalculator({type(self.lattice).__name__}, {self.model!r})"
