"""The trained iron in motion: what it samples, what it conserves, how far it can be pushed."""

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk

import ase_mag
from ase_mag import models
from ase_mag.core import PairGraph, Topology
from ase_mag.dynamics import SpinDynamics, SpinLatticeDynamics
from ase_mag.units import kB

NAME = "Fe-MSLP-FeHL1"


def iron(repeats=2, a=2.86, displacement=0.05):
    atoms = bulk("Fe", a=a, cubic=True) * repeats
    atoms.rattle(displacement, seed=1)
    ase_mag.set_moments(atoms, 2.1)
    atoms.calc = ase_mag.MagneticCalculator(models.named(NAME))
    return atoms


def copies(graph, n):
    """Return the graph of n copies of a structure that do not see each other."""
    one = graph.topology
    shifts = np.arange(n)[:, None]
    topology = Topology(
        np.tile(one.numbers, n),
        np.append(0, (one.offsets[1:] + shifts * one.n_pairs).ravel()),
        (one.neighbors + shifts * one.n_atoms).ravel(),
        one.translations,
        np.tile(one.translation, n),
    )
    cell = np.linalg.lstsq(one.translations, graph.translations, rcond=None)[0]
    return PairGraph.from_topology(
        topology, np.tile(graph.positions, (n, 1)), cell, None, graph.cutoff
    )


def metropolis(model, graph, moments, temperature, n_copies, sweeps, rng):
    """Return the mean of m and m^2 in every copy, by single moves of moment vectors."""
    many, n = copies(graph, n_copies), len(moments)
    many.frozen = True
    state = np.tile(moments, (n_copies, 1, 1))

    def energies(state):
        flat = np.ascontiguousarray(state.reshape(-1, 3))
        return model.evaluate(many, flat, lattice=False).energies.reshape(n_copies, n).sum(axis=1)

    present, sums, accepted = energies(state), np.zeros((2, n_copies)), 0.0
    for sweep in range(sweeps):
        for i in range(n):
            trial, step = state.copy(), (0.3, 0.9)[sweep % 2]
            trial[:, i] += step * rng.normal(size=(n_copies, 3))
            proposed = energies(trial)
            taken = rng.random(n_copies) < np.exp(
                np.minimum((present - proposed) / (kB * temperature), 0)
            )
            state[taken], present[taken] = trial[taken], proposed[taken]
            accepted += taken.mean() / (n * sweeps)
        if sweep >= sweeps // 2:
            sizes = np.linalg.norm(state, axis=2)
            sums += [sizes.mean(axis=1), (sizes**2).mean(axis=1)]
    assert 0.2 < accepted < 0.8
    return sums / (sweeps - sweeps // 2)


def test_no_state_is_evaluated_twice(monkeypatch):
    """A longitudinal step: two half steps of three spin stages of two fields, the last with forces.

    The first field of a step is the one at the end of the step before.
    """
    seen, evaluate = [], models.TrainedPotential.evaluate

    def counted(self, graph, moments, *, lattice=True):
        seen.append((lattice, graph.positions.tobytes(), np.asarray(moments).tobytes()))
        return evaluate(self, graph, moments, lattice=lattice)

    monkeypatch.setattr(models.TrainedPotential, "evaluate", counted)
    options = {"temperature_K": 300.0, "friction": 0.1, "longitudinal": True, "rng": 1}
    dyn = SpinLatticeDynamics(iron(), units.fs, progress=False, **options)
    dyn.run(1)
    seen.clear()
    dyn.run(3)
    assert len(set(seen)) == len(seen) == 36
    assert sum(lattice for lattice, *_ in seen) == 3
    assert len({key[1:] for key in seen}) == 36
    assert len({positions for _, positions, _ in seen}) == 4


@pytest.mark.slow
def test_longitudinal_dynamics_samples_the_boltzmann_distribution():
    """<m> and <m^2> of generalized Langevin dynamics and Monte Carlo at 800 K, within 2 %.

    Standard errors of both are below 0.5 %.
    """
    atoms, rng = iron(), np.random.default_rng(5)
    model, moments = models.named(NAME), ase_mag.get_moments(atoms)
    graph = PairGraph.build(
        atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, model.cutoff
    )
    carlo = metropolis(model, graph, moments, 800.0, 24, 240, rng)
    expected = carlo.mean(axis=1)
    errors = carlo.std(axis=1, ddof=1) / np.sqrt(carlo.shape[1])
    dyn = SpinDynamics(
        atoms, 0.5 * units.fs, temperature_K=800, longitudinal=True, rng=3, progress=False
    )
    dyn.run(2000)
    blocks = []
    for _ in range(16):
        values = []
        for _ in range(100):
            dyn.run(20)
            sizes = np.linalg.norm(ase_mag.get_moments(atoms), axis=1)
            values.append([sizes.mean(), (sizes**2).mean()])
        blocks.append(np.mean(values, axis=0))
    found = np.mean(blocks, axis=0)
    spread = np.std(blocks, axis=0, ddof=1) / np.sqrt(len(blocks))
    assert (errors < 0.005 * expected).all()
    assert (spread < 0.005 * expected).all()
    np.testing.assert_allclose(found, expected, rtol=0.02)


def test_energy_is_conserved():
    atoms = iron()
    rng = np.random.default_rng(0)
    ase_mag.set_moments(atoms, ase_mag.get_moments(atoms) + 0.3 * rng.normal(size=(16, 3)))
    start = atoms.get_total_energy()
    SpinLatticeDynamics(atoms, timestep=0.5 * units.fs, progress=False).run(200)
    assert np.abs(atoms.get_momenta()).max() > 0.1
    assert atoms.get_total_energy() == pytest.approx(start, abs=2e-3)


def test_close_pairs_repel():
    """The network does not spoil the nuclear repulsion: pairs from 1.9 angstrom down to 0.2."""
    model, moments = models.named(NAME), np.array([[0.0, 0.0, 2.0], [0.0, 0.0, -2.0]])
    energies = [
        model.evaluate(PairGraph.build(a.positions, a.cell, a.pbc, a.numbers, 5.3), moments).energy
        for a in (Atoms("Fe2", [[0, 0, 0], [0, 0, r]]) for r in np.linspace(1.9, 0.2, 60))
    ]
    assert (np.diff(energies) > 0).all()
    assert energies[-1] > 5000.0


def test_large_moments_are_driven_back():
    """The energy rises with the moments from 3 to 50 mu_B, in and against the order of others."""
    model, atoms = models.named(NAME), iron()
    graph = PairGraph.build(atoms.positions, atoms.cell, True, atoms.numbers, 5.3)
    rng = np.random.default_rng(1)
    random = rng.normal(size=(16, 3))
    random /= np.linalg.norm(random, axis=1)[:, None]
    for directions in (np.tile([0.0, 0.0, 1.0], (16, 1)), random):
        energies = [
            model.evaluate(graph, m * directions, lattice=False).energy
            for m in np.linspace(3.0, 50.0, 60)
        ]
        assert (np.diff(energies) > 0).all()
