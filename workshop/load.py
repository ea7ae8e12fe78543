"""Measure the article's chat, loop.py, and chat.py side by side, and draw it.

Both get the same people and the same messages, one server after the other, each for
every rate anew. A delivery is measured from the moment at which its message was due to
its arrival at one reader; one reader in ten looks at the clock.
"""

import argparse
import asyncio
import functools
import math
import os
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from workshop.crowd import SECRET, Crowd
from workshop.drawing import PATIENCE, draw
from workshop.serving import raise_file_limit

TOP = Path(__file__).resolve().parent.parent
PROGRAMS = "loop.py", "chat.py"
RATES = 5, 20, 50, 100, 200, 400  # messages a second
PEOPLE = 300
SECONDS = 3  # of talking, for each program and rate
BUSY = 0.85  # of one core: from here on, the client is slow itself
LATE = 0.02  # seconds that the client may send a message too late


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
    """A program in a process of its own, with an empty log.

    Args:
        program: loop.py or chat.py.
    """

    def __init__(self, program):
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "workshop.serving", *self.command(program)],
            cwd=TOP,
            env={**os.environ, "COOKIE_SECRET": SECRET},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def command(self, program):
        """Return the path of a program, and its options."""
        folder = Path(self.folder.name)
        if program == "chat.py":
            options = f"--port={self.port}", f"--db={folder / 'chat.db'}"
            return TOP / program, *options, "--logging=none"
        text = (TOP / "workshop" / program).read_text(encoding="utf-8")
        text = text.replace("5000", str(self.port))
        (folder / program).write_text(text, encoding="utf-8")
        return (folder / program,)

    def wait(self):
        """Wait until it listens.

        Raises:
            OSError: it has not started.
        """
        if "http" not in self.process.stdout.readline():
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


class Progress:
    """A bar on the terminal; where the output is no terminal, nothing.

    Args:
        total: seconds that all will take, about.
    """

    WIDTH = 30  # characters

    def __init__(self, total):
        self.begun, self.total = time.monotonic(), total
        self.words = ""

    def show(self):
        spent = min(time.monotonic() - self.begun, self.total)
        done = int(self.WIDTH * spent / self.total)
        bar = "#" * done + "." * (self.WIDTH - done)
        line = f"[{bar}] {spent:3.0f} of {self.total:.0f} s  {self.words}"
        print(f"\r{line:<78}", end="", file=sys.stderr, flush=True)

    async def run(self):
        """Show it until this task is cancelled."""
        while sys.stderr.isatty():
            self.show()
            await asyncio.sleep(0.5)

    def clear(self):
        if sys.stderr.isatty():
            print(f"\r{'':78}\r", end="", file=sys.stderr, flush=True)


def quantile(values, part, count):
    """Return how long a part of all deliveries took at most.

    Args:
        values: the sorted times of those that arrived.
        part: 0.5 for the half of them.
        count: how many should have arrived. Those that did not took forever: without
            them, a server that gives up would look fast.
    """
    place = min(count - 1, int(part * count))
    return values[place] if place < len(values) else math.inf


async def measure(program, people, rate, seconds):
    """Start a program, let people talk, stop it.

    Args:
        program: loop.py or chat.py.
        people: how many.
        rate: messages a second, of all together.
        seconds: for how long they talk.
    Returns:
        Figures.
    Raises:
        OSError: it did not start, or refused somebody.
    """
    server = Server(program)
    try:
        server.wait()
        crowd = Crowd(server.port, people)
        await crowd.join()
        begun, cpu, own = time.monotonic(), server.cpu(), time.process_time()
        await crowd.talk(rate, seconds)
        await crowd.listen(PATIENCE)
        spent = time.monotonic() - begun
        own = (time.process_time() - own) / spent
        delays, expected = sorted(crowd.delays), len(crowd.due) * crowd.timed
        late = quantile(sorted(crowd.late), 0.99, len(crowd.late))
        figures = Figures(
            program,
            rate,
            delivered=crowd.received / crowd.expected,
            p50=quantile(delays, 0.5, expected),
            p99=quantile(delays, 0.99, expected),
            cpu=(server.cpu() - cpu) / spent,
            limited=own > BUSY or late > LATE,
        )
        await crowd.leave()
        return figures
    finally:
        server.stop()


async def measure_all(people, rates, seconds):
    """Measure both programs at all rates; return a list of Figures."""
    cells = [(program, rate) for rate in rates for program in PROGRAMS]
    one = seconds + PATIENCE + people / 300  # about
    progress = Progress(len(cells) * one)
    showing = asyncio.create_task(progress.run())
    results = []
    try:
        for program, rate in cells:
            progress.words = f"{program}, {rate} messages a second"
            results.append(await measure(program, people, rate, seconds))
    finally:
        showing.cancel()
        progress.clear()
    return results


def milliseconds(seconds):
    late = seconds == math.inf
    return f"over {PATIENCE} s" if late else f"{seconds * 1000:,.0f} ms"


def table(results):
    """Return the lines of a table: one for each program and rate."""
    form = "{:>10}  {:<8}  {:>9}  {:>11}  {:>14}  {:>10}".format
    yield form("messages", "", "delivered", "half within", "99 % within", "server's")
    yield form("a second", "", "", "", "", "CPU")
    for one in results:
        yield form(
            one.rate if one.program == "loop.py" else "",
            one.program,
            # 99.96 % is not everything.
            f"{math.floor(one.delivered * 1000) / 10:g} %",
            milliseconds(one.p50),
            milliseconds(one.p99),
            f"{one.cpu:.0%}",
        ) + (" *" if one.limited else "")


def parse_arguments(words):
    parser = argparse.ArgumentParser(
        prog="python -m workshop load",
        description="Measure loop.py and chat.py side by side, and draw it.",
    )
    option = functools.partial(parser.add_argument, type=positive)
    option("--people", default=PEOPLE, help="how many listen")
    option("--rates", default=RATES, nargs="+", help="messages a second")
    option("--seconds", default=SECONDS, help="for each figure")
    option("--svg", type=writable, default="load.svg", help="where the drawing goes")
    return parser.parse_args(words)


def positive(word):
    if not word.isdecimal() or word == "0":
        raise argparse.ArgumentTypeError(f"{word} is no number above 0")
    return int(word)


def writable(word):
    """Return the path of a file; find out before the minute, not after it."""
    folder = Path(word).resolve().parent
    if not folder.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {folder}")
    return word


def main(words):
    """Measure, print the table, write the drawing.

    Args:
        words: the options.
    """
    options = parse_arguments(words)
    raise_file_limit()
    print(
        f"{options.people} people, in the article's chat (loop.py) and in chat.py."
        " It takes about a minute. Close what else is running."
    )
    try:
        run = measure_all(options.people, options.rates, options.seconds)
        results = asyncio.run(run)
    except OSError as error:
        sys.exit(f"The measurement stopped: {error}")
    print("\n".join(["", *table(results), ""]))
    if any(one.limited for one in results):
        print(
            "* Here the measuring itself was held up: the true times are shorter.\n"
            "Close other programs and measure again, or with --people=100."
        )
    Path(options.svg).write_text(draw(results, options.people), encoding="utf-8")
    print(f"The drawing is in {options.svg}: open it in a browser.")
