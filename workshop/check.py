"""Say where a student is: the first difference from the tutorial, or what works."""

import ast
import asyncio
import itertools
import sys
from dataclasses import dataclass, field

from workshop.compare import QUOTES, Comparison, choose, find_steps, join_files
from workshop.mine import MINE, WorkshopError, program_listings, read_mine, show
from workshop.steps import read_titles, type_listings
from workshop.terminal import paint

AROUND = 2  # lines that are shown above and below a difference
SENTENCES = {
    "missing": "A line is missing in {target}.",
    "wrong": "A line in {scope} is not as in the tutorial.",
    "indented": "A line in {scope} begins at the wrong place: count the spaces.",
    "misplaced": "A line stands in {scope}, and belongs into {target}.",
    "elsewhere": "A line stands in {scope}, and belongs into {target}.",
    "moved": "A line in {scope} stands at the wrong place.",
    "doubled": "A line in {scope} is typed twice.",
    "foreign": "A line in {scope} is not in the tutorial, up to here.",
}
# What it means when the line is the quotes that end a docstring.
DOCSTRING = {
    "missing": "It ends a docstring. Without it, all below is no code.",
    "moved": "It ends a docstring, and all above it there is no code.",
}


@dataclass
class Position:
    """How far somebody is."""

    step: int = 0  # the last one that has been begun
    left_out: list = field(default_factory=list)  # numbers of steps before it
    done: int = 0  # of its lines
    lines: int = 0  # that it has
    mistakes: list = field(default_factory=list)  # Differences, the first one first
    next: object = None  # the Line to type next; None: the step is complete


def find_position(files, listings):
    """Compare programs with the tutorial.

    Args:
        files: {name: text}.
        listings: those of all steps that go into programs.
    Returns:
        A Position.
    """
    steps = find_steps(files, listings)
    if not steps:
        first = min(listings, key=lambda listing: listing.number)
        line = type_listings([first])[first.file][0]
        return Position(next=line)
    chosen = choose(listings, steps)
    # A program may have been typed into a file of another name.
    lines = {file: [] for file in files} | type_listings(chosen)
    comparisons = [Comparison(file, files.get(file, ""), lines[file]) for file in lines]
    differences = [one for comparison in comparisons for one in comparison.differences]
    join_files(differences)
    differences.sort(key=lambda one: one.order)
    missing = {one.order for one in differences if one.kind == "missing"}
    wanted = sorted(
        (code.source for comparison in comparisons for code in comparison.expected),
        key=lambda line: line.number,
    )
    mine = [line for line in wanted if line.listing.step == steps[-1]]
    position = Position(steps[-1], lines=len(mine))
    position.done = sum(line.number not in missing for line in mine)
    # What is missing at the end has not been typed yet: it is no mistake.
    while wanted and wanted[-1].number in missing:
        position.next = wanted.pop()
    first = position.next.number if position.next else float("inf")
    position.mistakes = [
        one for one in differences if one.kind != "missing" or one.order < first
    ]
    here = {listing.step for listing in chosen}
    there = {listing.step for listing in listings if listing.step < steps[-1]}
    position.left_out = sorted(there - here)
    return position


def syntax_error(file, text):
    """Return what Python says about a file that it cannot read, or ""."""
    try:
        ast.parse(text)
    except SyntaxError as error:
        place = f", line {error.lineno}" if error.lineno else ""
        hint = ""
        if isinstance(error, TabError):
            hint = ". Type four spaces for each tab"
        elif text.count(QUOTES) % 2:  # what is text and what is code is exchanged
            hint = ". Somewhere three quotes are missing"
        return f"{file}{place}: {error.msg}{hint}"
    except ValueError as error:  # a NUL
        return f"{file}: {error}"
    return ""


# ---------------------------------------------------------------------- what is said


def describe(one, text, titles):
    """Yield the lines that tell about a Difference.

    Args:
        one: the Difference.
        text: of the student's file.
        titles: of the steps.
    """
    kind = "moved" if one.kind == "misplaced" and one.scope == one.target else one.kind
    home = one.wanted.listing.file if one.wanted else one.file
    scope, target = tell_scope(one.scope, one.file), tell_scope(one.target, home)
    if kind == "elsewhere":
        scope, target = one.file, f"{target} of {home}" if one.target else target
    yield SENTENCES[kind].format(scope=scope, target=target)
    yield ""
    yield from excerpt(one, text.split("\n"))
    if kind in ("misplaced", "moved", "elsewhere"):
        place = f"below line {one.below}" if one.below else "at the beginning"
        yield f"It belongs {place}{f' of {home}' if home != one.file else ''}."
    if one.twin:
        yield f"It stands in line {one.twin}, too."
    if (one.wanted.text if one.wanted else one.text).strip() == QUOTES:
        yield from filter(None, [DOCSTRING.get(kind)])
    if one.near:
        listing = one.near.listing
        yield f"See step {listing.step}, {titles[listing.step]}: tutorial.md, line" + (
            f" {one.near.number}, in the listing"
        )
        yield f"    {listing.place}"


