"""Susceptibilities and cumulants against those of free moments and of known distributions."""

import numpy as np
import pytest
from ase import Atoms
from ase import units as ase_units

from ase_mag import MagneticCalculator, analysis, get_moments, models, set_moments, units
from ase_mag.dynamics import SpinDynamics


def langevin(x):
    return 1 / np.tanh(x) - 1 / x


def free_moments(rng, frames, count, x):
    """Directions with the density exp(x cos(theta)), (frames, count, 3): exact samples."""
    uniform = rng.random((frames, count))
    z = 1 + np.log(uniform + (1 - uniform) * np.exp(-2 * x)) / x
    angle = 2 * np.pi * rng.random((frames, count))
    across = np.sqrt(1 - z**2)
    return np.stack([across * np.cos(angle), across * np.sin(angle), z], axis=2)


@pytest.mark.parametrize("x", [1e-6, 2.0])
def test_free_moments_have_the_derivatives_of_the_langevin_function(x):
    """chi_zz = M^2/kT L'(x) along the field and M^2/kT L(x)/x across; x = M B/kT."""
    size, T, count, frames = 2.2, 300.0, 50, 4000
    rng = np.random.default_rng(1)
    m = size * free_moments(rng, frames, count, x).mean(axis=1)
    found = analysis.fluctuations(m, count, T, blocks=40)
    scale = size**2 / (units.kB * T)
    along = 1 / 3 if x < 1e-3 else 1 / x**2 - 1 / np.sinh(x) ** 2
    across = 1 / 3 if x < 1e-3 else langevin(x) / x
    expected = scale * np.diag([across, across, along])
    # Independent frames: a variance is known to sqrt(2/frames) of it, a covariance to 1/sqrt.
    spread = np.sqrt(np.outer(np.diagonal(expected), np.diagonal(expected)) / frames)
    spread *= np.where(np.eye(3) > 0, np.sqrt(2), 1)
    assert (np.abs(found.susceptibility - expected) < 4 * spread).all()
    # The jackknife of 40 blocks knows an error to 1/sqrt(2 39) = 11 %.
    np.testing.assert_allclose(found.susceptibility_error, spread, rtol=0.45)
    assert "susceptibility per atom at 300 K" in str(found)
    if x < 1e-3:  # a Gaussian vector: U = 1 - 15/27, <m^2> - <m>^2 = (3 - 8/pi) of one component
        assert found.binder == pytest.approx(4 / 9, abs=4 * found.binder_error)
        assert found.binder_error < 0.02
        assert found.modulus == pytest.approx(
            scale / 3 * (3 - 8 / np.pi), abs=4 * found.modulus_error
        )
        assert found.trace_error == pytest.approx(scale / 3 * np.sqrt(2 / 3 / frames), rel=0.45)


def test_a_run_of_free_moments_in_a_field(tmp_path):
    """100 moments at 100 K in 40 T, M B/kT = 0.59: Langevin magnetization and susceptibility."""
    size, T, field, n = 2.2, 100.0, 40.0, 100
    atoms = Atoms(f"Fe{n}", positions=10.0 * np.arange(3 * n).reshape(n, 3))
    rng = np.random.default_rng(2)
    x = size * field * units.tesla / (units.kB * T)
    set_moments(atoms, size * free_moments(rng, 1, n, x)[0])
    atoms.calc = MagneticCalculator(models.Zeeman("Fe", (0, 0, field)))
    path = str(tmp_path / "free.traj")
    with SpinDynamics(
        atoms, 1.0 * ase_units.fs, temperature_K=T, damping=1.0, rng=3, trajectory=path,
        loginterval=250,
    ) as dynamics:  # fmt: skip
        dynamics.run(80_000)
    run = analysis.read(path)
    found = run.fluctuations(skip=0.05)
    scale = size**2 / (units.kB * T)
    expected = scale * np.array([langevin(x) / x] * 2 + [1 / x**2 - 1 / np.sinh(x) ** 2])
    values, errors = np.diagonal(found.susceptibility), np.diagonal(found.susceptibility_error)
    # Directions relax in 84 fs, so that frames 250 fs apart are nearly independent: 305 of them.
    frames = len(run.magnetization[16:]) * np.tanh(0.5 * 250 / 84)
    assert (np.abs(values - expected) < 4 * expected * np.sqrt(2 / frames)).all()
    np.testing.assert_allclose(errors, expected * np.sqrt(2 / frames), rtol=0.75)
    mean = analysis.average(run.magnetization[:, 2], 0.05)
    error = size * np.sqrt((1 / x**2 - 1 / np.sinh(x) ** 2) / n / frames)
    assert mean.value == pytest.approx(size * langevin(x), abs=4 * error)
    assert mean.error == pytest.approx(error, rel=0.75) and found.temperature_K == T
    np.testing.assert_array_equal(run.susceptibility(skip=0.05), found.susceptibility)
    assert run.binder(0.05) == pytest.approx(found.binder, rel=1e-12)
    assert get_moments(next(iter(run))).shape == (n, 3)


def test_bad_input():
    m = np.ones((30, 3))
    with pytest.raises(ValueError, match="a temperature above 0 K, got 0"):
        analysis.fluctuations(m, 4, 0)
    with pytest.raises(ValueError, match="got 10 blocks and 5 frames: run longer"):
        analysis.fluctuations(m, 4, 300, skip=25)
    with pytest.raises(ValueError, match=r"at least two blocks .* got 1 blocks"):
        analysis.fluctuations(m, 4, 300, blocks=1)
    for skip in (-1, 1.5, True):
        with pytest.raises(ValueError, match=f"a fraction of them below 1, got {skip}"):
            analysis.fluctuations(m, 4, 300, skip=skip)
