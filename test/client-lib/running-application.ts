/**
 * An application with a real app server and real duplicators, and clients in this process, for the
 * tests of the client library. `stop` ends all of it.
 */
import { connect, type Client } from '../../client-lib/index.js';
import type { HttpRpcClient } from '../../protocol/rpc/xml-rpc/http-client.js';
import { callerOf, type CallOf } from '../../protocol/rpc/xml-rpc/contract.js';
import { CONTRACT, type MirrorflowContract } from '../../protocol/rpc/contract/methods.js';
import { presentation, AppServerSystem } from '../app-server/app-server-system.js';
import type { TestProcess } from '../kit/test-process.js';

/** The app server starts the real duplicator instead of a stand-in. */
const REAL = { MIRRORFLOW_DUPLICATOR: '' };

export class RunningApplication {
  readonly system = new AppServerSystem();
  readonly #clients: Client[] = [];
  readonly #https: HttpRpcClient[] = [];

  start(settings: Parameters<AppServerSystem['start']>[0] = {}): Promise<TestProcess> {
    return this.system.start(settings, 'e1', REAL);
  }

  async connect(name: string): Promise<Client> {
    const client = await connect({ app: 'e1', name, directory: this.system.directory });
    this.#clients.push(client);
    return client;
  }

  get port(): number {
    return this.system.record()?.port ?? 0;
  }

  /** Address for a plain XML-RPC client, with its token. */
  get url(): string {
    return `http://any:${this.system.token()}@127.0.0.1:${this.port}/`;
  }

  /** A client over HTTP, presented. */
  async overHttp(name: string): Promise<{ call: CallOf<MirrorflowContract>; token: string }> {
    const http = this.system.http(this.port);
    this.#https.push(http);
    const call = callerOf(CONTRACT, http);
    return { call, token: (await call('client.present', [presentation(name)])).session };
  }

  async stop(): Promise<void> {
    for (const http of this.#https) http.close();
    await Promise.all(this.#clients.map((client) => client.close()));
    await this.system.end();
    await this.system.stop();
  }
}
