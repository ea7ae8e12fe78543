"""Wrong solutions of exercise 4, which the check must refuse."""

from tests.exercises import CHAT, JS, Wrong

WRONG = [
    Wrong(
        1,
        "the newest first",
        (
            CHAT,
            "in reversed(rows)",
            "in rows",
        ),
    ),
    Wrong(
        1,
        "one frame for each line",
        (
            CHAT,
            "        await self.tell_lines(self.room.older(before))\n",
            '        for line in self.room.older(before).split(b"\\n"):\n'
            '            await self.tell_lines(line)\n',
        ),
    ),
    Wrong(
        1,
        "the fifty oldest",
        (
            CHAT,
            "WHERE id < ? ORDER BY id DESC LIMIT ?",
            "WHERE id < ? ORDER BY id LIMIT ?",
        ),
        (
            CHAT,
            "in reversed(rows)",
            "in rows",
        ),
    ),
    Wrong(
        1,
        "the message itself is there, too",
        (
            CHAT,
            "WHERE id < ? ORDER",
            "WHERE id <= ? ORDER",
        ),
    ),
    Wrong(
        2,
        "marked with 1 instead of true",
        (
            CHAT,
            '"old": True}) for',
            '"old": 1}) for',
        ),
    ),
    Wrong(
        2,
        "only the first line is marked",
        (
            CHAT,
            '        lines = [to_line({**row, "old": True}) for row in reversed(rows)]\n',
            '        lines = [to_line(row) for row in reversed(rows)]\n'
            '        if rows:\n'
            '            lines[0] = to_line({**rows[-1], "old": True})\n',
        ),
    ),
    Wrong(
        2,
        "without the key",
        (
            CHAT,
            '        select = """SELECT id, at, name, msg, key FROM log\n'
            '            WHERE id < ?',
            '        select = """SELECT id, at, name, msg FROM log\n'
            '            WHERE id < ?',
        ),
    ),
    Wrong(
        3,
        "fewer than fifty are none",
        (
            CHAT,
            "        rows = self.db.execute(select, (before, HISTORY)).fetchall()\n",
            '        rows = self.db.execute(select, (before, HISTORY)).fetchall()\n'
            '        rows = rows if len(rows) == HISTORY else []\n',
        ),
    ),
    Wrong(
        3,
        "the cursor goes back",
        (
            CHAT,
            "        await self.tell_lines(self.room.older(before))\n",
            '        await self.tell_lines(self.room.older(before))\n'
            '        self.cursor = max(0, min(before, self.room.end) - HISTORY)\n'
            '        self.room.readers.discard(self.send_batch)\n'
            '        self.send_batch()\n',
        ),
    ),
    Wrong(
        4,
        "no answer if nothing is older",
        (
            CHAT,
            "        await self.tell_lines(self.room.older(before))\n",
            '        if before > 1:\n'
            '            await self.tell_lines(self.room.older(before))\n',
        ),
    ),
    Wrong(
        5,
        "an id past the end is an error",
        (
            CHAT,
            "        if type(before) is not int or not 0 < before < 10**15:\n",
            "        if type(before) is not int or not 0 < before <= self.room.end:\n",
        ),
    ),
    Wrong(
        6,
        "true is the number 1",
        (
            CHAT,
            "type(before) is not int or",
            "not isinstance(before, int) or",
        ),
    ),
    Wrong(
        6,
        "a number of any size",
        (
            CHAT,
            "not 0 < before < 10**15:",
            "before < 1:",
        ),
    ),
    Wrong(
        6,
        "a text counts as a number",
        (
            CHAT,
            '        before = message["before"]\n',
            '        before = message["before"]\n'
            '        if isinstance(before, str) and before.isdigit():\n'
            '            before = int(before)\n',
        ),
    ),
    Wrong(
        6,
        "a bad value closes the connection",
        (
            CHAT,
            '            raise ValueError("before is not the id of a message.")\n',
            '            return self.close(1003, "No id.")\n',
        ),
    ),
    Wrong(
        7,
        "the message beside before is swallowed",
        (
            CHAT,
            '        "msg": take_message,\n'
            '        "before": take_before,\n',
            '        "before": take_before,\n'
            '        "msg": take_message,\n',
        ),
    ),
    Wrong(
        8,
        "everybody gets the answer",
        (
            CHAT,
            "        await self.tell_lines(self.room.older(before))\n",
            '        for connections in list(self.application.connections.values()):\n'
            '            for connection in list(connections):\n'
            '                await connection.tell_lines(self.room.older(before))\n',
        ),
    ),
    Wrong(
        9,
        "the cursor goes to what was asked for, what came meanwhile is lost",
        (
            CHAT,
            "        await self.tell_lines(self.room.older(before))\n",
            '        await self.tell_lines(self.room.older(before))\n'
            '        self.cursor = max(self.cursor, before - 1)\n',
        ),
    ),
    Wrong(
        10,
        "put below the others",
        (
            JS,
            "  messages.insertBefore(item, first);\n",
            "  messages.append(item);\n",
        ),
    ),
    Wrong(
        10,
        "put above in the wrong order",
        (
            JS,
            "  messages.insertBefore(item, first);\n",
            "  messages.prepend(item);\n",
        ),
    ),
    Wrong(
        11,
        "the page jumps to what has come",
        (
            JS,
            '  first.classList.toggle("today", first.dataset.day === item.dataset.day);\n'
            '  scroller.scrollTop = scroller.scrollHeight - rest;\n',
            '  first.classList.toggle("today", first.dataset.day === item.dataset.day);\n'
            '  scroller.scrollTop = 0;\n',
        ),
    ),
    Wrong(
        12,
        "asks again and again at the beginning",
        (
            JS,
            "oldest < 2 || oldest === asked",
            "(oldest > 1 && oldest === asked)",
        ),
    ),
    Wrong(
        13,
        "what is older counts as unread",
        (
            JS,
            "  messages.insertBefore(item, first);\n",
            '  messages.insertBefore(item, first);\n'
            '  if (document.hidden) count(unread + 1);\n',
        ),
    ),
    Wrong(
        13,
        "what is older is new messages",
        (
            JS,
            "  messages.insertBefore(item, first);\n",
            '  messages.insertBefore(item, first);\n'
            '  newer.hidden = false;\n',
        ),
    ),
    Wrong(
        14,
        "a broken connection empties the page",
        (
            JS,
            "  if (!cursor) begin();\n",
            "  begin();\n",
        ),
    ),
    Wrong(
        15,
        "more than 500 are removed at once",
        (
            JS,
            "  if (!atBottom()) return; // somebody reads what is older\n",
            "",
        ),
    ),
]
