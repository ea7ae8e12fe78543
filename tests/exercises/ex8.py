"""Wrong solutions of exercise 8, which the check must refuse."""

from tests.exercises import CHAT, JS, Wrong

MOVE = "        self.application.marks.move(self.current_user, id)\n"
FORWARD = "        if id > self.fresh.get(name, self.ids.get(name, 0)):\n"
LINE = '        line = {"read": {name: self.ids[name] for name in names}}\n'
VALUE = "        if type(id) is not int or not 0 < id <= self.room.end:\n"
SWAP = "        readers, self.readers = self.readers, set()\n"
TELL = "        for send_marks in readers:\n            send_marks()\n"
WAIT = """            if taken := self.transmit(to_frame(line)):
                return taken.add_done_callback(self.send_marks)
"""
BY_KIND = '            if "read" in message and "msg" not in message:\n'
BELOW = "  if (names.length) last.append(readers);\n"
GREET = "  marks.clear();\n  seen = 0;\n"

WRONG = [
    Wrong(1, "whoever comes is told nothing",
          (CHAT, LINE, LINE.replace("in names}", "in names if cursor >= 0}"))),
    Wrong(2, "whoever has read is not told",
          (CHAT, TELL, "        for send_marks in readers:\n"
          "            name = send_marks.__self__.current_user\n"
          "            if self.changes.get(name) != self.end:\n"
          "                send_marks()\n")),
    Wrong(2, "each word begins the second anew",
          (CHAT, "            if not self.fresh:\n"
          "                asyncio.get_running_loop().call",
          "            if timer := getattr(self, 'timer', None):\n"
          "                timer.cancel()\n"
          "            self.timer = asyncio.get_running_loop().call")),
    Wrong(3, "the whole table each time", (CHAT, "if number > cursor]", "]")),
    Wrong(3, "a newcomer is told what is not published, and again when it is",
          (CHAT, "            self.fresh[name] = id\n",
          "            self.fresh[name] = self.ids[name] = id\n"
          "            self.changes.setdefault(name, 0)\n"),
          (CHAT, FORWARD, "        self.read.cache_clear()\n" + FORWARD)),
    Wrong(4, "read=0 asks, too", (CHAT, '"read", "") == "1"', '"read", "")')),
    Wrong(5, "each tab has its own mark",
          (CHAT, FORWARD, "        if True:\n"),
          (CHAT, MOVE, "        if id > getattr(self, 'last', 0):\n"
          "            self.last = id\n    " + MOVE)),
    Wrong(5, "within a second the last word counts, not the largest number",
          (CHAT, FORWARD, "        if id > self.ids.get(name, 0):\n")),
    Wrong(5, "a smaller number is an error",
          (CHAT, FORWARD, "        if id <= self.ids.get(name, 0):\n"
          '            raise ValueError("You have read that.")\n' + FORWARD)),
    Wrong(6, "an id that no message has",
          (CHAT, VALUE, VALUE.replace("self.room.end", "10**15"))),
    Wrong(6, "2.0 is 2, and numbers may be text",
          (CHAT, VALUE,
          "        id = int(id) if isinstance(id, (float, str)) else id\n" + VALUE)),
    Wrong(6, "a bad value is dropped without a word",
          (CHAT, '            raise ValueError("read is not the id of a message.")\n',
          "            return\n")),
    Wrong(7, "the message beside it is said, and the number counts, too",
          (CHAT, BY_KIND, '            if "read" in message and "msg" in message:\n'
          '                self.take_read(message["read"])\n' + BY_KIND)),
    Wrong(8, "kept in the database",
          (CHAT, MOVE, MOVE + "        with self.room.db:\n"
          '            insert = "INSERT OR REPLACE INTO settings VALUES (?, ?)"\n'
          "            self.room.db.execute(insert, (self.current_user, id))\n"
          "        self.room.files = self.room.look()\n")),
    Wrong(9, "nothing is gathered", (CHAT, "call_later(GATHER,", "call_later(0,")),
    Wrong(9, "made anew for each reader",
          (CHAT, "        self.read = functools.lru_cache(KEPT)(self.read)"
          "  # or each reader encodes anew\n", ""),
          (CHAT, "        self.read.cache_clear()\n" + SWAP + TELL, SWAP + TELL)),
    Wrong(9, "made anew for each reader, by the other way",
          (CHAT, "connection.tell_moved(moved, frame)",
          'line = json.dumps({"read": moved}).encode()\n'
          "                connection.tell_moved(moved, to_frame(line))")),
    Wrong(10, "one after the other, so all wait for the slow one",
          (CHAT, TELL, "        asyncio.ensure_future(self.tell_all(readers))\n\n"
          "    async def tell_all(self, readers):\n"
          "        one = lambda each: each.__self__.current_user\n"
          "        for send_marks in sorted(readers, key=one, reverse=True):\n"
          "            while send_marks.__self__.ws_connection.stream.writing():\n"
          "                await asyncio.sleep(0.01)\n"
          "            send_marks()\n")),
    Wrong(10, "a slow reader misses what it is too slow for",
          (CHAT,
          "        if self.missed is not None:\n"
          "            self.missed |= moved\n"
          "        elif taken",
          "        if self.missed is None and (taken"),
          (CHAT, ":= self.transmit(frame):\n            self.missed",
          ":= self.transmit(frame)):\n"
          "            self.missed")),
    Wrong(10, "a slow reader is asked again and again",
          (CHAT, "            if self.told == marks.end:\n",
          "            if self.ws_connection.stream.writing():\n"
          "                return ioloop.IOLoop.current().add_callback(\n"
          "                    self.send_marks)\n"
          "            if self.told == marks.end:\n"),
          (CHAT, WAIT, "            self.transmit(to_frame(line))\n")),
    Wrong(11, "my own name is there, too", (JS, "name !== me && marks", "marks")),
    Wrong(11, "capital letters first",
          (JS, "names.sort((one, other) => one.localeCompare(other))",
          "names.sort()")),
    Wrong(11, "below the last message of anybody",
          (JS, BELOW, BELOW.replace(
          "last.append", "page.messages.lastChild.append"))),
    Wrong(11, "in an element that nobody sees",
          (JS, BELOW, BELOW.replace(
          "last.append", "last.querySelector('.avatar').append"))),
    Wrong(12, "each message is told at once",
          (JS, "const SEEN_TIME = 1000", "const SEEN_TIME = 0")),
    Wrong(13, "a hidden page reads, too",
          (JS, "document.hidden || !online ||", "!online ||")),
    Wrong(13, "whoever looks again does not say so",
          (JS, "  if (!timers.seen) tellSeen();\n}", "}")),
    Wrong(14, "what was known before a restart stays", (JS, GREET, "  seen = 0;\n")),
    Wrong(14, "a restarted server is not told", (JS, GREET, "  marks.clear();\n")),
    Wrong(15, "text as HTML",
          (JS, "readers.textContent = names", "readers.innerHTML = names")),
    Wrong(16, "a message that waits is no longer sent after a broken connection",
          (JS, '  later("news", enter, CATCH_UP, "news");\n  sendPending();\n',
          '  later("news", enter, CATCH_UP, "news");\n')),
]
