/** Runs every program of `examples/` against a real system with a simulated SpecTcl. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { RealSystem } from '../kit/real-system.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const FOLDER = join(ROOT, 'examples');
const APP = 'demo';

describe('the examples', () => {
  let system: RealSystem;
  const run = (name: string, ...args: string[]): Promise<string> =>
    system.program(`examples/${name}.js`, args).success();

  before(async () => {
    system = new RealSystem();
    await system.startHost();
    const { address } = await system.simulator({ rate: 10_000, intervalMs: 20 });
    await system.host.run({ name: APP, source: address, updateIntervalMs: 20 });
  });

  after(function () {
    return system.stop(this.currentTest?.state === 'failed');
  });

  it('the mirror reader prints the sums of each publication', async () => {
    const lines = (await run('mirror-reader', APP, '3')).trimEnd().split('\n');
    const publications = lines.flatMap((line) => /^publication (\d+): \S+=\d+ /.exec(line)?.[1] ?? []);
    expect(publications).to.have.length(3);
    expect(publications.map(Number)).to.deep.equal(publications.map(Number).toSorted((a, b) => a - b));
  });

  it('the consumer takes every buffer that the provider writes', async () => {
    const [provider, consumer] = await Promise.all([
      run('provider', APP, '500'),
      run('consumer', APP, '500'),
    ]);
    expect(provider).to.equal('wrote 500 buffers\n');
    // 8 channels × (0 + … + 499), and 0.0 + … + 0.7 in each of 500 buffers.
    expect(consumer).to.contain('took 500 buffers, lost 0, sum 999400.0\n');
  });

  it('the message arrives with its attributes', async () => {
    const lines = (await run('messages', APP)).trimEnd().split('\n');
    // The handler and the answer to the sender run in either order.
    expect(lines).to.have.members([
      'control started run 7: first beam',
      'queued by logger; rates 10.5 and 20',
    ]);
  });

  it('the typed consumer takes every event that the typed provider writes', async () => {
    const [provider, consumer] = await Promise.all([
      run('typed-flow/provider', APP, '100'),
      run('typed-flow/consumer', APP, '100'),
    ]);
    expect(provider).to.equal('wrote 100 buffers\n');
    expect(consumer).to.contain('took 100 buffers');
  });

  it('the provided types carry JSON, arrays and compressed values', async () => {
    expect(await run('typed-flow/provided-types', APP)).to.match(/^run 42 with 48Ca\n8 x 64 pixels/);
  });

  it('the Python program lists applications and flows', async () => {
    const { port, directory } = await system.host.info();
    const { stdout } = await promisify(execFile)('python3', [
      join(FOLDER, 'python/list_flows.py'),
      `http://127.0.0.1:${port}`,
      directory,
    ]);
    expect(stdout).to.match(new RegExp(`^${APP} running\n(.*\n)* {3}spectra running \\d+`));
  });

  it('the list in examples/README.md names every program with the line that runs it', () => {
    const list = readFileSync(join(FOLDER, 'README.md'), 'utf8');
    const programs = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).filter((name) =>
      /\.(ts|py)$/.test(name),
    );
    expect(programs.length).to.be.above(6);
    for (const program of programs) expect(list).to.contain(program);
  });
});
