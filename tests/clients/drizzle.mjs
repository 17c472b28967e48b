// drizzle-orm over @libsql/client, unmodified, against a daemon: node drizzle.mjs URL.
import assert from 'node:assert/strict';
import { createClient } from '@libsql/client';
import { eq, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/libsql';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';

const client = createClient({ url: process.argv[2] });
const db = drizzle(client);
let checks = 0;
const check = (actual, expected) => {
  assert.deepEqual(actual, expected);
  ++checks;
};
const users = sqliteTable('users', {
  id: integer('id').primaryKey({ autoIncrement: true }),
  name: text('name').notNull().unique(),
  age: integer('age'),
});

await db.run(sql`DROP TABLE IF EXISTS users`);
await db.run(sql`CREATE TABLE users(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, age INTEGER)`);
await db.insert(users).values([{ name: 'Ada', age: 36 }, { name: 'Bob', age: 7 }]);
check(await db.select().from(users).where(eq(users.name, 'Ada')), [{ id: 1, name: 'Ada', age: 36 }]);
await db.update(users).set({ age: 8 }).where(eq(users.name, 'Bob'));
await db.transaction(async (tx) => {
  await tx.insert(users).values({ name: 'Cyd' });
  check((await tx.select().from(users)).length, 3);
});
await assert.rejects(
  db.transaction(async (tx) => {
    await tx.insert(users).values({ name: 'Dan' });
    tx.rollback();
  }),
);
++checks;
check((await db.select({ name: users.name, age: users.age }).from(users).orderBy(users.name)), [
  { name: 'Ada', age: 36 },
  { name: 'Bob', age: 8 },
  { name: 'Cyd', age: null },
]);
await db.delete(users).where(eq(users.name, 'Cyd'));
check((await db.select().from(users)).length, 2);
client.close();
console.log(`${checks} checks passed`);
