#!/usr/bin/env python3
"""Saturn beside SQLite, PostgreSQL and Redis, in one run.

usage: compare.py BUILD_DIR [SECONDS]

Works in a directory of its own under the current one, which should be on a real disk. What is not
installed is left out and named. Rounds are interleaved, and the medians of three are printed.
"""
import glob
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROUNDS = 3
build = os.path.abspath(sys.argv[1])
seconds = sys.argv[2] if len(sys.argv) > 2 else "3"
here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "server"))
from daemon import Daemon  # noqa: E402


def run(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, check=True, **more).stdout


def flush_latency_us(directory):
    """The median of a 4 KiB write with fdatasync at this moment."""
    fd = os.open(os.path.join(directory, "flush"), os.O_RDWR | os.O_CREAT)
    times = []
    for i in range(200):
        since = time.perf_counter()
        os.pwrite(fd, b"x" * 4096, (i % 16) * 4096)
        os.fdatasync(fd)
        times.append(time.perf_counter() - since)
    os.close(fd)
    return statistics.median(times) * 1e6


class Postgres:
    def __init__(self, directory):
        self.bin = max(glob.glob("/usr/lib/postgresql/*/bin"))
        self.data = os.path.join(directory, "pg")
        os.makedirs(self.data)
        shutil.chown(self.data, "postgres")
        os.chmod(directory, 0o755)
        self.as_user = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"]
        self.call("initdb", "-D", self.data, "-A", "trust", "-U", "postgres")
        self.call("pg_ctl", "-D", self.data, "-w", "-l", os.path.join(self.data, "log"), "-o",
                  f"-p 54329 -k {self.data} -c listen_addresses=127.0.0.1", "start")
        self.sql("CREATE TABLE bench_insert(a int, b text);"
                 "CREATE TABLE bench_select(a int PRIMARY KEY, b text);"
                 "INSERT INTO bench_select SELECT i, 'a text of some forty bytes, as rows have' "
                 "FROM generate_series(1, 100000) i; VACUUM ANALYZE")
        self.scripts = {}
        for name, text in (
                ("insert", "\\set a random(1, 1000000000)\nINSERT INTO bench_insert VALUES "
                           "(:a, 'a text of some forty bytes, as rows have');\n"),
                ("select", "\\set a random(1, 100000)\nSELECT b FROM bench_select WHERE a = :a;\n")):
            self.scripts[name] = os.path.join(directory, name + ".pgbench")
            with open(self.scripts[name], "w") as script:
                script.write(text)

    def call(self, program, *args):
        subprocess.run([*self.as_user, os.path.join(self.bin, program), *args], check=True,
                       stdout=subprocess.DEVNULL, cwd="/")

    def sql(self, text):
        for statement in text.split(";"):
            run("psql", "-h", "127.0.0.1", "-p", "54329", "-U", "postgres", "-c", statement)

    def load(self, work, connections):
        out = run("pgbench", "-h", "127.0.0.1", "-p", "54329", "-U", "postgres", "-n", "-M", "prepared",
                  "-f", self.scripts[work], "-c", str(connections), "-j", "1", "-T", seconds,
                  "postgres")
        return float(re.search(r"tps = ([\d.]+)", out)[1])

    def stop(self):
        self.call("pg_ctl", "-D", self.data, "-m", "fast", "stop")


class Saturn:
    def __init__(self, directory, vfs):
        self.daemon = Daemon(os.path.join(build, "saturnd"), "--vfs", vfs,
                             data=os.path.join(directory, "saturn-" + vfs))

    def load(self, work, connections, over="http"):
        out = run(os.path.join(build, "tests/bench/server-load"), str(self.daemon.port), work, over,
                  str(connections), seconds)
        return float(re.search(r": (\d+)/s", out)[1])

    def stop(self):
        assert self.daemon.stop() == 0


