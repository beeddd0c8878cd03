"""Stress and moments of every atom: sum rules, a numpy twin, averages, maps and files."""

import numpy as np
import pytest
from ase import units
from ase.build import bulk
from ase.io import read, write
from ase.md.velocitydistribution import thermalize_momenta
from ase.optimize import LBFGS
from matscipy.neighbours import neighbour_list

import ase_mag
from ase_mag import analysis, models
from ase_mag.analysis import SiteMaps, burgers_vector, loop_circuit, site_maps
from ase_mag.build import BccLattice, bcc_crystal, point_defect, prismatic_loop
from ase_mag.dynamics import SpinLatticeDynamics
from ase_mag.models import Heisenberg, cubic


def crystal(model=None, displacement=0.1, n=3):
    rng = np.random.default_rng(5)
    atoms = bulk("Fe", "bcc", a=2.87, cubic=True) * n
    atoms.positions += rng.normal(scale=displacement, size=(len(atoms), 3))
    ase_mag.set_moments(atoms, rng.normal(scale=1.3, size=(len(atoms), 3)))
    atoms.calc = ase_mag.MagneticCalculator(model or models.named("FeHL-1"))
    return atoms


def test_the_mean_over_atoms_is_the_stress_of_the_system():
    atoms = crystal()
    maps = site_maps(atoms)
    np.testing.assert_allclose(
        maps.stress.mean(axis=0), atoms.get_stress() / units.GPa, rtol=0, atol=1e-9
    )
    np.testing.assert_allclose(maps.stress, 54 / units.GPa * atoms.get_stresses())
    np.testing.assert_allclose(maps.trace, maps.stress[:, :3].sum(axis=1))
    assert np.ptp(maps.trace) > 10


def test_atoms_of_a_strained_crystal_are_all_alike():
    """Without displacements every atom has the stress of the whole, -3 times the pressure."""
    atoms = crystal(displacement=0.0)
    ase_mag.set_moments(atoms, 2.2)
    maps = site_maps(atoms)
    np.testing.assert_allclose(maps.trace, 3 * atoms.get_stress()[0] / units.GPa, rtol=1e-9)
    # Wider than at equilibrium: tension.
    assert maps.trace[0] > 1


def test_virials_of_exchange_by_hand():
    """E_i = -1/2 sum_j J(r) M_i.M_j, J = J0 (1 - r/rc)^3: W_i = -1/2 sum_j J' M_i.M_j r r/|r|."""
    strength, cutoff = 0.19, 3.75
    atoms = crystal(Heisenberg("Fe", cubic(strength, cutoff=cutoff)))
    i, j, vectors, distances = neighbour_list("ijDd", atoms, cutoff)
    moments = ase_mag.get_moments(atoms)
    slopes = -3 * strength / cutoff * (1 - distances / cutoff) ** 2
    weights = -0.5 * slopes * (moments[i] * moments[j]).sum(axis=1) / distances
    virials = np.zeros((len(atoms), 3, 3))
    np.add.at(virials, i, weights[:, None, None] * vectors[:, :, None] * vectors[:, None])
    rows, columns = [0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]
    expected = len(atoms) / atoms.get_volume() * virials[:, rows, columns] / units.GPa
    np.testing.assert_allclose(site_maps(atoms).stress, expected, atol=1e-10)


def test_averages_follow_atoms_through_boundaries():
    atoms = crystal(displacement=0.0)
    first, second = atoms.copy(), atoms.copy()
    first.positions += 0.3
    second.positions -= 0.5
    second.wrap()
    ase_mag.set_moments(first, (1, 0, 0) * np.ones((54, 1)))
    ase_mag.set_moments(second, (0, -2, 0) * np.ones((54, 1)))
    second.set_cell(1.01 * second.cell.array, scale_atoms=True)
    model = models.named("FeHL-1")
    maps = site_maps([atoms, first, second], model, skip=1)
    assert maps.n_frames == 2
    shift = maps.atoms.positions - 1.005 * (atoms.positions - 0.1)
    shift -= np.rint(shift / maps.atoms.cell.lengths()) * maps.atoms.cell.lengths()
    np.testing.assert_allclose(shift, 0, atol=5e-3)
    np.testing.assert_allclose(maps.atoms.cell.lengths(), 1.005 * atoms.cell.lengths())
    np.testing.assert_allclose(maps.sizes, 1.5)
    np.testing.assert_allclose(maps.moments, (0.5, -1.0, 0) * np.ones((54, 1)))
    parts = [site_maps(frame, model).stress for frame in (first, second)]
    np.testing.assert_allclose(maps.stress, np.mean(parts, axis=0))


