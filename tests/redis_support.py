"""What the tests of many processes share: a Redis, an nginx, people who move.

Needs the package redis, redis-server and nginx; without them, the tests skip.
"""

import asyncio
import contextlib
import itertools
import logging
import os
import re
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from unittest import mock

from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port

import chat
from tests.support import (
    SECRET,
    ChatProcess,
    Complaints,
    CrowdCase,
    Visitor,
    free_port,
    needs_redis,
    project_text,
    redis,
)

if redis:
    from many_processes import redis_room
    from many_processes.cut_off import Application
else:
    redis_room = None

LOG = "chat:log"


class RedisServer:
    """A Redis of a test's own; killed and started again, it has all it had.

    Args:
        folder: where it keeps its log.
        options: of its command line, besides ours.
    """

    def __init__(self, folder, *options):
        self.port = free_port()
        self.folder, self.url = folder, f"redis://127.0.0.1:{self.port}"
        self.options = options
        self.client = redis.Redis(port=self.port, decode_responses=True)
        self.start()

    def start(self):
        """Start it, and wait until it answers."""
        options = f"--bind 127.0.0.1 --port {self.port} --appendonly yes".split()
        options += ["--save", "", "--dir", self.folder, *self.options]
        self.process = subprocess.Popen(
            ["redis-server", *options], stdout=subprocess.DEVNULL
        )
        while self.process.poll() is None:
            with contextlib.suppress(redis.ConnectionError):
                return self.client.ping()
            time.sleep(0.01)
        raise AssertionError("redis-server did not start")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.client.close()
        self.kill()

    def say(self, msg, id="0-*", **fields):
        """Write an entry by hand, as redis-cli does; return its id."""
        fields = {"name": "redis", "msg": msg, "key": "", "at": "1764000000", **fields}
        return self.client.xadd(LOG, fields, id=id)


class NginxProxy:
    """nginx as Debian installs it, with our nginx.conf put where our README.md says.

    Args:
        folder: where all of it goes.
        urls: of the two processes.
        scheme: "http", or "https": what it tells them.
        crowd: whether to do what README.md says for more people.
    """

    HOST = "chat.example.org"  # as in nginx.conf

    def __init__(self, folder, urls, scheme="http", crowd=False):
        self.port, self.home = free_port(), Path(folder, "nginx")
        self.url = f"http://127.0.0.1:{self.port}"
        shutil.copytree("/etc/nginx", self.home, ignore=self.others)
        stock = "sites-available/default"
        self.home.joinpath("sites-enabled/default").symlink_to(self.home / stock)
        config = project_text("many_processes/nginx.conf")
        for old, new in zip(
            ("http://127.0.0.1:5001", "http://127.0.0.1:5002", "$scheme"),
            (*urls, scheme),
            strict=True,
        ):
            assert old.removeprefix("http://") in config, old
            config = config.replace(*(x.removeprefix("http://") for x in (old, new)))
        self.home.joinpath("conf.d/chat.conf").write_text(config)
        readme = project_text("many_processes/README.md")
        for command in re.findall(r"sudo (sed -i .*)", readme) * crowd:
            words = shlex.split(command.replace("/etc/nginx", str(self.home)))
            subprocess.run(words, check=True)
        for name in "nginx.conf", stock, "conf.d/chat.conf":
            self.move(self.home / name)
        self.start()

    @staticmethod
    def others(folder, names):
        """What is not of the package, but of this computer's owner."""
        mine = Path(folder).name in ("conf.d", "sites-enabled", "modules-enabled")
        return names if mine else []

    def move(self, file):
        """Let a configuration file speak of our folder and port, not the system's."""
        text = file.read_text()
        for old, new in (
            (r"/etc/nginx|/var/log/nginx|/run(?=/nginx\.pid)", str(self.home)),
            (r"listen 80\b", f"listen 127.0.0.1:{self.port}"),
            (r"listen \[::\]:80\b", f"listen [::1]:{self.port}"),
        ):
            text = re.sub(old, new, text)
        file.write_text(text)

    def start(self):
        """Start it, and wait until it listens."""
        log = self.home / "error.log"
        self.process = subprocess.Popen(
            ["nginx", "-c", self.home / "nginx.conf", "-e", log, "-g", "daemon off;"]
        )
        while self.process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.01)
        raise AssertionError(log.read_text())

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Guest(Visitor):
    """A visitor who comes by the name that the chat has in nginx.conf."""

    def headers(self, **headers):
        return super().headers(Host=NginxProxy.HOST, **headers)


