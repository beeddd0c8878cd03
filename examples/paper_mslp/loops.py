"""Figs. 3 and 4: prismatic loops, relaxed and at two temperatures, with maps."""

import numpy as np
import stages
from ase import units
from ase.md.velocitydistribution import thermalize_momenta
from ase.optimize import LBFGS

import ase_mag
from ase_mag.analysis import burgers_vector, loop_circuit, site_maps
from ase_mag.build import BccLattice, bcc_crystal, prismatic_loop
from ase_mag.dynamics import SpinLatticeDynamics

#: Name, Burgers vector, orientation of the box, plane of the maps (Cartesian in that box).
LOOPS = (
    ("100", "<100>", "100", (1, 0, 0)),
    ("111", "1/2<111>", "111", (0, 1, 0)),
)


def crystals(a, moment, sizes):
    """Return the perfect boxes of the two loops."""
    return [
        bcc_crystal(a, box, moment=moment, orientation=orientation)
        for (_, _, orientation, _), box in zip(LOOPS, sizes.boxes, strict=True)
    ]


def relaxed(crystal, burgers, count, model, sizes):
    """Return a loop with relaxed positions and moments; ``info`` has the energies on the way."""
    atoms = prismatic_loop(crystal, burgers, n_atoms=count)
    atoms.calc = ase_mag.MagneticCalculator(model, moments="relaxed", fmax=1e-4)
    energies = [atoms.get_potential_energy()]
    optimizer = LBFGS(atoms, logfile=None)
    for _ in optimizer.irun(fmax=0.02, steps=sizes.relaxation):
        energies.append(atoms.get_potential_energy())
    ase_mag.set_moments(atoms, atoms.get_magnetic_moments())
    atoms.info["energies"] = energies
    atoms.info["fmax"] = float(np.linalg.norm(atoms.get_forces(), axis=1).max())
    return atoms


def thermal(start, model, temperature, sizes, seed):
    """Run at zero pressure; return the averages of every atom, its end in ``info``."""
    atoms = start.copy()
    atoms.calc = ase_mag.MagneticCalculator(model)
    thermalize_momenta(atoms, temperature_K=temperature, rng=np.random.default_rng(seed))
    dynamics = SpinLatticeDynamics(
        atoms,
        1 * units.fs,
        temperature_K=temperature,
        friction=0.02 / units.fs,
        longitudinal=True,
        pressure=0.0,
        rng=seed,
        progress=False,
    )
    dynamics.run(sizes.loop_skip)

    def frames():
        for _ in range((sizes.loop_steps - sizes.loop_skip) // sizes.loop_every):
            dynamics.run(sizes.loop_every)
            yield atoms

    found = site_maps(frames())
    # Vibrations and spin disorder are no part of the loop: its Burgers vector is that of the
    # nearest minimum over the positions.
    LBFGS(atoms, logfile=None).run(fmax=0.05, steps=50)
    found.atoms.info["closure"] = closure(atoms)
    return found


def closure(atoms):
    """Return what the circuit of the loop gives along b, in b: 1 for a whole loop, nan for none."""
    burgers = np.array(atoms.info["burgers_vector"])
    axes = np.reshape(atoms.info["crystal_axes"], (3, 3))
    lattice = BccLattice(atoms.info["lattice_constant"], axes)
    try:
        found = burgers_vector(atoms, lattice, loop_circuit(atoms, lattice))
    except ValueError as error:
        print(f"no circuit around the loop: {error}", flush=True)
        return np.nan
    return float(found @ burgers / (burgers @ burgers))


def compute(model, perfect, sizes, folder):
    """Return {name: {"relaxed": numbers, "maps": {temperature: SiteMaps}}} of both loops."""
    out = {}
    for (name, burgers, _, _), crystal, count in zip(
        LOOPS, crystals(perfect["a"], perfect["moment"], sizes), sizes.loops, strict=True
    ):
        lattice = BccLattice.of(crystal)

        def start(crystal=crystal, burgers=burgers, count=count, lattice=lattice):
            atoms = relaxed(crystal, burgers, count, model, sizes)
            atoms.info["crystal_axes"] = lattice.axes.ravel()
            atoms.info["lattice_constant"] = lattice.a
            return atoms

        atoms = stages.state(folder, f"loop_{name}_relaxed", start)
        energies = np.array(atoms.info["energies"]) - len(atoms) * perfect["energy"]
        found = {0: stages.maps(folder, f"map_{name}_0K", lambda a=atoms: site_maps(a, model))}
        for k, temperature in enumerate(sizes.loop_temperatures):
            found[temperature] = stages.maps(
                folder,
                f"map_{name}_{temperature}K",
                lambda a=atoms, T=temperature, k=k: thermal(a, model, T, sizes, 200 + k),
            )
        out[name] = {
            "burgers": burgers,
            "atoms": len(atoms),
            "inserted": count,
            "energies": energies / count,
            "fmax": atoms.info["fmax"],
            "closure": closure(atoms),
            "maps": found,
        }
    return out
