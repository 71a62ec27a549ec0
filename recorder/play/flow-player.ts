/**
 * Plays the recorded buffers of all flows: provides each flow under its name, with its type, and
 * commits every buffer with its time and flags when the player's position reaches it. Started by
 * the player. Writes flows through the client it is given.
 */
import type { Client, OutputFlow } from '../../client-lib/index.js';
import type { Recording } from '../read/recording.js';
import { pauseUnlessAborted } from '../record/pause.js';
import type { Playback } from './playback.js';

/** Buffers that are played without a look at the event loop in between. */
const BATCH = 64;

export class FlowPlayer {
  readonly #recording: Recording;
  readonly #playback: Playback;
  readonly #outputs = new Map<string, OutputFlow>();
  /** Time of the next buffer, for a step. */
  nextNs: number | undefined;
  played = 0;

  /** Opens the flows. Throws as `Client.openOutput`. */
  static async open(client: Client, recording: Recording, playback: Playback): Promise<FlowPlayer> {
    const player = new FlowPlayer(recording, playback);
    for (const { flow, type, properties, bufferSize, buffers, isMirror } of recording.flows()) {
      if (isMirror) continue;
      const output = await client.openOutput(flow, { bufferSize, buffers, type, properties });
      player.#outputs.set(flow, output);
    }
    playback.waitsForFlows = player.#outputs.size > 0;
    return player;
  }

  private constructor(recording: Recording, playback: Playback) {
    this.#recording = recording;
    this.#playback = playback;
  }

  get flows(): number {
    return this.#outputs.size;
  }

  /** Plays until the end of the recording or until the signal is aborted, and closes the flows. */
  async run(signal: AbortSignal): Promise<void> {
    const playback = this.#playback;
    const aborted = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    try {
      while (!signal.aborted && playback.state !== 'ended') await this.#play(signal, aborted);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      for (const output of this.#outputs.values()) await output.close();
    }
  }

  /** Plays on from the present position to the end, or until the position has jumped. */
  async #play(signal: AbortSignal, aborted: Promise<void>): Promise<void> {
    const playback = this.#playback;
    const { jumps } = playback;
    const { toNs } = playback.range;
    const flows = new Set(this.#outputs.keys());
    const reached = async (atNs: number): Promise<boolean> => {
      this.nextNs = atNs;
      for (;;) {
        if (signal.aborted || playback.jumps !== jumps) return false;
        const waitMs = playback.msUntil(atNs);
        if (waitMs === 0) return true;
        await this.#wait(waitMs, aborted);
      }
    };
    for (const buffer of this.#recording.buffers(flows, playback.positionNs, toNs)) {
      const { flow, timestampNs, data, flags } = buffer;
      if (!(await reached(timestampNs))) return;
      const output = this.#outputs.get(flow);
      const slot = output?.reserveNow() ?? (await output?.reserve({ signal }));
      slot?.data.set(data);
      slot?.commit(data.length, { flags, timestampNs });
      playback.reach(timestampNs);
      this.played += 1;
      if (this.played % BATCH === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    if (await reached(toNs)) playback.end();
  }

  async #wait(waitMs: number, aborted: Promise<void>): Promise<void> {
    const ended = new AbortController();
    const waits = [this.#playback.changed(), aborted];
    if (waitMs !== Infinity) waits.push(pauseUnlessAborted(waitMs, ended.signal));
    await Promise.race(waits);
    ended.abort();
  }
}
