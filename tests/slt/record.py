#!/usr/bin/env python3
"""Makes a script of SQL into a sqllogictest script, the answers being those of SQLite's library.

    record.py FILE.sql > FILE.test

Every statement is a record: a query when it has result columns, with its rows in their order; an
error with SQLite's text when it fails. Comments stay. Read the answers before you keep them.
"""
import sqlite3
import sys


def statements(text):
    """Yields (comment lines, statement)."""
    comments, current = [], ""
    for line in text.splitlines():
        if not current and (not line.strip() or line.startswith("--")):
            if line.startswith("--"):
                comments.append("#" + line[2:])
            continue
        current += ("\n" if current else "") + line
        if sqlite3.complete_statement(current):
            yield comments, current.rstrip().removesuffix(";")
            comments, current = [], ""
    if current:
        yield comments, current


def shown(value, kind):
    if value is None:
        return "NULL"
    if kind == "I":
        return str(value)
    if isinstance(value, float):
        value = f"{value:.15g}"
        if not any(c in value for c in ".einf"):
            value += ".0"
    text = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
    return "".join(chr(c) if 0x20 <= c <= 0x7e else "@" for c in text) if text else "(empty)"


def record(db, sql):
    try:
        cursor = db.execute(sql)
        rows = cursor.fetchall()
    except sqlite3.Error as error:
        return f"statement error {error}\n{sql}\n"
    if cursor.description is None:
        return f"statement ok\n{sql}\n"
    width = len(cursor.description)
    kinds = "".join("I" if rows and all(isinstance(r[c], int) for r in rows) else "T"
                    for c in range(width))
    values = [shown(row[c], kinds[c]) for row in rows for c in range(width)]
    return "\n".join([f"query {kinds} nosort", sql, "----", *values]) + "\n"


def main():
    db = sqlite3.connect(":memory:", isolation_level=None)
    for comments, sql in statements(open(sys.argv[1]).read()):
        for line in comments:
            print(line)
        print(record(db, sql))


if __name__ == "__main__":
    main()
