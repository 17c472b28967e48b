#!/usr/bin/env python3
"""What queries take whose pages are on the disk alone: the caches of the kernel are dropped before each (as root).

usage: cold_reads.py SATURN [OTHER_SATURN...] [--rows N]

Prints seconds, the median of three rounds in turns, for each shell and backend: a scan of a table whose leaves follow
each other in the file; of one whose leaves are scattered; backward; count(*); and rows that an index finds all over
the table.
"""
import argparse
import os
import sqlite3
import statistics
import subprocess
import tempfile
import time

QUERIES = {
    "scan, leaves in order": "SELECT sum(length(b)) FROM ordered",
    "scan, leaves scattered": "SELECT sum(length(b)) FROM scattered",
    "the same backward": "SELECT a FROM scattered WHERE length(b) > 9999 ORDER BY a DESC",
    "count(*), scattered": "SELECT count(*) FROM scattered",
    "20,000 rows by IN": "SELECT sum(length(b)) FROM scattered WHERE a IN (SELECT a FROM wanted)",
    "20,000 rows by a join": "SELECT sum(length(b)) FROM wanted CROSS JOIN scattered USING (a)",
    "20,000 rows by an index": "SELECT sum(length(b)) FROM scattered WHERE c BETWEEN 0 AND 20000",
}


def make(path, rows):
    db = sqlite3.connect(path)
    db.executescript(f"""
PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -400000;
CREATE TABLE ordered(a INTEGER PRIMARY KEY, b, c);
CREATE TABLE scattered(a INTEGER PRIMARY KEY, b, c);
BEGIN;
WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
  INSERT INTO ordered SELECT i, randomblob(400), i FROM n;
WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
  INSERT INTO scattered SELECT abs(random()), randomblob(400), i FROM n;
CREATE INDEX by_c ON scattered(c);
CREATE TABLE wanted AS SELECT a FROM scattered WHERE c <= 20000 ORDER BY c;
COMMIT;""")
    db.close()


def run(shell, vfs, path, sql):
    os.sync()
    with open("/proc/sys/vm/drop_caches", "w") as file:
        file.write("1")
    begin = time.time()
    subprocess.run([shell, "-readonly", "-vfs", vfs, path, sql], check=True, stdout=subprocess.DEVNULL)
    return time.time() - begin


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("saturn", nargs="+")
    parser.add_argument("--rows", type=int, default=400_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=".", prefix="cold-reads-") as directory:
        path = os.path.join(directory, "cold.db")
        make(path, options.rows)
        print(f"{os.path.getsize(path) >> 20} MiB")
        for name, sql in QUERIES.items():
            took = {}
            for _ in range(3):
                for shell in options.saturn:
                    for vfs in ("io_uring", "posix"):
                        took.setdefault((shell, vfs), []).append(run(shell, vfs, path, sql))
            for (shell, vfs), seconds in took.items():
                print(f"{name:25} {vfs:9} {statistics.median(seconds):6.2f} s  {shell}", flush=True)


if __name__ == "__main__":
    main()
