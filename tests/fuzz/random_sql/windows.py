"""Window functions: every function, frame and EXCLUDE, named windows, and windows over groups."""

RANKS = ["row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile"]
NEIGHBOURS = ["lag", "lead"]
PLACES = ["first_value", "last_value", "nth_value"]
SUMS = ["sum", "count", "min", "max", "avg", "total", "count(*)", "group_concat"]
EXCLUDES = [" EXCLUDE CURRENT ROW", " EXCLUDE TIES", " EXCLUDE GROUP", " EXCLUDE NO OTHERS"]
NULLS = ["", "", "", "", " NULLS FIRST", " NULLS LAST"]


class Windows:
    def __init__(self, source, expressions, aggregates):
        self.source = source
        self.expressions = expressions
        self.aggregates = aggregates

    def window(self, scope, named=()):
        """A call and its OVER. The order is by every column where it matters which of several peers comes first."""
        source = self.source
        name = source.pick(source.pick([RANKS, NEIGHBOURS, PLACES, SUMS, SUMS]))
        call = self._call(name, scope)
        if named and source.chance(0.6):
            over = source.pick(named)
        elif name in SUMS:
            over = f"({self._sum_window(scope)})"
        else:
            over = f"({self._place_window(name, scope)})"
        # In which order peers are joined is not said: only how long the text is.
        return f"length({call} OVER {over})" if name == "group_concat" else f"{call} OVER {over}"

    def _place_window(self, name, scope):
        source = self.source
        keys = self.every_key(scope)
        if name in ("rank", "dense_rank", "percent_rank", "cume_dist") and source.chance(0.7):
            keys = self._key(self.expressions.column(scope))
        frame = self.frame("ROWS") if name in PLACES and source.chance(0.6) else ""
        return f"{self.partition(scope)} ORDER BY {keys}{frame}"

    def _sum_window(self, scope):
        """What a sum does not mind: peers in any order, a frame of whole groups of peers."""
        source = self.source
        roll = source.roll()
        if roll < 0.15:
            return self.partition(scope)
        if roll < 0.5:
            frame = self.frame(source.pick(["ROWS", "GROUPS"])) if source.chance(0.8) else ""
            return f"{self.partition(scope)} ORDER BY {self.every_key(scope)}{frame}"
        if roll < 0.75:
            key = self._key(self.expressions.column(scope, ("INTEGER", "REAL")))
            return f"{self.partition(scope)} ORDER BY {key}{self.frame('RANGE')}"
        keys = ", ".join(self._key(self.expressions.column(scope)) for _ in range(source.number(1, 2)))
        return f"{self.partition(scope)} ORDER BY {keys}{self.frame('GROUPS')}"

    def definitions(self, scope):
        """(WINDOW clause, names): named windows, the second of them built upon the first."""
        source = self.source
        first, second = source.name("w"), source.name("w")
        plain = f"{first} AS ({self.partition(scope)})"
        if source.chance(0.5):
            return f" WINDOW {plain}, {second} AS ({first} ORDER BY {self.every_key(scope)})", [second]
        frame = self.frame("ROWS") if source.chance(0.7) else ""
        return f" WINDOW {first} AS ({self.partition(scope)} ORDER BY {self.every_key(scope)}{frame})", [first]

    def over_groups(self, keys, aggregate):
        """A window over the rows of a grouped query, in an order of its keys."""
        source = self.source
        order = ", ".join(self._key(key) for key in keys)
        call = source.pick([f"sum({aggregate})", "row_number()", f"lag({aggregate})", f"max({aggregate})", "count(*)"])
        frame = self.frame("ROWS") if source.chance(0.4) and "row_number" not in call and "lag" not in call else ""
        return f"{call} OVER (ORDER BY {order}{frame})"

    def partition(self, scope):
        if self.source.chance(0.5):
            return ""
        count = 1 if self.source.chance(0.8) else 2
        return "PARTITION BY " + ", ".join(self.expressions.column(scope) for _ in range(count))

    def every_key(self, scope):
        columns = [text for text, _ in scope.columns]
        return ", ".join(self._key(column) for column in self.source.some(columns, len(columns)))

    def _key(self, text):
        return f"{text}{self.source.pick(['', '', ' DESC'])}{self.source.pick(NULLS)}"

    def frame(self, unit):
        """A frame of that unit; its bounds are mostly in order."""
        source = self.source
        exclude = source.pick(EXCLUDES) if source.chance(0.3) else ""
        if source.chance(0.2):
            start = source.pick(["UNBOUNDED PRECEDING", "CURRENT ROW", f"{self._offset(unit)} PRECEDING"])
            return f" {unit} {start}{exclude}"
        start, end = sorted([source.number(0, 4), source.number(0, 4)])
        if source.chance(0.02):
            start, end = end, start
        return f" {unit} BETWEEN {self._bound(unit, start, 0)} AND {self._bound(unit, end, 4)}{exclude}"

    def _bound(self, unit, place, limit):
        if place in (0, 4) and place == limit:
            return "UNBOUNDED " + ("PRECEDING" if place == 0 else "FOLLOWING")
        if place == 2:
            return "CURRENT ROW"
        return f"{self._offset(unit)} {'PRECEDING' if place < 2 else 'FOLLOWING'}"

    def _offset(self, unit):
        source = self.source
        if unit == "RANGE":
            return source.pick(["0", "1", "2", "3", "10", "0.5", "2.5"])
        return source.pick(["0", "1", "1", "2", "3", "(1 + 1)"])

    def _call(self, name, scope):
        source = self.source
        if name == "ntile":
            return f"ntile({source.number(1, 4)})"
        if name in RANKS:
            return f"{name}()"
        if name in SUMS:
            return self._sum(name, scope)
        value = self.aggregates.argument(scope)
        if name in NEIGHBOURS:
            more = source.pick(["", ", 2", ", 1, 'none'", ", 0", f", 1, {self.expressions.column(scope)}"])
            return f"{name}({value}{more})"
        if name == "nth_value":
            return f"nth_value({value}, {source.number(1, 3)})"
        return f"{name}({value})"

    def _sum(self, name, scope):
        source = self.source
        value = self.aggregates.argument(scope)
        text = {"count(*)": "count(*)", "group_concat": f"group_concat({value}, '+')"}.get(name, f"{name}({value})")
        if source.chance(0.2) and name != "group_concat":
            text += f" FILTER (WHERE {self.expressions.simple(scope)})"
        return text
