"""The packages themselves, where they are installed."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from ase import units
from ase.build import bulk

import ase_mag
from ase_mag import fitting, models
from ase_mag.build import set_ferromagnetic
from ase_mag.calculators import DeepmdSpin, chgnet, predicted_sizes
from ase_mag.core import get_moments
from ase_mag.dynamics import SpinLatticeDynamics

# Warnings of these packages and of torch are theirs.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def frames(count):
    out = []
    for seed in range(count):
        atoms = bulk("FeO", "rocksalt", a=4.3, cubic=True)
        atoms.rattle(0.05, seed=seed)
        moments = np.random.default_rng(seed).normal(size=(8, 3)) + [0, 0, 3]
        moments[atoms.symbols == "O"] = 0.0
        ase_mag.set_moments(atoms, moments)
        terms = models.Heisenberg("Fe", models.cubic(0.1, 4.0)) + models.NonMagnetic("O")
        atoms.calc = ase_mag.MagneticCalculator(terms)
        atoms.get_forces()
        out.append(atoms)
    return out


SETTINGS = {
    "model": {
        "type_map": ["Fe", "O"],
        "descriptor": {
            "type": "se_e2_a",
            "sel": [60, 60],
            "rcut_smth": 3.0,
            "rcut": 4.0,
            "neuron": [4, 8],
            "axis_neuron": 4,
            "seed": 1,
            "precision": "float64",
            "type_one_side": True,
        },
        "fitting_net": {"neuron": [16], "seed": 1, "precision": "float64"},
        "spin": {"use_spin": [True, False], "virtual_scale": [0.314]},
    },
    "learning_rate": {"type": "exp", "decay_steps": 5, "start_lr": 0.001, "stop_lr": 1e-4},
    "loss": {
        "type": "ener_spin",
        "start_pref_e": 1,
        "limit_pref_e": 1,
        "start_pref_fr": 1,
        "limit_pref_fr": 1,
        "start_pref_fm": 1,
        "limit_pref_fm": 1,
    },
    "training": {
        "training_data": {"systems": [], "batch_size": 1},
        "numb_steps": 5,
        "seed": 1,
        "disp_freq": 5,
        "save_freq": 5,
    },
}


def test_a_trained_spin_model_of_deepmd(tmp_path):
    """Signs of all results by differences of the energy, and energy conservation."""
    pytest.importorskip("deepmd")
    command = shutil.which("dp") or str(Path(sys.executable).with_name("dp"))
    data = fitting.write_deepmd(tmp_path / "data", frames(4))
    folders = [str(path) for path in (data or [tmp_path / "data"])]
    SETTINGS["training"]["training_data"]["systems"] = folders
    (tmp_path / "input.json").write_text(json.dumps(SETTINGS))
    subprocess.run(
        [command, "--pt", "train", "input.json"], cwd=tmp_path, check=True, capture_output=True
    )
    atoms = frames(7)[-1]
    moments = get_moments(atoms)
    atoms.calc = calc = DeepmdSpin(tmp_path / "model.ckpt-5.pt")
    fields, forces, stress = (
        np.array(calc.get_property(name, atoms)) for name in ("magforces", "forces", "stress")
    )
    assert not fields[atoms.symbols == "O"].any()
    positions, cell = atoms.positions.copy(), atoms.cell.array.copy()

    def energy(shift=0.0, turn=0.0, strain=0.0):
        atoms.set_cell(cell @ (np.eye(3) + strain))
        atoms.positions[:] = (positions + shift) @ (np.eye(3) + strain)
        ase_mag.set_moments(atoms, moments + turn)
        return atoms.get_potential_energy()

    unit = np.zeros((8, 3))
    unit[0, 1] = 1e-3
    assert fields[0, 1] == pytest.approx(-(energy(turn=unit) - energy(turn=-unit)) / 2e-3, rel=1e-4)
    assert forces[0, 1] == pytest.approx(
        -(energy(shift=unit) - energy(shift=-unit)) / 2e-3, rel=1e-3, abs=1e-6
    )
    shear = np.zeros((3, 3))
    shear[0, 1] = shear[1, 0] = 1e-4
    slope = (energy(strain=shear) - energy(strain=-shear)) / 2e-4
    assert 2 * stress[5] * np.linalg.det(cell) == pytest.approx(slope, rel=1e-3, abs=1e-6)
    energy()
    atoms.set_momenta(np.random.default_rng(0).normal(scale=1.0, size=(8, 3)))
    start = atoms.get_total_energy()
    SpinLatticeDynamics(atoms, 0.5 * units.fs).run(20)
    assert atoms.get_total_energy() == pytest.approx(start, abs=2e-4)


def test_chgnet_below_a_magnetic_model():
    pytest.importorskip("chgnet")
    pytest.importorskip("pymatgen.analysis.eos")
    lattice = chgnet(device="cpu")
    atoms = bulk("Fe", a=2.87, cubic=True) * 2
    sizes = predicted_sizes(atoms, lattice)
    # Its training data say 2.2 to 2.3 mu_B of bcc iron.
    assert (np.abs(sizes - 2.3) < 0.4).all()
    set_ferromagnetic(atoms, sizes)
    energy = lattice.get_property("energy", atoms)
    exchange = models.Heisenberg("Fe", models.cubic(0.1, 3.5))
    atoms.calc = ase_mag.add(lattice, exchange)
    alone = ase_mag.MagneticCalculator(exchange)
    assert atoms.get_potential_energy() == pytest.approx(
        energy + alone.get_property("energy", atoms), abs=1e-4
    )
    atoms.rattle(0.05, seed=1)
    assert atoms.get_stress().shape == (6,)
    before = atoms.get_potential_energy()
    moments = get_moments(atoms)
    moments[0] *= -1
    ase_mag.set_moments(atoms, moments)
    assert atoms.get_potential_energy() > before
    SpinLatticeDynamics(atoms, units.fs).run(2)
