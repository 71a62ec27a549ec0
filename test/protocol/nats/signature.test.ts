// Signatures of what sites publish (protocol/nats/signature.ts).
import { chmodSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import * as fc from 'fast-check';
import { isMirrorflowError } from '../../../protocol/base/errors.js';
import type { NatsOptions } from '../../../protocol/nats/options.js';
import { newSiteKey, publicKeyOfFile, readSeals, SEAL_BYTES } from '../../../protocol/nats/signature.js';
import { TemporaryDirectory } from '../../kit/temporary-directory.js';

const OPTIONS = { address: 'nats://hub:4222/e1' };
const SUBJECT = 'e1.data.gsi.app.flow';

describe('signatures of publications', () => {
  let directory: TemporaryDirectory;
  const pairs = { gsi: newSiteKey(), frib: newSiteKey() };
  const siteKeys = { gsi: pairs.gsi.publicKey, frib: pairs.frib.publicKey };

  beforeEach(() => {
    directory = new TemporaryDirectory();
  });

  afterEach(() => directory.remove());

  function sealsOf(site: 'gsi' | 'frib', more: Partial<NatsOptions> = { siteKeys }) {
    const signingKeyFile = directory.file(site);
    writeFileSync(signingKeyFile, pairs[site].privateKey, { mode: 0o600 });
    return readSeals({ ...OPTIONS, site, signingKeyFile, ...more });
  }

  it('what a site has signed is opened by another, unchanged', () => {
    const [gsi, frib] = [sealsOf('gsi'), sealsOf('frib')];
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (body) => {
        const sealed = gsi.seal(SUBJECT, body);
        expect(sealed.length).to.equal(body.length + SEAL_BYTES);
        expect([...(frib.open('gsi', SUBJECT, sealed) ?? [])]).to.deep.equal([...body]);
      }),
    );
  });

  it('a publication with one changed bit is refused', () => {
    const [gsi, frib] = [sealsOf('gsi'), sealsOf('frib')];
    const sealed = gsi.seal(SUBJECT, Buffer.from('counts'));
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      const changed = Buffer.from(sealed);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect(frib.open('gsi', SUBJECT, changed), `bit ${bit}`).to.equal(undefined);
    }
  });

  it('a publication is refused on another subject, of another site, or without a signature', () => {
    const [gsi, frib] = [sealsOf('gsi'), sealsOf('frib')];
    const sealed = gsi.seal(SUBJECT, Buffer.from('counts'));
    expect(frib.open('gsi', `${SUBJECT}2`, sealed)).to.equal(undefined);
    expect(frib.open('frib', SUBJECT, sealed)).to.equal(undefined);
    expect(frib.open('gsi', SUBJECT, frib.seal(SUBJECT, Buffer.from('counts')))).to.equal(undefined);
    expect(frib.open('ornl', SUBJECT, sealed)).to.equal(undefined);
    const unsigned = readSeals({ ...OPTIONS, site: 'gsi' }).seal(SUBJECT, Buffer.from('counts'));
    expect(frib.open('gsi', SUBJECT, unsigned)).to.equal(undefined);
    expect(frib.open('gsi', SUBJECT, Buffer.alloc(0))).to.equal(undefined);
    expect(frib.open('gsi', SUBJECT, sealed.subarray(0, 64))).to.equal(undefined);
  });

  it('without public keys signed and unsigned publications are accepted', () => {
    const open = sealsOf('frib', {});
    const body = Buffer.from('counts');
    expect(open.verifies).to.equal(false);
    expect(open.open('gsi', SUBJECT, sealsOf('gsi').seal(SUBJECT, body))).to.deep.equal(body);
    const unsigned = readSeals({ ...OPTIONS, site: 'gsi' });
    expect(open.open('gsi', SUBJECT, unsigned.seal(SUBJECT, body))).to.deep.equal(body);
  });

  it('a key file that all users may read, or of another kind, is refused with what to do', () => {
    const file = directory.file('key');
    const refusal = (): string => {
      try {
        publicKeyOfFile(file);
      } catch (error) {
        if (isMirrorflowError(error, 'BAD_OPTION')) return error.message;
        throw error;
      }
      throw new Error('the file was accepted');
    };
    writeFileSync(file, pairs.gsi.privateKey);
    chmodSync(file, 0o644);
    expect(refusal()).to.contain('chmod 640');
    chmodSync(file, 0o600);
    expect(publicKeyOfFile(file)).to.equal(pairs.gsi.publicKey);
    writeFileSync(file, 'no key');
    expect(refusal()).to.contain('mirrorflow nats key');
  });
});
