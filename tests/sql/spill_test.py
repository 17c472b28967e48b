#!/usr/bin/env python3
"""Statements that keep more rows than memory may hold: the answers are those of sqlite3, and no file stays.

usage: spill_test.py SATURN_SHELL
"""
import os
import shutil
import subprocess
import sys
import tempfile

ROWS = 60000
MEMORY = [1 << 20, 4 << 20]  # bytes

MAKE = f"""
CREATE TABLE t(id INTEGER PRIMARY KEY, a INT, b TEXT, c REAL);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})
INSERT INTO t SELECT i, i * 7919 % 15013, CASE i % 4 WHEN 0 THEN NULL ELSE
  printf('%d-%s', i * 31 % 27011, substr('abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz', i % 20, i % 23)) END,
  i * 0.37 FROM n;
"""

STATEMENTS = """
SELECT b, a, id FROM t ORDER BY b, a DESC LIMIT 1000 OFFSET 30000;
SELECT b, id FROM t ORDER BY b COLLATE NOCASE DESC NULLS LAST, c LIMIT 50000, 100;
SELECT a, count(*), sum(c), min(b), max(b), avg(id) FROM t GROUP BY a ORDER BY a LIMIT 2000, 500;
SELECT b, count(*), total(a), max(id), c FROM t GROUP BY b ORDER BY b DESC LIMIT 20000, 300;
SELECT count(*), sum(n), sum(a) FROM (SELECT a, b, count(*) AS n FROM t GROUP BY a % 7000, b HAVING n < 40);
SELECT a, count(DISTINCT b), sum(id) FILTER (WHERE id % 2) FROM t GROUP BY a % 12000 ORDER BY 2 DESC, 1 LIMIT 100;
SELECT DISTINCT a % 12000, b FROM t ORDER BY 2, 1 LIMIT 30000, 200;
SELECT count(*), sum(x) FROM (SELECT DISTINCT a, b, length(b) AS x FROM t);
SELECT a FROM t UNION SELECT id FROM t ORDER BY 1 LIMIT 10000, 100;
SELECT count(*), sum(a) FROM (SELECT a, b FROM t EXCEPT SELECT a, b FROM t WHERE id % 3 = 0);
SELECT count(*), sum(a) FROM (SELECT a, b FROM t INTERSECT SELECT a, b FROM t WHERE id % 3 = 0);
SELECT count(*), sum(x.id), sum(y.id), sum(length(y.b)) FROM t x JOIN (SELECT * FROM t WHERE id < 20000) y ON x.b = y.b;
SELECT count(*), sum(x.id), count(y.b) FROM t x LEFT JOIN (SELECT * FROM t WHERE id < 30000 AND id % 2) y ON x.b = y.b;
WITH m AS MATERIALIZED (SELECT b, a FROM t)
  SELECT count(*), sum(p.a), max(p.b) FROM m p, (SELECT max(a) AS z FROM m) q WHERE p.a < q.z;
CREATE INDEX tb ON t(b, a);
CREATE UNIQUE INDEX tu ON t(c, b);
CREATE UNIQUE INDEX ta ON t(a);
SELECT count(*), min(b), max(b) FROM t INDEXED BY tb WHERE b > '2';
CREATE TABLE u AS SELECT b, a, c FROM t;
INSERT INTO u SELECT b || 'x', a, c FROM u WHERE a % 2;
UPDATE u SET a = u.a + s.id FROM (SELECT id, a FROM t WHERE id < 9000 ORDER BY id) s WHERE s.a = u.a;
UPDATE u SET b = b || 'y' WHERE a % 3 = 0;
DELETE FROM u WHERE a % 7 = 0;
SELECT count(*), sum(a), sum(length(b)), min(b) FROM u;
PRAGMA integrity_check;
"""


def answers(program, database, text):
    """What the shell prints, errors reduced to that there was one."""
    result = subprocess.run([program, database], input=text, text=True, capture_output=True, timeout=250)
    return result.stdout, len([line for line in result.stderr.splitlines() if "error" in line])


def differences(saturn, directory, memory):
    database = os.path.join(directory, "saturn.db")
    shutil.copy(os.path.join(directory, "start.db"), database)
    limit = f"PRAGMA hard_heap_limit={memory};\n"
    printed, errors = answers(saturn, database, limit + STATEMENTS)
    wanted = f"{memory}\n" + open(os.path.join(directory, "wanted"), encoding="utf-8").read()
    found = [f"line {number}: {ours!r}, sqlite3 has {theirs!r}" for number, (ours, theirs)
             in enumerate(zip(printed.splitlines(), wanted.splitlines()), 1) if ours != theirs][:5]
    if len(printed.splitlines()) != len(wanted.splitlines()):
        found.append(f"{len(printed.splitlines())} lines, sqlite3 has {len(wanted.splitlines())}")
    if errors != 1:
        found.append(f"{errors} statements failed instead of the one unique index")
    left = [name for name in os.listdir(directory) if "-spill-" in name]
    return found + [f"{name} was left behind" for name in left]


def main():
    saturn = sys.argv[1]
    if shutil.which("sqlite3") is None:
        print("skipped: there is no sqlite3")
        return 77
    with tempfile.TemporaryDirectory() as directory:
        start = os.path.join(directory, "start.db")
        subprocess.run(["sqlite3", start], input=MAKE, text=True, check=True)
        judged = os.path.join(directory, "judged.db")
        shutil.copy(start, judged)
        wanted, _ = answers("sqlite3", judged, STATEMENTS)
        with open(os.path.join(directory, "wanted"), "w", encoding="utf-8") as file:
            file.write(wanted)
        failed = False
        for memory in MEMORY:
            found = differences(saturn, directory, memory)
            failed = failed or found
            print(f"{memory} bytes: {'ok' if not found else ''}", *found, sep="\n  ")
        # Where there is no place for files, the limit holds.
        printed, errors = answers(saturn, ":memory:", f"PRAGMA hard_heap_limit={1 << 20};" + MAKE +
                                  "SELECT max(b) FROM (SELECT b FROM t ORDER BY b LIMIT -1 OFFSET 5);")
        if errors != 1:
            print(f"in memory: {errors} errors, {printed!r}")
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
