"""What an attacker sends: odd frames, odd names, odd requests.

Each must be refused or mean what it says, and harm nobody else.
"""

import asyncio
import contextlib
import json
import os
import random
import re
import socket
import struct
import time
import urllib.parse
from unittest import mock

from tornado.testing import gen_test
from tornado.web import create_signed_value

import chat
from tests.support import (
    SECRET,
    TOP,
    ChatCase,
    ProcessCase,
    needs_signals,
    to_client_frame,
    until,
    upgrade_request,
)

SEED = 20261123
HEAVY = "HEAVY" in os.environ


async def ask(port, request):
    """Send bytes on a connection of their own; return all that comes back, as text."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    return answer.decode("latin-1")


class FrameMaker:
    """Frames by chance: always the same ones, for the seed is fixed."""

    def __init__(self):
        self.random, self.number = random.Random(SEED), 0

    def text(self):
        """Return text with everything in it that has ever broken a program."""
        odd = "\ufeff\u202e\u2028\u0301\uffff😀é\\\"'{}[]<&%$\n\t ab7"
        odd += self.random.choice(("", "\0\x1f\x7f\x85"))
        return "".join(self.random.choices(odd, k=self.random.choice((0, 1, 9, 99))))

    def meant(self, text):
        """Return what the others must see of a text; None: nothing."""
        text = re.sub("[\0\x1f\x7f\x85]", "\ufffd", text).rstrip()
        blank = text[: len(text) - len(text.lstrip())]
        text = text[blank.rfind("\n") + 1 :]  # the first line's indent stays
        return text if 0 < len(text) <= 2000 else None

    def case(self):
        """Return a text frame and what the others must see of it; None: nothing."""
        self.number += 1
        return self.random.choice(
            (self.plain, self.object, self.halves, self.type, self.deep, self.twice)
        )()

    def plain(self):
        text = self.text() + self.random.choice(("", "x", "5", "null", "x" * 2000))
        return text, self.meant(text)

    def object(self):
        text, ascii_only = self.text(), self.random.random() < 0.5
        message = {"msg": text, "key": f"{self.number} ~"}
        return json.dumps(message, ensure_ascii=ascii_only), self.meant(text)

    def halves(self):
        half = chr(self.random.randrange(0xD800, 0xE000))
        return json.dumps({"msg": f"a{half}b{half}"}), "a\ufffdb\ufffd"

    def type(self):
        """Return an object whose msg or key has the wrong type or size."""
        wrong = ("5", "null", "1e999", "NaN", "[]", "{}", "true", "-" + "9" * 4999)
        keys = ('"\\u0000"', '"\\ud800"', '"é"', f'"{"k" * 60_000}"')
        if self.random.random() < 0.5:
            return f'{{"msg": {self.random.choice(wrong)}}}', None
        key = self.random.choice(wrong + keys)
        return f'{{"msg": "x", "key": {key}}}', None

    def deep(self):
        """Return JSON about as deep as Python's parser goes, and deeper."""
        limits = (range(900, 1100), range(9_000, 11_000), range(20_000, 30_000))
        depth = self.random.choice(self.random.choice(limits))
        begin, end, size = self.random.choice((("[", "]", 1), ('{"":', "}", 3)))
        begin, end = begin * (depth // size), end * (depth // size)
        field = self.random.choice(('"msg": ', '"msg": 1, "": ', '"": '))
        # The spaces make it too long for a text, should it be none of JSON's.
        return "{" + field + " " * 2000 + begin + "0" + end + "}", None

    def twice(self):
        return f'{{"msg": 1, "msg": "{self.number}"}}', str(self.number)

    def packet(self):
        """Return bytes that follow a handshake: noise, odd frames, spoilt ones."""
        pick, noise = self.random, self.random.randbytes(self.random.randrange(300))
        if pick.random() < 0.3:
            return noise
        frame = to_client_frame(
            noise if pick.random() < 0.5 else b'{"msg": "mine"}',
            opcode=pick.randrange(16),
            fin=pick.random() < 0.7,
            reserved=pick.choice((0, 0, 0, 1, 2, 4, 7)),
            mask=pick.choice((b"\1\2\3\4", b"\0\0\0\0", None)),
        )
        spoilt = bytearray(frame * pick.randrange(1, 4))
        if pick.random() < 0.3:
            spoilt[pick.randrange(len(spoilt))] ^= 1 << pick.randrange(8)
        return bytes(spoilt[: pick.randrange(len(spoilt) + 1) or None])


class FrameAttackTest(ChatCase):
    """One attacker, and bob who looks on."""

    @gen_test(timeout=300)
    async def test_texts_by_chance_mean_what_they_say(self):
        maker = FrameMaker()
        alice, bob = await self.alice.connect(), await self.bob.connect()
        # Each waits for its commit, and a disk takes some milliseconds for one.
        self.room.db.execute("PRAGMA synchronous = OFF")
        with mock.patch.multiple(chat, RATE=1e6, BURST=1e6, PAUSE=0):
            for _ in range(120 if HEAVY else 5):
                cases = [maker.case() for _ in range(100)]
                for frame, _ in cases:
                    await alice.ws.write_message(frame)
                expected = [seen for _, seen in cases if seen is not None]
                lines = await alice.read(100)
                seen = [line["msg"] for line in lines if "error" not in line]
                self.assertEqual(seen, expected)
                self.assertEqual(await bob.texts(len(expected)), expected)

    @gen_test(timeout=300)
    async def test_packets_by_chance_harm_nobody_else(self):
        maker, bob = FrameMaker(), await self.bob.connect()
        for _ in range(8000 if HEAVY else 300):
            _, reader, writer = await self.raw(maker.packet())
            writer.write_eof()
            await reader.read()
            self.writers.pop().close()
        await self.assert_well(bob)
        await until(lambda: len(self.room.connections) == 1)

    async def assert_well(self, witness):
        """Check that all the witness has seen is well-formed and in order."""
        await witness.send("still here")
        line, number = {"msg": None}, 0
        while line["msg"] != "still here":
            line, number = await witness.line(), number + 1
            self.assertEqual(list(line), ["id", "at", "name", "msg", "key"])
            self.assertEqual(line["id"], number)
            self.assertIn(line["name"], ("alice", "bob"))
            self.assertTrue(line["msg"].strip() and len(line["msg"]) <= 2000)

    async def assert_closed(self, packet, code=None):
        """Check that a packet ends its connection, and nothing else."""
        bob = await self.bob.connect(f"?since={self.room.end}")
        _, reader, writer = await self.raw(packet)
        answer = await reader.read()
        if code:
            self.assertIn(b"\x88", answer)
            self.assertIn(struct.pack("!H", code), answer)
        writer.close()
        await bob.send("still here")
        self.assertEqual((await bob.line())["msg"], "still here")
        bob.stream.close()

    @gen_test
    async def test_frames_forbidden_close(self):
        frames = [to_client_frame(b"x", opcode) for opcode in (3, 4, 5, 6, 7)]
        frames += [to_client_frame(b"x", opcode) for opcode in range(11, 16)]
        frames += [to_client_frame(b"x", reserved=bits) for bits in range(1, 8)]
        frames += [to_client_frame(b"x" * 126, opcode) for opcode in (8, 9, 10)]
        frames += [to_client_frame(b"x", opcode, fin=False) for opcode in (8, 9, 10)]
        frames += [to_client_frame(b"x", 0), to_client_frame(b"x", 0, fin=False)]
        frames += [to_client_frame(b"x", 1, fin=False) + to_client_frame(b"x")]
        frames += [b"\x81\xff" + b"\xff" * 8, b"\x81\xff\x80" + b"\0" * 7]
        for frame in frames:
            with self.subTest(frame[:16].hex()):
                await self.assert_closed(frame)
        await until(lambda: not self.room.connections)

    @gen_test
    async def test_frame_after_the_end_not_stored(self):
        await self.assert_closed(to_client_frame(b"", 8) + to_client_frame(b"after"))
        self.assertEqual(self.room.end, 1)

    @gen_test
    async def test_text_no_utf8_closes(self):
        texts = b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc3"
        for text in texts:
            with self.subTest(text):
                await self.assert_closed(to_client_frame(text))
                half = to_client_frame(b'{"msg": "', fin=False)
                await self.assert_closed(half + to_client_frame(text, 0))
        await until(lambda: not self.room.connections)

    @gen_test
    async def test_close_frame_of_any_kind_closes(self):
        codes = (0, 999, 1000, 1004, 1005, 1006, 1016, 2999, 3000, 5000, 65535)
        reasons = [struct.pack("!H", code) for code in codes]
        for reason in [b"", b"x", b"\x03\xe8\xff\xfe", *reasons]:
            with self.subTest(reason):
                await self.assert_closed(to_client_frame(reason, 8))
        await until(lambda: not self.room.connections)

    @gen_test
    async def test_fragments_without_end_close(self):
        part = to_client_frame(b"x" * 1024, 0, fin=False)
        first = to_client_frame(b"x" * 1024, 1, fin=False)
        await self.assert_closed((first + part * 64)[:-1000], 1009)

    @gen_test
    async def test_frame_of_a_megabyte_closes(self):
        for text in (b'{"msg": "x", "key": "' + b"k" * 2**20, b"[" * 100_000):
            frame = to_client_frame(text)
            # The length alone decides; the rest need not come.
            await self.assert_closed(frame[:1000], 1009)

    @gen_test(timeout=10)
    async def test_flood_ends_when_its_sender_leaves(self):
        bob = await self.bob.connect()
        _, _, flooder = await self.raw(to_client_frame(b"x") * 10_000)
        await bob.read(chat.BURST)
        due = self.handlers[-1].due
        flooder.transport.abort()
        await until(lambda: len(self.room.connections) == 1)
        end = self.room.end
        self.assertLess(end, 200)
        # Its last message is still being slowed down.
        await until(lambda: time.monotonic() > due + 0.05)
        self.assertEqual(self.room.end, end)


class LeavingTest(ChatCase):
    """A client that leaves while the room takes its time to answer."""

    @gen_test
    async def test_client_that_leaves_during_its_handshake_forgotten(self):
        for method in ("claim", "place"):
            asked, left, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

            async def answer_late(*_, asked=asked, left=left):
                asked.set()
                await left.wait()
                return 1  # the name is free; the cursor is 1

            watch = mock.patch.multiple(
                chat.WebSocketHandler,
                on_connection_close=self.then(left, "on_connection_close"),
                on_finish=self.then(done, "on_finish"),
            )
            with watch, mock.patch.object(self.room, method, answer_late):
                handshake = asyncio.ensure_future(self.raw())
                await asked.wait()
                self.writers.pop().transport.abort()
                await done.wait()
                with self.assertRaises(asyncio.IncompleteReadError):
                    await handshake
            self.assertEqual(self.room.connections, {})
            self.assertEqual(self.room.readers, set())

    def then(self, event, method):
        """Return a method of WebSocketHandler that sets an event when it is done."""
        original = getattr(chat.WebSocketHandler, method)

        def call_and_set(handler):
            original(handler)
            event.set()

        return call_and_set


class SlowReaderTest(ChatCase):
    """A client that does not read, while much is sent to it."""

    async def stall(self):
        """Post until the network takes no more for the first who has connected."""
        (stalled,), cursor = self.handlers, None
        line = stalled.ws_connection.stream.socket
        line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)  # and no more
        while stalled.cursor != cursor:
            cursor = stalled.cursor
            await self.post(50)
        return stalled

    async def post(self, count):
        post = self.room.post
        await asyncio.gather(*(post("bob", "😀" * 2000, None) for _ in range(count)))

    @gen_test(timeout=20)
    async def test_frames_neither_split_nor_overtaken(self):
        _, reader, writer = await self.raw()
        stalled = await self.stall()
        with mock.patch.multiple(chat, RATE=1e6, BURST=1e6):
            writer.write(to_client_frame(b" ") * 20)  # each gets an error line
            stalled.beat()
            stalled.ws_connection.write_ping(b"")
            await self.post(50)
            lines = await self.read_lines(reader, 20)
        ids = [line["id"] for line in lines if "id" in line]
        self.assertEqual(ids, list(range(1, len(ids) + 1)))
        self.assertEqual(sum("error" in line for line in lines), 20)

    async def read_lines(self, reader, errors):
        """Read frames, each whole and of a known kind, until all has come."""
        lines, last = [], 0
        while errors or last < self.room.end:
            head, size = await reader.readexactly(2)
            self.assertIn(head, (0x81, 0x89))
            if size > 125:
                length = await reader.readexactly(2 if size == 126 else 8)
                size = int.from_bytes(length, "big")
            payload = await reader.readexactly(size)
            if head == 0x81:
                lines += map(json.loads, payload.split(b"\n"))
                last = lines[-1].get("id", last)
                errors -= "error" in lines[-1]
        return lines

    @gen_test(timeout=20)
    async def test_frame_waits_behind_what_waits(self):
        port, loop, frame = self.get_http_port(), asyncio.get_running_loop(), b"\x89\0"
        with socket.create_connection(("127.0.0.1", port)) as line:
            line.sendall(upgrade_request(port, self.alice.headers()))
            await until(lambda: self.handlers)
            stalled, read = await self.stall(), b""
            line.setblocking(False)
            with contextlib.suppress(BlockingIOError):  # now the network has room
                while True:
                    line.recv(65536)
            stalled.transmit(frame)
            while frame not in read:
                read += await loop.sock_recv(line, 65536)
        self.assertTrue(read.partition(frame)[0].endswith(b"}"))  # a frame's end

    @gen_test(timeout=20)
    async def test_lost_in_the_middle_of_a_batch_and_of_an_answer(self):
        _, _, writer = await self.raw()
        stalled = await self.stall()
        writer.write(to_client_frame(b" "))  # the error line waits behind the batch
        await until(lambda: stalled.due)
        writer.transport.abort()
        await until(lambda: not self.room.connections)
        self.assertEqual(self.room.readers, set())

    @gen_test(timeout=20)
    async def test_too_far_behind_closed_when_it_reads_again(self):
        _, reader, _ = await self.raw()
        await self.stall()
        await self.post(chat.MAX_BEHIND + 10)
        read = b""
        while not (read.endswith(b"starts anew.") or reader.at_eof()):
            read += await reader.read(65536)
        self.assertIn(b"\x88\x18\x03\xf4This page", read)


