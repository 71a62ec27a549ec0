/**
 * A private Redis or NATS server in a temporary directory: this program is its parent, so that
 * neither of them outlives the benchmark, however that ends.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { answerQuestions, settingsOf } from './answering.js';
import type { BrokerKind } from './broker.js';

/** Where the server listens, as in `BrokerSettings`, and the process that it is. */
export interface BrokerPlace {
  readonly address: string;
  readonly pid: number;
}

/** A server that does not listen by then fails the benchmark. */
const START_MS = 10_000;
/** NATS refuses larger messages, by default those above 1 MiB. */
const NATS_PAYLOAD_BYTES_MAX = 16 * 2 ** 20;
/**
 * NATS disconnects a subscriber for which more than this waits, or that takes nothing for so long:
 * a window is far less.
 */
const NATS_PENDING_BYTES_MAX = 256 * 2 ** 20;
const NATS_WRITE_DEADLINE = '60s';

/**
 * How a server is started; what it says when it listens has the address as its first group, or the
 * address is known.
 */
interface Start {
  readonly command: string;
  readonly options: readonly string[];
  readonly listens: RegExp;
  readonly address?: string;
}

const { kind } = settingsOf<{ kind: BrokerKind }>();
const directory = mkdtempSync(join(tmpdir(), 'mirrorflow-bench-'));
const { command, options, listens, address } = { redis, nats }[kind]();
const server = spawn(command, options, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] });
process.on('exit', () => {
  server.kill('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(1));
const place = await placeOf(server);
answerQuestions({
  /** Undefined when the server is not installed. */
  place: () => place,
  end: async () => {
    if (place === undefined) return;
    server.removeAllListeners('exit');
    const ended = once(server, 'exit');
    server.kill('SIGKILL');
    await ended;
  },
});

/** Nothing is kept on disk, and no subscriber is disconnected for what waits for it. */
function redis(): Start {
  const path = join(directory, 'redis.sock');
  const listening = ['--port', '0', '--unixsocket', path];
  const keeping = ['--save', '', '--appendonly', 'no'];
  const limits = ['--client-output-buffer-limit', 'pubsub', '0', '0', '0'];
  return {
    command: 'redis-server',
    options: [...listening, ...keeping, ...limits],
    listens: /ready to accept connections/i,
    address: path,
  };
}

/** On a port that is free: it knows no Unix sockets. */
function nats(): Start {
  const path = join(directory, 'nats.conf');
  const lines = [
    'listen: "127.0.0.1:-1"',
    `max_payload: ${NATS_PAYLOAD_BYTES_MAX}`,
    `max_pending: ${NATS_PENDING_BYTES_MAX}`,
    `write_deadline: "${NATS_WRITE_DEADLINE}"`,
  ];
  writeFileSync(path, `${lines.join('\n')}\n`);
  return {
    command: 'nats-server',
    options: ['--config', path],
    listens: /Listening for client connections on (\S+)/,
  };
}

/**
 * Rejects with what the server says when it ends before it listens; its end after that is the end
 * of this program.
 */
function placeOf(child: ChildProcess): Promise<BrokerPlace | undefined> {
  return new Promise((resolve, reject) => {
    let said = '';
    let listening = false;
    const late = (): void => reject(new Error(`${command} does not listen after ${START_MS} ms: ${said}`));
    const timer = setTimeout(late, START_MS);
    const hear = (text: Buffer): void => {
      if (listening) return; // read all the same: a full pipe would stop it
      said += text.toString();
      const found = listens.exec(said);
      if (found === null) return;
      listening = true;
      clearTimeout(timer);
      resolve({ address: address ?? found[1] ?? '', pid: child.pid ?? 0 });
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    child.once('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      if (error.code === 'ENOENT') resolve(undefined);
      else reject(error);
    });
    child.once('exit', (code, signal) => {
      if (listening) process.exit(1);
      reject(new Error(`${command} ended with ${signal ?? code}: ${said}`));
    });
  });
}
