import { expect } from 'chai';
import fc from 'fast-check';
import { isMirrorflowError } from '../../../../protocol/base/errors.js';
import {
  CONTROL_FIRST_BYTE,
  ControlCaller,
  ControlListener,
  type Handshake,
  type Step,
} from '../../../../protocol/rpc/security/control-handshake.js';
import { Secret } from '../../../../protocol/rpc/security/secret.js';

const SECRET = new Secret('sixteen bytes or more');
const OTHER = new Secret('sixteen other bytes!');

/** Carries bytes between the two, `piece` at a time, until both have come to an end. */
function shake(caller: Handshake, listener: Handshake, piece = 1_000): [caller: Step, listener: Step] {
  const ends: [Step, Step] = [{ outcome: 'more' }, { outcome: 'more' }];
  let [toListener, toCaller] = [caller.first ?? Buffer.alloc(0), listener.first ?? Buffer.alloc(0)];
  while (toListener.length > 0 || toCaller.length > 0) {
    const [forListener, forCaller] = [toListener.subarray(0, piece), toCaller.subarray(0, piece)];
    [toListener, toCaller] = [toListener.subarray(piece), toCaller.subarray(piece)];
    if (forListener.length > 0 && ends[1].outcome === 'more') {
      ends[1] = listener.push(forListener);
      toCaller = Buffer.concat([toCaller, ends[1].send ?? Buffer.alloc(0)]);
    }
    if (forCaller.length > 0 && ends[0].outcome === 'more') {
      ends[0] = caller.push(forCaller);
      toListener = Buffer.concat([toListener, ends[0].send ?? Buffer.alloc(0)]);
    }
  }
  return ends;
}

describe('the handshake of permanent connections', () => {
  it('proves both ends to each other, whatever pieces it comes in', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), (piece) => {
        const [caller, listener] = shake(new ControlCaller(SECRET, 1), new ControlListener(SECRET, 1), piece);
        expect([caller.outcome, listener.outcome]).to.deep.equal(['proven', 'proven']);
      }),
      { numRuns: 30 },
    );
  });

  it('begins with a byte that no HTTP request begins with', () => {
    expect(new ControlCaller(SECRET, 1).first[0]).to.equal(CONTROL_FIRST_BYTE).and.greaterThan(0x7f);
  });

  it('a caller sends no proof to whoever does not know the secret', () => {
    const [caller, listener] = shake(new ControlCaller(SECRET, 1), new ControlListener(OTHER, 1));
    expect(isMirrorflowError(caller.outcome, 'REFUSED')).to.equal(true);
    expect(caller.send).to.equal(undefined);
    expect(listener.outcome).to.equal('more');
  });

  it('other versions are named on both sides, and nothing is proved', () => {
    const [caller, listener] = shake(new ControlCaller(SECRET, 2), new ControlListener(SECRET, 1));
    for (const { outcome } of [caller, listener]) {
      if (!isMirrorflowError(outcome, 'VERSION_MISMATCH')) throw new Error('it was not refused');
      expect(outcome.message)
        .to.match(/version 1\b/)
        .and.match(/version 2\b/);
    }
  });

  it('a recorded proof is worth nothing against another nonce', () => {
    const recorded: Buffer[] = [];
    const caller = new ControlCaller(SECRET, 1);
    const first = new ControlListener(SECRET, 1).push(caller.first);
    recorded.push(caller.first, caller.push(first.send ?? Buffer.alloc(0)).send ?? Buffer.alloc(0));
    const victim = new ControlListener(SECRET, 1);
    expect(victim.push(recorded[0] ?? Buffer.alloc(0)).outcome).to.equal('more');
    expect(isMirrorflowError(victim.push(recorded[1] ?? Buffer.alloc(0)).outcome, 'REFUSED')).to.equal(true);
  });

  it('whatever arrives, neither end takes it for a proof', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 120 }), { maxLength: 5 }), (chunks) => {
        for (const end of [new ControlListener(SECRET, 1), new ControlCaller(SECRET, 1)]) {
          let outcome: Step['outcome'] = 'more';
          for (const chunk of chunks) if (outcome === 'more') ({ outcome } = end.push(chunk));
          expect(outcome).not.to.equal('proven');
        }
      }),
    );
  });

  it('bytes behind the verdict belong to what follows', () => {
    const caller = new ControlCaller(SECRET, 1);
    const listener = new ControlListener(SECRET, 1);
    const proof = caller.push(listener.push(caller.first).send ?? Buffer.alloc(0)).send ?? Buffer.alloc(0);
    const verdict = listener.push(proof).send ?? Buffer.alloc(0);
    const { outcome, rest } = caller.push(Buffer.concat([verdict, Buffer.from('frame')]));
    expect([outcome, rest?.toString()]).to.deep.equal(['proven', 'frame']);
  });
});
