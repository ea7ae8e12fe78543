"""The check of exercise 5: who is here."""

import asyncio
import json
import time

from tornado.testing import gen_test

from tests.page_support import expect
from workshop.exercises.checking import LONG, Check, PageCheck, show


class HereCheck(Check):
    kinds = ("here", "came", "gone")

    async def watch(self, name, query=""):
        """Connect somebody who asks who is here."""
        seat = await self.seat(name, f"?here=1{query}")
        seat.known, seat.told = None, []
        self.learn(seat, await seat.next())
        return seat

    async def follow(self, seat, *names):
        """Read on until these people are here, as far as the seat's owner is told."""
        names = set(names)
        while seat.known != names:
            line = await seat.next(3)
            news = [f"that {name} came" for name in sorted(names - seat.known)]
            news += [f"that {name} went" for name in sorted(seat.known - names)]
            told = f"{seat.name} should be told {news[0]}; in 3 s it did not come."
            self.need(line, told)
            if "msg" not in line:
                self.learn(seat, line)

    def learn(self, seat, line):
        """Take a line about who is here, and see that it fits what is known."""
        if seat.known is None:
            seat.need(line and list(line) == ["here"], 'first {"here": [...]}', line)
            seat.known = set(line["here"])
            once = len(seat.known) == len(line["here"])
            return self.need(once, f"{seat.name} should get each once: {show(line)}.")
        seat.told.append(line)
        both = sorted(line) == ["came", "gone"]
        seat.need(both, 'only {"came": [...], "gone": [...]} after the first', line)
        came, gone = line["came"], line["gone"]
        seat.need(came or gone, "no empty line", line)
        fits = seat.known.isdisjoint(came) and seat.known.issuperset(gone)
        if not fits or len({*came, *gone}) < len(came) + len(gone):
            self.requirement(4)
            knew = ", ".join(sorted(seat.known))
            seat.need(False, f"only what is new to one who knew of {knew}", line)
        seat.known = seat.known - {*gone} | {*came}

    async def no_news(self, seat, what, *but):
        """See that a seat's owner is told nothing but of some before zoe comes."""
        scene, seat.told = self.scene, []
        zoe = await self.seat("zoe")
        self.scene = scene
        await self.follow(seat, *seat.known, *but, "zoe")
        news = {name for line in seat.told for name in line["came"] + line["gone"]}
        told = f"{what} is no news; {seat.name} got {[*map(show, seat.told)]}."
        self.need(news <= {"zoe", *but}, told)
        await zoe.leave()
        self.scene = "zoe left"
        await self.follow(seat, *seat.known - {"zoe"})


