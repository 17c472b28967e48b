#!/usr/bin/env python3
"""Databases in UTF-16, read and written in turn by Saturn's shell and by the SQLite of Python.

Usage: utf16_test.py SATURN [SEED]
Each run makes files of both encodings and several page sizes, by either engine, does the same random
changes to a copy of each with both, and compares every answer and what is in the files at the end.
Both engines check the integrity of what the other has written.
"""
import os
import pathlib
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile

SATURN = os.path.abspath(sys.argv[1])
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(10**6)

# Where the order of UTF-16's bytes, of its units and of UTF-8 differ: bytes that swap, the last
# characters before and the first behind the surrogates, and pairs.
LETTERS = ["a", "A", "b", "z", " ", "0", "7", "\u00e9", "\u00ff", "\u0100", "\u0101", "\u0161",
           "\u3200", "\ud7ff", "\ue000", "\ufb01", "\ufffd", "\U00010000", "\U0001f600",
           "\U0010ffff"]

SCHEMA = [
    "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b TEXT COLLATE NOCASE, c, d TEXT COLLATE RTRIM)",
    "CREATE INDEX t_a ON t(a)",
    "CREATE INDEX t_b ON t(b DESC, a)",
    "CREATE INDEX t_part ON t(c, a DESC) WHERE a > 'b'",
    "CREATE INDEX t_expr ON t(lower(a) || b, length(c))",
    "CREATE INDEX t_d ON t(d)",
    "CREATE TABLE w(k TEXT, n COLLATE NOCASE, v, PRIMARY KEY(k DESC, n)) WITHOUT ROWID",
    "CREATE INDEX w_v ON w(v)",
    "CREATE TABLE u(x TEXT UNIQUE, y TEXT DEFAULT 'h\u00e9\U0001f600', "
    "g AS (x || '!') STORED, CHECK(y <> 'never'))",
    "CREATE TABLE log(n INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT)",
    "CREATE TABLE child(p TEXT REFERENCES u(x) ON UPDATE CASCADE ON DELETE SET NULL)",
    "CREATE VIEW vw(one, two) AS SELECT a, b || '\u00e9' FROM t WHERE a >= 'a'",
    "CREATE TRIGGER tr AFTER UPDATE OF a ON t WHEN new.a < old.a BEGIN "
    "INSERT INTO log(what) VALUES('\u0161' || old.a || '>' || new.a); END",
    "CREATE TABLE \"t\u00e4bl\U0001f600\"(\"sp\u00e4lte\" TEXT)",
]

