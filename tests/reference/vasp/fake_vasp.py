"""A program that reads and writes files like VASP, with a model of ase_mag as its physics.

It minimizes E(R, M) + E_p over all moments, with E_p as in VASP's manual for I_CONSTRAINED_M and
LAMBDA, and prints with the digits of VASP. The environment variable FAKE_VASP makes it misbehave.
"""

import os
import re
import shutil
import sys
from pathlib import Path

import numpy as np
from ase.io import read
from scipy.optimize import minimize

import ase_mag
from ase_mag import models
from ase_mag.core import PairGraph

#: The table of OUTCAR is larger than the weighted moments that are constrained.
SPHERE = 1.5
KBAR = 1602.1766208  # eV/angstrom^3


def model_of(symbols):
    if set(symbols) == {"Fe"}:
        return models.named("FeHL-1")
    exchange = models.Heisenberg(("Fe", "Al"), models.cubic(0.05, cutoff=3.75))
    return exchange + models.Landau("Fe", -0.15, 0.0192) + models.Landau("Al", 0.2, 0.02)


def graph_of(atoms, model):
    return PairGraph.build(
        atoms.positions, atoms.cell.array, atoms.pbc, atoms.numbers, model.cutoff
    )


def read_incar(path):
    text = Path(path).read_text().replace("\\\n", " ")
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    values = {key.strip().upper(): value.split("#")[0].strip() for key, _, value in pairs}
    keys = [line.partition("=")[0].strip().upper() for line in text.splitlines() if "=" in line]
    assert len(keys) == len(set(keys)), f"keys twice: {sorted(keys)}"
    return values


def vectors(text, n):
    numbers = []
    for word in text.split():
        count, _, value = word.rpartition("*")
        numbers += [float(value)] * int(count or 1)
    return np.array(numbers).reshape(n, 3)


def penalty(form, weight, moments, targets):
    """Return E_p and dE_p/dM (N, 3)."""
    energy, gradient = 0.0, np.zeros_like(moments)
    for i, (moment, target) in enumerate(zip(moments, targets, strict=True)):
        size = np.linalg.norm(target)
        if size == 0:  # M_CONSTR = 0 0 0 is no constraint
            continue
        unit = target / size
        if form == 2:
            left = moment - target
        elif form == 1:
            left = moment - unit * (unit @ moment)
        else:
            energy += weight * (np.linalg.norm(moment) - unit @ moment)
            gradient[i] = weight * (moment / np.linalg.norm(moment) - unit)
            continue
        energy += weight * left @ left
        gradient[i] = 2 * weight * left
    return energy, gradient


def solve(model, atoms, start, extra):
    """Return the moments that minimize E(M) + extra(M)."""
    graph = graph_of(atoms, model)

    def function(flat):
        moments = flat.reshape(-1, 3)
        response = model.evaluate(graph, moments, lattice=False)
        energy, gradient = extra(moments)
        return response.energy + energy, (gradient - response.magforces).ravel()

    found = minimize(function, start.ravel(), jac=True, method="BFGS", options={"gtol": 1e-10})
    slope = np.abs(function(found.x)[1]).max()
    assert slope < 1e-6, f"the fake did not converge: {slope}"
    return found.x.reshape(-1, 3)


def multipliers_at(model, atoms, targets, held, start):
    """Return moments and lambda of hard constraints on the components ``held``."""
    moments = start.copy()
    moments[held] = targets[held]
    graph, free = graph_of(atoms, model), ~held

    def function(values):
        moments[free] = values
        response = model.evaluate(graph, moments, lattice=False)
        return response.energy, -response.magforces[free]

    if free.any():
        options = {"gtol": 1e-10}
        found = minimize(function, moments[free], jac=True, method="BFGS", options=options)
        moments[free] = found.x
    slope = -model.evaluate(graph, moments, lattice=False).magforces
    return moments, np.where(held, slope, 0.0)


