"""Compare what a student has typed with the listings of the tutorial.

Empty lines and comments do not count, on either side: they change nothing.
"""

import collections
import difflib
import re
from dataclasses import dataclass

from workshop.steps import PlaceError, type_listings

ALIKE = 0.6  # of two lines, from 0 to 1: one is the other with a mistake in it
CROSSED = 5  # lines between the two places of a `def`, at most
HEAD = re.compile(r"\s*(class|def|async def) (\w+)")
SURE = 2  # lines that nothing but a step has: then the step has been begun
QUOTES = '"""'  # a line of its own that ends a docstring

# text: without the comment; number: its place in the file, from 1; source: the Line of
# workshop.steps that it comes from, None for a student's.
Code = collections.namedtuple("Code", "text number source")


@dataclass
class Difference:
    """One thing that is not as in the tutorial.

    kind: "missing", "wrong", "indented", "misplaced", "elsewhere" (it belongs into
    another file), "doubled" or "foreign".
    """

    kind: str
    file: str
    number: int  # of the student's line, or of the one below which a line is missing
    text: str  # what the student has there, "" if something is missing
    scope: str  # where that is, such as "class Room, in publish"
    wanted: object = None  # the Line that should be there, or None
    target: str = ""  # the scope of wanted
    below: int = 0  # the number of the student's line below which wanted belongs
    near: object = None  # wanted, the doubled Line or the one above the difference
    twin: int = 0  # the number of the student's other line, if this one is doubled

    @property
    def order(self):
        """Where in the tutorial it is."""
        return self.near.number if self.near else 0


def strip_comment(text):
    """Take the comment off a line, and the blanks at its end."""
    quote = ""
    for place, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter == "#" and not text[:place].strip(" \t"):
            return ""
        elif letter == "#" and text[place - 2 : place] == "  ":
            return text[:place].rstrip()
    return text.rstrip()


def likeness(one, other):
    """Return how much two lines have in common, from 0 to 1."""
    return difflib.SequenceMatcher(None, one.strip(), other.strip()).ratio()


def to_code(lines):
    """Return those lines of a student's file that count."""
    stripped = [strip_comment(line.expandtabs(4)) for line in lines]
    return [Code(text, n, None) for n, text in enumerate(stripped, 1) if text]


def to_expected(lines):
    """Return those Lines that count."""
    stripped = [strip_comment(line.text) for line in lines]
    pairs = zip(stripped, lines, strict=True)
    return [Code(text, n, line) for n, (text, line) in enumerate(pairs, 1) if text]


def find_scopes(codes):
    """Tell for each line in which class and function it stands.

    The line that begins a function stands in what is around the function.
    """
    scopes, open_blocks = [], []
    for code in codes:
        depth = len(code.text) - len(code.text.lstrip())
        head = HEAD.match(code.text)
        closing = code.text.strip()[0] in ")]}"
        while open_blocks and open_blocks[-1][0] >= depth and not closing:
            open_blocks.pop()
        scopes.append(", in ".join(name for _, name in open_blocks))
        if head:
            name = f"class {head[2]}" if head[1] == "class" else head[2]
            open_blocks.append((depth, name))
    return scopes


# ------------------------------------------------------------------ which step it is


def own_lines(listings):
    """Return, for each step, the lines that stand once in the whole tutorial."""
    lines = [
        (listing.step, strip_comment(line).strip())
        for listing in listings
        for line in listing.lines
    ]
    count = collections.Counter(text for _, text in lines)
    steps = collections.defaultdict(set)
    for step, text in lines:
        if count[text] == 1:
            steps[step].add(text)
    return steps


