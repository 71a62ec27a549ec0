/**
 * Lets HTTP and permanent connections share one port: the first byte of a connection distinguishes
 * them. The HTTP server puts a sorter in front of its connections; the places of unproven
 * connections (unproven-connections.ts) bound how many wait and for how long. Reads the first chunk
 * of a socket and puts it back.
 */
import type { Socket } from 'node:net';
import { CONTROL_FIRST_BYTE } from '../security/control-handshake.js';

/** Passes the socket, with all its bytes unread, to one of the two handlers. */
export function sortConnection(
  socket: Socket,
  session: (socket: Socket) => void,
  http: (socket: Socket) => void,
): void {
  const stopWaiting = (): void => {
    socket.off('close', stopWaiting);
    socket.off('error', ignore);
    socket.off('data', passOn);
  };
  const passOn = (chunk: Buffer): void => {
    stopWaiting();
    socket.pause();
    socket.unshift(chunk);
    (chunk[0] === CONTROL_FIRST_BYTE ? session : http)(socket);
    socket.resume();
  };
  socket.on('error', ignore);
  socket.once('close', stopWaiting);
  socket.once('data', passOn);
}

function ignore(): void {}
