"""The check of exercise 5: who is here."""

import json
from unittest import mock

from tornado.testing import gen_test

import chat
from tests.page_support import PageCase, expect
from tests.support import until
from workshop.exercises.checking import Check


class ServerCheck(Check):
    async def watch(self, browser):
        """Connect and ask who is here, in a room that has one message."""
        if not self._app.room.end:
            await self.fill(1)
        connection = await browser.connect("?here=1")
        line = await self.line(connection, 'line {"here": [...]} for a newcomer')
        self.assertEqual(
            list(line),
            ["here"],
            'the first line after /ws?here=1 must be {"here": [...]}, before any '
            f"message; it was {line}",
        )
        connection.here, connection.told = set(line["here"]), []
        return connection

    async def follow(self, connection, names):
        """Read on until these are the people who are here, as far as one is told."""
        while connection.here != names:
            missing = f"{sorted(names - connection.here)} came"
            if not names - connection.here:
                missing = f"{sorted(connection.here - names)} went"
            line = await self.line(connection, f"line that says that {missing}")
            if "id" in line:
                continue
            self.assertEqual(
                sorted(line),
                ["came", "gone"],
                f"after the first line there must be only changes; there was {line}",
            )
            came, gone = set(line["came"]), set(line["gone"])
            self.assertFalse(came & connection.here, f"{line}: was told already")
            self.assertFalse(gone - connection.here, f"{line}: was not here at all")
            connection.here = connection.here - gone | came
            connection.told.append(line)

    @gen_test
    async def test_newcomer_gets_whole_list(self):
        await self.bob.connect()
        alice = await self.watch(self.alice)
        await self.follow(alice, {"alice", "bob"})
        carol = await self.watch(self.visitor().sign_in("carol"))
        self.assertLessEqual(
            {"alice", "bob"},
            carol.here,
            f"carol's first line names {carol.here}, and not all who were here before",
        )

    @gen_test
    async def test_presence_not_in_the_log(self):
        bob, alice = await self.bob.connect(), await self.watch(self.alice)
        await self.follow(alice, {"alice", "bob"})
        await alice.send("hello")
        bob.lines.append(await self.line(bob, "message m1"))
        for number, text in ((1, "m1"), (2, "hello")):
            line = await self.line(bob, f"message {text}")
            self.assertEqual(
                (line.get("id"), line.get("msg")),
                (number, text),
                "who did not ask for ?here=1 gets messages and nothing else, and "
                f"presence uses up no id: bob got {line} instead of message {number}",
            )
        late = await self.bob.connect("?since=0")
        lines = [await self.line(late, "history") for _ in range(2)]
        self.assertEqual(
            [line.get("msg") for line in lines],
            ["m1", "hello"],
            f"presence must not be in the history: {lines}",
        )

    @gen_test(timeout=10)
    async def test_crowd_costs_little(self):
        names = {f"guest {number}" for number in range(50)}
        browsers = [self.visitor().sign_in(name) for name in sorted(names)]
        await self.fill(1)
        crowd = [await self.watch(browser) for browser in browsers]
        for guest in crowd:
            await self.follow(guest, names)
            self.assertLessEqual(
                len(guest.told),
                5,
                f"50 people came within a moment, and cost {len(guest.told)} lines",
            )
            guest.told.clear()
        with mock.patch.object(chat.json, "dumps", wraps=json.dumps) as dumps:
            await self.bob.connect("?here=1")
            for guest in crowd:
                await self.follow(guest, names | {"bob"})
            self.assertLess(
                dumps.call_count,
                10,
                "the line that bob came must be made once for all 50; json.dumps was "
                f"called {dumps.call_count} times",
            )
        for guest in crowd:
            size = sum(len(json.dumps(line)) for line in guest.told)
            self.assertLess(
                size, 200, f"that bob came cost each of the others {size} bytes"
            )

    @gen_test(timeout=10)
    async def test_tab_and_reconnect_are_no_news(self):
        alice = await self.watch(self.alice)
        tab, other = await self.bob.connect(), await self.bob.connect()
        browser = self.visitor().sign_in("dave")
        dave = await browser.connect()
        await self.follow(alice, {"alice", "bob", "dave"})
        alice.told.clear()
        tab.ws.close()
        dave.ws.close()
        await until(lambda: len(self._app.connections) == 2)
        await browser.connect()
        await self.visitor().sign_in("carol").connect()
        await self.follow(alice, {"alice", "bob", "carol", "dave"})
        told = {name for line in alice.told for name in line["came"] + line["gone"]}
        self.assertEqual(
            told,
            {"carol"},
            "bob has closed one of two tabs, and dave was back at once: no news; but "
            f"alice was told {alice.told}",
        )
        other.ws.close()
        await self.follow(alice, {"alice", "carol", "dave"})


class PageCheck(PageCase):
    async def lists(self, page, *names):
        """Wait until these names are on the page, in the list "Here now"."""
        people = page.get_by_role("list", name="Here now").get_by_role("listitem")
        await expect(
            people, f'the list "Here now" must show {", ".join(names)}'
        ).to_have_text(list(names), timeout=3000)

    @gen_test(timeout=30)
    async def test_page_names(self):
        page = await self.sign_in("alice")
        await self.lists(page, "alice")
        other = await self.forge("<b>bob")
        await self.lists(page, "<b>bob", "alice")
        await self.lists(other, "<b>bob", "alice")
        await self.post("one")
        await other.context.close()
        await self.lists(page, "alice")
        await page.evaluate("ws.close()")  # and goes on after the message 1
        await self.post("two")
        await expect(
            page.locator("#messages .msg"), "the page must go on after presence lines"
        ).to_have_text(["one", "two"], timeout=3000)
        await self.lists(page, "alice")
