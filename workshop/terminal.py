"""How the workshop speaks: sentences, with colours on a terminal alone."""

import os
import sys

COLOURS = {"green": 32, "red": 31, "bold": 1}


def paint(words, colour):
    """Return words in a colour, or as they are where there are no colours."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return words
    if os.name == "nt":
        os.system("")  # it makes the console of Windows understand colours
    return f"\033[{COLOURS[colour]}m{words}\033[0m"


def speak_utf8():
    """Print any character, also where a terminal or a pipe cannot show all of them."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")
