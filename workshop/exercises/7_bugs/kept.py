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
import collections
import functools
import gc
import json
import logging
import os
import re
import signal
import socket
import sqlite3
import sys
import time
import unicodedata

from tornado import auth, autoreload, httpserver, ioloop, log, netutil, web, websocket
from tornado.options import Error, OptionParser

# ------------------------------------------------------------------- Step 2. Set up

MAX_FRAME = 64 * 1024  # bytes
IP_ADDRESS = r"[0-9.]+|\[[0-9a-f:.]+\]"
MAX_LOG_LINE = 500  # characters; a refused request writes two lines
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
    options.define("host", [], str, "what else this chat is called", multiple=True)
    options.define("debug", False, help="start again when a source file is saved")
    options.define("xheaders", False, help="trust X-Forwarded-*; only behind a proxy")
    options.define("db", "chat.db", help="the file that keeps the conversation")
    options.define("redis", "", help="share the chat: redis://127.0.0.1:6379")
    log.define_logging_options(options)
    for word in arguments:
        if not word.startswith("--") or word[2:].partition("=")[0] not in options:
            raise Error(f"there is no option {word}")
    try:
        options.parse_command_line(["chat.py", *arguments])
    except AttributeError as error:  # Tornado looks the level up in a module
        raise Error(f"--logging={options.logging} is no level") from error
    if options.db in ("", ":memory:") or not 0 <= options.port < 65536:
        raise Error("--db needs a file, --port a number from 0 to 65535")
    for handler in logging.getLogger().handlers:
        handler.addFilter(tidy)
    return options


def tidy(record):
    """Keep what strangers send from filling the log, or driving the terminal."""
    line = record.getMessage().encode("unicode_escape").decode()
    record.msg, record.args = line[:MAX_LOG_LINE], ()
    return True


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
        settings |= {"cookie_secret": os.urandom(32).hex(), "xsrf_cookies": True}
        settings["static_handler_class"] = StaticHandler
        settings["websocket_max_message_size"] = MAX_FRAME
        # It tells browsers apart, too: it has to outlive a restart of the browser.
        settings["xsrf_cookie_kwargs"] = {"expires_days": 30}
        settings |= {name: os.environ.get(name.upper()) for name in TWITTER}
        settings["twitter"] = all(settings[name] for name in TWITTER)
        super().__init__(routes, **settings)
        self.refuse_other_hosts(options.host)
        self.room = Room(options.db)
        if options.redis:
            from redis_room import RedisRoom  # it needs the package redis

            self.room = RedisRoom(options.redis, self)
        # The windows of each (name, browser), who are the holder of a lease.
        self.connections = collections.defaultdict(set)

    def refuse_other_hosts(self, names):
        """Answer 403 to whoever calls this server by a name that is not its own.

        Or a page of another site, whose name has been pointed to 127.0.0.1 meanwhile
        (DNS rebinding), could read and write here: browsers would take it for ours.

        Args:
            names: what this server is called besides localhost and the computer's name.
        """
        names = map(re.escape, ["localhost", socket.gethostname(), *names])
        others = f"(?!({'|'.join([IP_ADDRESS, *names])})$).*".lower()
        self.add_handlers(others, [(r".*", ErrorHandler, {"status_code": 403})])

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

    def disconnect(self, code, reason, *holders):
        """Close the connections of some (name, browser), or all of them."""
        for holder in holders or list(self.connections):
            for connection in list(self.connections.get(holder, ())):
                connection.close(code, reason)

    async def close(self):
        """Say goodbye, wait at most GOODBYE seconds for the answers, close the room."""
        deadline = time.monotonic() + GOODBYE
        while self.connections and time.monotonic() < deadline:
            self.disconnect(1001, "The server is going away.")
            await asyncio.sleep(0.02)
        self.room.close()


# -------------------------------------------------------------------- Step 3. Pages

