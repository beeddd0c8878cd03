"""Prove a reference on a small cell: its derivatives against differences of its energies.

Runs the reference a few times (two atoms of iron unless a structure with moments is given),
compares the printed forces and magnetic forces with two-sided differences of the energy, and prints
a table with the error of the moments, the cost and a verdict. The exit status is 1 if the verdict
is FAILED.

    ase-mag check-reference model
    ase-mag check-reference vasp --command "mpirun -n 16 vasp_ncl"

For vasp the sign and factor of its magnetic forces are proved first, by the energies of a ramp of
penalties (ConstrainedVasp.verify_magforces). The command is that of --command, else of
ASE_VASP_COMMAND, VASP_COMMAND or VASP_SCRIPT in the environment or ASE's config.ini; POTCAR files
are found through VASP_PP_PATH. Its constrained moments are weighted and smaller than those of a
sphere, so the default cell has 1.44 and 1.2 mu_B instead of 2.4 and 2.0.
"""

import ase.io

from ase_mag import models, reference

SUMMARY = "prove a reference: derivatives, moments, cost"


def add_arguments(parser):
    """Add the arguments of ``ase-mag check-reference``."""
    parser.add_argument(
        "reference",
        choices=["model", "abinit", "vasp"],
        help="model: a named parameter set; abinit: the program of ASE's config.ini or the PATH; "
        "vasp: the command that ASE is configured with",
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
    parser.add_argument("--encut", type=float, default=450.0, help="plane waves of vasp, eV")
    parser.add_argument(
        "--command",
        dest="program",
        metavar="COMMAND",
        help="runs vasp, e.g. 'mpirun -n 16 vasp_ncl'",
    )
    parser.add_argument("--deltaspin", action="store_true", help="vasp is patched with DeltaSpin")
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
    options = {"limit": arguments.limit}
    scale = 1.0
    if arguments.reference == "model":
        calculator = reference.ConstrainedModel(models.named(arguments.model))
    elif arguments.reference == "abinit":
        calculator = reference.ConstrainedAbinit(
            kpts=tuple(arguments.kpts),
            ecut=arguments.ecut,
            pawecutdg=arguments.pawecutdg,
            directory=arguments.directory,
        )
        options["transverse_limit"] = max(0.1, arguments.limit)  # known to be low by 3-8 %
    else:
        calculator = reference.ConstrainedVasp(
            xc="PBE",
            kpts=tuple(arguments.kpts),
            encut=arguments.encut,
            command=arguments.program,
            deltaspin=arguments.deltaspin,
            directory=arguments.directory,
        )
        # Moments have three decimals and are extrapolated.
        options["moment_limit"] = calculator.parameters["moment_tolerance"]
        scale = 0.6
    if arguments.structure is None:
        atoms = reference.check_cell(arguments.noncollinear, scale)
    else:
        atoms = ase.io.read(arguments.structure)
    if arguments.reference == "vasp" and not arguments.deltaspin:
        report = calculator.verify_magforces(atoms)
        print(
            f"magnetic forces of this VASP: {report['ratio']:.4f} times what the energies of the "
            f"ramp say ({report['energy_change']:.5f} eV)\n"
        )
    check = reference.check_reference(calculator, atoms, **options)
    print(check)
    return 0 if check.passed else 1
