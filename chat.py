#!/usr/bin/env python3
# /// script
# requires-python = ">=3.11"
# dependencies = ["tornado>=6.6,<7"]
# ///
"""A chat over WebSocket in one module: run it with `python chat.py`, read it downwards.

A room is a log, and every connection is a cursor into it: tutorial.md builds it.
"""

import argparse
import asyncio
import contextlib
import functools
import gc
import json
import logging.handlers
import mimetypes
import os
import queue
import re
import signal
import socket
import sqlite3
import time
import unicodedata

from tornado import auth, httpserver, ioloop, netutil, web, websocket

# --------------------------------------------------------------------- Application

MAX_FRAME = 64 * 1024  # bytes, of a WebSocket frame and of a form
PING = 25  # seconds between two pings: many proxies cut a line after 30 silent ones
REFUSED = "Host %s, Origin %s: not ours. Is it this chat? See --host."


class Application(web.Application):
    """The address table and the settings: what answers where, and how."""

    def __init__(self, options, room):
        routes = [
            (r"/", MainHandler),
            (r"/chat", ChatHandler),
            (r"/login", LoginHandler),
            (r"/logout", LogoutHandler),
            (r"/ws", WebSocketHandler),
        ]
        settings = {
            "static_path": os.path.join(os.path.dirname(__file__), "static"),
            "static_handler_class": StaticHandler,
            "default_handler_class": ErrorHandler,
            "default_handler_args": {"status_code": 404},
            "login_url": "/",
            "cookie_secret": os.environ.get("COOKIE_SECRET") or room.secret,
            "xsrf_cookies": True,
            "xsrf_cookie_name": "chat_xsrf",
            "websocket_max_message_size": MAX_FRAME,
            "websocket_ping_interval": PING,
            "twitter_consumer_key": os.environ.get("TWITTER_CONSUMER_KEY"),
            "twitter_consumer_secret": os.environ.get("TWITTER_CONSUMER_SECRET"),
            "debug": options.debug,
        }
        super().__init__(routes, **settings)
        self.room, self.hosts = room, options.host

    def find_handler(self, request, **kwargs):
        """Answer 403 to whoever calls this server by a name that is not its own.

        Otherwise a page of another site, whose name has been pointed to 127.0.0.1 (DNS
        rebinding), could read and write here: browsers would take it for ours.
        """
        name = socket.gethostname().lower()
        short = name.partition(".")[0]
        ours = "localhost", name, short, f"{short}.local", *self.hosts
        host = request.host_name.removesuffix(".")
        if host in ours or netutil.is_valid_ip(host.strip("[]")):
            return super().find_handler(request, **kwargs)
        logging.warning(REFUSED, request.host, request.headers.get("Origin"))
        return self.get_handler_delegate(request, ErrorHandler, {"status_code": 403})


# --------------------------------------------------------------------- BaseHandler

# No inline script or style, nothing from another host, no frame around a page.
CSP = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"


class BaseHandler(web.RequestHandler):
    """What all addresses share: who is asking, safe headers, the chat's error page."""

    def set_default_headers(self):
        self.set_header("Content-Security-Policy", CSP)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "no-referrer")
        # Otherwise a link in a message makes each reader's computer look its name up.
        self.set_header("X-DNS-Prefetch-Control", "off")
        # Otherwise the back button shows the chat to the next student at this laptop.
        self.set_header("Cache-Control", "no-store")

    def set_cookie(self, name, value, **attributes):
        """Set a cookie that neither scripts nor other sites' forms can use."""
        # Max-Age, too: if our clock is behind, Expires alone would be over already.
        days = attributes.get("expires_days") or 0
        super().set_cookie(name, value, max_age=days * 24 * 3600, httponly=True,
            samesite="Lax", secure=self.request.protocol == "https", **attributes)

    def write_error(self, status_code, **kwargs):
        self.render("templates/error.html", status=status_code)

    def get_current_user(self):
        """Return the name in the signed cookie, or ""; current_user keeps it."""
        cookie = self.get_signed_cookie("chat_user") or b""
        # The session is a random number: two people of one name have two of them.
        self.session, _, name = cookie.decode().partition(" ")
        # Where Twitter is the way in, names from before it prove nothing.
        proven = name[:1] == "@" or not self.settings["twitter_consumer_key"]
        return name if proven else ""

    async def prepare(self):
        """Let the name in the cookie count, unless another session has taken it."""
        self.room, self.error = self.application.room, ""
        if not await self.room.claim(self.current_user, self.session):
            self.current_user, self.error = "", TAKEN


