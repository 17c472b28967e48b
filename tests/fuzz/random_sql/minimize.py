"""Makes a script that shows a difference small: by statements, then by parts of their text."""
import dataclasses
import re

TOKEN = re.compile(
    r"""\s*([Xx]?'(?:[^']|'')*'|"[^"]*"|\w+(?:\.\w+)*(?:\.\*)?|<>|<=|>=|!=|==|\|\||<<|>>|.)""", re.DOTALL
)
ATTEMPTS_MAX = 600


class Minimizer:
    def __init__(self, comparison):
        self.comparison = comparison
        self.attempts = 0

    def shrink(self, statements, difference):
        """The fewest statements, and the shortest, that still show a difference like this one."""
        self.wanted = difference.signature()
        self.order = order_of(difference)
        self.attempts = 0
        statements = statements[:difference.position + 1]
        statements = self._drop_statements(statements)
        before = None
        while before != [s.sql for s in statements] and self.attempts < ATTEMPTS_MAX:
            before = [s.sql for s in statements]
            statements = self._shorten_each(statements)
            statements = self._drop_statements(statements)
        return statements

    def _still(self, statements):
        """The statements up to the one that shows the difference, or None."""
        self.attempts += 1
        try:
            found, _ = self.comparison.run(statements)
        except (ValueError, AssertionError):
            return None
        for difference in found:
            if difference.signature() == self.wanted and self._same_order(difference):
                return statements[:difference.position + 1]
        return None

    def _same_order(self, difference):
        """An order can be wrong only while the statement still asks for it, by the same columns."""
        return difference.kind != "order" or order_of(difference) == self.order

    def _drop_statements(self, statements):
        size = max(1, len(statements) // 2)
        while True:
            start = 0
            while start < len(statements) and self.attempts < ATTEMPTS_MAX:
                rest = statements[:start] + statements[start + size:]
                kept = self._still(rest) if rest else None
                if kept:
                    statements = kept
                else:
                    start += size
            if size == 1 or self.attempts >= ATTEMPTS_MAX:
                return statements
            size = max(1, size // 2)

    def _shorten_each(self, statements):
        for n in range(len(statements) - 1, -1, -1):
            if n < len(statements):
                statements = self._shorten(statements, n)
        return statements

    def _shorten(self, statements, n):
        progress = True
        while progress and self.attempts < ATTEMPTS_MAX:
            progress = False
            for text in shorter(statements[n].sql):
                if self.attempts >= ATTEMPTS_MAX:
                    break
                trial = list(statements)
                trial[n] = dataclasses.replace(statements[n], sql=text)
                kept = self._still(trial)
                if kept:
                    statements, progress = kept, True
                    break
            if n >= len(statements):
                break
        return statements


def order_of(difference):
    rows = difference.judge.rows
    return difference.statement.sql.rpartition("ORDER BY")[2], len(rows[0]) if rows else 0


def shorter(sql):
    """Texts shorter than sql that may still be SQL, the shortest first."""
    tokens = TOKEN.findall(sql.strip())
    results = set()
    for start, token in enumerate(tokens):
        if token == "(":
            end = closing(tokens, start)
            inner = tokens[start + 1:end]
            results.add(join(tokens[:start] + tokens[end + 1:]))
            results.add(join(tokens[:start] + inner + tokens[end + 1:]))
            if inner not in (["NULL"], ["1"]) and len(inner) > 1:
                results.add(join(tokens[:start] + ["1"] + tokens[end + 1:]))
            if start and re.match(r"\w+$", tokens[start - 1]):
                results.add(join(tokens[:start - 1] + ["1"] + tokens[end + 1:]))
                results.add(join(tokens[:start - 1] + inner + tokens[end + 1:]))
        elif token == "CASE":
            end = closing(tokens, start, "CASE", "END")
            results.add(join(tokens[:start] + ["1"] + tokens[end + 1:]))
        for end in clause_ends(tokens, start):
            results.add(join(tokens[:start] + tokens[end:]))
    return sorted((text for text in results if len(text) < len(sql)), key=len)


def clause_ends(tokens, start):
    """Ends of the spans from start that are worth leaving out: one to four tokens, or up to a separator."""
    ends = {start + n for n in (1, 2, 3, 4) if start + n <= len(tokens)}
    depth = 0
    for end in range(start, len(tokens)):
        token = tokens[end].upper()
        if token == "(":
            depth += 1
        elif token == ")":
            depth -= 1
            if depth < 0:
                ends.add(end)
                break
        elif depth == 0 and token in SEPARATORS and end > start:
            ends.add(end)
            if token == ",":
                ends.add(end + 1)
    if depth >= 0:
        ends.add(len(tokens))
    return ends


SEPARATORS = {",", "FROM", "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "UNION", "EXCEPT", "INTERSECT", "AND", "OR",
              "JOIN", "LEFT", "RIGHT", "FULL", "ON", "USING", "SELECT", "WHEN", "THEN", "ELSE", "END", "RETURNING",
              "DO", "SET", "VALUES", "BEGIN", ";", "AS", "COLLATE", "CHECK", "DEFAULT", "PRIMARY", "UNIQUE", "NOT",
              "REFERENCES", "FOREIGN", "DESC", "ASC"}


# After these a parenthesis begins an expression or a list, not a call's arguments.
BEFORE_PARENTHESIS = re.compile(
    r"(?i)\b(in|and|or|not|as|values|on|using|where|select|over|exists|when|then|else|check|by|key|from|join|set)$"
)


def closing(tokens, start, opening="(", end=")"):
    depth = 0
    for position in range(start, len(tokens)):
        if tokens[position] == opening:
            depth += 1
        elif tokens[position] == end:
            depth -= 1
            if depth == 0:
                return position
    return len(tokens) - 1


def join(tokens):
    text = ""
    for token in tokens:
        call = token == "(" and text[-1:].isalnum() and not BEFORE_PARENTHESIS.search(text)
        glue = "" if token in ",);." or text.endswith("(") or not text or call else " "
        text += glue + token
    return text
