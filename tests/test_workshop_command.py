"""python -m workshop, as a student uses it: mistakes, and all commands."""

import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from tornado.testing import AsyncTestCase, gen_test

from tests.support import TOP, heavy
from workshop import check, crowd, drawing, load, steps
from workshop.terminal import paint

STATES, LISTINGS = steps.states(), steps.read_listings()


def find(lines, text):
    return next(n for n, line in enumerate(lines) if line.strip() == text)


# A mistake: the step, the line in which it is made, what is made of it (a list of
# lines), and the kind of difference that check must find there.
def forgotten(line):
    return [], "missing"


def double(line):
    return [line, line], "doubled"


def deeper(line):
    return ["    " + line], "indented"


def less_deep(line):
    return [line.removeprefix("    ")], "indented"


def changed(old, new):
    return lambda line: ([line.replace(old, new, 1)], "wrong")


MISTAKES = [
    (1, "self.connections.add(self)", forgotten),
    (2, "@web.authenticated", forgotten),
    (3, "self.room = self.application.room", forgotten),
    (5, "import json", forgotten),
    (13, "self.read.cache_clear()", forgotten),
    (2, "self.connections.add(self)", double),
    (2, 'self.redirect("/", status=303)', deeper),
    (13, "self.send_batch()", less_deep),
    (1, "import asyncio", changed("asyncio", "asycnio")),
    (2, "class MainHandler(BaseHandler):", changed("BaseHandler", "BaseHandlr")),
    (2, 'self.render("templates/chat.html")', changed('("', "(\u201c")),
    (7, "self.publish()", changed("publish", "publsh")),
    (7, "while self.ws_connection:", changed(":", "")),
    (13, "def on_close(self):", changed(":", ";")),
    (13, "self.send_batch()", lambda line: ([f"\u00a0{line[1:]}"], "indented")),
    (13, "lines.append(line)", changed("lines", "l\u0456nes")),
    (13, "if lines and size > MAX_BATCH:", changed(">", "=")),
    (13, "lines, size = [], 0", changed("0", "O")),
    (13, "await self.room.sign_out(self.session)", changed("await ", "")),
    (13, "async def on_message(self, frame):", changed("async ", "")),
]


class MistakesTest(unittest.TestCase):
    def test_mistake_named_at_its_line(self):
        for step, text, mistake in MISTAKES:
            lines = STATES[step]["chat.py"].split("\n")
            n = find(lines, text)
            lines[n:n + 1], kind = mistake(lines[n])
            number = n + (kind != "missing") + (kind == "doubled")
            files = {**STATES[step], "chat.py": "\n".join(lines)}
            position = check.find_position(files, LISTINGS)
            first = (position.differences or [mock.Mock()])[0]
            with self.subTest(step=step, text=text):
                self.assertEqual(position.step, step)
                self.assertEqual(first.kind, kind)
                self.assertLessEqual(abs(number - first.number), 1)