CSP = "; ".join([
    "default-src 'self'", "base-uri 'none'", "form-action 'self'",
    "frame-ancestors 'none'", "object-src 'none'"])


class BaseHandler(web.RequestHandler):
    """What all addresses share: who is asking, safe headers, the chat's error page."""

    def set_default_headers(self):
        self.clear_header("Server")
        # No inline script or style, nothing from another host, no frame around it.
        self.set_header("Content-Security-Policy", CSP)
        self.set_header("X-Frame-Options", "DENY")
        # Or a link in a message makes each reader's computer ask for that name.
        self.set_header("X-DNS-Prefetch-Control", "off")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "no-referrer")
        # Or the back button shows the chat to the next student at the same laptop.
        self.set_header("Cache-Control", "no-store")

    def write_error(self, status_code, **kwargs):
        self.render("templates/error.html", status=status_code)

    def get_current_user(self):
        """Return the name in the signed cookie, or ""; current_user keeps it."""
        name = (self.get_signed_cookie("username") or b"").decode()
        # Where Twitter is the way in, names from before it are no proof.
        if self.settings["twitter"] and not name.startswith("@"):
            return ""
        return name

    def set_cookie(self, name, value, **attributes):
        """Set a cookie that neither scripts nor other sites' forms can use."""
        super().set_cookie(name, value, httponly=True, samesite="Lax",
                           secure=self.request.protocol == "https", **attributes)

    @property
    def browser(self):
        """What tells one browser from another: a secret in its cookies, or None."""
        return self.get_cookie("_xsrf", "")[:MAX_TYPED] or None

    async def renew(self):
        """Renew this browser's lease of the name in its cookie.

        Returns:
            "", or one sentence for the sign-in page: another browser holds the name.
        """
        name, room = self.current_user, self.application.room
        if not room.ready:  # a proxy asks the next process; if all are so, people read
            self.set_status(503)
        elif name and not name.startswith("@"):  # Twitter has proven those
            try:
                await room.claim(name, self.browser)
            except ValueError as error:
                return str(error)
            except RoomError:  # nobody can post now; the next heartbeat asks again
                pass
        return ""


class ErrorHandler(BaseHandler, web.ErrorHandler):
    """Every address that is not in the table."""


class StaticHandler(BaseHandler, web.StaticFileHandler):
    """The files in static/."""

    def parse_url_path(self, url_path):
        # No file has NUL in its name, and to look for one is an error.
        return super().parse_url_path(url_path.replace("\0", "?"))


class MainHandler(BaseHandler):
    """The start page, where one signs in."""

    async def get(self):
        error = await self.renew()
        if self.current_user and not error:
            # Without the return, a page would follow the redirect: an error.
            return self.redirect("/chat")
        self.render("templates/index.html", error=error, name=self.current_user)

    head = get


class ChatHandler(BaseHandler):
    """The chat page; the conversation itself comes over the WebSocket."""

    async def get(self):
        if not self.current_user or await self.renew():
            return self.redirect("/")
        self.render("templates/chat.html")

    head = get


# --------------------------------------------------------------- Step 4. Signing in

MAX_NAME = 20  # characters
MAX_TYPED = 100  # characters: NFKC, below, takes seconds for 64 kB
TAKEN = "Somebody here has that name. Please choose another."
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
    text = text if len(text) <= MAX_TYPED else ""
    name = re.sub(" +", " ", unicodedata.normalize("NFKC", text).strip())
    # L: letters, M: the marks that many scripts put on them, N: digits.
    legible = all(unicodedata.category(c)[0] in "LMN" or c in " -_." for c in name)
    hidden = any(INVISIBLE.search(unicodedata.name(c, "")) for c in name)
    if not legible or hidden or not 1 <= len(name) <= MAX_NAME:
        raise ValueError("Please use 1 to 20 letters, digits, spaces, '-', '_' or '.'.")
    return name


