"""What happens to a chat of many processes when something breaks.

One test for each fault. Nothing that was confirmed is lost, or just what README says;
nothing is doubled, the order stays, people go on soon after the fault's end.
"""

import asyncio
import os
import re
import shlex
import signal
import time
from unittest import mock

from tornado.httpclient import AsyncHTTPClient, HTTPClientError
from tornado.testing import gen_test

import chat
from tests.page_support import Cable
from tests.redis_support import LOG, Guest, NginxProxy, RedisCase, redis_room
from tests.support import heavy, needs_nginx, project_text, redis, until

RECOVERY = 5  # seconds


class ForeignEntryTest(RedisCase):
    """Somebody writes into the streams by hand."""

    def foreign(self):
        """Write what is no message, in all ways that leave the ids alone."""
        client = self.redis.client
        client.xadd(LOG, {"name": "bob", "msg": "no time"}, id="0-*")
        client.xadd(LOG, {"colour": "red"}, id="0-*")
        self.redis.say(b"no UTF-8: \xff")
        self.redis.say("no number", at="now")
        self.redis.say("JSON has none", at="inf")

    @gen_test(timeout=20)
    async def test_skipped_by_running_and_by_starting_processes(self):
        [one] = await self.start_here(1)
        alice = await self.connect(one, "alice")
        self.foreign()
        await alice.send("a")
        self.assertEqual(await alice.texts(1), ["a"])
        [two] = await self.start_here(1)
        bob = await self.connect(two, "bob", "?since=0")
        self.assertEqual(await bob.texts(1), ["a"])
        for number in range(1, 6):
            name = f"0-{number} in chat:log is no message"
            self.assertEqual(self.logged().count(name), 2)

    @gen_test(timeout=20)
    async def test_entry_with_an_id_of_redis_is_repaired_as_the_log_says(self):
        [url] = await self.start_here(1)
        alice = await self.connect(url, "alice")
        await alice.send("before", "b")
        await alice.texts(1)
        for _ in range(2):
            self.redis.say("stray", id="*")
        await until(lambda: self.logged().count("is no message") == 2)
        await alice.send("after", "k")
        self.assertTrue((await alice.line())["retry"])
        await asyncio.sleep(4 * chat.PAUSE)  # it is read again and again, and told once
        repair = re.search("redis-cli (EVAL .* chat:log)", self.logged()).group(1)
        self.redis.client.execute_command(*shlex.split(repair))
        begun = time.monotonic()
        line = await self.send_again(alice, "after", "k")
        self.assertEqual((line["id"], line["msg"]), (2, "after"))
        self.assertLess(time.monotonic() - begun, 2)
        self.assertEqual(self.texts(), ["before", "after"])
        self.assertEqual(self.logged().count("is no message"), 2)
        self.assertIn(repair, project_text("many_processes/README.md"))

    @gen_test(timeout=20)
    async def test_id_too_large_is_foreign(self):
        self.redis.say("the last one there can be", id="0-18446744073709551615")
        [url] = await self.start_here(1)
        await self.connect(url, "alice", "?since=0")
        self.assertIn("0-18446744073709551615 in chat:log is no", self.logged())

    @gen_test(timeout=20)
    async def test_foreign_sign_out_skipped(self):
        [url] = await self.start_here(1)
        alice = await self.connect(url, "alice")
        self.redis.client.xadd("chat:out", {"colour": "red"})
        await alice.send("hello")
        self.assertEqual(await alice.texts(1), ["hello"])
        self.assertIn("KeyError", self.logged())

    @gen_test(timeout=20)
    async def test_log_that_is_no_stream(self):
        [url] = await self.start_here(1)
        alice = await self.connect(url, "alice")
        self.redis.client.set(LOG, "no stream")
        for _ in range(2):
            await alice.send("hello", "k")
            self.assertTrue((await alice.line())["retry"])
        self.redis.client.delete(LOG)
        line = await self.send_again(alice, "hello", "k")
        self.assertEqual((line["id"], line["msg"]), (1, "hello"))