def test_a_trajectory_holds_the_stresses(tmp_path):
    atoms = crystal(displacement=0.02)
    ase_mag.set_moments(atoms, 2.1)
    thermalize_momenta(atoms, temperature_K=300, rng=np.random.default_rng(1))
    path = tmp_path / "run.traj"
    SpinLatticeDynamics(atoms, units.fs, trajectory=path, loginterval=2).run(4)
    maps = site_maps(analysis.read(path))
    assert maps.n_frames == 3
    # A temperature of the first frame is none of the mean.
    assert "spin_temperature_K" in read(path, 0).info
    assert "spin_temperature_K" not in maps.atoms.info
    frames = read(path, ":")
    for frame in frames:
        frame.calc = None
    again = site_maps(frames, models.named("FeHL-1"))
    np.testing.assert_allclose(maps.stress, again.stress, atol=1e-9)
    with pytest.raises(ValueError, match=r"frame 0 holds no stresses .* give the model"):
        site_maps(frames)


@pytest.fixture(scope="module")
def loop():
    """A square loop of 25 atoms, relaxed, with its energies on the way."""
    box = bcc_crystal(2.84939, 11, moment=2.1449)
    atoms = prismatic_loop(box, "<100>", n_atoms=25)
    atoms.calc = ase_mag.MagneticCalculator(models.named("FeHL-1"), moments="relaxed", fmax=1e-4)
    optimizer, energies = LBFGS(atoms, logfile=None), [atoms.get_potential_energy()]
    for _ in optimizer.irun(fmax=0.02, steps=150):
        energies.append(atoms.get_potential_energy())
    assert optimizer.converged(optimizer.optimizable.get_gradient())
    return atoms, BccLattice.of(box), np.array(energies) + 4.123314413 * len(atoms)


def test_a_relaxed_loop_stays_one(loop):
    """Its energy falls in every step, its Burgers vector is that of the start, and the energy per
    atom is well below that of a single interstitial (3.5 eV) and above zero."""
    atoms, lattice, energies = loop
    assert (np.diff(energies) < 1e-6).all()
    assert 1.2 < energies[-1] / 25 < 1.8 < energies[0] / 25
    vector = burgers_vector(atoms, lattice, loop_circuit(atoms, lattice))
    np.testing.assert_allclose(vector, [0, 0, lattice.a], atol=1e-9)


def test_moments_follow_the_stress_at_a_loop(loop):
    """Compressed inside, stretched around the edge: smaller and larger moments (Fig. 3)."""
    atoms, _, _ = loop
    maps = site_maps(atoms)
    np.testing.assert_allclose(maps.moments, atoms.get_magnetic_moments())
    inserted = slice(-25, None)
    assert maps.trace[inserted].mean() < -20 < maps.trace.mean() < 0
    assert maps.sizes[inserted].mean() < 2.0 < maps.sizes.mean()
    indices, places = maps.slab((1, 0, 0))
    assert 0 < len(indices) < 0.1 * len(atoms)
    beyond = abs(places[:, 0]) - atoms.info["loop_radius"]
    outside = indices[(beyond > 1.5) & (beyond < 4) & (abs(places[:, 1]) < 2)]
    assert maps.trace[outside].mean() > 5
    assert maps.sizes[outside].mean() > 2.16
    assert np.corrcoef(maps.trace, maps.sizes)[0, 1] > 0.8


