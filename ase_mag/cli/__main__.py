"""``python -m ase_mag.cli`` is ``ase-mag``."""

import sys

from ase_mag.cli.program import main

if __name__ == "__main__":
    sys.exit(main())