class ErrorHandler(web.ErrorHandler, BaseHandler):
    """Every address that is not in the table, and every host that is not ours."""


class StaticHandler(BaseHandler, web.StaticFileHandler):
    """The files in static/, whoever asks."""

    def prepare(self):
        """Ask nobody: these files are the same for everyone."""

    def parse_url_path(self, url_path):
        # No file has NUL in its name, and to look for one is an error.
        return super().parse_url_path(url_path.replace("\0", "?"))

    @classmethod
    def get_content(cls, abspath, start=None, end=None):
        """Read the file at once, or whoever reads slowly would keep it open."""
        return b"".join(super().get_content(abspath, start, end))


# --------------------------------------------------------- MainHandler, ChatHandler


class MainHandler(BaseHandler):
    """The start page, where one signs in."""

    def get(self):
        if self.current_user:
            # Without the return, a page would follow the redirect: an error.
            return self.redirect("/chat")
        self.render("templates/index.html", error=self.error, name="")


class ChatHandler(BaseHandler):
    """The chat page; the conversation itself comes over the WebSocket."""

    @web.authenticated
    def get(self):
        self.render("templates/chat.html")


# ----------------------------------------------------- LoginHandler, LogoutHandler

MAX_TYPED = 100  # characters: NFKC, below, takes seconds for 64 kB
# Letters and marks that show nothing: with one of them, there could be two anns.
INVISIBLE = re.compile("BLANK|FILLER|GRAPHEME JOINER|INHERENT|VARIATION SELECTOR")


def clean_nickname(text):
    """Return a typed name in Unicode's NFKC form, fit to be seen and compared.

    Raises:
        ValueError: one sentence for the sign-in page.
    """
    name = " ".join(unicodedata.normalize("NFKC", text[:MAX_TYPED]).split())
    kinds = {unicodedata.category(c)[0] for c in name if c not in " -_."}
    # L: letters, M: the marks that many scripts put on them, N: digits.
    legible = kinds <= set("LMN") and not kinds.isdisjoint("LN")
    hidden = any(INVISIBLE.search(unicodedata.name(c, "")) for c in name)
    if not legible or hidden or len(name) > 20 or len(text) > MAX_TYPED:
        raise ValueError("Please use 1 to 20 letters, digits, spaces, '-', '_' or '.'.")
    return name


class LoginHandler(BaseHandler, auth.TwitterMixin):
    """Signing in: with a nickname or, where it is configured, through Twitter."""

    async def post(self):
        typed = self.get_body_argument("name", "")
        try:
            await self.sign_in(clean_nickname(typed))
        except (RoomError, ValueError) as error:
            self.refuse(str(error), typed)

    async def sign_in(self, name):
        """Give the name to this browser, or raise ValueError: somebody here has it."""
        session = self.session or os.urandom(8).hex()
        if not await self.room.claim(name, session):
            raise ValueError(TAKEN)
        self.set_signed_cookie("chat_user", f"{session} {name}")
        self.redirect("/chat", status=303)

    def refuse(self, error, typed=""):
        """Show the sign-in page again, with one sentence and what was typed."""
        self.set_status(400)
        self.render("templates/index.html", error=error, name=typed)

    async def get(self):
        """Go to Twitter, or come back from there (OAuth 1.0a, RFC 5849 section 2)."""
        if not self.settings["twitter_consumer_key"]:
            return self.redirect("/")
        try:
            if not self.request.query:
                return await self.authenticate_redirect(callback_uri="/login")
            user = await self.get_authenticated_user()
            await self.sign_in("@" + user["screen_name"])
        except Exception as error:  # between us and Twitter anything can go wrong
            logging.warning("Twitter sign-in failed: %r", error)
            self.refuse("Twitter did not sign you in. Please try again.")

    async def _oauth_get_user_future(self, access_token):
        # Twitter has just said who it is. Tornado's own version asks it once more, and
        # most of today's API plans get 403 for that.
        return {"screen_name": access_token["screen_name"]}


