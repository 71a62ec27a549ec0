/** A flow thread lives as long as its flow and its process, and no longer. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { FlowDouble, until } from '../../fixtures/flow-double.js';

const PROGRAM = fileURLToPath(new URL('../../fixtures/flow-reader-program.js', import.meta.url));

describe('the life of a flow thread', () => {
  for (const [then, signal, code] of [
    ['exit', undefined, 0],
    ['close', undefined, 0],
    // The second opening leaves a thread that waits for a third.
    ['again', undefined, 0],
    ['hang', 'SIGKILL', null],
  ] as const) {
    it(`ends with its process: ${then}`, async () => {
      const from = await FlowDouble.start();
      from.publish(1);
      const child = spawn(process.execPath, [PROGRAM, from.opened.file, from.opened.link, then], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      try {
        const [said] = (await once(child.stdout, 'data')) as [Buffer];
        expect(said.toString()).to.equal('took 0\n');
        if (signal !== undefined) child.kill(signal);
        const [exitCode] = (await once(child, 'exit')) as [number | null];
        expect(exitCode).to.equal(code);
        await until(() => from.consumers.size === 0);
      } finally {
        child.kill('SIGKILL');
        await from.close();
      }
    });
  }
});
