// @libsql/client, unmodified, against a daemon: node libsql_client.mjs URL. Exits 1 at the first
// expectation that does not hold.
import assert from 'node:assert/strict';
import { createClient } from '@libsql/client';

const url = process.argv[2];
const client = createClient({ url, intMode: 'number' });
let checks = 0;
const check = (actual, expected, what) => {
  assert.deepEqual(actual, expected, what);
  ++checks;
};
const fails = async (promise, code, text) => {
  try {
    await promise;
  } catch (error) {
    check(error.code, code, `code of: ${error.message}`);
    assert.ok(error.message.includes(text), `"${error.message}" has no "${text}"`);
    ++checks;
    return;
  }
  assert.fail(`no error, but ${code} was expected`);
};
const rows = (result) => result.rows.map((row) => Array.from(row));

await client.execute('DROP TABLE IF EXISTS t');
await client.execute('CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT UNIQUE, c REAL, d BLOB)');

// Every type of value, both ways; positional and named arguments.
let result = await client.execute({
  sql: 'INSERT INTO t(b, c, d) VALUES (?, ?, ?)',
  args: ['text é 😀', 1.5, new Uint8Array([0, 1, 255])],
});
check(result.rowsAffected, 1);
check(result.lastInsertRowid, 1n);
result = await client.execute({
  sql: 'INSERT INTO t(b, c) VALUES (:b, @c)',
  args: { b: 'named', c: null },
});
check(result.lastInsertRowid, 2n);
result = await client.execute({ sql: 'SELECT b, c, d FROM t WHERE a = $a', args: { a: 1 } });
check(result.columns, ['b', 'c', 'd']);
check(result.columnTypes, ['TEXT', 'REAL', 'BLOB']);
check(result.rows[0].b, 'text é 😀');
check(result.rows[0].c, 1.5);
check(Array.from(new Uint8Array(result.rows[0].d)), [0, 1, 255]);
result = await client.execute({ sql: 'SELECT ?, ?, ?, typeof(?), typeof(?)', args: [null, true, 9007199254740991n, 1, 'x'] });
check(rows(result), [[null, 1, 9007199254740991, 'real', 'text']]);
check(rows(await client.execute('SELECT c FROM t WHERE a = 2')), [[null]]);
const big = createClient({ url, intMode: 'bigint' });
check(rows(await big.execute('SELECT 9223372036854775807, -9223372036854775808')), [
  [9223372036854775807n, -9223372036854775808n],
]);
big.close();

// Batches are all or nothing.
const results = await client.batch(
  [
    "INSERT INTO t(b) VALUES ('batch')",
    { sql: 'SELECT count(*) AS n FROM t WHERE b = ?', args: ['batch'] },
  ],
  'write',
);
check(results.length, 2);
check(results[1].rows[0].n, 1);
await fails(
  client.batch(["INSERT INTO t(b) VALUES ('lost')", "INSERT INTO t(b) VALUES ('batch')"], 'write'),
  'SQLITE_CONSTRAINT',
  'UNIQUE constraint failed: t.b',
);
check(rows(await client.execute("SELECT count(*) FROM t WHERE b = 'lost'")), [[0]]);
check(rows((await client.batch(['SELECT 1', 'SELECT 2'], 'read'))[1]), [[2]]);

// Interactive transactions.
let tx = await client.transaction('write');
await tx.execute("INSERT INTO t(b) VALUES ('committed')");
check(rows(await tx.execute("SELECT count(*) FROM t WHERE b = 'committed'")), [[1]]);
await tx.commit();
check(rows(await client.execute("SELECT count(*) FROM t WHERE b = 'committed'")), [[1]]);
tx = await client.transaction('write');
await tx.execute("INSERT INTO t(b) VALUES ('rolled back')");
await tx.rollback();
check(rows(await client.execute("SELECT count(*) FROM t WHERE b = 'rolled back'")), [[0]]);
tx = await client.transaction('write');
await tx.execute("INSERT INTO t(b) VALUES ('closed')");
tx.close();
check(rows(await client.execute("SELECT count(*) FROM t WHERE b = 'closed'")), [[0]]);
tx = await client.transaction('read');
await fails(tx.execute("INSERT INTO t(b) VALUES ('read only')"), 'SQLITE_READONLY', 'readonly');
tx.close();

await client.executeMultiple(
  "CREATE TABLE IF NOT EXISTS u(x); DELETE FROM u; INSERT INTO u VALUES (1); INSERT INTO u VALUES (2);",
);
check(rows(await client.execute('SELECT sum(x) FROM u')), [[3]]);
await client.migrate(['CREATE TABLE IF NOT EXISTS m(x)', 'INSERT INTO m VALUES (1)']);

// Errors.
await fails(client.execute('SELECT nosuch FROM t'), 'SQL_INPUT_ERROR', 'no such column: nosuch');
await fails(client.execute('SELEC 1'), 'SQL_PARSE_ERROR', 'syntax error');
await fails(client.execute('SELECT 1; SELECT 2'), 'SQL_MANY_STATEMENTS', '');
await fails(
  client.execute({ sql: 'INSERT INTO t(a, b) VALUES (1, ?)', args: ['dup'] }),
  'SQLITE_CONSTRAINT',
  'UNIQUE constraint failed: t.a',
);
await fails(client.execute('SELECT * FROM absent'), 'SQL_INPUT_ERROR', 'no such table: absent');

// Many at once, on one connection or many.
const many = await Promise.all(
  Array.from({ length: 50 }, (_, i) => client.execute({ sql: 'SELECT ? + 1', args: [i] })),
);
check(many.map((r) => r.rows[0][0]), Array.from({ length: 50 }, (_, i) => i + 1));

// A result of many rows.
result = await client.execute(
  'SELECT a.x + 2 * b.x AS n FROM u a, u b, u c, u d, u e, u f, u g, u h, u i, u j, u k ORDER BY 1',
);
check(result.rows.length, 2048);
check(result.rows[0].n, 3);

client.close();
console.log(`${checks} checks passed`);
