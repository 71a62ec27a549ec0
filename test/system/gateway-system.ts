/**
 * Shared by the system tests of the gateway: its ports, calls of its REST service, and foreign
 * viewers as processes that answer line by line. Starts the viewers and sends requests.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Client } from '../../client-lib/index.js';
import { eventually } from '../kit/eventually.js';

/** Viewers in C and Python, which are not compiled into `dist`. */
export const FIXTURES = fileURLToPath(new URL('../../../test/fixtures/gateway', import.meta.url));

export interface GatewayPorts {
  readonly pid: number;
  readonly restPort: number;
  readonly mirrorPort: number;
}

/** Waits for a running gateway; with `killedPid` for another process than that. */
export function gatewayOf(client: Client, killedPid?: number): Promise<GatewayPorts> {
  return eventually(async () => {
    const gateway = (await client.appInfo().catch(() => undefined))?.gateway;
    if (gateway?.state !== 'running' || gateway.pid === undefined || gateway.pid === killedPid)
      return undefined;
    return { pid: gateway.pid, restPort: gateway.restPort ?? 0, mirrorPort: gateway.mirrorPort ?? 0 };
  }, 'the gateway runs');
}

export interface RestReply {
  /** HTTP status code. */
  readonly http: number;
  readonly status: string;
  readonly detail: unknown;
}

/** Calls SpecTcl's REST service on loopback; `request` is the path below /spectcl. */
export async function rest(port: number, request: string, init: RequestInit = {}): Promise<RestReply> {
  const reply = await fetch(`http://127.0.0.1:${port}/spectcl/${request}`, init);
  const { status, detail } = JSON.parse(await reply.text()) as { status: string; detail?: unknown };
  return { http: reply.status, status, detail };
}

/** A program in another language that answers every line with a line. */
export class Viewer {
  readonly child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  #errors = '';

  private constructor(command: string, args: readonly string[]) {
    this.child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.child.stderr?.on('data', (chunk: Buffer) => (this.#errors += chunk.toString()));
    this.child.on('error', (error) => (this.#errors += error.message));
    this.child.stdin?.on('error', () => undefined);
    this.#lines = createInterface({ input: this.child.stdout! })[Symbol.asyncIterator]();
  }

  /** Starts the program; resolves with the viewer and its first line. */
  static async start(
    command: string,
    args: readonly string[],
  ): Promise<{ readonly viewer: Viewer; readonly first: string }> {
    const viewer = new Viewer(command, args);
    return { viewer, first: await viewer.#next() };
  }

  async ask(line: string): Promise<string> {
    this.child.stdin?.write(`${line}\n`);
    return this.#next();
  }

  async end(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const closed = once(this.child, 'close');
    this.child.stdin?.end();
    this.child.kill('SIGKILL');
    await closed;
  }

  async #next(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error(`the viewer ended: ${this.#errors}`);
    return value;
  }
}

/** How the Python viewer reports an update; `body` and `memory` are SHA-256 digests. */
export interface SeenUpdate {
  /** Message type: 3 full, 4 partial. */
  readonly kind: number;
  readonly size: number;
  readonly body: string;
  readonly memory: string;
}
