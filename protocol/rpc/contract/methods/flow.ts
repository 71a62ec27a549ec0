/** Methods of an app server that are about flows. */
import { method, param } from '../../xml-rpc/contract.js';
import { arrayOf, boolean, int } from '../../xml-rpc/schema.js';
import { consumerMark, flowMark } from '../deliveries.js';
import { flowInfo, openRequest, openedFlow, session, statistics } from '../shapes.js';
import { done, flow } from './recurring.js';

export const FLOW_METHODS = {
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
};
