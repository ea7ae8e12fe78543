"""The check of exercise 6: rooms."""

import asyncio

from tornado.testing import gen_test

from tests.page_support import expect
from workshop.exercises.checking import BEGIN, Check, PageCheck

KITCHEN, GARDEN = "?room=kitchen", "?room=garden"
ROOMS = "?since=60", KITCHEN, GARDEN
NAMES = ("kitchen", "kitchen-wal", "kitchen-shm", "wal", "log", "settings", "sqlite-1")
NAMES += ("-", "--", "0", "select", "main", "db", "chat", "kitchen-7-" * 2)
NONE = ("", "a" * 21, "Kitchen", "my_room", "a%20b", "a%22b", "%D1%8F", "%D9%A3", "a.b")
NONE += ("..", "../x", "%20a", "a%20", "a%0A", "kitchen%00", "%C3%9F")


class RoomsCheck(Check):
    kinds = ("key",)  # and what answers a resend
    old = [("bob", f"old {number}") for number in range(1, 61)]

    async def gets(self, seat, *pairs):
        """Compare the next messages with pairs of an id and a text."""
        for id, msg in pairs:
            await seat.gets({"id": id, "msg": msg})

    async def one_in_each(self, *names):
        pairs = zip(names, ROOMS, strict=True)
        return [await self.seat(name, room) for name, room in pairs]


class ServerCheck(RoomsCheck):
    @gen_test(timeout=60)
    async def test_1_rooms(self):
        for name in ("alice", "bob"):
            await self.sign_in_visitor(name)
        alice, bob = await asyncio.gather(*self.both("alice", "bob", KITCHEN))
        for number in (1, 2):
            msg = f"tea {number}"
            await alice.send(msg, f"alice, with bob the first in kitchen, sent {msg}")
            await self.gets(alice, (number, msg))
            await self.gets(bob, (number, msg))
        self.requirement(2)
        carol = await self.seat("carol")
        await carol.send("hello", "An old chat.db has 60 messages; carol sent hello")
        await self.gets(carol, *((n, f"old {n}") for n in range(11, 61)), (61, "hello"))
        self.requirement(3)
        dora, emil, fay = await self.one_in_each("dora", "emil", "fay")
        await self.gets(dora, (61, "hello"))
        await self.gets(emil, (1, "tea 1"), (2, "tea 2"))
        first = 61, 2, 0
        for number in (1, 2, 3):
            for seat in (dora, emil, fay):
                await seat.send(f"{number} of {seat.name}", "Three talked in rooms")
        for seat, room, last in zip((dora, emil, fay), ROOMS, first, strict=True):
            said = [(last + n, f"{n} of {seat.name}") for n in (1, 2, 3)]
            await self.gets(seat, *said)
            since = room if last == 61 else f"{room}&since={last}"
            late = await self.seat("late", since.replace("60", "61"))
            await self.gets(late, *said)
        await self.gets(alice, *((2 + n, f"{n} of emil") for n in (1, 2, 3)))
        await alice.send("end", self.scene)
        await self.gets(alice, (6, "end"))

    def both(self, one, other, query):
        return self.seat(one, query), self.seat(other, query)

    @gen_test(timeout=60)
    async def test_4_since(self):
        seats = await self.join("ann", "ben", "cem", "dan", query=KITCHEN)
        for number in range(1, 71):
            seat = seats[number % 4]
            await seat.send(f"tea {number}")
            await seat.until(f"tea {number}")
        newest = await self.seat("eva", f"{KITCHEN}&since=69")
        line = await newest.gets({"id": 70})
        queries = [("", 21), ("&since=2", 3), ("&since=68", 69)]
        queries += [(f"&since=70&at={line['at']}", 71), ("&since=0", 1)]
        for query, first in queries:
            bob = await self.seat("bob", KITCHEN + query)
            self.scene = f"The kitchen has 70 messages; bob came with {KITCHEN}{query}"
            await self.gets(bob, *((n, f"tea {n}") for n in range(first, 71)))
        await seats[0].send("end", self.scene)
        await self.gets(bob, (71, "end"))
        other = await self.seat("fay", f"{KITCHEN}&since=60&at={float(BEGIN + 59)}")
        self.scene = "fay has read another room's message 60, and came to the kitchen"
        await other.ends(1012)

    @gen_test(timeout=60)
    async def test_5_keys(self):
        for again in (False, True):
            for query, id in zip(ROOMS, (61, 1, 1), strict=True):
                since = query if id == 61 else f"{query}&since=0"
                alice, *tabs = await self.join(*["alice"] * 4, query=since)
                milk = f"{'more ' * again}milk"
                teas = [{"msg": "tea", "key": f"k{n}"} for n in range(5)]
                pairs = [(tab, tea) for tea in teas for tab in (alice, *tabs)]
                await asyncio.gather(*(tab.send(tea) for tab, tea in pairs))
                await alice.send({"msg": milk, "key": milk})
                self.scene = f"/ws{query}: alice sent 5 teas from 4 tabs, then milk"
                self.scene += ", before and after a restart" * again
                lines = [line for line in await alice.until(milk) if "msg" in line]
                wanted = [(id + n, "tea") for n in range(5)]
                wanted += [(id + 5, "milk")] * again
                came = [(line["id"], line["msg"]) for line in lines]
                self.need(came == wanted, f"She should get {wanted}; she got {came}.")
            if not again:
                self.requirement(8)
                await self.restart()

    @gen_test(timeout=60)
    async def test_6_names(self):
        for name in NAMES:
            alice = await self.seat("alice", f"?room={name}")
            await alice.send("hello", f"alice, the first in {name}, sent hello")
            await self.gets(alice, (1, "hello"))
        bob = await self.seat("bob", "?since=59")
        await bob.send("hello", "There is a room log; bob sent hello elsewhere")
        await self.gets(bob, (60, "old 60"), (61, "hello"))
        await self.quiet()
        self.requirement(7)
        visitor = await self.sign_in_visitor("alice")
        for name in NONE:
            page = await visitor.get(f"/chat?room={name}")
            ws = await visitor.knock(f"?room={name}")
            for path, code in (("/chat", page.code), ("/ws", ws)):
                self.scene = f"alice asked for {path}?room={name}"
                self.need(code == 400, f"The answer should be 400; it was {code}.")

    @gen_test(timeout=60)
    async def test_9_people(self):
        seats = await self.one_in_each("alice", "alice", "alice")
        await self.people.pop("alice").post("/logout")
        for seat, query in zip(seats, ROOMS, strict=True):
            self.scene = f"alice, who was at /ws{query}, too, signed out"
            await seat.ends(1008)
        seats = await self.one_in_each("Alice", "Alice", "Alice")
        self.requirement(10)
        for left, seat in enumerate(seats):
            self.scene = f"Alice was connected to {ROOMS[left:]} and nowhere else"
            await self.login("alice", 400)
            await seat.leave()
        self.scene = "Alice closed her last window, which was in the garden"
        await self.login("alice", 303)
        self.requirement(11)
        seats = await self.one_in_each("ann", "ben", "cem")
        self.stop()
        for seat, query in zip(seats, ROOMS, strict=True):
            self.scene = f"The chat was stopped, with somebody at /ws{query}"
            await seat.ends(1001)


