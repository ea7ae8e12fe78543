"""The tests of chat.py, in the order of the tutorial's steps.

`python -m unittest test_chat` takes some ten seconds and needs nothing but Tornado. The
tests talk to a real server over real sockets, as a browser would; hardly anything is
mocked. Each rule is tested twice: what it allows and what it refuses. A test is a
coroutine under @gen_test, Tornado's own decorator, which runs it in an event loop.

What the tests are made of is in tests/support.py: StateCase starts chat.py in a folder
of its own and looks at it from outside only, ChatCase is Tornado's AsyncHTTPTestCase
with a chat in it, ProcessCase starts chats with options.

A class that is marked @step(4) tells what is true of the program after step 4 of the
tutorial, and in every later state. `STEP=4 python -m unittest test_chat` runs what has
been promised so far, and skips the rest.
"""

import asyncio
import contextlib
import io
import json
import logging
import os
import queue
import shutil
import signal
import socket
import sqlite3
import tempfile
import time
import unittest
from pathlib import Path
from unittest import mock

from tornado.testing import AsyncTestCase, gen_test

import chat
from tests.fake_twitter import TwitterCase
from tests.support import (
    ChatCase,
    ProcessCase,
    StateCase,
    needs_signals,
    step,
    to_client_frame,
    until,
)

# The tables of a chat.db of the second edition, and of the tutorial's steps.
OLD_TABLES = """CREATE TABLE log (id INTEGER PRIMARY KEY, at REAL, name TEXT, msg TEXT,
key TEXT, UNIQUE (name, key));
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT);"""


def make_old_file(path, texts):
    """Write a chat.db as the second edition left it, with bob's messages in it."""
    rows = [(1764000000 + n, "bob", text, f"key {n}") for n, text in enumerate(texts)]
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.executescript(OLD_TABLES)
        db.executemany("INSERT INTO log VALUES (NULL, ?, ?, ?, ?)", rows)


# ------------------------------------------------------------- Step 1. Two windows talk


@step(1)
class TalkTest(StateCase):
    @gen_test
    async def test_message_reaches_everybody(self):
        alice, bob = await self.join("alice"), await self.join("bob")
        await alice.send("hello")
        await alice.hears("hello")
        await bob.hears("hello")

    @gen_test
    async def test_window_closed_disturbs_nobody(self):
        carol, dora = await self.join("carol"), await self.join("dora")
        for leave in (dora.ws.close, dora.stream.close):
            leave()
            await carol.send("still here")
            await carol.hears("still here")


# -------------------------------------------------------------- Step 2. Pages and names


@step(2)
class SignInTest(StateCase):
    @gen_test
    async def test_stranger_refused(self):
        stranger = self.visitor()
        self.assertEqual((await stranger.get("/")).code, 200)
        answer = await stranger.get("/chat")
        self.assertEqual(answer.code, 302)
        self.assertRegex(answer.headers["Location"], r"^/($|\?)")
        self.assertEqual(await stranger.knock(), 403)

    @gen_test
    async def test_sign_in_leads_to_chat(self):
        alice = self.visitor()
        answer = await alice.post("/login", name="alice")
        self.assertEqual((answer.code, answer.headers["Location"]), (303, "/chat"))
        self.assertEqual((await alice.get("/chat")).code, 200)
        answer = await alice.get("/")
        self.assertEqual((answer.code, answer.headers["Location"]), (302, "/chat"))

    @gen_test
    async def test_name_comes_from_the_cookie(self):
        bob = await self.join("bob")
        await bob.send("hello")
        line = json.loads((await bob.hears("hello"))[-1])
        self.assertEqual((line["name"], line["msg"]), ("bob", "hello"))

    @gen_test
    async def test_cookie_forged_refused(self):
        forger = self.visitor().sign_in("eve", secret="another secret")
        for cookie in (forger.cookies["chat_user"], "eve", "00 eve"):
            forger.cookies["chat_user"] = cookie
            self.assertEqual((await forger.get("/chat")).code, 302)
            self.assertEqual(await forger.knock(), 403)

    @gen_test
    async def test_sign_out_leads_to_start_page(self):
        carol = self.visitor()
        await carol.post("/login", name="carol")
        answer = await carol.post("/logout")
        self.assertEqual((answer.code, answer.headers["Location"]), (303, "/"))
        self.assertEqual((await carol.get("/chat")).code, 302)
        self.assertEqual((await carol.get("/logout")).code, 405)

    @gen_test
    async def test_form_without_token_refused(self):
        dora = self.visitor()
        self.assertEqual((await dora.post("/login", name="dora", _xsrf="")).code, 403)
        await dora.post("/login", name="dora")
        self.assertEqual((await dora.post("/logout", _xsrf="00")).code, 403)
        self.assertEqual((await dora.get("/chat")).code, 200)


# ---------------------------- Steps 3 to 5. A log, what was missed, and nothing twice


@step(3)
class HistoryTest(StateCase):
    @gen_test
    async def test_newcomer_sees_history(self):
        alice = await self.join("alice")
        for text in ("one", "two"):
            await alice.send(text)
        await alice.hears("two")
        one, two = (await (await self.join("bob")).hears("two"))[-2:]
        self.assertIn("one", one)
        self.assertIn("two", two)


