"""Draw what `load` has measured: an SVG file for light and for dark pages."""

from html import escape

WIDTH, HEIGHT = 760, 400  # pixels
LEFT, RIGHT, TOP, BOTTOM = 70, 120, 80, 60  # margins
LIMIT = 0.5  # seconds; what takes longer leaves the drawing at its top
PATIENCE = 2  # seconds for what has not arrived when everybody is silent again
HEAD = f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" \
width="{WIDTH}" height="{HEIGHT}" role="img"><style>
svg {{ font: 15px system-ui, sans-serif; --paper: #fffdf8; --ink: #1d2524;
  --soft: #5a6663; --line: #dcd7ca; --first: #b4431c; --second: #0b6e63; }}
@media (prefers-color-scheme: dark) {{ svg {{ --paper: #1e2524; --ink: #e8eceb;
  --soft: #a3b0ad; --line: #34403d; --first: #ff9d7a; --second: #5cc9b8; }} }}
text {{ fill: var(--ink); }} .soft {{ fill: var(--soft); font-size: 13px; }}
.end {{ text-anchor: end; }} .middle {{ text-anchor: middle; }}
path {{ fill: none; stroke: var(--line); }} rect {{ fill: var(--paper); }}
.first path {{ stroke: var(--first); stroke-width: 3; }}
.second path {{ stroke: var(--second); stroke-width: 3; }}
g .half {{ stroke-width: 1.5; stroke-dasharray: 3 4; }}
.first text {{ fill: var(--first); }} .second text {{ fill: var(--second); }}
</style><clipPath id="inside"><rect y="{TOP - 9}" width="{WIDTH}" height="{HEIGHT}"/>
</clipPath><rect width="{WIDTH}" height="{HEIGHT}" rx="8"/>"""


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


def grid(places):
    """Yield the lines and the words around the curves."""
    for tenths in range(round(LIMIT * 10) + 1):
        y = y_of(tenths / 10)
        yield f'<path d="M{LEFT} {y:.0f}H{WIDTH - RIGHT}"/>'
        yield text(LEFT - 10, y + 5, tell(tenths / 10), "soft end")
    for rate, x in places.items():
        yield text(x, HEIGHT - BOTTOM + 24, f"{rate}", "middle")
    middle = (LEFT + WIDTH - RIGHT) / 2
    yield text(middle, HEIGHT - 14, "messages a second", "soft middle")


def curves(figures, places, y):
    """Yield one program's curves, and its name at the height of y."""
    for part, classes in (("p50", "half"), ("p99", "")):
        points = [(places[one.rate], y_of(getattr(one, part))) for one in figures]
        path = "L".join(f"{x:.0f} {y:.0f}" for x, y in points)
        yield f'<path clip-path="url(#inside)" class="{classes}" d="M{path}"/>'
    last = figures[-1]
    arrow = "↑ " if y_of(last.p99) < TOP else ""
    yield text(WIDTH - RIGHT + 14, y, arrow + last.program)
    yield text(WIDTH - RIGHT + 14, y + 19, tell(last.p99))


def draw(results, people):
    """Return an SVG file as text: a graph of the delays over the rates.

    The results are a list of load.Figures, of two programs by turns.
    """
    rates = sorted({one.rate for one in results})
    step = (WIDTH - LEFT - RIGHT) / max(1, len(rates) - 1)
    places = {rate: LEFT + n * step for n, rate in enumerate(rates)}
    parts = [HEAD, text(20, 32, f"How long a message takes to each of {people} people"),
             text(20, 53, "solid: 99 % arrive within; dotted: half of them", "soft"),
             *grid(places)]
    first, second = [max(TOP, y_of(one.p99)) for one in results[-2:]]
    if abs(first - second) < 38:  # two names do not overlap
        second = first + 38
    parts += ['<g class="first">', *curves(results[::2], places, first), "</g>",
              '<g class="second">', *curves(results[1::2], places, second), "</g>"]
    return "\n".join([*parts, "</svg>\n"])
