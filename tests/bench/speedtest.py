#!/usr/bin/env python3
"""SQLite's speedtest1, test by test: Saturn's shell beside sqlite3's.

usage: speedtest.py SATURN SCRIPT [ROUNDS]

SCRIPT is speedtest1's SQL (.sql or .sql.xz), with a line '-- begin test NUMBER TITLE' before each test.
Both shells run it in turns, ROUNDS times (5), each on a new file in the current directory, which should be
on a real disk. Each test is timed inside of the run, between two statements that tell the time, and the
medians are printed with Saturn's share of sqlite3's time. What the shells print must be the same.
"""
import lzma
import os
import re
import statistics
import subprocess
import sys
import tempfile

MARK = "@@ "


def load(path):
    with (lzma.open if path.endswith(".xz") else open)(path, "rt") as file:
        return file.read()


def with_clock(script):
    """The script with a statement that prints the test's number and the time in front of each test and at
    the end, and the tests' titles by number."""
    tell = "SELECT '{}{} ' || (strftime('%J', 'now') * 86400.0);"
    titles = dict(re.findall(r"^-- begin test (\d+) (.*)$", script, re.M))
    script = re.sub(r"^-- begin test (\d+) .*$", lambda match: tell.format(MARK, match[1]), script, flags=re.M)
    return script + "\n" + tell.format(MARK, "end") + "\n", titles


def run(shell, script):
    """One run on a new file: the times of the tests in seconds by number, and what the shell printed."""
    with tempfile.TemporaryDirectory(dir=".") as directory:
        done = subprocess.run([shell, os.path.join(directory, "speed.db")], input=script, capture_output=True,
                              text=True, check=True)
    times, lines = [], []
    for line in done.stdout.splitlines():
        if line.startswith(MARK):
            number, at = line[len(MARK):].split()
            times.append((number, float(at)))
        else:
            lines.append(line)
    return {number: after - at for (number, at), (_, after) in zip(times, times[1:])}, lines


def main():
    saturn, path = sys.argv[1], sys.argv[2]
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    script, titles = with_clock(load(path))
    samples = {shell: [] for shell in (saturn, "sqlite3")}
    printed = {}
    for _ in range(rounds):
        for shell, kept in samples.items():
            times, printed[shell] = run(shell, script)
            kept.append(times)
    if printed[saturn] != printed["sqlite3"]:
        sys.exit("the shells print different rows")
    print(f"{'test':>4}  {'saturn ms':>9}  {'sqlite3 ms':>10}  {'ratio':>5}")
    total = [0.0, 0.0]
    for number, title in titles.items():
        medians = [statistics.median(times[number] for times in kept) for kept in samples.values()]
        total = [sum(pair) for pair in zip(total, medians)]
        print(f"{number:>4}  {medians[0] * 1e3:9.1f}  {medians[1] * 1e3:10.1f}  "
              f"{medians[0] / max(medians[1], 1e-3):5.2f}  {title}")
    print(f" all  {total[0] * 1e3:9.1f}  {total[1] * 1e3:10.1f}  {total[0] / total[1]:5.2f}")


if __name__ == "__main__":
    main()
