#!/usr/bin/env python3
"""Files that go back and forth between SQLite and Saturn.

usage: interop_test.py SATURN_SHELL [--seed N] [--count M] [--length N]

Each seed makes a database with SQLite that has every kind of object and a layout of its own: page size, auto-vacuum,
reserved bytes, journal mode, file format, and how it was left behind (closed, with a hot journal, with a log).
Saturn reads it, changes it and hands it back, SQLite changes it, and Saturn reads it again. A copy goes through
the same with SQLite alone; after each step both must hold the same rows, and both engines' integrity checks must
find nothing in either.
"""
import argparse
import dataclasses
import importlib.util
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
if shutil.which("sqlite3") is None or importlib.util.find_spec("_sqlite3") is None:
    print("skipped: there is no sqlite3")
    sys.exit(77)
import sqlite3  # noqa: E402

from schema import BARE, INDEXES, OTHERS, QUESTIONS, ROWIDS, TABLES  # noqa: E402
from statements import StatementMaker  # noqa: E402

PAGE_SIZES = [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536]
SECONDS_MAX = 60
# Nothing here is about lasting, and a disk makes it slow.
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


@dataclasses.dataclass
class Layout:
    page_size: int
    auto_vacuum: str
    reserved: int
    journal: str
    legacy: bool
    left: str  # closed, hot journal, log
    samples: bool  # has sqlite_stat4

    def __str__(self):
        return (f"page_size={self.page_size} auto_vacuum={self.auto_vacuum} reserved={self.reserved} "
                f"journal={self.journal}{' legacy' if self.legacy else ''}, left {self.left}"
                f"{', stat4' if self.samples else ''}")


def layout_of(seed, chooser):
    left = ["closed", "hot journal", "log"][seed % 3]
    return Layout(
        page_size=PAGE_SIZES[seed % len(PAGE_SIZES)],
        auto_vacuum=chooser.choice(["none", "full", "incremental"]),
        reserved=chooser.choice([0, 0, 8, 32]),
        journal={"hot journal": "delete", "log": "wal"}.get(left, chooser.choice(["delete", "persist", "wal"])),
        legacy=chooser.random() < 0.25,
        left=left,
        samples=chooser.random() < 0.5)


class Failed(Exception):
    pass


def shell(program, path, text, arguments=()):
    """(output, complaints) of a shell that reads `text`."""
    done = subprocess.run([program, *arguments, path], input=text.encode(), capture_output=True, timeout=SECONDS_MAX)
    if done.returncode not in (0, 1):
        raise Failed(f"{program} exits with {done.returncode}: {done.stderr.decode()[-2000:]}")
    return done.stdout.decode("utf-8", "replace"), complaints(done.stderr.decode("utf-8", "replace"))


def complaints(errors):
    """Errors without the places in the statement."""
    return "".join(line + "\n" for line in errors.splitlines()
                   if not line.startswith("  ") and "error here" not in line)


class Engines:
    def __init__(self, saturn):
        self.saturn = saturn

    def run_saturn(self, path, text):
        return shell(self.saturn, path, text)

    def run_sqlite(self, path, text):
        return shell("sqlite3", path, text, ["-init", "/dev/null", "-batch"])


# Making a file

def make_file(path, layout, chooser):
    """A database that is closed, made by SQLite."""
    maker = StatementMaker(chooser, layout.page_size)
    text = [".dbconfig legacy_file_format on"] if layout.legacy else []
    text += [f"PRAGMA page_size = {layout.page_size};", f"PRAGMA auto_vacuum = {layout.auto_vacuum};"]
    if layout.reserved > 0:
        text += [f".filectrl reserve_bytes {layout.reserved}"]
    text += [statement + ";" for statement in TABLES]
    if layout.reserved > 0:
        text += ["VACUUM;"]
    text += [statement + ";" for statement in INDEXES + OTHERS]
    text += ["PRAGMA foreign_keys = ON;", "BEGIN;", *(maker.insert() + ";" for _ in range(chooser.choice([60, 300]))), "COMMIT;"]
    text += ["CREATE TABLE gone(x, y); CREATE INDEX gone_x ON gone(x);",
             "INSERT INTO gone SELECT value, zeroblob(900) FROM json_each('[" + ",".join(["1"] * 200) + "]');",
             "DROP TABLE gone;", "ANALYZE;"]
    _, errors = shell("sqlite3", path, "\n".join(text), ["-init", "/dev/null", "-batch"])
    wrong = [line for line in errors.splitlines() if not re.search(r"constraint failed|cannot store|mismatch|foreign key", line)]
    if wrong:
        raise Failed("the file cannot be made: " + "\n".join(wrong))
    with open(path, "rb") as file:
        header = file.read(100)
    assert header[20] == layout.reserved and (header[47] == 1) == layout.legacy, f"not the layout: {header}"
    connection = sqlite3.connect(path, isolation_level=None)
    if layout.samples:
        add_samples(connection)
    connection.execute(f"PRAGMA journal_mode = {layout.journal}")
    connection.close()
    if os.path.exists(path + "-wal"):
        raise Failed("the file was not closed")


