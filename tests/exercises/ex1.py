"""Wrong solutions of exercise 1, which the check must refuse."""

from tests.exercises import CHAT, CSS, MESSAGE, Wrong

CONDITION = '    if me and not begin.strip(" "):\n'
CHANGE = '        message |= {"msg": action, "action": True}\n'
TEXT = '"msg": action,'

WRONG = [
    Wrong(1, "marked with 1 instead of true",
          (CHAT, '"action": True}', '"action": 1}'),
          sentence='alice sent /me waves. bob should get {"name": "alice", "msg": '
          '"waves", "action": true}; {"id": 1, "at": ..., "name": "alice", '
          '"msg": "waves", "key": null, "action": 1} came.'),
    Wrong(2, "a new object without the key",
          (CHAT, CHANGE, CHANGE + '        del message["key"]\n')),
    Wrong(3, "every /me is cut out",
          (CHAT, TEXT, '"msg": action.replace("/me ", ""),')),
    Wrong(3, "spaces before it count", (CHAT, CONDITION, "    if me and not begin:\n")),
    Wrong(4, "a line break before it does not count",
          (CHAT, CONDITION, '    if me and begin[-1:] in ("", " ", "\\n"):\n')),
    Wrong(4, "/ME is an action",
          (CHAT, '["msg"].partition("/me ")',
          '["msg"].replace("/ME", "/me").partition("/me ")')),
    Wrong(4, "a line break is a space",
          (CHAT, '["msg"].partition("/me ")',
          '["msg"].replace("/me\\n", "/me ").partition("/me ")')),
    Wrong(2, "every message has the key action",
          (CHAT, CONDITION, '    message["action"] = False\n' + CONDITION)),
    Wrong(5, "the client may say that it is none",
          (CHAT,
          "            answer = await self.take_message(*clean_message(message))\n",
          '            if message.get("action") is False:\n'
          '                message["msg"] = message["msg"].replace("/me ", "", 1)\n'
          "            answer = await self.take_message(*clean_message(message))\n")),
    Wrong(6, "only what is new is an action",
          (CHAT, "line = to_line(row)", "line = to_line(row, self)"),
          (CHAT, "def to_line(row):", "def to_line(row, room):"),
          (CHAT, CONDITION,
          CONDITION.replace("if me", 'if message["at"] > room.begun and me')),
          (CHAT, "        self.rows = []  #",
          "        self.begun = time.time()\n        self.rows = []  #")),
    Wrong(7, "the log loses the spaces before it",
          (CHAT, "        self.rows.append((",
          '        msg = re.sub("^ +/me ", "/me ", msg)\n        self.rows.append((')),
    Wrong(8, "with the name of the reader",
          (MESSAGE, "[`${name} `,", "[`${document.body.dataset.name} `,")),
    Wrong(8, "the name stands above the text",
          (MESSAGE, "[`${name} `,", "[`${name}\\n`,")),
    Wrong(9, "only the first line is in italics",
          (CSS, "  font-style: italic;\n}\n",
          "}\n\n.action .msg :is(a, code) { font-style: italic; }\n")),
    Wrong(10, "the time is still there",
          (CSS, ".action :is(.avatar, .heading)", ".action :is(.avatar, .name)")),
    Wrong(11, "the next message has no heading", (MESSAGE, " && !first.action", "")),
    Wrong(11, "the class goes on and off in turn",
          (MESSAGE, "action = false }", "action }"),
          (MESSAGE, 'toggle("action", action)',
          'toggle("action", action || undefined)')),
    Wrong(12, "text as HTML",
          (MESSAGE,
          "  const words = action ? [`${name} `, ...format(msg)] : format(msg);\n",
          '  const words = action ? [document.createElement("i")] : format(msg);\n'
          "  if (action) words[0].innerHTML = `${name} ${msg}`;\n")),
    Wrong(13, "only an action tells a new day",
          (MESSAGE, 'toggle("same-day", isSameDay(message, first))',
          'toggle("same-day", isSameDay(message, first) || !action)')),
]
