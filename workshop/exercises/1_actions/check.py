"""The check of exercise 1: actions with /me."""

import re

from tornado.testing import gen_test

from workshop.exercises.checking import BEGIN, Check, PageCheck

WAVES = {"name": "alice", "msg": "waves", "action": True}
NONE = "hello", "/me", "/me ", "/mean", "/mewaves", "/ME waves", "/Me waves", "\t/me x"
NONE += "I say /me waves", "//me waves", "/me\twaves", "/me\nwaves", "x\n/me waves"


class ServerCheck(Check):
    kinds = ("key",)  # and what answers a resend

    @gen_test(timeout=30)
    async def test_1_lines(self):
        alice, bob = await self.join("alice", "bob")
        await alice.send("/me waves")
        await bob.gets(WAVES)
        first = await alice.gets(WAVES)
        await alice.send("/me  looks  up")
        await bob.gets({"msg": " looks  up", "action": True})
        await alice.until(" looks  up")
        self.requirement(2)
        await bob.send("hello")
        await alice.gets({"id": first["id"] + 2, "msg": "hello"}, without=["action"])
        await alice.send({"msg": "/me waves", "key": "k"})
        line = await alice.gets({"id": first["id"] + 3, "key": "k", **WAVES})
        told = f'"at" should be a time, and the keys those of {first}; it is {line}.'
        self.need(isinstance(line["at"], float) and sorted(line) == sorted(first), told)
        await alice.send({"msg": "/me waves", "key": "k"}, "alice sent it again")
        await alice.gets({"id": line["id"], "key": "k"}, without=["msg"])
        self.requirement(3)
        for text in ("  /me waves\nand /me smiles ", "/me waves\nand /me smiles"):
            await alice.send(text)
            await alice.gets({"msg": "waves\nand /me smiles", "action": True})
        await alice.send("/me /me waves")
        await alice.gets({"msg": "/me waves", "action": True})
        self.requirement(4)
        for text in NONE:
            await alice.send(text)
            await alice.gets({"msg": text.rstrip()}, without=["action"])
        await alice.send({"msg": "  indented /me"})
        await alice.gets({"msg": "  indented /me"}, without=["action"])
        self.requirement(5)
        for value in (True, "waves"):
            await alice.send({"msg": "hello", "action": value})
            await alice.gets({"msg": "hello"}, without=["action"])
        await alice.send({"msg": "/me waves", "action": False})
        await alice.gets(WAVES)


class HistoryCheck(Check):
    old = [("alice", "/me waves"), ("alice", "hello"), ("bob", "  /me nods")]
    old += [("bob", "/me x")] * 900 + [("bob", "/me nods off")]  # more than 64 kB

    @gen_test(timeout=30)
    async def test_6_history(self):
        (bob,) = await self.join("bob")
        await bob.send("/me smiles")
        await bob.until("smiles")
        for restarted in (False, True):
            if restarted:
                await self.restart()
            for since in (0, 2, 3):
                scene = self.scene
                carol = await self.seat("carol", f"?since={since}")
                self.scene += " after a restart" * restarted
                if not since:
                    await carol.gets(WAVES)
                    await carol.gets({"msg": "hello"}, without=["action"])
                if since < 3:
                    await carol.gets({"name": "bob", "msg": "nods", "action": True})
                await carol.until("nods off")
                await carol.gets({"name": "bob", "msg": "smiles", "action": True})
                self.scene = scene
        self.requirement(7, "A chat.db from before holds alice's message /me waves")
        dora = await self.seat("dora", "?since=0")
        await dora.gets({"id": 1, "at": float(BEGIN), "key": None, **WAVES})
        await dora.send("  /me bows")
        await dora.until("bows")
        stored = self.stored()
        for text in ("'/me waves'", "'  /me nods'", "'/me smiles'", "'  /me bows'"):
            self.need(text in stored, f"chat.db should hold {text}, as it was typed.")
        for text in ("'waves'", "'smiles'", "'bows'"):
            self.need(text not in stored, f"chat.db should not hold {text}.")