def test_slab_of_a_plane():
    atoms = point_defect(bcc_crystal(2.87, 4), "vacancy")
    maps = site_maps(atoms, models.named("FeHL-1"))
    center = atoms.info["defect_position"]
    indices, places = maps.slab((0, 0, 2))
    height = atoms.positions[indices, 2] - center[2]
    np.testing.assert_allclose(height, 0, atol=1e-9)
    assert len(indices) == 15
    np.testing.assert_allclose(np.linalg.norm(places, axis=1).min(), 2.87)
    # The second axis is up; together with the normal the axes are right-handed.
    indices, places = maps.slab(
        (1, 0, 0), through=center + [0, 0, 1.0], up=(5, 0, 3), thickness=0.1
    )
    vectors = atoms.positions[indices] - center - [0, 0, 1.0]
    vectors -= np.rint(vectors / 11.48) * 11.48
    np.testing.assert_allclose(places, vectors[:, 1:], atol=1e-9)
    for options, message in (
        ({"normal": (0, 0, 0)}, "normal must be three numbers that are not all zero"),
        ({"normal": (0, 0, 1), "up": (0, 0, 2)}, "the part of up in the plane must be"),
        ({"normal": (1, 0.3, 0.2), "thickness": 1e-6}, "a map needs three or more"),
    ):
        with pytest.raises(ValueError, match=message):
            maps.slab(**options)


def test_contours_and_files(loop, tmp_path):
    pytest.importorskip("matplotlib")
    atoms, _, _ = loop
    maps = site_maps(atoms)
    figure = maps.contours((1, 0, 0), arrows=True, stress_limit=40.0, moment_limits=(1.8, 2.4))
    figure.savefig(tmp_path / "map.png")
    labels = [axes.get_ylabel() for axes in figure.axes]
    assert labels[2:] == [r"$\mathrm{Tr}\,\sigma$ (GPa)", r"$|M|$ ($\mu_\mathrm{B}$)"]
    assert figure.axes[2].get_ylim() == (-40, 40)
    assert figure.axes[3].get_ylim() == pytest.approx((1.8, 2.4))
    maps.contours((0, 0, 1))
    maps.write(tmp_path / "map.extxyz")
    again = SiteMaps.read(tmp_path / "map.extxyz")
    np.testing.assert_allclose(again.stress, maps.stress, atol=1e-7)
    np.testing.assert_allclose(again.sizes, maps.sizes, atol=1e-7)
    np.testing.assert_allclose(again.moments, maps.moments, atol=1e-7)
    assert again.n_frames == 1
    back = read(tmp_path / "map.extxyz")
    np.testing.assert_allclose(back.arrays["stress_trace"], maps.trace, atol=1e-7)
    np.testing.assert_allclose(back.arrays["site_stress"], maps.stress, atol=1e-7)
    np.testing.assert_allclose(back.arrays["moment_size"], maps.sizes, atol=1e-7)
    np.testing.assert_allclose(ase_mag.get_moments(back), maps.moments, atol=1e-7)
    np.testing.assert_allclose(back.info["burgers_vector"], atoms.info["burgers_vector"])


def test_bad_input(tmp_path):
    write(tmp_path / "plain.extxyz", bulk("Fe"))
    with pytest.raises(ValueError, match="has no column site_stress: it was not written by"):
        SiteMaps.read(tmp_path / "plain.extxyz")
    atoms = crystal()
    with pytest.raises(ValueError, match=r"there are no frames to average over \(skip is 0\)"):
        site_maps([])
    with pytest.raises(ValueError, match=r"\(skip is 2\)"):
        site_maps([atoms, atoms], skip=2)
    with pytest.raises(ValueError, match="skip must be a whole number >= 0, got -1"):
        site_maps(atoms, skip=-1)
    with pytest.raises(ValueError, match="frame 1 has 16 atoms, but the first one has 54"):
        site_maps([atoms, crystal(n=2)])
