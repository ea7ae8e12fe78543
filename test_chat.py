"""The tests of chat.py, in the order of the tutorial's steps: `python -m unittest`.

They talk to a real server over real sockets, as a browser would; hardly anything is
mocked. A test is a coroutine under @gen_test, Tornado's own decorator, which runs it in
the loop that the server runs in. What it is made of is in tests/support.py: ChatCase is
Tornado's AsyncHTTPTestCase with a chat in it, ProcessCase starts chats as people do.

Each rule is tested twice: what it allows and what it refuses.
"""

import asyncio
import contextlib
import json
import logging
import os
import re
import shutil
import signal
import socket
import sqlite3
import tempfile
import time
import unittest
from email.utils import parsedate_to_datetime
from pathlib import Path
from unittest import mock

from tornado.httpclient import HTTPClientError
from tornado.testing import AsyncTestCase, ExpectLog, gen_test
from tornado.web import create_signed_value

import chat
from tests.fake_twitter import TwitterCase
from tests.support import (
    SECRET,
    ChatCase,
    ProcessCase,
    free_port,
    needs_signals,
    project_text,
    to_client_frame,
    until,
)

# ------------------------------------------------------------------- Step 2. Set up


class SetUpTest(ProcessCase):
    def test_requirements_same_in_both_places(self):
        inline = re.search("(?m)^# dependencies = (.*)$", project_text("chat.py"))
        required = project_text("requirements.txt").split()
        self.assertEqual(json.loads(inline.group(1)), required)

    @gen_test
    async def test_address_printed_answers(self):
        url = self.start("--port=0").url()
        self.assertRegex(url, r"^http://127\.0\.0\.1:\d+$")
        self.assertEqual((await self.visitor(url).get("/")).code, 200)

    @unittest.skipUnless(socket.has_ipv6, "this computer has no IPv6")
    @gen_test
    async def test_address_of_ipv6_answers(self):
        url = self.start("--port=0", "--address=::1").url()
        self.assertRegex(url, r"^http://\[::1\]:\d+$")
        self.assertEqual((await self.visitor(url).get("/")).code, 200)

    @gen_test
    async def test_address_for_others_answers(self):
        url = self.start("--port=0", "--address=0.0.0.0").url()
        self.assertNotIn("0.0.0.0", url)
        self.assertEqual((await self.visitor(url).get("/")).code, 200)

    def test_port_from_environment(self):
        port = free_port()
        self.assertTrue(self.start(PORT=f"{port}").url().endswith(f":{port}"))

    def test_word_that_is_no_option_refused(self):
        status, line = self.refusal("--port=0", "port=5001")
        self.assertEqual(status, 1)
        self.assertRegex(line, r"^chat\.py: .*port=5001.*--help")

    def test_port_in_use_refused(self):
        with socket.socket() as busy:
            busy.bind(("127.0.0.1", 0))
            busy.listen()
            status, line = self.refusal(f"--port={busy.getsockname()[1]}")
        self.assertEqual(status, 1)
        self.assertRegex(line, r"^chat\.py: .*(in use|10048).*--port")

    def test_options_bad_refused(self):
        bad = ["--prot=1", "--port=many", "--port", "--port=70000", "--port=-1"]
        bad += ["5000", "port=5001", "\u2013\u2013port=5001", "--", "--logging=loud"]
        for option in [*bad, "--db=:memory:", "--db="]:
            arguments = ["chat.py", "--logging=none", option]
            with self.subTest(option), mock.patch("sys.argv", arguments):
                with self.assertRaises(SystemExit) as refused:
                    asyncio.run(chat.main())
                self.assertRegex(str(refused.exception), r"^chat\.py: .*--help\)\.$")

    def test_options_together(self):
        words = ["--port=65535", "--debug", "--host=a.example,b.example"]
        options = chat.parse_options([*words, "--logging=none"])
        self.assertEqual((options.port, options.debug), (65535, True))
        self.assertEqual(options.host, ["a.example", "b.example"])

    def test_options_by_default(self):
        with mock.patch.dict(os.environ, PORT=""):
            options = chat.parse_options(["--logging=none"])
        self.assertEqual((options.port, options.address), (5000, "127.0.0.1"))
        self.assertEqual((options.db, options.redis), ("chat.db", ""))
        self.assertFalse(options.debug or options.xheaders or options.host)

    def test_database_unusable_refused(self):
        text = os.path.join(os.path.dirname(self.db), "notes.txt")
        Path(text).write_text("This is no database. " * 100)
        for path in ("/nowhere/chat.db", text, os.path.dirname(self.db)):
            with self.subTest(path):
                status, line = self.refusal("--port=0", f"--db={path}")
                self.assertEqual(status, 1)
                self.assertRegex(line, r"^chat\.py: .*--db")

    def test_redis_unusable_refused(self):
        status, line = self.refusal("--port=0", f"--redis=redis://[::1]:{free_port()}")
        self.assertEqual(status, 1)
        self.assertRegex(line, r"^chat\.py: .*(Redis|redis).*--redis")

    def test_database_of_another_program_refused(self):
        with contextlib.closing(sqlite3.connect(self.db)) as db:
            db.execute("CREATE TABLE contacts (name, mail)")
        status, line = self.refusal("--port=0")
        self.assertEqual(status, 1)
        self.assertRegex(line, r"^chat\.py: .* of another program.*--db")


class TidyTest(unittest.TestCase):
    def test_log_lines_short_and_tame(self):
        lines = {"/x?a=%20": "/x?a=%20", "\x1b[31m\x9b\r": r"\x1b[31m\x9b\r"}
        for path, shown in {**lines, "x" * 15_000: "x" * 500}.items():
            record = logging.makeLogRecord({"msg": "%s", "args": (path,)})
            self.assertTrue(chat.tidy(record))
            self.assertEqual(record.getMessage(), shown)


# -------------------------------------------------------------------- Step 3. Pages


