/**
 * Whether somebody owns a flow file, for those who remove: a file that cannot be looked at is
 * somebody's.
 */
import type { ClaimState } from '../../base/files/claim.js';
import { inspectFlowFile } from '../../flow/flow-file/open.js';

export function flowFileOwner(path: string): ClaimState['kind'] {
  try {
    return inspectFlowFile(path).kind;
  } catch {
    return 'owned';
  }
}
