#!/usr/bin/env python3
# /// script
# requires-python = ">=3.10"
# dependencies = ["tornado>=6.5,<7"]
# ///
"""A chat over WebSocket in one module: run it with `python chat.py`, read it downwards.

A room is a log, and every connection is a cursor into it. tutorial.md builds this file
step by step; the banner comments carry the numbers of its steps.
"""

import asyncio
import contextlib
import gc
import json
import os
import re
import signal
import socket
import sqlite3
import sys
import time
import unicodedata

from tornado import auth, autoreload, httpserver, iostream, log, netutil, web, websocket
from tornado.options import Error, OptionParser

# ------------------------------------------------------------------- Step 1. Set up

MAX_FRAME, MAX_MESSAGE = 64 * 1024, 2000  # bytes, characters
TWITTER = "twitter_consumer_key", "twitter_consumer_secret"  # both set, or neither


def parse_options(arguments):
    """Read the command line.

    Args:
        arguments: the words after `python chat.py`, such as `--port=8000`.
    Returns:
        A tornado.options.OptionParser: options.port, options.address and so on.
    Raises:
        Error, ValueError: an unknown option, a port that is none.
    """
    options = OptionParser()
    options.define("port", int(os.environ.get("PORT") or 5000), help="0: any free one")
    options.define("address", "127.0.0.1", help="0.0.0.0 lets other computers in")
    options.define("debug", False, help="start again when a source file is saved")
    options.define("xheaders", False, help="trust X-Forwarded-*; only behind a proxy")
    options.define("db", "chat.db", help="the file that keeps the conversation")
    options.define("redis", "", help="share the chat: redis://127.0.0.1:6379")
    log.define_logging_options(options)
    for argument in arguments:
        if argument.lstrip("-").partition("=")[0] not in options:
            raise Error(f"there is no option {argument}")
    options.parse_command_line(["chat.py", *arguments])
    if not 0 <= options.port < 65536:
        raise Error(f"there is no port {options.port}")
    return options


class Application(web.Application):
    """The address table and the settings: what answers where, and how.

    Args:
        options: what parse_options() returned.
    """

    def __init__(self, options):
        routes, settings = [], {"debug": options.debug}
        routes += [(r"/", MainHandler), (r"/chat", ChatHandler)]
        routes += [(r"/login", LoginHandler), (r"/logout", LogoutHandler)]
        routes += [(r"/ws", WebSocketHandler)]
        routes += [(r".*", ErrorHandler, {"status_code": 404})]
        settings["static_path"] = os.path.join(os.path.dirname(__file__), "static")
        settings["static_handler_class"] = StaticHandler
        settings |= {"cookie_secret": os.urandom(32).hex(), "xsrf_cookies": True}
        settings |= {name: os.environ.get(name.upper()) for name in TWITTER}
        settings["websocket_max_message_size"] = MAX_FRAME
        super().__init__(routes, **settings)
        self.room = Room(options.db)
        if options.redis:
            self.room = RedisRoom(options.redis, self)
        self.connections, self.claims = set(), {}  # claims: nicknames on their way in

    async def open(self):
        """Open the room, and take from it the secret that signs the cookies.

        Raises:
            RoomError: the room cannot be used.
        """
        await self.room.open()
        # Kept with the log, or every restart would sign everybody out.
        secret = self.settings["cookie_secret"]
        secret = await self.room.remember("cookie_secret", secret)
        self.settings["cookie_secret"] = os.environ.get("COOKIE_SECRET") or secret

    def names(self):
        """Return the names that are connected to this process, case folded."""
        return {connection.current_user.casefold() for connection in self.connections}

    async def claim(self, name, browser):
        """Reserve a nickname for CLAIM seconds, unless somebody here has it.

        Args:
            name: the nickname after str.casefold(): Ann and ANN are one.
            browser: what tells one browser from another. The same one may ask twice,
                because people double-click.
        Raises:
            ValueError: one sentence for the sign-in page.
        """
        if name in self.names() or self.claims.get(name, browser) != browser:
            raise ValueError(TAKEN)
        await self.room.claim(name, browser)
        self.claims[name] = browser
        asyncio.get_running_loop().call_later(CLAIM, self.claims.pop, name, None)

    def disconnect(self, code, reason, name=None):
        """Close the connections of one name, or all of them."""
        for connection in list(self.connections):
            if name in (None, connection.current_user):
                connection.close(code, reason)

    async def close(self):
        """Say goodbye, wait at most GOODBYE seconds for the answers, close the room."""
        deadline = time.monotonic() + GOODBYE
        while self.connections and time.monotonic() < deadline:
            self.disconnect(1001, "The server is going away.")
            await asyncio.sleep(0.02)
        self.room.close()