class PagesTest(ChatCase):
    @gen_test
    async def test_start_page_signed_out(self):
        page = await self.visitor().get("/")
        self.assertEqual(page.code, 200)
        self.assertIn('<label for="name">', page.text)

    @gen_test
    async def test_start_page_signed_in(self):
        page = await self.alice.get("/")
        self.assertEqual((page.code, page.headers["Location"]), (302, "/chat"))

    @gen_test
    async def test_chat_page_signed_out(self):
        page = await self.visitor().get("/chat")
        self.assertEqual((page.code, page.headers["Location"]), (302, "/"))

    @gen_test
    async def test_chat_page_signed_in(self):
        page = await self.alice.get("/chat")
        self.assertEqual(page.code, 200)
        self.assertIn('data-name="alice"', page.text)

    @gen_test
    async def test_chat_page_name_escaped(self):
        page = await self.visitor().sign_in('"><script>').get("/chat")
        self.assertIn('data-name="&quot;&gt;&lt;script&gt;"', page.text)
        self.assertNotIn("><script>", page.text)

    @gen_test
    async def test_headers_on_every_answer(self):
        paths = ["/", "/chat", "/ws", "/login", "/x", "/static/chat.js", "/static/x"]
        for path in paths:
            with self.subTest(path):
                headers = (await self.visitor().get(path)).headers
                policy = headers["Content-Security-Policy"].split("; ")
                self.assertIn("default-src 'self'", policy)
                self.assertIn("frame-ancestors 'none'", policy)
                self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
                self.assertEqual(headers["Referrer-Policy"], "no-referrer")
                self.assertEqual(headers["X-DNS-Prefetch-Control"], "off")
                self.assertEqual(headers["X-Frame-Options"], "DENY")
                self.assertNotIn("Server", headers)

    @gen_test
    async def test_static_files_kept_by_browsers(self):
        page = (await self.alice.get("/chat")).text
        script = re.search(r'src="(/static/chat\.js\?v=\w+)"', page).group(1)
        answer = await self.visitor().get(script)
        self.assertEqual(answer.code, 200)
        self.assertIn("max-age=", answer.headers["Cache-Control"])

    @gen_test
    async def test_error_pages_tell_nothing(self):
        for path, code in (("/x", 404), ("/static/x", 404), ("/logout", 405)):
            with self.subTest(path):
                page = await self.visitor().get(path)
                self.assertEqual(page.code, code)
                self.assertIn("<!DOCTYPE html>", page.text)
                self.assertNotIn("ornado", page.text)

    @gen_test
    async def test_pages_inline_nothing(self):
        for path in ("/", "/chat", "/nothing"):
            visitor = self.alice if path == "/chat" else self.visitor()
            page = await visitor.get(path)
            inline = r"<style|\sstyle=|\son\w+=|<script>|//\w+\.\w+"
            self.assertNotRegex(page.text, inline)


class HostTest(ChatCase):
    options = ("--host=chat.example.org",)
    paths = ("/", "/chat", "/login", "/ws", "/static/chat.js", "/nothing")

    async def ask(self, host):
        """Return the codes with which the addresses answer to a name of the server."""
        visitor, headers = self.visitor(), {"Host": host}
        return {(await visitor.get(path, headers)).code for path in self.paths}

    @gen_test
    async def test_host_own_served(self):
        own = ["127.0.0.1", "192.0.2.7:5000", "[::1]:80", "LocalHost:81"]
        own += [socket.gethostname().upper(), "chat.example.org", "Chat.Example.org:8"]
        for host in own:
            with self.subTest(host):
                self.assertEqual(await self.ask(host), {200, 302, 403, 404})
                head, _, _ = await self.raw(Host=host, Origin=f"http://{host}")
                self.assertIn(b" 101 ", head)

    @gen_test
    async def test_host_foreign_refused(self):
        foreign = ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example"]
        foreign += ["evil-chat.example.org", "chatxexample.org", "[evil]", "a::1"]
        for host in foreign:
            with self.subTest(host):
                self.assertEqual(await self.ask(host), {403})
                head, _, _ = await self.raw(Host=host, Origin=f"http://{host}")
                self.assertIn(b" 403 ", head)


# --------------------------------------------------------------- Step 4. Signing in


class NicknameTest(unittest.TestCase):
    def test_nickname_allowed(self):
        names = {
            "alice": "alice",
            "  alice ": "alice",
            "Zoë": "Zoë",
            "Zoe\u0308": "Zoë",
            "ａｌｉｃｅ": "alice",
            "Мария 2": "Мария 2",
            "हिन्दी": "हिन्दी",
            "สมชัย": "สมชัย",
            "J.-P._9": "J.-P._9",
            "a   b\u00a0c": "a b c",
            "x": "x",
            "x" * 20: "x" * 20,
            " " * 80 + "x" * 20: "x" * 20,
        }
        for typed, name in names.items():
            with self.subTest(typed):
                self.assertEqual(chat.clean_nickname(typed), name)

    def test_nickname_refused(self):
        names = ["", "  ", "x" * 21, "@alice", "<b>", "a/b", "😀", " " * 100 + "x"]
        # Control characters, halves of characters, and what shows nothing.
        odd = "\0\t\n\x7f\u00ad\u034f\u115f\u200b\u200d\u2028\u202e\u2066\u3164"
        odd += "\ue000\ud800\ufe0f\ufeff"
        for typed in [*names, *(f"a{character}b" for character in odd)]:
            with self.subTest(ascii(typed)), self.assertRaises(ValueError):
                chat.clean_nickname(typed)

    def test_nickname_long_costs_nothing(self):
        begin = time.process_time()
        with self.assertRaises(ValueError):
            chat.clean_nickname("x" + "\u0301\u0323" * 16_000)
        self.assertLess(time.process_time() - begin, 0.1)


class LoginTest(ChatCase):
    @gen_test
    async def test_login_leads_to_chat(self):
        visitor = self.visitor()
        answer = await visitor.post("/login", name="carol")
        self.assertEqual((answer.code, answer.headers["Location"]), (303, "/chat"))
        self.assertIn('data-name="carol"', (await visitor.get("/chat")).text)

    @gen_test
    async def test_login_bad_name_shown_again(self):
        page = await self.visitor().post("/login", name='<"carol">')
        self.assertEqual(page.code, 400)
        self.assertIn('role="alert"', page.text)
        self.assertIn('value="&lt;&quot;carol&quot;&gt;"', page.text)

    @gen_test
    async def test_login_name_of_connected_refused(self):
        await self.alice.connect()
        page = await self.visitor().post("/login", name="ALICE")
        self.assertEqual(page.code, 400)
        self.assertIn("has that name", page.text)

    @gen_test
    async def test_login_twice_by_same_browser(self):
        visitor = self.visitor()
        await visitor.get("/")
        asking = [visitor.post("/login", name="carol") for _ in "12"]
        answers = await asyncio.gather(*asking)
        self.assertEqual([answer.code for answer in answers], [303, 303])

    @gen_test
    async def test_login_without_xsrf_refused(self):
        for token in ("", "2|00000000|00000000000000000000000000000000|1"):
            page = await self.visitor().post("/login", name="carol", _xsrf=token)
            self.assertEqual(page.code, 403)

    @gen_test
    async def test_cookies_out_of_reach(self):
        visitor = self.visitor()
        await visitor.post("/login", name="carol")
        self.assertIn("HttpOnly", visitor.set_cookies[0])
        self.assertIn("SameSite=Lax", visitor.set_cookies[0])
        self.assertNotIn("Secure", visitor.set_cookies[0])

    @gen_test
    async def test_cookies_kept_for_thirty_days(self):
        visitor = self.visitor()
        await visitor.get("/")
        browser = visitor.set_cookies
        await visitor.post("/login", name="carol")
        for header in (*browser, *visitor.set_cookies):
            expires = re.search("expires=(.*?);", header).group(1)
            left = parsedate_to_datetime(expires).timestamp() - time.time()
            self.assertAlmostEqual(left / 86_400, 30, delta=0.1)

    @gen_test
    async def test_cookie_forged_refused(self):
        genuine = self.alice.cookies["username"]
        forged = [
            create_signed_value("another secret", "username", "alice").decode(),
            create_signed_value(SECRET, "other", "alice").decode(),
            create_signed_value(SECRET, "username", "alice", clock=lambda: 1).decode(),
            genuine[:-1],
            genuine.replace("YWxp", "Ym9i"),
            "alice",
        ]
        for cookie in forged:
            visitor = self.visitor().sign_in("alice")
            visitor.cookies["username"] = cookie
            self.assertEqual((await visitor.get("/chat")).code, 302)
            with self.assertRaises(HTTPClientError) as refused:
                await visitor.connect()
            self.assertEqual(refused.exception.code, 403)