def tell_scope(scope, file):
    return scope or f"{file}, outside of classes and functions"


def excerpt(one, lines):
    """Yield the line and what stands around it."""
    first = max(0, one.number - 1 - AROUND + (one.kind == "missing"))
    last = min(len(lines), one.number + AROUND)
    for n in range(first, last):
        here = n + 1 == one.number and one.kind != "missing"
        row = f"{'>' if here else ' '} {n + 1:4}  {lines[n].rstrip().expandtabs(4)}"
        yield paint(row, "red") if here else row
        if n + 1 == one.number and one.kind in ("wrong", "indented", "missing"):
            yield from correction(one)
    if one.number == 0:
        yield from correction(one)
    yield ""


def correction(one):
    """Yield the line as it should be, and where it begins to differ."""
    label = "+" if one.kind == "missing" else "="
    yield paint(f"{label}       {one.wanted.text}", "green")
    if one.kind == "wrong":
        pairs = zip(one.text + "\n", one.wanted.text + "\n", strict=False)
        same = next(n for n, (typed, right) in enumerate(pairs) if typed != right)
        yield " " * (8 + same) + "^"


def count_more(mistakes):
    """Yield how many more lines differ, those first that differ in the same way."""
    same = [(one.kind, one.near and one.near.listing) for one in mistakes]
    alike = sum(1 for _ in itertools.takewhile(same[0].__eq__, same)) - 1
    if alike:
        lines = "one more line" if alike == 1 else f"{alike} more lines"
        listing = " of this listing" if mistakes[0].near else ""
        yield f"The same goes for {lines}{listing}."
    if more := len(mistakes) - 1 - alike:
        lines = "one more line differs" if more == 1 else f"{more} more lines differ"
        yield f"Mend this first. After it {lines}."


def untyped_after(step):
    """Yield the steps behind one that have nothing to type, up to the next that has."""
    typed = {listing.step for listing in program_listings()}
    while step + 1 in read_titles() and step + 1 not in typed:
        step += 1
        yield step


def report(position, files, titles, folder):
    """Yield what a student reads about a Position."""
    step = position.step
    if not step:
        yield f"In {show(folder)}/ nothing of the tutorial has been typed yet."
    else:
        share = f", {position.done} of its {position.lines} lines"
        read = not any(syntax_error(*item) for item in files.items())
        whole = position.done == position.lines and not position.mistakes and read
        yield paint(
            f"Step {step}, {titles[step]}{', complete' if whole else share}.", "bold"
        )
    if step and not position.mistakes and not position.next:
        yield from (
            f"Step {n}, {titles[n]}, has nothing to type." for n in untyped_after(step)
        )
    if position.left_out:
        numbers = ", ".join(map(str, position.left_out))
        yield f"Left out so far: step {numbers}."
    for file, text in files.items():
        if words := syntax_error(file, text):
            yield paint(f"Python cannot read {words}.", "red")
    if position.mistakes:
        one = position.mistakes[0]
        yield from describe(one, files.get(one.file, ""), titles)
        yield from count_more(position.mistakes)
    elif position.next:
        listing = position.next.listing
        yield "All is right so far. Next comes this line:"
        yield ""
        yield paint(f"+       {position.next.text}", "green")
        yield ""
        yield f"tutorial.md, line {position.next.number}, in the listing"
        yield f"    {listing.place}"


def main(words):
    """Check the student's folder.

    Args:
        words: nothing, or the folder.
    Raises:
        WorkshopError: there is no such folder.
    """
    folder = MINE.parent / words[0] if words else MINE
    if words and not folder.exists():
        raise WorkshopError(
            f"There is no folder {words[0]}. Say it without: check finds by itself"
            " which step you have reached."
        )
    listings, titles = program_listings(), read_titles()
    files = read_mine(listings, folder)
    position = find_position(files, listings)
    print("\n".join(report(position, files, titles, folder)), flush=True)
    broken = any(syntax_error(*item) for item in files.items())
    if position.mistakes or broken:
        sys.exit(1)
    if position.step and not position.next:
        from workshop.promises import keep_promises

        print("\nWhat it does:", flush=True)
        steps = set(titles) - set(position.left_out)
        complete = {step for step in steps if step <= position.step}
        if not asyncio.run(keep_promises(complete, folder)):
            sys.exit(1)
