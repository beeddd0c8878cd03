"""exchange.out that is written: round trips, and energies of a plain loop over its numbers."""

import re

import ase.io
import numpy as np
import pytest
from ase.build import bulk

import ase_mag
from ase_mag import io, models
from ase_mag.core import get_moments
from ase_mag.io import formats

from . import bond_energy


def crystal():
    atoms = bulk("Fe", a=2.9, cubic=True)
    atoms.symbols[1] = "Co"
    atoms.set_cell(atoms.cell @ np.array([[1, 0.05, 0], [0, 1.02, 0.03], [0, 0, 0.97]]), True)
    atoms.positions[1] += (0.1, -0.05, 0.02)
    ase_mag.set_moments(atoms, [[0.3, 0.2, 2.1], [0.1, -1.6, 0.2]])
    return atoms


BOTH = ("Fe", "Co")
EXCHANGE = models.Heisenberg(BOTH, models.cubic(0.19, 3.75))
DMI = models.DzyaloshinskiiMoriya(
    BOTH, models.cubic(0.02, 3.5), rule="interfacial", normal=(0.1, 0.2, 1.0)
)
MATRIX = np.array([[1.0, 0.2, 0.0], [0.2, 0.7, -0.3], [0.0, -0.3, 1.3]])
TENSOR = models.TensorExchange(BOTH, models.cubic(0.05, 3.6), MATRIX)
LANDAU = models.Landau(BOTH, a=-0.15, b=0.02)


def energies(atoms, model):
    """Of three states of random moments of the sizes of the cell, in a supercell."""
    out = []
    for seed in range(3):
        sample = atoms * (2, 3, 2)
        sizes = np.linalg.norm(get_moments(sample), axis=1)
        directions = bond_energy.random_directions(len(sample), seed)
        ase_mag.set_moments(sample, sizes[:, None] * directions)
        sample.calc = ase_mag.MagneticCalculator(model)
        out.append(sample.get_potential_energy())
    return np.array(out)


@pytest.mark.parametrize(
    "model", [EXCHANGE, EXCHANGE + DMI, EXCHANGE + TENSOR, DMI + TENSOR + LANDAU]
)
def test_round_trip(tmp_path, model):
    atoms = crystal()
    io.write_tb2j(tmp_path / "exchange.out", atoms, model)
    again, read = io.read_tb2j(tmp_path)
    np.testing.assert_allclose(again.positions, atoms.positions, atol=1e-11)
    np.testing.assert_allclose(again.cell.array, atoms.cell.array, atol=1e-11)
    np.testing.assert_allclose(get_moments(again), get_moments(atoms), atol=1e-11)
    assert (again.numbers == atoms.numbers).all()
    # Sizes stay, so that the Landau energy is a constant.
    before, after = energies(atoms, model), energies(again, read)
    np.testing.assert_allclose(np.diff(after), np.diff(before), rtol=1e-9, atol=1e-10)
    if "Landau" not in repr(model):
        np.testing.assert_allclose(after, before, rtol=1e-9)
    # A second time nothing changes at all.
    text = (tmp_path / "exchange.out").read_text()
    io.write_tb2j(tmp_path / "exchange.out", again, read)
    numbers = [
        np.array(re.findall(r"-?\d+\.\d+", t), float)
        for t in (text, (tmp_path / "exchange.out").read_text())
    ]
    np.testing.assert_allclose(numbers[0], numbers[1], atol=2e-11)


def test_the_numbers_in_the_file_are_tb2js(tmp_path):
    """-sum_{i!=j} J e_i.e_j in meV, from the lines of the file by hand."""
    atoms = crystal()
    io.write_tb2j(tmp_path / "exchange.out", atoms, EXCHANGE)
    pattern = r"^ +(\w+) +(\w+) +\( *(-?\d+), *(-?\d+), *(-?\d+)\) (\S+)"
    sites = {"Fe1": 0, "Co1": 1}
    bonds = [
        (sites[i], sites[j], tuple(map(int, shift)), -float(value) * np.eye(3))
        for i, j, *shift, value in re.findall(
            pattern, (tmp_path / "exchange.out").read_text(), re.MULTILINE
        )
    ]
    found = [
        1e-3 * bond_energy.energy(bond_energy.random_directions(24, seed), (2, 3, 2), 2, bonds)
        for seed in range(3)
    ]
    np.testing.assert_allclose(found, energies(atoms, EXCHANGE), rtol=1e-9)


def test_through_ase(tmp_path):
    atoms = crystal()
    atoms.calc = ase_mag.MagneticCalculator(EXCHANGE)
    formats.write_tb2j(tmp_path / "exchange.out", atoms)
    again = formats.read_tb2j(tmp_path / "exchange.out")
    np.testing.assert_allclose(get_moments(again), get_moments(atoms), atol=1e-11)
    atoms.calc = None
    with pytest.raises(ValueError, match="an input of TB2J holds a Hamiltonian"):
        formats.write_tb2j(tmp_path / "exchange.out", atoms)


def test_ase_recognizes_the_file(run, tmp_path):
    io.write_tb2j(tmp_path / "mine.txt", crystal(), EXCHANGE)
    run("-c", "import ase.io; ase.io.write('out.extxyz', ase.io.read('mine.txt'))")
    assert str(ase.io.read(tmp_path / "out.extxyz").symbols) == "FeCo"


@pytest.mark.parametrize(
    "model, message",
    [
        (EXCHANGE + models.Zeeman(BOTH, (0, 0, 1.0)), r"on-site terms \(field\)"),
        (EXCHANGE + models.UniaxialAnisotropy("Fe", 0.01, (0, 0, 1), 2.2), r"on-site terms"),
        (models.FeAlHL1(), "the structure holds Co"),
    ],
)
def test_what_cannot_be_written(tmp_path, model, message):
    with pytest.raises(ValueError, match=message):
        io.write_tb2j(tmp_path / "exchange.out", crystal(), model)
    assert not list(tmp_path.iterdir())


def test_cells_that_cannot_be_written(tmp_path):
    atoms = crystal()
    atoms.pbc = (True, True, False)
    with pytest.raises(ValueError, match="use a cell with vacuum and pbc=True"):
        io.write_tb2j(tmp_path / "exchange.out", atoms, EXCHANGE)
    atoms.pbc = True
    ase_mag.set_moments(atoms, [[0, 0, 2.0], [0, 0, 0]])
    with pytest.raises(ValueError, match="one of them has no moment"):
        io.write_tb2j(tmp_path / "exchange.out", atoms, EXCHANGE)
