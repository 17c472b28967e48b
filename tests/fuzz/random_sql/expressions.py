"""Expressions: every operator, the scalar functions, subqueries, over the columns of a scope."""
from json_grammar import JsonGrammar
from model import Scope
from source import DATES, GLOBS, MODIFIERS, PATTERNS

COMPARISONS = ["=", "=", "==", "<>", "!=", "<", "<=", ">", ">=", "IS", "IS NOT", "IS DISTINCT FROM",
               "IS NOT DISTINCT FROM", "<>", "<", ">", ">=", "<="]
ARITHMETIC = ["+", "+", "-", "-", "*", "/", "%", "&", "|", "<<", ">>"]
COLLATIONS = ["NOCASE", "BINARY", "RTRIM"]
CASTS = ["INTEGER", "REAL", "TEXT", "NUMERIC", "BLOB", "INT", "VARCHAR(5)"]


class Expressions:
    """Texts of expressions. `queries` makes the subqueries; without it there are none."""

    def __init__(self, source):
        self.source = source
        self.queries = None
        self.json = JsonGrammar(source, self)

    def _reach(self, scope):
        """The scope itself or, now and then, one around it."""
        while scope.outer is not None and (not scope.columns or self.source.chance(0.2)):
            scope = scope.outer
        return scope

    def column(self, scope, affinities=None):
        """A column of the scope or of one around it; a literal if there is none."""
        scope = self._reach(scope)
        if not scope.columns:
            return self.source.literal()
        if affinities:
            fitting = [text for text, column in scope.columns if column.affinity in affinities]
            if fitting and self.source.chance(0.8):
                return self.source.pick(fitting)
        return self.source.pick(scope.columns)[0]

    def value(self, scope, depth=2):
        """Any expression at all."""
        source = self.source
        roll = source.roll()
        if depth <= 0 or roll < 0.3:
            return self.column(scope) if source.chance(0.75) else source.literal()
        if source.has("json_value"):
            return self.json.value(scope)
        if roll < 0.5:
            return self.number(scope, depth)
        if roll < 0.68:
            return self.text(scope, depth)
        if roll < 0.76:
            return self.condition(scope, depth - 1)
        if roll < 0.84:
            return self.case(scope, depth - 1)
        if roll < 0.9:
            return self.choice(scope, depth - 1)
        if roll < 0.94:
            return f"CAST({self.value(scope, depth - 1)} AS {source.pick(CASTS)})"
        if roll < 0.96:
            return f"{self.value(scope, depth - 1)} COLLATE {source.pick(COLLATIONS)}"
        if roll < 0.985 and self.queries:
            return self.queries.scalar(scope)
        return self.date(scope)

    def case(self, scope, depth):
        source = self.source
        base = f" {self.value(scope, depth)}" if source.chance(0.4) else ""
        arms = ""
        for _ in range(source.number(1, 2)):
            test = self.value(scope, depth) if base else self.condition(scope, depth)
            arms += f" WHEN {test} THEN {self.value(scope, depth)}"
        other = f" ELSE {self.value(scope, depth)}" if source.chance(0.7) else ""
        return f"CASE{base}{arms}{other} END"

    def choice(self, scope, depth):
        source = self.source
        first, second = self.value(scope, depth), self.value(scope, depth)
        name = source.pick(["coalesce", "ifnull", "nullif", "iif", "min", "max", "likely"])
        if name == "iif":
            return f"iif({self.condition(scope, depth)}, {first}, {second})"
        if name == "likely":
            return f"{source.pick(['likely', 'unlikely', 'typeof', 'hex'])}({first})"
        if name in ("coalesce", "min", "max") and source.chance(0.4):
            return f"{name}({first}, {second}, {self.value(scope, depth)})"
        return f"{name}({first}, {second})"

    def date(self, scope):
        source = self.source
        when = f"'{source.pick(DATES)}'" if source.chance(0.8) else self.column(scope)
        modifiers = "".join(f", '{source.pick(MODIFIERS)}'" for _ in range(source.number(0, 2)))
        name = source.pick(["date", "time", "datetime", "julianday", "unixepoch", "strftime"])
        if name == "strftime":
            return f"strftime('{source.pick(['%Y-%m', '%j', '%s', '%H:%M:%f', '%w %W', '%d/%m'])}', {when}{modifiers})"
        return f"{name}({when}{modifiers})"

    def operand(self, make, scope, depth):
        """An operand, in parentheses or not: precedence is a thing to test as well."""
        text = make(scope, depth)
        return f"({text})" if " " in text and self.source.chance(0.6) else text

    def number(self, scope, depth=2):
        source = self.source
        roll = source.roll()
        if depth <= 0 or roll < 0.3:
            if source.chance(0.7):
                return self.column(scope, ("INTEGER", "REAL", "NUMERIC"))
            return source.integer() if source.chance(0.7) else source.real()
        if roll < 0.7:
            left = self.operand(self.number, scope, depth - 1)
            return f"{left} {source.pick(ARITHMETIC)} {self.operand(self.number, scope, depth - 1)}"
        if roll < 0.76:
            return f"{source.pick(['- ', '+ ', '~ '])}{self.operand(self.number, scope, depth - 1)}"
        if roll < 0.8:
            return f"CAST({self.value(scope, depth - 1)} AS {source.pick(['INTEGER', 'REAL', 'NUMERIC'])})"
        return self.number_call(scope, depth - 1)

    def number_call(self, scope, depth):
        source = self.source
        name = source.pick(["abs", "length", "round", "round", "sign", "instr", "unicode", "max", "min", "ceil",
                            "floor", "trunc", "sqrt", "pow", "mod"] + (["octet_length"] if source.has("newer") else []))
        if name in ("length", "unicode", "octet_length"):
            return f"{name}({self.value(scope, depth)})"
        if name == "instr":
            return f"instr({self.value(scope, depth)}, {self.text(scope, depth)})"
        if name == "round" and source.chance(0.5):
            return f"round({self.number(scope, depth)}, {source.number(-1, 4)})"
        if name in ("max", "min", "pow", "mod"):
            return f"{name}({self.number(scope, depth)}, {self.number(scope, 0)})"
        return f"{name}({self.number(scope, depth)})"

    def text(self, scope, depth=2):
        source = self.source
        roll = source.roll()
        if depth <= 0 or roll < 0.3:
            return self.column(scope, ("TEXT", "BLOB")) if source.chance(0.7) else source.word()
        if roll < 0.5:
            left = self.operand(self.text, scope, depth - 1)
            return f"{left} || {self.operand(self.value, scope, depth - 1)}"
        return self.text_call(scope, depth - 1)

    def text_call(self, scope, depth):
        source = self.source
        newer = ["concat", "unhex"] if source.has("newer") else []
        name = source.pick(["upper", "lower", "substr", "substr", "replace", "trim", "ltrim", "rtrim", "hex",
                            "typeof", "printf", "format", "char", "CAST"] + newer)
        first = self.value(scope, depth)
        if name == "substr":
            start, count = self.number(scope, 0), f", {source.number(-3, 4)}" if source.chance(0.6) else ""
            start = start if source.chance(0.3) else source.number(-4, 4)
            return f"{source.pick(['substr', 'substring'])}({first}, {start}{count})"
        if name == "replace":
            # Before 3.50, nothing to replace left a number a number.
            pattern = source.word() if source.has("newer") else "'b'"
            return f"replace({first}, {pattern}, {self.text(scope, depth)})"
        if name in ("trim", "ltrim", "rtrim"):
            return f"{name}({first}, {source.word()})" if source.chance(0.4) else f"{name}({first})"
        if name in ("printf", "format"):
            shape = source.pick(["%d", "%5d", "%-4s|", "%.2f", "%x", "%q", "%Q", "%05.1f", "%s", "%+d", "%c", "%,d",
                                 "%w", "%%", "%e", "%.3s", "%o"])
            return f"{name}('{shape}', {first})"
        if name == "char":
            return f"char({source.number(65, 70)}, {source.number(97, 100)})"
        if name == "concat":
            return f"{name}({source.word()}, {first}, {self.value(scope, depth)})"
        if name == "CAST":
            return f"CAST({first} AS TEXT)"
        return f"{name}({first})"

    def condition(self, scope, depth=2):
        source = self.source
        roll = source.roll()
        if depth > 0 and roll < 0.2:
            left = self.operand(self.condition, scope, depth - 1)
            return f"{left} {source.pick(['AND', 'AND', 'OR'])} {self.operand(self.condition, scope, depth - 1)}"
        if depth > 0 and roll < 0.24:
            return f"NOT {self.operand(self.condition, scope, depth - 1)}"
        if roll < 0.5:
            return self.simple(scope)
        if roll < 0.62:
            left = self.operand(self.value, scope, depth - 1)
            return f"{left} {source.pick(COMPARISONS)} {self.operand(self.value, scope, depth - 1)}"
        negation = source.pick(["", "", "NOT "])
        if roll < 0.69:
            low, high = self.bound(scope), self.bound(scope)
            return f"{self.operand(self.value, scope, depth - 1)} {negation}BETWEEN {low} AND {high}"
        if roll < 0.76:
            return self.pattern(scope, depth, negation)
        if roll < 0.83:
            items = ", ".join(self.bound(scope) for _ in range(source.number(0 if source.chance(0.1) else 1, 4)))
            return f"{self.operand(self.value, scope, depth - 1)} {negation}IN ({items})"
        if roll < 0.9 and self.queries:
            return self.queries.membership(scope, negation)
        return self.rare_condition(scope, depth, negation)

    def simple(self, scope):
        """A column beside a value that it may well hold: what indexes are for."""
        source = self.source
        scope = self._reach(scope)
        if not scope.columns:
            return f"{source.literal()} {source.pick(COMPARISONS)} {source.literal()}"
        column, about = source.pick(scope.columns)
        collate = f" COLLATE {source.pick(COLLATIONS)}" if source.chance(0.06) else ""
        negation = "NOT " if source.chance(0.1) else ""
        roll = source.roll()
        if roll < 0.1:
            items = ", ".join(source.datum(about) for _ in range(source.number(1, 5)))
            return f"{column}{collate} {negation}IN ({items})"
        if roll < 0.2:
            return f"{column}{collate} {negation}BETWEEN {source.datum(about)} AND {source.datum(about)}"
        if roll < 0.25:
            return f"{column} IS {negation}NULL"
        bound = source.datum(about) if source.chance(0.8) else self.bound(scope)
        operator = source.pick(COMPARISONS)
        if source.chance(0.1):
            return f"{bound} {operator} {column}{collate}"
        return f"{column}{collate} {operator} {bound}"

    def conjunction(self, scope):
        """Several simple conditions, as an index of several columns likes them."""
        terms = [self.simple(scope) for _ in range(self.source.pick([1, 1, 2, 2, 3]))]
        joined = " AND ".join(terms)
        return f"({joined}) OR {self.simple(scope)}" if self.source.chance(0.15) else joined

    def bound(self, scope):
        return self.source.literal() if self.source.chance(0.85) else self.column(scope)

    def pattern(self, scope, depth, negation):
        source = self.source
        left = self.operand(self.text, scope, depth - 1)
        if source.chance(0.35):
            return f"{left} {negation}GLOB '{source.pick(GLOBS)}'"
        escape = " ESCAPE '\\'" if source.chance(0.25) else ""
        right = f"'{source.pick(PATTERNS)}'" if source.chance(0.85) else self.text(scope, 0)
        return f"{left} {negation}LIKE {right}{escape}"

    def rare_condition(self, scope, depth, negation):
        source = self.source
        column = self.column(scope)
        kind = source.number(0, 5)
        if kind == 0:
            return f"{column} {source.pick(['ISNULL', 'NOTNULL', 'IS NULL', 'IS NOT NULL', 'NOT NULL'])}"
        if kind == 1 and scope.columns:  # in rows of VALUES, SQLite up to 3.53 takes TRUE for 1
            truth = source.pick(["TRUE", "FALSE", "NOT TRUE", "NOT FALSE"])
            return f"{self.operand(self.value, scope, depth - 1)} IS {truth}"
        if kind == 2:
            pair = f"({column}, {self.column(scope)})"
            operator = source.pick(["=", "<", "<=", ">", ">=", "<>", "IS"])
            return f"{pair} {operator} ({self.bound(scope)}, {self.bound(scope)})"
        if kind == 3:
            return source.pick(["TRUE", "FALSE", "1", "0", "NULL", "'1'", "0.5"])
        if kind == 4:
            low, high = self.bound(scope), self.bound(scope)
            return f"({column}, {self.column(scope)}) {negation}BETWEEN ({low}, 1) AND ({high}, 2)"
        return self.operand(self.value, scope, depth - 1)


def nothing():
    """The scope of an expression that may name no column."""
    return Scope([])