class Traveller(Visitor):
    """A visitor that goes to the next process each time it connects."""

    def __init__(self, http_client, urls):
        super().__init__(http_client, urls[0])
        self.urls = itertools.cycle(urls)

    async def connect(self, *arguments):
        self.url = next(self.urls)
        return await super().connect(*arguments)


@needs_redis
class RedisCase(CrowdCase):
    """Several chats with one log, in a Redis of the test's own.

    self.redis.client asks that Redis. A chat that writes a traceback fails its test.
    """

    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder, self.browsers = folder.name, {}
        self.here, self.rooms, self.urls = [], [], []
        self.redis = self.start_redis()
        self.complaints = Complaints()
        logging.getLogger().addHandler(self.complaints)
        self.patch(redis_room, WAIT=100)  # ms; or each fault takes a second longer

    def tearDown(self):
        super().tearDown()
        logging.getLogger().removeHandler(self.complaints)
        self.assertNotIn("Traceback", self.logged())
        left = [room.path for room in self.rooms if os.path.exists(room.path)]
        self.assertEqual(left, [])

    async def close(self):
        await super().close()
        for server in self.here:
            server.stop()
        for room in self.rooms:
            room.close()
            # A process that ends has no need to: its connections end with it.
            for task in room.tasks:
                task.cancel()
            await asyncio.wait(room.tasks)
            await room.redis.aclose()
            await room.redis.connection_pool.disconnect()

    def patch(self, module, **constants):
        """Let constants have other values, for the chats of this process."""
        patch = mock.patch.multiple(module, **constants)
        patch.start()
        self.addCleanup(patch.stop)

    def logged(self):
        """Return what the chats of this process have complained of."""
        return "\n".join(self.complaints.found)

    def start_redis(self, *options):
        """Start a RedisServer that lasts as long as the test."""
        server = RedisServer(tempfile.mkdtemp(dir=self.folder), *options)
        self.addCleanup(server.stop)
        return server

    async def start_here(self, count, *options, url=None, **environment):
        """Start chats in this process, for that is fast; return their URLs.

        Args:
            url: where their Redis is, if not at self.redis.url.
        """
        parsed = chat.option_parser().parse_args(options)
        for _ in range(count):
            room = redis_room.RedisRoom(redis_room.redis_client(url or self.redis.url))
            await room.open()
            with mock.patch.dict(os.environ, {"COOKIE_SECRET": SECRET, **environment}):
                application = Application(parsed, room)
            server = HTTPServer(application, xheaders=parsed.xheaders)
            listener, port = bind_unused_port()
            server.add_socket(listener)
            self.here.append(server)
            self.rooms.append(room)
            self.urls.append(f"http://127.0.0.1:{port}")
        return self.urls[-count:]

    def start(self, *options, program=("-m", "many_processes"), **environment):
        """Start one more process of its own."""
        options = f"--redis={self.redis.url}", "--logging=error", *options
        # Who is killed leaves its copy there.
        environment = {"TMPDIR": self.folder, **environment}
        self.servers.append(ChatProcess(*options, program=program, **environment))
        return self.servers[-1]

    def start_many(self, count, *options, **environment):
        """Start chats in processes of their own; return their URLs."""
        options = "--port=0", *options
        servers = [self.start(*options, **environment) for _ in range(count)]
        self.urls = [server.url() for server in servers]
        return self.urls

    async def connect(self, url, name, query=""):
        """Connect somebody, with the same browser each time; return a ChatSocket."""
        if name not in self.browsers:
            self.browsers[name] = self.visitor(url).sign_in(name)
        self.browsers[name].url = url
        return await self.browsers[name].connect(query)

    def people(self, count, messages):
        """Return talkers who begin at one process or another, and move if they must."""
        people = self.talkers("", count, messages)
        for number, person in enumerate(people):
            first = number % len(self.urls)
            person.visitor = Traveller(
                AsyncHTTPClient(), self.urls[first:] + self.urls[:first]
            ).sign_in(f"user{number}")
            self.visitors.append(person.visitor)
        return people

    async def send_again(self, chat_socket, msg, key):
        """Send a message again and again until it is stored; return its line."""
        line = {"error": ""}
        while "error" in line:
            await asyncio.sleep(0.1)
            await chat_socket.send(msg, key)
            line = await chat_socket.line()
        return line

    def texts(self):
        """Return the texts of the log in Redis."""
        return [fields.get("msg") for _, fields in self.redis.client.xrange(LOG)]
