/**
 * The XML-RPC contract: every method of every server, with its parameters, result and documentation, in one place.
 * Servers serve the part of it they have handlers for; `docs/xml-rpc.md` is generated from it.
 */
import { defineContract, method, optionalParam, param } from '../xml-rpc/contract.js';
import {
  any,
  arrayOf,
  boolean,
  date,
  int,
  name,
  oneOf,
  optional,
  string,
  struct,
} from '../xml-rpc/schema.js';
import {
  flowElsewhere,
  hostIntroduction,
  hostOfApplication,
  hostOnNetwork,
  relayedCall,
  RELAYED_METHODS,
  servedElsewhere,
} from './hosts.js';
import { consumerMark, delivery, flowMark, message, messageTarget } from './deliveries.js';
import {
  applicationStatistics,
  clientReport,
  clientStatistics,
  duplicatorFigures,
  networkStatus,
  programInfo,
} from './figures.js';
import {
  address,
  appServerReady,
  applicationInfo,
  applicationOptions,
  clientInfo,
  duplicatorReady,
  duplicatorReport,
  flowInfo,
  gatewayInfo,
  gatewayReady,
  openRequest,
  openedFlow,
  presentation,
  serveRequest,
  served,
  session,
  startFailure,
  statistics,
} from './shapes.js';

const application = param('name', name('application'), 'the application');
const flow = param('flow', name('flow'), 'the flow');
const done = boolean();
const from = param('from', name('host'), 'the calling host, which the host servers put in front');
const hops = param('hops', int({ min: 0, max: 8 }), 'over how many further hosts it may go');

