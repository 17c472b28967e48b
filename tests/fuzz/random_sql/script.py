"""A whole script from a seed: schema, data, statements of all kinds, and a look at what is left."""
from changes import Changes
from definitions import Definitions
from expressions import Expressions
from maintenance import Maintenance
from model import Column, Schema, Statement, Table
from queries import Queries
from source import Source
from triggers import Triggers


class ScriptMaker:
    def __init__(self, seed, weights, length):
        self.source = Source(seed, weights)
        self.schema = Schema()
        self.length = length
        self.expressions = Expressions(self.source)
        self.queries = Queries(self.source, self.schema, self.expressions)
        self.expressions.queries = self.queries
        self.definitions = Definitions(self.source, self.schema, self.expressions, self.queries)
        self.changes = Changes(self.source, self.schema, self.expressions, self.queries)
        self.triggers = Triggers(self.source, self.schema, self.expressions, self.changes)
        self.maintenance = Maintenance(self.source, self.schema)

    def make(self):
        return self.set_up() + self.body() + self.closing()

    def set_up(self):
        source = self.source
        statements = self.maintenance.first()
        statements += [Statement(f"PRAGMA foreign_keys = {source.pick(['ON', 'ON', 'OFF'])}", "set up")]
        if source.chance(0.3):
            statements.append(Statement("PRAGMA recursive_triggers = ON", "set up"))
        statements += [self.definitions.table() for _ in range(source.number(2, 4))]
        log = Table("log", [Column("id", "INTEGER", rowid=True), Column("who", "TEXT"), Column("x"), Column("y")],
                    key=["id"], has_rowid=True)
        statements.append(Statement("CREATE TABLE log(id INTEGER PRIMARY KEY, who TEXT, x, y)", "set up"))
        for table in self.schema.tables + [log]:
            statements += self.changes.seed(table)
        weights = source.weights
        makers = (("index", 4, self.definitions.index), ("view", 2, self.definitions.view),
                  ("trigger", 3, self.triggers.trigger))
        for name, most, make in makers:
            statements += [make() for _ in range(source.number(0, most * weights[name] // 10))]
        self.schema.tables.append(log)
        return statements

    def body(self):
        kinds = ("query", "insert", "update", "delete", "upsert", "transaction", "inspect", "definition",
                 "maintenance", "mistake")
        return [self.statement(self.source.of(*kinds)) for _ in range(self.length)]

    def statement(self, kind):
        if kind == "query":
            return self.queries.statement()
        if kind == "inspect":
            return self.inspection(self.source.pick(self.schema.tables))
        if kind == "definition":
            return self.definition()
        if kind == "maintenance":
            return self.maintenance.statement()
        if kind == "mistake":
            return self.mistake()
        return getattr(self.changes, kind)()

    def definition(self):
        definitions = self.definitions
        makers = [definitions.index, definitions.index, definitions.alter, definitions.alter, definitions.view,
                  self.triggers.trigger, definitions.copy, definitions.rename_or_drop]
        return self.source.pick(makers)()

    def inspection(self, table):
        """All rows of a table with their rowids, or what a pragma says of it."""
        if self.source.chance(0.15):
            pragma = self.source.pick(["table_info", "table_xinfo", "index_list", "foreign_key_list"])
            return Statement(f"PRAGMA {pragma}({table.name})", "inspect")
        return self.contents(table)

    def contents(self, table):
        columns = ["rowid"] if table.has_rowid else []
        keys = tuple(range(len(table.columns) + len(columns)))
        order = ", ".join(str(key + 1) for key in keys)
        names = ", ".join(columns + table.names())
        return Statement(f"SELECT {names} FROM {table.name} ORDER BY {order}", "inspect", keys)

    def mistake(self):
        """A statement with something amiss, for the text of its error."""
        source = self.source
        table = source.pick(self.schema.tables)
        column = source.pick(table.names())
        sql = source.pick([
            f"SELECT nope FROM {table.name}", "SELECT * FROM nope", f"SELECT {column} FROM {table.name} WHERE",
            f"SELECT x.{column} FROM {table.name}", f"INSERT INTO {table.name} VALUES (1)",
            f"INSERT INTO {table.name}({column}, nope) VALUES (1, 2)", f"UPDATE {table.name} SET nope = 1",
            f"SELECT abs(1, 2) FROM {table.name}", f"SELECT nope({column}) FROM {table.name}",
            f"SELECT {column} FROM {table.name} a, {table.name} b", f"SELECT sum(sum({column})) FROM {table.name}",
            f"SELECT 1 UNION SELECT 1, 2 FROM {table.name}", f"SELECT {column} FROM {table.name} ORDER BY 9",
            f"SELECT ({column}, 1) FROM {table.name}", f"SELECT * FROM {table.name} WHERE count(*) > 1",
            f"CREATE TABLE {table.name}(a)", f"SELECT {column} FROM {table.name} GROUP BY 7",
            f"INSERT INTO {table.name} SELECT 1", f"DELETE FROM {table.name} WHERE ({column}, 1) = 1",
            f"SELECT CASE WHEN {column} THEN 1 FROM {table.name}",
            f"SELECT {column} {column} {column} FROM {table.name}",
            f"CREATE INDEX i9 ON {table.name}(nope)", f"DROP VIEW {table.name}",
            f"SELECT {column} COLLATE nope FROM {table.name} ORDER BY 1",
            f"SELECT {column} FROM {table.name} LIMIT 'x'", f"SELECT max(DISTINCT {column}, 1) FROM {table.name}",
            f"SELECT {column} FROM {table.name} HAVING 1", f"SELECT row_number() FROM {table.name}",
            f"UPDATE {table.name} SET ({column}, rowid) = (1)",
            f"SELECT {column} FROM {table.name} JOIN log USING (nope)",
        ])
        return Statement(sql, "mistake")

    def closing(self):
        statements = [Statement("COMMIT", "transaction")]
        statements += [self.contents(table) for table in self.schema.tables]
        for pragma in ("PRAGMA integrity_check", "PRAGMA foreign_key_check",
                       "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name <> 'sqlite_stat4'"):
            statements.append(Statement(pragma, "inspect"))
        return statements
