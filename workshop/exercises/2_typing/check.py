"""The check of exercise 2: who is typing."""

import asyncio
import time

from tornado.testing import gen_test

from workshop.exercises.checking import LONG, Check, PageCheck, show

NOTICE = {"typing": True}
BY_ALICE = {"typing": "alice"}


class ServerCheck(Check):
    kinds = ("typing",)

    @gen_test
    async def test_1_others_told(self):
        alice, bob, carol = await self.join("alice", "bob", "carol")
        await alice.send(NOTICE)
        for reader in (bob, carol):
            line = await reader.gets(BY_ALICE)
            self.assertEqual(
                line,
                BY_ALICE,
                f"{self.scene}. {reader.name} should get "
                f"{show(BY_ALICE)} and no more; {show(line)} came.",
            )

    @gen_test
    async def test_2_author_gets_nothing(self):
        alice, bob = await self.join("alice", "bob")
        tab = await self.seat("alice")
        await alice.send(NOTICE)
        await bob.gets(BY_ALICE)
        await bob.send("hello", self.scene)
        await alice.gets_nothing_before("hello")
        await tab.gets_nothing_before("hello", " in her other tab")

    @gen_test
    async def test_3_message_with_typing(self):
        alice, bob = await self.join("alice", "bob")
        await alice.send({"msg": "hello", **NOTICE})
        await bob.gets({"msg": "hello"})
        await alice.send("next", self.scene)
        await bob.gets({"msg": "next"})

    @gen_test
    async def test_4_only_true_counts(self):
        alice, bob = await self.join("alice", "bob")
        for value in (False, 1, "yes", None, [True]):
            await alice.send({"typing": value})
            await alice.gets_error()
            await bob.send("hello", self.scene)
            await bob.gets({"msg": "hello"})
            await alice.gets({"msg": "hello"})

    @gen_test
    async def test_5_not_stored(self):
        alice, bob = await self.join("alice", "bob")
        await alice.send(NOTICE)
        await bob.gets(BY_ALICE)
        await bob.send("hello", f"{self.scene}, then bob sent the first message")
        hello = await bob.gets({"id": 1, "msg": "hello"})
        (carol,) = await self.join("carol", query="?since=0")
        await carol.gets(hello)
        await self.stop()
        self.assertNotIn(
            "typing",
            self.stored(),
            f"{self.scene}. The notice should not be in chat.db; it is.",
        )

    @gen_test
    async def test_6_one_in_two_seconds(self):
        alice, bob = await self.join("alice", "bob")
        for _ in range(5):
            await alice.send(NOTICE, f"alice sent {show(NOTICE)} five times at once")
        await alice.send("hello", self.scene)
        notices = await bob.until("hello")
        self.assertEqual(
            notices,
            [BY_ALICE],
            f"{self.scene}. bob should get one notice; {len(notices)} came.",
        )
        await alice.gets_nothing_before("hello", " about the dropped ones")

    @gen_test
    async def test_7_each_for_itself(self):
        alice, bob, carol = await self.join("alice", "bob", "carol")
        await alice.send(NOTICE)
        await carol.gets(BY_ALICE)
        await bob.send(NOTICE, f"{self.scene}, and bob did so right after her")
        await carol.gets({"typing": "bob"})

    @gen_test(timeout=10)
    async def test_8_told_again(self):
        alice, bob = await self.join("alice", "bob")
        await alice.send(NOTICE)
        await bob.gets(BY_ALICE)
        begin = time.monotonic()
        again = asyncio.ensure_future(bob.next(6))
        while not again.done() and time.monotonic() < begin + 5:
            await alice.send(NOTICE, "alice sent a notice every 0.2 s for five seconds")
            await asyncio.wait([again], timeout=0.2)
        self.assertEqual(
            await again,
            BY_ALICE,
            f"{self.scene}. bob should get a second one after two seconds; none came.",
        )
        passed = time.monotonic() - begin
        self.assertGreater(
            passed,
            1.8,
            f"{self.scene}. bob should get the second one "
            f"after two seconds; it came after {passed:.1f} s.",
        )


class SlowReaderCheck(Check):
    kinds = ("typing",)
    old = LONG

    @gen_test(timeout=20)
    async def test_9_slow_reader_holds_up_nobody(self):
        _, bob, alice = await self.crowd()
        await alice.send(
            NOTICE,
            f"carol's computer had stopped reading, and alice sent {show(NOTICE)}",
        )
        await bob.gets(BY_ALICE)
        await alice.send("hello", self.scene + ", then hello")
        await bob.gets({"msg": "hello"})

    @gen_test(timeout=20)
    async def test_10_slow_reader_misses_it(self):
        carol, bob, alice = await self.crowd()
        await alice.send(NOTICE)
        await bob.gets(BY_ALICE)
        await alice.send(
            "hello",
            "carol's computer stopped reading, alice sent "
            f"{show(NOTICE)} and hello, and carol's computer read again",
        )
        await bob.gets({"msg": "hello"})
        kept = b'"typing"' in await carol.read_until(b'"hello"')
        self.assertFalse(
            kept, f"{self.scene}. carol should get no notice from before; it came."
        )

    async def crowd(self):
        """Connect a reader who does not read, and two people who do."""
        stalled = await self.stall("carol")
        bob, alice = await self.join("bob", "alice", query=f"?since={len(LONG)}")
        return stalled, bob, alice


