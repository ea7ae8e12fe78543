"""What each step of the tutorial promises, tried on the student's own program."""

import asyncio
import contextlib
import http.cookies
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.parse
from pathlib import Path

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from workshop.terminal import paint

PATIENCE = 5  # seconds for anything that should come
LOOP = """import asyncio, loop, socket
async def main():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    loop.start(port)
    print(f"http://127.0.0.1:{port}", flush=True)
    await asyncio.Event().wait()
asyncio.run(main())"""
ROOM = """import asyncio, chat
async def main():
    room = chat.Room("")
    await room.open()
    await asyncio.gather(room.post("ann", "1", "k"), room.post("bob", "2", None))
    print(room.end, await room.post("ann", "1", "k"), end=" ")
asyncio.run(main())"""
CURSOR = """import asyncio, chat
async def main():
    room = chat.Room("")
    await room.open()
    await asyncio.gather(*[room.post("ann", str(n), None) for n in range(3)])
    cursor, lines = room.read(1)
    print(cursor, lines.count(b"\\n"))
asyncio.run(main())"""


class Broken(Exception):
    """A promise is not kept: one sentence."""


def expect(condition, sentence):
    if not condition:
        raise Broken(sentence)


class Visitor:
    """Somebody at the chat: cookies, and what is asked with them.

    Args:
        url: of the chat.
    """

    def __init__(self, url):
        self.url, self.cookies, self.sockets = url, {}, []

    def headers(self):
        pairs = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return {"Cookie": pairs}

    async def get(self, path, headers=None, **options):
        """Ask once; return the answer, whatever its status is."""
        answer = await AsyncHTTPClient().fetch(
            urllib.parse.urljoin(self.url, path),
            headers=self.headers() | (headers or {}),
            follow_redirects=False,
            raise_error=False,
            request_timeout=PATIENCE,
            **options,
        )
        for header in answer.headers.get_list("Set-Cookie"):
            for name, cookie in http.cookies.SimpleCookie(header).items():
                self.cookies[name] = cookie.value
        return answer

    async def post(self, path, **fields):
        body = urllib.parse.urlencode({"_xsrf": self.cookies.get("_xsrf"), **fields})
        return await self.get(path, method="POST", body=body)

    async def sign_in(self, name):
        await self.get("/")
        answer = await self.post("/login", name=name)
        expect(answer.code == 303, f"POST /login answered {answer.code}, not 303.")
        return self

    async def connect(self, query="", **headers):
        """Open a WebSocket."""
        url = urllib.parse.urljoin(self.url, "/ws" + query).replace("http", "ws", 1)
        request = HTTPRequest(url, headers=self.headers() | headers)
        self.sockets.append(await websocket_connect(request))
        return self.sockets[-1]


async def read(ws, count):
    """Read so many lines of a WebSocket; {} are signs of life."""
    lines = []
    while len(lines) < count:
        frame = await asyncio.wait_for(ws.read_message(), PATIENCE)
        expect(frame is not None, f"The chat closed the connection ({ws.close_code}).")
        lines += [line for line in map(json.loads, frame.split("\n")) if line]
    return lines


