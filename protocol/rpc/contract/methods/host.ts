/** Methods of a host server: its applications, other hosts, and what app servers ask of it. */
import { method, optionalParam, param } from '../../xml-rpc/contract.js';
import { any, arrayOf, boolean, date, int, name, optional, string, struct } from '../../xml-rpc/schema.js';
import { hostIntroduction, hostOnNetwork, relayedCall, RELAYED_METHODS } from '../hosts.js';
import { appServerReady, applicationInfo, applicationOptions } from '../shapes.js';
import { done } from './recurring.js';

const application = param('name', name('application'), 'the application');

export const HOST_METHODS = {
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
};
