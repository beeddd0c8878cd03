"""Cells of magnetic phases: neighbors, volumes and the order of the moments."""

import numpy as np
import pytest
from matscipy.neighbours import neighbour_list

from ase_mag.build import PHASES, magnetic_phase
from ase_mag.core import get_moments

#: Parallel and antiparallel nearest neighbors of every atom, counted by hand: in bcc all eight are
#: in the next layers; in fcc four are in the layer, four in each of the next ones.
NEIGHBORS = {
    ("bcc", "FM"): (8, 0),
    ("bcc", "SL-AFM"): (0, 8),
    ("bcc", "DL-AFM"): (4, 4),
    ("fcc", "FM"): (12, 0),
    ("fcc", "SL-AFM"): (4, 8),
    ("fcc", "DL-AFM"): (8, 4),
}


@pytest.mark.parametrize("structure, order", list(NEIGHBORS))
def test_neighbors_and_their_moments(structure, order):
    a = 3.1
    atoms = magnetic_phase(structure, order, a, moment=2.0, axis=(0, 3, 4))
    assert len(atoms) == {"FM": 1, "SL-AFM": 2, "DL-AFM": 4}[order]
    assert atoms.get_volume() / len(atoms) == pytest.approx(a**3 / (2 if structure == "bcc" else 4))
    moments = get_moments(atoms)
    np.testing.assert_allclose(abs(moments), [[0, 1.2, 1.6]] * len(atoms), atol=1e-12)
    nearest = a * (np.sqrt(3) / 2 if structure == "bcc" else np.sqrt(0.5))
    i, j, distance = neighbour_list("ijd", atoms, 1.05 * nearest)
    np.testing.assert_allclose(distance, nearest)
    parallel = (moments[i] * moments[j]).sum(axis=1) > 0
    counts = np.array(
        [[(parallel[i == k] == side).sum() for side in (1, 0)] for k in range(len(atoms))]
    )
    assert (counts == NEIGHBORS[structure, order]).all()


def test_phases_of_the_paper():
    assert len(PHASES) == 7
    for structure, order in PHASES:
        atoms = magnetic_phase(structure, order, 3.0, symbol="Co")
        assert set(atoms.symbols) == {"Co"}
        assert atoms.info["phase"] == f"{order} {structure}"
        assert (get_moments(atoms).any()) == (order != "NM")


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("hcp", "FM", 2.8), "structure must be 'bcc' or 'fcc', got 'hcp'"),
        (("bcc", "AFM", 2.8), "order must be one of FM, NM, SL-AFM, DL-AFM, got 'AFM'"),
        (("bcc", "FM", 0.0), "must be a positive number of angstrom, got 0.0"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        magnetic_phase(*arguments)
    with pytest.raises(ValueError, match="axis must be three numbers"):
        magnetic_phase("bcc", "FM", 2.8, axis=(0, 0, 0))
