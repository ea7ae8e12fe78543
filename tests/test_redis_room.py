"""Many processes, one room: RedisRoom, with a Redis of the tests' own.

test_redis_faults.py has what happens when something breaks.
"""

import asyncio
import os
import re
import time
from pathlib import Path
from unittest import mock

from tornado.httpclient import HTTPClientError
from tornado.testing import gen_test

import chat
from tests.redis_support import LOG, RedisCase, redis_room
from tests.support import free_port, project_text, until

README = "many_processes/README.md"


class LogTest(RedisCase):
    """The same messages everywhere."""

    @gen_test(timeout=20)
    async def test_same_lines_in_all_processes(self):
        one, two = await self.start_here(2)
        alice, bob = await self.connect(one, "alice"), await self.connect(two, "bob")
        await alice.send("hello", "k")
        line = await alice.line()
        self.assertEqual(await bob.line(), line)
        self.assertAlmostEqual(line.pop("at"), time.time(), delta=5)
        self.assertEqual(line, {"id": 1, "name": "alice", "msg": "hello", "key": "k"})
        await bob.send("a\nb \u2028 😀")
        line = await bob.line()
        self.assertEqual(await alice.line(), line)
        self.assertEqual((line["id"], line["key"]), (2, None))
        self.assertEqual(line["msg"], "a\nb \u2028 😀")

    @gen_test(timeout=20)
    async def test_resume_at_another_process(self):
        one, two = await self.start_here(2)
        alice = await self.connect(one, "alice")
        for text in "abc":
            await alice.send(text)
        _, b = await alice.read(2)
        alice = await self.connect(two, "alice", f"?since=2&at={b['at']}")
        await alice.send("d")
        self.assertEqual(await alice.texts(2), ["c", "d"])

    @gen_test(timeout=20)
    async def test_resume_at_a_process_that_lags(self):
        self.patch(redis_room, WAIT=500)
        one, two = await self.start_here(2)
        alice = await self.connect(one, "alice")
        lagging = self.rooms[1]
        with mock.patch.object(lagging, "follow") as follow:
            await until(lambda: follow.called)
            await alice.send("a")
            line = await alice.line()
            query = f"?since=1&at={line['at']}"
            coming = asyncio.ensure_future(self.connect(two, "alice", query))
            await asyncio.sleep(0.1)
            self.assertEqual(lagging.end, 0)
        alice = await coming
        await alice.send("b")
        self.assertEqual(await alice.texts(1), ["b"])

    @gen_test(timeout=20)
    async def test_another_log_starts_anew(self):
        [url] = await self.start_here(1)
        self.redis.say("a", at="1764000000.5")
        await until(lambda: self.rooms[0].end == 1)
        for query in "since=1&at=1764000000.25", "since=2&at=1764000000.5":
            alice = await self.connect(url, "alice", f"?{query}")
            self.assertEqual(await alice.close_code(), 1012)
        alice = await self.connect(url, "alice", "?since=1&at=1764000000.5")
        self.redis.say("b")
        self.assertEqual(await alice.texts(1), ["b"])

    @gen_test(timeout=20)
    async def test_key_stored_once_wherever_sent(self):
        one, two = await self.start_here(2)
        here, there = await self.connect(one, "alice"), await self.connect(two, "alice")
        await here.send("once", "k")
        self.assertEqual(await here.texts(1), ["once"])
        self.assertEqual(await there.texts(1), ["once"])
        await there.send("twice", "k")
        self.assertEqual(await there.line(), {"id": 1, "key": "k"})
        await there.send("end")
        self.assertEqual(await here.texts(1), ["end"])
        self.assertEqual(self.texts(), ["once", "end"])

    @gen_test(timeout=20)
    async def test_key_belongs_to_its_name(self):
        [url] = await self.start_here(1)
        alice, bob = await self.connect(url, "alice"), await self.connect(url, "bob")
        await alice.send("a", "k")
        await alice.line()
        await bob.send("b", "k")
        self.assertEqual(await alice.texts(1), ["b"])

    @gen_test(timeout=20)
    async def test_message_without_key_may_repeat(self):
        [url] = await self.start_here(1)
        alice = await self.connect(url, "alice")
        await alice.send("a")
        await alice.send("a")
        self.assertEqual(await alice.texts(2), ["a", "a"])

    @gen_test(timeout=20)
    async def test_resend_answered_however_late(self):
        [url] = await self.start_here(1)
        alice = await self.connect(url, "alice")
        await alice.send("a", "k")
        await alice.line()
        self.fill(2, chat.MAX_BEHIND + 100)
        await until(lambda: self.texts()[-1:] == [f"{self.rooms[0].end}"])
        alice = await self.connect(url, "alice")
        await alice.texts(chat.HISTORY)
        await alice.send("a", "k")
        self.assertEqual(await alice.line(), {"id": 1, "key": "k"})

    @gen_test(timeout=20)
    async def test_resend_answered_when_the_stream_is_deleted(self):
        [url] = await self.start_here(1)
        alice = await self.connect(url, "alice")
        await alice.send("a", "k")
        await alice.line()
        self.redis.client.delete(LOG)
        self.assertEqual(await alice.close_code(), 1012)
        alice = await self.connect(url, "alice")
        await alice.send("a", "k")
        self.assertEqual(await alice.line(), {"id": 1, "key": "k"})

    @gen_test(timeout=20)
    async def test_keys_forgotten_after_a_week(self):
        [url] = await self.start_here(1)
        alice = await self.connect(url, "alice")
        await alice.send("a", "k")
        await alice.line()
        [key] = self.redis.client.keys("chat:key:*")
        self.assertAlmostEqual(self.redis.client.ttl(key), 7 * 24 * 3600, delta=9)

    def fill(self, begin, end):
        """Write messages into Redis by hand: "begin", ... "end - 1"."""
        pipe = self.redis.client.pipeline()
        for number in range(begin, end):
            entry = {"name": "bob", "msg": f"{number}", "key": "", "at": "1764000000"}
            pipe.xadd(LOG, entry, id="0-*")
        pipe.execute()

    @gen_test(timeout=20)
    async def test_newest_messages_in_a_new_process(self):
        self.fill(1, 1101)
        [url] = await self.start_here(1)
        alice = await self.connect(url, "alice", "?since=100")
        texts = await alice.texts(1000)
        self.assertEqual((texts[0], texts[-1]), ("101", "1100"))
        history = await self.connect(url, "alice")
        self.assertEqual((await history.texts(50))[-1], "1100")
        behind = await self.connect(url, "alice", "?since=99")
        self.assertEqual(await behind.close_code(), 1012)

    @gen_test(timeout=20)
    async def test_older_than_the_copy_starts_anew(self):
        self.fill(1, 111)
        self.redis.client.xtrim(LOG, maxlen=10)
        [url] = await self.start_here(1)
        alice = await self.connect(url, "alice", "?since=8&at=1764000000")
        self.assertEqual(await alice.close_code(), 1012)
        alice = await self.connect(url, "alice", "?since=108&at=1764000000")
        self.assertEqual(await alice.texts(2), ["109", "110"])

    @gen_test(timeout=20)
    async def test_copy_holds_what_can_be_read(self):
        await self.start_here(1)
        room = self.rooms[0]
        self.fill(1, 2501)  # more than comes at once
        await until(lambda: room.end == 2500)
        self.redis.say("one more round")
        await until(lambda: room.end == 2501)
        ids = [row["id"] for row in room.db.execute("SELECT id FROM log")]
        self.assertEqual(ids, list(range(1500, 2502)))

    @gen_test(timeout=20)
    async def test_entries_come_from_redis_once(self):
        await self.start_here(1)
        before = self.redis.client.info()["total_net_output_bytes"]
        for _ in range(20):
            self.redis.say("x" * 100_000)
        await until(lambda: self.rooms[0].end == 20)
        sent = self.redis.client.info()["total_net_output_bytes"] - before
        self.assertLess(sent, 3_000_000)  # and the newest, to see that it is there

    @gen_test(timeout=20)
    async def test_idle_process_leaves_redis_in_peace(self):
        await self.start_here(1)
        self.patch(redis_room, WAIT=1000)
        calls = self.asked()
        await until(lambda: self.asked() > calls)  # what has begun with another WAIT
        calls = self.asked()
        await asyncio.sleep(0.5)
        self.assertLessEqual(self.asked() - calls, 1)

    def asked(self):
        """Return how often Redis has been asked for news."""
        stats = self.redis.client.info("commandstats")
        return stats.get("cmdstat_xread", {"calls": 0})["calls"]

    @gen_test(timeout=20)
    async def test_crowd_takes_few_connections(self):
        await self.start_here(1)
        post = self.rooms[0].post
        await asyncio.gather(*(post("alice", "a", f"{n}") for n in range(100)))
        self.assertLessEqual(len(self.redis.client.client_list()), 16 + 1)


