/** What the headers of a request say about its sender. Pure. */
import { expect } from 'chai';
import {
  isFromBrowser,
  isLoopbackHost,
  isOwnHost,
  isOwnOrigin,
  isProxied,
  mayChange,
  splitHost,
} from '../../../../protocol/rpc/security/browser-requests.js';

describe('the headers of an HTTP request', () => {
  it('a Host header is split into host and port, and an invalid one refused', () => {
    const longest = 'a'.repeat(300);
    expect(
      ['localhost', 'DAQ.example.org.:80', '[::1]:7391', '10.0.0.1:99999', longest].map(splitHost),
    ).to.deep.equal([
      { host: 'localhost', port: '' },
      { host: 'daq.example.org', port: '80' },
      { host: '::1', port: '7391' },
      { host: '10.0.0.1', port: '99999' },
      { host: longest, port: '' },
    ]);
    const wrong = [undefined, '', 'a b', 'a:b', 'a:', 'a:123456', '[::1', '::1', 'user@host', `${longest}a`];
    expect(wrong.map((header) => splitHost(header))).to.deep.equal(wrong.map(() => undefined));
  });

  it('a server is named by loopback names, numeric addresses and its own names only', () => {
    const own = (header: string | undefined): boolean => isOwnHost(header, ['daq.example.org']);
    for (const header of [
      'localhost:7391',
      '127.0.0.1',
      '[::1]',
      '192.0.2.7:80',
      '[2001:db8::1]:80',
      'daq.example.org',
    ])
      expect(own(header), header).to.equal(true);
    for (const header of ['evil.example.org', 'example.org', undefined, 'a b'])
      expect(own(header), String(header)).to.equal(false);
    expect(
      ['localhost:1', '127.0.0.1', '192.0.2.7', 'daq.example.org', undefined].map(isLoopbackHost),
    ).to.deep.equal([true, true, false, false, false]);
  });

  it('an Origin is its own only with the very same host and port', () => {
    expect(isOwnOrigin('http://DAQ:7391', 'daq:7391')).to.equal(true);
    expect(isOwnOrigin('https://daq:7391', 'daq:7391')).to.equal(true);
    for (const [origin, host] of [
      ['http://daq:7392', 'daq:7391'],
      ['http://evil/http://daq:7391', 'daq:7391'],
      ['ftp://daq:7391', 'daq:7391'],
      ['null', 'daq:7391'],
      [undefined, 'daq:7391'],
      ['http://daq:7391', undefined],
      [undefined, undefined],
    ])
      expect(isOwnOrigin(origin, host), `${origin} ${host}`).to.equal(false);
  });

  it('a request through a proxy, and one of a browser, is recognised by any one header', () => {
    for (const name of ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'])
      expect(isProxied({ [name]: '' }), name).to.equal(true);
    expect(isProxied({ host: 'daq', origin: 'http://daq' })).to.equal(false);
    for (const name of ['origin', 'referer', 'sec-fetch-site'])
      expect(isFromBrowser({ [name]: '' }), name).to.equal(true);
    expect(isFromBrowser({ 'user-agent': 'Mozilla/5.0 (X11)' })).to.equal(true);
    expect(isFromBrowser({ 'user-agent': 'curl/8 Mozilla/', 'sec-fetch-mode': 'cors' })).to.equal(false);
    expect(isFromBrowser({})).to.equal(false);
  });

  it('a browser may change something from a page of this server only, other programs always', () => {
    const host = 'daq:7391';
    expect(mayChange({ host })).to.equal(true);
    expect(mayChange({ host, origin: 'http://daq:7391' })).to.equal(true);
    expect(mayChange({ host, 'sec-fetch-site': 'same-origin' })).to.equal(true);
    expect(mayChange({ host, origin: 'http://evil', 'sec-fetch-site': 'same-origin' })).to.equal(false);
    expect(mayChange({ host, 'sec-fetch-site': 'cross-site' })).to.equal(false);
    expect(mayChange({ host, 'user-agent': 'Mozilla/5.0' })).to.equal(false);
    expect(mayChange({ host, referer: 'http://daq:7391/' })).to.equal(false);
  });
});
