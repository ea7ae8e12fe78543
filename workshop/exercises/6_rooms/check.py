"""The check of exercise 6: rooms."""

import json

from tornado.httpclient import HTTPClientError
from tornado.testing import gen_test

from tests.page_support import expect
from workshop.exercises.checking import Check, PageCheck

KITCHEN = "?room=kitchen"


class RoomsCheck(Check):
    old = [("bob", f"old {number}") for number in range(1, 61)]

    async def gets(self, seat, *pairs):
        """Compare the next messages with pairs of an id and a text."""
        for id, msg in pairs:
            await seat.gets({"id": id, "msg": msg})


class ServerCheck(RoomsCheck):
    @gen_test
    async def test_1_room(self):
        alice, bob = await self.join("alice", "bob", query=KITCHEN)
        await alice.send("tea", "alice, the first in the room kitchen, sent tea")
        await self.gets(alice, (1, "tea"))
        await self.gets(bob, (1, "tea"))

    @gen_test
    async def test_1_each_counts_for_itself(self):
        for room in ("kitchen", "garden"):
            (alice,) = await self.join("alice", query=f"?room={room}")
            for number in (1, 2):
                await alice.send(
                    f"{room} {number}",
                    f"In the room {room} alice sent message {number}",
                )
                await self.gets(alice, (number, f"{room} {number}"))

    @gen_test
    async def test_2_default_room(self):
        await self.join("alice", query=KITCHEN)
        (bob,) = await self.join("bob")
        await bob.send(
            "hello",
            "A chat.db from before held 60 messages, and bob sent hello without a room",
        )
        old = [(number, f"old {number}") for number in range(11, 61)]
        await self.gets(bob, *old, (61, "hello"))

    @gen_test
    async def test_3_nothing_gets_across(self):
        rooms = "?since=60", KITCHEN, "?room=garden"
        people = zip(("dora", "emil", "fay"), rooms, strict=True)
        seats = [await self.seat(name, room) for name, room in people]
        for number in (1, 2, 3):
            for seat, room in zip(seats, rooms, strict=True):
                await seat.send(
                    f"{number} in {room}", "People in three rooms talked at once"
                )
        for seat, room in zip(seats, rooms, strict=True):
            first = 60 if "since" in room else 0
            said = [(first + n, f"{n} in {room}") for n in (1, 2, 3)]
            await self.gets(seat, *said)
            (late,) = await self.join(
                "late", query=f"{room}{'' if first else '&since=0'}"
            )
            await self.gets(late, *said)

    @gen_test
    async def test_4_since(self):
        await self.tea(70)
        for since, first in ((None, 21), (2, 3), (68, 69)):
            query = KITCHEN if since is None else f"{KITCHEN}&since={since}"
            (bob,) = await self.join("bob", query=query)
            self.scene = (
                f"The room kitchen has 70 messages, and bob connected with {query}"
            )
            await self.gets(bob, *((n, f"tea {n}") for n in range(first, 71)))

    async def tea(self, count):
        """Let three people say so many messages in the kitchen, in order."""
        seats = await self.join("ann", "ben", "cem", query=KITCHEN)
        for number in range(1, count + 1):
            seat = seats[number % 3]
            await seat.send(f"tea {number}")
            await seat.until(f"tea {number}")

    @gen_test
    async def test_5_key_counts_in_its_room(self):
        for query, id in (("?since=60", 61), (KITCHEN, 1), ("?room=garden", 1)):
            (alice,) = await self.join("alice", query=query)
            for msg, key in (("tea", "k"), ("tea", "k"), ("and milk", "l")):
                await alice.send(
                    {"msg": msg, "key": key},
                    f"With /ws{query} alice sent tea twice with one key, then and milk",
                )
            await self.gets(alice, (id, "tea"), (id + 1, "and milk"))

    @gen_test
    async def test_6_any_name_is_a_room(self):
        for name in (
            "kitchen",
            "kitchen-wal",
            "wal",
            "log",
            "settings",
            "sqlite-1",
            "-",
            "0",
            "select",
            "kitchen-7-" * 2,
        ):
            (alice,) = await self.join("alice", query=f"?room={name}")
            await alice.send(
                "hello", f"alice, the first in the room {name}, sent hello"
            )
            await self.gets(alice, (1, "hello"))
        (bob,) = await self.join("bob", query="?since=59")
        await bob.send(
            "hello", "There is a room log, and bob sent hello in the default one"
        )
        await self.gets(bob, (60, "old 60"), (61, "hello"))

    @gen_test
    async def test_7_other_names_refused(self):
        alice = self.browser("alice")
        for name in (
            "",
            "a" * 21,
            "Kitchen",
            "my_room",
            "a%20b",
            "a%22b",
            "%D1%8F",
            "..",
            "../x",
            "%20a",
            "a%20",
            "a%0A",
            "kitchen%00",
        ):
            codes = {"/chat": (await alice.get(f"/chat?room={name}")).code, "/ws": 101}
            try:
                await alice.connect(f"?room={name}")
            except HTTPClientError as refused:
                codes["/ws"] = refused.code
            for path, code in codes.items():
                self.assertEqual(
                    code,
                    400,
                    f"alice asked for {path}?room={name}. The answer "
                    f"should be 400; it was {code}.",
                )

    @gen_test
    async def test_8_restart(self):
        for query, text in (("?since=60", "hello"), (KITCHEN, "tea")):
            (alice,) = await self.join("alice", query=query)
            await alice.send(text)
            await alice.until(text)
        await self.restart()
        for query, first in (("?since=60", (61, "hello")), (KITCHEN, (1, "tea"))):
            (bob,) = await self.join("bob", query=query)
            await bob.send(
                "after",
                f"The chat was started again, and bob sent after with /ws{query}",
            )
            await self.gets(bob, first, (first[0] + 1, "after"))

    @gen_test
    async def test_9_sign_out(self):
        alice = await self.sign_in("alice")
        queries = "?since=60", KITCHEN, "?room=garden"
        seats = [await self.seat("alice", query) for query in queries]
        await alice.post("/logout")
        for seat, query in zip(seats, queries, strict=True):
            self.scene = f"alice, who was at /ws{query}, too, signed out"
            await seat.ends(1008)

    @gen_test
    async def test_10_names(self):
        await self.sign_in("alice")
        await self.seat("alice", KITCHEN)
        first = await self.seat("alice")
        first.socket.ws.close(1000)
        self.scene = "alice left the default room"
        await first.ends(1000)
        answer = await self.visitor().post("/login", name="Alice")
        self.assertEqual(
            answer.code,
            400,
            f"{self.scene}, was still in the kitchen, and another browser signed in as "
            f"Alice. The answer should be 400; it was {answer.code}.",
        )

    @gen_test(timeout=15)
    async def test_11_stop(self):
        queries = "?since=60", KITCHEN, "?room=garden"
        seats = [(await self.join(f"in{n}", query=q))[0] for n, q in enumerate(queries)]
        await self.stop()
        for seat, query in zip(seats, queries, strict=True):
            self.scene = f"The chat was stopped, with somebody at /ws{query}"
            await seat.ends(1001)


