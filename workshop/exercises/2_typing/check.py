"""The check of exercise 2: who is typing."""

import asyncio
import socket
import time

from tornado.testing import gen_test

from tests.page_support import PageCase, expect
from tests.support import until
from workshop.exercises.checking import Check


class ServerCheck(Check):
    NOTICE = '{"typing": true}'

    async def next_notice(self, connection, reader, typist="alice"):
        missing = f"{reader} did not receive {typist}'s typing notice within 1 s"
        line = await self.next_line(connection, missing)
        self.assertEqual(line, {"typing": typist}, f"{missing}, but {line}")

    async def until_hello(self, connection, reader):
        """Read on to the message "hello"; return what came before it."""
        missing = f'{reader} did not receive the message "hello" within 1 s'
        return (
            await self.read_until(
                lambda line: line.get("msg") == "hello", connection, missing
            )
        )[:-1]

    @gen_test
    async def test_typing_reaches_the_others(self):
        alice, bob = await self.alice.connect(), await self.bob.connect()
        carol = await self.visitor().sign_in("carol").connect()
        await alice.send(self.NOTICE)
        await self.next_notice(bob, "bob")
        await self.next_notice(carol, "carol")
        await bob.send(self.NOTICE)
        await self.next_notice(carol, "carol", typist="bob")

    @gen_test
    async def test_typing_not_to_its_author(self):
        alice, bob = await self.alice.connect(), await self.bob.connect()
        other_tab = await self.alice.connect()
        await alice.send(self.NOTICE)
        await self.next_notice(bob, "bob")
        await alice.send("hello")
        for connection in (alice, other_tab):
            lines = await self.until_hello(connection, "alice")
            self.assertEqual(lines, [], f"alice's own typing came to her: {lines}")

    @gen_test
    async def test_typing_not_in_the_log(self):
        alice, bob = await self.alice.connect(), await self.bob.connect()
        await alice.send(self.NOTICE)
        await self.next_notice(bob, "bob")
        await alice.send("hello")
        message = await self.next_line(bob, 'bob did not receive "hello"')
        self.assertEqual(message.get("id"), 1, f"the first message's id: {message}")
        self.assertNotIn("typing", self.database(), "the notice is in the database")
        carol = await self.visitor().sign_in("carol").connect("?since=0")
        first = await self.next_line(carol, "carol, a newcomer, received nothing")
        self.assertEqual(first, message, "the notice is in a newcomer's history")

    @gen_test
    async def test_typing_many_notices_one_in_two_seconds(self):
        alice, bob = await self.alice.connect(), await self.bob.connect()
        for _ in range(5):
            await alice.send(self.NOTICE)
        await alice.send("hello")
        lines = await self.until_hello(bob, "bob")
        self.assertEqual(
            lines,
            [{"typing": "alice"}],
            f"for 5 notices at once bob should receive one, not {len(lines)}: {lines}",
        )

    @gen_test
    async def test_typing_for_long_told_again(self):
        alice, bob = await self.alice.connect(), await self.bob.connect()
        await alice.send(self.NOTICE)
        await self.next_notice(bob, "bob")
        begin = time.monotonic()
        line = asyncio.ensure_future(bob.line())
        while not line.done() and time.monotonic() < begin + 4:
            await alice.send(self.NOTICE)
            await asyncio.wait([line], timeout=0.2)
        passed = time.monotonic() - begin
        again = line.done() and line.result() == {"typing": "alice"}
        line.cancel()
        self.assertTrue(again, "alice types for 4 s, and bob received only one notice")
        self.assertGreater(passed, 1.8, "two notices in 2 s were passed on to bob")

    @gen_test
    async def test_typing_reader_stalled_holds_up_nobody(self):
        carol = self.visitor().sign_in("carol")
        _, _, writer = await self.raw(**carol.headers())
        writer.transport.pause_reading()
        (stalled,) = self._app.connections
        server, client = stalled.ws_connection.stream.socket, writer.transport
        client = client.get_extra_info("socket")
        for end, buffer in ((server, socket.SO_SNDBUF), (client, socket.SO_RCVBUF)):
            # Or the system keeps megabytes for her.
            end.setsockopt(socket.SOL_SOCKET, buffer, 10_000)
        for _ in range(300):
            await self._app.room.post("dora", "x" * 1900, None)
        await until(stalled.ws_connection.stream.writing)
        bob = await self.bob.connect("?since=300")
        alice = await self.alice.connect("?since=300")
        await alice.send(self.NOTICE)
        await self.next_notice(bob, "bob (while carol's computer does not read)")
        await alice.send("hello")
        await self.until_hello(bob, "bob (while carol's computer does not read)")


class PageCheck(PageCase):
    @gen_test(timeout=30)
    async def test_typing_shown_until_the_message(self):
        alice, bob = await self.sign_in("alice"), await self.sign_in("bob")
        await alice.evaluate(
            """window.sent = []; const send = ws.send.bind(ws);
            ws.send = (frame) => { sent.push(frame); send(frame); }; null;"""
        )
        await alice.locator("#text").press_sequentially("hello, everybody")
        notice = bob.get_by_text("alice is typing")
        missing = "bob's page does not show 'alice is typing' within 3 s"
        await expect(notice, missing).to_be_visible(timeout=3000)
        own = alice.get_by_text("alice is typing")
        await expect(own, "alice's page shows her own notice").to_be_hidden()
        sent = await alice.evaluate("sent.length")
        self.assertLess(sent, 4, f"the page sent {sent} notices for 16 letters")
        await alice.locator("#text").press("Enter")
        await self.shows(bob, "hello, everybody")
        missing = "the notice is still there after alice's message"
        await expect(notice, missing).to_be_hidden(timeout=500)

    @gen_test(timeout=30)
    async def test_typing_goes_away(self):
        alice, bob = await self.sign_in("alice"), await self.sign_in("bob")
        await alice.locator("#text").press_sequentially("h")
        notice = bob.get_by_text("alice is typing")
        missing = "bob's page does not show 'alice is typing' within 3 s"
        await expect(notice, missing).to_be_visible(timeout=3000)
        missing = "'alice is typing' is still there 8 s after she stopped"
        await expect(notice, missing).to_be_hidden(timeout=8000)
