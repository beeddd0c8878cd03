"""Figs. 8 and 9: displacements at T_c and pressures at the core's conditions."""

import numpy as np
from ase import units
from conditions import CORE, CURIE, EXCHANGE, calculator

import ase_mag
from ase_mag import analysis, lsf
from ase_mag.dynamics import AsdAimd, OnTheFlyLearning


def run(path, atoms, steps, temperature_K, *, friction=0.01, seed=1, **moments):
    """Run to ``steps`` from wherever the checkpoint is; returns (Run, AsdAimd)."""
    with AsdAimd(
        atoms,
        1.0 * units.fs,
        temperature_K=temperature_K,
        measure=2,
        spin_timestep=0.01 * units.fs,
        damping=0.05,
        friction=friction / units.fs,
        rng=seed,
        trajectory=path.with_suffix(".traj"),
        loginterval=5,
        checkpoint=path.with_suffix(".npz"),
        checkpoint_interval=500,
        restart=True,
        progress=False,
        **moments,
    ) as dynamics:
        dynamics.run_to(steps)
    return analysis.read(path.with_suffix(".traj")), dynamics


def curie_runs(predictor, sizes, folder):
    """Fig. 8: mean-square displacements of the paramagnet and of two ferromagnets.

    The paper's ferromagnet is an ordinary collinear calculation, so its sizes are those of minimal
    energy in every geometry (``sizes='relaxed'``); the other has 2.2 mu_B throughout.
    """
    paramagnet = {"exchange": EXCHANGE, "lsf": predictor}
    kinds = {
        "PM": ("random", paramagnet),
        "FM": ("ferro", {"sizes": "relaxed"}),
        "FM 2.2": ("ferro", {}),
    }
    series = {}
    for label, (moments, options) in kinds.items():
        path = folder / f"tc_{name_of(label)}"
        done, dynamics = run(path, CURIE.start(1, moments), sizes.curie_steps, 1043, **options)
        series[label] = {
            "time": done.time_fs.tolist(),
            "msd": done.msd().tolist(),
            "sizes": done.moment_sizes[len(done) // 2 :].ravel()[::5].tolist(),
            "timings": dynamics.timings,
        }
    replicas = []
    for seed in range(100, 100 + sizes.replicas):
        means = {}
        for label, (moments, options) in kinds.items():
            path = folder / f"replica{seed}_{name_of(label)}"
            start = CURIE.start(seed, moments)
            # The same start and lattice noise in all three, and a friction near the largest phonon
            # frequency: so near each other that their differences are known 30 times better than
            # they are. Averages over the canonical ensemble do not depend on the friction.
            done, _ = run(
                path, start, sizes.replica_steps, 1043, friction=0.05, seed=seed, **options
            )
            first = sizes.skip // 5
            means[label] = [done.msd()[first:].mean(), done.pressure()[first:].mean()]
        replicas.append(means)
    return {"series": series, "replicas": replicas}


def magnetic_pressure(done, first, every=10):
    """Return how much the moments add to the pressure at the same positions, mean over frames."""
    differences = []
    for index, atoms in enumerate(done):
        if index >= first and index % every == 0:
            bare = atoms.copy()
            ase_mag.set_moments(bare, 0.0)
            bare.calc = calculator()
            magnetic, nonmagnetic = analysis.pressure([atoms, bare])
            differences.append(magnetic - nonmagnetic)
    return np.mean(differences)


def name_of(label):
    """Return a label as a part of a file name."""
    return label.replace(" ", "_").replace(".", "")


def core_runs(predictor, table, sizes, folder):
    """Fig. 9: pressures of magnetic and nonmagnetic iron at the core's conditions.

    The invariant descriptor follows FeHL-1, which melts here, and learns from it on the way.
    """
    series, replicas, learned = {}, [], []
    for seed in range(1, 1 + sizes.core_replicas):
        means = {}
        for label in ("PM", "NM"):
            options, start = {}, CORE.start(seed, "none")
            if label == "PM":
                start = CORE.start(seed, "random")
                learning = OnTheFlyLearning(table, threshold=0.03, budget=100)
                options = {"exchange": EXCHANGE, "lsf": predictor, "learning": learning}
            path = folder / f"core{seed}_{label}"
            done, dynamics = run(path, start, sizes.core_steps, 6000, seed=seed, **options)
            first = sizes.skip // 5
            means[label] = [done.pressure()[first:].mean(), done.msd()[-1]]
            if label == "PM":
                learned.append([lesson.__dict__ for lesson in learning.history])
                means["sizes"] = done.moment_sizes[first:].mean()
                means["same positions"] = [magnetic_pressure(done, first)]
            if seed == 1:
                series[label] = {
                    "time": done.time_fs.tolist(),
                    "pressure": done.pressure().tolist(),
                    "timings": dynamics.timings,
                }
        replicas.append(means)
    return {"series": series, "replicas": replicas, "learned": learned}


def difference(replicas, one, other, index=0):
    """Return mean and standard error of one minus other over independent replicas."""
    values = np.array([means[one][index] - means[other][index] for means in replicas])
    return values.mean(), values.std(ddof=1) / np.sqrt(len(values))


def predictors(curie, ordered, core):
    """Return the predictor of the T_c run and that of the core run."""
    return (
        lsf.LsfPredictor(descriptor=3, width=10.0, regularization=1e-4).fit(curie + ordered),
        lsf.LsfPredictor(descriptor="invariant").fit(curie + ordered + core),
    )
