import type { LinkTransport } from './link.js';
export function datagramLink(): LinkTransport {
  throw new Error('soon');
}
