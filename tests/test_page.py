"""The page in a real browser: what becomes of messages, lines and people."""

import asyncio
import json
import signal
import time
from unittest import mock

from tornado.testing import gen_test

import chat
from tests.page_support import HIDE, Cable, PageCase, expect
from tests.support import ChatProcess, needs_signals, until

# A twentieth of the real time: PATIENCE is half a second. And what it waited for.
HURRY = """const real = setTimeout; window.delays = [];
window.setTimeout = (action, delay, ...rest) => {
  delays.push(delay);
  return real(action, delay / 20, ...rest);
};"""
FORBIDDEN = """for (const name of ["sessionStorage", "localStorage"]) {
  Object.defineProperty(window, name, { get() { throw new DOMException(name); } });
}"""
FULL = "Storage.prototype.setItem = () => { throw new DOMException('full'); };"
# A proxy that lets all through but WebSockets.
BLOCKED = """const Real = WebSocket; window.WebSocket = class extends Real {
  constructor(url) { super(url.replace("/ws", "/nothing")); }
};"""
# The clock jumps, as when a computer has slept.
SLEEP = "const now = Date.now; Date.now = () => now() + 30000;"
# The bytes that go into storage, and the changes of what waits, during one message.
COST = """async (text) => {
  let cost = 0;
  const set = Storage.prototype.setItem;
  Storage.prototype.setItem = function (key, value) {
    cost += value.length;
    set.call(this, key, value);
  };
  const changes = new MutationObserver(() => 0);
  changes.observe(pending, { childList: true, subtree: true });
  document.querySelector("textarea").value = text;
  composer.requestSubmit();
  Storage.prototype.setItem = set;
  return [cost, changes.takeRecords().length];
}"""


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
        await expect(bob.locator("#messages .continued .msg")).to_have_text("two")
        await expect(bob.locator(".day:visible")).to_have_count(1)

    @gen_test(timeout=30)
    async def test_message_keeps_indent_of_first_line(self):
        page = await self.sign_in("alice")
        await self.say(page, " \n\n    if x:\n        return  \n \n")
        message = page.locator("#messages .msg")
        self.assertEqual(await message.text_content(), "    if x:\n        return")
        await self.say(page, " \n\n", sent=False)
        await self.say(page, "next")
        await expect(message).to_have_count(2)

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
        await self.keep_unsent(page, "x" * 2001)
        await expect(page.locator(".refused .note")).to_contain_text("Not sent. ")
        await page.reload()
        await expect(page.locator(".refused .note")).to_contain_text("Not sent. ")
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
        await self.receive(page)
        await self.receive(page, of="tomorrow", n=[1])
        await self.receive(page, id=1, key="nobody's")
        await self.post("hello")
        await self.shows(page, "hello")

    @gen_test(timeout=30)
    async def test_globals_only_for_the_console(self):
        page = await self.new_page()
        await page.goto("/")
        before = await page.evaluate("Object.keys(window)")
        page = await self.sign_in("alice")
        after = await page.evaluate("Object.keys(window)")
        self.assertEqual(set(after) - set(before), {"ws", "tunnel"})
        await page.evaluate("tunnel(0.5)")
        await expect(page.locator("#status.offline")).to_be_visible()
        await expect(page.locator("#status.online")).to_be_visible()

    # ---------------------------------------------------------------- What is unsent

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

    @gen_test(timeout=40)
    async def test_storage_of_another_program_dropped(self):
        page = await self.sign_in("alice")
        shapes = [None, 5, [1], "text", {}, {"draft": 7, "msg": [2]}, {"unsent": [3]}]
        store = """(value) => ["chat:alice", "chat:alice:1", "chat:alice:", "alice"]
          .forEach((key) => sessionStorage.setItem(key, value))"""
        for value in [*map(json.dumps, shapes), "no JSON", ""]:
            await page.evaluate(store, value)
            await page.reload()
            await expect(page.locator("#status.online")).to_be_visible()
            await expect(page.locator("#text")).to_have_value("")
        await self.say(page, "hello")
        await self.shows(page, "hello")
        keys = "Object.keys(sessionStorage).filter((key) => key !== 'alice')"
        for key in await page.evaluate(keys):
            self.assertRegex(key, "^chat:alice")

    @gen_test(timeout=30)
    async def test_leaving_asks_only_while_something_is_unsent(self):
        page = await self.sign_in("alice")
        asked = []
        page.on("dialog", lambda dialog: asked.append(dialog))
        await self.say(page, "one")
        await page.reload()
        self.assertEqual(asked, [])
        await self.break_line(page)
        await self.say(page, "two", sent=False)
        await page.close(run_before_unload=True)
        await until(lambda: asked)
        self.assertEqual(asked[0].type, "beforeunload")
        await asked[0].accept()

    @gen_test(timeout=60)
    async def test_offline_message_300_costs_what_the_first_did(self):
        page = await self.sign_in("alice")
        await self.break_line(page)
        first = await page.evaluate(COST, "a message")
        for _ in range(299):
            last = await page.evaluate(COST, "a message")
        self.assertEqual(last, first)
        await expect(page.locator("#pending li")).to_have_count(300)

    @gen_test(timeout=30)
    async def test_pending_as_tall_as_sent(self):
        page = await self.sign_in("alice")
        await self.post("hello")
        for text in ("a heading above", "none"):
            await page.evaluate("ws.send = () => {}")
            await self.say(page, text, sent=False)
            message = page.get_by_text(text, exact=True)
            before = await message.bounding_box()
            await page.reload()
            await expect(page.locator("#pending li")).to_have_count(0)
            await self.catches_up(page)
            self.assertEqual(await message.bounding_box(), before)

    # --------------------------------------------------------------- Lines that break

    @needs_signals
    @gen_test(timeout=40)
    async def test_pending_server_killed(self):
        db = f"--db={self.folder.name}/killed.db"
        server = ChatProcess(db, "--port=0")
        url = server.url()
        page = await self.sign_in("alice", url=url)
        await self.say(page, "zero")
        server.process.send_signal(signal.SIGSTOP)
        await self.say(page, "one", "two", "three", sent=False)
        server.stop(signal.SIGKILL)
        waiting = page.locator("#pending .msg")
        await expect(waiting).to_have_text(["one", "two", "three"])
        await expect(page.locator("#status")).to_contain_text("Offline")
        server = ChatProcess(db, f"--port={url.rpartition(':')[2]}")
        self.addCleanup(server.stop)
        await self.shows(page, "zero", "one", "two", "three")
        await expect(page.locator("#pending li")).to_have_count(0)
        await expect(page.locator("#status")).to_have_text("Connected")

    @gen_test(timeout=30)
    async def test_connection_offline_and_back(self):
        page = await self.sign_in("alice")
        await page.evaluate("window.setTimeout = () => 0")  # it would come back later
        await page.context.set_offline(True)
        await expect(page.locator("#status")).to_contain_text("Offline")
        await self.say(page, "later", sent=False)
        await self.post("meanwhile")
        await expect(page.locator("#pending .time")).to_have_text("Not sent yet")
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
        page = await self.sign_in("alice")
        await page.evaluate("ws.onmessage = null")
        await self.say(page, "one", sent=False)
        await until(lambda: self.room.end == 1)
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

    @gen_test(timeout=30)
    async def test_line_blocked_or_server_away(self):
        async with Cable(self.get_http_port()) as cable:
            page = await self.new_page(url=cable.url, script=HURRY + BLOCKED)
            await page.goto("/")
            await page.get_by_label("Your nickname").fill("alice")
            await page.get_by_role("button", name="Join").click()
            status = page.locator("#status.offline")
            for words in ("The server answers", "another network", "ask your teacher"):
                await expect(status).to_contain_text(words)
            cable.cut(down=True)
            await expect(status).to_have_text("Offline. Your messages wait here.")
            cable.down = False
            await expect(status).to_contain_text("The server answers")

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
                await page.evaluate("new Promise((end) => setTimeout(end, 90000))")
                await expect(page.locator("#status")).to_have_text("Connected")
                self.assertEqual(asked, [])
                cable.thawed.clear()
                await expect(page.locator("#status.offline")).to_be_visible()
        self.assertLessEqual(max(await page.evaluate("delays")), 90_000)

    @gen_test(timeout=30)
    async def test_waking_hangs_up_only_a_silent_line(self):
        for event in ("visibilitychange", "online", "pageshow"):
            page = await self.sign_in(event, script=HIDE)
            asked = self.listen(page)
            target = "document" if event == "visibilitychange" else "window"
            wake = f"{target}.dispatchEvent(new Event('{event}'))"
            await page.evaluate(wake)
            await page.evaluate(SLEEP + "hide(true)")  # while it goes, it stays
            self.assertEqual(asked, [])
            await page.evaluate(f"window.away = false; {wake}")
            await expect(page.locator("#status.offline")).to_have_count(0)
            await expect(page.locator("#status.online")).to_be_visible()
            self.assertEqual(len(asked), 1)

    @gen_test(timeout=30)
    async def test_server_that_accepts_and_closes_left_in_peace(self):
        page = await self.sign_in("alice", script=HURRY)
        asked, fetched = self.listen(page), []
        await page.route("**/chat", lambda route: fetched.append(route))
        ends = time.monotonic() + 2
        while time.monotonic() < ends:
            self.hang_up()
            await asyncio.sleep(0.005)
        self.assertIn(len(asked), range(3, 12))
        self.assertEqual(fetched, [])
        # A connection that lasts makes up for it: the next attempt comes at once.
        await expect(page.locator("#status.online")).to_be_visible()
        await page.evaluate("new Promise((end) => setTimeout(end, 11000))")
        await page.evaluate("delays.length = 0")
        self.hang_up()
        await expect(page.locator("#status.offline")).to_be_visible()
        self.assertLessEqual(min(await page.evaluate("delays")), 500)

    @gen_test(timeout=30)
    async def test_room_full_disk(self):
        page = await self.sign_in("alice", script=HURRY)
        post, self.room.post = self.room.post, self.fail_to_post
        await self.say(page, "one", "two", sent=False)
        await expect(page.locator("#problem")).to_contain_text("Not stored yet")
        await expect(page.locator("#pending li")).to_have_count(2)
        self.room.post = post
        await self.shows(page, "one", "two")
        await expect(page.locator("#problem")).to_have_text("")

    async def fail_to_post(self, name, msg, key):
        raise chat.RoomError("Not stored yet. It will be sent again.")

    @gen_test(timeout=30)
    async def test_room_begins_anew(self):
        page = await self.sign_in("alice", script=HURRY + "Math.random = () => 0.9;")
        await self.say(page, "old")
        await page.evaluate("window.untouched = true")
        self.room.db.execute("DELETE FROM log")
        await self.post("new 1", "new 2")
        asked = self.listen(page)
        await page.evaluate("delays.length = 0")
        self.hang_up(1012)
        await expect(page.locator("#status.offline")).to_be_visible()
        await self.say(page, "meanwhile", sent=False)
        await page.locator("#text").fill("being written")
        await self.shows(page, "new 1", "new 2", "meanwhile")
        await expect(page.locator("#text")).to_have_value("being written")
        self.assertTrue(await page.evaluate("untouched"))  # nobody loads pages at once
        self.assertIn(4500, await page.evaluate("delays"))  # ms: each at its own moment
        self.assertNotIn("since=", asked[0])

    # -------------------------------------------------------------------- Signing out

    @gen_test(timeout=30)
    async def test_sign_out_offline_stays_and_says_so(self):
        async with Cable(self.get_http_port()) as cable:
            page = await self.sign_in("alice", url=cable.url, script=HURRY)
            cable.cut(down=True)
            await self.say(page, "one", sent=False)
            await page.get_by_role("button", name="Sign out").click()
            await expect(page.get_by_role("alert")).to_contain_text("still signed in")
            await expect(page.locator("#pending .msg")).to_have_text("one")
            cable.down = False
            await self.shows(page, "one")
            await page.get_by_role("button", name="Sign out").click()
            await expect(page.get_by_label("Your nickname")).to_be_visible()

    @gen_test(timeout=30)
    async def test_signed_out_says_so_and_keeps_what_is_pending(self):
        page = await self.sign_in("alice")
        for cookies, words in ((None, "signed out"), ("changed", "not count any more")):
            await self.break_line(page)
            await self.say(page, words, sent=False)
            await page.context.clear_cookies(name="chat_user")
            if cookies:
                self._app.settings["cookie_secret"] = cookies
                await self.take_cookies(page, self.visitor().sign_in("alice"))
            await page.evaluate("tunnel(0)")
            await expect(page.get_by_role("alert")).to_contain_text(words)
            await page.get_by_label("Your nickname").fill("alice")
            await page.get_by_role("button", name="Join").click()
            await expect(page.locator("#messages .msg").last).to_have_text(words)
        await page.reload()
        await self.shows(page, "signed out", "not count any more")

    @gen_test(timeout=30)
    async def test_signed_out_elsewhere(self):
        page = await self.sign_in("alice")
        other = await page.context.new_page()
        await other.goto("/chat")
        await other.get_by_role("button", name="Sign out").click()
        for each in (page, other):
            await expect(each.get_by_label("Your nickname")).to_be_visible()
        await expect(page.get_by_role("alert")).to_contain_text("You are signed out")

    @gen_test(timeout=30)
    async def test_signed_in_elsewhere_as_somebody_else(self):
        page = await self.forge("alice")
        alice = await page.context.cookies()
        await self.break_line(page)
        await self.say(page, "alice's words", sent=False)
        # No page of bob's has been loaded yet: his cookie is all that there is.
        await self.take_cookies(page, self.bob)
        await page.evaluate("tunnel(0)")
        await expect(page.locator("body[data-name=bob]")).to_be_attached()
        await self.say(page, "bob's words")
        await self.shows(page, "bob's words")
        await page.context.add_cookies(alice)
        await page.goto("/chat")
        await self.shows(page, "bob's words", "alice's words")
        await expect(page.locator(".own .msg")).to_have_text("alice's words")

    @gen_test(timeout=30)
    async def test_name_taken_meanwhile(self):
        page = await self.sign_in("alice")
        await self.break_line(page)
        await until(lambda: not self.handlers)
        await self.sign_in("Alice")
        await page.evaluate("tunnel(0)")
        await expect(page.get_by_role("alert")).to_contain_text("Somebody here has")

    @gen_test(timeout=30)
    async def test_cookies_off_are_named(self):
        page = await self.new_page()
        await page.goto("/")
        await page.context.clear_cookies()
        await page.get_by_label("Your nickname").fill("alice")
        await page.get_by_role("button", name="Join").click()
        await expect(page.get_by_role("main")).to_contain_text("cookies")

    @gen_test(timeout=30)
    async def test_javascript_off_is_all_that_is_said(self):
        page = await self.new_page(java_script_enabled=False)
        await self.take_cookies(page, self.alice)
        await page.goto("/chat")
        note = page.locator("noscript p")
        await expect(note).to_have_text("This chat needs JavaScript.")
        await expect(note).to_be_visible()
        for part in ("#status", "#composer", "#empty"):
            await expect(page.locator(part)).to_be_hidden()
