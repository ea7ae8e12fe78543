"""How the broken copies are made from chat.py. This file tells the answers."""

BUGS = {
    "lost.py": (
        "        if taken:\n            taken.add_done_callback(self.send_batch)\n",
        "        if taken:\n            self.room.readers.add(self.send_batch)\n",
    ),
    "doubled.py": ("INSERT OR IGNORE INTO log", "INSERT OR REPLACE INTO log"),
    "kept.py": (
        """        self.application.connections[self.holder].discard(self)
        if not self.application.connections[self.holder]:
            del self.application.connections[self.holder]
            if self.close_code in GOODBYES:
                release = self.application.room.release
                ioloop.IOLoop.current().add_callback(release, *self.holder)
""",
        """        if not self.application.connections[self.holder]:
            del self.application.connections[self.holder]
            if self.close_code in GOODBYES:
                release = self.application.room.release
                ioloop.IOLoop.current().add_callback(release, *self.holder)
        self.application.connections[self.holder].discard(self)
""",
    ),
}


def make_copies(text):
    """Return the broken copies of chat.py's text, by their names."""
    copies = {}
    for name, (right, wrong) in BUGS.items():
        if text.count(right) != 1:
            raise ValueError(f"{name} cannot be made, for chat.py has changed: {right}")
        copies[name] = text.replace(right, wrong)
    return copies
