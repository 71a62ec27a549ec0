/** Signing in with bounded attempts, ending sessions, and the checks of Host and Origin. */
import { expect } from 'chai';
import { Secret } from '../../../protocol/rpc/security/secret.js';
import {
  isFromBrowser,
  isOwnHost,
  isOwnOrigin,
  isProxied,
  mayChange,
} from '../../../protocol/rpc/security/browser-requests.js';
import { SignIn } from '../../../web/server/sign-in.js';
import { ManualClock } from '../../kit/manual-clock.js';

const SECRET = 'correct horse battery';
const SHARED = new Secret(SECRET);

const BROWSER = '10.0.0.7';
const OTHER = '10.0.0.8';
const PLAIN = { port: 7391, secure: false };

describe('signing in', () => {
  let clock: ManualClock;
  let signIn: SignIn;

  beforeEach(() => {
    clock = new ManualClock();
    signIn = new SignIn(SHARED, clock, () => PLAIN);
  });

  it('the secret starts a session whose cookie no script and no foreign page can read', () => {
    expect(signIn.attempt(SECRET, BROWSER)).to.deep.equal({ kind: 'accepted' });
    const cookie = signIn.startSession();
    expect(cookie).to.match(
      /^mirrorflow-7391=[0-9a-f]{64}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=\d+$/,
    );
    const sent = cookie.split(';')[0];
    expect(signIn.isSignedIn(`other=1; ${sent}`, undefined, BROWSER)).to.equal(true);
    expect(signIn.isSignedIn('mirrorflow-7391=0', undefined, BROWSER)).to.equal(false);
    signIn.signOut(sent);
    expect(signIn.isSignedIn(sent, undefined, BROWSER)).to.equal(false);
  });

  it('the cookie of one port is none of another, and over TLS it is secure and of this host only', () => {
    const token = signIn.startSession().split(';')[0]!.split('=')[1]!;
    expect(signIn.isSignedIn(`mirrorflow-7392=${token}`, undefined, BROWSER)).to.equal(false);
    const overTls = new SignIn(SHARED, clock, () => ({ port: 7391, secure: true }));
    expect(overTls.startSession()).to.match(/^__Host-mirrorflow-7391=[0-9a-f]{64}; Path=\/;.*; Secure$/);
    const cookie = overTls.startSession().split(';')[0]!;
    expect(overTls.isSignedIn(cookie, undefined, BROWSER)).to.equal(true);
    expect(overTls.isSignedIn(cookie.replace('__Host-', ''), undefined, BROWSER)).to.equal(false);
  });

  it('a session ends after twelve hours', () => {
    const sent = signIn.startSession().split(';')[0];
    clock.advance(12 * 3_600_000 + 1);
    expect(signIn.isSignedIn(sent, undefined, BROWSER)).to.equal(false);
  });

  it('after ten wrong secrets further ones of that address are refused for a minute, the right one never', () => {
    for (let guess = 0; guess < 10; guess += 1)
      expect(signIn.attempt(`guess ${guess}`, BROWSER).kind).to.equal('wrong');
    expect(signIn.attempt('another guess', BROWSER)).to.deep.equal({ kind: 'too-many', waitS: 60 });
    expect(signIn.attempt('a guess', OTHER).kind).to.equal('wrong');
    expect(signIn.isSignedIn(undefined, `Bearer ${SECRET}`, BROWSER)).to.equal(true);
    for (let guess = 0; guess < 10; guess += 1) signIn.attempt(`guess ${guess}`, BROWSER);
    expect(signIn.attempt('another guess', BROWSER).kind).to.equal('too-many');
    clock.advance(60_001);
    expect(signIn.attempt('another guess', BROWSER).kind).to.equal('wrong');
  });

  it('all addresses of one IPv6 network have their wrong secrets counted together', () => {
    for (let guess = 0; guess < 10; guess += 1) signIn.attempt('a guess', `2001:db8::${guess}:1`);
    expect(signIn.attempt('a guess', '2001:db8:0:0:ffff::9').kind).to.equal('too-many');
    expect(signIn.attempt('a guess', '2001:db8:0:1::9').kind).to.equal('wrong');
  });

  it('without a secret every attempt is wrong', () => {
    signIn = new SignIn(undefined, clock, () => PLAIN);
    expect(signIn.hasSecret).to.equal(false);
    expect(signIn.attempt('', BROWSER).kind).to.equal('wrong');
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

  it('a change is accepted from a page of this server and from no browser', () => {
    const host = 'daq.lab:8100';
    const browser = { host, 'user-agent': 'Mozilla/5.0' };
    for (const headers of [
      { host, 'user-agent': 'Python-urllib/3.11' },
      { ...browser, origin: 'http://daq.lab:8100' },
      { ...browser, 'sec-fetch-site': 'same-origin' },
    ]) {
      expect(mayChange(headers), JSON.stringify(headers)).to.equal(true);
    }
    for (const headers of [
      browser,
      { ...browser, origin: 'null' },
      { ...browser, origin: 'http://evil.example', 'sec-fetch-site': 'same-origin' },
      { ...browser, 'sec-fetch-site': 'cross-site' },
      { ...browser, 'sec-fetch-site': 'same-site' },
      { ...browser, 'sec-fetch-site': 'none' },
      { host, referer: 'http://evil.example/' },
    ]) {
      expect(mayChange(headers), JSON.stringify(headers)).to.equal(false);
      expect(isFromBrowser(headers)).to.equal(true);
    }
  });

  it('a request with a header of a proxy may come from another machine', () => {
    expect(isProxied({ host: 'localhost' })).to.equal(false);
    for (const name of ['forwarded', 'x-forwarded-for', 'via'])
      expect(isProxied({ host: 'localhost', [name]: '1' }), name).to.equal(true);
  });
});
