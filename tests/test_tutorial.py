"""The tutorial: its listings are the program, its states run, its sessions are true."""

import ast
import asyncio
import concurrent.futures
import doctest
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from tornado.testing import gen_test

import test_chat
from tests.exercises import solve
from tests.support import (
    TOP,
    ChatProcess,
    VisitorsCase,
    free_port,
    heavy,
    project_text,
    until,
)
from workshop import steps
from workshop.exercises import text_of

HEAVY = "HEAVY" in os.environ
STATES, LISTINGS = steps.states(), steps.read_listings()
LAST = max(STATES)
PLANS = ("Ninety minutes", 85, 90), ("Half a day", 150, 210)  # minutes
NAMES = "microseconds|messages a second|seconds|kB"  # of figures that were measured

SAMPLE = '''## Step 1. One
**a.py**, at the top:
```python
"""A sample."""

import os

SIZE = 1


class Box:
    """A room."""

    def post(self):
        return os
```
## Step 2. Two
**a.py**, in `Box`, after `post`:
```python
    def read(self):
        return SIZE
```
**a.py**, after `SIZE`:
```python
LIMIT = 2
```
**a.py**, the head of `Box` changes:
```diff
 class Box:
     """A room."""
+
+    end = 0
```
**a.py**, `Box.post` goes:
```diff
-    def post(self):
-        return os
```
**a.py**, the imports change:
```diff
-import os
+import sys
```
'''