def add_samples(connection):
    """sqlite_stat4, which this SQLite would not make itself."""
    connection.execute("CREATE TABLE samples(tbl, idx, neq, nlt, ndlt, sample)")
    connection.execute("INSERT INTO samples VALUES ('plain', 'plain_c', '3 1 1', '2 4 5', '1 4 5', x'0402050101')")
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute("UPDATE sqlite_schema SET name = 'sqlite_stat4', tbl_name = 'sqlite_stat4', "
                       "sql = 'CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)' WHERE name = 'samples'")
    connection.execute("PRAGMA writable_schema = RESET")


def leave_behind(path, layout, chooser):
    """Makes of a closed file what a crash leaves: a copy while a transaction is being written, or while the log
    has not been copied back."""
    if layout.left == "closed":
        return
    maker = StatementMaker(chooser, layout.page_size)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA cache_size = 1")  # so that the file is written before COMMIT
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("BEGIN")
    connection.execute("UPDATE big SET body = body || 'changed', data = zeroblob(length(data) + 3000)")
    connection.execute("UPDATE plain SET e = 1, d = zeroblob(700)")
    connection.execute("DELETE FROM wide")
    suffix = "-journal"
    if layout.left == "log":
        connection.execute("COMMIT")
        for _ in range(30):
            try:
                connection.execute(maker.insert())
            except sqlite3.Error:
                pass  # a constraint
        # The log ends in frames of a transaction that did not come to its end.
        connection.execute("BEGIN")
        connection.execute("UPDATE big SET body = 'never', data = zeroblob(70000)")
        suffix = "-wal"
    size = os.path.getsize(path + suffix)
    if size == 0:
        raise Failed(f"there is nothing in {path + suffix}")
    shutil.copy(path, path + ".copy")
    shutil.copy(path + suffix, path + ".copy" + suffix)
    connection.execute("ROLLBACK")
    connection.close()
    os.replace(path + ".copy", path)
    os.replace(path + ".copy" + suffix, path + suffix)


def copy_database(source, target):
    for suffix in ("", "-journal", "-wal"):
        if os.path.exists(source + suffix):
            shutil.copy(source + suffix, target + suffix)


# Comparing

def dump_text(judge, engines, show_real, analyzed):
    """SQL whose output is everything in the database; `show_real` is the call that prints a number. Once a file
    was `analyzed` there may be samples of Saturn's in it."""
    lines = []
    tables = ROWIDS + BARE
    if not analyzed:
        tables += engines.run_sqlite(judge, "SELECT name FROM sqlite_schema WHERE name = 'sqlite_stat4';")[0].split()
    text = "".join(f"SELECT '{table}', name FROM pragma_table_xinfo('{table}');\n" for table in tables)
    names = [line.split("|") for line in engines.run_sqlite(judge, text)[0].splitlines()]
    for table in tables:
        columns = [name for one, name in names if one == table]
        keys = ["rowid"] if table in ROWIDS else []
        shown = [f'CASE typeof("{c}") WHEN \'text\' THEN \'t\' || hex("{c}") WHEN \'blob\' THEN \'b\' || hex("{c}") '
                 f"WHEN 'real' THEN {show_real.format(c)} ELSE quote(\"{c}\") END" for c in columns]
        order = "rowid" if keys else ", ".join(f'"{c}"' for c in columns)
        lines.append(f"SELECT '{table}';\nSELECT {', '.join(shown)} FROM {table} ORDER BY {order};")
    for question in QUESTIONS:
        lines.append(f"SELECT '{question.replace(chr(39), chr(39) * 2)}';\n{question};")
    return "\n".join(lines)


def first_difference(expected, found):
    """Where two texts part, on a few lines."""
    title = ""
    for one, other in zip(expected.splitlines(), found.splitlines()):
        if one != other:
            at = len(os.path.commonprefix([one, other]))
            begin = max(0, at - 100) if at > 300 else 0
            return f"after {title[:300]}\n  sqlite: {one[begin:at + 100]}\n  saturn: {other[begin:at + 100]}"
        title = one if one.startswith(("SELECT", "PRAGMA", "--")) else title
    return f"{len(expected.splitlines())} lines, {len(found.splitlines())} lines"


