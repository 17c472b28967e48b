"""JSON: texts, paths, and the functions on them."""
from model import Scope

TEXTS = ['{"a":1,"b":[1,2,{"c":null}]}', '[1,2.5,"x",null,true]', '"text"', "12", "null", "{}", "[]", "1.50", "-0",
         '{"a":"A","a":2,"n":{"m":{"k":[]}}}', '{"b c":"q\\"uo\\u00e9te","z":1e3}', '[[1,2],[3,[4]]]',
         "{a:1,'b':+2,c:.5,d:0x1F,}", " [ 1 , 2 ] ", '{"a":9223372036854775808}']
FAULTY_TEXTS = ["not json", "[1,", "", "{]", '{"a"}', "[1 2]", '"x', "tru", "01", "1.", '{"a":1,,}', "[1]x"]
PATHS = ["$", "$.a", "$.b", "$.b[1]", "$.b[#-1]", "$.b[2].c", "$.x", "$[0]", "$[#]", "$[#-1]", '$."a"', '$."b c"', "$.n.m",
         "$[1][1]", "$.b[0].x.y", "$[99]"]
FAULTY_PATHS = ["a", "$.", "$[", "$[x]", "$[#-]", "", "$a", "$..a", "$[-1]"]
ARROWS = PATHS[1:10] + ["a", "b", "b c"]


class JsonGrammar:
    def __init__(self, source, expressions):
        self.source = source
        self.expressions = expressions
        self.faulty = False  # whether texts and paths may be wrong

    def query(self):
        """A SELECT of one JSON expression, with faults: among others it would not be clear which error comes first."""
        self.faulty = True
        text = self.value(Scope([]), self.source.number(0, 1))
        self.faulty = False
        return f"SELECT {text}"

    def text(self, scope):
        if self.source.chance(0.8):
            return f"'{self.raw()}'"
        return self.value(scope, 0)

    def raw(self):
        texts = FAULTY_TEXTS if self.faulty and self.source.chance(0.3) else TEXTS
        return self.source.pick(texts).replace("'", "''")

    def path(self):
        paths = FAULTY_PATHS if self.faulty and self.source.chance(0.2) else PATHS
        return f"'{self.source.pick(paths)}'"

    def item(self, scope):
        """A value to put into JSON: no blob, which JSON cannot hold."""
        source = self.source
        if self.faulty:
            return source.literal()
        return self.expressions.column(scope, ("INTEGER", "REAL")) + " + 1" if source.chance(0.4) else source.word()

    def value(self, scope, depth=1):
        """An expression whose value is JSON, or taken from JSON."""
        source = self.source
        name = source.pick(["json", "json_extract", "->", "->>", "json_type", "json_valid", "json_array_length",
                            "json_array", "json_object", "json_set", "json_insert", "json_replace", "json_remove",
                            "json_patch", "json_quote", "each"])
        text = self.text(scope) if depth > 0 else f"'{self.raw()}'"
        if name in ("json", "json_valid"):
            return f"{name}({text})"
        if name in ("->", "->>"):
            right = str(source.number(-1, 2)) if source.chance(0.25) else f"'{source.pick(ARROWS)}'"
            return f"({text} {name} {right})"
        if name in ("json_extract", "json_remove"):
            return f"{name}({text}, {', '.join(self.path() for _ in range(source.pick([1, 1, 2])))})"
        if name in ("json_type", "json_array_length"):
            return f"{name}({text}{', ' + self.path() if source.chance(0.5) else ''})"
        if name == "json_patch":
            return f"json_patch({text}, {self.text(scope)})"
        if name == "each":
            return self.each(scope, text)
        item = self.value(scope, 0) if depth > 0 and source.chance(0.3) else self.item(scope)
        if name == "json_quote":
            return f"json_quote({item})"
        if name == "json_array":
            return f"json_array({item}, {source.integer()})"
        if name == "json_object":
            return f"json_object({source.word()}, {item})"
        return f"{name}({text}, {self.path()}, {item})"

    def each(self, scope, text):
        source = self.source
        column = source.pick(["key", "value", "type", "atom", "fullkey", "path"])
        function = source.pick(["json_each", "json_tree"])
        root = f", {self.path()}" if source.chance(0.3) else ""
        return f"(SELECT group_concat({column}, ' ') FROM (SELECT {column} FROM {function}({text}{root}) ORDER BY id))"
