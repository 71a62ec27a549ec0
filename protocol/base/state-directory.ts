/**
 * Where servers keep what outlives the machine's restart: the web viewer its calibrations, layouts
 * and the record of changes, app servers the recordings of their applications. Servers and the
 * console find it by the same rule. Called when options are read. Pure: creates nothing.
 */
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { MirrorflowError } from './errors.js';
import { checkName } from './names.js';
import type { Environment } from './paths.js';

/** The first place that is given; throws BAD_OPTION for a relative path. */
export function stateDirectory(option: string | undefined, env: Environment): string {
  const given = option ?? (env['MIRRORFLOW_STATE_DIR'] || undefined);
  if (given !== undefined && !isAbsolute(given)) {
    throw new MirrorflowError(
      'BAD_OPTION',
      `the state directory is ${JSON.stringify(given)}; it must be an absolute path`,
      { path: given },
    );
  }
  // The XDG specification: a relative path is invalid and to be ignored. systemd may give several.
  const bySystemd = env['STATE_DIRECTORY']?.split(':')[0] || undefined;
  const byUser = env['XDG_STATE_HOME'];
  const home = byUser !== undefined && isAbsolute(byUser) ? byUser : join(homedir(), '.local', 'state');
  return given ?? bySystemd ?? join(home, 'mirrorflow');
}

/** Where the recorder of an application writes, unless its options name another directory. */
export function recordingsDirectory(state: string, app: string): string {
  return join(state, 'recordings', checkName('application', app));
}
