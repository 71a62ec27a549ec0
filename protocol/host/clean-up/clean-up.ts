/**
 * The clean-up: removes what dead owners left in a runtime directory and its flow directory, and
 * nothing else. Whether an owner is dead is decided by its identity (process id, start time, boot),
 * never by age; what names no owner, belongs to another user or is a symbolic link stays.
 */
import { join } from 'node:path';
import { sweepFlowDirectory } from './flow-directory.js';
import { ownerOfRecord } from './records.js';
import { sweepRuntimeDirectory } from './runtime-directory.js';
import { Sweep, type Leftover } from './sweep.js';

export interface CleanUpOptions {
  readonly directory: string;
  readonly flowDirectory: string;
  /** Only tells. */
  readonly dryRun?: boolean;
  /**
   * A host server is starting: it will start those applications again whose app servers died since
   * the boot.
   */
  readonly hostStarts?: boolean;
}

/** Never throws for one thing that cannot be removed: its outcome says so. */
export async function cleanUp(options: CleanUpOptions): Promise<readonly Leftover[]> {
  const { directory, flowDirectory, dryRun = false, hostStarts = false } = options;
  const sweep = new Sweep(dryRun);
  const hostLives = hostStarts || ownerOfRecord(join(directory, 'host.json'))?.alive === true;
  const record = (app: string) => ownerOfRecord(join(directory, 'apps', `${app}.json`));
  // Died since the boot: the host server starts it again, and its duplicators take over what is
  // there or replace it.
  const comesBack = (app: string): boolean => hostLives && record(app)?.ofThisBoot === true;
  await sweepRuntimeDirectory(sweep, { directory, flowDirectory, keepsRecord: comesBack });
  sweepFlowDirectory(sweep, flowDirectory, (app) => record(app)?.alive === true || comesBack(app));
  return sweep.leftovers;
}
