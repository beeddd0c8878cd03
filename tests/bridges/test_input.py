"""Bad input, refused before there are processes or LAMMPS."""

from inspect import signature

import numpy as np
import pytest
from ase import units
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms, FixCartesian

import ase_mag
from ase_mag import models
from ase_mag.bridges import LammpsSimulation
from ase_mag.core import extras
from ase_mag.dynamics import SpinLatticeDynamics


def iron():
    atoms = bulk("Fe", a=2.86, cubic=True) * (3, 3, 3)
    ase_mag.set_moments(atoms, 2.2)
    return atoms


def run(atoms=None, model=None, timestep=units.fs, **options):
    return LammpsSimulation(atoms or iron(), model or models.named("FeHL-1"), timestep, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"timestep": -1.0}, "timestep must be a positive number in ASE time units"),
        ({"skin": 0.0}, "skin must be a positive number in angstrom"),
        ({"friction": 0.1}, "friction is given but temperature_K is None"),
        (
            {"temperature_K": 300, "damping": np.full(53, 0.1)},
            r"damping must be a number or have shape \(54,\), got \(53,\)",
        ),
        (
            {"temperature_K": 300, "longitudinal": True, "longitudinal_rate": np.ones((54, 3))},
            r"longitudinal_rate must be a number or have shape \(54,\), got \(54, 3\)",
        ),
        (
            {"longitudinal": "inertial", "inertia": [0.06]},
            r"inertia must be a number or have shape \(54,\), got \(1,\)",
        ),
        ({"field": lambda time: (0, time)}, r"field\(0\) must be three finite numbers in tesla"),
        ({"field": (0, 0, np.nan)}, "field must be three finite numbers in tesla"),
        ({"method": "sequential"}, "method must be 'implicit' on many processes, got 'sequential'"),
        *(
            ({"checkpoint": "run.npz", "dump": dump}, f"cannot go on with the dump '{dump}'")
            for dump in ("run.dump.gz", "run.bin", "run.%.dump")
        ),
        ({"restart": True}, "restart needs the file of the checkpoint"),
        ({"loginterval": 2.5}, "loginterval must be a positive number of steps .*, got 2.5"),
        ({"checkpoint_interval": 2.5}, "checkpoint_interval must be a positive number of steps"),
        ({"model": models.NonMagnetic("Al")}, "the structure holds Fe"),
    ],
)
def test_settings(options, message):
    with pytest.raises(ValueError, match=message):
        run(**options)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (None, "must be an ase_mag.core.Model, got None: give one of ase_mag.models; with other"),
        (EMT(), "with other calculators run SpinLatticeDynamics"),
        (
            ase_mag.MagneticCalculator(models.named("FeHL-1")),
            r"give the model of the calculator \(atoms.calc.model\)",
        ),
    ],
)
def test_models_that_are_none(model, message):
    with pytest.raises(TypeError, match=message):
        LammpsSimulation(iron(), model, units.fs)


def test_the_folder_of_the_checkpoint_has_to_exist(tmp_path):
    path = tmp_path / "missing" / "run.npz"
    with pytest.raises(FileNotFoundError, match=r"missing' of the checkpoint .* make it first"):
        run(checkpoint=path)


def test_arguments_have_the_defaults_of_the_serial_class():
    ours, theirs = (
        {name: one.default for name, one in signature(cls).parameters.items()}
        for cls in (LammpsSimulation, SpinLatticeDynamics)
    )
    differ = {name for name in ours.keys() & theirs.keys() if ours[name] != theirs[name]}
    assert differ == {"method"}


def test_no_atoms_and_nan():
    with pytest.raises(ValueError, match="a simulation needs atoms, got none"):
        LammpsSimulation(iron()[:0], models.named("FeHL-1"), units.fs)
    atoms = iron()
    atoms.positions[3, 1] = np.nan
    with pytest.raises(ValueError, match=r"positions contain NaN or infinity \(first bad row: 3"):
        run(atoms)


def test_constraints():
    atoms = iron()
    atoms.set_constraint([FixAtoms([0]), FixCartesian([1], mask=(True, False, False))])
    with pytest.raises(ValueError, match="FixCartesian is not supported: only FixAtoms is"):
        run(atoms)


def test_moments_that_are_not_finite():
    atoms = iron()
    atoms.arrays["initial_magmoms"][7, 1] = np.inf
    with pytest.raises(ValueError, match="the moment of atom 7 is not a finite number"):
        run(atoms)


def test_momenta_that_are_not_finite():
    atoms = iron()
    momenta = np.zeros((len(atoms), 3))
    momenta[7, 1] = np.nan
    atoms.set_momenta(momenta)
    with pytest.raises(
        ValueError, match=r"the momentum of atom 7 is not a finite number: \[0.0, nan"
    ):
        run(atoms)


def test_without_mpi4py(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(f"No module named {name!r}", name=name.partition(".")[0])

    monkeypatch.setattr(extras, "import_module", missing)
    with pytest.raises(ImportError, match=r'mpi4py is needed .* pip install "ase-mag\[lammps\]"'):
        run()
