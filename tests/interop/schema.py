"""The schema of the interop test: every kind of object that SQLite's SQL can put into a file, and its rows."""

# In order; a file of the legacy format ignores DESC in indexes and is otherwise the same.
TABLES = [
    """CREATE TABLE plain(a, b TEXT COLLATE NOCASE, c REAL, d BLOB, e INTEGER NOT NULL DEFAULT 7 CHECK (e <> 13),
  f NUMERIC DEFAULT (1 + 2), "odd name" TEXT DEFAULT 'it''s')""",
    """CREATE TABLE keyed(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE COLLATE RTRIM, n NUMERIC,
  at TEXT DEFAULT (date(0, 'unixepoch')))""",
    """CREATE TABLE pairs(k1 TEXT, k2 INT, v, w, PRIMARY KEY (k2 DESC, k1 COLLATE NOCASE)) WITHOUT ROWID""",
    "CREATE TABLE twice(k1 TEXT, k2 INT, w, PRIMARY KEY (k2 DESC, k1 COLLATE NOCASE), UNIQUE (w, k1)) WITHOUT ROWID",
    "CREATE TABLE exact(i INT PRIMARY KEY, r REAL, t TEXT, b BLOB, x ANY) STRICT",
    "CREATE TABLE exact_keys(i INTEGER PRIMARY KEY, x ANY NOT NULL) STRICT, WITHOUT ROWID",
    """CREATE TABLE made(a INT, s INT AS (a + coalesce(b, 0)) STORED, b INT,
  v TEXT GENERATED ALWAYS AS (a || '/' || b) VIRTUAL, l INT AS (length(v)))""",
    "CREATE TABLE parent(p INTEGER PRIMARY KEY, code TEXT UNIQUE)",
    """CREATE TABLE child(c INTEGER PRIMARY KEY, p REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE,
  code TEXT REFERENCES parent(code) ON DELETE SET NULL,
  boss INT REFERENCES child(c) ON DELETE SET DEFAULT)""",
    # Alone, as SQLite counts a deferred violation for good when another key fails in the same statement.
    "CREATE TABLE later(x INTEGER PRIMARY KEY, p INT REFERENCES parent DEFERRABLE INITIALLY DEFERRED)",
    "CREATE TABLE big(id INTEGER PRIMARY KEY, body TEXT, data BLOB)",
    "CREATE TABLE edges(r INTEGER PRIMARY KEY, x)",
    "CREATE TABLE log(what TEXT, old, new)",
    "CREATE TABLE wide(" + ", ".join(f"c{n}" for n in range(1, 131)) + ")",
]

INDEXES = [
    "CREATE INDEX edges_x ON edges(x)",
    "CREATE INDEX plain_c ON plain(c DESC, a)",
    "CREATE INDEX plain_expression ON plain(lower(b), abs(e))",
    "CREATE UNIQUE INDEX plain_part ON plain(a COLLATE BINARY) WHERE a > 100000 AND c IS NOT NULL",
    "CREATE INDEX plain_blob ON plain(d, b COLLATE RTRIM DESC)",
    "CREATE INDEX keyed_n ON keyed(n) WHERE n IS NOT NULL",
    "CREATE INDEX pairs_v ON pairs(v DESC)",
    "CREATE INDEX exact_x ON exact(x, t COLLATE NOCASE)",
    "CREATE INDEX made_v ON made(v)",
    "CREATE INDEX made_s ON made(s DESC, l) WHERE s > 10",
    "CREATE INDEX child_p ON child(p)",
    "CREATE INDEX big_body ON big(body)",
    "CREATE INDEX wide_ends ON wide(c1, c130, c65 DESC)",
]