class StartTest(RedisCase):
    """What a chat says that cannot use its Redis, and what it needs."""

    def assert_refused(self, url, sentence):
        status, line = self.refusal("--port=0", f"--redis={url}")
        self.assertEqual(status, 1)
        self.assertRegex(line, rf"^many_processes: .*{sentence}.*\. Try .*--redis")
        self.assertNotIn("..", line)

    def test_redis_unreachable_refused(self):
        self.assert_refused(f"redis://127.0.0.1:{free_port()}", "connecting to")

    def test_options_bad_refused(self):
        bad = ["--redis=127.0.0.1", f"--redis={self.redis.url}/zero"]
        for option in [*bad, f"--redis={self.redis.url}?unknown=1", "--db=chat.db"]:
            with self.subTest(option):
                server = self.start("--port=0", option)
                server.process.wait(10)
                status, errors = server.stop()
                self.assertEqual(status, 2)
                self.assertIn("error: ", errors)

    def test_database_out_of_range_refused(self):
        self.assert_refused(f"{self.redis.url}/99", "out of range")

    def test_wrong_password_refused(self):
        self.redis.client.config_set("requirepass", "right")
        url = self.redis.url.replace("//", "//:wrong@")
        self.assert_refused(url, "password")

    def test_no_scripts_refused(self):
        self.user("weak", "~chat:* +@all -@scripting")
        url = self.redis.url.replace("//", "//weak:x@")
        self.assert_refused(url, "no permissions")

    def test_cluster_refused(self):
        cluster = self.start_redis(
            "--cluster-enabled", "yes", "--cluster-port", f"{free_port()}"
        )
        cluster.client.cluster("addslotsrange", 0, 16383)
        self.assert_refused(cluster.url, "same slot")

    def test_package_missing_refused(self):
        folder = os.path.dirname(self.db)
        Path(folder, "redis.py").write_text("raise ImportError")
        status, line = self.refusal(PYTHONPATH=folder)
        self.assertEqual(status, 1)
        self.assertIn("pip install 'redis[hiredis]>=6'", line)

    def user(self, name, rules):
        client = self.redis.client
        client.execute_command("ACL", "SETUSER", name, "on", ">x", *rules.split())

    @gen_test(timeout=20)
    async def test_rights_of_readme_are_enough(self):
        rules = re.search(r"~chat:\*( [-+@a-z]+)+", project_text(README)).group()
        self.user("chat", rules)
        self.redis.url = self.redis.url.replace("//", "//chat:x@")
        [url] = await self.start_here(1, COOKIE_SECRET="")
        carol = self.visitor(url)
        self.assertEqual((await carol.post("/login", name="carol")).code, 303)
        tab = await carol.connect()
        await tab.send("hello", "k")
        self.assertEqual(await tab.texts(1), ["hello"])
        await carol.post("/logout")
        self.assertEqual(await tab.close_code(), 1008)
        await until(lambda: not self.redis.client.exists("chat:name:carol"))

    @gen_test(timeout=20)
    async def test_cookie_good_in_all_processes(self):
        carol = self.visitor("")
        for carol.url in await self.start_here(3, COOKIE_SECRET=""):
            if not carol.cookies:
                await carol.post("/login", name="carol")
            self.assertEqual((await carol.get("/chat")).code, 200)

    @gen_test(timeout=20)
    async def test_cookie_secret_from_environment_not_shared(self):
        [url] = await self.start_here(1)
        visitor = self.visitor(url).sign_in("alice")
        self.assertEqual((await visitor.get("/chat")).code, 200)
        self.assertEqual(len(self.redis.client.get("chat:cookie_secret")), 64)

    def test_readme_knows_the_seconds(self):
        readme = project_text(README)
        for words in (
            f"not reached Redis for {redis_room.CUT_OFF} seconds is *cut off*",
            f"ends after {redis_room.LEASE // 1000} seconds",
            f"renews it every\n  {redis_room.RENEWAL} seconds",
            f"says something every {chat.PING} seconds",
        ):
            self.assertIn(words, readme)


