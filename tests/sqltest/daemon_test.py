#!/usr/bin/env python3
"""Runs the conformance cases of ../shared/sqltest through the daemon, in Hrana's JSON over HTTP, a fresh database
a case. Cases that fail and are neither in known.txt nor in daemon_known.txt fail the test; those that pass and
are in daemon_known.txt are to be taken out.

usage: daemon_test.py SATURND SQLTEST_DIRECTORY [ARGUMENT OF ITS run.py]...
Of those arguments, `--transport step` or `cursor` sends a case in other requests than one pipeline.
"""
import importlib.util
import os
import pathlib
import shutil
import sys
import tempfile
import threading
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE.parent / "server"))
import cases  # noqa: E402
from daemon import Daemon  # noqa: E402

FLAGS = ["--vfs", "posix", "--synchronous", "off", "--threads", "1"]


def load_runner(path):
    spec = importlib.util.spec_from_file_location("sqltest_run", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def backend_class(run, saturnd, directory):
    """run.py's Hrana backend on daemons of our own: one a thread for cases that write, emptied before each case,
    and one for each file that cases share."""

    class Daemons(run.Hrana):
        def __init__(self, args):
            super().__init__(args)
            self.lock = threading.Lock()
            self.daemons = []
            self.of_files = {}

        def start(self, name, file=None):
            data = os.path.join(directory, name)
            os.makedirs(data)
            if file is not None:
                shutil.copy(file, os.path.join(data, "default.db"))
            daemon = Daemon(saturnd, *FLAGS, data=data)
            self.daemons.append(daemon)
            return daemon

        def emptied(self):
            daemon = getattr(self.local, "daemon", None)
            if daemon is None:
                with self.lock:
                    daemon = self.local.daemon = self.start(f"empty-{len(self.daemons)}")
                return daemon
            daemon.kill()
            for file in os.listdir(daemon.data):
                os.unlink(os.path.join(daemon.data, file))
            daemon.start()
            return daemon

        def with_file(self, kind):
            file = run.resolve_db(self.args, kind)
            with self.lock:
                if kind not in self.of_files:
                    self.of_files[kind] = self.start(f"file-{len(self.daemons)}", file)
                return self.of_files[kind]

        def http(self, url, method, path, body=None, ns=None):
            url = urllib.parse.urlsplit(f"http://127.0.0.1:{self.local.port}")
            return super().http(url, method, path, body, ns)

        def run(self, case, db, setups, sql):
            if run.has_dot(sql, *setups):
                raise run.SkipTest("shell dot command")
            shared = db[0] not in (":memory:", ":temp:")
            daemon = self.with_file(db[0]) if shared else self.emptied()
            self.local.port = daemon.port
            # The cases are written for SQLite's default, the daemon's is ON.
            way = {"pipeline": self.run_one, "step": self.run_steps, "cursor": self.run_cursor}[self.args.transport]
            result = way(["PRAGMA foreign_keys = OFF", *setups], run.split_sql(sql), None)
            if result.error is not None:
                result.error = result.error.removeprefix("SQLite error: ")
            return result

        def close(self):
            for daemon in self.daemons:
                daemon.kill()

    return Daemons


def main():
    saturnd, directory = sys.argv[1:3]
    runner = os.path.join(directory, "run.py")
    if not os.path.exists(runner):
        print("skipped: there is no", runner)
        return 77
    run = load_runner(runner)
    with tempfile.TemporaryDirectory(prefix="saturn-sqltest-") as temporary:
        run.Hrana = backend_class(run, os.path.abspath(saturnd), temporary)
        chosen = cases.arguments(os.path.join(directory, "cases"), os.path.join(temporary, "known.txt"),
                                 ["known.txt", "daemon_known.txt"])
        return run.main([*chosen, "--backend", "hrana", "--isolation", "namespace", "--quiet", "--jobs",
                         str(os.cpu_count()), *sys.argv[3:]])


if __name__ == "__main__":
    sys.exit(main())
