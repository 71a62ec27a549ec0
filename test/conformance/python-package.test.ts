/**
 * The Python package: its own tests, with and without a running system, the examples of its page,
 * and its types and style where mypy and ruff are installed.
 */
import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { cpSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { ERROR_CODES } from '../../protocol/base/errors.js';
import { PYTHON_PACKAGE, pythonWith, pythonWithNumpy, runPackage } from '../kit/python.js';
import { RealSystem } from '../kit/real-system.js';
import { skip } from '../kit/skip.js';
import { TemporaryDirectory } from '../kit/temporary-directory.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** The Python examples of a page of docs/. */
function examplesOf(page: string): string[] {
  const text = readFileSync(`${ROOT}docs/${page}`, 'utf8');
  return [...text.matchAll(/```python\n(.*?)```/gs)].map(([, code = '']) => code);
}

describe('conformance: the Python package', function () {
  before(function () {
    if (pythonWithNumpy() === undefined) skip(this, 'no Python that imports numpy is installed');
  });

  it('the tests of the Python package without a system pass', async () => {
    expect(await runPackage(['-m', 'unittest', 'discover', '-s', 'tests', '-t', '.'])).to.match(/\nOK/);
  });

  it('the errors of the Python package have the codes and numbers of the table', async () => {
    const script =
      'import json; from mirrorflow.errors import BY_CODE; print(json.dumps({c: k.fault for c, k in BY_CODE.items()}))';
    expect(JSON.parse(await runPackage(['-c', script]))).to.deep.equal(ERROR_CODES);
  });

  it('the sources of the Python package pass mypy and ruff', function () {
    for (const [tool, ...args] of [['mypy'], ['ruff', 'check', '.'], ['ruff', 'format', '--check', '.']]) {
      if (spawnSync(tool ?? '', ['--version']).status !== 0) skip(this, `${tool} is not installed`);
      const checked = spawnSync(tool ?? '', args, { cwd: PYTHON_PACKAGE, encoding: 'utf8' });
      expect(checked.status, checked.stdout).to.equal(0);
    }
  });

  it('wheel and source distribution are built from its pyproject.toml, with types and every module', function () {
    const directory = new TemporaryDirectory();
    try {
      cpSync(PYTHON_PACKAGE, directory.file('package'), { recursive: true });
      const python = pythonWith('setuptools, wheel') ?? skip(this, 'setuptools and wheel are not installed');
      const build = (target: string, setup: string): SpawnSyncReturns<string> =>
        spawnSync(
          python,
          ['-c', `from setuptools import build_meta; print(build_meta.${setup}(${JSON.stringify(target)}))`],
          { cwd: directory.file('package'), encoding: 'utf8' },
        );
      const wheel = build(directory.path, 'build_wheel');
      expect(wheel.status, wheel.stderr).to.equal(0);
      const source = build(directory.path, 'build_sdist');
      expect(source.status, source.stderr).to.equal(0);
      const [wheelName = '', sourceName = ''] = [wheel, source].map(({ stdout }) =>
        stdout.trim().split('\n').at(-1),
      );
      const list = spawnSync('python3', ['-m', 'zipfile', '-l', directory.file(wheelName)], {
        encoding: 'utf8',
      });
      for (const name of ['mirrorflow/py.typed', 'mirrorflow/__init__.py', 'mirrorflow/remote/mirror.py'])
        expect(list.stdout).to.contain(name);
      const sources = spawnSync('python3', ['-m', 'tarfile', '-l', directory.file(sourceName)], {
        encoding: 'utf8',
      });
      expect(sources.stdout).to.contain('src/mirrorflow/remote/_wire.py');
    } finally {
      directory.remove();
    }
  });

  it('the example of the bytes of typed flows reads what the package writes', async () => {
    const [example = ''] = examplesOf('typed-flows.md');
    const program = `
import numpy, mirrorflow
kind = mirrorflow.deflated(mirrorflow.arrays("f64", [2, 50]))
for value in (numpy.arange(100.0).reshape(2, 50), numpy.random.default_rng(1).random((2, 3))):
    payload = bytes(kind.encode(value))
    exec(${JSON.stringify(example)})
    assert array_of(payload) == (list(value.shape), tuple(value.ravel())), payload
`;
    await runPackage(['-c', program]);
  });

  describe('on a running system', function () {
    let system: RealSystem;

    beforeEach(async () => {
      system = new RealSystem({ secret: 'the secret of the Python page' });
      await system.startHost();
      const simulator = await system.simulator({ rate: 20_000, intervalMs: 10 });
      await system.host.run({ name: 'e1', source: simulator.address, updateIntervalMs: 10 });
    });

    afterEach(async function () {
      await system.stop(this.currentTest?.state === 'failed');
    });

    it('the tests of the Python package with a system pass', async () => {
      expect(await runPackage(['-m', 'unittest', 'tests.live'], system.environment)).to.match(/\nOK/);
    });

    it('every example of its page runs as printed', async () => {
      const examples = examplesOf('python.md');
      expect(examples.length).to.be.greaterThan(5);
      // A host and a file of the reader are those of this test here.
      const { port } = await system.host.info();
      const program = examples
        .join('\n')
        .replaceAll('tcp://daq:7390', `tcp://127.0.0.1:${port}`)
        .replaceAll('"secret"', JSON.stringify(system.environment['MIRRORFLOW_SECRET_FILE']));
      await runPackage(['-c', program], system.environment);
    });

    it('the examples of the display memory find every spectrum and a whole publication', async () => {
      const program = `
import mirrorflow
with mirrorflow.connect("e1") as app:
    memory, sums = app.mirror().read(lambda found: (bytes(found._memory), {name: found[name].sum for name in found}))
exec(${JSON.stringify(examplesOf('display-memory.md').join('\n'))})
assert {name: sum(counts) for name, (_, _, _, counts) in spectra(memory).items()} == sums
changed = bytearray(memory)
changed[CHANNELS + 100] ^= 1
assert is_whole(memory) and not is_whole(bytes(changed))
`;
      await runPackage(['-c', program], system.environment);
    });
  });
});
