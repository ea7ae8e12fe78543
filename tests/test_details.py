"""How chat.py is built: limits by name, what costs nothing, what proxies rely on.

Students read test_chat.py, which asks what the program does; these tests ask how.
"""

import asyncio
import contextlib
import gc
import json
import logging
import os
import re
import socket
import sqlite3
import time
import unittest
import weakref
from pathlib import Path
from unittest import mock

from tornado.testing import gen_test

import chat
from test_chat import RoomCase, make_old_file
from tests.support import ChatCase, ChatProcess, ProcessCase, project_text, until


class WindowTest(ChatCase):
    @gen_test
    async def test_pages_inline_nothing(self):
        inline = r"<style|\sstyle=|\son\w+=|<script>|//\w+\.\w+"
        for visitor in (self.bob, self.visitor()):
            for path in ("/chat", "/", "/nothing"):
                self.assertNotRegex((await visitor.get(path)).text, inline)

    @gen_test
    async def test_chat_page_name_escaped(self):
        page = await self.visitor().sign_in('"><script>').get("/chat")
        self.assertIn('data-name="&quot;&gt;&lt;script&gt;"', page.text)
        self.assertNotIn("><script>", page.text)

    @gen_test
    async def test_connection_lost_is_forgotten(self):
        _, _, writer = await self.raw()
        self.assertEqual(len(self.room.readers), 1)
        gone = weakref.ref(self.handlers.pop())
        writer.transport.abort()
        await until(lambda: not self.room.connections)
        self.assertEqual(self.room.readers, set())
        await until(lambda: gc.collect() >= 0 and not gone())  # no timer keeps it

    @gen_test
    async def test_static_files_kept_by_browsers(self):
        page = (await self.alice.get("/chat")).text
        script = re.search(r'"(/static/chat\.js\?v=\w+)"', page).group(1)
        answer = await self.visitor().get(script)
        self.assertEqual(answer.text, project_text("static/chat.js"))
        self.assertIn("max-age=", answer.headers["Cache-Control"])
        self.assertEqual((await self.visitor().get("/static/%00")).code, 404)

    @gen_test
    async def test_connection_quick_and_small(self):
        await self.alice.connect()
        [handler] = self.handlers
        nodelay = socket.IPPROTO_TCP, socket.TCP_NODELAY
        self.assertTrue(handler.ws_connection.stream.socket.getsockopt(*nodelay))
        self.assertEqual([*handler.request.headers, *handler._headers], [])

    @gen_test
    async def test_frame_goes_to_the_socket_where_nothing_waits(self):
        bob = await self.bob.connect()
        stream = self.handlers[0].ws_connection.stream
        with mock.patch.object(stream, "write", wraps=stream.write) as write:
            await self.room.post("carol", "hello", None)
        self.assertEqual(await bob.texts(1), ["hello"])
        write.assert_not_called()

    @gen_test
    async def test_message_to_a_line_that_broke(self):
        await self.raw()
        bob, stream = await self.bob.connect(), self.handlers[0].ws_connection.stream
        with mock.patch.object(stream, "write_to_fd", side_effect=ConnectionError):
            await self.room.post("carol", "hello", None)
        self.assertEqual(await bob.texts(1), ["hello"])

    @gen_test
    async def test_batches_of_eight_cursors_kept(self):
        for number in range(20):
            await self.room.post("carol", str(number), None)
        with mock.patch.object(chat.json, "dumps", wraps=json.dumps) as dumps:
            for _ in range(100):
                for cursor in range(12, 20):
                    self.room.read(cursor)
            self.assertEqual(dumps.call_count, sum(range(1, 9)))
            for cursor in (11, 12):  # a ninth takes the place of the oldest
                self.room.read(cursor)
            self.assertEqual(dumps.call_count, sum(range(1, 9)) + 9 + 8)
        await self.room.post("carol", "new", None)
        self.assertEqual(self.room.read(19)[0], 21)