class Program:
    """The student's program, started in their folder, with a log of its own.

    Args:
        folder: the student's.
        words: what Python is told.
        environment: variables besides ours.
    """

    def __init__(self, folder, *words, **environment):
        self.process = subprocess.Popen(
            [sys.executable, *words],
            cwd=folder,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def url(self):
        """Wait for the line that tells the address; return it."""
        line = self.process.stdout.readline()
        found = re.search(r"http://\S+", line)
        if not found:
            _, errors = self.stop()
            raise Broken("It did not start. Its last words: " + last_line(errors))
        return found[0]

    def stop(self, number=signal.SIGTERM):
        """Stop it; return its exit status, and what it wrote to standard error."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            _, errors = self.process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            _, errors = self.process.communicate()
        return self.process.returncode, errors


def in_thread(function):
    """Call what blocks, and let the event loop run meanwhile."""
    return asyncio.get_running_loop().run_in_executor(None, function)


def last_line(text):
    return text.strip().rpartition("\n")[2] or "none."


class Trial:
    """All that the promises need: programs that are stopped at the end.

    Args:
        folder: the student's.
        scratch: an empty one, for logs.
    """

    def __init__(self, folder, scratch):
        self.folder, self.scratch = folder, scratch
        self.programs, self.visitors = [], []

    def run(self, *words, **environment):
        """Start something in the student's folder."""
        self.programs.append(Program(self.folder, *words, **environment))
        return self.programs[-1]

    def start(self, db="chat.db", **environment):
        """Start chat.py, and wait until it listens; its log is kept under a name."""
        options = f"--db={Path(self.scratch, db)}", "--port=0", "--logging=error"
        self.chat = self.run("chat.py", *options, **environment)
        self.url = self.chat.url()

    def start_early(self):
        """Start what has no log yet."""
        self.chat = self.run("chat.py", "--port=0", "--logging=error")
        self.url = self.chat.url()

    def ask(self, script):
        """Run a script in the student's folder; return the words that it writes."""
        program = self.run("-c", script)
        words, errors = program.process.communicate(timeout=PATIENCE)
        expect(words, "It ended with: " + last_line(errors))
        return words.split()

    def refusal(self, *options):
        """Start a chat that must not start; return its exit status and words."""
        program = self.run("chat.py", *options)
        try:
            _, errors = program.process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            raise Broken("It has started, and should not.") from None
        return program.process.returncode, errors

    def write(self, name, text):
        """Write a file; return its path."""
        path = Path(self.scratch, name)
        path.write_text(text)
        return path

    def visitor(self):
        self.visitors.append(Visitor(self.url))
        return self.visitors[-1]

    def hang_up(self):
        """Close everybody's sockets: a chat that stops waits for their goodbyes."""
        for visitor in self.visitors:
            for ws in visitor.sockets:
                ws.close()
        self.visitors.clear()

    def close(self):
        for program in self.programs:
            if program.process.poll() is None:
                program.process.kill()
                program.process.communicate()


# ------------------------------------------------------------------------ the promises


async def talks_in_a_loop(trial):
    url = trial.run("-c", LOOP).url()
    one, other = await Visitor(url).connect(), await Visitor(url).connect()
    await one.write_message('{"name": "alice", "msg": "hello"}')
    message = (await read(other, 1))[0]
    expect(message["msg"] == "hello", "What one says does not reach the other.")


async def answers_404(trial):
    code = (await trial.visitor().get("/nowhere")).code
    expect(code == 404, f"It answered {code} at /nowhere.")


async def refuses_options(trial):
    status, words = trial.refusal("--prot=5001")
    expect(status == 1 and words.count("\n") == 1, f"It said: {last_line(words)}")


async def has_pages(trial):
    visitor = trial.visitor()
    page = await visitor.get("/")
    expect(page.code == 200, f"It answered {page.code} at /.")
    expect(b"<form" in page.body, "There is no form on the page.")
    chat = await visitor.get("/chat")
    expect(chat.code == 302, f"/chat answered {chat.code} to a stranger, not 302.")


async def signs_in(trial):
    visitor = await trial.visitor().sign_in("Alice 17")
    page = await visitor.get("/chat")
    expect(page.code == 200, f"/chat answered {page.code} after signing in, not 200.")
    expect(b"Alice 17" in page.body, "The chat page does not know the name.")
    code = (await visitor.post("/login", name="?" * 21)).code
    expect(code == 400, f"A bad nickname was answered with {code}, not 400.")
    visitor.cookies["username"] = visitor.cookies["username"].replace("2|", "2|x", 1)
    code = (await visitor.get("/chat")).code
    expect(code == 302, f"A forged cookie was answered with {code}, not 302.")


async def signs_out(trial):
    visitor = await trial.visitor().sign_in("Zoe")
    code = (await visitor.post("/logout")).code
    expect(code == 303, f"POST /logout answered {code}, not 303.")
    expect(not visitor.cookies["username"], "The cookie with the name is still there.")


async def keeps_a_log(trial):
    end, resent = trial.ask(ROOM)
    expect(end == "2", f"After two messages the end is {end}, not 2.")
    expect(resent == "1", f"A message sent again got {resent}, not its number, 1.")


async def reads_behind_a_cursor(trial):
    cursor, breaks = trial.ask(CURSOR)
    expect(cursor == "3", f"Behind 1 of 3 messages, the new cursor is {cursor}, not 3.")
    expect(breaks == "1", "Behind 1 of 3 messages there are not two lines.")


async def lets_people_talk(trial):
    alice = await (await trial.visitor().sign_in("alice")).connect()
    bob = await (await trial.visitor().sign_in("bob")).connect()
    await alice.write_message('{"msg": "hello", "key": "k", "name": "bob"}')
    line = await last_of(bob, "hello")
    expect(line["name"] == "alice", f"A message of alice came as {line['name']}'s.")


async def shows_history(trial):
    visitor = await trial.visitor().sign_in("carla")
    expect((await read(await visitor.connect(), 1))[0]["msg"], "There is no history.")


async def goes_on(trial):
    visitor = await trial.visitor().sign_in("dmytro")
    ws = await visitor.connect()
    await ws.write_message('{"msg": "one", "key": "1"}')
    await ws.write_message('{"msg": "two", "key": "2"}')
    one, two = await last_of(ws, "one"), await last_of(ws, "two")
    ws.close()
    ws = await visitor.connect(f"?since={one['id']}&at={one['at']}")
    line = (await read(ws, 1))[0]
    expect(line == two, f"It went on with {line}.")
    await ws.write_message('{"msg": "two", "key": "2"}')
    line = (await read(ws, 1))[0]
    expect(line == {"id": two["id"], "key": "2"}, f"The resend was answered {line}.")


async def last_of(ws, msg):
    """Read until somebody says this."""
    while True:
        for line in await read(ws, 1):
            if line.get("msg") == msg:
                return line


async def knows_its_log(trial):
    visitor = await trial.visitor().sign_in("elif")
    ws = await visitor.connect("?since=1&at=1.5")
    with contextlib.suppress(asyncio.TimeoutError):
        while await asyncio.wait_for(ws.read_message(), PATIENCE) is not None:
            pass
    expect(ws.close_code == 1012, f"It closed with {ws.close_code}, not 1012.")


async def refuses_strangers(trial):
    visitor = await trial.visitor().sign_in("farid")
    for headers in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}):
        try:
            await visitor.connect(**headers)
        except HTTPClientError as error:
            expect(error.code == 403, f"{headers} was answered {error.code}, not 403.")
        else:
            raise Broken(f"{headers} was let in.")
    header = (await visitor.get("/")).headers.get("X-Frame-Options")
    expect(header == "DENY", "Another site can put the page into a frame.")


