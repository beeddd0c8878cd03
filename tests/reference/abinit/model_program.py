"""A program that reads inputs of ABINIT, computes with FeHL-1, and writes ABINIT's output."""

import re

import numpy as np
from ase import Atoms
from ase.units import Bohr, Hartree

import ase_mag
from ase_mag import models
from ase_mag.reference import ConstrainedModel

MODEL = models.named("FeHL-1")


def read_input(text):
    """Return name -> list of words of an input file."""
    found, name = {}, None
    for word in re.sub(r"[\",]", " ", text).split():
        if re.match(r"[a-z][a-z_0-9]*$", word):
            name = word
            found[name] = []
        else:
            found[name].append(word)
    return found


def compute(words):
    """Return atoms, moments and calculator of the input, constraints applied."""

    def numbers(name):
        return np.array(words[name], dtype=float).reshape(-1, 3)

    typat = np.array(words["typat"], dtype=int) - 1
    atoms = Atoms(
        np.array(words["znucl"], dtype=int)[typat],
        positions=numbers("xcart") * Bohr,
        cell=numbers("rprim") * Bohr,
        pbc=True,
    )
    ase_mag.set_moments(atoms, numbers("spinat"))
    atoms.calc = ConstrainedModel(MODEL)
    kinds = np.array(words["constraint_kind"], dtype=int)[typat]
    if (kinds == 2).all():
        ase_mag.set_moments(atoms, atoms.calc.relax_sizes(atoms))
    elif not (kinds == 1).all():
        raise ValueError(f"constraint_kind {kinds} is not supported here")
    return atoms


def write_output(text):
    """Return the main output for the text of an input."""
    words = read_input(text)
    atoms = compute(words)
    n, collinear = len(atoms), words["nspden"] == ["2"]
    moments = atoms.get_magnetic_moments()
    gradient = -atoms.calc.get_property("magforces", atoms) / Hartree
    forces = atoms.get_forces() / (Hartree / Bohr)
    stress = atoms.get_stress() / (Hartree / Bohr**3)
    total = moments.sum(axis=0)
    if collinear:
        assert not moments[:, :2].any()
        header = " Atom    Radius    up_density   dn_density  Total(up+dn)  Diff(up-dn)"
        rows = [f"{i + 1:5d} 2.2 8.0 6.0 14.0 {m[2]:.6f}" for i, m in enumerate(moments)]
        exact = f" Total magnetization (exact up - dn): {total[2]:.6f}"
    else:
        header = " Atom    Radius     Total density     mag(x)      mag(y)      mag(z)"
        rows = [
            f"{i + 1:5d} 2.2 14.0 {m[0]:.6f} {m[1]:.6f} {m[2]:.6f}" for i, m in enumerate(moments)
        ]
        exact = " Total magnetization (exact) " + " ".join(f"{m:.6f}" for m in total)
    return "\n".join(
        [
            "",
            ".Version 9.6.2 of ABINIT",
            f"     natom = {n}  nloc_mem = 2",
            " At SCF step    9       vres2   =  1.00E-11 < tolvrs=  1.00E-08 =>converged.",
            " Integrated electronic and magnetization densities in atomic spheres:",
            header,
            *rows,
            exact,
            " cartesian forces (hartree/bohr) at end:",
            *[f"{i + 1:5d} " + " ".join(f"{f:.14f}" for f in row) for i, row in enumerate(forces)],
            "--- !EnergyTerms",
            f"total_energy        : {atoms.get_potential_energy() / Hartree:.14E}",
            " -outvars: echo values of variables after computation  --------",
            _echo("constraint_kind", words["constraint_kind"]),
            _echo("grspin", *gradient),
            _echo("strten", stress[:3], stress[3:]),
            _echo("typat", words["typat"]),
            _echo("xcart", *np.array(words["xcart"], dtype=float).reshape(n, 3)),
            _echo("znucl", [f"{float(z):.5f}" for z in words["znucl"]]),
            "=" * 80,
        ]
    )


def _echo(name, *rows):
    lines = [" ".join(v if isinstance(v, str) else f"{v:.10E}" for v in row) for row in rows]
    return f"{name:>17}      " + ("\n" + " " * 23).join(lines)
