"""How the broken copies are made from chat.py. This file tells the answers."""

BUGS = {  # pairs of what stands in chat.py, and what stands in the copy
    "lost.py": [
        (
            "        if taken:\n            taken.add_done_callback(self.send_batch)\n",
            "        if taken:\n            self.room.readers.add(self.send_batch)\n",
        )
    ],
    "doubled.py": [("INSERT OR IGNORE INTO log", "INSERT OR REPLACE INTO log")],
    "kept.py": [
        (
            "        self.application.connections[self.holder].discard(self)\n"
            "        if not self",
            "        if not self",
        ),
        (
            "add_callback(self.say_goodbye)\n",
            "add_callback(self.say_goodbye)\n"
            "        self.application.connections[self.holder].discard(self)\n",
        ),
    ],
}


def make_copies(text):
    """Return the broken copies of chat.py's text, by their names."""
    copies = dict.fromkeys(BUGS, text)
    for name, bug in BUGS.items():
        for right, wrong in bug:
            if text.count(right) != 1:
                raise ValueError(f"{name}: chat.py has {text.count(right)} of {right}")
            copies[name] = copies[name].replace(right, wrong)
    return copies
