/** Messages from client to clients: who is meant, and how many got it. */
import type { MessageOnWire, MessageTarget } from '../protocol/contract/deliveries.js';
import { MirrorflowError } from '../protocol/errors.js';
import type { Client, Clients } from './clients.js';
import type { Deliveries } from './deliveries.js';
import type { Flows } from './flows.js';

export interface MessageSurroundings {
  readonly clients: Clients;
  readonly flows: Flows;
  readonly deliveries: Deliveries;
}

/**
 * Resolves with how many have it. Rejects with UNKNOWN_CLIENT or UNKNOWN_FLOW when nobody is meant, and when everybody who is meant
 * could not take it, with the first one's reason.
 */
export async function sendMessage(
  surroundings: MessageSurroundings,
  sender: Client,
  to: MessageTarget,
  message: MessageOnWire,
): Promise<number> {
  const targets = targetsOf(surroundings, sender, to);
  const delivery = { kind: 'message', from: sender.presentation.name, message } as const;
  return countDelivered(targets.map((client) => surroundings.deliveries.deliver(client, delivery)));
}

/** Asks every client of a name to quit; resolves with how many were asked. Rejects as `sendMessage`. */
export async function requestQuit(
  { clients, deliveries }: MessageSurroundings,
  name: string,
): Promise<number> {
  return countDelivered(clients.named(name).map((client) => deliveries.deliver(client, { kind: 'quit' })));
}

async function countDelivered(attempts: Promise<void>[]): Promise<number> {
  const outcomes = await Promise.allSettled(attempts);
  const failed = outcomes.filter((outcome) => outcome.status === 'rejected');
  const first = failed[0];
  if (first !== undefined && failed.length === outcomes.length) throw first.reason;
  return outcomes.length - failed.length;
}

function targetsOf({ clients, flows }: MessageSurroundings, sender: Client, to: MessageTarget): Client[] {
  const { client, application, provider } = to;
  const stated = [client, application, provider].filter((member) => member !== undefined).length;
  if (stated !== 1 || application === false) {
    throw new MirrorflowError(
      'INVALID_PARAMETERS',
      'a message goes to exactly one of { client: NAME }, { application: true } and { provider: FLOW }',
    );
  }
  if (client !== undefined) return clients.named(client);
  if (provider === undefined) return clients.list().filter((other) => other !== sender);
  const providing = flows.providerOf(flows.inquire(provider).flow);
  if (providing !== undefined) return [providing];
  throw new MirrorflowError('UNKNOWN_CLIENT', `flow ${provider} has no provider now`, { flow: provider });
}