class Page(PageCheck):
    kinds = ("typing",)

    async def pages(self):
        """Open the pages of alice and bob; note what alice's page sends."""
        alice, bob = await self.sign_in("alice"), await self.sign_in("bob")
        await alice.evaluate("""window.sent = []; const send = ws.send.bind(ws);
            ws.send = (frame) => { sent.push(frame); send(frame); }; null;""")
        self.scene = "alice typed in her page"
        return alice, bob

    async def type(self, page, text="h"):
        await page.locator("#text").press_sequentially(text)

    async def sees(self, page, name):
        await self.seen(
            page.get_by_text(f"{name} is typing"),
            f"{self.scene}. The other "
            f"page should show '{name} is typing'; it does not.",
        )

    @gen_test(timeout=30)
    async def test_11_shown_to_others(self):
        alice, bob = await self.pages()
        await self.type(alice)
        await self.sees(bob, "alice")
        await self.unseen(
            alice.get_by_text("is typing"),
            f"{self.scene}. Her own page should not say that she is typing; it does.",
        )

    @gen_test(timeout=30)
    async def test_12_at_most_one_in_two_seconds(self):
        alice, bob = await self.pages()
        await self.type(alice, "hello, everybody")
        await self.sees(bob, "alice")
        sent = await alice.evaluate("sent.length")
        self.assertLess(
            sent,
            3,
            "alice typed 16 letters at once. The page should send "
            f"one notice; it sent {sent}.",
        )

    @gen_test(timeout=30)
    async def test_13_notices_go_on(self):
        alice, _ = await self.pages()
        begin = time.monotonic()
        while time.monotonic() < begin + 5:
            await self.type(alice)
            await asyncio.sleep(0.5)
        passed = time.monotonic() - begin
        sent = await alice.evaluate("sent.length")
        self.assertTrue(
            2 <= sent <= passed / 2 + 1,
            f"alice typed for {passed:.0f} seconds. The page should send a notice "
            f"every two seconds; it sent {sent}.",
        )

    @gen_test(timeout=30)
    async def test_14_message_ends_it(self):
        alice, bob = await self.pages()
        await self.type(alice, "hello")
        await self.sees(bob, "alice")
        await alice.locator("#text").press("Enter")
        await self.seen(
            bob.get_by_text("hello", exact=True), "bob's page got no message."
        )
        await self.unseen(
            bob.get_by_text("is typing"),
            "alice typed and sent a message. "
            "The notice should go away with it; it is still there.",
            0.5,
        )

    @gen_test(timeout=30)
    async def test_15_silence_ends_it(self):
        alice, bob = await self.pages()
        await self.type(alice)
        await self.sees(bob, "alice")
        await asyncio.sleep(5)
        self.scene = "alice typed one letter five seconds ago"
        await self.seen(
            bob.get_by_text("alice is typing"),
            f"{self.scene}. The notice should be there for seven; it is gone.",
            0.1,
        )
        await self.unseen(
            bob.get_by_text("is typing"),
            "alice typed one letter nine "
            "seconds ago. The notice should be gone; it is still there.",
            4,
        )

    @gen_test(timeout=30)
    async def test_16_several_people(self):
        alice, carol = await self.pages()
        bob = await self.sign_in("bobby")
        await self.type(alice, "hello")
        await self.type(bob)
        self.scene = "alice and bobby typed"
        await self.sees(carol, "alice")
        await self.sees(carol, "bobby")
        await alice.locator("#text").press("Enter")
        await self.unseen(
            carol.get_by_text("alice is typing"),
            f"{self.scene}, and alice "
            "sent her message. Her notice should go away; it is there.",
            1,
        )
        await self.seen(
            carol.get_by_text("bobby is typing"),
            f"{self.scene}, and alice "
            "sent her message. bobby's notice should stay; it is gone.",
            0.5,
        )

    @gen_test(timeout=30)
    async def test_17_text_is_text(self):
        alice, other = await self.sign_in("alice"), await self.forge("<b>bob")
        self.scene = "<b>bob typed"
        await self.type(other)
        await self.sees(alice, "<b>bob")

    @gen_test(timeout=30)
    async def test_18_offline(self):
        alice, _ = await self.pages()
        # As a browser's WebSocket is while it tries to connect.
        await alice.evaluate(
            """Object.defineProperty(ws, "readyState", { value: WebSocket.CONNECTING });
            ws.send = () => { throw new Error("sent while connecting"); }; null"""
        )
        self.scene = "alice typed while she was offline"
        await self.type(alice, "hello")
        text = await alice.locator("#text").input_value()
        self.assertEqual(
            text,
            "hello",
            f"{self.scene}. hello should stand there; it does not, but {text!r}.",
        )
