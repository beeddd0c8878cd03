"""bcc iron from ABINIT: energy and moment of three magnetic orders against the lattice constant.

    python iron_orders.py [--output iron_orders.json] [--figure iron_orders.png] [--nband 24]

Figs. 6 and 7 of the paper on spin orientations (docs/paper-soso.md) with LDA and PBE, and FeHL-1,
which is synthetic, beside them. 54 unconstrained runs of two atoms with all symmetries, 5 to 20 s
each on one core; results that are in the output file are not computed again, so that it draws
without ABINIT from the file beside this script. Needs ABINIT and its data sets otherwise (on
Debian: apt install abinit abinit-data).
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from ase import units
from ase.build import bulk

import ase_mag
from ase_mag import models, reference
from ase_mag.analysis import plots

LATTICE_CONSTANTS = (2.65, 2.70, 2.75, 2.80, 2.83, 2.86, 2.90, 2.95, 3.00)  # angstrom
#: Moments of the two atoms to start from, mu_B.
ORDERS = {"FM": (2.3, 2.3), "AFM": (1.8, -1.8), "NM": (0.0, 0.0)}
DATA_SETS = "/usr/share/abinit/psp"
#: PAW data sets of iron with 16 electrons.
FUNCTIONALS = {"LDA": "26fe.lda2.paw", "PBE": "Pseudodojo_paw_pbe_standard/Fe.xml"}
INPUT = """
pp_dirpath "{data_sets}"
pseudos "{data_set}"
natom 2  ntypat 1  typat 1 1  znucl 26
acell 3*{a:.10f}
rprim 1 0 0 0 1 0 0 0 1
xred 0 0 0 0.5 0.5 0.5
chkprim 0
spinat 0 0 {first} 0 0 {second}
nsppol {channels}
ecut 14  pawecutdg 30
ngkpt 8 8 8  nshiftk 1  shiftk 0.5 0.5 0.5
occopt 7  tsmear 0.005
nband {nband}  nstep 80  toldfe 1e-7
ratsph 2.2
prtwf 0  prtden 0  prteig 0
"""
SPHERE = re.compile(r"^ +1 +2\.20000 +\S+ +\S+ +\S+ +(\S+)$", re.MULTILINE)


def abinit(functional, order, a, data_sets, nband):
    """Return energy (eV/atom) and moment in a sphere of 2.2 bohr (mu_B) of one crystal."""
    first, second = ORDERS[order]
    text = INPUT.format(
        a=a / units.Bohr,
        first=first,
        second=second,
        channels=1 if order == "NM" else 2,
        data_sets=data_sets,
        data_set=FUNCTIONALS[functional],
        nband=nband,
    )
    with TemporaryDirectory() as folder:
        Path(folder, "run.abi").write_text(text, encoding="utf-8")
        with open(Path(folder, "log"), "w", encoding="utf-8") as log:
            subprocess.run(["abinit", "run.abi"], cwd=folder, stdout=log, stderr=log, check=True)
        found = Path(folder, "run.abo").read_text(encoding="utf-8")
    if "scprqt:  WARNING" in found or "not enough SCF" in found:
        raise RuntimeError(f"the run of {order} at {a} angstrom did not converge: raise nstep")
    energy = float(re.findall(r"etotal +(\S+)", found)[-1].replace("D", "E")) * units.Hartree / 2
    moment = 0.0 if order == "NM" else abs(float(SPHERE.findall(found)[-1]))
    return [a, energy, moment]


def synthetic(order, a):
    """Return energy (eV/atom) and moment (mu_B) of FeHL-1, sizes relaxed."""
    calculator = reference.ConstrainedModel(models.named("FeHL-1"))
    atoms = bulk("Fe", a=a, cubic=True)
    ase_mag.set_moments(atoms, ORDERS[order])
    if order != "NM":
        ase_mag.set_moments(atoms, calculator.relax_sizes(atoms))
    moment = float(np.abs(ase_mag.get_moments(atoms)[:, 2]).mean())
    return [a, calculator.get_potential_energy(atoms) / 2, moment]


def minimum(rows):
    """Return lattice constant, energy and moment at the minimum of a quartic through energies."""
    a, energy, moment = np.array(rows).T
    curve = np.poly1d(np.polyfit(a - 2.83, energy, 4))
    fine = np.linspace(a[0], a[-1], 4001)
    best = fine[curve(fine - 2.83).argmin()]
    return best, float(curve(best - 2.83)), float(np.interp(best, a, moment))


def draw(found):
    """Return the figure: energies above the lowest one, and moments; DFT beside FeHL-1."""

    def panels(*axes):
        for column, (name, orders) in enumerate(found.items()):
            lowest = min(minimum(rows)[1] for rows in orders.values())
            upper, lower = axes[column], axes[column + len(found)]
            for color, marker, (order, rows) in zip(
                plots.COLORS, "os^", orders.items(), strict=False
            ):
                a, energy, moment = np.array(rows).T
                style = dict(marker=marker, ms=4, color=color, label=order)
                upper.plot(a, 1e3 * (energy - lowest), **style)
                lower.plot(a, moment, **style)
            upper.set_title(name, fontsize=10)
            upper.set(ylabel="energy (meV/atom)", ylim=(-20, 940))
            lower.set(ylabel=r"moment ($\mu_\mathrm{B}$)", ylim=(-0.1, 3.0))
            lower.set_xlabel(r"lattice constant ($\mathrm{\AA}$)")
        axes[0].legend(fontsize=9)

    return plots.make(panels, columns=len(found), rows=2, width=3.2, height=2.7)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".json"))
    parser.add_argument("--figure", type=Path, default=Path("iron_orders.png"))
    parser.add_argument("--data-sets", default=DATA_SETS, help="folder of PAW data sets")
    parser.add_argument("--nband", type=int, default=24)
    options = parser.parse_args()
    known = json.loads(options.output.read_text()) if options.output.exists() else {}
    missing = [
        (functional, order, a)
        for functional in FUNCTIONALS
        for order in ORDERS
        for a in LATTICE_CONSTANTS
        if not any(row[0] == a for row in known.get(functional, {}).get(order, []))
    ]
    if missing and shutil.which("abinit") is None:
        sys.exit("this example needs ABINIT: on Debian, apt install abinit abinit-data")
    for functional, order, a in missing:
        row = abinit(functional, order, a, options.data_sets, options.nband)
        rows = known.setdefault(functional, {}).setdefault(order, [])
        rows.append(row)
        rows.sort()
        options.output.write_text(json.dumps(known, indent=1))
        print(
            f"{functional} {order} {a:.2f} A: {row[1]:.5f} eV/atom, {row[2]:.3f} mu_B", flush=True
        )
    found = {
        **{f"{functional} (ABINIT)": known[functional] for functional in FUNCTIONALS},
        "FeHL-1 (synthetic)": {
            order: [synthetic(order, a) for a in np.linspace(2.65, 3.0, 15)] for order in ORDERS
        },
    }
    for name, orders in found.items():
        lowest = min(minimum(rows)[1] for rows in orders.values())
        for order, rows in orders.items():
            a, energy, moment = minimum(rows)
            above = 1e3 * (energy - lowest)
            print(f"{name}, {order}: a {a:.3f} A, {above:.0f} meV/atom, {moment:.2f} mu_B")
    plots.save(draw(found), options.figure)


if __name__ == "__main__":
    main()
