/** A parameter and a result that methods of several kinds have. */
import { param } from '../../xml-rpc/contract.js';
import { boolean, name } from '../../xml-rpc/schema.js';

export const flow = param('flow', name('flow'), 'the flow');
export const done = boolean();
