"""python -m workshop, as a student uses it: fifty mistakes, and all commands."""

import contextlib
import io
import math
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock
from xml.etree import ElementTree

from tests.support import TOP, free_port, project_text
from workshop import check, crowd, drawing, load, mine
from workshop.exercises import FOLDERS
from workshop.steps import program_after, read_exercises, read_titles, type_listings
from workshop.terminal import paint


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


def double(text, further=1, spaces=0):
    """Type a line again, so many lines below, so much deeper."""

    def mistake(lines):
        n = find(lines, text)
        lines.insert(n + further, " " * spaces + lines[n])
        return "doubled", n + further + 1

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


def forget_quotes(header):
    """Forget the quotes that end a docstring."""

    def mistake(lines):
        below = range(find(lines, header), len(lines))
        n = next(n for n in below if lines[n].strip() == '"""')
        del lines[n]
        return "missing", n

    return mistake


def hide(text, count):
    """Type so many lines above the quotes that end the docstring above them."""

    def mistake(lines):
        n = find(lines, text)
        quotes = max(k for k in range(n) if lines[k].strip() == '"""')
        block = lines[n : n + count]
        del lines[n : n + count]
        lines[quotes:quotes] = block
        return "misplaced", quotes + 1

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
    (3, double("import os", 6)),
    (4, double("class BaseHandler(web.RequestHandler):")),
    (5, double("self.posted.clear()", 1, spaces=4)),
    (5, double("self.posted.clear()", 4)),
    (5, double("self.posted.set()", 2)),
    # A docstring does not end where it should.
    (2, forget_quotes("class Application(web.Application):")),
    (7, forget_quotes("class Room:")),
    (13, hide("if self.path:", 3)),
    (2, hide("import asyncio", 1)),
    (2, hide("import asyncio", 19)),
    (12, hide("name, room = self.current_user, self.application.room", 2)),
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
    (7, change("if not self.is_open():", ":", ";")),
    (7, change("except RoomError as error:", "except", "expect")),
    # Quotes are mixed, or are those of a word processor.
    (4, change('self.render("templates/chat.html")', 'html"', "html'")),
    (4, change('self.render("templates/chat.html")', '("', "(\u201c")),
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
                if kind == "doubled":
                    self.assertEqual(first.near.text.strip(), first.text.strip())
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