class LeaseTest(ChatCase):
    """A name belongs to a browser, for LEASE seconds after its last sign of life."""

    async def join(self, visitor, name="carol"):
        """Sign in and open a window; return it."""
        answer = await visitor.post("/login", name=name)
        self.assertEqual(answer.code, 303)
        return await visitor.connect()

    async def is_taken(self, name="carol"):
        answer = await self.visitor().post("/login", name=name)
        self.assertIn(answer.code, (303, 400))
        return answer.code == 400

    async def assert_turned_away(self, visitor):
        """Check that neither a window nor a page opens, and that the page says why."""
        with self.assertRaises(HTTPClientError) as refused:
            await visitor.connect()
        self.assertEqual(refused.exception.code, 403)
        answer = await visitor.get("/chat")
        self.assertEqual((answer.code, answer.headers["Location"]), (302, "/"))
        page = await visitor.get("/")
        self.assertEqual(page.code, 200)
        self.assertIn("Somebody here has that name.", page.text)

    @gen_test
    async def test_lease_from_signing_in(self):
        await self.visitor().post("/login", name="carol")
        self.assertTrue(await self.is_taken("CAROL"))

    @gen_test
    async def test_lease_from_a_page_or_a_window(self):
        await self.visitor().sign_in("carol").get("/chat")
        self.assertTrue(await self.is_taken("carol"))
        await self.visitor().sign_in("dora").connect()
        self.assertTrue(await self.is_taken("dora"))

    @gen_test
    async def test_lease_runs_out(self):
        with mock.patch.object(chat, "LEASE", 0.2):
            await self.visitor().post("/login", name="carol")
            self.assertTrue(await self.is_taken())
        while await self.is_taken():
            pass

    @gen_test
    async def test_leases_that_ran_out_forgotten(self):
        room, begun = self._app.room, time.monotonic()
        with mock.patch.object(chat, "LEASE", 0):
            for name in ("carol", "dora"):
                await room.claim(name, "a browser")
            await until(lambda: time.monotonic() > begun + 0.05)
        await room.claim("erin", "a browser")
        self.assertEqual(list(room.leases), ["erin"])

    @gen_test
    async def test_lease_outlives_a_line_that_breaks(self):
        carol = self.visitor()
        (await self.join(carol)).ws.protocol.stream.close()
        await until(lambda: not self._app.connections)
        self.assertTrue(await self.is_taken())
        await carol.connect()

    @gen_test
    async def test_lease_renewed_by_heartbeats(self):
        carol = self.visitor()
        with mock.patch.multiple(chat, LEASE=0.3, PING=0.05):
            window = await self.join(carol)
            for _ in range(10):
                self.assertEqual(await window.line(heartbeats=True), {})
            self.assertTrue(await self.is_taken())

    @gen_test
    async def test_lease_ends_with_a_goodbye(self):
        for code in (1000, 1001):
            (await self.join(self.visitor())).ws.close(code)
            await until(lambda: not self._app.room.leases)

    @gen_test
    async def test_lease_ends_with_the_last_window(self):
        carol = self.visitor()
        first, second = await self.join(carol), await carol.connect()
        first.ws.close(1001)
        await until(lambda: len(self.handlers) == 1)
        self.assertTrue(await self.is_taken())
        second.ws.close(1001)
        await until(lambda: not self._app.room.leases)

    @gen_test
    async def test_cookie_old_turned_away(self):
        carol, other = self.visitor(), self.visitor()
        (await self.join(carol)).ws.close(1001)
        await until(lambda: not self._app.room.leases)
        window = await self.join(other)
        await self.assert_turned_away(carol)
        await carol.post("/logout")
        await window.send("still here")
        self.assertEqual(await window.texts(1), ["still here"])
        self.assertTrue(await self.is_taken())

    @gen_test
    async def test_cookie_old_turned_away_at_the_heartbeat(self):
        carol = self.visitor()
        with mock.patch.object(chat, "PING", 0.05):
            window = await self.join(carol)
            await self._app.room.release("carol", carol.cookies["_xsrf"])
            await self._app.room.claim("carol", "another browser")
            self.assertEqual(await window.close_code(), 1008)


class LogoutTest(ChatCase):
    @gen_test
    async def test_logout_leads_to_start_page(self):
        answer = await self.alice.post("/logout")
        self.assertEqual((answer.code, answer.headers["Location"]), (303, "/"))
        self.assertNotIn("username", self.alice.cookies)

    @gen_test
    async def test_logout_closes_own_sockets_only(self):
        mine, other = await self.alice.connect(), await self.bob.connect()
        await self.alice.post("/logout")
        self.assertEqual(await mine.close_code(), 1008)
        await other.send("still here")
        self.assertEqual(await other.texts(1), ["still here"])

    @gen_test
    async def test_logout_nothing_follows_the_close_frame(self):
        _, reader, writer = await self.raw()
        other = await self.bob.connect()
        await self.alice.post("/logout")
        await other.send("hello")
        await other.line()
        writer.write(b"\x88\x80\0\0\0\0")
        self.assertEqual(await reader.read(), b"\x88\x0d\x03\xf0Signed out.")

    @gen_test
    async def test_logout_gives_the_name_back(self):
        await self.alice.connect()
        await self.alice.post("/logout")
        self.assertEqual((await self.visitor().post("/login", name="alice")).code, 303)

    @gen_test
    async def test_logout_without_window_leaves_nothing(self):
        for visitor in (self.alice, self.visitor()):
            await visitor.post("/logout")
        self.assertEqual((self._app.connections, self._app.room.leases), ({}, {}))

    @gen_test
    async def test_logout_without_xsrf_refused(self):
        self.assertEqual((await self.alice.post("/logout", _xsrf="")).code, 403)
        self.assertEqual((await self.alice.get("/logout")).code, 405)
        self.assertEqual((await self.alice.get("/chat")).code, 200)


