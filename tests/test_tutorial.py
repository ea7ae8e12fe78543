"""The tutorial: its listings are the program, its steps run, its sessions are true."""

import ast
import asyncio
import concurrent.futures
import doctest
import itertools
import math
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from tornado.testing import gen_test

import chat
from tests.page_support import PageCase, expect
from tests.support import (
    TOP,
    ChatProcess,
    ProcessCase,
    free_port,
    heavy,
    needs_redis,
    needs_signals,
    project_text,
)
from workshop import loop, steps
from workshop.compare import Comparison

TALK, LAST = 7, max(steps.read_titles())
TYPED = "loop.py", "chat.py", "redis_room.py"  # what people type: the rest is pasted
PAGES = sorted(
    path.relative_to(TOP).as_posix()
    for path in [*TOP.glob("templates/*.html"), *TOP.glob("static/*.js")]
)


def setUpModule():
    # Or Ctrl-C does nothing where the tests run in the background of a shell, which
    # ignores it and hands that down.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def listings_of(step):
    """Return the listings of one step that go into the programs."""
    return [x for x in steps.read_steps() if x.step == step and x.file in TYPED]


class ListingTest(unittest.TestCase):
    """Whoever knows the places alone types the files, byte for byte."""

    def test_program_typed(self):
        for name in ("chat.py", "redis_room.py", *PAGES):
            with self.subTest(name):
                typed = steps.program_after(LAST, name)
                self.assertEqual(typed, project_text(name))

    def test_loop_same_as_in_workshop(self):
        self.assertEqual(
            steps.program_after(LAST, "loop.py"), project_text("workshop/loop.py")
        )

    def test_listings_have_places(self):
        text = project_text("tutorial.md")
        blocks = len(re.findall("^```(?:python|html|js)$", text, re.MULTILINE))
        self.assertEqual(len(steps.read_steps()), blocks)
        languages = set(re.findall("^```(.+)$", text, re.MULTILINE))
        self.assertEqual(languages, set("python html js pycon console sh".split()))

    def test_place_unclear_refused(self):
        for place in ("below `x =`", "below `z`", "after `f`", "in `g`, below `x`"):
            text = "`a.py`, a new file:\n```python\nx = 1\nx = 2\n```\n"
            text += f"`a.py`, {place}:\n```python\ny = 3\n```\n"
            with self.assertRaises(steps.PlaceError, msg=place):
                steps.program_after(0, "a.py", text)

    def test_banners_are_titles(self):
        banners = re.findall(r"# -+ Step (\d+)\. (.+)", project_text("chat.py"))
        titles = steps.read_titles()
        for number, title in banners:
            self.assertEqual(titles[int(number)], title)
            begins = steps.program_after(int(number) - 1)
            self.assertNotIn(f"Step {number}.", begins)

    def test_steps_short(self):
        for step, words in steps.count_words().items():
            typed, _ = steps.count_lines(listings_of(step))
            self.assertLessEqual(typed, 90, f"lines of step {step}")
            self.assertLessEqual(words, 800, f"words of step {step}")

    def test_people_talk_soon(self):
        self.assertLessEqual(steps.count_lines(listings_of(1))[0], 45)
        typed = [steps.count_lines(listings_of(step))[0] for step in range(2, TALK + 1)]
        self.assertLessEqual(sum(typed), 250)


class LoopTest(PageCase):
    """The article's chat in two windows, and the message that is a program."""

    @gen_test(timeout=30)
    async def test_loop_talks_and_breaks(self):
        port = free_port()
        loop.start(port)
        alice, bob = [await self.enter(port, name) for name in ("alice", "bob")]
        await alice.locator("#text").fill("hello")
        await alice.locator("#text").press("Enter")
        await expect(bob.locator("#log li")).to_have_text("alice hello")
        program = re.search("`(<img .*>)`", project_text("tutorial.md"))[1]
        await alice.locator("#text").fill(program)
        await alice.locator("#text").press("Enter")
        await expect(bob.locator("body")).to_have_text("Gone.")

    async def enter(self, port, name):
        page = await self.new_page(f"http://127.0.0.1:{port}")
        page.on("dialog", lambda dialog: asyncio.ensure_future(dialog.accept(name)))
        await page.goto("/")
        return page