class LostTest(RedisCase):
    """Redis has lost messages: the pages show what is left."""

    @gen_test(timeout=20)
    async def test_wiped_begins_anew(self):
        [url] = await self.start_here(1, COOKIE_SECRET="")
        secret = self.redis.client.get("chat:cookie_secret")
        carol = self.visitor(url)
        await carol.post("/login", name="carol")
        tab = await carol.connect()
        for text in "abc":
            await tab.send(text)
        _, _, c = await tab.read(3)
        self.redis.client.flushall()
        self.assertEqual(await tab.close_code(), 1012)
        tab = await carol.connect(f"?since=3&at={c['at']}")
        self.assertEqual(await tab.close_code(), 1012)
        tab = await carol.connect()
        await tab.send("d")
        line = await tab.line()
        self.assertEqual((line["id"], line["msg"]), (1, "d"))
        self.assertIn("Redis has lost messages", self.logged())
        await until(lambda: self.redis.client.get("chat:cookie_secret") == secret)

    @gen_test(timeout=20)
    async def test_wiped_noticed_though_longer(self):
        [url] = await self.start_here(1)
        alice = await self.connect(url, "alice")
        await alice.send("old")
        await alice.line()
        pipe = self.redis.client.pipeline().flushall()
        for text in "abc":
            entry = {"name": "bob", "msg": text, "key": "", "at": "1.5"}
            pipe.xadd(LOG, entry, id="0-*")
        pipe.execute()
        self.assertIsNone(await alice.line())  # "b" and "c" would be out of place here
        self.assertEqual(alice.ws.close_code, 1012)
        alice = await self.connect(url, "alice")
        self.assertEqual(await alice.texts(3), list("abc"))

    @gen_test(timeout=20)
    async def test_trimmed_nobody_notices(self):
        [url] = await self.start_here(1)
        alice = await self.connect(url, "alice")
        for text in "abc":
            await alice.send(text)
        await alice.read(3)
        self.redis.client.xtrim(LOG, maxlen=1)
        await asyncio.sleep(3 * redis_room.WAIT / 1000)  # the next check
        await alice.send("d")
        self.assertEqual(await alice.texts(1), ["d"])

    @gen_test(timeout=20)
    async def test_trimmed_to_nothing_begins_anew_and_ids_go_on(self):
        [url] = await self.start_here(1)
        alice = await self.connect(url, "alice")
        await alice.send("a")
        await alice.line()
        self.redis.client.xtrim(LOG, maxlen=0)
        self.assertEqual(await alice.close_code(), 1012)
        alice = await self.connect(url, "alice")
        await alice.send("b")
        self.assertEqual((await alice.line())["id"], 2)

    async def replica(self):
        """Start a replica of self.redis, and wait until it has all."""
        self.redis.client.config_set("repl-diskless-sync-delay", 0)
        replica = self.start_redis()
        replica.client.replicaof("127.0.0.1", self.redis.port)
        await until(lambda: replica.client.info()["master_link_status"] == "up")
        return replica

    @gen_test(timeout=20)
    async def test_failover_to_a_replica_that_is_behind(self):
        replica = await self.replica()
        async with Cable(self.redis.port) as cable:
            [url] = await self.start_here(1, url=through(cable))
            alice = await self.connect(url, "alice")
            await alice.send("kept", "k1")
            await alice.line()
            await until(lambda: replica.client.xlen(LOG) == 1)
            replica.client.replicaof("NO", "ONE")  # it gets no more
            await alice.send("lost", "k2")
            self.assertEqual(await alice.texts(1), ["lost"])
            self.redis.kill()
            cable.port = replica.port
            cable.cut()
            self.assertEqual(await alice.close_code(), 1012)
            alice = await self.connect(url, "alice")
            self.assertEqual(await alice.texts(1), ["kept"])
            await self.send_again(alice, "after", "k3")
            entries = replica.client.xrange(LOG)
            texts = [fields["msg"] for _, fields in entries]
            self.assertEqual(texts, ["kept", "after"])

    @gen_test(timeout=20)
    async def test_split_brain_ends_as_one_log(self):
        replica = await self.replica()
        async with Cable(self.redis.port) as cable:
            [one] = await self.start_here(1)
            [two] = await self.start_here(1, url=through(cable))
            alice = await self.connect(one, "alice")
            bob = await self.connect(two, "bob")
            replica.client.replicaof("NO", "ONE")
            cable.port = replica.port
            cable.cut()
            line = await self.send_again(bob, "there", "k1")
            await alice.send("here", "k2")
            await alice.send("and here", "k3")
            self.assertEqual(await alice.texts(2), ["here", "and here"])
            cable.port = self.redis.port
            cable.cut()
            self.assertEqual(await bob.close_code(), 1012)
            bob = await self.connect(two, "bob", f"?since=1&at={line['at']}")
            self.assertEqual(await bob.close_code(), 1012)
            bob = await self.connect(two, "bob")
            self.assertEqual(await bob.texts(2), ["here", "and here"])
            await alice.send("end")
            self.assertEqual(await alice.texts(1), ["end"])