# -------------------------------------------------------------------- Step 2. Pages

CSP = "default-src 'self';base-uri 'none';form-action 'self';frame-ancestors 'none'"


class BaseHandler(web.RequestHandler):
    """What all addresses share: who is asking, safe headers, the chat's error page."""

    def set_default_headers(self):
        self.clear_header("Server")
        # No inline script or style, nothing from another host, no frame around it.
        self.set_header("Content-Security-Policy", CSP)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "no-referrer")
        # Or the back button shows the chat to the next student at the same laptop.
        self.set_header("Cache-Control", "no-store")

    def write_error(self, status_code, **kwargs):
        self.render("templates/error.html", status=status_code)

    def get_current_user(self):
        """Return the name in the signed cookie, or ""; current_user keeps it."""
        return (self.get_signed_cookie("username") or b"").decode()

    def set_cookie(self, name, value, **attributes):
        """Set a cookie that neither scripts nor other sites' forms can use."""
        super().set_cookie(name, value, httponly=True, samesite="Lax",
                           secure=self.request.protocol == "https", **attributes)


class ErrorHandler(BaseHandler, web.ErrorHandler):
    """Every address that is not in the table."""


class StaticHandler(BaseHandler, web.StaticFileHandler):
    """The files in static/."""

    def parse_url_path(self, url_path):
        # No file has NUL in its name, and to look for one is an error.
        return super().parse_url_path(url_path.replace("\0", "?"))


class MainHandler(BaseHandler):
    """The start page, where one signs in."""

    def get(self):
        if self.current_user:
            # Without the return, a page would follow the redirect: an error.
            return self.redirect("/chat")
        self.render("templates/index.html", error="", name="")


class ChatHandler(BaseHandler):
    """The chat page; the conversation itself comes over the WebSocket."""

    def get(self):
        if not self.current_user:
            return self.redirect("/")
        self.render("templates/chat.html")


# --------------------------------------------------------------- Step 3. Signing in

# Letters and marks that show nothing: "ann" and "ann" would be two people.
INVISIBLE = re.compile("FILLER|GRAPHEME JOINER|INHERENT|VARIATION SELECTOR")


def clean_nickname(text):
    """Make a typed nickname fit to be seen and compared.

    Args:
        text: what was typed.
    Returns:
        The name in Unicode's NFKC form, with single spaces between its words.
    Raises:
        ValueError: one sentence for the sign-in page.
    """
    name = re.sub(" +", " ", unicodedata.normalize("NFKC", text).strip())
    # L: letters, M: the marks that many scripts put on them, N: digits.
    legible = all(unicodedata.category(c)[0] in "LMN" or c in " -_." for c in name)
    hidden = any(INVISIBLE.search(unicodedata.name(c, "")) for c in name)
    if not legible or hidden or not 1 <= len(name) <= 20:
        raise ValueError("Please use 1 to 20 letters, digits, spaces, '-', '_' or '.'.")
    return name


