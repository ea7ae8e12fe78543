"""The check of exercise 3: taking a message back."""

from tornado.testing import gen_test

from tests.page_support import PageCase, expect
from workshop.exercises.checking import Check


class ServerCheck(Check):
    UNDO = '{"undo": true}'

    async def take_back(self, author, id, *readers):
        """Send an undo; see that everybody gets a line that takes this id back."""
        await author.send(self.UNDO)
        for reader in (author, *readers):
            missing = f'a line with "undo": {id} did not reach everybody within 1 s'
            line = await self.next_line(reader, missing)
            self.assertEqual(line.get("undo"), id, f"{missing}; the next was {line}")
        return line

    async def say(self, author, *texts):
        """Send messages, one after the other, each when the last is in the log."""
        for text in texts:
            await author.send(text)
            await self.next_line(author, f"{text!r} did not come back")

    @gen_test
    async def test_undo_reaches_everybody(self):
        alice, bob = await self.alice.connect(), await self.bob.connect()
        await self.say(alice, "hello", "blunder")
        await self.read_until(lambda line: line["id"] == 2, bob, "bob got no message")
        line = await self.take_back(alice, 2, bob)
        self.assertEqual(line.get("id"), 3, f"the undo has not the next id: {line}")
        self.assertEqual(line.get("name"), "alice", f"the author is missing: {line}")
        await alice.send("next")
        line = await self.next_line(bob, "bob received no message after the undo")
        self.assertEqual(line.get("id"), 4, f"the id after the undo: {line}")
        self.assertNotIn("undo", line, f"this undoes nothing: {line}")

    @gen_test
    async def test_undo_text_gone_after_restart(self):
        alice = await self.alice.connect()
        await self.say(alice, "hello", "blunder")
        await self.take_back(alice, 2)
        self.assertNotIn("blunder", self.database(), "the text is still stored")
        self._app.room.close()
        await self._app.room.open()
        for since in (0, 1, 2):
            bob = await self.bob.connect(f"?since={since}")
            missing = f"the undo is not in the history of ?since={since}"
            lines = await self.read_until(
                lambda line: line.get("undo") == 2, bob, missing
            )
            self.assertNotIn("blunder", str(lines), "the text is still in the history")
            ids = [line["id"] for line in lines]
            self.assertEqual(ids, list(range(since + 1, 4)), "the history has a gap")

    @gen_test
    async def test_undo_again_takes_the_one_before(self):
        alice, bob = await self.alice.connect(), await self.bob.connect("?since=0")
        await self.say(alice, "one", "two")
        await self.read_until(lambda line: line["id"] == 2, bob, "bob got no message")
        await self.take_back(alice, 2, bob)
        await self.take_back(alice, 1, bob)

    @gen_test
    async def test_undo_own_message_only(self):
        alice, bob = await self.alice.connect(), await self.bob.connect()
        await self.say(bob, "bob's")
        await self.next_line(alice, "alice got no message")
        await self.say(alice, "alice's")
        await self.next_line(bob, "bob got no message")
        await self.take_back(bob, 1, alice)
        self.assertIn("alice''s", self.database(), "alice's message is gone, too")

    @gen_test
    async def test_undo_nothing_to_take_back(self):
        alice, bob = await self.alice.connect(), await self.bob.connect()
        await self.say(alice, "hello")
        await self.next_line(bob, "bob got no message")
        await self.refused(bob, "bob, who has said nothing,")
        await self.take_back(alice, 1, bob)
        await self.refused(alice, "alice, who has taken everything back,")

    async def refused(self, author, who):
        await author.send(self.UNDO)
        missing = f"{who} did not receive an error line that says 'take back'"
        line = await self.next_line(author, missing)
        self.assertIn("take back", line.get("error", ""), f"{missing}, but {line}")

    @gen_test
    async def test_undo_then_sent_again_stays_gone(self):
        alice = await self.alice.connect()
        await alice.send("blunder", "k")
        await self.next_line(alice, "alice's message did not come back")
        await self.take_back(alice, 1)
        await alice.send("blunder", "k")  # a page that is not sure sends again
        await alice.send("after")
        lines = await self.read_until(
            lambda line: line.get("msg") == "after", alice, "alice received no message"
        )
        self.assertEqual(len(lines), 1, "the same (name, key) brought the message back")


class PageCheck(PageCase):
    @gen_test(timeout=30)
    async def test_undo_on_all_pages(self):
        alice, bob = await self.sign_in("alice"), await self.sign_in("bob")
        await self.say(bob, "mine")
        await self.say(alice, "hello", "blunder")
        carol = await self.sign_in("carol")
        await self.shows(carol, "mine", "hello", "blunder")
        button = carol.get_by_role("button", name="Take back")
        await expect(button, "carol has no message of her own").to_have_count(0)
        await self.take_back(alice)
        await carol.reload()
        for page in (alice, bob, carol):
            note = page.get_by_text("Message taken back", exact=True)
            missing = "a page does not say 'Message taken back'"
            await expect(note, missing).to_have_count(1, timeout=3000)
            blunder = page.get_by_text("blunder", exact=True)
            await expect(blunder, "a page still shows the text").to_have_count(0)
        await self.take_back(alice)
        note = bob.get_by_text("Message taken back", exact=True)
        missing = "bob's page does not show that alice took back two messages"
        await expect(note, missing).to_have_count(2, timeout=3000)

    async def take_back(self, page):
        button = page.get_by_role("button", name="Take back")
        missing = "there is no one button 'Take back' on alice's page"
        await expect(button, missing).to_have_count(1, timeout=3000)
        await expect(button, missing).to_be_visible(timeout=3000)
        await button.focus()
        await expect(button, "the button cannot have the focus").to_be_focused()
        await page.keyboard.press("Enter")
