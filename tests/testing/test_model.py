"""Contracts catch what they are for: one deliberately wrong model per promise."""

import numpy as np
import pytest

from ase_mag import testing
from ase_mag.core import BilinearForm, Gradients, Model, storable
from ase_mag.testing.structures import Structure, random_rotation

CUTOFF = 3.75


class Toy(Model):
    """E = -1/2 sum_ij J(r) M_i.M_j + sum_i [a m^2 + b m^4], J = 0.19 (1 - r/3.75)^3: right."""

    species = ("Fe", "Co")
    cutoff = CUTOFF
    scale = 1.0

    def coupling(self, r):
        x = np.where(r < CUTOFF, 1 - r / CUTOFF, 0.0)
        return 0.19 * self.scale * x**3, -3 * 0.19 * self.scale / CUTOFF * x**2

    def gradients(self, graph, moments, *, lattice=True):
        j, slope = graph.cached(("toy", self), lambda: self.coupling(graph.distances))
        c, n, sites = graph.centers, graph.neighbors, slice(graph.n_sites)
        product = np.einsum("pa,pa->p", moments[c], moments[n])
        m2 = (moments[sites] ** 2).sum(axis=1)
        energies = graph.sum_pairs(-0.5 * j * product) - 0.15 * m2 + 0.0192 * m2**2
        slopes = np.zeros((graph.n_atoms, 3))
        np.add.at(slopes, c, -0.5 * j[:, None] * moments[n])
        np.add.at(slopes, n, -0.5 * j[:, None] * moments[c])
        slopes[sites] += (-0.3 + 0.0768 * m2)[:, None] * moments[sites]
        pairs = (-0.5 * slope * product / graph.distances)[:, None] * graph.vectors
        return Gradients(energies, slopes, pairs if lattice else None)

    def bilinear(self, graph):
        landau = np.tile([-0.15, 0.0192, 0.0], (graph.n_sites, 1))
        exchange = self.coupling(graph.distances)[0]
        return BilinearForm.on(graph, exchange=exchange, landau=landau)


class Wrong(Toy):
    """Changes the gradients of the right model by ``change(self, graph, moments, gradients)``."""

    def __init__(self, change):
        self.change = change

    def gradients(self, graph, moments, *, lattice=True):
        gradients = super().gradients(graph, moments, lattice=lattice)
        return self.change(self, graph, moments, gradients) or gradients

    def bilinear(self, graph):
        return None


def test_right_model_passes():
    testing.check_model(Toy(), storable=False)


def caught(change, check, message, **options):
    atoms = testing.example(("Fe", "Co"), 1)
    check(Toy(), atoms, **options)
    with pytest.raises(AssertionError, match=message):
        check(Wrong(change), atoms, **options)


def scaled(part, factor):
    def change(model, graph, moments, gradients):
        value = getattr(gradients, part)
        if value is not None:
            value *= factor

    return change


@pytest.mark.parametrize("factor", [-1.0, 2.0, 0.5, 1 + 1e-6])
def test_wrong_magforces(factor):
    caught(scaled("moments", factor), testing.check_magforces, "magforces against energy")


@pytest.mark.parametrize("factor", [-1.0, 2.0, 0.5, 1 + 1e-6])
def test_wrong_forces(factor):
    caught(scaled("pairs", factor), testing.check_forces, "forces against energy differences")


def test_one_wrong_component_of_one_force():
    def change(model, graph, moments, gradients):
        if gradients.pairs is not None:
            gradients.pairs[5, 2] += 1e-6

    caught(change, testing.check_forces, "forces against energy differences.*at index")


class Overridden(Toy):
    """Changes the response of the right model."""

    def __init__(self, change):
        self.change = change

    def evaluate(self, graph, moments, *, lattice=True):
        response = super().evaluate(graph, moments, lattice=lattice)
        self.change(graph, moments, response)
        return response


def caught_response(change, check, message, **options):
    atoms = testing.example(("Fe", "Co"), 1)
    with pytest.raises(AssertionError, match=message):
        check(Overridden(change), atoms, **options)