class ServerCheck(HereCheck):
    @gen_test(timeout=60)
    async def test_1_list_and_changes(self):
        (bob,) = await self.join("Bob")
        await bob.send("hello")
        await bob.gets({"msg": "hello"})
        alice = await self.watch("alice")
        await alice.gets({"msg": "hello"})
        await self.follow(alice, "alice", "Bob")
        carol = await self.watch("carol")
        told = f"Her first line should name alice and Bob: {carol.known}."
        self.need({"alice", "Bob"} <= carol.known, told)
        await carol.gets({"msg": "hello"})
        self.requirement(2)
        await self.follow(alice, "alice", "Bob", "carol")
        self.scene = "carol closed her connection"
        await carol.leave()
        await self.follow(alice, "alice", "Bob")
        carol = await self.watch("carol")
        await self.follow(alice, "alice", "Bob", "carol")
        self.scene = "carol's line broke"
        carol.socket.stream.close()
        await self.follow(alice, "alice", "Bob")
        self.requirement(3)
        (dave,) = await self.join("dave", query="?here=0")
        await self.follow(alice, "alice", "Bob", "dave")
        await alice.send("bye", "Bob and dave did not ask with here=1, and alice came")
        await dave.until("hello")
        for seat in (bob, dave):
            await seat.gets_nothing_before("bye", " but messages")
        self.requirement(12)
        for query in ("&since=2", "&since=0"):
            await alice.leave()
            alice = await self.watch("alice", query)
            await self.follow(alice, "alice", "Bob", "dave")

    @gen_test(timeout=60)
    async def test_2_in_time(self):
        alice = await self.watch("alice")
        await self.follow(alice, "alice")
        news = asyncio.ensure_future(alice.next(6))
        begun, count = time.monotonic(), 0
        while not news.done():
            await self.join(f"guest {count}")
            await asyncio.wait([news], timeout=0.3)
            count += 1
        passed = time.monotonic() - begun
        self.scene = "Every 0.3 s somebody came"
        told = f"alice should be told after two seconds; {passed:.1f} passed."
        self.need(news.result() and passed < 3, told)

    @gen_test(timeout=60)
    async def test_4_only_what_is_new(self):
        alice, seats = await self.watch("alice"), []
        for delay in (0, 0.3, 0.6, 0.9):
            await asyncio.sleep(delay and 0.3)
            seats += [await self.seat(f"guest {delay}"), await self.watch(f"w {delay}")]
        names = "alice", *(seat.name for seat in seats)
        self.scene = "People came one after the other"
        for seat in (*seats[1::2], alice):
            await self.follow(seat, *names)
        for seat in seats[::2]:
            await seat.leave()
            await asyncio.sleep(0.3)
            seats += [await self.watch(f"late {seat.name}")]
            await (await self.seat(f"brief {len(seats)}")).leave()
        names = "alice", *(seat.name for seat in [*seats[1:8:2], *seats[8:]])
        self.scene = "Some people left, and others came"
        for seat in (*seats[1:8:2], *seats[8:], alice):
            await self.follow(seat, *names)

    @gen_test(timeout=60)
    async def test_5_tabs(self):
        alice = await self.watch("alice")
        (bob,) = await self.join("bob")
        tabs = [await self.seat("bob") for _ in range(2)]
        await self.follow(alice, "alice", "bob")
        await bob.leave()
        await tabs[1].leave()
        await asyncio.sleep(0.7)
        self.scene = "bob closed the first and the last of his three tabs"
        await self.no_news(alice, "That")
        await tabs[0].leave()
        self.scene = "bob closed his last tab"
        await self.follow(alice, "alice")
        self.requirement(7)
        await self.watch("bob")
        tab = await self.watch("bob")
        await self.follow(tab, "alice", "bob")
        await self.follow(alice, "alice", "bob")
        await self.people["bob"].post("/logout")
        self.scene = "bob, who had two tabs, signed out"
        await self.follow(alice, "alice")

    @gen_test(timeout=60)
    async def test_6_back_at_once(self):
        alice, self.late = await self.watch("alice"), []
        names = [f"bob {number}" for number in range(7)]
        seats = await self.join(*names)
        await self.follow(alice, "alice", *names)
        dan, tries = await self.seat("dan"), []
        for seat in seats[1:]:  # each at another moment of dan's second
            tries.append(asyncio.ensure_future(self.again(seat)))
            await asyncio.sleep(0.1)
        await asyncio.gather(*tries)
        self.scene = "dan came; meanwhile bob 1 to 6 lost their connections"
        self.scene += ", and were back after 0.3 s, four times"
        await self.no_news(alice, "That", "dan", *self.late)
        await dan.leave()

    async def again(self, seat):
        """Let somebody go and come back, 0.3 s later, four times."""
        for _ in range(4):
            begun = time.monotonic()
            await seat.leave()
            await asyncio.sleep(0.3)
            seat = await self.seat(seat.name)
            if time.monotonic() > begun + 0.48:  # this computer has much to do
                self.late.append(seat.name)

    @gen_test(timeout=30)
    async def test_8_not_stored(self):
        alice = await self.watch("alice")
        await self.join("bob")
        await self.follow(alice, "alice", "bob")
        await alice.send("hello", "alice and bob came; alice sent the first message")
        await alice.gets({"id": 1, "msg": "hello"})
        (carol,) = await self.join("carol", query="?since=0")
        await carol.gets({"id": 1, "msg": "hello"})
        told = "bob came and said nothing. chat.db should not know him; it does."
        self.need("bob" not in self.stored(), told)


