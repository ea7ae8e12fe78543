"""What a process answers that cannot reach Redis: people read on, and are sent on.

Its neighbours may be well, so it sends people there. But it never refuses to show what
it has: when all processes are cut off alike, everybody can read.
"""

import contextlib
import os

from tornado import web

import chat


class Handler(chat.BaseHandler):
    """Comes, in the classes below, between a handler of chat.py and BaseHandler."""

    async def prepare(self):
        """Let people read while nobody can say whose a name is: they cannot post."""
        with contextlib.suppress(chat.RoomError):
            await super().prepare()

    def render(self, *arguments, **values):
        """Send the whole page, but with 503: a proxy asks the next process then."""
        if self.application.room.is_cut_off():
            self.set_status(503)
        return super().render(*arguments, **values)


class MainHandler(chat.MainHandler, Handler):
    """The start page, which a monitor can ask for, too."""


class ChatHandler(chat.ChatHandler, Handler):
    """The chat page."""


class LoginHandler(chat.LoginHandler, Handler):
    """Signing in: refused with a sentence while Redis is away."""


class LogoutHandler(chat.LogoutHandler, Handler):
    """Signing out, also while Redis is away."""


class WebSocketHandler(chat.WebSocketHandler, Handler):
    """One connection."""

    async def prepare(self):
        """Refuse whoever has read what is here already: there may be more elsewhere."""
        if self.application.room.is_cut_off() and self.get_query_argument("since", ""):
            raise web.HTTPError(503)
        await super().prepare()


class Application(chat.Application):
    """The address table of chat.py, with the handlers above."""

    def __init__(self, options, room):
        super().__init__(options, room)
        # Or Tornado would look for the pages beside render(), which is here.
        self.settings["template_path"] = os.path.dirname(chat.__file__)
        self.add_handlers(".*", [
            (r"/", MainHandler),
            (r"/chat", ChatHandler),
            (r"/login", LoginHandler),
            (r"/logout", LogoutHandler),
            (r"/ws", WebSocketHandler),
        ])
