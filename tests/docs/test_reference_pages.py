"""The reference of public names: every one is documented, and its docstring can be shown."""

import importlib
import importlib.util
import inspect
import re
from pathlib import Path

import pytest

import ase_mag

DOCS = Path(__file__).parents[2] / "docs"
PACKAGES = [
    "ase_mag",
    *(f"ase_mag.{path.stem}" for path in DOCS.glob("api/*.md") if path.stem != "ase_mag"),
]
SECTION = re.compile(r"^(\w[\w ]*)\n-{3,}$", re.MULTILINE)
#: Parameters and attributes that have a dimension, and a unit that must stand beside each.
DIMENSIONS = {
    r"cutoff|cutoffs|skin|radii|positions|cell|r_min|displacement": "angstrom",
    r"moments|moment|max_moment": "mu_B",
    r"timestep|spin_timestep|time": "ASE time|fs|second",
    r"friction": "1 ?/ ?ASE time",
    r"field": "tesla|eV/mu_B",
    r"energy|energies|embedding": "eV",
    r"forces": "eV/angstrom",
    r"magforces": "eV/mu_B",
    r"fmax": "eV/mu_B|eV/angstrom",
    r"stress|pressure": "eV/angstrom|GPa",
}


def public_objects(package):
    module = importlib.import_module(package)
    names = getattr(module, "__all__", [n for n in vars(module) if not n.startswith("_")])
    return [(name, getattr(module, name)) for name in names]


def documented(package):
    """Return the classes and functions of a package."""
    things = [thing for _, thing in public_objects(package)]
    return [thing for thing in things if inspect.isclass(thing) or inspect.isfunction(thing)]


def docstring(thing):
    text = inspect.getdoc(thing) or ""
    if inspect.isclass(thing) and "__init__" in vars(thing):
        text += "\n" + (inspect.getdoc(thing.__init__) or "")
    return text


def signature(thing):
    try:
        return inspect.signature(thing).parameters.values()
    except ValueError:  # exceptions of C
        return []


@pytest.mark.parametrize("package", PACKAGES)
def test_parameters_and_results_are_documented(package):
    faults = []
    for thing in documented(package):
        text = docstring(thing)
        if len(text.splitlines()[0]) < 15:
            faults.append(f"{thing.__name__}: {text!r}")
        if not re.search(r"(those of|see|As|as) :\w+:`", text):
            faults += [
                f"{thing.__name__}: {parameter.name}"
                for parameter in signature(thing)
                if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
                and not re.search(rf"\b{parameter.name}\b", text)
            ]
        returns = inspect.isfunction(thing) and "\n    return " in inspect.getsource(thing)
        if returns and not re.search(r"return", text, re.IGNORECASE):
            faults.append(f"{thing.__name__}: what it returns")
    assert not faults


@pytest.mark.parametrize("package", PACKAGES)
def test_public_methods_are_documented(package):
    faults = []
    for thing in filter(inspect.isclass, documented(package)):
        for name, member in vars(thing).items():
            method = inspect.isroutine(member) or isinstance(member, (classmethod, staticmethod))
            if name.startswith("_") or not (method or hasattr(member, "__get__")):
                continue
            # An attribute may be described where the class is.
            described = not method and re.search(rf"\b{name}\b", docstring(thing))
            if not (inspect.getdoc(getattr(thing, name)) or described):
                faults.append(f"{thing.__name__}.{name}")
    assert not faults


@pytest.mark.parametrize("package", PACKAGES)
def test_quantities_have_their_unit(package, docstrings):
    faults, count = [], 0
    for thing in documented(package):
        for section, block in sections(docstring(thing)):
            if section not in ("Parameters", "Attributes"):
                continue
            for names, text in docstrings.entries(block):
                if not re.match(r"[^;.]*\bfloats?\b", text) or "see :" in text:
                    continue
                for pattern, unit in DIMENSIONS.items():
                    if any(re.fullmatch(pattern, name) for name in (names or "").split(", ")):
                        count += 1
                        if not re.search(unit, text):
                            faults.append(f"{thing.__name__}: {names} : {text}")
    assert not faults
    assert count > 3 or package not in ("ase_mag.models", "ase_mag.dynamics", "ase_mag.core")


def sections(text):
    """Return the titles and the lines of the sections of a docstring."""
    parts = SECTION.split(text)
    return [
        (title, body.strip("\n").splitlines())
        for title, body in zip(parts[1::2], parts[2::2], strict=True)
    ]


def test_every_package_has_a_page():
    folders = {
        path.parent.name
        for path in Path(ase_mag.__file__).parent.glob("*/__init__.py")
        if not path.parent.name.startswith("_") and path.parent.name != "cli"
    }
    assert folders | {"units", "ase_mag"} == {path.stem for path in DOCS.glob("api/*.md")}
    text = (DOCS / "api.md").read_text(encoding="utf-8")
    for page in DOCS.glob("api/*.md"):
        assert f"](api/{page.name})" in text
        assert f"\napi/{page.stem}\n" in text
        package = "ase_mag" if page.stem == "ase_mag" else f"ase_mag.{page.stem}"
        assert f".. automodule:: {package}\n" in page.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def docstrings():
    pytest.importorskip("sphinx")
    spec = importlib.util.spec_from_file_location("docstrings", DOCS / "docstrings.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_docstrings_of_the_house_become_restructured_text(docstrings):
    text = """Return |M| of coef_, twice *x*.

Equations stay::

    a * b = |c|

Parameters
----------
width, height : float, angstrom; with
    more text.
kind : ``"a|b"`` or :class:`Model`; step : int.
path : path, optional
    A file.

Raises
------
ValueError
    For |x| < 0.

Returns
-------
(N, 3) float array, mu_B.
"""
    shown = "\n".join(docstrings.convert(text.splitlines()))
    assert re.sub(r"\n{2,}", "\n\n", shown).strip() == SHOWN.strip()


SHOWN = r"""
Return \|M\| of coef\_, twice \*x\*.

Equations stay::

    a * b = |c|

:Parameters:
   * **width, height** : float, angstrom; with more text.
   * **kind** : ``"a|b"`` or :class:`Model`;
   * **step** : int.
   * **path** : path, optional. A file.

:Raises:
   * :py:exc:`ValueError` -- For \|x\| < 0.

:Returns: (N, 3) float array, mu_B.
"""
