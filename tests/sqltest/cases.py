"""Which cases of ../shared/sqltest are run, and which of them are known to fail. Cases that say they are not for
SQLite are run too, as SQLite has come after them in most."""
import os
import pathlib
import re

HERE = pathlib.Path(__file__).resolve().parent
# Files that hold nothing but what is about the engine that the cases were written for.
FOREIGN = re.compile(r"^(big|btree_dump)")


def arguments(cases, known_path, known_names):
    """Arguments for run.py, the files first. Writes to `known_path` what the files `known_names` hold."""
    with open(known_path, "w", encoding="utf-8") as known:
        for name in (*known_names, "foreign.txt"):
            known.write((HERE / name).read_text(encoding="utf-8") + "\n")
    files = sorted(os.path.join(folder, name) for folder, _, names in os.walk(cases) for name in names
                   if name.endswith(".sqltest") and not FOREIGN.match(name))
    return [*files, "--no-like-sqlite", "--known", known_path]
