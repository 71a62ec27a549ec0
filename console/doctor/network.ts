/**
 * Checks of what the host server has towards others: its viewer, and the hosts that it is to
 * connect with. `mirrorflow doctor` runs them. They ask the host server, and the viewer for
 * `/healthz`.
 */
import { get as httpGet } from 'node:http';
import { get as httpsGet } from 'node:https';
import type { TLSSocket } from 'node:tls';
import type { HostOnNetwork } from '../../client-lib/index.js';
import { describeError, isMirrorflowError } from '../../protocol/base/errors.js';
import { packageVersion } from '../../protocol/base/installation.js';
import { isLoopback } from '../../protocol/rpc/security/listening.js';
import { withHost } from '../servers.js';
import { fail, forController, ok, warn, type Check, type CheckContext, type Finding } from './check.js';

const ANSWER_TIMEOUT_MS = 2_000;
const DAY_MS = 86_400_000;
/** Time before the end of a certificate at which it is reported. */
const CERTIFICATE_DAYS_MIN = 14;
/** Addresses that a server listens on, and one of them that a client connects to. */
const ANY_ADDRESS: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '[::]': '[::1]' };

export const viewer: Check = {
  title: 'viewer',
  async run(context) {
    const info = await whereRunning(context, (host) => host.info());
    if (info === undefined) return ok('no host server runs, and so no viewer');
    const { web, webState, webCause } = info;
    const see = forController(
      context,
      `correct \`web\` of the configuration; see ${info.directory}/logs/web.log`,
    );
    if (web !== undefined) return examineViewer(context, web);
    if (webState === 'failed') return fail(`it does not start: ${webCause ?? 'unknown cause'}`, see);
    if (webState === 'starting' && webCause !== undefined)
      return fail(`it is started again: ${webCause}`, see);
    return ok(webState === 'starting' ? 'it is starting' : 'none is to be started');
  },
};

export const otherHosts: Check = {
  title: 'other hosts',
  async run(context) {
    const hosts = (await whereRunning(context, (host) => host.network())) ?? [];
    const others = hosts.filter(({ own, site }) => !own && site === undefined);
    return others.length === 0 ? ok('none is configured') : others.map((host) => examineHost(context, host));
  },
};

function examineHost(context: CheckContext, other: HostOnNetwork): Finding {
  const { host, address = '?', connected, version, cause, code } = other;
  const name = host === undefined ? address : `${host} at ${address}`;
  if (!connected)
    return fail(`${name} is not connected: ${cause ?? 'unknown cause'}`, remedyFor(context, code));
  if (cause !== undefined) return warn(`${name} is connected and does not answer: ${cause}`, 'see its log');
  if (version === packageVersion()) return ok(`${name} is connected, version ${version}`);
  return warn(
    `${name} is connected, with version ${version}; this one has ${packageVersion()}`,
    forController(context, 'install the same version on both: see docs/versions.md'),
  );
}

function remedyFor(context: CheckContext, code: string | undefined): string {
  switch (code) {
    case 'REFUSED':
    case 'NOT_PERMITTED':
      return forController(context, 'give both hosts the same secret, and names of their own (`hostName`)');
    case 'VERSION_MISMATCH':
      return forController(context, 'install the same version on both');
    default:
      return 'does its host server run and `listen` beyond 127.0.0.1, and is no firewall between?';
  }
}

async function examineViewer(context: CheckContext, address: string): Promise<Finding> {
  const url = new URL('/healthz', address);
  const readers = isLoopback(url.hostname.replaceAll(/[[\]]/g, ''))
    ? 'for this machine only'
    : 'also for other machines, which sign in with the secret';
  const untilMs = await answerOf(url).catch((error: unknown) => describeError(error));
  if (typeof untilMs === 'string') {
    return fail(`${address} does not answer: ${untilMs}`, forController(context, 'see logs/web.log'));
  }
  const found = `${address}, ${readers}`;
  const days = Math.floor((untilMs - Date.now()) / DAY_MS);
  if (days >= CERTIFICATE_DAYS_MIN) return ok(found);
  const end = days < 0 ? 'has expired' : `expires in less than ${days + 1} days`;
  return warn(
    `${found}; its certificate ${end}`,
    forController(context, 'replace it, and restart the host server'),
  );
}

/** When its certificate expires, in ms since 1970; Infinity without one. Rejects: no answer. */
function answerOf(url: URL): Promise<number> {
  const { hostname } = url;
  return new Promise((resolve, reject) => {
    const options = {
      host: (ANY_ADDRESS[hostname] ?? hostname).replaceAll(/[[\]]/g, ''),
      port: url.port,
      path: url.pathname,
      headers: { host: `localhost:${url.port}` },
      timeout: ANSWER_TIMEOUT_MS,
      // Whether the viewer answers; its certificate is for the names that browsers use.
      rejectUnauthorized: false,
    };
    const request = (url.protocol === 'https:' ? httpsGet : httpGet)(options, (answer) => {
      const expiresMs = expiryOf(answer.socket as TLSSocket);
      answer.resume();
      if (answer.statusCode === 200) resolve(expiresMs);
      else reject(new Error(`its answer has status ${answer.statusCode}`));
    });
    request.once('timeout', () => request.destroy(new Error(`no answer within ${ANSWER_TIMEOUT_MS} ms`)));
    request.once('error', reject);
  });
}

function expiryOf(socket: Partial<TLSSocket>): number {
  const text = socket.getPeerCertificate?.().valid_to;
  return text === undefined ? Infinity : Date.parse(text);
}

/** Undefined when no host server runs. */
async function whereRunning<T>(
  context: CheckContext,
  ask: Parameters<typeof withHost<T>>[1],
): Promise<T | undefined> {
  try {
    return await withHost(context, ask);
  } catch (error) {
    if (isMirrorflowError(error, 'NOT_RUNNING')) return undefined;
    throw error;
  }
}
