"""Run the check of an exercise.

python -m workshop.exercises 2         with the chat.py in this folder
python -m workshop.exercises 2 mine    with the chat.py in another one
python -m workshop.exercises 2 -v      with a traceback where it is red
"""

import argparse
import importlib.util
import sys

from workshop.exercises import FOLDERS


def load(number):
    """Import the check of an exercise.

    A name that begins with a digit, as its folder has, fits no import statement.
    """
    path = FOLDERS[number] / "check.py"
    spec = importlib.util.spec_from_file_location(f"check_{number}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main():
    parser = argparse.ArgumentParser(prog="python -m workshop.exercises")
    parser.add_argument("number", type=int, choices=FOLDERS, help="of the exercise")
    parser.add_argument("folder", nargs="?", default=".", help="where chat.py is")
    parser.add_argument("-v", action="store_true", help="print tracebacks, too")
    options = parser.parse_args()
    sys.path.insert(0, options.folder)
    try:
        from workshop.exercises import checking
    except Exception as error:  # whatever the chat.py of a student may raise
        sys.exit(f"chat.py cannot be imported: {type(error).__name__}: {error}")
    task = (FOLDERS[options.number] / "README.md").read_text(encoding="utf-8")
    print(task.partition("\n")[0].lstrip("# "))
    if not checking.run(load(options.number), task, options.v):
        sys.exit(1)
    print("\nAll green. What the chat did before: python -m unittest test_chat")


if __name__ == "__main__":
    main()
