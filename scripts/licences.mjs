// `npm run licences`: every package that mirrorflow depends on, with its licence, its age, why it
// is there and which security advisories are known; exit code 1 for a licence that is not
// permitted, a dependency without a reason, or a grave advisory in what the published package
// contains. `--runtime`: only what is published; `--json`: as JSON. Reads package-lock.json and
// node_modules; asks the registry of npm for ages (of direct dependencies) and advisories where it
// is reachable.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './setup.mjs';

/** Licences under which mirrorflow (MIT) may contain or use a package. */
const PERMITTED = new Set([
  '0BSD', 'Apache-2.0', 'BlueOak-1.0.0', 'BSD-2-Clause', 'BSD-3-Clause', 'CC0-1.0', 'ISC', 'MIT',
  'MPL-2.0', 'PSF-2.0', 'Python-2.0', 'Unlicense', 'Zlib',
]); // prettier-ignore
/** Compiled into the published package although they are not its dependencies. */
const COMPILED = new Set(['mmap-io', 'unix-dgram']);
const GRAVE = new Set(['high', 'critical']);
const DAY_MS = 86_400_000;
const REGISTRY_TIMEOUT_MS = 60_000;

const readJson = (...path) => JSON.parse(readFileSync(join(ROOT, ...path), 'utf8'));

/** Each installed package: name, version, licence, whether it is published, why it is there. */
export function packages() {
  const manifest = readJson('package.json');
  const reasons = readJson('scripts', 'dependency-reasons.json');
  const lock = readJson('package-lock.json');
  const direct = {
    ...manifest.dependencies,
    ...manifest.optionalDependencies,
    ...manifest.peerDependencies,
    ...manifest.devDependencies,
  };
  const users = usersOf(lock.packages);
  return Object.entries(lock.packages)
    .filter(([path]) => path !== '')
    .map(([path, entry]) => {
      const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
      const isDirect = Object.hasOwn(direct, name) && path === `node_modules/${name}`;
      return {
        name: entry.name ?? name,
        alias: name,
        version: entry.version,
        licence: licenceOf(path, entry),
        published: entry.dev !== true || COMPILED.has(name),
        direct: isDirect,
        why: isDirect ? reasons[name] : `needed by ${[...(users.get(name) ?? [])].join(', ')}`,
      };
    })
    .sort((a, b) => Number(b.direct) - Number(a.direct) || (a.name < b.name ? -1 : 1));
}

/** What must not be: as texts. */
export function problemsOf(all, advisories) {
  return [
    ...all
      .filter(({ licence }) => !isPermitted(licence))
      .map(({ name, licence }) => `${name}: the licence ${licence} is not permitted`),
    ...all
      .filter(({ why }) => why === undefined)
      .map(({ name }) => `${name}: scripts/dependency-reasons.json does not say why it is there`),
    ...all
      .filter(({ published }) => published)
      .flatMap(({ alias, name }) => advisories.get(alias) ?? advisories.get(name) ?? [])
      .filter(({ severity }) => GRAVE.has(severity))
      .map(({ name, severity, title, url }) => `${name}: ${severity}: ${title} (${url})`),
  ];
}

/** `MIT OR Apache-2.0` is permitted when one of them is, `MIT AND ISC` when both are. */
export function isPermitted(licence) {
  const expression = licence.replaceAll(/[()]/g, '');
  return expression
    .split(' OR ')
    .some((choice) => choice.split(' AND ').every((part) => PERMITTED.has(part.trim())));
}

function usersOf(entries) {
  const users = new Map();
  for (const [path, { dependencies = {}, optionalDependencies = {} }] of Object.entries(entries)) {
    if (path === '') continue;
    const user = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      users.set(name, (users.get(name) ?? new Set()).add(user));
    }
  }
  return users;
}

/** The lock's, else the installed package's own. */
function licenceOf(path, { license }) {
  if (license !== undefined) return license;
  try {
    const { license: own } = readJson(path, 'package.json');
    return typeof own === 'string' ? own : (own?.type ?? 'unknown');
  } catch {
    return 'unknown';
  }
}

function npm(args) {
  const { stdout } = spawnSync('npm', args, { cwd: ROOT, encoding: 'utf8', timeout: REGISTRY_TIMEOUT_MS });
  try {
    return JSON.parse(stdout);
  } catch {
    return undefined;
  }
}

/** Days since a version was published; undefined when the registry does not answer. */
function ageDays({ name, version }) {
  const times = npm(['view', name, 'time', '--json']);
  const published = Date.parse(times?.[version] ?? '');
  return Number.isNaN(published) ? undefined : Math.floor((Date.now() - published) / DAY_MS);
}

/** Advisories by package; undefined when the registry has none to give. */
function knownAdvisories() {
  const report = npm(['audit', '--json']);
  if (report?.vulnerabilities === undefined) return undefined;
  return new Map(
    Object.entries(report.vulnerabilities).map(([name, { via }]) => [
      name,
      via
        .filter((one) => typeof one === 'object')
        .map(({ severity, title, url }) => ({ name, severity, title, url })),
    ]),
  );
}

function main(args) {
  const all = packages().filter(({ published }) => published || !args.includes('--runtime'));
  const advisories = knownAdvisories();
  const rows = all.map((one) => ({
    ...one,
    ageDays: one.direct ? ageDays(one) : undefined,
    advisories: advisories?.get(one.alias) ?? advisories?.get(one.name) ?? [],
  }));
  const problems = problemsOf(all, advisories ?? new Map());
  if (args.includes('--json')) console.log(JSON.stringify({ packages: rows, problems }, undefined, 2));
  else {
    for (const { name, version, licence, published, ageDays: days, why, advisories: known } of rows) {
      const age = days === undefined ? '' : `, ${days} days old`;
      const warnings = known.map(({ severity, title }) => `; ${severity}: ${title}`).join('');
      console.log(
        `${published ? '*' : ' '} ${name} ${version}: ${licence}${age}; ${why ?? 'no reason'}${warnings}`,
      );
    }
    console.log(`\n* is in the published package, or needed by it.`);
    if (advisories === undefined)
      console.log('The registry gave no advisories: it is not reachable, or has none to give.');
    for (const problem of problems) console.error(problem);
  }
  if (problems.length > 0) process.exitCode = 1;
}

if (process.argv[1] === import.meta.filename) main(process.argv.slice(2));
