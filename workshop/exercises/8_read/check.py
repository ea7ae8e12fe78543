"""The check of exercise 8: read by."""

import asyncio
import json
from unittest import mock

from tornado.testing import gen_test

from tests.page_support import expect
from workshop.exercises.checking import LONG, SECONDS, Check, PageCheck, show


class ReadCheck(Check):
    kinds = ("read",)
    old = [("dora", f"m{number}") for number in range(1, 21)]

    async def watch(self, name, query="&since=20"):
        """Connect somebody who asks who has read what."""
        seat = await self.seat(name, f"?read=1{query}")
        line = await seat.next()
        came = f"{show(line)} came first" if line else "nothing came"
        self.assertTrue(
            line and list(line) == ["read"] and isinstance(line["read"], dict),
            f'{self.scene}. {name} should get {{"read": {{...}}}}, before any message; '
            f"{came}.",
        )
        seat.known, seat.lines = line["read"], []
        return seat

    async def follow(self, seat, **marks):
        """Read on until a seat's owner knows that these people have read so far."""
        while not marks.items() <= seat.known.items():
            line = await seat.next(3)
            if line is None:
                wanted = json.dumps({"read": marks})
                self.fail(
                    f"{self.scene}. {seat.name} should be told {wanted}; within 3 s it "
                    "did not come."
                )
            if "read" in line:
                self.learn(seat, line)

    def learn(self, seat, line):
        for name, id in line["read"].items():
            if id <= seat.known.get(name, 0):
                self.fail(
                    f"{self.scene}. {seat.name} got {show(line)}, and knew that "
                    f"{name} had read up to {seat.known[name]}."
                )
        seat.known.update(line["read"])
        seat.lines.append(line)

    async def nothing_told(self, seat, **known):
        """See that a seat's owner is told nothing until somebody else has read."""
        scene = self.scene
        await asyncio.sleep(1.5)
        (eve,) = await self.join("eve", query="?since=20")
        await eve.send({"read": 20}, scene)
        await self.follow(seat, eve=20)
        wrong = {
            n: i for n, i in seat.known.items() if n != "eve" and known.get(n) != i
        }
        self.assertFalse(
            wrong,
            f"{scene}. {seat.name} should be told nothing about it; "
            f"{json.dumps({'read': wrong})} came.",
        )


class ServerCheck(ReadCheck):
    @gen_test
    async def test_1_what_is_known_first(self):
        alice = await self.watch("alice", "")
        self.assertEqual(
            alice.known,
            {},
            f"{self.scene} and nobody had read anything. The first line should be "
            f'{{"read": {{}}}}; it was {show({"read": alice.known})}.',
        )
        carol = await self.watch("carol", "")
        await alice.send({"read": 20})
        await self.follow(carol, alice=20)
        bob = await self.watch("bob", "")
        self.assertEqual(
            bob.known,
            {"alice": 20},
            "alice had read up to 20, and bob connected with read=1. His first line "
            f'should be {{"read": {{"alice": 20}}}}; it was '
            f"{show({'read': bob.known})}.",
        )

    @gen_test
    async def test_2_everybody_is_told(self):
        alice, bob = await self.watch("alice"), await self.watch("bob")
        await alice.send({"read": 17})
        await self.follow(bob, alice=17)
        await self.follow(alice, alice=17)

    @gen_test(timeout=10)
    async def test_3_only_changes(self):
        alice, bob = await self.watch("alice"), await self.watch("bob")
        await alice.send({"read": 17})
        await self.follow(bob, alice=17)
        await bob.send({"read": 18})
        await self.follow(bob, bob=18)
        await self.follow(alice, alice=17, bob=18)
        last = bob.lines[-1]
        self.assertEqual(
            last,
            {"read": {"bob": 18}},
            f"alice had read up to 17, then {self.scene}. The last line to bob should "
            f"tell about bob alone; it was {show(last)}.",
        )

    @gen_test
    async def test_4_not_asked(self):
        alice = await self.watch("alice")
        bob = await self.seat("bob", "?read=0&since=20")
        (carol,) = await self.join("carol", query="?since=20")
        await bob.send({"read": 17})
        await self.follow(alice, bob=17)
        await alice.send(
            "hello", "bob and carol did not ask with read=1, and bob read on"
        )
        await bob.gets_nothing_before("hello", " but messages")
        await carol.gets_nothing_before("hello", " but messages")

    @gen_test(timeout=10)
    async def test_5_nobody_reads_backwards(self):
        alice = await self.watch("alice")
        one, two = await self.join("bob", "bob", query="?since=20")
        await one.send({"read": 17})
        await self.follow(alice, bob=17)
        await one.send({"read": 15})
        await two.send(
            {"read": 16}, "bob had read up to 17, then sent 15, and 16 from another tab"
        )
        await self.nothing_told(alice, bob=17)

    @gen_test(timeout=20)
    async def test_6_other_values_refused(self):
        alice = await self.watch("alice")
        (bob,) = await self.join("bob", query="?since=20")
        for value in (0, -1, 1.5, "17", True, None, [17], 21, 10**15):
            await bob.send({"read": value})
            await bob.gets_error()
        await self.nothing_told(alice)

    @gen_test(timeout=10)
    async def test_7_message_with_read(self):
        alice = await self.watch("alice")
        (bob,) = await self.join("bob", query="?since=20")
        await bob.send({"msg": "hello", "read": 17})
        await bob.gets({"id": 21, "msg": "hello"})
        await self.nothing_told(alice)

    @gen_test(timeout=10)
    async def test_8_not_stored(self):
        alice = await self.watch("alice")
        await alice.send({"read": 17})
        await self.follow(alice, alice=17)
        await alice.send("hello", "alice read up to 17, then sent hello")
        (bob,) = await self.join("bob", query="?since=20")
        await bob.gets({"id": 21, "msg": "hello"})
        await self.restart()
        alice = await self.watch("alice")
        self.assertEqual(
            alice.known,
            {},
            f"alice had read up to 17. {self.scene}. Nobody should have read anything; "
            f"{show({'read': alice.known})} came.",
        )


