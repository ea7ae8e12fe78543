"""The check of exercise 8: read by."""

import asyncio
import json
import time

from tornado.testing import gen_test

from tests.page_support import HIDE, expect
from workshop.exercises.checking import LONG, VALUES, Check, PageCheck, numbered, show

# Notes in a page when it says how far it has read: pairs of a time in ms and an id.
SAID = """window.said = [];
const { send } = WebSocket.prototype;
WebSocket.prototype.send = function (frame) {
  const { msg, read } = JSON.parse(frame);
  if (read && !msg) said.push([Date.now(), read]);
  return send.call(this, frame);
};"""


class ReadCheck(Check):
    kinds = ("read",)
    old = numbered(20)

    async def watch(self, name, query="&since=20"):
        """Connect somebody who asks who has read what."""
        seat = await self.seat(name, f"?read=1{query}")
        line = await seat.next()
        first = line and list(line) == ["read"] and isinstance(line["read"], dict)
        seat.need(first, 'first {"read": {...}}', line)
        seat.known, seat.told = line["read"], []
        return seat

    async def follow(self, seat, **marks):
        """Read on until a seat's owner knows that these people have read so far."""
        while not marks.items() <= seat.known.items():
            line = await seat.next(3)
            seat.need(line, f"{show({'read': marks})} within 3 s", line)
            if "msg" not in line:
                self.learn(seat, line)

    def learn(self, seat, line):
        """Take a line about what was read, and see that it is news."""
        seat.need(list(line) == ["read"] and line["read"], "only what was read", line)
        seat.told.append(line)
        for name, id in line["read"].items():
            known = seat.known.get(name, 0)
            seat.need(id > known, f"no news of {name}, whose number was {known}", line)
        seat.known.update(line["read"])

    async def no_news(self, seat):
        """See that a seat's owner is told nothing until somebody else has read."""
        known, scene = dict(seat.known), self.scene
        await asyncio.sleep(1.3)
        eve = await self.seat("eve", "?since=20")
        await eve.send({"read": 20}, scene)
        await self.follow(seat, eve=20)
        news = {**seat.known, "eve": 0} == {**known, "eve": 0}
        told = f"That is no news; {seat.name} got {[*map(show, seat.told)]}."
        self.need(news, told)


