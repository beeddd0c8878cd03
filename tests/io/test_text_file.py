"""Text files that end within their last line."""

import pytest
from ase.build import bulk

import ase_mag
from ase_mag import io, models
from ase_mag.io.text_file import TextFile, TextStream, read_lines


def iron():
    atoms = bulk("Fe", a=2.87, cubic=True)
    ase_mag.set_moments(atoms, [[0.0, 0.3, 2.1], [0.2, 0.0, -2.2]])
    return atoms


def data(folder):
    io.write_lammps_spin(folder / "a.data", iron(), style="data")
    return folder / "a.data", lambda: io.read_lammps_spin(folder / "a.data")


def dump(folder):
    io.write_lammps_spin(folder / "a.dump", iron(), style="dump")
    return folder / "a.dump", lambda: io.read_lammps_spin(folder / "a.dump")


def restart(folder):
    io.write_uppasd_restart(folder / "restart.dat", iron())
    return folder / "restart.dat", lambda: io.read_uppasd_moments(folder / "restart.dat")


def positions(folder):
    exchange = models.shells([0.02], reference=iron())
    io.write_uppasd(folder, iron(), models.Heisenberg("Fe", exchange))
    return folder / "posfile", lambda: io.read_uppasd(folder, species=("Fe", "Co"))


@pytest.mark.parametrize("write", [data, dump, restart, positions])
def test_a_number_that_was_cut_off_is_noticed(tmp_path, write):
    """A shorter last number is a number too: the missing end of its line tells."""
    path, read = write(tmp_path)
    read()
    whole = path.read_text()
    assert whole.endswith("\n")
    path.write_text(whole.rstrip()[:-1])
    with pytest.warns(UserWarning, match=f"the last line of .*{path.name} has no end"):
        read()


@pytest.mark.parametrize("text", ["", "\n", "1 2\n3 4\n", "1 2\n\n"])
def test_whole_files(tmp_path, text):
    path = tmp_path / "a"
    path.write_text(text)
    assert read_lines(path) == TextFile(path).lines == text.splitlines()
    with TextStream(path) as stream:
        while not stream.ended():
            stream.next("a line")