@step(4)
class ResumeTest(StateCase):
    @gen_test
    async def test_missed_comes_and_nothing_twice(self):
        alice, visitor = await self.join("alice"), self.visitor()
        bob = await visitor.join("bob")
        await alice.send("one")
        place = json.loads((await bob.hears("one"))[-1])["id"]
        bob.stream.close()
        for text in ("two", "three"):
            await alice.send(text)
        await alice.hears("three")
        bob = await visitor.connect(f"?since={place}")
        self.assertEqual(len(await bob.hears("three")), 2)
        await alice.send("four")
        self.assertEqual(len(await bob.hears("four")), 1)


@step(5)
class ResendTest(StateCase):
    @gen_test
    async def test_resend_stored_once(self):
        alice = await self.join("alice")
        for text, key in (("one", "k"), ("one", "k"), ("two", "l"), ("one", "k")):
            await alice.send(text, key)
        await alice.send("three", "m")
        await alice.hears('"three"')
        bob = await self.join("bob", "?since=0")
        lines = [json.loads(line) for line in await bob.hears('"three"')]
        self.assertEqual([line["msg"] for line in lines], ["one", "two", "three"])
        self.assertAlmostEqual(lines[0].pop("at"), time.time(), delta=5)
        line = {"id": 1, "name": "alice", "msg": "one", "key": "k"}
        self.assertEqual(lines[0], line)


# ------------------------------------------------------------------- Step 6. A restart


@step(6)
class RestartTest(StateCase):
    @gen_test(timeout=20)
    async def test_kill_takes_nothing_that_was_seen(self):
        visitor = self.visitor()
        alice = await visitor.join("alice")
        await alice.send("hello", "k")
        await alice.hears("hello")
        self.server.process.kill()
        self.server.stop()
        self.start()
        alice = await visitor.connect()
        await alice.hears("hello")
        await alice.send("hello", "k")
        await alice.send("again", "l")
        lines = [json.loads(line) for line in await alice.hears("again")]
        self.assertEqual([line["id"] for line in lines if "msg" in line], [2])


class RoomCase(AsyncTestCase):
    """Rooms without a server; self.room is the first, in the file self.path."""

    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.path = str(self.folder / "chat.db")
        self.room = self.io_loop.run_sync(self.open_room)

    async def open_room(self, path=None):
        """Return a Room that is open, and closed after the test."""
        room = chat.Room(path or self.path)
        try:
            await room.open()
        finally:
            self.addCleanup(room.db.close)
        return room

    async def post(self, *texts):
        """Post messages of alice's, all at once."""
        await asyncio.gather(*(self.room.post("alice", text, None) for text in texts))

    def texts(self, room=None):
        """Return what is in the log."""
        select = "SELECT msg FROM log ORDER BY id"
        return [text for text, in (room or self.room).db.execute(select)]


@step(6)
class LogTest(RoomCase):
    @gen_test
    async def test_key_stored_once_for_each_name(self):
        for name, msg in (("alice", "1"), ("alice", "again"), ("bob", "2")):
            await self.room.post(name, msg, "k")
        await self.post("3", "3")
        self.assertEqual(self.texts(), ["1", "2", "3", "3"])

    @gen_test
    async def test_messages_together_are_one_commit(self):
        statements = []
        self.room.db.set_trace_callback(statements.append)
        await self.post(*map(str, range(50)))
        self.assertEqual(statements.count("COMMIT"), 1)
        full = self.room.db.execute("PRAGMA synchronous").fetchone()[0]
        self.assertEqual(full, 2)  # a commit returns when the disk has it

    @gen_test
    async def test_end_found_in_an_old_log(self):
        await self.post("1", "2")
        self.room.db.close()
        room = await self.open_room()
        self.assertEqual((room.end, self.texts(room)), (2, ["1", "2"]))
        self.assertEqual(room.secret, self.room.secret)


# -------------------------------------------------------- Step 7. One who does not read


