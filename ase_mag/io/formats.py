"""Readers and writers as ASE calls them (declared in ``ase_mag_formats``)."""

from pathlib import Path

from ase import Atoms

from ase_mag.core import set_moments
from ase_mag.io import lammps_spin, mcif, spirit, tb2j, tb2j_writer, uppasd, vampire


def read_uppasd(filename, **kwargs):
    """Return the atoms of an input folder of UppASD, see :func:`ase_mag.io.read_uppasd`."""
    return uppasd.read_uppasd(filename, **kwargs)[0]


def write_uppasd(filename, atoms, *, model=None, **kwargs):
    """Write an input folder of UppASD, see :func:`ase_mag.io.write_uppasd`.

    Parameters
    ----------
    filename : path of ``inpsd.dat``; the other files are written beside it.
    atoms : ase.Atoms with moments
    model : Model, optional; default: that of the calculator of ``atoms``.

    Raises
    ------
    ValueError
        Without a model, for another file name, and as :func:`ase_mag.io.write_uppasd`.
    """
    path = Path(filename)
    if path.name != "inpsd.dat":
        raise ValueError(f"the input file of UppASD is called inpsd.dat, got {path.name!r}")
    uppasd.write_uppasd(path.parent, atoms, _model_of(atoms, model, "UppASD"), **kwargs)


def _model_of(atoms, model, code):
    model = getattr(atoms.calc, "model", None) if model is None else model
    if model is None:
        raise ValueError(
            f"an input of {code} holds a Hamiltonian: give model=..., or atoms with a "
            "MagneticCalculator (in Python; files of atoms carry no model)"
        )
    return model


def read_uppasd_moments(filename, index=-1, *, inpsd=None, ensemble=0, **kwargs):
    """Return the atoms of an UppASD run with the moments of a restart or moment file.

    Parameters
    ----------
    filename : path of ``restart.*.out`` or ``moment.*.out``, see
        :func:`ase_mag.io.read_uppasd_moments`.
    index : int or slice, of the steps in the file.
    inpsd : path of the input folder that the file belongs to; default: where the file is.
    ensemble : int, from 0.
    **kwargs : of :func:`ase_mag.io.read_uppasd`.

    Returns
    -------
    ase.Atoms or list of them; ``atoms.info['step']`` is the time step.

    Raises
    ------
    FileNotFoundError
        If there is no input folder: a moment file has no positions.
    ValueError
        For another number of atoms, an ensemble that is not there, and damaged files.
    """
    path = Path(filename)
    moments, steps = uppasd.read_uppasd_moments(path)
    folder = path.parent if inpsd is None else Path(inpsd)
    if inpsd is None and not (folder / "inpsd.dat").is_file():
        raise FileNotFoundError(
            f"{path} has moments without positions, and there is no inpsd.dat beside it: give "
            "the input folder, inpsd='folder'"
        )
    sample = uppasd.read_uppasd(folder, **kwargs)[0]
    if moments.shape[2] != len(sample):
        raise ValueError(
            f"{path} holds {moments.shape[2]} moments, but {folder} describes {len(sample)} atoms"
        )
    if not 0 <= ensemble < moments.shape[1]:
        raise ValueError(
            f"{path} holds {moments.shape[1]} ensembles: ensemble must be from 0 to "
            f"{moments.shape[1] - 1}, got {ensemble}"
        )

    def frame(k):
        atoms = sample.copy()
        set_moments(atoms, moments[k, ensemble])
        atoms.info["step"] = int(steps[k])
        return atoms

    chosen = range(len(steps))[index]
    return frame(chosen) if isinstance(chosen, int) else [frame(k) for k in chosen]


def read_lammps_spin_data(filename, **kwargs):
    """Return the atoms of a data file, see :func:`ase_mag.io.read_lammps_spin`."""
    return lammps_spin.read_lammps_spin(filename, **kwargs)


