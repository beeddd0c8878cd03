"""OVF files: several segments, orders of atoms, files of other programs, broken files."""

from importlib.util import find_spec

import numpy as np
import pytest
from ase.build import bulk

import ase_mag
from ase_mag import io
from ase_mag.core import get_moments
from ase_mag.io import formats

SEGMENT = """# Begin: Segment
# Begin: Header
#
# Title: a title: with colon
# Desc: first
# Desc: second
# valuedim: 3   ## field dimensionality
# valueunits: A/m A/m A/m
# valuelabels: m_x m_y m_z
# meshunit: nm
# xmin: 0
# meshtype: rectangular
# xbase: 0.5
# ybase: 0
# zbase: 0
# xstepsize: 1
# ystepsize: 2
# zstepsize: 3
# xnodes: 2
# ynodes: 2
# znodes: 1
# End: Header
#
# Begin: Data Text
1 0 0
2 0 0
3 0 0
4 0 0.5
# End: Data Text
# End: Segment
"""
WHOLE = "# OOMMF OVF 2.0\n#\n# Segment count: 2\n#\n" + SEGMENT + "#\n" + SEGMENT


def sample(seed=0):
    cell = bulk("Fe", a=2.87, cubic=True)
    atoms = cell * (3, 2, 4)
    moments = np.random.default_rng(seed).normal(size=(len(atoms), 3))
    moments[5] = 0.0
    ase_mag.set_moments(atoms, moments)
    return atoms


def test_round_trip_of_several_segments_and_the_order_of_spirit(tmp_path):
    frames, repeat = [sample(k) for k in range(3)], (3, 2, 4)
    path = tmp_path / "spins.ovf"
    io.write_ovf(path, frames, repeat=repeat)
    fields = io.read_ovf(path, slice(None))
    assert [f.nodes.tolist() for f in fields] == [[6, 2, 4]] * 3
    for old, field in zip(frames, fields, strict=True):
        # Spirit: the sites of a cell, then a, b, c.
        moments = get_moments(old).reshape(3, 2, 4, 2, 3)
        for place, (c, b, a, site) in enumerate(np.ndindex(4, 2, 3, 2)):
            vector = moments[a, b, c, site]
            np.testing.assert_allclose(
                field.values[place] * np.linalg.norm(vector), vector, atol=1e-15
            )
    start = frames[0].copy()
    for k in range(3):
        like = frames[k].copy()
        ase_mag.set_moments(like, np.linalg.norm(get_moments(frames[k]), axis=1))
        read = io.read_ovf(path, k, atoms=like, repeat=repeat)
        np.testing.assert_allclose(get_moments(read), get_moments(frames[k]), rtol=0, atol=1e-15)
    io.write_ovf(path, fields)
    for old, new in zip(fields, io.read_ovf(path, slice(None)), strict=True):
        np.testing.assert_array_equal(new.values, old.values)
        np.testing.assert_allclose(new.points, old.points, rtol=1e-15)
    assert len(start) == len(read)


def test_files_of_micromagnetics(tmp_path):
    (tmp_path / "m.ovf").write_text(WHOLE)
    field = io.read_ovf(tmp_path / "m.ovf")
    np.testing.assert_array_equal(
        field.points, [[0.5, 0, 0], [1.5, 0, 0], [0.5, 2, 0], [1.5, 2, 0]]
    )
    assert field.values[:, 0].tolist() == [1, 2, 3, 4] and field.value_units == ("a/m",) * 3
    assert (field.title, field.description) == ("a title: with colon", "first second")
    atoms = formats.read_ovf(tmp_path / "m.ovf", slice(None))[1]
    np.testing.assert_allclose(atoms.positions, 10 * field.points)
    np.testing.assert_array_equal(get_moments(atoms), field.values)
    csv = SEGMENT.replace("Data Text", "Data CSV").replace("4 0 0.5", "4, 0, 0.5,")
    irregular = SEGMENT.replace("rectangular", "irregular").replace("xnodes: 2", "pointcount: 2")
    irregular = irregular.replace("1 0 0\n2 0 0\n", "").replace("3 0 0", "1 2 3 4 5 6")
    irregular = irregular.replace("4 0 0.5", "7 8 9 1 2 3")
    (tmp_path / "m.ovf").write_text("# OOMMF OVF 2.0\n" + csv + irregular)
    first, second = io.read_ovf(tmp_path / "m.ovf", slice(None))
    assert first.values[3].tolist() == [4, 0, 0.5] and second.nodes is None
    assert second.points.tolist() == [[1, 2, 3], [7, 8, 9]]
    assert second.values.tolist() == [[4, 5, 6], [1, 2, 3]]
    io.write_ovf(tmp_path / "n.ovf", second)
    np.testing.assert_array_equal(io.read_ovf(tmp_path / "n.ovf").points, second.points)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("OVF 2.0", "OVF 1.0", "line 1: an OVF 2.0 file begins with"),
        ("4 0 0.5", "4 0", "line 32: point 4 of 4 needs 3 numbers, got '4 0'"),
        ("4 0 0.5", "4 0 x", "line 32: point 4 of 4 needs 3 numbers"),
        ("4 0 0.5", "4 0 0.5 1", "line 32: point 4 of 4 has more than 3 numbers"),
        ("4 0 0.5\n", "", "line 32: point 4 of 4 has more than 3 numbers: '# End"),
        ("3 0 0\n", "3 0 0\n3 0 0\n", "line 33: expected '# End: Data text' after 4 points"),
        ("xnodes: 2", "xnodes: two", "xnodes must be a whole number from 1, got 'two'"),
        ("# ynodes: 2\n", "", "ynodes must be a whole number from 1, got 'none'"),
        ("rectangular", "hexagonal", "meshtype must be rectangular or irregular, got 'hexagonal'"),
        ("Data Text", "Data Binary 8", "line 28: data binary 8 is not read: write .* as text"),
        ("Segment count: 2", "Segment count: 3", "has 2 segments, but should have 3"),
        ("# Begin: Header\n", "", "expected '# Begin: Header'"),
    ],
)
def test_broken_files(tmp_path, old, new, message):
    assert old in WHOLE
    (tmp_path / "m.ovf").write_text(WHOLE.replace(old, new, 1))
    with pytest.raises(ValueError, match=message):
        io.read_ovf(tmp_path / "m.ovf")


