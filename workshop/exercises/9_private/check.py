"""The check of exercise 9: private messages."""

import json
import sqlite3
from unittest import mock

from tornado.testing import gen_test

from tests.page_support import expect
from workshop.exercises.checking import Check, PageCheck, show

SECRET = "swordfish"
PRIVATE = {"name": "alice", "msg": SECRET, "to": "bob"}


class PrivateCheck(Check):
    def setUp(self):
        """Count how often the program reads the log."""
        self.selects = []
        connect = sqlite3.connect

        def connect_and_count(*arguments, **options):
            db = connect(*arguments, **options)
            db.set_trace_callback(self.count)
            return db

        patch = mock.patch.object(sqlite3, "connect", connect_and_count)
        patch.start()
        self.addCleanup(patch.stop)
        super().setUp()

    def count(self, statement):
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            self.selects.append(statement)

    async def assert_unheard(self, seat, msg):
        """Read on to a message to all; no word of the private one may come before."""
        lines = [line for line in await seat.until(msg) if SECRET in str(line)]
        self.assertFalse(
            lines,
            f"{self.scene}. {seat.name} should get no byte of it; "
            f"{show(lines[0]) if lines else ''} came.",
        )


class ServerCheck(PrivateCheck):
    @gen_test
    async def test_1_to_one_person(self):
        alice, bob, carol = await self.join("alice", "bob", "carol")
        tab = await self.seat("bob")
        own = await self.seat("alice")
        await alice.send({"msg": SECRET, "to": "bob"})
        for seat in (bob, alice, tab, own):
            await seat.gets({"id": 1, "key": None, **PRIVATE})
        scene = self.scene
        await alice.send("to all")
        self.scene = scene
        await self.assert_unheard(carol, "to all")

    @gen_test
    async def test_2_messages_to_all(self):
        alice, bob, carol = await self.join("alice", "bob", "carol")
        for number in range(3):
            await alice.send({"msg": SECRET, "to": "bob"})
            await carol.send(
                f"m{number}",
                f"alice sent private messages to bob, and carol sent m{number} to all",
            )
            for seat in (alice, bob):
                await seat.gets(PRIVATE)
            for seat in (alice, bob, carol):
                await seat.gets({"msg": f"m{number}"}, without=["to"])

    @gen_test
    async def test_3_history_of_others(self):
        alice, bob = await self.join("alice", "bob")
        for number in range(3):
            await alice.send({"msg": SECRET, "to": "bob"})
            await bob.gets(PRIVATE)
            await bob.send(f"m{number}")
            await bob.gets({"msg": f"m{number}"})
        for since in range(6):
            query = f"?since={since}"
            (reader,) = await self.join("bob", query=query)  # may share no batch with
            await reader.until("m2")
            (carol,) = await self.join("carol", query=query)  # this one
            self.scene = f"alice wrote to bob, and carol connected with since={since}"
            for number in range(since // 2, 3):
                await carol.gets({"msg": f"m{number}"}, without=["to"])

    @gen_test
    async def test_4_history_of_the_two(self):
        alice, bob = await self.join("alice", "bob")
        await alice.send({"msg": SECRET, "to": "bob"})
        await bob.gets(PRIVATE)
        for attempt in ("", " after a restart"):
            for name in ("alice", "bob"):
                (seat,) = await self.join(name)
                self.scene = f"alice wrote to bob, and {name} connected{attempt}"
                await seat.gets({"id": 1, **PRIVATE})
            (carol,) = await self.join("carol")
            self.scene = f"alice wrote to bob, and carol connected{attempt}"
            scene = self.scene
            await carol.send(f"hello{attempt}")
            self.scene = scene
            await self.assert_unheard(carol, f"hello{attempt}")
            if not attempt:
                await self.restart()

    @gen_test
    async def test_5_names(self):
        people = ("Bob", "bob", "rob"), ("a_b", "a_b", "axb"), ("AXB", "axb", "a_b")
        for to, name, other in people:
            alice, friend, stranger = await self.join("alice", name, other)
            for seat in (alice, friend, stranger):
                await stranger.send(f"{to}, {seat.name}")
                await seat.until(f"{to}, {seat.name}")
            await alice.send({"msg": SECRET, "to": to})
            scene = self.scene
            while (line := await friend.next()) and SECRET not in str(line):
                pass
            self.assertTrue(line, f"{scene}. {name} should get it; it did not come.")
            await alice.send(f"after {name}")
            self.scene = scene
            await self.assert_unheard(stranger, f"after {name}")

    @gen_test
    async def test_6_bad_names_refused(self):
        alice, bob = await self.join("alice", "bob")
        for to in ("", "  ", "a" * 21, "<b>", 7, True, None, ["bob"], {}):
            await alice.send({"msg": SECRET, "to": to})
            await alice.gets_error()
        await alice.send("hello", self.scene + ", then hello")
        await bob.gets({"id": 1, "msg": "hello"})

    @gen_test
    async def test_7_sent_again(self):
        alice, bob, carol = await self.join("alice", "bob", "carol")
        again = "alice sent a private message twice, with the same key"
        frame = {"msg": SECRET, "to": "bob", "key": "k"}
        await alice.send(frame)
        await bob.gets({"id": 1, "key": "k", **PRIVATE})
        await alice.send(frame, again)
        await carol.send("hello", again)
        await bob.gets({"id": 2, "msg": "hello"})
        await carol.gets({"id": 2, "msg": "hello"})

    def concerns(self, line):
        return "msg" in line or "error" in line


class CrowdCheck(PrivateCheck):
    @gen_test(timeout=20)
    async def test_8_once_for_each_group(self):
        names = ["alice", "bob", *(f"guest {number}" for number in range(48))]
        crowd = await self.join(*names)
        encode = json.JSONEncoder.encode
        frames = json.dumps({"msg": SECRET, "to": "bob"}), json.dumps({"msg": "to all"})
        with mock.patch.object(
            json.JSONEncoder, "encode", autospec=True, side_effect=encode
        ) as encoded:
            self.selects.clear()
            for frame in frames:
                await crowd[0].send(
                    frame, "50 people were there, alice wrote to bob, then to all"
                )
            for seat in crowd:
                while (line := await seat.next()) and line["msg"] != "to all":
                    pass
        count, selects = encoded.call_count, len(self.selects)
        self.assertLess(
            count,
            20,
            f"{self.scene}. Lines should be made once for each group "
            f"of readers; JSON was encoded {count} times.",
        )
        self.assertLess(
            selects,
            20,
            f"{self.scene}. The database should be asked once for each "
            f"group of readers; it was asked {selects} times.",
        )


class OldLogCheck(PrivateCheck):
    old = [("alice", "one"), ("bob", "two")]

    @gen_test
    async def test_9_old_log(self):
        alice, bob = await self.join("alice", "bob")
        self.scene = "A chat.db from before holds two messages"
        await bob.gets({"id": 1, "msg": "one"}, without=["to"])
        await bob.gets({"id": 2, "msg": "two"}, without=["to"])
        await alice.send({"msg": SECRET, "to": "bob"})
        await bob.gets({"id": 3, **PRIVATE})


class Page(PageCheck):
    async def people(self):
        return [await self.sign_in(name) for name in ("alice", "bob smith", "carol")]

    async def sees(self, page, msg=SECRET, name="bob smith"):
        log = page.get_by_role("log")
        await self.seen(
            log.get_by_text(msg, exact=True),
            f"{self.scene}. {name}'s page should show {msg}; it does not.",
        )

    async def never_sees(self, page, words=SECRET):
        """Let a message to all come; nothing of the private one may be on the page."""
        shown = await page.get_by_role("log").inner_text()
        self.assertNotIn(
            words, shown, f"{self.scene}. carol's page should not show it; it does."
        )

    @gen_test(timeout=40)
    async def test_10_to_one_person(self):
        alice, bob, carol = await self.people()
        await self.say(alice, f"/to bob smith: {SECRET}", "to all")
        self.scene = f"alice typed /to bob smith: {SECRET}"
        await self.sees(bob)
        await self.sees(alice, name="alice")
        await self.sees(carol, "to all", "carol")
        await self.never_sees(carol)

    @gen_test(timeout=40)
    async def test_11_to_whom(self):
        alice, bob, _ = await self.people()
        await self.say(alice, f"/to bob smith: {SECRET}")
        self.scene = f"alice typed /to bob smith: {SECRET}"
        for page, name in ((bob, "bob smith"), (alice, "alice")):
            note = page.get_by_role("log").get_by_text("to bob smith")
            await self.seen(
                note,
                f'{self.scene}. {name}\'s page should say "to bob smith" '
                "beside it; it does not.",
            )

    @gen_test(timeout=40)
    async def test_12_private_while_it_waits(self):
        alice, bob, carol = await self.people()
        await alice.evaluate("ws.send = () => {}; null")
        await self.say(alice, f"/to bob smith: {SECRET}", sent=False)
        await alice.evaluate("ws.close()")
        await self.holds(
            expect(alice.locator("#pending li")).to_have_count(0, timeout=8000),
            "What waits should be sent when the connection is back.",
        )
        await alice.evaluate("ws.send = () => {}; null")
        await self.say(alice, "/to bob smith: once more", sent=False)
        await alice.reload()
        await self.holds(
            expect(alice.locator("#pending li")).to_have_count(0, timeout=8000),
            "What waits should be sent after a reload.",
        )
        await self.say(alice, "to all")
        self.scene = (
            "alice wrote to bob smith while she was offline, and before a reload"
        )
        await self.sees(bob)
        await self.sees(bob, "once more")
        await self.sees(carol, "to all", "carol")
        await self.never_sees(carol)
        await self.never_sees(carol, "once more")

    @gen_test(timeout=40)
    async def test_13_text_is_text(self):
        alice, bob = await self.sign_in("alice"), await self.sign_in("bob")
        await self.say(alice, "/to bob: <b>psst")
        self.scene = "alice typed /to bob: <b>psst"
        await self.sees(bob, "<b>psst", "bob")
