// Set-up shared by the scripts beside it: packages as locked, compiled code as the sources are now.
// Runs npm, tsc and the two bundlers; writes node_modules, addons and dist.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildAddons, isBuilt } from './addons.mjs';
import { buildFrom, isUpToDate } from './up-to-date.mjs';

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

/** Runs a command in the project's root and ends this process with its exit code when it fails. */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: ROOT, stdio: 'inherit', ...options });
  if (result.error) fail(`${command} could not be started: ${result.error.message}`);
  if (result.status !== 0) process.exit(result.status ?? 1);
}

export function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

/**
 * True when node_modules is what package-lock.json says: npm writes its own copy of the lock there
 * at the end of an install.
 */
function installed() {
  const marker = join(ROOT, 'node_modules', '.package-lock.json');
  if (!existsSync(marker)) return false;
  const lock = join(ROOT, 'package-lock.json');
  if (statSync(marker).mtimeMs >= statSync(lock).mtimeMs) return true;
  const wanted = JSON.parse(readFileSync(lock, 'utf8')).packages;
  const found = JSON.parse(readFileSync(marker, 'utf8')).packages;
  return Object.entries(wanted).every(
    ([path, entry]) => path === '' || entry.optional || found[path]?.version === entry.version,
  );
}

/**
 * Installs packages, builds the native modules for the running Node and, when asked, compiles and
 * bundles; whatever is up to date is skipped. `build`: true, false, or 'always', which asks the
 * compiler also when no source has changed.
 */
export function prepare({ build }) {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19))
    fail(`mirrorflow needs Node 20.19 or newer; this is ${process.version}.`);
  if (!installed()) {
    process.stderr.write('Installing packages ...\n');
    run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { stdio: ['ignore', 2, 2] });
  }
  prepareAddons();
  if (build === 'always' || (build && !isUpToDate(ROOT))) buildFrom(ROOT, compileAndBundle);
}

function compileAndBundle() {
  const compiler = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  run(process.execPath, [compiler, '-p', ROOT], { stdio: ['ignore', 2, 2] });
  for (const script of ['build-programs.mjs', 'build-page.mjs'])
    run(process.execPath, [join(ROOT, 'scripts', script)], { stdio: ['ignore', 2, 2] });
}

/** Their own installation scripts never run: see addons.mjs. */
function prepareAddons() {
  if (isBuilt()) return;
  process.stderr.write(`Building two small native modules for Node ${process.version} (once) ...\n`);
  try {
    buildAddons();
  } catch (error) {
    fail(error.message);
  }
}
