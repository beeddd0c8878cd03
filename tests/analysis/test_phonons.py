"""Phonon spectra against normal modes that are put in, equipartition and force constants."""

import numpy as np
import pytest
from ase import units as ase_units
from ase.build import bulk
from ase.md.verlet import VelocityVerlet
from ase.phonons import Phonons

import ase_mag
from ase_mag import analysis, models, units

RATE = 1 / (units.hbar_eV_s * ase_units.s)  # omega in 1/ASE time of 1 eV


def wave(atoms, q, polarization, energy, times, amplitude=1e-3):
    """Frames of a standing wave with this energy."""
    shape = np.cos(atoms.positions @ q)[:, None] * polarization * amplitude
    out = []
    for t in times:
        frame = atoms.copy()
        frame.positions += shape * np.sin(energy * RATE * t) / (energy * RATE)
        frame.set_velocities(shape * np.cos(energy * RATE * t))
        frame.wrap()
        out.append(frame)
    return out


@pytest.mark.parametrize("along", [True, False])
def test_a_wave_has_one_peak_and_its_kinetic_energy(along):
    """Along q or across it; the integral is twice the kinetic energy of the wave."""
    atoms = bulk("Cu", a=3.6, cubic=True) * 4
    path = analysis.commensurate_path(atoms, "GX")
    q, energy, step = path.vectors[2], 0.021, 4.0 * ase_units.fs
    unit = q / np.linalg.norm(q)
    direction = unit if along else np.roll(unit, 1)
    frames = wave(atoms, q, direction, energy, step * np.arange(600))
    found = analysis.phonon_spectrum(frames, "GX", timestep=step)
    kind = 0 if along else 1
    kinetic = np.mean([frame.get_kinetic_energy() for frame in frames])
    expected = np.zeros((len(path.vectors), 2))
    # cos(q.r) = half of q and half of -q: each has half of 2 E_kin.
    expected[2, kind] = kinetic
    np.testing.assert_allclose(found.static, expected, atol=1e-6 * kinetic)
    quantum = found.energies[1]
    np.testing.assert_allclose(
        found.dynamic.sum(axis=1) * quantum, found.static, atol=1e-9 * kinetic
    )
    assert found.peaks()[2, kind] == pytest.approx(energy, abs=0.1 * found.resolution)
    assert np.isnan(found.peaks()[0, 0])  # at q = 0 nothing is along q
    # The same wave one reciprocal lattice vector further.
    shifted = path.vectors[2] + 4 * np.pi / 3.6 * np.array([0, 1, 0]) * 1.0
    other = analysis.phonon_spectrum(frames, q_vectors=[shifted], timestep=step)
    assert other.static.sum() == pytest.approx(kinetic, rel=1e-6)


def test_sites_of_a_basis_do_not_interfere():
    """An optical wave of rock salt at q = 0: both sites count, though their sum vanishes."""
    atoms = bulk("NaCl", "rocksalt", a=5.64, cubic=True) * 2
    atoms.set_masses(np.full(len(atoms), 20.0))
    sign = np.where(atoms.numbers == 11, 1.0, -1.0)
    step, frames = 4.0 * ase_units.fs, []
    for t in step * np.arange(200):
        frame = atoms.copy()
        frame.set_velocities(1e-3 * np.cos(0.03 * RATE * t) * sign[:, None] * [1.0, 0, 0])
        frames.append(frame)
    cell = bulk("NaCl", "rocksalt", a=5.64).cell
    found = analysis.phonon_spectrum(frames, "GX", cell=cell, timestep=step)
    kinetic = np.mean([frame.get_kinetic_energy() for frame in frames])
    assert found.static[0, 1] == pytest.approx(2 * kinetic, rel=1e-9)
    assert found.peaks()[0, 1] == pytest.approx(0.03, abs=0.1 * found.resolution)


@pytest.mark.slow
def test_bands_of_iron_are_those_of_force_constants(tmp_path):
    """FeHL-1 at 10 K, moments at rest, beside ase.phonons; k_B T in every wave."""
    T, atoms = 10.0, bulk("Fe", a=2.8494, cubic=True) * 4
    ase_mag.set_moments(atoms, 2.145)
    atoms.calc = ase_mag.MagneticCalculator(models.named("FeHL-1"))
    rng = np.random.default_rng(1)
    velocities = rng.normal(size=(len(atoms), 3))
    # Atoms on ideal sites keep half of it.
    atoms.set_velocities(velocities * np.sqrt(2 * units.kB * T / atoms.get_masses())[:, None])
    atoms.set_momenta(atoms.get_momenta() - atoms.get_momenta().mean(axis=0))
    path = str(tmp_path / "fe.traj")
    VelocityVerlet(atoms, 2 * ase_units.fs, trajectory=path, loginterval=6).run(3600)
    run = analysis.read(path)
    found = run.phonons("GH", skip=50)
    cell = bulk("Fe", a=2.8494)
    ase_mag.set_moments(cell, 2.145)
    phonons = Phonons(cell, atoms.calc, supercell=(5, 5, 5), delta=0.01, name=str(tmp_path / "ph"))
    phonons.run()
    phonons.read(acoustic=True)
    reduced = found.q_vectors @ cell.cell.array.T / (2 * np.pi)
    bands = phonons.band_structure(reduced, verbose=False)
    peaks = found.peaks()
    assert found.resolution < 0.001 and len(peaks) == 5
    # Along <100> the two transverse branches are one; every peak is one of the three branches.
    for row in range(1, 5):
        for peak in peaks[row]:
            assert np.abs(bands[row] - peak).min() < found.resolution
        assert np.ptp(peaks[row]) == pytest.approx(np.ptp(bands[row]), abs=2 * found.resolution)
    # Equipartition: waves that hardly exchange energy keep their random share, whose mean over 4
    # waves x 3 is k_B T, known to sqrt(2/12); drawn from all 128 atoms.
    mean = found.static[1:].sum() / 12
    assert mean == pytest.approx(units.kB * T, rel=3 * np.sqrt(2 / 12))


def test_bad_input():
    atoms = bulk("Cu", a=3.6, cubic=True) * 2
    with pytest.raises(ValueError, match="must be positive, got None"):
        analysis.phonon_spectrum([atoms] * 9, "GX", timestep=None)
    with pytest.raises(ValueError, match="have no momenta"):
        analysis.phonon_spectrum([atoms] * 9, "GX", timestep=1.0)
    with pytest.raises(ValueError, match="can be read only once: give a list, or the sites"):
        analysis.phonon_spectrum(iter([atoms] * 9), "GX", timestep=1.0)
    with pytest.raises(ValueError, match="either q_path or q_vectors"):
        analysis.phonon_spectrum([atoms] * 9, timestep=1.0)
    with pytest.raises(ValueError, match=r"shape \(3, 3\), but there are 32 atoms"):
        analysis.phonon_spectrum([atoms] * 9, "GX", timestep=1.0, sites=np.zeros((3, 3)))
    with pytest.raises(ValueError, match="at least 8 frames, got 3"):
        analysis.phonon_spectrum([atoms] * 3, "GX", timestep=1.0)
    with pytest.raises(ValueError, match=r"from 8 to the 9 of the run, got 10"):
        analysis.phonon_spectrum([atoms] * 9, "GX", timestep=1.0, segment=10)
