"""The listings of tutorial.md, and the files as they stand after each step.

A listing of a file is a fenced block with one line above it that says its place:

    `chat.py`, in `class Room`, in `open`, below `self.db.row_factory`:

Whoever knows nothing but these lines can type the whole tutorial, and this module does.
Standard library only; it imports nothing of the project.

    read_steps         the listings, in the order of the text
    read_titles        the number and title of each step
    read_exercises     after which step each exercise can be done
    type_listings      every line of every file after a step, with its listing
    program_after      the text of a file after a step
    count_lines        how many lines have to be typed, and how many to be pasted
    count_words        how many words there are to read in each step
"""

import collections
import re
from pathlib import Path

TUTORIAL = Path(__file__).resolve().parent.parent / "tutorial.md"

PLACE = re.compile(
    r"`(?P<file>[\w.]+(?:/[\w.]+)*)`"
    r"(?:, in `class (?P<class_>\w+)`)?(?:, in `(?P<function>\w+)`)?"
    r", (?:(?P<relation>below|above|after) `(?P<anchor>[^`]+)`|a new file|at its end)"
    r"(?P<pasted>, to paste)?:"
)
EXERCISE = re.compile(r"\| (\d+) \| \[.* \| (\d+) \| \d+ \| \w+ \|")
STEP = re.compile(r"## Step (\d+)\. (.+)")

# step: its number, 0 before the first; file: "chat.py"; place: the line above the
# listing; scope: the names of the class and the function; relation: "below", "above"
# or "after" the anchor, or "" for a new file and for the end; lines: their text;
# number: of the first of them in tutorial.md; pasted: nobody types it.
Listing = collections.namedtuple(
    "Listing", "step file place scope relation anchor lines number pasted"
)
# A line of a file: its text, the Listing that it comes from (None: an empty line that
# the rule for empty lines has put there), and its number in tutorial.md.
Line = collections.namedtuple("Line", "text listing number")


class PlaceError(ValueError):
    """A place that is not there, or that is there more than once."""


def read_titles(text=None):
    """Return {number: title} of the steps.

    Args:
        text: of tutorial.md; None: of the project's own.
    """
    text = TUTORIAL.read_text(encoding="utf-8") if text is None else text
    found = map(STEP.fullmatch, text.split("\n"))
    return {int(match[1]): match[2] for match in found if match}


def read_exercises():
    """Return {number of an exercise: the step after which it can be done}."""
    text = TUTORIAL.read_text(encoding="utf-8")
    found = map(EXERCISE.fullmatch, text.split("\n"))
    return {int(match[1]): int(match[2]) for match in found if match}


def read_steps(text=None):
    """Return the listings that go into files, in the order of the text.

    Args:
        text: of tutorial.md; None: of the project's own.
    Returns:
        A list of Listing. Fenced blocks without a place above them, such as sessions,
        are not among them.
    """
    text = TUTORIAL.read_text(encoding="utf-8") if text is None else text
    step, listings, block, above = 0, [], None, ""
    for number, line in enumerate(text.split("\n"), 1):
        if block is None and line.startswith("```"):
            block = []
            if match := PLACE.fullmatch(above):
                listings.append(to_listing(step, match, block, number + 1))
        elif line.startswith("```"):
            block = None
        elif block is not None:
            block.append(line)
        elif heading := re.match(r"## ", line):
            heading = STEP.fullmatch(line)
            step = int(heading[1]) if heading else 0
        above = line
    return listings


def to_listing(step, match, block, number):
    scope = tuple(filter(None, (match["class_"], match["function"])))
    relation, anchor = match["relation"] or "", match["anchor"] or ""
    pasted = bool(match["pasted"])
    place = match[0]
    return Listing(
        step, match["file"], place, scope, relation, anchor, block, number, pasted
    )


def type_listings(listings):
    """Type listings, one after the other, into empty files.

    Args:
        listings: a list of Listing, such as those of the first steps.
    Returns:
        {file: a list of Line}. Each Line knows its Listing.
    Raises:
        PlaceError: the place of a listing is not there, or not clear.
    """
    files = {}
    for listing in listings:
        lines = files.setdefault(listing.file, [])
        at, before, after = locate([line.text for line in lines], listing)
        typed = [
            Line(text, listing, listing.number + n)
            for n, text in enumerate(listing.lines)
        ]
        blank = [Line("", None, None)]
        lines[at:at] = blank * before + typed + blank * after
    return files


