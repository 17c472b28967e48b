#!/usr/bin/env python3
"""A daemon at work for minutes: its resident memory must become flat.

usage: soak.py SATURND [--seconds N] [--clients N] [--rate N] [--chart FILE.svg]

Clients insert, update, read, run transactions, connect anew and leave streams behind; rows are deleted again, so that
the database stays of a size. With --rate they make so many requests a second, however busy the machine is. Prints
the resident memory a line for each tenth of the time, and fails when the mean of the last fifth is more than a tenth
above that of the second fifth. --chart draws it.
"""
import argparse
import os
import pathlib
import random
import shutil
import statistics
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "server"))
from daemon import Client, Daemon, stmt  # noqa: E402

GROWTH_MAX = 1.1


def work(daemon, me, until, pause, counts, failures):
    dice = random.Random(me)
    client = Client(daemon)
    begin = time.time()
    try:
        while time.time() < until:
            key = dice.randrange(20_000)
            choice = dice.randrange(100)
            if choice < 40:
                client.execute("REPLACE INTO t VALUES (?, ?)", [key, "x" * dice.randrange(2000)])
            elif choice < 75:
                client.execute("SELECT * FROM t WHERE a = ?", [key])
            elif choice < 80:
                client.execute(f"SELECT count(*), {me} FROM t WHERE b > '{key}'")  # texts that are all different
            elif choice < 90:
                client.pipeline([{"type": "execute", "stmt": stmt(sql)} for sql in (
                    "BEGIN IMMEDIATE", f"DELETE FROM t WHERE a BETWEEN {key} AND {key + 20}", "COMMIT")]
                    + [{"type": "close"}])
            elif choice < 95:
                client = Client(daemon)
            elif choice < 97:
                client.pipeline([{"type": "execute", "stmt": stmt("SELECT 1")}])  # its stream is left to its timeout
            else:
                client.execute("SELECT a, length(b) FROM t ORDER BY b LIMIT 50")
            counts[me] += 1
            time.sleep(max(0, begin + counts[me] * pause - time.time()))
    except Exception as error:
        failures.append(error)


def chart(path, samples, title):
    """Samples of (seconds, bytes) as an SVG: MiB over minutes, from zero, under the lines of the title."""
    width, height, left, top = 900, 320, 60, 40
    minutes = samples[-1][0] / 60
    step = next(s for s in (10, 20, 50, 100, 200, 500, 1000, 1 << 20) if max(size for _, size in samples) >> 20 < 6 * s)
    most = step * 6

    def x(t):
        return left + (width - left - 20) * t / minutes

    def y(mib):
        return top + (height - top - 30) * (1 - mib / most)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" '
           'font-size="11">', '<rect width="100%" height="100%" fill="white"/>',
           *(f'<text x="{left}" y="{15 + 15 * i}">{line}</text>' for i, line in enumerate(title))]
    for mib in range(0, most + 1, step):
        out.append(f'<line x1="{left}" x2="{width - 20}" y1="{y(mib):.1f}" y2="{y(mib):.1f}" stroke="#ddd"/>')
        out.append(f'<text x="{left - 6}" y="{y(mib) + 4:.1f}" text-anchor="end">{mib} MiB</text>')
    for i in range(6 + 1):
        at = minutes * i / 6
        out.append(f'<text x="{x(at):.1f}" y="{height - 12}" text-anchor="middle">{at:.3g} min</text>')
    points = " ".join(f"{x(t / 60):.1f},{y(size / (1 << 20)):.1f}" for t, size in thinned(samples, 600))
    out.append(f'<polyline fill="none" stroke="#3b7dd8" points="{points}"/>')
    with open(path, "w") as file:
        file.write("\n".join(out + ["</svg>", ""]))


def thinned(samples, most):
    """At most so many of the samples, the highest of each stretch."""
    stretch = -(-len(samples) // most)
    return [max(samples[i:i + stretch], key=lambda sample: sample[1]) for i in range(0, len(samples), stretch)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("saturnd")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--rate", type=float, default=0, help="requests a second in all; 0: as many as can be")
    parser.add_argument("--chart")
    options = parser.parse_args()
    daemon = Daemon(os.path.abspath(options.saturnd), "--cache-size", "32M", "--stream-idle-timeout-ms", "5000")
    Client(daemon).execute("CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT)")
    begin = time.time()
    counts, failures, samples = [0] * options.clients, [], []
    pause = options.clients / options.rate if options.rate else 0
    threads = [threading.Thread(target=work, args=(daemon, i, begin + options.seconds, pause, counts, failures))
               for i in range(options.clients)]
    for thread in threads:
        thread.start()
    shown = 0
    while time.time() < begin + options.seconds:
        time.sleep(min(1, options.seconds / 100))
        samples.append((time.time() - begin, daemon.resident_bytes()))
        if samples[-1][0] >= shown * options.seconds / 10:
            shown += 1
            t, size = samples[-1]
            print(f"{t:6.0f} s {size / (1 << 20):8.1f} MiB {sum(counts):10} requests", flush=True)
    for thread in threads:
        thread.join()
    assert not failures, failures[:3]

    def mib(first, last, pick):
        return pick([size for t, size in samples if first <= t / options.seconds <= last]) / (1 << 20)

    early, late = mib(0.2, 0.4, statistics.mean), mib(0.8, 1, statistics.mean)
    assert daemon.stop() == 0
    shutil.rmtree(daemon.data)
    figures = (f"{early:.1f} MiB early, {late:.1f} MiB late; from a fifth of the time on {mib(0.2, 1, min):.1f} to "
               f"{mib(0.2, 1, max):.1f} MiB")
    print(figures)
    if options.chart:
        chart(options.chart, samples, (f"Resident memory under {options.clients} clients, {sum(counts)} requests in "
                                       f"{options.seconds / 60:g} minutes, 32 MiB of page cache", figures))
    return late > early * GROWTH_MAX


if __name__ == "__main__":
    sys.exit(main())
