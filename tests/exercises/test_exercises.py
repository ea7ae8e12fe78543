"""The exercises: red as shipped, green with right solutions, red with wrong ones.

Most of it takes minutes: HEAVY=1 runs it. EVERY=1 tries the wrong solutions as well,
for half an hour; EVERY=6 tries every sixth. ONLY=3 looks at exercise 3 alone.
"""

import asyncio
import concurrent.futures
import contextlib
import itertools
import os
import re
import sqlite3
import tempfile
import unittest
from pathlib import Path

import chat
from tests.exercises import (
    misfits,
    read_before,
    read_now,
    read_state,
    solutions,
    solve,
    spoil,
    wrong_ones,
)
from tests.support import TOP, heavy, project_text
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
EVERY = int(os.environ.get("EVERY", "0"))
COMBINATIONS = (1, 2), (1, 5), (2, 5), (3, 4), (1, 2, 3, 4, 5)


def check_changed(number, changes, stages=STAGES):
    """Run a check on a changed copy of the chat.

    Args:
        changes: texts by the names of their files.
    Returns:
        Whether it is green, and what it says.
    """
    lines = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        checking.copy_program(TOP, Path(folder))
        for name, text in {**before(number), **changes}.items():
            Path(folder, name).parent.mkdir(parents=True, exist_ok=True)
            Path(folder, name).write_text(text, encoding="utf-8")
        # One after the other: two checks at once are enough for two processors.
        green = all(check(number, folder, [each], say=lines.append) for each in stages)
    return green, "\n".join(lines)


def before(number):
    """Return the files that an exercise is for, if they are not the project's own."""
    return {} if number else read_state(0)


def combine(numbers):
    """Return the changed files of several solutions together."""
    several = [solve(number) for number in numbers]
    return {
        name: merge(read_now(name), *(each[name] for each in several if name in each))
        for name in set(itertools.chain(*several))
    }


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
                self.assertGreaterEqual(len(refused), 12 if number else 8)

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
        self.assertEqual(misfits(), [])

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
        red = [
            (job[:2], words)
            for job, green, words in results
            if not green or "  --  " in words
        ]
        self.assertEqual(red, [])


@heavy
class ChecksTest(ChecksCase):
    def test_red_as_shipped(self):
        jobs = [("as shipped", number, {}, ["server"]) for number in ONLY]
        for _, green, words in self.check_all(jobs):
            self.assertFalse(green, words)
            self.assertRegex(words, r"(?m)^  no  \d+\. ")
            self.assertNotRegex(words, "Then: |failed meanwhile|Traceback")


@heavy
class HeavyChecksTest(ChecksCase):
    def test_green_with_solutions(self):
        pairs = [(n, *each) for n in ONLY for each in solutions(n).items()]
        self.assert_green([(path.name, number, texts) for number, path, texts in pairs])

    def test_green_on_the_state_that_the_task_names(self):
        jobs = []
        for number in ONLY:
            state = read_state(number)
            for name, text in solve(number).items():
                before = read_before(number)(name)
                state[name] = merge(before, text, state.get(name, before))
            jobs.append((f"after step {read_step(number)}", number, state))
        self.assert_green(jobs)

    def test_bugs_are_only_there(self):
        right = dict.fromkeys(broken_programs(7), read_now("chat.py"))
        jobs = [
            (name, 7, {**right, name: text}, ["server"])
            for name, text in broken_programs(7).items()
        ]
        for job, green, words in self.check_all(jobs):
            self.assertFalse(green, words)
            self.assertRegex(words, rf"(?m)^  no  \d\. {re.escape(job[0])}")
            number = int(re.search(r"  no  (\d)", words)[1])
            for other in range(1, number):
                self.assertIn(f"  ok  {other}. ", words)


if EVERY:

    class WrongTest(ChecksCase):
        def test_wrong_solutions_refused(self):
            jobs, wrong = zip(*list(self.wrong_jobs())[::EVERY], strict=True)
            missed = []
            for (job, _, words), each in zip(self.check_all(jobs), wrong, strict=True):
                told = re.search(pattern(each.sentence), " ".join(words.split()))
                if not told or f"  no  {each.requirement}. " not in words:
                    missed.append((job[:2], each.requirement, words))
            self.assertEqual(missed, [])

        def test_solutions_combine(self):
            pairs = [(number, each) for each in COMBINATIONS for number in each]
            self.assert_green(
                [(str(each), n, combine(each)) for n, each in pairs if n in ONLY]
            )

        def wrong_jobs(self):
            """Yield the wrong solutions, made from each right one that they fit."""
            for number in ONLY:
                for path, texts in solutions(number).items():
                    for wrong in wrong_ones(number):
                        if changes := spoil(number, texts, wrong):
                            names = [name for name, _, _ in wrong.edits]
                            page = not any(name.endswith(".py") for name in names)
                            stages = STAGES[page:]
                            title = f"{path.name}: {wrong.mistake}"
                            yield (title, number, changes, stages), wrong


if __name__ == "__main__":
    unittest.main()
