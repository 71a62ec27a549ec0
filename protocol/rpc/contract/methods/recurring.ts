/** A parameter and a result that several groups of methods of the contract share. Pure. */
import { param } from '../../xml-rpc/contract.js';
import { boolean, name } from '../../xml-rpc/schema.js';

export const flow = param('flow', name('flow'), 'the flow');
/** The result of a method that returns no information; XML-RPC requires a result. */
export const done = boolean();