class LoginHandler(BaseHandler, auth.TwitterMixin):
    """Signing in: with a nickname or, where it is configured, through Twitter."""

    async def post(self):
        # get_body_argument() would turn control characters into harmless spaces.
        typed = self.request.arguments.get("name", [b""])[-1].decode(errors="replace")
        try:
            if all(map(self.settings.get, TWITTER)):
                raise ValueError("Here one signs in through Twitter.")
            name = clean_nickname(typed)
            await self.application.claim(name.casefold(), self.get_cookie("_xsrf"))
        except ValueError as error:
            return self.refuse(str(error), typed)
        self.set_signed_cookie("username", name)
        self.redirect("/chat", status=303)

    def refuse(self, error, typed=""):
        """Show the sign-in page again, with one sentence and what was typed."""
        self.set_status(400)
        self.render("templates/index.html", error=error, name=typed)

    # -------------------------------------------- Step 4. Signing in through Twitter

    async def get(self):
        """Go to Twitter, or come back from there (OAuth 1.0a, RFC 5849 section 2)."""
        if not all(map(self.settings.get, TWITTER)):
            return self.redirect("/")
        try:
            if not self.request.query:
                return await self.authenticate_redirect(callback_uri="/login")
            user = await self.get_authenticated_user()
        except Exception as error:  # between us and Twitter anything can go wrong
            log.app_log.warning("Twitter sign-in failed: %r", error)
            return self.refuse("Twitter did not sign you in. Please try again.")
        self.set_signed_cookie("username", "@" + user["screen_name"])
        self.redirect("/chat")

    async def _oauth_get_user_future(self, access_token):
        # Twitter has just said who it is. Tornado's own version asks again, at
        # account/verify_credentials, which answers 403 to most of today's API plans.
        return {"screen_name": access_token["screen_name"]}


class LogoutHandler(BaseHandler):
    """Signing out: by a form, for a link could hide in anybody's picture."""

    async def post(self):
        self.clear_cookie("username")
        self.application.disconnect(1008, "Signed out.", self.current_user)
        await self.application.room.sign_out(self.current_user)
        self.redirect("/", status=303)


# --------------------------------------------------------- Step 5. The conversation

# Messages in one frame at most, messages for a newcomer, seconds between two batches in
# a busy room. With 1,000 readers and 50 messages a second a delivery takes 13 us of
# CPU, with 0.03 seconds 16 us.
BATCH, HISTORY, PAUSE = 200, 50, 0.04

# EXCLUSIVE: a second process gets an error, not half a log.
# NORMAL: a power loss can take the last messages, never the file.
# SELECT: another program's table is an error now, not later.
SCHEMA = """PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT);
CREATE TABLE IF NOT EXISTS log (id INTEGER PRIMARY KEY, at REAL, name TEXT, msg TEXT,
key TEXT, UNIQUE (name, key)); SELECT name, value FROM settings"""


class RoomError(OSError):
    """The log cannot be opened or written: a full disk, a second process."""


