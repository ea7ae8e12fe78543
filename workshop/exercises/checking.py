"""What the checks of the exercises share.

A check is a list of tests, one or more for each requirement of the task, the simplest
first; a test's name begins with the requirement's number. It looks at what the chat
does: at lines on the wire, at the page in a browser, at what is left after a restart;
never at how chat.py is written.
"""

import asyncio
import contextlib
import importlib
import json
import os
import re
import socket
import sqlite3
import sys
import textwrap
import time
import traceback
import unittest
from unittest import mock

from tornado.httpclient import HTTPClientError

from tests import support
from tests.page_support import PageCase, expect
from tests.support import ChatCase, upgrade_request

LONG = [("dora", "\N{GRINNING FACE}" * 2000)] * 150  # 1.2 MB of messages
SECONDS = 2  # for what comes "at once": a computer may be busy
TABLES = """CREATE TABLE log (id INTEGER PRIMARY KEY, at REAL, name TEXT, msg TEXT,
key TEXT, UNIQUE (name, key));
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT)"""  # of a chat.db from before


def show(line):
    """Write a line of the chat as it is told to a student: without its time."""
    if line is None:
        return "the end of the connection"
    text = json.dumps(
        {**line, **({"at": ...} if "at" in line else {})},
        ensure_ascii=False,
        default=lambda _: "...",
    )
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

    async def send(self, frame, scene=None):
        """Send an object as JSON, or a text as it stands.

        Args:
            frame: the object or text.
            scene: what a failure says was done, if it is more than this.
        """
        text = frame if isinstance(frame, str) else json.dumps(frame)
        plain = text.isprintable() and text == text.strip()
        told = text if plain else json.dumps(text, ensure_ascii=False)
        self.check.scene = scene or f"{self.name} sent {told}"
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
            except asyncio.TimeoutError:
                return None
            if line is None:
                self.check.fail(
                    f"{self.check.scene}. {self.name}'s connection was "
                    f"closed, with the code {self.socket.ws.close_code}."
                )
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
        came = f"{show(line)} came" if line else f"nothing came within {seconds} s"
        # In Python, 1 == True.
        same = line and all(
            repr(line.get(key)) == repr(value) for key, value in wanted.items()
        )
        fits = same and not set(without) & set(line)
        rest = "".join(f', without "{key}"' for key in without)
        self.check.assertTrue(
            fits,
            f"{self.check.scene}. {self.name} should get {show(wanted)}{rest}; {came}.",
        )
        return line

    async def gets_error(self, words=""):
        """Wait for an error line that has these words in it."""
        line = await self.next()
        came = f"{show(line)} came" if line else f"nothing came within {SECONDS} s"
        about = f' that says "{words}"' if words else ""
        self.check.assertTrue(
            line and "error" in line and words in line["error"],
            f"{self.check.scene}. {self.name} should get an error line{about}; {came}.",
        )

    async def until(self, msg):
        """Read on to the message with this text; return what came before it."""
        lines = []
        while not lines or lines[-1].get("msg") != msg:
            line = await self.next()
            if line is None:
                self.check.fail(
                    f"{self.check.scene}. {self.name} should get the message "
                    f'"{msg}"; nothing came within {SECONDS} s.'
                )
            lines.append(line)
        return lines[:-1]

    async def ends(self, code):
        """Read on to the end of the connection; see that it has this code."""
        came = "it is open"
        with contextlib.suppress(asyncio.TimeoutError):
            was = await asyncio.wait_for(self.socket.close_code(), SECONDS)
            came = "" if was == code else f"it was closed with {was}"
        self.check.assertFalse(
            came,
            f"{self.check.scene}. {self.name}'s connection should be closed with the "
            f"code {code}; {came}.",
        )

    async def gets_nothing_before(self, msg, where=""):
        """Read on to the message with this text, which must be the first line."""
        for line in await self.until(msg):
            self.check.fail(
                f"{self.check.scene}. {self.name} should get nothing{where}; "
                f"{show(line)} came."
            )


class StalledReader:
    """Somebody's connection whose computer has stopped reading.

    Args:
        reader, writer: streams of asyncio, which are not read from yet.
    """

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        writer.transport.pause_reading()

    async def read_until(self, mark):
        """Read again, up to this pattern of bytes; return all that came in time."""
        self.writer.transport.resume_reading()
        received = b""
        with contextlib.suppress(asyncio.TimeoutError):
            while not re.search(mark, received):
                data = self.reader.read(65536)
                received += await asyncio.wait_for(data, SECONDS)
        return received