class LoginHandler(BaseHandler, auth.TwitterMixin):
    """Signing in: with a nickname or, where it is configured, through Twitter."""

    async def post(self):
        # get_body_argument() would turn control characters into harmless spaces.
        typed = self.request.arguments.get("name", [b""])[-1].decode(errors="replace")
        try:
            if self.settings["twitter"]:
                raise ValueError("Here one signs in through Twitter.")
            name = clean_nickname(typed)
            await self.application.room.claim(name, self.browser)
        except (OSError, ValueError) as error:  # OSError: the room cannot be asked
            return self.refuse(str(error), typed)
        self.set_signed_cookie("username", name)
        self.redirect("/chat", status=303)

    def refuse(self, error, typed=""):
        """Show the sign-in page again, with one sentence and what was typed."""
        self.set_status(400)
        if not self.application.room.ready:
            self.set_status(503)
        self.render("templates/index.html", error=error, name=typed)

    # ------------------------------------------- Step 16. Signing in through Twitter

    async def get(self):
        """Go to Twitter, or come back from there (OAuth 1.0a, RFC 5849 section 2)."""
        if not self.settings["twitter"]:
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
        holder = self.current_user, self.browser
        self.application.disconnect(1008, "Signed out.", holder)
        await self.application.room.sign_out(*holder)
        self.redirect("/", status=303)


# ------------------------------------------------------------------ Step 5. The log

PAUSE = 0.01  # seconds between two batches in a busy room, so that messages gather
CHECK = 30  # seconds after which an idle room looks at its file
MAX_BATCH = 200  # messages
MAX_BATCH_SIZE = 64 * 1024  # bytes
HISTORY = 50  # messages for a newcomer
LEASE = 90  # seconds that a name is kept for a browser which is silent
KEPT = 8  # batches: readers stand at two or three places, not at one

# EXCLUSIVE: a second process gets an error, not half a log.
# FULL: a commit returns when the disk has it; a power cut takes nothing that was seen.
PRAGMAS = """PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL"""
TABLES = ["""CREATE TABLE log (id INTEGER PRIMARY KEY, at REAL, name TEXT, msg TEXT,
key TEXT, UNIQUE (name, key))""",
    "CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT)"]
INSERT = "INSERT OR IGNORE INTO log (at, name, msg, key) VALUES (?, ?, ?, ?)"


class RoomError(OSError):
    """The log cannot be opened, read or written: a full disk, a second process."""


def to_line(row):
    """Encode a message of the log as one line of JSON in UTF-8."""
    message = dict(row)
    return json.dumps(message, ensure_ascii=False).encode()


