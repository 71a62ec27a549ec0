/**
 * Makes the host server start at boot: plans its systemd unit (text, path, commands that enable it)
 * and writes the unit's file, with its directory. The commands are returned, never run: they need
 * other rights and change the machine. Called by `install-main.ts`.
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
  /** Account that a system service runs as; refused for a user's unit. */
  readonly user?: string;
  readonly group?: string;
  /** Environment variables of the service. */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface Installation {
  /** Path of the unit's file. */
  readonly path: string;
  readonly text: string;
  /** Commands for the user to run when the file is written. */
  readonly commands: readonly string[];
}

export type InstallOutcome = 'written' | 'unchanged';

const UNIT_MODE = 0o644;

/** Plans an installation; writes nothing. Throws BAD_OPTION. */
export function planInstallation(options: InstallOptions, env: Environment): Installation {
  const unit: UnitOptions = { ...options, execPath: process.execPath, script: programPath('host-server') };
  const isSystem = options.scope === 'system';
  if (isSystem && options.user === undefined) {
    throw new MirrorflowError(
      'BAD_OPTION',
      '--scope system without --user would run the host server and all its programs as root: create an account ' +
        'with "useradd --system mirrorflow" and give --user mirrorflow, and --group with the group whose members may read; ' +
        'or give --user root if root is meant',
    );
  }
  const systemctl = isSystem ? 'sudo systemctl' : 'systemctl --user';
  return {
    path: unitPath(options.scope, env),
    text: systemdUnit(unit),
    commands: [
      `${systemctl} daemon-reload`,
      `${systemctl} enable --now mirrorflow.service`,
      // Without lingering, a user's services end at the last logout.
      ...(isSystem ? [] : ['loginctl enable-linger']),
    ],
  };
}

/**
 * Writes the unit's file. Throws FILE_OWNED when a different file exists and `force` is not set,
 * NOT_PERMITTED, NO_SPACE or SYSTEM_ERROR when it cannot be written.
 */
export function writeUnit({ path, text }: Installation, options: { force?: boolean } = {}): InstallOutcome {
  const present = readIfExists(path);
  if (present === text) return 'unchanged';
  if (present !== undefined && options.force !== true) {
    throw new MirrorflowError(
      'FILE_OWNED',
      `${path} exists with different content; compare it, then force its replacement, or remove it`,
      { path },
    );
  }
  try {
    mkdirSync(dirname(path), { recursive: true });
    const complete = temporaryName(path);
    writeFileSync(complete, text, { mode: UNIT_MODE, flag: 'wx' });
    renameSync(complete, path);
  } catch (thrown) {
    throw fileError('written', path, thrown);
  }
  return 'written';
}

function readIfExists(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (thrown) {
    if (systemCode(thrown) === 'ENOENT') return undefined;
    throw fileError('read', path, thrown);
  }
}

function fileError(operation: string, path: string, thrown: unknown): MirrorflowError {
  const system = systemCode(thrown);
  const denied = system === 'EACCES' || system === 'EPERM' || system === 'EROFS';
  return new MirrorflowError(
    denied ? 'NOT_PERMITTED' : system === 'ENOSPC' ? 'NO_SPACE' : 'SYSTEM_ERROR',
    `${path} cannot be ${operation}: ${describeError(thrown)}${denied ? '; the unit of a system service is written by root' : ''}`,
    { path },
    thrown,
  );
}
