"""Wrong solutions of exercise 8, which the check must refuse."""

from workshop.exercises import Wrong

WRONG = [
    Wrong(
        "what is known comes with the first change only",
        [
            (
                "chat.py",
                "    told = -1  #",
                "    told = 0  #",
            ),
        ],
        1,
        'alice connected with /ws?read=1. alice should get {"read": {...}}, before '
        'any message; {"id": 1, "at": ..., "name": "dora", "msg": "m1", "key": null} '
        "came first.",
    ),
    Wrong(
        "messages come first",
        [
            (
                "chat.py",
                '        if self.get_query_argument("read", "") == "1":\n'
                "            self.send_marks()\n",
                '        if self.get_query_argument("read", "") == "1":\n'
                "            asyncio.get_running_loop().call_later(0.1, "
                "self.send_marks)\n",
            ),
        ],
        1,
        'alice connected with /ws?read=1. alice should get {"read": {...}}, before '
        'any message; {"id": 1, "at": ..., "name": "dora", "msg": "m1", "key": null} '
        "came first.",
    ),
    Wrong(
        "only the others are told",
        [
            (
                "chat.py",
                '        line = {"read": {name: self.ids[name] for name in names}}\n',
                '        line = {"read": {name: self.ids[name] for name in names if '
                "not cursor}}\n",
            ),
        ],
        1,
        "alice had read up to 20, and bob connected with read=1. His first line "
        'should be {"read": {"alice": 20}}; it was {"read": {}}.',
    ),
    Wrong(
        "whoever has read is not told",
        [
            (
                "chat.py",
                "        for send_marks in readers:\n            send_marks()\n",
                "        for send_marks in readers:\n"
                "            if self.changes.get(send_marks.__self__.current_user) "
                "!= self.end:\n"
                "                send_marks()\n",
            ),
        ],
        2,
        'alice sent {"read": 17}. alice should be told {"read": {"alice": 17}}; '
        "within 3 s it did not come.",
    ),
    Wrong(
        "the whole table each time",
        [
            (
                "chat.py",
                "if number > cursor]",
                "]",
            ),
        ],
        3,
        'bob sent {"read": 18}. bob got {"read": {"alice": 17, "bob": 18}}, and knew '
        "that alice had read up to 17.",
    ),
    Wrong(
        "read=0 asks, too",
        [
            (
                "chat.py",
                'if self.get_query_argument("read", "") == "1":',
                'if self.get_query_argument("read", ""):',
            ),
        ],
        4,
        "bob and carol did not ask with read=1, and bob read on. bob should get "
        'nothing but messages; {"read": {}} came.',
    ),
    Wrong(
        "everybody is told",
        [
            (
                "chat.py",
                '        if self.get_query_argument("read", "") == "1":\n'
                "            self.send_marks()\n",
                "        self.send_marks()\n",
            ),
        ],
        4,
        "bob and carol did not ask with read=1, and bob read on. bob should get "
        'nothing but messages; {"read": {}} came.',
    ),
    Wrong(
        "stored as a message",
        [
            (
                "chat.py",
                "        self.application.marks.move(self.current_user, id)\n",
                "        self.application.marks.move(self.current_user, id)\n"
                '        await self.room.post(self.current_user, f"has read {id}", '
                "None)\n",
            ),
        ],
        4,
        "bob and carol did not ask with read=1, and bob read on. bob should get "
        'nothing but messages; {"id": 21, "at": ..., "name": "bob", "msg": "has read '
        '17", "key": null} came.',
    ),
    Wrong(
        "one can read backwards",
        [
            (
                "chat.py",
                "        if id <= self.ids.get(name, 0):\n            return\n",
                "        if id == self.ids.get(name, 0):\n            return\n",
            ),
        ],
        5,
        "bob had read up to 17, then sent 15, and 16 from another tab. alice got "
        '{"read": {"bob": 16}}, and knew that bob had read up to 17.',
    ),
    Wrong(
        "each tab has its own mark",
        [
            (
                "chat.py",
                "        if id <= self.ids.get(name, 0):\n            return\n",
                "",
            ),
            (
                "chat.py",
                '            raise ValueError("read is not the id of a message.")\n',
                '            raise ValueError("read is not the id of a message.")\n'
                '        if id <= getattr(self, "last", 0):\n'
                "            return\n"
                "        self.last = id\n",
            ),
        ],
        5,
        "bob had read up to 17, then sent 15, and 16 from another tab. alice got "
        '{"read": {"bob": 16}}, and knew that bob had read up to 17.',
    ),
    Wrong(
        "an id that no message has",
        [
            (
                "chat.py",
                "        if type(id) is not int or not 0 < id <= self.room.end:\n",
                "        if type(id) is not int or not 0 < id < 10**15:\n",
            ),
        ],
        6,
        'bob sent {"read": 21}. bob should get an error line; nothing came within 2 s.',
    ),
    Wrong(
        "true is the number 1",
        [
            (
                "chat.py",
                "type(id) is not int or",
                "not isinstance(id, int) or",
            ),
        ],
        6,
        'bob sent {"read": true}. bob should get an error line; nothing came within '
        "2 s.",
    ),
    Wrong(
        "a bad value is dropped without a word",
        [
            (
                "chat.py",
                '            raise ValueError("read is not the id of a message.")\n',
                "            return\n",
            ),
        ],
        6,
        'bob sent {"read": 0}. bob should get an error line; nothing came within 2 s.',
    ),
    Wrong(
        "the message beside read is swallowed",
        [
            (
                "chat.py",
                '        "msg": take_message,\n        "read": take_read,\n',
                '        "read": take_read,\n        "msg": take_message,\n',
            ),
        ],
        7,
        'bob sent {"msg": "hello", "read": 17}. bob should get {"id": 21, "msg": '
        '"hello"}; nothing came within 2 s.',
    ),
    Wrong(
        "kept in the database",
        [
            (
                "chat.py",
                "        self.application.marks.move(self.current_user, id)\n",
                "        self.application.marks.move(self.current_user, id)\n"
                "        with self.room.db:\n"
                '            self.room.db.execute("CREATE TABLE IF NOT EXISTS marks '
                '(name, id)")\n'
                '            self.room.db.execute("INSERT INTO marks VALUES (?, ?)", '
                "(self.current_user, id))\n",
            ),
            (
                "chat.py",
                '        if self.get_query_argument("read", "") == "1":\n'
                "            self.send_marks()\n",
                "        marks = self.application.marks\n"
                "        try:\n"
                '            rows = list(self.room.db.execute("SELECT * FROM marks"))\n'
                "        except sqlite3.OperationalError:\n"
                "            rows = []\n"
                "        for name, id in rows:\n"
                "            marks.ids[name] = max(id, marks.ids.get(name, 0))\n"
                "            marks.changes.setdefault(name, 0)\n"
                '        if self.get_query_argument("read", "") == "1":\n'
                "            self.send_marks()\n",
            ),
        ],
        8,
        "alice had read up to 17. alice connected with /ws?read=1&since=20. Nobody "
        'should have read anything; {"read": {"alice": 17}} came.',
    ),
    Wrong(
        "nothing is gathered",
        [
            (
                "chat.py",
                "GATHER = 1  #",
                "GATHER = 0  #",
            ),
        ],
        9,
        "50 people read one message within a moment. Each should get at most 5 lines "
        "about it; guest 0 got ...",
    ),
    Wrong(
        "made anew for each reader",
        [
            (
                "chat.py",
                "        self.read = functools.lru_cache(KEPT)(self.read)  # or each "
                "reader encodes anew\n",
                "",
            ),
            (
                "chat.py",
                "        self.read.cache_clear()\n"
                "        readers, self.readers = self.readers, set()\n"
                "        for send_marks",
                "        readers, self.readers = self.readers, set()\n"
                "        for send_marks",
            ),
        ],
        9,
        "50 people read one message within a moment. Their line should be made once "
        "for all; JSON was encoded ... times.",
    ),
    Wrong(
        "one after the other, so all wait for the slow one",
        [
            (
                "chat.py",
                "        readers, self.readers = self.readers, set()\n"
                "        for send_marks in readers:\n"
                "            send_marks()\n",
                "        asyncio.ensure_future(self.tell_all())\n"
                "\n"
                "    async def tell_all(self):\n"
                "        for send_marks in sorted(self.readers, key=lambda each: "
                "each.__self__.current_user, reverse=True):\n"
                "            one = send_marks.__self__\n"
                "            one.told, line = self.read(one.told)\n"
                "            if taken := one.transmit(to_frame(line)):\n"
                "                await asyncio.wait([taken])\n",
            ),
            (
                "chat.py",
                "        if taken := self.transmit(to_frame(line)):\n"
                "            taken.add_done_callback(self.send_marks)\n"
                "        else:\n"
                "            marks.readers.add(self.send_marks)\n",
                "        self.transmit(to_frame(line))\n"
                "        marks.readers.add(self.send_marks)\n",
            ),
        ],
        10,
        'carol\'s computer had stopped reading, and bob sent {"read": 20}. alice '
        'should be told {"read": {"bob": 20}}; within 3 s it did not come.',
    ),
    Wrong(
        "my own name is there, too",
        [
            (
                "static/chat.js",
                "filter((name) => name !== me && marks",
                "filter((name) => marks",
            ),
        ],
        11,
        "alice sent hello, and nobody else was there. Her page should not say Read "
        "by; it does.",
    ),
    Wrong(
        "in the order in which they have read",
        [
            (
                "static/chat.js",
                "marks.get(name) >= id).sort();",
                "marks.get(name) >= id).sort().reverse();",
            ),
        ],
        11,
        "alice sent hello, then carol and bob came. alice's page should say \"Read "
        'by bob, carol" below her message; it does not.',
    ),
    Wrong(
        "below my first message",
        [
            (
                "static/chat.js",
                "  const last = mine[mine.length - 1];\n",
                "  const last = mine[0];\n",
            ),
        ],
        11,
        "alice's last message was read by nobody. Her page should not say Read by; "
        "it does.",
    ),
    Wrong(
        "it says so although nobody has read",
        [
            (
                "static/chat.js",
                "marks.get(name) >= id)",
                "marks.get(name) >= 0)",
            ),
        ],
        11,
        "alice's last message was read by nobody. Her page should not say Read by; "
        "it does.",
    ),
    Wrong(
        "the page does not ask",
        [
            (
                "static/chat.js",
                '  query.set("read", 1);\n',
                "",
            ),
        ],
        11,
        "alice sent hello, then carol and bob came. alice's page should say \"Read "
        'by bob, carol" below her message; it does not.',
    ),
    Wrong(
        "each message is told at once",
        [
            (
                "static/chat.js",
                "  timers.seen = setTimeout(() => {\n",
                "  Promise.resolve().then(() => {\n",
            ),
            (
                "static/chat.js",
                "    transmit({ read: seen });\n  }, 1000);\n",
                "    transmit({ read: seen });\n  });\n",
            ),
        ],
        12,
        "alice sent 16 messages at once. bob's page should say at most once a second "
        "how far it has read; it said so ... times.",
    ),
    Wrong(
        "a hidden page reads, too",
        [
            (
                "static/chat.js",
                "    if (document.hidden || !cursor ||",
                "    if (!cursor ||",
            ),
        ],
        13,
        "alice sent hello, and bob's page was in a hidden tab. alice's page should "
        "not say that he has read it; it does.",
    ),
    Wrong(
        "who looks again does not say so",
        [
            (
                "static/chat.js",
                'document.addEventListener("visibilitychange", tellSeen);\n',
                "",
            ),
        ],
        13,
        "alice sent hello, and bob's page was in a hidden tab, until he looked at it "
        'again. alice\'s page should say "Read by bob" below her message; it does '
        "not.",
    ),
    Wrong(
        "text as HTML",
        [
            (
                "static/chat.js",
                "  readBy.textContent = names",
                "  readBy.innerHTML = names",
            ),
        ],
        14,
        "<b>bob read alice's message. alice's page should say \"Read by <b>bob\" "
        "below her message; it does not.",
    ),
]
