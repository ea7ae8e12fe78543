"""The check of exercise 7: find the bug."""

import asyncio
import shutil

from tornado.testing import gen_test

from workshop.exercises.checking import LONG, Check

PROGRAMS = "lost.py", "doubled.py", "kept.py"
MEMORY = 400_000  # bytes: a batch of 64 kB, and what is kept of it on the way


class ProgramCheck(Check):
    program = "lost.py"
    kinds = ("key",)  # and what answers a resend

    def start(self):
        shutil.copy(self.place / self.program, self.place / "chat.py")
        super().start()

    def need(self, condition, sentence):
        super().need(condition, f"{self.program}: {sentence}")

    async def is_a_chat(self):
        """Let people talk, one of them come back, and all after a restart."""
        alice, bob = await self.join("alice", "bob")
        for id in range(1, 4):
            await alice.send(f"m{id}")
            for seat in (alice, bob):
                await seat.gets({"id": id, "name": "alice", "msg": f"m{id}"})
        await self.restart()
        carol = await self.seat("carol", "?since=1")
        for id in (2, 3):
            await carol.gets({"id": id, "msg": f"m{id}"})
        await carol.send("m4")
        await carol.gets({"id": 4, "msg": "m4"})


class LostCheck(ProgramCheck):
    @gen_test(timeout=60)
    async def test_1_still_a_chat(self):
        await self.is_a_chat()


class DoubledFirstCheck(LostCheck):
    program = "doubled.py"

    test_1_doubled = LostCheck.test_1_still_a_chat


class KeptFirstCheck(LostCheck):
    program = "kept.py"

    test_1_kept = LostCheck.test_1_still_a_chat


class SlowReaderCheck(ProgramCheck):
    old = LONG

    @gen_test(timeout=60)
    async def test_2_slow_reader(self):
        carol, dan = await self.slow("carol"), await self.slow("dan")
        ids = []
        while len(ids) < len(LONG):
            line = await carol.next(5)
            wanted = f"all {len(LONG)} messages, now that her computer reads again"
            carol.need(line, f"{wanted}: the last was {ids[-1:]}", line)
            ids.append(line["id"])
        self.need(ids == [*range(1, len(LONG) + 1)], "All should come once, in order.")
        bob = await self.seat("bob", f"?since={len(LONG)}")
        for number in range(3):
            await bob.send(f"m{number}")
            await carol.gets({"msg": f"m{number}"})
        self.scene = "dan's computer had stopped reading, and bob said something"
        lines = await self.catches_up(dan, "m2")
        self.need(len(lines) == len(LONG) + 2, f"dan got {len(lines)}.")
        await bob.send("end")
        await dan.gets({"msg": "end"})
        await self.quiet()

    @gen_test(timeout=60)
    async def test_3_one_batch_waits(self):
        bob = await self.seat("bob", f"?since={len(LONG)}")
        async with self.cost("trace") as cost:
            await self.slow("carol")
            for number in range(15):
                await bob.send(f"m{number}")
                await bob.gets({"msg": f"m{number}"})
        self.scene = "carol's computer had stopped reading, and bob sent 15 messages"
        told = f"One batch of 64 kB should wait for her; {cost.memory // 1000} kB do."
        self.need(cost.memory < MEMORY, told)
        await self.quiet()


class DoubledCheck(ProgramCheck):
    program = "doubled.py"

    @gen_test(timeout=60)
    async def test_4_sent_again(self):
        alice, bob, tab = await self.join("alice", "bob", "alice")
        tea = {"msg": "tea", "key": "k"}
        await alice.send(tea)
        for seat in (alice, bob, tab):
            await seat.gets({"id": 1, **tea})
        for seat in (alice, tab):
            await seat.send(tea, "alice sent tea twice, with the same key")
            await seat.gets({"id": 1, "key": "k"}, without=["msg"])
        self.requirement(5)
        coffee, again = {"msg": "coffee", "key": "k"}, {"msg": "tea", "key": "l"}
        others = (bob, coffee), (alice, again), (alice, {"msg": "tea"})
        for id, (seat, frame) in enumerate(others, 2):
            await seat.send(frame)
            self.scene += ", after alice sent tea with the key k"
            await bob.gets({"id": id, "name": seat.name, **frame})
        self.requirement(4)
        await self.restart()
        alice = await self.seat("alice", "?since=3")
        await alice.gets({"id": 4, "msg": "tea"})
        await alice.send(tea, f"{self.scene}, and alice sent tea once more")
        await alice.gets({"id": 1, "key": "k"}, without=["msg"])
        await alice.send("sugar", self.scene)
        await alice.gets({"id": 5, "msg": "sugar"})

    @gen_test(timeout=60)
    async def test_4_at_once(self):
        seats = await self.join("alice", "alice", "alice", "bob", "cem", "dan")
        zoe, wanted, said = await self.seat("zoe"), set(), []
        for round in range(3):
            frames = [{"msg": f"tea {round}", "key": f"k{round}"}] * 3
            frames += [{"msg": f"{each.name} {round}"} for each in seats[3:]]
            wanted |= {frame["msg"] for frame in frames}
            pairs = list(zip(seats, frames, strict=True))
            await asyncio.gather(*(s.send(f) for s, f in pairs[3:] + pairs))
            while len(said) < 7 * (round + 1) and (line := await zoe.next(3)):
                said.append(line["msg"])
        self.scene = "alice sent tea with one key from three tabs, others talked"
        await zoe.send("end", self.scene)
        said += [line["msg"] for line in await zoe.until("end")]
        teas = [msg for msg in said if "tea" in msg]
        self.need(len(teas) == 3, f"Each tea should come once; {teas} came.")
        told = f"All that was said should come; {sorted(wanted - set(said))} did not."
        self.need(len(said) == 21 and set(said) == wanted, told)


class KeptCheck(ProgramCheck):
    program = "kept.py"

    @gen_test(timeout=60)
    async def test_6_names(self):
        for seat in await self.join("alice", "alice"):
            await self.close(seat)
        self.scene = "alice closed both of her windows"
        await self.login("Alice", 303)
        await self.join("carol", "carol")
        await self.people["carol"].post("/logout")
        self.scene = "carol, who had two windows, signed out"
        await self.login("carol", 303)
        self.requirement(7)
        for name, breaks, first in (("dan", 0, 0), ("eve", 0, 1), ("fay", 1, 0)):
            seats = await self.join(name, name)
            if breaks:
                seats[first].socket.stream.close()
            else:
                await self.close(seats[first])
            how = "the line of one broke" if breaks else "one of them was closed"
            self.scene = f"{name} had two windows, and {how}"
            await self.login(name.title(), 400)
        self.requirement(8)
        seats[1].socket.stream.close()
        self.scene += ", then that of the other"
        await self.login("Fay", 303)
        gus = await self.seat("gus")
        await gus.leave()
        self.scene = "gus typed ws.close() in his browser's console"
        await self.login("gus", 303)

    async def close(self, seat):
        """Close a connection as a browser does when its window is closed."""
        seat.socket.ws.close(1001)
        await seat.ends(1001)
