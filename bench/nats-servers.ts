/**
 * Two NATS servers for a benchmark: the one of a laboratory, and a leaf node of an institute behind
 * a relay with a rate and a delay. Used by `nats.ts`. Spawns processes; creates and removes a
 * directory.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LinkRelay, type LinkShape } from './link-relay.js';

/** Debian installs it here, which is not in every user's PATH. */
const DEBIAN_PROGRAM = '/usr/sbin/nats-server';
const READY_MS = 10_000;

export interface NatsServers {
  /** Between clients and the server of the laboratory: counts what a publisher sends. */
  readonly source: LinkRelay;
  /** Between the laboratory and the leaf node. */
  readonly link: LinkRelay;
  /** `host:port` for clients at the institute. */
  readonly leaf: string;
  readonly stop: () => Promise<void>;
}

/** Undefined where nats-server is not installed. */
export function natsServerProgram(): string | undefined {
  if (spawnSync('nats-server', ['--version']).status === 0) return 'nats-server';
  return existsSync(DEBIAN_PROGRAM) ? DEBIAN_PROGRAM : undefined;
}

/** `lab` and `institute`: names of the sites, and of the JetStream domains of their servers. */
export async function startNatsServers(
  program: string,
  lab: string,
  institute: string,
  shape: LinkShape,
): Promise<NatsServers> {
  const directory = mkdtempSync(join(tmpdir(), 'mirrorflow-bench-nats-'));
  const children: ChildProcess[] = [];
  const relays: LinkRelay[] = [];
  const stop = async (): Promise<void> => {
    for (const child of children) await end(child);
    for (const relay of relays) await relay.close();
    rmSync(directory, { recursive: true, force: true });
  };
  const start = async (name: string, leafnodes: string): Promise<string> => {
    const file = join(directory, `${name}.conf`);
    const jetstream = `jetstream { store_dir: "${join(directory, name)}", domain: "${name}" }`;
    const text = ['listen: "127.0.0.1:-1"', `server_name: "${name}"`, jetstream, leafnodes, ''];
    writeFileSync(file, text.join('\n'));
    const child = spawn(program, ['-c', file], { stdio: ['ignore', 'ignore', 'pipe'] });
    children.push(child);
    return ready(child);
  };
  try {
    const log = await start(lab, 'leafnodes { listen: "127.0.0.1:-1" }');
    const source = await LinkRelay.before(portIn(log, 'client'), {});
    const link = await LinkRelay.before(portIn(log, 'leafnode'), shape);
    relays.push(source, link);
    const remote = `leafnodes { remotes: [ { urls: ["nats-leaf://127.0.0.1:${link.port}"] } ] }`;
    const leaf = `127.0.0.1:${portIn(await start(institute, remote), 'client')}`;
    return { source, link, leaf, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Resolves with the log when clients can connect. */
async function ready(child: ChildProcess): Promise<string> {
  let log = '';
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`nats-server is not ready: ${log}`)), READY_MS);
    child.once('error', reject).once('exit', () => reject(new Error(`nats-server has ended: ${log}`)));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      log += text;
      if (!log.includes('Server is ready')) return;
      clearTimeout(timer);
      resolve();
    });
  });
  return log;
}

function portIn(log: string, kind: 'client' | 'leafnode'): number {
  const [, port] = new RegExp(`Listening for ${kind} connections on \\S*:(\\d+)`).exec(log) ?? [];
  if (port === undefined) throw new Error(`nats-server does not listen for ${kind} connections: ${log}`);
  return Number(port);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}
