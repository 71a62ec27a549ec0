/**
 * `mirrorflow player`: pauses, continues and moves a recording that is being played.
 *
 * Sends a message to the client `player` of the application.
 */
import { command } from '../command.js';
import { numberValue, timeValue } from '../option-values.js';
import { withClient } from '../servers.js';
import { MirrorflowError } from '../../protocol/base/errors.js';

const ACTIONS = ['pause', 'resume', 'step', 'seek', 'speed'] as const;
const SPEED_MAX = 1e6;

export const playerCommand = command({
  name: 'player',
  summary: 'pause, continue or move a recording that is being played',
  positionals: {
    action: { type: 'string', choices: ACTIONS, describe: 'what to do', demandOption: true },
    value: { type: 'string', describe: 'of seek the time, of speed recorded seconds per second or max' },
  },
  options: {
    app: {
      type: 'string',
      describe: 'the application of the player; optional when exactly one runs',
      completes: 'application',
    },
  },
  examples: [
    ['player pause --app e1.replay', 'stops at the present position'],
    ['player seek 2027-03-01T12:34:00Z --app e1.replay', 'jumps to a moment'],
  ],
  async run(context, { action, value, app }) {
    const { PLAYER_CLIENT, PlayerCommand } = await import('../../recorder/play/commands.js');
    const message = Object.assign(new PlayerCommand(), { action, value: valueOf(action, value) });
    await withClient(context, app, (client) => client.send(message, { to: { client: PLAYER_CLIENT } }));
  },
});

/** As the message has it: milliseconds since 1970, or a speed. */
function valueOf(action: (typeof ACTIONS)[number], value: string | undefined): number {
  const isNeeded = action === 'seek' || action === 'speed';
  if (value === undefined && !isNeeded) return 0;
  if (value === undefined || !isNeeded)
    throw new MirrorflowError('BAD_OPTION', `${action} takes ${isNeeded ? 'a value' : 'no value'}`);
  if (action === 'seek') return timeValue('value', value) / 1e6;
  return value === 'max' ? 0 : numberValue('value', value, { min: 0.001, max: SPEED_MAX });
}
