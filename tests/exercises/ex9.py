"""Wrong solutions of exercise 9, which the check must refuse."""

from tests.exercises import CHAT, JS, MESSAGE, Wrong

WRONG = [
    Wrong(
        1,
        "everybody gets it, and the page is to hide it",
        (
            CHAT,
            '                if to and viewer not in (to, row["name"].casefold()):\n'
            '                    cursor = row["id"]\n'
            '                    continue\n',
            "",
        ),
    ),
    Wrong(
        1,
        "the author does not get it",
        (
            CHAT,
            'viewer not in (to, row["name"].casefold()):',
            "viewer != to:",
        ),
    ),
    Wrong(
        1,
        "only the first tab gets it",
        (
            CHAT,
            '        return name if self.private.get(name, 0) > cursor else ""\n',
            '        name, self.private[name] = (name, 0) if self.private.get(name, 0) > cursor else ("", self.private.get(name, 0))\n'
            '        return name\n',
        ),
    ),
    Wrong(
        1,
        "whoever is behind waits for the next message to all",
        (
            CHAT,
            '                if to and viewer not in (to, row["name"].casefold()):\n'
            '                    cursor = row["id"]\n'
            '                    continue\n',
            '                if to and viewer not in (to, row["name"].casefold()):\n'
            '                    break\n',
        ),
    ),
    Wrong(
        1,
        "a batch is kept for a cursor, whoever reads",
        (
            CHAT,
            "        self.read = functools.lru_cache(KEPT)(self.read)  # or each reader reads anew\n",
            "        self.read = Kept(self.read)\n",
        ),
        (
            CHAT,
            "class Room:\n",
            'class Kept:\n'
            '    def __init__(self, read):\n'
            '        self.read, self.batches = read, {}\n'
            '\n'
            '    def __call__(self, cursor, viewer):\n'
            '        if cursor not in self.batches:\n'
            '            self.batches[cursor] = self.read(cursor, viewer)\n'
            '        return self.batches[cursor]\n'
            '\n'
            '    def cache_clear(self):\n'
            '        self.batches.clear()\n'
            '\n'
            '\n'
            'class Room:\n',
        ),
    ),
    Wrong(
        1,
        "who may see it is forgotten on restart",
        (
            CHAT,
            '        for row in self.db.execute(select, (after,)):\n'
            '            for name',
            '        for row in self.db.execute(select, (after,)) if after else ():\n'
            '            for name',
        ),
    ),
    Wrong(
        2,
        "every line has the key to",
        (
            CHAT,
            "    message = dict(row)\n",
            '    message = {**dict(row), "to": None}\n',
        ),
    ),
    Wrong(
        3,
        "hidden from those who are there, not from those who come",
        (
            CHAT,
            "    due = 0  # when the next message may come, seconds\n",
            '    due = 0  # when the next message may come, seconds\n'
            '    here = False\n',
        ),
        (
            CHAT,
            '        self.send_batch()\n'
            '        if not self.room.ready',
            '        self.send_batch()\n'
            '        self.here = True\n'
            '        if not self.room.ready',
        ),
        (
            CHAT,
            "            viewer = self.room.viewer(self.current_user, self.cursor)\n",
            "            viewer = self.room.viewer(self.current_user, self.cursor) if self.here else None\n",
        ),
        (
            CHAT,
            "                if to and viewer not in",
            "                if to and viewer is not None and viewer not in",
        ),
    ),
    Wrong(
        4,
        "for whom it is, is kept in memory",
        (
            CHAT,
            "START, END =",
            'TO = {}\n'
            'START, END =',
        ),
        (
            CHAT,
            '    msg = row["msg"]\n'
            '    return msg[1:].partition(END)[0] if msg.startswith(START) else ""\n',
            '    msg = row["msg"]\n'
            '    to = msg[1:].partition(END)[0] if msg.startswith(START) else ""\n'
            '    return TO.get(row["msg"], "") and to\n',
        ),
        (
            CHAT,
            '            msg = START + clean_recipient(message["to"]) + END + msg\n',
            '            msg = START + clean_recipient(message["to"]) + END + msg\n'
            '            TO[msg] = True\n',
        ),
    ),
    Wrong(
        5,
        "names are compared as they are written",
        (
            CHAT,
            "                to = recipient(row).casefold()\n",
            "                to = recipient(row)\n",
        ),
        (
            CHAT,
            '                self.private[name.casefold()] = row["id"]\n',
            '                self.private[name] = row["id"]\n',
        ),
        (
            CHAT,
            '        name = name.casefold()\n'
            '        return name if self',
            "        return name if self",
        ),
        (
            CHAT,
            'viewer not in (to, row["name"].casefold()):',
            'viewer not in (to, row["name"]):',
        ),
    ),
    Wrong(
        5,
        "_ matches other names",
        (
            CHAT,
            '                if to and viewer not in (to, row["name"].casefold()):\n',
            '                like = re.fullmatch(to.replace("_", "."), viewer) if to else None\n'
            '                if to and not like and viewer != row["name"].casefold():\n',
        ),
        (
            CHAT,
            '        return name if self.private.get(name, 0) > cursor else ""\n',
            "        return name\n",
        ),
    ),
    Wrong(
        6,
        "any text is a name",
        (
            CHAT,
            "    return at + clean_nickname(to.removeprefix(at))\n",
            "    return to\n",
        ),
    ),
    Wrong(
        6,
        "what is no name is for all",
        (
            CHAT,
            '        if "to" in message:\n',
            '        if isinstance(message.get("to"), str):\n',
        ),
    ),
    Wrong(
        6,
        "an empty name is for all",
        (
            CHAT,
            '        if "to" in message:\n',
            '        if message.get("to") not in ("", None):\n',
        ),
    ),
    Wrong(
        7,
        "stored again when it is sent again",
        (
            CHAT,
            "        stored = await self.room.post(self.current_user, msg, key)\n",
            "        stored = await self.room.post(self.current_user, msg, key if msg[0] != START else None)\n",
        ),
    ),
    Wrong(
        8,
        "made anew for each reader",
        (
            CHAT,
            '        return name if self.private.get(name, 0) > cursor else ""\n',
            "        return name\n",
        ),
    ),
    Wrong(
        9,
        "a column more, so an old file does not fit",
        (
            CHAT,
            "key TEXT, UNIQUE (name, key))",
            "key TEXT, recipient TEXT, UNIQUE (name, key))",
        ),
    ),
    Wrong(
        10,
        "the name ends at the first space",
        (
            JS,
            "/^\\/to ([^:\\n]+): *([^]+)$/",
            "/^\\/to ([^:\\s]+)[^:]*: *([^]+)$/",
        ),
    ),
    Wrong(
        10,
        "the page says /to bob to all",
        (
            JS,
            "  else if (msg) send(message, crypto",
            "  else if (msg) send({ msg: typed }, crypto",
        ),
    ),
    Wrong(
        11,
        "nobody sees that it is private",
        (
            MESSAGE,
            '  if (to) item.querySelector(".to").textContent = `to ${to}`;\n',
            "",
        ),
    ),
    Wrong(
        12,
        "what waits is sent to all",
        (
            JS,
            "pending.forEach(({ msg, to }, key) => transmit({ msg, to, key }));",
            "pending.forEach(({ msg }, key) => transmit({ msg, key }));",
        ),
    ),
    Wrong(
        12,
        "what waits through a reload is sent to all",
        (
            JS,
            "  for (const [key, message] of kept.unsent) pending.set(key, message);\n",
            "  for (const [key, { msg }] of kept.unsent) pending.set(key, { msg });\n",
        ),
    ),
    Wrong(
        13,
        "text as HTML",
        (
            MESSAGE,
            '  if (to) item.querySelector(".to").textContent = `to ${to}`;\n',
            '  if (to) item.querySelector(".to").textContent = `to ${to}`;\n'
            '  if (to) item.querySelector(".msg").innerHTML = msg;\n',
        ),
    ),
]
