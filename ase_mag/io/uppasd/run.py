"""Runs of an installed UppASD."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.calculators.calculator import CalculationFailed
from ase.io.trajectory import TrajectoryWriter

from ase_mag.core import Model, set_moments
from ase_mag.core.config import configured
from ase_mag.core.execution import execute, last_lines, split_command
from ase_mag.io.uppasd.moments import read_uppasd_moments
from ase_mag.io.uppasd.outputs import read_uppasd_table
from ase_mag.io.uppasd.reader import UppasdSettings, read_uppasd
from ase_mag.io.uppasd.writer import write_uppasd
from ase_mag.units import energy_unit

#: What UppASD prints when it reaches its end; its exit status is 0 after most errors too.
_FINISHED = "Simulation finished"
#: Tables that are read where they are.
_TABLES = ("averages", "cumulants", "totenergy")
#: Name of the file with what the program prints.
LOG = "uppasd.log"


@dataclass
class UppasdRun:
    """What a run of UppASD left.

    Attributes
    ----------
    folder : Path
    atoms : ase.Atoms with the moments at the end, of the first ensemble.
    model : Model, the Hamiltonian of the folder.
    settings : UppasdSettings
    steps : (n,) int array, time steps (or sweeps) of ``moments``.
    moments : (n, ensembles, N, 3) float array, mu_B; those of the moment file (``do_tottraj``), or
        of the restart file alone.
    tables : dict from 'averages', 'cumulants', 'totenergy', as far as they were written, to the
        columns of :func:`read_uppasd_table`.
    seconds : float, wall time.
    """

    folder: Path
    atoms: Atoms
    model: Model
    settings: UppasdSettings
    steps: np.ndarray = field(repr=False)
    moments: np.ndarray = field(repr=False)
    tables: dict = field(repr=False)
    seconds: float

    @property
    def magnetization(self):
        """Mean moment of every step that was averaged, (n, 3), mu_B per atom, over ensembles."""
        table = self._table("averages")
        return np.stack([table[f"<M>_{axis}"] for axis in "xyz"], axis=1)

    @property
    def energies(self):
        """Total energy of every step that was printed, (n,), eV, over ensembles.

        As UppASD prints it; terms of fourth and sixth order (anisotropies) are counted two and
        three times there.
        """
        return self._table("totenergy")["Tot"] * energy_unit("mRy") * len(self.atoms)

    def frames(self, ensemble=0):
        """Yield ``atoms`` with the moments of every step; ``info`` has 'step'.

        Raises
        ------
        ValueError
            For an ensemble that is not there.
        """
        if not 0 <= ensemble < self.moments.shape[1]:
            raise ValueError(
                f"ensemble must be from 0 to {self.moments.shape[1] - 1}, got {ensemble}"
            )
        for step, moments in zip(self.steps, self.moments[:, ensemble], strict=True):
            atoms = self.atoms.copy()
            set_moments(atoms, moments)
            atoms.info["step"] = int(step)
            yield atoms

    def write_trajectory(self, path, ensemble=0):
        """Write the frames as a trajectory that :func:`ase_mag.analysis.read` opens.

        Raises
        ------
        ValueError
            If the steps are not evenly spaced, so that the file would have no time axis.
        """
        gaps = np.diff(self.steps)
        if len(gaps) and np.ptp(gaps):
            raise ValueError(f"the steps {self.steps.tolist()} are not evenly spaced")
        description = {"origin": {"code": "UppASD"}}
        if self.settings.timestep is not None and self.settings.mode in (None, "S"):
            description |= {"timestep": self.settings.timestep}
            description |= {"interval": int(gaps[0]) if len(gaps) else 1}
        with TrajectoryWriter(path, "w") as file:
            file.set_description(description)
            for atoms in self.frames(ensemble):
                file.write(atoms)

    def _table(self, name):
        if name not in self.tables:
            key = {"totenergy": "plotenergy 1", "averages": "do_avrg Y"}[name]
            raise ValueError(f"{self.folder} has no {name} file: the run needs the line {key!r}")
        return self.tables[name]


def run_uppasd(
    folder,
    cell=None,
    model=None,
    *,
    command=None,
    timeout=None,
    threads=1,
    every=100,
    species=None,
    **settings,
):
    """Run UppASD in a folder and read what it wrote.

    With ``cell`` and ``model`` the input is written first (:func:`write_uppasd`), with averages,
    energies and moments every so many steps; else the folder holds an input.

    Parameters
    ----------
    folder : path
    cell : ase.Atoms with moments, the unit cell. model : Model with a bilinear form.
    command : str; default: ``uppasd`` in the section [ase_mag] of ASE's configuration file, else
        the program ``uppasd`` in the PATH.
    timeout : float, seconds, or None.
    threads : int, OpenMP threads of UppASD where OMP_NUM_THREADS is not set.
    every : int, steps between two lines of averages and energies, and two sets of moments.
    species : see :func:`read_uppasd`, for a folder that holds an input.
    **settings : of :func:`write_uppasd` (repeat, temperature_K, timestep in ASE units, damping,
        steps, mode, moments, keywords, ...). ``keywords`` can change all that is written here.

    Returns
    -------
    UppasdRun

    Raises
    ------
    FileNotFoundError
        If there is no program or no input.
    ValueError
        As :func:`write_uppasd` and :func:`read_uppasd`; for settings without a cell.
    TimeoutError
        After ``timeout``.
    ase.calculators.calculator.CalculationFailed
        (a RuntimeError) If the program fails or leaves no moments; with the last lines of its log,
        ``uppasd.log`` in the folder.
    """
    words = split_command(
        command or configured("uppasd") or "uppasd",
        "UppASD",
        "Give command='/path/to/uppasd', or write uppasd = /path/to/uppasd into the section "
        "[ase_mag] of ASE's configuration (~/.config/ase/config.ini)",
    )
    folder = Path(folder)
    if cell is not None:
        _write(folder, cell, model, every, settings)
    elif settings or model is not None:
        raise ValueError(
            f"{', '.join([*settings, 'model']) if model is not None else ', '.join(settings)} "
            "would be written into an input: give the cell too, or leave them out to run the "
            f"input in {folder}"
        )
    atoms, read, described = read_uppasd(folder, species=species)
    if cell is not None:
        # Types of the files are sites; the elements and the model are known here.
        atoms.symbols[:] = np.tile(cell.symbols, len(atoms) // len(cell))
        read = model
    _remove_old(folder)
    status, seconds = execute(words, folder, LOG, timeout=timeout, threads=threads)
    log = (folder / LOG).read_text(encoding="utf-8", errors="replace")
    if status or _FINISHED not in log:
        why = f"ended with exit status {status}" if status else "did not finish"
        raise CalculationFailed(f"UppASD {why} in {folder}{last_lines(folder / LOG)}")
    return _read(folder, atoms, read, described, seconds)


def _remove_old(folder):
    """Remove what an earlier run left, which must not pass for the output of this one."""
    for name in (*_TABLES, "moment", "restart"):
        for path in folder.glob(f"{name}.*.out"):
            path.unlink()


def _read(folder, atoms, model, settings, seconds):
    found = {name: sorted(folder.glob(f"{name}.*.out")) for name in (*_TABLES, "moment", "restart")}
    if not found["restart"]:
        raise CalculationFailed(
            f"UppASD left no restart file in {folder}{last_lines(folder / LOG)}"
        )
    try:
        last, end = read_uppasd_moments(found["restart"][0])
        moments, steps = last, end
        if found["moment"]:
            moments, steps = read_uppasd_moments(found["moment"][0])
        tables = {name: read_uppasd_table(found[name][0]) for name in _TABLES if found[name]}
    except ValueError as error:
        raise CalculationFailed(
            f"the output of UppASD is damaged: {error}{last_lines(folder / LOG)}"
        ) from error
    if moments.shape[2] != len(atoms):
        raise CalculationFailed(
            f"UppASD wrote {moments.shape[2]} moments in {folder}, but its input describes "
            f"{len(atoms)} atoms"
        )
    set_moments(atoms, last[-1, 0])
    return UppasdRun(folder, atoms, model, settings, steps, moments, tables, seconds)


def _write(folder, cell, model, every, settings):
    if model is None:
        raise ValueError("an input of UppASD holds a Hamiltonian: give the model beside the cell")
    if isinstance(every, bool) or int(every) != every or every < 1:
        raise ValueError(f"every must be a positive whole number of steps, got {every!r}")
    keywords = {"do_avrg": "Y", "avrg_step": every, "plotenergy": 1, "do_tottraj": "Y"}
    keywords |= {"tottraj_step": every, "tottraj_buff": 1}
    keywords |= {
        key.lower(): value for key, value in (settings.pop("keywords", None) or {}).items()
    }
    write_uppasd(folder, cell, model, keywords=keywords, **settings)
