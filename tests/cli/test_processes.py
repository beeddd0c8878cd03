"""Processes of a command: what is missing, and launchers of other libraries."""

import subprocess
import sys
import types

import pytest
from ase import units

from ase_mag.bridges.machine import launched
from ase_mag.cli import main
from ase_mag.cli.job import InputError, read
from ase_mag.cli.job.dynamics import Setup
from ase_mag.cli.processes import Processes


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    for name in ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("missing", ["lammps", "mpi4py"])
def test_missing_packages_are_named(missing, write_job, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "lammps", types.ModuleType("lammps"))
    monkeypatch.setitem(sys.modules, missing, None)
    assert main(["run", write_job(), "--engine", "lammps"]) == 1
    assert capsys.readouterr().err.startswith(
        f"ase-mag run: {missing} is needed here but not installed; install it with: "
        'pip install "ase-mag[lammps]"\n'
    )


def test_the_launcher_of_another_library_is_refused(mpirun, write_job, tree_environment):
    """Without a common library every process is alone, and all would write the same files."""
    command = [sys.executable, "-m", "ase_mag.cli", "run", write_job(), "--engine", "lammps"]
    done = subprocess.run(
        command,
        env=tree_environment | {"OMPI_COMM_WORLD_SIZE": "4"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "4 processes were started (says OMPI_COMM_WORLD_SIZE), but mpi4py, " in done.stderr
    assert f"start with its own one, here probably {sys.prefix}/bin/mpirun" in done.stderr
    assert "Traceback" not in done.stderr


def test_serial_jobs_of_a_launcher_give_a_warning(write_job, monkeypatch):
    job = write_job(replacements=[("steps = 60", "steps = 1")])
    monkeypatch.setenv("PMI_SIZE", "4")
    assert launched() == (4, "PMI_SIZE")
    with pytest.warns(UserWarning, match="each of them runs a whole job: .* say --engine lammps"):
        assert main(["run", job, "--quiet"]) == 0


def test_oversubscription_belongs_to_processes(write_job, capsys):
    assert main(["run", write_job(), "--oversubscribe"]) == 2
    assert "--oversubscribe belongs to --engine lammps" in capsys.readouterr().err


def test_one_process_is_all_of_them():
    one = Processes()
    assert (one.rank, one.size, one.first, one.same(3), one.total(4)) == (0, 1, True, 3, 4)
    with pytest.raises(KeyError), one.together():
        raise KeyError


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            'kind = "spin-lattice"',
            'kind = "spin"',
            "line 15, [dynamics]: kind is spin, but --engine lammps runs kind spin-lattice only",
        ),
        (
            'kind = "spin-lattice"',
            'kind = "asd-aimd"',
            "line 15, [dynamics]: kind is asd-aimd, but --engine lammps runs kind spin-latt",
        ),
        (
            "damping = 0.1",
            'damping = 0.1\nmethod = "sequential"',
            "line 20, [dynamics]: method is sequential, but --engine lammps has implicit only",
        ),
    ],
)
def test_what_only_serial_runs_have_is_refused(old, new, message, write_job):
    job = read(write_job(replacements=[(old, new)]))
    with pytest.raises(InputError) as refused:
        Setup(job, "lammps")
    assert message in str(refused.value)


def test_the_rest_goes_to_the_class(write_job):
    text = 'damping = 0.1\nmethod = "implicit"\nlongitudinal = "inertial"\ninertia = 6.0'
    options = Setup(read(write_job(replacements=[("damping = 0.1", text)])), "lammps").options
    own = {"method", "longitudinal", "inertia"}
    assert set(options) == {"timestep", "temperature_K", "damping", "friction"} | own
    assert options["inertia"] == pytest.approx(6.0 * units.fs**2)