class Room:
    """The conversation, an append-only log in SQLite, and who holds which name.

    This is the seam: RedisRoom overrides some of these methods, and nobody else asks
    which of the two a room is.

    Args:
        path: the database file, made when it is missing; "": a temporary one.
    """

    ready = True  # False: people can read, and find another process if there is one

    def __init__(self, path):
        self.path = path
        self.end = 0  # the id of the last message that readers may see
        self.rows = []  # posted, but not in the log yet
        self.posted = asyncio.Event()
        self.readers = set()  # functions to call once, when the log has grown
        self.leases = {}  # case folded name: (browser, when it ends), the renewed last
        self.read = functools.lru_cache(KEPT)(self.read)  # or each reader reads anew

    async def open(self):
        """Open the file.

        Raises:
            RoomError, OSError, sqlite3.Error: it cannot be used.
        """
        if self.path:
            os.close(os.open(self.path, os.O_CREAT, 0o600))  # it holds a secret
            self.file = os.stat(self.path)
        self.db = sqlite3.connect(self.path, timeout=0.1)  # seconds
        self.db.row_factory = sqlite3.Row
        select = "SELECT sql FROM sqlite_master WHERE type = 'table'"
        tables = {table["sql"] for table in self.db.execute(select)}
        if tables and not tables.issuperset(TABLES):
            raise RoomError(f"{self.path} has tables of another program, or version")
        # All of the tables or none, or a full disk would leave a file of no use.
        tables = [] if tables else ["BEGIN", *TABLES, "COMMIT"]
        self.db.executescript(";".join([PRAGMAS, *tables]))
        self.committed = asyncio.get_running_loop().create_future()
        self.publish()
        self.publishing = asyncio.create_task(self.publish_always())

    def close(self):
        """Store what is still on its way, and close the file."""
        self.publishing.cancel()
        self.commit()
        self.db.close()

    async def remember(self, name, value):
        """Store a setting that is not there yet; return what is stored."""
        with self.db:
            insert = "INSERT OR IGNORE INTO settings VALUES (?, ?)"
            self.db.execute(insert, (name, value))
        select = "SELECT value FROM settings WHERE name = ?"
        return self.db.execute(select, (name,)).fetchone()[0]

    async def post(self, name, msg, key):
        """Append a message to the log, and wait until it is on the disk.

        Args:
            name: the author.
            msg: the text.
            key: the author's idempotency key, or None.
        Returns:
            None, or the id of the message that has this (name, key) in the log already.
        Raises:
            RoomError: the message is not stored; it may be posted again.
        """
        at = time.time()
        self.rows.append((at, name, msg, key))
        self.posted.set()
        if error := await asyncio.shield(self.committed):
            raise error
        select = "SELECT id FROM log WHERE name = ? AND key = ? AND at <> ?"
        resent = self.db.execute(select, (name, key, at)).fetchone()
        return resent and resent["id"]

    async def publish_always(self):
        """Publish at once in a quiet room; in a busy one the next messages gather."""
        loop = asyncio.get_running_loop()
        while True:
            # Not wait_for(): before Python 3.12 it can miss that it is cancelled.
            timer = loop.call_later(CHECK, self.posted.set)
            await self.posted.wait()
            timer.cancel()
            begun = time.monotonic()
            self.publish()
            # With many readers it takes long. A third of the time is for all the rest.
            await asyncio.sleep(max(PAUSE, (time.monotonic() - begun) / 2))

    def publish(self):
        """Commit, and only then let the authors and the readers know."""
        committed = self.committed
        self.committed = asyncio.get_running_loop().create_future()
        self.posted.clear()
        committed.set_result(self.commit())
        self.read.cache_clear()  # or frames would not grow with what there is to read
        readers, self.readers = self.readers, set()
        for send_batch in readers:
            send_batch()

    def commit(self):
        """Write the next batch to the disk, all of it or nothing; return the error."""
        rows, self.rows = self.rows, []
        try:
            with self.db:
                if self.path and not os.path.samestat(self.file, os.stat(self.path)):
                    raise OSError(f"{self.path} is another file now; start again")
                self.db.executemany(INSERT, rows)
            self.end, = self.db.execute("SELECT ifnull(max(id), 0) FROM log").fetchone()
        except (OSError, sqlite3.Error) as error:
            self.db.rollback()
            log.app_log.error("%d messages are not stored: %s", len(rows), error)
            return RoomError("Not stored yet. It will be sent again.")
        return None

    async def place(self, since, at):
        """Find the cursor of a client that comes back.

        Args:
            since: the id of the last message that the client has.
            at: that message's time, by which the two logs are compared; None: do not.
        Returns:
            The cursor, or None: the client has read another log than this one.
        """
        if at is None:
            return min(since, self.end)
        select = "SELECT id FROM log WHERE id = ? AND at = ?"
        return since if self.db.execute(select, (since, at)).fetchone() else None

    def read(self, cursor):
        """Read a batch: MAX_BATCH messages or MAX_BATCH_SIZE bytes, whichever is less.

        Args:
            cursor: the id of the last message that was read.
        Returns:
            The new cursor, and the batch: lines of JSON in UTF-8.
        Raises:
            RoomError: the file cannot be read.
        """
        select = """SELECT id, at, name, msg, key FROM log
            WHERE id > ? AND id <= ? ORDER BY id LIMIT ?"""
        lines, size = [], 0
        try:
            for row in self.db.execute(select, (cursor, self.end, MAX_BATCH)):
                line = to_line(row)
                size += len(line) + 1
                if lines and size > MAX_BATCH_SIZE:
                    break
                lines.append(line)
                cursor = row["id"]
        except sqlite3.Error as error:
            raise RoomError(f"cannot read {self.path}: {error}") from error
        return cursor, b"\n".join(lines)

    async def claim(self, name, browser):
        """Take a name for a browser, or renew its lease: for LEASE seconds from now.

        Args:
            name: the nickname; Ann and ANN are one.
            browser: what tells one browser from another. The same one may ask again.
                One without (None) keeps nobody away.
        Raises:
            ValueError: another browser holds the name; one sentence for people.
        """
        name, now = name.casefold(), time.monotonic()
        holder, until = self.leases.get(name, (browser, 0))
        if holder not in (None, browser) and now < until:
            raise ValueError(TAKEN)
        self.leases.pop(name, None)
        self.leases[name] = browser, now + LEASE
        # Renewed ones are last, so that those which have run out are first.
        while next(iter(self.leases.values()))[1] < now:
            del self.leases[next(iter(self.leases))]

    async def release(self, name, browser):
        """Give a name back, for the last window that had it has said goodbye."""
        if self.leases.get(name.casefold(), (None,))[0] == browser:
            self.leases.pop(name.casefold(), None)

    async def sign_out(self, name, browser):
        """Give a name back, and close its connections in the other processes."""
        await self.release(name, browser)


