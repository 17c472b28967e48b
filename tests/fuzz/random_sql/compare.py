"""Whether two answers to a statement are the same answer."""
import collections
import dataclasses
import math
import os
import re
import tempfile
import time

from engines import Outcome


# What a whole number has as a real.
WHOLE = re.compile(r"\.0$")

# What makes one row of several that are equal.
MERGING = re.compile("UNION|INTERSECT|EXCEPT|DISTINCT|GROUP BY")
VIEW = re.compile(r"CREATE (?:TEMP )?VIEW (\w+)")


@dataclasses.dataclass
class Difference:
    # "crash", "rows", "real", "affinity", "merged", "order", "fails", "succeeds", "message", "another error", "file"
    kind: str
    position: int  # of the statement in the script
    statement: object
    saturn: object  # Outcome
    judge: object  # Outcome
    context: str = ""  # what the script has that explains some differences

    def serious(self):
        """Whether what follows in the script may differ for the same reason."""
        return self.kind in ("crash", "rows", "affinity", "order", "file") or \
            self.kind in ("fails", "succeeds") and not self.is_query()

    def is_query(self):
        return self.statement.kind in ("query", "inspect")

    def signature(self):
        """The same for two differences that look alike; for rows it is the statement's own skeleton."""
        return (self.kind, general(self.judge.error), general(self.saturn.error))


def general(error):
    """An error's text without the names in it."""
    if error is None:
        return None
    words = ["N" if any(c.isdigit() for c in word) or "." in word else word for word in error.split(" ")]
    return " ".join(words)


def number_key(value):
    """Numbers that differ by rounding alone have the same key."""
    if isinstance(value, float):
        if math.isnan(value) or math.isinf(value):
            return repr(value)
        value += 0.0  # no negative zero
        return f"{value:.11e}"
    return value


def exact_row(row):
    return tuple((type(value).__name__, number_key(value)) for value in row)


def numeric_row(row):
    """The same for rows that differ in 1 and 1.0: which of them stands for both is the engine's choice."""
    return tuple(number_key(float(value)) if isinstance(value, int) else number_key(value) for value in row)


def loose_value(value):
    """The same for values that a collation or a comparison takes for equal."""
    if isinstance(value, str):
        return value.lower().rstrip(" ")
    if isinstance(value, int):
        value = float(value)
    return number_key(value)


def loose_row(row):
    return tuple(loose_value(value) for value in row)


def text_row(row):
    """The same for rows that differ in 1, 1.0, '1' and '1.0'."""
    return tuple(WHOLE.sub("", str(value)) if isinstance(value, (int, float, str)) else value for value in row)


def types_of(rows):
    return [[type(value) for value in row] for row in rows]


def alike(form, saturn, judge):
    """Whether the rows are the same in that form, in whatever order."""
    return collections.Counter(map(form, saturn)) == collections.Counter(map(form, judge))


def note_views_that_merge(statements):
    """Marks the statements that merge equal values, themselves or in a view that they read."""
    views = []
    for statement in statements:
        sql = statement.sql
        statement.merges = bool(MERGING.search(sql)) or any(view.search(sql) for view in views)
        defined = VIEW.match(sql)
        if defined and statement.merges:
            views.append(re.compile(rf"\b{defined[1]}\b"))


def same_rows(statement, saturn, judge):
    """None where the rows agree, else "rows" or "order"; "real" if they differ in 1 and 1.0 alone, "affinity" if in 1
    and '1' or '1.0', "merged" if in which of several equal values stands for all of them."""
    if saturn == judge and types_of(saturn) == types_of(judge):
        return None
    if len(saturn) != len(judge):
        return "rows"
    if statement.limited:
        form = loose_row
    else:
        form = numeric_row if statement.merges else exact_row
    if not alike(form, saturn, judge):
        if alike(numeric_row, saturn, judge):
            return "real"
        if form is numeric_row and alike(loose_row, saturn, judge):
            return "merged"
        return "affinity" if alike(text_row, saturn, judge) else "rows"
    keys = [key for key in statement.keys if saturn and key < len(saturn[0])]
    if any(any(loose_value(a[k]) != loose_value(b[k]) for k in keys) for a, b in zip(saturn, judge)):
        return "order"
    return None