class Page(PageCheck):
    old = [("dora", "/me yawns")]

    async def waves(self, page, name, text="alice waves"):
        """Return the lines that somebody sees, one of which is this."""
        last = page.get_by_text(text.split()[-1])
        await self.seen(last, f"{name}'s page shows nothing.")
        italics, lines = await self.lines(page)
        told = f'{name}\'s page should show "{text}" on a line; it shows {lines}.'
        self.need(text in lines, told)
        return italics[text], lines

    @gen_test(timeout=60)
    async def test_8_page(self):
        alice, bob = await self.sign_in("alice"), await self.sign_in("bob")
        await self.say(alice, "/me waves")
        self.scene = "alice sent /me waves"
        for again in (False, True):
            self.requirement(8)
            for page, name in ((alice, "alice"), (bob, "bob")):
                if again:
                    self.scene = "alice sent /me waves, and the page was loaded again"
                    await page.reload()
                await self.waves(page, name, "dora yawns")
                await self.waves(page, name)
        self.requirement(9)
        for page, name in ((alice, "alice"), (bob, "bob")):
            italic, lines = await self.waves(page, name)
            self.need(italic, f'"alice waves" should be in italics on {name}\'s page.')
        self.requirement(10)
        await self.say(bob, "hello")
        await self.say(alice, "/me smiles", "/me nods")
        self.scene = "alice sent /me waves, bob hello, alice /me smiles and /me nods"
        for page, name in ((alice, "alice"), (bob, "bob")):
            await self.waves(page, name, "alice nods")
            _, lines = await self.waves(page, name, "alice smiles")
            rest = [line for line in lines if not line.endswith(("waves", "yawns"))]
            headings = [line for line in rest if re.search(r"\d:\d\d|^alice$", line)]
            told = f"On {name}'s page, only hello should have a heading: {headings}."
            self.need(len(headings) <= 1, told)
            days = [line for line in lines if re.search(r"\d{4}", line)]
            self.need(len(days) == 2, f"There should be one line for each day: {days}.")

    @gen_test(timeout=60)
    async def test_11_page(self):
        alice, bob = await self.sign_in("alice"), await self.sign_in("bob")
        await self.say(alice, "hi", "/me waves", "hello")
        self.scene = "alice sent hi, then /me waves, then hello"
        for _ in range(2):
            _, lines = await self.waves(bob, "bob", "hello")
            above = lines[lines.index("hello") - 1]
            told = f"On bob's page her name should be above hello; this is: {above}."
            self.need(re.match(r"alice \d+:\d\d", above), told)
            days = [line for line in lines if re.search(r"\d{4}", line)]
            self.need(len(days) <= 2, f"There should be one line for each day: {days}.")
            self.scene += ", and bob loaded his page again"
            await bob.reload()
        self.requirement(8, "bob was offline, and alice sent /me jumps")
        async with self.line_down(bob):
            await self.say(alice, "/me jumps")
        await self.waves(bob, "bob", "alice jumps")
        self.scene = "alice sent /me sings while she was offline"
        async with self.line_down(alice):
            await self.say(alice, "/me sings", sent=False)
            _, lines = await self.lines(alice, "#pending")
            told = f'As before, "Not sent yet" should stand above it: {lines}.'
            self.need(lines == ["Not sent yet", "/me sings"], told)
        for page, name in ((alice, "alice"), (bob, "bob")):
            italic, _ = await self.waves(page, name, "alice sings")
            self.need(italic, f"It should be in italics on {name}'s page.")
        self.requirement(12)
        await self.say(alice, "/me waves <b>")
        self.scene = "alice sent /me waves <b>"
        await self.waves(bob, "bob", "alice waves <b>")
        dora = await self.forge("<b>dora")
        await self.say(dora, "/me sees &amp;")
        self.scene = "<b>dora sent /me sees &amp;"
        await self.waves(bob, "bob", "<b>dora sees &amp;")
