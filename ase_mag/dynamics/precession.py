"""Transverse spin dynamics: the Landau-Lifshitz-Gilbert equation."""

from dataclasses import replace

import numpy as np
from ase import units as ase_units

from ase_mag import _kernels, units
from ase_mag.core import LANES, padded, threads_for
from ase_mag.dynamics.ghost_rows import GhostRows
from ase_mag.dynamics.ordering import SpatialOrder
from ase_mag.dynamics.propagators import SpinPropagator

#: method -> (scheme of the kernel, largest number of corrector iterations, tolerance in mu_B)
METHODS = {
    "midpoint": (_kernels.llg.Scheme.MIDPOINT, 1, np.inf),
    "implicit": (_kernels.llg.Scheme.MIDPOINT, 100, 1e-14),
    "depondt": (_kernels.llg.Scheme.DEPONDT, 1, np.inf),
    "heun": (_kernels.llg.Scheme.HEUN, 1, np.inf),
}


class Precession(SpinPropagator):
    """Transverse Landau-Lifshitz-Gilbert dynamics of the moments, sizes fixed.

    dM/dt = -gamma/(1 + alpha^2) M x [B + (alpha/|M|) M x B], gamma = g mu_B / hbar,
    B = -dE/dM + noise: a moment along x in a field along z turns towards +y. The noise has, per
    component and step, the standard deviation sqrt(2 alpha kT / (gamma |M| dt)) and enters both
    terms (Gilbert form), so that the moments sample exp(-E/kT) on spheres of radius |M|.

    Each sub-step is a predictor and a corrector (two field evaluations), |M| conserved to rounding:

    * ``"midpoint"`` (default): semi-implicit midpoint SIB with Cayley rotations (Mentink,
      Tretyakov, Fasolino, Katsnelson, Rasing, J. Phys.: Condens. Matter 22, 176001 (2010));
    * ``"implicit"``: the same midpoint rule iterated to convergence (about ten field evaluations
      at gamma |B| dt = 0.3); without damping it conserves the energy of bilinear models and, for
      isotropic exchange, the total moment, both to the tolerance of 1e-14;
    * ``"depondt"``: Depondt & Mertens, J. Phys.: Condens. Matter 21, 336005 (2009);
    * ``"heun"``: Heun with the size restored.

    Where the surface has a bilinear form all sub-steps run in one kernel call, without the terms
    that depend on the sizes only (Landau), which exert no torque. Otherwise each field is one
    evaluation of the surface, of which the part perpendicular to the moments is used.

    Errors of the equilibrium: second order in gamma |B| dt from the precession (bcc iron, 0.16
    eV/mu_B, 300 K, midpoint: spin temperature 2.5 % too low at 1 fs, 0.5 % at 0.5 fs; without a
    bilinear form 6 % too high and 0.3 %), and first order in 2 alpha kT gamma dt/|M| from the
    noise (a moment of 0.7 mu_B at 300 K with alpha = 0.5: <cos> 1.6 % off at 1 fs; iron with
    alpha = 0.1 below 0.1 %). Choose dt by both.

    Parameters
    ----------
    surface, temperature_K, noise, timestep : see :class:`SpinPropagator`.
    damping : float or (N,) array, the Gilbert damping alpha.
    method : ``"midpoint"``, ``"implicit"``, ``"depondt"`` or ``"heun"``.

    Raises
    ------
    ValueError
        For another method.
    RuntimeError
        If the implicit midpoint does not converge in 100 iterations: the time step is too long.
    """

    def __init__(
        self,
        surface,
        damping,
        temperature_K=None,
        noise=None,
        timestep=None,
        method="midpoint",
    ):
        super().__init__(surface, temperature_K, noise, timestep)
        if method not in METHODS:
            raise ValueError(f"method {method!r} is unknown: use one of {', '.join(METHODS)}")
        self.damping = damping
        self.method = method
        self._order = SpatialOrder()

    def run(self, state, duration, n_steps):
        dt = duration / n_steps
        first = self.noise.step
        crystal = self.surface.lattice_form(state)
        form = None if crystal is not None else self.surface.form(state)
        spread = None if form is not None else self.surface.spread_form(state)
        if crystal is not None:
            failed = self._on_lattice(state, crystal, dt, n_steps)
        elif spread is not None:
            failed = self._beside_ghosts(state, spread, dt, n_steps)
        elif form is not None:
            failed = self._through_pairs(state, form, dt, n_steps)
        else:
            failed = self._through_evaluate(state, dt, n_steps)
        if failed:
            raise RuntimeError(
                f"the implicit midpoint did not converge in {failed} of {n_steps} steps of "
                f"{dt / ase_units.fs:g} fs: use a shorter time step"
            )
        self.noise.step = first + n_steps

    def _through_pairs(self, state, form, dt, n_steps):
        # Terms of the size exert no torque; at the half-way points of a step they would.
        form, order = self._order(form, state, n_steps)
        form, atoms = replace(form, landau=None), None
        moments = padded(state.moments if order is None else state.moments[order])
        coefficients = self._coefficients(state.moments, len(moments), dt)
        if order is not None:
            atoms = np.zeros(len(moments), dtype=np.uint32)
            atoms[: len(order)] = order
            for values in coefficients:
                values[: len(order)] = values[order]
        scheme, iterations, tolerance = METHODS[self.method]
        # The trial moments, the point of the corrector, the first axes and the noise.
        needed = (
            iterations > 1,
            True,
            scheme != _kernels.llg.Scheme.MIDPOINT,
            bool(coefficients[2].any()),
        )
        scratch = (np.empty_like(moments) if wanted else np.empty((0, 4)) for wanted in needed)
        failed = _kernels.llg.advance(
            form.arrays,
            moments,
            *coefficients,
            atoms,
            scheme,
            iterations,
            tolerance,
            dt,
            self.noise.seed,
            self.noise.step,
            self.noise.stream,
            n_steps,
            *scratch,
            np.empty(len(moments)),
            threads_for(2 * (len(form.neighbors) + 20 * len(moments))),
        )
        state.moments[slice(None) if order is None else order] = moments[: form.n_atoms, :3]
        state.moments_changed()
        return failed

    def _beside_ghosts(self, state, form, dt, n_steps):
        rows = GhostRows(self.surface, state)
        turn = self.staged(state, form, rows, dt)
        failed = sum(turn(step) for step in range(n_steps))
        rows.write(state)
        return failed

    def staged(self, state, form, rows, dt):
        """Return what makes one step of ``dt`` on the rows of owned atoms and ghosts.

        It takes the number of the step (of the noise) and returns whether the implicit midpoint
        did not converge.

        Parameters
        ----------
        state : State of the owned atoms.
        form : BilinearForm of their sites, :meth:`Surface.spread_form`.
        rows : GhostRows
        dt : float, ASE time.
        """
        # Terms of the size exert no torque; at the half-way points of a step they would.
        terms, n = replace(form, landau=None).arrays, rows.n_owned
        scheme, iterations, tolerance = METHODS[self.method]
        iterated, midpoint = iterations > 1, scheme == _kernels.llg.Scheme.MIDPOINT
        coefficients = self._coefficients(state.moments, rows.n_rows, dt)
        noisy, none = bool(coefficients[2].any()), np.empty((0, 4))
        point = rows.scratch(0)
        first = none if midpoint else rows.scratch(1)
        noise = rows.scratch(2) if noisy else none
        atoms = rows.numbers(self.noise) if noisy else None
        change = np.zeros(rows.n_rows // LANES)
        threads = threads_for(2 * (len(form.neighbors) + 20 * n))

        def half_step(predictor, step):
            return _kernels.llg.half_step(
                predictor,
                terms,
                rows.moments,
                *coefficients,
                atoms,
                scheme,
                iterated,
                dt,
                self.noise.seed,
                self.noise.step + step,
                self.noise.stream,
                rows.scratch(1) if iterated else none,
                point,
                first,
                noise,
                change,
                threads,
            )

        def turn(step):
            rows.refresh(rows.moments)
            half_step(True, step)
            for _turn in range(iterations):
                rows.refresh(point)
                worst = half_step(False, step)
                if not iterated:
                    return False
                worst = rows.surface.maximum(worst)
                if worst <= tolerance:
                    break
                point[:n] = 0.5 * (rows.moments[:n] + rows.scratch(1)[:n])
            rows.swap(1)
            return bool(worst > tolerance)

        return turn

    def _on_lattice(self, state, crystal, dt, n_steps):
        # Terms of the size exert no torque; at the half-way points of a step they would.
        crystal, stencil = crystal.without_landau(), crystal.stencil
        scheme, iterations, tolerance = METHODS[self.method]
        coefficients = self._coefficients(state.moments, len(state.moments), dt)
        noisy, midpoint = bool(coefficients[2].any()), scheme == _kernels.llg.Scheme.MIDPOINT
        coefficients = stencil.coefficients(*coefficients)
        threads = threads_for(2 * (crystal.n_pairs // 3 + 20 * crystal.n_atoms))
        rows, none = stencil.pack(state.moments, threads), np.empty((0, 3, 0))
        failed = _kernels.lattice_llg.advance(
            crystal.arrays,
            rows,
            stencil.atoms,
            *coefficients,
            noisy,
            scheme,
            iterations,
            tolerance,
            dt,
            self.noise.seed,
            self.noise.step,
            self.noise.stream,
            n_steps,
            stencil.empty() if iterations > 1 else none,
            stencil.empty(),
            none if midpoint else stencil.empty(),
            stencil.empty() if noisy else none,
            np.empty(len(rows)),
            threads,
        )
        stencil.unpack(rows, state.moments, threads)
        state.moments_changed()
        return failed

    def _coefficients(self, moments, rows, dt):
        """Return gamma/(1 + alpha^2), alpha/|M| and the deviation of the noise in B (eV/mu_B).

        Atoms without a moment get ratio and deviation zero; so do the ``rows`` beyond the atoms.
        """
        n, damping = len(moments), np.zeros(rows)
        damping[:n] = self.damping
        rate = units.gamma / (1 + damping**2)
        if self.moving is not None:
            rate[:n][~self.moving] = 0.0
        if not damping.any():
            return rate, damping, damping
        sizes, inverse = np.sqrt(np.einsum("ij,ij->i", moments, moments)), np.zeros(rows)
        np.divide(1.0, sizes, out=inverse[:n], where=sizes > 0)
        variance = 2 * damping * units.kB * (self.temperature_K or 0.0) / (units.gamma * dt)
        return rate, damping * inverse, np.sqrt(variance * inverse)

    def _through_evaluate(self, state, dt, n_steps):
        rate, ratio, deviation = self._coefficients(state.moments, len(padded(state.moments)), dt)
        scheme, iterations, tolerance = METHODS[self.method]
        half_way = scheme == _kernels.llg.Scheme.MIDPOINT
        n, failed = len(state.moments), 0
        out, first, noise = (np.zeros_like(padded(state.moments)) for _ in range(3))

        def stage(predictor):
            fields = padded(self.surface.response(state, lattice=False).magforces) + noise
            point = padded(state.moments)
            _kernels.llg.stage(scheme, predictor, start, point, fields, rate, ratio, dt, first, out)

        for _ in range(n_steps):
            start = padded(state.moments)
            if deviation.any():
                noise = deviation[:, None] * padded(self.noise.normal(n))
            stage(True)
            for _turn in range(iterations):
                before = out.copy() if iterations > 1 else None
                state.moments[:] = (0.5 * (start + out) if half_way else out)[:n, :3]
                state.moments_changed()
                stage(False)
                if iterations == 1:
                    break
                change = self.surface.maximum(np.abs(out - before).max(initial=0.0))
                if change <= tolerance:
                    break
            else:
                failed += 1
            state.moments[:] = out[:n, :3]
            state.moments_changed()
        return failed
