/**
 * Creates the parts of an app server that do its work (clients, flows, other hosts, the gateway,
 * the recorder), connects them with each other, and joins their handlers to one table. Called once,
 * by `app-server.ts`; opens no socket and starts no process.
 */
import { isSiteAddress, parseSiteAddress } from '../protocol/nats/site-address.js';
import { SpareProcess } from '../protocol/host/process-kit/spare-process.js';
import { programPath } from '../protocol/base/installation.js';
import type { Clock } from '../protocol/base/clock.js';
import type { Logger } from '../protocol/base/log.js';
import type { MirrorflowContract } from '../protocol/rpc/contract/methods.js';
import type { Handlers } from '../protocol/rpc/xml-rpc/contract.js';
import { applicationCalls, type ServerCalls } from './calls/application-calls.js';
import { childCalls } from './calls/child-calls.js';
import { clientCalls } from './calls/client-calls.js';
import { flowCalls } from './calls/flow-calls.js';
import { hostCalls } from './calls/host-calls.js';
import { Messages } from './calls/messages.js';
import { SpectrumFits } from './calls/spectrum-fits.js';
import { StatisticsCollector } from './calls/statistics.js';
import { GatewayProcess } from './children/gateway-process.js';
import { Programs } from './children/programs.js';
import { RecorderProcess } from './children/recorder-process.js';
import type { CallOrigin } from './clients/call-origin.js';
import { Clients } from './clients/clients.js';
import { Deliveries } from './clients/deliveries.js';
import { FlowControl } from './flows/flow-control.js';
import { Flows } from './flows/flows.js';
import type { AppServerOptions } from './options.js';
import { FarSite } from './remote/far-site.js';
import { RemoteFlows } from './remote/remote-flows.js';
import { RemoteHosts, type Relay } from './remote/remote-hosts.js';

/** `off`: no duplicator waits for its flow. */
const SPARE_VARIABLE = 'MIRRORFLOW_SPARE';

export interface ServicesSetup {
  readonly options: AppServerOptions;
  readonly clock: Clock;
  readonly log: Logger;
  /** Absolute path of the duplicator program. Default: the program of this installation. */
  readonly duplicatorScript?: string;
}

/** What the app server starts and stops, and the handlers of all methods. */
export interface Services {
  readonly clients: Clients;
  readonly flows: Flows;
  readonly flowControl: FlowControl;
  readonly remoteFlows: RemoteFlows;
  readonly gateway: GatewayProcess;
  readonly recorder: RecorderProcess;
  readonly fits: SpectrumFits;
  /** A duplicator that waits for its flow; undefined when none shall. */
  readonly spare: SpareProcess | undefined;
  readonly handlers: Partial<Handlers<MirrorflowContract, CallOrigin>>;
}

/** `relay` carries calls to the app servers of other hosts. */
export function createServices(setup: ServicesSetup, relay: Relay, server: ServerCalls): Services {
  const { options, clock, log } = setup;
  const { application, directory } = options;
  const deliveries = new Deliveries(clock);
  const spare = spareDuplicator(setup);
  const flows = new Flows({
    server: options,
    duplicatorScript: () => setup.duplicatorScript ?? programPath('duplicator'),
    spare,
    clock,
    log,
    onClosed: (opening) => flowControl.closed(opening),
    onReport: (flow, report) => remoteFlows.reported(flow, report),
  });
  const clients = new Clients(clock, (client, reason) => {
    log.info('the session of a client has ended', { client: client.presentation.name, why: reason });
    flows.release(client);
  });
  const hosts = new RemoteHosts(relay);
  const { via } = application;
  const from =
    via !== undefined && isSiteAddress(via)
      ? new FarSite(parseSiteAddress(via), options.directory, application.name)
      : via;
  const remoteFlows = new RemoteFlows({ via: from, flows, hosts, clock, log });
  const flowControl = new FlowControl({
    deliveries,
    providerOf: (flow) => flows.openings.provider(flow),
    deliverElsewhere: (flow, delivery, hops) => remoteFlows.deliverToProvider(flow, delivery, hops),
    log,
  });
  const programs = new Programs({
    application: application.name,
    directory,
    registered: application.programs ?? {},
    log,
  });
  const gateway = new GatewayProcess(options, clock, log);
  const recorder = new RecorderProcess(options, clock, log);
  const messages = new Messages(clients, deliveries, flows, hosts);
  const statistics = new StatisticsCollector({
    application: application.name,
    clients,
    flows,
    programs: () => programs.list(),
    clock,
  });
  const fits = new SpectrumFits({
    source: application.source,
    fileOf: async (flow) => (await flows.ready(flow)).file,
    clock,
  });
  const handlers = {
    ...applicationCalls(server, statistics, programs, hosts, fits),
    ...clientCalls(application, clients, flows.openings, deliveries, messages, statistics),
    ...flowCalls(clients, flows, flowControl, hosts, remoteFlows),
    ...childCalls(flows.duplicators, flowControl, gateway, recorder),
    ...hostCalls(hosts, remoteFlows, flowControl, messages, statistics, programs),
  };
  return { clients, flows, flowControl, remoteFlows, gateway, recorder, fits, spare, handlers };
}

function spareDuplicator(setup: ServicesSetup): SpareProcess | undefined {
  const { options, duplicatorScript, clock, log } = setup;
  if (duplicatorScript !== undefined || process.env[SPARE_VARIABLE] === 'off') return undefined;
  const { application, directory, flowDirectory } = options;
  const label = `a flow of ${application.name}, in ${directory} and ${flowDirectory}`;
  return new SpareProcess({ script: programPath('duplicator'), label, clock, log });
}
