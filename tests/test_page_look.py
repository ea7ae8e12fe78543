"""The page in a real browser: how it looks, in every light and at every size."""

import asyncio
import os
import re
import time

from tornado.testing import gen_test

from tests.page_support import HIDE, PageCase, expect
from tests.support import project_text

# What WCAG 1.4.12 lets readers ask for.
SPACED = """* { line-height: 1.5 !important; letter-spacing: 0.12em !important;
word-spacing: 0.16em !important } p { margin-bottom: 2em !important }"""
# An hour of a winter's day in Berlin, and seconds of it.
MORNING = 1737014400  # 2025-01-16, 9:00
BERLIN = {"timezone_id": "Europe/Berlin", "locale": "en-US"}
NAMES = "anna ben carla david emma finn greta hans ida jonas karl lena"
FONTS = ("serif", "monospace", "system-ui", "cursive")
BORDER = "(e, part) => getComputedStyle(e, part).borderTopColor"
TEXT = "(all) => all.map((e) => e.textContent)"


class LookTest(PageCase):
    # ----------------------------------------------------------------- What one sees

    @gen_test(timeout=30)
    async def test_history_on_arrival(self):
        await self.post(*(f"m{number}" for number in range(60)))
        page = await self.sign_in("alice")
        await self.shows(page, *(f"m{number}" for number in range(10, 60)))
        self.assertEqual(await page.locator("#log").get_attribute("aria-live"), "off")
        await expect(page.locator(".msg").last).to_be_in_viewport(ratio=1)
        await expect(page.locator("#newer")).to_be_hidden()
        await self.catches_up(page)

    @gen_test(timeout=30)
    async def test_missed_messages_counted_and_not_read_aloud(self):
        page = await self.sign_in("alice", script=HIDE)
        await self.post("seen")
        await self.catches_up(page)
        await page.evaluate("""window.aloud = 0; hide(true);
          new MutationObserver(() => { aloud += log.ariaLive === "polite"; })
            .observe(messages, { childList: true });""")
        await self.break_line(page)
        await self.post(*(f"m{number}" for number in range(135)))
        await page.evaluate("tunnel(0)")
        await expect(page).to_have_title("(135) Chat")
        self.assertEqual(await page.evaluate("aloud"), 0)
        await self.catches_up(page)
        await self.post("read aloud")
        await expect(page).to_have_title("(136) Chat")
        self.assertEqual(await page.evaluate("aloud"), 1)

    @gen_test(timeout=30)
    async def test_attributes_keep_no_state(self):
        page = await self.sign_in("alice", script=HIDE)
        await self.catches_up(page)
        await page.evaluate("hide(true), log.setAttribute('aria-live', 'off')")
        await page.evaluate("document.body.dataset.name = document.body.className = ''")
        await page.evaluate("document.querySelector('#status').className = ''")
        await self.post("one", "two")
        await expect(page).to_have_title("(2) Chat")
        await self.say(page, "mine")
        await expect(page.locator("#messages .own")).to_have_count(1)

    @gen_test(timeout=30)
    async def test_way_down(self):
        await self.post(*(f"message {number}" for number in range(50)))
        page = await self.sign_in("alice")
        await self.catches_up(page)
        down = page.locator("#newer")
        await expect(down).to_be_hidden()
        await page.evaluate("scroller.scrollTop = 300")
        await expect(down).to_have_text(re.compile("^Newest"))
        await self.post("news", "more")
        await expect(down).to_have_text(re.compile("^2 new"))
        self.assertEqual(await page.evaluate("scroller.scrollTop"), 300)
        text = await page.locator("#scroller").bounding_box()
        below = (await down.bounding_box())["y"] - text["y"] - text["height"]
        self.assertGreaterEqual(below, 0)  # it covers nothing
        await down.click()
        await expect(down).to_be_hidden()
        await expect(page.locator("#scroller")).to_be_focused()
        await self.post("later")
        await expect(page.get_by_text("later", exact=True)).to_be_in_viewport()

    @gen_test(timeout=30)
    async def test_reader_of_old_messages_loses_none(self):
        self.store(*((time.time(), "bob", f"message {n}") for n in range(500)))
        page = await self.sign_in("alice")
        self.store(*((time.time(), "bob", f"message {n}") for n in range(500, 950)))
        await expect(page.locator(".message")).to_have_count(500)
        for place, text in ((0, "message 450"), (9000, "message 700")):
            await page.evaluate(f"scroller.scrollTop = {place}")
            reading = page.get_by_text(text, exact=True)
            before = await reading.bounding_box()
            await self.post("one more", "line\n" * 9, "and another")
            await expect(page.locator(".msg").last).to_have_text("and another")
            self.assertEqual(await reading.bounding_box(), before)
        await page.locator("#newer").click()
        await self.post("the last")
        await expect(page.locator(".message")).to_have_count(500)

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
    async def test_new_since_looked_away(self):
        page = await self.sign_in("alice", script=HIDE)
        await self.catches_up(page)
        await self.post("seen")
        await self.shows(page, "seen")
        await expect(page.locator(".mark")).to_have_count(0)
        await expect(page).to_have_title("Chat")
        await page.evaluate("hide(true)")
        await self.post("mine, from elsewhere", name="alice")
        await self.post(*(f"news {number}" for number in range(40)))
        await expect(page).to_have_title("(40) Chat")
        await page.evaluate("hide(false)")
        first = page.locator("li", has=page.locator(".mark"))
        await expect(first.locator(".msg")).to_have_text("news 0")
        await expect(first.locator(".mark")).to_be_in_viewport()
        await expect(first.locator(".name")).to_be_visible()
        await expect(page.locator("#newer")).to_be_visible()
        await page.locator("#newer").click()
        await expect(page).to_have_title("Chat")
        await page.evaluate("hide(true)")
        await self.post("later")
        await expect(page).to_have_title("(1) Chat")
        await expect(first.locator(".msg")).to_have_text("later")
        await expect(page.locator(".mark")).to_have_count(1)

    # ------------------------------------------------------------ What messages hold

    @gen_test(timeout=30)
    async def test_links_end_where_the_address_does(self):
        page = await self.sign_in("alice")
        addresses = """http://a.example/b?c=d#e https://f.example/wiki/Chat_(software)
            http://g.example/?q=[1] http://[::1]:5000/ Https://h.example/{id}
            http://i.example/% http://j.example/a(b)c""".split()
        for address in addresses:
            await self.receive(page, id=1, at=1, name="bob", msg=address)
        await expect(page.locator(".msg a")).to_have_text(addresses)
        around = "» ” ’ ' \" 」 ） 。 ， … * ** } ) ] . , ! ? : ; ). ]) “ „".split()
        for marks in around:
            text = f"(see http://a.example/b{marks} and http:// javascript:alert(1)"
            await self.receive(page, id=1, at=1, name="bob", msg=text)
            last = page.locator(".msg").last
            await expect(last).to_have_text(text)
            await expect(last.locator("a")).to_have_text("http://a.example/b")
        link = page.locator(".msg a").last
        await expect(link).to_have_attribute("href", "http://a.example/b")
        await expect(link).to_have_attribute("rel", "noopener noreferrer")
        await expect(link).to_have_attribute("target", "_blank")

    @gen_test(timeout=30)
    async def test_long_addresses_and_fences_take_linear_time(self):
        page = await self.sign_in("alice")
        script = """async (text) => {
          const { format } = await import("/static/message.js");
          const start = performance.now();
          format(text);
          return performance.now() - start;
        }"""
        for piece in ("http://a", ")", "(", "[(", "`a", "``a", "```", "``a```b", " \n"):
            text = "http://a" + piece * (100_000 // len(piece))
            self.assertLess(await page.evaluate(script, text), 1000, piece)  # ms

    @gen_test(timeout=30)
    async def test_code(self):
        page = await self.sign_in("alice")
        python = "def f(x):\n    if x:\n\treturn '<b>'  # two  spaces" + " long" * 99
        for text, code in {
            f"look:\n```python\n{python}\n```\nat": python,
            "```c++\nx\n```": "x", "```c#\nx```": "x", "```objective-c\n x```": " x",
            "```\nx\n```": "x", "```hello```": "hello", "```two words\nx```":
            "two words\nx", "```python\n```": "python", "so `f(1)` and `": "f(1)",
            "``a`b``": "a`b", "`` ` ``": "`", "` x`": " x",
        }.items():
            await self.receive(page, id=1, at=1, name="bob", msg=text)
            found = page.locator(".msg").last.locator("code")
            self.assertEqual(await found.evaluate_all(TEXT), [code])
            await expect(found).to_have_css("white-space", "pre")
            await expect(found).to_have_css("font-family", re.compile("monospace"))
        for text in ("``````", "```\n```", "``` ```", "``", "`\n`"):
            await self.receive(page, id=1, at=1, name="bob", msg=text)
            await expect(page.locator(".msg").last.locator("code")).to_have_count(0)
            self.assertEqual(await page.locator(".msg").last.text_content(), text)
        self.assertEqual(await page.locator(".msg b").count(), 0)
        await self.no_overflow(page)

    @gen_test(timeout=30)
    async def test_times_of_an_hour(self):
        page = await self.sign_in("alice", **BERLIN)
        self.store(*((MORNING + 240 * n, "bob", f"m{n}") for n in range(16)))
        times = page.locator("#messages time")
        await expect(times).to_have_count(16)
        told = await times.evaluate_all(TEXT)
        self.assertEqual([time.replace("\u202f", " ") for time in told[:3]],
                         ["9:00 AM", "9:04 AM", "9:08 AM"])
        seen = "(all) => all.filter((e) => getComputedStyle(e).opacity === '1').length"
        self.assertEqual(await times.evaluate_all(seen), 8)
        await page.get_by_text("m15", exact=True).hover()
        self.assertEqual(await times.evaluate_all(seen), 9)
        when = times.first
        await expect(when).to_have_attribute("datetime", "2025-01-16T08:00:00.000Z")
        title = re.compile("Thursday, January 16, 2025.* 9:00:00")
        await expect(when).to_have_attribute("title", title)

    @gen_test(timeout=30)
    async def test_days_say_their_year(self):
        page = await self.sign_in("alice", **BERLIN)
        years = [MORNING - days * 86400 for days in (3653, 1827, 1, 0)]
        self.store(*((at, "bob", f"m{at}") for at in years))
        await expect(page.locator(".day:visible")).to_have_text(
            ["Friday, January 16, 2015", "Thursday, January 16, 2020",
             "Wednesday, January 15, 2025", "Thursday, January 16, 2025"]
        )

    @gen_test(timeout=30)
    async def test_colours_of_avatars_apart(self):
        page = await self.sign_in("alice")
        self.store(*((time.time(), name, "hello") for name in NAMES.split()))
        await expect(page.locator(".message")).to_have_count(12)
        style = "(all) => all.map((e) => Number(e.style.getPropertyValue('--hue')))"
        hues = sorted(await page.locator(".message").evaluate_all(style))
        gaps = [b - a for a, b in zip(hues, [*hues[1:], hues[0] + 360], strict=True)]
        self.assertGreaterEqual(min(gaps), 20)

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
          const line = '{"error": "Not now."}';
          for (const n of [1, 2, 3]) ws.onmessage({ data: line });""")
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
    async def test_focus_returns_to_the_composer(self):
        page = await self.sign_in("alice")
        text, send = page.locator("#text"), page.get_by_role("button", name="Send")
        for words in ("", "hello"):
            await text.fill(words)
            await send.click()
            await expect(text).to_be_focused()
        await self.shows(page, "hello")
        await page.locator("#scroller").focus()
        await page.keyboard.press("Control+c")
        await page.keyboard.press("Space")
        await expect(text).not_to_be_focused()
        await page.keyboard.type("typed while reading")
        await expect(text).to_have_value("typed while reading")

    @gen_test(timeout=30)
    async def test_enter_on_a_touch_screen_begins_a_line(self):
        page = await self.sign_in("alice", has_touch=True, is_mobile=True)
        await page.locator("#text").tap()
        await page.keyboard.type("one")
        await page.keyboard.press("Enter")
        await page.keyboard.type("two")
        await page.get_by_role("button", name="Send").tap()
        await self.shows(page, "one\ntwo")
        await expect(page.locator("#text")).to_have_attribute("enterkeyhint", "enter")
        viewport = page.locator("meta[name=viewport]")
        resizes = re.compile("interactive-widget=resizes-content")
        await expect(viewport).to_have_attribute("content", resizes)

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
            await self.keep_unsent(page, "x" * 2001)
            await page.add_style_tag(content=style)
            await expect(page.get_by_role("button", name="Edit")).to_be_visible()
            await self.fits(page)
            await page.context.set_offline(True)
            for words in ("later", "x" * 2001):
                await page.locator("#text").fill(words)
                await page.get_by_role("button", name="Send").click()
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
    async def test_sign_in_and_error_page_fit_a_phone(self):
        for width in (300, 320):
            size = {"width": width, "height": 568}
            page = await self.new_page(viewport=size, bypass_csp=True)
            for path in ("/", "/nothing"):
                await page.goto(path)
                for font in FONTS:
                    family = f"* {{ font-family: {font} !important }}"
                    await page.add_style_tag(content=family)
                    card = await page.locator(".card").bounding_box()
                    for part in await page.locator(".card *:visible").all():
                        box = await part.bounding_box()
                        right = box["x"] + box["width"]
                        self.assertLessEqual(right, card["x"] + card["width"])
                    self.assertLessEqual(card["x"] + card["width"], width)

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
        await page.emulate_media(media="print", color_scheme="dark")
        own = page.locator(".own .msg")
        self.assertGreater(await self.contrast(own), 12)
        await expect(own).to_have_css("color", "rgb(29, 37, 36)")

    # --------------------------------------------------------------- Colours

    @gen_test(timeout=30)
    async def test_dark(self):
        for scheme, darker in (("light", False), ("dark", True)):
            page = await self.sign_in("a-" + scheme, color_scheme=scheme)
            await self.say(page, "hello")
            background = await page.evaluate(
                "getComputedStyle(document.documentElement).backgroundColor"
            )
            channels = list(map(int, re.findall(r"\d+", background)))
            brightness = sum(channels)
            bar = page.locator(f"meta[name=theme-color][media*={scheme}]")
            color = "#" + bytes(channels).hex()
            await expect(bar).to_have_attribute("content", color)
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
        await self.say(page, "mine `code`", "mine")
        for part in (".avatar", "#messages code"):
            edge = page.locator(part).first
            await expect(edge).to_have_css("border-top-width", "1px")
            self.assertNotIn("rgba", await edge.evaluate(BORDER))
        self.assertNotIn("rgba", await page.locator("h1").evaluate(BORDER, "::before"))
        widths = [
            await page.get_by_text(text, exact=True).evaluate(
                "(e) => getComputedStyle(e).borderTopWidth"
            )
            for text in ("hers", "mine")
        ]
        self.assertEqual(widths, ["1px", "3px"])

    def test_style_is_small_and_plain(self):
        style = project_text("static/chat.css")
        self.assertLessEqual(len(style.splitlines()), 340)
        self.assertNotIn(":has(", style)
        for selector in re.findall(r"^ *([^@/{}]+) {", style, re.MULTILINE):
            for part in selector.split(","):
                self.assertLessEqual(len(part.split()), 3, selector)
                self.assertNotRegex(part, "[~+>]")
        scripts = project_text("static/chat.js") + project_text("static/message.js")
        self.assertLessEqual(len(scripts.splitlines()), 430)

    @gen_test(timeout=90)
    async def test_performance_busy(self):
        page = await self.sign_in("alice")
        await self.say(page, "the first one")
        session = await page.context.new_cdp_session(page)
        # The time of the page's own thread: other programs may be busy, too.
        await session.send("Performance.enable", {"timeDomain": "threadTicks"})
        before = await self.seconds(session)
        await self.miss_many(page, "a")
        await self.type_while_busy(page, "a")
        self.assertLess(await self.seconds(session) - before, 6)
        self.assertLessEqual(await page.locator(".message").count(), 500)

    async def seconds(self, session):
        """Ask Chromium how long a page has been at work."""
        found = await session.send("Performance.getMetrics")
        values = {metric["name"]: metric["value"] for metric in found["metrics"]}
        return values["TaskDuration"]

    async def miss_many(self, page, attempt):
        """Let 900 messages come while the page is offline."""
        await page.context.set_offline(True)
        await expect(page.locator("#status")).to_contain_text("Offline")
        text = f"message {attempt}"
        now = time.time()
        self.store(*((now, f"u{n % 30}", f"{text}{n} " * 8) for n in range(900)))
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
            await self.keep_unsent(page, "x" * 2001)
            await self.catches_up(page)
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
