"""Correlations of pairs against what is put in, and the spectrum of oscillators."""

import numpy as np
import pytest
from ase import units as ase_units
from ase.build import bulk

import ase_mag
from ase_mag import analysis, models, units
from ase_mag.dynamics import SpinLatticeDynamics


def frames(count, moments, rattle=0.0, seed=0):
    rng, out = np.random.default_rng(seed), []
    for _ in range(count):
        atoms = bulk("Fe", a=2.87, cubic=True) * 3
        atoms.rattle(rattle, rng=rng) if rattle else None
        ase_mag.set_moments(atoms, moments(atoms, rng))
        out.append(atoms)
    return out


def random(atoms, rng):
    directions = rng.normal(size=(len(atoms), 3))
    return 2.2 * directions / np.linalg.norm(directions, axis=1)[:, None]


def test_crystal_counts_its_shells():
    """8, 6 and 12 neighbors; ferromagnet +m^2, antiferromagnet by shells."""
    atoms = bulk("Fe", a=2.87, cubic=True) * 3
    ase_mag.set_moments(atoms, np.tile([2.0, -2.0], 27))
    found = analysis.pair_correlation([atoms], cutoff=4.5, width=0.05)
    here = ~np.isnan(found.moments)
    np.testing.assert_allclose(found.moments[here], [-4.0, 4.0, 4.0], rtol=1e-12)
    np.testing.assert_allclose(found.directions[here], [-1.0, 1.0, 1.0], rtol=1e-12)
    volumes = 4 / 3 * np.pi * np.diff(found.edges**3)
    counts = found.density * volumes * len(atoms) / atoms.get_volume()
    np.testing.assert_allclose(counts[here], [8, 6, 12], rtol=1e-12)
    assert (found.density[~here] == 0).all() and np.isnan(found.errors).all()


def test_errors_of_random_moments():
    """<M_i.M_j> = 0; each value lies within errors that 200 independent frames have."""
    found = analysis.pair_correlation(frames(200, random, 0.05), cutoff=4.5, width=0.5)
    here = found.density > 0.2
    pulls = found.moments[here] / found.errors[here]
    assert here.sum() >= 3 and np.abs(pulls).max() < 5
    # One cosine has the variance 1/3; 54 x 8 / 2 pairs in each of 200 frames.
    first = int(np.searchsorted(found.edges, 2.87 * np.sqrt(0.75))) - 1
    expected = 2.2**2 / np.sqrt(3 * 200 * 54 * 4)
    assert found.errors[first] == pytest.approx(expected, rel=0.75)


def test_gas_has_density_one():
    rng = np.random.default_rng(1)
    atoms = bulk("Fe", a=10.0, cubic=True) * 4
    atoms.positions = rng.uniform(size=atoms.positions.shape) @ atoms.cell.array
    ase_mag.set_moments(atoms, 1.0)
    found = analysis.pair_correlation([atoms], cutoff=20.0, width=5.0)
    pairs = len(atoms) ** 2 / atoms.get_volume() * 4 / 3 * np.pi * np.diff(found.edges**3)
    # Each pair is counted twice.
    assert (np.abs(found.density - 1) < 4 * np.sqrt(2 / pairs) + 1 / len(atoms)).all()


def test_spectrum_of_oscillators():
    """Two frequencies, weights by their kinetic energies; Parseval."""
    step, energies = 2.0 * ase_units.fs, np.array([0.020, 0.035])
    rates = energies / (units.hbar_eV_s * ase_units.s)
    out = []
    for k in range(1200):
        atoms = bulk("Fe", a=2.87, cubic=True)
        velocity = np.zeros((2, 3))
        velocity[0, 0] = np.cos(rates[0] * k * step)
        velocity[1, 1] = np.sqrt(3) * np.cos(rates[1] * k * step + 0.3)
        atoms.set_velocities(1e-3 * velocity)
        out.append(atoms)
    found = analysis.vibrational_density(out, step, segment=600)
    assert found.n_segments == 3
    quantum = found.energies[1]
    assert found.density.sum() * quantum == pytest.approx(1.0)
    below = found.energies < 0.0275
    assert found.density[below].sum() * quantum == pytest.approx(0.25, abs=0.002)
    for energy, part in zip(energies, (below, ~below), strict=True):
        peak = found.energies[part][found.density[part].argmax()]
        assert peak == pytest.approx(energy, abs=0.51 * quantum)


def test_from_a_run(tmp_path):
    """Binder, correlations and vibrations of a short run of FeHL-1; the spectrum ends by 45 meV."""
    atoms = bulk("Fe", a=2.85, cubic=True) * 3
    ase_mag.set_moments(atoms, 2.15)
    atoms.calc = ase_mag.MagneticCalculator(models.named("FeHL-1"))
    path = str(tmp_path / "run.traj")
    velocities = np.random.default_rng(0).normal(size=(len(atoms), 3))
    atoms.set_velocities(np.sqrt(units.kB * 600 / atoms.get_masses())[:, None] * velocities)
    atoms.set_momenta(atoms.get_momenta() - atoms.get_momenta().mean(axis=0))
    # Without a bath, whose friction would broaden the lines.
    SpinLatticeDynamics(atoms, 1 * ase_units.fs, trajectory=path, loginterval=4).run(1200)
    run = analysis.read(path)
    found = run.correlation(cutoff=3.4, width=0.2, skip=50, stride=10)
    assert found.n_frames == 26
    near = np.nanmax(found.moments)
    assert 3.5 < near < 2.3**2 and found.plot().axes
    density = run.vibrational_density(skip=50)
    inside = density.energies < 0.045
    assert density.density[inside].sum() * density.energies[1] > 0.9 and density.plot().axes