class Room:
    """The conversation: an append-only log in SQLite.

    Args:
        path: the database file, made when it is missing; "": a temporary one.
    """

    def __init__(self, path):
        self.path, self.grown = path, asyncio.Event()

    async def open(self):
        """Open the file, or raise RoomError."""
        try:
            if self.path:
                os.close(os.open(self.path, os.O_CREAT, 0o600))  # it holds a secret
            self.db = sqlite3.connect(self.path, isolation_level=None, timeout=0.1)
            self.db.row_factory = sqlite3.Row
            self.db.executescript(SCHEMA)
            self.publish()
        except (OSError, sqlite3.Error) as error:
            raise RoomError(f"cannot use the database {self.path}: {error}") from error

    def close(self):
        if self.publishing:
            self.publishing.cancel()
        self.db.close()

    async def remember(self, name, value):
        """Store a setting, unless there is one of that name; return what is stored."""
        self.db.execute("INSERT OR IGNORE INTO settings VALUES (?, ?)", (name, value))
        select = "SELECT value FROM settings WHERE name = ?"
        return self.db.execute(select, (name,)).fetchone()[0]

    async def post(self, name, msg, key):
        """Append a message to the log, unless this (name, key) is in it already.

        Args:
            name: the author.
            msg: the text.
            key: the author's idempotency key, or None.
        Raises:
            RoomError: the message is not stored; it may be posted again.
        """
        insert = "INSERT OR IGNORE INTO log (at, name, msg, key) VALUES (?, ?, ?, ?)"
        try:
            self.db.execute(insert, (time.time(), name, msg, key))
        except sqlite3.Error as error:
            log.app_log.error("A message is not stored: %s", error)
            raise RoomError("Not stored yet. It will be sent again.") from error
        if not self.publishing:
            # At once in a quiet room; in a busy one the next messages gather.
            delay = max(0, self.published + PAUSE - time.monotonic())
            self.publishing = asyncio.get_running_loop().call_later(delay, self.publish)

    def publish(self):
        """Let the readers see the new end of the log, and wake those who wait."""
        self.publishing, self.published, self.batches = None, time.monotonic(), {}
        self.end = self.db.execute("SELECT ifnull(max(id), 0) FROM log").fetchone()[0]
        self.grown.set()
        self.grown.clear()

    async def read(self, cursor):
        """Wait for the log to grow past a cursor, and read on from there.

        Args:
            cursor: the id of the last message that was read.
        Returns:
            The new cursor, and up to BATCH messages as lines of JSON in UTF-8.
        """
        if cursor < self.end:
            await asyncio.sleep(0)  # who has much to read lets the others run
        while cursor >= self.end:
            await self.grown.wait()
        if cursor not in self.batches:  # or all readers would encode the same lines
            select = "SELECT * FROM log WHERE id > ? AND id <= ? ORDER BY id LIMIT ?"
            rows = self.db.execute(select, (cursor, self.end, BATCH)).fetchall()
            lines = [json.dumps(dict(row), ensure_ascii=False) for row in rows]
            self.batches = {cursor: (rows[-1]["id"], "\n".join(lines).encode())}
        return self.batches[cursor]

    async def place(self, cursor):
        """Return a cursor from outside, corrected if the log has lost its end."""
        return min(cursor, self.end)

    async def claim(self, name, browser):
        """Reserve a nickname in the other processes. A Room has none."""

    async def sign_out(self, name):
        """Close a name's connections in the other processes. A Room has none."""


# ---------------------------------------------------------------- Step 6. WebSocket

KEY = "[ -~]{1,100}"  # printable ASCII
RATE, BURST = 10, 20  # messages a second from one connection, after so many at once
PING, CLAIM, GOODBYE = 30, 10, 3  # seconds
TAKEN = "Somebody here has that name. Please choose another."


def to_frame(payload):
    """Wrap UTF-8 text into one unmasked WebSocket frame (RFC 6455 section 5.2)."""
    size = len(payload)
    if size < 126:
        return bytes([0x81, size]) + payload
    code, width = (126, 2) if size < 65536 else (127, 8)
    return bytes([0x81, code]) + size.to_bytes(width, "big") + payload


def parse_frame(frame):
    """Take a frame apart.

    Args:
        frame: {"msg": text, "key": key} in JSON; anything else is itself the text.
    Returns:
        The message, whatever its type, and the key or None.
    """
    try:
        message = json.loads(frame)
        return message.get("msg"), message.get("key")
    except (ValueError, RecursionError, AttributeError):  # it is no JSON, or no object
        return frame, None


def clean_text(msg):
    """Make a message fit for the log, or raise ValueError with one sentence."""
    if not isinstance(msg, str):
        raise ValueError('Send {"msg": "some text", "key": "a random id"}.')
    # JSON can hold halves of characters, UTF-8 and SQLite cannot.
    msg = msg.encode("utf-16", "surrogatepass").decode("utf-16", "replace").strip()
    if not msg:
        raise ValueError("An empty message is not sent.")
    if len(msg) > MAX_MESSAGE:
        raise ValueError(f"Messages are limited to {MAX_MESSAGE} characters.")
    return msg


