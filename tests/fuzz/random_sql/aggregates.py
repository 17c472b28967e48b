"""Aggregate functions: DISTINCT, FILTER, and an ORDER BY of their own."""
from model import Scope

SIMPLE = ["count", "count", "sum", "total", "avg", "min", "max"]
ORDERED = ["group_concat", "string_agg", "json_group_array", "json_group_object", "sum", "count", "max", "avg"]


class Aggregates:
    def __init__(self, source, expressions):
        self.source = source
        self.expressions = expressions

    def argument(self, scope):
        if self.source.chance(0.7):
            return self.expressions.column(scope)
        return self.expressions.value(scope, 1)

    def call(self, scope):
        source = self.source
        name = source.pick(SIMPLE + ["group_concat", "count(*)"])
        if source.has("newer") and source.chance(0.12):
            text = self.ordered_call(scope)
        elif name == "count(*)":
            text = "count(*)"
        elif name == "group_concat":
            return self.concatenation(scope)
        else:
            distinct = "DISTINCT " if source.chance(0.2) else ""
            text = f"{name}({distinct}{self.argument(scope)})"
        if source.chance(0.12):
            text += f" FILTER (WHERE {self.expressions.condition(scope, 1)})"
        return text

    def ordered_call(self, scope):
        """An aggregate with an ORDER BY by all columns there are, after which the order is no chance any more."""
        source = self.source
        name = source.pick(ORDERED)
        columns = [text for text, _ in scope.columns]
        keys = ", ".join(f"{column}{source.pick(['', '', ' DESC', ' DESC NULLS LAST', ' NULLS LAST'])}"
                         for column in source.some(columns, len(columns)))
        value = self.expressions.column(scope)
        if name.startswith("json"):
            value = self.expressions.column(scope, ("INTEGER", "TEXT"))  # a blob is no JSON
        arguments = {"string_agg": f"{value}, '/'", "json_group_object": f"'k' || {value}, {value}"}.get(name, value)
        if name == "group_concat" and source.chance(0.5):
            arguments += f", {source.pick([source.word(), self.expressions.column(scope)])}"
        return f"{name}({arguments} ORDER BY {keys})" if keys else f"{name}({arguments})"

    def concatenation(self, scope):
        """group_concat in an order that is given, or only its length where it is not."""
        source = self.source
        column = self.expressions.column(scope, ("INTEGER", "TEXT"))
        if source.chance(0.4) and source.has("newer"):
            distinct = "DISTINCT " if source.chance(0.2) else ""
            separator = "" if distinct else ", '/'"
            return f"group_concat({distinct}{column}{separator} ORDER BY {column}{source.pick(['', ' DESC'])})"
        separator = source.pick(["", ", '-'", ", ''"])
        distinct = "DISTINCT " if not separator and source.chance(0.3) else ""
        name = "string_agg" if separator and source.chance(0.5) and source.has("newer") else "group_concat"
        return f"length({name}({distinct}{column}{separator}))"

    def condition(self, scope):
        source = self.source
        operator = source.pick(['>', '<', '=', '<>', '>=', 'IS NOT'])
        queries = self.expressions.queries
        if queries and source.has("correlated") and source.chance(0.5):
            return f"{self.call(scope)} {operator} {queries.scalar(scope.outer or Scope([]))}"
        if source.chance(0.15):
            return f"{self.call(scope)} BETWEEN {source.literal()} AND {self.call(scope)}"
        return f"{self.call(scope)} {operator} {source.literal()}"
