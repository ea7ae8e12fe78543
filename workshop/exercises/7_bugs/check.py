"""The check of exercise 7: find the bug."""

import asyncio
import importlib.util
import re
import sys
import time
from pathlib import Path

from tornado.testing import gen_test

from tests.support import TOP, until
from workshop.exercises.checking import LONG, SECONDS, Check

HERE = Path(__file__).parent


class CopyCheck(Check):
    program = "lost.py"

    def load_chat(self):
        spec = importlib.util.spec_from_file_location("chat", HERE / self.program)
        module = sys.modules["chat"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    async def start_app(self):
        application = await super().start_app()
        application.settings["template_path"] = str(TOP)  # where pages would be sought
        application.settings["static_path"] = str(TOP / "static")
        return application

    async def is_a_chat(self):
        """Let people talk, and one of them come back."""
        alice, bob = await self.join("alice", "bob")
        for number in range(1, 4):
            await alice.send(f"m{number}", f"{self.program}: alice sent m{number}")
            await alice.gets({"id": number, "msg": f"m{number}"})
            await bob.gets({"id": number, "msg": f"m{number}"})
        (carol,) = await self.join("carol", query="?since=1")
        self.scene = f"{self.program}: carol came back with since=1"
        await carol.gets({"id": 2, "msg": "m2"})
        await carol.gets({"id": 3, "msg": "m3"})

    async def login(self, name, code, scene):
        """Sign in from another browser, and compare the answer.

        The chat has some time to give a name back, and some to do so wrongly.
        """
        deadline = time.monotonic() + (SECONDS if code == 303 else 0)
        await asyncio.sleep(0.2)
        was = await self.try_login(name)
        while was != code and time.monotonic() < deadline:
            was = await self.try_login(name)
        wanted = {303: "succeed", 400: "be refused"}[code]
        self.assertEqual(
            was,
            code,
            f"{self.program}: {scene}. Signing in as {name} from another browser "
            f"should {wanted} ({code}); the answer was {was}.",
        )

    async def try_login(self, name):
        return (await self.visitor().post("/login", name=name)).code


class LostCheck(CopyCheck):
    @gen_test
    async def test_1_still_a_chat(self):
        await self.is_a_chat()


class DoubledFirstCheck(CopyCheck):
    program = "doubled.py"

    @gen_test
    async def test_1_still_a_chat(self):
        await self.is_a_chat()


class KeptFirstCheck(CopyCheck):
    program = "kept.py"

    @gen_test
    async def test_1_still_a_chat(self):
        await self.is_a_chat()


class LostLaterCheck(CopyCheck):
    old = LONG

    @gen_test(timeout=20)
    async def test_2_slow_reader_gets_everything(self):
        carol = await self.stall("carol")
        received = await carol.read_until(rb'"id": *150\b')
        ids = {int(id) for id in re.findall(rb'"id": *(\d+)', received)}
        self.assertEqual(
            len(ids),
            len(LONG),
            f"lost.py: carol's computer stopped reading a log of {len(LONG)} messages, "
            f"and read again. She should get all of them; she got {len(ids)}.",
        )

    @gen_test(timeout=20)
    async def test_3_one_batch_waits(self):
        await self.stall("carol")
        await asyncio.sleep(0.1)
        waiting = max(len(stream._write_buffer) for stream in self.streams)
        self.assertLess(
            waiting,
            200_000,
            "lost.py: carol's computer stopped reading. One batch of 64 kB should wait "
            f"for her in the chat's memory; {waiting // 1000} kB do.",
        )


class DoubledCheck(CopyCheck):
    program = "doubled.py"

    @gen_test
    async def test_4_sent_again(self):
        alice, bob = await self.join("alice", "bob")
        tea = {"msg": "tea", "key": "k"}
        await alice.send(tea)
        await alice.gets({"id": 1, **tea})
        await alice.send(tea, "doubled.py: alice sent tea again, with the same key")
        scene = self.scene
        await bob.send("milk", f"{scene}, then bob sent milk")
        await bob.gets({"id": 1, "msg": "tea"})
        await bob.gets({"id": 2, "msg": "milk"})
        await self.restart()
        (alice,) = await self.join("alice", query="?since=0")
        await alice.send(tea, f"{scene}, and once more after a restart")
        await alice.send("sugar", self.scene)
        for id, msg in ((1, "tea"), (2, "milk"), (3, "sugar")):
            await alice.gets({"id": id, "msg": msg})

    def concerns(self, line):
        return "msg" in line or "error" in line

    @gen_test
    async def test_4_both_at_once(self):
        alice, bob = await self.join("alice", "bob")
        tab = await self.seat("alice")
        await asyncio.gather(
            *(seat.send({"msg": "tea", "key": "k"}) for seat in (alice, tab, alice))
        )
        await bob.send(
            "milk",
            "doubled.py: alice's two tabs sent tea at once, with one "
            "key, then bob sent milk",
        )
        lines = [*await bob.until("milk")]
        self.assertLess(
            len(lines), 2, f"{self.scene}. bob should get one tea; {len(lines)} came."
        )

    @gen_test
    async def test_5_name_and_key(self):
        alice, bob = await self.join("alice", "bob")
        scene = "doubled.py: alice and bob used the same key"
        await alice.send({"msg": "tea", "key": "k"})
        await alice.gets({"id": 1, "msg": "tea"})
        await bob.send({"msg": "coffee", "key": "k"}, scene)
        await alice.gets({"id": 2, "name": "bob", "msg": "coffee"})
        await alice.send({"msg": "tea", "key": "l"}, "doubled.py: alice said tea twice")
        await alice.gets({"id": 3, "msg": "tea", "key": "l"})


class KeptCheck(CopyCheck):
    program = "kept.py"

    async def arrive(self, windows):
        """Sign alice in, and open some windows of hers."""
        await self.sign_in("alice")
        return [await self.seat("alice") for _ in range(windows)]

    async def leave(self, seat):
        """Close a window, as a browser does."""
        seat.socket.ws.close(1001)
        await seat.ends(1001)

    @gen_test
    async def test_6_last_window_closed(self):
        one, two = await self.arrive(2)
        await self.leave(one)
        await self.leave(two)
        await self.login("alice", 303, "alice closed both of her windows")

    @gen_test
    async def test_7_a_window_is_open(self):
        one, two = await self.arrive(2)
        await self.leave(one)
        await self.login("Alice", 400, "alice closed one of her two windows")
        await self.leave(two)

    @gen_test
    async def test_8_line_broken(self):
        (one,) = await self.arrive(1)
        one.socket.ws.stream.close()
        await until(self.streams[-1].closed)
        await self.login("Alice", 400, "alice's line broke")
