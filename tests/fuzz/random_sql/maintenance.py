"""ANALYZE, REINDEX, VACUUM, and pragmas that change how statements work or say how they left things."""
from model import Statement

SWITCHES = ["foreign_keys", "recursive_triggers", "case_sensitive_like", "defer_foreign_keys",
            "ignore_check_constraints"]
STATISTICS = "SELECT tbl, idx, stat FROM sqlite_stat1 ORDER BY 1, 2, 3"
SAMPLES = "SELECT tbl, idx, neq, nlt, ndlt, sample FROM sqlite_stat4 ORDER BY 1, 2, 4, 5, 3, 6"


class Maintenance:
    def __init__(self, source, schema):
        self.source = source
        self.schema = schema

    def first(self):
        """What has to come before the first table."""
        if self.source.has("utf16"):
            self.schema.encoding = self.source.pick(["UTF-16le", "UTF-16be"])
            return [Statement(f"PRAGMA encoding = '{self.schema.encoding}'", "set up")]
        return []

    def statement(self):
        source = self.source
        table = source.pick(self.schema.tables)
        name = source.pick(table.indexes) if table.indexes and source.chance(0.4) else table.name
        kind = source.number(0, 8)
        if kind <= 1:
            return Statement(source.pick(["ANALYZE", f"ANALYZE {name}"]), "maintenance")
        if kind == 2:
            return Statement(source.pick(["REINDEX", f"REINDEX {name}", "REINDEX nocase"]), "maintenance")
        if kind == 3:
            return Statement("VACUUM", "maintenance")
        if kind == 4:
            return Statement(f"PRAGMA {source.pick(SWITCHES)} = {source.pick(['ON', 'OFF'])}", "maintenance")
        if kind == 5:
            return Statement(f"PRAGMA {source.pick(['integrity_check', 'quick_check', f'foreign_key_check({name})'])}",
                             "inspect")
        if kind == 6:
            return Statement(f"SELECT {source.pick(['changes()', 'last_insert_rowid()'])}", "inspect")
        if kind == 7:
            samples = source.has("stat4") and source.chance(0.5)
            return Statement(SAMPLES if samples else STATISTICS, "inspect")
        return Statement(f"PRAGMA {source.pick(['index_xinfo', 'index_info'])}({name})", "inspect")
