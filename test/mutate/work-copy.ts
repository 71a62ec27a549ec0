/**
 * A copy of the compiled package in which one module at a time is changed and the tests of its room
 * run, so that the package itself stays whole. Used by the mutation run. Makes a temporary
 * directory, runs Mocha in it, and ends whatever the tests leave behind when a fault stops them.
 */
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageFolder } from '../../protocol/base/installation.js';

/** In the environment of all processes of one test run, by which those left behind are found. */
const MARK = 'MIRRORFLOW_MUTATION';
/** What the copy has of its own, or not at all. */
const NOT_LINKED = new Set(['dist', '.git']);

export interface TestRun {
  /** `failed`: a test failed or could not be loaded; `timed out`: the tests did not end. */
  readonly outcome: 'passed' | 'failed' | 'timed out';
  readonly seconds: number;
  /** The title of the first test that failed, where there is one. */
  readonly failed?: string;
}

export class WorkCopy {
  readonly #folder = mkdtempSync(join(tmpdir(), 'mut-'));

  constructor() {
    const root = packageFolder();
    for (const name of readdirSync(root))
      if (!NOT_LINKED.has(name)) symlinkSync(join(root, name), join(this.#folder, name));
    cpSync(join(root, 'dist'), join(this.#folder, 'dist'), { recursive: true });
    // Programs then run their compiled modules, which are changed, and not their bundles.
    const later = new Date(Date.now() + 60_000);
    utimesSync(join(this.#folder, 'dist', '.tsbuildinfo'), later, later);
  }

  read(module: string): string {
    return readFileSync(this.#path(module), 'utf8');
  }

  write(module: string, text: string): void {
    writeFileSync(this.#path(module), text);
  }

  /** The compiled modules below a folder of `dist`, sorted. */
  modules(folder: string): string[] {
    return this.#files(folder, '.js');
  }

  /** The compiled tests of files and folders below `dist/test`, sorted. */
  tests(places: readonly string[]): string[] {
    return places.flatMap((place) => {
      const path = join('test', place);
      return place.endsWith('.js') ? [path] : this.#files(path, '.test.js');
    });
  }

  /** Runs these tests until one fails; for at most `timeoutMs`. */
  async run(tests: readonly string[], timeoutMs: number): Promise<TestRun> {
    const mark = randomBytes(8).toString('hex');
    const scratch = join(this.#folder, 't');
    mkdirSync(scratch);
    const startedMs = Date.now();
    const mocha = join('node_modules', 'mocha', 'bin', 'mocha.js');
    const files = tests.map((test) => join('dist', test));
    const options = ['--config', '.mocharc.named.json', '--bail', '--exit', '--reporter', 'json'];
    const child = spawn(process.execPath, [mocha, ...options, ...files], {
      cwd: this.#folder,
      env: { ...process.env, [MARK]: mark, TMPDIR: scratch, MIRRORFLOW_WEB: 'off' },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, timeoutMs);
    const [code] = (await once(child, 'exit')) as [number | null];
    clearTimeout(timer);
    endMarked(mark);
    unmountBelow(scratch);
    rmSync(scratch, { recursive: true, force: true });
    const seconds = (Date.now() - startedMs) / 1_000;
    if (timedOut) return { outcome: 'timed out', seconds };
    // Where a failure has a value that JSON cannot hold, Mocha prints nothing and ends with 0.
    if (code === 0 && output.trim().startsWith('{')) return { outcome: 'passed', seconds };
    const failed = firstFailure(output);
    return { outcome: 'failed', seconds, ...(failed === undefined ? {} : { failed }) };
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #path(module: string): string {
    return join(this.#folder, 'dist', module);
  }

  #files(folder: string, suffix: string): string[] {
    const path = this.#path(folder);
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true)
      throw new Error(`${path} is no folder of the compiled package; compile first (npm run build)`);
    return readdirSync(path, { recursive: true })
      .map(String)
      .filter((name) => name.endsWith(suffix))
      .sort()
      .map((name) => join(folder, name));
  }
}

/** Unmounts what a test that was stopped has mounted there, such as a small disk. */
function unmountBelow(folder: string): void {
  for (const line of readFileSync('/proc/self/mounts', 'utf8').split('\n')) {
    const path = line.split(' ')[1] ?? '';
    if (path.startsWith(`${folder}/`)) spawnSync('umount', ['--lazy', path]);
  }
}

/** Ends the processes that have this mark in their environment. */
function endMarked(mark: string): void {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`${MARK}=${mark}`))
        process.kill(Number(pid), 'SIGKILL');
    } catch {
      // Of another user, or it has ended.
    }
  }
}

function firstFailure(output: string): string | undefined {
  try {
    const report = JSON.parse(output.slice(output.indexOf('{'))) as { failures: { fullTitle: string }[] };
    return report.failures[0]?.fullTitle;
  } catch {
    return undefined;
  }
}
