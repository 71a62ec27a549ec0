/**
 * `rpc`: calls and messages a second, and how long one takes: XML-RPC over HTTP and over a session,
 * messages from client to client, beside an echo of as many bytes over HTTP and over a Unix socket.
 */
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { connect as connectSocket } from 'node:net';
import { join } from 'node:path';
import { connect } from '../client-lib/index.js';
import { readToken } from '../protocol/rpc/security/token-file.js';
import { HttpRpcClient } from '../protocol/rpc/xml-rpc/http-client.js';
import { BenchProcess, stopAll } from './bench-process.js';
import { Numbered } from './programs/numbered.js';
import { quantile, row, type Peer, type Row } from './report.js';
import { wanted, type BenchSettings } from './settings.js';
import { startSystem } from './system.js';

const WARM_UP_MS = 300;
/** Calls under way at the same time. */
const TOGETHER = 32;
/** About what a call and its answer have. */
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
    const token = readToken(directory);
    const http = new HttpRpcClient({ host: '127.0.0.1', port }, token === undefined ? {} : { token });
    const bareHttp = httpEcho(await echo.ask<number>('port'));
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
    const rows: Row[] = [];
    for (const [name, call, peer, peerCall] of cases) {
      if (!wanted(settings, name)) continue;
      for (const together of [1, TOGETHER]) {
        const ours: Figures[] = [];
        const theirs: Figures[] = [];
        for (let repeat = 0; repeat < settings.repeats; repeat += 1) {
          ours.push(await measure(call, together, settings.durationMs));
          theirs.push(await measure(peerCall, together, settings.durationMs));
        }
        rows.push(...rowsOfCase(`${name}, ${together} at a time`, ours, peer, theirs));
      }
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

function rowsOfCase(name: string, ours: readonly Figures[], peer: string, theirs: readonly Figures[]): Row[] {
  const beside = (of: (figures: Figures) => number): Peer => ({ name: peer, values: theirs.map(of) });
  const add = (what: string, unit: string, of: (figures: Figures) => number): Row =>
    row('rpc', `${name}${what}`, unit, ours.map(of), beside(of));
  return [
    add('', '1/s', ({ perSecond }) => perSecond),
    add(': p50', 'us', ({ p50Us }) => p50Us),
    add(': p99', 'us', ({ p99Us }) => p99Us),
  ];
}

/** Calls one after the other in so many rows at the same time. */
async function measure(call: Call, together: number, durationMs: number): Promise<Figures> {
  let took: number[] = [];
  let until = performance.now() + WARM_UP_MS;
  const calling = async (): Promise<void> => {
    while (performance.now() < until) {
      const began = performance.now();
      await call();
      took.push((performance.now() - began) * 1000);
    }
  };
  const all = (): Promise<unknown> => Promise.all(Array.from({ length: together }, calling));
  await all();
  took = [];
  const began = performance.now();
  until = began + durationMs;
  await all();
  const seconds = (performance.now() - began) / 1000;
  return { perSecond: took.length / seconds, p50Us: quantile(took, 0.5), p99Us: quantile(took, 0.99) };
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

/** Answers come in the order of the calls. */
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
