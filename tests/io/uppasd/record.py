"""Records what an installed UppASD makes of small inputs: python record.py /path/to/uppasd.

One step of spin dynamics without damping, from random moments: energies by terms, and the moments
before and after it, which show the effective fields. The inputs are those below.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from ase_mag import io

RECORDED = Path(__file__).with_name("recorded_runs.json")
#: Seconds of one step.
STEP = 1e-17

SIX = [(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)]
TENSOR = "1.0 0.3 -0.2 0.5 0.7 0.1 -0.4 0.25 1.3"
TRANSPOSED = "1.0 0.5 -0.4 0.3 0.7 0.25 -0.2 0.1 1.3"
SYMMETRIC = "1.0 0.1 0.2 0.1 0.5 0.3 0.2 0.3 0.8"
SCALARS = "".join(f"1 1 {a} {b} {c} 0.8\n" for a, b, c in SIX)
WEAK = SCALARS.replace("0.8", "0.01")
TENSORIAL = {"do_jtensor": "1", "calc_jtensor": "F"}
TWO = {
    "posfile": "1 1 0.0 0.0 0.0\n2 2 0.5 0.5 0.5\n",
    "momfile": "1 1 2.0 0.0 0.0 1.0\n2 1 1.5 0.0 0.0 1.0\n",
}
ALL = {"map_multiple": "T"}


def anisotropy(line):
    return {"jfile": WEAK, "kfile": line + "\n"}, {"anisotropy": "./kfile"} | ALL


#: Name -> (files, keywords) beside those of every case.
CASES = {
    "scalars": ({"jfile": SCALARS}, ALL),
    "scalars of one line and sym 1": ({"jfile": "1 1 1 0 0 0.8\n"}, {"sym": "1"} | ALL),
    "scalars, one bond of several counts": ({"jfile": SCALARS}, {}),
    "tensors": ({"jfile": f"1 1 1 0 0 {TENSOR}\n1 1 -1 0 0 {TRANSPOSED}\n"}, TENSORIAL | ALL),
    "tensors without calc_jtensor": (
        {"jfile": f"1 1 1 0 0 {TENSOR}\n1 1 -1 0 0 {TRANSPOSED}\n"},
        {"do_jtensor": "1"} | ALL,
    ),
    "tensors and sym 1": ({"jfile": f"1 1 1 0 0 {SYMMETRIC}\n"}, TENSORIAL | ALL | {"sym": "1"}),
    "tensors between sites": (
        TWO | {"jfile": f"1 2 0 0 0 {TENSOR}\n2 1 0 0 0 {TRANSPOSED}\n"},
        TENSORIAL | ALL,
    ),
    "one direction only": (TWO | {"jfile": "1 2 0 0 0 0.8\n"}, ALL),
    "dm": (
        {"jfile": SCALARS, "dmfile": "1 1 1 0 0 0.1 -0.3 0.4\n1 1 -1 0 0 -0.1 0.3 -0.4\n"},
        {"dm": "./dmfile"} | ALL,
    ),
    "field": (
        TWO | {"jfile": "1 2 0 0 0 0.8\n2 1 0 0 0 0.8\n"},
        {"hfield": "3.0 -20.0 40.0"} | ALL,
    ),
    "uniaxial": anisotropy("1 1 0.5 0.0 0.6 0.0 0.8 0.0"),
    "uniaxial, fourth order": anisotropy("1 1 0.1 0.5 0.6 0.0 0.8 0.0"),
    "cubic": anisotropy("1 2 0.5 0.0 0.0 0.0 1.0 0.0"),
    "cubic, sixth order": anisotropy("1 2 0.1 0.5 0.0 0.0 1.0 0.0"),
    "uniaxial and cubic": anisotropy("1 7 0.5 0.2 0.6 0.0 0.8 0.3"),
}


def inputs(name):
    """Return the files of a case, dict from name to text, without the restart file."""
    files, keywords = CASES[name]
    lines = {
        "simid": "x",
        "ncell": "2 2 2",
        "bc": "P P P",
        "cell": "1.0 0.0 0.0\n      0.0 1.0 0.0\n      0.0 0.0 1.0",
        "sym": "0",
        "maptype": "2",
        "posfile": "./posfile",
        "momfile": "./momfile",
        "exchange": "./jfile",
        "initmag": "4",
        "restartfile": "./restart.dat",
        "mode": "S",
        "temp": "0.0",
        "damping": "0.0",
        "nstep": "12",
        "timestep": f"{STEP:.1e}",
        "plotenergy": "1",
        "do_avrg": "Y",
        "avrg_step": "1",
        "do_tottraj": "Y",
        "tottraj_step": "1",
        "tottraj_buff": "1",
    } | keywords
    inpsd = "".join(f"{key} {value}\n" for key, value in lines.items())
    one = {"posfile": "1 1 0.0 0.0 0.0\n", "momfile": "1 1 2.0 0.0 0.0 1.0\n"}
    return one | files | {"inpsd.dat": inpsd}


def write(folder, name, moments):
    """Write the input of a case with initial moments (N, 3), mu_B."""
    for file, text in inputs(name).items():
        (folder / file).write_text(text)
    io.write_uppasd_restart(folder / "restart.dat", np.array(moments))


def execute(name, program):
    """Return the energies (mRy per atom) and moments of two steps that UppASD finds."""
    sizes = [float(line.split()[2]) for line in inputs(name)["momfile"].splitlines()]
    directions = np.random.default_rng(5).normal(size=(8 * len(sizes), 3))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        write(folder, name, np.tile(sizes, 8)[:, None] * directions)
        subprocess.run([program], cwd=folder, check=True, capture_output=True, timeout=60)
        table = io.read_uppasd_table(folder / "totenergy.x.out")
        moments, _ = io.read_uppasd_moments(folder / "moment.x.out")
    energies = {key: values[0] for key, values in table.items() if key != "Iter" and values[0]}
    return energies, moments[0, 0], moments[1, 0]


if __name__ == "__main__":
    found = {}
    for name in CASES:
        energies, before, after = execute(name, sys.argv[1])
        found[name] = {
            "energies": energies,
            "before": before.round(9).tolist(),
            "after": after.round(9).tolist(),
        }
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(case)}" for name, case in found.items())
    RECORDED.write_text("{\n" + lines + "\n}\n")
