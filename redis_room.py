"""The room of chat.py, shared by many processes: chat.py --redis=redis://127.0.0.1:6379

The log is a Redis Stream, and each process keeps a copy of its newest messages, which
its connections read. Redis numbers the entries 0-1, 0-2, 0-3 ...: the ids of the chat.
"""

import asyncio
import contextlib
import time

from tornado import log

from chat import LEASE, PAUSE, PING, TAKEN, Room, RoomError

try:
    from redis import RedisError
    from redis import asyncio as redis
except ImportError as error:
    raise RoomError("--redis needs more: pip install redis[hiredis]") from error

LOG = "chat:log"
OUT = "chat:out"  # a stream of who signs out
NAME = "chat:name:"  # and a name, case folded: the browser that holds it
REPLAY = 10_000  # messages that a copy begins with
KEY_LIFE = 7 * 24 * 3600  # seconds for which a resent message is recognised
TIMEOUT = 5  # seconds for an answer of Redis
CUT_OFF = 10  # seconds without Redis after which people are sent to another process
WAIT = 1000  # ms for which Redis waits for something new
INSERT = "INSERT OR IGNORE INTO log VALUES (?, ?, ?, ?, nullif(?, ''))"
REPAIR = "Nobody can post behind it. Repair: XDEL %s %s, then XSETID %s %s"

# Redis runs a script as one step, but what is done when it fails stays done: so XADD
# before SET. 0-*: the next number, for Redis 7.0 or newer.
APPEND = """local key, life = ARGV[1], ARGV[2]
local stored = key ~= '' and redis.call('GET', KEYS[2])
if stored then return tonumber(stored) end
local id = redis.call('XADD', KEYS[1], '0-*', unpack(ARGV, 3))
if key ~= '' then redis.call('SET', KEYS[2], id:sub(3), 'EX', life) end"""
# To hold a name for 0 seconds gives it back.
HOLD = """local name, browser, seconds = KEYS[1], ARGV[1], ARGV[2]
local holder = redis.call('GET', name)
if holder and holder ~= '' and holder ~= browser then return 0 end
redis.call('SET', name, browser)
return redis.call('EXPIRE', name, seconds)"""


def to_row(id, fields):
    """Turn an entry of the stream into a row of the log.

    Args:
        id: such as b"0-17".
        fields: such as {b"name": b"ann", b"msg": b"hello", b"key": b"", b"at": b"1.5"}.
    Raises:
        KeyError, ValueError: somebody else has written it.
    """
    at, name, msg, key = (fields[field] for field in (b"at", b"name", b"msg", b"key"))
    number = int(id.removeprefix(b"0-"))  # fails where Redis took the id from a clock
    return number, float(at), name.decode(), msg.decode(), key.decode()


@contextlib.contextmanager
def asking(what):
    """Turn an error of Redis into a RoomError: one sentence for people."""
    try:
        yield
    except (RedisError, OSError, TypeError, ValueError) as error:
        log.app_log.error("Redis: %r", error)
        raise RoomError(what.format(error).rstrip(".")) from error


