/** The validation of messages from pages. */
import { expect } from 'chai';
import { anything, assert as property, property as forAll, string } from 'fast-check';
import { SUBSCRIPTIONS_MAX } from '../../../web/wire/subscription.js';
import { parsePageMessage } from '../../../web/wire/page-messages.js';

const VIEW = { id: 1, spectrum: 'tof', columns: 100, rows: 1 };
const CORNER = { x: 1.5, y: -2 };
const parse = (value: unknown): unknown => parsePageMessage(JSON.stringify(value));

describe('a message of a page', () => {
  it('a valid message of a page is parsed', () => {
    expect(parse({ kind: 'app', app: 'demo' })).to.deep.equal({ kind: 'app', app: 'demo' });
    expect(parse({ kind: 'app', app: null })).to.deep.equal({ kind: 'app', app: null });
    expect(parse({ kind: 'moment', atMs: null })).to.deep.equal({ kind: 'moment', atMs: null });
    const atMs = 1_700_000_000_000;
    const players = [{ action: 'pause' }, { action: 'seek', value: atMs }, { action: 'speed', value: 0 }];
    for (const player of players)
      expect(parse({ kind: 'player', player })).to.deep.equal({ kind: 'player', player });
    expect(parse({ kind: 'moment', atMs })).to.deep.equal({ kind: 'moment', atMs });
    const past = parse({ kind: 'show', subscriptions: [{ ...VIEW, atMs, sinceMs: atMs - 1 }] });
    expect(past).to.have.nested.property('subscriptions[0].atMs', atMs);
    expect(past).to.have.nested.property('subscriptions[0].sinceMs', atMs - 1);
    expect(parse({ kind: 'ack', id: 3 })).to.deep.equal({ kind: 'ack', id: 3 });
    expect(parse({ kind: 'control', request: 1, action: 'stop', app: 'demo' })).to.include({
      action: 'stop',
    });
    const show = parse({
      kind: 'show',
      subscriptions: [{ ...VIEW, x: [2, 5], rateS: 10, regions: [{ x: [1, 2], counts: true }] }],
    });
    const within = {
      ...VIEW,
      projection: 'x',
      within: { shape: 'contour', points: [CORNER, CORNER, CORNER] },
      sinceMs: 5,
    };
    expect(parse({ kind: 'show', subscriptions: [within] })).to.have.nested.property(
      'subscriptions[0].within.points[2].x',
      1.5,
    );
    const remember = { kind: 'remember', request: 1, spectra: ['tof'] };
    expect(parse(remember)).to.deep.equal(remember);
    expect(show).to.have.nested.property('subscriptions[0].rateS', 10);
  });

  it('a message of a page with a value out of bounds is refused', () => {
    const bad = [
      { ...VIEW, id: -1 },
      { ...VIEW, spectrum: '' },
      { ...VIEW, spectrum: 'x'.repeat(300) },
      { ...VIEW, columns: 0 },
      { ...VIEW, columns: 1e9 },
      { ...VIEW, columns: 60_000, rows: 60_000 },
      { ...VIEW, x: [5, 2] },
      { ...VIEW, x: [0.5, 2] },
      { ...VIEW, rateS: 7 },
      { ...VIEW, projection: 'z' },
      { ...VIEW, regions: [{ x: [1] }] },
      { ...VIEW, regions: [{ x: [1, 2], counts: 1 }] },
      { ...VIEW, regions: Array.from({ length: 17 }, () => ({ x: [1, 2] })) },
      { ...VIEW, minIntervalMs: -1 },
      { ...VIEW, atMs: 0 },
      { ...VIEW, atMs: 1.5 },
      { ...VIEW, atMs: 8e12 },
      { ...VIEW, atMs: '2027-03-01' },
      { ...VIEW, sinceMs: 1_700_000_000_000, rateS: 10 },
      { ...VIEW, sinceMs: -1 },
      { ...VIEW, sinceMs: '5' },
      { ...VIEW, within: [CORNER] },
      { ...VIEW, within: { shape: 'slice', points: [CORNER] } },
      { ...VIEW, within: { shape: 'band', points: Array.from({ length: 1_001 }, () => CORNER) } },
      { ...VIEW, within: { shape: 'contour', points: [CORNER, { x: 1, y: null }] } },
    ];
    for (const subscription of bad) {
      expect(parse({ kind: 'show', subscriptions: [subscription] }), JSON.stringify(subscription)).to.equal(
        undefined,
      );
    }
    const players = [
      {},
      { action: 'stop' },
      { action: 'pause', value: 1 },
      { action: 'seek' },
      { action: 'seek', value: 0.5 },
    ];
    for (const player of [...players, { action: 'speed', value: -1 }, { action: 'speed', value: 1e9 }, null])
      expect(parse({ kind: 'player', player }), JSON.stringify(player)).to.equal(undefined);
    for (const atMs of [undefined, 0, '1', 1e300, {}])
      expect(parse({ kind: 'moment', atMs })).to.equal(undefined);
    const many = Array.from({ length: SUBSCRIPTIONS_MAX + 1 }, (_, id) => ({ ...VIEW, id }));
    expect(parse({ kind: 'show', subscriptions: many })).to.equal(undefined);
    const nine = Array.from({ length: 9 }, String);
    for (const spectra of [nine, [''], 'tof']) {
      expect(parse({ kind: 'remember', request: 1, spectra })).to.equal(undefined);
    }
    expect(parse({ kind: 'control', request: 1, action: 'delete', app: 'demo' })).to.equal(undefined);
  });

  it('parsing a message of a page never throws', () => {
    property(forAll(string(), (text) => void parsePageMessage(text)));
    property(forAll(anything(), (value) => void parsePageMessage(JSON.stringify(value) ?? '')));
  });
});
