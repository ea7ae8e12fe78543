"""The page in a real browser: what becomes of messages, lines and people."""

import asyncio
import signal
import time
from unittest import mock

from tornado.testing import gen_test

import chat
from tests.page_support import Cable, PageCase, expect
from tests.support import needs_signals, until

# A twentieth of the real time: PATIENCE is half a second. And what it waited for.
HURRY = """const real = setTimeout; window.delays = [];
window.setTimeout = (action, delay) => {
  delays.push(delay);
  return real(action, delay / 20);
};"""
FORBIDDEN = """for (const name of ["sessionStorage", "localStorage"]) {
  Object.defineProperty(window, name, { get() { throw new DOMException(name); } });
}"""
FULL = "Storage.prototype.setItem = () => { throw new DOMException('full'); };"


class BrowserTest(PageCase):
    # ------------------------------------------------------------- Signing in, talking

    @gen_test(timeout=30)
    async def test_message_own(self):
        page = await self.sign_in("alice")
        await expect(page.locator("#empty")).to_be_visible()
        await self.say(page, "hello")
        await self.shows(page, "hello")
        await expect(page.locator("#messages .own .msg")).to_have_text("hello")
        await expect(page.locator("#empty")).to_be_hidden()
        await page.evaluate("ws.send('from the console')")
        await self.shows(page, "hello", "from the console")

    @gen_test(timeout=30)
    async def test_message_two_people(self):
        alice, bob = await self.sign_in("alice"), await self.sign_in("bob")
        await self.say(alice, "one", "two")
        await self.say(bob, "three")
        for page in (alice, bob):
            await self.shows(page, "one", "two", "three")
        await expect(bob.locator(".name").first).to_have_text("alice")
        await expect(bob.locator(".continued .msg")).to_have_text("two")
        await expect(bob.locator(".day:visible")).to_have_count(1)

    @gen_test(timeout=30)
    async def test_nickname_bad_or_taken(self):
        await self.sign_in("alice")
        page = await self.new_page()
        for name, error in (("a\\b", "Please use"), ("Alice", "Somebody here")):
            await page.goto("/")
            await page.locator("#name").fill(name)
            await page.locator("#name").press("Enter")
            await expect(page.get_by_role("alert")).to_contain_text(error)
            await expect(page.locator("#name")).to_have_value(name)

    @gen_test(timeout=30)
    async def test_html_stays_text(self):
        evil = "<img src=x onerror=alert(1)><script>alert(2)</script>"
        page, other = await self.forge("<b>" + evil), await self.sign_in("bob")
        page.on("dialog", lambda dialog: self.faults.append("a dialog"))
        await self.say(page, evil, "\"'&amp;</p>")
        await self.shows(other, evil, "\"'&amp;</p>")
        await expect(other.locator(".name").first).to_have_text("<b>" + evil)
        await expect(page.locator("header bdi")).to_have_text("<b>" + evil)
        for each in (page, other):
            self.assertEqual(await each.locator("main :is(b, img, script)").count(), 0)

    @gen_test(timeout=30)
    async def test_message_refused(self):
        page = await self.sign_in("alice")
        await page.evaluate("send({ msg: 'x'.repeat(2001) }, 'k')")
        await expect(page.locator(".refused .note")).to_contain_text("Not sent. Mess")
        await page.reload()
        await expect(page.locator(".refused .note")).to_contain_text("Not sent. Mess")
        await page.locator("#text").fill("a draft")
        await page.get_by_role("button", name="Edit").click()
        await expect(page.locator("#text")).to_have_value("x" * 2001 + "\na draft")
        await page.locator("#text").press("Enter")
        await expect(page.locator("#problem")).to_contain_text("limited to 2000")
        await expect(page.locator("#text")).to_have_value("x" * 2001 + "\na draft")
        await self.say(page, "short")
        await self.shows(page, "short")
        await expect(page.locator("#problem")).to_have_text("")

    @gen_test(timeout=30)
    async def test_lines_of_no_kind_ignored(self):
        page = await self.sign_in("alice")
        for line in ({}, {"of": "tomorrow", "n": [1]}, {"id": 1, "key": "nobody's"}):
            await self.connection().tell(line)
        await self.post("hello")
        await self.shows(page, "hello")

    @gen_test(timeout=30)
    async def test_draft_survives_reload(self):
        page = await self.sign_in("alice")
        await page.locator("#text").fill("half a sen")
        await page.reload()
        await expect(page.locator("#text")).to_have_value("half a sen")
        await self.say(page, "half a sentence")
        await page.reload()
        await self.shows(page, "half a sentence")
        await expect(page.locator("#text")).to_have_value("")

    @gen_test(timeout=40)
    async def test_storage_forbidden_or_full(self):
        for name, script in (("alice", FORBIDDEN), ("bob", FULL)):
            async with Cable(self.get_http_port()) as cable:
                page = await self.sign_in(name, url=cable.url, script=script + HURRY)
                cable.cut(down=True)
                await expect(page.locator("#status.offline")).to_be_visible()
                await self.say(page, "one", "two", "three", sent=False)
                await expect(page.locator("#pending li")).to_have_count(3)
                cable.down = False
                own = page.locator("#messages .own .msg")
                await expect(own).to_have_text(["one", "two", "three"])
                await expect(page.locator("#pending li")).to_have_count(0)

    # --------------------------------------------------------------- Lines that break

    @needs_signals
    @gen_test(timeout=40)
    async def test_pending_server_killed(self):
        process, found = await self.start_server(0)
        page = await self.sign_in("alice", url=found.group())
        await self.say(page, "zero")
        process.send_signal(signal.SIGSTOP)
        await self.say(page, "one", "two", "three", sent=False)
        process.kill()
        waiting = page.locator("#pending .msg")
        await expect(waiting).to_have_text(["one", "two", "three"])
        await expect(page.locator("#status")).to_contain_text("Offline")
        await process.wait()
        await self.start_server(int(found.group(1)))
        await self.shows(page, "zero", "one", "two", "three")
        await expect(page.locator("#pending li")).to_have_count(0)
        await expect(page.locator("#status")).to_have_text("Connected")

    @gen_test(timeout=30)
    async def test_connection_offline_and_back(self):
        page = await self.sign_in("alice")
        await page.evaluate("attempts = 9")  # so that the next one is seconds away
        await page.context.set_offline(True)
        await expect(page.locator("#status")).to_contain_text("Offline")
        await self.say(page, "later", sent=False)
        await self.post("meanwhile")
        await expect(page.locator("#pending .note")).to_have_text("Not sent yet")
        await page.context.set_offline(False)
        await expect(page.locator("#status.online")).to_be_visible(timeout=500)
        await self.shows(page, "meanwhile", "later")

    @gen_test(timeout=30)
    async def test_pending_reload_offline(self):
        # Not set_offline(): what is sent meanwhile may reach the server all the same.
        async with Cable(self.get_http_port()) as cable:
            page = await self.sign_in("alice", url=cable.url)
            await self.say(page, "zero")
            cable.cut(down=True)
            await expect(page.locator("#status")).to_contain_text("Offline")
            await self.say(page, "one", "two", sent=False)
            with self.assertRaisesRegex(Exception, "ERR_"):
                await page.reload()
            await expect(page.locator("body.neterror")).to_be_visible()  # Chromium's
            cable.down = False
            await page.goto("/chat")
            await self.shows(page, "zero", "one", "two")
            await page.reload()
            await self.shows(page, "zero", "one", "two")

    @gen_test(timeout=30)
    async def test_pending_stored_before_reload(self):
        async with Cable(self.get_http_port()) as cable:
            page = await self.sign_in("alice", url=cable.url)
            await page.evaluate("receive = () => {}; ws.onmessage = null")
            await self.say(page, "one", sent=False)
            await until(lambda: self._app.room.end == 1)
            await self.post(*(f"m{i}" for i in range(60)))
            asked = self.listen(page)
            await page.reload()
            await self.shows(page, *(f"m{i}" for i in range(10, 60)))
            await expect(page.locator("#problem")).to_contain_text("is stored")
            await expect(page.locator("#pending li")).to_have_count(0)
            self.assertNotIn("since=", asked[0])

    def listen(self, page):
        """Return a list to which the address of each new WebSocket will be added."""
        asked = []
        page.on("websocket", lambda socket: asked.append(socket.url))
        return asked

    @gen_test(timeout=30)
    async def test_line_cut(self):
        async with Cable(self.get_http_port()) as cable:
            page = await self.sign_in("alice", url=cable.url, script=HURRY)
            await self.post("history")
            await self.shows(page, "history")
            await page.evaluate("window.untouched = true")
            for number in range(10):
                cable.cut()
                await expect(page.locator("#status")).to_contain_text("Offline")
                await self.post(f"m{number}")
                await expect(page.locator("#status.online")).to_be_visible()
            await self.shows(page, "history", *(f"m{number}" for number in range(10)))
            self.assertTrue(await page.evaluate("untouched"))  # it was not loaded anew

    @gen_test(timeout=40)
    async def test_line_frozen_with_a_message_pending(self):
        async with Cable(self.get_http_port()) as cable:
            page = await self.sign_in("alice", url=cable.url, script=HURRY)
            asked = self.listen(page)
            cable.thawed.clear()
            await self.say(page, "one", sent=False)
            await expect(page.locator("#status.offline")).to_be_visible(timeout=1000)
            # The next attempts hang as well, and are given up.
            await until(lambda: len(asked) > 1)
            cable.thawed.set()
            await self.shows(page, "one")
            await expect(page.locator("#status")).to_have_text("Connected")

    @gen_test(timeout=40)
    async def test_line_frozen_with_nothing_pending(self):
        with mock.patch.object(chat, "PING", 0.5):
            async with Cable(self.get_http_port()) as cable:
                page = await self.sign_in("alice", url=cable.url, script=HURRY)
                asked = self.listen(page)
                # An idle line is alive as long as something comes now and then.
                await page.evaluate(
                    "new Promise((end) => setTimeout(end, SILENCE * 1.5))"
                )
                await expect(page.locator("#status")).to_have_text("Connected")
                self.assertEqual(asked, [])
                cable.thawed.clear()
                await expect(page.locator("#status.offline")).to_be_visible()
        self.assertLessEqual(await page.evaluate("SILENCE"), 60_000)

    @gen_test(timeout=30)
    async def test_server_that_accepts_and_closes_left_in_peace(self):
        page = await self.sign_in("alice", script=HURRY)
        asked, fetched = self.listen(page), []
        page.on("request", lambda request: fetched.append(request.url))
        ends = time.monotonic() + 2
        while time.monotonic() < ends:
            self._app.disconnect(1001, "Not now.")
            await asyncio.sleep(0.005)
        self.assertIn(len(asked), range(3, 12))
        self.assertEqual(fetched, [])
        # A connection that lasts makes up for it.
        look = "(look = () => (attempts ? setTimeout(look, 100) : end()))()"
        await page.evaluate(f"new Promise((end) => {{ let look; {look}; }})")
        await expect(page.locator("#status")).to_have_text("Connected")

    @gen_test(timeout=30)
    async def test_room_full_disk(self):
        page = await self.sign_in("alice", script=HURRY)
        post, self._app.room.post = self._app.room.post, self.fail_to_post
        await self.say(page, "one", "two", sent=False)
        await expect(page.locator("#problem")).to_contain_text("Not stored yet")
        await expect(page.locator("#pending li")).to_have_count(2)
        self._app.room.post = post
        await self.shows(page, "one", "two")
        await expect(page.locator("#problem")).to_have_text("")

    async def fail_to_post(self, name, msg, key):
        raise chat.RoomError("Not stored yet. It will be sent again.")

    @gen_test(timeout=30)
    async def test_room_wiped(self):
        page = await self.sign_in("alice")
        await self.say(page, "old 1", "old 2")
        self._app.room.db.execute("DELETE FROM log")
        self._app.room.publish()
        self.connection().close(1001)
        await expect(page.locator("#status")).to_contain_text("Offline")
        # The log is another one: the page begins anew within 5 s, ANEW_TIME.
        await expect(page.locator("#status.online")).to_be_visible(timeout=15000)
        await self.post("new")
        await self.shows(page, "new")

    @gen_test(timeout=30)
    async def test_room_begins_anew(self):
        page = await self.sign_in("alice", script=HURRY + "Math.random = () => 0.9;")
        await self.say(page, "old")
        await page.evaluate("window.untouched = true")
        await page.locator("#text").fill("being written")
        room = self._app.room
        room.db.execute("DELETE FROM log")
        for text in ("new 1", "new 2"):
            await room.post("bob", text, None)
        room.publish()
        asked = self.listen(page)
        self._app.disconnect(1012, "The log begins anew.")
        await page.evaluate("send({ msg: 'meanwhile' }, 'k'); setText('being written')")
        await self.shows(page, "new 1", "new 2", "meanwhile")
        await expect(page.locator("#text")).to_have_value("being written")
        self.assertTrue(await page.evaluate("untouched"))  # nobody loads pages at once
        self.assertIn(4500, await page.evaluate("delays"))  # ms: each at its own moment
        self.assertNotIn("since=", asked[0])

    # -------------------------------------------------------------------- Signing out

    @gen_test(timeout=30)
    async def test_cookie_expired(self):
        page = await self.sign_in("alice")
        await page.context.clear_cookies(name="username")
        self.connection().close(1001)
        await page.wait_for_url("**/")
        await expect(page.get_by_label("Your nickname")).to_be_visible()

    @gen_test(timeout=30)
    async def test_signed_out_elsewhere(self):
        page = await self.sign_in("alice")
        other = await page.context.new_page()
        await other.goto("/chat")
        await other.get_by_role("button", name="Sign out").click()
        for each in (page, other):
            await expect(each.get_by_label("Your nickname")).to_be_visible()

    @gen_test(timeout=30)
    async def test_signed_in_elsewhere_as_somebody_else(self):
        page = await self.sign_in("alice")
        await page.evaluate("hangUp(); clearTimeout(timers.connect)")
        await self.say(page, "alice's words", sent=False)
        # No page of bob's has been loaded yet: his cookie is all that there is.
        await page.context.add_cookies([self.cookie("bob")])
        await page.evaluate("connect()")
        await expect(page.locator("body[data-name=bob]")).to_be_attached()
        await self.say(page, "bob's words")
        await self.shows(page, "bob's words")
        await page.context.add_cookies([self.cookie("alice")])
        await page.goto("/chat")
        await self.shows(page, "bob's words", "alice's words")
        await expect(page.locator(".own .msg")).to_have_text("alice's words")

    @gen_test(timeout=30)
    async def test_name_held_by_another_browser(self):
        page = await self.sign_in("alice")
        await page.evaluate("hangUp(); clearTimeout(timers.connect)")
        # Hours go by; then somebody else takes the name.
        await until(lambda: not self._app.connections)
        self._app.room.leases.clear()
        await self.visitor().post("/login", name="Alice")
        await page.evaluate("connect()")
        await expect(page.get_by_role("alert")).to_contain_text("Somebody here has")
        await expect(page.get_by_label("Your nickname")).to_have_value("alice")
