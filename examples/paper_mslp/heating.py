"""Fig. 1: lattice constant and magnetization against temperature, and a quench."""

from time import perf_counter

import numpy as np
import stages
from ase.md.velocitydistribution import thermalize_momenta

from ase_mag import analysis
from ase_mag.build import bcc_crystal

#: Steps between two values of a series.
EVERY = 10


def heat(model, a, moment, sizes, folder):
    """Return the runs at all temperatures; every one goes on from the one before."""
    atoms = bcc_crystal(a, sizes.repeats, moment=moment)
    thermalize_momenta(atoms, temperature_K=sizes.temperatures[0], rng=np.random.default_rng(1))
    names = [f"heated_{temperature}" for temperature in sizes.temperatures]
    made = [name for name in names if not (folder / f"{name}.extxyz").exists()]
    start = perf_counter()
    heating = analysis.heat(
        atoms,
        model,
        temperatures_K=sizes.temperatures,
        steps=sizes.steps,
        skip=sizes.skip,
        every=EVERY,
        rng=0,
        folder=folder,
    )
    for name in made:
        print(f"{name}: {(perf_counter() - start) / len(made):.1f} s", flush=True)
    return heating


def quench(model, heating, sizes, folder):
    """Return the series of a quench from the paramagnet."""

    def compute():
        row = analysis.quench(
            heating[sizes.quench_from].atoms,
            model,
            from_K=sizes.quench_from,
            to_K=sizes.quench_to,
            steps=sizes.quench_steps,
            every=EVERY,
            rng=100,
        )
        series = row.series
        return {
            "a": ((2 * series["volume"]) ** (1 / 3)).tolist(),
            "moment": series["magnetization"].tolist(),
            "size": series["size"].tolist(),
        }

    return stages.stage(folder, "quench", compute)


def averages(heating, sizes):
    """Return {temperature: {name: (mean, standard error, standard deviation)}}."""
    out = {}
    for temperature, row in zip(sizes.temperatures, heating, strict=True):
        spreads = {name: values[row.skip :].std() for name, values in row.series.items()}
        spreads["a"] = ((2 * row.series["volume"]) ** (1 / 3))[row.skip :].std()
        out[temperature] = {
            "a": (*row.lattice_constant(2), spreads["a"]),
            "moment": (*row.mean("magnetization"), spreads["magnetization"]),
            "size": (*row.mean("size"), spreads["size"]),
        }
    return out
