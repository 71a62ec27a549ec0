/** What hosts of other sites publish about themselves: entries, and the table of them. */
import { expect } from 'chai';
import * as fc from 'fast-check';
import { CLOCK_DIFFERENCE_MS } from '../../../nats/calls/seen-calls.js';
import { decodeEntry, encodeEntry, ENTRY_BYTES_MAX } from '../../../nats/presence/entry.js';
import { EntryTimes } from '../../../nats/presence/entry-times.js';
import { ENTRY_LIFE_MS, FarHosts } from '../../../nats/presence/far-hosts.js';
import { SiteSeals } from '../../../protocol/nats/signature.js';
import { LIMITS } from '../../../protocol/base/limits.js';
import { encodeCall } from '../../../protocol/rpc/xml-rpc/codec.js';
import type { RpcValue } from '../../../protocol/rpc/xml-rpc/values.js';
import type { SiteHost } from '../../../protocol/rpc/contract/sites.js';
import { ManualClock } from '../../kit/manual-clock.js';

const SEALS = new SiteSeals(undefined, undefined);
const KEY = 'gsi=de.daq1';
const HOST: SiteHost = {
  site: 'gsi.de',
  host: 'daq1',
  version: '0.2.0',
  since: new Date(1_000),
  applications: [{ name: 'e1', state: 'running', startedAt: new Date(2_000) }],
  flows: [{ app: 'e1', flow: 'spectra', type: 'spectcl-mirror', state: 'running' }],
};

describe('hosts of other sites', () => {
  it('an entry is read as it was written', () => {
    const bytes = encodeEntry(SEALS, KEY, { host: HOST, atMs: 5 });
    expect(decodeEntry(SEALS, KEY, bytes)).to.deep.equal({ host: HOST, atMs: 5 });
  });

  it('an entry under the key of another host, or of no host, is refused', () => {
    const bytes = encodeEntry(SEALS, KEY, { host: HOST, atMs: 5 });
    for (const key of ['frib.daq1', 'gsi=de.daq2', 'gsi=de', 'gsi=de.daq1.x', '', '=.=']) {
      expect(decodeEntry(SEALS, key, bytes), key).to.equal(undefined);
    }
  });

  it('any bytes are an entry or refused', () => {
    const bytes = encodeEntry(SEALS, KEY, { host: HOST, atMs: 5 });
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 }), (at, value) => {
        const changed = Uint8Array.from(bytes);
        changed[at] = value;
        decodeEntry(SEALS, KEY, changed);
      }),
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (any) => void decodeEntry(SEALS, KEY, any)));
    for (const text of [
      'null',
      '7',
      '[]',
      '"x"',
      '['.repeat(100_000),
      '['.repeat(100_000) + ']'.repeat(100_000),
    ])
      expect(decodeEntry(SEALS, KEY, SEALS.seal(KEY, Buffer.from(text))), text).to.equal(undefined);
  });

  it('lists that are too long are cut, so that an entry always fits', () => {
    const flows = Array.from({ length: 1_024 }, (_, at) => ({
      app: 'a'.repeat(64),
      flow: `${at}${'f'.repeat(50)}`,
      type: 't'.repeat(64),
      state: 'running' as const,
    }));
    const bytes = encodeEntry(SEALS, KEY, { host: { ...HOST, flows }, atMs: 5 });
    expect(bytes.length).to.be.at.most(ENTRY_BYTES_MAX);
    const decoded = decodeEntry(SEALS, KEY, bytes);
    expect(decoded?.host.applications).to.deep.equal(HOST.applications);
    expect(decoded?.host.flows.length).to.be.above(100);
  });

  it('a host is listed while its entries arrive, and repeated or older entries do not prolong it', () => {
    const clock = new ManualClock();
    const far = new FarHosts(clock);
    expect(far.received(KEY, { host: HOST, atMs: 5 }, 100)).to.equal(true);
    expect(far.received(KEY, { host: HOST, atMs: 6 }, 100)).to.equal(false);
    clock.advance(ENTRY_LIFE_MS);
    expect(far.received(KEY, { host: HOST, atMs: 6 }, 100)).to.equal(false);
    expect(far.received(KEY, { host: { ...HOST, version: '0' }, atMs: 4 }, 100)).to.equal(false);
    expect(far.expire()).to.equal(false);
    expect(far.list()).to.deep.equal([HOST]);
    clock.advance(1);
    expect(far.expire()).to.equal(true);
    expect(far.list()).to.deep.equal([]);
  });

  it('one site cannot take the room of the hosts of another', () => {
    const far = new FarHosts(new ManualClock());
    const entryOf = (site: string, host: string) => ({ host: { ...HOST, site, host }, atMs: 5 });
    for (let at = 0; at < 1_024; at += 1) far.received(`bad.h${at}`, entryOf('bad', `h${at}`), 100);
    expect(far.list().length).to.equal(256);
    for (let at = 0; at < 20; at += 1) far.received(`big.h${at}`, entryOf('big', `h${at}`), ENTRY_BYTES_MAX);
    expect(far.list().length).to.equal(256 + 1);
    expect(far.received(KEY, entryOf('gsi.de', 'daq1'), 100)).to.equal(true);
    expect(far.list()).to.deep.include(entryOf('gsi.de', 'daq1').host);
  });

  it('what is listed of other sites always fits in a call of the host server', () => {
    const far = new FarHosts(new ManualClock());
    const flows = Array.from({ length: 1_024 }, () => ({
      app: 'a',
      flow: 'f',
      type: '<',
      state: 'running' as const,
    }));
    for (let at = 0; at < 30; at += 1) {
      const entry = { host: { ...HOST, site: `s${at}`, flows }, atMs: 5 };
      const bytes = encodeEntry(SEALS, `s${at}.daq1`, entry).length;
      far.received(`s${at}.daq1`, entry, bytes);
    }
    const hosts = far.list();
    expect(hosts.length).to.be.within(5, 29);
    const report = encodeCall('site.report', [{ connected: true, hosts: hosts as unknown as RpcValue }]);
    expect(report.length).to.be.below(LIMITS.rpcBodyBytes);
  });

  it('a recorded entry does not count again after the host was deleted, nor away from its time', () => {
    let nowMs = 1_000_000;
    const times = new EntryTimes(() => nowMs);
    expect(times.accept(KEY, nowMs)).to.equal('new');
    expect(times.accept(KEY, nowMs)).to.equal('repeated');
    expect(times.accept(KEY, nowMs - 1)).to.equal('repeated');
    expect(times.accept('gsi=de.daq2', nowMs - 1)).to.equal('new');
    nowMs += ENTRY_LIFE_MS + CLOCK_DIFFERENCE_MS + 1;
    expect(times.accept(KEY, 1_000_000)).to.equal('distant');
    expect(times.accept(KEY, nowMs + CLOCK_DIFFERENCE_MS + 1)).to.equal('distant');
    expect(times.accept(KEY, nowMs)).to.equal('new');
  });

  it('a changed host, and one that ends, change the list', () => {
    const far = new FarHosts(new ManualClock());
    far.received(KEY, { host: HOST, atMs: 5 }, 100);
    expect(far.received(KEY, { host: { ...HOST, applications: [] }, atMs: 6 }, 100)).to.equal(true);
    expect(far.removed(KEY)).to.equal(true);
    expect(far.removed(KEY)).to.equal(false);
  });
});
