"""Every Python block of README and docs runs: one fresh process per page, warnings are errors."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def code_of(text):
    """Return the Python blocks of a page as one script with the line numbers of the page."""
    lines, inside = [], False
    for line in text.splitlines():
        if line.startswith("```"):
            inside = not inside and line.strip() == "```python"
            line = ""
        lines.append(line if inside else "")
    return "\n".join(lines)


def test_blocks_keep_their_line_numbers():
    text = "a\n```python\nx = 1\n```\nb\n```text\ny\n```\n```python\nz = x\n```\n"
    assert code_of(text).splitlines() == ["", "", "x = 1", "", "", "", "", "", "", "z = x"]


def has_code(page):
    return bool(code_of(page.read_text(encoding="utf-8")).strip())


@pytest.mark.parametrize(
    "page", [page for page in PAGES if has_code(page)], ids=lambda page: page.name
)
def test_page(page, tmp_path, strict_python, tree_environment):
    code = code_of(page.read_text(encoding="utf-8"))
    script = tmp_path / f"{page.stem}.py"
    script.write_text(code, encoding="utf-8")
    done = subprocess.run(
        [*strict_python, script.name],
        cwd=tmp_path,
        env=tree_environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, f"{page.name}:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"


def test_links_between_pages_lead_somewhere():
    for page in PAGES:
        for part in page.read_text(encoding="utf-8").split("](")[1:]:
            target = part.partition(")")[0].partition("#")[0]
            if target and "://" not in target:
                assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_validation_names_tests_that_exist():
    text = (ROOT / "docs" / "validation.md").read_text(encoding="utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text)
    assert len(named) > 30
    for path, name in named:
        assert f"\ndef {name}(" in (ROOT / path).read_text(encoding="utf-8"), f"{path}::{name}"


def test_every_row_of_the_validation_names_its_test():
    text = (ROOT / "docs" / "validation.md").read_text(encoding="utf-8")
    count = 0
    for table in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        header, _, *rows = table.splitlines()
        if header.endswith("| test |"):
            count += len(rows)
            assert [row for row in rows if not re.search(r"`(tests|examples)/", row)] == []
    assert count > 100


def test_every_page_is_in_the_index():
    text = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    pages = {page.name for page in (ROOT / "docs").glob("*.md")} - {"index.md"}
    assert {page for page in pages if f"]({page})" not in text} == set()
