#!/usr/bin/env python3
"""Random SQL through Saturn and through SQLite, and every statement's answers side by side.

usage: differential.py SATURN_SHELL [--seed N] [--count M] [--minimize] [--weight NAME=N] ...

A seed is a script: tables, rows, and some hundred statements made by the grammar in random_sql/. The judge is
the SQLite that Python has; LD_LIBRARY_PATH may name a newer one. An answer that SQLite itself gives otherwise
when it reads tables backwards is no difference, and neither is one that is "not supported yet".
"""
import argparse
import importlib.util
import os
import re
import sys
import time

sys.dont_write_bytecode = True
if importlib.util.find_spec("_sqlite3") is None:
    print("skipped: Python has no sqlite3")
    sys.exit(77)
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "random_sql"))

from compare import Comparison  # noqa: E402
from engines import Judge, Saturn  # noqa: E402
from minimize import Minimizer  # noqa: E402
from script import ScriptMaker  # noqa: E402
from source import WEIGHTS  # noqa: E402


# Every so many scripts Saturn's database is a file, which SQLite then checks and reads.
IN_FILE_EVERY = 8


def options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("saturn", help="Saturn's shell")
    parser.add_argument("--seed", type=int, default=None, help="of the first script; the next has the next number")
    parser.add_argument("--count", type=int, default=None, help="how many scripts (1 with --seed, else no end)")
    parser.add_argument("--seconds", type=float, default=None, help="stop after that time")
    parser.add_argument("--length", type=int, default=120, help="statements in a script's body")
    parser.add_argument("--weight", action="append", default=[], metavar="NAME=N",
                        help="of a part of the grammar; NAME is one of: " + ", ".join(WEIGHTS))
    parser.add_argument("--minimize", action="store_true", help="make scripts that show differences small")
    parser.add_argument("--known", metavar="FILE", help="differences that are known: a regular expression a line")
    parser.add_argument("--print", action="store_true", dest="print_script", help="print the script, run nothing")
    parser.add_argument("--distinct", action="store_true", help="report one of the differences that look alike")
    return parser.parse_args()


def weights(arguments):
    result = dict(WEIGHTS)
    for text in arguments:
        name, _, value = text.partition("=")
        if name not in result:
            sys.exit(f"there is no weight {name}")
        result[name] = int(value)
    return result


def known_patterns(path):
    if path is None:
        return []
    with open(path, encoding="utf-8") as file:
        return [re.compile(line.rstrip("\n")) for line in file if line.strip() and not line.startswith("#")]


def answer(outcome):
    if outcome.error is not None:
        return f"error: {outcome.error}"
    rows = outcome.parsed()
    text = "\n".join("  " + ", ".join(repr(value) for value in row) for row in rows[:12])
    return f"{len(rows)} rows\n{text}" + ("\n  ..." if len(rows) > 12 else "")


def describe(difference):
    """A difference on one line, which is what the patterns of known ones are matched with."""
    short = [outcome.error if outcome.error is not None else "rows" for outcome in (difference.saturn, difference.judge)]
    context = f" -- with {difference.context}" if difference.context else ""
    return f"{difference.kind}: {difference.statement.sql} -- saturn: {short[0]} -- sqlite: {short[1]}{context}"


def report(seed, statements, difference):
    print(f"=== seed {seed}, statement {difference.position}: {describe(difference)}")
    for statement in statements:
        print(f"{statement.sql};")
    print(f"-- saturn: {answer(difference.saturn)}")
    print(f"-- sqlite: {answer(difference.judge)}", flush=True)


class Run:
    def __init__(self, arguments):
        self.arguments = arguments
        self.weights = weights(arguments.weight)
        self.known = known_patterns(arguments.known)
        self.comparison = Comparison(Saturn(arguments.saturn), Judge(), Judge(reversed_scans=True))
        self.statements = self.differences = self.unsupported = self.known_differences = 0
        self.seen = set()

    def script(self, seed):
        return ScriptMaker(seed, self.weights, self.arguments.length).make()

    def one(self, seed):
        statements = self.script(seed)
        self.comparison.in_file = seed % IN_FILE_EVERY == 0
        found, unsupported = self.comparison.run(statements)
        self.statements += self.comparison.compared
        self.unsupported += unsupported
        for difference in found:
            if any(pattern.search(describe(difference)) for pattern in self.known):
                self.known_differences += 1
                continue
            self.differences += 1
            if self.arguments.distinct and difference.kind not in ("rows", "real", "merged", "order"):
                if difference.signature() in self.seen:
                    continue
                self.seen.add(difference.signature())
            self.show(seed, statements, difference)

    def show(self, seed, statements, difference):
        if self.arguments.minimize:
            small = Minimizer(self.comparison).shrink(statements, difference)
            again = [d for d in self.comparison.run(small)[0] if d.signature() == difference.signature()]
            if again:
                report(seed, small, again[-1])
                return
        report(seed, statements[:difference.position + 1], difference)

    def all(self, first):
        count = self.arguments.count
        if count is None and self.arguments.seconds is None:
            count = 1
        until = time.monotonic() + self.arguments.seconds if self.arguments.seconds else None
        seed = first
        while (count is None or seed < first + count) and (until is None or time.monotonic() < until):
            self.one(seed)
            seed += 1


def main():
    arguments = options()
    first = arguments.seed if arguments.seed is not None else int(time.time()) * 1000
    run = Run(arguments)
    if arguments.print_script:
        for statement in run.script(first):
            print(f"{statement.sql};")
        return 0
    started = time.monotonic()
    try:
        run.all(first)
    except KeyboardInterrupt:
        pass
    rate = run.statements / (time.monotonic() - started)
    known = f" ({run.known_differences} known besides)" if run.known_differences else ""
    print(f"{run.statements} statements, {run.differences} differences{known}, {run.unsupported} not supported yet, "
          f"seed {first} ({rate:.0f} a second)")
    return 1 if run.differences else 0


if __name__ == "__main__":
    sys.exit(main())
