"""The student's own folder: mine/."""

import datetime
import shutil
from pathlib import Path

from workshop.steps import read_steps, read_titles, type_listings

TOP = Path(__file__).resolve().parent.parent
MINE = TOP / "mine"
EXPERIMENTS = TOP / "workshop" / "experiments"  # what the tutorial runs besides
INSIDE = TOP / "workshop" / "inside.py"  # the workshop's commands, from that folder
GIVEN = "templates", "static", "requirements.txt"
PROGRAMS = "loop.py", "chat.py", "redis_room.py"  # what is typed
GREEN = ".green"  # in mine/: the numbers of the exercises whose check was green


class WorkshopError(Exception):
    """Something that a student can put right: one or two sentences."""


def show(path):
    """Return a path as a student sees it, from the project's folder."""
    try:
        return path.relative_to(TOP).as_posix()
    except ValueError:
        return str(path)


def program_listings():
    """Return the listings of the tutorial that go into PROGRAMS."""
    return [one for one in read_steps() if one.file in PROGRAMS]


def require_folder(folder):
    """Look whether a folder is one.

    Raises:
        WorkshopError: it is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise WorkshopError(
            f"{show(folder)} is a file, and should be a folder. Rename it, then:"
            " python -m workshop start"
        )


def read_mine(listings, folder=MINE):
    """Return {name: text} of the programs that the student has.

    Raises:
        WorkshopError: there is no such folder, or a file that is no text.
    """
    require_folder(folder)
    if not folder.exists():
        raise WorkshopError(
            f"There is no folder {show(folder)}/ yet. Make it: python -m workshop start"
        )
    files = {}
    for name in dict.fromkeys(one.file for one in listings):
        path = folder / name
        try:
            text = path.read_text(encoding="utf-8-sig") if path.exists() else ""
        except UnicodeDecodeError as error:
            raise WorkshopError(
                f"{show(path)} is no UTF-8 text (byte {error.start}). Save it in your"
                " editor with the encoding UTF-8."
            ) from error
        except OSError as error:
            raise WorkshopError(
                f"{show(path)} cannot be read as a file ({error.strerror})."
                " Rename it, and save your program under that name."
            ) from error
        if text.strip():
            files[name] = text
    return files


def has_program(folder=MINE):
    """Tell whether the student has typed something into chat.py."""
    path = folder / "chat.py"
    return path.is_file() and bool(path.read_bytes().strip())


def start(folder=MINE):
    """Make the folder, with all that nobody has to type; return what to say.

    Raises:
        WorkshopError: it is there already.
    """
    if folder.exists():
        raise WorkshopError(
            f"{show(folder)}/ is there already, and stays as it is. To begin anew,"
            " rename it and say this again."
        )
    folder.mkdir()
    for name in GIVEN:
        copy = shutil.copytree if (TOP / name).is_dir() else shutil.copy
        copy(TOP / name, folder / name)
    for path in EXPERIMENTS.glob("*.py"):
        shutil.copy(path, folder)
    shutil.copy(INSIDE, folder / "workshop.py")
    (folder / "chat.py").touch()
    yield f"{show(folder)}/ has an empty chat.py, and all that nobody has to type."
    yield "Now open tutorial.md, and type into this folder. Look where you are with:"
    yield "    python -m workshop check"


def set_step(step, folder=MINE):
    """Put the student's programs into their state after a step; yield what to say.

    What was there is kept beside it, with the time in its name.

    Args:
        step: its number.
        folder: the student's.
    Raises:
        WorkshopError: there is no such step.
    """
    titles = read_titles()
    if step not in titles:
        raise WorkshopError(
            f"There is no step {step}: they go from {min(titles)} to {max(titles)}."
        )
    require_folder(folder)
    if not folder.exists():
        yield from start(folder)
    files = type_listings([one for one in program_listings() if one.step <= step])
    for name in PROGRAMS:
        path = folder / name
        text = "".join(line.text + "\n" for line in files.get(name, ()))
        if kept := keep(path, text):
            later = "" if text else ", for it belongs to a later step"
            yield f"Your own {name} is kept as {show(kept)}{later}."
        if text:
            path.write_text(text, encoding="utf-8", newline="\n")
    names = ", ".join(show(folder / name) for name in files)
    yield f"{names}: the state after step {step}, {titles[step]}."


def keep(path, text):
    """Keep a file beside itself, unless it is empty or has this text already.

    Whatever else has its name, such as a folder, is kept as well.

    Returns:
        Where it is kept, or None.
    """
    if not path.exists():
        return None
    if path.is_file() and path.read_bytes().strip() in (b"", text.strip().encode()):
        return None
    # A colon is no letter for a file in Windows.
    when = datetime.datetime.now().strftime("%Y-%m-%d %H.%M.%S")
    name, number = f"{path.stem} {when}", 2
    kept = path.with_name(f"{name}.py")
    while kept.exists():
        kept = path.with_name(f"{name} ({number}).py")
        number += 1
    path.rename(kept)
    return kept


def green_exercises(folder=MINE):
    """Return the numbers of the exercises whose check was green."""
    path = folder / GREEN
    return {int(n) for n in path.read_text().split()} if path.exists() else set()


def note_green(number, folder=MINE):
    """Remember that the check of an exercise was green."""
    if folder.is_dir():
        numbers = sorted(green_exercises(folder) | {number})
        (folder / GREEN).write_text(" ".join(map(str, numbers)) + "\n")
