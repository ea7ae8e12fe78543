"""The exercises: red as shipped, green with right solutions, red with wrong ones.

Most of it takes minutes: HEAVY=1 runs it.
"""

import asyncio
import concurrent.futures
import itertools
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import chat
from tests.support import TOP, heavy, project_text
from workshop import carry
from workshop.carry import Conflict, merge, read_now
from workshop.exercises import FOLDERS, apply_diff, checking, load, text_of

PROGRAM = "chat.py", "redis_room.py", "requirements.txt", "README.md", "test_chat.py"
PARTS = "templates", "static", "tests", "workshop"
SLOW = 5, 8  # they wait for what is gathered, again and again
WAITING = 2, 7  # they wait for two seconds and more: so they begin first
COMBINATIONS = (1, 2), (1, 5), (2, 5), (3, 4), (1, 2, 3, 4, 5, 6)
FILES = "README.md hint.md check.py solution.diff second.diff wrong.py".split()


def at_once(function, *arguments, workers=4):
    """Call a function with each of some arguments, a few at a time; return all."""
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        return list(pool.map(function, *arguments))


def run(command, changes):
    """Run a module of Python in a changed copy of the project.

    Args:
        command: the module's name and its arguments.
        changes: texts by the names of their files.
    Returns:
        The exit status, and all that it has written.
    """
    environment = {k: v for k, v in os.environ.items() if k != "HEAVY"}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        for name in PROGRAM:
            shutil.copy(TOP / name, folder)
        for name in PARTS:
            leave = shutil.ignore_patterns("__pycache__")
            shutil.copytree(TOP / name, Path(folder, name), ignore=leave)
        for name, text in changes.items():
            Path(folder, name).write_text(text, encoding="utf-8")
        result = subprocess.run(
            [sys.executable, "-m", *command],
            check=False,
            cwd=folder,
            env={**environment, "PYTHONIOENCODING": "utf-8"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )
    return result.returncode, result.stdout


def check(number, changes, *options):
    return run(["workshop.exercises", str(number), *options], changes)


def solve(number, name="solution.diff"):
    """Return the changed files of a solution."""
    return apply_diff(text_of(number, name), read_now)


def combine(numbers):
    """Return the changed files of several solutions together."""
    solutions = [solve(number) for number in numbers]
    names = set(itertools.chain(*solutions))
    return {
        name: merge(read_now(name), *(each[name] for each in solutions if name in each))
        for name in names
    }


def spoil(number, wrong):
    """Return the changed files of a wrong solution."""
    texts = solve(number, wrong.right)
    for name, old, new in wrong.replacements:
        texts[name] = texts.get(name, read_now(name)).replace(old, new)
    return texts


def pattern(sentence):
    """Return a pattern for a sentence in which "..." stands for anything."""
    return ".*".join(map(re.escape, sentence.split("...")))


class FoldersTest(unittest.TestCase):
    def test_folders_complete(self):
        self.assertEqual(list(FOLDERS), list(range(1, 10)))
        for folder, name in itertools.product(FOLDERS.values(), FILES):
            with self.subTest(folder=folder.name, name=name):
                self.assertTrue((folder / name).read_text(encoding="utf-8").strip())

    def test_hints_short(self):
        for number in FOLDERS:
            with self.subTest(number):
                self.assertLessEqual(len(text_of(number, "hint.md").split()), 50)

    def test_requirements_checked_and_seen_red(self):
        for number in FOLDERS:
            wrong = load(number, "wrong").WRONG
            stated = list(checking.read_titles(text_of(number, "README.md")))
            tests = [
                test
                for base in checking.STAGES.values()
                for test in checking.tests_of(load(number, "check"), base)
            ]
            checked = [int(test._testMethodName.split("_")[1]) for test in tests]
            with self.subTest(number):
                self.assertEqual(stated, list(range(1, len(stated) + 1)))
                self.assertEqual(checked, sorted(checked), "in the order of the task")
                self.assertEqual(set(checked), set(stated))
                self.assertEqual({each.requirement for each in wrong}, set(stated))
                self.assertGreaterEqual(len(wrong), 10)

    def test_table_in_tutorial(self):
        table = project_text("tutorial.md")
        for number, folder in FOLDERS.items():
            task = text_of(number, "README.md")
            title = re.match(r"# Exercise \d\. (.*)", task)[1]
            level, minutes, step, idea = re.search(
                r"^\| (\w+) \| (\d+): [^|]* \| (\d+) \| (.*) \|$", task, re.MULTILINE
            ).groups()
            link = f"[{title}](workshop/exercises/{folder.name}/README.md)"
            row = f"| {number} | {link} | {idea} | {step} | {minutes} | {level} |"
            with self.subTest(number):
                self.assertIn(row, table)

    def test_diffs_fit(self):
        for number in FOLDERS:
            for name in ("solution.diff", "second.diff"):
                with self.subTest(number=number, name=name):
                    self.assertTrue(solve(number, name))

    def test_wrong_solutions_fit(self):
        for number in FOLDERS:
            with self.subTest(number):
                self.assertEqual(list(carry.misfits(number)), [])

    def test_broken_copies_made_from_chat(self):
        for name, copy in load(7, "bugs").make_copies(read_now("chat.py")).items():
            with self.subTest(name):
                self.assertEqual(text_of(7, name), copy)

    def test_old_log_is_one_of_this_chat(self):
        select = "SELECT name, sql FROM sqlite_master WHERE sql NOT NULL"

        async def make(path):
            room = chat.Room(path)
            await room.open()
            room.close()

        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "chat.db")
            asyncio.run(make(path))
            new, old = sqlite3.connect(path), sqlite3.connect(":memory:")
            old.executescript(checking.TABLES)
            tables = [dict(db.execute(select)) for db in (new, old)]
            new.close()
            old.close()
        self.assertEqual(*tables)