def through(cable):
    """Return the address of the Redis at the other end of a Cable."""
    return cable.url.replace("http", "redis")


class AwayTest(RedisCase):
    """Redis does not answer, or refuses."""

    async def assert_waits(self, begin, end):
        """Check that people read on, and that a message waits and is stored once.

        Args:
            begin, end: functions that bring the fault about, and end it.
        """
        one, two = await self.start_here(2)
        alice, bob = await self.connect(one, "alice"), await self.connect(two, "bob")
        await alice.send("before")
        self.assertEqual(await bob.texts(1), await alice.texts(1))
        begin()
        await alice.send("meanwhile", "k")
        line = await alice.line()
        self.assertEqual((line["key"], line["retry"]), ("k", True))
        self.assertEqual(line["error"], "Not stored yet. It will be sent again.")
        carol = await self.connect(one, "carol", "?since=0")
        self.assertEqual(await carol.texts(1), ["before"])
        refused = await self.visitor(one).post("/login", name="dora")
        self.assertEqual(refused.code, 400)
        self.assertIn("Please try again in a minute", refused.text)
        end()
        begun = time.monotonic()
        line = await self.send_again(alice, "meanwhile", "k")
        self.assertEqual(await bob.line(), line)
        self.assertLess(time.monotonic() - begun, RECOVERY)
        self.assertEqual(self.texts(), ["before", "meanwhile"])
        self.assertIn("Redis: ", self.logged())
        answer = await self.visitor(one).post("/login", name="dora")
        self.assertEqual(answer.code, 303)

    @gen_test(timeout=20)
    async def test_redis_killed(self):
        await self.assert_waits(self.redis.kill, self.redis.start)

    @gen_test(timeout=20)
    async def test_redis_frozen(self):
        self.patch(redis_room, TIMEOUT=0.5)
        signal_redis = self.redis.process.send_signal
        await self.assert_waits(
            lambda: signal_redis(signal.SIGSTOP), lambda: signal_redis(signal.SIGCONT)
        )

    @gen_test(timeout=20)
    async def test_redis_full(self):
        config = self.redis.client.config_set
        await self.assert_waits(
            lambda: config("maxmemory", 1), lambda: config("maxmemory", 0)
        )

    @gen_test(timeout=20)
    async def test_redis_read_only(self):
        config = self.redis.client.config_set
        await self.assert_waits(
            lambda: config("min-replicas-to-write", 1),
            lambda: config("min-replicas-to-write", 0),
        )

    @gen_test(timeout=20)
    async def test_connections_to_redis_killed(self):
        one, two = await self.start_here(2)
        alice, bob = await self.connect(one, "alice"), await self.connect(two, "bob")
        for number in range(3):
            self.redis.client.client_kill_filter(_type="normal", skipme=True)
            line = await self.send_again(alice, f"{number}", f"k{number}")
            self.assertEqual(await bob.line(), line)
        self.assertEqual(self.texts(), ["0", "1", "2"])

    @gen_test(timeout=20)
    async def test_answer_of_redis_lost(self):
        [url] = await self.start_here(1)
        alice = await self.connect(url, "alice")
        client = self.rooms[0].redis
        ask = client.eval

        async def lose(*arguments):
            await ask(*arguments)
            raise redis.TimeoutError

        with mock.patch.object(client, "eval", lose):
            await alice.send("hello", "k")
            lines = await alice.read(2)
        self.assertEqual({line.get("retry") for line in lines}, {True, None})
        await alice.send("hello", "k")
        self.assertEqual(await alice.line(), {"id": 1, "key": "k"})
        self.assertEqual(self.texts(), ["hello"])

    @gen_test(timeout=20)
    async def test_short_outage_closes_nothing(self):
        [url] = await self.start_here(1)
        alice = await self.connect(url, "alice")
        self.redis.kill()
        await until(lambda: self.logged().count("ConnectionError") > 1)
        self.assertEqual((await self.browsers["alice"].get("/chat")).code, 200)
        self.redis.start()
        await self.send_again(alice, "still here", "k")

    @gen_test(timeout=20)
    async def test_sign_in_works_at_once_after_a_restart_of_redis(self):
        [url] = await self.start_here(1)
        alice = await self.connect(url, "alice")
        for crowd in "before", "after":  # many at once use many connections to Redis
            forms = [
                self.visitor(url).post("/login", name=f"{crowd} {number}")
                for number in range(8)
            ]
            answers = await asyncio.gather(*forms)
            self.assertEqual([answer.code for answer in answers], [303] * 8)
            self.redis.kill()
            self.redis.start()
            self.redis.say("it is back")
            self.assertEqual(await alice.texts(1), ["it is back"])

    @gen_test(timeout=20)
    async def test_process_cut_off_sends_people_on(self):
        self.patch(redis_room, CUT_OFF=0.5)
        async with Cable(self.redis.port) as cable:
            [one] = await self.start_here(1, url=through(cable))
            [two] = await self.start_here(1)
            alice = await self.connect(one, "alice")
            bob = await self.connect(two, "bob")
            await alice.send("before")
            self.assertEqual(await alice.texts(1), await bob.texts(1))
            cable.cut(down=True)
            self.assertEqual(await alice.close_code(), 1001)
            await self.assert_readable(one, self.browsers["alice"])
            alice = await self.connect(two, "alice")
            await alice.send("over here")
            self.assertEqual(await bob.texts(1), ["over here"])
            self.assertEqual((await self.browsers["bob"].get("/chat")).code, 200)
            cable.cut()
            await until(lambda: not self.rooms[0].is_cut_off())
            self.assertEqual((await self.visitor(one).get("/")).code, 200)
            alice = await self.connect(one, "alice")
            self.assertEqual(await alice.texts(2), ["before", "over here"])

    async def assert_readable(self, url, reader):
        """Check what a process gives that is cut off: all it has, and a way on."""
        nobody = self.visitor(url)
        page = await nobody.get("/")
        self.assertEqual((page.code, 'action="/login"' in page.text), (503, True))
        page = await reader.get("/chat")
        self.assertEqual((page.code, 'id="log"' in page.text), (503, True))
        self.assertEqual((await nobody.post("/login", name="dora")).code, 503)
        tab = await reader.connect()
        line = await tab.line()
        self.assertEqual(line["msg"], "before")
        self.assertEqual(await tab.close_code(), 1001)
        with self.assertRaises(HTTPClientError) as caught:  # it has read all there is
            await reader.connect(f"?since=1&at={line['at']}")
        self.assertEqual(caught.exception.code, 503)

    @gen_test(timeout=20)
    async def test_old_cookie_let_in_while_away_gives_way_later(self):
        self.patch(redis_room, RENEWAL=0.2)
        [url] = await self.start_here(1)
        owner = self.visitor(url)
        self.assertEqual((await owner.post("/login", name="carol")).code, 303)
        self.redis.kill()
        other = await self.connect(url, "carol")
        self.redis.start()
        self.assertEqual(await other.close_code(), 1008)

    @gen_test(timeout=20)
    async def test_foreign_page_refused_while_away(self):
        [url] = await self.start_here(1)
        alice = self.visitor(url).sign_in("alice")
        self.redis.kill()
        with self.assertRaises(HTTPClientError) as caught:
            await alice.connect(Origin="http://evil.example.org")
        self.assertEqual(caught.exception.code, 403)
        await alice.connect(Origin=url)

    @gen_test(timeout=20)
    async def test_sign_out_while_away_closes_what_is_here(self):
        [url] = await self.start_here(1)
        alice = await self.connect(url, "alice")
        self.redis.kill()
        answer = await self.browsers["alice"].post("/logout")
        self.assertEqual((answer.code, await alice.close_code()), (303, 1008))

    async def assert_stops(self, disturb):
        """Check that a process ends in time and in peace."""
        [url] = self.start_many(1)
        alice = await self.connect(url, "alice")
        disturb()
        for number in range(3):
            await alice.send(f"{number}", f"k{number}")
        begun = time.monotonic()
        self.servers[0].process.terminate()
        self.assertEqual(await alice.close_code(), 1001)
        status, errors = await asyncio.to_thread(self.servers[0].stop)
        self.assertEqual(status, 0)
        self.assertNotIn("Traceback", errors)
        self.assertLess(time.monotonic() - begun, 5)
        return errors

    @gen_test(timeout=20)
    async def test_stop(self):
        self.assertEqual(await self.assert_stops(lambda: None), "")

    @heavy
    @gen_test(timeout=20)
    async def test_stop_while_redis_is_frozen(self):
        freeze = self.redis.process.send_signal
        await self.assert_stops(lambda: freeze(signal.SIGSTOP))

    @gen_test(timeout=20)
    async def test_stop_while_redis_is_gone(self):
        await self.assert_stops(self.redis.kill)


