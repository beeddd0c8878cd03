"""Structure factors against closed forms, and magnons of a run against spin-wave theory."""

import numpy as np
import pytest
from ase import Atoms
from ase import units as ase_units
from ase.build import bulk

import ase_mag
from ase_mag import analysis, models, units
from ase_mag.analysis.wave_vectors import wave_sums
from ase_mag.dynamics import SpinDynamics


def crystal(kind="bcc", repeats=4):
    atoms = {"bcc": bulk("Fe", a=2.87, cubic=True), "fcc": bulk("Ni", a=3.52, cubic=True)}.get(
        kind, Atoms("Fe", cell=[2.5] * 3, pbc=True)
    )
    return atoms * (repeats, repeats, repeats)


@pytest.mark.parametrize(("kind", "path"), [("bcc", "GHNGP"), ("fcc", "GXWLG"), ("sc", "GXMRG")])
def test_path_finds_the_crystal(kind, path):
    """Special points of the right zone; all wave vectors are periodic in the supercell."""
    atoms = crystal(kind)
    atoms.rattle(0.1, seed=2)
    found = analysis.commensurate_path(atoms, path)
    assert [name for _, name in found.ticks] == list(path)
    whole = found.vectors @ atoms.cell.array.T / (2 * np.pi)
    np.testing.assert_allclose(whole, np.rint(whole), atol=1e-9)
    assert (np.diff(found.distances) > 0).all() and len(found.distances) >= 9
    first = {"bcc": 2 / 2.87, "fcc": 2 / 3.52, "sc": 1 / 2.5}[kind] * np.pi
    assert found.ticks[1][0] == pytest.approx(first, rel=1e-9)


def test_path_of_a_given_cell_and_bad_paths():
    atoms = crystal("bcc", 3)
    with pytest.raises(ValueError, match=r"no point X; it has .*H"):
        analysis.commensurate_path(atoms, "GX")
    for path in ("G", "", "GG", "GH,P"):
        with pytest.raises(ValueError, match="goes from one point to another, as 'GH', got"):
            analysis.commensurate_path(atoms, path)
    with pytest.raises(ValueError, match="no wave vector on the path 'PN' is periodic"):
        analysis.commensurate_path(atoms, "PN")
    with pytest.raises(ValueError, match="not made of whole cells"):
        analysis.commensurate_path(atoms, "GH", cell=bulk("Fe", a=2.8).cell)
    with pytest.raises(ValueError, match="no supercell of a simple, body- or face-centered"):
        analysis.commensurate_path(bulk("Co", "hcp", a=2.5, c=4.1) * 3, "GK")
    vacancy = atoms.copy()
    del vacancy[0]
    np.testing.assert_allclose(
        analysis.commensurate_path(vacancy, "GH").vectors,
        analysis.commensurate_path(atoms, "GH").vectors,
    )
    given = analysis.commensurate_path(atoms, "GH,NG", cell=bulk("Fe", a=2.87).cell)
    assert [name for _, name in given.ticks] == ["G", "H|N", "G"]


def test_both_ends_of_a_jump_are_there():
    atoms = crystal("bcc", 4)
    found = analysis.commensurate_path(atoms, "GH,PN").vectors
    parts = [analysis.commensurate_path(atoms, part).vectors for part in ("GH", "PN")]
    assert [len(part) for part in parts] == [5, 3]
    np.testing.assert_allclose(found, np.concatenate(parts), atol=1e-12)
    # Where nothing jumps a corner is one vector.
    assert len(analysis.commensurate_path(atoms, "GHN").vectors) == 7


def test_one_spiral_has_one_peak():
    """A transverse wave of amplitude A at q and frequency w: S(q) = N A^2/2 per axis, peak at w."""
    atoms = crystal()
    q = analysis.commensurate_path(atoms, "GH").vectors
    energy, amplitude, step = 0.1, 0.2, 2.0 * ase_units.fs
    rate = energy / (units.hbar_eV_s * ase_units.s)
    frames = []
    for k in range(400):
        angle = atoms.positions @ q[2] - rate * k * step
        moments = np.stack(
            [amplitude * np.cos(angle), amplitude * np.sin(angle), 2.0 + 0 * angle], axis=1
        )
        frame = atoms.copy()
        ase_mag.set_moments(frame, moments)
        frames.append(frame)
    found = analysis.structure_factor(frames, q_vectors=q, timestep=step)
    expected = np.zeros((len(q), 3))
    expected[2, :2] = len(atoms) * amplitude**2 / 4
    np.testing.assert_allclose(found.static, expected, atol=1e-9)
    assert found.magnons()[2] == pytest.approx(energy, abs=0.1 * found.resolution)
    weight = found.dynamic[2].sum(axis=0) * (found.energies[1] - found.energies[0])
    np.testing.assert_allclose(weight, expected[2], atol=1e-9)
    # Half of the maximum is where the resolution says.
    line = found.dynamic[2, :, 0]
    near = np.abs(found.energies - energy) < 0.51 * found.resolution
    assert line[near].sum() > 0.4 * line.sum() and line[~near].max() < line.max()


