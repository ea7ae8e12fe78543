"""Measure the article's chat, as step 2 has it, and chat.py side by side, and draw it.

Both get the same people and the same messages, each server for every rate anew. A
delivery lasts from the moment at which its message was due to its arrival at a reader.
"""

import argparse
import asyncio
import contextlib
import math
import os
import runpy
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from workshop.crowd import TIMED, Crowd
from workshop.drawing import PATIENCE, draw, tell
from workshop.steps import TOP, finished_page, states, write_files

PROGRAMS = "step 2", "chat.py"
ARTICLE = 2  # the step after which the article's chat stands
RATES = 5, 20, 50, 100, 200, 400  # messages a second
BUSY = 0.85  # of one core: from here on, the client is slow itself
LATE = 0.02  # seconds that the client may send a message too late
OPEN_FILES = 4096  # macOS allows 256, and each connection is one


@dataclass
class Figures:
    """What was measured of one program at one rate."""

    program: str
    rate: int  # messages a second
    delivered: float  # 1: everything
    p50: float  # seconds; half of the deliveries took less
    p99: float  # seconds
    cpu: float  # of the server; 1: one core
    limited: bool  # whether the client was itself the limit


class Server:
    """A program in a process of its own, with an empty log; or raises OSError."""

    def __init__(self, program):
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        files = {"chat.py": (TOP / "chat.py").read_text("utf-8"), **finished_page()}
        options = "--logging=error",
        if program == PROGRAMS[0]:
            files, options = states()[ARTICLE], ()
        write_files(files, self.folder.name)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "workshop.load", "chat.py", *options],
            cwd=self.folder.name, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True,
            env={**os.environ, "PORT": str(self.port), "PYTHONPATH": str(TOP)})

        if "http" not in self.process.stdout.readline():
            self.stop()
            raise OSError("The chat did not start. Start it by hand, and see why.")

    def cpu(self):
        """Return the seconds of CPU that it has used."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def stop(self):
        self.process.kill()
        self.process.communicate()
        self.folder.cleanup()


def serve(program, *options):
    """Run a program, and print the seconds of CPU used for each line that comes in."""

    def answer():
        for _ in sys.stdin:
            print(time.process_time(), flush=True)

    sys.argv, sys.path[0] = [program, *options], os.getcwd()
    raise_file_limit()
    threading.Thread(target=answer, daemon=True).start()
    runpy.run_path(program, run_name="__main__")


def raise_file_limit():
    """Allow this process OPEN_FILES open files, where the system has such a limit."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource  # Windows has none

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if 0 < soft < OPEN_FILES:
            resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, hard))


def quantile(values, part, count):
    """Return how long a part, such as 0.5, of all deliveries took at most.

    Those of the count that did not arrive took forever: without them, a server that
    gives up would look fast.
    """
    place = min(count - 1, int(part * count))
    return sorted(values)[place] if place < len(values) else math.inf


async def measure(program, people, rate, seconds):
    """Start a program, let people talk, stop it; return Figures, or raise OSError."""
    server = Server(program)
    try:
        crowd = Crowd(server.port)
        await crowd.join(people)
        begun, cpu, own = time.monotonic(), server.cpu(), time.process_time()
        await crowd.talk(rate, seconds)
        await crowd.listen(PATIENCE)
        spent = time.monotonic() - begun
        own = (time.process_time() - own) / spent
        cpu = (server.cpu() - cpu) / spent
        crowd.leave()
    finally:
        server.stop()
    count = len(crowd.due) * math.ceil(people / TIMED)
    limited = own > BUSY or quantile(crowd.late, 0.99, len(crowd.late)) > LATE
    p50, p99 = [quantile(crowd.delays, part, count) for part in (0.5, 0.99)]
    delivered = crowd.received / crowd.expected
    return Figures(program, rate, delivered, p50, p99, cpu, limited)


FORM = "{:>10}  {:<8}  {:>9}  {:>11}  {:>11}  {:>6}".format


def row(one):
    """Return a line of the table."""
    delivered = f"{math.floor(one.delivered * 1000) / 10:g} %"  # 99.96 % is not all
    cells = one.rate, one.program, delivered, tell(one.p50), tell(one.p99)
    return FORM(*cells, f"{one.cpu:.0%}") + " *" * one.limited


async def measure_all(given):
    """Measure both programs at all rates, and print it; return a list of Figures."""
    results = []
    print(FORM("messages/s", "", "delivered", "half within", "99 % within", "CPU"))
    for rate in given.rates:
        for program in PROGRAMS:
            one = await measure(program, given.people, rate, given.seconds)
            results.append(one)
            print(row(one), flush=True)
    return results


def main(words):
    """Measure, print the table, write the drawing."""
    parser = argparse.ArgumentParser(prog="python -m workshop load")
    add = parser.add_argument
    add("--people", type=int, default=300, help="how many listen")
    add("--rates", type=int, default=RATES, nargs="+", help="messages a second")
    add("--seconds", type=int, default=3, help="for each figure")
    add("--svg", default="load.svg", help="where the drawing goes")
    given = parser.parse_args(words)
    raise_file_limit()
    print(f"{given.people} people, in the article's chat (step {ARTICLE}) and in"
          " chat.py. It takes about a minute. Close what else is running.", flush=True)
    try:
        Path(given.svg).touch()  # find out before the minute, not after it
        results = asyncio.run(measure_all(given))
    except OSError as error:
        sys.exit(f"The measurement stopped: {error}")
    if any(one.limited for one in results):
        print("* The measuring itself was held up: try again with --people=100.")
    Path(given.svg).write_text(draw(results, given.people), encoding="utf-8")
    print(f"The drawing is in {given.svg}: open it in a browser.")


if __name__ == "__main__":
    serve(*sys.argv[1:])
