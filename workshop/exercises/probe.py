"""Runs chat.py as `python chat.py` does, and tells a check what it costs.

Whoever connects to the port PROBE and sends a line gets a line of JSON: figures().
"""

import json
import os
import runpy
import socketserver
import sqlite3
import sys
import threading
import time
import tracemalloc
import weakref
from socket import SO_SNDBUF, SOL_SOCKET

from tornado import httpserver

counts = {"encodings": 0, "statements": 0}
streams = weakref.WeakSet()


def count(name):
    counts[name] += 1


def counting(function, name):
    def counted(*arguments, **options):
        count(name)
        return function(*arguments, **options)

    return counted


def connect(*arguments, connect=sqlite3.connect, **options):
    db = connect(*arguments, **options)
    db.set_trace_callback(lambda statement: count("statements"))
    return db


def handle_stream(self, stream, address, handle=httpserver.HTTPServer.handle_stream):
    # Or the system would keep megabytes for a reader who does not read.
    stream.socket.setsockopt(SOL_SOCKET, SO_SNDBUF, 4096)
    streams.add(stream)
    handle(self, stream, address)


def figures():
    """Return what has been used so far."""
    return {
        **counts,
        "cpu": time.process_time(),  # seconds
        "memory": tracemalloc.get_traced_memory()[0],  # bytes since "trace"
        # Bytes that the network has not taken; a closed stream has no buffer.
        "waiting": sum(len(each._write_buffer or "") for each in list(streams)),
    }


class Answer(socketserver.StreamRequestHandler):
    def handle(self):
        if self.rfile.readline() == b"trace\n":
            tracemalloc.start()
        self.wfile.write(json.dumps(figures()).encode() + b"\n")


def end_with_stdin():
    """Stop this process when the check is over, however that ended."""

    def wait():
        while os.read(0, 1):
            pass
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


if __name__ == "__main__":
    end_with_stdin()
    json.JSONEncoder.encode = counting(json.JSONEncoder.encode, "encodings")
    sqlite3.connect = connect
    httpserver.HTTPServer.handle_stream = handle_stream
    probe = socketserver.TCPServer(("127.0.0.1", int(os.environ["PROBE"])), Answer)
    threading.Thread(target=probe.serve_forever, daemon=True).start()
    sys.path[0], sys.argv = os.getcwd(), ["chat.py"]
    runpy.run_path(os.path.abspath("chat.py"), run_name="__main__")
