"""The listings of tutorial.md, and the files as they stand after each step.

    python -m workshop.steps [TUTORIAL] [FOLDER]

writes the files of each step into a folder of its own, and prints what there is to
type and to read. A listing is a fenced block with its place in the line above it:

    **chat.py**, in `Room`, after `post`:

Whoever knows nothing but these lines and the blocks can type the whole program, and
this module does. Each line of a file knows the listing that it comes from.
"""

import ast
import collections
import functools
import re
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
TUTORIAL = TOP / "tutorial.md"
PAGE = "python -m workshop page"  # from here on, the pages are the project's own
APPENDICES = ord("A") - 14  # Appendix A counts as step 14

STEP = re.compile(r"## (?:Step (\d+)|Appendix ([A-Z]))\. (.+)")
PLACE = re.compile(
    r"\*\*(?P<file>[\w./]+)\*\*, (?:in `(?P<class_>\w+)`, )?"
    r"(?P<where>new|at the top|at the end|after the imports"
    r"|after (?:the banner )?`(?P<anchor>[^`]+)`"
    r"|(?:.+ )?(?:changes?|goe?s?)):"
)
BANNER = re.compile(r"# -{5,} (.+)")
TYPED = {"python", "html", "javascript", "diff"}

# step: its number; file: such as "chat.py"; place: a match of PLACE; diff: whether the
# lines begin with " ", "+" or "-"; number: of the first of them in tutorial.md.
Listing = collections.namedtuple("Listing", "step file place diff lines number")
# A line of a file: its text, and the listing and the line of tutorial.md that it comes
# from. None, None: an empty line between two listings.
Line = collections.namedtuple("Line", "text listing number")
# What a listing holds whole. scope: of a method, the name of its class; name: "post",
# or a banner's words; kind: "head" (a docstring, and what is above it), "imports",
# "banner", "constant" or "def"; first, end: indexes of lines.
Unit = collections.namedtuple("Unit", "scope name kind first end comment")


class PlaceError(ValueError):
    """A listing without a place, or a place that is not there or not clear."""


def read_tutorial(path=None):
    """Return [(step, line number, text)]; the step is 0 outside of all steps."""
    step, lines, fenced = 0, [], False
    tutorial = Path(path or TUTORIAL).read_text("utf-8")
    for number, text in enumerate(tutorial.split("\n"), 1):
        fenced ^= text.startswith("```")
        if not fenced and text.startswith("## "):
            match = STEP.fullmatch(text)
            step = int(match[1] or ord(match[2]) - APPENDICES) if match else 0
        lines.append((step, number, text))
    return lines


def read_titles(path=None):
    """Return {number: title} of the steps and appendices."""
    found = [(step, STEP.fullmatch(text)) for step, _, text in read_tutorial(path)]
    return {step: match[3] for step, match in found if match}


def read_blocks(path=None):
    """Yield (step, language, line above, lines, number of the first) of each block."""
    block, above = None, ""
    for step, number, text in read_tutorial(path):
        if text.startswith("```") and block is None:
            block = step, text[3:], above, [], number + 1
        elif text.startswith("```"):
            yield block
            block = None
        elif block:
            block[3].append(text)
        above = text


def read_listings(path=None):
    """Return the listings, in the order of the text.

    A command that brings the finished page counts as one, without place and lines.
    """
    listings = []
    for step, language, above, lines, number in read_blocks(path):
        place = PLACE.fullmatch(above)
        if language in TYPED:
            if not place:
                raise PlaceError(f"tutorial.md, line {number - 2}: no place: {above}")
            diff = language == "diff"
            listings.append(Listing(step, place["file"], place, diff, lines, number))
        elif PAGE in (text.removeprefix("$ ") for text in lines):
            listings.append(Listing(step, "", None, False, [], number))
    return listings


def type_listings(listings):
    """Type listings, one after the other, into empty files; return {file: [Line]}.

    Raises:
        PlaceError: the place of a listing is not there, or not clear.
    """
    files = {}
    for listing in listings:
        files = type_listing(listing, files)
    return files


