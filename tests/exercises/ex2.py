"""Wrong solutions of exercise 2, which the check must refuse."""

from workshop.exercises import Wrong

WRONG = [
    Wrong(
        "told only after a while",
        [
            (
                "chat.py",
                "                if connection.wants_notice_of(self):\n"
                "                    connection.transmit(notice)\n",
                "                if connection.wants_notice_of(self):\n"
                "                    asyncio.get_running_loop().call_later(3, "
                "connection.transmit, notice)\n",
            ),
        ],
        1,
        'alice sent {"typing": true}. bob should get {"typing": "alice"}; nothing '
        "came within 2 s.",
    ),
    Wrong(
        "stored as a message",
        [
            (
                "chat.py",
                "        self.told = time.monotonic()\n",
                "        self.told = time.monotonic()\n"
                '        await self.room.post(self.current_user, "is typing", None)\n',
            ),
        ],
        1,
        'alice sent {"typing": true}. bob should get {"typing": "alice"}; {"id": 1, '
        '"at": ..., "name": "alice", "msg": "is typing", "key": null} came.',
    ),
    Wrong(
        "the author is told, too",
        [
            (
                "chat.py",
                "return idle and other and",
                "return idle and",
            ),
        ],
        2,
        'alice sent {"typing": true}. alice should get nothing; {"typing": "alice"} '
        "came.",
    ),
    Wrong(
        "the author's other tab is told",
        [
            (
                "chat.py",
                "other = self.current_user != author.current_user",
                "other = self is not author",
            ),
        ],
        2,
        'alice sent {"typing": true}. alice should get nothing in her other tab; '
        '{"typing": "alice"} came.',
    ),
    Wrong(
        "the message beside typing is swallowed",
        [
            (
                "chat.py",
                '        "msg": take_message,\n        "typing": take_typing,\n',
                '        "typing": take_typing,\n        "msg": take_message,\n',
            ),
        ],
        3,
        'alice sent {"msg": "hello", "typing": true}. bob should get {"msg": '
        '"hello"}; {"typing": "alice"} came.',
    ),
    Wrong(
        "whatever is true in Python counts",
        [
            (
                "chat.py",
                'if message["typing"] is not True:',
                'if not message["typing"]:',
            ),
        ],
        4,
        'alice sent {"typing": 1}. alice should get an error line; nothing came '
        "within 2 s.",
    ),
    Wrong(
        "1 counts, because 1 == True",
        [
            (
                "chat.py",
                'if message["typing"] is not True:',
                'if message["typing"] != True:  # noqa: E712',
            ),
        ],
        4,
        'alice sent {"typing": 1}. alice should get an error line; nothing came '
        "within 2 s.",
    ),
    Wrong(
        "false is dropped without a word",
        [
            (
                "chat.py",
                "            raise ValueError('Send {\"typing\": true}.')\n",
                "            return\n",
            ),
        ],
        4,
        'alice sent {"typing": false}. alice should get an error line; nothing came '
        "within 2 s.",
    ),
    Wrong(
        "kept in the database",
        [
            (
                "chat.py",
                "        self.told = time.monotonic()\n",
                "        self.told = time.monotonic()\n"
                '        await self.application.room.remember("typing", '
                "self.current_user)\n",
            ),
        ],
        5,
        "carol connected with /ws?since=0. The notice should not be in chat.db; it is.",
    ),
    Wrong(
        "every notice is passed on",
        [
            (
                "chat.py",
                "        if time.monotonic() < self.told + TYPING:\n"
                "            return\n",
                "",
            ),
        ],
        6,
        'alice sent {"typing": true} five times at once. bob should get one notice; '
        "5 came.",
    ),
    Wrong(
        "what is too much is an error line",
        [
            (
                "chat.py",
                "        if time.monotonic() < self.told + TYPING:\n"
                "            return\n",
                "        if time.monotonic() < self.told + TYPING:\n"
                '            raise ValueError("You said so already.")\n',
            ),
        ],
        6,
        'alice sent {"typing": true} five times at once. alice should get nothing '
        'about the dropped ones; {"error": "You said so already.", "key": null} came.',
    ),
    Wrong(
        "one limit for everybody",
        [
            (
                "chat.py",
                "        self.told = time.monotonic()\n",
                "        WebSocketHandler.told = time.monotonic()\n",
            ),
        ],
        7,
        'alice sent {"typing": true}, and bob did so right after her. carol should '
        'get {"typing": "bob"}; nothing came within 2 s.',
    ),
    Wrong(
        "told once and never again",
        [
            (
                "chat.py",
                "        if time.monotonic() < self.told + TYPING:\n"
                "            return\n",
                "        if self.told:\n            return\n",
            ),
        ],
        8,
        "alice sent a notice every 0.2 s for five seconds. bob should get a second "
        "one after two seconds; none came.",
    ),
    Wrong(
        "waits for a slow reader",
        [
            (
                "chat.py",
                "        idle = self.is_open() and not "
                "self.ws_connection.stream.writing()\n",
                "        idle = self.is_open()\n",
            ),
            (
                "chat.py",
                "                if connection.wants_notice_of(self):\n"
                "                    connection.transmit(notice)\n",
                "                if connection.wants_notice_of(self):\n"
                '                    await connection.tell({"typing": '
                "self.current_user})\n",
            ),
        ],
        9,
        'carol\'s computer had stopped reading, and alice sent {"typing": true}. '
        'bob should get {"typing": "alice"}; nothing came within 2 s.',
    ),
    Wrong(
        "kept for a slow reader",
        [
            (
                "chat.py",
                "        idle = self.is_open() and not "
                "self.ws_connection.stream.writing()\n",
                "        idle = self.is_open()\n",
            ),
        ],
        10,
        'carol\'s computer stopped reading, alice sent {"typing": true} and hello, '
        "and carol's computer read again. carol should get no notice from before; it "
        "came.",
    ),
    Wrong(
        "the page does not show it",
        [
            (
                "templates/chat.html",
                '  <p class="hint" id="typing"></p>\n',
                '  <p class="hidden" id="typing" hidden></p>\n',
            ),
        ],
        11,
        "alice typed in her page. The other page should show 'alice is typing'; it "
        "does not.",
    ),
    Wrong(
        "the page sends the wrong frame",
        [
            (
                "static/chat.js",
                "transmit({ typing: true })",
                "transmit({ typing: me })",
            ),
        ],
        11,
        "alice typed in her page. The other page should show 'alice is typing'; it "
        "does not.",
    ),
    Wrong(
        "every letter is a notice",
        [
            (
                "static/chat.js",
                "  told = Date.now();\n",
                "",
            ),
        ],
        12,
        "alice typed 16 letters at once. The page should send one notice; it sent 16.",
    ),
    Wrong(
        "the page says it once",
        [
            (
                "static/chat.js",
                "Date.now() < told + TYPING_TIME",
                "told",
            ),
        ],
        13,
        "alice typed for ... seconds. The page should send a notice every two "
        "seconds; it sent 1.",
    ),
    Wrong(
        "a message does not end it",
        [
            (
                "static/chat.js",
                "  hideTypist(message.name);\n",
                "",
            ),
        ],
        14,
        "alice typed and sent a message. The notice should go away with it; it is "
        "still there.",
    ),
    Wrong(
        "it is there for ever",
        [
            (
                "static/chat.js",
                "  later(`typing ${name}`, () => hideTypist(name), TYPING_SHOWN);\n",
                "",
            ),
        ],
        15,
        "alice typed one letter nine seconds ago. The notice should be gone; it is "
        "still there.",
    ),
    Wrong(
        "it goes away after two seconds",
        [
            (
                "static/chat.js",
                "const TYPING_SHOWN = 7000;",
                "const TYPING_SHOWN = 2000;",
            ),
        ],
        15,
        "alice typed one letter five seconds ago. The notice should be there for "
        "seven; it is gone.",
    ),
    Wrong(
        "only one typist is shown",
        [
            (
                "static/chat.js",
                "  typists.add(name);\n",
                "  typists.clear();\n  typists.add(name);\n",
            ),
        ],
        16,
        "alice and bobby typed. The other page should show 'alice is typing'; it "
        "does not.",
    ),
    Wrong(
        "a message takes all notices away",
        [
            (
                "static/chat.js",
                "  hideTypist(message.name);\n",
                "  typists.clear();\n  listTypists();\n",
            ),
        ],
        16,
        "alice and bobby typed, and alice sent her message. bobby's notice should "
        "stay; it is gone.",
    ),
    Wrong(
        "text as HTML",
        [
            (
                "static/chat.js",
                'document.getElementById("typing").textContent',
                'document.getElementById("typing").innerHTML',
            ),
        ],
        17,
        "<b>bob typed. The other page should show '<b>bob is typing'; it does not.",
    ),
    Wrong(
        "sent while offline",
        [
            (
                "static/chat.js",
                "  if (ws.readyState !== WebSocket.OPEN || Date.now()",
                "  if (Date.now()",
            ),
            (
                "static/chat.js",
                "  transmit({ typing: true });\n",
                "  ws.send(JSON.stringify({ typing: true }));\n",
            ),
        ],
        18,
        "alice typed while she was offline. The page complains of uncaught: sent "
        "while connecting.",
    ),
]
