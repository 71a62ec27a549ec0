/**
 * Parses and validates the text messages of a page, which are untrusted input. `PageSession` of the
 * server calls it for each WebSocket message. Pure.
 */
import { REMEMBERED_SPECTRA_MAX, type PageMessage } from './messages.js';
import { PLAYER_ACTIONS, type PlayerRequest } from './recording.js';
import {
  CELLS_MAX,
  COLUMNS_MAX,
  OUTLINE_POINTS_MAX,
  RATE_WINDOWS_S,
  REGIONS_MAX,
  SUBSCRIPTIONS_MAX,
  type ChannelOutline,
  type RegionRequest,
  type Subscription,
} from './subscription.js';
import { isIndex, isRange, type ChannelRange } from './ranges.js';

/** Bounds of what a page may send; SpecTcl's own names and axes are smaller. */
const NAME_CHARACTERS_MAX = 256;
const INTERVAL_MAX_MS = 60_000;
const SPEED_MAX = 1e6;
/** The year 2200. */
const MOMENT_MAX_MS = 7_258_118_400_000;

type Fields = Readonly<Record<string, unknown>>;

/** Undefined for an invalid message; never throws. */
export function parsePageMessage(text: string): PageMessage | undefined {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isFields(message)) return undefined;
  switch (message['kind']) {
    case 'app': {
      const app = message['app'];
      return app === null || isName(app) ? { kind: 'app', app } : undefined;
    }
    case 'show':
      return parseShow(message['subscriptions']);
    case 'ack': {
      const { id, again } = message;
      if (!isIndex(id) || (again !== undefined && typeof again !== 'boolean')) return undefined;
      return { kind: 'ack', id, ...(again === undefined ? {} : { again }) };
    }
    case 'remember': {
      const { request, spectra } = message;
      if (!isIndex(request) || !Array.isArray(spectra) || spectra.length > REMEMBERED_SPECTRA_MAX) {
        return undefined;
      }
      return spectra.every(isName) ? { kind: 'remember', request, spectra } : undefined;
    }
    case 'network': {
      const on = message['on'];
      return typeof on === 'boolean' ? { kind: 'network', on } : undefined;
    }
    case 'moment': {
      const atMs = message['atMs'];
      return atMs === null || isMoment(atMs) ? { kind: 'moment', atMs } : undefined;
    }
    case 'player': {
      const player = parsePlayerRequest(message['player']);
      return player === undefined ? undefined : { kind: 'player', player };
    }
    case 'control': {
      const { request, action, app } = message;
      if (!isIndex(request) || !isName(app)) return undefined;
      return action === 'run' || action === 'stop' ? { kind: 'control', request, action, app } : undefined;
    }
    default:
      return undefined;
  }
}

function parsePlayerRequest(item: unknown): PlayerRequest | undefined {
  if (!isFields(item)) return undefined;
  const { value } = item;
  const action = PLAYER_ACTIONS.find((known) => known === item['action']);
  switch (action) {
    case 'pause':
    case 'resume':
    case 'step':
      return value === undefined ? { action } : undefined;
    case 'seek':
      return isMoment(value) ? { action, value } : undefined;
    case 'speed':
      return typeof value === 'number' && value >= 0 && value <= SPEED_MAX ? { action, value } : undefined;
    case undefined:
      return undefined;
    default:
      return action satisfies never;
  }
}

function parseShow(items: unknown): PageMessage | undefined {
  if (!Array.isArray(items) || items.length > SUBSCRIPTIONS_MAX) return undefined;
  const subscriptions: Subscription[] = [];
  for (const item of items) {
    const subscription = isFields(item) ? parseSubscription(item) : undefined;
    if (subscription === undefined) return undefined;
    subscriptions.push(subscription);
  }
  return { kind: 'show', subscriptions };
}

function parseSubscription(item: Fields): Subscription | undefined {
  const { id, spectrum, columns, rows, projection, rateS, minIntervalMs } = item;
  if (!isIndex(id) || !isName(spectrum) || !isCount(columns) || !isCount(rows)) return undefined;
  if (columns * rows > CELLS_MAX) return undefined;
  if (projection !== undefined && projection !== 'x' && projection !== 'y') return undefined;
  const window = RATE_WINDOWS_S.find((allowed) => allowed === rateS);
  if (rateS !== undefined && window === undefined) return undefined;
  const ranges = ['x', 'y', 'band'] as const;
  if (ranges.some((name) => item[name] !== undefined && !isRange(item[name]))) return undefined;
  if (minIntervalMs !== undefined && !isInterval(minIntervalMs)) return undefined;
  const { atMs, sinceMs, within, regions, gates } = item;
  if (atMs !== undefined && !isMoment(atMs)) return undefined;
  if (sinceMs !== undefined && (!isMoment(sinceMs) || rateS !== undefined)) return undefined;
  if (within !== undefined && !isOutline(within)) return undefined;
  if (gates !== undefined && typeof gates !== 'boolean') return undefined;
  if (regions !== undefined && !isRegionList(regions)) return undefined;
  return {
    id,
    spectrum,
    columns,
    rows,
    projection,
    rateS: window,
    x: item['x'] as ChannelRange | undefined,
    y: item['y'] as ChannelRange | undefined,
    band: item['band'] as ChannelRange | undefined,
    sinceMs,
    within,
    regions,
    gates,
    minIntervalMs,
    atMs,
  };
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= NAME_CHARACTERS_MAX;
}

/** Milliseconds since 1970. */
export function isMoment(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) > 0 && (value as number) <= MOMENT_MAX_MS;
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= COLUMNS_MAX;
}

function isInterval(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= INTERVAL_MAX_MS;
}

function isOutline(value: unknown): value is ChannelOutline {
  if (!isFields(value) || (value['shape'] !== 'contour' && value['shape'] !== 'band')) return false;
  const { points } = value;
  if (!Array.isArray(points) || points.length > OUTLINE_POINTS_MAX) return false;
  return points.every((point: unknown) => isFields(point) && isPlace(point['x']) && isPlace(point['y']));
}

/** Gates may reach far beyond the axes. */
function isPlace(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value);
}

function isRegionList(value: unknown): value is readonly RegionRequest[] {
  return Array.isArray(value) && value.length <= REGIONS_MAX && value.every(isRegion);
}

function isRegion(value: unknown): value is RegionRequest {
  if (!isFields(value) || !isRange(value['x'])) return false;
  const { y, counts } = value;
  return (y === undefined || isRange(y)) && (counts === undefined || typeof counts === 'boolean');
}
