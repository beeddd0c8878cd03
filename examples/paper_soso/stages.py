"""Results that are kept in the output folder, so that a stopped job goes on where it was."""

import json
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from time import perf_counter

from threadpoolctl import threadpool_limits


def stage(folder, name, compute):
    """Return the kept numbers of a stage, or compute and keep them."""
    path = folder / f"{name}.json"
    if not path.exists():
        start = perf_counter()
        part = path.with_suffix(".part")
        part.write_text(json.dumps(compute(), default=float))
        part.replace(path)
        print(f"{name}: {perf_counter() - start:.1f} s", flush=True)
    return json.loads(path.read_text())


def pool(workers):
    """Return processes of one thread each."""
    return ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=threadpool_limits, initargs=(1,)
    )
