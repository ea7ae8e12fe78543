"""Many people at a chat, in one process: they talk, and measure what arrives when.

They do as little as they can, or they would measure themselves: a frame is searched for
the numbers of the messages, and nine of ten people read only a few times a second.
"""

import array
import asyncio
import contextlib
import math
import re
import time
import urllib.parse

from tornado.httpclient import AsyncHTTPClient

NUMBER = re.compile(rb"load-(\d+)-")
PING, PONG = b"\x89\x00", b"\x8a\x80\0\0\0\0"  # RFC 6455 section 5.5
TAIL = 20  # bytes: longer than what NUMBER matches
TIMED = 10  # of so many people, one looks at the clock
DRAIN = 0.2  # seconds after which the others read
UPGRADE = """GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nCookie: {}\r
Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r
Sec-WebSocket-Key: bG9hZCBsb2FkIGxvYWQgIQ==\r\n\r\n"""


def to_frame(text):
    """Wrap up to 125 ASCII characters as a browser does; the mask is of zeros."""
    return bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text.encode()


async def sign_in(port, name):
    """Sign in by the form; return the cookies, or raise ConnectionError."""
    answer = await AsyncHTTPClient().fetch(
        f"http://127.0.0.1:{port}/login", method="POST", raise_error=False,
        headers={"Cookie": "_xsrf=00; chat_xsrf=00"}, follow_redirects=False,
        body=urllib.parse.urlencode({"_xsrf": "00", "name": name}))
    if answer.code != 303:
        raise ConnectionError(f"{name} cannot sign in: {answer.code} {answer.reason}")
    cookies = answer.headers.get_list("Set-Cookie")
    return "; ".join(cookie.partition(";")[0] for cookie in cookies)


class Person(asyncio.Protocol):
    """One connection, signed in by a cookie; timed: whether it looks at the clock."""

    def __init__(self, crowd, cookie, timed):
        self.crowd, self.cookie, self.timed = crowd, cookie, timed
        self.joined = asyncio.get_running_loop().create_future()
        self.tail = b""

    def connection_made(self, transport):
        self.transport = transport
        transport.write(UPGRADE.format(self.crowd.port, self.cookie).encode())

    def data_received(self, data):
        now, data = time.monotonic(), self.tail + data
        if not self.joined.done() and b"\r\n\r\n" in data:
            self.joined.set_result(data.partition(b"\r\n")[0])
        if PING in data:  # or the chat takes us for dead
            self.transport.write(PONG)
        found = list(NUMBER.finditer(data))
        end = found[-1].end() if found else 0
        self.tail = data[max(end, len(data) - TAIL):]
        self.crowd.note([int(match[1]) for match in found], now, self.timed)
        if self.joined.done() and not self.timed:
            self.transport.pause_reading()


class Crowd:
    """All the people at one chat, on a port of this computer."""

    def __init__(self, port):
        self.port, self.people = port, []
        self.due = []  # when each message should have been sent, seconds
        self.delays = array.array("d")  # of the deliveries that were timed, seconds
        self.late = array.array("d")  # by how much we sent each message too late
        self.received = 0  # deliveries
        self.expected = math.inf  # deliveries; known when everything has been sent
        self.complete = asyncio.Event()

    async def join(self, people):
        """Let so many people in, or raise ConnectionError: somebody was refused."""
        loop = asyncio.get_running_loop()
        for n in range(people):
            cookie = await sign_in(self.port, f"person {n}")
            person = Person(self, cookie, n % TIMED == 0)
            self.people.append(person)
            await loop.create_connection(lambda p=person: p, "127.0.0.1", self.port)
            if b" 101 " not in await person.joined:
                raise ConnectionError(f"person {n} cannot come in")
        self.draining = asyncio.create_task(self.drain())

    def note(self, numbers, now, timed):
        """Write down which messages have reached somebody, and when."""
        self.received += len(numbers)
        if timed:
            self.delays.extend(now - self.due[number] for number in numbers)
        if self.received == self.expected:
            self.complete.set()

    async def drain(self):
        """Let those read who do not look at the clock, again and again."""
        while True:
            for person in self.people:
                if not person.timed:
                    person.transport.resume_reading()
            await asyncio.sleep(DRAIN)

    async def talk(self, rate, seconds):
        """Send messages, each at its own moment; its delays count from there.

        Whoever counts from a late sending measures a slow server as a fast one.
        """
        begin = time.monotonic() + 0.1
        for number in range(rate * seconds):
            self.due.append(begin + number / rate)
            await asyncio.sleep(self.due[-1] - time.monotonic())
            self.late.append(time.monotonic() - self.due[-1])
            text = f"load-{number}-".ljust(60, "x")
            self.people[number % len(self.people)].transport.write(to_frame(text))

    async def listen(self, seconds):
        """Wait until everything has arrived, but not longer than so many seconds."""
        self.expected = len(self.due) * len(self.people)
        if self.received < self.expected:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self.complete.wait(), seconds)

    def leave(self):
        """Break all connections."""
        self.draining.cancel()
        for person in self.people:
            person.transport.abort()
