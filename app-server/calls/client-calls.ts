/**
 * Handlers of the XML-RPC methods `client.*`: a program presents itself, leaves, is listed, and
 * sends and polls messages. Part of the handler table that `services.ts` puts together; touches
 * nothing but the objects that it is given.
 */
import { PROTOCOL_VERSION } from '../../protocol/base/version.js';
import type { MirrorflowContract } from '../../protocol/rpc/contract/methods.js';
import type { ApplicationOptions, ClientInfo } from '../../protocol/rpc/contract/shapes.js';
import type { Handlers } from '../../protocol/rpc/xml-rpc/contract.js';
import { refuseClosed, requirePermanent, type CallOrigin } from '../clients/call-origin.js';
import type { Client, Clients } from '../clients/clients.js';
import type { Deliveries } from '../clients/deliveries.js';
import type { Openings } from '../flows/openings.js';
import type { Messages } from './messages.js';
import type { StatisticsCollector } from './statistics.js';

/** Deliveries that one client.poll takes when it states no maximum. */
const POLL_DEFAULT = 100;

export function clientCalls(
  { name, source }: ApplicationOptions,
  clients: Clients,
  openings: Openings,
  deliveries: Deliveries,
  messages: Messages,
  statistics: StatisticsCollector,
): Partial<Handlers<MirrorflowContract, CallOrigin>> {
  return {
    'client.present': ([presentation], { session }) => {
      refuseClosed(session);
      return {
        session: clients.present(presentation, session).session,
        application: name,
        protocol: PROTOCOL_VERSION,
        ...(source === undefined ? {} : { source }),
      };
    },
    'client.leave': ([session]) => {
      clients.leave(session);
      return true;
    },
    'client.list': () => clients.list().map((client) => infoOf(client, openings)),
    'client.statistics': ([client]) => statistics.client(client),
    'client.request': ([client]) => messages.requestQuit(client),
    'client.send': ([session, to, message]) => messages.send(clients.calling(session), to, message),
    'client.receive': ([session, when], origin) => {
      const connection = requirePermanent(origin);
      if (when === 'soon') deliveries.expectReceiver(clients.calling(session));
      else deliveries.receiveOn(clients.calling(session), connection);
      return true;
    },
    'client.poll': ([session, max]) => deliveries.poll(clients.calling(session), max ?? POLL_DEFAULT),
  };
}

function infoOf(client: Client, openings: Openings): ClientInfo {
  const { name, program, pid } = client.presentation;
  return {
    name,
    program,
    pid,
    connected: client.connection !== undefined,
    since: client.since,
    flows: openings.ofClient(client).map(({ flow, direction }) => ({ flow, direction })),
  };
}
