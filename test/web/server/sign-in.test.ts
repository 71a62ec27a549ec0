/** Few guesses, sessions that end, and who may ask at all. */
import { expect } from 'chai';
import { Secret } from '../../../protocol/rpc/security/secret.js';
import { isOwnHost, isOwnOrigin } from '../../../web/server/access.js';
import { SignIn } from '../../../web/server/sign-in.js';
import { ManualClock } from '../../kit/manual-clock.js';

const SECRET = 'correct horse battery';
const SHARED = new Secret(SECRET);

describe('signing in', () => {
  it('takes the secret, and gives a cookie that no script and no foreign page gets', () => {
    const signIn = new SignIn(SHARED, new ManualClock());
    expect(signIn.attempt(SECRET)).to.deep.equal({ kind: 'right' });
    const cookie = signIn.begin();
    expect(cookie).to.match(/^mirrorflow=[0-9a-f]{64}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=\d+$/);
    const sent = cookie.split(';')[0];
    expect(signIn.isSignedIn(`other=1; ${sent}`, undefined)).to.equal(true);
    expect(signIn.isSignedIn('mirrorflow=0', undefined)).to.equal(false);
    signIn.signOut(sent);
    expect(signIn.isSignedIn(sent, undefined)).to.equal(false);
  });

  it('ends after half a day', () => {
    const clock = new ManualClock();
    const signIn = new SignIn(SHARED, clock);
    const sent = signIn.begin().split(';')[0];
    clock.advance(12 * 3_600_000 + 1);
    expect(signIn.isSignedIn(sent, undefined)).to.equal(false);
  });

  it('looks at no more secrets after ten wrong ones, not even at the right one, for a minute', () => {
    const clock = new ManualClock();
    const signIn = new SignIn(SHARED, clock);
    for (let guess = 0; guess < 10; guess += 1)
      expect(signIn.attempt(`guess ${guess}`).kind).to.equal('wrong');
    expect(signIn.attempt(SECRET)).to.deep.equal({ kind: 'too-many', waitS: 60 });
    expect(signIn.isSignedIn(undefined, `Bearer ${SECRET}`)).to.equal(false);
    clock.advance(60_001);
    expect(signIn.attempt(SECRET).kind).to.equal('right');
    expect(signIn.isSignedIn(undefined, `Bearer ${SECRET}`)).to.equal(true);
  });

  it('is not possible without a secret', () => {
    const signIn = new SignIn(undefined, new ManualClock());
    expect(signIn.hasSecret).to.equal(false);
    expect(signIn.attempt('').kind).to.equal('wrong');
  });
});

describe('a request', () => {
  it('is ours by a loopback name, an address in digits, or a name we know', () => {
    for (const host of ['localhost:1', '127.0.0.1', '[::1]:80', '10.1.2.3:7391', 'daq.lab:7391']) {
      expect(isOwnHost(host, ['daq.lab']), host).to.equal(true);
    }
    for (const host of [
      undefined,
      '',
      'evil.example',
      'localhost.evil.example',
      'a b',
      'daq.lab.evil:1',
      'x'.repeat(400),
    ]) {
      expect(isOwnHost(host, ['daq.lab']), String(host)).to.equal(false);
    }
  });

  it('of a WebSocket is ours when page and host are one', () => {
    expect(isOwnOrigin('http://127.0.0.1:1', '127.0.0.1:1')).to.equal(true);
    expect(isOwnOrigin('https://daq.lab', 'daq.lab')).to.equal(true);
    for (const origin of [
      undefined,
      'null',
      'http://evil.example',
      'http://127.0.0.1:2',
      'file://127.0.0.1:1',
    ]) {
      expect(isOwnOrigin(origin, '127.0.0.1:1'), String(origin)).to.equal(false);
    }
  });
});
