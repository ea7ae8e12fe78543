"""The check of exercise 0: /me waves, with the small page."""

from tornado.testing import gen_test

from workshop.exercises.checking import Check, PageCheck

WAVES = {"name": "alice", "msg": "waves", "action": True}
NONE = "hello", "/me", "/mean", "/mewaves", "/ME waves", "I say /me waves", "x\n/me y"


class ServerCheck(Check):
    @gen_test(timeout=30)
    async def test_1_actions(self):
        alice, bob = await self.join("alice", "bob")
        await alice.send("/me waves")
        line = await bob.gets({"id": 1, **WAVES})
        await alice.gets(line)
        told = f"A time and a key should be there, too: {line}."
        self.need(sorted(line) == ["action", "at", "id", "key", "msg", "name"], told)
        self.requirement(2)
        for text in NONE:
            await alice.send({"msg": text, "key": text[:9]})
            await bob.gets({"msg": text, "name": "alice"}, without=["action"])
        pairs = ("/me says /me ", "says /me "), ("/me  two\nlines", " two\nlines")
        for text, msg in pairs:
            await alice.send({"msg": text + ".", "key": None})
            await bob.gets({"msg": msg + ".", "action": True})
        self.requirement(3)
        for _ in range(2):
            await alice.send({"msg": "/me waves", "key": "k"}, "alice sent it twice")
        await alice.send("end", self.scene)
        lines = await bob.until("end")
        told = f"bob should get one line with its key; {len(lines)} came."
        pairs = [(each["key"], each["msg"]) for each in lines]
        self.need(pairs == [("k", "waves")], told)
        for since in (0, line["id"] - 1, lines[0]["id"] - 1):
            (carol,) = await self.join("carol", query=f"?since={since}")
            await carol.gets({"id": since + 1, **WAVES})


class Page(PageCheck):
    async def open(self, name):
        page = await self.new_page()
        await page.goto("/")
        await page.locator("input[name=name]").fill(name)
        await page.locator("input[name=name]").press("Enter")
        await self.seen(page.locator("#text"), f"{name} cannot sign in.")
        return page

    @gen_test(timeout=60)
    async def test_4_page(self):
        alice, bob = await self.open("alice"), await self.open("bob")
        wanted = ["alice waves", "alice: hello", "alice waves <b>", "alice: /me"]
        for count, text in enumerate(("/me waves", "hello", "/me waves <b>", "/me"), 1):
            self.scene = f"alice typed {text}"
            await alice.locator("#text").fill(text)
            await alice.locator("#text").press("Enter")
            for page, name in ((alice, "alice"), (bob, "bob")):
                await self.shows_items(page, name, wanted[:count])
        self.scene = "bob loaded his page again"
        await bob.reload()
        await self.shows_items(bob, "bob", wanted)

    async def shows_items(self, page, name, wanted):
        last = page.locator("#log li").nth(len(wanted) - 1)
        await self.seen(last, f"{name}'s page should show {wanted[-1]}.")
        items = await page.locator("#log li").all_inner_texts()
        self.need(items == wanted, f"{name}'s page should show {wanted}, not {items}.")
