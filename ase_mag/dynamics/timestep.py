"""Whether a time step is short enough for the fields that act."""

import warnings

import numpy as np
from ase import units as ase_units

from ase_mag import units

#: Rotation angle per step, rad, above which a spin step is refused by a warning.
LARGEST_ANGLE = 1.0
#: Angle of the suggested step: the equilibrium is right to about 0.5 % there.
GOOD_ANGLE = 0.25
#: Noise strength 2 alpha kT gamma dt/|M| of the suggested step.
GOOD_NOISE = 0.02


def precession_angle(surface, state, timestep):
    """Return gamma |B| dt, the angle by which the fastest moment turns in a step, rad.

    B is the field of exchange, tensors and external field where the surface has a bilinear form
    (size terms exert no torque), and the part of -dE/dM perpendicular to M otherwise.
    """
    form, moments = surface.lattice_form(state) or surface.form(state), state.moments
    if form is None:
        form = surface.spread_form(state)
        moments = moments if form is None else surface.with_ghosts(moments)
    if form is not None:
        fields = form.without_onsite().evaluate(moments)[1]
    else:
        fields = surface.response(state, lattice=False).magforces
        squares = np.einsum("ij,ij->i", state.moments, state.moments)
        along = np.einsum("ij,ij->i", state.moments, fields)
        along = np.divide(along, squares, out=np.zeros_like(along), where=squares > 0)
        fields = fields - along[:, None] * state.moments
    fields = fields[np.einsum("ij,ij->i", state.moments, state.moments) > 0]
    return units.gamma * timestep * float(np.sqrt((fields**2).sum(axis=1)).max(initial=0.0))


def suggest_timestep(dynamics):
    """Return a time step for the spins of a dynamics object, ASE time units.

    The step at which the fastest moment turns by 0.25 rad in the present fields, or at which
    2 alpha kT gamma dt/|M| of the smallest moment in the bath is 0.02, whichever is shorter: the
    errors of the spin equilibrium are then about 0.5 %. Lattice vibrations need about 1 to 2 fs
    for iron, whatever the spins need. The present step is judged in the docstring's sense by
    ``precession_angle(surface, state, dt)``.

    Parameters
    ----------
    dynamics : SpinDynamics, SpinLatticeDynamics or AsdAimd (with an exchange model).
    """
    surface = getattr(dynamics, "spin_surface", None) or dynamics.surface
    state = dynamics.state
    angle = precession_angle(surface, state, 1.0)
    best = GOOD_ANGLE / angle if angle > 0 else np.inf
    sizes = np.linalg.norm(state.moments, axis=1)
    damping = np.broadcast_to(getattr(dynamics, "damping", 0.0), sizes.shape)
    rate = 2 * damping[sizes > 0] * units.kB * (dynamics.temperature_K or 0.0) * units.gamma
    noise = (rate / sizes[sizes > 0]).max(initial=0.0)
    return float(min(best, GOOD_NOISE / noise if noise > 0 else np.inf))


def warn_if_long(surface, state, timestep):
    """Warn when moments turn by more than 1 rad per step."""
    warn_of_angle(precession_angle(surface, state, timestep), timestep, stacklevel=6)


def warn_of_angle(angle, timestep, stacklevel=2):
    """Warn of an angle per step of more than 1 rad."""
    if angle > LARGEST_ANGLE:
        good = timestep * GOOD_ANGLE / angle / ase_units.fs
        warnings.warn(
            f"the time step of the spins is too long: in the present fields a moment turns by "
            f"{angle:.2g} rad per {timestep / ase_units.fs:.3g} fs; use {good:.2g} fs or less",
            UserWarning,
            stacklevel=stacklevel,
        )