def apply_sample(text):
    """Return the states of a.py in a tutorial."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "tutorial.md")
        path.write_text(text, encoding="utf-8")
        return {step: files["a.py"] for step, files in steps.states(path).items()}


def write_state(step, folder):
    """Put a state and the experiments into a folder."""
    steps.write_files(STATES[step], folder)
    shutil.copytree(TOP / "workshop" / "experiments", Path(folder, "experiments"))


class ListingTest(unittest.TestCase):
    """The rules by which listings are typed."""

    def test_units_typed_with_empty_lines_between(self):
        wanted = '"""A sample."""\n\nimport sys\n\nSIZE = 1\nLIMIT = 2\n\n\n' \
            'class Box:\n    """A room."""\n\n    end = 0\n\n' \
            '    def read(self):\n        return SIZE\n'
        self.assertEqual(apply_sample(SAMPLE)[2], wanted)

    def test_place_wrong_refused_with_its_line(self):
        for old, new in (
            ("after `SIZE`", "after `SIZES`"),
            ("in `Box`, after", "in `Rom`, after"),
            ("-        return os", "-        return so"),
            ("-    def post(self):\n", ""),  # no whole definition
            ("**a.py**, after `SIZE`:", "Then after `SIZE`:"),
        ):
            self.assertIn(old, SAMPLE)
            with self.assertRaisesRegex(steps.PlaceError, "tutorial.md, line "):
                apply_sample(SAMPLE.replace(old, new))

    def test_old_lines_twice_refused(self):
        more = "    def get(self):\n        return os\n\n    def post"
        twice = SAMPLE.replace("    def post", more, 1)
        twice = twice.replace("-    def post(self):\n", "")
        with self.assertRaisesRegex(steps.PlaceError, "2 times"):
            apply_sample(twice)


class TextTest(unittest.TestCase):
    """The whole text, and its sizes."""

    text = project_text("tutorial.md")

    def test_listings_are_chat(self):
        self.assertEqual(STATES[LAST]["chat.py"], project_text("chat.py"))

    def test_pages_are_the_finished_ones(self):
        for name, text in steps.finished_page().items():
            self.assertEqual(STATES[LAST][name], text)

    def test_shown_lines_are_there(self):
        scripts = "\n".join(project_text(f"static/{name}.js")
                            for name in ("chat", "message"))
        for step, language, _, lines, number in steps.read_blocks():
            if language == "py" or (language == "js" and len(lines) > 2):
                where = STATES[step]["chat.py"] if language == "py" else scripts
                stripped = "\n".join(line.strip() for line in where.split("\n"))
                shown = "\n".join(line.strip() for line in lines)
                self.assertTrue(shown in stripped, f"tutorial.md, line {number}")

    def test_sizes(self):
        words, lines = steps.count_words(), {}
        for step in STATES:
            typed = [one for one in LISTINGS if one.step == step]
            lines[step] = steps.count_lines(typed)
            self.assertLessEqual(lines[step], 85, f"step {step}")
            self.assertLessEqual(words[step], 650, f"step {step}")
        self.assertLessEqual(lines[1], 45)
        self.assertLessEqual(lines[1] + lines[2], 130)
        self.assertLessEqual(sum(lines[step] for step in range(1, 6)), 230)
        self.assertLessEqual(sum(words.values()), 8500)
        self.assertLessEqual(self.text.count("\n"), 2600)

    def test_listings_few_and_none_tiny(self):
        ours = [one for one in LISTINGS if one.file == "chat.py"]
        self.assertLessEqual(len(ours), 75)
        for one in ours:
            code = [text for text in one.lines if text.strip()]
            small = re.search("imports|constant|: *$", one.place[0]) and all(
                re.match(r"[-+ ]?(#|\w+ = |import|from)", text) for text in code)
            self.assertTrue(len(code) > 3 or small, f"tutorial.md, line {one.number}")

    def test_commands_short(self):
        for _, language, _, lines, number in steps.read_blocks():
            if language in ("sh", "console"):
                commands = [x for x in lines if language == "sh" or x.startswith("$ ")]
                self.assertLessEqual(max(map(len, commands)), 88 + 2, number)

    def test_answers_stand_under_details(self):
        for step in range(1, 14):
            part = re.split(r"^## Step \d+\. ", self.text, flags=re.MULTILINE)[step]
            self.assertRegex(part, r"(?s)\*\*Exercise.*<details>", f"step {step}")


class LinkTest(unittest.TestCase):
    def test_links_and_anchors_lead_somewhere(self):
        texts = subprocess.check_output(["git", "ls-files", "*.md"], cwd=TOP, text=True)
        for name in texts.split():
            prose = re.sub(r"(?ms)^```.*?^```$", "", project_text(name))
            for link in re.findall(r"\]\(([^)\s]+)\)", prose):
                path, _, anchor = link.partition("#")
                if ":" in path:
                    continue
                target = (TOP / name).parent / path if path else TOP / name
                with self.subTest(name=name, link=link):
                    self.assertTrue(target.exists())
                    if anchor:
                        self.assertIn(anchor, anchors(target.read_text("utf-8")))


def anchors(text):
    """Return the anchors that GitHub makes of headings."""
    heads = re.findall(r"(?m)^#+ (.+)$", re.sub(r"(?ms)^```.*?^```$", "", text))
    return [re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads]


class PlanTest(unittest.TestCase):
    """The teacher's plans: 5 lines and 150 words a minute, times 1.5."""

    def rows(self, heading):
        part = project_text("workshop/README.md").partition(f"### {heading}\n")[2]
        part = part.partition("\n#")[0]
        rows = re.findall(r"(?m)^\| (\d+)-(\d+) \| (.*) \|$", part)
        return [(int(begin), int(end), what) for begin, end, what in rows]

    def minutes(self, what):
        """Return how long a row takes by its steps and exercises; 0: as one likes."""
        words, total = steps.count_words(), 0
        for verb, step in re.findall(r"(Type|Read) step (\d+)", what):
            typed = [one for one in LISTINGS if one.step == int(step)]
            lines = steps.count_lines(typed) if verb == "Type" else 0
            total += 1.5 * (lines / 5 + words[int(step)] / 150)
        for number in re.findall(r"Exercise (\d)", what):
            task = text_of(int(number), "README.md")
            total += int(re.search(r"^\| \w+ \| (\d+): ", task, re.MULTILINE)[1])
        return total

    def test_plans_add_up(self):
        for heading, least, most in PLANS:
            rows, now = self.rows(heading), 0
            for begin, end, what in rows:
                with self.subTest(what):
                    self.assertEqual(begin, now)
                    self.assertLessEqual(self.minutes(what), end - begin + 0.5)
                    now = end
            self.assertTrue(least <= now <= most)
            self.assertGreaterEqual(rows[0][1], 10)  # for setting up

    @heavy
    def test_plans_walked(self):
        """Do what each row says, with the real commands; then an exercise is green."""
        for heading in ("Ninety minutes", "Half a day"):
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                ignored = shutil.ignore_patterns("mine", ".*", "__pycache__")
                shutil.copytree(TOP, folder, ignore=ignored, dirs_exist_ok=True)
                self.do(folder, "start")
                for _, _, what in self.rows(heading):
                    with self.subTest(plan=heading, row=what):
                        self.walk(Path(folder), what)

    def walk(self, folder, what):
        for command in re.findall("`python -m workshop (step .*?)`", what):
            self.do(folder, *command.split())
        for step in re.findall(r"Type step (\d+)", what):
            steps.write_files(STATES[int(step)], folder / "mine")
            self.do(folder, "check")
        for number in map(int, re.findall(r"Exercise (\d)", what)):
            self.do(folder, "exercise", str(number), status=1)
            before = {name: (folder / "mine" / name).read_text("utf-8")
                      for name in solve(number)}
            steps.write_files(solve(number), folder / "mine")
            self.do(folder, "exercise", str(number))
            steps.write_files(before, folder / "mine")

    def do(self, folder, *words, status=0):
        done = subprocess.run([sys.executable, "-m", "workshop", *words], cwd=folder,
                              check=False, stdout=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, status, done.stdout)


class StateTest(unittest.TestCase):
    """Each state starts, and the classes of test_chat.py are true of it."""

    def test_states_pass_their_tests(self):
        classes = {name: case.step for name, case in vars(test_chat).items()
                   if getattr(case, "step", 0)}
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            jobs = {step: pool.submit(self.try_state, step, classes) for step in STATES}
        for step, job in jobs.items():
            with self.subTest(step=step):
                self.assertFalse(job.result(), job.result())

    def try_state(self, step, classes):
        """Run the newest classes of tests, or all; return what was red."""
        newest = max(number for number in classes.values() if number <= step)
        names = [f"test_chat.{name}" for name, number in classes.items()
                 if number == newest or HEAVY]
        with tempfile.TemporaryDirectory() as folder:
            write_state(step, folder)
            done = subprocess.run(
                [sys.executable, "-m", "unittest", *names], cwd=folder, check=False,
                env={**os.environ, "STEP": str(step), "PYTHONPATH": str(TOP)},
                capture_output=True, text=True)
        return done.stderr if done.returncode else ""


