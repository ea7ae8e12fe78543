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


class BoardCase(ChatCase):
    """A chat that has a board."""

    async def start_app(self):
        with mock.patch.object(chat, "Application", board.Board):
            return await super().start_app()

    async def say(self, chat_socket, *texts):
        """Send texts, and wait until all of them have come back."""
        for text in texts:
            await chat_socket.send(text)
        while (await chat_socket.line())["msg"] != texts[-1]:
            pass


class BoardServerTest(BoardCase):
    """The frames that a board gets, without a browser."""

    def get_httpserver_options(self):
        return {"xheaders": True}

    async def connect_board(self, visitor=None):
        headers = (visitor or self.visitor()).headers()
        url = self.get_url("/board/ws").replace("http", "ws", 1)
        return await websocket_connect(HTTPRequest(url, headers=headers))

    async def frame(self, ws, condition=lambda frame: True):
        """Return the first frame for which a condition holds."""
        while True:
            frame = json.loads(await ws.read_message())
            if condition(frame):
                return frame

    @gen_test
    async def test_the_page_is_shown_to_this_computer_alone(self):
        here = await self.visitor().get("/board")
        self.assertEqual(here.code, 200)
        self.assertEqual(here.headers["Content-Security-Policy"], chat.CSP)
        elsewhere = {"X-Forwarded-For": "192.0.2.7"}
        for path in ("/board", "/board/ws"):
            answer = await self.visitor().get(path, headers=elsewhere)
            self.assertEqual(answer.code, 403, path)
        with mock.patch.object(board.Board, "everybody", True):
            answer = await self.visitor().get("/board", headers=elsewhere)
        self.assertEqual(answer.code, 200)

    @gen_test
    async def test_the_chat_is_the_same(self):
        self.assertEqual((await self.alice.get("/chat")).code, 200)
        self.assertEqual((await self.alice.get("/nowhere")).code, 404)
        answer = await self.visitor().get("/board", headers={"Host": "evil.example"})
        self.assertEqual(answer.code, 403)

    @gen_test
    async def test_a_frame_has_cursors_and_authors_but_no_words(self):
        alice, bob = await self.alice.connect(), await self.bob.connect()
        await self.say(alice, "one", "two")
        await bob.send("three")
        ws = await self.connect_board()
        frame = await self.frame(ws, lambda frame: frame["end"] == 3)
        lines = [line[1:4] for line in frame["lines"]]
        self.assertEqual(lines, [["alice", 3, "live"], ["bob", 3, "live"]])
        self.assertEqual(frame["squares"][-1], [3, "bob"])
        self.assertNotIn("two", json.dumps(frame))

    @gen_test
    async def test_a_resend_is_told_with_the_number_of_the_first(self):
        alice = await self.alice.connect()
        ws = await self.connect_board()
        await alice.send("one", "k")
        await alice.send("one", "k")
        frame = await self.frame(ws, lambda frame: frame["resends"])
        self.assertEqual(frame["resends"], [["alice", 1]])

    @gen_test
    async def test_a_tunnel_holds_one_line_and_loses_nothing(self):
        alice, bob = await self.alice.connect(), await self.bob.connect()
        ws, room = await self.connect_board(self.alice), self._app.room
        with mock.patch.object(board, "TUNNEL", 1):
            await ws.write_message("tunnel")
            await self.frame(ws, lambda frame: frame["lines"][0][3] == "held")
            await room.post("bob", "0", None)  # this one is on its way already
            await asyncio.gather(*(room.post("bob", n, None) for n in "12345678"))
        frame = await self.frame(ws, lambda frame: frame["end"] == 9)
        self.assertEqual([line[1:4] for line in frame["lines"]],
                         [["alice", 1, "held"], ["bob", 9, "live"]])  # fmt: skip
        frame = await self.frame(ws, lambda frame: frame["lines"][0][2] == 9)
        self.assertEqual(frame["lines"][0][3], "live")
        for reader in (alice, bob):
            self.assertEqual(await reader.texts(9), list("012345678"))

    @gen_test
    async def test_a_message_sent_twice_is_stored_once(self):
        alice = await self.alice.connect()
        ws = await self.connect_board(self.alice)
        with mock.patch.object(board, "ECHO", 0.01):
            await ws.write_message("twice")
            frame = await self.frame(ws, lambda frame: frame["resends"])
        self.assertEqual((frame["end"], frame["resends"]), (1, [["alice", 1]]))
        self.assertEqual((await alice.line())["msg"], board.TWICE)

    @gen_test
    async def test_the_buttons_move_nobody_elses_line(self):
        bob = await self.bob.connect()
        ws = await self.connect_board(self.alice)
        await ws.write_message("tunnel")
        await ws.write_message("twice")
        await self.say(bob, "hello")
        frame = await self.frame(ws, lambda frame: frame["end"])
        self.assertEqual(frame["end"], 1)
        self.assertEqual(frame["lines"][0][3], "live")

    @gen_test
    async def test_a_broken_line_leaves_its_place_and_takes_it_again(self):
        alice = await self.alice.connect()
        await self.say(alice, "one")
        ws = await self.connect_board()
        before = (await self.frame(ws))["lines"][0]
        alice.ws.stream.close()
        lost = await self.frame(ws, lambda frame: frame["lines"][0][3] == "lost")
        await self.alice.connect("?since=1")
        back = await self.frame(ws, lambda frame: frame["lines"][0][3] == "live")
        numbers = [line[0] for line in (before, lost["lines"][0], back["lines"][0])]
        self.assertEqual(numbers, [before[0]] * 3)
        self.assertEqual(back["lines"][0][4], 1)

    @gen_test
    async def test_who_says_goodbye_is_gone(self):
        alice, _ = await self.alice.connect(), await self.bob.connect()
        ws = await self.connect_board()
        await self.frame(ws, lambda frame: len(frame["lines"]) == 2)
        alice.ws.close(1001)
        frame = await self.frame(ws, lambda frame: len(frame["lines"]) == 1)
        self.assertEqual(frame["lines"][0][1], "bob")

    @gen_test
    async def test_sixty_are_drawn_and_the_others_counted(self):
        for n in range(63):
            await self.visitor().sign_in(f"user{n}").connect()
        await self.alice.connect()
        frame = await self.frame(await self.connect_board(self.alice))
        self.assertEqual((len(frame["lines"]), frame["more"]), (60, 4))
        self.assertEqual(frame["lines"][0][1], "alice")  # one's own is drawn

    @gen_test
    async def test_ten_frames_a_second_at_most(self):
        alice = await self.alice.connect()
        ws = await self.connect_board()
        await self.frame(ws)
        begun, count = asyncio.get_running_loop().time(), 0
        with mock.patch.object(chat, "RATE", 2 * chat.RATE):
            await self.say(alice, *map(str, range(30)))  # slow_down: half a second
        while (await self.frame(ws))["end"] < 30:
            count += 1
        spent = asyncio.get_running_loop().time() - begun
        self.assertLessEqual(count, 10 * spent + 1)

    @gen_test
    async def test_without_a_board_nothing_is_drawn(self):
        ws = await self.connect_board()
        await self.frame(ws)
        picture = mock.Mock(wraps=self._app.picture)
        with mock.patch.object(self._app, "picture", picture):
            ws.close()
            await ws.read_message()
            tasks = [t for t in asyncio.all_tasks() if "Socket.draw" in repr(t)]
            await until(lambda: all(task.done() for task in tasks))
            calls = picture.call_count
            await asyncio.sleep(3 * board.FRAME_TIME)
            self.assertEqual(picture.call_count, calls)