async def refuses_long_messages(trial):
    ws = await (await trial.visitor().sign_in("grace")).connect()
    await ws.write_message(json.dumps({"msg": "x" * 2001, "key": "long"}))
    while True:
        for line in await read(ws, 1):
            if line.get("key") == "long":
                return expect("error" in line, f"A long message was answered {line}.")


async def slows_floods_down(trial):
    ws = await (await trial.visitor().sign_in("hana")).connect()
    begun = time.monotonic()
    for number in range(26):
        await ws.write_message(f"flood {number}")
    await last_of(ws, "flood 25")
    spent = time.monotonic() - begun
    expect(spent > 0.4, f"26 messages at once took {spent:.1f} s, not half a second.")


async def leases_names(trial):
    igor = await trial.visitor().sign_in("Igor")
    await igor.connect()
    other = trial.visitor()
    await other.get("/")
    code = (await other.post("/login", name="IGOR")).code
    expect(code == 400, f"A second Igor was answered {code}, not 400.")
    await igor.sign_in("Igor")


async def survives_a_restart(trial):
    visitor = await trial.visitor().sign_in("jana")
    ws = await visitor.connect()
    await ws.write_message("before the restart")
    await last_of(ws, "before the restart")
    await in_thread(trial.chat.stop)  # meanwhile our windows answer its goodbye
    trial.start()
    visitor.url = trial.url
    code = (await visitor.get("/chat")).code
    expect(code == 200, f"After a restart /chat answered {code}: signed out.")
    await last_of(await visitor.connect(), "before the restart")