OTHERS = [
    "CREATE VIEW names AS SELECT id, name, n FROM keyed WHERE n > 0 OR name IS NOT NULL",
    """CREATE VIEW family(parent, children, least) AS
  SELECT p.code, count(c.c), min(c.c) FROM parent p LEFT JOIN child c ON c.p = p.p GROUP BY p.p""",
    """CREATE VIEW chain AS WITH RECURSIVE above(c, depth) AS
  (SELECT c, 0 FROM child WHERE boss IS NULL UNION ALL
   SELECT child.c, depth + 1 FROM child JOIN above ON child.boss = above.c WHERE depth < 20)
  SELECT c, depth FROM above""",
    """CREATE TRIGGER plain_insert AFTER INSERT ON plain WHEN new.e > 50 BEGIN
  INSERT INTO log VALUES ('plain insert', NULL, new.e);
END""",
    """CREATE TRIGGER plain_update BEFORE UPDATE OF e, a ON plain BEGIN
  SELECT raise(ABORT, 'e may not be 99') WHERE new.e = 99;
  INSERT INTO log VALUES ('plain update', old.e, new.e);
END""",
    """CREATE TRIGGER keyed_delete AFTER DELETE ON keyed BEGIN
  INSERT INTO log VALUES ('keyed delete', old.id, old.name);
  UPDATE exact SET t = coalesce(t, '') || '!' WHERE i = old.id;
END""",
    """CREATE TRIGGER names_insert INSTEAD OF INSERT ON names BEGIN
  INSERT INTO keyed(name, n) VALUES (new.name, new.n);
END""",
]

# Tables whose rows are compared with their rowids; the others without, as their order of insertion is the
# order in which an engine finds the rows of a statement.
ROWIDS = ["plain", "keyed", "exact", "made", "parent", "child", "later", "big", "wide", "edges"]
BARE = ["pairs", "twice", "exact_keys", "log", "names", "family", "chain"]

# What an index might answer wrongly though the rows themselves are right.
QUESTIONS = [
    "SELECT count(*), min(c), max(c) FROM plain WHERE c > 0",
    "SELECT rowid, typeof(c) FROM plain WHERE c BETWEEN -10 AND 1000 ORDER BY c DESC, rowid",
    "SELECT rowid FROM plain WHERE lower(b) = 'm' OR lower(b) LIKE 'a%' ORDER BY rowid",
    "SELECT rowid FROM plain WHERE a > 100000 AND c IS NOT NULL ORDER BY a, rowid",
    "SELECT hex(d) FROM plain WHERE d > x'40' ORDER BY d, rowid",
    "SELECT rowid, e FROM plain WHERE b = 'PLUM' ORDER BY rowid",
    "SELECT rowid FROM plain WHERE rowid < -5 ORDER BY rowid",
    "SELECT r FROM edges WHERE r > 9000000000000000000 OR r < -9000000000000000000 ORDER BY r",
    "SELECT r FROM edges WHERE x > 0 ORDER BY x, r",
    "SELECT id FROM keyed WHERE name = 'n1  '",
    "SELECT id, n FROM keyed WHERE n > 5 ORDER BY n, id",
    "SELECT k1, k2 FROM pairs ORDER BY k2 DESC, k1 COLLATE NOCASE",
    "SELECT k1, k2 FROM pairs WHERE k2 BETWEEN 3 AND 20 ORDER BY k2, k1",
    "SELECT count(*) FROM pairs WHERE v > 5",
    "SELECT k1, k2 FROM twice WHERE w >= 0 ORDER BY w, k1, k2",
    "SELECT i, typeof(x) FROM exact WHERE x > 3 ORDER BY i",
    "SELECT rowid, s FROM made WHERE s > 10 ORDER BY s DESC, rowid",
    "SELECT rowid, l FROM made WHERE v BETWEEN '1' AND '5' ORDER BY v, rowid",
    "SELECT p, count(*) FROM child GROUP BY p ORDER BY p",
    "SELECT id, length(body), length(data) FROM big WHERE body > 'm' ORDER BY id",
    "SELECT rowid FROM wide WHERE c1 > 50 ORDER BY c1, c130, rowid",
    "SELECT name, seq FROM sqlite_sequence ORDER BY name",
    "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%' ORDER BY type, name",
    "PRAGMA foreign_key_check",
    "PRAGMA table_xinfo(made)",
    "PRAGMA index_xinfo(plain_blob)",
    "PRAGMA index_xinfo(sqlite_autoindex_pairs_1)",
    "PRAGMA index_list(plain)",
    "PRAGMA foreign_key_list(child)",
    "PRAGMA page_size",
    "PRAGMA auto_vacuum",
    "PRAGMA user_version",
    "PRAGMA application_id",
]
