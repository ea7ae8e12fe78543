"""Many people at a chat, in one process: they talk, and measure what arrives when.

They do as little as they can, or they would measure themselves. A frame is not taken
apart, but searched for the numbers of the messages. And the clock is looked at for one
in ten alone: the others read a few times a second what has come, and count it.
"""

import array
import asyncio
import contextlib
import math
import re
import time

from tornado.web import create_signed_value

SECRET = "a secret for this measurement alone"
NUMBER = re.compile(rb"load-(\d+)-")
PING, PONG = b"\x89\x00", b"\x8a\x80\0\0\0\0"  # RFC 6455 section 5.5
TAIL = 20  # bytes: longer than what NUMBER matches
SIZE = 60  # characters in a message
TIMED = 10  # of so many people, one looks at the clock
DRAIN = 0.2  # seconds after which the others read
AT_ONCE = 25  # people who come in at the same time


def to_frame(text):
    """Wrap up to 125 ASCII characters as a browser does; the mask is of zeros."""
    return bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text.encode()


class Person(asyncio.Protocol):
    """One connection: signed in, talking, listening.

    Args:
        crowd: whose notebook it uses.
        name: who it is.
        timed: whether it looks at the clock.
    """

    def __init__(self, crowd, name, timed):
        self.crowd, self.name, self.timed = crowd, name, timed
        self.joined = asyncio.get_running_loop().create_future()
        self.tail = b""

    def connection_made(self, transport):
        self.transport = transport
        cookie = create_signed_value(SECRET, "username", self.name).decode()
        head = {
            "Host": f"127.0.0.1:{self.crowd.port}",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "bG9hZCBsb2FkIGxvYWQgIQ==",
            "Cookie": f"username={cookie}",
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        transport.write(f"GET /ws HTTP/1.1\r\n{lines}\r\n".encode())

    def data_received(self, data):
        now = time.monotonic()
        data = self.tail + data
        if not self.joined.done():
            self.join(data)
        if PING in data:  # or the chat takes us for dead
            self.transport.write(PONG)
        found = list(NUMBER.finditer(data))
        end = found[-1].end() if found else 0
        self.tail = data[max(end, len(data) - TAIL) :]
        self.crowd.count(len(found))
        if self.timed:
            self.crowd.note([int(match[1]) for match in found], now)
        elif self.joined.done():
            self.transport.pause_reading()

    def join(self, data):
        if b"\r\n\r\n" not in data:
            return
        if data.startswith(b"HTTP/1.1 101 "):
            self.joined.set_result(None)
        else:
            status = data.partition(b"\r\n")[0].decode()
            self.joined.set_exception(ConnectionError(f"{self.name}: {status}"))

    def connection_lost(self, error):
        if not self.joined.done():
            self.joined.set_exception(ConnectionError(f"{self.name} cannot come in"))


class Crowd:
    """All the people at one chat.

    Args:
        port: of the chat, on this computer.
        people: how many.
    """

    def __init__(self, port, people):
        self.port = port
        self.people = [
            Person(self, f"person {n}", timed=n % TIMED == 0) for n in range(people)
        ]
        self.timed = sum(person.timed for person in self.people)
        self.due = []  # when each message should have been sent, seconds
        self.delays = array.array("d")  # of the deliveries that were timed, seconds
        self.late = array.array("d")  # by how much we sent each message too late
        self.received = 0  # deliveries
        self.expected = math.inf  # deliveries; known when everything has been sent
        self.complete = asyncio.Event()

    async def join(self):
        """Let everybody in.

        Raises:
            ConnectionError: somebody was refused.
        """
        loop = asyncio.get_running_loop()
        for n in range(0, len(self.people), AT_ONCE):
            group = self.people[n : n + AT_ONCE]
            for person in group:
                await loop.create_connection(lambda p=person: p, "127.0.0.1", self.port)
            await asyncio.gather(*(person.joined for person in group))
        self.draining = asyncio.create_task(self.drain())

    def count(self, number):
        """Count deliveries."""
        self.received += number
        if self.received == self.expected:
            self.complete.set()

    def note(self, numbers, now):
        """Write down when messages have reached somebody."""
        for number in numbers:
            self.delays.append(now - self.due[number])

    async def drain(self):
        """Let those read who do not look at the clock, again and again."""
        while True:
            for person in self.people:
                if not person.timed:
                    person.transport.resume_reading()
            await asyncio.sleep(DRAIN)

    async def talk(self, rate, seconds):
        """Send messages, one person after the other, each at its own moment.

        The delays count from the moment at which a message was due: whoever counts
        from a late sending measures a server that is slow as a fast one.

        Args:
            rate: messages a second.
            seconds: for how long.
        """
        begin = time.monotonic() + 0.1
        for number in range(rate * seconds):
            self.due.append(begin + number / rate)
            await asyncio.sleep(self.due[-1] - time.monotonic())
            self.late.append(time.monotonic() - self.due[-1])
            text = f"load-{number}-".ljust(SIZE, "x")
            self.people[number % len(self.people)].transport.write(to_frame(text))

    async def listen(self, seconds):
        """Wait until everything has arrived, but not longer than so many seconds."""
        self.expected = len(self.due) * len(self.people)
        if self.received < self.expected:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self.complete.wait(), seconds)

    async def leave(self):
        """Break all connections."""
        self.draining.cancel()
        for person in self.people:
            person.transport.abort()
        await asyncio.sleep(0)
