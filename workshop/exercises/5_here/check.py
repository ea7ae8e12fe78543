"""The check of exercise 5: who is here."""

import asyncio
import json
from unittest import mock

from tornado.testing import gen_test

from tests.page_support import expect
from workshop.exercises.checking import LONG, Check, PageCheck, show


class HereCheck(Check):
    kinds = ("here", "came", "gone")

    async def watch(self, name, query=""):
        """Connect somebody who asks who is here."""
        seat = await self.seat(name, f"?here=1{query}")
        line = await seat.next()
        came = f"{show(line)} came first" if line else "nothing came"
        self.assertTrue(
            line and list(line) == ["here"],
            f"{self.scene}. {name} should get "
            f'{{"here": [...]}}, before any message; {came}.',
        )
        seat.known, seat.told = set(line["here"]), []
        return seat

    async def follow(self, seat, *names):
        """Read on until these people are here, as far as the seat's owner is told."""
        names = set(names)
        while seat.known != names:
            line = await seat.next(3)
            if line is None:
                missing = [f"that {name} came" for name in sorted(names - seat.known)]
                missing += [f"that {name} went" for name in sorted(seat.known - names)]
                self.fail(
                    f"{self.scene}. {seat.name} should be told {missing[0]}; within "
                    "3 s no such line came."
                )
            if "id" not in line:
                self.learn(seat, line)

    def learn(self, seat, line):
        def wrong(reason):
            self.fail(f"{self.scene}. {seat.name} got {show(line)}; {reason}.")

        if sorted(line) != ["came", "gone"]:
            wrong(
                'after the first line only {"came": [...], "gone": [...]} should come'
            )
        for name in line["came"]:
            if name in seat.known:
                wrong(f"{seat.name} knew that {name} was here")
            seat.known.add(name)
        for name in line["gone"]:
            if name not in seat.known:
                wrong(f"{seat.name} did not know that {name} was here")
            seat.known.remove(name)
        seat.told.append(line)

    async def quiet(self, seat, what):
        """See that a seat's owner is told nothing before somebody else comes."""
        seat.told.clear()
        scene, known = self.scene, set(seat.known)
        await asyncio.sleep(1.5)
        await self.join("zoe")
        self.scene = scene
        await self.follow(seat, *known, "zoe")
        told = [line for line in seat.told if line != {"came": ["zoe"], "gone": []}]
        self.assertEqual(
            told,
            [],
            f"{self.scene}. {what} is no news; {seat.name} got "
            f"{show(told[0]) if told else ''}.",
        )


class ServerCheck(HereCheck):
    @gen_test
    async def test_1_whole_list_first(self):
        (bob,) = await self.join("bob")
        await bob.send("hello")
        await bob.gets({"msg": "hello"})
        alice = await self.watch("alice")
        await self.follow(alice, "alice", "bob")
        carol = await self.watch("carol")
        self.assertLessEqual(
            {"alice", "bob"},
            carol.known,
            "alice and bob were here, and "
            "carol connected with /ws?here=1. Her first line should name "
            f"both; it names {sorted(carol.known)}.",
        )
        await carol.gets({"msg": "hello"})

    @gen_test
    async def test_2_changes(self):
        alice = await self.watch("alice")
        await self.follow(alice, "alice")
        (bob,) = await self.join("bob")
        await self.follow(alice, "alice", "bob")
        bob.socket.ws.close()
        self.scene = "bob closed his connection"
        await self.follow(alice, "alice")

    @gen_test
    async def test_3_not_asked(self):
        (bob,) = await self.join("bob")
        dave = await self.seat("dave", "?here=0")
        alice = await self.watch("alice")
        await self.follow(alice, "alice", "bob", "dave")
        await alice.send(
            "hello", "bob and dave did not ask with here=1, and alice came"
        )
        await bob.gets_nothing_before("hello", " but messages")
        await dave.gets_nothing_before("hello", " but messages")

    @gen_test(timeout=20)
    async def test_4_only_what_is_new(self):
        alice = await self.watch("alice")
        await self.join("bob")
        await self.follow(alice, "alice", "bob")
        carol = await self.watch("carol")
        self.scene = "alice and bob were here, then carol came"
        await self.follow(carol, "alice", "bob", "carol")
        await self.follow(alice, "alice", "bob", "carol")
        await self.quiet(carol, "What one has been told")

    @gen_test(timeout=20)
    async def test_5_two_tabs(self):
        alice = await self.watch("alice")
        (bob,) = await self.join("bob")
        tab = await self.seat("bob")
        await self.follow(alice, "alice", "bob")
        tab.socket.ws.close()
        self.scene = "bob closed one of his two tabs"
        await self.quiet(alice, "That")
        bob.socket.ws.close()
        self.scene = "bob closed his last tab"
        await self.follow(alice, "alice", "zoe")

    @gen_test(timeout=20)
    async def test_6_back_at_once(self):
        alice = await self.watch("alice")
        bob = await self.seat("bob")
        await self.follow(alice, "alice", "bob")
        bob.socket.ws.close()
        await asyncio.sleep(0.3)
        await self.seat("bob")
        self.scene = "bob's connection broke, and he was back after 0.3 s"
        await self.quiet(alice, "That")

    @gen_test
    async def test_7_sign_out(self):
        alice = await self.watch("alice")
        bob = await self.sign_in("bob")
        await self.seat("bob")
        await self.seat("bob")
        await self.follow(alice, "alice", "bob")
        await bob.post("/logout")
        self.scene = "bob, who had two tabs, signed out"
        await self.follow(alice, "alice")

    @gen_test
    async def test_8_not_stored(self):
        alice = await self.watch("alice")
        await self.join("bob")
        await self.follow(alice, "alice", "bob")
        await alice.send(
            "hello", "alice and bob came, and alice sent the first message"
        )
        await alice.gets({"id": 1, "msg": "hello"})
        (carol,) = await self.join("carol", query="?since=0")
        await carol.gets({"id": 1, "msg": "hello"})
        await self.stop()
        self.assertNotIn(
            "bob",
            self.stored().replace("lease", ""),
            "bob came and said nothing. chat.db should not know him; it does.",
        )


