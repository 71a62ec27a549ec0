/**
 * The methods `host.*` of a host server, which runs once per machine: its applications, the other
 * hosts of the network, and the calls that it relays for app servers. Part of the contract; pure.
 */
import { method, optionalParam, param } from '../../xml-rpc/contract.js';
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
} from '../../xml-rpc/schema.js';
import { LIMITS } from '../../../base/limits.js';
import { hostIntroduction, hostOnNetwork, relayedCall, RELAYED_METHODS } from '../hosts.js';
import { appServerReady, applicationInfo, applicationOptions, VIEWER_STATES } from '../shapes.js';
import { done } from './recurring.js';

const application = param('name', name('application'), 'the application');

export const HOST_METHODS = {
  'host.info': method({
    right: 'read',
    doc: 'Information about this host server: version, directories, port.',
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
      webState: optional(oneOf(VIEWER_STATES)),
      webCause: optional(
        string({ maxCharacters: LIMITS.causeCharacters, doc: 'why the web viewer does not serve' }),
      ),
      startedAt: date(),
    }),
  }),
  'host.applications': method({
    right: 'read',
    doc: 'Application discovery: the applications of this host, running or not.',
    params: [],
    returns: arrayOf(applicationInfo),
  }),
  'host.run': method({
    right: 'control',
    doc:
      'Application server run: starts the app server of an application and returns when it is ready. Returns at once if the application already runs ' +
      'with the same options. If only the name is given, the options are those of the configuration or of the last run.',
    params: [
      param('options', applicationOptions, 'the application'),
      optionalParam('host', name('host'), 'the host to start it on; default: this host'),
    ],
    returns: applicationInfo,
  }),
  'host.open': method({
    right: 'read',
    doc:
      'Starts the app server of an application of the configuration file, as it is configured there, and returns when it is ready. Returns at once if the ' +
      'application already runs. A fault for any other application.',
    params: [application],
    returns: applicationInfo,
  }),
  'host.stop': method({
    right: 'control',
    doc: 'Stops an application: its app server and its duplicators. Returns when they have stopped.',
    params: [application, optionalParam('host', name('host'), 'the host it runs on; default: this host')],
    returns: applicationInfo,
  }),
  'host.restart': method({
    right: 'control',
    doc:
      'Restarts an application, or starts it if it does not run. The given options replace the present ones; the others stay. ' +
      'The flows of the application end and begin again.',
    params: [param('options', applicationOptions, 'the name, and the options to change')],
    returns: applicationInfo,
  }),
  'host.quit': method({
    right: 'control',
    doc: 'Stops the host server. With `everything`, it stops its applications first; without, they continue and the next host server adopts them.',
    params: [optionalParam('everything', boolean(), 'also stop all applications')],
    returns: done,
  }),
  'host.network': method({
    right: 'read',
    doc:
      'The hosts of this network: this host first, then every other host that is connected, was connected or is configured; with the applications ' +
      'of the hosts that answer within two seconds; then the hosts of other sites, as they publish themselves over NATS, named HOST.SITE.',
    params: [],
    returns: arrayOf(hostOnNetwork),
  }),
  'host.introduce': method({
    right: 'child',
    doc:
      'Host server to host server, on a permanent connection after the proof of the shared secret: introduces the calling host. Returns the called host ' +
      'and whether the two use this connection: of two connections, they use the one opened by the host with the smaller name.',
    params: [param('host', hostIntroduction, 'the calling host')],
    returns: struct({ host: hostIntroduction, accepted: boolean() }),
  }),
  'host.running': method({
    right: 'child',
    doc: 'Host server to host server: the applications that run on the calling host. Sent every few seconds, also to show that the host is alive.',
    params: [param('applications', arrayOf(name('application'), { maxCount: 1024 }), 'their names')],
    returns: done,
  }),
  'host.relay': method({
    right: 'child',
    doc:
      'App server to its host server: a call for the app server of the same application on another host. Allowed methods: ' +
      `${RELAYED_METHODS.join(', ')}.`,
    params: [param('host', name('host'), 'the other host'), param('call', relayedCall, 'the call')],
    returns: any(),
  }),
  'host.forward': method({
    right: 'child',
    doc:
      'Host server to host server: a relayed call for the app server of an application on the called host. A program that receives flows and has ' +
      'introduced no host may call remote.serve, remote.network and remote.statistics.',
    params: [application, param('call', relayedCall, 'the call')],
    returns: any(),
  }),
  'host.subscribe': method({
    right: 'child',
    doc:
      'App server to host server: the app server is ready, after its start (also by hand) or after a reconnection. Only on a permanent connection, ' +
      'by whose end the host server detects the end of the app server.',
    params: [param('ready', appServerReady, 'the app server')],
    returns: struct({ adopted: boolean() }),
  }),
};