def type_listing(listing, files):
    """Return {file: [Line]} after one more listing."""
    if not listing.file:
        files = {name: files[name] for name in files if name.endswith(".py")}
        page = {name: text.removesuffix("\n").split("\n")
                for name, text in finished_page().items()}
        return {**files, **{name: [Line(text, None, None) for text in page[name]]
                            for name in page}}
    try:
        lines = apply(listing, files.get(listing.file, []))
    except (PlaceError, SyntaxError) as error:
        message = f"tutorial.md, line {listing.number - 2}: {error}"
        raise PlaceError(message) from None
    return {**files, listing.file: lines}


def finished_page():
    """Return {name: text} of the files of the finished page."""
    paths = sorted([*TOP.glob("templates/*.html"), *TOP.glob("static/*")])
    return {path.relative_to(TOP).as_posix(): path.read_text("utf-8") for path in paths
            if path.suffix in (".html", ".js", ".css", ".svg")}


def states(path=None):
    """Return {step: {file: text}}: the files as they stand after each step."""
    files, found = {}, {}
    listings = read_listings(path)
    for step in read_titles(path):
        for listing in listings:
            if listing.step == step:
                files = type_listing(listing, files)
        found[step] = {name: to_text(lines) for name, lines in files.items()}
    return found


def to_text(lines):
    return "".join(line.text + "\n" for line in lines)


def write_files(files, folder):
    """Write {file: text} into a folder."""
    for name, text in files.items():
        target = Path(folder, name)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode())


def count_lines(listings):
    """Return how many lines have to be typed."""
    lines = [text[1:] if one.diff else text for one in listings for text in one.lines
             if not one.diff or text[:1] == "+"]
    return sum(bool(text.strip()) for text in lines)


def count_words(path=None):
    """Return {step: how many words of prose}: no blocks, no places, no answers."""
    words, fenced = collections.Counter(), False
    for step, _, text in read_tutorial(path):
        fenced ^= text.startswith("```")
        if not fenced and not text.startswith("```") and not PLACE.fullmatch(text):
            words[step] += len(re.findall(r"[\w'`]+(?:[-./]\w+)*", text))
    return words


# ------------------------------------------------------------------- where it belongs


def read_units(texts):
    """Return the units of a Python program, and those of its classes."""
    return list(parse("\n".join(texts)))


@functools.lru_cache(500)  # each listing needs them, and each command all listings
def parse(program):
    texts = program.split("\n")
    units, tree = [], ast.parse(program)
    for n, text in enumerate(texts):
        if match := BANNER.fullmatch(text):
            units.append(Unit("", match[1], "banner", n, n + 1, 0))
    for node in tree.body:
        units.append(to_unit("", node, texts))
        if isinstance(node, ast.ClassDef):
            units += [to_unit(node.name, each, texts) for each in node.body]
    return merge_imports(sorted(units, key=lambda unit: (unit.first, -unit.end)))


def to_unit(scope, node, texts):
    """Return the unit of a statement, with the comment and the decorators above it."""
    name, kind = "", "def"
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        name = node.name
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        kind = "imports"
    elif isinstance(node, ast.Assign):
        name, kind = ast.unparse(node.targets[0]), "constant"
    elif isinstance(node, ast.Expr):
        kind = "head"
    decorators = getattr(node, "decorator_list", [])
    first = begin = min(each.lineno for each in [node, *decorators]) - 1
    while first and re.match(" *#(?! -----)", texts[first - 1]):
        first -= 1
    return Unit(scope, name, kind, first, node.end_lineno, begin - first)


def merge_imports(units):
    merged = []
    for unit in units:
        if merged and unit.kind == merged[-1].kind == "imports":
            merged[-1] = merged[-1]._replace(end=unit.end)
        else:
            merged.append(unit)
    return merged


def gap(above, below):
    """Return how many empty lines stand between two units of one scope."""
    if above.kind == below.kind == "constant":
        return int(below.comment > 1)  # with much to say, it stands apart
    if below.kind == "banner":
        return 1 if above.kind in ("head", "imports") else 2
    return 2 if "def" in (above.kind, below.kind) and not above.scope else 1


