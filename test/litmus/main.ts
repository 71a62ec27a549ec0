/**
 * `npm run litmus`: shows whether plain accesses of this V8 on this processor keep the order that
 * flow files need. Starts two processes over a file in shared memory, adds what they count to a
 * results file, so that a run continues the one before, and with --write makes the table in
 * protocol/flow/flow-file/memory-order-table.ts from it.
 */
import { spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { packageFolder } from '../../protocol/base/installation.js';
import { SHARED_BYTES } from './layout.js';
import { SHAPES } from './shapes.js';

interface Tally {
  instances: number;
  /** Instances with a forbidden outcome. */
  forbidden: number;
}

/** By `V8 version/processor`, then by shape. */
type Results = Record<string, Record<string, Tally>>;

/** Fewer instances of a shape prove nothing. */
const INSTANCES_ENOUGH = 1e8;
const PROCESS = fileURLToPath(new URL('./process.js', import.meta.url));
const TABLE = join(packageFolder(), 'protocol', 'flow', 'flow-file', 'memory-order-table.ts');

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    results: { type: 'string', default: join(packageFolder(), 'litmus-results.json') },
    write: { type: 'boolean', default: false },
  },
});

const results: Results = existsSync(values.results)
  ? (JSON.parse(readFileSync(values.results, 'utf8')) as Results)
  : {};
if (Number(values.seconds) > 0) add(await run(values.seconds));
writeFileSync(values.results, `${JSON.stringify(results, undefined, 2)}\n`);
for (const [machine, shapes] of Object.entries(results)) {
  process.stdout.write(
    `V8 ${machine}: ${isProven(shapes) ? 'plain accesses keep their order' : 'not proven'}\n`,
  );
  for (const { name, control } of SHAPES) {
    const { instances, forbidden } = shapes[name] ?? { instances: 0, forbidden: 0 };
    const kind = control === true ? 'reordered (expected)' : 'forbidden';
    process.stdout.write(
      `  ${name.padEnd(34)} ${instances.toExponential(2)} instances, ${forbidden} ${kind}\n`,
    );
  }
}
if (values.write) writeTable();

/**
 * Runs both processes for this number of seconds; resolves with the tallies in the order of SHAPES.
 */
async function run(seconds: string): Promise<Tally[]> {
  const directory = mkdtempSync('/dev/shm/mirrorflow-litmus-');
  try {
    const file = join(directory, 'shared');
    const fd = openSync(file, 'w');
    ftruncateSync(fd, SHARED_BYTES);
    closeSync(fd);
    const children = [0, 1].map((side) =>
      spawn(process.execPath, [PROCESS, file, String(side), seconds], {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { ...process.env, MIRRORFLOW_MEMORY_ACCESS: 'plain' },
      }),
    );
    let lastLine = '[]';
    const [sideZero] = children;
    if (sideZero?.stdout) createInterface({ input: sideZero.stdout }).on('line', (line) => (lastLine = line));
    await Promise.all(children.map((child) => new Promise((resolve) => child.once('close', resolve))));
    return JSON.parse(lastLine) as Tally[];
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Adds the tallies of a run to the results of this V8 on this processor. */
function add(tally: readonly Tally[]): void {
  const [major, minor] = process.versions.v8.split('.');
  const shapes = (results[`${major}.${minor}/${process.arch}`] ??= {});
  for (const [index, { name }] of SHAPES.entries()) {
    const before = shapes[name] ?? { instances: 0, forbidden: 0 };
    const { instances, forbidden } = tally[index] ?? { instances: 0, forbidden: 0 };
    shapes[name] = { instances: before.instances + instances, forbidden: before.forbidden + forbidden };
  }
}

/** Enough of every shape without a forbidden outcome, by a harness that sees reordering. */
function isProven(shapes: Record<string, Tally>): boolean {
  return SHAPES.every(({ name, control }) => {
    const { instances, forbidden } = shapes[name] ?? { instances: 0, forbidden: 0 };
    return instances >= INSTANCES_ENOUGH && (control === true ? forbidden > 0 : forbidden === 0);
  });
}

/** Replaces the table of proven machines in the source of the flow file. */
function writeTable(): void {
  const rows = Object.entries(results)
    .filter(([, shapes]) => isProven(shapes))
    .map(([machine, shapes]) => {
      const [v8, arch] = machine.split('/');
      const instances = Math.min(...Object.values(shapes).map((tally) => tally.instances));
      return `  { v8: '${v8}', arch: '${arch}', instances: ${instances} },`;
    });
  const source = readFileSync(TABLE, 'utf8');
  const table = `export const PROVEN_ORDER: readonly ProvenOrder[] = [\n${rows.join('\n')}\n];`;
  writeFileSync(TABLE, source.replace(/export const PROVEN_ORDER[\s\S]*?\];/, table));
}