class Sentences:
    """What goes wrong is told in a sentence or two."""

    longMessage = False  # the sentence alone
    old = ()  # pairs of name and text: messages in a chat.db from before the exercise
    kinds = ()  # keys of the lines that the exercise adds

    def setUp(self):
        self.scene = "The chat was started"
        if self.old:
            self.scene += " with a chat.db from before"
        self.chat = self.load_chat()
        patch = mock.patch.object(support, "chat", self.chat)
        patch.start()
        self.addCleanup(patch.stop)
        super().setUp()

    def load_chat(self):
        """Import chat.py anew: its module lives as long as its process."""
        sys.modules.pop("chat", None)
        return importlib.import_module("chat")

    def tearDown(self):
        try:
            super().tearDown()
        except AssertionError:
            self.fail(self.complaint())

    def complaint(self):
        """Say what the chat's own log, or the browser's console, complains of."""
        if not self.complaints.found:
            return f"{self.scene}. The page complains of {self.faults[0]}."
        *lines, last = self.complaints.found[0].strip().split("\n")
        program = os.path.basename(self.chat.__file__)
        place = rf'{program}", line (\d+), in (\w+)'
        places = re.findall(place, "\n".join(lines))
        where = f" (line {places[-1][0]}, in {places[-1][1]})" if places else ""
        return f"{self.scene}. {program} failed meanwhile: {last}{where}."

    async def start_app(self):
        if self.old:
            self.write_old_log()
        return await super().start_app()

    def write_old_log(self):
        """Make the file of a chat from before the exercise, if there is none."""
        path = os.path.join(self.folder.name, "chat.db")
        if os.path.exists(path):
            return
        rows = [(1764000000 + n, *pair) for n, pair in enumerate(self.old)]
        with contextlib.closing(sqlite3.connect(path)) as db, db:
            db.executescript(TABLES)
            db.executemany("INSERT INTO log (at, name, msg) VALUES (?, ?, ?)", rows)

    def concerns(self, line):
        return (
            ("id" in line and "msg" in line)
            or "error" in line
            or any(kind in line for kind in self.kinds)
        )

    def stored(self):
        """Return all that the file holds, as SQL; the chat must be closed."""
        path = os.path.join(self.folder.name, "chat.db")
        with contextlib.closing(sqlite3.connect(path)) as db:
            return "\n".join(db.iterdump())


class Check(Sentences, ChatCase):
    """Base class of the checks of the server."""

    stopped = False

    def setUp(self):
        self.people = {}  # a visitor for each name
        super().setUp()

    def browser(self, name):
        """Return the visitor who is signed in as somebody, always the same one."""
        if name not in self.people:
            self.people[name] = self.visitor().sign_in(name)
        return self.people[name]

    async def sign_in(self, name):
        """Let somebody sign in by the form; return the visitor."""
        self.people[name] = self.visitor()
        await self.people[name].post("/login", name=name)
        return self.people[name]

    async def join(self, *names, query=""):
        """Connect people; return a Seat for each. A name again is one more tab."""
        return [await self.seat(name, query) for name in names]

    async def seat(self, name, query=""):
        """Connect somebody; return a Seat."""
        self.scene = f"{name} connected{query and ' with /ws' + query}"
        try:
            return Seat(self, name, await self.browser(name).connect(query))
        except HTTPClientError as refused:
            self.fail(f"{self.scene}. The chat refused with {refused.code}.")

    async def stall(self, name, query=""):
        """Connect somebody who reads nothing of a log that is LONG.

        The system keeps little for a connection here; the rest waits in the chat.
        """
        visitor, port = self.browser(name), self.get_http_port()
        small = socket.socket()
        small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)  # and it stays so
        small.connect(("127.0.0.1", port))
        small.setblocking(False)
        reader, writer = await asyncio.open_connection(sock=small)
        self.writers.append(writer)
        request = upgrade_request(port, visitor.headers())
        writer.write(request.replace(b"/ws ", f"/ws?since=0{query} ".encode(), 1))
        await reader.readuntil(b"\r\n\r\n")
        stalled, polls = StalledReader(reader, writer), 0
        while polls < 20:  # in a row: what waits for a moment has not stalled
            await asyncio.sleep(0.01)
            waits = any(stream.writing() for stream in self.streams)
            polls = polls + 1 if waits else 0
        return stalled

    def get_http_server(self):
        server, self.streams = super().get_http_server(), []
        handle_stream = server.handle_stream

        def note_stream(stream, address):
            self.streams.append(stream)
            # Or the system keeps megabytes for each of them.
            stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            handle_stream(stream, address)

        server.handle_stream = note_stream
        return server

    async def stop(self):
        """Stop the chat, as Ctrl-C does."""
        await self._app.close()
        self.stopped = True

    async def restart(self):
        """Stop the chat and start it again, with the same file."""
        for visitor in self.visitors:
            visitor.close()
        await self.stop()
        self.chat = support.chat = self.load_chat()
        self._app, self.stopped = await self.start_app(), False
        self.http_server.request_callback = self._app
        self.scene = "The chat was stopped and started again"

    async def close(self):
        if not self.stopped:
            await super().close()


