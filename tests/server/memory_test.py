#!/usr/bin/env python3
"""The memory of streams that have expired is given back.

usage: memory_test.py SATURND
"""
import os
import sys
import time

from daemon import Client, Daemon, stmt

STREAMS = 2000
KEPT_BYTES_MAX = 24 << 20
# Fills batches of 1,024 rows.
SQL = ("WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 1200) "
       "SELECT sum(a.i), sum(a.i + 1) FROM n AS a WHERE a.i > 0")


def leave_streams(daemon, count):
    """Each has compiled a statement, and ends by its timeout."""
    client = Client(daemon)
    for _ in range(count):
        client.pipeline([{"type": "execute", "stmt": stmt(SQL)}])


def main():
    daemon = Daemon(os.path.abspath(sys.argv[1]), "--stream-idle-timeout-ms", "500")
    leave_streams(daemon, 1)
    before = daemon.resident_bytes()
    for _ in range(2):
        leave_streams(daemon, STREAMS // 2)
        time.sleep(1)
    deadline = time.time() + 10
    while time.time() < deadline and daemon.resident_bytes() - before > KEPT_BYTES_MAX:
        leave_streams(daemon, 1)  # the allocator gives back when it is called
        time.sleep(0.1)
    kept_bytes = daemon.resident_bytes() - before
    print(f"{kept_bytes / (1 << 20):.1f} MiB kept of {STREAMS} streams that have expired")
    assert kept_bytes <= KEPT_BYTES_MAX
    assert daemon.stop() == 0


if __name__ == "__main__":
    sys.exit(main())
