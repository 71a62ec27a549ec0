import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { expect } from 'chai';
import * as fc from 'fast-check';
import { damageHeader } from './damage.js';
import { createImage, openImage } from '../../../../protocol/flow/flow-file/image.js';
import { inspectFlowFile, openFlowFile } from '../../../../protocol/flow/flow-file/open.js';
import { RingReader } from '../../../../protocol/flow/flow-file/ring-reader.js';
import { RingWriter } from '../../../../protocol/flow/flow-file/ring-writer.js';
import { ownIdentity } from '../../../../protocol/base/owner-identity.js';
import { Place, thrownBy } from './place.js';
import { needsRoot } from '../../../kit/requirements.js';

describe('creating and opening a flow file', () => {
  let place: Place;
  beforeEach(() => {
    place = new Place();
  });
  afterEach(() => place.remove());

  it('gives a reader what the owner wrote', () => {
    const made = place.create();
    const writer = new RingWriter(made);
    writer.begin().write('hello');
    writer.commit(5, 1_700_000_000_000_000_000, 9);
    writer.publish();
    made.setSourceState('live', 123_456);
    made.setCounter(3, 77);
    const opened = openFlowFile(made.path, 'read');
    expect(opened.geometry).to.deep.equal(made.geometry);
    expect(opened.identity).to.deep.include({ application: 'e23001', flow: 'spectra', type: 'bytes' });
    expect(opened.identity.properties).to.deep.equal({ unit: 'byte' });
    expect(opened.owner).to.deep.equal(ownIdentity());
    expect([opened.sourceState, opened.sourceStateSinceNs, opened.counter(3)]).to.deep.equal([
      'live',
      123_456,
      77,
    ]);
    const reader = new RingReader(opened, 'oldest');
    expect(reader.look()).to.equal('ready');
    expect(reader.view().toString()).to.equal('hello');
    expect([reader.sequence, reader.flags, reader.timestampNs]).to.deep.equal([
      0, 9, 1_700_000_000_000_000_000,
    ]);
  });

  it('lets a provider write into the owner’s file', () => {
    const made = place.create();
    const writer = new RingWriter(openFlowFile(made.path, 'read-write'));
    writer.begin();
    writer.commit(0, 0);
    writer.publish();
    expect(made.published).to.equal(1);
  });

  it('leaves nothing but the file, every page of it allocated', () => {
    const { path, geometry } = place.create({ slotCount: 8, payloadCapacity: 100_000 });
    expect(readdirSync(place.path)).to.deep.equal(['spectra.flow']);
    const { size, blocks } = statSync(path);
    expect(size).to.equal(geometry.fileBytes);
    expect(blocks * 512).to.be.at.least(size);
  });

  for (const mode of [0o640, 0o600, 0o664]) {
    it(`has mode ${mode.toString(8)} whatever the umask`, () => {
      const before = process.umask(0o077);
      try {
        expect(statSync(place.create({ mode }).path).mode & 0o7777).to.equal(mode);
        createImage(place.file('image'), 10, { mode });
        expect(statSync(place.file('image')).mode & 0o7777).to.equal(mode);
      } finally {
        process.umask(before);
      }
    });
  }

  it('gives the file to the group that was asked for', function () {
    needsRoot(this, 'changing the owner of a file');
    expect(statSync(place.create({ gid: 12 }).path).gid).to.equal(12);
  });

  it('refuses an identity that does not fit, and leaves nothing behind', () => {
    const properties = { text: 'x'.repeat(4000) };
    const identity = { application: 'a', flow: 'f', type: 't', properties };
    expect(thrownBy(() => place.create({ identity })).code).to.equal('TOO_LARGE');
    expect(readdirSync(place.path)).to.deep.equal([]);
  });

  it('says that there is no such flow file or image', () => {
    expect(thrownBy(() => openFlowFile(place.file('none'), 'read')).code).to.equal('UNKNOWN_FLOW');
    expect(thrownBy(() => openImage(place.file('none'))).code).to.equal('NOT_A_MIRROR');
  });

  it('says that another user may not open it', function () {
    needsRoot(this, 'changing the owner of a file');
    const { path } = place.create({ mode: 0o600 });
    chmodSync(place.path, 0o755);
    const open = new URL('../../../../protocol/flow/flow-file/open.js', import.meta.url).href;
    const program = `import(${JSON.stringify(open)}).then(({ openFlowFile }) => {
      process.setuid(65534);
      try { openFlowFile(${JSON.stringify(path)}, 'read') } catch (error) { console.log(error.code) }
    })`;
    expect(execFileSync(process.execPath, ['-e', program], { encoding: 'utf8' }).trim()).to.equal(
      'NOT_PERMITTED',
    );
  });

  it('never follows a link, hangs on a pipe or takes a directory', () => {
    const { path } = place.create();
    symlinkSync(path, place.file('link'));
    mkdirSync(place.file('directory'));
    execFileSync('mkfifo', [place.file('pipe')]);
    expect(thrownBy(() => openFlowFile(place.file('link'), 'read')).code).to.equal('SYSTEM_ERROR');
    for (const name of ['directory', 'pipe'])
      expect(thrownBy(() => openFlowFile(place.file(name), 'read')).code).to.equal('FILE_CORRUPT');
    for (const name of ['link', 'directory', 'pipe'])
      expect(inspectFlowFile(place.file(name))).to.deep.equal({ kind: 'dead' });
    expect(thrownBy(() => openImage(place.file('pipe'))).code).to.equal('TOO_LARGE');
  });

  it('refuses a file that is shorter than its header says', () => {
    const { path, geometry } = place.create();
    truncateSync(path, geometry.fileBytes - 1);
    const error = thrownBy(() => openFlowFile(path, 'read'));
    expect(error.code).to.equal('FILE_CORRUPT');
    expect(error.message)
      .to.contain(`${geometry.fileBytes - 1}`)
      .and.contain(`${geometry.fileBytes}`);
    truncateSync(path, 100);
    expect(thrownBy(() => openFlowFile(path, 'read')).code).to.equal('FILE_CORRUPT');
  });

  it('refuses another version with both named, and still knows whose it is', () => {
    const made = place.create();
    damageHeader(made, 'version', 7);
    const error = thrownBy(() => openFlowFile(made.path, 'read'));
    expect(error.code).to.equal('VERSION_MISMATCH');
    expect(error.facts).to.deep.include({ found: 7, known: 1 });
    expect(inspectFlowFile(made.path)).to.deep.equal({ kind: 'owned', pid: process.pid });
    expect(thrownBy(() => place.create()).code).to.equal('FILE_OWNED');
    damageHeader(made, 'version', 0);
    expect(thrownBy(() => openFlowFile(made.path, 'read')).code).to.equal('FILE_CORRUPT');
  });

  it('meets any damage of the header with an error or a mapping that stays inside the file', () => {
    const { path } = place.create();
    const good = readFileSync(path);
    const copy = place.file('copy');
    const flip = fc.tuple(fc.integer({ min: 0, max: 4095 }), fc.integer({ min: 0, max: 255 }));
    const early = fc.tuple(fc.integer({ min: 0, max: 63 }), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.array(fc.oneof(flip, early), { minLength: 1, maxLength: 6 }), (flips) => {
        const bad = Buffer.from(good);
        for (const [at, value] of flips) bad[at] = value;
        openAnyway(copy, bad);
      }),
      { numRuns: 300 },
    );
  });

  it('meets a header of random numbers with an error', () => {
    const copy = place.file('copy');
    const { path } = place.create();
    const good = readFileSync(path);
    for (let round = 0; round < 100; round += 1) {
      const bad = Buffer.from(good);
      // Round by round more of it is left as it should be, so that every check is reached.
      randomBytes(4096).copy(bad, [0, 8, 12, 16, 20, 24, 28, 1024][round % 8]);
      openAnyway(copy, bad);
    }
  });

  function openAnyway(path: string, content: Buffer): void {
    writeFileSync(path, content);
    inspectFlowFile(path);
    try {
      const { bytes, geometry } = openFlowFile(path, 'read');
      expect(bytes.length).to.be.at.most(content.length);
      expect(geometry.fileBytes).to.equal(bytes.length);
      new RingReader(openFlowFile(path, 'read'), 'oldest').look();
    } catch (error) {
      expect((error as { code?: string }).code).to.be.oneOf(['FILE_CORRUPT', 'VERSION_MISMATCH']);
    }
  }
});
