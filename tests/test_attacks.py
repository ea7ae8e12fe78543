"""What an attacker sends: odd frames, odd names, odd requests.

Each must be refused or mean what it says, and harm nobody else.
"""

import asyncio
import contextlib
import json
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
    FormCase,
    ProcessCase,
    heavy,
    needs_signals,
    to_client_frame,
    until,
    upgrade_request,
)

SEED = 20261123


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
        allowed = not set(text) & set("\0\x1f\x7f\x85")
        return text.strip() if allowed and 0 < len(text.strip()) <= 2000 else None

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
        keys = ('""', '"\\u0000"', '"\\ud800"', '"é"', f'"{"k" * 60_000}"')
        if self.random.random() < 0.5:
            return f'{{"msg": {self.random.choice(wrong)}}}', None
        key = self.random.choice([w for w in wrong if w != "null"] + list(keys))
        return f'{{"msg": "x", "key": {key}}}', None

    def deep(self):
        """Return JSON about as deep as Python's parser goes, and deeper."""
        limits = (range(900, 1100), range(9_000, 11_000), range(20_000, 30_000))
        depth = self.random.choice(self.random.choice(limits))
        begin, end, size = self.random.choice((("[", "]", 1), ('{"":', "}", 3)))
        begin, end = begin * (depth // size), end * (depth // size)
        field = self.random.choice(('"msg": ', '"msg": "x", "key": ', '"": '))
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


class FrameAttack(ChatCase):
    """One attacker, and bob who looks on."""

    async def send_texts(self, count):
        """Send text frames; everybody must see exactly what the frames mean."""
        maker = FrameMaker()
        alice, bob = await self.alice.connect(), await self.bob.connect()
        # Each waits for its commit, and a disk takes some milliseconds for one.
        self._app.room.db.execute("PRAGMA synchronous = OFF")
        with mock.patch.multiple(chat, RATE=1e6, BURST=1e6, PAUSE=0):
            for _ in range(count // 100):
                cases = [maker.case() for _ in range(100)]
                for frame, _ in cases:
                    await alice.ws.write_message(frame)
                expected = [seen for _, seen in cases if seen is not None]
                lines = await alice.read(100)
                seen = [line["msg"] for line in lines if "error" not in line]
                self.assertEqual(seen, expected)
                self.assertEqual(await bob.texts(len(expected)), expected)

    async def send_packets(self, count):
        """Send bytes, each lot on a connection of its own."""
        maker, bob = FrameMaker(), await self.bob.connect()
        for _ in range(count):
            _, reader, writer = await self.raw(maker.packet())
            writer.write_eof()
            await reader.read()
            self.writers.pop().close()
        await self.assert_well(bob)
        await until(lambda: len(self._app.connections) == 1)

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
        bob = await self.bob.connect("?since=0")
        _, reader, writer = await self.raw(packet)
        answer = await reader.read()
        if code:
            self.assertIn(b"\x88", answer)
            self.assertIn(struct.pack("!H", code), answer)
        writer.close()
        await bob.send("still here")
        self.assertEqual((await bob.line())["msg"], "still here")
        bob.ws.close()
        self._app.room.db.execute("DELETE FROM log")
        self._app.room.publish()


class FrameAttackTest(FrameAttack):
    @gen_test
    async def test_texts_by_chance_mean_what_they_say(self):
        await self.send_texts(500)

    @gen_test
    async def test_packets_by_chance_harm_nobody_else(self):
        await self.send_packets(300)

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
        await until(lambda: not self._app.connections)

    @gen_test
    async def test_frame_after_the_end_not_stored(self):
        alice, bob = await self.alice.connect(), await self.bob.connect()
        await alice.ws.write_message(b"hello", binary=True)
        await alice.send("after")
        self.assertEqual(await alice.close_code(), 1003)
        await bob.send("hello")
        self.assertEqual(await bob.texts(1), ["hello"])

    @gen_test
    async def test_text_no_utf8_closes(self):
        texts = b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc3"
        for text in texts:
            with self.subTest(text):
                await self.assert_closed(to_client_frame(text))
                half = to_client_frame(b'{"msg": "', fin=False)
                await self.assert_closed(half + to_client_frame(text, 0))
        await until(lambda: not self._app.connections)

    @gen_test
    async def test_close_frame_of_any_kind_closes(self):
        codes = (0, 999, 1000, 1004, 1005, 1006, 1016, 2999, 3000, 5000, 65535)
        reasons = [struct.pack("!H", code) for code in codes]
        for reason in [b"", b"x", b"\x03\xe8\xff\xfe", *reasons]:
            with self.subTest(reason):
                await self.assert_closed(to_client_frame(reason, 8))
        await until(lambda: not self._app.connections)

    @gen_test
    async def test_fragments_make_one_message(self):
        parts = [to_client_frame(b"a", 1, fin=False), to_client_frame(b"?", 9)]
        parts += [to_client_frame(b"", 0, fin=False)] * 1000
        parts += [to_client_frame(b"b", 0), to_client_frame(b"", 8)]
        bob = await self.bob.connect()
        _, reader, _ = await self.raw(b"".join(parts))
        self.assertIn(b"\x8a\1?", await reader.read())  # the pong came in between
        self.assertEqual(await bob.texts(1), ["ab"])

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


class LeavingTest(ChatCase):
    """A client that leaves while the room takes its time to answer."""

    @gen_test
    async def test_client_that_leaves_during_its_handshake_forgotten(self):
        for method in ("claim", "place"):
            asked, left, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

            async def answer_late(*_, asked=asked, left=left):
                asked.set()
                await left.wait()

            watch = mock.patch.multiple(
                chat.WebSocketHandler,
                on_connection_close=self.then(left, "on_connection_close"),
                on_finish=self.then(done, "on_finish"),
            )
            with watch, mock.patch.object(self._app.room, method, answer_late):
                writer = await self.begin_handshake()
                await asked.wait()
                writer.transport.abort()
                await done.wait()
            self.assertEqual(self._app.connections, {})

    def then(self, event, method):
        """Return a method of WebSocketHandler that sets an event when it is done."""
        original = getattr(chat.WebSocketHandler, method)

        def call_and_set(handler):
            original(handler)
            event.set()

        return call_and_set

    async def begin_handshake(self):
        """Ask for alice's WebSocket, and do not wait for the answer."""
        port = self.get_http_port()
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        self.writers.append(writer)
        writer.write(upgrade_request(port, self.alice.headers()))
        return writer


class SlowReaderTest(FrameAttack):
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
        post = self._app.room.post
        posting = [post("bob", "😀" * 2000, None) for _ in range(count)]
        await asyncio.gather(*posting)

    @gen_test(timeout=20)
    async def test_frames_neither_split_nor_overtaken(self):
        _, reader, writer = await self.raw()
        stalled = await self.stall()
        with mock.patch.multiple(chat, RATE=1e6, BURST=1e6):
            writer.write(to_client_frame(b" ") * 20)  # each gets an error line
            await stalled.keep_alive()
            await self.post(50)
            lines = await self.read_lines(reader, 20)
        ids = [line["id"] for line in lines if "id" in line]
        self.assertEqual(ids, list(range(1, len(ids) + 1)))
        self.assertEqual(sum("error" in line for line in lines), 20)

    async def read_lines(self, reader, errors):
        """Read frames, each whole and of a known kind, until all has come."""
        lines, last = [], 0
        while errors or last < self._app.room.end:
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
    async def test_lost_in_the_middle_of_a_batch(self):
        _, _, writer = await self.raw()
        await self.stall()
        writer.transport.abort()
        await until(lambda: not self._app.connections)
        self.assertEqual(self._app.room.readers, set())

    @gen_test(timeout=20)
    async def test_too_far_behind_closed_when_it_reads_again(self):
        _, reader, _ = await self.raw()
        await self.stall()
        await self.post(chat.MAX_BEHIND + 10)
        read = b""
        while not (read.endswith(b"Too far behind.") or reader.at_eof()):
            read += await reader.read(65536)
        self.assertIn(b"\x88\x11\x03\xf4Too far", read)


# ------------------------------------------------------------------------------- web


class WebAttack(FormCase):
    def request(self, line, *headers, body=b"", host=True):
        """Build a request, byte for byte."""
        own = [f"Host: 127.0.0.1:{self.get_http_port()}"] if host else []
        head = "\r\n".join([line, *own, *headers, "", ""])
        return head.encode("latin-1") + body

    async def get(self, path, *headers, method="GET", host=True):
        """Ask for a path as it stands; return the whole answer."""
        line = f"{method} {path} HTTP/1.1"
        request = self.request(line, "Connection: close", *headers, host=host)
        port = self.get_http_port()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        self.writers.append(writer)
        writer.write(request)
        return (await reader.read()).decode("latin-1")

    def assert_safe(self, answer):
        """Check the headers of an answer, and that it tells nothing of the inside."""
        head, _, body = answer.partition("\r\n\r\n")
        for header in (
            f"Content-Security-Policy: {chat.CSP}",
            "X-Content-Type-Options: nosniff",
            "Referrer-Policy: no-referrer",
        ):
            self.assertEqual(head.count(header), 1, head)
        self.assertNotRegex(head, "(?m)^Server:")
        if not re.match(r"HTTP/1.1 20\d ", head):
            self.assertNotRegex(body, r"(?i)tornado|python|traceback|/home|/tmp|\.py")


class WebAttackTest(WebAttack):
    @gen_test
    async def test_paths_with_nul_are_not_found(self):
        paths = ["/static/%00", "/%00", "/static/a%00b", "/static/chat.js%00", "/ws%00"]
        for path in [*paths, "/static/..%2f%00"]:
            with self.subTest(path):
                answer = await self.get(path)
                self.assertRegex(answer, r"^HTTP/1.1 40[034] ")
                self.assert_safe(answer)
        self.assertRegex(await self.get("/?since=%00"), "^HTTP/1.1 200 ")
        cookie = "Cookie: username=" + self.alice.cookies["username"]
        self.assertRegex(await self.get("/ws?since=%00", cookie), "^HTTP/1.1 400 ")

    @gen_test
    async def test_paths_lead_nowhere_else(self):
        above = ["../chat.py", "..%2fchat.py", "%2e%2e/chat.py", "%2e%2e%2fchat.py"]
        above += [
            "..\\chat.py",
            "..%5cchat.py",
            "%252e%252e%252fchat.py",
            "....//chat.py",
        ]
        above += [
            "%c0%ae%c0%ae/chat.py",
            "./../chat.py",
            "x/../../chat.py",
            "..;/chat.py",
        ]
        above += [
            f"{TOP}/chat.py",
            f"%2f{str(TOP)[1:]}/chat.py",
            "/etc/passwd",
            "..",
            ".",
        ]
        above += [
            "../static../chat.py",
            "C:/x",
            "con",
            "chat.js::$DATA",
            "%ff",
            "a" * 5000,
        ]
        for path in above:
            with self.subTest(path[:60]):
                answer = await self.get("/static/" + path)
                self.assertRegex(answer, r"^HTTP/1.1 40[034] ")
                self.assert_safe(answer)
        self.assertRegex(await self.get("/static/./chat.js"), "^HTTP/1.1 200 ")

    @gen_test
    async def test_methods_on_every_address(self):
        methods = (
            "HEAD OPTIONS PUT DELETE PATCH TRACE CONNECT PROPFIND get PoSt".split()
        )
        served = {("HEAD", path) for path in ("/", "/chat", "/static/chat.js")}
        for path in ("/", "/chat", "/login", "/logout", "/ws", "/static/chat.js", "*"):
            for method in methods:
                with self.subTest(f"{method} {path}"):
                    answer = await self.get(path, method=method)
                    self.assert_safe(answer)
                    if (method, path) not in served:
                        self.assertRegex(answer, r"^HTTP/1.1 40[345] ")
                    self.assertNotIn("Access-Control", answer)

    @gen_test
    async def test_pages_never_kept(self):
        cookie = "Cookie: username=" + self.alice.cookies["username"]
        for path in ("/", "/chat", "/login", "/logout", "/ws", "/x", "/static/x"):
            for headers in ((), (cookie,)):
                answer = await self.get(path, *headers)
                self.assertIn("Cache-Control: no-store", answer)
                self.assert_safe(answer)

    @gen_test
    async def test_redirects_stay_here(self):
        cookie = "Cookie: username=" + self.alice.cookies["username"]
        queries = ("next=//evil.example", "next=http://evil.example", "url=%0d%0aX:1")
        for path in ("/", "/chat", "/login", "//evil.example", "/\\evil.example"):
            for query in queries:
                for headers in ((), (cookie,)):
                    answer = await self.get(f"{path}?{query}", *headers)
                    self.assertNotRegex(answer, "(?mi)^Location: (?!/(chat)?\r$)")
                    self.assertNotIn("evil", answer)

    @gen_test
    async def test_forms_from_elsewhere_refused(self):
        token = "2|" + "0" * 8 + "|" + "0" * 32 + "|1"
        for cookie, sent in (
            ("", ""),
            ("", token),
            (token, ""),
            ("00", "01"),
            ("\xff", "x"),
        ):
            for path in ("/login", "/logout"):
                body = urllib.parse.urlencode({"_xsrf": sent, "name": "carol"}).encode()
                answer = await self.ask(
                    self.request(
                        f"POST {path} HTTP/1.1",
                        f"Cookie: _xsrf={cookie}",
                        "Origin: http://evil.example",
                        "Content-Type: application/x-www-form-urlencoded",
                        f"Content-Length: {len(body)}",
                        "Connection: close",
                        body=body,
                    )
                )
                self.assertEqual(answer, [403])
        self.assertEqual(await self.ask(self.form("carol", "00", "close")), [303])

    @gen_test
    async def test_forms_of_odd_kinds_refused(self):
        kinds = {
            "multipart/form-data": b"_xsrf=00&name=zed",
            "multipart/form-data; boundary=": b"----",
            "multipart/form-data; boundary=x": b"--x\r\nno header\r\n--x--",
            'multipart/form-data; boundary="x': b"--x\r\n\r\n\r\n--x--\r\n" * 200,
            "application/json": b'{"_xsrf": "00", "name": "zed"}',
            "application/x-www-form-urlencoded": b"%&=%ff&" * 900,
            "\xff\xfe/;;=": b"\xff",
        }
        for kind, body in kinds.items():
            headers = ["Cookie: _xsrf=00", f"Content-Type: {kind}", "Connection: close"]
            for extra in ([], ["X-XSRFToken: 00"], ["Content-Encoding: gzip"]):
                with self.subTest(kind):
                    length = f"Content-Length: {len(body)}"
                    request = self.request(
                        "POST /login HTTP/1.1", *headers, *extra, length, body=body
                    )
                    self.assertIn(await self.ask(request), ([400], [403]))

    @gen_test
    async def test_cookies_of_others_open_nothing(self):
        def sign(*what, secret=SECRET, **how):
            return create_signed_value(secret, *what, **how).decode()

        good, other = self.alice.cookies["username"], sign("_xsrf", "alice")
        old = sign("username", "alice", clock=lambda: time.time() - 32 * 86400)
        cookies = [good[:n] for n in range(0, len(good), 7)] + [other, old, "", "\xff"]
        cookies += [
            sign("username", "alice", secret="x" * 64),
            good + "0",
            good.upper(),
        ]
        cookies += ["2|", "2|1:0|" + "9" * 5000 + ":1|", "2|-1:0|", "1|2|3", "99|a|b|c"]
        cookies += [
            '"\\377\\400',
            "2|1:0|10:1|8:username|4:\xff\xff|0",
            "; ; =;;==;$Version=1",
        ]
        for cookie in cookies:
            with self.subTest(cookie[:60]):
                answer = await self.get("/chat", f"Cookie: username={cookie}")
                self.assertRegex(answer, "^HTTP/1.1 302 ")
        answer = await self.get(
            "/chat", "Cookie: \xff=\xfe; ;x=", f"Cookie: username={good}"
        )
        self.assertRegex(answer, "^HTTP/1.1 (200|302) ")

    @gen_test
    async def test_requests_of_two_meanings_refused(self):
        second = self.request("GET /second HTTP/1.1", "Connection: close")
        chunk, form = b"0\r\n\r\n", b"_xsrf=00&name=zed"
        length, chunked = "Content-Length: 17", "Transfer-Encoding: chunked"
        both = [
            (length, chunked),
            (length, "Content-Length: 0"),
            (chunked, chunked + ",x"),
        ]
        sizes = ("+17", "-1", "1_7", "0x11", "", "17, 0", "9" * 5000, "17;", "\xb2")
        both += [(f"Content-Length: {size}",) for size in sizes]
        codings = ("xchunked", "gzip, chunked", "\x0bchunked", "chunked, identity", "")
        both += [(f"Transfer-Encoding: {coding}",) for coding in codings]
        both += [("Transfer-Encoding : chunked",), ("Transfer-Encoding:\r\n chunked",)]
        both += [(f"X: a\r{length}",), ("X: \0", length)]
        both += [("no colon",), (": no name",), ("a b: c",)]
        for headers in both:
            with self.subTest(headers):
                for body in (chunk, form):
                    first = self.request("POST /login HTTP/1.1", *headers, body=body)
                    self.assertEqual(await self.ask(first + second), [400])

    @gen_test
    async def test_chunks_of_two_meanings_refused(self):
        head = (
            "POST /login HTTP/1.1",
            "Transfer-Encoding: chunked",
            "Cookie: _xsrf=00",
        )
        second = self.request("GET /second HTTP/1.1", "Connection: close")
        form = b"_xsrf=00&name=zed"
        for size in (
            b"11;a=b",
            b"11;a\nb",
            b"-1",
            b"0x11",
            b"1_1",
            b"",
            b" 11",
            b"f" * 60,
        ):
            with self.subTest(size):
                body = size + b"\r\n" + form + b"\r\n0\r\n\r\n"
                answers = await self.ask(self.request(*head, body=body) + second)
                self.assertEqual(answers, [400])
        body = b"11\r\n" + form + b"\r\n0\r\n\r\n"
        answers = await self.ask(self.request(*head, body=body) + second)
        self.assertEqual(answers, [403, 404])  # well-formed: two requests, two answers

    @gen_test
    async def test_hosts_odd_harm_nothing(self):
        hosts = [(), ("Host: a", "Host: b"), ("Host: a, b",), ("Host: a/b?c#d@e",)]
        for headers in [*hosts, ("Host: \xff",), ("Host: a b",), ("Host: a\0",)]:
            with self.subTest(headers):
                answer = await self.get("/", *headers, host=False)
                self.assertRegex(answer, "^HTTP/1.1 400 ")
        for header in ("Host: [", "Host:", "Host: evil.example:99999999"):
            answer = await self.get("/", header, host=False)
            self.assertRegex(answer, "^HTTP/1.1 403 ")
            self.assertNotIn("evil", answer)
        for line in ("http://evil.example/chat", "http://[/", "//evil.example/", "x"):
            self.assertRegex(await self.get(line), "^HTTP/1.1 404 ")

    @gen_test
    async def test_hosts_foreign_cannot_sign_in(self):
        for host, code in (("evil.example", 403), ("localhost", 303)):
            form = self.form("carol", "00", "close")
            form = form.replace(b"Host: 127.0.0.1", f"Host: {host}".encode())
            self.assertEqual(await self.ask(form), [code])

    @gen_test
    async def test_origins_odd_refused(self):
        own = f"127.0.0.1:{self.get_http_port()}"
        odd = [
            "http://[",
            f"http://user@{own}",
            f"http://{own}/",
            f"http://{own}.evil",
            own,
        ]
        odd += [
            f"http://{own}#",
            "http://localhost",
            f"http://{own}, http://evil",
            "file://",
        ]
        odd += [
            f"http://evil://{own}",
            f"://{own}",
            "\xff",
            "null",
            "",
            f"http://{own}\xa0",
        ]
        for origin in [*odd, f"http://{own}\r\nOrigin: http://evil"]:
            with self.subTest(origin):
                head = await self.upgrade(Origin=origin)
                self.assertRegex(head, b"^HTTP/1.1 403 ")
        self.assertRegex(await self.upgrade(Origin=f"http://{own}"), b"^HTTP/1.1 101 ")

    async def upgrade(self, **headers):
        head, _, writer = await self.raw(**headers)
        writer.close()
        return head

    @gen_test
    async def test_handshakes_odd_harm_nothing(self):
        for name, value in (
            (
                "Sec-WebSocket-Extensions",
                "permessage-deflate; client_max_window_bits=99",
            ),
            ("Sec-WebSocket-Extensions", ";;;==,,a;b*1=x''%ff;b*0*=zz'%ff"),
            ("Sec-WebSocket-Protocol", ",,,chat"),
            ("Sec-WebSocket-Key", "x" * 9000),
            ("Content-Length", "0"),
        ):
            head = await self.upgrade(**{name: value})
            self.assertRegex(head, b"^HTTP/1.1 101 ")
            self.assertNotIn(b"Sec-WebSocket-Extensions", head)
        for name, value, code in (
            ("Sec-WebSocket-Version", "99", b"426"),
            ("Sec-WebSocket-Key", "", b"400"),
            ("Upgrade", "h2c", b"400"),
            ("Connection", "close", b"400"),
        ):
            head = await self.upgrade(**{name: value})
            self.assertEqual(head[9:12], code)
            self.assert_safe(head.decode("latin-1"))

    @gen_test
    async def test_ranges_odd_harm_nothing(self):
        ranges = [
            "5-1",
            "-0",
            "--5",
            "a-b",
            "-" + "9" * 5000,
            "99999999-",
            "0-0,2-2",
            "",
        ]
        headers = [f"Range: bytes={bounds}" for bounds in ranges]
        headers += ['If-None-Match: \xff, W/"""', "If-Modified-Since: yesterday"]
        headers += ["If-Modified-Since: Mon, 01 Jan 2020 00:00:00 +99999999999999999"]
        for header in headers:
            with self.subTest(header):
                answer = await self.get("/static/chat.js", header)
                self.assertRegex(answer, "^HTTP/1.1 (200|206|304|416) ")
                self.assert_safe(answer)


class TimeAttackTest(WebAttack):
    """What is long must not take long: the server does nothing else meanwhile."""

    def assert_quick(self, begin):
        self.assertLess(time.process_time() - begin, 0.2, "seconds of CPU")

    @gen_test
    async def test_forms_long_cost_little(self):
        form = "application/x-www-form-urlencoded"
        parts = "multipart/form-data; boundary=x"
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
                headers = [f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
                headers += ["Cookie: _xsrf=00", "Connection: close"]
                begin = time.process_time()
                await self.ask(
                    self.request("POST /login HTTP/1.1", *headers, body=body)
                )
                self.assert_quick(begin)

    @gen_test
    async def test_headers_long_cost_little(self):
        size = 15_000
        for header in (
            "Cookie: " + "a=b;" * (size // 4),
            'Cookie: a="' + "\\1" * (size // 2),
            "Cookie: username=2|1:0|" + "1:1|" * (size // 4),
            "If-None-Match: " + 'W/"a",' * (size // 6),
            "If-None-Match: " + '"' * size,
            "Range: bytes=" + "1-2," * (size // 4),
            "If-Modified-Since: " + "(" * size,
            "\r\n".join(["a: b"] * 2000),
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
        self.port = int(server.url().rpartition(":")[2])
        end = " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        long, odd = "x" * 15_000, "\x9b31m\x1b[2J\x7f\x00\r"
        cookie = create_signed_value(SECRET, "username", "carol").decode()
        requests = [
            f"GET /{long}{end}\r\n",
            f"GET /{odd}{end}\r\n",
            f"GET /static/{'%9b' * 5000}{end}\r\n",
            f"POST /login?{long}{end}Content-Length: 0\r\n\r\n",
            f"GET /ws?since={long}{end}Cookie: username={cookie}\r\n\r\n",
            f"GET /ws?since=%ff&{long}{end}Cookie: username={cookie}\r\n\r\n",
            f"GET / HTTP/1.1\r\nHost: a,{odd}{long}\r\n\r\n",
            f"{long} / {end}\r\n",
            f"GET {odd}{long}\r\n\r\n",
        ]
        for request in requests:
            await self.ask(request.encode("latin-1"))
        _, written = server.stop()
        self.assertGreater(written.count("\n"), len(requests) - 3)
        self.assertLess(len(written), 1100 * len(requests))
        self.assertLess(max(map(len, written.split("\n"))), 600)
        self.assertNotRegex(written, r"[\0-\x09\x0b-\x1f\x7f-\x9f]")

    async def ask(self, data):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(data)
        await reader.read()
        writer.close()


# -------------------------------------------------------------------------------- heavy


@heavy
class ManyFramesTest(FrameAttack):
    @gen_test(timeout=300)
    async def test_texts_by_chance_mean_what_they_say(self):
        await self.send_texts(12_000)

    @gen_test(timeout=300)
    async def test_packets_by_chance_harm_nobody_else(self):
        await self.send_packets(8_000)

    @gen_test(timeout=30)
    async def test_flood_ends_when_its_sender_leaves(self):
        bob = await self.bob.connect()
        _, _, flooder = await self.raw(to_client_frame(b"x") * 10_000)
        await bob.read(chat.BURST)
        flooder.transport.abort()
        await until(lambda: len(self._app.connections) == 1)
        self.assertLess(self._app.room.end, 200)
        # Its last message is still being slowed down.
        await until(lambda: "on_message" not in repr(asyncio.all_tasks()))
