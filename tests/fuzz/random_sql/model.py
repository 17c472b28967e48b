"""What a script knows of its own database: enough to write statements that mostly mean something."""
import dataclasses

# What a declared type gives a column. A STRICT table takes only the last line's.
TYPES = {
    "INTEGER": ["INTEGER", "INT", "BIGINT", "TINYINT UNSIGNED"],
    "TEXT": ["TEXT", "VARCHAR(10)", "CLOB", "CHAR"],
    "REAL": ["REAL", "DOUBLE", "FLOAT"],
    "NUMERIC": ["NUMERIC", "DECIMAL(10,2)", "BOOLEAN", "DATE"],
    "BLOB": ["", "BLOB"],
}
STRICT_TYPES = {"INTEGER": ["INTEGER", "INT"], "TEXT": ["TEXT"], "REAL": ["REAL"], "BLOB": ["BLOB", "ANY"]}


@dataclasses.dataclass
class Column:
    name: str
    affinity: str = "BLOB"
    not_null: bool = False
    generated: bool = False
    strict: bool = False
    rowid: bool = False  # another name of the rowid


@dataclasses.dataclass
class Table:
    """A table, a view or a common table expression."""
    name: str
    columns: list
    key: list = dataclasses.field(default_factory=list)  # names of the PRIMARY KEY's columns
    uniques: list = dataclasses.field(default_factory=list)  # lists of names, each a UNIQUE
    goals: list = dataclasses.field(default_factory=list)  # of ON CONFLICT: texts that name a UNIQUE index
    has_rowid: bool = False
    writable: bool = True
    foreign_key: bool = False  # whether it refers to a parent
    temporary: bool = False
    indexes: list = dataclasses.field(default_factory=list)  # names

    def names(self):
        return [column.name for column in self.columns]

    def settable(self):
        return [column for column in self.columns if not column.generated]


@dataclasses.dataclass
class Schema:
    tables: list = dataclasses.field(default_factory=list)
    views: list = dataclasses.field(default_factory=list)
    triggers: list = dataclasses.field(default_factory=list)  # names
    encoding: str = "UTF-8"

    def relations(self):
        return self.tables + self.views


@dataclasses.dataclass
class Scope:
    """The columns that an expression may name: pairs of SQL text and Column."""
    columns: list
    outer: object = None  # the Scope around a subquery


@dataclasses.dataclass
class Statement:
    sql: str
    kind: str  # of source.WEIGHTS, or "set up"
    keys: tuple = ()  # positions of the output columns that ORDER BY names, first to last
    limited: bool = False  # has a LIMIT: which of several equal rows remain is the engine's choice
    merges: bool = False  # equal values become one, here or in a view that it reads; known when it runs