class LogoutHandler(BaseHandler):
    """Signing out: by a form, because a picture's address could be a link to it."""

    async def post(self):
        self.clear_cookie("chat_user")
        await self.room.sign_out(self.session)
        self.redirect("/", status=303)


# ---------------------------------------------------------------------------- Room

PAUSE = 0.01  # seconds between two batches in a busy room: messages gather meanwhile
MAX_BATCH = 64_000  # bytes
KEPT = 8  # batches: readers stand at two or three places, not at one
HISTORY = 50  # messages for a newcomer
MAX_BEHIND = 1000  # messages; whoever is further behind starts anew
TAKEN = "Somebody here has that name. Please choose another."

# EXCLUSIVE: a second process gets an error, not half a log.
# FULL: a commit returns when the disk has it; a power cut takes nothing that was seen.
# user_version: which edition of this program the file is of.
SCHEMA = """PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL; PRAGMA application_id = 0x63686174; PRAGMA user_version = 3;
CREATE TABLE IF NOT EXISTS log (id INTEGER PRIMARY KEY, at REAL, name TEXT, msg TEXT,
    key TEXT, UNIQUE (name, key));
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT)"""
COLUMNS = "SELECT id, at, name, msg, key FROM log"
KEEP_SECRET = "INSERT OR IGNORE INTO settings VALUES ('cookie_secret', ?)"
INSERT = "INSERT OR IGNORE INTO log (at, name, msg, key) VALUES (?, ?, ?, ?)"


class RoomError(OSError):
    """The log cannot be opened or written: a full disk, a second process."""


class Room:
    """The conversation, an append-only log in a SQLite file, and who is here."""

    def __init__(self, path):
        self.path = os.path.abspath(path)
        self.end = 0  # the id of the last message that readers may see
        self.rows = []  # posted, but not in the log yet
        self.publishing = None  # the task that will store them
        self.pause_end = 0  # when it may, seconds
        self.readers = set()  # functions to call once, when the log has grown
        self.connections = {}  # each with its name, case folded
        self.read = functools.lru_cache(KEPT)(self.read)  # or each reader reads anew

    async def open(self):
        """Open the file, or raise OSError or sqlite3.Error and leave it as it is."""
        os.close(os.open(self.path, os.O_CREAT, 0o600))  # it holds a secret
        self.db = sqlite3.connect(self.path, timeout=0.1)  # seconds
        self.db.row_factory = sqlite3.Row
        version, = self.db.execute("PRAGMA user_version").fetchone()
        used, = self.db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if used and (version not in (0, 3) or not self.db.execute(COLUMNS)):
            raise RoomError(f"{self.path} belongs to another edition of this chat")
        self.db.executescript(SCHEMA)
        # Kept with the log, or every restart would sign everybody out.
        self.db.execute(KEEP_SECRET, (os.urandom(32).hex(),))
        self.secret, = self.db.execute("SELECT value FROM settings").fetchone()
        self.files = self.look()
        self.publish()

    def close(self):
        """Say goodbye to everybody, and close the file."""
        for connection in list(self.connections):
            connection.close(1001, "The server is going away.")
        self.db.close()

    async def post(self, name, msg, key):
        """Append a message to the log, and wait until it is on the disk.

        Args:
            key: the author's idempotency key, or None.
        Returns:
            None, or the id of the message that has this (name, key) in the log already.
        Raises:
            RoomError: the message is not stored; it may be posted again.
        """
        select = "SELECT id FROM log WHERE name = ? AND key = ?"
        if stored := self.db.execute(select, (name, key)).fetchone():
            return stored["id"]
        self.rows.append((round(time.time(), 3), name, msg, key))
        self.publishing = self.publishing or asyncio.create_task(self.publish_soon())
        await asyncio.shield(self.publishing)

    async def publish_soon(self):
        """Publish at once in a quiet room; in a busy one the next messages gather."""
        await asyncio.sleep(self.pause_end - time.monotonic())
        self.publishing, busy = None, len(self.rows) > 1
        self.publish()
        self.pause_end = time.monotonic() + (PAUSE if busy else 0)

    def publish(self):
        """Write the next batch to the disk, or raise RoomError; then tell readers."""
        rows, self.rows = self.rows, []
        try:
            if self.look() != self.files:
                raise RoomError("another program has changed the file: start again")
            try:
                with self.db:
                    self.db.executemany(INSERT, rows)
            finally:  # what fails half-way changes the files, too
                self.files = self.look()
            self.end, = self.db.execute("SELECT ifnull(max(id), 0) FROM log").fetchone()
        except (OSError, sqlite3.Error) as error:
            logging.error("%d messages are not stored: %s", len(rows), error)
            raise RoomError("Not stored yet. It will be sent again.") from error
        self.read.cache_clear()
        readers, self.readers = self.readers, set()
        for send_batch in readers:
            send_batch()

    def look(self):
        """Return what nobody else may change: inode, size and time of both files."""
        files = [os.stat(self.path + suffix) for suffix in ("", "-wal")]
        # Windows tells the time of an open file late.
        return [(f.st_ino, f.st_size, os.name == "nt" or f.st_mtime_ns) for f in files]

    def read(self, cursor):
        """Read a batch.

        Args:
            cursor: the id of the last message that was read.
        Returns:
            The new cursor, and the batch: lines of JSON in UTF-8, MAX_BATCH at most.
        """
        select = f"{COLUMNS} WHERE id > ? AND id <= ? ORDER BY id"
        lines, size = [], 0
        for row in self.db.execute(select, (cursor, self.end)):
            line = json.dumps(dict(row), ensure_ascii=False).encode()
            size += len(line) + 1
            if lines and size > MAX_BATCH:
                break
            lines.append(line)
            cursor = row["id"]
        return cursor, b"\n".join(lines)

    async def place(self, since, at):
        """Find the cursor of a client that comes back.

        Args:
            since, at: the id and the time of its last message, text. None: a newcomer.
        Returns:
            The cursor. Minus infinity, if it has read another log than this one.
        """
        if not since:
            return max(0, self.end - HISTORY)
        select = "SELECT id FROM log WHERE id = ? AND at = ifnull(?, at)"
        found = since == "0" or self.db.execute(select, (since, at)).fetchone()
        return int(since) if found else float("-inf")

    async def claim(self, name, session):
        """Return whether no window of another session has this name.

        Names from Twitter are proven: whoever has one may have many sessions.
        """
        name = name.casefold()
        found = (one.session for one, held in self.connections.items() if held == name)
        return name[:1] == "@" or next(found, session) == session

    async def sign_out(self, session):
        """Close all windows of a session."""
        for connection in list(self.connections):
            if connection.session == session:
                connection.close(1008, "Signed out.")


