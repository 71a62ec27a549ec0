/**
 * The clean-up: removes the leftovers of dead owners in a runtime directory and its flow directory,
 * and nothing else. An owner is dead by its identity (process id, start time, boot), never by age;
 * files without a named owner (but for logs), of another user, and symbolic links stay.
 * `mirrorflow clean` and a starting host server call it. Removes files, directories and shared memory.
 */
import { join } from 'node:path';
import { sweepFlowDirectory } from './flow-directory.js';
import { sweepLogs } from './logs.js';
import { ownerOfRecord } from './records.js';
import { sweepRuntimeDirectory } from './runtime-directory.js';
import { Sweep, type Leftover } from './sweep.js';

export interface CleanUpOptions {
  readonly directory: string;
  readonly flowDirectory: string;
  /** Reports without removing. */
  readonly dryRun?: boolean;
  /**
   * A host server is starting: it will restart applications whose app server died since the boot.
   */
  readonly hostStarts?: boolean;
}

/** A file that cannot be removed is reported as failed, and is no reason to throw. */
export async function cleanUp(options: CleanUpOptions): Promise<readonly Leftover[]> {
  const { directory, flowDirectory, dryRun = false, hostStarts = false } = options;
  const sweep = new Sweep(dryRun);
  const hostLives = hostStarts || ownerOfRecord(join(directory, 'host.json'))?.alive === true;
  const record = (app: string) => ownerOfRecord(join(directory, 'apps', `${app}.json`));
  // The host server restarts an application whose app server died since the boot; its duplicators
  // take the flow files over or replace them.
  const isRestarted = (app: string): boolean => hostLives && record(app)?.ofThisBoot === true;
  await sweepRuntimeDirectory(sweep, { directory, flowDirectory, keepsRecord: isRestarted });
  sweepFlowDirectory(sweep, flowDirectory, (app) => record(app)?.alive === true || isRestarted(app));
  sweepLogs(sweep, { directory, flowDirectory }, Date.now());
  return sweep.leftovers;
}