# ----------------------------------------------- Step 16. Signing in through Twitter


class TwitterTest(TwitterCase):
    @gen_test
    async def test_twitter_name_has_at_sign(self):
        answer = await self.carol.get(await self.callback(self.carol))
        self.assertEqual((answer.code, answer.headers["Location"]), (302, "/chat"))
        self.assertIn('data-name="@alice"', (await self.carol.get("/chat")).text)

    @gen_test
    async def test_twitter_only_way_in(self):
        self.assertIn('href="/login"', (await self.carol.get("/")).text)
        self.carol.cookies["_xsrf"] = "00"
        self.assertEqual((await self.carol.post("/login", name="carol")).code, 400)

    @gen_test
    async def test_twitter_cookie_from_before_refused(self):
        old = self.visitor().sign_in("carol")
        self.assertEqual((await old.get("/chat")).code, 302)
        self.assertIn('href="/login"', (await old.get("/")).text)
        with self.assertRaises(HTTPClientError):
            await old.connect()


class KeyAloneTest(ChatCase):
    environment = {"TWITTER_CONSUMER_KEY": "a key", "TWITTER_CONSUMER_SECRET": ""}

    @gen_test
    async def test_twitter_not_configured(self):
        answer = await self.visitor().get("/login")
        self.assertEqual((answer.code, answer.headers["Location"]), (302, "/"))
        self.assertEqual((await self.visitor().post("/login", name="carol")).code, 303)


class SecretAloneTest(KeyAloneTest):
    environment = {"TWITTER_CONSUMER_KEY": "", "TWITTER_CONSUMER_SECRET": "a secret"}


# ------------------------------------------------------------------ Step 5. The log


