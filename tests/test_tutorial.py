"""The tutorial: its listings are the program, its steps run, its sessions are true."""

import collections
import doctest
import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from tornado.testing import gen_test

import chat
from tests.support import (
    TOP,
    ChatProcess,
    ProcessCase,
    free_port,
    needs_redis,
    needs_signals,
    project_text,
)

Listing = collections.namedtuple("Listing", "step number language lines")


def read_listings():
    """Return the tutorial's fenced blocks; number: the line of their first line."""
    step, block, found = 0, None, []
    lines = project_text("tutorial.md").split("\n")
    for number, line in enumerate(lines, 1):
        if line.startswith("```") and block:
            found.append(block)
            block = None
        elif line.startswith("```"):
            block = Listing(step, number + 1, line[3:], [])
        elif block:
            block.lines.append(line)
        elif heading := re.match(r"## (Step (\d)|)", line):
            step = int(heading.group(2) or 0)
    return found


def find_steps(listings, path):
    """Find each listing in a file; return the step of each of its lines.

    Raises AssertionError with the first line that differs or is left out.
    """
    lines = (TOP / path).read_text(encoding="utf-8").split("\n")
    steps = [None] * len(lines)
    for listing in listings:
        size = len(listing.lines)
        same, _, start = max(
            (count_common(listing.lines, lines[i:]), steps[i] is None, -i)
            for i in range(len(lines))
        )
        start = -start
        assert same == size, (
            f"tutorial.md, line {listing.number + same}: {listing.lines[same]}\n"
            f"{path}, line {start + same + 1}: {lines[start + same]}"
        )
        assert steps[start : start + size] == [None] * size, (
            f"tutorial.md, line {listing.number}: told twice, {path}, line {start + 1}"
        )
        steps[start : start + size] = [listing.step] * size
    for i, line in enumerate(lines):
        assert steps[i] is not None or not line.strip(), (
            f"{path}, line {i + 1} is not in tutorial.md: {line}"
        )
        steps[i] = steps[i] if steps[i] is not None else steps[i - 1]
    return steps


def count_common(listing, lines):
    """Return how many lines are the same from the beginning."""
    pairs = zip(listing, lines, strict=False)  # the listing is the shorter one
    return len(list(itertools.takewhile(lambda pair: pair[0] == pair[1], pairs)))


def program_after(step):
    """Return chat.py without the lines of the steps after this one."""
    lines = project_text("chat.py").split("\n")
    listings = [x for x in read_listings() if x.language == "python"]
    pairs = zip(lines, find_steps(listings, "chat.py"), strict=True)
    return "\n".join(line for line, its in pairs if its <= step)


class ListingTest(unittest.TestCase):
    def listings(self, language):
        return [x for x in read_listings() if x.language == language]

    def test_listings_are_chat_py(self):
        find_steps(self.listings("python"), "chat.py")
        self.assertEqual(program_after(8), project_text("chat.py"))

    def test_listings_are_chat_js(self):
        find_steps(self.listings("js"), "static/chat.js")

    def test_listings_are_the_templates(self):
        templates = {
            path.read_text(encoding="utf-8").rstrip("\n")
            for path in (TOP / "templates").iterdir()
        }
        shown = {"\n".join(listing.lines) for listing in self.listings("html")}
        self.assertEqual(shown, templates)

    def test_steps_in_order(self):
        steps = [listing.step for listing in self.listings("python")]
        self.assertEqual(steps, sorted(steps))
        self.assertEqual(set(steps), set(range(1, 9)))

    def test_languages_known(self):
        known = {"python", "js", "html", "py", "pycon", "console", "text", "sh", "diff"}
        self.assertLessEqual({x.language for x in read_listings()}, known)


class StepCase(ProcessCase):
    """chat.py as it stands after a step."""

    def make(self, step):
        """Write the program of a step into a folder of its own, and stand in it."""
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        for name in ("templates", "static"):
            shutil.copytree(TOP / name, os.path.join(self.folder.name, name))
        path = Path(self.folder.name, "chat.py")
        path.write_text(program_after(step), encoding="utf-8")

    def start(self, *options, **environment):
        folder = self.folder.name
        server = ChatProcess("--logging=error", *options, folder=folder, **environment)
        self.servers.append(server)
        return server


