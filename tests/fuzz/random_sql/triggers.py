"""CREATE TRIGGER: all events and times, WHEN, RAISE, and bodies that write to other tables or to their own."""
from model import Scope, Statement

RAISES = ["ABORT", "FAIL", "ROLLBACK", "IGNORE", "IGNORE"]


class Triggers:
    def __init__(self, source, schema, expressions, changes):
        self.source = source
        self.schema = schema
        self.expressions = expressions
        self.changes = changes

    def trigger(self):
        """A trigger that writes to the log, or to a table made later than its own, or to its own by steps that end:
        so no chain is endless."""
        source = self.source
        name = source.name("tr")
        self.schema.triggers.append(name)
        on_view = self.schema.views and source.chance(0.2)
        table = source.pick(self.schema.views if on_view else self.schema.tables)
        event = source.pick(["INSERT", "UPDATE", "DELETE"])
        time = "INSTEAD OF" if on_view else source.pick(["BEFORE", "AFTER", "AFTER", ""])
        of = f" OF {', '.join(source.some(table.names(), 1, 2))}" if event == "UPDATE" and source.chance(0.4) else ""
        rows = {"INSERT": ["new"], "UPDATE": ["new", "old"], "DELETE": ["old"]}[event]
        scope = Scope([(f"{row}.{column.name}", column) for row in rows for column in table.columns])
        if table.has_rowid and source.chance(0.1):
            scope.columns.append((f"{rows[-1]}.rowid", table.columns[0]))
        when = f" WHEN {self.expressions.condition(scope, source.number(1, 2))}" if source.chance(0.3) else ""
        each = source.pick([" FOR EACH ROW", ""])
        body = " ".join(f"{self._statement(table, scope, name)};" for _ in range(source.pick([1, 1, 2, 2, 3])))
        if not on_view and source.chance(0.1):
            when, body = self._step(table, event)
        temporary = "TEMP " if table.temporary or source.has("temporary") else ""
        return Statement(f"CREATE {temporary}TRIGGER {name} {time} {event}{of} ON {table.name}{each}{when} "
                         f"BEGIN {body} END", "definition")

    def _statement(self, table, scope, name):
        source = self.source
        roll = source.roll()
        if roll < 0.5:
            values = [self.expressions.value(scope, source.number(1, 2)) for _ in range(2)]
            return f"INSERT INTO log(who, x, y) VALUES ('{name}', {values[0]}, {values[1]})"
        if roll < 0.65:
            return self._raise(scope)
        names = [t.name for t in self.schema.tables]
        later = self.schema.tables[names.index(table.name) + 1:] if table.name in names else self.schema.tables
        if not later:
            return f"UPDATE log SET y = {self.expressions.value(scope, 1)} WHERE id % 3 = 0"
        return self.changes.body(source.pick(later), scope)

    def _raise(self, scope):
        source = self.source
        action = source.pick(RAISES)
        message = "" if action == "IGNORE" else ", 'raised'"
        if message and source.has("newer") and source.chance(0.2):
            message = f", {self.expressions.column(scope)} || ' raised'"
        test = self.expressions.simple(scope) if source.chance(0.6) else self.expressions.condition(scope, 1)
        if source.chance(0.25):
            return f"SELECT CASE WHEN {test} THEN RAISE({action}{message}) END"
        if source.chance(0.1):
            return f"INSERT INTO log(who, x) SELECT 'never', RAISE({action}{message}) WHERE {test}"
        return f"SELECT RAISE({action}{message}) WHERE {test}"

    def _step(self, table, event):
        """(WHEN, body) of a trigger on its own table: the column grows, or rows become fewer, and it ends."""
        column = self.source.pick(table.settable()).name
        number = f"typeof(new.{column}) = 'integer' AND new.{column}"
        if event == "INSERT":
            return (f" WHEN {number} BETWEEN 1 AND 6",
                    f"INSERT OR IGNORE INTO {table.name}({column}) VALUES (new.{column} + 1);")
        if event == "UPDATE":
            return (f" WHEN {number} BETWEEN 1 AND 6 AND new.{column} IS NOT old.{column}",
                    f"UPDATE OR IGNORE {table.name} SET {column} = {column} + 1 WHERE {column} = new.{column};")
        return "", f"DELETE FROM {table.name} WHERE {column} = old.{column} + 1;"