def main(folder="."):
    folder = Path(folder)
    mood = os.environ.get("FAKE_VASP", "")
    incar = read_incar(folder / "INCAR")
    atoms = read(folder / "POSCAR")
    assert (folder / "KPOINTS").exists()
    titles = re.findall(r"TITEL\s*=\s*(.+)", (folder / "POTCAR").read_text())
    order = list(dict.fromkeys(atoms.get_chemical_symbols()))
    assert [title.split()[1].split("_")[0] for title in titles] == order
    assert len(incar["RWIGS"].split()) == len(order)
    n = len(atoms)
    fixed = {"LNONCOLLINEAR": ".TRUE.", "LORBIT": "11", "NSW": "0", "ISYM": "-1"}
    assert {key: incar[key] for key in fixed} == fixed
    if "crash" in mood:
        sys.stderr.write("forrtl: severe (174): SIGSEGV\n")
        return 1
    if "edddav" in mood and "AMIX" not in incar:
        sys.stdout.write(" Error EDDDAV: Call to ZHEGV failed. Returncode =   7 2  16\n")
        return 1
    if incar["ISTART"] == "1":
        assert (folder / "WAVECAR").exists() and (folder / "CHGCAR").exists()
    history = folder / "history"
    with history.open("a") as file:
        file.write(f"{incar['ISTART']} {incar['ICHARG']} {incar['LAMBDA'].split()[0]}\n")

    model = model_of(order)
    targets, start = vectors(incar["M_CONSTR"], n), vectors(incar["MAGMOM"], n)
    deltaspin = incar.get("SCTYPE") == "1"
    if deltaspin:
        held = vectors(incar["CONSTRL"], n) == 1
        moments, field = multipliers_at(model, atoms, targets, held, start)
        e_p, form, weight = 0.0, 2, 0.0
    else:
        form, weight = int(incar["I_CONSTRAINED_M"]), float(incar["LAMBDA"])
        moments = solve(model, atoms, start, lambda m: penalty(form, weight, m, targets))
        e_p, gradient = penalty(form, weight, moments, targets)
        field = gradient / 2
    response = model.evaluate(graph_of(atoms, model), moments)
    total = response.energy + e_p
    copy = atoms.copy()
    ase_mag.set_moments(copy, moments)
    stress = ase_mag.MagneticCalculator(model).get_property("stress", copy)
    converged = not ("stubborn" in mood or ("unconverged" in mood and "AMIX" not in incar))
    if "sign" in mood:
        field = -field
    if "factor" in mood:
        field = 2 * field
    if "without_penalty" in mood:
        total -= e_p
    write_oszicar(folder, e_p, weight, moments, field, total, "no_field" in mood)
    write_outcar(folder, atoms, order, titles, moments, response.forces, stress, total, converged)
    write_vasprun(folder, atoms, response.forces, stress, total)
    if deltaspin:
        write_deltaspin(sys.stdout, moments, targets, field, total, mood)
    shutil.copy(folder / "POSCAR", folder / "CONTCAR")
    for name in ("WAVECAR", "CHGCAR"):
        (folder / name).write_text(f"{weight}\n")
    for name in ("OUTCAR", "OSZICAR", "vasprun.xml"):
        if f"cut_{name}" in mood:
            text = (folder / name).read_text()
            (folder / name).write_text(text[: int(0.7 * len(text))])
    return 0


def e12(value):
    """Return a number as Fortran's E12.5 prints it: 0.12345E-02."""
    if value == 0:
        return "  0.00000E+00"
    exponent = int(np.floor(np.log10(abs(value)))) + 1
    mantissa = round(value / 10.0**exponent, 5)
    if abs(mantissa) >= 1:
        mantissa, exponent = mantissa / 10, exponent + 1
    return f"{mantissa:9.5f}E{exponent:+03d}"


def e10(value):
    """Return a number as Fortran's E10.3 prints it: 0.250E+01."""
    text = e12(value)
    return f"{float(text.partition('E')[0]):6.3f}E{text.partition('E')[2]}"


def write_oszicar(folder, e_p, weight, moments, field, total, no_field):
    lines = ["       N       E                     dE             d eps       ncg     rms"]
    block = [f" E_p = {e12(e_p)}  lambda = {e10(weight)}"]
    table = [" ion        MW_int                 M_int"]
    for i, moment in enumerate(moments):
        both = (
            "".join(f"{v:7.3f}" for v in moment)
            + "  "
            + "".join(f"{SPHERE * v:7.3f}" for v in moment)
        )
        table.append(f"{i + 1:3d}{both}")
    for step in (1, 2, 3):
        wrong = "".join(f"{9 * v:7.3f}" for v in moments[0])
        early = [f"{k + 1:3d}{wrong}  {wrong}" for k in range(len(moments))]
        lines += [f" E_p =  0.99999E+00  lambda = {e10(weight)}", table[0], *early]
        lines += [f"DAV:{step:4d}    {total:.12E}    0.1E-07   -0.2E-04  4188   0.144E-03"]
    lines += block + table
    lines += [f"DAV:   4    {total:.12E}    0.1E-09   -0.2E-06  4188   0.144E-05"]
    lines += [f"   1 F= {total:.8E} E0= {total:.8E}  d E =0.000000E+00  mag= 0.0 0.0 0.0", ""]
    lines += block
    if not no_field:
        lines += [" ion             lambda*MW_perp"]
        lines += [f"{i + 1:3d}" + " ".join(e12(v) for v in row) for i, row in enumerate(field)]
    (folder / "OSZICAR").write_text("\n".join(lines) + "\n")


