"""The room of chat.py, shared by many processes.

The log is a Redis Stream, and each process keeps a copy of its newest messages, which
its connections read. Redis numbers the entries 0-1, 0-2, 0-3 ...: the ids of the chat.
"""

import asyncio
import contextlib
import logging
import os
import re
import tempfile
import time

from redis import RedisError
from redis import asyncio as redis

from chat import MAX_BEHIND, PAUSE, TAKEN, Room, RoomError

LOG = "chat:log"
OUT = "chat:out"  # a stream of the sessions that sign out
SECRET = "chat:cookie_secret"
NAME = "chat:name:"  # and a name, case folded: the session that holds it
LEASE = 45_000  # ms for which a name is kept when nobody renews it
RENEWAL = 15  # seconds from one renewal to the next
KEY = "chat:key:"  # and a name, a line break, an idempotency key: the message's id
KEY_LIFE = 7 * 24 * 3600  # seconds for which a resent message is recognised
TIMEOUT = 5  # seconds for an answer of Redis
CUT_OFF = 10  # seconds without Redis after which people are sent to another process
WAIT = 1000  # ms for which Redis waits for something new
URL = re.compile(r"unix:.*|rediss?://[^/?]*(/[0-9]*)?(\?.*)?")
ENTRY = re.compile(r"0-([0-9]{1,15}) ([0-9]{1,12}\.?[0-9]*)")  # id and time, seconds
INSERT = "INSERT OR IGNORE INTO log VALUES (?, ?, ?, ?, nullif(?, ''))"
# XDEL and XSETID would be shorter, but since Redis 8.2 the latter refuses.
FOREIGN = """%s in chat:log is no message. If nobody can post, do: redis-cli EVAL \
"local log = redis.call('XRANGE', KEYS[1], '0-1', '0-999999999999999') \
redis.call('DEL', KEYS[1]) for _, entry in ipairs(log) do \
redis.call('XADD', KEYS[1], entry[1], unpack(entry[2])) end" 1 chat:log"""

# Redis runs a script as one step, but what is done when it fails stays done: so XADD
# before SET. 0-*: the next number, for Redis 7.0 or newer.
APPEND = """local stored = ARGV[1] ~= '' and redis.call('GET', KEYS[2])
if stored then return tonumber(stored) end
local id = redis.call('XADD', KEYS[1], '0-*', 'key', ARGV[1], unpack(ARGV, 3))
if ARGV[1] ~= '' then redis.call('SET', KEYS[2], id:sub(3), 'EX', ARGV[2]) end"""
CLAIM = """local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return false end
return redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])"""


def redis_client(url):
    """Return a client of the Redis at redis://HOST:PORT/NUMBER.

    Raises:
        TypeError, ValueError: this is no such address.
    """
    if not URL.fullmatch(url):
        raise ValueError(url)
    # No retries: one could store a message twice that has no key. Protocol 2: with 3,
    # redis-py 8.1 hands out connections that Redis has closed.
    pool = redis.BlockingConnectionPool.from_url(
        url, max_connections=16, timeout=TIMEOUT, socket_timeout=TIMEOUT,
        decode_responses=True, encoding_errors="surrogateescape", protocol=2)
    pool.make_connection()  # only this finds an option that there is not
    return redis.Redis.from_pool(pool)


def to_row(id, fields):
    """Turn an entry of the stream into a row of the log.

    Args:
        id: such as "0-17".
        fields: {"name": "ann", "msg": "hello", "key": "", "at": "1764000000.5"}.
    Raises:
        KeyError, AttributeError: this chat has not written it.
    """
    number, at = ENTRY.fullmatch(f"{id} {fields['at']}").groups()
    return int(number), float(at), fields["name"], fields["msg"], fields["key"]


@contextlib.contextmanager
def asking(sentence):
    """Turn an error of Redis into a RoomError with a sentence for people."""
    try:
        yield
    # Cancelled: this process stops, and Redis has not answered yet.
    except (RedisError, OSError, asyncio.CancelledError) as error:
        logging.error("Redis: %s: %s", type(error).__name__, error)
        raise RoomError(sentence) from error


