"""The check of exercise 4: older messages."""

import json
import re

from tornado.testing import gen_test

from workshop.exercises import checking
from workshop.exercises.checking import LONG, VALUES, Check, PageCheck, numbered, show

NOTHING = {"old": True, "id": 0}


class OlderCheck(Check):
    kinds = ("old",)

    async def arrive(self, *names):
        """Connect people behind the end of the log."""
        return await self.join(*names, query=f"?since={len(self.old)}")

    async def ask(self, seat, before):
        """Ask for what is older; return the lines of the frame that answers."""
        await seat.send({"before": before})
        first = await seat.next()
        self.need(first, f"{seat.name} should get an answer at once; nothing came.")
        rest = [json.loads(text) for text in seat.socket.lines]
        seat.socket.lines.clear()
        return [first, *filter(self.concerns, rest)]

    async def brings(self, seat, before, first, last):
        """Ask, and compare the ids of the answer."""
        lines = await self.ask(seat, before)
        ids = [line.get("id") for line in lines]
        came = show(lines[0]) + (f" and {len(ids) - 1} more lines" if ids[1:] else "")
        told = f"One frame with {first} to {last} should come; {came} came."
        self.need(ids == list(range(first, last + 1)), told)
        return lines


class ServerCheck(OlderCheck):
    old = numbered(120)

    @gen_test(timeout=30)
    async def test_1_older(self):
        (alice,) = await self.arrive("alice")
        lines = await self.brings(alice, 71, 21, 70)
        self.requirement(2)
        log = {"name": "bob", "msg": "m21", "key": None, "old": True}
        log |= {"id": 21, "at": checking.BEGIN + 20.0}
        self.need(lines[0] == log, show(lines[0]))
        rest = [line for line in lines if line.get("old") is not True or line["key"]]
        self.need(not rest, f'Each line should have "old": true; {len(rest)} had not.')
        self.requirement(3)
        for before, first, last in ((51, 1, 50), (50, 1, 49), (21, 1, 20), (2, 1, 1)):
            await self.brings(alice, before, first, last)
        self.requirement(4)
        lines = await self.ask(alice, 1)
        told = f"The answer should be {show(NOTHING)}; it was {show(lines[0])}."
        self.need(lines == [NOTHING], told)
        self.requirement(5)
        for before in (121, 999_999, 10**15 - 1):
            await self.brings(alice, before, 71, 120)
        await alice.send({"msg": "\N{GRINNING FACE} new", "key": "k"})
        line = await alice.gets({"id": 121})
        lines = await self.brings(alice, 999_999, 72, 121)
        self.requirement(2)
        self.need(lines[-1] == {**line, "old": True}, f"The last is {show(lines[-1])}.")

    @gen_test(timeout=30)
    async def test_6_values(self):
        alice, bob = await self.arrive("alice", "bob")
        values = [*VALUES, "51", [51], 10**15, 2**63, -(10**30), 51.0, 1e300]
        good = [value for value in values if type(value) is int and 0 < value < 10**15]
        self.assertEqual(good, [])
        await alice.refuses("before", values, bob)
        for number in ("NaN", "Infinity", "1e2"):
            await alice.send(f'{{"before": {number}}}')
            await alice.gets_error()
        await self.brings(alice, 3, 1, 2)
        self.requirement(7)
        for msg in ("", None):
            await alice.send({"msg": msg, "before": 7})
            await alice.gets_error()
        for before in (71, "x"):
            await alice.send({"msg": "hello", "before": before})
            await alice.gets({"msg": "hello"}, without=["old"])
        await alice.send("next", self.scene)
        await alice.gets({"id": 124, "msg": "next"}, without=["old"])

    @gen_test(timeout=30)
    async def test_8_nobody_else(self):
        alice, bob, tab = await self.arrive("alice", "bob", "alice")
        await self.brings(alice, 71, 21, 70)
        await alice.send("now", f"{self.scene} and got her answer, then sent now")
        for other in (bob, tab, alice):
            await other.gets({"id": 121, "msg": "now"}, without=["old"])
        self.requirement(9)
        for number in range(4):
            told = "bob wrote four messages; after each alice asked for what is older"
            await bob.send(f"new {number}", told)
            await alice.send({"before": 125}, told)
        await bob.send("last", told)
        new = [line["id"] for line in await alice.until("last") if "old" not in line]
        told = f"The messages 122 to 125 should come once each, not marked; not {new}."
        self.need(new == [122, 123, 124, 125], told)
        for seat, before in ((alice, 71), (bob, 61), (alice, 21)):
            told = "alice and bob asked at the same moment"
            await seat.send({"before": before}, told)
        for seat, first, count in ((alice, 21, 50), (bob, 11, 50), (alice, 1, 20)):
            line = await seat.next()
            while line and line["id"] > 120:  # what bob has not read yet
                line = await seat.next()
            ids = [line["id"], *[(await seat.next())["id"] for _ in range(count - 1)]]
            wanted = list(range(first, first + count))
            self.need(ids == wanted, f"{seat.name} should get {wanted}, not {ids}.")
        (carol,) = await self.join("carol", query="?since=119")
        await carol.gets({"id": 120, "msg": "m120"}, without=["old"])
        for since in (21, 70):
            (dora,) = await self.join("dora", query=f"?since={since}")
            await dora.gets({"id": since + 1}, without=["old"])


