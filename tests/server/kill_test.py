#!/usr/bin/env python3
"""kill -9 while 16 clients insert: every acknowledged row is there afterwards, for Saturn and for
sqlite3 on a copy of the crashed files.

usage: kill_test.py SATURND [ROUNDS [SEED [FLAGS...]]]
"""
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
import time

from daemon import Client, Daemon

CLIENTS = 16


def insert_until_dead(daemon, client_number, first, acknowledged):
    number = first
    try:
        client = Client(daemon)
        while True:
            client.execute("INSERT INTO t VALUES (?, ?)", [number * CLIENTS + client_number, "x" * 100])
            acknowledged.append(number * CLIENTS + client_number)
            number += 1
    except (OSError, ValueError, RuntimeError, Exception) as error:  # the daemon is dead
        if isinstance(error, RuntimeError):
            print("refused:", error, file=sys.stderr)


def sqlite_rows(path):
    db = sqlite3.connect(path)
    problems = db.execute("PRAGMA integrity_check").fetchall()
    rows = {row[0] for row in db.execute("SELECT a FROM t")}
    db.close()
    return problems, rows


def main():
    exe = os.path.abspath(sys.argv[1])
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.randrange(1 << 30)
    print(f"seed {seed}, {rounds} rounds")
    dice = random.Random(seed)
    daemon = Daemon(exe, *sys.argv[4:])
    Client(daemon).execute("CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT)")
    everything = []
    for round_number in range(rounds):
        heard = [[] for _ in range(CLIENTS)]
        first = len(everything) + round_number * 100_000
        threads = [threading.Thread(target=insert_until_dead, args=(daemon, i, first, heard[i]))
                   for i in range(CLIENTS)]
        for thread in threads:
            thread.start()
        time.sleep(dice.uniform(0.05, 0.5))
        daemon.kill()
        for thread in threads:
            thread.join()
        new = [row for rows in heard for row in rows]
        everything += new
        copy = daemon.data + "-copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(daemon.data, copy)
        problems, rows = sqlite_rows(os.path.join(copy, "default.db"))
        assert problems == [("ok",)], problems
        lost = set(everything) - rows
        assert not lost, f"round {round_number}: sqlite3 misses {len(lost)} rows, e.g. {min(lost)}"
        daemon.start()
        mine = {row[0] for row in Client(daemon).execute("SELECT a FROM t")}
        lost = set(everything) - mine
        assert not lost, f"round {round_number}: Saturn misses {len(lost)} rows, e.g. {min(lost)}"
        assert rows == mine, f"round {round_number}: sqlite3 and Saturn disagree"
    assert daemon.stop() == 0
    problems, rows = sqlite_rows(daemon.path)
    assert problems == [("ok",)] and set(everything) <= rows
    left = [name for name in os.listdir(daemon.data) if name != "default.db"]
    assert not left, f"left behind after a clean stop: {left}"
    shutil.rmtree(daemon.data)
    shutil.rmtree(daemon.data + "-copy", ignore_errors=True)
    print(f"{len(everything)} rows acknowledged, none lost")


if __name__ == "__main__":
    main()
