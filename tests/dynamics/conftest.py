"""Small spin systems with exact answers."""

import numpy as np
import pytest

from ase_mag import units
from ase_mag.core import BilinearForm, Gradients, Model, ModelSurface, State


class Field(Model):
    """Moments in a uniform field (tesla); ``fast=False`` hides the bilinear form."""

    species = ("Fe",)

    def __init__(self, field_T, fast=True):
        self.field = units.tesla * np.asarray(field_T, dtype=float)
        self.fast = fast

    def bilinear(self, graph):
        field = np.tile(self.field, (graph.n_sites, 1))
        return BilinearForm.on(graph, field=field) if self.fast else None

    def gradients(self, graph, moments, *, lattice=True):
        return Gradients(-moments @ self.field, -np.tile(self.field, (graph.n_atoms, 1)))


class Ring(Model):
    """Closed chain of N moments with nearest-neighbor exchange J (eV/mu_B^2, inside convention)."""

    species = ("Fe",)

    def __init__(self, n, exchange, fast=True):
        sites = np.arange(n)
        neighbors = np.stack([(sites - 1) % n, (sites + 1) % n], axis=1).ravel()
        self.form = BilinearForm(
            np.arange(0, 2 * n + 1, 2, dtype=np.intc),
            neighbors.astype(np.intc),
            np.zeros(n),
            exchange=np.full(2 * n, float(exchange)),
        )
        self.fast = fast

    def bilinear(self, graph):
        return self.form if self.fast else None

    def gradients(self, graph, moments, *, lattice=True):
        energies, magforces = self.form.evaluate(moments)
        return Gradients(energies, -magforces)


def make_state(moments):
    """Return a state of iron atoms with these moments, (N, 3) mu_B, all at the origin."""
    n = len(moments)
    zeros = np.zeros((n, 3))
    return State(np.full(n, 26), np.full(n, 55.845), zeros, zeros, moments, np.eye(3), [False] * 3)


@pytest.fixture
def field_model():
    return Field


@pytest.fixture
def ring_model():
    return Ring


@pytest.fixture
def state_of():
    return make_state


@pytest.fixture
def surface_of():
    """Return a function model, state -> ModelSurface."""
    return lambda model, state: ModelSurface(model, state.numbers, state.pbc)