@pytest.mark.parametrize(("sign", "at"), [(-1.0, -1), (1.0, 0)])
def test_axis_along_the_moments_of_an_antiferromagnet(sign, at):
    """The Bragg peak N m^2 at H (a ferromagnet has it at q = 0, less its mean) is along."""
    atoms, rng, frames = crystal(), np.random.default_rng(3), []
    along = np.array([0.6, 0.0, -0.8])
    order = 2.0 * np.tile([1.0, sign], len(atoms) // 2)[:, None] * along
    for _ in range(40):
        frames.append(atoms.copy())
        ase_mag.set_moments(frames[-1], order + 0.05 * rng.normal(size=order.shape))
    found = analysis.structure_factor(frames, "GH")
    # Noise of 0.05 in each component: 0.0025, standard error sqrt(2/40) of it.
    peak = 128 * 4.0 if sign < 0 else 0.0
    assert found.static[at, 2] == pytest.approx(peak, rel=1e-3, abs=0.01)
    # The axis is known to 0.05/2/sqrt(40 128) = 3.5e-4 per direction: 512 (3.5e-4)^2 = 6e-5 more.
    assert (found.static[:, :2] < 0.0025 * (1 + 4 * np.sqrt(2 / 40))).all()


def test_random_moments_have_the_same_intensity_everywhere():
    """S^a(q) = m^2/3 for independent moments; 3 x 1/sqrt(frames) relative error."""
    rng, atoms, frames = np.random.default_rng(0), crystal(), []
    for _ in range(400):
        directions = rng.normal(size=(len(atoms), 3))
        frame = atoms.copy()
        ase_mag.set_moments(frame, 2.2 * directions / np.linalg.norm(directions, axis=1)[:, None])
        frames.append(frame)
    found = analysis.structure_factor(frames, "GHNGP")
    inner = np.linalg.norm(found.q_vectors, axis=1) > 0
    mean = found.static[inner].mean()
    # 400 frames x independent wave vectors x 3 axes, exponentially distributed intensities.
    distinct = len({tuple(np.round(q, 6)) for q in found.q_vectors[inner]})
    assert mean == pytest.approx(2.2**2 / 3, abs=3 * 2.2**2 / 3 / np.sqrt(400 * distinct * 3))
    assert found.dynamic is None and "S across" in str(found)
    with pytest.raises(ValueError, match="time between two frames is not known"):
        found.magnons()


def test_magnons_of_iron_at_low_temperature(tmp_path):
    """Five wave vectors of bcc iron at 5 K: peaks within the resolution of spin-wave theory."""
    atoms = bulk("Fe", a=2.8665, cubic=True) * (8, 8, 8)
    ase_mag.set_moments(atoms, 2.23)
    model = models.named("Fe-UppASD")
    atoms.calc = ase_mag.MagneticCalculator(model)
    path = str(tmp_path / "warm.traj")
    SpinDynamics(atoms, 1.0 * ase_units.fs, temperature_K=5, damping=0.5, rng=1).run(600)
    # At 1 fs waves of 0.36 eV would be 2 % too slow (2/dt arctan(w dt/2)).
    free = SpinDynamics(
        atoms, 0.25 * ase_units.fs, temperature_K=None, trajectory=path, loginterval=12
    )
    free.run(7200)
    run = analysis.read(path)
    found = run.structure_factor("GH")
    cell = bulk("Fe", a=2.8665)
    ase_mag.set_moments(cell, 2.23)
    reduced = found.q_vectors @ cell.cell.array.T / (2 * np.pi)
    expected = analysis.spin_waves(cell, model, reduced).energies[:, 0]
    both = run.magnons(model, "GH")
    np.testing.assert_allclose(both.calculated[:, 0], expected, atol=1e-12)
    np.testing.assert_allclose(both.energies, found.magnons(), equal_nan=True)
    assert both.bands.distances[-1] == pytest.approx(found.distances[-1], rel=1e-9)
    # The closed form of a ferromagnet, E = g m sum_j J_ij (1 - cos q.r), is the line of the figure.
    (line,) = [x for x in both.plot().axes[0].lines if "theory" in x.get_label()]
    np.testing.assert_allclose(line.get_ydata(), 1e3 * both.bands.energies[:, 0])
    assert "nearest band of spin-wave theory" in str(both)
    peaks = found.magnons()
    assert len(expected) >= 6 and found.resolution < 0.005
    np.testing.assert_allclose(peaks[1:6], expected[1:6], rtol=0, atol=found.resolution)
    assert found.plot().axes and run.binder() == pytest.approx(2 / 3, abs=1e-3)


def test_bad_input():
    atoms = crystal("bcc", 2)
    ase_mag.set_moments(atoms, 2.2)
    with pytest.raises(ValueError, match="either q_path or q_vectors"):
        analysis.structure_factor([atoms] * 9)
    with pytest.raises(ValueError, match="at least 8 frames, got 3"):
        analysis.structure_factor([atoms] * 3, "GH")
    larger = atoms.copy()
    larger.set_cell(1.01 * atoms.cell, scale_atoms=True)
    with pytest.raises(ValueError, match=r"cell of frame 4 differs by 0\.0574 angstrom"):
        analysis.structure_factor([atoms] * 4 + [larger] * 6, "GH")
    with pytest.raises(ValueError, match="frame 4 has 15 atoms, but the first has 16"):
        analysis.structure_factor([atoms] * 4 + [atoms[1:]] * 6, "GH")
    with pytest.raises(ValueError, match="from 8 to the 9 of the run, got 12"):
        analysis.structure_factor([atoms] * 9, "GH", segment=12)
    bare = atoms.copy()
    bare.set_initial_magnetic_moments(None)
    with pytest.raises(ValueError, match="the frames have no moments"):
        analysis.structure_factor([bare] * 9, "GH")


def test_sum_over_the_zone_is_the_mean_square_of_the_moments():
    """sum_q S(q) = sum_i <M_i^2> over the 54 wave vectors of 54 atoms, with <M_q>^2 at q = 0."""
    atoms, rng, frames = crystal("bcc", 3), np.random.default_rng(5), []
    for _ in range(12):
        frames.append(atoms.copy())
        ase_mag.set_moments(frames[-1], [0.3, 0, 2.0] + rng.normal(size=(54, 3)))
    reciprocal = 2 * np.pi * atoms.cell.reciprocal()
    # The zone of the lattice of 54 sites: whole numbers modulo the reciprocal lattice (110)-like.
    whole = np.array([(i, j, k) for i in range(6) for j in range(3) for k in range(3)])
    found = analysis.structure_factor(frames, q_vectors=whole @ reciprocal)
    mean = np.mean([ase_mag.get_moments(frame).mean(axis=0) for frame in frames], axis=0)
    squares = np.mean([(ase_mag.get_moments(frame) ** 2).sum() for frame in frames])
    assert found.static.sum() + 54 * mean @ mean == pytest.approx(squares, rel=1e-12)


def test_segments_average_without_changing_the_intensity():
    """White noise: S(q, w) is flat; its scatter falls with the number of segments."""
    atoms, rng, frames = crystal("bcc", 3), np.random.default_rng(6), []
    for _ in range(400):
        frames.append(atoms.copy())
        ase_mag.set_moments(frames[-1], [0, 0, 2.0] + 0.1 * rng.normal(size=(54, 3)))
    whole, parts = (
        analysis.structure_factor(frames, "GH", timestep=1.0, segment=segment)
        for segment in (None, 40)
    )
    np.testing.assert_allclose(whole.static, parts.static, rtol=1e-12)
    for found in (whole, parts):
        quantum = found.energies[1]
        np.testing.assert_allclose(found.dynamic.sum(axis=1) * quantum, found.static, rtol=1e-10)
    assert parts.resolution == pytest.approx(10 * whole.resolution, rel=1e-12)
    scatter = [found.dynamic[1:-1, 2:-2].std(axis=1).mean() / found.dynamic[1:-1, 2:-2].mean()
               for found in (whole, parts)]  # fmt: skip
    # Without H, where M_q is real. One complex amplitude at w and one at -w: 1/sqrt(2). Welch, 19
    # half-overlapping segments of a Hann window: the variance of 19/1.06 independent ones.
    assert scatter[0] == pytest.approx(np.sqrt(0.5), rel=0.1)
    assert scatter[1] == pytest.approx(np.sqrt(0.5 / 19 * 1.06), rel=0.3)


def test_sums_by_parts_are_the_sum():
    rng = np.random.default_rng(7)
    vectors, positions, values = (rng.normal(size=(n, 3)) for n in (5, 40, 40))
    expected = np.exp(-1j * vectors @ positions.T) @ values
    for memory in (1, 16 * 5 * 7, 1e9):
        found = wave_sums(vectors, positions, values, memory)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
