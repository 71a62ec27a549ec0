/**
 * The part of the clean-up for the runtime directory: records, sockets and temporary files whose
 * owner is dead. Connects to sockets to find out, removes through `Sweep`.
 */
import { connect } from 'node:net';
import { join } from 'node:path';
import { systemCode } from '../../base/errors.js';
import {
  appSocketPath,
  flowFilePath,
  hostSocketPath,
  linkSocketPath,
  providerSocketPath,
  datagramSocketPath,
} from '../../base/paths.js';
import { NATS_RECORD } from '../../nats/options.js';
import { isName } from '../../base/names.js';
import { HOST_RIGHTS, RIGHTS, USER_RIGHTS } from '../../base/rights.js';
import { ownerOfRecord } from './records.js';
import { flowFileOwner } from './flow-file-owner.js';
import { sweepTemporaries } from './flow-directory.js';
import { removeAside, type Sweep } from './sweep.js';

const RECORD_SUFFIX = '.json';
const TOKEN_FILE = new RegExp(`^(.+)\\.(?:${RIGHTS.join('|')})\\.token$`);
/** A stopped or busy server does not refuse: without an answer the socket counts as in use. */
const PROBE_TIMEOUT_MS = 500;

export interface RuntimePlaces {
  readonly directory: string;
  readonly flowDirectory: string;
  /** Records of dead app servers that a host server reads to restart their applications. */
  readonly keepsRecord: (app: string) => boolean;
}

export async function sweepRuntimeDirectory(sweep: Sweep, places: RuntimePlaces): Promise<void> {
  const { directory, flowDirectory, keepsRecord } = places;
  const apps = join(directory, 'apps');
  const links = join(directory, 'links');
  for (const folder of [directory, apps, links]) sweepTemporaries(sweep, folder);
  const hostRecord = join(directory, 'host.json');
  const hostLives = ownerOfRecord(hostRecord)?.alive === true;
  for (const right of HOST_RIGHTS) {
    if (!hostLives) await sweepSocket(sweep, hostSocketPath(directory, right), 'no host server lives');
  }
  sweepRecord(sweep, hostRecord);
  sweepRecord(sweep, join(directory, NATS_RECORD));
  const living = new Set<string>();
  const expected = new Set<string>();
  for (const name of sweep.namesIn(apps)) {
    const app = name.slice(0, -RECORD_SUFFIX.length);
    if (!name.endsWith(RECORD_SUFFIX) || !isName(app)) continue;
    const path = join(apps, name);
    if (ownerOfRecord(path)?.alive !== true) {
      if (keepsRecord(app)) expected.add(app);
      else sweepRecord(sweep, path);
      continue;
    }
    for (const right of USER_RIGHTS) living.add(appSocketPath(directory, app, right));
  }
  for (const name of sweep.namesIn(apps)) {
    const path = join(apps, name);
    if (!living.has(path)) await sweepSocket(sweep, path, 'its app server is dead');
  }
  sweepTokens(sweep, apps, expected);
  const ofLivingFlows = livingLinks(sweep, directory, flowDirectory);
  for (const name of sweep.namesIn(links)) {
    const path = join(links, name);
    if (!ofLivingFlows.some((link) => path.startsWith(link)))
      await sweepSocket(sweep, path, 'its duplicator is dead');
  }
}

/** The tokens of applications that have no app server, and for which none is `expected`. */
function sweepTokens(sweep: Sweep, apps: string, expected: ReadonlySet<string>): void {
  for (const name of sweep.namesIn(apps)) {
    const [, app] = TOKEN_FILE.exec(name) ?? [];
    const path = join(apps, name);
    if (app === undefined || expected.has(app) || sweep.own(path)?.isFile() !== true) continue;
    // An app server claims its record before it creates its tokens.
    if (ownerOfRecord(join(apps, `${app}${RECORD_SUFFIX}`))?.alive === true) continue;
    sweep.remove('token', path, 'no app server has this name');
  }
}

/** The link sockets of living duplicators; the sockets of their datagram clients begin alike. */
function livingLinks(sweep: Sweep, directory: string, flowDirectory: string): string[] {
  const links: string[] = [];
  for (const app of sweep.namesIn(flowDirectory).filter(isName)) {
    for (const name of sweep.namesIn(join(flowDirectory, app))) {
      const flow = name.slice(0, -'.flow'.length);
      if (!name.endsWith('.flow') || !isName(flow)) continue;
      if (flowFileOwner(flowFilePath(flowDirectory, app, flow)) !== 'owned') continue;
      links.push(
        linkSocketPath(directory, app, flow),
        providerSocketPath(directory, app, flow),
        datagramSocketPath(directory, app, flow),
      );
    }
  }
  return links;
}

function sweepRecord(sweep: Sweep, path: string): void {
  const owner = ownerOfRecord(path);
  if (owner === undefined || owner.alive || sweep.own(path)?.isFile() !== true) return;
  const taken = (): boolean => ownerOfRecord(path)?.alive === true;
  sweep.remove('record', path, `process ${owner.pid} is dead`, () => removeAside(path, taken));
}

/** Removes a socket without a known living owner on which no process listens. */
async function sweepSocket(sweep: Sweep, path: string, reason: string): Promise<void> {
  const before = sweep.own(path);
  if (before?.isSocket() !== true || !(await hasNoListener(path))) return;
  if (sweep.own(path)?.ino !== before.ino) return;
  sweep.remove('socket', path, `${reason}, and no process listens on it`);
}

/** A refused connection proves that no process listens. */
function hasNoListener(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    const end = (unused: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(unused);
    };
    const timer = setTimeout(() => end(false), PROBE_TIMEOUT_MS);
    socket.once('connect', () => end(false));
    socket.once('error', (error) => end(systemCode(error) === 'ECONNREFUSED'));
  });
}