class RedisRoom(Room):
    """The log of many processes: a Redis Stream, and a copy of it in each of them.

    Args:
        url: where Redis is, such as redis://127.0.0.1:6379.
        application: whose connections read the copy.
    """

    def __init__(self, url, application):
        super().__init__("")
        self.url, self.application = url, application
        self.newest = "0-0", None  # the last entry of the copy
        self.foreign = None  # the id of the last entry that is no message
        self.answered = time.monotonic()  # when Redis did so last
        self.closed = False

    async def open(self):
        """Connect to Redis and copy the newest messages, or raise RoomError."""
        await super().open()
        with asking("Redis cannot be used: {}"):
            pool = redis.BlockingConnectionPool.from_url(
                self.url, max_connections=16, timeout=TIMEOUT, socket_timeout=TIMEOUT)
            self.redis = redis.Redis(connection_pool=pool)
            self.append = self.redis.register_script(APPEND)
            self.hold = self.redis.register_script(HOLD)
            # With two keys, which a Cluster refuses.
            await self.hold([NAME, LOG], ["", 0])
            last = await self.redis.xrevrange(OUT, count=1)
            self.heard = last[0][0] if last else "0-0"
            await self.copy()
        self.following = asyncio.create_task(self.follow_always())

    def close(self):
        self.closed = True
        # Or Tornado tells at length of each message that Redis has not answered yet.
        log.app_log.disabled = True

    async def remember(self, name, value):
        with asking("Redis cannot be used: {}"):
            stored = await self.redis.set("chat:" + name, value, nx=True, get=True)
        self.remembered = name, (stored or value.encode()).decode()
        return self.remembered[1]

    async def post(self, name, msg, key):
        fields = "name", name, "msg", msg, "key", key or "", "at", time.time()
        with asking("Not stored yet. It will be sent again."):
            keys = LOG, f"chat:key:{name}\n{key}"
            return await self.append(keys, [key or "", KEY_LIFE, *fields])

    async def copy(self):
        """Begin the copy anew, with the newest messages of the stream."""
        entries = await self.redis.xrevrange(LOG, count=REPLAY)
        self.db.execute("DELETE FROM log")
        self.newest = "0-0", None
        self.take(entries[::-1])

    def take(self, entries):
        """Put entries of the stream into the copy, and let the readers see them."""
        rows = []
        for id, fields in entries:
            try:
                rows.append(to_row(id, fields))
            except (KeyError, ValueError) as error:
                self.report(id.decode(), error)
            if id.startswith(b"0-"):
                self.newest = id, fields
        self.db.executemany(INSERT, rows)
        self.publish()

    def report(self, id, error):
        """Write into the server's log, once, that an entry is no message."""
        if id != self.foreign:
            log.app_log.error("The entry %s of %s is no message: %r", id, LOG, error)
        if id != self.foreign and not id.startswith("0-"):
            log.app_log.error(REPAIR, LOG, id, LOG, self.newest[0].decode())
        self.foreign = id

    async def follow_always(self):
        """Follow the stream, whatever becomes of Redis."""
        # Not for ever: redis-py 8.1 swallows the cancellation of a task now and then.
        while not self.closed:
            try:
                await self.follow()
                self.answered, self.ready = time.monotonic(), True
                await asyncio.sleep(PAUSE)
            except (RedisError, OSError) as error:
                log.app_log.error("Redis: %r", error)
                # The idle connections have died, too, and would fail the next senders.
                with contextlib.suppress(RedisError, OSError):
                    await self.redis.connection_pool.disconnect(inuse_connections=False)
                self.send_away()
                await asyncio.sleep(1)

    def send_away(self):
        """Send people to another process, if Redis has not answered for long."""
        if self.ready and time.monotonic() > self.answered + CUT_OFF:
            self.ready = False
            self.application.disconnect(1001, "Redis cannot be reached.")

    async def follow(self):
        """Wait for the stream to grow, and copy what is new."""
        places = {LOG: self.newest[0], OUT: self.heard}
        news = dict(await self.redis.xread(places, REPLAY, WAIT))
        for self.heard, fields in news.get(OUT.encode(), []):
            holder = fields[b"name"].decode(), fields[b"browser"].decode() or None
            self.application.disconnect(1008, "Signed out.", holder)
        id, fields = self.newest
        if fields and await self.redis.xrange(LOG, id, id) != [self.newest]:
            log.app_log.error("Redis has lost messages. The copy begins anew.")
            await self.remember(*self.remembered)
            await self.copy()
            self.application.disconnect(1012, "The log begins anew.")
        elif LOG.encode() in news:
            self.take(news[LOG.encode()])

    async def place(self, since, at):
        # Past the end: the client comes from a process that is ahead of this one.
        if since > self.end:
            with contextlib.suppress(RedisError):
                entries = await self.redis.xrange(LOG, f"0-{since}", f"0-{since}")
                if entries and at in (None, to_row(*entries[0])[1]):
                    return since
        return await super().place(since, at)

    async def claim(self, name, browser):
        holder = browser or ""
        try:
            if not await self.hold([NAME + name.casefold()], [holder, LEASE]):
                raise ValueError(TAKEN)
        except (RedisError, OSError):
            # Who was here before Redis went away may stay.
            if self.leases.get(name.casefold(), ("",))[0] != browser:
                raise ValueError("Please try again in a minute.") from None
        self.leases.pop(name.casefold(), None)  # whoever had it at this process
        await super().claim(name, browser)

    async def release(self, name, browser, seconds=PING + 5):
        # Another process may have a window of this browser, and renews the lease.
        with contextlib.suppress(RedisError, OSError):
            await self.hold([NAME + name.casefold()], [browser or "", seconds])

    async def sign_out(self, name, browser):
        await self.release(name, browser, seconds=0)
        with contextlib.suppress(RedisError, OSError):
            fields = {"name": name, "browser": browser or ""}
            await self.redis.xadd(OUT, fields, maxlen=1000)
