"""Does what a newcomer does: starts the chat, signs in, says hello, presses Ctrl-C.

    python - COMMAND... < .ci/newcomer.py

COMMAND starts a chat, which prints its address. Fed like this, Python finds tests/ in
the folder where it is started.
"""

import asyncio
import os
import re
import signal
import subprocess
import sys

from tornado.httpclient import AsyncHTTPClient

from tests.support import Visitor


async def say_hello(url):
    """Sign in by the form, open the page and all it loads, and see one's own hello."""
    visitor = Visitor(AsyncHTTPClient(), url)
    answer = await visitor.post("/login", name="newcomer")
    assert answer.code == 303, answer.text
    page = await visitor.get("/chat")
    for path in re.findall('(?:src|href)="(/static/[^"]+)"', page.text):
        assert (await visitor.get(path)).code == 200, path
    chat_socket = await visitor.connect()
    await chat_socket.send("hello")
    line = await chat_socket.line()
    assert (line["name"], line["msg"]) == ("newcomer", "hello"), line
    visitor.close()
    print("signed in, opened the page, said hello:", line)


def main(command):
    # Windows' Python under wine takes nothing but pipes for its standard streams.
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    chat = subprocess.Popen(
        command, **pipes, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    try:
        for line in chat.stdout:
            print(line, end="")
            if address := re.search(r"http://[\w.:]+", line):
                asyncio.run(asyncio.wait_for(say_hello(address.group()), 30))
                break
        else:
            sys.exit("It printed no address.")
    finally:
        os.killpg(chat.pid, signal.SIGINT)
        rest, _ = chat.communicate(timeout=30)
        print(rest, end="")
    return chat.returncode


sys.exit(main(sys.argv[1:]))
