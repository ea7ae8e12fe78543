"""Firefox and WebKit as the tests drive them: people, each at a browser of their own.

    Firefox    over WebDriver BiDi, which Firefox speaks by itself
    WebKit     over WebDriver, in GTK's MiniBrowser, on a screen that nobody sees
    Window     what a test does with either: look, click, type, lose the network

Both need nothing from Python besides Tornado. Chromium is in page_support.py.
Playwright drives builds of its own of these two; its channel moz-firefox, for others,
asks for commands that Debian's Firefox does not know. Selenium drives Firefox through
geckodriver, which Debian does not have, and WebKit as is done here.
"""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import tempfile
import time
from subprocess import DEVNULL, PIPE, Popen

from tornado.httpclient import AsyncHTTPClient
from tornado.websocket import websocket_connect

from tests.support import free_port

# What WebDriver calls the keys that write nothing.
KEYS = {"Enter": "\ue007", "Tab": "\ue004", "Shift+Tab": "\ue008\ue004"}
# In what Firefox itself writes on the console, in any language, when a line breaks.
EXPECTED = "ws://127.0.0.1:"
# Finds what can be seen and used, by the name that a screen reader says.
NAMED = """(name) => [...document.querySelectorAll("button, input, textarea")].find(
  (e) => e.getClientRects().length
    && [e.ariaLabel, e.labels?.[0]?.textContent, e.textContent].some(
      (words) => words?.trim().startsWith(name)))"""
# WebKit's driver tells nothing of the console: the page keeps it for the next question.
# What went wrong before the first one is not seen.
KEEP_FAULTS = """if (!window.faults) {
  window.faults = [];
  console.error = console.warn = (...words) => faults.push(words.join(" "));
  addEventListener("error", (event) => faults.push(event.message));
  addEventListener("unhandledrejection", (event) => faults.push(`${event.reason}`));
  addEventListener("securitypolicyviolation",
    (event) => faults.push(`forbidden by ${event.violatedDirective}`));
}"""


class BrowserError(Exception):
    """The browser could not: no page came, or it was leaving, or a script failed."""


class Engine:
    """A browser program, which serves one test after the other.

    Each has launch() for what comes before all tests, start() and finish() for what
    comes before and after each, and new_person(): the window of somebody new.

    Args:
        folder: a Path, where it keeps what it writes.
    """

    def __init__(self, folder):
        self.folder, self.processes, self.faults = folder, [], []

    def run(self, *command, **options):
        """Start a program in a process group of its own."""
        options = {"stdout": DEVNULL, "stderr": DEVNULL, **options}
        self.processes.append(Popen(command, start_new_session=True, **options))
        return self.processes[-1]

    def stop(self):
        """End all programs and what they have started."""
        while self.processes:
            with self.processes.pop() as process, contextlib.suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)