class MergeTest(unittest.TestCase):
    base = "one\ntwo\nthree\n"

    def test_changes_of_two(self):
        merged = merge(self.base, "ONE\ntwo\nthree\n", "one\ntwo\nthree\nfour\n")
        self.assertEqual(merged, "ONE\ntwo\nthree\nfour\n")

    def test_lines_at_one_place_both_kept(self):
        merged = merge(self.base, "one\na\ntwo\nthree\n", "one\nb\ntwo\nthree\n")
        self.assertEqual(merged, "one\na\nb\ntwo\nthree\n")

    def test_same_change_once(self):
        changed = "one\n2\nthree\n"
        self.assertEqual(merge(self.base, changed, changed), changed)

    def test_same_line_changed_in_two_ways(self):
        with self.assertRaisesRegex(Conflict, "two"):
            merge(self.base, "one\n2\nthree\n", "one\nzwei\nthree\n")

    def test_diff_made_and_applied(self):
        diff = carry.to_diff("numbers", self.base, "one\n2\nthree\nfour\n")
        texts = apply_diff(diff, lambda name: self.base)
        self.assertEqual(texts, {"numbers": "one\n2\nthree\nfour\n"})

    def test_diff_for_another_text(self):
        diff = carry.to_diff("numbers", self.base, "one\n2\nthree\n")
        with self.assertRaisesRegex(ValueError, "numbers is another one"):
            apply_diff(diff, lambda name: "one\n\ntwo\nthree\n")


class ChecksCase(unittest.TestCase):
    def assert_green(self, numbers, results):
        for number, (status, words) in zip(numbers, results, strict=True):
            with self.subTest(number):
                self.assertEqual(status, 0, words)
                self.assertNotIn("  --  ", words)


class ChecksTest(ChecksCase):
    """The checks of the server; those of the page are in HeavyChecksTest."""

    @classmethod
    def setUpClass(cls):
        # They wait most of the time: so those of both tests begin at once.
        pool = concurrent.futures.ThreadPoolExecutor(6)
        cls.addClassCleanup(pool.shutdown, cancel_futures=True)
        cls.shipped, cls.solved = {}, {}
        for number in sorted(FOLDERS, key=lambda number: number not in WAITING):
            cls.shipped[number] = pool.submit(check, number, {})
            if number not in SLOW:
                changes = solve(number)
                cls.solved[number] = pool.submit(check, number, changes, "--server")

    def test_red_as_shipped(self):
        self.assertEqual(set(self.shipped), set(FOLDERS))
        for number, future in self.shipped.items():
            status, words = future.result()
            with self.subTest(number):
                self.assertEqual(status, 1, words)
                self.assertRegex(words, r"(?m)^  no  \d+\. ")
                self.assertNotRegex(words, "Then: |failed meanwhile|Traceback")

    def test_green_with_solution(self):
        results = [future.result() for future in self.solved.values()]
        self.assert_green(self.solved, results)


@heavy
class HeavyChecksTest(ChecksCase):
    def test_green_with_solution(self):
        self.assert_green(FOLDERS, at_once(check, FOLDERS, map(solve, FOLDERS)))

    def test_green_with_second_solution(self):
        changes = [solve(number, "second.diff") for number in FOLDERS]
        self.assert_green(FOLDERS, at_once(check, FOLDERS, changes))

    def test_solutions_combine(self):
        pairs = [(number, each) for each in COMBINATIONS for number in each]
        numbers = [number for number, _ in pairs]
        changes = [combine(each) for _, each in pairs]
        self.assert_green(numbers, at_once(check, numbers, changes))

    def test_wrong_solutions_refused(self):
        wrong_ones = {number: load(number, "wrong").WRONG for number in FOLDERS}
        every = [(number, wrong) for number in FOLDERS for wrong in wrong_ones[number]]
        results = at_once(self.refuse, every)
        for (number, wrong), (status, words) in zip(every, results, strict=True):
            with self.subTest(number=number, mistake=wrong.mistake):
                self.assertEqual(status, 1, words)
                self.assertIn(f"  no  {wrong.requirement}. ", words)
                self.assertRegex(" ".join(words.split()), pattern(wrong.sentence))

    def refuse(self, pair):
        number, wrong = pair
        names = [name for name, _, _ in wrong.replacements]
        page = all(name.startswith(("static/", "templates/")) for name in names)
        return check(number, spoil(number, wrong), *["--page"] * page)

    def test_chat_works_with_solution(self):
        commands = [["unittest", "test_chat"]] * len(FOLDERS)
        results = at_once(run, commands, map(solve, FOLDERS), workers=2)
        for number, (status, words) in zip(FOLDERS, results, strict=True):
            with self.subTest(number):
                self.assertEqual(status, 0, words)

    def test_everything_else_works_with_all_solutions(self):
        names = "test_chat", "tests.test_attacks", "tests.test_page"
        status, words = run(["unittest", *names], combine(COMBINATIONS[-1]))
        self.assertEqual(status, 0, words)


if __name__ == "__main__":
    unittest.main()
