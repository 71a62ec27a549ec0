/**
 * A SpecTcl that shows a recording: its display memory and its lists are those of the player's
 * position. An application with this source has a mirror, a gateway and a viewer like that of a
 * live SpecTcl. Owned by the player. Listens on two loopback ports until `close`.
 */
import { SPECTRA_FLOW } from '../../client-lib/index.js';
import { DISPLAY_HEADER_BYTES } from '../../protocol/spectcl/display-memory.js';
import { hasSameDefinitions } from '../../protocol/spectcl/header-comparison.js';
import type { RecordedFlow } from '../flow-channel.js';
import type { RecordedPublication, PublicationCursor } from '../read/publication-cursor.js';
import type { Recording } from '../read/recording.js';
import type { Playback } from './playback.js';
import { ReplayedMirror } from './replayed-mirror.js';
import { ReplayedRest } from './replayed-rest.js';

const HOST = '127.0.0.1';

export class ReplayedSpecTcl {
  readonly #recording: Recording;
  readonly #playback: Playback;
  readonly #cursor: PublicationCursor;
  readonly #mirror: ReplayedMirror;
  readonly #rest: ReplayedRest;
  #publication: RecordedPublication;
  #definitions = 1;
  /** Address of this SpecTcl in mirrorflow's syntax. */
  address = '';

  /** Undefined when the recording has no publication of a SpecTcl in its range. */
  static async start(recording: Recording, playback: Playback): Promise<ReplayedSpecTcl | undefined> {
    const cursor = recording.cursor(SPECTRA_FLOW);
    const { firstNs } = cursor;
    if (firstNs === undefined) return undefined;
    // Before its first publication the recording shows that one.
    const first = cursor.moveTo(Math.max(firstNs, playback.range.fromNs));
    if (first === undefined) return undefined;
    const spectcl = new ReplayedSpecTcl(recording, playback, cursor, first);
    const [rest, mirror] = await Promise.all([spectcl.#rest.listen(HOST), spectcl.#mirror.listen(HOST)]);
    spectcl.address = `spectcl://${HOST}?rest=${rest}&mirror=${mirror}`;
    return spectcl;
  }

  private constructor(
    recording: Recording,
    playback: Playback,
    cursor: PublicationCursor,
    first: RecordedPublication,
  ) {
    this.#recording = recording;
    this.#playback = playback;
    this.#cursor = cursor;
    this.#publication = first;
    this.#mirror = new ReplayedMirror(() => this.#present(true).memory);
    this.#rest = new ReplayedRest({
      memory: () => this.#present().memory,
      // A publication ends behind its last spectrum; the memory has room for more.
      channelBytes: Math.max(...recording.flows().map(roomOf)) - DISPLAY_HEADER_BYTES,
      answer: (request) => recording.answerAt(request, this.#publication.timestampNs),
      definitions: () => this.#definitions,
      variables: () => ({
        ReplayState: playback.state,
        ReplayTime: isoTime(playback.positionNs),
        ReplayFrom: isoTime(playback.range.fromNs),
        // A seek to it reaches the last publication.
        ReplayTo: isoTime(Math.ceil(playback.range.toNs / 1e6) * 1e6),
        ReplaySpeed: playback.speed === Infinity ? '0' : String(playback.speed),
      }),
    });
  }

  /** Time of the publication after the present one, for a step. */
  get nextNs(): number | undefined {
    this.#present();
    return this.#cursor.nextNs;
  }

  async close(): Promise<void> {
    await Promise.all([this.#rest.close(), this.#mirror.close()]);
  }

  /** `advance`: at unlimited speed each update shows the next publication. */
  #present(advance = false): RecordedPublication {
    const playback = this.#playback;
    const isUnlimited = advance && playback.speed === Infinity && playback.state === 'playing';
    if (isUnlimited && this.#recording.flows().every(({ isMirror }) => isMirror)) {
      const { nextNs } = this.#cursor;
      if (nextNs === undefined || nextNs > playback.range.toNs) playback.end();
      else playback.reach(nextNs);
    }
    const found = this.#cursor.moveTo(playback.positionNs);
    if (found === undefined || found === this.#publication) return this.#publication;
    if (!hasSameDefinitions(found.memory, this.#publication.memory)) this.#definitions += 1;
    this.#publication = found;
    return this.#publication;
  }
}

function isoTime(ns: number): string {
  return new Date(ns / 1e6).toISOString();
}

function roomOf({ flow, bufferSize }: RecordedFlow): number {
  return flow === SPECTRA_FLOW ? bufferSize : 0;
}