class RedisRoom(Room):
    """The log of many processes: a Redis Stream, and a copy of it in each of them."""

    def __init__(self, redis):
        self.folder = tempfile.TemporaryDirectory()
        super().__init__(os.path.join(self.folder.name, "copy.db"))
        self.redis, self.closed = redis, False
        self.foreign = set()  # ids of entries that are no messages

    async def open(self):
        """Copy the newest messages, or raise RedisError."""
        await super().open()
        # The copy need not outlive a power cut: Redis has it all.
        self.db.execute("PRAGMA synchronous = OFF")
        # A trial: a Redis Cluster refuses a script that has two keys like these.
        await self.redis.eval("return 1", 2, NAME, LOG)
        await self.share_secret()
        # From here on sign-outs are of interest.
        self.heard = await self.redis.xadd(OUT, {"session": ""}, maxlen=1000)
        await self.copy()
        self.answered = time.monotonic()  # when Redis last did
        self.tasks = [
            asyncio.create_task(self.follow_always()),
            asyncio.create_task(self.renew_always()),
        ]

    def close(self):
        self.closed = True
        super().close()
        self.folder.cleanup()

    def look(self):
        """Return nothing: the copy is nobody else's, and cheap to lose."""

    def is_cut_off(self):
        """Tell whether people should go to another process."""
        return time.monotonic() > self.answered + CUT_OFF

    async def share_secret(self):
        """Agree with the other processes on what signs cookies."""
        mine = self.secret
        self.secret = await self.redis.set(SECRET, mine, nx=True, get=True) or mine

    async def post(self, name, msg, key):
        keys, fields = (LOG, f"{KEY}{name}\n{key}"), ("name", name, "msg", msg)
        at = round(time.time(), 3)
        with asking("Not stored yet. It will be sent again."):
            return await self.redis.eval(
                APPEND, 2, *keys, key or "", KEY_LIFE, *fields, "at", at)

    async def copy(self):
        """Begin the copy anew, with the newest messages of the stream."""
        entries = await self.redis.xrevrange(LOG, count=MAX_BEHIND + 1)
        self.disconnect(1012, "The log begins anew.")
        self.db.execute("DELETE FROM log")
        self.newest = "0-0", None  # the last entry of the copy
        self.take(entries[::-1])

    def take(self, entries):
        """Put entries of the stream into the copy, and let the readers see them."""
        # Nobody reads further back.
        self.db.execute("DELETE FROM log WHERE id < ?", (self.end - MAX_BEHIND,))
        for id, fields in entries:
            try:
                self.db.execute(INSERT, to_row(id, fields))
            # UnicodeError: bytes that are no UTF-8.
            except (KeyError, AttributeError, UnicodeError):
                if id not in self.foreign:
                    logging.error(FOREIGN, id)
                self.foreign.add(id)
            if id.startswith("0-"):
                self.newest = id, fields
        self.publish()

    async def follow_always(self):
        """Follow the streams, whatever becomes of Redis."""
        # Until close(): redis-py 8.1 swallows the cancellation of a task now and then.
        while not self.closed:
            try:
                await self.follow()
                self.answered = time.monotonic()
                await asyncio.sleep(PAUSE)  # in a busy room the next messages gather
            except Exception as error:  # whatever it is, the next round begins anew
                logging.error("Redis: %s: %s", type(error).__name__, error)
                if self.is_cut_off():
                    self.disconnect(1001, "Redis cannot be reached.")
                await asyncio.sleep(WAIT / 1000)

    async def follow(self):
        """Wait for the streams to grow, and do what they say."""
        id, fields = self.newest
        pipe = self.redis.pipeline(transaction=False)
        pipe.xread({LOG: id, OUT: self.heard}, MAX_BEHIND, WAIT).xrange(LOG, id, id)
        news, same = map(dict, await pipe.execute())
        for self.heard, out in news.get(OUT, []):
            await self.forget(out["session"])
        if same.get(id) != fields:
            logging.error("Redis has lost messages. The copy begins anew.")
            await self.copy()
            await self.share_secret()
        elif LOG in news:
            self.take(news[LOG])

    def disconnect(self, code, reason):
        """Close all connections of this process."""
        for connection in list(self.connections):
            connection.close(code, reason)

    async def place(self, since, at):
        if int(since or 0) > self.end:  # another process may be ahead of this one
            await asyncio.sleep(WAIT / 1000)
        return await super().place(since, at)

    async def claim(self, name, session):
        """Take a name for LEASE, or renew it; raise RoomError if Redis is away."""
        if name[:1] in ("", "@"):
            return True
        sentence = "Please try again in a minute."
        if self.is_cut_off():  # Redis would let each page wait for TIMEOUT
            raise RoomError(sentence)
        with asking(sentence):
            ask = NAME + name.casefold(), session, LEASE
            return bool(await self.redis.eval(CLAIM, 1, *ask))

    async def renew_always(self):
        """Keep the names of those who are here."""
        while not self.closed:
            await asyncio.sleep(RENEWAL)
            with contextlib.suppress(RoomError):  # the next round asks again
                for connection, name in list(self.connections.items()):
                    if not await self.claim(name, connection.session):
                        connection.close(1008, TAKEN)

    async def sign_out(self, session):
        """Tell all processes, this one included, or close what is here at least."""
        try:
            with asking(""):
                await self.redis.xadd(OUT, {"session": session}, maxlen=1000)
        except RoomError:
            await super().sign_out(session)

    async def forget(self, session):
        """Close a session's windows in this process, and free their names."""
        windows = list(self.connections.items())
        names = {name for each, name in windows if each.session == session}
        await super().sign_out(session)
        for name in names:
            await self.redis.eval(CLAIM, 1, NAME + name, session, 1)
