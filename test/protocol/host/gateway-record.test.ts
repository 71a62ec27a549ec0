/** The file by which at most one gateway per application runs. Writes a temporary directory. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import {
  ClaimedGatewayRecord,
  inspectGatewayRecord,
  readGatewayRecord,
} from '../../../protocol/host/gateway-record.js';
import { ownIdentity } from '../../../protocol/base/owner-identity.js';

describe('record of a gateway', () => {
  let directory: string;
  let path: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));
    path = join(directory, '.gateway.json');
  });

  afterEach(() => rmSync(directory, { recursive: true }));

  it('a second gateway is refused while the first one lives', () => {
    const record = new ClaimedGatewayRecord(path, undefined);
    expect(inspectGatewayRecord(path)).to.deep.equal({ kind: 'owned', pid: process.pid });
    expect(() => new ClaimedGatewayRecord(path, undefined))
      .to.throw()
      .with.property('code', 'FILE_OWNED');
    record.release();
    record.release();
    expect(readdirSync(directory).filter((name) => name !== '.claims')).to.deep.equal([]);
  });

  it('the record names the shared memory and its creator', () => {
    const record = new ClaimedGatewayRecord(path, undefined);
    const creator = ownIdentity();
    record.setSegment({ key: 'XA7c', creator });
    expect(readGatewayRecord(path)).to.deep.equal({ owner: creator, segment: { key: 'XA7c', creator } });
    record.setSegment(undefined);
    expect(readGatewayRecord(path)).to.deep.equal({ owner: creator });
    record.release();
  });

  it('the record of a dead gateway, or an unreadable one, is replaced', () => {
    const dead = { pid: process.pid, startTicks: 1, bootId: '' };
    for (const text of [
      JSON.stringify({ owner: dead }),
      '',
      '[]',
      '{"owner":{"pid":"x"}}',
      'x'.repeat(20_000),
    ]) {
      writeFileSync(path, text);
      expect(inspectGatewayRecord(path), text.slice(0, 30)).to.deep.equal({ kind: 'dead' });
      new ClaimedGatewayRecord(path, undefined).release();
    }
    expect(inspectGatewayRecord(path)).to.deep.equal({ kind: 'free' });
  });
});
