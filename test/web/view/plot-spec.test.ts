/** The address bar restores the page, and invalid parts of it are ignored. */
import { expect } from 'chai';
import {
  array,
  assert as property,
  constantFrom,
  option,
  property as forAll,
  record,
  string,
  tuple,
  integer,
} from 'fast-check';
import { formatAddress, parseAddress, type PageAddress, type PlotSpec } from '../../../web/view/plot-spec.js';

const range = tuple(integer({ min: 0, max: 5_000 }), integer({ min: 1, max: 5_000 })).map(
  ([from, width]): [number, number] => [from, from + width],
);
const undefinedOr = { nil: undefined };
const moment = option(integer({ min: 1, max: 4_000_000_000_000 }), undefinedOr);
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
});
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
    const hash = '#/demo?cols=2&p=ge.00.Co-60,tof;s=log;x=1-9;g=A,1,2-3,gauss.1.2f';
    expect(formatAddress(parseAddress(hash))).to.equal(hash);
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
    expect(parseAddress('#/a?p=b;x=9-2;s=cubic;r=5').plots[0]).to.include({
      x: undefined,
      scale: undefined,
      rateS: undefined,
    });
  });
});
