"""The parser on outputs recorded with ABINIT 9.6.2, and on damaged copies of them.

Version 10 was not run: its differences are facts of public reference outputs of 10.1.4 (release in
the version line, negative zeros, no trailing blanks, more symmetry keywords), put into a copy.
"""

import re

import numpy as np
import pytest
from ase.units import Bohr, Hartree

from ase_mag.reference import BadOutput, NotConverged
from ase_mag.reference.abinit import parse_output
from ase_mag.reference.abinit.output import error_message

#: Hartree and bohr, as they stand in the file.
COLLINEAR = {
    "energy": -2.48903598089906e02,
    "force": [0.00392470332207, -0.00000000331825, -0.00258766287571],
    "stress": [
        *(3.3028203624e-04, 3.3633210965e-04, 3.3390861120e-04),
        *(-6.5051431960e-11, 3.9460822908e-06, -1.7997939860e-11),
    ],
    "gradient": [-8.7528908069e-03, -1.3749494042e-02],
}


def test_collinear(recorded):
    """Two atoms of iron, targets 2.2 and 1.8; numbers as they stand in the file."""
    found = parse_output(recorded("abinit_collinear"))
    assert found.version == "9.6.2"
    assert found.energy == pytest.approx(COLLINEAR["energy"] * Hartree, abs=1e-9)
    np.testing.assert_allclose(found.forces[0] / (Hartree / Bohr), COLLINEAR["force"], atol=1e-13)
    np.testing.assert_allclose(found.stress / (Hartree / Bohr**3), COLLINEAR["stress"], atol=1e-14)
    np.testing.assert_allclose(found.moments, [[0, 0, 2.199998], [0, 0, 1.800004]], atol=1e-12)
    np.testing.assert_allclose(found.gradient[:, 2] / Hartree, COLLINEAR["gradient"], atol=1e-13)
    np.testing.assert_allclose(found.gradient[:, :2], 0)
    np.testing.assert_allclose(found.total_moment, [0, 0, 3.964451])
    np.testing.assert_array_equal(found.atomic_numbers, [26, 26])
    np.testing.assert_allclose(found.positions, [[0, 0, 0], [1.445, 1.415, 1.395]], atol=1e-9)
    assert found.iterations == 33
    assert found.residual.endswith("< tolvrs= 1.00E-08 =>converged.")


def test_forces_are_minus_each_other_and_agree_with_the_second_table(recorded):
    found = parse_output(recorded("abinit_collinear"))
    np.testing.assert_allclose(found.forces.sum(axis=0), 0, atol=1e-9)
    text = recorded("abinit_collinear")
    table = re.search(r"cartesian forces \(eV/Angstrom\) at end:\n(.*)\n(.*)\n", text)
    words = np.array([line.split()[1:] for line in table.groups()], dtype=float)
    np.testing.assert_allclose(found.forces, words, rtol=1e-6)  # eV of another CODATA


def test_one_atom_at_the_origin_is_not_echoed(recorded):
    """Primitive bcc iron, no constraint; numbers as they stand in the file."""
    found = parse_output(recorded("abinit_one_atom"))
    np.testing.assert_array_equal(found.positions, np.zeros((1, 3)))
    np.testing.assert_array_equal(found.forces, np.zeros((1, 3)))
    assert found.energy == pytest.approx(-1.24414278718070e02 * Hartree, abs=1e-9)
    np.testing.assert_allclose(found.moments, [[0, 0, 2.928096]], atol=1e-12)
    assert not found.constrained
    text = re.sub(r"^ +xcart .*\n(?: {15,}.*\n)*", "", recorded("abinit_collinear"), flags=re.M)
    with pytest.raises(BadOutput, match="no xcart in the echo"):
        parse_output(text)


def test_unconverged_run_raises_although_it_has_numbers(recorded):
    text = recorded("abinit_unconverged")
    assert "cartesian forces (eV/Angstrom) at end" in text
    with pytest.raises(
        NotConverged, match=r"run\.abo: not converged after 60 iterations \(potential residual= 4"
    ):
        parse_output(text, "run.abo")