class Page(PageCheck):
    async def enter(self, page, room):
        await page.goto(f"/chat?room={room}" if room else "/chat")
        await self.seen(
            page.locator("#status.online"),
            f"The page of the room {room} should connect; it does not.",
        )

    async def assert_shows(self, page, room, *texts):
        shown = page.locator("#messages .msg")
        await self.holds(
            expect(shown).to_have_text(list(texts), timeout=3000),
            f"{self.scene}. The page "
            f"of {room} should show {json.dumps(texts)}; it shows "
            f"{json.dumps(await shown.all_text_contents())}.",
        )

    @gen_test(timeout=30)
    async def test_12_page_of_a_room(self):
        page = await self.sign_in("alice")
        await self.say(page, "one")
        await self.enter(page, "kitchen")
        heading = page.get_by_role("heading", level=1)
        await self.holds(
            expect(heading).to_contain_text("kitchen", timeout=2000),
            "alice opened "
            "/chat?room=kitchen. The heading should have kitchen in it; it is "
            f"{await heading.inner_text()}.",
        )
        await self.say(page, "tea")
        self.scene = "alice said one in the default room and tea in the kitchen"
        await self.assert_shows(page, "the kitchen", "tea")

    @gen_test(timeout=30)
    async def test_13_goes_on_in_its_room(self):
        page = await self.sign_in("alice")
        await self.say(page, "one", "two")
        await self.enter(page, "kitchen")
        await self.say(page, "tea")
        await page.evaluate("ws.close()")
        await self.say(page, "milk")
        self.scene = (
            "alice said tea in the kitchen, her connection broke, she said milk"
        )
        await self.assert_shows(page, "the kitchen", "tea", "milk")

    @gen_test(timeout=30)
    async def test_14_from_room_to_room(self):
        page = await self.sign_in("alice")
        await self.say(page, "one", "two", "three")
        await self.enter(page, "kitchen")
        await self.say(page, "tea")
        await page.evaluate("ws.send = () => {}; null")
        await self.say(page, "sugar", sent=False)
        await self.enter(page, "")
        self.scene = "alice's sugar was still pending in the kitchen when she went over"
        await self.say(page, "four")
        await self.assert_shows(page, "the default room", "one", "two", "three", "four")
        await self.enter(page, "kitchen")
        self.scene += " and came back"
        await self.assert_shows(page, "the kitchen", "tea", "sugar")
