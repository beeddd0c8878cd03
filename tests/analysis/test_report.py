"""The HTML page: well-formed, self-contained, escaped."""

import base64
import re
from html.parser import HTMLParser

import pytest

from ase_mag.analysis.report import Report


class Checker(HTMLParser):
    """Collects text and attributes and checks that tags are closed in order."""

    void = frozenset({"meta", "img", "br"})

    def __init__(self):
        super().__init__()
        self.open, self.words, self.links = [], [], []

    def handle_starttag(self, tag, attrs):
        self.links += [value for name, value in attrs if name in ("src", "href")]
        if tag not in self.void:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data.strip())


def test_a_page_is_well_formed_escaped_and_loads_nothing(tmp_path):
    figure = pytest.importorskip("matplotlib.figure").Figure()
    figure.subplots().plot([0, 1], [1, 0])
    report = Report("Iron & <spins>")
    report.heading("Numbers")
    report.text("a < b & c")
    report.warning("synthetic")
    report.code("x = 1 < 2")
    report.table(("quantity", "value"), [("MAE a", 0.5), ("<m>", "2 mu_B")])
    report.figure(figure, 'a "figure"')
    path = tmp_path / "report.html"
    report.write(path)

    checker = Checker()
    checker.feed(path.read_text(encoding="utf-8"))
    assert checker.open == []
    for text in ("Iron & <spins>", "a < b & c", "x = 1 < 2", "<m>", "0.5", 'a "figure"'):
        assert text in checker.words
    assert len(checker.links) == 1
    data = re.fullmatch(r"data:image/png;base64,(.*)", checker.links[0]).group(1)
    assert base64.b64decode(data).startswith(b"\x89PNG")


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match=r"\('one',\) has not 2 cells"):
        Report("x").table(("a", "b"), [("one",)])
