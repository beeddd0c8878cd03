"""Dynamics of the moments of one process of several: sites in any order, ghosts for the rest."""

from dataclasses import replace

import numpy as np
import pytest
from ase import units as ase_units

import ase_mag
from ase_mag import build, models, units
from ase_mag.core import ModelSurface, State, Surface, set_threads
from ase_mag.dynamics import GeneralizedLangevin, MomentBath, Noise, Precession

fs = ase_units.fs
RATE = 2.4
OPTIONS = {"temperature_K": 700.0, "timestep": 0.5 * fs}


class Spread(Surface):
    """The sites ``owned`` of a form; every other one of their neighbors is a ghost of an owner."""

    def __init__(self, form, owned):
        place = np.empty_like(owned)
        place[owned] = np.arange(len(owned))
        rows = [np.arange(form.offsets[i], form.offsets[i + 1]) for i in owned]
        pairs = np.concatenate(rows)
        offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.intc)
        self.owners = place[np.arange(7 * len(owned)) % len(owned)]
        neighbors = place[form.neighbors[pairs]]
        # Copies of owned atoms, further away than a block of eight.
        ghosts = np.argsort(self.owners, kind="stable")[7 * neighbors + pairs % 7] + len(owned)
        neighbors = np.where(pairs % 2, ghosts, neighbors)
        sites = ("constant", "field", "landau", "quadric", "cubic", "axes")
        own = {name: getattr(form, name) for name in sites}
        own = {name: None if v is None else v[owned] for name, v in own.items()}
        self._form = replace(
            form,
            offsets=offsets,
            neighbors=neighbors.astype(np.intc),
            exchange=form.exchange[pairs],
            **own,
        )
        self.n_rows = len(owned) + len(self.owners)

    def response(self, state, *, lattice=True):
        raise AssertionError("the stages need no response")

    def spread_form(self, state):
        return self._form

    def refresh(self, rows):
        rows[len(rows) - len(rows) :][: self.n_rows][len(self.owners) // 7 : self.n_rows] = rows[
            self.owners
        ]


def alloy():
    """Return a state of 54 atoms, every fifth without a moment, its form and who moves."""
    atoms = build.bcc_crystal(2.86, 3, moment=2.1)
    atoms.numbers[::5] = 13
    rng = np.random.default_rng(3)
    atoms.positions += rng.normal(scale=0.03, size=atoms.positions.shape)
    moments = rng.normal(scale=0.3, size=(54, 3)) + [0, 0, 2.1]
    moments[::5] = 0.0
    ase_mag.set_moments(atoms, moments)
    model = models.named("FeHL-1") + models.NonMagnetic("Al") + models.Zeeman("Fe", (9, 0, 60))
    model = model + models.UniaxialAnisotropy("Fe", 0.01, axis=(1, 2, 0))
    state = State.from_atoms(atoms)
    form = ModelSurface(model, state.numbers, state.pbc).form(state)
    return state, form, atoms.numbers == 26
