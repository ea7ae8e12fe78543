"""The student's own folder: mine/."""

import difflib
import shutil
from pathlib import Path

from workshop.steps import finished_page, read_titles, read_units, states, write_files

TOP = Path(__file__).resolve().parent.parent
MINE = TOP / "mine"
EXPERIMENTS = TOP / "workshop" / "experiments"  # what the tutorial runs besides
SCREEN = 24  # lines
KEPT = "kept"  # in mine/: what a command has replaced
GREEN = ".green"  # in mine/kept/: the numbers of the exercises whose check was green


class WorkshopError(Exception):
    """Something that a student can put right: one or two sentences."""


def show(path):
    """Return a path as a student sees it, from the project's folder."""
    try:
        return path.relative_to(TOP).as_posix()
    except ValueError:
        return str(path)


def require_folder(folder):
    """Look whether there is a folder, or raise WorkshopError."""
    if folder.exists() and not folder.is_dir():
        raise WorkshopError(f"{show(folder)} is a file, and should be a folder. Rename"
                            " it, then: python -m workshop start")
    if not folder.exists():
        raise WorkshopError(f"There is no folder {show(folder)}/ yet. Make it:"
                            " python -m workshop start")


def read_text(path):
    """Return the text of a student's file, "" if there is none.

    Raises:
        WorkshopError: it is no text.
    """
    try:
        return path.read_text("utf-8-sig") if path.exists() else ""
    except UnicodeDecodeError as error:
        raise WorkshopError(f"{show(path)} is no UTF-8 text (byte {error.start}). Save"
                            " it with the encoding UTF-8.") from error
    except OSError as error:
        raise WorkshopError(f"{show(path)} cannot be read ({error.strerror}). Rename"
                            " it, and save your program under its name.") from error


def read_mine(listings, folder=MINE):
    """Return {name: text} of what the student has typed, or raise WorkshopError."""
    require_folder(folder)
    names = dict.fromkeys(one.file for one in listings if one.file)
    texts = {name: read_text(folder / name) for name in names}
    return {name: text for name, text in texts.items() if text.strip()}


def start(folder=MINE):
    """Make the folder; return what to say, or raise WorkshopError: it is there."""
    if folder.exists():
        raise WorkshopError(f"{show(folder)}/ is there already, and stays as it is. To"
                            " begin anew, rename it and say this again.")
    folder.mkdir()
    shutil.copy(TOP / "requirements.txt", folder)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(EXPERIMENTS, folder / "experiments", ignore=ignored)
    (folder / "chat.py").touch()
    return [f"{show(folder)}/ has an empty chat.py. Open tutorial.md, and type.",
            "Look where you are with: python -m workshop check"]


def page(folder=MINE):
    """Put the finished page into the folder; return what to say."""
    require_folder(folder)
    said = replace(folder, {**dict.fromkeys(pages(folder)), **finished_page()})
    return [*said, f"{show(folder)}/ has the finished page: templates/ and static/."]


def set_step(step, without=(), folder=MINE):
    """Put the folder into its state after a step; return what to say.

    Args:
        without: names of definitions that are left to be typed.
    Raises:
        WorkshopError: there is no such step, or no such definition.
    """
    titles = read_titles()
    if step not in titles:
        raise WorkshopError(f"There is no step {step}: they go from {min(titles)} to"
                            f" {max(titles)}.")
    files, holes = states()[step], []
    if without:
        files["chat.py"], holes = make_holes(files["chat.py"], without)
    said = [] if folder.exists() else start(folder)
    require_folder(folder)
    old = read_text(folder / "chat.py")
    said += replace(folder, {**dict.fromkeys(pages(folder)), **files})
    said.append(f"{show(folder)}/ is as after step {step}, {titles[step]}.")
    said += [f"Left to be typed: {name}" for name in holes]
    return said + changes(old, files["chat.py"])


def pages(folder):
    """Return the names of the files of a page."""
    paths = [*folder.glob("templates/*"), *folder.glob("static/*")]
    return [path.relative_to(folder).as_posix() for path in paths if path.is_file()]


def replace(folder, files):
    """Write {name: text}, None for no file; what is the student's own goes to kept/.

    Returns:
        What to say.
    """
    known = {(name, text.strip()) for each in [finished_page(), *states().values()]
             for name, text in each.items()}
    numbers = [int(path.name) for path in folder.glob(f"{KEPT}/[0-9]*")]
    kept = folder / KEPT / str(max(numbers, default=0) + 1)
    own = []
    for name, text in files.items():
        path = folder / name
        typed = read_text(path).strip()
        if typed and typed != (text or "").strip() and (name, typed) not in known:
            own.append(name)
            write_files({name: read_text(path)}, kept)
        path.unlink(missing_ok=True)
    write_files({name: text for name, text in files.items() if text}, folder)
    return [f"Your own {', '.join(own)}: kept in {show(kept)}/."] if own else []


def make_holes(text, names):
    """Take definitions out of a program; return the rest, and what was taken."""
    lines, taken = text.split("\n"), []
    for unit in reversed(read_units(lines)):
        whole = f"{unit.scope}.{unit.name}" if unit.scope else unit.name
        if unit.kind == "def" and {unit.name, whole} & set(names):
            taken.insert(0, whole)
            indent = lines[unit.first][:4 * bool(unit.scope)]
            lines[unit.first:unit.end] = [f"{indent}# Here {whole} is missing."]
    missing = [name for name in names if not any(
        name in (whole, whole.partition(".")[2]) for whole in taken)]
    if missing:
        raise WorkshopError(f"At this step, chat.py has no {', '.join(missing)}.")
    return "\n".join(lines), taken


def changes(old, new):
    """Yield what changes in chat.py, a screen at most."""
    lines = list(difflib.unified_diff(
        old.splitlines(), new.splitlines(), "before", "after", "", "", 1, ""))
    rest = len(lines) - SCREEN
    return lines[:SCREEN] + [f"... and {rest} lines more"] * (rest > 0)


def green_exercises(folder=MINE):
    """Return the numbers of the exercises whose check was green."""
    path = folder / KEPT / GREEN
    return {int(n) for n in path.read_text().split()} if path.exists() else set()


def note_green(number, folder=MINE):
    """Remember that the check of an exercise was green."""
    (folder / KEPT).mkdir(exist_ok=True)
    numbers = sorted(green_exercises(folder) | {number})
    (folder / KEPT / GREEN).write_text(" ".join(map(str, numbers)) + "\n")
