"""The chat with one more page, /board: the log and everybody's cursor, for a projector.

It is chat.py's own server, with a subclass of its Application. What the page shows is
read from the server's own objects, ten times a second at most, and not at all while
nobody looks.
"""

import asyncio
import collections
import contextlib
import ipaddress
import json
import os
import time
from pathlib import Path

from tornado import ioloop, web, websocket

import chat

STATIC = Path(__file__).resolve().parent / "static"
FRAME_TIME = 0.1  # seconds between two frames for one board
DRAWN = 40  # people; the others are counted
BOXES = 500  # messages that a board begins with
WORDS = 80  # characters of each
TUNNEL = 10  # seconds
ECHO = 1.5  # seconds between the two sendings of one message
STILL = 1  # seconds without progress after which a line counts as held up
LOST = 60  # seconds for which somebody who was here is missed
TWICE = "Did this arrive? To be sure, I send it twice, with one key."


class Line(chat.WebSocketHandler):
    """A connection that a board can watch, and that can be held up."""

    tunnel = None  # while it is held up: a future of the end of that
    seen = moved = 0  # where its cursor was, and when it last got on

    def hold(self):
        """Let nothing through, in neither direction, for TUNNEL seconds."""
        if not self.tunnel:
            self.tunnel, self.waiting = asyncio.Future(), []
            ioloop.IOLoop.current().call_later(TUNNEL, self.let_go)

    def let_go(self):
        tunnel, self.tunnel = self.tunnel, None
        for frame in self.waiting:
            if self.is_open():
                super().transmit(frame)
        tunnel.set_result(None)

    def transmit(self, frame):
        if not self.tunnel:
            return super().transmit(frame)
        self.waiting.append(frame)
        return self.tunnel

    async def on_message(self, frame):
        if self.tunnel:
            await asyncio.wait([self.tunnel])
        await super().on_message(frame)

    def on_close(self):
        self.application.left[self.current_user] = self.cursor, time.monotonic()
        super().on_close()

    def state(self, now):
        """Return "held" if messages wait for it that it does not get, or "live"."""
        if self.cursor >= self.room.end or self.cursor != self.seen:
            self.seen, self.moved = self.cursor, now
        return "held" if self.tunnel or now - self.moved > STILL else "live"


class Board(chat.Application):
    """The chat, and a page that shows what happens in it."""

    def __init__(self, options, room):
        super().__init__(options, room)
        self.everybody = options.everybody
        self.left = {}  # name: its last cursor, and when that was
        # When it was, whose, and the id of the message that was there already.
        self.resends = collections.deque(maxlen=20)
        room.post = self.watched(room.post)
        self.add_handlers(".*", [
            (r"/ws", Line),
            (r"/board", BoardHandler),
            (r"/board/ws", BoardSocket),
            (r"/board/(board\.(?:js|css))", chat.StaticHandler, {"path": str(STATIC)}),
        ])  # fmt: skip

    def watched(self, post):
        """Wrap Room.post, so that resends are noted."""

        async def watched_post(name, msg, key):
            stored = await post(name, msg, key)
            if stored:
                self.resends.append((time.monotonic(), name, stored))
            return stored

        return watched_post

    def lanes(self, session):
        """Return [name, cursor, state, mine] of all who are or just were here.

        Args:
            session: of whoever looks; its lanes come first.
        """
        now, lanes = time.monotonic(), {}
        for line in self.room.connections:
            name, cursor = line.current_user, max(0, line.cursor)
            if name not in lanes or cursor < lanes[name][1]:
                lanes[name] = [name, cursor, line.state(now), line.session == session]
        for name, (cursor, at) in list(self.left.items()):
            if name in lanes or now - at > LOST:
                del self.left[name]
            else:
                lanes[name] = [name, max(0, cursor), "lost", False]
        return sorted(lanes.values(), key=lambda lane: not lane[-1])


class LocalHandler(chat.BaseHandler):
    """What only this computer may see, unless the board is for everybody."""

    async def prepare(self):
        local = ipaddress.ip_address(self.request.remote_ip).is_loopback
        if not local and not self.application.everybody:
            raise web.HTTPError(403)
        await super().prepare()
        self.get_current_user()  # the session, also of a name that somebody else has


class BoardHandler(LocalHandler):
    """The page."""

    def get(self):
        self.render(str(STATIC / "board.html"))


class BoardSocket(LocalHandler, websocket.WebSocketHandler):
    """One board that is open: a reader of the log as the others are."""

    def open(self):
        self.cursor = max(0, self.room.end - BOXES)
        self.told = time.monotonic()  # until when resends have been told
        self.drawing = asyncio.create_task(self.draw())

    def on_close(self):
        self.drawing.cancel()

    async def draw(self):
        """Send a frame whenever something has changed."""
        last = None
        while True:
            frame = self.frame()
            if frame != last:
                last = frame
                with contextlib.suppress(websocket.WebSocketClosedError):
                    # It waits: a board that is slow gets fewer frames.
                    await self.write_message(frame)
            await asyncio.sleep(FRAME_TIME)

    def frame(self):
        """Return all that a board needs to know."""
        lanes, told = self.application.lanes(self.session), self.told
        self.told = time.monotonic()
        resends = [rest for at, *rest in self.application.resends if at > told]
        return {"boxes": list(self.boxes()), "end": self.room.end, "resends": resends,
                "lanes": lanes[:DRAWN], "more": len(lanes[DRAWN:])}

    def boxes(self):
        """Read on in the log; yield id, author and first words of each message."""
        self.cursor = max(self.cursor, self.room.end - BOXES)
        while self.cursor < self.room.end:
            self.cursor, lines = self.room.read(self.cursor)
            for message in map(json.loads, lines.split(b"\n")):
                yield message["id"], message["name"], message["msg"][:WORDS]

    async def on_message(self, message):
        lines = [line for line in self.room.connections if line.session == self.session]
        if message == "tunnel":
            for line in lines:
                line.hold()
        elif message == "twice" and lines:
            frame = json.dumps({"msg": TWICE, "key": os.urandom(8).hex()})
            await lines[0].on_message(frame)
            await asyncio.sleep(ECHO)
            await lines[0].on_message(frame)


def main(words):
    """Start the chat with a board; words are the options of chat.py, and one more."""
    parser = chat.option_parser()
    parser.prog = "python -m workshop board"
    parser.add_argument("--db", default="chat.db", help="keeps the conversation")
    parser.add_argument("--everybody", action="store_true",
                        help="other computers may see the board, too")
    options = parser.parse_args(words)
    print("For the projector, open /board on this computer, at the address below.")
    print("Sign in there first: then its buttons move your own line.")
    chat.Application = Board  # what chat.main() starts
    asyncio.run(chat.main(options, chat.Room(options.db)))
