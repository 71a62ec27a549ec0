/**
 * What pages and server exchange about recordings: the time line of an application, the moment of
 * it that a page shows, and a recording that is played as an application, with its player.
 * `messages.ts` carries them. Types and constants.
 */
import type { GateShape } from '../../protocol/spectcl/gate-shape.js';
import type { SpectrumInfo } from './spectrum-info.js';

/** A change of the run, as it was recorded. */
export interface RunTick {
  readonly atMs: number;
  readonly number: string;
  readonly state: string;
  readonly title: string;
}

/** What was recorded of the spectra of one application; times in milliseconds since 1970. */
export interface Timeline {
  /** In order and without overlap; none where nothing is recorded. */
  readonly spans: readonly (readonly [startMs: number, endMs: number])[];
  readonly runs: readonly RunTick[];
  /** From one recorded publication to the next, on average. */
  readonly stepMs: number;
  /** Files that cannot be read. */
  readonly unreadable: number;
}

/** A recording that is being played as an application; times in milliseconds since 1970. */
export interface Replay {
  readonly state: 'playing' | 'paused' | 'ended';
  readonly atMs: number;
  readonly fromMs: number;
  readonly toMs: number;
  /** Recorded seconds per second; 0 for as fast as readers take it. */
  readonly speed: number;
}

/** The recorded publication that a page shows instead of the present one. */
export interface ShownMoment {
  /** Time of the publication, at or before the moment. */
  readonly dataMs: number;
  readonly gates: readonly GateShape[];
  readonly spectra: readonly SpectrumInfo[];
}

export const PLAYER_ACTIONS = ['pause', 'resume', 'step', 'seek', 'speed'] as const;

/**
 * `value`: of `seek` milliseconds since 1970, of `speed` recorded seconds per second, 0 for as fast
 * as readers take it.
 */
export interface PlayerRequest {
  readonly action: (typeof PLAYER_ACTIONS)[number];
  readonly value?: number | undefined;
}
