#!/usr/bin/env python3
"""Online backups of a daemon that is written to: by HTTP, by the shell from a URL, and of a file by the shell.
sqlite3 finds each copy sound and equal to one snapshot.

usage: backup_test.py SATURND SATURN
"""
import http.client
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

from daemon import Client, Daemon, stmt

WRITERS = 8
ACCOUNTS = 200
TOTAL = ACCOUNTS * 1000


class Writers:
    """Each moves money between accounts and then logs the move, as one batch; `logged` is how far they are."""

    def __init__(self, daemon):
        self.stop = threading.Event()
        self.logged = [0] * WRITERS
        self.failed = []
        self.threads = [threading.Thread(target=self.run, args=(daemon, i)) for i in range(WRITERS)]
        for thread in self.threads:
            thread.start()

    def run(self, daemon, me):
        try:
            client = Client(daemon)
            while not self.stop.is_set():
                number = self.logged[me] + 1
                one, two = (me * 31 + number * 17) % ACCOUNTS, (me * 13 + number * 7) % ACCOUNTS
                statements = ("BEGIN IMMEDIATE",
                              f"UPDATE account SET amount = amount - 5, filler = randomblob(2900) WHERE id = {one}",
                              f"UPDATE account SET amount = amount + 5 WHERE id = {two}",
                              f"INSERT INTO log VALUES ({me}, {number})", "COMMIT")
                answer = client.pipeline([{"type": "execute", "stmt": stmt(sql)} for sql in statements]
                                         + [{"type": "close"}])
                for result in answer["results"]:
                    assert result["type"] == "ok", result
                self.logged[me] = number
        except Exception as error:
            self.failed.append(error)

    def end(self):
        self.stop.set()
        for thread in self.threads:
            thread.join()
        assert not self.failed, self.failed


def check(path, at_least, at_most):
    """The copy is one snapshot: of a moment between the two."""
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert db.execute("SELECT sum(amount) FROM account").fetchone() == (TOTAL,)
    rows = dict(db.execute("SELECT writer, max(number) FROM log GROUP BY writer"))
    counts = dict(db.execute("SELECT writer, count(*) FROM log GROUP BY writer"))
    db.close()
    assert rows == counts, (rows, counts)
    for writer in range(WRITERS):
        # One more may have been on its way.
        assert at_least[writer] <= rows.get(writer, 0) <= at_most[writer] + 1, (writer, rows, at_least, at_most)


def get(daemon, target, method="GET"):
    connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=30)
    connection.request(method, target)
    return connection, connection.getresponse()


def copies_beside_writers(daemon, saturn, directory):
    client = Client(daemon)
    client.execute("CREATE TABLE account(id INTEGER PRIMARY KEY, amount INTEGER, filler)")
    client.execute("CREATE TABLE log(writer, number, PRIMARY KEY (writer, number))")
    client.execute(f"WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i < {ACCOUNTS - 1}) "
                   "INSERT INTO account SELECT i, 1000, randomblob(3000) FROM n")
    client.execute("PRAGMA wal_autocheckpoint = 100")
    writers = Writers(daemon)
    path = os.path.join(directory, "copy.db")
    for round_number in range(6):
        time.sleep(0.1)
        before = list(writers.logged)
        if round_number % 2 == 0:
            _, answer = get(daemon, "/backup?rate=2000000" if round_number else "/dev/default/backup")
            assert answer.status == 200 and answer.getheader("Content-Type") == "application/vnd.sqlite3"
            with open(path, "wb") as file:
                file.write(answer.read())
        else:
            done = subprocess.run([saturn, f"http://127.0.0.1:{daemon.port}", f".backup {path}"],
                                  capture_output=True, text=True, timeout=60)
            assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), done
        check(path, before, list(writers.logged))
    writers.end()


def a_rate_is_held(daemon):
    begin = time.time()
    _, answer = get(daemon, "/backup?rate=1000000")
    size = len(answer.read())
    assert time.time() - begin >= size / 1_000_000 * 0.8, (time.time() - begin, size)
    assert size % 4096 == 0 and size > 300_000, size


def a_client_that_leaves_ends_its_backup(daemon):
    for _ in range(8):  # more than there may be at once
        connection, answer = get(daemon, "/backup?rate=100000")
        assert len(answer.read(4096)) == 4096
        connection.close()
        time.sleep(0.2)
    _, answer = get(daemon, "/backup")
    assert answer.status == 200 and len(answer.read()) > 0


def too_many_are_refused(daemon):
    held = [get(daemon, "/backup?rate=50000") for _ in range(4)]
    _, answer = get(daemon, "/backup")
    assert answer.status == 429 and answer.getheader("Retry-After") and b"too many backups" in answer.read()
    for connection, answer in held:
        assert answer.status == 200
        answer.close()
        connection.close()
    # Each ends with the next part that it cannot send.
    deadline = time.time() + 10
    while get(daemon, "/backup", "HEAD")[1].status != 200:
        assert time.time() < deadline
        time.sleep(0.05)


def the_route_is_particular(daemon):
    for target in ("/backup?rate=fast", "/backup?rate=0", "/backup?speed=1", "/backup?rate="):
        _, answer = get(daemon, target)
        assert answer.status == 400 and answer.getheader("Content-Type") == "application/json", target
    _, answer = get(daemon, "/backup", "POST")
    assert answer.status == 405
    connection, answer = get(daemon, "/backup", "HEAD")
    assert answer.status == 200 and int(answer.getheader("Content-Length")) > 0 and answer.read() == b""
    connection.request("GET", "/health")
    assert connection.getresponse().status == 200


def the_shell_copies_files(saturn, directory):
    source, target = os.path.join(directory, "a.db"), os.path.join(directory, "b.db")
    script = f"CREATE TABLE t(a); INSERT INTO t VALUES (1), (2);\n.backup main {target}\n.save {target}2\n.backup {source}\n"
    done = subprocess.run([saturn, source], input=script, capture_output=True, text=True, timeout=60)
    assert "database is locked" in done.stderr and done.returncode == 1, done
    for path in (target, target + "2"):
        db = sqlite3.connect(path)
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("SELECT a FROM t").fetchall() == [(1,), (2,)]
        db.close()
    done = subprocess.run([saturn, ":memory:", "CREATE TABLE t(a)", f".backup {target}"], capture_output=True, text=True)
    assert done.returncode == 0, done
    assert sqlite3.connect(target).execute("SELECT count(*) FROM t").fetchone() == (0,)
    for arguments in (".backup", ".backup temp x", ".backup /nowhere/x"):
        done = subprocess.run([saturn, ":memory:", arguments], capture_output=True, text=True)
        assert done.returncode == 1 and done.stderr, done


def main():
    exe, saturn = (os.path.abspath(path) for path in sys.argv[1:3])
    directory = tempfile.mkdtemp(prefix="saturn-backup-")
    daemon = Daemon(exe)
    for test, arguments in ((copies_beside_writers, (daemon, saturn, directory)), (a_rate_is_held, (daemon,)),
                            (a_client_that_leaves_ends_its_backup, (daemon,)), (too_many_are_refused, (daemon,)),
                            (the_route_is_particular, (daemon,)), (the_shell_copies_files, (saturn, directory))):
        test(*arguments)
        print("ok   ", test.__name__, flush=True)
    assert daemon.stop() == 0
    shutil.rmtree(daemon.data)
    shutil.rmtree(directory)


if __name__ == "__main__":
    main()
