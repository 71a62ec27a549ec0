/** The traces that a gateway gives its viewers, with a source and a clock of the test. */
import { expect } from 'chai';
import { Traces } from '../../../gateway/rest/traces.js';
import type { Binding } from '../../../protocol/spectcl/display-memory.js';
import { ManualClock } from '../../kit/manual-clock.js';
import { sampleBinding } from '../../kit/sample-binding.js';

const NOTHING = { parameter: [], spectrum: [], gate: [], binding: [] };

describe('the traces of a gateway', () => {
  let clock: ManualClock;
  let established: number;
  let fetched: Record<string, unknown>;
  let unreachable: boolean;
  let memory: readonly Binding[];
  let headerOfClients: number;
  let traces: Traces;

  beforeEach(() => {
    clock = new ManualClock();
    established = 0;
    fetched = {};
    unreachable = false;
    memory = [sampleBinding('a', 0)];
    headerOfClients = Infinity;
    traces = create(1_000);
  });

  function create(firstToken: number): Traces {
    const answer = <T>(value: T): Promise<T> =>
      unreachable ? Promise.reject(new Error('unreachable')) : Promise.resolve(value);
    return new Traces({
      source: {
        establish: () => answer((established += 1)),
        fetch: () => answer(fetched),
      },
      clock,
      bindings: () => Promise.resolve(memory),
      hasHeader: (_host, version) => version <= headerOfClients,
      firstToken,
    });
  }

  it('one trace of SpecTcl serves all viewers, each of which gets every change once', async () => {
    const [one, two] = [await traces.establish(6, 'h'), await traces.establish(6, 'h')];
    expect([one, two]).to.deep.equal([1_000, 1_001]);
    fetched = { parameter: ['add p'], spectrum: ['add s'], gate: ['changed g'], binding: ['add s 5'] };
    clock.advance(200);
    const changes = { parameter: ['add p'], spectrum: ['add s'], gate: ['changed g'], binding: [] };
    expect(await traces.fetch(one, 'h')).to.deep.equal(changes);
    fetched = {};
    expect(await traces.fetch(two, 'h')).to.deep.equal(changes);
    clock.advance(200);
    expect(await traces.fetch(one, 'h')).to.deep.equal(NOTHING);
    expect(established).to.equal(1);
  });

  it('a binding is given out when the memories of its viewer have it, and not for longer than 2 s held back', async () => {
    const token = await traces.establish(6, 'h');
    headerOfClients = 1;
    traces.published([sampleBinding('a', 0, 20), sampleBinding('b c', 1)], 2);
    expect(await traces.fetch(token, 'h')).to.deep.equal(NOTHING);
    headerOfClients = 2;
    const rebound = ['remove a 0', 'add a 0', 'add {b c} 1'];
    expect((await traces.fetch(token, 'h'))?.binding).to.deep.equal(rebound);
    traces.published([], 3);
    expect(await traces.fetch(token, 'h')).to.deep.equal(NOTHING);
    clock.advance(2_000);
    expect((await traces.fetch(token, 'h'))?.binding).to.deep.equal(['remove a 0', 'remove {b c} 1']);
  });

  it('while SpecTcl is unreachable traces are empty, and a new SpecTcl is followed under the same token', async () => {
    const token = await traces.establish(6, 'h');
    unreachable = true;
    clock.advance(200);
    expect(await traces.fetch(token, 'h')).to.deep.equal(NOTHING);
    unreachable = false;
    clock.advance(200);
    await traces.fetch(token, 'h');
    expect(established).to.equal(2);
    fetched = { gate: ['add g'] };
    clock.advance(200);
    expect((await traces.fetch(token, 'h'))?.gate).to.deep.equal(['add g']);
  });

  it('a token of an earlier gateway is continued with all bindings, and an ended one is refused', async () => {
    expect((await traces.fetch(7, 'h'))?.binding).to.deep.equal(['add a 0']);
    expect((await traces.fetch(7, 'h'))?.binding).to.deep.equal([]);
    const token = await traces.establish(6, 'h');
    expect([traces.done(token), traces.done(token)]).to.deep.equal([true, false]);
    expect(await traces.fetch(token, 'h')).to.equal(undefined);
    expect(await traces.fetch(NaN, 'h')).to.equal(undefined);
  });
});
