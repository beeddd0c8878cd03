"""The barostat of a box whose atoms are spread over processes."""

import numpy as np

from ase_mag.dynamics.barostat import CellRescaling


class DistributedRescaling(CellRescaling):
    """:class:`CellRescaling` for a state that is one part of a system.

    Noise is the same on every process, energies and virials are added up over all of them. What a
    strain has changed in energy is known once forces of the new cell are there: :meth:`settle`.

    Parameters
    ----------
    surface : ase_mag.bridges.distributed.DistributedSurface
    **options : see :class:`CellRescaling`.
    """

    def __init__(self, surface, **options):
        super().__init__(surface, **options)
        self._before = None

    def steps_left(self):
        """Return the number of steps until the cell moves."""
        return self.interval - self.count % self.interval

    def deformation(self, state, dt, steps):
        """Say that ``steps`` steps of ``dt`` were made; return exp(X) if the cell moves, or None.

        Momenta of ``state`` are those of the new cell then; the box is for the caller to strain.
        """
        self.count += steps
        if self.count % self.interval:
            return None
        strain = self._strain(state, dt * self.interval)
        self._before = self._energy(state)
        deform = self._deformation(state, strain)
        state.momenta[:] = state.momenta @ np.linalg.inv(deform)
        return deform

    def is_due(self, step):
        """Return whether the cell is going to move after the step of this number."""
        return step > self.count and step % self.interval == 0

    @property
    def settled(self):
        """Whether the heat of the last strain is known."""
        return self._before is None

    def settle(self, state):
        """Add what the last strain has given to the system to the heat, after its response."""
        if self._before is not None:
            self.heat += self._energy(state) - self._before
            self._before = None

    def _energy(self, state):
        potential = self.surface.response(state).energy
        return float(self.surface.total(potential + state.kinetic_energy()))

    def pressure_tensor(self, state):
        """Return the instantaneous pressure tensor of all atoms, (3, 3), eV/angstrom^3."""
        return self.surface.total(super().pressure_tensor(state))