async def refuses_strange_files(trial):
    path = trial.write("strange.db", "This is no database. " * 50)
    status, words = trial.refusal("--port=0", f"--db={path}")
    expect(status == 1 and words.count("\n") == 1, f"It said: {last_line(words)}")


async def stops_politely(trial):
    ws = await (await trial.visitor().sign_in("kofi")).connect()
    stopping = in_thread(trial.chat.stop)
    while await asyncio.wait_for(ws.read_message(), PATIENCE) is not None:
        pass
    status, errors = await stopping
    trial.start()
    expect(ws.close_code == 1001, f"It closed with {ws.close_code}, not 1001.")
    expect(status == 0, f"It ended with status {status}: {last_line(errors)}")


async def asks_twitter(trial):
    keys = {"TWITTER_CONSUMER_KEY": "key", "TWITTER_CONSUMER_SECRET": "secret"}
    trial.start("twitter.db", **keys)
    page = await trial.visitor().get("/")
    expect(b"<form" not in page.body, "The start page still asks for a nickname.")


PROMISES = {  # step: what it promises, and how that is tried
    1: {"What one says in loop.py, the other one hears.": talks_in_a_loop},
    2: {
        "chat.py starts, and answers 404 where nothing is.": answers_404,
        "An option that is none ends it with one line.": refuses_options,
    },
    3: {"The start page has a form; /chat is closed to strangers.": has_pages},
    4: {
        "One signs in with a good nickname; no cookie can be forged.": signs_in,
        "One signs out.": signs_out,
    },
    5: {"The room numbers messages, and stores a resend once.": keeps_a_log},
    6: {"Behind a cursor is what has not been read.": reads_behind_a_cursor},
    7: {
        "Two windows talk, each under its own name.": lets_people_talk,
        "A newcomer sees what was said before.": shows_history,
    },
    8: {
        "Who comes back goes on where the line broke; a resend is known.": goes_on,
        "Who comes from another log begins anew.": knows_its_log,
    },
    10: {
        "Other sites and other hosts stay outside.": refuses_strangers,
        "A message that is too long is refused.": refuses_long_messages,
    },
    11: {"Who floods is slowed down.": slows_floods_down},
    12: {"A name belongs to one browser.": leases_names},
    13: {
        "A restart signs nobody out, and loses nothing.": survives_a_restart,
        "A file that is no log is refused with one line.": refuses_strange_files,
    },
    14: {"Told to stop, it says goodbye and ends.": stops_politely},
    16: {"With Twitter's keys, nobody is asked for a nickname.": asks_twitter},
}
if os.name == "nt":  # it has no such signal
    del PROMISES[14]


async def keep_promises(steps, folder):
    """Start the programs, and try what their steps promise, one line for each.

    Args:
        steps: the numbers of those that are complete.
        folder: the student's.
    Returns:
        Whether all promises are kept.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        trial = Trial(folder, scratch)
        try:
            return await try_all(trial, steps)
        finally:
            trial.close()


async def try_all(trial, steps):
    if max(steps) > 1:
        try:
            trial.start() if max(steps) > 6 else trial.start_early()
        except Broken as error:
            return refuse("chat.py starts.", error)
    for step in sorted(PROMISES.keys() & steps):
        for sentence, promise in PROMISES[step].items():
            try:
                await asyncio.wait_for(promise(trial), 2 * PATIENCE)
            except Exception as error:  # whatever a student's program may do
                return refuse(sentence, error)
            trial.hang_up()
            print(f"  {paint('yes', 'green')}  {sentence}", flush=True)
    return True


def refuse(sentence, error):
    print(paint(f"  no   {sentence}", "red"))
    print(f"       {error if isinstance(error, Broken) else repr(error)}")
    return False
