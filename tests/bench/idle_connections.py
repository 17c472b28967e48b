#!/usr/bin/env python3
"""What an idle connection takes: N connections that have each run a statement and then wait, by HTTP and by WebSocket.

usage: idle_connections.py SATURND [--connections N] [--limit BYTES]

Prints the daemon's resident memory for each, and fails when one takes more than the limit.
"""
import argparse
import os
import pathlib
import resource
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "server"))
from daemon import Daemon  # noqa: E402
from websocket import WebSocket  # noqa: E402

BODY = b'{"requests": [{"type": "execute", "stmt": {"sql": "SELECT 1"}}, {"type": "close"}]}'
REQUEST = b"POST /v2/pipeline HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)


def http(port):
    connection = socket.create_connection(("127.0.0.1", port))
    connection.sendall(REQUEST)
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += connection.recv(4096)
    assert answer.startswith(b"HTTP/1.1 200"), answer
    return connection


def websocket(port):
    connection = WebSocket(port).hello()
    connection.call(1, type="open_stream", stream_id=1)
    connection.call(2, type="execute", stream_id=1, stmt={"sql": "SELECT 1"})
    return connection


def measure(exe, connections, connect):
    daemon = Daemon(exe, "--connections-max", str(connections + 100))
    warm = [connect(daemon.port) for _ in range(64)]
    before = daemon.resident_bytes()
    held = [connect(daemon.port) for _ in range(connections)]
    time.sleep(1)
    each = (daemon.resident_bytes() - before) / connections
    del held, warm
    daemon.stop()
    return each


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("saturnd")
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--limit", type=int, default=32 << 10, help="bytes")
    options = parser.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, options.connections + 1000), most))
    bad = 0
    for connect in (http, websocket):
        each = measure(os.path.abspath(options.saturnd), options.connections, connect)
        print(f"{options.connections} idle connections by {connect.__name__}: {each / 1024:.1f} KiB each", flush=True)
        bad += each > options.limit
    return bad


if __name__ == "__main__":
    sys.exit(main())
