"""The check of exercise 1: actions with /me."""

from tornado.testing import gen_test

from tests.page_support import PageCase, expect
from workshop.exercises.checking import Check


class ServerCheck(Check):
    @gen_test
    async def test_action_reaches_everybody(self):
        alice, bob = await self.alice.connect(), await self.bob.connect()
        await alice.send("/me waves", "k")
        for name, connection in (("alice", alice), ("bob", bob)):
            line = await self.next_line(connection, f"{name} received nothing")
            self.assertIs(
                line.get("action"), True, f'{name}\'s line lacks "action": true: {line}'
            )
            self.assertEqual(line["msg"], "waves", f"msg is not 'waves': {line}")
            self.assertEqual(
                (line["name"], line["key"]), ("alice", "k"), f"name or key: {line}"
            )

    @gen_test
    async def test_action_in_history_after_restart(self):
        alice = await self.alice.connect()
        await alice.send("/me waves")
        await self.next_line(alice, "alice received nothing")
        self._app.room.close()
        await self._app.room.open()
        bob = await self.bob.connect("?since=0")
        line = await self.next_line(bob, "bob, a newcomer, received nothing")
        self.assertIs(
            line.get("action"), True, f"the action is none in bob's history: {line}"
        )
        self.assertEqual(line["msg"], "waves", f"msg is not 'waves': {line}")

    @gen_test
    async def test_action_stripped_and_with_line_breaks(self):
        alice = await self.alice.connect()
        await alice.send("  /me waves\nand /me smiles ")
        line = await self.next_line(alice, "alice received nothing")
        self.assertIs(line.get("action"), True, f'"action": true is missing: {line}')
        self.assertEqual(line["msg"], "waves\nand /me smiles", f"msg is wrong: {line}")

    @gen_test
    async def test_other_messages_no_action(self):
        alice = await self.alice.connect()
        texts = ["hello", "/me", "/me ", "/mean", "I say /me waves", "me waves"]
        for text in [*texts, '{"msg": "hello", "action": true}']:
            await alice.send(text)
            line = await self.next_line(alice, f"{text!r} did not come back")
            self.assertNotIn("action", line, f"{text!r} is no action: {line}")
            if text in texts:
                self.assertEqual(line["msg"], text.strip(), f"msg is wrong: {line}")


class PageCheck(PageCase):
    @gen_test(timeout=30)
    async def test_action_one_line_in_italics(self):
        alice, bob = await self.sign_in("alice"), await self.sign_in("bob")
        await self.say(alice, "/me waves <b>", "hello")
        for page in (alice, bob):
            action = page.get_by_text("alice waves <b>", exact=True)
            missing = "the page does not show 'alice waves <b>'"
            await expect(action, missing).to_be_visible(timeout=3000)
            style = await action.evaluate("(e) => getComputedStyle(e).fontStyle")
            self.assertEqual(style, "italic", "the action is not in italics")
            heading = page.locator(".message .heading").first
            await expect(heading, "the action has a heading").to_be_hidden()
        name = bob.locator(".message .name").last
        missing = "the message after the action has no name above it"
        await expect(name, missing).to_be_visible(timeout=3000)
