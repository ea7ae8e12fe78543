"""The check of exercise 3: taking a message back."""

import asyncio
import time

from tornado.testing import gen_test

from tests.page_support import expect
from workshop.exercises.checking import VALUES, Check, PageCheck, numbered, show

UNDO = {"undo": True}
TEXTS = "hello blunder oops zero one two three again waiting".split()
TEXTS.append("Message taken back")


class UndoCheck(Check):
    kinds = ("undo", "key")

    async def say(self, author, *texts):
        """Send messages, one after the other, each when the last is in the log."""
        for text in texts:
            await author.send(text)
            await author.until(text)

    async def take_back(self, author, id, *readers):
        """Send an undo; see that everybody gets a line that takes this id back."""
        await author.send(UNDO, f"{self.scene}. Then {author.name} sent {show(UNDO)}")
        for reader in (author, *readers):
            line = await reader.gets({"undo": id, "name": author.name, "msg": ""})
        return line

    async def finds(self, name, since, *lines):
        """Connect somebody who must get exactly these lines, and then later."""
        scene = self.scene
        seat = await self.seat(name, f"?since={since}")
        self.scene = f"{scene}. Then {name} connected with since={since}"
        for line in lines:
            await seat.gets(line, without={"undo"} - set(line))
        return seat


class ServerCheck(UndoCheck):
    @gen_test(timeout=30)
    async def test_1_undo(self):
        alice, bob = await self.join("alice", "bob")
        await self.say(alice, "hello", "blunder")
        await bob.until("blunder")
        await alice.send(UNDO, 'alice sent hello, blunder and {"undo": true}')
        wanted = {"id": 3, "name": "alice", "msg": "", "key": None, "undo": 2}
        for reader in (alice, bob):
            line = await reader.gets(wanted)
            fits = sorted(line) == sorted([*wanted, "at"]) and line["at"] > 1.7e9
            self.need(fits, f"A time and these keys should come: {line}.")
        self.requirement(2)
        for key in ("undo", "undo 1", "undo:1", "undo-1", "undo1", "1", "-1"):
            await bob.send({"msg": "hi", "key": key})
            await bob.gets({"msg": "hi", "key": key}, without=["undo"])
        await self.say(alice, "next")
        await bob.gets({"id": 11, "msg": "next"}, without=["undo"])
        self.requirement(3)
        for id in (11, 1):
            await self.take_back(alice, id)
        self.requirement(5, "alice had taken everything back")
        await alice.send(UNDO, f"{self.scene} and sent {show(UNDO)}")
        await alice.gets_error("take back")
        (eve,) = await self.join("eve", query="?since=13")
        await eve.send(UNDO, f"eve, who has said nothing, sent {show(UNDO)}")
        await eve.gets_error("take back")
        await self.say(bob, "end")
        await eve.gets_nothing_before("end")

    @gen_test(timeout=30)
    async def test_4_own_message_only(self):
        for one, other in (("alice", "bob"), ("a_b", "axb"), ("Ann", "ann")):
            (mine,) = await self.join(one)
            await self.say(mine, f"{one} 1", f"{one} 2")
            if one == "Ann":  # one name at a time: so her window goes
                await mine.leave()
            (others,) = await self.join(other)
            await self.say(others, f"{other}'s")
            if one == "Ann":
                await others.leave()
                (mine,) = await self.join(one)
            await mine.until(f"{other}'s")
            told = f"{one} said something, then {other} did; {one} sent {show(UNDO)}"
            await mine.send(UNDO, told)
            line = await mine.gets({"name": one, "msg": ""})
            late = await self.seat("late", f"?since={line['undo'] - 1}")
            self.scene = f"late came after {one}'s undo"
            await late.gets({"id": line["undo"], "name": one, "msg": ""})
            await late.gets({"name": other, "msg": f"{other}'s"})
            await late.leave()

    @gen_test(timeout=30)
    async def test_6_frames_in_order(self):
        alice, bob, tab, also = await self.join("alice", "bob", "alice", "bob")
        await self.say(alice, "one", "two", "three")
        for text in ("four", UNDO, UNDO):
            await alice.send(text, "alice sent four and two undos, without waiting")
        lines = [await alice.next() for _ in range(3)]
        undone = [line["undo"] for line in lines if line and "undo" in line]
        told = f"The undos should take back messages 4 and 3; {undone} came."
        self.need(undone == [4, 3], told)
        await self.say(alice, "five", "six", "seven")
        told = "In a busy room, alice sent an undo in two windows at the same moment"
        for number in range(6):  # what comes at once is stored at once
            await (bob, also)[number % 2].send(f"busy {number}", told)
            if number > 2:
                await (alice, tab)[number % 2].send(UNDO, told)
        await bob.send("end", told)
        undone = [line["undo"] for line in await alice.until("end") if "undo" in line]
        wanted = [7, 8, 9]
        self.need(sorted(undone) == wanted, f"Taken back were {undone}, not {wanted}.")

    @gen_test(timeout=30)
    async def test_7_without_its_text(self):
        (alice,) = await self.join("alice")
        await self.say(alice, "hello")
        await alice.send({"msg": "blunder", "key": "2"})  # its id
        line = await alice.gets({"msg": "blunder"})
        for since in (0, 1):  # so that whatever is kept for these cursors has the text
            (early,) = await self.join("early", query=f"?since={since}")
            await early.until("blunder")
        undo = await self.take_back(alice, 2)
        self.scene = "alice said hello and blunder, which she took back"
        hello, blank = {"id": 1, "msg": "hello"}, {**line, "msg": ""}
        for since in (0, 1, 2):
            await self.finds("carol", since, *[hello, blank, undo][since:])
        await self.finds("carol", f"2&at={line['at']}", undo)
        self.requirement(9)
        await self.restart()
        for since in (0, 1, 2):
            await self.finds("carol", since, *[hello, blank, undo][since:])
        self.requirement(10)
        (alice,) = await self.join("alice", query="?since=3")
        again = "alice took a message back and sent it again with the same key"
        await alice.send({"msg": "blunder", "key": "2"}, again)
        await alice.gets({"id": 2, "key": "2"}, without=["msg"])
        await alice.send({"msg": "after", "key": "undo 1"}, again)
        await alice.gets({"id": 4, "msg": "after"})
        await self.finds("dora", 0, hello, blank, undo, {"id": 4, "msg": "after"})
        self.requirement(9)
        await self.restart()
        (alice,) = await self.join("alice", query="?since=4")
        for id in (4, 1):
            await self.take_back(alice, id)
        self.requirement(8)
        stored = self.stored()
        for text in ("blunder", "after"):
            told = f"alice sent {text} and took it back. chat.db should not have it."
            self.need(text not in stored, told)

    @gen_test(timeout=30)
    async def test_11_only_true(self):
        alice, bob = await self.join("alice", "bob")
        await self.say(alice, "hello")
        await bob.until("hello")
        values = [1, 1.0, 17, "true", *(value for value in VALUES if value is not True)]
        await alice.refuses("undo", values, bob)
        for msg in ("", None):
            await alice.send({"msg": msg, **UNDO})
            await alice.gets_error()
        await alice.send({"msg": "and this", **UNDO})
        await alice.gets({"id": 3, "msg": "and this"}, without=["undo"])
        await self.take_back(alice, 3)


