"""Wrong solutions of exercise 8, which the check must refuse."""

from tests.exercises import CHAT, JS, Wrong

WRONG = [
    Wrong(
        1,
        "what is known comes with the first change only",
        (
            CHAT,
            "    told = -1  #",
            "    told = 0  #",
        ),
    ),
    Wrong(
        1,
        "messages come first",
        (
            CHAT,
            '        if self.get_query_argument("read", "") == "1":\n'
            '            self.send_marks()\n',
            '        if self.get_query_argument("read", "") == "1":\n'
            '            asyncio.get_running_loop().call_later(0.1, self.send_marks)\n',
        ),
    ),
    Wrong(
        1,
        "only the others are told",
        (
            CHAT,
            '        line = {"read": {name: self.ids[name] for name in names}}\n',
            '        line = {"read": {name: self.ids[name] for name in names if not cursor}}\n',
        ),
    ),
    Wrong(
        2,
        "whoever has read is not told",
        (
            CHAT,
            '        for send_marks in readers:\n'
            '            send_marks()\n',
            '        for send_marks in readers:\n'
            '            if self.changes.get(send_marks.__self__.current_user) != self.end:\n'
            '                send_marks()\n',
        ),
    ),
    Wrong(
        3,
        "the whole table each time",
        (
            CHAT,
            "if number > cursor]",
            "]",
        ),
    ),
    Wrong(
        4,
        "read=0 asks, too",
        (
            CHAT,
            'if self.get_query_argument("read", "") == "1":',
            'if self.get_query_argument("read", ""):',
        ),
    ),
    Wrong(
        4,
        "everybody is told",
        (
            CHAT,
            '        if self.get_query_argument("read", "") == "1":\n'
            '            self.send_marks()\n',
            "        self.send_marks()\n",
        ),
    ),
    Wrong(
        4,
        "stored as a message",
        (
            CHAT,
            "        self.application.marks.move(self.current_user, id)\n",
            '        self.application.marks.move(self.current_user, id)\n'
            '        await self.room.post(self.current_user, f"has read {id}", None)\n',
        ),
    ),
    Wrong(
        5,
        "one can read backwards",
        (
            CHAT,
            '        if id <= self.ids.get(name, 0):\n'
            '            return\n',
            '        if id == self.ids.get(name, 0):\n'
            '            return\n',
        ),
    ),
    Wrong(
        5,
        "each tab has its own mark",
        (
            CHAT,
            '        if id <= self.ids.get(name, 0):\n'
            '            return\n',
            "",
        ),
        (
            CHAT,
            '            raise ValueError("read is not the id of a message.")\n',
            '            raise ValueError("read is not the id of a message.")\n'
            '        if id <= getattr(self, "last", 0):\n'
            '            return\n'
            '        self.last = id\n',
        ),
    ),
    Wrong(
        6,
        "an id that no message has",
        (
            CHAT,
            "        if type(id) is not int or not 0 < id <= self.room.end:\n",
            "        if type(id) is not int or not 0 < id < 10**15:\n",
        ),
    ),
    Wrong(
        6,
        "true is the number 1",
        (
            CHAT,
            "type(id) is not int or",
            "not isinstance(id, int) or",
        ),
    ),
    Wrong(
        6,
        "a bad value is dropped without a word",
        (
            CHAT,
            '            raise ValueError("read is not the id of a message.")\n',
            "            return\n",
        ),
    ),
    Wrong(
        7,
        "the message beside read is swallowed",
        (
            CHAT,
            '        "msg": take_message,\n'
            '        "read": take_read,\n',
            '        "read": take_read,\n'
            '        "msg": take_message,\n',
        ),
    ),
    Wrong(
        8,
        "kept in the database",
        (
            CHAT,
            "        self.application.marks.move(self.current_user, id)\n",
            '        self.application.marks.move(self.current_user, id)\n'
            '        with self.room.db:\n'
            '            self.room.db.execute("CREATE TABLE IF NOT EXISTS marks (name, id)")\n'
            '            self.room.db.execute("INSERT INTO marks VALUES (?, ?)", (self.current_user, id))\n',
        ),
        (
            CHAT,
            '        if self.get_query_argument("read", "") == "1":\n'
            '            self.send_marks()\n',
            '        marks = self.application.marks\n'
            '        try:\n'
            '            rows = list(self.room.db.execute("SELECT * FROM marks"))\n'
            '        except sqlite3.OperationalError:\n'
            '            rows = []\n'
            '        for name, id in rows:\n'
            '            marks.ids[name] = max(id, marks.ids.get(name, 0))\n'
            '            marks.changes.setdefault(name, 0)\n'
            '        if self.get_query_argument("read", "") == "1":\n'
            '            self.send_marks()\n',
        ),
    ),
    Wrong(
        9,
        "nothing is gathered",
        (
            CHAT,
            "GATHER = 1  #",
            "GATHER = 0  #",
        ),
    ),
    Wrong(
        9,
        "made anew for each reader",
        (
            CHAT,
            "        self.read = functools.lru_cache(KEPT)(self.read)  # or each reader encodes anew\n",
            "",
        ),
        (
            CHAT,
            '        self.read.cache_clear()\n'
            '        readers, self.readers = self.readers, set()\n'
            '        for send_marks',
            '        readers, self.readers = self.readers, set()\n'
            '        for send_marks',
        ),
    ),
    Wrong(
        10,
        "one after the other, so all wait for the slow one",
        (
            CHAT,
            '        readers, self.readers = self.readers, set()\n'
            '        for send_marks in readers:\n'
            '            send_marks()\n',
            '        asyncio.ensure_future(self.tell_all())\n'
            '\n'
            '    async def tell_all(self):\n'
            '        for send_marks in sorted(self.readers, key=lambda each: each.__self__.current_user, reverse=True):\n'
            '            one = send_marks.__self__\n'
            '            one.told, line = self.read(one.told)\n'
            '            if taken := one.transmit(to_frame(line)):\n'
            '                await asyncio.wait([taken])\n',
        ),
        (
            CHAT,
            '        if taken := self.transmit(to_frame(line)):\n'
            '            taken.add_done_callback(self.send_marks)\n'
            '        else:\n'
            '            marks.readers.add(self.send_marks)\n',
            '        self.transmit(to_frame(line))\n'
            '        marks.readers.add(self.send_marks)\n',
        ),
    ),
    Wrong(
        11,
        "my own name is there, too",
        (
            JS,
            "filter((name) => name !== me && marks",
            "filter((name) => marks",
        ),
    ),
    Wrong(
        11,
        "in the order in which they have read",
        (
            JS,
            "marks.get(name) >= id).sort();",
            "marks.get(name) >= id).sort().reverse();",
        ),
    ),
    Wrong(
        11,
        "below my first message",
        (
            JS,
            "  const last = mine[mine.length - 1];\n",
            "  const last = mine[0];\n",
        ),
    ),
    Wrong(
        11,
        "it says so although nobody has read",
        (
            JS,
            "marks.get(name) >= id)",
            "marks.get(name) >= 0)",
        ),
    ),
    Wrong(
        11,
        "the page does not ask",
        (
            JS,
            '  query.set("read", 1);\n',
            "",
        ),
    ),
    Wrong(
        12,
        "each message is told at once",
        (
            JS,
            "  timers.seen = setTimeout(() => {\n",
            "  Promise.resolve().then(() => {\n",
        ),
        (
            JS,
            '    transmit({ read: seen });\n'
            '  }, 1000);\n',
            '    transmit({ read: seen });\n'
            '  });\n',
        ),
    ),
    Wrong(
        13,
        "a hidden page reads, too",
        (
            JS,
            "    if (document.hidden || !cursor ||",
            "    if (!cursor ||",
        ),
    ),
    Wrong(
        13,
        "who looks again does not say so",
        (
            JS,
            'document.addEventListener("visibilitychange", tellSeen);\n',
            "",
        ),
    ),
    Wrong(
        14,
        "text as HTML",
        (
            JS,
            "  readBy.textContent = names",
            "  readBy.innerHTML = names",
        ),
    ),
]
