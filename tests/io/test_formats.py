"""Formats as ASE sees them: a fresh process that finds the package's entry points."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk

import ase_mag
from ase_mag import io, models
from ase_mag.core import get_moments
from ase_mag.io import formats

ROOT = Path(__file__).parents[2]


def iron():
    """A cubic cell with different moments, and its exchange."""
    atoms = bulk("Fe", a=2.87, cubic=True)
    ase_mag.set_moments(atoms, [[0.2, -0.1, 2.1], [1.0, 2.0, 0.4]])
    return atoms, models.Heisenberg("Fe", models.cubic(0.19, 3.0))


def test_importing_ase_does_not_import_the_package(run):
    code = "import sys, ase.io; print([m for m in sys.modules if m.startswith('ase_mag')])"
    assert run("-c", code).strip() == "['ase_mag_formats']"


def test_ase_lists_the_formats(run):
    """``ase info --formats`` shows every entry point, and each can be read."""
    listed = run("-m", "ase", "info", "--formats", command=[sys.executable])
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    names = re.findall(r'^([\w-]+) = "ase_mag_formats:(?!viewer)', text, re.MULTILINE)
    code = "from ase.io.formats import ioformats\nfor n, f in ioformats.items(): print(n, f.modes)"
    modes = dict(line.split(" ") for line in run("-c", code).splitlines() if " " in line)
    assert len(names) >= 2
    for name in names:
        assert f"  {name} [{modes[name]}/" in listed
        assert "r" in modes[name]


def test_read_and_convert_uppasd(run, tmp_path):
    atoms, model = iron()
    io.write_uppasd(tmp_path, atoms, model, repeat=(2, 1, 1))
    io.write_uppasd_restart(tmp_path / "restart.run.out", atoms * (2, 1, 1), step=7)
    code = (
        "from ase.io import read; import numpy as np\n"
        "a, b = read('inpsd.dat'), read('restart.run.out')\n"
        "assert len(a) == 4 and b.info['step'] == 7\n"
        "m = [x.get_initial_magnetic_moments() for x in (a, b)]\n"
        "np.testing.assert_allclose(*m, rtol=1e-12); print(m[0].tolist())\n"
    )
    expected = get_moments(atoms * (2, 1, 1))
    np.testing.assert_allclose(eval(run("-c", code)), expected, rtol=1e-12)
    run("-m", "ase", "convert", "inpsd.dat", "out.extxyz", command=[sys.executable])
    np.testing.assert_allclose(
        get_moments(formats.read_uppasd(tmp_path / "inpsd.dat")), expected, rtol=1e-12
    )
    assert "initial_magmoms:R:3" in (tmp_path / "out.extxyz").read_text()


def test_write_with_the_model_of_the_calculator(run, tmp_path):
    atoms, model = iron()
    atoms.calc = ase_mag.MagneticCalculator(model)
    formats.write_uppasd(tmp_path / "inpsd.dat", atoms, repeat=(1, 2, 1))
    again, exchange, _ = io.read_uppasd(tmp_path)
    energies = [
        x.get_potential_energy() / len(x) for x in (atoms, with_calculator(again, exchange))
    ]
    assert energies[0] == pytest.approx(energies[1], rel=1e-12)
    atoms.calc = None
    with pytest.raises(ValueError, match=r"an input of UppASD holds a Hamiltonian: give model"):
        formats.write_uppasd(tmp_path / "inpsd.dat", atoms)
    with pytest.raises(ValueError, match=r"is called inpsd\.dat, got 'other\.dat'"):
        formats.write_uppasd(tmp_path / "other.dat", atoms, model=model)


def with_calculator(atoms, model):
    atoms.calc = ase_mag.MagneticCalculator(model)
    return atoms


def test_moment_files_need_their_folder(tmp_path):
    atoms, model = iron()
    io.write_uppasd(tmp_path / "run", atoms, model)
    path = tmp_path / "restart.run.out"
    io.write_uppasd_restart(path, atoms)
    with pytest.raises(FileNotFoundError, match=r"no inpsd\.dat beside it: give the input folder"):
        formats.read_uppasd_moments(path)
    read = formats.read_uppasd_moments(path, inpsd=tmp_path / "run")
    np.testing.assert_allclose(get_moments(read), get_moments(atoms), rtol=1e-12)
    (frame,) = formats.read_uppasd_moments(path, slice(None), inpsd=tmp_path / "run")
    assert frame.info["step"] == 0
    with pytest.raises(ValueError, match="ensemble must be from 0 to 0, got 1"):
        formats.read_uppasd_moments(path, inpsd=tmp_path / "run", ensemble=1)
    io.write_uppasd_restart(path, atoms * (2, 1, 1))
    with pytest.raises(ValueError, match=r"holds 4 moments, but .*run describes 2 atoms"):
        formats.read_uppasd_moments(path, inpsd=tmp_path / "run")


MCIF = """data_x
_cell_length_a 2.87
_cell_length_b 2.87
_cell_length_c 2.87
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
loop_
_space_group_symop_magn_operation.xyz
x,y,z,+1
x+1/2,y+1/2,z+1/2,-1
loop_
_atom_site_label
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
Fe1 0 0 0
loop_
_atom_site_moment.label
_atom_site_moment.crystalaxis_x
_atom_site_moment.crystalaxis_y
_atom_site_moment.crystalaxis_z
Fe1 0 0 2.1
"""


def test_ase_knows_the_files_by_name_or_content(run, tmp_path):
    """In one process: every format that ASE can tell, and those that it is told."""
    atoms, model = iron()
    io.write_lammps_spin(tmp_path / "any.name", atoms)
    io.write_lammps_spin(tmp_path / "dump.any", [atoms, atoms])
    io.write_vampire(tmp_path / "iron.ucf", atoms, model)
    io.write_spirit(tmp_path / "iron.cfg", atoms, model)
    io.write_ovf(tmp_path / "spins.ovf", atoms)
    (tmp_path / "iron.mcif").write_text(MCIF)
    code = """
import numpy as np
from ase.io import read, write

m = [[0.2, -0.1, 2.1], [1.0, 2.0, 0.4]]
sizes = np.linalg.norm(m, axis=1)
for name in ("any.name", "iron.ucf"):
    np.testing.assert_allclose(read(name).get_initial_magnetic_moments(), m, rtol=1e-12)
frames = read("dump.any", ":", format="lammps-spin-dump")
assert len(frames) == 2
np.testing.assert_allclose(frames[1].get_initial_magnetic_moments(), m, rtol=1e-12)
config = read("iron.cfg", format="spirit")
np.testing.assert_allclose(config.get_initial_magnetic_moments()[:, 2], sizes, rtol=1e-12)
points = read("spins.ovf").get_initial_magnetic_moments()
np.testing.assert_allclose(points * sizes[:, None], m, rtol=1e-12)
structure = read("iron.mcif")
assert structure.get_initial_magnetic_moments()[:, 2].tolist() == [2.1, -2.1]
write("again.data", structure, format="lammps-spin-data")
write("again.dump", frames, format="lammps-spin-dump")
write("again.ovf", frames)
assert len(read("again.ovf", ":")) == len(read("again.dump", ":", format="lammps-spin-dump")) == 2
print("done")
"""
    assert run("-c", code).strip() == "done"


def test_ase_gui_opens_the_files(run, tmp_path):
    """Without a display: the number of atoms that ``ase gui`` sees."""
    (tmp_path / "iron.mcif").write_text(MCIF)
    text = run("-m", "ase", "gui", "-t", "-g", "len(R)", "iron.mcif", command=[sys.executable])
    assert float(text.split()[-1]) == 2