# Every column of an answer is a number or made by quote() or hex().
QUERIES = [
    "SELECT id, quote(a) FROM t ORDER BY a, id",
    "SELECT id, quote(b) FROM t ORDER BY b DESC, id",
    "SELECT id, quote(c), typeof(c) FROM t ORDER BY c, id",
    "SELECT id, quote(d) FROM t ORDER BY d, id",
    "SELECT quote(a), count(*), sum(id) FROM t GROUP BY a ORDER BY 1",
    "SELECT quote(b), count(*), sum(id) FROM t GROUP BY b COLLATE BINARY ORDER BY 1, 3",
    "SELECT DISTINCT quote(a) FROM t ORDER BY 1",
    "SELECT quote(min(a)), quote(max(a)), quote(min(b COLLATE BINARY)), quote(max(c)) FROM t",
    "SELECT id FROM t WHERE a > {s} ORDER BY id",
    "SELECT id FROM t WHERE a <= {s} AND a >= {s} ORDER BY id",
    "SELECT id FROM t WHERE b = {s} ORDER BY id",
    "SELECT id FROM t WHERE b BETWEEN {s} AND {s} ORDER BY id",
    "SELECT id FROM t WHERE d = {s} || '  ' ORDER BY id",
    "SELECT id FROM t WHERE a IN ({s}, {s}, {s}) ORDER BY a DESC, id",
    "SELECT id FROM t WHERE c = {s} AND a > 'b' ORDER BY id",
    "SELECT id FROM t WHERE lower(a) || b = lower({s}) || {s} ORDER BY id",
    "SELECT id FROM t WHERE a LIKE {s} || '%' ORDER BY id",
    "SELECT id FROM t WHERE a GLOB '*' || {s} || '*' ORDER BY id",
    "SELECT quote(k), quote(n), quote(v) FROM w ORDER BY k DESC, n",
    "SELECT quote(k), quote(n) FROM w WHERE v >= {s} ORDER BY v, k, n",
    "SELECT quote(v) FROM w WHERE k = {s} AND n = {s}",
    "SELECT quote(k) FROM w WHERE k < {s} ORDER BY k, n",
    "SELECT quote(x), quote(y), quote(g) FROM u ORDER BY x",
    "SELECT quote(what) FROM log ORDER BY n",
    "SELECT quote(p) FROM child ORDER BY p",
    "SELECT quote(one), quote(two) FROM vw ORDER BY one, two",
    "SELECT t.id, quote(w.v) FROM t JOIN w ON t.a = w.k ORDER BY t.id, w.k, w.n",
    "SELECT hex(a), hex(CAST(a AS BLOB)), length(a), unicode(a), quote(upper(a)) FROM t ORDER BY id",
    "SELECT quote(substr(a, 2, 2)), instr(a, {s}), quote(replace(a, 'a', {s})) FROM t ORDER BY id",
    "SELECT quote(CAST(c AS TEXT)), quote(c || a), quote(trim(a)) FROM t ORDER BY id",
    "SELECT quote(group_concat(a, {s})) FROM (SELECT a FROM t ORDER BY a, id)",
    "SELECT id, quote(lag(a) OVER (ORDER BY a, id)), rank() OVER (PARTITION BY b ORDER BY a) FROM t "
    "ORDER BY id",
    "SELECT quote(a) FROM t UNION SELECT quote(k) FROM w ORDER BY 1",
    "SELECT {s} < {s}, {s} = {s}, max({s}, {s}) = {s}, {s} COLLATE NOCASE < {s}, {s} IN ({s}, {s})",
    "SELECT quote(CAST({b} AS TEXT)), hex({b} || {s}), hex({b} || {b}), length({b} || {s}), "
    "hex(CAST({b} AS TEXT) || {s})",
    "SELECT quote(CAST({b} AS INTEGER)), quote(upper({b})), instr({b}, {s}), instr({s}, {e}), "
    "quote(CAST({s} AS NUMERIC))",
    "SELECT quote(value), quote(atom) FROM json_each(json_array({s}, {s}, 1.5))",
    "PRAGMA encoding",
]

CHANGES = [
    "INSERT INTO t(a, b, c, d) VALUES({s}, {s}, {v}, {s})",
    "INSERT INTO t(a, b, c, d) SELECT b, a, d, c FROM t WHERE id % 7 = {n}",
    "UPDATE t SET a = {s} WHERE id % 11 = {n}",
    "UPDATE t SET c = {v}, d = a || ' ' WHERE b >= {s}",
    "UPDATE t SET b = upper(b), a = a || {s} WHERE a < {s} AND length(a) < 12",
    "DELETE FROM t WHERE a = {s}",
    "DELETE FROM t WHERE id % 13 = {n}",
    "INSERT OR REPLACE INTO w VALUES({s}, {s}, {v})",
    "INSERT INTO w VALUES({s}, {s}, {v}) ON CONFLICT DO UPDATE SET v = excluded.v || {s}",
    "UPDATE OR IGNORE w SET k = k || {s} WHERE n > {s} AND length(k) < 9",
    "DELETE FROM w WHERE v < {s} AND length(k) > 3",
    "INSERT OR IGNORE INTO u(x) VALUES({s})",
    "INSERT OR REPLACE INTO u(x, y) VALUES({s}, {s})",
    "UPDATE OR IGNORE u SET x = x || {s} WHERE y > {s} AND length(x) < 9",
    "INSERT INTO child SELECT x FROM u WHERE x > {s}",
    "DELETE FROM u WHERE x < {s}",
    "INSERT INTO \"t\u00e4bl\U0001f600\" VALUES({s})",
]

