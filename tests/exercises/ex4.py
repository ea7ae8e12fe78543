"""Wrong solutions of exercise 4, which the check must refuse."""

from tests.exercises import CHAT, JS, Wrong

OLDER = '        return [{**row, "old": True} for row in reversed(rows)]\n'
SELECT = 'f"{COLUMNS} WHERE id < ? ORDER BY id DESC LIMIT ?"'
LINES = '        lines = self.room.older(before) or [{"old": True, "id": 0}]\n'
SEND = "        await self.write_message(text)\n"
TEST = "        if type(before) is not int or not 0 < before < 10**15:\n"
KIND = '            if "before" in message and "msg" not in message:\n'
PLACE = "  page.scroller.scrollTop = page.scroller.scrollHeight - rest;\n"
DAY = '  below.classList.toggle("same-day", date(below) === date(item));\n'

WRONG = [
    Wrong(1, "the newest first",
          (CHAT, OLDER, OLDER.replace("reversed(rows)", "rows"))),
    Wrong(1, "one frame for each line",
          (CHAT, SEND, '        for line in text.split("\\n"):\n'
          "            await self.write_message(line)\n")),
    Wrong(1, "the message itself is there, too",
          (CHAT, SELECT, SELECT.replace("id < ?", "id <= ?"))),
    Wrong(1, "no more than fits into one batch",
          (CHAT, SEND, "        await self.write_message(text[-MAX_BATCH:])\n")),
    Wrong(2, "marked with 1 instead of true",
          (CHAT, '{**row, "old": True}', '{**row, "old": 1}')),
    Wrong(3, "the ids are reckoned",
          (CHAT, SELECT,
          'f"{COLUMNS} WHERE id BETWEEN ? - 50 AND max(?, 51) - 1 ORDER BY id DESC"'),
          (CHAT, "(before, HISTORY)", "(before, before)")),
    Wrong(4, "no answer if nothing is older",
          (CHAT, LINES,
          "        if not (lines := self.room.older(before)):\n            return\n")),
    Wrong(5, "an id past the end is an error",
          (CHAT, LINES, LINES + "        if before > self.room.end + 1:\n"
          '            raise ValueError("before is not the id of a message.")\n')),
    Wrong(5, "what was asked once is kept",
          (CHAT, "    def older(self, before):",
          "    @functools.lru_cache\n    def older(self, before):")),
    Wrong(6, "2.0 is a whole number",
          (CHAT, TEST, TEST.replace("type(before) is not int",
          "isinstance(before, bool) or before != int(before)"))),
    Wrong(6, "a number of any size", (CHAT, TEST, TEST.replace(" < 10**15", ""))),
    Wrong(6, "a bad value closes the connection",
          (CHAT, '            raise ValueError("before is not the id of a message.")\n',
          "            return self.close(1003)\n"),
          sentence="alice sent {\"before\": 0}. alice's connection was closed (1003)."),
    Wrong(7, "the message beside before is answered, too",
          (CHAT, KIND,
          '            if "msg" in message and type(message.get("before")) is int:\n'
          '                await self.take_before(message["before"])\n' + KIND)),
    Wrong(8, "all windows of the one who asks get it",
          (CHAT, SEND, "        for each in list(self.room.connections):\n"
          "            if each.current_user == self.current_user:\n"
          "                await each.write_message(text)\n")),
    Wrong(9, "the cursor goes to what was asked for",
          (CHAT, SEND, SEND
          + "        self.cursor = max(self.cursor, min(before, self.room.end))\n")),
    Wrong(10, "put above in the wrong order",
          (JS, "  below.before(item);\n", "  page.messages.prepend(item);\n")),
    Wrong(10, "the day stands in the middle, too", (JS, DAY, "")),
    Wrong(11, "the page jumps to what has come", (JS, PLACE, "")),
    Wrong(12, "asks again at the beginning",
          (JS, " || oldest < 2 || oldest === asked) return;",
          " || oldest > 1 && oldest === asked) return;")),
    Wrong(13, "what is older counts as unread",
          (JS, "  below.before(item);\n",
          "  below.before(item);\n  unread++;\n  tell();\n")),
    Wrong(14, "never asks again if the answer was lost", (JS, "  asked = 0;\n", "")),
    Wrong(14, "goes on from what is older",
          (JS, "  below.before(item);\n",
          "  below.before(item);\n"
          "  cursor = { since: message.id, at: message.at };\n")),
    Wrong(14, "what was removed cannot be fetched again",
          (JS, "  asked = oldest;\n",
          "  asked = oldest;\n  if (oldest > lowest) return;\n  lowest = oldest;\n"),
          (JS, "let asked = 0;", "let lowest = Infinity;\nlet asked = 0;")),
    Wrong(15, "more than 500 are removed at once",
          (JS, "const most = follow ? MAX_SHOWN : 4 * MAX_SHOWN;",
          "const most = MAX_SHOWN;")),
    Wrong(16, "who is offline sees no own message",
          (JS, "  page.pending.append(item);\n",
          "  if (online) page.pending.append(item);\n")),
]
