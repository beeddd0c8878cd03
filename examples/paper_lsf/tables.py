"""The landscapes that everything is learned from (752 and 54 in the paper)."""

from ase import units
from conditions import CORE, CURIE, calculator

from ase_mag import lsf
from ase_mag.dynamics import AsdAimd

#: Displacement per component that thermal motion at T_c has in FeHL-1, angstrom.
THERMAL = 0.173


def curie_table(sizes, folder):
    """Return landscapes of disordered snapshots at T_c, and of a few ferromagnetic ones.

    The second table is for the predictor that runs: in a cell of 54 atoms neighbors at T_c are
    more parallel than random directions are.
    """
    crystal = CURIE.crystal()
    n = len(crystal)
    tables = []
    for directions, count, seed in (
        ("random", -(-sizes.landscapes // n), 1),
        ("ferro", max(1, sizes.landscapes // (4 * n)), 2),
    ):
        frames = lsf.snapshots(
            crystal, THERMAL, directions=directions, count=count, rng=seed, sizes=2.0
        )
        path = folder / f"landscapes_{directions}.npz"
        tables.append(lsf.landscapes(frames, calculator(), path=path, progress=False))
    return tables[0][: sizes.landscapes], tables[1]


def core_table(folder):
    """Return the 54 landscapes of one snapshot of a nonmagnetic run at the core's conditions.

    The snapshot is taken after 100 fs: FeHL-1's crystal, superheated at 6000 K, melts within half
    a picosecond, and descriptors 1 to 4 need neighbors that can be told by their ideal sites.
    """
    atoms = CORE.start(0, "none")
    ideal = atoms.copy()
    with AsdAimd(
        atoms, units.fs, temperature_K=6000, friction=0.01 / units.fs, rng=1, progress=False
    ) as dynamics:
        dynamics.run(100)
    (frame,) = lsf.snapshots(atoms, 0.0, directions="random", count=1, rng=3, sizes=1.0)
    lsf.set_ideal_lattice(frame, ideal)
    return lsf.landscapes(frame, calculator(), path=folder / "landscapes_core.npz", progress=False)