# Each may be done once.
DEFINITIONS = [
    "ALTER TABLE t ADD COLUMN e TEXT DEFAULT '\u0101\U0001f600'",
    "CREATE INDEX late ON t(c COLLATE NOCASE, b COLLATE RTRIM DESC)",
    "ALTER TABLE \"t\u00e4bl\U0001f600\" RENAME TO \"\u00fcber\"",
    "CREATE TABLE copy AS SELECT a, b AS \"b\u00e9\" FROM t",
    "DROP INDEX t_a",
    "DROP TRIGGER tr",
    "ALTER TABLE log ADD COLUMN more",
    "ALTER TABLE log DROP COLUMN more",
    "CREATE TABLE gone(x TEXT PRIMARY KEY)",
    "DROP TABLE gone",
    "REINDEX",
    "ANALYZE",
    "VACUUM",
]

# SQLite makes sqlite_stat4 where it was built to, Saturn always does.
CONTENT = [
    "SELECT type, quote(name), quote(tbl_name), quote(sql) FROM sqlite_schema WHERE name <> 'sqlite_stat4' ORDER BY 2, 1",
    "SELECT id, quote(a), quote(b), quote(c), quote(d) FROM t ORDER BY id",
    "SELECT quote(k), quote(n), quote(v) FROM w ORDER BY 1, 2",
    "SELECT quote(x), quote(y) FROM u ORDER BY 1",
    "SELECT quote(what) FROM log ORDER BY n",
    "SELECT quote(name), seq FROM sqlite_sequence WHERE seq > 0 ORDER BY 1",
]


class Script:
    """Random statements, the same for both engines."""

    def __init__(self, rng):
        self.rng = rng

    def text(self):
        return "".join(self.rng.choice(LETTERS) for _ in range(self.rng.choice([0, 1, 1, 2, 3, 6])))

    def blob(self, size):
        units = "".join(self.rng.choice(["61", "00", "d8", "dc", "3d", "ff", "fe", "20"])
                        for _ in range(size))
        return f"x'{units}'"

    def value(self):
        pick = self.rng.random()
        if pick < 0.15:
            return str(self.rng.randrange(-5, 300))
        if pick < 0.3:
            return self.blob(self.rng.randrange(7))
        return "NULL" if pick < 0.35 else f"'{self.text()}'"

    def fill(self, template):
        while "{" in template:
            template = template.replace("{s}", f"'{self.text()}'", 1)
            template = template.replace("{b}", self.blob(self.rng.randrange(7)), 1)
            template = template.replace("{e}", self.blob(2), 1)
            template = template.replace("{v}", self.value(), 1)
            template = template.replace("{n}", str(self.rng.randrange(7)), 1)
        return template

    def some(self, templates, count):
        return [self.fill(self.rng.choice(templates)) for _ in range(count)]

    def round(self, definitions):
        statements = self.some(CHANGES, 40) + self.some(QUERIES, 25)
        statements += ["BEGIN"] + self.some(CHANGES, 5) + ["ROLLBACK"]
        statements += [self.fill(query) for query in QUERIES]
        for definition in definitions:
            statements += [definition] + self.some(CHANGES, 3) + self.some(QUERIES, 3)
        return statements


def by_sqlite(path, statements):
    db = sqlite3.connect(path, isolation_level=None)
    # A lone surrogate in an answer is no UTF-8.
    db.text_factory = lambda b: b.decode("utf-8", "surrogatepass")
    answers = []
    for sql in statements:
        try:
            rows = db.execute(sql).fetchall()
            answers.append(["|".join("" if v is None else str(v) for v in row) for row in rows])
        except sqlite3.Error as error:
            answers.append([f"error: {error}"])
    db.close()
    return answers


def by_saturn(path, statements):
    lines = []
    for sql in statements:
        lines += [sql + ";", "SELECT '--next--';"]
    run = subprocess.run([SATURN, path], input="\n".join(lines).encode("utf-8"),
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300)
    output = run.stdout.decode("utf-8", "surrogatepass")
    answers = [part.split("\n")[:-1] for part in output.split("--next--\n")]
    if len(answers) != len(statements) + 1 or answers.pop():
        raise SystemExit(f"{path}: the shell has not done it all:\n{output[-2000:]}")
    return answers


