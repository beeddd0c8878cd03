"""Spirit, from the wheel ``spirit``, in a process of its own."""

import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from benchmarks import iron
from benchmarks.program import PeerMissing, Program

_CONFIGURATION = """\
log_to_console 0
log_to_file 0
save_input_initial 0
save_input_final 0
bravais_lattice bcc
n_basis_cells {cells} {cells} {twice}
lattice_constant {a}
basis
1
0 0 0
mu_s {moment}
boundary_conditions 1 1 1
hamiltonian heisenberg_neighbours
n_shells_exchange {n_shells}
jij {values}
n_shells_dmi 0
dij 0
llg_damping {damping}
llg_temperature {temperature}
llg_dt 1.0E-3
llg_n_iterations 1000000000
llg_n_iterations_log 1000000000
llg_force_convergence 0
mc_temperature {temperature}
mc_n_iterations 1000000000
mc_n_iterations_log 1000000000
"""

#: Runs in the process of Spirit; the last line of its output is the times.
_WORKER = """\
import sys
from time import perf_counter, process_time
from spirit import configuration, simulation, state, system
method, steps, n_atoms = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
with state.State("input.cfg", quiet=True) as spins:
    assert system.get_nos(spins) == n_atoms, system.get_nos(spins)
    configuration.plus_z(spins)
    if method == "LLG":
        what = (simulation.METHOD_LLG, simulation.SOLVER_SIB)
    else:
        what = (simulation.METHOD_MC,)
    simulation.start(spins, *what, n_iterations=1)
    wall, processor = perf_counter(), process_time()
    simulation.start(spins, *what, n_iterations=steps)
    print(perf_counter() - wall, process_time() - processor)
"""


def spins(neighbors, method="LLG"):
    """Return a factory of spin dynamics (``"LLG"``) or Monte Carlo sweeps (``"MC"``)."""

    def make(cells, threads):
        if find_spec("spirit") is None:
            raise PeerMissing("Spirit is not installed: pip install spirit")
        if threads > 1:
            raise PeerMissing("the wheel of Spirit has no threads")
        text = _CONFIGURATION.format(
            cells=cells,
            twice=2 * cells,
            a=iron.LATTICE_CONSTANT,
            moment=iron.MOMENT,
            n_shells=iron.SHELLS[neighbors][1],
            values=" ".join(f"{value:.10g}" for value in iron.shell_values(neighbors)),
            damping=iron.DAMPING,
            temperature=iron.SPIN_TEMPERATURE,
        )
        n_atoms = 2 * cells**3

        def run(n_steps):
            with tempfile.TemporaryDirectory() as folder:
                Path(folder, "input.cfg").write_text(text)
                done = subprocess.run(
                    [sys.executable, "-c", _WORKER, method, str(n_steps), str(n_atoms)],
                    cwd=folder,
                    env=os.environ | {"OMP_NUM_THREADS": "1"},
                    capture_output=True,
                    text=True,
                )
            if done.returncode:
                raise RuntimeError(f"Spirit failed:\n{done.stdout[-1500:]}{done.stderr[-1500:]}")
            return tuple(map(float, done.stdout.split()[-2:]))

        how = "solver SIB, 300 K, damping 0.1, 1 fs" if method == "LLG" else "Metropolis, 300 K"
        return Program("Spirit", run, n_atoms, how)

    return make
