"""Many processes, one room: RedisRoom, with a Redis and an nginx of the tests' own."""

import asyncio
import itertools
import os
import signal
import tempfile
import time
from pathlib import Path

from tornado.httpclient import AsyncHTTPClient
from tornado.testing import gen_test

import chat
from tests.support import (
    SECRET,
    CrowdCase,
    NginxProxy,
    RedisServer,
    Visitor,
    free_port,
    needs_nginx,
    needs_redis,
    until,
)


class Traveller(Visitor):
    """A visitor that goes to the next process each time it connects."""

    def __init__(self, http_client, urls):
        super().__init__(http_client, urls[0])
        self.urls = itertools.cycle(urls)

    async def connect(self, *arguments):
        self.url = next(self.urls)
        return await super().connect(*arguments)


@needs_redis
class RedisTest(CrowdCase):
    """Several processes with one log."""

    # A chat that says five times a second whose names it has, and lets them go sooner.
    HASTY = "-c", "import asyncio, chat; chat.BEAT = 0.2; asyncio.run(chat.main())"

    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.redis = RedisServer(folder.name)
        self.addCleanup(self.redis.kill)
        self.addCleanup(self.redis.client.close)

    def start_many(self, count, *options, **environment):
        options = "--port=0", f"--redis={self.redis.url}", *options
        servers = [self.start(*options, **environment) for _ in range(count)]
        self.urls = [server.url() for server in servers]
        return self.urls

    async def connect(self, url, name, query=""):
        return await self.visitor(url).sign_in(name).connect(query)

    def people(self, count, messages):
        """Return talkers who begin at one process or another, and move if they must."""
        people = self.talkers("", count, messages)
        for number, person in enumerate(people):
            first = number % len(self.urls)
            person.visitor = Traveller(
                AsyncHTTPClient(), self.urls[first:] + self.urls[:first]
            ).sign_in(f"user{number}")
            self.visitors.append(person.visitor)
        return people

    async def errors(self, number):
        """Stop a server; return what it wrote to standard error."""
        return (await asyncio.to_thread(self.servers[number].stop))[1]

    @gen_test(timeout=20)
    async def test_same_lines_in_all_processes(self):
        one, two = self.start_many(2)
        alice, bob = await self.connect(one, "alice"), await self.connect(two, "bob")
        await alice.send("hello", "k")
        line = await alice.line()
        self.assertEqual(await bob.line(), line)
        self.assertAlmostEqual(line.pop("at"), time.time(), delta=5)
        self.assertEqual(line, {"id": 1, "name": "alice", "msg": "hello", "key": "k"})
        await bob.send("a\nb \0 \u2028 😀")
        line = await bob.line()
        self.assertEqual(await alice.line(), line)
        self.assertEqual((line["id"], line["key"]), (2, None))
        self.assertEqual(line["msg"], "a\nb \0 \u2028 😀")

    @gen_test(timeout=20)
    async def test_resume_at_another_process(self):
        one, two = self.start_many(2)
        alice = await self.connect(one, "alice")
        for text in "abc":
            await alice.send(text)
        await alice.read(2)
        alice = await self.connect(two, "alice", "?since=2")
        await alice.send("d")
        self.assertEqual(await alice.texts(2), ["c", "d"])

    @gen_test(timeout=20)
    async def test_resume_at_a_process_that_lags(self):
        one, two = self.start_many(2)
        alice = await self.connect(one, "alice")
        os.kill(self.servers[1].process.pid, signal.SIGSTOP)
        await alice.send("a")
        await alice.line()
        coming = asyncio.ensure_future(self.connect(two, "alice", "?since=1"))
        os.kill(self.servers[1].process.pid, signal.SIGCONT)
        alice = await coming
        await alice.send("b")
        self.assertEqual(await alice.texts(1), ["b"])

    @gen_test(timeout=20)
    async def test_key_stored_once_wherever_sent(self):
        one, two = self.start_many(2)
        here, there = await self.connect(one, "alice"), await self.connect(two, "alice")
        await here.send("once", "k")
        self.assertEqual(await here.texts(1), ["once"])
        await there.send("twice", "k")
        await there.send("end")
        self.assertEqual(await here.texts(1), ["end"])
        self.assertEqual(await there.texts(2), ["once", "end"])
        self.assertEqual(self.redis.client.xlen(chat.LOG), 2)

    @gen_test(timeout=20)
    async def test_newest_messages_in_a_new_process(self):
        self.start_many(1)
        pipe = self.redis.client.pipeline()
        for number in range(1, chat.REPLAY + 101):
            entry = {"name": "alice", "msg": f"{number}", "key": "", "at": "1.5"}
            pipe.xadd(chat.LOG, entry, id="0-*")
        pipe.execute()
        [url] = self.start_many(1)
        everything = await self.connect(url, "alice", "?since=0")
        texts = await everything.texts(chat.REPLAY)
        self.assertEqual((texts[0], texts[-1]), ("101", f"{chat.REPLAY + 100}"))
        history = await self.connect(url, "alice")
        texts = await history.texts(chat.HISTORY)
        self.assertEqual(texts[-1], f"{chat.REPLAY + 100}")

    def test_redis_unusable_refused(self):
        for url in (f"redis://127.0.0.1:{free_port()}", "127.0.0.1"):
            status, line = self.refusal("--port=0", f"--redis={url}")
            self.assertEqual(status, 1)
            self.assertRegex(line, r"^chat\.py: Redis .*[^.]\. Try .*--redis")

    def test_redis_that_denies_refused(self):
        self.redis.client.acl_setuser(
            "weak", enabled=True, nopass=True, keys=["*"], commands=["+xrevrange"]
        )
        url = self.redis.url.replace("//", "//weak:x@")
        status, line = self.refusal("--port=0", f"--redis={url}")
        self.assertEqual(status, 1)
        self.assertIn("no permissions", line)

    def test_package_missing_refused(self):
        folder = os.path.dirname(self.db)
        Path(folder, "redis.py").write_text("raise ImportError")
        status, line = self.refusal(f"--redis={self.redis.url}", PYTHONPATH=folder)
        self.assertEqual(status, 1)
        self.assertIn("pip install redis", line)

    @gen_test(timeout=20)
    async def test_cookie_good_in_all_processes(self):
        one, two = self.start_many(2, COOKIE_SECRET="")
        carol = self.visitor(one)
        await carol.post("/login", name="carol")
        carol.url = two
        self.assertEqual((await carol.get("/chat")).code, 200)

    @gen_test(timeout=20)
    async def test_cookie_secret_from_environment_not_shared(self):
        [url] = self.start_many(1)
        visitor = self.visitor(url).sign_in("alice")
        self.assertEqual((await visitor.get("/chat")).code, 200)
        self.assertNotEqual(self.redis.client.get("chat:cookie_secret"), SECRET)

    @gen_test(timeout=20)
    async def test_name_taken_in_another_process_refused(self):
        one, two = self.start_many(2)
        await self.connect(one, "Carol")
        await until(lambda: self.redis.client.zcard(chat.NAMES))
        self.assertEqual(
            (await self.visitor(two).post("/login", name="carol")).code, 400
        )
        self.assertFalse(self.redis.client.exists(chat.CLAIMED + "carol"))
        self.assertEqual(
            (await self.visitor(two).post("/login", name="dora")).code, 303
        )

    @gen_test(timeout=20)
    async def test_name_on_its_way_in_refused(self):
        one, two = self.start_many(2)
        carol = self.visitor(one)
        self.assertEqual((await carol.post("/login", name="carol")).code, 303)
        self.assertEqual(
            (await self.visitor(two).post("/login", name="carol")).code, 400
        )
        carol.url = two  # a double click
        carol.cookies.pop("username")
        self.assertEqual((await carol.post("/login", name="carol")).code, 303)

    @gen_test(timeout=20)
    async def test_name_free_when_its_last_connection_is_gone(self):
        one, two = self.start_many(2, program=self.HASTY)
        carol = self.visitor(one)
        await carol.post("/login", name="carol")
        first, last = await carol.connect(), await carol.connect()
        first.ws.close()
        for _ in range(4):  # longer than the name lasts by itself
            await self.until_said_again("carol")
        self.assertFalse(self.redis.client.exists(chat.CLAIMED + "carol"))
        self.assertEqual(
            (await self.visitor(two).post("/login", name="carol")).code, 400
        )
        last.ws.close()
        await self.until_free(two, "carol")

    @gen_test(timeout=20)
    async def test_name_free_when_its_process_died(self):
        one, two = self.start_many(2, program=self.HASTY)
        await self.connect(one, "carol")
        await until(lambda: self.redis.client.zcard(chat.NAMES))
        self.servers[0].stop(signal.SIGKILL)
        self.assertEqual(
            (await self.visitor(two).post("/login", name="carol")).code, 400
        )
        await self.until_free(two, "carol")

    async def until_said_again(self, name):
        """Wait until some process says once more that it has this name."""
        score = self.redis.client.zscore(chat.NAMES, name)
        await until(lambda: self.redis.client.zscore(chat.NAMES, name) != score)

    async def until_free(self, url, name):
        """Sign in again and again, until the name is to be had."""
        code = None
        while code != 303:
            code = (await self.visitor(url).post("/login", name=name)).code

    @gen_test(timeout=20)
    async def test_sign_out_closes_connections_everywhere(self):
        one, two = self.start_many(2)
        alice, bob = await self.connect(two, "alice"), await self.connect(two, "bob")
        await self.visitor(one).sign_in("alice").post("/logout")
        self.assertEqual(await alice.close_code(), 1008)
        await bob.send("still here")
        self.assertEqual(await bob.texts(1), ["still here"])

    @gen_test(timeout=20)
    async def test_redis_gone_message_waits(self):
        one, two = self.start_many(2)
        alice, bob = await self.connect(one, "alice"), await self.connect(two, "bob")
        await alice.send("before")
        self.assertEqual(await bob.texts(1), await alice.texts(1))
        self.redis.kill()
        await alice.send("meanwhile", "k")
        line = await alice.line()
        self.assertEqual((line["key"], line["retry"]), ("k", True))
        refused = await self.visitor(one).post("/login", name="carol")
        self.assertIn("Please try again in a minute", refused.text)
        self.redis.start()
        line = await self.send_again(alice, "meanwhile", "k")
        self.assertEqual(line, await bob.line())
        await alice.send("meanwhile", "k")
        await bob.send("after")
        self.assertEqual(await bob.texts(1), ["after"])
        self.assertEqual(await alice.texts(1), ["after"])
        self.assertIn("A message is not stored: ", await self.errors(0))

    async def send_again(self, connection, msg, key):
        """Send a message until it is stored; return its line."""
        line = {"error": ""}
        while "error" in line:
            await asyncio.sleep(0.1)
            await connection.send(msg, key)
            line = await connection.line()
        return line

    @gen_test(timeout=20)
    async def test_wiped_redis_begins_anew(self):
        [url] = self.start_many(1)
        alice = await self.connect(url, "alice")
        for text in "abc":
            await alice.send(text)
        await alice.read(3)
        self.redis.client.flushall()
        self.assertEqual(await alice.close_code(), 1012)
        alice = await self.connect(url, "alice", "?since=3")
        await alice.send("d")
        line = await alice.line()
        self.assertEqual((line["id"], line["msg"]), (1, "d"))
        self.assertIn("Redis has lost messages", await self.errors(0))

    @gen_test(timeout=20)
    async def test_wiped_redis_noticed_though_longer(self):
        [url] = self.start_many(1)
        alice = await self.connect(url, "alice")
        await alice.send("old")
        await alice.line()
        pipe = self.redis.client.pipeline().flushall()
        for text in "abc":
            entry = {"name": "bob", "msg": text, "key": "", "at": "1.5"}
            pipe.xadd(chat.LOG, entry, id="0-*")
        pipe.execute()
        self.assertEqual(await alice.close_code(), 1012)
        alice = await self.connect(url, "alice", "?since=0")
        self.assertEqual(await alice.texts(3), list("abc"))
        self.assertIn("Redis has lost messages", await self.errors(0))

    @gen_test(timeout=20)
    async def test_wiped_redis_cookies_stay_good(self):
        [url] = self.start_many(1, COOKIE_SECRET="")
        carol = self.visitor(url)
        await carol.post("/login", name="carol")
        connection = await carol.connect()
        await connection.send("hello")
        await connection.line()
        secret = self.redis.client.get("chat:cookie_secret")
        self.redis.client.flushall()
        self.assertEqual(await connection.close_code(), 1012)
        self.assertEqual(self.redis.client.get("chat:cookie_secret"), secret)

    @gen_test(timeout=20)
    async def test_key_not_used_up_by_a_failure(self):
        [url] = self.start_many(1)
        alice = await self.connect(url, "alice")
        self.redis.client.set(chat.LOG, "no stream")
        for _ in range(2):
            await alice.send("hello", "k")
            self.assertIn("error", await alice.line())
        self.redis.client.delete(chat.LOG)
        line = await self.send_again(alice, "hello", "k")
        self.assertEqual((line["id"], line["msg"]), (1, "hello"))

    @gen_test(timeout=20)
    async def test_foreign_entry_does_not_stop_the_others(self):
        [url] = self.start_many(1)
        alice = await self.connect(url, "alice")
        self.redis.client.xadd(chat.OUT, {"colour": "red"})
        await alice.send("hello")
        self.assertEqual(await alice.texts(1), ["hello"])
        self.assertIn("KeyError", await self.errors(0))

    @gen_test(timeout=20)
    async def test_old_sign_outs_not_repeated(self):
        pipe = self.redis.client.pipeline()
        for _ in range(1000):
            pipe.xadd(chat.OUT, {"name": "alice"})
        pipe.execute()
        [url] = self.start_many(1)
        alice = await self.connect(url, "alice")
        for number in range(20):  # each of them takes one turn of the follower
            await alice.send(f"{number}")
            self.assertEqual(await alice.texts(1), [f"{number}"])

    @gen_test(timeout=20)
    async def test_name_kept_through_an_outage(self):
        one, two = self.start_many(2)
        await self.connect(one, "carol")
        await until(lambda: self.redis.client.zcard(chat.NAMES))
        self.redis.kill()
        refused = await self.visitor(two).post("/login", name="carol")
        self.assertEqual(refused.code, 400)
        self.redis.start()
        self.redis.client.delete(chat.NAMES)  # as if it had lasted
        while not self.redis.client.zcard(chat.NAMES):
            refused = await self.visitor(two).post("/login", name="carol")
            self.assertEqual(refused.code, 400)

    @gen_test(timeout=20)
    async def test_stop_while_redis_is_frozen(self):
        [url] = self.start_many(1)
        alice = await self.connect(url, "alice")
        self.redis.process.send_signal(signal.SIGSTOP)
        for number in range(3):
            await alice.send(f"{number}")
        alice.ws.ping()
        self.servers[0].process.terminate()
        self.assertEqual(await alice.close_code(), 1001)
        self.assertEqual(await asyncio.to_thread(self.servers[0].stop), (0, ""))

    @gen_test(timeout=20)
    async def test_stop_says_goodbye(self):
        [url] = self.start_many(1)
        alice = await self.connect(url, "alice")
        self.servers[0].process.terminate()
        self.assertEqual(await alice.close_code(), 1001)
        self.assertEqual(self.servers[0].stop(), (0, ""))

    @needs_nginx
    @gen_test(timeout=20)
    async def test_behind_nginx_of_readme(self):
        urls = self.start_many(2, "--xheaders")
        nginx = NginxProxy(self.redis.folder, urls, scheme="https")
        self.addCleanup(nginx.stop)
        carol = self.visitor(nginx.url)
        await carol.get("/")
        self.assertIn("Secure", carol.set_cookies[0])
        self.assertEqual((await carol.post("/login", name="carol")).code, 303)
        tabs = [await carol.connect() for _ in range(4)]  # in turn: two in each process
        for number, tab in enumerate(tabs):
            await tab.send(f"{number}")
            self.assertEqual([await tab.texts(1) for tab in tabs], [[f"{number}"]] * 4)
        self.servers[0].stop(signal.SIGKILL)
        tab = await carol.connect("?since=3")
        self.assertEqual(await tab.texts(1), ["3"])
        self.assertEqual((await self.visitor(nginx.url).get("/")).code, 200)

    @gen_test(timeout=60)
    async def test_two_processes_two_hundred_people(self):
        self.start_many(2)
        people = self.people(200, messages=5)
        await asyncio.gather(*(person.run(1000) for person in people))
        self.assert_exactly_once(people, 1000)

    async def run_and_disturb(self, people, count, disturb):
        """Let the people talk; do something when a third of it has been said."""
        running = [asyncio.ensure_future(person.run(count)) for person in people]
        await people[0].until_seen(count // 3)
        disturb()
        await asyncio.gather(*running)
        self.assert_exactly_once(people, count)

    @gen_test(timeout=60)
    async def test_process_killed_people_move(self):
        self.start_many(4)
        people = self.people(200, messages=5)
        kill = self.servers[1].process.kill
        await self.run_and_disturb(people, 1000, kill)
        self.assertEqual(self.servers[1].stop()[0], -signal.SIGKILL)

    @gen_test(timeout=60)
    async def test_redis_killed_nothing_lost(self):
        self.start_many(2)
        people = self.people(200, messages=5)

        def kill_and_start():
            self.redis.kill()
            self.redis.start()

        await self.run_and_disturb(people, 1000, kill_and_start)
        self.assertEqual(self.redis.client.xlen(chat.LOG), 1000)
