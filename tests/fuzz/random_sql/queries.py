"""SELECT: joins, grouping, compounds, common table expressions, windows, and the subqueries of expressions."""
import collections
import dataclasses
import re

from aggregates import Aggregates
from expressions import COLLATIONS
from model import Column, Scope, Statement, Table
from recursion import Recursion
from windows import Windows

JOINS = ["JOIN", "INNER JOIN", "LEFT JOIN", "LEFT JOIN", "LEFT OUTER JOIN", "RIGHT JOIN", "FULL JOIN",
         "FULL OUTER JOIN", "CROSS JOIN", ","]
NESTING_MAX = 2


@dataclasses.dataclass
class Select:
    """A SELECT without its ORDER BY, and what may follow it."""
    sql: str
    outputs: list  # the texts of the output columns; empty after a *
    names: list  # their aliases, None where there is none
    scope: Scope = None  # of its FROM, where ORDER BY may name those columns


def counts(text):
    """Whether GROUP BY and ORDER BY would take the text for the number of an output column."""
    return re.fullmatch(r"[-+ ()]*\w+[ )]*( COLLATE \w+)?", text) is not None and re.search(r"\d", text[:4]) is not None


def qualified(name, columns):
    return [(f"{name}.{column.name}", column) for column in columns]


class Queries:
    def __init__(self, source, schema, expressions):
        self.source = source
        self.schema = schema
        self.expressions = expressions
        self.aggregates = Aggregates(source, expressions)
        self.windows = Windows(source, expressions, self.aggregates)
        self.recursion = Recursion(self)
        self.nesting = 0
        self.common = []  # the common table expressions that may be named here

    # Statements.

    def statement(self):
        kind = self.source.of("plain", "aggregate", "grouped", "compound", "values", "cte", "recursive", "window",
                              "lookup", "json")
        return getattr(self, kind)()

    def plain(self):
        return self.ordered(self.select())

    def json(self):
        return Statement(self.expressions.json.query(), "query")

    def lookup(self):
        """Columns of one table by conditions on its columns, in an order of its columns: what indexes are made for."""
        source = self.source
        table = source.pick(self.schema.tables)
        columns = table.names() + (["rowid"] if table.has_rowid and source.chance(0.3) else [])
        scope = Scope([(column.name, column) for column in table.columns])
        outputs = source.some(columns, 1)
        where = f" WHERE {self.expressions.conjunction(scope)}" if source.chance(0.85) else ""
        distinct = "DISTINCT " if source.chance(0.15) else ""
        core = f"SELECT {distinct}{', '.join(outputs)} FROM {table.name}{where}"
        return self.ordered(Select(core, outputs, [None] * len(outputs)))

    def aggregate(self):
        return Statement(self.grouping(None, groups=0).sql, "query")

    def grouped(self):
        return self.ordered(self.grouping(None, groups=self.source.number(1, 2)))

    def window(self):
        return self.ordered(self.window_select(None))

    def window_select(self, outer, width=None):
        source = self.source
        text, scope = self.from_clause(outer)
        clause, named = self.windows.definitions(scope) if source.chance(0.25) else ("", [])
        count = width or source.number(2, 4)
        plain = source.number(0, min(2, count - 1))
        outputs = [self.expressions.column(scope) for _ in range(plain)]
        outputs += [self.windows.window(scope, named) for _ in range(count - plain)]
        if source.chance(0.15):
            outputs[-1] = f"{outputs[-1]} {source.pick(['+', '||', '='])} {self.expressions.column(scope)}"
        core = f"SELECT {', '.join(outputs)} FROM {text}{self.where(scope)}{clause}"
        return Select(core, outputs, [None] * len(outputs))

    def values(self):
        rows = self.rows(self.source.number(1, 3))
        if self.source.chance(0.5):
            return Statement(rows, "query")
        return self.ordered(Select(f"SELECT * FROM ({rows})", [], []))

    def rows(self, width):
        source = self.source
        return "VALUES " + ", ".join("(" + ", ".join(source.literal() for _ in range(width)) + ")"
                                     for _ in range(source.number(1, 4)))

    def compound(self):
        return self.ordered(self.compound_select(None, self.source.number(1, 3)), plain_keys=True)

    def compound_select(self, outer, width):
        source = self.source
        first = self.select(outer, width, simple=True)
        sql = first.sql
        for _ in range(source.number(1, 2)):
            operator = source.pick(["UNION", "UNION ALL", "INTERSECT", "EXCEPT"])
            sql += f" {operator} {self.select(outer, width, simple=True).sql}"
        return Select(sql, first.outputs, first.names)

    def with_clause(self):
        """A WITH of one table, which the statement after it may name; the caller forgets it then."""
        name, width = self.source.name("q"), self.source.number(1, 3)
        body = self.any_select(None, width)
        names = [f"k{n}" for n in range(width)]
        self.common.append(Table(name, [Column(n) for n in names], writable=False))
        return f"WITH {name}({', '.join(names)}) AS ({body.sql}) "

    def cte(self):
        source = self.source
        before = list(self.common)
        parts = []
        for _ in range(source.number(1, 2)):
            name, width = source.name("q"), source.number(1, 3)
            body = self.any_select(None, width)
            names = [f"k{n}" for n in range(width)]
            hint = source.pick(["", "", "", "MATERIALIZED ", "NOT MATERIALIZED "])
            parts.append(f"{name}({', '.join(names)}) AS {hint}({body.sql})")
            self.common.append(Table(name, [Column(n) for n in names], writable=False))
        query = source.pick([self.plain, self.plain, self.grouped, self.compound, self.window])()
        self.common = before
        query.sql = f"WITH {', '.join(parts)} {query.sql}"
        return query

    def recursive(self):
        before = list(self.common)
        text = self.recursion.definition()
        query = self.source.pick([self.plain, self.grouped, self.window])()
        self.common = before
        query.sql = f"WITH RECURSIVE {text} {query.sql}"
        return query

    # Their parts.

    def any_select(self, outer, width):
        """A whole SELECT of that many columns for a place that takes one, now and then with a LIMIT."""
        roll = self.source.roll()
        if roll < 0.2:
            select = self.compound_select(outer, width)
        elif roll < 0.4:
            select = self.grouping(outer, groups=self.source.number(0, 1), width=width)
        elif roll < 0.46 and self.source.has("inner_window"):
            select = self.window_select(outer, width)
        else:
            select = self.select(outer, width)
        return self.inner_ordered(select, width) if self.source.has("inner_order") else select

    def inner_ordered(self, select, width):
        """The SELECT with an ORDER BY of its own, by all columns where a LIMIT follows."""
        source = self.source
        columns = source.some(list(range(1, width + 1)), width)
        terms = [f"{n}{source.pick(['', '', ' DESC', ' NULLS LAST'])}" for n in columns]
        limit = f" LIMIT {source.number(0, 5)}{source.pick(['', '', ' OFFSET 1', ' OFFSET 2'])}"
        if source.chance(0.2):
            terms, limit = terms[:1], ""
        return dataclasses.replace(select, sql=f"{select.sql} ORDER BY {', '.join(terms)}{limit}")

    def select(self, outer=None, width=None, simple=False):
        source = self.source
        text, scope = self.from_clause(outer)
        if width is None and source.chance(0.12):
            relation, dot, _ = scope.columns[0][0].partition(".")
            star = f"{relation}.*" if dot and source.chance(0.4) else "*"
            return Select(f"SELECT {star} FROM {text}{self.where(scope)}", [], [])
        outputs = [self.expressions.value(scope, source.number(0, 2)) for _ in range(width or source.number(1, 4))]
        names = [None if simple or source.chance(0.7) else source.name("o") for _ in outputs]
        listed = ", ".join(f"{out} AS {name}" if name else out for out, name in zip(outputs, names))
        distinct = source.pick(["DISTINCT ", "ALL "]) if source.chance(0.15) else ""
        return Select(f"SELECT {distinct}{listed} FROM {text}{self.where(scope)}", outputs, names,
                      None if distinct == "DISTINCT " else scope)

    def grouping(self, outer, groups, width=None):
        source = self.source
        text, scope = self.from_clause(outer)
        count = width or groups + source.number(1, 3)
        groups = min(groups, count)
        # Before 3.51 SQLite knew no outer columns in GROUP BY.
        own = Scope(scope.columns)
        keys = [self.expressions.column(own) if source.chance(0.7) else self.expressions.value(own, 1)
                for _ in range(groups)]
        outputs = list(keys)
        while len(outputs) < count:
            aggregate = self.aggregates.call(scope)
            if keys and width is None and source.has("group_window"):
                outputs.append(self.windows.over_groups(keys, aggregate))
            else:
                outputs.append(aggregate if source.chance(0.8) else f"{aggregate} + {self.aggregates.call(scope)}")
        sql = f"SELECT {', '.join(outputs)} FROM {text}{self.where(scope)}"
        if keys:
            by = [str(n + 1) if source.chance(0.15) or counts(key) else key for n, key in enumerate(keys)]
            sql += f" GROUP BY {', '.join(by)}"
        if source.chance(0.3 if keys else 0.08):
            sql += f" HAVING {self.aggregates.condition(scope)}"
        return Select(sql, outputs, [None] * len(outputs))

    def where(self, scope):
        source = self.source
        if source.chance(0.3):
            return ""
        if source.chance(0.3):
            return f" WHERE {self.expressions.conjunction(scope)}"
        terms = [self.expressions.condition(scope, 2 if source.chance(0.3) else 1)
                 for _ in range(source.pick([1, 1, 1, 1, 2]))]
        if len(terms) > 1:
            terms = [f"({term})" for term in terms]
        return f" WHERE {' AND '.join(terms)}"

    def from_clause(self, outer):
        """FROM's text, and a Scope of its columns."""
        source = self.source
        counts_of_items = [1, 1, 1, 1, 2, 2, 2, 3] + ([3, 4] if source.has("wide_join") else [])
        count = source.pick(counts_of_items) if self.nesting < NESTING_MAX else 1
        text, columns = self._joined(count, outer)
        # A bare name works where only one relation has it.
        if source.chance(0.4):
            seen = collections.Counter(column.name for _, column in columns)
            columns = [(c.name if seen[c.name] == 1 else t, c) for t, c in columns]
        return text, Scope(columns, outer)

    def _joined(self, count, outer):
        """(text, columns) of that many relations and the joins between them."""
        text, columns = "", []
        for n in range(count):
            item, fresh = self.from_item(outer, columns)
            join, on = "", ""
            if n:
                names = {column.name for _, column in columns}
                shared = [column.name for _, column in fresh if column.name in names]
                join, on = self.join(shared, Scope(columns + fresh, outer))
            text += (join if join == ", " or not n else f" {join} ") + item + on
            columns = columns + fresh
        return text, columns

    def from_item(self, outer, before):
        """(text, columns) of a table, a view, a subquery, a function, or a join in parentheses."""
        source = self.source
        if self.nesting < NESTING_MAX:
            if source.chance(0.1):
                return self._from_subquery(outer if source.has("correlated") else None)
            if source.has("nested_join"):
                self.nesting += 1
                text, columns = self._joined(2, outer)
                self.nesting -= 1
                return f"({text})", columns
        if before and source.has("from_function"):
            return self._from_function(before)
        if self.common and source.chance(0.6):
            relation = source.pick(self.common)
        elif self.schema.views and source.chance(0.15):
            relation = source.pick(self.schema.views)
        else:
            relation = source.pick(self.schema.tables)
        name = source.name("t")
        hint = ""
        if relation.indexes and source.has("indexed_by"):
            hint = f" INDEXED BY {source.pick(relation.indexes)}"
        elif relation.indexes and source.chance(0.05):
            hint = " NOT INDEXED"
        return f"{relation.name} {source.pick(['AS ', ''])}{name}{hint}", qualified(name, relation.columns)

    def _from_subquery(self, outer):
        """Names for the columns come from a common table expression, which works for any body."""
        source = self.source
        self.nesting += 1
        width = source.number(1, 3)
        body = self.any_select(outer, width)
        self.nesting -= 1
        name, inner = source.name("d"), source.name("q")
        outputs = [f"y{n}" for n in range(width)]
        text = f"(WITH {inner}({', '.join(outputs)}) AS ({body.sql}) SELECT * FROM {inner}) AS {name}"
        return text, qualified(name, [Column(output) for output in outputs])

    def _from_function(self, before):
        """A table-valued function of the columns of the relations before it."""
        source = self.source
        name = source.name("j")
        argument = source.pick(before)[0]
        function = source.pick(["json_each", "json_each", "json_tree"])
        items = ", ".join([f"typeof({argument})"] + [source.integer() for _ in range(source.number(0, 2))])
        text = f"{function}(json_array({items})) AS {name}"
        return text, qualified(name, [Column("key"), Column("value"), Column("type", "TEXT")])

    def join(self, shared, scope):
        """How a relation joins those before it: the operator, and ON or USING."""
        source = self.source
        join = source.pick(JOINS)
        if join == "," and source.chance(0.7):
            join = "JOIN"
        if join == ",":
            return ", ", ""
        if join != "CROSS JOIN" and source.has("natural"):
            return f"NATURAL {join}", ""
        if shared and source.has("using"):
            return join, f" USING ({', '.join(source.some(shared, 1, 2))})"
        if source.chance(0.93):
            return join, f" ON {self.join_condition(scope)}"
        return join, ""

    def join_condition(self, scope):
        source = self.source
        left, right = source.pick(scope.columns)[0], source.pick(scope.columns)[0]
        condition = f"{left} {source.pick(['=', '=', '=', '=', 'IS', '<', '>='])} {right}"
        if source.chance(0.3):
            condition += f" {source.pick(['AND', 'AND', 'AND', 'OR'])} {self.expressions.simple(scope)}"
        return condition

    def ordered(self, select, plain_keys=False):
        """The statement, with or without ORDER BY and LIMIT. A LIMIT follows only an order by all columns."""
        source = self.source
        width = len(select.outputs)
        if not width or source.chance(0.35):
            return Statement(select.sql, "query")
        limited = source.chance(0.35)
        keys = source.some(list(range(width)), width if limited else 1)
        terms = []
        for key in keys:
            term = str(key + 1)
            if select.names[key] and source.chance(0.5):
                term = select.names[key]
            elif not plain_keys and source.chance(0.25) and not counts(select.outputs[key]):
                term = f"({select.outputs[key]})"
            if source.has("order_collation"):
                term += f" COLLATE {source.pick(COLLATIONS)}"
            term += source.pick(["", "", " ASC", " DESC"])
            if source.chance(0.1):
                term += source.pick([" NULLS FIRST", " NULLS LAST"])
            terms.append(term)
        if select.scope and source.has("correlated") and source.chance(0.3):
            # An order by something else comes first; what is left for this one to check is then nothing.
            terms.insert(0, self.scalar(select.scope))
            keys = []
        sql = f"{select.sql} ORDER BY {', '.join(terms)}"
        if limited:
            offset = source.pick(["", "", f" OFFSET {source.number(0, 4)}", " OFFSET -1"])
            sql += f" LIMIT {source.pick([str(source.number(0, 6)), '2 + 1', '-1', '3'])}{offset}"
        return Statement(sql, "query", tuple(keys), limited)

    # Subqueries of expressions.

    def scalar(self, scope):
        if self.nesting >= NESTING_MAX:
            return self.source.literal()
        self.nesting += 1
        roll = self.source.roll()
        if roll < 0.6:
            text = f"({self.grouping(scope, groups=0, width=1).sql})"
        elif roll < 0.8:
            select = self.select(scope, 1, simple=True)
            text = f"({select.sql} ORDER BY 1{self.source.pick(['', ' DESC'])} LIMIT 1)"
        else:
            text = f"{self.source.pick(['', 'NOT '])}EXISTS ({self.any_select(scope, 1).sql})"
        self.nesting -= 1
        return text

    def membership(self, scope, negation):
        source = self.source
        if self.nesting >= NESTING_MAX:
            return self.expressions.simple(scope)
        self.nesting += 1
        roll = source.roll()
        if roll < 0.3:
            text = f"{negation}EXISTS ({self.any_select(scope, source.number(1, 2)).sql})"
        elif roll < 0.85:
            text = f"{self.expressions.column(scope)} {negation}IN ({self.any_select(scope, 1).sql})"
        elif roll < 0.93:
            pair = f"({self.expressions.column(scope)}, {self.expressions.column(scope)})"
            body = self.any_select(scope, 2).sql if source.chance(0.6) else self.rows(2)
            text = f"{pair} {negation}IN ({body})"
        elif roll < 0.96:
            pair = f"({self.expressions.column(scope)}, {self.expressions.column(scope)})"
            select = self.inner_ordered(self.select(scope, 2, simple=True), 2)
            text = f"{pair} {source.pick(['=', '<', '>=', 'IS', '<>'])} ({select.sql})"
        else:
            operator = source.pick(["=", "<", ">=", "IS"])
            text = f"{self.expressions.column(scope)} {operator} ({self.grouping(scope, 0, 1).sql})"
        self.nesting -= 1
        return text
