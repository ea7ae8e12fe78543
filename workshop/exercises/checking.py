"""What the checks of the exercises share."""

import asyncio
import contextlib
import json
import time

from tests.support import ChatCase, until


class Check(ChatCase):
    """Base class of the checks: a failure says in words what is missing."""

    longMessage = False  # the words alone

    async def read_until(self, wanted, connection, missing, seconds=1):
        """Read lines up to a wanted one; fail with what is missing after a time."""
        lines, deadline = [], time.monotonic() + seconds
        while not (lines and wanted(lines[-1])):
            line = None
            with contextlib.suppress(asyncio.TimeoutError):
                rest = deadline - time.monotonic()
                line = await asyncio.wait_for(connection.line(), rest)
            self.assertIsNotNone(line, missing)  # None: closed, or nothing came
            lines.append(line)
        return lines

    async def next_line(self, connection, missing):
        """Return the next line; fail with what is missing after 1 s."""
        return (await self.read_until(lambda _: True, connection, missing))[0]

    def database(self):
        """Return all that the room has stored, as text."""
        return "\n".join(self._app.room.db.iterdump())

    async def frame(self, connection, what):
        """Return the lines of the next frame; fail if none comes within 2 s."""
        with contextlib.suppress(asyncio.TimeoutError):
            frame = await asyncio.wait_for(connection.ws.read_message(), 2)
            if frame is None:
                self.fail(f"the server closed the connection instead of sending {what}")
            return [json.loads(line) for line in frame.split("\n")]
        self.fail(f"within 2 s there came no {what}")

    async def line(self, connection, what):
        """Return the next line; fail if none comes within 2 s."""
        if not connection.lines:
            connection.lines.extend(await self.frame(connection, what))
        return connection.lines.popleft()

    async def fill(self, count):
        """Let bob say m1, m2 and so on."""
        for number in range(1, count + 1):
            await self._app.room.post("bob", f"m{number}", None)
        await until(lambda: self._app.room.end == count)
