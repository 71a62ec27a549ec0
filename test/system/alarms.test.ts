/**
 * Alarms of a real system: they reach a webhook and a command of the host's configuration, and
 * outlive a web viewer that is killed.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { json } from '../../client-lib/index.js';
import { ANY_WEB_PORT, RealSystem } from '../kit/real-system.js';
import { eventually } from '../kit/eventually.js';
import { TemporaryDirectory } from '../kit/temporary-directory.js';

const TOKEN = 'a token that is in no command line';
const TREND = { source: { kind: 'spectrum', spectrum: 'tof' }, thresholds: [] };
const SOME_BEAM = {
  condition: { kind: 'above', trend: 'beam', limit: 0, hysteresis: 0 },
  raiseAfterS: 0,
  clearAfterS: 0,
};

interface Received {
  readonly app: string;
  readonly alarm: string;
  readonly state: string;
  readonly value: number;
}

describe('alarms of a real system', () => {
  let files: TemporaryDirectory;
  let system: RealSystem;
  let receiver: Server;
  const received: Received[] = [];
  const tokens = new Set<string | undefined>();

  beforeEach(async () => {
    received.length = 0;
    tokens.clear();
    files = new TemporaryDirectory();
    receiver = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (part: string) => (body += part));
      request.on('end', () => {
        received.push(JSON.parse(body) as Received);
        tokens.add(request.headers.authorization);
        response.writeHead(204).end();
      });
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    const { port } = receiver.address() as AddressInfo;
    const append =
      "require('fs').appendFileSync(process.argv[1], process.env.MIRRORFLOW_ALARM_STATE + '\\n')";
    writeFileSync(files.file('token'), TOKEN, { mode: 0o600 });
    writeFileSync(
      files.file('host.json'),
      JSON.stringify({
        alarms: {
          webhook: { url: `http://127.0.0.1:${port}/alarms?key=secret-key`, tokenFile: files.file('token') },
          command: { program: process.execPath, arguments: ['-e', append, files.file('states')] },
        },
      }),
    );
    system = new RealSystem({ hostOptions: ['--config', files.file('host.json')] });
    system.web = ANY_WEB_PORT;
    await system.startHost();
  });

  afterEach(async function () {
    await system.stop(this.currentTest?.state === 'failed');
    receiver.closeAllConnections();
    await new Promise((resolve) => receiver.close(resolve));
    files.remove();
  });

  const address = (): Promise<string> =>
    eventually(async () => (await system.host.info()).web, 'the web viewer serves');

  async function post(path: string, body: object): Promise<void> {
    const base = await address();
    const headers = { Origin: base.replace(/\/$/, '') };
    const answer = await fetch(`${base}api/${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    expect(answer.status, await answer.text()).to.equal(200);
  }

  /** The process that printed its ready line last. */
  function webPid(): number {
    const lines = readFileSync(join(system.directory, 'logs', 'web.log'), 'utf8').split('\n');
    const ready = lines.filter((line) => line.startsWith('{"ready":true')).at(-1) ?? '{}';
    return (JSON.parse(ready) as { pid: number }).pid;
  }

  const states = (): string =>
    existsSync(files.file('states')) ? readFileSync(files.file('states'), 'utf8') : '';

  it('a number in a flow of JSON records is a trend, in an application without a source too', async () => {
    await system.host.run({ name: 'e2' });
    const source = { kind: 'scaler', flow: 'scalers', field: 'target.beam' };
    await post('trend', { app: 'e2', name: 'beam', trend: { source, thresholds: [] } });
    const client = await system.client('e2');
    const output = await client.openOutput('scalers', { type: json(), maxBytes: 256 });
    let beam = 0;
    const value = await eventually(async () => {
      beam += 50;
      await output.write({ target: { beam }, other: 'text' });
      const metrics = await (await fetch(`${await address()}metrics`)).text();
      return /mirrorflow_trend\{app="e2",trend="beam"\} ([\d.]+)/.exec(metrics)?.[1];
    }, 'the scaler has a rate');
    expect(Number(value)).to.be.above(0);
    await output.close();
  });

  it('a raised alarm reaches webhook and command, outlives a killed viewer, and is not raised twice', async () => {
    const simulator = await system.simulator({ rate: 0 });
    await system.host.run({ name: 'e1', source: simulator.address, updateIntervalMs: 50 });
    await post('trend', { app: 'e1', name: 'beam', trend: TREND });
    await post('alarm', { app: 'e1', name: 'some beam', rule: SOME_BEAM });
    await eventually(() => {
      simulator.step(100);
      return received.length > 0 && states() !== '';
    }, 'webhook and command have the alarm');
    expect(received[0]).to.include({ app: 'e1', alarm: 'some beam', state: 'raised' });
    expect(received[0]?.value).to.be.above(0);
    expect([...tokens]).to.deep.equal([`Bearer ${TOKEN}`]);
    await post('acknowledge', { app: 'e1', name: 'some beam', by: 'Eva' });
    const pid = webPid();
    const commandLine = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    expect(commandLine).not.to.include(TOKEN);
    expect(commandLine).not.to.include('secret-key');
    process.kill(pid, 'SIGKILL');
    await eventually(() => webPid() !== pid, 'another viewer is ready');
    const metrics = async (): Promise<string> =>
      fetch(`${await address()}metrics`).then(
        (answer) => answer.text(),
        () => '',
      );
    await eventually(async () => {
      simulator.step(100);
      return /mirrorflow_trend\{app="e1",trend="beam"\} [1-9]/.test(await metrics());
    }, 'the new viewer measures');
    expect(await metrics()).to.include('mirrorflow_alarm{app="e1",alarm="some beam"} 1\n');
    expect(await metrics()).to.include('mirrorflow_alarm_acknowledged{app="e1",alarm="some beam"} 1\n');
    await eventually(() => states() === 'raised\ncleared\n', 'the alarm is cleared without counts');
    await eventually(() => received.length === 2, 'the webhook has it too');
    expect(received.map(({ state }) => state)).to.deep.equal(['raised', 'cleared']);
  });
});
