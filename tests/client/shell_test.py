#!/usr/bin/env python3
"""The shell end to end: the same scripts through `sqlite3 FILE`, `saturn FILE` and `saturn URL`.

Usage: shell_test.py SATURN SATURND
What they print, what they complain about and whether they fail must be the same.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "server"))
from daemon import Daemon  # noqa: E402

SATURN, SATURND = map(os.path.abspath, sys.argv[1:3])

SCRIPTS = {
    "rows of every type": """
CREATE TABLE t(i INTEGER PRIMARY KEY, r REAL, x TEXT, b BLOB);
INSERT INTO t VALUES(1, 1.5, 'one', x'616263'), (2, 1e100, 'it''s', NULL), (3, -0.1, '', x'');
SELECT * FROM t; SELECT 1e15, 1e14, 123456789012345678, 100.0, 1/3.0;
SELECT count(*), sum(r) FROM t
 WHERE i > 1;
-- a comment; with a semicolon
SELECT ';' || "x" FROM t; /* and
another; one */ SELECT 2;;
SELECT 'last without its semicolon'
""",
    "errors go on": """
CREATE TABLE t(a UNIQUE, b NOT NULL);
INSERT INTO t VALUES(1, 2);
INSERT INTO t VALUES(1, 3); SELECT 'given up with the line';
SELECT 'next line';
INSERT INTO t VALUES(2, NULL);
SELECT nope FROM t;
SELECT abs(-9223372036854775808);
SELECT FROM;
.nonsense
SELECT count(*) FROM t;
""",
    "bail stops": """
.bail on
SELECT 1;
SELECT nope;
SELECT 2;
""",
    "transactions": """
CREATE TABLE t(a);
BEGIN; INSERT INTO t VALUES(1); ROLLBACK;
SELECT count(*) FROM t;
BEGIN;
INSERT INTO t VALUES(2);
COMMIT;
SELECT a FROM t;
COMMIT;
""",
    "modes and settings": """