class PositionTest(unittest.TestCase):
    """What check finds in states without mistakes, and in others."""

    def position(self, step, *changes):
        text = STATES[step]["chat.py"]
        for old, new in changes:
            self.assertIn(old, text)
            text = text.replace(old, new)
        return check.find_position({**STATES[step], "chat.py": text}, LISTINGS)

    def typed(self, listings):
        typed = steps.type_listings(listings)
        return {name: steps.to_text(lines) for name, lines in typed.items()}

    def says(self, position, files, tests=(7, "")):
        with mock.patch.object(check, "run_tests", return_value=tests):
            return "\n".join(check.report(position, files))

    def test_states_complete(self):
        for step in STATES:
            position = self.position(step)
            typed = [one.step for one in LISTINGS if one.step <= step]
            with self.subTest(step=step):
                self.assertEqual(position, (max(typed), True, None, [], [], [], ""))

    def test_style_does_not_count(self):
        text = STATES[7]["chat.py"]
        docstring = re.search(r'\n +"""[^"]*"""', text[200:])[0]
        position = self.position(
            7, (docstring, ""), ("\n    def ", "\n\n    # mine\n    def "),
            ("    async def on_message", "    # a\n    async def on_message"),
            ('"/login"', "'/login'"), ("    def open(self):\n", "    def open(self):\n"
                                       '        print("here")\n'))
        self.assertEqual(position.differences, [])

    def test_order_of_methods_does_not_count(self):
        lines = STATES[13]["chat.py"].split("\n")
        units = [unit for unit in steps.read_units(lines) if unit.scope == "Room"]
        a, b = units[-2:]
        swapped = [*lines[:a.first], *lines[b.first:b.end], "", *lines[a.first:a.end],
                   *lines[b.end:]]
        files = {**STATES[13], "chat.py": "\n".join(swapped)}
        self.assertEqual(check.find_position(files, LISTINGS).differences, [])

    def test_difference_that_works_is_told_so(self):
        position = self.position(13, (" = 50  #", " = 51  #"))
        words = self.says(position, STATES[13])
        self.assertIn("7 tests of the steps so far are green.", words)
        self.assertRegex(words, r"It differs from the text, and works: [A-Z_]+\.")

    def test_difference_that_fails_is_named_with_its_listing(self):
        old = "self.read.cache_clear()"
        position = self.position(13, (old, "self.read.cache_claer()"))
        files = {"chat.py": STATES[13]["chat.py"].replace(old, old[:-4] + "er()")}
        words = self.says(position, files, (3, "test_x: AttributeError"))
        for part in ("A test is red. test_x: AttributeError", "not as in the text",
                     f"+               {old}", "tutorial.md, line ", "**chat.py**"):
            self.assertIn(part, words)

    def test_half_of_a_step_names_what_comes_next(self):
        last = max(one.number for one in LISTINGS if one.step == 5)
        files = self.typed([one for one in LISTINGS if one.number < last])
        position = check.find_position(files, LISTINGS)
        self.assertEqual((position.step, position.complete), (5, False))
        self.assertEqual(position.next.number, last)
        self.assertIn("All is right so far.", self.says(position, files))

    def test_listing_left_out_is_named(self):
        for step, gone in ((3, "`main`"), (2, "`WebSocketHandler`"), (6, "chat.html")):
            listings = [one for one in LISTINGS if one.step < step or (
                one.step == step and gone not in one.place[0])]
            files = self.typed(listings)
            position = check.find_position(files, LISTINGS)
            self.assertRegex(self.says(position, files, (0, "x")), rf"  \*\*.*{gone}")

    def test_line_left_in_is_named_where_it_goes(self):
        new = "        self.read.cache_clear()\n"
        position = self.position(13, (new, f"{new}        self.grown.set()\n"))
        line = position.differences[0].wanted
        self.assertEqual((line.text[0], line.listing.step), ("-", 13))

    def test_step_left_out_is_told(self):
        for step, gone in ((6, 5), (13, 10)):
            typed = steps.type_listings([one for one in LISTINGS if one.step <= step])
            files = {name: steps.to_text([line for line in lines if not line.listing
                                          or line.listing.step != gone])
                     for name, lines in typed.items()}
            position = check.find_position(files, LISTINGS)
            self.assertEqual((position.step, position.left_out), (step, [gone]))
            self.assertIn("is left out", self.says(position, files))

    def test_strange_letters_named(self):
        said = list(check.strange("\u00a0   x = \u201c\u043e", '    x = "o\u00e9'))
        self.assertEqual(said, [
            "There is U+00A0 in the indentation: no-break space. Type it anew.",
            "There is \u201c U+201C: a curly quote, left double quotation mark."
            " Type it anew.",
            "There is \u043e U+043E: cyrillic small letter o. Type it anew."])


