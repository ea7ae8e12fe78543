"""The check of exercise 4: older messages."""

from tornado.testing import gen_test

from tests.page_support import expect
from workshop.exercises.checking import SECONDS, Check, PageCheck, show


def messages(first, last):
    return [("bob", f"m{number}") for number in range(first, last + 1)]


class ServerCheck(Check):
    kinds = ("old",)
    old = messages(1, 120)

    async def arrive(self, *names):
        """Connect people behind the end of the log."""
        return await self.join(*names, query="?since=120")

    async def ask(self, seat, before):
        """Ask for what is older; return the lines of the frame that answers."""
        await seat.send({"before": before})
        first = await seat.next()
        self.assertTrue(
            first,
            f"{self.scene}. {seat.name} should get an answer; nothing "
            f"came within {SECONDS} s.",
        )
        rest, seat.socket.lines = list(seat.socket.lines), type(seat.socket.lines)()
        return [first, *filter(self.concerns, rest)]

    async def brings(self, seat, before, first, last):
        """Ask, and compare the ids of the answer."""
        lines = await self.ask(seat, before)
        ids = [line.get("id") for line in lines]
        came = show(lines[0]) + (f" and {len(ids) - 1} more lines" if ids[1:] else "")
        self.assertEqual(
            ids,
            list(range(first, last + 1)),
            f"{self.scene}. One frame with "
            f"the messages {first} to {last} should come; {came} came.",
        )
        return lines

    @gen_test
    async def test_1_fifty_in_one_frame(self):
        (alice,) = await self.arrive("alice")
        await self.brings(alice, 71, 21, 70)

    @gen_test
    async def test_2_lines_of_the_log_marked(self):
        (alice,) = await self.arrive("alice")
        lines = await self.ask(alice, 71)
        wanted = {
            "id": 21,
            "at": 1764000020.0,
            "name": "bob",
            "msg": "m21",
            "key": None,
            "old": True,
        }
        self.assertEqual(
            lines[0],
            wanted,
            f"{self.scene}. The first line should be "
            f"{show(wanted)}; {show(lines[0])} came.",
        )
        unmarked = [line for line in lines if line.get("old") is not True]
        self.assertEqual(
            unmarked,
            [],
            f'{self.scene}. Each line should have "old": true; '
            f"{len(unmarked)} had not.",
        )

    @gen_test
    async def test_3_fewer_at_the_beginning(self):
        (alice,) = await self.arrive("alice")
        await self.brings(alice, 21, 1, 20)
        await self.brings(alice, 2, 1, 1)

    @gen_test
    async def test_4_nothing_older(self):
        (alice,) = await self.arrive("alice")
        lines = await self.ask(alice, 1)
        wanted = {"old": True, "id": 0}
        self.assertEqual(
            lines,
            [wanted],
            f"{self.scene}. The answer should be "
            f"{show(wanted)}; it was {show(lines[0])}.",
        )

    @gen_test
    async def test_5_any_id(self):
        (alice,) = await self.arrive("alice")
        await self.brings(alice, 999_999, 71, 120)
        await self.brings(alice, 10**15 - 1, 71, 120)

    @gen_test
    async def test_6_bad_refused(self):
        (alice,) = await self.arrive("alice")
        for before in (0, -1, 1.5, "51", True, [51], None, 10**15, 10**30):
            await alice.send({"before": before})
            await alice.gets_error()
        await self.brings(alice, 3, 1, 2)

    @gen_test
    async def test_7_message_with_before(self):
        (alice,) = await self.arrive("alice")
        await alice.send({"msg": "hello", "before": 71})
        await alice.gets({"id": 121, "msg": "hello"}, without=["old"])
        await alice.send("next", self.scene)
        await alice.gets({"id": 122, "msg": "next"}, without=["old"])

    @gen_test
    async def test_8_nobody_else(self):
        alice, bob = await self.arrive("alice", "bob")
        tab = await self.seat("alice", "?since=120")
        await self.brings(alice, 71, 21, 70)
        await alice.send("now", f"{self.scene} and got her answer, then sent now")
        for other in (bob, tab):
            await other.gets({"id": 121, "msg": "now"}, without=["old"])

    @gen_test
    async def test_9_new_messages_meanwhile(self):
        alice, bob = await self.arrive("alice", "bob")
        for number in range(4):
            await bob.send(f"new {number}")
            await alice.send(
                {"before": 125},
                "bob wrote four messages, and after each of "
                'them alice asked for {"before": 125}',
            )
        await bob.send("last", self.scene)
        lines = await alice.until("last")
        new = [line["id"] for line in lines if "old" not in line]
        self.assertEqual(
            new,
            [121, 122, 123, 124],
            f"{self.scene}. The messages 121 to "
            f"124 should come once each, not marked; these came: {new}.",
        )
        (carol,) = await self.join("carol", query="?since=119")
        await carol.gets({"id": 120, "msg": "m120"}, without=["old"])


