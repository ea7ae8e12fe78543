"""What proves the checks of the exercises, for each exercise N:

exN.py          wrong solutions, which the check must refuse
N_second.diff   another right solution, where there is one that differs in design
"""

import importlib
from pathlib import Path

from workshop.exercises import FOLDERS, TOP, apply_diff, broken_programs, read_step

HERE = Path(__file__).parent
CHAT, PAGE = "chat.py", "templates/chat.html"
JS, MESSAGE, CSS = "static/chat.js", "static/message.js", "static/chat.css"


class Wrong:
    """A wrong solution: a right one, with something replaced.

    Not a diff, because it must survive changes of chat.py.

    Args:
        requirement: the first that is not met.
        mistake: in a few words.
        edits: of a file, a text that is in it once, and what stands instead.
        sentence: what the student reads, where that is tested; "..." is anything.
    """

    def __init__(self, requirement, mistake, *edits, sentence="..."):
        self.requirement, self.mistake = requirement, mistake
        self.edits, self.sentence = edits, sentence


def read_now(name):
    return (TOP / name).read_text(encoding="utf-8")


def read_state(number):
    """Return the files after the step that an exercise names: {name: text}."""
    from workshop.steps import states

    return states()[read_step(number)]


def read_before(number):
    """Return a function that returns the text of a file that an exercise changes.

    Exercise 0 is for the small page, and for chat.py as it is then; exercise 7 for
    programs that are made for it.
    """
    if programs := broken_programs(number):
        return programs.__getitem__
    return read_now if number else read_state(0).get


def solve(number, path=None):
    """Return the changed files of a solution, by name."""
    path = path or FOLDERS[number] / "solution.diff"
    return apply_diff(path.read_text(encoding="utf-8"), read_before(number))


def solutions(number):
    """Return the right solutions of an exercise: {path: {name: text}}.

    In a second one are the files in which it differs from the first.
    """
    first, second = FOLDERS[number] / "solution.diff", HERE / f"{number}_second.diff"
    found = {first: solve(number)}
    if second.exists():
        found[second] = {**found[first], **solve(number, second)}
    return found


def wrong_ones(number):
    return importlib.import_module(f"tests.exercises.ex{number}").WRONG


def spoil(number, texts, wrong):
    """Return the changed files of a wrong solution; None: it does not fit this one."""
    texts = dict(texts)
    for name, old, new in wrong.edits:
        text = texts.get(name) or read_before(number)(name)
        if text.count(old) != 1:
            return None
        texts[name] = text.replace(old, new)
    return texts


def misfits():
    """Return the wrong solutions that fit no right one: exercise, mistake, and edit."""
    lines = []
    for number in FOLDERS:
        try:
            right = solutions(number).values()
        except ValueError as error:
            lines.append(f"{number}. The right solutions do not fit: {error}")
            continue
        for wrong in wrong_ones(number):
            if not any(spoil(number, texts, wrong) for texts in right):
                edits = "; ".join(f"{name}: {old!r}" for name, old, _ in wrong.edits)
                lines.append(f"{number}. {wrong.mistake}: {edits}")
    return lines