class Page(PageCheck):
    async def enter(self, page, room):
        await page.goto(f"/chat?room={room}" if room else "/chat")
        told = f"The page of the room {room} should connect; it does not."
        await self.seen(page.locator("#status.online"), told)

    @gen_test(timeout=60)
    async def test_12_page_of_a_room(self):
        alice, bob = await self.sign_in("alice"), await self.sign_in("bob")
        await self.say(alice, "one")
        await self.enter(alice, "kitchen")
        self.scene = "alice opened /chat?room=kitchen"
        heading = alice.get_by_role("heading", level=1)
        told = f"kitchen should be in the heading: {await heading.inner_text()}."
        await self.holds(expect(heading).to_contain_text("kitchen", timeout=2000), told)
        await self.say(alice, "tea")
        self.scene = "alice said one in the default room and tea in the kitchen"
        await self.reads(alice, "tea", who="Her page")
        await self.reads(bob, "one", who="The default room's page")
        self.requirement(13)
        addresses = []
        alice.on("websocket", lambda ws: addresses.append(ws.url))
        async with self.line_down(alice):
            await self.say(bob, "two")
            cook = await self.seat("cook", KITCHEN)
            await cook.send("milk")
            await self.say(alice, "sugar", sent=False)
        self.scene = "In the kitchen alice's connection broke, and she said sugar"
        await self.reads(alice, "tea", "milk", "sugar", who="Her page")
        await self.say(alice, "lemon")
        await self.reads(bob, "one", "two", who="The default room's page")
        told = f"Her page should ask for the kitchen, not {addresses[-1]}."
        self.need(all("room=kitchen" in each for each in addresses), told)

    @gen_test(timeout=60)
    async def test_14_from_room_to_room(self):
        alice = await self.sign_in("alice")
        await self.say(alice, "one", "two", "three")
        await self.enter(alice, "kitchen")
        await self.say(alice, "tea")
        alice.on("dialog", lambda dialog: dialog.accept())
        await alice.evaluate("ws.send = () => {}; null")
        await self.say(alice, "sugar", sent=False)
        await alice.locator("#text").fill("and le")
        await self.enter(alice, "")
        self.scene = "alice's sugar was pending in the kitchen when she went over"
        text = await alice.locator("#text").input_value()
        self.need(not text, f"What she was writing there came along: {text}.")
        await self.say(alice, "four")
        await self.reads(alice, "one", "two", "three", "four", who="The default room")
        await self.enter(alice, "kitchen")
        self.scene += " and came back"
        await self.reads(alice, "tea", "sugar", who="The kitchen")
        text = await alice.locator("#text").input_value()
        self.need(text == "and le", f'"and le" should be there; it is "{text}".')
        await self.become(alice, await self.sign_in_visitor("eve"))
        await self.enter(alice, "kitchen")
        text = await alice.locator("#text").input_value()
        self.need(not text, f"eve signed in in her window, and it is there: {text}.")
