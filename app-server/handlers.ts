/**
 * What the app server answers: each method of the contract that it serves, led to the part that
 * knows.
 */
import type { CONTRACT, MirrorflowContract } from '../protocol/rpc/contract/methods.js';
import type { ApplicationStatistics, NetworkStatus } from '../protocol/rpc/contract/figures.js';
import { PROTOCOL_VERSION } from '../protocol/base/version.js';
import type { ClientInfo, OpenedFlow, OpenRequest } from '../protocol/rpc/contract/shapes.js';
import { MirrorflowError } from '../protocol/base/errors.js';
import type { Handlers, ResultOf } from '../protocol/rpc/xml-rpc/contract.js';
import type { RpcSession } from '../protocol/rpc/xml-rpc/session.js';
import type { Client, Clients } from './clients/clients.js';
import type { StatisticsCollector } from './statistics.js';
import type { Deliveries } from './clients/deliveries.js';
import type { FlowControl } from './clients/flow-control.js';
import type { Flows } from './flows/flows.js';
import type { GatewayProcess } from './children/gateway-process.js';
import { requestQuit, sendMessage } from './clients/messages.js';
import type { Programs } from './children/programs.js';
import { remoteHandlersOf } from './remote/remote-handlers.js';
import type { RemoteFlows } from './remote/remote-flows.js';
import type { RemoteHosts } from './remote/remote-hosts.js';

/** Deliveries that one poll takes when it does not say. */
const POLL_DEFAULT = 100;

/** Where a call comes from: a permanent connection, or undefined for HTTP. */
export interface CallOrigin {
  readonly session: RpcSession<CallOrigin> | undefined;
  /** It is the connection to the host server, over which other hosts call, too. */
  readonly fromHost?: boolean;
}

/**
 * Throws NOT_PERMITTED for what only the host server may call: it vouches for the host that it puts
 * in front.
 */
export function authorizeOrigin(method: string, { fromHost }: CallOrigin): void {
  if (fromHost === true || (!method.startsWith('remote.') && method !== 'app.hosts')) return;
  throw new MirrorflowError('NOT_PERMITTED', `${method} is for the host server only`, { method });
}

/** What the handlers need of the server around them. */
export interface Served {
  readonly clients: Clients;
  readonly flows: Flows;
  readonly gateway: GatewayProcess;
  readonly deliveries: Deliveries;
  readonly flowControl: FlowControl;
  readonly collection: StatisticsCollector;
  readonly programs: Programs;
  readonly hosts: RemoteHosts;
  readonly remoteFlows: RemoteFlows;
  readonly application: string;
  readonly source: string | undefined;
  readonly info: () => ResultOf<(typeof CONTRACT)['app.info']>;
  /** Begins the end of the server and returns at once. */
  readonly quit: () => void;
}

