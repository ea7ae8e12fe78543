"""Wrong solutions of exercise 9, which the check must refuse."""

from workshop.exercises import Wrong

WRONG = [
    Wrong(
        "everybody gets it, and the page is to hide it",
        [
            (
                "chat.py",
                "                if to and viewer not in (to, "
                'row["name"].casefold()):\n'
                '                    cursor = row["id"]\n'
                "                    continue\n",
                "",
            ),
        ],
        1,
        'alice sent {"msg": "swordfish", "to": "bob"}. carol should get no byte of '
        'it; {"id": 1, "at": ..., "name": "alice", "msg": "swordfish", "key": null, '
        '"to": "bob"} came.',
    ),
    Wrong(
        "the author does not get it",
        [
            (
                "chat.py",
                'viewer not in (to, row["name"].casefold()):',
                "viewer != to:",
            ),
        ],
        1,
        'alice sent {"msg": "swordfish", "to": "bob"}. alice should get {"id": 1, '
        '"key": null, "name": "alice", "msg": "swordfish", "to": "bob"}; nothing '
        "came within 2 s.",
    ),
    Wrong(
        "only the first tab gets it",
        [
            (
                "chat.py",
                '        return name if self.private.get(name, 0) > cursor else ""\n',
                "        name, self.private[name] = (name, 0) if "
                'self.private.get(name, 0) > cursor else ("", self.private.get(name, '
                "0))\n"
                "        return name\n",
            ),
        ],
        1,
        'alice sent {"msg": "swordfish", "to": "bob"}. ... should get {"id": 1, '
        '"key": null, "name": "alice", "msg": "swordfish", "to": "bob"}; nothing '
        "came within 2 s.",
    ),
    Wrong(
        "whoever is behind waits for the next message to all",
        [
            (
                "chat.py",
                "                if to and viewer not in (to, "
                'row["name"].casefold()):\n'
                '                    cursor = row["id"]\n'
                "                    continue\n",
                "                if to and viewer not in (to, "
                'row["name"].casefold()):\n'
                "                    break\n",
            ),
        ],
        1,
        'alice sent {"msg": "swordfish", "to": "bob"}. carol should get the message '
        '"to all"; nothing came within 2 s.',
    ),
    Wrong(
        "a batch is kept for a cursor, whoever reads",
        [
            (
                "chat.py",
                "        self.read = functools.lru_cache(KEPT)(self.read)  # or each "
                "reader reads anew\n",
                "        self.read = Kept(self.read)\n",
            ),
            (
                "chat.py",
                "class Room:\n",
                "class Kept:\n"
                "    def __init__(self, read):\n"
                "        self.read, self.batches = read, {}\n"
                "\n"
                "    def __call__(self, cursor, viewer):\n"
                "        if cursor not in self.batches:\n"
                "            self.batches[cursor] = self.read(cursor, viewer)\n"
                "        return self.batches[cursor]\n"
                "\n"
                "    def cache_clear(self):\n"
                "        self.batches.clear()\n"
                "\n"
                "\n"
                "class Room:\n",
            ),
        ],
        1,
        # Either carol gets it, or somebody else does not: by who happens to read first.
        'alice sent {"msg": "swordfish", "to": "bob"}. ... should get ...; '
        "... came....",
    ),
    Wrong(
        "who may see it is forgotten on restart",
        [
            (
                "chat.py",
                "        for row in self.db.execute(select, (after,)):\n"
                "            for name",
                "        for row in self.db.execute(select, (after,)) if after else "
                "():\n"
                "            for name",
            ),
        ],
        1,
        'alice sent {"msg": "swordfish", "to": "bob"}. bob should get {"id": 1, '
        '"key": null, "name": "alice", "msg": "swordfish", "to": "bob"}; nothing '
        "came within 2 s.",
    ),
    Wrong(
        "every line has the key to",
        [
            (
                "chat.py",
                "    message = dict(row)\n",
                '    message = {**dict(row), "to": None}\n',
            ),
        ],
        2,
        "alice sent private messages to bob, and carol sent m0 to all. alice should "
        'get {"msg": "m0"}, without "to"; {"id": 2, "at": ..., "name": "carol", '
        '"msg": "m0", "key": null, "to": null} came.',
    ),
    Wrong(
        "hidden from those who are there, not from those who come",
        [
            (
                "chat.py",
                "    due = 0  # when the next message may come, seconds\n",
                "    due = 0  # when the next message may come, seconds\n"
                "    here = False\n",
            ),
            (
                "chat.py",
                "        self.send_batch()\n        if not self.room.ready",
                "        self.send_batch()\n"
                "        self.here = True\n"
                "        if not self.room.ready",
            ),
            (
                "chat.py",
                "            viewer = self.room.viewer(self.current_user, "
                "self.cursor)\n",
                "            viewer = self.room.viewer(self.current_user, "
                "self.cursor) if self.here else None\n",
            ),
            (
                "chat.py",
                "                if to and viewer not in",
                "                if to and viewer is not None and viewer not in",
            ),
        ],
        3,
        "alice wrote to bob, and carol connected with since=0. carol should get "
        '{"msg": "m0"}, without "to"; {"id": 1, "at": ..., "name": "alice", "msg": '
        '"swordfish", "key": null, "to": "bob"} came.',
    ),
    Wrong(
        "for whom it is, is kept in memory",
        [
            (
                "chat.py",
                "START, END =",
                "TO = {}\nSTART, END =",
            ),
            (
                "chat.py",
                '    msg = row["msg"]\n'
                "    return msg[1:].partition(END)[0] if msg.startswith(START) else "
                '""\n',
                '    msg = row["msg"]\n'
                "    to = msg[1:].partition(END)[0] if msg.startswith(START) else "
                '""\n'
                '    return TO.get(row["msg"], "") and to\n',
            ),
            (
                "chat.py",
                '            msg = START + clean_recipient(message["to"]) + END + '
                "msg\n",
                '            msg = START + clean_recipient(message["to"]) + END + '
                "msg\n"
                "            TO[msg] = True\n",
            ),
        ],
        4,
        "alice wrote to bob, and alice connected after a restart. alice should get "
        '{"id": 1, "name": "alice", "msg": "swordfish", "to": "bob"}; {"id": 1, '
        '"at": ..., "name": "alice", "msg": "\\u0002bob\\u0003swordfish", "key": '
        "null} came.",
    ),
    Wrong(
        "names are compared as they are written",
        [
            (
                "chat.py",
                "                to = recipient(row).casefold()\n",
                "                to = recipient(row)\n",
            ),
            (
                "chat.py",
                '                self.private[name.casefold()] = row["id"]\n',
                '                self.private[name] = row["id"]\n',
            ),
            (
                "chat.py",
                "        name = name.casefold()\n        return name if self",
                "        return name if self",
            ),
            (
                "chat.py",
                'viewer not in (to, row["name"].casefold()):',
                'viewer not in (to, row["name"]):',
            ),
        ],
        5,
        'alice sent {"msg": "swordfish", "to": "Bob"}. bob should get it; it did not '
        "come.",
    ),
    Wrong(
        "_ matches other names",
        [
            (
                "chat.py",
                "                if to and viewer not in (to, "
                'row["name"].casefold()):\n',
                '                like = re.fullmatch(to.replace("_", "."), viewer) '
                "if to else None\n"
                "                if to and not like and viewer != "
                'row["name"].casefold():\n',
            ),
            (
                "chat.py",
                '        return name if self.private.get(name, 0) > cursor else ""\n',
                "        return name\n",
            ),
        ],
        5,
        'alice sent {"msg": "swordfish", "to": "a_b"}. axb should get no byte of it; '
        '{"id": 9, "at": ..., "name": "alice", "msg": "swordfish", "key": null, '
        '"to": "a_b"} came.',
    ),
    Wrong(
        "any text is a name",
        [
            (
                "chat.py",
                "    return at + clean_nickname(to.removeprefix(at))\n",
                "    return to\n",
            ),
        ],
        6,
        'alice sent {"msg": "swordfish", "to": ""}. alice should get an error line; '
        '{"id": 1, "at": ..., "name": "alice", "msg": "\\u0002\\u0003swordfish", '
        '"key": null} came.',
    ),
    Wrong(
        "what is no name is for all",
        [
            (
                "chat.py",
                '        if "to" in message:\n',
                '        if isinstance(message.get("to"), str):\n',
            ),
        ],
        6,
        'alice sent {"msg": "swordfish", "to": 7}. alice should get an error line; '
        '{"id": 1, "at": ..., "name": "alice", "msg": "swordfish", "key": null} came.',
    ),
    Wrong(
        "an empty name is for all",
        [
            (
                "chat.py",
                '        if "to" in message:\n',
                '        if message.get("to") not in ("", None):\n',
            ),
        ],
        6,
        'alice sent {"msg": "swordfish", "to": ""}. alice should get an error line; '
        '{"id": 1, "at": ..., "name": "alice", "msg": "swordfish", "key": null} came.',
    ),
    Wrong(
        "stored again when it is sent again",
        [
            (
                "chat.py",
                "        stored = await self.room.post(self.current_user, msg, key)\n",
                "        stored = await self.room.post(self.current_user, msg, key "
                "if msg[0] != START else None)\n",
            ),
        ],
        7,
        'alice sent {"msg": "swordfish", "to": "bob", "key": "k"}. bob should get '
        '{"id": 1, "key": "k", "name": "alice", "msg": "swordfish", "to": "bob"}; '
        '{"id": 1, "at": ..., "name": "alice", "msg": "swordfish", "key": null, '
        '"to": "bob"} came.',
    ),
    Wrong(
        "made anew for each reader",
        [
            (
                "chat.py",
                '        return name if self.private.get(name, 0) > cursor else ""\n',
                "        return name\n",
            ),
        ],
        8,
        "50 people were there, alice wrote to bob, then to all. Lines should be made "
        "once for each group of readers; JSON was encoded ... times.",
    ),
    Wrong(
        "a column more, so an old file does not fit",
        [
            (
                "chat.py",
                "key TEXT, UNIQUE (name, key))",
                "key TEXT, recipient TEXT, UNIQUE (name, key))",
            ),
        ],
        9,
        "The chat was started with a chat.db from before. Then: chat.RoomError: ... "
        "has tables of another program, or version",
    ),
    Wrong(
        "the name ends at the first space",
        [
            (
                "static/chat.js",
                "/^\\/to ([^:\\n]+): *([^]+)$/",
                "/^\\/to ([^:\\s]+)[^:]*: *([^]+)$/",
            ),
        ],
        10,
        "alice typed /to bob smith: swordfish. bob smith's page should show "
        "swordfish; it does not.",
    ),
    Wrong(
        "the page says /to bob to all",
        [
            (
                "static/chat.js",
                "  else if (msg) send(message, crypto",
                "  else if (msg) send({ msg: typed }, crypto",
            ),
        ],
        10,
        "alice typed /to bob smith: swordfish. bob smith's page should show "
        "swordfish; it does not.",
    ),
    Wrong(
        "nobody sees that it is private",
        [
            (
                "static/message.js",
                '  if (to) item.querySelector(".to").textContent = `to ${to}`;\n',
                "",
            ),
        ],
        11,
        "alice typed /to bob smith: swordfish. bob smith's page should say \"to bob "
        'smith" beside it; it does not.',
    ),
    Wrong(
        "what waits is sent to all",
        [
            (
                "static/chat.js",
                "pending.forEach(({ msg, to }, key) => transmit({ msg, to, key }));",
                "pending.forEach(({ msg }, key) => transmit({ msg, key }));",
            ),
        ],
        12,
        "alice wrote to bob smith while she was offline, and before a reload. "
        "carol's page should not show it; it does.",
    ),
    Wrong(
        "what waits through a reload is sent to all",
        [
            (
                "static/chat.js",
                "  for (const [key, message] of kept.unsent) pending.set(key, "
                "message);\n",
                "  for (const [key, { msg }] of kept.unsent) pending.set(key, { msg "
                "});\n",
            ),
        ],
        12,
        "alice wrote to bob smith while she was offline, and before a reload. "
        "carol's page should not show it; it does.",
    ),
    Wrong(
        "text as HTML",
        [
            (
                "static/message.js",
                '  if (to) item.querySelector(".to").textContent = `to ${to}`;\n',
                '  if (to) item.querySelector(".to").textContent = `to ${to}`;\n'
                '  if (to) item.querySelector(".msg").innerHTML = msg;\n',
            ),
        ],
        13,
        "alice typed /to bob: <b>psst. bob's page should show <b>psst; it does not.",
    ),
]
