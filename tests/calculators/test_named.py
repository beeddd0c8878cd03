"""Calculators by name: the command ``ase run``, ASE's list of plugins, saved models."""

import subprocess
import sys

import ase.io
import numpy as np
import pytest
from ase.build import bulk

import ase_mag
import ase_mag_formats
from ase_mag import models
from ase_mag.calculators import named


def iron(path):
    atoms = bulk("Fe", a=2.87, cubic=True)
    ase_mag.set_moments(atoms, [[0.3, 0.0, 2.1], [0.0, -1.0, 1.9]])
    atoms.rattle(0.05, seed=1)
    ase.io.write(path, atoms)
    return ase.io.read(path)


def test_every_parameter_set_has_a_calculator():
    listed = {name: each for name, each in ase_mag_formats.CALCULATORS.items() if each is not None}
    assert sorted(listed.values()) == sorted(models.named())
    for name, each in listed.items():
        assert name == "ase-mag-" + each.lower() or name in ("ase-mag-fehl1", "ase-mag-fealhl1")


def test_ase_run(run, tmp_path):
    """The real command: energy, forces, moments and magnetic forces in the output file."""
    atoms = iron(tmp_path / "fe.traj")
    ase_command = [sys.executable, "-m", "ase", "run"]
    run("ase-mag-fehl1", "fe.traj", "-o", "out.extxyz", command=ase_command)
    found = ase.io.read(tmp_path / "out.extxyz")
    atoms.calc = ase_mag.MagneticCalculator(models.named("FeHL-1"))
    assert found.get_potential_energy() == pytest.approx(atoms.get_potential_energy(), abs=1e-8)
    for name in ("forces", "magforces", "magmoms", "stress"):
        np.testing.assert_allclose(
            found.calc.results[name], atoms.calc.get_property(name, atoms), atol=1e-7, err_msg=name
        )


def test_ase_run_with_parameters_and_a_saved_model(run, tmp_path):
    """Relaxed moments while the atoms relax; a model from the folder of the configuration."""
    iron(tmp_path / "fe.traj")
    folder = tmp_path / "my models"
    folder.mkdir()
    models.named("FeHL-1").save(folder / "mine.npz")
    (tmp_path / "config.ini").write_text(f"[ase_mag]\nmodels = {folder}\n")
    run(
        *["ase-mag", "fe.traj", "-p", "model=mine,moments=relaxed", "-f", "0.01", "-t", "new"],
        command=[sys.executable, "-m", "ase", "run"],
        ASE_CONFIG_PATH=str(tmp_path / "config.ini"),
    )
    last = ase.io.read(tmp_path / "fe-new.traj")
    assert np.abs(last.get_forces()).max() < 0.01
    assert np.abs(last.calc.results["magforces"]).max() < 1e-5


def test_mistakes_in_the_command(installed, tmp_path):
    iron(tmp_path / "fe.traj")
    done = subprocess.run(
        [sys.executable, "-m", "ase", "run", "ase-mag", "fe.traj", "-p", "model=none.npz"],
        cwd=tmp_path,
        env=installed,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode != 0
    assert "there is no model 'none.npz': looked for the file none.npz" in done.stderr


def test_ase_lists_the_plugins(run):
    """Formats and calculators, under the name and version of the distribution."""
    listed = run("-m", "ase", "info", "--plugins", command=[sys.executable])
    ours = listed[listed.index(f"ase_mag {ase_mag.__version__}") :]
    assert "Magnetic moments that move" in ours
    for name in (*ase_mag_formats.CALCULATORS, "uppasd", "mcif"):
        assert name in ours


def test_implementations_of_plugins():
    plugins = {plugin.name: plugin for plugin in ase_mag_formats.__ase_plugins__}
    calc = plugins["ase-mag-fe-uppasd"]()(skin=0.3)
    assert calc.parameters["skin"] == 0.3
    assert isinstance(calc.model, models.Heisenberg)
    with pytest.raises(AttributeError, match="no attribute 'other'"):
        ase_mag_formats.other  # noqa: B018


def test_bad_arguments(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="needs a model: -p model=FeHL-1"):
        named.named_calculator()
    with pytest.raises(TypeError, match="leave out model='x'"):
        named.named_calculator("FeHL-1", model="x")
    with pytest.raises(TypeError, match="bogus"):
        named.named_calculator("FeHL-1", bogus=1)
    monkeypatch.setattr(named, "configured", lambda key: tmp_path)
    with pytest.raises(ValueError, match=r"/b\.npz and the names FeHL-1"):
        named.find_model("b")