class BoardPageTest(BoardCase, PageCase):
    """The board in a real browser."""

    async def open_board(self, page=None, **options):
        """Open the board, beside a page of the chat or alone."""
        page = await (page.context.new_page() if page else self.new_page(**options))
        await page.goto("/board")
        return page

    def lane(self, page, name):
        return page.locator("#flags > g", has_text=name)

    @gen_test(timeout=30)
    async def test_squares_grow_and_cursors_follow(self):
        chat_page = await self.sign_in("teacher")
        page = await self.open_board(chat_page)
        await self.bob.connect()
        await self.post("one", "two")
        await expect(page.locator("#squares rect")).to_have_count(2)
        await expect(page.locator("#flags .name")).to_have_text(["teacher", "bob"])
        await self.post(*"abcdef")
        await expect(page.locator("#squares rect")).to_have_count(8)
        # Bob's cursor glides to the right edge of the last square.
        await page.wait_for_function("""() => {
          const [square] = [...document.querySelectorAll("#squares rect")].slice(-1);
          const [caret] = [...document.querySelectorAll("#flags .caret")].slice(-1);
          const { right } = square.getBoundingClientRect();
          const { left, width } = caret.getBoundingClientRect();
          return Math.abs(left + width / 2 - right) < 5;
        }""")
        await expect(page.locator("#count")).to_have_text("2 people · 8 messages")

    @gen_test(timeout=30)
    async def test_a_tunnel_turns_a_lane_grey_and_a_batch_lights_up(self):
        page = await self.open_board(await self.sign_in("teacher"))
        await self.bob.connect()
        with mock.patch.object(board, "TUNNEL", 1):
            await page.get_by_role("button", name="tunnel").click()
            await expect(self.lane(page, "teacher")).to_have_class("held mine")
            await expect(page.locator(".bar.held")).to_have_count(1)
            await self.post(*map(str, range(20)))
            await expect(page.locator(".batch")).not_to_have_count(0)
        await expect(self.lane(page, "teacher")).to_have_class("live mine")

    @gen_test(timeout=30)
    async def test_a_resend_bounces_off_its_square(self):
        chat_page = await self.sign_in("teacher")
        page = await self.open_board(chat_page)
        await page.get_by_role("button", name="twice").click()
        await expect(page.locator(".again")).to_have_count(1)
        await expect(page.locator("#squares rect")).to_have_count(1)
        await self.shows(chat_page, board.TWICE)

    @gen_test(timeout=30)
    async def test_a_broken_line_is_dashed_until_it_is_back(self):
        traveller = await self.sign_in("Traveller")
        page = await self.open_board()
        await self.post("one")
        await traveller.context.set_offline(True)
        await expect(page.locator(".bar.lost")).to_have_count(1)
        await self.post(*map(str, range(9)))
        await traveller.context.set_offline(False)
        await expect(page.locator(".ring")).to_have_count(1)
        await expect(page.locator(".bar.live")).to_have_count(1)

    @gen_test(timeout=30)
    async def test_a_stranger_is_told_how_to_get_a_line(self):
        page = await self.open_board()
        await expect(page.locator("#count")).to_have_text("0 people · 0 messages")
        await expect(page.locator("#tunnel")).to_be_disabled()
        await expect(page.locator("#advice")).to_be_visible()

    @gen_test(timeout=30)
    async def test_thirty_names_are_readable_from_far_in_light_and_dark(self):
        for n in range(29):
            await self.visitor().sign_in(f"Student {n}").connect()
        size = {"width": 1024, "height": 768}
        for scheme in ("light", "dark"):
            page = await self.open_board(viewport=size, color_scheme=scheme)
            await expect(page.locator("#flags .name")).to_have_count(29)
            height = "(text) => text.getBoundingClientRect().height"
            name = page.locator("#flags .name").first
            self.assertGreater(await name.evaluate(height), 16)
            inside = "(text) => text.getBoundingClientRect().bottom <= innerHeight"
            self.assertTrue(await page.locator("#flags .name").last.evaluate(inside))
