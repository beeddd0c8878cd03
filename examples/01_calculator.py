"""1. A calculator whose state is positions and moments.

FeHL-1 is a synthetic model that resembles iron; it is not density functional theory.
"""

import numpy as np
from ase.build import bulk
from ase.eos import EquationOfState

import ase_mag
from ase_mag import models

atoms = bulk("Fe", a=2.85, cubic=True) * (3, 3, 3)
ase_mag.set_moments(atoms, 2.2)  # a number or (N,) means along z; (N, 3) are vectors
atoms.calc = ase_mag.MagneticCalculator(models.named("FeHL-1"))

print(f"energy            {atoms.get_potential_energy() / len(atoms):10.6f} eV/atom")
print(f"largest force     {np.abs(atoms.get_forces()).max():10.2e} eV/angstrom")
print(f"stress xx         {atoms.get_stress()[0]:10.6f} eV/angstrom^3")
magforces = atoms.calc.get_property("magforces", atoms)
print(f"magnetic force z  {magforces[0, 2]:10.6f} eV/mu_B (-dE/dM: the moment wants to shrink)")

# Turning one moment changes energy and forces; only the magnetic part is evaluated again.
moments = ase_mag.get_moments(atoms)
moments[0] = [2.2, 0.0, 0.0]
ase_mag.set_moments(atoms, moments)
print(f"one moment turned {atoms.get_potential_energy() / len(atoms):10.6f} eV/atom")

# With moments='relaxed' they follow the atoms, so that ordinary ASE workflows contain magnetism.
print("\nEquation of state with relaxed moments")
for name, start in (("ferromagnetic", [2.2, 2.2]), ("antiferromagnetic", [2.2, -2.2])):
    cell = bulk("Fe", a=2.85, cubic=True)
    ase_mag.set_moments(cell, start)
    cell.calc = ase_mag.MagneticCalculator(models.named("FeHL-1"), moments="relaxed")
    volumes, energies = [], []
    for a in np.linspace(2.80, 2.90, 7):
        cell.set_cell(a * np.eye(3), scale_atoms=True)
        volumes.append(cell.get_volume())
        energies.append(cell.get_potential_energy())
    volume, energy, _ = EquationOfState(volumes, energies, eos="birchmurnaghan").fit()
    cell.set_cell(np.cbrt(volume) * np.eye(3), scale_atoms=True)
    size = np.linalg.norm(cell.get_magnetic_moments(), axis=1)[0]
    print(f"{name:18} a = {np.cbrt(volume):.4f} angstrom, |M| = {size:.3f} mu_B")
