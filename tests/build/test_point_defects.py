"""Vacancies and interstitials: places, labels and moments."""

import numpy as np
import pytest
from ase.build import bulk
from ase.geometry import get_distances

from ase_mag.build import POINT_DEFECTS, bcc_crystal, point_defect
from ase_mag.core import get_moments, set_moments

A = 2.85
#: Numbers of atoms per site in a crystal of 4 x 4 x 4, counted by hand from the shells of bcc
#: (8, 6, 12, 24, 8, 6 neighbors up to 2 a); sites up to 2 a across the box are one.
SITES = {
    "vacancy": {"1NN": 8, "2NN": 6, "3NN": 12},
    "<110>": {"core": 2, "compressive": 4, "tensile": 4, "2NN": 6, "3NN": 12},
    "<111>": {"core": 2, "compressive": 2, "1NN": 6, "2NN": 6, "3NN": 12},
    "<100>": {"core": 2, "compressive": 10, "2NN": 4, "3NN": 12},
    "octahedral": {"core": 1, "compressive": 6},
    "tetrahedral": {"core": 1, "compressive": 4},
}


@pytest.fixture(scope="module")
def crystal():
    return bcc_crystal(A, 4, moment=2.1)


@pytest.mark.parametrize("kind", POINT_DEFECTS)
def test_sites(crystal, kind):
    atoms = point_defect(crystal, kind)
    assert len(atoms) == len(crystal) + (-1 if kind == "vacancy" else 1)
    labels = atoms.arrays["site"]
    found = {name: int((labels == name).sum()) for name in set(labels.tolist())}
    rest = {name: found.pop(name) for name in ("near", "bulk-like")}
    assert found == SITES[kind]
    assert rest["bulk-like"] > 50
    assert (get_moments(atoms) == (0, 0, 2.1)).all()
    assert atoms.info["defect"] == kind
    distances = atoms.get_all_distances(mic=True)
    assert distances[np.triu_indices(len(atoms), 1)].min() > 0.64 * A
    _, far = get_distances(
        atoms.info["defect_position"], atoms.positions, cell=atoms.cell, pbc=True
    )
    assert (far[0, labels == "bulk-like"] > 2 * A).all()


@pytest.mark.parametrize(
    "kind, along", [("<110>", (1, 1, 0)), ("<111>", (1, 1, 1)), ("<100>", (0, 0, 1))]
)
def test_dumbbells(crystal, kind, along):
    atoms = point_defect(crystal, kind)
    core = np.flatnonzero(atoms.arrays["site"] == "core")
    assert core[1] == len(atoms) - 1
    vector = np.diff(atoms.positions[core], axis=0)[0]
    np.testing.assert_allclose(np.cross(vector, along), 0, atol=1e-9)
    np.testing.assert_allclose(
        atoms.positions[core].mean(axis=0), atoms.info["defect_position"], atol=1e-9
    )
    turned = point_defect(crystal, kind, direction=-np.roll(along, 1) + np.array([0, 0, 0.1]))
    vector = np.diff(turned.positions[core], axis=0)[0]
    assert abs(vector @ np.roll(along, 1)) == pytest.approx(0.65 * A * np.linalg.norm(along))


def test_holes_have_their_neighbors(crystal):
    """Of an octahedral place two at a/2 and four at a/sqrt(2); of a tetrahedral four at 0.559 a."""
    for kind, distances in (
        ("octahedral", [0.5] * 2 + [np.sqrt(0.5)] * 4),
        ("tetrahedral", [0.55902] * 4),
    ):
        place = point_defect(crystal, kind).info["defect_position"]
        _, found = get_distances(place, crystal.positions, cell=crystal.cell, pbc=True)
        np.testing.assert_allclose(np.sort(found[0])[: len(distances)] / A, distances, rtol=1e-4)


def test_moments_of_the_core(crystal):
    noncollinear = crystal.copy()
    set_moments(noncollinear, [[0, 1.2, 1.6]] * len(crystal))
    atoms = point_defect(noncollinear, "<110>")
    np.testing.assert_allclose(get_moments(atoms), [[0, 1.2, 1.6]] * 129)
    atoms = point_defect(crystal, "<110>", moment=-0.3)
    core = atoms.arrays["site"] == "core"
    assert (get_moments(atoms)[core] == (0, 0, -0.3)).all()
    assert (get_moments(atoms)[~core] == (0, 0, 2.1)).all()
    assert (get_moments(crystal) == (0, 0, 2.1)).all()


def test_any_cell_of_the_crystal(crystal):
    """The same sites in a skewed cell of the primitive vectors and in a box along [111]."""
    skewed = bulk("Fe", "bcc", a=A) * 6
    turned = bcc_crystal(A, (4, 3, 6), orientation="111")
    for kind in POINT_DEFECTS:
        for box in (skewed, turned):
            labels = point_defect(box, kind).arrays["site"].tolist()
            assert {name: labels.count(name) for name in SITES[kind]} == SITES[kind]


def test_bad_input(crystal):
    for kind, options, message in (
        ("crowdion", {}, "kind must be one of vacancy, <110>"),
        ("vacancy", {"direction": (1, 1, 0)}, "'vacancy' is no dumbbell"),
        ("vacancy", {"moment": 1.0}, "has no inserted atom"),
        ("<110>", {"moment": (1.0, 2.0)}, "moments have shape"),
    ):
        with pytest.raises(ValueError, match=message):
            point_defect(crystal, kind, **options)
    with pytest.raises(
        ValueError, match="is 2 lattice constants wide; a point defect needs at least 3"
    ):
        point_defect(bcc_crystal(A, 2), "vacancy")
