/** Flow files on a file system that is or becomes full. Mounts a small tmpfs. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { createAllocated } from '../../../../protocol/base/files/allocate.js';
import { createFlowFile } from '../../../../protocol/flow/flow-file/create.js';
import { createImage } from '../../../../protocol/flow/flow-file/image.js';
import { thrownBy } from './place.js';
import { skip } from '../../../kit/skip.js';

const MIB = 1024 * 1024;

describe('a full file system', () => {
  let directory: string | undefined;

  before(function () {
    const mounted = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'mirrorflow-test', mounted], {
        stdio: 'ignore',
      });
      directory = mounted;
    } catch {
      rmSync(mounted, { recursive: true });
      skip(this, 'mounting a small file system needs root, and a container that permits it');
    }
  });

  after(() => {
    if (directory === undefined) return;
    execFileSync('umount', ['-l', directory]); // lazily, since mappings end with the collector only
    rmSync(directory, { recursive: true });
  });

  function make(payloadCapacity: number): void {
    createFlowFile({
      path: join(directory ?? '', 'spectra.flow'),
      identity: { application: 'a', flow: 'spectra', type: 'bytes', properties: {} },
      slotCount: 2,
      payloadCapacity,
      flags: 0,
      epoch: 1,
      mode: 0o640,
    });
  }

  it('a flow file that does not fit the file system is refused with both sizes before it is written', () => {
    const error = thrownBy(() => make(2 * MIB));
    const bytes = 8192 + 2 * (2 * MIB + 64);
    expect(error.code).to.equal('NO_SPACE');
    expect(error.facts).to.deep.include({ bytes, freeBytes: 2 * MIB });
    expect(error.message)
      .to.contain(`${bytes}`)
      .and.contain(`${2 * MIB}`)
      .and.contain('--flow-dir');
    expect(thrownBy(() => createImage(join(directory!, 'image'), 3 * MIB, { mode: 0o640 })).code).to.equal(
      'NO_SPACE',
    );
    expect(readdirSync(directory!)).to.deep.equal([]);
  });

  it('a file system that fills up during the allocation gives NO_SPACE and leaves no file', () => {
    // A limit of file sizes, which a check of free space does not see.
    const allocate = new URL('../../../../protocol/base/files/allocate.js', import.meta.url).href;
    const program = `import(${JSON.stringify(allocate)}).then(({ createAllocated }) => {
      try { createAllocated(${JSON.stringify(join(directory!, 'full'))}, 1_000_000, { mode: 0o600 }) }
      catch (error) { console.log(error.code) }
    })`;
    const output = execFileSync('sh', ['-c', 'ulimit -f 100; exec "$0" -e "$1"', process.execPath, program]);
    expect(output.toString().trim()).to.equal('NO_SPACE');
    expect(readdirSync(directory!)).to.deep.equal([]);
  });

  it('a successor’s file fits into the space of its dead predecessor’s', () => {
    const path = join(directory!, 'spectra.flow');
    writeFileSync(path, Buffer.alloc(1.75 * MIB)); // not a flow file: it has no owner
    make(0.5 * MIB);
    writeFileSync(join(directory!, 'image'), Buffer.alloc(0.75 * MIB));
    createImage(join(directory!, 'image'), 0.75 * MIB, { mode: 0o640 });
    expect(readdirSync(directory!).toSorted()).to.deep.equal(['.claims', 'image', 'spectra.flow']);
  });

  it('a missing directory is reported as SYSTEM_ERROR, not as a lack of space', () => {
    expect(thrownBy(() => createAllocated('/nowhere/at/all', 1, { mode: 0o600 })).code).to.equal(
      'SYSTEM_ERROR',
    );
  });
});
