/**
 * `rpc`: calls and messages a second, and the duration of one: XML-RPC over HTTP, calls over a
 * session (the client's permanent connection to its app server), and messages from client to
 * client, beside an echo of as many bytes over HTTP and over a Unix socket. Starts a real system.
 */
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect as connectSocket } from 'node:net';
import { join } from 'node:path';
import { connect } from '../client-lib/index.js';
import { hostTokenPath } from '../protocol/base/paths.js';
import { readToken } from '../protocol/rpc/security/token-file.js';
import { HttpRpcClient } from '../protocol/rpc/xml-rpc/http-client.js';
import { BenchProcess, stopAll } from './bench-process.js';
import { Numbered } from './programs/numbered.js';
import { quantile, makeRow, type Peer, type Row } from './report.js';
import { isSelected, type BenchSettings } from './settings.js';
import { startSystem } from './system.js';

const WARM_UP_MS = 300;
/** Calls in flight at the same time. */
const CONCURRENT_CALLS = 32;
/** About the size of a call and of its result. */
const ECHO_BYTES = 400;

interface Figures {
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

type Call = () => Promise<unknown>;

export async function rpc(settings: BenchSettings): Promise<Row[]> {
  const { directory, host, stop } = await startSystem();
  const programs: BenchProcess[] = [];
  try {
    await host.run({ name: 'rpc' });
    const client = await connect({ app: 'rpc', name: 'rpc' });
    const echo = await BenchProcess.start('echo', { path: join(directory, 'echo.sock') });
    programs.push(echo, await BenchProcess.start('message-receiver', { app: 'rpc' }));
    const { port } = await host.info();
    const token = readToken(hostTokenPath(directory, 'read'));
    const http = new HttpRpcClient({ host: '127.0.0.1', port }, token === undefined ? {} : { token });
    const bareHttp = httpEcho(await echo.request<number>('port'));
    const bareSocket = await socketEcho(join(directory, 'echo.sock'));
    const number = new Numbered();
    const cases: readonly [string, Call, string, Call][] = [
      ['XML-RPC over HTTP', () => http.call('host.info', []), 'HTTP echo', bareHttp.call],
      ['call over a session', () => client.appInfo(), 'socket echo', bareSocket.call],
      [
        'message to a client',
        () => client.send(number, { to: { client: 'receiver' } }),
        'socket echo',
        bareSocket.call,
      ],
    ];
    const { run, repeats, durationMs } = settings;
    const selected = cases
      .filter(([name]) => isSelected(settings, name))
      .flatMap((calls) => [1, CONCURRENT_CALLS].map((concurrency) => ({ calls, concurrency })));
    run.expect(selected.length);
    const rows: Row[] = [];
    for (const { calls, concurrency } of selected) {
      const [name, call, peer, peerCall] = calls;
      const title = `${name}, ${concurrency} at a time`;
      const measured = async (): Promise<Row[]> => {
        const figures: Figures[] = [];
        const peerFigures: Figures[] = [];
        for (const _ of run.repetitions(repeats)) {
          figures.push(await measure(call, concurrency, durationMs));
          peerFigures.push(await measure(peerCall, concurrency, durationMs));
        }
        return rowsOfCase(title, figures, peer, peerFigures);
      };
      rows.push(...(await run.measure(title, measured)));
    }
    bareSocket.close();
    bareHttp.close();
    http.close();
    await client.close();
    return rows;
  } finally {
    await stopAll(programs);
    await stop();
  }
}

function rowsOfCase(
  name: string,
  figures: readonly Figures[],
  peer: string,
  peerFigures: readonly Figures[],
): Row[] {
  const peerOf = (of: (figures: Figures) => number): Peer => ({ name: peer, values: peerFigures.map(of) });
  const add = (what: string, unit: string, of: (figures: Figures) => number): Row =>
    makeRow('rpc', `${name}${what}`, unit, figures.map(of), peerOf(of));
  return [
    add('', '1/s', ({ perSecond }) => perSecond),
    add(': p50', 'us', ({ p50Us }) => p50Us),
    add(': p99', 'us', ({ p99Us }) => p99Us),
  ];
}

/** Runs `concurrency` loops at the same time, each making one call after the other. */
async function measure(call: Call, concurrency: number, durationMs: number): Promise<Figures> {
  let durationsUs: number[] = [];
  let until = performance.now() + WARM_UP_MS;
  const callRepeatedly = async (): Promise<void> => {
    while (performance.now() < until) {
      const began = performance.now();
      await call();
      durationsUs.push((performance.now() - began) * 1000);
    }
  };
  const runLoops = (): Promise<unknown> => Promise.all(Array.from({ length: concurrency }, callRepeatedly));
  await runLoops();
  durationsUs = [];
  const began = performance.now();
  until = began + durationMs;
  await runLoops();
  const seconds = (performance.now() - began) / 1000;
  return {
    perSecond: durationsUs.length / seconds,
    p50Us: quantile(durationsUs, 0.5),
    p99Us: quantile(durationsUs, 0.99),
  };
}

function httpEcho(port: number): { readonly call: Call; readonly close: () => void } {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const body = Buffer.alloc(ECHO_BYTES, 'x');
  return {
    call: () =>
      new Promise<void>((resolve, reject) => {
        const sent = request({ host: '127.0.0.1', port, method: 'POST', agent }, (response) => {
          response.resume();
          response.once('end', resolve);
        });
        sent.once('error', reject);
        sent.end(body);
      }),
    close: () => agent.destroy(),
  };
}

/** Replies arrive in the order of the calls. */
async function socketEcho(path: string): Promise<{ readonly call: Call; readonly close: () => void }> {
  const socket = connectSocket(path);
  await once(socket, 'connect');
  const waiting: (() => void)[] = [];
  const body = Buffer.alloc(ECHO_BYTES, 'x');
  let bytes = 0;
  socket.on('data', (chunk: Buffer) => {
    for (bytes += chunk.length; bytes >= ECHO_BYTES; bytes -= ECHO_BYTES) waiting.shift()?.();
  });
  return {
    call: () =>
      new Promise<void>((resolve) => {
        waiting.push(resolve);
        socket.write(body);
      }),
    close: () => socket.destroy(),
  };
}
