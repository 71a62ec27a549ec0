/** What other programs do to the files that a duplicator owns, with real files. */
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { expect } from 'chai';
import { OwnedFiles, type Damage } from '../../../duplicator/serving/owned-files.js';
import { MirrorflowError } from '../../../protocol/base/errors.js';
import { TemporaryDirectory } from '../../kit/temporary-directory.js';

const ACCESS = { mode: 0o600 };

describe('the files that a duplicator owns', () => {
  let directory: TemporaryDirectory;
  let owned: OwnedFiles;
  let damages: [Damage, string][];
  /** As a process that has mapped the flow file before it is removed. */
  let openedFile: number;
  const path = (name: string): string => directory.file(name);

  beforeEach(() => {
    directory = new TemporaryDirectory();
    damages = [];
    for (const name of ['flow', 'image']) writeFileSync(path(name), name.repeat(1000));
    openedFile = openSync(path('flow'), 'r+');
    owned = new OwnedFiles();
    owned.add({ path: path('flow'), bytes: 4000, access: ACCESS });
    owned.add({ path: path('image'), bytes: 5000, access: ACCESS });
    owned.watch((damage, file) => damages.push([damage, file]));
  });
  afterEach(() => {
    closeSync(openedFile);
    owned.close();
    directory.remove();
  });

  it('whole files are no damage', () => {
    owned.examine();
    expect([owned.damage, damages]).to.deep.equal([undefined, []]);
  });

  it('a removed file is reported once, and put back with its content', () => {
    rmSync(path('image'));
    owned.examine();
    owned.examine();
    expect(owned.damage).to.equal('removed');
    expect(damages).to.deep.equal([['removed', path('image')]]);
    owned.putBack();
    expect(readFileSync(path('image'), 'utf8')).to.equal('image'.repeat(1000));
  });

  it('a file that others may write to is settled when its copy is complete, before that is in its place', () => {
    const settled: [file: string, copy: string, inPlace: boolean][] = [];
    const read = (descriptor: number): string => {
      const bytes = Buffer.alloc(4000);
      readSync(descriptor, bytes, 0, bytes.length, 0);
      return bytes.toString();
    };
    const settle = (file: number, copy: number): void => {
      settled.push([read(file), read(copy), existsSync(path('flow'))]);
      writeSync(copy, 'FLOW', 0);
    };
    const one = { path: path('flow'), bytes: 4000, access: ACCESS, settle };
    owned.close();
    owned = new OwnedFiles();
    owned.add(one);
    owned.watch(() => undefined);
    rmSync(path('flow'));
    owned.examine();
    owned.putBack();
    const content = 'flow'.repeat(1000);
    expect(settled).to.deep.equal([[content, content, false]]);
    expect(readFileSync(path('flow'), 'utf8')).to.equal(`FLOW${content.slice(4)}`);
  });

  it('a copy that is in its place gets the present content; one that was removed too is made again', () => {
    rmSync(path('flow'));
    owned.examine();
    owned.putBack();
    const { ino } = statSync(path('flow'), { bigint: true });
    writeSync(openedFile, 'FLOW', 0);
    owned.putBack();
    expect(readFileSync(path('flow'), 'utf8').slice(0, 8)).to.equal('FLOWflow');
    expect(statSync(path('flow'), { bigint: true }).ino).to.equal(ino);
    rmSync(path('flow'));
    owned.putBack();
    expect(readFileSync(path('flow'), 'utf8').slice(0, 8)).to.equal('FLOWflow');
    expect(readdirSync(directory.path).sort()).to.deep.equal(['flow', 'image']);
  });

  it('a path that another owner has is left to it', () => {
    const claim = (): void => {
      throw new MirrorflowError('FILE_OWNED', 'it belongs to another process');
    };
    owned.close();
    owned = new OwnedFiles();
    owned.add({ path: path('flow'), bytes: 4000, access: ACCESS, claim });
    rmSync(path('flow'));
    expect(() => owned.putBack()).to.throw('another process');
    expect(readdirSync(directory.path)).to.deep.equal(['image']);
  });

  it('a file that another one has replaced is removed, and comes back in its place', () => {
    writeFileSync(path('other'), 'other'.repeat(1000));
    renameSync(path('other'), path('flow'));
    owned.examine();
    expect(damages).to.deep.equal([['removed', path('flow')]]);
    owned.putBack();
    expect(readFileSync(path('flow'), 'utf8')).to.equal('flow'.repeat(1000));
    expect(readFileSync(path('image'), 'utf8')).to.equal('image'.repeat(1000));
  });

  it('a truncated file is reported as such, also when another one was removed', () => {
    rmSync(path('image'));
    truncateSync(path('flow'), 3999);
    owned.examine();
    expect(damages).to.deep.equal([['truncated', path('flow')]]);
  });
});