class RoomTest(AsyncTestCase):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name, "copy")
        self.folder.mkdir()
        self.path = os.path.join(folder.name, "chat.db")
        self.room = chat.Room(self.path)
        self.io_loop.run_sync(self.room.open)

    def tearDown(self):
        self.room.close()
        super().tearDown()

    async def post(self, *texts):
        """Post messages of alice's, all at once."""
        await asyncio.gather(*(self.room.post("alice", text, None) for text in texts))

    def read(self, cursor):
        cursor, lines = self.room.read(cursor)
        return cursor, [json.loads(line)["msg"] for line in lines.split(b"\n")]

    @gen_test
    async def test_log_in_order(self):
        for number in range(5):
            await self.room.post("alice", str(number), None)
        self.assertEqual(self.read(0), (5, ["0", "1", "2", "3", "4"]))
        self.assertEqual(self.read(3), (5, ["3", "4"]))

    @gen_test
    async def test_log_line(self):
        await self.room.post("Zoë", "a\nb \0 \u2028 😀", "k")
        _, line = self.room.read(0)
        self.assertIn("Zoë", line.decode())  # not six ASCII characters for one
        message = json.loads(line)
        self.assertAlmostEqual(message.pop("at"), time.time(), delta=5)
        expected = {"id": 1, "name": "Zoë", "msg": "a\nb \0 \u2028 😀", "key": "k"}
        self.assertEqual(message, expected)

    @gen_test
    async def test_key_stored_once_for_each_name(self):
        for name, msg in (("alice", "1"), ("alice", "again"), ("bob", "2")):
            await self.room.post(name, msg, "k")
        await self.room.post("alice", "3", None)
        await self.room.post("alice", "3", None)
        self.assertEqual(self.read(0), (4, ["1", "2", "3", "3"]))

    @gen_test
    async def test_resend_told_by_its_key(self):
        self.assertIsNone(await self.room.post("alice", "1", "k"))
        self.assertEqual(await self.room.post("alice", "again", "k"), 1)
        self.assertIsNone(await self.room.post("bob", "2", "k"))
        self.assertIsNone(await self.room.post("alice", "3", None))
        self.assertIsNone(await self.room.post("alice", "3", None))

    @gen_test
    async def test_nothing_seen_before_it_is_stored(self):
        seen = []

        def read_copies():  # of the files as they are at this moment, like a backup
            for name in ("chat.db", "chat.db-wal"):
                shutil.copy(Path(self.path).with_name(name), self.folder / name)
            with contextlib.closing(sqlite3.connect(self.folder / "chat.db")) as copy:
                seen.extend(copy.execute("SELECT msg FROM log").fetchall())

        self.room.readers.add(read_copies)
        await self.post("hello")
        self.assertEqual(seen, [("hello",)])
        full = self.room.db.execute("PRAGMA synchronous").fetchone()[0]
        self.assertEqual(full, 2)  # a commit returns when the disk has it

    @gen_test
    async def test_batch_is_one_commit(self):
        statements = []
        self.room.db.set_trace_callback(statements.append)
        await self.post(*map(str, range(50)))
        self.assertEqual(statements.count("COMMIT"), 1)

    @gen_test
    async def test_batch_limited(self):
        await self.post(*map(str, range(201)))
        cursor, texts = self.read(0)
        self.assertEqual((cursor, len(texts)), (200, 200))
        self.assertEqual(self.read(cursor), (201, ["200"]))

    @gen_test
    async def test_batch_limited_in_bytes(self):
        await self.post(*["😀" * 2000] * 20)  # 8 kB each
        cursor, lines = self.room.read(0)
        self.assertEqual(cursor, 8)
        self.assertLessEqual(len(lines), 64 * 1024)

    @gen_test
    async def test_batch_limited_to_the_byte(self):
        with mock.patch.object(chat.time, "time", return_value=1764000000.5):
            await self.post("")
            empty = len(self.room.read(0)[1]) + 1  # a line and its end
            await self.post("x" * (chat.MAX_BATCH_SIZE - 2 * empty), "", "x")
        self.assertEqual(self.room.read(1)[0], 3)
        with mock.patch.object(chat, "MAX_BATCH_SIZE", chat.MAX_BATCH_SIZE - 1):
            self.room.read.cache_clear()
            self.assertEqual(self.room.read(1)[0], 2)

    @gen_test
    async def test_batches_of_eight_cursors_kept(self):
        await self.post(*map(str, range(20)))
        with mock.patch.object(chat, "to_line", wraps=chat.to_line) as to_line:
            for _ in range(1000):
                for cursor in range(12, 20):
                    self.room.read(cursor)
        self.assertEqual(to_line.call_count, sum(range(1, 9)))
        self.assertEqual(self.room.read.cache_info().maxsize, 8)

    @gen_test
    async def test_reader_called_once_when_log_has_grown(self):
        calls = []
        self.room.readers.add(lambda: calls.append(self.room.end))
        self.assertEqual(calls, [])
        await self.post("hello")
        await self.post("hello")
        self.assertEqual(calls, [1])

    @gen_test
    async def test_busy_room_gathers_batches(self):
        await asyncio.sleep(chat.PAUSE)  # quiet, until now
        sizes = []
        self.watch(sizes)
        posting = []
        for number in range(100):
            posting.append(asyncio.ensure_future(self.post(str(number))))
            await asyncio.sleep(0.001)
        await asyncio.gather(*posting)
        self.assertEqual((sizes[0], sum(sizes)), (1, 100))  # the first does not wait
        self.assertLess(len(sizes), 50)

    def watch(self, sizes, cursor=0):
        """Add the size of each batch to a list, from now on."""

        def read_on():
            sizes.append(self.room.end - cursor)
            self.watch(sizes, self.room.end)

        self.room.readers.add(read_on)

    @gen_test
    async def test_publishing_takes_two_thirds_of_the_time(self):
        ends = []

        def read_slowly():
            time.sleep(0.1)
            ends.append(time.monotonic())

        self.room.readers.add(read_slowly)
        await self.post("many read this")
        self.room.readers.add(lambda: ends.append(time.monotonic()))
        await self.post("next")
        self.assertGreater(ends[1] - ends[0], 0.045)

    @gen_test
    async def test_quiet_room_publishes_nothing(self):
        await self.post("hello")
        self.assertFalse(self.room.posted.is_set())

    @gen_test
    async def test_log_survives_restart(self):
        await self.room.post("alice", "hello", "k")
        self.room.close()
        await self.room.open()
        await self.room.post("alice", "hello", "k")
        self.assertEqual(self.read(0), (1, ["hello"]))

    @gen_test
    async def test_close_right_after_a_message(self):
        await self.room.post("alice", "hello", None)
        with self.assertNoLogs():
            self.room.close()
            await asyncio.wait([self.room.publishing])
        self.assertTrue(self.room.publishing.cancelled())
        await self.room.open()
        self.assertEqual(self.read(0), (1, ["hello"]))

    @gen_test
    async def test_close_stores_what_is_on_its_way(self):
        posting = asyncio.ensure_future(self.room.post("alice", "hello", None))
        await asyncio.sleep(0)
        self.room.close()
        posting.cancel()
        await self.room.open()
        self.assertEqual(self.read(0), (1, ["hello"]))

    @gen_test
    async def test_place_of_this_log(self):
        await self.post("1", "2")
        at = json.loads(self.room.read(1)[1])["at"]
        self.assertEqual(await self.room.place(2, at), 2)
        for since in (0, 1, 2):
            self.assertEqual(await self.room.place(since, None), since)
        self.assertEqual(await self.room.place(500, None), 2)

    @gen_test
    async def test_place_of_another_log(self):
        await self.post("1", "2")
        at = json.loads(self.room.read(1)[1])["at"]
        for since, time_there in ((2, at + 0.001), (3, at), (500, at), (0, at)):
            self.assertIsNone(await self.room.place(since, time_there))

    @gen_test
    async def test_name_belongs_to_one_browser(self):
        await self.room.claim("Ann", "a")
        await self.room.claim("ANN", "a")
        for browser in ("b", None):
            with self.assertRaises(ValueError):
                await self.room.claim("ann", browser)
        await self.room.release("ann", "b")
        with self.assertRaises(ValueError):
            await self.room.claim("ann", "b")
        await self.room.sign_out("ann", "a")
        await self.room.claim("ann", "b")

    @gen_test
    async def test_names_forgotten_when_their_time_is_over(self):
        with mock.patch.object(chat, "LEASE", 0.01):
            for name in ("ann", "cat", "dan", "eve"):
                await self.room.claim(name, "a")
        await self.room.claim("ann", "a")  # renewed
        await asyncio.sleep(0.02)
        await self.room.claim("ben", "b")
        self.assertEqual(set(self.room.leases), {"ann", "ben"})

    def test_tables_foreign_refused(self):
        log, settings = chat.TABLES
        foreign = [
            ["CREATE TABLE contacts (name)"],
            [log],
            [settings],
            [log, "CREATE TABLE settings (key, val)"],
            [log.replace("key", "token"), settings],  # another version's
            [log, settings, "ALTER TABLE log ADD secret TEXT"],
            [log, settings, "ALTER TABLE log ADD room TEXT NOT NULL DEFAULT ''"],
            [log.replace("msg TEXT", "msg TEXT NOT NULL"), settings],
        ]
        for number, statements in enumerate(foreign):
            with self.subTest(statements), self.assertRaises(chat.RoomError):
                self.open_file(f"{number}.db", statements)

    def test_tables_besides_ours_left_alone(self):
        added = "CREATE TABLE likes (id INTEGER PRIMARY KEY)"
        self.open_file("more.db", [*chat.TABLES, added])

    def open_file(self, name, statements):
        """Make a file with such tables, and open it as a room."""
        path = self.folder / name
        with contextlib.closing(sqlite3.connect(path)) as db:
            db.executescript(";".join(statements))
        room = chat.Room(str(path))
        try:
            self.io_loop.run_sync(room.open)
        finally:
            room.db.close()  # Windows deletes no open file

    @unittest.skipIf(os.name == "nt", "Windows has no way to move an open file")
    @gen_test
    async def test_file_lost_noticed(self):
        moved = shutil.move(self.path, self.folder)
        for lost in ("No such file", "another file"):
            log_line = ExpectLog("tornado.application", f"1 messages .*{lost}")
            with log_line, self.assertRaises(chat.RoomError):
                await self.post("hello")
            self.assertEqual(self.room.end, 0)
            shutil.copy(moved, self.path)
        os.replace(moved, self.path)
        await self.post("hello")

    @unittest.skipIf(os.name == "nt", "Windows has no way to move an open file")
    @gen_test
    async def test_file_lost_noticed_by_an_idle_room(self):
        with mock.patch.object(chat, "CHECK", 0.01):
            await self.post("hello")
            with self.assertLogs("tornado.application", "ERROR") as logs:
                moved = shutil.move(self.path, self.folder)
                await until(lambda: logs.output)
                shutil.move(moved, self.path)

    def test_times_that_readme_promises(self):
        times = chat.PING, chat.CHECK, chat.LEASE, chat.GOODBYE
        self.assertEqual(times, (30, 30, 90, 3))  # seconds
        self.assertEqual((chat.RATE, chat.BURST), (10, 20))  # messages

    @gen_test
    async def test_settings_first_value_stays(self):
        self.assertEqual(await self.room.remember("colour", "red"), "red")
        self.assertEqual(await self.room.remember("colour", "blue"), "red")

    @unittest.skipIf(os.name == "nt", "Windows has no such modes")
    def test_file_for_its_owner_alone(self):
        for path in Path(self.path).parent.glob("chat.db*"):
            self.assertEqual(path.stat().st_mode & 0o777, 0o600)

    @gen_test
    async def test_disk_full_then_room_again(self):
        await self.post("before")
        self.room.db.execute("PRAGMA max_page_count = 1")
        messages = [("bob", "x" * 2000, str(number)) for number in range(20)]
        posting = [self.room.post(*message) for message in messages]
        with ExpectLog("tornado.application", "20 messages are not stored: .*full"):
            errors = await asyncio.gather(*posting, return_exceptions=True)
        self.assertEqual({type(error) for error in errors}, {chat.RoomError})
        self.assertEqual(self.read(0), (1, ["before"]))
        self.room.db.execute("PRAGMA max_page_count = 100000")
        for _ in "12":
            await asyncio.gather(*(self.room.post(*message) for message in messages))
        self.assertEqual(self.read(0)[0], 21)


