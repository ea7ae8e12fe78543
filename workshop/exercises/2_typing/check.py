"""The check of exercise 2: who is typing."""

import asyncio
import time

from tornado.testing import gen_test

from workshop.exercises.checking import LONG, VALUES, Check, PageCheck, show

NOTICE = {"typing": True}
BY_ALICE = {"typing": "alice"}


class ServerCheck(Check):
    kinds = ("typing",)

    @gen_test(timeout=30)
    async def test_1_notices(self):
        alice, bob, carol, tab = await self.join("alice", "bob", "carol", "carol")
        hers = await self.seat("alice")
        await alice.send(NOTICE)
        for reader in (bob, carol, tab):
            line = await reader.gets(BY_ALICE)
            reader.need(line == BY_ALICE, f"{show(BY_ALICE)} and no more", line)
        self.requirement(2)
        await bob.send("hello", self.scene)
        await alice.gets_nothing_before("hello")
        await hers.gets_nothing_before("hello", " in her other window")
        await bob.until("hello")
        self.requirement(3)
        await bob.send({"msg": "hello", **NOTICE})
        await alice.gets({"msg": "hello"})
        await bob.until("hello")
        for msg in (7, "", None):
            await bob.send({"msg": msg, **NOTICE})
            await bob.gets_error()
        await bob.send(NOTICE, f"{self.scene}, then {show(NOTICE)}")
        await alice.gets({"typing": "bob"})
        self.requirement(4)
        await hers.until("hello")
        await bob.refuses("typing", [v for v in VALUES if v is not True], alice)
        self.people["dora"] = self.people["bob"]  # another name in the same browser
        await self.people["dora"].post("/login", name="dora")
        (dora,) = await self.join("dora")
        await dora.until("still here")
        await dora.refuses("typing", (False, 1, "yes"), bob)
        await dora.send(NOTICE, f"{self.scene}, then {show(NOTICE)}")
        await bob.gets({"typing": "dora"})

    @gen_test(timeout=30)
    async def test_5_nothing_stored(self):
        alice, bob = await self.join("alice", "bob")
        await alice.send(NOTICE)
        await bob.gets(BY_ALICE)
        (early,) = await self.join("early")
        await bob.send("hello", "alice sent a notice, then bob sent the first message")
        hello = await bob.gets({"id": 1, "msg": "hello"})
        await early.gets(hello)
        (carol,) = await self.join("carol", query="?since=0")
        await carol.gets(hello)
        told = "The notice should not be in chat.db; it is."
        self.need("typing" not in self.stored().casefold(), told)

    @gen_test(timeout=30)
    async def test_6_one_in_two_seconds(self):
        alice, bob, carol = await self.join("alice", "bob", "carol")
        (tab,) = await self.join("alice")
        for _ in range(5):
            await alice.send(NOTICE, f"alice sent {show(NOTICE)} five times at once")
        begun = time.monotonic()
        await alice.send("hello", self.scene)
        notices = await bob.until("hello")
        told = f"bob should get one notice; {len(notices)} came."
        self.need(notices == [BY_ALICE], told)
        await alice.gets_nothing_before("hello", " about the dropped ones")
        self.requirement(7)
        await carol.until("hello")
        await bob.send(NOTICE, f"{self.scene}, and bob did so right after her")
        await carol.gets({"typing": "bob"})
        await tab.send(NOTICE, f"{self.scene}, and alice did so in her other window")
        await carol.gets(BY_ALICE)
        await bob.gets(BY_ALICE)
        self.requirement(8)
        again = asyncio.ensure_future(bob.next(5))
        while not again.done():
            await alice.send(NOTICE, "alice sent a notice every 0.2 s for five seconds")
            await asyncio.wait([again], timeout=0.2)
        passed = time.monotonic() - begun
        told = f"the second after two seconds, not after {passed:.1f}"
        bob.need(await again == BY_ALICE and 1.8 < passed < 3.9, told, await again)
        self.requirement(6)
        late = await bob.next(2.5)
        told = "Then she stopped. What was dropped should not come later."
        self.need(late is None, told)
        self.requirement(8)
        await alice.send(NOTICE, "alice sent a notice, and another one 2.5 s later")
        await bob.gets(BY_ALICE)


class SlowReaderCheck(Check):
    kinds = ("typing",)
    old = LONG

    @gen_test(timeout=30)
    async def test_9_slow_reader(self):
        carol = await self.slow("carol")
        bob, alice = await self.join("bob", "alice", query=f"?since={len(LONG)}")
        self.scene = "carol's computer had stopped reading"
        await alice.send(NOTICE, f"{self.scene}, and alice sent {show(NOTICE)}")
        await bob.gets(BY_ALICE)
        await alice.send("hello", self.scene + ", then hello")
        await bob.gets({"msg": "hello"})
        self.requirement(10)
        lines = await self.catches_up(carol, "hello")
        told = "She should get no notice from before; it came."
        self.need(BY_ALICE not in lines, told)
        await self.quiet()
        await asyncio.sleep(1)
        await alice.send(NOTICE, f"{self.scene}, and alice sent another {show(NOTICE)}")
        await bob.gets(BY_ALICE)
        await carol.gets(BY_ALICE)