class SlipCase(VisitorsCase):
    """A state in which a coroutine is broken by one letter."""

    def start(self, files, port):
        """Start such a chat; return whether it runs, and the file of its terminal."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        steps.write_files(files, folder.name)
        errors = Path(folder.name, "errors")
        with errors.open("w") as terminal:
            process = subprocess.Popen(
                [sys.executable, "chat.py"], cwd=folder.name, stderr=terminal,
                stdout=subprocess.PIPE, env={**os.environ, "PORT": str(port)})
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process.stdout.readline(), errors

    async def speaks(self, files, what):
        """Visit such a chat; fail if its terminal does not name the slip at once."""
        port = free_port()
        running, errors = self.start(files, port)
        if running:
            visiting = asyncio.ensure_future(self.visit(port))
            await asyncio.wait([visiting], timeout=3)
            visiting.cancel()
        try:
            told = re.compile("(Name|Syntax)Error")
            await asyncio.wait_for(until(lambda: told.search(errors.read_text())), 1)
        except TimeoutError:
            self.fail(f"{what}: the terminal says nothing")

    async def visit(self, port):
        """Do a little of everything: sign in, talk, come back, say it again, leave."""
        try:
            visitor = self.visitor(f"http://127.0.0.1:{port}")
            await visitor.get("/login")
            first = await visitor.join("carol")
            await first.send("hello", "a key")
            line = await asyncio.wait_for(first.line(), 1)
            again = await visitor.connect(f"?since={line.get('id', 1)}")
            await again.send("hello", "a key")
            await again.send("more")
            await asyncio.wait_for(again.line(), 1)
            await visitor.post("/logout")
        except Exception:  # it is broken
            pass


def slips(step):
    """Yield the coroutines of a state, and the files with one of them broken."""
    text = STATES[step]["chat.py"]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.AsyncFunctionDef) and node.name not in UNVISITED:
            yield node.name, {**STATES[step], "chat.py": break_letter(text, node)}


UNVISITED = "_oauth_get_user_future",  # Twitter alone calls it


def break_letter(text, function):
    """Take the last letter of the first name in a function's body."""
    names = [each for statement in function.body for each in ast.walk(statement)
             if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load)]
    name = min(names, key=lambda each: (each.lineno, each.col_offset))
    lines = text.split("\n")
    line = lines[name.lineno - 1].encode()
    end = name.end_col_offset
    lines[name.lineno - 1] = (line[:end - 1] + line[end:]).decode()
    return "\n".join(lines)


class SlipTest(SlipCase):
    @gen_test(timeout=60)
    async def test_first_coroutines_speak(self):
        for name, files in slips(3):
            await self.speaks(files, name)

    @heavy
    @gen_test(timeout=900)
    async def test_every_coroutine_speaks(self):
        for step in STATES:
            for name, files in slips(step):
                with self.subTest(step=step, name=name):
                    await self.speaks(files, f"step {step}, {name}")


class SessionTest(unittest.TestCase):
    """Each session shows what comes, with the program as it stands at its place."""

    def test_sessions_true(self):
        for step, language, _, lines, number in steps.read_blocks():
            session = "\n".join(lines) + "\n"
            dear = "microseconds" in session
            if language == "console" and "experiments/" in session and (
                    HEAVY or not dear):
                with self.subTest(step=step, line=number):
                    self.run_session(session, number)

    def run_session(self, session, number):
        typed = steps.type_listings([one for one in LISTINGS if one.number < number])
        files = {name: steps.to_text(lines) for name, lines in typed.items()}
        with tempfile.TemporaryDirectory() as folder:
            steps.write_files(files, folder)
            shutil.copytree(TOP / "workshop/experiments", Path(folder, "experiments"))
            environment = {**os.environ, "PORT": str(free_port())}
            server = ChatProcess(folder=folder, PORT=environment["PORT"])
            self.addCleanup(server.stop)
            server.url()
            for command, expected in re.findall(r"\$ (.*)\n((?:[^$].*\n)*)", session):
                words = command.replace("python", sys.executable).split()
                done = subprocess.run(
                    words, cwd=folder, env=environment, text=True, timeout=60,
                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
                actual = done.stdout.replace(environment["PORT"], "5000")
                self.compare(command, expected, actual)

    def compare(self, command, expected, actual):
        """Compare; figures that were measured may differ."""
        texts = [re.sub(rf"[\d.]+(?= (?:{NAMES}))", "N", x) for x in (expected, actual)]
        flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
        same = doctest.OutputChecker().check_output(*texts, flags)
        self.assertTrue(same, f"{command}\n{expected}\n--- in truth:\n{actual}")
