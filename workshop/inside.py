"""python -m workshop, in this folder too: it runs the project's own."""

import runpy
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)
runpy.run_module("workshop", run_name="__main__", alter_sys=True)
