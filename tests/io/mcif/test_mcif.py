"""Magnetic CIF files: structures known otherwise, symmetry of the result, broken files."""

import numpy as np
import pytest
from ase.build import bulk

from ase_mag import io
from ase_mag.core import get_moments

#: The antiferromagnet MnF2, P4_2'/mnm': Mn at the corner up, in the center down.
RUTILE = """# a comment
data_rutile
_space_group_magn.name_BNS "P4_2'/mnm'"
_cell_length_a   4.8734(2)
_cell_length_b   4.8734(2)
_cell_length_c   3.3099(5)
_cell_angle_alpha 90.00
_cell_angle_beta 90.00
_cell_angle_gamma 90.00
_publ_section_title
;
A text with data_ and
_names in it
;
loop_
_space_group_symop_magn_operation.id
_space_group_symop_magn_operation.xyz
1 x,y,z,+1
2 -x,-y,z,+1
3 -y+1/2,x+1/2,z+1/2,-1
4 y+1/2,-x+1/2,z+1/2,-1
5 -x+1/2,y+1/2,-z+1/2,+1
6 x+1/2,-y+1/2,-z+1/2,+1
7 y,x,-z,-1
8 -y,-x,-z,-1
9 -x,-y,-z,+1
10 x,y,-z,+1
11 y+1/2,-x+1/2,-z+1/2,-1
12 -y+1/2,x+1/2,-z+1/2,-1
13 x+1/2,-y+1/2,z+1/2,+1
14 -x+1/2,y+1/2,z+1/2,+1
15 -y,-x,z,-1
16 y,x,z,-1
loop_
_space_group_symop_magn_centering.id
_space_group_symop_magn_centering.xyz
1 x,y,z,+1
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
Mn1 Mn2+ 0 0 0 1
F1 F 0.30500 0.30500 0.00000 1
loop_
_atom_site_moment.label
_atom_site_moment.crystalaxis_x
_atom_site_moment.crystalaxis_y
_atom_site_moment.crystalaxis_z
_atom_site_moment.symmform
Mn1 0.0 0.0 4.6(1) 0,0,mz
"""

#: A hexagonal cell with 3-fold rotation: moments at 120 degrees, and an anti-centering along c.
TRIANGLE = """data_triangle
_cell_length_a   6.0
_cell_length_b   6.0
_cell_length_c   10.0
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 120
loop_
_space_group_symop_magn_operation_xyz
x,y,z,+1
-y,x-y,z,+1
-x+y,-x,z,+1
loop_
_space_group_symop_magn_centering_xyz
x,y,z,+1
x,y,0.5+z,-1
loop_
_atom_site_label
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
Fe_1 0.3 0 0.1
loop_
_atom_site_moment_label
_atom_site_moment_crystalaxis_x
_atom_site_moment_crystalaxis_y
_atom_site_moment_crystalaxis_z
Fe_1 2.0 1.0 0.5
"""


def read(folder, text, **keywords):
    (folder / "a.mcif").write_text(text)
    return io.read_mcif(folder / "a.mcif", **keywords)


def test_rutile(tmp_path):
    atoms = read(tmp_path, RUTILE)
    assert atoms.get_chemical_formula() == "F4Mn2" and atoms.pbc.all()
    assert atoms.info["magnetic_space_group"] == "P4_2'/mnm'"
    np.testing.assert_allclose(atoms.cell.lengths(), [4.8734, 4.8734, 3.3099])
    manganese = atoms.symbols == "Mn"
    order = np.argsort(atoms.positions[manganese, 0])
    np.testing.assert_allclose(
        atoms.get_scaled_positions()[manganese][order], [[0, 0, 0], [0.5, 0.5, 0.5]], atol=1e-12
    )
    np.testing.assert_allclose(
        get_moments(atoms)[manganese][order], [[0, 0, 4.6], [0, 0, -4.6]], atol=1e-12
    )
    assert not get_moments(atoms)[~manganese].any()
    fluorine = sorted(atoms.get_scaled_positions()[~manganese].round(6).tolist())
    expected = [[0.195, 0.805, 0.5], [0.305, 0.305, 0], [0.695, 0.695, 0], [0.805, 0.195, 0.5]]
    np.testing.assert_allclose(fluorine, expected, atol=1e-9)


def test_moments_along_oblique_axes(tmp_path):
    """2 along a and 1 along b (120 degrees between them), turned by 0, 120, 240 degrees."""
    atoms = read(tmp_path, TRIANGLE)
    assert len(atoms) == 6 and set(atoms.symbols) == {"Fe"}
    first = np.array([2.0 - 0.5, np.sqrt(3) / 2, 0.5])
    for k, angle in enumerate(np.radians([0, 120, 240])):
        c, s = np.cos(angle), np.sin(angle)
        turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
        place = turn @ [0.3 * 6, 0, 0]
        for height, sign in ((1.0, 1), (6.0, -1)):
            gaps = atoms.positions - (place + [0, 0, height])
            gaps = np.linalg.solve(atoms.cell.array.T, gaps.T).T
            (found,) = np.flatnonzero(np.abs(gaps - np.round(gaps)).max(axis=1) < 1e-9)
            np.testing.assert_allclose(get_moments(atoms)[found], sign * turn @ first, atol=1e-12)
        assert k < 3


