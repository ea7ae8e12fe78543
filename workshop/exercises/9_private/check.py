"""The check of exercise 9: private messages."""

import asyncio

from tornado.testing import gen_test

from tests.page_support import expect
from workshop.exercises.checking import LONG, Check, PageCheck

SECRET = "swordfish"
TO_BOB = {"msg": SECRET, "to": "bob"}
PRIVATE = {"name": "alice", **TO_BOB}
WIDE = "  \N{FULLWIDTH LATIN CAPITAL LETTER B}ob" + 20 * " "
NONE = (0, 7, -1, 1.5, None, True, False, [], ["bob"], {}, 10**30)
NONE += ("", "  ", "a" * 21, "<b>", "@bob", "bob,carol")


class PrivateCheck(Check):
    def concerns(self, line):
        return True  # nobody else gets a byte

    async def all_get(self, seats, *wanted):
        """See that these messages, and no others, are the next that some people get."""
        for seat in seats:
            for line in wanted:
                await seat.gets(line, without=() if "to" in line else ("to",))

    async def history(self, name, query, *wanted):
        """Connect somebody, and see that the last message is the next after these."""
        seat = await self.seat(name, query)
        await self.all_get([seat], *wanted)
        return seat


class ServerCheck(PrivateCheck):
    @gen_test(timeout=60)
    async def test_1_to_one_person(self):
        alice, bob, carol, dan = await self.join("alice", "bob", "Carol", "dan")
        tab, own = await self.join("bob", "alice")
        await alice.send(TO_BOB)
        keys = ["at", "id", "key", "msg", "name", "to"]
        for seat in (bob, alice, tab, own):
            line = await seat.gets({"id": 1, "key": None, **PRIVATE})
            self.need(sorted(line) == keys, f"It should have {keys}: {sorted(line)}.")
        await alice.send("to all", f"{self.scene}, then to all")
        for seat in (carol, dan):
            await seat.gets({"id": 2, "msg": "to all"})
        self.requirement(2)
        await self.all_get((alice, bob, tab, own), {"id": 2, "msg": "to all"})
        psst = {"msg": "psst", "to": "dan"}
        for number in range(3, 15, 4):
            await alice.send(TO_BOB)
            await own.until(SECRET)
            await carol.send(psst)
            await dan.gets({"id": number + 1, "name": "Carol", **psst})
            await bob.send({"msg": "yes", "to": "alice"})
            await own.until("yes")
            await dan.send(f"m{number}", "alice and bob, Carol and dan talked")
            last = {"id": number + 3, "msg": f"m{number}"}
            await self.all_get([own, dan], last)
            answer = {"id": number + 2, "name": "bob", "to": "alice"}
            first = {"id": number, **PRIVATE}
            await self.all_get([alice, bob, tab], first, answer, last)
            await self.all_get([carol], {**psst, "id": number + 1}, last)
        self.requirement(1)
        await alice.send({"msg": "note", "to": "alice"})
        await alice.send("end", "alice wrote to herself, then to all")
        note = {"name": "alice", "msg": "note", "to": "alice"}
        await self.all_get([alice, own], note, {"msg": "end"})
        await self.all_get([bob, carol, dan, tab], {"msg": "end"})
        await alice.send({"msg": "later", "to": "zed"})
        await alice.gets({"msg": "later", "to": "zed"})
        zed = await self.seat("zed")
        self.scene = "alice wrote to zed, who was away, and came then"
        lines = [line for line in await zed.until("later") if "to" in line]
        self.requirement(3)
        self.need(not lines, f"He should get no other private message: {lines[:1]}.")

    @gen_test(timeout=60)
    async def test_3_history(self):
        alice, bob = await self.join("alice", "bob")
        for number in range(3):
            await alice.send(TO_BOB)
            await bob.until(SECRET)
            await bob.send(f"m{number}")
            await bob.until(f"m{number}")
        for since in range(6):
            late = [{"msg": f"m{number}"} for number in range(since // 2, 3)]
            for name in ("carol", "bob", "dan"):  # may share no batch with bob
                (seat,) = await self.join(name, query=f"?since={since}")
                self.scene = f"alice wrote to bob, and {name} came with since={since}"
                if name != "bob":
                    await self.all_get([seat], *late)
                elif since % 2 == 0:
                    await self.all_get([seat], PRIVATE, late[0])
        self.requirement(4)
        every = PRIVATE, {"msg": "m0"}, PRIVATE, {"msg": "m1"}, PRIVATE, {"msg": "m2"}
        await alice.leave()
        for names in (("alice", "bob"), ("ALICE", "Bob")):
            for name in names:
                await self.history(name, "?since=0", *every)
                await self.history(name, "", *every)
            await self.history("carol", "?since=0", *every[1::2])
            await self.restart()
        self.scene += ", twice"
        bob = await self.history("bob", "?since=0", *every)
        await bob.send("hello")
        await bob.gets({"id": 7, "msg": "hello"})

    @gen_test(timeout=60)
    async def test_3_much(self):
        carol, bob = await self.join("carol", "bob")
        tabs = await self.join("alice", *(f"guest {n}" for n in range(14)))
        await asyncio.gather(*(self.send_many(tab) for tab in tabs))
        self.scene = "alice and 14 guests sent bob 300 private messages of 2,000 each"
        await tabs[0].send("to all", f"{self.scene}, then to all")
        many = await bob.until("to all", 10)
        await self.all_get([carol], {"id": 301, "msg": "to all"})
        for query in ("?since=0", "?since=7", "?since=299"):
            await self.history("dan", query, {"id": 301, "msg": "to all"})
        ids = [line["id"] for line in many]
        own = [line["name"] for line in await tabs[7].until("to all", 10)]
        self.need(own == ["guest 6"] * 20, f"guest 6 wrote 20; he got {own}.")
        told = f"bob should get all of them, in order; he got {len(ids)}."
        self.need(ids == [*range(1, 301)], told)
        again = await self.seat("bob", "?since=0")
        ids = [line["id"] for line in await again.until("to all", 5)]
        self.need(ids == [*range(1, 301)], f"{told} {len(ids)} came when he was back.")
        await self.quiet()
        await tabs[0].send(TO_BOB)
        await again.gets({"id": 302, **PRIVATE})
        await self.quiet()

    async def send_many(self, tab):
        for _ in range(20):
            await tab.send({"msg": "x" * 2000, "to": "bob"})

    @gen_test(timeout=60)
    async def test_5_names(self):
        people = ["bob", "straße", "a_b", "axb", "Eve Ann"]
        alice, *seats = await self.join("alice", *people)
        pairs = [("Bob", "bob"), (WIDE, "bob"), ("STRASSE", "straße")]
        pairs += [("straße", "straße"), ("a_b", "a_b"), ("AXB", "axb")]
        pairs += [("eve  ANN", "Eve Ann")]
        for number, (to, name) in enumerate(pairs):
            await alice.send({"msg": SECRET, "to": to})
            shown = {WIDE: "Bob", "eve  ANN": "eve ANN"}.get(to, to)
            scene = self.scene
            await alice.gets({"msg": SECRET, "to": shown})
            await alice.send(f"m{number}", scene)
            await alice.gets({"msg": f"m{number}"})
            for seat in seats:
                if seat.name == name:
                    await seat.gets({"msg": SECRET, "to": shown})
                await self.all_get([seat], {"msg": f"m{number}"})

    @gen_test(timeout=60)
    async def test_6_bad_names(self):
        alice, bob = await self.join("alice", "bob")
        for to in NONE:
            await alice.send({"msg": SECRET, "to": to, "key": "k"})
            line = await alice.next()
            fits = line and "error" in line and line.get("key") == "k"
            alice.need(fits, 'an error line with "key": "k"', line)
        await alice.send("hello", self.scene + ", then hello")
        await self.all_get([alice, bob], {"id": 1, "msg": "hello"})
        told = f"{self.scene}. Nothing of it should be stored."
        self.need(SECRET not in self.stored(), told)

    @gen_test(timeout=60)
    async def test_7_sent_again(self):
        alice, bob, carol, tab = await self.join("alice", "bob", "carol", "alice")
        keyed = {**TO_BOB, "key": "k"}
        again = "alice sent a private message twice, with the same key"
        await alice.send(keyed)
        await self.all_get([alice, tab, bob], {"id": 1, "key": "k", **PRIVATE})
        for number, frame in enumerate((keyed, {"msg": SECRET, "key": "k"}, keyed)):
            await carol.send(f"m{number}")
            await self.all_get([alice, tab, bob, carol], {"msg": f"m{number}"})
            await tab.send(frame, again)
            await tab.gets({"id": 1, "key": "k"}, without=["msg"])
        await asyncio.gather(*(s.send({**keyed, "key": "l"}) for s in (alice, tab)))
        await carol.send({**TO_BOB, "key": "k"}, "carol wrote to bob, with alice's key")
        await carol.gets({"id": 6, "name": "carol", "to": "bob"})
        await carol.send("end", f"{again}, at once, from two tabs")
        both = {"id": 5, "key": "l", **PRIVATE}, {"id": 6, "name": "carol", **TO_BOB}
        await self.all_get([bob], *both, {"id": 7, "msg": "end"})
        await carol.gets({"id": 7, "msg": "end"})
        await self.restart()
        alice, carol = await self.join("alice", "carol", query="?since=7")
        await alice.send(keyed, f"{self.scene}, and {again}")
        await alice.gets({"id": 1, "key": "k"}, without=["msg"])
        await alice.send("hello", self.scene)
        await self.all_get([carol], {"id": 8, "msg": "hello"})


class CrowdCheck(PrivateCheck):
    old = [("alice", "/to bob: one"), ("bob", "two")]

    @gen_test(timeout=60)
    async def test_9_old_log_and_groups(self):
        carol = await self.seat("carol", "?since=0")
        self.scene = "A chat.db from before holds two messages, and carol came"
        await self.all_get([carol], {"id": 1, "msg": "/to bob: one"}, {"id": 2})
        self.requirement(8)
        guests = [f"guest {number}" for number in range(48)]
        crowd = await self.join("alice", "bob", *guests, query="?since=2")
        async with self.cost() as cost:
            await crowd[0].send(TO_BOB)
            await crowd[1].until(SECRET)
            await crowd[0].send("to all", "50 were there; alice wrote to bob, to all")
            for seat in crowd:
                await seat.until("to all")
        told = "Batches should be made once for each group; JSON was encoded "
        told += f"{cost.encodings} times, and {cost.statements} SQL statements ran."
        self.need(cost.encodings < 20 and cost.statements < 40, told)


class SlowReaderCheck(PrivateCheck):
    old = LONG

    @gen_test(timeout=60)
    async def test_10_slow_reader(self):
        carol, bob = await self.slow("carol"), await self.slow("bob")
        alice, tab = await self.join("alice", "bob", query=f"?since={len(LONG)}")
        await alice.send(TO_BOB, "carol's and bob's computers had stopped reading")
        await tab.gets(PRIVATE)
        await alice.send("hello", self.scene)
        await self.all_get([alice], PRIVATE, {"msg": "hello"})
        await self.quiet()
        scene = self.scene
        private = [each.get("msg") for each in await self.catches_up(bob, "hello")]
        self.need(private.count(SECRET) == 1, "bob should get the private one, too.")
        self.scene = scene
        lines = await self.catches_up(carol, "hello")
        self.need(len(lines) == len(LONG), f"carol got {len(lines)}.")
        self.need(SECRET not in str(lines), "carol should get no byte of it.")
        await self.quiet()


class Page(PageCheck):
    async def three(self):
        return [await self.sign_in(name) for name in ("alice", "bob smith", "carol")]

    async def words(self, page, *texts):
        """See that a page has these lines, each right below the words to whom."""
        _, lines = await self.lines(page)
        for text, above in texts:
            place = lines.index(text) if text in lines else 0
            found = lines[place - 1] if place else "nothing"
            told = f'"{above}" should stand above "{text}" on a line; {found} does.'
            self.need(("to bob smith" in found) == bool(above), told)

    @gen_test(timeout=60)
    async def test_11_to_one_person(self):
        alice, bob, carol = await self.three()
        self.scene = "alice typed /to bob smith: and a text"
        texts = SECRET, "see http://[::1]:80", "one\ntwo", "x" * 2000
        for text in texts:
            await self.say(alice, f"/to bob smith: {text}")
        public = "/to bob smith", "/tom: hi", "please /to bob smith: hi", "to all"
        public += "/To bob smith: hi", "/to bob\nsmith: hi", "  /to bob smith: hi"
        await self.say(bob, *public)
        await self.reads(carol, *public, who="carol's page")
        for page in (alice, bob):
            await self.reads(page, *texts, *public, who="alice's and bob's page")
        self.requirement(12)
        await self.say(alice, "/to bob smith: first", "/to bob smith: next", "for all")
        for page in (alice, bob):
            await self.reads(page, *texts, *public, "first", "next", "for all")
            for _ in range(2):
                pairs = [(text, "to bob smith") for text in (SECRET, "first", "next")]
                await self.words(page, *pairs, ("for all", ""))
                await page.reload()
                await self.seen(page.get_by_text("for all"), "The page is empty.")
        await self.reads(carol, *public, "for all", who="carol's page")
        self.requirement(14)
        await self.say(alice, "/to bob smith: <b>psst")
        self.scene = "alice typed /to bob smith: <b>psst"
        await self.seen(bob.get_by_text("<b>psst", exact=True), "bob should see it so.")

    @gen_test(timeout=60)
    async def test_13_while_it_waits(self):
        alice, bob, carol = await self.three()
        self.scene = "alice wrote to bob smith while she was offline"
        async with self.line_down(alice):
            await self.say(alice, "/to bob smith: one", sent=False)
            await self.say(bob, "hello")
        await self.reads(bob, "hello", "one", who="bob's page")
        self.scene += ", and before a reload"
        alice.cable.cut(down=True)
        await self.say(alice, "/to bob smith: two", sent=False)
        alice.on("dialog", lambda dialog: dialog.accept())
        alice.cable.down = False
        await alice.reload()
        await self.reads(bob, "hello", "one", "two", who="bob's page")
        self.scene += ", and again, for no answer came"
        await alice.evaluate("ws.onmessage = () => {}; null")
        await self.say(alice, "/to bob smith: three", sent=False)
        await self.reads(bob, "hello", "one", "two", "three", who="bob's page")
        await self.say(bob, "four")
        alice.cable.cut()
        everything = "hello", "one", "two", "three", "four"
        for page in (alice, bob):
            await self.reads(page, *everything, seconds=8)
        self.scene = f"alice typed /to <b>: {SECRET}"
        await self.say(alice, f"/to <b>: {SECRET}", sent=False)
        edit = alice.locator("#pending li:not(:has(b)) button")
        await self.seen(edit, "It is refused: the button Edit should be there.")
        await alice.reload()
        await edit.click()
        typed = await alice.locator("#text").input_value()
        told = f"Edit should bring back what she typed; it brought back {typed!r}."
        self.need(typed == f"/to <b>: {SECRET}", told)
        await self.holds(expect(alice.locator("#pending li")).to_have_count(0), told)
        await self.reads(carol, "hello", "four", who="carol's page")
