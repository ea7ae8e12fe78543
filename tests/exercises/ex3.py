"""Wrong solutions of exercise 3, which the check must refuse."""

from tests.exercises import CHAT, JS, PAGE, Wrong

WRONG = [
    Wrong(
        1,
        "only the author is told",
        (
            CHAT,
            "        await self.room.undo(self.current_user)\n",
            '        await self.tell({"id": 3, "name": self.current_user, "msg": "", "key": None, "undo": 2})\n',
        ),
    ),
    Wrong(
        2,
        "every line has the key undo",
        (
            CHAT,
            "    message = dict(row)\n",
            '    message = {**dict(row), "undo": None}\n',
        ),
    ),
    Wrong(
        3,
        "an undo takes back the undo before",
        (
            CHAT,
            '        select = "SELECT max(id) FROM log WHERE name = ? AND msg <> \'\'"\n',
            '        select = "SELECT max(id) FROM log WHERE name = ?"\n',
        ),
    ),
    Wrong(
        3,
        "the text stays in the history",
        (
            CHAT,
            "                self.db.execute(BLANK, (self.end,))\n",
            "",
        ),
    ),
    Wrong(
        4,
        "whoever spoke last loses the message",
        (
            CHAT,
            '        select = "SELECT max(id) FROM log WHERE name = ? AND msg <> \'\'"\n',
            '        select = "SELECT max(id) FROM log WHERE ? > \'\' AND msg <> \'\'"\n',
        ),
    ),
    Wrong(
        4,
        "_ and % match other names",
        (
            CHAT,
            'WHERE name = ? AND msg <> \'\'"',
            'WHERE name LIKE ? AND msg <> \'\'"',
        ),
    ),
    Wrong(
        4,
        "the message is deleted",
        (
            CHAT,
            'BLANK = """UPDATE log SET msg = \'\' WHERE',
            'BLANK = """DELETE FROM log WHERE',
        ),
    ),
    Wrong(
        4,
        "lines are kept by their ids for ever",
        (
            CHAT,
            "    message = dict(row)\n",
            '    message = LINES.setdefault(row["id"], dict(row))\n',
        ),
        (
            CHAT,
            "INSERT = ",
            'LINES = {}\n'
            'INSERT = ',
        ),
    ),
    Wrong(
        5,
        "nothing to take back is passed over",
        (
            CHAT,
            '            raise ValueError("You have no message to take back.")\n',
            "            return\n",
        ),
    ),
    Wrong(
        6,
        "posting does not wait, so the undo overtakes it",
        (
            CHAT,
            "        stored = await self.room.post(self.current_user, msg, key)\n",
            '        asyncio.ensure_future(self.room.post(self.current_user, msg, key))\n'
            '        stored = None\n',
        ),
    ),
    Wrong(
        7,
        "the key goes, too",
        (
            CHAT,
            "SET msg = '' WHERE",
            "SET msg = '', key = NULL WHERE",
        ),
    ),
    Wrong(
        7,
        "batches are kept when a text has gone",
        (
            CHAT,
            "        self.read.cache_clear()",
            '        if not any(row["id"] for row in self.db.execute("SELECT id FROM log WHERE msg = \'\' AND id = ?", (self.end,))):\n'
            '            self.read.cache_clear()',
        ),
    ),
    Wrong(
        8,
        "hidden in memory, still in the file",
        (
            CHAT,
            "                self.db.execute(BLANK, (self.end,))\n",
            "",
        ),
        (
            CHAT,
            "INSERT = ",
            'GONE = {0}\n'
            'INSERT = ',
        ),
        (
            CHAT,
            '        await self.post(name, "", f"\\n{last}")\n',
            '        GONE.add(last)\n'
            '        await self.post(name, "", f"\\n{last}")\n',
        ),
        (
            CHAT,
            '        select = "SELECT max(id) FROM log WHERE name = ? AND msg <> \'\'"\n',
            '        gone = ",".join(map(str, GONE))\n'
            '        select = f"SELECT max(id) FROM log WHERE name = ? AND msg <> \'\' AND id NOT IN ({gone})"\n',
        ),
        (
            CHAT,
            "    message = dict(row)\n",
            '    message = dict(row)\n'
            '    if message["id"] in GONE:\n'
            '        message["msg"] = ""\n',
        ),
    ),
    Wrong(
        9,
        "what an undo takes back is forgotten on restart",
        (
            CHAT,
            "INSERT = ",
            'UNDONE = set()\n'
            'INSERT = ',
        ),
        (
            CHAT,
            '    if (message["key"] or "").startswith("\\n"):\n',
            '    if message["key"] in UNDONE:\n',
        ),
        (
            CHAT,
            '        await self.post(name, "", f"\\n{last}")\n',
            '        UNDONE.add(f"\\n{last}")\n'
            '        await self.post(name, "", f"\\n{last}")\n',
        ),
    ),
    Wrong(
        10,
        "sent again, it comes back",
        (
            CHAT,
            '        select = "SELECT id FROM log WHERE name = ? AND key = ? AND at <> ?"\n',
            '        select = "SELECT id FROM log WHERE name = ? AND key = ? AND at <> ?"\n'
            '        with self.db:\n'
            '            self.db.execute("UPDATE log SET msg = ? WHERE name = ? AND key = ?", (msg, name, key))\n',
        ),
    ),
    Wrong(
        11,
        "whatever is true in Python counts",
        (
            CHAT,
            'if message["undo"] is not True:',
            'if not message["undo"]:',
        ),
    ),
    Wrong(
        11,
        "the message beside undo is swallowed",
        (
            CHAT,
            '        "msg": take_message,\n'
            '        "undo": take_undo,\n',
            '        "undo": take_undo,\n'
            '        "msg": take_message,\n',
        ),
    ),
    Wrong(
        12,
        "a column more, so an old file does not fit",
        (
            CHAT,
            'key TEXT, UNIQUE (name, key))"""',
            'key TEXT, undo INTEGER, UNIQUE (name, key))"""',
        ),
    ),
    Wrong(
        13,
        "the page shows the text until it is loaded again",
        (
            JS,
            "  if (item) blank(item);\n",
            "",
        ),
    ),
    Wrong(
        13,
        "a button on each of my messages",
        (
            JS,
            "  if (mine.length) mine[mine.length - 1].append(undoButton);\n",
            '  for (const item of mine) if (!item.querySelector("button")) item.append(Object.assign(undoButton.cloneNode(true), { onclick: askBack }));\n'
            '  if (mine.length) return;\n',
        ),
    ),
    Wrong(
        14,
        "a button on everybody's last message",
        (
            JS,
            'querySelectorAll(".own:not(.undone)")',
            'querySelectorAll(".message:not(.undone)")',
        ),
    ),
    Wrong(
        14,
        "the keyboard does not reach the button",
        (
            PAGE,
            '<template id="undo"><button class="quiet" type="button">Take back</button></template>',
            '<template id="undo"><span class="quiet" role="button">Take back</span></template>',
        ),
    ),
    Wrong(
        15,
        "the button does not move on",
        (
            JS,
            '  if (item) blank(item);\n'
            '  moveUndoButton();\n',
            "  if (item) blank(item);\n",
        ),
    ),
    Wrong(
        16,
        "a message that is not there breaks the page",
        (
            JS,
            "  if (item) blank(item);\n",
            "  blank(item);\n",
        ),
    ),
]