@pytest.mark.parametrize("text", [RUTILE, TRIANGLE])
def test_the_structure_has_the_symmetry_that_the_file_lists(tmp_path, text):
    """Every operation, as a Cartesian rotation, maps the atoms and axial moments on themselves."""
    atoms = read(tmp_path, text)
    cell, count = atoms.cell.array, 0
    for line in text.splitlines():
        parts = line.split()[-1].split(",") if line.endswith(("1", "+1")) else []
        if len(parts) != 4:
            continue
        count += 1
        points = np.vstack([np.zeros(3), np.eye(3)])
        images = np.array(
            [[eval(p, dict(zip("xyz", q, strict=True))) for p in parts[:3]] for q in points]
        )
        matrix, shift = (images[1:] - images[0]).T, images[0]
        rotation = cell.T @ matrix @ np.linalg.inv(cell.T)
        np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
        new = atoms.get_scaled_positions() @ matrix.T + shift
        turned = int(parts[3]) * np.linalg.det(rotation) * get_moments(atoms) @ rotation.T
        for symbol, place, moment in zip(atoms.symbols, new, turned, strict=True):
            gaps = atoms.get_scaled_positions() - place
            (k,) = np.flatnonzero(np.abs(gaps - np.round(gaps)).max(axis=1) < 1e-9)
            assert atoms.symbols[k] == symbol
            np.testing.assert_allclose(get_moments(atoms)[k], moment, atol=1e-12)
    assert count >= 5


def test_several_blocks_and_occupancies(tmp_path):
    both = "data_empty\n_a b\n" + RUTILE + TRIANGLE
    assert len(read(tmp_path, both)) == 6 and "Mn" in read(tmp_path, both).symbols
    assert set(read(tmp_path, both, block="triangle").symbols) == {"Fe"}
    with pytest.raises(ValueError, match="no data block other with atoms; blocks: rutile, tri"):
        read(tmp_path, both, block="other")
    with pytest.warns(UserWarning, match="line 46: the site is partly occupied"):
        read(tmp_path, RUTILE.replace("0.00000 1\n", "0.00000 0.9\n"))


def test_iron_as_one_atom_and_a_centering(tmp_path):
    text = TRIANGLE.replace("6.0\n", "2.87\n").replace("10.0\n", "2.87\n").replace("120", "90")
    text = text.replace("-y,x-y,z,+1\n-x+y,-x,z,+1\n", "").replace(
        "x,y,0.5+z,-1", "x+1/2,y+1/2,z+1/2,+1"
    )
    text = text.replace("0.3 0 0.1", "0 0 0")
    atoms = read(tmp_path, text)
    expected = bulk("Fe", a=2.87, cubic=True)
    np.testing.assert_allclose(atoms.positions, expected.positions, atol=1e-12)
    np.testing.assert_allclose(get_moments(atoms), [[2, 1, 0.5]] * 2, atol=1e-12)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("data_rutile\n", "", r"line 2: expected data_<name> first, got '_space_group_magn\.name"),
        ("4.8734(2)", "4.87x", "line 4: _cell_length_a must be a number, got '4.87x'"),
        ("_cell_length_c   3.3099(5)\n", "", "has no _cell_length_c"),
        ("3 -y+1/2,x+1/2,z+1/2,-1", "3 -y+1/2,x+1/2,z+1/2", "line 20: expected an operation as"),
        ("3 -y+1/2,", "3 -y+1/2w,", "line 20: '-y.1/2w' in the operation .* is not understood"),
        ("3 -y+1/2,", "3 -y+x,", None),
        ("Mn1 Mn2+ 0 0 0 1", "Mn1 Mn2+ 0 0 0", "has 11 values, which are no whole rows"),
        ("Mn1 Mn2+", "Mn1 Qq", "line 45: 'Qq' does not begin with a chemical symbol"),
        ("Mn1 0.0 0.0 4.6", "Mn2 0.0 0.0 4.6", "line 53: the moment of 'Mn2' has no site"),
        ("Mn1 0.0 0.0 4.6(1)", "Mn1 1.0 0.0 4.6", "line 45: .* do not allow the moment of Mn1"),
        ("in it\n;\n", "in it\n", "line 11: the text that begins here with ; has no end"),
        ("_publ_section_title\n", "_x\n_publ\n", "line 10: _x has no value"),
        ("F1 F 0.30500 0.30500 0.00000 1", "F1 F 0 0 0 1", "are at one place"),
    ],
)
def test_broken_files(tmp_path, old, new, message):
    assert old in RUTILE
    if message is None:
        message = "changes volumes"
        new = "3 2y+1/2,"
    with pytest.raises(ValueError, match=message):
        read(tmp_path, RUTILE.replace(old, new, 1))


def test_what_is_not_read(tmp_path):
    plain = RUTILE.replace("symop_magn_operation", "symop_operation")
    with pytest.raises(ValueError, match="lists no operations of a magnetic space group"):
        read(tmp_path, plain)
    with pytest.raises(ValueError, match="the structure is modulated"):
        read(tmp_path, RUTILE + "loop_\n_atom_site_moment_Fourier.atom_site_label\nMn1\n")
    with pytest.raises(ValueError, match="other forms are not read"):
        read(tmp_path, RUTILE.replace("moment.crystalaxis_z", "moment.spherical_polar"))


def test_truncations(tmp_path):
    """Cut before the moments a file is whole CIF without moments; anywhere else is an error."""
    lines = TRIANGLE.splitlines()
    whole = [k for k, line in enumerate(lines) if line == "loop_" and "moment" in lines[k + 1]]
    for count in range(1, len(lines)):
        text = "\n".join(lines[:count]) + "\n"
        if count == whole[0]:
            assert not get_moments(read(tmp_path, text)).any()
        else:
            with pytest.raises(ValueError, match=r"a\.mcif"):
                read(tmp_path, text)