def write_outcar(folder, atoms, order, titles, moments, forces, stress, total, converged):
    n = len(atoms)
    kbar = -stress[[0, 1, 2, 5, 3, 4]] * KBAR
    lines = [" vasp.6.4.2 20Jul23 (build Jan 01 2024 00:00:00) complex", " INCAR:"]
    lines += [f" POTCAR:    {title}" for title in titles] * 2
    counts = [atoms.get_chemical_symbols().count(symbol) for symbol in order]
    lines += ["   ISPIN  =      1    spin polarized calculation?"]
    lines += ["   ions per type =         " + "".join(f"{count:4d}" for count in counts)]
    lines += [
        f"----------------------------------------- Iteration    1({k:4d})  -----" for k in (1, 2)
    ]
    if converged:
        lines += ["---------------- aborting loop because EDIFF is reached -------------"]
    else:
        lines += ["------- aborting loop EDIFF was not reached (unconverged)  ----------"]
    for axis, name in enumerate("xyz"):
        lines += [
            "",
            "",
            f" magnetization ({name})",
            "",
            "# of ion       s       p       d       tot",
        ]
        lines += ["------------------------------------------"]
        for i, moment in enumerate(SPHERE * moments[:, axis]):
            lines += [f"{i + 1:5d}        0.000   0.000 {moment:7.3f} {moment:7.3f}"]
        lines += ["--------------------------------------------------"]
        lines += [f"tot          0.000   0.000 {0:7.3f} {SPHERE * moments[:, axis].sum():7.3f}", ""]
    lines += ["  in kB  " + "".join(f"{value:12.5f}" for value in kbar)]
    lines += ["      direct lattice vectors                 reciprocal lattice vectors"]
    inverse = np.linalg.inv(atoms.cell.array).T
    for a, b in zip(atoms.cell.array, inverse, strict=True):
        lines += ["".join(f"{v:16.9f}" for v in (*a, *b))]
    lines += [
        "",
        " POSITION                                       TOTAL-FORCE (eV/Angst)",
        " " + 83 * "-",
    ]
    for position, force in zip(atoms.positions, forces, strict=True):
        lines += ["".join(f"{v:13.5f}" for v in position) + "".join(f"{v:14.6f}" for v in force)]
    lines += [" " + 83 * "-", ""]
    lines += ["  FREE ENERGIE OF THE ION-ELECTRON SYSTEM (eV)", "  " + 51 * "-"]
    lines += [f"  free  energy   TOTEN  = {total:18.8f} eV", ""]
    lines += [f"  energy  without entropy= {total:17.8f}  energy(sigma->0) = {total:17.8f}", ""]
    lines += [" General timing and accounting informations for this job:", f" {n} ions"]
    (folder / "OUTCAR").write_text("\n".join(lines) + "\n")


def write_vasprun(folder, atoms, forces, stress, total):
    def array(name, rows):
        body = "".join("<v>" + " ".join(f"{v:.8f}" for v in row) + "</v>\n" for row in rows)
        return f'<varray name="{name}">\n{body}</varray>\n'

    full = -KBAR * stress[[[0, 5, 4], [5, 1, 3], [4, 3, 2]]]
    crystal = "<crystal>" + array("basis", atoms.cell.array) + "</crystal>"
    positions = array("positions", atoms.get_scaled_positions())
    energy = (
        f'<energy><i name="e_fr_energy">{total:.8f}</i><i name="e_wo_entrp">{total:.8f}</i>'
        f'<i name="e_0_energy">{total:.8f}</i></energy>'
    )
    ions = "".join(f"<rc><c>{s}</c><c>1</c></rc>" for s in atoms.get_chemical_symbols())
    text = f"""<?xml version="1.0" encoding="ISO-8859-1"?>
<modeling>
<kpoints><varray name="kpointlist"><v>0.0 0.0 0.0</v></varray>
<varray name="weights"><v>1.0</v></varray></kpoints>
<parameters></parameters>
<atominfo><array name="atoms"><set>{ions}</set></array></atominfo>
<structure name="initialpos">{crystal}{positions}</structure>
<calculation><scstep>{energy}</scstep><structure>{crystal}{positions}</structure>
{array("forces", forces)}{array("stress", full)}{energy}
<eigenvalues></eigenvalues></calculation>
</modeling>
"""
    (folder / "vasprun.xml").write_text(text)


def write_deltaspin(out, moments, targets, multipliers, total, mood):
    def rows(values):
        return "\n".join(" ".join(f"{v:24.15E}" for v in row) for row in values)

    def flat(values, form):
        return " ".join(format(v, form) for v in np.ravel(values))

    for step in (1, 2):
        wrong = 2.0 if step == 1 else 1.0
        out.write(f"DAV: {step:3d}    {total:.12E}    0.1E-06   -0.2E-04  5384   0.7E-02\n")
        out.write(" Inner optimization for lambda begins ...\n")
        out.write(f" current spin:\n{rows(wrong * moments)}\n target spin: \n{rows(targets)}\n")
        if not ("stubborn" in mood and step == 2):
            out.write("Meet convergence criterion ( < 1.000E-06 ), exit.\n")
        out.write(f" final optimal lambda: \n{rows(wrong * multipliers)}\n    0.101E-01\n")
    if "tail" in mood:
        out.write(f"   1 F= {total:.8E} E0= {total:.8E}\nRMS:\n2.4E-04\n")
        out.write(f"Magnetization:\n{flat(moments, '.9f')}\n")
        out.write(f"Magnetic Force:\n{flat(-multipliers, '.7E')}\nTime Cost:\n0 DAYS\n")


if __name__ == "__main__":
    sys.exit(main())
