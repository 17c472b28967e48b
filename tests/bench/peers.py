"""The servers and programs that server.py measures: each load returns how many a second."""
import glob
import os
import re
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "server"))
from daemon import Daemon  # noqa: E402

PAGE_BYTES = 4096


def run(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, **more)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


class SlowDaemon(Daemon):
    """Whose every sync takes `milliseconds` longer, by tests/server/fail_io.cpp."""

    def __init__(self, exe, fail_io, milliseconds, *flags, data):
        self.faults = data + "-faults"
        os.makedirs(self.faults)
        with open(os.path.join(self.faults, "slow"), "w") as file:
            file.write(str(milliseconds))
        self.fail_io = fail_io
        super().__init__(exe, *flags, data=data)

    def environment(self):
        return {**super().environment(), "LD_PRELOAD": self.fail_io, "FAIL_IO": self.faults}


class Saturn:
    def __init__(self, build, directory, *flags, vfs="io_uring", slow_ms=None, database=None):
        self.build = build
        exe = os.path.join(build, "saturnd")
        os.makedirs(directory)
        if database:
            os.rename(database, os.path.join(directory, "default.db"))
        flags = ("--vfs", vfs, *flags)
        fail_io = os.path.join(build, "tests/server/libfail-io.so")
        self.daemon = (Daemon(exe, *flags, data=directory) if slow_ms is None
                       else SlowDaemon(exe, fail_io, slow_ms, *flags, data=directory))

    def command(self, work, connections, seconds, over="ws", **options):
        more = [text for name, value in options.items() for text in ("--" + name.replace("_", "-"), str(value))]
        return [os.path.join(self.build, "tests/bench/server-load"), str(self.daemon.port), work, over,
                str(connections), str(seconds), *more]

    def load(self, *args, **options):
        return float(re.search(r": (\d+)/s", run(*self.command(*args, **options)))[1])

    def p99_us(self, *args, **options):
        return float(re.search(r"99% (\d+) us", run(*self.command(*args, **options)))[1])

    def beside(self, background, measure):
        """What `measure` returns while another load, a command, goes on."""
        other = subprocess.Popen(background, stdout=subprocess.DEVNULL)
        time.sleep(0.3)
        try:
            result = measure()
            assert other.poll() is None, "the load beside has ended"
            return result
        finally:
            other.terminate()
            other.wait()

    def disk_reads(self, seconds, load):
        """(what `load` returns, pages a second that the daemon has the disk read meanwhile)"""
        def read_bytes():
            with open(f"/proc/{self.daemon.process.pid}/io") as file:
                return int(re.search(r"^read_bytes: (\d+)", file.read(), re.M)[1])
        before = read_bytes()
        rate = load()
        return rate, (read_bytes() - before) / PAGE_BYTES / seconds

    def stop(self):
        assert self.daemon.stop() == 0


