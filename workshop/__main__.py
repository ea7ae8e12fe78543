"""What a class needs: python -m workshop.

python -m workshop              where you are
python -m workshop start        make mine/, a folder to type in
python -m workshop check        compare it with the tutorial, and try what it does
python -m workshop step 5       put it into its state after step 5
python -m workshop exercise 2   check exercise 2
python -m workshop load         measure loop.py and chat.py, and draw it
python -m workshop board        the chat with a page that shows its log, for a projector
"""

import difflib
import subprocess
import sys

from workshop import mine
from workshop.exercises import FOLDERS
from workshop.mine import MINE, TOP, WorkshopError
from workshop.steps import read_exercises
from workshop.terminal import speak_utf8, until_unread

OWN_HELP = "load", "board"  # commands that have options


def overview(words):
    from workshop.overview import overview

    print("\n".join(overview()))


def start(words):
    forbid(words, "start")
    print("\n".join(mine.start()))


def check(words):
    forbid(words[1:], "check")
    from workshop.check import main

    main(words)


def step(words):
    number = to_number(words, "step")
    forbid(words[1:], f"step {number}")
    for line in mine.set_step(number):
        print(line)
    print("Look at it: python -m workshop check")


def exercise(words):
    number = to_number(words, "exercise")
    if number not in FOLDERS:
        raise WorkshopError(
            f"There is no exercise {number}: they go from 1 to {max(FOLDERS)}."
        )
    folder = str(MINE)
    if mine.has_program():
        warn(number)
    else:
        folder = "."
        print("In mine/ is no program yet. Checked is the project's own.", flush=True)
    command = [sys.executable, "-m", "workshop.exercises", str(number), folder]
    status = subprocess.run([*command, *words[1:]], cwd=TOP, check=False).returncode
    if not status:
        mine.note_green(number)
    sys.exit(status)


def warn(number):
    """Say so if mine/ has not come as far as an exercise needs."""
    from workshop.check import find_position

    needed, listings = read_exercises()[number], mine.program_listings()
    step = find_position(mine.read_mine(listings), listings).step
    # A step that has nothing to type is reached with the one before.
    if step < max(one.step for one in listings if one.step <= needed):
        print(
            f"Exercise {number} needs step {needed}, and mine/ has reached step {step}."
            f" Type on, or say: python -m workshop step {needed}",
            flush=True,
        )


def load(words):
    from workshop.load import main

    main(words)


def board(words):
    from workshop.board import main

    main(words)


COMMANDS = {
    "start": start,
    "check": check,
    "step": step,
    "exercise": exercise,
    "load": load,
    "board": board,
}


def to_number(words, command):
    """Return the number that follows a command.

    Raises:
        WorkshopError: there is none.
    """
    if not words or not words[0].isdecimal():
        raise WorkshopError(f"Say which: python -m workshop {command} 2")
    return int(words[0])


def forbid(words, command):
    """Take no more words.

    Raises:
        WorkshopError: there are some.
    """
    if words:
        raise WorkshopError(
            f"Leave out {' '.join(words)}: python -m workshop {command}"
        )


def choose(word):
    """Return the function of a command.

    Raises:
        WorkshopError: there is no such command.
    """
    if word not in COMMANDS:
        near = difflib.get_close_matches(word, COMMANDS, 1)
        guess = f"Did you mean {near[0]}?" if near else "See: python -m workshop --help"
        raise WorkshopError(f"There is no command {word}. {guess}")
    return COMMANDS[word]


def wants_help(words):
    """Tell whether somebody asks what there is."""
    asks = {"-h", "--help", "help"} & set(words)
    return asks and words[0] not in OWN_HELP


def main():
    speak_utf8()
    words = sys.argv[1:]
    if wants_help(words):
        return print(__doc__.strip())
    try:
        command = choose(words[0]) if words else overview
        command(words[1:])
    except WorkshopError as error:
        sys.exit(str(error))
    except ModuleNotFoundError as error:
        if error.name != "tornado":
            raise
        sys.exit(
            "Python has no Tornado here. Activate the virtual environment that you have"
            " made in this terminal, and say this again."
        )
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    until_unread(main)
