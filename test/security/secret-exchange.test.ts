/**
 * Tests the exchange of the shared secret of the hosts: at every step hosts with the old and the
 * new file reach each other. Real processes and sockets.
 */
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { beginExchange, finishExchange } from '../../protocol/rpc/security/secret-exchange.js';
import { ControlCaller, ControlListener } from '../../protocol/rpc/security/control-handshake.js';
import { readSecret, type Secret } from '../../protocol/rpc/security/secret.js';
import { ConsoleSystem } from '../console/system.js';
import { LocalHost, SECRET } from '../kit/local-host.js';
import { CuttingProxy } from '../kit/cutting-proxy.js';
import { TemporaryDirectory } from '../kit/temporary-directory.js';
import { rejection } from '../protocol/rpc/xml-rpc/outcome.js';

const [OLD, NEW] = ['the old secret of the lab', 'the new secret of the lab'];

describe('exchanging the secret of the hosts', () => {
  const directory = new TemporaryDirectory();
  let system: ConsoleSystem;

  before(() => {
    system = new ConsoleSystem();
  });

  after(async () => {
    await system.close();
    directory.remove();
  });

  function file(name: string, text: string): string {
    const path = directory.file(name);
    writeFileSync(path, text, { mode: 0o640 });
    chmodSync(path, 0o640);
    return path;
  }

  /** Whether the caller and the listener both end with a proof. */
  function reach(from: Secret, to: Secret): boolean {
    const caller = new ControlCaller(from);
    const listener = new ControlListener(to);
    const answer = listener.push(caller.opening).send;
    const proof = answer === undefined ? undefined : caller.push(answer).send;
    const verdict = proof === undefined ? undefined : listener.push(proof).send;
    return verdict !== undefined && caller.push(verdict).outcome === 'proven';
  }

  it('a host that accepts two secrets reaches hosts with the old secret and hosts with the new one', () => {
    const [old, both, fresh] = [`${OLD}\n`, `${NEW}\n${OLD}\n`, `${NEW}\n`].map((text, index) =>
      readSecret(file(`secret-${index}`, text)),
    ) as [Secret, Secret, Secret];
    for (const [a, b] of [
      [old, both],
      [both, both],
      [both, fresh],
    ] as const) {
      expect([reach(a, b), reach(b, a)]).to.deep.equal([true, true]);
    }
    expect([reach(old, fresh), reach(fresh, old)]).to.deep.equal([false, false]);
  });

  it('a link that is cut after each step reconnects without a restart of any process', async () => {
    const [here, there] = [new LocalHost(), new LocalHost()];
    const sending = await here.local(8, 100);
    const proxy = await CuttingProxy.inFrontOf(await sending.serve());
    try {
      const receiving = await there.remote(proxy.address);
      const input = await receiving.consumer();
      const output = await sending.provider();
      const passes = async (text: string): Promise<void> => {
        proxy.cut();
        await output.write(Buffer.from(text));
        const buffer = await input.take();
        expect(Buffer.from(buffer?.data ?? []).toString()).to.equal(text);
        buffer?.release();
      };
      await passes('before');
      const fresh = file('fresh', NEW);
      for (const host of [here, there]) {
        beginExchange(host.secretFile, fresh);
        await passes('one more host accepts both');
      }
      for (const host of [there, here]) {
        finishExchange(host.secretFile);
        await passes('one host fewer accepts the old one');
      }
      const late = new LocalHost(SECRET);
      expect((await rejection(late.makeRemote(proxy.address).start())).code).to.equal('REFUSED');
      await late.close();
    } finally {
      await there.close();
      await here.close();
      await proxy.close();
    }
  });

  it('mirrorflow secret rotate keeps mode and owner, and refuses a step that would lose a secret', async () => {
    const secret = file('secret', OLD);
    const fresh = file('new', NEW);
    const run = (...words: string[]) => system.run('secret', 'rotate', '--secret-file', secret, ...words);
    expect(await run('--finish')).to.include({ exit: 2 });
    expect(await run()).to.include({ exit: 2 });
    expect(await run('--new', fresh)).to.include({ exit: 0 });
    expect(readFileSync(secret, 'utf8')).to.equal(`${NEW}\n${OLD}\n`);
    expect((statSync(secret).mode & 0o777).toString(8)).to.equal('640');
    const again = await run('--new', file('newer', 'a third secret of the lab'));
    expect(again).to.include({ exit: 2 });
    expect(again.stderr).to.contain('--finish');
    expect(await run('--finish')).to.include({ exit: 0 });
    expect(readFileSync(secret, 'utf8')).to.equal(`${NEW}\n`);
  });

  it('a file with three secrets is refused', () => {
    expect(() => readSecret(file('three', `${OLD}\n${NEW}\n${SECRET}\n`))).to.throw('has 3 lines');
  });
});
