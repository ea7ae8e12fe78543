"""Crowds, crashes and floods: many people at chats that are killed and attacked.

Most of these take minutes, and wait for HEAVY=1.
"""

import asyncio
import contextlib
import os
import random
import re
import signal
import socket
import sqlite3
import statistics
import sys
import time
import unittest
from pathlib import Path

from tornado.testing import gen_test
from tornado.web import create_signed_value

import chat
from tests.support import (
    SECRET,
    ChatCase,
    CrowdCase,
    ProcessCase,
    heavy,
    to_client_frame,
    until,
    upgrade_request,
)

try:
    import resource
except ImportError:  # Windows
    resource = None


def memory(pid, kind="VmRSS"):
    """Return what memory a process holds, or held at most (VmHWM), in kB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"{kind}:\s+(\d+)", status).group(1))


def cpu(pid):
    """Return the seconds of CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def limited(kind, count):
    """Let what is started meanwhile have so many files, or bytes in one."""
    soft, hard = resource.getrlimit(kind)
    resource.setrlimit(kind, (count, hard))
    try:
        yield
    finally:
        resource.setrlimit(kind, (soft, hard))


class KillCase(CrowdCase):
    """Crowds at a chat that is killed again and again."""

    async def kill_often(self, talkers, count, rounds):
        """Let the talkers work, and kill the server at random moments meanwhile."""
        server = self.start("--port=0")
        url = server.url()
        for talker in talkers:
            talker.visitor.url = url
        running = [asyncio.ensure_future(talker.run(count)) for talker in talkers]
        moments = random.Random(20261123)
        for _ in range(rounds):
            target = len(talkers[0].seen) + moments.randrange(
                count // rounds // 2, count // rounds
            )
            await talkers[0].until_seen(min(target, count))
            server.stop(signal.SIGKILL)
            server = self.start_again(url)
            server.url()
        await asyncio.gather(*running)
        self.assertEqual(server.stop(), (0, ""))


class CrashTest(KillCase):
    @gen_test(timeout=30)
    async def test_kill_loses_and_doubles_nothing(self):
        talkers = self.talkers("", count=20, messages=50)
        await self.kill_often(talkers, 1000, rounds=4)
        self.assert_exactly_once(talkers, 1000)

    @gen_test(timeout=20)
    async def test_log_cut_back_starts_anew(self):
        server = self.start("--port=0")
        url = server.url()
        alice, bob = (self.visitor(url).sign_in(name) for name in ("alice", "bob"))
        old = await self.say(await alice.connect(), range(1, 9))
        server.stop(signal.SIGKILL)
        with contextlib.closing(sqlite3.connect(self.db)) as db, db:
            db.execute("DELETE FROM log WHERE id > 4")
        self.start_again(url).url()
        new = await self.say(await bob.connect("?since=4"), range(5, 11))
        last = old[-1]
        returned = await alice.connect(f"?since={last['id']}&at={last['at']}")
        self.assertEqual(await returned.close_code(), 1012)
        self.assertEqual(await (await alice.connect()).read(10), old[:4] + new)

    async def say(self, chat_socket, numbers):
        """Send some numbers; return the lines that come back."""
        for number in numbers:
            await chat_socket.send(f"{number}")
        return await chat_socket.read(len(numbers))

    @unittest.skipUnless(sys.platform == "linux", "sets a limit to a file's size")
    @gen_test(timeout=30)
    async def test_disk_full_at_the_start_one_line(self):
        sizes = 0, 4096, 16_384, 24_576
        servers = []
        for size in sizes:
            with limited(resource.RLIMIT_FSIZE, size):
                servers.append(self.start_beside(size))
        for server in servers:
            self.assertEqual(server.process.wait(10), 1)
            self.assertRegex(server.stop()[1], r"^chat\.py: [^\n]*Try [^\n]*file\.\n$")
        servers = [self.start_beside(size) for size in sizes]  # there is room again
        for server in servers:
            server.url()
            self.assertEqual(server.stop(), (0, ""))

    def start_beside(self, name):
        """Start a chat with a file of its own."""
        return self.start("--port=0", f"--db={self.db}.{name}")


