#!/usr/bin/env python3
"""A daemon whose disk fails under it: no space, failed syncs, read-only media, a second daemon.

usage: disk_test.py SATURND FAIL_IO_LIBRARY
"""
import errno
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from daemon import Client, Daemon, decode, environment, stmt


class FailingDaemon(Daemon):
    """Its calls fail while they are told to; see fail_io.cpp."""

    def __init__(self, exe, library, log_sync="auto", data=None):
        self.library = library
        self.failures = tempfile.mkdtemp(prefix="saturn-fail-io-")
        super().__init__(exe, "--vfs", "posix", "--log-sync", log_sync, data=data)

    def environment(self):
        return {**environment(), "FAIL_IO": self.failures, "LD_PRELOAD": self.library}

    def fail(self, call, number):
        with open(os.path.join(self.failures, "new"), "w") as file:
            file.write(str(number))
        os.rename(file.name, os.path.join(self.failures, call))

    def mend(self):
        for name in os.listdir(self.failures):
            os.remove(os.path.join(self.failures, name))

    def discard(self):
        shutil.rmtree(self.data)
        shutil.rmtree(self.failures)


def ready(daemon):
    status, _, body = Client(daemon).request("GET", "/readyz")
    return status, json.loads(body)


def refused(daemon, sql, code):
    """The message with which the statement fails."""
    try:
        Client(daemon).execute(sql)
    except RuntimeError as error:
        assert error.args[0] == code, error
        return error.args[1]
    raise AssertionError(f"not refused: {sql}")


def rows(daemon):
    return [row[0] for row in Client(daemon).execute("SELECT a FROM t ORDER BY a")]


