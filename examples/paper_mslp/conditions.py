"""The model and the sizes of the job."""

from dataclasses import dataclass, replace
from pathlib import Path

from ase_mag import models


@dataclass(frozen=True)
class Sizes:
    """How much is computed.

    Attributes
    ----------
    defect_cells : repeats of the cubic cell for point defects.
    repeats : int, cubic cells per edge in Fig. 1 and the quench.
    temperatures : K, of Fig. 1, rising. steps, skip : int, of 1 fs at each of them.
    quench_from : K, one of the temperatures; quench_to : K; quench_steps : int.
    boxes : repeats of the box of either loop, loops : inserted atoms.
    relaxation : int, most steps of the optimizer.
    loop_temperatures : K. loop_steps, loop_skip, loop_every : int, of 1 fs.
    """

    defect_cells: tuple = (4, 6)
    repeats: int = 10
    temperatures: tuple = (
        *(10, 100, 200, 300, 400, 500, 600, 700, 800),
        *(850, 900, 950, 1000, 1050, 1100, 1200, 1300),
    )
    steps: int = 2500
    skip: int = 1000
    quench_from: int = 1200
    quench_to: int = 300
    quench_steps: int = 10_000
    boxes: tuple = ((16, 16, 16), (11, 7, 19))
    loops: tuple = (61, 61)
    relaxation: int = 150
    loop_temperatures: tuple = (10, 800)
    loop_steps: int = 1200
    loop_skip: int = 400
    loop_every: int = 20


DEFAULT = Sizes()
FAST = Sizes(
    defect_cells=(3, 4),
    repeats=4,
    temperatures=(10, 300, 1500),
    steps=60,
    skip=20,
    quench_from=1500,
    quench_steps=60,
    boxes=((8, 8, 8), (6, 4, 9)),
    loops=(13, 7),
    relaxation=40,
    loop_steps=20,
    loop_skip=10,
    loop_every=5,
)
#: A quarter of the atoms and half of the steps: minutes with a network.
SMALL = replace(
    DEFAULT,
    repeats=6,
    temperatures=(10, 200, 400, 600, 700, 800, 850, 900, 950, 1000, 1100, 1200),
    steps=1500,
    skip=500,
    quench_steps=5000,
    boxes=((10, 10, 10), (7, 5, 12)),
    loops=(25, 19),
    loop_steps=400,
    loop_skip=200,
    loop_every=10,
)
#: The loops of the paper: 128,265 and 139,287 atoms.
PAPER = replace(DEFAULT, boxes=((40, 40, 40), (29, 17, 47)), loops=(265, 261), relaxation=400)


def load(name):
    """Return a model by its name, or from the file of a saved one."""
    if name in models.named():
        return models.named(name)
    if not Path(name).exists():
        raise SystemExit(f"--model {name} is neither a file nor one of {', '.join(models.named())}")
    return models.load(name)
