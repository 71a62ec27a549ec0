/**
 * The mirrors of an application's SpecTcl, for the method `app.mirrors`: the entries of SpecTcl's
 * own directory, and the mirrors behind the application's gateway.
 *
 * `application-calls.ts` calls it. Asks the REST services of SpecTcl and of the gateway.
 */
import { parseAddress } from '../../protocol/base/address.js';
import { LIMITS } from '../../protocol/base/limits.js';
import { systemClock } from '../../protocol/base/clock.js';
import { describeError } from '../../protocol/base/errors.js';
import type { CONTRACT } from '../../protocol/rpc/contract/methods.js';
import type { ResultOf } from '../../protocol/rpc/xml-rpc/contract.js';
import { lookUpService } from '../../protocol/spectcl/port-manager.js';
import { SpecTclRest } from '../../protocol/spectcl/rest-client.js';
import { exchange } from '../../protocol/spectcl/rest-exchange.js';
import { decodeText } from '../../protocol/spectcl/text.js';
import type { GatewayInfo } from '../../protocol/rpc/contract/shapes.js';

/** Longest wait for each answer of SpecTcl, its port manager and the gateway. */
const TIMEOUT_MS = 2_000;

type Mirrors = ResultOf<(typeof CONTRACT)['app.mirrors']>;
type MirrorEntry = Mirrors['mirrors'][number];

/**
 * `source` is the address of SpecTcl; undefined for an application without one. A service that
 * does not answer is named in `unanswered`, with the cause.
 */
export async function mirrorsOf(
  source: string | undefined,
  gateway: GatewayInfo | undefined,
): Promise<Mirrors> {
  const mirrors: MirrorEntry[] = [];
  const unanswered: { at: MirrorEntry['at']; cause: string }[] = [];
  const collect = async (at: MirrorEntry['at'], entries: Promise<MirrorEntry[]>): Promise<void> => {
    try {
      mirrors.push(...(await entries));
    } catch (error) {
      unanswered.push({ at, cause: describeError(error).slice(0, LIMITS.causeCharacters) });
    }
  };
  if (source !== undefined) await collect('spectcl', mirrorsAtSpecTcl(source));
  const { host, restPort, state } = gateway ?? {};
  if (state === 'running' && host !== undefined && restPort !== undefined) {
    await collect('gateway', mirrorsAtGateway(host, restPort));
  }
  return { mirrors, unanswered };
}

async function mirrorsAtSpecTcl(source: string): Promise<MirrorEntry[]> {
  const { host, rest, user } = parseAddress(source, { schemes: ['spectcl'] });
  const port =
    typeof rest === 'number' ? rest : await lookUpService(host, rest, user, { timeoutMs: TIMEOUT_MS });
  const client = new SpecTclRest({ host, port }, { timeoutMs: TIMEOUT_MS });
  try {
    return (await client.mirrors()).map(({ host: mirror, shmkey }) => ({
      at: 'spectcl',
      host: mirror,
      key: shmkey,
    }));
  } finally {
    client.close();
  }
}

async function mirrorsAtGateway(listenHost: string, port: number): Promise<MirrorEntry[]> {
  const host = { '0.0.0.0': '127.0.0.1', '::': '::1' }[listenHost] ?? listenHost;
  const { body } = await exchange({
    host,
    port,
    path: '/spectcl/mirror/list',
    agent: false,
    timeoutMs: TIMEOUT_MS,
    clock: systemClock,
    signals: [],
    repeatable: true,
  });
  const { status, detail } = JSON.parse(decodeText(body)) as { status: string; detail: unknown };
  if (status !== 'OK') throw new Error(status);
  return (detail as { name: string; size: number; client: string }[]).map(({ name, size, client }) => ({
    at: 'gateway',
    host: client,
    key: name,
    megabytes: size,
  }));
}
