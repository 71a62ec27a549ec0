/**
 * The methods `flow.*` of an app server about flows (streams of buffers, each served by its own
 * duplicator process). Part of the contract; pure.
 */
import { method, param } from '../../xml-rpc/contract.js';
import { arrayOf, boolean, int } from '../../xml-rpc/schema.js';
import { consumerMark, flowMark } from '../deliveries.js';
import { flowConsumer } from '../statistics.js';
import { flowInfo, openRequest, openedFlow, session, statistics, type OpenRequest } from '../shapes.js';
import { done, flow } from './recurring.js';

export const FLOW_METHODS = {
  'flow.list': method({
    right: 'read',
    doc: 'Flow inquiry: all flows of this application.',
    params: [],
    returns: arrayOf(flowInfo),
  }),
  'flow.inquire': method({
    right: 'read',
    doc: 'Flow inquiry: one flow.',
    params: [flow],
    returns: flowInfo,
  }),
  'flow.open': method({
    right: 'read',
    raised: {
      when: 'the direction is output',
      right: 'provide',
      applies: ([, request]) => (request as OpenRequest).direction === 'output',
    },
    doc: 'Opens a flow for a session. Starts its duplicator if none is running, and returns when it is ready.',
    params: [
      param('session', session, 'the session'),
      param('request', openRequest, 'the flow and how to open it'),
    ],
    returns: openedFlow,
  }),
  'flow.close': method({
    right: 'read',
    doc: 'Closes a flow that flow.open opened.',
    params: [
      param('session', session, 'the session'),
      param('handle', int({ min: 1 }), 'the handle of flow.open'),
    ],
    returns: done,
  }),
  'flow.control': method({
    right: 'read',
    doc:
      'Flow control: the history of a consumer has reached one of its marks; the app server forwards the mark to the provider of the flow. ' +
      'Returns false if the flow has no provider; a later provider can get the marks with flow.marks.',
    params: [
      param('session', session, 'the session'),
      param('handle', int({ min: 1 }), 'the handle of flow.open'),
      param('mark', flowMark, 'the mark'),
    ],
    returns: boolean(),
  }),
  'flow.marks': method({
    right: 'read',
    doc: 'Flow control: the consumers of a flow whose last mark was an XOFF, with this mark.',
    params: [flow],
    returns: arrayOf(consumerMark),
  }),
  'flow.consumers': method({
    right: 'read',
    doc: 'The consumers of a flow on this host, read from its flow file: lag, missed buffers and back-pressure, also while the duplicator does not answer. At most 64.',
    params: [flow],
    returns: arrayOf(flowConsumer),
  }),
  'flow.statistics': method({
    right: 'read',
    doc: 'The counters of a flow by name, read from its flow file, and their rates since the previous call.',
    params: [flow],
    returns: statistics,
  }),
};