def test_noncollinear_columns(recorded):
    """The unconverged run without its warning: only the columns are of interest here."""
    text = recorded("abinit_unconverged")
    text = re.sub(r" scprqt:  WARNING -\n.*\n.*\n", " At SCF step 60 =>converged.\n", text)
    found = parse_output(text)
    np.testing.assert_allclose(
        found.moments, [[0.499986, -0.000151, 2.000436], [-0.500028, -0.000149, 2.000545]]
    )
    np.testing.assert_allclose(found.total_moment, [-0.000034, -0.000281, 3.968089])
    np.testing.assert_allclose(
        found.gradient[1] / Hartree, [-3.7099323249e-03, 3.0354499863e-06, -7.6179956547e-03]
    )


def test_mixed_species_in_the_order_of_the_atoms(recorded):
    found = parse_output(recorded("abinit_fealfeal"))
    np.testing.assert_array_equal(found.atomic_numbers, [26, 13, 26, 13])
    np.testing.assert_array_equal(found.types, [1, 2, 3, 2])
    np.testing.assert_allclose(found.moments[[0, 2], 2], [2.0, 1.2], atol=1e-4)
    assert np.abs(found.moments[[1, 3], 2]).max() < 0.2
    np.testing.assert_allclose(found.gradient[[1, 3]], 0, atol=1e-12)  # free
    assert found.gradient[0, 2] != found.gradient[2, 2]


def as_version_10(text):
    text = text.replace(".Version 9.6.2 of ABINIT", ".Version 10.1.4 of ABINIT, released Sep 2024.")
    text = text.replace("chksymtnons           0", "chksymtnons           3")
    text = text.replace(" 0.0000000000E+00", "-0.0000000000E+00")
    return "\n".join(line.rstrip() for line in text.split("\n"))


def test_version_10(recorded):
    old = parse_output(recorded("abinit_collinear"))
    new = parse_output(as_version_10(recorded("abinit_collinear")))
    assert new.version == "10.1.4"
    for name in ("energy", "forces", "stress", "moments", "gradient", "positions"):
        np.testing.assert_array_equal(getattr(new, name), getattr(old, name), err_msg=name)


@pytest.mark.parametrize("fraction", [0.02, 0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.97])
def test_every_truncation_is_an_error(recorded, fraction):
    text = recorded("abinit_collinear")
    text = text[: text.rindex("=====")]
    with pytest.raises(BadOutput):
        parse_output(text[: int(fraction * len(text))])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (r"(?s).*", "", "is empty: ABINIT did not start, or the disk is full"),
        (r"\.Version", "Version", "not a main output of ABINIT"),
        (r".* =>converged\.\n", "", "has no a converged SCF step"),
        (r"total_energy  .*\n", "total_energy        : NaN\n", "contains 'NaN' where a finite"),
        (r"total_energy  .*\n", "total_energy        : ****\n", r"'\*\*\*\*' is not a number"),
        (
            r"(cartesian forces \(hartree/bohr\) at end:\n).*\n",
            r"\1",
            "expected the values of atom",
        ),
        (r"grspin.*\n.*\n", "grspin 1.0\n", "grspin has 1 values instead of 6"),
        (r" +grspin.*\n.*\n", "", "has constraints but no gradient"),
        (r" Integrated electronic and magn.*\n", "", "no moments in atomic spheres"),
        (r"Diff\(up-dn\)   ", "Difference    ", "unknown columns of moments: Atom Radius"),
        (r" strten .*\n.*\n", "", "no strten in the echo"),
    ],
)
def test_damaged_files(recorded, old, new, message):
    text, count = re.subn(old, new, recorded("abinit_collinear"))
    assert count
    with pytest.raises(BadOutput, match=message):
        parse_output(text)


def test_error_messages_of_logs():
    log = "x\n--- !ERROR\nsrc_file: m.F90\nmessage: |\n    `pseudos`\n    is missing\n...\n y"
    assert error_message(log) == "`pseudos` is missing"
    log = " chkint_prt: ERROR -\n Context: iscf is 17.\n  Action: change it.\n\n So, stopping."
    assert error_message(log) == "Context: iscf is 17. Action: change it."
    assert error_message("a b c") == "a b c"
