"""Wrong solutions of exercise 0, which the check must refuse."""

from tests.exercises import CHAT, PAGE, Wrong

TEST = '        if str(msg).startswith("/me "):\n'
CUT = 'msg.removeprefix("/me ")'
SHOW = "action ? `${name} ${msg}` : `${name}: ${msg}`"

WRONG = [
    Wrong(1, "marked with 1",
          (CHAT, '["action"], msg = True,', '["action"], msg = 1,')),
    Wrong(1, "the text keeps its /me", (CHAT, CUT, "msg")),
    Wrong(2, "/me anywhere is an action",
          (CHAT, TEST, '        if "/me " in str(msg):\n')),
    Wrong(2, "/mean is an action", (CHAT, TEST, TEST.replace('/me "', '/me"'))),
    Wrong(2, "/ME is an action", (CHAT, "str(msg).starts", "str(msg).lower().starts")),
    Wrong(2, "every /me is cut out", (CHAT, CUT, 'msg.replace("/me ", "")')),
    Wrong(2, "line breaks are lost", (CHAT, CUT, '" ".join(msg.split()[1:])')),
    Wrong(3, "the key of an action does not count",
          (CHAT, TEST, "        self.keys.discard((name, key))\n" + TEST)),
    Wrong(4, "the page does not know actions", (PAGE, SHOW, "`${name}: ${msg}`")),
    Wrong(4, "without the name", (PAGE, SHOW, "action ? msg : `${name}: ${msg}`")),
    Wrong(4, "as HTML", (PAGE, "item.textContent =", "item.innerHTML =")),
    Wrong(5, "who is signed out may read",
          (CHAT, "        if not self.current_user:\n",
          "        if self.current_user is None:\n")),
]
