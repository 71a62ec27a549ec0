/** `send` and `receive` as real processes. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { connect } from '../../../client-lib/index.js';
import { ConsoleSystem, type RunningCommand } from '../system.js';
import { eventually } from '../../kit/eventually.js';

const MIB = 2 ** 20;

describe('send and receive', () => {
  let system: ConsoleSystem;
  let flows = 0;
  let flow = '';

  before(async () => {
    system = new ConsoleSystem();
    await system.json('host', 'start');
    await system.json('run', 'e1');
  });

  beforeEach(() => {
    flow = `flow${(flows += 1)}`;
  });

  after(async () => {
    await system.close();
  });

  /** Feeds `total` bytes in odd pieces; resolves with their digest when all were taken. */
  async function feed({ child }: RunningCommand, total: number, text: boolean): Promise<string> {
    const hash = createHash('sha256');
    const block = randomBytes(MIB + 977);
    if (text) for (let at = 0; at < block.length; at += 1) if (block[at] === 0) block[at] = 10;
    let sent = 0;
    for (let size = 1; sent < total; size = ((size * 7 + 13) % 300_007) + 1) {
      const begin = sent % 1000;
      const chunk = block.subarray(begin, begin + Math.min(size, total - sent));
      hash.update(chunk);
      sent += chunk.length;
      if (!child.stdin.write(chunk)) await once(child.stdin, 'drain');
    }
    child.stdin.end();
    return hash.digest('hex');
  }

  /** A receiver whose output is only digested. */
  function digesting(...words: readonly string[]): { command: RunningCommand; digest: Promise<string> } {
    const command = system.spawn(['receive', flow, ...words]);
    command.child.stdout.removeAllListeners('data');
    const hash = createHash('sha256');
    command.child.stdout.on('data', (chunk: Buffer) => hash.update(chunk));
    return { command, digest: command.ended.then(() => hash.digest('hex')) };
  }

  for (const [name, words, text] of [
    ['as it comes', [], false],
    ['in blocks', ['--block', '60001'], false],
    ['in whole lines', ['--lines', '--buffer-size', '128KiB'], true],
  ] as const) {
    it(`send and receive carry 100 MiB ${name} from the first byte to the last`, async () => {
      const receiver = digesting('--wait');
      const sender = system.spawn(['send', flow, '--wait-for-consumer', '1', ...words]);
      const digest = await feed(sender, 100 * MIB, text);
      const sent = await sender.ended;
      expect(sent.exit, sent.stderr).to.equal(0);
      const received = await receiver.command.ended;
      expect(received.exit, received.stderr).to.equal(0);
      expect(await receiver.digest).to.equal(digest);
    });
  }

  it('send --json: prints the number of buffers and bytes', async () => {
    const { stdout, exit } = await system.feed('one\ntwo\n', 'send', flow, '--json');
    expect(exit).to.equal(0);
    expect(JSON.parse(stdout)).to.deep.equal({ flow, buffers: 1, bytes: 8 });
  });

  it("receive: writes the ring's buffers of the last provider and none of the one before", async () => {
    await system.feed('old', 'send', flow);
    await system.feed('new', 'send', flow);
    const { exit, stdout } = await system.run('receive', flow);
    expect([exit, stdout]).to.deep.equal([0, 'new']);
  });

  it('receive: ends after a sender with empty input', async () => {
    await system.feed('', 'send', flow);
    const { exit, stdout } = await system.run('receive', flow);
    expect([exit, stdout]).to.deep.equal([0, '']);
  });

  it('receive: a receiver that waits gets everything that the next sender sends', async () => {
    await system.feed('old', 'send', flow, '--buffers', '2', '--block', '16');
    const receiver = system.spawn(['receive', flow, '--wait']);
    await attached(receiver);
    const text = 'all of it, and more than two buffers hold'.repeat(100);
    expect((await system.feed(text, 'send', flow)).exit).to.equal(0);
    const { exit, stdout } = await receiver.ended;
    expect([exit, stdout]).to.deep.equal([0, text]);
  });

  it('receive: fails when the sender is killed, after writing everything that it had sent', async () => {
    const receiver = system.spawn(['receive', flow, '--wait']);
    const sender = system.spawn(['send', flow, '--lines', '--wait-for-consumer', '1']);
    sender.child.stdin.write('one\ntwo\nhal');
    await receiver.prints('two\n');
    sender.child.kill('SIGKILL');
    const { exit, stdout, stderr } = await receiver.ended;
    expect([exit, stdout]).to.deep.equal([1, 'one\ntwo\n']);
    expect(stderr).to.contain('its provider died without closing it');
  });

  it('send and receive continue through a killed duplicator and exit with 0 without loss', async () => {
    const receiver = system.spawn(['receive', flow, '--wait']);
    const sender = system.spawn(['send', flow, '--lines', '--wait-for-consumer', '1']);
    sender.child.stdin.write('before\n');
    await receiver.prints('before\n');
    const pid = async (): Promise<number | undefined> => {
      const all = await system.json<{ flow: string; state: string; pid?: number }[]>('flows');
      return all.find((one) => one.flow === flow && one.state === 'running')?.pid;
    };
    const killed = await pid();
    process.kill(killed!, 'SIGKILL');
    sender.child.stdin.write('meanwhile\n');
    await eventually(async () => ![undefined, killed].includes(await pid()), 'another duplicator runs');
    await receiver.prints('meanwhile\n');
    sender.child.stdin.end('after\n');
    expect((await sender.ended).exit).to.equal(0);
    const { exit, stdout, stderr } = await receiver.ended;
    expect([exit, stdout], stderr).to.deep.equal([0, 'before\nmeanwhile\nafter\n']);
  });

  it('receive: exits with 1 when it lost buffers that it had not agreed to lose', async () => {
    const client = await connect({ app: 'e1', name: 'provider', directory: system.directory });
    const output = await client.openOutput(flow, { bufferSize: 65_536, buffers: 4, stallTimeoutMs: 50 });
    const receiver = system.spawn(['receive', flow]);
    receiver.child.stdout.pause();
    await attached(receiver);
    for (let n = 0; n < 100; n += 1) await output.write(randomBytes(65_536));
    await client.close();
    receiver.child.stdout.resume();
    const { exit, stderr } = await receiver.ended;
    expect(exit).to.equal(1);
    expect(stderr).to.contain('buffers were lost');
  });

  it('receive --follow: continues with the next sender until Ctrl-C, with exit code 0', async () => {
    const receiver = system.spawn(['receive', flow, '--wait', '--follow']);
    await system.feed('one\n', 'send', flow, '--wait-for-consumer', '1');
    await receiver.prints('one\n');
    await system.feed('two\n', 'send', flow);
    await receiver.prints('two\n');
    receiver.child.kill('SIGINT');
    const { exit, stdout } = await receiver.ended;
    expect([exit, stdout]).to.deep.equal([0, 'one\ntwo\n']);
  });

  it('Ctrl-C ends send and receive with 130 and leaves no other receiver waiting', async () => {
    const receiver = system.spawn(['receive', flow, '--wait']);
    const other = system.spawn(['receive', flow, '--wait']);
    const sender = system.spawn(['send', flow, '--wait-for-consumer', '2']);
    sender.child.stdin.write('begun');
    await receiver.prints('begun');
    await other.prints('begun');
    receiver.child.kill('SIGINT');
    expect((await receiver.ended).exit).to.equal(130);
    sender.child.kill('SIGINT');
    expect((await sender.ended).exit).to.equal(130);
    // An interrupted sender has not ended its flow.
    expect((await other.ended).exit).to.equal(1);
  });

  it('receive: ends silently when its reader closes the pipe, and the sender continues', async () => {
    const receiver = system.spawn(['receive', flow, '--wait']);
    const sender = system.spawn(['send', flow, '--wait-for-consumer', '1']);
    sender.child.stdin.write('begun');
    await receiver.prints('begun');
    receiver.child.stdout.destroy();
    const digest = feed(sender, 20 * MIB, false);
    const { exit, stderr } = await receiver.ended;
    expect([exit, stderr]).to.deep.equal([0, '']);
    await digest;
    expect((await sender.ended).exit).to.equal(0);
  });

  it('a receiver whose output is not read stops the sender until it is read again', async () => {
    const receiver = system.spawn(['receive', flow, '--wait']);
    receiver.child.stdout.pause();
    const sender = system.spawn([
      'send',
      flow,
      '--wait-for-consumer',
      '1',
      '--block',
      '4KiB',
      '--buffers',
      '8',
    ]);
    const block = randomBytes(64 * 1024);
    let written = 0;
    let full = false;
    // Ring, pipes and stream buffers take some; then nothing moves any more.
    for (let still = 0; still < 20;) {
      if (!full) {
        full = !sender.child.stdin.write(block);
        written += block.length;
        still = 0;
        if (full) void once(sender.child.stdin, 'drain').then(() => (full = false));
      } else still += 1;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(written).to.be.lessThan(2 * MIB);
    sender.child.stdin.end();
    receiver.child.stdout.resume();
    expect((await sender.ended).exit).to.equal(0);
    expect((await receiver.ended).exit).to.equal(0);
  });

  it('receive --count and --from: limit the number of buffers and choose the first', async () => {
    await system.feed('1111222233334444', 'send', flow, '--block', '4');
    expect((await system.run('receive', flow, '--count', '2')).stdout).to.equal('11112222');
    expect((await system.run('receive', flow, '--from', 'newest')).stdout).to.equal('4444');
    expect((await system.run('receive', flow, '--from', '2', '--count', '1')).stdout).to.equal('3333');
    expect((await system.run('receive', flow, '--from', 'next')).stdout).to.equal('');
  });

  it('send: sends a file and reports one that cannot be read', async () => {
    const path = join(system.root, 'input.dat');
    const bytes = randomBytes(100_000);
    writeFileSync(path, bytes);
    const receiver = digesting('--wait');
    expect((await system.run('send', flow, path, '--wait-for-consumer', '1')).exit).to.equal(0);
    expect(await receiver.digest).to.equal(createHash('sha256').update(bytes).digest('hex'));
    const missing = await system.run('send', flow, `${path}.not`);
    expect(missing.exit).to.equal(1);
    expect(missing.stderr).to.contain('cannot be read');
  });

  it('send --lines: reports the line that does not fit and cuts it with --split', async () => {
    const text = `short\n${'long'.repeat(10)}\n`;
    const words = ['send', flow, '--lines', '--buffer-size', '16'];
    const refused = await system.feed(text, ...words);
    expect(refused.exit).to.equal(1);
    expect(refused.stderr).to.contain('line 2 ("long').and.to.contain('longer than a buffer of 16 bytes');
    expect((await system.feed(text, ...words, '--split')).exit).to.equal(0);
    expect((await system.run('receive', flow)).stdout).to.equal(text);
  });

  it('a second sender is refused with the name of the first', async () => {
    const sender = system.spawn(['send', flow]);
    sender.child.stdin.write('begun');
    const receiver = system.spawn(['receive', flow, '--wait']);
    await receiver.prints('begun');
    const second = await system.feed('', 'send', flow);
    expect(second.exit).to.equal(1);
    expect(second.stderr).to.match(/provider.*send/);
    sender.child.stdin.end();
    expect((await receiver.ended).exit).to.equal(0);
  });

  it('send and receive end with the exit codes of bad usage and of unknown flows', async () => {
    for (const words of [
      ['send', flow, '--lines', '--block', '4KiB'],
      ['send', flow, '--split'],
      ['send', flow, '--block', '64KiB', '--buffer-size', '4KiB'],
      ['send', flow, '--buffers', '1'],
      ['receive', flow, '--from', 'middle'],
      ['receive', '/etc'],
    ]) {
      expect((await system.run(...words)).exit, words.join(' ')).to.equal(2);
    }
    expect((await system.run('receive', flow)).exit).to.equal(4);
    await system.feed('', 'send', flow);
    expect((await system.run('receive', flow, '--type', 'json')).exit).to.equal(1);
  });

  /** Resolves when the duplicator has admitted a consumer of the flow. */
  async function attached(receiver: RunningCommand): Promise<void> {
    await eventually(async () => {
      const { counters } = await system.json<{ counters: Record<string, number> }>('stats', flow);
      return counters['consumers'] === 1;
    }, `the flow has a consumer; receive printed: ${receiver.stderr}`);
  }
});
