/** `mirrorflow top` against a running system. */
import { expect } from 'chai';
import { connect } from '../../../client-lib/index.js';
import { ConsoleSystem } from '../system.js';

const RING = 8;
const HISTORY = 4;

interface Line {
  readonly app: string;
  readonly flow: string;
  readonly state: string;
  readonly lag?: number;
  readonly fill?: number;
  readonly holding: string[];
  readonly clients: number;
  readonly rates: Record<string, number>;
}

describe('top', () => {
  let system: ConsoleSystem;
  const closing: (() => Promise<unknown>)[] = [];

  beforeEach(async () => {
    system = new ConsoleSystem();
    await system.json('host', 'start');
    await system.json('run', 'e1');
  });
  afterEach(async () => {
    for (const close of closing.splice(0).toReversed()) await close();
    await system.close();
  });

  /**
   * Creates a flow whose consumer reads nothing: ring and history are full and a buffer waits. The
   * returned function reads everything.
   */
  async function holdBack(): Promise<() => Promise<void>> {
    const open = async (name: string) => {
      const client = await connect({ app: 'e1', name, directory: system.directory });
      closing.push(() => client.close());
      return client;
    };
    const out = await (await open('writer')).openOutput('events', { bufferSize: 64, buffers: RING });
    const input = await (await open('sleeper')).openInput('events', { history: HISTORY });
    const writes = Array.from({ length: RING + HISTORY + 1 }, () => out.write(new Uint8Array(64)));
    return async () => {
      for (let taken = 0; taken < writes.length; taken += 1) await input.take();
      await Promise.all(writes);
    };
  }

  it('top --json names the consumer that holds a flow back until it reads on', async () => {
    const readAll = await holdBack();
    const command = system.spawn(['top', '--interval', '100', '--json']);
    const newest = (): Line | undefined => {
      const whole = command.stdout.slice(0, command.stdout.lastIndexOf('\n') + 1).trimEnd();
      const last = whole.split('\n').at(-1);
      return last === undefined || last === ''
        ? undefined
        : (JSON.parse(last) as { flows: Line[] }).flows.find(({ flow }) => flow === 'events');
    };
    await command.eventually(
      () => newest()?.holding.length === 1 && newest()?.fill === 1,
      'the consumer that holds the flow back',
    );
    expect(newest()).to.deep.include({
      app: 'e1',
      state: 'live',
      lag: RING,
      fill: 1,
      holding: ['sleeper'],
      clients: 2,
    });
    await readAll();
    await command.eventually(
      () => newest()?.holding.length === 0 && newest()?.lag === 0,
      'no consumer holds the flow back',
    );
    command.child.kill('SIGINT');
    expect((await command.ended).exit).to.equal(0);
  });

  it('top shows a table with a line per flow and names the consumer that holds one back', async () => {
    const readAll = await holdBack();
    const command = system.spawn(['top', '--interval', '100']);
    await command.prints(/e1\/events is held back by sleeper/);
    expect(command.stdout).to.match(
      /application +flow +state +published .* behind +history +clients +restarts/,
    );
    await command.prints(/e1 +events +live .* 8 +100 % +2 +0/);
    await readAll();
    command.child.kill('SIGINT');
    expect((await command.ended).exit).to.equal(0);
  });

  it('top shows a stopped application and fails without a host server', async () => {
    await system.json('stop', 'e1');
    const stopped = system.spawn(['top', '--interval', '100']);
    await stopped.prints(/e1 +- +stopped/);
    stopped.child.kill('SIGINT');
    expect((await stopped.ended).exit).to.equal(0);
    await system.run('host', 'stop');
    const alone = await system.run('top');
    expect(alone.exit).to.not.equal(0);
    expect(alone.stderr).to.contain('host start');
  });
});
