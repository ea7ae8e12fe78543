"""Draw what `load` has measured: an SVG file for light and for dark pages."""

from html import escape

WIDTH, HEIGHT = 760, 400  # pixels
LEFT, RIGHT, TOP, BOTTOM = 70, 120, 80, 60  # margins
LINE = 19  # pixels from one line of text to the next
LIMIT = 0.5  # seconds; what takes longer leaves the drawing at its top
PATIENCE = 2  # seconds for what has not arrived when everybody is silent again
STEP = 0.1  # seconds between two lines of the grid

STYLE = """
svg { font: 15px system-ui, sans-serif; --paper: #fffdf8; --ink: #1d2524;
  --soft: #5a6663; --line: #dcd7ca; --loop: #b4431c; --chat: #0b6e63; }
@media (prefers-color-scheme: dark) { svg { --paper: #1e2524; --ink: #e8eceb;
  --soft: #a3b0ad; --line: #34403d; --loop: #ff9d7a; --chat: #5cc9b8; } }
text { fill: var(--ink); } .soft { fill: var(--soft); font-size: 13px; }
.title { font-size: 17px; font-weight: 600; } .end { text-anchor: end; }
.middle { text-anchor: middle; }
.paper { fill: var(--paper); }
.loop { --colour: var(--loop); } .chat { --colour: var(--chat); }
path { fill: none; stroke: var(--colour); stroke-width: 3; stroke-linejoin: round; }
.grid { stroke: var(--line); stroke-width: 1; }
.half { stroke-width: 1.5; stroke-dasharray: 3 4; }
circle { fill: var(--colour); } .name { fill: var(--colour); font-weight: 600; }
"""


def y_of(seconds):
    """Return the height of a time; what takes very long stands far above."""
    return HEIGHT - BOTTOM - min(seconds / LIMIT, 9) * (HEIGHT - TOP - BOTTOM)


def text(x, y, words, classes=""):
    return f'<text x="{x:.0f}" y="{y:.0f}" class="{classes}">{escape(words)}</text>'


def tell(seconds):
    """Return a time in words of three letters or so."""
    if seconds > PATIENCE:
        return f"over {PATIENCE} s"
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


class Drawing:
    """A graph of delays over the rates.

    Args:
        results: a list of load.Figures.
        people: how many there were.
    """

    def __init__(self, results, people):
        self.results, self.people = results, people
        self.rates = sorted({one.rate for one in results})

    def x_of(self, rate):
        """Return the place of a rate: equal steps, whatever the numbers are."""
        steps = max(1, len(self.rates) - 1)
        width = WIDTH - LEFT - RIGHT
        return LEFT + self.rates.index(rate) * width / steps

    def parts(self):
        words = f"How long a message takes to each of {self.people} people"
        yield f'<rect class="paper" width="{WIDTH}" height="{HEIGHT}" rx="8"/>'
        yield text(20, 32, words, "title")
        yield text(20, 53, "solid: 99 % arrive within; dotted: half of them", "soft")
        box = f'x="0" y="{TOP - 12}" width="{WIDTH}" height="{HEIGHT}"'
        yield f'<clipPath id="inside"><rect {box}/></clipPath>'
        yield from self.grid()
        for program in ("loop.py", "chat.py"):
            yield from self.curve(program)
        yield from self.names()

    def grid(self):
        for step in range(round(LIMIT / STEP) + 1):
            y = y_of(step * STEP)
            end = WIDTH - RIGHT
            yield f'<path class="grid" d="M{LEFT} {y:.0f}H{end}"/>'
            yield text(LEFT - 10, y + 5, tell(step * STEP), "soft end")
        for rate in self.rates:
            yield text(self.x_of(rate), HEIGHT - BOTTOM + 24, f"{rate}", "middle")
        middle = (LEFT + WIDTH - RIGHT) / 2
        yield text(middle, HEIGHT - 14, "messages a second", "soft middle")

    def curve(self, program):
        mine = [one for one in self.results if one.program == program]
        yield f'<g class="{program.partition(".")[0]}">'
        yield '<g clip-path="url(#inside)">'
        for part, classes in (("p50", "half"), ("p99", "")):
            points = [(self.x_of(one.rate), y_of(getattr(one, part))) for one in mine]
            path = "L".join(f"{x:.0f} {y:.0f}" for x, y in points)
            yield f'<path class="{classes}" d="M{path}"/>'
        for x, y in points:
            yield f'<circle cx="{x:.0f}" cy="{y:.0f}" r="4"/>'
        yield "</g>"
        yield "</g>"

    def names(self):
        """Write beside the end of each curve whose it is; two do not overlap."""
        ends = [max(TOP, y_of(one.p99)) for one in self.results[-2:]]
        if abs(ends[0] - ends[1]) < 2 * LINE:
            ends[1] = ends[0] + 2 * LINE
        for one, y in zip(self.results[-2:], ends, strict=True):
            arrow = "↑ " if y_of(one.p99) < TOP else ""
            yield f'<g class="{one.program.partition(".")[0]}">'
            x = WIDTH - RIGHT + 14
            yield text(x, y, arrow + one.program, "name")
            yield text(x, y + LINE, tell(one.p99), "name")
            yield "</g>"


def draw(results, people):
    """Return an SVG file as text.

    Args:
        results: a list of load.Figures.
        people: how many there were.
    """
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" role="img">'
    )
    ends = ", ".join(
        f"{one.program} {tell(one.p99)}" for one in results[-2:]
    )  # for whoever cannot see it
    title = f"<title>99 % of the messages arrive within: {ends}</title>"
    parts = "\n".join(Drawing(results, people).parts())
    return f"{head}\n{title}\n<style>{STYLE}</style>\n{parts}\n</svg>\n"
