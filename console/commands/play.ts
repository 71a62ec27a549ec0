/**
 * `mirrorflow play`: plays a recording as an application of its own.
 *
 * Starts an application at the host server, provides its flows and stands in for its SpecTcl, until
 * Ctrl-C or the end.
 */
import { command, RECORDING_FILES } from '../command.js';
import { numberValue, timeValue } from '../option-values.js';
import { withHost } from '../servers.js';

const SPEED_MAX = 1e6;

export const playCommand = command({
  name: 'play',
  summary: 'play a recording as an application of its own',
  positionals: { files: RECORDING_FILES },
  options: {
    app: {
      type: 'string',
      describe: 'name of the application; default: that of the recorded one with .replay',
    },
    speed: { type: 'string', default: '1', describe: 'recorded seconds per second, or max' },
    from: { type: 'string', describe: 'begin at this time, such as 2027-03-01T12:00:00Z' },
    to: { type: 'string', describe: 'end at this time' },
    loop: { type: 'boolean', describe: 'begin again at the end' },
    paused: { type: 'boolean', describe: 'wait at the beginning for `mirrorflow player resume`' },
  },
  examples: [
    ['play /data/recordings --speed 60', 'an hour in a minute'],
    ['play e1-20270301T120000Z.mcap --app check', 'under the name check'],
  ],
  epilogue:
    'The mirror, the viewer and the gateway of the application show the recording; SpecTcl requests that would change something are refused. `mirrorflow player` pauses, steps and jumps. Flows alone end with the recording; a mirror stays until Ctrl-C.',
  async run(context, values) {
    const { output, signal, directory } = context;
    const options = {
      app: values.app,
      directory,
      speed:
        values.speed === 'max'
          ? Number.POSITIVE_INFINITY
          : numberValue('speed', values.speed, { min: 0.001, max: SPEED_MAX }),
      fromNs: values.from === undefined ? undefined : timeValue('from', values.from),
      toNs: values.to === undefined ? undefined : timeValue('to', values.to),
      loop: values.loop === true,
      paused: values.paused === true,
    };
    const { Recording } = await import('../../recorder/read/recording.js');
    const { recordingPaths } = await import('../../recorder/read/verify.js');
    const { play } = await import('../../recorder/play/player.js');
    const recording = new Recording(values.files.flatMap(recordingPaths));
    try {
      const played = await withHost(
        context,
        (host) => play(host, recording, options, signal, (app) => output.note(`playing as ${app}`)),
        { live: true },
      );
      if (output.json) output.value({ played });
      else output.lines([`${played} buffers played`]);
    } finally {
      recording.close();
    }
  },
});
