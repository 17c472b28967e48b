#!/usr/bin/env python3
"""A daemon at work for minutes: its resident memory must become flat.

usage: soak.py SATURND [--seconds N] [--clients N] [--rate N] [--chart FILE.svg]

Clients insert, update, read, run transactions, connect anew and leave streams behind; rows are deleted again, so that
the database stays of a size. With --rate they make so many requests a second, however busy the machine is. Prints the resident memory a line for each tenth of the time, and fails when the mean of the
last fifth is more than a tenth above that of the second fifth.
"""
import argparse
import os
import pathlib
import random
import shutil
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "server"))
from daemon import Client, Daemon, stmt  # noqa: E402
from idle_connections import resident_bytes  # noqa: E402

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


def chart(path, samples):
    """Samples of (seconds, bytes) as an SVG."""
    width, height, most = 800, 300, max(size for _, size in samples)
    points = " ".join(f"{t / samples[-1][0] * width:.1f},{height - size / most * height:.1f}" for t, size in samples)
    with open(path, "w") as file:
        file.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height + 20}">'
                   f'<polyline fill="none" stroke="black" points="{points}"/>'
                   f'<text x="0" y="{height + 15}">{samples[-1][0]:.0f} s; highest {most >> 20} MiB</text></svg>\n')


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
        samples.append((time.time() - begin, resident_bytes(daemon)))
        if samples[-1][0] >= shown * options.seconds / 10:
            shown += 1
            print(f"{samples[-1][0]:6.0f} s {samples[-1][1] / (1 << 20):8.1f} MiB {sum(counts):10} requests", flush=True)
    for thread in threads:
        thread.join()
    assert not failures, failures[:3]
    if options.chart:
        chart(options.chart, samples)

    def mean(first, last):
        sizes = [size for t, size in samples if first <= t / options.seconds <= last]
        return sum(sizes) / len(sizes)

    early, late = mean(0.2, 0.4), mean(0.8, 1)
    assert daemon.stop() == 0
    shutil.rmtree(daemon.data)
    print(f"{early / (1 << 20):.1f} MiB early, {late / (1 << 20):.1f} MiB late")
    return late > early * GROWTH_MAX


if __name__ == "__main__":
    sys.exit(main())