# ------------------------------------------------------------------------------- web


FORM = "application/x-www-form-urlencoded"


class WebAttack(ChatCase):
    """A chat, and requests whose every byte is ours."""

    def request(self, line, *headers, body=b"", host=True):
        """Build a request, byte for byte."""
        own = [f"Host: 127.0.0.1:{self.get_http_port()}"] if host else []
        head = "\r\n".join([line, *own, *headers, "", ""])
        return head.encode("latin-1") + body

    async def get(self, path, *headers, method="GET", host=True):
        """Ask for a path as it stands; return the whole answer."""
        line = f"{method} {path} HTTP/1.1"
        request = self.request(line, "Connection: close", *headers, host=host)
        return await ask(self.get_http_port(), request)

    def cookie(self):
        return "Cookie: chat_user=" + self.alice.cookies["chat_user"]

    async def post(self, body, *headers, path="/login", kind=FORM):
        """Send a form; return the code of the answer."""
        size = f"Content-Length: {len(body)}"
        lines = f"Content-Type: {kind}", size, "Connection: close", *headers
        request = self.request(f"POST {path} HTTP/1.1", *lines, body=body)
        return (await ask(self.get_http_port(), request))[9:12]

    async def assert_answer(self, codes, path, *headers, **how):
        """Check the code of an answer, and that it is safe; return it."""
        answer = await self.get(path, *headers, **how)
        self.assertRegex(answer, f"^HTTP/1.1 ({codes}) ")
        self.assert_safe(answer)
        return answer

    def assert_safe(self, answer):
        """Check the headers of an answer, and that it tells nothing of the inside."""
        head, _, body = answer.partition("\r\n\r\n")
        for header in (
            f"Content-Security-Policy: {chat.CSP}",
            "X-Content-Type-Options: nosniff",
            "Referrer-Policy: no-referrer",
        ):
            self.assertEqual(head.count(header), 1, head)
        if not re.match(r"HTTP/1.1 20\d ", head):
            self.assertNotRegex(body, r"(?i)tornado|python|traceback|/home|/tmp|\.py")


