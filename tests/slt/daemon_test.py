#!/usr/bin/env python3
"""Runs a part of SQLite's sqllogictest archive through the daemon, in Hrana's JSON over HTTP: the scripts whose
names hash to 0 modulo 100; modulo 10 with SATURN_SLT=tenth; all of them with SATURN_SLT=all.

usage: daemon_test.py SATURND ARCHIVE_OR_SCRIPT...
A script is a .test file to be run as it is.
"""
import base64
import concurrent.futures
import hashlib
import os
import pathlib
import re
import sys
import tarfile
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "server"))
from daemon import Client, Daemon, decode  # noqa: E402

FLAGS = ["--vfs", "posix", "--synchronous", "off", "--threads", "1", "--transaction-timeout-ms", "0"]
RECORDS_A_REQUEST = 250
FAILURES_SHOWN = 10  # of a script
# Records that fail and why, as in archive_test.py.
KNOWN = {
    "slt_lang_aggfunc.test": 1,  # line 480: SQLite 3.40 fails it as well
}
INTEGER = re.compile(r"[ \t\n\v\f\r]*([+-]?\d+)")
REAL = re.compile(r"[ \t\n\v\f\r]*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)")
HASHED = re.compile(r"(\d+) values hashing to ([0-9a-f]+)$")


class Record:
    """A statement or a query of a script, and what is expected of it."""

    def __init__(self, line, words):
        self.line = line  # 1-based
        self.is_query = words[0] == "query"
        self.fails = words[0] == "statement" and words[1] == "error"
        self.message = ""  # of the error; empty: any
        self.types = words[1] if self.is_query else ""
        self.sort = words[2] if self.is_query and len(words) > 2 else "nosort"
        self.sql = ""
        self.expected = []

    def request(self):
        if not self.is_query:
            return {"type": "sequence", "sql": self.sql}  # some are several statements
        return {"type": "execute", "stmt": {"sql": self.sql}}


def parse(text):
    """The records that concern SQLite, in order."""
    records = []
    lines = iter(enumerate(text.splitlines(), 1))
    skipped = False
    for number, line in lines:
        words = line.split("#")[0].split()
        if not words or words[0] == "hash-threshold":
            continue
        if words[0] in ("skipif", "onlyif"):
            skipped |= (words[1] == "sqlite") == (words[0] == "skipif")
            continue
        if words[0] == "halt":
            if not skipped:
                break
            skipped = False
            continue
        if words[0] not in ("statement", "query"):
            raise ValueError(f"line {number}: unknown record '{words[0]}'")
        record = Record(number, words)
        if record.fails and len(words) > 2:
            record.message = line[line.index(words[2], line.index("error") + 5):]
        sql = []
        for _, line in lines:
            if line == "----":
                record.expected = read_results(lines)
                break
            if not line.strip():
                break
            sql.append(line)
        record.sql = "\n".join(sql)
        if not skipped:
            records.append(record)
        skipped = False
    return records


def read_results(lines):
    results = []
    for _, line in lines:
        if not line:
            break
        results.append(line)
    return results


def prefix_number(value, pattern):
    """The number at the front of a text or blob, as a string; "0" when there is none."""
    found = pattern.match(value)
    return found[1] if found else "0"


def in_bytes(value):
    """A character a byte."""
    return str(value).encode("utf-8", "surrogateescape").decode("latin-1")


def value_of(encoded):
    """A value of Hrana's; a blob is text of its bytes."""
    value = decode(encoded)
    if encoded["type"] != "blob":
        return value
    return base64.b64decode(value + "=" * (-len(value) % 4)).decode("utf-8", "surrogateescape")


def to_integer(value):
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return max(-2**63, min(2**63 - 1, int(value)))
    return max(-2**63, min(2**63 - 1, int(prefix_number(value, INTEGER))))


def to_real(value):
    return float(prefix_number(value, REAL) if isinstance(value, str) else value)


def print_real(value):
    """SQLite's "%.3f": 16 significant digits, then zeros."""
    if abs(value) < 1e15:
        return f"{value:.3f}"
    mantissa, _, exponent = f"{abs(value):.15e}".partition("e")
    digits = mantissa.replace(".", "").ljust(int(exponent) + 1, "0")
    return ("-" if value < 0 else "") + digits + ".000"


def print_value(kind, value):
    if value is None:
        return "NULL"
    if kind == "I":
        return str(to_integer(value))
    if kind == "R":
        return print_real(to_real(value))
    if isinstance(value, float):
        text = f"{value:.15g}"
        return text if re.search(r"[.einf]", text) else text + ".0"
    return re.sub(r"[^ -~]", "@", in_bytes(value)) or "(empty)"


