"""The docstrings of the package as reStructuredText: an extension of Sphinx.

They are numpydoc with free text behind the colon (``name : float or (N,) array, eV; what it is``),
which ``napoleon`` would cut into a type and a rest at the end of the line. Here an entry stays one
sentence. Characters that mean something to reStructuredText (``|M|``, ``coef_``, ``a * b``) stay
what they are.
"""

import inspect
import re
import sys
from importlib import import_module

from sphinx.pycode import ModuleAnalyzer

#: Sections whose entries are names with an explanation.
LISTS = ("Parameters", "Attributes", "Raises", "Warns")
NAME = r"\*{0,2}[A-Za-z_][\w.]*"
ENTRY = re.compile(rf"({NAME}(?:, {NAME})*)(?: : (.*)|)$")
#: A further entry in the same line, behind a semicolon or a full stop.
NEXT = re.compile(r"(?<=[;.]) (?=(?:[a-z_]\w*(?:, [a-z_]\w*)*) : )")
KEPT = re.compile(r"(``.+?``|:[\w:]+:`[^`]+`|`[^`]+`)", re.DOTALL)


#: Longest line of the sources.
WIDTH = 100


def setup(app):
    app.connect("autodoc-process-docstring", process, priority=400)
    app.connect("autodoc-process-bases", show_public_bases)
    app.connect("autodoc-skip-member", skip)
    return {"parallel_read_safe": True}


def process(app, what, name, obj, options, lines):
    """Replace the lines of a docstring, and list what a module holds."""
    lines[:] = convert(lines)
    if what == "module":
        names = public_names(obj)
        table = [f"   {public}" for public in names if callable(getattr(obj, public))]
        lines += ["", ".. autosummary::", "", *table, ""] if table else []
        for public in names:
            if not callable(getattr(obj, public)):
                lines += ["", f".. py:data:: {public}", "", f"   {comment(name, public)}", ""]


def skip(app, what, name, obj, skipped, options):
    """Leave out what scikit-learn makes for its metadata routing."""
    return True if re.fullmatch(r"set_\w+_request", name) else skipped


def comment(package, name):
    """Return the ``#:`` comment of a constant of a package, wherever it is defined."""
    for path in [path for path in sys.modules if path.startswith(f"{package}.")]:
        if name in vars(sys.modules[path]):
            found = ModuleAnalyzer.for_module(path).find_attr_docs().get(("", name))
            if found:
                return escape(" ".join(found).strip())
    raise ValueError(f"{package}.{name} has no comment that begins with '#:'")


def public_names(module):
    """Return what a package names in ``__all__``, without sub-packages."""
    names = getattr(module, "__all__", [])
    return [name for name in names if not inspect.ismodule(getattr(module, name))]


def show_public_bases(app, name, obj, options, bases):
    """Show a base class under its public name; a private one gives way to its own bases."""
    shown = []
    for base in bases:
        for ancestor in base.__mro__ if inspect.isclass(base) else ():
            if ancestor is object:
                break
            public = public_path(ancestor)
            if public:
                shown.append(f":py:class:`{public}`")
                break
    bases[:] = shown or [object]


def public_path(cls):
    """Return the public path of a class, or None if it is private to the package."""
    package = ".".join(cls.__module__.split(".")[:2])
    if not package.startswith("ase_mag"):
        return f"{cls.__module__}.{cls.__qualname__}".removeprefix("builtins.")
    public = getattr(import_module(package), "__all__", ())
    return f"{package}.{cls.__name__}" if cls.__name__ in public else None


def convert(lines):
    """Return a docstring of the house as reStructuredText, both as lists of lines."""
    out, section, block = [], None, []
    position = 0
    while position < len(lines):
        line = lines[position]
        below = lines[position + 1] if position + 1 < len(lines) else ""
        if line.strip() and set(below.strip()) == {"-"} and not line.startswith(" "):
            out += render(section, block)
            section, block = line.strip(), []
            position += 2
            continue
        block.append(line)
        position += 1
    return [*out, *render(section, block)]


def render(section, block):
    """Return the lines of one section."""
    if section is None:
        return prose(block)
    if section in ("Returns", "Yields"):
        text = " ".join(line.strip() for line in block if line.strip())
        return ["", f":{section}: {escape(text)}", ""]
    if section not in LISTS:
        return ["", f".. rubric:: {section}", "", *prose(block), ""]
    mark = "exc" if section in ("Raises", "Warns") else None
    out = ["", f":{section}:"]
    for names, text in entries(block):
        if names is None:
            out += [f"   * {escape(text)}"]
        elif mark:
            shown = ", ".join(f":py:{mark}:`{name}`" for name in names.split(", "))
            out += [f"   * {shown} -- {escape(text)}"]
        else:
            out += [f"   * **{names}** : {escape(text)}"]
    return [*out, ""]


def entries(block):
    """Yield the names (None: a remark) and the text of every entry of a section."""
    pieces = []
    for line in block:
        if line.strip() and not line.startswith(" "):
            pieces.append([line])
        elif line.strip() and pieces:
            pieces[-1].append(line.strip())
    for piece in pieces:
        for part in NEXT.split(" ".join(ended(piece))):
            head, colon, text = part.partition(" : ")
            first = piece[0] if len(piece) > 1 else part
            if colon and ENTRY.match(head):
                yield head, text
            elif not colon and re.fullmatch(rf"{NAME}(?:, {NAME})*", first):
                yield first, part[len(first) :].strip()
            else:
                yield None, part


def ended(piece):
    """Return the lines of an entry; a type on a line of its own ends with a full stop."""
    if len(piece) == 1:
        return piece
    first, second = piece[:2]
    broken = len(first) + 9 + len(second.split()[0]) > WIDTH
    if broken or first[-1] in ".,;:" or not second[0].isupper() or " : " not in first:
        return piece
    return [f"{first}.", *piece[1:]]


def prose(block):
    """Return free text: blocks after ``::`` and doctests stay as they are."""
    out, literal = [], False
    for line in block:
        if literal and line.strip() and not line.startswith(" "):
            literal = False
        keep = literal or line.lstrip().startswith((">>>", "..."))
        bullet = "" if keep else re.match(r"( *[*] )?", line)[0]
        out.append(line if keep else bullet + escape(line[len(bullet) :]))
        if not literal and line.rstrip().endswith("::"):
            literal = True
    return out


def escape(text):
    """Return text whose characters mean themselves, but for literals and roles."""
    parts = KEPT.split(text)
    for k in range(0, len(parts), 2):
        part = re.sub(r"([*|\\])", r"\\\1", parts[k])
        parts[k] = re.sub(r"(?<=\w)_(?!\w)", r"\\_", part)
    return "".join(parts)
