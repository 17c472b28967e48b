"""Runs a script through Saturn's shell, a process a script, and through SQLite, in this process."""
import dataclasses
import re
import sqlite3
import subprocess

MARKER = re.compile(r"^'--(\d+)--'\n", re.MULTILINE)
ERROR = re.compile(r"^(?:Parse error|Runtime error|Error)(?: near line \d+)?: (.*?)(?: \(\d+\))?$", re.MULTILINE)
VALUE = re.compile(r"NULL|X'([0-9a-fA-F]*)'|'((?:[^']|'')*)'|[^,\n]+")
UNSUPPORTED = "not supported yet"
# A statement that takes the judge longer is left out: it says nothing about answers.
JUDGE_STEPS_MAX = 3_000_000
SATURN_SECONDS_MAX = 20


@dataclasses.dataclass
class Outcome:
    """What a statement answered: an error's text, or rows."""
    error: str = None
    rows: list = None  # tuples; None until parsed
    text: str = ""  # Saturn's rows as they were printed
    skipped: bool = False  # the judge did not run it, or did not end it

    def unsupported(self):
        return self.error is not None and UNSUPPORTED in self.error

    def parsed(self):
        if self.rows is None:
            self.rows = parse_rows(self.text)
        return self.rows


def parse_rows(text):
    """Rows from the shell's quote mode."""
    rows, row, position = [], [], 0
    while position < len(text):
        match = VALUE.match(text, position)
        if match is None:
            raise ValueError(f"cannot read the shell's output: {text[position:position + 80]!r}")
        row.append(parse_value(match))
        position = match.end()
        if text[position:position + 1] == ",":
            position += 1
        else:
            position += 1  # the line's end
            rows.append(tuple(row))
            row = []
    return rows


def parse_value(match):
    text = match[0]
    if text == "NULL":
        return None
    if match[1] is not None:
        return bytes.fromhex(match[1])
    if match[2] is not None:
        return match[2].replace("''", "'")
    try:
        return int(text)
    except ValueError:
        return float(text)


class Saturn:
    def __init__(self, binary):
        self.binary = binary
        self.failure = None  # how the last run ended, if not well

    def run(self, statements, path=None):
        """Outcomes in a database in memory or in a file; fewer than statements if the process did not reach the end."""
        lines = [".mode quote"]
        for n, statement in enumerate(statements):
            lines.append(f"{statement.sql};\nSELECT '--{n}--';")
        script = ("\n".join(lines) + "\n").encode("utf-8", "surrogateescape")
        self.failure = None
        process = subprocess.Popen([self.binary, path or ":memory:"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT)
        try:
            output, _ = process.communicate(script, timeout=SATURN_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            output, _ = process.communicate()
            self.failure = "hang"
        if self.failure is None and process.returncode not in (0, 1):
            self.failure = f"crash, exit status {process.returncode}"
        return self._outcomes(output.decode("utf-8", "surrogateescape"), len(statements))

    def _outcomes(self, output, count):
        pieces = MARKER.split(output)
        outcomes = []
        for n in range(count):
            if 2 * n + 1 >= len(pieces):
                if self.failure is None:
                    self.failure = "output ends early"
                break
            assert int(pieces[2 * n + 1]) == n, "a statement swallowed another"
            text = pieces[2 * n]
            match = ERROR.search(text)
            outcomes.append(Outcome(error=match[1]) if match else Outcome(text=text))
        return outcomes


TABLES = ("SELECT 'main.' || quote(name) FROM sqlite_schema WHERE type = 'table' "
          "UNION SELECT 'temp.' || quote(name) FROM sqlite_temp_schema WHERE type = 'table'")


class Judge:
    """SQLite's library. With `reversed`, tables are read backwards where nothing demands an order, which shows
    whether an answer depends on that."""

    def __init__(self, reversed_scans=False):
        self.reversed_scans = reversed_scans

    def run(self, statements, skip=()):
        connection = self._connect(":memory:")
        try:
            return self._all(connection, statements, skip)
        finally:
            connection.close()

    def contents_after(self, statements, skip):
        """The rows of every table when the statements have run."""
        connection = self._connect(":memory:")
        try:
            self._all(connection, statements, skip)
            names = self._one(connection, TABLES)
            return [self._contents(connection, name) for name, in names.rows or []]
        finally:
            connection.close()

    def _contents(self, connection, table):
        rows = self._one(connection, f"SELECT rowid, * FROM {table}").rows
        if rows is None:  # a table without rowids
            rows = self._one(connection, f"SELECT * FROM {table}").rows
        return sorted(map(repr, rows or []))

    def _connect(self, path):
        connection = sqlite3.connect(path, isolation_level=None)
        connection.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
        if self.reversed_scans:
            connection.execute("PRAGMA reverse_unordered_selects = ON")
        self._steps = 0
        connection.set_progress_handler(self._progress, 10_000)
        return connection

    def _all(self, connection, statements, skip):
        return [Outcome(skipped=True) if n in skip else self._one(connection, statement.sql)
                for n, statement in enumerate(statements)]

    def read_file(self, path, queries):
        """Outcomes of queries on a database that is there already; one error if it cannot be read at all."""
        connection = self._connect(path)
        connection.execute("PRAGMA ignore_check_constraints = ON")  # as the script may have had it
        try:
            return [self._one(connection, sql) for sql in queries]
        finally:
            connection.close()

    def _progress(self):
        self._steps += 10_000
        return self._steps > JUDGE_STEPS_MAX

    def _one(self, connection, sql):
        self._steps = 0
        try:
            return Outcome(rows=connection.execute(sql + ";").fetchall())
        except sqlite3.Error as error:
            if str(error) == "interrupted":
                return Outcome(skipped=True)
            return Outcome(error=str(error))
        except UnicodeDecodeError:  # a message that is not UTF-8, which Python cannot hand on
            return Outcome(skipped=True)
        except sqlite3.Warning as error:
            return Outcome(error=str(error))
