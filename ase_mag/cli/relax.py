"""Relax the moments, positions and cell of a job file.

At every geometry the moments are relaxed first. With cell = false and positions = false the moments
relax alone. An example, job.toml:

    version = 1

    [structure]
    bulk = "Fe"
    a_angstrom = 2.9
    moments = 2.0

    [model]
    name = "FeHL-1"

    [relax]
    fmax_eV_per_angstrom = 1e-4

    ase-mag relax job.toml              writes job.relaxed.traj (ase gui job.relaxed.traj)

The exit status is 1 if it does not converge; the last geometry is written anyway.
"""

import ase.io
import numpy as np

from ase_mag import MagneticCalculator
from ase_mag.cli import job_arguments
from ase_mag.cli.job import read, wrong_input
from ase_mag.cli.job.keys import arguments as given
from ase_mag.cli.job.system import make_atoms, make_model
from ase_mag.optimize import relax, relax_moments

SUMMARY = "moments, positions and cell of least energy"
_WITH_ATOMS = (
    "cell",
    "positions",
    "fmax_eV_per_angstrom",
    "magforce_eV_per_muB",
    "pressure_GPa",
    "max_steps",
)


def add_arguments(parser):
    """Add the arguments of ``ase-mag relax``."""
    job_arguments.add(parser, resume="")


def run(arguments):
    """Relax; returns the exit status.

    Raises
    ------
    InputError
        For whatever is wrong with the job file.
    """
    job = read(arguments.job)
    job.require("structure", "model", "relax")
    section, atoms = job["relax"], make_atoms(job)
    moves_atoms = section.cell or section.positions
    if moves_atoms:
        unused, reason = (
            ("directions", "sizes"),
            "is for moments alone, but cell or positions relax",
        )
    else:
        unused, reason = ("fmax_eV_per_angstrom", "pressure_GPa"), "has no effect on moments alone"
    job.refuse("relax", unused, reason)
    if not section.cell:
        job.refuse("relax", ("pressure_GPa",), "has no effect on a fixed cell")
    model = make_model(job)
    result = job.output(section.result, ".relaxed.traj")
    job_arguments.check_format(result)
    job_arguments.prepare(job, [result], arguments)
    with wrong_input(job.place("relax")):
        atoms.calc = MagneticCalculator(model)
        atoms.get_potential_energy()
        if moves_atoms:
            log = None if arguments.quiet else "-"
            found = relax(atoms, logfile=log, **given(section, _WITH_ATOMS))
        else:
            found = relax_moments(
                atoms,
                section.magforce_eV_per_muB,
                max_steps=section.max_steps,
                directions=section.directions,
                sizes=section.sizes,
            )
        ase.io.write(result, atoms)
    if not arguments.quiet:
        _print(atoms, found)
        print(f"written: {result}")
    return 0 if found.converged else 1


def _print(atoms, found):
    sizes = np.linalg.norm(found.moments, axis=1)
    lengths = "  ".join(f"{length:.5f}" for length in atoms.cell.lengths())
    mean = "  ".join(f"{m:.4f}" for m in found.moments.mean(axis=0))
    print(found.message)
    print(f"energy         {found.energy:.6f} eV ({found.energy / len(atoms):.6f} eV/atom)")
    print(
        f"cell           {lengths} angstrom, {atoms.cell.volume / len(atoms):.4f} angstrom^3/atom"
    )
    print(f"moment sizes   {sizes.min():.4f} to {sizes.max():.4f} mu_B")
    print(f"mean moment    {mean} mu_B")