# ---------------------------------------------------------------- WebSocketHandler

KEY = re.compile("[ -~]{0,100}")  # printable ASCII; "": no key
MAX_MESSAGE = 2000  # characters
# All but line breaks and tabs; and halves of characters, which UTF-8 cannot hold.
CONTROL = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
DEFAULT_PORT = re.compile(":(80|443)$")
RATE = 10  # messages a second from one connection,
BURST = 20  # after so many at once


@functools.lru_cache(KEPT)  # or each reader of a batch would wrap it anew
def to_frame(payload):
    """Wrap less than 64 kB of UTF-8 into a WebSocket frame (RFC 6455 section 5.2)."""
    size = len(payload)
    if size < 126:
        return bytes([0x81, size]) + payload
    return b"\x81\x7e" + size.to_bytes(2, "big") + payload


def parse_frame(frame):
    """Return the JSON object in a frame; any other text is a message's text itself."""
    message = None
    with contextlib.suppress(ValueError, RecursionError):
        message = json.loads(frame) if isinstance(frame, str) else {}
    return message if isinstance(message, dict) else {"msg": frame}


def clean_message(message):
    """Return text and key, fit for the log, or raise ValueError with one sentence."""
    msg, key = message.get("msg"), message.get("key", "")
    if not (isinstance(msg, str) and isinstance(key, str) and KEY.fullmatch(key)):
        raise ValueError('Send {"msg": "some text", "key": "a random id"}.')
    # The indent of the first line stays: it may be code.
    msg = re.sub(r"\A\s*\n", "", CONTROL.sub("\ufffd", msg).rstrip())
    if not 1 <= len(msg) <= MAX_MESSAGE:
        raise ValueError(f"A message has 1 to {MAX_MESSAGE} characters.")
    return msg, key or None


