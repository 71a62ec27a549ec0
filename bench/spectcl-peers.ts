/**
 * The peers of `spectcl`: a bare TCP client of SpecTcl's mirror protocol that requests updates back
 * to back and discards them (`gateway` uses it too), and a bare loopback socket pair that moves as
 * many bytes as an update has. Opens sockets and spawns processes.
 */
import { connect } from 'node:net';
import { perSecond } from '../protocol/base/rates.js';
import { DISPLAY_HEADER_BYTES } from '../protocol/spectcl/display-memory.js';
import {
  decodeMirrorHeader,
  encodeRequestUpdate,
  MIRROR_HEADER_BYTES,
} from '../protocol/spectcl/mirror-messages.js';
import { BenchProcess, stopAll } from './bench-process.js';
import type { Sample } from './programs/sample.js';
import type { TcpBareSettings } from './programs/tcp-bare.js';
import { pause } from './system.js';

/**
 * Updates per second over `durationMs`. Each update is received whole into one buffer and never
 * read. `capacity` is the size of the channel storage in bytes.
 */
export async function bareUpdatesPerSecond(
  port: number,
  capacity: number,
  durationMs: number,
): Promise<number> {
  const sink = Buffer.alloc(DISPLAY_HEADER_BYTES + capacity);
  const header = Buffer.alloc(MIRROR_HEADER_BYTES);
  let headerBytes = 0;
  let bodyBytesLeft = -1;
  let updates = 0;
  let startedMs = 0;
  return new Promise((resolve, reject) => {
    const finish = (): void => {
      updates += 1;
      bodyBytesLeft = -1;
      const now = performance.now();
      if (updates === 1) startedMs = now; // the first update is a FULL one
      if (now - startedMs >= durationMs) {
        socket.destroy();
        resolve(perSecond(updates - 1, now - startedMs));
        return;
      }
      socket.write(encodeRequestUpdate());
    };
    const socket = connect({
      host: '127.0.0.1',
      port,
      noDelay: true,
      onread: {
        buffer: () => (bodyBytesLeft < 0 ? header.subarray(headerBytes) : sink.subarray(0, bodyBytesLeft)),
        callback: (bytes) => {
          if (bodyBytesLeft < 0) {
            headerBytes += bytes;
            if (headerBytes === MIRROR_HEADER_BYTES) {
              headerBytes = 0;
              bodyBytesLeft = decodeMirrorHeader(header).size - MIRROR_HEADER_BYTES;
              if (bodyBytesLeft === 0) finish();
            }
          } else {
            bodyBytesLeft -= bytes;
            if (bodyBytesLeft === 0) finish();
          }
          return true;
        },
      },
    });
    socket.once('error', reject);
    socket.once('connect', () => socket.write(encodeRequestUpdate()));
  });
}

const WARM_UP_MS = 1_000;
/** The first blocks allocate the memory pages of both ends. */
const WARM_UP_BLOCKS = 2;
const WARM_UP_TIMEOUT_MS = 20_000;
const POLL_INTERVAL_MS = 50;

/** Blocks of `size` bytes per second, written from one buffer and read into one. */
export async function bareBlocksPerSecond(size: number, durationMs: number): Promise<number> {
  const sender = await BenchProcess.start('tcp-bare', { size, blocks: 1 } satisfies TcpBareSettings);
  const programs = [sender];
  try {
    const port = await sender.request<number>('port');
    const settings: TcpBareSettings = { size, blocks: 1, port };
    const receiver = await BenchProcess.start('tcp-bare', settings);
    programs.push(receiver);
    await pause(WARM_UP_MS);
    const deadline = performance.now() + WARM_UP_TIMEOUT_MS;
    let before = await receiver.request<Sample>('sample');
    while (before.bytes < size * WARM_UP_BLOCKS && performance.now() < deadline) {
      await pause(POLL_INTERVAL_MS);
      before = await receiver.request<Sample>('sample');
    }
    await pause(durationMs);
    const after = await receiver.request<Sample>('sample');
    return perSecond((after.bytes - before.bytes) / size, after.atMs - before.atMs);
  } finally {
    await stopAll(programs);
  }
}
