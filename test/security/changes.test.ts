/** Who may change SpecTcl through the viewer: a real application, and pages that may not. */
import { request } from 'node:http';
import { expect } from 'chai';
import type { Simulator } from '../../simulator/simulator.js';
import { eventually } from '../kit/eventually.js';
import { ANY_WEB_PORT, RealSystem } from '../kit/real-system.js';

const SECRET = 'a secret that is shared';
const SLICE = {
  request: 'gate/edit',
  name: 'intruder',
  type: 's',
  parameters: ['rf.tof'],
  low: 1,
  high: 2,
};

describe('changes of SpecTcl through the viewer', () => {
  let system: RealSystem;
  let simulator: Simulator;
  let web: URL;

  beforeEach(async () => {
    system = new RealSystem({ secret: SECRET });
    system.web = ANY_WEB_PORT;
    await system.startHost();
    simulator = await system.simulator({ rate: 0 });
    const source = simulator.address;
    await system.host.run({ name: 'open', source, allowChanges: true });
    web = new URL(await eventually(async () => (await system.host.info()).web, 'the viewer serves'));
  });

  afterEach(async function () {
    await system.stop(this.currentTest?.state === 'failed');
  });

  function post(
    headers: Record<string, string>,
    { app = 'open', change = SLICE as object, method = 'POST' } = {},
  ): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const sent = request(new URL('/api/change', web), { method, headers }, (answer) => {
        let text = '';
        answer.on('data', (part) => (text += String(part)));
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
      });
      sent.on('error', reject);
      sent.end(method === 'POST' ? JSON.stringify({ app, change }) : undefined);
    });
  }

  async function gates(): Promise<string[]> {
    const answer = await fetch(`http://127.0.0.1:${simulator.restPort}/spectcl/gate/list`);
    const { detail } = (await answer.json()) as { readonly detail: readonly { readonly name: string }[] };
    return detail.map(({ name }) => name);
  }

  it("an intruder's page, a page that has not signed in and a foreign name change nothing", async () => {
    const origin = web.origin;
    const authorization = `Bearer ${SECRET}`;
    const foreign = 'http://evil.example';
    const before = await gates();
    for (const [headers, status] of [
      [{ origin: foreign }, 403],
      // A foreign page in a browser that has signed in.
      [{ origin: foreign, authorization }, 403],
      // A page whose name was made to resolve to this host, and one without an origin.
      [{ origin: `http://evil.example:${web.port}`, host: `evil.example:${web.port}`, authorization }, 421],
      [{ authorization }, 403],
      [{ origin }, 403],
      [{ origin, authorization: 'Bearer wrong' }, 403],
      [{ origin, cookie: `mirrorflow-session-${web.port}=0000` }, 403],
    ] as const) {
      expect((await post(headers)).status, JSON.stringify(headers)).to.equal(status);
    }
    expect((await post({ origin, authorization }, { method: 'GET' })).status).to.equal(404);
    expect(await gates()).to.deep.equal(before);
    const allowed = await post({ origin, authorization });
    expect([allowed.status, allowed.text]).to.deep.equal([200, '{"changed":true}']);
    expect(await gates()).to.deep.equal([...before, 'intruder']);
  });

  it('a signed-in page changes nothing where the application does not allow it, whatever it sends', async () => {
    const headers = { origin: web.origin, authorization: `Bearer ${SECRET}` };
    const other = await system.simulator({ rate: 0 });
    await system.host.run({ name: 'closed', source: other.address });
    const before = other.counters.restRequests;
    const refused = await post(headers, { app: 'closed' });
    expect(refused.status).to.equal(403);
    expect(refused.text).to.contain('does not allow changes');
    expect((await post(headers, { app: 'nothing' })).status).to.be.oneOf([404, 409]);
    for (const change of [
      { request: 'script', name: 'exit' },
      { ...SLICE, request: 'gate/../script' },
      { ...SLICE, low: 'x' },
      { ...SLICE, name: 'a} [exit] {' },
      { ...SLICE, type: 'T' },
      { ...SLICE, type: 'c', points: Array.from({ length: 1_001 }, () => ({ x: 1, y: 1 })) },
    ]) {
      expect((await post(headers, { change })).status, JSON.stringify(change).slice(0, 80)).to.equal(400);
    }
    expect((await post(headers, { change: { ...SLICE, name: 'x'.repeat(200_000) } })).status).to.equal(413);
    expect(other.counters.restRequests).to.equal(before);
    expect(await gates()).not.to.include('intruder');
    // SpecTcl's own words.
    const unknown = await post(headers, { change: { ...SLICE, parameters: ['none'] } });
    expect(unknown.status).to.equal(409);
    const { error } = JSON.parse(unknown.text) as { readonly error: { readonly facts: object } };
    expect(error.facts).to.include({ status: 'command failed', detail: 'none is not a parameter' });
  });

  it('the record of changes is shown to signed-in requests only, and has what was refused', async () => {
    const headers = { origin: web.origin, authorization: `Bearer ${SECRET}` };
    const zero = { request: 'spectrum/zero', spectrum: 'tof' };
    expect((await post(headers, { change: zero })).status).to.equal(200);
    await post(headers, { change: { ...SLICE, parameters: ['none'] } });
    await post(headers, { app: 'nothing', change: zero });
    const record = new URL('/api/changes?app=open', web);
    expect((await fetch(record)).status).to.equal(403);
    const answer = await fetch(record, { headers: { authorization: headers.authorization } });
    const { changes } = (await answer.json()) as { changes: Readonly<Record<string, unknown>>[] };
    expect(changes.map(({ change, done, reason }) => [change, done, reason])).to.deep.equal([
      ['edit gate intruder', false, 'command failed: none is not a parameter'],
      ['zero tof', true, ''],
    ]);
    expect(changes[0]).to.include({ who: 'program', address: '127.0.0.1' });
    const nothing = await fetch(new URL('/api/changes?app=nothing', web), {
      headers: { authorization: headers.authorization },
    });
    expect(nothing.status).to.equal(404);
    const metrics = await (await fetch(new URL('/metrics', web))).text();
    expect(metrics).to.contain('mirrorflow_run_active{app="open"} 0');
  });
});