class WebSocketHandler(BaseHandler, websocket.WebSocketHandler):
    """One connection: its cursor into the log, and what its frames mean."""

    due = 0  # when the next message may come, seconds

    async def prepare(self):
        """Refuse, before the WebSocket opens, who may not come in; find the cursor."""
        await super().prepare()
        origin = self.request.headers.get("Origin")
        if origin is not None and not self.check_origin(origin):
            raise web.HTTPError(403, REFUSED, self.request.host, origin)
        # The page says for whom it was made. Somebody else may have signed in since.
        name = self.get_query_argument("name", self.current_user)
        if not self.current_user or name != self.current_user:
            raise web.HTTPError(403)
        since = self.get_query_argument("since", None)
        if since and not since.isdecimal():
            raise web.HTTPError(400, "since is not a number")
        self.cursor = await self.room.place(since, self.get_query_argument("at", None))

    def check_origin(self, origin):
        """Tell whether a page is ours, for any page may try (RFC 6455 section 10.2)."""
        scheme, _, site = DEFAULT_PORT.sub("", origin.lower()).partition("://")
        # A proxy may have rewritten Host; what --host says counts all the same.
        same = site == DEFAULT_PORT.sub("", self.request.host.lower())
        return scheme and (same or site.partition(":")[0] in self.application.hosts)

    def open(self):
        self.set_nodelay(True)  # or Nagle's algorithm holds messages back for 40-200 ms
        # They would stay as long as the connection: 2-3 kB.
        for kept in (self.request.headers, self._headers, self.request.cookies):
            kept.clear()
        self.beating = ioloop.IOLoop.current().call_later(PING, self.beat)
        if self.is_open():  # it may have left while the room was asked
            self.room.connections[self] = self.current_user.casefold()
            self.send_batch()

    def on_close(self):
        self.room.readers.discard(self.send_batch)
        if self.room.connections.pop(self, None):
            ioloop.IOLoop.current().remove_timeout(self.beating)

    def is_open(self):
        """Tell whether frames may be sent: after a close frame nothing may follow."""
        return self.ws_connection and not self.ws_connection.is_closing()

    def beat(self):
        """Let the page know that the line lives: JavaScript sees no pings."""
        if self.is_open():
            self.transmit(to_frame(b"{}"))
            self.beating = ioloop.IOLoop.current().call_later(PING, self.beat)

    def send_batch(self, _=None):
        """Send what is behind the cursor, and no more than the network takes."""
        try:
            while self.is_open():
                if self.cursor >= self.room.end:
                    return self.room.readers.add(self.send_batch)
                if self.cursor < self.room.end - MAX_BEHIND:
                    return self.close(1012, "This page starts anew.")
                self.cursor, lines = self.room.read(self.cursor)
                if taken := self.transmit(to_frame(lines)):
                    return taken.add_done_callback(self.send_batch)
        except Exception:
            self.fail()

    def fail(self):
        """Log what has been raised, and let it cost this connection, nobody else's."""
        logging.exception("The connection of %s fails", self.current_user)
        self.close(1011, "Something broke on our side.")

    def transmit(self, frame):
        """Hand a frame to the network; return a future if it cannot take all of it now.

        Where nothing waits in Tornado's stream, the socket itself costs half as much.
        """
        stream, sent = self.ws_connection.stream, 0
        if not stream.writing():
            try:
                sent = stream.write_to_fd(memoryview(frame))
            except OSError:
                pass  # full or broken: the stream finds out
        return stream.write(frame[sent:]) if sent < len(frame) else None

    async def on_message(self, frame):
        # Tornado reads the next frame when this is done: a flood waits in the network.
        self.due = max(self.due, time.monotonic() - BURST / RATE) + 1 / RATE
        await asyncio.sleep(self.due - time.monotonic() if self.is_open() else 0)
        if not self.is_open():  # a flood must not outlive its sender
            return
        message = parse_frame(frame)
        try:
            answer = await self.take_message(*clean_message(message))
        except (RoomError, ValueError) as error:
            retry = {"retry": True} if isinstance(error, RoomError) else {}
            answer = {"error": str(error), "key": message.get("key"), **retry}
        except Exception:
            return self.fail()
        if answer and self.is_open():  # to leave while one is answered is no error
            await asyncio.gather(self.write_message(answer), return_exceptions=True)

    async def take_message(self, msg, key):
        """Post a message; return the answer, if it is a resend."""
        stored = await self.room.post(self.current_user, msg, key)
        # Behind the cursor, the message itself will be the answer.
        if stored and not self.cursor < stored <= self.room.end:
            return {"id": stored, "key": key}


