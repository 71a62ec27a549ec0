/**
 * The methods `client.*`: those of an app server about its clients, and those that an app server
 * calls at a client. Part of the contract; pure.
 */
import { method, optionalParam, param } from '../../xml-rpc/contract.js';
import { arrayOf, int, name, oneOf, optional, string, struct } from '../../xml-rpc/schema.js';
import { delivery, message, messageTarget, sendResult } from '../deliveries.js';
import { clientReport, clientStatistics } from '../statistics.js';
import { address, clientInfo, presentation, session } from '../shapes.js';
import { done } from './recurring.js';

export const CLIENT_METHODS = {
  'client.present': method({
    right: 'read',
    doc: 'Presentation: identifies the client and begins its session. On a permanent connection the session ends with the connection; over HTTP it ends after a minute without a call.',
    params: [param('client', presentation, 'the client')],
    returns: struct({
      session: string(),
      application: name('application'),
      protocol: int(),
      source: optional(address),
    }),
  }),
  'client.leave': method({
    right: 'read',
    doc: 'Ends a session and closes its flows.',
    params: [param('session', session, 'the session')],
    returns: done,
  }),
  'client.list': method({
    right: 'read',
    doc: 'The clients of this application.',
    params: [],
    returns: arrayOf(clientInfo),
  }),
  'client.statistics': method({
    right: 'read',
    doc: 'Statistics of the clients with one name, collected from them and the duplicators of their flows during the call.',
    params: [param('client', name('client'), 'the client')],
    returns: arrayOf(clientStatistics),
  }),
  'client.request': method({
    right: 'control',
    doc: 'Network request: sends a request to all clients with one name; a client may ignore it. Returns the number of clients that received it.',
    params: [param('client', name('client'), 'the client'), param('request', oneOf(['quit']), 'the request')],
    returns: int({ min: 1 }),
  }),
  'client.send': method({
    right: 'provide',
    doc:
      'Sends a message to exactly one of: all clients with one name, all clients of the application except the sender, the provider of a flow. ' +
      'Returns the clients that have queued it and those that have not, with the reason. A fault if there is no client with the name, ' +
      'or if none of the clients with the name, or not the provider, could queue it.',
    params: [
      param('session', session, 'the session'),
      param('to', messageTarget, 'the receivers'),
      param('message', message, 'type and attributes'),
    ],
    returns: sendResult,
  }),
  'client.poll': method({
    right: 'read',
    doc: 'For clients over HTTP: removes and returns the waiting deliveries, oldest first; an empty array if there are none.',
    params: [
      param('session', session, 'the session'),
      optionalParam(
        'max',
        int({ min: 1, max: 1024 }),
        'largest number of deliveries to return; default: 100',
      ),
    ],
    returns: arrayOf(delivery),
  }),
  'client.receive': method({
    right: 'read',
    doc:
      'For clients with a permanent connection: every delivery is made on the calling connection from now on, once those under way have ended, until it closes. ' +
      'With `soon`, called on the connection of the session: another connection is about to call this method, and deliveries wait for it for a bounded time.',
    params: [
      param('session', session, 'the session'),
      optionalParam('when', oneOf(['now', 'soon']), 'default: now'),
    ],
    returns: done,
  }),
  'client.deliver': method({
    right: 'child',
    doc: 'App server to client, on the connection that called client.receive last, else on that of its session: a delivery. Returns when the client has queued it.',
    params: [param('delivery', delivery, 'the delivery')],
    returns: done,
  }),
  'client.report': method({
    right: 'child',
    doc: "App server to client: the client's own counts of its open flows.",
    params: [],
    returns: clientReport,
  }),
};