# -------------------------------------------------------------- Step 7. People talk

KEY = re.compile("[ -~]{1,100}")  # printable ASCII
MAX_MESSAGE = 2000  # characters
ID = "[0-9]{1,15}"
TIME = r"[0-9]{1,15}(\.[0-9]+)?"  # seconds
CONTROL = re.compile(r"[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")  # but line breaks, tabs
RATE = 10  # messages a second from one connection,
BURST = 20  # after so many at once
PING = 30  # seconds between two signs of life
PING_FRAME = b"\x89\x00"  # RFC 6455 section 5.5.2
GOODBYES = 1000, 1001  # close codes of pages; a line that breaks keeps its name
MAX_BEHIND = 1000  # messages; whoever is further behind starts anew
GOODBYE = 3  # seconds that a stopping server waits for answers


@functools.lru_cache(KEPT)  # or each reader of a batch would wrap it anew
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
        frame: a JSON object such as {"msg": text, "key": key}; anything else is itself
            the text of a message.
    Returns:
        The object; an empty one if its key is none.
    """
    try:
        message = json.loads(frame)
    except (ValueError, RecursionError):  # it is no JSON
        return {"msg": frame}
    if not isinstance(message, dict):
        return {"msg": frame}
    key = message.get("key")
    usable = key is None or (isinstance(key, str) and KEY.fullmatch(key))
    return message if usable else {}


def clean_text(msg):
    """Make a message fit for the log, or raise ValueError with one sentence."""
    if not isinstance(msg, str):
        raise ValueError('Send {"msg": "some text", "key": "a random id"}.')
    # They drive terminals, and are up to six times as long in JSON.
    if CONTROL.search(msg):
        raise ValueError("A message cannot hold control characters.")
    # JSON can hold halves of characters, UTF-8 and SQLite cannot.
    msg = msg.encode("utf-16", "surrogatepass").decode("utf-16", "replace").strip()
    if not msg:
        raise ValueError("An empty message is not sent.")
    if len(msg) > MAX_MESSAGE:
        raise ValueError(f"Messages are limited to {MAX_MESSAGE} characters.")
    return msg


class WebSocketHandler(BaseHandler, websocket.WebSocketHandler):
    """One connection: its cursor into the log, and what its frames mean."""

    heartbeat = None  # a timer; None: not open yet
    silent = False  # whether nothing has come since the last ping
    due = 0  # when the next message may come, seconds

    async def prepare(self):
        """Refuse, before the upgrade, who may not come in, and find the cursor."""
        # A browser lets any site open a WebSocket here, and sends our cookie along. The
        # scheme does not count: a proxy may turn the browser's https into http.
        origin = self.request.headers.get("Origin", "://" + self.request.host)
        if origin.partition("://")[2] != self.request.host:
            raise web.HTTPError(403)
        # The page says for whom it was made. Somebody else may have signed in since.
        name = self.get_query_argument("name", self.current_user)
        if not self.current_user or name != self.current_user or await self.renew():
            raise web.HTTPError(403)
        self.room = self.application.room
        self.cursor = max(0, self.room.end - HISTORY)
        since = self.get_query_argument("since", str(self.cursor))
        at = self.get_query_argument("at", None)
        if not re.fullmatch(ID, since) or not re.fullmatch(TIME, at or "0"):
            raise web.HTTPError(400, "this is no place in a log")
        if at and not self.room.ready:  # who has not read yet can do so here
            raise web.HTTPError(503)
        self.cursor = await self.room.place(int(since), at and float(at))
        if self.request.connection.stream.closed():  # it has left while we asked
            raise web.HTTPError(400)

    def write_error(self, status_code, **kwargs):
        self.finish()  # without a page, for which a client that has left has no use

    def open(self):
        self.set_nodelay(True)  # or Nagle's algorithm holds messages back for 40-200 ms
        # The request's headers and ours would stay as long as the connection: 2-3 kB.
        self.request.headers.clear()
        self._headers.clear()
        self.holder = self.current_user, self.browser
        self.application.connections[self.holder].add(self)
        self.heartbeat = ioloop.IOLoop.current().call_later(PING, self.keep_alive)
        if self.cursor is None:
            return self.close(1012, "This is another log.")
        self.send_batch()
        if not self.room.ready:
            self.close(1001, "This process is cut off.")

    def on_close(self):
        if not self.heartbeat:  # it has left during its handshake
            return
        ioloop.IOLoop.current().remove_timeout(self.heartbeat)
        self.room.readers.discard(self.send_batch)
        if not self.application.connections[self.holder]:
            del self.application.connections[self.holder]
            if self.close_code in GOODBYES:
                ioloop.IOLoop.current().add_callback(self.say_goodbye)
        self.application.connections[self.holder].discard(self)

    async def say_goodbye(self):
        """Give the name back, unless this browser has opened a window meanwhile."""
        if self.holder not in self.application.connections:
            await self.application.room.release(*self.holder)

    def is_open(self):
        """Tell whether frames may be sent: after a close frame nothing may follow."""
        return self.ws_connection and not self.ws_connection.is_closing()

    def send_batch(self, _=None):
        """Send the next batch; go on when it is taken or the log has grown.

        A reader who has stopped reading holds up nobody and costs one batch.
        """
        if not self.is_open():
            return
        if self.cursor >= self.room.end:
            return self.room.readers.add(self.send_batch)
        if self.cursor < self.room.end - MAX_BEHIND:
            return self.close(1012, "Too far behind.")
        try:
            self.cursor, lines = self.room.read(self.cursor)
        except RoomError as error:
            log.app_log.error("%s", error)
            return self.close(1011, "The log cannot be read.")
        taken = self.transmit(to_frame(lines))
        if taken:
            taken.add_done_callback(self.send_batch)
        elif self.cursor < self.room.end:
            # Who has much to read lets the others run.
            asyncio.get_running_loop().call_soon(self.send_batch)
        else:
            self.room.readers.add(self.send_batch)

    def transmit(self, frame):
        """Hand a frame to the network. Nothing but this writes to an open connection.

        Two writers could overtake or split each other's frames.

        Args:
            frame: bytes. They go to the socket at once if nothing waits in Tornado's
                stream; that saves half of the work.
        Returns:
            None, or where the network cannot take all of it now, a future of that.
        """
        stream, sent = self.ws_connection.stream, 0
        if not stream.writing():
            try:
                sent = stream.write_to_fd(memoryview(frame))
            except OSError:
                pass  # full or broken: the stream finds out
        return stream.write(frame[sent:]) if sent < len(frame) else None

    async def tell(self, line):
        """Send one line to this client alone, and wait until the network has taken it.

        Args:
            line: what is to be sent as JSON.
        """
        frame = to_frame(json.dumps(line).encode())
        if self.is_open() and (taken := self.transmit(frame)):
            await asyncio.wait([taken])

    async def on_message(self, frame):
        self.silent = False
        if self.is_open():
            await self.slow_down()
        if not self.is_open():  # a flood must not outlive its sender
            return
        if isinstance(frame, bytes):
            return self.close(1003, "Text only.")
        message = parse_frame(frame)
        kind = next((kind for kind in self.kinds if kind in message), "msg")
        try:
            await self.kinds[kind](self, message)
        except (ValueError, RoomError) as error:
            retry = {"retry": True} if isinstance(error, RoomError) else {}
            await self.tell({"error": str(error), "key": message.get("key"), **retry})

    async def take_message(self, message):
        """Post a message; answer if it is a resend."""
        msg, key = message.get("msg"), message.get("key")
        msg = clean_text(msg)
        stored = await self.room.post(self.current_user, msg, key)
        # In front of the cursor, the message itself will be the answer.
        if stored and not self.cursor < stored <= self.room.end:
            await self.tell({"id": stored, "key": key})

    # What a frame is, by the first of these keys that it has.
    kinds = {
        "msg": take_message,
    }

    async def slow_down(self):
        """Let BURST messages in at once, then RATE a second.

        Tornado reads the next frame when on_message is done, so that a flood waits in
        its buffer (64 kB) and in the network: backpressure, and nothing is lost.
        """
        self.due = max(self.due, time.monotonic() - BURST / RATE) + 1 / RATE
        await asyncio.sleep(self.due - time.monotonic())

    async def keep_alive(self):
        """Show a sign of life, renew the lease; close if none came since the last time.

        Tornado's own websocket_ping_timeout counts only pongs as a sign of life, and
        the pong of somebody who floods waits behind the flood.
        """
        if self.silent or not self.is_open():
            return self.close(1001, "No sign of life.")
        self.silent = True
        self.heartbeat = ioloop.IOLoop.current().call_later(PING, self.keep_alive)
        if not self.ws_connection.stream.writing():
            self.transmit(PING_FRAME + to_frame(b"{}"))  # JavaScript sees no pings
        if error := await self.renew():
            self.close(1008, error)

    def on_pong(self, data):
        self.silent = False


# ----------------------------------------------------- Step 14. Running it for others

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
    except (Error, OSError, ValueError, sqlite3.Error) as error:
        advice = "Try another --port, --address, --db or --redis (--help)."
        sys.exit(f"chat.py: {error}. {advice}")
    server = Server(
        application, xheaders=options.xheaders, max_header_size=16 * 1024,  # bytes
        max_body_size=64 * 1024, idle_connection_timeout=60, body_timeout=10)  # seconds
    server.add_sockets(sockets)
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    # By default (700 in Python 3.11) the collector walks all connections again and
    # again while messages are sent.
    gc.set_threshold(10_000)
    autoreload.add_reload_hook(lambda: application.disconnect(1001, "Starting anew."))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
    print("The chat runs at", web_address(*sockets[0].getsockname()[:2]), flush=True)
    await stop.wait()
    server.stop()
    await application.close()


if __name__ == "__main__":
    from chat import main  # redis_room.py imports chat, too: it has to be the same

    asyncio.run(main())
