"""Simple approximations of landscapes."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

import ase_mag
from ase_mag import lsf, models, reference
from ase_mag.descriptors import voronoi_volumes
from ase_mag.dynamics import AsdAimd
from ase_mag.lsf.baselines import volumes


def test_the_mean_landscape(table, frames):
    mean = lsf.MeanLandscape().fit(table)
    a, b = mean.predict(frames[0])
    np.testing.assert_allclose(a, np.full(16, table.a.mean()), rtol=1e-14)
    np.testing.assert_allclose(b, np.full(16, table.b.mean()), rtol=1e-14)
    expected = lsf.mean_moment(table.a.mean(), table.b.mean(), 500, 1)
    np.testing.assert_allclose(mean.moments(frames[0], 500, 1), expected)


def test_the_voronoi_volume(table, frames):
    """Least squares by the normal equations."""
    x = volumes(table)
    np.testing.assert_array_equal(
        x[16:32], voronoi_volumes(frames[1].positions, frames[1].cell.array)
    )
    learned = lsf.VoronoiLandscape().fit(table)
    new = lsf.snapshots(frames[0], 0.1, rng=9)[0]
    v = voronoi_volumes(new.positions, new.cell.array)
    for found, target in zip(learned.predict(new), (table.a, table.b), strict=True):
        slope = ((x - x.mean()) * (target - target.mean())).sum() / ((x - x.mean()) ** 2).sum()
        expected = target.mean() + slope * (v - x.mean())
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-13)


def test_the_relaxed_moments(frames, quartic):
    sizes = lsf.RelaxedMoment(quartic).moments(frames[0])
    a, b = quartic.landscapes(frames[0])
    np.testing.assert_allclose(sizes, np.sqrt(-a / (2 * b)), rtol=1e-12)


@pytest.mark.parametrize("baseline", [lsf.MeanLandscape, lsf.VoronoiLandscape])
def test_they_stand_in_for_a_predictor_in_dynamics(baseline, table, frames):
    atoms = frames[0].copy()
    atoms.calc = reference.ConstrainedModel(models.named("FeHL-1"))
    learned = baseline().fit(table)
    dyn = AsdAimd(atoms, 0.1, lsf=learned, temperature_K=300, friction=0.01, rng=1)
    dyn.run(2)
    sizes = np.linalg.norm(ase_mag.get_moments(atoms), axis=1)
    np.testing.assert_allclose(sizes, learned.moments(atoms, 300), rtol=1e-9)


def test_bad_input_is_explained(table, frames):
    for baseline in (lsf.MeanLandscape, lsf.VoronoiLandscape):
        with pytest.raises(NotFittedError):
            baseline().predict(frames[0])
        with pytest.raises(ValueError, match="the table has 0 landscapes"):
            baseline().fit(table[:0])
        with pytest.raises(ValueError, match=r"sixth order.*refit\(order=4\)"):
            baseline().fit(table.refit(order=6))
    with pytest.raises(TypeError, match="object has no relax_sizes"):
        lsf.RelaxedMoment(object())
    far = lsf.VoronoiLandscape().fit(table)
    far.regressor_.coef_[1] = -1.0
    small = frames[0].copy()
    small.set_cell(0.8 * small.cell, scale_atoms=True)
    with pytest.raises(ValueError, match=r"Voronoi volume .* unbounded landscape.*too far"):
        far.predict(small)
