"""What a class needs: python -m workshop.

python -m workshop              where you are
python -m workshop start        make mine/, a folder to type in
python -m workshop page         put the finished page into it
python -m workshop check        try what it does, and compare it with the tutorial
python -m workshop step 5       put it into its state after step 5
                                --without post,read leaves these to be typed
python -m workshop exercise 2   check exercise 2; --here: in the project's own files
python -m workshop load         measure step 2 and chat.py side by side, and draw it
python -m workshop board        the chat with a page that shows its log, for a projector
"""

import argparse
import difflib
import os
import sys

from workshop import mine
from workshop.mine import MINE, TOP, WorkshopError
from workshop.terminal import paint, speak_utf8


def overview(words):
    from workshop.check import find_position, source
    from workshop.exercises import FOLDERS
    from workshop.steps import read_listings, read_titles

    options("", words)
    listings, titles = read_listings(), read_titles()
    position = find_position(mine.read_mine(listings), listings)
    done = position.step - (not position.complete)
    for step in dict.fromkeys(one.step for one in listings):
        here = step <= done and step not in position.left_out
        words = f"[{'x' if here else ' '}] {step:2} {titles[step]}"
        print(paint(words, "green") if here else words)
    green = mine.green_exercises()
    marks = (f"[{'x' if number in green else ' '}] {number}" for number in FOLDERS)
    print("Exercises:", *marks)
    if position.next:
        print("Next:", *source(position.next), sep="\n")
    print("See what works: python -m workshop check")


def start(words):
    options("start", words)
    print("\n".join(mine.start()))


def page(words):
    options("page", words)
    print("\n".join(mine.page()))


def check(words):
    from workshop.check import main

    options("check", words)
    main()


def step(words):
    given = options("step", words, number=int, without="")
    print("\n".join(mine.set_step(given.number, given.without.split(",")
                                  if given.without else ())))


def exercise(words):
    from workshop import exercises

    given = options("exercise", words, number=int, here=False)
    if given.number not in exercises.FOLDERS:
        raise WorkshopError(f"There is no exercise {given.number}: they go from"
                            f" {min(exercises.FOLDERS)} to {max(exercises.FOLDERS)}.")
    if not given.here:
        mine.require_folder(MINE)
    green = exercises.check(given.number, TOP if given.here else MINE)
    if green and not given.here:
        mine.note_green(given.number)
    sys.exit(not green)


def load(words):
    from workshop.load import main

    main(words)


def board(words):
    from workshop.board import main

    main(words)


COMMANDS = {"": overview, "start": start, "page": page, "check": check, "step": step,
            "exercise": exercise, "load": load, "board": board}  # fmt: skip


def options(command, words, **kinds):
    """Return what follows a command; else say how it is used, and end.

    Args:
        kinds: a type for what must be given, a default for what may be.
    """
    parser = argparse.ArgumentParser(prog=f"python -m workshop {command}".strip())
    for name, kind in kinds.items():
        if isinstance(kind, type):
            parser.add_argument(name, type=kind)
        elif kind is False:
            parser.add_argument(f"--{name}", action="store_true")
        else:
            parser.add_argument(f"--{name}", default=kind)
    return parser.parse_args(words)


def main():
    speak_utf8()
    word, *words = sys.argv[1:] or [""]
    if word in ("-h", "--help", "help"):
        return print(__doc__.strip())
    if word not in COMMANDS:
        near = difflib.get_close_matches(word, COMMANDS, 1, 0.5)
        guess = f"Did you mean {near[0]}?" if near else "See: python -m workshop --help"
        sys.exit(f"There is no command {word}. {guess}")
    try:
        COMMANDS[word](words)
        sys.stdout.flush()
    except WorkshopError as error:
        sys.exit(str(error))
    except BrokenPipeError:  # behind `| head -1`; Python would try again at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except ModuleNotFoundError as error:
        if error.name != "tornado":
            raise
        sys.exit("Python has no Tornado here. Activate the virtual environment that you"
                 " have made in this terminal, and say this again.")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
