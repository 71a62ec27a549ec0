/** Every dependency has a permitted licence and a reason (scripts/licences.mjs). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'chai';
import { packageFolder } from '../../protocol/base/installation.js';

interface Package {
  readonly name: string;
  readonly licence: string;
  readonly why: string | undefined;
}

interface Licences {
  packages(): Package[];
  problemsOf(all: readonly object[], advisories: ReadonlyMap<string, readonly object[]>): string[];
  isPermitted(licence: string): boolean;
}

describe('dependencies', () => {
  const file = (...path: string[]): string => join(packageFolder(), ...path);
  let licences: Licences;

  before(async () => {
    licences = (await import(pathToFileURL(file('scripts', 'licences.mjs')).href)) as Licences;
  });

  it('every dependency has a permitted licence and a reason', () => {
    expect(licences.problemsOf(licences.packages(), new Map())).to.deep.equal([]);
  });

  it('no reason is left of a dependency that is gone', () => {
    const manifest = JSON.parse(readFileSync(file('package.json'), 'utf8')) as Record<string, object>;
    const { dependencies, optionalDependencies, peerDependencies, devDependencies } = manifest;
    const reasons = JSON.parse(readFileSync(file('scripts', 'dependency-reasons.json'), 'utf8')) as object;
    expect(Object.keys(reasons)).to.have.members(
      Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies, ...devDependencies }),
    );
  });

  it('a forbidden licence, a missing reason and a grave advisory are reported, each by name', () => {
    const one = { name: 'a', alias: 'a', licence: 'MIT', why: 'because', published: true };
    const advisory = { name: 'a', severity: 'high', title: 'it leaks', url: 'https://example.org' };
    const problems = licences.problemsOf(
      [one, { ...one, name: 'b', licence: 'GPL-3.0' }, { ...one, name: 'c', alias: 'c', why: undefined }],
      new Map([['a', [advisory, { ...advisory, severity: 'low' }]]]),
    );
    expect(problems.map((problem) => problem.split(':')[0])).to.deep.equal(['b', 'c', 'a', 'a']);
    expect(licences.isPermitted('(MIT OR GPL-3.0)')).to.equal(true);
    expect(licences.isPermitted('MIT AND GPL-3.0')).to.equal(false);
  });
});
