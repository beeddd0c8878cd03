"""Kotykhov et al., Comput. Mater. Sci. 245, 113331 (2024), on the synthetic alloy FeAlHL-1."""

import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import ase_mag
from ase_mag import fitting, models, optimize

FOLDER = Path(__file__).parents[2] / "examples" / "paper_mmtp"


@pytest.fixture(scope="module")
def example():
    """The modules ``alloys``, ``conditions`` and ``predictions`` of the example."""
    names = ("alloys", "conditions", "predictions")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FOLDER))
        yield [__import__(name) for name in names]
    for name in names:
        sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def starts(example):
    """The 21 arrangements as the reference relaxes them."""
    return [example[0].relaxed(atoms) for atoms in example[0].crystals()]


def test_numbers_of_parameters(example):
    """Table 1."""
    _, conditions, _ = example
    sizes = [conditions.potential(conditions.FULL, n).n_parameters for n in (2, 3, 4, 5)]
    assert sizes == [415, 895, 1567, 2431]


def test_arrangements(example):
    """21 cells of 16 atoms with up to 50 % of aluminum, all different, D0_3 and B2 among them."""
    crystals = example[0].crystals()
    assert {len(atoms) for atoms in crystals} == {16}
    counts = Counter(int(np.sum(atoms.numbers == 13)) for atoms in crystals)
    assert sum(counts.values()) == 21
    assert set(counts) == set(range(9))
    energies = []
    for atoms in crystals:
        ase_mag.set_moments(atoms, np.where(atoms.numbers == 26, 2.2, 0.0))
        atoms.calc = example[0].calculator()
        energies.append(round(atoms.get_potential_energy(), 6))
    assert len(set(energies)) == 21
    for count in (4, 8):  # shells of aluminum around aluminum: none at sqrt(3)/2 a
        ordered = next(atoms for atoms in crystals if np.sum(atoms.numbers == 13) == count)
        aluminum = np.flatnonzero(ordered.numbers == 13)
        distances = ordered.get_all_distances(mic=True)[np.ix_(aluminum, aluminum)]
        nearest = distances[distances > 0].min()
        assert nearest == pytest.approx(2.87 * (np.sqrt(2) if count == 4 else 1.0))


def test_frames(example):
    """Four fifths are perturbed, a part of these at equilibrium; labels are those of the model."""
    alloys, _, predictions = example
    starts = [alloys.relaxed(atoms) for atoms in alloys.crystals()[::20]]
    frames = alloys.training_set(starts, 60, seed=3)
    assert len(frames) == 60
    # 12 snapshots, and 15 % of 48 perturbed frames: 7.2 with a standard deviation of 2.5.
    assert 13 <= len(predictions.at_equilibrium(frames)) <= 27
    for errors in fitting.compare(models.named("FeAlHL-1"), fitting.read(frames)).values():
        assert errors.rmse < 1e-9 * errors.spread
    moments = np.concatenate([ase_mag.get_moments(frame) for frame in frames])
    assert np.abs(moments[:, :2]).max() < 1e-9
    assert (moments[:, 2] < -0.5).any()


@pytest.fixture(scope="module")
def fits(example, starts):
    """Potentials of 415 parameters fitted to 84 frames, without and with magnetic forces."""
    alloys, conditions, _ = example
    frames = alloys.training_set(starts, 84)
    data = fitting.read(frames)
    found = {}
    for weight in (0.0, 0.1):
        potential = conditions.potential(conditions.FULL, 2)
        weights = conditions.WEIGHTS | {"magforces": weight}
        fitting.fit(potential, data, weights, max_iterations=100, progress=False)
        found[weight] = potential
    return frames, found


@pytest.mark.slow
def test_magnetic_forces_are_learned(fits, starts, example, record_property):
    """Weight 0.1: five times better magnetic forces, energies at most 1.3 times worse.

    Table 2 has factors of 8 and 0.82 for this basis; here also for other frames than the fitted.
    """
    frames, found = fits
    for name, data in (
        ("fitted", fitting.read(frames)),
        ("other", fitting.read(example[0].training_set(starts, 84, seed=2))),
    ):
        free, fitted = (fitting.compare(found[weight], data) for weight in (0.0, 0.1))
        gain = free["magforces"].rmse / fitted["magforces"].rmse
        cost = fitted["energy"].rmse / free["energy"].rmse
        record_property(f"gain {name}", gain)
        record_property(f"cost {name}", cost)
        assert gain > 5.0
        assert cost < 1.3


@pytest.mark.slow
def test_relaxations_succeed(fits, starts, example, record_property):
    """Weight 0.1: all moments equilibrate, all arrangements relax (Tables 3 and 4).

    Also from the moments of all frames, most of which are far from equilibrium. Without magnetic
    forces some pass 3 mu_B, the largest moment that the potentials are made for.
    """
    frames, found = fits
    limits = example[2].LIMITS
    starts = [example[2].unlabelled(atoms) for atoms in starts]
    for weight in (0.0, 0.1):
        calc = ase_mag.MagneticCalculator(found[weight])
        at_rest = optimize.equilibration_reliability(
            [example[2].unlabelled(a) for a in example[2].at_equilibrium(frames)],
            calc,
            limits=limits,
        )
        anywhere = optimize.equilibration_reliability(
            [example[2].unlabelled(a) for a in frames], calc, limits=limits
        )
        relaxed = optimize.relaxation_reliability(starts, calc, limits=limits)
        for name, counted in (("rest", at_rest), ("all", anywhere), ("relaxed", relaxed)):
            record_property(f"{name} {weight}", counted.fraction)
        if weight > 0:
            assert at_rest.successes == at_rest.n >= 21
            assert anywhere.successes == anywhere.n == 84
            assert relaxed.successes == relaxed.n == 21
        else:
            assert at_rest.fraction < 1.0
            assert relaxed.fraction < 1.0
