/** Compiled code is read back only from a file that no other user can have written. */
import {
  chmodSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { CodeCache } from '../../../../../protocol/host/process-kit/compiled-code/code-cache.js';
import { TemporaryDirectory } from '../../../../kit/temporary-directory.js';

const CODE = Buffer.from('compiled code\nof a program');

describe('code cache', () => {
  let directory: TemporaryDirectory;
  let folder: string;
  let program: string;

  beforeEach(() => {
    directory = new TemporaryDirectory();
    folder = directory.file('cache');
    program = directory.file('program.cjs');
    writeFileSync(program, 'text');
  });

  afterEach(() => directory.remove());

  function cacheOf(
    env: Record<string, string> = { MIRRORFLOW_CODE_CACHE: folder },
    uid = process.geteuid?.() ?? 0,
    execArgv: readonly string[] = [],
  ): CodeCache | undefined {
    return CodeCache.of(program, statSync(program, { bigint: true }), { uid, env, execArgv });
  }

  function cachedFile(): string {
    return join(folder, readdirSync(folder)[0] ?? '');
  }

  it('gives back the code that was kept, from a file that only its user can read', () => {
    expect(cacheOf()?.read()).to.equal(undefined);
    cacheOf()?.keep(CODE);
    expect(cacheOf()?.read()).to.deep.equal(CODE);
    expect(statSync(cachedFile()).mode & 0o777).to.equal(0o600);
    expect(statSync(folder).mode & 0o777).to.equal(0o700);
  });

  it('lies in the folder of the service, else in the cache folder of the user', () => {
    for (const [env, expected] of [
      [{ CACHE_DIRECTORY: directory.file('service'), HOME: directory.path }, 'service'],
      [{ XDG_CACHE_HOME: directory.file('xdg'), HOME: directory.path }, 'xdg/mirrorflow'],
      [{ HOME: directory.path }, '.cache/mirrorflow'],
    ] as const) {
      cacheOf(env)?.keep(CODE);
      expect(readdirSync(directory.file(expected)), expected).to.have.length(1);
    }
  });

  it('is off on request, and without a folder', () => {
    expect(cacheOf({ MIRRORFLOW_CODE_CACHE: 'off', HOME: directory.path })).to.equal(undefined);
    expect(cacheOf({})).to.equal(undefined);
    expect(cacheOf({ HOME: 'relative' })).to.equal(undefined);
  });

  it('refuses a file or a folder that others can write', () => {
    cacheOf()?.keep(CODE);
    chmodSync(cachedFile(), 0o620);
    expect(cacheOf()?.read()).to.equal(undefined);
    chmodSync(cachedFile(), 0o600);
    chmodSync(folder, 0o702);
    expect(cacheOf()?.read()).to.equal(undefined);
    chmodSync(folder, 0o700);
    expect(cacheOf()?.read()).to.deep.equal(CODE);
  });

  it('refuses the files of another user', () => {
    cacheOf()?.keep(CODE);
    const other = (process.geteuid?.() ?? 0) + 1;
    expect(cacheOf(undefined, other)?.read()).to.equal(undefined);
    const before = readFileSync(cachedFile());
    cacheOf(undefined, other)?.keep(Buffer.from('of another'));
    expect(readFileSync(cachedFile())).to.deep.equal(before);
  });

  it('follows no symbolic link', () => {
    cacheOf()?.keep(CODE);
    const file = cachedFile();
    renameSync(file, directory.file('elsewhere'));
    symlinkSync(directory.file('elsewhere'), file);
    expect(cacheOf()?.read()).to.equal(undefined);
  });

  it('refuses the code of another program, also of one with the same size and time', () => {
    cacheOf()?.keep(CODE);
    const { atime, mtime } = statSync(program);
    writeFileSync(program, 'TEXT');
    utimesSync(program, atime, mtime);
    expect(cacheOf()?.read()).to.equal(undefined);
  });

  it('keeps one file for each set of options of Node', () => {
    cacheOf()?.keep(CODE);
    expect(cacheOf(undefined, undefined, ['--jitless'])?.read()).to.equal(undefined);
  });

  it('refuses a damaged or shortened file, and replaces it', () => {
    cacheOf()?.keep(CODE);
    const whole = readFileSync(cachedFile());
    const damaged = Buffer.from(whole);
    damaged[whole.length - 3] = 0;
    for (const content of [damaged, whole.subarray(0, -1), whole.subarray(0, 10), Buffer.alloc(0)]) {
      writeFileSync(cachedFile(), content);
      expect(cacheOf()?.read()).to.equal(undefined);
    }
    cacheOf()?.keep(CODE);
    expect(cacheOf()?.read()).to.deep.equal(CODE);
  });

  it('is written by one process at a time, and again after a writer that was killed', () => {
    cacheOf()?.keep(CODE);
    const fresh = `${cachedFile()}.new`;
    writeFileSync(fresh, 'half');
    cacheOf()?.keep(Buffer.from('newer'));
    expect(cacheOf()?.read()).to.deep.equal(CODE);
    utimesSync(fresh, 1, 1);
    cacheOf()?.keep(Buffer.from('newer'));
    expect(cacheOf()?.read()).to.deep.equal(Buffer.from('newer'));
    expect(readdirSync(folder)).to.have.length(1);
  });

  it('keeps at most 64 files, the newest', () => {
    mkdirSync(folder, { mode: 0o700 });
    for (let index = 0; index < 70; index += 1) {
      writeFileSync(join(folder, `${index}.code`), '');
      utimesSync(join(folder, `${index}.code`), 1_000 + index, 1_000 + index);
    }
    cacheOf()?.keep(CODE);
    expect(readdirSync(folder)).to.have.length(64).and.include('69.code').and.not.include('6.code');
    expect(cacheOf()?.read()).to.deep.equal(CODE);
  });

  it('leaves a start alone where nothing can be written', () => {
    writeFileSync(folder, 'a file in the place of the folder');
    cacheOf()?.keep(CODE);
    expect(cacheOf()?.read()).to.equal(undefined);
  });
});
