"""Wrong solutions of exercise 6, which the check must refuse."""

from workshop.exercises import Wrong

WRONG = [
    Wrong(
        "all rooms are one",
        [
            (
                "chat.py",
                "        return self.rooms[name] if name else self.room\n",
                "        return self.room\n",
            ),
        ],
        1,
        'alice, the first in the room kitchen, sent tea. alice should get {"id": 1, '
        '"msg": "tea"}; {"id": 11, "at": ..., "name": "bob", "msg": "old 11", "key": '
        "null} came.",
    ),
    Wrong(
        "the default room has a new file",
        [
            (
                "chat.py",
                "        self.room = Room(options.db)\n",
                '        self.room = Room(f"{options.db}.main.db")\n',
            ),
        ],
        2,
        "A chat.db from before held 60 messages, and bob sent hello without a room. "
        'bob should get {"id": 11, "msg": "old 11"}; {"id": 1, "at": ..., "name": '
        '"bob", "msg": "hello", "key": null} came.',
    ),
    Wrong(
        "a message goes to the default room, too",
        [
            (
                "chat.py",
                "        stored = await self.room.post(self.current_user, msg, key)\n",
                "        stored = await self.room.post(self.current_user, msg, key)\n"
                "        if self.room is not self.application.room:\n"
                "            await self.application.room.post(self.current_user, "
                "msg, None)\n",
            ),
        ],
        3,
        'People in three rooms talked at once. dora should get {"id": 62, "msg": "2 '
        'in ?since=60"}; {"id": 62, "at": ..., "name": "emil", "msg": "1 in '
        '?room=kitchen", "key": null} came.',
    ),
    Wrong(
        "batches are kept for all rooms together, and for ever",
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
                "    batches = {}\n"
                "\n"
                "    def __init__(self, read):\n"
                "        self.read = read\n"
                "\n"
                "    def __call__(self, cursor):\n"
                "        if cursor not in self.batches:\n"
                "            self.batches[cursor] = self.read(cursor)\n"
                "        return self.batches[cursor]\n"
                "\n"
                "    def cache_clear(self):\n"
                "        pass\n"
                "\n"
                "\n"
                "class Room:\n",
            ),
        ],
        1,
        'In the room garden alice sent message 1. alice should get {"id": 1, "msg": '
        '"garden 1"}; {"id": 1, "at": ..., "name": "alice", "msg": "kitchen 1", '
        '"key": null} came.',
    ),
    Wrong(
        "a newcomer begins where the default room ends",
        [
            (
                "chat.py",
                "        self.cursor = max(0, self.room.end - HISTORY)\n",
                "        self.cursor = max(0, self.application.room.end - HISTORY)\n",
            ),
        ],
        4,
        "The room kitchen has 70 messages, and bob connected with ?room=kitchen. bob "
        'should get {"id": 21, "msg": "tea 21"}; {"id": 11, "at": ..., "name": '
        '"cem", "msg": "tea 11", "key": null} came.',
    ),
    Wrong(
        "since is an id of the default room",
        [
            (
                "chat.py",
                "self.cursor = await self.room.place(",
                "self.cursor = await self.application.room.place(",
            ),
        ],
        4,
        "The room kitchen has 70 messages, and bob connected with "
        '?room=kitchen&since=68. bob should get {"id": 69, "msg": "tea 69"}; {"id": '
        '61, "at": ..., "name": "ben", "msg": "tea 61", "key": null} came.',
    ),
    Wrong(
        "keys count in the default room alone",
        [
            (
                "chat.py",
                "await self.room.post(self.current_user, msg, key)",
                "await self.room.post(self.current_user, msg, key if self.room is "
                "self.application.room else None)",
            ),
        ],
        5,
        "With /ws?room=kitchen alice sent tea twice with one key, then and milk. "
        'alice should get {"id": 2, "msg": "and milk"}; {"id": 2, "at": ..., "name": '
        '"alice", "msg": "tea", "key": null} came.',
    ),
    Wrong(
        "a room's file can be a part of another's",
        [
            (
                "chat.py",
                '{name}.db")',
                '{name}")',
            ),
        ],
        6,
        "alice connected with /ws?room=kitchen-wal. The chat refused with 500. alice "
        "connected with /ws?room=kitchen-wal. chat.py failed meanwhile: "
        "sqlite3.DatabaseError: file is not a database (line ..., in ...).",
    ),
    Wrong(
        "the table of a room has its name",
        [
            (
                "chat.py",
                "        self.path, self.table = path, table\n",
                "        self.path, self.table = path, "
                "table.strip('\"').removeprefix('log-')\n",
            ),
        ],
        6,
        "alice connected with /ws?room=kitchen-wal. The chat refused with 500. alice "
        "connected with /ws?room=kitchen-wal. chat.py failed meanwhile: "
        'sqlite3.OperationalError: near "-": syntax error (line ..., in ...).',
        "second.diff",
    ),
    Wrong(
        "Kitchen is kitchen",
        [
            (
                "chat.py",
                '        name = self.get_query_argument("room", None, strip=False)\n',
                '        name = self.get_query_argument("room", None, strip=False)\n'
                "        name = name and name.lower()\n",
            ),
        ],
        7,
        "alice asked for /chat?room=Kitchen. The answer should be 400; it was 200.",
    ),
    Wrong(
        "a space in front does not matter",
        [
            (
                "chat.py",
                '"room", None, strip=False)',
                '"room", None)',
            ),
        ],
        7,
        "alice asked for /chat?room=%20a. The answer should be 400; it was 200.",
    ),
    Wrong(
        "whatever begins well is a name",
        [
            (
                "chat.py",
                "not re.fullmatch(ROOM, name)",
                "not re.match(ROOM, name)",
            ),
        ],
        7,
        "alice asked for /chat?room=aaaaaaaaaaaaaaaaaaaaa. The answer should be 400; "
        "it was 200.",
    ),
    Wrong(
        "an empty name is the default room",
        [
            (
                "chat.py",
                '        if name is None:\n            return ""\n',
                '        if not name:\n            return ""\n',
            ),
        ],
        7,
        "alice asked for /chat?room=. The answer should be 400; it was 200.",
    ),
    Wrong(
        "the page is not refused",
        [
            (
                "chat.py",
                '        self.render("templates/chat.html", room=self.room_name())\n',
                '        self.render("templates/chat.html", '
                'room=self.get_query_argument("room", ""))\n',
            ),
        ],
        7,
        "alice asked for /chat?room=. The answer should be 400; it was 200.",
    ),
    Wrong(
        "rooms are in memory",
        [
            (
                "chat.py",
                '            room = Room(f"{self.room.path}.{name}.db")\n',
                '            room = Room("")\n',
            ),
        ],
        8,
        "The chat was started again, and bob sent after with /ws?room=kitchen. bob "
        'should get {"id": 1, "msg": "tea"}; {"id": 1, "at": ..., "name": "bob", '
        '"msg": "after", "key": null} came.',
    ),
    Wrong(
        "signing out leaves the other rooms connected",
        [
            (
                "chat.py",
                "            for connection in list(self.connections.get(holder, "
                "())):\n"
                "                connection.close(code, reason)\n",
                "            for connection in list(self.connections.get(holder, "
                "())):\n"
                "                if not holders or connection.room is self.room:\n"
                "                    connection.close(code, reason)\n",
            ),
        ],
        9,
        "alice, who was at /ws?room=kitchen, too, signed out. alice's connection "
        "should be closed with the code 1008; it is open.",
    ),
    Wrong(
        "leaving one room is leaving all",
        [
            (
                "chat.py",
                "        if not self.application.connections[self.holder]:\n",
                "        if not any(one.room is self.room for one in "
                "self.application.connections[self.holder]):\n",
            ),
        ],
        10,
        "alice left the default room, was still in the kitchen, and another browser "
        "signed in as Alice. The answer should be 400; it was 303.",
    ),
    Wrong(
        "stopping leaves the other rooms connected",
        [
            (
                "chat.py",
                "            for connection in list(self.connections.get(holder, "
                "())):\n"
                "                connection.close(code, reason)\n",
                "            for connection in list(self.connections.get(holder, "
                "())):\n"
                "                if holders or connection.room is self.room:\n"
                "                    connection.close(code, reason)\n",
            ),
        ],
        11,
        "The chat was stopped, with somebody at /ws?room=kitchen. in1's connection "
        "should be closed with the code 1001; it is open.",
    ),
    Wrong(
        "the heading does not name the room",
        [
            (
                "templates/chat.html",
                '  <h1>Chat{{ room and ": " + room }}</h1>\n',
                "  <h1>Chat</h1>\n",
            ),
        ],
        12,
        "alice opened /chat?room=kitchen. The heading should have kitchen in it; it "
        "is Chat.",
    ),
    Wrong(
        "the page connects to the default room",
        [
            (
                "static/chat.js",
                '  if (room) query.set("room", room);\n',
                "",
            ),
        ],
        12,
        "alice said one in the default room and tea in the kitchen. The page of the "
        'kitchen should show ["tea"]; it shows ["one", "tea"].',
    ),
    Wrong(
        "a broken connection leads to the default room",
        [
            (
                "static/chat.js",
                "  clearTimeout(timers.lasting);\n",
                "  clearTimeout(timers.lasting);\n"
                '  if (room && attempts === 0) location.assign("/chat");\n',
            ),
        ],
        13,
        "alice said tea in the kitchen, her connection broke, she said milk. The "
        'page of the kitchen should show ["tea", "milk"]; it shows ["one", "two", '
        '"milk"].',
    ),
    Wrong(
        "what is pending goes along into the next room",
        [
            (
                "static/chat.js",
                "const drawer = room ? `${me}/${room}` : me; //",
                "const drawer = me; //",
            ),
        ],
        14,
        "alice's sugar was still pending in the kitchen when she went over. The page "
        'of the default room should show ["one", "two", "three", "four"]; it shows '
        '["one", "two", "three", "sugar", "four"].',
    ),
]
