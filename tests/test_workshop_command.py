"""python -m workshop, as a student uses it: thirty mistakes, and all commands."""

import contextlib
import functools
import io
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from tests.support import project_text
from workshop import check, mine
from workshop.steps import program_after, read_titles


def find(lines, text, nth=0):
    """Return the index of the line that has this text, blanks at its ends aside."""
    return [n for n, line in enumerate(lines) if line.strip() == text][nth]


# Each mistake changes a list of lines in place, and returns what check must find: its
# kind, and the number of the line, or of the one below which a line is missing.


def forget(text, nth=0):
    def mistake(lines):
        n = find(lines, text, nth)
        del lines[n]
        return "missing", n

    return mistake


def double(text):
    def mistake(lines):
        n = find(lines, text)
        lines.insert(n, lines[n])
        return "doubled", n + 2

    return mistake


def deeper(text):
    def mistake(lines):
        n = find(lines, text)
        lines[n] = "    " + lines[n]
        return "indented", n + 1

    return mistake


def less_deep(text):
    def mistake(lines):
        n = find(lines, text)
        lines[n] = lines[n].removeprefix("    ")
        return "indented", n + 1

    return mistake


def move(text, below, nth=0):
    def mistake(lines):
        line = lines.pop(find(lines, text))
        n = find(lines, below, nth) + 1
        lines.insert(n, line)
        return "misplaced", n + 1

    return mistake


def change(text, old, new):
    """In the line with this text, type one thing for another."""

    def mistake(lines):
        n = find(lines, text)
        assert old in lines[n], text
        lines[n] = lines[n].replace(old, new, 1)
        return "wrong", n + 1

    return mistake


def add(text, below):
    def mistake(lines):
        n = find(lines, below)
        indent = lines[n][: len(lines[n]) - len(lines[n].lstrip())]
        lines.insert(n + 1, indent + text)
        return "foreign", n + 2

    return mistake


# The step that the student has reached, and what went wrong.
MISTAKES = [
    # A line is forgotten.
    (5, forget("self.posted.clear()")),
    (5, forget("at = time.time()")),
    (6, forget("readers, self.readers = self.readers, set()")),
    (7, forget("if not self.is_open():")),
    (8, forget("self.posted = asyncio.Event()")),
    (10, forget("head = get", 1)),
    (12, forget("self.leases.pop(name, None)")),
    (14, forget("server.add_sockets(sockets)")),
    # A line stands twice.
    (2, double("server.add_sockets(sockets)")),
    (5, double("self.rows.append((at, name, msg, key))")),
    (7, double("frame = to_frame(json.dumps(line).encode())")),
    # A line stands one level too deep, or not deep enough.
    (4, deeper('self.set_signed_cookie("username", name)')),
    (5, deeper("committed.set_result(self.commit())")),
    (6, less_deep('cursor = row["id"]')),
    (7, less_deep("taken.add_done_callback(self.send_batch)")),
    (12, deeper("self.leases[name] = browser, now + LEASE")),
    # A line stands in the method above, or below.
    (5, move("self.posted.clear()", "rows, self.rows = self.rows, []")),
    (7, move("self.room.readers.discard(self.send_batch)", "self.send_batch()")),
    (12, move("name, now = name.casefold(), time.monotonic()", "lines.append(line)")),
    # A line stands in another class, in a method of that name.
    (3, move('self.render("templates/chat.html")', "async def get(self):")),
    (7, move("await self.room.open()", "def open(self):")),
    (12, move("self.holder = self.current_user, self.browser", '"""Open the file.')),
    # A line stands at another place of its method.
    (5, move("self.db.row_factory = sqlite3.Row", "self.publish()")),
    (5, move("self.posted.set()", "raise error")),
    # A letter is wrong.
    (2, change("options = OptionParser()", "()", "")),
    (3, change("class MainHandler(BaseHandler):", "(BaseHandler", "(BaseHandlr")),
    (4, change("name = clean_nickname(typed)", "nickname", "nicknam")),
    (5, change("self.rows = []  # posted, but not in the log yet", "rows", "row")),
    (6, change("lines, size = [], 0", "0", "O")),
    (7, change("message = json.loads(frame)", "json", "jsno")),
    # = for ==, := and >; a `not` too few; a colon forgotten; a bracket not closed.
    (5, change("if error := await asyncio.shield(self.committed):", ":=", "=")),
    (6, change("if lines and size > MAX_BATCH_SIZE:", ">", "=")),
    (7, change("if size < 126:", ":", "")),
    (7, change("if not isinstance(message, dict):", "not ", "")),
    (11, change("await asyncio.sleep(self.due - time.monotonic())", "())", "()")),
    # await is forgotten, or async.
    (5, change("async def publish_always(self):", "async ", "")),
    (7, change("await application.open()", "await ", "")),
    (8, change("self.cursor = await self.room.place(int(since), at and float(at))",
               "await ", "")),
    # A line of one's own.
    (5, add('print("here")', "self.posted.clear()")),
    (7, add("import pdb; pdb.set_trace()", "self.send_batch()")),
]  # fmt: skip


def counts(line):
    return bool(line.strip()) and not line.strip().startswith("#")


class MistakesTest(unittest.TestCase):
    def test_a_mistake_is_named_at_its_line(self):
        listings, tutorial = mine.program_listings(), project_text("tutorial.md")
        right = 0
        for step, mistake in MISTAKES:
            lines = program_after(step).split("\n")
            kind, number = mistake(lines)
            with self.subTest(step=step, kind=kind, line=lines[number - 1]):
                files = {"chat.py": "\n".join(lines)}
                position = check.find_position(files, listings)
                self.assertEqual(position.step, step)
                first = position.mistakes[0]
                self.assertEqual(first.kind, kind)
                between = lines[first.number : number]
                self.assertFalse([line for line in between if counts(line)])
                self.assertLessEqual(first.number, number)
                if first.wanted:
                    place = tutorial.split("\n")[first.wanted.number - 1]
                    self.assertEqual(place, first.wanted.text)
                right += 1
        self.assertGreaterEqual(len(MISTAKES), 30)
        self.assertGreaterEqual(right, 28)

    def test_each_state_is_complete(self):
        listings = mine.program_listings()
        for step in {listing.step for listing in listings}:
            names = {listing.file for listing in listings if listing.step <= step}
            files = {name: program_after(step, name) for name in names}
            position = check.find_position(files, listings)
            with self.subTest(step=step):
                self.assertEqual(position.step, step)
                self.assertEqual(position.mistakes, [])
                self.assertIsNone(position.next)
                self.assertEqual(position.left_out, [])
