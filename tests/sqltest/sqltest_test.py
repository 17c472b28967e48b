#!/usr/bin/env python3
"""Runs the conformance cases of ../shared/sqltest, with SQLite 3.50's answers, on the shell. Cases that
fail and are not in known.txt fail the test; those that pass and are in it are to be taken out.

usage: sqltest_test.py SHELL SQLTEST_DIRECTORY
"""
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import cases  # noqa: E402


def main():
    shell, directory = sys.argv[1:]
    runner = os.path.join(directory, "run.py")
    if not os.path.exists(runner):
        print("skipped: there is no", runner)
        return 77
    with tempfile.TemporaryDirectory(prefix="saturn-sqltest-") as temporary:
        chosen = cases.arguments(os.path.join(directory, "cases"), os.path.join(temporary, "known.txt"), ["known.txt"])
        run = subprocess.run([sys.executable, runner, *chosen, "--backend", "sqlite3-cli", "--binary", shell],
                             capture_output=True, text=True)
    print(run.stdout[-6000:], run.stderr[-2000:])
    return run.returncode


if __name__ == "__main__":
    sys.exit(main())
