"""Hamiltonians of folders beside what the program UppASD (6.1) makes of them.

Recorded runs (see record.py), and runs of an installed program where there is one: ``uppasd`` in
the PATH.
"""

import json
import shutil
import warnings

import numpy as np
import pytest
from ase import units as ase_units

import ase_mag
from ase_mag import io, units
from ase_mag.core import get_moments
from ase_mag.dynamics import SpinDynamics

from . import record

MRY = units.energy_unit("mRy")
PROGRAM = shutil.which("uppasd")
RUNS = json.loads(record.RECORDED.read_text())
SOURCES = ["recorded"] + (["program"] if PROGRAM else [])
#: Cases that are read otherwise than the program means them, for a reason.
REFUSED = "one direction only"
SMALL = "scalars, one bond of several counts"
SCALAR = "tensors without calc_jtensor"
WARNS = (SMALL, SCALAR)


@pytest.fixture(params=SOURCES)
def run(request):
    def run(name):
        if request.param == "program":
            return record.execute(name, PROGRAM)
        found = RUNS[name]
        return found["energies"], np.array(found["before"]), np.array(found["after"])

    return run


def read(folder, name, moments):
    """The atoms and model of a case, with moments that are exact to the digits of the program."""
    record.write(folder, name, moments)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore" if name in WARNS else "error", UserWarning)
        atoms, model, settings = io.read_uppasd(folder)
    atoms.calc = ase_mag.MagneticCalculator(model)
    return atoms, settings


def printed(atoms, field):
    """What UppASD prints: half of -M.B of the interactions, all of -M.B of the field, mRy/atom."""
    moments = get_moments(atoms)
    external = units.tesla * np.asarray(field)
    inside = atoms.calc.get_property("magforces", atoms) - external
    return -(0.5 * np.sum(moments * inside) + np.sum(moments @ external)) / len(atoms) / MRY


@pytest.mark.parametrize("name", [name for name in record.CASES if name not in (REFUSED, SMALL)])
def test_energies_and_fields(name, run, tmp_path):
    """Energies to the nine digits of the program, the motion of one step to its digits."""
    energies, before, after = run(name)
    atoms, settings = read(tmp_path, name, before)
    assert settings.timestep == pytest.approx(record.STEP * ase_units.s)
    assert printed(atoms, settings.field) == pytest.approx(energies["Tot"], rel=2e-7, abs=1e-9)
    quartic = "order" in name or "cubic" in name
    if not quartic:
        energy = atoms.get_potential_energy() / len(atoms) / MRY
        assert energy == pytest.approx(energies["Tot"], rel=2e-7, abs=1e-9)
    SpinDynamics(atoms, settings.timestep).run(1)
    moved = np.abs(after - before).max()
    assert moved > 1e-5
    # Two numbers with eight decimals, times 2 mu_B.
    np.testing.assert_allclose(get_moments(atoms), after, rtol=0, atol=1e-8)


def test_terms_of_the_energy(run, tmp_path):
    """The exchange alone, the Dzyaloshinskii-Moriya part alone, as the program prints them."""
    energies, before, _ = run("dm")
    atoms, _ = read(tmp_path, "dm", before)
    exchange, dm, *_ = atoms.calc.model.terms
    for term, key in ((exchange, "Exc"), (dm, "DM")):
        atoms.calc = ase_mag.MagneticCalculator(term)
        energy = atoms.get_potential_energy() / len(atoms) / MRY
        assert energy == pytest.approx(energies[key], rel=2e-7)


def test_energies_of_fourth_and_sixth_order_are_printed_several_times(run, tmp_path):
    """-M.B/2 counts a term of degree n n/2 times; the motion follows the energy that is read."""
    energies, before, _ = run("cubic, sixth order")
    atoms, _ = read(tmp_path, "cubic, sixth order", before)
    e = before / 2.0
    x, y, z = (e**2).T
    fourth, sixth = -0.1 * (x * y + y * z + z * x).mean(), -0.5 * (x * y * z).mean()
    anisotropy = next(t for t in atoms.calc.model.terms if "Cubic" in repr(t))
    atoms.calc = ase_mag.MagneticCalculator(anisotropy)
    energy = atoms.get_potential_energy() / len(atoms) / MRY
    assert energy == pytest.approx(fourth + sixth, rel=1e-8)
    assert energies["Ani"] == pytest.approx(2 * fourth + 3 * sixth, rel=2e-7)


def test_bonds_of_one_direction_are_refused(run, tmp_path):
    """The program moves the first site only, and prints half of the energy of the bonds."""
    energies, before, after = run(REFUSED)
    moved = np.linalg.norm(after - before, axis=1)
    assert (moved[0::2] > 1e-4).all() and (moved[1::2] == 0).all()
    e = before / np.linalg.norm(before, axis=1)[:, None]
    assert energies["Exc"] == pytest.approx(-0.8 * np.sum(e[0::2] * e[1::2]) / len(e), rel=1e-7)
    record.write(tmp_path, REFUSED, before)
    with pytest.raises(ValueError, match="the bond back is not listed"):
        io.read_uppasd(tmp_path)


def test_tensors_that_the_program_takes_as_scalars_warn(run, tmp_path):
    _, before, _ = run(SCALAR)
    record.write(tmp_path, SCALAR, before)
    with pytest.warns(UserWarning, match="has no line 'calc_jtensor F'"):
        io.read_uppasd(tmp_path)


def test_small_boxes_warn(run, tmp_path):
    """Two cells wide, +x and -x are one atom: the program counts one of them, ase_mag both."""
    energies, before, _ = run(SMALL)
    record.write(tmp_path, SMALL, before)
    with pytest.warns(UserWarning, match=r"box of \[2, 2, 2\] cells.*map_multiple T"):
        atoms, model, _ = io.read_uppasd(tmp_path)
    atoms.calc = ase_mag.MagneticCalculator(model)
    energy = atoms.get_potential_energy() / len(atoms) / MRY
    assert energies["Exc"] == pytest.approx(0.5 * energy, rel=1e-7)