class PlanTest(unittest.TestCase):
    """The teacher's plans: 5 lines and 150 words a minute, and what is besides."""

    def rows(self, heading):
        part = project_text("tutorial.md").partition(f"### {heading}\n")[2]
        rows = re.findall(r"^\| \d+-.*", part.partition("\n### ")[0], re.MULTILINE)
        return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]

    def count(self, what):
        """Return how many lines and words "Type step 5" or "Read step 8" means."""
        lines = words = 0
        some = r"((?: `\w+`,?(?: and)?)+ of)? steps? (\d+)(?: (?:to|and) (\d+))?"
        for verb, names, first, last in re.findall("(Type|Read)" + some, what):
            for step in range(int(first), int(last or first) + 1):
                words += steps.count_words()[step]
                some = "|".join(re.findall(r"`(\w+)`", names))
                head = rf"\s*(async )?def ({some})\(" if names else ""
                typed = [x for x in listings_of(step) if re.match(head, x.lines[0])]
                lines += steps.count_lines(typed)[0] if verb == "Type" else 0
        return lines, words

    def check(self, heading, whole):
        end = 0
        for minutes, what, lines, words, besides in self.rows(heading):
            with self.subTest(what):
                self.assertEqual((int(lines), int(words)), self.count(what))
                begin, end_told = map(int, minutes.split("-"))
                self.assertEqual(begin, end)
                end += math.ceil(int(lines) / 5 + int(words) / 150 + int(besides))
                self.assertEqual(end_told, end)
        self.assertTrue(whole - 5 <= end <= whole, f"{end} minutes")

    def test_ninety_minutes_add_up(self):
        self.check("Ninety minutes", 90)

    def test_half_a_day_adds_up(self):
        self.check("Half a day", 210)


