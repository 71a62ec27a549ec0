/** The simulator's REST service: the protocol's answers, and the spectra of the display memory. */
import { expect } from 'chai';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { bindings } from '../../protocol/spectcl/display-memory.js';
import { SpecTclRest } from '../../protocol/spectcl/rest-client.js';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../simulator/simulator.js';

describe('simulated REST service', () => {
  let simulator: Simulator;
  let client: SpecTclRest;

  async function start(options: SimulatorOptions = {}): Promise<void> {
    simulator = await startSimulator({ rate: 0, ...options });
    client = new SpecTclRest({ host: '127.0.0.1', port: simulator.restPort }, { timeoutMs: 45_000 });
  }

  const ask = async (path: string): Promise<{ http: number; text: string }> => {
    const answer = await fetch(`http://127.0.0.1:${simulator.restPort}/spectcl/${path}`);
    return { http: answer.status, text: await answer.text() };
  };

  const codeOf = (promise: Promise<unknown>): Promise<string> =>
    promise.then(
      () => 'none',
      (error: unknown) => (error instanceof MirrorflowError ? error.code : String(error)),
    );

  afterEach(async () => {
    client.close();
    await simulator.close();
  });

  it('the simulator answers like SpecTcl 5.13 and states that it is a simulator', async () => {
    await start();
    expect(await client.version()).to.deep.equal({ major: 5, minor: 13, editLevel: '12' });
    expect(await client.shmemKey()).to.match(/^XA[0-9a-f]{2}$/);
    expect((await ask('shmem/size')).text).to.equal('{"status":"OK","detail":"8388608"}');
    const variables = await client.variables();
    expect(variables['Simulator']).to.match(/simulator/);
    expect(variables).to.include({
      DisplayMegabytes: '8',
      HTTPDPort: String(simulator.restPort),
      MirrorPort: String(simulator.mirrorPort),
      RunState: 'Halted',
    });
    expect(simulator.address).to.equal(
      `spectcl://127.0.0.1?rest=${simulator.restPort}&mirror=${simulator.mirrorPort}`,
    );
  });

  it('the simulator answers like Rustogramer in that flavour', async () => {
    await start({ flavour: 'rustogramer' });
    expect((await client.version()).programName).to.equal('Rustogramer');
    expect((await client.variables())['RunTitle']).to.equal('-undefined-');
    const types = new Set((await client.spectra()).map(({ chantype }) => chantype));
    expect([...types]).to.deep.equal(['long']);
    expect(bindings(simulator.memory).every(({ type }) => type.bytesPerChannel === 4)).to.equal(true);
  });

  for (const flavour of ['spectcl', 'rustogramer'] as const) {
    it(`the simulator lists the spectra of its memory (${flavour})`, async () => {
      await start({ flavour });
      const inMemory = bindings(simulator.memory);
      const spectra = await client.spectra();
      const listed = await client.bindings();
      expect(spectra).to.have.length(inMemory.length);
      expect(listed.map(({ name, binding }) => [name, binding])).to.deep.equal(
        inMemory.map(({ name, slot }) => [name, slot]),
      );
      for (const binding of inMemory) {
        const spectrum = spectra.find(({ name }) => name === binding.name);
        const [x, y] = spectrum!.axes;
        const outside = flavour === 'spectcl' && binding.name !== 'checksum' ? 2 : 0;
        expect([binding.xmin, binding.xmax, binding.xchans]).to.deep.equal([
          x!.low,
          x!.high,
          x!.bins + outside,
        ]);
        expect(binding.xlabel).to.contain(spectrum!.parameters[0]);
        if (y !== undefined) {
          expect([binding.ymin, binding.ymax, binding.ychans]).to.deep.equal([
            y.low,
            y.high,
            y.bins + outside,
          ]);
        }
        expect(spectrum!.axes).to.have.length(binding.dimensions);
      }
    });
  }

  it('the simulator has spectra of every type as SpecTcl', async () => {
    await start();
    expect(new Set(bindings(simulator.memory).map(({ type }) => type.name)).size).to.equal(5);
  });

  it('the simulator answers the statistics of its memory', async () => {
    await start();
    simulator.step(20_000);
    const statistics = await client.statistics();
    for (const binding of bindings(simulator.memory)) {
      const match = statistics.find(({ name }) => name === binding.name);
      expect(match?.overflows).to.deep.equal(binding.overflows.slice(0, binding.dimensions));
      expect(match?.underflows).to.deep.equal(binding.underflows.slice(0, binding.dimensions));
    }
    expect(statistics.some(({ overflows }) => (overflows[0] ?? 0) > 0)).to.equal(true);
  });

  it('the simulator selects spectra by pattern', async () => {
    await start();
    expect((await client.spectra('ge.*')).map(({ name }) => name)).to.have.length(4);
    expect((await client.bindings('tof')).map(({ name }) => name)).to.deep.equal(['tof']);
    expect(await client.statistics('nothing*')).to.deep.equal([]);
    expect((await client.gates('alph*')).map(({ name }) => name)).to.deep.equal(['alpha', 'alpha-in-beam']);
    expect(await client.applications('tof')).to.deep.equal([{ spectrum: 'tof', gate: 'beam' }]);
  });

  it('the simulator clears spectra by pattern', async () => {
    await start();
    simulator.step(10_000);
    await client.zero('tof');
    expect((await client.statistics('tof'))[0]?.overflows).to.deep.equal([0]);
    expect((await client.statistics('adc.raw'))[0]?.overflows[0]).to.be.greaterThan(0);
    expect((await ask('spectrum/zero?pattern=*')).text).to.equal('{"status":"OK"}');
  });

  it('a trace has the spectra that were defined, renamed and removed', async () => {
    await start();
    const token = await client.traceEstablish(60);
    expect((await client.traceFetch(token)).binding).to.deep.equal([]);
    const axes = [{ parameter: 'p', low: 0, high: 1, bins: 10, unit: '' }];
    simulator.define({ name: 'new', type: 4, axes });
    expect(simulator.rename('new', 'newer')).to.equal(true);
    expect(simulator.undefine('newer')).to.equal(true);
    const { spectrum, binding } = await client.traceFetch(token);
    expect(spectrum).to.deep.equal(['add new', 'delete new', 'add newer', 'delete newer']);
    expect(binding).to.have.length(4);
    expect((await client.traceFetch(token)).binding).to.deep.equal([]);
    await client.traceDone(token);
    expect(await codeOf(client.traceFetch(token))).to.equal('SOURCE_REFUSED');
  });

  it('the simulator refuses requests in the envelope, with HTTP 200', async () => {
    await start();
    const { http, text } = await ask('trace/fetch?token=77');
    expect(http).to.equal(200);
    expect(text).to.equal('{"status":"Invalid trace token"}');
    expect((await ask('no/such')).http).to.equal(404);
    expect((await ask('constructor')).http).to.equal(404);
  });

  it('the REST service shows each configured fault', async () => {
    await start({ misbehaviour: { rest: 'status' } });
    expect(await codeOf(client.version())).to.equal('SOURCE_REFUSED');
    simulator.misbehave({ rest: 'html' });
    expect(await codeOf(client.version())).to.equal('SOURCE_PROTOCOL');
    simulator.misbehave({ rest: 'http-500' });
    expect(await codeOf(client.version())).to.equal('SOURCE_PROTOCOL');
    simulator.misbehave({ rest: 'silent' });
    const impatient = new SpecTclRest({ host: '127.0.0.1', port: simulator.restPort }, { timeoutMs: 50 });
    expect(await codeOf(impatient.version())).to.equal('SOURCE_UNREACHABLE');
    impatient.close();
    simulator.misbehave({ rest: 'none' });
    expect(await codeOf(client.version())).to.equal('none');
    expect(simulator.counters.restRequests).to.equal(5);
  });
});
