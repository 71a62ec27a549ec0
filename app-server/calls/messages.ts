/**
 * Messages from one client to others: resolves the target (a client name, the whole application,
 * the provider of a flow) on this host and on the others, delivers, and lists who has the message
 * and who has not. Called by `client-calls.ts` and `host-calls.ts`; delivers through
 * `clients/deliveries.ts` and the app servers of other hosts.
 */
import type {
  Delivery,
  MessageOnWire,
  MessageTarget,
  SendResult,
} from '../../protocol/rpc/contract/deliveries.js';
import {
  describeError,
  ERROR_CODES,
  isMirrorflowError,
  MirrorflowError,
  type ErrorCode,
} from '../../protocol/base/errors.js';
import type { Client, Clients } from '../clients/clients.js';
import type { Deliveries } from '../clients/deliveries.js';
import type { Flows } from '../flows/flows.js';
import type { RemoteHosts } from '../remote/remote-hosts.js';

/** Answers of a host that has no such receiver. */
const NOT_THERE: ReadonlySet<string> = new Set(['UNKNOWN_CLIENT', 'UNKNOWN_FLOW', 'NOT_RUNNING']);

/** The deliveries on one host, and the error that stopped the first failed one. */
interface Outcome extends SendResult {
  readonly error?: MirrorflowError;
}

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
   * Sends to the targets on all hosts; resolves with the clients that have queued the message and
   * those that have not. Rejects with UNKNOWN_CLIENT or UNKNOWN_FLOW without a target, and when no
   * client of a name, or not the provider, could take the message, with the first reason.
   */
  async send(sender: Client, to: MessageTarget, message: MessageOnWire): Promise<SendResult> {
    checkTarget(to);
    const { name } = sender.presentation;
    const delivery = { kind: 'message', from: name, message } as const;
    const isHere = to.provider !== undefined && this.#flows.openings.provider(to.provider) !== undefined;
    const [here, ...elsewhere] = await Promise.all([
      this.#deliverHere(() => this.#targetsOf(to, sender), delivery),
      ...(isHere ? [] : this.#hosts.names.map((host) => this.#sendTo(host, name, to, message))),
    ]);
    const received = [here, ...elsewhere].flatMap((outcome) => outcome.received);
    const missed = [here, ...elsewhere].flatMap((outcome) => outcome.missed);
    if (received.length === 0 && to.application !== true) {
      const error = [...elsewhere, here].find((outcome) => outcome.error !== undefined)?.error;
      if (error !== undefined) throw error;
    }
    return { received, missed };
  }

  /**
   * Delivers what a client on another host sends to the targets on this host. Rejects without a
   * target, as `send`.
   */
  async deliver(delivery: Delivery, to: MessageTarget): Promise<SendResult> {
    checkTarget(to);
    return this.#deliverTo(this.#targetsOf(to), delivery);
  }

  /**
   * Requests every client of a name on all hosts to quit; resolves with the number of requests.
   * Rejects as `send`.
   */
  async requestQuit(name: string): Promise<number> {
    const [here, elsewhere] = await Promise.all([
      this.#deliverHere(() => this.#clients.named(name), { kind: 'quit' }),
      this.#hosts.all('remote.request', [name, 'quit']),
    ]);
    const count = elsewhere.reduce((sum, { result }) => sum + result, here.received.length);
    if (here.error !== undefined && count === 0) throw here.error;
    return count;
  }

  /** As requestQuit, for the clients of this host. */
  async requestQuitHere(name: string): Promise<number> {
    const { received, error } = await this.#deliverHere(() => this.#clients.named(name), { kind: 'quit' });
    if (error !== undefined && received.length === 0) throw error;
    return received.length;
  }

  /** Never rejects: without a target the outcome is its error alone. */
  async #deliverHere(targets: () => Client[], delivery: Delivery): Promise<Outcome> {
    try {
      return await this.#deliverTo(targets(), delivery);
    } catch (error) {
      return { received: [], missed: [], error: asError(error) };
    }
  }

  async #deliverTo(targets: readonly Client[], delivery: Delivery): Promise<Outcome> {
    const errors = await Promise.all(
      targets.map((client) => this.#deliveries.deliver(client, delivery).then(() => undefined, asError)),
    );
    const received: SendResult['received'] = [];
    const missed: SendResult['missed'] = [];
    for (const [index, { presentation }] of targets.entries()) {
      const client = presentation.name;
      const error = errors[index];
      if (error === undefined) received.push({ client });
      else missed.push({ client, code: error.code, message: error.message });
    }
    const error = errors.find((failure) => failure !== undefined);
    return { received, missed, ...(error === undefined ? {} : { error }) };
  }

  /** Never rejects: a host that does not answer is a member of `missed` without a client. */
  async #sendTo(host: string, sender: string, to: MessageTarget, message: MessageOnWire): Promise<Outcome> {
    try {
      const { received, missed } = await this.#hosts.ask(host, 'remote.send', [sender, to, message]);
      const first = missed[0];
      return {
        received: received.map(({ client }) => ({ client, host })),
        missed: missed.map((recipient) => Object.assign(recipient, { host })),
        ...(first === undefined ? {} : { error: errorOf(first) }),
      };
    } catch (thrown) {
      const { code, message: text } = asError(thrown);
      return { received: [], missed: NOT_THERE.has(code) ? [] : [{ host, code, message: text }] };
    }
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

/** The error of a client on another host, with its code where this version has it. */
function errorOf({ code, message }: SendResult['missed'][number]): MirrorflowError {
  return new MirrorflowError(
    Object.hasOwn(ERROR_CODES, code) ? (code as ErrorCode) : 'APPLICATION_ERROR',
    message,
  );
}

function asError(error: unknown): MirrorflowError {
  return isMirrorflowError(error)
    ? error
    : new MirrorflowError('SYSTEM_ERROR', describeError(error), {}, error);
}