class NameTest(RedisCase):
    """A name is a key with an expiry, whichever process is asked."""

    async def login(self, visitor, name):
        return (await visitor.post("/login", name=name)).code

    @gen_test(timeout=20)
    async def test_name_taken_in_another_process_refused(self):
        one, two = await self.start_here(2)
        self.assertEqual(await self.login(self.visitor(one), "Carol"), 303)
        self.assertEqual(await self.login(self.visitor(two), "cAROL"), 400)
        self.assertEqual(await self.login(self.visitor(two), "dora"), 303)
        self.assertGreater(self.lease("carol"), redis_room.LEASE / 1000 - 5)

    def lease(self, name):
        """Return for how many seconds a name is held; -2: for none."""
        return self.redis.client.ttl(f"chat:name:{name}")

    @gen_test(timeout=20)
    async def test_two_sign_in_at_once_at_two_processes(self):
        one, two = await self.start_here(2)
        carol, twin = self.visitor(one), self.visitor(two)
        codes = await asyncio.gather(*(self.login(v, "carol") for v in (carol, twin)))
        self.assertEqual(sorted(codes), [303, 400])

    @gen_test(timeout=20)
    async def test_old_cookie_cannot_share_a_name(self):
        one, two = await self.start_here(2)
        self.assertEqual(await self.login(self.visitor(one), "carol"), 303)
        with self.assertRaises(HTTPClientError) as caught:
            await self.connect(two, "carol")
        self.assertEqual(caught.exception.code, 403)

    @gen_test(timeout=20)
    async def test_twitter_name_may_have_many_sessions(self):
        one, two = await self.start_here(2)
        for url in one, two:
            tab = await self.visitor(url).sign_in("@carol").connect()
            await tab.send("hello")
            self.assertEqual((await tab.line())["name"], "@carol")

    @gen_test(timeout=20)
    async def test_name_free_when_its_process_died(self):
        [one] = self.start_many(1)
        [two] = await self.start_here(1)
        await self.connect(one, "carol")
        self.servers[0].process.kill()
        other = self.visitor(two)
        self.assertEqual(await self.login(other, "carol"), 400)
        self.redis.client.pexpire("chat:name:carol", 1)  # instead of LEASE
        await until(lambda: self.lease("carol") == -2)
        self.assertEqual(await self.login(other, "carol"), 303)

    @gen_test(timeout=20)
    async def test_name_free_when_its_last_window_is_closed(self):
        self.patch(redis_room, RENEWAL=0.2, LEASE=1000)
        [url] = await self.start_here(1)
        first = await self.connect(url, "carol")
        second = await self.connect(url, "carol")
        first.ws.close(1001)
        self.redis.client.pexpire("chat:name:carol", 500)
        await until(lambda: self.redis.client.pttl("chat:name:carol") > 500)
        second.ws.close(1001)
        await until(lambda: self.lease("carol") == -2)

    @gen_test(timeout=20)
    async def test_somebody_elses_name_not_given_back(self):
        [url] = await self.start_here(1)
        self.assertEqual(await self.login(self.visitor(url), "carol"), 303)
        await self.visitor(url).sign_in("carol").post("/logout")
        self.assertGreater(self.lease("carol"), redis_room.LEASE / 1000 - 10)

    @gen_test(timeout=20)
    async def test_sign_out_closes_connections_everywhere(self):
        one, two = await self.start_here(2)
        alice, bob = await self.connect(two, "alice"), await self.connect(two, "bob")
        self.browsers["alice"].url = one
        await self.browsers["alice"].post("/logout")
        self.assertEqual(await alice.close_code(), 1008)
        await until(lambda: self.lease("alice") == -2)
        await bob.send("still here")
        self.assertEqual(await bob.texts(1), ["still here"])

    @gen_test(timeout=20)
    async def test_sign_out_of_another_session_closes_nothing(self):
        one, two = await self.start_here(2)
        alice = await self.connect(two, "alice")
        await self.visitor(one).sign_in("alice").post("/logout")
        await alice.send("still here")
        self.assertEqual(await alice.texts(1), ["still here"])

    @gen_test(timeout=20)
    async def test_old_sign_outs_not_repeated(self):
        [one] = await self.start_here(1)
        await self.connect(one, "alice")
        await self.browsers["alice"].post("/logout")
        [two] = await self.start_here(1)
        with mock.patch.object(self.rooms[1], "forget") as forget:
            bob = await self.connect(two, "bob")
            await bob.send("here")
            self.assertEqual(await bob.texts(1), ["here"])
        forget.assert_not_called()

    @gen_test(timeout=20)
    async def test_sign_outs_are_few(self):
        [url] = await self.start_here(1)
        pipe = self.redis.client.pipeline()
        for _ in range(1500):
            pipe.xadd("chat:out", {"session": "0"})
        pipe.execute()
        await self.visitor(url).sign_in("alice").post("/logout")
        self.assertLess(self.redis.client.xlen("chat:out"), 1200)

    @gen_test(timeout=20)
    async def test_clock_that_is_wrong_does_not_matter(self):
        [one] = await self.start_here(1)
        for seconds in -300, 300:
            wrong = f"import time; t = time.time; time.time = lambda: t() + {seconds}"
            program = "-c", f"{wrong}; import runpy; runpy.run_module('many_processes')"
            [two] = self.start_many(1, program=program)
            name = f"carol{seconds}"
            tab = await self.connect(two, name)
            self.assertEqual(await self.login(self.visitor(one), name), 400)
            self.browsers[name].url = one
            await self.browsers[name].post("/logout")
            self.assertEqual(await tab.close_code(), 1008)