class ServerCheck(ReadCheck):
    @gen_test(timeout=60)
    async def test_1_first_and_changes(self):
        alice = await self.watch("alice", "")
        self.need(alice.known == {}, f"Nobody has read anything; it is {alice.known}.")
        carol = await self.watch("Carol")
        tab = await self.watch("alice")
        await alice.send({"read": 17})
        self.requirement(2)
        for seat in (carol, alice, tab):
            await self.follow(seat, alice=17)
        self.requirement(1)
        bob = await self.watch("bob", "")
        told = f"bob's first line should be of alice's 17; it is {show(bob.known)}."
        self.need(bob.known == {"alice": 17}, told)
        await bob.gets({"id": 1})
        self.requirement(3)
        await carol.send({"read": 18}, "alice had read up to 17, Carol then to 18")
        for seat in (alice, carol):
            await self.follow(seat, alice=17, Carol=18)
            last = seat.told[-1]
            only = last == {"read": {"Carol": 18}}
            seat.need(only, "a line about Carol alone", last)
        late = []
        for id in (18, 19, 20):  # one is published, the next one is not yet
            await alice.send({"read": id})
            await alice.send(f"{id}", f"alice read up to {id}, and some came meanwhile")
            await carol.until(f"{id}")
            late += [await self.watch(f"at once {id}")]
            await asyncio.sleep(0.5)
            late += [await self.watch(f"late {id}")]
            for seat in late:
                await self.follow(seat, alice=id, Carol=18)
        await carol.send({"read": 23})
        for seat in late:
            await self.follow(seat, alice=20, Carol=23)
        self.requirement(4)
        (fay,) = await self.join("fay", query="?since=20")
        dan = await self.seat("dan", "?read=0&since=20")
        await dan.send({"read": 17})
        await self.follow(carol, dan=17)
        await carol.send("bye", "dan and fay did not ask with read=1, and dan read on")
        for seat in (dan, fay):
            for id in ("18", "19", "20"):
                await seat.gets({"msg": id})
            await seat.gets_nothing_before("bye", " but messages")

    @gen_test(timeout=60)
    async def test_2_in_time(self):
        alice = await self.watch("alice")
        (bob,) = await self.join("bob", query="?since=20")
        news = asyncio.ensure_future(alice.next(6))
        begun, id = time.monotonic(), 0
        while not news.done() and id < 20:
            id += 1
            await bob.send({"read": id}, "Every 0.3 s bob read one message more")
            await asyncio.wait([news], timeout=0.3)
        passed = time.monotonic() - begun
        told = f"alice should be told of it after two seconds; {passed:.1f} passed."
        self.need(await news and passed < 3, told)

    @gen_test(timeout=60)
    async def test_5_backwards(self):
        alice = await self.watch("alice")
        (one,) = await self.join("bob", query="?since=20")
        await one.send({"read": 17})
        await self.follow(alice, bob=17)
        await one.leave()
        one, two = await self.join("bob", "bob", query="?since=20")
        for seat, id in ((one, 15), (two, 16), (one, 17), (two, 17)):
            await seat.send({"read": id})
        self.scene = "bob read up to 17, left, came; 15 to 17 came from his two tabs"
        await self.no_news(alice)
        await two.send({"read": 19})
        await one.send({"read": 18}, "bob sent 19 from one tab, then 18 from another")
        await self.follow(alice, bob=19)
        await alice.send("hello")
        for seat in (one, two):
            await seat.gets_nothing_before("hello")

    @gen_test(timeout=60)
    async def test_6_values(self):
        alice = await self.watch("alice")
        (bob,) = await self.join("bob", query="?since=20")
        await bob.refuses("read", (*VALUES, "17", 21), alice)
        await self.no_news(alice)
        self.requirement(7)
        dan = await self.seat("dan", "?since=21")
        await dan.send({"msg": "hello", "read": 17})
        await dan.gets({"id": 22, "msg": "hello"}, without=["read"])
        for msg in (7, ""):
            await dan.send({"msg": msg, "read": 17})
            await dan.gets_error()
        self.scene += ". Before that, hello came with it"
        alice.known.pop("eve")
        await self.people["eve"].post("/logout")
        fay = await self.seat("fay", "?since=22")
        await fay.send({"read": 22}, self.scene)
        await self.follow(alice, fay=22)
        self.need("dan" not in alice.known, "dan said a message; it counted as read.")

    @gen_test(timeout=60)
    async def test_8_not_stored(self):
        alice, zed = await self.watch("alice"), await self.watch("zed")
        await zed.send({"read": 17})
        await self.follow(alice, zed=17)
        await alice.send("hello", "zed read up to 17, then alice sent hello")
        hello = await self.seat("bob", "?since=20")
        await hello.gets({"id": 21, "msg": "hello"})
        scene = self.scene
        self.need("zed" not in self.stored(), "chat.db should not know zed.")
        self.start()
        self.scene = f"{scene}. The chat was stopped and started again"
        alice = await self.watch("alice")
        told = f"Nobody should have read anything; it is {show(alice.known)}."
        self.need(alice.known == {}, told)


class CrowdCheck(ReadCheck):
    @gen_test(timeout=60)
    async def test_9_crowd(self):
        crowd = [await self.watch(f"guest {number}") for number in range(50)]
        marks = {guest.name: 20 for guest in crowd}
        async with self.cost() as cost:
            for guest in crowd:
                await guest.send({"read": 20}, "50 people read one message in a moment")
                await asyncio.sleep(0.01)
            for guest in crowd:
                await self.follow(guest, **marks)
        for guest in crowd:
            size = sum(len(json.dumps(line)) for line in guest.told)
            count = len(guest.told)
            told = f"{guest.name} should get 5 lines and 2,000 bytes at most; "
            self.need(count <= 5 and size < 2000, f"{told}{count} came, {size} bytes.")
        told = f"A line should be made once; JSON was encoded {cost.encodings} times."
        self.need(cost.encodings < 10, told)
        await self.quiet()


class SlowReaderCheck(ReadCheck):
    old = LONG

    @gen_test(timeout=60)
    async def test_10_slow_reader(self):
        carol = await self.slow("carol", "&read=1")
        alice = await self.watch("alice", f"&since={len(LONG)}")
        bob, dan = await self.join("bob", "dan", query=f"?since={len(LONG)}")
        await dan.send({"read": 5})
        for id in (20, 21, 22):
            self.scene = "carol's computer had stopped reading"
            await bob.send({"read": id}, f'{self.scene}, and bob sent {{"read": {id}}}')
            await self.follow(alice, bob=id, dan=5)
        await bob.send("hello", self.scene + " and hello")
        await alice.until("hello")
        await self.quiet()
        carol.known, carol.told = {}, []
        first, *lines = await self.catches_up(carol, "hello")
        carol.need(first == {"read": {}}, 'first {"read": {}}', first)
        for line in lines:
            if "msg" not in line:
                self.learn(carol, line)
        await self.follow(carol, bob=22, dan=5)
        await bob.send({"read": 30}, self.scene + ". Then bob read up to 30")
        await self.follow(carol, bob=30)
        await self.quiet()