def test_missing_virial():
    def change(graph, moments, response):
        if response.virials is not None:
            response.virials[:] = 0

    caught_response(change, testing.check_virial, "virial against energy differences")


def test_forces_that_do_not_add_up():
    def change(graph, moments, response):
        if response.forces is not None:
            response.forces[0, 1] += 1e-9

    caught_response(change, testing.check_newton, "sum of forces")


def test_not_a_float_array():
    def change(graph, moments, response):
        response.energies = response.energies.astype(np.float32)

    caught_response(change, testing.check_response, "energies must be a float array")


def test_energies_that_are_not_numbers():
    def change(graph, moments, response):
        response.magforces[3, 0] = np.nan

    caught_response(change, testing.check_response, "magforces are not finite")


class Step(Toy):
    """J(r) with a step (power 0), a kink (power 1) or neither (power 2) at the cutoff."""

    def __init__(self, power):
        self.power = power

    def coupling(self, r):
        x = np.where(r < CUTOFF, 1 - r / CUTOFF, 0.0)
        inside = (r < CUTOFF) * 1e-6
        return inside * x**self.power, -self.power / CUTOFF * inside * x ** max(0, self.power - 1)


def test_step_at_the_cutoff():
    testing.check_cutoff(Step(2))
    with pytest.raises(AssertionError, match=r"cutoff 3.75 angstrom: energies jump by"):
        testing.check_cutoff(Step(0))
    with pytest.raises(AssertionError, match=r"cutoff 3.75 angstrom: forces jump by"):
        testing.check_cutoff(Step(1))


def test_step_at_the_cutoff_of_a_term():
    longer = Step(2)
    longer.cutoff = 5.0
    with pytest.raises(AssertionError, match=r"cutoff 3.75 angstrom: forces jump"):
        testing.check_cutoff(longer + Step(1))


def test_pairs_beyond_the_cutoff():
    def change(model, graph, moments, gradients):
        gradients.energies[:] += 1e-6 * np.diff(graph.offsets)

    caught(change, testing.check_far_atoms, "pairs beyond the cutoff: energies")


def test_hidden_state():
    def change(model, graph, moments, gradients):
        model.calls = getattr(model, "calls", 0) + 1
        gradients.energies += 1e-15 * model.calls

    caught(change, testing.check_purity, "hidden state")


def test_moments_in_the_cache_of_the_graph():
    def change(model, graph, moments, gradients):
        gradients.energies += 1e-9 * graph.cached("sizes", lambda: (moments**2).sum(axis=1))

    caught(change, testing.check_purity, "moments in its cache")


def test_reused_output_array():
    buffer = np.zeros(16)

    def change(model, graph, moments, gradients):
        buffer[:] = gradients.energies
        gradients.energies = buffer

    caught(change, testing.check_purity, "an earlier response was overwritten")


def test_changed_moments():
    def change(model, graph, moments, gradients):
        moments *= 1.0000001

    caught(change, testing.check_purity, "the moments given to evaluate were changed")


def test_lattice_flag():
    def change(model, graph, moments, gradients):
        gradients.energies[0] += 0.0 if gradients.pairs is None else 1e-9

    caught(change, testing.check_lattice_flag, "lattice=False against lattice=True: energies")


def test_forces_without_lattice():
    def change(graph, moments, response):
        response.forces = np.zeros((graph.n_atoms, 3))

    caught_response(change, testing.check_lattice_flag, "must return no forces")


def test_division_by_a_zero_moment():
    def change(model, graph, moments, gradients):
        with np.errstate(invalid="ignore"):
            gradients.energies += moments[:, 2] / np.linalg.norm(moments, axis=1)

    caught(change, testing.check_zero_moments, "moments zero: energies are not finite")


def test_magforce_at_zero_moment():
    def change(model, graph, moments, gradients):
        gradients.moments[:, 0] += 1e-6

    caught(change, testing.check_zero_moments, "all moments zero: magforces")


def test_field_breaks_time_reversal():
    def change(model, graph, moments, gradients):
        gradients.energies -= 1e-6 * moments[:, 2]
        gradients.moments[:, 2] -= 1e-6

    caught(change, testing.check_time_reversal, "time reversal.*energies")
    caught(change, testing.check_spin_rotation, "rotation of all moments.*energies")
    caught(change, testing.check_rotation, "joint rotation.*energies")


