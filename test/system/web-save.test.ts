/** Files of spectra and layouts from the web viewer of a real system, over HTTP. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { SpectraView } from '../../client-lib/index.js';
import { readSpectra } from '../../plotting/files/read-spectra.js';
import type { Simulator } from '../../simulator/simulator.js';
import { eventually } from '../kit/eventually.js';
import { ANY_WEB_PORT, RealSystem } from '../kit/real-system.js';

describe('files and layouts of the web viewer', () => {
  let system: RealSystem;
  let simulator: Simulator;
  let address: string;

  beforeEach(async () => {
    system = new RealSystem();
    system.web = ANY_WEB_PORT;
    await system.startHost();
    simulator = await system.simulator({ rate: 0 });
    simulator.step(20_000);
    await system.host.run({ name: 'e1', source: simulator.address, updateIntervalMs: 20 });
    address = await eventually(async () => (await system.host.info()).web, 'the web viewer serves');
  });

  afterEach(async function () {
    await system.stop(this.currentTest?.state === 'failed');
  });

  const save = (query: string): Promise<Response> => fetch(`${address}api/save?${query}`);

  it('spectra are served as files that hold the counts in range', async () => {
    const answer = await save('app=e1&format=swrite&spectrum=tof&spectrum=pid.de-vs-e');
    expect(answer.status).to.equal(200);
    expect(answer.headers.get('content-disposition')).to.match(
      /^attachment; filename="e1-\d{8}T\d{6}Z\.spec"$/,
    );
    const saved = readSpectra(new Uint8Array(await answer.arrayBuffer()));
    expect(saved.map(({ name }) => name)).to.have.members(['tof', 'pid.de-vs-e']);
    const { binding, counts } = new SpectraView(simulator.memory).get('tof');
    const tof = saved.find(({ name }) => name === 'tof')!;
    expect(Array.from(tof.counts)).to.deep.equal(Array.from(counts.subarray(1, binding.xchans - 1)));
    const one = await save('app=e1&format=spe&spectrum=tof');
    expect(one.headers.get('content-disposition')).to.equal('attachment; filename="tof.spe"');
    expect(readSpectra(new Uint8Array(await one.arrayBuffer()))[0]!.x.channels).to.equal(tof.x.channels);
  });

  it('spectra are served again after the viewer has unmapped a mirror that was not used', async () => {
    expect((await save('app=e1&format=json&spectrum=tof')).status).to.equal(200);
    const pid = /"ready":true.*"pid":(\d+)/.exec(system.read('logs/web.log') ?? '')?.[1] ?? '';
    const isMapped = (): boolean => readFileSync(`/proc/${pid}/maps`, 'utf8').includes('spectra.flow');
    expect(isMapped()).to.equal(true);
    await eventually(() => !isMapped(), 'the mirror is unmapped');
    const again = await save('app=e1&format=json&spectrum=tof');
    expect(again.status, await again.clone().text()).to.equal(200);
    expect(readSpectra(new Uint8Array(await again.arrayBuffer())).map(({ name }) => name)).to.deep.equal([
      'tof',
    ]);
  });

  it('all spectra in a format that holds one are served as an archive', async () => {
    const answer = await save('app=e1&format=spe&all=true');
    expect(answer.headers.get('content-type')).to.equal('application/x-tar');
    const directory = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
    try {
      writeFileSync(join(directory, 'all.tar'), Buffer.from(await answer.arrayBuffer()));
      execFileSync('tar', ['xf', 'all.tar'], { cwd: directory });
      const list = new SpectraView(simulator.memory).list();
      const saved = readdirSync(directory).filter((name) => name.endsWith('.spe'));
      expect(saved).to.have.length(list.filter(({ binding }) => binding.dimensions === 1).length);
      expect(readSpectra(readFileSync(join(directory, 'tof.spe')))[0]!.name).to.equal('tof');
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });

  it('what cannot be saved is answered with the reason', async () => {
    const cases: [query: string, status: number, text: string][] = [
      ['app=e1&format=swrite', 400, 'all=true'],
      ['app=e1&format=root&all=true', 400, 'swrite, spe, csv, json'],
      ['app=e1&format=swrite&all=true&extra=1', 400, 'extra is unknown'],
      ['app=e1&format=swrite&spectrum=nothing', 404, 'no spectrum \\"nothing\\"'],
      ['app=e9&format=swrite&all=true', 404, 'no application'],
      ['app=e1&format=spe&spectrum=pid.de-vs-e', 400, 'two dimensions'],
    ];
    for (const [query, status, text] of cases) {
      const answer = await save(query);
      expect(answer.status, query).to.equal(status);
      expect(await answer.text(), query).to.include(text);
    }
  });

  it('a layout is kept for a page of this server, and for no foreign page', async () => {
    const origin = address.replace(/\/$/, '');
    const post = (from: string): Promise<Response> =>
      fetch(`${address}api/layout`, {
        method: 'POST',
        headers: { origin: from },
        body: JSON.stringify({ app: 'e1', name: 'day', address: '#/e1?p=tof' }),
      });
    expect((await post('http://evil.example')).status).to.equal(403);
    const answer = await post(origin);
    expect(await answer.json()).to.deep.equal({ layout: { address: '#/e1?p=tof' } });
  });
});