# --------------------------------------------------------------------------- main()

# How many files, and with them connections, the system lets us open; -1: no limit.
FILES = os.sysconf("SC_OPEN_MAX") if hasattr(os, "sysconf") else -1
LOG_LINE = "%(asctime)s %(levelname)s %(message).500s"  # of 500 characters at most
HOST = re.compile(r"^([a-z0-9_-]+(?:\.[a-z0-9_-]+)*)\.?$")


def port_number(text):
    """Return a port, 0 to 65535, or raise ValueError."""
    return range(65536).index(int(text))


def host_name(text):
    """Return a name without scheme, port and slash, or raise an error."""
    return HOST.match(text.lower().encode("idna").decode())[1]


def option_parser():
    """Return an argparse.ArgumentParser for --port, --address and so on."""
    parser = argparse.ArgumentParser(description="A chat over WebSocket.")
    add, port = parser.add_argument, os.environ.get("PORT") or "5000"
    add("--port", type=port_number, default=port, help="0: any free one")
    add("--address", default="127.0.0.1", help="0.0.0.0 lets other computers in")
    add("--host", type=host_name, action="append", default=[], help="one more name")
    add("--debug", action="store_true", help="start again when a file is saved")
    add("--xheaders", action="store_true", help="trust X-Forwarded-*: behind a proxy")
    add("--logging", choices=["debug", "info", "warning", "error"], default="info")
    return parser


class LogQueue(logging.handlers.QueueHandler):
    """Passes the log to a thread: a terminal that is stopped must not stop the chat."""

    dropped = 0  # lines

    def enqueue(self, record):
        """Keep what strangers send from filling memory, or driving the terminal."""
        if self.queue.full():
            self.dropped += 1
        else:
            lost = f" ({self.dropped} lines are lost)" if self.dropped else ""
            record.msg = CONTROL.sub("\ufffd", record.msg) + lost
            self.dropped = 0
            self.queue.put_nowait(record)


class Server(httpserver.HTTPServer):
    """Tornado's HTTP server, made to stand a crowd."""

    def handle_stream(self, stream, address):
        # Before we run out of files, or accept() would fail, again and again.
        if 0 < FILES - 32 < stream.socket.fileno():
            return stream.close()
        super().handle_stream(stream, address)


def web_address(host, port):
    """Return what to type into a browser to reach a listening socket."""
    if host in ("0.0.0.0", "::"):
        # The route to others tells which address they see; 192.0.2.1 gets nothing.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            failed = probe.connect_ex(("192.0.2.1", 9))
            host = socket.gethostname() if failed else probe.getsockname()[0]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def main(options, room, application_class=Application):
    """Start the chat, say where it is, and stop it cleanly on Ctrl-C or SIGTERM."""
    logs = LogQueue(queue.Queue(10_000))  # lines
    logging.basicConfig(level=options.logging.upper(), format=LOG_LINE, handlers=[logs])
    writer = logging.handlers.QueueListener(logs.queue, logging.StreamHandler())
    try:
        sockets = netutil.bind_sockets(options.port, options.address)
        await room.open()
    except (OSError, UnicodeError, sqlite3.Error) as error:
        raise SystemExit(f"chat.py: {error}. Try another --port, --address or file.")
    server = Server(
        application_class(options, room), xheaders=options.xheaders, body_timeout=10,
        max_header_size=MAX_FRAME, max_body_size=MAX_FRAME, idle_connection_timeout=75)
    server.add_sockets(sockets)
    writer.start()
    # Windows' registry may call a script text/plain: with nosniff no browser runs it.
    mimetypes.guess_type = mimetypes.MimeTypes().guess_type
    # By default the collector walks all connections again and again.
    gc.set_threshold(10_000)
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
    print("The chat runs at", web_address(*sockets[0].getsockname()[:2]), flush=True)
    await stop.wait()
    server.stop()
    room.close()
    writer.stop()


if __name__ == "__main__":
    parser = option_parser()
    parser.add_argument("--db", default="chat.db", help="keeps the conversation")
    options = parser.parse_args()
    asyncio.run(main(options, Room(options.db)))
