"""Wrong solutions of exercise 5, which the check must refuse."""

from workshop.exercises import Wrong

WRONG = [
    Wrong(
        "messages come before the list",
        [
            (
                "chat.py",
                '        if self.get_query_argument("here", "") == "1":\n'
                "            self.send_presence()\n",
                '        if self.get_query_argument("here", "") == "1":\n'
                "            asyncio.get_running_loop().call_later(0.1, "
                "self.send_presence)\n",
            ),
        ],
        1,
        'alice connected with /ws?here=1. alice should get {"here": [...]}, before '
        'any message; {"id": 1, "at": ..., "name": "bob", "msg": "hello", "key": '
        "null} came first.",
    ),
    Wrong(
        "the list comes as a change",
        [
            (
                "chat.py",
                "    known = None  # the names that this client has been told\n",
                "    known = frozenset()  # the names that this client has been told\n",
            ),
        ],
        1,
        'alice connected with /ws?here=1. alice should get {"here": [...]}, before '
        'any message; {"id": 1, "at": ..., "name": "bob", "msg": "hello", "key": '
        "null} came first.",
    ),
    Wrong(
        "only those who ask are listed",
        [
            (
                "chat.py",
                "frozenset(name for name, _ in self.connections)",
                "frozenset(name for (name, _), each in self.connections.items() if "
                'any(one.get_query_argument("here", "") for one in each))',
            ),
        ],
        1,
        "alice connected with /ws?here=1. alice should be told that bob came; within "
        "3 s no such line came.",
    ),
    Wrong(
        "the whole list each time",
        [
            (
                "chat.py",
                '            line = {"came": sorted(came), "gone": sorted(gone)}\n',
                "",
            ),
        ],
        1,
        'alice connected with /ws?here=1. alice got {"here": ["alice", "bob"]}; '
        'after the first line only {"came": [...], "gone": [...]} should come.',
    ),
    Wrong(
        "an empty list is left out",
        [
            (
                "chat.py",
                '            line = {"came": sorted(came), "gone": sorted(gone)}\n',
                '            line = {"came": sorted(came)}\n'
                "            if gone:\n"
                '                line["gone"] = sorted(gone)\n',
            ),
        ],
        1,
        'alice connected with /ws?here=1. alice got {"came": ["alice", "bob"]}; '
        'after the first line only {"came": [...], "gone": [...]} should come.',
    ),
    Wrong(
        "everybody is told",
        [
            (
                "chat.py",
                '        if self.get_query_argument("here", "") == "1":\n'
                "            self.send_presence()\n",
                "        self.send_presence()\n",
            ),
        ],
        1,
        'bob sent hello. bob should get {"msg": "hello"}; {"here": []} came.',
    ),
    Wrong(
        "stored as a message",
        [
            (
                "chat.py",
                '        if self.get_query_argument("here", "") == "1":\n'
                "            self.send_presence()\n",
                '        asyncio.ensure_future(self.room.post(self.current_user, "is '
                'here", None))\n'
                '        if self.get_query_argument("here", "") == "1":\n'
                "            self.send_presence()\n",
            ),
        ],
        1,
        'bob sent hello. bob should get {"msg": "hello"}; {"id": 1, "at": ..., '
        '"name": "bob", "msg": "is here", "key": null} came.',
    ),
    Wrong(
        "who came is told to everybody again",
        [
            (
                "chat.py",
                "            came, gone = self.names - known, known - self.names\n",
                "            came, gone = self.names, known - self.names\n",
            ),
        ],
        2,
        'bob connected. alice got {"came": ["alice", "bob"], "gone": []}; alice knew '
        "that alice was here.",
    ),
    Wrong(
        "here=0 asks, too",
        [
            (
                "chat.py",
                'if self.get_query_argument("here", "") == "1":',
                'if self.get_query_argument("here", ""):',
            ),
        ],
        3,
        "bob and dave did not ask with here=1, and alice came. dave should get "
        'nothing but messages; {"here": []} came.',
    ),
    Wrong(
        "an empty change every second",
        [
            (
                "chat.py",
                "        self.gathering = None\n        names",
                "        self.gathering = None\n        self.change()\n        names",
            ),
            (
                "chat.py",
                "        if names == self.names:\n            return\n",
                "",
            ),
            (
                "chat.py",
                "        if self.known == roster.names:\n",
                "        if self.known is roster.names:\n",
            ),
        ],
        4,
        "alice and bob were here, then carol came. What one has been told is no "
        'news; carol got {"came": [], "gone": []}.',
    ),
    Wrong(
        "closing one tab is going",
        [
            (
                "chat.py",
                "        self.application.connections[self.holder].discard(self)\n",
                "        self.application.connections[self.holder].clear()\n",
            ),
        ],
        5,
        "bob closed one of his two tabs. alice should be told that bob came; within "
        "3 s no such line came.",
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
        6,
        "bob's connection broke, and he was back after 0.3 s. That is no news; alice "
        'got {"came": [], "gone": ["bob"]}.',
    ),
    Wrong(
        "signing out is no news",
        [
            (
                "chat.py",
                "        self.application.roster.change()\n"
                "        self.application.connections",
                "        if self.close_code != 1008:\n"
                "            self.application.roster.change()\n"
                "        self.application.connections",
            ),
        ],
        7,
        "bob, who had two tabs, signed out. alice should be told that bob went; "
        "within 3 s no such line came.",
    ),
    Wrong(
        "kept in the database",
        [
            (
                "chat.py",
                '        if self.get_query_argument("here", "") == "1":\n'
                "            self.send_presence()\n",
                '        asyncio.ensure_future(self.application.room.remember("here '
                '" + self.current_user, "1"))\n'
                '        if self.get_query_argument("here", "") == "1":\n'
                "            self.send_presence()\n",
            ),
        ],
        8,
        "bob came and said nothing. chat.db should not know him; it does.",
    ),
    Wrong(
        "those who come are not gathered",
        [
            (
                "chat.py",
                "        self.application.roster.change()\n        if self.get",
                "        self.application.roster.publish()\n        if self.get",
            ),
        ],
        9,
        "50 people joined within a moment. Each should get at most 5 lines about it; "
        "guest 0 got ...",
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
                "        for send_presence",
                "        readers, self.readers = self.readers, set()\n"
                "        for send_presence",
            ),
        ],
        10,
        "50 people were here, and bob joined. Their line should be made once for "
        "all; JSON was encoded ... times.",
    ),
    Wrong(
        "one after the other, so all wait for the slow one",
        [
            (
                "chat.py",
                "        readers, self.readers = self.readers, set()\n"
                "        for send_presence in readers:\n"
                "            send_presence()\n",
                "        asyncio.ensure_future(self.tell_all())\n"
                "\n"
                "    async def tell_all(self):\n"
                "        for connections in list(self.connections.values()):\n"
                "            for one in list(connections):\n"
                "                if one.known not in (None, self.names):\n"
                "                    one.known, line = self.read(one.known)\n"
                "                    if taken := one.transmit(to_frame(line)):\n"
                "                        await asyncio.wait([taken])\n",
            ),
            (
                "chat.py",
                "        if taken := self.transmit(to_frame(line)):\n"
                "            taken.add_done_callback(self.send_presence)\n"
                "        else:\n"
                "            roster.readers.add(self.send_presence)\n",
                "        self.transmit(to_frame(line))\n"
                "        roster.readers.add(self.send_presence)\n",
            ),
        ],
        11,
        "alice connected with /ws?here=1. alice should be told that alice came; "
        "within 3 s no such line came.",
    ),
    Wrong(
        "who comes back gets no list",
        [
            (
                "chat.py",
                'if self.get_query_argument("here", "") == "1":',
                'if self.get_query_argument("here", "") == "1" and not '
                'self.get_query_argument("since", ""):',
            ),
        ],
        12,
        'alice connected with /ws?here=1&since=150. alice should get {"here": '
        "[...]}, before any message; nothing came.",
    ),
    Wrong(
        "the page does not ask",
        [
            (
                "static/chat.js",
                '  query.set("here", 1);\n',
                "",
            ),
        ],
        13,
        'carol, then alice signed in. The list "Here now" should show carol; it '
        "shows nothing.",
    ),
    Wrong(
        "in the order in which they came",
        [
            (
                "static/chat.js",
                ".filter((name) => !gone.includes(name)).sort();",
                ".filter((name) => !gone.includes(name));",
            ),
        ],
        13,
        'carol, then alice signed in. The list "Here now" should show alice, carol; '
        "it shows carol.",
    ),
    Wrong(
        "the list has no label",
        [
            (
                "templates/chat.html",
                ' aria-label="Here now"',
                "",
            ),
        ],
        13,
        'carol, then alice signed in. The list "Here now" should show carol; it '
        "shows nothing.",
    ),
    Wrong(
        "who has gone stays on the page",
        [
            (
                "static/chat.js",
                ".filter((name) => !gone.includes(name)).sort();",
                ".sort();",
            ),
        ],
        14,
        'bob closed his window. The list "Here now" should show alice; it shows '
        "alice, bob.",
    ),
    Wrong(
        "text as HTML",
        [
            (
                "static/chat.js",
                '{ textContent: name, dir: "auto" }',
                '{ innerHTML: name, dir: "auto" }',
            ),
        ],
        15,
        '<b>bob came. The list "Here now" should show <b>bob, alice; it shows ...',
    ),
    Wrong(
        "the list is added to the old one",
        [
            (
                "static/chat.js",
                "  names = [...here, ...came]",
                "  names = [...names, ...(here === names ? [] : here), ...came]",
            ),
        ],
        16,
        'alice\'s connection had been broken. The list "Here now" should show '
        "alice, bob; it shows alice, alice, bob, bob.",
    ),
]
