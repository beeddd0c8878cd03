"""Campaigns on MPI, dask and executorlib: the same file from all, workers that are killed."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from ase.build import bulk

import ase_mag
from ase_mag import lsf, models
from ase_mag.reference import ConstrainedModel, campaign


@pytest.fixture
def frames():
    atoms = bulk("Fe", a=2.87, cubic=True)
    ase_mag.set_moments(atoms, 2.2)
    return lsf.snapshots(atoms, 0.1, count=6, rng=1)


@pytest.fixture
def model():
    return ConstrainedModel(models.named("FeHL-1"))


#: The campaign of the other tests by a pool of MPI processes; one of them may be killed.
SCRIPT = """
import os, signal, sys
from pathlib import Path
from mpi4py.futures import MPIPoolExecutor
from ase.build import bulk
import ase_mag
from ase_mag import lsf, models
from ase_mag.reference import ConstrainedModel, campaign

class Mortal(ConstrainedModel):
    def calculate(self, atoms=None, properties=("energy",), system_changes=()):
        if Path("armed").exists() and len(list(Path().glob("*.jobs/records/*"))) >= 3:
            Path("armed").unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        super().calculate(atoms, properties, system_changes)

if __name__ == "__main__":
    atoms = bulk("Fe", a=2.87, cubic=True)
    ase_mag.set_moments(atoms, 2.2)
    frames = lsf.snapshots(atoms, 0.1, count=6, rng=1)
    kind = ConstrainedModel if sys.argv[1] == "safe" else Mortal
    with MPIPoolExecutor() as executor:
        reference = kind(models.named("FeHL-1"))
        result = campaign(frames, reference, "mpi.extxyz", executor, progress=False)
        print(len(result.frames), result.computed, executor.num_workers)
"""


@pytest.fixture
def mpi_campaign(mpirun, tmp_path, tree_environment):
    """A function that runs the script on two processes."""
    (tmp_path / "job.py").write_text(SCRIPT)

    def run(kind):
        command = [mpirun, "-n", "2", sys.executable, "-m", "mpi4py.futures", "job.py", kind]
        return subprocess.run(
            command, cwd=tmp_path, env=tree_environment, capture_output=True, text=True, timeout=120
        )

    return run


def test_a_pool_of_mpi_processes_writes_the_same_file(mpi_campaign, frames, model, tmp_path):
    done = mpi_campaign("safe")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["6", "6", "1"]
    campaign(frames, model, tmp_path / "serial.extxyz", progress=False)
    assert (tmp_path / "mpi.extxyz").read_bytes() == (tmp_path / "serial.extxyz").read_bytes()


@pytest.mark.slow
def test_a_killed_mpi_process_ends_the_pool_and_loses_nothing(mpi_campaign, tmp_path):
    (tmp_path / "armed").touch()
    done = mpi_campaign("mortal")
    assert done.returncode != 0
    assert len(list((tmp_path / "mpi.extxyz.jobs" / "records").iterdir())) == 3
    done = mpi_campaign("mortal")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["6", "3", "1"]


@pytest.mark.slow
def test_processes_write_the_same_file(frames, model, tmp_path):
    campaign(frames, model, tmp_path / "serial.extxyz", progress=False)
    with ProcessPoolExecutor(2) as executor:
        campaign(frames, model, tmp_path / "pool.extxyz", executor, progress=False)
    assert (tmp_path / "pool.extxyz").read_bytes() == (tmp_path / "serial.extxyz").read_bytes()


class Mortal(ConstrainedModel):
    """Kills its process once three results are there, as often as the file 'armed' says."""

    def __init__(self, model, folder):
        super().__init__(model)
        self.folder = Path(folder)

    def calculate(self, atoms=None, properties=("energy",), system_changes=()):
        armed = self.folder / "armed"
        left = int(armed.read_text())
        if left and len(list(self.folder.glob("*.jobs/records/*"))) >= 3:
            armed.write_text(str(left - 1))
            os.kill(os.getpid(), signal.SIGKILL)
        super().calculate(atoms, properties, system_changes)


@pytest.fixture
def dask(tmp_path):
    """An executor of one dask worker process, which is started again when it dies."""
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=1,
            threads_per_worker=1,
            dashboard_address=None,
            local_directory=str(tmp_path / "dask"),
        ) as cluster,
        distributed.Client(cluster) as client,
        client.get_executor() as executor,
    ):
        yield executor


@pytest.mark.slow
def test_a_killed_worker_of_dask_is_replaced(dask, frames, model, tmp_path):
    (tmp_path / "armed").write_text("1")
    reference = Mortal(models.named("FeHL-1"), tmp_path)
    result = campaign(frames, reference, tmp_path / "dask.extxyz", dask, progress=False)
    assert (tmp_path / "armed").read_text() == "0"  # it did die
    assert result.computed == len(result.frames) == 6 and not result.failures
    campaign(frames, model, tmp_path / "serial.extxyz", progress=False)
    assert (tmp_path / "dask.extxyz").read_bytes() == (tmp_path / "serial.extxyz").read_bytes()


@pytest.mark.slow
def test_a_job_that_kills_every_worker_of_dask_is_explained(dask, frames, tmp_path):
    (tmp_path / "armed").write_text("100")
    reference = Mortal(models.named("FeHL-1"), tmp_path)
    with pytest.raises(RuntimeError, match=r"a worker died.*3 of 6 results are kept in"):
        campaign(frames, reference, tmp_path / "dask.extxyz", dask, progress=False)
    (tmp_path / "armed").write_text("0")
    again = campaign(frames, reference, tmp_path / "dask.extxyz", progress=False)
    assert again.computed == 3 and len(again.frames) == 6
