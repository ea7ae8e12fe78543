"""The check of exercise 3: taking a message back."""

from tornado.testing import gen_test

from tests.page_support import expect
from workshop.exercises.checking import Check, PageCheck

UNDO = {"undo": True}


class UndoCheck(Check):
    kinds = ("undo",)

    async def say(self, author, *texts):
        """Send messages, one after the other, each when the last is in the log."""
        for text in texts:
            await author.send(text)
            await author.until(text)

    async def take_back(self, author, id, *readers):
        """Send an undo; see that everybody gets a line that takes this id back."""
        await author.send(UNDO)
        for reader in (author, *readers):
            line = await reader.gets({"undo": id, "name": author.name, "msg": ""})
        return line


class ServerCheck(UndoCheck):
    @gen_test
    async def test_1_undo_reaches_everybody(self):
        alice, bob = await self.join("alice", "bob")
        await self.say(alice, "hello", "blunder")
        await bob.until("blunder")
        await alice.send(UNDO, 'alice sent hello, blunder and {"undo": true}')
        for reader in (alice, bob):
            await reader.gets(
                {"id": 3, "name": "alice", "msg": "", "key": None, "undo": 2}
            )

    @gen_test
    async def test_2_ids_go_on(self):
        (alice,) = await self.join("alice")
        await alice.send("hello")
        await alice.gets({"id": 1, "msg": "hello"}, without=["undo"])
        await self.take_back(alice, 1)
        await alice.send("next")
        await alice.gets({"id": 3, "msg": "next"}, without=["undo"])

    @gen_test
    async def test_3_again_the_one_before(self):
        (alice,) = await self.join("alice")
        await self.say(alice, "one", "two", "three")
        for id in (3, 2, 1):
            await self.take_back(alice, id)

    @gen_test
    async def test_4_own_message_only(self):
        for one, other in (("alice", "bob"), ("a_b", "axb"), ("50%", "500")):
            mine, others = await self.join(one, other)
            await self.say(mine, f"{one}'s")
            await self.say(others, f"{other}'s")
            await mine.until(f"{other}'s")
            await mine.send(
                UNDO,
                f'{one} said something, then {other} did; {one} sent {{"undo": true}}',
            )
            line = await mine.gets({"name": one, "msg": ""})
            (late,) = await self.join("late", query=f"?since={line['undo'] - 1}")
            self.scene = f"{mine.check.scene} after {one}'s undo"
            await late.gets({"id": line["undo"], "name": one, "msg": ""})
            await late.gets({"name": other, "msg": f"{other}'s"})

    @gen_test
    async def test_5_nothing_to_take_back(self):
        alice, bob = await self.join("alice", "bob")
        await self.say(alice, "hello")
        await bob.until("hello")
        await bob.send(UNDO, 'bob, who has said nothing, sent {"undo": true}')
        await bob.gets_error("take back")
        await self.take_back(alice, 1, bob)
        await alice.send(
            UNDO, "alice, who has taken everything back, sent another undo"
        )
        await alice.gets_error("take back")

    @gen_test
    async def test_6_frames_in_order(self):
        (alice,) = await self.join("alice")
        await alice.send("first")
        await alice.send("blunder")
        await alice.send(UNDO, "alice sent first, blunder and an undo, without waiting")
        lines = [await alice.next() for _ in range(3)]
        undone = [line["undo"] for line in lines if line and "undo" in line]
        self.assertEqual(
            undone,
            [2],
            f"{self.scene}. The undo should take back message 2; "
            f"it took back {undone or 'nothing'}.",
        )

    @gen_test
    async def test_7_message_stays_without_text(self):
        (alice,) = await self.join("alice")
        await alice.send({"msg": "blunder", "key": "k"})
        line = await alice.gets({"msg": "blunder"})
        await self.take_back(alice, 1)
        (bob,) = await self.join("bob")
        self.scene = "alice sent blunder and took it back, then bob connected"
        await bob.gets({**line, "msg": ""}, without=["undo"])
        await bob.gets({"id": 2, "undo": 1, "msg": ""})

    @gen_test
    async def test_7_wherever_one_goes_on(self):
        (alice,) = await self.join("alice")
        await self.say(alice, "hello", "blunder")
        for since in (0, 1):  # so that whatever is kept for these cursors has the text
            (early,) = await self.join("early", query=f"?since={since}")
            await early.until("blunder")
        await self.take_back(alice, 2)
        for since in (0, 1, 2):
            (bob,) = await self.join("bob", query=f"?since={since}")
            self.scene = (
                f"blunder was taken back, then bob came back with since={since}"
            )
            rest = [
                {"id": 1, "msg": "hello"},
                {"id": 2, "msg": ""},
                {"id": 3, "undo": 2},
            ]
            for line in rest[since:]:
                await bob.gets(line)

    @gen_test
    async def test_8_text_not_in_database(self):
        (alice,) = await self.join("alice")
        await self.say(alice, "hello", "blunder")
        await self.take_back(alice, 2)
        await self.stop()
        self.assertNotIn(
            "blunder",
            self.stored(),
            "alice sent blunder and took it back. "
            "The text should not be in chat.db; it is.",
        )

    @gen_test
    async def test_9_restart(self):
        (alice,) = await self.join("alice")
        await self.say(alice, "hello", "blunder")
        await self.take_back(alice, 2)
        await self.restart()
        (alice,) = await self.join("alice")
        self.scene = "alice took a message back, and the chat was started again"
        for line in (
            {"id": 1, "msg": "hello"},
            {"id": 2, "msg": ""},
            {"id": 3, "undo": 2},
        ):
            await alice.gets(line)
        await self.take_back(alice, 1)

    @gen_test
    async def test_10_same_key_again(self):
        (alice,) = await self.join("alice")
        await alice.send({"msg": "blunder", "key": "k"})
        await alice.gets({"msg": "blunder"})
        await self.take_back(alice, 1)
        await alice.send(
            {"msg": "blunder", "key": "k"},
            "alice took a message back, and sent it again with the same key",
        )
        await alice.send("after", self.scene)
        await alice.gets({"id": 3, "msg": "after"})
        (bob,) = await self.join("bob", query="?since=0")
        self.scene = "alice took a message back and sent it again, then bob connected"
        await bob.gets({"id": 1, "msg": ""})

    @gen_test
    async def test_11_only_true_counts(self):
        (alice,) = await self.join("alice")
        await self.say(alice, "hello")
        for value in (False, 17, "true", None):
            await alice.send({"undo": value})
            await alice.gets_error()
        await alice.send({"msg": "and this", **UNDO})
        await alice.gets({"id": 2, "msg": "and this"}, without=["undo"])


