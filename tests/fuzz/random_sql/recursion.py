"""Recursive common table expressions. All of them end: by a counter, by UNION, or by a LIMIT."""
from model import Column, Scope, Table


class Recursion:
    def __init__(self, queries):
        self.queries = queries
        self.source = queries.source

    def definition(self):
        """NAME(n, s) AS (...), known to the queries as a table from here on."""
        name = self.source.name("r")
        make = self.source.pick([self._counter, self._counter, self._walk, self._walk, self._two_steps, self._queue])
        body = make(name)
        self.queries.common.append(Table(name, [Column("n", "INTEGER"), Column("s")], writable=False))
        hint = self.source.pick(["", "", "", "MATERIALIZED ", "NOT MATERIALIZED "])
        return f"{name}(n, s) AS {hint}({body})"

    def _step(self):
        return self.queries.expressions.text(Scope([("s", Column("s"))]), 1)

    def _counter(self, name):
        source = self.source
        seed = f"SELECT {source.number(0, 2)}, {source.word()}"
        if source.chance(0.25):
            seed = f"VALUES ({source.number(0, 2)}, {source.word()}), ({source.number(0, 2)}, {source.word()})"
        elif source.chance(0.2):
            seed += f" UNION SELECT {source.number(0, 2)}, {source.literal()}"
        return (f"{seed} {source.pick(['UNION', 'UNION ALL'])} "
                f"SELECT n + 1, substr({self._step()}, 1, 8) FROM {name} WHERE n < {source.number(2, 8)}")

    def _walk(self, name):
        """Along two columns of a table, at most four steps far."""
        source = self.source
        table = source.pick(self.queries.schema.tables)
        first, second = source.pick(table.names()), source.pick(table.names())
        join = source.pick(["JOIN", "JOIN", "LEFT JOIN", "CROSS JOIN"])
        return (f"SELECT {first}, 0 FROM {table.name} UNION SELECT t.{second}, r.s + 1 FROM {name} AS r "
                f"{join} {table.name} AS t ON t.{first} = r.n WHERE r.s < 4")

    def _two_steps(self, name):
        source = self.source
        return (f"SELECT {source.number(1, 3)}, 'x' "
                f"UNION SELECT n * 2, s || 'd' FROM {name} WHERE n < {source.number(4, 20)} "
                f"UNION SELECT n + 3, s || 'p' FROM {name} WHERE n < {source.number(4, 12)}")

    def _queue(self, name):
        """With an ORDER BY, which says which row is worked on next, and a LIMIT."""
        source = self.source
        order = source.pick(["1, 2", "2, 1", "1 DESC, 2", "2 DESC, 1 DESC"])
        return (f"VALUES (1, 'a'), (2, 'b') "
                f"UNION ALL SELECT n + 1, s || n FROM {name} WHERE length(s) < {source.number(2, 5)} "
                f"UNION ALL SELECT n + 2, s || '.' FROM {name} WHERE length(s) < 4 "
                f"ORDER BY {order} LIMIT {source.number(1, 20)}{source.pick(['', ' OFFSET 2'])}")