def blocks(text, language):
    """Return the fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def text_of(step):
    """Return the text of a step, with its heading."""
    parts = re.split("^(?=## )", project_text("tutorial.md"), flags=re.MULTILINE)
    return next(part for part in parts if part.startswith(f"## Step {step}."))


# The steps that show what comes when one types something.
TRIED = [
    step
    for step in steps.read_titles()
    if blocks(text_of(step), "console") + blocks(text_of(step), "pycon")
]


class Reader:
    """Somebody who has typed the steps so far, into a folder of their own.

    Args:
        step: the last one.
    """

    def __init__(self, step):
        self.step, self.folder = step, tempfile.mkdtemp()
        for name in ("templates", "static"):
            shutil.copytree(TOP / name, os.path.join(self.folder, name))
        self.terminal = Terminal(self.folder)
        typed = steps.type_listings([x for x in steps.read_steps() if x.step <= step])
        for name, lines in typed.items():
            text = "".join(line.text + "\n" for line in lines)
            own = name in ("chat.py", "redis_room.py")  # they have no port in them
            self.write(name, text if own else self.terminal.with_ports(text))
        for path in (TOP / "workshop" / "experiments").glob("*.py"):
            text = path.read_text(encoding="utf-8")
            self.write(path.name, self.terminal.with_ports(text))

    def write(self, name, text):
        Path(self.folder, name).write_text(text, encoding="utf-8")

    def try_it(self):
        """Do what "Try it" says: the lines after >>>, then the sessions."""
        text = text_of(self.step)
        if examples := blocks(text, "pycon"):
            self.try_examples("\n".join(examples))
        for session in blocks(text, "console"):
            self.terminal.run(session)

    def try_examples(self, examples):
        self.write("examples.txt", examples)
        flags = "-f", "-o", "ELLIPSIS", "-o", "NORMALIZE_WHITESPACE"
        command = [sys.executable, "-m", "doctest", *flags, "examples.txt"]
        done = subprocess.run(
            command,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def close(self):
        self.terminal.close()
        shutil.rmtree(self.folder)


class StepCase(ProcessCase):
    """The chat as it stands after a step."""

    def make(self, step):
        self.reader = Reader(step)
        self.addCleanup(self.reader.close)

    def start(self, *options, **environment):
        options = "--port=0", "--logging=error", *options
        folder = self.reader.folder
        options = *options, f"--db={folder}/chat.db"
        server = ChatProcess(*options, folder=folder, **environment)
        self.servers.append(server)
        return server


class StepTest(StepCase):
    """What each step promises, and what it does not do yet."""

    def made(self, step, *options, **environment):
        self.make(step)
        return self.visitor(self.start(*options, **environment).url())

    async def enter(self, url, name, query=""):
        """Sign in as people do, and connect."""
        visitor = self.visitor(url)
        self.assertEqual((await visitor.post("/login", name=name)).code, 303)
        return await visitor.connect(query)

    async def codes(self, visitor, *paths):
        return [(await visitor.get(path)).code for path in paths]

    @gen_test
    async def test_step_2_answers_nothing(self):
        visitor = self.made(2)
        self.assertEqual(await self.codes(visitor, "/", "/chat"), [404, 404])
        self.assertNotIn("Content-Security-Policy", (await visitor.get("/")).headers)

    @gen_test
    async def test_step_3_shows_pages(self):
        visitor = self.made(3)
        self.assertEqual(await self.codes(visitor, "/", "/chat", "/x"), [200, 302, 404])
        self.assertEqual((await visitor.post("/login", name="carol")).code, 404)

    @gen_test
    async def test_step_4_signs_in(self):
        keys = {name.upper(): "x" for name in chat.TWITTER}
        carol = self.made(4, **keys)
        again = self.visitor(carol.url)
        self.assertEqual((await carol.post("/login", name="carol\u200b")).code, 400)
        self.assertEqual((await carol.post("/login", name="carol")).code, 303)
        self.assertIn('data-name="carol"', (await carol.get("/chat")).text)
        self.assertEqual((await again.post("/login", name="carol")).code, 303)
        self.assertEqual((await carol.post("/logout")).code, 303)
        self.assertEqual(await self.codes(carol, "/chat", "/login"), [302, 405])

    @gen_test
    async def test_steps_5_and_6_change_no_page(self):
        for step in (5, 6):
            visitor = self.made(step)
            self.assertEqual(await self.codes(visitor, "/", "/ws"), [200, 404])

    @gen_test
    async def test_step_7_talks(self):
        url = self.made(7).url
        alice = await self.enter(url, "alice")
        await alice.send("hello")
        self.assertEqual(await alice.texts(1), ["hello"])
        bob = await self.enter(url, "bob", "?since=1")
        self.assertEqual(await bob.texts(1), ["hello"])

    @gen_test
    async def test_step_8_goes_on(self):
        alice = self.made(8)
        await alice.post("/login", name="alice")
        first = await alice.connect()
        await first.send("hello", "k")
        line = await first.line()
        await first.send("hello", "k")
        self.assertEqual(await first.line(), {"id": 1, "key": "k"})
        again = await alice.connect(f"?since=1&at={line['at']}")
        await again.send("more")
        self.assertEqual(await again.texts(1), ["more"])
        other = await alice.connect("?since=1&at=5")
        self.assertEqual(await other.close_code(), 1012)

    @gen_test
    async def test_step_10_closes_the_door(self):
        carol = self.made(10)
        page = await carol.get("/nothing")
        self.assertIn("There is nothing here", page.text)
        self.assertIn("Content-Security-Policy", page.headers)
        strange = await carol.get("/", headers={"Host": "evil.example"})
        self.assertEqual(strange.code, 403)

    @gen_test
    async def test_step_12_keeps_names(self):
        url = self.made(12).url
        alice, mallory = self.visitor(url), self.visitor(url)
        self.assertEqual((await alice.post("/login", name="alice")).code, 303)
        self.assertEqual((await mallory.post("/login", name="ALICE")).code, 400)

    @gen_test
    async def test_step_13_outlives_a_restart(self):
        carol = self.made(13, COOKIE_SECRET="")
        await carol.post("/login", name="carol")
        self.servers[0].stop()
        carol.url = self.start(COOKIE_SECRET="").url()
        self.assertEqual(await self.codes(carol, "/chat"), [200])

    @needs_signals
    @gen_test
    async def test_step_14_stops_politely(self):
        alice = await self.made(14).sign_in("alice").connect()
        self.servers[0].process.terminate()
        self.assertEqual(await alice.close_code(), 1001)
        self.assertEqual(self.servers[0].stop(), (0, ""))

    @gen_test
    async def test_step_16_signs_in_through_twitter(self):
        keys = {name.upper(): "x" for name in chat.TWITTER}
        carol = self.made(16)
        self.assertEqual((await carol.post("/login", name="carol")).code, 303)
        self.servers[0].stop()
        carol.url = self.start(**keys).url()
        refused = await carol.post("/login", name="carol")
        self.assertIn("Sign in with Twitter", refused.text)
        self.assertEqual(refused.code, 400)
        self.assertIn("no option --redis", self.refusal("--redis=redis://x")[1])


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

    def with_ports(self, text):
        """Put free ports in the place of the tutorial's."""
        return re.sub(
            r"\b50\d\d\b",
            lambda match: str(self.ports.setdefault(match.group(), free_port())),
            text,
        )

    def run(self, session):
        for typed in re.split(r"^(?=\$ |\^C)", session, flags=re.MULTILINE)[1:]:
            command, _, expected = typed.partition("\n")
            if command == "^C":
                # Until step 14 it ends with a traceback, which is not shown.
                actual = self.interrupt(self.running.pop()) and expected
            else:
                command = self.with_ports(command[2:])
                endless = "The chat runs" in expected or "redis-server" in command
                actual = self.start(command) if endless else self.finish(command)
            self.compare(command, expected, actual)

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
        process = self.spawn(command)
        try:
            return process.communicate(timeout=30)[0]
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return process.communicate()[0] + "It does not end."

    def start(self, command):
        """Start what does not end by itself; return its first line, if it is a chat."""
        self.running.append(self.spawn("exec " + command))
        if "redis-server" in command:
            while "Ready to accept" not in self.running[-1].stdout.readline():
                pass
            return ""
        stdout = self.running[-1].stdout
        return stdout.readline() if select.select([stdout], [], [], 10)[0] else ""

    def interrupt(self, process):
        """Press Ctrl-C; return what it still has to say."""
        process.send_signal(signal.SIGINT)
        return process.communicate(timeout=10)[0]

    def close(self):
        for process in self.running:
            process.kill()
            process.communicate()

    def compare(self, command, expected, actual):
        for shown, real in self.ports.items():
            actual = actual.replace(str(real), shown)
        actual = near(expected, actual)
        flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
        assert doctest.OutputChecker().check_output(expected, actual, flags), (
            f"{command}\n--- tutorial.md:\n{expected}\n--- in truth:\n{actual}"
        )


