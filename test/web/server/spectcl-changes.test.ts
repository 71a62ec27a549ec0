/** How pages change SpecTcl: what is sent, what is refused, and what is recorded. */
import { expect } from 'chai';
import { startSimulator, type Simulator } from '../../../simulator/simulator.js';
import type { ChangeTarget } from '../../../web/server/change-target.js';
import { SpecTclChanges, type ChangeRecord } from '../../../web/server/spectcl-changes.js';
import { changeQuery, parseChange, type SpecTclChange } from '../../../web/wire/changes.js';
import { failureOf } from '../../kit/failure-of.js';

const CHANGER = { who: 'page', address: '192.0.2.7' };

describe('changes of SpecTcl by pages', () => {
  let simulator: Simulator;
  let records: ChangeRecord[];
  let refreshed: string[];

  beforeEach(async () => {
    simulator = await startSimulator({ rate: 0, checksum: false });
    [records, refreshed] = [[], []];
  });

  afterEach(() => simulator.close());

  function changes(target: Partial<ChangeTarget> = {}): SpecTclChanges {
    return new SpecTclChanges({
      target: () => Promise.resolve({ source: simulator.address, allowChanges: true, ...target }),
      refreshLists: (app) => refreshed.push(app),
      onChange: (record) => records.push(record),
    });
  }

  const body = (change: object): string => JSON.stringify({ app: 'e1', change });

  const SLICE = { request: 'gate/edit', name: 'g', type: 's', parameters: ['rf.tof'], low: -2.5, high: 1e-7 };

  it('a change is one request to SpecTcl, is recorded with who asked, and the lists are asked again', async () => {
    const before = simulator.counters.restRequests;
    expect(await changes().answer(CHANGER, body(SLICE))).to.deep.equal({ changed: true });
    expect(simulator.counters.restRequests - before).to.equal(1);
    const answer = await fetch(`http://127.0.0.1:${simulator.restPort}/spectcl/gate/list?pattern=g`);
    const { detail } = (await answer.json()) as { readonly detail: readonly object[] };
    expect(detail[0]).to.deep.include({ name: 'g', low: -2.5, high: 1e-7 });
    const [record] = records;
    expect(record).to.deep.include({ ...CHANGER, app: 'e1', outcome: { done: true } });
    expect(record!.request).to.deep.equal(SLICE);
    expect(Math.abs(Date.now() - record!.time)).to.be.below(60_000);
    expect(refreshed).to.deep.equal(['e1']);
  });

  it("a refusal has SpecTcl's words, for the page and in the record", async () => {
    const error = await failureOf(changes().answer(CHANGER, body({ request: 'gate/delete', name: 'none' })));
    expect(error).to.include({ code: 'SOURCE_REFUSED' });
    expect(error.facts).to.include({ status: 'not found', detail: 'none' });
    expect(records[0]!.outcome).to.deep.equal({ done: false, reason: 'not found: none' });
    expect(refreshed).to.deep.equal([]);
  });

  it('nothing is sent where the application does not allow it, or its SpecTcl is on another host', async () => {
    const before = simulator.counters.restRequests;
    for (const target of [{ allowChanges: false }, { source: undefined }]) {
      const error = await failureOf(changes(target).answer(CHANGER, body(SLICE)));
      expect(error.code).to.equal('NOT_PERMITTED');
    }
    expect((await failureOf(changes().answer(CHANGER, '{"app":"e1"}'))).code).to.equal('BAD_OPTION');
    expect((await failureOf(changes().answer(CHANGER, 'no JSON'))).code).to.equal('BAD_OPTION');
    expect(simulator.counters.restRequests).to.equal(before);
    // Refusals are recorded too; what is no change at all is not.
    expect(records.map(({ outcome }) => outcome.done)).to.deep.equal([false, false]);
  });

  it('a change becomes the parameters that SpecTcl takes for its type', () => {
    const points = [
      { x: 1, y: 2 },
      { x: 3, y: 4 },
      { x: 5, y: 6 },
    ];
    const queryOf = (change: object): string =>
      changeQuery(parseChange(change) as SpecTclChange)
        .map(([name, value]) => `${name}=${value}`)
        .join('&');
    const places = 'xcoord(0)=1&ycoord(0)=2&xcoord(1)=3&ycoord(1)=4&xcoord(2)=5&ycoord(2)=6';
    const edit = { request: 'gate/edit', name: 'g', parameters: ['a', 'b'], points };
    expect(queryOf({ ...edit, type: 'c' })).to.equal(`name=g&type=c&xparameter=a&yparameter=b&${places}`);
    expect(queryOf({ ...edit, type: 'gb' })).to.equal(`name=g&type=gb&parameter=a&parameter=b&${places}`);
    expect(queryOf({ request: 'apply/apply', gate: 'g', spectrum: 's' })).to.equal('gate=g&spectrum=s');
    expect(queryOf({ request: 'ungate', name: 's' })).to.equal('name=s');
    expect(parseChange({ ...edit, type: 'c', points: [{ x: Infinity, y: 1 }] })).to.equal(undefined);
    expect(parseChange({ ...edit, type: 's' })).to.equal(undefined);
    expect(parseChange({ request: 'gate/delete', name: 'a"b' })).to.equal(undefined);
  });
});
