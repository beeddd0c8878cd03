import numpy as np
import pytest
from ase import units as ase_units

from ase_mag import units
from ase_mag.core import Response, State, Surface
from ase_mag.dynamics import CellRescaling, LangevinBath, Noise

fs = ase_units.fs


class IdealGas(Surface):
    """No interaction."""

    def response(self, state, *, lattice=True):
        zeros = np.zeros_like(state.positions)
        n = len(zeros)
        return Response(np.zeros(n), zeros, zeros, np.zeros((n, 3, 3)))


class Elastic(Surface):
    """E = V0 [K/2 (tr H)^2 + G |dev H|^2] of the logarithmic strain H of a cell."""

    def __init__(self, cell, bulk, shear):
        self.inverse, self.bulk, self.shear = np.linalg.inv(cell), bulk, shear
        self.volume = np.linalg.det(cell)

    def strain(self, cell):
        deform = self.inverse @ cell
        values, vectors = np.linalg.eigh(deform.T @ deform)
        return (vectors * (0.5 * np.log(values))) @ vectors.T

    def response(self, state, *, lattice=True):
        strain = self.strain(state.cell)
        trace = np.trace(strain)
        deviator = strain - np.eye(3) * trace / 3
        zeros = np.zeros_like(state.positions)
        energies, virials = np.zeros(len(zeros)), np.zeros((len(zeros), 3, 3))
        energies[0] = self.volume * (0.5 * self.bulk * trace**2 + self.shear * (deviator**2).sum())
        virials[0] = self.volume * (self.bulk * trace * np.eye(3) + 2 * self.shear * deviator)
        return Response(energies, zeros, zeros, virials)


def gas(n, temperature, volume):
    rng = np.random.default_rng(3)
    masses = np.full(n, 40.0)
    momenta = np.sqrt(masses * units.kB * temperature)[:, None] * rng.normal(size=(n, 3))
    cell = np.eye(3) * volume ** (1 / 3)
    positions = rng.random((n, 3)) @ cell
    return State(np.full(n, 18), masses, positions, momenta, np.zeros((n, 3)), cell, [True] * 3)


@pytest.mark.parametrize("full", [False, True])
def test_volume_of_the_ideal_gas(full):
    """P(V) ~ V^N exp(-P0 V/kT): <V> = (N + 1) kT/P0 and relative variance 1/(N + 1)."""
    n, temperature = 12, 400.0
    kT = units.kB * temperature
    expected = 5000.0
    pressure = (n + 1) * kT / expected
    state = gas(n, temperature, expected)
    barostat = CellRescaling(
        IdealGas(),
        pressure,
        temperature,
        Noise(1, 1),
        time=20.0,
        compressibility=1 / pressure,
        full=full,
        interval=1,
    )
    bath = LangevinBath(1.0, temperature, Noise(1, 2))
    volumes = []
    for step in range(40_000):
        bath.advance(state, 0.5)
        barostat.advance(state, 0.5)
        volume = abs(np.linalg.det(state.cell))
        # A gas resists no shear (the shape would drift away) and is not stable as a crystal is.
        state.cell[:] = np.eye(3) * volume ** (1 / 3)
        barostat._volume = volume
        if step >= 1000:
            volumes.append(volume)
    blocks = np.reshape(volumes, (-1, 1000)).mean(axis=1)
    error = blocks.std(ddof=1) / np.sqrt(len(blocks))
    assert error < 0.02 * expected
    assert abs(np.mean(volumes) - expected) < 3 * error
    assert abs(np.var(volumes) / np.mean(volumes) ** 2 * (n + 1) - 1) < 0.25


@pytest.mark.slow
def test_strain_fluctuations_of_an_elastic_cell():
    """<(ln V)^2> = kT/(V0 K) and <H_ab^2> = kT/(4 V0 G), a != b, of the full cell.

    The atoms are cold, so that the mean strain vanishes. The Euler steps enlarge a variance by
    1/(1 - z/2), z = dt/(relaxation time). 3 standard errors, each below 5 %.
    """
    bulk, shear, temperature = 1.0, 0.5, 600.0
    cell = np.diag([9.0, 10.0, 11.0])
    state = gas(2, 0.0, 990.0)
    state.cell[:] = cell
    surface = Elastic(cell, bulk, shear)
    barostat = CellRescaling(
        surface,
        0.0,
        temperature,
        Noise(5, 1),
        time=10.0,
        compressibility=1 / bulk,
        full=True,
        interval=1,
    )
    samples = []
    for step in range(60_500):
        barostat.advance(state, 1.0)
        if step >= 500:
            strain = surface.strain(state.cell)
            samples.append([np.trace(strain), strain[0, 1], strain[0, 2], strain[1, 2]])
    blocks = np.square(samples).reshape(60, 1000, 4).mean(axis=1)
    kT = units.kB * temperature
    expected = np.array([kT / (990 * bulk)] + 3 * [kT / (4 * 990 * shear)])
    z = 1 / (10.0 * bulk) * np.array([bulk] + 3 * [2 * shear / 3])
    expected /= 1 - z / 2
    error = blocks.std(axis=0, ddof=1) / np.sqrt(60)
    assert (error < 0.05 * expected).all()
    assert (np.abs(blocks.mean(axis=0) - expected) < 3 * error).all()


def test_collapse_is_reported():
    state = gas(2, 300.0, 1000.0)
    barostat = CellRescaling(
        IdealGas(), 1.0, 300.0, Noise(1, 1), time=1.0, compressibility=1.0, interval=1
    )
    with pytest.raises(RuntimeError, match=r"the volume has changed by a factor 0\.\d+"):
        for _ in range(20):
            barostat.advance(state, 1.0)