class OldPages(PageCheck):
    async def arrive(self):
        """Open the page, and note what it asks for."""
        page = await self.new_page()
        self.asked = []

        def note(frame):
            if '"before"' in str(frame):
                self.asked.append(frame)

        page.on("websocket", lambda ws: ws.on("framesent", note))
        await page.goto("/")
        await page.get_by_label("Your nickname").fill("alice")
        await page.get_by_label("Your nickname").press("Enter")
        await self.has(page, 50)
        await expect(page.locator("#log[aria-live=polite]")).to_be_attached()
        return page

    async def has(self, page, count, seconds=3):
        """Wait until the page shows so many messages, the last ones, in order."""
        shown = page.locator("#messages .msg")
        await self.holds(
            expect(shown).to_have_count(count, timeout=seconds * 1000),
            f"{self.scene}. "
            f"The page should show {count} messages; it shows {await shown.count()}.",
        )
        last = len(self.old)
        wanted = [f"m{number}" for number in range(last + 1 - count, last + 1)]
        self.assertEqual(
            await shown.all_text_contents(),
            wanted,
            f"{self.scene}. Older "
            "messages should stand above the others, all in order.",
        )

    async def scroll_up(self, page):
        self.scene = "alice scrolled to the top"
        await page.evaluate("scroller.scrollTop = 200")
        await page.evaluate("new Promise(requestAnimationFrame)")
        await page.evaluate("scroller.scrollTop = 0")
        await page.evaluate("new Promise(requestAnimationFrame)")


class Page(OldPages):
    old = messages(1, 120)

    @gen_test(timeout=30)
    async def test_10_older_above(self):
        page = await self.arrive()
        await self.scroll_up(page)
        await self.has(page, 100)
        await self.scroll_up(page)
        await self.has(page, 120)

    @gen_test(timeout=30)
    async def test_11_what_is_read_stays(self):
        page = await self.arrive()
        reading = page.get_by_text("m75", exact=True)
        before = await reading.evaluate(
            "(e) => { scroller.scrollTop = 0; return e.getBoundingClientRect().top; }"
        )
        self.scene = "alice scrolled to the top"
        await self.has(page, 100)
        after = await reading.evaluate("(e) => e.getBoundingClientRect().top")
        self.assertLess(
            abs(after - before),
            3,
            f"{self.scene}. What she reads should stay "
            f"where it is; it moved by {after - before:.0f} pixels.",
        )

    @gen_test(timeout=30)
    async def test_12_stops_at_the_beginning(self):
        page = await self.arrive()
        for count in (100, 120, 120, 120, 120):
            await self.scroll_up(page)
            await self.has(page, count)
        self.assertLessEqual(
            len(self.asked),
            3,
            "alice scrolled to the top five times. Of "
            "120 messages the page needs to ask at most three times; it "
            f"asked {len(self.asked)} times.",
        )

    @gen_test(timeout=30)
    async def test_13_no_news(self):
        page = await self.arrive()
        await page.evaluate(
            "Object.defineProperty(document, 'hidden', { get: () => true }); null"
        )
        await self.scroll_up(page)
        await self.has(page, 100)
        await self.unseen(
            page.get_by_role("button", name="New messages"),
            f"{self.scene}. Older messages came, and the page says New messages.",
            0.1,
        )
        title = await page.title()
        self.assertEqual(
            title,
            "Chat",
            f"{self.scene}. Older messages came, and the title "
            f"counts them as unread: {title}.",
        )

    @gen_test(timeout=30)
    async def test_14_after_a_broken_connection(self):
        page = await self.arrive()
        await self.scroll_up(page)
        await self.has(page, 100)
        await page.evaluate("ws.close()")
        await expect(page.locator("#status.online")).to_have_count(0)
        await expect(page.locator("#status.online")).to_have_count(1)
        await self.scroll_up(page)
        self.scene += " again, after her connection had been broken"
        await self.has(page, 120)


class LongPage(OldPages):
    old = messages(1, 600)

    @gen_test(timeout=60)
    async def test_15_back_to_the_first(self):
        page = await self.arrive()
        for count in range(100, 601, 50):
            await self.scroll_up(page)
            await self.has(page, count)
