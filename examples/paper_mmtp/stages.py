"""Results that are kept in the output folder, so that a stopped job goes on where it was."""

import json
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from time import perf_counter

from ase.io import read, write
from threadpoolctl import threadpool_limits

from ase_mag import models


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


def frames(folder, name, compute):
    """Keep frames with all their labels."""
    return kept(
        folder,
        name,
        ".extxyz",
        compute,
        lambda path, result: write(path, result, "extxyz"),
        lambda path: read(path, ":"),
    )


def model(folder, name, compute):
    """Keep a model."""
    return kept(folder, name, ".npz", compute, lambda path, model: model.save(path), models.load)


def pool(workers):
    """Return processes of one thread each."""
    return ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=threadpool_limits, initargs=(1,)
    )
