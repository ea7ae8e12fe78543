"""The page in Firefox and in WebKit: the journeys that matter most.

test_page.py has all of them, in Chromium. All but one wait for HEAVY=1.
"""

import asyncio
import contextlib
import os
import tempfile
import unittest
from pathlib import Path

from tornado.testing import gen_test

from tests.engines import BrowserError, Firefox, WebKit
from tests.page_support import Cable
from tests.support import ChatCase, heavy, needs_signals

MESSAGES = "[...document.querySelectorAll('#messages .msg')].map((e) => e.textContent)"
OWN = MESSAGES.replace(".msg", ".own .msg")
PENDING = MESSAGES.replace("#messages", "#pending")
STATUS = "document.querySelector('#status').textContent.split('.')[0]"
NEWER = "document.querySelector('#newer:not([hidden])')?.textContent"
FIELD = "document.querySelector('label').textContent"
ERROR = "document.querySelector('[role=alert]')?.textContent"
FORM = "new URLSearchParams(new FormData(signout))"
FOCUS = "document.activeElement"
AT_BOTTOM = "scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 2"


class Journeys:
    """What people do at the page; a subclass says with which engine."""

    @classmethod
    def setUpClass(cls):
        sentence = f"needs {cls.engine.needs}"
        if not cls.engine.installed and os.environ.get("CI"):
            raise AssertionError(sentence)
        if not cls.engine.installed:
            raise unittest.SkipTest(sentence)
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        cls.addClassCleanup(folder.cleanup)
        cls.browser = cls.engine(Path(folder.name))
        cls.addClassCleanup(cls.browser.stop)
        cls.browser.launch()

    def setUp(self):
        super().setUp()
        self.browser.faults.clear()
        self.io_loop.run_sync(self.browser.start, timeout=30)

    def tearDown(self):
        self.io_loop.run_sync(self.browser.finish, timeout=30)
        super().tearDown()
        self.assertEqual(self.browser.faults, [])

    async def sign_in(self, name, url=None):
        """Return the window of somebody new, who has signed in by the form."""
        window = await self.browser.new_person()
        await window.goto(url or self.get_url("/"))
        await window.click("Your nickname")
        await window.press(*name)
        await window.click("Join the chat")
        await window.wait_for(STATUS, "Connected")
        return window

    async def sign_in_both(self):
        """Return the windows of alice and bob, who do not wait for each other."""
        return await asyncio.gather(self.sign_in("alice"), self.sign_in("bob"))

    async def say(self, window, *texts):
        await window.click("Message")
        for text in texts:
            await window.press(*text, "Enter")

    async def post(self, *texts):
        """Let bob post messages all at once, past the network."""
        post = self.room.post
        await asyncio.gather(*(post("bob", text, None) for text in texts))

    @gen_test(timeout=30)
    async def test_two_people(self):
        alice, bob = await self.sign_in_both()
        await self.say(alice, "one", "two")
        await bob.wait_for(MESSAGES, ["one", "two"])
        await self.say(bob, "three")
        for window, own in ((alice, ["one", "two"]), (bob, ["three"])):
            await window.wait_for(MESSAGES, ["one", "two", "three"])
            self.assertEqual(await window.value(OWN), own)

    @gen_test(timeout=30)
    async def test_reload(self):
        async with Cable(self.get_http_port()) as cable:
            window = await self.sign_in("alice", cable.url)
            await self.say(window, "one", "two")
            await window.wait_for(MESSAGES, ["one", "two"])
            await window.goto(f"{cable.url}/chat")
            await window.wait_for(MESSAGES, ["one", "two"])
            cable.cut(down=True)
            await window.wait_for(STATUS, "Offline")
            await self.say(window, "three")
            await window.wait_for(PENDING, ["three"])
            with contextlib.suppress(BrowserError):
                await window.goto(f"{cable.url}/chat")
            cable.down = False
            await window.goto(f"{cable.url}/chat")
            await window.wait_for(MESSAGES, ["one", "two", "three"])
            await window.wait_for(PENDING, [])

    @gen_test(timeout=30)
    async def test_offline_and_back(self):
        async with Cable(self.get_http_port()) as cable:
            window = await self.sign_in("alice", cable.url)
            await window.value("window.untouched = true")
            cable.cut(down=True)
            await window.set_offline(True)
            await window.wait_for(STATUS, "Offline")
            await self.say(window, "later")
            await self.post("meanwhile")
            await window.wait_for(PENDING, ["later"])
            cable.down = False
            await window.set_offline(False)
            await window.wait_for(MESSAGES, ["meanwhile", "later"])
            await window.wait_for(PENDING, [])
            await window.wait_for(STATUS, "Connected")
            self.assertTrue(await window.value("untouched"))  # it was not loaded anew

    @gen_test(timeout=30)
    async def test_signed_out_elsewhere(self):
        window = await self.sign_in("alice")
        form = f"{{ method: 'POST', body: {FORM} }}"
        await window.value(f"void fetch('/logout', {form}).catch(String)")
        await window.wait_for(FIELD, "Your nickname")
        await window.wait_for(ERROR, "You are signed out. Please sign in.")

    @gen_test(timeout=30)
    async def test_reader_in_the_middle(self):
        window = await self.sign_in("alice")
        await window.wait_for("document.querySelector('[aria-live=polite]') != null")
        await self.post(*(f"message {number}" for number in range(500)))
        await window.wait_for(f"{MESSAGES}.length", 500)
        await window.value("window.read = document.querySelectorAll('.msg')[250]")
        await window.value("read.scrollIntoView({ block: 'center' })")
        await window.wait_for(NEWER, "Newest ↓")
        top = await window.value("read.getBoundingClientRect().top")
        await self.post(*(f"news {number}" for number in range(100)))
        await window.wait_for(NEWER, "100 new ↓")
        now = await window.value("read.getBoundingClientRect().top")
        self.assertAlmostEqual(now, top, delta=2)  # pixels
        await window.click("100 new")
        await window.wait_for(AT_BOTTOM)

    @gen_test(timeout=30)
    async def test_keyboard_alone(self):
        window = await self.browser.new_person()
        await window.goto(self.get_url("/"))
        await window.wait_for(f"{FOCUS}.name", "name")
        await window.press(*"alice", "Enter")
        await window.wait_for(STATUS, "Connected")
        await window.press(*"hello", "Enter")
        await window.wait_for(MESSAGES, ["hello"])
        await self.go_to(window, "Send", "Tab")
        await self.go_to(window, "Sign out", "Shift+Tab")
        await window.press("Enter")
        await window.wait_for(FIELD, "Your nickname")
        self.assertEqual(await window.value(f"{FOCUS}.name"), "name")

    async def go_to(self, window, name, key):
        """Press a key until a button has the focus; see that the focus shows."""
        while await window.value(f"{FOCUS}.textContent") != name:
            await window.press(key)
        style = await window.value(f"getComputedStyle({FOCUS}).outlineStyle")
        self.assertEqual(style, "solid")

    @gen_test(timeout=30)
    async def test_console(self):
        """The other tests would see an error on the console, and each kind of it."""
        window = await self.sign_in("alice")
        await window.value("console.error('an error')")
        await window.value("setTimeout(() => nothing())")
        await window.value("void Promise.reject('a promise')")
        for words in ("an error", "nothing", "a promise"):
            while not any(words in fault for fault in self.browser.faults):
                await window.value("0")
        self.browser.faults.clear()


@heavy
@needs_signals
class FirefoxTest(Journeys, ChatCase):
    engine = Firefox


@heavy
@needs_signals
class WebKitTest(Journeys, ChatCase):
    engine = WebKit