def program_after(step, file="chat.py", text=None):
    """Return the text of a file as it stands after a step.

    Args:
        step: its number.
        file: such as "chat.py" or "templates/index.html".
        text: of tutorial.md; None: of the project's own.
    """
    listings = [x for x in read_steps(text) if x.step <= step and x.file == file]
    lines = type_listings(listings).get(file, [])
    return "".join(line.text + "\n" for line in lines)


def count_lines(listings):
    """Return how many lines have to be typed, and how many may be pasted."""
    typed = sum(bool(s.strip()) for x in listings if not x.pasted for s in x.lines)
    pasted = sum(bool(s.strip()) for x in listings if x.pasted for s in x.lines)
    return typed, pasted


def count_words(text=None):
    """Return {step: how many words of prose it has}: no listings, sessions or places.

    Args:
        text: of tutorial.md; None: of the project's own.
    """
    text = TUTORIAL.read_text(encoding="utf-8") if text is None else text
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    prose = "\n".join(x for x in prose.split("\n") if not PLACE.fullmatch(x))
    parts = re.split(r"^(?=## )", prose, flags=re.MULTILINE)
    found = [(STEP.match(part), part) for part in parts]
    return {
        int(heading[1]): len(re.findall(r"[\w'`]+(?:[-./]\w+)*", part))
        for heading, part in found
        if heading
    }


# ------------------------------------------------------------------- where it belongs


def locate(texts, listing):
    """Find where a listing goes.

    Args:
        texts: the lines of the file so far.
        listing: a Listing.
    Returns:
        The index of the line in front of which it goes, and how many empty lines come
        before it and after it.
    """
    head = listing.lines[0]
    around = 1 if indentation(head) or not listing.file.endswith(".py") else 2
    if not listing.relation:
        return len(texts), around if texts else 0, 0
    first, last = find_scope(texts, listing)
    if listing.relation == "after":
        name = listing.anchor.removeprefix("class ")
        return find_block(texts, first, last, name, listing)[1], around, 0
    anchor = find_line(texts, first, last, listing)
    if listing.relation == "above":
        return anchor, 0, int(not head.strip().startswith("@"))
    at = anchor + 1
    if opens_block(head):
        return at, around, 0
    if is_banner(texts[anchor]):
        follows = next((text for text in texts[at:] if text), "def ")
        return (at, 1, 0) if opens_block(follows) else (at + 1, 0, 0)
    docstring = texts[anchor].endswith('"""') and len(listing.scope) < 2
    return at, int(docstring), 0


def is_banner(text):
    return text.strip().startswith("# ---")


def opens_block(text):
    return is_banner(text) or re.match(r"class |def |async def |@", text.strip())


def find_line(texts, first, last, listing):
    """Find the line that is just the anchor, or else the only one that begins so.

    The banner of a step is known by its words alone.
    """
    lines = [re.sub("^# -+ ", "", text.strip()) for text in texts]
    for fits in (str.__eq__, str.startswith):
        found = [i for i in range(first, last) if fits(lines[i], listing.anchor)]
        if found:
            break
    if len(found) != 1:
        raise PlaceError(
            f"tutorial.md, line {listing.number - 2}: {len(found)} lines fit"
        )
    return found[0]


def find_scope(texts, listing):
    """Return the first line of a class or function, and the one after its last."""
    first, last = 0, len(texts)
    for name in listing.scope:
        first, last = find_block(texts, first, last, name, listing)
    return first, last


def find_block(texts, first, last, name, listing):
    """Return the first line of one class or function, and the one after its last."""
    header = re.compile(rf"\s*(?:class|def|async def) {name}\b")
    found = [i for i in range(first, last) if header.match(texts[i])]
    if len(found) != 1:
        raise PlaceError(f"tutorial.md, line {listing.number - 2}: {len(found)} {name}")
    depth, end = indentation(texts[found[0]]), found[0] + 1
    for i in range(found[0] + 1, last):
        if texts[i] and indentation(texts[i]) <= depth:
            break
        end = i + 1 if texts[i] else end
    return found[0], end


def indentation(text):
    return len(text) - len(text.lstrip())
