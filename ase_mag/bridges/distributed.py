"""A model on atoms that are spread over processes."""

import numpy as np

from ase_mag.core import Response, Surface
from ase_mag.core.extras import require
from ase_mag.dynamics.timestep import precession_angle, warn_of_angle


class DistributedSurface(Surface):
    """The surface of a :class:`Model` whose atoms are spread over the processes of ``comm``.

    Every process evaluates the sites it owns, with the moments of its ghosts brought in before and
    the shares of the ghosts in forces and magnetic forces brought back after (:class:`Halo`). The
    energies and virials of a response are those of the owned sites only: :meth:`total` adds up.

    Where the model has a bilinear form, magnetic forces come from it: M_j is all that B_i needs,
    so that nothing has to be brought back. The form is made for fields only: without the lattice
    a response has no energies then.

    Parameters
    ----------
    model : Model
    comm : mpi4py communicator.

    Attributes
    ----------
    blocks : Blocks of the sites of this process, which :meth:`renew` sets.
    halo : Halo
    time : float, ASE time units, of a field that changes in time.
    """

    time = 0.0

    def __init__(self, model, comm):
        self.model, self.comm = model, comm
        self.blocks = self.halo = None
        self._form = self._response = self._key = None
        self._formed = False

    def renew(self, blocks, halo):
        """Go over to a new geometry: :class:`Blocks` at their places and their :class:`Halo`."""
        self.blocks, self.halo = blocks, halo
        self._form, self._formed, self._key = None, False, None

    def forget(self):
        """Let go of the geometry, before the next one takes its memory."""
        self.blocks = self.halo = self._form = self._response = self._key = None
        self._formed = False

    def total(self, values):
        """Return the sum of an array (or number) over all processes."""
        values = np.asarray(values, dtype=float)
        result = np.empty_like(values)
        self.comm.Allreduce(np.ascontiguousarray(values), result)
        return result

    def maximum(self, value):
        # The largest of NaN and a number depends on who asks: processes would go different ways.
        value = np.inf if np.isnan(value) else float(value)
        return self.comm.allreduce(value, op=require("mpi4py.MPI", "lammps").MAX)

    def response(self, state, *, lattice=True):
        return self.model_response(state, lattice=lattice)

    def model_response(self, state, *, lattice=True):
        """Return the response of the model alone, without a field from outside."""
        response = self._keep(state, lattice)
        if response.magforces is None:
            response.magforces = self._evaluate(state, lattice=False).magforces
        return response

    def forces(self, state):
        """Return -dE/dR of the owned atoms, (n_owned, 3), eV/angstrom (magnetic ones later)."""
        return self._keep(state, True).forces

    def response_of_moments(self, state):
        """Return magnetic forces and (None with a bilinear form) energies, not kept."""
        return self._evaluate(state, lattice=False)

    def energy_of_moments(self, state):
        """Return the energy of the owned sites (eV), less what does not depend on moments.

        That is left out with a bilinear form only: differences at one geometry count.
        """
        form = self.pairwise
        if form is None:
            return self.response(state, lattice=False).energy
        return float(form.evaluate(self.with_ghosts(state.moments))[0].sum())

    def _keep(self, state, lattice):
        key = (state.serial, *state.version)
        if key != self._key or (lattice and self._response.forces is None):
            # The one of the state before goes, before the next one takes its memory.
            self._response = self._key = None
            self._response = self._evaluate(state, lattice)
            self._key = key
        return self._response

    def _evaluate(self, state, lattice):
        """Return the response; with a bilinear form and ``lattice`` without magnetic forces."""
        moments, form = self.with_ghosts(state.moments), self._model_form()
        if form is not None and not lattice:
            return Response(None, form.evaluate(moments)[1])
        energies, virials, *gradients = self.blocks.evaluate(
            self.model, moments, lattice=lattice, one_sided=form is not None
        )
        forces, magforces = self._at_owners(gradients)
        return Response(energies, magforces, forces, virials)

    def _at_owners(self, arrays):
        """Return (n_atoms, 3) arrays with the shares of the ghosts at their owners; None stays."""
        n, known = self.blocks.n_sites, [array for array in arrays if array is not None]
        if self.comm.size > 1:
            ghosts = [array[n:] for array in known]
            shares = np.concatenate(ghosts, axis=1) if len(ghosts) > 1 else ghosts[0]
            self.halo.reverse(shares, *(array[:n] for array in known))
        return [None if array is None else array[:n] for array in arrays]

    def with_ghosts(self, values):
        """Return values of the owned atoms, (n_owned, k), followed by those of the ghosts."""
        if self.comm.size == 1:
            return values
        return np.concatenate([values, self.halo.forward(values)])

    @property
    def pairwise(self):
        """The bilinear form on the sites of this process, or None."""
        return self.pairwise_at(self.time)

    def pairwise_at(self, time):
        """Return the bilinear form in the field of another time (ASE units), or None."""
        return self._model_form()

    def _model_form(self):
        """Return the bilinear form of the model, or None; made once per geometry."""
        if not self._formed:
            self._form, self._formed = self.blocks.bilinear(self.model), True
        return self._form

    def spread_form(self, state):
        return self.pairwise

    def refresh(self, rows):
        self.halo.refresh(rows)

    def warn_if_long(self, state, timestep):
        """Warn on process 0 where a moment turns by more than 1 rad per time step."""
        angle = self.maximum(precession_angle(self, state, timestep))
        if self.comm.rank == 0:
            warn_of_angle(angle, timestep)

    @property
    def n_rows(self):
        return self.blocks.n_atoms
