/**
 * Sends the commands of pages to the player of a replay. `Applications` calls it for pages that
 * have signed in. Connects to the application with the right to send messages, for each command.
 */
import { connect } from '../../client-lib/index.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { PLAYER_CLIENT, PlayerCommand } from '../../recorder/play/commands.js';
import type { PlayerRequest } from '../wire/recording.js';

/** Throws as `connect`, and NOT_RUNNING where no player has received the command. */
export async function sendPlayerCommand(
  app: string,
  directory: string | undefined,
  { action, value = 0 }: PlayerRequest,
): Promise<void> {
  const client = await connect({
    app,
    name: 'web-player',
    program: 'mirrorflow web viewer',
    right: 'provide',
    start: false,
    directory,
  });
  try {
    const command = Object.assign(new PlayerCommand(), { action, value });
    const { received } = await client.send(command, { to: { client: PLAYER_CLIENT } });
    if (received.length > 0) return;
    throw new MirrorflowError('NOT_RUNNING', `${app} has no player that receives commands`, { app });
  } finally {
    await client.close();
  }
}
