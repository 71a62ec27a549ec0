/** The gateway's REST service beside SpecTcl's own, on a simulator in this process. */
import { once } from 'node:events';
import { createServer as createHttpServer, request as httpRequest, type IncomingMessage } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { deflateRawSync } from 'node:zlib';
import { expect } from 'chai';
import { systemClock, type Clock } from '../../../protocol/base/clock.js';
import { RestRig } from './rest-rig.js';

/** Under this clock a cached list does not age. */
const STOPPED_CLOCK: Clock = { ...systemClock, nowMs: () => 0 };

describe('the REST service of a gateway', () => {
  let rig: RestRig;

  afterEach(() => rig.close());

  const EQUAL_ANSWERS = [
    'version',
    'shmem/size',
    'spectrum/list',
    'spectrum/list?filter=*.raw',
    'spectrum/list?filter=nothing',
    'sbind/list',
    'sbind/list?pattern=?of',
    'specstats',
    'specstats?pattern=dssd*',
    'gate/list',
    'gate/list?pattern=b*',
    'apply/list?pattern=*',
  ];

  for (const flavour of ['spectcl', 'rustogramer'] as const) {
    it(`the REST service answers exactly what a ${flavour} answers`, async () => {
      rig = await RestRig.start({ simulated: { flavour } });
      for (const path of EQUAL_ANSWERS) {
        const expected = await rig.get(path, rig.simulator.restPort);
        const answer = await rig.get(path);
        if (path.startsWith('sbind') && flavour === 'rustogramer') expect(answer.http).to.equal(200);
        expect(answer, path).to.deep.equal(expected);
      }
    });
  }

  it('the REST service answers size as text, key as file and its own ports', async () => {
    rig = await RestRig.start();
    expect((await rig.get('shmem/size')).detail).to.equal('8388608');
    expect((await rig.get('shmem/key')).detail).to.equal('file:/dev/shm/somewhere/spectra.image');
    expect((await rig.get('shmem/variables')).detail).to.include({ HTTPDPort: '4711', MirrorPort: '4712' });
  });

  it('without allowChanges a request that changes SpecTcl is refused', async () => {
    rig = await RestRig.start();
    const before = Buffer.from(rig.simulator.memory);
    for (const path of [
      'spectrum/zero?pattern=*',
      'spectrum/delete?name=tof',
      'script?command=exit',
      'exit',
    ]) {
      const { http, status } = await rig.get(path);
      expect(http, path).to.equal(403);
      expect(status).to.match(/could change SpecTcl/);
    }
    expect(Buffer.compare(before, Buffer.from(rig.simulator.memory))).to.equal(0);
    expect(rig.simulator.counters.restRequests).to.equal(0);
  });

  it('with allowChanges a change is forwarded and cached lists are dropped', async () => {
    rig = await RestRig.start({ allowChanges: true });
    const page = { headers: { 'sec-fetch-site': 'cross-site' } };
    expect((await rig.get('spectrum/zero?pattern=*', rig.port, page)).http).to.equal(403);
    await rig.get('gate/list');
    expect(await rig.get('spectrum/zero?pattern=*')).to.deep.equal({ http: 200, status: 'OK' });
    const requests = rig.simulator.counters.restRequests;
    await rig.get('gate/list');
    expect(rig.simulator.counters.restRequests).to.equal(requests + 1);
  });

  it("a request that SpecTcl does not have gets an HTTP error in SpecTcl's envelope", async () => {
    rig = await RestRig.start();
    const long = 'x'.repeat(2_000);
    for (const [path, http] of [
      ['nonsense', 404],
      ['', 404],
      ['sbind/list/', 403],
      ['../version', 404],
      [`sbind/list?pattern=${long}`, 400],
      ['sbind/list?pattern=%zz', 400],
      [`sbind/list?pattern=*&x=${'y'.repeat(9_000)}`, 414],
      [`sbind/list?x=${'y'.repeat(100_000)}`, 431],
    ] as const) {
      const answer = await rig.get(path);
      expect(answer.http, path.slice(0, 40)).to.equal(http);
      expect(answer.status.length).to.be.within(1, 300);
    }
    expect(
      (await rig.get('version', rig.port, { method: 'POST', body: 'x'.repeat(1_000_000) })).http,
    ).to.equal(405);
    const head = await fetch(`http://127.0.0.1:${rig.port}/spectcl/version`, { method: 'HEAD' });
    expect([head.status, await head.text()]).to.deep.equal([200, '']);
  });

  it('a malformed or expensive pattern gets the names that match it', async () => {
    rig = await RestRig.start();
    for (const pattern of ['[', '[]', '\\', '%5B^', '*a'.repeat(300), '%00', '']) {
      const { http, status, detail } = await rig.get(`sbind/list?pattern=${pattern.replaceAll('\\', '%5C')}`);
      expect([http, status, detail], pattern).to.deep.equal([200, 'OK', []]);
    }
  });

  it('a connection that sends no HTTP gets an answer and is closed', async () => {
    rig = await RestRig.start();
    const client = connect(rig.port, '127.0.0.1');
    client.write('\x08\0\0\0\x02\0\0\0 hello\r\n\r\n');
    const [answer] = (await once(client, 'data')) as [Buffer];
    expect(answer.toString()).to.match(/^HTTP\/1.1 400 [^]*\{"status":"this is no HTTP request/);
    client.destroy();
  });

  it('500 requests at once cost SpecTcl only a few', async () => {
    rig = await RestRig.start({ allowChanges: true, clock: STOPPED_CLOCK });
    const paths = ['spectrum/list', 'sbind/list', 'specstats', 'gate/list', 'shmem/variables'];
    const replies = await Promise.all(
      Array.from({ length: 500 }, (_, index) => rig.get(paths[index % 5] ?? '')),
    );
    expect(new Set(replies.map(({ http, status }) => `${http} ${status}`))).to.deep.equal(
      new Set(['200 OK']),
    );
    expect(rig.simulator.counters.restRequests).to.be.below(50);
  });

  it('mirror lists the entry of the asker first, and this host without an entry gets none', async () => {
    rig = await RestRig.start();
    const here = { host: 'localhost', address: '127.0.0.1', local: true };
    const other = { host: '10.0.0.7', address: '10.0.0.7', local: false };
    let replaced = 0;
    const remote = rig.directory.add(other, () => (replaced += 1));
    remote.register('XA07');
    expect((await rig.get('mirror')).detail).to.deep.equal([]);
    expect((await rig.get('mirror?pattern=10.*')).detail).to.deep.equal([
      { host: '10.0.0.7', shmkey: 'XA07' },
    ]);
    rig.directory.add(here, () => undefined).register('XA01');
    rig.directory.add(here, () => undefined);
    const own = { host: 'localhost', shmkey: 'XA01' };
    expect((await rig.get('mirror')).detail).to.deep.equal([own, { host: '10.0.0.7', shmkey: 'XA07' }]);
    for (const pattern of ['127*', 'local*']) {
      expect((await rig.get(`mirror?pattern=${pattern}`)).detail, pattern).to.deep.equal([own]);
    }
    const live = (await rig.get('mirror/list?clients=*')).detail as { name: string; client: string }[];
    expect(live.map(({ name }) => name)).to.deep.equal([
      'file:/dev/shm/somewhere/spectra.image',
      'XA07',
      'XA01',
      '',
    ]);
    rig.directory.add(other, () => undefined).register('XA07');
    expect(replaced).to.equal(1);
    remote.remove();
    expect(rig.directory.list()).to.have.length(2);
  });

  it("all reading requests of SpecTcl's clients are forwarded, with double slashes too", async () => {
    rig = await RestRig.start();
    for (const path of ['parameter/listnew', 'pman/lsall', 'pman/lsevp', 'treevariable/firetraces']) {
      // The simulator does not have them.
      expect((await rig.get(path)).status, path).to.match(/HTTP status 404/);
    }
    expect((await rig.get('/gate//list')).detail).to.deep.equal((await rig.get('gate/list')).detail);
  });

  it('bindings and statistics have the order of SpecTcl', async () => {
    const axes = [{ parameter: 'p', low: 0, high: 10, bins: 10, unit: '' }];
    rig = await RestRig.start();
    rig.simulator.undefine('tof');
    rig.simulator.define({ name: 'zz', type: 4, axes });
    for (const path of ['sbind/list', 'specstats']) {
      expect(await rig.get(path), path).to.deep.equal(await rig.get(path, rig.simulator.restPort));
    }
  });

  it('an encoded answer of SpecTcl is passed on as it came', async () => {
    const body = deflateRawSync('{"status":"OK","detail":[]}');
    const encoding = createHttpServer((_request, response) => {
      response.setHeader('content-encoding', 'deflate').end(body);
    }).listen(0, '127.0.0.1');
    await once(encoding, 'listening');
    const { port: encodingPort } = encoding.address() as AddressInfo;
    rig = await RestRig.start({ address: `spectcl://127.0.0.1?rest=${encodingPort}&mirror=9` });
    const answer = await new Promise<IncomingMessage>((resolve) => {
      httpRequest(
        { host: '127.0.0.1', port: rig.port, path: '/spectcl/spectrum/contents?name=unbound' },
        resolve,
      ).end();
    });
    expect(answer.headers['content-encoding']).to.equal('deflate');
    expect(Buffer.concat(await answer.toArray()).equals(body)).to.equal(true);
    encoding.closeAllConnections();
    encoding.close();
  });

  it('the REST service continues after a client leaves within a request', async () => {
    rig = await RestRig.start();
    const leaving = httpRequest({ host: '127.0.0.1', port: rig.port, path: '/spectcl/spectrum/list' });
    leaving.on('error', () => undefined);
    leaving.end();
    leaving.destroy();
    expect((await rig.get('spectrum/list')).http).to.equal(200);
  });
});
