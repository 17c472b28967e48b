#!/usr/bin/env python3
"""A daemon that many clients write to, and what happens to it: kill -9 again and again, SIGSTOP for a while,
SIGTERM. Every acknowledged row is there afterwards, for Saturn and for sqlite3 on a copy of the files.

usage: kill_test.py SATURND [--clients N] [--rounds N] [--stopped SECONDS] [--seed N] [--flags="FLAGS OF THE DAEMON"]
"""
import argparse
import os
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import threading
import time

from daemon import Client, Daemon

ROUND_KEYS = 1_000_000  # more than a client inserts in a round
DRAIN_SECONDS = 10      # what a stop waits for before it interrupts
REFUSALS = {"SQLITE_BUSY", "SQLITE_INTERRUPT"}


class Writers:
    """So many clients that insert rows, each with keys of its own, until `end` or the daemon's."""

    def __init__(self, daemon, clients, round_number):
        self.clients = clients
        self.first = round_number * ROUND_KEYS * clients
        self.heard = [[] for _ in range(clients)]  # what was acknowledged
        self.refused = []
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(daemon, i)) for i in range(clients)]
        for thread in self.threads:
            thread.start()

    def run(self, daemon, me):
        key = self.first + me
        try:
            client = Client(daemon)
            while not self.stop.is_set():
                try:
                    client.execute("INSERT INTO t VALUES (?, ?)", [key, "x" * 100])
                    self.heard[me].append(key)
                except RuntimeError as error:
                    self.refused.append(error.args)
                key += self.clients
        except Exception:  # the daemon is gone, in whatever way the library words it
            pass

    def join(self):
        for thread in self.threads:
            thread.join()

    def end(self):
        self.stop.set()
        self.join()

    @property
    def acknowledged(self):
        return {key for keys in self.heard for key in keys}


class Known:
    """What is in the table. Rows that were seen stay, so of older rounds their number and sum are compared."""

    def __init__(self):
        self.older = (0, 0)

    def check(self, ask, writers):
        """`ask` runs a SELECT. Returns the rows of the last round."""
        assert tuple(ask(f"SELECT count(*), ifnull(sum(a), 0) FROM t WHERE a < {writers.first}")[0]) == self.older
        rows = {row[0] for row in ask(f"SELECT a FROM t WHERE a >= {writers.first}")}
        lost = writers.acknowledged - rows
        assert not lost, f"{len(lost)} of {len(writers.acknowledged)} rows are missing, e.g. {min(lost)}"
        return rows

    def settle(self, rows):
        self.older = (self.older[0] + len(rows), self.older[1] + sum(rows))


def check_copy(daemon, known, writers):
    """With sqlite3, on a copy of the files as they are."""
    copy = tempfile.mkdtemp(prefix="saturn-kill-")
    for name in os.listdir(daemon.data):
        shutil.copy(os.path.join(daemon.data, name), copy)
    db = sqlite3.connect(os.path.join(copy, "default.db"))
    problems = db.execute("PRAGMA integrity_check").fetchall()
    assert problems == [("ok",)], problems
    rows = known.check(lambda sql: db.execute(sql).fetchall(), writers)
    db.close()
    shutil.rmtree(copy)
    return rows


def killed(daemon, known, options, dice):
    acknowledged = 0
    for round_number in range(options.rounds):
        writers = Writers(daemon, options.clients, round_number)
        time.sleep(dice.uniform(0.05, 0.5))
        daemon.kill()
        writers.join()
        assert not writers.refused, writers.refused[:3]
        rows = check_copy(daemon, known, writers)
        daemon.start()
        mine = known.check(Client(daemon).execute, writers)
        assert rows == mine, f"round {round_number}: sqlite3 and Saturn disagree"
        known.settle(rows)
        acknowledged += len(writers.acknowledged)
    print(f"killed {options.rounds} times under {options.clients} clients: {acknowledged} rows acknowledged, none lost")


def frozen(daemon, known, options):
    writers = Writers(daemon, options.clients, options.rounds)
    time.sleep(0.3)
    daemon.process.send_signal(signal.SIGSTOP)
    time.sleep(options.stopped)
    before = len(writers.acknowledged)
    daemon.process.send_signal(signal.SIGCONT)
    began = time.time()
    while len(writers.acknowledged) < before + options.clients:
        assert time.time() < began + 5, "nobody is served any more"
        time.sleep(0.01)
    back = time.time() - began
    writers.end()
    # Whoever waited for its turn has waited for too long meanwhile.
    assert {code for code, _ in writers.refused} <= REFUSALS, writers.refused[:3]
    known.settle(known.check(Client(daemon).execute, writers))
    print(f"stopped for {options.stopped:g} s: {len(writers.refused)} refused, served again after {back * 1000:.0f} ms")


def terminated(daemon, known, options):
    writers = Writers(daemon, options.clients, options.rounds + 1)
    time.sleep(0.3)
    began = time.time()
    code = daemon.stop()
    took = time.time() - began
    writers.join()
    assert code == 0, code
    assert took < DRAIN_SECONDS + 2, took
    assert {code for code, _ in writers.refused} <= REFUSALS, writers.refused[:3]
    left = [name for name in os.listdir(daemon.data) if name != "default.db"]
    assert not left, f"left behind after a clean stop: {left}"
    rows = check_copy(daemon, known, writers)
    # What was not acknowledged was not done: nobody was cut off.
    assert rows == writers.acknowledged, f"{len(rows - writers.acknowledged)} rows of clients that were told nothing"
    print(f"terminated: {len(rows)} rows acknowledged, ended after {took * 1000:.0f} ms")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("saturnd")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--stopped", type=float, default=2, help="seconds")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--flags", default="", help="of the daemon")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    daemon = Daemon(os.path.abspath(options.saturnd), *options.flags.split())
    Client(daemon).execute("CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT)")
    known = Known()
    try:
        killed(daemon, known, options, random.Random(options.seed))
        frozen(daemon, known, options)
        terminated(daemon, known, options)
    finally:
        if daemon.process.poll() is None:
            daemon.kill()
    shutil.rmtree(daemon.data)


if __name__ == "__main__":
    sys.exit(main())
