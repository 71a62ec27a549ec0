/** The arithmetic of `npm run bench -- growth`, and its simulation. */
import { writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { checkedPoints, growth, parseParameters } from '../../bench/growth.js';
import {
  ARRANGEMENTS,
  GROWTH_DEFAULTS,
  levelsOf,
  needOf,
  type GrowthParameters,
} from '../../bench/growth-model.js';
import { simulate } from '../../bench/growth-simulation.js';
import type { Row } from '../../bench/report.js';
import { TemporaryDirectory } from '../kit/temporary-directory.js';

/** Round numbers: one publication a second, a second of processor time is 1,000 ms. */
const ROUND: GrowthParameters = {
  hosts: 11,
  viewers: 110,
  publicationsPerSecond: 1,
  fanOut: 2,
  updateBytes: 1_000,
  changeBytes: 100,
  networkBytesPerSecond: 1e9,
  coreShareMax: 0.5,
  receiversMax: 1_000,
  serverCores: 2,
  sourceMs: 10,
  spectclMs: 20,
  /** 5 ms for each host. */
  sendMsPerKib: 51.2,
  receiveMs: 7,
  viewerMs: 1,
  natsPublishMs: 3,
  natsSendMs: 4,
  wakeUpsOfPublication: 2,
  wakeUpsOfHost: 1,
};

describe('the growth of a laboratory on paper', () => {
  it('a tree has one source, then as many hosts below each as its fan-out, and the rest', () => {
    expect(levelsOf(1, 8)).to.deep.equal([1]);
    expect(levelsOf(9, 8)).to.deep.equal([1, 8]);
    expect(levelsOf(500, 8)).to.deep.equal([1, 8, 64, 427]);
    expect(levelsOf(4, 1)).to.deep.equal([1, 1, 1, 1]);
  });

  it('direct hosts cost the source one sending each, and all hosts together what each of them does', () => {
    const need = needOf('direct', ROUND);
    expect(need.busiest).to.deep.include({ name: 'source', receivers: 10, bytesPerSecond: 1_000 });
    // 10 of its own, 10 hosts with 5, 10 viewers with 1.
    expect(need.busiest.coreShare).to.be.closeTo(0.07, 1e-9);
    // SpecTcl 20, source 10, 10 hosts with 5 + 7, 110 viewers.
    expect(need.cores).to.be.closeTo(0.26, 1e-9);
    expect(need.bytesPerSecond).to.equal(1_000);
    // 11 duplicators with 2, 10 connections, 110 viewers.
    expect(need.wakeUpsPerSecond).to.equal(142);
    expect(need.hops).to.equal(1);
  });

  it('direct hosts stop where the core of the source does', () => {
    // 500 ms: 10 of its own, 10 viewers, 96 sendings of 5.
    expect(needOf('direct', ROUND)).to.include({ hostsMax: 97, stopsAt: 'a core' });
  });

  it('the network and the number of connections stop direct hosts where they are less', () => {
    const network = { ...ROUND, networkBytesPerSecond: 4_000 };
    expect(needOf('direct', network)).to.include({ hostsMax: 41, stopsAt: 'the network' });
    const connections = { ...ROUND, receiversMax: 16 };
    expect(needOf('direct', connections)).to.include({ hostsMax: 17, stopsAt: 'connections' });
  });

  it('relays do the same work in more places, and no number of hosts stops them', () => {
    const [direct, relayed] = [needOf('direct', ROUND), needOf('relayed', ROUND)];
    expect(relayed.cores).to.equal(direct.cores);
    expect(relayed.bytesPerSecond).to.equal(direct.bytesPerSecond);
    expect(relayed).to.include({ hops: 3, hostsMax: Infinity, stopsAt: 'nothing of these' });
    expect(relayed.busiest).to.deep.include({ name: 'source', receivers: 2, bytesPerSecond: 200 });
  });

  it('a fan-out that is too much for one core stops before the first level is complete', () => {
    const wide = { ...ROUND, fanOut: 200 };
    expect(needOf('relayed', wide)).to.include({ hostsMax: 97, stopsAt: 'a core' });
  });

  it('a NATS server sends one copy to each host with all its cores; the source sends one', () => {
    const need = needOf('NATS', ROUND);
    expect(need.bytesPerSecond).to.equal(1_100);
    expect(need.hops).to.equal(2);
    // SpecTcl 20, source 10, NATS process 3, 10 hosts with 4 + 7, 110 viewers.
    expect(need.cores).to.be.closeTo(0.253, 1e-9);
    // 250 sendings of 4 ms are half of two cores.
    expect(need).to.include({ hostsMax: 251, stopsAt: 'a core' });
  });

  it('each host that mirrors SpecTcl itself receives whole updates', () => {
    const need = needOf('SpecTcl', ROUND);
    expect(need.bytesPerSecond).to.equal(11_000);
    expect(need).to.include({ hostsMax: 50, stopsAt: 'a core' });
    expect(need.busiest).to.deep.include({ name: 'SpecTcl', receivers: 11 });
  });

  it('a place that is too slow with a single host stops at none', () => {
    expect(needOf('direct', { ...ROUND, sourceMs: 600 })).to.include({ hostsMax: 0, stopsAt: 'a core' });
  });

  it('parameters that make no sense are refused by name', () => {
    expect(() => needOf('direct', { ...ROUND, hosts: 1.5 })).to.throw('hosts is 1.5');
    expect(() => needOf('direct', { ...ROUND, sourceMs: -1 })).to.throw('sourceMs is -1');
    expect(() => parseParameters(['hostz=3'])).to.throw('no parameter hostz');
    expect(() => parseParameters(['hosts='])).to.throw('hosts is :');
    expect(parseParameters(['hosts=3', 'viewers=9'])).to.deep.equal({
      ...GROWTH_DEFAULTS,
      hosts: 3,
      viewers: 9,
    });
  });
});

describe('the simulated growth of a laboratory', () => {
  const QUIET = { ...ROUND, hosts: 4, viewers: 4 };

  it('gives the same figures for the same seed, and others for another', () => {
    const run = (seed: number) => simulate('relayed', QUIET, 200, seed);
    expect(run(1)).to.deep.equal(run(1));
    expect(run(1)).to.not.deep.equal(run(2));
  });

  it('every host sees every publication while all places keep up', () => {
    for (const arrangement of ARRANGEMENTS)
      expect(simulate(arrangement, QUIET, 200, 1).fewestPerSecond, arrangement).to.equal(1);
  });

  it('a source that is busy beyond its core leaves publications out and sends the newest', () => {
    // 10 + 3 * 500 + 1 ms for each second.
    const { fewestPerSecond, ageMs } = simulate('direct', { ...QUIET, sendMsPerKib: 5_120 }, 200, 1);
    expect(fewestPerSecond).to.be.within(0.5, 0.8);
    expect(ageMs.median).to.be.lessThan(3_000);
  });

  it('the age grows with the hops, and with the hosts that are served one after the other', () => {
    const many = { ...ROUND, hosts: 63, viewers: 63 };
    const [direct, relayed] = [simulate('direct', many, 200, 1), simulate('relayed', many, 200, 1)];
    // Direct: half of 62 sendings of 5 ms. Relayed: five hops of some 10 to 20 ms.
    expect(direct.ageMs.median).to.be.within(120, 220);
    expect(relayed.ageMs.median).to.be.within(60, 120);
  });
});

describe('the text of growth', () => {
  const measured = (name: string, value: number, bench = 'hosts'): Row => ({
    bench,
    case: `${name} per publication`,
    value,
    unit: '',
    spread: [value, value],
  });

  it('has a line of each arrangement in both tables', () => {
    const text = growth(['hosts=40', 'viewers=800']);
    for (const arrangement of ARRANGEMENTS)
      expect(text.split('\n').filter((line) => line.startsWith(arrangement))).to.have.lengthOf(2);
    expect(text).to.match(/^hosts=40 viewers=800 /);
  });

  it('points that were measured stand beside those of the model', () => {
    const rows = [
      measured('0 receiving hosts: CPU of the source', 11),
      measured('4 receiving hosts: CPU of the source', 33),
      measured('4 receiving hosts: sent by the source', 0.5),
      measured('4 receiving hosts: CPU of the source', 1, 'scale'),
    ];
    expect(checkedPoints(rows, ROUND)).to.deep.equal([
      { receivers: 0, sentKib: 0, measuredMs: 11, modelMs: 10 },
      { receivers: 4, sentKib: 0.5, measuredMs: 33, modelMs: 35.6 },
    ]);
  });

  it('a file without such points is refused', () => {
    const directory = new TemporaryDirectory();
    try {
      const file = directory.file('other.json');
      writeFileSync(file, '[]');
      expect(() => growth([file])).to.throw('has no rows of the benchmark hosts');
    } finally {
      directory.remove();
    }
  });
});