class WebAttackTest(WebAttack):
    @gen_test
    async def test_paths_with_nul_are_not_found(self):
        paths = ["/static/%00", "/%00", "/static/a%00b", "/static/chat.js%00", "/ws%00"]
        for path in [*paths, "/static/..%2f%00"]:
            with self.subTest(path):
                await self.assert_answer("40[034]", path)
        await self.assert_answer("200", "/?since=%00")
        await self.assert_answer("400", "/ws?since=%00", self.cookie())

    @gen_test
    async def test_paths_lead_nowhere_else(self):
        above = (
            *("../chat.py", "..%2fchat.py", "%2e%2e/chat.py", "%2e%2e%2fchat.py"),
            *("..\\chat.py", "..%5cchat.py", "%252e%252e%252fchat.py", "....//chat.py"),
            *("%c0%ae%c0%ae/chat.py", "./../chat.py", "x/../../chat.py", "..;/chat.py"),
            *(f"{TOP}/chat.py", f"%2f{str(TOP)[1:]}/chat.py", "/etc/passwd", ".."),
            *("../static../chat.py", "C:/x", "chat.js::$DATA", "%ff", "a" * 5000),
        )
        for path in above:
            with self.subTest(path[:60]):
                await self.assert_answer("40[034]", "/static/" + path)
        await self.assert_answer("200", "/static/./chat.js")

    @gen_test
    async def test_methods_on_every_address(self):
        methods = "OPTIONS PUT DELETE PATCH TRACE CONNECT PROPFIND get".split()
        for path in ("/", "/chat", "/login", "/logout", "/ws", "/static/chat.js", "*"):
            for method in methods:
                with self.subTest(f"{method} {path}"):
                    await self.assert_answer("40[345]", path, method=method)

    @gen_test
    async def test_redirects_stay_here(self):
        queries = ("next=//evil.example", "next=http://evil.example", "url=%0d%0aX:1")
        for path in ("/", "/chat", "/login", "//evil.example", "/\\evil.example"):
            for query in queries:
                for headers in ((), (self.cookie(),)):
                    answer = await self.get(f"{path}?{query}", *headers)
                    there = r"(?mi)^Location: (?!/(chat|\?next=%2Fchat[^/\r]*)?\r$)"
                    self.assertNotRegex(answer, there)
                    self.assertNotIn("/evil", answer)

    @gen_test
    async def test_forms_from_elsewhere_refused(self):
        token = "2|" + "0" * 8 + "|" + "0" * 32 + "|1"
        pairs = ("", ""), ("", token), (token, ""), ("00", "01"), ("\xff", "x")
        for cookie, sent in pairs:
            for path in ("/login", "/logout"):
                body = urllib.parse.urlencode({"_xsrf": sent, "name": "carol"}).encode()
                lines = f"Cookie: chat_xsrf={cookie}", "Origin: http://evil.example"
                self.assertEqual(await self.post(body, *lines, path=path), "403")
        body = b"_xsrf=00&name=carol"
        self.assertEqual(await self.post(body, "Cookie: chat_xsrf=00"), "303")

    @gen_test
    async def test_forms_of_odd_kinds_refused(self):
        kinds = {
            "multipart/form-data": b"_xsrf=00&name=zed",
            "multipart/form-data; boundary=": b"----",
            "multipart/form-data; boundary=x": b"--x\r\nno header\r\n--x--",
            'multipart/form-data; boundary="x': b"--x\r\n\r\n\r\n--x--\r\n" * 200,
            "application/json": b'{"_xsrf": "00", "name": "zed"}',
            FORM: b"%&=%ff&" * 900,
            "\xff\xfe/;;=": b"\xff",
        }
        for kind, body in kinds.items():
            for extra in ([], ["X-XSRFToken: 00"], ["Content-Encoding: gzip"]):
                with self.subTest(kind):
                    lines = "Cookie: chat_xsrf=00", *extra
                    code = await self.post(body, *lines, kind=kind)
                    self.assertIn(code, ("400", "403"))

    @gen_test
    async def test_cookies_of_others_open_nothing(self):
        def sign(*what, secret=SECRET, **how):
            return create_signed_value(secret, *what, **how).decode()

        good, name, value = self.alice.cookies["chat_user"], "chat_user", "0 alice"
        month_ago = {"clock": lambda: time.time() - 32 * 86400}
        cookies = [good[:n] for n in range(0, len(good), 7)] + [good + "0"]
        cookies += [sign(name, value, **month_ago), sign(name, value, secret="x" * 64)]
        cookies += [sign("username", value), sign(name, "alice"), sign(name, "")]
        cookies += ["2|", "2|1:0|" + "9" * 5000 + ":1|", "2|-1:0|", "1|2|3", "99|a|b|c"]
        cookies += ["2|1:0|10:1|9:chat_user|4:\xff\xff|0", "", "\xff", '"\\377\\400']
        for cookie in [*cookies, "; ; =;;==;$Version=1", good[::-1]]:
            with self.subTest(cookie[:60]):
                await self.assert_answer("302", "/chat", f"Cookie: chat_user={cookie}")
        old = "Cookie: username=" + sign("username", "alice")
        await self.assert_answer("302", "/chat", old)
        answer = await self.assert_answer("200", "/chat", self.cookie())
        self.assertIn("Cache-Control: no-store", answer)

    @gen_test
    async def test_cookies_of_other_programs_not_in_the_way(self):
        own = f"chat_user={self.alice.cookies['chat_user']}; chat_xsrf=00"
        jupyter = "_xsrf=2|3f1c2a9b|0f2e|1700000000; username-127-0-0-1-8888=2|1:0"
        large = "; ".join(f"app{number}={'y' * 1000}" for number in range(17))
        for others in (jupyter, large, "\xff=\xfe; ;x=", "a b; =; \"", "_xsrf=; _xsrf"):
            for cookies in (f"{own}; {others}", f"{others}; {own}"):
                with self.subTest(cookies[:60]):
                    login = b"_xsrf=00&name=alice"
                    code = await self.post(login, f"Cookie: {cookies}")
                    self.assertEqual(code, "303")
                    head, _, _ = await self.raw(Cookie=cookies)
                    self.assertIn(b" 101 ", head)

    @gen_test
    async def test_addresses_of_other_servers_are_not_found(self):
        for line in ("http://evil.example/chat", "http://[/", "//evil.example/", "x"):
            await self.assert_answer("404", line)

    @gen_test
    async def test_handshakes_odd_harm_nothing(self):
        for code, name, value in (
            ("101", "Sec-WebSocket-Extensions", "permessage-deflate; client=99"),
            ("101", "Sec-WebSocket-Extensions", ";;;==,,a;b*1=x''%ff;b*0*=zz'%ff"),
            ("101", "Sec-WebSocket-Protocol", ",,,chat"),
            ("101", "Sec-WebSocket-Key", "x" * 9000),
            ("426", "Sec-WebSocket-Version", "99"),
            ("400", "Sec-WebSocket-Key", ""),
            ("400", "Upgrade", "h2c"),
            ("400", "Connection", "close"),
        ):
            head, _, _ = await self.raw(**{name: value})
            self.assertEqual(head[9:12].decode(), code)
            self.assertNotIn(b"Sec-WebSocket-Extensions", head)
            self.assert_safe(head.decode("latin-1"))

    @gen_test
    async def test_ranges_odd_harm_nothing(self):
        bounds = "5-1", "-0", "--5", "a-b", "-" + "9" * 5000, "9999999-", "0-0,2-2", ""
        headers = [f"Range: bytes={each}" for each in bounds]
        headers += ['If-None-Match: \xff, W/"""', "If-Modified-Since: yesterday"]
        headers += ["If-Modified-Since: Mon, 01 Jan 2020 00:00:00 +99999999999999999"]
        for header in headers:
            with self.subTest(header):
                await self.assert_answer("20[06]|304|416", "/static/chat.js", header)


