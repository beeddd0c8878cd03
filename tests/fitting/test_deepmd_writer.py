"""Folders of DeePMD-kit that are written are read as the same data."""

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator

import ase_mag
from ase_mag import fitting, models
from ase_mag.core import get_moments


def frames(symbols=("Fe", "O"), count=5, seed=0, pbc=True):
    """Labelled frames; only iron has moments."""
    rng = np.random.default_rng(seed)
    model = models.Heisenberg("Fe", models.cubic(0.19, 4.0)) + models.NonMagnetic(("Fe", "O"))
    model += models.Landau("Fe", a=-0.15, b=0.02)
    out = []
    for _ in range(count):
        atoms = bulk("Fe", a=2.9, cubic=True) * (2, 1, 1)
        atoms.symbols = list(symbols) * 2
        atoms.rattle(0.1, rng=rng)
        atoms.set_cell(atoms.cell @ (np.eye(3) + 0.02 * rng.normal(size=(3, 3))), True)
        atoms.pbc = pbc
        ase_mag.set_moments(atoms, (atoms.numbers == 26)[:, None] * rng.normal(size=(4, 3)))
        atoms.calc = ase_mag.MagneticCalculator(model)
        names = ["energy", "forces", "magforces"] + ["stress"] * pbc
        results = {name: atoms.calc.get_property(name, atoms) for name in names}
        atoms.calc = SinglePointCalculator(atoms, **results)
        out.append(atoms)
    return out


@pytest.mark.parametrize("frames_per_set", [None, 2])
def test_round_trip(tmp_path, frames_per_set):
    data = fitting.read(frames())
    fitting.write_deepmd(tmp_path, data, frames_per_set=frames_per_set)
    assert len(list(tmp_path.glob("set.*"))) == (1 if frames_per_set is None else 3)
    again = fitting.read(tmp_path)
    assert len(again) == len(data) == 5
    for old, new in zip(data, again, strict=True):
        np.testing.assert_array_equal(new.atoms.positions, old.atoms.positions)
        np.testing.assert_array_equal(new.atoms.cell.array, old.atoms.cell.array)
        np.testing.assert_array_equal(get_moments(new.atoms), get_moments(old.atoms))
        assert list(new.atoms.symbols) == list(old.atoms.symbols)
        for label in ("energy", "forces"):
            np.testing.assert_array_equal(new.labels[label], old.labels[label])
        np.testing.assert_allclose(new.labels["stress"], old.labels["stress"], rtol=1e-13)
        iron = old.atoms.numbers == 26
        np.testing.assert_array_equal(new.labels["magforces"][iron], old.labels["magforces"][iron])
        assert np.isnan(new.labels["magforces"][~iron]).all()
    fitting.write_deepmd(tmp_path / "second", again)  # NaN of species without spins
    assert len(fitting.read(tmp_path / "second")) == 5


def test_several_systems_and_molecules(tmp_path):
    both = frames() + frames(("O", "Fe"), count=2, seed=1)
    fitting.write_deepmd(tmp_path / "a", both)
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == ["system.000", "system.001"]
    again = fitting.read(tmp_path / "a")
    assert [f.atoms.symbols[0] for f in again] == ["Fe"] * 5 + ["O"] * 2
    fitting.write_deepmd(tmp_path / "b", frames(pbc=False))
    assert (tmp_path / "b" / "nopbc").exists()
    assert not fitting.read(tmp_path / "b")[0].atoms.pbc.any()


def test_what_is_refused(tmp_path):
    data = frames()
    fitting.write_deepmd(tmp_path / "a", data)
    with pytest.raises(FileExistsError, match=r"a holds type.*\.raw: give an empty folder"):
        fitting.write_deepmd(tmp_path / "a", data)
    data[3].calc.results.pop("forces")
    with pytest.raises(ValueError, match="frame 3 of memory has no forces, but other frames"):
        fitting.write_deepmd(tmp_path / "b", data)
    data = frames()
    data[2].pbc = (True, True, False)
    data[2].calc = SinglePointCalculator(data[2], energy=1.0)
    with pytest.raises(ValueError, match="frame 2 of memory is periodic in some directions only"):
        fitting.write_deepmd(tmp_path / "b", data)
    data = frames()
    data[1].calc.results["magforces"][0, 1] = np.nan
    with pytest.raises(ValueError, match=r"frame 1 of memory: magforces is not known \(NaN\)"):
        fitting.write_deepmd(tmp_path / "b", fitting.read(data, nan="missing"))
    with pytest.raises(ValueError, match="frames_per_set must be a positive number, got 0"):
        fitting.write_deepmd(tmp_path / "b", data, frames_per_set=0)
    assert not (tmp_path / "b").exists()