class Page(PageCheck):
    async def type(self, page, text="h"):
        await page.locator("#text").press_sequentially(text)

    async def sees(self, page, name, seconds=3):
        told = f'The other page should show "{name} is typing"; it does not.'
        await self.seen(page.get_by_text(f"{name} is typing"), told, seconds)

    async def misses(self, page, name, seconds=0.5):
        told = f'"{name} is typing" should be gone; it is there.'
        await self.unseen(page.get_by_text(f"{name} is typing"), told, seconds)

    @gen_test(timeout=60)
    async def test_11_page(self):
        alice, bob, carl = [
            await self.sign_in(name) for name in ("alice", "bob", "carl")
        ]
        self.scene = "alice typed 16 letters at once"
        await self.type(alice, "hello, everybody")
        await self.sees(bob, "alice")
        told = "Her own page should not say that she is typing; it does."
        await self.unseen(alice.get_by_text("is typing"), told, 0.1)
        self.requirement(12)
        count = len(alice.sent)
        self.need(count < 3, f"Her page should send one notice; it sent {count}.")
        await asyncio.sleep(2.2)
        alice.sent.clear()
        await alice.locator("#text").press("Enter")
        await self.reads(bob, "hello, everybody", who="bob's page")
        self.scene += ", waited, and sent them"
        self.requirement(14)
        await self.misses(bob, "alice")
        self.requirement(12)
        await asyncio.sleep(0.5)
        told = f"The message is the one thing to send; her page sent {alice.sent}."
        self.need(not alice.sent, told)
        self.requirement(13, "alice typed for 5 seconds")
        begin = time.monotonic()
        await self.type(carl)
        while time.monotonic() < begin + 5:
            await self.type(alice)
            await asyncio.sleep(0.3)
            if time.monotonic() > begin + 1 and await carl.input_value("#text"):
                await carl.locator("#text").press("Enter")  # 4 s before the next notice
        last, count = time.monotonic(), len(alice.sent)
        told = f"Her page should send a notice every two seconds; it sent {count}."
        self.need(2 <= count <= (last - begin) / 2 + 1, told)
        self.requirement(15)
        await self.type(carl)
        carls = time.monotonic()
        await asyncio.sleep(5 - 2)  # her last notice is up to two seconds old
        self.scene = "alice typed for 5 seconds, then she stopped 3 seconds ago"
        await self.sees(bob, "alice", 1)
        await asyncio.sleep(2)
        self.scene = "carl typed, sent it, and typed again 5 seconds ago"
        await self.sees(bob, "carl", 1)
        self.scene = "alice typed her last letter nine seconds ago"
        await self.misses(bob, "alice", max(0.1, last + 9 - time.monotonic()))
        self.scene = "carl typed, sent it, and typed again nine seconds ago"
        await self.misses(bob, "carl", max(0.1, carls + 9 - time.monotonic()))

    @gen_test(timeout=60)
    async def test_14_page(self):
        alice, carol, bob = [await self.sign_in(n) for n in ("alice", "carol", "bobby")]
        self.scene = "alice typed and sent a message"
        await self.type(alice, "hello")
        await self.sees(carol, "alice")
        await alice.locator("#text").press("Enter")
        await self.reads(carol, "hello", who="carol's page")
        await self.misses(carol, "alice")
        self.requirement(16, "alice and bobby typed")
        await asyncio.sleep(2)
        await self.type(alice, "again")
        await self.type(bob)
        await self.sees(carol, "alice")
        await self.sees(carol, "bobby")
        await self.sees(bob, "alice")
        self.scene += ", and alice sent her message"
        await alice.locator("#text").press("Enter")
        await self.misses(carol, "alice", 1)
        await self.sees(carol, "bobby", 0.5)
        self.requirement(17, '<b>"bob typed')
        other = await self.forge('<b>"bob')
        await self.type(other)
        await self.sees(carol, '<b>"bob')
        self.requirement(18, "alice typed while she was offline")
        await self.misses(carol, "alice", 3)
        alice.sent.clear()
        async with self.line_down(alice):
            await self.type(alice, "of")
            await asyncio.sleep(2)  # meanwhile the page tries to connect
            await self.type(alice, "f")
            text = await alice.locator("#text").input_value()
            self.need(text == "off", f"off should stand there; it is {text!r}.")
        await asyncio.sleep(0.5)
        self.scene += ", and came back"
        self.need(not alice.sent, f"Nothing should be sent; {alice.sent} was.")
        await asyncio.sleep(1.5)
        await self.type(alice, "line")
        self.scene += ", and typed on"
        await self.sees(carol, "alice")
        await alice.locator("#text").press("Enter")
        await self.reads(carol, "hello", "again", "offline", who="carol's page")