class PositionTest(unittest.TestCase):
    """What check says about states that have no mistake in them, or another kind."""

    def position(self, text, name="chat.py"):
        return check.find_position({name: text}, mine.program_listings())

    def says(self, text):
        position, titles = self.position(text), read_titles()
        lines = check.report(position, {"chat.py": text}, titles, mine.MINE)
        return "\n".join(lines)

    def test_half_of_a_step_names_the_line_to_type_next(self):
        text = program_after(5)
        text = text[: text.index("    async def publish_always")]
        text += program_after(5)[program_after(5).index("class Server") :]
        position = self.position(text)
        self.assertEqual((position.step, position.mistakes), (5, []))
        self.assertEqual(position.next.text, "    async def publish_always(self):")
        self.assertLess(position.done, position.lines)
        self.assertIn("All is right so far.", self.says(text))

    def test_the_first_line_of_a_step_is_its_beginning(self):
        text = program_after(5).replace("CHECK = 30", "MAX_BATCH = 200\nCHECK = 30")
        position = self.position(text)
        self.assertEqual(position.step, 6)

    def test_empty_lines_and_comments_of_ones_own_do_not_count(self):
        text = program_after(7).replace("\n    def ", "\n\n    # mine\n    def ")
        text = text.replace("import re\n", "import re  # regular expressions\n")
        position = self.position(text.replace("\n", "\r\n"))
        self.assertEqual((position.mistakes, position.next), ([], None))

    def test_a_step_that_was_left_out_is_no_mistake(self):
        listings = [one for one in mine.program_listings() if one.file == "chat.py"]
        kept = [one for one in listings if one.step != 15 and one.step <= 16]
        lines = type_listings(kept)["chat.py"]
        text = "".join(line.text + "\n" for line in lines)
        position = self.position(text)
        self.assertEqual((position.step, position.mistakes), (16, []))
        self.assertIn(15, position.left_out)

    def test_nothing_typed_names_the_first_line(self):
        position = self.position("")
        self.assertEqual(position.step, 0)
        self.assertEqual(position.next.listing.file, "loop.py")

    def test_a_difference_is_told_with_all_that_helps(self):
        text = program_after(7).replace("posted.clear()\n", "posted.claer()\n")
        words = self.says(text)
        number = text.split("\n").index("        self.posted.claer()") + 1
        for part in (
            "Step 7, People talk",
            "A line in class Room, in publish is not as in the tutorial.",
            f"> {number:4}          self.posted.claer()",
            "=               self.posted.clear()",
            f"  {number + 2:4}  ",
            "See step 5, The log: tutorial.md, line ",
            "`chat.py`, in `class Room`, after `publish_always`:",
        ):
            self.assertIn(part, words)

    def test_a_syntax_error_is_named_as_python_names_it(self):
        text = program_after(2).replace("def parse_options(arguments):",
                                        "def parse_options(arguments)")  # fmt: skip
        words = self.says(text)
        self.assertIn("Python cannot read chat.py, line ", words)
        self.assertIn("expected ':'", words)
        self.assertIn("def parse_options(arguments):", words)

    def test_how_many_more_lines_differ_is_told_in_plain_words(self):
        text = program_after(5)
        for forgotten, sentence in (
            ("import os\n", "`chat.py`, below `\"\"\"`, to paste:"),
            ("import re\n", "The same goes for one more line of this listing."),
            ("import time\n", "The same goes for 2 more lines of this listing."),
            ("self.posted.clear()\n", "first. After it one more line differs."),
            ("self.publish()\n", "first. After it 3 more lines differ."),
        ):
            text = text.replace(forgotten, "\n")
            self.assertTrue(self.says(text).endswith(sentence), self.says(text))

    def test_a_listing_in_another_file_is_told_where_it_belongs(self):
        for step, file, ours in (
            (4, "loop.py", "chat.py"),
            (18, "redis_room.py", "chat.py"),
            (18, "chat.py", "redis_room.py"),
        ):
            listings = [one for one in mine.program_listings() if one.step <= step]
            wrong = [one for one in listings if one.file == ours][-2]
            files = {
                name: "\n".join(line.text for line in lines if line.listing != wrong)
                for name, lines in type_listings(listings).items()
            }
            files[file] += "\n\n" + "\n".join(wrong.lines)
            position = check.find_position(files, mine.program_listings())
            with self.subTest(step=step, file=file):
                first = position.mistakes[0]
                self.assertEqual((first.kind, first.file), ("elsewhere", file))
                self.assertEqual(first.near.listing, wrong)
                words = check.describe(first, files[file], read_titles())
                self.assertRegex("\n".join(words), f"below line \\d+ of {ours}")

    def test_a_program_in_a_file_of_another_name_is_told(self):
        for step, file, ours in (1, "chat.py", "loop.py"), (7, "loop.py", "chat.py"):
            text = program_after(step, ours)
            first = self.position(text, file).mistakes[0]
            self.assertEqual((first.kind, first.below), ("elsewhere", 0))
            words = "\n".join(check.describe(first, text, read_titles()))
            self.assertIn(f"A line stands in {file}, and belongs into {ours}", words)
            self.assertIn(f"It belongs at the beginning of {ours}.", words)

    def test_a_method_in_another_class_is_told_with_both_classes(self):
        text = program_after(5)
        method = text[text.index("    def commit(self)") : text.index("class Server")]
        text = text.replace(method, "\n\n")
        above = "        super().__init__(routes, **settings)\n"
        words = self.says(text.replace(above, above + "\n" + method))
        for part in (
            "A line stands in class Application, and belongs into class Room.",
            "`chat.py`, in `class Room`, after `publish`:",
            "The same goes for 11 more lines of this listing.",
        ):
            self.assertIn(part, words)

    def test_a_short_method_in_the_class_above_is_told_with_both_classes(self):
        text = program_after(1, "loop.py")
        method = "    def on_close(self):\n        self.connections.remove(self)\n\n"
        above = "class WebSocketHandler"
        text = text.replace(method, "").replace(above, method + above)
        first = self.position(text, "loop.py").mistakes[0]
        self.assertEqual(first.text, "    def on_close(self):")
        scopes = first.scope, first.target
        self.assertEqual(scopes, ("class MainHandler", "class WebSocketHandler"))

    def test_a_tab_among_spaces_is_told(self):
        text = program_after(5).replace("        self.posted.cl", "\tself.posted.cl")
        self.assertIn("Type four spaces for each tab.", self.says(text))
        self.assertRegex(self.says(text), r"> +\d+      self\.posted\.clear\(\)\n=")
        self.assertNotIn("complete", self.says(text))

    def test_a_doubled_line_is_told_with_the_other_one(self):
        lines = program_after(5).split("\n")
        n = find(lines, "self.posted.clear()")
        lines.insert(n + 4, lines[n])
        words = self.says("\n".join(lines))
        self.assertIn("A line in class Room, in commit is typed twice.", words)
        self.assertIn(f"It stands in line {n + 1}, too.", words)
        self.assertIn("`chat.py`, in `class Room`, after `publish_always`:", words)

    def test_a_docstring_without_an_end_is_told(self):
        text = program_after(2).replace('returned.\n    """\n', "returned.\n")
        words = self.says(text)
        self.assertIn("Somewhere three quotes are missing.", words)
        self.assertIn("Without it, all below is no code.", words)

    def test_a_misplaced_line_is_told_where_it_belongs(self):
        lines = program_after(7).split("\n")
        line = lines.pop(find(lines, "await self.room.open()"))
        lines.insert(find(lines, "def open(self):") + 1, line)
        words = self.says("\n".join(lines))
        self.assertIn("stands in class WebSocketHandler, in open, and", words)
        self.assertIn("belongs into class Application, in open.", words)
        end = find(lines, "RoomError: the room cannot be used.") + 2
        self.assertIn(f"It belongs below line {end}.", words)


