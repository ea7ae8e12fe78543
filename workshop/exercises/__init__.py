"""The exercises: a folder for each, which begins with its number.

    README.md      the task: every sentence is a requirement; with a hint
    check.py       red until the task is done
    solution.diff  one way to do it, against the project as it is
    bugs/          in exercise 7, what makes programs with a bug from chat.py

`python -m workshop exercise 2` runs a check.
"""

import importlib.util
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDERS = {int(path.name[0]): path for path in Path(__file__).parent.glob("[0-9]_*")}
FOLDERS = dict(sorted(FOLDERS.items()))
TOP = Path(__file__).parents[2]
STAGES = "server", "page", "before"  # before: the chat still does what it did
RUN = "from workshop.exercises.checking import main; main()"


def check(number, folder=TOP, stages=STAGES, verbose=False, say=print):
    """Check an exercise; all stages at once, for they wait most of the time.

    Args:
        folder: where chat.py is, with templates/ and static/.
        stages: some of STAGES.
        verbose: say tracebacks and times, too.
        say: is called with each line: one for each requirement, the simplest first.
    Returns:
        Whether all requirements are met.
    """
    say(text_of(number, "README.md").partition("\n")[0].lstrip("# "))
    for name, text in broken_programs(number).items():
        if not Path(folder, name).exists():
            say(f"There is {Path(folder, name)} now, which has a bug.")
            Path(folder, name).write_text(text, encoding="utf-8")
    command = [sys.executable, "-c", RUN, str(number), str(Path(folder).resolve())]
    green = True
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        for process in [start([*command, stage], place, verbose) for stage in stages]:
            with process:  # what is red ends the others: they see that stdin is closed
                for line in process.stdout if green else ():
                    say(line.rstrip("\n"))
                process.stdin.close()
            green = green and process.returncode == 0
    return green


def broken_programs(number):
    """Return the programs in which an exercise lets one find a bug, by name."""
    programs = {}
    for path in sorted(FOLDERS[number].glob("bugs/*.diff")):
        diff = path.read_text(encoding="utf-8")
        [text] = apply_diff(diff, lambda name: (TOP / name).read_text("utf-8")).values()
        programs[f"{path.stem}.py"] = text
    return programs


def start(command, place, verbose):
    """Start the check of a stage; all that it writes is in one place."""
    environment = {"PYTHONIOENCODING": "utf-8", "TMPDIR": place, "TEMP": place}
    return subprocess.Popen(
        command + ["-v"] * verbose,
        cwd=TOP,
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )


def load(number, name="check"):
    """Import a file of an exercise.

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


def read_titles(number):
    """Return what each requirement says, in bold in the task, by its number."""
    task = text_of(number, "README.md")
    found = re.findall(r"^(\d+)\. \*\*(.*?)\*\*", task, re.MULTILINE | re.DOTALL)
    return {int(number): " ".join(title.split()) for number, title in found}


def read_step(number):
    """Return the step of the tutorial from which on an exercise can be done."""
    row = r"^\| \w+ \| \d+: [^|]*\| (\d+) \|"
    return int(re.search(row, text_of(number, "README.md"), re.MULTILINE)[1])


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