def same_outcome(statement, saturn, judge):
    """None where the answers agree, else the kind of their difference."""
    if judge.skipped or saturn.unsupported():
        return None
    if judge.error is None and saturn.error is None:
        return same_rows(statement, saturn.parsed(), judge.parsed())
    if judge.error is None:
        return "fails"
    if saturn.error is None:
        return "succeeds"
    if judge.error == saturn.error or statement.kind != "mistake" and both_name_errors(judge.error, saturn.error):
        return None
    if statement.kind != "mistake" and error_kind(judge.error) != error_kind(saturn.error):
        return "another error"
    return "message"


def error_kind(error):
    """What the error is about, without saying what of."""
    return general(error).split(" ")[:3]


# Of several names that are wrong, which is complained of first is no behaviour worth having.
NAME_ERRORS = ("no such column", "ambiguous column name", "no such table", "ambiguous reference", "no such function",
               "cannot join using column", "no such view")


def both_name_errors(*errors):
    return all(error.startswith(NAME_ERRORS) for error in errors)


# A statement that fails so late may leave its first rows behind in SQLite. (And VACUUM gives rows new rowids there.)
LEAVES_ROWS = ("datatype mismatch", "too many levels of trigger recursion", "cannot store")

# A generated REAL column, whose whole numbers SQLite shows as integers after a sort.
GENERATED_REAL = re.compile(r"\b(REAL|DOUBLE|FLOAT) (GENERATED ALWAYS )?AS \(")


# An index in which NULLs are last, where SQLite does not look for them before NOT IN.
DESCENDING_KEY = re.compile(r"PRIMARY KEY DESC\b|(INDEX \w+ ON \w+|KEY|UNIQUE) ?\([^()]* DESC\b|INDEX .*\) DESC\b")

# What ALTER TABLE RENAME rewrites otherwise.
RENAMED = re.compile(r"CREATE (TEMP )?(VIEW|TRIGGER) .*(\bexcluded\.| WINDOW \w+ AS \(|\b(old|new)\.rowid\b)")


def no_rows_counted(saturn, judge):
    """Whether one row has NULLs where the other has values."""
    return len(saturn) == len(judge) == 1 and len(saturn[0]) == len(judge[0]) and \
        all(a is None for a, b in zip(saturn[0], judge[0]) if a != b)


# What a script may have that explains some differences of the statements behind it.
CONTEXTS = [
    ("a generated REAL column", GENERATED_REAL),
    ("a descending key", DESCENDING_KEY),
    ("a partial index", re.compile(r"CREATE (UNIQUE )?INDEX .* WHERE ")),
    ("excluded, WINDOW or old.rowid in what is renamed", RENAMED),
    ("a BEFORE UPDATE trigger", re.compile(r"CREATE (TEMP )?TRIGGER \w+ +(BEFORE )?UPDATE\b")),
    ("an INSTEAD OF trigger", re.compile(r"CREATE (TEMP )?TRIGGER \w+ INSTEAD OF INSERT\b")),
    ("AND 0 in a view", re.compile(r"CREATE (TEMP )?VIEW .*( AND \(?0\)?(?![.\w])|\(0 AND | IN \(\))")),
    ("a foreign key", re.compile(r"\bREFERENCES\b")),
    ("UTF-16", re.compile("PRAGMA encoding = 'UTF-16")),
]


def context_of(statements):
    """What the statements have that explains some differences behind them."""
    return ", ".join(text for text, pattern in CONTEXTS if any(pattern.search(s.sql) for s in statements))


# Where SQLite needs longer for a script, Saturn may as well.
JUDGE_SECONDS_SLOW = 5


