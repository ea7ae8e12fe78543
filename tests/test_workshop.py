"""The exercises: red as shipped, green with the solution, all else green with it."""

import concurrent.futures
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from tests.support import TOP, heavy
from workshop.exercises import FOLDERS, apply_diff

PROGRAM = "chat.py", "redis_room.py", "requirements.txt", "README.md", "test_chat.py"
PARTS = "templates", "static", "tests", "workshop"
# Whatever does not compare the tutorial's text with the program.
EVERYTHING_ELSE = "test_chat", "tests.test_attacks", "tests.test_page"


def copy_program(folder):
    """Copy what runs and what tests it, without what people have in the folder, too."""
    for name in PROGRAM:
        if (TOP / name).exists():
            shutil.copy(TOP / name, folder)
    for name in PARTS:
        shutil.copytree(
            TOP / name,
            Path(folder, name),
            ignore=shutil.ignore_patterns("__pycache__"),
        )


def run(*command, diff=""):
    """Run a module of Python on a changed copy; return its exit status and words."""
    environment = {k: v for k, v in os.environ.items() if k != "HEAVY"}
    with tempfile.TemporaryDirectory() as folder:
        copy_program(folder)
        apply_diff(diff, folder)
        result = subprocess.run(
            [sys.executable, "-m", *command],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
        )
    return result.returncode, result.stderr


def solution(number):
    return (FOLDERS[number] / "solution.diff").read_text(encoding="utf-8")


def check(number, diff=""):
    return run("workshop.exercises", str(number), diff=diff)


class ExercisesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            red = pool.map(check, FOLDERS)
            green = pool.map(check, FOLDERS, map(solution, FOLDERS))
            cls.red = dict(zip(FOLDERS, red))
            cls.green = dict(zip(FOLDERS, green))

    def test_enough_exercises(self):
        self.assertGreaterEqual(len(FOLDERS), 6)

    def test_folder_complete(self):
        for folder in FOLDERS.values():
            for name in ("README.md", "hint.md", "check.py", "solution.diff"):
                with self.subTest(folder=folder.name, name=name):
                    self.assertTrue((folder / name).read_text(encoding="utf-8"))

    def test_hints_short(self):
        for folder in FOLDERS.values():
            hint = (folder / "hint.md").read_text(encoding="utf-8")
            with self.subTest(folder.name):
                self.assertLessEqual(len(hint.split()), 50)

    def test_red_as_shipped(self):
        for number, (status, words) in self.red.items():
            with self.subTest(number):
                self.assertNotEqual(status, 0)
                self.assertRegex(words, r"(?m)^FAIL: ")
                self.assertNotRegex(words, r"(?m)^ERROR: ")

    def test_green_with_solution(self):
        for number, (status, words) in self.green.items():
            with self.subTest(number):
                self.assertEqual(status, 0, words)

    @heavy
    def test_everything_else_green_with_solution(self):
        for number in FOLDERS:
            with self.subTest(number):
                diff = solution(number)
                status, words = run("unittest", *EVERYTHING_ELSE, diff=diff)
                self.assertEqual(status, 0, words)


if __name__ == "__main__":
    unittest.main()