class WebSocketHandler(BaseHandler, websocket.WebSocketHandler):
    """One connection: its cursor into the log, and what its frames mean."""

    async def prepare(self):
        """Refuse, before the upgrade, strangers, other sites and bad cursors."""
        # A browser lets any site open a WebSocket here, and sends our cookie along. The
        # scheme does not count: a proxy may turn the browser's https into http.
        origin = self.request.headers.get("Origin", "://" + self.request.host)
        if not self.current_user or origin.partition("://")[2] != self.request.host:
            raise web.HTTPError(403)
        end = self.application.room.end
        since = self.get_query_argument("since", str(max(0, end - HISTORY)))
        if not re.fullmatch("[0-9]{1,15}", since):
            raise web.HTTPError(400, "since is not the id of a message")
        self.cursor = await self.application.room.place(int(since))

    def open(self):
        self.silent, self.due = False, 0  # due: when the next message may come, seconds
        self.set_nodelay(True)  # or Nagle's algorithm holds messages back for 40-200 ms
        self.application.claims.pop(self.current_user.casefold(), None)
        self.application.connections.add(self)
        self.sending = asyncio.create_task(self.send_messages())
        # Or a flood in our buffer outlives its author, and an error makes readers deaf.
        self.sending.add_done_callback(lambda _: self.on_connection_close())
        self.keep_alive()

    def on_close(self):
        self.sending.cancel()
        self.heartbeat.cancel()
        self.application.connections.discard(self)

    async def send_messages(self):
        """Send what is behind the cursor, batch by batch, as fast as it is read.

        A reader who has stopped reading holds up nobody and costs one batch.
        """
        room = self.application.room
        with contextlib.suppress(iostream.StreamClosedError):
            # Without ws_connection we have sent a close frame; nothing may follow that
            # (RFC 6455 section 5.5.1).
            while (batch := await room.read(self.cursor)) and self.ws_connection:
                self.cursor, lines = batch
                # write_message() would make a task for each reader and batch, which
                # costs as much again. Without shield, Tornado logs cancelled writes.
                await asyncio.shield(self.ws_connection.stream.write(to_frame(lines)))

    async def on_message(self, frame):
        self.silent = False
        if self.ws_connection:
            await self.slow_down()
        if isinstance(frame, bytes) or not self.ws_connection:  # we are closing already
            return self.close(1003, "Text only.")
        msg, key = parse_frame(frame)
        if key is not None and not (isinstance(key, str) and re.fullmatch(KEY, key)):
            msg = key = None  # clean_text() tells what to send
        try:
            await self.application.room.post(self.current_user, clean_text(msg), key)
        except (ValueError, RoomError) as error:
            retry = {"retry": True} if isinstance(error, RoomError) else {}
            with contextlib.suppress(websocket.WebSocketClosedError):
                await self.write_message({"error": str(error), "key": key, **retry})

    async def slow_down(self):
        """Let BURST messages in at once, then RATE a second.

        Tornado reads the next frame when on_message is done, so that a flood waits in
        its buffer (64 kB) and in the network: backpressure, and nothing is lost.
        """
        self.due = max(self.due, time.monotonic() - BURST / RATE) + 1 / RATE
        await asyncio.sleep(self.due - time.monotonic())

    def keep_alive(self):
        """Ping, or close if nothing has come since the last ping.

        Tornado's own websocket_ping_timeout counts only pongs as a sign of life, and
        the pong of somebody who floods waits behind the flood.
        """
        if self.silent:
            return self.close(1001, "No sign of life.")
        self.silent = True
        with contextlib.suppress(websocket.WebSocketClosedError):
            self.ping()
        self.heartbeat = asyncio.get_running_loop().call_later(PING, self.keep_alive)

    def on_pong(self, data):
        self.silent = False


# ------------------------------------------------------ Step 7. Running it for others

# How many files, and with them connections, the system lets us open; -1: no limit.
FILES = os.sysconf("SC_OPEN_MAX") if hasattr(os, "sysconf") else -1


class Server(httpserver.HTTPServer):
    """Tornado's HTTP server, made to stand a crowd."""

    def handle_stream(self, stream, address):
        # Newcomers are turned away before we run out of files, or accept() would fail,
        # again and again, and keep the processor busy.
        if 0 < FILES - 32 < stream.socket.fileno():
            return stream.close()
        super().handle_stream(stream, address)


