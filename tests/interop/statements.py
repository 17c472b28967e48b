"""Random rows and random changes for the interop test. A change means the same in whichever order an engine finds
the rows of a statement."""

WORDS = ["plum", "Plum", "PLUM  ", "apple", "Ärger", "straße", "日本", "m", "M", "", "a", "it''s", "n1", "n1  ", "zz top"]
INTEGERS = [0, 1, -1, 7, 127, 128, -129, 32767, 32768, -32769, 8388607, 8388608, 2**31 - 1, 2**31, -2**31 - 1,
            2**47 - 1, 2**47, -2**47 - 1, 2**63 - 1, -2**63 + 1]
REALS = ["0.5", "-0.25", "1e10", "3.0", "1e-300", "1.7976931348623157e308", "-4.9e-324", "123456789012345680.0",
         "0.1", "9007199254740993.0", "-0.0"]
# Below all others: above them, SQLite would choose the next rowids at random.
ROWIDS = [-2**63, -2**63 + 1, -2**40, -200, -6]
EDGES = ROWIDS + [0, 127, 128, 2**31, 2**56, 2**63 - 2, 2**63 - 1]


class StatementMaker:
    """Makes SQL from a random.Random; `page_size` says how long a text that overflows is."""

    def __init__(self, random, page_size):
        self.random = random
        self.page_size = page_size
        self.columns_added = 0
        self.indexes_made = 0

    # Values, as SQL

    def integer(self):
        r = self.random
        return str(r.choice(INTEGERS) if r.random() < 0.25 else r.randint(-20, 120))

    def text(self):
        r = self.random
        if r.random() < 0.1:
            return f"'{self.long_text(r.randint(0, 3 * self.page_size))}'"
        return f"'{r.choice(WORDS)}{r.choice(['', '', str(r.randint(0, 99))])}'"

    def long_text(self, length):
        piece = "".join(self.random.choice("abcdefghijklmnopqrstuvwxyzäß") for _ in range(53))
        return (piece * (length // 53 + 1))[:length]

    def blob(self):
        r = self.random
        length = r.choice([0, 1, 3, 20]) if r.random() < 0.9 else r.randint(0, 2 * self.page_size)
        return "x'" + r.randbytes(length).hex() + "'"

    def value(self):
        r = self.random
        kind = r.randrange(10)
        if kind == 0:
            return "NULL"
        if kind < 4:
            return self.integer()
        if kind < 6:
            return r.choice(REALS) if r.random() < 0.5 else str(round(r.uniform(-50, 1000), 3))
        return self.text() if kind < 9 else self.blob()

    def of_type(self, kind):
        null = self.random.random() < 0.1
        if kind == "INT":
            return "NULL" if null else self.integer()
        if kind == "REAL":
            return "NULL" if null else str(round(self.random.uniform(-9, 9), 2))
        if kind == "TEXT":
            return "NULL" if null else self.text()
        return "NULL" if null else self.blob()

    def small(self, most=60):
        return str(self.random.randint(1, most))

    # Rows

    def plain_row(self):
        return (f"{self.value()}, {self.value()}, {self.value()}, {self.value()}, {self.random.randint(0, 99)}, "
                f"{self.value()}, {self.text()}")

    def insert(self):
        r = self.random
        verb = r.choice(["INSERT", "INSERT", "INSERT OR IGNORE", "INSERT OR REPLACE"])
        table = r.choice(["plain", "plain", "keyed", "pairs", "twice", "exact", "exact_keys", "made", "parent", "child",
                          "later", "big", "wide", "names", "edges"])
        if table == "edges":
            return f"{verb} INTO edges VALUES ({r.choice(EDGES)}, {self.value()})"
        if table == "plain":
            columns = 'a, b, c, d, e, f, "odd name"'
            if r.random() < 0.15:
                return f"{verb} INTO plain(rowid, {columns}) VALUES ({r.choice(ROWIDS)}, {self.plain_row()})"
            rows = ", ".join(f"({self.plain_row()})" for _ in range(r.randint(1, 4)))
            return f"{verb} INTO plain({columns}) VALUES {rows}"
        if table == "keyed":
            return f"{verb} INTO keyed(name, n) VALUES ({self.text()}, {self.value()})"
        if table == "pairs":
            return (f"{verb} INTO pairs VALUES ({self.text()}, {self.small()}, {self.value()}, {self.value()})"
                    + (" ON CONFLICT DO UPDATE SET v = excluded.v" if verb == "INSERT" and r.random() < 0.5 else ""))
        if table == "twice":
            return f"{verb} INTO twice VALUES ({self.text()}, {self.small(20)}, {self.value()})"
        if table == "exact":
            values = ", ".join(self.of_type(kind) for kind in ("INT", "REAL", "TEXT", "BLOB"))
            return f"{verb} INTO exact VALUES ({values}, {self.value()})"
        if table == "exact_keys":
            return f"{verb} INTO exact_keys VALUES ({self.integer()}, {self.value()})"
        if table == "made":
            return f"{verb} INTO made(a, b) VALUES ({self.small()}, {self.of_type('INT')})"
        if table == "parent":
            return f"{verb} INTO parent VALUES ({self.small()}, {self.text()})"
        if table == "child":
            code = r.choice(["NULL", "NULL", self.text()])
            # SQLite misses violations of a REPLACE in a table that refers to itself.
            return f"{verb.replace('REPLACE', 'IGNORE')} INTO child VALUES ({self.small()}, {self.small()}, {code}, {r.choice(['NULL', self.small()])})"
        if table == "later":
            return f"INSERT INTO later VALUES ({self.small()}, {self.small()})"
        if table == "big":
            length = r.choice([10, self.page_size, 5 * self.page_size, 20 * self.page_size])
            return (f"{verb} INTO big(body, data) VALUES ('{self.long_text(length)}', "
                    f"zeroblob({r.randint(0, 4 * self.page_size)}))")
        if table == "wide":
            columns = r.sample(range(1, 131), r.randint(1, 130))
            return (f"{verb} INTO wide({', '.join(f'c{n}' for n in columns)}) "
                    f"VALUES ({', '.join(self.value() if n < 5 else self.small() for n in range(len(columns)))})")
        return f"INSERT INTO names(name, n) VALUES ({self.text()}, {self.small()})"

    # Changes of rows that are there

    def update(self):
        r = self.random
        return r.choice([
            lambda: f"UPDATE plain SET e = e + 1, b = {self.text()} WHERE e < {self.small(99)}",
            lambda: f"UPDATE plain SET c = c * 3, f = {self.value()} WHERE e BETWEEN {self.small()} AND {self.small(99)}",
            lambda: f"UPDATE plain SET d = {self.blob()}, a = {self.value()} WHERE rowid = {self.small()}",
            lambda: f"UPDATE plain SET rowid = {r.choice(ROWIDS)} WHERE rowid = {self.small()}",
            lambda: f"UPDATE plain SET e = {r.choice(['13', '99', 'NULL', '5'])} WHERE rowid = {self.small()}",
            lambda: f"UPDATE keyed SET n = n + 1 WHERE id > {self.small()}",
            lambda: f"UPDATE OR REPLACE keyed SET name = {self.text()} WHERE id = {self.small()}",
            lambda: f"UPDATE OR IGNORE pairs SET k2 = {self.small()}, w = {self.value()} WHERE k2 = {self.small()} AND k1 = 'a'",
            lambda: f"UPDATE OR IGNORE twice SET w = {self.value()} WHERE k2 = {self.small(20)}",
            lambda: f"UPDATE pairs SET v = {self.value()} WHERE k2 < {self.small()}",
            lambda: f"UPDATE exact SET x = {self.value()}, t = {self.of_type('TEXT')} WHERE i < {self.small()}",
            lambda: f"UPDATE exact_keys SET x = coalesce({self.value()}, 1) WHERE i < {self.small()}",
            lambda: f"UPDATE made SET a = a + {self.small()} WHERE s < {self.small()}",
            lambda: f"UPDATE made SET b = NULL WHERE rowid = {self.small()}",
            lambda: f"UPDATE parent SET p = {self.small()} WHERE p = {self.small()}",
            lambda: f"UPDATE later SET p = {self.small()} WHERE x = {self.small()}",
            lambda: f"UPDATE child SET boss = {self.small()} WHERE c = {self.small()}",
            lambda: f"UPDATE big SET body = substr(body, 1, {r.choice([5, 600, 5000])}) WHERE id % 3 = {r.randrange(3)}",
            lambda: f"UPDATE big SET data = zeroblob({r.randint(0, 9 * self.page_size)}) WHERE id = {self.small(30)}",
            lambda: f"UPDATE edges SET r = {r.choice(EDGES)}, x = {self.value()} WHERE r = {r.choice(EDGES)}",
            lambda: f"UPDATE wide SET c{self.small(130)} = {self.value()} WHERE c{self.small(130)} > {self.small()}",
        ])()

    def delete(self):
        r = self.random
        return r.choice([
            lambda: f"DELETE FROM plain WHERE e = {self.small(99)}",
            lambda: f"DELETE FROM plain WHERE rowid = {r.choice(ROWIDS)}",
            lambda: f"DELETE FROM keyed WHERE id = {self.small()}",
            lambda: f"DELETE FROM pairs WHERE k2 = {self.small()}",
            lambda: f"DELETE FROM twice WHERE k1 < 'b' AND k2 = {self.small(20)}",
            lambda: f"DELETE FROM exact WHERE i % 7 = {r.randrange(7)}",
            lambda: f"DELETE FROM exact_keys WHERE i = {self.integer()}",
            lambda: f"DELETE FROM made WHERE v LIKE '{r.randrange(10)}%'",
            lambda: f"DELETE FROM parent WHERE p = {self.small()}",
            lambda: f"DELETE FROM later WHERE x % 4 = {r.randrange(4)}",
            lambda: f"DELETE FROM child WHERE c = {self.small()}",
            lambda: f"DELETE FROM edges WHERE r = {r.choice(EDGES)}",
            lambda: f"DELETE FROM big WHERE id % 5 = {r.randrange(5)}",
            lambda: f"DELETE FROM wide WHERE c{self.small(130)} < {self.small(30)}",
        ])()

    # Changes of the schema and the file

    def define(self):
        r = self.random
        kind = r.randrange(11)
        if kind == 0:
            self.columns_added += 1
            table = r.choice(["plain", "big", "pairs"])
            return f"ALTER TABLE {table} ADD COLUMN added_{self.columns_added} {r.choice(['', 'TEXT DEFAULT 5', 'INT NOT NULL DEFAULT 2.0'])}"
        if kind == 1:
            self.indexes_made += 1
            column = r.choice(["a", "c", "e DESC", "e % 5", "b COLLATE BINARY", "upper(b) DESC"])
            return f"CREATE INDEX made_here_{self.indexes_made} ON plain({column})"
        if kind == 2:
            return f"DROP INDEX IF EXISTS made_here_{r.randint(1, 3)}"
        if kind == 3:
            return "CREATE TABLE passing(x INTEGER PRIMARY KEY, y UNIQUE)"
        if kind == 4:
            return ("INSERT INTO passing WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400) "
                    "SELECT i, 'row ' || i FROM n")
        if kind == 5:
            return "DROP TABLE IF EXISTS passing"
        if kind == 6:
            return r.choice(["REINDEX", "REINDEX plain_c", "REINDEX NOCASE"])
        if kind == 7:
            return r.choice(["PRAGMA incremental_vacuum(3)", "PRAGMA incremental_vacuum"])
        if kind == 8:
            return f"PRAGMA {r.choice(['user_version', 'application_id'])} = {self.integer()}"
        if kind == 9:
            return r.choice(["ANALYZE", "ANALYZE plain"])
        return "VACUUM"

    def script(self, length):
        """Statements, one a line, some of them in transactions."""
        r = self.random
        statements = ["PRAGMA foreign_keys = ON"]
        level = 0  # of 0: no transaction, 1: in one, 2: in a savepoint of it
        for _ in range(length):
            kind = r.random()
            if kind < 0.08:
                if level == 0:
                    statements.append("BEGIN")
                    level = 1
                elif level == 1:
                    statements.append(r.choice(["COMMIT", "COMMIT", "ROLLBACK", "SAVEPOINT s"]))
                    level = 2 if statements[-1] == "SAVEPOINT s" else 0
                else:
                    statements.append(r.choice(["RELEASE s", "ROLLBACK TO s"]))
                    level = 1 if statements[-1] == "RELEASE s" else 2
            elif kind < 0.5:
                statements.append(self.insert())
            elif kind < 0.75:
                statements.append(self.update())
            elif kind < 0.9:
                statements.append(self.delete())
            else:
                statements.append(self.define())
        if level > 0:
            statements.append(r.choice(["COMMIT", "ROLLBACK"]))
        return statements
