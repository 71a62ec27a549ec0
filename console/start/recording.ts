/**
 * The recording of `mirrorflow start --record DIRECTORY`: the publications of the mirror, written
 * by the command itself with the rights of its user.
 *
 * `session.ts` begins and ends it. Opens a client of its own and writes files into one directory.
 */
import { connect } from '../../client-lib/index.js';
import { describeError } from '../../protocol/base/errors.js';

/** As the recorder of an application: see docs/recording.md. */
const EVERY_MS = 5_000;
const ROTATE_MS = 3_600_000;

export interface RecordedMirror {
  readonly app: string;
  readonly flow: string;
  /** Runtime directory of the host server. */
  readonly directory: string;
  /** Where the files go. */
  readonly recordings: string;
}

export class OwnRecording {
  readonly #ending: AbortController;
  readonly #running: Promise<void>;

  private constructor(ending: AbortController, running: Promise<void>) {
    this.#ending = ending;
    this.#running = running;
  }

  /**
   * Begins at once; `report` gets sentences about it, also that it has failed. The mirror continues
   * without it. Throws what `connect` throws.
   */
  static async begin(mirror: RecordedMirror, report: (text: string) => void): Promise<OwnRecording> {
    const { app, flow, directory, recordings } = mirror;
    const [{ record }, client] = await Promise.all([
      import('../../recorder/record/record.js'),
      connect({ app, name: 'record', program: 'mirrorflow start --record', directory }),
    ]);
    const ending = new AbortController();
    const options = {
      flows: [flow],
      directory: recordings,
      everyMs: EVERY_MS,
      rotateMs: ROTATE_MS,
      hold: false,
      lossy: false,
    };
    const run = async (): Promise<void> => {
      try {
        const { paths } = await record(client, options, ending.signal, () => undefined);
        report(`Recorded ${paths.join(', ')}.`);
      } catch (error) {
        report(`The recording has ended: ${describeError(error)}`);
      } finally {
        await client.close().catch(() => undefined);
      }
    };
    return new OwnRecording(ending, run());
  }

  /** Resolves when the files are closed. */
  close(): Promise<void> {
    this.#ending.abort();
    return this.#running;
  }
}
