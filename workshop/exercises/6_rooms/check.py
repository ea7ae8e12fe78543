"""The check of exercise 6: rooms."""

import contextlib
import os
import sqlite3

from tornado.httpclient import HTTPClientError
from tornado.testing import gen_test

from tests.page_support import PageCase, expect
from tests.support import ChatProcess, Visitor
from workshop.exercises.checking import Check


class ServerCheck(Check):
    def get_app(self):
        """Begin with the 60 messages of a chat.db from before there were rooms."""
        path = os.path.join(self.folder.name, "chat.db")
        with contextlib.closing(sqlite3.connect(path)) as db, db:
            db.execute(
                "CREATE TABLE log (id INTEGER PRIMARY KEY, at REAL, name TEXT, "
                "msg TEXT, key TEXT, UNIQUE (name, key))"
            )
            insert = "INSERT INTO log (at, name, msg) VALUES (1764000000, 'bob', ?)"
            db.executemany(insert, [(f"old {number}",) for number in range(1, 61)])
        return super().get_app()

    async def assert_next(self, connection, *wanted, room="kitchen"):
        """Compare the next messages in a room with pairs of an id and a text."""
        for number, text in wanted:
            what = f"message {text!r} with the id {number} in the room {room}"
            line = await self.line(connection, what)
            self.assertEqual(
                (line.get("id"), line.get("msg")),
                (number, text),
                f"instead of the {what} there came {line}",
            )

    @gen_test
    async def test_messages_stay_in_their_room(self):
        alice = await self.alice.connect("?room=kitchen")
        bob = await self.bob.connect("?room=kitchen")
        carol = await self.visitor().sign_in("carol").connect("?room=garden")
        dave = await self.visitor().sign_in("dave").connect("?since=60")
        await alice.send("tea")
        await self.assert_next(alice, (1, "tea"))
        await self.assert_next(bob, (1, "tea"))
        await carol.send("roses")
        await self.assert_next(carol, (1, "roses"), room="garden")
        await dave.send("hello")
        await self.assert_next(dave, (61, "hello"), room="without a name")
        await bob.send("coffee")
        await self.assert_next(alice, (2, "coffee"))

    @gen_test
    async def test_old_log_is_the_default_room(self):
        alice = await self.alice.connect("?room=kitchen")
        await alice.send("tea")
        await self.assert_next(alice, (1, "tea"))
        bob = await self.bob.connect()
        await bob.send("hello")
        old = [(number, f"old {number}") for number in range(11, 61)]
        await self.assert_next(bob, *old, (61, "hello"), room="without a name")

    @gen_test
    async def test_history_and_since_of_the_room(self):
        alice = await self.alice.connect("?room=kitchen")
        for number in range(1, 6):
            await alice.send(f"tea {number}", f"key {number}")
            await self.assert_next(alice, (number, f"tea {number}"))
        tea = [(number, f"tea {number}") for number in range(1, 6)]
        for query, wanted in (("", tea), ("&since=2", tea[2:]), ("&since=4", tea[4:])):
            bob = await self.bob.connect(f"?room=kitchen{query}")
            await self.assert_next(bob, *wanted, room=f"kitchen{query}")
        bob = await self.bob.connect("?room=garden&since=4")  # past its end
        await bob.send("roses")
        await self.assert_next(bob, (1, "roses"), room="garden&since=4")
        bob = await self.bob.connect("?since=500")  # past its end, too
        await bob.send("hello")
        await self.assert_next(bob, (61, "hello"), room="without a name, since=500")

    @gen_test
    async def test_key_counts_in_its_room(self):
        rooms = ("?since=60", 61), ("?room=kitchen", 1), ("?room=garden", 1)
        for query, number in rooms:
            alice = await self.alice.connect(query)
            for msg, key in (("tea", "k"), ("tea", "k"), ("and milk", "l")):
                await alice.send(msg, key)
            wanted = (number, "tea"), (number + 1, "and milk")
            await self.assert_next(alice, *wanted, room=query)

    @gen_test
    async def test_room_name_bad_refused(self):
        names = (
            "",
            "a" * 21,
            "Kitchen",
            "my_room",
            "a%20b",
            "a%22b",
            "%D1%8F",
            "../x",
            "%20a",
        )
        for name in names:
            for path in ("/chat", "/ws"):
                code = 200
                try:
                    if path == "/ws":
                        await self.alice.connect(f"?room={name}")
                    else:
                        code = (await self.alice.get(f"{path}?room={name}")).code
                except HTTPClientError as refused:
                    code = refused.code
                self.assertEqual(
                    code, 400, f"{path}?room={name} must be refused (400), not {code}"
                )
        await self.alice.connect(f"?room={'kitchen-7-' * 2}")

    @gen_test(timeout=10)
    async def test_rooms_survive_restart(self):
        texts = {"": "hello", "?room=kitchen": "tea"}
        for attempt in range(2):
            path = os.path.join(self.folder.name, "restart.db")
            server = ChatProcess("--port=0", f"--db={path}", "--logging=none")
            self.addCleanup(server.stop)
            browser = Visitor(self.http_client, server.url()).sign_in("alice")
            self.visitors.append(browser)
            if not attempt:
                for query, text in texts.items():
                    connection = await browser.connect(query)
                    await connection.send(text)
                    await self.assert_next(connection, (1, text))
                server.stop()
        for query, text in texts.items():
            connection = await browser.connect(query)
            await connection.send("after")
            wanted = (1, text), (2, "after")
            await self.assert_next(connection, *wanted, room=f"{query} after a restart")


class PageCheck(PageCase):
    async def enter(self, page, room):
        await page.goto(f"/chat?room={room}" if room else "/chat")
        await expect(
            page.get_by_role("heading", level=1),
            f"the heading of the page must name the room {room or 'Chat'}",
        ).to_contain_text(room or "Chat", timeout=2000)
        await expect(page.locator("#status.online")).to_be_visible()

    async def assert_shows(self, page, room, *texts):
        await expect(
            page.locator("#messages .msg"), f"the page of {room} must show {texts}"
        ).to_have_text(list(texts), timeout=3000)

    @gen_test(timeout=30)
    async def test_page_room(self):
        page = await self.sign_in("alice")
        await self.say(page, "one", "two", "three")
        await self.enter(page, "kitchen")
        await self.say(page, "tea")
        await page.evaluate("ws.close()")  # and goes on after the message 1
        await self.say(page, "milk")
        await self.assert_shows(page, "kitchen", "tea", "milk")
        await page.evaluate("ws.send = () => {}")
        await self.say(page, "sugar", sent=False)
        await self.enter(page, "")
        await self.say(page, "four")
        await self.assert_shows(page, "the default room", "one", "two", "three", "four")
        await self.enter(page, "kitchen")
        await self.assert_shows(page, "kitchen", "tea", "milk", "sugar")