def web_address(host, port):
    """Return what to type into a browser to reach a listening socket."""
    if host in ("0.0.0.0", "::"):
        # The route to others tells which of this computer's addresses they see; nothing
        # is sent, and 192.0.2.1 is an address for documentation (RFC 5737).
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            failed = probe.connect_ex(("192.0.2.1", 9))
            host = socket.gethostname() if failed else probe.getsockname()[0]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def main():
    """Start the chat, say where it is, and stop it cleanly on Ctrl-C or SIGTERM."""
    try:
        options = parse_options(sys.argv[1:])
        sockets = netutil.bind_sockets(options.port, options.address)
        application = Application(options)
        await application.open()
    except (Error, OSError, ValueError) as error:
        advice = "Try another --port, --address, --db or --redis (--help)."
        sys.exit(f"chat.py: {error}. {advice}")
    server = Server(
        application, xheaders=options.xheaders, max_header_size=16 * 1024,  # bytes
        max_body_size=64 * 1024, idle_connection_timeout=60, body_timeout=10)  # seconds
    server.add_sockets(sockets)
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    # By default (700 in Python 3.11) the collector walks all connections again and
    # again: for 1,000 readers and 200 messages a second the 99th percentile was 102 ms,
    # and is 47 ms with this.
    gc.set_threshold(10_000)
    autoreload.add_reload_hook(lambda: application.disconnect(1001, "Starting anew."))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
    print("The chat runs at", web_address(*sockets[0].getsockname()[:2]), flush=True)
    await stop.wait()
    server.stop()
    await application.close()


# ------------------------------------------------- Step 8. More than one process

# Redis runs a script as one step, but what is done when it fails stays done: so XADD
# before HSET. A name has no line break, so no two pairs of name and key are alike.
# 0-*: the next number, for Redis 7.0 or newer.
APPEND = """local name, msg, key, at = unpack(ARGV)
if key == '' or redis.call('HEXISTS', KEYS[2], name .. '\\n' .. key) == 0 then
    redis.call('XADD', KEYS[1], '0-*', 'name', name, 'msg', msg, 'key', key, 'at', at)
    redis.call('HSET', KEYS[2], name .. '\\n' .. key, '')
end"""
INSERT = "INSERT OR IGNORE INTO log VALUES (:id, :at, :name, :msg, nullif(:key, ''))"
LOG, OUT, NAMES, CLAIMED = "chat:log", "chat:out", "chat:names", "chat:claim:"
REPLAY, BEAT = 10_000, 1  # messages that a copy begins with; seconds


