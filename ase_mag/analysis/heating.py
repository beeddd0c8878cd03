"""Heating and quenching: lattice constant and magnetization against temperature."""

import hashlib
import io
import json
from pathlib import Path

import numpy as np
from ase import units
from ase.io import read, write
from ase.md.velocitydistribution import thermalize_momenta

from ase_mag.analysis.curie_input import given_model
from ase_mag.analysis.heating_result import Heated, Heating
from ase_mag.calculators import MagneticCalculator
from ase_mag.core import get_moments
from ase_mag.dynamics import SpinLatticeDynamics
from ase_mag.dynamics.noise import seed_from

NAMES = ("energy", "volume", "magnetization", "size")


def heat(
    atoms,
    model=None,
    *,
    temperatures_K,
    steps,
    skip=0.4,
    every=10,
    blocks=5,
    timestep=1 * units.fs,
    friction=0.02 / units.fs,
    longitudinal=True,
    pressure=0.0,
    rng,
    folder=None,
    **options,
):
    """Run spin-lattice dynamics at one temperature after the other; return means with errors.

    Every temperature goes on from the last state of the one before, with both baths: Langevin for
    atoms and moments (sizes included, generalized Langevin dynamics), and a barostat. It is Fig. 1
    of Chapman and Ma, Sci. Rep. 12, 22451 (2022), for any model.

    Parameters
    ----------
    atoms : ase.Atoms, periodic, with moments; a copy is run. Momenta that are all zero are drawn at
        the first temperature.
    model : ase_mag.core.Model; None takes that of ``atoms.calc``.
    temperatures_K : floats above 0, all different, in the order of the runs.
    steps : int, at each temperature.
    skip : int or float, steps at the start of each that are no part of the means, or a fraction
        below 1 of them.
    every : int, steps between two values of a series.
    blocks : int, of the standard errors, see :func:`ase_mag.analysis.block_error`.
    timestep : float, ASE time units.
    friction, longitudinal, pressure, options : see :class:`ase_mag.dynamics.SpinLatticeDynamics`;
        ``pressure=None`` keeps the cell. Models that do not bound the sizes need
        ``longitudinal=False`` and ``damping``.
    rng : int or numpy Generator; run k has the seed rng + k.
    folder : path or None; the state at the end of each temperature is kept there
        (``heated_300.extxyz``), and what is there is not run again. The numbers are the same with
        and without a folder, and with and without interruption.

    Returns
    -------
    Heating
        One :class:`Heated` for each temperature.

    Raises
    ------
    ValueError
        For bad numbers, moments that are all zero, or a folder with the states of something else.
    """
    model = given_model(atoms, model)
    temperatures = _temperatures(temperatures_K)
    first = _first(skip, _count(steps, "steps"), _count(every, "every"), blocks)
    if not np.any(get_moments(atoms)):
        raise ValueError("all moments of atoms are zero: set them with ase_mag.set_moments")
    seed = seed_from(rng)
    baths = {"friction": friction, "longitudinal": longitudinal, "pressure": pressure, **options}
    present = atoms.copy()
    if not present.get_momenta().any():
        thermalize_momenta(present, temperature_K=temperatures[0], rng=np.random.default_rng(seed))
    present.calc = MagneticCalculator(model)
    energy = float(present.get_potential_energy())
    rows = []
    for k, temperature in enumerate(temperatures):
        job = {
            "temperatures_K": temperatures[: k + 1],
            "steps": steps,
            "every": every,
            "seed": seed,
            "timestep": float(timestep),
            "baths": {name: repr(value) for name, value in sorted(baths.items())},
        }
        job = hashlib.sha256(json.dumps(job).encode()).hexdigest()
        path = None if folder is None else Path(folder) / f"heated_{temperature:g}.extxyz"
        if path is None or not path.exists():
            present.calc = MagneticCalculator(model)
            run = {"timestep": timestep, "rng": seed + k, **baths}
            series = _run(present, temperature, steps, every, run)
            present.info["series"] = series
            present.info["heating"] = {"job": job, "energy": energy}
            text = _text(present)
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
                part = path.with_name(f"part_{path.name}")
                part.write_text(text, encoding="utf-8")
                part.replace(path)
        else:
            text = path.read_text(encoding="utf-8")
        # From the text in any case: it has eight digits, and resumed runs must not differ.
        present = read(io.StringIO(text), format="extxyz")
        _check(present, job, energy, path)
        series = {name: np.array(present.info["series"][name]) for name in NAMES}
        rows.append(Heated(temperature, series, first, blocks, present.copy()))
    return Heating(tuple(rows))


