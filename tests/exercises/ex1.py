"""Wrong solutions of exercise 1, which the check must refuse."""

from workshop.exercises import Wrong

WRONG = [
    Wrong(
        "marked with 1 instead of true",
        [
            (
                "chat.py",
                '"action": True}',
                '"action": 1}',
            ),
        ],
        1,
        'alice sent /me waves. bob should get {"name": "alice", "msg": "waves", '
        '"action": true}; {"id": 1, "at": ..., "name": "alice", "msg": "waves", '
        '"key": null, "action": 1} came.',
    ),
    Wrong(
        "a new object without the key",
        [
            (
                "chat.py",
                '        message |= {"msg": message["msg"].removeprefix("/me "), '
                '"action": True}\n',
                '        message = {name: message[name] for name in ("id", "at", '
                '"name", "msg")}\n'
                '        message |= {"msg": message["msg"][4:], "action": True}\n',
            ),
        ],
        2,
        'alice sent {"msg": "/me waves", "key": "k"}. alice should get {"id": 2, '
        '"key": "k", "name": "alice", "msg": "waves", "action": true}; {"id": 2, '
        '"at": ..., "name": "alice", "msg": "waves", "action": true} came.',
    ),
    Wrong(
        "every /me is cut out",
        [
            (
                "chat.py",
                '        message |= {"msg": message["msg"].removeprefix("/me "), '
                '"action": True}\n',
                '        message |= {"msg": message["msg"].replace("/me ", ""), '
                '"action": True}\n',
            ),
        ],
        3,
        'alice sent " /me waves\\nand /me smiles ". alice should get {"msg": '
        '"waves\\nand /me smiles", "action": true}; {"id": 1, "at": ..., "name": '
        '"alice", "msg": "waves\\nand smiles", "key": null, "action": true} came.',
    ),
    Wrong(
        "line breaks are lost",
        [
            (
                "chat.py",
                '        message |= {"msg": message["msg"].removeprefix("/me "), '
                '"action": True}\n',
                '        words = message["msg"].split()[1:]\n'
                '        message |= {"msg": " ".join(words), "action": True}\n',
            ),
        ],
        3,
        'alice sent " /me waves\\nand /me smiles ". alice should get {"msg": '
        '"waves\\nand /me smiles", "action": true}; {"id": 1, "at": ..., "name": '
        '"alice", "msg": "waves and /me smiles", "key": null, "action": true} came.',
    ),
    Wrong(
        "/me without a space is an action",
        [
            (
                "chat.py",
                '    if message["msg"].startswith("/me "):\n',
                '    if message["msg"].startswith("/me"):\n',
            ),
            (
                "chat.py",
                '        message |= {"msg": message["msg"].removeprefix("/me "), '
                '"action": True}\n',
                '        message |= {"msg": message["msg"][3:].strip(), "action": '
                "True}\n",
            ),
        ],
        4,
        'alice sent /me. alice should get {"msg": "/me"}, without "action"; {"id": '
        '2, "at": ..., "name": "alice", "msg": "", "key": null, "action": true} came.',
    ),
    Wrong(
        "/me anywhere is an action",
        [
            (
                "chat.py",
                '    if message["msg"].startswith("/me "):\n',
                '    if "/me " in message["msg"]:\n',
            ),
        ],
        4,
        'alice sent I say /me waves. alice should get {"msg": "I say /me waves"}, '
        'without "action"; {"id": 6, "at": ..., "name": "alice", "msg": "I say /me '
        'waves", "key": null, "action": true} came.',
    ),
    Wrong(
        "every message has the key action",
        [
            (
                "chat.py",
                '    if message["msg"].startswith("/me "):\n',
                '    message["action"] = False\n'
                '    if message["msg"].startswith("/me "):\n',
            ),
        ],
        4,
        'alice sent hello. alice should get {"msg": "hello"}, without "action"; '
        '{"id": 1, "at": ..., "name": "alice", "msg": "hello", "key": null, '
        '"action": false} came.',
    ),
    Wrong(
        "/ME is an action",
        [
            (
                "chat.py",
                '    if message["msg"].startswith("/me "):\n',
                '    if message["msg"].lower().startswith("/me "):\n',
            ),
        ],
        4,
        'alice sent /ME waves. alice should get {"msg": "/ME waves"}, without '
        '"action"; {"id": 5, "at": ..., "name": "alice", "msg": "/ME waves", "key": '
        'null, "action": true} came.',
    ),
    Wrong(
        "the client may say that it is an action",
        [
            (
                "chat.py",
                "        msg = clean_text(msg)\n",
                "        msg = clean_text(msg)\n"
                '        if message.get("action"):\n'
                '            msg = "/me " + msg\n',
            ),
        ],
        5,
        'alice sent {"msg": "hello", "action": true}. alice should get {"msg": '
        '"hello"}, without "action"; {"id": 1, "at": ..., "name": "alice", "msg": '
        '"hello", "key": null, "action": true} came.',
    ),
    Wrong(
        "kept in memory, lost on restart",
        [
            (
                "chat.py",
                "INSERT = ",
                "ACTIONS = set()\nINSERT = ",
            ),
            (
                "chat.py",
                "        at = time.time()\n",
                "        at = time.time()\n"
                '        if msg.startswith("/me "):\n'
                "            msg = msg[4:]\n"
                "            ACTIONS.add(at)\n",
            ),
            (
                "chat.py",
                '    if message["msg"].startswith("/me "):\n',
                '    if message["at"] in ACTIONS:\n',
            ),
            (
                "chat.py",
                '        message |= {"msg": message["msg"].removeprefix("/me "), '
                '"action": True}\n',
                '        message["action"] = True\n',
            ),
        ],
        6,
        "The chat was stopped and started again, and carol connected. carol should "
        'get {"name": "alice", "msg": "waves", "action": true}; {"id": 1, "at": ..., '
        '"name": "alice", "msg": "waves", "key": null} came.',
    ),
    Wrong(
        "cut and marked before it is stored, so an old log has none",
        [
            (
                "chat.py",
                "        at = time.time()\n",
                "        at = time.time()\n"
                '        if msg.startswith("/me "):\n'
                '            msg = "\\N{INVISIBLE SEPARATOR}" + msg[4:]\n',
            ),
            (
                "chat.py",
                '    if message["msg"].startswith("/me "):\n',
                '    if message["msg"].startswith("\\N{INVISIBLE SEPARATOR}"):\n',
            ),
            (
                "chat.py",
                '        message |= {"msg": message["msg"].removeprefix("/me "), '
                '"action": True}\n',
                '        message |= {"msg": message["msg"][1:], "action": True}\n',
            ),
        ],
        7,
        "A chat.db from before holds alice's message /me waves. bob should get "
        '{"name": "alice", "msg": "waves", "action": true}; {"id": 1, "at": ..., '
        '"name": "alice", "msg": "/me waves", "key": null} came.',
    ),
    Wrong(
        "with the name of the reader",
        [
            (
                "static/message.js",
                "[`${name} `, ",
                "[`${me} `, ",
            ),
        ],
        8,
        'alice sent /me waves. No element of bob\'s page has the text "alice waves".',
    ),
    Wrong(
        "the name stands in an element of its own",
        [
            (
                "static/message.js",
                "[`${name} `, ...format(msg)]",
                '[Object.assign(document.createElement("b"), { textContent: name }), '
                "...format(msg)]",
            ),
        ],
        8,
        'alice sent /me waves. No element of alice\'s page has the text "alice waves".',
    ),
    Wrong(
        "not in italics",
        [
            (
                "static/chat.css",
                "  font-style: italic;\n",
                "",
            ),
        ],
        9,
        'alice sent /me waves. "alice waves" should be in italics; its font-style is '
        "normal.",
    ),
    Wrong(
        "the heading is still there",
        [
            (
                "static/chat.css",
                ".action .avatar, .action .heading {",
                ".action .avatar {",
            ),
        ],
        10,
        "alice sent /me waves. On alice's page there should be no heading above it; "
        "her name is there.",
    ),
    Wrong(
        "the next message has no heading",
        [
            (
                "static/message.js",
                'name: action ? "" : name',
                "name",
            ),
        ],
        11,
        "alice sent /me waves, then hello. On bob's page her name should stand above "
        "hello; it does not.",
    ),
    Wrong(
        "the class goes on and off in turn",
        [
            (
                "static/message.js",
                'classList.toggle("action", action)',
                'classList.toggle("action", action || undefined)',
            ),
        ],
        11,
        "alice sent /me waves, then hello. On bob's page her name should stand above "
        "hello; it does not.",
    ),
    Wrong(
        "text as HTML",
        [
            (
                "static/message.js",
                '  item.classList.toggle("action", action);\n',
                '  item.classList.toggle("action", action);\n'
                '  if (action) item.querySelector(".msg").innerHTML = `${name} '
                "${msg}`;\n",
            ),
        ],
        12,
        "alice sent /me waves <b>. The page should show alice waves <b>.",
    ),
]
