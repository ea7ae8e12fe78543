"""Wrong solutions of exercise 7, which the check must refuse."""

from workshop.exercises import Wrong

WRONG = [
    Wrong(
        "lost.py tells each reader once",
        [
            (
                "workshop/exercises/7_bugs/lost.py",
                "        else:\n"
                "            self.room.readers.add(self.send_batch)\n"
                "\n"
                "    def transmit",
                "        else:\n            return\n\n    def transmit",
            ),
        ],
        1,
        'lost.py: alice sent m2. alice should get {"id": 2, "msg": "m2"}; nothing '
        "came within 2 s.",
    ),
    Wrong(
        "lost.py as it is",
        [
            (
                "workshop/exercises/7_bugs/lost.py",
                "            taken.add_done_callback(self.send_batch)\n",
                "            self.room.readers.add(self.send_batch)\n",
            ),
        ],
        2,
        "lost.py: carol's computer stopped reading a log of 150 messages, and read "
        "again. She should get all of them; she got ...",
    ),
    Wrong(
        "lost.py closes whoever is slow",
        [
            (
                "workshop/exercises/7_bugs/lost.py",
                "            taken.add_done_callback(self.send_batch)\n",
                '            self.close(1011, "Too slow.")\n',
            ),
        ],
        2,
        "lost.py: carol's computer stopped reading a log of 150 messages, and read "
        "again. She should get all of them; she got ...",
    ),
    Wrong(
        "lost.py never goes on by itself",
        [
            (
                "workshop/exercises/7_bugs/lost.py",
                "            taken.add_done_callback(self.send_batch)\n",
                "            return\n",
            ),
        ],
        2,
        "lost.py: carol's computer stopped reading a log of 150 messages, and read "
        "again. She should get all of them; she got ...",
    ),
    Wrong(
        "lost.py takes one message a time and forgets the rest",
        [
            (
                "workshop/exercises/7_bugs/lost.py",
                "            self.cursor, lines = self.room.read(self.cursor)\n",
                "            self.cursor, lines = self.room.read(self.cursor)\n"
                "            self.cursor = self.room.end\n",
            ),
        ],
        2,
        "lost.py: carol's computer stopped reading a log of 150 messages, and read "
        "again. She should get all of them; she got ...",
    ),
    Wrong(
        "lost.py does not wait for the network",
        [
            (
                "workshop/exercises/7_bugs/lost.py",
                "            taken.add_done_callback(self.send_batch)\n",
                "            asyncio.get_running_loop().call_soon(self.send_batch)\n",
            ),
        ],
        3,
        "lost.py: carol's computer stopped reading. One batch of 64 kB should wait "
        "for her in the chat's memory; ... kB do.",
    ),
    Wrong(
        "doubled.py gives every message a key of its own",
        [
            (
                "workshop/exercises/7_bugs/doubled.py",
                "        self.rows.append((at, name, msg, key))\n",
                "        self.rows.append((at, name, msg, str(at)))\n",
            ),
        ],
        4,
        'alice sent {"msg": "tea", "key": "k"}. alice should get {"id": 1, "msg": '
        '"tea", "key": "k"}; {"id": 1, "at": ..., "name": "alice", "msg": "tea", '
        '"key": "..."} came.',
    ),
    Wrong(
        "doubled.py as it is",
        [
            (
                "workshop/exercises/7_bugs/doubled.py",
                "INSERT OR IGNORE INTO log",
                "INSERT OR REPLACE INTO log",
            ),
        ],
        4,
        "doubled.py: alice sent tea again, with the same key, then bob sent milk. "
        'bob should get {"id": 2, "msg": "milk"}; {"id": 2, "at": ..., "name": '
        '"alice", "msg": "tea", "key": "k"} came.',
    ),
    Wrong(
        "doubled.py forgets the keys on restart",
        [
            (
                "workshop/exercises/7_bugs/doubled.py",
                'INSERT = "INSERT OR IGNORE INTO log (at, name, msg, key) VALUES (?, '
                '?, ?, ?)"\n',
                'INSERT = "INSERT INTO log (at, name, msg, key) VALUES (?, ?, ?, '
                '?)"\n'
                "SEEN = set()\n",
            ),
            (
                "workshop/exercises/7_bugs/doubled.py",
                "        at = time.time()\n",
                "        if key and (name, key) in SEEN:\n"
                "            return None\n"
                "        SEEN.add((name, key))\n"
                "        at, key = time.time(), None\n",
            ),
        ],
        4,
        'alice sent {"msg": "tea", "key": "k"}. alice should get {"id": 1, "msg": '
        '"tea", "key": "k"}; {"id": 1, "at": ..., "name": "alice", "msg": "tea", '
        '"key": null} came.',
    ),
    Wrong(
        "doubled.py takes no keys",
        [
            (
                "workshop/exercises/7_bugs/doubled.py",
                "        self.rows.append((at, name, msg, key))\n",
                "        self.rows.append((at, name, msg, None))\n",
            ),
        ],
        4,
        'alice sent {"msg": "tea", "key": "k"}. alice should get {"id": 1, "msg": '
        '"tea", "key": "k"}; {"id": 1, "at": ..., "name": "alice", "msg": "tea", '
        '"key": null} came.',
    ),
    Wrong(
        "doubled.py looks first and stores later",
        [
            (
                "workshop/exercises/7_bugs/doubled.py",
                'INSERT = "INSERT OR IGNORE INTO log (at, name, msg, key) VALUES (?, '
                '?, ?, ?)"\n',
                'INSERT = "INSERT INTO log (at, name, msg, key) VALUES (?, ?, ?, ?)"\n',
            ),
            (
                "workshop/exercises/7_bugs/doubled.py",
                "        self.rows.append((at, name, msg, key))\n",
                '        known = self.db.execute("SELECT 1 FROM log WHERE name = ? '
                'AND key = ?", (name, key))\n'
                "        if known.fetchone():\n"
                "            return None\n"
                "        self.rows.append((at, name, msg, key))\n",
            ),
        ],
        4,
        "doubled.py: alice's two tabs sent tea at once, with one key, then bob sent "
        "milk. doubled.py failed meanwhile: 2 messages are not stored: UNIQUE "
        "constraint failed: log.name, log.key.",
    ),
    Wrong(
        "doubled.py compares the keys alone",
        [
            (
                "workshop/exercises/7_bugs/doubled.py",
                "        self.rows.append((at, name, msg, key))\n",
                '        if key and self.db.execute("SELECT 1 FROM log WHERE key = '
                '?", (key,)).fetchone():\n'
                "            return None\n"
                "        self.rows.append((at, name, msg, key))\n",
            ),
        ],
        5,
        'doubled.py: alice and bob used the same key. alice should get {"id": 2, '
        '"name": "bob", "msg": "coffee"}; nothing came within 2 s.',
    ),
    Wrong(
        "doubled.py compares the words",
        [
            (
                "workshop/exercises/7_bugs/doubled.py",
                "        self.rows.append((at, name, msg, key))\n",
                '        if self.db.execute("SELECT 1 FROM log WHERE name = ? AND '
                'msg = ?", (name, msg)).fetchone():\n'
                "            return None\n"
                "        self.rows.append((at, name, msg, key))\n",
            ),
        ],
        5,
        'doubled.py: alice said tea twice. alice should get {"id": 3, "msg": "tea", '
        '"key": "l"}; nothing came within 2 s.',
    ),
    Wrong(
        "kept.py as it is",
        [
            (
                "workshop/exercises/7_bugs/kept.py",
                "        self.application.connections[self.holder].discard(self)\n"
                "        if not self.application.connections[self.holder]:\n",
                "        if not self.application.connections[self.holder]:\n",
            ),
            (
                "workshop/exercises/7_bugs/kept.py",
                "add_callback(self.say_goodbye)\n",
                "add_callback(self.say_goodbye)\n"
                "        self.application.connections[self.holder].discard(self)\n",
            ),
        ],
        6,
        "kept.py: alice closed both of her windows. Signing in as alice from another "
        "browser should succeed (303); the answer was 400.",
    ),
    Wrong(
        "kept.py counts 1001 as a broken line",
        [
            (
                "workshop/exercises/7_bugs/kept.py",
                "GOODBYES = 1000, 1001",
                "GOODBYES = 1000, 1008",
            ),
        ],
        6,
        "kept.py: alice closed both of her windows. Signing in as alice from another "
        "browser should succeed (303); the answer was 400.",
    ),
    Wrong(
        "kept.py gives the name back with the first window",
        [
            (
                "workshop/exercises/7_bugs/kept.py",
                "        if not self.application.connections[self.holder]:\n",
                "        if True:\n",
            ),
            (
                "workshop/exercises/7_bugs/kept.py",
                "            del self.application.connections[self.holder]\n",
                "",
            ),
            (
                "workshop/exercises/7_bugs/kept.py",
                "        if self.holder not in self.application.connections:\n"
                "            await self.app",
                "        if True:\n            await self.app",
            ),
        ],
        7,
        "kept.py: alice closed one of her two windows. Signing in as Alice from "
        "another browser should be refused (400); the answer was 303.",
    ),
    Wrong(
        "kept.py keeps no names",
        [
            (
                "workshop/exercises/7_bugs/kept.py",
                "        self.leases[name] = browser, now + LEASE\n",
                "        self.leases[name] = None, now + LEASE\n",
            ),
        ],
        7,
        "kept.py: alice closed one of her two windows. Signing in as Alice from "
        "another browser should be refused (400); the answer was 303.",
    ),
    Wrong(
        "kept.py gives it back whatever happened",
        [
            (
                "workshop/exercises/7_bugs/kept.py",
                "            if self.close_code in GOODBYES:\n",
                "            if True:\n",
            ),
        ],
        8,
        "kept.py: alice's line broke. Signing in as Alice from another browser "
        "should be refused (400); the answer was 303.",
    ),
]