class NamesOfTheServerTest(WebAttack):
    """By which names, and from whose pages, the chat can be reached."""

    options = ("--host=chat.example.org", "--host=chat.test")

    async def codes(self, host, **headers):
        """Return the codes with which a page, a file and the socket answer."""
        codes = []
        for path in ("/", "/static/chat.js", "/nothing"):
            answer = await self.get(path, f"Host: {host}", host=False)
            self.assertNotIn("evil", answer)
            codes.append(answer[9:12])
        head, _, writer = await self.raw(Host=host, **headers)
        writer.close()
        return [*codes, head[9:12].decode()]

    @gen_test
    async def test_hosts_own_served(self):
        name = socket.gethostname().partition(".")[0]
        hosts = ["localhost", "LocalHost.:81", "127.0.0.1", "192.0.2.7:80", "[::1]:443"]
        hosts += [name, f"{name.upper()}.", f"{name}.local:5000", socket.gethostname()]
        for host in [*hosts, "chat.example.org", "Chat.Test.:8443"]:
            with self.subTest(host):
                origin = f"http://{host}"
                codes = await self.codes(host, Origin=origin)
                self.assertEqual(codes, ["200", "200", "404", "101"])

    @gen_test
    async def test_hosts_foreign_refused(self):
        name = socket.gethostname().partition(".")[0]
        hosts = """evil.example localhost.evil.example 127.0.0.1.evil.example org
        test example.org evil-chat.example.org chatxexample.org xchat.example.org
        localhosts a.chat.example.org chat.example.org.evil.example chat.example.orgs
        chat.example.org.. .chat.example.org chat..example.org .localhost local .local
        localhost.local localhost.. evil.local 127.0.0.1.. 256.1.1.1 1.2.3.4.5 [::1 [
        [evil] [::1].evil.example a::1 evil.example:80 evil.example:99999999""".split()
        for host in [*hosts, f"x{name}", f"{name}.evil.example", f"{name}.local.evil"]:
            with self.subTest(host):
                self.assertEqual(await self.codes(host), ["403"] * 4)

    @gen_test
    async def test_origins_own_accepted(self):
        own = f"127.0.0.1:{self.get_http_port()}"
        for host, origin in (
            (own, f"http://{own}"),
            ("chat.test", "https://chat.test:443"),
            ("chat.test:80", "http://chat.test"),
            ("LOCALHOST:443", "https://localhost"),
            (own, "https://chat.example.org"),  # a proxy has rewritten Host
            (own, "https://Chat.Test:8443"),
        ):
            with self.subTest(origin):
                self.assertEqual((await self.codes(host, Origin=origin))[3], "101")

    @gen_test
    async def test_origins_foreign_refused(self):
        own, port = f"127.0.0.1:{self.get_http_port()}", self.get_http_port()
        odd = ["http://[", f"http://user@{own}", f"http://{own}/", f"http://{own}.evil"]
        odd += [own, f"http://{own}#", "http://localhost", f"http://{own}, http://evil"]
        odd += ["file://", f"http://evil://{own}", f"://{own}", "\xff", "null", ""]
        odd += [f"http://{own}\xa0", f"http://{own}\r\nOrigin: http://evil"]
        odd += ["http://evil.example", f"http://{own}0", "http://127.0.0.1"]
        odd += [f"http://localhost:{port}", "http://chat.example.org.evil.example"]
        odd += ["http://evil-chat.example.org", "http://chat.example.org@evil.example"]
        odd += ["http://chat.test.", "http://chat.test/", "chat.test"]
        for origin in odd:
            with self.subTest(origin):
                head, _, writer = await self.raw(Origin=origin)
                writer.close()
                self.assertRegex(head, b"^HTTP/1.1 403 ")

    def test_names_that_are_none_refused(self):
        for name in ("http://a", "a:80", "a/", "*", "*.a", "", "a b", ".a", "[::]"):
            with self.subTest(name), self.assertRaises((TypeError, ValueError)):
                chat.host_name(name)
        self.assertEqual(chat.host_name("Chat.Example.org."), "chat.example.org")
        self.assertEqual(chat.host_name("bücher.example"), "xn--bcher-kva.example")


