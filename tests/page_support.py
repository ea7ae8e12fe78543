"""What the tests of the page share: a chat, and real browser windows to look at it.

Needs the package playwright and a browser; without them, the tests skip and say so.
"""

import asyncio
import contextlib
import os
import re
import shutil
import unittest

from tests.support import ChatCase

try:
    from playwright.async_api import async_playwright, expect
    from playwright.sync_api import sync_playwright
except ImportError:
    async_playwright = expect = sync_playwright = None

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium", path="/usr/bin")
# What the browser itself writes on the console when a line breaks or an answer is 4xx.
EXPECTED = re.compile("Failed to load resource|WebSocket connection to|net::ERR_")

# A tab that one can leave: hide(true), and come back to.
HIDE = """window.away = false;
Object.defineProperty(document, "hidden", { get: () => away });
window.hide = (value) => {
  away = value;
  document.dispatchEvent(new Event("visibilitychange"));
};"""


class Cable:
    """A TCP proxy that stands for the network: it can be cut, and it can freeze.

    Args:
        port: of the chat at its other end.
    """

    def __init__(self, port):
        self.port, self.down = port, False
        self.thawed, self.writers = asyncio.Event(), []
        self.thawed.set()

    async def __aenter__(self):
        self.server = await asyncio.start_server(self.connect, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_):
        self.server.close()
        self.thawed.set()
        self.cut()

    async def connect(self, reader, writer):
        if self.down:
            return writer.close()
        with contextlib.suppress(OSError, asyncio.CancelledError):
            there = await asyncio.open_connection("127.0.0.1", self.port)
            self.writers += [writer, there[1]]
            await asyncio.gather(
                self.pump(reader, there[1]), self.pump(there[0], writer)
            )

    async def pump(self, reader, writer):
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                await self.thawed.wait()
                writer.write(data)
                await writer.drain()
        writer.close()

    def cut(self, down=False):
        """Break what goes through it; down: and let nothing through from now on."""
        self.down = down
        for writer in self.writers:
            writer.transport.abort()
        self.writers.clear()


