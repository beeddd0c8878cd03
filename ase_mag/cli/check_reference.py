"""Prove a reference on a small cell: its derivatives against differences of its energies.

Runs the reference a few times (two atoms of iron unless a structure with moments is given),
compares the printed forces and magnetic forces with two-sided differences of the energy, and prints
a table with the error of the moments, the cost and a verdict. The exit status is 1 if the verdict
is FAILED.
"""

import ase.io

from ase_mag import models, reference

SUMMARY = "prove a reference: derivatives, moments, cost"


def add_arguments(parser):
    """Add the arguments of ``ase-mag check-reference``."""
    parser.add_argument(
        "reference",
        choices=["model", "abinit"],
        help="model: a named parameter set; abinit: the program of ASE's config.ini or the PATH",
    )
    parser.add_argument("--model", default="FeHL-1", metavar="NAME", help="parameter set of model")
    parser.add_argument("--structure", metavar="FILE", help="any format of ASE, with moments")
    parser.add_argument(
        "--noncollinear", action="store_true", help="turn a moment of the default cell by 40 deg"
    )
    parser.add_argument(
        "--limit", type=float, default=0.01, help="allowed relative error of derivatives"
    )
    parser.add_argument("--kpts", type=int, nargs=3, default=(4, 4, 4), metavar="N")
    parser.add_argument("--ecut", type=float, default=410.0, help="plane waves of abinit, eV")
    parser.add_argument("--pawecutdg", type=float, default=1090.0, help="fine grid of abinit, eV")
    parser.add_argument("--directory", metavar="FOLDER", help="keep the files of the runs here")


def run(arguments):
    """Run the check; returns the exit status.

    Raises
    ------
    ValueError
        For an unknown parameter set, or a structure without moments.
    FileNotFoundError
        Without the program or its pseudopotentials.
    """
    atoms = None if arguments.structure is None else ase.io.read(arguments.structure)
    options = {"limit": arguments.limit}
    if arguments.reference == "model":
        calculator = reference.ConstrainedModel(models.named(arguments.model))
    else:
        calculator = reference.ConstrainedAbinit(
            kpts=tuple(arguments.kpts),
            ecut=arguments.ecut,
            pawecutdg=arguments.pawecutdg,
            directory=arguments.directory,
        )
        options["transverse_limit"] = max(0.1, arguments.limit)  # known to be low by 3-8 %
    check = reference.check_reference(
        calculator, atoms, noncollinear=arguments.noncollinear, **options
    )
    print(check)
    return 0 if check.passed else 1
