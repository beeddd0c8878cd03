"""Maps of stress and moments around the loop of loop.py, which one process reads back into ASE.

python examples/large_scale/maps.py loop_800K --inserted 37
"""

import argparse
from pathlib import Path

import numpy as np

from ase_mag import analysis


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="output of loop.py")
    parser.add_argument("--inserted", type=int, default=37, help="atoms of the loop, the last ones")
    given = parser.parse_args()
    frames = analysis.read(given.folder / "run.traj")
    # Frames hold the stress of every atom: no model is needed.
    maps = analysis.site_maps(frames, skip=len(frames) // 2)
    loop = slice(-given.inserted, None)
    print(f"means of {maps.n_frames} frames    loop      all atoms")
    print(f"  |M| (mu_B)      {maps.sizes[loop].mean():13.3f} {maps.sizes.mean():12.3f}")
    print(f"  Tr stress (GPa) {maps.trace[loop].mean():13.2f} {maps.trace.mean():12.2f}")
    low, high = np.percentile(maps.trace, [1, 99])
    print(f"  Tr stress of 98 % of all atoms: {low:.1f} to {high:.1f} GPa")
    maps.write(given.folder / "maps.extxyz")
    # The Burgers vector is along z: a plane that cuts the edge of the loop twice.
    maps.contours((0, 1, 0)).savefig(given.folder / "maps.png")
    print(f"written: {given.folder / 'maps.extxyz'}, {given.folder / 'maps.png'}")


if __name__ == "__main__":
    main()
