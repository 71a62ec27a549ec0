/**
 * The subjects of one flow below NatsSubjects.data. Publisher and receivers use them. Pure.
 *
 * ```
 * ….kept.live.data         groups of buffers; of a mirror the deltas
 * ….kept.live.description  the flow and the state of its source, at changes and as a sign of life
 * ….kept.live.key          the last parcel of a mirror's key frame, which its receivers may drop
 * ….kept.key               the other parcels of a key frame: for receivers that join
 * ….passing                groups of buffers of a flow that is published lossy
 * ```
 *
 * The stream of the site stores what is `kept`. Receivers subscribe to `live` and `passing`; the
 * newest message of `live.key` leads to the newest whole key frame in the stream.
 */
import type { NatsSubjects } from './subjects.js';

export interface FlowChannels {
  readonly data: string;
  readonly description: string;
  readonly keyEnd: string;
  readonly keyParts: string;
  readonly passing: string;
  /** What receivers subscribe to, beside `passing`. */
  readonly live: string;
  /** Everything of the flow that is stored. */
  readonly kept: string;
}

export function flowChannels(subjects: NatsSubjects, app: string, flow: string): FlowChannels {
  return {
    data: subjects.data(app, flow, 'kept', 'live', 'data'),
    description: subjects.data(app, flow, 'kept', 'live', 'description'),
    keyEnd: subjects.data(app, flow, 'kept', 'live', 'key'),
    keyParts: subjects.data(app, flow, 'kept', 'key'),
    passing: subjects.data(app, flow, 'passing'),
    live: subjects.data(app, flow, 'kept', 'live', '*'),
    kept: subjects.data(app, flow, 'kept', '>'),
  };
}

/** The subjects that the stream of a site stores. */
export function storedSubjects(subjects: NatsSubjects): string[] {
  return [subjects.data('*', '*', 'kept', '>')];
}
