"""Wrong solutions of exercise 2, which the check must refuse."""

from tests.exercises import CHAT, JS, Wrong

WRITE = '                other.write_message({"typing": self.current_user})\n'
WHO = "if name != me and other.is_open() and not other.is_slow():"
TRUE = "        if value is not True:\n"
TWO = "        if time.monotonic() < self.told + TYPING:\n            return\n"
KIND = '            if "typing" in message and "msg" not in message:\n'
TELL = "  if (!online || Date.now() < told + TYPING_TIME) return;\n"
HIDE = "  hideTypist(message.name);\n"
LATER = "  later(`typing ${name}`, hideTypist, TYPING_SHOWN, name);\n"
INPUT = "page.text.oninput = () => { tellTyping(); change(); };\n"

WRONG = [
    Wrong(1, "one window of each person",
          (CHAT, WRITE, WRITE + "                me += name\n"),
          (CHAT, WHO, WHO.replace("name != me", "name not in me"))),
    Wrong(2, "the author's other windows are told",
          (CHAT, "name != me and", "other is not self and"),
          sentence='alice sent {"typing": true}. alice should get nothing in her other '
          'window; {"typing": "alice"} came.'),
    Wrong(3, "the message beside typing is swallowed",
          (CHAT, KIND, '            if "typing" in message:\n')),
    Wrong(3, "a message uses up the notice",
          (CHAT, KIND,
          '            self.told = max(self.told, time.monotonic() * ("typing" '
          'in message and "msg" in message))\n' + KIND)),
    Wrong(4, "1 counts, because 1 == True",
          (CHAT, TRUE, "        if value != True:\n")),
    Wrong(4, "false is dropped without a word",
          (CHAT, TRUE, "        if value is False:\n            return\n" + TRUE)),
    Wrong(5, "a newcomer is told who types",
          (CHAT, "            self.room.connections[self] =",
          '            if getattr(self.room, "typist", None):\n'
          '                self.write_message({"typing": self.room.typist})\n'
          "            self.room.connections[self] ="),
          (CHAT, TWO, TWO + "        self.room.typist = self.current_user\n")),
    Wrong(5, "stored beside the log",
          (CHAT, TWO, TWO
          + '        self.room.db.execute("INSERT OR REPLACE INTO settings '
          "VALUES ('typing', 1)\")\n")),
    Wrong(6, "what is too much is an error line",
          (CHAT, TWO,
          TWO.replace("return", 'raise ValueError("You said so already.")'))),
    Wrong(6, "what is too much comes later",
          (CHAT, TWO, TWO.replace("            return\n",
          "            return ioloop.IOLoop.current().call_later(\n"
          "                self.told + TYPING - time.monotonic(), "
          "self.take_typing, value)\n"))),
    Wrong(7, "one limit for each name",
          (CHAT, TWO, "        told = self.room.told.get(self.current_user, 0)\n"
          + TWO.replace("self.told", "told")),
          (CHAT, "        self.told = time.monotonic()\n",
          "        self.room.told[self.current_user] = time.monotonic()\n"),
          (CHAT, "        self.rows = []  #",
          "        self.told = {}\n        self.rows = []  #")),
    Wrong(8, "what is dropped begins the two seconds anew",
          (CHAT, TWO, TWO.replace("            return",
          "            self.told = time.monotonic()\n            return"))),
    Wrong(9, "waits for a slow reader",
          (CHAT, "    def take_typing", "    async def take_typing"),
          (CHAT, "answer = self.take_typing(", "answer = await self.take_typing("),
          (CHAT, " and not other.is_slow():", ":"),
          (CHAT, WRITE, WRITE.replace("other.", "await other."))),
    Wrong(10, "kept for a slow reader", (CHAT, " and not other.is_slow():", ":")),
    Wrong(10, "who was slow once is never told again",
          (CHAT, WRITE, WRITE + "            elif other.is_slow():\n"
          "                other.is_slow = lambda: True\n")),
    Wrong(11, "the page does not show it",
          (JS, "  typing: showTypist,\n", ""),
          sentence='alice typed 16 letters at once. The other page should show '
          '"alice is typing"; it does not.'),
    Wrong(12, "every letter is a notice", (JS, TELL, "  if (!online) return;\n")),
    Wrong(12, "emptying the composer is typing",
          (JS, INPUT, "page.text.oninput = change;\n"),
          (JS, "function change() {\n", "function change() {\n  tellTyping();\n")),
    Wrong(13, "the page says it once",
          (JS, "  told = Date.now();\n", "  told = Infinity;\n")),
    Wrong(14, "a message ends it with the next beat",
          (JS, HIDE, "  setTimeout(hideTypist, 2500, message.name);\n")),
    Wrong(15, "it is there for ever", (JS, LATER, "")),
    Wrong(15, "an old timer takes a new notice away",
          (JS, LATER, "  setTimeout(hideTypist, TYPING_SHOWN, name);\n")),
    Wrong(16, "a message takes all notices away",
          (JS, HIDE, "  typists.clear();\n  listTypists();\n")),
    Wrong(17, "text as HTML",
          (JS, "  page.typing.textContent =", "  page.typing.innerHTML =")),
    Wrong(18, "kept until the line is back",
          (JS, TELL, TELL.replace("!online || ", "")),
          (JS, "  transmit({ typing: true });\n",
          "  if (online) transmit({ typing: true });\n  else missed = true;\n"),
          (JS, "let told = 0;", "let missed = false;\nlet told = 0;"),
          (JS, "function sendPending() {\n",
          "function sendPending() {\n  if (missed) transmit({ typing: true });\n")),
    Wrong(19, "what is sent offline is not seen to wait",
          (JS, "  page.pending.append(item);\n",
          "  if (online) page.pending.append(item);\n")),
]
