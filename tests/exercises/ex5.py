"""Wrong solutions of exercise 5, which the check must refuse."""

from tests.exercises import CHAT, JS, Wrong

ASKS = '            if self.get_query_argument("here", "") == "1":\n'
NEWS = "            came, gone = self.names - known, known - self.names\n"
COUNT = "            self.application.roster.count(self.current_user, 1)\n"
LATE = "            later(RETURN, roster.count, self.current_user, -1)\n"
WAIT = """            if taken := self.transmit(to_frame(line)):
                return taken.add_done_callback(self.send_people)
"""
TELL = """            for send_people in readers:
                send_people()
"""
SORT = "  names.sort((one, other) => one.localeCompare(other));\n"

WRONG = [
    Wrong(1, "messages come before the list",
          (CHAT, "                self.send_people()\n            self.send_b",
          "                asyncio.get_running_loop().call_soon(self.send_people)\n"
          "            self.send_b")),
    Wrong(1, "names are those that are compared, case folded",
          (CHAT, COUNT, COUNT.replace("user", "user.casefold()")),
          (CHAT, LATE, LATE.replace("user", "user.casefold()"))),
    Wrong(1, "only those who ask are listed",
          (CHAT, COUNT + ASKS, ASKS + "    " + COUNT)),
    Wrong(2, "a line that breaks is no news",
          (CHAT, LATE, "            if self.close_code:\n    " + LATE)),
    Wrong(2, "each change begins the second anew",
          (CHAT, "        self.publishing = self.publishing or later(",
          "        if self.publishing:\n            self.publishing.cancel()\n"
          "        self.publishing = later(")),
    Wrong(3, "here=0 asks, too", (CHAT, '"here", "") == "1"', '"here", "")')),
    Wrong(4, "the first list is of this moment, the changes are not",
          (CHAT, "            self.known, line = roster.read(self.known)\n",
          "            known, line = self.known, b\"\"\n"
          "            self.known, line = roster.read(known)\n"
          "            if known is None:\n"
          '                line = {"here": sorted(+roster.windows)}\n'
          "                line = json.dumps(line).encode()\n")),
    Wrong(4, "who came is told to everybody again",
          (CHAT, NEWS, NEWS.replace("self.names - known,", "self.names,"))),
    Wrong(5, "a set of names, from which the first tab takes its own",
          (CHAT, "        self.windows[name] += windows\n",
          "        self.windows[name] = max(0, windows)\n")),
    Wrong(6, "whoever goes is gone at once",
          (CHAT, "RETURN = 0.5  #", "RETURN = 0  #")),
    Wrong(6, "half a second counts from the last look, not from the leaving",
          (CHAT, "away = time.monotonic() - 0.5", "away = time.monotonic() - 0.05"),
          (CHAT, "self.count_soon(0.5)", "self.count_soon(0.05)")),
    Wrong(7, "signing out is no news",
          (CHAT, LATE, "            if self.close_code != 1008:\n    " + LATE)),
    Wrong(8, "kept in the database",
          (CHAT, COUNT, COUNT + "            with self.room.db:\n"
          '                insert = "INSERT OR IGNORE INTO settings VALUES (?, 1)"\n'
          "                self.room.db.execute(insert, (self.current_user,))\n"
          "            self.room.files = self.room.look()\n")),
    Wrong(9, "nothing is gathered",
          (CHAT, "later(GATHER, self.publish)", "later(0, self.publish)")),
    Wrong(10, "made anew for each reader",
          (CHAT, "        self.read = functools.lru_cache(KEPT)(self.read)"
          "  # or each reader encodes anew\n", ""),
          (CHAT, "            self.read.cache_clear()\n            readers",
          "            readers")),
    Wrong(10, "made anew for each reader, by the other way",
          (CHAT, "        if known not in self.lines:\n", "        if True:\n")),
    Wrong(11, "one after the other, so all wait for the slow one",
          (CHAT, TELL, "            asyncio.ensure_future(self.tell_all(readers))\n\n"
          "    async def tell_all(self, readers):\n"
          "        one = lambda each: each.__self__.current_user\n"
          "        for send_people in sorted(readers, key=one, reverse=True):\n"
          "            while send_people.__self__.ws_connection.stream.writing():\n"
          "                await asyncio.sleep(0.01)\n"
          "            send_people()\n")),
    Wrong(11, "a slow reader misses what it is too slow for",
          (CHAT, WAIT, "            roster.readers.add(self.send_people)\n"
          "            if self.ws_connection.stream.writing():\n"
          "                return\n"
          "            return self.transmit(to_frame(line))\n")),
    Wrong(11, "a slow reader is asked again and again",
          (CHAT, WAIT, "            self.transmit(to_frame(line))\n"),
          (CHAT, "            if self.known == roster.names:\n",
          "            if self.ws_connection.stream.writing():\n"
          "                return ioloop.IOLoop.current().add_callback(\n"
          "                    self.send_people)\n"
          "            if self.known == roster.names:\n")),
    Wrong(12, "whoever comes back gets no list",
          (CHAT, ASKS,
          ASKS.replace(":\n", ' and not self.get_query_argument("since", ""):\n'))),
    Wrong(13, "capital letters first", (JS, SORT, "  names.sort();\n")),
    Wrong(14, "whoever has gone stays",
          (JS, ".filter((name) => !gone.includes(name))", "")),
    Wrong(15, "text as HTML", (JS, "{ textContent: name", "{ innerHTML: name")),
    Wrong(16, "the page asks for the list, and not to go on",
          (JS, "here: 1, ...cursor }", "here: 1 }")),
    Wrong(17, "what is sent offline is not seen to wait",
          (JS, "  page.pending.append(item);\n",
          "  if (online) page.pending.append(item);\n")),
]
