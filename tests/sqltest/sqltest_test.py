#!/usr/bin/env python3
"""Runs the conformance cases of ../shared/sqltest, with SQLite 3.50's answers, on the shell. Cases that
fail and are not in known.txt fail the test; those that pass and are in it are to be taken out.

usage: sqltest_test.py SHELL SQLTEST_DIRECTORY
"""
import os
import subprocess
import sys


def main():
    shell, directory = sys.argv[1:]
    runner = os.path.join(directory, "run.py")
    if not os.path.exists(runner):
        print("skipped: there is no", runner)
        return 77
    known = os.path.join(os.path.dirname(os.path.abspath(__file__)), "known.txt")
    run = subprocess.run([sys.executable, runner, os.path.join(directory, "cases"), "--backend",
                          "sqlite3-cli", "--binary", shell, "--known", known],
                         capture_output=True, text=True)
    print(run.stdout[-6000:], run.stderr[-2000:])
    return run.returncode


if __name__ == "__main__":
    sys.exit(main())
