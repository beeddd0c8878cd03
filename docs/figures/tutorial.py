"""Run the Python blocks of docs/tutorial.md in a temporary folder, and keep its figure here."""

import os
import re
import shutil
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
PAGE = (HERE.parent / "tutorial.md").read_text(encoding="utf-8")

blocks = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    exec(compile("\n".join(blocks), "tutorial.md", "exec"), {"__name__": "__main__"})
    shutil.copy("iron.png", HERE / "tutorial-iron.png")
    os.chdir(HERE)
