"""ASD-AIMD live on ABINIT: two atoms of iron, learned moment sizes, forces of constrained DFT.

Landscapes of a few displaced frames -> a predictor of the moment sizes -> lattice steps whose
forces ABINIT computes at exactly the moments of the spin dynamics. The settings are far from
converged so that all of it takes minutes on one core; raise kpts, ecut and pawecutdg for real
numbers (see docs/constrained-dft.md). Needs ABINIT and its data sets (on Debian: apt install abinit
abinit-data).

    python coupled_driver_abinit.py [--frames 2] [--steps 5] [--spins]

Directions are frozen unless --spins: moments that the spin dynamics turn by a few degrees are
spinor runs of ABINIT, which need 100 and more iterations or do not converge there.
"""

import argparse
import shutil
import sys
from time import perf_counter

import numpy as np
from ase import units
from ase.build import bulk

import ase_mag
from ase_mag import lsf, models, reference
from ase_mag.dynamics import AsdAimd

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--frames", type=int, default=2, help="frames that landscapes come from")
parser.add_argument("--steps", type=int, default=5, help="lattice steps of 1 fs")
parser.add_argument("--kpts", type=int, nargs=3, default=(2, 2, 2))
parser.add_argument("--spins", action="store_true", help="spin dynamics of the directions too")
options = parser.parse_args()
if shutil.which("abinit") is None:
    sys.exit("this example needs ABINIT: on Debian, apt install abinit abinit-data")

atoms = bulk("Fe", a=2.88, cubic=True)
ase_mag.set_moments(atoms, 2.2)
calc = atoms.calc = reference.ConstrainedAbinit(
    kpts=tuple(options.kpts), ecut=326.5, pawecutdg=653.0, smearing=("gaussian", 0.5)
)

# Parallel moments: collinear runs, ten times cheaper than spinors. Runs with spins need frames with
# directions='random' too.
frames = lsf.snapshots(atoms, displacement=0.10, directions="ferro", count=options.frames, rng=1)
start = perf_counter()
table = lsf.landscapes(frames, calc, sizes=[1.0, 1.7, 2.3, 2.9], path="landscapes_abinit.npz")
print(f"landscapes: {len(table)} in {perf_counter() - start:.0f} s")
for a, b, error, relaxed in zip(table.a, table.b, table.error, table.relaxed, strict=True):
    print(
        f"  a {a:8.4f} eV/mu_B^2  b {b:7.4f} eV/mu_B^4  rms {1e3 * error:5.1f} meV  "
        f"relaxed {relaxed:.3f} mu_B"
    )
predictor = lsf.LsfPredictor(descriptor=3, shells=1, width=10.0, regularization=1e-4).fit(table)

exchange = None
if options.spins:
    exchange = models.Heisenberg("Fe", models.cubic(0.191248, cutoff=3.75))
dynamics = AsdAimd(
    atoms,
    timestep=1.0 * units.fs,
    exchange=exchange,
    lsf=predictor,
    temperature_K=1043,
    measure=2,
    spin_timestep=0.01 * units.fs,
    damping=0.05,
    friction=0.01 / units.fs,
    rng=1,
    trajectory="abinit.traj",
)


def show():
    sizes = np.linalg.norm(ase_mag.get_moments(atoms), axis=1)
    forces = np.linalg.norm(atoms.get_forces(), axis=1).max()
    error = calc.get_property("moment_error", atoms).max()
    print(
        f"step {dynamics.nsteps}: energy {atoms.get_potential_energy():.5f} eV, largest force "
        f"{forces:.4f} eV/angstrom, |m| {sizes.round(3)} mu_B, |m - target| {error:.1e} mu_B, "
        f"{calc.provenance['iterations']} iterations"
    )


dynamics.attach(show, interval=1)
start = perf_counter()
dynamics.run(options.steps)
print(
    f"{options.steps} steps in {perf_counter() - start:.0f} s; seconds per part: "
    + ", ".join(f"{name} {seconds:.1f}" for name, seconds in dynamics.timings.items())
)
