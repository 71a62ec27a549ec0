/**
 * `npm run mutate -- [ROOM …] [--draw N] [--seed S] [--again] [--json FILE]`: puts one fault at a
 * time into a compiled module, runs the tests of its room, and reports which faults they caught.
 * Results are kept in mutate-results.json, so that a run that was stopped continues.
 *
 * A fault that was caught is not tried again while its module is unchanged; one that survived is,
 * since tests may have been added.
 */
import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import yargs from 'yargs';
import { packageFolder } from '../../protocol/base/installation.js';
import { endWithBadUsage } from '../../protocol/host/process-kit/usage.js';
import { draw } from './draw.js';
import { whyEquivalent } from './equivalent.js';
import { mutated, mutationsOf, type Mutation } from './mutations.js';
import { keyOf, linesOf, Results, type MutationResult } from './results.js';
import { ROOMS, type MutatedRoom } from './rooms.js';
import { WorkCopy } from './work-copy.js';

/** A fault at its place in a module of a room. */
interface Site {
  readonly room: MutatedRoom;
  readonly module: string;
  readonly source: string;
  readonly mutation: Mutation;
}

/** A fault may make a test wait: its run has this many times what the room's tests take. */
const TIMES_AS_LONG = 4;
/** For rooms whose tests take less. */
const TIMEOUT_MIN_MS = 30_000;
/** For the tests of a room without a fault. */
const WHOLE_ROOM_MS = 600_000;

const { rooms, count, seed, again, json } = await parseArguments();
const copy = new WorkCopy();
process.once('SIGINT', () => {
  copy.remove();
  process.exit(130);
});
try {
  const results = new Results(join(packageFolder(), 'mutate-results.json'));
  const sites = draw(rooms.flatMap(sitesOf), count, seed);
  const timeouts = await timeoutsOf(new Set(sites.map(({ room }) => room)));
  const all: MutationResult[] = [];
  for (const site of sites) {
    const key = keyOf(site.module, site.source, site.mutation);
    const known = again ? undefined : results.get(key);
    const isKnown = known !== undefined && known.outcome !== 'passed';
    const result = isKnown ? known : await tryFault(site, timeouts.get(site.room) ?? TIMEOUT_MIN_MS);
    if (!isKnown) results.set(key, result);
    all.push(result);
    if (result.outcome === 'passed') process.stdout.write(textOf(result));
  }
  report(all);
} finally {
  copy.remove();
}

function sitesOf(room: MutatedRoom): Site[] {
  return copy.modules(room.folder).flatMap((module) => {
    const source = copy.read(module);
    return mutationsOf(source).map((mutation) => ({ room, module, source, mutation }));
  });
}

/** How long the tests of each room may run. Ends the process when a room's tests fail as it is. */
async function timeoutsOf(drawn: ReadonlySet<MutatedRoom>): Promise<Map<MutatedRoom, number>> {
  const timeouts = new Map<MutatedRoom, number>();
  for (const room of drawn) {
    const { outcome, seconds, failed } = await copy.run(copy.tests(room.tests), WHOLE_ROOM_MS);
    if (outcome !== 'passed') {
      copy.remove();
      process.stderr.write(`the tests of ${room.name} fail without any fault: ${failed ?? outcome}\n`);
      process.exit(1);
    }
    process.stderr.write(`${room.name}: its tests take ${seconds.toFixed(1)} s\n`);
    timeouts.set(room, Math.max(TIMEOUT_MIN_MS, seconds * 1_000 * TIMES_AS_LONG));
  }
  return timeouts;
}

/**
 * Puts the fault in, runs the tests of the room, then further ones, and takes the fault out. The
 * tests of the module run first: most faults are caught there.
 */
async function tryFault(site: Site, timeoutMs: number): Promise<MutationResult> {
  const { room, module, source, mutation } = site;
  const own = `${basename(module, '.js')}.test.js`;
  const tests = copy.tests(room.tests);
  const first = tests.filter((test) => basename(test) === own);
  copy.write(module, mutated(source, mutation));
  try {
    const ofRoom = await copy.run([...first, ...tests.filter((test) => !first.includes(test))], timeoutMs);
    const further = copy.tests(room.further).filter((test) => !tests.includes(test));
    const { outcome, failed } = ofRoom.outcome === 'passed' ? await copy.run(further, WHOLE_ROOM_MS) : ofRoom;
    const lines = linesOf(source, mutation);
    const { line } = mutation;
    return { room: room.name, module, line, ...lines, outcome, ...(failed === undefined ? {} : { failed }) };
  } finally {
    copy.write(module, source);
  }
}

function textOf({ room, module, line, before, after }: MutationResult): string {
  return `${room} ${module}:${line} survived\n  - ${before}\n  + ${after}\n`;
}

function report(all: readonly MutationResult[]): void {
  const rows = ROOMS.filter(({ name }) => all.some(({ room }) => room === name)).map(({ name }) =>
    summary(
      name,
      all.filter(({ room }) => room === name),
    ),
  );
  const whole = summary('all', all);
  for (const { room, drawn, equivalent, caught, survived, percent } of [...rows, whole])
    process.stdout.write(
      `${room.padEnd(10)} ${drawn} drawn, ${equivalent} equivalent, ${caught} caught, ${survived} survived: ${percent} %\n`,
    );
  const survivors = all.filter((result) => result.outcome === 'passed');
  const document = {
    seed,
    ...whole,
    rooms: rows,
    survivors: survivors.map((result) => Object.assign({}, result, { equivalent: whyEquivalent(result) })),
  };
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(document, undefined, 2)}\n`);
}

function summary(room: string, results: readonly MutationResult[]) {
  const caught = results.filter(({ outcome }) => outcome !== 'passed').length;
  const passed = results.filter(({ outcome }) => outcome === 'passed');
  const equivalent = passed.filter((result) => whyEquivalent(result) !== undefined).length;
  const counted = results.length - equivalent;
  const percent = counted === 0 ? 100 : Math.round((caught / counted) * 1_000) / 10;
  return { room, drawn: results.length, equivalent, caught, survived: passed.length - equivalent, percent };
}

async function parseArguments() {
  const fail = (wrong: unknown): never => endWithBadUsage('mutate', wrong);
  const names = ROOMS.map(({ name }) => name);
  const values = await yargs(process.argv.slice(2))
    .scriptName('npm run mutate --')
    .usage(`$0 [ROOM …]\n\nPuts faults into the modules of all or the named rooms: ${names.join(', ')}`)
    .option('draw', { type: 'number', default: 100, requiresArg: true, describe: 'number of faults' })
    .option('seed', { type: 'number', default: 1, requiresArg: true, describe: 'seed of the random numbers' })
    .option('again', { type: 'boolean', default: false, describe: 'try faults again that were caught' })
    .option('json', { type: 'string', requiresArg: true, describe: 'write the report as JSON to this file' })
    .version(false)
    .strictOptions()
    .fail((message: string | null, error: Error | undefined) => fail(message ?? error))
    .parse();
  const named = values._.map(String);
  const unknown = named.filter((name) => !names.includes(name));
  if (unknown.length > 0) fail(`there is no room ${unknown.join(', ')}; the rooms are ${names.join(', ')}`);
  for (const value of [values.draw, values.seed])
    if (!Number.isSafeInteger(value) || value < 0) fail('--draw and --seed must be integers from 0 on');
  return {
    rooms: ROOMS.filter(({ name }) => named.length === 0 || named.includes(name)),
    count: values.draw,
    seed: values.seed,
    again: values.again,
    json: values.json,
  };
}