export const CONTRACT = defineContract({
  'host.info': method({
    doc: 'What this host server is and where it works.',
    params: [],
    returns: struct({
      version: string(),
      protocol: int(),
      pid: int(),
      host: string(),
      directory: string(),
      flowDirectory: string(),
      port: int(),
      web: optional(string({ maxCharacters: 512, doc: 'address of the web viewer' })),
      startedAt: date(),
    }),
  }),
  'host.applications': method({
    doc: 'Application discovery: the applications this host knows, running or not.',
    params: [],
    returns: arrayOf(applicationInfo),
  }),
  'host.run': method({
    doc:
      'Application server run: starts the app server of an application and answers when it is ready. A running application with the same ' +
      'options is answered at once; with a name only, options come from the configuration or from its last run.',
    params: [
      param('options', applicationOptions, 'the application'),
      optionalParam('host', name('host'), 'the host to start it on; this one when left out'),
    ],
    returns: applicationInfo,
  }),
  'host.stop': method({
    doc: 'Stops an application: its app server and its duplicators. Answers when they have ended.',
    params: [application, optionalParam('host', name('host'), 'the host it runs on; this one when left out')],
    returns: applicationInfo,
  }),
  'host.restart': method({
    doc:
      'Starts an application anew with the options it has, changed by those that are stated; one that does not run is started. ' +
      'Its flows end and begin again.',
    params: [param('options', applicationOptions, 'the name, and what is to change')],
    returns: applicationInfo,
  }),
  'host.quit': method({
    doc: 'Ends the host server. With `everything`, its applications are stopped first; without, they go on and are adopted by the next one.',
    params: [optionalParam('everything', boolean(), 'also stop all applications')],
    returns: done,
  }),
  'host.network': method({
    doc:
      'The hosts of this network: this one first, then every other one that is connected, was connected, or stands in the configuration; with the ' +
      'applications of those that answer within two seconds.',
    params: [],
    returns: arrayOf(hostOnNetwork),
  }),
  'host.introduce': method({
    doc:
      'Host server to host server, on a permanent connection that both have proved themselves on: who calls. Answers who is called, and whether ' +
      'this connection is the one that the two use: of two connections, that of the host with the smaller name.',
    params: [param('host', hostIntroduction, 'the calling host')],
    returns: struct({ host: hostIntroduction, accepted: boolean() }),
  }),
  'host.running': method({
    doc: 'Host server to host server: the applications that run on the calling host now. Every few seconds, also as a sign of life.',
    params: [param('applications', arrayOf(name('application'), { maxCount: 1024 }), 'their names')],
    returns: done,
  }),
  'host.relay': method({
    doc:
      'App server to its host server: a call for the app server of the same application on another host. Only the methods that app servers ' +
      `have for each other: ${RELAYED_METHODS.join(', ')}.`,
    params: [param('host', name('host'), 'the other host'), param('call', relayedCall, 'the call')],
    returns: any(),
  }),
  'host.forward': method({
    doc: 'Host server to host server: a relayed call for the app server of an application there.',
    params: [application, param('call', relayedCall, 'the call')],
    returns: any(),
  }),
  'host.subscribe': method({
    doc: 'An app server says that it is ready: after its start, started by hand, or when it found the host server again. Only on a permanent connection, which then is its life line.',
    params: [param('ready', appServerReady, 'the app server')],
    returns: struct({ adopted: boolean() }),
  }),
  'child.failed': method({
    doc: 'A child that could not become ready says why, before it ends.',
    params: [param('failure', startFailure, 'what went wrong')],
    returns: done,
  }),

  'app.info': method({
    doc: 'What this app server is and what it serves.',
    params: [],
    returns: struct({
      name: name('application'),
      version: string(),
      protocol: int(),
      pid: int(),
      port: int(),
      socket: string(),
      source: optional(address),
      via: optional(name('host')),
      startedAt: date(),
      hostServer: boolean(),
      gateway: optional(gatewayInfo),
    }),
  }),
  'app.hosts': method({
    doc: 'Host server to app server: the other hosts on which the same application runs now, and how they are reached.',
    params: [
      param('own', name('host'), 'the name of this host'),
      param('hosts', arrayOf(hostOfApplication), 'all others'),
    ],
    returns: done,
  }),
  'app.quit': method({
    doc: 'Ends the app server and its duplicators. Answers before it ends.',
    params: [],
    returns: done,
  }),
  'app.statistics': method({
    doc:
      'Statistics of all clients and flows, collected now from clients and duplicators. Who does not answer within a second is marked; ' +
      'rates are known from the second time on.',
    params: [optionalParam('everywhere', boolean(), 'also those of the other hosts, as `elsewhere`')],
    returns: applicationStatistics,
  }),
  'app.network': method({
    doc: 'Network status: clients, flows and duplicators, who provides and who consumes, and who holds whom back.',
    params: [optionalParam('everywhere', boolean(), 'also that of the other hosts, as `elsewhere`')],
    returns: networkStatus,
  }),
  'app.programs': method({
    doc: 'The programs that are registered with this application.',
    params: [],
    returns: arrayOf(programInfo),
  }),
  'app.run': method({
    doc: 'Network request: runs a registered program, apart from the app server. Answers with its process id when it has started.',
    params: [
      param('program', name('program'), 'the registered name'),
      optionalParam(
        'host',
        name('host'),
        'another host with the same application, where it is registered too; this one when left out',
      ),
    ],
    returns: int({ min: 1, doc: 'the process id' }),
  }),
  'remote.inquire': method({
    doc: 'App server to app server of the same application on another host, as all of remote.*: what a flow is there.',
    params: [from, flow, hops],
    returns: flowElsewhere,
  }),
  'remote.serve': method({
    doc: 'Starts the duplicator of a flow where needed and makes it listen for the duplicator of the calling host.',
    params: [from, flow, hops],
    returns: servedElsewhere,
  }),
  'remote.provided': method({
    doc: 'A client on the calling host provides the flow from now on. Returns whether anybody here has use for that.',
    params: [from, flow],
    returns: done,
  }),
  'remote.send': method({
    doc: 'A message for clients on the called host. Returns how many have it.',
    params: [
      from,
      param('sender', name('client'), 'who sends it'),
      param('to', messageTarget, 'who gets it'),
      param('message', message, 'type and attributes'),
    ],
    returns: int({ min: 0 }),
  }),
  'remote.tellProvider': method({
    doc: 'Something for the provider of a flow, from a consumer on the calling host. False when there is no provider.',
    params: [from, flow, param('delivery', delivery, 'what it is'), hops],
    returns: boolean(),
  }),
  'remote.marks': method({
    doc: 'The consumers of a flow on the called host whose last mark was an XOFF.',
    params: [from, flow],
    returns: arrayOf(consumerMark),
  }),
  'remote.request': method({
    doc: 'client.request for the clients of the called host. Returns how many were asked.',
    params: [
      from,
      param('client', name('client'), 'the client'),
      param('request', oneOf(['quit']), 'what is asked'),
    ],
    returns: int({ min: 0 }),
  }),
  'remote.run': method({
    doc: 'app.run on the called host.',
    params: [from, param('program', name('program'), 'the registered name')],
    returns: int({ min: 1, doc: 'the process id' }),
  }),
  'remote.network': method({
    doc: 'app.network of the called host.',
    params: [from],
    returns: networkStatus,
  }),
  'remote.statistics': method({
    doc: 'app.statistics of the called host.',
    params: [from],
    returns: applicationStatistics,
  }),
  'client.present': method({
    doc: 'Presentation: a client says who it is and gets its session. On a permanent connection the session ends with it; over HTTP it ends after a minute without a call.',
    params: [param('client', presentation, 'the client')],
    returns: struct({
      session: string(),
      application: name('application'),
      protocol: int(),
      source: optional(address),
    }),
  }),
  'client.leave': method({
    doc: 'Ends a session; all it had open is released.',
    params: [param('session', session, 'the session')],
    returns: done,
  }),
  'client.list': method({
    doc: 'The clients of this application.',
    params: [],
    returns: arrayOf(clientInfo),
  }),
  'client.statistics': method({
    doc: 'Statistics of the clients of one name, collected now from them and the duplicators of their flows.',
    params: [param('client', name('client'), 'the client')],
    returns: arrayOf(clientStatistics),
  }),
  'client.request': method({
    doc: 'Network request: asks all clients of one name for something. What they do is their own affair. Returns how many were asked.',
    params: [
      param('client', name('client'), 'the client'),
      param('request', oneOf(['quit']), 'what is asked'),
    ],
    returns: int({ min: 1 }),
  }),
  'client.send': method({
    doc:
      'Sends a message to all clients of one name, to the whole application without the sender, or to the provider of a flow: exactly one ' +
      'of the three. Returns how many have it; a fault when nobody of that name is there, or nobody could take it.',
    params: [
      param('session', session, 'the session'),
      param('to', messageTarget, 'who gets it'),
      param('message', message, 'type and attributes'),
    ],
    returns: int({ min: 0 }),
  }),
  'client.poll': method({
    doc: 'For clients over HTTP: takes what waits for them, oldest first; an empty array when nothing does.',
    params: [
      param('session', session, 'the session'),
      optionalParam('max', int({ min: 1, max: 1024 }), 'most deliveries to take; 100 when left out'),
    ],
    returns: arrayOf(delivery),
  }),
  'client.deliver': method({
    doc: 'App server to client, on its permanent connection: something for it. Answered when it is queued there.',
    params: [param('delivery', delivery, 'what it is')],
    returns: done,
  }),
  'client.report': method({
    doc: 'App server to client: its own counts of the flows it has open.',
    params: [],
    returns: clientReport,
  }),
  'flow.list': method({
    doc: 'Flow inquiry: all flows of this application.',
    params: [],
    returns: arrayOf(flowInfo),
  }),
  'flow.inquire': method({
    doc: 'Flow inquiry: one flow.',
    params: [flow],
    returns: flowInfo,
  }),
  'flow.open': method({
    doc: 'Opens a flow for a session; starts its duplicator where needed and answers when it is ready.',
    params: [param('session', session, 'the session'), param('request', openRequest, 'what to open')],
    returns: openedFlow,
  }),
  'flow.close': method({
    doc: 'Closes what flow.open opened.',
    params: [
      param('session', session, 'the session'),
      param('handle', int({ min: 1 }), 'the handle of flow.open'),
    ],
    returns: done,
  }),
  'flow.control': method({
    doc:
      'Flow control: the history of a consumer has reached one of its marks; the provider of the flow is told. ' +
      'False when it has no provider now: the next one can ask with flow.marks.',
    params: [
      param('session', session, 'the session'),
      param('handle', int({ min: 1 }), 'the handle of flow.open'),
      param('mark', flowMark, 'the mark'),
    ],
    returns: boolean(),
  }),
  'flow.marks': method({
    doc: 'Flow control: the consumers of a flow whose last mark was an XOFF, and that mark.',
    params: [flow],
    returns: arrayOf(consumerMark),
  }),
  'flow.statistics': method({
    doc: 'The counters of a flow by name, as its flow file holds them, and rates where they are known.',
    params: [flow],
    returns: statistics,
  }),

  'duplicator.subscribe': method({
    doc: 'A duplicator says that it is ready: after its start, or when it found its app server again. Only on a permanent connection. To one that follows another it is told how many consumers still have the flow open.',
    params: [param('ready', duplicatorReady, 'the duplicator')],
    returns: struct({
      adopted: boolean(),
      consumers: optional(int({ min: 0, doc: 'consumers of the one before that still have the flow open' })),
    }),
  }),
  'duplicator.report': method({
    doc: 'A duplicator tells a change of its source or its clients.',
    params: [param('report', duplicatorReport, 'what it is now')],
    returns: done,
  }),
  'duplicator.release': method({
    doc: 'A duplicator without clients asks whether it may end; after true the app server sends nobody to it any more.',
    params: [],
    returns: boolean(),
  }),
  'gateway.subscribe': method({
    doc: 'A gateway says that it listens: after its start, or when it found its app server again. Only on a permanent connection.',
    params: [param('ready', gatewayReady, 'the gateway')],
    returns: struct({ adopted: boolean() }),
  }),
  'duplicator.demoted': method({
    doc: 'A duplicator tells that a lossless consumer held its flow back for the stall timeout and is lossy from now on.',
    params: [param('client', int({ min: 0 }), 'what the consumer said in its HELLO')],
    returns: done,
  }),
  'duplicator.statistics': method({
    doc: 'App server to duplicator: how far everybody on its signal link is.',
    params: [],
    returns: duplicatorFigures,
  }),
  'duplicator.serve': method({
    doc:
      'App server to duplicator: listen for duplicators of other hosts, which must prove that they know the secret. Answers where it listens; ' +
      'the same when it listens already, whatever was asked for. REFUSED without a secret.',
    params: [param('request', serveRequest, 'where to listen')],
    returns: served,
  }),
  'duplicator.redirect': method({
    doc: 'App server to duplicator of a flow that comes from another host: the duplicator there listens somewhere else now. False when the flow comes from elsewhere.',
    params: [param('source', address, 'tcp://host:port or tls://host:port')],
    returns: boolean(),
  }),
  'duplicator.quit': method({
    doc: 'App server to duplicator: end. Answers before it ends.',
    params: [],
    returns: done,
  }),
});

export type MirrorflowContract = typeof CONTRACT;