class RedisRoom(Room):
    """The log of many processes: a Redis Stream, and a copy of it in each of them.

    Args:
        url: where Redis is, such as redis://127.0.0.1:6379.
        application: whose connections read the copy.
    """

    def __init__(self, url, application):
        super().__init__("")
        self.url, self.application = url, application
        self.closed, self.failed, self.present = False, 0, set()
        # The last sign-out heard of. Redis numbers them by the time, in ms.
        self.heard = str(time.time_ns() // 1_000_000)

    async def open(self):
        """Connect to Redis and copy the newest messages, or raise RoomError."""
        try:
            from redis import RedisError
            from redis import asyncio as redis
        except ImportError as error:
            raise RoomError("--redis needs more: pip install redis") from error
        await super().open()
        self.errors = RedisError, sqlite3.Error
        self.redis = redis.Redis(connection_pool=redis.BlockingConnectionPool.from_url(
            self.url, decode_responses=True, max_connections=16, timeout=5,
            socket_timeout=5))  # seconds
        self.append = self.redis.register_script(APPEND)
        await self.ask(self.copy())
        self.tasks = [asyncio.create_task(self.repeat(self.follow, PAUSE)),
                      asyncio.create_task(self.repeat(self.share_names, BEAT))]

    async def ask(self, question):
        """Await Redis's answer, or raise RoomError."""
        try:
            return await question
        except self.errors as error:
            raise RoomError(f"Redis cannot be used: {error}".rstrip(".")) from error

    async def repeat(self, step, pause):
        """Take a step again and again, whatever becomes of Redis."""
        # Not for ever: redis-py 8.1 swallows the cancellation of a task now and then.
        while not self.closed:
            try:
                await step()
            except Exception as error:  # also of what others put into the stream
                log.app_log.error("Redis: %r", error)
                self.failed = time.monotonic()
                # The idle connections have died, too, and would fail the next senders.
                with contextlib.suppress(*self.errors):
                    await self.redis.connection_pool.disconnect(inuse_connections=False)
                await asyncio.sleep(BEAT)
            await asyncio.sleep(pause)

    def close(self):
        self.closed = True
        # Or Tornado tells at length of each message that Redis has not answered yet.
        log.app_log.disabled = True

    async def remember(self, name, value):
        stored = self.redis.set("chat:" + name, value, nx=True, get=True)
        self.remembered = name, await self.ask(stored) or value
        return self.remembered[1]

    async def post(self, name, msg, key):
        try:
            await self.append([LOG, "chat:keys"], [name, msg, key or "", time.time()])
        except self.errors as error:
            log.app_log.error("A message is not stored: %s", error)
            raise RoomError("Not stored yet. It will be sent again.") from error

    async def copy(self):
        """Begin the copy anew, with the newest messages of the stream."""
        entries = await self.redis.xrevrange(LOG, count=REPLAY)
        self.db.execute("DELETE FROM log")
        self.newest = []
        self.take(entries[::-1])

    def take(self, entries):
        """Put entries of the stream, such as ("0-17", {"msg": ...}), into the copy."""
        self.db.executemany(INSERT, [{"id": id[2:], **entry} for id, entry in entries])
        self.newest = entries[-1:] or self.newest
        self.publish()

    async def follow(self):
        """Wait for the stream to grow, and copy what is new."""
        newest = self.newest[0][0] if self.newest else "0"
        news = await self.redis.xread({LOG: newest, OUT: self.heard}, 99, 1000)  # ms
        for self.heard, entry in dict(news).get(OUT, []):
            self.application.disconnect(1008, "Signed out.", entry["name"])
        entries = await self.redis.xrange(LOG, min=newest, count=REPLAY)
        if entries[:len(self.newest)] != self.newest:
            log.app_log.error("Redis has lost messages. The copy begins anew.")
            await self.remember(*self.remembered)
            await self.copy()
            self.application.disconnect(1012, "The log begins anew.")
        elif entries != self.newest:
            self.take(entries)

    async def place(self, cursor):
        # Past the end: the client comes from a process that is ahead of this one, or
        # from before Redis lost messages.
        with contextlib.suppress(*self.errors):
            if cursor > self.end and not await self.redis.xrange(LOG, f"0-{cursor}"):
                return self.end
        return cursor

    async def claim(self, name, browser):
        ask = self.redis.pipeline().zscore(NAMES, name)
        ask.set(CLAIMED + name, browser, nx=True, get=True, ex=CLAIM)
        try:
            until, holder = await ask.execute()
            taken = time.time() < (until or 0)
            if taken and not holder:
                await self.redis.delete(CLAIMED + name)
        except self.errors:
            self.failed = time.monotonic()
        # After a failure the names of the others may not all be back yet.
        if time.monotonic() < self.failed + 3 * BEAT:
            raise ValueError("Please try again in a minute.")
        if taken or holder not in (None, browser):
            raise ValueError(TAKEN)

    async def sign_out(self, name):
        with contextlib.suppress(*self.errors):
            await self.redis.xadd(OUT, {"name": name}, maxlen=1000)

    async def share_names(self):
        """Tell the other processes who is connected here."""
        names, now = self.application.names(), time.time()
        tell = self.redis.pipeline().zremrangebyscore(NAMES, 0, now)
        for name in names - self.present:
            tell.delete(CLAIMED + name)
        if names:  # a process that dies says this no more
            tell.zadd(NAMES, dict.fromkeys(names, now + 3 * BEAT))
        await tell.execute()
        self.present = names


if __name__ == "__main__":
    asyncio.run(main())
