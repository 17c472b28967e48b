"""Whether two answers to a statement are the same answer."""
import collections
import dataclasses
import math
import re

from engines import Outcome


# What makes one row of several that are equal.
MERGING = re.compile("UNION|INTERSECT|EXCEPT|DISTINCT|GROUP BY")


@dataclasses.dataclass
class Difference:
    kind: str  # "crash", "rows", "order", "fails", "succeeds", "message"
    position: int  # of the statement in the script
    statement: object
    saturn: object  # Outcome
    judge: object  # Outcome

    def serious(self):
        """Whether what follows in the script may differ for the same reason."""
        return self.kind in ("crash", "rows", "order") or \
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


def types_of(rows):
    return [[type(value) for value in row] for row in rows]


def same_rows(statement, saturn, judge):
    """None where the rows agree, else "rows" or "order"."""
    if saturn == judge and types_of(saturn) == types_of(judge):
        return None
    if len(saturn) != len(judge):
        return "rows"
    if statement.limited:
        form = loose_row
    else:
        form = numeric_row if MERGING.search(statement.sql) else exact_row
    if collections.Counter(map(form, saturn)) != collections.Counter(map(form, judge)):
        return "rows"
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
    return "message"


# Of several names that are wrong, which is complained of first is no behaviour worth having.
NAME_ERRORS = ("no such column", "ambiguous column name", "no such table", "ambiguous reference", "no such function",
               "cannot join using column", "no such view")


def both_name_errors(*errors):
    return all(error.startswith(NAME_ERRORS) for error in errors)


class Comparison:
    """Both engines' answers to one script, and where they differ."""

    def __init__(self, saturn, judge, witness):
        self.saturn, self.judge, self.witness = saturn, judge, witness

    def run(self, statements):
        """(differences, number of statements not supported yet). Ambiguous answers are not differences."""
        answers = self.saturn.run(statements)
        failure = self.saturn.failure
        skip = {n for n, answer in enumerate(answers) if answer.unsupported()}
        verdicts = self.judge.run(statements[:len(answers)], skip)
        found, other = [], None
        for n, (statement, answer, verdict) in enumerate(zip(statements, answers, verdicts)):
            if verdict.skipped and n not in skip and statement.kind not in ("query", "inspect"):
                return found, len(skip)  # the states are no longer the same
            kind = same_outcome(statement, answer, verdict)
            if kind is None:
                continue
            if kind in ("rows", "order", "fails", "succeeds"):
                other = other or self.witness.run(statements[:len(answers)], skip)
                if self._ambiguous(statements, verdicts, other, n):
                    return found, len(skip)
            found.append(Difference(kind, n, statement, answer, verdict))
            if found[-1].serious():
                return found, len(skip)
        if failure:
            # What a crashed process had printed last may be lost: any statement from here on may be to blame.
            suspect = statements[min(len(answers), len(statements) - 1)]
            found.append(Difference("crash", len(statements) - 1, suspect, Outcome(error=failure), Outcome(rows=[])))
        return found, len(skip)

    def _ambiguous(self, statements, verdicts, other, n):
        """Whether SQLite itself answers statement n otherwise when it reads tables backwards."""
        first, second = verdicts[n], other[n]
        if first.skipped or second.skipped:
            return True
        if (first.error is None) != (second.error is None):
            return True
        return first.error is None and same_rows(statements[n], second.parsed(), first.parsed()) is not None
