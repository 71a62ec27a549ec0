/**
 * The published package, installed as a user installs it: packed, installed into an empty project
 * and run from another folder. Needs npm with its registry or a cache; is skipped otherwise.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import { build } from 'esbuild';
import { packageFolder, packageVersion } from '../../protocol/base/installation.js';
import { skip } from '../kit/skip.js';

const PROGRAM = `
import { connect } from 'mirrorflow';
const client = await connect({ app: 'demo', directory: process.env.MIRRORFLOW_DIR });
const mirror = await client.mirror();
const out = await client.openOutput('events', { bufferSize: 64, buffers: 8 });
const input = await client.openInput('events', { history: 8 });
await out.write(Buffer.from('hello'));
const buffer = await input.take();
console.log(mirror.spectra.list().length > 0, Buffer.from(buffer.data).toString());
await client.close();
`;
const REQUIRED = `(async () => {${PROGRAM.replace(/import (.*) from '(.*)';/, "const $1 = require('$2');")}})();`;

describe('the installed package', () => {
  let folder: string;
  let project: string;
  let started: ChildProcess | undefined;
  let env: NodeJS.ProcessEnv;

  before(function () {
    folder = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
    project = join(folder, 'project');
    mkdirSync(project);
    env = {
      ...process.env,
      MIRRORFLOW_DIR: join(folder, 'run'),
      MIRRORFLOW_FLOW_DIR: join(folder, 'flows'),
      MIRRORFLOW_PORT: '0',
      MIRRORFLOW_WEB: 'off',
    };
    const npm = (cwd: string, ...args: string[]): string =>
      execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    // Everything is built already; a build while other tests run would break these.
    execFileSync(process.execPath, [join(packageFolder(), 'scripts', 'prepack.mjs'), '--built'], {
      stdio: 'pipe',
    });
    npm(packageFolder(), 'pack', '--ignore-scripts', '--silent', '--pack-destination', folder);
    writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }');
    try {
      npm(project, 'ping');
    } catch {
      skip(this, 'npm cannot reach its registry');
    }
    npm(
      project,
      'install',
      '--prefer-offline',
      '--no-audit',
      join(folder, `mirrorflow-${packageVersion()}.tgz`),
    );
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  afterEach(async () => {
    if (started === undefined || started.exitCode !== null) return;
    started.kill('SIGTERM');
    await once(started, 'exit');
    started = undefined;
  });

  /** Runs `mirrorflow start` of the installed package; resolves when it prints its spectra. */
  async function start(): Promise<void> {
    const command = join(project, 'node_modules', '.bin', 'mirrorflow');
    started = spawn(command, ['start', '--app', 'demo'], {
      cwd: folder,
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (started.stdout === null) throw new Error('mirrorflow start has no standard output');
    for await (const line of createInterface({ input: started.stdout })) if (/spectra +\d+/.test(line)) break;
    started.stdout.resume();
  }

  const run = (file: string): string =>
    execFileSync(process.execPath, [file], { cwd: project, env, encoding: 'utf8', timeout: 60_000 }).trim();

  it('the installed package contains no tests and no installation scripts', () => {
    const installed = join(project, 'node_modules', 'mirrorflow');
    expect(readdirSync(join(installed, 'dist')).toSorted()).to.deep.equal([
      'library',
      'programs',
      'types',
      'web',
    ]);
    const lock = execFileSync('npm', ['query', ':attr(scripts, [install]), :attr(scripts, [postinstall])'], {
      cwd: project,
      encoding: 'utf8',
    });
    expect(JSON.parse(lock)).to.deep.equal([]);
  });

  it('programs read mirrors and flows of the installed package by import, by require and bundled', async () => {
    await start();
    writeFileSync(join(project, 'imported.js'), PROGRAM);
    writeFileSync(join(project, 'required.cjs'), REQUIRED);
    expect(run('imported.js')).to.equal('true hello');
    expect(run('required.cjs')).to.equal('true hello');
    for (const [source, format, bundle] of [
      ['imported.js', 'esm', 'bundled.mjs'],
      ['required.cjs', 'cjs', 'bundled.cjs'],
    ] as const) {
      await build({
        absWorkingDir: project,
        entryPoints: [source],
        outfile: join('out', bundle),
        bundle: true,
        platform: 'node',
        format,
        logLevel: 'silent',
      });
      expect(existsSync(join(project, 'out', bundle))).to.equal(true);
      expect(run(join('out', bundle)), bundle).to.equal('true hello');
    }
  });

  it('the installed package has types for programs that import and for programs that require', () => {
    const compiler = join(packageFolder(), 'node_modules', 'typescript', 'bin', 'tsc');
    const options = ['--noEmit', '--strict', '--skipLibCheck', '--target', 'es2023', '--types', 'node'];
    const text = "import { connect } from 'mirrorflow';\nexport const name: string = connect.name;\n";
    writeFileSync(join(project, 'typed.mts'), text);
    writeFileSync(join(project, 'typed.cts'), text);
    const types = ['--typeRoots', join(packageFolder(), 'node_modules', '@types')];
    const args = [compiler, ...options, ...types, '--module', 'node16', 'typed.mts', 'typed.cts'];
    expect(execFileSync(process.execPath, args, { cwd: project, encoding: 'utf8' })).to.equal('');
  });
});
