"""What the checks of the exercises share.

A check is a list of tests, which go through the requirements of the task, the simplest
first. It looks at what the chat does: at lines on the wire, at the page in a browser,
at what is left after a restart; never at how chat.py is written. The chat runs in a
process of its own, so any state of chat.py will do.

Phases that many exercises need, each one method:

    Check.slow            somebody whose computer has stopped reading
    Check.quiet           afterwards, the server has nothing to do
    Check.cost            lines of JSON made, SQL statements run, memory used meanwhile
    Check.restart         the chat is stopped and started again
    Seat.refuses          values that are none
    PageCheck.line_down   the line of a page is broken for a while
    Before                the chat still does what it did
"""

import asyncio
import concurrent.futures
import contextlib
import itertools
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
import time
import traceback
import types
import unittest
from pathlib import Path

from tornado.httpclient import AsyncHTTPClient, HTTPClientError
from tornado.testing import AsyncTestCase, gen_test
from tornado.web import Application, create_signed_value, decode_signed_value

from tests.page_support import Cable, PageCase, expect
from tests.support import SECRET, ChatProcess, Visitor, free_port
from workshop.exercises import TOP, broken_programs, load, read_step, read_titles
from workshop.exercises.probe import end_with_stdin

PROBE = str(Path(__file__).with_name("probe.py"))
SECONDS = 2  # for what comes "at once": a computer may be busy
BEGIN = 1764000000  # seconds: when the first message of an old chat.db was sent
AT_ONCE = 3  # tests, in a stage of a check
FINISHED_PAGE = 9  # the step that brings it
LONG = [("dora", "\N{GRINNING FACE}" * 2000)] * 150  # 1.2 MB of messages
VALUES = 0, -1, 1.5, 2.0, None, True, False, "", "2", [], [2], {}, 10**30  # and others
# What a chat.db has held since the second edition.
TABLES = """CREATE TABLE log (id INTEGER PRIMARY KEY, at REAL, name TEXT, msg TEXT,
key TEXT, UNIQUE (name, key));
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT)"""

# What a person can see of an element: its lines, and which are all in italics.
LINES = """(root) => {
  const lines = [], walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, parent = node.parentElement;
    const range = document.createRange();
    range.selectNodeContents(node);
    const box = range.getBoundingClientRect(), last = lines.at(-1)?.box;
    const shown = { opacityProperty: true, visibilityProperty: true };
    if (!box.width || parent.closest("[aria-hidden=true]")) continue;
    if (!parent.checkVisibility(shown) || parent.offsetWidth === 1) continue;
    const italic = getComputedStyle(parent).fontStyle === "italic";
    const beside = last && box.top < last.bottom - 3 && box.bottom > last.top + 3;
    if (!beside) lines.push({ text: "", italic: true });
    const line = lines.at(-1), gap = beside && box.left > last.right + 2 ? " " : "";
    line.text += gap + node.data;
    line.italic &&= italic || !node.data.trim();
    line.box = box;
  }
  return lines.map(({ text, italic }) => [text.replace(/\\s+/g, " ").trim(), italic]);
}"""


def numbered(count):
    """Return messages of bob for an old chat.db: m1, m2 and so on."""
    return [("bob", f"m{number}") for number in range(1, count + 1)]


def show(line):
    """Write a line of the chat as it is told to a student: without its time."""
    if line is None:
        return "nothing"
    known = {**line, **({"at": ...} if "at" in line else {})}
    text = json.dumps(known, ensure_ascii=False, default=lambda _: "...")
    text = text.replace('"..."', "...")
    return text if len(text) < 200 else f"{text[:150]} ... {text[-20:]}"


