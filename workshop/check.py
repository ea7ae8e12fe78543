"""Say where a student is: what works, what differs from the text, what comes next."""

import ast
import collections
import os
import re
import subprocess
import sys
import unicodedata

from workshop.compare import QUOTES, compare, find_stage, left_out, removed, to_code
from workshop.mine import MINE, TOP, green_exercises, read_mine, show
from workshop.steps import read_listings, read_titles
from workshop.terminal import paint

AROUND = 2  # lines that are shown above and below a difference
PATIENCE = 60  # seconds for the tests
SENTENCES = {
    "missing": "Below this a line is missing:",
    "wrong": "This line is not as in the text:",
    "indented": "This line begins at the wrong place; count the spaces:",
    "moved": "This line stands at the wrong place:",
    "doubled": "This line is typed twice:",
    "extra": "This line is not in the text, or not any more:",
}

# step: the last one that has been begun, or 0; complete: whether all of it is there;
# next: the Line or Listing to type next, or None; names: of what differs; left_out:
# earlier steps; unreadable: what Python says of a file that it cannot read, or "".
Position = collections.namedtuple(
    "Position", "step complete next differences names left_out unreadable")


def find_position(files, listings):
    """Compare {name: text} with the tutorial."""
    count, stage = find_stage(files, listings)
    if not count:
        return Position(0, False, listings[0], [], [], [], "")
    last = listings[count - 1]
    differences, names, gone, tail = [], [], set(), []
    for name, lines in stage.items():
        found, keys = compare(name, files.get(name, ""), lines)
        gone |= left_out(found, lines, last.step)
        names += keys if name.endswith(".py") else [name] * bool(found)
        # What is missing at the end of the last listing has not been typed yet.
        end = [code.line for code in to_code(lines) if code.line.listing is last]
        while end and found and found[-1].kind == "missing" and (
                found[-1].wanted is end.pop()):
            tail.append(found.pop().wanted)
        differences += found
    for one in differences:
        if one.kind == "extra":
            one.wanted = removed(one, listings[:count]) or one.wanted
    later = [one for one in listings[count:] if one.step == last.step]
    following = (tail[-1:] + later + [None])[0]
    unreadable = "" if tail and not differences else syntax_error(files)
    return Position(last.step, not following, following, sort(differences, unreadable),
                    names, sorted(gone), unreadable)


def sort(differences, unreadable):
    """Put what is nearest to where Python gives up first, and one's own lines last."""
    if "three quotes" in unreadable:
        return sorted(differences, key=lambda one: QUOTES not in one.text + (
            one.wanted.text if one.wanted else ""))
    file, number = (*re.findall(r"(\S+), line (\d+)", unreadable), ("", 0))[0]
    return sorted(differences, key=lambda one: (one.file != file, (
        abs(one.number - int(number)) if file else one.kind == "extra")))


def syntax_error(files):
    """Return what Python says about the first file that it cannot read, or ""."""
    for name, text in files.items():
        try:
            ast.parse(text if name.endswith(".py") else "")
        except SyntaxError as error:
            odd = text.count(QUOTES) % 2  # what is text and what is code is exchanged
            hint = ". Somewhere three quotes are missing" if odd else ""
            return f"{name}, line {error.lineno}: {error.msg}{hint}"
        except ValueError as error:  # a NUL
            return f"{name}: {error}"
    return ""


def strange(text, wanted):
    """Yield a sentence for each letter that is not what it seems to be."""
    for letter in dict.fromkeys(text):
        if letter.isascii() or letter in wanted:
            continue
        name = unicodedata.name(letter, "a letter without a name").lower()
        kind = "a curly quote, " if "quotation mark" in name else ""
        place = " in the indentation" if letter in text[:-len(text.lstrip())] else ""
        look = f"{letter} " if unicodedata.category(letter)[0] not in "CZ" else ""
        yield f"There is {look}U+{ord(letter):04X}{place}: {kind}{name}. Type it anew."


