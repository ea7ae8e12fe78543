"""python -m workshop board: what it shows, to whom, and what its buttons do."""

import asyncio
import json
from unittest import mock

from tornado.httpclient import HTTPRequest
from tornado.testing import gen_test
from tornado.websocket import websocket_connect

import chat
from tests.page_support import PageCase, expect
from tests.support import ChatCase, until
from workshop import board

NOBODY = {"X-Forwarded-For": "192.0.2.7"}  # somebody at another computer


class BoardCase(ChatCase):
    """A chat that has a board."""

    everybody = False

    async def start_app(self):
        def make(options, room):
            options.everybody = self.everybody
            return board.Board(options, room)

        with mock.patch.object(chat, "Application", make):
            return await super().start_app()

    async def connect_board(self, visitor=None):
        headers = (visitor or self.visitor()).headers()
        url = self.get_url("/board/ws").replace("http", "ws", 1)
        self.visitors.append(await websocket_connect(HTTPRequest(url, headers=headers)))
        return self.visitors[-1]

    async def frame(self, ws, condition=lambda frame: True):
        """Return the first frame for which a condition holds."""
        while True:
            frame = json.loads(await ws.read_message())
            if condition(frame):
                return frame


class BoardServerTest(BoardCase):
    """The frames that a board gets, without a browser."""

    def get_httpserver_options(self):
        return {"xheaders": True}

    @gen_test
    async def test_page_shown_to_this_computer_alone(self):
        self.assertEqual((await self.visitor().get("/board")).code, 200)
        for path in ("/board", "/board/ws"):
            answer = await self.visitor().get(path, headers=NOBODY)
            self.assertEqual(answer.code, 403, path)
        self._app.everybody = True
        self.assertEqual((await self.visitor().get("/board", headers=NOBODY)).code, 200)

    @gen_test
    async def test_frame_has_cursors_and_first_words(self):
        alice, _ = await self.alice.connect(), await self.bob.connect()
        await alice.send("one " * 50)
        ws = await self.connect_board()
        frame = await self.frame(ws, lambda frame: frame["end"] == 1)
        self.assertEqual(frame["lanes"], [["alice", 1, "live", False],
                                          ["bob", 1, "live", False]])
        self.assertEqual(frame["boxes"], [[1, "alice", ("one " * 50)[:board.WORDS]]])

    @gen_test
    async def test_resend_told_with_the_number_of_the_first(self):
        alice = await self.alice.connect()
        ws = await self.connect_board()
        await alice.send("one", "k")
        await alice.send("one", "k")
        frame = await self.frame(ws, lambda frame: frame["resends"])
        self.assertEqual(frame["resends"], [["alice", 1]])

    @gen_test
    async def test_tunnel_holds_own_line_and_loses_nothing(self):
        alice, bob = await self.alice.connect(), await self.bob.connect()
        ws, room = await self.connect_board(self.alice), self._app.room
        with mock.patch.object(board, "TUNNEL", 1):
            await ws.write_message("tunnel")
            await self.frame(ws, lambda frame: frame["lanes"][0][2] == "held")
            await room.post("bob", "0", None)  # this one is on its way already
            await asyncio.gather(*(room.post("bob", n, None) for n in "12345678"))
        frame = await self.frame(ws, lambda frame: frame["end"] == 9)
        self.assertEqual(frame["lanes"], [["alice", 1, "held", True],
                                          ["bob", 9, "live", False]])
        await self.frame(ws, lambda frame: frame["lanes"][0][1:3] == [9, "live"])
        for reader in (alice, bob):
            self.assertEqual(await reader.texts(9), list("012345678"))

    @gen_test
    async def test_message_sent_twice_stored_once(self):
        alice = await self.alice.connect()
        ws = await self.connect_board(self.alice)
        with mock.patch.object(board, "ECHO", 0.01):
            await ws.write_message("twice")
            frame = await self.frame(ws, lambda frame: frame["resends"])
        self.assertEqual((frame["end"], frame["resends"]), (1, [["alice", 1]]))
        self.assertEqual((await alice.line())["msg"], board.TWICE)

    @gen_test
    async def test_broken_line_missed_until_it_is_back(self):
        alice = await self.alice.connect()
        ws = await self.connect_board()
        await self.frame(ws, lambda frame: frame["lanes"])
        alice.stream.close()
        await self.frame(ws, lambda frame: frame["lanes"][0][2] == "lost")
        await self.alice.connect("?since=0")
        await self.frame(ws, lambda frame: frame["lanes"][0][2] == "live")

    @gen_test
    async def test_line_lost_long_ago_forgotten(self):
        alice = await self.alice.connect()
        ws = await self.connect_board()
        with mock.patch.object(board, "LOST", 0):
            alice.stream.close()
            await self.frame(ws, lambda frame: not frame["lanes"])

    @gen_test
    async def test_forty_drawn_and_the_others_counted(self):
        for n in range(42):
            await self.visitor().sign_in(f"user{n}").connect()
        await self.alice.connect()
        frame = await self.frame(await self.connect_board(self.alice))
        self.assertEqual((len(frame["lanes"]), frame["more"]), (40, 3))
        self.assertEqual(frame["lanes"][0][0], "alice")  # one's own is drawn

    @gen_test
    async def test_without_a_board_nothing_drawn(self):
        ws = await self.connect_board()
        await self.frame(ws)
        ws.close()
        await ws.read_message()
        tasks = [t for t in asyncio.all_tasks() if "Socket.draw" in repr(t)]
        await until(lambda: all(task.done() for task in tasks))