def write_lammps_spin_data(filename, atoms, **kwargs):
    """Write a data file, see :func:`ase_mag.io.write_lammps_spin`."""
    lammps_spin.write_lammps_spin(filename, atoms, style="data", **kwargs)


def read_lammps_spin_dump(filename, index=-1, **kwargs):
    """Return the frames of a dump file, see :func:`ase_mag.io.read_lammps_spin`."""
    return lammps_spin.read_lammps_spin(filename, index, **kwargs)


def write_lammps_spin_dump(filename, images, **kwargs):
    """Write a dump file, see :func:`ase_mag.io.write_lammps_spin`."""
    lammps_spin.write_lammps_spin(filename, images, style="dump", **kwargs)


def read_tb2j(filename):
    """Return the atoms of ``exchange.out``, see :func:`ase_mag.io.read_tb2j`."""
    return tb2j.read_tb2j(filename, terms=("J_iso",))[0]


def write_tb2j(filename, atoms, *, model=None):
    """Write ``exchange.out``, see :func:`ase_mag.io.write_tb2j`.

    Parameters
    ----------
    model : Model, optional; default: that of the calculator of ``atoms``.
    """
    tb2j_writer.write_tb2j(filename, atoms, _model_of(atoms, model, "TB2J"))


def read_vampire(filename, **kwargs):
    """Return the atoms of a unit cell file, see :func:`ase_mag.io.read_vampire`."""
    return vampire.read_vampire(filename, **kwargs)[0]


def write_vampire(filename, atoms, *, model=None, **kwargs):
    """Write a .ucf and a .mat file, see :func:`ase_mag.io.write_vampire`.

    Parameters
    ----------
    model : Model, optional; default: that of the calculator of ``atoms``.
    """
    vampire.write_vampire(filename, atoms, _model_of(atoms, model, "VAMPIRE"), **kwargs)


#: Units of a mesh in angstrom.
_MESH_UNITS = {"m": 1e10, "nm": 10.0, "angstrom": 1.0, "unspecified": 1.0}


def read_ovf(filename, index=-1, *, atoms=None, **kwargs):
    """Return the segments of an OVF file as ase.Atoms, see :func:`ase_mag.io.read_ovf`.

    Without ``atoms`` every point of the mesh is an atom X with the vector there as its moment.
    """
    found = spirit.read_ovf(filename, index, atoms=atoms, **kwargs)
    if atoms is not None:
        return found
    return [_mesh(f) for f in found] if isinstance(found, list) else _mesh(found)


def _mesh(field):
    if field.unit not in _MESH_UNITS or field.values.shape[1] != 3:
        raise ValueError(
            f"a field of {field.values.shape[1]} components on a mesh in {field.unit!r} is no set "
            f"of moments; three components and a mesh in {', '.join(_MESH_UNITS)} are"
        )
    atoms = Atoms(f"X{len(field.points)}", _MESH_UNITS[field.unit] * field.points)
    set_moments(atoms, field.values)
    return atoms


def write_ovf(filename, images, **kwargs):
    """Write directions of moments as segments, see :func:`ase_mag.io.write_ovf`."""
    spirit.write_ovf(filename, images, **kwargs)


def read_mcif(filename, **kwargs):
    """Return the atoms of a magnetic CIF file, see :func:`ase_mag.io.read_mcif`."""
    return mcif.read_mcif(filename, **kwargs)


def read_spirit(filename, **kwargs):
    """Return the atoms of a config file, see :func:`ase_mag.io.read_spirit`."""
    return spirit.read_spirit(filename, **kwargs)[0]


def write_spirit(filename, atoms, *, model=None, **kwargs):
    """Write a config file, see :func:`ase_mag.io.write_spirit`.

    Parameters
    ----------
    model : Model, optional; default: that of the calculator of ``atoms``.
    """
    spirit.write_spirit(filename, atoms, _model_of(atoms, model, "Spirit"), **kwargs)
