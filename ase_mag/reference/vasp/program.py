"""The program VASP: finding it, running it, starting from what it left."""

import os
import shlex
import shutil
import subprocess

from ase.calculators.calculator import CalculationFailed, CalculatorSetupError

from ase_mag.reference.base import NotConverged

#: Messages of VASP after which another try with safer settings makes sense.
_CURABLE = ("EDDDAV", "ZPOTRF", "BRMIX: very serious", "Sub-Space-Matrix is not hermitian")


def find_command(command=None):
    """Return the command that runs VASP.

    Raises
    ------
    FileNotFoundError
        If there is none, or its program does not exist.
    """
    from ase.calculators.vasp import Vasp  # imports matplotlib

    try:
        command = Vasp(command=command).make_command(command)
    except CalculatorSetupError as error:
        raise FileNotFoundError(
            "there is no command to run VASP: looked for command=... of the reference and for "
            f"{', '.join(Vasp.env_commands)} in the environment and in ASE's configuration file"
        ) from error
    if any(character in command for character in ";&|<>$`("):
        return command  # a line for the shell, which will say what it does not find
    words = [word for word in shlex.split(command) if "=" not in word]
    program = words[0] if words else command
    if shutil.which(program) is None:
        raise FileNotFoundError(
            f"the program {program!r} of the command {command!r} was not found; looked in PATH: "
            f"{os.environ.get('PATH', '')}"
        )
    return command


def execute(command, folder):
    """Run ``command`` in ``folder``; its standard output goes to ``vasp.out``.

    Raises
    ------
    NotConverged
        If VASP printed one of the messages that other settings may cure.
    FileNotFoundError
        If the shell did not find the program.
    ase.calculators.calculator.CalculationFailed
        If it ended with an error.
    """
    with (folder / "vasp.out").open("w") as out:
        done = subprocess.run(
            command, shell=True, cwd=folder, stdout=out, stderr=subprocess.PIPE, text=True
        )
    printed = (folder / "vasp.out").read_text(errors="replace") + done.stderr
    for message in _CURABLE:
        if message in printed:
            raise NotConverged(f"VASP in {folder} printed {message!r}")
    if done.returncode == 127:
        raise FileNotFoundError(
            f"the shell did not find a program of the command {command!r}: {done.stderr.strip()}"
        )
    if done.returncode:
        raise CalculationFailed(
            f"VASP ({command}) in {folder} ended with exit status {done.returncode}: "
            f"{printed.strip()[-500:]}"
        )


def can_restart(folder, atoms):
    """Return whether files of an earlier run are of such atoms, and note whose they are now."""
    note = folder / "restart.txt"
    wanted = f"{atoms.get_chemical_formula('reduce')} {atoms.pbc.tolist()}"
    same = note.exists() and note.read_text() == wanted
    note.write_text(wanted)
    return same


def forget(folder):
    """Remove what the next run would start from."""
    for name in ("WAVECAR", "CHGCAR"):
        (folder / name).unlink(missing_ok=True)