def a_full_disk_refuses_writes_serves_reads_and_recovers(exe, library):
    for number, log_sync in ((errno.ENOSPC, "fdatasync"), (errno.EDQUOT, "dsync")):
        daemon = FailingDaemon(exe, library, log_sync)
        Client(daemon).execute("CREATE TABLE t(a INTEGER PRIMARY KEY, b)")
        Client(daemon).execute("INSERT INTO t VALUES (1, randomblob(5000))")
        assert ready(daemon) == (200, {"status": "ok"}), ready(daemon)
        daemon.fail("write", number)
        message = refused(daemon, "INSERT INTO t VALUES (2, randomblob(5000))", "SQLITE_FULL")
        assert "database or disk is full" in message, message
        threads = [threading.Thread(target=refused, args=(
            daemon, f"INSERT INTO t VALUES ({10 + i}, randomblob(9000))", "SQLITE_FULL")) for i in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        status, state = ready(daemon)
        assert status == 200 and state["status"] == "full" and state["message"], state
        assert rows(daemon) == [1]
        daemon.mend()
        Client(daemon).execute("INSERT INTO t VALUES (3, randomblob(5000))")
        assert ready(daemon) == (200, {"status": "ok"})
        assert rows(daemon) == [1, 3]
        daemon.kill()
        daemon.start()
        assert rows(daemon) == [1, 3], rows(daemon)
        assert Client(daemon).execute("PRAGMA integrity_check") == [["ok"]]
        assert daemon.stop() == 0
        daemon.discard()


def a_failed_write_or_sync_of_the_log_stops_writes_until_a_restart(exe, library):
    for call, log_sync in (("sync", "fdatasync"), ("sync", "dsync"), ("write", "fdatasync"), ("write", "dsync")):
        daemon = FailingDaemon(exe, library, log_sync)
        Client(daemon).execute("CREATE TABLE t(a INTEGER PRIMARY KEY, b)")
        Client(daemon).execute("INSERT INTO t VALUES (1, NULL)")
        daemon.fail(call, errno.EIO)
        refused(daemon, "INSERT INTO t VALUES (2, NULL)", "SQLITE_IOERR")
        daemon.mend()
        message = refused(daemon, "INSERT INTO t VALUES (3, NULL)", "SQLITE_IOERR")
        assert "takes no more changes until it is opened again" in message, message
        status, state = ready(daemon)
        assert status == 503 and state["status"] == "broken", (status, state)
        assert "until it is opened again" in state["message"], state
        assert Client(daemon).request("GET", "/livez")[0] == 200
        assert rows(daemon) == [1]
        assert "writing the log" in daemon.log_text()
        assert daemon.stop() == 0
        daemon.start()
        assert ready(daemon) == (200, {"status": "ok"})
        # The one whose commit failed may be there; the one that was refused may not.
        assert rows(daemon) in ([1], [1, 2]), rows(daemon)
        Client(daemon).execute("INSERT INTO t VALUES (4, NULL)")
        assert daemon.stop() == 0
        daemon.discard()


def read_only_media_are_opened_read_only(exe, library):
    daemon = FailingDaemon(exe, library)
    Client(daemon).execute("CREATE TABLE t(a INTEGER PRIMARY KEY, b)")
    Client(daemon).execute("INSERT INTO t VALUES (1, NULL)")
    daemon.kill()  # so that there is a log to read, too
    daemon.fail("open", errno.EROFS)
    before = {name: open(os.path.join(daemon.data, name), "rb").read() for name in os.listdir(daemon.data)}
    daemon.start()
    assert "read-only" in daemon.log_text()
    assert rows(daemon) == [1]
    message = refused(daemon, "INSERT INTO t VALUES (2, NULL)", "SQLITE_READONLY")
    assert "attempt to write a readonly database" in message, message
    status, state = ready(daemon)
    assert status == 200 and state["status"] == "read_only", state
    assert daemon.stop() == 0
    after = {name: open(os.path.join(daemon.data, name), "rb").read() for name in os.listdir(daemon.data)}
    assert before == after
    daemon.mend()
    daemon.start()
    Client(daemon).execute("INSERT INTO t VALUES (2, NULL)")
    assert rows(daemon) == [1, 2]
    assert daemon.stop() == 0
    daemon.discard()


def run(daemon, *statements, baton=None):
    """(the results' affected rows and rows, the baton) of a stream that stays open."""
    answer = Client(daemon).pipeline([{"type": "execute", "stmt": stmt(sql)} for sql in statements], baton)
    results = [result["response"]["result"] for result in answer["results"]]
    return [(r["affected_row_count"], [[decode(v) for v in row] for row in r["rows"]]) for r in results], answer["baton"]


def synchronous_is_of_each_connection(exe, library):
    daemon = FailingDaemon(exe, library)
    Client(daemon).execute("CREATE TABLE t(a INTEGER PRIMARY KEY, b)")
    Client(daemon).execute("INSERT INTO t VALUES (1, NULL)")
    daemon.fail("sync", errno.EIO)
    results, baton = run(daemon, "PRAGMA synchronous", "PRAGMA synchronous = NORMAL", "INSERT INTO t VALUES (2, NULL)",
                         "PRAGMA synchronous")
    assert [rows for _, rows in results] == [[[2]], [], [], [[1]]], results
    results, _ = run(daemon, "INSERT INTO t VALUES (3, NULL)", "PRAGMA synchronous", baton=baton)
    assert results[1][1] == [[1]] and ready(daemon) == (200, {"status": "ok"})
    assert Client(daemon).execute("PRAGMA synchronous") == [[2]]
    refused(daemon, "INSERT INTO t VALUES (4, NULL)", "SQLITE_IOERR")
    daemon.mend()
    assert rows(daemon) == [1, 2, 3]
    daemon.kill()
    daemon.start()
    assert rows(daemon)[:3] == [1, 2, 3]
    assert daemon.stop() == 0
    daemon.discard()


def counts_of_rows_wait_for_the_commits_that_they_tell_of(exe, library):
    slow = 0.6
    daemon = FailingDaemon(exe, library)
    Client(daemon).execute("CREATE TABLE t(a INTEGER PRIMARY KEY, b)")
    Client(daemon).execute("INSERT INTO t VALUES (1, NULL)")
    for told in ("UPDATE t SET b = 1 WHERE a > 0", "DELETE FROM t WHERE a = 99", "SELECT 1 FROM t WHERE a < 0",
                 "SELECT count(*) FROM t"):
        daemon.fail("slow", int(slow * 1000))
        writer = threading.Thread(target=Client(daemon).execute, args=("INSERT INTO t(b) VALUES (0)",))
        writer.start()
        time.sleep(0.2)
        began = time.time()
        _, baton = run(daemon, "BEGIN IMMEDIATE")
        assert time.time() - began < 0.2, "that a transaction has begun tells nothing"
        _, baton = run(daemon, told, baton=baton)
        took = time.time() - began
        daemon.mend()
        writer.join()
        assert took > slow / 2, (told, took)
        run(daemon, "ROLLBACK", baton=baton)
    assert daemon.stop() == 0
    daemon.discard()


def a_second_daemon_on_the_same_file_refuses(exe, library):
    daemon = FailingDaemon(exe, library)
    Client(daemon).execute("CREATE TABLE t(a)")
    second = subprocess.run([exe, "--listen", "127.0.0.1:0", "--data-dir", daemon.data], capture_output=True,
                            text=True, timeout=20, env=environment())
    assert second.returncode == 1, second
    last = second.stderr.strip().splitlines()[-1]
    assert last.startswith("saturnd: cannot open '") and daemon.path in last, last
    assert last.endswith("database is locked: another process has it open"), last
    Client(daemon).execute("INSERT INTO t VALUES (1)")
    assert rows(daemon) == [1]
    assert daemon.stop() == 0
    daemon.discard()


def main():
    exe, library = (os.path.abspath(path) for path in sys.argv[1:3])
    for test in (a_full_disk_refuses_writes_serves_reads_and_recovers,
                 a_failed_write_or_sync_of_the_log_stops_writes_until_a_restart,
                 synchronous_is_of_each_connection, counts_of_rows_wait_for_the_commits_that_they_tell_of,
                 read_only_media_are_opened_read_only, a_second_daemon_on_the_same_file_refuses):
        test(exe, library)
        print("ok   ", test.__name__, flush=True)


if __name__ == "__main__":
    main()