class PageCase(ChatCase):
    """The page in a real browser, against a real server.

    What no page may do fails its test: an error on the console, a request elsewhere.
    """

    @classmethod
    def setUpClass(cls):
        try:
            if CHROMIUM is None:
                with sync_playwright() as playwright:
                    os.stat(playwright.chromium.executable_path)
            elif sync_playwright is None or not os.path.exists(CHROMIUM):
                raise OSError
        except (OSError, TypeError):
            sentence = (
                "The browser tests need `pip install playwright` and Chromium, "
                "for instance by `playwright install chromium`."
            )
            if os.environ.get("CI"):
                raise AssertionError(sentence) from None
            raise unittest.SkipTest(sentence) from None

    def setUp(self):
        super().setUp()
        self.faults, self.url = [], self.get_url("")
        self.io_loop.run_sync(self.start_browser, timeout=30)

    def tearDown(self):
        self.io_loop.run_sync(self.stop_browser, timeout=30)
        super().tearDown()
        self.assertEqual(self.faults, [])

    async def start_browser(self):
        self.playwright = await async_playwright().start()
        self.chromium = await self.playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )

    async def stop_browser(self):
        await self.chromium.close()
        await self.playwright.stop()

    # ------------------------------------------------------------------- its windows

    async def new_page(self, url=None, script=None, **options):
        """Open a browser window of its own, watched for what no page may do."""
        context = await self.chromium.new_context(base_url=url or self.url, **options)
        context.set_default_timeout(5000)
        if script:
            await context.add_init_script(script)
        context.on("page", self.watch)
        return await context.new_page()

    def watch(self, page):
        def on_console(message):
            bad = message.type in ("error", "warning")
            if bad and not EXPECTED.search(message.text):
                self.faults.append("console: " + message.text)

        def on_request(request):
            if not re.match("(http|ws)://127.0.0.1:", request.url):
                self.faults.append("a request to " + request.url)

        page.on("console", on_console)
        page.on("pageerror", lambda error: self.faults.append(f"uncaught: {error}"))
        page.on("request", on_request)
        page.on("websocket", on_request)

    async def sign_in(self, name, **options):
        """Open a window and sign in by the form; options are those of new_page()."""
        page = await self.new_page(**options)
        await page.goto("/")
        await page.get_by_label("Your nickname").fill(name)
        await page.get_by_role("button", name="Join").click()
        await expect(page.locator("#status.online")).to_be_visible()
        return page

    async def forge(self, name, **options):
        """Sign in with a cookie, as no form would let this name in."""
        page = await self.new_page(**options)
        await self.take_cookies(page, self.visitor().sign_in(name))
        await page.goto("/chat")
        await expect(page.locator("#status.online")).to_be_visible()
        return page

    async def take_cookies(self, page, visitor):
        """Let a page's browser be that of a Visitor who has signed in."""
        pairs = visitor.cookies.items()
        cookies = [{"name": n, "value": v, "url": self.url} for n, v in pairs]
        await page.context.add_cookies(cookies)

    async def say(self, page, *texts, sent=True):
        """Type messages and send them; sent: wait until none is pending."""
        for text in texts:
            await page.locator("#text").fill(text)
            await page.locator("#text").press("Enter")
        if sent:
            await expect(page.locator("#pending li")).to_have_count(0)

    async def shows(self, page, *texts):
        """Wait until these messages are on the page, in this order, and no others."""
        messages = page.locator("#messages .msg")
        await expect(messages).to_have_text(list(texts), timeout=15000)

    async def receive(self, page, **line):
        """Let a page receive a line as if the server had sent it."""
        script = "(line) => ws.onmessage({ data: JSON.stringify(line) })"
        await page.evaluate(script, line)

    async def keep_unsent(self, page, msg):
        """Load a page with a message in its storage, as if it had been reloaded."""
        script = """(msg) => sessionStorage.setItem(
          `chat:${document.body.dataset.name}:1`, JSON.stringify({ msg }))"""
        await page.evaluate(script, msg)
        await page.reload()

    async def catches_up(self, page):
        """Wait until what comes is news."""
        await expect(page.locator("#log[aria-live=polite]")).to_be_attached()

    async def break_line(self, page):
        """Break a page's line, which does not come back by itself."""
        await page.evaluate("tunnel(1000)")
        await expect(page.locator("#status.offline")).to_be_visible()

    async def no_overflow(self, page):
        """Check that nothing is wider than the window."""
        width = "document.documentElement.scrollWidth - innerWidth"
        self.assertLessEqual(await page.evaluate(width), 0)
        inner = "scroller.scrollWidth - scroller.clientWidth"
        self.assertLessEqual(await page.evaluate(inner), 0)

    async def contrast(self, locator):
        """Compute the WCAG contrast of an element's text and its opaque background."""
        script = """(e) => ["color", "backgroundColor"]
          .map((name) => getComputedStyle(e)[name])
          .map((c) => c.match(/[0-9.]+/g).slice(0, 3).map((v) => v / 255)
            .map((v) => v > 0.04045 ? ((v + 0.055) / 1.055) ** 2.4 : v / 12.92)
            .reduce((s, v, i) => s + v * [0.2126, 0.7152, 0.0722][i], 0.05))"""
        light = sorted(await locator.evaluate(script))
        return light[1] / light[0]

    # ------------------------------------------------------------------- its chats

    def hang_up(self, code=1001):
        """Close all lines from the server's side."""
        for handler in self.handlers:
            handler.close(code)

    async def post(self, *texts, name="bob"):
        """Let somebody post messages, past the network."""
        post = self.room.post
        await asyncio.gather(*(post(name, text, None) for text in texts))

    def store(self, *rows):
        """Put messages into the log all at once: their time, name and text."""
        insert = "INSERT INTO log (at, name, msg) VALUES (?, ?, ?)"
        self.room.db.executemany(insert, rows)
        self.room.publish()
