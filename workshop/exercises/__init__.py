"""The exercises: a folder for each, which begins with its number.

    README.md      the task: every sentence is a requirement
    hint.md        where to look
    check.py       red until the task is done
    solution.diff  one way to do it, against the project as it is

`python -m workshop.exercises 2` runs the check of exercise 2.
"""

import re
from pathlib import Path

HERE = Path(__file__).parent
FOLDERS = {int(path.name[0]): path for path in sorted(HERE.glob("[0-9]_*"))}


def apply_diff(diff, folder):
    """Change the files in a folder as a unified diff says.

    Raises:
        ValueError: the files are not those that the diff was made for.
    """
    for part in re.split(r"^--- a/.*\n\+\+\+ b/", diff, flags=re.M)[1:]:
        name, _, hunks = part.partition("\n")
        path = Path(folder, name)
        lines = path.read_text(encoding="utf-8").split("\n")
        hunks = re.split(r"^@@ -(\d+).*\n", hunks, flags=re.M)[1:]
        for start, hunk in list(zip(hunks[::2], hunks[1::2]))[::-1]:
            changes = re.findall(r"^([ +-]?)(.*)$", hunk.rstrip("\n"), re.M)
            old = [line for sign, line in changes if sign != "+"]
            first = int(start) - 1
            if lines[first : first + len(old)] != old:
                raise ValueError(f"{name} is another one at line {start}")
            new = [line for sign, line in changes if sign != "-"]
            lines[first : first + len(old)] = new
        path.write_text("\n".join(lines), encoding="utf-8")
