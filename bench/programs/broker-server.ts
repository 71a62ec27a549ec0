/**
 * A private Redis or NATS server for `fanout`, in a temporary directory. This program is the
 * server's parent, so that the server ends with the benchmark, however that ends. Spawns the
 * server; creates and removes the directory.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serveRequests, readSettings } from './control-channel.js';
import type { BrokerKind } from './broker.js';

/** The address as in `BrokerSettings`, and the server's process. */
export interface BrokerServer {
  readonly address: string;
  readonly pid: number;
}

/** A server that does not listen within this time fails the benchmark. */
const START_TIMEOUT_MS = 10_000;
/** NATS refuses larger messages, by default those above 1 MiB. */
const NATS_PAYLOAD_BYTES_MAX = 16 * 2 ** 20;
/**
 * NATS disconnects a subscriber with more pending bytes than this, or that reads nothing for the
 * write deadline. A window of buffers is far smaller.
 */
const NATS_PENDING_BYTES_MAX = 256 * 2 ** 20;
const NATS_WRITE_DEADLINE = '60s';

/**
 * The command of a server. Its output matches `listens` when it listens; the first group is the
 * address, unless `address` is set.
 */
interface ServerCommand {
  readonly command: string;
  readonly options: readonly string[];
  readonly listens: RegExp;
  readonly address?: string;
}

const { kind } = readSettings<{ kind: BrokerKind }>();
const directory = mkdtempSync(join(tmpdir(), 'mirrorflow-bench-'));
const { command, options, listens, address } = { redis: redisCommand, nats: natsCommand }[kind]();
const server = spawn(command, options, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] });
process.on('exit', () => {
  server.kill('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(1));
const listening = await waitUntilListening(server);
serveRequests({
  /** Undefined when the server is not installed. */
  server: () => listening,
  end: async () => {
    if (listening === undefined) return;
    server.removeAllListeners('exit');
    const exited = once(server, 'exit');
    server.kill('SIGKILL');
    await exited;
  },
});

/** Writes nothing to disk, and never disconnects a subscriber for pending bytes. */
function redisCommand(): ServerCommand {
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

/** Listens on a free port, since NATS has no Unix sockets. */
function natsCommand(): ServerCommand {
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
 * Resolves when the server listens, with undefined when it is not installed. Rejects with its
 * output when it exits before it listens; when it exits later, this program exits.
 */
function waitUntilListening(child: ChildProcess): Promise<BrokerServer | undefined> {
  return new Promise((resolve, reject) => {
    let output = '';
    let isListening = false;
    const fail = (): void =>
      reject(new Error(`${command} does not listen after ${START_TIMEOUT_MS} ms: ${output}`));
    const timer = setTimeout(fail, START_TIMEOUT_MS);
    const onOutput = (text: Buffer): void => {
      if (isListening) return; // output is still read: a full pipe would block the server
      output += text.toString();
      const match = listens.exec(output);
      if (match === null) return;
      isListening = true;
      clearTimeout(timer);
      resolve({ address: address ?? match[1] ?? '', pid: child.pid ?? 0 });
    };
    child.stdout?.on('data', onOutput);
    child.stderr?.on('data', onOutput);
    child.once('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      if (error.code === 'ENOENT') resolve(undefined);
      else reject(error);
    });
    child.once('exit', (code, signal) => {
      if (isListening) process.exit(1);
      reject(new Error(`${command} exited with ${signal ?? code}: ${output}`));
    });
  });
}