def try_step(step, name="", text=""):
    """Do what a step's "Try it" says; with another text of a file, if one is given.

    Raises:
        AssertionError, subprocess.TimeoutExpired: something else came than is shown.
    """
    reader = Reader(step)
    try:
        if name:
            reader.write(name, text)
        reader.try_it()
    finally:
        reader.close()


def is_noticed(step, name, text):
    """Tell whether "Try it" shows something else with another text of a file."""
    try:
        try_step(step, name, text)
    except (AssertionError, subprocess.TimeoutExpired):
        return True
    return False


@unittest.skipUnless(
    sys.platform == "linux" and shutil.which("curl") and shutil.which("bash"),
    "the tutorial's sessions are from Linux, and need curl and bash",
)
class TryTest(unittest.TestCase):
    """Each "Try it" shows what the text shows, with the program of that step."""

    @classmethod
    def setUpClass(cls):
        # They wait most of the time: so all begin, and each test waits for its own.
        pool = concurrent.futures.ThreadPoolExecutor(4)
        cls.addClassCleanup(pool.shutdown, cancel_futures=True)
        tests = {step: getattr(cls, f"test_try_{step}") for step in TRIED}
        possible = [n for n in tests if not hasattr(tests[n], "__unittest_skip__")]
        possible.sort(key=lambda step: step != 11)  # it waits longest, for silence
        cls.tried = {step: pool.submit(try_step, step) for step in possible}