class Page(PageCheck):
    async def new_page(self, **options):
        return await super().new_page(script=HIDE + SAID, **options)

    async def says(self, page, words, below="hello"):
        """Wait until an author's page has these words right below her message."""
        note = page.get_by_text("Read by").first
        told = f'Her page should say "{words}"; it does not.'
        await self.holds(expect(note).to_have_text(words, timeout=6000), told)
        _, lines = await self.lines(page)
        place = lines[lines.index(words) - 1]
        told = f'"{words}" should stand right below {below}, and not below "{place}".'
        self.need(place == below, told)

    async def never_says(self, page, seconds=2.5):
        await asyncio.sleep(seconds)
        told = 'Her page should not say "Read by"; it does.'
        await self.unseen(page.get_by_text("Read by"), told, 0.2)

    @gen_test(timeout=60)
    async def test_11_below_my_last_message(self):
        alice = await self.sign_in("alice")
        tab = await alice.context.new_page()
        await tab.goto("/chat")
        await self.say(alice, "hi", "hello")
        self.scene = "alice sent hello, and nobody else was there"
        await self.never_says(alice)
        carol, bob = await self.sign_in("Carol"), await self.sign_in("bob")
        self.scene = "alice sent hello, then Carol and bob came"
        await self.says(alice, "Read by bob, Carol")
        await self.say(bob, "good day")
        self.scene += ", and bob said something. She loaded her page again"
        await asyncio.sleep(2.5)
        await alice.reload()
        await self.says(alice, "Read by bob, Carol")
        await bob.context.close()
        await carol.context.close()
        await self.say(alice, "anybody?")
        self.scene = "alice's last message was read by nobody"
        await self.never_says(alice)
        await self.sign_in("constructor")
        self.scene = "alice sent anybody?, and constructor came"
        await self.says(alice, "Read by constructor", "anybody?")

    @gen_test(timeout=60)
    async def test_12_at_most_once_a_second(self):
        alice, bob = await self.sign_in("alice"), await self.sign_in("bob")
        (dora,) = await self.join("dora")
        for number in range(15):
            await dora.send(f"m{number}" + "\n." * 9)
            await asyncio.sleep(0.2)
            await bob.evaluate("hide(true); hide(false); scroller.scrollTop = 0")
        await self.say(alice, "hello")
        self.scene = "Others sent 16 messages in three seconds"
        await self.says(alice, "Read by bob")
        await asyncio.sleep(1.2)
        times, ids = zip(*await bob.evaluate("said"), strict=True)
        seconds = (times[-1] - times[0]) / 1000
        told = f"Within {seconds:.1f} s bob's page said that it had read {ids}. "
        self.need(2 <= len(ids) <= seconds + 2, told + "Once a second is enough.")
        further = list(ids) == sorted(set(ids)) and ids[-1] == 16
        self.need(further, told + "Each should be further than before, up to 16.")

    @gen_test(timeout=60)
    async def test_13_hidden(self):
        alice, bob = await self.sign_in("alice"), await self.sign_in("bob")
        await bob.evaluate("hide(true)")
        await self.say(alice, "hello")
        self.scene = "alice sent hello, and bob's page was in a hidden tab"
        await self.reads(bob, "hello", who="bob's page")
        async with self.line_down(bob):
            self.scene += ", and its line broke for a moment"
        await self.never_says(alice)
        await bob.evaluate("hide(false)")
        self.scene += ", until he looked at it again"
        await self.says(alice, "Read by bob")
        self.requirement(15, "<b>bob read alice's message")
        other = await self.forge("<b>bob")
        await self.reads(other, "hello", who="<b>bob's page")
        await self.says(alice, "Read by <b>bob, bob")

    @gen_test(timeout=60)
    async def test_14_after_a_broken_connection(self):
        alice, bob = await self.sign_in("alice"), await self.sign_in("bob")
        await self.say(alice, "hello")
        self.scene = "alice sent hello, and bob was there"
        await self.says(alice, "Read by bob")
        async with self.line_down(bob):
            async with self.line_down(alice):
                await self.restart()
            self.scene += ". The chat was started again, and only alice was back"
            await self.never_says(alice, 1.5)
        self.scene += ". Then bob was"
        await self.says(alice, "Read by bob")
        await self.reads(alice, "hello", who="Her page")