def test_anisotropy_along_bonds_breaks_only_the_rotation_of_moments():
    def change(model, graph, moments, gradients):
        along = np.einsum("pa,pa->p", graph.vectors, moments[graph.centers])
        j = model.coupling(graph.distances)[0]
        gradients.energies += graph.sum_pairs(1e-3 * j * along**2)

    caught(change, testing.check_spin_rotation, "rotation of all moments.*energies")
    atoms = testing.example(("Fe", "Co"), 1)
    rotated = Structure.of(atoms).rotated(random_rotation(np.random.default_rng(2)))
    energies = [Structure.of(each).response(Wrong(change)).energies for each in (atoms, rotated)]
    np.testing.assert_allclose(*energies, rtol=1e-12)


def test_lab_frame_geometry_breaks_the_joint_rotation():
    def change(model, graph, moments, gradients):
        gradients.energies += 1e-6 * graph.sum_pairs(np.exp(-(graph.vectors[:, 0] ** 2)))

    caught(change, testing.check_rotation, "joint rotation.*energies")


def test_order_of_atoms():
    def change(model, graph, moments, gradients):
        gradients.energies[0] *= 1 + 1e-9

    caught(change, testing.check_permutation, "permutation of the atoms: energies")


def test_translation():
    def change(model, graph, moments, gradients):
        gradients.energies += 1e-9 * graph.sum_pairs(1.0 * (graph.topology.shifts[:, 0] != 0))

    caught(change, testing.check_translation, "translation of all atoms: energies")


def test_not_extensive():
    def change(model, graph, moments, gradients):
        gradients.energies += 1e-9 * graph.n_sites

    caught(change, testing.check_supercell, "supercell .* of a cell of 16 atoms: energies")


def test_missing_images_of_the_atom_itself():
    def change(model, graph, moments, gradients):
        own = (graph.centers == graph.neighbors) * 1e-6
        gradients.energies += graph.sum_pairs(own)

    tiny = testing.example(("Fe", "Co"), 1, repeats=(1, 1, 1))
    testing.check_supercell(Toy(), tiny)
    with pytest.raises(AssertionError, match="of a cell of 2 atoms: energies"):
        testing.check_supercell(Wrong(change), tiny)


class Doubled(Toy):
    """A bilinear form with the exchange of another convention."""

    def bilinear(self, graph):
        form = super().bilinear(graph)
        form.exchange[:] *= 2
        return form


def test_bilinear_form_with_a_factor_2():
    with pytest.raises(AssertionError, match="bilinear form: energies"):
        testing.check_bilinear(Doubled(), testing.example(("Fe", "Co"), 1))


def test_ghosts_without_their_share():
    def change(model, graph, moments, gradients):
        gradients.moments[graph.n_sites :] = 0.0

    caught(change, testing.check_ghosts, "ghost atoms folded to their owners: magforces")


def test_result_that_depends_on_threads():
    def change(model, graph, moments, gradients):
        gradients.energies *= 1 + 1e-15 * graph.threads

    caught(change, testing.check_threads, "one thread against two: energies")


@storable
class ForgetsItsScale(Toy):
    def __init__(self, scale=1.0):
        self.scale = scale

    def to_dict(self):
        return {}


@storable
class KeepsItsScale(Toy):
    def __init__(self, scale=1.0):
        self.scale = scale

    def to_dict(self):
        return {"scale": self.scale}


def test_storage():
    atoms = testing.example(("Fe", "Co"), 1)
    testing.check_storage(KeepsItsScale(0.1), atoms)
    with pytest.raises(AssertionError, match="loaded model: energies"):
        testing.check_storage(ForgetsItsScale(0.1), atoms)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Wrong(scaled("moments", 2.0)), "magforces against"),
        (Wrong(scaled("pairs", -1.0)), "forces against"),
        (Doubled(), "bilinear"),
        (Step(1), "jump"),
    ],
)
def test_check_model_runs_the_checks(model, message):
    with pytest.raises(AssertionError, match=message):
        testing.check_model(model, storable=False)
