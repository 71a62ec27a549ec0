/**
 * Messages from client to clients: who is meant, on this host and on the others, and how many got
 * it.
 */
import type { Delivery, MessageOnWire, MessageTarget } from '../../protocol/rpc/contract/deliveries.js';
import { isMirrorflowError, MirrorflowError } from '../../protocol/base/errors.js';
import type { Client, Clients } from './clients.js';
import type { Deliveries } from './deliveries.js';
import type { Flows } from '../flows/flows.js';
import type { RemoteHosts } from '../remote/remote-hosts.js';

export interface MessageDependencies {
  readonly clients: Clients;
  readonly flows: Flows;
  readonly deliveries: Deliveries;
  readonly hosts: RemoteHosts;
}

/**
 * Resolves with how many have it. Rejects with UNKNOWN_CLIENT or UNKNOWN_FLOW when nobody is meant,
 * and when everybody who is meant could not take it, with the first one's reason.
 */
export async function sendMessage(
  surroundings: MessageDependencies,
  sender: Client,
  to: MessageTarget,
  message: MessageOnWire,
): Promise<number> {
  checkTarget(to);
  const { name } = sender.presentation;
  const delivery = { kind: 'message', from: name, message } as const;
  const { hosts, flows } = surroundings;
  const isHere = to.provider !== undefined && flows.here(to.provider)?.provider !== undefined;
  return countEverywhere(
    countDelivered(surroundings, () => targetsOf(surroundings, to, sender), delivery),
    isHere ? [] : hosts.all('remote.send', [name, to, message]),
    to.application === true,
  );
}

/** What a client on another host sends, for those on this one. */
export async function deliverHere(
  surroundings: MessageDependencies,
  delivery: Delivery,
  to: MessageTarget,
): Promise<number> {
  checkTarget(to);
  return countDelivered(surroundings, () => targetsOf(surroundings, to), delivery);
}

/**
 * Asks every client of a name to quit, on all hosts; resolves with how many were asked. Rejects as
 * `sendMessage`.
 */
export async function requestQuit(surroundings: MessageDependencies, name: string): Promise<number> {
  const elsewhere = surroundings.hosts.all('remote.request', [name, 'quit']);
  return countEverywhere(requestHere(surroundings, name), elsewhere, false);
}

export async function requestHere(surroundings: MessageDependencies, name: string): Promise<number> {
  return countDelivered(surroundings, () => surroundings.clients.named(name), { kind: 'quit' });
}

/** Nobody here is a failure only when there is nobody elsewhere either. */
async function countEverywhere(
  here: Promise<number>,
  elsewhere: Promise<readonly { readonly result: number }[]> | [],
  nobodyIsRight: boolean,
): Promise<number> {
  const [own, others] = await Promise.all([settled(here), elsewhere]);
  const count = others.reduce((sum, { result }) => sum + result, 0);
  if (own instanceof Error) {
    if (count === 0 && !nobodyIsRight) throw own;
    return count;
  }
  return own + count;
}

/** A failure as a value: the answers of the others are awaited, too. */
async function settled(count: Promise<number>): Promise<number | Error> {
  try {
    return await count;
  } catch (error) {
    return isMirrorflowError(error) ? error : new MirrorflowError('SYSTEM_ERROR', String(error), {}, error);
  }
}

async function countDelivered(
  { deliveries }: MessageDependencies,
  targets: () => Client[],
  delivery: Delivery,
): Promise<number> {
  const attempts = targets().map((client) => deliveries.deliver(client, delivery));
  const outcomes = await Promise.allSettled(attempts);
  const failed = outcomes.filter((outcome) => outcome.status === 'rejected');
  const first = failed[0];
  if (first !== undefined && failed.length === outcomes.length) throw first.reason;
  return outcomes.length - failed.length;
}

function checkTarget({ client, application, provider }: MessageTarget): void {
  const stated = [client, application, provider].filter((member) => member !== undefined).length;
  if (stated === 1 && application !== false) return;
  throw new MirrorflowError(
    'INVALID_PARAMETERS',
    'a message goes to exactly one of { client: NAME }, { application: true } and { provider: FLOW }',
  );
}

function targetsOf({ clients, flows }: MessageDependencies, to: MessageTarget, sender?: Client): Client[] {
  const { client, provider } = to;
  if (client !== undefined) return clients.named(client);
  if (provider === undefined) return clients.list().filter((other) => other !== sender);
  const providing = flows.providerOf(flows.inquire(provider).flow);
  if (providing !== undefined) return [providing];
  throw new MirrorflowError('UNKNOWN_CLIENT', `flow ${provider} has no provider now`, { flow: provider });
}
