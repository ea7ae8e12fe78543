"""Wrong solutions of exercise 6, which the check must refuse."""

from tests.exercises import CHAT, JS, PAGE, Wrong

WRONG = [
    Wrong(
        1,
        "all rooms are one",
        (
            CHAT,
            "        return self.rooms[name] if name else self.room\n",
            "        return self.room\n",
        ),
    ),
    Wrong(
        2,
        "the default room has a new file",
        (
            CHAT,
            "        self.room = Room(options.db)\n",
            '        self.room = Room(f"{options.db}.main.db")\n',
        ),
    ),
    Wrong(
        3,
        "a message goes to the default room, too",
        (
            CHAT,
            "        stored = await self.room.post(self.current_user, msg, key)\n",
            '        stored = await self.room.post(self.current_user, msg, key)\n'
            '        if self.room is not self.application.room:\n'
            '            await self.application.room.post(self.current_user, msg, None)\n',
        ),
    ),
    Wrong(
        1,
        "batches are kept for all rooms together, and for ever",
        (
            CHAT,
            "        self.read = functools.lru_cache(KEPT)(self.read)  # or each reader reads anew\n",
            "        self.read = Kept(self.read)\n",
        ),
        (
            CHAT,
            "class Room:\n",
            'class Kept:\n'
            '    batches = {}\n'
            '\n'
            '    def __init__(self, read):\n'
            '        self.read = read\n'
            '\n'
            '    def __call__(self, cursor):\n'
            '        if cursor not in self.batches:\n'
            '            self.batches[cursor] = self.read(cursor)\n'
            '        return self.batches[cursor]\n'
            '\n'
            '    def cache_clear(self):\n'
            '        pass\n'
            '\n'
            '\n'
            'class Room:\n',
        ),
    ),
    Wrong(
        4,
        "a newcomer begins where the default room ends",
        (
            CHAT,
            "        self.cursor = max(0, self.room.end - HISTORY)\n",
            "        self.cursor = max(0, self.application.room.end - HISTORY)\n",
        ),
    ),
    Wrong(
        4,
        "since is an id of the default room",
        (
            CHAT,
            "self.cursor = await self.room.place(",
            "self.cursor = await self.application.room.place(",
        ),
    ),
    Wrong(
        5,
        "keys count in the default room alone",
        (
            CHAT,
            "await self.room.post(self.current_user, msg, key)",
            "await self.room.post(self.current_user, msg, key if self.room is self.application.room else None)",
        ),
    ),
    Wrong(
        6,
        "a room's file can be a part of another's",
        (
            CHAT,
            '{name}.db")',
            '{name}")',
        ),
    ),
    Wrong(
        6,
        "the table of a room has its name",
        (
            CHAT,
            "        self.path, self.table = path, table\n",
            '        self.path, self.table = path, table.strip(\'"\').removeprefix(\'log-\')\n',
        ),
    ),
    Wrong(
        7,
        "Kitchen is kitchen",
        (
            CHAT,
            '        name = self.get_query_argument("room", None, strip=False)\n',
            '        name = self.get_query_argument("room", None, strip=False)\n'
            '        name = name and name.lower()\n',
        ),
    ),
    Wrong(
        7,
        "a space in front does not matter",
        (
            CHAT,
            '"room", None, strip=False)',
            '"room", None)',
        ),
    ),
    Wrong(
        7,
        "whatever begins well is a name",
        (
            CHAT,
            "not re.fullmatch(ROOM, name)",
            "not re.match(ROOM, name)",
        ),
    ),
    Wrong(
        7,
        "an empty name is the default room",
        (
            CHAT,
            '        if name is None:\n'
            '            return ""\n',
            '        if not name:\n'
            '            return ""\n',
        ),
    ),
    Wrong(
        7,
        "the page is not refused",
        (
            CHAT,
            '        self.render("templates/chat.html", room=self.room_name())\n',
            '        self.render("templates/chat.html", room=self.get_query_argument("room", ""))\n',
        ),
    ),
    Wrong(
        8,
        "rooms are in memory",
        (
            CHAT,
            '            room = Room(f"{self.room.path}.{name}.db")\n',
            '            room = Room("")\n',
        ),
    ),
    Wrong(
        9,
        "signing out leaves the other rooms connected",
        (
            CHAT,
            '            for connection in list(self.connections.get(holder, ())):\n'
            '                connection.close(code, reason)\n',
            '            for connection in list(self.connections.get(holder, ())):\n'
            '                if not holders or connection.room is self.room:\n'
            '                    connection.close(code, reason)\n',
        ),
    ),
    Wrong(
        10,
        "leaving one room is leaving all",
        (
            CHAT,
            "        if not self.application.connections[self.holder]:\n",
            "        if not any(one.room is self.room for one in self.application.connections[self.holder]):\n",
        ),
    ),
    Wrong(
        11,
        "stopping leaves the other rooms connected",
        (
            CHAT,
            '            for connection in list(self.connections.get(holder, ())):\n'
            '                connection.close(code, reason)\n',
            '            for connection in list(self.connections.get(holder, ())):\n'
            '                if holders or connection.room is self.room:\n'
            '                    connection.close(code, reason)\n',
        ),
    ),
    Wrong(
        12,
        "the heading does not name the room",
        (
            PAGE,
            '  <h1>Chat{{ room and ": " + room }}</h1>\n',
            "  <h1>Chat</h1>\n",
        ),
    ),
    Wrong(
        12,
        "the page connects to the default room",
        (
            JS,
            '  if (room) query.set("room", room);\n',
            "",
        ),
    ),
    Wrong(
        13,
        "a broken connection leads to the default room",
        (
            JS,
            "  clearTimeout(timers.lasting);\n",
            '  clearTimeout(timers.lasting);\n'
            '  if (room && attempts === 0) location.assign("/chat");\n',
        ),
    ),
    Wrong(
        14,
        "what is pending goes along into the next room",
        (
            JS,
            "const drawer = room ? `${me}/${room}` : me; //",
            "const drawer = me; //",
        ),
    ),
]
