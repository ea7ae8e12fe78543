"""The room of chat.py, shared by many processes: chat.py --redis=redis://127.0.0.1:6379

The log is a Redis Stream, and each process keeps a copy of its newest messages, which
its connections read. Redis numbers the entries 0-1, 0-2, 0-3 ...: the ids of the chat.
"""

import asyncio
import contextlib
import re
import time

from tornado.log import app_log

from chat import LEASE, MAX_BEHIND, PAUSE, PING, TAKEN, Room, RoomError

try:
    from redis import RedisError
    from redis import asyncio as redis
except ImportError as error:
    raise RoomError("--redis needs: pip install 'redis[hiredis]>=6'") from error

LOG = "chat:log"
OUT = "chat:out"  # a stream of who signs out
NAME = "chat:name:"  # and a name, case folded: the browser that holds it
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
CLAIM = """local holder = redis.call('GET', KEYS[1]) or ''
if holder ~= '' and holder ~= ARGV[1] then return false end
return redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])"""


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
        app_log.error("Redis: %s: %s", type(error).__name__, error)
        raise RoomError(sentence) from error


class RedisRoom(Room):
    """The log of many processes: a Redis Stream, and a copy of it in each of them.

    Args:
        url: where Redis is, such as redis://127.0.0.1:6379.
        application: whose connections read the copy.
    """

    def __init__(self, url, application):
        super().__init__("")
        self.url, self.application = url, application
        self.foreign = set()  # ids of entries that are no messages

    async def open(self):
        """Connect to Redis and copy the newest messages, or raise RoomError."""
        await super().open()
        try:
            if not URL.fullmatch(self.url):
                raise ValueError("its address is redis://HOST:PORT/NUMBER")
            # No retries: one could store a message twice that has no key. Protocol 2:
            # with 3, redis-py 8.1 hands out connections that Redis has closed.
            self.redis = redis.Redis.from_pool(redis.BlockingConnectionPool.from_url(
                self.url, max_connections=16, timeout=TIMEOUT, socket_timeout=TIMEOUT,
                decode_responses=True, encoding_errors="surrogateescape", protocol=2))
            # A trial: a Redis Cluster refuses a script that has two keys like these.
            await self.redis.eval(CLAIM, 2, NAME, LOG, "", 1)
            # From here on sign-outs are of interest.
            self.heard = await self.redis.xadd(OUT, {"name": "", "browser": ""})
            await self.copy()
        except (RedisError, OSError, TypeError, ValueError) as error:
            raise RoomError(f"Redis cannot be used: {error}".rstrip(".")) from error
        self.following = asyncio.create_task(self.follow_always())

    async def remember(self, name, value):
        with asking("Redis cannot be used"):
            stored = await self.redis.set("chat:" + name, value, nx=True, get=True)
        self.remembered = name, stored or value
        return self.remembered[1]

    async def post(self, name, msg, key):
        keys, fields = (LOG, f"{KEY}{name}\n{key}"), ("name", name, "msg", msg)
        with asking("Not stored yet. It will be sent again."):
            return await self.redis.eval(
                APPEND, 2, *keys, key or "", KEY_LIFE, *fields, "at", time.time())

    async def copy(self):
        """Begin the copy anew, with the newest messages of the stream."""
        entries = await self.redis.xrevrange(LOG, count=MAX_BEHIND)
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
                    app_log.error(FOREIGN, id)
                self.foreign.add(id)
            if id.startswith("0-"):
                self.newest = id, fields
        self.publish()

    async def follow_always(self):
        """Follow the stream, whatever becomes of Redis."""
        answered = time.monotonic()
        # Until close(): redis-py 8.1 swallows the cancellation of a task now and then.
        while not self.publishing.done():
            try:
                await self.follow()
                answered, self.ready = time.monotonic(), True
                await asyncio.sleep(PAUSE)
            except Exception as error:  # whatever it is, the next round begins anew
                app_log.error("Redis: %s: %s", type(error).__name__, error)
                self.ready = time.monotonic() < answered + CUT_OFF
                if not self.ready:
                    self.application.disconnect(1001, "Redis cannot be reached.")
                await asyncio.sleep(WAIT / 1000)

    async def follow(self):
        """Wait for the streams to grow, and do what they say."""
        id, fields = self.newest
        pipe = self.redis.pipeline(transaction=False)
        pipe.xread({LOG: id, OUT: self.heard}, MAX_BEHIND, WAIT).xrange(LOG, id, id)
        news, same = map(dict, await pipe.execute())
        for self.heard, out in news.get(OUT, []):
            holder = out["name"], out["browser"] or None
            self.application.disconnect(1008, "Signed out.", holder)
        if same.get(id) != fields:
            app_log.error("Redis has lost messages. The copy begins anew.")
            await self.copy()
            self.application.disconnect(1012, "The log begins anew.")
            await self.remember(*self.remembered)
        elif LOG in news:
            self.take(news[LOG])

    async def place(self, since, at):
        if since > self.end:  # another process may be ahead of this one
            await asyncio.sleep(WAIT / 1000)
        return await super().place(since, at)

    async def claim(self, name, browser, seconds=LEASE):
        with asking("Please try again in a minute."):
            keys = NAME + name.casefold(), browser or "", int(seconds * 1000)
            if not await self.redis.eval(CLAIM, 1, *keys):
                raise ValueError(TAKEN)

    async def release(self, name, browser):
        # Another process may have a window of this browser, and renews the lease.
        with contextlib.suppress(OSError, ValueError):
            await self.claim(name, browser, PING + 5)

    async def sign_out(self, name, browser):
        holder = {"name": name, "browser": browser or ""}
        with contextlib.suppress(OSError, ValueError), asking(""):
            await self.redis.xadd(OUT, holder, maxlen=1000)
            await self.claim(name, browser, 0.001)