def quench(
    atoms,
    model=None,
    *,
    from_K,
    to_K,
    steps,
    equilibration=0,
    every=10,
    timestep=1 * units.fs,
    friction=0.02 / units.fs,
    longitudinal=True,
    pressure=0.0,
    rng,
    **options,
):
    """Quench from one temperature to another; return the series after it.

    Parameters
    ----------
    atoms : ase.Atoms, as for :func:`heat`: best the last state of a run at ``from_K``
        (``heating[1200].atoms``).
    model : ase_mag.core.Model; None takes that of ``atoms.calc``.
    from_K, to_K : float, the bath before and after.
    steps : int, at ``to_K``; equilibration : int, before them at ``from_K``.
    every, timestep, friction, longitudinal, pressure, rng, options : as for :func:`heat`; the
        quench has the seed rng, the equilibration before it rng + 1.

    Returns
    -------
    Heated
        With all values of its series from the end of the equilibration on (``skip`` of 0), in
        whose means the relaxation is included; the fall or rise is in ``series``.

    Raises
    ------
    ValueError
        For bad numbers, or moments that are all zero.
    """
    _temperatures([from_K, to_K])
    _count(steps, "steps")
    seed = seed_from(rng)
    shared = {
        "every": every,
        "timestep": timestep,
        "friction": friction,
        "longitudinal": longitudinal,
        "pressure": pressure,
        **options,
    }
    if equilibration:
        hot = heat(
            atoms, model, temperatures_K=[from_K], steps=equilibration, rng=seed + 1, **shared
        )
        model, atoms = given_model(atoms, model), hot.rows[-1].atoms
    elif not atoms.get_momenta().any():
        model, atoms = given_model(atoms, model), atoms.copy()
        thermalize_momenta(atoms, temperature_K=from_K, rng=np.random.default_rng(seed))
    (row,) = heat(atoms, model, temperatures_K=[to_K], steps=steps, skip=0, rng=seed, **shared).rows
    return row


def _run(atoms, temperature, steps, every, options):
    """Run; return the series, lists."""
    dynamics = SpinLatticeDynamics(
        atoms, temperature_K=temperature, **{"progress": False, **options}
    )
    series = {name: [] for name in NAMES}
    for _ in range(steps // every):
        dynamics.run(every)
        moments = get_moments(atoms)
        total = dynamics.get_potential_energy() + atoms.get_kinetic_energy()
        series["energy"].append(total / len(atoms))
        series["volume"].append(atoms.get_volume() / len(atoms))
        series["magnetization"].append(np.linalg.norm(moments.mean(axis=0)))
        series["size"].append(np.linalg.norm(moments, axis=1).mean())
    return {name: [float(v) for v in values] for name, values in series.items()}


def _text(atoms):
    """Return atoms with momenta and moments as extxyz."""
    text = io.StringIO()
    write(text, atoms, format="extxyz", write_results=False)
    return text.getvalue()


def _check(atoms, job, energy, path):
    """Raise ValueError if a state is that of another job."""
    kept = atoms.info.get("heating", {"job": None, "energy": np.nan})
    same = np.isclose(kept["energy"], energy, rtol=1e-8, atol=1e-8)
    if kept["job"] != job or not same:
        raise ValueError(
            f"{path} is the state of another heating run (structure, model, temperatures, steps, "
            "baths or seed differ): delete it to run again, or give another folder"
        )


def _temperatures(temperatures_K):
    """Return temperatures as a list of float, or raise ValueError."""
    found = np.asarray(temperatures_K, dtype=float)
    if (
        found.ndim != 1
        or not len(found)
        or not (np.isfinite(found) & (found > 0)).all()
        or len(set(found)) < len(found)
    ):
        raise ValueError(
            f"temperatures must be different numbers above 0 K, got {temperatures_K!r}"
        )
    return found.tolist()


def _count(value, name):
    """Return a number of steps, or raise ValueError."""
    if isinstance(value, bool) or int(value) != value or value < 1:
        raise ValueError(f"{name} must be an integer of at least 1, got {value!r}")
    return int(value)


def _first(skip, steps, every, blocks):
    """Return the number of values that are left out, or raise ValueError."""
    if isinstance(skip, bool) or not 0 <= skip < steps:
        raise ValueError(
            f"skip must be a number of steps below steps={steps}, or a fraction below 1, "
            f"got {skip!r}"
        )
    first = int(skip * steps if 0 < skip < 1 else skip) // every
    if steps // every - first < 2:
        raise ValueError(
            f"{steps} steps with every={every} and skip={skip!r} leave fewer than two values: run "
            "more steps, or take values more often"
        )
    if blocks < 2:
        raise ValueError(f"a standard error needs at least two blocks, got blocks={blocks!r}")
    return first
