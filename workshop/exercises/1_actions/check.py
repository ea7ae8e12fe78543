"""The check of exercise 1: actions with /me."""

from tornado.testing import gen_test

from workshop.exercises.checking import Check, PageCheck

WAVES = {"name": "alice", "msg": "waves", "action": True}


class ServerCheck(Check):
    @gen_test
    async def test_1_action_reaches_everybody(self):
        alice, bob = await self.join("alice", "bob")
        await alice.send("/me waves")
        await bob.gets(WAVES)
        await alice.gets(WAVES)

    @gen_test
    async def test_2_line_complete(self):
        alice, bob = await self.join("alice", "bob")
        await bob.send("hello")
        hello = await alice.gets({"msg": "hello"})
        await alice.send({"msg": "/me waves", "key": "k"})
        line = await alice.gets({"id": hello["id"] + 1, "key": "k", **WAVES})
        self.assertIsInstance(
            line.get("at"),
            float,
            f'{self.scene}. "at" should be a time, as in {hello}.',
        )

    @gen_test
    async def test_3_first_me_alone_goes(self):
        (alice,) = await self.join("alice")
        await alice.send("  /me waves\nand /me smiles ")
        await alice.gets({"msg": "waves\nand /me smiles", "action": True})

    @gen_test
    async def test_4_other_messages(self):
        (alice,) = await self.join("alice")
        for text in ("hello", "/me", "/me ", "/mean", "/ME waves", "I say /me waves"):
            await alice.send(text)
            await alice.gets({"msg": text.strip()}, without=["action"])

    @gen_test
    async def test_5_client_cannot_say_so(self):
        (alice,) = await self.join("alice")
        await alice.send({"msg": "hello", "action": True})
        await alice.gets({"msg": "hello"}, without=["action"])

    @gen_test
    async def test_6_history(self):
        (alice,) = await self.join("alice")
        await alice.send("/me waves")
        await alice.gets(WAVES)
        (bob,) = await self.join("bob")
        await bob.gets(WAVES)
        await self.restart()
        scene = self.scene
        (carol,) = await self.join("carol")
        self.scene = f"{scene}, and carol connected"
        await carol.gets(WAVES)


class OldLogCheck(Check):
    old = [("alice", "/me waves"), ("alice", "hello")]

    @gen_test
    async def test_7_old_log(self):
        (bob,) = await self.join("bob")
        self.scene = "A chat.db from before holds alice's message /me waves"
        await bob.gets(WAVES)
        await bob.gets({"msg": "hello"}, without=["action"])

    @gen_test
    async def test_7_log_as_typed(self):
        (bob,) = await self.join("bob")
        await bob.send("/me nods")
        await bob.until("nods")
        await self.stop()
        self.assertIn(
            "'/me nods'",
            self.stored(),
            "bob sent /me nods. chat.db should "
            "hold what he typed, with the /me; it does not.",
        )


class Page(PageCheck):
    @gen_test(timeout=30)
    async def test_8_shown_as_name_and_text(self):
        alice, bob = await self.sign_in("alice"), await self.sign_in("bob")
        await self.say(alice, "/me waves")
        for page, name in ((alice, "alice"), (bob, "bob")):
            await self.seen(
                page.get_by_text("alice waves", exact=True),
                "alice sent /me waves. No "
                f'element of {name}\'s page has the text "alice waves".',
            )

    @gen_test(timeout=30)
    async def test_9_italics(self):
        alice = await self.sign_in("alice")
        await self.say(alice, "/me waves")
        action = alice.get_by_text("alice waves", exact=True)
        style = await action.evaluate("(e) => getComputedStyle(e).fontStyle")
        self.assertEqual(
            style,
            "italic",
            'alice sent /me waves. "alice waves" should be '
            f"in italics; its font-style is {style}.",
        )

    @gen_test(timeout=30)
    async def test_10_no_heading(self):
        alice, bob = await self.sign_in("alice"), await self.sign_in("bob")
        await self.say(alice, "/me waves")
        for page, name in ((alice, "alice"), (bob, "bob")):
            await self.seen(page.get_by_text("alice waves", exact=True), "")
            log = page.get_by_role("log")
            shown = (await log.inner_text()).replace("alice waves", "")
            for heading, words in (("alice", "her name"), (":", "the time")):
                self.assertNotIn(
                    heading,
                    shown,
                    f"alice sent /me waves. On {name}'s page there should "
                    f"be no heading above it; {words} is there.",
                )

    @gen_test(timeout=30)
    async def test_11_heading_after_it(self):
        alice, bob = await self.sign_in("alice"), await self.sign_in("bob")
        await self.say(alice, "/me waves", "hello")
        await self.seen(
            bob.get_by_text("hello", exact=True),
            "alice sent /me waves, then hello. bob's page shows no hello.",
        )
        heading = bob.get_by_role("log").get_by_text("alice", exact=True).last
        await self.seen(
            heading,
            "alice sent /me waves, then hello. On bob's page her "
            "name should stand above hello; it does not.",
        )

    @gen_test(timeout=30)
    async def test_12_text_is_text(self):
        alice = await self.sign_in("alice")
        await self.say(alice, "/me waves <b>")
        await self.seen(
            alice.get_by_text("alice waves <b>", exact=True),
            "alice sent /me waves <b>. The page should show alice waves <b>.",
        )