def space(lines):
    """Return the lines of a program with the right number of empty ones in between."""
    texts = [line.text for line in lines]
    heads, wanted = {}, {}  # the last unit of a scope; empty lines in front of a line
    for unit in read_units(texts):
        above = heads.get(unit.scope)
        wanted[unit.first] = gap(above, unit) if above else 0
        heads[unit.scope] = unit
    spaced = []
    for n, line in enumerate(lines):
        if n in wanted:
            while spaced and not spaced[-1].text:
                spaced.pop()
            spaced += [Line("", None, None)] * wanted[n]
        spaced.append(line)
    while not spaced[-1].text:
        spaced.pop()
    return spaced


def apply(listing, lines):
    """Return the lines of a file with a listing typed into them."""
    texts = [line.text for line in lines]
    if listing.diff:
        first, end = find(listing, texts)
    elif listing.place["where"] == "new":
        first, end = 0, len(lines)
    else:
        first = end = locate(listing, texts)
    kept, typed = iter(lines[first:end]), []
    for n, text in enumerate(listing.lines):
        mark = text[:1] if listing.diff else "+"
        old = None if mark == "+" else next(kept)
        if mark != "-":
            new = Line(text[listing.diff:], listing, listing.number + n)
            typed.append(old or new)
    lines = lines[:first] + typed + lines[end:]
    return space(lines) if listing.file.endswith(".py") else lines


def locate(listing, texts):
    """Return the index of the line in front of which a new listing goes."""
    where, anchor = listing.place["where"], listing.place["anchor"]
    scope = listing.place["class_"] or ""
    inside = [unit for unit in read_units(texts) if unit.scope == scope]
    if scope and not inside:
        raise PlaceError(f"there is no class {scope}")
    if where == "at the end":
        return inside[-1].end if scope else len(texts)
    if where == "at the top":
        docstring = scope and inside[0].kind == "head"
        return inside[0].end if docstring else inside[0].first if scope else 0
    kinds = {"after the imports": "imports"}.get(where) or (
        "banner" if "the banner" in where else "def constant")
    found = [unit for unit in inside
             if unit.name == (anchor or "") and unit.kind in kinds.split()]
    if len(found) != 1:
        raise PlaceError(f"{anchor or 'imports'}: there are {len(found)}")
    return found[0].end


def find(listing, texts):
    """Return the first of the lines that a diff changes, and the end."""
    old = [text[1:] for text in listing.lines if text[:1] != "+"]
    first, end = 0, len(texts)
    head = re.search(r"the head of `(\w+)`", listing.place[0])
    if match := head or re.search(r"`(\w+)\.\w+`", listing.place[0]):
        class_ = "", match[1], "def"
        found = [unit for unit in read_units(texts) if unit[:3] == class_]
        if not found:
            raise PlaceError(f"there is no class {match[1]}")
        first, end = found[0].first, found[0].end
    places = range(first, end - len(old) + 1)
    found = [at for at in places if texts[at:at + len(old)] == old]
    if len(found) != 1:
        raise PlaceError(f"the old lines are there {len(found)} times")
    first, end = found[0], found[0] + len(old)
    units = read_units(texts) if listing.file.endswith(".py") else []
    if units and not (first in {unit.first for unit in units}
                      and (head or end in {unit.end for unit in units})):
        raise PlaceError("this is no whole definition")
    return first, end


# ------------------------------------------------------------------------- for authors


def summary(path=None):
    """Yield a line for each step: its listings, lines to type, and words."""
    words = count_words(path)
    form = "{:>4}  {:>8}  {:>5}  {:>5}  {:>7}  {}".format
    yield form("step", "listings", "lines", "words", "minutes", "")
    for step, title in read_titles(path).items():
        listings = [one for one in read_listings(path) if one.step == step and one.file]
        lines = count_lines(listings)
        minutes = 1.5 * (lines / 5 + words[step] / 150)
        yield form(step, len(listings), lines, words[step], round(minutes), title)


def main(path=None, folder=None):
    try:
        found = states(path)
    except PlaceError as error:
        sys.exit(str(error))
    print("\n".join(summary(path)))
    for step in found if folder else ():
        write_files(found[step], Path(folder, str(step)))


if __name__ == "__main__":
    main(*sys.argv[1:])
