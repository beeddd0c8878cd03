"""One self-contained HTML page with text, tables and figures."""

import base64
import html
import io
from pathlib import Path

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; color: #222; background: #fff;
       max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }}
h1 {{ font-size: 1.7rem; }} h2 {{ font-size: 1.25rem; margin-top: 2.2rem; }}
table {{ border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }}
th, td {{ padding: .3rem .9rem .3rem 0; text-align: left; border-bottom: 1px solid #ddd; }}
th {{ border-bottom: 2px solid #888; }}
figure {{ margin: 1.5rem 0; }} figure img {{ max-width: 100%; height: auto; }}
figcaption, .note {{ color: #555; font-size: .92rem; }}
.warning {{ border-left: 4px solid #D55E00; background: #fdf3ec; padding: .7rem 1rem; }}
pre {{ background: #f5f5f5; padding: .8rem 1rem; overflow-x: auto; font-size: .88rem; }}
</style>
</head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
"""


class Report:
    """A page that is written as one file: figures are embedded, nothing is loaded from elsewhere.

    All text is escaped, so labels may hold any characters.

    Parameters
    ----------
    title : str
    """

    def __init__(self, title):
        self.title = title
        self._parts = []

    def heading(self, text):
        """Add a heading."""
        self._parts.append(f"<h2>{html.escape(text)}</h2>")

    def text(self, text):
        """Add a paragraph."""
        self._parts.append(f"<p>{html.escape(text)}</p>")

    def warning(self, text):
        """Add a paragraph that nobody overlooks."""
        self._parts.append(f'<p class="warning">{html.escape(text)}</p>')

    def code(self, text):
        """Add preformatted text."""
        self._parts.append(f"<pre>{html.escape(text)}</pre>")

    def table(self, header, rows):
        """Add a table.

        Parameters
        ----------
        header : sequence of str
        rows : sequence of sequences, as long as the header; values are shown with ``str``.

        Raises
        ------
        ValueError
            If a row has another number of cells than the header.
        """
        for row in rows:
            if len(row) != len(header):
                raise ValueError(f"the row {row!r} has not {len(header)} cells like {header!r}")
        lines = [_row("th", header), *(_row("td", row) for row in rows)]
        self._parts.append("<table>\n" + "\n".join(lines) + "\n</table>")

    def figure(self, figure, caption):
        """Add a matplotlib figure (as PNG) with a caption, which is its alternative text too."""
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png")
        data = base64.b64encode(buffer.getvalue()).decode("ascii")
        caption = html.escape(caption)
        self._parts.append(
            f'<figure><img alt="{caption}" src="data:image/png;base64,{data}">'
            f"<figcaption>{caption}</figcaption></figure>"
        )

    def render(self):
        """Return the page as a str."""
        return _PAGE.format(title=html.escape(self.title), body="\n".join(self._parts))

    def write(self, path):
        """Write the page to ``path``."""
        Path(path).write_text(self.render(), encoding="utf-8")


def _row(tag, cells):
    return "<tr>" + "".join(f"<{tag}>{html.escape(str(c))}</{tag}>" for c in cells) + "</tr>"
