"""The contract of propagators over all of them, and that it catches what it is for."""

import numpy as np
import pytest
from ase import units as ase_units
from ase.build import bulk

from ase_mag import models, reference
from ase_mag.core import ModelSurface, State, set_moments
from ase_mag.dynamics import (
    CellRescaling,
    Drift,
    GeneralizedLangevin,
    Kick,
    LangevinBath,
    MomentBath,
    MomentSizes,
    Noise,
    Precession,
    Propagator,
    RelaxedSizes,
    SampledSizes,
    SequentialPrecession,
)
from ase_mag.lsf import mean_moment, moment_quantile
from ase_mag.testing import check_propagator

fs = ase_units.fs
MODEL = models.named("FeHL-1") + models.UniaxialAnisotropy("Fe", 0.002, (1, 1, 1), 2.2)


@pytest.fixture
def state():
    rng = np.random.default_rng(3)
    atoms = bulk("Fe", a=2.86, cubic=True) * 2
    atoms.positions += 0.05 * rng.normal(size=(16, 3))
    set_moments(atoms, [0, 0, 2.0] + 0.6 * rng.normal(size=(16, 3)))
    atoms.set_momenta(2.0 * rng.normal(size=(16, 3)))
    return State.from_atoms(atoms)


def surface(model=MODEL):
    return ModelSurface(model, np.full(16, 26), [True] * 3)


def energy(state):
    return surface().response(state).energy + state.kinetic_energy()


def landscapes(positions, cell, moments):
    n = len(positions)
    return np.full(n, -0.15), np.full(n, 0.0192)


def reference_atoms():
    atoms = bulk("Fe", a=2.86, cubic=True) * 2
    atoms.calc = reference.ConstrainedModel(models.named("FeHL-1"))
    return atoms


LATTICE = ("positions", "momenta", "cell")
#: name -> (a fresh propagator, options of the contract)
CASES = {
    "kick": (lambda: Kick(surface()), {"conserves": ("positions", "moments", "cell")}),
    "drift": (lambda: Drift(), {"conserves": ("momenta", "moments", "cell")}),
    "lattice bath": (
        lambda: LangevinBath(0.1, 300.0, Noise(1, 1)),
        {"conserves": ("positions", "moments", "cell")},
    ),
    **{
        f"precession, {method}": (
            lambda method=method: Precession(surface(), 0.0, method=method),
            {"conserves": (*LATTICE, "sizes"), "order": 2, "energy": energy},
        )
        for method in ("midpoint", "implicit", "depondt", "heun")
    },
    "damped precession": (
        lambda: Precession(surface(), 0.2),
        {"conserves": (*LATTICE, "sizes"), "order": 2},
    ),
    "noisy precession": (
        lambda: Precession(surface(), 0.2, 300.0, Noise(1, 1), 0.1 * fs),
        {"conserves": (*LATTICE, "sizes")},
    ),
    "sequential precession": (
        lambda: SequentialPrecession(surface()),
        {"conserves": (*LATTICE, "sizes"), "order": 2, "energy": energy},
    ),
    "moment bath": (lambda: MomentBath(surface()), {"conserves": LATTICE, "order": 2}),
    "generalized Langevin": (
        lambda: GeneralizedLangevin(surface(), 300.0, Noise(1, 1)),
        {"conserves": LATTICE},
    ),
    "moment sizes": (lambda: MomentSizes(landscapes, mean_moment, 300.0), {"conserves": LATTICE}),
    "sampled sizes": (
        lambda: SampledSizes(
            landscapes, moment_quantile, 300.0, noise=Noise(1, 1), timestep=1.0, time=2.0
        ),
        {"conserves": LATTICE},
    ),
    "relaxed sizes": (lambda: RelaxedSizes(reference_atoms()), {"conserves": LATTICE}),
    "barostat": (
        lambda: CellRescaling(surface(), 0.1, 300.0, Noise(1, 1), full=True, interval=1),
        {"conserves": ("moments",)},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_contract(name, state):
    make, options = CASES[name]
    check_propagator(make, state, 0.2 * fs, **options)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Precession(surface(models.Zeeman("Fe", (0, 0, 50.0))), 0.1),
        lambda: SequentialPrecession(surface(models.Zeeman("Fe", (0, 0, 50.0)))),
        lambda: GeneralizedLangevin(surface(models.Zeeman("Fe", (0, 0, 50.0)))),
    ],
)
def test_handedness(make, state):
    check_propagator(make, state, 1.0 * fs, handed=True)


class Wrong(Propagator):
    """A propagator with one defect."""

    def __init__(self, defect):
        self.defect = defect

    def advance(self, state, dt):
        if self.defect == "random":
            state.momenta += np.random.default_rng().normal(size=state.momenta.shape)
        elif self.defect == "silent":
            state.moments *= 1.0 + 0.01 * dt
        elif self.defect == "touches":
            state.momenta += dt
        elif self.defect == "masses":
            state.masses *= 1.1
        elif self.defect == "first order":
            state.positions += dt * np.sin(state.positions)
            state.geometry_changed()
        elif self.defect == "zero":
            state.moments /= np.linalg.norm(state.moments, axis=1, keepdims=True)
            state.moments_changed()
        elif self.defect == "left-handed":
            x, y, _ = state.moments.T.copy()
            state.moments[:, 0] = x + 0.1 * y
            state.moments[:, 1] = y - 0.1 * x
            state.moments_changed()


@pytest.mark.parametrize(
    ("defect", "options", "message"),
    [
        ("random", {}, "two equal runs: momenta differ"),
        ("silent", {}, r"moments changed without moments_changed\(\)"),
        ("touches", {"conserves": ("momenta",)}, "momenta changed"),
        ("masses", {}, "masses changed"),
        ("first order", {"order": 2}, "halving the time step lowers the error by"),
        ("zero", {}, "not finite beside a moment of zero"),
        ("left-handed", {"handed": True}, r"must turn towards \+y"),
    ],
)
def test_defects_are_caught(defect, options, message, state):
    with (
        pytest.raises(AssertionError, match=message),
        np.errstate(divide="ignore", invalid="ignore"),
    ):
        check_propagator(lambda: Wrong(defect), state, 0.5 * fs, **options)