def describe(one, text):
    """Yield the lines that tell about a Difference."""
    if not text:
        yield f"{show(MINE)}/{one.file} is missing."
        return (yield from source(one.wanted))
    lines, number = text.split("\n"), one.number
    yield f"{show(MINE)}/{one.file}, line {one.number}. {SENTENCES[one.kind]}"
    first = max(0, number - 1 - AROUND)
    for n, line in enumerate(lines[first:number + AROUND], first + 1):
        here = n == number
        mark = ">" if here and one.kind != "missing" else " "
        yield f"{mark} {n:4}  {line.rstrip().expandtabs(4)}"
        if here and one.kind in ("wrong", "indented", "missing"):
            yield paint(f"+       {one.wanted.text}", "green")
    typed = lines[number - 1] if number else ""
    yield from strange(typed, one.wanted.text if one.wanted else "")
    if one.below:
        belongs = "It belongs below" if one.kind == "moved" else "It also stands in"
        yield f"{belongs} line {one.below}."
    if one.wanted and one.wanted.listing:
        yield from source(one.wanted)


def source(line):
    """Yield where a Line, or a Listing, stands in the text."""
    listing = getattr(line, "listing", line)
    yield f"Step {listing.step}, tutorial.md, line {line.number}:"
    yield f"    {listing.place[0] if listing.place else 'python -m workshop page'}"


def run_tests(step, folder):
    """Run the tests of the steps so far; return how many, or what was red first."""
    path = os.pathsep.join(filter(None, [str(TOP), os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "unittest", "-f", "test_chat"]
    environment = {**os.environ, "STEP": str(step), "PYTHONPATH": path}
    try:
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True,
                              encoding="utf-8", errors="replace", timeout=PATIENCE,
                              check=False)
    except subprocess.TimeoutExpired:
        return 0, f"the tests have not ended after {PATIENCE} s"
    ran, skipped = [int((re.findall(rf"{word}(\d+)", done.stderr) or [0])[-1])
                    for word in ("Ran ", "skipped=")]
    if not done.returncode:
        return ran - skipped, ""
    if "No module named 'tornado'" in done.stderr:
        raise ModuleNotFoundError(name="tornado")
    name = re.search(r"^(?:FAIL|ERROR): (test_\w+)", done.stderr, re.MULTILINE)
    # What the chat has complained of says more than what did not come from it.
    errors = re.search(r"(?ms)^ERROR: tearDownClass.*?^===", done.stderr)
    words = re.findall(r"(?m)^[\w.]*(?:Error|Exception)\b.*",
                       errors[0] if errors else done.stderr)
    return 0, f"{name[1] if name else 'test_chat'}: {(words or [''])[-1]}"


def report(position, files, folder=MINE):
    """Yield what a student reads about a Position; return whether all is well."""
    step, differences, titles = position.step, position.differences, read_titles()
    if not step:
        yield f"{show(folder)}/chat.py is empty. Begin with this listing:"
        yield from source(position.next)
        return True
    yield paint(f"Step {step}, {titles[step]}.", "bold")
    for one in position.left_out:
        yield f"Step {one}, {titles[one]}, is left out: python -m workshop step {one}"
    if red := position.unreadable:
        yield paint(f"Python cannot read {red}", "red")
    elif position.complete:
        count, red = run_tests(step, folder)
        yield (paint(f"A test is red. {red}", "red") if red
               else f"{count} tests of the steps so far are green.")
    if differences and position.complete and not red:
        pages = [name for name in position.names if name == "PAGE" or "/" in name]
        if works := [name for name in position.names if name not in pages][:5]:
            yield f"It differs from the text, and works: {', '.join(works)}."
        if green := sorted(green_exercises(folder)):
            yield f"Exercises that are solved here: {', '.join(map(str, green))}."
        elif pages:
            yield "No test runs a page's script. Is this meant, and does it work?"
            first = min(differences, key=lambda one: one.file != pages[0])
            yield from describe(first, files.get(first.file, ""))
    elif differences:
        yield from describe(differences[0], files.get(differences[0].file, ""))
        if len(differences) > 1:
            yield f"Mend this first; the number of differences is {len(differences)}."
    elif red:
        yield "It is as in the text. Try python -m workshop page, or a newer Tornado."
    elif position.next:
        yield "All is right so far. Next comes this:"
        yield from source(position.next)
    return not red and (position.complete or not differences)


def main():
    """Check the student's folder."""
    files = read_mine(listings := read_listings())
    lines = report(find_position(files, listings), files)
    while True:
        try:
            print(next(lines), flush=True)
        except StopIteration as end:
            sys.exit(not end.value)
