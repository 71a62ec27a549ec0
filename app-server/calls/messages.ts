/**
 * Messages from one client to others: resolves the target (a client name, the whole application,
 * the provider of a flow) on this host and on the others, delivers, and counts the deliveries.
 * Called by `client-calls.ts` and `host-calls.ts`; delivers through `clients/deliveries.ts` and the
 * app servers of other hosts.
 */
import type { Delivery, MessageOnWire, MessageTarget } from '../../protocol/rpc/contract/deliveries.js';
import { isMirrorflowError, MirrorflowError } from '../../protocol/base/errors.js';
import type { Client, Clients } from '../clients/clients.js';
import type { Deliveries } from '../clients/deliveries.js';
import type { Flows } from '../flows/flows.js';
import type { RemoteHosts } from '../remote/remote-hosts.js';

export class Messages {
  readonly #clients: Clients;
  readonly #deliveries: Deliveries;
  readonly #flows: Flows;
  readonly #hosts: RemoteHosts;

  constructor(clients: Clients, deliveries: Deliveries, flows: Flows, hosts: RemoteHosts) {
    this.#clients = clients;
    this.#deliveries = deliveries;
    this.#flows = flows;
    this.#hosts = hosts;
  }

  /**
   * Sends to the targets on all hosts; resolves with the number of clients that have the message.
   * Rejects with UNKNOWN_CLIENT or UNKNOWN_FLOW without a target, and when no target could take the
   * message, with the first reason.
   */
  async send(sender: Client, to: MessageTarget, message: MessageOnWire): Promise<number> {
    checkTarget(to);
    const { name } = sender.presentation;
    const delivery = { kind: 'message', from: name, message } as const;
    const isHere = to.provider !== undefined && this.#flows.openings.provider(to.provider) !== undefined;
    return addCounts(
      this.#deliverTo(() => this.#targetsOf(to, sender), delivery),
      isHere ? [] : this.#hosts.all('remote.send', [name, to, message]),
      to.application === true,
    );
  }

  /**
   * Delivers what a client on another host sends to the targets on this host. Rejects as `send`.
   */
  async deliver(delivery: Delivery, to: MessageTarget): Promise<number> {
    checkTarget(to);
    return this.#deliverTo(() => this.#targetsOf(to), delivery);
  }

  /**
   * Requests every client of a name on all hosts to quit; resolves with the number of requests.
   * Rejects as `send`.
   */
  async requestQuit(name: string): Promise<number> {
    const elsewhere = this.#hosts.all('remote.request', [name, 'quit']);
    return addCounts(this.requestQuitHere(name), elsewhere, false);
  }

  /** As requestQuit, for the clients of this host. */
  async requestQuitHere(name: string): Promise<number> {
    return this.#deliverTo(() => this.#clients.named(name), { kind: 'quit' });
  }

  async #deliverTo(targets: () => Client[], delivery: Delivery): Promise<number> {
    const deliveries = targets().map((client) => this.#deliveries.deliver(client, delivery));
    const outcomes = await Promise.allSettled(deliveries);
    const failed = outcomes.filter((outcome) => outcome.status === 'rejected');
    const first = failed[0];
    if (first !== undefined && failed.length === outcomes.length) throw first.reason;
    return outcomes.length - failed.length;
  }

  #targetsOf({ client, provider }: MessageTarget, sender?: Client): Client[] {
    if (client !== undefined) return this.#clients.named(client);
    if (provider === undefined) return this.#clients.list().filter((other) => other !== sender);
    const providing = this.#flows.openings.provider(this.#flows.table.find(provider).name);
    if (providing !== undefined) return [providing];
    throw new MirrorflowError('UNKNOWN_CLIENT', `flow ${provider} has no provider now`, { flow: provider });
  }
}

/** Throws INVALID_PARAMETERS. */
function checkTarget({ client, application, provider }: MessageTarget): void {
  const stated = [client, application, provider].filter((member) => member !== undefined).length;
  if (stated === 1 && application !== false) return;
  throw new MirrorflowError(
    'INVALID_PARAMETERS',
    'a message goes to exactly one of { client: NAME }, { application: true } and { provider: FLOW }',
  );
}

/**
 * The sum of the counts. A failure on this host rejects only when no other host delivered anything
 * either, and never with `noneIsValid`.
 */
async function addCounts(
  here: Promise<number>,
  elsewhere: Promise<readonly { readonly result: number }[]> | [],
  noneIsValid: boolean,
): Promise<number> {
  const [own, others] = await Promise.all([settled(here), elsewhere]);
  const count = others.reduce((sum, { result }) => sum + result, 0);
  if (own instanceof Error) {
    if (count === 0 && !noneIsValid) throw own;
    return count;
  }
  return own + count;
}

/** A failure as a value, so that the answers of the other hosts are collected too. */
async function settled(count: Promise<number>): Promise<number | Error> {
  try {
    return await count;
  } catch (error) {
    return isMirrorflowError(error) ? error : new MirrorflowError('SYSTEM_ERROR', String(error), {}, error);
  }
}