class Postgres:
    ADDRESS = ["-h", "127.0.0.1", "-p", "54329", "-U", "postgres"]

    @staticmethod
    def is_installed():
        return shutil.which("pgbench") and glob.glob("/usr/lib/postgresql/*/bin/initdb")

    def __init__(self, directory, accounts):
        self.bin = max(glob.glob("/usr/lib/postgresql/*/bin"))
        self.data = os.path.join(directory, "pg")
        os.makedirs(self.data)
        shutil.chown(self.data, "postgres")
        os.chmod(directory, 0o755)
        self.as_user = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"]
        self.call("initdb", "-D", self.data, "-A", "trust", "-U", "postgres")
        self.call("pg_ctl", "-D", self.data, "-w", "-l", os.path.join(self.data, "log"), "-o",
                  f"-p 54329 -k {self.data} -c listen_addresses=127.0.0.1", "start")
        self.version = run("psql", "--version").split()[2]
        run("pgbench", *self.ADDRESS, "-q", "-i", "-s", str(accounts // 100_000), "postgres")
        for statement in ("CREATE TABLE bench_insert(a int, b text)",
                          "CREATE TABLE bench_select(a int PRIMARY KEY, b text)",
                          "INSERT INTO bench_select SELECT i, 'a text of some forty bytes, as rows have' "
                          "FROM generate_series(1, 100000) i", "VACUUM ANALYZE", "CHECKPOINT"):
            run("psql", *self.ADDRESS, "-c", statement)
        self.scripts = {"tpcb": ["-b", "tpcb-like"]}
        for name, text in (
                ("insert", "\\set a random(1, 1000000000)\nINSERT INTO bench_insert VALUES "
                           "(:a, 'a text of some forty bytes, as rows have');\n"),
                ("select", "\\set a random(1, 100000)\nSELECT b FROM bench_select WHERE a = :a;\n")):
            path = os.path.join(directory, name + ".pgbench")
            self.scripts[name] = ["-f", path]
            with open(path, "w") as script:
                script.write(text)

    def call(self, program, *args):
        subprocess.run([*self.as_user, os.path.join(self.bin, program), *args], check=True,
                       stdout=subprocess.DEVNULL, cwd="/")

    def load(self, work, connections, seconds):
        out = run("pgbench", *self.ADDRESS, "-n", "-M", "prepared", *self.scripts[work], "-c", str(connections),
                  "-j", "1", "-T", str(seconds), "postgres")
        return float(re.search(r"tps = ([\d.]+)", out)[1])

    def stop(self):
        self.call("pg_ctl", "-D", self.data, "-m", "fast", "stop")


class Redis:
    @staticmethod
    def is_installed():
        return shutil.which("redis-server") and shutil.which("redis-benchmark")

    def __init__(self):
        self.process = subprocess.Popen(["redis-server", "--port", "63799", "--save", "", "--appendonly", "no"],
                                        stdout=subprocess.DEVNULL)
        self.version = re.search(r"v=([\d.]+)", run("redis-server", "--version"))[1]
        time.sleep(0.5)
        run("redis-benchmark", "-p", "63799", "-t", "set", "-n", "1", "-d", "40", "-q")

    def load(self, connections, pipeline=1):
        out = run("redis-benchmark", "-p", "63799", "-t", "get", "-n", str(100_000 * min(pipeline, 5)), "-c",
                  str(connections), "-P", str(pipeline), "-q")
        return float(re.findall(r"GET: ([\d.]+)", out)[-1])

    def stop(self):
        self.process.terminate()
        self.process.wait()


def sqlite_inserts(build, directory, threads, seconds):
    path = os.path.join(directory, "sqlite.db")
    return float(run(os.path.join(build, "tests/bench/sqlite-load"), path, str(threads), str(seconds)).split("/")[0])


def fio_reads(path, depth, seconds):
    out = run("fio", "--name=r", f"--filename={path}", "--readonly", "--rw=randread", "--bs=4k", "--direct=1",
              "--ioengine=io_uring", f"--iodepth={depth}", f"--runtime={seconds}", "--time_based", "--minimal")
    return float(out.split(";")[7])


def make_log(path, mebibytes):
    """A database whose log has so many MiB, as a killed process leaves it; returns the log's path."""
    code = (f"import os, sqlite3; db = sqlite3.connect({path!r}, isolation_level=None); db.executescript('"
            "PRAGMA journal_mode = wal; PRAGMA synchronous = off; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t(a);');"
            "[db.execute('WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 256) "
            f"INSERT INTO t SELECT randomblob(3500) FROM n') for _ in range({mebibytes})]; os._exit(0)")
    run(sys.executable, "-c", code)
    return path + "-wal"


def seconds_of(*command):
    since = time.perf_counter()
    run(*command)
    return time.perf_counter() - since


def import_seconds(shell, directory, rows_file):
    """A new database from a CSV file, by the shell's .import."""
    path = os.path.join(directory, "import.db")
    for old in glob.glob(path + "*"):
        os.remove(old)
    since = time.perf_counter()
    run(shell, path, input="PRAGMA journal_mode = wal;\nCREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c REAL);\n"
        f".import --csv {rows_file} t\n")
    took = time.perf_counter() - since
    assert run(shell, path, "SELECT count(*) FROM t").strip() == "1000000"
    return took
