"""Find the Curie temperature of the model and crystal of a job file.

Binder cumulants of Monte Carlo runs of several sizes cross at it; moments of alternating sign in
[structure] look for a Neel temperature. An example, job.toml:

    version = 1
    seed = 1

    [structure]
    bulk = "Fe"
    a_angstrom = 2.8665
    moments = 2.23

    [model]
    name = "Fe-UppASD"

    [curie]
    sizes = [6, 10]
    temperatures_K = [600, 1500]

    ase-mag curie job.toml              prints the table and writes job.curie.txt
    ase-mag curie job.toml --resume     goes on after a stop, with the same result
"""

from ase_mag import analysis
from ase_mag.cli import job_arguments
from ase_mag.cli.job import read, wrong_input
from ase_mag.cli.job.keys import arguments as given
from ase_mag.cli.job.system import make_atoms, make_model
from ase_mag.core.extras import require

SUMMARY = "Curie temperature from a job file"
_KEYS = ("sizes", "temperatures_K", "sweeps", "lengths", "measure")


def add_arguments(parser):
    """Add the arguments of ``ase-mag curie``."""
    job_arguments.add(parser)


def run(arguments):
    """Search the Curie temperature.

    Raises
    ------
    InputError
        For whatever is wrong with the job file, which includes a window without a crossing.
    RuntimeError
        If the cumulants do not cross clearly.
    """
    job = read(arguments.job)
    job.require("structure", "model", "curie")
    section, atoms, model = job["curie"], make_atoms(job), make_model(job)
    seed = job.random_seed("Monte Carlo is random")
    if section.figure is not None:
        require("matplotlib", extra="plot")
    checkpoint = job.output(section.checkpoint, ".curie.npz")
    result = job.output(section.result, ".curie.txt")
    outputs = [result, *([job.beside(section.figure)] if section.figure else [])]
    job_arguments.prepare(job, [checkpoint, *outputs], arguments, checkpoint)
    with wrong_input(job.place("curie")):
        found = analysis.curie_temperature(
            atoms,
            model,
            rng=seed,
            checkpoint=checkpoint,
            progress=False if arguments.quiet else None,
            **given(section, _KEYS),
        )
    result.write_text(f"{found}\n", encoding="utf-8")
    if section.figure is not None:
        found.plot().savefig(outputs[1])
    if not arguments.quiet:
        print(found)
        print(*(f"written: {path}" for path in outputs), sep="\n")
