/** Mapping files into memory, once per file and access mode. Writes a temporary directory. */
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { mapFile } from '../../../../protocol/base/files/mapping.js';

describe('mapped files', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  function mapped(name: string, access: 'read' | 'read-write' = 'read'): Buffer {
    const fd = openSync(join(directory, name), 'r+');
    try {
      return mapFile(fd, 4096, access);
    } finally {
      closeSync(fd);
    }
  }

  it('a file is mapped once per access mode while the mapping is in use', () => {
    writeFileSync(join(directory, 'one'), Buffer.alloc(4096, 1));
    const first = mapped('one');
    expect(mapped('one')).to.equal(first);
    const writable = mapped('one', 'read-write');
    expect(writable).not.to.equal(first);
    writable[0] = 7;
    expect(first[0]).to.equal(7);
  });

  it('a file that has been replaced under its name is mapped again', () => {
    writeFileSync(join(directory, 'one'), Buffer.alloc(4096, 1));
    const before = mapped('one');
    rmSync(join(directory, 'one'));
    writeFileSync(join(directory, 'one'), Buffer.alloc(4096, 2));
    expect(mapped('one')[0]).to.equal(2);
    expect(before[0]).to.equal(1);
  });
});
