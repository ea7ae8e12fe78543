"""Wrong solutions of exercise 6, which the check must refuse."""

from tests.exercises import CHAT, JS, PAGE, Wrong

ENTER = "        return self.rooms[name] if name else self\n"
SHARED = "            room.connections = self.connections"
NEW = '            room = Room(f"{self.path}.{name}.db")\n'
POST = "        stored = await self.room.post(self.current_user, msg, key)\n"
FITS = "        if name is not None and not ROOM.fullmatch(name):\n"
READ = "        self.read = functools.lru_cache(KEPT)(self.read)"
SIGNED_OUT = "            if connection.session == session:\n"
GOODBYE = """        for room in self.rooms.values():
            room.close()
"""
CLOSE = '            connection.close(1001, "The server is going away.")\n'

WRONG = [
    Wrong(1, "all rooms are one", (CHAT, ENTER, "        return self\n")),
    Wrong(1, "two who come at once open it twice",
          (CHAT, "            await room.open()\n            room.conn",
          "            await asyncio.sleep(0.1)\n            await room.open()\n"
          "            room.conn")),
    Wrong(2, "the default room has a new file",
          (CHAT, "        if name and name not in self.rooms:\n",
          '        name = name or "main"\n        if name not in self.rooms:\n')),
    Wrong(2, "a message goes to the default room, too",
          (CHAT, POST,
          POST + "        if self.room is not self.application.room:\n"
          "            name = self.current_user\n"
          "            await self.application.room.post(name, msg, None)\n")),
    Wrong(3, "batches are kept for all rooms together",
          (CHAT, READ, "        read = self.read\n"
          "        self.read = lambda cursor: BATCHES.get(cursor) or (\n"
          "            BATCHES.setdefault(cursor, read(cursor)))\n"
          "        self.read.cache_clear = int"),
          (CHAT, "class Room:\n", "BATCHES = {}\n\n\nclass Room:\n")),
    Wrong(4, "a newcomer gets all that a room has",
          (CHAT, "self.room.place(since, self",
          "self.room.place(\n"
          "            since or (self.room_name() and '0'), self")),
    Wrong(4, "at does not count in rooms",
          (CHAT, 'await self.room.place(since, self.get_query_argument("at", None))',
          'await self.room.place(since, None)')),
    Wrong(5, "keys count in the default room alone",
          (CHAT, POST, POST.replace(
          "key)", "key if self.room is self.application.room else None)"))),
    Wrong(5, "a key counts in the whole chat",
          (CHAT, POST,
          "        default, mine = self.application.room, (self.current_user, key)\n"
          '        select = "SELECT id FROM log WHERE name = ? AND key = ?"\n'
          "        for each in default, *default.rooms.values():\n"
          "            if each.db.execute(select, mine).fetchone():\n"
          '                return {"id": 1, "key": key}\n' + POST)),
    Wrong(6, "a room's file can be a part of another's",
          (CHAT, NEW, NEW.replace("{name}.db", "{name}"))),
    Wrong(6, "the table of a room has its name, and log is there already",
          (CHAT, "f'\"log-{name}\"'", "f'\"{name}\"'")),
    Wrong(7, "a space in front does not matter",
          (CHAT, '"room", None, strip=False)', '"room", None)')),
    Wrong(7, "a line break at the end does not matter",
          (CHAT, "ROOM.fullmatch(name)", 're.match("^[a-z0-9-]{1,20}$", name)')),
    Wrong(7, "an empty name is the default room",
          (CHAT, FITS, FITS.replace("name is not None", "name"))),
    Wrong(7, "the page is not refused",
          (CHAT, 'room=self.room_name())',
          'room=self.get_query_argument("room", ""))')),
    Wrong(8, "rooms are empty after a restart",
          (CHAT, NEW, NEW + "            if os.path.exists(room.path):\n"
          "                os.remove(room.path)\n")),
    Wrong(9, "signing out leaves the other rooms connected",
          (CHAT, SIGNED_OUT, SIGNED_OUT.replace(
          "session:", "session and connection.room is self:"))),
    Wrong(10, "signing out is for the whole chat, names are not",
          (CHAT, SHARED, "            pass"),
          (CHAT, "        for connection in list(self.connections):\n"
          "            if connection.session == session:\n",
          "        everybody = [each for room in [self, *self.rooms.values()]\n"
          "                     for each in room.connections]\n"
          "        for connection in everybody:\n"
          "            if connection.session == session:\n")),
    Wrong(10, "leaving one room is leaving all",
          (CHAT, "    def on_close(self):\n", "    def on_close(self):\n"
          "        mine = self.current_user.casefold()\n"
          "        for each, name in self.room.connections.items():\n"
          "            if name == mine and each.room is not self.room:\n"
          "                self.room.connections[each] = None\n")),
    Wrong(11, "stopping leaves the other rooms connected",
          (CHAT, CLOSE, "            if connection.room is self:\n    " + CLOSE),
          (CHAT, GOODBYE, "")),
    Wrong(12, "the heading does not name the room",
          (PAGE, '{{ room and ": " + room }}', "")),
    Wrong(12, "the page connects to the default room",
          (JS, '  if (room) query.set("room", room);\n', "")),
    Wrong(13, "a broken connection leads to the default room",
          (JS, '  if (room) query.set("room", room);\n',
          '  if (room && !cursor) query.set("room", room);\n')),
    Wrong(14, "what is pending goes along into the next room",
          (JS, "const drawer = room ? `chat:${me}/${room}` : `chat:${me}`;",
          "const drawer = `chat:${me}`;")),
    Wrong(14, "what is being written goes along",
          (JS, "storage.setItem(drawer, draft)",
          "storage.setItem(`chat:${me}`, draft)"),
          (JS, "const { draft } = read(drawer);",
          "const { draft } = read(`chat:${me}`);")),
    Wrong(15, "what waits in the default room is everybody's",
          (JS, ": `chat:${me}`;", ': "mine";')),
]
