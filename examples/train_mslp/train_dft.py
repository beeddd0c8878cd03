"""Train a spin-lattice potential (MSLP) on constrained DFT of small cells of bcc iron.

python examples/train_mslp/train_dft.py --output DIR             # remakes Fe-MSLP-ABINIT
python examples/train_mslp/train_dft.py FRAMES [FRAMES ...] --output DIR

FRAMES are extxyz files of constrained calculations. Without any: the 273 of examples/dft (40
rattled cells, 175 of scans of one moment, 58 cells with random moments), which ABINIT computes in
two hours; iron_campaign.py there made the last 58, and the others say their settings.
Cells of two to four atoms near bcc say nothing of short distances: the amplitudes of V and t whose
knots lie below 2.5 angstrom keep the values they start with, near those of Mendelev et al. (2003).
"""

import argparse
from pathlib import Path

import ase.io
import numpy as np

from ase_mag import fitting, models

WEIGHTS = {"energy": 1.0, "forces": 0.01, "stress": 0.001, "magforces": 0.1}
#: In this order: it decides which frames the fit does not see.
DFT = Path(__file__).resolve().parents[1] / "dft"
FRAMES = [
    DFT / name for name in ("iron_rattled.extxyz.gz", "iron_scans.extxyz.gz", "iron_pairs.extxyz")
]
#: Energy of an atom, eV, that gives the ferromagnet the measured cohesive energy, 4.28 eV.
FREE_ATOM = -3381.60


def frames_of(path):
    """Return the frames of a file; those of one scan of a moment stay together in splits."""
    if not Path(path).exists():
        raise SystemExit(
            f"there is no {path}: Fe-MSLP-ABINIT was trained on "
            f"{', '.join(p.name for p in FRAMES)} of examples/dft, which are in the repository and "
            "not in wheels: get them from there, compute them again (docs/mslp.md), or give files "
            "of your own frames"
        )
    scanned = "landscape" in ase.io.read(path, index=0).info
    return fitting.read(path, groups="landscape" if scanned else None)


def known(potential, network):
    """Return the parameters that the data can determine, indices."""
    lattice, moments = potential.lattice, potential.moments
    n_t, n_v = lattice.hopping.shape[1], lattice.pair.shape[1]
    starts = np.cumsum([0, n_t, n_t, n_v, n_v])
    keep = [*(np.flatnonzero(lattice.hopping_knots[0] > 2.5) + starts[0])]
    keep += [*(np.flatnonzero(lattice.pair_knots[0] > 2.4) + starts[2]), starts[4]]
    n = len(lattice.parameters)
    end = n + len(moments.parameters) + (len(potential.network.parameters) if network else 0)
    return np.r_[keep, n:end].astype(int)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("frames", nargs="*", default=FRAMES, help="files of labelled frames")
    parser.add_argument("--output", type=Path, required=True, help="a folder")
    parser.add_argument("--iterations", type=int, nargs=3, default=(15, 100, 20))
    parser.add_argument(
        "--fast", action="store_true", help="every tenth frame, to see that it runs"
    )
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    data = fitting.Dataset([frame for path in arguments.frames for frame in frames_of(path)])
    data = data.without_duplicates().relative_to({"Fe": FREE_ATOM})
    if arguments.fast:
        data, arguments.iterations = data[::10], (1, 2, 1)
    train, test = data.split(0.85, rng=1)
    potential = models.SpinLatticePotential("Fe", hidden=(12, 12))
    terms = fitting.Held(potential.lattice + potential.moments) + potential.network
    views = {
        "V_NM + V_HL": fitting.View(potential, known(potential, False)),
        "network": terms,
        "together": fitting.View(potential, known(potential, True), linear=False),
    }
    lines = [f"{len(train)} training frames, {len(test)} test frames, which no fit has seen"]
    for (name, view), iterations in zip(views.items(), arguments.iterations, strict=True):
        report = fitting.fit(view, train, WEIGHTS, scaling="atom", max_iterations=iterations)
        lines.append(f"{name}: {report.iterations} iterations, {report.seconds:.0f} s")
        for part, frames in (("train", train), ("test", test)):
            errors = fitting.compare(potential, frames)
            cells = ", ".join(f"{k} {e.rmse:.4g} {e.unit}" for k, e in errors.items())
            lines.append(f"  RMSE, {part}: {cells}")
    text = "\n".join(lines)
    (arguments.output / "errors.txt").write_text(text + "\n", encoding="utf-8")
    potential.save(arguments.output / "mslp.npz", reference="ABINIT, constrained", errors=text)
    print(text)


if __name__ == "__main__":
    main()
