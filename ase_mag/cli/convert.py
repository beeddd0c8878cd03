"""Convert frames with moments between all formats of ASE and input folders of UppASD.

    ase-mag convert run.traj run.extxyz                  all frames
    ase-mag convert run.traj last.extxyz --index -1      the last one
    ase-mag convert folder fe.traj                       of an UppASD folder (with inpsd.dat)
    ase-mag convert fe.traj folder/inpsd.dat --model Fe-UppASD

Files that were written are read again: if the format has lost moments or magnetic forces, the exit
status is 1, unless --allow-loss is given. A file that exists is replaced with --overwrite only.
"""

import sys
from pathlib import Path

import ase.io
import numpy as np
from ase.calculators.calculator import PropertyNotImplementedError
from ase.io.formats import string2index

from ase_mag import MagneticCalculator, get_moments, models
from ase_mag.cli import job_arguments
from ase_mag.cli.job import InputError, wrong_input
from ase_mag.io import read_uppasd, write_uppasd

SUMMARY = "frames with moments to other formats"
#: Text formats keep five or more digits.
_TOLERANCE = 1e-5


def add_arguments(parser):
    """Add the arguments of ``ase-mag convert``."""
    parser.add_argument("source", help="a file that ASE reads, or an UppASD folder")
    parser.add_argument("target", help="its name says the format; FOLDER/inpsd.dat: UppASD")
    parser.add_argument("--index", default=":", help="frames, as in ase convert")
    parser.add_argument(
        "--model",
        metavar="NAME",
        help="parameter set or saved model, where a Hamiltonian is written",
    )
    parser.add_argument(
        "--species",
        nargs="+",
        metavar="SYMBOL",
        help="atom types of the UppASD folder that is read",
    )
    parser.add_argument("--allow-loss", action="store_true", help="moments may be lost")
    parser.add_argument("--overwrite", action="store_true", help="replace the target")


def run(arguments):
    """Convert; returns the exit status.

    Raises
    ------
    InputError
        For files that cannot be read or written, and a target that exists.
    """
    source, target = Path(arguments.source), Path(arguments.target)
    if not source.exists():
        raise InputError(f"{source} does not exist")
    if target.exists() and not arguments.overwrite:
        raise InputError(f"{target} exists already: replace it with --overwrite")
    model = _model(arguments.model)
    frames, found = _read(source, arguments)
    model = found if model is None else model
    with wrong_input(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        _write(target, frames, model)
    print(f"{len(frames)} frame{'s' * (len(frames) != 1)} written: {target}")
    loss = _loss(frames, target)
    if loss:
        print(f"ase-mag convert: {target}: {loss}", file=sys.stderr)
        return 0 if arguments.allow_loss else 1
    return 0


def _model(name):
    if name is None:
        return None
    with wrong_input(f"--model {name}"):
        return models.load(name) if Path(name).exists() else models.named(name)


def _is_uppasd(path):
    return path.name == "inpsd.dat" or (path.is_dir() and (path / "inpsd.dat").is_file())


def _read(source, arguments):
    """Return the frames, and the model of an UppASD folder or None."""
    with wrong_input(source):
        if _is_uppasd(source):
            atoms, model, _ = read_uppasd(source, species=arguments.species)
            return [atoms], model
        if arguments.species:
            raise InputError("--species names the atom types of an UppASD folder, which lacks them")
        try:
            frames = ase.io.read(source, index=string2index(arguments.index))
        except (IndexError, KeyError, StopIteration, SyntaxError) as error:
            raise InputError(
                f"{source}: frames {arguments.index} cannot be read ({type(error).__name__}): "
                f"{error}"
            ) from error
    return frames if isinstance(frames, list) else [frames], None


def _write(target, frames, model):
    if not frames:
        raise InputError(f"{target} is not written: there are no frames")
    if target.name == "inpsd.dat":
        if model is None:
            raise InputError(
                "an input folder of UppASD holds a Hamiltonian: give --model, a name of "
                f"{', '.join(models.named())} or a saved model"
            )
        _one(target, frames)
        write_uppasd(target.parent, frames[0], model)
        return
    if job_arguments.check_format(target).single:
        _one(target, frames)
    for atoms in frames if model is not None else ():
        atoms.calc = atoms.calc or MagneticCalculator(model)  # for formats with a Hamiltonian
    ase.io.write(target, frames if len(frames) > 1 else frames[0])


def _one(target, frames):
    if len(frames) > 1:
        raise InputError(
            f"{target} holds one frame, but there are {len(frames)}: say which with --index, for "
            "instance --index -1"
        )


def _loss(frames, target):
    """Return what the written file has lost, a half sentence, or ''.

    Folders of UppASD keep all moments, and never magnetic forces.
    """
    if target.name == "inpsd.dat":
        return ""
    try:
        written = ase.io.read(target, index=":")
    except Exception as error:
        return f"the moments in it were not checked, for ASE cannot read it again: {error}"
    if len(written) != len(frames):
        return f"it has {len(written)} frames instead of {len(frames)}"
    for name, values in (("moments", get_moments), ("magnetic forces", _magforces)):
        for number, (before, after) in enumerate(zip(frames, written, strict=True)):
            first, second = values(before), values(after)
            if first is not None and (
                second is None or not np.allclose(first, second, rtol=0, atol=_TOLERANCE)
            ):
                return f"its format does not keep the {name} of frame {number}"
    return ""


def _magforces(atoms):
    if atoms.calc is None:
        return None
    try:
        return atoms.calc.get_property("magforces", atoms, allow_calculation=False)
    except (PropertyNotImplementedError, NotImplementedError):
        return None
