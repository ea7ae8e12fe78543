"""The chat with one more page, /board: the log and everybody's cursor, for a projector.

It is chat.py's own server, with a subclass of its Application. What the page shows is
read from the server's own objects, ten times a second at most, and not at all while
nobody looks.
"""

import asyncio
import collections
import contextlib
import dataclasses
import ipaddress
import itertools
import json
import os
import sys
import time
from pathlib import Path

from tornado import ioloop, web, websocket

import chat

HERE = Path(__file__).resolve().parent
FRAME_TIME = 0.1  # seconds between two frames for one board
DRAWN = 60  # people; the others are counted
SQUARES = 500  # messages that a board begins with
TUNNEL = 10  # seconds
ECHO = 1.5  # seconds between the two sendings of one message
STILL = 1  # seconds without progress after which a line counts as held up
LEFT = (*chat.GOODBYES, 1008)  # close codes of people who do not come back
TWICE = "Did this arrive? To be sure, I send it twice, with one key."


class Line(chat.WebSocketHandler):
    """A connection that a board can watch, and that can be held up."""

    tunnel = None  # while it is held up: a future of the end of that
    seen = 0  # where its cursor was when a board last looked
    moving = heard = 0.0  # when it last got on, and last gave a sign of life

    def open(self):
        self.start = self.cursor or 0  # where it goes on
        holder = self.current_user, self.browser
        self.number = self.application.lane(holder)
        super().open()

    def on_close(self):
        if self.heartbeat and self.close_code not in LEFT:
            lost = Lost(self.number, self.current_user, self.cursor, time.monotonic())
            self.application.lost[self.holder] = lost
        super().on_close()

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

    def describe(self, end, now, mine):
        """Tell where the line is, and whether something gets through.

        Args:
            end: of the log.
            now: the time, as time.monotonic() tells it.
            mine: whether it is a line of whoever looks.
        """
        if self.cursor in (end, None) or self.cursor != self.seen:
            self.seen, self.moving = self.cursor, now
        if not self.silent:
            self.heard = now
        held = self.tunnel or now - min(self.moving, self.heard) > STILL
        state = "held" if held else "live"
        return [self.number, self.current_user, self.cursor, state, self.start, mine]


@dataclasses.dataclass
class Lost:
    """What stays of a line that broke, until it is back or its lease has run out."""

    number: int
    name: str
    cursor: int
    since: float  # as time.monotonic() tells it


class Board(chat.Application):
    """The chat, and a page that shows what happens in it.

    Args:
        options: what chat.parse_options() returned.
    """

    everybody = False  # whether other computers may see the board

    def __init__(self, options):
        super().__init__(options)
        self.lost = {}  # (name, browser): Lost
        self.numbers = itertools.count(1)
        # When it was, whose, and the id of the message that was there already.
        self.resends = collections.deque(maxlen=20)
        self.room.post = self.watched(self.room.post)
        static = {"path": str(HERE / "static")}
        self.add_handlers(".*", [
            (r"/ws", Line),
            (r"/board", BoardHandler),
            (r"/board/ws", BoardSocket),
            (r"/board/(board\.(?:js|css))", chat.StaticHandler, static),
        ])  # fmt: skip

    def lane(self, holder):
        """Return a number for a new line: that of the broken one which it replaces."""
        lost = self.lost.pop(holder, None)
        return lost.number if lost else next(self.numbers)

    def watched(self, post):
        """Wrap Room.post, so that resends are noted."""

        async def watched_post(name, msg, key):
            stored = await post(name, msg, key)
            if stored:
                self.resends.append((time.monotonic(), name, stored))
            return stored

        return watched_post

    def lines(self, holder):
        """Return the lines of one (name, browser)."""
        return self.connections.get(holder, ())

    def picture(self, holder):
        """Describe everybody's cursor.

        Args:
            holder: the (name, browser) of whoever looks; its lines are drawn first.
        Returns:
            The end of the log; for each of DRAWN lines its number, name, cursor, state,
            place of start and whether it is the holder's; how many more there are.
        """
        now, end = time.monotonic(), self.room.end
        for key, lost in list(self.lost.items()):
            if now - lost.since > chat.LEASE:
                del self.lost[key]
        rows = [
            line.describe(end, now, key == holder)
            for key, lines in self.connections.items()
            for line in lines
            if line.cursor is not None
        ]
        rows += [
            [lost.number, lost.name, lost.cursor, "lost", lost.cursor, key == holder]
            for key, lost in self.lost.items()
        ]
        rows.sort(key=lambda row: (not row[-1], row[0]))
        return {"end": end, "lines": rows[:DRAWN], "more": len(rows[DRAWN:])}


class LocalHandler(chat.BaseHandler):
    """What only this computer may see, unless the board is for everybody."""

    def prepare(self):
        local = ipaddress.ip_address(self.request.remote_ip).is_loopback
        if not local and not self.application.everybody:
            raise web.HTTPError(403)


class BoardHandler(LocalHandler):
    """The page."""

    def get(self):
        self.render("static/board.html")


class BoardSocket(LocalHandler, websocket.WebSocketHandler):
    """One board that is open: a reader of the log as the others are.

    It gets the numbers and the authors of the messages, not their words.
    """

    def open(self):
        self.holder = self.current_user, self.browser
        self.cursor = max(0, self.application.room.end - SQUARES)
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
        """Return all that a board needs to know, as JSON."""
        picture = self.application.picture(self.holder)
        picture["squares"] = list(self.squares())
        resends, told = self.application.resends, self.told
        self.told = time.monotonic()
        picture["resends"] = [(name, id) for at, name, id in resends if at > told]
        return json.dumps(picture)

    def squares(self):
        """Read on in the log; yield the id and the author of each message."""
        room = self.application.room
        self.cursor = max(self.cursor, room.end - SQUARES)
        while self.cursor < room.end:
            self.cursor, lines = room.read(self.cursor)
            for line in lines.split(b"\n"):
                message = json.loads(line)
                yield message["id"], message["name"]

    async def on_message(self, message):
        lines = list(self.application.lines(self.holder))
        if message == "tunnel":
            for line in lines:
                line.hold()
        elif message == "twice" and lines:
            frame = json.dumps({"msg": TWICE, "key": os.urandom(8).hex()})
            await lines[0].on_message(frame)
            await asyncio.sleep(ECHO)
            await lines[0].on_message(frame)


def main(words):
    """Start the chat with a board.

    Args:
        words: options of chat.py, and --everybody.
    """
    if "--help" in words:
        print(
            "python -m workshop board: the chat with one more page, /board.\n"
            "  --everybody     other computers may see the board, too\n"
            "All options of chat.py can be used as well, such as --address=0.0.0.0."
        )
        return
    Board.everybody = "--everybody" in words
    sys.argv = ["chat.py", *(word for word in words if word != "--everybody")]
    print("For the projector, open /board on this computer, at the address below.")
    print("Sign in there first: then its buttons move your own line.")
    chat.Application = Board  # what chat.main() starts
    asyncio.run(chat.main())
