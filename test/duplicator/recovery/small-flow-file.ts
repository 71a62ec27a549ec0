/**
 * Makes a flow file of four small slots, which no duplicator serves. Used by tests of recovery.
 * Writes it into a given directory.
 */
import { join } from 'node:path';
import { createFlowFile } from '../../../protocol/flow/flow-file/create.js';
import type { FlowFile } from '../../../protocol/flow/flow-file/flow-file.js';

export function smallFlowFile(directory: string): FlowFile {
  return createFlowFile({
    path: join(directory, 'flow'),
    identity: { application: 'test', flow: 'numbers', type: 'bytes', properties: {} },
    slotCount: 4,
    payloadCapacity: 64,
    flags: 0,
    epoch: 1,
    mode: 0o600,
  });
}
