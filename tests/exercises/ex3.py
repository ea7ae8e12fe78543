"""Wrong solutions of exercise 3, which the check must refuse."""

from tests.exercises import CHAT, JS, MESSAGE, PAGE, Wrong

SELECT = """SELECT id FROM log WHERE name = ? AND msg <> '' ORDER BY id DESC"""
LINE = '                message |= {"undo": int(message["key"]), "key": None}\n'
TABLE = "        self.db.execute(UNDONE)\n"
TRUE = "        if value is not True:\n"
KIND = '            if "undo" in message and "msg" not in message:\n'
CLEAR = "        self.read.cache_clear()\n"
MINE = 'page.messages.querySelectorAll(".own:not(.undone)")'

WRONG = [
    Wrong(1, "the author's key is there, not null",
          (CHAT, LINE, LINE.replace(', "key": None', ""))),
    Wrong(2, "a client's key can say that it is an undo",
          (CHAT, 'if message["key"] and message["key"][0] == "\\n":',
          'if re.match(r"undo:\\d", message["key"] or ""):'),
          (CHAT, 'int(message["key"])', 'int(message["key"][5:])'),
          (CHAT, "f\"\\n{row['id']}\"", "f\"undo:{row['id']}\""),
          (CHAT, "CAST(substr(NEW.key, 2) AS", "CAST(substr(NEW.key, 6) AS"),
          (CHAT, "NEW.key LIKE char(10) || '%'", "NEW.key LIKE 'undo:%'")),
    Wrong(3, "an undo takes back the undo before",
          (CHAT, "SELECT max(id) FROM log WHERE name = ? AND msg <> ''",
          "SELECT max(id) FROM log WHERE name = ?")),
    Wrong(4, "_ matches other names",
          (CHAT, SELECT, SELECT.replace("name = ?", "name LIKE ?"))),
    Wrong(4, "Ann and ann are one author",
          (CHAT, SELECT, SELECT.replace("name = ?", "lower(name) = lower(?)"))),
    Wrong(5, "nothing to take back is passed over",
          (CHAT, '        raise ValueError("You have no message to take back.")\n',
          "")),
    Wrong(6, "an undo overtakes the message before it",
          (CHAT, "        waiting = {key", "        waiting = {key"),
          (CHAT, "                answer = await "
          "self.take_message(*clean_message(message))\n",
          "                answer = asyncio.create_task(\n"
          "                    self.take_message(*clean_message(message))) and None\n"),
          (CHAT, "        await asyncio.sleep(self.pause_end - time.monotonic())\n",
          "        await asyncio.sleep(0.1)\n")),
    Wrong(6, "of two at the same moment one counts",
          (CHAT, "if (key := f\"\\n{row['id']}\") not in waiting:",
          "if (key := f\"\\n{row['id']}\"):")),
    Wrong(1, "the message is gone",
          (CHAT, "\"UPDATE log SET msg = '' WHERE id = ?\", (last,)",
          '"DELETE FROM log WHERE id = ?", (last,)')),
    Wrong(7, "its key goes, too",
          (CHAT, "UPDATE log SET msg = '' WHERE",
          "UPDATE log SET msg = '', key = NULL WHERE")),
    Wrong(4, "what has been read once is kept with its text", (CHAT, CLEAR, "")),
    Wrong(8, "gone from the log, still in the file",
          (CHAT, "BEGIN\nUPDATE log SET msg = ''", "BEGIN\n"
          "INSERT OR REPLACE INTO settings SELECT 'undone' || id, msg FROM log "
          "WHERE\nid = CAST(substr(NEW.key, 2) AS INTEGER);\nUPDATE log SET msg = ''")),
    Wrong(9, "what an undo takes back is kept in memory",
          (CHAT, TABLE, '        self.db.execute("DROP TABLE IF EXISTS undone")\n'
          "        self.db.execute(UNDONE)\n")),
    Wrong(10, "sent again, it comes back",
          (CHAT, "UPDATE log SET msg = '' WHERE",
          "UPDATE log SET msg = '', key = key || ' ' WHERE"),
          (CHAT, "message = dict(row)",
          'message = {**row, "key": (row["key"] or "").rstrip(" ") or None}')),
    Wrong(11, "1 counts, because 1 == True",
          (CHAT, TRUE, "        if value != True:\n")),
    Wrong(11, "the message beside undo is swallowed",
          (CHAT, KIND, '            if "undo" in message:\n')),
    Wrong(12, "a table that an old file has not",
          (CHAT, TABLE, "        used or self.db.execute(UNDONE)\n")),
    Wrong(13, "the text is there until the page is loaded again",
          (JS, "  if (item) blank(item);\n", ""),
          sentence="The chat was started. alice's page should show hello, Message "
          "taken back, oops; it shows hello, blunder, oops."),
    Wrong(13, "only who is there sees it",
          (JS, "  if (item) blank(item);\n",
          '  if (item && stage === "news") blank(item);\n'),
          (MESSAGE, "  if (!msg) blank(item);\n", "")),
    Wrong(13, "the undo is shown as a message",
          (JS, "  cursor = { since: id, at };\n",
          "  show({ id, at, name: me, msg: '' });\n  cursor = { since: id, at };\n")),
    Wrong(14, "a button on everybody's last message",
          (JS, MINE, MINE.replace(".own:not", ".message:not"))),
    Wrong(14, "the keyboard does not reach the button",
          (PAGE, '<button class="quiet" type="button">Take back</button>',
          '<span class="quiet" role="button">Take back</span>')),
    Wrong(14, "kept until the line is back",
          (JS, "  if (!isPending()) transmit({ undo: true });\n",
          "  const ask = () => online ? transmit({ undo: true }) : "
          "setTimeout(ask, 100);\n  ask();\n")),
    Wrong(15, "the button does not move on",
          (JS, "  if (item) blank(item);\n  moveUndoButton();\n",
          "  if (item) blank(item);\n")),
    Wrong(16, "a message that is not there breaks the page",
          (JS, "  if (item) blank(item);\n", "  blank(item);\n")),
    Wrong(17, "what is sent offline is not seen to wait",
          (JS, "  page.pending.append(item);\n",
          "  if (online) page.pending.append(item);\n")),
]
