"""The exercises: a folder for each, which begins with its number.

    README.md      the task: every sentence is a requirement
    hint.md        where to look
    check.py       red until the task is done
    solution.diff  one way to do it, against the project as it is
    second.diff    another way, which the check must not refuse
    wrong.py       ways not to do it, which the check must refuse

`python -m workshop.exercises 2` runs the check of exercise 2.
"""

import importlib.util
import re
from pathlib import Path
from typing import NamedTuple

FOLDERS = {int(path.name[0]): path for path in Path(__file__).parent.glob("[0-9]_*")}
FOLDERS = dict(sorted(FOLDERS.items()))


class Wrong(NamedTuple):
    """A wrong solution: the right one, with something replaced.

    Not a diff, because it must survive changes of chat.py.
    """

    mistake: str  # in a few words
    replacements: list  # of a file, a text that is in it once, and what stands instead
    requirement: int  # the first that is not met
    sentence: str  # what the student reads then; "..." stands for anything
    right: str = "solution.diff"  # the solution that is changed


def load(number, name):
    """Import a file of an exercise, such as "check".

    A name that begins with a digit, as its folder has, fits no import statement.
    """
    path = FOLDERS[number] / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"{name}_{number}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def text_of(number, name):
    """Return the text of a file of an exercise."""
    return (FOLDERS[number] / name).read_text(encoding="utf-8")


def apply_diff(diff, read):
    """Return the texts of the files that a unified diff changes, by name.

    Args:
        diff: made against exactly these files.
        read: a function that returns the text of a file before the change.
    Raises:
        ValueError: the files are others.
    """
    texts = {}
    for part in re.split(r"^--- a/.*\n\+\+\+ b/", diff, flags=re.MULTILINE)[1:]:
        name, _, hunks = part.partition("\n")
        lines = read(name).split("\n")
        hunks = re.split(r"^@@ -(\d+).*\n", hunks, flags=re.MULTILINE)[1:]
        for start, hunk in list(zip(hunks[::2], hunks[1::2], strict=True))[::-1]:
            changes = re.findall(r"^([ +-]?)(.*)$", hunk.rstrip("\n"), re.MULTILINE)
            old = [line for sign, line in changes if sign != "+"]
            first = int(start) - 1
            if lines[first : first + len(old)] != old:
                raise ValueError(f"{name} is another one at line {start}")
            new = [line for sign, line in changes if sign != "-"]
            lines[first : first + len(old)] = new
        texts[name] = "\n".join(lines)
    return texts
