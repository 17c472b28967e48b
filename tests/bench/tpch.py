#!/usr/bin/env python3
"""TPC-H through Saturn's shell and sqlite3 in turns, each on the same file, without ANALYZE.

Makes DIRECTORY/sf0.1.db with sqlite3 if it is not there, runs every query in both shells, one after
the other, checks the answers, and prints medians, ratios and their geometric mean. A query that takes
sqlite3 longer than the limit counts as taking it that long, and is run once.

usage: tpch.py [--rounds N] [--limit SECONDS] [--queries 1,17,...] [--saturn-only] [--scale 0.1]
               [--memory BYTES] SATURN TPCH_DIRECTORY DIRECTORY
"""
import argparse
import math
import os
import statistics
import subprocess
import sys
import tarfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "server"))
from tpch_test import TABLES, agree, cells  # noqa: E402


def make_database(tpch, directory, scale):
    """The file with all tables of that scale; made under another name, so that it is whole or absent."""
    path = os.path.join(directory, f"sf{scale}.db")
    if os.path.exists(path):
        return path
    os.makedirs(directory, exist_ok=True)
    with tarfile.open(os.path.join(tpch, f"sf{scale}.tar.xz")) as tar:
        tar.extractall(directory)
    with open(os.path.join(tpch, "schema.sql")) as schema:
        load = schema.read() + "".join(
            f".import {directory}/sf{scale}/{table}.psv {table}\n" for table in TABLES)
    subprocess.run(["sqlite3", path + ".new"], input=load, text=True, check=True)
    os.rename(path + ".new", path)
    return path


class Shell:
    """One of the two programs. `run` answers seconds (None: over the limit) and the text of the answer."""

    def __init__(self, program, database, memory=None):
        self.command = [program, database]
        self.preface = f"PRAGMA hard_heap_limit={memory};\n" if memory else ""

    def run(self, query, limit):
        since = time.perf_counter()
        child = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, text=True)
        try:
            answer, _ = child.communicate(self.preface + query, timeout=limit)
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()
            return None, ""
        if self.preface:
            answer = answer.partition("\n")[2]  # what the pragma says
        return time.perf_counter() - since, answer


def is_right(expected, answer):
    expected, got = cells(expected), cells(answer)
    return len(got) == len(expected) and all(
        len(a) == len(b) and all(map(agree, a, b)) for a, b in zip(expected, got))


def peak_mib(shell, query):
    """Of a run of its own: the largest child is all that the system tells of a process's children."""
    code = ("import resource, subprocess, sys; subprocess.run(sys.argv[1:3], input=sys.stdin.read(), text=True,"
            " stdout=subprocess.DEVNULL); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
    result = subprocess.run([sys.executable, "-c", code, *shell.command], input=shell.preface + query,
                            text=True, capture_output=True, check=True)
    return int(result.stdout) / 1024


def measure(args, query):
    """Times of both programs in turns, and the answer of Saturn."""
    saturn, sqlite = Shell(args.saturn, args.database, args.memory), Shell("sqlite3", args.database)
    ours, theirs, answer = [], [], ""
    for _ in range(args.rounds):
        seconds, answer = saturn.run(query, None)
        ours.append(seconds)
        if args.saturn_only or None in theirs:
            continue
        seconds, _ = sqlite.run(query, args.limit)
        theirs.append(seconds)
    return ours, theirs, answer


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--limit", type=float, default=150, help="seconds for a query of sqlite3")
    parser.add_argument("--queries", default="", help="numbers with commas; all by default")
    parser.add_argument("--saturn-only", action="store_true")
    parser.add_argument("--scale", default="0.1")
    parser.add_argument("--memory", type=int, help="bytes in which Saturn may keep rows")
    parser.add_argument("saturn")
    parser.add_argument("tpch")
    parser.add_argument("directory")
    args = parser.parse_args()
    args.database = make_database(args.tpch, args.directory, args.scale)
    numbers = [int(n) for n in args.queries.split(",")] if args.queries else range(1, 23)
    ratios, wrong = [], []
    print(f"{'query':5} {'saturn s':>9} {'sqlite3 s':>10} {'ratio':>8} {'MiB':>6}")
    for number in numbers:
        with open(os.path.join(args.tpch, "queries", f"q{number:02}.sql")) as text:
            query = text.read()
        with open(os.path.join(args.tpch, f"answers-sf{args.scale}", f"q{number:02}.txt")) as text:
            expected = text.read()
        ours, theirs, answer = measure(args, query)
        right = is_right(expected, answer)
        if not right:
            wrong.append(number)
        our_median = statistics.median(ours)
        line = f"q{number:<4} {our_median:9.3f}"
        if theirs:
            over = None in theirs
            their_median = args.limit if over else statistics.median(theirs)
            ratios.append(their_median / our_median)
            line += f" {'> ' if over else '  '}{their_median:8.3f} {'>' if over else ' '}{ratios[-1]:7.2f}"
        else:
            line += f" {'':10} {'':8}"
        print(line + f" {peak_mib(Shell(args.saturn, args.database, args.memory), query):6.0f}{'' if right else '  WRONG'}", flush=True)
    if ratios:
        mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
        print(f"geometric mean {mean:.2f}, least {min(ratios):.2f}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