class CommandCase(unittest.TestCase):
    """A copy of the project, in which commands are run."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        cls.addClassCleanup(folder.cleanup)
        cls.top = Path(folder.name)
        ignored = shutil.ignore_patterns("__pycache__", "mine", ".*")
        shutil.copytree(TOP, cls.top, ignore=ignored, dirs_exist_ok=True)

    def tearDown(self):
        shutil.rmtree(self.top / "mine", ignore_errors=True)

    def run_command(self, *words, status=0):
        done = subprocess.run(
            [sys.executable, "-m", "workshop", *words], cwd=self.top, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.assertEqual(done.returncode, status, done.stdout)
        self.assertNotIn("Traceback", done.stdout)
        return done.stdout

    def mine(self):
        return {path.relative_to(self.top / "mine").as_posix().partition("/")[0]
                for path in (self.top / "mine").rglob("*")}


class CommandTest(CommandCase):
    def test_start_makes_the_folder_once(self):
        self.run_command("start")
        self.assertEqual(self.mine(), {"chat.py", "experiments", "requirements.txt"})
        self.assertIn("is there already", self.run_command("start", status=1))

    def test_step_keeps_what_is_ones_own(self):
        self.run_command("start")
        program = self.top / "mine" / "chat.py"
        program.write_text("own = 1\n")
        said = self.run_command("step", "3")
        self.assertIn("Your own chat.py: kept in mine/kept/1/.", said)
        self.assertIn("-own = 1", said)
        self.assertLess(said.count("\n"), 32)
        self.assertEqual(program.read_text(), STATES[3]["chat.py"])
        kept = self.top / "mine" / "kept" / "1" / "chat.py"
        self.assertEqual(kept.read_text(), "own = 1\n")
        self.assertNotIn("kept", self.run_command("step", "4"))

    def test_step_without_hands_out_holes(self):
        said = self.run_command("step", "3", "--without", "post,read")
        self.assertIn("Left to be typed: Room.post", said)
        text = (self.top / "mine" / "chat.py").read_text()
        self.assertNotIn("def read(", text)
        self.assertIn("    # Here Room.read is missing.", text)
        self.run_command("step", "3", "--without", "nothing", status=1)

    def test_page_brings_the_finished_one(self):
        self.run_command("step", "5")
        self.run_command("page")
        script = self.top / "mine" / "static" / "chat.js"
        self.assertEqual(script.read_text("utf-8"), (TOP / "static/chat.js").read_text(
            "utf-8"))

    def test_check_runs_the_tests_of_the_steps_so_far(self):
        self.run_command("step", "1")
        self.assertRegex(self.run_command("check"), r"\d tests of the steps so far are")
        program = self.top / "mine" / "chat.py"
        old = "connection.write_message("
        text = program.read_text()
        program.write_text(text.replace(old, "connection.write_massage("))
        said = self.run_command("check", status=1)
        self.assertIn("A test is red.", said)
        self.assertIn(">", said)
        self.assertIn("Step 1, tutorial.md, line ", said)

    def test_overview_says_where_one_is(self):
        self.run_command("step", "2")
        said = self.run_command()
        self.assertIn("[x]  2 ", said)
        self.assertIn("[ ]  3 ", said)

    def test_wrong_words_answered_with_a_sentence(self):
        for words, sentence in (
            (["chek"], "Did you mean check?"), (["step", "99"], "There is no step 99"),
            (["check"], "There is no folder mine/ yet"),
            (["exercise", "77"], "There is no exercise 77"),
        ):
            self.assertIn(sentence, self.run_command(*words, status=1))
        self.assertIn("usage: ", self.run_command("step", status=2))
        self.assertIn("exercise 2", self.run_command("--help"))

    def test_file_that_is_no_text_is_told(self):
        self.run_command("start")
        (self.top / "mine" / "chat.py").write_bytes(b"\xff\xfe\x00")
        self.assertIn("is no UTF-8 text", self.run_command("check", status=1))


class LoadTest(AsyncTestCase):
    @gen_test
    async def test_message_in_two_pieces_counts_once(self):
        ours = crowd.Crowd(0)
        ours.due = [0.0, 0.0]
        person = crowd.Person(ours, "", True)
        person.joined.set_result(b"")
        for piece in (b"\x81<lo", b"ad-", b"0-xxx", b"x\x81<load-1", b"-xxxx"):
            person.data_received(piece)
        self.assertEqual((ours.received, len(ours.delays)), (2, 2))

    @gen_test(timeout=30)
    async def test_both_programs_measured(self):
        for program in load.PROGRAMS:
            figures = await load.measure(program, 3, 5, 1)
            self.assertEqual(figures.delivered, 1, program)

    def test_what_has_not_arrived_counts_as_late(self):
        halves = [load.quantile([1, 2, 3], 0.5, count) for count in (3, 6)]
        self.assertEqual(halves, [2, math.inf])

    def test_server_that_fell_behind_leaves_the_drawing(self):
        rows = [load.Figures("step 2", 9, 0.5, math.inf, math.inf, 1, False),
                load.Figures("chat.py", 9, 1.0, 0.01, 0.02, 0.1, False)]
        picture = drawing.draw(rows, 300)
        self.assertIn("\u2191 step 2", picture)
        self.assertIn("over 2 s", picture)
        self.assertNotIn("\u2191 chat.py", picture)


class TerminalTest(unittest.TestCase):
    def test_colours_on_a_terminal_alone_and_not_against_ones_will(self):
        for terminal, no in ((True, ""), (True, "1"), (False, "")):
            stream = mock.patch("sys.stdout.isatty", return_value=terminal)
            with stream, mock.patch.dict(os.environ, {"NO_COLOR": no}):
                self.assertEqual("\033" in paint("", "green"), terminal and not no)


@heavy
class CarryTest(CommandCase):
    def carry(self, *replacements):
        """Change chat.py in a commit; return what workshop.carry complains of."""
        for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "a"]):
            who = "-c", "user.name=a", "-c", "user.email=a@b"
            subprocess.run(["git", *who, *words], cwd=self.top, check=True)
        program = self.top / "chat.py"
        text = program.read_text("utf-8")
        for old, new in replacements:
            text = re.sub(old, new, text)
        program.write_text(text, "utf-8", newline="\n")
        return subprocess.run([sys.executable, "-m", "workshop.carry"], cwd=self.top,
                              check=False, stderr=subprocess.PIPE, text=True).stderr

    def test_renamed_words_carried_and_what_does_not_fit_in_one_list(self):
        said = self.carry(("^", "# One line more.\n"), (r"\bKEPT\b", "SHARED"))
        self.assertNotIn("solution", said)
        for path in self.top.glob("**/*.diff"):
            self.assertNotRegex(path.read_text("utf-8"), r"\bKEPT\b")
        said = self.carry((r"(def |\.)read\(", r"\1read_batch("),
                          (r"self\.read\b", "self.read_batch"))
        self.assertEqual(said.count("These no longer fit:"), 1)
        for wrong in ("3. what has been read once is kept with its text: chat.py: '",
                      "6. batches are kept for all rooms together: chat.py: '"):
            self.assertIn(f"\n{wrong}", said)
