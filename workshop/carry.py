"""Carry the solutions of the exercises over to a project that has changed.

    python -m workshop.carry

A solution is a diff against the project as it was when the solution was made. This
finds that state in git, puts the changes since then and those of the solution together
(a three-way merge), and writes the solution anew. A word that was renamed everywhere
is renamed in the solution, too. What could not be carried, and the wrong solutions that
fit no right one any more, it names in one list.
"""

import difflib
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests import exercises as proofs
from workshop.exercises import FOLDERS, apply_diff, broken_programs, read_step
from workshop.steps import TOP, states

COMMITS = 50  # how far back it looks for the state that a solution was made for


class Conflict(ValueError):
    """Two versions change the same lines in different ways."""


def changes(base, version):
    """Return what a version changes: triples of first line, end, new lines."""
    matcher = difflib.SequenceMatcher(None, base, version, autojunk=False)
    return [(i1, i2, version[j1:j2])
            for kind, i1, i2, j1, j2 in matcher.get_opcodes() if kind != "equal"]


def merge(base, *versions):
    """Put the changes of some versions of a text together.

    What two versions insert at the same place is kept, the first one's first.

    Args:
        base: the text that all have changed.
        versions: the changed texts.
    Returns:
        The text with all changes.
    Raises:
        Conflict: two of them change the same lines.
    """
    lines = base.splitlines(keepends=True)
    versions = [version.splitlines(keepends=True) for version in versions]
    merged, place, last = [], 0, None
    every = [change for version in versions for change in changes(lines, version)]
    for change in sorted(every, key=lambda change: change[:2]):
        first, end, new = change
        if change == last:
            continue
        if first < place:
            raise Conflict("".join(lines[first:end]) or "".join(new))
        merged += lines[place:first] + new
        place, last = end, change
    return "".join(merged + lines[place:])


def renames(old, new):
    """Return the words that are gone, each with the one in its place: {old: new}."""
    old, new = re.findall(r"\w+", old), re.findall(r"\w+", new)
    pairs = [(old[first], words[0]) for first, end, words in changes(old, new)
             if end - first == len(words) == 1]
    return {gone: came for gone, came in pairs if gone not in new and came not in old}


def to_diff(name, old, new, context=2):
    """Return a unified diff of a file, with some lines of context."""
    lines = old.splitlines(keepends=True), new.splitlines(keepends=True)
    names = f"a/{name}", f"b/{name}"
    return "".join(difflib.unified_diff(*lines, *names, n=context))


def reader(number, commit):
    """Return a function that reads what an exercise was for in a commit."""

    def show(name):
        command = ["git", "show", f"{commit}:{name}"]
        done = subprocess.run(command, cwd=TOP, check=True, capture_output=True)
        return done.stdout.decode()

    if number:
        return show
    with tempfile.NamedTemporaryFile("w", suffix=".md") as tutorial:
        tutorial.write(show("tutorial.md"))
        tutorial.flush()
        return states(tutorial.name)[read_step(number)].get


def find_base(number, diff):
    """Return a function that reads the files for which a diff was made."""
    command = ["git", "rev-list", f"--max-count={COMMITS}", "HEAD"]
    head, *commits = subprocess.check_output(command, cwd=TOP, text=True).split()
    for commit in (head, None, *commits):
        try:
            read = reader(number, commit) if commit else proofs.read_before(number)
            apply_diff(diff, read)
            return read
        except (ValueError, OSError, KeyError, subprocess.CalledProcessError):
            pass
    raise Conflict(f"None of the last {COMMITS} commits is what it was made for.")


def carry(number, path):
    """Write a solution anew, for the files as they are now.

    Raises:
        Conflict: it could not be carried over, and is as it was.
    """
    diff, read_now = path.read_text(encoding="utf-8"), proofs.read_before(number)
    read = find_base(number, diff)
    carried = diff[:diff.index("--- a/")]
    context = 1 if path.stem.endswith("_second") else 2  # students read the first ones
    for name, solved in apply_diff(diff, read).items():
        texts, now = [read(name), solved], read_now(name)
        for gone, came in renames(texts[0], now).items():
            texts = [re.sub(rf"\b{gone}\b", came, text) for text in texts]
        carried += to_diff(name, now, merge(texts[0], now, texts[1]), context)
    path.write_text(carried, encoding="utf-8", newline="\n")


def write_repairs():
    """Write anew the solution of exercise 7, which repairs what its bugs/ break."""
    path = FOLDERS[7] / "solution.diff"
    diff = path.read_text(encoding="utf-8")
    diff, right = diff[:diff.index("--- a/")], proofs.read_now("chat.py")
    for name, broken in broken_programs(7).items():
        diff += to_diff(name, broken, right)
    path.write_text(diff, encoding="utf-8", newline="\n")


def main():
    seconds = sorted(Path(proofs.__file__).parent.glob("*_second.diff"))
    bugs = sorted(FOLDERS[7].glob("bugs/*.diff"))
    paths = [*((n, FOLDERS[n] / "solution.diff") for n in FOLDERS if n != 7),
             *((int(path.name[0]), path) for path in seconds),
             *((1, path) for path in bugs)]  # for the project's files, as exercise 1 is
    failed = []
    for number, path in paths:
        try:
            carry(number, path)
        except Conflict as conflict:
            failed.append(f"{path.relative_to(TOP).as_posix()}: {conflict}")
    if not any("/bugs/" in line for line in failed):
        write_repairs()
    failed += proofs.misfits()
    if failed:
        sys.exit("\n".join(["These no longer fit:", *failed]))
    print(f"All {len(paths)} solutions fit.")


if __name__ == "__main__":
    main()
