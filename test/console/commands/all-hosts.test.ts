/** The option `--all`, on two host servers of this machine that both run one application. */
import { expect } from 'chai';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from '../../../client-lib/index.js';
import { ConsoleSystem } from '../system.js';
import { eventually } from '../../kit/eventually.js';

interface OnHost {
  readonly host: string;
  readonly app: string;
}

describe('the commands with --all', () => {
  let here: ConsoleSystem;
  let there: ConsoleSystem;
  const closing: (() => Promise<unknown>)[] = [];

  before(async () => {
    here = new ConsoleSystem();
    there = new ConsoleSystem();
    const secret = join(here.root, 'secret');
    writeFileSync(secret, 'a secret of both hosts of the test\n');
    chmodSync(secret, 0o600);
    const common = ['--secret-file', secret, '--listen', 'tcp://127.0.0.1:0'];
    await here.json('host', 'start', '--host-name', 'here', ...common);
    const { port } = await here.json<{ port: number }>('host');
    await there.json('host', 'start', '--host-name', 'there', ...common, '--peer', `tcp://127.0.0.1:${port}`);
    await here.json('run', 'e1');
    await there.json('run', 'e1');
    await there.json('run', 'alone');
    await eventually(async () => {
      const hosts = await here.json<{ connected: boolean; applications: unknown[] }[]>('hosts');
      return hosts.length === 2 && hosts.every(({ connected }) => connected);
    }, 'each host sees the other one');
    const open = async (name: string, { directory }: ConsoleSystem) => {
      const client = await connect({ app: 'e1', name, directory });
      closing.push(() => client.close());
      return client;
    };
    const out = await (await open('writer', there)).openOutput('events', { bufferSize: 64, buffers: 8 });
    const input = await (await open('reader', here)).openInput('events');
    await out.write(new Uint8Array(64));
    (await input.take())?.release();
  });

  after(async () => {
    for (const close of closing.splice(0).toReversed()) await close();
    for (const system of [there, here]) await system.close();
  });

  it('clients --all: lists the clients of every host with their flows', async () => {
    const clients = await here.json<(OnHost & { name: string; provides: string[]; consumes: string[] })[]>(
      'clients',
      '--all',
    );
    expect(clients.find(({ name }) => name === 'writer')).to.deep.include({
      host: 'there',
      app: 'e1',
      provides: ['events'],
    });
    expect(clients.find(({ name }) => name === 'reader')).to.deep.include({
      host: 'here',
      consumes: ['events'],
    });
    const { stdout, stderr } = await here.run('clients', '--all');
    expect(stdout)
      .to.match(/^host +app +client .*\n/)
      .and.to.match(/\nthere +e1 +writer .* events \(output\)/);
    expect(stderr).to.contain('alone runs on host there and not here');
  });

  it('flows --all: lists a flow once for each host that has it', async () => {
    const flows = await here.json<(OnHost & { flow: string; provider?: string; source?: string })[]>(
      'flows',
      '--all',
    );
    const events = flows.filter(({ flow }) => flow === 'events');
    expect(events.map(({ host }) => host)).to.deep.equal(['here', 'there']);
    expect(events[0]?.source).to.match(/^tcp:/);
    expect(events[1]?.provider).to.equal('writer');
    expect((await here.run('flows', '--all')).stdout).to.match(/\nthere +e1 +events .* writer /);
  });

  it('stats --all: prints the counters of every host that has the flow', async () => {
    const { hosts } = await here.json<{ hosts: { host: string; counters: Record<string, number> }[] }>(
      'stats',
      'events',
      '--all',
      '--interval',
      '50',
    );
    expect(hosts.map(({ host, counters }) => [host, counters['published']])).to.deep.equal([
      ['here', 1],
      ['there', 1],
    ]);
    expect((await here.run('stats', 'nothing', '--all')).exit).to.equal(4);
  });

  it('top --all: has a line for every flow and application of every host', async () => {
    const command = here.spawn(['top', '--all', '--interval', '100', '--json']);
    await command.eventually((stdout) => stdout.includes('\n'), 'a line');
    command.child.kill('SIGINT');
    const [line = ''] = (await command.ended).stdout.split('\n');
    const { flows } = JSON.parse(line) as { flows: (OnHost & { flow: string })[] };
    const seen = flows.map(({ host, app, flow }) => `${host} ${app} ${flow}`);
    expect(seen).to.have.members(['here e1 events', 'there e1 events', 'there alone ']);
  });
});