class LongCheck(OlderCheck):
    old = LONG

    @gen_test(timeout=30)
    async def test_1_long(self):
        alice, bob = await self.arrive("alice", "bob")
        lines = await self.brings(alice, 71, 21, 70)
        texts = {line["msg"] for line in lines}
        self.need(texts == {LONG[0][1]}, "Their texts differ.")
        self.requirement(9)
        await bob.send("hello")
        await alice.gets({"id": 151, "msg": "hello"}, without=["old"])
        (carol,) = await self.join("carol", query="?since=0")
        told = "carol asked while the whole log was on its way"
        await carol.send({"before": 151}, told)
        lines = await carol.until("hello", seconds=5)
        ids = [
            [line["id"] for line in lines if ("old" in line) == old] for old in (0, 1)
        ]
        told = "She should get all 150 once, in order, and 50 of them marked."
        self.need(ids[0] == [*range(1, 151)] and ids[1] == [*range(101, 151)], told)
        self.requirement(8)
        self.need("before" not in self.stored(), "Nothing should be stored.")


class EmptyCheck(OlderCheck):
    @gen_test(timeout=30)
    async def test_4_empty_log(self):
        (alice,) = await self.arrive("alice")
        for before in (1, 2, 999):
            lines = await self.ask(alice, before)
            self.need(lines == [NOTHING], f"In an empty log, {show(lines[0])} came.")


class OldPages(PageCheck):
    async def arrive(self):
        self.more = []  # the texts of messages that came since
        page = await self.sign_in("alice", timezone_id="UTC")
        await self.has(page, 50)
        await self.holds_polite(page)
        return page

    async def holds_polite(self, page):
        """Wait until what comes is news."""
        await self.seen(page.locator("#log[aria-live=polite]"), "It is not online.")

    async def has(self, page, count, seconds=3):
        """Wait until the page shows so many messages, the last ones, in order."""
        last = len(self.old)
        wanted = [f"m{number}" for number in range(last + 1 - count, last + 1)]
        await self.reads(page, *wanted, *self.more, seconds=seconds)

    async def scroll(self, page, top, scene="alice scrolled to the top"):
        self.scene = scene
        await page.evaluate(
            """async (top) => { for (const place of [200, top]) {
              scroller.scrollTop = place; await new Promise(requestAnimationFrame);
              for (let n = 0; n < 3; n++) scroller.dispatchEvent(new Event("scroll"));
            } }""",
            top,
        )

    async def say_elsewhere(self, text):
        """Let bob say something, who has no page."""
        scene = self.scene
        bob = await self.seat("bob", f"?since={len(self.old)}")
        await bob.send(text, scene)
        await bob.until(text)
        self.more.append(text)