class CookieSecretTest(ChatCase):
    environment = {"COOKIE_SECRET": ""}

    @gen_test
    async def test_secret_kept_in_the_file(self):
        visitor = self.visitor()
        await visitor.post("/login", name="carol")
        self._app.room.close()
        await self._app.room.open()
        secret = await self._app.room.remember("cookie_secret", "")
        self.assertEqual(self._app.settings["cookie_secret"], secret)
        self.assertGreaterEqual(len(secret), 64)


# -------------------------------------------------------------- Step 7. People talk


class HandshakeTest(ChatCase):
    async def assert_refused(self, code, visitor, query="", **headers):
        with self.assertRaises(HTTPClientError) as refused:
            await visitor.connect(query, **headers)
        self.assertEqual(refused.exception.code, code)

    @gen_test
    async def test_stranger_refused(self):
        await self.assert_refused(403, self.visitor())

    @gen_test
    async def test_origin_own_or_none_accepted(self):
        for headers in ({}, {"Origin": self.get_url("")}):
            connection = await self.alice.connect(**headers)
            await connection.send("hello")
            self.assertIsNotNone(await connection.line())

    @gen_test
    async def test_origin_foreign_refused(self):
        own = self.get_url("")
        foreign = ["http://evil.example", "null", own + "0", "http://[", "", own[:-1]]
        for origin in foreign:
            await self.assert_refused(403, self.alice, Origin=origin)

    @gen_test
    async def test_since_bad_refused(self):
        for since in ("", "-1", "x", "1.5", "%00", "٣", "9" * 16, "9" * 5000):
            with self.subTest(since):
                await self.assert_refused(400, self.alice, f"?since={since}")

    @gen_test
    async def test_at_bad_refused(self):
        await self._app.room.post("bob", "hello", None)
        for at in ("-1", "x", "1.", ".5", "1e5", "nan", "inf", "1.5.5", "9" * 16):
            with self.subTest(at):
                await self.assert_refused(400, self.alice, f"?since=1&at={at}")
        for at in ("1", "1.5", "999999999999999.123456789"):
            connection = await self.alice.connect(f"?since=1&at={at}")
            self.assertEqual(await connection.close_code(), 1012)

    @gen_test
    async def test_page_of_somebody_else_refused(self):
        for name in ("bob", "Alice", "ali", ""):
            await self.assert_refused(403, self.alice, f"?name={name}")
        await self.alice.connect("?name=alice")

    @gen_test
    async def test_room_cut_off_can_be_read(self):
        room = self._app.room
        await room.post("bob", "hello", None)
        lost = mock.AsyncMock(side_effect=chat.RoomError("Nobody can post now."))
        with mock.patch.multiple(room, ready=False, claim=lost):
            alice = await self.alice.connect()
            self.assertEqual(await alice.texts(1), ["hello"])
            self.assertEqual(await alice.close_code(), 1001)
            with ExpectLog("tornado.access", "503"):
                self.assertEqual((await self.visitor().get("/")).code, 503)
                page = await self.visitor().post("/login", name="carol")
            self.assertEqual(page.code, 503)
            self.assertIn("Nobody can post now.", page.text)
        with mock.patch.object(room, "claim", lost):
            page = await self.visitor().post("/login", name="carol")
            self.assertEqual(page.code, 400)

    @gen_test
    async def test_plain_get_refused(self):
        self.assertEqual((await self.alice.get("/ws")).code, 400)


