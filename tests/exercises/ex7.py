"""Wrong solutions of exercise 7, which the check must refuse."""

from tests.exercises import Wrong

WRONG = [
    Wrong(
        1,
        "lost.py tells each reader once",
        (
            'workshop/exercises/7_bugs/lost.py',
            '        else:\n'
            '            self.room.readers.add(self.send_batch)\n'
            '\n'
            '    def transmit',
            '        else:\n'
            '            return\n'
            '\n'
            '    def transmit',
        ),
    ),
    Wrong(
        2,
        "lost.py as it is",
        (
            'workshop/exercises/7_bugs/lost.py',
            "            taken.add_done_callback(self.send_batch)\n",
            "            self.room.readers.add(self.send_batch)\n",
        ),
    ),
    Wrong(
        2,
        "lost.py closes whoever is slow",
        (
            'workshop/exercises/7_bugs/lost.py',
            "            taken.add_done_callback(self.send_batch)\n",
            '            self.close(1011, "Too slow.")\n',
        ),
    ),
    Wrong(
        2,
        "lost.py never goes on by itself",
        (
            'workshop/exercises/7_bugs/lost.py',
            "            taken.add_done_callback(self.send_batch)\n",
            "            return\n",
        ),
    ),
    Wrong(
        2,
        "lost.py takes one message a time and forgets the rest",
        (
            'workshop/exercises/7_bugs/lost.py',
            "            self.cursor, lines = self.room.read(self.cursor)\n",
            '            self.cursor, lines = self.room.read(self.cursor)\n'
            '            self.cursor = self.room.end\n',
        ),
    ),
    Wrong(
        3,
        "lost.py does not wait for the network",
        (
            'workshop/exercises/7_bugs/lost.py',
            "            taken.add_done_callback(self.send_batch)\n",
            "            asyncio.get_running_loop().call_soon(self.send_batch)\n",
        ),
    ),
    Wrong(
        4,
        "doubled.py gives every message a key of its own",
        (
            'workshop/exercises/7_bugs/doubled.py',
            "        self.rows.append((at, name, msg, key))\n",
            "        self.rows.append((at, name, msg, str(at)))\n",
        ),
    ),
    Wrong(
        4,
        "doubled.py as it is",
        (
            'workshop/exercises/7_bugs/doubled.py',
            "INSERT OR IGNORE INTO log",
            "INSERT OR REPLACE INTO log",
        ),
    ),
    Wrong(
        4,
        "doubled.py forgets the keys on restart",
        (
            'workshop/exercises/7_bugs/doubled.py',
            'INSERT = "INSERT OR IGNORE INTO log (at, name, msg, key) VALUES (?, ?, ?, ?)"\n',
            'INSERT = "INSERT INTO log (at, name, msg, key) VALUES (?, ?, ?, ?)"\n'
            'SEEN = set()\n',
        ),
        (
            'workshop/exercises/7_bugs/doubled.py',
            "        at = time.time()\n",
            '        if key and (name, key) in SEEN:\n'
            '            return None\n'
            '        SEEN.add((name, key))\n'
            '        at, key = time.time(), None\n',
        ),
    ),
    Wrong(
        4,
        "doubled.py takes no keys",
        (
            'workshop/exercises/7_bugs/doubled.py',
            "        self.rows.append((at, name, msg, key))\n",
            "        self.rows.append((at, name, msg, None))\n",
        ),
    ),
    Wrong(
        4,
        "doubled.py looks first and stores later",
        (
            'workshop/exercises/7_bugs/doubled.py',
            'INSERT = "INSERT OR IGNORE INTO log (at, name, msg, key) VALUES (?, ?, ?, ?)"\n',
            'INSERT = "INSERT INTO log (at, name, msg, key) VALUES (?, ?, ?, ?)"\n',
        ),
        (
            'workshop/exercises/7_bugs/doubled.py',
            "        self.rows.append((at, name, msg, key))\n",
            '        known = self.db.execute("SELECT 1 FROM log WHERE name = ? AND key = ?", (name, key))\n'
            '        if known.fetchone():\n'
            '            return None\n'
            '        self.rows.append((at, name, msg, key))\n',
        ),
    ),
    Wrong(
        5,
        "doubled.py compares the keys alone",
        (
            'workshop/exercises/7_bugs/doubled.py',
            "        self.rows.append((at, name, msg, key))\n",
            '        if key and self.db.execute("SELECT 1 FROM log WHERE key = ?", (key,)).fetchone():\n'
            '            return None\n'
            '        self.rows.append((at, name, msg, key))\n',
        ),
    ),
    Wrong(
        5,
        "doubled.py compares the words",
        (
            'workshop/exercises/7_bugs/doubled.py',
            "        self.rows.append((at, name, msg, key))\n",
            '        if self.db.execute("SELECT 1 FROM log WHERE name = ? AND msg = ?", (name, msg)).fetchone():\n'
            '            return None\n'
            '        self.rows.append((at, name, msg, key))\n',
        ),
    ),
    Wrong(
        6,
        "kept.py as it is",
        (
            'workshop/exercises/7_bugs/kept.py',
            '        self.application.connections[self.holder].discard(self)\n'
            '        if not self.application.connections[self.holder]:\n',
            "        if not self.application.connections[self.holder]:\n",
        ),
        (
            'workshop/exercises/7_bugs/kept.py',
            "add_callback(self.say_goodbye)\n",
            'add_callback(self.say_goodbye)\n'
            '        self.application.connections[self.holder].discard(self)\n',
        ),
    ),
    Wrong(
        6,
        "kept.py counts 1001 as a broken line",
        (
            'workshop/exercises/7_bugs/kept.py',
            "GOODBYES = 1000, 1001",
            "GOODBYES = 1000, 1008",
        ),
    ),
    Wrong(
        7,
        "kept.py gives the name back with the first window",
        (
            'workshop/exercises/7_bugs/kept.py',
            "        if not self.application.connections[self.holder]:\n",
            "        if True:\n",
        ),
        (
            'workshop/exercises/7_bugs/kept.py',
            "            del self.application.connections[self.holder]\n",
            "",
        ),
        (
            'workshop/exercises/7_bugs/kept.py',
            '        if self.holder not in self.application.connections:\n'
            '            await self.app',
            '        if True:\n'
            '            await self.app',
        ),
    ),
    Wrong(
        7,
        "kept.py keeps no names",
        (
            'workshop/exercises/7_bugs/kept.py',
            "        self.leases[name] = browser, now + LEASE\n",
            "        self.leases[name] = None, now + LEASE\n",
        ),
    ),
    Wrong(
        8,
        "kept.py gives it back whatever happened",
        (
            'workshop/exercises/7_bugs/kept.py',
            "            if self.close_code in GOODBYES:\n",
            "            if True:\n",
        ),
    ),
]
