/** Who has which flow open: the table behind the handles of flow.open. Pure. */
import { randomInt } from 'node:crypto';
import type { OpenRequest } from '../../protocol/rpc/contract/shapes.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import type { Client } from '../clients/clients.js';

/** Flows that one session may have open, those that it waits for included. */
const OPENINGS_PER_CLIENT_MAX = 256;

/** So that all handles are ints of 32 bits. */
const FIRST_HANDLE_MAX = 2 ** 30;

export interface Opening {
  readonly handle: number;
  readonly client: Client;
  readonly flow: string;
  readonly direction: OpenRequest['direction'];
  /**
   * What the client says in the HELLO of its signal link: its handle, or that of an earlier app
   * server.
   */
  readonly link: number;
  /** The client has its answer; before, it waits for the duplicator. */
  established: boolean;
}

export class Openings {
  readonly #byHandle = new Map<number, Opening>();
  /**
   * Begins anywhere: links may carry handles of an earlier app server, and should not meet these.
   */
  #lastHandle = randomInt(FIRST_HANDLE_MAX);

  /** Throws LIMIT_REACHED. */
  add(client: Client, flow: string, direction: Opening['direction'], link?: number): Opening {
    if (this.ofClient(client).length >= OPENINGS_PER_CLIENT_MAX) {
      throw new MirrorflowError(
        'LIMIT_REACHED',
        `client ${client.presentation.name} has ${OPENINGS_PER_CLIENT_MAX} flows open; close some`,
        { openings: OPENINGS_PER_CLIENT_MAX },
      );
    }
    this.#lastHandle += 1;
    const handle = this.#lastHandle;
    const opening: Opening = { handle, client, flow, direction, link: link ?? handle, established: false };
    this.#byHandle.set(opening.handle, opening);
    return opening;
  }

  /**
   * The opening behind a handle, if it is this client's; another's handle is as unknown as none.
   */
  find(client: Client, handle: number): Opening | undefined {
    const opening = this.#byHandle.get(handle);
    return opening?.client === client ? opening : undefined;
  }

  has(opening: Opening): boolean {
    return this.#byHandle.has(opening.handle);
  }

  remove(opening: Opening): void {
    this.#byHandle.delete(opening.handle);
  }

  ofClient(client: Client): Opening[] {
    return [...this.#byHandle.values()].filter((opening) => opening.client === client);
  }

  ofFlow(flow: string): Opening[] {
    return [...this.#byHandle.values()].filter((opening) => opening.flow === flow);
  }

  provider(flow: string): Opening | undefined {
    return this.ofFlow(flow).find(({ direction }) => direction === 'output');
  }

  /** Throws FLOW_BUSY, naming the client that provides the flow, unless it does so by `own`. */
  refuseSecondProvider(flow: string, own: Opening | undefined): void {
    const provider = this.provider(flow);
    if (provider === undefined || provider === own) return;
    const { name, pid } = provider.client.presentation;
    throw new MirrorflowError(
      'FLOW_BUSY',
      `flow ${flow} has a provider already: client ${name} (process ${pid})`,
      { flow, client: name, pid },
    );
  }

  /** Those that read the flow and were answered. */
  consumers(flow: string): number {
    return this.ofFlow(flow).filter(({ direction, established }) => direction === 'input' && established)
      .length;
  }

  /** Clients, each counted once. */
  clientsOf(flow: string): number {
    return new Set(this.ofFlow(flow).map(({ client }) => client)).size;
  }
}
