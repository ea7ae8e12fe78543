"""Compare what a student has typed with the listings of the tutorial.

Two definitions are the same if their syntax trees are: quotes, comments, docstrings,
empty lines, the order of methods and added prints do not count. What differs then is
compared line by line, to name the line.
"""

import ast
import collections
import difflib
import functools
from dataclasses import dataclass

from workshop.steps import Line, type_listing

ALIKE = 0.6  # of two lines, from 0 to 1: one is the other with a mistake in it
EXTRA = 3  # a line that is too many counts as much as so many that are missing
QUOTES = '"""'

# key: such as "Room.post"; tree: what counts of it; first, end: of its lines.
Piece = collections.namedtuple("Piece", "key tree first end")
Code = collections.namedtuple("Code", "text number line")  # line: where it comes from


@dataclass
class Difference:
    """One thing that is not as in the tutorial."""

    kind: str  # "missing", "wrong", "indented", "moved", "doubled" or "extra"
    file: str
    number: int  # of the student's line, or of the one below which a line is missing
    text: str = ""  # what the student has there
    wanted: object = None  # the Line of the tutorial, or the one above if none fits
    below: int = 0  # the student's line below which this one belongs, or its twin


def find_stage(files, listings):
    """Return how many listings are in {name: text}, and {name: [Line]} after them."""
    mine = collections.Counter(
        (name, code.text) for name, text in files.items()
        for code in to_code(text.split("\n")))
    best, found, typed, before = None, (0, {}), {}, collections.Counter()
    for number, listing in enumerate(listings, 1):
        typed = type_listing(listing, typed)
        own = {name: lines for name, lines in typed.items()
               if any(line.listing for line in lines)}
        theirs = collections.Counter(
            (name, code.text) for name in own for code in to_code(own[name]))
        ours = collections.Counter({one: n for one, n in mine.items() if one[0] in own})
        distance = (theirs - ours).total() + EXTRA * (ours - theirs).total()
        # All that a listing brings is there: only one before it can be left out.
        fresh, before = theirs - before, theirs
        whole = fresh and found[0] and listing.step == listings[found[0] - 1].step and (
            all(ours[one] >= theirs[one] for one in fresh))
        if best is None or distance <= best or whole:
            best, found = distance, (number, own)
    return found if mine else (0, {})


@functools.cache
def strip_comment(text):
    """Return what counts of a line: no comment, one sort of quotes."""
    quote, text = "", text.expandtabs(4)
    for place, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter == "#" and (not text[:place].strip() or text[place - 1] == " "):
            text = text[:place]
            break
    return text.rstrip(" \r\f").replace("'", '"')


def to_code(lines):
    """Return those Lines, or lines of a student's, that count."""
    texts = [strip_comment(getattr(line, "text", line)) for line in lines]
    return [Code(text, n, lines[n - 1]) for n, text in enumerate(texts, 1) if text]


class Plain(ast.NodeTransformer):
    """Takes docstrings and added prints out of a tree."""

    def __init__(self, prints):
        self.prints = prints  # those that are no additions

    def visit_Expr(self, node):
        text = ast.unparse(node)
        added = text.startswith("print(") and text not in self.prints
        return None if added or isinstance(node.value, ast.Constant) else node


def to_pieces(tree, prints):
    """Return the Pieces of a program: functions, methods, constants, heads, imports."""
    pieces = []
    for node in Plain(prints).visit(tree).body:
        if not isinstance(node, ast.ClassDef):
            pieces += to_piece("", node)
            continue
        head = [ast.dump(each) for each in [*node.bases, *node.decorator_list]]
        pieces.append(Piece(f"class {node.name}", head, node.lineno, node.lineno))
        for each in node.body:
            pieces += to_piece(f"{node.name}.", each)
    return pieces


def to_piece(scope, node):
    """Yield the Piece of a statement; of an import, one for each name."""
    first = min(each.lineno for each in [node, *getattr(node, "decorator_list", [])])
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        for name in node.names:
            source = getattr(node, "module", "")
            yield Piece(f"import {source} {name.name}", "", first, node.end_lineno)
        return
    name = getattr(node, "name", "") or ast.unparse(node).split("=")[0].strip()
    yield Piece(scope + name, ast.dump(node), first, node.end_lineno)


def differing(text, wanted):
    """Return the Pieces of both programs that the other one has not."""
    trees = ast.parse(text), ast.parse(wanted)
    prints = {ast.unparse(node) for node in ast.walk(trees[1])
              if isinstance(node, ast.Expr)}
    mine, theirs = [to_pieces(tree, prints) for tree in trees]
    for piece in list(mine):
        if same := [each for each in theirs if each[:2] == piece[:2]]:
            mine.remove(piece)
            theirs.remove(same[0])
    return mine, theirs


def inside(codes, pieces, text):
    """Return those lines that stand in some pieces, and in no docstring."""
    numbers = {n for one in pieces for n in range(one.first, one.end + 1)}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            numbers -= set(range(node.lineno, node.end_lineno + 1))
    return [code for code in codes if code.number in numbers]


