/**
 * The stream of a site at a NATS server: made with its bounds, and its end looked up. Called by
 * StreamWriter. Sends requests on the connection of the place.
 */
import { MirrorflowError } from '../../protocol/base/errors.js';
import { REQUEST_TIMEOUT_MS, type StreamPlace } from '../../protocol/nats/stream-place.js';

export interface StreamBounds {
  /** Subjects that the site may publish and have stored. */
  readonly subjects: readonly string[];
  readonly maxBytes: number;
  readonly maxAgeMs: number;
}

const STREAM_NOT_FOUND = 10_059;
const NS_PER_MS = 1_000_000;
/** The server remembers the numbers of messages for this time; never longer than the messages. */
const DUPLICATE_WINDOW_MS = 120_000;

interface StreamAnswer {
  readonly error?: { readonly err_code?: number; readonly description?: string };
  readonly config?: Readonly<Record<string, unknown>>;
  readonly state?: { readonly last_seq: number };
}

/** Makes the stream, or gives it other bounds. Rejects where the server refuses. */
export async function ensureStream(place: StreamPlace, bounds: StreamBounds): Promise<void> {
  const found = await ask(place, 'INFO');
  const wanted = configurationOf(place.stream, bounds);
  if (found.error?.err_code === STREAM_NOT_FOUND) {
    throwRefusal(place, await ask(place, 'CREATE', wanted));
    return;
  }
  throwRefusal(place, found);
  const present = found.config ?? {};
  const differs = Object.entries(wanted).some(
    ([key, value]) => JSON.stringify(present[key]) !== JSON.stringify(value),
  );
  if (differs) throwRefusal(place, await ask(place, 'UPDATE', { ...present, ...wanted }));
}

/** The last message of the stream: its sequence, 0 when there was none, and its Nats-Msg-Id. */
export async function streamEnd(
  place: StreamPlace,
): Promise<{ readonly sequence: number; readonly id: string }> {
  const answer = await ask(place, 'INFO');
  throwRefusal(place, answer);
  const sequence = answer.state?.last_seq ?? 0;
  if (sequence === 0) return { sequence, id: '' };
  const { connection, apiPrefix, stream } = place;
  const last = await connection.request(
    `${apiPrefix}.DIRECT.GET.${stream}`,
    JSON.stringify({ seq: sequence }),
    { timeout: REQUEST_TIMEOUT_MS },
  );
  // The last message may have expired: then no part of it is under way any more.
  return { sequence, id: last.headers?.code === 0 ? last.headers.get('Nats-Msg-Id') : '' };
}

function configurationOf(name: string, { subjects, maxBytes, maxAgeMs }: StreamBounds) {
  return {
    name,
    subjects,
    max_bytes: maxBytes,
    max_age: maxAgeMs * NS_PER_MS,
    duplicate_window: Math.min(maxAgeMs, DUPLICATE_WINDOW_MS) * NS_PER_MS,
    discard: 'old',
    retention: 'limits',
    storage: 'file',
    allow_direct: true,
  };
}

async function ask(
  { connection, apiPrefix, stream }: StreamPlace,
  what: string,
  body?: object,
): Promise<StreamAnswer> {
  const answer = await connection.request(
    `${apiPrefix}.STREAM.${what}.${stream}`,
    body === undefined ? undefined : JSON.stringify(body),
    { timeout: REQUEST_TIMEOUT_MS },
  );
  return answer.json<StreamAnswer>();
}

function throwRefusal({ stream }: StreamPlace, { error }: StreamAnswer): void {
  if (error === undefined) return;
  const cause = error.description ?? `error ${error.err_code}`;
  throw new MirrorflowError('SOURCE_REFUSED', `the NATS server refuses the stream ${stream}: ${cause}`, {
    stream,
  });
}
