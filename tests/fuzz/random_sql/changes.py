"""INSERT with upserts, UPDATE, DELETE, and the transactions around them."""
from model import Column, Scope, Statement

ALGORITHMS = ["ROLLBACK", "ABORT", "FAIL", "IGNORE", "REPLACE"]


class Changes:
    def __init__(self, source, schema, expressions, queries):
        self.source = source
        self.schema = schema
        self.expressions = expressions
        self.queries = queries

    def target(self):
        if self.schema.views and self.source.chance(0.03):
            return self.source.pick(self.schema.views)
        return self.source.pick(self.schema.tables)

    def _or(self, probability=0.2):
        return f" OR {self.source.pick(ALGORITHMS)}" if self.source.chance(probability) else ""

    def _scope(self, table):
        return Scope([(column.name, column) for column in table.columns])

    def seed(self, table):
        """Several rows, those that a constraint refuses left out. A foreign key would refuse all of a statement."""
        source = self.source
        columns = table.settable()
        rows = ["(" + ", ".join(source.datum(c) for c in columns) + ")" for _ in range(source.number(5, 14))]
        names = ", ".join(column.name for column in columns)
        start = f"INSERT OR IGNORE INTO {table.name}({names}) VALUES "
        if table.foreign_key:
            return [Statement(start + row, "insert") for row in rows]
        return [Statement(start + ", ".join(rows), "insert")]

    def insert(self):
        source = self.source
        table = self.target()
        verb = "REPLACE" if source.chance(0.08) else f"INSERT{self._or()}"
        if source.chance(0.04):
            return Statement(f"{verb} INTO {table.name} DEFAULT VALUES{self.returning(table)}", "insert")
        columns = table.settable()
        named = ""
        if len(columns) < len(table.columns) or source.chance(0.6):
            columns = source.some(columns, max(1, len(columns) - 2))
            named = f"({', '.join(column.name for column in columns)})"
        start, before = "", list(self.queries.common)
        if source.chance(0.12):
            start = self.queries.with_clause() if source.has("with_change") else ""
            body = self._selected_rows(columns)
            self.queries.common = before
        else:
            rows = ["(" + ", ".join(self._datum(c) for c in columns) + ")"
                    for _ in range(source.pick([1, 1, 1, 2, 3]))]
            body = f"VALUES {', '.join(rows)}"
        return Statement(f"{start}{verb} INTO {table.name}{named} {body}{self.returning(table)}", "insert")

    def _datum(self, column):
        if self.source.chance(0.06):
            return self.expressions.value(Scope([]), 1)
        return self.source.datum(column)

    def _selected_rows(self, columns):
        """A few rows of another table, in an order by all columns: the new rowids depend on it."""
        width = len(columns)
        select = self.queries.select(None, width, simple=True)
        keys = ", ".join(str(n + 1) for n in range(width))
        return f"{select.sql} ORDER BY {keys} LIMIT {self.source.number(1, 4)}"

    def returning(self, table):
        source = self.source
        # Up to 3.50, SQLite takes RETURNING for a trigger, which lets views be changed.
        if table in self.schema.views or not source.has("returning"):
            return ""
        if source.chance(0.4):
            return " RETURNING *"
        scope = self._scope(table)
        return f" RETURNING {self.expressions.value(scope, 1)}, {self.expressions.column(scope)}"

    def upsert(self):
        source = self.source
        table = source.pick(self.schema.tables)
        columns = table.settable()
        rows = ", ".join("(" + ", ".join(source.datum(c) for c in columns) + ")" for _ in range(source.number(1, 2)))
        names = ", ".join(column.name for column in columns)
        body = f"VALUES {rows}"
        if source.chance(0.15):
            # WHERE keeps ON from being read as a join's.
            body = self._selected_rows(columns)
        count = source.pick([1, 1, 1, 1, 2, 2, 3])
        clauses = "".join(self._conflict_clause(table, columns, n + 1 == count) for n in range(count))
        return Statement(f"INSERT INTO {table.name}({names}) {body}{clauses}{self.returning(table)}", "upsert")

    def _conflict_clause(self, table, columns, last=True):
        """ON CONFLICT: only the last of several may do without saying which."""
        source = self.source
        goal = ""
        keys = [key for key in [table.key] + table.uniques if key]
        if table.goals and source.chance(0.4):
            goal = source.pick(table.goals)
        elif keys and source.chance(0.85 if last else 0.99):
            goal = f"({', '.join(source.pick(keys))})"
        elif source.chance(0.3 if last else 0.97):
            goal = f"({source.pick(table.names())})"
        return f" ON CONFLICT{goal} DO {self._upsert_action(table, columns, bool(goal))}"

    def _upsert_action(self, table, columns, has_goal):
        source = self.source
        if not has_goal and source.chance(0.6) or source.chance(0.25):
            return "NOTHING"
        scope = Scope([(f"excluded.{c.name}", c) for c in table.columns] + [(c.name, c) for c in table.columns])
        where = f" WHERE {self.expressions.condition(scope, 1)}" if source.chance(0.3) else ""
        return f"UPDATE SET {self._assignments(columns, scope)}{where}"

    def _assignments(self, columns, scope):
        source = self.source
        chosen = source.some(columns, 1, 2)
        if len(chosen) == 2 and source.chance(0.15):
            if source.chance(0.7):
                right = f"({self._assigned(chosen[0], scope)}, {self._assigned(chosen[1], scope)})"
            else:
                right = f"({self.queries.grouping(scope, 0, 2).sql})"
            return f"({chosen[0].name}, {chosen[1].name}) = {right}"
        return ", ".join(f"{column.name} = {self._assigned(column, scope)}" for column in chosen)

    def _assigned(self, column, scope):
        source = self.source
        roll = source.roll()
        if roll < 0.5 or column.rowid and roll < 0.8:
            return source.datum(column)
        if roll < 0.9 and column.rowid or roll < 0.7 and column.affinity in ("INTEGER", "REAL", "NUMERIC"):
            return f"{column.name} + {source.number(1, 30)}"
        return self.expressions.value(scope, 1)

    def update(self):
        source = self.source
        table = self.target()
        scope = self._scope(table)
        before = list(self.queries.common)
        start = self.queries.with_clause() if source.has("with_change") else ""
        joined = ""
        if source.chance(0.15):
            changed, joined, where = self._update_from(table)
        else:
            make = self.expressions.conjunction if source.chance(0.5) else self.expressions.condition
            where = f" WHERE {make(scope)}" if source.chance(0.85) else ""
            changed = self._assignments(table.settable(), scope)
            if table.has_rowid and source.chance(0.02):
                changed = f"rowid = {source.pick(['rowid', 'rowid', '_rowid_'])} + {source.pick(['100', '1', '-1'])}"
        self.queries.common = before
        return Statement(f"{start}UPDATE{self._or()} {table.name}{self._hint(table)} SET {changed}{joined}{where}"
                         f"{self.returning(table)}", "update")

    def _hint(self, table):
        """INDEXED BY, which UPDATE and DELETE take as well."""
        if table.indexes and self.source.has("indexed_by"):
            return f" INDEXED BY {self.source.pick(table.indexes)}"
        return ""

    def _update_from(self, table):
        """(assignments, FROM, WHERE). One match a row, so that the answer does not depend on the order of the join."""
        source = self.source
        other = source.pick(self.schema.tables)
        name = source.name("f")
        key = source.pick(other.columns).name
        counted = f"SELECT {key} AS k, count(*) AS n, max({other.columns[-1].name}) AS m FROM {other.name} GROUP BY 1"
        joined = f" FROM ({counted}) AS {name}"
        where = f" WHERE {table.name}.{source.pick(table.columns).name} = {name}.k"
        columns = [(f"{name}.{c}", Column(c)) for c in "nmk"]
        if source.chance(0.4):
            third = source.name("f")
            join = source.pick(["JOIN", "LEFT JOIN", "CROSS JOIN"])
            least = source.pick(table.names())
            joined += (f" {join} (SELECT count(*) AS c, min({least}) AS l FROM {table.name}) AS {third}"
                       f" ON {source.pick(['1', f'{third}.c > {name}.n', f'{third}.l IS NOT {name}.k'])}")
            columns += [(f"{third}.{c}", Column(c)) for c in "cl"]
        scope = Scope([(f"{table.name}.{c.name}", c) for c in table.columns] + columns)
        if source.chance(0.4):
            where += f" AND {self.expressions.condition(scope, 1)}"
        value = source.pick(columns)[0] if source.chance(0.6) else self.expressions.value(scope, 2)
        return f"{source.pick(table.settable()).name} = {value}", joined, where

    def delete(self):
        source = self.source
        table = self.target()
        before = list(self.queries.common)
        start = self.queries.with_clause() if source.has("with_change") else ""
        make = self.expressions.conjunction if source.chance(0.5) else self.expressions.condition
        where = f" WHERE {make(self._scope(table))}" if source.chance(0.97) else ""
        self.queries.common = before
        return Statement(f"{start}DELETE FROM {table.name}{self._hint(table)}{where}{self.returning(table)}", "delete")

    def body(self, table, scope):
        """A statement of a trigger's body, with new and old in the scope."""
        source = self.source
        roll = source.roll()
        columns = table.settable()
        names = ", ".join(column.name for column in columns)
        if roll < 0.5:
            values = [source.datum(c) if source.chance(0.5) else self.expressions.column(scope) for c in columns]
            if roll < 0.1:
                body = f"SELECT {', '.join(values)} WHERE {self.expressions.condition(scope, 1)}"
            else:
                body = f"VALUES ({', '.join(values)})"
            if roll > 0.35:
                return f"INSERT INTO {table.name}({names}) {body}{self._conflict_clause(table, columns)}"
            return f"INSERT{self._or(0.5)} INTO {table.name}({names}) {body}"
        column = source.pick(columns).name
        if roll < 0.55:
            changed, joined, where = self._update_from(table)
            return f"UPDATE{self._or(0.3)} {table.name} SET {changed}{joined}{where}"
        if roll < 0.8:
            return (f"UPDATE{self._or(0.3)} {table.name} SET {column} = {self.expressions.value(scope, 1)} "
                    f"WHERE {source.pick(table.columns).name} = {self.expressions.column(scope)}")
        if roll < 0.85:
            inner = Scope([(c.name, c) for c in table.columns], scope)
            return f"DELETE FROM {table.name} WHERE {self.expressions.condition(inner, 1)}"
        return f"DELETE FROM {table.name} WHERE {column} = {self.expressions.column(scope)}"

    def transaction(self):
        source = self.source
        return Statement(source.pick(["BEGIN", "BEGIN IMMEDIATE", "COMMIT", "COMMIT", "END", "ROLLBACK",
                                      "SAVEPOINT s1", "SAVEPOINT s2", "RELEASE s1", "RELEASE SAVEPOINT s2",
                                      "ROLLBACK TO s1", "ROLLBACK TRANSACTION TO SAVEPOINT s2"]), "transaction")
