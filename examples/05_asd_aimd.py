"""5. Coupled spin and lattice dynamics whose moment sizes are learned (ASD-AIMD).

``ase-mag demo`` runs the same at full length and writes a report. The reference is FeHL-1, a
synthetic model that resembles iron; it is not density functional theory.
"""

import numpy as np
from ase import units
from ase.build import bulk

import ase_mag
from ase_mag import analysis, lsf, models, reference
from ase_mag.dynamics import AsdAimd

atoms = bulk("Fe", a=2.877, cubic=True) * (3, 3, 3)
ase_mag.set_moments(atoms, 2.2)
calculator = reference.ConstrainedModel(models.named("FeHL-1"))

# Landscapes and their predictor, see example 4. Near the Curie temperature neighbors are partly
# ordered: ferromagnetic frames keep the predictor from extrapolating there.
frames = lsf.snapshots(atoms, displacement=0.173, directions="random", count=8, rng=1)
frames += lsf.snapshots(atoms, displacement=0.173, directions="ferro", count=3, rng=2)
table = lsf.landscapes(frames, calculator, progress=False)
predictor = lsf.LsfPredictor(descriptor=3, shells=1, width=10.0, regularization=1e-4).fit(table)

# Random directions, twice the kinetic energy: half of it becomes potential energy.
rng = np.random.default_rng(1)
directions = rng.normal(size=(len(atoms), 3))
ase_mag.set_moments(atoms, 2.0 * directions / np.linalg.norm(directions, axis=1)[:, None])
momenta = (
    rng.normal(size=(len(atoms), 3)) * np.sqrt(2 * units.kB * 1043 * atoms.get_masses())[:, None]
)
atoms.set_momenta(momenta - momenta.mean(axis=0))

# Forces from the calculator at the current moments; fields from the exchange model.
atoms.calc = calculator
dynamics = AsdAimd(
    atoms,
    timestep=1.0 * units.fs,
    exchange=models.Heisenberg("Fe", models.cubic(0.191248, cutoff=3.75)),
    lsf=predictor,
    temperature_K=1043,
    measure=2,
    spin_timestep=0.01 * units.fs,
    damping=0.05,
    friction=0.01 / units.fs,
    rng=1,
    trajectory="tc.traj",
)
dynamics.run(500)
parts = ", ".join(f"{part} {seconds:.2f}" for part, seconds in dynamics.timings.items())
print(f"seconds spent in 500 steps: {parts}\n")

run = analysis.read("tc.traj")
half = slice(len(run) // 2, None)
print("averages of the second half")
magnetization = np.linalg.norm(run.magnetization, axis=1)
print(f"mean moment size  {run.moment_sizes[half].mean():8.3f} mu_B")
print(f"spread of sizes   {run.moment_sizes[half].std():8.3f} mu_B")
print(f"magnetization     {magnetization[half].mean():8.3f} mu_B per atom")
print(f"displacement      {run.msd()[half].mean():8.4f} angstrom^2")
print(f"pressure          {run.pressure()[half].mean():8.2f} GPa")