class OldLogCheck(UndoCheck):
    old = [("alice", "one"), ("bob", "two")]

    @gen_test(timeout=30)
    async def test_12_old_log(self):
        self.scene = "A chat.db from before holds two messages"
        two = {"id": 2, "msg": "two"}
        alice = await self.finds("alice", 0, {"id": 1, "msg": "one"}, two)
        await self.take_back(alice, 1)
        await self.restart()
        await self.finds("alice", 0, {"id": 1, "msg": ""}, two, {"id": 3, "undo": 1})


class Page(PageCheck):
    def button(self, page):
        return page.get_by_role("button", name="Take back")

    async def has_button(self, page, count, name="alice"):
        told = f'{name}\'s page should have {count or "no"} button "Take back".'
        buttons = self.button(page)
        await self.holds(expect(buttons).to_have_count(count, timeout=3000), told)

    async def reads(self, page, *texts, who="The page", seconds=3):
        """Wait until a person sees these messages, however they are built."""
        deadline, items = time.monotonic() + seconds, page.locator("#messages > *")
        while True:
            _, lines = await self.lines(page)
            ends = [f" {line}".removesuffix("Take back").rstrip() for line in lines]
            shown = [text for end in ends for text in TEXTS if end.endswith(f" {text}")]
            count = await items.filter(visible=True).count()
            if shown == list(texts) and count == len(texts):
                return
            told = f"{who} should show {', '.join(texts)}; it shows {', '.join(shown)}"
            empty = f", and {count} messages in all" if count > len(shown) else ""
            self.need(time.monotonic() < deadline, told + empty + ".")
            await asyncio.sleep(0.05)

    async def take_back(self, page, text):
        await self.has_button(page, 1)
        button = self.button(page)
        item = page.locator("#messages > *", has_text=text).filter(has=button)
        await self.seen(item, f'A button "Take back" should be at {text}.')
        await button.click()

    @gen_test(timeout=60)
    async def test_13_page(self):
        alice, bob = await self.sign_in("alice"), await self.sign_in("bob")
        note = "Message taken back"
        await self.say(alice, "hello", "blunder")
        await self.reads(bob, "hello", "blunder", who="bob's page")
        async with self.line_down(bob):
            await self.take_back(alice, "blunder")
            await self.say(alice, "oops")
            await self.reads(alice, "hello", note, "oops", who="alice's page")
            await self.take_back(alice, "oops")
            self.scene = "bob was offline. alice took blunder back, then sent oops"
            self.scene += " and took it back, too"
        for again in range(2):
            for page, name in ((alice, "alice"), (bob, "bob")):
                who = f"{name}'s page{', loaded again,' * again}"
                await self.reads(page, "hello", note, note, who=who)
                _, lines = await self.lines(page)
                told = f"{who} should say so for two messages: {lines}."
                self.need(" ".join(lines).count(note) == 2, told)
                await page.reload()

    @gen_test(timeout=60)
    async def test_14_page(self):
        alice, bob = await self.sign_in("alice"), await self.sign_in("bob")
        note = "Message taken back"
        await self.say(alice, "zero")
        await self.say(alice, "one", "two")
        await self.say(bob, "three")
        carol = await self.sign_in("carol")
        tab = await alice.context.new_page()
        await tab.goto("/chat")
        self.scene = "alice sent one and two, bob sent three"
        pages = (carol, "carol"), (bob, "bob"), (alice, "alice"), (tab, "alice")
        for page, name in pages:
            three = page.get_by_text("three", exact=True)
            await self.seen(three, "A page lacks three.")
            await self.has_button(page, int(name != "carol"), name)
        button = self.button(alice)
        await button.press("Tab")
        await alice.keyboard.press("Shift+Tab")
        told = 'The keyboard should reach the button "Take back"; it does not.'
        await self.holds(expect(button).to_be_focused(timeout=500), told)
        await alice.keyboard.press("Enter")
        self.scene += ", and alice took her last message back"
        rest = ["zero", "one", note, "three"]
        for page, who in ((alice, "Her page"), (tab, "Her other"), (bob, "bob's page")):
            await self.reads(page, *rest, who=who)
        self.requirement(15)
        self.scene += ", and then the one before, in her other window"
        await self.take_back(tab, "one")
        rest[1] = note
        await self.reads(bob, *rest, who="bob's page")
        await self.take_back(alice, "zero")
        rest[0] = note
        await self.reads(bob, *rest, who="bob's page")
        self.scene = "alice has taken everything back"
        for page in (alice, tab):
            await self.has_button(page, 0)
        await self.say(alice, "again")
        self.scene += ", and sent again"
        await self.has_button(alice, 1)
        self.requirement(14, "alice was offline, and pressed the button")
        async with self.line_down(alice):
            await self.button(alice).click()
            await self.say(alice, "waiting", sent=False)
        for page, who in ((bob, "bob's page"), (alice, "Her page")):
            await self.reads(page, *rest, "again", "waiting", who=who)


class OldPage(PageCheck):
    old = [("alice", "long ago"), *numbered(1100)]

    @gen_test(timeout=60)
    async def test_16_message_not_on_the_page(self):
        carol = await self.sign_in("carol")
        shown = [f"m{n}" for n in range(1051, 1101)]
        await self.reads(carol, *shown, who="carol's page")
        alice = await (await self.sign_in_visitor("alice")).connect("?since=1101")
        hide = "Object.defineProperty(document, 'hidden', { get: () => true }); null"
        await carol.evaluate(hide)
        await alice.ws.write_message('{"undo": true}')
        self.scene = "alice took back a message from long ago, which no page had"
        await alice.line()
        await self.say(carol, "next")
        await self.reads(carol, *shown, "next", who="carol's page")
        title = await carol.title()
        self.need(title == "Chat", f"An undo is no news, but the title is {title}.")
        await carol.reload()
        await self.reads(carol, *shown[2:], "next", who="carol's page, loaded again,")
