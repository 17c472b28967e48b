"""CREATE TABLE, INDEX, VIEW and TRIGGER, and ALTER TABLE."""
from expressions import COLLATIONS
from model import STRICT_TYPES, TYPES, Column, Scope, Statement, Table

ACTIONS = ["CASCADE", "SET NULL", "SET DEFAULT", "RESTRICT", "NO ACTION"]
CONFLICTS = ["ROLLBACK", "ABORT", "FAIL", "IGNORE", "REPLACE"]
NAMES = ["a", "b", "c", "d", "e"]


def conflict(source, probability=0.12):
    return f" ON CONFLICT {source.pick(CONFLICTS)}" if source.chance(probability) else ""


class Definitions:
    def __init__(self, source, schema, expressions, queries):
        self.source = source
        self.schema = schema
        self.expressions = expressions
        self.queries = queries

    def table(self):
        """CREATE TABLE. The table is known from here on, whether or not the statement works."""
        source = self.source
        strict = source.has("strict")
        table = Table(source.name("tab"), [], has_rowid=True, temporary=source.has("temporary"))
        self.schema.tables.append(table)
        parts = []
        style = source.pick(["none", "rowid", "rowid", "autoincrement", "column", "composite", "composite"])
        names = NAMES[:source.number(2, 5)]
        for n, name in enumerate(names):
            parts.append(self._column(table, name, strict, style if n == 0 else "none"))
        if style == "composite":
            table.key = source.some(names, 1, 2)
            parts.append(f"PRIMARY KEY ({', '.join(self._key_part(c) for c in table.key)}){conflict(source)}")
        if source.chance(0.25):
            unique = source.some(names, 1, 2)
            table.uniques.append(unique)
            parts.append(f"UNIQUE ({', '.join(self._key_part(c) for c in unique)}){conflict(source)}")
        if source.has("check"):
            name = f"CONSTRAINT {source.name('ck')} " if source.chance(0.5) else ""
            parts.append(f"{name}CHECK ({self._check(table)})")
        if source.has("foreign_key") and not table.temporary:
            table.foreign_key = True
            parts += self._foreign_key(table)
        options = ["STRICT"] if strict else []
        if table.key and style != "autoincrement" and source.has("without_rowid"):
            options.append("WITHOUT ROWID")
            table.has_rowid = False
        source.random.shuffle(options)
        temporary = source.pick(["TEMP ", "TEMPORARY "]) if table.temporary else ""
        return Statement(f"CREATE {temporary}TABLE {table.name}({', '.join(parts)}) {', '.join(options)}".rstrip(),
                         "set up")

    def _key_part(self, column):
        source = self.source
        collate = f" COLLATE {source.pick(COLLATIONS)}" if source.chance(0.06) else ""
        return f"{column}{collate}{' DESC' if source.chance(0.12) else ''}"

    def _column(self, table, name, strict, style):
        source = self.source
        affinities = ["INTEGER", "INTEGER", "TEXT", "TEXT", "REAL", "BLOB"] + ([] if strict else ["NUMERIC"])
        affinity = source.pick(affinities)
        column = Column(name, affinity, strict=strict)
        declared = source.pick((STRICT_TYPES if strict else TYPES)[affinity])
        text = f"{name} {declared}".rstrip()
        if style in ("rowid", "autoincrement"):
            column.affinity, column.rowid, table.key = "INTEGER", True, [name]
            descending = " DESC" if style == "rowid" and source.chance(0.05) else ""
            text = f"{name} INTEGER PRIMARY KEY{descending}{conflict(source)}"
            text += " AUTOINCREMENT" if style == "autoincrement" else ""
        elif style == "column":
            table.key = [name]
            text += f" PRIMARY KEY{conflict(source)}"
        elif table.columns and style == "none" and source.has("generated"):
            column.generated = True
            scope = self._scope(table.columns)
            words, kind = source.pick(["GENERATED ALWAYS ", ""]), source.pick(["STORED", "VIRTUAL", ""])
            text += f" {words}AS ({self._stored(scope)}) {kind}"
        table.columns.append(column)
        return (text + self._column_constraints(table, column)).rstrip()

    def _column_constraints(self, table, column):
        source = self.source
        text = ""
        if source.chance(0.15):
            column.not_null = True
            text += f" NOT NULL{conflict(source)}"
        if source.chance(0.1):
            table.uniques.append([column.name])
            text += f" UNIQUE{conflict(source)}"
        if column.affinity != "INTEGER" and source.has("collation"):
            text += f" COLLATE {source.pick(COLLATIONS)}"
        if source.chance(0.2) and not column.generated:
            default = source.datum(column)
            text += f" DEFAULT {default if source.chance(0.7) else f'({self.expressions.number(Scope([]), 1)})'}"
        if source.chance(0.08):
            text += f" CHECK ({self.expressions.simple(self._scope([column]))})"
        if self.schema.tables and source.has("column_reference") and not table.temporary:
            table.foreign_key = True
            text += self._reference(column, table)
        return text

    def _reference(self, column, table):
        """A column's own foreign key, to its own table or another one."""
        source = self.source
        parent = table if source.chance(0.4) else source.pick(self.schema.tables)
        keys = [key[0] for key in [parent.key] + parent.uniques if len(key) == 1]
        named = f"({source.pick(keys)})" if keys else ""
        return f" REFERENCES {parent.name}{named}{self._actions()}"

    def _actions(self):
        source = self.source
        text = ""
        for event in ("DELETE", "UPDATE"):
            if source.chance(0.6):
                text += f" ON {event} {source.pick(ACTIONS)}"
        return text + source.pick(["", "", "", " DEFERRABLE INITIALLY DEFERRED", " NOT DEFERRABLE"])

    def _scope(self, columns):
        return Scope([(column.name, column) for column in columns])

    def _stored(self, scope):
        """An expression that may be stored: no subqueries, and always the same answer."""
        queries, self.expressions.queries = self.expressions.queries, None
        text = self.source.pick([self.expressions.number, self.expressions.text])(scope, 2)
        self.expressions.queries = queries
        return text

    def _check(self, table):
        column = self.source.pick(table.columns).name
        return self.source.pick([f"{column} IS NOT 7", f"length({column}) < 6", f"{column} <> 'zebra'",
                                 f"typeof({column}) <> 'blob'", f"{column} < 11 OR {column} IS NULL"])

    def _foreign_key(self, table):
        source = self.source
        parent = source.pick(self.schema.tables)
        keys = [key for key in [parent.key] + parent.uniques if key]
        key = source.pick(keys) if keys and source.chance(0.93) else source.some(parent.names(), 1, 1)
        if len(key) > len(table.columns):
            return []
        child = source.some(table.names(), len(key), len(key))
        named = f"({', '.join(key)})" if key != parent.key or source.chance(0.6) else ""
        return [f"FOREIGN KEY ({', '.join(child)}) REFERENCES {parent.name}{named}{self._actions()}"]

    def index(self):
        source = self.source
        table = source.pick(self.schema.tables)
        name = source.name("ix")
        parts, goals = [], []
        for column in source.some(table.names(), 1, 3):
            if source.chance(0.15):
                part = self._stored(self._scope(table.columns))
            else:
                part = column
            if source.chance(0.1):
                part += f" COLLATE {source.pick(COLLATIONS)}"
            goals.append(part)
            parts.append(part + source.pick(["", "", "", " DESC", " ASC"]))
        unique = "UNIQUE " if source.chance(0.2) else ""
        where = ""
        if source.chance(0.2):
            queries, self.expressions.queries = self.expressions.queries, None
            where = f" WHERE {self.expressions.simple(self._scope(table.columns))}"
            self.expressions.queries = queries
        if unique:
            table.goals.append(f"({', '.join(goals)}){where}")
        table.indexes.append(name)
        return Statement(f"CREATE {unique}INDEX {name} ON {table.name}({', '.join(parts)}){where}", "definition")

    def view(self):
        source = self.source
        width = source.number(1, 3)
        select = self.queries.any_select(None, width)
        if source.chance(0.1):
            select = self.queries.window_select(None, width)
        name = source.name("v")
        temporary = "TEMP " if source.has("temporary") else ""
        names = [f"{source.pick(NAMES)}" if n == 0 else f"x{n}" for n in range(width)]
        self.schema.views.append(Table(name, [Column(n) for n in names], writable=False))
        return Statement(f"CREATE {temporary}VIEW {name}({', '.join(names)}) AS {select.sql}", "definition")

    def copy(self):
        """CREATE TABLE AS. The rows get their rowids in an order by all columns."""
        width = self.source.number(1, 3)
        select = self.queries.select(None, width, simple=True)
        name = self.source.name("cp")
        names = ", ".join(f"{n + 1}" for n in range(width))
        aliases = ", ".join(f"c{n}" for n in range(width))
        inner = self.source.name("q")
        self.schema.tables.append(Table(name, [Column(f"c{n}") for n in range(width)], has_rowid=True))
        return Statement(f"CREATE TABLE {name} AS WITH {inner}({aliases}) AS ({select.sql}) SELECT * FROM {inner} "
                         f"ORDER BY {names}", "definition")

    def rename_or_drop(self):
        source = self.source
        table = source.pick(self.schema.tables)
        if source.chance(0.6) or table.name == "log":
            old, table.name = table.name, source.name("rn")
            return Statement(f"ALTER TABLE {old} RENAME TO {table.name}", "definition")
        if len(self.schema.tables) > 3:
            self.schema.tables.remove(table)
            return Statement(f"DROP TABLE {table.name}", "definition")
        return Statement("DROP TABLE IF EXISTS nope", "definition")

    def alter(self):
        source = self.source
        table = source.pick(self.schema.tables)
        kind = source.number(0, 6)
        if kind <= 1 and len(table.columns) < 7:
            return self._add_column(table)
        if kind == 2 and table.indexes:
            name = table.indexes.pop()
            return Statement(f"DROP INDEX {name}", "definition")
        if kind == 3 and self.schema.triggers:
            return Statement(f"DROP TRIGGER {self.schema.triggers.pop()}", "definition")
        if kind == 4:
            column = source.pick(table.columns)
            old, column.name = column.name, source.name("m")
            table.key = [column.name if key == old else key for key in table.key]
            return Statement(f"ALTER TABLE {table.name} RENAME COLUMN {old} TO {column.name}", "definition")
        if kind == 5 and len(table.columns) > 2:
            column = table.columns[-1] if source.chance(0.7) else source.pick(table.columns)
            return Statement(f"ALTER TABLE {table.name} DROP COLUMN {column.name}", "definition")
        if kind == 6 and len(self.schema.views) > 1:
            return Statement(f"DROP VIEW {self.schema.views.pop().name}", "definition")
        return self.index()

    def _add_column(self, table):
        source = self.source
        column = Column(source.name("n"), source.pick(["INTEGER", "TEXT", "REAL"]))
        added = f"{column.name} {column.affinity}"
        if source.chance(0.5):
            added += f" DEFAULT {source.datum(column)}"
        if source.chance(0.15):
            added += f" CHECK ({self.expressions.simple(self._scope([column]))})"
        if source.chance(0.1):
            added += " NOT NULL"
        if source.has("collation"):
            added += f" COLLATE {source.pick(COLLATIONS)}"
        if source.has("column_reference") and not table.temporary:
            added += self._reference(column, table)
        if source.has("generated") and "DEFAULT" not in added:
            column.generated = True
            added += f" AS ({self._stored(self._scope(table.columns))}) {source.pick(['VIRTUAL', 'STORED', ''])}"
        table.columns.append(column)
        return Statement(f"ALTER TABLE {table.name} ADD COLUMN {added.rstrip()}", "definition")