def add_try(step):
    def test(self):
        self.tried[step].result()

    redis = "redis-server" in text_of(step)
    setattr(TryTest, f"test_try_{step}", needs_redis(test) if redis else test)


class WrongTest(unittest.TestCase):
    """Whoever leaves out a statement, or puts it one too low, gets to know."""

    def test_left_out_noticed(self):
        for step, number in (5, 20), (6, 9):
            what, text = list(mutants(step, "chat.py"))[number]
            with self.subTest(what):
                self.assertTrue(is_noticed(step, "chat.py", text))

    @heavy
    def test_left_out_always_noticed(self):
        """By "Try it" itself, but for what is written down in SILENT."""
        mistakes = [
            (step, name, text, what)
            for step, name in itertools.product(TRIED, PROGRAMS)
            for what, text in mutants(step, name)
            if what.startswith("without") and not is_written_down(step, what)
        ]
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            noticed = pool.map(lambda mistake: is_noticed(*mistake[:3]), mistakes)
            for (step, _, _, what), seen in zip(mistakes, noticed, strict=True):
                with self.subTest(step=step, what=what):
                    self.assertTrue(seen)

    @heavy
    def test_everything_named_by_check(self):
        for step, name in itertools.product(TRIED, PROGRAMS):
            listings = [x for x in steps.read_steps() if x.step <= step]
            lines = steps.type_listings(listings).get(name, [])
            for what, text in mutants(step, name):
                with self.subTest(step=step, what=what):
                    self.assertTrue(Comparison(name, text, lines).differences)


