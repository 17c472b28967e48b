#!/usr/bin/env python3
"""The server beside PostgreSQL, SQLite, Redis and fio, in one run, as docs/benchmarks-server.md.

usage: server.py [--rounds N] [--seconds N] [--only TEXT] BUILD_DIR SHARED OUTPUT

Works in a directory of its own under the current one, which should be on a real disk, as root: the kernel's caches
are dropped before reads that are to come from the disk. What is not installed is left out and named. Rounds are
interleaved; prints the median of each measure, then each ratio with its target, and writes both to
OUTPUT/benchmarks-server.md. --only runs the sections whose titles contain TEXT and writes nothing.
"""
import argparse
import datetime
import json
import os
import random
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time

import peers
from sql import processor
from tpch import make_database

ACCOUNTS = 3_200_000  # of TPC-B: a branch for each of its 32 connections
CACHE_MIB = 256
COLD_ROWS = 8 * CACHE_MIB * 256  # each fills a page
SLOW_MS = 4
IMPORT_ROWS = 1_000_000
LOG_MIB = 1024


def flush_latency_us(directory):
    """The median of a 4 KiB write with fdatasync at this moment."""
    fd = os.open(os.path.join(directory, "flush"), os.O_RDWR | os.O_CREAT)
    times = []
    for i in range(300):
        since = time.perf_counter()
        os.pwrite(fd, b"x" * 4096, (i % 16) * 4096)
        os.fdatasync(fd)
        times.append(time.perf_counter() - since)
    os.close(fd)
    return statistics.median(times) * 1e6


def drop_caches():
    os.sync()
    with open("/proc/sys/vm/drop_caches", "w") as file:
        file.write("1")


def cold_database(path):
    db = sqlite3.connect(path)
    db.executescript(f"""
PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -400000;
CREATE TABLE bench_cold(a INTEGER PRIMARY KEY, b);
WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < {COLD_ROWS})
  INSERT INTO bench_cold SELECT i, zeroblob(3500) FROM n;""")
    db.close()


class Section:
    """Measures that are taken in turns, and what is to be seen in their medians."""

    def __init__(self, title):
        self.title = title
        self.measures = {}  # name -> function without arguments
        self.ratios = []  # (name, one measure, the other, target, whether more is better)
        self.results = {}

    def measure(self, name, function):
        self.measures[name] = function
        self.results[name] = []

    def ratio(self, name, one, other, target=None, at_most=False):
        self.ratios.append((name, one, other, target, at_most))

    def run(self, rounds):
        print(f"--- {self.title}", flush=True)
        for _ in range(rounds):
            for name, function in self.measures.items():
                self.results[name].append(function())
        for name in self.measures:
            print(f"{name:54} {self.median(name):12,.0f}", flush=True)
        for line in self.ratio_lines():
            print(line, flush=True)

    def median(self, name):
        return statistics.median(self.results[name])

    def ratio_lines(self):
        for name, one, other, target, at_most in self.ratios:
            if not self.results.get(one) or not self.results.get(other):
                continue
            ratio = self.median(one) / self.median(other)
            verdict = ""
            if target is not None:
                met = ratio <= target if at_most else ratio >= target
                verdict = f"  target {'<=' if at_most else '>='} {target:g}: {'met' if met else 'MISSED'}"
            yield f"{name:54} {ratio:12.2f}{verdict}"

    def page(self):
        lines = [f"## {self.title}", "", "```"]
        lines += [f"{name:54} {self.median(name):12,.0f}" for name in self.measures]
        return lines + list(self.ratio_lines()) + ["```", ""]


