/**
 * The methods `remote.*` with which app servers of one application on several hosts call each
 * other, by way of their host servers (`host.relay`, `host.forward`). Part of the contract; pure.
 */
import { method, param } from '../../xml-rpc/contract.js';
import { arrayOf, boolean, int, name, oneOf } from '../../xml-rpc/schema.js';
import { consumerMark, delivery, message, messageTarget, sendResult } from '../deliveries.js';
import { applicationStatistics, networkStatus } from '../statistics.js';
import { remoteFlowState, remoteServeResult } from '../hosts.js';
import { flow } from './recurring.js';

const from = param('from', name('host'), 'the calling host; the host servers add this parameter');
const hops = param('hops', int({ min: 0, max: 8 }), 'the number of further hosts over which the call may go');

export const REMOTE_METHODS = {
  'remote.inquire': method({
    right: 'child',
    doc: 'App server to app server of the same application on another host, as all of remote.*: the state of a flow there.',
    params: [from, flow, hops],
    returns: remoteFlowState,
  }),
  'remote.claim': method({
    right: 'child',
    doc: 'A client on the calling host is about to provide the flow. Returns the state of the flow there; where a client there is about to provide it too, the host whose name sorts first is given the flow.',
    params: [from, flow, param('client', name('client'), 'that client')],
    returns: remoteFlowState,
  }),
  'remote.serve': method({
    right: 'child',
    doc: 'Starts the duplicator of a flow if none is running, and makes it listen for the duplicator of the calling host.',
    params: [from, flow, hops],
    returns: remoteServeResult,
  }),
  'remote.provided': method({
    right: 'child',
    doc: 'A client on the calling host provides the flow from now on. Returns whether the called host will receive the flow from the calling host.',
    params: [from, flow],
    returns: boolean(),
  }),
  'remote.send': method({
    right: 'child',
    doc: 'A message for clients on the called host. Returns the clients that have queued it and those that have not.',
    params: [
      from,
      param('sender', name('client'), 'the sender'),
      param('to', messageTarget, 'the receivers'),
      param('message', message, 'type and attributes'),
    ],
    returns: sendResult,
  }),
  'remote.tellProvider': method({
    right: 'child',
    doc: 'A delivery for the provider of a flow, from a consumer on the calling host. Returns false if there is no provider.',
    params: [from, flow, param('delivery', delivery, 'the delivery'), hops],
    returns: boolean(),
  }),
  'remote.marks': method({
    right: 'child',
    doc: 'The consumers of a flow on the called host whose last mark was an XOFF.',
    params: [from, flow],
    returns: arrayOf(consumerMark),
  }),
  'remote.request': method({
    right: 'child',
    doc: 'client.request for the clients of the called host. Returns the number of clients that received it.',
    params: [
      from,
      param('client', name('client'), 'the client'),
      param('request', oneOf(['quit']), 'the request'),
    ],
    returns: int({ min: 0 }),
  }),
  'remote.run': method({
    right: 'child',
    doc: 'app.run on the called host.',
    params: [from, param('program', name('program'), 'the registered name')],
    returns: int({ min: 1, doc: 'the process id' }),
  }),
  'remote.network': method({
    right: 'child',
    doc: 'app.network of the called host.',
    params: [from],
    returns: networkStatus,
  }),
  'remote.statistics': method({
    right: 'child',
    doc: 'app.statistics of the called host.',
    params: [from],
    returns: applicationStatistics,
  }),
};
