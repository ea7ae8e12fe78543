"""The check of exercise 4: older messages."""

from tornado.testing import gen_test

from tests.page_support import PageCase, expect
from workshop.exercises.checking import Check


class ServerCheck(Check):
    async def arrive(self, browser):
        """Connect to a room of 120 messages and read the last 50."""
        if not self._app.room.end:
            await self.fill(120)
        connection = await browser.connect()
        await connection.read(50)
        return connection

    async def ask(self, connection, before):
        """Ask for what is older; return the lines of the one frame that answers."""
        await connection.ws.write_message({"before": before})
        return await self.frame(connection, f'answer to {{"before": {before}}}')

    @gen_test
    async def test_older_in_one_frame(self):
        alice = await self.arrive(self.alice)
        lines = await self.ask(alice, 71)
        ids = [line.get("id") for line in lines]
        self.assertTrue(
            ids == list(range(21, 71)),
            '{"before": 71} must be answered by one frame with the messages 21 to 70; '
            f"it was answered by {lines[0]} and {len(lines) - 1} more lines",
        )
        old = {"id": 21, "name": "bob", "msg": "m21", "key": None, "old": True, "at": 0}
        self.assertEqual({**lines[0], "at": 0}, old, f"message 21 is {lines[0]}")
        self.assertIn("at", lines[0], "an older message has its time of day, too")
        self.assertTrue(
            all(line.get("old") is True for line in lines),
            'not every line of the answer has "old": true',
        )

    @gen_test
    async def test_older_until_the_beginning(self):
        alice = await self.arrive(self.alice)
        lines = await self.ask(alice, 21)
        self.assertTrue(
            [line.get("id") for line in lines] == list(range(1, 21)),
            f'{{"before": 21}} must bring the messages 1 to 20; it brought {lines[0]}',
        )
        self.assertEqual(
            await self.ask(alice, 1),
            [{"old": True, "id": 0}],
            'the answer to {"before": 1} must be {"old": true, "id": 0}',
        )

    @gen_test
    async def test_before_bad_refused(self):
        alice = await self.arrive(self.alice)
        for before in (0, -1, 1.5, "51", True, [51], {}, 10**15, 10**30):
            line = (await self.ask(alice, before))[0]
            self.assertIn(
                "error", line, f'{{"before": {before}}} must be an error, not {line}'
            )
        lines = await self.ask(alice, 3)
        self.assertTrue(
            [line.get("id") for line in lines] == [1, 2],
            f'then {{"before": 3}} must be answered as usual; it brought {lines[0]}',
        )

    @gen_test
    async def test_others_get_nothing(self):
        alice, bob = await self.arrive(self.alice), await self.arrive(self.bob)
        lines = await self.ask(alice, 71)
        self.assertEqual(
            len(lines), 50, f'{{"before": 71}} must bring 50 messages, not {lines[0]}'
        )
        await alice.send("now")
        line = await self.line(bob, "message of alice")
        self.assertEqual(
            (line.get("id"), line.get("msg")),
            (121, "now"),
            "what alice asked for must be neither sent to bob nor stored in the log, "
            f"but the next line for bob is {line}",
        )

    @gen_test
    async def test_new_messages_meanwhile(self):
        alice, bob = await self.arrive(self.alice), await self.arrive(self.bob)
        frames = [{"before": 71}, {"before": 71}, {"before": 21}, {"before": 121}]
        for number, frame in enumerate(frames):
            await bob.send(f"new {number}")
            await alice.ws.write_message(frame)
        old, new = [], []
        while len(old) < 4 * 50 - 30 or len(new) < 4:
            for line in await self.frame(alice, "line that is still missing"):
                self.assertIn("id", line, f"there came no message, but {line}")
                (old if line.get("old") else new).append(line["id"])
        self.assertEqual(
            new,
            [121, 122, 123, 124],
            "the messages 121 to 124 came while alice asked, and must come once each; "
            f"there came {new}",
        )


class PageCheck(PageCase):
    longMessage = False

    async def arrive(self):
        """Open the page in a room of 120 messages, and count what it asks for."""
        await self.post(*(f"m{number}" for number in range(1, 121)))
        page = await self.new_page()
        self.asked = []

        def note(frame):
            if "before" in str(frame):
                self.asked.append(frame)

        page.on("websocket", lambda ws: ws.on("framesent", note))
        await page.goto("/")
        await page.get_by_label("Your nickname").fill("alice")
        await page.get_by_label("Your nickname").press("Enter")
        await expect(page.locator("#messages .msg")).to_have_count(50)
        await expect(page.locator("#log[aria-live=polite]")).to_be_attached()
        return page

    async def scroll_up(self, page, first, count):
        """Scroll up; the message that is read must stay where it is meanwhile."""
        reading = page.get_by_text(f"m{first + 3}", exact=True)
        before = await reading.evaluate(
            "(e) => { scroller.scrollTop = 0; return e.getBoundingClientRect().top; }"
        )
        messages = page.locator("#messages .msg")
        await expect(
            messages, f"scrolled to the top, the page must show {count} messages"
        ).to_have_count(count, timeout=2000)
        self.assertEqual(
            await messages.all_text_contents(),
            [f"m{number}" for number in range(121 - count, 121)],
            "the older messages must stand above the others, in their order",
        )
        self.assertAlmostEqual(
            await reading.evaluate("(e) => e.getBoundingClientRect().top"),
            before,
            delta=2,
            msg="what is being read must stay where it is when older messages come",
        )

    @gen_test(timeout=30)
    async def test_page_older_messages_above(self):
        page = await self.arrive()
        await self.scroll_up(page, 71, 100)
        await self.scroll_up(page, 21, 120)
        for _ in range(5):
            await page.evaluate("scroller.scrollTop = 200")
            await page.evaluate("new Promise(requestAnimationFrame)")
            await page.evaluate("scroller.scrollTop = 0")
            await page.evaluate("new Promise(requestAnimationFrame)")
        await page.evaluate("scroller.scrollTop = 200")
        await self.post("news")
        await expect(page.locator("#newer"), "there is news below").to_be_visible()
        await expect(page.locator("#messages .msg")).to_have_count(121)
        self.assertLessEqual(
            len(self.asked),
            3,
            "at the beginning the page must not ask again and again",
        )
