"""The page in a real browser: what a person sees, and does."""

import asyncio
import os
import re
import signal
import time

from tornado.testing import gen_test

import chat
from tests.page_support import Cable, PageCase, expect
from tests.support import needs_signals, until

LONG_TASKS = """window.long = []; new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.long.push(entry.duration);
}).observe({ type: "longtask", buffered: true });"""


# A tenth of the real time: PATIENCE is a second.
HURRY = """const real = setTimeout;
window.setTimeout = (action, delay) => real(action, delay / 10);"""


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
        await expect(page.locator("#status")).to_contain_text("limited to 2000")
        await expect(page.locator("#text")).to_have_value("x" * 2001 + "\na draft")
        await self.say(page, "short")
        await self.shows(page, "short")
        await expect(page.locator("#status")).to_have_text("Connected")

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
            await page.reload()
            await self.shows(page, "one", *(f"m{i}" for i in range(60)))
            await expect(page.locator("#pending li")).to_have_count(0)

    @gen_test(timeout=30)
    async def test_line_cut(self):
        async with Cable(self.get_http_port()) as cable:
            page = await self.sign_in("alice", url=cable.url)
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
    async def test_line_frozen(self):
        async with Cable(self.get_http_port()) as cable:
            page = await self.sign_in("alice", url=cable.url, script=HURRY)
            cable.thawed.clear()
            # Nobody waits for an answer: the line may be idle.
            await page.evaluate("new Promise((end) => setTimeout(end, PATIENCE * 1.2))")
            await expect(page.locator("#status")).to_have_text("Connected")
            await self.say(page, "one", sent=False)
            await expect(page.locator("#status")).to_contain_text("Off", timeout=2000)
            attempts = []
            page.on("websocket", lambda attempt: attempts.append(attempt))
            # The next attempts hang as well, and are given up.
            await until(lambda: len(attempts) > 1)
            cable.thawed.set()
            await self.shows(page, "one")
            await expect(page.locator("#status")).to_have_text("Connected")

    @gen_test(timeout=30)
    async def test_room_full_disk(self):
        page = await self.sign_in("alice", script=HURRY)
        post, self._app.room.post = self._app.room.post, self.fail_to_post
        await self.say(page, "one", "two", sent=False)
        await expect(page.locator("#status")).to_contain_text("Not stored yet")
        await expect(page.locator("#pending li")).to_have_count(2)
        self._app.room.post = post
        await self.shows(page, "one", "two")

    async def fail_to_post(self, name, msg, key):
        raise chat.RoomError("Not stored yet. It will be sent again.")

    @gen_test(timeout=30)
    async def test_room_wiped(self):
        page = await self.sign_in("alice")
        await self.say(page, "old 1", "old 2")
        self._app.room.db.execute("DELETE FROM log")
        self._app.room.publish()
        next(iter(self._app.connections)).close(1001)
        await expect(page.locator("#status")).to_contain_text("Offline")
        await expect(page.locator("#status.online")).to_be_visible()
        await self.post("new")
        await self.shows(page, "new")

    @gen_test(timeout=30)
    async def test_room_begins_anew(self):
        page = await self.sign_in("alice")
        await self.say(page, "old")
        room = self._app.room
        room.db.execute("DELETE FROM log")
        for text in ("new 1", "new 2"):
            await room.post("bob", text, None)
        room.publish()
        self._app.disconnect(1012, "The log begins anew.")
        await self.shows(page, "new 1", "new 2")

    # -------------------------------------------------------------------- Signing out

    @gen_test(timeout=30)
    async def test_cookie_expired(self):
        page = await self.sign_in("alice")
        await page.context.clear_cookies(name="username")
        next(iter(self._app.connections)).close(1001)
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
        other = await page.context.new_page()
        await other.goto("/chat")
        await other.get_by_role("button", name="Sign out").click()
        await other.get_by_label("Your nickname").fill("bob")
        await other.get_by_role("button", name="Join").click()
        await expect(other.locator("#status.online")).to_be_visible()
        await page.evaluate("connect()")
        await expect(page.locator("body[data-name=bob]")).to_be_attached()
        await self.say(other, "bob's words")
        await self.shows(page, "bob's words")

    # ----------------------------------------------------------------- What one sees

    @gen_test(timeout=30)
    async def test_history_on_arrival(self):
        await self.post(*(f"m{number}" for number in range(60)))
        page = await self.sign_in("alice")
        await self.shows(page, *(f"m{number}" for number in range(10, 60)))
        self.assertEqual(await page.locator("#log").get_attribute("aria-live"), "off")
        self.assertTrue(await page.evaluate("atBottom()"))
        await expect(page.locator("#newer")).to_be_hidden()
        await expect(page.locator("#log[aria-live=polite]")).to_be_attached()

    @gen_test(timeout=30)
    async def test_scroll_no_jump(self):
        await self.post(*(f"message {number}" for number in range(50)))
        page = await self.sign_in("alice")
        await expect(page.locator("#log[aria-live=polite]")).to_be_attached()
        await page.evaluate("scroller.scrollTop = 300")
        await self.post("news")
        await expect(page.locator("#newer")).to_be_visible()
        self.assertEqual(await page.evaluate("scroller.scrollTop"), 300)
        await page.locator("#newer").click()
        await expect(page.locator("#newer")).to_be_hidden()
        await expect(page.get_by_text("news", exact=True)).to_be_in_viewport()
        await self.post("more")
        await expect(page.get_by_text("more", exact=True)).to_be_in_viewport()

    @gen_test(timeout=30)
    async def test_title_unread(self):
        hide = """let hidden = false;
          Object.defineProperty(document, "hidden", { get: () => hidden });
          window.hide = (value) => {
            hidden = value; document.dispatchEvent(new Event("visibilitychange")); };"""
        page = await self.sign_in("alice", script=hide)
        await expect(page.locator("#log[aria-live=polite]")).to_be_attached()
        await self.post("seen")
        await self.shows(page, "seen")
        await expect(page).to_have_title("Chat")
        await page.evaluate("hide(true)")
        await self.post("one", "two")
        await self.post("mine, from elsewhere", name="alice")
        await expect(page).to_have_title("(2) Chat")
        await page.evaluate("hide(false)")
        await expect(page).to_have_title("Chat")

    @gen_test(timeout=30)
    async def test_layout_hard_texts(self):
        texts = [
            "w" * 2000,
            "W" * 1000 + " " + "\U0001f469\u200d\U0001f467" * 300,
            "\u0645\u0631\u062d\u0628\u0627 abc " * 100,
            "o" + "\u0300\u0316" * 400,
            "https://example.org/" + "a" * 300,
            "line\n" * 50,
        ]
        page = await self.forge("W" * 20, viewport={"width": 390, "height": 700})
        await self.post(*texts, name="Z" + "\u0350\u0351" * 9)
        await self.say(page, *texts)
        await expect(page.locator(".message")).to_have_count(12)
        await self.no_overflow(page)
        clipped = "(all) => all.some((e) => e.scrollWidth > e.clientWidth)"
        self.assertFalse(await page.locator(".msg").evaluate_all(clipped))
        for part in (".heading", ".msg"):  # or marks would cover the neighbours
            await expect(page.locator(part).first).to_have_css("overflow", "clip")
        direction = "getComputedStyle(document.querySelectorAll('.msg')[2]).direction"
        self.assertEqual(await page.evaluate(direction), "rtl")
        await expect(page.get_by_role("button", name="Send")).to_be_in_viewport(ratio=1)

    @gen_test(timeout=30)
    async def test_composer_grows(self):
        page = await self.sign_in("alice")
        text = page.locator("#text")
        heights = []
        for lines in (1, 2, 5, 9):
            await text.fill("\n".join("x" * lines))
            heights.append((await text.bounding_box())["height"])
        line = heights[1] - heights[0]
        self.assertGreater(line, 15)
        for height in heights[2:]:
            self.assertAlmostEqual(height, heights[0] + 4 * line, delta=2)
        await self.say(page, "done")
        self.assertEqual((await text.bounding_box())["height"], heights[0])

    @gen_test(timeout=30)
    async def test_enter_in_composition(self):
        page = await self.sign_in("alice")
        session = await page.context.new_cdp_session(page)
        await page.locator("#text").focus()
        compose = {"text": "ni", "selectionStart": 2, "selectionEnd": 2}
        await session.send("Input.imeSetComposition", compose)
        for options in ({"isComposing": True}, {"keyCode": 229}):
            await page.evaluate(
                """(options) => text.dispatchEvent(new KeyboardEvent(
              "keydown", { key: "Enter", cancelable: true, ...options }))""",
                options,
            )
        await expect(page.locator(".message")).to_have_count(0)
        await session.send("Input.insertText", {"text": "\u4f60"})
        await page.locator("#text").press("Shift+Enter")
        await page.keyboard.type("x")
        await page.locator("#text").press("Enter")
        await expect(page.locator("#messages .msg")).to_have_text("\u4f60\nx")

    @gen_test(timeout=30)
    async def test_keyboard_alone(self):
        page = await self.new_page()
        await page.goto("/")
        await page.keyboard.type("alice")
        await page.keyboard.press("Enter")
        await expect(page.locator("#status.online")).to_be_visible()
        await page.keyboard.type("hello")
        await page.keyboard.press("Enter")
        await self.shows(page, "hello")
        for name in ("Send", "Sign out"):
            await self.tab_to(page, name)
        await page.keyboard.press("Enter")
        await expect(page.get_by_label("Your nickname")).to_be_focused()

    async def tab_to(self, page, name):
        """Press Tab until a button has the focus, and see that the focus shows."""
        button = page.get_by_role("button", name=name)
        for _ in range(8):
            await page.keyboard.press("Tab")
            if await button.evaluate("(e) => e === document.activeElement"):
                break
        outline = await button.evaluate("(e) => getComputedStyle(e).outline")
        self.assertIn("solid 3px", outline)

    @gen_test(timeout=30)
    async def test_phone(self):
        page = await self.sign_in(
            "Maximilian Mustermann"[:20],
            is_mobile=True,
            viewport={"width": 390, "height": 780},
        )
        await self.say(page, "hello")
        await self.no_overflow(page)
        title, button = page.locator("h1"), page.locator("header button")
        tops = [(await part.bounding_box())["y"] for part in (title, button)]
        self.assertLess(abs(tops[0] - tops[1]), 20)  # one line
        await expect(page.get_by_role("button", name="Send")).to_be_in_viewport(ratio=1)
        await expect(page.locator("#messages .msg")).to_be_in_viewport(ratio=1)

    @gen_test(timeout=30)
    async def test_dark(self):
        for scheme, darker in (("light", False), ("dark", True)):
            page = await self.sign_in("a-" + scheme, color_scheme=scheme)
            await self.say(page, "hello")
            background = await page.evaluate(
                "getComputedStyle(document.documentElement).backgroundColor"
            )
            brightness = sum(map(int, re.findall(r"\d+", background)))
            self.assertEqual(brightness < 300, darker, background)
            self.assertGreater(await self.contrast(page.locator(".own .msg").last), 4.5)
            self.assertGreater(await self.contrast(page.locator("#send")), 4.5)

    @gen_test(timeout=90)
    async def test_performance_busy(self):
        page = await self.sign_in("alice", script=LONG_TASKS)
        await self.say(page, "the first one")
        # On a busy machine other programs stretch a task: the best of three counts.
        for attempt in "abc":
            await self.miss_many(page, attempt)
            await self.type_while_busy(page, attempt)
            tasks = await page.evaluate("long.splice(0)")  # ms; those of more than 50
            if len(tasks) < 3:
                break
        self.assertLess(len(tasks), 3, f"the page was busy for {tasks} ms at a time")
        self.assertLessEqual(await page.locator(".message").count(), 500)

    async def miss_many(self, page, attempt):
        """Let 2,000 messages come while the page is offline."""
        await page.context.set_offline(True)
        await expect(page.locator("#status")).to_contain_text("Offline")
        insert = "INSERT INTO log (at, name, msg) VALUES (?, ?, ?)"
        text = f"message {attempt}"
        rows = ((time.time(), f"user {n % 30}", f"{text}{n} " * 8) for n in range(2000))
        self._app.room.db.executemany(insert, rows)
        self._app.room.publish()
        await page.context.set_offline(False)
        last = page.get_by_text(f"{text}1999 ").first
        await expect(last).to_be_visible(timeout=15000)

    async def type_while_busy(self, page, attempt):
        """Type for 4 seconds in which 50 messages a second arrive."""
        await page.locator("#text").focus()
        posting = asyncio.ensure_future(self.chatter(f"last {attempt}"))
        while not posting.done():
            await page.keyboard.type("typing ")
        await expect(page.get_by_text(f"last {attempt}")).to_be_in_viewport()

    async def chatter(self, last):
        for number in range(200):
            await self._app.room.post(f"user {number % 30}", f"now {number} " * 8, None)
            await asyncio.sleep(0.02)
        await self.post(last)

    @gen_test(timeout=90)
    async def test_axe(self):
        if not os.environ.get("AXE"):
            if os.environ.get("CI"):
                self.fail("AXE must name axe.min.js of the npm package axe-core.")
            self.skipTest("Set AXE to the axe.min.js of the npm package axe-core.")
        await self.post("hello", "again")
        modes = (
            {},
            {"color_scheme": "dark"},
            {"viewport": {"width": 390, "height": 700}},
            {"forced_colors": "active"},
        )
        for number, mode in enumerate(modes):
            page = await self.new_page(bypass_csp=True, **mode)
            await page.goto("/")
            await self.axe(page)
            await page.get_by_label("Your nickname").fill("a\\b")
            await page.get_by_role("button", name="Join").click()
            await expect(page.get_by_role("alert")).to_be_visible()
            await self.axe(page)
            page = await self.sign_in(f"axe{number}", bypass_csp=True, **mode)
            await self.axe(page)
            await self.say(page, "mine")
            await page.evaluate("send({ msg: 'x'.repeat(2001) }, 'k')")
            await expect(page.get_by_role("button", name="Edit")).to_be_visible()
            await page.context.set_offline(True)
            await self.say(page, "later", sent=False)
            await self.axe(page)
            await page.context.set_offline(False)
            await page.goto("/nothing")
            await self.axe(page)

    async def axe(self, page):
        await page.add_script_tag(path=os.environ["AXE"])
        found = (await page.evaluate("axe.run()"))["violations"]
        what = [(v["id"], v["nodes"][0]["html"][:120]) for v in found]
        self.assertEqual(what, [], page.url)
