/** Signing in with bounded attempts, ending sessions, and the checks of Host and Origin. */
import { expect } from 'chai';
import { Secret } from '../../../protocol/rpc/security/secret.js';
import { isOwnHost, isOwnOrigin } from '../../../web/server/access.js';
import { SignIn } from '../../../web/server/sign-in.js';
import { ManualClock } from '../../kit/manual-clock.js';

const SECRET = 'correct horse battery';
const SHARED = new Secret(SECRET);

describe('signing in', () => {
  it('the secret starts a session whose cookie no script and no foreign page can read', () => {
    const signIn = new SignIn(SHARED, new ManualClock());
    expect(signIn.attempt(SECRET)).to.deep.equal({ kind: 'accepted' });
    const cookie = signIn.startSession();
    expect(cookie).to.match(/^mirrorflow=[0-9a-f]{64}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=\d+$/);
    const sent = cookie.split(';')[0];
    expect(signIn.isSignedIn(`other=1; ${sent}`, undefined)).to.equal(true);
    expect(signIn.isSignedIn('mirrorflow=0', undefined)).to.equal(false);
    signIn.signOut(sent);
    expect(signIn.isSignedIn(sent, undefined)).to.equal(false);
  });

  it('a session ends after twelve hours', () => {
    const clock = new ManualClock();
    const signIn = new SignIn(SHARED, clock);
    const sent = signIn.startSession().split(';')[0];
    clock.advance(12 * 3_600_000 + 1);
    expect(signIn.isSignedIn(sent, undefined)).to.equal(false);
  });

  it('after ten wrong secrets every attempt is refused for a minute, also the right one', () => {
    const clock = new ManualClock();
    const signIn = new SignIn(SHARED, clock);
    for (let guess = 0; guess < 10; guess += 1)
      expect(signIn.attempt(`guess ${guess}`).kind).to.equal('wrong');
    expect(signIn.attempt(SECRET)).to.deep.equal({ kind: 'too-many', waitS: 60 });
    expect(signIn.isSignedIn(undefined, `Bearer ${SECRET}`)).to.equal(false);
    clock.advance(60_001);
    expect(signIn.attempt(SECRET).kind).to.equal('accepted');
    expect(signIn.isSignedIn(undefined, `Bearer ${SECRET}`)).to.equal(true);
  });

  it('without a secret every attempt is wrong', () => {
    const signIn = new SignIn(undefined, new ManualClock());
    expect(signIn.hasSecret).to.equal(false);
    expect(signIn.attempt('').kind).to.equal('wrong');
  });
});

describe('the checks of Host and Origin', () => {
  it('a request is accepted under a loopback name, a numeric address, or a configured name', () => {
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

  it('a WebSocket is accepted when its Origin is its Host', () => {
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
