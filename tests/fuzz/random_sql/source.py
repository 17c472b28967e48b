"""The one source of chance of a script, and the literals and data that scripts are made of."""
import random

INTEGERS = [str(n) for n in range(-3, 13)] + ["20", "100", "-17"]
LIMITS = ["9223372036854775807", "-9223372036854775808", "9223372036854775808", "4294967296",
          "2147483648", "-2147483649", "9007199254740993", "0x7fffffffffffffff", "0xff"]
REALS = ["0.5", "1.5", "-2.25", "3.75", "0.1", "10.5", "100.125"]
ODD_REALS = ["1.0", "-0.0", "2.0", "1e3", "1e15", "1e300", "9e999", "-1e-10", "5.", ".5", "12345678901234567890"]
WORDS = ["a", "A", "b", "B", "c", "abc", "ABC", "aBc", "b c", "zebra", "Ab", ""]
NUMBER_WORDS = ["1", "2", "10", "9", "1.5", "-3", "1e1", " 4", "5 ", "0x10", "12abc", "1.0", "+7", "."]
ODD_WORDS = ["a%", "a_c", "a*", "[ab]", "é", "É", "日本", "it''s", "a ", "a  ", "null", "\\", "-", "1e999"]
BLOBS = ["x''", "x'61'", "x'616263'", "x'41'", "x'31'", "x'0102ff'", "x'e697a5'"]
PATTERNS = ["a%", "%b%", "_", "a_c", "%", "A%", "%c", "", "1%", "a\\%%", "b _", "%é%"]
GLOBS = ["a*", "*b*", "?", "a?c", "*", "[a-c]*", "[^a]*", "1*", "", "[]]", "*[0-9]"]
DATES = ["2024-02-29", "2023-12-31 23:59:59", "2000-01-01T12:30", "1969-07-20 20:17:40.125", "12:34",
         "2460000.5", "not a date"]
MODIFIERS = ["+1 day", "-1 month", "start of month", "weekday 0", "+1.5 hours", "start of year", "+1 year",
             "unixepoch", "-90 minutes", "+00:30", "julianday"]

# What a part of the grammar weighs beside the others of its group; `--weight NAME=N` changes one.
WEIGHTS = {
    # statements of a script's body
    "query": 60, "insert": 16, "update": 9, "delete": 4, "upsert": 5, "transaction": 6, "inspect": 8,
    "definition": 4, "maintenance": 3, "mistake": 1,
    # kinds of queries
    "plain": 40, "lookup": 15, "json": 3, "aggregate": 12, "grouped": 16, "compound": 10, "values": 1, "cte": 8, "recursive": 3,
    "window": 8,
    # parts of a script
    "trigger": 10, "view": 10, "index": 10,
    # of a hundred tables, columns, or whatever has the feature
    "foreign_key": 35, "strict": 12, "without_rowid": 35, "generated": 8, "check": 12, "collation": 15,
    "order_collation": 6, "natural": 12, "using": 15, "returning": 20, "newer": 100, "json_value": 2, "indexed_by": 4,
    "temporary": 5, "column_reference": 4, "utf16": 6, "stat4": 100,
    # of a hundred places in a query or a change
    "inner_order": 12, "inner_window": 100, "group_window": 15, "correlated": 30, "wide_join": 50, "nested_join": 3,
    "from_function": 4, "with_change": 6,
    # values
    "limits": 3, "odd_reals": 3, "odd_words": 5, "number_words": 8, "blob": 100,
}


class Source:
    """Chance with a seed: the same seed gives the same script."""

    def __init__(self, seed, weights):
        self.random = random.Random(seed)
        self.weights = weights
        self.roll = self.random.random
        self._names = 0

    def chance(self, probability):
        return self.roll() < probability

    def pick(self, items):
        return items[int(self.roll() * len(items))]

    def number(self, low, high):
        """An integer from low to high, both included."""
        return low + int(self.roll() * (high - low + 1))

    def some(self, items, low=1, high=None):
        """Some of the items, in an order of their own."""
        high = min(len(items), high if high is not None else len(items))
        return self.random.sample(items, self.number(min(low, high), high))

    def of(self, *names):
        """One of the names, by their weights."""
        total = sum(self.weights[name] for name in names)
        left = self.roll() * total
        for name in names:
            left -= self.weights[name]
            if left < 0:
                return name
        return names[-1]

    def name(self, prefix):
        """A name that this script has not used yet."""
        self._names += 1
        return f"{prefix}{self._names}"

    def has(self, name):
        """Chance in a hundred, by the weight of that name."""
        return self.roll() * 100 < self.weights[name]

    def integer(self):
        return self.pick(LIMITS if self.has("limits") else INTEGERS)

    def real(self):
        return self.pick(ODD_REALS if self.has("odd_reals") else REALS)

    def word(self):
        if self.has("number_words"):
            return f"'{self.pick(NUMBER_WORDS)}'"
        return f"'{self.pick(ODD_WORDS if self.has('odd_words') else WORDS)}'"

    def blob(self):
        return self.pick(BLOBS)

    def literal(self):
        """Any literal."""
        roll = self.roll()
        if roll < 0.4:
            return self.integer()
        if roll < 0.75:
            return self.word()
        if roll < 0.87:
            return self.real()
        if roll < 0.96 or not self.has("blob"):
            return "NULL"
        return self.blob()

    def datum(self, column):
        """A value such as a row of this column may hold, or now and then one that it may not."""
        roll = self.roll()
        if roll < (0.03 if column.not_null else 0.1):
            return "NULL"
        if column.rowid and roll < 0.99:
            return self.pick(INTEGERS) if roll < 0.8 else "NULL"
        if roll > (0.985 if column.strict else 0.93):
            return self.literal()
        if column.affinity == "INTEGER":
            return self.integer()
        if column.affinity == "REAL":
            return self.real() if self.chance(0.7) else self.integer()
        if column.affinity == "NUMERIC":
            return self.pick([self.integer, self.real, self.word])()
        if column.affinity == "TEXT":
            return self.word()
        if column.strict:
            return self.blob()
        blob = self.blob if self.has("blob") else self.word
        return self.pick([self.integer, self.word, self.word, self.real, blob])()
