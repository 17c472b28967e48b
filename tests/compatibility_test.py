#!/usr/bin/env python3
"""Checks docs/compatibility.md: every function and pragma that Saturn lists has a line in it and no other claims to
be there, and every test that a line names exists and mentions what the line is about.

usage: compatibility_test.py SATURN_SHELL SOURCE_ROOT
"""
import pathlib
import re
import subprocess
import sys

STATES = {"works", "differs", "no effect", "refused", "missing"}
ABSENT = {"refused", "missing"}
ROW = re.compile(r"\| `(?P<name>[^`]+)` \| (?P<state>[^|]*?) \| (?P<tests>[^|]*?) \| (?P<note>.*?) ?\|$")


class Line:
    def __init__(self, section, match):
        self.section = section  # "Statements", "Functions" or "Pragmas"; what is in FROM: "Table-valued functions"
        self.name = match["name"]
        self.state = match["state"]
        self.tests = [test for test in match["tests"].split(", ") if test]
        self.note = match["note"]

    def pattern(self):
        """What a test of it contains."""
        gap = r"([ \t]+|\n)"  # never an empty line, which ends a record of a script
        words = rf"{gap}([^\s;]+{gap})*?".join(map(re.escape, self.name.split()))
        if self.section == "Pragmas":
            return r"pragma[ _](\w+\.)?" + self.name + r"\b"
        if self.name == "pragma_NAME":
            return r"pragma_\w+\b"
        if self.section in ("Functions", "Table-valued functions"):
            if self.name.startswith(("current_", "-")):
                return words
            return r"(?<!\w)" + words + r"\s*\("
        return r"\b" + words + r"\b"


def read_page(path):
    lines, section, unread = [], "", []
    for text in path.read_text(encoding="utf-8").splitlines():
        if text.startswith("## "):
            section = text[3:]
        elif text.startswith("| table-valued"):
            section = "Table-valued functions"
        match = ROW.match(text)
        if match:
            lines.append(Line(section, match))
        elif text.startswith("| `"):
            unread.append(text)
    return lines, unread


def listed(saturn, sql):
    done = subprocess.run([saturn, ":memory:", sql], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def mistakes_of_line(line, tests):
    if line.state not in STATES:
        yield f"the state is '{line.state}'"
    if line.state in ABSENT | {"differs"} and not line.note:
        yield "a note is wanted"
    if line.state not in ABSENT and not line.tests:
        yield "a test is wanted"
    for name in line.tests:
        path = tests / name
        if not path.is_file():
            yield f"there is no {path}"
        elif not re.search(line.pattern(), path.read_text(encoding="utf-8", errors="replace"), re.IGNORECASE):
            yield f"{name} does not mention it"


def mistakes_of_section(section, lines, names):
    lines = [line for line in lines if line.section == section]
    there = [line.name for line in lines if line.state not in ABSENT]
    absent = [line.name for line in lines if line.state in ABSENT]
    for name in sorted(names - set(there)):
        yield f"{section}: Saturn has {name}, and the page does not say so"
    for name in sorted(set(there) - names):
        yield f"{section}: the page has {name}, and Saturn does not"
    for name in sorted(name for name in there + absent if (there + absent).count(name) > 1):
        yield f"{section}: {name} is there twice"


def main():
    saturn, root = sys.argv[1], pathlib.Path(sys.argv[2])
    lines, mistakes = read_page(root / "docs" / "compatibility.md")
    mistakes += [f"{line.section}: {line.name}: {why}" for line in lines
                 for why in mistakes_of_line(line, root / "tests")]
    mistakes += mistakes_of_section("Functions", lines, listed(saturn, "SELECT name FROM pragma_function_list"))
    mistakes += mistakes_of_section("Pragmas", lines, listed(saturn, "SELECT name FROM pragma_pragma_list"))
    print("\n".join(mistakes))
    print(f"{len(lines)} lines, {len(mistakes)} mistakes")
    return 1 if mistakes or len(lines) < 250 else 0


if __name__ == "__main__":
    sys.exit(main())