@needs_nginx
class NginxTest(RedisCase):
    """Behind an nginx with nginx.conf."""

    def start_nginx(self, urls, **options):
        nginx = NginxProxy(self.folder, urls, **options)
        self.addCleanup(nginx.stop)
        return nginx

    def guest(self, nginx):
        self.visitors.append(Guest(AsyncHTTPClient(), nginx.url))
        return self.visitors[-1]

    OPTIONS = "--xheaders", f"--host={NginxProxy.HOST}"

    @gen_test(timeout=20)
    async def test_on_a_stock_debian(self):
        nginx = self.start_nginx(await self.start_here(2, *self.OPTIONS))
        self.assertIn("Chat", (await self.guest(nginx).get("/")).text)
        other = await self.visitor(nginx.url).get("/")  # by another name: nginx's own
        self.assertNotIn("Chat", other.text)

    @gen_test(timeout=20)
    async def test_people_talk(self):
        urls = await self.start_here(2, *self.OPTIONS)
        nginx = self.start_nginx(urls, scheme="https")
        carol = self.guest(nginx)
        await carol.get("/")
        self.assertIn("Secure", carol.set_cookies[0])
        self.assertEqual((await carol.post("/login", name="carol")).code, 303)
        origin = f"https://{NginxProxy.HOST}"
        tabs = [await carol.connect(Origin=origin) for _ in range(4)]
        self.assertEqual([len(room.connections) for room in self.rooms], [2, 2])
        for number, tab in enumerate(tabs):
            await tab.send(f"{number}")
            self.assertEqual([await tab.texts(1) for tab in tabs], [[f"{number}"]] * 4)

    @gen_test(timeout=20)
    async def test_process_killed(self):
        nginx = self.start_nginx(self.start_many(2, *self.OPTIONS))
        carol = self.guest(nginx)
        await carol.post("/login", name="carol")
        tab = await carol.connect()
        await tab.send("before", "k")
        line = await tab.line()
        self.servers[0].stop(signal.SIGKILL)
        for _ in range(4):
            self.assertEqual((await carol.get("/chat")).code, 200)
            tab = await carol.connect(f"?since=1&at={line['at']}")
            await tab.send("before", "k")
            self.assertEqual(await tab.line(), {"id": 1, "key": "k"})

    @heavy
    @gen_test(timeout=40)
    async def test_process_that_hangs_delays_a_page_by_5_s(self):
        nginx = self.start_nginx(self.start_many(2, *self.OPTIONS))
        self.servers[0].process.send_signal(signal.SIGSTOP)
        begun = time.monotonic()
        pages = [self.guest(nginx).get("/") for _ in range(4)]
        codes = [page.code for page in await asyncio.gather(*pages)]
        self.servers[0].process.send_signal(signal.SIGCONT)
        self.assertEqual(codes, [200] * 4)
        self.assertLess(time.monotonic() - begun, 8)

    async def cut_off(self, *rooms):
        """Let processes be without Redis for long."""
        self.patch(redis_room, CUT_OFF=0.5)
        for room in rooms:
            patch = mock.patch.object(room, "follow", side_effect=OSError)
            patch.start()
            self.addCleanup(patch.stop)
            await until(room.is_cut_off)

    @gen_test(timeout=20)
    async def test_process_cut_off_is_not_asked(self):
        self.redis.say("before")
        nginx = self.start_nginx(await self.start_here(2, *self.OPTIONS))
        await self.cut_off(self.rooms[0])
        for number in range(4):
            carol = self.guest(nginx)
            self.assertEqual((await carol.get("/")).code, 200)
            answer = await carol.post("/login", name=f"carol{number}")
            self.assertEqual(answer.code, 303)
            self.assertEqual((await carol.get("/chat")).code, 200)
            tab = await carol.connect("?since=1&at=1764000000")
            await tab.send(f"{number}")
            self.assertIn(f"{number}", await tab.texts(number + 1))

    @gen_test(timeout=20)
    async def test_all_cut_off_people_read(self):
        self.redis.say("hello")
        nginx = self.start_nginx(await self.start_here(2, *self.OPTIONS))
        carol = self.guest(nginx)
        await carol.post("/login", name="carol")
        await self.cut_off(*self.rooms)
        for _ in range(4):
            page = await carol.get("/chat")
            self.assertEqual((page.code, 'id="log"' in page.text), (503, True))
            self.assertEqual((await carol.get("/static/chat.js")).code, 200)
            tab = await carol.connect()
            self.assertEqual(await tab.texts(1), ["hello"])
            self.assertEqual(await tab.close_code(), 1001)

    @heavy
    @gen_test(timeout=120)
    async def test_a_thousand_people(self):
        nginx = NginxProxy(self.folder, self.start_many(2, *self.OPTIONS), crowd=True)
        self.addCleanup(nginx.stop)
        guests = [self.guest(nginx).sign_in(f"user{n}") for n in range(1000)]
        tabs = [await guest.connect() for guest in guests]
        await tabs[0].send("hello")
        for tab in tabs:
            self.assertEqual(await tab.texts(1), ["hello"])


