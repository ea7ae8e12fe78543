"""Wrong solutions of exercise 2, which the check must refuse."""

from tests.exercises import CHAT, JS, PAGE, Wrong

WRONG = [
    Wrong(
        1,
        "told only after a while",
        (
            CHAT,
            '                if connection.wants_notice_of(self):\n'
            '                    connection.transmit(notice)\n',
            '                if connection.wants_notice_of(self):\n'
            '                    asyncio.get_running_loop().call_later(3, connection.transmit, notice)\n',
        ),
    ),
    Wrong(
        1,
        "stored as a message",
        (
            CHAT,
            "        self.told = time.monotonic()\n",
            '        self.told = time.monotonic()\n'
            '        await self.room.post(self.current_user, "is typing", None)\n',
        ),
    ),
    Wrong(
        2,
        "the author is told, too",
        (
            CHAT,
            "return idle and other and",
            "return idle and",
        ),
    ),
    Wrong(
        2,
        "the author's other tab is told",
        (
            CHAT,
            "other = self.current_user != author.current_user",
            "other = self is not author",
        ),
    ),
    Wrong(
        3,
        "the message beside typing is swallowed",
        (
            CHAT,
            '        "msg": take_message,\n'
            '        "typing": take_typing,\n',
            '        "typing": take_typing,\n'
            '        "msg": take_message,\n',
        ),
    ),
    Wrong(
        4,
        "whatever is true in Python counts",
        (
            CHAT,
            'if message["typing"] is not True:',
            'if not message["typing"]:',
        ),
    ),
    Wrong(
        4,
        "1 counts, because 1 == True",
        (
            CHAT,
            'if message["typing"] is not True:',
            'if message["typing"] != True:  # noqa: E712',
        ),
    ),
    Wrong(
        4,
        "false is dropped without a word",
        (
            CHAT,
            '            raise ValueError(\'Send {"typing": true}.\')\n',
            "            return\n",
        ),
    ),
    Wrong(
        5,
        "kept in the database",
        (
            CHAT,
            "        self.told = time.monotonic()\n",
            '        self.told = time.monotonic()\n'
            '        await self.application.room.remember("typing", self.current_user)\n',
        ),
    ),
    Wrong(
        6,
        "every notice is passed on",
        (
            CHAT,
            '        if time.monotonic() < self.told + TYPING:\n'
            '            return\n',
            "",
        ),
    ),
    Wrong(
        6,
        "what is too much is an error line",
        (
            CHAT,
            '        if time.monotonic() < self.told + TYPING:\n'
            '            return\n',
            '        if time.monotonic() < self.told + TYPING:\n'
            '            raise ValueError("You said so already.")\n',
        ),
    ),
    Wrong(
        7,
        "one limit for everybody",
        (
            CHAT,
            "        self.told = time.monotonic()\n",
            "        WebSocketHandler.told = time.monotonic()\n",
        ),
    ),
    Wrong(
        8,
        "told once and never again",
        (
            CHAT,
            '        if time.monotonic() < self.told + TYPING:\n'
            '            return\n',
            '        if self.told:\n'
            '            return\n',
        ),
    ),
    Wrong(
        9,
        "waits for a slow reader",
        (
            CHAT,
            "        idle = self.is_open() and not self.ws_connection.stream.writing()\n",
            "        idle = self.is_open()\n",
        ),
        (
            CHAT,
            '                if connection.wants_notice_of(self):\n'
            '                    connection.transmit(notice)\n',
            '                if connection.wants_notice_of(self):\n'
            '                    await connection.tell({"typing": self.current_user})\n',
        ),
    ),
    Wrong(
        10,
        "kept for a slow reader",
        (
            CHAT,
            "        idle = self.is_open() and not self.ws_connection.stream.writing()\n",
            "        idle = self.is_open()\n",
        ),
    ),
    Wrong(
        11,
        "the page does not show it",
        (
            PAGE,
            '  <p class="hint" id="typing"></p>\n',
            '  <p class="hidden" id="typing" hidden></p>\n',
        ),
    ),
    Wrong(
        11,
        "the page sends the wrong frame",
        (
            JS,
            "transmit({ typing: true })",
            "transmit({ typing: me })",
        ),
    ),
    Wrong(
        12,
        "every letter is a notice",
        (
            JS,
            "  told = Date.now();\n",
            "",
        ),
    ),
    Wrong(
        13,
        "the page says it once",
        (
            JS,
            "Date.now() < told + TYPING_TIME",
            "told",
        ),
    ),
    Wrong(
        14,
        "a message does not end it",
        (
            JS,
            "  hideTypist(message.name);\n",
            "",
        ),
    ),
    Wrong(
        15,
        "it is there for ever",
        (
            JS,
            "  later(`typing ${name}`, () => hideTypist(name), TYPING_SHOWN);\n",
            "",
        ),
    ),
    Wrong(
        15,
        "it goes away after two seconds",
        (
            JS,
            "const TYPING_SHOWN = 7000;",
            "const TYPING_SHOWN = 2000;",
        ),
    ),
    Wrong(
        16,
        "only one typist is shown",
        (
            JS,
            "  typists.add(name);\n",
            '  typists.clear();\n'
            '  typists.add(name);\n',
        ),
    ),
    Wrong(
        16,
        "a message takes all notices away",
        (
            JS,
            "  hideTypist(message.name);\n",
            '  typists.clear();\n'
            '  listTypists();\n',
        ),
    ),
    Wrong(
        17,
        "text as HTML",
        (
            JS,
            'document.getElementById("typing").textContent',
            'document.getElementById("typing").innerHTML',
        ),
    ),
    Wrong(
        18,
        "sent while offline",
        (
            JS,
            "  if (ws.readyState !== WebSocket.OPEN || Date.now()",
            "  if (Date.now()",
        ),
        (
            JS,
            "  transmit({ typing: true });\n",
            "  ws.send(JSON.stringify({ typing: true }));\n",
        ),
    ),
]