class Window:
    """Somebody's browser.

    Each engine adds goto(url), evaluate(expression), act(source), which takes one input
    source of WebDriver's actions, and set_offline(offline).
    """

    async def value(self, expression):
        """Return the value of a JavaScript expression, or raise BrowserError."""
        text = await self.evaluate(f"JSON.stringify(({expression}) ?? null)")
        return json.loads(text)

    async def wait_for(self, expression, expected=True):
        """Wait until an expression has a value, for 10 s at most."""
        deadline = time.monotonic() + 10
        while (found := await self.look(expression)) != expected:
            assert time.monotonic() < deadline, f"{expression}: {found!r}"
            await asyncio.sleep(0.02)

    async def look(self, expression):
        """Return a value; while the page is being replaced, return what is wrong."""
        try:
            return await self.value(expression)
        except BrowserError as error:
            return error

    async def click(self, name):
        """Wait for a button or a field with this name; click in its middle."""
        await self.wait_for(f"!!({NAMED})({json.dumps(name)})")
        box = await self.value(f"({NAMED})({json.dumps(name)}).getBoundingClientRect()")
        middle = {
            "x": round(box["x"] + box["width"] / 2),
            "y": round(box["y"] + box["height"] / 2),
        }
        strokes = [
            {"type": "pointerMove", **middle},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        await self.act({"type": "pointer", "id": "mouse", "actions": strokes})

    async def press(self, *keys):
        """Press and release keys: characters, Enter, Tab or Shift+Tab."""
        strokes = []
        for key in keys:
            chord = KEYS.get(key, key)
            strokes += [{"type": "keyDown", "value": part} for part in chord]
            strokes += [{"type": "keyUp", "value": part} for part in reversed(chord)]
        await self.act({"type": "key", "id": "keyboard", "actions": strokes})


# ----------------------------------------------------------------------------- Firefox


class Firefox(Engine):
    """One Firefox for all; everybody has a user context, with cookies of its own."""

    program = shutil.which("firefox-esr") or shutil.which("firefox")
    installed = program is not None
    needs = "Firefox (apt install firefox-esr)"

    def launch(self):
        options = "--headless", "--remote-debugging-port=0", "--profile"
        self.run(self.program, *options, self.folder)

    async def start(self):
        self.answers = {}
        self.ws = await websocket_connect(
            await self.address(), on_message_callback=self.receive
        )
        await self.command("session.new", capabilities={})
        await self.command("session.subscribe", events=["log.entryAdded"])

    async def address(self):
        """Wait for the file in which Firefox tells where it listens."""
        while True:
            with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
                file = self.folder / "WebDriverBiDiServer.json"
                found = json.loads(file.read_text())
                return f"ws://{found['ws_host']}:{found['ws_port']}/session"
            await asyncio.sleep(0.02)

    async def finish(self):
        found = await self.command("browser.getUserContexts")
        for person in found["userContexts"]:
            if person["userContext"] != "default":
                await self.command("browser.removeUserContext", **person)
        await self.command("session.end")
        self.ws.close()

    async def new_person(self):
        person = await self.command("browser.createUserContext")
        options = {"type": "window", **person}
        found = await self.command("browsingContext.create", **options)
        return FirefoxWindow(self, found["context"])

    async def command(self, method, **params):
        number = len(self.answers)
        self.answers[number] = asyncio.Future()
        command = {"id": number, "method": method, "params": params}
        await self.ws.write_message(json.dumps(command))
        answer = await self.answers[number]
        if answer["type"] == "error":
            raise BrowserError(answer["message"])
        return answer["result"]

    def receive(self, frame):
        if frame is None:  # it has closed
            return
        answer = json.loads(frame)
        if answer["type"] == "event":
            self.log(**answer["params"])
        else:
            self.answers[answer["id"]].set_result(answer)

    def log(self, level, text, **_):
        if level in ("warn", "error") and EXPECTED not in text:
            self.faults.append(text)


class FirefoxWindow(Window):
    def __init__(self, firefox, context):
        self.firefox, self.context = firefox, context

    async def goto(self, url):
        await self.firefox.command(
            "browsingContext.navigate", context=self.context, url=url, wait="complete"
        )

    async def evaluate(self, expression):
        found = await self.firefox.command(
            "script.evaluate",
            expression=expression,
            target={"context": self.context},
            awaitPromise=False,
        )
        if found["type"] == "exception":
            raise BrowserError(found["exceptionDetails"]["text"])
        return found["result"]["value"]

    async def act(self, source):
        await self.firefox.command(
            "input.performActions", context=self.context, actions=[source]
        )

    async def set_offline(self, offline):
        """Take the network away from this window, or give it back."""
        await self.firefox.command(
            "emulation.setNetworkConditions",
            networkConditions={"type": "offline"} if offline else None,
            contexts=[self.context],
        )


# ------------------------------------------------------------------------------ WebKit


class WebKit(Engine):
    """A driver and a browser for everybody, all on one screen in memory."""

    installed = bool(shutil.which("WebKitWebDriver") and shutil.which("Xvfb"))
    needs = "WebKit (apt install webkit2gtk-driver xvfb)"

    def launch(self):
        """Do nothing: what one test has left could be in the way of the next."""

    async def start(self):
        options = "-displayfd 1 -nolisten tcp -screen 0 1280x1024x24".split()
        xvfb = self.run("Xvfb", *options, stdout=PIPE, text=True)
        display = f":{xvfb.stdout.readline().strip()}"
        home = tempfile.mkdtemp(dir=self.folder)
        ours = {"DISPLAY": display, "GDK_BACKEND": "x11", "HOME": home}
        self.environment = {**os.environ, **ours}

    async def finish(self):
        self.stop()

    async def new_person(self):
        port = free_port()
        self.run("WebKitWebDriver", f"--port={port}", env=self.environment)
        window = WebKitWindow(port, self.faults)
        await window.start()
        return window


class WebKitWindow(Window):
    def __init__(self, port, faults):
        self.url, self.faults = f"http://127.0.0.1:{port}/session", faults

    async def start(self):
        while True:
            with contextlib.suppress(ConnectionRefusedError):  # it is still starting
                found = await self.command("", capabilities={"alwaysMatch": {}})
                break
            await asyncio.sleep(0.02)
        self.url += f"/{found['sessionId']}"

    async def command(self, path, **body):
        answer = await AsyncHTTPClient().fetch(
            self.url + path, method="POST", body=json.dumps(body), raise_error=False
        )
        found = json.loads(answer.body)["value"]
        if answer.code != 200:
            raise BrowserError(found["message"])
        return found

    async def goto(self, url):
        await self.command("/url", url=url)

    async def evaluate(self, expression):
        script = f"{KEEP_FAULTS}\nreturn [{expression}, faults.splice(0)]"
        found, faults = await self.command("/execute/sync", script=script, args=[])
        self.faults += faults
        return found

    async def act(self, source):
        await self.command("/actions", actions=[source])

    async def set_offline(self, offline):
        """Say that the network has gone or come; taking it away is the test's task."""
        event = "offline" if offline else "online"
        await self.value(f"dispatchEvent(new Event('{event}'))")