class StepTest(StepCase):
    """What each step promises, and what it does not do yet."""

    def made(self, step, **environment):
        self.make(step)
        return self.visitor(self.start("--port=0", **environment).url())

    async def codes(self, visitor, *paths):
        return [(await visitor.get(path)).code for path in paths]

    @gen_test
    async def test_step_1_answers_nothing(self):
        visitor = self.made(1)
        self.assertEqual(await self.codes(visitor, "/", "/chat"), [404, 404])
        self.assertNotIn("Content-Security-Policy", (await visitor.get("/")).headers)

    @gen_test
    async def test_step_2_shows_pages(self):
        visitor = self.made(2)
        self.assertEqual(await self.codes(visitor, "/", "/chat", "/x"), [200, 200, 404])
        self.assertIn("There is nothing here", (await visitor.get("/x")).text)
        self.assertEqual((await visitor.post("/login", name="carol")).code, 404)

    @gen_test
    async def test_step_3_signs_in(self):
        keys = {name.upper(): "x" for name in chat.TWITTER}
        carol = self.made(3, **keys)
        again = self.visitor(carol.url)
        self.assertEqual((await carol.get("/chat")).code, 302)
        self.assertEqual((await carol.post("/login", name="carol\u200b")).code, 400)
        self.assertEqual((await carol.post("/login", name="carol")).code, 303)
        self.assertIn('data-name="carol"', (await carol.get("/chat")).text)
        self.assertEqual((await again.post("/login", name="carol")).code, 303)
        self.assertEqual((await carol.post("/logout")).code, 303)
        self.assertEqual(await self.codes(carol, "/chat", "/login"), [302, 405])

    @gen_test
    async def test_step_4_signs_in_through_twitter(self):
        carol = self.made(4)
        self.assertEqual((await carol.get("/login")).code, 302)
        self.assertEqual((await carol.post("/login", name="carol")).code, 303)
        keys = {name.upper(): "x" for name in chat.TWITTER}
        carol.url = self.start("--port=0", **keys).url()
        refused = await carol.post("/login", name="carol")
        self.assertIn("Sign in with Twitter", refused.text)
        self.assertEqual(refused.code, 400)
        self.assertIn("there is no option --db", self.refusal("--db=chat.db")[1])

    @gen_test
    async def test_step_5_keeps_a_room(self):
        self.make(5)
        db = f"--db={self.folder.name}/chat.db"
        server = self.start("--port=0", db, COOKIE_SECRET="")
        carol = self.visitor(server.url())
        await carol.post("/login", name="carol")
        server.stop()
        carol.url = self.start("--port=0", db, COOKIE_SECRET="").url()
        self.assertEqual(await self.codes(carol, "/chat", "/ws"), [200, 404])

    @needs_signals
    @gen_test
    async def test_step_6_talks(self):
        self.make(6)
        server = self.start("--port=0", f"--db={self.folder.name}/chat.db")
        url = server.url()
        alice = await self.visitor(url).sign_in("alice").connect()
        bob = await self.visitor(url).sign_in("bob").connect()
        await alice.send("hello")
        self.assertEqual(await bob.texts(1), ["hello"])
        taken = await self.visitor(url).post("/login", name="alice")
        self.assertEqual(taken.code, 400)
        self.assertEqual(server.stop()[0], -signal.SIGTERM)

    @needs_signals
    @gen_test
    async def test_step_7_stops_politely(self):
        self.make(7)
        server = self.start("--port=0", f"--db={self.folder.name}/chat.db")
        alice = await self.visitor(server.url()).sign_in("alice").connect()
        server.process.terminate()
        self.assertEqual(await alice.close_code(), 1001)
        self.assertEqual(server.stop(), (0, ""))
        _, line = self.refusal("--redis=redis://127.0.0.1")
        self.assertIn("there is no option --redis", line)


