import numpy as np
import pytest
from ase import Atoms
from ase.io import read
from scipy.special import spherical_in

import ase_mag
from ase_mag import models, units
from ase_mag.core import set_threads
from ase_mag.dynamics import ParallelTempering


@pytest.fixture(autouse=True)
def one_thread():
    set_threads(1)
    yield
    set_threads(None)


def atoms_with(model, n, moment=1.0):
    atoms = Atoms(f"Fe{n}", positions=np.zeros((n, 3)))
    ase_mag.set_moments(atoms, moment)
    atoms.calc = ase_mag.MagneticCalculator(model)
    return atoms


def ring_energy(n, J, temperature_K):
    """Energy of a closed chain: Z = sum_l (2 l + 1) i_l(K)^n, K = J/kT."""
    K = J / (units.kB * temperature_K)
    order = np.arange(40)
    value, slope = spherical_in(order, K), spherical_in(order, K, derivative=True)
    weight = (2 * order + 1) * value ** (n - 1)
    return -J * n * (weight * slope).sum() / (weight * value).sum()


@pytest.mark.parametrize("interval", [1, 7])
def test_exact_energies_of_a_ring(ring_model, interval):
    n, J = 6, 0.02
    temperatures = np.array([60.0, 90.0, 140.0, 220.0, 350.0])
    dyn = ParallelTempering(
        atoms_with(ring_model(n, J), n),
        temperatures,
        interval=interval,
        rng=3,
        progress=False,
    )
    dyn.run(500)
    energies, bonds = [], []
    dyn.attach(lambda: energies.append(dyn.energies.copy()), interval=7)
    dyn.attach(lambda: bonds.append((dyn.moments * np.roll(dyn.moments, 1, 1)).sum((1, 2))), 7)
    dyn.run(14_000)
    np.testing.assert_allclose(energies, -J * np.array(bonds), atol=1e-12)
    blocks = np.array(energies[:2000]).reshape(20, 100, 5).mean(axis=1)
    error = blocks.std(axis=0, ddof=1) / np.sqrt(20)
    expected = np.array([ring_energy(n, J, T) for T in temperatures])
    assert (error < 0.04 * J).all()
    assert (abs(blocks.mean(axis=0) - expected) < 4 * error).all()
    assert (dyn.acceptance > 0.2).all()
    assert sorted(dyn.replicas) == [0, 1, 2, 3, 4]
    assert dyn.round_trips.sum() > 20
    assert dyn.round_trips.min() > 0
    assert dyn.flow[0] == 1
    assert dyn.flow[-1] == 0
    assert (np.diff(dyn.flow) < 0).all()


def test_acceptance_of_exchanges(field_model):
    """Two temperatures of a moment in a field: <min(1, exp[(b1 - b2)(E1 - E2)])> by quadrature."""
    h = 0.02
    temperatures = np.array([100.0, 400.0])
    dyn = ParallelTempering(
        atoms_with(field_model((0, 0, h / units.tesla)), 1),
        temperatures,
        interval=1,
        rng=1,
        progress=False,
    )
    dyn.run(20_000)
    nodes, weights = np.polynomial.legendre.leggauss(400)
    cold, hot = (weights * np.exp(h * nodes / (units.kB * T)) for T in temperatures)
    beta = 1 / (units.kB * temperatures)
    gain = -h * (beta[0] - beta[1]) * (nodes[:, None] - nodes[None, :])
    weight = np.outer(cold / cold.sum(), hot / hot.sum())
    expected = (weight * np.exp(np.minimum(gain, 0))).sum()
    # Every second step tries this pair, and the heat bath draws independent moments.
    error = np.sqrt(expected * (1 - expected) / 10_000)
    assert error < 0.01
    assert abs(dyn.acceptance[0] - expected) < 4 * error


