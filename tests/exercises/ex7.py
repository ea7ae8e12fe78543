"""Wrong solutions of exercise 7, which the check must refuse."""

from tests.exercises import Wrong

LOST, DOUBLED, KEPT = "lost.py", "doubled.py", "kept.py"
TAKEN = "                    return taken.add_done_callback(self.send_batch)\n"
AGAIN = """return self.room.readers.add(self.send_batch)
                if self.cursor <"""
TABLE = "    key TEXT, UNIQUE (name, key));\n"
STORED = "        if stored := self.db.execute(select, (name, key)).fetchone():\n"
POP = "        if self.room.connections.pop(self, None):\n"

WRONG = [
    Wrong(1, "lost.py tells each reader once",
          (LOST, AGAIN,
          AGAIN.replace("self.room.readers.add(self.send_batch)", "None"))),
    Wrong(2, "lost.py as it is",
          (LOST, TAKEN, AGAIN.partition("return")[0]
          + "                    return self.room.readers.add(self.send_batch)\n")),
    Wrong(2, "lost.py never goes on by itself", (LOST, TAKEN, TAKEN[:26] + "\n")),
    Wrong(2, "lost.py looks again and again",
          (LOST, TAKEN, "                    return self.later()\n"),
          (LOST, "    def fail(self):\n",
          "    def later(self):\n"
          "        again = self.ws_connection and self.ws_connection.stream.writing()\n"
          "        send = self.later if again else self.send_batch\n"
          "        ioloop.IOLoop.current().add_callback(send)\n\n"
          "    def fail(self):\n"),
          (LOST, "                if self.cursor >= self.room.end:\n"
          "                    return self.room.readers.add(self.send_batch)\n",
          "                if self.cursor >= self.room.end:\n"
          "                    return self.later()\n")),
    Wrong(3, "lost.py does not wait for the network",
          (LOST, TAKEN,
          "                    return ioloop.IOLoop.current().add_callback(\n"
          "                        self.send_batch)\n")),
    Wrong(3, "lost.py waits for the network and for the log",
          (LOST, TAKEN,
          "                    self.room.readers.add(self.send_batch)\n" + TAKEN)),
    Wrong(4, "doubled.py as it is",
          (DOUBLED, TABLE, TABLE.replace("(name", "(id, name"))),
    Wrong(4, "doubled.py raises, and what others say in that batch is lost",
          (DOUBLED, "INSERT OR IGNORE INTO log", "INSERT INTO log")),
    Wrong(4, "doubled.py remembers keys until it is stopped",
          (DOUBLED, TABLE, TABLE.replace("(name", "(id, name")),
          (DOUBLED, STORED, "        seen = self.__dict__.setdefault('seen', {})\n"
          "        if key and (name, key) in seen:\n"
          "            return seen[name, key]\n"
          "        seen[name, key] = self.end + len(self.rows) + 1\n"
          "        stored = None\n"
          "        if stored:\n")),
    Wrong(5, "doubled.py compares the keys alone",
          (DOUBLED, TABLE, TABLE.replace("(name, key)", "(key)"))),
    Wrong(5, "doubled.py compares the words",
          (DOUBLED, TABLE, TABLE.replace("(name, key)", "(name, msg)"))),
    Wrong(6, "kept.py keeps a name whose owner signed out",
          (KEPT, POP, POP.replace("if ", "if self.close_code != 1008 and "))),
    Wrong(7, "kept.py gives the name back if a line breaks, whoever else is there",
          (KEPT, POP, "        mine = self.current_user.casefold()\n"
          "        for each, name in list(self.room.connections.items()):\n"
          "            if each is not self and not self.close_code and name == mine:\n"
          "                self.room.connections[each] = None\n" + POP)),
    Wrong(8, "kept.py as it is",
          (KEPT, POP, POP.replace("if ", "if self.close_code and "))),
    Wrong(8, "kept.py waits for the heartbeat",
          (KEPT, POP, "        if not self.close_code:\n"
          "            pop = self.room.connections.pop\n"
          "            ioloop.IOLoop.current().call_later(PING, pop, self, None)\n"
          + POP.replace("if ", "elif "))),
    Wrong(9, "lost.py cuts what is far behind at a hundred messages",
          (LOST, "MAX_BEHIND = 1000", "MAX_BEHIND = 160")),
]
