/** The lab itself: what the tests of several hosts rely on. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import { NetworkLab } from '../network/lab.js';
import { needsLab } from '../network/needs-lab.js';

/** Echoes lines; says so when it listens. */
const ECHO = `require('net').createServer((s) => s.on('error', () => {}).pipe(s)).listen(4000, '0.0.0.0', () => console.log('listening'))`;
/** Sends standard input to the address and prints what comes back. */
const SPEAK = `const s = require('net').connect(4000, process.argv[1], () => console.log('connected')); process.stdin.pipe(s); s.pipe(process.stdout)`;

describe('a lab of several hosts', function () {
  let lab: NetworkLab;

  before(async function () {
    needsLab(this);
    lab = await NetworkLab.make(['a', 'b']);
  });

  after(async () => {
    await (lab as NetworkLab | undefined)?.close();
  });

  it('carries what one host says to another, counts it, delays it, and holds it while the link is cut', async () => {
    const echo = spawn(...lab.on('a', process.execPath, ['-e', ECHO]));
    const speaker = { process: echo };
    try {
      await once(createInterface(echo.stdout), 'line');
      const speak = spawn(...lab.on('b', process.execPath, ['-e', SPEAK, lab.host('a').address]));
      speaker.process = speak;
      const lines = createInterface(speak.stdout)[Symbol.asyncIterator]();
      expect((await lines.next()).value).to.equal('connected');
      speak.stdin.write('one\n');
      expect((await lines.next()).value).to.equal('one');
      await lab.shape('a', { delayMs: 50 });
      const started = performance.now();
      speak.stdin.write('two\n');
      expect((await lines.next()).value).to.equal('two');
      expect(performance.now() - started, 'there and back').to.be.at.least(100);
      await lab.shape('a', {});
      await lab.cut('a');
      const before = await lab.bytes('b');
      speak.stdin.write('three\n');
      // The first try vanishes; TCP tries again.
      let { sent } = await lab.bytes('b');
      while (sent === before.sent) ({ sent } = await lab.bytes('b'));
      expect((await lab.bytes('b')).received).to.equal(before.received);
      await lab.mend('a');
      expect((await lines.next()).value).to.equal('three');
    } finally {
      for (const child of [speaker.process, echo]) child.kill('SIGKILL');
    }
  });
});