def test_pieces_do_not_matter_and_atoms_show_the_lowest_temperature(ring_model, tmp_path):
    results = []
    for pieces in ([60], [7, 3, 50], None):
        atoms = atoms_with(ring_model(8, 0.02), 8)
        path, log = tmp_path / f"{pieces}.traj", tmp_path / f"{pieces}.log"
        dyn = ParallelTempering(
            atoms,
            [100, 200, 300],
            interval=4,
            rng=1,
            trajectory=path,
            logfile=log,
            loginterval=30,
            progress=False,
        )
        if pieces is None:
            for _ in dyn.irun(60):
                pass
        else:
            for piece in pieces:
                dyn.run(piece)
        np.testing.assert_array_equal(ase_mag.get_moments(atoms), dyn.moments[0])
        results.append(dyn.moments.copy())
    np.testing.assert_array_equal(results[1], results[0])
    np.testing.assert_array_equal(results[2], results[0])
    assert len(read(path, ":")) == 3
    lines = log.read_text().splitlines()
    assert [line.split()[0] for line in lines] == ["Sweep", "0", "30", "60"]
    assert abs(float(lines[-1].split()[1]) - dyn.energies[0]) < 1e-6
    assert dyn.todict()["temperatures_K"] == [100.0, 200.0, 300.0]
    assert "timestep" not in dyn.todict()


def test_sizes_move_too():
    """Moment vectors at several temperatures: <m> of the Landau table, row one, measure 2."""
    atoms = atoms_with(models.Landau("Fe", -0.15, 0.0192), 200, 1.5)
    temperatures = [300.0, 600.0, 1043.0]
    dyn = ParallelTempering(atoms, temperatures, lengths=True, rng=1, tuning=200, progress=False)
    dyn.run(200)
    sizes = []
    dyn.attach(lambda: sizes.append(np.linalg.norm(dyn.moments, axis=2)), interval=10)
    dyn.run(2000)
    means = np.mean(sizes, axis=0)
    error = means.std(axis=1, ddof=1) / np.sqrt(200)
    assert (error < 0.01).all()
    assert abs(means[0].mean() - 1.98790865753) < 4 * error[0]
    assert abs(means[2].mean() - 2.02558733512) < 4 * error[2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([300.0],), r"at least two rising temperatures above 0 K, got \[300.0\]"),
        (([300.0, 200.0],), r"at least two rising temperatures"),
        (([0.0, 200.0],), r"at least two rising temperatures"),
        (([100.0, np.nan],), r"at least two rising temperatures"),
    ],
)
def test_bad_temperatures(ring_model, arguments, message):
    with pytest.raises(ValueError, match=message):
        ParallelTempering(atoms_with(ring_model(4, 0.02), 4), *arguments)


def test_other_bad_input(ring_model):
    atoms = atoms_with(ring_model(4, 0.02), 4)
    with pytest.raises(ValueError, match="interval is 0: give at least one step"):
        ParallelTempering(atoms, [100, 200], interval=0)
    with pytest.raises(ValueError, match="interval must be an integer >= 0, got -2"):
        ParallelTempering(atoms, [100, 200], interval=-2)
    with pytest.raises(ValueError, match="nothing bounds the moment of atom"):
        ParallelTempering(atoms, [100, 200], lengths=True)
    generic = atoms_with(ring_model(4, 0.02, fast=False), 4)
    with pytest.raises(ValueError, match="needs a model with a bilinear form"):
        ParallelTempering(generic, [100, 200])


def test_exact_restart(ring_model, tmp_path):
    def make(**options):
        atoms = atoms_with(ring_model(8, 0.02), 8)
        options = {"interval": 3, "rng": 7, "progress": False, "method": "metropolis"} | options
        return ParallelTempering(atoms, [50, 70, 100], **options)

    whole = make()
    whole.run(500)
    make(checkpoint=tmp_path / "pt.npz", checkpoint_interval=200).run(350)
    second = make(checkpoint=tmp_path / "pt.npz", checkpoint_interval=200, restart=True)
    assert second.nsteps == 200
    second.run_to(500)
    for name in ("moments", "energies", "replicas", "round_trips", "acceptance", "flow"):
        np.testing.assert_array_equal(getattr(second, name), getattr(whole, name))
    np.testing.assert_array_equal(ase_mag.get_moments(second.atoms), whole.moments[0])