class CrowdCheck(HereCheck):
    @gen_test(timeout=60)
    async def test_9_crowd(self):
        names = [f"guest {number}" for number in range(50)]
        for name in names:
            await self.sign_in_visitor(name)
        begun, coming = time.monotonic(), []
        for name in names:
            coming.append(asyncio.ensure_future(self.watch(name)))
            await asyncio.sleep(0.01)  # or the server may take them all at once
        crowd = await asyncio.gather(*coming)
        moment = time.monotonic() - begun
        self.scene = "50 people joined within a moment"
        for guest in crowd:
            await self.follow(guest, *names)
            told = f"{guest.name} should get at most 5 lines; {len(guest.told)} came."
            self.need(len(guest.told) <= max(5, 2 + moment), told)
        self.requirement(10)
        await self.costs(crowd, "50 people were here, and bob joined", *names, "bob")
        await self.seats[0].leave()
        await self.costs(crowd, "50 people were here, and bob left", *names)

    async def costs(self, crowd, scene, *names):
        """See what it costs that all in a crowd are told of one change."""
        async with self.cost() as cost:
            if "bob" in names:
                self.seats = await self.join("bob")
            self.scene = scene
            for guest in crowd:
                guest.told = []
                await self.follow(guest, *names)
        for guest in crowd:
            size = sum(len(json.dumps(line)) for line in guest.told)
            told = f"Each should get less than 200 bytes; {guest.name} got {size}."
            self.need(size < 200, told)
        told = f"A line should be made once; JSON was encoded {cost.encodings} times."
        self.need(cost.encodings < 10, told)


class SlowReaderCheck(HereCheck):
    old = LONG

    @gen_test(timeout=60)
    async def test_11_slow_reader(self):
        carol = await self.slow("carol", "&here=1")
        alice = await self.watch("alice", f"&since={len(LONG)}")
        await self.follow(alice, "alice", "carol")
        for name in ("bob", "dan", "eve"):
            (bob,) = await self.join(name, query=f"?since={len(LONG)}")
            self.scene = f"carol's computer had stopped reading, and {name} came"
            await self.follow(alice, "alice", "carol", name)
            if name != "eve":
                await bob.leave()
                self.scene = f"{self.scene} and left"
                await self.follow(alice, "alice", "carol")
        await bob.send("hello", self.scene + " and sent hello")
        await alice.until("hello")
        await self.quiet()
        carol.known, carol.told = None, []
        for line in await self.catches_up(carol, "hello"):
            if "msg" not in line:
                self.learn(carol, line)
        await self.follow(carol, "alice", "carol", "eve")
        await bob.leave()
        self.scene += ". Then eve left"
        await self.follow(carol, "alice", "carol")
        await self.quiet()


class Page(PageCheck):
    async def lists(self, page, *names):
        """Wait until a page shows these names in its list."""
        people = page.get_by_role("list", name="Here now").get_by_role("listitem")
        try:
            await expect(people).to_have_text(list(names), timeout=5000)
        except AssertionError:
            came = ", ".join(await people.all_text_contents()) or "nothing"
            told = f'"Here now" should show {", ".join(names)}; it shows {came}.'
            self.need(False, told)

    @gen_test(timeout=60)
    async def test_13_list(self):
        self.scene = "carol, Bob and alice signed in"
        carol, bob = await self.sign_in("carol"), await self.sign_in("Bob")
        await self.lists(carol, "Bob", "carol")
        alice = await self.sign_in("alice")
        for page in (alice, bob, carol):
            await self.lists(page, "alice", "Bob", "carol")
        self.requirement(14)
        await carol.context.close()
        self.scene = "carol closed her window"
        for page in (alice, bob):
            await self.lists(page, "alice", "Bob")
        self.scene = "constructor came"
        await self.sign_in("constructor")
        await self.lists(alice, "alice", "Bob", "constructor")
        self.requirement(15, "<b>bob came")
        other = await self.forge("<b>bob")
        for page in (alice, other):
            await self.lists(page, "<b>bob", "alice", "Bob", "constructor")

    @gen_test(timeout=60)
    async def test_16_broken_line(self):
        alice, bob, dan = [await self.sign_in(name) for name in ("alice", "bob", "dan")]
        await self.lists(alice, "alice", "bob", "dan")
        await self.say(bob, "one")
        async with self.line_down(alice):
            await dan.context.close()
            await self.say(bob, "two")
            await self.join("eve")
            self.scene = "dan left and eve came while alice's line was down"
            await self.lists(bob, "bob", "eve")
        await self.reads(alice, "one", "two", who="Her page")
        await self.lists(alice, "alice", "bob", "eve")
        async with self.line_down(bob), self.line_down(alice):
            await self.restart()
        await self.say(alice, "three")
        await self.lists(alice, "alice", "bob")
        await self.reads(alice, "one", "two", "three", who="alice's page")
