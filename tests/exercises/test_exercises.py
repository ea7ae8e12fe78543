"""The exercises: red at first, green with right solutions, red with wrong ones.

HEAVY=1 runs what takes minutes, and the wrong solutions half an hour. ONLY=3 looks at
exercise 3 alone.
"""

import asyncio
import concurrent.futures
import contextlib
import os
import re
import sqlite3
import tempfile
import unittest
from pathlib import Path

import chat
from tests import exercises as proofs
from tests.exercises import read_now, solutions, solve, spoil, wrong_ones
from tests.support import TOP, heavy, project_text
from tests.test_workshop_command import CommandCase
from workshop.carry import merge
from workshop.exercises import (
    FOLDERS,
    STAGES,
    broken_programs,
    check,
    checking,
    read_step,
    read_titles,
    text_of,
)

ONLY = [int(n) for n in os.environ.get("ONLY", "").split()] or list(FOLDERS)
LAST = 13  # the step after which chat.py is as it is


def check_changed(number, changes, stages=STAGES):
    """Run a check on a changed copy of the chat.

    Args:
        changes: texts by the names of their files.
    Returns:
        Whether it is green, and what it says.
    """
    lines, state = [], {} if number else proofs.read_state(0)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        checking.copy_program(TOP, Path(folder))
        for name, text in {**state, **changes}.items():
            Path(folder, name).parent.mkdir(parents=True, exist_ok=True)
            Path(folder, name).write_text(text, encoding="utf-8")
        # One after the other: two checks at once are enough for two processors.
        green = all(check(number, folder, [each], say=lines.append) for each in stages)
    return green, "\n".join(lines)


def pattern(sentence):
    """Return a pattern for a sentence in which "..." stands for anything."""
    return ".*".join(map(re.escape, sentence.split("...")))


class FoldersTest(unittest.TestCase):
    def test_folders_complete(self):
        for folder in FOLDERS.values():
            names = {path.name for path in folder.iterdir() if path.is_file()}
            with self.subTest(folder.name):
                self.assertEqual(names, {"README.md", "check.py", "solution.diff"})

    def test_hints_short(self):
        for number in FOLDERS:
            task = text_of(number, "README.md")
            hint = re.search(
                r"<details><summary>A hint</summary>(.*?)</det", task, re.DOTALL
            )
            with self.subTest(number):
                self.assertLessEqual(len(hint[1].split()), 60)

    def test_requirements_checked_and_seen_red(self):
        for number, folder in FOLDERS.items():
            stated = list(read_titles(number))
            program = (folder / "check.py").read_text(encoding="utf-8")
            found = re.findall(r"(?:def test_|self\.requirement\()(\d+)", program)
            refused = [wrong.requirement for wrong in wrong_ones(number)]
            with self.subTest(number):
                self.assertEqual(stated, list(range(1, len(stated) + 1)))
                self.assertIn(
                    "still does what it did", read_titles(number)[len(stated)]
                )
                self.assertEqual({*map(int, found)}, set(stated[:-1]))
                self.assertEqual(set(refused), set(stated))
                self.assertGreaterEqual(len(refused), 12)

    def test_sentences_tested_for_five(self):
        every = [wrong.sentence for n in FOLDERS for wrong in wrong_ones(n)]
        self.assertEqual(len([each for each in every if each != "..."]), 5)

    def test_table_for_teachers(self):
        table = project_text("workshop/README.md")
        for number, folder in FOLDERS.items():
            task = text_of(number, "README.md")
            title = re.match(r"# Exercise \d\. (.*)", task)[1]
            level, minutes, step, idea = re.search(
                r"^\| (\w+) \| (\d+): [^|]* \| (\d+) \| (.*) \|$", task, re.MULTILINE
            ).groups()
            link = f"[{title}](exercises/{folder.name}/README.md)"
            row = f"| {number} | {link} | {idea} | {step} | {minutes} | {level} |"
            with self.subTest(number):
                self.assertIn(row, table)

    def test_diffs_fit(self):
        for number in FOLDERS:
            with self.subTest(number):
                self.assertTrue(all(solutions(number).values()))

    def test_wrong_solutions_fit(self):
        self.assertEqual(proofs.misfits(), [])

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
            with contextlib.closing(new), contextlib.closing(old):
                old.executescript(checking.TABLES)
                names = [dict(db.execute(select)).keys() for db in (new, old)]
        self.assertEqual(*names)