class CommandTest(unittest.TestCase):
    """The commands, in a copy of the project, as a student types them."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top = Path(folder.name, "project")
        ignored = shutil.ignore_patterns("__pycache__", ".git", "mine", "tests", ".*")
        shutil.copytree(TOP, self.top, ignore=ignored)
        self.mine = self.top / "mine"

    def run_workshop(self, *words, status=0, folder=None):
        """Run a command; return what it says."""
        result = subprocess.run(
            [sys.executable, "-m", "workshop", *words],
            cwd=folder or self.top, capture_output=True, text=True, check=False,
        )  # fmt: skip
        said = result.stdout + result.stderr
        self.assertNotIn("Traceback", said)
        self.assertNotIn("\033", said)  # no colours: it is no terminal
        self.assertEqual(result.returncode, status, said)
        return said

    def test_start_makes_a_folder_once(self):
        self.run_workshop("start")
        self.assertEqual((self.mine / "chat.py").read_text(), "")
        self.assertTrue((self.mine / "templates" / "chat.html").exists())
        (self.mine / "chat.py").write_text("mine")
        self.assertIn("is there already", self.run_workshop("start", status=1))
        self.assertEqual((self.mine / "chat.py").read_text(), "mine")

    def test_the_commands_work_in_the_folder_too(self):
        self.run_workshop("step", "2")
        for words in ["check"], [], ["step", "2"]:
            there = self.run_workshop(*words)
            self.assertEqual(self.run_workshop(*words, folder=self.mine), there)

    def test_without_the_folder_each_command_names_start(self):
        for words in ([], ["check"]):
            said = self.run_workshop(*words, status=1)
            self.assertIn("python -m workshop start", said)

    def test_step_keeps_what_was_there_and_check_finds_it_complete(self):
        self.run_workshop("start")
        (self.mine / "chat.py").write_text("my own work")
        said = self.run_workshop("step", "9")
        [kept] = self.mine.glob("chat 2*.py")
        self.assertEqual(kept.read_text(), "my own work")
        self.assertIn(kept.name, said)
        said = self.run_workshop("check")
        self.assertIn("Step 8, Coming back, complete.", said)
        self.assertIn("Step 9, The page, has nothing to type.", said)
        self.assertIn("yes  Two windows talk", said)
        self.assertNotIn("no  ", said)

    def test_an_earlier_step_keeps_what_belongs_to_later_ones(self):
        self.run_workshop("step", "18")
        redis_room = self.mine / "redis_room.py"
        text = redis_room.read_text()
        said = self.run_workshop("step", "7")
        [kept] = self.mine.glob("redis_room 2*.py")
        self.assertEqual(kept.read_text(), text)
        self.assertIn(f"{kept.name}, for it belongs to a later step.", said)
        self.assertFalse(redis_room.exists())
        self.assertIn("[x]  7 People talk", self.run_workshop())

    def test_what_is_no_file_gets_one_sentence(self):
        self.mine.write_text("a file")
        for words in ["check"], ["step", "3"], []:
            said = self.run_workshop(*words, status=1)
            self.assertIn("mine is a file, and should be a folder.", said)
        self.mine.unlink()
        self.run_workshop("start")
        (self.mine / "chat.py").unlink()
        (self.mine / "chat.py").mkdir()
        said = self.run_workshop("check", status=1)
        self.assertIn("mine/chat.py cannot be read as a file", said)
        self.run_workshop("step", "3")
        self.assertEqual(self.run_workshop("check").count("\n  no"), 0)

    def test_the_finished_program_keeps_all_promises(self):
        self.run_workshop("step", str(max(read_titles())))
        said = self.run_workshop("check")
        self.assertIn("yes  With Twitter's keys", said)

    def test_a_promise_that_is_broken_is_told(self):
        self.run_workshop("step", "4")
        (self.mine / "templates" / "index.html").write_text("<h1>Hello</h1>")
        said = self.run_workshop("check", status=1)
        self.assertIn("no   The start page has a form", said)
        self.assertIn("There is no form on the page.", said)

    def test_a_mistake_ends_check_with_status_1(self):
        self.run_workshop("step", "4")
        path = self.mine / "chat.py"
        path.write_text(path.read_text().replace("import os\n", ""))
        self.assertIn("A line is missing", self.run_workshop("check", status=1))

    def test_the_overview_is_one_screen_and_names_what_is_next(self):
        self.run_workshop("step", "7")
        (self.mine / ".green").write_text("1 3\n")
        said = self.run_workshop()
        self.assertLess(said.count("\n"), 24)
        self.assertIn("[x]  7 People talk", said)
        self.assertIn("[ ]  8 Coming back", said)
        self.assertIn("[x]  3 Taking a message back", said)
        self.assertIn("Step 8 begins at line ", said)
        self.assertIn("python -m workshop check", said)

    def test_a_command_that_is_none_gets_one_sentence(self):
        said = self.run_workshop("chek", status=1)
        self.assertEqual(said, "There is no command chek. Did you mean check?\n")
        self.assertIn("Say which", self.run_workshop("step", status=1))
        self.assertIn("There is no step 99", self.run_workshop("step", "99", status=1))
        self.assertIn("python -m workshop start", self.run_workshop("--help"))

    def test_words_that_are_too_many_or_none_get_one_sentence(self):
        for words, sentence in (
            ("start mine", "Leave out mine: python -m workshop start"),
            ("step 5 6", "Leave out 6: python -m workshop step 5"),
            ("check mine 5", "Leave out 5: python -m workshop check"),
            ("check 5", "There is no folder 5. Say it without: check finds by itself"),
            ("exercise 77", "There is no exercise 77: they go from 1 to 9."),
        ):
            with self.subTest(words):
                self.assertIn(sentence, self.run_workshop(*words.split(), status=1))
        self.assertFalse(self.mine.exists())
        self.assertIn("where you are", self.run_workshop("check", "--help"))

    @unittest.skipIf(os.name == "nt", "Windows has no such broken pipes")
    def test_each_command_ends_in_silence_when_nobody_reads_on(self):
        for words in "--help", "step 3", "", "check", "load", "board":
            with self.subTest(words):
                process = subprocess.Popen(
                    [sys.executable, "-m", "workshop", *words.split()],
                    cwd=self.top, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                    env={**os.environ, "PORT": "0"},
                )  # fmt: skip
                process.stdout.close()
                with process.stderr:
                    self.assertEqual(process.stderr.read(), b"")
                process.wait()

    def test_an_exercise_that_is_green_is_remembered(self):
        runner = self.top / "workshop" / "exercises" / "__main__.py"
        runner.write_text("import sys; print(sys.argv[1:])")
        self.run_workshop("start")
        said = self.run_workshop("exercise", "2")
        self.assertIn("['2', '.']", said)
        self.assertIn("In mine/ is no program yet. Checked is the project's own.", said)
        (self.mine / "chat.py").write_text("mine")
        self.assertIn(f"['2', {str(self.mine)!r}]", self.run_workshop("exercise", "2"))
        self.assertEqual((self.mine / ".green").read_text(), "2\n")
        runner.write_text("import sys; sys.exit(1)")
        self.assertEqual(set(read_exercises()), set(FOLDERS))
        self.run_workshop("step", "7")
        said = self.run_workshop("exercise", "3", status=1)
        self.assertIn("Exercise 3 needs step 9, and mine/ has reached step 7.", said)
        self.run_workshop("step", "9")
        self.assertEqual(self.run_workshop("exercise", "3", status=1), "")
        self.run_workshop("exercise", "3", status=1)
        self.assertEqual((self.mine / ".green").read_text(), "2\n")

    def test_load_measures_both_and_draws_them(self):
        rates = ("5", "10") if "HEAVY" in os.environ else ("10",)
        options = "--people=5", "--seconds=1", "--svg=a.svg", "--rates", *rates
        said = self.run_workshop("load", *options)
        self.assertEqual(said.count("loop.py  "), len(rates))
        self.assertEqual(said.count("100 %"), 2 * len(rates))
        text = (self.top / "a.svg").read_text()
        ElementTree.fromstring(text)
        self.assertEqual(text.count("<circle"), 2 * len(rates))
        for part in ("loop.py", "chat.py", "prefers-color-scheme: dark"):
            self.assertIn(part, text)


class ExperimentTest(unittest.TestCase):
    """What the experiments say when something else is in the way."""

    def run_experiment(self, name, port, *words, program=None):
        """Run one, with this port for all of its ports; return its last words."""
        with tempfile.TemporaryDirectory() as folder:
            for path in mine.EXPERIMENTS.glob("*.py"):
                text = re.sub(r"\b500[01]\b", str(port), path.read_text())
                Path(folder, path.name).write_text(text)
            Path(folder, "chat.py").write_text(program or project_text("chat.py"))
            python = os.path.dirname(sys.executable)
            result = subprocess.run(
                [sys.executable, name, *words],
                env={**os.environ, "PATH": python + os.pathsep + os.environ["PATH"]},
                cwd=folder, capture_output=True, text=True, check=False, timeout=30,
            )  # fmt: skip
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        return result.stderr

    def test_a_chat_that_is_in_the_way_has_to_be_stopped(self):
        with socket.create_server(("127.0.0.1", 0)) as chat:
            port = chat.getsockname()[1]
            own = "few", "leave", "far", "gone", "guest", "lease", "silence", "crowd"
            for name in own:
                with self.subTest(name):
                    said = self.run_experiment(f"{name}.py", port)
                    self.assertRegex(said, r"\AStop your chat first: .*\n\Z")

    def test_a_chat_that_does_not_run_has_to_be_started(self):
        port = free_port()
        for words in ["talk.py"], ["say.py", str(port), "a", "b", "c"]:
            said = self.run_experiment(words[0], port, *words[1:])
            self.assertRegex(said, r"\AThere is no chat at .* Start it .*\n\Z")

    @unittest.skipIf(os.name == "nt", "Windows has no ulimit")
    def test_a_program_that_does_not_start_is_heard(self):
        for name in "leave.py", "few.py":
            said = self.run_experiment(name, free_port(), program="whoops")
            self.assertIn("NameError: name 'whoops' is not defined", said)
            self.assertNotIn("There is no chat", said)

    def test_words_that_are_missing_are_named(self):
        self.assertIn("python say.py PORT", self.run_experiment("say.py", 1))
        self.assertIn("python hear.py PORT", self.run_experiment("hear.py", 1))


class LoadTest(unittest.IsolatedAsyncioTestCase):
    def test_a_folder_that_is_none_is_told_before_measuring(self):
        self.assertEqual(load.parse_arguments(["--svg=a.svg"]).svg, "a.svg")
        said = io.StringIO()
        with contextlib.redirect_stderr(said), self.assertRaises(SystemExit):
            load.parse_arguments(["--svg=nowhere/a.svg"])
        self.assertRegex(said.getvalue(), "there is no folder .*nowhere")

    async def test_a_message_in_two_pieces_counts_once(self):
        ours = crowd.Crowd(0, 1)
        ours.due = [0.0, 0.0]
        person = ours.people[0]
        person.joined.set_result(None)
        for piece in (b"\x81<lo", b"ad-", b"0-xxx", b"x\x81<load-1", b"-xxxx"):
            person.data_received(piece)
        self.assertEqual((ours.received, len(ours.delays)), (2, 2))

    def test_what_has_not_arrived_counts_as_late(self):
        self.assertEqual(load.quantile([1, 2, 3], 0.5, 6), math.inf)
        self.assertEqual(load.quantile([1, 2, 3], 0.5, 3), 2)

    def test_a_client_that_was_the_limit_says_so(self):
        figures = load.Figures("chat.py", 5, 1.0, 0.01, 0.02, 0.1, limited=True)
        self.assertIn("*", list(load.table([figures]))[-1])
        figures.limited = False
        self.assertNotIn("*", list(load.table([figures]))[-1])

    def test_a_server_that_fell_behind_leaves_the_drawing(self):
        rows = [load.Figures("loop.py", 9, 0.5, math.inf, math.inf, 1, False),
                load.Figures("chat.py", 9, 1.0, 0.01, 0.02, 0.1, False)]  # fmt: skip
        self.assertIn("↑ loop.py", drawing.draw(rows, 300))
        self.assertIn("over 2 s", drawing.draw(rows, 300))
        self.assertNotIn("↑ chat.py", drawing.draw(rows, 300))


class TerminalTest(unittest.TestCase):
    def painted(self, terminal, **environment):
        stream = mock.Mock(isatty=lambda: terminal)
        with mock.patch.dict(os.environ, environment), mock.patch("sys.stdout", stream):
            return paint("yes", "green")

    def test_colours_on_a_terminal_alone_and_not_against_ones_will(self):
        self.assertIn("\033", self.painted(True, NO_COLOR=""))
        self.assertEqual(self.painted(True, NO_COLOR="1"), "yes")
        self.assertEqual(self.painted(False, NO_COLOR=""), "yes")
