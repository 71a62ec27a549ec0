/**
 * Methods that app servers of one application on several hosts have for each other; they travel by
 * `host.relay` and `host.forward`.
 */
import { method, param } from '../../xml-rpc/contract.js';
import { arrayOf, boolean, int, name, oneOf } from '../../xml-rpc/schema.js';
import { consumerMark, delivery, message, messageTarget } from '../deliveries.js';
import { applicationStatistics, networkStatus } from '../figures.js';
import { flowElsewhere, servedElsewhere } from '../hosts.js';
import { done, flow } from './recurring.js';

const from = param('from', name('host'), 'the calling host, which the host servers put in front');
const hops = param('hops', int({ min: 0, max: 8 }), 'over how many further hosts it may go');

export const REMOTE_METHODS = {
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
};
