/**
 * Spectra that are zeroed, made and projected: checks, and the requests that SpecTcl gets. Pure.
 */
import { expect } from 'chai';
import * as fc from 'fast-check';
import { globMatcher } from '../../../protocol/spectcl/glob.js';
import { changeQuery, changeText, isSpecTclName, parseChange } from '../../../web/wire/changes.js';

const AXIS = { parameter: 'rf.tof', low: -5, high: 5, bins: 100 };
const CREATE = { request: 'spectrum/create', name: 'new', axes: [AXIS], channels: 'long' };
const PROJECT = { request: 'project', source: 'pid', name: 'pid.x', direction: 'x', snapshot: true };

function query(change: object): Record<string, string> {
  return Object.fromEntries(changeQuery(parseChange(change)!));
}

describe('changes of spectra', () => {
  it('zeroing a spectrum matches its name only, whatever characters it has', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii' }), fc.string(), (name, other) => {
        if (!isSpecTclName(name)) return;
        const { pattern } = query({ request: 'spectrum/zero', spectrum: name });
        const matches = globMatcher(pattern!);
        expect(matches(name), pattern).to.equal(true);
        expect(matches(other)).to.equal(other === name);
      }),
    );
    expect(query({ request: 'spectrum/zero', spectrum: 'raw[0]*' })).to.deep.equal({
      pattern: String.raw`raw\[0\]\*`,
    });
    expect(query({ request: 'spectrum/zero' })).to.deep.equal({ pattern: '*' });
  });

  it('a new spectrum and a projection have the fields of SpecTcl', () => {
    expect(query(CREATE)).to.deep.equal({
      name: 'new',
      type: '1',
      parameters: '{rf.tof}',
      axes: '{-5 5 100}',
      chantype: 'long',
    });
    expect(query({ ...CREATE, axes: [AXIS, AXIS] })).to.include({ type: '2', axes: '{-5 5 100} {-5 5 100}' });
    expect(query({ ...PROJECT, contour: 'c' })).to.deep.equal({
      snapshot: '1',
      source: 'pid',
      newname: 'pid.x',
      direction: 'x',
      contour: 'c',
    });
    expect(query({ ...PROJECT, snapshot: false }))
      .to.include({ snapshot: '0' })
      .and.not.have.property('contour');
  });

  it('a change with a field that is not valid is refused', () => {
    const bad = [
      { request: 'spectrum/zero', spectrum: '' },
      { request: 'spectrum/zero', spectrum: null },
      { request: 'spectrum/zero', spectrum: 'a} [exit] {' },
      { ...CREATE, axes: [] },
      { ...CREATE, axes: [AXIS, AXIS, AXIS] },
      { ...CREATE, axes: [{ ...AXIS, low: 5 }] },
      { ...CREATE, axes: [{ ...AXIS, bins: 0.5 }] },
      { ...CREATE, axes: [{ ...AXIS, bins: 2 ** 21 }] },
      { ...CREATE, axes: [{ ...AXIS, parameter: 'a}b' }] },
      { ...CREATE, channels: 'float' },
      { ...PROJECT, direction: 'z' },
      { ...PROJECT, snapshot: 1 },
      { ...PROJECT, contour: '' },
    ];
    for (const change of bad) expect(parseChange(change), JSON.stringify(change)).to.equal(undefined);
    fc.assert(fc.property(fc.anything(), (value) => void parseChange(value)));
  });

  it('every change has words for its record', () => {
    const texts = [
      { request: 'spectrum/zero' },
      { request: 'spectrum/zero', spectrum: 'tof' },
      CREATE,
      PROJECT,
    ];
    expect(texts.map((change) => changeText(parseChange(change)!))).to.deep.equal([
      'zero all spectra',
      'zero tof',
      'create spectrum new',
      'project pid onto x as pid.x',
    ]);
  });
});
