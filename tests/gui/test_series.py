"""Numbers behind the graphs, against numpy, ase_mag.analysis and closed forms."""

import ase.io
import numpy as np
import pytest
from ase import units
from ase.build import bulk
from ase.io.trajectory import Trajectory

import ase_mag
from ase_mag import analysis, models
from ase_mag.dynamics import SpinDynamics
from ase_mag.gui import series


@pytest.fixture
def run(tmp_path):
    """A short run and its frames."""
    atoms = bulk("Fe", a=2.8665, cubic=True) * 3
    ase_mag.set_moments(atoms, 2.2)
    atoms.calc = ase_mag.MagneticCalculator(models.named("Fe-UppASD"))
    path = tmp_path / "run.traj"
    options = dict(temperature_K=300, damping=0.2, rng=1, trajectory=path, loginterval=5)
    SpinDynamics(atoms, timestep=1.0 * units.fs, **options).run(50)
    with Trajectory(path) as file:
        return analysis.read(path), list(file)


def test_magnetization_is_that_of_analysis(run):
    recorded, frames = run
    mean, mean_size = series.magnetization(frames)
    assert np.allclose(mean, recorded.magnetization, atol=1e-14)
    assert np.allclose(mean_size, recorded.moment_sizes.mean(axis=1), atol=1e-14)


def test_time_between_frames(run, tmp_path):
    recorded, frames = run
    path, step = recorded.path, recorded.time_fs[1]
    assert step == pytest.approx(5.0)

    def time(numbers, path=path):
        return series.time_between([f"{path}@{k}" for k in numbers])

    assert time([0, 1, 2]) == pytest.approx(step)
    assert time([-5, -3, -1]) == pytest.approx(2 * step)
    ase.io.write(tmp_path / "a.extxyz", frames)
    ase.io.write(tmp_path / "a.traj", frames)  # which does not know it
    unknown = [time([0, 1, 3]), time([0]), series.time_between([None, None])]
    unknown += [time([0, 1], tmp_path / name) for name in ("a.extxyz", "a.traj", "none.traj")]
    assert unknown == [None] * 6


def test_spin_temperatures_are_those_that_the_dynamics_wrote(run):
    recorded, frames = run
    written = recorded.spin_temperature
    assert np.array_equal(series.spin_temperatures(frames), written)
    values, name = series.temperatures(frames)
    assert np.array_equal(values, written) and name == "spin temperature"
    calculator = ase_mag.MagneticCalculator(models.named("Fe-UppASD"))
    for atoms in frames:  # the same from the model, where nothing was written
        del atoms.info["spin_temperature_K"]
        atoms.calc = calculator
    assert np.allclose(series.spin_temperatures(frames), written, rtol=1e-9)
    for atoms in frames:
        atoms.calc = None
    assert np.isnan(series.spin_temperatures(frames)).all()


def test_frames_of_many_kinds(make_frames):
    frames = [*make_frames(2), *make_frames(1, n=2), bulk("Cu")]
    mean, size = series.magnetization(frames)
    assert np.allclose(mean[2], frames[2].calc.results["magmoms"].mean(axis=0))
    assert np.isnan(mean[3]).all() and np.isnan(size[3])
    groups = series.size_groups(frames, 2)
    assert {label: len(values) for label, values in groups.items()} == {
        "first frame": 2,
        "frame 2": 16,
        "all": 20,
    }


def test_groups_by_temperature(make_frames):
    frames = make_frames(6)
    temperatures = np.array([600, 100, 550, np.nan, 120, 300.0])
    groups = series.size_groups(frames, 0, temperatures, groups=2)
    sizes = [np.linalg.norm(a.calc.results["magmoms"], axis=1) for a in frames]
    assert list(groups) == ["173 K", "575 K"]  # 100, 120, 300 and 550, 600
    assert np.array_equal(groups["173 K"], np.concatenate([sizes[k] for k in (1, 4, 5)]))
    assert np.array_equal(groups["575 K"], np.concatenate([sizes[k] for k in (2, 0)]))


def test_histograms_are_densities_of_the_maxwell_distribution():
    # |M| of Gaussian vectors; one bin of 0.2 holds n p = 4,000 to 15,000 counts, error 1/sqrt.
    rng = np.random.default_rng(3)
    sizes = np.linalg.norm(rng.normal(size=(200_000, 3)), axis=1)
    edges, densities = series.densities({"a": sizes, "b": sizes + 1, "none": np.zeros(0)}, 30)
    assert list(densities) == ["a", "b"]
    assert np.sum(densities["a"] * np.diff(edges)) == pytest.approx(1.0)
    middle = 0.5 * (edges[1:] + edges[:-1])
    exact = np.sqrt(2 / np.pi) * middle**2 * np.exp(-(middle**2) / 2)
    width = edges[1] - edges[0]
    counts = exact * width * len(sizes)
    common = counts > 4000
    deviation = (densities["a"] / exact - 1)[common] * np.sqrt(counts[common])
    # width^2/24 p''/p adds less than one standard error
    assert common.sum() > 8 and abs(deviation).max() < 4.5