class Seat:
    """One connection of somebody, who tells in words what came instead of what should.

    Args:
        check: the check that this is a part of.
        name: whose connection it is.
        chat_socket: a ChatSocket.
    """

    def __init__(self, check, name, chat_socket):
        self.check, self.name, self.socket = check, name, chat_socket

    def need(self, condition, wanted, line):
        self.check.need(
            condition, f"{self.name} should get {wanted}; {show(line)} came."
        )

    async def send(self, frame, scene=None):
        """Send an object as JSON, or a text as it stands.

        Args:
            frame: the object or text.
            scene: what a failure says was done, if it is more than this.
        """
        text = frame if isinstance(frame, str) else json.dumps(frame)
        plain = text.isprintable() and text == text.strip()
        told = text if plain else json.dumps(text, ensure_ascii=False)
        self.check.scene = scene or f"{self.name} sent {told[:100]}"
        await self.socket.ws.write_message(text)

    async def next(self, seconds=SECONDS):
        """Return the next line that concerns this check; None: nothing came.

        Others than messages, errors and the exercise's own are for somebody else.
        """
        deadline = time.monotonic() + seconds
        while True:
            try:
                rest = deadline - time.monotonic()
                line = await asyncio.wait_for(self.socket.line(), rest)
            except TimeoutError:
                return None
            except ValueError:
                self.check.need(False, f"{self.name} got a line that is no JSON.")
            if line is None:
                code = self.socket.ws.close_code
                self.check.need(False, f"{self.name}'s connection was closed ({code}).")
            if self.check.concerns(line):
                return line

    async def gets(self, wanted, *, without=(), seconds=SECONDS):
        """Compare the next line with what is wanted; return it.

        Args:
            wanted: keys and values that the line must have.
            without: keys that it must not have.
            seconds: how long to wait for it.
        """
        line = await self.next(seconds)
        # In Python, 1 == True.
        same = line and all(repr(line.get(k)) == repr(v) for k, v in wanted.items())
        rest = "".join(f', without "{key}"' for key in without)
        self.need(same and not set(without) & set(line), show(wanted) + rest, line)
        return line

    async def gets_error(self, words=""):
        """Wait for an error line that has these words in it."""
        line = await self.next()
        about = f' that says "{words}"' if words else ""
        fits = line and words in str(line.get("error", None if words else ""))
        self.need(fits and "error" in line, f"an error line{about}", line)

    async def refuses(self, key, values, *others):
        """Send frames with values that are none: an error line for each, no more.

        Args:
            key: of the frame, such as "before".
            others: seats that get nothing.
        """
        for value in values:
            await self.send({key: value})
            await self.gets_error()
        await self.send("still here")
        for seat in (self, *others):
            await seat.gets_nothing_before("still here")

    async def until(self, msg, seconds=SECONDS):
        """Read on to the message with this text; return what came before it."""
        lines = []
        while not lines or lines[-1].get("msg") != msg:
            lines.append(await self.next(seconds))
            self.need(lines[-1], f'the message "{msg}"', None)
        return lines[:-1]

    async def ends(self, code):
        """Read on to the end of the connection; see that it has this code."""
        was = "open"
        with contextlib.suppress(TimeoutError):
            was = await asyncio.wait_for(self.socket.close_code(), SECONDS)
        told = f"{self.name}'s connection should be closed with {code}; it is {was}."
        self.check.need(was == code, told)

    async def gets_nothing_before(self, msg, where=""):
        """Read on to the message with this text, which must be the first line."""
        for line in await self.until(msg):
            self.need(False, "nothing" + where, line)

    async def leave(self):
        """Close the connection, as a browser's window does."""
        self.socket.ws.close()
        await asyncio.wait_for(self.socket.close_code(), SECONDS)


