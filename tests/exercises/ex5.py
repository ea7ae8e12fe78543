"""Wrong solutions of exercise 5, which the check must refuse."""

from tests.exercises import CHAT, JS, PAGE, Wrong

WRONG = [
    Wrong(
        1,
        "messages come before the list",
        (
            CHAT,
            '        if self.get_query_argument("here", "") == "1":\n'
            '            self.send_presence()\n',
            '        if self.get_query_argument("here", "") == "1":\n'
            '            asyncio.get_running_loop().call_later(0.1, self.send_presence)\n',
        ),
    ),
    Wrong(
        1,
        "the list comes as a change",
        (
            CHAT,
            "    known = None  # the names that this client has been told\n",
            "    known = frozenset()  # the names that this client has been told\n",
        ),
    ),
    Wrong(
        1,
        "only those who ask are listed",
        (
            CHAT,
            "frozenset(name for name, _ in self.connections)",
            'frozenset(name for (name, _), each in self.connections.items() if any(one.get_query_argument("here", "") for one in each))',
        ),
    ),
    Wrong(
        1,
        "the whole list each time",
        (
            CHAT,
            '            line = {"came": sorted(came), "gone": sorted(gone)}\n',
            "",
        ),
    ),
    Wrong(
        1,
        "an empty list is left out",
        (
            CHAT,
            '            line = {"came": sorted(came), "gone": sorted(gone)}\n',
            '            line = {"came": sorted(came)}\n'
            '            if gone:\n'
            '                line["gone"] = sorted(gone)\n',
        ),
    ),
    Wrong(
        1,
        "everybody is told",
        (
            CHAT,
            '        if self.get_query_argument("here", "") == "1":\n'
            '            self.send_presence()\n',
            "        self.send_presence()\n",
        ),
    ),
    Wrong(
        1,
        "stored as a message",
        (
            CHAT,
            '        if self.get_query_argument("here", "") == "1":\n'
            '            self.send_presence()\n',
            '        asyncio.ensure_future(self.room.post(self.current_user, "is here", None))\n'
            '        if self.get_query_argument("here", "") == "1":\n'
            '            self.send_presence()\n',
        ),
    ),
    Wrong(
        2,
        "who came is told to everybody again",
        (
            CHAT,
            "            came, gone = self.names - known, known - self.names\n",
            "            came, gone = self.names, known - self.names\n",
        ),
    ),
    Wrong(
        3,
        "here=0 asks, too",
        (
            CHAT,
            'if self.get_query_argument("here", "") == "1":',
            'if self.get_query_argument("here", ""):',
        ),
    ),
    Wrong(
        4,
        "an empty change every second",
        (
            CHAT,
            '        self.gathering = None\n'
            '        names',
            '        self.gathering = None\n'
            '        self.change()\n'
            '        names',
        ),
        (
            CHAT,
            '        if names == self.names:\n'
            '            return\n',
            "",
        ),
        (
            CHAT,
            "        if self.known == roster.names:\n",
            "        if self.known is roster.names:\n",
        ),
    ),
    Wrong(
        5,
        "closing one tab is going",
        (
            CHAT,
            "        self.application.connections[self.holder].discard(self)\n",
            "        self.application.connections[self.holder].clear()\n",
        ),
    ),
    Wrong(
        6,
        "nothing is gathered",
        (
            CHAT,
            "GATHER = 1  #",
            "GATHER = 0  #",
        ),
    ),
    Wrong(
        7,
        "signing out is no news",
        (
            CHAT,
            '        self.application.roster.change()\n'
            '        self.application.connections',
            '        if self.close_code != 1008:\n'
            '            self.application.roster.change()\n'
            '        self.application.connections',
        ),
    ),
    Wrong(
        8,
        "kept in the database",
        (
            CHAT,
            '        if self.get_query_argument("here", "") == "1":\n'
            '            self.send_presence()\n',
            '        asyncio.ensure_future(self.application.room.remember("here " + self.current_user, "1"))\n'
            '        if self.get_query_argument("here", "") == "1":\n'
            '            self.send_presence()\n',
        ),
    ),
    Wrong(
        9,
        "those who come are not gathered",
        (
            CHAT,
            '        self.application.roster.change()\n'
            '        if self.get',
            '        self.application.roster.publish()\n'
            '        if self.get',
        ),
    ),
    Wrong(
        10,
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
            '        for send_presence',
            '        readers, self.readers = self.readers, set()\n'
            '        for send_presence',
        ),
    ),
    Wrong(
        11,
        "one after the other, so all wait for the slow one",
        (
            CHAT,
            '        readers, self.readers = self.readers, set()\n'
            '        for send_presence in readers:\n'
            '            send_presence()\n',
            '        asyncio.ensure_future(self.tell_all())\n'
            '\n'
            '    async def tell_all(self):\n'
            '        for connections in list(self.connections.values()):\n'
            '            for one in list(connections):\n'
            '                if one.known not in (None, self.names):\n'
            '                    one.known, line = self.read(one.known)\n'
            '                    if taken := one.transmit(to_frame(line)):\n'
            '                        await asyncio.wait([taken])\n',
        ),
        (
            CHAT,
            '        if taken := self.transmit(to_frame(line)):\n'
            '            taken.add_done_callback(self.send_presence)\n'
            '        else:\n'
            '            roster.readers.add(self.send_presence)\n',
            '        self.transmit(to_frame(line))\n'
            '        roster.readers.add(self.send_presence)\n',
        ),
    ),
    Wrong(
        12,
        "who comes back gets no list",
        (
            CHAT,
            'if self.get_query_argument("here", "") == "1":',
            'if self.get_query_argument("here", "") == "1" and not self.get_query_argument("since", ""):',
        ),
    ),
    Wrong(
        13,
        "the page does not ask",
        (
            JS,
            '  query.set("here", 1);\n',
            "",
        ),
    ),
    Wrong(
        13,
        "in the order in which they came",
        (
            JS,
            ".filter((name) => !gone.includes(name)).sort();",
            ".filter((name) => !gone.includes(name));",
        ),
    ),
    Wrong(
        13,
        "the list has no label",
        (
            PAGE,
            ' aria-label="Here now"',
            "",
        ),
    ),
    Wrong(
        14,
        "who has gone stays on the page",
        (
            JS,
            ".filter((name) => !gone.includes(name)).sort();",
            ".sort();",
        ),
    ),
    Wrong(
        15,
        "text as HTML",
        (
            JS,
            '{ textContent: name, dir: "auto" }',
            '{ innerHTML: name, dir: "auto" }',
        ),
    ),
    Wrong(
        16,
        "the list is added to the old one",
        (
            JS,
            "  names = [...here, ...came]",
            "  names = [...names, ...(here === names ? [] : here), ...came]",
        ),
    ),
]
