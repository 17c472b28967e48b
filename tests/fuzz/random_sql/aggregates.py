"""Aggregate and window functions."""

FRAMES = ["ROWS UNBOUNDED PRECEDING", "ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING",
          "ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING", "ROWS BETWEEN 2 PRECEDING AND 1 PRECEDING",
          "ROWS BETWEEN 1 FOLLOWING AND 3 FOLLOWING", "RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
          "RANGE CURRENT ROW", "GROUPS BETWEEN 1 PRECEDING AND 1 FOLLOWING", "GROUPS 2 PRECEDING",
          "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING"]
OFFSET_FRAMES = ["RANGE BETWEEN 1 PRECEDING AND 1 FOLLOWING", "RANGE BETWEEN 2.5 PRECEDING AND CURRENT ROW",
                 "RANGE BETWEEN CURRENT ROW AND 3 FOLLOWING"]
EXCLUDES = [" EXCLUDE CURRENT ROW", " EXCLUDE TIES", " EXCLUDE GROUP", " EXCLUDE NO OTHERS"]


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
        name = source.pick(["count", "count", "sum", "total", "avg", "min", "max", "group_concat", "count(*)"])
        if name == "count(*)":
            text = "count(*)"
        elif name == "group_concat":
            return self.concatenation(scope)
        else:
            distinct = "DISTINCT " if source.chance(0.2) else ""
            text = f"{name}({distinct}{self.argument(scope)})"
        if source.chance(0.12):
            text += f" FILTER (WHERE {self.expressions.condition(scope, 1)})"
        return text

    def concatenation(self, scope):
        """group_concat in an order that is given, or only its length where it is not."""
        source = self.source
        column = self.expressions.column(scope, ("INTEGER", "TEXT"))
        if source.chance(0.4) and source.has("newer"):
            return f"group_concat({column}, '/' ORDER BY {column}{source.pick(['', ' DESC'])})"
        separator = source.pick(["", ", '-'", ", ''"])
        distinct = "DISTINCT " if not separator and source.chance(0.3) else ""
        name = "string_agg" if separator and source.chance(0.5) and source.has("newer") else "group_concat"
        return f"length({name}({distinct}{column}{separator}))"

    def condition(self, scope):
        source = self.source
        return f"{self.call(scope)} {source.pick(['>', '<', '=', '<>', '>=', 'IS NOT'])} {source.literal()}"

    def partition(self, scope):
        return f"PARTITION BY {self.expressions.column(scope)}" if self.source.chance(0.5) else ""

    def window(self, scope):
        """A window function. The order is by every column of a relation where rows beside each other matter."""
        source = self.source
        name = source.pick(["row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile", "lag", "lead",
                            "first_value", "last_value", "nth_value", "sum", "count", "min", "max", "avg", "total"])
        call = self._window_call(name, scope)
        columns = [text for text, _ in scope.columns]
        keys = ", ".join(f"{column}{source.pick(['', '', ' DESC'])}" for column in source.some(columns, len(columns)))
        frame = ""
        if name not in ("row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile", "lag", "lead"):
            if source.chance(0.6):
                frame = " " + source.pick(FRAMES) + (source.pick(EXCLUDES) if source.chance(0.2) else "")
            if name in ("sum", "count", "min", "max", "avg", "total") and source.chance(0.15):
                keys, frame = self.expressions.column(scope, ("INTEGER", "REAL")), " " + source.pick(OFFSET_FRAMES)
        elif name in ("rank", "dense_rank", "percent_rank", "cume_dist"):
            keys = self.expressions.column(scope)
        return f"{call} OVER ({self.partition(scope)} ORDER BY {keys}{frame})"

    def _window_call(self, name, scope):
        source = self.source
        if name in ("row_number", "rank", "dense_rank", "percent_rank", "cume_dist"):
            return f"{name}()"
        if name == "ntile":
            return f"ntile({source.number(1, 4)})"
        value = self.argument(scope)
        if name in ("lag", "lead"):
            more = source.pick(["", ", 2", ", 1, 'none'", ", 0"])
            return f"{name}({value}{more})"
        if name == "nth_value":
            return f"nth_value({value}, {source.number(1, 3)})"
        if name in ("sum", "count", "min", "max", "avg", "total") and source.chance(0.2):
            return f"{name}({value}) FILTER (WHERE {self.expressions.simple(scope)})"
        return f"{name}({value})"