def near(expected, actual):
    """Replace each "about N" of a text by the expected one, if it is not far from it.

    A figure that was measured may be three times as large, or as small.
    """
    told = iter(re.findall(r"about (\d+)", expected))

    def replace(match):
        figure = next(told, "0")
        ratio = max(1, int(match.group(1))) / max(1, int(figure))
        return f"about {figure}" if 1 / 3 <= ratio <= 3 else match.group()

    return re.sub(r"about (\d+)", replace, actual)


class Terminal:
    """A terminal: types the tutorial's commands and compares what comes."""

    def __init__(self, folder):
        self.folder, self.ports, self.running = folder, {}, []
        folders = [os.path.dirname(sys.executable), os.environ["PATH"]]
        self.ports["5000"] = free_port()
        self.environment = {
            **os.environ,
            "PATH": os.pathsep.join(folders),
            "PORT": str(self.ports["5000"]),
        }

    def port(self, match):
        """Return a free port that stands for one of the tutorial's."""
        return str(self.ports.setdefault(match.group(), free_port()))

    def run(self, listing):
        text = "\n".join(listing.lines)
        for typed in re.split(r"^(?=\$ |\^C)", text, flags=re.MULTILINE)[1:]:
            command, _, expected = typed.partition("\n")
            if command == "^C":
                actual = self.interrupt(self.running.pop())
            else:
                command = re.sub(r"\b50\d\d\b", self.port, command[2:])
                endless = "The chat runs" in expected or "redis-server" in command
                actual = self.start(command) if endless else self.finish(command)
            self.compare(listing, command, expected, actual)

    def spawn(self, command):
        return subprocess.Popen(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def finish(self, command):
        return self.spawn(command).communicate(timeout=30)[0]

    def start(self, command):
        """Start what does not end by itself; return its first line, if it is a chat."""
        self.running.append(self.spawn("exec " + command))
        if "redis-server" in command:
            while "Ready to accept" not in self.running[-1].stdout.readline():
                pass
            return ""
        return self.running[-1].stdout.readline()

    def interrupt(self, process):
        """Press Ctrl-C; return what it still has to say."""
        process.send_signal(signal.SIGINT)
        return process.communicate(timeout=10)[0]

    def close(self):
        for process in self.running:
            process.kill()
            process.communicate()

    def compare(self, listing, command, expected, actual):
        for shown, real in self.ports.items():
            actual = actual.replace(str(real), shown)
        actual = near(expected, actual)
        flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
        assert doctest.OutputChecker().check_output(expected, actual, flags), (
            f"tutorial.md, line {listing.number}: {command}\n"
            f"--- tutorial.md:\n{expected}\n--- in truth:\n{actual}"
        )


@unittest.skipUnless(
    sys.platform == "linux" and shutil.which("curl") and shutil.which("bash"),
    "the tutorial's sessions are from Linux, and need curl and bash",
)
class SessionTest(StepCase):
    def check(self, step):
        """Run the commands of one step against the program of that step."""
        self.make(step)
        terminal = Terminal(self.folder.name)
        try:
            for listing in read_listings():
                if listing.language == "py" and listing.step <= step:
                    text = "\n".join(listing.lines)
                    text = re.sub(r"\b50\d\d\b", terminal.port, text)
                    name = listing.lines[0].removeprefix("# ")
                    path = Path(self.folder.name, name)
                    path.write_text(text + "\n", encoding="utf-8")
                elif listing.language == "console" and listing.step == step:
                    terminal.run(listing)
        finally:
            terminal.close()

    def test_session_1(self):
        self.check(1)

    def test_session_2(self):
        self.check(2)

    def test_session_3(self):
        self.check(3)

    def test_session_4(self):
        self.check(4)

    def test_session_5(self):
        self.check(5)

    def test_session_6(self):
        self.check(6)

    def test_session_7(self):
        self.check(7)

    @needs_redis
    def test_session_8(self):
        self.check(8)


class ExamplesTest(unittest.TestCase):
    def test_examples_of_python_as_shown(self):
        """Run what stands behind >>>; what differs is printed."""
        flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
        path = str(TOP / "tutorial.md")
        failed, _ = doctest.testfile(
            path, module_relative=False, optionflags=flags, encoding="utf-8"
        )
        self.assertEqual(failed, 0)
