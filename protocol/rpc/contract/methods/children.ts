/**
 * The methods between a server and its child processes: the reports of duplicators (each serves one
 * flow), gateways and recorders, and the calls from an app server to its duplicators. Part of the
 * contract; pure.
 */
import { method, param } from '../../xml-rpc/contract.js';
import { boolean, int, optional, string, struct } from '../../xml-rpc/schema.js';
import { duplicatorStatistics } from '../statistics.js';
import {
  address,
  childAddress,
  duplicatorReady,
  duplicatorReport,
  gatewayReady,
  serveRequest,
  serveResult,
  startFailure,
} from '../shapes.js';
import { recorderReady, recorderReport } from '../recorder.js';
import { done } from './recurring.js';

export const CHILD_METHODS = {
  'child.prove': method({
    right: 'read',
    doc:
      'Proves that the caller is a process of this system, by the token in the file for children, which only the owner may read. The permanent ' +
      'connection has the right child from then on.',
    params: [param('token', string({ maxCharacters: 128, doc: 'the text of the file' }), 'the token')],
    returns: done,
  }),
  'child.ready': method({
    right: 'child',
    doc: 'A child without a permanent connection, the web viewer, reports the address that it serves. Returns false when it is not the current child.',
    params: [param('served', childAddress, 'the child and its address')],
    returns: boolean(),
  }),
  'child.failed': method({
    right: 'child',
    doc: 'Child to its parent: the child could not become ready and exits.',
    params: [param('failure', startFailure, 'the failure')],
    returns: done,
  }),
  'duplicator.subscribe': method({
    right: 'child',
    doc:
      'Duplicator to app server: the duplicator is ready, after its start or after a reconnection. Only on a permanent connection. A duplicator that ' +
      'replaces another one gets the number of consumers that still have the flow open.',
    params: [param('ready', duplicatorReady, 'the duplicator')],
    returns: struct({
      adopted: boolean(),
      consumers: optional(
        int({ min: 0, doc: 'consumers of the previous duplicator that still have the flow open' }),
      ),
    }),
  }),
  'duplicator.report': method({
    right: 'child',
    doc: 'Duplicator to app server: the state of its source or the number of its clients has changed.',
    params: [param('report', duplicatorReport, 'the present state')],
    returns: done,
  }),
  'duplicator.release': method({
    right: 'child',
    doc: 'Duplicator to app server: asks whether a duplicator without clients may stop; after true the app server assigns no client to it.',
    params: [],
    returns: boolean(),
  }),
  'duplicator.demoted': method({
    right: 'child',
    doc: 'Duplicator to app server: a lossless consumer held back the flow for the stall timeout and is lossy from now on.',
    params: [param('client', int({ min: 0 }), 'the number from the HELLO of the consumer')],
    returns: done,
  }),
  'duplicator.statistics': method({
    right: 'child',
    doc: 'App server to duplicator: the positions of all clients on its signal link.',
    params: [],
    returns: duplicatorStatistics,
  }),
  'duplicator.serve': method({
    right: 'child',
    doc:
      'App server to duplicator: listen for duplicators of other hosts, which must prove the shared secret. Returns the address; a duplicator that ' +
      'already listens ignores the request and returns its present address. REFUSED without a secret.',
    params: [param('request', serveRequest, 'the address to listen on')],
    returns: serveResult,
  }),
  'duplicator.redirect': method({
    right: 'child',
    doc: 'App server to a duplicator that receives its flow from another host: the duplicator there has a new address. Returns false if the flow does not come from another host.',
    params: [param('source', address, 'the new address, tcp://host:port or tls://host:port')],
    returns: boolean(),
  }),
  'duplicator.quit': method({
    right: 'child',
    doc: 'App server to duplicator: stop. Returns before the duplicator stops.',
    params: [],
    returns: done,
  }),
  'gateway.subscribe': method({
    right: 'child',
    doc: 'Gateway to app server: the gateway listens, after its start or after a reconnection. Only on a permanent connection.',
    params: [param('ready', gatewayReady, 'the gateway')],
    returns: struct({ adopted: boolean() }),
  }),
  'recorder.subscribe': method({
    right: 'child',
    doc: 'Recorder to app server: the recorder runs, after its start or after a reconnection. Only on a permanent connection.',
    params: [param('ready', recorderReady, 'the recorder')],
    returns: struct({ adopted: boolean() }),
  }),
  'recorder.report': method({
    right: 'child',
    doc: 'Recorder to app server: what it records, when that has changed. Only on the connection of recorder.subscribe.',
    params: [param('report', recorderReport, 'state and figures')],
    returns: done,
  }),
};
