"""Run the check of an exercise.

python -m workshop.exercises 2         with the chat.py in this folder
python -m workshop.exercises 2 mine    with the chat.py in another one
python -m workshop.exercises 2 -v      with a traceback where it is red
"""

import argparse
import sys

from workshop.exercises import FOLDERS, load, text_of
from workshop.terminal import speak_utf8, until_unread


def main():
    parser = argparse.ArgumentParser(prog="python -m workshop.exercises")
    parser.add_argument("number", type=int, choices=FOLDERS, help="of the exercise")
    parser.add_argument("folder", nargs="?", default=".", help="where chat.py is")
    parser.add_argument("-v", action="store_true", help="print tracebacks, too")
    stage = parser.add_mutually_exclusive_group()
    for name in ("server", "page"):
        words = f"check the {name} alone"
        stage.add_argument(f"--{name}", action="store_true", help=words)
    options = parser.parse_args()
    speak_utf8()
    sys.path.insert(0, options.folder)
    try:
        from workshop.exercises import checking
    except Exception as error:  # whatever the chat.py of a student may raise
        sys.exit(f"chat.py cannot be imported: {type(error).__name__}: {error}")
    task = text_of(options.number, "README.md")
    print(task.partition("\n")[0].lstrip("# "))
    stages = [name for name in checking.STAGES if vars(options)[name]]
    check = load(options.number, "check")
    if not checking.run(check, task, stages or checking.STAGES, options.v):
        sys.exit(1)
    print("\nAll green. What the chat did before: python -m unittest test_chat")


if __name__ == "__main__":
    until_unread(main)
