// @tursodatabase/serverless, unmodified, against a daemon: node serverless.mjs URL. It speaks Hrana 3
// over /v3/cursor and /v3/pipeline and keeps one baton for its life.
import assert from 'node:assert/strict';
import { connect } from '@tursodatabase/serverless';

const db = connect({ url: process.argv[2], authToken: '' });
let checks = 0;
const check = (actual, expected) => {
  assert.deepEqual(actual, expected);
  ++checks;
};

await db.exec('DROP TABLE IF EXISTS s; CREATE TABLE s(a INTEGER PRIMARY KEY, b TEXT UNIQUE, c REAL)');
const insert = await db.prepare('INSERT INTO s(b, c) VALUES (?, ?)');
const info = await insert.run(['one', 1.5]);
check(info.changes, 1);
check(Number(info.lastInsertRowid), 1);
await insert.run(['two', null]);
const select = await db.prepare('SELECT a, b, c FROM s WHERE a = ?');
const row = await select.get([1]);
check([row.a, row.b, row.c], [1, 'one', 1.5]);
check((await (await db.prepare('SELECT b FROM s ORDER BY a')).all()).map((r) => r.b), ['one', 'two']);
const seen = [];
for await (const r of (await db.prepare('SELECT a FROM s ORDER BY a')).iterate()) seen.push(r.a);
check(seen, [1, 2]);

await db.batch(["INSERT INTO s(b) VALUES ('three')", "INSERT INTO s(b) VALUES ('four')"]);
check((await (await db.prepare('SELECT count(*) AS n FROM s')).get()).n, 4);

await db.transaction(async () => {
  await insert.run(['in a transaction', 2]);
})();
check((await (await db.prepare('SELECT count(*) AS n FROM s')).get()).n, 5);
await assert.rejects(
  db.transaction(async () => {
    await insert.run(['lost', 2]);
    await insert.run(['one', 2]);
  })(),
  /UNIQUE constraint failed: s\.b/,
);
++checks;
check((await (await db.prepare('SELECT count(*) AS n FROM s')).get()).n, 5);
await assert.rejects(async () => (await db.prepare('SELECT nosuch FROM s')).all(), /no such column: nosuch/);
++checks;
await db.close();
console.log(`${checks} checks passed`);