export function handlersOf(served: Served): Partial<Handlers<MirrorflowContract, CallOrigin>> {
  const { clients, flows, gateway, deliveries, flowControl, collection, programs, hosts } = served;
  const { application, source } = served;
  return {
    'app.info': () => served.info(),
    'app.quit': () => {
      served.quit();
      return true;
    },
    'app.statistics': ([everywhere]) => statisticsOf(served, everywhere ?? false),
    'app.network': ([everywhere]) => networkOf(served, everywhere ?? false),
    'app.programs': () => programs.list(),
    'app.run': ([program, host]) => {
      if (host === undefined || host === hosts.own) return programs.run(program);
      return hosts.call(host, 'remote.run', [program]);
    },
    ...remoteHandlersOf(served),
    'client.present': ([presentation], { session }) => {
      refuseClosed(session);
      return {
        session: clients.present(presentation, session).session,
        application,
        protocol: PROTOCOL_VERSION,
        ...(source === undefined ? {} : { source }),
      };
    },
    'client.leave': ([session]) => {
      clients.leave(session);
      return true;
    },
    'client.list': () => clients.list().map((client) => infoOf(client, flows)),
    'client.statistics': ([client]) => collection.client(client),
    'client.request': ([client]) => requestQuit(served, client),
    'client.send': ([session, to, message]) => sendMessage(served, clients.calling(session), to, message),
    'client.poll': ([session, max]) => deliveries.poll(clients.calling(session), max ?? POLL_DEFAULT),
    'flow.list': () => flows.list(),
    'flow.inquire': ([flow]) => flows.inquire(flow),
    'flow.open': ([session, request]) => openFlow(served, session, request),
    'flow.close': ([session, handle]) => flows.close(clients.calling(session), handle),
    'flow.control': ([session, handle, mark]) =>
      flowControl.reached(flows.consumerOpening(clients.calling(session), handle), mark),
    'flow.marks': async ([flow]) => {
      const here = flowControl.marks(flows.inquire(flow).flow);
      return [...here, ...(await hosts.all('remote.marks', [flow])).flatMap(({ result }) => result)];
    },
    'flow.statistics': ([flow]) => flows.statistics(flow),
    'duplicator.subscribe': ([ready], { session }) => flows.duplicators.subscribe(ready, permanent(session)),
    'duplicator.report': ([report], { session }) => flows.duplicators.report(report, permanent(session)),
    'duplicator.demoted': ([link], { session }) => {
      const opening = flows.duplicators.consumerOfLink(permanent(session), link);
      if (opening !== undefined) flowControl.demoted(opening);
      return opening !== undefined;
    },
    'duplicator.release': (_params, { session }) => flows.duplicators.mayEnd(permanent(session)),
    'gateway.subscribe': ([ready], { session }) => gateway.subscribe(ready, permanent(session)),
    'child.failed': ([failure]) => flows.duplicators.startFailed(failure) || gateway.startFailed(failure),
  };
}

async function openFlow(
  { clients, flows, remoteFlows }: Served,
  session: string,
  request: OpenRequest,
): Promise<OpenedFlow> {
  const { name } = clients.calling(session).presentation;
  const prepared = await remoteFlows.prepare(name, request);
  let opened = false;
  try {
    // The session may have ended meanwhile, and nobody would release what it opens.
    const answer = await flows.open(clients.calling(session), request);
    opened = true;
    return answer;
  } finally {
    prepared(opened);
  }
}

async function statisticsOf(
  { collection, hosts }: Served,
  everywhere: boolean,
): Promise<ApplicationStatistics> {
  const [here, answers] = await Promise.all([
    collection.application(),
    everywhere ? hosts.all('remote.statistics', []) : undefined,
  ]);
  if (answers === undefined) return here;
  return { ...here, elsewhere: answers.map(({ host, result }) => Object.assign(result, { host })) };
}

async function networkOf({ collection, hosts }: Served, everywhere: boolean): Promise<NetworkStatus> {
  const [here, answers] = await Promise.all([
    collection.network(),
    everywhere ? hosts.all('remote.network', []) : undefined,
  ]);
  if (answers === undefined) return here;
  return { ...here, elsewhere: answers.map(({ host, result }) => Object.assign(result, { host })) };
}

function infoOf(client: Client, flows: Flows): ClientInfo {
  const { name, program, pid } = client.presentation;
  return {
    name,
    program,
    pid,
    connected: client.connection !== undefined,
    since: client.since,
    flows: flows.openingsOf(client).map(({ flow, direction }) => ({ flow, direction })),
  };
}

/**
 * A call may have been read in the same moment in which its connection ended; nobody would release
 * what it opens.
 */
function refuseClosed(session: RpcSession<CallOrigin> | undefined): void {
  if (session !== undefined && session.state !== 'open') {
    throw new MirrorflowError('CLOSED', 'the connection has ended');
  }
}

function permanent(session: RpcSession<CallOrigin> | undefined): RpcSession<CallOrigin> {
  if (session === undefined) {
    throw new MirrorflowError(
      'REFUSED',
      'this is for duplicators on a permanent connection, and not over HTTP',
    );
  }
  refuseClosed(session);
  return session;
}
