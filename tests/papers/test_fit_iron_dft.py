"""Exchange and Landau energies from constrained density-functional theory of iron (ABINIT)."""

from pathlib import Path

import pytest

from ase_mag import fitting, models

DATA = Path(__file__).parents[3] / "shared" / "data"
SETS = ("fe_lsf_landscapes", "fe_constrained_dft")


def potential(exchange, density):
    """Mendelev's lattice, atomic energies, a Landau energy and, if asked for, exchange."""
    lattice, options = models.mendelev_2003(), {"c": 0.0, "allow_unbounded": True}
    if density:
        options |= {"density": lattice, "reference_density": 25.35}
    coefficients = [0.0, 0.0] if density else 0.0
    total = lattice + models.Landau("Fe", a=coefficients, b=coefficients, **options)
    total += models.AtomicEnergies({"Fe": 0.0})
    return total + models.SeriesExchange("Fe", 5.0, 6, start=2.0) if exchange else total


@pytest.mark.parametrize(
    ("exchange", "density", "expected"),
    [
        pytest.param(False, False, (173.9, 273.9, 6.031, 99.24), marks=pytest.mark.slow),
        pytest.param(True, False, (44.14, 255.9, 5.687, 85.14), marks=pytest.mark.slow),
        (True, True, (33.54, 244.1, 3.468, 72.92)),
    ],
)
def test_errors_on_frames_that_were_not_fitted(exchange, density, expected):
    """The table of docs/fitting.md: 5 folds of 215 frames, whole landscapes left out."""
    paths = [DATA / name / f"{name}.extxyz" for name in SETS]
    if not all(path.exists() for path in paths):
        pytest.skip("the frames of iron are not beside this tree")
    data = fitting.read(paths[1]) + fitting.read(paths[0], groups="landscape")
    assert len(data) == 215 and len(set(data.groups)) == 65
    report = fitting.cross_validate(potential(exchange, density), data, folds=5, rng=1)
    for name, value in zip(report.labels, expected, strict=True):
        assert report[name][0] == pytest.approx(value, rel=2e-3)
    # Exchange makes energies: the parallel and the antiparallel neighbors are far apart.
    assert exchange == (report["energy"][0] < 0.25 * report.spread[0])
