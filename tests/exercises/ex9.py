"""Wrong solutions of exercise 9, which the check must refuse."""

from tests.exercises import CHAT, JS, MESSAGE, Wrong

FOR = '            if not to or viewer in (to, row["name"].casefold()):\n'
MOVES = """                lines.append(line)
            cursor = row["id"]
"""
KEPT = "        self.read = functools.lru_cache(KEPT)(self.read)"
VIEWER = '        return name if self.private.get(name, 0) > cursor else ""\n'
ADDRESSED = '            if "to" in message:\n'
STORE = '                msg = START + clean_recipient(message["to"]) + END + msg\n'
SENT = "                if lines and (taken := self.transmit(to_frame(lines))):\n"
TO = "  item.querySelector(\".to\").textContent = to ? `to ${to}` : \"\";\n"
PARSED = r"/^\/to ([^:\n]+):\s*(\S[^]*)$/"
LINE = "    message = dict(row)\n    if to := recipient(row):\n"
POST = "        stored = await self.room.post(self.current_user, msg, key)\n"

WRONG = [
    Wrong(1, "the author does not get it",
          (CHAT, FOR, "            if not to or viewer == to:\n")),
    Wrong(1, "who is not here is an error",
          (CHAT, STORE,
          '                if str(message["to"]).casefold() not in \\\n'
          "                        self.room.connections.values():\n"
          '                    raise ValueError("Nobody has that name.")\n' + STORE)),
    Wrong(1, "a batch is kept for a cursor, whoever reads",
          (CHAT, KEPT, "        kept, read = {}, self.read\n"
          "        self.read = lambda cursor, viewer: kept.get(cursor) or (\n"
          "            kept.setdefault(cursor, read(cursor, viewer)))\n"
          "        self.read.cache_clear = kept.clear")),
    Wrong(1, "others get an empty frame",
          (CHAT, SENT,
          "                if taken := self.transmit(to_frame(lines)):\n")),
    Wrong(1, "whoever writes to himself gets it twice",
          (CHAT, MOVES, "                lines.append(line)\n"
          '                if to == row["name"].casefold():\n'
          "                    lines.append(line)\n"
          '            cursor = row["id"]\n')),
    Wrong(2, "every line has the key to",
          (CHAT, LINE, LINE.replace("dict(row)", '{**row, "to": None}'))),
    Wrong(2, "who has one private message sees all messages twice",
          (CHAT, VIEWER, '        return name if name in self.private else ""\n'),
          (CHAT, '            cursor = row["id"]\n        return cursor',
          '            cursor = max(cursor, row["id"] - bool(viewer))\n'
          "        return cursor")),
    Wrong(3, "hidden from those who are there, not from those who come",
          (CHAT, "            self.send_batch()\n\n    def on_close",
          "            self.here = False\n            self.send_batch()\n"
          "            self.here = True\n\n    def on_close"),
          (CHAT, "                viewer = self.room.viewer(self",
          "                viewer = self.here and self.room.viewer(self"),
          (CHAT, FOR, FOR.replace("not to or", "not to or viewer is False or"))),
    Wrong(3, "the cursor stays before what is not for its owner, and the server spins",
          (CHAT, MOVES,
          '                lines.append(line)\n                cursor = row["id"]\n'),
          (CHAT, SENT, "                if not lines:\n"
          "                    ioloop.IOLoop.current().add_callback(self.send_batch)\n"
          "                    return\n" + SENT)),
    Wrong(3, "a batch of what is not for the reader is taken for the end of the log",
          (CHAT, FOR, "            size += len(row[\"msg\"])\n"
          "            if not lines and size > MAX_BATCH:\n"
          "                return cursor, b\"\"\n" + FOR),
          (CHAT, SENT, "                if not lines:\n"
          "                    return self.room.readers.add(self.send_batch)\n"
          + SENT)),
    Wrong(4, "for whom it is, is kept in memory",
          (CHAT, STORE, STORE + "                self.room.known.add(msg)\n"),
          (CHAT, "        self.private = {}  #",
          "        self.known = set()\n        self.private = {}  #"),
          (CHAT, FOR, "            if to and row[\"msg\"] not in self.known:\n"
          "                to = \"-\"\n" + FOR.replace(
              'row["name"].casefold())', 'to != "-" and row["name"].casefold())'))),
    Wrong(5, "the recipient's name is compared as it was written",
          (CHAT, "            to = recipient(row).casefold()\n",
          "            to = recipient(row)\n")),
    Wrong(5, "spaces are not cleaned",
          (CHAT, "    return clean_nickname(to)\n",
          "    clean_nickname(to)\n    return to\n")),
    Wrong(5, "_ matches other names",
          (CHAT, "            AND (recipient IS NULL OR ? IN (folded, private.name))",
          "            AND (recipient IS NULL OR ? IN (folded, private.name)\n"
          "            OR ?3 LIKE folded)"),
          (CHAT, "        mine = self.last_private(self.end).get(name, 0) > cursor\n",
          "        mine = True\n")),
    Wrong(5, "the line shows the name case folded",
          (CHAT, "    return clean_nickname(to)\n",
          "    return clean_nickname(to).casefold()\n")),
    Wrong(6, "what is no name is for all",
          (CHAT, ADDRESSED, '            if isinstance(message.get("to"), str):\n')),
    Wrong(7, "a key counts for each recipient",
          (CHAT, POST,
          '        key = key and recipient({"msg": msg}) + key\n' + POST),
          (CHAT, LINE, LINE
          + '        message["key"] = row["key"] and row["key"].removeprefix(to)\n')),
    Wrong(7, "no answer when it is sent again",
          (CHAT, POST,
          POST + "        stored = stored if msg[0] != START else None\n")),
    Wrong(8, "made anew for each reader", (CHAT, VIEWER, "        return name\n")),
    Wrong(8, "each reader asks the database who may see it",
          (CHAT, "    @functools.lru_cache(KEPT)\n    def last_private",
          "    def last_private")),
    Wrong(9, "a column more, so an old file does not fit",
          (CHAT, "key TEXT, UNIQUE (name, key))",
          "key TEXT, recipient TEXT, UNIQUE (name, key))"),
          (CHAT, 'COLUMNS = "SELECT id, at,', 'COLUMNS = "SELECT recipient, id, at,'),
          (CHAT, LINE, LINE.replace("\n", '\n    del message["recipient"]\n', 1))),
    Wrong(10, "a slow reader waits for the next message, unless one is for him alone",
          (CHAT, SENT, SENT + "                    if not viewer:\n"
          "                        return self.room.readers.add(self.send_batch)\n")),
    Wrong(11, "the name ends at the last colon",
          (JS, PARSED, r"/^\/to ([^\n]+):\s*(\S[^]*)$/")),
    Wrong(11, "/tom: is to m", (JS, PARSED, r"/^\/to ?([^:\n]+):\s*(\S[^]*)$/")),
    Wrong(12, "only the heading tells it, so the second one in a row does not",
          (MESSAGE, TO,
          "  if (to && !joins(message, first)) item.querySelector(\".to\")"
          ".textContent = `to ${to}`;\n")),
    Wrong(12, "only its author sees that it is private",
          (MESSAGE, TO,
          TO.replace("to ? `", "to && name === document.body.dataset.name ? `"))),
    Wrong(13, "what waits through a reload is sent to all",
          (JS, "keep(name.slice(drawer.length + 1), { msg, to, note });",
          "keep(name.slice(drawer.length + 1), { msg, note });")),
    Wrong(13, "Edit brings back the text, and the next Enter sends it to all",
          (JS, "setText(`${typedText(drop(key))}", "setText(`${drop(key).msg}")),
    Wrong(14, "text as HTML",
          (MESSAGE, TO,
          TO + '  if (to) item.querySelector(".msg").innerHTML = msg;\n')),
    Wrong(15, "what waits is everybody's who uses this window",
          (JS, "const drawer = `chat:${me}`;", 'const drawer = "chat";')),
]
