"""Results that are kept in the output folder, so that a stopped job goes on where it was."""

import json
from time import perf_counter

from ase.io import read, write

from ase_mag.analysis import SiteMaps


def kept(folder, name, suffix, compute, write, read):
    """Return the kept result of a stage, or compute and keep it."""
    path = folder / f"{name}{suffix}"
    if not path.exists():
        start = perf_counter()
        part = path.with_name(f"part_{path.name}")
        write(part, compute())
        part.replace(path)
        print(f"{name}: {perf_counter() - start:.1f} s", flush=True)
    return read(path)


def stage(folder, name, compute):
    """Keep numbers."""
    return kept(
        folder,
        name,
        ".json",
        compute,
        lambda path, result: path.write_text(json.dumps(result, default=float)),
        lambda path: json.loads(path.read_text()),
    )


def state(folder, name, compute):
    """Keep atoms with momenta, moments and what ``atoms.info`` says about their run."""
    return kept(
        folder,
        name,
        ".extxyz",
        compute,
        lambda path, atoms: write(path, atoms, "extxyz", write_results=False),
        lambda path: read(path),
    )


def maps(folder, name, compute):
    """Keep the stress and the moment of every atom."""
    return kept(
        folder, name, ".extxyz", compute, lambda path, sites: sites.write(path), SiteMaps.read
    )