class TimeAttackTest(WebAttack):
    """What is long must not take long: the server does nothing else meanwhile."""

    def assert_quick(self, begin):
        self.assertLess(time.process_time() - begin, 0.2, "seconds of CPU")

    @gen_test
    async def test_forms_long_cost_little(self):
        form, parts = FORM, "multipart/form-data; boundary=x"
        head = b"--x\r\nContent-Disposition: form-data; "
        for kind, body in (
            (form, b"_xsrf=00&name=" + "\u0301\u0323".encode() * 16_000),
            (form, b"_xsrf=00&name=" + b"+" * 64_000),
            (form, b"_xsrf=00&name=" + b"%" * 64_000),
            (form, b"_xsrf=00&" + b"name=b&" * 9_000),
            (form, b"_xsrf=" + b"0" * 64_000),
            (parts, b"--x\r\n" * 12_000),
            (parts, head + b'a="' * 20_000 + b"\r\n\r\n\r\n--x--"),
            (parts, head + b';"' * 30_000 + b"\r\n\r\n\r\n--x--"),
        ):
            with self.subTest(body[:30]):
                begin = time.process_time()
                await self.post(body, "Cookie: chat_xsrf=00", kind=kind)
                self.assert_quick(begin)

    @gen_test
    async def test_headers_long_cost_little(self):
        size = 64_000
        for header in (
            "Cookie: " + "a=b;" * (size // 4),
            'Cookie: a="' + "\\1" * (size // 2),
            "Cookie: chat_user=2|1:0|" + "1:1|" * (size // 4),
            "If-None-Match: " + 'W/"a",' * (size // 6),
            "If-None-Match: " + '"' * size,
            "Range: bytes=" + "1-2," * (size // 4),
            "If-Modified-Since: " + "(" * size,
            "\r\n".join(["a: b"] * 9000),
        ):
            with self.subTest(header[:30]):
                begin = time.process_time()
                await self.get("/static/chat.js", header)
                await self.get("/", header)
                self.assert_quick(begin)

    @gen_test
    async def test_frames_long_cost_little(self):
        size = 65_536
        frames = ["[" * size, "9" * size, "-" * size, "0." + "9" * (size - 2)]
        frames += [" " * size, "\u0301\u0323" * 16_000, "x" * (size - 1) + "\0"]
        frames += ['"' + "\\u0301" * 10_900 + '"', '{"a":' * 13_000]
        frames += ["{" + '"a":1,' * 10_000 + '"msg":1}']
        frames += ['{"msg":"' + "\\ud83d" * 10_900 + '"}']
        alice = await self.alice.connect()
        for frame in frames:
            with self.subTest(frame[:10]):
                begin = time.process_time()
                await alice.send(frame)
                self.assertIn("error", await alice.line())
                self.assert_quick(begin)


@needs_signals
class LogAttackTest(ProcessCase):
    """What strangers make the server write into its own log."""

    @gen_test(timeout=20)
    async def test_log_lines_short_and_tame(self):
        server = self.start("--port=0", "--logging=info")
        port = int(server.url().rpartition(":")[2])
        end = " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        long, odd = "x" * 15_000, "\x9b31m\x1b[2J\x7f\x00\r"
        cookie = create_signed_value(SECRET, "chat_user", "0 carol").decode()
        requests = [
            f"GET /{long}{end}\r\n",
            f"GET /{odd}{end}\r\n",
            f"GET /\x9b31m{end}\r\n",
            f"GET /static/{'%9b' * 5000}{end}\r\n",
            f"POST /login?{long}{end}Content-Length: 0\r\n\r\n",
            f"GET /ws?since={long}{end}Cookie: chat_user={cookie}\r\n\r\n",
            f"GET /ws?since=%ff&{long}{end}Cookie: chat_user={cookie}\r\n\r\n",
            f"GET / HTTP/1.1\r\nHost: a,{odd}{long}\r\n\r\n",
            f"{long} / {end}\r\n",
            f"GET {odd}{long}\r\n\r\n",
        ]
        for request in requests:
            await ask(port, request.encode("latin-1"))
        _, written = server.stop()
        self.assertGreater(written.count("\n"), len(requests) - 3)
        self.assertLess(len(written), 1100 * len(requests))
        self.assertLess(max(map(len, written.split("\n"))), 600)
        self.assertNotRegex(written, r"[\0-\x09\x0b-\x1f\x7f-\x9f]")

    @gen_test(timeout=20)
    async def test_log_that_nobody_reads_holds_up_nobody(self):
        server = self.start("--port=0", "--logging=info")
        port = int(server.url().rpartition(":")[2])
        line = f"GET /{'x' * 400} HTTP/1.1\r\nHost: localhost\r\n"
        requests = f"{line}\r\n" * 1000 + f"{line}Connection: close\r\n\r\n"
        answer = await ask(port, requests.encode())  # a pipe holds 64 kB
        self.assertEqual(answer.count("HTTP/1.1 404"), 1001)
        _, written = server.stop()
        self.assertEqual(written.count(" 404 GET /xxx"), 1001)
