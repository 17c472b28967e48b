#!/usr/bin/env python3
"""TPC-H at scale 0.01, loaded over TCP with the shell's .import: all 22 queries answer as they should,
on io_uring, on posix, and with io_uring denied by a seccomp filter.

usage: tpch_test.py SATURND SATURN TPCH_DIRECTORY
"""
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time

from daemon import Daemon

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
from seccomp import deny_io_uring  # noqa: E402

TABLES = "region nation part supplier partsupp customer orders lineitem".split()


def agree(expected, got):
    if expected == got:
        return True
    try:
        return abs(float(expected) - float(got)) <= 1e-6 * max(1.0, abs(float(expected)))
    except ValueError:
        return False


def cells(text):
    return [line.split("|") for line in text.splitlines()]


def check(name, saturnd, saturn, tpch, data, flags, **more):
    daemon = Daemon(saturnd, *flags, **more)
    url = f"http://127.0.0.1:{daemon.port}"

    def shell(text):
        return subprocess.run([saturn, url], input=text, capture_output=True, text=True, timeout=600)

    since = time.time()
    with open(os.path.join(tpch, "schema.sql")) as schema:
        load = schema.read() + "\n" + "".join(
            f".import {data}/{table}.psv {table}\n" for table in TABLES)
    loaded = shell(load)
    assert loaded.returncode == 0 and not loaded.stderr, loaded.stderr
    wrong = []
    load_time, since = time.time() - since, time.time()
    for number in range(1, 23):
        with open(os.path.join(tpch, "queries", f"q{number:02}.sql")) as query:
            answer = shell(query.read())
        with open(os.path.join(tpch, "answers-sf0.01", f"q{number:02}.txt")) as text:
            expected = cells(text.read())
        got = cells(answer.stdout)
        good = answer.returncode == 0 and len(got) == len(expected) and all(
            len(a) == len(b) and all(map(agree, a, b)) for a, b in zip(expected, got))
        if not good:
            wrong.append(number)
            print(f"{name}: q{number}: {answer.stderr[:300]} {len(got)} rows, {len(expected)} expected")
    log = daemon.log_text()
    assert daemon.stop() == 0
    shutil.rmtree(daemon.data)
    backend = [line for line in log.splitlines() if "IO backend" in line]
    print(f"{name}: loaded in {load_time:.1f} s, {22 - len(wrong)} of 22 queries right in "
          f"{time.time() - since:.1f} s; {backend}")
    return wrong, log


def main():
    saturnd, saturn, tpch = map(os.path.abspath, sys.argv[1:])
    if not os.path.exists(os.path.join(tpch, "schema.sql")):
        print("skipped: there is no", tpch)
        return 77
    failed = False
    with tempfile.TemporaryDirectory() as directory:
        with tarfile.open(os.path.join(tpch, "sf0.01.tar.xz")) as tar:
            tar.extractall(directory)
        data = os.path.join(directory, "sf0.01")
        probe = subprocess.run([saturnd, "--probe-vfs"], capture_output=True, text=True).stdout
        if "vfs = auto takes: io_uring" in probe:
            wrong, log = check("io_uring", saturnd, saturn, tpch, data, ["--vfs", "io_uring"])
            failed |= bool(wrong) or "Using IO backend 'io_uring'" not in log
        else:
            print("io_uring: skipped, this machine has none:\n" + probe)
        wrong, log = check("posix", saturnd, saturn, tpch, data, ["--vfs", "posix"])
        failed |= bool(wrong) or "Using IO backend 'posix'" not in log
        wrong, log = check("io_uring denied", saturnd, saturn, tpch, data, ["--vfs", "io_uring"],
                           preexec=deny_io_uring)
        warning = [line for line in log.splitlines() if "io_uring cannot be had" in line]
        print(*warning, sep="\n")
        failed |= bool(wrong) or "Using IO backend 'posix'" not in log
        failed |= len(warning) != 1 or "errno 1" not in warning[0] or "seccomp" not in warning[0]
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
