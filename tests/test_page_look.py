"""The page in a real browser: how it looks, in every light and at every size."""

import asyncio
import os
import re
import time

from tornado.testing import gen_test

from tests.page_support import PageCase, expect
from tests.support import project_text

# A tab that one can leave: window.hide(true), and come back to.
HIDE = """let hidden = false;
Object.defineProperty(document, "hidden", { get: () => hidden });
window.hide = (value) => {
  hidden = value;
  document.dispatchEvent(new Event("visibilitychange"));
};"""
# What WCAG 1.4.12 lets readers ask for.
SPACED = """* { line-height: 1.5 !important; letter-spacing: 0.12em !important;
word-spacing: 0.16em !important } p { margin-bottom: 2em !important }"""
LONG_TASKS = """window.long = []; new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.long.push(entry.duration);
}).observe({ type: "longtask", buffered: true });"""


class LookTest(PageCase):
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
        await expect(page.locator("#scroller")).to_be_focused()
        await expect(page.get_by_text("news", exact=True)).to_be_in_viewport()
        await self.post("more")
        await expect(page.get_by_text("more", exact=True)).to_be_in_viewport()

    @gen_test(timeout=30)
    async def test_scroll_middle_of_many_stays(self):
        page = await self.sign_in("alice")
        self.post_at_once(600)
        await expect(page.locator(".message")).to_have_count(500)
        await expect(page.locator("#log[aria-live=polite]")).to_be_attached()
        await page.evaluate("scroller.scrollTop = scroller.scrollHeight / 2")
        reading = page.get_by_text("message 350", exact=True)
        before = (await reading.bounding_box())["y"]
        for text in ("one more", "line\n" * 9, "and another"):
            await self.post(text)
            await expect(page.locator(".msg").last).to_have_text(text.strip())
            await expect(page.locator(".message")).to_have_count(500)
            after = (await reading.bounding_box())["y"]
            self.assertAlmostEqual(after, before, delta=1)

    def post_at_once(self, count):
        insert = "INSERT INTO log (at, name, msg) VALUES (?, ?, ?)"
        rows = ((time.time(), "bob", f"message {n}") for n in range(count))
        self._app.room.db.executemany(insert, rows)
        self._app.room.publish()

    @gen_test(timeout=30)
    async def test_end_stays_in_sight(self):
        await self.post(*(f"message {number}" for number in range(50)))
        page = await self.sign_in("alice")
        last = page.get_by_text("message 49", exact=True)
        await expect(last).to_be_in_viewport(ratio=1)
        await page.locator("#text").fill("a")
        for width, height in ((800, 300), (320, 600), (1920, 900)):
            await page.set_viewport_size({"width": width, "height": height})
            await expect(last).to_be_in_viewport(ratio=1)
            box = "text.scrollHeight - text.clientHeight"
            self.assertEqual(await page.evaluate(box), 0)  # the text fits its box
        await page.locator("#text").fill("five\n" * 5)
        await expect(last).to_be_in_viewport(ratio=1)
        await page.context.set_offline(True)
        await expect(page.locator("#status.offline")).to_be_visible()
        await expect(last).to_be_in_viewport(ratio=1)

    @gen_test(timeout=30)
    async def test_few_messages_stand_at_the_composer(self):
        page = await self.sign_in("alice")
        await self.say(page, "hello")
        message = await page.locator("#messages .msg").bounding_box()
        composer = await page.locator("#composer").bounding_box()
        self.assertLess(composer["y"] - message["y"] - message["height"], 30)

    @gen_test(timeout=30)
    async def test_title_unread(self):
        page = await self.sign_in("alice", script=HIDE)
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
    async def test_new_since_looked_away(self):
        page = await self.sign_in("alice", script=HIDE)
        await expect(page.locator("#log[aria-live=polite]")).to_be_attached()
        await self.post("seen")
        await self.shows(page, "seen")
        await expect(page.locator(".mark")).to_have_count(0)
        await page.evaluate("hide(true)")
        await self.post(*(f"news {number}" for number in range(40)))
        await expect(page).to_have_title("(40) Chat")
        await page.evaluate("hide(false)")
        first = page.locator("li", has=page.locator(".mark"))
        await expect(first.locator(".msg")).to_have_text("news 0")
        await expect(first.locator(".mark")).to_be_in_viewport()
        await expect(first.locator(".name")).to_be_visible()
        await expect(page.locator("#newer")).to_be_visible()
        await page.evaluate("toBottom(); hide(true)")
        await self.post("later")
        await expect(page).to_have_title("(1) Chat")
        await expect(first.locator(".msg")).to_have_text("later")
        await expect(page.locator(".mark")).to_have_count(1)

    # ------------------------------------------------------------ What messages hold

    @gen_test(timeout=30)
    async def test_links(self):
        page = await self.sign_in("alice")
        text = "(see http://a.example/b?c=d#e, https://f.example/.) javascript:alert(1)"
        await self.say(page, text, "ftp://g.example `https://h.example`")
        await expect(page.locator(".msg").first).to_have_text(text)
        links = page.locator(".msg a")
        await expect(links).to_have_text(
            ["http://a.example/b?c=d#e", "https://f.example/"]
        )
        await expect(page.locator(".msg code")).to_have_text("https://h.example")
        await expect(links.first).to_have_attribute("href", "http://a.example/b?c=d#e")
        await expect(links.first).to_have_attribute("rel", "noopener noreferrer")
        await expect(links.first).to_have_attribute("target", "_blank")

    @gen_test(timeout=30)
    async def test_code(self):
        page = await self.sign_in("alice")
        python = "def f(x):\n    if x:\n\treturn '<b>'  # two  spaces"
        await self.say(page, f"look:\n```python\n{python}\n```\nat `f(1)` and `")
        block, inline = page.locator(".msg code").first, page.locator(".msg code").last
        self.assertEqual(await block.text_content(), python)
        self.assertEqual(await inline.text_content(), "f(1)")
        await expect(block).to_have_css("white-space", "pre-wrap")
        await expect(block).to_have_css("display", "block")
        for code in (block, inline):
            await expect(code).to_have_css("font-family", re.compile("monospace"))
        await expect(page.locator(".msg")).to_contain_text("and `")
        self.assertEqual(await page.locator(".msg b").count(), 0)

    @gen_test(timeout=30)
    async def test_time_exact_on_hover(self):
        page = await self.sign_in("alice", timezone_id="Europe/Berlin", locale="en-GB")
        await page.evaluate(
            "accept({ id: 1, at: 1764000000.5, name: 'bob', msg: 'x' })"
        )
        when = page.locator("time")
        await expect(when).to_have_text("17:00")
        await expect(when).to_have_attribute("datetime", "2025-11-24T16:00:00.500Z")
        title = re.compile("Monday.* 24 November 2025.* 17:00:00")
        await expect(when).to_have_attribute("title", title)

    @gen_test(timeout=30)
    async def test_own_name_read_and_copied(self):
        page = await self.sign_in("alice")
        await self.say(page, "hello")
        copied = "getSelection().selectAllChildren(messages), `${getSelection()}`"
        self.assertIn("alice", await page.evaluate(copied))
        name = page.locator(".own .name")
        self.assertLessEqual((await name.bounding_box())["width"], 1)

    # --------------------------------------------------------------- When it is wrong

    @gen_test(timeout=30)
    async def test_problem_stands_at_the_composer(self):
        page = await self.sign_in("alice")
        await page.locator("#text").fill("x" * 2001)
        await page.locator("#text").press("Enter")
        problem = page.get_by_role("alert")
        await expect(problem).to_have_text(re.compile("limited to 2000 .* has 2001"))
        await expect(page.locator("#text")).to_have_accessible_description(
            re.compile("limited to 2000")
        )
        color = "rgb(163, 33, 27)"  # --alert
        await expect(problem).to_have_css("color", color)
        above, below = (
            await problem.bounding_box(),
            await page.locator("#text").bounding_box(),
        )
        self.assertLess(below["y"] - above["y"] - above["height"], 20)
        await page.locator("#text").press("Backspace")
        await expect(problem).to_have_text("")

    @gen_test(timeout=30)
    async def test_problem_told_once(self):
        page = await self.sign_in("alice")
        await page.evaluate("""window.told = 0;
          const tell = new MutationObserver((all) => { told += all.length; });
          tell.observe(problem, { childList: true });
          for (const n of [1, 2, 3]) refuse({ error: "Not now.", retry: true });""")
        await expect(page.locator("#problem")).to_have_text("Not now.")
        self.assertEqual(await page.evaluate("told"), 1)

    @gen_test(timeout=30)
    async def test_offline_is_a_bar(self):
        page = await self.sign_in("alice")
        await page.context.set_offline(True)
        bar = page.get_by_role("status")
        await expect(bar).to_have_text("Offline. Your messages wait here.")
        await expect(bar).to_have_css("background-color", "rgb(163, 33, 27)")
        room = await page.locator("body").bounding_box()
        self.assertEqual((await bar.bounding_box())["width"], room["width"])

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
            await expect(page.locator(part).first).to_have_css("overflow", "hidden")
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

    # -------------------------------------------------------- Phones, zoom, projectors

    @gen_test(timeout=60)
    async def test_phone_in_every_state(self):
        size = {"width": 320, "height": 568}
        for number, style in enumerate(("* {}", SPACED)):
            page = await self.forge(
                f"{number}" + "W" * 19, viewport=size, has_touch=True, bypass_csp=True
            )
            header = page.locator("header")  # one line of it
            self.assertLess((await header.bounding_box())["height"], 70)
            await page.add_style_tag(content=style)
            await self.fits(page)
            await page.evaluate("send({ msg: 'x'.repeat(2001) }, 'k')")
            await expect(page.get_by_role("button", name="Edit")).to_be_visible()
            await self.fits(page)
            await page.context.set_offline(True)
            await self.say(page, "later", "x" * 2001, sent=False)
            await expect(page.locator("#status.offline")).to_be_visible()
            await expect(page.locator("#problem")).to_contain_text("2001")
            await self.fits(page)

    async def fits(self, page):
        """Check that all is there and large enough for fingers."""
        await self.no_overflow(page)
        for button in await page.locator("button:visible").all():
            self.assertGreaterEqual((await button.bounding_box())["height"], 44)
        for part in ("h1", "header button", ".me", "#status", "#text", "#send"):
            await expect(page.locator(part)).to_be_in_viewport(ratio=1)
        self.assertGreater((await page.locator(".me").bounding_box())["width"], 40)
        cut_off = "(all) => all.filter((e) => e.scrollWidth > e.clientWidth).length"
        texts = page.locator("h1, .offline, #problem, header button")
        self.assertEqual(await texts.evaluate_all(cut_off), 0)

    @gen_test(timeout=30)
    async def test_zoom_of_400_percent(self):
        size = {"width": 320, "height": 256}  # what is left of 1280 by 1024
        page = await self.forge("W" * 20, viewport=size)
        await self.say(page, "hello")
        await self.half_is_conversation(page)
        await page.context.set_offline(True)
        await expect(page.locator("#status.offline")).to_be_visible()
        await self.half_is_conversation(page)
        await page.context.set_offline(False)
        await expect(page.locator("#status.online")).to_be_visible()
        await self.say(page, "x" * 2001, sent=False)
        await expect(page.locator("#problem")).to_be_in_viewport(ratio=1)
        await self.half_is_conversation(page)

    async def half_is_conversation(self, page):
        seen = await page.evaluate("scroller.clientHeight / innerHeight")
        self.assertGreaterEqual(seen, 0.5)

    @gen_test(timeout=30)
    async def test_projector(self):
        sizes = []
        for width in (800, 1280, 1920, 2560):
            page = await self.new_page(viewport={"width": width, "height": 1000})
            await page.goto("/")
            size = await page.evaluate("getComputedStyle(document.body).fontSize")
            sizes.append(float(size.removesuffix("px")))
        self.assertEqual(sizes[:2], [16, 16.032])
        self.assertGreater(sizes[2], 20)
        self.assertGreater(sizes[3], 26)

    @gen_test(timeout=30)
    async def test_print_shows_everything(self):
        await self.post(*(f"message {number}" for number in range(50)))
        page = await self.sign_in("alice")
        await self.say(page, "mine")
        await page.emulate_media(media="print")
        hidden = "scroller.scrollHeight - scroller.clientHeight"
        self.assertEqual(await page.evaluate(hidden), 0)
        height = await page.evaluate("document.documentElement.scrollHeight")
        self.assertGreater(height, 1500)
        self.assertGreater(
            (await page.locator(".own .name").bounding_box())["width"], 9
        )
        for part in ("#composer", "#status", "header button"):
            await expect(page.locator(part)).to_be_hidden()

    # --------------------------------------------------------------- Colours

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
            placeholder = "getComputedStyle(text, '::placeholder').color"
            color = await page.evaluate(placeholder)
            await page.locator("#text").evaluate("(e, c) => e.style.color = c", color)
            self.assertGreater(await self.contrast(page.locator("#text")), 4.5)

    @gen_test(timeout=30)
    async def test_forced_colors(self):
        page = await self.sign_in("alice", forced_colors="active")
        await self.post("hers")
        await self.say(page, "mine")
        widths = [
            await page.get_by_text(text, exact=True).evaluate(
                "(e) => getComputedStyle(e).borderTopWidth"
            )
            for text in ("hers", "mine")
        ]
        self.assertEqual(widths, ["1px", "3px"])

    def test_style_for_browsers_of_2020(self):
        # One unknown word, and an old browser leaves out the whole line or rule.
        style = project_text("static/chat.css")
        new = r"light-dark|color-mix|oklch|:is\(|:where\(|\d(lh|rlh|dvh|svh)|^  &"
        found = [line for line in style.splitlines() if re.search(new, line)]
        self.assertEqual(found, ["  height: 100dvh;"])
        self.assertIn("  height: 100vh;\n  height: 100dvh;\n", style)
        for selector in re.findall(r"[^{}]*:has\([^{}]*", style):
            self.assertNotIn(",", selector)  # or it takes the others along

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
        """Let 900 messages come while the page is offline."""
        await page.context.set_offline(True)
        await expect(page.locator("#status")).to_contain_text("Offline")
        insert = "INSERT INTO log (at, name, msg) VALUES (?, ?, ?)"
        text = f"message {attempt}"
        rows = ((time.time(), f"user {n % 30}", f"{text}{n} " * 8) for n in range(900))
        self._app.room.db.executemany(insert, rows)
        self._app.room.publish()
        await page.context.set_offline(False)
        last = page.get_by_text(f"{text}899 ").first
        await expect(last).to_be_visible(timeout=15000)

    async def type_while_busy(self, page, attempt):
        """Type for 4 seconds in which 50 messages a second arrive."""
        await page.locator("#text").focus()
        posting = asyncio.ensure_future(self.chatter(f"last {attempt}"))
        while not posting.done():
            await page.keyboard.type("typing ")
        await expect(page.get_by_text(f"last {attempt}")).to_be_in_viewport()

    async def chatter(self, last):
        posts = []
        for number in range(200):
            text = f"now {number} " * 8
            posts.append(asyncio.ensure_future(self.post(text, name=f"u{number % 30}")))
            await asyncio.sleep(0.02)
        await asyncio.gather(*posts)
        await self.post(last)

    @gen_test(timeout=90)
    async def test_axe(self):
        if not os.environ.get("AXE"):
            if os.environ.get("CI"):
                self.fail("AXE must name axe.min.js of the npm package axe-core.")
            self.skipTest("Set AXE to the axe.min.js of the npm package axe-core.")
        await self.post(
            "hello", "again", "`code` at http://a.example/\n```\nx = 1\n```"
        )
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
            await self.say(page, "later", "x" * 2001, sent=False)
            await expect(page.locator("#status.offline")).to_be_visible()
            await self.axe(page)
            await page.context.set_offline(False)
            await page.goto("/nothing")
            await self.axe(page)

    async def axe(self, page):
        await page.add_script_tag(path=os.environ["AXE"])
        run = "axe.run({ rules: { 'target-size': { enabled: true } } })"  # WCAG 2.2
        found = (await page.evaluate(run))["violations"]
        what = [(v["id"], v["nodes"][0]["html"][:120]) for v in found]
        self.assertEqual(what, [], page.url)
