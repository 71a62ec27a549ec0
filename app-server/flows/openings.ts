/**
 * Which client has which flow open: the table behind the handles that `flow.open` returns. An
 * opening also exists while its client still waits for the duplicator (the process that owns the
 * flow's file). Owned by `flows.ts`; read by statistics, flow control and messages. Reads /proc.
 */
import { randomInt } from 'node:crypto';
import type { OpenRequest } from '../../protocol/rpc/contract/shapes.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { userOfProcess } from '../../protocol/base/owner-identity.js';
import type { Client } from '../clients/clients.js';

/** Flows that one session may have open, those that it waits for included. */
const OPENINGS_PER_CLIENT_MAX = 256;

/** Leaves room below 2^31: handles travel as signed integers of 32 bits. */
const FIRST_HANDLE_MAX = 2 ** 30;

export interface Opening {
  readonly handle: number;
  readonly client: Client;
  /** Name of the flow. */
  readonly flow: string;
  readonly direction: OpenRequest['direction'];
  /**
   * The number with which the client identifies itself in the HELLO of its signal link (the
   * connection to the duplicator): this handle, or the handle that an earlier app server gave.
   */
  readonly link: number;
  /** The client has its answer; before, it waits for the duplicator. */
  established: boolean;
}

/** The opening whose client may have damaged the flow's file. */
function refusedError({ flow, client }: Opening): MirrorflowError {
  const { name, pid } = client.presentation;
  return new MirrorflowError(
    'REFUSED',
    `the file of flow ${flow} was damaged while client ${name} (process ${pid}) of another user could write to it; ` +
      'the file was replaced: open the flow again',
    { flow, client: name, reopen: true },
  );
}

export class Openings {
  readonly #byHandle = new Map<number, Opening>();
  /** Handles of providers that have to open their flow again. */
  readonly #refused = new Set<number>();
  /** Starts at random: signal links may carry handles of an earlier app server. */
  #lastHandle = randomInt(FIRST_HANDLE_MAX);

  /** Throws LIMIT_REACHED. */
  add(client: Client, { flow, direction, link }: OpenRequest): Opening {
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

  /** The opening of a handle; undefined for a handle of another client too. */
  find(client: Client, handle: number): Opening | undefined {
    const opening = this.#byHandle.get(handle);
    return opening?.client === client ? opening : undefined;
  }

  /** The opening of a consumer. Throws REFUSED when this client reads nothing by that handle. */
  consumer(client: Client, handle: number): Opening {
    const opening = this.find(client, handle);
    if (opening?.direction === 'input') return opening;
    throw new MirrorflowError(
      'REFUSED',
      `client ${client.presentation.name} has no flow open for reading under the handle ${handle}`,
      { handle },
    );
  }

  has(opening: Opening): boolean {
    return this.#byHandle.has(opening.handle);
  }

  remove(opening: Opening): void {
    this.#byHandle.delete(opening.handle);
    this.#refused.delete(opening.handle);
  }

  /**
   * The file of a flow was damaged: a provider of another user, which could write to it, has to
   * open the flow again. `own`: the user of this process.
   */
  refuseForeignProvider(flow: string, own: number | undefined): Opening | undefined {
    const opening = this.#providing(flow);
    if (opening === undefined || userOfProcess(opening.client.presentation.pid) === own) return undefined;
    this.#refused.add(opening.handle);
    return opening;
  }

  /** Whether the client has to close the opening and open the flow again. */
  mustReopen({ handle }: Opening): boolean {
    return this.#refused.has(handle);
  }

  /** Throws REFUSED for an opening that its client has to close and open again. */
  check(opening: Opening): void {
    if (this.mustReopen(opening)) throw refusedError(opening);
  }

  ofClient(client: Client): Opening[] {
    return [...this.#byHandle.values()].filter((opening) => opening.client === client);
  }

  ofFlow(flow: string): Opening[] {
    return [...this.#byHandle.values()].filter((opening) => opening.flow === flow);
  }

  /** The client that provides a flow; undefined when no client does. */
  provider(flow: string): Client | undefined {
    return this.#providing(flow)?.client;
  }

  /** Throws FLOW_BUSY with the client that provides the flow, unless it does so by `own`. */
  refuseSecondProvider(flow: string, own: Opening | undefined): void {
    const providing = this.#providing(flow);
    if (providing === undefined || providing === own) return;
    const { name, pid } = providing.client.presentation;
    throw new MirrorflowError(
      'FLOW_BUSY',
      `flow ${flow} has a provider already: client ${name} (process ${pid})`,
      { flow, client: name, pid },
    );
  }

  /** Number of consumers that have their answer. */
  establishedConsumers(flow: string): number {
    return this.ofFlow(flow).filter(({ direction, established }) => direction === 'input' && established)
      .length;
  }

  /** Number of clients, each counted once. */
  clientsOf(flow: string): number {
    return new Set(this.ofFlow(flow).map(({ client }) => client)).size;
  }

  #providing(flow: string): Opening | undefined {
    return this.ofFlow(flow).find(
      ({ direction, handle }) => direction === 'output' && !this.#refused.has(handle),
    );
  }
}