def same(name, statements, ours, theirs):
    differ = 0
    for sql, a, b in zip(statements, ours, theirs):
        failed = b[:1] and b[0].startswith("error: ")
        if failed and a and b[0].removeprefix("error: ") in a[0]:
            continue
        if a != b:
            differ += 1
            if differ <= 5:
                print(f"{name}: {ascii(sql)}\n  saturn {ascii(a)[:500]}\n  sqlite {ascii(b)[:500]}")
    return differ


def judge(name, path):
    """What SQLite, and Saturn, find wrong with a file."""
    bad = 0
    for engine, run in (("sqlite", by_sqlite), ("saturn", by_saturn)):
        found = run(path, ["PRAGMA integrity_check"])[0]
        if found != ["ok"]:
            print(f"{name}: {engine} finds {found[:5]}")
            bad += 1
    return bad


def exchange(directory, rng, encoding, page_size, maker):
    """One file's life: made by `maker`, then changed by both, each on a copy of its own."""
    name = f"{encoding} {page_size} by {maker.__name__}"
    script = Script(rng)
    bad = 0
    base = str(directory / "base.db")
    made = [f"PRAGMA page_size={page_size}", f"PRAGMA encoding='{encoding}'", *SCHEMA]
    made += script.some(CHANGES, 150)
    maker(base, made)
    bad += judge(name, base)
    for step in range(2):
        definitions = rng.sample(DEFINITIONS[:8], 3) if step == 0 else DEFINITIONS[8:]
        statements = script.round(definitions) + CONTENT
        ours, theirs = str(directory / "ours.db"), str(directory / "theirs.db")
        shutil.copy(base, ours)
        shutil.copy(base, theirs)
        bad += same(name, statements, by_saturn(ours, statements), by_sqlite(theirs, statements))
        bad += judge(f"{name}, saturn's file", ours) + judge(f"{name}, sqlite's file", theirs)
        # Each reads the file of the other.
        bad += same(f"{name}, files changed hands", CONTENT, by_saturn(theirs, CONTENT),
                    by_sqlite(ours, CONTENT))
        # The next round starts from the other's file.
        base = str(directory / f"base{step}.db")
        shutil.copy(theirs if maker is by_saturn else ours, base)
    into = directory / "into.db"
    by_saturn(base, [f"VACUUM INTO '{into}'"])
    bad += judge(f"{name}, VACUUM INTO", str(into))
    bad += same(f"{name}, VACUUM INTO", CONTENT, by_saturn(base, CONTENT),
                by_sqlite(str(into), CONTENT))
    for file in directory.iterdir():
        file.unlink()
    return bad


def log_left_behind(directory, encoding):
    """A file with a log that another process has not finished."""
    path = directory / "live.db"
    db = sqlite3.connect(path, isolation_level=None)
    for sql in (f"PRAGMA encoding='{encoding}'", "PRAGMA journal_mode=WAL", *SCHEMA,
                "INSERT INTO t(a, b) VALUES('\u00e9', '\U0001f600'), ('\ue000', 'B')"):
        db.execute(sql)
    for suffix in ("", "-wal"):
        shutil.copy(f"{path}{suffix}", directory / f"copy.db{suffix}")
    db.close()
    query = ["SELECT quote(a), quote(b) FROM t ORDER BY a", "PRAGMA integrity_check"]
    copy = str(directory / "copy.db")
    return same(f"{encoding} with a log", query, by_saturn(copy, query), by_sqlite(path, query))


