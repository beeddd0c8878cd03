"""The log of a run: ASE's columns and the magnetic ones."""

import numpy as np
from ase import units as ase_units
from ase.parallel import world
from ase.utils import IOContext


class MagneticLogger(IOContext):
    """Writes one line per call: time, energies, temperature and magnetization.

    Columns: time (ps); potential, kinetic and total energy (eV); lattice temperature (K);
    size of the mean moment |sum M|/N and mean size sum |M|/N (mu_B per atom); transverse spin
    temperature (K) of :func:`ase_mag.dynamics.spin_temperature`, '-' where no spin model drives
    the moments.

    Parameters
    ----------
    dynamics : MagneticDynamics
    logfile : str ('-' for standard output) or file object.
    mode : 'a' or 'w'.
    comm : communicator of ASE, whose first process writes.
    """

    clock = "Time[ps]"
    columns = (
        f"{'Etot[eV]':>15} {'Epot[eV]':>15} {'Ekin[eV]':>12} {'T[K]':>9}"
        f" {'|<M>|[mu_B]':>12} {'<|M|>[mu_B]':>12} {'Tspin[K]':>10}\n"
    )

    def __init__(self, dynamics, logfile, mode="a", comm=world):
        self.dynamics = dynamics
        self.logfile = self.openfile(file=logfile, mode=mode, comm=comm)
        if not (self.logfile.seekable() and self.logfile.tell()):
            self.logfile.write(f"{self.clock:>11} {self.columns}")

    def __del__(self):
        self.close()

    def __call__(self):
        potential, kinetic, temperature, magnetization, size, spin = self.values()
        self.logfile.write(
            f"{self.time()} {potential + kinetic:15.6f}"
            f" {potential:15.6f} {kinetic:12.6f} {temperature:9.2f}"
            f" {magnetization:12.6f}"
            f" {size:12.6f}"
            f" {'-' if spin is None else f'{spin:.2f}':>10}\n"
        )
        self.logfile.flush()

    def values(self):
        """Return potential and kinetic energy, temperature, |<M>|, <|M|> and spin temperature."""
        dyn = self.dynamics
        moments = dyn.state.moments
        return (
            dyn.get_potential_energy(),
            dyn.atoms.get_kinetic_energy(),
            dyn.atoms.get_temperature(),
            np.linalg.norm(moments.mean(axis=0)),
            np.linalg.norm(moments, axis=1).mean(),
            dyn.get_spin_temperature(),
        )

    def time(self):
        """Return the entry of the first column, 11 characters."""
        return f"{self.dynamics.get_time() / (1000 * ase_units.fs):11.5f}"
