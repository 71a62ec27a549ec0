/**
 * What a player can be told while it plays: a message that any client of its application, also over
 * XML-RPC (`client.send`), sends to the client `player`. Used by the player and `mirrorflow
 * player`. Pure.
 */
import type { Attributes } from '../../client-lib/index.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import type { Playback } from './playback.js';

/** Name of the player among the clients of its application. */
export const PLAYER_CLIENT = 'player';

export const PLAYER_ACTIONS = ['pause', 'resume', 'step', 'seek', 'speed'] as const;
export type PlayerAction = (typeof PLAYER_ACTIONS)[number];

export class PlayerCommand {
  static readonly type = 'PlayerCommand';
  static readonly attributes = { action: 'string', value: 'number' } satisfies Attributes;
  action = '';
  /** `seek`: milliseconds since 1970. `speed`: recorded seconds per second, 0 for unlimited. */
  value = 0;
}

/** Carries out a command. `nextNs`: time of the next publication or buffer. Throws BAD_OPTION. */
export function obey(
  playback: Playback,
  { action, value }: PlayerCommand,
  nextNs: () => number | undefined,
): void {
  switch (action as PlayerAction) {
    case 'pause':
      return playback.pause();
    case 'resume':
      return playback.resume();
    case 'step': {
      playback.pause();
      const next = nextNs();
      if (next !== undefined) playback.reach(next);
      return;
    }
    case 'seek':
      return playback.seek(value * 1e6);
    case 'speed':
      if (!(value >= 0)) throw badCommand(`the speed is ${value}; it must be 0 (unlimited) or more`);
      return playback.resume(value === 0 ? Infinity : value);
    default:
      throw badCommand(
        `the action is ${JSON.stringify(action)}; it must be one of ${PLAYER_ACTIONS.join(', ')}`,
      );
  }
}

function badCommand(message: string): MirrorflowError {
  return new MirrorflowError('BAD_OPTION', message, { option: 'action' });
}
