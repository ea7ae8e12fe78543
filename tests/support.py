"""What the tests share: one helper for each thing that a test needs.

    @step           from which step of the tutorial on a class of tests is true
    project_text    a file of the project, as text
    until           waiting for anything, instead of sleeping
    free_port       a port for somebody else to listen on
    Visitor         a person: a browser's cookies, and the requests that it sends
    ChatSocket      one WebSocket, read line by line
    upgrade_request the same by hand, for what no well-behaved client does
    to_client_frame any frame, right or wrong
    ChatCase        base class: a chat in this process
    FormCase        base class: the same, and forms made by hand
    ChatProcess     a chat in a process of its own, as people start it
    ProcessCase     base class: chats in processes of their own
    StateCase       base class: any state of chat.py that the tutorial passes through
    Talker          one of many who send until everything is confirmed
    CrowdCase       base class: many talkers

Besides, decorators for tests that need what not every computer has: @heavy,
@needs_redis, @needs_nginx, @needs_signals.
"""

import asyncio
import collections
import contextlib
import http.cookies
import json
import logging
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import unittest
import urllib.parse
from pathlib import Path
from unittest import mock

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.testing import AsyncHTTPTestCase, AsyncTestCase
from tornado.web import create_signed_value
from tornado.websocket import websocket_connect

import chat

try:
    import redis
except ImportError:
    redis = None

TOP = Path(__file__).resolve().parent.parent
SECRET = "a secret for tests alone"

heavy = unittest.skipUnless("HEAVY" in os.environ, "takes minutes: set HEAVY=1")
needs_nginx = unittest.skipUnless(shutil.which("nginx"), "needs nginx")
needs_redis = unittest.skipUnless(
    redis and shutil.which("redis-server"),
    "needs redis-server (apt install redis-server) and 'pip install redis[hiredis]'",
)
needs_signals = unittest.skipIf(os.name == "nt", "Windows has no such signals")


def step(number):
    """Mark a class of tests as true from this step of tutorial.md on, in all states.

    With STEP=5 in the environment, the classes of later steps skip.
    """

    def mark(case):
        case.step = number
        later = number > float(os.environ.get("STEP", "inf"))
        return unittest.skipIf(later, f"step {number} comes later")(case)

    return mark


def project_text(name):
    """Return the text of a file, such as "tutorial.md"."""
    return (TOP / name).read_text(encoding="utf-8")


async def until(condition):
    """Wait until a function without arguments returns something true.

    What never comes ends with the test's own time limit: 5 s or @gen_test(timeout=...).
    """
    while not condition():
        await asyncio.sleep(0.005)


def free_port():
    """Return a port of 127.0.0.1 on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# ------------------------------------------------------------------------------ clients


class Visitor:
    """A person: a browser's cookies, and the ways in which it asks.

    Args:
        http_client: an AsyncHTTPClient.
        url: the chat's address.
    """

    def __init__(self, http_client, url):
        self.http_client, self.url = http_client, url
        self.session = os.urandom(8).hex()
        self.cookies, self.sockets = {}, []

    def headers(self, **headers):
        pairs = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return {"Cookie": pairs, **headers}

    async def get(self, path, headers=None, **options):
        """Ask once, without following redirects; keep the cookies of the answer."""
        response = await self.http_client.fetch(
            urllib.parse.urljoin(self.url, path),
            headers=self.headers(**headers or {}),
            follow_redirects=False,
            raise_error=False,
            **options,
        )
        response.text = response.body.decode()
        self.set_cookies = response.headers.get_list("Set-Cookie")
        for header in self.set_cookies:
            for name, cookie in http.cookies.SimpleCookie(header).items():
                self.cookies[name] = cookie.value
                if not cookie.value:
                    del self.cookies[name]
        return response

    async def post(self, path, **fields):
        """Send a form, with the token that the forms of the pages carry."""
        if "chat_xsrf" not in self.cookies:
            await self.get("/chat" if "chat_user" in self.cookies else "/")
        fields = {"_xsrf": self.cookies["chat_xsrf"], **fields}
        body = urllib.parse.urlencode(fields)
        return await self.get(path, method="POST", body=body)

    def sign_in(self, name, secret=SECRET):
        """Take the cookies that signing in with this name gives; return the visitor."""
        value = create_signed_value(secret, "chat_user", f"{self.session} {name}")
        self.cookies["chat_user"] = value.decode()
        self.cookies.setdefault("chat_xsrf", os.urandom(16).hex())
        return self

    async def connect(self, query="", **headers):
        """Open a WebSocket; return a ChatSocket, or raise HTTPClientError."""
        url = urllib.parse.urljoin(self.url, "/ws" + query).replace("http", "ws", 1)
        request = HTTPRequest(url, headers=self.headers(**headers))
        self.sockets.append(ChatSocket(await websocket_connect(request)))
        return self.sockets[-1]

    async def knock(self, query="", **headers):
        """Try to open a WebSocket; return the answer's status: 101, or why not."""
        try:
            await self.connect(query, **headers)
        except HTTPClientError as error:
            return error.code
        return 101

    async def join(self, name, query=""):
        """Sign in through the form, where the page has one, and open a WebSocket."""
        if 'name="name"' in (await self.get("/")).text:
            await self.post("/login", name=name)
        return await self.connect(query)

    def close(self):
        for chat_socket in self.sockets:
            chat_socket.ws.close()
            chat_socket.stream.close()  # without waiting for the answer


