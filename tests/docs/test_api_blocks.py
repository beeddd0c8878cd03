"""The promised code blocks run as written, each in a fresh Python process."""

import re
import subprocess
from pathlib import Path

import pytest

TEXT = (Path(__file__).parent / "api_blocks.txt").read_text(encoding="utf-8")
BLOCKS = {
    int(number): code
    for number, code in re.findall(r"^## (\d+)\..*?^```python\n(.*?)^```$", TEXT, re.M | re.S)
}

#: Labelled frames for the block that fits.
FRAMES = """
import numpy as np
import ase_mag
from ase.build import bulk
from ase_mag import models, reference
rng = np.random.default_rng(0)
frames = []
for k in range(16):
    atoms = bulk('Fe', a=2.86, cubic=True)
    atoms.numbers[1] = (13, 26)[k % 2]
    strain = np.eye(3) + rng.normal(scale=0.02, size=(3, 3))
    atoms.set_cell(atoms.cell[:] @ strain, scale_atoms=True)
    atoms.positions += rng.normal(scale=0.05, size=(2, 3))
    ase_mag.set_moments(atoms, np.where(atoms.numbers == 26, rng.uniform(1.0, 2.6, size=2), -0.05))
    frames.append(atoms)
calc = reference.ConstrainedModel(models.named('FeAlHL-1'))
reference.campaign(frames, calc, 'frames.extxyz', progress=False)
"""

#: What a block takes from the ones before it, or leaves to the reader.
BEFORE = {
    1: "",
    2: BLOCKS[1]
    + "radii, values = [2.0, 2.5, 2.9, 4.0], [0.02, 0.01, 0.004, 0.0]\n"
    + "ase_mag.io.write_uppasd('folder', atoms[:2], models.named('Fe-UppASD'), temperature_K=77)\n",
    3: BLOCKS[1],
    4: BLOCKS[1] + "from ase import units\n",
    5: BLOCKS[1]
    + "from ase import units\n"
    # The run starts from a ferromagnet, the predictor knows random directions, and it says so.
    + "import warnings\nwarnings.filterwarnings('ignore', message='the predictor extrapolates')\n"
    + "model = models.Heisenberg('Fe', models.cubic(0.191248, cutoff=3.75))\n",
    6: FRAMES,
    7: BLOCKS[1],
    8: BLOCKS[1]
    + "from ase import units\n"
    + BLOCKS[4]
    + "atoms = bulk('Fe', a=2.877, cubic=True)\nase_mag.set_moments(atoms, 2.2)\n"
    + "model = models.Heisenberg('Fe', models.cubic(0.191248, cutoff=3.75))\n",
}
#: What is true afterwards.
AFTER = {
    1: "assert moments.shape == magforces.shape == (54, 3) and stress.shape == (6,)",
    2: "assert 'Fe-UppASD' in models.named()\n"
    "assert len(atoms) == 2 and settings.temperature_K == 77 and model.check_species([26]) is None",
    3: "assert dyn.nsteps == 10_000\n"
    "assert 0.85 < (ase_mag.get_moments(atoms).mean(axis=0) ** 2).sum() ** 0.5 / 2.2 < 0.97",
    # From rest to 300 K within 0.1 ps; half a picosecond of 54 atoms averages to about 10 K.
    4: "assert dyn.nsteps == 1000\n"
    "from ase_mag import analysis\n"
    "run = analysis.read('sld.traj')\n"
    "assert abs(run.temperature_K[50:].mean() - 300) < 40\n"
    "assert 0.03 < run.moment_sizes[50:].std(axis=1).mean() < 0.3\n",
    5: "assert dyn.nsteps == 500 and abs(m - 2.02558733512) < 1e-9",
    # Sixteen frames are too few for 415 parameters, and are followed exactly.
    6: "assert (potential.n_parameters, potential.n_scalars) == (415, 29)\n"
    "assert report.train['energy'].rmse < 1 and report.train['magforces'].rmse < 5\n"
    "assert len(ensemble.members) == 5\n"
    "assert ensemble.uncertainty(frames[0]).forces.shape == (2,)",
    # The ferromagnet of FeHL-1; before it, the cell of 2.85 angstrom.
    7: "assert result.converged and abs(result.energy + 222.658868) < 1e-6\n"
    "assert abs((atoms.get_volume() / 27) ** (1 / 3) - 2.8494) < 2e-4\n"
    "assert abs(ase_mag.get_moments(atoms)[:, 2] - 2.145).max() < 2e-3",
    8: "assert run.magnetization.shape == (101, 3) and len(fig.axes) == 2\n"
    "assert run.structure_factor(q_path='GHNGP').dynamic is not None\n"
    "assert 0 < tc.error < 10 and abs(tc.value - 1075) < 15",
}


NUMBERS = [pytest.param(n, marks=pytest.mark.slow) if n == 8 else n for n in sorted(BLOCKS)]
NUMBERS.remove(6)

#: Iron with moments in all directions.
IRON = (
    "\n".join(line for line in FRAMES.splitlines() if "atoms.numbers" not in line)
    .replace("'FeAlHL-1'", "'FeHL-1'")
    .replace("ase_mag.set_moments(", "ase_mag.set_moments(atoms, rng.normal(size=(2, 3)))\n#")
)
#: The potential of block 6 that is fitted, what is fitted to, and what is true afterwards. As it is
#: written the last one is; each of the others with the lines after it left out.
POTENTIALS = {
    "MomentTensorPotential": (FRAMES, AFTER[6]),
    "SpinLatticePotential": (
        # Fourteen frames are few for 921 parameters, and the fit says so.
        IRON
        + "\nimport warnings\nwarnings.filterwarnings('ignore', message='the data determine')\n",
        "assert potential.n_parameters == 921 and report.train['magforces'].rmse < 0.02",
    ),
    "SpinOrientationPotential": (
        # The labels have a part along the moments, and the fit says so.
        IRON
        + "\nimport warnings\nwarnings.filterwarnings('ignore', message='.*along the moments')\n",
        "assert potential.n_parameters == 85\n"
        "assert report.train['energy'].rmse < 0.3 * report.train['energy'].spread\n"
        "assert ensemble.uncertainty(frames[0]).forces.shape == (2,)",
    ),
}


@pytest.mark.parametrize("number", NUMBERS)
def test_block(number, tmp_path, strict_python, tree_environment):
    run([BEFORE[number], BLOCKS[number], AFTER[number]], tmp_path, strict_python, tree_environment)


@pytest.mark.slow
@pytest.mark.parametrize("name", POTENTIALS)
def test_block_6(name, tmp_path, strict_python, tree_environment):
    before, after = POTENTIALS[name]
    later = list(POTENTIALS)[list(POTENTIALS).index(name) + 1 :]
    lines = [line for line in BLOCKS[6].splitlines() if not any(word in line for word in later)]
    run([before, *lines, after], tmp_path, strict_python, tree_environment)


def run(parts, tmp_path, strict_python, tree_environment):
    script = tmp_path / "block.py"
    script.write_text("\n".join([*parts, ""]), encoding="utf-8")
    done = subprocess.run(
        [*strict_python, script.name],
        cwd=tmp_path,
        env=tree_environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-4000:]


def test_all_promised_blocks_are_there():
    assert sorted(BLOCKS) == sorted(BEFORE) == sorted(AFTER) == [1, 2, 3, 4, 5, 6, 7, 8]
