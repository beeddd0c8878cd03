"""Formation energies and moments of point defects, as Table 2 of Chapman and Ma (2022)."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from ase import Atoms

from ase_mag.analysis.phases import only_species, phase_table
from ase_mag.build import POINT_DEFECTS, bcc_crystal, magnetic_phase, point_defect
from ase_mag.calculators import MagneticCalculator
from ase_mag.core import get_moments
from ase_mag.optimize import Limits, relax, relax_moments

#: Order of the columns of a table.
SITES = ("core", "compressive", "tensile", "1NN", "2NN", "3NN", "bulk-like")
#: Moments of the core at the start, in those of the bulk.
CORES = {"parallel": (1.0,), "antiparallel": (-1.0,), "both": (1.0, -1.0)}


class Perfect(NamedTuple):
    """The perfect crystal: lattice constant (angstrom), moment (mu_B), energy (eV/atom)."""

    a: float
    moment: float
    energy: float


@dataclass(frozen=True)
class PointDefect:
    """A relaxed point defect.

    Attributes
    ----------
    kind : str, as for :func:`ase_mag.build.point_defect`.
    size : int, repeats of the cubic cell; n_atoms : int, with the defect.
    energy : float, formation energy, eV.
    moments : dict site -> mean of M_i.e over the atoms of the site, mu_B; e is the direction of the
        sum of all moments. counts : dict site -> int.
    volume : float, relaxation volume V/v - N in volumes v per atom of the perfect crystal with N
        atoms; nan at constant volume.
    fmax : float, largest force that is left, eV/angstrom; steps : int.
    converged : bool; message : str, how it ended.
    atoms : ase.Atoms, relaxed, with ``arrays['site']``.
    """

    kind: str
    size: int
    n_atoms: int
    energy: float
    moments: dict
    counts: dict = field(repr=False)
    volume: float = field(repr=False)
    fmax: float = field(repr=False)
    steps: int = field(repr=False)
    converged: bool
    message: str = field(repr=False)
    atoms: Atoms = field(repr=False)


@dataclass(frozen=True)
class PointDefects:
    """Results of :func:`formation_energies`; ``print`` shows the table.

    Attributes
    ----------
    rows : tuple of PointDefect.
    a : float, lattice constant of the perfect crystal, angstrom.
    moment : float, moment of the perfect crystal, mu_B.
    energy : float, of the perfect crystal, eV/atom.
    constant_volume : bool
    """

    rows: tuple
    a: float
    moment: float
    energy: float
    constant_volume: bool

    def __iter__(self):
        return iter(self.rows)

    def __getitem__(self, kind):
        """Return the defect of that kind in the largest cell."""
        rows = [row for row in self.rows if row.kind == kind]
        if not rows:
            raise KeyError(f"there is no {kind!r} among {sorted({r.kind for r in self.rows})}")
        return max(rows, key=lambda row: row.size)

    def extrapolated(self, kind):
        """Return the formation energy in an infinite crystal, eV: E_f(V) = E_f + c/V.

        From the two largest cells of that kind (elastic images of a dipole fall with 1/V).
        """
        rows = sorted((row for row in self.rows if row.kind == kind), key=lambda row: row.size)
        if len({row.size for row in rows}) < 2:
            raise ValueError(
                f"an extrapolation of {kind!r} needs cells of two sizes, got "
                f"{[row.size for row in rows]}: give formation_energies(..., sizes=(4, 6))"
            )
        small, large = rows[-2:]
        ratio = (large.size / small.size) ** 3
        return (ratio * large.energy - small.energy) / (ratio - 1)

    def __str__(self):
        sites = [name for name in SITES if any(name in row.moments for row in self.rows)]
        if self.moment == 0:
            sites = []
        held = "constant volume" if self.constant_volume else "zero pressure"
        lines = [
            f"point defects at {held}; perfect crystal: a = {self.a:.5f} angstrom, |M| = "
            f"{self.moment:.4f} mu_B, E = {self.energy:.5f} eV/atom",
            f"{'':13}{'cell':>5}{'atoms':>7}{'E_f (eV)':>10}  moments (mu_B)",
            f"{'':37}" + "".join(f"{name:>12}" for name in sites),
        ]
        for row in self.rows:
            moments = "".join(
                f"{row.moments[name]:12.3f}" if name in row.moments else f"{'':12}"
                for name in sites
            )
            end = "" if row.converged else f"  {row.message}"
            lines.append(
                f"{row.kind:13}{row.size:5d}{row.n_atoms:7d}{row.energy:10.4f}  {moments}{end}"
            )
        return "\n".join(lines)


def formation_energies(
    model,
    kinds=POINT_DEFECTS,
    *,
    sizes=(4,),
    symbol=None,
    a=None,
    moment=2.2,
    core="both",
    constant_volume=True,
    fmax=1e-3,
    max_steps=500,
    rattle=0.0,
    rng=None,
):
    """Relax point defects of ferromagnetic bcc; return formation energies and moments by site.

    E_f = E(N + n) - (N + n) E_bulk/atom, with n = 1 (interstitials) or -1 (vacancy) and the energy
    of the perfect crystal per atom. Positions and collinear moments are relaxed
    (:func:`ase_mag.optimize.relax`), of interstitials from core moments parallel and antiparallel
    to the bulk, of which the lower energy counts. A dumbbell keeps its symmetry, also where it is a
    saddle point (<111> of iron turns to <110>): ``rattle`` breaks it.

    The interaction of periodic images is not corrected. It falls with the inverse volume of the
    cell: give several ``sizes`` to see how much is left.

    Parameters
    ----------
    model : ase_mag.core.Model
    kinds : of :func:`ase_mag.build.point_defect`; default: all.
    sizes : int or several, repeats of the cubic cell along all three axes, at least 3.
    symbol : str, the element; default: the only species of the model.
    a : float, lattice constant, angstrom; default: that of the relaxed ferromagnet.
    moment : float, mu_B, size of the moments to start from; 0 for a model without magnetism.
    core : 'both', 'parallel' or 'antiparallel', core moments to start from.
    constant_volume : bool; False: shape and volume of the cell are relaxed to zero stress.
    fmax : float, eV/angstrom, bound for the forces.
    max_steps : int, of the optimizer.
    rattle : float, angstrom, standard deviation of displacements at the start.
    rng : int or numpy Generator, needed with ``rattle``.

    Returns
    -------
    PointDefects

    Raises
    ------
    ValueError
        For unknown kinds or starts, sizes below 3, or a ferromagnet that does not exist.
    """
    kinds, sizes = list(kinds), [int(n) for n in np.atleast_1d(sizes)]
    unknown = [kind for kind in kinds if kind not in POINT_DEFECTS]
    if unknown or not kinds:
        raise ValueError(
            f"kinds of point defects are {', '.join(POINT_DEFECTS)}; got {unknown or 'none'}"
        )
    if min(sizes, default=0) < 3:
        raise ValueError(f"cells must have at least 3 repeats, got sizes={sizes}")
    if core not in CORES:
        raise ValueError(f"core must be one of {', '.join(CORES)}, got {core!r}")
    if rattle and rng is None:
        raise ValueError("rattle needs rng, a seed or a numpy Generator")
    rng = np.random.default_rng(rng)
    symbol = only_species(model) if symbol is None else symbol
    perfect = _perfect(model, symbol, a, moment)
    how = {"fmax": fmax, "max_steps": max_steps, "cell": not constant_volume}
    rows = []
    for size in sizes:
        crystal = bcc_crystal(perfect.a, size, symbol=symbol, moment=perfect.moment)
        for kind in kinds:
            starts = []
            for part in CORES[core] if kind != "vacancy" and perfect.moment > 0 else (1.0,):
                options = {"moment": -perfect.moment} if part < 0 else {}
                starts.append(point_defect(crystal, kind, **options))
            shift = rng.normal(scale=rattle, size=starts[0].positions.shape) if rattle else 0.0
            found = []
            for atoms in starts:
                atoms.positions += shift
                atoms.calc = MagneticCalculator(model)
                found.append(_relaxed(atoms, size, perfect, how))
            rows.append(min(found, key=lambda row: (not row.converged, row.energy)))
    return PointDefects(tuple(rows), perfect.a, perfect.moment, perfect.energy, constant_volume)


def _perfect(model, symbol, a, moment):
    """Return the perfect crystal at its own lattice constant, or at the given one."""
    order = "FM" if moment else "NM"
    if a is None:
        (phase,) = phase_table(model, [("bcc", order)], symbol=symbol, moment=moment)
        if not phase.exists:
            raise ValueError(
                f"there is no {order} bcc crystal of {symbol} in this model: {phase.message}; give "
                "a, or moment=0 for a crystal without moments"
            )
        return Perfect(phase.a, phase.moment, phase.energy)
    atoms = magnetic_phase("bcc", order, a, symbol=symbol, moment=moment)
    atoms.calc = MagneticCalculator(model)
    found = relax_moments(atoms, fmax=1e-7, directions=False, check_minimum=False)
    if not found.converged:
        raise RuntimeError(f"the perfect crystal at a = {a:g} angstrom: {found.message}")
    return Perfect(float(a), float(np.linalg.norm(found.moments[0])), found.energy)


def _relaxed(atoms, size, perfect, how):
    found = relax(
        atoms,
        axis=(0.0, 0.0, 1.0),
        limits=Limits(min_distance=0.4 * perfect.a),
        check_minimum=False,
        **how,
    )
    sites, moments = atoms.arrays["site"], get_moments(atoms)
    total = moments.sum(axis=0)
    along = moments @ total / max(np.linalg.norm(total), 1e-300)
    names = [name for name in (*SITES, "near") if name in sites]
    return PointDefect(
        kind=atoms.info["defect"],
        size=size,
        n_atoms=len(atoms),
        energy=found.energy - len(atoms) * perfect.energy,
        moments={name: float(along[sites == name].mean()) for name in names},
        counts={name: int((sites == name).sum()) for name in names},
        volume=2 * atoms.get_volume() / perfect.a**3 - 2 * size**3 if how["cell"] else np.nan,
        fmax=found.fmax,
        steps=found.iterations,
        converged=found.converged,
        message=found.message,
        atoms=atoms,
    )
