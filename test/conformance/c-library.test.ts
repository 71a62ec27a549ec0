/**
 * Tests the C library: its own tests, with and without a running system, its installation for
 * pkg-config and CMake, its examples in C and C++ as an installed program compiles them, and its
 * page.
 */
import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { ERROR_CODES } from '../../protocol/base/errors.js';
import { compiledProgram, C_LIBRARY, hasProgram, STRICT } from '../kit/c-compiler.js';
import { RealSystem } from '../kit/real-system.js';
import { skip } from '../kit/skip.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const EXAMPLES = ['provider.c', 'consumer.c', 'spectra.c', 'flows.cpp'];
const run = promisify(execFile);

describe('conformance: the C library', function () {
  let directory = '';

  before(function () {
    for (const tool of ['gcc', 'g++', 'make']) if (!hasProgram(tool)) skip(this, `${tool} is not installed`);
  });

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'mirrorflow-c-'));
  });

  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  /** Builds below `folder`. */
  async function makeIn(folder: string, target: string, ...variables: readonly string[]): Promise<string> {
    return output('make', ['-C', C_LIBRARY, target, `O=${folder}/build`, ...variables]);
  }

  it('the tests of the C library without a system pass', async () => {
    const text = await makeIn(directory, 'test');
    expect(text.match(/^ok /gm) ?? []).to.have.length.greaterThan(10);
  });

  it('the errors of the C library have the codes and numbers of the table', () => {
    const header = readFileSync(`${C_LIBRARY}/mirrorflow.h`, 'utf8');
    const found = [...header.matchAll(/^ {2}MF_([A-Z_]+) = (-?\d+),?$/gm)].map(
      ([, code = '', number = '']): [string, number] => [code, Number(number)],
    );
    expect(Object.fromEntries(found.filter(([code]) => code !== 'OK'))).to.deep.equal(ERROR_CODES);
    const source = readFileSync(`${C_LIBRARY}/mirrorflow.c`, 'utf8');
    for (const [code] of found) expect(source, code).to.include(`{MF_${code}, "${code}"}`);
  });

  it('the version of the C library is that of mirrorflow', () => {
    const { version } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as { version: string };
    const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
    const header = readFileSync(`${C_LIBRARY}/mirrorflow.h`, 'utf8');
    expect(header).to.include(`#define MF_VERSION ${major * 10_000 + minor * 100 + patch}\n`);
    const makefile = readFileSync(`${C_LIBRARY}/Makefile`, 'utf8');
    expect(makefile).to.include(`VERSION := ${version}\n`);
    expect(makefile).to.include(`SONAME := libmirrorflow.so.${major}.${minor}\n`);
  });

  describe('installed', function () {
    let installation = '';
    let prefix = '';
    let environment: NodeJS.ProcessEnv = {};

    before(async () => {
      installation = mkdtempSync(join(tmpdir(), 'mirrorflow-c-'));
      prefix = `${installation}/prefix`;
      await makeIn(installation, 'install', `PREFIX=${prefix}`);
      environment = {
        ...process.env,
        PKG_CONFIG_PATH: `${prefix}/lib/pkgconfig`,
        LD_LIBRARY_PATH: `${prefix}/lib`,
      };
    });

    after(() => {
      if (installation !== '') rmSync(installation, { recursive: true });
    });

    /** Compiles a program against the installed library, as its first comment shows. */
    async function compile(source: string): Promise<string> {
      const { stdout } = await run('pkg-config', ['--cflags', '--libs', 'mirrorflow'], { env: environment });
      const program = `${directory}/${(source.split('/').pop() ?? '').replace(/\.\w+$/, '')}`;
      const isCpp = source.endsWith('.cpp');
      const flags = isCpp ? STRICT.map((flag) => flag.replace('c11', 'c++17')) : STRICT;
      await output(isCpp ? 'g++' : 'gcc', [...flags, source, ...stdout.trim().split(/\s+/), '-o', program]);
      return program;
    }

    it('an installation into another destination has the files of the prefix', async () => {
      await makeIn(directory, 'install', 'PREFIX=/usr', `DESTDIR=${directory}/staged`);
      const file = readFileSync(`${directory}/staged/usr/lib/pkgconfig/mirrorflow.pc`, 'utf8');
      expect(file).to.include('prefix=/usr\n').and.not.include('@');
    });

    it('a CMake project finds the C library', async function () {
      if (!hasProgram('cmake')) skip(this, 'cmake is not installed');
      const project = `${directory}/project`;
      mkdirSync(project);
      const lines = [
        'cmake_minimum_required(VERSION 3.16)',
        'project(consumer C)',
        'find_package(mirrorflow 0.2 REQUIRED)',
        `add_executable(consumer ${C_LIBRARY}/examples/consumer.c)`,
        'target_link_libraries(consumer mirrorflow::mirrorflow)',
      ];
      writeFileSync(`${project}/CMakeLists.txt`, `${lines.join('\n')}\n`);
      await output('cmake', ['-S', project, '-B', `${project}/build`, `-DCMAKE_PREFIX_PATH=${prefix}`]);
      await output('cmake', ['--build', `${project}/build`]);
      const { status, stderr } = spawnSync(`${project}/build/consumer`, { encoding: 'utf8' });
      expect({ status, stderr }).to.deep.equal({
        status: 2,
        stderr: 'usage: consumer APPLICATION FLOW\n',
      });
    });

    describe('on a running system', function () {
      let system: RealSystem;

      before(function () {
        if (!hasProgram('pkg-config')) skip(this, 'pkg-config is not installed');
      });

      beforeEach(async () => {
        system = new RealSystem();
        await system.startHost();
      });

      afterEach(async function () {
        await system.stop(this.currentTest?.state === 'failed');
      });

      async function result(program: string, ...args: readonly string[]): Promise<string> {
        return output(program, args, { ...environment, ...system.environment });
      }

      it('the examples of the C library run as they are compiled with pkg-config', async () => {
        const simulator = await system.simulator({ rate: 20_000, intervalMs: 10 });
        await system.host.run({ name: 'e1', source: simulator.address, updateIntervalMs: 10 });
        const [provider = '', consumer = '', spectra = '', flows = ''] = await Promise.all(
          EXAMPLES.map((name) => compile(`${C_LIBRARY}/examples/${name}`)),
        );
        expect(await result(spectra, 'e1')).to.match(/^checksum: 1D long, \d+ x 1 channels, sum \d+$/m);
        expect(await result(spectra, 'e1', 'checksum', '2')).to.match(/(^publication \d+: sum \d+\n){2}/m);
        expect(await result(provider, 'e1', 'events', '3')).to.equal('3 buffers are published\n');
        expect(await result(consumer, 'e1', 'events')).to.equal('0: buffer 0\n1: buffer 1\n2: buffer 2\n');
        expect(await result(flows, 'e1')).to.match(/^0: hello\n1: again\n(flow \S+\n)*flow greetings\n/);
      });

      it('every example of the page of the C library runs as printed', async () => {
        const simulator = await system.simulator({ rate: 20_000, intervalMs: 10 });
        await system.host.run({ name: 'e1', source: simulator.address, updateIntervalMs: 10 });
        const page = readFileSync(`${ROOT}docs/c.md`, 'utf8');
        const examples = [...page.matchAll(/```(c|cpp)\n(.*?)```/gs)];
        expect(examples.length).to.be.greaterThan(3);
        for (const [at, [, language = '', code = '']] of examples.entries()) {
          const source = `${directory}/page-${at}.${language}`;
          writeFileSync(source, code);
          await result(await compile(source));
        }
      });

      it('the tests of the C library with a system pass', async () => {
        await system.host.run({ name: 'e1' });
        const text = await result(compiledProgram('bindings/c/tests/live.c') ?? '');
        expect(text.match(/^ok /gm) ?? []).to.have.length.greaterThan(6);
      });
    });
  });
});

/** What a program prints on standard output; throws all that it prints when it fails. */
async function output(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  const { stdout } = await run(program, [...args], { env }).catch(
    (error: Error & { stdout: string; stderr: string }) => {
      throw new Error(`${program}: ${error.message}\n${error.stdout}${error.stderr}`);
    },
  );
  return stdout;
}