class RunningTest(ProcessCase):
    def test_requirements_same_in_both_places(self):
        inline = re.search("(?m)^# dependencies = (.*)$", project_text("chat.py"))
        required = project_text("requirements.txt").split()
        self.assertEqual(json.loads(inline.group(1)), required)

    @gen_test
    async def test_form_too_large_refused(self):
        visitor = self.visitor(self.start("--port=0").url())
        answer = await visitor.post("/login", name="carol", more="x" * 60_000)
        self.assertEqual(answer.code, 303)
        with contextlib.suppress(OSError):  # closed while the rest is on its way
            answer = await visitor.post("/login", name="dora", more="x" * 70_000)
            self.assertIn(answer.code, (400, 599))

    def test_limits_of_the_server(self):
        server = mock.patch.object(chat, "Server", side_effect=SystemExit)
        logs = mock.patch.object(logging.getLogger(), "handlers", [mock.Mock()])
        sockets = mock.patch.object(chat.netutil, "bind_sockets", return_value=[])
        options, room = chat.option_parser().parse_args([]), chat.Room(self.db)
        with server as made, logs, sockets:
            self.assertRaises(SystemExit, asyncio.run, chat.main(options, room))
        room.close()
        limits = {"max_header_size": 65_536, "max_body_size": 65_536}
        # Many balancers keep a connection for 60 seconds, and answer 502 if we do not.
        limits |= {"idle_connection_timeout": 75, "body_timeout": 10}
        self.assertEqual(made.call_args.kwargs, {"xheaders": False, **limits})

    def test_copy_of_another_name_runs_itself(self):
        folder = Path(self.db).parent
        program = Path(chat.__file__).read_text(encoding="utf-8")
        mine = program.replace("The chat runs at", "My own chat runs at")
        (folder / "my_chat.py").write_text(mine, encoding="utf-8")
        server = ChatProcess("--port=0", folder=folder, program=["my_chat.py"])
        self.addCleanup(server.stop)
        self.assertIn("My own chat", server.process.stdout.readline())
        self.assertTrue((folder / "chat.db").exists())

    @gen_test(timeout=20)
    async def test_type_of_scripts_is_our_own(self):
        folder = Path(self.db).parent
        folder.joinpath("sitecustomize.py").write_text(
            "import mimetypes\ndef read(types): types.add_type('text/plain', '.js')\n"
            "mimetypes.MimeTypes.read_windows_registry = read\n"
            "mimetypes.knownfiles.clear()\n"
        )
        visitor = self.visitor(self.start("--port=0", PYTHONPATH=str(folder)).url())
        answer = await visitor.get("/static/chat.js")
        self.assertIn("javascript", answer.headers["Content-Type"])

    @gen_test(timeout=20)
    async def test_log_that_nobody_reads_stops_nothing(self):
        visitor = self.visitor(self.start("--port=0", "--logging=info").url())
        port = int(visitor.url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        request = b"GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n" % (b"x" * 400)
        writer.write(request * 300)  # a pipe takes 64 kB
        for _ in range(300):
            await reader.readuntil(b"</html>")
        writer.close()
        self.assertEqual((await visitor.get("/")).code, 200)

    @unittest.skipIf(os.name == "nt", "Windows has no such modes")
    def test_file_for_its_owner_alone(self):
        self.start("--port=0").url()
        for path in Path(self.db).parent.glob("chat.db*"):
            self.assertEqual(path.stat().st_mode & 0o777, 0o600)


class FileTest(RoomCase):
    @gen_test
    async def test_second_process_told_at_once(self):
        begin = time.monotonic()
        with self.assertRaises(sqlite3.OperationalError):
            await self.open_room()
        self.assertLess(time.monotonic() - begin, 1)

    @gen_test
    async def test_file_of_the_second_edition_taken_over(self):
        path = str(self.folder / "old.db")
        make_old_file(path, ["1", "2"])
        room = await self.open_room(path)
        self.assertEqual((room.end, self.texts(room)), (2, ["1", "2"]))
        await room.post("bob", "again", "key 1")
        self.assertEqual(self.texts(room), ["1", "2"])


class ServerTest(unittest.TestCase):
    def test_newcomers_turned_away_before_files_run_out(self):
        cases = {(100, 68): False, (100, 69): True, (33, 2): True, (-1, 5000): False}
        for (files, number), turned_away in cases.items():
            stream = mock.Mock()
            stream.socket.fileno.return_value = number
            base = mock.patch.object(chat.httpserver.HTTPServer, "handle_stream")
            with mock.patch.object(chat, "FILES", files), base as accept:
                chat.Server.handle_stream(chat.Server(None), stream, "an address")
            self.assertEqual(stream.close.called, turned_away)
            self.assertEqual(accept.called, not turned_away)
