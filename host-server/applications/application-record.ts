/**
 * The records of app servers in the runtime directory, `apps/<application>.json`: written at the
 * start of an app server, removed at its orderly end. By them a host server finds the app servers
 * that an earlier host server has started. Reads and removes files.
 */
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { identityFromWire } from '../../protocol/rpc/contract/identity-on-wire.js';
import { processIdentity } from '../../protocol/rpc/contract/process-identity.js';
import { applicationOptions, type ApplicationOptions } from '../../protocol/rpc/contract/shapes.js';
import { appSocketPath, appTokenPath } from '../../protocol/base/paths.js';
import type { Logger } from '../../protocol/base/log.js';
import { isName } from '../../protocol/base/names.js';
import { RIGHTS, USER_RIGHTS } from '../../protocol/base/rights.js';
import { isAlive, type OwnerIdentity } from '../../protocol/base/owner-identity.js';
import type { Place } from '../../protocol/rpc/xml-rpc/schema.js';

interface ApplicationRecord {
  readonly identity: OwnerIdentity;
  /** The options that it was started with. */
  readonly options: ApplicationOptions;
}

const SUFFIX = '.json';
const RECORD_BYTES_MAX = 64 * 1024;

/** All readable records. Other files are logged and left alone. */
export function readApplicationRecords(directory: string, log: Logger): ApplicationRecord[] {
  const records: ApplicationRecord[] = [];
  for (const file of readdirSync(join(directory, 'apps'))) {
    const name = file.slice(0, -SUFFIX.length);
    if (!file.endsWith(SUFFIX) || !isName(name)) continue;
    try {
      records.push(readRecord(recordPath(directory, name), name));
    } catch (error) {
      log.warn('the record of an application cannot be read', { application: name, error });
    }
  }
  return records;
}

/** Whether the app server runs, or has ended without removing its record. */
export function hasApplicationRecord(directory: string, name: string): boolean {
  return statSync(recordPath(directory, name), { throwIfNoEntry: false }) !== undefined;
}

/**
 * Removes record, sockets and tokens of a dead app server; nothing while the record's owner lives.
 * No start of the application may be under way.
 */
export function removeApplicationLeftovers(directory: string, name: string): void {
  const record = readApplicationRecord(directory, name);
  if (record === undefined || isAlive(record.identity)) return;
  rmSync(recordPath(directory, name), { force: true });
  for (const right of USER_RIGHTS) rmSync(appSocketPath(directory, name, right), { force: true });
  for (const right of RIGHTS) rmSync(appTokenPath(directory, name, right), { force: true });
}

/** Undefined without a readable record. */
export function readApplicationRecord(directory: string, name: string): ApplicationRecord | undefined {
  try {
    return readRecord(recordPath(directory, name), name);
  } catch {
    return undefined;
  }
}

function recordPath(directory: string, name: string): string {
  return join(directory, 'apps', `${name}${SUFFIX}`);
}

function readRecord(path: string, name: string): ApplicationRecord {
  const { size } = statSync(path);
  if (size > RECORD_BYTES_MAX) throw new Error(`the record has ${size} bytes, more than ${RECORD_BYTES_MAX}`);
  const content: unknown = JSON.parse(readFileSync(path, 'utf8'));
  const place = (): Place => ({ method: path, root: 'record', path: [], unknownMembers: 'drop' });
  const identity = identityFromWire(processIdentity.check(content, place()));
  const stated = (content as { options?: unknown }).options;
  const options = applicationOptions.check({ ...(typeof stated === 'object' ? stated : {}), name }, place());
  return { identity, options };
}
