/** Methods of an app server that are about clients, and those of clients themselves. */
import { method, optionalParam, param } from '../../xml-rpc/contract.js';
import { arrayOf, int, name, oneOf, optional, string, struct } from '../../xml-rpc/schema.js';
import { delivery, message, messageTarget } from '../deliveries.js';
import { clientReport, clientStatistics } from '../figures.js';
import { address, clientInfo, presentation, session } from '../shapes.js';
import { done } from './recurring.js';

export const CLIENT_METHODS = {
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
};
