#!/usr/bin/env python3
"""Makes the seeds of the database target anew: small files and logs that SQLite writes.

usage: make_corpus.py FOLDER
"""
import os
import sqlite3
import struct
import sys
import tempfile

TABLES = """
CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c);
CREATE INDEX tb ON t(b);
CREATE TABLE w(k PRIMARY KEY, n, v) WITHOUT ROWID;
INSERT INTO t VALUES(1, 'x', 1.5), (2, printf('%0900d', 7), NULL), (300, 'y', x'00ff');
INSERT INTO w VALUES('one', 1, 2), ('two', 3, 4);
"""


def more(connection, rows):
    connection.executemany("INSERT INTO t(b, c) VALUES(?, ?)", [("x" * (i % 40), i) for i in range(rows)])
    connection.commit()


def seed(folder, name, flags=0, log=b"", file=b"", sql=b""):
    with open(os.path.join(folder, name), "wb") as out:
        out.write(struct.pack(">BII", flags, len(file), len(log)) + file + log + sql)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def main():
    folder = sys.argv[1]
    work = tempfile.mkdtemp()
    for name, pragmas in {"plain": "", "auto": "PRAGMA auto_vacuum=1;", "steps": "PRAGMA auto_vacuum=2;"}.items():
        path = os.path.join(work, name + ".db")
        connection = sqlite3.connect(path)
        connection.executescript("PRAGMA page_size=512;" + pragmas + TABLES)
        more(connection, 40)
        connection.execute("DELETE FROM t WHERE a BETWEEN 305 AND 320")
        connection.commit()
        connection.close()
        seed(folder, name, file=read(path))
        seed(folder, name + "-sql", file=read(path),
             sql=b"BEGIN; DELETE FROM t; SAVEPOINT s; INSERT INTO w SELECT a, b, c FROM t; ROLLBACK TO s;"
                 b"CREATE INDEX tc ON t(c, a DESC); COMMIT; SELECT * FROM t JOIN w ON t.b = w.k;")
    path = os.path.join(work, "log.db")
    connection = sqlite3.connect(path)
    connection.executescript("PRAGMA page_size=512; PRAGMA journal_mode=wal;" + TABLES)
    connection.execute("PRAGMA wal_checkpoint(truncate)")
    more(connection, 10)
    more(connection, 10)
    seed(folder, "log", flags=1, file=read(path), log=read(path + "-wal"))
    seed(folder, "log-unrepaired", flags=0, file=read(path), log=read(path + "-wal"))
    seed(folder, "log-read-only", flags=3, file=read(path), log=read(path + "-wal"))
    connection.close()
    seed(folder, "empty", sql=b"CREATE TABLE t(a, b, c); INSERT INTO t VALUES(1, 2, 3);")


main()