class BoardPageTest(BoardCase, PageCase):
    """The board in a real browser."""

    async def open_board(self, page=None, **options):
        """Open the board, beside a page of the chat or alone."""
        page = await (page.context.new_page() if page else self.new_page(**options))
        await page.goto("/board")
        return page

    @gen_test(timeout=30)
    async def test_boxes_have_words_and_bars_end_at_cursors(self):
        page = await self.open_board(await self.sign_in("teacher"))
        await expect(page.locator(".none")).to_be_visible()
        await self.bob.connect()
        await self.post("one", "two")
        await expect(page.locator(".box")).to_have_text(["one", "two"])
        await expect(page.locator(".name")).to_have_text(["teacher", "bob"])
        await expect(page.locator("#count")).to_have_text("2 people · 2 messages")
        # Bob's bar glides to the right edge of the last box.
        await page.wait_for_function("""() => {
          const [box, bar] = [".box", ".bar"].map((kind) =>
            [...document.querySelectorAll(kind)].at(-1).getBoundingClientRect());
          return Math.abs(box.right - bar.right) < 5;
        }""")

    @gen_test(timeout=30)
    async def test_tunnel_leaves_a_lane_behind(self):
        page = await self.open_board(await self.sign_in("teacher"))
        lane = page.locator(".lane", has_text="teacher")
        with mock.patch.object(board, "TUNNEL", 2):
            await page.get_by_role("button", name="tunnel").click()
            await expect(lane).to_have_class("lane held mine")
            await self.post("this one is on its way already")
            await self.post(*map(str, range(20)))
            await expect(lane.locator(".behind")).to_have_text("20 behind")
        await expect(lane).to_have_class("lane live mine")
        await expect(lane.locator(".behind")).to_have_text("")

    @gen_test(timeout=30)
    async def test_resend_shakes_its_box(self):
        chat_page = await self.sign_in("teacher")
        page = await self.open_board(chat_page)
        await page.get_by_role("button", name="twice").click()
        await expect(page.locator(".again")).to_have_count(1)
        await expect(page.locator(".box")).to_have_count(1)
        await self.shows(chat_page, board.TWICE)

    @gen_test(timeout=30)
    async def test_stranger_told_what_the_buttons_need(self):
        page = await self.open_board()
        await expect(page.locator("#count")).to_have_text("0 people · 0 messages")
        await expect(page.locator("#tunnel")).to_be_disabled()
        await expect(page.locator("#advice")).to_be_visible()

    @gen_test(timeout=30)
    async def test_five_hundred_messages_fit_on_wide_and_narrow_screens(self):
        for n in range(20):
            await self.visitor().sign_in(f"Student {n}").connect()
        await self.post(*map(str, range(500)))
        for width in (1280, 390):
            page = await self.open_board(viewport={"width": width, "height": 800})
            await expect(page.locator(".box").last).to_have_text("499")
            inside = "document.documentElement.scrollWidth <= innerWidth"
            self.assertTrue(await page.evaluate(inside))
            box = await page.locator("#log").bounding_box()
            self.assertGreater(box["width"], 0.9 * width)
