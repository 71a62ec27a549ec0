/** A flow thread lives as long as its flow and its process, and no longer. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { openInputFlow } from '../../../../client-lib/input/input-flow.js';
import { FlowDouble } from '../../../kit/flow-double.js';
import { eventually } from '../../../kit/eventually.js';

const PROGRAM = fileURLToPath(new URL('../../../fixtures/flow-reader-program.js', import.meta.url));

describe('the life of a flow thread', () => {
  for (const [then, signal, code] of [
    ['exit', undefined, 0],
    ['close', undefined, 0],
    // The second opening leaves a thread that waits for a third.
    ['again', undefined, 0],
    ['hang', 'SIGKILL', null],
  ] as const) {
    it(`a flow thread ends with its process, which does: ${then}`, async () => {
      const from = await FlowDouble.start();
      from.publish(1);
      const child = spawn(process.execPath, [PROGRAM, from.opened.file, from.opened.link, then], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      try {
        const [output] = (await once(child.stdout, 'data')) as [Buffer];
        expect(output.toString()).to.equal('took 0\n');
        if (signal !== undefined) child.kill(signal);
        const [exitCode] = (await once(child, 'exit')) as [number | null];
        expect(exitCode).to.equal(code);
        await eventually(() => from.consumers.size === 0);
      } finally {
        child.kill('SIGKILL');
        await from.close();
      }
    });
  }
});

describe('a flow thread whose flow was closed', () => {
  let first: FlowDouble;
  let second: FlowDouble;

  beforeEach(async () => {
    first = await FlowDouble.start();
    second = await FlowDouble.start();
  });

  afterEach(async () => {
    await Promise.all([first.close(), second.close()]);
  });

  it('a flow thread serves the next flow, undisturbed by unreleased buffers of the first', async () => {
    first.publish(3);
    const one = await openInputFlow(first.opened, { history: 2 });
    const held = [await one.take(), await one.take()];
    await one.close();
    const other = await openInputFlow(second.opened, { history: 2 });
    for (const buffer of held) buffer?.release();
    second.publish(5);
    for (let sequence = 0; sequence < 5; sequence += 1) {
      const buffer = await other.take();
      expect(buffer?.sequence).to.equal(sequence);
      buffer?.release();
    }
    expect(other.lost).to.equal(0);
    await other.close();
  });

  it('a resting flow thread keeps no flow file mapped', async () => {
    first.publish(1);
    const before = timesMapped(first.opened.file);
    const input = await openInputFlow(first.opened);
    expect(timesMapped(first.opened.file)).to.equal(before + 1);
    await input.close();
    await eventually(() => timesMapped(first.opened.file) === before);
  });

  it('flow threads of several flows that close at once serve the next flows', async () => {
    first.publish(1);
    second.publish(1);
    const inputs = await Promise.all([first, second, first].map(({ opened }) => openInputFlow(opened)));
    await Promise.all(inputs.map((input) => input.close()));
    const again = await Promise.all([first, second, first].map(({ opened }) => openInputFlow(opened)));
    for (const input of again) expect((await input.take())?.sequence).to.equal(0);
    await Promise.all(again.map((input) => input.close()));
  });
});

/** Mappings of a file by this process, in any thread. */
function timesMapped(path: string): number {
  return readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .filter((line) => line.endsWith(path)).length;
}