class Bench:
    def __init__(self, args, directory):
        self.args, self.directory = args, directory
        self.build = os.path.abspath(args.build)
        self.left_out, self.sections, self.stops = [], [], []
        self.postgres = self.redis = None

    def section(self, title, fill):
        """Makes, runs and tears down one section."""
        if self.args.only not in title:
            return
        section = Section(title)
        fill(section)
        section.run(self.args.rounds)
        self.sections.append(section)
        while self.stops:
            self.stops.pop()()

    def saturn(self, name, *flags, **more):
        saturn = peers.Saturn(self.build, os.path.join(self.directory, name), *flags, **more)
        self.stops.append(saturn.stop)
        return saturn

    def start_peers(self):
        for name, needed in (("PostgreSQL", peers.Postgres.is_installed()), ("Redis", peers.Redis.is_installed()),
                             ("fio", shutil.which("fio")), ("sqlite3", shutil.which("sqlite3"))):
            if not needed:
                self.left_out.append(name)
                print(f"{name} is not installed: left out")
        if "PostgreSQL" not in self.left_out:
            self.postgres = peers.Postgres(self.directory, ACCOUNTS)
        if "Redis" not in self.left_out:
            self.redis = peers.Redis()

    def stop_peers(self):
        for peer in (self.postgres, self.redis):
            if peer:
                peer.stop()

    def durable(self, s):
        seconds, saturn = self.args.seconds, self.saturn("insert")
        for n in (64, 1):
            s.measure(f"Saturn, WebSocket, {n}", lambda n=n: saturn.load("insert", n, seconds))
            s.measure(f"Saturn, HTTP, {n}", lambda n=n: saturn.load("insert", n, seconds, over="http"))
            if self.postgres:
                s.measure(f"PostgreSQL, {n}", lambda n=n: self.postgres.load("insert", n, seconds))
            s.measure(f"SQLite in process, {n} threads",
                      lambda n=n: peers.sqlite_inserts(self.build, self.directory, n, seconds))
        s.ratio("64 connections beside PostgreSQL", "Saturn, WebSocket, 64", "PostgreSQL, 64", 4)
        s.ratio("64 connections beside SQLite", "Saturn, WebSocket, 64", "SQLite in process, 64 threads", 10)
        s.ratio("1 connection beside PostgreSQL", "Saturn, WebSocket, 1", "PostgreSQL, 1", 1)

    def tpcb(self, s):
        seconds, saturn = self.args.seconds, self.saturn("tpcb")
        for work, title in (("tpcb", "a request a statement"), ("tpcb-batch", "one batch")):
            s.measure(f"Saturn, {title}",
                      lambda w=work: saturn.load(w, 32, seconds, rows=ACCOUNTS))
        if self.postgres:
            s.measure("PostgreSQL, a request a statement", lambda: self.postgres.load("tpcb", 32, seconds))
        s.ratio("a request a statement", "Saturn, a request a statement", "PostgreSQL, a request a statement", 3)
        s.ratio("one batch", "Saturn, one batch", "PostgreSQL, a request a statement", 8)

    def select(self, s):
        seconds, saturn = self.args.seconds, self.saturn("select")
        s.measure("Saturn, WebSocket, 64", lambda: saturn.load("select", 64, seconds))
        s.measure("Saturn, HTTP, 64", lambda: saturn.load("select", 64, seconds, over="http"))
        if self.postgres:
            s.measure("PostgreSQL, 64", lambda: self.postgres.load("select", 64, seconds))
        if self.redis:
            s.measure("Redis GET, 64", lambda: self.redis.load(64))
        for n in (1, 8):
            s.measure(f"Saturn, {n} with 32 requests in flight each",
                      lambda n=n: saturn.load("select", n, seconds, in_flight=32))
        if self.redis:
            s.measure("Redis GET, 1 with 32 in flight", lambda: self.redis.load(1, 32))
        s.measure("what is asked for with 32 in flight", lambda: 250_000)
        s.ratio("64 connections beside PostgreSQL", "Saturn, WebSocket, 64", "PostgreSQL, 64", 3)
        s.ratio("64 connections beside Redis", "Saturn, WebSocket, 64", "Redis GET, 64", 0.8)
        s.ratio("32 in flight beside 250,000/s", "Saturn, 8 with 32 requests in flight each",
                "what is asked for with 32 in flight", 1)

    def cold(self, s):
        seconds = self.args.seconds
        path = os.path.join(self.directory, "cold.db")
        cold_database(path)
        for vfs in ("io_uring", "posix"):  # a file of its own for each: it is locked
            copy = path + "-" + vfs
            shutil.copyfile(path, copy)
            saturn = self.saturn("cold-" + vfs, "--cache-size", f"{CACHE_MIB}M", vfs=vfs, database=copy)
            found = {}

            def selects(saturn=saturn, found=found):
                drop_caches()
                rate, found["disk"] = saturn.disk_reads(
                    seconds, lambda: saturn.load("cold", 64, seconds, rows=COLD_ROWS))
                return rate

            s.measure(f"Saturn, {vfs}, rows", selects)
            s.measure(f"Saturn, {vfs}, pages that the disk read", lambda found=found: found["disk"])
        if "fio" not in self.left_out:
            s.measure("fio, io_uring, O_DIRECT, depth 64", lambda: peers.fio_reads(path, 64, seconds))
        s.ratio("rows beside fio's reads", "Saturn, io_uring, rows", "fio, io_uring, O_DIRECT, depth 64", 0.85)
        s.ratio("io_uring beside posix", "Saturn, io_uring, rows", "Saturn, posix, rows")

    def tail(self, s):
        seconds = self.args.seconds
        tpch = os.path.join(os.path.abspath(self.args.shared), "tpch")
        database = make_database(tpch, os.path.join(self.directory, "tpch"), "0.1")
        saturn = self.saturn("tail", database=database)
        with open(os.path.join(tpch, "queries", "q01.sql")) as file:
            q1 = " ".join(line.partition("--")[0] for line in file.read().splitlines()).strip().rstrip(";")

        def p99(rate):
            return saturn.p99_us("select", 16, seconds, rate=rate)

        background = saturn.command("query", 1, 1000, sql=json.dumps(q1)[1:-1])  # it goes into JSON as it is
        s.measure("idle, 16 connections, 2,000/s in all: p99 in us", lambda: p99(2000))
        s.measure("beside q1 in a loop: p99 in us", lambda: saturn.beside(background, lambda: p99(2000)))
        s.ratio("beside q1", "beside q1 in a loop: p99 in us", "idle, 16 connections, 2,000/s in all: p99 in us", 3,
                at_most=True)

    def bulk(self, s):
        if "sqlite3" in self.left_out:
            return
        rows_file = os.path.join(self.directory, "rows.csv")
        dice = random.Random(1)
        with open(rows_file, "w") as file:
            for i in range(IMPORT_ROWS):
                file.write(f"{i},a text of some forty bytes {dice.randrange(10 ** 9)},{dice.random():.6f}\n")
        for name, shell in (("Saturn's shell", os.path.join(self.build, "saturn")), ("sqlite3", "sqlite3")):
            s.measure(f"{name}, rows a second",
                      lambda shell=shell: IMPORT_ROWS / peers.import_seconds(shell, self.directory, rows_file))
        s.ratio("beside sqlite3", "Saturn's shell, rows a second", "sqlite3, rows a second", 1.5)

    def recovery(self, s):
        path = os.path.join(self.directory, "recovery.db")
        log = peers.make_log(path, LOG_MIB)
        commands = {"Saturn opens it": [os.path.join(self.build, "saturn"), "-readonly", path,
                                        "SELECT count(*) FROM sqlite_schema"],
                    "dd reads it": ["dd", f"if={log}", "of=/dev/null", "bs=1M"]}

        def milliseconds(command, cold):
            if cold:
                drop_caches()
            return peers.seconds_of(*command) * 1000

        for state in ("cold", "warm"):
            for name, command in commands.items():
                s.measure(f"{name}, {state}, ms", lambda c=command, cold=state == "cold": milliseconds(c, cold))
            s.ratio(state, f"Saturn opens it, {state}, ms", f"dd reads it, {state}, ms", 1.5, at_most=True)

    def slow(self, s):
        seconds = self.args.seconds
        saturn = self.saturn("slow", vfs="posix", slow_ms=SLOW_MS)
        s.measure("64 connections", lambda: saturn.load("insert", 64, seconds))
        s.measure("1 connection", lambda: saturn.load("insert", 1, seconds))
        # The disk's own latency comes on top, and changes from minute to minute.
        s.measure("1/L", lambda: 1e6 / (SLOW_MS * 1000 + flush_latency_us(self.directory)))
        s.ratio("64 connections beside 1/L", "64 connections", "1/L", 30)

    def run(self):
        self.start_peers()
        try:
            flush = [flush_latency_us(self.directory)]
            print(f"a 4 KiB write with fdatasync takes {flush[0]:.0f} us here and now")
            self.section("Durable one-row inserts a second", self.durable)
            self.section("TPC-B transactions a second from 32 connections", self.tpcb)
            self.section("Prepared point SELECTs a second", self.select)
            self.section(f"Random reads a second, 64 connections, on a file of 8 times the cache ({CACHE_MIB} MiB)",
                         self.cold)
            self.section("Point SELECTs beside a query that scans (TPC-H q1, scale 0.1)", self.tail)
            self.section("Bulk load of 1,000,000 rows by .import into a new file", self.bulk)
            self.section(f"Durable one-row inserts a second where each flush takes {SLOW_MS} ms longer (posix)",
                         self.slow)
            self.section(f"Recovery of a log of {LOG_MIB} MiB", self.recovery)
            flush.append(flush_latency_us(self.directory))
            print(f"a 4 KiB write with fdatasync takes {flush[1]:.0f} us now")
            return flush
        finally:
            for stop in reversed(self.stops):
                stop()
            self.stop_peers()

    def page(self, flush):
        names = [f"PostgreSQL {self.postgres.version}" if self.postgres else "", f"SQLite {sqlite3.sqlite_version}",
                 f"Redis {self.redis.version}" if self.redis else ""]
        left_out = f" Not installed and left out: {', '.join(self.left_out)}." if self.left_out else ""
        lines = ["# Benchmarks of the server", "",
                 f"Made by `tools/dev bench server` on {datetime.date.today()}: {processor()}, clients included; "
                 f"beside {', '.join(name for name in names if name)}. Medians of {self.args.rounds} rounds in turns, "
                 f"{self.args.seconds:g} s each. A 4 KiB write with fdatasync took {flush[0]:.0f} us before and "
                 f"{flush[1]:.0f} us after. Machines differ and are never quiet: the ratios count.{left_out}", "",
                 "Saturn's clients and those of PostgreSQL are one thread; statements are prepared; all commits are "
                 "durable.", ""]
        for section in self.sections:
            lines += section.page()
        lines += ["## Memory", "", "`tests/bench/soak.py --seconds 1800 --rate 400 --chart docs/soak.svg`, made by "
                  "itself, since it takes half an hour:", "", "![resident memory over half an hour](soak.svg)"]
        return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--only", default="")
    parser.add_argument("build")
    parser.add_argument("shared")
    parser.add_argument("output")
    args = parser.parse_args()
    args.seconds = int(args.seconds) if args.seconds == int(args.seconds) else args.seconds
    directory = os.path.abspath(tempfile.mkdtemp(prefix="saturn-bench-", dir="."))
    try:
        bench = Bench(args, directory)
        flush = bench.run()
        if not args.only:
            with open(os.path.join(args.output, "benchmarks-server.md"), "w") as out:
                out.write(bench.page(flush))
    finally:
        shutil.rmtree(directory)


if __name__ == "__main__":
    sys.exit(main())