class Redis:
    def __init__(self):
        self.process = subprocess.Popen(["redis-server", "--port", "63799", "--save", "",
                                         "--appendonly", "no"], stdout=subprocess.DEVNULL)
        time.sleep(0.5)

    def load(self, connections):
        out = run("redis-benchmark", "-p", "63799", "-t", "get", "-n", "100000", "-c",
                  str(connections), "-q")
        return float(re.findall(r"GET: ([\d.]+)", out)[-1])

    def stop(self):
        self.process.terminate()
        self.process.wait()


def servers(directory):
    peers = {}
    saturn = Saturn(directory, "io_uring")
    posix = Saturn(directory, "posix")
    for work in ("insert", "select"):
        for n in (1, 64):
            for over in ("http", "ws"):
                peers[(f"{work}, {n} connections", f"Saturn io_uring, {over}")] = (
                    lambda w=work, c=n, o=over: saturn.load(w, c, o))
            peers[(f"{work}, {n} connections", "Saturn posix, http")] = (
                lambda w=work, c=n: posix.load(w, c))
    stops = [saturn.stop, posix.stop]
    if shutil.which("pgbench") and glob.glob("/usr/lib/postgresql/*/bin/initdb"):
        postgres = Postgres(directory)
        stops.append(postgres.stop)
        for work in ("insert", "select"):
            for n in (1, 64):
                peers[(f"{work}, {n} connections", "PostgreSQL")] = (
                    lambda w=work, c=n: postgres.load(w, c))
    else:
        print("PostgreSQL is not installed: left out")
    if shutil.which("redis-server"):
        redis = Redis()
        stops.append(redis.stop)
        for n in (1, 64):
            peers[(f"select, {n} connections", "Redis GET")] = lambda c=n: redis.load(c)
    else:
        print("Redis is not installed: left out")
    results = {key: [] for key in peers}
    for _ in range(ROUNDS):
        for key, load in peers.items():
            results[key].append(load())
    for stop in stops:
        stop()
    for (work, peer), figures in sorted(results.items()):
        print(f"{work:24} {peer:24} {statistics.median(figures):9.0f}/s")


def speedtest(directory):
    archive = os.path.join(here, "../../../shared/bench/speedtest1-main.sql.xz")
    if not (shutil.which("sqlite3") and os.path.exists(archive)):
        print("speedtest1 or sqlite3 is not there: left out")
        return
    script = os.path.join(directory, "speedtest.sql")
    with open(script, "wb") as out:
        subprocess.run(["xz", "-dc", archive], stdout=out, check=True)
    times = {"sqlite3": [], "saturn": []}
    for _ in range(ROUNDS):
        for name, program in (("sqlite3", "sqlite3"), ("saturn", os.path.join(build, "saturn"))):
            path = os.path.join(directory, name + ".db")
            for old in glob.glob(path + "*"):
                os.remove(old)
            since = time.perf_counter()
            with open(script) as text:
                done = subprocess.run([program, path], stdin=text, capture_output=True, text=True)
            times[name].append(time.perf_counter() - since)
            errors = done.stderr.count("rror")
    for name, figures in times.items():
        print(f"speedtest1 through {name:8} {statistics.median(figures):6.2f} s")
    print(f"statements that Saturn refused: {errors}")


def main():
    directory = tempfile.mkdtemp(prefix="saturn-bench-", dir=".")
    directory = os.path.abspath(directory)
    try:
        print(f"a 4 KiB write with fdatasync takes {flush_latency_us(directory):.0f} us here and now")
        speedtest(directory)
        servers(directory)
        print(run(os.path.join(build, "tests/bench/io-bench"), directory, "2"), end="")
        if shutil.which("fio"):
            for depth in (1, 16, 64, 256):
                out = run("fio", "--name=r", f"--filename={directory}/fio.data", "--size=1G",
                          "--rw=randread", "--bs=4k", "--direct=1", "--ioengine=io_uring",
                          f"--iodepth={depth}", "--runtime=2", "--time_based", "--minimal")
                print(f"fio      depth {depth:3}: {float(out.split(';')[7]):8.0f} reads/s")
        else:
            print("fio is not installed: left out")
    finally:
        shutil.rmtree(directory)


if __name__ == "__main__":
    main()
