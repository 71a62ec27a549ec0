/**
 * Whether a flow file has a living owner, for the clean-up: a file that cannot be read counts as
 * owned, so that it is not removed. Reads the file's header.
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
