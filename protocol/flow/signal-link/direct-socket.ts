/**
 * Reads and writes of a connected Unix socket that cost little more than their system calls, for
 * stream-link.ts and stream-connection.ts. Node's streams allocate 64 KiB for every read of an
 * accepted socket, and a request with a callback for every write: several times the cost of a
 * 16-byte message.
 *
 * Uses the descriptor and the handle of a socket, which Node does not document. Where a socket has
 * none, its stream does the same more slowly. Writes to the sockets that it is given.
 */
import { writeSync } from 'node:fs';
import { Socket, type ConnectOpts, type OnReadOpts, type SocketConstructorOpts } from 'node:net';

/** The part of a socket's handle that is used here. */
interface Handle {
  /** -1 once it is closed. */
  readonly fd?: number;
}

/**
 * Writes the first `length` bytes and returns how many the kernel accepted: 0 when the peer's
 * socket has no room, and when the write failed. The stream reports the failure when it writes the
 * rest. Call it only while the stream has nothing to write, so that the order is kept.
 */
export function writeDirectly(socket: Socket, bytes: Buffer, length: number): number {
  // Read for every write: a closed descriptor may belong to another file by now.
  const fd = handleOf(socket)?.fd;
  if (fd === undefined || fd < 0) return 0;
  try {
    return writeSync(fd, bytes, 0, length);
  } catch {
    return 0;
  }
}

/**
 * Moves an accepted connection that has read nothing yet to a socket that reads as `onread` states.
 * The accepted socket must not be used any more. Undefined when Node does not allow that.
 */
export function moveToReader(accepted: Socket, onread: OnReadOpts): Socket | undefined {
  const handle = handleOf(accepted);
  if (handle === undefined) return undefined;
  (accepted as { _handle?: Handle | null })._handle = null;
  accepted.destroy();
  const options: SocketConstructorOpts & ConnectOpts & { readonly handle: Handle } = { handle, onread };
  return new Socket(options);
}

function handleOf(socket: Socket): Handle | undefined {
  return (socket as { _handle?: Handle | null })._handle ?? undefined;
}