def corrupt_text(directory, encoding):
    """Texts that are no UTF-16 are kept byte for byte, sorted and looked up as SQLite does it."""
    path = directory / "odd.db"
    bad_texts = [bytes.fromhex(h) for h in
                 ("610062c1a7", "3dd8a7c2a7", "00dc00d8a7", "d8a7", "3dd83dd83dd8a7", "fffea7fe",
                  "a7", "00d8a7d8", "dcfeffa7")]
    by_sqlite(path, [f"PRAGMA encoding='{encoding}'", "CREATE TABLE t(a, n)",
                     *(f"INSERT INTO t VALUES(x'{b.hex()}', {n})" for n, b in enumerate(bad_texts))])
    data = path.read_bytes()
    for n, text in enumerate(bad_texts):
        # A record's header: its own length, the text's type, the number's. A blob's type is even.
        number = {0: b"\x08", 1: b"\x09"}.get(n, b"\x01")
        blob = bytes([3, 12 + 2 * len(text)]) + number + text
        assert data.count(blob) == 1, (n, text)
        data = data.replace(blob, bytes([3, 13 + 2 * len(text)]) + number + text)
    path.write_bytes(data)
    statements = ["SELECT typeof(a), n, hex(a) FROM t ORDER BY n", "SELECT n FROM t ORDER BY a",
                  "SELECT n FROM t ORDER BY a COLLATE NOCASE, n",
                  "SELECT quote(a), length(a), quote(upper(a)) FROM t ORDER BY n",
                  "SELECT quote(a || 'x'), hex('x' || a) FROM t ORDER BY n",
                  "CREATE INDEX i ON t(a)", "CREATE INDEX j ON t(a COLLATE NOCASE DESC)",
                  "SELECT n FROM t WHERE a > 'a' ORDER BY a",
                  "SELECT x.n, y.n FROM t x, t y WHERE x.a = y.a ORDER BY 1, 2",
                  "UPDATE t SET n = n + 100 WHERE n % 2 = 0", "DELETE FROM t WHERE n % 3 = 0",
                  "SELECT n, hex(a) FROM t ORDER BY a", "INSERT INTO t SELECT a, -n FROM t",
                  "SELECT n, hex(a) FROM t ORDER BY n"]
    ours = directory / "ours.db"
    shutil.copy(path, ours)
    name = f"{encoding} with bad texts"
    bad = same(name, statements, by_saturn(ours, statements), by_sqlite(path, statements))
    return bad + judge(name, str(ours)) + judge(name, str(path))


def attached(directory, encoding):
    """Attached files have main's encoding: others are refused, new ones are given it."""
    other = "UTF-16be" if encoding == "UTF-16le" else "UTF-16le"
    make = "CREATE TABLE o(x TEXT UNIQUE)"
    fill = "INSERT INTO o VALUES('\u0101'), ('\u00ff'), ('\U0001f600')"
    for name, pragma in (("same", encoding), ("other", other), ("plain", "UTF-8")):
        by_sqlite(directory / f"{name}.db", [f"PRAGMA encoding='{pragma}'", make, fill])
    statements = [f"PRAGMA encoding='{encoding}'", "CREATE TABLE m(x TEXT PRIMARY KEY)",
                  f"ATTACH '{directory}/same.db' AS same", "INSERT INTO m SELECT x FROM o",
                  "SELECT hex(x) FROM m ORDER BY x", f"ATTACH '{directory}/other.db' AS other",
                  f"ATTACH '{directory}/plain.db' AS plain", f"ATTACH '{directory}/new.db' AS fresh",
                  "CREATE TABLE fresh.f(x TEXT UNIQUE)", "INSERT INTO fresh.f SELECT x FROM m",
                  "SELECT hex(x) FROM f ORDER BY x DESC", "PRAGMA fresh.encoding"]
    name, bad, answers = f"{encoding}, attached", 0, []
    for run in (by_saturn, by_sqlite):
        made = directory / "new.db"
        made.unlink(missing_ok=True)
        main_file = str(directory / f"main_{run.__name__}.db")
        answers.append(run(main_file, statements))
        bad += judge(name, str(made)) + judge(name, main_file)
        if by_sqlite(made, ["PRAGMA encoding"]) != [[encoding]]:
            print(f"{name}: a new file by {run.__name__} has another encoding")
            bad += 1
    return bad + same(name, statements, *answers)


def main():
    print("seed", SEED)
    rng = random.Random(SEED)
    bad = 0
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        for encoding in ("UTF-16le", "UTF-16be"):
            for page_size in (512, 4096, 65536):
                for maker in (by_sqlite, by_saturn):
                    bad += exchange(directory, rng, encoding, page_size, maker)
            bad += log_left_behind(directory, encoding)
            bad += corrupt_text(directory, encoding)
            bad += attached(directory, encoding)
            for file in directory.iterdir():
                file.unlink()
    print(bad, "differences")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
