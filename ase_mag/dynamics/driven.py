"""Magnetic fields that change in time: pulses, sweeps, oscillations."""

from dataclasses import replace

import numpy as np

from ase_mag import units
from ase_mag.core import Response, Surface


class DrivenSurface(Surface):
    """A surface in a uniform field B(t): E(M, t) = E(M) - sum_i M_i.B(t).

    The field acts on the species that the model describes. The dynamics sets ``time`` before
    each step, to the middle of the step.

    Parameters
    ----------
    surface : ase_mag.core.ModelSurface
    field : callable, time in ASE units -> three floats in tesla.

    Attributes
    ----------
    time : float, ASE time units.
    """

    def __init__(self, surface, field):
        self.surface = surface
        self.field = field
        self.time = 0.0
        self.present_field(0)

    def present_field(self, n):
        """Return the field at ``time`` in eV/mu_B, (n, 3), or raise ValueError for a bad value."""
        return np.tile(field_at(self.field, self.time), (n, 1))

    def _acting(self, numbers):
        field = self.present_field(len(numbers))
        field[~np.isin(numbers, self.surface.model.numbers)] = 0.0
        return field

    def graph(self, state):
        """Return the :class:`PairGraph` of the state's geometry."""
        return self.surface.graph(state)

    def check_sizes(self, state, free=None):
        """See :meth:`ase_mag.core.Surface.check_sizes`."""
        self.surface.check_sizes(state, free)

    def form(self, state):
        form = self.surface.form(state)
        if form is None:
            return None
        field = self._acting(state.numbers)
        return replace(form, field=field if form.field is None else form.field + field)

    def lattice_form(self, state):
        form = self.surface.lattice_form(state)
        return None if form is None else form.in_field(self._acting(form.lattice.numbers))

    def response(self, state, *, lattice=True):
        rest, field = self.surface.response(state, lattice=lattice), self._acting(state.numbers)
        energies = rest.energies - np.einsum("ij,ij->i", state.moments, field)
        return Response(energies, rest.magforces + field, rest.forces, rest.virials)

    def get_state(self):
        """See :meth:`ase_mag.core.ModelSurface.get_state`."""
        return self.surface.get_state()

    def set_state(self, state):
        """See :meth:`ase_mag.core.ModelSurface.set_state`."""
        self.surface.set_state(state)


def field_at(field, time):
    """Return a field in eV/mu_B, (3,), at a time in ASE units.

    Parameters
    ----------
    field : three floats in tesla, or a function of the time that returns them.

    Raises
    ------
    ValueError
        If the field is not three finite numbers.
    """
    value = np.asarray(field(time) if callable(field) else field, dtype=float)
    if value.shape != (3,) or not np.isfinite(value).all():
        what = f"field({time:g})" if callable(field) else "field"
        raise ValueError(f"{what} must be three finite numbers in tesla, got {value!r}")
    return units.tesla * value