class Sentences:
    """A chat in a process of its own; what goes wrong is told in a sentence or two."""

    longMessage = False  # the sentence alone
    old = ()  # pairs of name and text: messages in a chat.db from before the exercise
    kinds = ()  # keys of the lines that the exercise adds
    spacing = 1  # seconds between them
    source, report = TOP, types.SimpleNamespace(begin=lambda number: None)

    def setUp(self):
        self.scene = "The chat was started"
        if self.old:
            self.scene += " with a chat.db from before"
        self.people, self.errors, self.visitors = {}, "", []
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.addCleanup(folder.cleanup)
        self.place = Path(folder.name)
        copy_program(self.source, self.place)
        if self.old:
            self.write_old_log()
        self.port = free_port()
        self.start()
        self.addCleanup(self.server.stop)
        super().setUp()

    def tearDown(self):
        for visitor in self.visitors:
            visitor.close()
        super().tearDown()
        self.stop()
        self.need(not self.tracebacks(), self.complaint())

    def tracebacks(self):
        """Return those in the chat's own log, but for people who have just left."""
        parts = self.errors.split("Traceback")[1:]
        left = "WebSocketClosedError", "StreamClosedError"
        return [part for part in parts if not any(name in part for name in left)]

    def complaint(self):
        """Say what the chat's own log complains of."""
        part = [self.errors, *self.tracebacks()][-1]
        lines = re.findall(r'chat\.py", line (\d+), in (\w+)', part)
        where = f" (line {lines[-1][0]}, in {lines[-1][1]})" if lines else ""
        last = re.findall(r"^(?!20\d\d-)[\w.]+(?::.*)?$", part, re.MULTILINE)
        return f"chat.py failed meanwhile: {last[-1] if last else part}{where}."

    def need(self, condition, sentence):
        """Fail with a sentence behind the scene, unless a condition is met."""
        if not condition:
            self.fail(f"{self.scene}. {sentence}")

    def requirement(self, number, scene=None):
        """Say which requirement of the task is looked at from here on."""
        self.report.begin(number)
        self.scene = scene or self.scene

    def concerns(self, line):
        message = "id" in line and "msg" in line
        return message or "error" in line or any(kind in line for kind in self.kinds)

    # ------------------------------------------------------------------- its chat

    def write_old_log(self):
        """Make the file of a chat from before the exercise."""
        rows = [(BEGIN + n * self.spacing, *pair) for n, pair in enumerate(self.old)]
        with contextlib.closing(sqlite3.connect(self.place / "chat.db")) as db, db:
            db.executescript(TABLES)
            db.execute("INSERT INTO settings VALUES ('cookie_secret', ?)", (SECRET,))
            db.executemany("INSERT INTO log (at, name, msg) VALUES (?, ?, ?)", rows)

    def start(self):
        """Start the chat where it was; once more if another one has taken its port."""
        for _ in range(3):
            self.probe_port = free_port()
            ports = {"PORT": str(self.port), "PROBE": str(self.probe_port)}
            self.server = ChatProcess(folder=self.place, program=[PROBE], **ports)
            try:
                return self.server.url()
            except AssertionError:
                errors = self.server.errors
            if "in use" not in errors:
                break
        self.errors += errors
        self.fail(self.complaint().replace("failed meanwhile", "does not start"))

    def stop(self):
        """Stop the chat, as Ctrl-C does; keep what it complained of."""
        if self.server.process.returncode is None:
            self.errors += self.server.stop()[1]

    async def restart(self):
        """Stop the chat and start it again, with the same file."""
        for visitor in self.visitors:
            visitor.close()
        self.stop()
        self.start()
        self.scene = "The chat was stopped and started again"

    def stored(self):
        """Stop the chat, and return all that its files hold, as SQL."""
        self.stop()
        dumps = []
        for path in self.place.rglob("*.db"):
            with contextlib.closing(sqlite3.connect(path)) as db:
                dumps += db.iterdump()
        return "\n".join(dumps)

    async def figures(self, question="figures"):
        """Return what the chat has used so far, as probe.py says it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.probe_port)
        writer.write(question.encode() + b"\n")
        figures = json.loads(await reader.readline())
        writer.close()
        return types.SimpleNamespace(**figures)

    @contextlib.asynccontextmanager
    async def cost(self, question="figures"):
        """Yield an object that has, at the end, what was used meanwhile."""
        cost, before = types.SimpleNamespace(), await self.figures(question)
        yield cost
        for name, value in vars(await self.figures()).items():
            setattr(cost, name, value - getattr(before, name))

    async def quiet(self):
        """See that the server rests: a cursor that cannot move would spin."""
        async with self.cost() as cost:
            await asyncio.sleep(1)
        told = f"Now the server has nothing to do; it used {cost.cpu:.0%} of a second."
        self.need(cost.cpu < 0.05, told)

    # ------------------------------------------------------------------ its people

    def visitor(self):
        """Return one more Visitor, without cookies."""
        url = f"http://127.0.0.1:{self.port}"
        self.visitors.append(Visitor(AsyncHTTPClient(), url))
        return self.visitors[-1]

    async def sign_in_visitor(self, name):
        """Return the visitor who is signed in as somebody, always the same one."""
        if name not in self.people:
            self.people[name] = self.visitor()
            await self.people[name].post("/login", name=name)
        return self.people[name]

    async def forge_visitor(self, name):
        """Sign somebody in with a name that no form would let in."""
        visitor = self.visitor()
        await visitor.post("/login", name="forger")
        secret, cookie = SECRET, visitor.cookies["chat_user"]
        if not decode_signed_value(secret, "chat_user", cookie):
            secret = self.kept_secret()
        value = decode_signed_value(secret, "chat_user", cookie).decode()
        forged = value.removesuffix("forger") + name
        signed = create_signed_value(secret, "chat_user", forged)
        visitor.cookies["chat_user"] = signed.decode()
        self.people[name] = visitor
        return visitor

    def kept_secret(self):
        """Return what signs the cookies of a chat that does not ask COOKIE_SECRET."""
        with tempfile.TemporaryDirectory() as folder:
            for path in self.place.glob("chat.db*"):  # the chat has locked its own
                shutil.copy(path, folder)
            with contextlib.closing(sqlite3.connect(Path(folder, "chat.db"))) as db:
                return db.execute("SELECT value FROM settings").fetchone()[0]

    async def login(self, name, wanted):
        """Sign in from another browser; see that the answer is this, and remains so."""
        visitor, code = self.visitor(), None
        for _ in range(20 if wanted == 303 else 3):
            code = (await visitor.post("/login", name=name)).code
            if code == 303:
                break
            await asyncio.sleep(0.1)
        told = f"Another browser signed in as {name}: {code}, and not {wanted}."
        self.need(code == wanted, told)

    async def join(self, *names, query=""):
        """Connect people; return a Seat for each. A name again is one more tab."""
        return [await self.seat(name, query) for name in names]

    async def seat(self, name, query=""):
        """Connect somebody; return a Seat."""
        self.scene = f"{name} connected{query and ' with /ws' + query}"
        try:
            visitor = await self.sign_in_visitor(name)
            return Seat(self, name, await visitor.connect(query))
        except HTTPClientError as refused:
            self.need(False, f"The chat refused with {refused.code}.")

    async def slow(self, name, query=""):
        """Connect somebody who reads nothing, from the beginning of a log that is LONG.

        The system keeps little for a connection here; the rest waits in the chat. Who
        reads from the Seat afterwards lets that computer go on.
        """
        seat, polls, last = await self.seat(name, f"?since=0{query}"), 0, 0
        deadline = time.monotonic() + 10  # what never stalls is wrong, and will be told
        # Thirty in a row: what moves on has not stalled.
        while polls < 30 and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
            waiting = (await self.figures()).waiting
            # What has all been taken may go on: that is looked at for longer.
            polls = polls + (1 if waiting else 0.25) if waiting == last else 0
            last = waiting
        self.scene = f"{name}'s computer had stopped reading"
        return seat

    async def catches_up(self, slow, msg):
        """Let a slow reader read on to a message; see that all came once, in order."""
        self.scene += f". Then {slow.name}'s computer went on reading"
        lines = await slow.until(msg, seconds=5)
        ids = [line["id"] for line in lines if "msg" in line and "id" in line]
        self.need(
            ids == sorted(set(ids)), f"{slow.name} should get each once, in order."
        )
        return lines


def copy_program(source, folder):
    """Copy a chat: chat.py, other modules beside it, and its pages."""
    for path in source.glob("*.py"):
        shutil.copy(path, folder)
    for pages in ("templates", "static"):
        if (source / pages).exists():
            shutil.copytree(source / pages, folder / pages, dirs_exist_ok=True)


class Check(Sentences, AsyncTestCase):
    """Base class of the checks of the server."""


class PageCheck(Sentences, PageCase):
    """Base class of the checks of the page: each has a line of its own, a Cable."""

    def setUp(self):
        self.cables = contextlib.AsyncExitStack()
        super().setUp()

    def get_app(self):
        return Application()  # the chat runs in another process

    def get_url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    async def close(self):
        await self.cables.aclose()

    async def stop_browser(self):
        await super().stop_browser()
        if self.faults:
            self.need(False, f"The page complains of {self.faults.pop(0)}.")

    async def new_page(self, **options):
        cable = await self.cables.enter_async_context(Cable(self.port))
        page = await super().new_page(url=cable.url, **options)
        page.cable, page.sent = cable, []  # sent: all frames but messages

        def note(frame):
            if '"msg"' not in str(frame):
                page.sent.append(frame)

        page.on("websocket", lambda ws: ws.on("framesent", note))
        return page

    async def forge(self, name):
        """Open a window of somebody with a name that no form would let in."""
        page = await self.new_page()
        await self.become(page, await self.forge_visitor(name))
        return page

    async def become(self, page, visitor):
        """Let a window be that of a Visitor who has signed in."""
        pairs = visitor.cookies.items()
        cookies = [{"name": n, "value": v, "url": page.cable.url} for n, v in pairs]
        await page.context.add_cookies(cookies)
        await page.goto("/chat")
        await expect(page.locator("#status.online")).to_be_visible()

    @contextlib.asynccontextmanager
    async def line_down(self, page):
        """Break the line of a page for as long as this lasts."""
        page.cable.cut(down=True)
        await expect(page.locator("#status.online")).to_have_count(0)
        yield
        page.cable.down = False
        while not await page.locator("#status.online").count():
            await page.evaluate("dispatchEvent(new Event('online')); null")
            await asyncio.sleep(0.1)

    async def seen(self, locator, sentence, seconds=3):
        """Wait until something can be seen; what is missing is told in a sentence."""
        await self.holds(
            expect(locator.first).to_be_visible(timeout=seconds * 1000), sentence
        )

    async def unseen(self, locator, sentence, seconds=3):
        none = expect(locator.filter(visible=True)).to_have_count
        await self.holds(none(0, timeout=seconds * 1000), sentence)

    async def holds(self, expectation, sentence):
        """Await an expectation of playwright; its words are for programmers."""
        try:
            await expectation
        except AssertionError:
            self.need(False, sentence)

    async def lines(self, page, where="#log"):
        """Return the lines that a person sees, each with whether it is in italics."""
        lines = await page.locator(where).evaluate(LINES)
        return dict(lines), [text for text, _ in lines]

    async def reads(self, page, *texts, who="The page", seconds=3):
        """Wait until these messages are on a page, in this order, and no others."""
        shown = page.locator("#messages .msg")
        try:
            await expect(shown).to_have_text(list(texts), timeout=seconds * 1000)
        except AssertionError:
            came = await shown.all_text_contents()
            pairs = zip(texts, came, strict=False)
            same = len([*itertools.takewhile(lambda pair: pair[0] == pair[1], pairs)])
            wanted, here = texts[same:][:9], came[same:][:9]
            behind = f", behind {texts[same - 1]}," if same else ""
            told = f"{who} should show{behind} {', '.join(wanted) or 'nothing'}"
            self.need(False, f"{told}; it shows {', '.join(here) or 'nothing'}.")


class Before(PageCheck):
    """The chat still does what it did: a short journey in the browser."""

    old = [("dora", "long ago")]

    @gen_test(timeout=60)
    async def test_journey(self):
        alice, bob = await self.sign_in("alice"), await self.sign_in("bob")
        self.scene = "alice sent hello"
        await self.say(alice, "hello")
        await self.reads(bob, "long ago", "hello", who="bob's page")
        await alice.reload()
        self.scene += " and loaded her page again"
        await self.reads(alice, "long ago", "hello", who="It")
        days = alice.locator(".day").filter(visible=True)
        told = "There should be a line for each of the two days."
        await self.holds(expect(days).to_have_count(2), told)
        async with self.line_down(alice):
            self.scene = "alice sent later while she was offline"
            await self.say(alice, "later", sent=False)
            waits = alice.locator("#pending").get_by_text("later", exact=True)
            await self.seen(waits, "It should stand below the others meanwhile.")
            await self.say(bob, "meanwhile")
        await self.reads(
            bob, "long ago", "hello", "meanwhile", "later", who="bob's page"
        )
        await self.reads(alice, "long ago", "hello", "meanwhile", "later", who="Hers")
        self.scene = "alice left a message unsent, and eve signed in in her window"
        alice.cable.cut(down=True)
        await self.say(alice, "mine", sent=False)
        alice.on("dialog", lambda dialog: dialog.accept())
        alice.cable.down = False
        await alice.goto("about:blank")
        await self.become(alice, await self.sign_in_visitor("eve"))
        await self.say(alice, "from eve")
        everything = "long ago", "hello", "meanwhile", "later", "from eve"
        if await bob.get_by_text("mine", exact=True).count():  # it got out in time
            everything = *everything[:4], "mine", "from eve"
        await self.reads(bob, *everything, who="bob's page")
        mine = bob.locator(".message:has-text('mine')")
        texts = "".join(await mine.all_text_contents())
        self.need("eve" not in texts, "It is not eve's.")


# -------------------------------------------------------------------- running a check


class Report(unittest.TestResult):
    """Says a line for each requirement, and why the first red one is red.

    Args:
        titles: what each requirement says, by its number.
        verbose: print tracebacks, too.
    """

    def __init__(self, titles, verbose):
        super().__init__()
        self.titles, self.verbose = titles, verbose
        self.number, self.numbers, self.reasons = None, set(), []

    def startTest(self, test):
        test.report = self
        if number := re.match(r"test_(\d+)", test._testMethodName):
            self.begin(int(number[1]))
        self.begun = time.monotonic()

    def stopTest(self, test):
        if self.verbose:
            print(f"      {test.id()}: {time.monotonic() - self.begun:.0f} s")

    def begin(self, number):
        """Note which requirement is looked at."""
        self.number = number
        self.numbers.add(number)

    def addFailure(self, test, err):
        self.add(err, str(err[1]))

    def addError(self, test, err):
        last = traceback.format_exception_only(*err[:2])[-1].strip().partition("\n")[0]
        self.add(err, f"{getattr(test, 'scene', 'At the start')}. Then: {last}")

    def add(self, err, reason):
        self.reasons.append(reason)
        if self.verbose:
            traceback.print_exception(*err, file=sys.stdout)

    def run(self, tests):
        """Run tests at the same time, for they wait a lot; note the first red one."""
        pool = concurrent.futures.ThreadPoolExecutor(AT_ONCE)
        for report in pool.map(self.run_one, tests):
            self.numbers |= report.numbers
            self.skipped += report.skipped
            if report.reasons:
                self.number = report.number or self.number
                self.reasons = report.reasons
                break

    def run_one(self, test):
        report = Report(self.titles, self.verbose)
        unittest.TestSuite([test]).run(report)
        return report

    def finish(self):
        """Say how it ended: which requirements are met, and what the last one lacks."""
        red = {self.number} if self.reasons else set()
        for number in [*sorted(self.numbers - red), *red]:
            word = "no" if number in red else "ok"
            print(f"  {word}  {number}. {self.titles[number]}", flush=True)
        for reason in dict.fromkeys(self.reasons):
            print(textwrap.indent(textwrap.fill(reason, 80), " " * 6))
        for _, reason in self.skipped[:1]:
            print(f"  --  {reason}")
        return not self.reasons


def tests_of(check, base):
    """Return the tests of a check's classes, in the order in which they stand there."""
    cases = [case for case in vars(check).values() if isinstance(case, type)]
    cases = [case for case in cases if issubclass(case, base) and case is not base]
    pairs = [(case, name) for case in cases for name in vars(case)]
    return [case(name) for case, name in pairs if name.startswith("test_")]


