/**
 * Who may control the host server that runs, for remedies that need it. `mirrorflow doctor` asks
 * once. Connects to the host server, and reads modes and owners.
 */
import { accessSync, constants, statSync } from 'node:fs';
import { hostSocketPath } from '../../protocol/base/paths.js';
import { nameOfUser } from '../../protocol/host/access/accounts.js';
import type { CommandContext } from '../command.js';
import { withHost } from '../servers.js';

/** Undefined when no host server can be asked, or when this user may control it. */
export async function controllerOf(
  context: Pick<CommandContext, 'directory' | 'signal'>,
): Promise<string | undefined> {
  const info = await withHost(context, (host) => host.info()).catch(() => undefined);
  if (info === undefined) return undefined;
  try {
    accessSync(hostSocketPath(info.directory, 'control'), constants.W_OK);
    return undefined;
  } catch {
    return nameOfUser(statSync(info.directory).uid);
  }
}