class Page(OldPages):
    old, spacing = numbered(120), 1660  # seconds: m71 is the first of its day
    old[29] = "alice", "m30"

    @gen_test(timeout=60)
    async def test_10_page(self):
        page = await self.arrive()
        await self.say_elsewhere("new")
        await self.has(page, 50)
        self.scene = "alice scrolled to the top"
        reading = page.get_by_text("m75", exact=True)
        before = await reading.evaluate(
            "(e) => { scroller.scrollTop = 0; return e.getBoundingClientRect().top; }"
        )
        await self.has(page, 100)
        self.requirement(11)
        after = await reading.evaluate("(e) => e.getBoundingClientRect().top")
        moved = abs(after - before)
        told = f"What she reads should stay where it is; it moved by {moved:.0f} px."
        self.need(moved < 3, told)
        self.requirement(13)
        newer = await page.locator("#newer").text_content()
        title, mark = await page.title(), await page.locator(".mark").count()
        quiet = title == "Chat" and not re.search(r"\d", newer) and not mark
        told = f"Nothing is new; there is {title}, {newer}, and {mark} marks."
        self.need(quiet, told)
        self.requirement(10)
        await self.scroll(page, 0)
        await self.has(page, 120)
        await self.say_elsewhere("newer")
        await self.has(page, 120)
        _, lines = await self.lines(page)
        told = "alice" in str(lines) and "Her own m30 should stand without her name."
        self.need(not told, told)
        days = [line for line in lines if re.search(r"\d{4}", line)]
        told = f"There should be one line for each day: {days}."
        self.need(len(set(days)) == len(days) >= 3, told)
        self.need(lines[0] == days[0], f"A day should stand first, not {lines[0]}.")
        for day in days:
            below = lines[lines.index(day) + 1 :]
            self.need(re.match(r"bob \d", below[0]), f"Under {day} stands {below[0]}.")
        self.requirement(12)
        for _ in range(5):
            await self.scroll(page, 0, "alice scrolled to the top five times more")
            await self.has(page, 120)
        count = len(page.sent)
        told = f"For 120 messages three questions are enough; it asked {count}."
        self.need(count <= 3 and len(set(page.sent)) == count, told)
        problem = await page.locator("#problem").text_content()
        self.need(not problem, f"The page complains: {problem}")

    @gen_test(timeout=60)
    async def test_13_page(self):
        page = await self.arrive()
        hide = "Object.defineProperty(document, 'hidden', { get: () => true }); null"
        await page.evaluate(hide)
        await self.scroll(page, 0, "alice scrolled to the top, and went to another tab")
        await self.has(page, 100)
        title = await page.title()
        self.need(title == "Chat", f"The title counts what is older: {title}.")
        self.requirement(14)
        page.sent.clear()
        self.scene = "alice asked for what is older, and her line broke"
        await page.evaluate("""() => { const send = ws.send.bind(ws);
            ws.send = (frame) => /before/.test(frame) || send(frame); }""")
        await self.scroll(page, 0, self.scene)
        async with self.line_down(page):
            await self.scroll(page, 0, f"{self.scene}, and she scrolled up offline")
            await self.say_elsewhere("new")
        self.scene += ". Then it was back"
        await self.has(page, 100, seconds=5)
        await self.scroll(page, 0, self.scene + ", and she scrolled up again")
        await self.has(page, 120)
        self.scene = "The server let her page begin anew"
        await page.evaluate("ws.onclose({ code: 1012 }); ws.close(); null")
        await self.has(page, 49, seconds=8)
        await self.scroll(page, 0, "alice's page began anew, and she scrolled up")
        await self.has(page, 99)


class LongPage(OldPages):
    old = numbered(600)

    @gen_test(timeout=60)
    async def test_15_back_to_the_first(self):
        page = await self.arrive()
        for count in range(100, 601, 50):
            await self.scroll(page, 0)
            await self.has(page, count)
        self.scene = "alice had scrolled to the first, and then down to the last"
        await page.evaluate("scroller.scrollTop = scroller.scrollHeight; null")
        await page.evaluate("new Promise(requestAnimationFrame)")
        await self.say_elsewhere("new")
        await self.seen(page.get_by_text("new", exact=True), "She should see new.")
        shown = await page.locator("#messages .msg").count()
        for _ in range(4):
            await self.scroll(page, 0, f"{self.scene}, and up again")
            if shown - 1 < 600:
                shown = min(601, shown + 50)
            await self.has(page, shown - 1)
