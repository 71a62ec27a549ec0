/**
 * Makes the host server start at boot: the text of its systemd unit, where that goes, and, when
 * asked, the file itself. What follows needs rights and consequences of its own and is told, not
 * done.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { temporaryName } from '../../protocol/base/files/claim.js';
import type { Environment } from '../../protocol/base/paths.js';
import { describeError, MirrorflowError, systemCode } from '../../protocol/base/errors.js';
import { programPath } from '../../protocol/base/installation.js';
import { systemdUnit, unitPath, type UnitOptions, type UnitScope } from './systemd-unit.js';

export interface InstallOptions {
  readonly scope: UnitScope;
  /** Absolute path of the host server's configuration file. */
  readonly configFile?: string;
  /** Whom a system service runs as. */
  readonly user?: string;
  readonly group?: string;
  /** Variables of the service. */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface Installation {
  /** Where the unit goes. */
  readonly path: string;
  readonly text: string;
  /** What is to be typed when the file is there. */
  readonly commands: readonly string[];
}

export type InstallOutcome = 'written' | 'unchanged';

const UNIT_MODE = 0o644;

/** What would be installed. Throws BAD_OPTION. */
export function planInstallation(options: InstallOptions, env: Environment): Installation {
  const unit: UnitOptions = { ...options, execPath: process.execPath, script: programPath('host-server') };
  const isSystem = options.scope === 'system';
  const systemctl = isSystem ? 'sudo systemctl' : 'systemctl --user';
  return {
    path: unitPath(options.scope, env),
    text: systemdUnit(unit),
    commands: [
      `${systemctl} daemon-reload`,
      `${systemctl} enable --now mirrorflow.service`,
      // A user's services end at the last logout, unless this is said once.
      ...(isSystem ? [] : ['loginctl enable-linger']),
    ],
  };
}

/**
 * Writes the unit's file. Throws FILE_OWNED when a different one is there and `force` is not set,
 * NOT_PERMITTED, NO_SPACE or SYSTEM_ERROR when it cannot be written.
 */
export function writeUnit({ path, text }: Installation, options: { force?: boolean } = {}): InstallOutcome {
  const present = readIfThere(path);
  if (present === text) return 'unchanged';
  if (present !== undefined && options.force !== true) {
    throw new MirrorflowError(
      'FILE_OWNED',
      `${path} is there already and different; compare it, then force its replacement, or remove it`,
      { path },
    );
  }
  try {
    mkdirSync(dirname(path), { recursive: true });
    const complete = temporaryName(path);
    writeFileSync(complete, text, { mode: UNIT_MODE, flag: 'wx' });
    renameSync(complete, path);
  } catch (thrown) {
    throw cannot('written', path, thrown);
  }
  return 'written';
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') return undefined;
    throw cannot('read', path, thrown);
  }
}

function cannot(what: string, path: string, thrown: unknown): MirrorflowError {
  const system = systemCode(thrown);
  const denied = system === 'EACCES' || system === 'EPERM' || system === 'EROFS';
  return new MirrorflowError(
    denied ? 'NOT_PERMITTED' : system === 'ENOSPC' ? 'NO_SPACE' : 'SYSTEM_ERROR',
    `${path} cannot be ${what}: ${describeError(thrown)}${denied ? '; a unit of the system is written by root' : ''}`,
    { path },
    thrown,
  );
}
