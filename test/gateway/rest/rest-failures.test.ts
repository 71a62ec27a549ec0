/**
 * What the gateway's REST service answers while its SpecTcl refuses, hangs, is unreachable or dies:
 * the last answers, those of the mirror, or errors.
 */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { expect } from 'chai';
import { RestRig } from './rest-rig.js';

/** For a service that never answers. */
const SILENCE_MS = 50;

describe('the REST service of a gateway without answers of SpecTcl', () => {
  let rig: RestRig;

  afterEach(() => rig.close());

  it("SpecTcl's errors are forwarded and an unusable answer gives an error", async () => {
    rig = await RestRig.start();
    rig.simulator.misbehave({ rest: 'status' });
    for (const path of ['gate/list', 'spectrum/list', 'version']) {
      expect(await rig.get(path), path).to.deep.equal({
        http: 200,
        status: 'The simulator is configured to refuse requests',
      });
    }
    rig.simulator.misbehave({ rest: 'http-500' });
    expect((await rig.get('apply/list')).http).to.equal(500);
    rig.simulator.misbehave({ rest: 'html' });
    const html = await rig.get('treevariable/list');
    expect(html.http).to.equal(502);
    expect(html.status).to.match(/without its envelope: It works!/);
  });

  it('a SpecTcl that does not answer gives an error', async () => {
    rig = await RestRig.start({
      allowChanges: true,
      simulated: { misbehaviour: { rest: 'silent' } },
      timeoutMs: SILENCE_MS,
    });
    expect((await rig.get('parameter/list')).http).to.equal(502);
  });

  it('the REST service answers from the mirror while SpecTcl is unreachable', async () => {
    rig = await RestRig.start();
    const before = await Promise.all(['version', 'spectrum/list', 'sbind/list'].map((path) => rig.get(path)));
    await rig.simulator.close();
    rig.source.clearCache();
    const after = await Promise.all(['version', 'spectrum/list', 'sbind/list'].map((path) => rig.get(path)));
    expect(after).to.deep.equal(before);
    expect((await rig.get('shmem/size')).detail).to.equal('8388608');
    const { http, status } = await rig.get('gate/list');
    expect(http).to.equal(502);
    expect(status).to.match(/cannot be reached/);
  });

  it('spectra are listed from the header when SpecTcl never answered', async () => {
    rig = await RestRig.start({ address: 'spectcl://127.0.0.1?rest=9&mirror=9' });
    const all = (await rig.get('spectrum/list')).detail as {
      name: string;
      axes: { bins: number }[];
      type: string;
    }[];
    const tof = all.find(({ name }) => name === 'tof');
    expect(tof).to.deep.include({ type: '1', chantype: 'long' });
    expect(tof?.axes).to.deep.equal([{ low: -150, high: 350, bins: 2_000 }]);
    expect((await rig.get('version')).http).to.equal(502);
    rig.mirrorIsUnreachable = true;
    expect((await rig.get('sbind/list')).http).to.equal(502);
  });

  it('a source that dies within a reply gives an error', async () => {
    const sockets = new Set<Socket>();
    const dying = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{"status":"OK","det');
        setImmediate(() => socket.destroy());
      });
    });
    dying.listen(0, '127.0.0.1');
    await once(dying, 'listening');
    const { port: dyingPort } = dying.address() as AddressInfo;
    rig = await RestRig.start({
      allowChanges: true,
      address: `spectcl://127.0.0.1?rest=${dyingPort}&mirror=9`,
    });
    for (const path of ['gate/list', 'spectrum/zero', 'version', 'integrate?spectrum=tof']) {
      const { http, status } = await rig.get(path);
      expect(http, path).to.equal(502);
      expect(status).to.match(/cannot be reached/);
    }
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => dying.close(resolve));
  });

  it('while SpecTcl is unreachable every list has its last answer and a change fails with a detail', async () => {
    rig = await RestRig.start({ allowChanges: true });
    const lists = ['gate/list', 'gate/list?pattern=*', 'apply/list?pattern=*', 'shmem/variables'];
    const before = await Promise.all(lists.map((path) => rig.get(path)));
    const { detail: gates } = before[0] as { detail: { name: string }[] };
    await rig.simulator.close();
    rig.source.clearCache();
    const after = await Promise.all(lists.map((path) => rig.get(path)));
    expect(after.slice(0, 3)).to.deep.equal(before.slice(0, 3));
    const variables = after[3]?.detail as Record<string, string>;
    expect(variables).to.include(before[3]?.detail as object);
    expect(variables['MirrorflowSource']).to.match(/^unreachable since \d{4}-\d\d-\d\dT/);
    // A pattern that was never requested selects from the last complete list.
    const name = gates[0]?.name ?? '';
    expect((await rig.get(`gate/list?pattern=${name}`)).detail).to.deep.equal([gates[0]]);
    const change = await rig.get('gate/edit?name=g&type=T');
    expect(change.http).to.equal(502);
    expect(change.status).to.match(/cannot be reached/);
    expect(change.detail).to.equal(change.status);
    expect(await rig.get('filter/list')).to.deep.include({ http: 502, detail: [] });
  });

  it('while SpecTcl hangs lists have their last answer after half a second', async () => {
    rig = await RestRig.start();
    const paths = ['gate/list', 'spectrum/list', 'sbind/list', 'specstats', 'version'];
    const before = await Promise.all(paths.map((path) => rig.get(path)));
    rig.simulator.misbehave({ rest: 'silent' });
    rig.source.clearCache();
    for (const limitMs of [3_000, 400]) {
      const startMs = performance.now();
      expect(await Promise.all(paths.map((path) => rig.get(path)))).to.deep.equal(before);
      expect(performance.now() - startMs).to.be.below(limitMs);
    }
    const { MirrorflowSource } = (await rig.get('shmem/variables')).detail as Record<string, string>;
    expect(MirrorflowSource).to.match(/^unreachable since/);
  });
});