class CrowdCheck(HereCheck):
    @gen_test(timeout=30)
    async def test_9_crowd_costs_little(self):
        for guest in await self.crowd():
            told = len(guest.told)
            self.assertLess(
                told,
                6,
                "50 people joined within a moment. Each should get at "
                f"most 5 lines about it; {guest.name} got {told}.",
            )

    async def crowd(self):
        names = [f"guest {number}" for number in range(50)]
        crowd = [await self.watch(name) for name in names]
        self.scene = "50 people joined within a moment"
        for guest in crowd:
            await self.follow(guest, *names)
        return crowd

    @gen_test(timeout=30)
    async def test_10_made_once(self):
        crowd = await self.crowd()
        for guest in crowd:
            guest.told.clear()
        encode = json.JSONEncoder.encode
        with mock.patch.object(
            json.JSONEncoder, "encode", autospec=True, side_effect=encode
        ) as encoded:
            await self.join("bob")
            self.scene = "50 people were here, and bob joined"
            for guest in crowd:
                await self.follow(guest, *guest.known, "bob")
        for guest in crowd:
            size = sum(len(json.dumps(line)) for line in guest.told)
            self.assertLess(
                size,
                200,
                f"{self.scene}. That should cost each of them less "
                f"than 200 bytes; it cost {size}.",
            )
        count = encoded.call_count
        self.assertLess(
            count,
            10,
            f"{self.scene}. Their line should be made once for all; "
            f"JSON was encoded {count} times.",
        )


class SlowReaderCheck(HereCheck):
    old = LONG

    @gen_test(timeout=30)
    async def test_11_slow_reader(self):
        await self.stall("carol", "&here=1")
        alice = await self.watch("alice")
        await self.follow(alice, "alice", "carol")
        (bob,) = await self.join("bob", query=f"?since={len(LONG)}")
        self.scene = "carol's computer had stopped reading, and bob came"
        await self.follow(alice, "alice", "bob", "carol")
        await bob.send("hello", self.scene + " and sent hello")
        await alice.until("hello")

    @gen_test(timeout=30)
    async def test_12_back_again(self):
        await self.join("bob")
        for _ in range(2):
            alice = await self.watch("alice", f"&since={len(LONG)}")
            await self.follow(alice, "alice", "bob")
            alice.socket.ws.close()


class Page(PageCheck):
    async def lists(self, page, *names):
        """Wait until a page shows these names in its list."""
        people = page.get_by_role("list", name="Here now").get_by_role("listitem")
        await self.holds(
            expect(people).to_have_text(list(names), timeout=4000),
            f"{self.scene}. The "
            f'list "Here now" should show {", ".join(names)}; it shows '
            f"{', '.join(await people.all_text_contents()) or 'nothing'}.",
        )

    @gen_test(timeout=30)
    async def test_13_names_in_order(self):
        self.scene = "carol, then alice signed in"
        carol = await self.sign_in("carol")
        await self.lists(carol, "carol")
        alice = await self.sign_in("alice")
        await self.lists(alice, "alice", "carol")
        await self.lists(carol, "alice", "carol")

    @gen_test(timeout=30)
    async def test_14_come_and_go(self):
        alice = await self.sign_in("alice")
        bob = await self.sign_in("bob")
        self.scene = "alice and bob were here"
        await self.lists(alice, "alice", "bob")
        await bob.context.close()
        self.scene = "bob closed his window"
        await self.lists(alice, "alice")

    @gen_test(timeout=30)
    async def test_15_text_is_text(self):
        alice = await self.sign_in("alice")
        other = await self.forge("<b>bob")
        self.scene = "<b>bob came"
        await self.lists(alice, "<b>bob", "alice")
        await self.lists(other, "<b>bob", "alice")

    @gen_test(timeout=30)
    async def test_16_after_a_broken_connection(self):
        alice, bob = await self.sign_in("alice"), await self.sign_in("bob")
        await self.lists(alice, "alice", "bob")
        await self.say(bob, "one")
        await alice.evaluate("ws.close()")
        self.scene = "alice's connection had been broken"
        await self.say(bob, "two")
        for text in ("one", "two"):
            await self.holds(
                expect(alice.get_by_text(text, exact=True)).to_have_count(
                    1, timeout=4000
                ),
                f'{self.scene}. Her page should show "{text}" once.',
            )
        await self.lists(alice, "alice", "bob")
