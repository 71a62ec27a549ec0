/**
 * The handshake between host servers (control-handshake.ts), caller and listener in one process.
 */
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
import { PLAIN_TRANSPORT } from '../../../../protocol/rpc/security/transport.js';

const SECRET = new Secret('sixteen bytes or more');
const OTHER = new Secret('sixteen other bytes!');

/** Exchanges the bytes of both ends in chunks; returns the last step of each end. */
function runHandshake(
  caller: Handshake,
  listener: Handshake,
  chunkBytes = 1_000,
): [caller: Step, listener: Step] {
  const steps: [Step, Step] = [{ outcome: 'more' }, { outcome: 'more' }];
  let [toListener, toCaller] = [caller.opening ?? Buffer.alloc(0), listener.opening ?? Buffer.alloc(0)];
  while (toListener.length > 0 || toCaller.length > 0) {
    const [listenerChunk, callerChunk] = [
      toListener.subarray(0, chunkBytes),
      toCaller.subarray(0, chunkBytes),
    ];
    [toListener, toCaller] = [toListener.subarray(chunkBytes), toCaller.subarray(chunkBytes)];
    if (listenerChunk.length > 0 && steps[1].outcome === 'more') {
      steps[1] = listener.push(listenerChunk);
      toCaller = Buffer.concat([toCaller, steps[1].send ?? Buffer.alloc(0)]);
    }
    if (callerChunk.length > 0 && steps[0].outcome === 'more') {
      steps[0] = caller.push(callerChunk);
      toListener = Buffer.concat([toListener, steps[0].send ?? Buffer.alloc(0)]);
    }
  }
  return steps;
}

describe('the handshake of permanent connections', () => {
  it('both ends prove the secret to each other in chunks of any size', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), (chunkBytes) => {
        const [caller, listener] = runHandshake(
          new ControlCaller(SECRET),
          new ControlListener(SECRET),
          chunkBytes,
        );
        expect([caller.outcome, listener.outcome]).to.deep.equal(['proven', 'proven']);
      }),
      { numRuns: 30 },
    );
  });

  it('a handshake begins with a byte with which no HTTP request begins', () => {
    expect(new ControlCaller(SECRET).opening[0]).to.equal(CONTROL_FIRST_BYTE).and.greaterThan(0x7f);
  });

  it('a caller sends no proof to a listener with another secret', () => {
    const [caller, listener] = runHandshake(new ControlCaller(SECRET), new ControlListener(OTHER));
    expect(isMirrorflowError(caller.outcome, 'REFUSED')).to.equal(true);
    expect(caller.send).to.equal(undefined);
    expect(listener.outcome).to.equal('more');
  });

  it('ends with different versions both report both versions and prove nothing', () => {
    const [caller, listener] = runHandshake(
      new ControlCaller(SECRET, PLAIN_TRANSPORT, 1),
      new ControlListener(SECRET),
    );
    for (const { outcome } of [caller, listener]) {
      if (!isMirrorflowError(outcome, 'VERSION_MISMATCH')) throw new Error('the handshake was not refused');
      expect(outcome.message)
        .to.match(/version 1\b/)
        .and.match(/version 2\b/);
    }
  });

  it('a recorded proof is refused with another nonce', () => {
    const recorded: Buffer[] = [];
    const caller = new ControlCaller(SECRET);
    const answer = new ControlListener(SECRET).push(caller.opening);
    recorded.push(caller.opening, caller.push(answer.send ?? Buffer.alloc(0)).send ?? Buffer.alloc(0));
    const victim = new ControlListener(SECRET);
    expect(victim.push(recorded[0] ?? Buffer.alloc(0)).outcome).to.equal('more');
    expect(isMirrorflowError(victim.push(recorded[1] ?? Buffer.alloc(0)).outcome, 'REFUSED')).to.equal(true);
  });

  it('neither end accepts arbitrary bytes as a proof', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 120 }), { maxLength: 5 }), (chunks) => {
        for (const end of [new ControlListener(SECRET), new ControlCaller(SECRET)]) {
          let outcome: Step['outcome'] = 'more';
          for (const chunk of chunks) if (outcome === 'more') ({ outcome } = end.push(chunk));
          expect(outcome).not.to.equal('proven');
        }
      }),
    );
  });

  it('bytes after the verdict are passed on to the session', () => {
    const caller = new ControlCaller(SECRET);
    const listener = new ControlListener(SECRET);
    const proof = caller.push(listener.push(caller.opening).send ?? Buffer.alloc(0)).send ?? Buffer.alloc(0);
    const verdict = listener.push(proof).send ?? Buffer.alloc(0);
    const { outcome, rest } = caller.push(Buffer.concat([verdict, Buffer.from('frame')]));
    expect([outcome, rest?.toString()]).to.deep.equal(['proven', 'frame']);
  });

  it('messages have the documented bytes, and the first version is refused by either end', () => {
    const caller = new ControlCaller(SECRET);
    expect(caller.opening.toString('hex', 0, 8)).to.equal('894d464302000000');
    const answer = new ControlListener(SECRET).push(caller.opening).send ?? Buffer.alloc(0);
    expect(answer.toString('hex', 0, 12)).to.equal('894d46430200000000000000');
    expect([caller.opening.length, answer.length]).to.deep.equal([40, 76]);
    const first = Buffer.from(caller.opening);
    first.writeUInt32LE(1, 4);
    const refused = new ControlListener(SECRET).push(first);
    expect(refused.send?.toString('hex', 0, 12)).to.equal('894d46430200000001000000');
    const answerOfFirst = Buffer.from(answer);
    answerOfFirst.writeUInt32LE(1, 4);
    for (const { outcome } of [refused, new ControlCaller(SECRET).push(answerOfFirst)]) {
      if (!isMirrorflowError(outcome, 'VERSION_MISMATCH')) throw new Error('the handshake was not refused');
      expect(outcome.message).to.contain('version 1,').and.to.contain('version 2;');
    }
  });

  it('a version is refused as soon as it has arrived, whatever the length of its messages', () => {
    const start = Buffer.from('894d464303000000', 'hex');
    for (const end of [new ControlListener(SECRET), new ControlCaller(SECRET)])
      expect(isMirrorflowError(end.push(start).outcome, 'VERSION_MISMATCH')).to.equal(true);
  });

  it('ends that see different certificates refuse each other', () => {
    const seen = { listener: Buffer.alloc(32, 1), caller: Buffer.alloc(32, 2), isTls: true };
    for (const others of [
      { ...seen, listener: Buffer.alloc(32, 3) },
      { ...seen, caller: Buffer.alloc(32, 3) },
      PLAIN_TRANSPORT,
    ]) {
      const [caller] = runHandshake(new ControlCaller(SECRET, seen), new ControlListener(SECRET, others));
      expect(isMirrorflowError(caller.outcome, 'REFUSED')).to.equal(true);
    }
  });
});