def compare(engines, judge, own, step, analyzed=True):
    """Fails unless SQLite reads in `own` what it reads in `judge`, Saturn reads the same in `own`, and integrity
    checks find nothing. Saturn reads first, as it may have something to recover."""
    text = dump_text(judge, engines, "printf('%!.15g', \"{}\")", analyzed)  # SQLite 3.40 prints no more digits than these well
    mine, errors = engines.run_saturn(own, text)
    expected, judge_errors = engines.run_sqlite(judge, text)
    if (mine, errors) != (expected, judge_errors):
        raise Failed(f"{step}: Saturn reads otherwise: {first_difference(expected + judge_errors, mine + errors)}")
    text = dump_text(judge, engines, 'quote("{}")', analyzed)
    expected, judge_errors = engines.run_sqlite(judge, text)
    found, errors = engines.run_sqlite(own, text)
    if (found, errors) != (expected, judge_errors):
        raise Failed(f"{step}: SQLite reads otherwise: {first_difference(expected + judge_errors, found + errors)}")
    for run, name in ((engines.run_saturn, "Saturn"), (engines.run_sqlite, "SQLite")):
        for path in (own, judge):
            answer = run(path, "PRAGMA integrity_check;")
            if answer != ("ok\n", ""):
                raise Failed(f"{step}: {name}'s check of {path}: {answer[0]}{answer[1]}")


def change(run, engines, own, judge, statements, step):
    """Changes `own` by `run`, and `judge` by SQLite."""
    text = "".join(f"SELECT '--{n}';\n{statement};\n" for n, statement in enumerate(statements))
    mine = run(own, text)
    expected = engines.run_sqlite(judge, text)
    if mine != expected:
        raise Failed(f"{step}: answers differ:\n" + first_difference(expected[0] + expected[1], mine[0] + mine[1]))


def round_trip(engines, directory, seed, length):
    chooser = random.Random(seed)
    layout = layout_of(seed, chooser)
    own, judge = os.path.join(directory, "own.db"), os.path.join(directory, "judge.db")
    try:
        make_file(own, layout, chooser)
        leave_behind(own, layout, chooser)
        copy_database(own, judge)
        compare(engines, judge, own, "made by SQLite", analyzed=False)
        maker = StatementMaker(chooser, layout.page_size)

        def script():
            # SQLite's VACUUM makes a legacy file one of the latest format, Saturn's leaves the format as it is.
            return [s for s in maker.script(length) if not (layout.legacy and s.startswith("VACUUM"))]

        for n in (1, 2):
            statements = script()
            change(engines.run_saturn, engines, own, judge, statements, f"changed by Saturn, {n}")
            compare(engines, judge, own, f"changed by Saturn, {n}")
            statements = script()
            change(engines.run_sqlite, engines, own, judge, statements, f"changed by SQLite, {n}")
            compare(engines, judge, own, f"changed by SQLite, {n}")
        header = open(own, "rb").read(100)
        if header[20] != layout.reserved:
            raise Failed(f"{layout.reserved} reserved bytes have become {header[20]}")
    except (Failed, subprocess.TimeoutExpired) as error:
        return f"seed {seed} ({layout}): {error}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("saturn", help="Saturn's shell")
    parser.add_argument("--seed", type=int, default=1, help="of the first file; the next has the next number")
    parser.add_argument("--count", type=int, default=24, help="how many files")
    parser.add_argument("--length", type=int, default=60, help="statements between two handovers")
    parser.add_argument("--keep", action="store_true", help="keep the files of a seed that fails")
    arguments = parser.parse_args()
    engines = Engines(os.path.abspath(arguments.saturn))
    began, bad = time.time(), 0
    for seed in range(arguments.seed, arguments.seed + arguments.count):
        directory = tempfile.mkdtemp(prefix="saturn-interop-", dir=MEMORY)
        failure = round_trip(engines, directory, seed, arguments.length)
        if failure is not None:
            bad += 1
            print("FAIL", failure, flush=True)
        if failure is not None and arguments.keep:
            print("files in", directory)
        else:
            shutil.rmtree(directory)
    print(f"seeds {arguments.seed} to {arguments.seed + arguments.count - 1}, SQLite {sqlite3.sqlite_version}: "
          f"{arguments.count - bad} round trips passed, {bad} failed, in {time.time() - began:.1f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
