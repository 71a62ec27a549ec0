/**
 * The peer `mirrorclient` of `spectcl`: SpecTcl's own mirror client, the program of
 * `--spectcl-client`, at its own pace: it waits five times as long as its last update took. A relay
 * counts the bytes that it receives. Spawns the program; opens sockets; reads /proc.
 */
import { userInfo } from 'node:os';
import { DISPLAY_HEADER_BYTES } from '../protocol/spectcl/display-memory.js';
import { LinkRelay } from './link-relay.js';
import { PeerProgram } from './peer-programs.js';
import { cpuSeconds, pause, type BenchSimulator } from './system.js';

const FIRST_UPDATE_WITHIN_MS = 30_000;
const POLL_INTERVAL_MS = 20;
const ENDS_WITHIN_MS = 5_000;

/**
 * Processor time of the client for an update, in milliseconds. `bytesPerUpdate`: of a partial
 * update, with the header of its message.
 */
export async function ownClientCpuMs(
  program: string,
  { restPort, mirrorPort }: Pick<BenchSimulator, 'restPort' | 'mirrorPort'>,
  bytesPerUpdate: number,
  durationMs: number,
): Promise<number> {
  const relay = await LinkRelay.before(mirrorPort, {});
  const ports = ['--restport', String(restPort), '--mirrorport', String(relay.port)];
  const client = new PeerProgram(program, ['--host', 'localhost', ...ports, '--user', userInfo().username]);
  try {
    await receivedBeyond(relay, client, DISPLAY_HEADER_BYTES + bytesPerUpdate);
    const before = { bytes: relay.receivedBytes, cpu: cpuSeconds(client.pid) };
    await pause(durationMs);
    await receivedBeyond(relay, client, before.bytes + bytesPerUpdate);
    const updates = (relay.receivedBytes - before.bytes) / bytesPerUpdate;
    return ((cpuSeconds(client.pid) - before.cpu) * 1000) / updates;
  } finally {
    // It removes its shared memory when the connection closes, and ends; not when it is killed.
    await relay.close();
    await client.output(ENDS_WITHIN_MS);
  }
}

async function receivedBeyond(relay: LinkRelay, client: PeerProgram, bytes: number): Promise<void> {
  const deadline = performance.now() + FIRST_UPDATE_WITHIN_MS;
  while (relay.receivedBytes < bytes) {
    if (!client.isRunning) throw new Error('the program of --spectcl-client ended before its first updates');
    if (performance.now() > deadline)
      throw new Error(
        `the program of --spectcl-client received ${relay.receivedBytes} bytes in ${FIRST_UPDATE_WITHIN_MS} ms: ${bytes} are needed`,
      );
    await pause(POLL_INTERVAL_MS);
  }
}