class ChatSocket:
    """One WebSocket, read line by line; ws is Tornado's own connection."""

    def __init__(self, ws):
        self.ws, self.stream = ws, ws.protocol.stream
        self.lines = collections.deque()  # of text, that have come and are not read yet

    async def send(self, msg, key=None):
        """Send a text as it stands or, with a key, as an object."""
        await self.ws.write_message({"msg": msg, "key": key} if key else msg)

    async def text(self):
        """Return the next line as it came, or None when the other side has closed."""
        while not self.lines:
            frame = await self.ws.read_message()
            if frame is None:
                return None
            self.lines.extend(frame.split("\n"))
        return self.lines.popleft()

    async def hears(self, words):
        """Return all lines up to the one that has these words in it."""
        heard = []
        while not (heard and words in heard[-1]):
            heard.append(await self.text())
            assert heard[-1] is not None, f"{words!r} did not come, but {heard}"
        return heard

    async def line(self, heartbeats=False):
        """Return the next line as an object, or None when the other side has closed.

        Args:
            heartbeats: whether {} counts, which says no more than that the line lives.
        """
        while (text := await self.text()) is not None:
            line = json.loads(text)
            if line or heartbeats:
                return line

    async def read(self, count):
        return [await self.line() for _ in range(count)]

    async def texts(self, count):
        return [line["msg"] for line in await self.read(count)]

    async def close_code(self):
        """Read until the other side closes; return its reason as a number."""
        while await self.line() is not None:
            pass
        return self.ws.close_code


