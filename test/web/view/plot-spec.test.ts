/** The address bar restores the page, and invalid parts of it are ignored. */
import { expect } from 'chai';
import {
  array,
  assert as property,
  constant,
  constantFrom,
  double,
  oneof,
  option,
  property as forAll,
  record,
  string,
  tuple,
  integer,
} from 'fast-check';
import { DEFAULT_LOOK, limitsOf } from '../../../web/view/plot-look.js';
import { formatAddress, parseAddress, type PageAddress, type PlotSpec } from '../../../web/view/plot-spec.js';

const range = tuple(integer({ min: 0, max: 5_000 }), integer({ min: 1, max: 5_000 })).map(
  ([from, width]): [number, number] => [from, from + width],
);
const undefinedOr = { nil: undefined };
const moment = option(integer({ min: 1, max: 4_000_000_000_000 }), undefinedOr);
const number = double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
const tenth = integer({ min: -50_000, max: 50_000 }).map((value) => value / 10 + 0);
const plot = record({
  spectra: array(string({ minLength: 1, unit: 'grapheme' }), { minLength: 1, maxLength: 8 }),
  scale: option(constantFrom('linear', 'log', 'sqrt'), undefinedOr),
  channels: constantFrom(true, false),
  x: option(range, undefinedOr),
  y: option(range, undefinedOr),
  rateS: option(constantFrom(1, 10, 60), undefinedOr),
  sinceMs: moment,
  projection: option(constantFrom('x', 'y'), undefinedOr),
  band: option(range, undefinedOr),
  comparison: option(
    oneof(
      record({ kind: constantFrom('offset', 'subtract', 'ratio'), amount: number }),
      constant({ kind: 'normalise', amount: 1 } as const),
    ),
    undefinedOr,
  ),
  within: option(
    oneof(
      record({ gate: string({ minLength: 1, unit: 'grapheme' }) }),
      record({ contour: array(record({ x: tenth, y: tenth }), { minLength: 3, maxLength: 64 }) }),
    ),
    undefinedOr,
  ),
  look: record({
    palette: constantFrom('viridis', 'magma', 'grey', 'jet'),
    low: option(number, undefinedOr),
    high: option(number, undefinedOr),
    threshold: option(number, undefinedOr),
    logX: constantFrom(true, false),
  }),
}).map((one) =>
  Object.assign(one, {
    // What is left out of an address: parts and rates where they have no meaning.
    within: one.projection === undefined ? undefined : one.within,
    rateS: one.sinceMs === undefined ? one.rateS : undefined,
    look: Object.assign(one.look, limitsOf(one.look.low, one.look.high)),
  }),
);
const region = record(
  {
    name: string({ minLength: 1, maxLength: 24, unit: 'grapheme-ascii' }).filter(
      (name) => name.trim() === name && name !== '',
    ),
    spectrum: integer({ min: 0, max: 7 }),
    x: range,
    y: range,
    fit: record({
      model: constantFrom('gauss', 'germanium', 'emg'),
      background: constantFrom('none', '0', '1', '2', '3', 'exponential'),
      peaks: integer({ min: 1, max: 4 }),
      freeWidths: constantFrom(true, false),
    }),
  },
  { requiredKeys: ['name', 'spectrum', 'x'] },
);
const plotWithRegions = record({ plot, regions: array(region, { maxLength: 16 }) }).map(({ plot, regions }) =>
  Object.assign(plot, {
    regions: regions.map((one) => Object.assign(one, { spectrum: one.spectrum % plot.spectra.length })),
  }),
);

describe('the address of a page', () => {
  it('a formatted address parses to the same page, for any names', () => {
    property(
      forAll(
        array(plotWithRegions, { maxLength: 12 }),
        integer({ min: 0, max: 6 }),
        moment,
        (plots, columns, atMs) => {
          const address: PageAddress = {
            view: 'spectra',
            app: 'e23001',
            columns,
            atMs,
            plots: plots as readonly PlotSpec[],
          };
          expect(parseAddress(formatAddress(address))).to.deep.equal(address);
        },
      ),
    );
  });

  it('a short address stays as the user wrote it', () => {
    const hashes = [
      '#/demo?cols=2&p=ge.00.Co-60,tof;s=log;x=1-9;g=A,1,2-3,gauss.1.2f',
      '#/demo?p=a,b;d=2023-11-14T22:13:20Z;m=ratio~2;c=magma;l=5~;t=3;e=log',
      '#/demo?p=pid;j=x;k=gate,banana%2C1&p=pid;j=y;k=1,2,3.5,4,5,6',
    ];
    for (const hash of hashes) expect(formatAddress(parseAddress(hash))).to.equal(hash);
    expect(formatAddress(parseAddress('#/-/network/demo'))).to.equal('#/-/network/demo');
  });

  it('the one region of an address of version 0.1 is region A', () => {
    expect(parseAddress('#/a?p=b;rx=2-3;ry=4-5').plots[0]?.regions).to.deep.equal([
      { name: 'A', spectrum: 0, x: [2, 3], y: [4, 5] },
    ]);
  });

  it('regions of a spectrum that the plot does not have, and more than 16, are left out', () => {
    expect(parseAddress('#/a?p=b;g=A,1,2-3;g=B,0,9-2;g=,0,2-3').plots[0]?.regions).to.deep.equal([]);
    const many = Array.from({ length: 20 }, (_, index) => `g=${index},0,2-3`).join(';');
    expect(parseAddress(`#/a?p=b;${many}`).plots[0]?.regions).to.have.length(16);
  });

  it('invalid parts of an address are ignored', () => {
    property(
      forAll(string(), (text) => {
        parseAddress(`#${text}`);
      }),
    );
    expect(parseAddress('#/a?p=;x=1-2&p=&q=1&cols=99').plots).to.deep.equal([]);
    const odd = parseAddress('#/a?p=b;j=x;k=1,2,3;m=sum;c=rainbow;l=9~2;t=many;d=-1').plots[0];
    expect(odd).to.deep.equal({
      ...parseAddress('#/a?p=b;j=x').plots[0],
      look: { ...DEFAULT_LOOK, high: 2 },
    });
    expect(parseAddress('#/a?p=b;x=9-2;s=cubic;r=5').plots[0]).to.include({
      x: undefined,
      scale: undefined,
      rateS: undefined,
    });
  });
});
