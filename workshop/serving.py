"""Run a program, and answer how much CPU it has used whenever a line comes in.

python -m workshop.serving chat.py --port=0

Only the process itself can tell that on Linux, macOS and Windows alike.
"""

import contextlib
import runpy
import sys
import threading
import time
from pathlib import Path

OPEN_FILES = 4096  # macOS allows 256, and each connection is one


def raise_file_limit():
    """Allow this process OPEN_FILES open files, where the system has such a limit."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource  # Windows has none

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if 0 < soft < OPEN_FILES:
            resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, hard))


def answer():
    """Write the seconds of CPU used so far for each line that comes in."""
    for _ in sys.stdin:
        print(time.process_time(), flush=True)


def main():
    sys.argv = sys.argv[1:]
    program = Path(sys.argv[0]).resolve()
    sys.path.insert(0, str(program.parent))
    raise_file_limit()
    threading.Thread(target=answer, daemon=True).start()
    runpy.run_path(str(program), run_name="__main__")


if __name__ == "__main__":
    main()
