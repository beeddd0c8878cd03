"""2. Exchange interactions from the literature, in the convention they were published in."""

import numpy as np
from ase.build import bulk

import ase_mag
from ase_mag import models
from ase_mag.models import Heisenberg, Landau, Zeeman, cubic, shells, tabulated

bcc = bulk("Fe", a=2.8665, cubic=True)

# Shells of the UppASD example of bcc iron: H = -sum_{i != j} J e_i.e_j, J in mRy, m = 2.23 mu_B.
uppasd = Heisenberg(
    "Fe",
    shells(
        [1.33767484769984, 0.7570357654565, -0.05975437643846, -0.08819834160658],
        reference=bcc,
        unit="mRy",
        convention="UppASD",
        moment=2.23,
    ),
)

# Functions of the distance: J(r) = J0 (1 - r/rc)^3, and a table, both in eV/mu_B^2.
radii = np.linspace(2.0, 4.5, 26)
exchange = {
    "UppASD shells": uppasd,
    "cubic": Heisenberg("Fe", cubic(0.191248, cutoff=3.75)),
    "table": Heisenberg("Fe", tabulated(radii, 0.19 * np.clip(1 - radii / 3.75, 0, None) ** 3)),
}

# What a ferromagnet gains over random directions: E = -1/2 J0 m^2 per atom, J0 = sum_j J_0j.
print(f"{'exchange':16} {'E(ferro)':>12} {'magnetic force':>16}")
print(f"{'':16} {'(eV/atom)':>12} {'(eV/mu_B)':>16}")
for name, model in exchange.items():
    atoms = bcc * (4, 4, 4)
    ase_mag.set_moments(atoms, 2.23)
    atoms.calc = ase_mag.MagneticCalculator(model)
    energy = atoms.get_potential_energy() / len(atoms)
    magforce = atoms.calc.get_property("magforces", atoms)[0, 2]
    print(f"{name:16} {energy:12.6f} {magforce:16.6f}")

# Models add with +. This one has a moment size of its own and feels a field of 10 T.
model = exchange["cubic"] + Landau("Fe", a=-0.15, b=0.0192) + Zeeman("Fe", (0, 0, 10.0))
atoms = bcc.copy()
ase_mag.set_moments(atoms, 1.0)
atoms.calc = ase_mag.MagneticCalculator(model, moments="relaxed")
print(f"\n{model}")
print(f"relaxed moments along z: {atoms.get_magnetic_moments()[:, 2]} mu_B")

print("\nNamed parameter sets")
for name in models.named():
    print(f"  {name}")