class Comparison:
    """Both engines' answers to one script, and where they differ."""

    def __init__(self, saturn, judge, witness):
        self.saturn, self.judge, self.witness = saturn, judge, witness
        self.in_file = False  # whether Saturn's database is a file, which the judge looks at in the end
        self.compared = 0  # statements of the last run whose answers were compared

    def run(self, statements):
        """(differences, number of statements not supported yet). Ambiguous answers are not differences."""
        if not self.in_file:
            return self._run(statements, None)
        with tempfile.TemporaryDirectory(prefix="saturn-random-") as folder:
            path = os.path.join(folder, "script.db")
            found, unsupported = self._run(statements, path)
            if not any(difference.kind == "crash" for difference in found):
                found += self._file_differences(statements, path, whole=self.compared == len(statements))
            return found, unsupported

    def _run(self, statements, path):
        note_views_that_merge(statements)
        answers = self.saturn.run(statements, path)
        failure = self.saturn.failure
        skip = {n for n, answer in enumerate(answers) if answer.unsupported()}
        started = time.monotonic()
        verdicts = self.judge.run(statements, skip)
        if failure == "hang" and time.monotonic() - started > JUDGE_SECONDS_SLOW:
            failure = None  # a script that takes SQLite long too, as triggers that double a text do
        self.answers, self.verdicts = answers, verdicts
        found, other = [], None
        self.compared = 0
        for n, (statement, answer, verdict) in enumerate(zip(statements, answers, verdicts)):
            if verdict.skipped and n not in skip and statement.kind not in ("query", "inspect"):
                return found, len(skip)  # the states are no longer the same
            self.compared = n + 1
            kind = same_outcome(statement, answer, verdict)
            if kind is None:
                if self._left_otherwise(statements[:n + 1], verdict, skip):
                    return found, len(skip)
                continue
            if kind in ("rows", "real", "affinity", "merged", "order", "fails", "succeeds"):
                other = other or self.witness.run(statements[:len(answers)], skip)
                same_states = self._same_states(statements[:n], skip)
                if not same_states or self._ambiguous(statement, verdicts[n], other[n]):
                    if same_states and statement.kind == "query":
                        continue
                    return found, len(skip)
            context = self._context(statements[:n + 1], answer, verdict) if kind != "another error" else ""
            found.append(Difference(kind, n, statement, answer, verdict, context))
            if found[-1].serious():
                return found, len(skip)
        rest = set(range(len(answers), len(verdicts))) - skip
        if failure == "hang" and any(verdicts[n].skipped for n in rest):
            failure = None  # in a statement that takes SQLite too long as well
        if failure:
            # What a crashed process had printed last may be lost: any statement from here on may be to blame.
            suspect = statements[min(len(answers), len(statements) - 1)]
            found.append(Difference("crash", len(statements) - 1, suspect, Outcome(error=failure), Outcome(rows=[])))
        return found, len(skip)

    def _context(self, statements, answer, verdict):
        """What the script has that explains some differences of its last statement."""
        contexts = [context_of(statements)]
        if answer.error is None and verdict.error is None and no_rows_counted(answer.parsed(), verdict.parsed()):
            contexts.append("an aggregate over no rows")
        return ", ".join(filter(None, contexts))

    def _file_differences(self, statements, path, whole):
        """What the judge finds amiss in the file; where a script ran to its end, what it reads in the tables too."""
        check = [n for n, s in enumerate(statements) if s.sql == "PRAGMA integrity_check"]
        last = [n for n, s in enumerate(statements) if s.sql == "COMMIT"]
        positions = check[-1:]
        committed = whole and last and not self.verdicts[last[-1]].skipped and \
            self.verdicts[last[-1]].error in (None, "cannot commit - no transaction is active")
        if committed:
            positions = [n for n in range(last[-1] + 1, len(statements)) if statements[n].kind == "inspect"]
        found = []
        for n, read in zip(positions, self.judge.read_file(path, [statements[n].sql for n in positions])):
            sound = n >= len(self.verdicts) or not self.verdicts[n].rows or self.verdicts[n].rows[0] == ("ok",)
            kind = None
            if n in check:
                kind = "file" if sound and read.rows != [("ok",)] else None
            elif read.error is None and self.answers[n].error is None:  # a temporary table is not in the file
                kind = same_rows(statements[n], self.answers[n].parsed(), read.rows)
            if kind:
                written = self.answers[n] if n not in check and n < len(self.answers) else Outcome(rows=[])
                kind = kind if kind == "real" else "file"
                context = context_of(statements)
                found.append(Difference(kind, len(statements) - 1, statements[n], written, read, context))
                break
        return found

    def _ambiguous(self, statement, first, second):
        """Whether SQLite itself answers a statement otherwise when it reads tables backwards."""
        if first.skipped or second.skipped:
            return True
        if (first.error is None) != (second.error is None):
            return True
        return first.error is None and same_rows(statement, second.parsed(), first.parsed()) is not None

    def _left_otherwise(self, statements, verdict, skip):
        """Whether SQLite's tables are no longer Saturn's, though the last statement had the same answer in both."""
        last = statements[-1].sql
        if not (verdict.error.startswith(LEAVES_ROWS) if verdict.error else last == "VACUUM"):
            return False
        before = self.judge.contents_after(statements[:-1], skip)
        return before != self.judge.contents_after(statements, skip)

    def _same_states(self, statements, skip):
        """Whether the tables are the same when SQLite reads backwards: triggers may have seen rows in another order."""
        return self.judge.contents_after(statements, skip) == self.witness.contents_after(statements, skip)