class CrowdCheck(ReadCheck):
    @gen_test(timeout=30)
    async def test_9_gathered_and_made_once(self):
        crowd = [await self.watch(f"guest {number}") for number in range(50)]
        everybody = {guest.name: 20 for guest in crowd}
        encode = json.JSONEncoder.encode
        frame = '{"read": 20}'
        with mock.patch.object(
            json.JSONEncoder, "encode", autospec=True, side_effect=encode
        ) as encoded:
            for guest in crowd:
                await guest.send(frame, "50 people read one message within a moment")
            for guest in crowd:
                await self.follow(guest, **everybody)
        count = encoded.call_count
        for guest in crowd:
            size = sum(len(json.dumps(line)) for line in guest.lines)
            told = len(guest.lines)
            self.assertLess(
                told,
                6,
                f"{self.scene}. Each should get at most 5 lines about "
                f"it; {guest.name} got {told}.",
            )
            self.assertLess(
                size,
                2000,
                f"{self.scene}. That should cost each less than "
                f"2,000 bytes; it cost {guest.name} {size}.",
            )
        self.assertLess(
            count,
            10,
            f"{self.scene}. Their line should be made once for all; "
            f"JSON was encoded {count} times.",
        )


class SlowReaderCheck(ReadCheck):
    old = LONG

    @gen_test(timeout=30)
    async def test_10_slow_reader(self):
        await self.stall("carol", "&read=1")
        alice = await self.watch("alice", f"&since={len(LONG)}")
        (bob,) = await self.join("bob", query=f"?since={len(LONG)}")
        for id in (20, 21, 22):
            await bob.send(
                {"read": id},
                f'carol\'s computer had stopped reading, and bob sent {{"read": {id}}}',
            )
            await self.follow(alice, bob=id)
        await bob.send("hello", self.scene + " and hello")
        await alice.until("hello")


class Page(PageCheck):
    async def sent(self, page):
        """Note what a page says that it has read."""
        await page.evaluate("""window.sent = []; const send = ws.send.bind(ws);
            ws.send = (frame) => { if (JSON.parse(frame).read) sent.push(frame);
            send(frame); }; null;""")

    async def says(self, page, words):
        note = page.get_by_text("Read by").first
        await self.holds(
            expect(note).to_have_text(words, timeout=5000),
            f'{self.scene}. alice\'s page should say "{words}" below her message; it '
            "does not.",
        )

    @gen_test(timeout=40)
    async def test_11_below_my_last_message(self):
        alice = await self.sign_in("alice")
        await self.say(alice, "hello")
        await asyncio.sleep(SECONDS)
        await self.unseen(
            alice.get_by_text("Read by"),
            "alice sent hello, and nobody else "
            "was there. Her page should not say Read by; it does.",
            0.1,
        )
        carol, bob = await self.sign_in("carol"), await self.sign_in("bob")
        self.scene = "alice sent hello, then carol and bob came"
        await self.says(alice, "Read by bob, carol")
        await bob.context.close()
        await carol.context.close()
        await self.say(alice, "anybody?")
        self.scene = "alice's last message was read by nobody"
        await self.unseen(
            alice.get_by_text("Read by"),
            f"{self.scene}. Her page should not say Read by; it does.",
        )

    @gen_test(timeout=30)
    async def test_12_at_most_once_a_second(self):
        alice, bob = await self.sign_in("alice"), await self.sign_in("bob")
        await self.sent(bob)
        for number in range(15):
            await self.say(alice, f"m{number}", sent=False)
        await self.say(alice, "last")
        self.scene = "alice sent 16 messages at once"
        await self.says(alice, "Read by bob")
        count = await bob.evaluate("sent.length")
        self.assertLess(
            count,
            6,
            f"{self.scene}. bob's page should say at most once a "
            f"second how far it has read; it said so {count} times.",
        )

    @gen_test(timeout=30)
    async def test_13_hidden(self):
        alice, bob = await self.sign_in("alice"), await self.sign_in("bob")
        hide = """(hidden) => { Object.defineProperty(document, "hidden",
            { get: () => hidden, configurable: true });
            document.dispatchEvent(new Event("visibilitychange")); }"""
        await bob.evaluate(hide, True)
        await self.say(alice, "hello")
        await self.shows(bob, "hello")
        await asyncio.sleep(SECONDS)
        self.scene = "alice sent hello, and bob's page was in a hidden tab"
        await self.unseen(
            alice.get_by_text("Read by"),
            f"{self.scene}. alice's page should not say that he has read it; it does.",
            0.1,
        )
        await bob.evaluate(hide, False)
        self.scene += ", until he looked at it again"
        await self.says(alice, "Read by bob")

    @gen_test(timeout=30)
    async def test_14_text_is_text(self):
        alice, other = await self.sign_in("alice"), await self.forge("<b>bob")
        self.scene = "<b>bob read alice's message"
        await self.say(alice, "hello")
        await self.shows(other, "hello")
        await self.says(alice, "Read by <b>bob")
