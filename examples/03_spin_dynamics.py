"""3. Spin dynamics: precession of one moment, then bcc iron in contact with a heat bath."""

import numpy as np
from ase import Atoms, units
from ase.build import bulk

import ase_mag
from ase_mag import analysis, models
from ase_mag.dynamics import SpinDynamics

# One moment in a field of 10 T along z, Gilbert damping 0.1: the closed form is known.
field, damping, theta = 10.0, 0.1, np.radians(60)
atom = Atoms("Fe")
ase_mag.set_moments(atom, [2.2 * np.array([np.sin(theta), 0.0, np.cos(theta)])])
atom.calc = ase_mag.MagneticCalculator(models.Zeeman("Fe", (0, 0, field)))
SpinDynamics(atom, 0.1 * units.fs, damping=damping, progress=False).run(10_000)
turned = ase_mag.get_moments(atom)[0] / 2.2

rate = ase_mag.units.gamma_SI * field * 1e-12 / (1 + damping**2)  # rad/ps
half = np.tan(theta / 2) * np.exp(-damping * rate)  # tan(theta/2) after 1 ps
exact = np.array([2 * half * np.cos(rate), 2 * half * np.sin(rate), 1 - half**2]) / (1 + half**2)
print("direction after 1 ps in 10 T, damping 0.1")
print("  simulated  ", turned)
print("  closed form", exact)

# 250 moments with the exchange of the UppASD example, from the ferromagnet to 300 K.
atoms = bulk("Fe", a=2.8665, cubic=True) * (5, 5, 5)
ase_mag.set_moments(atoms, 2.23)
atoms.calc = ase_mag.MagneticCalculator(models.named("Fe-UppASD"))
dynamics = SpinDynamics(
    atoms,
    1.0 * units.fs,
    temperature_K=300,
    damping=0.1,
    rng=1,
    trajectory="spins.traj",
    loginterval=100,
)
dynamics.run(10_000)

run = analysis.read("spins.traj")
size = np.linalg.norm(run.magnetization, axis=1)
half = size[len(size) // 2 :]
print("\nmagnetization of bcc iron at 300 K (250 atoms, classical spins)")
for k in range(0, len(run), 20):
    print(f"  {run.time_fs[k] / 1000:5.1f} ps  {size[k]:.3f} mu_B/atom")
print(
    f"  average of the second half {half.mean():.3f} +- {analysis.block_error(half):.3f} mu_B/atom"
)