class WebSocketTest(ChatCase):
    async def post(self, *texts):
        """Post messages of carol's, all at once."""
        room = self._app.room
        await asyncio.gather(*(room.post("carol", text, None) for text in texts))

    @gen_test
    async def test_message_reaches_everybody(self):
        alice, bob = await self.alice.connect(), await self.bob.connect()
        await alice.send("  hello ", "k")
        line = await alice.line()
        self.assertEqual(line, await bob.line())
        self.assertLessEqual(abs(line.pop("at") - time.time()), 5)
        self.assertEqual(line, {"id": 1, "name": "alice", "msg": "hello", "key": "k"})

    @gen_test
    async def test_frame_without_object_is_text(self):
        alice = await self.alice.connect()
        frames = ["hello", '"hello"', "5", "[1]", "null", "{hello", "NaN"]
        frames += ["5" * 1999, "[" * 2000]
        for frame in frames:
            await alice.send(frame)
        self.assertEqual(await alice.texts(len(frames)), frames)

    @gen_test
    async def test_message_refused_to_its_sender_alone(self):
        alice, bob = await self.alice.connect(), await self.bob.connect()
        await bob.send("hello")
        self.assertEqual(await alice.texts(1), ["hello"])
        for msg, sentence in (("x" * 2001, "limited to 2000"), (" \n ", "empty")):
            await alice.send(msg, "k")
            line = await alice.line()
            self.assertEqual(sorted(line), ["error", "key"])
            self.assertIn(sentence, line["error"])
            self.assertEqual(line["key"], "k")
        await alice.send("x" * 2000)
        self.assertEqual(await alice.texts(1), ["x" * 2000])
        self.assertEqual(await bob.texts(2), ["hello", "x" * 2000])

    @gen_test
    async def test_object_malformed_refused(self):
        alice = await self.alice.connect()
        deep = '{"msg": "x", "key": %s}' % ("[" * 900 + "]" * 900)
        keys = [5, "", "x" * 101, "ключ", "\ud800", [], {}, 0, False, "a\nb"]
        frames = ["{}", '{"msg": 1}', '{"msg": null}', '{"text": "x"}', deep]
        for frame in frames + [json.dumps({"msg": "x", "key": key}) for key in keys]:
            with self.subTest(frame[:40]):
                await alice.send(frame)
                self.assertIn("Send {", (await alice.line())["error"])

    @gen_test
    async def test_control_characters_refused(self):
        alice = await self.alice.connect()
        refused = [*range(9), 11, 12, *range(14, 32), *range(127, 160)]
        with mock.patch.object(chat, "BURST", 1000):
            for code in refused:
                await alice.send(f"a{chr(code)}b", "k")
                self.assertIn("control characters", (await alice.line())["error"])
        for msg in ("a\tb", "a\nb", "a\r\nb", "a b~", "a\u00a0b", "a\u2028b"):
            await alice.send(msg)
            self.assertEqual(await alice.texts(1), [msg])

    @gen_test
    async def test_kind_of_frame_told_by_its_first_key(self):
        wave = mock.AsyncMock()
        kinds = {**chat.WebSocketHandler.kinds, "wave": wave}
        with mock.patch.object(chat.WebSocketHandler, "kinds", kinds):
            alice = await self.alice.connect()
            for message in ({"wave": 1}, {"wave": 2, "msg": "hello"}):
                await alice.send(json.dumps(message))
            self.assertEqual(await alice.texts(1), ["hello"])
        wave.assert_awaited_once_with(mock.ANY, {"wave": 1})

    @gen_test
    async def test_history_for_newcomer(self):
        await self.post(*map(str, range(60)))
        alice = await self.alice.connect()
        self.assertEqual(await alice.texts(50), list(map(str, range(10, 60))))

    @gen_test
    async def test_resume_without_gap_or_double(self):
        bob = await self.bob.connect()
        for number in range(20):
            await bob.send(str(number))
        await bob.texts(20)
        for since in (0, 7, 19):
            alice = await self.alice.connect(f"?since={since}")
            await bob.send("last")
            await bob.texts(1)
            end = self._app.room.end
            ids = [line["id"] for line in await alice.read(end - since)]
            self.assertEqual(ids, list(range(since + 1, end + 1)))

    @gen_test
    async def test_resume_in_this_log(self):
        await self.post("1", "2")
        bob = await self.bob.connect()
        at = (await bob.read(2))[1]["at"]
        alice = await self.alice.connect(f"?since=2&at={at}")
        await bob.send("3")
        self.assertEqual(await alice.texts(1), ["3"])

    @gen_test
    async def test_resume_in_another_log(self):
        await self.post("1", "2")
        alice = await self.alice.connect("?since=2&at=1764000000.123")
        self.assertEqual(await alice.close_code(), 1012)
        await until(lambda: not self._app.connections)
        self.assertEqual(await (await self.alice.connect()).texts(2), ["1", "2"])

    @gen_test
    async def test_far_behind_starts_anew(self):
        await self.post(*map(str, range(1001)))
        alice = await self.alice.connect("?since=1")
        self.assertEqual([line["id"] for line in await alice.read(1000)][-1], 1001)
        alice = await self.alice.connect("?since=0")
        self.assertIsNone(await alice.line())
        self.assertEqual(alice.ws.close_code, 1012)

    @gen_test
    async def test_resend_stored_once(self):
        alice = await self.alice.connect()
        for msg, key in (("1", "a"), ("1", "a"), ("2", "b"), ("1", "a"), ("3", "c")):
            await alice.send(msg, key)
        seen = [line.get("msg") or line for line in await alice.read(5)]
        stored = {"id": 1, "key": "a"}
        self.assertEqual(seen, ["1", stored, "2", stored, "3"])

    @gen_test
    async def test_resend_in_front_of_the_cursor_comes_by_itself(self):
        room, read = self._app.room, b""
        await room.post("alice", "old", "o")
        _, reader, writer = await self.raw()
        await self.stall()
        await room.post("alice", "new", "n")
        with mock.patch.object(room, "post", wraps=room.post) as post:
            for key in (b"n", b"o", b"o"):
                writer.write(to_client_frame(b'{"msg": "again", "key": "%s"}' % key))
            await until(lambda: post.call_count == 2)
            await asyncio.sleep(chat.PAUSE * 2)
            self.assertEqual(post.call_count, 2)  # the answer has to be taken first
        answer = chat.to_frame(b'{"id": 1, "key": "o"}')
        while not (b'"key": "n"' in read and answer in read):
            read += await reader.read(65536)
        self.assertEqual(read.count(b'"key": "n"'), 1)

    @gen_test
    async def test_flood_slowed_down_not_lost(self):
        with mock.patch.multiple(chat, RATE=40, BURST=5, PAUSE=0):
            alice = await self.alice.connect()
            begin = time.monotonic()
            for number in range(10):
                await alice.send(str(number))
            self.assertEqual(await alice.texts(10), list(map(str, range(10))))
            self.assertGreater(time.monotonic() - begin, 4 / 40)

    @gen_test
    async def test_burst_not_slowed_down(self):
        alice = await self.alice.connect()
        self._app.room.db.execute("PRAGMA synchronous = OFF")
        begin = time.monotonic()
        for _ in range(chat.BURST):
            await alice.send("hello")
        await alice.texts(chat.BURST)
        self.assertLess(time.monotonic() - begin, 1.5)
        for _ in range(8):  # after a burst of 20, ten a second
            await alice.send("hello")
        await alice.texts(8)
        self.assertGreater(time.monotonic() - begin, 0.7)

    @gen_test
    async def test_frame_binary_closes(self):
        alice = await self.alice.connect()
        await alice.ws.write_message(b"hello", binary=True)
        self.assertEqual(await alice.close_code(), 1003)

    @gen_test
    async def test_frame_too_large_closes(self):
        alice = await self.alice.connect()
        await alice.send("x" * (64 * 1024))
        self.assertIn("limited", (await alice.line())["error"])
        await alice.send("x" * (64 * 1024 + 1))
        self.assertEqual(await alice.close_code(), 1009)

    @gen_test
    async def test_disk_full_told_to_the_sender(self):
        alice = await self.alice.connect()
        self._app.room.db.execute("PRAGMA query_only = 1")
        with ExpectLog("tornado.application", "1 messages are not stored"):
            await alice.send("hello", "k")
            line = await alice.line()
        self.assertEqual((line["key"], line["retry"]), ("k", True))
        self._app.room.db.execute("PRAGMA query_only = 0")
        await alice.send("hello", "k")
        self.assertEqual(await alice.texts(1), ["hello"])

    @gen_test
    async def test_log_unreadable_closes(self):
        alice = await self.alice.connect()
        unreadable = ExpectLog("tornado.application", "cannot read .*chat.db")
        with unreadable, mock.patch.object(chat, "to_line", side_effect=sqlite3.Error):
            await self.post("hello")
            self.assertEqual(await alice.close_code(), 1011)
        alice = await self.alice.connect("?since=0")
        self.assertEqual(await alice.texts(1), ["hello"])

    @gen_test
    async def test_reader_stalled_holds_up_nobody(self):
        _, reader, _ = await self.raw()
        bob = await self.bob.connect("?since=0")
        stalled = await self.stall()
        end = self._app.room.end
        while (await bob.line())["id"] < end:
            pass
        self.assertLess(stalled.cursor, end)
        reading = asyncio.ensure_future(reader.read())
        await until(lambda: stalled.cursor == end)
        reading.cancel()

    async def stall(self):
        """Post until the network takes no more for the first who has connected."""
        stalled, cursor = self.handlers[0], None
        line = stalled.ws_connection.stream.socket
        line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)  # and no more
        while stalled.cursor != cursor:
            cursor = stalled.cursor
            await self.post(*["😀" * 2000] * 50)
        return stalled

    @gen_test
    async def test_silent_connection_closed(self):
        with mock.patch.object(chat, "PING", 0.05):
            alice = await self.alice.connect()
            _, reader, _ = await self.raw()
            # A ping and {} for scripts, then a close frame.
            heartbeat = await reader.readexactly(10)
            self.assertEqual(heartbeat, b"\x89\0\x81\2{}\x88\x12\x03\xe9")
            await alice.send("hello")  # she answered the pings
            self.assertEqual(await alice.texts(1), ["hello"])

    @gen_test
    async def test_flood_is_a_sign_of_life(self):
        with mock.patch.multiple(chat, PING=0.1, RATE=20, BURST=1):
            _, reader, _ = await self.raw(b"\x81\x81\0\0\0\0x" * 12)
            for _ in range(12):
                await reader.readuntil(b'"key": null}')

    @gen_test
    async def test_messages_not_delayed_by_nagle(self):
        alice = await self.alice.connect()
        (handler,) = self.handlers
        line = handler.ws_connection.stream.socket
        self.assertTrue(line.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        self.assertIsNone(handler.transmit(chat.PING_FRAME))  # taken at once
        alice.ws.close()

    @gen_test
    async def test_connection_keeps_no_headers(self):
        await self.alice.connect()
        [handler] = self.handlers
        self.assertEqual([*handler.request.headers, *handler._headers], [])

    @gen_test
    async def test_connection_lost_is_forgotten(self):
        _, _, writer = await self.raw()
        (handler,) = self.handlers
        writer.transport.abort()
        await until(lambda: not self._app.connections)
        self.assertTrue(handler.heartbeat.cancelled())
        self.assertEqual(self._app.room.readers, set())

    @gen_test
    async def test_goodbye_to_all_is_quick(self):
        windows = [await self.alice.connect(), await self.bob.connect()]
        begin = time.monotonic()
        codes = asyncio.gather(*(window.close_code() for window in windows))
        await self._app.close()
        self.assertLess(time.monotonic() - begin, 0.9)
        self.assertEqual(await codes, [1001, 1001])
        await self._app.open()


class FrameTest(unittest.TestCase):
    def test_frame_lengths(self):
        heads = {0: "8100", 125: "817d", 126: "817e007e", 65535: "817effff"}
        heads |= {65536: "817f0000000000010000"}
        for size, head in heads.items():
            payload = b"x" * size
            self.assertEqual(chat.to_frame(payload), bytes.fromhex(head) + payload)


# ----------------------------------------------------- Step 14. Running it for others


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


class RunningTest(ProcessCase):
    @gen_test
    async def test_cookie_secure_under_https(self):
        visitor = self.visitor(self.start("--port=0", "--xheaders").url())
        await visitor.get("/", headers={"X-Forwarded-Proto": "https"})
        self.assertIn("Secure", visitor.set_cookies[0])
        plain = self.visitor(visitor.url)
        await plain.get("/")
        self.assertNotIn("Secure", plain.set_cookies[0])

    @gen_test
    async def test_proxy_headers_not_trusted_by_default(self):
        visitor = self.visitor(self.start("--port=0").url())
        await visitor.get("/", headers={"X-Forwarded-Proto": "https"})
        self.assertNotIn("Secure", visitor.set_cookies[0])

    @gen_test
    async def test_form_too_large_refused(self):
        visitor = self.visitor(self.start("--port=0").url())
        answer = await visitor.post("/login", name="carol", more="x" * 60_000)
        self.assertEqual(answer.code, 303)
        with contextlib.suppress(OSError):  # closed while the rest is on its way
            answer = await visitor.post("/login", name="dora", more="x" * 70_000)
            self.assertIn(answer.code, (400, 599))

    def test_limits(self):
        arguments = ["chat.py", "--port=0", f"--db={self.db}", "--logging=none"]
        server = mock.patch.object(chat, "Server", side_effect=SystemExit)
        with server as made, mock.patch("sys.argv", arguments):
            self.assertRaises(SystemExit, asyncio.run, chat.main())
        made.call_args.args[0].room.db.close()  # Windows deletes no open file
        limits = {"max_header_size": 16_384, "max_body_size": 65_536}
        limits |= {"idle_connection_timeout": 60, "body_timeout": 10}
        self.assertEqual(made.call_args.kwargs, {"xheaders": False, **limits})

    @needs_signals
    @gen_test
    async def test_log_lines_tidy(self):
        server = self.start("--port=0", "--logging=info")
        port = int(server.url().rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        request = b"GET /\x9b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        writer.write(request)
        await reader.read()
        writer.close()
        self.assertIn(r"404 GET /\x9b (127.0.0.1)", server.stop()[1])

    @needs_signals
    @gen_test
    async def test_stop_says_goodbye(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            server = self.start("--port=0")
            alice = await self.visitor(server.url()).sign_in("alice").connect()
            server.process.send_signal(number)
            self.assertEqual(await alice.close_code(), 1001)
            self.assertEqual(server.stop(), (0, ""))

    @gen_test
    async def test_second_server_on_same_file_refused(self):
        self.start("--port=0").url()
        status, line = self.refusal("--port=0")
        self.assertEqual(status, 1)
        self.assertIn("locked", line)