CREATE TABLE t(a INTEGER, "long name" TEXT);
INSERT INTO t VALUES(1, 'x,y'), (2, NULL), (3, 'two
lines');
.headers on
SELECT * FROM t;
.mode csv
SELECT * FROM t;
.mode table
.nullvalue nil
SELECT * FROM t;
.mode line
SELECT * FROM t;
.mode json
SELECT a, "long name" FROM t;
.mode tabs
SELECT * FROM t;
.mode list
.separator ' - '
SELECT * FROM t;
.headers off
.mode column
SELECT a FROM t;
.mode nosuch
""",
    "schema and tables": """
CREATE TABLE one(a);
CREATE TABLE two(b,
  c TEXT DEFAULT 'x;y');
CREATE INDEX two_b ON two(b);
.tables
.tables t%
.schema
.schema one
""",
    "import": """
CREATE TABLE t(a INTEGER, b TEXT, c UNIQUE);
.import bars.psv t
SELECT typeof(a), * FROM t ORDER BY rowid;
.import --csv commas.csv fresh
.schema fresh
SELECT * FROM fresh ORDER BY rowid;
.import --csv --skip 1 commas.csv fresh
SELECT count(*) FROM fresh;
.import missing.psv t
""",
    "import goes on after a row that fails": """
CREATE TABLE t(a UNIQUE, b);
.separator ,
.import double.csv t
SELECT * FROM t ORDER BY rowid;
""",
    "dump": """
CREATE TABLE t(i INTEGER PRIMARY KEY, r REAL, b BLOB);
INSERT INTO t VALUES(1, 2.5, x'00ff'), (2, NULL, 'it''s');
CREATE TABLE "odd name"(a);
INSERT INTO "odd name" VALUES(1);
CREATE INDEX t_r ON t(r);
.dump
""",
    "read": """
.read more.sql
.read nothere.sql
SELECT 'after';
""",
    "quit": """
SELECT 1;
.quit
SELECT 2;
""",
    "wide text": "SELECT '" + "w" * 100_000 + "', length('" + "é" * 1000 + "');\n",
}

FILES = {
    "bars.psv": "1|one|x\n2|two|y\n3|\"quoted | bar\"|z\n",
    "commas.csv": 'id,name\n1,"a ""q"" b"\r\n2,"two\nlines"\n3,\n',
    "double.csv": "1,a\n2,b\n1,c\n3\n4,d,more\n2,e\n5,f\n",
    "more.sql": "SELECT 'from the file';\nSELECT 1,\n 2;\n",
}


def run(program, target, script, arguments=(), folder="."):
    done = subprocess.run([program, *arguments, target], input=script.encode(), cwd=folder,
                          capture_output=True, timeout=60)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def without_places(errors):
    """The server sends no place in the statement, and sqlite3 names its files' rows as we do."""
    return "".join(line + "\n" for line in errors.splitlines()
                   if not line.startswith("  ") and "--- error here" not in line)


def kind_blind(errors):
    """Whether a mistake is found in compiling or in running is not told over the wire."""
    return re.sub(r"^(Parse|Runtime) error", "SQL error", without_places(errors), flags=re.M)


def own_wording(errors):
    return re.sub(r"mode should be one of: .*", "mode should be one of: ...", errors)


class Failures(list):
    def check(self, what, expected, found):
        if expected != found:
            self.append(f"{what}:\n--- expected\n{expected}\n--- found\n{found}")


def compare_scripts(failures, daemon_folder):
    count = 0
    for name, script in SCRIPTS.items():
        folder = tempfile.mkdtemp(prefix="saturn-shell-")
        for file, text in FILES.items():
            pathlib.Path(folder, file).write_bytes(text.encode())
        code, out, errors = run("sqlite3", "judge.db", script, ["-init", "/dev/null", "-batch"], folder)
        errors = own_wording(errors)
        local = run(SATURN, "local.db", script, folder=folder)
        failures.check(f"{name}, local: output", out, local[1])
        failures.check(f"{name}, local: errors", errors, own_wording(local[2]))
        # SQLite's shell forgets the failures of .import.
        expected_code = 1 if errors and "columns but found" not in errors.splitlines()[-1] else code
        failures.check(f"{name}, local: exit code", expected_code, local[0])
        checked = subprocess.run(["sqlite3", "local.db", "PRAGMA integrity_check"], cwd=folder,
                                 capture_output=True, text=True)
        failures.check(f"{name}, local: integrity", "ok\n", checked.stdout)

        daemon = Daemon(SATURND, data=tempfile.mkdtemp(dir=daemon_folder))
        try:
            remote = run(SATURN, f"http://127.0.0.1:{daemon.port}", script, folder=folder)
        finally:
            daemon.stop()
        failures.check(f"{name}, remote: output", out, remote[1])
        failures.check(f"{name}, remote: errors", kind_blind(errors), kind_blind(own_wording(remote[2])))
        failures.check(f"{name}, remote: exit code", expected_code, remote[0])
        shutil.rmtree(folder)
        count += 1
    return count


def check_command_line(failures):
    folder = tempfile.mkdtemp(prefix="saturn-shell-")

    def saturn(*arguments, script=""):
        done = subprocess.run([SATURN, *arguments], input=script.encode(), cwd=folder,
                              capture_output=True, timeout=60)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    failures.check("arguments", (0, "1\n2|3\n", ""), saturn(":memory:", "SELECT 1", "SELECT 2, 3"))
    failures.check("no name", (0, "7\n", ""), saturn(script="CREATE TABLE t(a); SELECT 7;"))
    failures.check("argument that fails", (1, "1\n"), saturn(":memory:", "SELECT 1; SELECT x", "SELECT 2")[:2])
    failures.check("flags", (0, "a,b\r\n1,nil\r\n", ""),
                   saturn("--csv", "-header", "-nullvalue", "nil", ":memory:", "SELECT 1 a, NULL b"))
    failures.check("-cmd", (0, "1\n2\n", ""), saturn("-cmd", "SELECT 1", ":memory:", script="SELECT 2;"))
    failures.check("-bail", (1, ""), saturn("-bail", ":memory:", script="SELECT x;\nSELECT 1;")[:2])
    failures.check("without -bail", (1, "1\n"), saturn(":memory:", script="SELECT x;\nSELECT 1;")[:2])
    failures.check("unknown option", 1, saturn("-nonsense")[0])
    failures.check("missing argument", 1, saturn("-separator")[0])
    failures.check("no such vfs", 1, saturn("-vfs", "tape", "x.db")[0])
    failures.check("bad URL", 1, saturn("https://127.0.0.1", "SELECT 1")[0])
    failures.check("nobody there", 1, saturn("http://127.0.0.1:1", "SELECT 1")[0])
    failures.check("-help", 0, saturn("-help")[0])
    for vfs in ("posix", "io_uring", "auto"):
        failures.check(f"-vfs {vfs}", (0, "1\n"), saturn(
            "-vfs", vfs, f"{vfs}.db", "CREATE TABLE t(a)", "INSERT INTO t VALUES(1)", "SELECT * FROM t")[:2])
    failures.check("-readonly reads", (0, "1\n", ""), saturn("-readonly", "posix.db", "SELECT * FROM t"))
    failures.check("-readonly does not write", 1, saturn("-readonly", "posix.db", "DELETE FROM t")[0])
    failures.check("-readonly does not create", 1, saturn("-readonly", "new.db", "SELECT 1")[0])
    failures.check("-readonly left no file", False, os.path.exists(os.path.join(folder, "new.db")))
    failures.check(".open", (0, "1\n", ""), saturn(script=".open posix.db\nSELECT * FROM t;\n"))
    planned = "CREATE TABLE t(a INTEGER PRIMARY KEY, b);\nEXPLAIN QUERY PLAN SELECT b FROM t ORDER BY b;\n"
    failures.check("EXPLAIN QUERY PLAN", (0, "QUERY PLAN\n`--USE SORTER FOR ORDER BY\n   `--SCAN t\n", ""),
                   saturn(script=planned))
    rows = "INSERT INTO t VALUES(1, 2), (2, 3), (3, 3);\n"
    analyzed = saturn(script=planned + rows + "EXPLAIN ANALYZE SELECT DISTINCT b FROM t WHERE a > 1;\n")[1]
    figures = r" \(rows=%d loops=1 time=\d+\.\d{3}ms pages=[1-9]\d* misses=0\)\n"
    wanted = (r"`--USE HASH TABLE FOR DISTINCT" + figures % 1 +
              r"   `--(?:SCAN t|SEARCH t USING INTEGER PRIMARY KEY \(rowid>\?\))" + figures % 2)
    if not re.search(wanted + "$", analyzed):
        failures.append(f"EXPLAIN ANALYZE: {analyzed}")
    saturn("misses.db", "CREATE TABLE t(a)", "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n "
           "WHERE i < 20000) INSERT INTO t SELECT i FROM n")
    scan = "EXPLAIN ANALYZE SELECT sum(a) FROM t"
    misses = [int(n) for n in re.findall(r"SCAN t .* misses=(\d+)\)", saturn("misses.db", scan, scan)[1])]
    if len(misses) != 2 or misses[0] < 20 or misses[1] != 0:
        failures.append(f"EXPLAIN ANALYZE of a scan from the file, then from the cache: misses {misses}")
    failures.check("EXPLAIN ANALYZE of a change", "4\n", saturn(script=planned + rows + (
        "EXPLAIN ANALYZE INSERT INTO t SELECT 9, b FROM t WHERE a = 1;\nSELECT count(*) FROM t;\n"))[1][-2:])
    quotes = ".dbconfig dqs_dml\nSELECT \"x\";\n.dbconfig dqs_dml off\nSELECT \"x\";\n"
    failures.check(".dbconfig", (1, "            dqs_dml on\nx\n            dqs_dml off\n"),
                   saturn(script=quotes)[:2])
    failures.check(".dbconfig of something else", 1, saturn(script=".dbconfig defensive on\n")[0])
    timed = saturn(script=".timer on\nSELECT 1;\n")[1]
    if not re.fullmatch(r"1\nRun Time: real \d+\.\d{3} user \d+\.\d{6} sys \d+\.\d{6}\n", timed):
        failures.append(f".timer: {timed}")
    pathlib.Path(folder, "loop.sql").write_text(".read loop.sql\n")
    failures.check(".read of itself", 1, saturn(script=".read loop.sql\n")[0])
    pathlib.Path(folder, "junk.db").write_bytes(b"no database at all" * 1000)
    failures.check("a file that is no database", 1, saturn("junk.db", "SELECT * FROM sqlite_schema")[0])
    shutil.rmtree(folder)


def check_big_import(failures, daemon_folder):
    """More rows than one round trip takes."""
    folder = tempfile.mkdtemp(prefix="saturn-shell-")
    rows = 12_345
    pathlib.Path(folder, "big.psv").write_text("".join(f"{i}|{'x' * (i % 50)}|\n" for i in range(rows)))
    script = ("CREATE TABLE t(a INTEGER PRIMARY KEY, b);\n.import big.psv t\n"
              "SELECT count(*), sum(a), sum(length(b)) FROM t;\n")
    expected = (0, f"{rows}|{sum(range(rows))}|{sum(i % 50 for i in range(rows))}\n", "")
    failures.check("big import, local", expected, run(SATURN, "big.db", script, folder=folder))
    daemon = Daemon(SATURND, data=tempfile.mkdtemp(dir=daemon_folder))
    try:
        url = f"http://127.0.0.1:{daemon.port}"
        failures.check("big import, remote", expected, run(SATURN, url, script, folder=folder))
    finally:
        daemon.stop()
    shutil.rmtree(folder)


def check_vacuum_into(failures, daemon_folder):
    """A local session may name files, a client of the daemon may not."""
    folder = tempfile.mkdtemp(prefix="saturn-shell-")
    script = ("CREATE TABLE t(a, b UNIQUE);\nINSERT INTO t VALUES(1, 'x'), (2, 'y');\n"
              "DELETE FROM t WHERE a = 1;\nPRAGMA page_size = 512;\nVACUUM INTO 'copy' || '.db';\n"
              "VACUUM INTO 'copy.db';\nVACUUM INTO 7;\n")
    errors = ("Runtime error near line 6: output file already exists\n"
              "Runtime error near line 7: non-text filename\n")
    failures.check("VACUUM INTO", (1, "", errors), run(SATURN, "from.db", script, folder=folder))
    said = run("sqlite3", "copy.db", "PRAGMA integrity_check; PRAGMA page_size; SELECT * FROM t;",
               folder=folder)
    failures.check("VACUUM INTO, the copy", (0, "ok\n512\n2|y\n", ""), said)
    daemon = Daemon(SATURND, data=tempfile.mkdtemp(dir=daemon_folder))
    try:
        said = run(SATURN, f"http://127.0.0.1:{daemon.port}", "VACUUM INTO 'other.db';",
                   folder=folder)
        failures.check("VACUUM INTO, remote", "not authorized" in said[2], True)
    finally:
        daemon.stop()
    failures.check("VACUUM INTO, no remote copy", os.path.exists(folder + "/other.db"), False)
    shutil.rmtree(folder)


def check_attach(failures, daemon_folder):
    """ATTACH names files in a local session, and the server's databases in the daemon."""
    folder = tempfile.mkdtemp(prefix="saturn-shell-")
    script = ("CREATE TABLE t(a);\nATTACH 'other.db' AS other;\nCREATE TABLE other.u(b);\nBEGIN;\n"
              "INSERT INTO t VALUES(1), (2);\nINSERT INTO u SELECT a * 10 FROM t;\nCOMMIT;\n"
              "CREATE TEMP TABLE w(c);\nINSERT INTO w VALUES(3);\nSELECT * FROM u, w;\n"
              "ATTACH 'absent/x.db' AS absent;\nATTACH 'file:other.db?mode=ro' AS again;\n"
              "SELECT sum(b) FROM again.u;\n")
    errors = "Runtime error near line 11: unable to open database: absent/x.db (14)\n"
    failures.check("ATTACH", (1, "10|3\n20|3\n30\n", errors),
                   run(SATURN, "main.db", script, folder=folder))
    failures.check("ATTACH leaves closed files", sorted(os.listdir(folder)), ["main.db", "other.db"])
    said = run("sqlite3", "main.db", "ATTACH 'other.db' AS o; PRAGMA integrity_check; SELECT * FROM t, u;",
               folder=folder)
    failures.check("ATTACH, the files", (0, "ok\n1|10\n1|20\n2|10\n2|20\n", ""), said)
    daemon = Daemon(SATURND, data=tempfile.mkdtemp(dir=daemon_folder))
    try:
        url = f"http://127.0.0.1:{daemon.port}"
        script = ("CREATE TABLE t(a);\nINSERT INTO t VALUES(1);\nATTACH 'default' AS same;\n"
                  "SELECT a FROM same.t;\nCREATE TEMP TABLE w(c);\nINSERT INTO w VALUES(3);\n"
                  "SELECT * FROM w;\nATTACH ':memory:' AS m;\nCREATE TABLE m.x(a);\n"
                  "ATTACH 'other.db' AS other;\n")
        code, rows, said = run(SATURN, url, script, folder=folder)
        failures.check("ATTACH, remote", (1, "1\n3\n"), (code, rows))
        failures.check("ATTACH, remote, a file", "there is no database named other.db" in said, True)
        said = run(SATURN, url, "SELECT * FROM w;", folder=folder)[2]
        failures.check("temp of another stream", "no such table: w" in said, True)
    finally:
        daemon.stop()
    shutil.rmtree(folder)


def main():
    if shutil.which("sqlite3") is None:
        print("skipped: no sqlite3")
        return 77
    failures = Failures()
    daemon_folder = tempfile.mkdtemp(prefix="saturn-shell-data-")
    count = compare_scripts(failures, daemon_folder)
    check_command_line(failures)
    check_big_import(failures, daemon_folder)
    check_vacuum_into(failures, daemon_folder)
    check_attach(failures, daemon_folder)
    shutil.rmtree(daemon_folder)
    print("\n\n".join(failures) or f"{count} scripts agree")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
