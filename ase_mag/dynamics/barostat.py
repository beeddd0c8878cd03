"""Pressure: stochastic rescaling of the cell."""

import numpy as np
from ase import units as ase_units
from scipy.linalg import expm

from ase_mag import units
from ase_mag.dynamics.base import check_positive
from ase_mag.dynamics.propagators import Propagator


class CellRescaling(Propagator):
    """Stochastic cell rescaling: a first-order barostat that samples the NPT ensemble.

    The cell h is strained by exp(X), positions with it, momenta by exp(-X), with

        isotropic:  X = x/3 1,  dx = (beta/tau) (P - P0) dt + sqrt(2 beta kT/(V tau)) dW
        full:       dX_ab = beta/(3 tau) (P_ab - P0 delta_ab) dt + sqrt(2 beta kT/(3 V tau)) dW_ab

    (symmetric part of X; no rotation). P is the instantaneous pressure tensor, (sum p (x) p/m -
    W)/V with W = dE/d(strain) at the moments of the state, so the magnetic virial is in it. The
    volume is x = ln V; at stationarity P(V) ~ exp(-(F(V) + P0 V)/kT). Bernetti & Bussi, J. Chem.
    Phys. 153, 114107 (2020) (isotropic); Del Tatto, Raiteri, Bernetti, Bussi, Appl. Sci. 12, 1139
    (2022) (full cell; their term kT/V is the Ito form of the exponential used here).

    Parameters
    ----------
    surface : ase_mag.core.Surface whose responses have virials.
    pressure : float, P0 in eV/angstrom^3 (``ase.units.GPa``).
    temperature_K : float
    noise : Noise
    time : float, relaxation time tau, ASE time.
    compressibility : float, beta in angstrom^3/eV; sets the speed only.
    full : bool, the whole cell instead of the volume.
    interval : int; the cell moves every ``interval`` steps, by as many time steps.
    follow : callable (state) or None; sets what depends on the cell after each of its moves, such
        as learned moment sizes, so that the next forces belong to it.

    Attributes
    ----------
    heat : float, eV, energy that the moves of the cell have given to the system so far.

    Raises
    ------
    RuntimeError
        When the volume falls below half or rises above twice that of the start.
    """

    part = "forces"

    def __init__(
        self,
        surface,
        pressure,
        temperature_K,
        noise,
        time=500 * ase_units.fs,
        compressibility=1 / (150 * ase_units.GPa),
        full=False,
        interval=10,
        follow=None,
    ):
        self.surface = surface
        self.pressure = pressure
        self.temperature_K = temperature_K
        self.noise = noise
        self.time = time
        self.compressibility = compressibility
        self.full = full
        self.interval = interval
        self.follow = follow
        self.count = 0
        self.heat = 0.0
        self._volume = None

    def get_state(self):
        """Return what the barostat has accumulated."""
        return {"count": self.count, "heat": self.heat, "volume": self._volume}

    def set_state(self, state):
        """Go on where another barostat was."""
        self.count, self.heat = int(state["count"]), float(state["heat"])
        self._volume = state["volume"]

    def advance(self, state, dt):
        self.count += 1
        if self.count % self.interval:
            return
        strain = self._strain(state, dt * self.interval)
        before = self._energy(state)
        self._apply(state, strain)
        if self.follow is not None:
            self.follow(state)
        self.heat += self._energy(state) - before

    def _strain(self, state, dt):
        """Return X of a time step ``dt`` of the cell, (3, 3)."""
        volume = abs(np.linalg.det(state.cell))
        if self._volume is None:
            self._volume = volume
        excess = self.pressure_tensor(state) - self.pressure * np.eye(3)
        speed = self.compressibility * dt / (3 * self.time)
        # exp(X) already contains the Ito term of the multiplicative noise.
        width = np.sqrt(2 * speed * units.kB * self.temperature_K / volume)
        xi = self.noise.normal(3)
        if self.full:
            strain = speed * excess + width * xi
            return 0.5 * (strain + strain.T)
        # The trace of three independent diagonal entries has the variance of x.
        return np.eye(3) * (speed * np.trace(excess) / 3 + width * xi[0, 0] / np.sqrt(3))

    def _energy(self, state):
        return self.surface.response(state).energy + state.kinetic_energy()

    def pressure_tensor(self, state):
        """Return the instantaneous pressure tensor, (3, 3), eV/angstrom^3."""
        kinetic = state.momenta.T @ (state.momenta / state.masses[:, None])
        virial = self.surface.response(state).virial
        return (kinetic - 0.5 * (virial + virial.T)) / abs(np.linalg.det(state.cell))

    def _deformation(self, state, strain):
        """Return exp(X), or raise RuntimeError if the volume runs away."""
        deform = expm(strain)
        ratio = abs(np.linalg.det(state.cell @ deform)) / self._volume
        if not 0.5 < ratio < 2.0:
            raise RuntimeError(
                f"the volume has changed by a factor {ratio:.3g} since the start: the crystal is "
                "not stable at this pressure and temperature, or the relaxation time of the "
                "barostat is too short"
            )
        return deform

    def _apply(self, state, strain):
        deform = self._deformation(state, strain)
        state.cell[:] = state.cell @ deform
        state.positions[:] = state.positions @ deform
        state.momenta[:] = state.momenta @ np.linalg.inv(deform)
        state.geometry_changed()


def check_barostat(atoms, pressure_time, compressibility):
    """Raise ValueError for a barostat of bad numbers, or of a cell that is not periodic."""
    check_positive("pressure_time", pressure_time, "ASE time units (ase.units.fs)")
    check_positive("compressibility", compressibility, "angstrom^3/eV")
    if not atoms.pbc.all():
        raise ValueError(
            "a pressure needs a cell that is periodic in three directions, got pbc="
            f"{atoms.pbc.tolist()}"
        )