def judge_rows(record, rows):
    """Why the rows are not the expected ones; None when they are."""
    width = len(record.types)
    if rows and len(rows[0]) != width:
        return f"expected {width} columns, got {len(rows[0])}"
    printed = [[print_value(kind, value_of(value)) for kind, value in zip(record.types, row)] for row in rows]
    if record.sort == "rowsort":
        printed.sort()
    values = [value for row in printed for value in row]
    if record.sort == "valuesort":
        values.sort()
    hashed = HASHED.match(record.expected[0]) if len(record.expected) == 1 else None
    if hashed is None:
        return None if values == record.expected else f"expected {record.expected[:12]}, got {values[:12]}"
    if len(values) != int(hashed[1]):
        return f"expected {hashed[1]} values, got {len(values)}"
    digest = hashlib.md5("".join(value + "\n" for value in values).encode()).hexdigest()
    return None if digest == hashed[2] else f"expected hash {hashed[2]}, got {digest}"


def judge(record, result):
    if result["type"] != "ok":
        message = result["error"]["message"].removeprefix("SQLite error: ")
        if not record.fails:
            return message
        return None if record.message in ("", message) else f"expected '{record.message}', got '{message}'"
    if record.fails:
        return "expected an error, and there was none"
    return judge_rows(record, result["response"]["result"]["rows"]) if record.is_query else None


def run_script(saturnd, path, directory):
    """(records passed, [failure, ...]) of a script on a daemon and a database of its own."""
    with open(path, encoding="utf-8", errors="replace") as file:
        records = parse(file.read())
    daemon = Daemon(saturnd, *FLAGS, data=tempfile.mkdtemp(dir=directory))
    failures = []
    try:
        client = Client(daemon)
        # The scripts are written for SQLite's default, the daemon's is ON.
        first = {"type": "execute", "stmt": {"sql": "PRAGMA foreign_keys = OFF"}}
        baton = client.pipeline([first])["baton"]
        for begin in range(0, len(records), RECORDS_A_REQUEST):
            part = records[begin:begin + RECORDS_A_REQUEST]
            answer = client.pipeline([record.request() for record in part], baton)
            if answer["status"] != 200:
                raise RuntimeError(f"{path}:{part[0].line}: status {answer['status']}: {answer}")
            baton = answer["baton"]
            for record, result in zip(part, answer["results"], strict=True):
                why = judge(record, result)
                if why is not None:
                    failures.append(f"{path}:{record.line}: {why}\n    {record.sql}")
        if daemon.stop() != 0:
            raise RuntimeError(f"{path}: the daemon did not stop well:\n{daemon.log_text()}")
    finally:
        if daemon.process.poll() is None:
            daemon.kill()
    return len(records) - len(failures), failures


def is_chosen(name, part):
    """Whether `name` is of the part that is one in `part`; always the same names."""
    return name.endswith(".test") and int(hashlib.sha256(name.encode()).hexdigest(), 16) % part == 0


def scripts_of(archive, directory):
    part = {"tenth": 10, "all": 1}.get(os.environ.get("SATURN_SLT"), 100)
    with tarfile.open(archive) as tar:
        names = sorted(name for name in tar.getnames() if is_chosen(name, part))
        tar.extractall(directory, [tar.getmember(name) for name in names])
    return [os.path.join(directory, name) for name in names]


def main():
    saturnd, given = os.path.abspath(sys.argv[1]), sys.argv[2:]
    began = time.time()
    with tempfile.TemporaryDirectory(prefix="saturn-slt-") as directory:
        if not given[0].endswith(".test"):
            if not os.path.exists(given[0]):
                print("skipped: there is no", given[0])
                return 77
            given = scripts_of(given[0], directory)
        passed = failed = bad = 0
        with concurrent.futures.ProcessPoolExecutor(os.cpu_count()) as pool:
            jobs = [pool.submit(run_script, saturnd, script, directory) for script in given]
            for script, job in zip(given, jobs):
                count, failures = job.result()
                passed += count
                failed += len(failures)
                if len(failures) > KNOWN.get(os.path.basename(script), 0):
                    bad += 1
                    print("\n".join(failures[:FAILURES_SHOWN]))
                    print(f"{script}: {len(failures)} failed")
    print(f"{len(given)} scripts: {passed} records passed, {failed} failed, in {time.time() - began:.0f} s")
    return 1 if bad or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