@step(7)
class BatchTest(RoomCase):
    def read(self, cursor):
        cursor, lines = self.room.read(cursor)
        return cursor, [json.loads(line)["msg"] for line in lines.split(b"\n")]

    @gen_test
    async def test_batch_begins_behind_the_cursor(self):
        await self.post("1", "2", "3")
        self.assertEqual(self.read(0), (3, ["1", "2", "3"]))
        self.assertEqual(self.read(2), (3, ["3"]))

    @gen_test
    async def test_line_in_the_batch(self):
        await self.room.post("Zoë", "a\nb \0 \u2028 😀", "k")
        _, line = self.room.read(0)
        self.assertIn("Zoë", line.decode())  # not six ASCII characters for one
        message = json.loads(line)
        self.assertAlmostEqual(message.pop("at"), time.time(), delta=5)
        expected = {"id": 1, "name": "Zoë", "msg": "a\nb \0 \u2028 😀", "key": "k"}
        self.assertEqual(message, expected)

    @gen_test
    async def test_batch_limited_to_the_byte(self):
        with mock.patch.object(chat.time, "time", return_value=1764000000.5):
            await self.post(*["😀" * 2000] * 20)  # 8 kB each
        cursor, lines = self.room.read(10)
        self.assertEqual(cursor, 17)
        self.assertEqual(64_000 // (len(lines) // 7), 7)
        for cursor, limit in ((11, len(lines) + 1), (12, len(lines))):
            with mock.patch.object(chat, "MAX_BATCH", limit):
                self.assertEqual(self.room.read(cursor)[0], 18)


@step(7)
class FarBehindTest(StateCase):
    """200 short messages of long ago, 900 long ones, and 50 short ones: 7 MB."""

    @classmethod
    def prepare(cls):
        texts = ["first"] * 200 + ["😀" * 2000] * 900 + ["last"] * 50
        make_old_file(cls.folder / "chat.db", texts)

    @gen_test
    async def test_newcomer_begins_fifty_back(self):
        alice = await self.join("alice")
        self.assertEqual((await alice.line())["id"], 1101)

    @gen_test
    async def test_far_behind_starts_anew(self):
        bob = self.visitor()
        for since in (149, 0):
            connection = await bob.join("bob", f"?since={since}")
            self.assertEqual(await connection.close_code(), 1012)
        lines = await (await bob.connect("?since=150")).read(1000)
        self.assertEqual([line["id"] for line in lines], [*range(151, 1151)])

    @gen_test
    async def test_one_who_does_not_read_holds_up_nobody(self):
        slow = await self.join("slow", "?since=200")
        carol = await self.join("carol", "?since=200")
        for person in (carol, slow):
            lines = await person.read(950)
            self.assertEqual([line["id"] for line in lines], [*range(201, 1151)])


# ------------------------------------------------------------------- Step 8. The door


@step(8)
class DoorTest(StateCase):
    @gen_test
    async def test_headers_on_every_answer(self):
        expected = {
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "X-DNS-Prefetch-Control": "off",
            "Cache-Control": "no-store",
        }
        for path in ("/", "/chat", "/ws", "/login", "/x", "/static/x"):
            headers = (await self.visitor().get(path)).headers
            policy = headers["Content-Security-Policy"]
            self.assertRegex(policy, "default-src 'self';.* frame-ancestors 'none'")
            self.assertEqual({name: headers[name] for name in expected}, expected)

    @gen_test
    async def test_cookie_out_of_reach(self):
        visitor = self.visitor()
        await visitor.post("/login", name="alice")
        [header] = visitor.set_cookies
        self.assertRegex(header, "^chat_user=")
        self.assertIn("; HttpOnly;", header)
        self.assertIn("; SameSite=Lax", header)
        self.assertNotIn("Secure", header)

    async def ask(self, visitor, host):
        """Return the codes with which the chat answers to a name of its computer."""
        paths = "/", "/chat", "/static/x"
        codes = {(await visitor.get(path, {"Host": host})).code for path in paths}
        return {*codes, await visitor.knock(Host=host, Origin=f"http://{host}")}

    @gen_test
    async def test_host_own_served(self):
        visitor, name = self.visitor(), socket.gethostname()
        await visitor.join("bob")
        own = ["127.0.0.1", "192.0.2.7:5000", "[::1]:80", "LocalHost:81", "localhost."]
        for host in [*own, name.upper(), name.partition(".")[0] + ".local"]:
            codes = await self.ask(visitor, host)
            self.assertEqual(codes, {200, 302, 404, 101}, host)

    @gen_test
    async def test_host_foreign_refused(self):
        visitor = self.visitor()
        await visitor.join("bill")
        foreign = ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example"]
        for host in [*foreign, "evillocalhost", "[evil]", "local", "localhost.local"]:
            self.assertEqual(await self.ask(visitor, host), {403}, host)

    @gen_test
    async def test_origin_own_or_none_accepted(self):
        carol = self.visitor()
        await carol.join("carol")
        own = f"http://127.0.0.1:{self.port}"
        for headers in ({}, {"Origin": own}, {"Origin": own.upper()}):
            self.assertEqual(await carol.knock(**headers), 101)
        for port in (":80", ""):
            headers = {"Host": f"localhost{port}", "Origin": "http://localhost:80"}
            self.assertEqual(await carol.knock(**headers), 101)

    @gen_test
    async def test_origin_foreign_refused(self):
        dora = self.visitor()
        await dora.join("dora")
        own = f"http://127.0.0.1:{self.port}"
        foreign = ["http://evil.example", "null", own + "0", own[4:], "http://[", ""]
        for origin in [*foreign, own + "/", "http://127.0.0.1", f"http://x@{own[7:]}"]:
            self.assertEqual(await dora.knock(Origin=origin), 403, origin)

    @gen_test
    async def test_page_of_somebody_else_refused(self):
        erin = self.visitor()
        await erin.join("erin", "?name=erin")
        for name in ("bob", "Erin", "eri", ""):
            self.assertEqual(await erin.knock(f"?name={name}"), 403)

    @gen_test
    async def test_place_in_this_log_and_in_another(self):
        visitor = self.visitor()
        frank = await visitor.join("frank")
        await frank.send("one")
        line = json.loads((await frank.hears("one"))[-1])
        await frank.send("two")
        frank = await visitor.connect(f"?since={line['id']}&at={line['at']}")
        self.assertEqual((await frank.line())["msg"], "two")
        for place in (f"{line['id']}&at=1764000000.5", "500", "1&at=x"):
            frank = await visitor.connect(f"?since={place}")
            self.assertEqual(await frank.close_code(), 1012)
        for since in ("-1", "x", "1.5"):
            self.assertEqual(await visitor.knock(f"?since={since}"), 400)


# ---------------------------------------------------------- Step 9. Floods and silence


@step(9)
class MessageTest(StateCase):
    @gen_test
    async def test_burst_then_ten_a_second(self):
        alice = await self.join("alice")
        begin = time.monotonic()
        for number in range(28):
            await alice.send(f"message {number}")
        await alice.hears("message 19")
        self.assertLess(time.monotonic() - begin, 1.5)
        await alice.hears("message 27")
        self.assertGreater(time.monotonic() - begin, 0.75)

    @gen_test
    async def test_frame_without_object_is_text(self):
        bob = await self.join("bob", "?since=0")
        await bob.send("begin")
        await bob.hears("begin")
        frames = ["hello", '"hello"', "5", "[1]", "null", "{hello", "NaN", "[" * 2000]
        for frame in frames:
            await bob.send(frame)
        self.assertEqual(await bob.texts(len(frames)), frames)

    @gen_test
    async def test_text_cleaned(self):
        carol = await self.join("carol")
        cleaned = {
            " \n\n    if x:\n  y \n\n ": "    if x:\n  y",
            "a\0b\x1b\x7f\x9b\ud800c": "a\ufffdb\ufffd\ufffd\ufffd\ufffdc",
            "a\tb\r\nc\u00a0\u2028d~": "a\tb\r\nc\u00a0\u2028d~",
            "x" * 2000 + " ": "x" * 2000,
        }
        for number, (sent, shown) in enumerate(cleaned.items()):
            await carol.send(sent, f"text {number}")
            line = json.loads((await carol.hears(f"text {number}"))[-1])
            self.assertEqual(line["msg"], shown)

    @gen_test
    async def test_text_empty_or_long_refused_to_its_sender_alone(self):
        dora, erin = await self.join("dora"), await self.join("erin")
        for msg in ("x" * 2001, " \n "):
            await dora.send(msg, "k")
            line = json.loads((await dora.hears("error"))[-1])
            self.assertEqual(sorted(line), ["error", "key"])
            self.assertIn("1 to 2000 characters", line["error"])
            self.assertEqual(line["key"], "k")
        await dora.send("the end")
        self.assertNotIn("error", "".join(await erin.hears("the end")))

    @gen_test
    async def test_object_malformed_refused(self):
        frank = await self.join("frank")
        keys = [5, "x" * 101, "ключ", "\ud800", [], {}, 0, False, "a\nb"]
        frames = ["{}", '{"msg": 1}', '{"msg": null}', '{"text": "x"}']
        for frame in frames + [json.dumps({"msg": "x", "key": key}) for key in keys]:
            await frank.send(frame)
            await frank.hears('{"error": "Send {')
        await frank.ws.write_message(b'{"msg": "hello"}', binary=True)
        await frank.hears('{"error": "Send {')

    @gen_test
    async def test_frame_too_large_closes(self):
        gina = await self.join("gina")
        await gina.send("x" * (64 * 1024))
        await gina.hears("error")
        await gina.send("x" * (64 * 1024 + 1))
        self.assertEqual(await gina.close_code(), 1009)


# -------------------------------------------------------------------- Step 10. Names


@step(10)
class NicknameTest(unittest.TestCase):
    def test_nickname_allowed(self):
        names = {
            "alice": "alice",
            "  alice ": "alice",
            "Zoe\u0308": "Zoë",
            "ａｌｉｃｅ": "alice",
            "Мария 2": "Мария 2",
            "हिन्दी 2": "हिन्दी 2",
            "สมชัย": "สมชัย",
            "J.-P._9": "J.-P._9",
            "a   b\u00a0c": "a b c",
            "7": "7",
            "x" * 20: "x" * 20,
            " " * 80 + "x" * 20: "x" * 20,
        }
        for typed, name in names.items():
            self.assertEqual(chat.clean_nickname(typed), name)

    def test_nickname_refused(self):
        names = ["", "  ", "x" * 21, "@alice", "<b>", "a/b", "😀", " " * 100 + "x"]
        names += ["...", "-", "_ _", "\u0301", "\u3164", "a\u3164"]
        # Control characters, halves of characters, and what shows nothing.
        odd = "\0\t\n\x7f\u00ad\u034f\u115f\u200b\u200d\u2028\u202e\u2066\u2800"
        odd += "\ue000\ud800\ufe0f\ufeff\U0001345f\u17b4"
        names += [f"a{character}b" for character in odd if not character.isspace()]
        for typed in names:
            with self.subTest(ascii(typed)), self.assertRaises(ValueError):
                chat.clean_nickname(typed)

    def test_nickname_long_costs_nothing(self):
        begin = time.process_time()
        with self.assertRaises(ValueError):
            chat.clean_nickname("x" + "\u0301\u0323" * 16_000)
        self.assertLess(time.process_time() - begin, 0.1)


@step(10)
class NameTest(StateCase):
    """A name belongs to whoever is in the room with it."""

    async def is_taken(self, name):
        """Ask as somebody new, and see that the page says what is wrong."""
        answer = await self.visitor().post("/login", name=name)
        if answer.code == 303:
            return False
        self.assertIn("Somebody here has that name", answer.text)
        return answer.code == 400

    @gen_test
    async def test_name_typed_badly_shown_again(self):
        page = await self.visitor().post("/login", name='<"alice">')
        self.assertEqual(page.code, 400)
        self.assertIn('role="alert"', page.text)
        self.assertIn('value="&lt;&quot;alice&quot;&gt;"', page.text)

    @gen_test
    async def test_name_of_one_who_is_here_refused(self):
        await self.join("Alice")
        for name in ("Alice", "ALICE", " alice", "Ａlice"):
            self.assertTrue(await self.is_taken(name))
        self.assertFalse(await self.is_taken("alice2"))

    @gen_test
    async def test_name_free_after_the_last_window(self):
        visitor = self.visitor()
        windows = [await visitor.join("bob"), await visitor.connect()]
        windows[0].ws.close()
        self.assertTrue(await self.is_taken("bob"))
        windows[1].stream.close()
        while await self.is_taken("bob"):
            pass

    @gen_test
    async def test_name_goes_to_the_first_of_two_who_signed_in(self):
        first, second = self.visitor(), self.visitor()
        for visitor in (first, second):
            self.assertEqual((await visitor.post("/login", name="carol")).code, 303)
        window = await first.connect()
        self.assertEqual(await second.knock(), 403)
        answer = await second.get("/chat")
        self.assertEqual((answer.code, answer.headers["Location"][:1]), (302, "/"))
        self.assertIn("Somebody here has that name", (await second.get("/")).text)
        await second.post("/logout")
        await window.send("still here")
        await window.hears("still here")

    @gen_test
    async def test_name_stays_with_its_browser(self):
        visitor = self.visitor()
        await visitor.join("dora")
        self.assertEqual((await visitor.post("/login", name="dora")).code, 303)
        self.assertIn("; Max-Age=2592000;", visitor.set_cookies[0])  # thirty days
        self.assertEqual(await visitor.knock(), 101)

    @gen_test
    async def test_sign_out_closes_own_windows_and_frees_the_name(self):
        visitor, other = self.visitor(), await self.join("frank")
        windows = [await visitor.join("erin"), await visitor.connect()]
        await visitor.post("/logout")
        for window in windows:
            self.assertEqual(await window.close_code(), 1008)
        while await self.is_taken("erin"):
            pass
        await other.send("still here")
        await other.hears("still here")


# ------------------------------------------------------------- Step 11. Open to others


@step(11)
class WindowTest(ChatCase):
    @gen_test
    async def test_error_pages_tell_nothing(self):
        for path, code in (("/x", 404), ("/static/x", 404), ("/logout", 405)):
            page = await self.visitor().get(path)
            self.assertEqual(page.code, code, path)
            self.assertIn("<!DOCTYPE html>", page.text)
            self.assertNotIn("ornado", page.text)

    @gen_test
    async def test_cookies_of_other_programs_borne(self):
        self.alice.cookies |= {"_xsrf": "of Jupyter", "username": "x" * 17_000}
        self.assertEqual(await self.alice.knock(), 101)
        self.assertEqual((await self.alice.post("/logout")).code, 303)

    @gen_test
    async def test_resend_answered(self):
        alice = await self.alice.connect()
        with mock.patch.object(chat.time, "time", return_value=1764000000):
            for msg, key in (("1", "a"), ("1", "a"), ("2", "b"), ("1", "a")):
                await alice.send(msg, key)
            seen = [line.get("msg") or line for line in await alice.read(4)]
        stored = {"id": 1, "key": "a"}
        self.assertEqual(seen, ["1", stored, "2", stored])


@step(11)
class HeartbeatTest(ChatCase):
    def setUp(self):
        self.assertLess(chat.PING, 30)  # many proxies cut a line that is silent so long
        quick = mock.patch.object(chat, "PING", 0.1)
        quick.start()
        self.addCleanup(quick.stop)
        super().setUp()

    @gen_test
    async def test_pings_unanswered_close(self):
        _, reader, _ = await self.raw(to_client_frame(b"", opcode=10) * 50)
        received = await reader.readuntil(b"\x88")
        self.assertIn(b"\x89\0", received)
        # With each ping a line that scripts can see, and none for a pong.
        self.assertIn(received.count(b"\x81\2{}"), (2, 3, 4))

    @gen_test
    async def test_pings_answered_keep_the_line(self):
        alice = await self.alice.connect()
        for _ in range(6):
            self.assertEqual(await alice.line(heartbeats=True), {})
        await alice.send("hello")
        self.assertEqual(await alice.texts(1), ["hello"])


@step(11)
class HostOptionTest(ChatCase):
    options = ("--host=chat.example.org", "--host=Чат.рф.")

    @gen_test
    async def test_host_added_served(self):
        for host in ("chat.example.org", "Chat.Example.org.:8", "xn--80a0bn.xn--p1ai"):
            self.assertEqual(await self.alice.knock(Host=host), 101)
            page = await self.visitor().get("/", {"Host": host})
            self.assertEqual(page.code, 200)
        for host in ("evil-chat.example.org", "chatxexample.org", "example.org"):
            self.assertEqual(await self.alice.knock(Host=host), 403)

    @gen_test
    async def test_origin_added_accepted_behind_a_proxy(self):
        for origin in ("https://chat.example.org", "http://chat.example.org:8080"):
            self.assertEqual(await self.alice.knock(Origin=origin), 101)
        for origin in ("https://x.chat.example.org", "chat.example.org"):
            self.assertEqual(await self.alice.knock(Origin=origin), 403)

    @gen_test
    async def test_refusal_logged_once_with_both_names(self):
        evil = {"Host": "evil.example", "Origin": "http://worse.example"}
        for names in (evil, {"Origin": "http://worse.example"}):
            with self.assertLogs() as logs:
                self.assertEqual(await self.alice.knock(**names), 403)
            [line] = [line for line in logs.output if "worse.example" in line]
            self.assertIn(f"Host {names.get('Host', '127.0.0.1')}", line)
            self.assertIn("--host", line)


@step(11)
class OptionsTest(unittest.TestCase):
    def parse(self, *words):
        """Return the options, or the exit status, and what was printed where."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                return chat.option_parser().parse_args(words)
            except SystemExit as end:
                return end.code, out.getvalue(), err.getvalue()

    def test_options_bad_refused(self):
        bad = ["--prot=1", "--port=many", "--port", "--port=65536", "--port=-1", "5000"]
        bad += ["port=5001", "\u2013\u2013port=5001", "--logging=loud"]
        hosts = ["https://a.example", "a.example/", "a.example:80", "*.a.example", ""]
        for word in [*bad, *(f"--host={host}" for host in hosts)]:
            status, out, err = self.parse(word)
            self.assertEqual((status, out), (2, ""), word)
            self.assertRegex(err, r"(?s)^usage: .*\n[^\n]+: error: [^\n]+\n$")

    def test_options_given_and_not(self):
        words = "--port=65535", "--debug", "--host=A.example.", "--host=чат.рф"
        options = self.parse(*words)
        self.assertEqual((options.port, options.debug), (65535, True))
        self.assertEqual(options.host, ["a.example", "xn--80a0bn.xn--p1ai"])
        options = self.parse()
        self.assertEqual(options.port, int(os.environ.get("PORT") or 5000))
        self.assertFalse(options.debug or options.xheaders or options.host)

    def test_help_on_standard_output(self):
        status, out, err = self.parse("--help")
        self.assertEqual((status, err), (0, ""))
        self.assertIn("--host", out)


@step(11)
class RunningTest(ProcessCase):
    @gen_test(timeout=20)
    async def test_address_printed_answers(self):
        addresses = {"": r"127\.0\.0\.1", "0.0.0.0": "(?!0.0.0.0)[^:]+"}
        if socket.has_ipv6:
            addresses["::1"] = r"\[::1\]"
        for address, shown in addresses.items():
            options = [f"--address={address}"] * bool(address)
            self.db += "x"
            url = self.start("--port=0", *options).url()
            self.assertRegex(url, rf"^http://{shown}:\d+$")
            self.assertEqual((await self.visitor(url).get("/")).code, 200)

    def test_port_in_use_refused(self):
        with socket.socket() as busy:
            busy.bind(("127.0.0.1", 0))
            busy.listen()
            status, line = self.refusal(f"--port={busy.getsockname()[1]}")
        self.assertEqual(status, 1)
        self.assertRegex(line, r"^chat\.py: .*(in use|10048).*--port")

    @needs_signals
    @gen_test(timeout=20)
    async def test_stop_says_goodbye(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            server = self.start("--port=0")
            alice = await self.visitor(server.url()).sign_in("alice").connect()
            server.process.send_signal(number)
            self.assertEqual(await alice.close_code(), 1001)
            self.assertEqual(server.process.wait(5), 0)
            self.assertEqual(server.stop()[1], "")

    @gen_test(timeout=20)
    async def test_cookie_secure_under_https(self):
        for options, secure in ((["--xheaders"], True), ([], False)):
            self.db += "x"
            visitor = self.visitor(self.start("--port=0", *options).url())
            await visitor.get("/", headers={"X-Forwarded-Proto": "https"})
            self.assertEqual("Secure" in visitor.set_cookies[0], secure)


# --------------------------------------------------- Step 12. When things go wrong


@step(12)
class SlipTest(ChatCase):
    """Whatever the code of one connection raises costs that connection only."""

    @gen_test
    async def test_slip_in_reading(self):
        windows = [await self.alice.connect(), await self.bob.connect()]
        results = KeyError("slip"), mock.DEFAULT
        slip = mock.Mock(wraps=self.room.read, side_effect=results)
        with mock.patch.object(self.room, "read", slip), self.assertLogs() as logs:
            await self.room.post("carol", "hello", None)
            lines = await asyncio.gather(*(window.line() for window in windows))
        self.assertIn("Traceback", "".join(logs.output))
        self.assertEqual(lines.count(None), 1)
        closed = windows.pop(lines.index(None))
        self.assertEqual(closed.ws.close_code, 1011)
        await self.room.post("carol", "again", None)
        self.assertEqual(await windows[0].texts(1), ["again"])

    async def assert_costs_its_author_only(self, slip):
        """Check that alice is cut off with a traceback, and bob goes on."""
        alice, bob = await self.alice.connect(), await self.bob.connect()
        with slip, self.assertLogs() as logs:
            await alice.send("hello")
            self.assertEqual(await alice.close_code(), 1011)
        self.assertIn("Traceback", "".join(logs.output))
        await bob.send("still here")
        self.assertEqual(await bob.texts(1), ["still here"])

    @gen_test
    async def test_slip_in_a_message(self):
        handler = chat.WebSocketHandler
        slip = mock.patch.object(handler, "take_message", side_effect=KeyError("slip"))
        await self.assert_costs_its_author_only(slip)

    @gen_test
    async def test_no_memory_to_publish(self):
        slip = mock.patch.object(self.room, "look", side_effect=MemoryError)
        await self.assert_costs_its_author_only(slip)

    @gen_test
    async def test_disk_full_told_to_the_sender(self):
        alice = await self.alice.connect()
        self.room.db.execute("PRAGMA query_only = 1")
        with self.assertLogs(level="ERROR") as logs:
            await alice.send("hello", "k")
            line = await alice.line()
        self.assertIn("1 messages are not stored", logs.output[0])
        self.assertEqual((line["key"], line["retry"]), ("k", True))
        self.room.db.execute("PRAGMA query_only = 0")
        await alice.send("hello", "k")
        self.assertEqual(await alice.texts(1), ["hello"])


@step(12)
class FileTest(RoomCase):
    @unittest.skipIf(os.name == "nt", "Windows lets nobody change an open file")
    @gen_test
    async def test_file_changed_by_others_noticed(self):
        self.assertEqual(os.stat(self.path).st_mode & 0o777, 0o600)  # it holds a secret
        backup = shutil.copy(self.path, self.folder / "backup.db")
        changes = {
            "copied over": lambda path: shutil.copyfile(backup, path),
            "cut off": lambda path: os.truncate(path, 4096),
            "replaced": lambda path: os.replace(shutil.copy2(path, path + "2"), path),
            "moved": lambda path: os.rename(path, path + "3"),
            "without WAL": lambda path: os.remove(path + "-wal"),
            "WAL cut off": lambda path: os.truncate(path + "-wal", 0),
        }
        for name, change in changes.items():
            with self.subTest(name), self.assertLogs(level="ERROR") as logs:
                room = await self.open_room(str(self.folder / f"{name}.db"))
                await room.post("alice", "1", None)
                change(room.path)
                for _ in "12":
                    with self.assertRaises(chat.RoomError):
                        await room.post("alice", "2", None)
                self.assertEqual(room.end, 1)
                self.assertIn("1 messages are not stored", logs.output[0])

    @gen_test
    async def test_file_of_another_program_left_as_it_is(self):
        statements = {
            "contacts": "CREATE TABLE contacts (name)",
            "another log": "CREATE TABLE log (id, line)",
            "a later edition": OLD_TABLES + "PRAGMA user_version = 4",
        }
        for name, script in statements.items():
            path = self.folder / f"{name}.db"
            with contextlib.closing(sqlite3.connect(path)) as db:
                db.executescript(script)
            before = path.read_bytes()
            with self.subTest(name), self.assertRaises((chat.RoomError, sqlite3.Error)):
                await self.open_room(str(path))
            self.assertEqual(path.read_bytes(), before)

    @gen_test
    async def test_disk_full_then_room_again(self):
        await self.post("before")
        self.room.db.execute("PRAGMA max_page_count = 1")
        messages = [("bob", "x" * 2000, str(number)) for number in range(20)]
        posting = [self.room.post(*message) for message in messages]
        with self.assertLogs(level="ERROR") as logs:
            errors = await asyncio.gather(*posting, return_exceptions=True)
        self.assertRegex(logs.output[0], "20 messages are not stored: .* full")
        self.assertEqual({type(error) for error in errors}, {chat.RoomError})
        self.assertEqual((self.room.end, self.texts()), (1, ["before"]))
        self.room.db.execute("PRAGMA max_page_count = 100000")
        await asyncio.gather(*(self.room.post(*message) for message in messages))
        self.room.close()
        self.assertEqual((await self.open_room()).end, 21)


@step(12)
class TroubleTest(ProcessCase):
    def test_database_unusable_refused(self):
        self.start("--port=0").url()
        text = Path(self.db).with_name("notes.txt")
        text.write_text("This is no database. " * 100)
        for path, reason in ((self.db, "locked"), (text, "not a database")):
            status, line = self.refusal("--port=0", f"--db={path}")
            self.assertEqual(status, 1)
            self.assertRegex(line, rf"^chat\.py: .*{reason}.*file\.$")
        for path in ("/nowhere/chat.db", str(text.parent)):
            with self.assertRaises(OSError):
                asyncio.run(chat.Room(path).open())


@step(12)
class LogQueueTest(unittest.TestCase):
    def test_lines_dropped_are_counted(self):
        lines = queue.Queue(2)
        handler = chat.LogQueue(lines)
        for text in ("1", "2", "3", "4"):
            handler.handle(logging.makeLogRecord({"msg": text}))
        said = [lines.get().getMessage() for _ in "12"]
        handler.handle(logging.makeLogRecord({"msg": "5"}))
        handler.handle(logging.makeLogRecord({"msg": "6"}))
        said += [lines.get().getMessage() for _ in "12"]
        self.assertEqual(said, ["1", "2", "5 (2 lines are lost)", "6"])


# ------------------------------------------------------------------- Step 13. A crowd


@step(13)
class PublishTest(RoomCase):
    @gen_test
    async def test_nothing_seen_before_it_is_stored(self):
        seen = []

        def read_copies():  # of the files as they are at this moment, like a backup
            (self.folder / "copy").mkdir()
            for path in self.folder.glob("chat.db*"):
                shutil.copy(path, self.folder / "copy")
            copy = sqlite3.connect(self.folder / "copy" / "chat.db")
            with contextlib.closing(copy):
                seen.extend(copy.execute("SELECT msg FROM log").fetchall())

        self.room.readers.add(read_copies)
        await self.post("hello")
        await self.post("readers are called once")
        self.assertEqual(seen, [("hello",)])

    @gen_test
    async def test_pause_only_in_a_busy_room(self):
        begin = time.monotonic()
        for _ in range(3):
            await self.post("two", "messages")
        self.assertLess(time.monotonic() - begin, 0.5)
        with mock.patch.object(chat, "PAUSE", 0.3):
            begin = time.monotonic()
            for texts in ("1", "2", "34"):
                await self.post(*texts)
            self.assertLess(time.monotonic() - begin, 0.3)
            await asyncio.gather(self.post("5"), self.post("6"))
            self.assertGreater(time.monotonic() - begin, 0.3)


@step(13)
class SlowReaderTest(ChatCase):
    async def post(self, *texts):
        await asyncio.gather(*(self.room.post("carol", text, None) for text in texts))

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
    async def test_reader_stalled_holds_up_nobody(self):
        _, reader, _ = await self.raw()
        bob = await self.bob.connect("?since=0")
        stalled = await self.stall()
        end = self.room.end
        while (await bob.line())["id"] < end:
            pass
        self.assertLess(stalled.cursor, end)
        reading = asyncio.ensure_future(reader.read())
        await until(lambda: stalled.cursor == end)
        reading.cancel()

    @gen_test
    async def test_resend_in_front_of_the_cursor_comes_by_itself(self):
        received = b""
        await self.room.post("alice", "old", "o")
        _, reader, writer = await self.raw()
        stalled = await self.stall()
        stalled.take_message = take = mock.AsyncMock(wraps=stalled.take_message)
        await self.room.post("alice", "new", "n")
        for key in (b"n", b"o"):
            writer.write(to_client_frame(b'{"msg": "again", "key": "%s"}' % key))
        await until(lambda: take.await_count == 2)
        while not (b'"key": "n"' in received and b'{"id": 1, "key": "o"}' in received):
            received += await reader.read(65536)
        self.assertEqual(received.count(b'"key": "n"'), 1)

    @gen_test
    async def test_nothing_follows_the_close_frame(self):
        _, reader, writer = await self.raw()
        other = await self.bob.connect()
        await self.alice.post("/logout")
        await other.send("hello")
        await other.line()
        writer.write(b"\x88\x80\0\0\0\0")
        self.assertEqual(await reader.read(), b"\x88\x0d\x03\xf0Signed out.")

    def test_frame_says_its_length(self):
        for n, head in ((125, "817d"), (126, "817e007e"), (65535, "817effff")):
            self.assertEqual(chat.to_frame(b"x" * n), bytes.fromhex(head) + b"x" * n)


# --------------------------------------------------------------- Appendix A. Twitter


@step(14)
class TwitterTest(TwitterCase):
    @gen_test
    async def test_twitter_only_way_in(self):
        old = self.visitor().sign_in("carol")
        await old.post("/login", name="carol")
        for path, code in (("/", 200), ("/chat", 302)):
            self.assertEqual((await old.get(path)).code, code)
        self.assertIn('href="/login"', (await old.get("/")).text)
        self.assertEqual(await old.knock(), 403)
        self._app.settings["twitter_consumer_key"] = None
        answer = await old.get("/login")
        self.assertEqual((answer.code, answer.headers["Location"]), (302, "/"))

    @gen_test
    async def test_twitter_name_in_many_browsers(self):
        for visitor in (self.visitor(), self.visitor()):
            answer = await visitor.get(await self.callback(visitor))
            self.assertEqual(answer.headers["Location"], "/chat")
            self.assertIn('data-name="@alice"', (await visitor.get("/chat")).text)
            self.assertEqual(await visitor.knock(), 101)
        self.assertEqual(len(self.handlers), 2)

    @gen_test
    async def test_twitter_verifier_wrong(self):
        path = await self.callback(self.carol)
        await self.assert_refused(self.carol, path.replace("verifier+of", "guess+of"))