def upgrade_request(port, headers):
    """Return the bytes that ask for a WebSocket, for clients made by hand."""
    lines = {
        "Host": f"127.0.0.1:{port}",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        **headers,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"GET /ws HTTP/1.1\r\n{head}\r\n".encode()


def to_client_frame(payload, opcode=1, fin=True, reserved=0, mask=b"\1\2\3\4"):
    """Build any frame a client can send, right or wrong (RFC 6455 section 5.2)."""
    size, bit = len(payload), 0x80 if mask else 0
    if size < 126:
        head = struct.pack("!BB", fin << 7 | reserved << 4 | opcode, bit | size)
    elif size < 65536:
        head = struct.pack("!BBH", fin << 7 | reserved << 4 | opcode, bit | 126, size)
    else:
        head = struct.pack("!BBQ", fin << 7 | reserved << 4 | opcode, bit | 127, size)
    if mask:
        payload = bytes(byte ^ mask[n % 4] for n, byte in enumerate(payload))
    return head + (mask or b"") + payload


# --------------------------------------------------------------- a chat in this process


class Complaints(logging.Handler):
    """Keeps what no server should log: errors, and tracebacks of any level."""

    def __init__(self):
        super().__init__()
        self.found = []

    def emit(self, record):
        if record.levelno >= logging.ERROR or record.exc_info:
            self.found.append(self.format(record))


class ChatCase(AsyncHTTPTestCase):
    """A chat in this process, with a database of its own.

    self._app is the Application, self.room its Room; self.alice and self.bob are
    visitors, signed in. A chat that logs an error fails its test.
    """

    environment = {}  # variables with which the chat starts
    options = ()  # of its command line

    def setUp(self):
        self.visitors, self.writers, self.complaints = [], [], Complaints()
        logging.getLogger().addHandler(self.complaints)
        self.folder = tempfile.TemporaryDirectory()
        super().setUp()
        self.alice = self.visitor().sign_in("alice")
        self.bob = self.visitor().sign_in("bob")

    def tearDown(self):
        self.io_loop.run_sync(self.close, timeout=10)
        super().tearDown()
        self.folder.cleanup()
        logging.getLogger().removeHandler(self.complaints)
        self.assertEqual(self.complaints.found, [])

    def get_app(self):
        return self.io_loop.run_sync(self.start_app)

    async def start_app(self):
        """Return an Application whose room is open; its file lives until tearDown."""
        options = chat.option_parser().parse_args(self.options)
        room = chat.Room(os.path.join(self.folder.name, "chat.db"))
        await room.open()
        environment = {"COOKIE_SECRET": SECRET, **self.environment}
        with mock.patch.dict(os.environ, environment):
            return chat.Application(options, room)

    async def close(self):
        for visitor in self.visitors:
            visitor.close()
        for writer in self.writers:
            writer.transport.abort()
        await until(lambda: not self.room.connections)
        self.room.close()

    def visitor(self):
        """Return one more Visitor, without cookies."""
        self.visitors.append(Visitor(self.http_client, self.get_url("/")))
        return self.visitors[-1]

    @property
    def room(self):
        return self._app.room

    @property
    def handlers(self):
        """The chat's own ends of all WebSockets that are open."""
        return list(self.room.connections)

    async def raw(self, frames=b"", **headers):
        """Open alice's WebSocket by hand; return the answer's head, reader and writer.

        Args:
            frames: bytes that follow at once.
            headers: of the request, in place of the usual ones.
        """
        port = self.get_http_port()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        headers = {**self.alice.headers(), **headers}
        writer.write(upgrade_request(port, headers) + frames)
        self.writers.append(writer)
        return await reader.readuntil(b"\r\n\r\n"), reader, writer


class FormCase(ChatCase):
    """A chat, and requests that are sent to it byte for byte."""

    async def ask(self, *requests):
        """Send requests in one go, on one connection; return its answers' codes."""
        port = self.get_http_port()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        self.writers.append(writer)
        writer.write(b"".join(requests))
        return [*map(int, re.findall(rb"HTTP/1.1 (\d+)", await reader.read()))]

    def form(self, name, token="00", connection="keep-alive"):
        body = urllib.parse.urlencode({"_xsrf": token, "name": name}).encode()
        head = (
            f"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: chat_xsrf={token}\r\n"
            f"Connection: {connection}\r\nContent-Length: {len(body)}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
        )
        return head.encode() + body


# ------------------------------------------------------ chats in processes of their own


class ChatProcess:
    """A chat in a process of its own, as people start it.

    Args:
        options: of its command line.
        folder: where it stands; None: where `import chat` finds it.
        program: what Python runs, if it is not the chat.py of that folder.
        environment: variables besides ours.
    """

    def __init__(self, *options, folder=None, program=None, **environment):
        folder = folder or os.path.dirname(chat.__file__)
        program = program or [os.path.join(folder, "chat.py")]
        ours = {"COOKIE_SECRET": SECRET}
        ours["PYTHONUNBUFFERED"] = ""  # or a line that waits in a buffer comes, too
        self.process = subprocess.Popen(
            [sys.executable, *program, *options],
            cwd=folder,
            env={**os.environ, **ours, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def url(self):
        """Wait for the line that tells its address; return the address."""
        line = self.process.stdout.readline()
        found = re.search(r"http://\S+", line)
        assert found, f"it did not start: {line}{self.stop()[1]}"
        return found.group()

    def stop(self, number=signal.SIGTERM):
        """Stop it; return its exit status and what it wrote to standard error."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        if not self.process.stdout.closed:
            _, self.errors = self.process.communicate(timeout=10)
        return self.process.returncode, self.errors


class VisitorsCase(AsyncTestCase):
    """Visitors of chats that run elsewhere."""

    def setUp(self):
        super().setUp()
        self.visitors = []

    def tearDown(self):
        self.io_loop.run_sync(self.close)
        super().tearDown()

    async def close(self):
        for visitor in self.visitors:
            visitor.close()

    def visitor(self, url):
        """Return one more Visitor of a chat."""
        self.visitors.append(Visitor(AsyncHTTPClient(), url))
        return self.visitors[-1]


class ProcessCase(VisitorsCase):
    """Chats in processes of their own, which share the database self.db.

    A chat that writes a traceback fails its test.
    """

    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.servers, self.db = [], os.path.join(folder.name, "chat.db")

    def tearDown(self):
        super().tearDown()
        errors = "".join(server.stop()[1] for server in self.servers)
        self.assertNotIn("Traceback", errors)

    def start(self, *options, **environment):
        """Start one more ChatProcess."""
        options = f"--db={self.db}", "--logging=error", *options
        self.servers.append(ChatProcess(*options, **environment))
        return self.servers[-1]

    def refusal(self, *options, **environment):
        """Start a chat that cannot run; return its exit status and its one line."""
        server = self.start(*options, **environment)
        server.process.wait(10)
        status, errors = server.stop()
        self.assertEqual(errors.count("\n"), 1, errors)
        return status, errors


class StateCase(VisitorsCase):
    """Any state of chat.py: started in a fresh folder, and seen from outside only.

    One process serves all tests of a class. A chat that writes a traceback fails it.
    """

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder, here = Path(folder.name), Path(chat.__file__).parent
        shutil.copy(chat.__file__, cls.folder)
        for pages in ("templates", "static"):
            if here.joinpath(pages).exists():
                shutil.copytree(here / pages, cls.folder / pages)
        cls.port = free_port()
        cls.prepare()
        cls.start()

    @classmethod
    def prepare(cls):
        """Put into cls.folder what is there before the chat starts."""

    @classmethod
    def start(cls):
        """Start the chat, once more if it has been stopped, where it was."""
        environment = {"PORT": f"{cls.port}", "COOKIE_SECRET": ""}
        cls.server = ChatProcess(folder=cls.folder, **environment)
        cls.server.url()

    @classmethod
    def tearDownClass(cls):
        _, errors = cls.server.stop()
        assert "Traceback" not in errors, errors

    def visitor(self):
        """Return one more Visitor, without cookies."""
        return super().visitor(f"http://127.0.0.1:{self.port}")

    async def join(self, name, query=""):
        """Let somebody new in; return the ChatSocket."""
        return await self.visitor().join(name, query)


# ------------------------------------------------------------------------------- crowds


class Talker:
    """Somebody who sends again whatever was not confirmed, as the chat page does.

    Args:
        visitor: a Visitor who is signed in.
        keys: the messages to send; each is its own key.
    """

    def __init__(self, visitor, keys):
        self.visitor, self.unconfirmed = visitor, list(keys)
        self.place, self.seen = "?since=0", []  # seen: pairs of id and text

    async def run(self, everything):
        """Send and read until as many messages as everything have been seen."""
        while len(self.seen) < everything:
            with contextlib.suppress(OSError, HTTPClientError):
                chat_socket = await self.visitor.connect(self.place)
                sending = asyncio.ensure_future(self.send_all(chat_socket))
                await self.read(chat_socket, everything)
                sending.cancel()
                chat_socket.ws.close()

    async def until_seen(self, count):
        """Wait until so many messages have been seen."""
        await until(lambda: len(self.seen) >= count)

    async def send_all(self, chat_socket):
        with contextlib.suppress(Exception):  # the line broke: run() connects anew
            for key in list(self.unconfirmed):
                await chat_socket.send(key, key)

    async def read(self, chat_socket, everything):
        while len(self.seen) < everything:
            line = await chat_socket.line()
            if line is None:
                return
            if "error" in line:
                await asyncio.sleep(0.1)
                await chat_socket.send(line["key"], line["key"])
                continue
            if "msg" in line:  # and no answer to what was stored before
                self.place = f"?since={line['id']}&at={line['at']}"
                self.seen.append((line["id"], line["msg"]))
            if line["key"] in self.unconfirmed:
                self.unconfirmed.remove(line["key"])


@needs_signals
class CrowdCase(ProcessCase):
    """Many talkers at chats that are stopped and started."""

    def talkers(self, url, count, messages):
        """Return Talkers who want to send so many messages each."""
        visitors = [self.visitor(url).sign_in(f"user{n}") for n in range(count)]
        keys = [[f"{n}.{m}" for m in range(messages)] for n in range(count)]
        return list(map(Talker, visitors, keys))

    def start_again(self, url):
        """Start a chat at an address where one has been."""
        return self.start(f"--port={url.rpartition(':')[2]}")

    def assert_exactly_once(self, talkers, count):
        """Check that everybody saw every message once, and all in the same order."""
        self.assertEqual([id for id, _ in talkers[0].seen], list(range(1, count + 1)))
        self.assertEqual(len({msg for _, msg in talkers[0].seen}), count)
        self.assertTrue(all(talker.seen == talkers[0].seen for talker in talkers))
