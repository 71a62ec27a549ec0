/**
 * A directory for the flow files of one test, and flow files in it. Used by tests of flow files and
 * duplicators, which remove it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFlowFile, type FlowFileOptions } from '../../../../protocol/flow/flow-file/create.js';
import type { FlowFile } from '../../../../protocol/flow/flow-file/flow-file.js';

export class Place {
  readonly path = mkdtempSync(join(tmpdir(), 'mirrorflow-test-'));

  file(name: string): string {
    return join(this.path, name);
  }

  create(change: Partial<FlowFileOptions> = {}): FlowFile {
    return createFlowFile({
      path: this.file('spectra.flow'),
      identity: { application: 'e23001', flow: 'spectra', type: 'bytes', properties: { unit: 'byte' } },
      slotCount: 4,
      payloadCapacity: 100,
      flags: 0,
      epoch: 1,
      mode: 0o640,
      ...change,
    });
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** The MirrorflowError that `action` throws; fails when it throws none. */
export function thrownBy(action: () => unknown): { code: string; message: string; facts: object } {
  try {
    action();
  } catch (error) {
    if (error instanceof Error && 'code' in error && 'facts' in error)
      return error as Error & { code: string; facts: object };
    throw error;
  }
  throw new Error('the action threw no error');
}