# What "Try it" does not show if it is left out: the step, and how the line begins.
# Only python -m workshop check names it.
SILENT = {
    "it says what holds without it, too": """
        2 options.define("host"
        3 return ""
        5 self.end = 0
        5 self.db.rollback()
        5 return None
        5 timer.cancel()
        7 if not self.is_open():
        7 return
        7 await asyncio.wait([taken])
        10 self.finish()
    """,
    "it goes into the server's own log": """
        5 log.app_log.error(
        7 log.app_log.error(
        16 log.app_log.warning(
        17 app_log.error(
        18 app_log.error(
    """,
    "its moment does not come when one asks for it": """
        7 return self.close(1011,
        11 heartbeat = None
        11 if self.request.connection.stream.closed():
        11 raise web.HTTPError(400)
        11 if not self.heartbeat:
        11 return
        11 ioloop.IOLoop.current().remove_timeout(
        11 if not self.is_open():
        14 await asyncio.sleep(0.02)
        14 autoreload.add_reload_hook(
        14 self.publishing.cancel()
        14 self.room.close()
        14 server.stop()
    """,
    "it saves time or memory": """
        15 self.request.headers.clear()
        15 self._headers.clear()
        15 self.set_nodelay(True)
        15 self.read = functools.lru_cache(
        15 self.read.cache_clear()
        15 @functools.lru_cache(
        15 asyncio.get_running_loop().call_soon(
        15 if not stream.writing():
        15 try:
        15 sent = stream.write_to_fd(
        15 gc.set_threshold(
    """,
    "Twitter would have to answer": """
        16 if not self.request.query:
        16 return await self.authenticate_redirect(
        16 async def _oauth_get_user_future(
        16 return {"screen_name":
        16 self.set_signed_cookie(
        16 self.redirect("/chat")
    """,
    "Redis would have to stay away for long, or to be full, or old": """
        12 self.set_status(503)
        12 except RoomError:
        12 pass
        17 CUT_OFF =
        17 WAIT =
        17 FOREIGN =
        17 raise RoomError("--redis needs
        17 async def remember(
        17 self.foreign = set()
        17 await self.redis.eval(CLAIM
        17 self.heard =
        17 self.newest =
        17 if id.startswith("0-"):
        17 if id not in self.foreign:
        17 self.foreign.add(id)
        17 raise RoomError(sentence)
        17 self.db.execute("DELETE FROM log
        18 answered = time.monotonic()
        18 answered, self.ready =
        18 self.ready = time.monotonic()
        18 if not self.ready:
        18 self.application.disconnect(1001,
        18 self.application.disconnect(1012,
        18 await self.remember(
        18 await asyncio.sleep(
        18 async def place(
        18 if since > self.end:
        18 async def release(
        18 with contextlib.suppress(OSError, ValueError):
        18 await self.claim(name, browser, PING + 5)
        18 except RoomError as error:
        18 return self.refuse(
        18 if not self.application.room.ready:
        18 self.set_status(503)
        18 if at and not self.room.ready:
        18 raise web.HTTPError(503)
        18 if not self.room.ready:
        18 self.close(1001,
    """,
}


def is_written_down(step, what):
    """Tell whether SILENT has a statement that is left out."""
    known = [line.strip() for part in SILENT.values() for line in part.split("\n")]
    told = f"{step} {what.removeprefix('without ')}"
    return any(line and told.startswith(line) for line in known)


PROGRAMS = "chat.py", "redis_room.py"


def mutants(step, name):
    """Leave out each statement of a step, or, in a function, put it below the next one.

    Yields:
        What was done, and the text of the file.
    """
    listings = [x for x in steps.read_steps() if x.step <= step and x.file == name]
    typed = steps.type_listings(listings).get(name, [])
    lines = [line.text for line in typed]
    its = [line.listing is not None and line.listing.step == step for line in typed]
    for body in bodies(ast.parse("\n".join(lines))):
        spans = [span_of(statement) for statement in body]
        for number, (first, end) in enumerate(spans):
            if not its[first]:
                continue
            words = lines[first].strip()
            indent = lines[first][: len(lines[first]) - len(lines[first].lstrip())]
            rest = [indent + "pass"] if len(body) == 1 else []
            yield f"without {words}", "\n".join(lines[:first] + rest + lines[end:])
            if number + 1 < len(spans) and indent and not is_definition(body[number]):
                begin, last = spans[number + 1]
                middle = lines[begin:last] + lines[end:begin] + lines[first:end]
                text = "\n".join(lines[:first] + middle + lines[last:])
                yield f"too low {words}", text


def bodies(tree):
    """Return the blocks of a program, each without its docstring and imports."""
    for node in ast.walk(tree):
        for field in ("body", "orelse", "handlers", "finalbody"):
            body = getattr(node, field, [])
            if isinstance(body, list) and body:
                yield [x for x in body if not is_silent(x)]


def is_silent(node):
    docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return docstring or isinstance(node, (ast.Import, ast.ImportFrom, ast.Pass))


def is_definition(node):
    return isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))


def span_of(node):
    """Return the index of a statement's first line, and of the one after its last."""
    decorators = [x.lineno for x in getattr(node, "decorator_list", [])]
    return min([node.lineno, *decorators]) - 1, node.end_lineno


for number in TRIED:
    add_try(number)
