"""The comparisons."""

from ase_mag.descriptors import ThreeBodyExchangeDescriptor
from benchmarks import lammps_spin, own, potentials, spirit_spins
from benchmarks.program import Case

#: Flops and bytes per neighbor pair and field of a bilinear form: three multiply-adds; J, the
#: index, and (from the cache, not counted) the moment of the neighbor.
_FIELD = (6.0, 12.0)
#: Two fields, three Gaussians and two rotations of one atom: flops, and bytes of four vectors.
_ATOM = (120.0, 256.0)


def _spin_work(neighbors):
    return {
        "flops": 2 * neighbors * _FIELD[0] + _ATOM[0],
        "bytes": 2 * neighbors * _FIELD[1] + _ATOM[1],
    }


#: Pairs of the neighbor list per atom (cutoff 5.3 and skin 0.5 angstrom in bcc iron).
_LISTED = 64


def _coupled_work(neighbors):
    """Flops and bytes of one coupled step.

    Per listed pair: distance 9 flops, two cubic polynomials with slopes 20, embedding gradient 3,
    force and virial 30; index, translation and reverse 12 bytes each time they are read (3), and
    ten passes over arrays of 8 bytes. Per coupled pair: J and slope 20, two sweeps and a field.
    """
    spins = _spin_work(neighbors)
    return {
        "flops": 62 * _LISTED + 26 * neighbors + 2 * spins["flops"],
        "bytes": (36 + 80) * _LISTED + 40 * neighbors + 2 * spins["bytes"],
    }


def cases(selection=None, neighbors=(14, 50, 88), cells=(10, 20, 40)):
    """Return the comparisons.

    Parameters
    ----------
    selection : list of str or None; only cases of these groups (see ``GROUPS``).
    neighbors : number of neighbors of the spin cases.
    cells : cubic cells in each direction of the spin cases; 20 means 16,000 atoms.
    """
    groups = {
        "llg": [_llg(n, size) for n in neighbors for size in cells],
        "nve": [_nve(n, size) for n in neighbors for size in cells[-2:-1] or cells],
        "small": [_small(n) for n in neighbors[1:2] or neighbors],
        "coupled": [_coupled(n, size) for n in (14, 50) for size in cells[-2:-1] or cells],
        "landau": [_landau(size) for size in cells[-2:-1] or cells],
        "mc": [_monte_carlo(n, size) for n in neighbors[:2] for size in cells[-2:-1] or cells],
        "lsf": [_landscapes()],
        "potentials": [_potentials(size) for size in cells[:2]],
        "turning": [_turning(size) for size in cells[:2]],
    }
    unknown = set(selection or ()) - set(groups)
    if unknown:
        raise ValueError(
            f"there are no cases named {', '.join(sorted(unknown))}: choose among "
            f"{', '.join(groups)}"
        )
    return [case for name in selection or groups for case in groups[name]]


#: Names that ``selection`` may hold.
GROUPS = ("llg", "nve", "small", "coupled", "landau", "mc", "lsf", "potentials", "turning")


def _llg(n, cells):
    programs = [own.spins(n, 0.02), own.spins(n, 0.0), lammps_spin.spins(n), spirit_spins.spins(n)]
    return Case(
        f"LLG with bath, {n} neighbors", cells, programs, **_spin_work(n), published=f"LLG {n}"
    )


def _nve(n, cells):
    programs = [own.spins(n, 0.02, bath=False), lammps_spin.spins(n, bath=False)]
    return Case(f"spins at constant energy, {n} neighbors", cells, programs, **_spin_work(n))


def _small(n):
    programs = [own.spins(n, 0.02), own.spins(n, 0.0), lammps_spin.spins(n), spirit_spins.spins(n)]
    return Case(f"LLG with bath, {n} neighbors", 3, programs, published="54 atoms")


def _coupled(n, cells):
    settings = "spin-lattice NVE, sequential rotations, skin 0.5, 600 K, 1 fs"
    programs = [
        own.coupled(lambda: own.lattice_and_exchange(n), settings),
        lammps_spin.coupled(n),
    ]
    return Case(
        f"embedded atom + exchange, {n} neighbors",
        cells,
        programs,
        **_coupled_work(n),
        published=f"coupled {n}",
    )


def _landau(cells):
    settings = "NVT, Langevin lattice, generalized Langevin moments, 1 fs"
    options = {"temperature_K": 300.0, "friction": 0.01 / own.iron.FEMTOSECOND}
    make = own.coupled(lambda: own.with_landau(14), settings, longitudinal=True, **options)
    return Case(
        "embedded atom + exchange + Landau, longitudinal bath, 14 neighbors",
        cells,
        [make],
        **_coupled_work(14),
        published="coupled with Landau terms",
    )


def _monte_carlo(n, cells):
    programs = [
        own.monte_carlo(n),
        own.monte_carlo(n, "heat bath"),
        spirit_spins.spins(n, method="MC"),
    ]
    return Case(f"Monte Carlo sweep, {n} neighbors", cells, programs)


def _bond_angles():
    return ThreeBodyExchangeDescriptor("Fe", cutoff=potentials.CUTOFF, coupled=False)


def _potentials(cells):
    programs = [
        potentials.moment_tensors(),
        potentials.moment_tensors(vectors=True),
        potentials.spin_lattice(),
        potentials.spin_orientation(),
        potentials.spin_orientation("sparse process", regressor="sparse_gp"),
        potentials.spin_orientation("with dipoles", terms=("exchange", "dipole")),
        potentials.spin_orientation("with three bodies", terms=("exchange", "three-body")),
        potentials.spin_orientation("with bond angles", terms=("exchange", _bond_angles())),
        potentials.motep(),
        potentials.snap(),
    ]
    return Case("learned potentials: energy and all forces, 58 neighbors", cells, programs)


def _turning(cells):
    programs = [
        potentials.moment_tensors(vectors=True, still=True),
        potentials.spin_lattice(still=True),
        potentials.spin_orientation(still=True),
        potentials.spin_orientation("sparse process", still=True, regressor="sparse_gp"),
        potentials.spin_orientation("with dipoles", still=True, terms=("exchange", "dipole")),
        potentials.spin_orientation(
            "with three bodies", still=True, terms=("exchange", "three-body")
        ),
    ]
    return Case("learned potentials: magnetic forces at fixed positions", cells, programs)


def _landscapes():
    programs = [own.kernel_ridge(True), own.kernel_ridge(False)]
    return Case("landscapes of 54 atoms from kernel ridge regression", 3, programs)
