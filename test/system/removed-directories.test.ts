/**
 * A runtime directory that is removed while its servers run: each process puts its sockets and
 * records back, open flows continue, and programs and servers find each other as before.
 */
import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { connectHost } from '../../client-lib/index.js';
import { programPath } from '../../protocol/base/installation.js';
import { HOST_RIGHTS, USER_RIGHTS } from '../../protocol/base/rights.js';
import { gatewayRecordPath } from '../../protocol/base/paths.js';
import { eventually } from '../kit/eventually.js';
import { processesNaming } from '../kit/leftovers.js';
import { RealSystem } from '../kit/real-system.js';
import { APP, expectIntact, FLOW, startWithFlow } from './system-with-flow.js';

/** As `rm -r` does: files that are put back meanwhile may keep a directory from its removal. */
function remove(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error;
  }
}

const WAYS: readonly (readonly [how: string, act: (path: string) => void])[] = [
  ['removed', remove],
  ['moved away', (path) => renameSync(path, `${path}.moved`)],
];

describe('a runtime directory in use', () => {
  for (const [how, act] of WAYS)
    it(`a runtime directory that is ${how} is complete again with all sockets and records, and no flow is disturbed`, async function () {
      const { system, flow } = await startWithFlow();
      try {
        flow.startProvider();
        const reader = flow.consumer('one');
        await eventually(() => flow.published > 0, 'the provider publishes');
        reader.program.start();
        await flow.resumed();
        const appServer = await system.appServerPid(APP);
        act(system.directory);
        const files = [
          'host.json',
          ...HOST_RIGHTS.flatMap((right) => [`host.${right}.sock`, `host.${right}.token`]),
          'host.child.token',
          'apps/e1.json',
          ...USER_RIGHTS.flatMap((right) => [`apps/e1.${right}.sock`, `apps/e1.${right}.token`]),
          'apps/e1.child.token',
          `links/e1@${FLOW}.sock`,
          `links/e1@${FLOW}.provide.sock`,
        ];
        await eventually(
          () => files.every((name) => existsSync(join(system.directory, name))),
          'all files are back',
        );
        const host = await connectHost({ directory: system.directory });
        const [application] = await host.applications();
        expect([application?.state, application?.pid]).to.deep.equal(['running', appServer]);
        await host.close();
        const newcomer = await system.client(APP, 'newcomer');
        const input = await newcomer.openInput(FLOW, { inline: true });
        expect((await input.take())?.data.length).to.be.above(0);
        await newcomer.close();
        const second = system.program(programPath('host-server'), ['--listen', 'tcp://127.0.0.1:0']);
        expect(await second.end()).to.equal(3);
        expect(second.errors).to.contain('ALREADY_RUNNING');
        await expectIntact(flow);
      } finally {
        await flow.kill();
        await system.stop(this.test?.state === 'failed');
      }
    });

  it('a folder of the runtime directory that is removed alone is back, and a new flow opens', async function () {
    const { system, flow } = await startWithFlow();
    try {
      const folders = ['apps', 'links', 'logs'].map((name) => join(system.directory, name));
      for (const folder of folders) {
        remove(folder);
        await eventually(() => existsSync(folder), `${folder} is back`);
      }
      const client = await eventually(
        () => system.client(APP).catch(() => undefined),
        'the sockets are back',
      );
      const output = await client.openOutput('another', { bufferSize: 100, buffers: 8 });
      const input = await client.openInput('another', { inline: true });
      await output.write(Buffer.from('another'));
      expect(Buffer.from((await input.take())!.bytes).toString()).to.equal('another');
    } finally {
      await flow.kill();
      await system.stop(this.test?.state === 'failed');
    }
  });

  it('an app server that is killed while the runtime directory is removed is started again', async function () {
    const system = new RealSystem();
    try {
      const first = await system.startHost(APP);
      first.process.kill('SIGKILL');
      await first.end();
      // It adopts the app server, whose exit code it cannot see.
      const server = await system.startHost();
      const running = async (): Promise<number | undefined> => {
        const applications = await system.host.applications().catch(() => []);
        return applications.find(({ name, state }) => name === APP && state === 'running')?.pid;
      };
      const killed = await eventually(running, 'the app server is adopted');
      server.process.kill('SIGSTOP');
      process.kill(killed, 'SIGKILL');
      remove(system.directory);
      server.process.kill('SIGCONT');
      await eventually(async () => {
        const pid = await running();
        return pid !== undefined && pid !== killed;
      }, 'another app server runs');
    } finally {
      await system.stop(this.test?.state === 'failed');
    }
  });

  it('of two app servers, after a host server was started while the record was removed, the one that it started stays', async function () {
    const system = new RealSystem();
    try {
      const first = await system.startHost(APP);
      const client = await system.client(APP);
      const output = await client.openOutput('counts', { bufferSize: 100, buffers: 8 });
      const old = await system.appServerPid(APP);
      first.process.kill('SIGKILL');
      await first.end();
      process.kill(old, 'SIGSTOP');
      remove(join(system.directory, 'apps'));
      await system.startHost(APP);
      const present = await system.appServerPid(APP);
      expect(present).to.not.equal(old);
      process.kill(old, 'SIGCONT');
      await eventually(
        () => !processesNaming(system.directory).some(({ pid }) => pid === old),
        'one has ended',
      );
      const newcomer = await system.client(APP, 'newcomer');
      const input = await newcomer.openInput('counts');
      await output.write(Buffer.from('counts'));
      expect(Buffer.from((await input.take())!.bytes).toString()).to.equal('counts');
      expect(await system.appServerPid(APP)).to.equal(present);
    } finally {
      await system.stop(this.test?.state === 'failed');
    }
  });

  it('the flow directory of an application that is removed is complete again with the record of its gateway', async function () {
    const system = new RealSystem();
    try {
      await system.startHost();
      const simulator = await system.simulator({ rate: 0 });
      await system.host.run({
        name: APP,
        source: simulator.address,
        gateway: { restPort: 0, mirrorPort: 0 },
      });
      const record = gatewayRecordPath(system.flowDirectory, APP);
      await eventually(() => existsSync(record), 'the gateway runs');
      remove(join(system.flowDirectory, APP));
      await eventually(() => existsSync(record), 'the record is back');
    } finally {
      await system.stop(this.test?.state === 'failed');
    }
  });
});
