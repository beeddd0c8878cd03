"""Every model of the contracts on several processes equals itself on one."""

import pytest


@pytest.mark.parametrize(
    ("n", "kind"),
    [
        (1, "triclinic"),
        (2, "periodic 5"),
        pytest.param(2, "periodic", marks=pytest.mark.slow),
        pytest.param(1, "triclinic 3", marks=pytest.mark.slow),
        pytest.param(1, "periodic", marks=pytest.mark.slow),
        pytest.param(1, "slab", marks=pytest.mark.slow),
        pytest.param(2, "triclinic", marks=pytest.mark.slow),
        pytest.param(2, "slab", marks=pytest.mark.slow),
        pytest.param(4, "periodic", marks=pytest.mark.slow),
        pytest.param(4, "triclinic", marks=pytest.mark.slow),
    ],
)
def test_energies_forces_magnetic_forces_and_virials(ranks, n, kind):
    errors = ranks(n, "responses", *kind.split())
    assert len(errors) > 40
    assert "atom by atom" in errors  # written by a user, for local atoms and ghosts
    worst = {(name, part): e for name, parts in errors.items() for part, e in parts.items()}
    assert max(worst.values()) < 1e-12, max(worst, key=worst.get)
