/** The network lab itself, on which the tests of several hosts rely. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import { NetworkLab } from '../network/lab.js';
import { needsLab } from '../network/needs-lab.js';

/** A TCP server that prints `listening` and echoes what it receives. */
const ECHO = `require('net').createServer((s) => s.on('error', () => {}).pipe(s)).listen(4000, '0.0.0.0', () => console.log('listening'))`;
/** A TCP client that sends its standard input to an address and prints the answers. */
const CLIENT = `const s = require('net').connect(4000, process.argv[1], () => console.log('connected')); process.stdin.pipe(s); s.pipe(process.stdout)`;

describe('a lab of several hosts', function () {
  let lab: NetworkLab;

  before(async function () {
    needsLab(this);
    lab = await NetworkLab.make(['a', 'b']);
  });

  after(async () => {
    await (lab as NetworkLab | undefined)?.close();
  });

  it('a network lab carries, counts and delays packets between hosts and drops them while a link is cut', async () => {
    const echo = spawn(...lab.on('a', process.execPath, ['-e', ECHO]));
    const client = { process: echo };
    try {
      await once(createInterface(echo.stdout), 'line');
      const sender = spawn(...lab.on('b', process.execPath, ['-e', CLIENT, lab.host('a').address]));
      client.process = sender;
      const lines = createInterface(sender.stdout)[Symbol.asyncIterator]();
      expect((await lines.next()).value).to.equal('connected');
      sender.stdin.write('one\n');
      expect((await lines.next()).value).to.equal('one');
      await lab.shape('a', { delayMs: 50 });
      const started = performance.now();
      sender.stdin.write('two\n');
      expect((await lines.next()).value).to.equal('two');
      expect(performance.now() - started, 'round trip').to.be.at.least(100);
      await lab.shape('a', {});
      await lab.cut('a');
      const before = await lab.bytes('b');
      sender.stdin.write('three\n');
      // TCP sends the dropped packet again.
      let { sent } = await lab.bytes('b');
      while (sent === before.sent) ({ sent } = await lab.bytes('b'));
      expect((await lab.bytes('b')).received).to.equal(before.received);
      await lab.mend('a');
      expect((await lines.next()).value).to.equal('three');
    } finally {
      for (const child of [client.process, echo]) child.kill('SIGKILL');
    }
  });
});
