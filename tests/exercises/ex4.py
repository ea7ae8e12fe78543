"""Wrong solutions of exercise 4, which the check must refuse."""

from workshop.exercises import Wrong

WRONG = [
    Wrong(
        "the newest first",
        [
            (
                "chat.py",
                "in reversed(rows)",
                "in rows",
            ),
        ],
        1,
        'alice sent {"before": 71}. One frame with the messages 21 to 70 should '
        'come; {"id": 70, "at": ..., "name": "bob", "msg": "m70", "key": null, '
        '"old": true} and 49 more lines came.',
    ),
    Wrong(
        "one frame for each line",
        [
            (
                "chat.py",
                "        await self.tell_lines(self.room.older(before))\n",
                '        for line in self.room.older(before).split(b"\\n"):\n'
                "            await self.tell_lines(line)\n",
            ),
        ],
        1,
        'alice sent {"before": 71}. One frame with the messages 21 to 70 should '
        'come; {"id": 21, "at": ..., "name": "bob", "msg": "m21", "key": null, '
        '"old": true} came.',
    ),
    Wrong(
        "the fifty oldest",
        [
            (
                "chat.py",
                "WHERE id < ? ORDER BY id DESC LIMIT ?",
                "WHERE id < ? ORDER BY id LIMIT ?",
            ),
            (
                "chat.py",
                "in reversed(rows)",
                "in rows",
            ),
        ],
        1,
        'alice sent {"before": 71}. One frame with the messages 21 to 70 should '
        'come; {"id": 1, "at": ..., "name": "bob", "msg": "m1", "key": null, "old": '
        "true} and 49 more lines came.",
    ),
    Wrong(
        "the message itself is there, too",
        [
            (
                "chat.py",
                "WHERE id < ? ORDER",
                "WHERE id <= ? ORDER",
            ),
        ],
        1,
        'alice sent {"before": 71}. One frame with the messages 21 to 70 should '
        'come; {"id": 22, "at": ..., "name": "bob", "msg": "m22", "key": null, '
        '"old": true} and 49 more lines came.',
    ),
    Wrong(
        "marked with 1 instead of true",
        [
            (
                "chat.py",
                '"old": True}) for',
                '"old": 1}) for',
            ),
        ],
        2,
        'alice sent {"before": 71}. Each line should have "old": true; 50 had not.',
    ),
    Wrong(
        "only the first line is marked",
        [
            (
                "chat.py",
                '        lines = [to_line({**row, "old": True}) for row in '
                "reversed(rows)]\n",
                "        lines = [to_line(row) for row in reversed(rows)]\n"
                "        if rows:\n"
                '            lines[0] = to_line({**rows[-1], "old": True})\n',
            ),
        ],
        2,
        'alice sent {"before": 71}. Each line should have "old": true; 49 had not.',
    ),
    Wrong(
        "without the key",
        [
            (
                "chat.py",
                '        select = """SELECT id, at, name, msg, key FROM log\n'
                "            WHERE id < ?",
                '        select = """SELECT id, at, name, msg FROM log\n'
                "            WHERE id < ?",
            ),
        ],
        2,
        'alice sent {"before": 71}. The first line should be {"id": 21, "at": ..., '
        '"name": "bob", "msg": "m21", "key": null, "old": true}; {"id": 21, "at": '
        '..., "name": "bob", "msg": "m21", "old": true} came.',
    ),
    Wrong(
        "fewer than fifty are none",
        [
            (
                "chat.py",
                "        rows = self.db.execute(select, (before, "
                "HISTORY)).fetchall()\n",
                "        rows = self.db.execute(select, (before, "
                "HISTORY)).fetchall()\n"
                "        rows = rows if len(rows) == HISTORY else []\n",
            ),
        ],
        3,
        'alice sent {"before": 21}. One frame with the messages 1 to 20 should come; '
        '{"old": true, "id": 0} came.',
    ),
    Wrong(
        "the cursor goes back",
        [
            (
                "chat.py",
                "        await self.tell_lines(self.room.older(before))\n",
                "        await self.tell_lines(self.room.older(before))\n"
                "        self.cursor = max(0, min(before, self.room.end) - HISTORY)\n"
                "        self.room.readers.discard(self.send_batch)\n"
                "        self.send_batch()\n",
            ),
        ],
        3,
        'alice sent {"before": 2}. One frame with the messages 1 to 1 should come; '
        '{"id": 1, "at": ..., "name": "bob", "msg": "m1", "key": null} and 119 more '
        "lines came.",
    ),
    Wrong(
        "no answer if nothing is older",
        [
            (
                "chat.py",
                "        await self.tell_lines(self.room.older(before))\n",
                "        if before > 1:\n"
                "            await self.tell_lines(self.room.older(before))\n",
            ),
        ],
        4,
        'alice sent {"before": 1}. alice should get an answer; nothing came within 2 '
        "s.",
    ),
    Wrong(
        "an id past the end is an error",
        [
            (
                "chat.py",
                "        if type(before) is not int or not 0 < before < 10**15:\n",
                "        if type(before) is not int or not 0 < before <= "
                "self.room.end:\n",
            ),
        ],
        5,
        'alice sent {"before": 999999}. One frame with the messages 71 to 120 should '
        'come; {"error": "before is not the id of a message.", "key": null} came.',
    ),
    Wrong(
        "true is the number 1",
        [
            (
                "chat.py",
                "type(before) is not int or",
                "not isinstance(before, int) or",
            ),
        ],
        6,
        'alice sent {"before": true}. alice should get an error line; {"old": true, '
        '"id": 0} came.',
    ),
    Wrong(
        "a number of any size",
        [
            (
                "chat.py",
                "not 0 < before < 10**15:",
                "before < 1:",
            ),
        ],
        6,
        'alice sent {"before": 1000000000000000}. alice should get an error line; '
        '{"id": 71, "at": ..., "name": "bob", "msg": "m71", "key": null, "old": '
        "true} came.",
    ),
    Wrong(
        "a text counts as a number",
        [
            (
                "chat.py",
                '        before = message["before"]\n',
                '        before = message["before"]\n'
                "        if isinstance(before, str) and before.isdigit():\n"
                "            before = int(before)\n",
            ),
        ],
        6,
        'alice sent {"before": "51"}. alice should get an error line; {"id": 1, '
        '"at": ..., "name": "bob", "msg": "m1", "key": null, "old": true} came.',
    ),
    Wrong(
        "a bad value closes the connection",
        [
            (
                "chat.py",
                '            raise ValueError("before is not the id of a message.")\n',
                '            return self.close(1003, "No id.")\n',
            ),
        ],
        6,
        'alice sent {"before": 0}. alice\'s connection was closed, with the code 1003.',
    ),
    Wrong(
        "the message beside before is swallowed",
        [
            (
                "chat.py",
                '        "msg": take_message,\n        "before": take_before,\n',
                '        "before": take_before,\n        "msg": take_message,\n',
            ),
        ],
        7,
        'alice sent {"msg": "hello", "before": 71}. alice should get {"id": 121, '
        '"msg": "hello"}, without "old"; {"id": 21, "at": ..., "name": "bob", "msg": '
        '"m21", "key": null, "old": true} came.',
    ),
    Wrong(
        "everybody gets the answer",
        [
            (
                "chat.py",
                "        await self.tell_lines(self.room.older(before))\n",
                "        for connections in "
                "list(self.application.connections.values()):\n"
                "            for connection in list(connections):\n"
                "                await "
                "connection.tell_lines(self.room.older(before))\n",
            ),
        ],
        8,
        'alice sent {"before": 71} and got her answer, then sent now. bob should get '
        '{"id": 121, "msg": "now"}, without "old"; {"id": 21, "at": ..., "name": '
        '"bob", "msg": "m21", "key": null, "old": true} came.',
    ),
    Wrong(
        "the cursor goes to what was asked for, what came meanwhile is lost",
        [
            (
                "chat.py",
                "        await self.tell_lines(self.room.older(before))\n",
                "        await self.tell_lines(self.room.older(before))\n"
                "        self.cursor = max(self.cursor, before - 1)\n",
            ),
        ],
        9,
        'bob wrote four messages, and after each of them alice asked for {"before": '
        "125}. The messages 121 to 124 should come once each, not marked; these "
        "came: [...].",
    ),
    Wrong(
        "put below the others",
        [
            (
                "static/chat.js",
                "  messages.insertBefore(item, first);\n",
                "  messages.append(item);\n",
            ),
        ],
        10,
        "alice scrolled to the top. Older messages should stand above the others, "
        "all in order.",
    ),
    Wrong(
        "put above in the wrong order",
        [
            (
                "static/chat.js",
                "  messages.insertBefore(item, first);\n",
                "  messages.prepend(item);\n",
            ),
        ],
        10,
        "alice scrolled to the top. Older messages should stand above the others, "
        "all in order.",
    ),
    Wrong(
        "the page jumps to what has come",
        [
            (
                "static/chat.js",
                '  first.classList.toggle("today", first.dataset.day === '
                "item.dataset.day);\n"
                "  scroller.scrollTop = scroller.scrollHeight - rest;\n",
                '  first.classList.toggle("today", first.dataset.day === '
                "item.dataset.day);\n"
                "  scroller.scrollTop = 0;\n",
            ),
        ],
        11,
        "alice scrolled to the top. What she reads should stay where it is; it moved "
        "by 2099 pixels.",
    ),
    Wrong(
        "asks again and again at the beginning",
        [
            (
                "static/chat.js",
                "oldest < 2 || oldest === asked",
                "(oldest > 1 && oldest === asked)",
            ),
        ],
        12,
        "alice scrolled to the top five times. Of 120 messages the page needs to ask "
        "at most three times; it asked ... times.",
    ),
    Wrong(
        "what is older counts as unread",
        [
            (
                "static/chat.js",
                "  messages.insertBefore(item, first);\n",
                "  messages.insertBefore(item, first);\n"
                "  if (document.hidden) count(unread + 1);\n",
            ),
        ],
        13,
        "alice scrolled to the top. Older messages came, and the title counts them "
        "as unread: (50) Chat.",
    ),
    Wrong(
        "what is older is new messages",
        [
            (
                "static/chat.js",
                "  messages.insertBefore(item, first);\n",
                "  messages.insertBefore(item, first);\n  newer.hidden = false;\n",
            ),
        ],
        13,
        "alice scrolled to the top. Older messages came, and the page says New "
        "messages.",
    ),
    Wrong(
        "a broken connection empties the page",
        [
            (
                "static/chat.js",
                "  if (!cursor) begin();\n",
                "  begin();\n",
            ),
        ],
        14,
        "alice scrolled to the top again, after her connection had been broken. The "
        "page should show 120 messages; it shows 0.",
    ),
    Wrong(
        "more than 500 are removed at once",
        [
            (
                "static/chat.js",
                "  if (!atBottom()) return; // somebody reads what is older\n",
                "",
            ),
        ],
        15,
        "alice scrolled to the top. The page should show 550 messages; it shows 500.",
    ),
]
