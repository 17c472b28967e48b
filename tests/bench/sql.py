#!/usr/bin/env python3
"""The SQL engine beside SQLite: speedtest1, TPC-H and the in-process API, as docs/benchmarks.md.

usage: sql.py [--rounds N] [--limit SECONDS] [--rows N] BUILD_DIR SHARED OUTPUT

Runs speedtest.py, tpch.py and sql-bench one after the other, in a directory of its own under the current
one, and shows what they print. Writes OUTPUT/benchmarks.md with their tables and OUTPUT/benchmarks.svg with
a bar for each test: how many times as fast as SQLite. SHARED has bench/ and tpch/.
"""
import argparse
import datetime
import math
import os
import platform
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROW = 18  # of the chart, in pixels
LABELS = 330
WIDTH = 900
LEAST, MOST = 0.25, 256.0  # the ends of the axis


def run(directory, *command):
    """What a benchmark prints, which is shown as it comes."""
    lines = []
    with subprocess.Popen(command, cwd=directory, stdout=subprocess.PIPE, text=True) as child:
        for line in child.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    if child.returncode != 0:
        sys.exit(f"{command[0]} failed")
    return "".join(lines)


def speedtest_bars(text):
    for number, ratio, title in re.findall(r"^ *(\d+) +[\d.]+ +[\d.]+ +([\d.]+) +(.*)$", text, re.M):
        yield f"{number} {title}", 1 / max(float(ratio), 1e-3)
    for ratio in re.findall(r"^ all +[\d.]+ +[\d.]+ +([\d.]+)$", text, re.M):
        yield "speedtest1, all", 1 / float(ratio)


def tpch_bars(text):
    for number, ratio in re.findall(r"^(q\d+) +[\d.]+ +>? *[\d.]+ +>? *([\d.]+) ", text, re.M):
        yield f"TPC-H {number}", float(ratio)
    for mean in re.findall(r"^geometric mean ([\d.]+)", text, re.M):
        yield "TPC-H, geometric mean", float(mean)


def api_bars(text):
    for title, ratio in re.findall(r"^(\S.*?) {2,}\d+ +\d+ +([\d.]+)$", text, re.M):
        yield title, float(ratio)


def place(ratio):
    """Where a ratio is on the axis, in pixels."""
    bounded = min(max(ratio, LEAST), MOST)
    return LABELS + (WIDTH - LABELS - 60) * math.log(bounded / LEAST) / math.log(MOST / LEAST)


def chart(bars):
    """SVG: a bar to the right of the line at 1 is a test in which Saturn is faster."""
    height = ROW * (len(bars) + 2)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
           'font-family="sans-serif" font-size="11">', '<rect width="100%" height="100%" fill="white"/>']
    tick = LEAST
    while tick <= MOST:
        x = place(tick)
        color = "black" if tick == 1 else "#ddd"
        out.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{ROW}" y2="{height}" stroke="{color}"/>')
        out.append(f'<text x="{x:.1f}" y="{ROW - 5}" text-anchor="middle">{tick:g}x</text>')
        tick *= 4
    for i, (title, ratio) in enumerate(bars):
        y = ROW * (i + 1)
        start, end = sorted((place(1), place(ratio)))
        color = "#3b7dd8" if ratio >= 1 else "#d0743c"
        escaped = title.replace("&", "&amp;").replace("<", "&lt;")
        out.append(f'<text x="{LABELS - 6}" y="{y + 13}" text-anchor="end">{escaped[:58]}</text>')
        out.append(f'<rect x="{start:.1f}" y="{y + 3}" width="{max(end - start, 1):.1f}" height="{ROW - 5}" '
                   f'fill="{color}"/>')
        out.append(f'<text x="{end + 4:.1f}" y="{y + 13}">{ratio:.2f}</text>')
    return "\n".join(out + ["</svg>", ""])


def processor():
    with open("/proc/cpuinfo") as info:
        names = re.findall(r"^model name\s*: (.*)$", info.read(), re.M)
    return f"{len(names)} x {names[0]}" if names else platform.machine()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--limit", default="60", help="seconds for a query of sqlite3")
    parser.add_argument("--rows", default="6000000", help="of the table that the API's scans read")
    parser.add_argument("build")
    parser.add_argument("shared")
    parser.add_argument("output")
    args = parser.parse_args()
    build, shared = os.path.abspath(args.build), os.path.abspath(args.shared)
    saturn, rounds = os.path.join(build, "saturn"), str(args.rounds)
    with tempfile.TemporaryDirectory(dir=".") as directory:
        parts = [
            ("speedtest1", "SQLite's own benchmark as a script through both shells: milliseconds, and Saturn's part "
             "of SQLite's time.", speedtest_bars,
             run(directory, sys.executable, os.path.join(HERE, "speedtest.py"), saturn,
                 os.path.join(shared, "bench", "speedtest1-main.sql.xz"), rounds)),
            ("TPC-H, scale 0.1, without ANALYZE", "Each query in a shell of its own on the same file: seconds, how "
             "many times as fast as SQLite, and Saturn's peak memory. What takes SQLite longer than the limit counts "
             "as taking it that long.", tpch_bars,
             run(directory, sys.executable, os.path.join(HERE, "tpch.py"), "--rounds", rounds, "--limit", args.limit,
                 saturn, os.path.join(shared, "tpch"), os.path.abspath(directory))),
            ("The in-process API", "Prepared statements through the engine's API and through SQLite's library: "
             "operations or rows a second, and how many times as fast.", api_bars,
             run(directory, os.path.join(build, "tests", "bench", "sql-bench"), rounds, args.rows)),
        ]
    version = subprocess.run(["sqlite3", "--version"], capture_output=True, text=True, check=True).stdout.split()[0]
    today = datetime.date.today()
    page = ["# Benchmarks of the SQL engine", "",
            f"Made by `tools/dev bench sql` on {today}: {processor()}, SQLite {version}, medians of {rounds} runs in "
            "turns. Machines differ and are never quiet: the ratios count.", "",
            "![how many times as fast as SQLite](benchmarks.svg)", ""]
    bars = []
    for title, text, bars_of, printed in parts:
        page += [f"## {title}", "", text, "", "```", printed.rstrip(), "```", ""]
        bars += bars_of(printed)
    with open(os.path.join(args.output, "benchmarks.md"), "w") as out:
        out.write("\n".join(page).rstrip() + "\n")
    with open(os.path.join(args.output, "benchmarks.svg"), "w") as out:
        out.write(chart(bars))


if __name__ == "__main__":
    main()
