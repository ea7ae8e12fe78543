"""Wrong solutions of exercise 3, which the check must refuse."""

from workshop.exercises import Wrong

WRONG = [
    Wrong(
        "only the author is told",
        [
            (
                "chat.py",
                "        await self.room.undo(self.current_user)\n",
                '        await self.tell({"id": 3, "name": self.current_user, "msg": '
                '"", "key": None, "undo": 2})\n',
            ),
        ],
        1,
        'alice sent hello, blunder and {"undo": true}. bob should get {"id": 3, '
        '"name": "alice", "msg": "", "key": null, "undo": 2}; nothing came within 2 '
        "s.",
    ),
    Wrong(
        "every line has the key undo",
        [
            (
                "chat.py",
                "    message = dict(row)\n",
                '    message = {**dict(row), "undo": None}\n',
            ),
        ],
        2,
        'alice sent hello. alice should get {"id": 1, "msg": "hello"}, without '
        '"undo"; {"id": 1, "at": ..., "name": "alice", "msg": "hello", "key": null, '
        '"undo": null} came.',
    ),
    Wrong(
        "an undo takes back the undo before",
        [
            (
                "chat.py",
                '        select = "SELECT max(id) FROM log WHERE name = ? AND msg <> '
                "''\"\n",
                '        select = "SELECT max(id) FROM log WHERE name = ?"\n',
            ),
        ],
        3,
        'alice sent {"undo": true}. alice should get {"undo": 2, "name": "alice", '
        '"msg": ""}; {"id": 5, "at": ..., "name": "alice", "msg": "", "key": null, '
        '"undo": 4} came.',
    ),
    Wrong(
        "the text stays in the history",
        [
            (
                "chat.py",
                "                self.db.execute(BLANK, (self.end,))\n",
                "",
            ),
        ],
        3,
        'alice sent {"undo": true}. alice should get {"undo": 2, "name": "alice", '
        '"msg": ""}; nothing came within 2 s.',
    ),
    Wrong(
        "whoever spoke last loses the message",
        [
            (
                "chat.py",
                '        select = "SELECT max(id) FROM log WHERE name = ? AND msg <> '
                "''\"\n",
                "        select = \"SELECT max(id) FROM log WHERE ? > '' AND msg <> "
                "''\"\n",
            ),
        ],
        4,
        "late connected with /ws?since=1 after alice's undo. late should get "
        '{"id": 2, "name": "alice", "msg": ""}; {"id": 2, "at": ..., "name": "bob", '
        '"msg": "", "key": null} came.',
    ),
    Wrong(
        "_ and % match other names",
        [
            (
                "chat.py",
                "WHERE name = ? AND msg <> ''\"",
                "WHERE name LIKE ? AND msg <> ''\"",
            ),
        ],
        4,
        'late connected with /ws?since=4 after a_b\'s undo. late should get {"id": '
        '5, "name": "a_b", "msg": ""}; {"id": 5, "at": ..., "name": "axb", "msg": '
        '"", "key": null} came.',
    ),
    Wrong(
        "the message is deleted",
        [
            (
                "chat.py",
                'BLANK = """UPDATE log SET msg = \'\' WHERE',
                'BLANK = """DELETE FROM log WHERE',
            ),
        ],
        4,
        "late connected with /ws?since=0 after alice's undo. late should get "
        '{"id": 1, "name": "alice", "msg": ""}; {"id": 2, "at": ..., "name": "bob", '
        '"msg": "bob\'s", "key": null} came.',
    ),
    Wrong(
        "lines are kept by their ids for ever",
        [
            (
                "chat.py",
                "    message = dict(row)\n",
                '    message = LINES.setdefault(row["id"], dict(row))\n',
            ),
            (
                "chat.py",
                "INSERT = ",
                "LINES = {}\nINSERT = ",
            ),
        ],
        4,
        "late connected with /ws?since=0 after alice's undo. late should get "
        '{"id": 1, "name": "alice", "msg": ""}; {"id": 1, "at": ..., "name": '
        '"alice", "msg": "alice\'s", "key": null} came.',
    ),
    Wrong(
        "nothing to take back is passed over",
        [
            (
                "chat.py",
                '            raise ValueError("You have no message to take back.")\n',
                "            return\n",
            ),
        ],
        5,
        'bob, who has said nothing, sent {"undo": true}. bob should get an error '
        'line that says "take back"; nothing came within 2 s.',
    ),
    Wrong(
        "posting does not wait, so the undo overtakes it",
        [
            (
                "chat.py",
                "        stored = await self.room.post(self.current_user, msg, key)\n",
                "        asyncio.ensure_future(self.room.post(self.current_user, "
                "msg, key))\n"
                "        stored = None\n",
            ),
        ],
        6,
        "alice sent first, blunder and an undo, without waiting. The undo should "
        "take back message 2; it took back [1].",
    ),
    Wrong(
        "the key goes, too",
        [
            (
                "chat.py",
                "SET msg = '' WHERE",
                "SET msg = '', key = NULL WHERE",
            ),
        ],
        7,
        "alice sent blunder and took it back, then bob connected. bob should get "
        '{"id": 1, "at": ..., "name": "alice", "msg": "", "key": "k"}, without '
        '"undo"; {"id": 1, "at": ..., "name": "alice", "msg": "", "key": null} came.',
    ),
    Wrong(
        "batches are kept when a text has gone",
        [
            (
                "chat.py",
                "        self.read.cache_clear()",
                '        if not any(row["id"] for row in self.db.execute("SELECT id '
                "FROM log WHERE msg = '' AND id = ?\", (self.end,))):\n"
                "            self.read.cache_clear()",
            ),
        ],
        7,
        "alice sent blunder and took it back, then bob connected. bob should get "
        '{"id": 1, "at": ..., "name": "alice", "msg": "", "key": "k"}, without '
        '"undo"; {"id": 1, "at": ..., "name": "alice", "msg": "blunder", "key": "k"} '
        "came.",
    ),
    Wrong(
        "hidden in memory, still in the file",
        [
            (
                "chat.py",
                "                self.db.execute(BLANK, (self.end,))\n",
                "",
            ),
            (
                "chat.py",
                "INSERT = ",
                "GONE = {0}\nINSERT = ",
            ),
            (
                "chat.py",
                '        await self.post(name, "", f"\\n{last}")\n',
                "        GONE.add(last)\n"
                '        await self.post(name, "", f"\\n{last}")\n',
            ),
            (
                "chat.py",
                '        select = "SELECT max(id) FROM log WHERE name = ? AND msg <> '
                "''\"\n",
                '        gone = ",".join(map(str, GONE))\n'
                '        select = f"SELECT max(id) FROM log WHERE name = ? AND msg '
                "<> '' AND id NOT IN ({gone})\"\n",
            ),
            (
                "chat.py",
                "    message = dict(row)\n",
                "    message = dict(row)\n"
                '    if message["id"] in GONE:\n'
                '        message["msg"] = ""\n',
            ),
        ],
        8,
        "alice sent blunder and took it back. The text should not be in chat.db; it "
        "is.",
    ),
    Wrong(
        "what an undo takes back is forgotten on restart",
        [
            (
                "chat.py",
                "INSERT = ",
                "UNDONE = set()\nINSERT = ",
            ),
            (
                "chat.py",
                '    if (message["key"] or "").startswith("\\n"):\n',
                '    if message["key"] in UNDONE:\n',
            ),
            (
                "chat.py",
                '        await self.post(name, "", f"\\n{last}")\n',
                '        UNDONE.add(f"\\n{last}")\n'
                '        await self.post(name, "", f"\\n{last}")\n',
            ),
        ],
        9,
        "alice took a message back, and the chat was started again. alice should get "
        '{"id": 3, "undo": 2}; {"id": 3, "at": ..., "name": "alice", "msg": "", '
        '"key": "\\n2"} came.',
    ),
    Wrong(
        "sent again, it comes back",
        [
            (
                "chat.py",
                '        select = "SELECT id FROM log WHERE name = ? AND key = ? AND '
                'at <> ?"\n',
                '        select = "SELECT id FROM log WHERE name = ? AND key = ? AND '
                'at <> ?"\n'
                "        with self.db:\n"
                '            self.db.execute("UPDATE log SET msg = ? WHERE name = ? '
                'AND key = ?", (msg, name, key))\n',
            ),
        ],
        10,
        "alice took a message back and sent it again, then bob connected. bob should "
        'get {"id": 1, "msg": ""}; {"id": 1, "at": ..., "name": "alice", "msg": '
        '"blunder", "key": "k"} came.',
    ),
    Wrong(
        "whatever is true in Python counts",
        [
            (
                "chat.py",
                'if message["undo"] is not True:',
                'if not message["undo"]:',
            ),
        ],
        11,
        'alice sent {"undo": 17}. alice should get an error line; {"id": 2, "at": '
        '..., "name": "alice", "msg": "", "key": null, "undo": 1} came.',
    ),
    Wrong(
        "the message beside undo is swallowed",
        [
            (
                "chat.py",
                '        "msg": take_message,\n        "undo": take_undo,\n',
                '        "undo": take_undo,\n        "msg": take_message,\n',
            ),
        ],
        11,
        'alice sent {"msg": "and this", "undo": true}. alice should get {"id": 2, '
        '"msg": "and this"}, without "undo"; {"id": 2, "at": ..., "name": "alice", '
        '"msg": "", "key": null, "undo": 1} came.',
    ),
    Wrong(
        "a column more, so an old file does not fit",
        [
            (
                "chat.py",
                'key TEXT, UNIQUE (name, key))"""',
                'key TEXT, undo INTEGER, UNIQUE (name, key))"""',
            ),
        ],
        12,
        "The chat was started with a chat.db from before. Then: chat.RoomError: ... "
        "has tables of another program, or version",
    ),
    Wrong(
        "the page shows the text until it is loaded again",
        [
            (
                "static/chat.js",
                "  if (item) blank(item);\n",
                "",
            ),
        ],
        13,
        "alice took back 1 of her messages. Each page should say so 1 times; it says "
        "so 0 times.",
    ),
    Wrong(
        "a button on each of my messages",
        [
            (
                "static/chat.js",
                "  if (mine.length) mine[mine.length - 1].append(undoButton);\n",
                '  for (const item of mine) if (!item.querySelector("button")) '
                "item.append(Object.assign(undoButton.cloneNode(true), { onclick: "
                "askBack }));\n"
                "  if (mine.length) return;\n",
            ),
        ],
        13,
        "alice's page should have one button 'Take back'.",
    ),
    Wrong(
        "a button on everybody's last message",
        [
            (
                "static/chat.js",
                'querySelectorAll(".own:not(.undone)")',
                'querySelectorAll(".message:not(.undone)")',
            ),
        ],
        14,
        "alice sent one and two, bob sent three. The page of carol should have 0 "
        "buttons 'Take back'; it has 1.",
    ),
    Wrong(
        "the keyboard does not reach the button",
        [
            (
                "templates/chat.html",
                '<template id="undo"><button class="quiet" type="button">Take '
                "back</button></template>",
                '<template id="undo"><span class="quiet" role="button">Take '
                "back</span></template>",
            ),
        ],
        14,
        "The keyboard should reach the button 'Take back'; it does not.",
    ),
    Wrong(
        "the button does not move on",
        [
            (
                "static/chat.js",
                "  if (item) blank(item);\n  moveUndoButton();\n",
                "  if (item) blank(item);\n",
            ),
        ],
        15,
        "alice has taken everything back. There should be no button.",
    ),
    Wrong(
        "a message that is not there breaks the page",
        [
            (
                "static/chat.js",
                "  if (item) blank(item);\n",
                "  blank(item);\n",
            ),
        ],
        16,
        "alice took back a message from long ago, which bob's page had not. The page "
        "complains of uncaught: Cannot read properties of null (reading 'classList').",
    ),
]