class PageCheck(Sentences, PageCase):
    """Base class of the checks of the page."""

    async def seen(self, locator, sentence, seconds=3):
        """Wait until something can be seen; what is missing is told in a sentence."""
        await self.holds(
            expect(locator).to_be_visible(timeout=seconds * 1000), sentence
        )

    async def unseen(self, locator, sentence, seconds=3):
        await self.holds(expect(locator).to_be_hidden(timeout=seconds * 1000), sentence)

    async def holds(self, expectation, sentence):
        """Await an expectation of playwright; its words are for programmers."""
        try:
            await expectation
        except AssertionError:
            self.fail(sentence)


# -------------------------------------------------------------------- running a check


class Report(unittest.TestResult):
    """Prints a line for each requirement, and why the first red one is red.

    Args:
        titles: what each requirement says, by its number.
        verbose: print tracebacks, too.
    """

    def __init__(self, titles, verbose):
        super().__init__()
        self.titles, self.verbose = titles, verbose
        self.number, self.reasons = None, []

    def startTest(self, test):
        number = int(test._testMethodName.split("_")[1])
        if number != self.number:
            self.tell_green()
        self.number = number

    def tell_green(self):
        """Say that all tests of the last requirement were green."""
        if self.number and not self.reasons:
            print(f"  ok  {self.number}. {self.titles[self.number]}", flush=True)

    def addFailure(self, test, err):
        self.add(err, str(err[1]))

    def addError(self, test, err):
        last = traceback.format_exception_only(*err[:2])[-1].strip()
        self.add(err, f"{getattr(test, 'scene', 'At the start')}. Then: {last}")

    def add(self, err, reason):
        self.reasons.append(reason)
        self.shouldStop = True
        if self.verbose:
            traceback.print_exception(*err, file=sys.stdout)

    def finish(self):
        """Say how it ended: what the last requirement lacks, or that it is met."""
        self.tell_green()
        if self.reasons:
            print(f"  no  {self.number}. {self.titles[self.number]}")
        for reason in self.reasons:
            print(textwrap.indent(textwrap.fill(reason, 80), " " * 6))
        for _, reason in self.skipped:
            print(f"  --  {reason}")


def read_titles(task):
    """Return what each requirement says, in bold in the task, by its number."""
    found = re.findall(r"^(\d+)\. \*\*(.*?)\*\*", task, re.MULTILINE | re.DOTALL)
    return {int(number): " ".join(title.split()) for number, title in found}


def tests_of(check, base):
    """Return the tests of a check's classes, in the order in which they stand there."""
    cases = [
        case
        for case in vars(check).values()
        if isinstance(case, type) and issubclass(case, base) and case is not base
    ]
    return [
        case(name) for case in cases for name in vars(case) if name.startswith("test_")
    ]


STAGES = {"server": Check, "page": PageCheck}


def run(check, task, stages=STAGES, verbose=False):
    """Run a check up to the first requirement that is not met.

    Args:
        check: the module check.py of an exercise.
        task: the text of its README.md.
        stages: "server", "page", or both.
        verbose: print tracebacks, too.
    Returns:
        Whether all requirements are met.
    """
    for stage in stages:
        begun, tests = time.monotonic(), tests_of(check, STAGES[stage])
        if not tests:
            continue
        print(f"The {stage}")
        report = Report(read_titles(task), verbose)
        unittest.TestSuite(tests).run(report)
        report.finish()
        if report.reasons:
            return False
        print(f"      {time.monotonic() - begun:.0f} s")
    return True