class ChecksCase(unittest.TestCase):
    maxDiff = None

    def check_all(self, jobs):
        """Run some checks, two at a time; yield each with whether it is green, and why.

        Args:
            jobs: lists of a title and the arguments of check_changed().
        """
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            results = pool.map(lambda job: check_changed(*job[1:]), jobs)
            for job, (green, words) in zip(jobs, results, strict=True):
                yield job, green, words

    def assert_green(self, jobs):
        results = self.check_all(jobs)
        red = [each for each in results if not each[1] or "  --  " in each[2]]
        self.assertEqual([(job[:2], words) for job, _, words in red], [])


@heavy
class CommandTest(CommandCase):
    def test_red_before_and_green_after(self):
        for number in ONLY:
            with self.subTest(number):
                self.run_command("step", str(read_step(number)))
                said = self.run_command("exercise", str(number), status=1)
                self.assertRegex(said, r"(?m)^  no  \d+\. ")
                self.assertNotRegex(said, "Then: |failed meanwhile")
                for name, text in solve(number).items():
                    path = self.top / "mine" / name
                    old = proofs.read_before(number)(name)
                    solved = merge(old, text, path.read_text("utf-8"))
                    path.write_text(solved, "utf-8")
                said = self.run_command("exercise", str(number))
                for title in read_titles(number).items():
                    self.assertIn("  ok  {}. {}".format(*title), said)
                self.assertNotIn("  --  ", said)


@heavy
class ChecksTest(ChecksCase):
    def test_green_with_solutions(self):
        jobs = [
            (path.name, number, texts)
            for number in ONLY
            for path, texts in solutions(number).items()
            if path.name != "solution.diff" or (number and read_step(number) < LAST)
        ]
        self.assert_green(jobs)

    def test_bugs_are_only_there(self):
        right = dict.fromkeys(broken_programs(7), read_now("chat.py"))
        broken = broken_programs(7).items()
        jobs = [(name, 7, {**right, name: text}, ["server"]) for name, text in broken]
        for job, green, words in self.check_all(jobs):
            self.assertFalse(green, words)
            self.assertRegex(words, rf"(?m)^  no  \d\. {re.escape(job[0])}")
            number = int(re.search(r"  no  (\d)", words)[1])
            for other in range(1, number):
                self.assertIn(f"  ok  {other}. ", words)


@heavy
class WrongTest(ChecksCase):
    """A test for each exercise. Some checks wait for what must not come, or measure
    time, and another load can spoil that: what is not told is tried again, alone.
    """

    def assert_refused(self, number):
        pairs = list(self.wrong_jobs(number))
        results = self.check_all([job for job, _ in pairs])
        for (job, wrong), result in list(zip(pairs, results, strict=True)):
            if not self.is_told(wrong, result[2]):
                with self.subTest(job[0]):
                    words = check_changed(*job[1:])[1]
                    self.assertTrue(self.is_told(wrong, words), words)

    def is_told(self, wrong, words):
        """Tell whether a check says what is wrong, at its requirement."""
        told = re.search(pattern(wrong.sentence), " ".join(words.split()))
        return told and f"  no  {wrong.requirement}. " in words

    def wrong_jobs(self, number):
        """Yield the wrong solutions, made from each right one that they fit."""
        for path, texts in solutions(number).items():
            for wrong in wrong_ones(number):
                if changes := spoil(number, texts, wrong):
                    page = not any(edit[0].endswith(".py") for edit in wrong.edits)
                    title = f"{path.name}: {wrong.mistake}"
                    yield (title, number, changes, STAGES[page:]), wrong


for n in ONLY:
    name = f"test_wrong_solutions_{n}_refused"
    setattr(WrongTest, name, lambda self, n=n: self.assert_refused(n))


if __name__ == "__main__":
    unittest.main()