def compare(file, text, lines):
    """Return each Difference of a file from Lines, and the names of what differs."""
    mine, theirs, names = to_code(text.split("\n")), to_code(lines), []
    # With comments: a banner is a place, too.
    places = {j + n + 1: i + n + 1 for i, j, size
              in match(text.split("\n"), lines).get_matching_blocks()
              for n in range(size) if lines[j + n].text}
    if file.endswith(".py"):
        wanted = "\n".join(line.text for line in lines)
        try:
            ours, others = differing(text, wanted)
        except (SyntaxError, ValueError):
            return Alignment(file, mine, theirs, places).differences, []
        names = list(dict.fromkeys(piece.key for piece in [*ours, *others]))
        mine, theirs = inside(mine, ours, text), inside(theirs, others, wanted)
    return Alignment(file, mine, theirs, places).differences, names


def match(mine, theirs):
    """Return a SequenceMatcher for lines, or for the letters of two lines."""
    texts = [[getattr(each, "text", each) for each in side] for side in (mine, theirs)]
    return difflib.SequenceMatcher(None, *texts, autojunk=False)


class Alignment:
    """Which of a student's lines is which line of the tutorial, and what is left over.

    Args:
        places: {number of a line of the tutorial's: number of the same one of mine}.
    """

    def __init__(self, file, mine, theirs, places):
        self.file, self.mine, self.theirs, self.places = file, mine, theirs, places
        self.differences, self.known = [], {}  # index of mine: index of theirs
        extra, missing = [], []
        for tag, i1, i2, j1, j2 in match(mine, theirs).get_opcodes():
            if tag == "equal":
                self.known.update(zip(range(i1, i2), range(j1, j2), strict=True))
                continue
            pairs = self.pair(range(i1, i2), range(j1, j2))
            self.known.update(pairs)
            extra += [i for i in range(i1, i2) if i not in dict(pairs)]
            missing += [j for j in range(j1, j2) if j not in dict(pairs).values()]
            for i, j in pairs:
                same = mine[i].text.strip() == theirs[j].text.strip()
                self.add("indented" if same else "wrong", mine[i], j)
        self.join(extra, missing)
        self.differences.sort(key=lambda one: (one.number, one.kind == "missing"))

    def pair(self, extra, missing):
        """Pair lines of one gap that are alike, in order."""
        pairs, first = [], 0
        for j in missing:
            wanted = self.theirs[j].text.strip()
            scores = [match(self.mine[i].text.strip(), wanted).ratio()
                      for i in extra[first:]]
            best = max(scores, default=0)
            if best >= ALIKE:
                first += scores.index(best) + 1
                pairs.append((extra[first - 1], j))
        return pairs

    def join(self, extra, missing):
        """Take a line that is missing here and too many there for one thing."""
        for j in missing:
            wanted = self.theirs[j].text.strip()
            above = self.above(self.theirs[j].number)
            same = [i for i in extra if self.mine[i].text.strip() == wanted]
            if not same:
                self.add("missing", Code("", above, None), j)
                continue
            near = min(same, key=lambda i: abs(self.mine[i].number - above))
            extra.remove(near)
            self.add("moved", self.mine[near], j, above)
        for i in extra:
            text = self.mine[i].text.strip()
            twins = [k for k in self.known if self.mine[k].text.strip() == text]
            twin = min(twins, key=lambda k: abs(k - i), default=None)
            near = self.known.get(max([k for k in self.known if k < i], default=-1), 0)
            kind, below = ("extra", 0) if twin is None else (
                "doubled", self.mine[twin].number)
            self.add(kind, self.mine[i], near, below)

    def above(self, number):
        """Return the number of the student's line that stands above a missing one."""
        places = self.places | {
            self.theirs[j].number: self.mine[i].number for i, j in self.known.items()}
        return next((places[n] for n in range(number - 1, 0, -1) if n in places), 0)

    def add(self, kind, code, j, below=0):
        wanted = self.theirs[j].line if self.theirs else None
        found = Difference(kind, self.file, code.number, code.text, wanted, below)
        self.differences.append(found)


def left_out(differences, lines, step):
    """Return the steps before one of which hardly a line is there."""
    there = collections.Counter(
        code.line.listing.step for code in to_code(lines) if code.line.listing)
    gone = collections.Counter(
        one.wanted.listing.step for one in differences
        if one.kind in ("missing", "wrong") and one.wanted.listing)
    return {one for one, count in there.items()
            if one < step and count > 2 and gone[one] > 0.7 * count}


def removed(extra, listings):
    """Return the Line that a diff takes away and a student has left; None: no such."""
    lines = [Line(text, one, number) for one in listings if one.file == extra.file
             and one.diff for number, text in enumerate(one.lines, one.number)]
    return next((line for line in reversed(lines) if line.text[:1] == "-"
                 and strip_comment(line.text[1:]).strip() == extra.text.strip()), None)
