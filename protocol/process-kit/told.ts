/** What a parent tells the child that it starts, while that comes up: see ChildSpec.told. The child's side. */
import { Socket } from 'node:net';
import { TOLD_VARIABLE } from './child.js';

/** More than that is nothing that was meant for a child. */
const TOLD_CHARACTERS_MAX = 1024 * 1024;

/** The text, when all of it has come; `''` when the parent went away before that. Undefined for a process that is told nothing. Never rejects. */
export function toldByParent(env: NodeJS.ProcessEnv): Promise<string> | undefined {
  const descriptor = Number(env[TOLD_VARIABLE] || Number.NaN);
  if (!Number.isInteger(descriptor)) return undefined;
  delete env[TOLD_VARIABLE]; // read once; this process's own children are told something else
  return new Promise((resolve) => {
    let text = '';
    let socket: Socket;
    try {
      socket = new Socket({ fd: descriptor, readable: true, writable: false });
    } catch {
      resolve('');
      return;
    }
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      text += chunk;
      if (text.length > TOLD_CHARACTERS_MAX) socket.destroy();
    });
    socket.once('error', () => socket.destroy());
    socket.once('close', () => resolve(text));
  });
}
