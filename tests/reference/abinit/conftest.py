"""Recorded outputs of ABINIT 9.6.2, tiny data sets, and a stand-in for the program."""

import sys
from pathlib import Path

import pytest
from ase.calculators.abinit import AbinitProfile

DATA = Path(__file__).parents[1] / "data"

HEADER = """<?xml  version="1.0"?>
<paw_dataset version="0.7">
<atom symbol="{symbol}" Z="{number}" core="10.00" valence="{valence}"/>
<xc_functional type="GGA" name="PBE"/>
<paw_radius rc=" {radius}"/>
"""

#: Valence electrons and PAW radius (bohr) of the JTH data sets.
SETS = {"Fe": (26, 16.0, 2.1153157434), "Al": (13, 3.0, 1.9036)}


@pytest.fixture
def data_sets(tmp_path):
    """A folder with headers of data sets; the stand-in needs no more."""
    folder = tmp_path / "data_sets"
    folder.mkdir()
    for symbol, (number, valence, radius) in SETS.items():
        text = HEADER.format(symbol=symbol, number=number, valence=valence, radius=radius)
        (folder / f"{symbol}.xml").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def recorded():
    """A function name -> text of a recorded output."""

    def read(name):
        return (DATA / f"{name}.abo").read_text(encoding="utf-8")

    return read


@pytest.fixture
def stand_in(tmp_path, data_sets):
    """A function that makes a profile whose 'program' writes given outputs one after the other.

    Every call of the program appends the input to inputs.txt and answers with the next output, or
    (an int) with that exit status and an error in the log.
    """

    def make(*outputs):
        folder = tmp_path / "stand_in"
        folder.mkdir()
        for k, output in enumerate(outputs):
            (folder / f"{k}.answer").write_text(str(output), encoding="utf-8")
        program = folder / "program.py"
        program.write_text(PROGRAM.format(folder=str(folder)), encoding="utf-8")
        return AbinitProfile(f"{sys.executable} {program}", pp_paths=[str(data_sets)])

    return make


PROGRAM = """
import sys
from pathlib import Path
folder = Path({folder!r})
calls = len(list(folder.glob("*.input")))
text = Path(sys.argv[1]).read_text(encoding="utf-8")
(folder / f"{{calls}}.input").write_text(text, encoding="utf-8")
answer = (folder / f"{{calls}}.answer").read_text(encoding="utf-8")
if answer.isdigit():
    print("--- !ERROR\\nsrc_file: m.F90\\nmessage: |\\n    the sun was too bright\\n...")
    sys.exit(int(answer))
if answer != "nothing":
    Path("run.abo").write_text(answer, encoding="utf-8")
    Path("runo_DEN").write_text("density", encoding="utf-8")
"""