class CrowdTest(RedisCase):
    """Many people talk while something breaks."""

    COUNT = 200 if "HEAVY" in os.environ else 40  # people

    async def run_and_disturb(self, disturb, processes=2):
        """Let people talk; do something when a third of it has been said."""
        self.start_many(processes)
        people, count = self.people(self.COUNT, messages=5), self.COUNT * 5
        running = [asyncio.ensure_future(person.run(count)) for person in people]
        await people[0].until_seen(count // 3)
        await disturb()
        begun = time.monotonic()
        await people[0].until_seen(min(count, len(people[0].seen) + 1))
        self.assertLess(time.monotonic() - begun, RECOVERY)
        await asyncio.gather(*running)
        self.assert_exactly_once(people, count)
        self.assertEqual(self.redis.client.xlen(LOG), count)

    @gen_test(timeout=60)
    async def test_process_killed(self):
        async def disturb():
            self.servers[1].process.kill()

        await self.run_and_disturb(disturb, processes=3)

    @gen_test(timeout=60)
    async def test_redis_killed(self):
        async def disturb():
            self.redis.kill()
            self.redis.start()

        await self.run_and_disturb(disturb)

    async def freeze(self, process):
        process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(2)
        process.send_signal(signal.SIGCONT)

    @heavy
    @gen_test(timeout=60)
    async def test_process_stopped_for_a_while(self):
        await self.run_and_disturb(lambda: self.freeze(self.servers[1].process))

    @heavy
    @gen_test(timeout=60)
    async def test_redis_stopped_for_a_while(self):
        await self.run_and_disturb(lambda: self.freeze(self.redis.process))

    @heavy
    @gen_test(timeout=60)
    async def test_redis_full_for_a_while(self):
        async def disturb():
            self.redis.client.config_set("maxmemory", 1)
            await asyncio.sleep(2)
            self.redis.client.config_set("maxmemory", 0)

        await self.run_and_disturb(disturb)

    @heavy
    @gen_test(timeout=60)
    async def test_connections_killed_again_and_again(self):
        async def disturb():
            for _ in range(20):
                self.redis.client.client_kill_filter(_type="normal", skipme=True)
                await asyncio.sleep(0.1)

        await self.run_and_disturb(disturb)
