"""What the dynamics of moments at fixed positions share: many steps in one kernel call."""

from abc import abstractmethod

from tqdm import tqdm

from ase_mag.dynamics.base import MagneticDynamics, check_count


class FrozenLattice(MagneticDynamics):
    """Base of the dynamics that move the moments only.

    Between two observers (trajectory, log, attached functions) ``run`` makes all steps at once;
    ``irun`` yields after every step as in ASE. Subclasses set ``self.surface`` (the
    :class:`ase_mag.core.Surface` of the moments) before ``super().__init__``.
    """

    #: Most steps between two moves of the progress bar.
    longest = 1000

    @abstractmethod
    def advance(self, n_steps):
        """Advance ``self.state`` by ``n_steps`` steps."""

    def run(self, steps=50):
        """Run ``steps`` steps; returns True."""
        steps = check_count("steps", steps)
        disable = None if self._progress is None else not self._progress
        self.max_steps = self.nsteps + steps
        if self.nsteps == 0:
            self._refresh_properties()
            self.call_observers()
        with (
            tqdm(total=steps, desc=type(self).__name__, unit="step", disable=disable) as bar,
            self.stoppable(),
        ):
            while self.nsteps < self.max_steps:
                n = self._steps_to_next_observer()
                self.read_atoms()
                self.advance(n)
                self.state.write(self.atoms)
                self.nsteps += n
                self._refresh_properties()
                self.call_observers()
                bar.update(n)
                self.stop_if_asked()
        return True

    def _steps_to_next_observer(self):
        """Return the number of steps until an observer is due, the end, or the bar moves."""
        n = min(self.max_steps - self.nsteps, self.longest)
        for _, interval, _, _ in self.observers:
            if interval > 0:
                n = min(n, interval - self.nsteps % interval)
            elif -interval > self.nsteps:
                n = min(n, -interval - self.nsteps)
        return n

    def _evaluate(self):
        self.atoms.get_potential_energy()
        self.atoms.calc.get_property("magforces", self.atoms)

    def get_potential_energy(self):
        """Return the energy of the spin surface (external field included), eV."""
        return self.surface.response(self.state, lattice=False).energy

    def spin_form(self):
        return self.surface.lattice_form(self.state) or self.surface.form(self.state)
