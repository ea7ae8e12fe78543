"""Where somebody is, on one screen: steps, exercises, and what comes next."""

import itertools

from workshop.check import find_position
from workshop.exercises import FOLDERS
from workshop.mine import MINE, green_exercises, program_listings, read_mine, show
from workshop.steps import read_titles
from workshop.terminal import paint

MARKS = {"done": "[x]", "half": "[/]", "todo": "[ ]"}
COLOURS = {"done": "green", "half": "yellow", "todo": "soft"}


APPENDIX = "redis_room.py"
COLUMN = 39  # characters


def in_columns(marked):
    """Yield lines of two (state, words) each, to be read downwards."""
    cells = [
        paint(f"  {MARKS[state]} {words[:COLUMN - 7]}".ljust(COLUMN), COLOURS[state])
        for state, words in marked
    ]
    half = (len(cells) + 1) // 2
    for left, right in itertools.zip_longest(cells[:half], cells[half:], fillvalue=""):
        yield left + right


def title(path):
    """Return the title of an exercise, without its number."""
    heading = (path / "README.md").read_text(encoding="utf-8").partition("\n")[0]
    return heading.partition(". ")[2]


def step_states(position, listings, titles):
    """Yield (number, state) of all steps.

    One that has nothing to type is as the one before.
    """
    typed = {listing.step for listing in listings}
    complete = not position.next and not position.mistakes
    state = "todo"
    for step in titles:
        if step in position.left_out:
            state = "todo"
        elif step in typed or step > position.step:
            here = "done" if complete else "half"
            state = "done" if step < position.step else "todo"
            state = here if step == position.step else state
        yield step, state


def next_command(position, green, listings):
    """Return a sentence that says what comes next, and the command for it."""
    if position.mistakes:
        return "Something differs from the tutorial. See what:", "check"
    if position.next:
        number = position.next.number
        return f"Type on at line {number} of tutorial.md. Then:", "check"
    # The appendix, redis_room.py, is for those who want it.
    later = [one for one in listings if one.step > position.step]
    if later and later[0].file != APPENDIX:
        step, number = later[0].step, later[0].number
        return f"Step {step} begins at line {number} of tutorial.md. Then:", "check"
    todo = [number for number in FOLDERS if number not in green]
    if todo:
        return "All steps are typed. The next exercise:", f"exercise {todo[0]}"
    return "Everything is done. See it from above:", "board"


def overview(folder=MINE):
    """Yield the lines.

    Raises:
        WorkshopError: there is no such folder.
    """
    listings, titles = program_listings(), read_titles()
    position = find_position(read_mine(listings, folder), listings)
    green = green_exercises(folder)
    yield paint(f"Steps in {show(folder)}/", "bold")
    states = step_states(position, listings, titles)
    yield from in_columns((state, f"{step:2} {titles[step]}") for step, state in states)
    yield paint("Exercises", "bold")
    yield from in_columns(
        ("done" if number in green else "todo", f"{number:2} {title(path)}")
        for number, path in FOLDERS.items()
    )
    words, command = next_command(position, green, listings)
    yield ""
    yield words
    yield paint(f"    python -m workshop {command}", "bold")
