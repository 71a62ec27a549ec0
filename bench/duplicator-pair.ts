/**
 * Two duplicators of two hosts on this machine, started directly, without host and app servers: the
 * second receives its flow from the first over loopback TCP. (A duplicator is the process that owns
 * a flow.) The benchmarks `tcp`, `integrity` and `flood` use the pair. Spawns processes in
 * temporary directories.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  duplicatorArguments,
  type DuplicatorArguments,
} from '../protocol/rpc/contract/duplicator-options.js';

const PROGRAM = fileURLToPath(new URL('../duplicator/main.js', import.meta.url));
const READY_TIMEOUT_MS = 10_000;

export class BenchDuplicator {
  readonly #child: ChildProcess;
  readonly #directory: string;
  #log = '';

  constructor(directory: string, host: string, args: readonly string[]) {
    this.#directory = join(directory, host);
    mkdirSync(join(this.#directory, 'links'), { recursive: true, mode: 0o750 });
    const profile = process.env['BENCH_PROFILE'];
    const profiling = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
    this.#child = spawn(process.execPath, [...profiling, PROGRAM, ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        ...process.env,
        MIRRORFLOW_DIR: this.#directory,
        MIRRORFLOW_FLOW_DIR: join(directory, 'shm', host),
        MIRRORFLOW_LOG_FORMAT: 'json',
      },
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#log += text));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get link(): string {
    return join(this.#directory, 'links', 'bench@bench.sock');
  }

  get providerLink(): string {
    return join(this.#directory, 'links', 'bench@bench.provide.sock');
  }

  /** Resolves with the fields of the first log line of this message. */
  async waitForLog(message: string): Promise<Record<string, unknown>> {
    const deadline = performance.now() + READY_TIMEOUT_MS;
    for (;;) {
      const line = this.#log.split('\n').find((text) => text.includes(`"message":"${message}"`));
      if (line !== undefined) return JSON.parse(line) as Record<string, unknown>;
      if (this.#child.exitCode !== null || performance.now() > deadline)
        throw new Error(
          `the duplicator did not log "${message}" within ${READY_TIMEOUT_MS} ms:\n${this.#log}`,
        );
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await exit;
  }
}

/** Protection of the link: neither MAC nor TLS, a MAC on every record, or TLS. */
export type LinkProtection = 'off' | 'mac' | 'tls';

export interface DuplicatorPair {
  /** Port on which the first duplicator serves other hosts. */
  readonly port: number;
  readonly sender: BenchDuplicator;
  readonly receiver: BenchDuplicator;
  readonly senderFile: string;
  readonly receiverFile: string;
  readonly stop: () => Promise<void>;
}

/** A flow with `buffers` buffers of `size` bytes; `stop` ends both duplicators. */
export async function startDuplicatorPair(
  size: number,
  buffers: number,
  protection: LinkProtection = 'mac',
): Promise<DuplicatorPair> {
  const directory = mkdtempSync(join(tmpdir(), 'mirrorflow-bench-'));
  const shm = mkdtempSync('/dev/shm/mirrorflow-bench-');
  writeFileSync(join(directory, 'secret'), 'a secret for this benchmark', { mode: 0o600 });
  const certificate = protection === 'tls' ? makeCertificate(directory) : undefined;
  const started: BenchDuplicator[] = [];
  const stop = async (): Promise<void> => {
    for (const duplicator of started.toReversed()) await duplicator.stop();
    for (const path of [directory, shm]) rmSync(path, { recursive: true, force: true });
  };
  const start = (host: string, given: Omit<DuplicatorArguments, 'flow' | 'options'>): BenchDuplicator => {
    const options = {
      application: 'bench',
      flowDirectory: join(shm, host),
      secretFile: join(directory, 'secret'),
      ...(protection === 'off' && { integrity: 'off' as const }),
      ...(certificate !== undefined && { ...certificate, tlsCa: certificate.tlsCert }),
      ...(given.direction === 'output' && {
        listen: certificate === undefined ? 'tcp://127.0.0.1' : 'tls://127.0.0.1',
      }),
    };
    const words = duplicatorArguments({ flow: 'bench', ...given, options });
    const duplicator = new BenchDuplicator(directory, host, words);
    started.push(duplicator);
    return duplicator;
  };
  try {
    const sender = start('a', { direction: 'output', buffers, bufferSize: size });
    const { address } = await sender.waitForLog('serving other hosts');
    const receiver = start('b', { direction: 'input', source: String(address) });
    const receiverFile = String((await receiver.waitForLog('ready'))['file']);
    const senderFile = String((await sender.waitForLog('ready'))['file']);
    const port = Number(String(address).split(':').at(-1));
    return { port, sender, receiver, senderFile, receiverFile, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function makeCertificate(directory: string): { readonly tlsCert: string; readonly tlsKey: string } {
  const [tlsCert, tlsKey] = [join(directory, 'host.crt'), join(directory, 'host.key')];
  execFileSync('openssl', [
    'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2',
    '-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', tlsKey, '-out', tlsCert,
  ], { stdio: 'ignore' }); // prettier-ignore
  chmodSync(tlsKey, 0o600);
  return { tlsCert, tlsKey };
}
