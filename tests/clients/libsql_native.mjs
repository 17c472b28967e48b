// `libsql`, the native module with Rust inside, unmodified, against a daemon: node libsql_native.mjs URL.
import assert from 'node:assert/strict';
import Database from 'libsql';

const db = new Database(process.argv[2], { authToken: '' });
let checks = 0;
const check = (actual, expected) => {
  assert.deepEqual(actual, expected);
  ++checks;
};

db.exec('DROP TABLE IF EXISTS l; CREATE TABLE l(a INTEGER PRIMARY KEY, b TEXT UNIQUE, c REAL, d BLOB)');
const insert = db.prepare('INSERT INTO l(b, c, d) VALUES (?, ?, ?)');
const info = insert.run('one', 1.5, Buffer.from([0, 255]));
check([info.changes, Number(info.lastInsertRowid)], [1, 1]);
insert.run('two', null, null);
const row = db.prepare('SELECT * FROM l WHERE a = ?').get(1);
check([row.a, row.b, row.c, Array.from(row.d)], [1, 'one', 1.5, [0, 255]]);
check(db.prepare('SELECT b FROM l ORDER BY a').all().map((r) => r.b), ['one', 'two']);
// No named arguments: this client sends none to a remote database (seen on the wire, libsql 0.5.29).
check(db.prepare('SELECT b FROM l WHERE a = ?1 AND a < ?2').get(2, 3).b, 'two');

// `exec`, since a statement prepared ahead of BEGIN closes the stream when it has run, and with it the
// transaction: this client's own request (seen on the wire, libsql 0.5.29).
db.transaction(() => {
  db.exec("INSERT INTO l(b) VALUES ('three')");
  db.exec("INSERT INTO l(b) VALUES ('four')");
})();
check(db.prepare('SELECT count(*) AS n FROM l').get().n, 4);
assert.throws(
  () =>
    db.transaction(() => {
      db.exec("INSERT INTO l(b) VALUES ('lost')");
      db.exec("INSERT INTO l(b) VALUES ('one')");
    })(),
  /UNIQUE constraint failed: l\.b/,
);
++checks;
check(db.prepare('SELECT count(*) AS n FROM l').get().n, 4);
assert.throws(() => db.prepare('SELECT nosuch FROM l').all(), /no such column: nosuch/);
++checks;
db.close();
console.log(`${checks} checks passed`);
