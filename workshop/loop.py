"""The chat of 2015 in today's words: python loop.py"""

import asyncio

from tornado import web, websocket

PAGE = """<!DOCTYPE html><meta charset="utf-8"><title>Chat</title>
<ul id="log"></ul>
<form id="form"><input id="text" autofocus></form>
<script>
const me = prompt("Your name?");
const ws = new WebSocket(`ws://${location.host}/ws`);
ws.onmessage = (event) => {
  const { name, msg } = JSON.parse(event.data);
  log.innerHTML += `<li><b>${name}</b> ${msg}</li>`;
};
form.onsubmit = () => {
  ws.send(JSON.stringify({ name: me, msg: text.value }));
  text.value = "";
  return false;
};
</script>"""


class MainHandler(web.RequestHandler):
    def get(self):
        self.write(PAGE)


class WebSocketHandler(websocket.WebSocketHandler):
    connections = set()

    def open(self):
        self.connections.add(self)

    def on_close(self):
        self.connections.remove(self)

    def on_message(self, msg):
        for connection in self.connections:
            connection.write_message(msg)


def start(port):
    routes = [(r"/", MainHandler), (r"/ws", WebSocketHandler)]
    web.Application(routes).listen(port)


async def main():
    start(5000)
    print("The chat runs at http://127.0.0.1:5000", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
