"""How the workshop speaks: sentences, with colours on a terminal alone."""

import os
import sys

COLOURS = {"green": 32, "red": 31, "yellow": 33, "bold": 1, "soft": 2}


def colourful(stream):
    """Tell whether a stream shows colours: a terminal, and nobody has said NO_COLOR."""
    if os.environ.get("NO_COLOR") or not stream.isatty():
        return False
    if os.name == "nt":
        os.system("")  # it makes the console of Windows understand colours
    return True


def paint(words, colour):
    """Return words in a colour, or as they are where there are no colours."""
    if not colourful(sys.stdout):
        return words
    return f"\033[{COLOURS[colour]}m{words}\033[0m"


def until_unread(main):
    """Run a function; end in silence when nobody reads on, as behind `| head -1`."""
    try:
        try:
            main()
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # Python would try again at its end, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def speak_utf8():
    """Print any character, also where a terminal or a pipe cannot show all of them."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")
