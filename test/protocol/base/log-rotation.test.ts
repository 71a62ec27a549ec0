/** Logs that stay below their size, with any number of writers. */
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { LOG_BYTES_MAX, LOG_FILE_VARIABLE, rotateLog } from '../../../protocol/base/log-rotation.js';
import { TemporaryDirectory } from '../../kit/temporary-directory.js';

const LOG_MODULE = fileURLToPath(new URL('../../../protocol/base/log.js', import.meta.url));
const LINE_CHARACTERS = 900;
/** Logs without end, as a process does that is asked without end. */
const PROGRAM = `
  import { Logger } from ${JSON.stringify(LOG_MODULE)};
  const log = new Logger('test');
  for (let count = 0; count < ${Math.ceil((3 * LOG_BYTES_MAX) / LINE_CHARACTERS)}; count += 1)
    log.warn('refused', { count, reason: 'x'.repeat(${LINE_CHARACTERS}) });
`;

describe('the rotation of logs', () => {
  let directory: TemporaryDirectory;

  beforeEach(() => (directory = new TemporaryDirectory()));
  afterEach(() => directory.remove());

  function runLogging(file: string, named: string): void {
    const log = openSync(file, 'a');
    const { status } = spawnSync(process.execPath, ['--input-type=module', '-e', PROGRAM], {
      stdio: ['ignore', 'ignore', log],
      env: { ...process.env, [LOG_FILE_VARIABLE]: named },
    });
    closeSync(log);
    expect(status).to.equal(0);
  }

  it('a process that logs without end keeps its log and one predecessor below the limit', () => {
    const file = directory.file('test.log');
    runLogging(file, file);
    const slack = 128 * 1024;
    expect(statSync(file).size).to.be.lessThan(LOG_BYTES_MAX + slack);
    expect(statSync(`${file}.1`).size).to.be.within(LOG_BYTES_MAX, LOG_BYTES_MAX + slack);
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    const numbers = lines.map((line) => (JSON.parse(line) as { count: number }).count);
    expect(numbers.every((count, index) => count === numbers[0]! + index)).to.equal(true);
  });

  it('a file to which a user has redirected the log is not rotated', () => {
    const file = directory.file('my.log');
    const other = directory.file('other.log');
    writeFileSync(other, '');
    runLogging(file, other);
    expect(statSync(file).size).to.be.greaterThan(2 * LOG_BYTES_MAX);
    expect(existsSync(`${file}.1`)).to.equal(false);
  });

  it('a large log is rotated before the next start, a small or missing one is left', () => {
    const file = directory.file('test.log');
    rotateLog(file);
    writeFileSync(file, 'x'.repeat(100));
    rotateLog(file, 100);
    expect(existsSync(`${file}.1`)).to.equal(false);
    rotateLog(file, 99);
    expect([statSync(file).size, statSync(`${file}.1`).size]).to.deep.equal([0, 100]);
  });
});
