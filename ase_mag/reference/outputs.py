"""Frames from the outputs of constrained runs that were made elsewhere."""

from pathlib import Path

from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read

from ase_mag.core import set_moments
from ase_mag.reference.abinit.output import parse_cell, parse_output
from ase_mag.reference.vasp.deltaspin import read_deltaspin
from ase_mag.reference.vasp.output import read_oszicar, read_run


def read_outputs(path):
    """Read finished runs of ABINIT and VASP, for instance for ``fitting.read``.

    ABINIT: main output files (``*.abo``) with one data set; magnetic forces where moments were
    constrained. VASP: folders with OUTCAR, vasprun.xml and POSCAR of a non-collinear run. If the
    standard output ``vasp.out`` is that of DeltaSpin, its multipliers are the magnetic forces. If
    OSZICAR shows a penalty, the energy is that without it, the moments are MW_int, three decimals,
    and there are no magnetic forces (:class:`ConstrainedVasp` extrapolates them from several
    penalties). Moments are in the spin frame of the run, atoms in its order.

    Frames of campaigns are in the labelled file of the campaign.

    Parameters
    ----------
    path : path of an output file, of a folder with a run, or of a folder with any depth of these.

    Returns
    -------
    list of ase.Atoms, sorted by path, with results of a calculator; ``info['source']`` is the file
    or folder. The moments (``initial_magmoms``) are those that were reached.

    Raises
    ------
    FileNotFoundError
        If there is no such path.
    ValueError
        If there are no outputs in it.
    ase_mag.reference.BadOutput, ase_mag.reference.NotConverged
        For a run that is incomplete or did not converge.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist")
    if path.is_file():
        return [_abinit(path) if path.name != "OUTCAR" else _vasp(path.parent)]
    places = [*path.rglob("*.abo"), *(file.parent for file in path.rglob("OUTCAR"))]
    if not places:
        raise ValueError(
            f"{path} has no outputs: neither *.abo of ABINIT nor folders with OUTCAR of VASP"
        )
    return [_vasp(place) if place.is_dir() else _abinit(place) for place in sorted(places)]


def _abinit(path):
    text = path.read_text(encoding="utf-8", errors="replace")
    found = parse_output(text, str(path))
    cell = parse_cell(text, str(path))
    atoms = Atoms(found.atomic_numbers, found.positions, cell=cell, pbc=True)
    magforces = -found.gradient if found.constrained else None
    return _frame(atoms, found, found.energy, found.moments, magforces, path)


def _vasp(folder):
    atoms = read(folder / "POSCAR", format="vasp")
    run = read_run(folder, atoms)
    energy, moments, magforces = run.energy, run.moments, None
    log, oszicar = folder / "vasp.out", folder / "OSZICAR"
    if log.exists() and "final optimal lambda" in log.read_text(errors="replace"):
        solution = read_deltaspin(log)
        moments, magforces = solution.moments, solution.magforces
    elif oszicar.exists() and "E_p" in oszicar.read_text(errors="replace"):
        penalty = read_oszicar(oszicar, len(atoms))
        energy, moments = energy - penalty.energy, penalty.moments
    return _frame(atoms, run, energy, moments, magforces, folder)


def _frame(atoms, found, energy, moments, magforces, source):
    set_moments(atoms, moments)
    results = {"energy": energy, "free_energy": energy, "forces": found.forces}
    if found.stress is not None:
        results["stress"] = found.stress
    atoms.calc = SinglePointCalculator(atoms, **results, magmoms=moments.copy())
    if magforces is not None:
        atoms.calc.results["magforces"] = magforces
    atoms.info["source"] = str(source)
    return atoms