def test_bad_input():
    atoms = frames(1, random)[0]
    with pytest.raises(ValueError, match="no frames after the first 3"):
        analysis.pair_correlation([atoms], skip=3)
    with pytest.raises(ValueError, match="0 < width <= cutoff"):
        analysis.pair_correlation([atoms], cutoff=1.0, width=2.0)
    with pytest.raises(ValueError, match=r"blocks >= 2 are needed, got 0, 0, 10"):
        analysis.pair_correlation([atoms], stride=0)
    atoms.pbc = (True, True, False)
    with pytest.raises(ValueError, match=r"frame 0 has pbc=\[True, True, False\]"):
        analysis.pair_correlation([atoms])
    with pytest.raises(ValueError, match="at least 16 frames, got 3"):
        analysis.vibrational_density([atoms] * 3, 1.0)
    moving = atoms.copy()
    moving.set_momenta(np.ones((len(atoms), 3)))
    with pytest.raises(ValueError, match="at least 40 frames, got 20"):
        analysis.vibrational_density([moving] * 20, 1.0, segment=40)
    for segment in (0, 2, 16.5):
        with pytest.raises(ValueError, match=f"16 or more, got {segment}"):
            analysis.vibrational_density([moving] * 20, 1.0, segment=segment)
    with pytest.raises(ValueError, match="have no momenta"):
        analysis.vibrational_density([atoms] * 20, 1.0)
    with pytest.raises(ValueError, match="must be positive, got None"):
        analysis.vibrational_density([atoms] * 20, None)


def test_species_have_their_own_shells():
    """CsCl: 8 unlike neighbors at 0.866 a, 6 like ones at a; each against its own gas."""
    atoms = bulk("FeAl", "cesiumchloride", a=2.9, cubic=True) * 3
    ase_mag.set_moments(atoms, np.where(atoms.symbols == "Fe", 2.0, -0.5))
    volumes = None
    for species, neighbors, product in ((("Fe", "Al"), [8, 0], -1.0), (("Al", "Al"), [0, 6], 0.25)):
        found = analysis.pair_correlation([atoms], 3.2, 0.2, species=species)
        volumes = 4 / 3 * np.pi * np.diff(found.edges**3)
        counts = found.density * volumes * 27 / atoms.get_volume()
        near = int(2.9 * np.sqrt(0.75) / 0.2), int(2.9 / 0.2)
        np.testing.assert_allclose(counts[list(near)], neighbors, rtol=1e-12)
        assert counts.sum() == pytest.approx(sum(neighbors))
        assert np.nanmax(np.abs(found.moments - product)) < 1e-12
    for species in (("Fe", "Ni"), ("Fe",)):
        with pytest.raises(ValueError, match="species must be two symbols of atoms in the frames"):
            analysis.pair_correlation([atoms], species=species)


def test_gas_within_half_of_the_cell_misses_the_atom_itself():
    """g = 1 - 1/N exactly on average: N (N - 1) pairs, no images."""
    rng, n, frames_of_gas = np.random.default_rng(2), 8, []
    for _ in range(1000):
        atoms = bulk("Fe", a=10.0, cubic=True) * (2, 2, 1)
        atoms.set_cell([20.0] * 3)
        atoms.positions = rng.uniform(0, 20, size=(n, 3))
        frames_of_gas.append(atoms)
    found = analysis.pair_correlation(frames_of_gas, 10.0, 10.0)
    pairs = 1000 * n * (n - 1) / 2 * (4 / 3 * np.pi * 1000) / 8000
    assert found.density[0] == pytest.approx(1 - 1 / n, rel=3 / np.sqrt(pairs))
    assert found.density[0] < 1 - 0.5 / n


def test_spectrum_by_parts_and_parsevals_theorem():
    """Parts of the columns add up; an Einstein oscillator is one line at its energy."""
    from ase_mag.analysis.vibrations import _power

    rows = list(np.random.default_rng(3).normal(size=(64, 30)))
    whole = np.abs(np.fft.rfft(np.hanning(64)[:, None] * np.array(rows), axis=0)) ** 2
    whole[1:32] *= 2
    np.testing.assert_allclose(_power(rows, memory=64 * 8 * 7), whole.sum(axis=1), rtol=1e-12)
    # Independent oscillators in equilibrium, all with 25 meV.
    rate, step = 0.025 / (units.hbar_eV_s * ase_units.s), 3 * ase_units.fs
    rng = np.random.default_rng(4)
    atoms = bulk("Fe", a=2.87, cubic=True) * 2
    phases, sizes = rng.uniform(0, 2 * np.pi, (16, 3)), rng.rayleigh(size=(16, 3))
    out = []
    for k in range(500):
        out.append(atoms.copy())
        out[-1].set_velocities(1e-3 * sizes * np.cos(rate * k * step + phases))
    found = analysis.vibrational_density(out, step)
    near = np.abs(found.energies - 0.025) < 1.5 * found.resolution
    assert found.density[near].sum() * found.energies[1] > 0.999
    mean = (found.energies * found.density).sum() * found.energies[1]
    assert mean == pytest.approx(0.025, rel=1e-3)
