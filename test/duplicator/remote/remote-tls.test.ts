/** Flows between hosts over TLS: certificate and secret must both be right. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect } from 'chai';
import { rejection } from '../../protocol/rpc/xml-rpc/outcome.js';
import { LocalHost, type LocalHostFlow } from '../../kit/local-host.js';
import { skip } from '../../kit/skip.js';

const COUNT = 50;

describe('a flow between hosts over TLS', () => {
  const hosts: LocalHost[] = [];
  let certificate: { readonly tlsCa: string };
  let here: LocalHostFlow;
  let port: number;

  before(async function () {
    const host = new LocalHost();
    hosts.push(host);
    const [cert, key] = [join(host.directory, 'cert.pem'), join(host.directory, 'key.pem')];
    const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
    const openssl = spawnSync('openssl', [
      ...request,
      ...subject,
      '-keyout',
      key,
      '-out',
      cert,
      '-days',
      '2',
    ]);
    if (openssl.status !== 0) skip(this, 'openssl is not installed, or cannot create a certificate');
    certificate = { tlsCa: cert };
    here = await host.local(16, 70_000, { tlsCert: cert, tlsKey: key });
    port = await here.serve('tls://127.0.0.1:0');
  });

  after(async () => {
    for (const host of hosts.splice(0).toReversed()) await host.close();
  });

  const host = (secret?: string): LocalHost => {
    const rig = new LocalHost(secret);
    hosts.push(rig);
    return rig;
  };

  it('a receiver that trusts the certificate and has the secret gets every buffer over TLS', async () => {
    const there = await host().remote(`tls://localhost:${port}`, { ...certificate, crc: true });
    const input = await there.consumer();
    const output = await here.provider();
    const got: number[] = [];
    const taking = (async () => {
      while (got.length < COUNT) {
        const buffer = await input.take();
        if (buffer === undefined) return;
        expect(buffer.data.every((byte) => byte === buffer.sequence % 251)).to.equal(true);
        got.push(buffer.sequence);
        buffer.release();
      }
    })();
    for (let sequence = 0; sequence < COUNT; sequence += 1)
      await output.write(Buffer.alloc(sequence % 2 === 0 ? 70_000 : 30, sequence % 251));
    await taking;
    expect(got).to.deep.equal(Array.from({ length: COUNT }, (_, sequence) => sequence));
    expect(input.lost).to.equal(0);
  });

  it('a receiver refuses an untrusted certificate, and a sender another secret or plain TCP', async () => {
    const untrusting = await rejection(host().makeRemote(`tls://localhost:${port}`).start());
    expect(untrusting.code).to.equal('SOURCE_UNREACHABLE');
    expect(untrusting.message).to.contain('certificate');
    const wrong = host('the secret of another laboratory').makeRemote(`tls://localhost:${port}`, certificate);
    expect((await rejection(wrong.start())).code).to.equal('REFUSED');
    const plain = host().makeRemote(`tcp://localhost:${port}`, { startTimeoutMs: 4000 });
    expect((await rejection(plain.start())).code).to.be.oneOf(['SOURCE_UNREACHABLE', 'SOURCE_PROTOCOL']);
  });
});