def find_steps(files, listings):
    """Find the steps that a student has begun.

    Args:
        files: {name: text} of the student's files.
        listings: those of the tutorial that go into such files.
    Returns:
        A sorted list of their numbers. Steps that a lesson has left out are not in it.
    """
    lines = "\n".join(files.values()).split("\n")
    typed = {strip_comment(line).strip() for line in lines}
    own = own_lines(listings)
    found = {step: len(own[step] & typed) for step in own}
    enough = {step: min(SURE, (len(own[step]) + 1) // 2) for step in own}
    begun = [step for step in own if found[step] >= enough[step]]
    # A single line of the next step is a beginning, too.
    following = [step for step in own if step > max(begun, default=0)]
    if following and found[min(following)]:
        begun.append(min(following))
    return sorted(begun)


def choose(listings, steps):
    """Return the listings of some steps, and of those on which they lean."""
    chosen = [listing for listing in listings if listing.step in steps]
    try:
        type_listings(chosen)
    except PlaceError:
        last = max(steps)
        chosen = [listing for listing in listings if listing.step <= last]
    return chosen


# ------------------------------------------------------------------------- comparing


class Comparison:
    """A student's file beside what it should be.

    Args:
        file: its name.
        text: what the student has typed.
        lines: of workshop.steps, what should be there.
    """

    def __init__(self, file, text, lines):
        self.file = file
        self.typed = to_code(text.split("\n"))
        self.expected = to_expected(lines)
        self.typed_scopes = find_scopes(self.typed)
        self.expected_scopes = find_scopes(self.expected)
        self.differences = []
        self.align()

    def align(self):
        """Find which line is which, and what is left over on both sides."""
        matcher = difflib.SequenceMatcher(
            None,
            [code.text for code in self.typed],
            [code.text for code in self.expected],
            autojunk=False,
        )
        extra, missing, changed = [], [], []  # indexes
        self.below = {}  # index of an expected line: that of the typed one above it
        self.known = {}  # index of a typed line: that of the expected one which it is
        for tag, i1, i2, j1, j2 in matcher.get_opcodes():
            if tag == "equal":
                self.known.update(zip(range(i1, i2), range(j1, j2), strict=True))
                continue
            pairs = self.pair(range(i1, i2), range(j1, j2))
            paired_i, paired_j = {i for i, _ in pairs}, {j for _, j in pairs}
            extra += [i for i in range(i1, i2) if i not in paired_i]
            for j in range(j1, j2):
                self.below[j] = max([i for i, k in pairs if k < j], default=i1 - 1)
                if j not in paired_j:
                    missing.append(j)
            changed += pairs
        self.known.update(changed)
        for i, j in changed:
            self.add_changed(i, j)
        self.join(extra, missing)
        self.differences.sort(key=lambda difference: difference.order)

    def pair(self, extra, missing):
        """Pair lines of one gap that are alike, in order."""
        pairs, first = [], 0
        for j in missing:
            wanted = self.expected[j].text
            scores = [likeness(self.typed[i].text, wanted) for i in extra[first:]]
            best = max(scores, default=0)
            if best >= ALIKE:
                first += scores.index(best) + 1
                pairs.append((extra[first - 1], j))
        return pairs

    def join(self, extra, missing):
        """Take a line that is missing here and too many there for one thing."""
        extra = list(extra)
        for j in missing:
            wanted = self.expected[j].text.strip()
            same = [i for i in extra if self.typed[i].text.strip() == wanted]
            if not same:
                self.add("missing", self.below[j], j)
                continue
            near = min(same, key=lambda i: abs(i - self.below[j]))
            extra.remove(near)
            self.add("misplaced", *self.blame(near, j))
        for i in extra:
            self.add_extra(i)

    def add_extra(self, i):
        """Note a line that is too many."""
        twin = self.find_twin(i)
        if twin == i + 1:  # of two lines in a row, the second is too many
            self.known[i] = self.known[twin]
            i, twin = twin, i
        self.add("foreign" if twin is None else "doubled", i, twin=twin)

    def find_twin(self, i):
        """Return the index of the line that a line doubles, or None.

        What the tutorial has in many places, such as `try:`, doubles a line of the same
        method alone.
        """
        text = self.typed[i].text.strip()
        once = sum(code.text.strip() == text for code in self.expected) == 1
        same = [
            k
            for k in self.known
            if self.typed[k].text.strip() == text
            and (once or self.typed_scopes[k] == self.typed_scopes[i])
        ]
        return min(same, key=lambda k: abs(k - i), default=None)

    def blame(self, i, j):
        """Say which line is misplaced: a line beside a `def`, rather than the `def`.

        Where a line of a method stands in the method above, it may look as if it were
        the `def` that has moved; where a listing stands in a docstring, the quotes.
        """
        above = self.below[j]
        if self.typed[i].text.strip() == QUOTES and above + 1 in self.known:
            inside = self.known[above + 1]
            listing = self.expected[inside].source.listing
            if i > above and listing != self.expected[j].source.listing:
                self.below[inside] = i
                return above + 1, inside
        crossed = i - above - 1 if i > above else above - i
        if not HEAD.match(self.typed[i].text) or not 0 < crossed <= CROSSED:
            return i, j
        # It stands above the `def`, and belongs below; or the other way round.
        beside, wanted = (above + 1, j + 1) if i > above else (i + 1, j - crossed)
        if self.known.get(beside) != wanted:
            return i, j
        self.below[wanted] = i if i > above else i - 1
        return beside, wanted

    def add_changed(self, i, j):
        same = self.typed[i].text.strip() == self.expected[j].text.strip()
        self.add("indented" if same else "wrong", i, j)

    def add(self, kind, i, j=None, twin=None):
        """Note a difference between the typed line i and the expected line j.

        Args:
            kind: of Difference.
            i: index of a typed line; -1: above the first one.
            j: index of an expected line, or None.
            twin: index of the typed line that i doubles, or None.
        """
        code = self.typed[i] if i >= 0 else Code("", 0, None)
        found = Difference(kind, self.file, code.number, code.text, "")
        found.scope = self.typed_scopes[i] if i >= 0 else ""
        if j is not None:
            found.wanted = self.expected[j].source
            found.target = self.expected_scopes[j]
            if self.below[j] >= 0:
                found.below = self.typed[self.below[j]].number
        if twin is not None:
            found.twin = self.typed[twin].number
        found.near = found.wanted or self.source_above(i if twin is None else twin)
        self.differences.append(found)

    def source_above(self, i):
        """Return the Line of the typed line i or of the nearest one above it."""
        known = next((k for k in range(i, -1, -1) if k in self.known), None)
        return None if known is None else self.expected[self.known[known]].source


def join_files(differences):
    """Take a line that is missing in a file and too many in another for one thing."""
    for one in [one for one in differences if one.kind == "missing"]:
        wanted = strip_comment(one.wanted.text).strip()
        for other in differences:
            extra = other.kind in ("foreign", "doubled") and other.file != one.file
            if extra and other.text.strip() == wanted:
                differences.remove(one)
                other.kind, other.wanted, other.near = "elsewhere", one.wanted, one.near
                other.target, other.below, other.twin = one.target, one.number, 0
                break