def test_every_truncation_is_noticed(tmp_path):
    lines = WHOLE.splitlines()
    for count in range(1, len(lines)):
        (tmp_path / "m.ovf").write_text("\n".join(lines[:count]) + "\n")
        with pytest.raises(ValueError, match=r"m\.ovf"):
            io.read_ovf(tmp_path / "m.ovf")


def test_what_does_not_fit(tmp_path):
    path = tmp_path / "m.ovf"
    path.write_text(WHOLE)
    atoms = sample()
    with pytest.raises(ValueError, match="holds 4 vectors of 3 components, but there are 48 atoms"):
        io.read_ovf(path, atoms=atoms)
    with pytest.raises(ValueError, match="vector 2 has length 2: only files of unit vectors"):
        io.read_ovf(path, atoms=atoms[:4])
    with pytest.raises(ValueError, match=r"divides the 48 atoms, got \[5, 1, 1\]"):
        io.write_ovf(path, atoms, repeat=(5, 1, 1))
    with pytest.raises(IndexError):
        io.read_ovf(path, 2)
    with pytest.raises(ValueError, match="there are no images"):
        io.write_ovf(path, [])


@pytest.mark.skipif(find_spec("spirit") is None, reason="the package spirit is not installed")
def test_spirit_reads_and_writes_the_same(tmp_path):
    """Order and values of all spins, both ways (Spirit writes 12 digits)."""
    from spirit import configuration, geometry, state, system
    from spirit import io as spirit_io

    (tmp_path / "a.cfg").write_text(
        "log_to_file 0\nlog_to_console 0\nbravais_lattice sc\nlattice_constant 2.87\nbasis\n2\n"
        "0 0 0\n0.5 0.5 0.5\nmu_s 2.0 2.0\nn_basis_cells 3 2 4\n"
    )
    atoms = sample()
    ase_mag.set_moments(atoms, 2.0)
    with state.State(str(tmp_path / "a.cfg"), quiet=True) as spirit:
        configuration.random(spirit)
        spins = np.array(system.get_spin_directions(spirit))
        positions = np.array(geometry.get_positions(spirit))
        name = str(tmp_path / "spins.ovf")
        spirit_io.image_write(spirit, name, fileformat=spirit_io.FILEFORMAT_OVF_TEXT)
        read = io.read_ovf(name, atoms=atoms, repeat=(3, 2, 4))
        for place, spin in zip(positions, spins, strict=True):
            (k,) = np.flatnonzero(np.abs(atoms.positions - place).max(axis=1) < 1e-4)
            np.testing.assert_allclose(get_moments(read)[k], 2.0 * spin, atol=1e-6)
        ase_mag.set_moments(atoms, np.random.default_rng(3).normal(size=(48, 3)))
        io.write_ovf(name, atoms, repeat=(3, 2, 4))
        spirit_io.image_read(spirit, name)
        for place, spin in zip(positions, system.get_spin_directions(spirit), strict=True):
            (k,) = np.flatnonzero(np.abs(atoms.positions - place).max(axis=1) < 1e-4)
            moment = get_moments(atoms)[k]
            np.testing.assert_allclose(spin, moment / np.linalg.norm(moment), atol=1e-6)
