/** `npm run bench -- [NAME …] [--json FILE]`: runs benchmarks one after the other, prints a table and, when asked, writes the rows as JSON. */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { gateway } from './gateway.js';
import { idle } from './idle.js';
import { open } from './open.js';
import { circumstances, showRows, type Row } from './report.js';
import { spectcl } from './spectcl.js';

const BENCHES: Readonly<Record<string, () => Promise<Row[]>>> = { open, spectcl, idle, gateway };

const { values, positionals } = parseArgs({ options: { json: { type: 'string' } }, allowPositionals: true });
const names = positionals.length > 0 ? positionals : Object.keys(BENCHES);
const unknown = names.filter((name) => !Object.hasOwn(BENCHES, name));
if (unknown.length > 0) {
  process.stderr.write(
    `there is no benchmark ${unknown.join(', ')}; there are ${Object.keys(BENCHES).join(', ')}\n`,
  );
  process.exit(2);
}
process.stdout.write(`${JSON.stringify(circumstances())}\n`);
const rows: Row[] = [];
for (const name of names) {
  const found = (await BENCHES[name]?.()) ?? [];
  process.stdout.write(`${showRows(found)}\n`);
  rows.push(...found);
}
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, undefined, 2)}\n`);