# ------------------------------------------------------------------------------- bounds


class CursorsTest(ChatCase):
    MANY = 1000 if "HEAVY" in os.environ else 100

    @gen_test(timeout=60)
    async def test_readers_at_some_cursors_cost_like_those_at_one(self):
        room = self.room
        await asyncio.gather(*(room.post("bob", "hello", None) for _ in range(100)))
        for _ in range(self.MANY):
            await self.raw()
        cost = {cursors: await self.cost(cursors) for cursors in (1, 1, 2, 5, 8)}
        figures = ", ".join(f"{n}: {cost[n] * 1000:.1f} ms" for n in cost)
        if "HEAVY" in os.environ:
            print(f"{self.MANY} readers, by the number of their cursors: {figures}")
        slack = 0.04 if os.name == "nt" else 0.005  # seconds; there the clock ticks
        self.assertLess(max(cost.values()), 2 * cost[1] + slack)

    async def cost(self, cursors):
        """Let all read from some places at once; return the seconds of CPU."""
        await until(lambda: len(self.room.readers) == self.MANY)
        for number, reader in enumerate(self.handlers):
            reader.cursor = 100 - 5 * (1 + number % cursors)
        begin = time.process_time()
        self.room.publish()
        return time.process_time() - begin


@unittest.skipUnless(sys.platform == "linux", "reads /proc")
class BoundsTest(ProcessCase):
    """What many readers cost, wherever they stand in the log.

    With HEAVY=1 for more of them, and then it prints its figures.
    """

    MANY = 500 if "HEAVY" in os.environ else 50

    def fill(self, count, text):
        """Make a log of so many messages."""
        with contextlib.closing(sqlite3.connect(self.db)) as db, db:
            db.executescript(chat.SCHEMA)
            rows = ((1.5, "carol", text, None) for _ in range(count))
            db.executemany(chat.INSERT, rows)

    def begin(self):
        """Start a chat; return its address."""
        self.server = self.start("--port=0")
        return self.server.url()

    def tell(self, what):
        if "HEAVY" in os.environ:
            print(f"{self.id().rpartition('.')[2]}: {what}")

    async def follow(self, url, since):
        """Open a WebSocket by hand, at a place in the log."""
        port = int(url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=4096)
        request = upgrade_request(port, self.visitor(url).sign_in("@dan").headers())
        writer.write(request.replace(b"/ws", b"/ws?since=%d" % since))
        await reader.readuntil(b"\r\n\r\n")
        return reader, writer

    @gen_test(timeout=60)
    async def test_readers_stalled_everywhere_cost_little_memory(self):
        self.fill(1000, "😀" * 2000)
        url = self.begin()
        held, pid = memory(self.server.process.pid), self.server.process.pid
        followers = [await self.follow(url, n) for n in range(self.MANY)]
        await self.visitor(url).get("/")
        grown = (memory(pid) - held) / 1024
        for _, writer in followers:
            writer.transport.abort()
        self.tell(f"{self.MANY} readers, {grown:.0f} MB")
        self.assertLess(grown, 15 + 135 * self.MANY / 500)

    @gen_test(timeout=30)
    async def test_pings_and_pongs_of_one_who_does_not_read_cost_little(self):
        for frame in (to_client_frame(b"?" * 125, 9), to_client_frame(b"", 10)):
            _, writer = await self.follow(self.begin(), 0)
            pid = self.server.process.pid
            held = memory(pid, "VmHWM")
            for _ in range(50):
                writer.write(frame * 1000)
                await writer.drain()
            self.assertLess(memory(pid, "VmHWM") - held, 1000, "kB")
            writer.transport.abort()
            self.server.stop()

    @gen_test(timeout=30)
    async def test_answers_that_nobody_reads_hold_up_nobody(self):
        with limited(resource.RLIMIT_NOFILE, 200):
            self.server = self.start("--port=0", "--logging=info")
        url = self.server.url()
        alice, port = await self.visitor(url).sign_in("alice").connect(), int(url[17:])
        ask = b"GET /static/chat.js HTTP/1.1\r\nHost: localhost\r\n\r\n"
        strangers = [self.stranger(port, ask * 500) for _ in range(3)]
        strangers += [self.stranger(port, ask) for _ in range(997)]
        await alice.send("hello")
        await alice.line()
        pid, used = self.server.process.pid, -1
        while cpu(pid) - used > 0.1:  # soon there is nothing to do
            used = cpu(pid)
            await asyncio.sleep(0.5)
        fd = f"/proc/{pid}/fd"
        files = [os.readlink(f"{fd}/{number}") for number in os.listdir(fd)]
        self.assertNotIn("/static/", "".join(files))
        for stranger in strangers:
            stranger.close()
        while (await self.visitor(url).get("/")).code != 200:
            pass  # it turns people away until it has files again
        self.assertLess(len(self.server.stop()[1]), 10**6)

    def stranger(self, port, ask):
        """Return a socket that asks, but takes next to nothing."""
        stranger = socket.socket()
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        stranger.connect(("127.0.0.1", port))
        with contextlib.suppress(ConnectionError):  # no file is left: turned away
            stranger.sendall(ask)
        return stranger

    @gen_test(timeout=120)
    async def test_readers_who_come_back_from_everywhere_hold_up_nobody(self):
        count = 400 * self.MANY
        self.fill(count, "hello " * 20)
        url = self.begin()
        ann, ben = [
            await self.visitor(url).sign_in(n).connect() for n in ("ann", "ben")
        ]
        await asyncio.gather(ann.read(50), ben.read(50))
        places = {250: range(0, count, count // 200)}
        if "HEAVY" in os.environ:  # from here everybody has something to read
            places[1000] = range(count - 1000, count, 5)
        for limit, somewhere in places.items():
            messages, pages = [], []
            for _ in range(self.MANY // 10):
                coming = asyncio.ensure_future(self.come_back(url, somewhere, count))
                await asyncio.sleep(0.02)
                begin = time.monotonic()
                await ann.send("hello")
                await asyncio.gather(ann.line(), ben.line())
                messages.append(time.monotonic() - begin)
                begin = time.monotonic()
                await self.visitor(url).get("/")
                pages.append(time.monotonic() - begin)
                await coming
            message, page = (
                1000 * statistics.median(some) for some in (messages, pages)
            )
            self.tell(f"a message {message:.0f} ms, a page {page:.0f} ms")
            self.assertLess(message, limit)
            self.assertLess(page, 0.4 * limit)

    async def come_back(self, url, places, count):
        """Let readers come back from many places at once, and read to the end."""
        last = b'{"id": %d,' % count, b"starts anew."
        followers = await asyncio.gather(*(self.follow(url, n) for n in places))
        for reader, writer in followers:
            data = b""
            while not any(end in data for end in last):
                data += await reader.read(65536)
            writer.close()


@heavy
class HeavyTest(KillCase):
    @gen_test(timeout=20)
    async def test_stop_with_many_connected(self):
        server = self.start("--port=0")
        url = server.url()
        people = [self.visitor(url).sign_in(f"user{n}") for n in range(100)]
        connections = [await person.connect() for person in people for _ in range(5)]
        for connection in connections:
            await connection.send("hello", "a key")
        confirmed = await connections[0].line()
        server.process.send_signal(signal.SIGTERM)
        begin = time.monotonic()
        codes = [await connection.close_code() for connection in connections]
        self.assertEqual(codes, [1001] * 500)
        server.process.wait(10)
        self.assertEqual(server.stop(), (0, ""))
        self.assertLess(time.monotonic() - begin, 5)
        self.start_again(url).url()
        again = await people[0].connect("?since=0")
        self.assertEqual(await again.line(), confirmed)

    @gen_test(timeout=120)
    async def test_ten_thousand_idle_connections(self):
        many = 10_000
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(
            resource.RLIMIT_NOFILE, (most, most)
        )  # the server inherits it
        server = self.start("--port=0")
        url, pid = server.url(), server.process.pid
        alice = self.visitor(url).sign_in("alice")
        held = memory(pid)
        idle = [await self.connect_cheaply(url, alice) for _ in range(many)]
        self.assertLess((memory(pid) - held) / many, 30, "kB a connection")
        begin = time.monotonic()
        connection = await alice.connect()
        self.assertLess(time.monotonic() - begin, 0.5, "seconds to join")
        begin = time.monotonic()
        await connection.send("hello")
        await connection.line()
        for reader, _ in idle:
            await reader.readuntil(b'"key": null}')
        self.assertLess(
            time.monotonic() - begin, 5, "seconds to the last, read by Python"
        )
        for _, writer in idle:
            writer.close()

    async def connect_cheaply(self, url, visitor):
        """Open a WebSocket that costs this process little."""
        port = url.rpartition(":")[2]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(upgrade_request(port, visitor.headers()))
        assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
        return reader, writer

    @gen_test(timeout=300)
    async def test_kill_fifty_times(self):
        talkers = self.talkers("", count=20, messages=1000)
        await self.kill_often(talkers, 20_000, rounds=50)
        self.assert_exactly_once(talkers, 20_000)
        with contextlib.closing(sqlite3.connect(self.db)) as db:
            check = db.execute("PRAGMA integrity_check").fetchone()
        self.assertEqual(check, ("ok",))


# ------------------------------------------------------------------------------- floods


class Probe:
    """People who talk while somebody attacks, and how long they wait."""

    def __init__(self, url, test):
        self.visitors = [
            test.visitor(url).sign_in(name) for name in ("ann", "ben", "cat")
        ]

    async def __aenter__(self):
        self.people = [await visitor.connect() for visitor in self.visitors]
        return self

    async def __aexit__(self, *_):
        for person in self.people:
            person.ws.close()

    async def measure(self, seconds=3):
        """Say something every 50 ms; return the 99th percentile, in milliseconds.

        In turn, for one person may say ten things a second.
        """
        times, count = [], int(seconds * 20)
        reading = [asyncio.ensure_future(self.read(n, count, times)) for n in range(3)]
        begin = time.monotonic()
        for number in range(count):
            await asyncio.sleep(max(0, begin + number / 20 - time.monotonic()))
            person = self.people[number % 3]
            await person.send(f"probe {time.monotonic()}")
        await asyncio.wait_for(asyncio.gather(*reading), 10)
        return sorted(times)[int(len(times) * 0.99)] * 1000

    async def read(self, number, count, times):
        while count:
            line = await self.people[number].line()
            if line["name"] in ("ann", "ben", "cat"):
                times.append(time.monotonic() - float(line["msg"].split()[1]))
                count -= 1


@heavy
@unittest.skipUnless(sys.platform == "linux", "reads /proc")
class FloodTest(ProcessCase):
    """Floods against a chat in which three people talk."""

    LATENCY, GROWTH = 500, 20  # milliseconds (99th percentile), MB

    async def flood(self, attack, *arguments):
        """Start a chat, attack it, and check what its people and its machine feel."""
        server = self.start("--port=0")
        url = server.url()
        self.port, self.process = int(url.rpartition(":")[2]), server.process
        async with Probe(url, self) as probe:
            before, held = await probe.measure(2), self.memory()
            attacking = asyncio.ensure_future(attack(*arguments))
            during = await probe.measure(4)
            attacker = await asyncio.wait_for(attacking, 90)
            grown = self.memory() - held
            after = await probe.measure(1)
        figures = (
            f"{self.id().rpartition('.')[2]}: 99th percentile {before:.0f} ms before, "
            f"{during:.0f} during, {after:.0f} after, {grown:.1f} MB"
        )
        print(figures)
        begin = time.monotonic()
        status, errors = server.stop()
        self.assertEqual((status, errors[-2000:]), (0, ""), figures)
        self.assertLess(time.monotonic() - begin, 5, figures)
        if attacker:  # who went on through all of this
            attacker.transport.abort()
        self.assertLess(during, self.LATENCY, figures)
        self.assertLess(grown, self.GROWTH, figures)

    def memory(self):
        """Return the most memory that the server has had so far, in MB."""
        return memory(self.process.pid, "VmHWM") / 1024

    async def connect(self, data=b""):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(data)
        return reader, writer

    def handshake(self):
        cookie = create_signed_value(SECRET, "chat_user", "0 mallory").decode()
        return upgrade_request(self.port, {"Cookie": f"chat_user={cookie}"})

    async def send_frames(self, frame, begin=b""):
        """Send 100,000 frames; the connection must still be open 4 seconds later."""
        reader, writer = await self.connect(self.handshake() + begin)
        sending = asyncio.ensure_future(self.pour(writer, frame * 1000))
        reading = asyncio.ensure_future(reader.read())
        await asyncio.wait([reading], timeout=4)
        self.assertFalse(reading.done(), "The flood was cut.")
        reading.cancel()
        sending.cancel()
        return writer

    async def pour(self, writer, data):
        for _ in range(100):
            writer.write(data)
            await writer.drain()

    async def refuse(self, data):
        """Send what is too large; the server must close, whatever is on its way."""
        with contextlib.suppress(ConnectionError):
            reader, writer = await self.connect()
            for start in range(0, len(data), 65536):
                writer.write(data[start : start + 65536])
                await writer.drain()
            answer = await reader.read()
            self.assertNotRegex(answer, rb"^HTTP/1.1 [235]")
        writer.close()

    async def refuse_all(self, *requests):
        for request in requests:
            await self.refuse(request)

    @gen_test(timeout=30)
    async def test_flood_of_texts(self):
        await self.flood(self.send_frames, to_client_frame(b"x"))

    @gen_test(timeout=30)
    async def test_flood_of_empty_texts(self):
        await self.flood(self.send_frames, to_client_frame(b""))

    @gen_test(timeout=30)
    async def test_flood_of_pings(self):
        await self.flood(self.send_frames, to_client_frame(b"?" * 125, 9))

    @gen_test(timeout=30)
    async def test_flood_of_pongs(self):
        await self.flood(self.send_frames, to_client_frame(b"", 10))

    @gen_test(timeout=30)
    async def test_flood_of_fragments(self):
        begin, part = to_client_frame(b"x", fin=False), to_client_frame(b"", 0, False)
        await self.flood(self.send_frames, part, begin)

    @gen_test(timeout=30)
    async def test_connections_opened_and_dropped(self):
        await self.flood(self.open_and_drop, 2000)

    async def open_and_drop(self, count):
        for number in range(count):
            data = (b"", b"GET / HTTP/1.1\r\n", self.handshake())[number % 3]
            reader, writer = await self.connect(data)
            if number % 3 == 2:
                await reader.readuntil(b"\r\n\r\n")
            if number % 2:
                writer.transport.abort()
            writer.close()

    @gen_test(timeout=40)
    async def test_slow_headers_and_bodies(self):
        await self.flood(self.send_slowly, 500)

    async def send_slowly(self, count):
        """Hold sockets open, byte by byte; those with a body are closed after 10 s."""
        form = b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n\r\n"
        head = b"GET / HTTP/1.1\r\nHost: x\r\nX: "
        lines = [await self.connect((form, head)[n % 2]) for n in range(count)]
        while not all(reader.at_eof() for reader, _ in lines[::2]):
            for _, writer in lines:
                writer.write(b"x")
            await asyncio.sleep(0.5)
        for _, writer in lines:
            writer.close()

    @gen_test(timeout=60)
    async def test_requests_too_large(self):
        form = "POST /login HTTP/1.1\r\nHost: x\r\nCookie: chat_xsrf=00\r\n"
        kind = "Content-Type: application/x-www-form-urlencoded\r\n"
        body = b"_xsrf=00&name=" + b"x" * 100_000_000
        chunk = b"f000\r\n" + b"x" * 0xF000 + b"\r\n"
        get = b"GET / HTTP/1.1\r\nHost: x\r\n"
        await self.flood(
            self.refuse_all,
            f"{form}{kind}Content-Length: {len(body)}\r\n\r\n".encode() + body,
            f"{form}{kind}Transfer-Encoding: chunked\r\n\r\n".encode() + chunk * 1600,
            *[get + b"a: b\r\n" * 20_000 + b"\r\n"] * 20,
            *[get + b"Cookie: " + b"a=b; " * 200_000 + b"\r\n\r\n"] * 20,
        )