class OldLogCheck(UndoCheck):
    old = [("alice", "one"), ("bob", "two")]

    @gen_test
    async def test_12_old_log(self):
        (alice,) = await self.join("alice")
        self.scene = "A chat.db from before holds two messages"
        await alice.gets({"id": 1, "msg": "one"}, without=["undo"])
        await alice.gets({"id": 2, "msg": "two"}, without=["undo"])
        await self.take_back(alice, 1)


class Page(PageCheck):
    def button(self, page):
        return page.get_by_role("button", name="Take back")

    async def take_back(self, page):
        button = self.button(page)
        await self.holds(
            expect(button).to_have_count(1, timeout=3000),
            "alice's page should have one button 'Take back'.",
        )
        await button.click()

    async def notes(self, page, count, where):
        """Wait until a page says so many times that a message was taken back."""
        note = page.get_by_text("Message taken back", exact=True)
        await self.holds(
            expect(note).to_have_count(count, timeout=3000),
            f"alice took back {count} of "
            f"her messages. {where} should say so {count} times; it says so "
            f"{await note.count()} times.",
        )

    @gen_test(timeout=30)
    async def test_13_note_in_place_of_text(self):
        alice, bob = await self.sign_in("alice"), await self.sign_in("bob")
        await self.say(alice, "hello", "blunder")
        await self.take_back(alice)
        for page in (alice, bob):
            await self.notes(page, 1, "Each page")
            await self.unseen(
                page.get_by_text("blunder", exact=True),
                "alice took blunder back. A page still shows it.",
            )
        await bob.reload()
        await self.notes(bob, 1, "bob's page, loaded again,")

    @gen_test(timeout=30)
    async def test_14_button_on_own_last_message(self):
        alice, bob = await self.sign_in("alice"), await self.sign_in("bob")
        await self.say(alice, "one", "two")
        await self.say(bob, "three")
        carol = await self.sign_in("carol")
        for page, name, count in (
            (carol, "carol", 0),
            (bob, "bob", 1),
            (alice, "alice", 1),
        ):
            await self.seen(
                page.get_by_text("three", exact=True), "A page lacks three."
            )
            await self.holds(
                expect(self.button(page)).to_have_count(count, timeout=3000),
                "alice sent one and two, bob sent three. The page of "
                f"{name} should have {count} buttons 'Take back'; it has "
                f"{await self.button(page).count()}.",
            )
        button = self.button(alice)
        await button.focus()
        await self.holds(
            expect(button).to_be_focused(timeout=500),
            "The keyboard should reach the button 'Take back'; it does not.",
        )
        await alice.keyboard.press("Enter")
        await self.unseen(
            bob.get_by_text("two", exact=True),
            "alice's button was on another message than her last one.",
        )
        await self.seen(bob.get_by_text("one", exact=True), "Only two should be gone.")

    @gen_test(timeout=30)
    async def test_15_then_the_message_before(self):
        alice, bob = await self.sign_in("alice"), await self.sign_in("bob")
        await self.say(alice, "one", "two")
        await self.take_back(alice)
        await self.notes(bob, 1, "bob's page")
        await self.take_back(alice)
        await self.notes(bob, 2, "bob's page")
        await self.holds(
            expect(self.button(alice)).to_have_count(0, timeout=3000),
            "alice has taken everything back. There should be no button.",
        )


class OldPage(PageCheck):
    old = [("alice", "long ago"), *(("bob", f"m{n}") for n in range(60))]

    @gen_test(timeout=30)
    async def test_16_message_not_on_the_page(self):
        bob = await self.sign_in("bob")
        await self.shows(bob, *(f"m{n}" for n in range(10, 60)))
        alice = await self.visitor().sign_in("alice").connect("?since=61")
        await alice.ws.write_message('{"undo": true}')
        self.scene = "alice took back a message from long ago, which bob's page had not"
        await alice.line()
        await self.say(bob, "next")
        await self.seen(
            bob.get_by_text("next", exact=True),
            f"{self.scene}. It should show the next message; it does not.",
        )
