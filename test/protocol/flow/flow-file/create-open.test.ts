/** Flow files from creation to opening: contents, modes, refusals. Writes a temporary directory. */
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

  it('a reader of a flow file gets what its owner wrote', () => {
    const created = place.create();
    const writer = new RingWriter(created);
    writer.begin().write('hello');
    writer.commit(5, 1_700_000_000_000_000_000, 9);
    writer.publish();
    created.setSourceState('live', 123_456);
    created.setCounter(3, 77);
    const opened = openFlowFile(created.path, 'read');
    expect(opened.geometry).to.deep.equal(created.geometry);
    expect(opened.identity).to.deep.include({ application: 'e23001', flow: 'spectra', type: 'bytes' });
    expect(opened.identity.properties).to.deep.equal({ unit: 'byte' });
    expect(opened.owner).to.deep.equal(ownIdentity());
    expect([opened.sourceState, opened.sourceStateSinceNs, opened.counter(3)]).to.deep.equal([
      'live',
      123_456,
      77,
    ]);
    const reader = new RingReader(opened, 'oldest');
    expect(reader.peek()).to.equal('ready');
    expect(reader.view().toString()).to.equal('hello');
    expect([reader.sequence, reader.flags, reader.timestampNs]).to.deep.equal([
      0, 9, 1_700_000_000_000_000_000,
    ]);
  });

  it('a provider can write to the owner’s flow file', () => {
    const created = place.create();
    const writer = new RingWriter(openFlowFile(created.path, 'read-write'));
    writer.begin();
    writer.commit(0, 0);
    writer.publish();
    expect(created.published).to.equal(1);
  });

  it('creating a flow file leaves one fully allocated file and no temporary one', () => {
    const { path, geometry } = place.create({ slotCount: 8, payloadCapacity: 100_000 });
    expect(readdirSync(place.path)).to.deep.equal(['spectra.flow']);
    const { size, blocks } = statSync(path);
    expect(size).to.equal(geometry.fileBytes);
    expect(blocks * 512).to.be.at.least(size);
  });

  for (const mode of [0o640, 0o600, 0o664]) {
    it(`flow file and image get mode ${mode.toString(8)}, whatever the umask`, () => {
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

  it('a flow file belongs to the requested group', function () {
    needsRoot(this, 'changing the owner of a file');
    expect(statSync(place.create({ gid: 12 }).path).gid).to.equal(12);
  });

  it('an identity that does not fit is refused and leaves no file', () => {
    const properties = { text: 'x'.repeat(4000) };
    const identity = { application: 'a', flow: 'f', type: 't', properties };
    expect(thrownBy(() => place.create({ identity })).code).to.equal('TOO_LARGE');
    expect(readdirSync(place.path)).to.deep.equal([]);
  });

  it('opening a missing flow file or image fails with a code of its own', () => {
    expect(thrownBy(() => openFlowFile(place.file('none'), 'read')).code).to.equal('UNKNOWN_FLOW');
    expect(thrownBy(() => openImage(place.file('none'))).code).to.equal('NOT_A_MIRROR');
  });

  it('opening the private flow file of another user fails with NOT_PERMITTED', function () {
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

  it('opening a flow file follows no link, blocks on no pipe and accepts no directory', () => {
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

  it('a flow file that is shorter than its header requires is refused', () => {
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

  it('a flow file of another version is refused with both versions, and its owner is recognised', () => {
    const created = place.create();
    damageHeader(created, 'version', 7);
    const error = thrownBy(() => openFlowFile(created.path, 'read'));
    expect(error.code).to.equal('VERSION_MISMATCH');
    expect(error.facts).to.deep.include({ found: 7, known: 1 });
    expect(inspectFlowFile(created.path)).to.deep.equal({ kind: 'owned', pid: process.pid });
    expect(thrownBy(() => place.create()).code).to.equal('FILE_OWNED');
    damageHeader(created, 'version', 0);
    expect(thrownBy(() => openFlowFile(created.path, 'read')).code).to.equal('FILE_CORRUPT');
  });

  it('a damaged header gives an error or a mapping inside the file', () => {
    const { path } = place.create();
    const valid = readFileSync(path);
    const copy = place.file('copy');
    const flip = fc.tuple(fc.integer({ min: 0, max: 4095 }), fc.integer({ min: 0, max: 255 }));
    const early = fc.tuple(fc.integer({ min: 0, max: 63 }), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.array(fc.oneof(flip, early), { minLength: 1, maxLength: 6 }), (flips) => {
        const damaged = Buffer.from(valid);
        for (const [at, value] of flips) damaged[at] = value;
        openAnyway(copy, damaged);
      }),
      { numRuns: 300 },
    );
  });

  it('a header of random numbers gives an error', () => {
    const copy = place.file('copy');
    const { path } = place.create();
    const valid = readFileSync(path);
    for (let round = 0; round < 100; round += 1) {
      const damaged = Buffer.from(valid);
      // Each round keeps a longer valid part of the header, so that every check is reached.
      randomBytes(4096).copy(damaged, [0, 8, 12, 16, 20, 24, 28, 1024][round % 8]);
      openAnyway(copy, damaged);
    }
  });

  function openAnyway(path: string, content: Buffer): void {
    writeFileSync(path, content);
    inspectFlowFile(path);
    try {
      const { bytes, geometry } = openFlowFile(path, 'read');
      expect(bytes.length).to.be.at.most(content.length);
      expect(geometry.fileBytes).to.equal(bytes.length);
      new RingReader(openFlowFile(path, 'read'), 'oldest').peek();
    } catch (error) {
      expect((error as { code?: string }).code).to.be.oneOf(['FILE_CORRUPT', 'VERSION_MISMATCH']);
    }
  }
});