RUN_OLD_TESTS = """import unittest
from workshop.exercises.probe import end_with_stdin
end_with_stdin()
unittest.main("test_chat", argv=["test_chat", "-f"])"""


class OldTests:
    """The tests of test_chat.py, up to the step of an exercise, on a changed chat."""

    def __init__(self, source, step, program="chat.py"):
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        copy_program(source, Path(self.folder.name))
        shutil.copy(source / program, Path(self.folder.name, "chat.py"))
        self.process = subprocess.Popen(
            [sys.executable, "-c", RUN_OLD_TESTS],
            cwd=self.folder.name,
            env={**os.environ, "PYTHONPATH": str(TOP), "STEP": str(step)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    def complaint(self):
        """Wait for the end; return the failed test and its last line, or ""."""
        _, words = self.process.communicate()
        self.folder.cleanup()
        if not self.process.returncode:
            return ""
        name = re.search(r"^(?:FAIL|ERROR): (\S+)", words, re.MULTILINE)
        last = re.findall(r"^\w[\w.]*(?:Error|Exception)\b.*$", words, re.MULTILINE)
        return f"{name[1] if name else words} in test_chat.py fails: {last[-1:]}."


def run(number, source, stage, verbose=False):
    """Run a stage of a check up to the first requirement that is not met.

    Args:
        source: the folder that chat.py is in.
        stage: "server", "page", or "before".
        verbose: print tracebacks and times, too.
    Returns:
        Whether all requirements are met.
    """
    Sentences.source, report = Path(source), Report(read_titles(number), verbose)
    if stage == "before":
        report.begin(max(report.titles))
        step, programs = read_step(number), [*broken_programs(number)] or ["chat.py"]
        old_tests = [OldTests(Path(source), step, program) for program in programs]
        if step >= FINISHED_PAGE:
            report.run(tests_of(sys.modules[__name__], PageCheck))
        report.reasons += filter(None, [each.complaint() for each in old_tests])
    else:
        base = {"server": Check, "page": PageCheck}[stage]
        report.run(tests_of(load(number), base))
    return report.finish()


def main():
    """Run what the command line says: see workshop.exercises.check."""
    number, folder, stage, *options = sys.argv[1:]
    end_with_stdin()
    green = run(int(number), folder, stage, bool(options))
    sys.stdout.flush()
    os._exit(not green)  # some tests may still run: nobody waits for them
