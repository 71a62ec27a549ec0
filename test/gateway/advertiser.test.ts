/** Registering services at a port manager, against a TCP server of the test. */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { expect } from 'chai';
import { Advertiser } from '../../gateway/advertiser.js';
import { systemClock } from '../../protocol/base/clock.js';
import { Logger } from '../../protocol/base/log.js';
import { eventually } from '../kit/eventually.js';

/** A port manager: answers with `answer`, and keeps a name while its connection is open. */
class PortManager {
  readonly held = new Set<string>();
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  constructor(answer: () => string) {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      let name = '';
      socket.on('error', () => socket.destroy());
      socket.on('data', (chunk) => {
        name = chunk.toString();
        this.held.add(name);
        socket.write(answer());
      });
      socket.on('close', () => {
        this.held.delete(name);
        this.#sockets.delete(socket);
      });
    });
  }

  async listen(port = 0): Promise<number> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

describe('advertising a service at the port manager', () => {
  let advertiser: Advertiser | undefined;
  let manager: PortManager;
  let assigned: number[];
  const lines: string[] = [];

  function advertise(port: number): void {
    assigned = [];
    lines.length = 0;
    advertiser = new Advertiser({
      service: 'SpecTcl_REST',
      user: 'fox',
      port,
      clock: systemClock,
      log: new Logger('test', { sink: (line) => lines.push(line) }),
      onPort: (port) => assigned.push(port),
    });
  }

  afterEach(async () => {
    advertiser?.close();
    await manager.close();
  });

  for (const ending of ['\n', '\r\n']) {
    it(`the advertiser takes the assigned port and keeps its connection (lines end in ${JSON.stringify(ending)})`, async () => {
      manager = new PortManager(() => `OK 31000${ending}`);
      advertise(await manager.listen());
      await eventually(() => assigned.length === 1);
      expect(assigned).to.deep.equal([31_000]);
      expect([...manager.held]).to.deep.equal(['GIMME SpecTcl_REST fox\n']);
      advertiser?.close();
      await eventually(() => manager.held.size === 0);
    });
  }

  it('the advertiser registers again after a restart of the port manager and takes the new port', async () => {
    let next = 31_000;
    manager = new PortManager(() => `OK ${next++}\n`);
    const port = await manager.listen();
    advertise(port);
    await eventually(() => assigned.length === 1);
    await manager.close();
    await eventually(() => lines.some((line) => line.includes('not advertised')));
    await manager.listen(port);
    await eventually(() => assigned.length === 2);
    expect(assigned).to.deep.equal([31_000, 31_001]);
  });

  it('a refused advertiser logs the answer and retries', async () => {
    let answers = 0;
    manager = new PortManager(() => (answers++ === 0 ? 'FAIL No free ports\n' : 'OK 31000\n'));
    advertise(await manager.listen());
    await eventually(() => assigned.length === 1);
    expect(lines.join('')).to.match(/FAIL No free ports/);
  });
});
